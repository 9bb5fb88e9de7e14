"""A group's score over time: what is kept of days gone by, the half-years that were frozen, and today."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby, pairwise

from msgspec import Struct
from msgspec.structs import replace

from portal.catalog.assessments import Kind, Standing
from portal.catalog.store import Catalog
from portal.catalog.trends import DAILY_DAYS, Past
from portal.scorecard import periods
from portal.scorecard.assess import standard_layout
from portal.scorecard.groups import NATION

_DAY = timedelta(days=1)


class Moment(Struct, frozen=True, kw_only=True):
    """A group's score at the end of one day."""

    day: date
    version: str
    """Of the rules."""
    assessed: bool = True
    """False for the first and the last day of a time in which nothing was assessed: nothing else is known of it."""
    score: float | None = None
    """None where nothing of it was measured, or it had no dataset."""
    low: float | None = None
    high: float | None = None
    measured: float | None = None
    """The share (0-1) of the weight that was measured."""
    datasets: int | None = None
    period: str | None = None
    """The half-year that was frozen on this day, whose figures these are."""


def trend(catalog: Catalog, kind: Kind, code: str, rules: str = "national") -> tuple[Moment, ...]:
    """A group's score from the first day it is known of to that of the assessment, the oldest first.

    For the last ``DAILY_DAYS`` days every one on which there was an assessment, before that the last such day of each
    month, and the last days of frozen half-years, as frozen. Empty for a group that nothing is known of.
    """
    layout, state = standard_layout(), catalog.assessments.state()
    if state is None or state.layout != layout.digest:
        return ()
    today = state.day.date()
    since = today - timedelta(days=DAILY_DAYS)
    kept = catalog.trends.of(rules, kind, code)
    assessed = (one.day for one in catalog.trends.of(rules, *NATION))
    found = {one.day: one for one in _moments(kept, _thinned(assessed, since))}
    standing = catalog.assessments.standing(rules, kind, code)
    if standing is not None:
        found[today] = _now(standing, today, layout.rules(rules).version)
    found |= {one.day: one for one in _frozen(catalog, kind, code, rules)}
    return tuple(_with_gaps([found[day] for day in sorted(found)], since))


def _thinned(days: Iterable[date], since: date) -> Iterator[date]:
    """Of the days before ``since``, only the last of each month."""
    for (_, _, later), several in groupby(days, lambda one: (one.year, one.month, one if one >= since else None)):
        yield later or list(several)[-1]


def _moments(kept: list[Past], days: Iterable[date]) -> Iterator[Moment]:
    """What stood at the end of each of the days, from the first that is kept on."""
    begins = [one.day for one in kept]
    for day in days:
        place = bisect_right(begins, day)
        if place:
            one = kept[place - 1]
            yield Moment(
                day=day,
                version=one.version,
                score=one.point,
                low=one.low if one.datasets else None,
                high=one.high if one.datasets else None,
                measured=one.measured if one.datasets else None,
                datasets=one.datasets,
            )


def _now(standing: Standing, day: date, version: str) -> Moment:
    return Moment(
        day=day,
        version=version,
        score=standing.point,
        low=standing.low,
        high=standing.high,
        measured=standing.measured,
        datasets=standing.datasets,
    )


def _frozen(catalog: Catalog, kind: Kind, code: str, rules: str) -> Iterator[Moment]:
    stood: Mapping[str, Standing] = catalog.periods.of(rules, kind, code)
    for stored in catalog.periods.all() if stood else ():
        if stored.id in stood:
            manifest = periods.manifest_of(stored)
            version = next(one.version for one in manifest.rules if one.id == rules)
            yield replace(_now(stood[stored.id], manifest.day, version), period=stored.id)


def _with_gaps(moments: list[Moment], since: date) -> Iterator[Moment]:
    """The moments, with the first and the last day of each time between them in which nothing was assessed."""
    for one, other in pairwise(moments):
        yield one
        if _is_gap(one.day, other.day, since):
            for day in sorted({one.day + _DAY, other.day - _DAY}):
                yield Moment(day=day, version=one.version, assessed=False)
    yield from moments[-1:]


def _is_gap(one: date, other: date, since: date) -> bool:
    if one >= since:
        return other - one > _DAY
    return (other.year - one.year) * 12 + other.month - one.month > 1
