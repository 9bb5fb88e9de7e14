"""When a host may be asked: one question at a time, as slowly as agreed, and not at all while it is down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harvester.errors import PortalResting

LONGEST_DELAY_S = 30.0
_LONGEST_RETRY_AFTER_S = 30 * 86400.0


class _Host:
    """What is remembered of one host."""

    def __init__(self) -> None:
        self.holder: int | None = None
        self.depth = 0
        self.next_at = 0.0
        self.delay_s = 0.0
        self.failures = 0
        self.resting_until = 0.0


class Pacing:
    """The turns of all hosts, shared by every run of a process.

    A thread may take a second turn of a host it already holds: a connector reads a page while a longer
    listing is still coming, and would otherwise wait for itself.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        failures: int = 10,
        rest_s: float = 60.0,
    ) -> None:
        """After ``failures`` failures in a row a host is left alone for ``rest_s``, then tried once."""
        self._clock = clock
        self._sleep = sleep
        self._failures = failures
        self._rest_s = rest_s
        self._hosts: dict[str, _Host] = {}
        self._freed = threading.Condition()

    @contextmanager
    def turn(self, host: str, gap_s: float) -> Iterator[None]:
        """Waits for the host's turn and keeps it; questions start at least ``gap_s`` apart (0: no pause).

        Raises PortalResting while the host is left alone.
        """
        state = self._take(host)
        try:
            now = self._clock()
            if state.resting_until > now:
                left_s = state.resting_until - now
                raise PortalResting(
                    f"{host} failed {state.failures} times in a row and is left alone for {left_s:.0f} s more"
                )
            start = max(now, state.next_at)
            if start > now:
                self._sleep(start - now)
            state.next_at = start + (max(gap_s, state.delay_s) if gap_s else 0.0)
            yield
        finally:
            self._give_back(state)

    def answered(self, host: str, latency_s: float) -> None:
        """A good answer: the host is well, and its delay moves halfway to what it takes to answer."""
        with self._freed:
            state = self._state(host)
            state.failures = 0
            state.delay_s = min(LONGEST_DELAY_S, (state.delay_s + latency_s) / 2)

    def failed(self, host: str) -> None:
        """No good answer. It never lowers the delay: errors are often quicker than answers."""
        with self._freed:
            state = self._state(host)
            state.failures += 1
            if state.failures >= self._failures:
                state.resting_until = self._clock() + self._rest_s

    def postpone(self, host: str, wait_s: float) -> None:
        """Nobody asks the host again before ``wait_s`` have passed."""
        with self._freed:
            state = self._state(host)
            state.next_at = max(state.next_at, self._clock() + wait_s)

    def is_resting(self, host: str) -> bool:
        """Whether the host is left alone at present."""
        with self._freed:
            return self._state(host).resting_until > self._clock()

    def _state(self, host: str) -> _Host:
        return self._hosts.setdefault(host, _Host())

    def _take(self, host: str) -> _Host:
        me = threading.get_ident()
        with self._freed:
            state = self._state(host)
            self._freed.wait_for(lambda: state.holder in (None, me))
            state.holder = me
            state.depth += 1
            return state

    def _give_back(self, state: _Host) -> None:
        with self._freed:
            state.depth -= 1
            if state.depth == 0:
                state.holder = None
                self._freed.notify_all()


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the portal asks us to wait, in seconds or by a date; None when it did not say it readably."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal():
        return min(float(said), _LONGEST_RETRY_AFTER_S)
    until = _instant(said)
    if until is None:
        return None
    # Measured from the portal's own clock where it tells the time: ours and theirs may differ by minutes.
    now = _instant(headers.get("Date", "")) or datetime.now(UTC)
    return min(max(0.0, (until - now).total_seconds()), _LONGEST_RETRY_AFTER_S)


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
