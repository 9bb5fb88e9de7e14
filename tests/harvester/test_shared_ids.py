"""Different records under one id: which stands is the same in whatever order a portal lists them (fault I66)."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from harvester import intake
from harvester.errors import PortalAnsweredError
from harvester.pipeline import harvest
from harvester.records import RawRecord
from portal.catalog.model import ChangeKind, Counts, DatasetState, Outcome, Run
from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog
from tests.harvester.harvesting import assert_log_tells_states, snapshot
from tests.harvester.test_killed import LEASE_OVER, Died, dying_at
from tests.harvester.test_pipeline import SOURCE, Item, Portal, package, way_out

OLD, NEW = "2025-01-01T00:00:00", "2026-01-01T00:00:00"


def run(catalog: Catalog, *items: Item, partial: bool = False, declared: int | None = None) -> Run:
    """One run of a portal that lists these; what holds for every run is asserted of it."""
    portal = Portal(*items, declared=declared)
    portal.partial = partial
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC)):
        catalog.sources.put(SOURCE)
    before = catalog.last_change()
    ended = harvest(SOURCE, catalog, portal.records, way_out, holder="test", full=not partial)
    counts = ended.counts
    assert counts.added + counts.updated + counts.unchanged + counts.unusable + counts.duplicate == counts.listed
    assert min(msgspec.structs.astuple(counts)) >= 0, counts
    logged = [change.kind for change in catalog.changes(before, limit=1_000_000)]
    assert (logged.count(ChangeKind.ADDED), logged.count(ChangeKind.UPDATED)) == (counts.added, counts.updated)
    assert_log_tells_states(catalog)
    return ended


def everything(catalog: Catalog) -> tuple[dict[str, bytes], dict[str, bytes | None], dict[str, str]]:
    """Every dataset, the words it was read from, and its state."""
    entries = list(catalog.walk(retired=True))
    raw = {entry.dataset.id: catalog.raw(entry.dataset.id) for entry in entries}
    words = {id: None if found is None else found.body for id, found in raw.items()}
    return snapshot(catalog), words, {entry.dataset.id: entry.state.value for entry in entries}


def titles(catalog: Catalog) -> dict[str, str]:
    return {entry.dataset.source_key: entry.dataset.title for entry in catalog.walk()}


@contextmanager
def written(catalog: Catalog) -> Iterator[set[str]]:
    """The tables that are written to in the block."""
    tables: set[str] = set()

    def hear(_: Any, __: Any, statement: str, *rest: Any) -> None:
        verb, *words = statement.split()
        if verb in ("INSERT", "UPDATE", "DELETE"):
            tables.add(words[0] if verb == "UPDATE" else words[1])

    event.listen(catalog.engine, "before_cursor_execute", hear)
    yield tables
    event.remove(catalog.engine, "before_cursor_execute", hear)


LISTED: tuple[Item, ...] = (
    package("alone"),
    package("twice", title="older", metadata_modified=OLD),
    package("twice", title="newer", metadata_modified=NEW),
    package("silent", title="b"),
    package("silent", title="a"),
    package("silent", title="c"),
    package("broken", title=None),
    package("broken", title="whole"),
    package("withdrawn", title="there"),
    RawRecord(body=json.dumps(package("withdrawn")).encode(), withdrawn=True),
    package("unusable", title=None),
)

STAND = {"alone": "数据集 alone", "twice": "newer", "silent": "a", "broken": "whole", "withdrawn": "there"}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from([1, 2, 3, 500]))
def test_i66_a_listing_in_any_order_makes_the_same_catalogue_and_in_another_order_again_writes_nothing(
    data: st.DataObject, batch: int
) -> None:
    listed = [*LISTED, *data.draw(st.lists(st.sampled_from(LISTED), max_size=3), label="said again")]
    catalog, expected = empty_catalog(), empty_catalog()
    with pytest.MonkeyPatch.context() as patch:
        run(expected, *listed)
        patch.setattr(intake, "BATCH_SIZE", batch)
        run(catalog, *data.draw(st.permutations(listed), label="first"))
        assert everything(catalog) == everything(expected)
        assert titles(catalog) == STAND
        for _ in range(2):
            with written(catalog) as tables:
                ended = run(catalog, *data.draw(st.permutations(listed), label="later"))
            assert tables <= {"lease", "run", "issue"}
            assert (ended.counts.unchanged, ended.counts.added, ended.counts.updated) == (5, 0, 0)
    catalog.close()
    expected.close()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from([1, 2, 500]))
def test_i66_whatever_stood_before_the_same_stands_after_a_whole_listing(data: st.DataObject, batch: int) -> None:
    records = [
        package(key, title=title, metadata_modified=modified)
        for key in ("x", "y")
        for title in ("a", "b")
        for modified in (OLD, NEW, None)
    ]
    some = st.lists(st.sampled_from(records), min_size=1, max_size=8)
    now = [package("x"), package("y"), *data.draw(some, label="now")]
    catalog, fresh = empty_catalog(), empty_catalog()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "BATCH_SIZE", batch)
        for listing in data.draw(st.lists(some, max_size=3), label="before"):
            run(catalog, *listing)
        run(catalog, *data.draw(st.permutations(now), label="order"))
        run(fresh, *now)
        assert everything(catalog) == everything(fresh)
    catalog.close()
    fresh.close()


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_i66_two_records_of_one_id_stand_the_same_on_each_database(
    any_catalog: Catalog, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(intake, "BATCH_SIZE", batch)
    run(any_catalog, *LISTED)
    first = any_catalog.last_change()
    for order in (LISTED[::-1], LISTED[5:] + LISTED[:5]):
        ended = run(any_catalog, *order)
        assert titles(any_catalog) == STAND and any_catalog.last_change() == first
        assert ended.counts == Counts(listed=10, unchanged=5, unusable=1, duplicate=4)


def test_i66_each_run_names_the_ids_under_which_there_are_different_records(catalog: Catalog) -> None:
    for order in (LISTED, LISTED[::-1]):
        ended = run(catalog, *order)
        told = [stored.issue.source_key for stored in catalog.runs.issues(ended.id, code="record.id-repeated")]
        assert sorted(key or "" for key in told) == ["broken", "silent", "silent", "twice"]


def test_i66_records_of_one_batch_are_compared_before_any_is_written(catalog: Catalog) -> None:
    ended = run(catalog, *LISTED)
    assert ended.counts == Counts(listed=10, added=5, unusable=1, duplicate=4)


def test_i66_the_one_that_stood_gives_way_once_a_whole_listing_lacks_it(catalog: Catalog) -> None:
    old, new = package("x", title="old", metadata_modified=OLD), package("x", title="new", metadata_modified=NEW)
    run(catalog, old, new)
    assert titles(catalog) == {"x": "new"}
    broke = PortalAnsweredError("500 on page 7", url="http://127.0.0.1/?page=7", status=500)
    run(catalog, old, broke)
    run(catalog, old, declared=2)
    run(catalog, old, partial=True)
    assert titles(catalog) == {"x": "new"}, "of none of these is it known what else would have been listed"
    assert run(catalog, old).outcome is Outcome.COMPLETE
    assert titles(catalog) == {"x": "old"}


def test_i66_what_changed_since_is_taken_where_it_says_that_it_is_newer(catalog: Catalog) -> None:
    one, other = package("x", title="one", metadata_modified=OLD), package("x", title="other", metadata_modified=OLD)
    run(catalog, one, other)
    assert titles(catalog) == {"x": "one"} or titles(catalog) == {"x": "other"}
    newer = package("x", title="other", metadata_modified=NEW)
    run(catalog, newer, partial=True)
    assert titles(catalog) == {"x": "other"}
    last = catalog.last_change()
    for order in itertools.permutations((one, newer)):
        run(catalog, *order)
        run(catalog, *order[:1], partial=True)
    assert catalog.last_change() == last


def test_i66_an_id_that_is_one_records_again_is_updated_as_any_other(catalog: Catalog) -> None:
    run(catalog, package("x", title="a"), package("x", title="b"))
    run(catalog, package("x", title="b"))
    ended = run(catalog, package("x", title="c"))
    assert titles(catalog) == {"x": "c"} and ended.counts == Counts(listed=1, updated=1)


def test_i66_one_of_them_broken_hides_no_other(catalog: Catalog) -> None:
    run(catalog, package("x", title="good"))
    broken = package("x", title=None)
    for order in ((broken, package("x", title="good")), (package("x", title="good"), broken)):
        ended = run(catalog, *order)
        assert ended.counts == Counts(listed=2, unchanged=1, duplicate=1)
    assert [entry.state for entry in catalog.walk()] == [DatasetState.CURRENT]
    assert run(catalog, broken).counts == Counts(listed=1, unusable=1)
    assert [entry.state for entry in catalog.walk()] == [DatasetState.UNUSABLE]


def test_i66_while_a_list_lacks_some_of_what_it_declares_repeats_may_stand_in_their_place(catalog: Catalog) -> None:
    """The count of what was surely seen does not depend on which record of an id was taken."""
    run(catalog, *(package(f"{number}") for number in range(5)))
    for twice in ([OLD, NEW], [NEW, OLD]):
        listed = [package(f"{number}") for number in range(1, 4)]
        listed += [package("4", metadata_modified=modified) for modified in twice]
        assert run(catalog, *listed, declared=5).outcome is Outcome.PARTIAL


@pytest.mark.slow
def test_i66_whichever_statement_a_harvest_dies_at_the_next_in_another_order_ends_where_an_undisturbed_one_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(intake, "BATCH_SIZE", 2)
    stood: Sequence[Item] = (package("twice", title="older"), package("silent", title="c"), package("unusable"))
    undisturbed = empty_catalog()
    run(undisturbed, *stood)
    with dying_at(undisturbed, 1_000_000) as heard:
        run(undisturbed, *LISTED)
    expected = everything(undisturbed)
    assert heard[0] > 20
    for statement in range(heard[0]):
        catalog = empty_catalog(f"sqlite:///{tmp_path / f'{statement}.db'}")
        run(catalog, *stood)
        with dying_at(catalog, statement), contextlib.suppress(Died):
            run(catalog, *LISTED)
        with time_machine.travel(datetime.now(UTC) + LEASE_OVER):
            run(catalog, *LISTED[::-1])
        assert everything(catalog) == expected, f"died at statement {statement} of {heard[0]}"
        catalog.close()
