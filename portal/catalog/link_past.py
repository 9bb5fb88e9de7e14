"""What addresses told before they told something else, so that an earlier day can be assessed as it was then.

What is known of an address is written over with every answer. Where an answer tells what the one before told, nothing is
lost: the time between the two is vouched for by both. Only where it ends what was told is that kept, as it last stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row, insert, select

from portal.catalog import tables
from portal.catalog.documents import in_parts
from portal.catalog.model import Link, LinkState

VALID_DAYS = 45
"""How long an answer stands for the present: longer than that, two that are alike vouch for nothing in between."""


def ends(before: Link, after: Link) -> bool:
    """Whether an answer ends what the one before told: it tells something else, or comes so late that a gap lies between."""
    return _told(before) != _told(after) or after.checked - before.checked > timedelta(days=VALID_DAYS)


def _told(link: Link) -> tuple[Any, ...]:
    """All that a score may see of an answer, but for its age."""
    status = link.status if link.state is LinkState.AVAILABLE else None
    return link.state, link.is_error_page, None if status is None else status // 100


def keep(connection: Connection, ended: Sequence[tuple[bytes, Link, datetime]]) -> None:
    """Keeps what addresses, given by their keys, told until an instant each."""
    rows = [
        {
            "key": key,
            "until": until,
            "state": link.state.value,
            "since": link.since,
            "checked": link.checked,
            "last_available": link.last_available,
            "status": link.status,
            "is_error_page": link.is_error_page,
        }
        for key, link, until in ended
    ]
    if rows:
        connection.execute(insert(tables.link_past), rows)


def ended_after(connection: Connection, keys: Sequence[bytes], instant: datetime) -> Mapping[bytes, Row[Any]]:
    """Of those addresses that told something else after an instant than at it: the row of what they told at it."""
    table = tables.link_past.c
    found: dict[bytes, Row[Any]] = {}
    for part in in_parts(keys):
        query = select(tables.link_past).where(table.key.in_(part), table.until > instant)
        for row in connection.execute(query.order_by(table.until, table.number)):
            found.setdefault(row.key, row)
    return found


def as_of(link: Link, instant: datetime) -> Link | None:
    """What was known at an instant of an address of which ``link`` is what it told until something else was told.

    When it was last asked for is the instant itself, where it was asked for again afterwards and told the same. None
    where it was not asked for by then. Of a state that began later although nothing is kept of what was told before it
    (that was not kept yet), only that the address had been available may be known; else nothing.
    """
    if link.checked <= instant:
        return link
    if link.since <= instant:
        last = min(link.last_available, instant) if link.last_available else None
        return replace(link, checked=instant, last_available=last)
    if link.last_available is not None and link.last_available <= instant:
        return Link(
            url=link.url,
            state=LinkState.UNKNOWN,
            since=link.last_available,
            checked=link.last_available,
            last_available=link.last_available,
        )
    return None
