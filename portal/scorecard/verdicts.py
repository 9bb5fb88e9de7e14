"""What a rule can say of one dataset, and how several answers make one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum

from msgspec import Struct


class Verdict(IntEnum):
    """Each is stored as one byte, so the numbers never change their meaning."""

    NOT_APPLICABLE = 0
    PASS = 1
    FAIL = 2
    UNKNOWN = 3
    """Never measured: it is neither zero nor one, and widens the bounds of a score."""
    PASSED_BEFORE = 4
    """Not measured now, for an outage of ours or the portal's: it passed when it was last measured, and counts so."""
    FAILED_BEFORE = 5

    @property
    def passes(self) -> bool:
        """Whether it counts as a pass."""
        return self in _PASSES

    @property
    def fails(self) -> bool:
        """Whether it counts as a fail."""
        return self in _FAILS

    @property
    def measured(self) -> bool:
        """Whether it was measured, and not carried on from before."""
        return self in _MEASURED


_PASSES = frozenset({Verdict.PASS, Verdict.PASSED_BEFORE})
_FAILS = frozenset({Verdict.FAIL, Verdict.FAILED_BEFORE})
_MEASURED = frozenset({Verdict.PASS, Verdict.FAIL})


class Finding(Struct, frozen=True):
    """One verdict with its reason: a row of ``schemas/scorecard/reasons.csv``."""

    verdict: Verdict
    reason: str
    seen: str | None = None
    """The value it is about, as the record or the server gave it; cut where it is shown."""
    limit: str | None = None
    """What the value was held against: a length, a date."""
    until: datetime | None = None
    """When the verdict may become another one although nothing was changed; None when it never does."""


_BEST_FIRST = (
    Verdict.PASS,
    Verdict.PASSED_BEFORE,
    Verdict.UNKNOWN,
    Verdict.FAILED_BEFORE,
    Verdict.FAIL,
    Verdict.NOT_APPLICABLE,
)
_RANK = {verdict: place for place, verdict in enumerate(_BEST_FIRST)}
_WORST_FIRST = (
    Verdict.FAIL,
    Verdict.FAILED_BEFORE,
    Verdict.UNKNOWN,
    Verdict.PASSED_BEFORE,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
_BADNESS = {verdict: place for place, verdict in enumerate(_WORST_FIRST)}


def any_of(findings: Sequence[Finding]) -> Finding:
    """The finding of a thing that passes when one of its parts does; of several alike, the first."""
    return _decided(findings, _RANK)


def all_of(findings: Sequence[Finding]) -> Finding:
    """The finding of a thing that passes only when all of its parts do; of several alike, the first."""
    return _decided(findings, _BADNESS)


def _decided(findings: Sequence[Finding], order: Mapping[Verdict, int]) -> Finding:
    """The first in order, to be looked at again when the earliest of all may change."""
    decisive = findings[0]
    if len(findings) == 1:
        return decisive
    for finding in findings[1:]:
        if order[finding.verdict] < order[decisive.verdict]:
            decisive = finding
    return with_until(decisive, findings)


def with_until(finding: Finding, others: Sequence[Finding]) -> Finding:
    """The finding, to be looked at again when the earliest of others may change."""
    until = finding.until
    for other in others:
        if other.until is not None and (until is None or other.until < until):
            until = other.until
    if until is finding.until:
        return finding
    return Finding(finding.verdict, finding.reason, finding.seen, finding.limit, until)
