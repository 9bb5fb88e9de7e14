"""What operators looked at and found fine: a warning that is for them alone, about one dataset's words.

A clearance holds for the very words: other words in the same field are warned of anew, the same ones never again,
however often they are read. Taking it back ends it and leaves it to see.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, insert, select, update

import schemas
from portal.catalog import audit, tables
from portal.catalog.audit import Action
from portal.catalog.engines import writing
from portal.catalog.model import Issue

_decode_issue = msgspec.json.Decoder(Issue).decode


class NothingToClear(LookupError):
    """No warning for operators, or no clearance that stands, has this number."""


class Clearance(Struct, frozen=True, kw_only=True):
    """That somebody looked and found it fine."""

    number: int
    dataset_id: str
    code: str
    field: str | None
    seen: str | None
    """The words that were looked at."""
    by: str
    at: datetime


class _Words(NamedTuple):
    """What a clearance holds for."""

    dataset_id: str
    code: str
    field: str | None
    seen: str | None


class Clearances:
    """The clearances of a catalogue."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def clear(self, issue_id: int, *, by: str) -> None:
        """Says of the words of a warning that they are fine; twice is once. Raises NothingToClear."""
        table = tables.clearance
        with writing(self._engine) as connection:
            found = connection.execute(select(tables.issue).where(tables.issue.c.id == issue_id)).one_or_none()
            if found is None or found.dataset_id is None or found.code not in schemas.issues_for_operators():
                raise NothingToClear(f"there is no warning for operators {issue_id}")
            issue = _decode_issue(found.document)
            words = _Words(found.dataset_id, found.code, issue.field, issue.seen)
            if words in _standing(connection):
                return
            connection.execute(insert(table).values(**words._asdict(), by=by, at=datetime.now(UTC)))
            audit.write(connection, by, Action.WARNING_CLEARED, found.dataset_id, issue.seen)

    def undo(self, number: int, *, by: str) -> None:
        """Takes a clearance back: the words are warned of again. Raises NothingToClear."""
        table = tables.clearance
        with writing(self._engine) as connection:
            row = connection.execute(
                select(table).where(table.c.number == number, table.c.undone.is_(None))
            ).one_or_none()
            if row is None:
                raise NothingToClear(f"there is no clearance {number} to take back")
            connection.execute(
                update(table).where(table.c.number == number).values(undone=datetime.now(UTC), undone_by=by)
            )
            audit.write(connection, by, Action.CLEARANCE_UNDONE, row.dataset_id, row.seen)

    def standing(self) -> list[Clearance]:
        """Every clearance that stands, newest first."""
        table = tables.clearance
        query = select(table).where(table.c.undone.is_(None)).order_by(table.c.number.desc())
        with self._engine.connect() as connection:
            return [_clearance(row) for row in connection.execute(query)]


def cleared(connection: Connection) -> list[int]:
    """The ids of the issues whose words were found fine."""
    standing = _standing(connection)
    if not standing:
        return []
    table, clearance = tables.issue, tables.clearance.c
    about = (clearance.dataset_id == table.c.dataset_id) & (clearance.code == table.c.code)
    query = select(table).where(select(clearance.number).where(about, clearance.undone.is_(None)).exists())
    return [
        row.id
        for row in connection.execute(query)
        for issue in (_decode_issue(row.document),)
        if _Words(row.dataset_id, row.code, issue.field, issue.seen) in standing
    ]


def _standing(connection: Connection) -> set[_Words]:
    table = tables.clearance.c
    query = select(table.dataset_id, table.code, table.field, table.seen).where(table.undone.is_(None))
    return {_Words(*row) for row in connection.execute(query)}


def _clearance(row: Row[Any]) -> Clearance:
    return Clearance(**{name: getattr(row, name) for name in Clearance.__struct_fields__})
