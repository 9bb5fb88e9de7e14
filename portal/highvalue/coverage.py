"""Where there is what of the high-value list: the datasets of every place held against what is expected of it.

What is expected of a place stands in the list (``levels``). A place whose portals nobody read is unknown and is counted
among nothing; one that only has places within it that have something is covered in part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property

from msgspec import Struct, field

import schemas
from portal.catalog.high_value import AsOf
from portal.catalog.store import Catalog
from portal.highvalue.following import is_complete
from portal.highvalue.judging import State, state
from schemas import HighValueEntry

_OF_OTHER_LISTS = frozenset(("710000", "810000", "820000"))
"""Provinces whose authorities are others than the list was written for."""

_BEST_FIRST = (State.HAVE, State.PARTIAL, State.STALE)


class Cell(Struct, frozen=True):
    """One entry in one place."""

    state: State
    is_expected: bool
    """Whether the list expects it of the place."""
    own: Mapping[State, int] = field(default_factory=dict)
    """The place's own datasets by how they serve."""
    within: int = 0
    """Datasets of the places within it."""

    @property
    def datasets(self) -> int:
        """The place's own datasets."""
        return sum(self.own.values())


class Coverage(Struct, frozen=True, dict=True):
    """Everything that serves the list, by entry and place."""

    own: Mapping[tuple[str, str], Mapping[State, int]]
    """By entry and region: the region's own datasets, those within it not among them."""
    within: Mapping[tuple[str, str], int]
    """By entry and region: the datasets of the regions within it."""
    datasets: Mapping[str, int]
    """By entry: all, those whose region is not known too."""
    serving: int
    """All datasets that serve any entry."""
    publishers: Mapping[str, Mapping[str, State]]
    """By publisher and entry: how the best of its datasets serves."""
    read: frozenset[str]
    """The regions of which something can be missing: a portal of their own was read."""
    known: frozenset[str]
    """Those, the regions that have any dataset, and what all these lie in."""
    is_complete: bool
    """Whether every dataset was looked at by the list of now; before that nothing is called missing."""

    def cell(self, entry: str, region: str) -> Cell:
        """How a region stands to an entry."""
        own, within = self.own.get((entry, region), {}), self.within.get((entry, region), 0)
        best = next((one for one in _BEST_FIRST if own.get(one)), None)
        if best is None:
            is_told = self.is_complete and region in self.read
            best = State.PARTIAL if within else State.MISSING if is_told else State.UNKNOWN
        return Cell(best, is_expected(listed()[entry], region), own, within)

    def of_region(self, region: str) -> dict[str, Cell]:
        """The cells of all entries that are expected of a region, by entry, in the list's order."""
        return {id: self.cell(id, region) for id, entry in listed().items() if is_expected(entry, region)}

    def of_entry(self, entry: str, regions: Iterable[str]) -> Counter[State]:
        """How many of some regions stand how to an entry; only those of which it is expected."""
        wanted = listed()[entry]
        return Counter(self.cell(entry, region).state for region in regions if is_expected(wanted, region))

    @cached_property
    def places(self) -> Mapping[str, Counter[State]]:
        """By entry: how all regions stand of which something is known and that are expected to have it."""
        counts = {entry: self.of_entry(entry, self.known) for entry in listed()}
        for count in counts.values():
            del count[State.UNKNOWN]
        return counts


def listed() -> Mapping[str, HighValueEntry]:
    """The list."""
    return schemas.high_value_entries()


def coverage(catalog: Catalog, now: datetime | None = None) -> Coverage:
    """The coverage as the catalogue stands."""
    # Asked first: what is completed while we count is then called so a moment later, and never too early.
    complete = is_complete(catalog)
    as_of = AsOf(catalog.runs.last_read(), now or datetime.now(UTC))
    own: dict[tuple[str, str], Counter[State]] = {}
    within: Counter[tuple[str, str]] = Counter()
    datasets: Counter[str] = Counter()
    publishers: dict[str, dict[str, State]] = {}
    for one in catalog.high_value.tallies(as_of):
        entry, region, standing = one.entry, one.region, state(one.lacks, one.is_late)
        datasets[entry] += one.datasets
        if one.publisher_id is not None:
            best = publishers.setdefault(one.publisher_id, {})
            best[entry] = min(best.get(entry, standing), standing, key=_BEST_FIRST.index)
        if region is None:
            continue
        own.setdefault((entry, region), Counter())[standing] += one.datasets
        for holder in holders_of(region):
            within[entry, holder] += one.datasets
    read = _read_regions(catalog, as_of.read)
    met = read.union(catalog.figures().regions)
    known = met.union(*map(holders_of, met))
    return Coverage(own, dict(within), dict(datasets), catalog.high_value.count(), publishers, read, known, complete)


def _read_regions(catalog: Catalog, read: Mapping[str, datetime]) -> frozenset[str]:
    """The regions whose own portals were read to the end."""
    sources = (stored.source for stored in catalog.sources.all())
    return frozenset(source.region for source in sources if source.region is not None and source.id in read)


@cache
def holders_of(region: str) -> tuple[str, ...]:
    """What a region lies in, the nation for a Chinese one too."""
    lineage = schemas.region_ancestors(region)[1:]
    if region != schemas.COUNTRY and schemas.is_chinese(region):
        return (*lineage, schemas.COUNTRY)
    return lineage


def is_expected(entry: HighValueEntry, region: str) -> bool:
    """Whether a region is one of those that are expected to have an entry."""
    return not levels_of(region).isdisjoint(entry.levels)


def expected_of(functions: Sequence[str], region: str | None) -> list[str]:
    """The entries of which a department is the main maker, by what it does and where; of one in no known place none."""
    if region is None:
        return []
    return [id for id, entry in listed().items() if is_expected(entry, region) and entry.functions[0] in functions]


@cache
def levels_of(region: str) -> frozenset[str]:
    """The levels of administration a region is: a municipality right under the nation is a province and a city.

    None of Taiwan, Hong Kong and Macao, of which the list says nothing.
    """
    term = schemas.vocabulary("regions").terms.get(region)
    if term is None or not _OF_OTHER_LISTS.isdisjoint(schemas.region_ancestors(region)):
        return frozenset()
    level = term.attributes["level"]
    if level == "province" and not any(_level(part) == "prefecture" for part in schemas.region_parts(region)):
        return frozenset((level, "prefecture"))
    return frozenset((level,))


def _level(region: str) -> str:
    return schemas.vocabulary("regions").terms[region].attributes["level"]
