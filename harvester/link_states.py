"""What an answer means for an address: pure judgement, no network, no clock.

An address is gone only after several answers that say so, days apart. What may be the server's bad day, or ours,
makes it unknown at most, and leaves one that is gone as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from harvester.link_answers import Answer
from portal.catalog.links import Address, Failing
from portal.catalog.model import Link, LinkState


class Rule(Struct, frozen=True):
    """When answers of a kind have told often enough what they tell; until then the address is unknown."""

    state: LinkState
    times: int
    days: float
    """Between the first and the last of them, at least."""
    again_days: float
    """Until the next is asked for."""


RULES: Mapping[str, Rule] = {
    "link.not-found": Rule(LinkState.GONE, times=3, days=6, again_days=3.5),
    # Something is there, day after day, and it is not the file: the mark of an error page says so beside the state.
    "link.page-not-file": Rule(LinkState.AVAILABLE, times=3, days=6, again_days=3.5),
    "link.host-not-found": Rule(LinkState.GONE, times=5, days=28, again_days=8),
    "link.connection-refused": Rule(LinkState.GONE, times=5, days=28, again_days=8),
}
"""By cause. A host that is away is more often repaired than a file that is not found."""

SOON = frozenset(("link.answered-error", "link.busy", "link.not-understood", "link.silent"))
"""Causes that pass: asked again after a day, and the more rarely the longer they last."""

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 6 * 3600.0
"""Bounds of how long a host without a proper answer is left alone; the wait doubles with each."""

_TROUBLED = frozenset(("link.busy", "link.silent", "link.host-not-found", "link.connection-refused"))
"""Causes that tell of the host more than of the address."""


class Judgement(Struct, frozen=True):
    """What is now known of an address, and when it is to be asked for again."""

    link: Link
    failing: Failing | None
    due: datetime


def judged(address: Address, answer: Answer, now: datetime, every_days: float) -> Judgement:
    """The address after an answer; one that is well is due again after about ``every_days``."""
    failing = _failing(address.failing, answer.cause, now)
    state = _state(address.link, answer.cause, failing, now)
    before = address.link
    found = answer if answer.cause is None else before
    last_available = None if before is None else before.last_available
    link = Link(
        url=address.url,
        state=state,
        since=before.since if before is not None and before.state is state else now,
        checked=now,
        last_available=now if answer.cause is None else last_available,
        status=answer.status,
        cause=answer.cause,
        detail=None if answer.detail is None else answer.detail[:500],
        media_type=None if found is None else found.media_type,
        size_bytes=None if found is None else found.size_bytes,
        is_error_page=answer.cause == "link.page-not-file",
    )
    return Judgement(link, failing, now + _spread(address.key, _again_days(link, every_days)))


def host_wait_s(answer: Answer, failures: int) -> float:
    """How long a host is left alone after an answer, ``failures`` of its kind in a row; 0 when it is well."""
    if not is_trouble(answer):
        return 0.0
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 20))
    return wait_s if answer.retry_after_s is None else max(wait_s, answer.retry_after_s)


def is_trouble(answer: Answer) -> bool:
    """Whether the host, and not only the address, did not answer as it should."""
    return answer.cause in _TROUBLED or (answer.status or 0) >= 500


def _failing(before: Failing | None, cause: str | None, now: datetime) -> Failing | None:
    if cause is None or cause == "link.refused":
        return None
    if cause not in RULES:
        # It tells nothing: neither for nor against what the answers before it told.
        return before
    if before is None or before.kind != cause:
        return Failing(cause, 1, now)
    return Failing(cause, before.times + 1, before.since)


def _state(before: Link | None, cause: str | None, failing: Failing | None, now: datetime) -> LinkState:
    if cause is None:
        return LinkState.AVAILABLE
    if cause == "link.refused":
        return LinkState.REFUSED
    if before is not None and before.state is LinkState.GONE and cause != "link.page-not-file":
        return LinkState.GONE
    rule = RULES.get(cause)
    if rule is not None and failing is not None:
        if failing.times >= rule.times and now - failing.since >= timedelta(days=rule.days):
            return rule.state
    return LinkState.UNKNOWN


def _again_days(link: Link, every_days: float) -> float:
    rule = RULES.get(link.cause or "")
    if link.state is not LinkState.UNKNOWN or (rule is None and link.cause not in SOON):
        return every_days
    if rule is not None:
        return min(rule.again_days, every_days)
    lasted_days = (link.checked - link.since) / timedelta(days=1)
    return min(every_days, max(1.0, lasted_days / 2))


def _spread(key: bytes, days: float) -> timedelta:
    """A tenth more or less, ever the same for an address: what was asked in one night is not asked so again."""
    return timedelta(days=days * (0.9 + 0.2 * key[0] / 255))
