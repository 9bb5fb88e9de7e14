"""What departments said in previews: the disputes that hold a period up first, each to be answered in public."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answered

from portal.catalog.accounts import OPERATE
from portal.catalog.assessments import Kind
from portal.catalog.statements import LONGEST, Statement, StatementRefused, UnknownStatement, Verdict
from portal.scorecard import kept
from portal.web import graded, previewing
from portal.web.addresses import address
from portal.web.pages.runs import LARGEST_NUMBER
from portal.web.paging import page_asked, paging
from portal.web.signing_in import signed_in
from portal.web.site import site

pages = Blueprint("operate_disputes", __name__)

ROWS = 50

DONE = ("answered", "extended", "called-off")


@pages.get("/operate/disputes")
def disputes() -> str:
    """What was said of periods that are not frozen: open disputes, then comments nobody answered, then the rest."""
    said, done = sorted(site().catalog.statements.unfrozen(), key=_urgency), request.args.get("done")
    turns = paging(
        page_asked(), len(said), ROWS,
        lambda page: address("operate_disputes.disputes", page=page if page > 1 else None),
    )
    return render_template(
        "operate/disputes.html",
        weeks=[one for one in previewing.all_weeks() if one.stage is not previewing.Stage.FROZEN],
        waiting=sum(one.is_open for one in said),
        spoken=previewing.shown(said[(turns.page - 1) * ROWS:][:ROWS]),
        paging=turns,
        operates=signed_in().role in OPERATE,
        done=done if done in DONE else None,
    )


@pages.get("/operate/disputes/<int:number>")
def one(number: int) -> Response:
    """One statement, what it is about, and the form to answer."""
    return _page(number, 200)


@pages.post("/operate/disputes/<int:number>")
def answer(number: int) -> Response | Answered:
    """Answers; it is public at once."""
    form = request.form
    verdict, after = form.get("verdict", ""), form.get("after", "")
    _statement(number)
    try:
        if verdict and verdict not in tuple(Verdict):
            raise StatementRefused("verdict")
        site().catalog.statements.answer(
            number,
            form.get("text", ""),
            Verdict(verdict) if verdict else None,
            by=signed_in().name,
            after=int(after[:18]) if after.isascii() and after.isdigit() else None,
        )
    except StatementRefused as refused:
        return _page(number, 409 if refused.problem in ("answered", "frozen", "withdrawn") else 422, refused.problem)
    return redirect(address("operate_disputes.disputes", done="answered"), 303)


def _urgency(statement: Statement) -> tuple[bool, bool, int]:
    return not statement.is_open, not statement.waits, statement.number


def _page(number: int, status: int, problem: str | None = None) -> Response:
    found = _statement(number)
    week = previewing.week(found.period)
    assert week is not None, "what was said was said in a preview"
    catalog = site().catalog
    card = None
    if found.saying.rules is not None:
        card = kept.card(catalog, week.preview.kept, found.department, found.saying.rules)
    several = [] if card is None else [one for each in card.dimensions for one in each.indicators]
    page = render_template(
        "operate/dispute.html",
        one=previewing.shown([found])[0],
        by=found.by,
        department=found.department,
        name=graded.names(Kind.DEPARTMENT, [found.department])[found.department],
        week=week,
        number=next((each for each in several if each.indicator.id == found.saying.indicator), None),
        after=found.answers[-1].number if found.answers else "",
        verdicts=tuple(Verdict),
        form=request.form,
        longest=LONGEST,
        problem=problem,
    )
    return make_response(page, status)


def _statement(number: int) -> Statement:
    if number > LARGEST_NUMBER:
        abort(404)
    try:
        return site().catalog.statements.get(number)
    except UnknownStatement:
        abort(404)
