"""What the public asks for, to operators: nothing is public before one of them has looked."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Answered

from portal.catalog.accounts import OPERATE
from portal.catalog.demand import Order, Standing, Which
from portal.catalog.requests import (
    LONGEST,
    Filing,
    Request,
    RequestRefused,
    State,
    Verdict,
)
from portal.web import answering, demanded
from portal.web.addresses import address
from portal.web.languages import language
from portal.web.nearest import nearest
from portal.web.pages.asking_for_data import LOOKED_THROUGH
from portal.web.pages.requests import request_asked
from portal.web.paging import page_asked, paging
from portal.web.places import name as place_name
from portal.web.signing_in import signed_in
from portal.web.site import site
from portal.web.summaries import title_of
from schemas import high_value_entries, vocabulary

pages = Blueprint("operate_requests", __name__)

ROWS = 50

NEAREST = 8
"""Public requests that may ask for the same."""

DONE = ("published", "refused", "filed", "merged", "unmerged", "answered")

MEANWHILE = ("decided", "answered", "state", "merged", "holds")
"""The problems of whoever was not first."""


@pages.get("/operate/requests")
def requests() -> str:
    """Those that wait, the oldest first; then the public ones nobody has answered, and what was refused lately."""
    catalog, done = site().catalog, request.args.get("done")
    unanswered = Which(standings=(Standing.UNANSWERED,))
    total = catalog.demand.count(unanswered)
    turns = paging(
        page_asked(), total, ROWS,
        lambda page: address("operate_requests.requests", page=page if page > 1 else None),
    )
    return render_template(
        "operate/requests.html",
        waiting=catalog.requests.waiting(),
        shown=demanded.shown(
            catalog.demand.listed(unanswered, Order.OLDEST, limit=ROWS, start=(turns.page - 1) * ROWS)
        ),
        total=total,
        refused=catalog.requests.refused(limit=20),
        paging=turns,
        operates=signed_in().role in OPERATE,
        place_name=lambda code: place_name(code, language()),
        done=done if done in DONE else None,
    )


@pages.get("/operate/requests/<int:number>")
def one(number: int) -> Response:
    """One request with its course, and the forms to decide about it and to answer it."""
    return _page(number, 200)


@pages.post("/operate/requests/<int:number>/publish")
def publish(number: int) -> Response | Answered:
    """Makes it public, filed as the form says."""
    return _decide(number, "published", lambda store, given, by, after: store.publish(
        number, filing(given), by=by, after=after
    ))


@pages.post("/operate/requests/<int:number>/file")
def file(number: int) -> Response | Answered:
    """Files it elsewhere."""
    return _decide(number, "filed", lambda store, given, by, after: store.file(number, filing(given), by=by, after=after))


@pages.post("/operate/requests/<int:number>/refuse")
def refuse(number: int) -> Response | Answered:
    """Keeps it from the public, or takes it down."""
    return _decide(number, "refused", lambda store, given, by, after: store.refuse(
        number, given.get("reason", ""), by=by, after=after
    ))


@pages.post("/operate/requests/<int:number>/merge")
def merge(number: int) -> Response | Answered:
    """Counts it with another."""
    return _decide(number, "merged", lambda store, given, by, after: store.merge(
        number, answering.number_in(given.get("into", "")) or 0, by=by, after=after
    ))


@pages.post("/operate/requests/<int:number>/unmerge")
def unmerge(number: int) -> Response | Answered:
    """Takes a merge back."""
    return _decide(number, "unmerged", lambda store, given, by, after: store.unmerge(number, by=by, after=after))


@pages.post("/operate/requests/<int:number>/answer")
def answer(number: int) -> Response | Answered:
    """Answers for the operators; it is public at once."""
    request_asked(number)
    try:
        answering.answer(number, request.form, by=signed_in().name)
    except RequestRefused as refused:
        return _refused(number, refused, "answer")
    return redirect(address("operate_requests.requests", done="answered"), 303)


def _decide(number: int, done: str, decide: Callable[..., object]) -> Response | Answered:
    request_asked(number)
    given = request.form
    try:
        decide(site().catalog.requests, given, signed_in().name, answering.number_in(given.get("after", "")))
    except RequestRefused as refused:
        return _refused(number, refused, done)
    return redirect(address("operate_requests.requests", done=done), 303)


def _refused(number: int, refused: RequestRefused, tried: str) -> Response:
    status = 403 if refused.problem == "role" else 409 if refused.problem in MEANWHILE else 422
    return _page(number, status, refused.problem, tried)


def filing(given: MultiDict[str, str]) -> Filing:
    """Where a form files a request. Raises RequestRefused where it names a region that is not known."""
    region = given.get("region", "").strip()
    code = vocabulary("regions").resolve(region) if region else None
    if region and code is None:
        raise RequestRefused("region")
    return Filing(
        region=code,
        theme=given.get("theme") or None,
        entry=given.get("entry") or None,
        department=given.get("department", "").strip() or None,
    )


def _page(number: int, status: int, problem: str | None = None, tried: str | None = None) -> Response:
    found = request_asked(number)
    catalog, wish = site().catalog, found.wish
    merged = catalog.requests.merged_into(number)
    titles = [(title, other) for title, other in catalog.demand.titles(LOOKED_THROUGH) if other != number]
    near = [catalog.requests.get(other) for _, other in nearest(wish.title, titles, NEAREST)]
    shown = demanded.shown([found])[0]
    # What was typed into one form is none of another's.
    typed = {} if tried is None else {tried: request.form}
    page = render_template(
        "operate/request.html",
        one=found,
        state=found.state,
        states=State,
        shown=shown,
        card=demanded.card(found.department),
        marks=demanded.MARKS,
        course=demanded.course(found, merged),
        merged=merged,
        after=found.decisions[-1].number if found.decisions else "",
        last_answer=found.answers[-1].number if found.answers else "",
        near=near,
        proposed=_proposed(found),
        typed=typed,
        typed_region=demanded.typed_region(wish.region),
        themes=vocabulary("themes").terms.values(),
        entries=high_value_entries().values(),
        verdicts=tuple(Verdict),
        place_name=lambda code: place_name(code, language()),
        entry_name=demanded.entry_name,
        title_of=title_of,
        longest=LONGEST,
        operates=signed_in().role in OPERATE,
        problem=problem,
    )
    return make_response(page, status)


def _proposed(one: Request) -> str:
    """The department of a request; where it has none the one of the region that does what was asked for."""
    if one.department is not None:
        return one.department
    wish = one.wish
    entry = high_value_entries().get(wish.entry or "")
    function = wish.function or (entry.functions[0] if entry else None)
    return f"{wish.region}.{function}" if wish.region and function else ""
