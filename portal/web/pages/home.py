"""The first page: the search box, the country in figures, what is new."""

from __future__ import annotations

from flask import Blueprint, render_template

from portal.highvalue.coverage import listed
from portal.web import high_value, places, tiles
from portal.web.high_value import Line
from portal.web.site import site
from portal.web.summaries import publisher_of, title_of
from schemas import vocabulary

pages = Blueprint("home", __name__)

THEMES_SHOWN = 12
"""As many as stand beside the map without outgrowing it."""


HIGH_VALUE_SHOWN = 6
"""Entries of the high-value list: those that most places have."""


@pages.get("/")
def home() -> str:
    """The home page."""
    overview = site().overviews.current()
    totals = places.with_parts(overview.figures.regions)
    tile_map = tiles.map_of_datasets(totals, overview.regions_read)
    themes = vocabulary("themes").terms
    return render_template(
        "pages/home.html",
        overview_now=overview,
        provinces=sum(1 for tile in tile_map.tiles if tile.value),
        tile_map=tile_map,
        themes=[(themes[code], count) for code, count in overview.themes.items() if code in themes],
        themes_shown=THEMES_SHOWN,
        high_value=_most_covered(),
        high_value_total=len(listed()),
        latest=[
            (change, entry, title_of(entry.dataset), publisher_of(entry.dataset)) for change, entry in overview.latest
        ],
    )


def _most_covered() -> list[Line]:
    """The entries of the list that most places have anything of; none while the catalogue is looked through for them."""
    coverage = site().overviews.coverage()
    lines = [line for line in high_value.lines(coverage) if line.datasets] if coverage.is_complete else []
    return sorted(lines, key=lambda line: (-line.having, -line.datasets, line.entry.id))[:HIGH_VALUE_SHOWN]
