"""Which datasets serve which entry of the high-value list, and how well. Derived: ``portal.highvalue`` can make it anew.

What entries, fields and shortfalls mean is known there and in ``schemas/highvalue`` alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, String, column, delete, func, insert, literal, select, values

from portal.catalog import tables
from portal.catalog.documents import in_parts
from portal.catalog.engines import writing
from portal.catalog.model import DatasetState
from portal.catalog.sources import Lease, check_lease

LEASE = ":high-value"
"""No source can have this id, so it may be leased as one: see ``Sources.lease``."""

READ_AT_ONCE = 1000

_GAP = "|"


class Position(Struct, frozen=True):
    """How far the change log was followed, and by which method."""

    change: int
    method: str


class Matched(Struct, frozen=True, kw_only=True):
    """One dataset that serves an entry."""

    entry: str
    dataset_id: str
    reason: str
    """What told it: see ``portal.highvalue.matching``."""
    words: tuple[str, ...] = ()
    """Of the title; empty where something else told it."""
    fields: tuple[str, ...] | None = None
    """Which of the entry's fields it has; None where its portal lists no fields."""
    shortfalls: tuple[str, ...] = ()
    """What it lacks, freshness aside: see ``portal.highvalue.judging``."""
    fresh_until: datetime | None = None
    """When it becomes stale unless its data changes; None where no date is known."""
    source_id: str
    region: str | None = None
    publisher_id: str | None = None


class Tally(Struct, frozen=True):
    """How many datasets of a publisher in a region serve an entry equally well; only those that count themselves."""

    entry: str
    region: str | None
    publisher_id: str | None
    lacks: bool
    """Whether they have any shortfall."""
    is_late: bool
    """Whether they should have been renewed."""
    datasets: int


class HighValue:
    """The matches in the database. One process at a time writes: whoever holds the lease named ``LEASE``.

    Every method that writes raises LeaseLost when that went to somebody else.
    """

    def __init__(self, engine: Engine) -> None:
        """Made by ``Catalog``."""
        self._engine = engine

    def position(self) -> Position | None:
        """Where the last run got to; None before the first and while everything is made again."""
        with self._engine.connect() as connection:
            row = connection.execute(select(tables.high_value_position)).one_or_none()
        return None if row is None else Position(row.change, row.method)

    def of(self, dataset_id: str) -> list[Matched]:
        """The entries that a dataset serves, by their ids."""
        table = tables.high_value_match
        query = select(table).where(table.c.dataset_id == dataset_id).order_by(table.c.entry)
        with self._engine.connect() as connection:
            return [_matched(row) for row in connection.execute(query)]

    def serving(self, entry: str | None = None) -> Iterator[Matched]:
        """The datasets that serve an entry or any, by entry and id; without further appearances of others."""
        match = tables.high_value_match
        query = select(match).where(_COUNTED).order_by(match.c.entry, match.c.dataset_id)
        if entry is not None:
            query = query.where(match.c.entry == entry)
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=READ_AT_ONCE).execute(query):
                yield _matched(row)

    def tallies(self, read: Mapping[str, datetime], now: datetime) -> list[Tally]:
        """All of ``serving``, counted. What is late is told as of each source's last reading, else as of ``now``."""
        match = tables.high_value_match.c
        known = [(source_id, min(at, now)) for source_id, at in read.items()] or [("", now)]
        reading = values(column("source_id", String), column("at", tables.Instant), name="reading").data(known).cte()
        lacks = match.shortfalls != ""
        is_late = func.coalesce(match.fresh_until < func.coalesce(reading.c.at, literal(now, tables.Instant)), False)
        place = (match.entry, match.region, match.publisher_id)
        query = (
            select(*place, lacks.label("lacks"), is_late.label("is_late"), func.count())
            .outerjoin(reading, reading.c.source_id == match.source_id)
            .where(_COUNTED)
            .group_by(*place, "lacks", "is_late")
        )
        with self._engine.connect() as connection:
            return [Tally(row[0], row[1], row[2], bool(row[3]), bool(row[4]), row[5]) for row in connection.execute(query)]

    def count(self) -> int:
        """How many datasets serve any entry."""
        match = tables.high_value_match.c
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count(func.distinct(match.dataset_id))).where(_COUNTED)) or 0

    def field_counts(self, entry: str) -> tuple[dict[str, int], int]:
        """How many of an entry's datasets have each of its fields, and how many list their fields at all."""
        match = tables.high_value_match.c
        query = select(match.fields).where(match.entry == entry, match.fields.is_not(None), _COUNTED)
        counts: dict[str, int] = {}
        listing = 0
        with self._engine.connect() as connection:
            for said in connection.scalars(query):
                listing += 1
                for field in _several(said):
                    counts[field] = counts.get(field, 0) + 1
        return counts, listing

    def forget(self, lease: Lease) -> None:
        """Drops the position: what stands stays until it is made again."""
        with self._writing(lease) as connection:
            connection.execute(delete(tables.high_value_position))

    def keep(self, lease: Lease, ids: Collection[str], matches: Sequence[Matched]) -> None:
        """Replaces what these datasets serve."""
        with self._writing(lease) as connection:
            _keep(connection, ids, matches)

    def follow(self, lease: Lease, upto: Position, ids: Collection[str], matches: Sequence[Matched]) -> None:
        """``keep``, and the new position with it."""
        with self._writing(lease) as connection:
            _keep(connection, ids, matches)
            _move(connection, upto)

    def arrive(self, lease: Lease, position: Position) -> None:
        """Everything was made again as of ``position``; what is left of datasets that are gone is dropped."""
        dataset = tables.dataset.c
        present = select(dataset.id).where(dataset.state != DatasetState.RETIRED)
        with self._writing(lease) as connection:
            connection.execute(
                delete(tables.high_value_match).where(tables.high_value_match.c.dataset_id.not_in(present))
            )
            _move(connection, position)

    @contextmanager
    def _writing(self, lease: Lease) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            check_lease(connection, lease)
            yield connection


_COUNTED = tables.high_value_match.c.dataset_id.not_in(select(tables.appearance.c.dataset_id))
"""Whether a dataset counts itself: it is no further appearance of another."""


def _keep(connection: Connection, ids: Collection[str], matches: Sequence[Matched]) -> None:
    table = tables.high_value_match
    for part in in_parts(list(ids)):
        connection.execute(delete(table).where(table.c.dataset_id.in_(part)))
    if matches:
        connection.execute(insert(table), [_values(one) for one in matches])


def _move(connection: Connection, position: Position) -> None:
    connection.execute(delete(tables.high_value_position))
    connection.execute(insert(tables.high_value_position).values(change=position.change, method=position.method))


def _values(one: Matched) -> dict[str, Any]:
    return {
        "entry": one.entry,
        "dataset_id": one.dataset_id,
        "reason": one.reason,
        "words": _GAP.join(one.words),
        "fields": None if one.fields is None else _GAP.join(one.fields),
        "shortfalls": _GAP.join(one.shortfalls),
        "fresh_until": one.fresh_until,
        "source_id": one.source_id,
        "region": one.region,
        "publisher_id": one.publisher_id,
    }


def _matched(row: Row[Any]) -> Matched:
    return Matched(
        entry=row.entry,
        dataset_id=row.dataset_id,
        reason=row.reason,
        words=_several(row.words),
        fields=None if row.fields is None else _several(row.fields),
        shortfalls=_several(row.shortfalls),
        fresh_until=row.fresh_until,
        source_id=row.source_id,
        region=row.region,
        publisher_id=row.publisher_id,
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(_GAP)) if cell else ()
