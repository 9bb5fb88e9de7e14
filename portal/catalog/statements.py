"""What departments say in the preview of a period, and what is answered: public, and never edited or taken out.

A department speaks by its officers, and only of itself. It may take a statement back, which then stays to see; an answer
may be followed by another, and the newest is in force. Once the period is frozen nothing is added: its manifest has the
hash of all of it. Whether the number that a dispute is about exists is known in ``portal.scorecard.disputes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

from portal.catalog import audit, tables
from portal.catalog.accounts import ANSWER, Role
from portal.catalog.audit import COMMAND, Action
from portal.catalog.engines import writing
from portal.catalog.said import plain_lines

LONGEST = 4000
"""Characters of a statement or an answer."""

MOST = 200
"""Statements of a department in one period: nobody needs more, and a page must end."""


class Kind(StrEnum):
    """What a department says."""

    COMMENT = "comment"
    DISPUTE = "dispute"
    """That a number is wrong: it is answered before the period is frozen."""


class Verdict(StrEnum):
    """What a dispute is answered with."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly-upheld"
    NOT_UPHELD = "not-upheld"


class Saying(Struct, frozen=True, kw_only=True):
    """What is said, whoever says it."""

    kind: Kind
    rules: str | None = None
    """Of a dispute: the rule set and its indicator that the number is of, and if given the one dataset."""
    indicator: str | None = None
    dataset_id: str | None = None
    text: str


class Answer(Struct, frozen=True, kw_only=True):
    """A public answer; of a comment it may have no verdict."""

    number: int
    verdict: Verdict | None
    text: str
    by: str
    """Not public."""
    at: datetime


class Statement(Struct, frozen=True, kw_only=True):
    """A statement of a department with everything that was answered."""

    number: int
    period: str
    department: str
    saying: Saying
    by: str
    """Not public."""
    at: datetime
    withdrawn: datetime | None = None
    answers: tuple[Answer, ...] = ()
    """All of them, the one in force last."""

    @property
    def is_open(self) -> bool:
        """Whether the period cannot be frozen before this is answered or taken back."""
        return self.saying.kind is Kind.DISPUTE and self.withdrawn is None and not self.answers

    @property
    def waits(self) -> bool:
        """Whether nobody has answered: a comment is not waited for, but may be answered."""
        return self.withdrawn is None and not self.answers


REFUSALS: Mapping[str, str] = MappingProxyType({
    "role": "only an officer speaks for a department, and only a reviewer or an operator answers",
    "over": "the preview takes no statements: it is over, or there is none",
    "frozen": "the period is frozen: nothing is added any more",
    "text": f"the text has 1 to {LONGEST:,} characters",
    "many": f"a department has {MOST} statements in a period at most",
    "same": "the department has said just this already",
    "number": "a dispute names a number that the preview has of the department",
    "dataset": "the dataset is not behind that number of the department",
    "withdrawn": "the statement was taken back",
    "verdict": "a dispute is answered with a verdict",
    "answered": "it was answered meanwhile: read that answer first",
})
"""Why a statement or an answer is not taken."""


class StatementRefused(ValueError):
    """A statement or an answer is not taken; ``problem`` is a key of ``REFUSALS``, for a page to say in its language."""

    def __init__(self, problem: str) -> None:
        super().__init__(REFUSALS[problem])
        self.problem = problem


class UnknownStatement(LookupError):
    """No statement has this number, or it is another department's."""


class Statements:
    """The statements in the database; reached as ``catalog.statements``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def say(self, period: str, saying: Saying, *, by: str) -> Statement:
        """Takes down what an officer says for the department of the account. Raises StatementRefused.

        Whoever asks has made sure of what the statement is about.
        """
        saying = replace(saying, text=acceptable(saying.text))
        with writing(self._engine) as connection:
            # Read within the transaction: whoever waited for another writer until the week was over is too late.
            now = datetime.now(UTC)
            department = _department_of(connection, by)
            if not _takes(connection, period, now):
                raise StatementRefused("over")
            earlier = read(connection, period, department)
            if len(earlier) >= MOST:
                raise StatementRefused("many")
            if any(one.saying == saying and one.withdrawn is None for one in earlier):
                raise StatementRefused("same")
            values = {"period": period, "department": department, "by": by, "at": now}
            result = connection.execute(
                insert(tables.statement).values(**values, **asdict(saying) | {"kind": saying.kind.value})
            )
            (number,) = result.inserted_primary_key  # type: ignore[misc]
            about = _about(period, department, number)
            audit.write(connection, by, Action.STATEMENT_MADE, about, saying.kind.value)
        return Statement(number=number, period=period, department=department, saying=saying, by=by, at=now)

    def withdraw(self, number: int, *, by: str) -> None:
        """Takes a statement of the officer's own department back, until the period is frozen.

        Raises UnknownStatement, StatementRefused.
        """
        table = tables.statement
        with writing(self._engine) as connection:
            department = _department_of(connection, by)
            found = _one(connection, number)
            if found.department != department:
                raise UnknownStatement(f"there is no statement {number} of {department}")
            _refuse_frozen(connection, found.period)
            if found.withdrawn is not None:
                raise StatementRefused("withdrawn")
            values = {"withdrawn": datetime.now(UTC), "withdrawn_by": by}
            connection.execute(update(table).where(table.c.number == number).values(**values))
            audit.write(connection, by, Action.STATEMENT_WITHDRAWN, _about(found.period, department, number))

    def answer(
        self, number: int, text: str, verdict: Verdict | None, *, by: str, after: int | None = None
    ) -> Answer:
        """Answers a statement, in public; a later answer is in force instead of an earlier one.

        ``after`` is the number of the last answer the person saw, None where they saw none: another one given since is
        to be read first. Raises UnknownStatement, StatementRefused.
        """
        text = acceptable(text)
        with writing(self._engine) as connection:
            _refuse_stranger(connection, by)
            found = _one(connection, number)
            _refuse_frozen(connection, found.period)
            if found.withdrawn is not None:
                raise StatementRefused("withdrawn")
            if (found.answers[-1].number if found.answers else None) != after:
                raise StatementRefused("answered")
            if found.saying.kind is Kind.DISPUTE and verdict is None:
                raise StatementRefused("verdict")
            now, word = datetime.now(UTC), verdict and verdict.value
            values = {"statement": number, "text": text, "verdict": word, "by": by, "at": now}
            result = connection.execute(insert(tables.statement_answer).values(**values))
            (id,) = result.inserted_primary_key  # type: ignore[misc]
            about = _about(found.period, found.department, number)
            audit.write(connection, by, Action.STATEMENT_ANSWERED, about, word)
        return Answer(number=id, verdict=verdict, text=text, by=by, at=now)

    def get(self, number: int) -> Statement:
        """One statement. Raises UnknownStatement."""
        with self._engine.connect() as connection:
            return _one(connection, number)

    def of(self, period: str, department: str | None = None) -> list[Statement]:
        """What was said in the preview of a period, in order; by one department where so asked."""
        with self._engine.connect() as connection:
            return read(connection, period, department)

    def by(self, department: str) -> list[Statement]:
        """All that a department ever said, newest first."""
        table = tables.statement.c
        with self._engine.connect() as connection:
            return _all(connection, _STATEMENTS.where(table.department == department))[::-1]

    def unfrozen(self) -> list[Statement]:
        """What was said of all periods that are not frozen yet, in order."""
        frozen = select(tables.period.c.id)
        with self._engine.connect() as connection:
            return _all(connection, _STATEMENTS.where(tables.statement.c.period.not_in(frozen)))


def read(connection: Connection, period: str, department: str | None = None) -> list[Statement]:
    """What was said in the preview of a period, in order; by one department where so asked."""
    table = tables.statement.c
    query = _STATEMENTS.where(table.period == period)
    return _all(connection, query if department is None else query.where(table.department == department))


_STATEMENTS: Select[Any] = select(tables.statement)


def _all(connection: Connection, query: Select[Any]) -> list[Statement]:
    table = tables.statement_answer
    numbers = query.with_only_columns(tables.statement.c.number)
    answers: dict[int, list[Answer]] = {}
    for row in connection.execute(select(table).where(table.c.statement.in_(numbers)).order_by(table.c.number)):
        answers.setdefault(row.statement, []).append(_answer(row))
    rows = connection.execute(query.order_by(tables.statement.c.number))
    return [_statement(row, answers.get(row.number, ())) for row in rows]


def _one(connection: Connection, number: int) -> Statement:
    found = _all(connection, _STATEMENTS.where(tables.statement.c.number == number))
    if not found:
        raise UnknownStatement(f"there is no statement {number}")
    return found[0]


def _takes(connection: Connection, period: str, now: datetime) -> bool:
    """Whether statements are taken: only within the preview's week. Whoever freezes has waited for its end."""
    table = tables.preview.c
    until = connection.scalar(select(table.until).where(table.period == period))
    return until is not None and now < until


def is_frozen(connection: Connection, period: str) -> bool:
    """Whether a period is frozen, whatever there was before."""
    table = tables.period.c
    return connection.scalar(select(table.id).where(table.id == period)) is not None


def _refuse_frozen(connection: Connection, period: str) -> None:
    if is_frozen(connection, period):
        raise StatementRefused("frozen")


def _department_of(connection: Connection, name: str) -> str:
    """The department that an account speaks for, as the account is at this moment. Raises StatementRefused."""
    row = _account(connection, name)
    if row is None or row.role != Role.OFFICER or row.department is None:
        raise StatementRefused("role")
    return str(row.department)


def _refuse_stranger(connection: Connection, name: str) -> None:
    row = _account(connection, name)
    if name != COMMAND and (row is None or row.role not in ANSWER):
        raise StatementRefused("role")


def _account(connection: Connection, name: str) -> Row[Any] | None:
    table = tables.account
    return connection.execute(select(table).where(table.c.name == name, table.c.disabled.is_(None))).one_or_none()


def acceptable(text: str) -> str:
    """A text as it is kept for everybody to read: plain lines. Raises StatementRefused where it says nothing, or too much."""
    lines = plain_lines(text)
    if len(lines) > LONGEST or not any(one.isalnum() for one in lines):
        raise StatementRefused("text")
    return lines


def _about(period: str, department: str, number: int) -> str:
    return f"{period} {department} {number}"


def _statement(row: Row[Any], answers: tuple[Answer, ...] | list[Answer]) -> Statement:
    return Statement(
        number=row.number,
        period=row.period,
        department=row.department,
        saying=Saying(
            kind=Kind(row.kind), rules=row.rules, indicator=row.indicator, dataset_id=row.dataset_id, text=row.text
        ),
        by=row.by,
        at=row.at,
        withdrawn=row.withdrawn,
        answers=tuple(answers),
    )


def _answer(row: Row[Any]) -> Answer:
    return Answer(
        number=row.number,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        text=row.text,
        by=row.by,
        at=row.at,
    )
