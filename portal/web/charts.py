"""Charts as plain values: what is drawn, and where its parts lie. ``templates/charts.html`` draws them.

Lengths along a line are percentages and heights are pixels, so that a chart takes the width it is given and its words
never shrink. What was not measured is None and drawn hatched, never as zero.
"""

from __future__ import annotations

import math
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

DOTS_SHOWN = 24
"""Of more points in a line only those that say more are dots."""

DATE_WIDTH = 0.18
"""What a date takes of a trend's width, where it is widest."""

DATES_SHOWN = 4
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
    at: float | None = None
    """How far along the line of time it lies, 0-1; None where all points lie at even distances."""
    value: float | None
    bounds: tuple[float, float] | None = None
    """From where to where the value may lie."""
    method: str | None = None
    """The version of the method; values of two methods are not joined by a line."""
    mark: str | None = None
    """A word beside the point, for one that is more than a point."""
    href: str | None = None
    note: str | None = None
    """Why it was not measured."""


class Trend(Struct, frozen=True, kw_only=True):
    """One value over time, the oldest first."""

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
        return percent(self._share(place))

    def is_late(self, place: float) -> bool:
        """Whether it stands so far right that words must stand left of it."""
        return self._share(place) > 1 - DATE_WIDTH

    def y(self, value: float) -> str:
        """The height of a value, in pixels from above."""
        return f"{round(self.height * (1 - self.scale.share(value)), 1):g}"

    def _share(self, place: float) -> float:
        last = len(self.points) - 1
        before, after = (min(last, max(0, limit(place))) for limit in (math.floor, math.ceil))
        return (self._at(before) + self._at(after)) / 2

    def _at(self, place: int) -> float:
        given, last = self.points[place].at, len(self.points) - 1
        return given if given is not None else place / last if last else 0.5

    @property
    def lines(self) -> Iterator[tuple[int, float, int, float]]:
        """The lines: from which point and value to which. None crosses a gap or a change of method."""
        for place, (one, other) in enumerate(pairwise(self.points)):
            if one.value is not None and other.value is not None and one.method == other.method:
                yield place, one.value, place + 1, other.value

    @property
    def has_bounds(self) -> bool:
        """Whether the bounds of any point are known."""
        return any(point.bounds for point in self.points)

    @property
    def bands(self) -> Iterator[str]:
        """Between the bounds of points in a row, one area: its corners, across from 0 to 100 and down in pixels."""
        for several in self._unbroken():
            upper, lower = [], []
            for place in several:
                bounds, x = self.points[place].bounds, f"{round(self._at(place) * 100, 2):g}"
                if bounds is not None:
                    lower.append(f"{x},{self.y(bounds[0])}")
                    upper.append(f"{x},{self.y(bounds[1])}")
            if len(upper) > 1:
                yield " ".join((*upper, *reversed(lower)))

    @property
    def ranges(self) -> Iterator[tuple[int, float, float]]:
        """The bounds of points that have no neighbour to make an area with."""
        for several in self._unbroken():
            bounds = self.points[several[0]].bounds
            if len(several) == 1 and bounds is not None:
                yield several[0], *bounds

    def _unbroken(self) -> Iterator[list[int]]:
        """The places of points in a row that were measured by one method."""
        for (measured, _), group in groupby(
            range(len(self.points)), lambda place: (self.points[place].value is not None, self.points[place].method)
        ):
            if measured:
                yield list(group)

    @property
    def gaps(self) -> Iterator[tuple[str, str]]:
        """Where every time without a measurement begins, and how wide it is."""
        last = len(self.points) - 1
        for measured, group in groupby(range(last + 1), lambda place: self.points[place].value is not None):
            places = list(group)
            if not measured:
                begin = 0.0 if places[0] == 0 else self._share(places[0] - 0.5)
                end = 1.0 if places[-1] == last else self._share(places[-1] + 0.5)
                yield percent(begin), percent(end - begin)

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
    def named_changes(self) -> frozenset[int]:
        """Those of ``changes`` whose version is written beside them: the words of others would run into it."""
        found: list[int] = []
        for place, _ in self.changes:
            if not found or self._share(place - 0.5) - self._share(found[-1] - 0.5) >= DATE_WIDTH:
                found.append(place)
        return frozenset(found)

    @property
    def measured(self) -> tuple[tuple[int, float], ...]:
        """The points that have a value, with their places."""
        return tuple((place, point.value) for place, point in enumerate(self.points) if point.value is not None)

    @property
    def dots(self) -> Iterator[tuple[int, float]]:
        """The points that are drawn as dots: all, or where they would run together those that no line leads to."""
        joined = {place for one, _, other, _ in self.lines for place in (one, other)}
        few = len(self.measured) <= DOTS_SHOWN
        for place, value in self.measured:
            if few or place not in joined or self.points[place].mark or place == self.measured[-1][0]:
                yield place, value

    @property
    def marked(self) -> Iterator[tuple[int, float, str]]:
        """The points with a word beside them, their values and the words."""
        for place, value in self.measured:
            mark = self.points[place].mark
            if mark is not None:
                yield place, value, mark

    @property
    def dated(self) -> tuple[int, ...]:
        """The points whose date is written below: the first, the last, and some between them, well apart."""
        last = len(self.points) - 1
        if last < 1:
            return tuple(range(last + 1))
        found = [0]
        for place_wanted in range(1, DATES_SHOWN - 1):
            share = place_wanted / (DATES_SHOWN - 1)
            place, _ = min(self.measured or ((0, 0.0),), key=lambda one: abs(self._at(one[0]) - share))
            # The first and the last stand wholly on one side of their points, the others on both.
            free = 1.5 * DATE_WIDTH if found == [0] else DATE_WIDTH
            if self._at(place) - self._at(found[-1]) >= free and 1 - self._at(place) >= 1.5 * DATE_WIDTH:
                found.append(place)
        return (*found, last)


class Heading(Struct, frozen=True):
    """A row or a column by its name."""

    label: str
    href: str | None = None
    figure: str | None = None
    """Of a row: what stands beside its name."""
    order: str | None = None
    """Of a column: ``ascending`` or ``descending`` where the rows are in its order."""


class Cell(Struct, frozen=True):
    """One value of a heat map."""

    value: float | None
    href: str | None = None
    note: str | None = None
    """What is more to say of the value, or why it was not measured."""
    is_asked: bool = True
    """False where there is nothing to be measured: such a cell is blank, and not hatched."""


Row: TypeAlias = tuple[Heading, tuple[Cell, ...]]


class Heat(Struct, frozen=True, kw_only=True):
    """A heat map: rows by columns, each cell with its figure on one of five shades."""

    title: str
    things: Heading
    """What the rows are: the heading of their column."""
    figures: Heading | None = None
    """The heading of the column of the rows' figures; None where they have none."""
    columns: tuple[Heading, ...]
    rows: tuple[Row, ...]
    """A cell for every column."""
    whole: Row | None = None
    """All rows together."""
    steps: Steps
    written: Written = number

    @property
    def unasked(self) -> bool:
        """Whether any cell has nothing to be measured."""
        rows = self.rows if self.whole is None else (*self.rows, self.whole)
        return any(not cell.is_asked for _, cells in rows for cell in cells)
