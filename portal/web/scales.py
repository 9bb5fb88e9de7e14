"""From a number to a place on a line or to one of five shades: what every chart is drawn with."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct

SHADES = 5
"""Steps of the one hue that shows magnitude, ``--step1`` to ``--step5`` of the style."""


class Scale(Struct, frozen=True):
    """A straight line from ``low`` to ``high``, in the unit of its values."""

    low: float
    high: float
    ticks: tuple[float, ...]
    """Round values within it, ascending, to be written beside it."""

    def share(self, value: float) -> float:
        """How far along the line a value lies, 0-1. Raises ValueError for one that is not on it."""
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is not between {self.low} and {self.high}")
        return (value - self.low) / (self.high - self.low)

    def nearest(self, value: float) -> float:
        """The value, or the end of the scale that is nearest: a sum of shares may end a last digit beyond it."""
        return min(self.high, max(self.low, value))

    def at(self, value: float) -> str:
        """The place of a value as SVG writes it: ``62.5%``."""
        return percent(self.share(value))


SCORES = Scale(0, 100, (0, 50, 100))


def percent(share: float) -> str:
    """A share (0-1) as a length in SVG."""
    return f"{round(share * 100, 2):g}%"


def scale(values: Iterable[float | None], *, ticks: int = 4) -> Scale:
    """A scale from zero that holds every value, with about so many round ticks; 0 to 1 where nothing was measured."""
    measured = [value for value in values if value is not None]
    lowest, highest = min(measured, default=0.0), max(measured, default=0.0)
    if lowest == highest == 0:
        return Scale(0, 1, (0, 1))
    step = _round_step((max(highest, 0) - min(lowest, 0)) / ticks)
    # Counts of things have no halves.
    step = max(step, 1) if all(float(value).is_integer() for value in measured) else step
    first, last = math.floor(min(lowest, 0) / step), math.ceil(max(highest, 0) / step)
    marks = tuple(round(number * step, 10) for number in range(first, last + 1))
    return Scale(marks[0], marks[-1], marks)


def _round_step(about: float) -> float:
    unit: float = 10.0 ** math.floor(math.log10(about))
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= about)


class Steps(Struct, frozen=True):
    """Magnitude in at most five steps."""

    limits: tuple[float, ...]
    """The highest value of every step but the last, ascending."""

    def step(self, value: float) -> int:
        """The step of a value, from 1."""
        return bisect_left(self.limits, value) + 1


FIFTHS = Steps((20, 40, 60, 80))
"""For scores from 0 to 100 and shares in percent."""


def steps_of_counts(most: int) -> Steps:
    """Steps for counts from 1 to ``most``, of their square root and at round limits.

    Provinces differ by a factor of a hundred, and the small ones must not all look alike.
    """
    wanted = (most * (shade / SHADES) ** 2 for shade in range(1, SHADES))
    return Steps(tuple(sorted({limit for limit in map(_one_digit, wanted) if 0 < limit < most})))


def _one_digit(value: float) -> int:
    unit: int = 10 ** max(0, math.floor(math.log10(value))) if value >= 1 else 1
    return round(value / unit) * unit
