"""Assessments that were frozen: what was published stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import count, islice
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import CompoundSelect, Connection, Engine, func, insert, select, union
from sqlalchemy.exc import IntegrityError

from portal.catalog import tables
from portal.catalog.assessments import ROWS_AT_ONCE, Kind, Standing, standing_of
from portal.catalog.documents import packer, unpacked
from portal.catalog.engines import writing


Also: TypeAlias = Callable[[Connection], None]
"""What else is checked and written in the transaction that keeps a period."""


DEPARTMENTS_AT_ONCE = 500


class PeriodFrozen(Exception):
    """A period is frozen once; the message says which."""


class UnknownPeriod(LookupError):
    """No frozen period has this name."""


class FrozenPeriod(Struct, frozen=True):
    """A frozen period: the manifest says what it holds, the signature that nobody changed the manifest since."""

    id: str
    frozen: datetime
    manifest: bytes
    signature: str
    """Hexadecimal."""


class Periods:
    """The frozen periods in the database; reached as ``catalog.periods``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        period: FrozenPeriod,
        parts: Iterable[bytes],
        standings: Iterable[Standing] = (),
        departments: Iterable[tuple[str, bytes]] = (),
        also: Also = lambda connection: None,
    ) -> None:
        """Keeps a period with its evidence and what it came to. Raises PeriodFrozen when there is one of its name.

        ``departments`` is each department's part of the evidence. All of it is read within the transaction, and so must not
        read the catalogue. ``also`` runs within the transaction: see
        ``previews.beginning`` and ``previews.ending``.
        """
        pack = packer()
        values = {name: getattr(period, name) for name in FrozenPeriod.__struct_fields__}
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(tables.period).values(**values))
                for number, part in enumerate(parts):
                    kept = insert(tables.period_part).values(period_id=period.id, number=number, body=pack(part))
                    connection.execute(kept)
                also(connection)
                owned = iter(departments)
                while some := list(islice(owned, DEPARTMENTS_AT_ONCE)):
                    bodies = [{"period_id": period.id, "department": id, "body": pack(rows)} for id, rows in some]
                    connection.execute(insert(tables.period_department), bodies)
                rest = iter(standings)
                while several := list(islice(rest, ROWS_AT_ONCE)):
                    rows = [{**asdict(one), "kind": one.kind.value, "period_id": period.id} for one in several]
                    connection.execute(insert(tables.period_standing), rows)
        except IntegrityError as error:
            raise PeriodFrozen(f"the period {period.id} is frozen already") from error

    def all(self) -> list[FrozenPeriod]:
        """Every frozen period, the newest first; what previews show is none."""
        table = tables.period
        shown = _shown()
        with self._engine.connect() as connection:
            found = connection.execute(select(table).where(table.c.id.not_in(shown)).order_by(table.c.id.desc()))
            return [FrozenPeriod(row.id, row.frozen, row.manifest, row.signature) for row in found]

    def get(self, id: str) -> FrozenPeriod:
        """One frozen period. Raises UnknownPeriod."""
        with self._engine.connect() as connection:
            row = connection.execute(select(tables.period).where(tables.period.c.id == id)).one_or_none()
        if row is None:
            raise UnknownPeriod(f"the period {id} is not frozen")
        return FrozenPeriod(row.id, row.frozen, row.manifest, row.signature)

    def league(self, id: str, rules: str, kind: Kind, peers: str) -> list[Standing]:
        """Those who were compared with one another, best first, as frozen."""
        table = tables.period_standing
        wanted = (
            table.c.period_id == id, table.c.rules == rules, table.c.kind == kind, table.c.peers == peers,
        )
        query = select(table).where(*wanted).order_by(table.c.point.desc().nulls_last(), table.c.code)
        with self._engine.connect() as connection:
            return [standing_of(row) for row in connection.execute(query)]

    def of(self, rules: str, kind: Kind, code: str) -> dict[str, Standing]:
        """One group's standings as frozen, by the period; what previews show is none."""
        table = tables.period_standing
        shown = _shown()
        query = select(table).where(
            table.c.rules == rules, table.c.kind == kind, table.c.code == code, table.c.period_id.not_in(shown)
        )
        with self._engine.connect() as connection:
            return {row.period_id: standing_of(row) for row in connection.execute(query)}

    def standings(self, id: str, kind: Kind, *, code: str | None = None, rules: str | None = None) -> list[Standing]:
        """The standings of a kind as frozen, by code and rule set; of one group or under one rule set where so asked."""
        table = tables.period_standing
        query = select(table).where(table.c.period_id == id, table.c.kind == kind).order_by(table.c.code, table.c.rules)
        for column, wanted in ((table.c.code, code), (table.c.rules, rules)):
            if wanted is not None:
                query = query.where(column == wanted)
        with self._engine.connect() as connection:
            return [standing_of(row) for row in connection.execute(query)]

    def peer_groups(self, id: str, rules: str, kind: Kind) -> dict[str, int]:
        """Who was compared with whom, and how many they were."""
        table = tables.period_standing.c
        query = (
            select(table.peers, func.count())
            .where(table.period_id == id, table.rules == rules, table.kind == kind)
            .group_by(table.peers)
        )
        with self._engine.connect() as connection:
            return {peers: count for peers, count in connection.execute(query)}

    def department(self, id: str, department: str) -> bytes | None:
        """One department's part of the evidence; None where it has none in the period."""
        table = tables.period_department.c
        query = select(table.body).where(table.period_id == id, table.department == department)
        with self._engine.connect() as connection:
            body = connection.scalar(query)
        return None if body is None else unpacked(body)

    def has_departments(self, id: str) -> bool:
        """Whether departments' parts are kept apart: they are not of a period frozen before this was so."""
        table = tables.period_department.c
        with self._engine.connect() as connection:
            return connection.scalar(select(table.department).where(table.period_id == id).limit(1)) is not None

    def parts(self, id: str) -> Iterator[bytes]:
        """The evidence of a frozen period, in order; each part is read when it is asked for."""
        table = tables.period_part.c
        for number in count():
            with self._engine.connect() as connection:
                body = connection.scalar(select(table.body).where(table.period_id == id, table.number == number))
            if body is None:
                return
            yield unpacked(body)


def _shown() -> CompoundSelect[Any]:
    """The names of what previews show, or showed until they were called off."""
    return union(select(tables.preview.c.kept), select(tables.preview_step.c.kept))
