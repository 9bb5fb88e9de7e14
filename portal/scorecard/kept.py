"""One department in an assessment that was kept, frozen or shown in a preview: its card, the datasets behind each number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from functools import lru_cache

import msgspec
from msgspec import Struct

from portal.catalog.assessments import Assessed, Kind, Standing
from portal.catalog.store import Catalog
from portal.scorecard import scoring
from portal.scorecard.cards import VERDICTS, Answer, Card, made_of, placed
from portal.scorecard.periods import manifest_of
from portal.scorecard.rules import RuleSet
from portal.scorecard.vectors import Layout


class Difference(Struct, frozen=True):
    """A department that came out otherwise in a frozen period than its preview had shown."""

    code: str
    shown: Standing | None
    """None where the preview had no dataset of it."""
    frozen: Standing | None

    @property
    def points(self) -> float | None:
        """By how much the score moved; None where there was none at one of the two times."""
        before, after = (None if one is None else one.point for one in (self.shown, self.frozen))
        return None if before is None or after is None else after - before


def rows(catalog: Catalog, id: str, department: str) -> tuple[Assessed, ...]:
    """The evidence of a department, by dataset id; empty where it has none there."""
    body = catalog.periods.department(id, department)
    return () if body is None else msgspec.msgpack.decode(body, type=tuple[Assessed, ...])


def rule_sets(catalog: Catalog, id: str) -> tuple[RuleSet, ...]:
    """The rules of a kept assessment, word for word, without opening the rest of its evidence."""
    return _rule_sets(next(catalog.periods.parts(id)))


def layout(catalog: Catalog, id: str) -> Layout:
    """The questions of a kept assessment, by its own rules. Raises KeyError where a check of theirs is no more."""
    return _layout(next(catalog.periods.parts(id)))


# Every page of a kept assessment needs its rules, and there are few of them.
@lru_cache(maxsize=16)
def _rule_sets(words: bytes) -> tuple[RuleSet, ...]:
    return msgspec.json.decode(words, type=tuple[RuleSet, ...])


@lru_cache(maxsize=16)
def _layout(words: bytes) -> Layout:
    return Layout.of(_rule_sets(words))


def card(catalog: Catalog, id: str, department: str, rules: str) -> Card | None:
    """The card of a department as kept; None where it had no dataset. Raises KeyError for rules that were not used."""
    own, given = rows(catalog, id, department), layout(catalog, id)
    if not own:
        return None
    day = datetime.combine(manifest_of(catalog.periods.get(id)).day, time(), UTC)
    counts = scoring.packed(sum(scoring.spread(row.vector) for row in own), given)
    (standing,) = catalog.periods.standings(id, Kind.DEPARTMENT, code=department, rules=rules)
    league = placed(catalog.periods.league(id, rules, Kind.DEPARTMENT, standing.peers))
    ranks = next(one.ranks for one in league if one.standing == standing)
    group = Kind.DEPARTMENT, department
    return made_of(counts, group, given.rules(rules), given, day, peers=standing.peers, ranks=ranks)


def behind(
    catalog: Catalog, id: str, department: str, rules: str, indicator: str, answer: Answer
) -> Sequence[Assessed]:
    """The department's datasets behind a number, by id. Raises KeyError for what is not measured."""
    place = layout(catalog, id).place(rules, indicator)
    return [row for row in rows(catalog, id, department) if row.vector[place] in VERDICTS[answer]]


def differences(catalog: Catalog, shown: str, frozen: str, rules: str) -> tuple[Difference, ...]:
    """The departments whose standing differs between two kept assessments, those that moved most first."""
    before, after = (
        {one.code: one for one in catalog.periods.standings(id, Kind.DEPARTMENT, rules=rules)} for id in (shown, frozen)
    )
    found = [
        Difference(code, before.get(code), after.get(code))
        for code in sorted({*before, *after})
        if before.get(code) != after.get(code)
    ]
    # Those that came, went, or got their first score stand before all that merely moved.
    return tuple(sorted(found, key=lambda one: (one.points is not None, -abs(one.points or 0.0))))
