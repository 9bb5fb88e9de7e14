"""Why the scores of large groups changed, worked out beforehand: while somebody waits it would take too long.

Once a day, an hour after its end, two times are compared with it: thirty days before, and the last frozen period. Every
dataset is assessed on each of the three days, part by part, and all groups take what it brings to them from the same walk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

import msgspec
from msgspec import Struct

from portal.catalog.assessments import Kind
from portal.catalog.explanations import LEASE, Kept
from portal.catalog.store import Catalog
from portal.scorecard import periods, spans
from portal.scorecard.assess import each, standard_layout
from portal.scorecard.changes import Differences, Explanation, compare
from portal.scorecard.groups import COMPARED, Group
from portal.scorecard.rules import PACKAGED
from portal.scorecard.scoring import Score
from portal.scorecard.snapshots import as_of
from portal.scorecard.vectors import Layout

RULES = PACKAGED[0]

BACK = timedelta(days=30)

LARGE = 1000
"""Groups of so many datasets may be too large to wait for: those that left them since are assessed with them."""

NAMED = 200
"""Datasets named of each part; its points and its numbers are those of all."""

PART = 4000
"""Datasets that a process is given at a time."""


class _Words(Struct, frozen=True):
    layout: str
    """By which rules."""
    explanation: Explanation


def kept(catalog: Catalog, group: Group, first: date, last: date, rules: str) -> Explanation | None:
    """Why a group's score changed, if that was worked out beforehand by the present rules. Parts name ``NAMED`` datasets."""
    body = catalog.explanations.get(*group, rules, first, last)
    if body is None:
        return None
    words = msgspec.msgpack.decode(body, type=_Words)
    return words.explanation if words.layout == _layout().digest else None


def due(catalog: Catalog, now: datetime) -> date | None:
    """The day up to which everything is to be worked out now; None where that was done, or the day is not written yet."""
    last = (now - timedelta(days=1) - periods.WRITTEN_AFTER).date()
    done = catalog.explanations.last()
    return last if done is None or done < last else None


def keep(
    catalog: Catalog,
    last: date,
    holder: str,
    *,
    processes: int = 1,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> int | None:
    """Works out why the score of every large group changed up to the end of a day; how many explanations are kept.

    None where it was stopped: nothing is kept then. Raises ``portal.catalog.sources.SourceHeld`` while somebody else does it.
    """
    lease = catalog.sources.lease(LEASE, holder)
    try:
        groups, ids, firsts = _large(catalog), catalog.ids(), _firsts(catalog, last)
        if not groups or len(ids) <= spans.MOST_DATASETS:
            return catalog.explanations.replace(last, ())
        layout = _layout()
        whole = [Differences(layout, RULES, groups, NAMED) for _ in firsts]
        parts = [ids[start : start + PART] for start in range(0, len(ids), PART)]
        found = each(catalog, partial(_compared, layout, firsts, last, groups), parts, processes)
        for part, several in zip(parts, found):
            catalog.sources.renew(lease)
            if stop is not None and stop.is_set():
                return None
            for mine, later in zip(whole, several, strict=True):
                mine.follow(later)
            progress(len(part))
        # Read before anything is written: the catalogue cannot be read while it is.
        earlier = [spans.frozen_scores(catalog, first, groups, layout.rules(RULES)) for first in firsts]
        found_of = zip(firsts, whole, earlier, strict=True)
        return catalog.explanations.replace(
            last,
            (
                Kept(kind=kind, code=code, rules=RULES, first=first, last=last, body=body)
                for first, differences, scores in found_of
                for (kind, code), body in _bodies(layout, groups, differences, scores)
            ),
        )
    finally:
        catalog.sources.release(lease)


def _layout() -> Layout:
    return Layout.of([standard_layout().rules(RULES)])


def _firsts(catalog: Catalog, last: date) -> tuple[date, ...]:
    frozen = [periods.manifest_of(one).day for one in catalog.periods.all()]
    return tuple(sorted({last - BACK, *[day for day in frozen if day < last][:1]}))


def _large(catalog: Catalog) -> frozenset[Group]:
    """The groups that may be too large to be compared while somebody waits."""
    return frozenset(
        (kind, one.code)
        for kind in Kind
        for one in catalog.assessments.standings(RULES, kind)
        if one.datasets >= LARGE or kind not in COMPARED
    )


def _compared(
    layout: Layout, firsts: Sequence[date], last: date, groups: Collection[Group], catalog: Catalog, ids: Sequence[str]
) -> list[Differences]:
    """What some datasets bring to the groups, from each first day on."""
    after = as_of(catalog, last, layout, ids=ids)
    made = []
    for first in firsts:
        differences = Differences(layout, RULES, groups, NAMED)
        compare(catalog, as_of(catalog, first, layout, ids=ids), after, differences)
        made.append(differences)
    return made


def _bodies(
    layout: Layout, groups: Collection[Group], differences: Differences, earlier: Mapping[Group, Score]
) -> Iterator[tuple[Group, bytes]]:
    """The explanation of every group that has one, as it is kept."""
    for group in sorted(groups):
        found = differences.explanation(group, earlier.get(group))
        if found is not None:
            yield group, msgspec.msgpack.encode(_Words(layout.digest, found))
