"""Publishers, regions, sources, runs and issues as the native API tells them: the figures of the pages as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from portal.catalog.model import Counts, Issue, Outcome, Publisher, Run, RunMode, StoredIssue
from portal.catalog.store import PublisherSummary
from portal.scorecard.rules import Text
from portal.web import places
from portal.web.documents import Document, publisher_address
from portal.web.health import Health, SourceHealth
from portal.web.issue_words import issue_severity, issue_text
from portal.web.overview import Overview


class DatasetsDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of the datasets found, by id; without ``next`` the last of them."""

    total: int
    datasets: tuple[Document, ...]
    next: str | None = None


class PublisherDocument(Struct, frozen=True, kw_only=True):
    """A publisher with its numbers of present datasets: see ``portal.catalog.store.PublisherSummary``."""

    publisher: Publisher
    source_id: str
    datasets: int
    entries: int
    links: dict[str, str]


class PublishersDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of the publishers, by id."""

    total: int
    publishers: tuple[PublisherDocument, ...]
    next: str | None = None


class RegionDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A region: its place in the vocabulary, and what there is of it."""

    code: str
    name: Text
    level: str | None = None
    parent: str | None = None
    is_read: bool
    """Whether a portal of it, or of a region that holds it, was read to the end at least once."""
    own: int | None = None
    """Datasets about it itself, each counted once; None where none of its portals was read and nothing is known."""
    datasets: int | None = None
    """With those of all its parts."""
    links: dict[str, str]


class RegionsDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of the regions, by code."""

    total: int
    regions: tuple[RegionDocument, ...]
    next: str | None = None


class WholeRegion(Struct, frozen=True, kw_only=True):
    """A region with those that hold it, those right below it, and the sources that are its own."""

    region: RegionDocument
    within: tuple[RegionDocument, ...]
    """The largest first, without the nation."""
    parts: tuple[RegionDocument, ...]
    sources: tuple[str, ...]


class RunDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run; the fields are those of ``portal.catalog.model.Run``. Without ``finished`` it is under way."""

    id: int
    source_id: str
    mode: RunMode
    started: datetime
    finished: datetime | None = None
    outcome: Outcome | None = None
    cause: str | None = None
    not_modified: bool
    declared: int | None = None
    counts: Counts
    requests: int
    bytes_received: int
    not_before: datetime | None = None
    decision: str | None = None
    links: dict[str, str]


class RunsDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of the runs of a source, the newest first."""

    runs: tuple[RunDocument, ...]
    next: str | None = None


class IssueCount(Struct, frozen=True, kw_only=True):
    """How many issues of one code a run had."""

    code: str
    severity: str
    count: int


class WholeRun(Struct, frozen=True, kw_only=True):
    """A run with what was wrong, the most frequent first."""

    run: RunDocument
    issues: tuple[IssueCount, ...]


class IssueDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An issue in words, with the values they are made of: see ``portal.catalog.model.Issue``."""

    id: int
    at: datetime
    code: str
    severity: str
    text: Text
    dataset_id: str | None = None
    source_key: str | None = None
    field: str | None = None
    seen: str | None = None
    detail: str | None = None
    url: str | None = None


class IssuesDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of the issues of a run, in the order they came."""

    total: int
    issues: tuple[IssueDocument, ...]
    next: str | None = None


class SourceDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source and how it stands. How it is asked (keys, options, certificates) is its operators' business."""

    id: str
    title: str
    title_en: str | None = None
    kind: str
    url: str
    region: str | None = None
    institution_type: str | None = None
    schedule: str
    timezone: str
    full_every: str
    health: Health
    under_way: bool
    last_success: datetime | None = None
    last_run: RunDocument | None = None
    """The newest finished one."""
    datasets: int
    links: dict[str, str]


class SourcesDocument(Struct, frozen=True, kw_only=True):
    """Every source, by id."""

    total: int
    sources: tuple[SourceDocument, ...]


def publisher(summary: PublisherSummary, base: str) -> PublisherDocument:
    """A publisher at the portal whose addresses begin with ``base``."""
    id = summary.publisher.id
    return PublisherDocument(
        publisher=summary.publisher,
        source_id=summary.source_id,
        datasets=summary.datasets,
        entries=summary.entries,
        links={
            "page": publisher_address(base, id),
            "datasets": f"{base}/api/v1/datasets?publisher={id}",
            "source": f"{base}/api/v1/sources/{summary.source_id}",
        },
    )


def region(code: str, overview: Overview, totals: Mapping[str, int], base: str) -> RegionDocument:
    """A region; ``totals`` are the datasets of every region with those of its parts."""
    term = places.region(code)
    is_read = not overview.regions_read.isdisjoint((code, *places.ancestors(code)))
    is_known = is_read or code in totals
    return RegionDocument(
        code=code,
        name=Text(places.name(code, "zh"), places.name(code, "en")),
        level=None if term is None else term.attributes.get("level"),
        parent=None if term is None else term.attributes.get("parent"),
        is_read=is_read,
        own=overview.figures.regions.get(code, 0) if is_known else None,
        datasets=totals.get(code, 0) if is_known else None,
        links={
            "page": f"{base}/regions/{code}",
            "datasets": f"{base}/api/v1/datasets?region={code}",
            "high-value": f"{base}/api/v1/regions/{code}/high-value",
        },
    )


def run(run: Run, base: str) -> RunDocument:
    """A run at the portal whose addresses begin with ``base``."""
    return RunDocument(
        id=run.id,
        source_id=run.source_id,
        mode=run.mode,
        started=run.started,
        finished=run.finished,
        outcome=run.outcome,
        cause=run.cause,
        not_modified=run.not_modified,
        declared=run.declared,
        counts=run.counts,
        requests=run.requests,
        bytes_received=run.bytes_received,
        not_before=run.not_before,
        decision=run.decision,
        links={
            "page": f"{base}/runs/{run.id}",
            "issues": f"{base}/api/v1/runs/{run.id}/issues",
            "source": f"{base}/api/v1/sources/{run.source_id}",
        },
    )


def issue_counts(counts: Mapping[str, int]) -> tuple[IssueCount, ...]:
    """How many issues of each code."""
    return tuple(IssueCount(code=code, severity=issue_severity(code), count=count) for code, count in counts.items())


def issue(stored: StoredIssue) -> IssueDocument:
    """An issue in both languages."""
    found: Issue = stored.issue
    return IssueDocument(
        id=stored.id,
        at=stored.at,
        code=found.code,
        severity=issue_severity(found.code),
        text=Text(issue_text(found, "zh"), issue_text(found, "en")),
        dataset_id=stored.dataset_id,
        source_key=found.source_key,
        field=found.field,
        seen=found.seen,
        detail=found.detail,
        url=found.url,
    )


def source(found: SourceHealth, base: str) -> SourceDocument:
    """A source at the portal whose addresses begin with ``base``."""
    one = found.entry.source
    return SourceDocument(
        id=one.id,
        title=one.title,
        title_en=one.title_en,
        kind=one.kind,
        url=one.url,
        region=one.region,
        institution_type=one.institution_type,
        schedule=one.schedule,
        timezone=one.timezone,
        full_every=one.full_every,
        health=found.health,
        under_way=found.under_way,
        last_success=found.last_success,
        last_run=None if found.last is None else run(found.last, base),
        datasets=found.datasets,
        links={
            "page": f"{base}/sources/{one.id}",
            "runs": f"{base}/api/v1/sources/{one.id}/runs",
            "datasets": f"{base}/api/v1/datasets?source={one.id}",
        },
    )
