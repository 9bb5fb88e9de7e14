"""Keeps what serves the high-value list up to the catalogue: all of it from nothing, or what changed since."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice

import schemas
from portal.catalog.high_value import LEASE, Matched, Position
from portal.catalog.model import DatasetState, Entry
from portal.catalog.sources import Lease, SourceHeld
from portal.catalog.store import Catalog
from portal.highvalue import matching
from portal.highvalue.judging import fresh_until, shortfalls

log = logging.getLogger(__name__)

CHANGES_AT_ONCE = 1000
"""Followed in one transaction."""

ENTRIES_AT_ONCE = 5000
"""Looked at in one transaction when everything is made again."""


def catch_up(catalog: Catalog, holder: str, progress: Callable[[int], None] = lambda count: None) -> int:
    """Follows the newest change; how many datasets were looked at. The outcome is that of ``rebuild``.

    Everything is made again where it cannot be followed: the first time, after the list or the method has changed, and when
    the catalogue was restored from an older copy. While another process does it nothing is done.
    """
    if is_current(catalog):
        return 0
    try:
        with catalog.sources.leased(LEASE, holder) as lease:
            return _catch_up(catalog, lease, progress)
    except SourceHeld:
        return 0


def is_current(catalog: Catalog) -> bool:
    """Whether everything that changed was followed, by the list and the method of now."""
    return catalog.high_value.position() == _newest(catalog)


def is_complete(catalog: Catalog) -> bool:
    """Whether every dataset was looked at by the list and method of now, however far behind the changes since are."""
    position = catalog.high_value.position()
    return position is not None and position.method == _method()


def rebuild(catalog: Catalog, holder: str, progress: Callable[[int], None] = lambda count: None) -> int:
    """Looks at every dataset again; how many there are. What stood stays visible meanwhile.

    Raises SourceHeld while another process does it.
    """
    with catalog.sources.leased(LEASE, holder) as lease:
        return _rebuild(catalog, lease, progress)


def matches(entry: Entry) -> Iterator[Matched]:
    """What an entry of the catalogue serves; a retired one nothing."""
    if entry.state is DatasetState.RETIRED:
        return
    listed = schemas.high_value_entries()
    for match in matching.matches(entry.dataset):
        served = listed[match.entry]
        yield Matched(
            entry=match.entry,
            dataset_id=entry.dataset.id,
            reason=match.reason,
            words=match.words,
            fields=match.fields,
            shortfalls=shortfalls(entry.dataset, served, match.fields),
            fresh_until=fresh_until(entry.dataset, served),
            source_id=entry.dataset.source_id,
            region=entry.dataset.region,
            publisher_id=entry.dataset.publisher.id if entry.dataset.publisher else None,
        )


def _newest(catalog: Catalog) -> Position:
    return Position(catalog.last_change(), _method())


@cache
def _method() -> str:
    """A digest of everything that decides what serves what, and how well."""
    judging = files("portal.highvalue").joinpath("judging.py").read_bytes()
    return hashlib.blake2b(matching.method().encode() + judging + schemas.fingerprint().encode(), digest_size=16).hexdigest()


def _catch_up(catalog: Catalog, lease: Lease, progress: Callable[[int], None]) -> int:
    looked_at = 0
    while True:
        position, newest = catalog.high_value.position(), _newest(catalog)
        if position is None or position.method != newest.method or position.change > newest.change:
            return looked_at + _rebuild(catalog, lease, progress)
        changes = catalog.changes(position.change, CHANGES_AT_ONCE)
        if not changes:
            return looked_at
        catalog.sources.renew(lease)
        ids = list(dict.fromkeys(change.dataset_id for change in changes))
        found = [match for entry in catalog.entries(ids) for match in matches(entry)]
        catalog.high_value.follow(lease, Position(changes[-1].number, position.method), ids, found)
        looked_at += len(ids)
        progress(len(ids))


def _rebuild(catalog: Catalog, lease: Lease, progress: Callable[[int], None]) -> int:
    # Read first: what changes meanwhile is followed afterwards, perhaps a second time.
    upto = _newest(catalog)
    catalog.high_value.forget(lease)
    looked_at = 0
    for entries in _parts(catalog.walk()):
        catalog.sources.renew(lease)
        found = [match for entry in entries for match in matches(entry)]
        catalog.high_value.keep(lease, [entry.dataset.id for entry in entries], found)
        looked_at += len(entries)
        progress(len(entries))
    catalog.high_value.arrive(lease, upto)
    log.info("matched %d datasets with the high-value list, from nothing", looked_at)
    return looked_at


def _parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while part := list(islice(rest, ENTRIES_AT_ONCE)):
        yield part
