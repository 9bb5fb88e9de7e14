"""The whole flow on the make-believe federation, whose world says what is true: harvests, time, faults, recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from harvester.sandbox import words
from harvester.sandbox.faults import FaultName
from harvester.sandbox.serve import Sandbox, serve
from portal.catalog.documents import decode_dataset, encode
from portal.catalog.model import DatasetState, Outcome, Run, RunMode, Source
from portal.catalog.store import Catalog
from portal.search import indexing
from portal.search.engines import open_index
from portal.search.memory import MemoryIndex
from portal.search.query import SearchIndex
from tests.harvester.harvesting import harvested, snapshot

PAGE_SIZE = 5
"""So that small portals have pages to break."""

ONE_OF_EACH = tuple({portal.software: portal.id for portal in words.portals().values()}.values())

ONE_OF_EACH_WAY = tuple(
    id for id in ONE_OF_EACH if words.portals()[id].software not in ("dcat-turtle-old", "dcat-rdfxml")
)
"""Without those that differ from another in spelling alone: every page of RDF costs a process."""

GOES_ON = frozenset((FaultName.SLOW, FaultName.POISONOUS_RECORD))
"""Faults with which a run is complete all the same."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One portal of each software, 150 datasets together, dated by the clock we harvest by."""
    with serve(size=150, only=ONE_OF_EACH, epoch=datetime.now(UTC) - timedelta(days=30)) as running:
        yield running


@pytest.fixture
def breakable() -> Iterator[Sandbox]:
    """One portal of each way of answering, 80 datasets together."""
    with serve(size=80, only=ONE_OF_EACH_WAY, epoch=datetime.now(UTC) - timedelta(days=30)) as running:
        yield running


@pytest.fixture
def whole() -> Iterator[Sandbox]:
    """All portals."""
    with serve(size=300, epoch=datetime.now(UTC) - timedelta(days=30)) as running:
        yield running


def sources(sandbox: Sandbox) -> list[Source]:
    return [
        (
            structs.replace(source, options={**source.options, "page_size": PAGE_SIZE})
            if source.kind in ("ckan", "csw")
            else source
        )
        for source in sandbox.sources()
    ]


def harvest_all(catalog: Catalog, sandbox: Sandbox, *, full: bool = False) -> dict[str, Run]:
    return {source.id: harvested(catalog, source, full=full) for source in sources(sandbox)}


def titles(catalog: Catalog, source_id: str, *states: DatasetState) -> dict[str, str]:
    return {
        entry.dataset.source_key: entry.dataset.title
        for entry in catalog.walk(retired=True, source_id=source_id)
        if entry.state in states
    }


def true_titles(sandbox: Sandbox, portal: str) -> dict[str, str]:
    """What can be in a catalogue: a dataset whose title its portal lost cannot be taken in."""
    return {key: " ".join(title.split()) for key, title in sandbox.truth(portal).items() if title is not None}


def assert_true(catalog: Catalog, sandbox: Sandbox) -> None:
    """The catalogue holds what the portals hold, no more and no less."""
    for portal in sandbox.world.portals:
        assert titles(catalog, portal.id, DatasetState.CURRENT) == true_titles(sandbox, portal.id), portal.id
        gone = titles(catalog, portal.id, DatasetState.MISSING, DatasetState.RETIRED)
        assert gone.keys().isdisjoint(sandbox.truth(portal.id)), portal.id
        unusable = titles(catalog, portal.id, DatasetState.UNUSABLE)
        assert all(sandbox.truth(portal.id)[key] is None for key in unusable), portal.id


def assert_indexed(catalog: Catalog, index: SearchIndex) -> None:
    indexing.catch_up(catalog, index)
    found = indexing.check(catalog, index)
    assert found.agrees and found.compared == catalog.figures().datasets


def assert_documents_are_sound(catalog: Catalog) -> None:
    """Every stored document is read, and written again as it was."""
    for entry in catalog.walk(retired=True):
        assert decode_dataset(encode(entry.dataset)) == entry.dataset
        assert catalog.raw(entry.dataset.id) is not None


def outcomes(runs: Sequence[Run]) -> set[Outcome | None]:
    return {run.outcome for run in runs}


def test_one_harvest_of_three_portals_and_the_catalogue_is_the_truth(catalog: Catalog) -> None:
    three = ["zj-hangzhou", "bj-beijing", "gx-guangxi"]
    with serve(size=60, only=three, epoch=datetime.now(UTC) - timedelta(days=30)) as sandbox:
        harvest_all(catalog, sandbox)
        assert_true(catalog, sandbox)
        sandbox.tick(datetime.now(UTC))
        harvest_all(catalog, sandbox, full=True)
        assert_true(catalog, sandbox)
    assert_indexed(catalog, MemoryIndex())


@pytest.mark.slow
def test_one_harvest_of_each_software_and_the_catalogue_is_the_truth(
    catalog: Catalog, sandbox: Sandbox
) -> None:
    runs = harvest_all(catalog, sandbox)
    assert outcomes(list(runs.values())) == {Outcome.COMPLETE}
    assert_true(catalog, sandbox)
    assert_documents_are_sound(catalog)
    assert_indexed(catalog, MemoryIndex())


@pytest.mark.slow
def test_the_whole_federation_is_harvested_twice_and_the_second_time_for_nothing(
    catalog: Catalog, whole: Sandbox
) -> None:
    assert outcomes(list(harvest_all(catalog, whole).values())) == {Outcome.COMPLETE}
    assert_true(catalog, whole)
    newest, before = catalog.last_change(), snapshot(catalog)
    for full in (False, True):
        for run in harvest_all(catalog, whole, full=full).values():
            assert (run.outcome, run.counts.added, run.counts.updated) == (Outcome.COMPLETE, 0, 0)
    assert (catalog.last_change(), snapshot(catalog)) == (newest, before)
    assert_documents_are_sound(catalog)


@pytest.mark.slow
def test_however_often_the_world_changes_a_full_harvest_is_the_truth(
    catalog: Catalog, sandbox: Sandbox, tmp_path: Path
) -> None:
    index = open_index("tantivy:", tmp_path)
    for _ in range(4):
        runs = harvest_all(catalog, sandbox, full=True)
        assert outcomes(list(runs.values())) == {Outcome.COMPLETE}
        assert_true(catalog, sandbox)
        assert_indexed(catalog, index)
        sandbox.tick(datetime.now(UTC))
    index.close()
    assert_documents_are_sound(catalog)


@pytest.mark.slow
def test_asking_for_changes_finds_every_change_and_a_full_listing_then_what_is_gone(
    catalog: Catalog, sandbox: Sandbox
) -> None:
    index = MemoryIndex()
    harvest_all(catalog, sandbox)
    for _ in range(3):
        sandbox.tick(datetime.now(UTC))
        for id, run in harvest_all(catalog, sandbox).items():
            assert run.outcome is Outcome.COMPLETE
            standing, true = titles(catalog, id, DatasetState.CURRENT), true_titles(sandbox, id)
            assert true.items() <= standing.items()
            assert standing == true or run.mode is RunMode.INCREMENTAL
        assert_indexed(catalog, index)
    assert {run.mode for run in harvest_all(catalog, sandbox).values()} == {RunMode.FULL, RunMode.INCREMENTAL}
    harvest_all(catalog, sandbox, full=True)
    assert_true(catalog, sandbox)
    assert_indexed(catalog, index)


@pytest.mark.slow
@pytest.mark.parametrize("fault", list(FaultName))
def test_no_fault_removes_what_is_still_there_and_afterwards_all_is_true_again(
    catalog: Catalog, breakable: Sandbox, fault: FaultName
) -> None:
    index = MemoryIndex()
    harvest_all(catalog, breakable)
    breakable.tick(datetime.now(UTC))
    before = {portal.id: titles(catalog, portal.id, *DatasetState) for portal in breakable.world.portals}
    breakable.fault(fault, delay_s=0.01)
    for full in (False, True):
        runs = harvest_all(catalog, breakable, full=full)
        assert fault not in GOES_ON or outcomes(list(runs.values())) == {Outcome.COMPLETE}
        for portal, known in before.items():
            retired = titles(catalog, portal, DatasetState.RETIRED)
            # A repository tells what it deleted; of all others an absence is all there is.
            assert not retired or breakable.source(portal).kind == "oaipmh", portal
            assert retired.keys().isdisjoint(breakable.truth(portal)), portal
            assert known.keys() <= titles(catalog, portal, *DatasetState).keys()
            if fault is not FaultName.HALF_LISTING:
                missing = titles(catalog, portal, DatasetState.MISSING)
                assert missing.keys().isdisjoint(breakable.truth(portal)), portal
        assert_indexed(catalog, index)
    breakable.fault(None)
    assert outcomes(list(harvest_all(catalog, breakable, full=True).values())) == {Outcome.COMPLETE}
    assert_true(catalog, breakable)
    assert_indexed(catalog, index)
    assert_documents_are_sound(catalog)


@pytest.mark.slow
def test_an_empty_or_half_listing_of_a_large_portal_is_held_and_superseded_when_it_is_whole_again(
    catalog: Catalog,
) -> None:
    with serve(size=120, only=["zj-hangzhou"], epoch=datetime.now(UTC) - timedelta(days=30)) as sandbox:
        harvest_all(catalog, sandbox)
        for fault in (FaultName.EMPTY_LISTING, FaultName.HALF_LISTING):
            sandbox.fault(fault)
            (run,) = harvest_all(catalog, sandbox, full=True).values()
            assert (run.outcome, run.cause) == (Outcome.HELD, "listing.shrank")
            assert_true(catalog, sandbox)
        sandbox.fault(None)
        harvest_all(catalog, sandbox, full=True)
        assert catalog.runs.undecided() == []


@pytest.mark.slow
def test_a_storm_of_faults_and_changes_ends_in_the_truth(any_catalog: Catalog, breakable: Sandbox) -> None:
    index = MemoryIndex()
    storm = list(FaultName)
    for round_, fault in enumerate(storm):
        for position, portal in enumerate(breakable.world.portals):
            breakable.fault(
                storm[(round_ + position) % len(storm)] if position % 3 else None, portal.id, delay_s=0.01
            )
        harvest_all(any_catalog, breakable, full=bool(round_ % 2))
        if round_ % 3 == 2:
            breakable.tick(datetime.now(UTC))
    breakable.fault(None)
    harvest_all(any_catalog, breakable, full=True)
    assert_true(any_catalog, breakable)
    assert_indexed(any_catalog, index)
    assert_documents_are_sound(any_catalog)
