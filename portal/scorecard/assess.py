"""From the catalogue to the assessment: all of it from nothing, or what changed since."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from portal.catalog.assessments import Assessed, Kind, Rated, Standing, State
from portal.catalog.model import DatasetState, Entry, Link, RecordType
from portal.catalog.store import Catalog
from portal.scorecard import rules as rule_sets
from portal.scorecard import scoring
from portal.scorecard.dates import believed
from portal.scorecard.groups import AS_ONE, Group, groups_of, peers
from portal.scorecard.subjects import Subject, subject, urls
from portal.scorecard.vectors import Layout, assessed

log = logging.getLogger(__name__)

PART = 4000
"""Datasets in one part of a rebuild: what a process is given at a time."""

CHANGES_AT_ONCE = 5000

Links: TypeAlias = Callable[[Sequence[str]], Mapping[str, Link]]
"""What is known of addresses: those never asked for are left out."""

_Span: TypeAlias = tuple[str, str | None]
_Of = TypeVar("_Of")
_Made = TypeVar("_Made")

Originals: TypeAlias = Callable[[Sequence[str]], Mapping[str, str]]
"""Of those datasets that are further appearances of another: the other's id."""


def _links_of(catalog: Catalog) -> Links:
    return catalog.links.known


def _originals_of(catalog: Catalog) -> Originals:
    return catalog.appearances.originals


def _links_as_of(instant: datetime, catalog: Catalog) -> Links:
    return partial(catalog.links.as_of, instant=instant)


def _originals_as_of(instant: datetime, catalog: Catalog) -> Originals:
    return partial(catalog.appearances.originals_as_of, instant=instant)


class Ways(Struct, frozen=True):
    """The two things an assessment asks besides the catalogue's datasets.

    They are functions of a module, made from the catalogue, because the processes of a rebuild share them.
    """

    links: Callable[[Catalog], Links] = _links_of
    originals: Callable[[Catalog], Originals] = _originals_of

    @classmethod
    def as_of(cls, instant: datetime) -> Ways:
        """Both as they were known at an earlier instant."""
        return cls(partial(_links_as_of, instant), partial(_originals_as_of, instant))


@cache
def standard_layout() -> Layout:
    """The layout of the packaged rule sets: the one the database holds."""
    return Layout.of(rule_sets.packaged())


def versions(layout: Layout) -> tuple[tuple[str, str], ...]:
    """The id and the version of each of its rule sets."""
    return tuple((rules.id, rules.version) for rules in layout.rule_sets)


def beginning_of(day: datetime) -> datetime:
    """The beginning of a day in UTC: what verdicts that depend on time are held against."""
    return day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def is_assessed(entry: Entry) -> bool:
    """Whether a dataset is assessed: services, series and tombstones are not. A last good record stands for its dataset."""
    return entry.state is not DatasetState.RETIRED and entry.dataset.record_type is RecordType.DATASET


def subjects(
    entries: Iterable[Entry],
    catalog: Catalog,
    ways: Ways,
    day: datetime,
    read: Mapping[str, datetime],
    *,
    upto: int | None = None,
) -> Iterator[Subject]:
    """What the rules look at, for entries of the catalogue as it is, or as it was after change ``upto``."""
    wanted = [entry.dataset for entry in entries if is_assessed(entry)]
    known = ways.links(catalog)([url for dataset in wanted for url in urls(dataset)])
    originals = ways.originals(catalog)([dataset.id for dataset in wanted])
    moved = believed(catalog, wanted, upto)
    for dataset in wanted:
        yield subject(
            dataset,
            day,
            links=known,
            read=read.get(dataset.source_id),
            original=originals.get(dataset.id),
            believed=moved.get(dataset.id),
        )


def rebuild(
    catalog: Catalog,
    ways: Ways = Ways(),
    *,
    now: datetime | None = None,
    layout: Layout | None = None,
    processes: int = 1,
    progress: Callable[[int], None] = lambda count: None,
) -> State:
    """Assesses everything from nothing, beside the assessment that is read meanwhile.

    The change number is read first: what changes meanwhile is followed afterwards. ``progress`` is told how many
    datasets each part had.
    """
    given = layout or standard_layout()
    day, number = beginning_of(now or datetime.now(UTC)), catalog.last_change()
    links, counted_once = catalog.links.newest(), catalog.appearances.newest()
    read = catalog.runs.last_read()
    totals: dict[Group, int] = {}
    count = 0

    def rows() -> Iterator[Rated]:
        nonlocal count
        for part in _parts(catalog, ways, day, read, given, processes):
            for one in part:
                add(totals, one.row, 1)
                yield one
            count += len(part)
            progress(len(part))

    def finish() -> tuple[Iterable[tuple[Kind, str, bytes]], Iterable[Standing], State]:
        counted = {group: scoring.packed(counts, given) for group, counts in totals.items()}
        state = State(
            layout=given.digest,
            number=number,
            day=day,
            assessed=datetime.now(UTC),
            datasets=count,
            links=links,
            counted=counted_once,
            versions=versions(given),
        )
        return ((kind, code, counts) for (kind, code), counts in counted.items()), standings(catalog, counted, given), state

    state = catalog.assessments.replace(rows(), finish)
    log.info("assessed %d datasets from nothing", count)
    return state


def add(totals: dict[Group, int], row: Assessed, times: int) -> None:
    """Counts a row under all its groups, or with -1 takes it out."""
    counts = times * scoring.spread(row.vector)
    for group in groups_of(row):
        totals[group] = totals.get(group, 0) + counts


def standings(catalog: Catalog, counted: Mapping[Group, bytes], layout: Layout) -> Iterator[Standing]:
    """Every group's standing under every rule set: the catalogue is read before this returns, and not any more."""
    codes = [code for kind, code in counted if kind is Kind.PUBLISHER]
    owners = catalog.publisher_records(codes)
    publishers = {id: publisher for id, (publisher, _) in owners.items()}
    source_of = {id: source_id for id, (_, source_id) in owners.items()}
    sources = {stored.source.id: stored.source for stored in catalog.sources.all()}

    def found() -> Iterator[Standing]:
        for group, stored in counted.items():
            kind, code = group
            counts = scoring.lanes(stored)
            compared = peers(group, publishers, sources, source_of)
            for rules in layout.rule_sets:
                score = scoring.score(counts, rules, layout, is_department=kind in AS_ONE)
                yield Standing(rules=rules.id, kind=kind, code=code, peers=compared, **msgspec.structs.asdict(score))

    return found()


def _parts(
    catalog: Catalog, ways: Ways, day: datetime, read: Mapping[str, datetime], layout: Layout, processes: int
) -> Iterator[list[Rated]]:
    """The rows of the whole catalogue, part by part, by id."""
    begins = catalog.assessments.boundaries(PART)
    spans: list[_Span] = list(zip(begins, [*begins[1:], None]))
    return each(catalog, partial(_part, ways, day, read, layout), spans, processes)


def _part(
    ways: Ways, day: datetime, read: Mapping[str, datetime], layout: Layout, catalog: Catalog, span: _Span
) -> list[Rated]:
    return _rated(subjects(catalog.between(*span), catalog, ways, day, read), layout)


def _rated(several: Iterable[Subject], layout: Layout) -> list[Rated]:
    """The rows of datasets, each with its quality."""
    rules = layout.rule_sets[0]
    asked = layout.starts[rules.id] + len(rules.measured)
    # Many datasets have the same verdicts, and adding them up takes longer than finding them.
    known: dict[bytes, float | None] = {}
    rows = []
    for one in several:
        row = assessed(one, layout)
        verdicts = row.vector[:asked]
        if verdicts not in known:
            point = scoring.of_one(row.vector, rules, layout).point
            known[verdicts] = None if point is None else point / rules.scale
        rows.append(Rated(row, known[verdicts]))
    return rows


def each(
    catalog: Catalog, work: Callable[[Catalog, _Of], _Made], parts: Sequence[_Of], processes: int
) -> Iterator[_Made]:
    """What ``work`` makes of each part of a catalogue, in order, in several processes where there are several parts."""
    if processes < 2 or len(parts) < 2:
        yield from (work(catalog, part) for part in parts)
        return
    # Spawned, not forked: a forked process would share our connections to the database.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(partial(_in_process, catalog.address, work), parts)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_process(address: str, work: Callable[[Catalog, _Of], _Made], part: _Of) -> _Made:
    return work(_opened(address), part)


@cache
def _opened(address: str) -> Catalog:
    """The catalogue of a process of its own: opened once, closed when the process ends."""
    return Catalog(address)


def catch_up(
    catalog: Catalog,
    ways: Ways = Ways(),
    *,
    now: datetime | None = None,
    layout: Layout | None = None,
    processes: int = 1,
    progress: Callable[[int], None] = lambda count: None,
) -> int:
    """Brings the assessment up to the newest change and the day; how many datasets it looked at again.

    Those are the changed ones, those whose verdict the day may have changed, those whose addresses answered otherwise,
    and those that came to be counted as another dataset, or as themselves again. An assessment that cannot be followed
    (none, without qualities, by other rules, or ahead of a catalogue that was restored from an older copy) is made from
    nothing.
    """
    given = layout or standard_layout()
    day = beginning_of(now or datetime.now(UTC))
    state = catalog.assessments.state()
    if state is None or not state.rated or state.layout != given.digest or state.number > catalog.last_change():
        return rebuild(catalog, ways, now=now, layout=given, processes=processes, progress=progress).datasets
    read = catalog.runs.last_read()
    looked_at = 0
    answered, links = catalog.links.changed_datasets(state.links)
    recounted, counted = catalog.appearances.changed_datasets(state.counted)
    due = catalog.assessments.due(day) if day > state.day else ()
    waiting = dict.fromkeys((*answered, *recounted, *due))
    while True:
        changes = catalog.changes(state.number, CHANGES_AT_ONCE)
        ids = list(dict.fromkeys((*waiting, *(change.dataset_id for change in changes))))
        number = changes[-1].number if changes else state.number
        reached = msgspec.structs.replace(
            state, number=number, day=day, links=links, counted=counted, versions=versions(given)
        )
        if reached == state and not ids:
            return looked_at
        state = _reassess(catalog, ways, given, ids, state, reached, read)
        looked_at += len(ids)
        progress(len(ids))
        waiting = {}
        if len(changes) < CHANGES_AT_ONCE:
            return looked_at


def _reassess(
    catalog: Catalog,
    ways: Ways,
    layout: Layout,
    ids: Sequence[str],
    before: State,
    after: State,
    read: Mapping[str, datetime],
) -> State:
    """Takes the old rows of some datasets out of all counts and puts the new ones in; the state it then is in."""
    old = catalog.assessments.rows(ids)
    made = subjects(catalog.entries(ids), catalog, ways, after.day, read)
    new = {one.row.dataset_id: one for one in _rated(made, layout)}
    gone = [id for id in old if id not in new]
    different = [one for id, one in new.items() if old.get(id) != one.row]
    left = [old[one.row.dataset_id] for one in different if one.row.dataset_id in old] + [old[id] for id in gone]
    change: dict[Group, int] = {}
    for row in left:
        add(change, row, -1)
    for one in different:
        add(change, one.row, 1)
    stood = catalog.assessments.tallies(list(change))
    counted = {
        group: scoring.packed(scoring.unpacked(stood.get(group, b"")) + counts, layout)
        for group, counts in change.items()
    }
    datasets = before.datasets + len(new) - len(old)
    state = msgspec.structs.replace(after, datasets=datasets, assessed=datetime.now(UTC))
    catalog.assessments.apply(
        different,
        gone,
        [(kind, code, counts) for (kind, code), counts in counted.items()],
        list(standings(catalog, counted, layout)),
        before,
        state,
    )
    return state
