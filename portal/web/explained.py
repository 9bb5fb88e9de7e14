"""A change of a score as pages say it: its parts by what happened and by whose doing, in figures that add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.scorecard import keeping, spans
from portal.scorecard.changes import Explanation, Movement, Part
from portal.scorecard.periods import WRITTEN_AFTER
from portal.scorecard.rules import Indicator, RuleSet
from portal.scorecard.spans import Span
from portal.web.graded import Group
from portal.web.notation import adding_up
from portal.web.site import site

_Stamp: TypeAlias = tuple[int, int, int, date]


class Asked(Struct, frozen=True):
    """An indicator and of how many datasets of a part its verdict moved."""

    indicator: Indicator
    datasets: int


class Row(Struct, frozen=True):
    """One part as it is shown."""

    name: str
    """The part in addresses: ``improved-publisher``, ``added``."""
    part: Part
    points: float
    """Rounded so that the rows add up to the difference shown."""
    asked: tuple[Asked, ...]
    """What moved, most datasets first."""


class Explained(Struct, frozen=True):
    """A difference as it is shown, in tenths of a point."""

    before: float
    after: float
    difference: float
    rows: tuple[Row, ...]
    doers: tuple[tuple[str, float], ...]
    """The same points by whose doing they are: ``rules``, ``listed`` (added and removed) or a ``Cause``."""

    @property
    def is_whole(self) -> bool:
        """Whether every dataset of every part is named."""
        return all(len(row.part.dataset_ids) == row.part.datasets for row in self.rows)


def span_of(group: Group, first: date, last: date, rules: str) -> Span:
    """A group between two days; remembered until it may have become another. Raises ``spans.TooMuch``."""
    catalog = site().catalog
    now = datetime.now(UTC)
    over = last < (now - WRITTEN_AFTER).date()
    # A day that is over is what it was, whatever happens since; today is not.
    stamp = None if over else (catalog.last_change(), catalog.links.newest(), catalog.appearances.newest(), now.date())
    return _span(catalog, stamp, group, first, last, rules)


@lru_cache(maxsize=64)
def _span(catalog: Catalog, stamp: _Stamp | None, group: Group, first: date, last: date, rules: str) -> Span:
    return spans.span(catalog, (group.kind, group.code), first, last, rules, most=spans.MOST_DATASETS)


def explanation_of(group: Group, first: date, last: date, rules: str) -> Explanation | None:
    """Why a group's score changed between two days; of a large group, what was worked out beforehand.

    None where it had no score on one of them. Raises ``spans.TooMuch`` where nothing was worked out.
    """
    try:
        return span_of(group, first, last, rules).explanation
    except spans.TooMuch:
        found = keeping.kept(site().catalog, (group.kind, group.code), first, last, rules)
        if found is None:
            raise
        return found


def has_score(group: Group, first: date, last: date, rules: str) -> bool:
    """Whether a group had a score on the later of two days. Raises ``spans.TooMuch``."""
    score = span_of(group, first, last, rules).score
    return score is not None and score.point is not None


def days_kept(group: Group, rules: str) -> list[tuple[date, date]]:
    """Between which days the change of a large group was worked out beforehand, the longest time first."""
    return site().catalog.explanations.days(group.kind, group.code, rules)


def explained(found: Explanation, rules: RuleSet) -> Explained:
    """A change of a score in figures that add up."""
    assert found.before.point is not None and found.after.point is not None, "what is explained has a score twice"
    before, after = round(found.before.point, 1), round(found.after.point, 1)
    difference = round(after - before, 1)
    points = adding_up([part.points for part in found.parts], difference)
    rows = tuple(
        Row(name_of(part), part, figure, _asked(part, rules)) for part, figure in zip(found.parts, points, strict=True)
    )
    totals: dict[str, float] = {}
    for row in rows:
        totals[_doer(row.part)] = totals.get(_doer(row.part), 0.0) + row.points
    return Explained(before, after, difference, rows, tuple((who, round(sum_, 1)) for who, sum_ in totals.items()))


def name_of(part: Part) -> str:
    """A part as addresses and translations call it."""
    return part.movement.value if part.cause is None else f"{part.movement.value}-{part.cause.value}"


def _doer(part: Part) -> str:
    if part.cause is not None:
        return part.cause.value
    return "rules" if part.movement is Movement.RULES else "listed"


def _asked(part: Part, rules: RuleSet) -> tuple[Asked, ...]:
    return tuple(Asked(rules.indicator(id), count) for id, count in part.indicators)


def titles(ids: Sequence[str]) -> dict[str, Entry]:
    """The datasets as they are now, tombstones too, by id."""
    return {entry.dataset.id: entry for entry in site().catalog.entries(ids)}
