"""A worker that slept through its lease writes nothing any more, wherever it wakes up (faults C85)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import event

from harvester import intake
from portal.catalog.model import Guard, Outcome
from portal.catalog.sources import CacheValidator, LeaseLost
from portal.catalog.store import Catalog
from tests.harvester.ckan_portal import Asked, CkanPortal, Package
from tests.harvester.harvesting import Documents, assert_log_tells_states, harvested, run_of, source
from tests.harvester.test_killed import LEASE_OVER, Copies, after, before, large, nachuan, of
from tests.hostile import answer


@contextmanager
def asleep_before(catalog: Catalog, transaction: int, meanwhile: Callable[[], None]) -> Iterator[list[int]]:
    """Before its n-th transaction the process sleeps, and ``meanwhile`` happens; gives how many it began."""
    begun = [0]

    def hear(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        begun[0] += statement.startswith("BEGIN")
        if begun[0] == transaction and statement.startswith("BEGIN"):
            meanwhile()

    event.listen(catalog.engine, "before_cursor_execute", hear)
    try:
        yield begun
    finally:
        event.remove(catalog.engine, "before_cursor_execute", hear)


@contextmanager
def another(catalog: Catalog) -> Iterator[Catalog]:
    """The same catalogue in another process, when the lease is over."""
    other = Catalog(catalog.address)
    with time_machine.travel(datetime.now(UTC) + LEASE_OVER):
        yield other
    other.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listed", "guard"),
    [(after(), Guard(grace_days=0)), (before()[:2], Guard(max_retired=1, max_retired_share=0.01))],
    ids=["retires some", "is held"],
)
def test_c85_whenever_a_worker_wakes_up_what_another_wrote_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: list[Package], guard: Guard
) -> None:
    """It falls asleep over a list that lacks some; the other reads the list when it is whole again."""
    monkeypatch.setattr(intake, "BATCH_SIZE", 5)
    portal = CkanPortal()
    with portal.running():
        copies = Copies(portal, tmp_path)
        place = of(portal, guard)
        portal.packages = listed
        with copies.fresh() as undisturbed, asleep_before(undisturbed, 0, lambda: None) as begun:
            run_of(undisturbed, place, full=True)
        for transaction in range(1, begun[0] + 1):
            portal.packages = listed
            with copies.fresh() as catalog:

                def whole_again(catalog: Catalog = catalog) -> None:
                    portal.packages = before()
                    with another(catalog) as other:
                        assert harvested(other, place, full=True).outcome is Outcome.COMPLETE

                with asleep_before(catalog, transaction, whole_again), contextlib.suppress(LeaseLost):
                    run_of(catalog, place, full=True)
                where = f"asleep before transaction {transaction} of {begun[0]}"
                current = [entry.dataset for entry in catalog.walk() if entry.state == "current"]
                found = {dataset.source_key: dataset.title for dataset in current}
                assert found == {each["id"]: each["title"] for each in before()}, where
                assert catalog.runs.undecided() == [], where
                assert all(run.outcome is not None for run in catalog.runs.recent()), where
                assert_log_tells_states(catalog)


@pytest.mark.slow
def test_c85_validators_of_a_run_that_slept_do_not_replace_those_of_the_next(tmp_path: Path) -> None:
    def said(version: str) -> bytes:
        entries = [{"identifier": key, "title": f"{key} {version}"} for key in "abc"]
        return json.dumps({"dataset": entries}).encode()

    with Documents() as documents:
        place = source("datajson", f"{documents.url}/data.json")
        transaction = slept = 0
        while slept == transaction:
            transaction += 1
            catalog = Catalog(f"sqlite:///{tmp_path / f'{transaction}.db'}")
            catalog.upgrade()
            documents.put("/data.json", answer(said("old"), headers={"ETag": '"old"'}))

            def renewed(catalog: Catalog = catalog) -> None:
                nonlocal slept
                slept += 1
                documents.put("/data.json", answer(said("new"), headers={"ETag": '"new"'}))
                with another(catalog) as other:
                    harvested(other, place, full=True)

            with asleep_before(catalog, transaction, renewed), contextlib.suppress(LeaseLost):
                run_of(catalog, place, full=True)
            if slept == transaction:
                kept = list(catalog.sources.validators("portal").values())
                assert kept == [CacheValidator('"new"', None)], f"asleep before transaction {transaction}"
                assert {entry.dataset.title for entry in catalog.walk()} == {"a new", "b new", "c new"}
            catalog.close()
        assert slept > 10


@pytest.mark.slow
def test_c85_a_process_that_was_stopped_and_goes_on_writes_nothing(tmp_path: Path) -> None:
    """A real process, really stopped in the middle of its list, while another takes the source over and reads it."""
    database = f"sqlite:///{tmp_path / 'nachuan.db'}"
    catalog = Catalog(database)
    catalog.upgrade()
    portal = CkanPortal(large(1000, "old"))
    reached, go_on = threading.Event(), threading.Event()

    def stopping(action: str, given: Asked) -> None:
        if action == "package_search" and int(given.get("start", 0)) > 500 and not reached.is_set():
            reached.set()
            go_on.wait(60)

    portal.instead = stopping
    with portal.running():
        place = source("ckan", portal.url, page_size=100)
        catalog.sources.put(place)
        with nachuan(tmp_path, database, "harvest", "portal", "--full") as process:
            assert reached.wait(60)
            os.kill(process.pid, signal.SIGSTOP)
            portal.packages = large(1000, "new")
            with another(catalog) as other:
                assert harvested(other, place, full=True).outcome is Outcome.COMPLETE
            newest = catalog.last_change()
            os.kill(process.pid, signal.SIGCONT)
            go_on.set()
            assert process.wait(timeout=60) == 1
    assert catalog.last_change() == newest
    assert {entry.dataset.title.split()[0] for entry in catalog.walk()} == {"new"}
    assert [run.outcome for run in catalog.runs.recent()] == [Outcome.COMPLETE, Outcome.FAILED]
    catalog.close()
