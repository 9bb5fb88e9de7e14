"""Which datasets give which addresses, derived from the change log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from portal.catalog import tables
from portal.catalog.counters import count_on, counted
from portal.catalog.documents import decode_dataset, in_parts
from portal.catalog.model import ChangeKind, Dataset, DatasetState, DistributionKind
from portal.catalog.upserts import insert_or_update

CHANGES_AT_ONCE = 200
"""Followed in one transaction: harvests wait for it."""

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""When an address never asked for was due: before every other."""

FOLLOWED = "links.followed"
"""The counter that says how far the change log was followed."""

_PORTS = {"http": 80, "https": 443}
_NOT_FILES = frozenset((DistributionKind.API, DistributionKind.LINK))
_USES_MAY_CHANGE = (ChangeKind.ADDED, ChangeKind.UPDATED, ChangeKind.RETIRED, ChangeKind.RESTORED)


def key_of(url: str) -> bytes:
    """What an address is found by: 16 bytes."""
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def host_of(url: str) -> str:
    """The host in lower case, with its port unless that is the usual one; empty where an address has none."""
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    return name if port in (None, *_PORTS.values()) else f"{name}:{port}"


def addresses_of(dataset: Dataset) -> dict[str, str | None]:
    """Every address of a dataset's distributions, with the code of the format in which it promises a file.

    A portal that gives one address and a format promises the file there; beside a download the other address is
    a page.
    """
    found: dict[str, str | None] = {}
    for one in dataset.distributions:
        promised = None if one.kind in _NOT_FILES else one.format
        file = one.download_url or one.access_url
        for url in (one.download_url, one.access_url):
            if url is not None:
                found[url] = found.get(url) or (promised if url == file else None)
    return found


def follow(connection: Connection) -> int:
    """Follows the next changes; how many there were."""
    since = counted(connection, FOLLOWED)
    change = tables.change.c
    query = select(change.number, change.kind, change.dataset_id, change.fields).where(change.number > since)
    changes = connection.execute(query.order_by(change.number).limit(CHANGES_AT_ONCE)).all()
    if not changes:
        return 0
    ids = list(dict.fromkeys(row.dataset_id for row in changes if _may_change_uses(row.kind, row.fields)))
    for part in in_parts(ids):
        _take_in(connection, part)
    count_on(connection, FOLLOWED, changes[-1].number - since)
    return len(changes)


def _may_change_uses(kind: str, fields: str | None) -> bool:
    if kind not in _USES_MAY_CHANGE:
        return False
    return kind != ChangeKind.UPDATED or "distributions" in (fields or "distributions")


def _take_in(connection: Connection, ids: Sequence[str]) -> None:
    """Makes addresses and uses those of the datasets as they stand."""
    table, use = tables.dataset.c, tables.link_use
    present = select(table.document).where(table.id.in_(ids), table.state != DatasetState.RETIRED)
    wanted: dict[tuple[str, bytes], tuple[str, str, str | None]] = {}
    for row in connection.execute(present):
        dataset = decode_dataset(row.document)
        for url, promised in addresses_of(dataset).items():
            wanted[dataset.id, key_of(url)] = dataset.source_id, url, promised
    uses = select(use.c.dataset_id, use.c.link_key).where(use.c.dataset_id.in_(ids))
    held = {(row.dataset_id, row.link_key) for row in connection.execute(uses)}
    given = {key: (url, promised) for (_, key), (_, url, promised) in wanted.items()}
    if given:
        _put_addresses(connection, given)
    new = [pair for pair in wanted if pair not in held]
    if new:
        standing = _standing(connection, [key for _, key in new])
        connection.execute(
            insert(use),
            [
                {"dataset_id": id, "link_key": key, "source_id": wanted[id, key][0], **standing[key]}
                for id, key in new
            ],
        )
    left = sorted(held - set(wanted))
    if left:
        _drop_uses(connection, left)


def _standing(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, dict[str, Any]]:
    """The state of addresses, as their uses carry it."""
    table = tables.link.c
    return {
        row.key: {"state": row.state, "is_error_page": row.is_error_page}
        for part in in_parts(keys)
        for row in connection.execute(
            select(table.key, table.state, table.is_error_page).where(table.key.in_(part))
        )
    }


def _put_addresses(connection: Connection, given: Mapping[bytes, tuple[str, str | None]]) -> None:
    table = tables.link.c
    upsert = insert_or_update(tables.link, connection)
    new = upsert.excluded
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["key"],
            set_={"promised": new.promised, "due": func.coalesce(table.due, new.due)},
            where=table.due.is_(None) | table.promised.is_distinct_from(new.promised),
        ),
        [
            {
                "key": key,
                "url": url,
                "host": host_of(url)[:260],
                "promised": promised,
                "is_error_page": False,
                "failures": 0,
                "due": FIRST,
                "changed": 0,
            }
            for key, (url, promised) in given.items()
        ],
    )
    upsert = insert_or_update(tables.link_host, connection)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["host"],
            set_={"due": upsert.excluded.due},
            where=tables.link_host.c.due > upsert.excluded.due,
        ),
        [
            {"host": host, "due": FIRST, "free": FIRST, "failures": 0}
            for host in sorted({host_of(url)[:260] for url, _ in given.values()})
        ],
    )


def _drop_uses(connection: Connection, left: Sequence[tuple[str, bytes]]) -> None:
    """Forgets uses; an address that nobody gives any more is kept with what is known of it, but not asked for."""
    use, table = tables.link_use.c, tables.link
    connection.execute(
        delete(tables.link_use).where(
            use.dataset_id == bindparam("b_dataset"), use.link_key == bindparam("b_key")
        ),
        [{"b_dataset": id, "b_key": key} for id, key in left],
    )
    connection.execute(
        update(table)
        .where(table.c.key == bindparam("b_key"), ~exists().where(use.link_key == table.c.key))
        .values(due=None),
        [{"b_key": key} for key in sorted({key for _, key in left})],
    )
