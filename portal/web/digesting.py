"""A group's month: its score then and now and why, what would raise it most, what became stale or broken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from portal.catalog.model import Entry
from portal.scorecard.changes import Explanation
from portal.scorecard.evidence import CHECKS
from portal.scorecard.fixes import Fix, fixes_in, most_first
from portal.scorecard.rules import PACKAGED, Indicator, RuleSet
from portal.scorecard.scoring import Score
from portal.scorecard.spans import Span
from portal.web import explained
from portal.web.explained import Explained
from portal.web.graded import Group

FIXES = 5

TROUBLED = 20
"""Datasets that are named of those that became stale, or broken; the CSV of the change has all."""


class Month(Struct, frozen=True):
    """A calendar month as a digest covers it: from the end of the one before to its own end, or to today."""

    first: date
    last: date

    @property
    def written(self) -> str:
        """As addresses write it."""
        return f"{self.last:%Y-%m}"

    @property
    def before(self) -> str:
        """The month before, as addresses write it."""
        return f"{self.first:%Y-%m}"


class Troubled(Struct, frozen=True):
    """A dataset and the indicators that it no longer passes."""

    entry: Entry
    indicators: tuple[Indicator, ...]


class Trouble(Struct, frozen=True):
    """What became stale, or broken."""

    datasets: int
    named: tuple[Troubled, ...]


class Digest(Struct, frozen=True, kw_only=True):
    """One month of one group."""

    group: Group
    name: str
    month: Month
    rules: RuleSet
    score: Score
    change: Explained | None
    """None where a month ago there was no score."""
    fixes: tuple[Fix, ...]
    stale: Trouble
    broken: Trouble


def month(text: str, today: date) -> Month | None:
    """The month that an address writes as ``2026-05``; None for what is none, or has not begun."""
    try:
        begins = datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        return None
    if f"{begins:%Y-%m}" != text or begins > today or begins.year < 2000:
        return None
    ends = (begins + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Month(begins - timedelta(days=1), min(ends, today))


def digest(group: Group, name: str, month: Month) -> Digest | None:
    """A group's month; None where it had no datasets at its end. Raises ``spans.TooMuch``."""
    span = span_of(group, month)
    counts, score = span.counts, span.score
    if counts is None or score is None:
        return None
    best = most_first(fixes_in(counts, group.kind, span.rules, span.layout))
    return Digest(
        group=group,
        name=name,
        month=month,
        rules=span.rules,
        score=score,
        change=explained.explained(span.explanation, span.rules) if span.explanation else None,
        fixes=tuple(best[:FIXES]),
        stale=_trouble(span.explanation, span.rules, probed=False),
        broken=_trouble(span.explanation, span.rules, probed=True),
    )


def span_of(group: Group, month: Month) -> Span:
    """A group over a month. Raises ``spans.TooMuch``."""
    return explained.span_of(group, month.first, month.last, PACKAGED[0])


def now() -> date:
    """The day it is, as assessments count days."""
    return datetime.now(UTC).date()


def _trouble(found: Explanation | None, rules: RuleSet, *, probed: bool) -> Trouble:
    """The datasets with a verdict that turned to a fail and rests on what addresses answer, or else on dates."""
    by_dataset: dict[str, list[Indicator]] = {}
    for part in found.parts if found else ():
        for move in part.moves:
            indicator = rules.indicator(move.indicator)
            check = CHECKS[indicator.check or ""]
            rests = check.probes if probed else check.dated and not check.probes
            if rests and move.after.fails and not move.before.fails:
                by_dataset.setdefault(move.dataset_id, []).append(indicator)
    return Trouble(len(by_dataset), tuple(_named(by_dataset)))


def _named(by_dataset: dict[str, list[Indicator]]) -> Iterable[Troubled]:
    ids = list(by_dataset)[:TROUBLED]
    entries = explained.titles(ids)
    return (Troubled(entries[id], tuple(by_dataset[id])) for id in ids if id in entries)
