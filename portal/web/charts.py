"""Charts as plain values: what is drawn, and where its parts lie. ``templates/charts.html`` draws them.

Lengths along a line are percentages and heights are pixels, so that a chart takes the width it is given and its words
never shrink. What was not measured is None and drawn hatched, never as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import TypeAlias

from msgspec import Struct

from portal.web.notation import number
from portal.web.scales import Scale, Steps, percent

Written: TypeAlias = Callable[[float], str]
"""How a chart writes its values, with their unit: one of ``portal.web.notation``."""

TREND_HEIGHT = 168
"""Pixels."""

DATES_SHOWN = 5
"""At most so many dates below a trend; a narrow window shows the first and the last."""


class Bar(Struct, frozen=True, kw_only=True):
    """One thing and how much of it there is."""

    label: str
    value: float | None
    """What was reached of what was measured; None = nothing was measured."""
    bounds: tuple[float, float] | None = None
    """What is surely reached, and what would be if all that was not measured were reached too; None = the value itself."""
    measured: float = 1.0
    """The share (0-1) of what counts that was measured."""
    peers: tuple[float, float] | None = None
    """From where to where its peers lie."""
    href: str | None = None


class Bars(Struct, frozen=True, kw_only=True):
    """Horizontal bars, in a table with their figures.

    Of a bar that was measured in part, the solid part ends at its lower bound, the hatched one at its upper bound, and the
    mark of its value lies between the two.
    """

    title: str
    things: str
    """What the labels are: the heading of their column."""
    measure: str
    """What the values are."""
    bars: tuple[Bar, ...]
    scale: Scale
    """From zero."""
    written: Written = number

    @property
    def partly(self) -> bool:
        """Whether anything was not measured."""
        return any(self.unmeasured(bar) or bar.measured < 1 for bar in self.bars)

    @property
    def peers(self) -> bool:
        """Whether peers are known of any."""
        return any(bar.peers for bar in self.bars)

    def reached(self, bar: Bar) -> str:
        """The length of the solid part."""
        return percent(self._shares(bar)[0])

    def unmeasured(self, bar: Bar) -> str | None:
        """The length of the hatched part, which follows it; None where there is none."""
        low, high = self._shares(bar)
        return percent(high - low) if high > low else None

    def _shares(self, bar: Bar) -> tuple[float, float]:
        if bar.value is None:
            return 0, 1
        low, high = bar.bounds or (bar.value, bar.value)
        return self.scale.share(low), self.scale.share(high)


class Point(Struct, frozen=True, kw_only=True):
    """What was measured at one time."""

    when: str
    """The day or the period in the reader's words."""
    value: float | None
    method: str | None = None
    """The version of the method; values of two methods are not joined by a line."""
    href: str | None = None
    note: str | None = None
    """Why it was not measured."""


class Trend(Struct, frozen=True, kw_only=True):
    """One value over time, at even distances, the oldest first."""

    id: str
    """What no other element of the page is called."""
    title: str
    times: str
    """What the points are: the heading of their column."""
    measure: str
    points: tuple[Point, ...]
    scale: Scale
    written: Written = number
    height: int = TREND_HEIGHT

    def x(self, place: float) -> str:
        """Where the point number ``place`` stands, counted from 0; between two points at a half."""
        last = len(self.points) - 1
        return percent(min(1, max(0, place / last)) if last else 0.5)

    def y(self, value: float) -> str:
        """The height of a value, in pixels from above."""
        return f"{round(self.height * (1 - self.scale.share(value)), 1):g}"

    @property
    def lines(self) -> Iterator[tuple[int, float, int, float]]:
        """The lines: from which point and value to which. None crosses a gap or a change of method."""
        for place, (one, other) in enumerate(pairwise(self.points)):
            if one.value is not None and other.value is not None and one.method == other.method:
                yield place, one.value, place + 1, other.value

    @property
    def gaps(self) -> Iterator[tuple[str, str]]:
        """Where every time without a measurement begins, and how wide it is."""
        last = len(self.points) - 1
        for measured, group in groupby(enumerate(self.points), lambda one: one[1].value is not None):
            places = [place for place, _ in group]
            if not measured and last > 0:
                begin, end = max(0, places[0] - 0.5), min(last, places[-1] + 0.5)
                yield percent(begin / last), percent((end - begin) / last)
            elif not measured:
                yield "0%", "100%"

    @property
    def has_methods(self) -> bool:
        """Whether the method of any point is known."""
        return any(point.method is not None for point in self.points)

    @property
    def changes(self) -> Iterator[tuple[int, str]]:
        """The points that a new method begins with, and its version."""
        for place, (one, other) in enumerate(pairwise(self.points), 1):
            if other.method is not None and one.method != other.method:
                yield place, other.method

    @property
    def measured(self) -> tuple[tuple[int, float], ...]:
        """The points that have a value, with their places."""
        return tuple((place, point.value) for place, point in enumerate(self.points) if point.value is not None)

    @property
    def dated(self) -> tuple[int, ...]:
        """The points whose date is written below: the first, the last, and some between them."""
        last = len(self.points) - 1
        if last < 0:
            return ()
        every = max(1, -(-last // (DATES_SHOWN - 1)))
        return (*(place for place in range(0, last, every) if last - place >= every), last)


class Heading(Struct, frozen=True):
    """A row or a column by its name."""

    label: str
    href: str | None = None


class Cell(Struct, frozen=True):
    """One value of a heat map."""

    value: float | None
    href: str | None = None
    note: str | None = None
    """Why it was not measured."""


class Heat(Struct, frozen=True, kw_only=True):
    """A heat map: rows by columns, each cell with its figure on one of five shades."""

    title: str
    things: str
    """What the rows are: the heading of their column."""
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Heading, tuple[Cell, ...]], ...]
    """A cell for every column."""
    steps: Steps
    written: Written = number
