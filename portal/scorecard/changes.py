"""Why a score changed: the difference taken apart into parts that add up to it.

From the earlier state to the later one the score is followed in steps, always in the same order: the rules, then what was
added, what was removed, and then the verdicts of the datasets that are there both times, by how they moved and why. Each
part is what its step changed, so the parts make the whole difference; another order would share it out a little otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from portal.catalog.assessments import Assessed
from portal.catalog.model import Change, ChangeCause
from portal.catalog.store import Catalog
from portal.scorecard import scoring
from portal.scorecard.evidence import CHECKS, Check
from portal.scorecard.groups import AS_ONE, Group, groups_of
from portal.scorecard.scoring import Score
from portal.scorecard.snapshots import Snapshot
from portal.scorecard.vectors import Layout
from portal.scorecard.verdicts import Verdict


class Movement(StrEnum):
    """How the score came to change."""

    RULES = "rules"
    """Nothing moved: the same evidence is asked otherwise."""
    ADDED = "added"
    REMOVED = "removed"
    """Gone, no longer of the group, or found to be a copy."""
    WORSENED = "worsened"
    IMPROVED = "improved"
    MEASURED = "measured"
    """From unknown to known or back, or applicable or no longer so."""


class Cause(StrEnum):
    """Who or what moved a verdict."""

    PUBLISHER = "publisher"
    """The portal's own words changed."""
    MAPPING = "mapping"
    """Our reading of the same words changed."""
    PROBE = "probe"
    """An address answered otherwise, or was asked for the first time."""
    TIME = "time"
    """Days passed and nothing was done."""


class Move(Struct, frozen=True):
    """One verdict of one dataset that moved."""

    dataset_id: str
    indicator: str
    before: Verdict
    after: Verdict


class Part(Struct, frozen=True):
    """One part of the difference."""

    movement: Movement
    cause: Cause | None
    """Of verdicts that moved; None for rules, added and removed."""
    points: float
    datasets: int
    """How many it is made of."""
    indicators: tuple[tuple[str, int], ...]
    """Of how many of them the verdict on an indicator moved, most first; none for rules, added and removed."""
    dataset_ids: tuple[str, ...]
    """By id; of a part that is kept only the first, see ``Differences``."""
    moves: tuple[Move, ...] = ()
    """The verdicts of ``dataset_ids`` that moved."""


class Explanation(Struct, frozen=True):
    """A difference and its parts: ``after.point - before.point`` is the sum of their points."""

    before: Score
    after: Score
    parts: tuple[Part, ...]


def explain(
    catalog: Catalog,
    before: Snapshot,
    after: Snapshot,
    group: Group,
    rules: str = "national",
    earlier: Score | None = None,
) -> Explanation | None:
    """Why a group's score under a rule set changed; None where it has no score at one of the two times.

    Both states are by the later rules. Where the rules changed in between, ``earlier`` is the score by the earlier ones.
    """
    differences = Differences(after.layout, rules, {group})
    compare(catalog, before, after, differences)
    return differences.explanation(group, earlier)


def compare(catalog: Catalog, before: Snapshot, after: Snapshot, differences: Differences) -> None:
    """Takes in every dataset of two states, by id, as it was and as it became. Raises ValueError for other rules."""
    if before.layout.digest != after.layout.digest:
        raise ValueError("the rules changed in between: the earlier state must be restated by the later ones")
    old = {row.dataset_id: row for row in before.rows}
    new = {row.dataset_id: row for row in after.rows}
    stayed = [id for id, row in old.items() if id in new and row.vector != new[id].vector]
    updates = catalog.updates(stayed, before.number, after.number)
    for id in sorted({*old, *new}):
        differences.add(old.get(id), new.get(id), updates.get(id, ()))


class _Step(Struct):
    """What a step changes of one group's counts."""

    change: int = 0
    datasets: int = 0
    indicators: Counter[str] = field(default_factory=Counter)
    dataset_ids: list[str] = []
    moves: list[Move] = []

    def take(self, change: int, id: str, moves: Sequence[Move], most: int | None) -> None:
        self.change += change
        self.datasets += 1
        self.indicators.update(move.indicator for move in moves)
        if most is None or len(self.dataset_ids) < most:
            self.dataset_ids.append(id)
            self.moves += moves


_Way: TypeAlias = tuple[Movement, Cause | None]

_ORDER: tuple[_Way, ...] = (
    (Movement.ADDED, None),
    (Movement.REMOVED, None),
    *((movement, cause) for movement in (Movement.WORSENED, Movement.IMPROVED, Movement.MEASURED) for cause in Cause),
)


class Differences:
    """The steps from one state of groups to another, taken dataset by dataset, so that neither state is in memory.

    ``most``: so many datasets of a step are named; None for all of them. What their points are is made of all.
    """

    def __init__(self, layout: Layout, rules: str, groups: Collection[Group], most: int | None = None) -> None:
        self._layout, self._rules, self._groups, self._most = layout, rules, groups, most
        self._start, self._asked = layout.starts[rules], layout.rules(rules).measured
        self._counted = layout.flag("counted")
        self._before: dict[Group, int] = {}
        self._after: dict[Group, int] = {}
        self._steps: dict[tuple[Group, _Way], _Step] = {}

    def add(self, old: Assessed | None, new: Assessed | None, updates: Sequence[Change]) -> None:
        """Takes in one dataset as it was and as it became, None where it was not there, and its updates in between."""
        left, came = self._counts_in(old), self._counts_in(new)
        if old is not None and left:
            self._count(self._before, left, scoring.spread(old.vector))
        if new is not None and came:
            self._count(self._after, came, scoring.spread(new.vector))
        for group in came:
            if new is not None and group not in left:
                self._step(group, (Movement.ADDED, None)).take(scoring.spread(new.vector), new.dataset_id, (), self._most)
        for group in left:
            if old is not None and group not in came:
                change = -scoring.spread(old.vector)
                self._step(group, (Movement.REMOVED, None)).take(change, old.dataset_id, (), self._most)
        if old is None or new is None or old.vector == new.vector:
            return
        stayed = [group for group in left if group in came]
        if stayed:
            for way, change, moves in self._moved(old, new, updates):
                for group in stayed:
                    self._step(group, way).take(change, old.dataset_id, moves, self._most)

    def follow(self, later: Differences) -> None:
        """Takes in what another one took in of datasets whose ids come after."""
        for mine, others in ((self._before, later._before), (self._after, later._after)):
            for group, counts in others.items():
                mine[group] = mine.get(group, 0) + counts
        for (group, way), step in later._steps.items():
            mine_step = self._step(group, way)
            room = None if self._most is None else max(0, self._most - len(mine_step.dataset_ids))
            named = step.dataset_ids[:room]
            mine_step.change += step.change
            mine_step.datasets += step.datasets
            mine_step.indicators += step.indicators
            mine_step.dataset_ids += named
            if named:
                mine_step.moves += [move for move in step.moves if move.dataset_id <= named[-1]]

    def explanation(self, group: Group, earlier: Score | None = None) -> Explanation | None:
        """The steps of a group; None where it has no score at one of the two times. ``earlier`` as for ``explain``."""
        counts = self._before.get(group, 0)
        begins, last = self._score(counts, group), self._score(self._after.get(group, 0), group)
        first = begins if earlier is None else earlier
        if first.point is None or begins.point is None or last.point is None:
            return None
        parts = [] if earlier is None else [Part(Movement.RULES, None, begins.point - first.point, 0, (), ())]
        point = begins.point
        for way in _ORDER:
            step = self._steps.get((group, way))
            if step is None:
                continue
            counts += step.change
            reached = self._score(counts, group).point
            assert reached is not None, "a state between two that have a score has one"
            asked = tuple(step.indicators.most_common())
            parts.append(
                Part(*way, reached - point, step.datasets, asked, tuple(step.dataset_ids), tuple(step.moves))
            )
            point = reached
        return Explanation(first, last, tuple(parts))

    def _counts_in(self, row: Assessed | None) -> list[Group]:
        if row is None or row.vector[self._counted] != Verdict.PASS:
            return []
        return [group for group in groups_of(row) if group in self._groups]

    def _count(self, totals: dict[Group, int], groups: Iterable[Group], counts: int) -> None:
        for group in groups:
            totals[group] = totals.get(group, 0) + counts

    def _step(self, group: Group, way: _Way) -> _Step:
        return self._steps.setdefault((group, way), _Step())

    def _score(self, counts: int, group: Group) -> Score:
        return score_of(counts, self._layout, self._rules, group)

    def _moved(
        self, old: Assessed, new: Assessed, updates: Sequence[Change]
    ) -> Iterator[tuple[_Way, int, tuple[Move, ...]]]:
        """The verdicts of the rule set that moved, by how and why, in order, and what each step changes of the counts."""
        found: dict[_Way, list[int]] = {}
        for place, indicator in enumerate(self._asked, self._start):
            if old.vector[place] != new.vector[place]:
                movement = movement_of(Verdict(old.vector[place]), Verdict(new.vector[place]))
                cause = cause_of(CHECKS[indicator.check or ""], updates)
                found.setdefault((movement, cause), []).append(place)
        now = old.vector
        for way in _ORDER:
            if way not in found:
                continue
            vector = bytearray(now)
            for place in found[way]:
                vector[place] = new.vector[place]
            reached = bytes(vector)
            moves = tuple(
                Move(
                    old.dataset_id, self._asked[place - self._start].id,
                    Verdict(old.vector[place]), Verdict(new.vector[place]),
                )
                for place in found[way]
            )
            yield way, scoring.spread(reached) - scoring.spread(now), moves
            now = reached


def score_of(counts: int, layout: Layout, rules: str, group: Group) -> Score:
    """The score that counts come to."""
    lanes = scoring.lanes(scoring.packed(counts, layout))
    return scoring.score(lanes, layout.rules(rules), layout, is_department=group[0] in AS_ONE)


def movement_of(old: Verdict, new: Verdict) -> Movement:
    """How a verdict moved. What was carried on from before an outage moves only where it turns out otherwise."""
    if old.fails and new.passes:
        return Movement.IMPROVED
    if old.passes and new.fails:
        return Movement.WORSENED
    return Movement.MEASURED


def cause_of(check: Check, updates: Sequence[Change]) -> Cause:
    """Why a verdict moved: the last update of a field that its check reads; without one, the probe, or time.

    An update of another field may matter too (an empty dataset fails everything): it is the cause where nothing else is.
    """
    read = [change for change in updates if set(change.fields) & set(check.reads)]
    if not read and check.probes:
        return Cause.PROBE
    if not read and check.dated:
        return Cause.TIME
    last = (read or list(updates))[-1:]
    if not last:
        return Cause.TIME
    return Cause.MAPPING if last[0].cause is ChangeCause.MAPPING else Cause.PUBLISHER
