"""Regions: the map and the table of all, and one with its parts."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, abort, render_template

from portal.catalog.assessments import Kind
from portal.highvalue.judging import State
from portal.search.query import Query, Sort
from portal.web import demanded, graded, high_value, places, tiles
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.narrowing import labelled
from portal.web.site import site
from portal.web.summaries import found

pages = Blueprint("regions", __name__)

LATEST = 10


@pages.get("/regions")
def regions() -> str:
    """Every region right below the nation, and those the vocabulary does not place."""
    overview = site().overviews.current()
    own = overview.figures.regions
    totals = places.with_parts(own)
    tile_map = tiles.map_of_datasets(totals, overview.regions_read)
    roots = [code for code in totals if not places.ancestors(code) and code != places.NATION]
    unread = {tile.region.code for tile in tile_map.tiles if tile.value is None}
    listed = sorted({*roots, *(tile.region.code for tile in tile_map.tiles)}, key=lambda code: (-totals.get(code, 0), code))
    return render_template(
        "pages/regions.html",
        tile_map=tile_map,
        rows=[
            (code, places.name(code, language()), own.get(code, 0), None if code in unread else totals.get(code, 0))
            for code in listed
        ],
        nation=own.get(places.NATION, 0),
    )


@pages.get("/regions/<code>")
def region(code: str) -> str:
    """One region: its own datasets and those of its parts."""
    own = site().overviews.current().figures.regions
    totals = places.with_parts(own)
    if places.region(code) is None and code not in own:
        abort(404)
    results = site().index.search(
        Query(
            filters={"region": (code,)},
            sort=Sort.MODIFIED,
            rows=LATEST,
            facets=("publisher", "theme", "format", "openness"),
        )
    )
    parts = sorted(places.parts(code), key=lambda part: (-totals.get(part, 0), part))
    return render_template(
        "pages/region.html",
        code=code,
        name=places.name(code, language()),
        trail=[(holder, places.name(holder, language())) for holder in places.ancestors(code)],
        own=own.get(code, 0),
        total=totals.get(code, 0),
        entries=results.total,
        read=not site().overviews.current().regions_read.isdisjoint((code, *places.ancestors(code))),
        parts=[(part, places.name(part, language()), totals.get(part, 0)) for part in parts],
        sources=[one for one in site().overviews.current().sources if one.entry.source.region == code],
        latest=found(results.hits),
        shares=labelled(results.facets),
        card=graded.link(Group(Kind.REGION, code)),
        standing=_standing(code),
        states=high_value.STATES,
        unmet=demanded.unmet(region=code) if places.region(code) is not None else None,
    )


def _standing(code: str) -> Counter[State]:
    """How many entries of the high-value list a region has how; none while the catalogue is looked through for them."""
    coverage = site().overviews.coverage()
    return Counter(cell.state for cell in coverage.of_region(code).values()) if coverage.is_complete else Counter()
