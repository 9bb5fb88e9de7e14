"""The requests at the desk of a data officer: what the public asks of their department, for how long, and the answers."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answered

from portal.catalog.accounts import Role
from portal.catalog.demand import UNMET, Order, Standing, Which
from portal.catalog.requests import LONGEST, Request, RequestRefused, State, Verdict
from portal.web import answering, demanded, signing_in
from portal.web.addresses import address
from portal.web.languages import language
from portal.web.pages.requests import request_asked
from portal.web.paging import page_asked, paging
from portal.web.places import name as place_name
from portal.web.site import site
from portal.web.summaries import title_of

pages = Blueprint("requests_desk", __name__)
signing_in.only_for(pages, (Role.OFFICER,))

ROWS = 50


@pages.get("/desk/requests")
def requests() -> str:
    """What the public asks of the department: what nobody has answered first, the oldest first, then the rest."""
    department, demand = _department(), site().catalog.demand
    open_ones = Which(department=department, standings=(Standing.UNANSWERED,))
    answered = Which(department=department, standings=[one for one in Standing if one is not Standing.UNANSWERED])
    turns = paging(
        page_asked(), demand.count(answered), ROWS,
        lambda page: address("requests_desk.requests", page=page if page > 1 else None),
    )
    return render_template(
        "desk/requests.html",
        name=demanded.department_names([department])[department],
        waiting=demanded.shown(demand.listed(open_ones, Order.OLDEST, limit=200)),
        total=demand.count(open_ones),
        answered=demanded.shown(demand.listed(answered, limit=ROWS, start=(turns.page - 1) * ROWS)),
        unmet=demand.count(Which(department=department, standings=UNMET)),
        marks=demanded.MARKS,
        paging=turns,
        done=request.args.get("done") == "answered",
    )


@pages.get("/desk/requests/<int:number>")
def one(number: int) -> Response:
    """One request with its course, and the form to answer it."""
    return _page(_own(number), 200)


@pages.post("/desk/requests/<int:number>")
def answer(number: int) -> Response | Answered:
    """Answers for the department; it is public at once."""
    found = _own(number)
    try:
        answering.answer(number, request.form, by=signing_in.signed_in().name)
    except RequestRefused as refused:
        return _page(found, 409 if refused.problem in ("answered", "merged", "state") else 422, refused.problem)
    return redirect(address("requests_desk.requests", done="answered"), 303)


def _page(found: Request, status: int, problem: str | None = None) -> Response:
    # Of an answer given meanwhile the page is to show the answer.
    found = site().catalog.requests.get(found.number)
    merged = site().catalog.requests.merged_into(found.number)
    shown = demanded.shown([found])[0]
    page = render_template(
        "desk/request.html",
        one=found,
        shown=shown,
        card=demanded.card(found.department),
        marks=demanded.MARKS,
        course=demanded.course(found, merged),
        last_answer=found.answers[-1].number if found.answers else "",
        form=request.form,
        verdicts=tuple(Verdict),
        place_name=lambda code: place_name(code, language()),
        entry_name=demanded.entry_name,
        title_of=title_of,
        longest=LONGEST,
        problem=problem,
    )
    return make_response(page, status)


def _own(number: int) -> Request:
    """A public request that is the department's to answer; there is no page of any other."""
    found = request_asked(number)
    if found.department != _department() or found.state is not State.PUBLIC or found.merged_into is not None:
        abort(404)
    return found


def _department() -> str:
    department = signing_in.signed_in().department
    assert department is not None, "an officer has a department"
    return department
