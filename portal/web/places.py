"""Regions as pages need them: names, ancestors, sums over parts, the tile-grid map."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping
from functools import cache

from msgspec import Struct

from schemas import Term, vocabulary

NATION = "100000"
STEPS = 5
"""Shades of the map."""


class Tile(Struct, frozen=True):
    """One province on the map: a square in a grid, no borders."""

    region: Term
    count: int | None
    """Datasets of the province and its parts; None while no portal of it was ever read."""
    step: int
    """The shade, 1-5; 0 = no dataset."""
    column: str
    row: str


def region(code: str) -> Term | None:
    """The row of the regions vocabulary; None for a code it does not know."""
    return vocabulary("regions").terms.get(code)


def name(code: str, language: str) -> str:
    """The full name of a region; its code when the vocabulary lacks it."""
    return vocabulary("regions").label(code, language)


def short_name(term: Term, language: str) -> str:
    """``浙江`` for ``浙江省``: where the place is clear from what stands around."""
    return term.attributes.get("short", term.zh) if language == "zh" else term.en


def ancestors(code: str) -> tuple[str, ...]:
    """The regions that hold a region, the largest first, without the nation and without itself."""
    found: list[str] = []
    term = region(code)
    while term is not None:
        parent = term.attributes.get("parent")
        if parent is None or parent == NATION or parent in found:
            break
        found.append(parent)
        term = region(parent)
    return tuple(reversed(found))


@cache
def _children() -> Mapping[str, tuple[str, ...]]:
    children: dict[str, list[str]] = {}
    for term in vocabulary("regions").terms.values():
        children.setdefault(term.attributes.get("parent", ""), []).append(term.code)
    return {parent: tuple(codes) for parent, codes in children.items()}


def parts(code: str) -> tuple[str, ...]:
    """The regions right below a region."""
    return _children().get(code, ())


def with_parts(own: Mapping[str, int]) -> dict[str, int]:
    """Datasets by region, each region's own and those of all its parts together."""
    totals: Counter[str] = Counter()
    for code, count in own.items():
        for holder in (*ancestors(code), code):
            totals[holder] += count
    return dict(totals)


def tile_map(totals: Mapping[str, int], read: Container[str]) -> tuple[Tile, ...]:
    """A tile for every province, in reading order; ``read`` are the regions a portal was read of."""
    provinces = [term for term in vocabulary("regions").terms.values() if "tile_x" in term.attributes]
    most = max((totals.get(term.code, 0) for term in provinces), default=0)
    tiles = [
        Tile(
            term,
            totals.get(term.code, 0 if term.code in read else None),
            _step(totals.get(term.code, 0), most),
            term.attributes["tile_x"],
            term.attributes["tile_y"],
        )
        for term in provinces
    ]
    return tuple(sorted(tiles, key=lambda tile: (int(tile.row), int(tile.column))))


def _step(count: int, most: int) -> int:
    # Of the square root: provinces differ by a factor of a hundred, and the small ones must not all look alike.
    return math.ceil(STEPS * math.sqrt(count / most)) if count else 0
