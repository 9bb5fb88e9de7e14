"""Conditions that filters cannot say: all of, any of, not, since when. What another query language is translated into.

A condition is asked beside the text and the filters of a query, and narrows the counts of every facet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from portal.search.facets import Span


class Has(Struct, frozen=True):
    """Has one of these values of a facet; with None any value at all."""

    facet: str
    values: tuple[str, ...] | None


class Is(Struct, frozen=True):
    """Is one of these datasets."""

    ids: tuple[str, ...]


class Changed(Struct, frozen=True):
    """The catalogue saw it change within a span of whole seconds."""

    within: Span


class Listed(Struct, frozen=True):
    """The catalogue came to list it within a span of whole seconds."""

    within: Span


class Beyond(Struct, frozen=True):
    """Comes after this id in the order of ids."""

    id: str


class All(Struct, frozen=True):
    """All of these hold; of none at all that is true."""

    of: tuple[Condition, ...]


class Any(Struct, frozen=True):
    """One of these holds; of none at all that is false."""

    of: tuple[Condition, ...]


class Not(Struct, frozen=True):
    """This does not hold."""

    of: Condition


Condition: TypeAlias = Has | Is | Changed | Listed | Beyond | All | Any | Not


def leaves(condition: Condition) -> Iterable[Has | Is | Changed | Listed | Beyond]:
    """Everything a condition is made of."""
    if isinstance(condition, Not):
        yield from leaves(condition.of)
    elif isinstance(condition, All | Any):
        for one in condition.of:
            yield from leaves(one)
    else:
        yield condition


def is_within(at: datetime | None, span: Span) -> bool:
    """Whether an instant, cut to its second, lies in a span; None lies in none."""
    if at is None:
        return False
    second = at.replace(microsecond=0)
    return (span.start is None or span.start <= second) and (span.end is None or second < span.end)
