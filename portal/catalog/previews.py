"""Previews of periods: an assessment that is shown before it is frozen, and until when departments may speak about it.

What is shown is kept the way a frozen period is, under a name of its own (``2026H1-pre``), so that whatever reads the one
reads the other. A preview is begun once and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, Engine, Row, insert, select

from portal.catalog import audit, tables
from portal.catalog.audit import COMMAND, Action
from portal.catalog.periods import Also
from portal.catalog.statements import Statement, is_frozen, read

SUFFIX = "-pre"


class PreviewRefused(Exception):
    """A preview cannot be begun, or its period cannot be frozen yet; the message says why."""


class Preview(Struct, frozen=True, kw_only=True):
    """The preview of a period."""

    period: str
    kept: str
    """The name under which ``catalog.periods`` has what is shown."""
    begun: datetime
    until: datetime
    """Up to this instant departments may speak."""


class Previews:
    """The previews in the database; reached as ``catalog.previews``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[Preview]:
        """Every preview, of frozen periods too, that of the newest period first."""
        with self._engine.connect() as connection:
            found = connection.execute(select(tables.preview).order_by(tables.preview.c.period.desc()))
            return [_preview(row) for row in found]

    def get(self, period: str) -> Preview | None:
        """The preview of a period; None where there never was one."""
        with self._engine.connect() as connection:
            return _stored(connection, period)


def beginning(preview: Preview) -> Also:
    """What begins a preview, within the transaction that keeps what is shown. Raises PreviewRefused."""

    def begin(connection: Connection) -> None:
        if is_frozen(connection, preview.period):
            raise PreviewRefused(f"the period {preview.period} is frozen already")
        connection.execute(insert(tables.preview).values(**asdict(preview)))
        audit.write(connection, COMMAND, Action.PREVIEW_BEGUN, preview.period, preview.until.isoformat())

    return begin


def ending(period: str, preview: Preview | None, said: Sequence[Statement]) -> Also:
    """What holds that a period is frozen with the preview, and all that was said in it, that its manifest is about.

    It runs within the transaction that freezes. Raises PreviewRefused where a preview was begun, or something said,
    answered or taken back, meanwhile.
    """

    def end(connection: Connection) -> None:
        if _stored(connection, period) != preview or read(connection, period) != list(said):
            raise PreviewRefused(f"something was said in the preview of {period} meanwhile: freeze it again")
        audit.write(connection, COMMAND, Action.PERIOD_FROZEN, period)

    return end


def _stored(connection: Connection, period: str) -> Preview | None:
    row = connection.execute(select(tables.preview).where(tables.preview.c.period == period)).one_or_none()
    return None if row is None else _preview(row)


def _preview(row: Row[tuple[object, ...]]) -> Preview:
    return Preview(period=row.period, kept=row.kept, begun=row.begun, until=row.until)
