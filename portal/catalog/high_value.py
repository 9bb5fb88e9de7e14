"""Which datasets serve which entry of the high-value list, and how well. Derived: ``portal.highvalue`` can make it anew.

What entries, fields and shortfalls mean is known there and in ``schemas/highvalue`` alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Engine,
    Row,
    String,
    column,
    delete,
    false,
    func,
    insert,
    literal,
    select,
    values,
)

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


class AsOf(Struct, frozen=True):
    """When what is not fresh any more is called late: at the last reading of its source, for no later change is known."""

    read: Mapping[str, datetime]
    """When each source was last read: see ``Runs.last_read``. One that never was is told as of ``now``."""
    now: datetime


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

    def serving(self) -> Iterator[Matched]:
        """Everything that serves an entry, by entry and id; without further appearances of others."""
        match = tables.high_value_match
        query = select(match).where(_COUNTED).order_by(match.c.entry, match.c.dataset_id)
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=READ_AT_ONCE).execute(query):
                yield _matched(row)

    def listing(
        self,
        entry: str,
        as_of: AsOf,
        regions: Sequence[str] | None = None,
        *,
        publishers: Sequence[str] | None = None,
        lacks: bool | None = None,
        is_late: bool | None = None,
        start: int = 0,
        limit: int | None = None,
    ) -> list[tuple[Matched, bool]]:
        """What serves an entry, of some regions or publishers or all, each with whether it is late; the best first.

        With ``lacks`` or ``is_late`` only those of which it is so, or not.
        """
        match = tables.high_value_match
        late, reading = _late(as_of)
        wanted = _of(entry, regions, publishers)
        if lacks is not None:
            wanted.append(_LACKS if lacks else ~_LACKS)
        if is_late is not None:
            wanted.append(late if is_late else ~late)
        query = (
            select(match, late.label("is_late"))
            .outerjoin(reading, reading.c.source_id == match.c.source_id)
            .where(*wanted)
            .order_by("is_late", _LACKS, match.c.dataset_id)
            .offset(start)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [(_matched(row), bool(row.is_late)) for row in connection.execute(query)]

    def counts(
        self,
        entry: str,
        as_of: AsOf,
        regions: Sequence[str] | None = None,
        *,
        publishers: Sequence[str] | None = None,
    ) -> dict[tuple[bool, bool], int]:
        """How many datasets there are in such a listing, by whether they lack something and whether they are late."""
        match = tables.high_value_match.c
        late, reading = _late(as_of)
        query = (
            select(_LACKS.label("lacks"), late.label("is_late"), func.count())
            .select_from(tables.high_value_match)
            .outerjoin(reading, reading.c.source_id == match.source_id)
            .where(*_of(entry, regions, publishers))
            .group_by("lacks", "is_late")
        )
        with self._engine.connect() as connection:
            return {(bool(lacks), bool(is_late)): count for lacks, is_late, count in connection.execute(query)}

    def tallies(self, as_of: AsOf) -> list[Tally]:
        """Everything that serves an entry, counted by where it is and who made it."""
        match = tables.high_value_match.c
        late, reading = _late(as_of)
        place = (match.entry, match.region, match.publisher_id)
        query = (
            select(*place, _LACKS.label("lacks"), late.label("is_late"), func.count())
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
        query = (
            select(match.fields, func.count())
            .where(match.entry == entry, match.fields.is_not(None), _COUNTED)
            .group_by(match.fields)
        )
        counts: dict[str, int] = {}
        listing = 0
        with self._engine.connect() as connection:
            for said, times in connection.execute(query):
                listing += times
                for field in _several(said):
                    counts[field] = counts.get(field, 0) + times
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


_LACKS = tables.high_value_match.c.shortfalls != ""


def _of(entry: str, regions: Sequence[str] | None, publishers: Sequence[str] | None) -> list[ColumnElement[bool]]:
    match = tables.high_value_match.c
    wanted: list[ColumnElement[bool]] = [_COUNTED, match.entry == entry]
    if regions is not None:
        wanted.append(match.region.in_(regions))
    if publishers is not None:
        wanted.append(match.publisher_id.in_(publishers))
    return wanted


def _late(as_of: AsOf) -> tuple[ColumnElement[bool], CTE]:
    """Whether a dataset should have been renewed, and the readings of sources which that is told by."""
    known = [(source_id, min(at, as_of.now)) for source_id, at in as_of.read.items()] or [("", as_of.now)]
    reading = values(column("source_id", String), column("at", tables.Instant), name="reading").data(known).cte()
    now = literal(as_of.now, tables.Instant)
    return func.coalesce(tables.high_value_match.c.fresh_until < func.coalesce(reading.c.at, now), false()), reading


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
