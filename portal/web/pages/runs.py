"""One harvest as a story: what was asked, what came, what it became, what was wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, abort, render_template
from msgspec import Struct

from portal.catalog.model import Run, Severity, StoredIssue
from portal.catalog.runs import Runs, UnknownRun
from portal.catalog.sources import UnknownSource
from portal.web.issue_words import issue_severity
from portal.web.site import site
from portal.web.spreadsheets import harmless
from portal.web.summaries import title_of

pages = Blueprint("runs", __name__)

BESIDES = ("missing", "retired", "restored", "held")
"""Counts of datasets that stand beside the sum of records."""

SAMPLES = 5
HELD_SHOWN = 50
CSV_BATCH = 1000
_WORST_FIRST = {severity.value: position for position, severity in enumerate(Severity)}

LARGEST_NUMBER = 2**63 - 1
"""What the database can count to."""


class IssueGroup(Struct, frozen=True):
    """The issues of one code in a run: how many, and the first few."""

    code: str
    count: int
    samples: tuple[StoredIssue, ...]


@pages.get("/runs/<int:id>")
def run(id: int) -> str:
    """The run's page; while the run is under way it keeps itself current."""
    shown = _run(id)
    runs = site().catalog.runs
    held = runs.held(id)
    return render_template(
        "pages/run.html",
        run=shown,
        source_title=_source_title(shown.source_id),
        groups=_groups(runs, id),
        besides=[(name, count) for name in BESIDES if (count := getattr(shown.counts, name))],
        held_total=len(held),
        held=[
            (entry.dataset.id, title_of(entry.dataset))
            for entry in site().catalog.entries(held[:HELD_SHOWN])
        ],
    )


@pages.get("/runs/<int:id>/issues.csv")
def issues(id: int) -> Response:
    """Every issue of a run as CSV."""
    shown = _run(id)
    return Response(
        _lines(site().catalog.runs, shown),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="run-{shown.id}-issues.csv"'},
    )


def _groups(runs: Runs, id: int) -> list[IssueGroup]:
    """The issues of a run by code: errors first, the most frequent first."""
    groups = [
        IssueGroup(code, count, tuple(runs.issues(id, code=code, limit=SAMPLES)))
        for code, count in runs.issue_counts(id).items()
    ]
    return sorted(groups, key=lambda group: (_WORST_FIRST[issue_severity(group.code)], -group.count))


def _run(id: int) -> Run:
    if id > LARGEST_NUMBER:
        abort(404)
    try:
        return site().catalog.runs.get(id)
    except UnknownRun:
        abort(404)


def _source_title(id: str) -> str:
    try:
        return site().catalog.sources.get(id).source.title
    except UnknownSource:
        return id


def _lines(runs: Runs, run: Run) -> Iterator[bytes]:
    # The mark makes Excel read UTF-8.
    yield "\ufeff".encode()
    yield _line(("at", "code", "dataset", "source_key", "field", "seen", "detail", "url"))
    last = 0
    while batch := runs.issues(run.id, after=last, limit=CSV_BATCH):
        for stored in batch:
            issue = stored.issue
            cells = (stored.dataset_id, issue.source_key, issue.field, issue.seen, issue.detail, issue.url)
            yield _line((stored.at.isoformat(), issue.code, *map(harmless, cells)))
        last = batch[-1].id


def _line(cells: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode("utf-8", "replace")
