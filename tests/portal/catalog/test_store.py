"""The store's promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from portal.catalog import engines, tables
from portal.catalog.model import ChangeCause, ChangeKind, DatasetState, Outcome, Publisher, RecordType, RunMode
from portal.catalog.sources import LeaseLost, SourceHeld
from portal.catalog.store import Catalog
from portal.catalog.writing import PutCounts
from tests.catalogs import SOURCE, filled, record


def kinds(catalog: Catalog) -> list[tuple[ChangeKind, str]]:
    return [(change.kind, change.dataset_id) for change in catalog.changes()]


def test_migrations_make_the_tables_the_code_works_with(any_catalog: Catalog) -> None:
    with any_catalog.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_an_old_a_new_and_an_empty_database_are_told_apart(any_catalog: Catalog) -> None:
    any_catalog.check()
    with engines.writing(any_catalog.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(engines.DatabaseError, match="newer than this version"):
        any_catalog.check()
    empty = Catalog("sqlite://")
    with pytest.raises(engines.DatabaseError, match="nachuan db upgrade"):
        empty.check()
    empty.close()


def test_another_kind_of_database_is_refused_in_one_line() -> None:
    with pytest.raises(engines.DatabaseError, match="only sqlite and postgresql"):
        Catalog("mysql://localhost/x")
    with pytest.raises(engines.DatabaseError, match="not a database address"):
        Catalog("what is this")


def test_a_new_dataset_is_added_with_its_raw_words(any_catalog: Catalog) -> None:
    new = record("a", body='{"名称": "甲"}'.encode())
    filled(any_catalog, new)
    entry = any_catalog.entry(new.dataset.id)
    assert entry is not None and entry.dataset == new.dataset and entry.state is DatasetState.CURRENT
    raw = any_catalog.raw(new.dataset.id)
    assert raw is not None and raw.body == '{"名称": "甲"}'.encode()
    assert kinds(any_catalog) == [(ChangeKind.ADDED, new.dataset.id)]


def test_the_same_dataset_again_changes_nothing(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a"))
    filled(any_catalog, record("a"))
    assert len(any_catalog.changes()) == 1


def test_an_update_keeps_what_was_before_and_says_which_fields_changed(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a", description="旧"))
    filled(any_catalog, record("a", description="新", keywords=("水",)))
    newest, oldest = any_catalog.history(record("a").dataset.id)
    assert newest.kind is ChangeKind.UPDATED and newest.fields == ("description", "keywords")
    assert newest.before is not None and newest.before.description == "旧"
    assert newest.cause is ChangeCause.SOURCE
    assert oldest.kind is ChangeKind.ADDED and oldest.before is None


def test_another_reading_of_the_same_words_is_our_change_not_the_portals(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a", body=b"{}", frequency=None))
    filled(any_catalog, record("a", body=b"{}", frequency="annual"))
    assert any_catalog.history(record("a").dataset.id)[0].cause is ChangeCause.MAPPING


def test_a_counter_of_visitors_is_kept_but_is_no_change(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a", views=1))
    filled(any_catalog, record("a", views=2))
    entry = any_catalog.entry(record("a").dataset.id)
    assert entry is not None and entry.dataset.views == 2
    assert len(any_catalog.changes()) == 1


def test_a_batch_says_what_it_did(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a"), record("b"), record("c"))
    lease = any_catalog.sources.lease(SOURCE.id, "test")
    run = any_catalog.runs.start(SOURCE.id, RunMode.FULL, "test")
    with any_catalog.transaction(lease, run.id) as transaction:
        transaction.retire([record("b").dataset.id], "missing")
    with any_catalog.transaction(lease, run.id) as transaction:
        counts = transaction.put([record("a"), record("b"), record("c", description="新"), record("d")])
    assert counts == PutCounts(added=1, updated={record("c").dataset.id: ("description",)}, unchanged=2, restored=1)
    assert any_catalog.states([record("b").dataset.id]) == {record("b").dataset.id: DatasetState.CURRENT}


def test_a_failed_batch_leaves_nothing(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a"))
    lease = any_catalog.sources.lease(SOURCE.id, "test")
    run = any_catalog.runs.start(SOURCE.id, RunMode.FULL, "test")
    with pytest.raises(RuntimeError), any_catalog.transaction(lease, run.id) as transaction:
        transaction.put([record("b")])
        raise RuntimeError
    assert any_catalog.entry(record("b").dataset.id) is None
    assert len(any_catalog.changes()) == 1


def test_a_source_is_leased_to_one_at_a_time_and_a_late_writer_is_fenced_off(any_catalog: Catalog) -> None:
    any_catalog.sources.put(SOURCE)
    slow = any_catalog.sources.lease(SOURCE.id, "slow", ttl_s=0)
    quick = any_catalog.sources.lease(SOURCE.id, "quick")
    with pytest.raises(SourceHeld, match="quick"):
        any_catalog.sources.lease(SOURCE.id, "third")
    run = any_catalog.runs.start(SOURCE.id, RunMode.FULL, "test")
    with pytest.raises(LeaseLost), any_catalog.transaction(slow, run.id) as transaction:
        transaction.put([record("a")])
    with pytest.raises(LeaseLost):
        any_catalog.sources.renew(slow)
    any_catalog.sources.release(slow)
    any_catalog.sources.renew(quick)
    assert any_catalog.entry(record("a").dataset.id) is None


def test_a_source_was_read_when_a_harvest_of_it_ended_and_not_when_kept_words_were_read_again(catalog: Catalog) -> None:
    days = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
    ended = ((RunMode.FULL, Outcome.COMPLETE), (RunMode.INCREMENTAL, Outcome.FAILED), (RunMode.REREAD, Outcome.COMPLETE))
    for day, (mode, outcome) in zip(days, ended, strict=True):
        run = catalog.runs.start(SOURCE.id, mode, "test")
        catalog.runs.save(msgspec.structs.replace(run, finished=day, outcome=outcome))
    assert catalog.runs.last_read() == {SOURCE.id: days[0]}
    assert catalog.runs.last_read(days[0] - timedelta(seconds=1)) == {}


def test_records_are_known_by_their_raw_digest(any_catalog: Catalog) -> None:
    a, b = record("a"), record("b")
    filled(any_catalog, a)
    known = any_catalog.known(SOURCE.id, [a.raw_digest, b.raw_digest])
    assert {digest: found.id for digest, found in known.items()} == {a.raw_digest: a.dataset.id}
    assert any_catalog.known("elsewhere", [a.raw_digest]) == {}


def test_publishers_and_figures_count_present_datasets_only(any_catalog: Catalog) -> None:
    water = Publisher(id="water", name="水务局")
    filled(
        any_catalog,
        record("a", publisher=water, region="330100"),
        record("b", publisher=water, region="330100"),
        record("c", publisher=Publisher(id="tax", name="税务局"), region="330000"),
        record("s", publisher=water, record_type=RecordType.SERVICE),
    )
    lease = any_catalog.sources.lease(SOURCE.id, "test")
    with any_catalog.transaction(lease, any_catalog.runs.start(SOURCE.id, RunMode.FULL, "t").id) as transaction:
        transaction.retire([record("b").dataset.id], "missing")
    found = {summary.publisher.name: summary.datasets for summary in any_catalog.publishers()}
    assert found == {"水务局": 1, "税务局": 1}
    figures = any_catalog.figures()
    assert (figures.datasets, figures.publishers, figures.sources) == (2, 2, 1)
    assert figures.regions == {"330100": 1, "330000": 1}


def test_walking_meets_every_present_dataset_once(any_catalog: Catalog) -> None:
    filled(any_catalog, *(record(f"{number}") for number in range(2500)))
    ids = [entry.dataset.id for entry in any_catalog.walk()]
    assert len(ids) == len(set(ids)) == 2500 and ids == sorted(ids)


def test_a_wish_for_a_run_is_handed_out_once(any_catalog: Catalog) -> None:
    any_catalog.sources.put(SOURCE)
    any_catalog.sources.request_run(SOURCE.id, RunMode.FULL, "someone")
    (wish,) = any_catalog.sources.take_requests()
    assert (wish.source_id, wish.mode, wish.asked_by) == (SOURCE.id, RunMode.FULL, "someone")
    assert any_catalog.sources.take_requests() == []
