"""What people decided about publishers' names that the tables do not tell: which body, of what kind, if any.

A decision says of one name, everywhere or in one source, what ``harvester.departments`` would otherwise read from it.
Decisions are never changed: another one about the same name, or taking it back, ends the former and leaves it to see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

import schemas
from portal.catalog import audit, tables
from portal.catalog.audit import Action
from portal.catalog.documents import decode_publisher
from portal.catalog.engines import writing
from portal.catalog.model import RunMode
from portal.catalog.sources import ask_for_runs

MOST_FUNCTIONS = 3
LONGEST_NOTE = 1000


class Verdict(StrEnum):
    """What a publisher's name is."""

    DEPARTMENT = "department"
    """A body with a function of the national list."""
    NO_DEPARTMENT = "no-department"
    """A body without such a function: a company, an association."""
    NO_NAME = "no-name"
    """Nobody's name: a system user, a database, a placeholder."""


class Ruling(Struct, frozen=True, kw_only=True):
    """What is decided about a name."""

    name: str
    """As a portal writes it; spellings with the same ``name_key`` are decided together."""
    source_id: str | None = None
    """The one source it is meant for; None = everywhere."""
    verdict: Verdict
    functions: tuple[str, ...] = ()
    """Codes of ``department_functions``, the main one first."""
    institution_type: str | None = None
    region: str | None = None
    """A code of ``regions``: the authority of this region for the main function is meant; None = not the authority
    itself, or not told."""
    note: str | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """A ruling with who made it and whether it still stands."""

    number: int
    ruling: Ruling
    by: str
    at: datetime
    undone_by: str | None = None
    undone: datetime | None = None


Decided = Mapping[str, Decision]
"""The decisions that hold for one source, by ``name_key``."""


class RulingRefused(ValueError):
    """A ruling that cannot be; ``problem`` names what is wrong for a page to say in its language."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class UnknownDecision(LookupError):
    """No decision has this number, or it stands no longer."""


def name_key(name: str) -> str:
    """A publisher's name without what carries no meaning in it, spaces too: portals put them anywhere."""
    return schemas.fold(name).replace(" ", "")


class Decisions:
    """The decisions in the database; reached as ``catalog.decisions``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decide(self, ruling: Ruling, *, by: str) -> Decision:
        """Makes a ruling; it replaces one about the same name in the same scope. Raises RulingRefused.

        What stands of the sources that know the name is asked to be read again.
        """
        check(ruling)
        folded = name_key(ruling.name)
        now = datetime.now(UTC)
        table = tables.publisher_decision
        with writing(self._engine) as connection:
            same_scope = (table.c.folded == folded, table.c.source_id.is_not_distinct_from(ruling.source_id))
            connection.execute(
                update(table).where(*same_scope, table.c.undone.is_(None)).values(undone=now, undone_by=by)
            )
            values = msgspec.structs.asdict(ruling) | {
                "folded": folded,
                "verdict": ruling.verdict.value,
                "functions": " ".join(ruling.functions),
                "by": by,
                "at": now,
            }
            result = connection.execute(insert(table).values(**values))
            (number,) = result.inserted_primary_key  # type: ignore[misc]
            audit.write(connection, by, Action.NAME_DECIDED, ruling.name, _in_words(ruling))
            _ask_to_read_again(connection, folded, ruling.source_id, by)
        return Decision(number=number, ruling=ruling, by=by, at=now)

    def undo(self, number: int, *, by: str) -> Decision:
        """Takes a decision back: the name is read from the tables again. Raises UnknownDecision."""
        now = datetime.now(UTC)
        table = tables.publisher_decision
        with writing(self._engine) as connection:
            row = connection.execute(
                select(table).where(table.c.number == number, table.c.undone.is_(None))
            ).one_or_none()
            if row is None:
                raise UnknownDecision(f"there is no decision {number} to take back")
            connection.execute(update(table).where(table.c.number == number).values(undone=now, undone_by=by))
            decision = msgspec.structs.replace(_decision(row), undone=now, undone_by=by)
            audit.write(connection, by, Action.NAME_UNDONE, decision.ruling.name, _in_words(decision.ruling))
            _ask_to_read_again(connection, row.folded, row.source_id, by)
        return decision

    def standing(self) -> list[Decision]:
        """Every decision that stands, newest first."""
        table = tables.publisher_decision.c
        return self._all(_ALL.where(table.undone.is_(None)).order_by(table.number.desc()))

    def of_name(self, name: str) -> list[Decision]:
        """Everything ever decided about a name, newest first."""
        table = tables.publisher_decision.c
        return self._all(_ALL.where(table.folded == name_key(name)).order_by(table.number.desc()))

    def for_source(self, source_id: str) -> Decided:
        """What holds for the names of one source: its own decisions before those for everywhere."""
        table = tables.publisher_decision.c
        query = _ALL.where(
            table.undone.is_(None), table.source_id.is_(None) | (table.source_id == source_id)
        ).order_by(table.source_id.is_not(None), table.number)
        return {name_key(decision.ruling.name): decision for decision in self._all(query)}

    def _all(self, query: Select[Any]) -> list[Decision]:
        with self._engine.connect() as connection:
            return [_decision(row) for row in connection.execute(query)]


_ALL: Select[Any] = select(tables.publisher_decision)


def decisions_digest(decided: Decided) -> str | None:
    """What tells two sets of decisions apart; None of none."""
    if not decided:
        return None
    numbers = sorted(decision.number for decision in decided.values())
    return hashlib.blake2b(msgspec.json.encode(numbers), digest_size=8).hexdigest()


def check(ruling: Ruling) -> None:
    """Raises RulingRefused unless the ruling is one that can be."""
    known = {
        name: schemas.vocabulary(name).terms for name in ("department_functions", "institution_types", "regions")
    }
    is_department = ruling.verdict is Verdict.DEPARTMENT
    wrong = {
        "name": not name_key(ruling.name),
        "functions": is_department != bool(ruling.functions)
        or len(set(ruling.functions)) != len(ruling.functions)
        or len(ruling.functions) > MOST_FUNCTIONS
        or not known["department_functions"].keys() >= set(ruling.functions),
        "institution_type": ruling.institution_type is not None
        and (ruling.verdict is Verdict.NO_NAME or ruling.institution_type not in known["institution_types"]),
        "region": ruling.region is not None and (not is_department or ruling.region not in known["regions"]),
        "note": len(ruling.note or "") > LONGEST_NOTE,
    }
    for problem, is_wrong in wrong.items():
        if is_wrong:
            raise RulingRefused(problem)


def _in_words(ruling: Ruling) -> str:
    told = (
        ruling.verdict.value,
        " ".join(ruling.functions) or None,
        ruling.institution_type,
        ruling.region,
        ruling.source_id and f"({ruling.source_id})",
        ruling.note,
    )
    return " · ".join(part for part in told if part)


def _ask_to_read_again(connection: Connection, folded: str, source_id: str | None, by: str) -> None:
    publishers = select(tables.publisher.c.source_id, tables.publisher.c.document)
    if source_id is not None:
        publishers = publishers.where(tables.publisher.c.source_id == source_id)
    touched = {
        row.source_id
        for row in connection.execute(publishers)
        if name_key(decode_publisher(row.document).name) == folded
    }
    ask_for_runs(connection, sorted(touched), RunMode.REREAD, by)


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        number=row.number,
        ruling=Ruling(
            name=row.name,
            source_id=row.source_id,
            verdict=Verdict(row.verdict),
            functions=tuple(row.functions.split()),
            institution_type=row.institution_type,
            region=row.region,
            note=row.note,
        ),
        by=row.by,
        at=row.at,
        undone_by=row.undone_by,
        undone=row.undone,
    )
