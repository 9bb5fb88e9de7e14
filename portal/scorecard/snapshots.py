"""A whole assessment in memory: of a day gone by, or by rules that are not the database's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from msgspec import Struct

from portal.catalog.assessments import Assessed
from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.scorecard import scoring
from portal.scorecard.assess import Ways, add, subjects
from portal.scorecard.groups import AS_ONE, Group
from portal.scorecard.scoring import Score
from portal.scorecard.vectors import Layout, assessed

AT_ONCE = 1000


class Snapshot(Struct, frozen=True):
    """Every dataset's verdicts as of the end of a day."""

    layout: Layout
    day: datetime
    number: int
    """The last change it knows of."""
    rows: tuple[Assessed, ...]
    """By dataset id."""

    def counts(self) -> dict[Group, bytes]:
        """The counts of every group."""
        totals: dict[Group, int] = {}
        for row in self.rows:
            add(totals, row, 1)
        return {group: scoring.packed(counts, self.layout) for group, counts in totals.items()}


def as_of(
    catalog: Catalog,
    day: date,
    layout: Layout,
    ways: Ways = Ways(),
    progress: Callable[[int], None] = lambda count: None,
    *,
    ids: Collection[str] | None = None,
    reading: int | None = None,
) -> Snapshot:
    """The assessment as of the end of a day: the catalogue as it then stood, held against the beginning of that day.

    With ``ids`` of these datasets only. With ``reading`` the portals' words of that day are taken as they were read after
    that later change: what people decided since, and what was wrong in our reading, then takes hold.
    """
    begins = datetime.combine(day, time(), UTC)
    ends = begins + timedelta(days=1)
    number = catalog.number_before(ends)
    read = catalog.runs.last_read(ends)
    rows: list[Assessed] = []
    entries = catalog.walk_as_of(number, reading) if ids is None else catalog.entries_as_of(ids, number, reading)
    for part in _parts(entries):
        found = subjects(part, catalog, ways, begins, read, upto=number, until=ends)
        rows += [assessed(one, layout) for one in found]
        progress(len(part))
    return Snapshot(layout, begins, number, tuple(rows))


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
