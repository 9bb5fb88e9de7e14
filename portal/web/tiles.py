"""The tile-grid map: every province a square in a grid, no borders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from portal.web.charts import Written
from portal.web.notation import number
from portal.web.scales import Steps, steps_of_counts
from schemas import Term, vocabulary


class Tile(Struct, frozen=True):
    """One province on the map."""

    region: Term
    value: float | None
    """What is shown of the province; None = not known."""
    step: int
    """The shade, 1-5; 0 = nothing there, or not known."""
    column: str
    row: str


class TileMap(Struct, frozen=True):
    """The provinces in reading order, with what their shades mean."""

    tiles: tuple[Tile, ...]
    steps: Steps
    written: Written = number


def tile_map(values: Mapping[str, float], steps: Steps, written: Written = number) -> TileMap:
    """A tile for every province; one without a value is shown as not known."""
    tiles = [
        Tile(
            term,
            values.get(term.code),
            steps.step(values[term.code]) if term.code in values else 0,
            term.attributes["tile_x"],
            term.attributes["tile_y"],
        )
        for term in _provinces()
    ]
    return TileMap(tuple(sorted(tiles, key=lambda tile: (int(tile.row), int(tile.column)))), steps, written)


def map_of_datasets(totals: Mapping[str, int], read: Iterable[str]) -> TileMap:
    """The map of the numbers of datasets, as ``places.with_parts`` gives them.

    ``read`` are the regions a portal was read of: one of them without a dataset has none, any other is not known.
    """
    most = max((totals.get(term.code, 0) for term in _provinces()), default=0)
    found = tile_map({**dict.fromkeys(read, 0), **totals}, steps_of_counts(most))
    # Steps of counts begin with one dataset, those of scores with none of the points.
    return replace(found, tiles=tuple(replace(one, step=0) if one.value == 0 else one for one in found.tiles))


@cache
def _provinces() -> tuple[Term, ...]:
    return tuple(term for term in vocabulary("regions").terms.values() if "tile_x" in term.attributes)
