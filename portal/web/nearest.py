"""Names that look alike: what to compare an unknown publisher with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import nlargest
from typing import TypeVar

from schemas import fold

T = TypeVar("T")

LEAST = 0.2
"""Pairs of characters two names must share (Dice's measure, 0-1) to be called alike."""


def nearest(name: str, others: Iterable[tuple[str, T]], most: int) -> list[tuple[str, T]]:
    """The ``most`` names that share most pairs of neighbouring characters with ``name``, nearest first."""
    own = _pairs(name)
    scored = ((_alike(own, _pairs(other)), other, thing) for other, thing in others)
    close = (each for each in scored if each[0] >= LEAST)
    return [(other, thing) for _, other, thing in nlargest(most, close, key=lambda each: (each[0], -len(each[1])))]


def _pairs(name: str) -> Counter[str]:
    folded = f"^{fold(name)}$"
    return Counter(folded[start:start + 2] for start in range(len(folded) - 1))


def _alike(one: Counter[str], other: Counter[str]) -> float:
    return 2 * (one & other).total() / (one.total() + other.total())
