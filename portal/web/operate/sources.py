"""The sources as those who run them see them: state first, then what one can do about it."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from portal.catalog.model import RunMode
from portal.catalog.sources import UnknownSource
from portal.web import letters
from portal.web.addresses import address
from portal.web.health import SourceHealth
from portal.web.signing_in import signed_in
from portal.web.site import site

pages = Blueprint("operate_sources", __name__)

RUNS = 10

ASKED = (RunMode.INCREMENTAL, RunMode.FULL)
"""What the buttons ask for; reading again follows decisions by itself."""

BLOCKED = "portal.blocked"
"""The code of what only the portal's people can cure: they are written to."""

DONE = ("asked", "paused", "resumed")
"""What the page says after one of its buttons."""


@pages.get("/operate")
@pages.get("/operate/sources")
def sources() -> str:
    """Every source, those in trouble first."""
    catalog = site().catalog
    return render_template(
        "operate/sources.html",
        sources=site().overviews.sources(),
        requested=catalog.sources.requested(),
        held={run.source_id: run for run in catalog.runs.undecided()},
    )


@pages.get("/operate/sources/<id>")
def source(id: str) -> str:
    """One source: how it stands and everything one can ask of it."""
    done = request.args.get("done")
    catalog, health = site().catalog, _health(id)
    return render_template(
        "operate/source.html",
        health=health,
        letter=_letter(health),
        requested=catalog.sources.requested().get(id, ()),
        runs=catalog.runs.recent(id, limit=RUNS),
        modes=ASKED,
        done=done if done in DONE else None,
    )


@pages.post("/operate/sources/<id>/run")
def run(id: str) -> Answer:
    """Asks the scheduler for a run; it begins within seconds where one is at work."""
    mode = request.form.get("mode", "")
    if mode not in ASKED:
        abort(400)
    try:
        site().catalog.sources.request_run(id, RunMode(mode), signed_in().name)
    except UnknownSource:
        abort(404)
    return _back(id, "asked")


@pages.post("/operate/sources/<id>/pause")
def pause(id: str) -> Answer:
    """Leaves a source out of the schedule, or takes it in again."""
    said = request.form.get("paused", "")
    if said not in ("yes", "no"):
        abort(400)
    paused = said == "yes"
    try:
        site().catalog.sources.pause(id, paused, by=signed_in().name)
    except UnknownSource:
        abort(404)
    return _back(id, "paused" if paused else "resumed")


def _letter(health: SourceHealth) -> str | None:
    """What to write to the portal, where it turned the last run away."""
    run = health.last
    if run is None or run.cause != BLOCKED:
        return None
    told = site().catalog.runs.issues(run.id, code=BLOCKED, limit=1)
    return letters.blocked_letter(health.entry.source, run, told[0].issue) if told else None


def _back(id: str, done: str) -> Answer:
    return redirect(address("operate_sources.source", id=id, done=done), 303)


def _health(id: str) -> SourceHealth:
    found = next((one for one in site().overviews.sources() if one.entry.source.id == id), None)
    if found is None:
        abort(404)
    return found
