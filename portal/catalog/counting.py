"""What ``harvester.counting`` keeps between its runs, and how it writes down which entries are one dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from portal.catalog import tables
from portal.catalog.appearances import COUNTED, Appearance
from portal.catalog.counters import count_on, counted
from portal.catalog.documents import in_parts
from portal.catalog.engines import writing
from portal.catalog.model import DatasetState, RecordType
from portal.catalog.sources import Lease, check_lease

LEASE = ":counting"
"""No source can have this id, so it may be leased as one: see ``Sources.lease``."""

READ_AT_ONCE = 10_000


class Position(Struct, frozen=True):
    """How far the change log and people's decisions were followed, and by which method."""

    change: int
    decision: int
    method: str


class Place(Struct, frozen=True):
    """The family of a dataset, and where in it: see ``portal.catalog.appearances.Member``."""

    family: str
    period: str
    area: str


class Counting:
    """The working tables of counting once. One process at a time writes: whoever holds the lease named ``LEASE``.

    Every method that writes raises LeaseLost when that went to somebody else.
    """

    def __init__(self, engine: Engine) -> None:
        """Made by ``Catalog``."""
        self._engine = engine

    def position(self) -> Position | None:
        """Where the last run got to; None before the first and while everything is made again."""
        with self._engine.connect() as connection:
            return _position(connection)

    def last_decision(self) -> int:
        """The newest number of the decisions; 0 when there is none."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.max(tables.appearance_decision.c.number))) or 0

    def keys(self, ids: Sequence[str]) -> dict[str, set[int]]:
        """The keys that were kept of these entries; nothing of one without any."""
        table = tables.appearance_key.c
        found: dict[str, set[int]] = {}
        with self._engine.connect() as connection:
            for part in in_parts(ids):
                for row in connection.execute(select(table.dataset_id, table.digest).where(table.dataset_id.in_(part))):
                    found.setdefault(row.dataset_id, set()).add(row.digest)
        return found

    def sharing(self, digests: Sequence[int]) -> set[str]:
        """The entries that have any of these keys."""
        table = tables.appearance_key.c
        with self._engine.connect() as connection:
            return {
                id
                for part in in_parts(digests)
                for id in connection.scalars(select(table.dataset_id).where(table.digest.in_(part)))
            }

    def shared(self) -> Iterator[tuple[int, str]]:
        """Every key that several entries have, with each of them; key after key."""
        table = tables.appearance_key.c
        several = select(table.digest).group_by(table.digest).having(func.count() > 1)
        query = select(table.digest, table.dataset_id).where(table.digest.in_(several)).order_by(table.digest)
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=READ_AT_ONCE).execute(query):
                yield row.digest, row.dataset_id

    def forget(self, lease: Lease) -> None:
        """Drops the position and every key: what stands stays until it is made again."""
        with self._writing(lease) as connection:
            connection.execute(delete(tables.appearance_position))
            connection.execute(delete(tables.appearance_key))

    def keep(self, lease: Lease, keys: Mapping[str, Collection[int]], places: Mapping[str, Place]) -> None:
        """Replaces keys and place of the entries that ``keys`` names."""
        with self._writing(lease) as connection:
            _keep(connection, keys, places)

    def link(self, lease: Lease, scope: Sequence[str], appearances: Sequence[Appearance]) -> None:
        """Writes the links among the entries of ``scope``; whatever they were linked by before is gone."""
        with self._writing(lease) as connection:
            _link(connection, scope, appearances)

    def unlink_all_but(self, lease: Lease, ids: Collection[str]) -> None:
        """Drops the links of all other entries, and the places of those that are gone."""
        dataset = tables.dataset.c
        present = select(dataset.id).where(
            dataset.state != DatasetState.RETIRED, dataset.record_type == RecordType.DATASET
        )
        with self._writing(lease) as connection:
            linked = connection.scalars(select(tables.appearance.c.dataset_id)).all()
            _link(connection, [id for id in linked if id not in ids], ())
            connection.execute(delete(tables.family_member).where(tables.family_member.c.dataset_id.not_in(present)))

    def follow(
        self,
        lease: Lease,
        upto: Position,
        keys: Mapping[str, Collection[int]],
        places: Mapping[str, Place],
        scope: Sequence[str],
        appearances: Sequence[Appearance],
    ) -> None:
        """``keep`` and ``link`` at once, and the new position."""
        with self._writing(lease) as connection:
            _keep(connection, keys, places)
            _link(connection, scope, appearances)
            _move(connection, upto)

    def arrive(self, lease: Lease, position: Position) -> None:
        """Everything was made again as of ``position``."""
        with self._writing(lease) as connection:
            _move(connection, position)

    @contextmanager
    def _writing(self, lease: Lease) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            check_lease(connection, lease)
            yield connection


def _position(connection: Connection) -> Position | None:
    row = connection.execute(select(tables.appearance_position)).one_or_none()
    return None if row is None else Position(row.change, row.decision, row.method)


def _move(connection: Connection, position: Position) -> None:
    connection.execute(delete(tables.appearance_position))
    connection.execute(
        insert(tables.appearance_position).values(
            change=position.change, decision=position.decision, method=position.method
        )
    )


def _keep(connection: Connection, keys: Mapping[str, Collection[int]], places: Mapping[str, Place]) -> None:
    for table in (tables.appearance_key, tables.family_member):
        for part in in_parts(list(keys)):
            connection.execute(delete(table).where(table.c.dataset_id.in_(part)))
    # Sorted, because a table that is ordered by its key is filled four times as fast in that order.
    rows = sorted((digest, id) for id, digests in keys.items() for digest in digests)
    if rows:
        connection.execute(
            insert(tables.appearance_key), [{"digest": digest, "dataset_id": id} for digest, id in rows]
        )
    if places:
        connection.execute(
            insert(tables.family_member),
            [
                {"dataset_id": id, "family_id": place.family, "period": place.period, "area": place.area}
                for id, place in places.items()
            ],
        )


def _link(connection: Connection, scope: Sequence[str], appearances: Sequence[Appearance]) -> None:
    wanted = {
        one.dataset_id: (one.canonical_id, one.reason, one.beside) for one in appearances if one.reason is not None
    }
    dataset, link = tables.dataset.c, tables.appearance.c
    query = select(dataset.id, dataset.counted_as, link.reason, link.beside).outerjoin(
        tables.appearance, link.dataset_id == dataset.id
    )
    standing: dict[str, tuple[Any, Any, Any]] = {}
    for part in in_parts(scope):
        for row in connection.execute(query.where(dataset.id.in_(part))):
            standing[row.id] = (row.counted_as, row.reason, row.beside)
    changed = {
        id: wanted.get(id, (None, None, None))
        for id, stands in standing.items()
        if wanted.get(id, (None, None, None)) != stands
    }
    if not changed:
        return
    _remember(connection, {id: standing[id][0] for id, (canonical, _, _) in changed.items() if canonical != standing[id][0]})
    number = counted(connection, COUNTED)
    moved = [
        {"dataset_id": id, "canonical_id": canonical, "number": number + place}
        for place, (id, (canonical, _, _)) in enumerate(changed.items(), 1)
    ]
    connection.execute(
        update(tables.dataset)
        .where(dataset.id == bindparam("dataset_id"))
        .values(counted_as=bindparam("canonical_id"), counted_number=bindparam("number")),
        moved,
    )
    count_on(connection, COUNTED, len(moved))
    for part in in_parts(list(changed)):
        connection.execute(delete(tables.appearance).where(link.dataset_id.in_(part)))
    rows = [
        {"dataset_id": id, "reason": reason, "beside": beside}
        for id, (_, reason, beside) in changed.items()
        if reason is not None
    ]
    if rows:
        connection.execute(insert(tables.appearance), rows)


def _remember(connection: Connection, left: Mapping[str, str | None]) -> None:
    """Keeps what entries were counted as until now."""
    if left:
        # Asked for here, where nobody else writes: whoever assesses a day that is over then misses nothing of it.
        until = datetime.now(UTC)
        connection.execute(
            insert(tables.counted_past),
            [{"dataset_id": id, "until": until, "counted_as": counted_as} for id, counted_as in left.items()],
        )
