"""The catalogue as it stood: every dataset of a day, from what it is now and what the change log kept of before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from portal.catalog import tables
from portal.catalog.documents import decode_dataset, in_parts, unpacked
from portal.catalog.model import ChangeKind, Dataset, DatasetState, Entry

READ_AT_ONCE = 1000

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
            entries, last, ended = _page(connection, last, number)
        yield from entries
        if ended:
            return


def _page(connection: Connection, after: str, number: int) -> tuple[list[Entry], str, bool]:
    table = tables.dataset.c
    query = select(table.id, table.document, table.first_seen).where(table.id > after).order_by(table.id)
    rows = connection.execute(query.limit(READ_AT_ONCE)).all()
    changes = _changes(connection, [row.id for row in rows])
    entries = [_entry(connection, row, changes.get(row.id, []), number) for row in rows]
    last = rows[-1].id if rows else after
    return [entry for entry in entries if entry is not None], last, len(rows) < READ_AT_ONCE


def _changes(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    table = tables.change.c
    found: dict[str, list[Any]] = {}
    for part in in_parts(ids):
        query = select(table.number, table.kind, table.dataset_id, table.at).where(table.dataset_id.in_(part))
        for row in connection.execute(query.order_by(table.number)):
            found.setdefault(row.dataset_id, []).append(row)
    return found


def _entry(connection: Connection, row: Any, changes: Sequence[Any], number: int) -> Entry | None:
    made = [change for change in changes if change.number <= number]
    if not made:
        return None
    states = [_STATES[ChangeKind(change.kind)] for change in made if ChangeKind(change.kind) in _STATES]
    later = [change.number for change in changes if change.number > number and change.kind == ChangeKind.UPDATED]
    return Entry(
        dataset=_before(connection, later[0]) if later else decode_dataset(row.document),
        state=states[-1] if states else DatasetState.CURRENT,
        first_seen=row.first_seen,
        changed=made[-1].at,
    )


def _before(connection: Connection, number: int) -> Dataset:
    body = connection.scalar(select(tables.change.c.before).where(tables.change.c.number == number))
    assert body is not None, f"the update {number} has no earlier state"
    return decode_dataset(unpacked(body))
