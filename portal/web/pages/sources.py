"""The portals the catalogue is made from: how each stands, what each is."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from portal.web import places
from portal.web.languages import language
from portal.web.site import site

pages = Blueprint("sources", __name__)

RUNS = 20


@pages.get("/sources")
def sources() -> str:
    """Every source, those in trouble first."""
    return render_template("pages/sources.html", sources=site().overviews.sources(), place=_place)


@pages.get("/sources/<id>")
def source(id: str) -> str:
    """One source: its state, what it is, its runs."""
    health = next((one for one in site().overviews.sources() if one.entry.source.id == id), None)
    if health is None:
        abort(404)
    before = request.args.get("before", "")
    runs = site().catalog.runs.recent(
        id, before=int(before[:18]) if before.isascii() and before.isdigit() else None, limit=RUNS + 1
    )
    return render_template(
        "pages/source.html",
        health=health,
        source=health.entry.source,
        runs=runs[:RUNS],
        older=runs[RUNS - 1].id if len(runs) > RUNS else None,
        undecided=site().catalog.runs.undecided(id),
        issues=site().catalog.runs.issue_counts(health.last.id) if health.last else {},
        place=_place,
    )


def _place(code: str) -> str:
    return places.name(code, language())
