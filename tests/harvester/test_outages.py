"""A database that restarts, breaks transactions off, has many readers or no room (faults D87 to K90)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError

from harvester import heartbeat as beating
from harvester import intake
from harvester.heartbeat import holding
from portal.catalog.engines import AWAY, TRIES, insisting
from portal.catalog.model import Counts, Outcome
from portal.catalog.store import Catalog
from tests.catalogs import POSTGRESQL, SOURCE, filled, postgresql_database, postgresql_runs, record
from tests.fixtures import needs
from tests.harvester.ckan_portal import Asked, CkanPortal, package
from tests.harvester.harvesting import assert_log_tells_states, harvested, run_of, source, states
from tests.harvester.test_killed import LEASE_OVER, Copies, after, everything, large, of
from tests.portal.web.town import build, client_of, says

needs_postgresql = needs("postgresql", postgresql_runs(), "no PostgreSQL answers on 127.0.0.1:5432")


class Server:
    """One database of the real server, which can be away for a while: nobody else's notices."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._name = make_url(url).database
        self._engine = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")

    def _say(self, *statements: str) -> None:
        with self._engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def hang_up(self) -> None:
        """Ends every connection, whatever it is in the middle of."""
        self._say(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def stop(self) -> None:
        self._say(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self.hang_up()

    def start(self) -> None:
        self._say(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def close(self) -> None:
        self.start()
        self._engine.dispose()


@pytest.fixture
def server() -> Iterator[Server]:
    with postgresql_database() as url, closing(Server(url)) as given:
        yield given


@pytest.mark.slow
@needs_postgresql
def test_d87_a_database_that_restarts_during_a_harvest_costs_neither_a_record_nor_the_run(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH_SIZE", 100)
    monkeypatch.setattr(beating, "BEAT_S", 0.2)
    portal = CkanPortal(large(1000, "x"))
    back = threading.Timer(3.0, server.start)

    def restarting(action: str, given: Asked) -> None:
        if int(given.get("start", 0)) > 400 and not back.is_alive() and not back.finished.is_set():
            server.stop()
            back.start()

    portal.instead = restarting
    catalog = Catalog(server.url, patience_s=30)
    catalog.upgrade()
    with portal.running():
        run = harvested(catalog, source("ckan", portal.url, page_size=100))
    assert back.finished.is_set(), "the database was never away"
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=1000, added=1000))
    assert catalog.sources.under_way() == {}
    catalog.close()


@pytest.mark.slow
@needs_postgresql
def test_d87_a_batch_whose_connection_ends_in_the_middle_is_written_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH_SIZE", 100)
    catalog = Catalog(server.url, patience_s=30)
    catalog.upgrade()
    ended = []

    def ending(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO raw_record") and len(ended) < 2:
            ended.append(statement)
            server.hang_up()

    event.listen(catalog.engine, "before_cursor_execute", ending)
    portal = CkanPortal(large(300, "x"))
    with portal.running():
        run = harvested(catalog, source("ckan", portal.url, page_size=100))
    assert len(ended) == 2
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=300, added=300))
    catalog.close()


@pytest.mark.slow
@needs_postgresql
def test_d87_readers_are_told_to_come_back_and_find_everything_as_it_was(server: Server) -> None:
    catalog = Catalog(server.url)
    catalog.upgrade()
    build(catalog)
    client = client_of(catalog)
    paths = ("/en/sources", "/en/datasets?q=水", "/en/datasets/hang000000000001", "/api/v1/scorecards", "/catalog.ttl")
    before = {path: client.get(path).status_code for path in paths}
    assert before["/en/sources"] == 200
    server.stop()
    began = time.monotonic()
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 503 and answer.headers["Retry-After"] == "30", path
        assert b"psycopg" not in answer.data and b"SELECT" not in answer.data
    assert says(client, "/en/sources", 503).startswith("The catalogue cannot be read just now")
    assert client.get("/readyz").status_code == 503 and client.get("/healthz").status_code == 200
    assert time.monotonic() - began < 10, "a reader waits for nothing"
    server.start()
    assert {path: client.get(path).status_code for path in paths} == before
    catalog.close()


def broken_off(*_: Any) -> OperationalError:
    return OperationalError("a statement", {}, Exception("could not serialize access"))


@contextmanager
def breaking_off(engine: Engine, statement: int, part: str = "", times: int = 1) -> Iterator[list[str]]:
    """The database gives up the transaction at its n-th statement that holds ``part``; gives those it heard."""
    heard: list[str] = []

    def hear(connection: Any, cursor: Any, said: str, *_: Any) -> None:
        if part in said:
            heard.append(said)
            if statement <= len(heard) < statement + times:
                raise broken_off()

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


WRITTEN = ("INTO dataset", "UPDATE dataset", "INTO raw_record", "INTO publisher", "INTO change", "INTO issue")


@pytest.mark.slow
@pytest.mark.parametrize("part", WRITTEN)
def test_d88_a_batch_that_the_database_breaks_off_is_written_again_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, part: str
) -> None:
    monkeypatch.setattr(intake, "BATCH_SIZE", 5)
    portal = CkanPortal()
    with portal.running():
        copies = Copies(portal, tmp_path)
        portal.packages = [each | {"organization": {"id": "o", "name": "o", "title": "Office"}} for each in after()]
        with copies.fresh() as undisturbed, breaking_off(undisturbed.engine, 0, part) as heard:
            run = harvested(undisturbed, of(portal), full=True)
            expected = everything(undisturbed)
        assert heard
        for statement in range(1, len(heard) + 1):
            with copies.fresh() as catalog, breaking_off(catalog.engine, statement, part):
                again = harvested(catalog, of(portal), full=True)
                assert (again.outcome, again.counts) == (run.outcome, run.counts)
                assert everything(catalog) == expected


def test_d88_a_batch_is_not_tried_for_ever(catalog: Catalog) -> None:
    portal = CkanPortal([package("a")])
    with portal.running(), breaking_off(catalog.engine, 1, "INTO dataset", times=1000) as heard:
        with pytest.raises(AWAY):
            run_of(catalog, source("ckan", portal.url))
    # What came before an error is written too, and that is tried as often.
    assert len(heard) == TRIES
    assert catalog.sources.under_way() == {} and [run.outcome for run in catalog.runs.recent()] == [Outcome.FAILED]


def test_d88_an_attempt_that_succeeds_is_made_once_and_a_mistake_of_ours_is_not_repeated() -> None:
    made = []
    assert insisting(lambda: made.append(1) or len(made)) == 1  # type: ignore[func-returns-value]

    def mistaken() -> None:
        made.append(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        insisting(mistaken)
    assert made == [1, 2]


def test_d87_a_beat_that_fails_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It was the end of all beats, so that the lease of a harvest went two minutes after a restart."""
    monkeypatch.setattr(beating, "BEAT_S", 0.02)
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    catalog.upgrade()
    catalog.sources.put(SOURCE)
    with breaking_off(catalog.engine, 1, "UPDATE lease", times=3) as heard:
        with holding(catalog, SOURCE.id, "test"):
            deadline = time.monotonic() + 10
            while len(heard) < 6:
                assert time.monotonic() < deadline, "no beat came after those that failed"
                time.sleep(0.01)
    catalog.close()


@pytest.mark.slow
def test_d89_fifty_readers_beside_a_writer_meet_no_lock(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    catalog.upgrade()
    filled(catalog, record("first"))
    done = threading.Event()
    failed: list[Exception] = []
    looked = [0] * 50

    def reading(place: int) -> None:
        reader = Catalog(catalog.address)
        while not done.is_set():
            try:
                assert len(reader.page(5)) >= 1 <= reader.count()
                looked[place] += 1
            except Exception as error:
                failed.append(error)
        reader.close()

    readers = [threading.Thread(target=reading, args=(place,)) for place in range(50)]
    for reader in readers:
        reader.start()
    try:
        for number in range(10):
            filled(catalog, *(record(f"{number}-{place}") for place in range(20)))
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert failed == [] and min(looked) >= 1
    assert catalog.count() == 201
    catalog.close()


@contextmanager
def room_for(catalog: Catalog, pages: int) -> Iterator[None]:
    """The database may grow by so many pages: then its disk is full, as far as SQLite can tell."""

    def bound(connection: Any, *_: Any) -> None:
        (there,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {there + pages}")

    event.listen(catalog.engine, "checkout", bound)
    try:
        yield
    finally:
        event.remove(catalog.engine, "checkout", bound)
        catalog.engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("pages", [0, 1, 3, 10])
def test_k90_a_full_disk_ends_the_run_and_the_next_with_room_makes_good(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pages: int
) -> None:
    monkeypatch.setattr(intake, "BATCH_SIZE", 5)
    portal = CkanPortal()
    with portal.running():
        copies = Copies(portal, tmp_path)
        portal.packages = [each | {"notes": f"{each['id']} words " * 300} for each in after()]
        with copies.fresh() as undisturbed:
            harvested(undisturbed, of(portal), full=True)
            expected = everything(undisturbed)
        with copies.fresh() as catalog:
            before = states(catalog)
            with room_for(catalog, pages), suppress(*AWAY):
                run_of(catalog, of(portal), full=True)
                assert pages, "there was room"
            assert_log_tells_states(catalog)
            assert before.keys() <= states(catalog).keys()
            with time_machine.travel(datetime.now(UTC) + LEASE_OVER):
                assert harvested(catalog, of(portal), full=True).outcome is Outcome.COMPLETE
            assert everything(catalog) == expected
            assert all(run.outcome is not None for run in catalog.runs.recent())
