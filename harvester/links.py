"""The link checker: asks for the addresses that are due, one at a time at each host, and writes down what came.

Every address is claimed before it is asked for and settled as soon as it has answered, so that a checker that dies
is followed by one that asks nothing twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from harvester.errors import PortalResting, RunOver
from harvester.link_answers import Answer
from harvester.link_states import host_wait_s, is_trouble, judged
from portal.catalog.links import Address, Claim, Links, Settled
from portal.catalog.model import LinkState

log = logging.getLogger(__name__)

EVERY_DAYS = 14.0
"""Until an address that is well is asked for again."""

HOST_LEASE_S = 120.0
"""How long a host waits for a checker that died."""

ADDRESS_LEASE_S = 3600.0
"""How long an address waits for one that died between asking and writing down."""

RENEWED_S = 30.0

PATIENCE_S = 5.0
"""How long a round waits for a host that is due but not free; longer waits are for the next round."""

SILENT_HOSTS = 5
"""So many hosts in a row without an answer, and we look whether the silence is ours."""

VOID_S = 3600.0
"""Until an address is asked for again when the silence was ours."""

Ask: TypeAlias = Callable[[Address], Answer]
"""Asks for one address; raises PortalResting where its host is left alone."""


class End(StrEnum):
    """Why a round ended."""

    DONE = "done"
    """Nothing that may be asked for now is due any more."""
    LIMIT = "limit"
    TIME = "time"
    STOPPED = "stopped"
    OFFLINE = "offline"
    """No host answered: the fault is taken to be ours."""


class Round(Struct, frozen=True, kw_only=True):
    """What one call of ``check`` did."""

    asked: int = 0
    """Addresses that were asked for and about which something was learned."""
    states: Mapping[LinkState, int] = {}
    """How many of them are now in which state."""
    changed: int = 0
    """How many came into another state than before, or into their first."""
    void: int = 0
    """Addresses asked for in vain while we may have been offline: nothing of them was written down."""
    end: End | None = None
    """None while it lasts."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much one round asks, and how fast."""

    workers: int = 16
    """Hosts that are asked at the same time."""
    limit: int | None = None
    budget_s: float | None = None
    every_days: float = EVERY_DAYS
    source_id: str | None = None
    """Only addresses that this source gives."""
    host_lease_s: float = HOST_LEASE_S
    address_lease_s: float = ADDRESS_LEASE_S
    gap_s: Callable[[str], float] = lambda host: 1.0
    """How long a host is left in peace between two addresses."""


class _Asked(Struct, frozen=True):
    """A claim and what came of it; ``answer`` is None where nobody was asked: the host is left alone, or we stop."""

    claim: Claim
    answer: Answer | None


def allowance(links: Links, a_day: int, now: datetime) -> int:
    """How many addresses may be asked for now, if ``a_day`` of them are spread evenly over each day (UTC)."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(0, int(a_day * ((now - midnight) / timedelta(days=1))) - links.asked_on(now.date()))


def check(
    links: Links,
    ask: Ask,
    plan: Plan = Plan(),
    *,
    stop: threading.Event | None = None,
    progress: Callable[[Round], None] = lambda so_far: None,
) -> Round:
    """Asks for what is due until nothing is, or as far as the plan goes; what was done."""
    checking = _Checking(links, ask, plan, stop or threading.Event(), progress)
    with ThreadPoolExecutor(plan.workers, thread_name_prefix="links") as pool:
        return checking.run(pool)


class _Checking:
    """One round under way. Only the thread that runs it speaks to the database."""

    def __init__(
        self,
        links: Links,
        ask: Ask,
        plan: Plan,
        stop: threading.Event,
        progress: Callable[[Round], None],
    ) -> None:
        self._links = links
        self._ask = ask
        self._plan = plan
        self._stop = stop
        self._progress = progress
        self._among = None if plan.source_id is None else links.hosts(plan.source_id)
        self._pending: dict[Future[_Asked], Claim] = {}
        self._doubtful: list[_Asked] = []
        self._claimed = 0
        self._done = Round()
        self._end: End | None = None
        now = datetime.now(UTC)
        self._until = None if plan.budget_s is None else now + timedelta(seconds=plan.budget_s)
        self._renewed = now

    def run(self, pool: ThreadPoolExecutor) -> Round:
        """The whole round."""
        while True:
            now = datetime.now(UTC)
            self._look_at_the_end(now)
            if self._end is None:
                self._begin_more(pool, now)
            if self._pending:
                self._take_in()
            elif self._end is not None or not self._wait_for_a_host(now):
                break
        self._resolve_doubts()
        self._done = replace(self._done, end=self._end or End.DONE)
        log.info("links: %s", self._done)
        return self._done

    def _look_at_the_end(self, now: datetime) -> None:
        if self._end is not None:
            return
        if self._stop.is_set():
            self._end = End.STOPPED
        elif self._plan.limit is not None and self._claimed >= self._plan.limit:
            self._end = End.LIMIT
        elif self._until is not None and now >= self._until:
            self._end = End.TIME

    def _begin_more(self, pool: ThreadPoolExecutor, now: datetime) -> None:
        room = self._plan.workers - len(self._pending)
        if self._plan.limit is not None:
            room = min(room, self._plan.limit - self._claimed)
        if room <= 0:
            return
        found = self._links.claim(
            room,
            now,
            host_s=self._plan.host_lease_s,
            address_s=self._plan.address_lease_s,
            among=self._among,
            source_id=self._plan.source_id,
        )
        if self._among is not None:
            self._among.difference_update(found.idle)
        self._claimed += len(found.claims)
        for claim in found.claims:
            self._pending[pool.submit(self._asked, claim)] = claim

    def _asked(self, claim: Claim) -> _Asked:
        try:
            return _Asked(claim, self._ask(claim.address))
        except (PortalResting, RunOver):
            return _Asked(claim, None)

    def _wait_for_a_host(self, now: datetime) -> bool:
        """Waits until a host is free; False when none will be soon."""
        free = self._links.next_free(now, self._among)
        if free is None or free > now + timedelta(seconds=PATIENCE_S):
            return False
        self._stop.wait(max(0.01, (free - now).total_seconds()))
        return True

    def _take_in(self) -> None:
        """Writes down the answers that have come, and keeps the hosts that are still being asked."""
        done, _ = wait(self._pending, timeout=1.0, return_when=FIRST_COMPLETED)
        came = [future.result() for future in done]
        for future in done:
            del self._pending[future]
        silent = [one for one in came if one.answer is not None and one.answer.is_silence]
        self._doubtful += silent
        heard = [one for one in came if one not in silent]
        if any(one.answer is not None and one.answer.status is not None for one in heard):
            # Somebody answers us: whoever did not is silent himself.
            heard += self._doubtful
            self._doubtful = []
        self._settle(heard)
        self._keep_hosts()
        if len({one.claim.address.host for one in self._doubtful}) >= SILENT_HOSTS:
            self._resolve_doubts()

    def _keep_hosts(self) -> None:
        now = datetime.now(UTC)
        if self._pending and now - self._renewed >= timedelta(seconds=min(RENEWED_S, self._plan.host_lease_s / 4)):
            hosts = {claim.address.host for claim in self._pending.values()}
            self._links.renew(hosts, now + timedelta(seconds=self._plan.host_lease_s))
            self._renewed = now

    def _resolve_doubts(self) -> None:
        """Looks whether anybody answers us; where nobody does, what was asked in vain is as if it had not been."""
        if not self._doubtful:
            return
        doubtful, self._doubtful = self._doubtful, []
        hosts = {one.claim.address.host for one in doubtful}
        if any(self._answers(address) for address in self._links.answering(hosts)):
            self._settle(doubtful)
            return
        now = datetime.now(UTC)
        self._links.settle([_put_off(one.claim, now) for one in doubtful], now)
        self._done = replace(self._done, void=self._done.void + len(doubtful))
        self._end = End.OFFLINE

    def _answers(self, address: Address) -> bool:
        try:
            return self._ask(address).status is not None
        except (PortalResting, RunOver):
            return False

    def _settle(self, came: list[_Asked]) -> None:
        if not came:
            return
        now = datetime.now(UTC)
        settled = [self._settled(one.claim, one.answer, now) for one in came]
        self._links.settle(settled, now)
        states = dict(self._done.states)
        learned = [(one.address.link, one.link) for one in settled if one.link is not None]
        for _, link in learned:
            states[link.state] = states.get(link.state, 0) + 1
        changed = sum(1 for before, link in learned if before is None or before.state is not link.state)
        self._done = replace(
            self._done,
            asked=self._done.asked + len(learned),
            states=states,
            changed=self._done.changed + changed,
        )
        self._progress(self._done)

    def _settled(self, claim: Claim, answer: Answer | None, now: datetime) -> Settled:
        if answer is None:
            return _put_off(claim, now)
        judgement = judged(claim.address, answer, now, self._plan.every_days)
        failures = claim.host_failures + 1 if is_trouble(answer) else 0
        wait_s = max(self._plan.gap_s(claim.address.host), host_wait_s(answer, failures))
        return Settled(
            address=claim.address,
            link=judgement.link,
            failing=judgement.failing,
            due=judgement.due,
            host_free=now + timedelta(seconds=wait_s),
            host_failures=failures,
            host_answered=answer.status is not None and failures == 0,
        )


def _put_off(claim: Claim, now: datetime) -> Settled:
    """Nothing was learned: the address is due again after a while, and its host keeps its record."""
    return Settled(
        address=claim.address,
        link=None,
        failing=claim.address.failing,
        due=now + timedelta(seconds=VOID_S),
        host_free=now + timedelta(seconds=60),
        host_failures=claim.host_failures,
        host_answered=False,
    )
