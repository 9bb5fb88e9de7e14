"""The promises of a harvest: identity, completeness, the guard, counts, last good, nothing for nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from sqlalchemy import event

from harvester import intake, retirement
from harvester.errors import PortalAnsweredError
from harvester.http import Http, Validators
from harvester.pipeline import harvest, since
from harvester.records import Listing, RawRecord, Records
from portal.catalog import held as held_runs
from portal.catalog.model import (
    ChangeKind,
    Counts,
    DatasetState,
    Guard,
    Issue,
    Outcome,
    Politeness,
    Run,
    RunMode,
    Source,
)
from portal.catalog.sources import LeaseLost
from portal.catalog.store import Catalog

SOURCE = Source(
    id="hangzhou",
    title="杭州",
    kind="ckan",
    url="http://127.0.0.1/",
    region="330100",
    politeness=Politeness(requests_per_second=0),
    guard=Guard(max_retired=2, max_retired_share=0.2, grace_days=7),
)

Item = dict[str, Any] | bytes | Issue | RawRecord | Exception


def way_out(validators: Mapping[str, Validators]) -> Http:
    return Http(requests_per_second=0, validators=validators)


def package(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "name": key, "title": f"数据集 {key}", "resources": []} | fields


class Portal:
    """A portal that lists what it is told to, and remembers what it was asked."""

    def __init__(self, *items: Item, declared: int | None = None, not_modified: bool = False) -> None:
        self.items: Sequence[Item] = items
        self.declared = declared
        self.not_modified = not_modified
        self.partial = False
        self.in_one_piece = False
        self.asked: list[datetime | None] = []

    def records(self, source: Source, http: Http, since: datetime | None) -> Records:
        self.asked.append(since)
        if self.not_modified:
            return Listing(not_modified=True)
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, (Issue, RawRecord)):
                yield item
            else:
                yield RawRecord(body=item if isinstance(item, bytes) else json.dumps(item).encode(), url=source.url)
        return Listing(declared=self.declared, partial=self.partial, in_one_piece=self.in_one_piece)


@pytest.fixture
def run(catalog: Catalog) -> Iterator[Callable[..., Run]]:
    # Before every moment that a test travels to.
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC)):
        catalog.sources.put(SOURCE)

    def go(portal: Portal, source: Source = SOURCE, full: bool = True) -> Run:
        catalog.sources.put(source)
        return harvest(source, catalog, portal.records, way_out, holder="test", full=full)

    yield go


def many(count: int) -> list[dict[str, Any]]:
    return [package(f"{number}") for number in range(count)]


def codes(catalog: Catalog, run: Run) -> list[str]:
    return [stored.issue.code for stored in catalog.runs.issues(run.id)]


def states(catalog: Catalog) -> dict[str, DatasetState]:
    return {entry.dataset.source_key: entry.state for entry in catalog.walk(retired=True)}


def test_a_first_harvest_adds_and_a_second_changes_nothing(catalog: Catalog, run: Callable[..., Run]) -> None:
    portal = Portal(*many(3), declared=3)
    assert run(portal).counts == Counts(listed=3, added=3)
    assert run(portal).counts == Counts(listed=3, unchanged=3)
    assert len(catalog.changes()) == 3


def test_an_unchanged_source_writes_no_record(catalog: Catalog, run: Callable[..., Run]) -> None:
    portal = Portal(*many(3), declared=3)
    run(portal)
    statements: list[str] = []
    event.listen(catalog.engine, "before_cursor_execute", lambda c, cu, statement, *rest: statements.append(statement))
    run(portal)
    written = {
        words.split()[2] if words.startswith("INSERT") else words.split()[1]
        for words in statements
        if words.startswith(("INSERT", "UPDATE"))
    }
    assert written == {"lease", "run"}


def test_a_reordered_record_is_unchanged_although_its_bytes_are_not(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(package("a", notes="水")))
    reordered = dict(reversed(package("a", notes="水").items()))
    assert run(Portal(reordered)).counts == Counts(listed=1, unchanged=1)


def test_counts_add_up_whatever_the_portal_lists(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(4)))
    listed: list[Item] = [
        package("0"),
        package("1", title="新"),
        package("1", title="again"),
        b"{not json",
        {"id": "2"},
        package("new"),
        package("3"),
        package("3"),
    ]
    counts = run(Portal(*listed)).counts
    assert counts == Counts(listed=8, added=1, updated=1, unchanged=2, unusable=2, duplicate=2)


def test_of_different_records_of_one_id_one_is_kept_and_each_repeat_is_an_issue(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    ended = run(Portal(package("a", title="second"), package("a", title="third"), package("a", title="first")))
    assert [entry.dataset.title for entry in catalog.walk()] == ["first"]
    assert codes(catalog, ended) == ["record.id-repeated", "record.id-repeated"]
    assert ended.outcome is Outcome.COMPLETE


def test_a_record_that_stands_again_word_for_word_is_told_from_one_with_other_words(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    same = package("a", title="first")
    ended = run(Portal(same, same, package("a", title="second")))
    assert codes(catalog, ended) == ["record.duplicate", "record.id-repeated"]


def test_two_portals_never_overwrite_each_others_datasets(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(package("a", title="here")))
    run(Portal(package("a", title="there")), msgspec.structs.replace(SOURCE, id="ningbo"))
    assert sorted(entry.dataset.title for entry in catalog.walk()) == ["here", "there"]


def test_a_dataset_keeps_its_id_when_its_title_changes(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(package("a", title="old")))
    (before,) = [entry.dataset.id for entry in catalog.walk()]
    run(Portal(package("a", title="new", name="new-name")))
    (after,) = [entry.dataset.id for entry in catalog.walk()]
    assert after == before


def test_an_id_given_to_another_dataset_is_flagged_and_both_are_kept(catalog: Catalog, run: Callable[..., Run]) -> None:
    def owned(title: str, office: str) -> dict[str, Any]:
        resources = [{"id": office, "url": f"http://data.example/{office}.csv"}]
        return package("a", title=title, organization={"id": office, "title": office}, resources=resources)

    run(Portal(owned("Parks", "gardens")))
    ended = run(Portal(owned("Taxes", "treasury")))
    assert "record.identity-changed" in codes(catalog, ended)
    newest, _ = catalog.history(next(catalog.walk()).dataset.id)
    assert newest.before is not None and newest.before.title == "Parks"


def test_a_broken_record_never_stops_the_run_and_the_last_good_stands(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    run(Portal(*many(3)))
    ended = run(Portal(package("0"), package("1", title=None), package("2")))
    assert ended.outcome is Outcome.COMPLETE and ended.counts.unusable == 1
    assert states(catalog)["1"] is DatasetState.UNUSABLE
    assert next(entry for entry in catalog.walk() if entry.dataset.source_key == "1").dataset.title == "数据集 1"
    healed = run(Portal(*many(3)))
    assert healed.counts == Counts(listed=3, unchanged=3, restored=1)
    assert states(catalog)["1"] is DatasetState.CURRENT


def test_an_error_midway_keeps_what_came_and_retires_nothing(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(9)))
    broke = PortalAnsweredError("500 on page 7", url="http://127.0.0.1/?page=7", status=500)
    ended = run(Portal(package("0", title="new"), broke))
    assert (ended.outcome, ended.cause) == (Outcome.PARTIAL, "portal.answered-error")
    assert ended.counts.updated == 1 and ended.counts.missing == 0
    assert set(states(catalog).values()) == {DatasetState.CURRENT}
    (stored,) = catalog.runs.issues(ended.id)
    assert stored.issue.url == "http://127.0.0.1/?page=7"


def test_an_unreadable_portal_fails_and_removes_nothing(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(3)))
    ended = run(Portal(PortalAnsweredError("503", status=503)))
    assert ended.outcome is Outcome.FAILED
    assert set(states(catalog).values()) == {DatasetState.CURRENT}


def test_a_listing_shorter_than_declared_is_partial_and_retires_nothing(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    run(Portal(*many(20)))
    ended = run(Portal(*many(19), declared=20))
    assert (ended.outcome, ended.cause) == (Outcome.PARTIAL, "listing.incomplete")
    assert set(states(catalog).values()) == {DatasetState.CURRENT}


def test_an_incremental_listing_retires_nothing(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(20)))
    changes = Portal(package("3", title="new"))
    changes.partial = True
    ended = run(changes, full=False)
    assert changes.asked[0] is not None
    assert (ended.mode, ended.outcome) == (RunMode.INCREMENTAL, Outcome.COMPLETE)
    assert set(states(catalog).values()) == {DatasetState.CURRENT}


def test_what_a_complete_listing_lacks_is_missing_first_and_retired_after_the_grace(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        run(Portal(*many(20)))
    with time_machine.travel(start + timedelta(days=1), tick=False):
        assert run(Portal(*many(19))).counts.missing == 1
        assert states(catalog)["19"] is DatasetState.MISSING
    with time_machine.travel(start + timedelta(days=7), tick=False):
        assert run(Portal(*many(19))).counts.retired == 0
    with time_machine.travel(start + timedelta(days=8), tick=False):
        assert run(Portal(*many(19))).counts.retired == 1
    entry = catalog.find(SOURCE.id, "19")
    assert entry is not None and (entry.state, entry.retired_because) == (DatasetState.RETIRED, "missing")
    assert [change.kind for change in catalog.history(entry.dataset.id)] == [
        ChangeKind.RETIRED,
        ChangeKind.MISSING,
        ChangeKind.ADDED,
    ]


def test_a_dataset_missing_once_comes_back_under_the_same_id(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(20)))
    before = catalog.find(SOURCE.id, "19")
    run(Portal(*many(19)))
    back = run(Portal(*many(20)))
    after = catalog.find(SOURCE.id, "19")
    assert before is not None and after is not None and before.dataset.id == after.dataset.id
    assert back.counts == Counts(listed=20, unchanged=20, restored=1)
    assert (after.state, after.missing_since) == (DatasetState.CURRENT, None)


def test_without_grace_what_is_gone_is_retired_at_once(catalog: Catalog, run: Callable[..., Run]) -> None:
    hasty = msgspec.structs.replace(SOURCE, guard=Guard(grace_days=0))
    run(Portal(*many(2)), hasty)
    assert run(Portal(*many(1)), hasty).counts.retired == 1


def test_a_sudden_loss_is_held_shown_and_released_by_one_approval(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(20)))
    ended = run(Portal(*many(10), declared=10))
    assert (ended.outcome, ended.cause, ended.counts.held) == (Outcome.HELD, "listing.shrank", 10)
    assert codes(catalog, ended) == ["listing.shrank"]
    assert set(states(catalog).values()) == {DatasetState.CURRENT}
    assert len(catalog.runs.held(ended.id)) == 10
    assert held_runs.approve(catalog, ended.id, holder="test") == 10
    assert sorted(states(catalog).values()).count(DatasetState.RETIRED) == 10
    with pytest.raises(held_runs.NotHeld, match="already approved"):
        held_runs.approve(catalog, ended.id, holder="test")


def test_a_rejected_loss_is_kept_and_held_again(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(20)))
    held_runs.reject(catalog, run(Portal(*many(10))).id)
    assert run(Portal(*many(10))).outcome is Outcome.HELD
    assert set(states(catalog).values()) == {DatasetState.CURRENT}


def test_an_empty_listing_is_held_however_few_datasets_there_are(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(1)))
    ended = run(Portal(declared=0))
    assert (ended.outcome, ended.counts.held) == (Outcome.HELD, 1)


def test_the_whole_list_back_again_supersedes_what_was_held(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(20)))
    held = run(Portal(*many(10)))
    run(Portal(*many(20)))
    assert catalog.runs.get(held.id).decision == "superseded"
    with pytest.raises(held_runs.NotHeld, match="already superseded"):
        held_runs.approve(catalog, held.id, holder="test")


def test_losing_a_little_every_day_trips_the_guard_too(catalog: Catalog, run: Callable[..., Run]) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    outcomes = []
    for day in range(6):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            outcomes.append(run(Portal(*many(50 - 4 * day))).outcome)
    assert outcomes == [Outcome.COMPLETE] * 3 + [Outcome.HELD] * 3


def test_the_portals_own_withdrawal_is_a_tombstone_at_once(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(3)))
    withdrawn = RawRecord(body=json.dumps(package("1", state="deleted")).encode(), withdrawn=True)
    ended = run(Portal(package("0"), withdrawn, package("2")))
    entry = catalog.find(SOURCE.id, "1")
    assert entry is not None and (entry.state, entry.retired_because) == (DatasetState.RETIRED, "withdrawn")
    assert (ended.counts.retired, ended.counts.missing) == (1, 0)


def test_a_portal_that_says_nothing_changed_costs_no_record(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(3)))
    ended = run(Portal(not_modified=True), full=False)
    assert ended.not_modified and ended.counts == Counts(listed=3, unchanged=3)
    assert ended.outcome is Outcome.COMPLETE


def test_everything_is_listed_again_when_the_last_full_listing_is_old(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        run(Portal(*many(3)))
    with time_machine.travel(start + timedelta(days=6), tick=False):
        assert since(SOURCE, catalog) == start
    with time_machine.travel(start + timedelta(days=7), tick=False):
        assert since(SOURCE, catalog) is None


def test_everything_is_read_again_when_our_reading_changed(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(3)))
    assert since(SOURCE, catalog) is not None
    assert since(msgspec.structs.replace(SOURCE, region="330200"), catalog) is None
    assert since(msgspec.structs.replace(SOURCE, options={"language": "en"}), catalog) is None


def test_another_reading_of_the_same_bytes_updates_and_says_why(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(1)))
    ended = run(Portal(*many(1)), msgspec.structs.replace(SOURCE, region="330200"))
    assert ended.counts.updated == 1
    assert catalog.history(next(catalog.walk()).dataset.id)[0].cause == "mapping"


def test_a_run_that_lost_its_lease_writes_nothing_more(catalog: Catalog, run: Callable[..., Run]) -> None:
    def stolen(source: Source, http: Http, since: datetime | None) -> Records:
        for number in range(600):
            if number == 550:
                with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
                    catalog.sources.lease(source.id, "thief")
            yield RawRecord(body=json.dumps(package(str(number))).encode())
        return Listing()

    with pytest.raises(LeaseLost):
        harvest(SOURCE, catalog, stolen, way_out, holder="slow", full=True)
    assert len(list(catalog.walk())) == 500


def test_a_run_whose_process_died_is_ended_by_the_next(catalog: Catalog, run: Callable[..., Run]) -> None:
    dead = catalog.runs.start(SOURCE.id, RunMode.FULL, "x")
    run(Portal(*many(1)))
    ended = catalog.runs.get(dead.id)
    assert (ended.outcome, ended.cause) == (Outcome.FAILED, "run.interrupted")


def test_removing_a_source_leaves_tombstones(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(3)))
    assert retirement.remove_source(catalog, SOURCE.id, holder="test") == 3
    assert set(states(catalog).values()) == {DatasetState.RETIRED}
    assert catalog.sources.all() == []


def test_a_run_is_stored_as_what_it_listed_not_as_what_was_asked_for(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(3)))
    whole = Portal(*many(3))
    assert catalog.runs.get(run(whole, full=False).id).mode is RunMode.FULL
    part = Portal(*many(2))
    part.partial = True
    assert catalog.runs.get(run(part).id).mode is RunMode.INCREMENTAL


def test_a_listing_that_was_cut_short_on_purpose_is_no_base_for_asking_for_changes(
    catalog: Catalog, run: Callable[..., Run]
) -> None:
    part = Portal(*many(2))
    part.partial = True
    run(part)
    assert since(SOURCE, catalog) is None


@pytest.mark.parametrize("in_one_piece", [False, True])
def test_what_a_repeated_record_may_have_taken_the_place_of_is_not_missing(
    catalog: Catalog, run: Callable[..., Run], in_one_piece: bool
) -> None:
    """Twenty of twenty came, but one of them twice: between two pages another slipped away. Within one file none can."""
    run(Portal(*many(20), declared=20))
    moved = Portal(*many(19), package("0"), declared=20)
    moved.in_one_piece = in_one_piece
    ended = run(moved)
    assert (ended.counts.listed, ended.counts.duplicate) == (20, 1)
    if in_one_piece:
        assert (ended.outcome, ended.counts.missing) == (Outcome.COMPLETE, 1)
    else:
        assert (ended.outcome, ended.cause) == (Outcome.PARTIAL, "listing.incomplete")
        assert set(states(catalog).values()) == {DatasetState.CURRENT}


def test_repeats_are_no_trouble_where_nothing_is_lacking(catalog: Catalog, run: Callable[..., Run]) -> None:
    run(Portal(*many(20), declared=20))
    assert run(Portal(*many(20), package("0"), declared=21)).outcome is Outcome.COMPLETE


def test_pages_that_repeat_for_ever_are_not_followed(
    catalog: Catalog, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A counter of visits makes every page another one, so that no connector can tell it by its bytes."""
    monkeypatch.setattr(intake, "BATCH_SIZE", 10)
    monkeypatch.setattr(intake, "REPEATS_AT_MOST", 50)
    run(Portal(*many(20), declared=20))

    def for_ever(source: Source, http: Http, since: datetime | None) -> Records:
        for number in itertools.count():
            yield RawRecord(body=json.dumps(package(str(number % 7), views=number)).encode())

    ended = harvest(SOURCE, catalog, for_ever, way_out, holder="test", full=True)
    assert (ended.outcome, ended.cause) == (Outcome.PARTIAL, "listing.paging-broken")
    assert ended.counts.listed < 100
    assert set(states(catalog).values()) == {DatasetState.CURRENT}


def test_what_nobody_foresaw_ends_its_run_and_frees_the_source(catalog: Catalog, run: Callable[..., Run]) -> None:
    def broken(source: Source, http: Http, since: datetime | None) -> Records:
        yield RawRecord(body=json.dumps(package("1")).encode())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        harvest(SOURCE, catalog, broken, way_out, holder="test", full=True)
    (ended,) = catalog.runs.recent()
    assert (ended.outcome, ended.cause) == (Outcome.FAILED, "run.interrupted")
    assert codes(catalog, ended) == ["run.interrupted"]
    assert catalog.sources.under_way() == {}
