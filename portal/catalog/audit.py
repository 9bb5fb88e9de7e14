"""The audit log: who did what about what, and when; written in the transaction that does it, never changed."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, Engine, insert, select

from portal.catalog import tables

COMMAND = "(nachuan)"
"""Who did what the command does: no account can have this name."""

NOBODY = "(nobody)"
"""Who did what somebody did who is not signed in."""


class Action(StrEnum):
    """What people do that is written down."""

    ACCOUNT_ADDED = "account-added"
    ACCOUNT_DISABLED = "account-disabled"
    ACCOUNT_ENABLED = "account-enabled"
    PASSWORD_CHANGED = "password-changed"
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    SIGN_IN_BLOCKED = "sign-in-blocked"
    NAME_DECIDED = "name-decided"
    NAME_UNDONE = "name-undone"
    ENTRIES_DECIDED = "entries-decided"
    WARNING_CLEARED = "warning-cleared"
    CLEARANCE_UNDONE = "clearance-undone"
    RUN_REQUESTED = "run-requested"
    SOURCE_PAUSED = "source-paused"
    SOURCE_RESUMED = "source-resumed"
    RUN_APPROVED = "run-approved"
    RUN_REJECTED = "run-rejected"
    PREVIEW_BEGUN = "preview-begun"
    PREVIEW_EXTENDED = "preview-extended"
    PREVIEW_CALLED_OFF = "preview-called-off"
    PERIOD_FROZEN = "period-frozen"
    STATEMENT_MADE = "statement-made"
    STATEMENT_WITHDRAWN = "statement-withdrawn"
    STATEMENT_ANSWERED = "statement-answered"
    REQUEST_MADE = "request-made"
    REQUEST_PUBLISHED = "request-published"
    REQUEST_REFUSED = "request-refused"
    REQUEST_FILED = "request-filed"
    REQUEST_MERGED = "request-merged"
    REQUEST_UNMERGED = "request-unmerged"
    REQUEST_ANSWERED = "request-answered"


class Line(Struct, frozen=True, kw_only=True):
    """One line of the log."""

    number: int
    at: datetime
    who: str
    """The name of an account, ``COMMAND`` or ``NOBODY``."""
    what: Action
    about: str
    """The account, publisher's name, source, run, period, statement or request it was done to."""
    detail: str | None


def write(connection: Connection, who: str, what: Action, about: str, detail: str | None = None) -> None:
    """Adds a line, inside the transaction that does what it tells."""
    line = {"at": datetime.now(UTC), "who": who, "what": what.value, "about": about, "detail": detail}
    connection.execute(insert(tables.audit).values(**line))


def is_written(connection: Connection, what: Action, about: str, *, since: datetime) -> bool:
    """Whether such a line was added since then."""
    table = tables.audit.c
    query = select(table.number).where(table.what == what.value, table.about == about, table.at >= since).limit(1)
    return connection.scalar(query) is not None


class Audit:
    """The log in the database; reached as ``catalog.audit``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def recent(
        self, *, before: int | None = None, who: str | None = None, what: Action | None = None, limit: int = 100
    ) -> list[Line]:
        """Lines, newest first, with numbers below ``before``; of one person or one kind of action if so asked."""
        table = tables.audit.c
        query = select(tables.audit).order_by(table.number.desc()).limit(limit)
        for column, wanted in ((table.who, who), (table.what, what)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where(table.number < before)
        with self._engine.connect() as connection:
            return [
                Line(
                    number=row.number, at=row.at, who=row.who, what=Action(row.what), about=row.about, detail=row.detail
                )
                for row in connection.execute(query)
            ]
