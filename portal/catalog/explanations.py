"""Why scores of large groups changed, worked out beforehand. What the words mean is known in ``portal.scorecard`` alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import islice

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, delete, insert, select

from portal.catalog import tables
from portal.catalog.assessments import Kind
from portal.catalog.documents import encode, packer, unpacked
from portal.catalog.engines import writing
from portal.catalog.upserts import insert_or_update

LEASE = ":explaining"
"""No source can have this id, so it may be leased as one: one process at a time works explanations out."""

ROWS_AT_ONCE = 100

_STATE = "explained"


class Kept(Struct, frozen=True, kw_only=True):
    """One explanation."""

    kind: Kind
    code: str
    rules: str
    first: date
    last: date
    body: bytes


class _State(Struct, frozen=True):
    """Up to which day everything was worked out, although nothing may have come of it."""

    last: date


class Explanations:
    """The explanations in the database; reached as ``catalog.explanations``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replace(self, last: date, kept: Iterable[Kept]) -> int:
        """Keeps these, which end on a day, and drops all others; how many they are."""
        pack, count = packer(), 0
        rest = iter(kept)
        with writing(self._engine) as connection:
            connection.execute(delete(tables.explanation))
            while several := list(islice(rest, ROWS_AT_ONCE)):
                rows = [{**msgspec.structs.asdict(one), "kind": one.kind.value, "body": pack(one.body)} for one in several]
                connection.execute(insert(tables.explanation), rows)
                count += len(several)
            _set_state(connection, _State(last))
        return count

    def last(self) -> date | None:
        """The day up to which all was worked out; None before the first time."""
        table = tables.scorecard_state.c
        with self._engine.connect() as connection:
            document = connection.scalar(select(table.document).where(table.name == _STATE))
        return None if document is None else msgspec.json.decode(document, type=_State).last

    def days(self, kind: Kind, code: str, rules: str) -> list[tuple[date, date]]:
        """Between which days there is one of a group, the longest time first."""
        table = tables.explanation.c
        wanted = (table.kind == kind, table.code == code, table.rules == rules)
        with self._engine.connect() as connection:
            found = connection.execute(select(table.first, table.last).where(*wanted).order_by(table.first))
            return [(row.first, row.last) for row in found]

    def get(self, kind: Kind, code: str, rules: str, first: date, last: date) -> bytes | None:
        """One of them; None where there is none between these days."""
        table = tables.explanation.c
        wanted = (
            table.kind == kind, table.code == code, table.rules == rules, table.first == first, table.last == last,
        )
        with self._engine.connect() as connection:
            body = connection.scalar(select(table.body).where(*wanted))
        return None if body is None else unpacked(body)


def _set_state(connection: Connection, state: _State) -> None:
    upsert = insert_or_update(tables.scorecard_state, connection)
    connection.execute(
        upsert.on_conflict_do_update(index_elements=["name"], set_={"document": upsert.excluded.document}),
        [{"name": _STATE, "generation": 0, "document": encode(state)}],
    )
