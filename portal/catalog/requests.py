"""What the public asks for: made by anybody, looked at by an operator before it is public, wanted by others, answered.

Who asks is not kept: of somebody who is signed in the account, of anybody else a digest of the network address under a salt
that is thrown away when its day is over. What was asked is never edited, what was decided and answered only added to. How
many ask for what: ``portal.catalog.demand``.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Engine, Row, Select, func, insert, or_, select, update

import schemas
from portal.catalog import audit, tables
from portal.catalog.accounts import ANSWER, OPERATE, Role, is_department
from portal.catalog.audit import COMMAND, NOBODY, Action
from portal.catalog.engines import writing
from portal.catalog.model import DatasetState
from portal.catalog.said import plain_line, plain_lines

TITLE_LENGTH = (4, 120)
"""The fewest and the most characters of what is asked for."""

DESCRIPTION_LENGTH = (5, 2000)
"""The fewest and the most characters of what it is for."""

LONGEST = 2000
"""Characters of an answer, or of the reason of a refusal."""

MOST_DATASETS = 20
"""Named in one answer."""

ASKED_A_DAY = 5
SUPPORTED_A_DAY = 50
"""Requests that one account or address may make, and those it may join in, within a day (UTC)."""

MOST_WAITING = 1000
"""Requests nobody has looked at, from which on only people who are signed in may make more: a flood ends there."""


class State(StrEnum):
    """Whether a request is public."""

    WAITING = "waiting"
    """Nobody has looked at it."""
    PUBLIC = "public"
    REFUSED = "refused"


class Verdict(StrEnum):
    """What a request is answered with."""

    PLANNED = "planned"
    PUBLISHED = "published"
    """As datasets, which the answer names."""
    NOT_POSSIBLE = "not-possible"
    ALREADY_THERE = "already-there"
    """As datasets that were there before, which the answer names."""


MET = frozenset((Verdict.PUBLISHED, Verdict.ALREADY_THERE))
"""The verdicts that end a want. They name datasets; the others give their ground in words."""


class Step(StrEnum):
    """What is decided about a request."""

    PUBLISHED = "published"
    REFUSED = "refused"
    FILED = "filed"
    """Under another region, theme, entry or department."""
    MERGED = "merged"
    UNMERGED = "unmerged"


class Asker(Struct, frozen=True):
    """Who asks or joins in."""

    account: str | None
    """The name, where somebody is signed in."""
    address: str
    """The network address, which is never kept."""


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody asks for; what was not said is None."""

    title: str
    description: str
    """What data, and what for."""
    region: str | None = None
    theme: str | None = None
    entry: str | None = None
    """Of the high-value list."""
    function: str | None = None
    """What the department does that it is for, a code of ``department_functions``."""


class Filing(Struct, frozen=True, kw_only=True):
    """Where operators file a request; the words stay as they were asked."""

    region: str | None = None
    theme: str | None = None
    entry: str | None = None
    department: str | None = None
    """Whose it is to answer: region and main function (``330100.market``)."""


class Reply(Struct, frozen=True, kw_only=True):
    """What is answered."""

    verdict: Verdict
    text: str | None = None
    datasets: tuple[str, ...] = ()


class Answer(Struct, frozen=True, kw_only=True):
    """A public answer."""

    number: int
    reply: Reply
    department: str | None
    """Who answers; None where it is the operators."""
    by: str
    """Not public."""
    at: datetime


class Decision(Struct, frozen=True, kw_only=True):
    """Something decided about a request."""

    number: int
    kind: Step
    other: int | None
    """The request it was merged into, or parted from."""
    department: str | None
    """Whose it became with this step, where it became anybody's."""
    reason: str | None
    by: str
    """Not public."""
    at: datetime


class Request(Struct, frozen=True, kw_only=True):
    """A request with its whole course."""

    number: int
    wish: Wish
    """As it was asked, and as it is filed now."""
    department: str | None
    asked: datetime
    state: State
    published: datetime | None
    """When it first became public."""
    merged_into: int | None
    counts_for: int
    """The request its supporters are counted with: itself, or what it was merged into in the end."""
    wanted: int
    """How many ask for it, whoever asked first among them, and those of the requests merged into it; each once."""
    decisions: tuple[Decision, ...] = ()
    answers: tuple[Answer, ...] = ()
    """All of them, the one in force last."""

    @property
    def verdict(self) -> Verdict | None:
        """The one in force; None where nobody has answered."""
        return self.answers[-1].reply.verdict if self.answers else None

    @property
    def refused_because(self) -> str | None:
        """The reason of the refusal in force."""
        return next((one.reason for one in reversed(self.decisions) if one.kind is Step.REFUSED), None)


REFUSALS: Mapping[str, str] = MappingProxyType({
    "title": f"what is asked for has {TITLE_LENGTH[0]} to {TITLE_LENGTH[1]} characters",
    "description": f"what it is for has {DESCRIPTION_LENGTH[0]} to {DESCRIPTION_LENGTH[1]:,} characters",
    "region": "there is no such region",
    "theme": "there is no such theme",
    "entry": "the high-value list has no such entry",
    "function": "there is no such function of a department",
    "department": "there is no such department: a region and a function, such as 330100.market",
    "same": "just this was asked already",
    "many": f"{ASKED_A_DAY} requests a day come from one account or address at most",
    "many_joined": f"one account or address joins in {SUPPORTED_A_DAY} requests a day at most",
    "full": "so many requests wait for a look that only people who are signed in may make more",
    "role": "only an operator decides, and only the department it is for, a reviewer or an operator answers",
    "state": "that cannot be done with the request as it stands",
    "decided": "it was decided about meanwhile: look at that first",
    "reason": f"a refusal has a reason of 1 to {LONGEST:,} characters",
    "into": "a request is merged into another one that is public and not merged itself",
    "holds": "others are merged into it: take that back first",
    "merged": "it is merged into another: answer that one",
    "verdict": "an answer is planned, published, not possible or already there",
    "text": f"planned or not possible needs 1 to {LONGEST:,} characters of ground; no answer has more",
    "datasets": f"published or already there names 1 to {MOST_DATASETS} datasets of the catalogue; the others name none",
    "answered": "it was answered meanwhile: read that answer first",
})
"""Why a request, a decision or an answer is not taken."""


class RequestRefused(ValueError):
    """It is not taken; ``problem`` is a key of ``REFUSALS``, for a page to say in its language."""

    def __init__(self, problem: str) -> None:
        super().__init__(REFUSALS[problem])
        self.problem = problem


class UnknownRequest(LookupError):
    """No request has this number."""


class Requests:
    """The requests in the database; reached as ``catalog.requests``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, wish: Wish, asker: Asker) -> Request:
        """Takes a request down; it waits for an operator's look. Raises RequestRefused."""
        wish = _acceptable(wish)
        table = tables.data_request
        with writing(self._engine) as connection:
            now = datetime.now(UTC)
            who = _named(connection, asker, now)
            _refuse_flood(connection, asker, who, now)
            asked = asdict(wish)
            same = select(table.c.number).where(*(table.c[name].is_not_distinct_from(asked[name]) for name in asked))
            if connection.scalar(same.where(table.c.state != State.REFUSED.value).limit(1)) is not None:
                raise RequestRefused("same")
            values = {**asked, "asker": who, "asked": now, "state": State.WAITING.value, "wanted": 1}
            (number,) = connection.execute(insert(table).values(**values)).inserted_primary_key  # type: ignore[misc]
            connection.execute(update(table).where(table.c.number == number).values(counts_for=number))
            connection.execute(insert(tables.request_supporter).values(request=number, supporter=who, at=now))
            audit.write(connection, asker.account or NOBODY, Action.REQUEST_MADE, str(number))
            return _one(connection, number)

    def support(self, number: int, asker: Asker) -> bool:
        """Joins in a public request; False where the asker has already. Raises UnknownRequest, RequestRefused."""
        table = tables.request_supporter
        with writing(self._engine) as connection:
            now = datetime.now(UTC)
            found = _one(connection, number)
            if found.state is not State.PUBLIC:
                raise RequestRefused("state")
            who = _named(connection, asker, now)
            if _supports(connection, found, who):
                return False
            today = select(func.count()).where(table.c.supporter == who, table.c.at >= _midnight(now))
            if (connection.scalar(today) or 0) >= SUPPORTED_A_DAY:
                raise RequestRefused("many_joined")
            connection.execute(insert(table).values(request=number, supporter=who, at=now))
            _recount(connection, found.counts_for)
        return True

    def publish(self, number: int, filing: Filing, *, by: str, after: int | None = None) -> Request:
        """Makes a request public that waits or was refused, and files it. Raises UnknownRequest, RequestRefused.

        Here and below ``after`` is the number of the last decision the person saw, None where there was none.
        """
        _check(filing)
        with writing(self._engine) as connection:
            found = _decidable(connection, number, by, after)
            if found.state is State.PUBLIC:
                raise RequestRefused("state")
            published = found.published or datetime.now(UTC)
            _change(connection, number, state=State.PUBLIC.value, published=published, **asdict(filing))
            _note(connection, number, Step.PUBLISHED, by, department=filing.department)
            return _one(connection, number)

    def file(self, number: int, filing: Filing, *, by: str, after: int | None = None) -> Request:
        """Files a request elsewhere, under another department for one. Raises UnknownRequest, RequestRefused."""
        _check(filing)
        with writing(self._engine) as connection:
            found = _decidable(connection, number, by, after)
            if found.state is State.REFUSED:
                raise RequestRefused("state")
            _change(connection, number, **asdict(filing))
            moved = filing.department if filing.department != found.department else None
            _note(connection, number, Step.FILED, by, department=moved)
            return _one(connection, number)

    def refuse(self, number: int, reason: str, *, by: str, after: int | None = None) -> Request:
        """Keeps a request from the public, also one that was public; the reason is told. Raises as ``publish``."""
        reason = plain_lines(reason)
        if not _says_something(reason) or len(reason) > LONGEST:
            raise RequestRefused("reason")
        with writing(self._engine) as connection:
            found = _decidable(connection, number, by, after)
            if found.state is State.REFUSED:
                raise RequestRefused("state")
            table = tables.data_request.c
            if connection.scalar(select(table.number).where(table.merged_into == number).limit(1)) is not None:
                raise RequestRefused("holds")
            _change(connection, number, state=State.REFUSED.value, merged_into=None, counts_for=number)
            _recount(connection, number)
            _recount(connection, found.counts_for)
            _note(connection, number, Step.REFUSED, by, reason=reason)
            return _one(connection, number)

    def merge(self, number: int, into: int, *, by: str, after: int | None = None) -> Request:
        """Counts a request with another that asks for the same; one that waits becomes public so. Raises as ``publish``.

        Those merged into it before come along.
        """
        table = tables.data_request
        with writing(self._engine) as connection:
            found = _decidable(connection, number, by, after)
            if found.state is State.REFUSED or found.merged_into is not None:
                raise RequestRefused("state")
            target = next(iter(_all(connection, _REQUESTS.where(table.c.number == into))), None)
            if target is None or number == into or target.state is not State.PUBLIC or target.merged_into is not None:
                raise RequestRefused("into")
            published = found.published or datetime.now(UTC)
            _change(connection, number, state=State.PUBLIC.value, published=published, merged_into=into)
            connection.execute(update(table).where(table.c.counts_for == number).values(counts_for=into))
            _recount(connection, into)
            _note(connection, number, Step.MERGED, by, other=into)
            return _one(connection, number)

    def unmerge(self, number: int, *, by: str, after: int | None = None) -> Request:
        """Takes a merge back; those merged into it before go along. Raises as ``publish``."""
        table = tables.data_request
        with writing(self._engine) as connection:
            found = _decidable(connection, number, by, after)
            if found.merged_into is None:
                raise RequestRefused("state")
            _change(connection, number, merged_into=None)
            own = _merged_below(connection, number, found.counts_for)
            connection.execute(update(table).where(table.c.number.in_(own)).values(counts_for=number))
            _recount(connection, number)
            _recount(connection, found.counts_for)
            _note(connection, number, Step.UNMERGED, by, other=found.merged_into)
            return _one(connection, number)

    def answer(self, number: int, reply: Reply, *, by: str, after: int | None = None) -> Answer:
        """Answers in public, for the department of the account or for the operators; the last answer is in force.

        ``after`` is the number of the last answer the person saw, None where there was none. Raises UnknownRequest,
        RequestRefused.
        """
        reply = _speaking(reply)
        with writing(self._engine) as connection:
            found = _one(connection, number)
            department = _answering(connection, by, found)
            if found.state is not State.PUBLIC:
                raise RequestRefused("state")
            if found.merged_into is not None:
                raise RequestRefused("merged")
            if (found.answers[-1].number if found.answers else None) != after:
                raise RequestRefused("answered")
            _refuse_unknown(connection, reply.datasets)
            now = datetime.now(UTC)
            values = {
                "request": number, "verdict": reply.verdict.value, "text": reply.text, "department": department,
                "datasets": " ".join(reply.datasets), "by": by, "at": now,
            }  # fmt: skip
            result = connection.execute(insert(tables.request_answer).values(**values))
            (id,) = result.inserted_primary_key  # type: ignore[misc]
            _change(connection, number, verdict=reply.verdict.value)
            audit.write(connection, by, Action.REQUEST_ANSWERED, str(number), reply.verdict.value)
        return Answer(number=id, reply=reply, department=department, by=by, at=now)

    def get(self, number: int) -> Request:
        """One request. Raises UnknownRequest."""
        with self._engine.connect() as connection:
            return _one(connection, number)

    def merged_into(self, number: int) -> list[Request]:
        """The requests that were merged into one, in order."""
        with self._engine.connect() as connection:
            return _all(connection, _REQUESTS.where(tables.data_request.c.merged_into == number))

    def numbers_merged_into(self, numbers: Sequence[int]) -> dict[int, list[int]]:
        """Of each request the numbers of those merged into it, in order; one that has none is left out."""
        table = tables.data_request.c
        query = select(table.merged_into, table.number).where(table.merged_into.in_(numbers)).order_by(table.number)
        found: dict[int, list[int]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                found.setdefault(row.merged_into, []).append(row.number)
        return found

    def waiting(self, limit: int = 100, start: int = 0) -> list[Request]:
        """Requests nobody has looked at, the oldest first."""
        query = _REQUESTS.where(tables.data_request.c.state == State.WAITING.value)
        with self._engine.connect() as connection:
            return _all(connection, query.limit(limit).offset(start))

    def refused(self, limit: int = 100) -> list[Request]:
        """Requests that were refused, the newest first."""
        table = tables.data_request.c
        with self._engine.connect() as connection:
            wanted = select(table.number).where(table.state == State.REFUSED.value).order_by(table.number.desc()).limit(limit)
            return _all(connection, _REQUESTS.where(table.number.in_(wanted)))[::-1]


_REQUESTS: Select[Any] = select(tables.data_request).order_by(tables.data_request.c.number)


def read(connection: Connection, numbers: Sequence[int]) -> list[Request]:
    """Requests by their numbers, in the order of these; one that is not there is left out."""
    found = {one.number: one for one in _all(connection, _REQUESTS.where(tables.data_request.c.number.in_(numbers)))}
    return [found[number] for number in numbers if number in found]


def _all(connection: Connection, query: Select[Any]) -> list[Request]:
    rows = connection.execute(query).all()
    numbers = [row.number for row in rows]
    steps, replies = tables.request_step, tables.request_answer
    decisions: dict[int, list[Decision]] = {}
    for row in connection.execute(select(steps).where(steps.c.request.in_(numbers)).order_by(steps.c.number)):
        decisions.setdefault(row.request, []).append(_decision(row))
    answers: dict[int, list[Answer]] = {}
    for row in connection.execute(select(replies).where(replies.c.request.in_(numbers)).order_by(replies.c.number)):
        answers.setdefault(row.request, []).append(_answer(row))
    return [_request(row, decisions.get(row.number, ()), answers.get(row.number, ())) for row in rows]


def _one(connection: Connection, number: int) -> Request:
    found = _all(connection, _REQUESTS.where(tables.data_request.c.number == number))
    if not found:
        raise UnknownRequest(f"there is no request {number}")
    return found[0]


def _named(connection: Connection, asker: Asker, now: datetime) -> str:
    """What a supporter is called in the tables. The salt of a day gone by is thrown away with the first need of a new one."""
    if asker.account is not None:
        return f"account:{asker.account}"
    table, day = tables.request_salt, now.date().isoformat()
    salt = connection.scalar(select(table.c.salt).where(table.c.day == day))
    if salt is None:
        salt = secrets.token_hex(32)
        connection.execute(table.delete())
        connection.execute(insert(table).values(day=day, salt=salt))
    digest = hashlib.blake2b(asker.address.encode(), key=bytes.fromhex(salt), digest_size=16).hexdigest()
    return f"visitor:{digest}"


def _refuse_flood(connection: Connection, asker: Asker, who: str, now: datetime) -> None:
    table = tables.data_request.c
    today = select(func.count()).where(table.asker == who, table.asked >= _midnight(now))
    if (connection.scalar(today) or 0) >= ASKED_A_DAY:
        raise RequestRefused("many")
    waiting = select(func.count()).where(table.state == State.WAITING.value)
    if asker.account is None and (connection.scalar(waiting) or 0) >= MOST_WAITING:
        raise RequestRefused("full")


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _supports(connection: Connection, request: Request, who: str) -> bool:
    table, own = tables.request_supporter.c, tables.data_request.c
    query = select(table.request).join(tables.data_request, own.number == table.request)
    return connection.scalar(query.where(own.counts_for == request.counts_for, table.supporter == who).limit(1)) is not None


def _recount(connection: Connection, root: int) -> None:
    table, own = tables.request_supporter.c, tables.data_request.c
    query = select(func.count(table.supporter.distinct())).join(tables.data_request, own.number == table.request)
    _change(connection, root, wanted=connection.scalar(query.where(own.counts_for == root)) or 0)


def _merged_below(connection: Connection, number: int, root: int) -> set[int]:
    """The request and all that were merged into it, directly or not, of those that count for ``root``."""
    table = tables.data_request.c
    query = select(table.number, table.merged_into).where(or_(table.counts_for == root, table.number == number))
    into = {row.number: row.merged_into for row in connection.execute(query)}
    found, fresh = {number}, {number}
    while fresh:
        fresh = {one for one, holder in into.items() if holder in fresh} - found
        found |= fresh
    return found


def _decidable(connection: Connection, number: int, by: str, after: int | None) -> Request:
    row = _account(connection, by)
    if by != COMMAND and (row is None or row.role not in OPERATE):
        raise RequestRefused("role")
    found = _one(connection, number)
    if (found.decisions[-1].number if found.decisions else None) != after:
        raise RequestRefused("decided")
    return found


def _answering(connection: Connection, by: str, request: Request) -> str | None:
    """The department an account answers for; None where it answers for the operators. Raises RequestRefused."""
    row = _account(connection, by)
    if by == COMMAND or (row is not None and row.role in ANSWER):
        return None
    if row is None or row.role != Role.OFFICER or row.department is None or row.department != request.department:
        raise RequestRefused("role")
    return str(row.department)


def _account(connection: Connection, name: str) -> Row[Any] | None:
    table = tables.account
    return connection.execute(select(table).where(table.c.name == name, table.c.disabled.is_(None))).one_or_none()


def _refuse_unknown(connection: Connection, datasets: Sequence[str]) -> None:
    table = tables.dataset.c
    query = select(func.count()).where(table.id.in_(datasets), table.state != DatasetState.RETIRED.value)
    if datasets and connection.scalar(query) != len(datasets):
        raise RequestRefused("datasets")


def _change(connection: Connection, number: int, **values: Any) -> None:
    table = tables.data_request
    connection.execute(update(table).where(table.c.number == number).values(**values))


_ACTIONS: Mapping[Step, Action] = MappingProxyType({
    Step.PUBLISHED: Action.REQUEST_PUBLISHED,
    Step.REFUSED: Action.REQUEST_REFUSED,
    Step.FILED: Action.REQUEST_FILED,
    Step.MERGED: Action.REQUEST_MERGED,
    Step.UNMERGED: Action.REQUEST_UNMERGED,
})


def _note(
    connection: Connection, number: int, kind: Step, by: str, *,
    other: int | None = None, department: str | None = None, reason: str | None = None,
) -> None:
    values = {"request": number, "kind": kind.value, "other": other, "department": department, "reason": reason}
    connection.execute(insert(tables.request_step).values(**values, by=by, at=datetime.now(UTC)))
    detail = department if other is None else str(other)
    audit.write(connection, by, _ACTIONS[kind], str(number), detail)


def _acceptable(wish: Wish) -> Wish:
    """A wish as it is kept. Raises RequestRefused."""
    title, description = plain_line(wish.title), plain_lines(wish.description)
    for name, text, (least, most) in (
        ("title", title, TITLE_LENGTH), ("description", description, DESCRIPTION_LENGTH),
    ):
        if not least <= len(text) <= most or not _says_something(text):
            raise RequestRefused(name)
    _check(Filing(region=wish.region, theme=wish.theme, entry=wish.entry))
    if wish.function is not None and wish.function not in schemas.vocabulary("department_functions").terms:
        raise RequestRefused("function")
    return replace(wish, title=title, description=description)


def _check(filing: Filing) -> None:
    """Raises RequestRefused where something is named that there is not."""
    known: tuple[tuple[str, str | None, Mapping[str, object]], ...] = (
        ("region", filing.region, schemas.vocabulary("regions").terms),
        ("theme", filing.theme, schemas.vocabulary("themes").terms),
        ("entry", filing.entry, schemas.high_value_entries()),
    )
    for name, code, codes in known:
        if code is not None and code not in codes:
            raise RequestRefused(name)
    if filing.department is not None and not is_department(filing.department):
        raise RequestRefused("department")


def _speaking(reply: Reply) -> Reply:
    """An answer as it is kept. Raises RequestRefused where it lacks its ground, or its datasets."""
    text, datasets = plain_lines(reply.text or ""), tuple(dict.fromkeys(reply.datasets))
    is_met = reply.verdict in MET
    if len(text) > LONGEST or not (_says_something(text) or (is_met and not text)):
        raise RequestRefused("text")
    if (is_met and not datasets) or (datasets and not is_met) or len(datasets) > MOST_DATASETS:
        raise RequestRefused("datasets")
    return replace(reply, text=text or None, datasets=datasets)


def _says_something(text: str) -> bool:
    return any(one.isalnum() for one in text)


def _request(
    row: Row[Any], decisions: Sequence[Decision], answers: Sequence[Answer]
) -> Request:
    return Request(
        number=row.number,
        wish=Wish(
            title=row.title, description=row.description, region=row.region, theme=row.theme, entry=row.entry,
            function=row.function,
        ),
        department=row.department,
        asked=row.asked,
        state=State(row.state),
        published=row.published,
        merged_into=row.merged_into,
        counts_for=row.counts_for,
        wanted=row.wanted,
        decisions=tuple(decisions),
        answers=tuple(answers),
    )


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        number=row.number, kind=Step(row.kind), other=row.other, department=row.department, reason=row.reason, by=row.by,
        at=row.at,
    )


def _answer(row: Row[Any]) -> Answer:
    reply = Reply(verdict=Verdict(row.verdict), text=row.text, datasets=tuple(row.datasets.split()))
    return Answer(number=row.number, reply=reply, department=row.department, by=row.by, at=row.at)
