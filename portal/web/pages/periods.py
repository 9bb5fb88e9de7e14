"""Frozen half-years: what each holds, what its signature proves, its league tables as frozen, and all of it to take along."""

from __future__ import annotations

from importlib.util import find_spec

from flask import Blueprint, Response, abort, render_template, request
from msgspec import Struct

from portal.catalog.assessments import Kind
from portal.catalog.periods import FrozenPeriod, UnknownPeriod
from portal.scorecard import exports, periods
from portal.scorecard.assess import standard_layout
from portal.web import graded
from portal.web.addresses import address
from portal.web.answers import answer, problem, streamed
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.pages.changes import midnight
from portal.web.paging import page_asked, paging
from portal.web.site import site

pages = Blueprint("periods", __name__)

ROWS = 100

OF = {"departments": Kind.DEPARTMENT, "regions": Kind.REGION, "sources": Kind.SOURCE}
"""The league tables that are shown; all groups are in the downloads."""

MEDIA = {"csv": "text/csv", "json": "application/json", "parquet": "application/vnd.apache.parquet"}


class Held(Struct, frozen=True):
    """A frozen period and what it says of itself."""

    stored: FrozenPeriod
    manifest: periods.Manifest


@pages.get("/scorecards/periods")
def all_periods() -> str:
    """Every frozen period, the newest first."""
    held = [Held(one, periods.manifest_of(one)) for one in site().catalog.periods.all()]
    return render_template("pages/periods.html", held=held, midnight=midnight)


@pages.get("/scorecards/periods/<id>")
def period(id: str) -> str:
    """One frozen period."""
    held = _held(id)
    rules = request.args.get("rules", held.manifest.rules[0].id)
    of = request.args.get("of", "departments")
    if rules not in [one.id for one in held.manifest.rules] or of not in OF:
        abort(404)
    catalog = site().catalog
    groups = catalog.periods.peer_groups(id, rules, OF[of])
    tables = sorted((graded.table_of(OF[of], peers) for peers in groups), key=lambda one: graded.LEVELS.index(one.level))
    level = request.args.get("level", tables[0].level if tables else "")
    table = next((one for one in tables if one.level == level), None)
    if tables and table is None:
        abort(404)
    found = [] if table is None else catalog.periods.league(id, rules, OF[of], table.peers)
    turns = paging(
        page_asked(), len(found), ROWS,
        lambda page: address("periods.period", id=id, rules=rules, of=of, level=level, page=page if page > 1 else None),
    )
    shown = found[(turns.page - 1) * ROWS:][:ROWS]
    key = site().settings.secret_key
    return render_template(
        "pages/period.html",
        held=held,
        day=midnight(held.manifest.day),
        is_signed=None if key is None else periods.is_signed(catalog, id, key),
        rules=rules,
        titles={one.id: one.title.text(language()) for one in standard_layout().rule_sets},
        of=of,
        kinds=OF,
        tables=tables,
        table=table,
        standings=shown,
        names=graded.names(OF[of], [one.code for one in shown]),
        Group=Group,
        card_address=graded.card_address,
        paging=turns,
        exported=tuple(exports.TABLES),
        formats=[one for one in MEDIA if one != "parquet" or find_spec("pyarrow")],
    )


@pages.get("/scorecards/periods/<id>/manifest.json")
def manifest(id: str) -> Response:
    """The manifest, byte for byte as it was signed."""
    return answer(_held(id).stored.manifest, "application/json")


@pages.get("/scorecards/periods/<id>/<table>.<format_>")
def download(id: str, table: str, format_: str) -> Response:
    """One table of a frozen period, after its evidence was held against the hash."""
    _held(id)
    if table not in exports.TABLES or format_ not in MEDIA or (format_ == "parquet" and find_spec("pyarrow") is None):
        abort(404)
    try:
        _, layout, rows = periods.streamed(site().catalog, id)
    except periods.PeriodInvalid as error:
        return problem(500, "Not what was frozen", str(error))
    return streamed(exports.FORMATS[format_](exports.TABLES[table](layout, rows)), MEDIA[format_], f"{id}-{table}.{format_}")


def _held(id: str) -> Held:
    try:
        stored = site().catalog.periods.get(id)
    except UnknownPeriod:
        abort(404)
    return Held(stored, periods.manifest_of(stored))
