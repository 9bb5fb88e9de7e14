"""What a scorecard shows: a group's score down to the datasets behind each number, and one dataset's evidence."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from portal.catalog.assessments import Assessed, Kind, Ranks, Standing
from portal.catalog.model import Distribution, Link
from portal.catalog.store import Catalog
from portal.scorecard import scoring
from portal.scorecard.assess import Ways, standard_layout, subjects
from portal.scorecard.groups import AS_ONE, COMPARED, Group, members, regions_within
from portal.scorecard.rules import Band, Dimension, Indicator, RuleSet
from portal.scorecard.scoring import Score, Tally, Value
from portal.scorecard.subjects import Subject
from portal.scorecard.vectors import FLAGS, Layout, findings, of_each
from portal.scorecard.verdicts import Finding, Verdict


class Answer(StrEnum):
    """The verdicts as they are counted and listed."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


VERDICTS: Mapping[Answer, tuple[Verdict, ...]] = {
    Answer.PASS: (Verdict.PASS, Verdict.PASSED_BEFORE),
    Answer.FAIL: (Verdict.FAIL, Verdict.FAILED_BEFORE),
    Answer.UNKNOWN: (Verdict.UNKNOWN,),
    Answer.NOT_APPLICABLE: (Verdict.NOT_APPLICABLE,),
}
"""What was measured before an outage is listed with what it counts as."""


class IndicatorCard(Struct, frozen=True):
    """One indicator of a group."""

    indicator: Indicator
    tally: Tally | None
    """None for what is not measured yet."""
    value: Value | None
    """None where it applies to nothing of the group, or not to such a group."""

    def count(self, answer: Answer) -> int:
        """The datasets of the group with that verdict."""
        tally = self.tally or Tally()
        return {
            Answer.PASS: tally.passes,
            Answer.FAIL: tally.fails,
            Answer.UNKNOWN: tally.unknown,
            Answer.NOT_APPLICABLE: tally.not_applicable,
        }[answer]


class DimensionCard(Struct, frozen=True):
    """One dimension of a group: its score is on the scale of the whole, as if it were all there is."""

    dimension: Dimension
    score: Score | None
    """None where nothing of it is measured, or nothing applies."""
    indicators: tuple[IndicatorCard, ...]


class Declared(Struct, frozen=True):
    """How many datasets portals say they hold, in their last complete runs."""

    datasets: int
    sources: int
    """The sources that say it, of ``of``."""
    of: int


class DatasetCounts(Struct, frozen=True, kw_only=True):
    """Datasets declared, harvested and effective, kept apart, and what was flagged among those harvested."""

    declared: Declared | None
    """None for groups that no portal counts."""
    harvested: int
    """All that were assessed, copies too."""
    counted: int
    """Each dataset once."""
    effective: int
    """Neither empty nor copies, and with a way to the data that is not known to be broken."""
    flags: Mapping[str, int]
    """By ``copy``, ``empty``, ``error-page``, ``dates-moved``, ``keywords-stuffed``."""


class Card(Struct, frozen=True, kw_only=True):
    """A group's scorecard under one rule set."""

    kind: Kind
    code: str
    rules: RuleSet
    day: datetime
    score: Score
    band: Band | None
    """The name of the score's range, where the rule set names ranges."""
    peers: str
    ranks: Ranks | None
    """None where it is compared with no one."""
    dimensions: tuple[DimensionCard, ...]
    counts: DatasetCounts


class Placed(Struct, frozen=True):
    """A line of a league table."""

    standing: Standing
    ranks: Ranks


class Evidence(Struct, frozen=True, kw_only=True):
    """One dataset's evidence under one rule set, in words to be made of it."""

    rules: RuleSet
    day: datetime
    """The day it was assessed for."""
    score: Score
    findings: tuple[tuple[Indicator, Finding], ...]
    flags: tuple[str, ...]
    original: str | None
    agrees: bool
    """Whether it is what was counted; False for a dataset that changed since the assessment, until the next."""


def card(catalog: Catalog, kind: Kind, code: str, rules: str = "national") -> Card | None:
    """The scorecard of a group; None for one without datasets, or before the first assessment."""
    layout = standard_layout()
    state = catalog.assessments.state()
    standing = catalog.assessments.standing(rules, kind, code)
    stored = catalog.assessments.tallies([(kind, code)]).get((kind, code))
    if state is None or standing is None or stored is None or state.layout != layout.digest:
        return None
    ranks = catalog.assessments.ranks(standing) if kind in COMPARED else None
    found = made_of(stored, (kind, code), layout.rules(rules), layout, state.day, peers=standing.peers, ranks=ranks)
    counts = msgspec.structs.replace(found.counts, declared=declared(catalog, kind, code))
    return msgspec.structs.replace(found, counts=counts)


def made_of(
    stored: bytes, group: Group, rules: RuleSet, layout: Layout, day: datetime, *, peers: str, ranks: Ranks | None
) -> Card:
    """The scorecard that the counts of a group come to; what its portals declare is not among them."""
    kind, code = group
    counts = scoring.lanes(stored)
    cards = _indicators(counts, kind, rules, layout)
    score = scoring.score(counts, rules, layout, is_department=kind in AS_ONE)
    flags = scoring.flags(counts)
    return Card(
        kind=kind,
        code=code,
        rules=rules,
        day=day,
        score=score,
        band=band(rules, score.point),
        peers=peers,
        ranks=ranks,
        dimensions=tuple(_dimension(one, cards, rules, score.datasets) for one in rules.dimensions),
        counts=DatasetCounts(
            declared=None,
            harvested=scoring.harvested(counts),
            counted=flags["counted"],
            effective=flags["effective"],
            flags={name: flags[name] for name in FLAGS if name not in ("counted", "effective")},
        ),
    )


def _indicators(counts: array[int], kind: Kind, rules: RuleSet, layout: Layout) -> list[IndicatorCard]:
    values = scoring.values(counts, rules, layout, is_department=kind in AS_ONE)
    start = layout.starts[rules.id]
    tallies = {one.id: scoring.tally(counts, start + place) for place, one in enumerate(rules.measured)}
    return [IndicatorCard(one, tallies.get(one.id), values.get(one.id)) for one in rules.indicators]


def _dimension(dimension: Dimension, cards: Sequence[IndicatorCard], rules: RuleSet, datasets: int) -> DimensionCard:
    own = tuple(one for one in cards if one.indicator.dimension == dimension.id)
    values = [(one.indicator, one.value) for one in own if one.value is not None]
    return DimensionCard(dimension, scoring.combined(values, rules.scale, datasets) if values else None, own)


def lost(card: Card) -> dict[str, float]:
    """The points that each indicator of which anything is known takes from the scale; together what the score lacks."""
    known = [
        (one.indicator, one.value.point)
        for dimension in card.dimensions
        for one in dimension.indicators
        if one.value is not None and one.value.point is not None
    ]
    weight = sum(indicator.weight for indicator, _ in known)
    return {indicator.id: card.rules.scale * indicator.weight * (1 - point) / weight for indicator, point in known}


def band(rules: RuleSet, point: float | None) -> Band | None:
    """The named range a score lies in; None without a score, or where the rule set names none."""
    if point is None:
        return None
    return next((one for one in rules.bands if point >= one.least), None)


def declared(catalog: Catalog, kind: Kind, code: str) -> Declared | None:
    """How many datasets the portals of a group say they hold: of one source, of a region's sources, of all."""
    if kind not in (Kind.SOURCE, Kind.REGION, Kind.NATION):
        return None
    sources = [entry.source for entry in catalog.sources.all()]
    if kind is Kind.SOURCE:
        sources = [source for source in sources if source.id == code]
    elif kind is Kind.REGION:
        within = frozenset(regions_within(code))
        sources = [source for source in sources if source.region in within]
    if not sources:
        return None
    runs = catalog.runs.last_by_source(complete=True)
    said = [runs[one.id].declared for one in sources if one.id in runs]
    known = [number for number in said if number is not None]
    return Declared(sum(known), len(known), len(sources))


def league(catalog: Catalog, kind: Kind, peers: str, rules: str = "national") -> list[Placed]:
    """Those who are compared with one another, best first, each with the places its bounds leave open."""
    return placed(catalog.assessments.standings(rules, kind, peers))


def placed(standings: Sequence[Standing]) -> list[Placed]:
    """Those who are compared with one another, as they are given, each with the places its bounds leave open."""
    least = sorted(one.least for one in standings)
    most = sorted(one.most for one in standings)
    return [
        Placed(
            one,
            Ranks(
                best=len(least) - bisect_right(least, one.most) + 1,
                worst=len(most) - bisect_left(most, one.least),
                of=len(standings),
            ),
        )
        for one in standings
    ]


def matrix(
    catalog: Catalog, kind: Kind, codes: Sequence[str], rules: str = "national"
) -> dict[str, dict[str, IndicatorCard]]:
    """Every measured indicator of several groups: by group, then by indicator; without those never counted."""
    layout = standard_layout()
    given = layout.rules(rules)
    stored = catalog.assessments.tallies([(kind, code) for code in codes])
    return {
        code: {
            one.indicator.id: one
            for one in _indicators(scoring.lanes(counts), kind, given, layout)
            if one.tally is not None
        }
        for (_, code), counts in stored.items()
    }


def dimension_scores(
    catalog: Catalog, kind: Kind, codes: Sequence[str], rules: str = "national"
) -> dict[str, list[float]]:
    """The scores of several groups in each dimension, of those that have one there."""
    given = standard_layout().rules(rules)
    found: dict[str, list[float]] = {}
    for values in matrix(catalog, kind, codes, rules).values():
        for dimension in given.dimensions:
            own = [(one, values[one.id].value) for one in given.measured if one.dimension == dimension.id]
            point = scoring.combined(own, given.scale, 0).point
            if point is not None:
                found.setdefault(dimension.id, []).append(point)
    return found


def behind(
    catalog: Catalog,
    kind: Kind,
    code: str,
    indicator: str,
    answer: Answer,
    rules: str = "national",
    *,
    after: str = "",
    start: int = 0,
    limit: int = 50,
) -> list[Assessed]:
    """The datasets behind a number, by id, those after ``after`` without the first ``start``.

    Raises KeyError for what is not measured.
    """
    return catalog.assessments.listing(
        kind,
        members(kind, code),
        question=standard_layout().place(rules, indicator),
        verdicts=VERDICTS[answer],
        after=after,
        start=start,
        limit=limit,
    )


def flagged(
    catalog: Catalog, kind: Kind, code: str, flag: str, *, after: str = "", start: int = 0, limit: int = 50
) -> list[Assessed]:
    """The datasets of a group that a flag holds for. Raises ValueError for a flag that there is not."""
    return catalog.assessments.listing(
        kind,
        members(kind, code),
        question=standard_layout().flag(flag),
        verdicts=(Verdict.PASS,),
        after=after,
        start=start,
        limit=limit,
    )


def evidence(catalog: Catalog, ways: Ways, dataset_id: str, rules: str = "national") -> Evidence | None:
    """One dataset's evidence as of the day it was assessed for; None for one that was not assessed."""
    return evidences(catalog, ways, [dataset_id], rules).get(dataset_id)


def evidences(
    catalog: Catalog, ways: Ways, ids: Sequence[str], rules: str = "national"
) -> dict[str, Evidence]:
    """The evidence of those datasets that were assessed, as of the day they were assessed for."""
    return {id: found for id, (found,) in _evidences(catalog, ways, ids, [standard_layout().rules(rules)]).items()}


def whole_evidence(catalog: Catalog, ways: Ways, dataset_id: str) -> tuple[Evidence, ...]:
    """One dataset's evidence under every rule set; empty for one that was not assessed."""
    return _evidences(catalog, ways, [dataset_id], standard_layout().rule_sets).get(dataset_id, ())


def _evidences(
    catalog: Catalog, ways: Ways, ids: Sequence[str], rule_sets: Sequence[RuleSet]
) -> dict[str, tuple[Evidence, ...]]:
    layout, state = standard_layout(), catalog.assessments.state()
    if state is None or state.layout != layout.digest:
        return {}
    rows = catalog.assessments.rows(ids)
    entries = [entry for entry in catalog.entries(ids) if entry.dataset.id in rows]
    found = subjects(entries, catalog, ways, state.day, catalog.runs.last_read())
    return {
        one.dataset.id: tuple(
            _evidence(one, rules, rows[one.dataset.id].vector, layout, state.day) for rules in rule_sets
        )
        for one in found
    }


def _evidence(subject: Subject, rules: RuleSet, vector: bytes, layout: Layout, day: datetime) -> Evidence:
    seen = findings(subject, rules)
    start = layout.starts[rules.id]
    return Evidence(
        rules=rules,
        day=day,
        score=scoring.of_one(vector, rules, layout),
        findings=tuple(zip(rules.measured, seen, strict=True)),
        flags=tuple(name for place, name in enumerate(FLAGS) if vector[place] == Verdict.PASS),
        original=subject.original,
        agrees=bytes(one.verdict for one in seen) == vector[start : start + len(seen)],
    )


class DistributionEvidence(Struct, frozen=True):
    """What is found of one distribution by itself."""

    distribution: Distribution
    findings: tuple[tuple[Indicator, Finding], ...]
    links: Mapping[str, Link]
    """What is known of its dataset's addresses."""


def of_distributions(catalog: Catalog, ways: Ways, dataset_id: str, rules: str) -> tuple[DistributionEvidence, ...]:
    """What is found of each distribution of a dataset; empty for a dataset that was not assessed or has none."""
    layout, state = standard_layout(), catalog.assessments.state()
    if state is None or state.layout != layout.digest or not catalog.assessments.rows([dataset_id]):
        return ()
    found = subjects(catalog.entries([dataset_id]), catalog, ways, state.day, catalog.runs.last_read())
    return tuple(
        DistributionEvidence(each, tuple(findings), one.links)
        for one in found
        for each, findings in of_each(one, layout.rules(rules))
    )
