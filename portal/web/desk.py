"""The desk of a data officer: what their department came to in the previews, and what they say of it for the department."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from msgspec import Struct
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Answered

from portal.catalog.accounts import Account, Role
from portal.catalog.assessments import Kind as Of
from portal.catalog.demand import Standing, Which
from portal.catalog.model import Entry
from portal.catalog.statements import LONGEST, Kind, Saying, StatementRefused, UnknownStatement
from portal.scorecard import disputes, kept
from portal.scorecard.cards import Answer, Card, IndicatorCard
from portal.scorecard.periods import last_day
from portal.scorecard.rules import PACKAGED, RuleSet
from portal.web import graded, previewing, requests_desk, signing_in
from portal.web.addresses import address
from portal.web.pages.changes import midnight
from portal.web.pages.runs import LARGEST_NUMBER
from portal.web.previewing import Stage, Week
from portal.web.site import site
from portal.web.summaries import title_of

pages = Blueprint("desk", __name__)
signing_in.only_for(pages, (Role.OFFICER,))

DESK = (pages, requests_desk.pages)

WEEKS = 4
"""Previews on the desk: those of two years."""

DATASETS = 100
"""Of those that fail, as many are offered to be named."""

DONE = ("said", "withdrawn")

_ID = re.compile(r"(?:^|/datasets/)([a-z0-9]{16})\b")


class Failing(Struct, frozen=True):
    """An indicator that the department's datasets fail, and what it costs."""

    one: IndicatorCard
    lost: float


class Shown(Struct, frozen=True):
    """A preview on the desk: how it stands and what the department came to in it."""

    week: Week
    day: datetime
    """The last day of the period."""
    card: Card | None
    """As shown, or as frozen; None where there is no dataset of the department in it."""
    failing: tuple[Failing, ...]
    """What costs points, most first; none once the week is over."""


@pages.get("/desk")
def desk() -> Response:
    """The previews, what costs the department points, and what it said."""
    return _desk(200)


@pages.get("/desk/<period>/new")
def form(period: str) -> Response:
    """The form to speak with; what the address names is filled in."""
    return _form(period, request.args, 200)


@pages.post("/desk/<period>/new")
def say(period: str) -> Response | Answered:
    """Takes the statement down; it is public at once."""
    given = request.form
    try:
        saying = _saying(given)
        made = disputes.say(site().catalog, period, saying, signing_in.signed_in())
    except StatementRefused as refused:
        return _form(period, given, 422, refused.problem)
    return redirect(address("desk.desk", done="said") + f"#statement-{made.number}", 303)


@pages.post("/desk/statements/<int:number>/withdraw")
def withdraw(number: int) -> Response | Answered:
    """Takes a statement of the department back."""
    if number > LARGEST_NUMBER:
        abort(404)
    try:
        site().catalog.statements.withdraw(number, by=signing_in.signed_in().name)
    except UnknownStatement:
        abort(404)
    except StatementRefused as refused:
        return _desk(409, refused.problem)
    return redirect(address("desk.desk", done="withdrawn") + f"#statement-{number}", 303)


def _saying(given: MultiDict[str, str]) -> Saying:
    """What a form says. Raises StatementRefused where it says something that is not there to choose."""
    kind, about, dataset = (given.get(name, "").strip() for name in ("kind", "about", "dataset"))
    if kind not in tuple(Kind):
        raise StatementRefused("number")
    rules, _, indicator = about.partition(".")
    found = _ID.search(dataset[:500])
    if dataset and found is None:
        raise StatementRefused("dataset")
    return Saying(
        kind=Kind(kind),
        rules=rules or None,
        indicator=indicator or None,
        dataset_id=None if found is None else found[1],
        text=given.get("text", ""),
    )


def _desk(status: int, problem: str | None = None) -> Response:
    person, done = signing_in.signed_in(), request.args.get("done")
    department = _department(person)
    said = site().catalog.statements.by(department)
    page = render_template(
        "desk/desk.html",
        department=department,
        name=_name(department),
        shown=[_shown(week, department) for week in previewing.all_weeks()[:WEEKS]],
        rules=PACKAGED[0],
        spoken=previewing.shown(said),
        asked=site().catalog.demand.count(Which(department=department, standings=(Standing.UNANSWERED,))),
        unfrozen={one.preview.period for one in previewing.all_weeks() if one.stage is not Stage.FROZEN},
        done=done if done in DONE else None,
        problem=problem,
    )
    return make_response(page, status)


def _form(period: str, given: MultiDict[str, str], status: int, problem: str | None = None) -> Response:
    week = previewing.week(period)
    if week is None:
        abort(404)
    department = _department(signing_in.signed_in())
    catalog, id = site().catalog, week.preview.kept
    rule_sets = kept.rule_sets(catalog, id)
    about = given.get("about") or ".".join(filter(None, (given.get("rules"), given.get("indicator"))))
    rules, _, indicator = about.partition(".")
    has_datasets = bool(kept.rows(catalog, id, department))
    page = render_template(
        "desk/form.html",
        week=week,
        period=period,
        department=department,
        name=_name(department),
        rule_sets=rule_sets if has_datasets else (),
        about=about if disputes.is_number(catalog, id, rules, indicator) else "",
        dataset=given.get("dataset", "")[:500],
        kind=given.get("kind", Kind.DISPUTE.value),
        kinds=tuple(Kind),
        text=given.get("text", ""),
        longest=LONGEST,
        failing=_failing(id, department, rule_sets, rules, indicator),
        title_of=title_of,
        problem=problem,
    )
    return make_response(page, status)


def _failing(
    id: str, department: str, rule_sets: Sequence[RuleSet], rules: str, indicator: str
) -> list[Entry]:
    """The datasets that fail the indicator the form is about, to be named; none where it is about no number."""
    catalog = site().catalog
    if not disputes.is_number(catalog, id, rules, indicator):
        return []
    found = kept.behind(catalog, id, department, rules, indicator, Answer.FAIL)
    return catalog.entries([row.dataset_id for row in found[:DATASETS]])


def _shown(week: Week, department: str) -> Shown:
    catalog, preview = site().catalog, week.preview
    id = preview.period if week.stage is Stage.FROZEN else preview.kept
    card, day = kept.card(catalog, id, department, PACKAGED[0]), midnight(last_day(preview.period))
    if card is None or week.stage is not Stage.OPEN:
        return Shown(week, day, card, ())
    lost = graded.points_lost(card)
    several = (one for each in card.dimensions for one in each.indicators)
    failing = [
        Failing(one, lost[one.indicator.id])
        for one in several
        if one.indicator.id in lost and (lost[one.indicator.id] > 0 or one.count(Answer.FAIL))
    ]
    return Shown(week, day, card, tuple(sorted(failing, key=lambda one: -one.lost)))


def _department(person: Account) -> str:
    assert person.department is not None, "an officer has a department"
    return person.department


def _name(department: str) -> str:
    return graded.names(Of.DEPARTMENT, [department])[department]
