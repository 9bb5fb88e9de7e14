"""The addresses of distributions: who gives them, what is known of them, and the queue in which they are asked for.

Both the addresses and their uses are derived from the change log by ``catch_up``. The queue is one of hosts, each
with a queue of its addresses; whoever asks claims one address of a host that is free, so that however many processes
ask, a host hears one question at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, Select, bindparam, case, exists, func, literal, select, update

from portal.catalog import link_past, tables
from portal.catalog.counters import count_on, counted
from portal.catalog.documents import in_parts
from portal.catalog.engines import writing
from portal.catalog.link_uses import FOLLOWED, follow, key_of
from portal.catalog.model import Link, LinkState

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When a host is due of which no address is."""

_CHANGED, _ASKED = "links.changed", "links.asked."


class Failing(Struct, frozen=True):
    """An address that has not been found for some time."""

    kind: str
    """What the answers have in common; one that tells something else begins another count."""
    times: int
    """Answers of this kind in a row."""
    since: datetime
    """When the first of them came."""


class Address(Struct, frozen=True, kw_only=True):
    """An address to be asked for, and what was known of it before."""

    key: bytes
    url: str
    host: str
    promised: str | None = None
    """The code of ``formats`` in which the distribution promises a file; None when it promises none."""
    link: Link | None = None
    """None when it was never asked for."""
    failing: Failing | None = None


class Claim(Struct, frozen=True):
    """The right to ask for one address, and with it for anything at its host."""

    address: Address
    host_failures: int
    """How often in a row the host gave no proper answer."""


class Claims(Struct, frozen=True):
    """What ``claim`` found."""

    claims: tuple[Claim, ...]
    idle: tuple[str, ...]
    """Hosts that were free and had nothing to be asked for."""


class LinkCounts(Struct, frozen=True):
    """How many addresses stand how."""

    states: Mapping[LinkState | None, int]
    """None: never asked for; a state that no address is in is left out."""
    error_pages: int
    """Those among them that give a page where a file was promised."""


class Settled(Struct, frozen=True, kw_only=True):
    """What became of a claim. ``link`` is None when nothing was learned: then only ``due`` moves."""

    address: Address
    link: Link | None
    failing: Failing | None
    due: datetime
    host_free: datetime
    """When the host may be asked again."""
    host_failures: int
    host_answered: bool


class Links:
    """The addresses in the database; reached as ``catalog.links``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def known(self, urls: Collection[str]) -> dict[str, Link]:
        """What is known of those addresses that were ever asked for."""
        keys = {key_of(url): url for url in urls}
        table = tables.link
        with self._engine.connect() as connection:
            return {
                row.url: _link(row)
                for part in in_parts(list(keys))
                for row in connection.execute(
                    select(table).where(table.c.key.in_(part), table.c.state.is_not(None))
                )
            }

    def as_of(self, urls: Collection[str], instant: datetime) -> dict[str, Link]:
        """What was known at an earlier instant of those addresses that were asked for by then."""
        keys = [key_of(url) for url in urls]
        table = tables.link
        found: dict[str, Link] = {}
        with self._engine.connect() as connection:
            for part in in_parts(keys):
                # In this order: what is written over in between is then read from what is kept, never left out.
                stands = connection.execute(select(table).where(table.c.key.in_(part), table.c.state.is_not(None))).all()
                past = link_past.ended_after(connection, [row.key for row in stands], instant)
                for row in stands:
                    then = link_past.as_of(_link(row) if row.key not in past else _past(row, past[row.key]), instant)
                    if then is not None:
                        found[row.url] = then
        return found

    def counts(self, source_id: str | None = None) -> LinkCounts:
        """How all addresses stand; or those of a source, each once for every dataset that gives it."""
        table = (tables.link if source_id is None else tables.link_use).c
        query = select(table.state, table.is_error_page, func.count()).group_by(table.state, table.is_error_page)
        if source_id is None:
            query = query.where(tables.link.c.due.is_not(None))
        else:
            query = query.where(tables.link_use.c.source_id == source_id)
        states: dict[LinkState | None, int] = {}
        error_pages = 0
        with self._engine.connect() as connection:
            for state, is_error_page, count in connection.execute(query):
                known = None if state is None else LinkState(state)
                states[known] = states.get(known, 0) + count
                error_pages += count if is_error_page else 0
        return LinkCounts(states, error_pages)

    def changed_datasets(self, since: int = 0) -> tuple[list[str], int]:
        """The datasets with an address that has come into another state since a number, and the newest number."""
        use, table = tables.link_use.c, tables.link.c
        query = (
            select(use.dataset_id)
            .distinct()
            .where(use.link_key.in_(select(table.key).where(table.changed > since)))
            .order_by(use.dataset_id)
        )
        # The number is read first: what changes in between is told again, never left out.
        with self._engine.connect() as connection:
            newest = counted(connection, _CHANGED)
            return [row.dataset_id for row in connection.execute(query)], newest

    def newest(self) -> int:
        """The newest number of ``changed_datasets``."""
        with self._engine.connect() as connection:
            return counted(connection, _CHANGED)

    def waiting(self, now: datetime, source_id: str | None = None) -> int:
        """How many addresses are due."""
        query = select(func.count()).select_from(tables.link).where(tables.link.c.due <= now)
        if source_id is not None:
            query = query.where(tables.link.c.key.in_(_keys_of(source_id)))
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def asked_on(self, day: date) -> int:
        """How many addresses were asked for on a day (UTC)."""
        with self._engine.connect() as connection:
            return counted(connection, f"{_ASKED}{day}")

    def behind(self) -> int:
        """How many numbers of the change log have not been followed."""
        with self._engine.connect() as connection:
            newest = connection.scalar(select(func.max(tables.change.c.number))) or 0
            return newest - counted(connection, FOLLOWED)

    def catch_up(self) -> int:
        """Takes in the addresses of every dataset changed since last time; how many changes were followed."""
        followed = 0
        while True:
            with writing(self._engine) as connection:
                count = follow(connection)
            if not count:
                return followed
            followed += count

    def hosts(self, source_id: str) -> set[str]:
        """The hosts of a source's addresses."""
        query = select(tables.link.c.host).distinct().where(tables.link.c.key.in_(_keys_of(source_id)))
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def claim(
        self,
        count: int,
        now: datetime,
        *,
        host_s: float,
        address_s: float,
        among: Collection[str] | None = None,
        source_id: str | None = None,
    ) -> Claims:
        """The right to ask for up to ``count`` addresses that are due, each of another host that is free.

        ``host_s``: how long, unless renewed, nobody else asks the host; ``address_s``: how long, whatever happens,
        nobody else asks for the address. ``among`` and ``source_id`` leave out other hosts and other sources'
        addresses.
        """
        table = tables.link_host.c
        query = select(tables.link_host).where(table.due <= now, table.free <= now)
        if among is not None:
            query = query.where(table.host.in_(among))
        claims = []
        with writing(self._engine) as connection:
            idle: list[str] = []
            for host in connection.execute(query.order_by(table.due, table.host).limit(count)).all():
                row = connection.execute(_next_address(host.host, now, source_id)).one_or_none()
                if row is None:
                    idle.append(host.host)
                else:
                    claims.append(Claim(_address(row), host.failures))
            if claims:
                connection.execute(
                    _TAKE_ADDRESS,
                    [
                        {"b_key": claim.address.key, "b_due": now + timedelta(seconds=address_s)}
                        for claim in claims
                    ],
                )
                connection.execute(
                    _TAKE_HOST,
                    [
                        {"b_host": claim.address.host, "b_due": now, "b_free": now + timedelta(seconds=host_s)}
                        for claim in claims
                    ],
                )
            if source_id is None:
                for name in idle:
                    rest = update(tables.link_host).where(table.host == name)
                    connection.execute(rest.values(due=_earliest(connection, name)))
        return Claims(tuple(claims), tuple(idle))

    def renew(self, hosts: Collection[str], until: datetime) -> None:
        """Keeps hosts that are being asked from everybody else for longer."""
        with writing(self._engine) as connection:
            connection.execute(
                update(tables.link_host).where(tables.link_host.c.host.in_(hosts)).values(free=until)
            )

    def settle(self, settled: Sequence[Settled], now: datetime) -> None:
        """Writes down what became of claims.

        An answer is dropped where another checker has written one down since it was claimed: that one is the newer question.
        """
        if not settled:
            return
        learned = [one for one in settled if one.link is not None]
        with writing(self._engine) as connection:
            changed = _in_time(connection, [one for one in learned if _is_another(one)])
            if changed:
                count_on(connection, _CHANGED, 1)
                link_past.keep(connection, [_ended(one) for one in changed if one.address.link is not None])
                connection.execute(_TELL_USES, [_standing(one) for one in changed])
            number = counted(connection, _CHANGED)
            if learned:
                count_on(connection, f"{_ASKED}{now.date()}", len(learned))
                connection.execute(_LEARN, [_learned(one, number) for one in learned])
            put_off = [{"b_key": one.address.key, "b_due": one.due} for one in settled if one.link is None]
            if put_off:
                connection.execute(_TAKE_ADDRESS, put_off)
            connection.execute(
                _LEAVE_HOST,
                [
                    {
                        "b_host": one.address.host,
                        "b_now": now,
                        "b_free": one.host_free,
                        "b_failures": one.host_failures,
                        "b_answered": now if one.host_answered else None,
                    }
                    for one in settled
                ],
            )

    def next_free(self, now: datetime, among: Collection[str] | None = None) -> datetime | None:
        """When the first host with an address that is due may be asked; None when no address is due."""
        table = tables.link_host.c
        query = select(func.min(table.free)).where(table.due <= now)
        if among is not None:
            query = query.where(table.host.in_(among))
        with self._engine.connect() as connection:
            first: datetime | None = connection.scalar(query)
        return first

    def answering(self, but: Collection[str], limit: int = 3) -> list[Address]:
        """An available address each of the hosts that answered last, ``but`` for some: to see whether anybody does."""
        host, table = tables.link_host.c, tables.link.c
        newest = select(host.host).where(
            host.answered.is_not(None), host.free <= datetime.now(UTC), host.host.not_in(but)
        )
        found = []
        with self._engine.connect() as connection:
            for name in connection.scalars(newest.order_by(host.answered.desc()).limit(limit)).all():
                query = select(tables.link).where(table.host == name, table.state == LinkState.AVAILABLE)
                row = connection.execute(query.limit(1)).one_or_none()
                if row is not None:
                    found.append(_address(row))
        return found


def _keys_of(source_id: str) -> Select[Any]:
    return select(tables.link_use.c.link_key).where(tables.link_use.c.source_id == source_id)


def _next_address(host: str, now: datetime, source_id: str | None) -> Select[Any]:
    table, use = tables.link.c, tables.link_use.c
    query = select(tables.link).where(table.host == host, table.due <= now).order_by(table.due).limit(1)
    if source_id is not None:
        query = query.where(exists().where(use.link_key == table.key, use.source_id == source_id))
    return query


def _earliest(connection: Connection, host: str) -> datetime:
    table = tables.link.c
    return connection.scalar(select(func.min(table.due)).where(table.host == host)) or NEVER


def _in_time(connection: Connection, learned: Sequence[Settled]) -> list[Settled]:
    """Those whose address still stands as it was claimed, and so ends what it told then; ``_LEARN`` drops the others too."""
    table = tables.link.c
    checked = {
        row.key: row.checked
        for part in in_parts([one.address.key for one in learned])
        for row in connection.execute(select(table.key, table.checked).where(table.key.in_(part)))
    }
    return [one for one in learned if checked[one.address.key] == (one.address.link and one.address.link.checked)]


def _is_another(one: Settled) -> bool:
    """Whether a score may see the difference."""
    before, after = one.address.link, one.link
    return after is not None and (before is None or link_past.ends(before, after))


def _ended(one: Settled) -> tuple[bytes, Link, datetime]:
    assert one.link is not None and one.address.link is not None
    return one.address.key, one.address.link, one.link.checked


def _standing(one: Settled) -> dict[str, Any]:
    assert one.link is not None
    return {"b_key": one.address.key, "b_state": one.link.state.value, "b_page": one.link.is_error_page}


def _learned(one: Settled, number: int) -> dict[str, Any]:
    link, failing = one.link, one.failing
    assert link is not None
    return {
        "b_key": one.address.key,
        "b_claimed": one.address.link and one.address.link.checked,
        "b_state": link.state.value,
        "b_since": link.since,
        "b_checked": link.checked,
        "b_last_available": link.last_available,
        "b_status": link.status,
        "b_cause": link.cause,
        "b_detail": link.detail,
        "b_media_type": link.media_type,
        "b_size_bytes": link.size_bytes,
        "b_is_error_page": link.is_error_page,
        "b_failing": failing and failing.kind,
        "b_failures": failing.times if failing else 0,
        "b_failing_since": failing and failing.since,
        "b_due": one.due,
        "b_changed": number if _is_another(one) else None,
    }


_WRITTEN = (
    "state", "since", "checked", "last_available", "status", "cause", "detail", "media_type", "size_bytes",
    "is_error_page", "failing", "failures", "failing_since",
)  # fmt: skip

# An address that nobody gives any more stays out of the queue, whoever comes back with an answer.
_DUE = case((tables.link.c.due.is_(None), None), else_=bindparam("b_due", type_=tables.Instant))
_THIS_ADDRESS = tables.link.c.key == bindparam("b_key")
_THIS_HOST = tables.link_host.c.host == bindparam("b_host")

_LEARN = (
    update(tables.link)
    .where(_THIS_ADDRESS, tables.link.c.checked.is_not_distinct_from(bindparam("b_claimed", type_=tables.Instant)))
    .values(
        due=_DUE,
        changed=func.coalesce(bindparam("b_changed", type_=tables.Number), tables.link.c.changed),
        **{name: bindparam(f"b_{name}") for name in _WRITTEN},
    )
)
_TELL_USES = (
    update(tables.link_use)
    .where(tables.link_use.c.link_key == bindparam("b_key"))
    .values(state=bindparam("b_state"), is_error_page=bindparam("b_page"))
)
_TAKE_ADDRESS = update(tables.link).where(_THIS_ADDRESS).values(due=_DUE)
_TAKE_HOST = update(tables.link_host).where(_THIS_HOST).values(due=bindparam("b_due"), free=bindparam("b_free"))
# A host with more to ask for goes to the end of the queue; another waits until something is due.
_EARLIEST = select(func.min(tables.link.c.due)).where(tables.link.c.host == bindparam("b_host")).scalar_subquery()
_NOW = bindparam("b_now", type_=tables.Instant)

_LEAVE_HOST = (
    update(tables.link_host)
    .where(_THIS_HOST)
    .values(
        due=case((_EARLIEST <= _NOW, _NOW), else_=func.coalesce(_EARLIEST, literal(NEVER, tables.Instant))),
        free=bindparam("b_free"),
        failures=bindparam("b_failures"),
        answered=func.coalesce(bindparam("b_answered", type_=tables.Instant), tables.link_host.c.answered),
    )
)


def _link(row: Row[Any]) -> Link:
    return Link(
        url=row.url,
        state=LinkState(row.state),
        since=row.since,
        checked=row.checked,
        last_available=row.last_available,
        status=row.status,
        cause=row.cause,
        detail=row.detail,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        is_error_page=row.is_error_page,
    )


def _past(row: Row[Any], past: Row[Any]) -> Link:
    return Link(
        url=row.url,
        state=LinkState(past.state),
        since=past.since,
        checked=past.checked,
        last_available=past.last_available,
        status=past.status,
        is_error_page=past.is_error_page,
    )


def _address(row: Row[Any]) -> Address:
    return Address(
        key=row.key,
        url=row.url,
        host=row.host,
        promised=row.promised,
        link=None if row.state is None else _link(row),
        failing=None if row.failing is None else Failing(row.failing, row.failures, row.failing_since),
    )
