"""What is due when, and that every source runs once however many schedulers look."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import time_machine

from harvester.scheduler import ScheduleInvalid, Scheduler, due, next_run
from portal.catalog.model import Outcome, Run, RunMode, Source
from portal.catalog.sources import LeaseLost, SourceHeld
from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def until(condition: Callable[[], bool]) -> None:
    """Waits until what the pool's threads do has come about; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def source(schedule: str, id: str = "hangzhou", timezone: str = "Asia/Shanghai") -> Source:
    return Source(id=id, title=id, kind="ckan", url="http://127.0.0.1/", schedule=schedule, timezone=timezone)


def unasked(id: str) -> None:
    """Where nothing is to be read again."""
    raise AssertionError(id)


def ended(catalog: Catalog, id: str, started: datetime) -> None:
    with time_machine.travel(started, tick=False):
        run = catalog.runs.start(id, RunMode.FULL, "x")
        catalog.runs.save(msgspec.structs.replace(run, finished=started, outcome=Outcome.COMPLETE))


def test_a_cron_time_is_meant_in_the_sources_zone() -> None:
    last = datetime(2026, 3, 9, 19, 0, tzinfo=UTC)
    assert next_run(source("0 3 * * *"), last) == datetime(2026, 3, 10, 19, 0, tzinfo=UTC)
    assert next_run(source("0 3 * * *", timezone="UTC"), last) == datetime(2026, 3, 10, 3, 0, tzinfo=UTC)


def test_a_source_never_run_is_due_at_once_and_one_harvested_by_hand_never() -> None:
    for schedule in ("0 3 * * *", "@daily"):
        at = next_run(source(schedule), None)
        assert at is not None and at < NOW
    assert next_run(source("manual"), None) is None
    assert next_run(source("manual"), NOW) is None


def test_daily_sources_do_not_all_begin_at_the_same_time() -> None:
    starts = {next_run(source("@daily", id=f"portal-{number}"), NOW) for number in range(100)}
    assert len(starts) > 90
    assert all(at is not None and NOW < at <= NOW + timedelta(days=1) for at in starts)


def test_a_daily_source_keeps_its_time() -> None:
    first = next_run(source("@daily"), NOW)
    assert first is not None
    assert next_run(source("@daily"), first) == first + timedelta(days=1)


def test_three_days_missed_are_made_up_for_by_one_run(catalog: Catalog) -> None:
    catalog.sources.put(source("0 3 * * *"))
    ended(catalog, "hangzhou", NOW - timedelta(days=3))
    assert due(catalog, NOW) == ["hangzhou"]
    ended(catalog, "hangzhou", NOW)
    assert due(catalog, NOW) == []


@pytest.mark.parametrize("schedule", ["every day", "0 3 * *", "61 3 * * *", ""])
def test_what_is_no_schedule_is_refused_in_words(schedule: str) -> None:
    with pytest.raises(ScheduleInvalid, match="not a schedule"):
        next_run(source(schedule), None)


def test_the_longest_overdue_comes_first_and_paused_and_running_ones_not_at_all(catalog: Catalog) -> None:
    for id, days in (("a", 2), ("b", 5), ("c", 3), ("d", 4)):
        catalog.sources.put(source("0 3 * * *", id=id))
        ended(catalog, id, NOW - timedelta(days=days))
    catalog.sources.pause("c")
    with time_machine.travel(NOW, tick=False):
        catalog.sources.lease("d", "somebody")
        assert due(catalog, NOW) == ["b", "a"]


def test_a_tick_harvests_what_is_due_and_what_is_asked_for_once(catalog: Catalog) -> None:
    catalog.sources.put(source("manual", id="asked"))
    catalog.sources.put(source("@daily", id="due"))
    catalog.sources.put(source("manual", id="quiet"))
    catalog.sources.request_run("asked", RunMode.FULL)
    seen: list[tuple[str, bool]] = []

    def harvest(id: str, full: bool) -> Run:
        seen.append((id, full))
        ended(catalog, id, datetime.now(UTC))
        return catalog.runs.recent(id)[0]

    scheduler = Scheduler(catalog, harvest, reread=unasked, workers=1)
    scheduler.tick()
    until(lambda: len(seen) == 2)
    scheduler.stop()
    assert sorted(seen) == [("asked", True), ("due", False)]


def test_reading_again_is_asked_for_apart_and_a_harvest_does_it_too(catalog: Catalog) -> None:
    for id in ("both", "reread"):
        catalog.sources.put(source("manual", id=id))
        catalog.sources.request_run(id, RunMode.REREAD)
    catalog.sources.request_run("both", RunMode.INCREMENTAL)
    seen: list[tuple[str, str]] = []

    def harvest(id: str, full: bool) -> Run:
        seen.append((id, "full" if full else "changes"))
        return Run(id=1, source_id=id, mode=RunMode.FULL, started=NOW)

    scheduler = Scheduler(catalog, harvest, reread=lambda id: seen.append((id, "reread")), workers=1)
    scheduler.tick()
    until(lambda: len(seen) == 2)
    scheduler.stop()
    assert sorted(seen) == [("both", "changes"), ("reread", "reread")]


def test_what_is_asked_of_a_source_under_way_waits_until_it_is_free(catalog: Catalog) -> None:
    catalog.sources.put(source("manual"))
    seen: list[str] = []
    scheduler = Scheduler(
        catalog, lambda id, full: Run(id=1, source_id=id, mode=RunMode.FULL, started=NOW), reread=seen.append
    )
    lease = catalog.sources.lease("hangzhou", "another process")
    catalog.sources.request_run("hangzhou", RunMode.REREAD)
    scheduler.tick()
    assert catalog.sources.requested() == {"hangzhou": [RunMode.REREAD]} and seen == []
    catalog.sources.release(lease)
    scheduler.tick()
    until(lambda: seen == ["hangzhou"])
    scheduler.stop()
    assert catalog.sources.requested() == {}


def test_reading_again_does_not_put_off_what_is_due(catalog: Catalog) -> None:
    catalog.sources.put(source("0 3 * * *"))
    ended(catalog, "hangzhou", NOW - timedelta(days=3))
    with time_machine.travel(NOW - timedelta(minutes=1), tick=False):
        run = catalog.runs.start("hangzhou", RunMode.REREAD, "x")
        catalog.runs.save(msgspec.structs.replace(run, finished=NOW, outcome=Outcome.COMPLETE))
    assert due(catalog, NOW) == ["hangzhou"]


def test_a_run_that_ends_while_one_looks_is_not_run_again(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.sources.put(source("@daily"))
    assert due(catalog, NOW) == ["hangzhou"]
    lease = catalog.sources.lease("hangzhou", "another")
    look = catalog.sources.under_way

    def ends_first() -> Mapping[str, str]:
        ended(catalog, "hangzhou", NOW)
        catalog.sources.release(lease)
        return look()

    with monkeypatch.context() as patch:
        patch.setattr(catalog.sources, "under_way", ends_first)
        assert due(catalog, NOW) == []


def test_one_sources_fault_leaves_the_others_alone(catalog: Catalog) -> None:
    catalog.sources.put(source("@daily", id="broken"))
    catalog.sources.put(source("@daily", id="held"))
    catalog.sources.put(source("@daily", id="well"))
    seen: list[str] = []

    def harvest(id: str, full: bool) -> Run:
        seen.append(id)
        if id == "broken":
            raise ZeroDivisionError
        if id == "held":
            raise SourceHeld("held")
        return catalog.runs.start(id, RunMode.FULL, "x")

    scheduler = Scheduler(catalog, harvest, reread=unasked, workers=1)
    scheduler.tick()
    until(lambda: len(seen) == 3)
    scheduler.stop()
    assert sorted(seen) == ["broken", "held", "well"]


def test_a_source_under_way_in_this_process_is_not_handed_out_again(catalog: Catalog) -> None:
    catalog.sources.put(source("@daily"))
    begun, release = threading.Event(), threading.Event()
    calls: list[str] = []

    def harvest(id: str, full: bool) -> Run:
        calls.append(id)
        begun.set()
        release.wait(10)
        return Run(id=1, source_id=id, mode=RunMode.FULL, started=NOW)

    scheduler = Scheduler(catalog, harvest, reread=unasked, workers=2)
    scheduler.tick()
    assert begun.wait(10)
    scheduler.tick()
    release.set()
    scheduler.stop()
    assert calls == ["hangzhou"]


def test_the_clock_outlives_a_database_that_is_away(catalog: Catalog) -> None:
    looked: list[datetime] = []

    def away() -> None:
        looked.append(datetime.now(UTC))
        raise ConnectionError("the database restarts")

    def harvest(id: str, full: bool) -> Run:
        return Run(id=1, source_id=id, mode=RunMode.FULL, started=NOW)

    scheduler = Scheduler(catalog, harvest, reread=unasked, after=away)
    scheduler.tick()
    scheduler.tick()
    scheduler.stop()
    assert len(looked) == 2


def test_what_was_asked_for_and_never_begun_is_left_to_the_next_scheduler(catalog: Catalog) -> None:
    """Both were taken up, one waited for the only thread when the process was told to end."""
    begun, release = threading.Event(), threading.Event()
    for id in ("first", "second"):
        catalog.sources.put(source("manual", id=id))
        catalog.sources.request_run(id, RunMode.FULL)

    def harvest(id: str, full: bool) -> Run:
        begun.set()
        release.wait(10)
        return Run(id=1, source_id=id, mode=RunMode.FULL, started=NOW)

    scheduler = Scheduler(catalog, harvest, reread=unasked, workers=1)
    scheduler.tick()
    assert begun.wait(10) and catalog.sources.requested() == {}
    threading.Timer(0.2, release.set).start()
    scheduler.stop()
    assert catalog.sources.requested() == {"second": [RunMode.FULL]}


def test_c86_a_run_that_was_stopped_is_asked_for_again(catalog: Catalog) -> None:
    catalog.sources.put(source("@daily"))
    stopped = Run(
        id=1, source_id="hangzhou", mode=RunMode.INCREMENTAL, started=NOW, outcome=Outcome.PARTIAL, cause="run.stopped"
    )
    begun = threading.Event()

    def harvest(id: str, full: bool) -> Run:
        begun.set()
        return stopped

    scheduler = Scheduler(catalog, harvest, reread=unasked)
    scheduler.tick()
    assert begun.wait(10)
    scheduler.stop()
    assert catalog.sources.requested() == {"hangzhou": [RunMode.INCREMENTAL]}


def test_n09_a_portal_that_asks_us_to_come_back_later_is_due_no_sooner(catalog: Catalog) -> None:
    catalog.sources.put(source("@hourly"))
    with time_machine.travel(NOW, tick=False):
        run = catalog.runs.start("hangzhou", RunMode.FULL, "x")
        busy = {"finished": NOW, "outcome": Outcome.FAILED, "cause": "portal.busy", "not_before": NOW + timedelta(hours=5)}
        catalog.runs.save(msgspec.structs.replace(run, **busy))
    assert due(catalog, NOW + timedelta(hours=4)) == []
    assert due(catalog, NOW + timedelta(hours=5)) == ["hangzhou"]


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)])
def test_t74_a_clock_that_jumps_a_day_makes_no_source_run_twice_nor_never(catalog: Catalog, jump: timedelta) -> None:
    """For an hour our clock is a day ahead, or behind, and then right again: each source runs once a day all the same."""
    ids = [f"portal-{number}" for number in range(20)]
    for id in ids:
        catalog.sources.put(source("@daily", id=id))
        ended(catalog, id, NOW - timedelta(hours=1))

    def hours(begin: datetime, count: int) -> list[str]:
        ran = []
        for hour in range(count):
            moment = begin + timedelta(hours=hour)
            for id in due(catalog, moment):
                ended(catalog, id, moment)
                ran.append(id)
        return ran

    assert max(Counter(hours(NOW + jump, 1)).values(), default=0) <= 1
    assert set(hours(NOW + timedelta(hours=1), 49)) == set(ids)
    assert sorted(hours(NOW + timedelta(hours=50), 24)) == sorted(ids)


def test_t74_a_lease_that_a_jump_ends_too_soon_is_fenced(catalog: Catalog) -> None:
    catalog.sources.put(source("@daily"))
    lease = catalog.sources.lease("hangzhou", "one")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        other = catalog.sources.lease("hangzhou", "two")
    with pytest.raises(LeaseLost):
        catalog.sources.renew(lease)
    # Back in time, the other's next beat says when the lease really ends.
    catalog.sources.renew(other)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3)):
        catalog.sources.lease("hangzhou", "three")


@pytest.mark.parametrize(
    ("schedule", "timezone", "last", "following"),
    [
        # 02:30 does not exist on the night the clocks go forward, and stands twice when they go back.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T01:30:00Z", ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T00:30:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("0 3 29 2 *", "Asia/Shanghai", "2026-01-01T00:00:00Z", ["2028-02-28T19:00:00Z", "2032-02-28T19:00:00Z"]),
        ("0 3 31 * *", "UTC", "2026-01-31T03:00:00Z", ["2026-03-31T03:00:00Z", "2026-05-31T03:00:00Z"]),
        ("0 0 1 1 *", "America/New_York", "2026-06-01T00:00:00Z", ["2027-01-01T05:00:00Z", "2028-01-01T05:00:00Z"]),
    ],
    ids=["forward", "back", "leap day", "31st", "new year"],
)
def test_t76_odd_days_and_nights_have_the_right_next_run(
    schedule: str, timezone: str, last: str, following: list[str]
) -> None:
    at = datetime.fromisoformat(last)
    for expected in following:
        found = next_run(source(schedule, timezone=timezone), at)
        assert found is not None and found.astimezone(UTC) == datetime.fromisoformat(expected)
        at = found


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Catalog]:
    """A catalogue that many threads may read at once, which one in memory is not for."""
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    yield catalog
    catalog.close()


class SlowPortals:
    """Portals of which those named ``slow…`` answer only when they are told to; the others at once."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.under_way: list[str] = []
        self.most = 0
        self.ran: list[str] = []

    def harvest(self, id: str, full: bool) -> Run:
        self.under_way.append(id)
        self.most = max(self.most, len(self.under_way))
        if id.startswith("slow"):
            self.answer.wait(20)
        self.under_way.remove(id)
        self.ran.append(id)
        return Run(id=1, source_id=id, mode=RunMode.FULL, started=NOW)


def test_slow_portals_keep_a_quick_one_waiting_only_until_they_have_lasted_long(on_disk: Catalog) -> None:
    """As many as there are workers answer nothing for hours; a source that is due meanwhile is harvested all the same."""
    for id in ("slow-1", "slow-2"):
        on_disk.sources.put(source("@daily", id=id))
    portals = SlowPortals()
    scheduler = Scheduler(on_disk, portals.harvest, reread=unasked, workers=2, beside=2, long_s=0.3)
    scheduler.tick()
    until(lambda: len(portals.under_way) == 2)
    on_disk.sources.put(source("@daily", id="quick"))
    scheduler.tick()
    assert portals.ran == [], "it waits for a turn first"
    until(lambda: portals.ran == ["quick"])
    assert sorted(portals.under_way) == ["slow-1", "slow-2"]
    portals.answer.set()
    scheduler.stop()
    assert sorted(portals.ran) == ["quick", "slow-1", "slow-2"]


def test_of_long_runs_no_more_go_on_beside_than_there_is_room_for(on_disk: Catalog) -> None:
    for number in range(9):
        on_disk.sources.put(source("@daily", id=f"slow-{number}"))
    portals = SlowPortals()
    scheduler = Scheduler(on_disk, portals.harvest, reread=unasked, workers=2, beside=3, long_s=0.01)
    scheduler.tick()
    until(lambda: len(portals.under_way) == 5)
    time.sleep(0.2)
    portals.answer.set()
    until(lambda: len(portals.ran) == 9)
    scheduler.stop()
    assert portals.most == 5


def test_runs_that_are_short_are_never_more_than_the_workers(on_disk: Catalog) -> None:
    for number in range(9):
        on_disk.sources.put(source("@daily", id=f"slow-{number}"))
    portals = SlowPortals()
    scheduler = Scheduler(on_disk, portals.harvest, reread=unasked, workers=2, long_s=60)
    scheduler.tick()
    until(lambda: len(portals.under_way) == 2)
    time.sleep(0.2)
    assert portals.most == 2
    portals.answer.set()
    until(lambda: len(portals.ran) == 9)
    scheduler.stop()
    assert portals.most == 2
