"""The forms with which anybody asks for data, and joins in what others ask for.

They are apart from the pages that only show requests: whoever fills in a form gets a session for its token, readers get none.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, make_response, redirect, render_template, request
from msgspec import Struct
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as Answered

from portal.catalog.requests import (
    DESCRIPTION_LENGTH,
    TITLE_LENGTH,
    Asker,
    RequestRefused,
    State,
    Wish,
)
from portal.search.language import any_of
from portal.search.query import IndexUnusable, Query, QueryNotUnderstood
from portal.web import demanded, signing_in
from portal.web.addresses import address
from portal.web.demanded import Shown
from portal.web.languages import language
from portal.web.limiting import client_of_request
from portal.web.nearest import nearest
from portal.web.pages.requests import request_asked
from portal.web.site import site
from portal.web.summaries import Summary, found
from schemas import high_value_entries, vocabulary

log = logging.getLogger(__name__)

pages = Blueprint("asking_for_data", __name__)
signing_in.keep_private(pages)

NEAREST = 5
"""Datasets, and requests, shown before one asks."""

LOOKED_THROUGH = 2000
"""Of the newest requests, the titles that words are compared with."""

TRAP = "website"
"""A field that people do not see, and programs that fill in whatever they find do."""

TOO_MANY = ("many", "many_joined", "full")
"""The problems that a later day ends."""


class Near(Struct, frozen=True):
    """What is there already for some words."""

    requests: list[Shown]
    datasets: list[Summary]
    words: str
    """What the datasets were found with: all of the words, or any of them."""
    total: int


@pages.get("/requests/new")
def form() -> Response:
    """First what is there already for the words in the address, then the form; without any words it asks for them."""
    return _form(request.args, 200)


@pages.post("/requests/new")
def ask() -> Response | Answered:
    """Takes the request down; it is public once an operator has looked."""
    given = request.form
    if given.get(TRAP):
        return _form(given, 422, "trap")
    try:
        made = site().catalog.requests.ask(_wish(given), asker())
    except RequestRefused as refused:
        return _timed(_form(given, _status(refused), refused.problem))
    return redirect(address("requests.one", number=made.number), 303)


@pages.get("/requests/<int:number>/join")
def join_form(number: int) -> Response | Answered:
    """What joining in means, and the button; what is not public has none."""
    if request_asked(number).state is not State.PUBLIC:
        return redirect(address("requests.one", number=number), 303)
    return _join(number, 200)


@pages.post("/requests/<int:number>/join")
def join(number: int) -> Response | Answered:
    """Counts whoever asks as one more who wants it."""
    request_asked(number)
    try:
        is_new = site().catalog.requests.support(number, asker())
    except RequestRefused as refused:
        return _timed(_join(number, _status(refused), refused.problem))
    return redirect(address("requests.one", number=number, done="joined" if is_new else "joined_before"), 303)


@pages.errorhandler(Forbidden)
def forged(error: Forbidden) -> Response:
    """A form without the token of its session: what was typed is shown again, with a token that will do."""
    if request.endpoint == "asking_for_data.ask":
        return _form(request.form, 403, "token")
    return _join(int((request.view_args or {})["number"]), 403, "token")


def asker() -> Asker:
    """Who fills in the form: by account where somebody is signed in, and the network address."""
    person = signing_in.person()
    return Asker(None if person is None else person.name, client_of_request() or request.remote_addr or "")


def _wish(given: MultiDict[str, str]) -> Wish:
    """What the form says. Raises RequestRefused where the region is not known."""
    region = given.get("region", "").strip()
    code = vocabulary("regions").resolve(region) if region else None
    if region and code is None:
        raise RequestRefused("region")
    return Wish(
        title=given.get("title", ""),
        description=given.get("description", ""),
        region=code,
        theme=given.get("theme") or None,
        entry=given.get("entry") or None,
        function=given.get("function") or None,
    )


def _form(given: MultiDict[str, str], status: int, problem: str | None = None) -> Response:
    entry = high_value_entries().get(given.get("entry", ""))
    region = given.get("region", "").strip()[:60]
    code = vocabulary("regions").resolve(region) if region else None
    words = " ".join((given.get("q") or given.get("title") or (entry.label(language()) if entry else "")).split())
    words = words[:TITLE_LENGTH[1]]
    theme = given.get("theme", "")
    # What was typed is not to be lost because it is not what was expected.
    is_begun = bool(words or problem)
    page = render_template(
        "pages/request_new.html",
        words=words,
        near=_near(words, code, theme) if words and not problem else None,
        is_begun=is_begun,
        title=given.get("title", words),
        description=given.get("description", ""),
        region=demanded.typed_region(region) if region in vocabulary("regions").terms else region,
        theme=theme,
        entry=entry,
        function=given.get("function", entry.functions[0] if entry else ""),
        themes=vocabulary("themes").terms.values(),
        functions=vocabulary("department_functions").terms.values(),
        entries=high_value_entries().values(),
        title_length=TITLE_LENGTH,
        description_length=DESCRIPTION_LENGTH,
        trap=TRAP,
        problem=problem,
        marks=demanded.MARKS,
    )
    return make_response(page, status)


def _near(words: str, region: str | None, theme: str) -> Near:
    demand = site().catalog.demand
    numbers = [number for _, number in nearest(words, demand.titles(LOOKED_THROUGH), NEAREST)]
    alike = [site().catalog.requests.get(number) for number in numbers]
    filters = {"region": (region,) if region else (), "theme": (theme,) if theme in vocabulary("themes").terms else ()}
    narrowed = {name: values for name, values in filters.items() if values}
    for text, kept in ((words, narrowed), (words, {}), (any_of(words), {})):
        if not text:
            continue
        try:
            results = site().index.search(Query(text=text, filters=kept, rows=NEAREST))
        except QueryNotUnderstood:
            continue
        except IndexUnusable as error:
            log.error("the search index cannot be used: %s", error)
            break
        if results.total:
            return Near(demanded.shown(alike), found(results.hits), text, results.total)
    return Near(demanded.shown(alike), [], words, 0)


def _join(number: int, status: int, problem: str | None = None) -> Response:
    one = request_asked(number)
    # Of one that is not public, which somebody joins in with a form of yesterday, the words are not told.
    title = one.wish.title if one.state is State.PUBLIC else None
    page = render_template(
        "pages/request_join.html", number=number, title=title, wanted=one.wanted, problem=problem,
        account=signing_in.person(),
    )
    return make_response(page, status)


def _status(refused: RequestRefused) -> int:
    return 429 if refused.problem in TOO_MANY else 409 if refused.problem in ("same", "state") else 422


def _timed(response: Response) -> Response:
    """Of an answer that says that there was too much of one today, when to come back."""
    if response.status_code == 429:
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        response.headers["Retry-After"] = str(int((midnight - now).total_seconds()) + 1)
    return response
