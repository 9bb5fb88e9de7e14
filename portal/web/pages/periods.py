"""Half-years as pages: what a preview shows, what was frozen, what its signature proves, and all of it to take along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from flask import Blueprint, Response, abort, render_template, request
from msgspec import Struct

from portal.catalog.assessments import Kind, Standing
from portal.catalog.periods import FrozenPeriod, UnknownPeriod
from portal.catalog.statements import Kind as Said
from portal.catalog.statements import Statement
from portal.scorecard import exports, kept, periods, weeks
from portal.scorecard.assess import standard_layout
from portal.web import graded, previewing
from portal.web.addresses import address
from portal.web.answers import answer, problem, streamed
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.letters import signed
from portal.web.pages.changes import midnight
from portal.web.paging import page_asked, paging
from portal.web.site import site

pages = Blueprint("periods", __name__)

ROWS = 100

OF = {"departments": Kind.DEPARTMENT, "regions": Kind.REGION, "sources": Kind.SOURCE}
"""The league tables that are shown; all groups are in the downloads."""

MEDIA = {"csv": "text/csv", "json": "application/json", "parquet": "application/vnd.apache.parquet"}


class Held(Struct, frozen=True):
    """An assessment that is kept, frozen or shown in a preview, and what it says of itself."""

    stored: FrozenPeriod
    manifest: periods.Manifest

    @property
    def is_final(self) -> bool:
        """Whether it is frozen, and not what a preview shows."""
        return self.manifest.until is None


class Speaking(Struct, frozen=True):
    """A department that spoke in a preview, and how often."""

    code: str
    name: str
    disputes: int
    waiting: int
    comments: int


@pages.get("/scorecards/periods")
def all_periods() -> str:
    """Every period that is frozen or previewed, the newest first."""
    catalog = site().catalog
    running = [one for one in previewing.all_weeks() if one.stage is not previewing.Stage.FROZEN]
    held = [_held_as(catalog.periods.get(one.preview.kept)) for one in running]
    held += [_held_as(one) for one in catalog.periods.all()]
    held.sort(key=lambda one: one.manifest.period, reverse=True)
    found = {one.preview.period: one for one in running}
    return render_template("pages/periods.html", held=held, weeks=found, midnight=midnight)


@pages.get("/scorecards/periods/<id>")
def period(id: str) -> str:
    """One period: frozen, or while it is not, what its preview shows."""
    held = asked(id)
    rules = request.args.get("rules", held.manifest.rules[0].id)
    of = request.args.get("of", "departments")
    if rules not in [one.id for one in held.manifest.rules] or of not in OF:
        abort(404)
    catalog, stored = site().catalog, held.stored.id
    groups = catalog.periods.peer_groups(stored, rules, OF[of])
    tables = sorted((graded.table_of(OF[of], peers) for peers in groups), key=lambda one: graded.LEVELS.index(one.level))
    level = request.args.get("level", tables[0].level if tables else "")
    table = next((one for one in tables if one.level == level), None)
    if tables and table is None:
        abort(404)
    found = [] if table is None else catalog.periods.league(stored, rules, OF[of], table.peers)
    own = name_of(held)
    turns = paging(
        page_asked(), len(found), ROWS,
        lambda page: address("periods.period", id=own, rules=rules, of=of, level=level, page=page if page > 1 else None),
    )
    shown = found[(turns.page - 1) * ROWS:][:ROWS]
    week = previewing.week(held.manifest.period)
    said = [] if week is None else catalog.statements.of(held.manifest.period)
    moved = kept.differences(catalog, week.preview.kept, stored, rules) if week is not None and held.is_final else ()
    return render_template(
        "pages/period.html",
        held=held,
        period=held.manifest.period,
        own=own,
        week=week,
        ended=previewing.ended(stored, week),
        day=midnight(held.manifest.day),
        is_signed=is_signed(held),
        is_said=None if held.manifest.preview is None else weeks.digest(said) == held.manifest.preview.statements_sha256,
        rules=rules,
        titles={one.id: one.title.text(language()) for one in standard_layout().rule_sets},
        of=of,
        kinds=OF,
        tables=tables,
        table=table,
        standings=shown,
        names=graded.names(OF[of], [one.code for one in shown]),
        line_address=_line_address(held, rules),
        speaking=_speaking(said),
        moved=moved[:ROWS],
        moved_more=len(moved) - len(moved[:ROWS]),
        moved_names=graded.names(Kind.DEPARTMENT, [one.code for one in moved[:ROWS]]),
        signed=signed,
        paging=turns,
        exported=tuple(exports.TABLES),
        formats=[one for one in MEDIA if one != "parquet" or find_spec("pyarrow")],
    )


@pages.get("/scorecards/periods/<id>/manifest.json")
def manifest(id: str) -> Response:
    """The manifest, byte for byte as it was signed."""
    return answer(asked(id).stored.manifest, "application/json")


@pages.get("/scorecards/periods/<id>/<table>.<format_>")
def download(id: str, table: str, format_: str) -> Response:
    """One table of a period, after its evidence was held against the hash."""
    held = asked(id)
    if table not in exports.TABLES or format_ not in MEDIA or (format_ == "parquet" and find_spec("pyarrow") is None):
        abort(404)
    name = held.stored.id
    try:
        _, layout, rows = periods.streamed(site().catalog, name)
    except periods.PeriodInvalid as error:
        return problem(500, "Not what was frozen", str(error))
    written = exports.FORMATS[format_](exports.TABLES[table](layout, rows))
    return streamed(written, MEDIA[format_], f"{name}-{table}.{format_}")


def asked(id: str) -> Held:
    """The period in the address: frozen, else as its preview shows it, which also has a name of its own."""
    catalog = site().catalog
    preview = catalog.previews.get(id)
    for name in (id,) if preview is None else (id, preview.kept):
        try:
            return _held_as(catalog.periods.get(name))
        except UnknownPeriod:
            continue
    abort(404)


def name_of(held: Held) -> str:
    """What the addresses of its pages call it: its period, or its own name where the period's lead to something newer."""
    return held.manifest.period if asked(held.manifest.period).stored.id == held.stored.id else held.stored.id


def _held_as(stored: FrozenPeriod) -> Held:
    return Held(stored, periods.manifest_of(stored))


def is_signed(held: Held) -> bool | None:
    """Whether a manifest bears the signature of this site's key; None where the site has none."""
    key = site().settings.secret_key
    return None if key is None else periods.is_signed(site().catalog, held.stored.id, key)


def _line_address(held: Held, rules: str) -> Callable[[Standing], str]:
    """Where a line of the league table leads: a department's to its page in the period, any other to its card of now."""
    has_departments, own = site().catalog.periods.has_departments(held.stored.id), name_of(held)

    def to(standing: Standing) -> str:
        if standing.kind is Kind.DEPARTMENT and has_departments:
            return department_address(own, standing.code, rules)
        return graded.card_address(Group(standing.kind, standing.code), "national")

    return to


def department_address(period: str, department: str, rules: str) -> str:
    """The page of a department in a period."""
    given = rules if rules != standard_layout().rule_sets[0].id else None
    return address("period_departments.department", id=period, department=department, rules=given)


def _speaking(said: Sequence[Statement]) -> list[Speaking]:
    codes = sorted({one.department for one in said})
    names = graded.names(Kind.DEPARTMENT, codes)
    of = {code: [one for one in said if one.department == code] for code in codes}
    found = [
        Speaking(
            code, names[code],
            disputes=sum(one.saying.kind is Said.DISPUTE for one in own),
            waiting=sum(one.is_open for one in own),
            comments=sum(one.saying.kind is Said.COMMENT for one in own),
        )
        for code, own in of.items()
    ]
    return sorted(found, key=lambda one: (-one.waiting, -one.disputes, one.code))
