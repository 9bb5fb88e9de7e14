"""Scorecards for programs: the figures of a page as JSON documents and as rows of CSV, the same numbers in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from msgspec import Struct
from msgspec.structs import asdict

from portal.catalog.assessments import Assessed
from portal.catalog.store import Catalog
from portal.scorecard import cards
from portal.scorecard.assess import Ways
from portal.scorecard.cards import Answer, Card, Evidence, IndicatorCard, Placed
from portal.scorecard.fixes import Fix
from portal.scorecard.reasons import reason
from portal.scorecard.rules import Indicator, RuleSet, Text
from portal.scorecard.verdicts import Finding
from portal.web.documents import dataset_address
from portal.web.graded import Group

AT_ONCE = 200
"""Datasets whose evidence is made at a time."""


class Method(Struct, frozen=True):
    """By what and for which day it was assessed."""

    rules: str
    version: str
    day: datetime


class Places(Struct, frozen=True):
    """The places that the bounds leave open."""

    best: int
    worst: int
    of: int


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a league table. Without ``score`` nothing of it was measured."""

    kind: str
    code: str
    name: str
    score: float | None = None
    low: float
    high: float
    least: float
    most: float
    measured: float
    datasets: int
    places: Places | None = None


class League(Struct, frozen=True, kw_only=True):
    """A league table, best first."""

    method: Method
    of: str
    level: str
    total: int
    groups: tuple[Line, ...]


class IndicatorLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One indicator of a card.

    Without counts it is not measured yet; without ``value`` nothing is known, or it is not asked.
    """

    id: str
    dimension: str
    title: Text
    weight: float
    value: float | None = None
    low: float | None = None
    high: float | None = None
    measured: float | None = None
    points_lost: float | None = None
    passes: int | None = None
    fails: int | None = None
    unknown: int | None = None
    not_applicable: int | None = None


class DimensionLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dimension of a card."""

    id: str
    title: Text
    score: float | None = None
    low: float | None = None
    high: float | None = None
    measured: float | None = None


class FixLine(Struct, frozen=True, kw_only=True):
    """What would raise the score."""

    indicator: str
    datasets: int
    failing: int
    gain: float
    minutes: float


class ScoreLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A score with its bounds. Without ``point`` nothing is known."""

    point: float | None = None
    low: float
    high: float
    measured: float
    datasets: int
    least: float
    most: float


class CardDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A scorecard."""

    method: Method
    kind: str
    code: str
    name: str
    scale: float
    score: ScoreLine
    places: Places | None = None
    datasets: Mapping[str, int]
    """Without ``declared`` no portal says how many it holds."""
    dimensions: tuple[DimensionLine, ...]
    indicators: tuple[IndicatorLine, ...]
    fixes: tuple[FixLine, ...]


class FindingLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A verdict on a dataset."""

    indicator: str
    verdict: str
    reason: str
    words: Text
    seen: str | None = None
    limit: str | None = None


class EvidenceDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dataset's evidence under one rule set."""

    method: Method
    dataset: str
    score: float | None = None
    flags: tuple[str, ...]
    original: str | None = None
    is_what_was_counted: bool
    findings: tuple[FindingLine, ...]


class Behind(Struct, frozen=True, kw_only=True):
    """Datasets behind a number, by id. What follows them is asked for with ``after`` the last one's."""

    method: Method
    kind: str
    code: str
    indicator: str
    verdict: str
    total: int
    datasets: tuple[EvidenceDocument, ...]


def method(rules: RuleSet, day: datetime) -> Method:
    """By what it was assessed."""
    return Method(rules.id, rules.version, day)


def line(placed: Placed, name: str, *, is_ranked: bool) -> Line:
    """A line of a league table."""
    standing = placed.standing
    group = Group(standing.kind, standing.code)
    return Line(
        kind=group.segment,
        code=group.written,
        name=name,
        score=standing.point,
        low=standing.low,
        high=standing.high,
        least=standing.least,
        most=standing.most,
        measured=standing.measured,
        datasets=standing.datasets,
        places=Places(placed.ranks.best, placed.ranks.worst, placed.ranks.of) if is_ranked else None,
    )


def card_document(card: Card, name: str, fixes: Sequence[Fix]) -> CardDocument:
    """A whole card."""
    group = Group(card.kind, card.code)
    lost = cards.lost(card)
    return CardDocument(
        method=method(card.rules, card.day),
        kind=group.segment,
        code=group.written,
        name=name,
        scale=card.rules.scale,
        score=ScoreLine(**asdict(card.score)),
        places=Places(card.ranks.best, card.ranks.worst, card.ranks.of) if card.ranks else None,
        datasets={
            **_declared(card),
            "harvested": card.counts.harvested,
            "counted": card.counts.counted,
            "effective": card.counts.effective,
            **card.counts.flags,
        },
        dimensions=tuple(
            DimensionLine(
                id=one.dimension.id,
                title=one.dimension.title,
                score=one.score.point if one.score else None,
                low=one.score.low if one.score else None,
                high=one.score.high if one.score else None,
                measured=one.score.measured if one.score else None,
            )
            for one in card.dimensions
        ),
        indicators=tuple(
            _indicator_line(one, lost.get(one.indicator.id)) for each in card.dimensions for one in each.indicators
        ),
        fixes=tuple(
            FixLine(
                indicator=one.indicator.id,
                datasets=one.datasets,
                failing=one.failing,
                gain=one.gain,
                minutes=one.minutes,
            )
            for one in fixes
        ),
    )


def _declared(card: Card) -> dict[str, int]:
    declared = card.counts.declared
    return {"declared": declared.datasets} if declared is not None and declared.sources else {}


def _indicator_line(card: IndicatorCard, lost: float | None) -> IndicatorLine:
    value, tally = card.value, card.tally
    return IndicatorLine(
        id=card.indicator.id,
        dimension=card.indicator.dimension,
        title=card.indicator.title,
        weight=card.indicator.weight,
        value=value.point if value else None,
        low=value.low if value else None,
        high=value.high if value else None,
        measured=value.measured if value else None,
        points_lost=lost,
        passes=tally.passes if tally else None,
        fails=tally.fails if tally else None,
        unknown=tally.unknown if tally else None,
        not_applicable=tally.not_applicable if tally else None,
    )


def evidence_document(id: str, found: Evidence) -> EvidenceDocument:
    """All that is found of one dataset under one rule set."""
    return _evidence(id, found, [(one.id, finding) for one, finding in found.findings])


def behind_documents(
    catalog: Catalog, indicator: Indicator, rules: RuleSet, found: Sequence[Assessed]
) -> tuple[EvidenceDocument, ...]:
    """What is found of several datasets by one indicator."""
    seen = cards.evidences(catalog, Ways(), [one.dataset_id for one in found], rules.id)
    return tuple(
        _evidence(id, one, [(asked.id, finding) for asked, finding in one.findings if asked.id == indicator.id])
        for id, one in sorted(seen.items())
    )


def _evidence(id: str, found: Evidence, findings: Iterable[tuple[str, Finding]]) -> EvidenceDocument:
    return EvidenceDocument(
        method=method(found.rules, found.day),
        dataset=id,
        score=found.score.point,
        flags=found.flags,
        original=found.original,
        is_what_was_counted=found.agrees,
        findings=tuple(
            FindingLine(
                indicator=indicator,
                verdict=one.verdict.name.lower(),
                reason=one.reason,
                words=Text(zh=reason(one, "zh"), en=reason(one, "en")),
                seen=one.seen,
                limit=one.limit,
            )
            for indicator, one in findings
        ),
    )


LEAGUE_COLUMNS = (
    "rules", "version", "day", "kind", "code", "name", "score", "low", "high", "least", "most", "measured", "datasets",
    "best_place", "worst_place", "of",
)
CARD_COLUMNS = (
    "rules", "version", "day", "kind", "code", "name", "what", "id", "title_zh", "title_en", "weight", "score", "low", "high",
    "value", "value_low", "value_high", "measured", "points_lost", "datasets", "passes", "fails", "unknown", "not_applicable",
)
"""Points, shares and numbers of datasets have columns of their own, so that a column can be added up."""
DATASET_COLUMNS = (
    "rules", "version", "day", "indicator", "dataset", "title", "publisher", "verdict", "reason_zh", "reason_en", "seen",
    "limit", "page",
)


def league_rows(league: League) -> Iterator[Sequence[object]]:
    """A league table for a spreadsheet."""
    given = (league.method.rules, league.method.version, league.method.day.date())
    for one in league.groups:
        places = (one.places.best, one.places.worst, one.places.of) if one.places else (None, None, None)
        score = (one.score, one.low, one.high, one.least, one.most, one.measured)
        yield (*given, one.kind, one.code, one.name, *score, one.datasets, *places)


def card_rows(card: CardDocument) -> Iterator[Sequence[object]]:
    """A card for a spreadsheet: the score, the counts of datasets, each dimension, each indicator."""
    given = (card.method.rules, card.method.version, card.method.day.date(), card.kind, card.code, card.name)
    points, shares, counts = ((None,) * 3, (None,) * 3, (None,) * 4)
    score = (card.score.point, card.score.low, card.score.high)
    yield (*given, "score", "", "", "", None, *score, *shares, card.score.measured, None, card.score.datasets, *counts)
    for name, count in {"declared": None, **card.datasets}.items():
        yield (*given, "datasets", name, "", "", None, *points, *shares, None, None, count, *counts)
    for part in card.dimensions:
        named = ("dimension", part.id, part.title.zh, part.title.en, None)
        yield (*given, *named, part.score, part.low, part.high, *shares, part.measured, None, None, *counts)
    for one in card.indicators:
        asked = ("indicator", one.id, one.title.zh, one.title.en, one.weight)
        verdicts = (one.passes, one.fails, one.unknown, one.not_applicable)
        yield (*given, *asked, *points, one.value, one.low, one.high, one.measured, one.points_lost, None, *verdicts)


def dataset_rows(
    catalog: Catalog, indicator: Indicator, rules: RuleSet, found: Iterable[Assessed], base: str
) -> Iterator[Sequence[object]]:
    """Datasets behind a number for a spreadsheet."""
    rest = iter(found)
    while part := list(islice(rest, AT_ONCE)):
        documents = behind_documents(catalog, indicator, rules, part)
        entries = {one.dataset.id: one.dataset for one in catalog.entries([each.dataset for each in documents])}
        for one in documents:
            dataset, (finding,) = entries[one.dataset], one.findings
            given = (one.method.rules, one.method.version, one.method.day.date(), finding.indicator, one.dataset)
            publisher = dataset.publisher.name if dataset.publisher else None
            words = (finding.verdict, finding.words.zh, finding.words.en, finding.seen, finding.limit)
            yield (*given, dataset.title, publisher, *words, dataset_address(base, one.dataset))


def all_behind(
    catalog: Catalog, group: Group, rules: RuleSet, indicator: Indicator, answer: Answer
) -> Iterator[Assessed]:
    """Every dataset behind a number, by id."""
    after = ""
    while part := cards.behind(
        catalog, group.kind, group.code, indicator.id, answer, rules.id, after=after, limit=AT_ONCE
    ):
        yield from part
        after = part[-1].dataset_id


FLAGGED_COLUMNS = ("day", "flag", "dataset", "title", "publisher", "page")


def flagged_rows(catalog: Catalog, group: Group, flag: str, base: str) -> Iterator[Sequence[object]]:
    """Datasets that a flag holds for, for a spreadsheet."""
    state = catalog.assessments.state()
    after = ""
    while part := cards.flagged(catalog, group.kind, group.code, flag, after=after, limit=AT_ONCE):
        for entry in catalog.entries([one.dataset_id for one in part]):
            shown = entry.dataset
            publisher = shown.publisher.name if shown.publisher else None
            page = dataset_address(base, shown.id)
            yield (state.day.date() if state else None, flag, shown.id, shown.title, publisher, page)
        after = part[-1].dataset_id
