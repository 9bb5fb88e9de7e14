"""From counted verdicts to a score with its bounds. The whole arithmetic of every scorecard is here.

For each indicator let p, f, u be how many datasets pass, fail, are unknown (what was measured before an outage counts as
it was). Its value is p/(p+f), its bounds p/(p+f+u) and (p+u)/(p+f+u), less what fails cost where they do. The score is the
mean of the values weighted by the indicators' weights over the indicators that anything is known of, times the scale; its
bounds are the means of the bounds over all indicators that apply to any dataset. A dataset's own score is that of a group
of one.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from portal.scorecard.rules import Indicator, Level, RuleSet, UnknownCounts
from portal.scorecard.vectors import FLAGS, Layout
from portal.scorecard.verdicts import Verdict

_LANES = len(Verdict)
_LANE_BYTES = 4


class Tally(Struct, frozen=True):
    """How many datasets have each verdict on one question."""

    not_applicable: int = 0
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    passed_before: int = 0
    failed_before: int = 0

    @property
    def applies(self) -> int:
        """The datasets it is asked of."""
        return self.passed + self.failed + self.unknown + self.passed_before + self.failed_before

    @property
    def passes(self) -> int:
        """The datasets that count as passing."""
        return self.passed + self.passed_before

    @property
    def fails(self) -> int:
        """The datasets that count as failing."""
        return self.failed + self.failed_before


class Value(Struct, frozen=True):
    """An indicator's value, 0 to 1, and its bounds."""

    point: float | None
    """None when nothing is known."""
    low: float
    high: float
    measured: float
    """The share of the datasets it applies to for which it was measured lately."""
    least: float
    """The lower bound after one dataset more that fails."""
    most: float
    """The upper bound after one dataset more that passes."""


class Score(Struct, frozen=True):
    """A group's score on the rule set's scale."""

    point: float | None
    """None when nothing is known."""
    low: float
    high: float
    measured: float
    """The share of the weight (0-1) that was measured lately; what was carried on from before an outage is not in it."""
    datasets: int
    """The datasets it is made of, each counted once."""
    least: float
    """The lower bound after one dataset more that fails everything, ``most`` the upper one after one that passes
    everything: how much a score of few datasets hangs on each of them."""
    most: float


@lru_cache(maxsize=20_000)
def spread(vector: bytes) -> int:
    """A vector as counts: one whole number with a lane of 32 bits for every question and verdict.

    Numbers of any length are added and subtracted as fast as memory is read, so all counts of a group change with
    one ``+`` or ``-`` and not with some four hundred.
    """
    lanes = bytearray(len(vector) * _LANES * _LANE_BYTES)
    for place, verdict in enumerate(vector):
        lanes[(place * _LANES + verdict) * _LANE_BYTES] = 1
    return int.from_bytes(lanes, "little")


def packed(counts: int, layout: Layout) -> bytes:
    """Counts as they are stored."""
    return counts.to_bytes(layout.size * _LANES * _LANE_BYTES, "little")


def unpacked(stored: bytes) -> int:
    """Stored counts, to be added to."""
    return int.from_bytes(stored, "little")


def lanes(stored: bytes) -> array[int]:
    """Stored counts, to be looked at: by question, then by verdict."""
    found = array("I")
    found.frombytes(stored)
    if _BIG_ENDIAN:
        found.byteswap()
    return found


_BIG_ENDIAN = array("I", [1]).tobytes()[0] == 0


def tally(counts: array[int], place: int) -> Tally:
    """The counts of one question."""
    return Tally(*counts[place * _LANES : (place + 1) * _LANES])


def flags(counts: array[int]) -> dict[str, int]:
    """How many datasets each flag holds for."""
    return {name: counts[place * _LANES + Verdict.PASS] for place, name in enumerate(FLAGS)}


def harvested(counts: array[int]) -> int:
    """How many datasets were assessed, copies too."""
    return counts[Verdict.PASS] + counts[Verdict.FAIL]


def value(counts: Tally, indicator: Indicator, unknown: UnknownCounts, bare: int = 0) -> Value | None:
    """An indicator's value; None where it applies to nothing.

    Where a fail costs points the value may be below zero; ``bare`` datasets, which have no distribution, are not charged.
    """
    applies = counts.applies
    if not applies:
        return None
    passes, fails = counts.passes, counts.fails
    measured = (counts.passed + counts.failed) / applies
    perhaps = passes + counts.unknown
    if indicator.level is Level.DEPARTMENT:
        low, high = min(1.0, passes / indicator.needs), min(1.0, perhaps / indicator.needs)
        least, most = low, min(1.0, (perhaps + 1) / indicator.needs)
        # A number that must be reached is reached by what is known to pass; the bounds leave the rest open.
        point: float | None = low
    else:
        cost = indicator.fail / indicator.weight
        charged = cost * max(0, fails - bare if indicator.level is Level.DISTRIBUTION else fails)
        worst = passes + charged + cost * counts.unknown
        low, high = worst / applies, (perhaps + charged) / applies
        least, most = (worst + cost) / (applies + 1), (perhaps + charged + 1) / (applies + 1)
        point = (passes + charged) / (passes + fails) if passes + fails else None
    if unknown is UnknownCounts.PASS:
        point = high
    elif unknown is UnknownCounts.FAIL:
        point = low
    return Value(point, low, high, measured, least, most)


def values(counts: array[int], rules: RuleSet, layout: Layout, *, is_department: bool) -> dict[str, Value | None]:
    """The value of every measured indicator; None where it applies to nothing, or not to this kind of group."""
    start, bare = layout.starts[rules.id], flags(counts)["without-distribution"]
    return {
        indicator.id: (
            None
            if indicator.level is Level.DEPARTMENT and not is_department
            else value(tally(counts, start + place), indicator, rules.unknown, bare)
        )
        for place, indicator in enumerate(rules.measured)
    }


def score(counts: array[int], rules: RuleSet, layout: Layout, *, is_department: bool) -> Score:
    """A group's score. ``is_department``: whether what is asked of a department as a whole is asked of it."""
    found = values(counts, rules, layout, is_department=is_department)
    return combined([(one, found[one.id]) for one in rules.measured], rules.scale, counts[Verdict.PASS])


def of_one(vector: bytes, rules: RuleSet, layout: Layout) -> Score:
    """One dataset's own score: that of a group of one, of which nothing is asked as of a department."""
    counts = array("I", bytes(len(vector) * _LANES * _LANE_BYTES))
    for place, verdict in enumerate(vector):
        counts[place * _LANES + verdict] = 1
    return score(counts, rules, layout, is_department=False)


def combined(found: Sequence[tuple[Indicator, Value | None]], scale: float, datasets: int) -> Score:
    """The score that values make."""
    weight = known = point = low = high = measured = least = most = 0.0
    for indicator, one in found:
        if one is None:
            continue
        weight += indicator.weight
        low += indicator.weight * one.low
        high += indicator.weight * one.high
        measured += indicator.weight * one.measured
        least += indicator.weight * one.least
        most += indicator.weight * one.most
        if one.point is not None:
            known += indicator.weight
            point += indicator.weight * one.point
    if not weight:
        return Score(None, 0.0, scale, 0.0, datasets, 0.0, scale)
    return Score(
        point=scale * point / known if known else None,
        low=scale * low / weight,
        high=scale * high / weight,
        measured=measured / weight,
        datasets=datasets,
        least=scale * least / weight,
        most=scale * most / weight,
    )
