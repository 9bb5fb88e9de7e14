"""Which entries are one dataset met several times, which series are one family, and what people decided about it.

Links and families are derived: ``harvester.counting`` makes them from the datasets, follows the change log, and can
make them again from nothing. Decisions are not: they are kept for good, name datasets by ids that never change, and
win over every rule. The page that shows duplicates to an operator needs no more than ``Appearances.decide``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, Row, func, insert, select

from portal.catalog import audit, tables
from portal.catalog.audit import Action
from portal.catalog.counters import counted
from portal.catalog.documents import in_parts
from portal.catalog.engines import writing


_NUMBER = re.compile(r"\d+")

COUNTED = "counted"
"""The counter of the times that an entry came to be counted as another one, or as itself again."""

MOST_MEMBERS = 1000
"""Of a family, read at a time: a list on a page and in an answer must end."""


class Verdict(StrEnum):
    """What a person says of two entries."""

    TOGETHER = "together"
    APART = "apart"
    OPEN = "open"
    """An earlier word is taken back: the rules decide again."""


class Decision(Struct, frozen=True, kw_only=True):
    """A person's word about two entries. All are kept; the newest about a pair is in force."""

    number: int
    first: str
    second: str
    """Dataset ids; ``first`` comes before ``second``."""
    verdict: Verdict
    by: str
    at: datetime
    note: str | None = None


class Appearance(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a dataset that has several."""

    dataset_id: str
    canonical_id: str
    """The entry that stands for the dataset and is counted; its own id for that one."""
    reason: str | None = None
    """A code of ``appearance_reasons``: why it is the same as ``beside``. None of the canonical entry."""
    beside: str | None = None
    """The entry it was linked with; from one to the next the canonical one is reached."""


class Member(Struct, frozen=True, kw_only=True):
    """One dataset of a family, and where in it."""

    dataset_id: str
    period: str
    """Years, months and quarters that its title names, joined by ``|``; empty for none."""
    area: str
    """The region it is of, a code of ``regions``."""


class Family(Struct, frozen=True, kw_only=True):
    """A series cut into times and districts: the same subject of the same kind of office in one place."""

    id: str
    members: tuple[Member, ...]
    """By time, then by area; each dataset once; at most ``MOST_MEMBERS``."""
    total: int


class UnknownDataset(LookupError):
    """A decision names an entry that never was in the catalogue."""


class Appearances:
    """What is known of datasets met several times. Reading never blocks."""

    def __init__(self, engine: Engine) -> None:
        """Made by ``Catalog``."""
        self._engine = engine

    def of(self, dataset_id: str) -> list[Appearance]:
        """Every entry of the dataset that this is an entry of, the canonical one first; nothing when it is alone."""
        dataset, link = tables.dataset.c, tables.appearance.c
        with self._engine.connect() as connection:
            counted_as = connection.scalar(select(dataset.counted_as).where(dataset.id == dataset_id))
            canonical = counted_as or dataset_id
            rows = connection.execute(
                select(dataset.id, link.reason, link.beside)
                .join(tables.appearance, link.dataset_id == dataset.id)
                .where(dataset.counted_as == canonical)
                .order_by(dataset.id)
            ).all()
        copies = [
            Appearance(dataset_id=row.id, canonical_id=canonical, reason=row.reason, beside=row.beside) for row in rows
        ]
        return [Appearance(dataset_id=canonical, canonical_id=canonical), *copies] if copies else []

    def originals(self, ids: Sequence[str]) -> dict[str, str]:
        """Of those that are further entries of another dataset: the id of the canonical entry."""
        table = tables.dataset.c
        with self._engine.connect() as connection:
            return {
                row.id: row.counted_as
                for part in in_parts(ids)
                for row in connection.execute(
                    select(table.id, table.counted_as).where(table.id.in_(part), table.counted_as.is_not(None))
                )
            }

    def originals_as_of(self, ids: Sequence[str], instant: datetime) -> dict[str, str]:
        """``originals`` as they were at an earlier instant."""
        table = tables.counted_past.c
        # In this order: what is written over in between is then read from what is kept, never left out.
        standing = self.originals(ids)
        then: dict[str, str | None] = {}
        with self._engine.connect() as connection:
            for part in in_parts(ids):
                query = select(table.dataset_id, table.counted_as).where(
                    table.dataset_id.in_(part), table.until > instant
                )
                for row in connection.execute(query.order_by(table.until, table.number)):
                    then.setdefault(row.dataset_id, row.counted_as)
        return {id: canonical for id, canonical in (standing | then).items() if canonical is not None}

    def further(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Of those that are canonical entries of several: the ids of the others, in their order."""
        table = tables.dataset.c
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for part in in_parts(ids):
                query = select(table.id, table.counted_as).where(table.counted_as.in_(part)).order_by(table.id)
                for row in connection.execute(query):
                    found.setdefault(row.counted_as, []).append(row.id)
        return found

    def counting_for(self, ids: Sequence[str]) -> set[str]:
        """The canonical entries that these entries are counted as, or once were."""
        now, past = tables.dataset.c, tables.counted_past.c
        with self._engine.connect() as connection:
            return {
                canonical
                for part in in_parts(ids)
                for query in (
                    select(now.counted_as).where(now.id.in_(part), now.counted_as.is_not(None)),
                    select(past.counted_as).where(past.dataset_id.in_(part), past.counted_as.is_not(None)),
                )
                for canonical in connection.scalars(query)
            }

    def changed_datasets(self, since: int = 0) -> tuple[list[str], int]:
        """The entries that came to be counted otherwise since a number, and the newest number."""
        table = tables.dataset.c
        query = select(table.id).where(table.counted_number > since).order_by(table.id)
        # The number is read first: what changes in between is told again, never left out.
        with self._engine.connect() as connection:
            newest = counted(connection, COUNTED)
            # Looking for nothing would read the whole table of datasets.
            return (list(connection.scalars(query)) if newest > since else []), newest

    def newest(self) -> int:
        """The newest number of ``changed_datasets``."""
        with self._engine.connect() as connection:
            return counted(connection, COUNTED)

    def others(self, ids: Sequence[str]) -> dict[str, int]:
        """How many further entries the datasets of these entries have; those that have none are left out."""
        table = tables.dataset.c
        with self._engine.connect() as connection:
            standing = {
                row.id: row.counted_as or row.id
                for part in in_parts(ids)
                for row in connection.execute(select(table.id, table.counted_as).where(table.id.in_(part)))
            }
            counts: dict[str, int] = {
                row.counted_as: row.entries
                for part in in_parts(sorted(set(standing.values())))
                for row in connection.execute(
                    select(table.counted_as, func.count().label("entries"))
                    .where(table.counted_as.in_(part))
                    .group_by(table.counted_as)
                )
            }
        return {id: counts[canonical] for id, canonical in standing.items() if canonical in counts}

    def family(self, dataset_id: str) -> Family | None:
        """The family of the dataset this is an entry of; None when nothing else is of it.

        Of a dataset with several entries the canonical one is the member.
        """
        table, dataset = tables.family_member.c, tables.dataset.c
        with self._engine.connect() as connection:
            canonical = connection.scalar(select(dataset.counted_as).where(dataset.id == dataset_id)) or dataset_id
            family = connection.scalar(select(table.family_id).where(table.dataset_id == canonical))
            of_family = (table.family_id == family, dataset.counted_as.is_(None))
            rows = connection.execute(
                select(table.dataset_id, table.period, table.area)
                .join(tables.dataset, dataset.id == table.dataset_id)
                .where(*of_family)
                .order_by(table.period, table.area, table.dataset_id)
                .limit(MOST_MEMBERS)
            ).all()
            total = len(rows) if len(rows) < MOST_MEMBERS else connection.scalar(
                select(func.count())
                .select_from(tables.family_member)
                .join(tables.dataset, dataset.id == table.dataset_id)
                .where(*of_family)
            )
        if family is None or len({(row.period, row.area) for row in rows}) < 2:
            return None
        members = (Member(dataset_id=row.dataset_id, period=row.period, area=row.area) for row in rows)
        return Family(id=family, members=tuple(sorted(members, key=_in_time)), total=total or 0)

    def page(self, rows: int, *, after: str = "", reason: str | None = None) -> list[Appearance]:
        """Links by dataset id, those after the id ``after``; of one reason when asked: for going through all."""
        link, dataset = tables.appearance.c, tables.dataset.c
        query = (
            select(link.dataset_id, dataset.counted_as, link.reason, link.beside)
            .join(tables.dataset, dataset.id == link.dataset_id)
            .where(link.dataset_id > after, *([] if reason is None else [link.reason == reason]))
            .order_by(link.dataset_id)
            .limit(rows)
        )
        with self._engine.connect() as connection:
            return [
                Appearance(
                    dataset_id=row.dataset_id, canonical_id=row.counted_as, reason=row.reason, beside=row.beside
                )
                for row in connection.execute(query)
            ]

    def reasons(self) -> Mapping[str, int]:
        """How many links were made for each reason."""
        link = tables.appearance.c
        with self._engine.connect() as connection:
            counted = connection.execute(select(link.reason, func.count()).group_by(link.reason))
            return {reason: count for reason, count in counted}

    def decide(
        self, one: str, other: str, verdict: Verdict, *, by: str, note: str | None = None
    ) -> Decision:
        """Writes down a person's word about two entries; it holds from the next catch-up on, over every later run.

        ``Verdict.OPEN`` takes an earlier word back. Raises UnknownDataset, and ValueError for one entry twice.
        """
        if one == other:
            raise ValueError(f"a dataset is always one with itself: {one}")
        first, second = sorted((one, other))
        at = datetime.now(UTC)
        table = tables.dataset.c
        with writing(self._engine) as connection:
            known = set(connection.scalars(select(table.id).where(table.id.in_((first, second)))))
            for id in (first, second):
                if id not in known:
                    raise UnknownDataset(f"there is no dataset {id}")
            number = connection.scalar(
                insert(tables.appearance_decision)
                .values(first=first, second=second, verdict=verdict.value, by=by, at=at, note=note)
                .returning(tables.appearance_decision.c.number)
            )
            told = " · ".join(part for part in (verdict.value, note) if part)
            audit.write(connection, by[:60], Action.ENTRIES_DECIDED, f"{first} {second}", told)
        return Decision(
            number=number or 0, first=first, second=second, verdict=verdict, by=by, at=at, note=note
        )

    def decisions(self, *, since: int = 0, dataset_id: str | None = None) -> list[Decision]:
        """Every word after number ``since``, oldest first; of one entry when asked."""
        table = tables.appearance_decision
        query = select(table).where(table.c.number > since).order_by(table.c.number)
        if dataset_id is not None:
            query = query.where((table.c.first == dataset_id) | (table.c.second == dataset_id))
        with self._engine.connect() as connection:
            return [_decision(row) for row in connection.execute(query)]

    def in_force(self) -> list[Decision]:
        """The newest word about every pair that has one, newest first; those taken back are left out."""
        newest: dict[tuple[str, str], Decision] = {(one.first, one.second): one for one in self.decisions()}
        standing = (one for one in newest.values() if one.verdict is not Verdict.OPEN)
        return sorted(standing, key=lambda one: one.number, reverse=True)


def _in_time(member: Member) -> tuple[list[int], str, str, str]:
    # By numbers, not letters: month 2 comes before month 10.
    return [int(number) for number in _NUMBER.findall(member.period)], member.period, member.area, member.dataset_id


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        number=row.number,
        first=row.first,
        second=row.second,
        verdict=Verdict(row.verdict),
        by=row.by,
        at=row.at,
        note=row.note,
    )
