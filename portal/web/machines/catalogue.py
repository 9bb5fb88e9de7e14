"""The catalogue in RDF, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from portal.catalog.model import Entry
from portal.search.indexing import filled
from portal.search.query import QueryNotUnderstood, Sort
from portal.web import rdf
from portal.web.addresses import base
from portal.web.answers import answer, asked_strictly, problem, refused
from portal.web.asking import SEARCHES, Asked, NotUnderstood
from portal.web.dcat import Page, catalogue_statements, links
from portal.web.documents import REPRESENTATIONS
from portal.web.site import site

machines = Blueprint("catalogue", __name__)

ROWS = 100
"""Entries on a page."""

_ALLOWED = {"page", "after", "modified_since", *SEARCHES}


class _Part(Struct, frozen=True):
    """The entries of one page, how many there are on all, and whether any follow."""

    entries: list[Entry]
    total: int
    more: bool


@machines.get("/catalog")
def whole() -> AnyResponse:
    """Leads what asks for the catalogue by its name to the format it likes best."""
    suffixes = {REPRESENTATIONS[suffix]: suffix for suffix in rdf.SYNTAXES}
    best = request.accept_mimetypes.best_match(list(suffixes), REPRESENTATIONS["ttl"])
    response = redirect(f"{base()}/catalog.{suffixes[best]}", 303)
    response.vary.add("Accept")
    return response


@machines.get("/catalog.<any(ttl, rdf, jsonld):suffix>")
def catalog(suffix: str) -> Response:
    """A page of the catalogue, or of a search in it.

    Unless a search narrows it down it goes by id, and ``after`` (the last id of the page before) makes the next page
    begin where this one ended, also when datasets have come or gone meanwhile.
    """
    try:
        asked = asked_strictly(request.args, _ALLOWED)
        since = _since(request.args.get("modified_since"))
        part = _part(asked, since, request.args.get("after"))
    except (NotUnderstood, QueryNotUnderstood) as error:
        return refused(error)
    last = max(1, -(-part.total // ROWS))
    # Whoever follows the links is led to the end, also when the catalogue shrinks on the way.
    if asked.page > last and "after" not in request.args:
        return problem(404, "No such page", f"The last page is {last}.")
    page = _page(suffix, asked, part, last)
    said = catalogue_statements(part.entries, base(), page, *links(site().catalog))
    if suffix == "ttl":
        # Several times as quick as by way of a graph, and a harvester asks for thousands of pages.
        body = rdf.turtle_prefixes() + "".join(rdf.turtle(dict.fromkeys(said)))
        return answer(body.encode(), REPRESENTATIONS[suffix])
    made = rdf.graph_of(said)
    return answer(rdf.serialised(made, suffix), REPRESENTATIONS[suffix], tag=f"{rdf.digest(made)}-{suffix}")


def _part(asked: Asked, since: datetime | None, after: str | None) -> _Part:
    catalog = site().catalog
    start = (asked.page - 1) * ROWS
    if asked.finds_everything:
        entries = catalog.page(ROWS + 1, after=after, start=start, since=since)
        return _Part(entries[:ROWS], catalog.count(since), len(entries) > ROWS)
    index = filled(catalog, site().index)
    # By title: of all orders the one that changes least while somebody pages.
    query = replace(asked.query(), sort=Sort.TITLE, start=start, rows=ROWS)
    if since is None:
        results = index.search(query)
        found = catalog.entries([hit.id for hit in results.hits])
        return _Part(found, results.total, start + ROWS < results.total)
    recent = {id for id, _ in catalog.moments(catalog.count(since), since=since)}
    ids = [id for id in index.walk(query) if id in recent]
    return _Part(catalog.entries(ids[start:start + ROWS]), len(ids), start + ROWS < len(ids))


def _page(suffix: str, asked: Asked, part: _Part, last: int) -> Page:
    after = None if not asked.finds_everything or not part.entries else part.entries[-1].dataset.id

    def address(page: int, after: str | None = None) -> str:
        given = MultiDict(request.args)
        given.poplist("page")
        given.poplist("after")
        pairs = [*given.items(multi=True), ("page", str(page)), *([("after", after)] if after else [])]
        return f"{base()}/catalog.{suffix}?{urlencode(pairs)}"

    return Page(
        address=address(asked.page, request.args.get("after")),
        first=address(1),
        last=address(last),
        previous=address(asked.page - 1) if asked.page > 1 else None,
        next=address(asked.page + 1, after) if part.more else None,
        total=part.total,
    )


def _since(text: str | None) -> datetime | None:
    """A date or instant by ISO 8601, in UTC unless it says otherwise. Raises NotUnderstood."""
    if text is None:
        return None
    try:
        # In a query string a plus sign is read as a space.
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    except ValueError as error:
        raise NotUnderstood("modified_since is no ISO 8601 date", text[:60]) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
