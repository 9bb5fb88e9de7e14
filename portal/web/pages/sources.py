"""The portals the catalogue is made from: how each stands, what each is."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, render_template, request

from portal.catalog.assessments import Kind
from portal.catalog.model import LinkState, Outcome, Run, RunMode
from portal.web import graded, places
from portal.web.addresses import address
from portal.web.charts import Point, Trend
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.notation import date
from portal.web.scales import scale
from portal.web.site import site
from portal.web.words import t

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
        listed=_listed(runs[:RUNS]),
        older=runs[RUNS - 1].id if len(runs) > RUNS else None,
        undecided=site().catalog.runs.undecided(id),
        links=site().catalog.links.counts(id),
        link_states=[*LinkState, None],
        issues=site().catalog.runs.issue_counts(health.last.id) if health.last else {},
        place=_place,
        card=graded.link(Group(Kind.SOURCE, id)),
    )


def _listed(runs: Sequence[Run]) -> Trend | None:
    """How many records each full listing had; None while there are no two to compare.

    A listing that was not read to its end has no number. Runs that asked for changes only are left out.
    """
    full = [run for run in reversed(runs) if run.mode is RunMode.FULL and run.outcome]
    whole = (Outcome.COMPLETE, Outcome.HELD)
    points = tuple(
        Point(
            when=date(run.started),
            value=run.counts.listed if run.outcome in whole else None,
            href=address("runs.run", id=run.id),
            note=t("sources.not_listed"),
        )
        for run in full
    )
    if sum(point.value is not None for point in points) < 2:
        return None
    return Trend(
        id="listed",
        title=t("sources.listed"),
        times=t("sources.started"),
        measure=t("runs.count_listed"),
        points=points,
        scale=scale(point.value for point in points),
    )


def _place(code: str) -> str:
    return places.name(code, language())
