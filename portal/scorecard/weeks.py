"""The week of a preview: when it ends, what holds its period up, and all that was said as it is published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from portal.catalog.previews import Preview, PreviewRefused
from portal.catalog.statements import Kind, Statement, Verdict

BEIJING = ZoneInfo("Asia/Shanghai")


def end_of(begun: datetime, days: int) -> datetime:
    """When a preview ends: with the last of so many whole days after the one it was begun on, by the clock of Beijing.

    So deadlines in days are counted there: the day they begin on is left out, the last one ends at 24:00 (Civil Code,
    articles 201 to 203; that a last day is a holiday is for whoever chooses the days).
    """
    return end_of_day(begun.astimezone(BEIJING).date() + timedelta(days=days))


def end_of_day(day: date) -> datetime:
    """24:00 of a day by the clock of Beijing."""
    return datetime.combine(day + timedelta(days=1), time(), BEIJING).astimezone(UTC)


def refuse_open(preview: Preview, said: Sequence[Statement], now: datetime) -> None:
    """Raises ``PreviewRefused`` while departments may speak, or wait for the answer to a dispute, or for another preview."""
    if preview.called_off is not None:
        raise PreviewRefused(
            f"the preview of {preview.period} was called off: nachuan assess preview {preview.period} begins another"
        )
    if now < preview.until:
        until = preview.until.astimezone(BEIJING)
        raise PreviewRefused(f"the preview of {preview.period} is open until {until:%Y-%m-%d %H:%M} (Beijing)")
    waiting = sum(one.is_open for one in said)
    if waiting:
        raise PreviewRefused(
            f"{waiting:,} of the disputes of {preview.period} have no answer yet: "
            f"nachuan assess statements {preview.period} --open"
        )


class PublicAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer without who gave it."""

    verdict: Verdict | None = None
    text: str
    at: datetime


class PublicStatement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A statement without who made it: the department speaks, not its officer."""

    number: int
    department: str
    kind: Kind
    rules: str | None = None
    indicator: str | None = None
    dataset: str | None = None
    text: str
    at: datetime
    withdrawn: datetime | None = None
    answers: tuple[PublicAnswer, ...] = ()
    """In order, the one in force last."""


def public(statement: Statement) -> PublicStatement:
    """What everybody may see of a statement."""
    saying = statement.saying
    return PublicStatement(
        number=statement.number,
        department=statement.department,
        kind=saying.kind,
        rules=saying.rules,
        indicator=saying.indicator,
        dataset=saying.dataset_id,
        text=saying.text,
        at=statement.at,
        withdrawn=statement.withdrawn,
        answers=tuple(PublicAnswer(verdict=one.verdict, text=one.text, at=one.at) for one in statement.answers),
    )


def published(statements: Sequence[Statement]) -> bytes:
    """All that was said in a preview, in order: JSON, the same bytes whenever the same was said."""
    return msgspec.json.encode([public(one) for one in statements], order="deterministic")


def digest(statements: Sequence[Statement]) -> str:
    """The SHA-256 of what is published."""
    return hashlib.sha256(published(statements)).hexdigest()
