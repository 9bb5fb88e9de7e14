"""Held runs: what would go, and the two decisions about it."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from portal.catalog import held as decisions
from portal.catalog.held import NotHeld
from portal.catalog.model import Entry, Run
from portal.catalog.runs import UnknownRun
from portal.catalog.sources import SourceHeld
from portal.web.addresses import address
from portal.web.pages.runs import LARGEST_NUMBER
from portal.web.signing_in import signed_in
from portal.web.site import site
from portal.web.spreadsheets import harmless, written
from portal.web.summaries import title_of

pages = Blueprint("operate_held", __name__)

SHOWN = 200
DONE = ("approved", "rejected")

COLUMNS = ("dataset", "source_key", "title", "publisher", "listed_again_as", "under_source_key")
"""Of the table of what would go."""


@pages.get("/operate/runs/held")
def held() -> str:
    """Every held run nobody has decided about."""
    done = request.args.get("done")
    return render_template(
        "operate/held.html",
        runs=site().catalog.runs.undecided(),
        titles={one.entry.source.id: one.entry.source for one in site().overviews.sources()},
        done=done if done in DONE else None,
    )


@pages.get("/operate/runs/<int:id>/held")
def one(id: int) -> Response:
    """What one held run would take away, by publisher and by dataset."""
    return _page(id, 200)


@pages.get("/operate/runs/<int:id>/held.csv")
def table(id: int) -> Response:
    """Everything that would go, each with what is listed in its place."""
    catalog, run = site().catalog, _run(id)
    again = decisions.listed_again(catalog, run)
    rows = (_row(entry, again.get(entry.dataset.id)) for entry in catalog.entries(catalog.runs.held(id)))
    return Response(
        written(COLUMNS, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="held-{id}.csv"'},
    )


def _row(entry: Entry, again: Entry | None) -> tuple[str, ...]:
    dataset = entry.dataset
    told = (dataset.source_key, dataset.title, dataset.publisher.name if dataset.publisher else None)
    place = (again.dataset.id, again.dataset.source_key) if again else (None, None)
    return (dataset.id, *map(harmless, (*told, *place)))


@pages.post("/operate/runs/<int:id>/approve")
def approve(id: int) -> Response | Answer:
    """Retires what the run holds back."""
    holder = f"{socket.gethostname()}:{os.getpid()}"
    return _decide(id, "approved", lambda: decisions.approve(site().catalog, id, holder=holder, by=signed_in().name))


@pages.post("/operate/runs/<int:id>/reject")
def reject(id: int) -> Response | Answer:
    """Keeps it."""
    return _decide(id, "rejected", lambda: decisions.reject(site().catalog, id, by=signed_in().name))


def _decide(id: int, done: str, decide: Callable[[], object]) -> Response | Answer:
    _run(id)
    try:
        decide()
    except NotHeld:
        return _page(id, 409, problem="decided")
    except SourceHeld:
        return _page(id, 409, problem="busy")
    return redirect(address("operate_held.held", done=done), 303)


def _page(id: int, status: int, problem: str | None = None) -> Response:
    run = _run(id)
    catalog = site().catalog
    ids = catalog.runs.held(id)
    entries = catalog.entries(ids)
    counted = Counter(entry.dataset.publisher.id for entry in entries if entry.dataset.publisher)
    again = decisions.listed_again(catalog, run)
    publishers = {summary.publisher.id: summary for summary in catalog.publishers(list(counted))}
    page = render_template(
        "operate/held_run.html",
        run=run,
        total=len(ids),
        stood=catalog.sources.dataset_counts().get(run.source_id, 0),
        publishers=[(publishers[id], count) for id, count in counted.most_common(20) if id in publishers],
        shown=[(entry, title_of(entry.dataset), again.get(entry.dataset.id)) for entry in entries[:SHOWN]],
        again=len(again),
        problem=problem,
    )
    return make_response(page, status)


def _run(id: int) -> Run:
    if id > LARGEST_NUMBER:
        abort(404)
    try:
        return site().catalog.runs.get(id)
    except UnknownRun:
        abort(404)
