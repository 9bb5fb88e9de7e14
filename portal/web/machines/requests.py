"""What the public asks for, for programs: requests as JSON and as a table, and a feed of the newest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.etree import ElementTree

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from portal.catalog.requests import Request, State, UnknownRequest
from portal.web import demanded
from portal.web import request_documents as documents
from portal.web.addresses import base
from portal.web.answers import answer, problem, refused
from portal.web.asking import NotUnderstood
from portal.web.demanded import FILTERS, NoSuchRequests
from portal.web.languages import language
from portal.web.machines.feeds import ATOM, SUMMARY_CHARACTERS, link, moment, text
from portal.web.pages.runs import LARGEST_NUMBER
from portal.web.request_documents import RequestDocument
from portal.web.site import site
from portal.web.tables import table

machines = Blueprint("request_documents", __name__)

ROWS = 100
"""In one answer."""

ENTRIES = 50
"""In the feed."""

_TOLD = "application/json"

_ALLOWED = {*FILTERS, "after"}


@machines.before_request
def refuse_what_is_not_heeded() -> Response | None:
    """A program is told of a parameter that nobody heeds, of one that says nothing, and of a number that is none."""
    unknown = next((name for name in request.args if name not in _ALLOWED), None)
    if unknown is not None:
        return refused(NotUnderstood("there is no such parameter", unknown[:60]))
    empty = next((name for name, value in request.args.items() if not value), None)
    if empty is not None:
        return refused(NotUnderstood("nothing is said of the parameter", empty))
    after = request.args.get("after", "1")
    is_number = after.isascii() and after.isdigit() and int(after[:20]) <= LARGEST_NUMBER
    return None if is_number else refused(NotUnderstood("after is the number of a request", after[:60]))


@machines.errorhandler(404)
@machines.errorhandler(NoSuchRequests)
@machines.errorhandler(UnknownRequest)
def missing(_: NotFound | NoSuchRequests | UnknownRequest) -> Response:
    """Programs get their errors as JSON."""
    return problem(404, "Not found", "There is no such public request, region, theme, entry, department or state.")


@machines.get("/requests.json")
@machines.get("/api/v1/requests")
def list_() -> Response:
    """Public requests that count for themselves, the newest first."""
    sought = demanded.sought(request.args)
    after = request.args.get("after")
    demand = site().catalog.demand
    found = demand.listed(sought.which, limit=ROWS + 1, before=None if after is None else int(after))
    kept = found[:ROWS]
    following = None
    if len(found) > ROWS:
        given = {name: value for name, value in sought.parameters().items() if value is not None}
        following = f"{base()}/api/v1/requests?{urlencode({**given, 'after': kept[-1].number})}"
    whole = documents.RequestsDocument(total=demand.count(sought.which), requests=tuple(_documents(kept)), next=following)
    return answer(msgspec.json.encode(whole), _TOLD)


@machines.get("/requests/<int:number>.json")
@machines.get("/api/v1/requests/<int:number>")
def one(number: int) -> Response:
    """One public request, also one that was merged into another."""
    if number > LARGEST_NUMBER:
        raise UnknownRequest
    found = site().catalog.requests.get(number)
    if found.state is not State.PUBLIC:
        raise UnknownRequest
    return answer(msgspec.json.encode(next(_documents([found]))), _TOLD)


@machines.get("/requests.<any(csv, parquet):format_>")
def requests_table(format_: str) -> Response:
    """Every public request that an address asks for, as a table."""
    # What is sent later knows nothing of the request any more: all that it needs is asked for here.
    every = documents.every(site().catalog, demanded.sought(request.args).which, base(), language())
    return table(documents.COLUMNS, documents.rows(every), format_, "requests")


@machines.get("/feeds/requests.atom")
def feed() -> Response:
    """The newest requests that an address asks for."""
    sought = demanded.sought(request.args)
    found = list(_documents(site().catalog.demand.listed(sought.which, limit=ENTRIES)))
    newest = max((_changed(one) for one in found), default=None)
    given = {name: value for name, value in sought.parameters().items() if value is not None}
    return answer(_feed(found, newest, f"?{urlencode(given)}" if given else ""), "application/atom+xml", changed=newest)


def _documents(several: list[Request]) -> Iterator[RequestDocument]:
    return documents.documents(site().catalog, several, base(), language())


def _feed(found: list[RequestDocument], newest: datetime | None, query: str) -> bytes:
    root = base()
    feed = ElementTree.Element("feed", {"xmlns": ATOM})
    text(feed, "id", f"{root}/feeds/requests.atom{query}")
    text(feed, "title", "纳川 Nachuan · 需求 Requests")
    # A feed needs a moment; one in which nothing ever happened has the first there is.
    text(feed, "updated", moment(newest or datetime.fromtimestamp(0, UTC)))
    link(feed, "self", f"{root}/feeds/requests.atom{query}", "application/atom+xml")
    link(feed, "alternate", f"{root}/requests{query}", "text/html")
    for one in found:
        entry = ElementTree.SubElement(feed, "entry")
        text(entry, "id", one.page)
        text(entry, "title", one.title)
        text(entry, "updated", moment(_changed(one)))
        text(entry, "published", moment(one.published))
        # Atom wants an author, and who asks is nobody's business.
        text(ElementTree.SubElement(entry, "author"), "name", "纳川 Nachuan")
        link(entry, "alternate", one.page, "text/html")
        ElementTree.SubElement(entry, "category", {"term": one.state.value, "scheme": f"{root}/requests"})
        text(entry, "summary", one.description[:SUMMARY_CHARACTERS])
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _changed(one: RequestDocument) -> datetime:
    return one.answers[-1].at if one.answers else one.published
