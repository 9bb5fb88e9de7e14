"""Numbers that only grow, by name: how far a log was followed, how often something happened."""

from __future__ import annotations

from sqlalchemy import Connection, select

from portal.catalog import tables
from portal.catalog.upserts import insert_or_update


def counted(connection: Connection, name: str) -> int:
    table = tables.counter.c
    return connection.scalar(select(table.number).where(table.name == name)) or 0


def count_on(connection: Connection, name: str, more: int) -> None:
    upsert = insert_or_update(tables.counter, connection).values(name=name, number=more)
    added = tables.counter.c.number + upsert.excluded.number
    connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_={"number": added}))
