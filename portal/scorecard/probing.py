"""What the answers of an address say of it, and what an outage says: nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.catalog.link_past import VALID_DAYS
from portal.catalog.model import Link, LinkState
from portal.scorecard.verdicts import Finding, Verdict


def link_finding(url: str, link: Link | None, day: datetime, *, least: int = 200, most: int = 399) -> Finding:
    """Whether an address works: answered with a status from ``least`` to ``most``, and not with a page of error.

    Only an answer can make a fail. Where there is none, by an outage of ours or theirs, or one older than ``VALID_DAYS``,
    the last good answer is carried on and marked so, with its date; without one, it is unknown.
    """
    if link is None:
        return Finding(Verdict.UNKNOWN, "link.never-asked", url)
    asked = link.checked.date().isoformat()
    if link.state is LinkState.AVAILABLE:
        works = not link.is_error_page and (link.status is None or least <= link.status <= most)
        reason = "link.works" if works else "link.error-page" if link.is_error_page else "link.status"
        return _aging(works, reason, url, link, day)
    if link.state is LinkState.GONE:
        return _aging(False, "link.gone", url, link, day)
    if link.last_available is not None:
        last = link.last_available.date().isoformat()
        return Finding(Verdict.PASSED_BEFORE, "link.worked-before", url, last)
    return Finding(Verdict.UNKNOWN, "link.refused" if link.state is LinkState.REFUSED else "link.untold", url, asked)


def _aging(works: bool, reason: str, url: str, link: Link, day: datetime) -> Finding:
    asked = link.checked.date().isoformat()
    end = link.checked + timedelta(days=VALID_DAYS)
    if day <= end:
        return Finding(Verdict.PASS if works else Verdict.FAIL, reason, url, asked, end)
    return Finding(Verdict.PASSED_BEFORE if works else Verdict.FAILED_BEFORE, reason, url, asked)
