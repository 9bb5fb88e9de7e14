"""The high-value list as pages and programs show it: its entries by subject, where there is what, and the datasets behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

import schemas
from portal.catalog.high_value import AsOf, Matched
from portal.catalog.model import Entry, Publisher
from portal.catalog.store import Catalog
from portal.highvalue.coverage import Cell, Coverage, expected_of, holders_of, listed
from portal.highvalue.judging import Shortfall, State, state, state_at
from portal.web import places
from portal.web.languages import language
from portal.web.site import site
from portal.web.words import t
from schemas import HighValueEntry, Term, vocabulary

STATES = (State.HAVE, State.PARTIAL, State.STALE, State.MISSING, State.UNKNOWN)
"""In the order in which they are shown."""

HAVING = (State.HAVE, State.PARTIAL, State.STALE)
"""Those in which there is anything."""

MARKS: Mapping[State, str] = {
    State.HAVE: "good",
    State.PARTIAL: "partial",
    State.STALE: "held",
    State.MISSING: "failed",
    State.UNKNOWN: "unknown",
}
"""How each state is marked beside its word."""


class Line(Struct, frozen=True):
    """An entry in the list."""

    entry: HighValueEntry
    datasets: int
    places: Counter[State]
    """The places of which it is expected and something is known, by how they stand."""
    cell: Cell | None
    """How the region stands that was asked for; None where it is not expected of it, or none was asked for."""

    @property
    def having(self) -> int:
        """How many of the places have anything of it."""
        return sum(self.places[one] for one in HAVING)


class Place(Struct, frozen=True):
    """A region beside an entry."""

    code: str
    cell: Cell | None
    """None where the entry is not expected of it and it has none."""
    parts: Counter[State]
    """The regions right below it that are expected to have it and are known, by how they stand."""

    @property
    def total(self) -> int:
        """Its datasets and those of all within."""
        return 0 if self.cell is None else self.cell.datasets + self.cell.within


class Serving(Struct, frozen=True):
    """A dataset that serves an entry, as a page shows it."""

    entry: Entry
    match: Matched
    state: State


class Served(Struct, frozen=True):
    """An entry that a dataset serves."""

    entry: HighValueEntry
    match: Matched
    state: State


class Held(Struct, frozen=True):
    """An entry that a department has or is expected to have; None where nothing of it was found."""

    entry: HighValueEntry
    state: State | None


def by_subject(lines: Iterable[Line]) -> list[tuple[Term, list[Line]]]:
    """Lines by the theme of their entries, in the order of the themes."""
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line.entry.domain, []).append(line)
    return [(term, grouped[term.code]) for term in vocabulary("themes").terms.values() if term.code in grouped]


def lines(coverage: Coverage, region: str | None = None) -> list[Line]:
    """Every entry of the list; with ``region`` also how that region stands."""
    return [
        Line(entry, coverage.datasets.get(id, 0), coverage.places[id], _cell(coverage, entry, region))
        for id, entry in listed().items()
    ]


def _cell(coverage: Coverage, entry: HighValueEntry, region: str | None) -> Cell | None:
    """How a region stands; None where the entry is not expected of it and nothing is there."""
    if region is None:
        return None
    cell = coverage.cell(entry.id, region)
    return cell if cell.is_expected or cell.datasets or cell.within else None


def place(coverage: Coverage, entry: HighValueEntry, region: str) -> Place:
    """How a region stands to an entry, and how its parts do."""
    parts = [part for part in places.parts(region) if part in coverage.known]
    return Place(region, _cell(coverage, entry, region), coverage.of_entry(entry.id, parts))


def of_parts(coverage: Coverage, entry: HighValueEntry, region: str) -> list[Place]:
    """How the parts of a region stand to an entry that are known, those with most datasets first."""
    found = [place(coverage, entry, part) for part in places.parts(region) if part in coverage.known]
    shown = [one for one in found if one.cell is not None]
    return sorted(shown, key=lambda one: (-one.total, one.code))


def abroad(coverage: Coverage, entry: HighValueEntry) -> list[Place]:
    """Other countries that have something of an entry; of none of them it is expected."""
    roots = (code for code in coverage.known if not schemas.is_chinese(code) and not places.ancestors(code))
    found = (place(coverage, entry, code) for code in roots)
    return sorted((one for one in found if one.total), key=lambda one: (-one.total, one.code))


def somewhere(coverage: Coverage, entry: str) -> int:
    """How many datasets that serve an entry are in a region."""
    return sum(sum(states.values()) for (id, _), states in coverage.own.items() if id == entry)


def counted(entry: str, region: str | None, publisher: Publisher | None = None) -> Counter[State]:
    """How many datasets serve an entry in each state, of a region and all within it or anywhere, of one publisher or all."""
    counts: Counter[State] = Counter()
    found = site().catalog.high_value.counts(entry, _as_of(), _within(region), publishers=names_of(publisher))
    for (lacks, is_late), count in found.items():
        counts[state(lacks, is_late)] += count
    return counts


def behind(
    entry: str,
    region: str | None = None,
    wanted: State | None = None,
    publisher: Publisher | None = None,
    *,
    start: int = 0,
    limit: int | None = None,
) -> list[tuple[Matched, State]]:
    """What of that serves an entry in one state or any, and how; the best first."""
    lacks, is_late = _FLAGS[wanted]
    found = site().catalog.high_value.listing(
        entry, _as_of(), _within(region), publishers=names_of(publisher),
        lacks=lacks, is_late=is_late, start=start, limit=limit,
    )
    return [(match, state(bool(match.shortfalls), late)) for match, late in found]


_FLAGS: Mapping[State | None, tuple[bool | None, bool | None]] = {
    None: (None, None),
    State.HAVE: (False, False),
    State.PARTIAL: (True, False),
    State.STALE: (None, True),
}
"""Whether datasets in a state lack something and are late; None where it makes no difference."""


def _as_of() -> AsOf:
    return AsOf(site().catalog.runs.last_read(), datetime.now(UTC))


def _within(region: str | None) -> list[str] | None:
    """A region and all within it that has any dataset; None for no region."""
    if region is None:
        return None
    return [region, *(one for one in site().overviews.coverage().known if region in holders_of(one))]


def serving(catalog: Catalog, found: Sequence[tuple[Matched, State]]) -> Iterator[Serving]:
    """Datasets as a page shows them; one that is gone since is left out."""
    entries = {one.dataset.id: one for one in catalog.entries([match.dataset_id for match, _ in found])}
    for match, standing in found:
        if match.dataset_id in entries:
            yield Serving(entries[match.dataset_id], match, standing)


def served(entry: Entry, known_until: datetime) -> list[Served]:
    """The entries that a dataset serves, as known at the last reading of its source."""
    return [
        Served(listed()[one.entry], one, state_at(one.shortfalls, one.fresh_until, known_until))
        for one in site().catalog.high_value.of(entry.dataset.id)
        if one.entry in listed()
    ]


def names_of(publisher: Publisher | None) -> list[str] | None:
    """The ids of all publishers that are one department, where portals write its name in several ways; None of nobody."""
    if publisher is None:
        return None
    named = (one.publisher for one in site().overviews.publishers())
    return sorted({publisher.id, *(one.id for one in named if one.department == publisher.department is not None)})


def held(publisher: Publisher) -> list[Held]:
    """The entries that a publisher has, and those that are expected of it as a department; what it has first."""
    coverage = site().overviews.coverage()
    best: dict[str, State] = {}
    for name in names_of(publisher) or ():
        for entry, standing in coverage.publishers.get(name, {}).items():
            best[entry] = min(best.get(entry, standing), standing, key=STATES.index)
    region = None if publisher.department is None else publisher.department.partition(".")[0]
    # What was not looked for yet is not found yet, which says nothing of a department.
    expected = expected_of(publisher.functions, region) if coverage.is_complete else []
    wanted = [*best, *(id for id in expected if id not in best)]
    found = [Held(listed()[id], best.get(id)) for id in wanted if id in listed()]
    return sorted(found, key=lambda one: STATES.index(one.state or State.MISSING))


def words(shortfalls: Sequence[str], entry: HighValueEntry) -> list[str]:
    """What a dataset lacks, in words; the fields in one of them."""
    names = {field.id: field.label(language()) for field in entry.fields}
    lacking, said = [], []
    for one in shortfalls:
        code, _, field = one.partition(":")
        if code == Shortfall.FIELDS_LACKING:
            lacking.append(names.get(field, field))
        else:
            said.append(t(f"high_value.short_{code.replace('-', '_')}"))
    if lacking:
        said.insert(0, t("high_value.short_fields_lacking", fields=t("frame.list_comma").join(lacking)))
    return said


def levels(entry: HighValueEntry) -> str:
    """The levels of administration that are expected to have an entry, in words."""
    return t("frame.list_comma").join(t(f"scorecards.level_{level}") for level in entry.levels)


def functions(entry: HighValueEntry) -> str:
    """What those do who are expected to make it, in words."""
    return t("frame.list_comma").join(vocabulary("department_functions").label(one, language()) for one in entry.functions)
