"""The catalogue as it stood: every dataset of a day, from what it is now and what the change log kept of before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from portal.catalog import tables
from portal.catalog.documents import decode_dataset, in_parts, unpacked
from portal.catalog.model import ChangeKind, DatasetState, Entry

READ_AT_ONCE = 1000


class Facet(StrEnum):
    """What the datasets of a group are found by: the name of the column."""

    PUBLISHER = "publisher_id"
    REGION = "region"
    SOURCE = "source_id"


_STATES = {
    ChangeKind.ADDED: DatasetState.CURRENT,
    ChangeKind.RESTORED: DatasetState.CURRENT,
    ChangeKind.UNUSABLE: DatasetState.UNUSABLE,
    ChangeKind.MISSING: DatasetState.MISSING,
    ChangeKind.RETIRED: DatasetState.RETIRED,
}


def last_number(engine: Engine, before: datetime) -> int:
    """The last change that was made before an instant; 0 when there was none."""
    table = tables.change.c
    with engine.connect() as connection:
        return connection.scalar(select(func.max(table.number)).where(table.at < before)) or 0


def walk(engine: Engine, number: int) -> Iterator[Entry]:
    """Every dataset that there was after change ``number``, tombstones too, by id, as it then stood.

    Counters of views and downloads are today's: nothing else is, for they are not logged.
    """
    last = ""
    while True:
        with engine.connect() as connection:
            found, last, ended = _page(connection, last, number)
        yield from found
        if ended:
            return


def entries(engine: Engine, ids: Collection[str], number: int) -> Iterator[Entry]:
    """Those of some datasets that there were after change ``number``, tombstones too, by id, as they then stood."""
    table = tables.dataset.c
    for part in in_parts(sorted(ids)):
        with engine.connect() as connection:
            query = select(table.id, table.document, table.first_seen).where(table.id.in_(part)).order_by(table.id)
            found = _as_they_stood(connection, connection.execute(query).all(), number)
        yield from found


def filed_under(engine: Engine, facet: Facet, values: Sequence[str], limit: int) -> list[str]:
    """The datasets that now carry one of these values, tombstones too: at most ``limit``, in no order."""
    table = tables.dataset.c
    found: list[str] = []
    with engine.connect() as connection:
        for part in in_parts(values):
            query = select(table.id).where(table[facet.value].in_(part)).limit(limit - len(found))
            found += connection.scalars(query)
    return found


def refiled(engine: Engine, field: str, after: int, limit: int) -> list[str]:
    """The datasets of which a unified field was updated after a change: at most ``limit``, in no order."""
    table = tables.change.c
    among = ("," + func.coalesce(table.fields, "") + ",").contains(f",{field},", autoescape=True)
    query = select(table.dataset_id).where(table.number > after, table.kind == ChangeKind.UPDATED, among).distinct()
    with engine.connect() as connection:
        return list(connection.scalars(query.limit(limit)))


def _page(connection: Connection, after: str, number: int) -> tuple[list[Entry], str, bool]:
    table = tables.dataset.c
    query = select(table.id, table.document, table.first_seen).where(table.id > after).order_by(table.id)
    rows = connection.execute(query.limit(READ_AT_ONCE)).all()
    last = rows[-1].id if rows else after
    return _as_they_stood(connection, rows, number), last, len(rows) < READ_AT_ONCE


def _as_they_stood(connection: Connection, rows: Sequence[Any], number: int) -> list[Entry]:
    changes = _changes(connection, [row.id for row in rows])
    next_updates = {
        id: later[0]
        for id, all_of_it in changes.items()
        if (later := [one.number for one in all_of_it if one.number > number and one.kind == ChangeKind.UPDATED])
    }
    before = _before(connection, list(next_updates.values()))
    found = []
    for row in rows:
        document = before[next_updates[row.id]] if row.id in next_updates else row.document
        found.append(_entry(row, document, [one for one in changes.get(row.id, []) if one.number <= number]))
    return [entry for entry in found if entry is not None]


def _changes(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    table = tables.change.c
    found: dict[str, list[Any]] = {}
    for part in in_parts(ids):
        query = select(table.number, table.kind, table.dataset_id, table.at).where(table.dataset_id.in_(part))
        for row in connection.execute(query.order_by(table.number)):
            found.setdefault(row.dataset_id, []).append(row)
    return found


def _entry(row: Any, document: bytes, made: Sequence[Any]) -> Entry | None:
    """A dataset after those of its changes that were made by then; None where it was not there yet."""
    if not made:
        return None
    states = [_STATES[ChangeKind(change.kind)] for change in made if ChangeKind(change.kind) in _STATES]
    return Entry(
        dataset=decode_dataset(document),
        state=states[-1] if states else DatasetState.CURRENT,
        first_seen=row.first_seen,
        changed=made[-1].at,
    )


def _before(connection: Connection, numbers: Sequence[int]) -> dict[int, bytes]:
    """The documents as they were before these updates."""
    table = tables.change.c
    return {
        row.number: unpacked(row.before)
        for part in in_parts(numbers)
        for row in connection.execute(select(table.number, table.before).where(table.number.in_(part)))
    }
