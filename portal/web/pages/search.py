"""The result page and the suggestions of its box."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from portal.search import meanwhile
from portal.search.facets import Appearances
from portal.search.indexing import filled
from portal.search.language import looks_for_anything, looser
from portal.search.query import IndexUnusable, QueryNotUnderstood, Results, Sort
from portal.web.addresses import address
from portal.web.asking import LONGEST_TEXT, Asked, NotUnderstood, asked
from portal.web.narrowing import COUNTED, Chip, chips, narrowings
from portal.web.paging import paging
from portal.web.pasted import dataset_id, portals_key
from portal.web.site import site
from portal.web.summaries import found
from portal.web.words import t

log = logging.getLogger(__name__)

pages = Blueprint("search", __name__)

PATH = "/datasets"

SORTS = (Sort.RELEVANCE, Sort.MODIFIED, Sort.CREATED, Sort.QUALITY, Sort.TITLE)
"""Those offered."""

SUGGESTIONS = 8


RETRY_S = 30
"""When to come back: an index of 400,000 datasets is made in about a minute."""

MOST_LOOSENED = 10
"""Filters, and words, that are tried without when nothing was found: each is a search of its own."""


class Loosened(Struct, frozen=True):
    """What a search that asks for a little less than one that finds nothing would give."""

    without: str | None
    """What was left out; None where a word was taken apart and ``asks`` has the text."""
    asks: Asked
    total: int


class Switched(Struct, frozen=True):
    """The way from each dataset once to every entry, or the other way."""

    asks: Asked
    total: int
    is_once: bool
    """Whether each dataset is listed once now."""


@pages.get(PATH)
def search() -> AnyResponse | str | tuple[str, int]:
    """Datasets found."""
    try:
        wanted = asked(request.args)
        if (meant := _meant(wanted)) is not None:
            return redirect(meant)
        results, looked = _answer(wanted)
    except NotUnderstood as error:
        return _refusal(t(error.key, value=error.value))
    except QueryNotUnderstood:
        return _refusal(t("search.not_understood"))
    pages = paging(
        wanted.page,
        min(results.total, wanted.last_page * wanted.rows),
        wanted.rows,
        lambda page: asking(replace(wanted, page=page)),
    )
    if wanted.page > pages.last:
        return redirect(asking(replace(wanted, page=pages.last)))
    return render_template(
        "pages/search.html",
        asked=wanted,
        asking=asking,
        results=results,
        meanwhile=looked,
        found=found(results.hits, scored=wanted.order is Sort.QUALITY),
        chips=chips(wanted),
        switched=None if looked else _switched(wanted, results.total),
        narrowings=[] if looked else narrowings(wanted, results.facets),
        paging=pages,
        sorts=[(sort, replace(wanted, sort=sort, page=1)) for sort in SORTS if wanted.text or sort != Sort.RELEVANCE],
        loosened=_loosened(wanted, chips(wanted)) if not (results.total or looked) else [],
        looks_for_nothing=wanted.text is not None and not looks_for_anything(wanted.text),
    )


def _answer(asked: Asked) -> tuple[Results, meanwhile.Found | None]:
    """What is found; where there is no index, by looking at the catalogue itself."""
    query = asked.query(COUNTED)
    try:
        return filled(site().catalog, site().index).search(query), None
    except IndexUnusable as error:
        log.error("the search index cannot be used: %s", error)
    # A few at a time, and nobody waits for a turn: all threads would, with as many searches, and no other page be made.
    if not site().looking.acquire(blocking=False):
        raise ServiceUnavailable(retry_after=RETRY_S)
    try:
        looked = meanwhile.search(site().catalog, query)
    finally:
        site().looking.release()
    return looked.results, looked


def _switched(asked: Asked, total: int) -> Switched | None:
    """The same search with each dataset once, or with every entry again; None where both find the same."""
    is_once = asked.appearances is Appearances.ONCE
    asks = replace(asked, appearances=Appearances.EVERY if is_once else Appearances.ONCE, page=1)
    other = _total(asks)
    return Switched(asks, other, is_once) if is_once or other != total else None


def _meant(asked: Asked) -> str | None:
    """Where to go with a pasted id or address: to the dataset, or to what the address of another page ends in."""
    if asked.text is None:
        return None
    id = dataset_id(asked.text)
    if id is not None and site().catalog.entries([id]):
        return address("datasets.dataset", id=id)
    key = portals_key(asked.text)
    return None if key is None else asking(replace(asked, text=f'"{key}"', page=1))


def asking(asked: Asked) -> str:
    """The address of a result page."""
    # Once for each choice of each facet, so it is not built by the router.
    parameters = asked.parameters()
    path = f"{request.script_root}{PATH}"
    return f"{path}?{parameters}" if parameters else path


def _refusal(reason: str) -> tuple[str, int]:
    return render_template("pages/refused.html", reason=reason), 400


def _loosened(asked: Asked, chips: list[Chip]) -> list[Loosened]:
    ways: list[tuple[str | None, Asked]] = [(chip.label, chip.asks) for chip in chips[:MOST_LOOSENED]]
    if asked.text:
        ways += [
            (way.without, replace(asked, text=way.text, page=1)) for way in looser(asked.text)[:MOST_LOOSENED]
        ]
        if chips:
            ways.append((asked.text, replace(asked, text=None, page=1)))
    found = [Loosened(without, way, _total(way)) for without, way in ways]
    return [way for way in found if way.total]


def _total(asked: Asked) -> int:
    results: Results = site().index.search(replace(asked.query(), start=0, rows=0))
    return results.total


@pages.get("/suggestions")
def suggestions() -> Response:
    """Completions of what was typed, as a JSON list of text, kind and address."""
    typed = request.args.get("q", "").strip()[:LONGEST_TEXT]
    try:
        completions = site().index.suggest(typed, SUGGESTIONS) if typed else ()
    except IndexUnusable:
        # Whoever types can do without.
        completions = ()
    return jsonify(
        [
            {
                "text": one.text,
                "kind": t(f"search.suggested_{one.kind}"),
                "address": (
                    asking(Asked(text=one.text))
                    if one.dataset_id is None
                    else address("datasets.dataset", id=one.dataset_id)
                ),
            }
            for one in completions
        ]
    )
