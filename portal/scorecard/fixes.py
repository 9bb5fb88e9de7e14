"""How to rise: what gains most points for least work."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from msgspec import Struct

from portal.catalog.assessments import Kind
from portal.catalog.store import Catalog
from portal.scorecard import scoring
from portal.scorecard.assess import standard_layout
from portal.scorecard.groups import AS_ONE
from portal.scorecard.rules import Indicator, Level, RuleSet
from portal.scorecard.scoring import Tally, Value
from portal.scorecard.vectors import Layout


class Fix(Struct, frozen=True):
    """One thing to do, and what it would bring. The datasets are those of ``cards.behind`` that fail."""

    indicator: Indicator
    datasets: int
    """How many datasets it is to be done to."""
    failing: int
    """How many fail."""
    gain: float
    """Points of the group's score, if it is done to all of them and nothing else changes."""
    minutes: float
    """The work, by the rule set's estimate."""
    empty: int = 0
    """How many of those that fail are empty: whatever else is done to one, it earns nothing until there is data in it."""
    fills: bool = False
    """Whether it puts data into empty datasets: they then earn what else they pass, which is not in the gain."""

    @property
    def choice(self) -> int:
        """How many it may be done to: more than ``datasets`` where a department needs only some."""
        return self.failing if self.fills else self.failing - self.empty

    def text(self, locale: str) -> str:
        """What to do, in ``zh`` or ``en``."""
        words = self.indicator.fix.text(locale) if self.indicator.fix else self.indicator.title.text(locale)
        some = self.datasets < self.choice
        if locale == "zh":
            many = f"{self.choice} 个数据集中任 {self.datasets} 个" if some else f"{self.datasets} 个数据集"
            return f"{words}：{many}，+{self.gain:.1f} 分{'以上' if self.fills else ''}"
        many = f"any {self.datasets:,} of {self.choice:,} datasets" if some else f"{self.datasets:,} datasets"
        return f"{words}: {many}, +{self.gain:.1f}{' or more' if self.fills else ''}"


def fixes(catalog: Catalog, kind: Kind, code: str, rules: str = "national") -> list[Fix]:
    """What a group can do, the most points for a minute's work first.

    The gains of several add up: each is of an indicator of its own, and all of them are known already.
    """
    layout = standard_layout()
    given = layout.rules(rules)
    stored = catalog.assessments.tallies([(kind, code)]).get((kind, code))
    return [] if stored is None else fixes_in(stored, kind, given, layout)


def fixes_in(stored: bytes, kind: Kind, given: RuleSet, layout: Layout) -> list[Fix]:
    """What a group with these counts can do, the most points for a minute's work first."""
    counts = scoring.lanes(stored)
    is_department = kind in AS_ONE
    empty = _empty(counts, given, layout)
    values = scoring.values(counts, given, layout, is_department=is_department)
    found = []
    for place, indicator in enumerate(given.measured):
        value = values[indicator.id]
        if value is not None and value.point is not None:
            standing = scoring.tally(counts, layout.starts[given.id] + place)
            found.append(_fix(indicator, standing, value, list(values.items()), given, empty))
    useful = [one for one in found if one.gain > 0 and one.datasets]
    return sorted(useful, key=lambda one: (-one.gain / one.minutes, one.indicator.id))


def most_first(found: Iterable[Fix]) -> list[Fix]:
    """The same with the most points first; of those that bring as many, the least work."""
    # Gains that are equal on paper differ in their last digits as computed.
    return sorted(found, key=lambda one: (-round(one.gain, 6), one.minutes, one.indicator.id))


def _empty(counts: array[int], given: RuleSet, layout: Layout) -> int:
    """How many datasets fail everything because they are empty, or a few more: copies that are empty are flagged too."""
    if not given.empty_earns_nothing:
        return 0
    start = layout.starts[given.id]
    fails = (
        scoring.tally(counts, start + place).fails for place, one in enumerate(given.measured) if not one.not_for
    )
    return min(scoring.flags(counts)["empty"], *fails)


def mends_empty(indicator: Indicator) -> bool:
    """Whether its fix is to put data into empty datasets."""
    return indicator.check == "effective"


def _fix(
    indicator: Indicator,
    standing: Tally,
    value: Value,
    values: Sequence[tuple[str, Value | None]],
    rules: RuleSet,
    empty: int,
) -> Fix:
    fills = empty > 0 and mends_empty(indicator)
    empty = min(empty, standing.fails)
    count = standing.fails if fills else standing.fails - empty
    if indicator.level is Level.DEPARTMENT:
        count = min(count, max(0, indicator.needs - standing.passes))
    better = Tally(
        passed=standing.passes + count,
        failed=standing.fails - count,
        unknown=standing.unknown,
    )
    after = scoring.value(better, indicator, rules.unknown)
    assert after is not None and after.point is not None and value.point is not None
    known = sum(rules.indicator(id).weight for id, one in values if one is not None and one.point is not None)
    gain = rules.scale * indicator.weight * (after.point - value.point) / known
    return Fix(indicator, count, standing.fails, gain, count * indicator.effort, empty, fills)
