"""Regions as pages need them: names, ancestors, sums over parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from schemas import Term, region_parts, vocabulary

NATION = "100000"


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


def parts(code: str) -> tuple[str, ...]:
    """The regions right below a region."""
    return region_parts(code)


def with_parts(own: Mapping[str, int]) -> dict[str, int]:
    """Datasets by region, each region's own and those of all its parts together."""
    totals: Counter[str] = Counter()
    for code, count in own.items():
        for holder in (*ancestors(code), code):
            totals[holder] += count
    return dict(totals)
