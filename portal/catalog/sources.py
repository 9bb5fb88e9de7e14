"""The portals we know: their definitions, who is harvesting them now, what they last said about caching."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from portal.catalog import audit, tables
from portal.catalog.audit import Action
from portal.catalog.documents import decode_source, encode
from portal.catalog.engines import writing
from portal.catalog.model import DatasetState, RecordType, RunMode, Source
from portal.catalog.upserts import insert_or_update


class UnknownSource(LookupError):
    """No source has this id."""


class LeaseLost(Exception):
    """Another run holds the source now; nothing may be written for this one any more."""


class SourceHeld(Exception):
    """Another run of the source is under way."""


class SourceEntry(Struct, frozen=True, kw_only=True):
    """A source with what the operators decided about it."""

    source: Source
    paused: bool
    provisioned: bool
    """Comes from a file; the web shows it read-only."""
    created: datetime
    updated: datetime


class Lease(Struct, frozen=True):
    """The right to write the datasets of one source. ``token`` fences off a holder who slept through its expiry."""

    source_id: str
    token: str


class RunRequest(Struct, frozen=True, kw_only=True):
    """A wish that a source be harvested soon; the scheduler takes it up."""

    id: int
    source_id: str
    mode: RunMode
    asked: datetime
    asked_by: str | None


class CacheValidator(Struct, frozen=True):
    """What a portal gave for an address so that it can be asked whether anything changed."""

    etag: str | None
    last_modified: str | None


class Sources:
    """The sources in the database; reached as ``catalog.sources``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[SourceEntry]:
        """Every source, by id."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(tables.source).order_by(tables.source.c.id))
            return [_entry(row) for row in rows]

    def get(self, id: str) -> SourceEntry:
        """One source. Raises UnknownSource."""
        with self._engine.connect() as connection:
            row = connection.execute(select(tables.source).where(tables.source.c.id == id)).one_or_none()
        if row is None:
            raise UnknownSource(f"no source has the id {id!r}")
        return _entry(row)

    def put(self, source: Source, *, provisioned: bool = False) -> bool:
        """Adds a source or replaces its definition; False when it already stands so. Keeps whether it is paused."""
        now = datetime.now(UTC)
        definition = encode(source)
        with writing(self._engine) as connection:
            row = connection.execute(
                select(tables.source).where(tables.source.c.id == source.id)
            ).one_or_none()
            if row is None:
                connection.execute(
                    insert(tables.source).values(
                        id=source.id,
                        definition=definition,
                        paused=source.paused,
                        provisioned=provisioned,
                        created=now,
                        updated=now,
                    )
                )
                return True
            if row.definition == definition and row.provisioned == provisioned:
                return False
            connection.execute(
                update(tables.source)
                .where(tables.source.c.id == source.id)
                .values(definition=definition, provisioned=provisioned, updated=now)
            )
            return True

    def pause(self, id: str, paused: bool = True, *, by: str = audit.COMMAND) -> None:
        """Stops (or, with False, takes up again) scheduled harvests of a source. Raises UnknownSource."""
        with writing(self._engine) as connection:
            changed = connection.execute(
                update(tables.source)
                .where(tables.source.c.id == id)
                .values(paused=paused, updated=datetime.now(UTC))
            )
            if not changed.rowcount:
                raise UnknownSource(f"no source has the id {id!r}")
            audit.write(connection, by, Action.SOURCE_PAUSED if paused else Action.SOURCE_RESUMED, id)

    def remove(self, id: str) -> None:
        """Forgets the definition of a source whose datasets are already retired. Its history stays."""
        with writing(self._engine) as connection:
            for table in (tables.validator, tables.run_request, tables.lease, tables.normalisation):
                connection.execute(delete(table).where(table.c.source_id == id))
            connection.execute(delete(tables.source).where(tables.source.c.id == id))

    def dataset_counts(self) -> Mapping[str, int]:
        """Present datasets by source id."""
        table = tables.dataset.c
        query = (
            select(table.source_id, func.count())
            .where(table.state != DatasetState.RETIRED, table.record_type == RecordType.DATASET)
            .group_by(table.source_id)
        )
        with self._engine.connect() as connection:
            return {source_id: count for source_id, count in connection.execute(query)}

    def lease(self, source_id: str, holder: str, *, ttl_s: float = 120.0) -> Lease:
        """Takes the right to harvest a source. Raises SourceHeld while somebody else has it."""
        now = datetime.now(UTC)
        lease = Lease(source_id, secrets.token_hex(16))
        with writing(self._engine) as connection:
            row = connection.execute(
                select(tables.lease).where(tables.lease.c.source_id == source_id)
            ).one_or_none()
            if row is not None and row.expires > now:
                raise SourceHeld(f"{source_id} is being harvested by {row.holder}")
            upsert = insert_or_update(tables.lease, connection).values(
                source_id=source_id, token=lease.token, holder=holder, expires=now + timedelta(seconds=ttl_s)
            )
            given = {name: upsert.excluded[name] for name in ("token", "holder", "expires")}
            connection.execute(upsert.on_conflict_do_update(index_elements=["source_id"], set_=given))
        return lease

    def renew(self, lease: Lease, *, ttl_s: float = 120.0) -> None:
        """The heartbeat. Raises LeaseLost when the lease went to somebody else."""
        with writing(self._engine) as connection:
            check_lease(connection, lease)
            connection.execute(
                update(tables.lease)
                .where(tables.lease.c.source_id == lease.source_id)
                .values(expires=datetime.now(UTC) + timedelta(seconds=ttl_s))
            )

    def release(self, lease: Lease) -> None:
        """Gives the right back; nothing happens when it is already lost."""
        with writing(self._engine) as connection:
            connection.execute(
                delete(tables.lease).where(
                    tables.lease.c.source_id == lease.source_id, tables.lease.c.token == lease.token
                )
            )

    @contextmanager
    def leased(self, source_id: str, holder: str) -> Iterator[Lease]:
        """The right for as long as the block lasts. Raises SourceHeld while somebody else has it."""
        lease = self.lease(source_id, holder)
        try:
            yield lease
        finally:
            self.release(lease)

    def under_way(self) -> Mapping[str, str]:
        """Source ids being harvested now, with who does it."""
        query = select(tables.lease.c.source_id, tables.lease.c.holder).where(
            tables.lease.c.expires > datetime.now(UTC)
        )
        with self._engine.connect() as connection:
            return {source_id: holder for source_id, holder in connection.execute(query)}

    def request_run(self, source_id: str, mode: RunMode, by: str = audit.COMMAND) -> None:
        """Writes down the wish that a source be harvested or read again. Raises UnknownSource."""
        self.get(source_id)
        with writing(self._engine) as connection:
            ask_for_runs(connection, [source_id], mode, by)
            audit.write(connection, by, Action.RUN_REQUESTED, source_id, mode.value)

    def requested(self) -> Mapping[str, Sequence[RunMode]]:
        """What is asked for and not yet begun, by source."""
        table = tables.run_request.c
        query = select(table.source_id, table.mode).where(table.taken.is_(None)).order_by(table.id)
        found: dict[str, list[RunMode]] = {}
        with self._engine.connect() as connection:
            for source_id, mode in connection.execute(query):
                found.setdefault(source_id, []).append(RunMode(mode))
        return found

    def take_requests(self, *, busy: Collection[str] = ()) -> Sequence[RunRequest]:
        """The open wishes, oldest first; each is handed out once. Those for ``busy`` sources stay open."""
        table = tables.run_request
        with writing(self._engine) as connection:
            found = connection.execute(select(table).where(table.c.taken.is_(None)).order_by(table.c.id)).all()
            rows = [row for row in found if row.source_id not in busy]
            if rows:
                connection.execute(
                    update(table)
                    .where(table.c.id.in_([row.id for row in rows]))
                    .values(taken=datetime.now(UTC))
                )
        return [
            RunRequest(
                id=row.id,
                source_id=row.source_id,
                mode=RunMode(row.mode),
                asked=row.asked,
                asked_by=row.asked_by,
            )
            for row in rows
        ]

    def validators(self, source_id: str) -> Mapping[str, CacheValidator]:
        """The validators of a source by address, as of its last complete run."""
        table = tables.validator
        with self._engine.connect() as connection:
            rows = connection.execute(select(table).where(table.c.source_id == source_id))
            return {row.url: CacheValidator(row.etag, row.last_modified) for row in rows}

    def keep_validators(self, lease: Lease, validators: Mapping[str, CacheValidator]) -> None:
        """Replaces the validators of the lease's source; writes nothing when they are the same. Raises LeaseLost."""
        source_id = lease.source_id
        if validators == self.validators(source_id):
            return
        table = tables.validator
        with writing(self._engine) as connection:
            check_lease(connection, lease)
            connection.execute(delete(table).where(table.c.source_id == source_id))
            if validators:
                connection.execute(
                    insert(table),
                    [
                        {
                            "source_id": source_id,
                            "url": url,
                            "etag": given.etag,
                            "last_modified": given.last_modified,
                        }
                        for url, given in validators.items()
                    ],
                )


def ask_for_runs(connection: Connection, source_ids: Sequence[str], mode: RunMode, by: str | None) -> None:
    """Writes down the wish for a run of each of the sources that exist, where the same wish is not open already."""
    table = tables.run_request
    for id in source_ids:
        is_open = select(table.c.id).where(
            table.c.source_id == id, table.c.mode == mode.value, table.c.taken.is_(None)
        )
        is_source = select(tables.source.c.id).where(tables.source.c.id == id)
        if connection.scalar(is_open) is None and connection.scalar(is_source) is not None:
            connection.execute(
                insert(table).values(source_id=id, mode=mode.value, asked=datetime.now(UTC), asked_by=by)
            )


def check_lease(connection: Connection, lease: Lease) -> None:
    """Raises LeaseLost unless ``lease`` is still the one in force, inside the transaction that relies on it."""
    token = connection.scalar(select(tables.lease.c.token).where(tables.lease.c.source_id == lease.source_id))
    if token != lease.token:
        raise LeaseLost(f"another run has taken over {lease.source_id}")


def _entry(row: Row[Any]) -> SourceEntry:
    return SourceEntry(
        source=decode_source(row.definition),
        paused=row.paused,
        provisioned=row.provisioned,
        created=row.created,
        updated=row.updated,
    )
