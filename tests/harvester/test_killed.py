"""A harvest that dies anywhere is made up for by the next (faults C82 to C84, C86); two schedulers run a source once."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import event

from harvester import intake, retirement
from harvester.sandbox.serve import serve
from portal.catalog.model import Guard, Outcome, Source
from portal.catalog.store import Catalog
from tests.catalogs import postgresql_database, postgresql_runs
from tests.fixtures import needs
from tests.harvester.ckan_portal import Asked, CkanPortal, package
from tests.harvester.harvesting import assert_log_tells_states, harvested, snapshot, source, states

LEASE_OVER = timedelta(minutes=5)


class Died(Exception):
    """The process is no more: nothing catches this, and nothing reaches the database after it."""


@contextmanager
def dying_at(catalog: Catalog, statement: int) -> Iterator[list[int]]:
    """From its n-th statement on the database hears nothing of this process; gives the number it heard."""
    heard = [0]

    def hear(*_: Any) -> None:
        if heard[0] >= statement:
            raise Died
        heard[0] += 1

    event.listen(catalog.engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(catalog.engine, "before_cursor_execute", hear)


def before() -> list[dict[str, Any]]:
    return [package(f"{number:03}") for number in range(12)]


def after() -> list[dict[str, Any]]:
    """Some updated, one broken, one withdrawn, some gone, some new, some as they were."""
    listed = before()[2:] + [package(f"new-{number}") for number in range(3)]
    for each in listed[:3]:
        each["title"] = "changed"
    listed[4]["title"], listed[5]["state"] = None, "deleted"
    return listed


def of(portal: CkanPortal, guard: Guard = Guard(grace_days=0)) -> Source:
    return source("ckan", portal.url, guard=guard, page_size=10)


class Copies:
    """Copies of one catalogue that has been harvested once, while its portal has gone on."""

    def __init__(self, portal: CkanPortal, folder: Path) -> None:
        self._folder = folder
        catalog = Catalog(f"sqlite:///{folder / 'template.db'}")
        catalog.upgrade()
        portal.packages = before()
        harvested(catalog, of(portal))
        catalog.close()
        portal.packages = after()

    @contextmanager
    def fresh(self) -> Iterator[Catalog]:
        """The next copy."""
        path = self._folder / "copy.db"
        for leftover in self._folder.glob("copy.db*"):
            leftover.unlink()
        shutil.copy(self._folder / "template.db", path)
        catalog = Catalog(f"sqlite:///{path}")
        try:
            yield catalog
        finally:
            catalog.close()


def everything(catalog: Catalog) -> tuple[dict[str, bytes], dict[str, bytes], list[str]]:
    raw = {
        entry.dataset.id: found.body
        for entry in catalog.walk(retired=True)
        if (found := catalog.raw(entry.dataset.id))
    }
    return snapshot(catalog), raw, sorted(summary.publisher.id for summary in catalog.publishers())


@pytest.mark.slow
@pytest.mark.parametrize(
    "guard", [Guard(grace_days=0), Guard(), Guard(max_retired=1, max_retired_share=0.01)]
)
def test_c82_whichever_statement_a_harvest_dies_at_the_next_one_ends_where_an_undisturbed_one_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guard: Guard
) -> None:
    """Every statement of a run once, batches of five; the three guards retire, wait for the grace, and hold."""
    monkeypatch.setattr(intake, "BATCH_SIZE", 5)
    portal = CkanPortal()
    with portal.running():
        copies = Copies(portal, tmp_path)
        with copies.fresh() as undisturbed:
            with dying_at(undisturbed, 1_000_000) as heard:
                run = harvested(undisturbed, of(portal, guard), full=True)
            expected, held = everything(undisturbed), len(undisturbed.runs.undecided())
        for statement in range(heard[0]):
            with copies.fresh() as catalog:
                with dying_at(catalog, statement), contextlib.suppress(Died):
                    harvested(catalog, of(portal, guard), full=True)
                assert_log_tells_states(catalog)
                with time_machine.travel(datetime.now(UTC) + LEASE_OVER):
                    again = harvested(catalog, of(portal, guard), full=True)
                assert again.outcome is run.outcome
                assert everything(catalog) == expected, f"died at statement {statement} of {heard[0]}"
                assert len(catalog.runs.undecided()) == held
                assert all(ended.outcome is not None for ended in catalog.runs.recent())


@pytest.mark.slow
def test_c82_removing_a_source_dies_anywhere_and_goes_on_where_it_was(tmp_path: Path) -> None:
    portal = CkanPortal()
    with portal.running():
        copies = Copies(portal, tmp_path)
    with copies.fresh() as undisturbed, dying_at(undisturbed, 1_000_000) as heard:
        retirement.remove_source(undisturbed, "portal", holder="one")
    for statement in range(heard[0]):
        with copies.fresh() as catalog:
            with dying_at(catalog, statement), contextlib.suppress(Died):
                retirement.remove_source(catalog, "portal", holder="one")
            if catalog.sources.all():
                with time_machine.travel(datetime.now(UTC) + LEASE_OVER):
                    retirement.remove_source(catalog, "portal", holder="two")
            assert set(states(catalog).values()) == {"retired"} and catalog.sources.all() == []
            assert_log_tells_states(catalog)


@contextmanager
def nachuan(home: Path, database: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command as a process of its own, killed at the end if it still lives."""
    environment = {
        **os.environ,
        "NACHUAN_HOME": str(home),
        "NACHUAN_DATABASE_URL": database,
        "NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "nachuan", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def large(count: int, title: str) -> list[dict[str, Any]]:
    return [package(f"{number:05}", title=f"{title} {number}", notes="text " * 50) for number in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    ["sqlite", pytest.param("postgresql", marks=needs("postgresql", postgresql_runs(), "no PostgreSQL"))],
)
def test_c82_killed_at_random_moments_again_and_again_it_converges(tmp_path: Path, backend: str) -> None:
    """Real processes, really killed; after each, whatever stands is consistent. The seed is the test's own."""
    rng = random.Random(82)
    portal = CkanPortal(large(2000, "old"))
    pages = [0]
    reached = threading.Event()

    def counting(action: str, given: Asked) -> None:
        pages[0] -= 1
        if not pages[0]:
            reached.set()

    portal.instead = counting
    with portal.running(), _database(backend, tmp_path) as database:
        catalog = Catalog(database)
        catalog.upgrade()
        place = source("ckan", portal.url, page_size=200)
        harvested(catalog, place)
        portal.packages = large(1900, "new") + [package(f"late-{number}") for number in range(100)]
        killed = 0
        for _ in range(6):
            reached.clear()
            # Of eleven questions a run puts, the last comes before its last batch is written.
            pages[0] = rng.randrange(1, 11)
            with nachuan(tmp_path, database, "harvest", "portal", "--full") as process:
                assert reached.wait(60), "it never asked the portal"
                time.sleep(rng.uniform(0, 0.2))
                killed += process.poll() is None
                process.kill()
                process.wait()
            assert_log_tells_states(catalog)
            _let_the_lease_pass(catalog)
        assert killed >= 3, "the moments were all too late"
        run = harvested(catalog, place, full=True)
        assert run.outcome is Outcome.COMPLETE
        assert catalog.sources.dataset_counts() == {"portal": 2100}
        found = {
            entry.dataset.source_key: (entry.dataset.title, entry.state.value) for entry in catalog.walk()
        }
        expected = {each["id"]: (each["title"], "current") for each in portal.packages}
        expected |= {f"{number:05}": (f"old {number}", "missing") for number in range(1900, 2000)}
        assert found == expected
        changes = Counter((change.dataset_id, change.kind) for change in catalog.changes(limit=1_000_000))
        assert set(changes.values()) == {
            1
        }, "each dataset was added, updated or missed once, whatever died in between"
        assert all(ended.outcome is not None for ended in catalog.runs.recent("portal"))
        catalog.close()


@contextmanager
def _database(backend: str, folder: Path) -> Iterator[str]:
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'nachuan.db'}"
        return
    with postgresql_database() as url:
        yield url


def _let_the_lease_pass(catalog: Catalog) -> None:
    """Puts the lease of a dead process two minutes back, as waiting would."""
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM lease")


@pytest.mark.slow
def test_c84_two_schedulers_at_once_run_every_due_source_once(tmp_path: Path) -> None:
    """Both look at the same moment, again and again; neither is killed here."""
    database = f"sqlite:///{tmp_path / 'nachuan.db'}"
    catalog = Catalog(database)
    catalog.upgrade()
    with serve(size=300, epoch=datetime.now(UTC) - timedelta(days=30)) as sandbox:
        wanted = [place for place in sandbox.sources() if place.kind in ("ckan", "datajson", "dkan")]
        for place in wanted:
            catalog.sources.put(place)
        with (
            nachuan(tmp_path / "one", database, "work") as one,
            nachuan(tmp_path / "two", database, "work") as two,
        ):
            deadline = time.monotonic() + 120
            while len(catalog.runs.last_by_source()) < len(wanted):
                assert time.monotonic() < deadline and one.poll() is None and two.poll() is None
                time.sleep(0.2)
            # A tick more of each, in which nothing may be run again.
            time.sleep(6)
            for process in (one, two):
                process.terminate()
            assert [process.wait(timeout=30) for process in (one, two)] == [0, 0]
        runs = Counter(run.source_id for run in catalog.runs.recent(limit=1000))
        assert runs == {place.id: 1 for place in wanted}
        for place in wanted:
            truth = {key: title for key, title in sandbox.truth(place.id).items() if title is not None}
            assert catalog.sources.dataset_counts()[place.id] == len(truth)
    assert_log_tells_states(catalog)
    catalog.close()


@pytest.mark.slow
def test_c83_a_scheduler_that_was_killed_leaves_out_no_source_and_runs_none_twice(tmp_path: Path) -> None:
    """It dies with one source in the middle of its list, one done, and one that is not yet begun."""
    database = f"sqlite:///{tmp_path / 'nachuan.db'}"
    catalog = Catalog(database)
    catalog.upgrade()
    quick, slow = CkanPortal([package("quick")]), CkanPortal(large(500, "x"))
    late = CkanPortal([package("late")])
    reached, go_on = threading.Event(), threading.Event()

    def waiting(action: str, given: Asked) -> None:
        if int(given.get("start", 0)) > 200 and not go_on.is_set():
            reached.set()
            go_on.wait(60)

    slow.instead = waiting
    with quick.running(), slow.running(), late.running():
        catalog.sources.put(source("ckan", quick.url, id="quick"))
        catalog.sources.put(source("ckan", slow.url, id="slow", page_size=100))
        with nachuan(tmp_path, database, "work"):
            assert reached.wait(60)
            _until(lambda: "quick" in catalog.runs.last_by_source())
        catalog.sources.put(source("ckan", late.url, id="late"))
        go_on.set()
        assert_log_tells_states(catalog)
        _let_the_lease_pass(catalog)
        with nachuan(tmp_path, database, "work") as process:
            _until(lambda: len(catalog.runs.last_by_source(complete=True)) == 3)
            process.terminate()
            assert process.wait(timeout=30) == 0
    ended = sorted((run.source_id, run.outcome.value if run.outcome else None) for run in catalog.runs.recent())
    assert ended == [("late", "complete"), ("quick", "complete"), ("slow", "complete"), ("slow", "failed")]
    assert catalog.sources.dataset_counts() == {"quick": 1, "slow": 500, "late": 1}
    catalog.close()


def _until(condition: Callable[[], bool]) -> None:
    """Waits for what other processes do; fails after a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


@pytest.mark.slow
def test_c86_a_scheduler_told_to_stop_writes_what_came_and_the_next_begins_at_once(tmp_path: Path) -> None:
    """The portal takes minutes for its list; who stops does not wait for it."""
    database = f"sqlite:///{tmp_path / 'nachuan.db'}"
    catalog = Catalog(database)
    catalog.upgrade()
    portal = CkanPortal(large(2000, "x"))
    asked, hurry = threading.Event(), threading.Event()

    def slowly(action: str, given: Asked) -> None:
        if int(given.get("start", 0)) > 200:
            asked.set()
            hurry.wait(5)

    portal.instead = slowly
    with portal.running():
        catalog.sources.put(source("ckan", portal.url, page_size=100))
        with nachuan(tmp_path, database, "work") as process:
            assert asked.wait(60)
            process.terminate()
            assert process.wait(timeout=30) == 0
        (run,) = catalog.runs.recent("portal")
        assert (run.outcome, run.cause) == (Outcome.PARTIAL, "run.stopped")
        assert run.counts.added == run.counts.listed >= 200
        assert catalog.sources.under_way() == {}
        hurry.set()
        with nachuan(tmp_path, database, "work") as process:
            _until(lambda: catalog.runs.last("portal", complete=True) is not None)
            process.terminate()
            assert process.wait(timeout=30) == 0
    assert catalog.sources.dataset_counts() == {"portal": 2000}
    assert catalog.sources.requested() == {}
    catalog.close()
