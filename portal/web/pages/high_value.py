"""The high-value list, and one entry of it: its fields, where there is what, and the datasets behind each figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from flask import Blueprint, abort, render_template, request

from portal.catalog.model import Publisher
from portal.highvalue.coverage import Cell, listed
from portal.highvalue.judging import State
from portal.web import demanded, high_value, places, tables, tiles
from portal.web.addresses import address
from portal.web.languages import language
from portal.web.paging import page_asked, paging
from portal.web.site import site
from portal.web.summaries import publisher_of, title_of
from schemas import HighValueEntry, vocabulary

pages = Blueprint("high_value", __name__)

ROWS = 50


@pages.get("/high-value")
def entries() -> str:
    """The list, with how many places have each entry; for one region how it stands to each."""
    coverage, region = site().overviews.coverage(), region_asked()
    lines = high_value.lines(coverage, region)
    parts = [part for part in places.parts(region or places.NATION) if part in coverage.known]
    having = {part: _having(coverage.of_region(part).values()) for part in parts}
    return render_template(
        "pages/high_value.html",
        subjects=high_value.by_subject(line for line in lines if region is None or line.cell is not None),
        total=len(lines),
        is_complete=coverage.is_complete,
        datasets=coverage.serving,
        region=region,
        region_name=None if region is None else places.name(region, language()),
        trail=[(code, places.name(code, language())) for code in (places.ancestors(region) if region else ())],
        standing=None if region is None else Counter(cell.state for cell in coverage.of_region(region).values()),
        parts=[(part, places.name(part, language()), having[part]) for part in parts],
        tile_map=tiles.map_of_datasets(having, parts),
        states=high_value.STATES,
        marks=high_value.MARKS,
        levels=high_value.levels,
        formats=tables.formats(),
    )


def _having(cells: Iterable[Cell]) -> int:
    """How many entries a region has anything of."""
    return sum(cell.state in high_value.HAVING for cell in cells)


@pages.get("/high-value/<id>")
def entry(id: str) -> str:
    """One entry; with ``region`` only what there is of it there, with ``state`` only datasets that serve so.

    With ``publisher`` only its datasets, under whatever name portals write it.
    """
    shown, region, wanted, publisher = entry_asked(id), region_asked(), state_asked(), publisher_asked()
    coverage = site().overviews.coverage()
    standing = high_value.counted(id, region, publisher)
    turns = paging(page_asked(), standing.total() if wanted is None else standing[wanted], ROWS, lambda page: address(
        "high_value.entry", id=id, region=region, state=wanted, publisher=publisher and publisher.id,
        page=page if page > 1 else None,
    ))
    found = high_value.behind(id, region, wanted, publisher, start=(turns.page - 1) * ROWS, limit=ROWS)
    counts, listing = site().catalog.high_value.field_counts(id)
    within = region or places.NATION
    return render_template(
        "pages/high_value_entry.html",
        entry=shown,
        is_complete=coverage.is_complete,
        subject=vocabulary("themes").label(shown.domain, language()),
        category=vocabulary("hvd_categories").terms.get(shown.category or ""),
        frequency=vocabulary("frequencies").label(shown.frequency, language()),
        levels=high_value.levels(shown),
        functions=high_value.functions(shown),
        field_counts=counts,
        listing=listing,
        region=region,
        region_name=None if region is None else places.name(region, language()),
        trail=[(code, places.name(code, language())) for code in (places.ancestors(region) if region else ())],
        itself=high_value.place(coverage, shown, within),
        parts=high_value.of_parts(coverage, shown, within),
        unread=[
            places.name(part, language()) for part in places.parts(within)
            if part not in coverage.known
        ],
        abroad=() if region else high_value.abroad(coverage, shown),
        place_name=lambda code: places.name(code, language()),
        nowhere=0 if region else coverage.datasets.get(id, 0) - high_value.somewhere(coverage, id),
        publisher=publisher,
        wanted=wanted,
        counts=standing,
        unmet=demanded.unmet(region=region, entry=id),
        datasets=[
            (one, title_of(one.entry.dataset), publisher_of(one.entry.dataset), high_value.words(one.match.shortfalls, shown))
            for one in high_value.serving(site().catalog, found)
        ],
        paging=turns,
        states=high_value.STATES,
        marks=high_value.MARKS,
        formats=tables.formats(),
    )


def entry_asked(id: str) -> HighValueEntry:
    """An entry by its id; there is no page of any other."""
    found = listed().get(id)
    if found is None:
        abort(404)
    return found


def publisher_asked() -> Publisher | None:
    """The publisher in the address, if one is given; there is no page of one that the catalogue lacks."""
    id = request.args.get("publisher") or None
    found = None if id is None else site().catalog.publisher(id)
    if id is not None and found is None:
        abort(404)
    return None if found is None else found.publisher


def region_asked() -> str | None:
    """The region in the address, if one is given; there is no page of one that the vocabulary lacks."""
    code = request.args.get("region") or None
    if code is not None and places.region(code) is None:
        abort(404)
    # The nation is everything: what is told of it apart would be its own datasets without its parts.
    return None if code == places.NATION else code


def state_asked() -> State | None:
    """The state in the address, if one is given: one in which there are datasets."""
    given = request.args.get("state") or None
    if given is not None and given not in high_value.HAVING:
        abort(404)
    return None if given is None else State(given)
