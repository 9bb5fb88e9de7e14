"""Evidence and scores in RDF: the W3C Data Quality Vocabulary, with the EU's own metrics where a rule set is the EU's.

What is not known is a measurement without a value whose outcome is ``earl:cantTell``; what is not asked is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rdflib import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS, XSD, Literal, URIRef

from portal.scorecard.cards import Card, DistributionEvidence, Evidence
from portal.scorecard.reasons import reason
from portal.scorecard.rules import Dimension, Indicator, Level, RuleSet, Text
from portal.scorecard.scoring import Score
from portal.scorecard.verdicts import Finding, Verdict
from portal.web.dcat_terms import DQV, EARL, PV, SCHEMA, SDMX_ATTRIBUTE, UNIT, Triple, literal
from portal.web.documents import dataset_address
from portal.web.iris import web_iri

_COLLECTION = URIRef("http://purl.org/dc/dcmitype/Collection")

DISTRIBUTIONS = 200
"""Of a dataset at most so many are measured one by one."""

_STATUS_OF = {"access-url-works": "access_url", "download-url-works": "download_url"}
"""What the EU measures as a status code, by our check, and the address that is asked for."""

_WHOLE: Mapping[str, tuple[Text, URIRef]] = {
    "score": (Text(zh="得分", en="Score"), UNIT.NUM),
    "low": (Text(zh="得分的下界", en="Lower bound of the score"), UNIT.NUM),
    "high": (Text(zh="得分的上界", en="Upper bound of the score"), UNIT.NUM),
    "measured": (Text(zh="已测的权重比例", en="Share of the weight that was measured"), UNIT.FRACTION),
}
"""What is said of a rule set as a whole: the metrics beside those of its indicators, and their units."""

_OUTCOMES = {
    Verdict.PASS: EARL.passed,
    Verdict.PASSED_BEFORE: EARL.passed,
    Verdict.FAIL: EARL.failed,
    Verdict.FAILED_BEFORE: EARL.failed,
    Verdict.UNKNOWN: EARL.cantTell,
}


def of_dataset(
    id: str,
    base: str,
    found: Sequence[Evidence],
    distributions: Mapping[str, Sequence[DistributionEvidence]],
    at: datetime,
) -> Iterator[Triple]:
    """All measurements of one dataset under every rule set; ``distributions`` are given for those of the EU.

    ``at`` is when it was assessed.
    """
    dataset = URIRef(dataset_address(base, id))
    yield from reference(dataset)
    quality, when = URIRef(f"{dataset}#quality"), _instant(at)
    yield quality, FOAF.primaryTopic, dataset
    yield quality, PROV.generatedAtTime, when
    yield quality, PROV.wasAttributedTo, URIRef(f"{base}/#operator")
    for one in found:
        if one.original is not None:
            # A further appearance is asked nothing; what is found stands at the dataset it is one of.
            yield quality, RDFS.seeAlso, URIRef(f"{dataset_address(base, one.original)}/quality.ttl")
            continue
        rules, method = one.rules, Method(base, one.rules)
        yield from method.named()
        yield quality, DCTERMS.conformsTo, method.category
        for indicator, finding in one.findings:
            if not method.asks_each_distribution(indicator):
                node = URIRef(f"{dataset}#quality-{rules.id}-{indicator.id}")
                yield from _judged(node, method.metric(indicator), dataset, finding, _verdict(finding), when, method)
        for each in distributions.get(rules.id, ())[:DISTRIBUTIONS]:
            yield from _of_distribution(dataset, each, when, method)
        yield from _whole(f"{dataset}#quality-{rules.id}", dataset, one.score, when, method)
        if method.is_eu:
            yield from _eu_points(dataset, one, when, method)


def reference(dataset: URIRef) -> Iterator[Triple]:
    """The way from a dataset to its quality."""
    quality = URIRef(f"{dataset}#quality")
    yield dataset, DQV.hasQualityMetadata, quality
    yield quality, RDF.type, DQV.QualityMetadata
    yield quality, RDFS.seeAlso, URIRef(f"{dataset}/quality.ttl")


def of_card(card: Card, name: str, address: str, base: str, at: datetime) -> Iterator[Triple]:
    """The measurements of one card, which stands at ``address``: shares of the datasets of its group."""
    method, when = Method(base, card.rules), _instant(at)
    datasets, quality = URIRef(f"{address}#datasets"), URIRef(f"{address}#quality")
    yield datasets, RDF.type, _COLLECTION
    yield datasets, DCTERMS.title, literal(name)
    yield datasets, DCTERMS.isPartOf, URIRef(f"{base}/catalog")
    yield datasets, FOAF.isPrimaryTopicOf, URIRef(address)
    yield datasets, DQV.hasQualityMetadata, quality
    yield quality, RDF.type, DQV.QualityMetadata
    yield quality, PROV.generatedAtTime, when
    yield quality, DCTERMS.conformsTo, method.category
    yield from method.named()
    for dimension in card.dimensions:
        for one in dimension.indicators:
            if one.value is not None:
                node = URIRef(f"{address}#{one.indicator.id}")
                yield from _measured(node, method.share(one.indicator), datasets, one.value.point, when, method)
                yield node, SCHEMA.minValue, _number(one.value.low)
                yield node, SCHEMA.maxValue, _number(one.value.high)
    yield from _whole(f"{address}#whole", datasets, card.score, when, method)


def of_method(base: str, rule_sets: Iterable[RuleSet]) -> Iterator[Triple]:
    """What is measured: every rule set with its dimensions and metrics."""
    for rules in rule_sets:
        method = Method(base, rules)
        yield from method.named()
        yield method.category, RDF.type, DQV.Category
        yield from _labelled(method.category, rules.title, rules.about)
        source = web_iri(rules.norm)
        if source is not None:
            yield method.category, DCTERMS.source, URIRef(source)
        yield from _dimension(method.dimension(None), rules.title, method)
        for dimension in rules.dimensions:
            yield from _dimension(method.dimension(dimension), dimension.title, method)
            if method.is_eu:
                points = PV[f"{dimension.id}Scoring"]
                yield from _metric(points, dimension.title, None, method.dimension(dimension), XSD.integer)
        if method.is_eu:
            yield from _metric(PV.scoring, rules.title, None, method.dimension(None), XSD.integer)
        for name, (title, unit) in _WHOLE.items():
            metric = method.whole(name)
            yield from _metric(metric, title, rules.title, method.dimension(None), XSD.decimal)
            yield metric, SDMX_ATTRIBUTE.unitMeasure, unit
        of = {one.id: one for one in rules.dimensions}
        for indicator in rules.measured:
            metric, share = method.metric(indicator), method.share(indicator)
            dimension_node = method.dimension(of[indicator.dimension])
            is_code = method.is_eu and indicator.check in _STATUS_OF
            kind = XSD.integer if is_code else XSD.boolean
            yield from _metric(metric, indicator.title, indicator.why, dimension_node, kind)
            yield from _metric(share, indicator.title, indicator.why, dimension_node, XSD.decimal)
            yield share, SDMX_ATTRIBUTE.unitMeasure, UNIT.FRACTION
            yield share, SKOS.related, metric


class Method:
    """The names of what a rule set measures at the portal whose addresses begin with ``base``."""

    def __init__(self, base: str, rules: RuleSet) -> None:
        self._page = f"{base}/scorecards/method"
        self._rules = rules

    @property
    def category(self) -> URIRef:
        """The rule set itself."""
        return URIRef(f"{self._page}#{self._rules.id}")

    @property
    def is_eu(self) -> bool:
        """Whether the metrics are the EU's."""
        return any(_eu_metric(one) is not None for one in self._rules.measured)

    def asks_each_distribution(self, indicator: Indicator) -> bool:
        """Whether the metric is of a distribution; what we ask of distributions we answer for the dataset."""
        return self.is_eu and indicator.level is Level.DISTRIBUTION

    def named(self) -> Iterator[Triple]:
        """The rule set with the version by which it was measured."""
        yield self.category, RDF.type, DCTERMS.Standard
        yield self.category, OWL.versionInfo, Literal(self._rules.version)
        yield self.category, DCTERMS.title, Literal(self._rules.title.zh, lang="zh")
        yield self.category, DCTERMS.title, Literal(self._rules.title.en, lang="en")

    def dimension(self, dimension: Dimension | None) -> URIRef:
        """A dimension; None = all of the rule set."""
        if dimension is None:
            return URIRef(f"{self._page}#{self._rules.id}-whole")
        return PV[dimension.id] if self.is_eu else URIRef(f"{self._page}#{self._rules.id}-dimension-{dimension.id}")

    def metric(self, indicator: Indicator) -> URIRef:
        """What is asked of one dataset, or of one distribution where the EU asks it of that."""
        return _eu_metric(indicator) or URIRef(f"{self._page}#{self._rules.id}-{indicator.id}")

    def share(self, indicator: Indicator) -> URIRef:
        """The share of many datasets that pass."""
        return URIRef(f"{self._page}#{self._rules.id}-{indicator.id}-share")

    def whole(self, name: str) -> URIRef:
        """One of ``_WHOLE``."""
        return URIRef(f"{self._page}#{self._rules.id}-whole-{name}")


def _eu_metric(indicator: Indicator) -> URIRef | None:
    prefix, colon, name = (indicator.norm or "").partition(":")
    return PV[name] if prefix == "pv" and colon else None


def _of_distribution(
    dataset: URIRef, each: DistributionEvidence, when: Literal, method: Method
) -> Iterator[Triple]:
    distribution = URIRef(f"{dataset}#{each.distribution.id}")
    for indicator, finding in each.findings:
        value = _verdict(finding)
        if indicator.check in _STATUS_OF:
            url = getattr(each.distribution, _STATUS_OF[indicator.check])
            if url is None:
                # Where there is no address there is no status: that it lacks is another metric's.
                continue
            link = each.links.get(url)
            value = None if link is None or link.status is None else Literal(link.status)
        node = URIRef(f"{distribution}-quality-{indicator.id}")
        yield from _judged(node, method.metric(indicator), distribution, finding, value, when, method)


def _verdict(finding: Finding) -> Literal | None:
    return Literal(finding.verdict.passes) if finding.verdict.passes or finding.verdict.fails else None


def _judged(
    node: URIRef, metric: URIRef, on: URIRef, finding: Finding, value: Literal | None, when: Literal, method: Method
) -> Iterator[Triple]:
    """A measurement that is a verdict, with its reason in words."""
    outcome = _OUTCOMES.get(finding.verdict)
    if outcome is None:
        return
    yield from _measurement(node, metric, on, value, when, method)
    yield node, RDF.type, EARL.TestResult
    yield node, EARL.outcome, outcome
    for tongue in ("zh", "en"):
        yield node, DCTERMS.description, literal(reason(finding, tongue), tongue)


def _measured(
    node: URIRef, metric: URIRef, on: URIRef, value: float | None, when: Literal, method: Method
) -> Iterator[Triple]:
    """A measurement that is a number, or not known."""
    yield from _measurement(node, metric, on, None if value is None else _number(value), when, method)
    if value is None:
        yield node, RDF.type, EARL.TestResult
        yield node, EARL.outcome, EARL.cantTell


def _measurement(
    node: URIRef, metric: URIRef, on: URIRef, value: Literal | None, when: Literal, method: Method
) -> Iterator[Triple]:
    yield on, DQV.hasQualityMeasurement, node
    yield node, RDF.type, DQV.QualityMeasurement
    yield node, DQV.isMeasurementOf, metric
    yield node, DQV.computedOn, on
    yield node, PROV.generatedAtTime, when
    yield node, DCTERMS.conformsTo, method.category
    if value is not None:
        yield node, DQV.value, value


def _whole(stem: str, on: URIRef, score: Score, when: Literal, method: Method) -> Iterator[Triple]:
    values = {"score": score.point, "low": score.low, "high": score.high, "measured": score.measured}
    for name, value in values.items():
        yield from _measured(URIRef(f"{stem}-{name}"), method.whole(name), on, value, when, method)


def _eu_points(dataset: URIRef, found: Evidence, when: Literal, method: Method) -> Iterator[Triple]:
    """The EU's points, in each dimension and in all: as there, what is unknown earns none."""
    for dimension in (*found.rules.dimensions, None):
        earned = sum(
            indicator.weight
            for indicator, finding in found.findings
            if finding.verdict.passes and (dimension is None or indicator.dimension == dimension.id)
        )
        name = "scoring" if dimension is None else f"{dimension.id}Scoring"
        node = URIRef(f"{dataset}#quality-{found.rules.id}-{name}")
        yield from _measurement(node, PV[name], dataset, Literal(round(earned)), when, method)


def _dimension(node: URIRef, title: Text, method: Method) -> Iterator[Triple]:
    yield node, RDF.type, DQV.Dimension
    yield node, DQV.inCategory, method.category
    yield from _labelled(node, title, None)


def _metric(node: URIRef, title: Text, about: Text | None, dimension: URIRef, kind: URIRef) -> Iterator[Triple]:
    yield node, RDF.type, DQV.Metric
    yield node, DQV.inDimension, dimension
    yield node, DQV.expectedDataType, kind
    yield from _labelled(node, title, about)


def _labelled(node: URIRef, title: Text, about: Text | None) -> Iterator[Triple]:
    yield node, SKOS.prefLabel, Literal(title.zh, lang="zh")
    yield node, SKOS.prefLabel, Literal(title.en, lang="en")
    if about is not None:
        yield node, SKOS.definition, Literal(about.zh, lang="zh")
        yield node, SKOS.definition, Literal(about.en, lang="en")


def _number(value: float) -> Literal:
    # A decimal, since a double loses digits in Turtle.
    return Literal(Decimal(str(round(value, 6))))


def _instant(at: datetime) -> Literal:
    return Literal(at.astimezone(UTC))
