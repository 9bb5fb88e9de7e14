"""The catalogue as it stood: every dataset of a day, from what it is now and what the change log kept of before.

It is given as it was read then or, with ``reading``, the same words as they were read after that later change: where nothing
but our reading of them changed since, the later reading; where the portal's words did, a person's decision about the
publisher's name all the same, if the publisher still has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, func, select

from portal.catalog import tables
from portal.catalog.decisions import name_key
from portal.catalog.documents import decode_dataset, in_parts, unpacked
from portal.catalog.model import ChangeCause, ChangeKind, Dataset, DatasetState, Entry

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

_DECIDED = ("institution_type", "institution_inferred_from", "functions", "department", "decision")
"""What a decision about its name says of a publisher."""


def last_number(engine: Engine, before: datetime) -> int:
    """The last change that was made before an instant; 0 when there was none."""
    table = tables.change.c
    with engine.connect() as connection:
        return connection.scalar(select(func.max(table.number)).where(table.at < before)) or 0


def walk(engine: Engine, number: int, reading: int | None = None) -> Iterator[Entry]:
    """Every dataset that there was after change ``number``, tombstones too, by id, as it then stood.

    Counters of views and downloads are today's: nothing else is, for they are not logged.
    """
    last = ""
    while True:
        with engine.connect() as connection:
            found, last, ended = _page(connection, last, number, reading)
        yield from found
        if ended:
            return


def entries(engine: Engine, ids: Collection[str], number: int, reading: int | None = None) -> Iterator[Entry]:
    """Those of some datasets that there were after change ``number``, tombstones too, by id, as they then stood."""
    table = tables.dataset.c
    for part in in_parts(sorted(ids)):
        with engine.connect() as connection:
            query = select(table.id, table.document, table.first_seen).where(table.id.in_(part)).order_by(table.id)
            found = _as_they_stood(connection, connection.execute(query).all(), number, reading)
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


def _page(connection: Connection, after: str, number: int, reading: int | None) -> tuple[list[Entry], str, bool]:
    table = tables.dataset.c
    query = select(table.id, table.document, table.first_seen).where(table.id > after).order_by(table.id)
    rows = connection.execute(query.limit(READ_AT_ONCE)).all()
    last = rows[-1].id if rows else after
    return _as_they_stood(connection, rows, number, reading), last, len(rows) < READ_AT_ONCE


def _as_they_stood(connection: Connection, rows: Sequence[Any], number: int, reading: int | None) -> list[Entry]:
    changes = _changes(connection, [row.id for row in rows])
    ends = _next_updates(changes, number, number if reading is None else reading)
    corrected = {} if reading is None else _next_updates(changes, reading, reading)
    before = _before(connection, sorted({*ends.values(), *corrected.values()}))
    found = []
    for row in rows:
        made = [one for one in changes.get(row.id, []) if one.number <= number]
        if not made:
            continue
        document = decode_dataset(before[ends[row.id]] if row.id in ends else row.document)
        if reading is not None and row.id in ends:
            document = _decided(document, decode_dataset(before[corrected[row.id]] if row.id in corrected else row.document))
        found.append(_entry(row, document, made))
    return found


def _next_updates(changes: Mapping[str, Sequence[Any]], number: int, reading: int) -> dict[str, int]:
    """By dataset, the first update after ``number`` of the portal's words, or after ``reading`` of our reading of them."""
    found = {}
    for id, made in changes.items():
        for one in made:
            is_later = one.number > (number if one.cause == ChangeCause.SOURCE else reading)
            if is_later and one.kind == ChangeKind.UPDATED:
                found[id] = one.number
                break
    return found


def _decided(then: Dataset, lately: Dataset) -> Dataset:
    """A dataset with what people decided since about its publisher's name."""
    named, now = then.publisher, lately.publisher
    if named is None or now is None or named.decision == now.decision or name_key(named.name) != name_key(now.name):
        return then
    publisher = replace(named, **{field: getattr(now, field) for field in _DECIDED})
    if then.region_inferred_from is None or lately.region_inferred_from is None:
        return replace(then, publisher=publisher)
    return replace(
        then, publisher=publisher, region=lately.region, region_inferred_from=lately.region_inferred_from
    )


def _changes(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    table = tables.change.c
    found: dict[str, list[Any]] = {}
    for part in in_parts(ids):
        query = select(table.number, table.kind, table.cause, table.dataset_id, table.at).where(table.dataset_id.in_(part))
        for row in connection.execute(query.order_by(table.number)):
            found.setdefault(row.dataset_id, []).append(row)
    return found


def _entry(row: Any, dataset: Dataset, made: Sequence[Any]) -> Entry:
    """A dataset after those of its changes that were made by then."""
    states = [_STATES[ChangeKind(change.kind)] for change in made if ChangeKind(change.kind) in _STATES]
    return Entry(
        dataset=dataset,
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
