"""Assessments that were frozen: what was published stays as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from portal.catalog import tables
from portal.catalog.documents import packer, unpacked
from portal.catalog.engines import writing


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

    def add(self, period: FrozenPeriod, parts: Sequence[bytes]) -> None:
        """Keeps a period with its evidence. Raises PeriodFrozen when there is one of its name."""
        pack = packer()
        values = {name: getattr(period, name) for name in FrozenPeriod.__struct_fields__}
        bodies = [
            {"period_id": period.id, "number": number, "body": pack(part)} for number, part in enumerate(parts)
        ]
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(tables.period).values(**values))
                if bodies:
                    connection.execute(insert(tables.period_part), bodies)
        except IntegrityError as error:
            raise PeriodFrozen(f"the period {period.id} is frozen already") from error

    def all(self) -> list[FrozenPeriod]:
        """Every frozen period, the newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(select(tables.period).order_by(tables.period.c.id.desc()))
            return [FrozenPeriod(row.id, row.frozen, row.manifest, row.signature) for row in found]

    def get(self, id: str) -> FrozenPeriod:
        """One frozen period. Raises UnknownPeriod."""
        with self._engine.connect() as connection:
            row = connection.execute(select(tables.period).where(tables.period.c.id == id)).one_or_none()
        if row is None:
            raise UnknownPeriod(f"the period {id} is not frozen")
        return FrozenPeriod(row.id, row.frozen, row.manifest, row.signature)

    def parts(self, id: str) -> Iterator[bytes]:
        """The evidence of a frozen period, in order."""
        table = tables.period_part.c
        with self._engine.connect() as connection:
            query = select(table.body).where(table.period_id == id).order_by(table.number)
            for body in connection.scalars(query):
                yield unpacked(body)
