"""What the public asks for: the list, what of it is unmet where, and each request with its course."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from msgspec.structs import replace

from portal.catalog.demand import Order
from portal.catalog.requests import Request, State, UnknownRequest
from portal.web import demanded, places
from portal.web.addresses import address
from portal.web.demanded import NoSuchRequests
from portal.web.languages import language
from portal.web.pages.runs import LARGEST_NUMBER
from portal.web.paging import page_asked, paging
from portal.web.site import site
from portal.web.summaries import title_of
from schemas import vocabulary

pages = Blueprint("requests", __name__)

ROWS = 30

DONE = ("joined", "joined_before")


@pages.get("/requests")
def requests() -> str:
    """The public requests that an address asks for, and what is unmet where."""
    try:
        sought = demanded.sought(request.args)
    except NoSuchRequests:
        abort(404)
    demand = site().catalog.demand
    total = demand.count(sought.which)
    turns = paging(
        page_asked(), total, ROWS,
        lambda page: address("requests.requests", **sought.parameters(page=str(page) if page > 1 else None)),
    )
    standings = demand.standings(replace(sought, state=None).which)
    regions = places.parts(places.NATION)
    return render_template(
        "pages/requests.html",
        sought=sought,
        total=total,
        any=bool(total) or demand.count() > 0,
        standings=standings,
        counts=demanded.counts(standings),
        shown=demanded.shown(demand.listed(sought.which, sought.order, limit=ROWS, start=(turns.page - 1) * ROWS)),
        paging=turns,
        table=demanded.table(demand.cells()),
        regions=regions if sought.region in (None, *regions) else (sought.region, *regions),
        themes=vocabulary("themes").terms.values(),
        states=demanded.STATES,
        orders=tuple(Order),
        marks=demanded.MARKS,
        place_name=lambda code: places.name(code, language()),
        entry_name=demanded.entry_name,
        department_name=lambda code: demanded.department_names([code])[code],
    )


@pages.get("/requests/<int:number>")
def one(number: int) -> str:
    """One request; of one that is not public only what became of it."""
    found = request_asked(number)
    if found.state is not State.PUBLIC:
        return render_template("pages/request_not_public.html", one=found)
    done, store = request.args.get("done"), site().catalog.requests
    merged = store.merged_into(number)
    return render_template(
        "pages/request.html",
        shown=demanded.shown([found])[0],
        card=demanded.card(found.department),
        into=None if found.merged_into is None else store.get(found.merged_into),
        merged=merged,
        course=demanded.course(found, merged),
        done=done if done in DONE else None,
        marks=demanded.MARKS,
        place_name=lambda code: places.name(code, language()),
        entry_name=demanded.entry_name,
        title_of=title_of,
    )


def request_asked(number: int) -> Request:
    """The request an address names; there is no page of any other."""
    if number > LARGEST_NUMBER:
        abort(404)
    try:
        return site().catalog.requests.get(number)
    except UnknownRequest:
        abort(404)
