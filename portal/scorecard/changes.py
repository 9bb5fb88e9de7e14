"""Why a score changed: the difference taken apart into parts that add up to it.

From the earlier state to the later one the score is followed in steps, always in the same order: the rules, then what was
added, what was removed, and then the verdicts of the datasets that are there both times, by how they moved and why. Each
part is what its step changed, so the parts make the whole difference; another order would share it out a little otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

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
    dataset_ids: tuple[str, ...]
    moves: tuple[Move, ...] = ()
    """The verdicts that moved; none for rules, added and removed."""


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
    restated: Snapshot | None = None,
) -> Explanation | None:
    """Why a group's score under a rule set changed; None where it has no score at one of the two times.

    Where the rules changed, ``restated`` is the earlier state by the later rules. Raises ValueError without it.
    """
    if before.layout.digest != after.layout.digest and restated is None:
        raise ValueError("the rules changed in between: the earlier state must be restated by the later ones")
    base = restated if restated is not None else before
    old, new = _members(base, group), _members(after, group)
    first = _score(_total(_members(before, group).values()), before.layout, rules, group)
    last = _score(_total(new.values()), after.layout, rules, group)
    if first.point is None or last.point is None:
        return None
    walk = _Walk(after.layout, rules, group, _total(old.values()), first.point)
    if restated is not None:
        walk.step(Movement.RULES, None, 0, ())
    added = [id for id in new if id not in old]
    removed = [id for id in old if id not in new]
    walk.step(Movement.ADDED, None, _total(new[id] for id in added), added)
    walk.step(Movement.REMOVED, None, -_total(old[id] for id in removed), removed)
    stayed = {id: (old[id].vector, new[id].vector) for id in old if id in new and old[id].vector != new[id].vector}
    updates = catalog.updates(list(stayed), base.number, after.number)
    for (movement, cause), cells in _moved(stayed, updates, after.layout, rules).items():
        walk.move(movement, cause, cells)
    return Explanation(first, last, tuple(walk.parts))


class _Walk:
    """The way from one state of the counts to another, and what each step did to the score."""

    def __init__(self, layout: Layout, rules: str, group: Group, counts: int, point: float) -> None:
        self._layout, self._rules, self._group = layout, rules, group
        self._counts, self._point = counts, point
        self._now: dict[str, bytes] = {}
        self.parts: list[Part] = []

    def step(
        self, movement: Movement, cause: Cause | None, change: int, ids: Sequence[str], moves: Sequence[Move] = ()
    ) -> None:
        """Changes the counts; what that does to the score is a part, unless nothing was done."""
        self._counts += change
        point = _score(self._counts, self._layout, self._rules, self._group).point
        assert point is not None, "a state between two that have a score has one"
        if ids or movement is Movement.RULES:
            self.parts.append(Part(movement, cause, point - self._point, tuple(ids), tuple(moves)))
        self._point = point

    def move(self, movement: Movement, cause: Cause, cells: Mapping[str, Sequence[_Cell]]) -> None:
        """Changes some verdicts of some datasets."""
        change = 0
        for id, moved in cells.items():
            vector = bytearray(self._now.get(id, moved[0].before))
            old = bytes(vector)
            for cell in moved:
                vector[cell.place] = cell.verdict
            self._now[id] = bytes(vector)
            change += scoring.spread(self._now[id]) - scoring.spread(old)
        asked, start = self._layout.rules(self._rules).measured, self._layout.starts[self._rules]
        moves = [
            Move(id, asked[cell.place - start].id, Verdict(cell.before[cell.place]), Verdict(cell.verdict))
            for id, moved in cells.items()
            for cell in moved
        ]
        self.step(movement, cause, change, tuple(cells), moves)


class _Cell(Struct, frozen=True):
    """One verdict of one dataset that moved."""

    before: bytes
    """The dataset's whole vector before."""
    place: int
    verdict: int


def _members(snapshot: Snapshot, group: Group) -> dict[str, Assessed]:
    """The datasets that count in a group, by id."""
    counted = snapshot.layout.flag("counted")
    return {
        row.dataset_id: row
        for row in snapshot.rows
        if row.vector[counted] == Verdict.PASS and group in groups_of(row)
    }


def _total(rows: Iterable[Assessed]) -> int:
    return sum(scoring.spread(row.vector) for row in rows)


def _score(counts: int, layout: Layout, rules: str, group: Group) -> Score:
    lanes = scoring.lanes(scoring.packed(counts, layout))
    return scoring.score(lanes, layout.rules(rules), layout, is_department=group[0] in AS_ONE)


def _moved(
    stayed: Mapping[str, tuple[bytes, bytes]], updates: Mapping[str, Sequence[Change]], layout: Layout, rules: str
) -> dict[tuple[Movement, Cause], dict[str, list[_Cell]]]:
    """The verdicts of one rule set that moved, by how and why, in a fixed order."""
    start = layout.starts[rules]
    checks = [CHECKS[one.check or ""] for one in layout.rules(rules).measured]
    order = [(movement, cause) for movement in (Movement.WORSENED, Movement.IMPROVED, Movement.MEASURED) for cause in Cause]
    found: dict[tuple[Movement, Cause], dict[str, list[_Cell]]] = {each: {} for each in order}
    for id, (old, new) in stayed.items():
        for place, check in enumerate(checks, start):
            if old[place] != new[place]:
                why = movement_of(Verdict(old[place]), Verdict(new[place])), cause_of(check, updates.get(id, ()))
                found[why].setdefault(id, []).append(_Cell(old, place, new[place]))
    return {why: cells for why, cells in found.items() if cells}


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
