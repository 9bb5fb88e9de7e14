"""Writes to the datasets of one source, batch by batch, while its lease is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from portal.catalog import tables
from portal.catalog.documents import changed_fields, decode_dataset, digest, encode, in_parts, packer, unpacked
from portal.catalog.model import ChangeCause, ChangeKind, Dataset, DatasetState
from portal.catalog.upserts import insert_or_update


_IN_LIFE: Mapping[str, None] = MappingProxyType({"missing_since": None, "retired": None, "retired_because": None})
"""The columns that say how a dataset left, of one that has not."""


class NewRecord(Struct, frozen=True, kw_only=True):
    """A translated record on its way into the catalogue, with the words it was translated from."""

    dataset: Dataset
    body: bytes
    raw_digest: bytes
    """16 bytes that are the same when both the portal's words and our reading of them are."""
    media_type: str
    url: str | None


class PutCounts(Struct, frozen=True):
    """What a batch of records did: ``added``, ``updated`` and ``unchanged`` make up its length."""

    added: int
    updated: Mapping[str, tuple[str, ...]]
    """Dataset id to the names of its unified fields that changed."""
    unchanged: int
    restored: int
    """Datasets that were missing, retired or unusable; they are among the updated or unchanged too."""


class Transaction:
    """A batch of writes, committed together. Made by ``Catalog.transaction``, which checks the lease."""

    def __init__(self, connection: Connection, source_id: str, run_id: int | None, now: datetime) -> None:
        self._connection = connection
        self._source_id = source_id
        self._run_id = run_id
        self._now = now
        self._pack = packer()

    def put(self, records: Sequence[NewRecord]) -> PutCounts:
        """Stores translated records; each dataset may stand among them once."""
        standing = self._standing([record.dataset.id for record in records])
        added: list[dict[str, Any]] = []
        stood: list[dict[str, Any]] = []
        changes: list[dict[str, Any]] = []
        updated: dict[str, tuple[str, ...]] = {}
        restored = 0
        for record in records:
            row = standing.get(record.dataset.id)
            values = _columns(record)
            if row is None:
                added.append({**values, "first_seen": self._now, "changed": self._now})
                continue
            same = row.digest == values["digest"]
            if not same:
                updated[row.id] = changed_fields(decode_dataset(row.document), record.dataset)
                changes.append(self._update(row, record, updated[row.id]))
            if row.state != DatasetState.CURRENT:
                restored += 1
                changes.append(self._change(record.dataset.id, ChangeKind.RESTORED))
            stood.append({**values, **_IN_LIFE, "changed": row.changed if same else self._now})
        self._write(added, stood, changes)
        self._write_raw(records)
        self._write_publishers(records)
        return PutCounts(len(added), updated, len(stood) - len(updated), restored)

    def reread(self, records: Sequence[NewRecord]) -> Mapping[str, tuple[str, ...]]:
        """Stores another reading of words that are kept already: their life and the words stay as they are.

        Returns the ids of the datasets that it changed, each with the names of the unified fields that changed.
        """
        standing = self._standing([record.dataset.id for record in records])
        stood: list[dict[str, Any]] = []
        changes: list[dict[str, Any]] = []
        updated: dict[str, tuple[str, ...]] = {}
        for record in records:
            row, values = standing[record.dataset.id], _columns(record)
            same = row.digest == values["digest"]
            if not same:
                updated[row.id] = changed_fields(decode_dataset(row.document), record.dataset)
                changes.append(self._update(row, record, updated[row.id]))
            stood.append({**values, "state": row.state, "changed": row.changed if same else self._now})
        self._write([], stood, changes)
        self._write_publishers(records)
        return updated

    def restore(self, ids: Sequence[str]) -> None:
        """Datasets listed again, word for word as they were, after they were missing, retired or unusable."""
        self._move(ids, ChangeKind.RESTORED, DatasetState.CURRENT, _IN_LIFE)

    def mark_unusable(self, ids: Sequence[str]) -> None:
        """The portal broke these records: the last good ones stand and are marked."""
        self._move(ids, ChangeKind.UNUSABLE, DatasetState.UNUSABLE, {"missing_since": None})

    def mark_missing(self, ids: Sequence[str]) -> None:
        """A complete listing lacked these; they stay until their source's grace has passed."""
        self._move(ids, ChangeKind.MISSING, DatasetState.MISSING, {"missing_since": self._now})

    def retire(self, ids: Sequence[str], because: str) -> None:
        """Turns datasets into tombstones."""
        values = {"retired": self._now, "retired_because": because}
        self._move(ids, ChangeKind.RETIRED, DatasetState.RETIRED, values)

    def _move(
        self, ids: Sequence[str], kind: ChangeKind, state: DatasetState, values: Mapping[str, Any]
    ) -> None:
        for part in in_parts(ids):
            statement = update(tables.dataset).where(tables.dataset.c.id.in_(part))
            self._connection.execute(statement.values(state=state.value, **values))
            self._log(part, kind)

    def _standing(self, ids: Sequence[str]) -> dict[str, Row[Any]]:
        table = tables.dataset.c
        columns = (table.id, table.digest, table.state, table.document, table.changed)
        rows: dict[str, Row[Any]] = {}
        for part in in_parts(ids):
            found = self._connection.execute(select(*columns).where(table.id.in_(part)))
            rows.update({row.id: row for row in found})
        return rows

    def _update(self, row: Row[Any], record: NewRecord, fields: tuple[str, ...]) -> dict[str, Any]:
        body = self._connection.scalar(
            select(tables.raw_record.c.body).where(tables.raw_record.c.dataset_id == row.id)
        )
        same_words = body is not None and unpacked(body) == record.body
        return self._change(
            row.id,
            ChangeKind.UPDATED,
            cause=ChangeCause.MAPPING if same_words else ChangeCause.SOURCE,
            fields=fields,
            before=self._pack(row.document),
        )

    def _log(self, ids: Sequence[str], kind: ChangeKind) -> None:
        same = {"kind": kind.value, "source_id": self._source_id, "at": self._now, "run_id": self._run_id}
        self._connection.execute(insert(tables.change), [{**same, "dataset_id": id} for id in ids])

    def _change(
        self,
        dataset_id: str,
        kind: ChangeKind,
        cause: ChangeCause | None = None,
        fields: Sequence[str] = (),
        before: bytes | None = None,
    ) -> dict[str, Any]:
        return {
            "kind": kind.value,
            "dataset_id": dataset_id,
            "source_id": self._source_id,
            "at": self._now,
            "run_id": self._run_id,
            "cause": cause and cause.value,
            "fields": ",".join(fields) or None,
            "before": before,
        }

    def _write(
        self, added: list[dict[str, Any]], stood: list[dict[str, Any]], changes: list[dict[str, Any]]
    ) -> None:
        if added:
            self._connection.execute(insert(tables.dataset), added)
            self._log([row["id"] for row in added], ChangeKind.ADDED)
        if stood:
            names = [name for name in stood[0] if name != "id"]
            statement = update(tables.dataset).where(tables.dataset.c.id == bindparam("dataset_id"))
            rows = [{"dataset_id": row["id"]} | {f"new_{name}": row[name] for name in names} for row in stood]
            self._connection.execute(
                statement.values({name: bindparam(f"new_{name}") for name in names}), rows
            )
        if changes:
            self._connection.execute(insert(tables.change), changes)

    def _write_raw(self, records: Sequence[NewRecord]) -> None:
        rows = [
            {
                "dataset_id": record.dataset.id,
                "body": self._pack(record.body),
                "media_type": record.media_type,
                "url": record.url,
                "read": self._now,
            }
            for record in records
        ]
        if rows:
            upsert = insert_or_update(tables.raw_record, self._connection)
            given = {name: upsert.excluded[name] for name in ("body", "media_type", "url", "read")}
            self._connection.execute(
                upsert.on_conflict_do_update(index_elements=["dataset_id"], set_=given), rows
            )

    def _write_publishers(self, records: Sequence[NewRecord]) -> None:
        publishers = {
            record.dataset.publisher.id: record.dataset.publisher
            for record in records
            if record.dataset.publisher
        }
        rows = [
            {"id": publisher.id, "source_id": self._source_id, "document": encode(publisher)}
            for publisher in publishers.values()
        ]
        if rows:
            upsert = insert_or_update(tables.publisher, self._connection)
            document = upsert.excluded.document
            self._connection.execute(
                upsert.on_conflict_do_update(
                    index_elements=["id"],
                    set_={"document": document},
                    where=tables.publisher.c.document != document,
                ),
                rows,
            )


def _columns(record: NewRecord) -> dict[str, Any]:
    dataset = record.dataset
    return {
        "id": dataset.id,
        "source_id": dataset.source_id,
        "source_key": dataset.source_key,
        "record_type": dataset.record_type.value,
        "state": DatasetState.CURRENT.value,
        "publisher_id": dataset.publisher and dataset.publisher.id,
        "region": dataset.region,
        "raw_digest": record.raw_digest,
        "digest": digest(dataset),
        "document": encode(dataset),
    }
