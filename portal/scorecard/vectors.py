"""From a dataset to its evidence, and from its evidence to one short row of bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import Struct

from portal.catalog.assessments import Assessed
from portal.catalog.model import Distribution
from portal.scorecard.describing import Options, effective, keywords_sensible
from portal.scorecard.evidence import CHECKS, Check, DistributionCheck
from portal.scorecard.rules import Combine, Indicator, RuleSet
from portal.scorecard.subjects import Subject, is_empty, urls
from portal.scorecard.verdicts import Finding, Verdict, all_of, any_of, with_until

NO_DISTRIBUTION = Finding(Verdict.FAIL, "distribution.none")
EMPTY = Finding(Verdict.FAIL, "dataset.empty")
NOT_FOR = Finding(Verdict.NOT_APPLICABLE, "institution.not-asked")

_SAYS_NOTHING = Distribution(id="")

FLAGS: Mapping[str, Callable[[Subject], bool]] = MappingProxyType({
    "counted": lambda subject: subject.original is None,
    "effective": lambda subject: effective(subject, {}).verdict.passes,
    "copy": lambda subject: subject.original is not None,
    "empty": lambda subject: is_empty(subject.dataset),
    "error-page": lambda subject: any(
        subject.links[url].is_error_page for url in urls(subject.dataset) if url in subject.links
    ),
    "dates-moved": lambda subject: subject.believed is not None,
    "keywords-stuffed": lambda subject: keywords_sensible(subject, {}).reason == "keywords.stuffed",
    "without-distribution": lambda subject: subject.original is None and not subject.dataset.distributions,
})
"""What is counted of every dataset besides its verdicts: pass means that it is so."""


class _Plan(Struct, frozen=True):
    """What is the same for every dataset under one rule set, worked out once."""

    asked: tuple[tuple[Indicator, Check], ...]
    of_distributions: tuple[tuple[str, DistributionCheck, Options], ...]
    """By the indicator's id."""
    together: tuple[tuple[Indicator, ...], ...]
    """The indicators whose answers must come from one and the same distribution."""
    combined: tuple[tuple[str, Callable[[Sequence[Finding]], Finding]], ...]
    """The other indicators of distributions, and how their answers make one."""


def _plan(rules: RuleSet) -> _Plan:
    asked = tuple((one, CHECKS[one.check or ""]) for one in rules.measured)
    several = tuple((one, check.of_distribution) for one, check in asked if check.of_distribution is not None)
    combine = {one.id: rules.distributions if one.combine is Combine.ANY else one.combine for one, _ in several}
    best = tuple(one for one, _ in several if combine[one.id] is Combine.BEST)
    by_dimension = [
        tuple(
            one
            for one, _ in several
            if combine[one.id] is Combine.BEST_BY_DIMENSION and one.dimension == dimension.id
        )
        for dimension in rules.dimensions
    ]
    others = {Combine.ALL: all_of, Combine.ANY: any_of}
    return _Plan(
        asked=asked,
        of_distributions=tuple((one.id, check, one.options) for one, check in several),
        together=tuple(filter(None, (best, *by_dimension))),
        combined=tuple((id, others[how]) for id, how in combine.items() if how in others),
    )


class Layout(Struct, frozen=True):
    """Which byte of a vector answers which question: the flags, then each rule set's measured indicators."""

    rule_sets: tuple[RuleSet, ...]
    plans: tuple[_Plan, ...]
    starts: Mapping[str, int]
    """Where each rule set's bytes begin, by its id."""
    size: int
    """How many bytes a vector has."""
    digest: str
    """The same exactly when vectors can be compared: the same flags and the same rules, word for word."""

    @classmethod
    def of(cls, rule_sets: Sequence[RuleSet]) -> Layout:
        """The layout of several rule sets side by side."""
        starts, at = {}, len(FLAGS)
        for rules in rule_sets:
            starts[rules.id] = at
            at += len(rules.measured)
        words = msgspec.json.encode([list(FLAGS), list(rule_sets)], order="deterministic")
        digest = hashlib.blake2b(words, digest_size=8).hexdigest()
        return cls(tuple(rule_sets), tuple(map(_plan, rule_sets)), starts, at, digest)

    def rules(self, id: str) -> RuleSet:
        """One of its rule sets. Raises KeyError."""
        for rules in self.rule_sets:
            if rules.id == id:
                return rules
        raise KeyError(id)

    def flag(self, name: str) -> int:
        """The place of a flag. Raises ValueError."""
        return list(FLAGS).index(name)

    def place(self, rules: str, indicator: str) -> int:
        """The place of an indicator. Raises KeyError for one that is not measured."""
        start = self.starts[rules]
        for place, one in enumerate(self.rules(rules).measured):
            if one.id == indicator:
                return start + place
        raise KeyError(indicator)


def findings(subject: Subject, rules: RuleSet) -> list[Finding]:
    """The evidence on one dataset under one rule set, in the order of ``rules.measured``."""
    return _findings(subject, rules, _plan(rules))


def of_each(subject: Subject, rules: RuleSet) -> list[tuple[Distribution, list[tuple[Indicator, Finding]]]]:
    """What is found of each distribution by itself; of a further appearance of another dataset nothing."""
    if subject.original is not None:
        return []
    asked = _plan(rules).of_distributions
    return [
        (each, [(rules.indicator(id), check(subject, each, options)) for id, check, options in asked])
        for each in subject.dataset.distributions
    ]


def _findings(subject: Subject, rules: RuleSet, plan: _Plan) -> list[Finding]:
    if subject.original is not None:
        return [Finding(Verdict.NOT_APPLICABLE, "dataset.copy", subject.original)] * len(plan.asked)
    answers = _of_distributions(subject, plan)
    empty = rules.empty_earns_nothing and is_empty(subject.dataset)
    publisher = subject.dataset.publisher
    institution = publisher.institution_type if publisher else None
    found = []
    for indicator, check in plan.asked:
        if institution in indicator.not_for:
            found.append(NOT_FOR)
        elif empty:
            found.append(EMPTY)
        elif check.of_dataset is not None:
            found.append(check.of_dataset(subject, indicator.options))
        else:
            found.append(answers[indicator.id])
    return found


def _of_distributions(subject: Subject, plan: _Plan) -> dict[str, Finding]:
    """One answer for each indicator that is asked of distributions."""
    distributions = subject.dataset.distributions
    if not distributions:
        return {
            id: _without_distribution(check(subject, _SAYS_NOTHING, options))
            for id, check, options in plan.of_distributions
        }
    if len(distributions) == 1:
        (only,) = distributions
        return {id: check(subject, only, options) for id, check, options in plan.of_distributions}
    answers = {
        id: [check(subject, each, options) for each in distributions] for id, check, options in plan.of_distributions
    }
    made = {id: combine(answers[id]) for id, combine in plan.combined}
    for together in plan.together:
        made |= _of_the_best(answers, together)
    return made


def _without_distribution(found: Finding) -> Finding:
    # What falls back on the dataset is answered by it; everything else has nothing to be asked of.
    return found if found.verdict.passes else NO_DISTRIBUTION


def _of_the_best(answers: Mapping[str, list[Finding]], indicators: Sequence[Indicator]) -> dict[str, Finding]:
    """The answers of the distribution that surely has most points.

    Where another one may turn out to have more, once what is unknown of it is known, its answers leave a fail of the
    best one open: that is then unknown too.
    """
    count = len(answers[indicators[0].id])
    surely = [
        sum(one.weight if answers[one.id][each].verdict.passes else one.fail for one in indicators) for each in range(count)
    ]
    perhaps = [
        sum(one.weight if _may_pass(answers[one.id][each]) else one.fail for one in indicators) for each in range(count)
    ]
    best = max(range(count), key=lambda each: (surely[each], perhaps[each], -each))
    rivals = [each for each in range(count) if each != best and perhaps[each] > surely[best]]
    made = {}
    for one in indicators:
        found = answers[one.id][best]
        if found.verdict.fails and any(_may_pass(answers[one.id][each]) for each in rivals):
            found = Finding(Verdict.UNKNOWN, "distribution.best-undecided", found.seen)
        made[one.id] = with_until(found, answers[one.id])
    return made


def _may_pass(finding: Finding) -> bool:
    return finding.verdict.passes or finding.verdict is Verdict.UNKNOWN


def assessed(subject: Subject, layout: Layout) -> Assessed:
    """The row of one dataset: every verdict as a byte, and what it is counted under."""
    dataset, publisher = subject.dataset, subject.dataset.publisher
    found = [
        finding
        for rules, plan in zip(layout.rule_sets, layout.plans)
        for finding in _findings(subject, rules, plan)
    ]
    flags = (Verdict.PASS if holds(subject) else Verdict.FAIL for holds in FLAGS.values())
    return Assessed(
        dataset_id=dataset.id,
        source_id=dataset.source_id,
        publisher_id=publisher.id if publisher else None,
        department=publisher.department if publisher else None,
        region=dataset.region,
        institution_type=(publisher.institution_type if publisher else None) or "unknown",
        themes=dataset.themes,
        vector=bytes((*flags, *(finding.verdict for finding in found))),
        due=_due(found),
    )


def _due(found: Sequence[Finding]) -> datetime | None:
    return min((finding.until for finding in found if finding.until is not None), default=None)
