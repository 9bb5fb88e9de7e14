"""An assessment of a day gone by, or by rules that are not the database's: row by row, or as a whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from portal.catalog.assessments import Assessed
from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.scorecard import scoring
from portal.scorecard.assess import Originals, Ways, add, is_assessed, subjects
from portal.scorecard.groups import AS_ONE, Group
from portal.scorecard.scoring import Score
from portal.scorecard.vectors import Layout, assessed

AT_ONCE = 1000


class Snapshot(Struct, frozen=True):
    """The verdicts of some datasets, or all of few, as of the end of a day."""

    layout: Layout
    day: datetime
    number: int
    """The last change it knows of."""
    rows: tuple[Assessed, ...]
    """By dataset id. None has ``due``: that hangs on the very moments at which addresses were asked, which are not kept."""

    def counts(self) -> dict[Group, bytes]:
        """The counts of every group."""
        return counts_of(self.rows, self.layout)


class Rows(Struct, frozen=True):
    """The same for reading once, of however many datasets; each is assessed when it is asked for."""

    day: datetime
    number: int
    """The last change it knows of."""
    rows: Iterator[Assessed]
    """By dataset id, none with ``due``."""


class Reading(Struct, frozen=True):
    """Up to where what was corrected after a day is let into the assessment of it."""

    number: int
    """The change by which the portals' words of that day are read."""
    at: datetime
    """The instant at which entries are counted as one dataset."""


def as_of(
    catalog: Catalog,
    day: date,
    layout: Layout,
    progress: Callable[[int], None] = lambda count: None,
    *,
    ids: Collection[str] | None = None,
    reading: Reading | None = None,
) -> Snapshot:
    """What ``rows_as_of`` gives, in memory."""
    found = rows_as_of(catalog, day, layout, progress, ids=ids, reading=reading)
    return Snapshot(layout, found.day, found.number, tuple(found.rows))


def rows_as_of(
    catalog: Catalog,
    day: date,
    layout: Layout,
    progress: Callable[[int], None] = lambda count: None,
    *,
    ids: Collection[str] | None = None,
    reading: Reading | None = None,
) -> Rows:
    """The assessment as of the end of a day: the catalogue as it then stood, held against the beginning of that day.

    With ``ids`` of these datasets only. With ``reading`` what people decided since, and what was wrong in our reading, takes
    hold; what the portals changed since and what addresses answered since does not.
    """
    begins = datetime.combine(day, time(), UTC)
    ends = begins + timedelta(days=1)
    number = catalog.number_before(ends)
    ways = Ways.as_of(ends)
    if reading is not None:
        ways = replace(ways, originals=partial(_corrected, ends, number, reading))
    read = catalog.runs.last_read(ends)
    words = None if reading is None else reading.number
    entries = catalog.walk_as_of(number, words) if ids is None else catalog.entries_as_of(ids, number, words)

    def rows() -> Iterator[Assessed]:
        for part in _parts(entries):
            for one in subjects(part, catalog, ways, begins, read, upto=number):
                yield replace(assessed(one, layout), due=None)
            progress(len(part))

    return Rows(begins, number, rows())


def _corrected(ends: datetime, number: int, reading: Reading, catalog: Catalog) -> Originals:
    """The originals as they are counted by ``reading``; those of the day where that original was not there on the day."""

    def originals(ids: Sequence[str]) -> Mapping[str, str]:
        corrected = catalog.appearances.originals_as_of(ids, reading.at)
        found = catalog.entries_as_of(set(corrected.values()), number)
        there = {entry.dataset.id for entry in found if is_assessed(entry)}
        lost = [id for id, original in corrected.items() if original not in there]
        held = {id: original for id, original in corrected.items() if original in there}
        return held | catalog.appearances.originals_as_of(lost, ends)

    return originals


def counts_of(rows: Iterable[Assessed], layout: Layout) -> dict[Group, bytes]:
    """The counts of every group of some rows."""
    totals: dict[Group, int] = {}
    for row in rows:
        add(totals, row, 1)
    # Taken out one by one: of ten thousand groups both forms at once would be twice as much memory.
    return {group: scoring.packed(totals.pop(group), layout) for group in list(totals)}


def scores(counts: Mapping[Group, bytes], layout: Layout) -> Iterator[tuple[str, Group, Score]]:
    """Every group's score under every rule set, by the rule set's id."""
    for group in sorted(counts):
        for rules in layout.rule_sets:
            found = scoring.score(scoring.lanes(counts[group]), rules, layout, is_department=group[0] in AS_ONE)
            yield rules.id, group, found


def _parts(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    rest = iter(entries)
    while part := list(islice(rest, AT_ONCE)):
        yield part
