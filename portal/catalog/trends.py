"""Standings of days gone by: one is kept when its day is over and it is not the one kept last, so a quiet day keeps none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, exists, func, insert, literal, or_, select
from sqlalchemy.sql import FromClause

from portal.catalog import tables

DAILY_DAYS = 90
"""For so long every day is kept on which something changed; of what is older, the last of each month."""

_FIGURES = ("datasets", "point", "low", "high", "measured")


class Past(Struct, frozen=True, kw_only=True):
    """A group's standing at the end of a day, which held until the next one that is kept.

    The figures are those of ``portal.catalog.assessments.Standing``.
    """

    day: date
    version: str
    """Of the rules."""
    datasets: int
    """0 = the group had none any more."""
    point: float | None
    low: float
    high: float
    measured: float


class Trends:
    """The standings of days gone by, in the database; reached as ``catalog.trends``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, rules: str, kind: str, code: str) -> list[Past]:
        """What is kept of a group, the oldest first."""
        table = tables.standing_past.c
        columns = [table[name] for name in Past.__struct_fields__]
        query = select(*columns).where(table.rules == rules, table.kind == kind, table.code == code).order_by(table.day)
        with self._engine.connect() as connection:
            return [Past(**row._mapping) for row in connection.execute(query)]


def keep(
    connection: Connection,
    generation: int,
    day: date,
    today: date,
    versions: Iterable[tuple[str, str]],
    *,
    always: str,
) -> None:
    """Keeps the standings of a generation as those of ``day``, which is over, and thins what is old as of ``today``.

    ``versions`` are the rule sets that are kept, each with its version. Groups of the kind ``always`` are kept although
    nothing changed: their days tell on which there was an assessment at all.
    """
    for rules, version in versions:
        now, past = tables.standing, tables.standing_past.alias()
        last = tables.standing_past.alias()
        newest = select(func.max(last.c.day)).where(_same_group(last, now)).correlate(now).scalar_subquery()
        figures = [past.c[name].is_not_distinct_from(now.c[name]) for name in _FIGURES]
        unchanged = exists().where(_same_group(past, now), past.c.day == newest, past.c.version == version, *figures)
        kept_already = exists().where(_same_group(past, now), past.c.day == day)
        chosen = select(
            now.c.rules, now.c.kind, now.c.code, literal(day), literal(version), *(now.c[name] for name in _FIGURES)
        ).where(
            now.c.generation == generation, now.c.rules == rules, ~kept_already, or_(now.c.kind == always, ~unchanged)
        )
        columns = ["rules", "kind", "code", "day", "version", *_FIGURES]
        connection.execute(insert(tables.standing_past).from_select(columns, chosen))
    _thin(connection, day, today)


def _same_group(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in ("rules", "kind", "code")))


def _thin(connection: Connection, day: date, today: date) -> None:
    """Of the months that came of age since ``day``, only the last that each group has is left."""
    old = today - timedelta(days=DAILY_DAYS)
    for begin, end in _months(day - timedelta(days=DAILY_DAYS), old):
        table, later = tables.standing_past, tables.standing_past.alias()
        overtaken = exists().where(_same_group(later, table), later.c.day > table.c.day, later.c.day < end)
        connection.execute(delete(table).where(table.c.day >= begin, table.c.day < end, overtaken))


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The months from that of ``first`` to ``last``, each with its first day and the day after its end or ``last``."""
    begin = first.replace(day=1)
    while begin < last:
        end = (begin + timedelta(days=31)).replace(day=1)
        yield begin, min(end, last)
        begin = end
