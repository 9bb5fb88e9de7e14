"""A group's score over time: as a chart for its card, and every figure of it for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import pairwise

from msgspec import Struct

from portal.scorecard.rules import RuleSet
from portal.scorecard.trends import Moment
from portal.web import notation
from portal.web.addresses import address
from portal.web.charts import Point, Trend
from portal.web.graded import Group
from portal.web.scales import Scale
from portal.web.score_documents import Method
from portal.web.words import t


def chart(moments: Sequence[Moment], scale: Scale) -> Trend | None:
    """The score with its bounds; None where there is no second day to lead a line to."""
    if len(moments) < 2:
        return None
    begins, ends = moments[0].day.toordinal(), moments[-1].day.toordinal()
    points = [_point(one, (one.day.toordinal() - begins) / (ends - begins), scale) for one in moments]
    return Trend(
        id="trend",
        title=t("scorecards.trend_title"),
        times=t("scorecards.trend_day"),
        measure=t("scorecards.score"),
        points=tuple(_without_repetitions(points)),
        scale=scale,
    )


def _point(moment: Moment, at: float, scale: Scale) -> Point:
    bounds = None
    if moment.low is not None and moment.high is not None:
        bounds = scale.nearest(moment.low), scale.nearest(moment.high)
    return Point(
        when=notation.date(_midnight(moment.day)),
        at=at,
        value=None if moment.score is None else scale.nearest(moment.score),
        bounds=bounds,
        method=moment.version,
        mark=moment.period,
        href=address("periods.period", id=moment.period) if moment.period else None,
        note=_why_none(moment),
    )


def _why_none(moment: Moment) -> str | None:
    if not moment.assessed:
        return t("scorecards.trend_not_assessed")
    return t("scorecards.no_datasets") if moment.datasets == 0 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _without_repetitions(points: Sequence[Point]) -> Iterator[Point]:
    """The points without those between two that say the same: they would lie on the line from one to the other."""
    yield points[0]
    for (before, one), (_, after) in pairwise(pairwise(points)):
        if one.mark or not _what_is_said(before) == _what_is_said(one) == _what_is_said(after):
            yield one
    yield points[-1]


def _what_is_said(point: Point) -> tuple[object, ...]:
    return point.value, point.bounds, point.method, point.note


class Day(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One day of a trend.

    Not ``assessed`` are the first and the last day of a time in which nothing was; without ``score`` nothing was measured.
    """

    day: date
    version: str
    assessed: bool
    score: float | None = None
    low: float | None = None
    high: float | None = None
    measured: float | None = None
    datasets: int | None = None
    period: str | None = None
    """The half-year that was frozen on this day."""


class TrendDocument(Struct, frozen=True, kw_only=True):
    """A group's score over time, the oldest day first; until the next day that is named it held."""

    method: Method
    kind: str
    code: str
    name: str
    scale: float
    days: tuple[Day, ...]


def document(
    group: Group, name: str, rules: RuleSet, day: datetime, moments: Sequence[Moment]
) -> TrendDocument:
    """Every day of a trend; ``day`` is that of the assessment."""
    return TrendDocument(
        method=Method(rules.id, rules.version, day),
        kind=group.segment,
        code=group.written,
        name=name,
        scale=rules.scale,
        days=tuple(
            Day(**{field: getattr(one, field) for field in Day.__struct_fields__}) for one in moments
        ),
    )


COLUMNS = (
    "rules", "version", "day", "kind", "code", "name", "assessed", "score", "low", "high", "measured", "datasets", "period",
)


def rows(trend: TrendDocument) -> Iterator[Sequence[object]]:
    """A trend as a table."""
    for one in trend.days:
        given = (trend.method.rules, one.version, one.day, trend.kind, trend.code, trend.name)
        yield (*given, one.assessed, one.score, one.low, one.high, one.measured, one.datasets, one.period)
