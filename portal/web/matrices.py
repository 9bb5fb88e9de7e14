"""What a region or the nation is made of, by indicator: as a heat map, and every figure of it for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from portal.catalog.assessments import Kind, Standing
from portal.scorecard import cards
from portal.scorecard.cards import Answer, IndicatorCard
from portal.scorecard.rules import Indicator, RuleSet
from portal.web import graded, notation
from portal.web.addresses import address
from portal.web.charts import Cell, Heading, Heat, Row
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.scales import SHADES, Steps
from portal.web.score_documents import Method
from portal.web.site import site
from portal.web.words import t
from schemas import vocabulary

FIFTHS = Steps(tuple(shade / SHADES for shade in range(1, SHADES)))
"""Of shares from 0 to 1."""

BY_SCORE, BY_NAME = "score", "name"
"""The orders besides those by an indicator."""


class Matrix(Struct, frozen=True, kw_only=True):
    """The parts of a group, and every indicator that any of them is asked."""

    group: Group
    of: str
    """One of ``graded.PARTS``."""
    rules: RuleSet
    indicators: tuple[Indicator, ...]
    standings: tuple[Standing, ...]
    """The parts, best first."""
    names: Mapping[str, str]
    values: Mapping[str, Mapping[str, IndicatorCard]]
    """By part, then by indicator."""

    def short_name(self, code: str) -> str:
        """What a part is called beside the others of the same region."""
        if self.of == "regions":
            return self.names[code]
        return vocabulary("department_functions").label(code.partition(".")[2], language())


def kinds(group: Group, rules: RuleSet) -> tuple[str, ...]:
    """What a group is made of that has datasets, that first by which it is best looked at."""
    found = [of for of in graded.PARTS if graded.parts(group, of, rules.id)]
    # Of the nation by its regions, which is the first of them; of a region by its departments.
    return tuple(found if group.kind is Kind.NATION else reversed(found))


def matrix_address(group: Group, rules: RuleSet, **given: object) -> str:
    """Where a heat map of a group is."""
    return address("matrices.matrix", kind=group.segment, code=group.written, rules=rules.id, **given)


def matrix(group: Group, of: str, rules: RuleSet) -> Matrix:
    """The parts of a group by indicator."""
    standings = tuple(graded.parts(group, of, rules.id))
    codes = [one.code for one in standings]
    values = cards.matrix(site().catalog, graded.PARTS[of], codes, rules.id)
    asked = {id for row in values.values() for id, one in row.items() if one.value is not None}
    return Matrix(
        group=group,
        of=of,
        rules=rules,
        indicators=tuple(one for one in rules.measured if one.id in asked),
        standings=standings,
        names=graded.names(graded.PARTS[of], codes),
        values=values,
    )


def orders(found: Matrix) -> tuple[str, ...]:
    """By what the parts can be put in order."""
    return (BY_SCORE, BY_NAME, *(one.id for one in found.indicators))


def ordered(found: Matrix, sort: str) -> list[Standing]:
    """The parts by score or an indicator, the best first and what was not measured last, or by name."""
    if sort == BY_SCORE:
        return list(found.standings)
    if sort == BY_NAME:
        return sorted(found.standings, key=lambda one: found.short_name(one.code))

    def worst_last(one: Standing) -> tuple[bool, float]:
        value = found.values[one.code][sort].value
        point = None if value is None else value.point
        return point is None, -(point or 0.0)

    return sorted(found.standings, key=worst_last)


def heat(found: Matrix, shown: Sequence[Standing], sort: str) -> Heat:
    """The heat map of those parts that are shown, and below them the group as a whole."""

    def heading(label: str, order: str) -> Heading:
        to = matrix_address(found.group, found.rules, of=found.of, sort=order if order != BY_SCORE else None)
        if order == sort:
            return Heading(label, order="ascending" if order == BY_NAME else "descending")
        return Heading(label, to)

    whole = site().catalog.assessments.standing(found.rules.id, found.group.kind, found.group.code)
    own = cards.matrix(site().catalog, found.group.kind, [found.group.code], found.rules.id)
    return Heat(
        title=t("matrix.caption"),
        things=heading(t("scorecards.name"), BY_NAME),
        figures=heading(t("scorecards.score"), BY_SCORE),
        columns=tuple(heading(one.title.text(language()), one.id) for one in found.indicators),
        rows=tuple(_row(found, one, found.short_name(one.code), found.values[one.code]) for one in shown),
        whole=None if whole is None else _row(found, whole, t("matrix.whole"), own[found.group.code]),
        steps=FIFTHS,
        written=notation.whole_percent,
    )


def _row(found: Matrix, standing: Standing, name: str, values: Mapping[str, IndicatorCard]) -> Row:
    group = Group(standing.kind, standing.code)
    score = t("chart.unmeasured") if standing.point is None else notation.points(standing.point)
    heading = Heading(name, graded.card_address(group, found.rules.id), figure=score)
    return heading, tuple(_cell(group, found.rules, values[one.id]) for one in found.indicators)


def _cell(group: Group, rules: RuleSet, one: IndicatorCard) -> Cell:
    if one.value is None:
        return Cell(None, note=t("chart.unasked"), is_asked=False)
    counts = {answer: one.count(answer) for answer in (Answer.FAIL, Answer.UNKNOWN, Answer.PASS)}
    # What can be done something about is shown first.
    shown = next(answer for answer, count in counts.items() if count)
    return Cell(
        one.value.point,
        address(
            "scorecards.indicator",
            kind=group.segment,
            code=group.written,
            rules=rules.id,
            indicator=one.indicator.id,
            verdict=shown.value,
        ),
        t(
            "matrix.counts",
            passes=counts[Answer.PASS],
            fails=counts[Answer.FAIL],
            unknown=counts[Answer.UNKNOWN],
        ),
    )


class MatrixCell(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part by one indicator. Without ``value`` nothing is known."""

    indicator: str
    value: float | None = None
    low: float
    high: float
    measured: float
    passes: int
    fails: int
    unknown: int
    not_applicable: int


class MatrixRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part; what it is not asked is left out."""

    kind: str
    code: str
    name: str
    score: float | None = None
    datasets: int
    indicators: tuple[MatrixCell, ...]


class MatrixDocument(Struct, frozen=True, kw_only=True):
    """The parts of a group by indicator, best first."""

    method: Method
    kind: str
    code: str
    of: str
    name: str
    total: int
    parts: tuple[MatrixRow, ...]


def document(found: Matrix, name: str, day: datetime) -> MatrixDocument:
    """Every part of a group by every indicator."""
    return MatrixDocument(
        method=Method(found.rules.id, found.rules.version, day),
        kind=found.group.segment,
        code=found.group.written,
        of=found.of,
        name=name,
        total=len(found.standings),
        parts=tuple(_part(one, found.names[one.code], found.values[one.code]) for one in found.standings),
    )


def _part(standing: Standing, name: str, values: Mapping[str, IndicatorCard]) -> MatrixRow:
    group = Group(standing.kind, standing.code)
    return MatrixRow(
        kind=group.segment,
        code=group.written,
        name=name,
        score=standing.point,
        datasets=standing.datasets,
        indicators=tuple(
            MatrixCell(
                indicator=id,
                value=one.value.point,
                low=one.value.low,
                high=one.value.high,
                measured=one.value.measured,
                passes=one.count(Answer.PASS),
                fails=one.count(Answer.FAIL),
                unknown=one.count(Answer.UNKNOWN),
                not_applicable=one.count(Answer.NOT_APPLICABLE),
            )
            for id, one in values.items()
            if one.value is not None
        ),
    )


COLUMNS = (
    "rules", "version", "day", "kind", "code", "name", "indicator", "value", "low", "high", "measured", "passes", "fails",
    "unknown", "not_applicable",
)


def rows(matrix: MatrixDocument) -> Iterator[Sequence[object]]:
    """A line for every part and indicator."""
    given = (matrix.method.rules, matrix.method.version, matrix.method.day.date())
    for part in matrix.parts:
        for one in part.indicators:
            figures = (one.value, one.low, one.high, one.measured, one.passes, one.fails, one.unknown, one.not_applicable)
            yield (*given, part.kind, part.code, part.name, one.indicator, *figures)
