"""Follows the change log and says which entries of the catalogue are one dataset; makes it all again when needed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice

from msgspec import Struct

import schemas
from harvester import sameness
from harvester.appearances import appearances
from harvester.sameness import Key, Traits
from portal.catalog.appearances import Appearance, Decision
from portal.catalog.counting import LEASE, Place, Position
from portal.catalog.model import DatasetState, Entry, RecordType
from portal.catalog.sources import Lease, SourceHeld
from portal.catalog.store import Catalog

log = logging.getLogger(__name__)

CHANGES_AT_ONCE = 1000
"""Followed in one transaction."""

MOST_FOLLOWED = 100_000
"""More changes than this are not followed one after the other: making everything again is quicker."""

ENTRIES_AT_ONCE = 5000
"""Compared in one go when everything is made again; what hangs together is never torn apart."""

_DECISIVE = ("appearances.py", "sameness.py", "titles.py", "departments.py", "regions.py")
"""The modules on which it depends what is linked."""


class Counted(Struct, frozen=True):
    """What counting did."""

    followed: int
    """Changes and decisions; all of them when everything was made again."""
    compared: int
    """Entries that were compared with others."""


class _Reading(Struct, frozen=True):
    """What of some entries decides which of them are one; those that are gone have none."""

    traits: Mapping[str, Traits]
    keys: Mapping[str, Sequence[Key]]
    places: Mapping[str, Place]

    def digests(self, ids: Iterable[str]) -> dict[str, list[int]]:
        """The keys of these entries as they are kept; none of those that are gone."""
        return {id: [key.digest for key in self.keys.get(id, ())] for id in ids}


class _Standing(Struct, frozen=True):
    """What every reading depends on besides the entries."""

    regions: Mapping[str, str | None]
    """Of the sources."""
    decisions: Sequence[Decision]
    """Those in force, the newest first."""
    partners: Mapping[str, Collection[str]]
    """The entries that a decision in force names together with one."""


def rebuild(catalog: Catalog, holder: str) -> Counted:
    """Makes every link and family again from the datasets and people's decisions.

    What stood stays visible meanwhile. Raises SourceHeld while somebody else counts.
    """
    with catalog.sources.leased(LEASE, holder) as lease:
        return _rebuild(catalog, lease)


def catch_up(catalog: Catalog, holder: str) -> Counted:
    """Brings links and families up to the newest change and decision; the outcome is that of ``rebuild``.

    Everything is made again where it cannot be followed: the first time, after the method or a source's region has
    changed, when the catalogue was restored from an older copy, and after very many changes. While somebody else counts
    nothing is done.
    """
    if not behind(catalog):
        return Counted(0, 0)
    try:
        with catalog.sources.leased(LEASE, holder) as lease:
            return _catch_up(catalog, lease)
    except SourceHeld:
        return Counted(0, 0)


def behind(catalog: Catalog) -> int:
    """How many changes and decisions were not followed yet; all of them when everything must be made again."""
    position = catalog.counting.position()
    newest = _newest(catalog)
    if not _can_follow(position, newest) or position is None:
        return newest.change + newest.decision
    return newest.change - position.change + newest.decision - position.decision


def _newest(catalog: Catalog) -> Position:
    return Position(catalog.last_change(), catalog.counting.last_decision(), _method(catalog))


def _can_follow(position: Position | None, newest: Position) -> bool:
    return (
        position is not None
        and position.method == newest.method
        and 0 <= newest.change - position.change <= MOST_FOLLOWED
        and position.decision <= newest.decision
    )


def _method(catalog: Catalog) -> str:
    digest = hashlib.blake2b(_code(), digest_size=16)
    digest.update(repr(sorted(_regions(catalog).items())).encode())
    return digest.hexdigest()


@cache
def _code() -> bytes:
    code = b"".join(files("harvester").joinpath(name).read_bytes() for name in _DECISIVE)
    return code + repr(sorted(schemas.title_words().items())).encode() + schemas.fingerprint().encode()


def _regions(catalog: Catalog) -> dict[str, str | None]:
    return {entry.source.id: entry.source.region for entry in catalog.sources.all()}


def _standing(catalog: Catalog) -> _Standing:
    decisions = catalog.appearances.in_force()
    partners: dict[str, set[str]] = {}
    for one in decisions:
        partners.setdefault(one.first, set()).add(one.second)
        partners.setdefault(one.second, set()).add(one.first)
    return _Standing(_regions(catalog), decisions, partners)


def _read(entries: Iterable[Entry], standing: _Standing) -> _Reading:
    traits: dict[str, Traits] = {}
    keys: dict[str, Sequence[Key]] = {}
    places: dict[str, Place] = {}
    for entry in entries:
        dataset = entry.dataset
        if entry.state is DatasetState.RETIRED or dataset.record_type is not RecordType.DATASET:
            continue
        its = sameness.traits(dataset, standing.regions.get(dataset.source_id))
        traits[dataset.id] = its
        keys[dataset.id] = sameness.keys(dataset, its)
        place = sameness.place_in_family(its, dataset.publisher.functions if dataset.publisher else ())
        if place is not None:
            places[dataset.id] = place
    return _Reading(traits, keys, places)


def _among(reading: _Reading, standing: _Standing) -> list[Appearance]:
    concerned = [one for one in standing.decisions if one.first in reading.traits and one.second in reading.traits]
    return appearances(reading.traits, reading.keys, concerned)


def _rebuild(catalog: Catalog, lease: Lease) -> Counted:
    # Read first: what changes meanwhile is followed afterwards, perhaps a second time.
    upto = _newest(catalog)
    standing = _standing(catalog)
    catalog.counting.forget(lease)
    for entries in _parts(catalog.walk(), ENTRIES_AT_ONCE):
        catalog.sources.renew(lease)
        reading = _read(entries, standing)
        catalog.counting.keep(lease, reading.digests(entry.dataset.id for entry in entries), reading.places)
    compared: set[str] = set()
    for scope in _scopes(_whole(catalog, standing)):
        catalog.sources.renew(lease)
        catalog.counting.link(lease, scope, _among(_read(catalog.entries(scope), standing), standing))
        compared.update(scope)
    catalog.counting.unlink_all_but(lease, compared)
    catalog.counting.arrive(lease, upto)
    log.info("counted once: everything made again, %d entries compared", len(compared))
    return Counted(upto.change + upto.decision, len(compared))


def _catch_up(catalog: Catalog, lease: Lease) -> Counted:
    followed = compared = 0
    while True:
        position, newest = catalog.counting.position(), _newest(catalog)
        if position is None or not _can_follow(position, newest):
            return _rebuild(catalog, lease)
        changes = catalog.changes(position.change, CHANGES_AT_ONCE)
        decided = catalog.appearances.decisions(since=position.decision)
        if not changes and not decided:
            return Counted(followed, compared)
        catalog.sources.renew(lease)
        upto = Position(
            changes[-1].number if changes else position.change,
            decided[-1].number if decided else position.decision,
            position.method,
        )
        changed = list(dict.fromkeys(change.dataset_id for change in changes))
        compared += _follow(catalog, lease, upto, changed, {id for one in decided for id in (one.first, one.second)})
        followed += len(changes) + len(decided)


def _follow(
    catalog: Catalog, lease: Lease, upto: Position, changed: Sequence[str], decided: Collection[str]
) -> int:
    """Follows some changes and decisions; how many entries were compared."""
    standing = _standing(catalog)
    anew = _read(catalog.entries(changed), standing)
    scope = _hanging_together(catalog, {*changed, *decided}, anew, standing)
    further = _read(catalog.entries([id for id in scope if id not in anew.traits]), standing)
    whole = _Reading({**further.traits, **anew.traits}, {**further.keys, **anew.keys}, anew.places)
    catalog.counting.follow(
        lease, upto, anew.digests(changed), anew.places, scope, _among(whole, standing)
    )
    return len(whole.traits)


def _hanging_together(
    catalog: Catalog, start: Collection[str], anew: _Reading, standing: _Standing
) -> list[str]:
    """The entries that keys, as they were and as they are, and decisions lead to from some."""
    reached = set(start)
    asked: set[int] = set()
    border = sorted(start)
    while border:
        digests = {digest for found in catalog.counting.keys(border).values() for digest in found}
        digests.update(key.digest for id in border for key in anew.keys.get(id, ()))
        digests -= asked
        asked |= digests
        # An entry that was read anew may be under a key it is not kept by yet.
        beyond = catalog.counting.sharing(sorted(digests)).union(*(standing.partners.get(id, ()) for id in border))
        border = sorted(beyond - reached)
        reached.update(border)
    return sorted(reached)


def _whole(catalog: Catalog, standing: _Standing) -> Iterator[list[str]]:
    """The entries that hang together by keys or decisions, group by group; those that are alone are left out."""
    above: dict[str, str] = {}

    def top(id: str) -> str:
        while above.setdefault(id, id) != id:
            above[id] = above[above[id]]
            id = above[id]
        return id

    last: tuple[int, str] | None = None
    for digest, id in catalog.counting.shared():
        if last is not None and last[0] == digest:
            above[top(id)] = top(last[1])
        last = (digest, id)
    for one in standing.decisions:
        above[top(one.first)] = top(one.second)
    groups: dict[str, list[str]] = {}
    for id in sorted(above):
        groups.setdefault(top(id), []).append(id)
    yield from groups.values()


def _scopes(groups: Iterable[list[str]]) -> Iterator[list[str]]:
    """Whole groups put together to some ``ENTRIES_AT_ONCE``."""
    scope: list[str] = []
    for group in groups:
        scope += group
        if len(scope) >= ENTRIES_AT_ONCE:
            yield scope
            scope = []
    if scope:
        yield scope


def _parts(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    while part := list(islice(entries, size)):
        yield part
