"""The clock: which sources are due, a small pool of threads that harvests them, one that checks links, one for the night."""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from msgspec import Struct

from harvester.errors import STOPPED
from portal.catalog.model import Run, RunMode, Source
from portal.catalog.sources import LeaseLost, SourceHeld
from portal.catalog.store import Catalog

log = logging.getLogger(__name__)

TICK_S = 5
"""How often the clock looks what is due."""

_MOST = (RunMode.REREAD, RunMode.INCREMENTAL, RunMode.FULL)
"""What may be asked for; each does what those before it do too."""

LONG_S = 15 * 60.0
"""A run that takes longer gives its turn to the next and goes on beside: it waits for its portal nearly all the time."""

BESIDE = 12
"""Runs that may so go on beside the others; where more are long, the next waits until one ends."""

REST_S = 60
"""How long what runs beside the harvests rests between two rounds."""

_EVERY = {"@hourly": timedelta(hours=1), "@daily": timedelta(days=1), "@weekly": timedelta(days=7)}


class ScheduleInvalid(ValueError):
    """Neither a cron expression of five fields nor one of the words."""


def next_run(source: Source, last: datetime | None) -> datetime | None:
    """When a source is due after its last run began; None when it is harvested by hand only.

    A source never run is due at once. ``@daily`` and the like come at a time of their own for each source, so that a
    hundred of them do not all begin at midnight. However many times were missed, one run makes up for them.
    Raises ScheduleInvalid.
    """
    if source.schedule == "manual":
        return None
    every = _EVERY.get(source.schedule)
    if every is not None:
        return datetime.min.replace(tzinfo=UTC) if last is None else _slot_after(source, last, every)
    try:
        trigger = CronTrigger.from_crontab(source.schedule, timezone=ZoneInfo(source.timezone))
    except (ValueError, KeyError) as error:
        raise ScheduleInvalid(f"not a schedule: {source.schedule!r} in {source.timezone!r}") from error
    if last is None:
        return datetime.min.replace(tzinfo=UTC)
    # The trigger answers with the first moment not before the one given, which may be the last run's own.
    following: datetime | None = trigger.get_next_fire_time(None, last + timedelta(seconds=1))
    if following is not None and following.fold and source.schedule.split()[1].isdecimal():
        # The night the clocks go back has that hour twice, and the first was its time.
        following = trigger.get_next_fire_time(None, following.astimezone(UTC) + timedelta(seconds=1))
    return following


def _slot_after(source: Source, last: datetime, every: timedelta) -> datetime:
    offset = timedelta(seconds=zlib.crc32(source.id.encode()) % int(every.total_seconds()))
    epoch = datetime(1970, 1, 1, tzinfo=UTC) + offset
    return epoch + ((last - epoch) // every + 1) * every


def due(catalog: Catalog, now: datetime) -> list[str]:
    """The ids of the sources to harvest now, longest overdue first.

    Paused and running ones are left out, and those whose portal asked us to come back later.
    """
    # In this order: a run is written down before its lease is given back, so one that ends meanwhile is seen here or there.
    running = catalog.sources.under_way()
    last = catalog.runs.last_by_source()
    waiting: list[tuple[datetime, str]] = []
    for entry in catalog.sources.all():
        if entry.paused or entry.source.id in running:
            continue
        run = last.get(entry.source.id)
        try:
            at = next_run(entry.source, None if run is None else run.started)
        except ScheduleInvalid:
            log.exception("source %s cannot be scheduled", entry.source.id)
            continue
        if run is not None and run.not_before is not None and run.not_before > now:
            continue
        if at is not None and at <= now:
            waiting.append((at, entry.source.id))
    return [id for _, id in sorted(waiting)]


class _Turns:
    """Admits so many runs at a time, and does not count those that have lasted ``long_s``."""

    def __init__(self, turns: int, long_s: float) -> None:
        self._free = threading.Semaphore(turns)
        self._long_s = long_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a turn and has it until the block ends, or until it has lasted long."""
        self._free.acquire()
        unreturned = threading.Lock()

        def give_back() -> None:
            # The clock and the end of the run may come at the same moment.
            if unreturned.acquire(blocking=False):
                self._free.release()

        clock = threading.Timer(self._long_s, give_back)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()
            give_back()


class _Underway(Struct, frozen=True):
    """A run handed to the pool, and the wish it fulfils; None for a source that was due."""

    future: Future[None]
    wish: RunMode | None


class Scheduler:
    """Harvests what is due or asked for until it is stopped. Several may run: a source's lease admits one."""

    def __init__(
        self,
        catalog: Catalog,
        harvest: Callable[[str, bool], Run],
        *,
        reread: Callable[[str], None],
        workers: int = 4,
        beside: int = BESIDE,
        long_s: float = LONG_S,
        after: Callable[[], None] = lambda: None,
        links: Callable[[threading.Event], object] | None = None,
        nightly: Callable[[threading.Event], object] | None = None,
    ) -> None:
        """``harvest(source id, full)`` does one run, ``reread(source id)`` makes what stands follow the decisions.

        ``workers`` runs go at a time; those that have lasted ``long_s`` no longer count, up to ``beside`` of them.
        ``after`` is called on every tick, for what follows the log. ``links(stop)`` checks links for a while, or until
        ``stop`` is set; it is called again and again beside the harvests, which it neither waits for nor keeps waiting.
        So is ``nightly(stop)``, which sees for itself whether a day is over.
        """
        self._catalog = catalog
        self._harvest = harvest
        self._reread = reread
        self._after = after
        self._pool = ThreadPoolExecutor(workers + beside, thread_name_prefix="harvest")
        self._turns = _Turns(workers, long_s)
        self._running: dict[str, _Underway] = {}
        self._clock = BackgroundScheduler(timezone=UTC)
        self._stopping = threading.Event()
        self._beside = [
            threading.Thread(target=self._again, args=(work,), name=name, daemon=True)
            for name, work in (("link-checker", links), ("nightly", nightly))
            if work is not None
        ]

    def start(self) -> None:
        """Starts the clock; returns at once."""
        self._clock.add_job(
            self.tick, "interval", seconds=TICK_S, next_run_time=datetime.now(UTC), max_instances=1, coalesce=True
        )
        self._clock.start()
        for thread in self._beside:
            thread.start()

    def tick(self) -> None:
        """Looks once what is asked for and what is due, and hands it to the pool."""
        try:
            self._hand_out()
            self._after()
        except Exception:
            # The clock must outlive a database that is restarting: the next tick tries again.
            log.exception("the scheduler could not look what is due")

    def stop(self) -> None:
        """Stops the clock and waits for the runs and the questions under way.

        What was asked for and did not come to its turn is asked for again, of whoever comes next.
        """
        self._stopping.set()
        if self._clock.running:
            self._clock.shutdown()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for source_id, run in self._running.items():
            if run.future.cancelled() and run.wish is not None:
                self._catalog.sources.request_run(source_id, run.wish)
        for thread in self._beside:
            if thread.is_alive():
                thread.join()

    def _again(self, work: Callable[[threading.Event], object]) -> None:
        while not self._stopping.is_set():
            try:
                work(self._stopping)
            except Exception:
                # As for the clock: what failed in this round may go well in the next.
                log.exception("a round of the %s broke off", threading.current_thread().name)
            self._stopping.wait(REST_S)

    def _hand_out(self) -> None:
        self._running = {id: run for id, run in self._running.items() if not run.future.done()}
        busy = {*self._running, *self._catalog.sources.under_way()}
        wishes: dict[str, RunMode] = {}
        for request in self._catalog.sources.take_requests(busy=busy):
            wishes[request.source_id] = max(request.mode, wishes.get(request.source_id, request.mode), key=_MOST.index)
        for source_id in [*wishes, *due(self._catalog, datetime.now(UTC))]:
            if source_id not in self._running:
                wish = wishes.get(source_id)
                self._running[source_id] = _Underway(self._pool.submit(self._work, source_id, wish), wish)

    def _work(self, source_id: str, wish: RunMode | None) -> None:
        """One run, in its turn; ``wish`` is None for a source that was due, else what was asked for."""
        try:
            with self._turns.turn():
                self._run(source_id, wish)
        except (SourceHeld, LeaseLost) as error:
            log.info("%s", error)
        except Exception:
            # One source's fault must not take the thread from the others.
            log.exception("the harvest of %s broke off", source_id)

    def _run(self, source_id: str, wish: RunMode | None) -> None:
        if self._stopping.is_set():
            if wish is not None:
                self._catalog.sources.request_run(source_id, wish)
        elif wish is RunMode.REREAD:
            self._reread(source_id)
        # While it waited for its turn, another scheduler may have harvested it.
        elif wish is not None or source_id in due(self._catalog, datetime.now(UTC)):
            run = self._harvest(source_id, wish is RunMode.FULL)
            if run.cause == STOPPED:
                self._catalog.sources.request_run(source_id, run.mode)
