"""How many ask for what: the public requests counted and listed, each with those merged into it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Engine, Select, func, or_, select

from portal.catalog import tables
from portal.catalog.requests import MET, Request, State, read


class Standing(StrEnum):
    """How a public request stands."""

    UNANSWERED = "unanswered"
    PLANNED = "planned"
    PUBLISHED = "published"
    ALREADY_THERE = "already-there"
    NOT_POSSIBLE = "not-possible"


UNMET = (Standing.UNANSWERED, Standing.PLANNED, Standing.NOT_POSSIBLE)
"""Those in which the public does not have what it asks for."""


class Order(StrEnum):
    """In which order requests are listed."""

    NEWEST = "newest"
    WANTED = "wanted"
    """What most ask for first."""
    OLDEST = "oldest"


class Which(Struct, frozen=True, kw_only=True):
    """Which public requests are meant; None leaves a thing open."""

    regions: Collection[str] | None = None
    """Any of these."""
    theme: str | None = None
    entry: str | None = None
    standings: Collection[Standing] | None = None
    """Any of these."""
    department: str | None = None


EVERY = Which()


class Cell(Struct, frozen=True):
    """Unmet requests of one region and one theme, either of which may not be said."""

    region: str | None
    theme: str | None
    unmet: int
    unanswered: int
    wanted: int
    """How many ask for any of them; who asks for several counts for each."""


class Demand:
    """The demand in the database; reached as ``catalog.demand``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listed(
        self, which: Which = EVERY, order: Order = Order.NEWEST, *, limit: int, start: int = 0, before: int | None = None
    ) -> list[Request]:
        """Some requests in an order; with ``before`` only those with lower numbers."""
        table = tables.data_request.c
        query = _which(select(table.number), which).order_by(*_ORDERS[order]).limit(limit).offset(start)
        with self._engine.connect() as connection:
            numbers = connection.scalars(query if before is None else query.where(table.number < before)).all()
            return read(connection, numbers)

    def count(self, which: Which = EVERY) -> int:
        """How many requests there are."""
        with self._engine.connect() as connection:
            return connection.scalar(_which(select(func.count()).select_from(tables.data_request), which)) or 0

    def standings(self, which: Which = EVERY) -> Mapping[Standing, int]:
        """How many requests stand how."""
        table = tables.data_request.c
        query = _which(select(table.verdict, func.count().label("requests")), which).group_by(table.verdict)
        with self._engine.connect() as connection:
            return {_standing(row.verdict): row.requests for row in connection.execute(query)}

    def cells(self) -> list[Cell]:
        """The unmet requests by the region and the theme they are filed under."""
        table = tables.data_request.c
        columns = (
            table.region, table.theme, table.verdict, func.count().label("requests"), func.sum(table.wanted).label("sum"),
        )
        query = _which(select(*columns), Which(standings=UNMET)).group_by(table.region, table.theme, table.verdict)
        found: dict[tuple[str | None, str | None], tuple[int, int, int]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                unmet, unanswered, wanted = found.get((row.region, row.theme), (0, 0, 0))
                more = row.requests if row.verdict is None else 0
                found[row.region, row.theme] = unmet + row.requests, unanswered + more, wanted + int(row.sum)
        return [Cell(*place, *counts) for place, counts in found.items()]

    def titles(self, limit: int) -> list[tuple[str, int]]:
        """What is asked for with the numbers of the requests, the newest first."""
        table = tables.data_request.c
        query = _which(select(table.title, table.number), EVERY).order_by(table.number.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [(row.title, row.number) for row in connection.execute(query)]


def standing(request: Request) -> Standing:
    """How a public request stands."""
    return _standing(request.verdict)


def is_unmet(request: Request) -> bool:
    """Whether the public does not have what is asked for."""
    return request.verdict not in MET


def _standing(verdict: str | None) -> Standing:
    return Standing.UNANSWERED if verdict is None else Standing(verdict)


_ORDERS: Mapping[Order, tuple[ColumnElement[Any], ...]] = {
    Order.NEWEST: (tables.data_request.c.number.desc(),),
    Order.WANTED: (tables.data_request.c.wanted.desc(), tables.data_request.c.number.desc()),
    Order.OLDEST: (tables.data_request.c.number,),
}


def _which(query: Select[Any], which: Which) -> Select[Any]:
    table = tables.data_request.c
    query = query.where(table.state == State.PUBLIC.value, table.merged_into.is_(None))
    if which.regions is not None:
        query = query.where(table.region.in_(which.regions))
    for column, wanted in ((table.theme, which.theme), (table.entry, which.entry), (table.department, which.department)):
        if wanted is not None:
            query = query.where(column == wanted)
    if which.standings is not None:
        words = [one.value for one in which.standings if one is not Standing.UNANSWERED]
        alone = table.verdict.in_(words)
        query = query.where(or_(alone, table.verdict.is_(None)) if Standing.UNANSWERED in which.standings else alone)
    return query
