"""Quality in RDF: every verdict and score as DQV says it, what is unknown as unknown, and the EU's metrics where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace
from pyshacl import validate
from rdflib import DCTERMS, OWL, PROV, RDF, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

import schemas
from portal.catalog.assessments import Kind
from portal.catalog.model import Link, LinkState, Publisher
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import cards, scoring
from portal.scorecard.assess import Ways, rebuild
from portal.scorecard.cards import DistributionEvidence, Evidence
from portal.scorecard.reasons import reason
from portal.scorecard.rules import PACKAGED, RuleSet, load
from portal.scorecard.subjects import Subject
from portal.scorecard.vectors import Layout, assessed, findings, of_each
from portal.scorecard.verdicts import Verdict
from portal.web import dqv
from portal.web.rdf import SYNTAXES, graph_of
from tests.portal.scorecard.samples import CSV, DAY, FILE, PAGE, link, seen, whole, working
from tests.portal.web.town import build, client_of, dataset_of, made
from tests.portal.web.town import page as html_page

DQV = Namespace("http://www.w3.org/ns/dqv#")
EARL = Namespace("http://www.w3.org/ns/earl#")
PV = Namespace("https://piveau.eu/ns/voc#")
SCHEMA = Namespace("http://schema.org/")

BASE = "https://nachuan.example"
SHAPES = Path(schemas.__file__).parent / "shapes" / "quality.ttl"

AT = DAY + timedelta(hours=3)


def evidence_of(subject: Subject, rules: RuleSet) -> Evidence:
    """What ``portal.scorecard.cards`` says of one dataset."""
    layout = Layout.of([rules])
    counts = scoring.lanes(scoring.packed(scoring.spread(assessed(subject, layout).vector), layout))
    return Evidence(
        rules=rules,
        day=DAY,
        score=scoring.score(counts, rules, layout, is_department=False),
        findings=tuple(zip(rules.measured, findings(subject, rules), strict=True)),
        flags=(),
        original=subject.original,
        agrees=True,
    )


def told(subject: Subject, *names: str) -> Graph:
    """The quality of one dataset under rule sets."""
    found = [evidence_of(subject, load(name)) for name in names or PACKAGED]
    each = tuple(DistributionEvidence(one, tuple(found), subject.links) for one, found in of_each(subject, load("mqa")))
    return graph_of(dqv.of_dataset(subject.dataset.id, BASE, found, {"mqa": each}, AT))


def measurements(graph: Graph, on: URIRef) -> dict[URIRef, tuple[object, URIRef | None]]:
    """Value and outcome of everything measured of a thing, by metric."""
    found = {}
    for node in graph.subjects(DQV.computedOn, on):
        metric, value = graph.value(node, DQV.isMeasurementOf), graph.value(node, DQV.value)
        assert isinstance(metric, URIRef) and metric not in found
        outcome = graph.value(node, EARL.outcome)
        assert outcome is None or isinstance(outcome, URIRef)
        found[metric] = (value.toPython() if isinstance(value, Literal) else None), outcome
    return found


def complaints(*graphs: Graph) -> str:
    """What the shape finds wrong."""
    data = Graph()
    for one in graphs:
        data += one
    conforms, _, text = validate(data, shacl_graph=Graph().parse(SHAPES))
    return "" if conforms else str(text)


DATASET = URIRef(f"{BASE}/datasets/{whole().id}")
METHOD = graph_of(dqv.of_method(BASE, [load(name) for name in PACKAGED]))


def method(fragment: str) -> URIRef:
    return URIRef(f"{BASE}/scorecards/method#{fragment}")


# One dataset


def test_every_verdict_on_a_dataset_is_a_measurement_with_its_reason_rules_and_time() -> None:
    subject = seen(whole(licence=None, licence_raw=None, distributions=()))
    graph = told(subject, "national")
    for indicator, finding in evidence_of(subject, load("national")).findings:
        node = URIRef(f"{DATASET}#quality-national-{indicator.id}")
        if finding.verdict is Verdict.NOT_APPLICABLE:
            assert (node, None, None) not in graph
            continue
        assert graph.value(node, DQV.isMeasurementOf) == method(f"national-{indicator.id}")
        assert {str(one) for one in graph.objects(node, DCTERMS.description)} == {
            reason(finding, tongue) for tongue in ("zh", "en")
        }
        assert graph.value(node, PROV.generatedAtTime) == Literal(AT)
        assert graph.value(graph.value(node, DCTERMS.conformsTo), OWL.versionInfo) == Literal(load("national").version)


def test_what_is_unknown_has_no_value_and_says_so() -> None:
    subject = seen(links={})
    judged = evidence_of(subject, load("national")).findings
    unknown = [one.id for one, found in judged if found.verdict is Verdict.UNKNOWN]
    found = measurements(told(subject, "national"), DATASET)
    assert "reachable" in unknown
    assert {found[method(f"national-{id}")] for id in unknown} == {(None, EARL.cantTell)}


def test_what_was_measured_before_an_outage_counts_as_it_did() -> None:
    old = DAY - timedelta(days=60)
    silent = Link(url=FILE, state=LinkState.UNKNOWN, since=old, checked=old, last_available=old)
    links = {url: replace(silent, url=url) for url in (FILE, PAGE)}
    found = measurements(told(seen(links=links), "national"), DATASET)
    assert found[method("national-reachable")] == (True, EARL.passed)


def test_the_score_of_a_dataset_stands_between_its_bounds() -> None:
    subject = seen(links={})
    score = evidence_of(subject, load("national")).score
    found = measurements(told(subject, "national"), DATASET)
    values = [float(str(found[method(f"national-whole-{name}")][0])) for name in ("score", "low", "high", "measured")]
    assert values == pytest.approx([score.point, score.low, score.high, score.measured], abs=1e-6)


def test_a_dataset_of_which_nothing_is_known_has_no_score_and_not_zero() -> None:
    rules = replace(load("national"), indicators=(load("national").indicator("reachable"),))
    graph = graph_of(dqv.of_dataset("x", BASE, [evidence_of(seen(links={}), rules)], {}, AT))
    found = measurements(graph, URIRef(f"{BASE}/datasets/x"))
    assert found[method("national-whole-score")] == (None, EARL.cantTell)


def test_a_further_appearance_is_measured_nothing_and_leads_to_the_dataset_it_is_one_of() -> None:
    graph = told(seen(original="another"))
    assert not list(graph.subjects(RDF.type, DQV.QualityMeasurement))
    assert (None, None, URIRef(f"{BASE}/datasets/another/quality.ttl")) in graph


# The EU's metrics


def test_the_eus_metrics_of_datasets_are_computed_on_the_dataset_and_those_of_distributions_on_each() -> None:
    bare = replace(CSV, id="2", download_url=None, access_url="https://data.hangzhou.gov.cn/none", size_bytes=None)
    graph = told(seen(whole(distributions=(CSV, bare))), "mqa")
    of_all = measurements(graph, DATASET)
    assert of_all[PV.keywordAvailability] == (True, EARL.passed) and PV.byteSizeAvailability not in of_all
    first, second = (measurements(graph, URIRef(f"{DATASET}#{id}")) for id in ("1", "2"))
    assert first[PV.byteSizeAvailability] == (True, EARL.passed)
    assert second[PV.byteSizeAvailability] == (False, EARL.failed)
    assert second[PV.accessUrlStatusCode] == (None, EARL.cantTell)
    assert PV.downloadUrlStatusCode not in second


def test_a_status_code_is_the_one_that_was_answered() -> None:
    links = working() | {FILE: link(FILE, LinkState.GONE, status=404)}
    found = measurements(told(seen(links=links), "mqa"), URIRef(f"{DATASET}#1"))
    assert found[PV.accessUrlStatusCode] == (200, EARL.passed)
    assert found[PV.downloadUrlStatusCode] == (404, EARL.failed)


def test_the_eus_points_are_those_of_each_dimension_and_their_sum() -> None:
    found = measurements(told(seen(), "mqa"), DATASET)
    dimensions = [found[PV[f"{one.id}Scoring"]][0] for one in load("mqa").dimensions]
    score = evidence_of(seen(), load("mqa")).score
    assert score.point is not None
    assert found[PV.scoring][0] == sum(map(int, map(str, dimensions))) == round(score.point) > 300


def test_every_indicator_of_the_eus_rule_set_is_one_of_its_metrics() -> None:
    assert all((PV[one.id], RDF.type, DQV.Metric) in METHOD for one in load("mqa").measured)


# The method


def test_every_metric_that_is_measured_is_described_with_the_type_of_its_values() -> None:
    graphs = [told(seen()), told(seen(links={})), told(seen(whole(distributions=(), licence=None, licence_raw=None)))]
    for graph in graphs:
        for node in graph.subjects(RDF.type, DQV.QualityMeasurement):
            metric, value = graph.value(node, DQV.isMeasurementOf), graph.value(node, DQV.value)
            expected = METHOD.value(metric, DQV.expectedDataType)
            assert expected is not None, metric
            assert value is None or isinstance(value, Literal) and value.datatype == expected, (metric, value)


def test_names_in_the_method_are_in_both_languages_and_units_are_said_of_numbers() -> None:
    label = {str(one) for one in METHOD.objects(method("national-licence"), SKOS.prefLabel)}
    title = load("national").indicator("licence").title
    assert label == {title.zh, title.en}
    units = set(METHOD.subjects(URIRef("http://purl.org/linked-data/sdmx/2009/attribute#unitMeasure"), None))
    assert units == set(METHOD.subjects(DQV.expectedDataType, XSD.decimal))


# Shapes


@pytest.mark.slow
@pytest.mark.parametrize("graph", [
    pytest.param(told(seen()), id="whole"),
    pytest.param(told(seen(links={})), id="never asked"),
    pytest.param(told(seen(whole(distributions=(), licence=None, licence_raw=None))), id="bare"),
    pytest.param(told(seen(whole(rows=0))), id="empty"),
    pytest.param(METHOD, id="method"),
])
def test_what_we_write_keeps_its_shape(graph: Graph) -> None:
    assert complaints(graph) == ""


@pytest.mark.slow
@pytest.mark.parametrize("predicate", [
    DQV.isMeasurementOf, DQV.computedOn, DQV.value, DQV.hasQualityMeasurement, PROV.generatedAtTime, DCTERMS.conformsTo,
])
def test_the_shape_notices_what_a_measurement_lacks(predicate: URIRef) -> None:
    node = URIRef(f"{DATASET}#quality-national-score")
    graph = told(seen(), "national")
    assert (node, RDF.type, DQV.QualityMeasurement) in graph
    graph.remove((None, predicate, node) if predicate == DQV.hasQualityMeasurement else (node, predicate, None))
    assert complaints(graph)


@pytest.mark.slow
@pytest.mark.parametrize("value", [Literal(False), Literal(0), Literal("0.0", datatype=XSD.decimal)])
def test_the_shape_refuses_an_unknown_that_is_said_as_a_value(value: Literal) -> None:
    node = URIRef(f"{DATASET}#quality-national-reachable")
    graph = told(seen(links={}), "national")
    assert graph.value(node, EARL.outcome) == EARL.cantTell
    graph.add((node, DQV.value, value))
    assert complaints(graph)


# The site


def put(catalog: Catalog, *records: NewRecord) -> None:
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put(records)
    catalog.sources.release(lease)


@pytest.fixture(scope="module")
def seen_town() -> Iterator[Catalog]:
    """The town, assessed, with a publisher whose one address was never asked for."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    put(catalog, made("lone", title="孤本", publisher=Publisher(id="lone", name="独一家"), distributions=(CSV,)))
    rebuild(catalog, now=datetime.now(UTC))
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def client(seen_town: Catalog) -> FlaskClient:
    return client_of(seen_town)


def read(client: FlaskClient, path: str) -> Graph:
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)
    return Graph().parse(data=response.data, format=SYNTAXES[path.rpartition(".")[2]])


@pytest.mark.parametrize("path", [
    f"/datasets/{dataset_of('1')}/quality", "/scorecards/publishers/water", "/scorecards/nation/all/mqa",
    "/scorecards/method",
])
def test_every_syntax_says_the_same(client: FlaskClient, path: str) -> None:
    first, *others = (read(client, f"{path}.{suffix}") for suffix in SYNTAXES)
    assert len(first) > 100 and all(isomorphic(first, other) for other in others)


def test_the_description_of_a_dataset_leads_to_its_quality(client: FlaskClient, seen_town: Catalog) -> None:
    dataset = URIRef(f"http://localhost/datasets/{dataset_of('1')}")
    described = read(client, f"/datasets/{dataset_of('1')}.ttl")
    quality = described.value(dataset, DQV.hasQualityMetadata)
    address = described.value(quality, URIRef("http://www.w3.org/2000/01/rdf-schema#seeAlso"))
    found = read(client, str(address).removeprefix("http://localhost"))
    assert (quality, RDF.type, DQV.QualityMetadata) in found
    evidence = cards.whole_evidence(seen_town, Ways(), dataset_of("1"))
    assert len(measurements(found, dataset)) > sum(len(one.findings) for one in evidence) / 2


def test_a_withdrawn_dataset_and_one_that_never_was_have_no_quality(client: FlaskClient) -> None:
    for id in (dataset_of("gone"), "nonesuch"):
        response = client.get(f"/datasets/{id}/quality.ttl")
        assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    body = client.get(f"/datasets/{dataset_of('gone')}.ttl").get_data(as_text=True)
    assert "hasQualityMetadata" not in body and "Withdrawn" in body


def test_a_card_is_told_with_its_values_bounds_and_what_is_not_known(client: FlaskClient, seen_town: Catalog) -> None:
    card = cards.card(seen_town, Kind.PUBLISHER, "lone")
    assert card is not None
    stem = "http://localhost/scorecards/publishers/lone/national"
    graph = read(client, "/scorecards/publishers/lone.ttl")
    named = {one.indicator.id: one for dimension in card.dimensions for one in dimension.indicators}
    unknown = [id for id, one in named.items() if one.value is not None and one.value.point is None]
    assert "reachable" in unknown
    for id, one in named.items():
        node = URIRef(f"{stem}#{id}")
        if one.value is None:
            assert (node, None, None) not in graph
            continue
        value, low, high = (graph.value(node, path) for path in (DQV.value, SCHEMA.minValue, SCHEMA.maxValue))
        assert float(str(low)) == pytest.approx(one.value.low, abs=1e-6)
        assert float(str(high)) == pytest.approx(one.value.high, abs=1e-6)
        assert (value is None) == (id in unknown) == (graph.value(node, EARL.outcome) == EARL.cantTell)
        assert value is None or float(str(value)) == pytest.approx(one.value.point, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("path", [
    "/scorecards/publishers/lone.ttl", "/scorecards/nation/all/mqa.ttl", f"/datasets/{dataset_of('1')}/quality.ttl",
])
def test_what_the_site_answers_keeps_the_shape(client: FlaskClient, path: str) -> None:
    assert complaints(read(client, path)) == ""


@pytest.mark.parametrize("path,status", [
    ("/scorecards/publishers/nonesuch.ttl", 404), ("/scorecards/nation/all/nonesuch.rdf", 404),
    ("/scorecards/nonsense/x.jsonld", 404),
])
def test_programs_are_told_in_json_what_there_is_not(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")


def test_before_the_first_assessment_there_is_a_method_and_no_quality(town: Catalog) -> None:
    empty = client_of(town)
    assert empty.get("/scorecards/method.ttl").status_code == 200
    assert empty.get("/scorecards/nation/all.ttl").status_code == 503
    assert empty.get(f"/datasets/{dataset_of('1')}/quality.ttl").status_code == 404


def test_pages_lead_to_the_quality_for_machines(client: FlaskClient) -> None:
    paths: Sequence[tuple[str, str]] = (
        (f"/datasets/{dataset_of('1')}", f"/datasets/{dataset_of('1')}/quality.ttl"),
        ("/scorecards/publishers/water", "/scorecards/publishers/water/national.ttl"),
        ("/scorecards/method", "/scorecards/method.ttl"),
    )
    for path, to in paths:
        assert f"/zh{to}" in html_page(client, f"/zh{path}").xpath("//main//a/@href"), path


def test_hostile_words_of_a_portal_are_readable_in_every_syntax(catalog: Catalog) -> None:
    build(catalog)
    put(catalog, made("evil", title='x"<>\x0b\ufffe{}|\\^`', licence_raw='"<\x01>\ufffe'))
    rebuild(catalog)
    client = client_of(catalog)
    first, *others = (read(client, f"/datasets/{dataset_of('evil')}/quality.{suffix}") for suffix in SYNTAXES)
    assert len(first) > 100 and all(isomorphic(first, other) for other in others)
