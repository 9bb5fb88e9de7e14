"""Previews of periods: an assessment that is shown before it is frozen, and until when departments may speak about it.

What is shown is kept the way a frozen period is, under a name of its own (``2026H1-pre``), so that whatever reads the one
reads the other, and never changed. A preview may be extended, and called off; then another may be begun. Each such step
stays with its reason, which is public.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, insert, select, update

from portal.catalog import audit, tables
from portal.catalog.accounts import OPERATE
from portal.catalog.audit import COMMAND, Action
from portal.catalog.engines import writing
from portal.catalog.periods import Also
from portal.catalog.statements import LONGEST, Statement, StatementRefused, acceptable, is_frozen, read

LONGEST_DAYS = 90
"""A preview ends so many days from now at the latest."""


class PreviewRefused(Exception):
    """A preview cannot be begun, or its period cannot be frozen yet; the message says why."""


REFUSALS: Mapping[str, str] = MappingProxyType({
    "role": "only an operator or an administrator extends a preview or calls it off",
    "none": "there is no preview of this period",
    "frozen": "the period is frozen: nothing changes its preview any more",
    "called-off": "the preview was called off already",
    "earlier": "a preview is only ever extended: the day is not after the one it ends with, or is over",
    "far": f"a preview ends in {LONGEST_DAYS} days at the latest",
    "text": f"the reason, which is public, has 1 to {LONGEST:,} characters",
})
"""Why a preview is not extended or called off."""


class StepRefused(ValueError):
    """A preview is not extended or called off; ``problem`` is a key of ``REFUSALS``, for a page to say in its language."""

    def __init__(self, problem: str) -> None:
        super().__init__(REFUSALS[problem])
        self.problem = problem


class StepKind(StrEnum):
    """What may become of a preview before its time."""

    EXTENDED = "extended"
    CALLED_OFF = "called-off"


class Step(Struct, frozen=True, kw_only=True):
    """A preview was extended or called off."""

    number: int
    kept: str
    """Which preview of the period: that of ``Preview.kept``, or one that was called off before it was begun."""
    kind: StepKind
    before: datetime
    """Until when it was open."""
    until: datetime
    """Until when it was open from then on; of one that was called off the instant of that."""
    reason: str
    """Public."""
    by: str
    """Not public."""
    at: datetime


class Preview(Struct, frozen=True, kw_only=True):
    """The newest preview of a period."""

    period: str
    kept: str
    """The name under which ``catalog.periods`` has what is shown."""
    begun: datetime
    until: datetime
    """Up to this instant departments may speak."""
    steps: tuple[Step, ...] = ()
    """All of the period's, in order, those of previews before this one too."""

    @property
    def called_off(self) -> Step | None:
        """Its being called off; None of one that was not."""
        return next((one for one in self.steps if one.kept == self.kept and one.kind is StepKind.CALLED_OFF), None)

    @property
    def extended(self) -> tuple[Step, ...]:
        """Each time it was extended, the last one last."""
        return tuple(one for one in self.steps if one.kept == self.kept and one.kind is StepKind.EXTENDED)

    @property
    def earlier(self) -> tuple[Step, ...]:
        """The calling off of each preview of the period before it."""
        return tuple(one for one in self.steps if one.kept != self.kept and one.kind is StepKind.CALLED_OFF)


class Previews:
    """The previews in the database; reached as ``catalog.previews``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[Preview]:
        """The newest preview of every period, of frozen ones too, that of the newest period first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(tables.preview).order_by(tables.preview.c.period.desc())).all()
            return [_preview(connection, row) for row in rows]

    def get(self, period: str) -> Preview | None:
        """The newest preview of a period; None where there never was one."""
        with self._engine.connect() as connection:
            return _stored(connection, period)

    def extend(self, period: str, until: datetime, reason: str, *, by: str) -> Preview:
        """Lets departments speak until a later instant, also where the days are over already. Raises StepRefused."""

        def later(preview: Preview, now: datetime) -> datetime:
            if until <= max(now, preview.until):
                raise StepRefused("earlier")
            # The last day ends up to a day later than the same hour of it.
            if until > now + timedelta(days=LONGEST_DAYS + 1):
                raise StepRefused("far")
            return until

        return self._step(period, StepKind.EXTENDED, later, reason, by)

    def call_off(self, period: str, reason: str, *, by: str) -> Preview:
        """Ends a preview for good: its period is not frozen before another has run its course. Raises StepRefused."""
        return self._step(period, StepKind.CALLED_OFF, lambda preview, now: now, reason, by)

    def _step(
        self, period: str, kind: StepKind, until: Callable[[Preview, datetime], datetime], reason: str, by: str
    ) -> Preview:
        try:
            text = acceptable(reason)
        except StatementRefused as error:
            raise StepRefused("text") from error
        with writing(self._engine) as connection:
            now = datetime.now(UTC)
            _refuse_stranger(connection, by)
            preview = _stored(connection, period)
            if preview is None:
                raise StepRefused("none")
            if is_frozen(connection, period):
                raise StepRefused("frozen")
            if preview.called_off is not None:
                raise StepRefused("called-off")
            ends = until(preview, now)
            step = {
                "period": period, "kept": preview.kept, "kind": kind.value, "before": preview.until, "until": ends,
                "reason": text, "by": by, "at": now,
            }
            connection.execute(insert(tables.preview_step).values(**step))
            table = tables.preview
            connection.execute(update(table).where(table.c.period == period).values(until=ends))
            audit.write(connection, by, _ACTIONS[kind], period, f"{ends.isoformat()} {text}")
            made = _stored(connection, period)
            assert made is not None, "it was there a moment ago"
            return made


_ACTIONS = {StepKind.EXTENDED: Action.PREVIEW_EXTENDED, StepKind.CALLED_OFF: Action.PREVIEW_CALLED_OFF}


def name_of(period: str, before: Preview | None) -> str:
    """The name under which what a period's next preview shows is kept: ``2026H1-pre``, then ``2026H1-p2``, ``2026H1-p3``."""
    times = 0 if before is None else 1 + len(before.earlier)
    return f"{period}-p{times + 1}" if times else f"{period}-pre"


def beginning(preview: Preview, before: Preview | None = None) -> Also:
    """What begins a preview, within the transaction that keeps what is shown. Raises PreviewRefused.

    ``before`` is the one of the period that was called off.
    """

    def begin(connection: Connection) -> None:
        if is_frozen(connection, preview.period):
            raise PreviewRefused(f"the period {preview.period} is frozen already")
        values = {"period": preview.period, "kept": preview.kept, "begun": preview.begun, "until": preview.until}
        if before is None:
            connection.execute(insert(tables.preview).values(**values))
        else:
            table = tables.preview
            connection.execute(update(table).where(table.c.period == preview.period).values(**values))
        audit.write(connection, COMMAND, Action.PREVIEW_BEGUN, preview.period, preview.until.isoformat())

    return begin


def ending(period: str, preview: Preview | None, said: Sequence[Statement]) -> Also:
    """What holds that a period is frozen with the preview, and all that was said in it, that its manifest is about.

    It runs within the transaction that freezes. Raises PreviewRefused where a preview was begun, extended or called off,
    or something said, answered or taken back, meanwhile.
    """

    def end(connection: Connection) -> None:
        if _stored(connection, period) != preview or read(connection, period) != list(said):
            raise PreviewRefused(f"something was said in the preview of {period} meanwhile: freeze it again")
        audit.write(connection, COMMAND, Action.PERIOD_FROZEN, period)

    return end


def _refuse_stranger(connection: Connection, name: str) -> None:
    table = tables.account
    role = connection.scalar(select(table.c.role).where(table.c.name == name, table.c.disabled.is_(None)))
    if name != COMMAND and role not in OPERATE:
        raise StepRefused("role")


def _stored(connection: Connection, period: str) -> Preview | None:
    row = connection.execute(select(tables.preview).where(tables.preview.c.period == period)).one_or_none()
    return None if row is None else _preview(connection, row)


def _preview(connection: Connection, row: Row[tuple[object, ...]]) -> Preview:
    table = tables.preview_step
    steps = connection.execute(select(table).where(table.c.period == row.period).order_by(table.c.number))
    return Preview(
        period=row.period, kept=row.kept, begun=row.begun, until=row.until,
        steps=tuple(
            Step(
                number=one.number, kept=one.kept, kind=StepKind(one.kind), before=one.before, until=one.until,
                reason=one.reason, by=one.by, at=one.at,
            )
            for one in steps
        ),
    )
