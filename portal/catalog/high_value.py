"""Which datasets serve which entry of the high-value list, and how well. Derived: ``portal.highvalue`` can make it anew.

What entries, fields and shortfalls mean is known there and in ``schemas/highvalue`` alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, delete, insert, select

from portal.catalog import tables
from portal.catalog.documents import in_parts
from portal.catalog.engines import writing
from portal.catalog.model import DatasetState, RecordType
from portal.catalog.sources import Lease, check_lease

LEASE = ":high-value"
"""No source can have this id, so it may be leased as one: see ``Sources.lease``."""

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


class Placed(Struct, frozen=True):
    """A dataset that serves an entry, with where and by whom; only those that count themselves."""

    entry: str
    dataset_id: str
    source_id: str
    region: str | None
    publisher_id: str | None
    shortfalls: tuple[str, ...]
    fresh_until: datetime | None


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

    def matched(self, entry: str, ids: Sequence[str]) -> dict[str, Matched]:
        """How those of some datasets serve an entry that do, by dataset id."""
        table = tables.high_value_match
        with self._engine.connect() as connection:
            return {
                row.dataset_id: _matched(row)
                for part in in_parts(ids)
                for row in connection.execute(
                    select(table).where(table.c.entry == entry, table.c.dataset_id.in_(part))
                )
            }

    def placed(self, entry: str | None = None, publishers: Sequence[str] | None = None) -> list[Placed]:
        """The datasets that serve an entry or any, by entry and id; those of some publishers, or everybody's.

        Retired datasets and further appearances of others are left out.
        """
        match, dataset = tables.high_value_match.c, tables.dataset.c
        query = (
            select(
                match.entry,
                match.dataset_id,
                dataset.source_id,
                dataset.region,
                dataset.publisher_id,
                match.shortfalls,
                match.fresh_until,
            )
            .join(tables.dataset, dataset.id == match.dataset_id)
            .where(
                dataset.state != DatasetState.RETIRED,
                dataset.record_type == RecordType.DATASET,
                dataset.counted_as.is_(None),
            )
            .order_by(match.entry, match.dataset_id)
        )
        if entry is not None:
            query = query.where(match.entry == entry)
        if publishers is not None:
            query = query.where(dataset.publisher_id.in_(publishers))
        with self._engine.connect() as connection:
            return [
                Placed(row[0], row[1], row[2], row[3], row[4], _several(row[5]), row[6]) for row in connection.execute(query)
            ]

    def field_counts(self, entry: str) -> tuple[dict[str, int], int]:
        """How many of an entry's datasets have each of its fields, and how many list their fields at all."""
        match, dataset = tables.high_value_match.c, tables.dataset.c
        query = (
            select(match.fields)
            .join(tables.dataset, dataset.id == match.dataset_id)
            .where(
                match.entry == entry,
                match.fields.is_not(None),
                dataset.state != DatasetState.RETIRED,
                dataset.counted_as.is_(None),
            )
        )
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
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(_GAP)) if cell else ()
