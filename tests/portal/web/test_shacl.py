"""What we write in RDF conforms to the shapes of DCAT-AP 2.1.1, 3.0.1 and DCAT-AP HVD (case D23), and reads back."""

from __future__ import annotations

import json
from functools import cache

import pytest
from msgspec.structs import replace
from pyshacl import validate
from rdflib import Graph, Namespace

from harvester import rdf as incoming
from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from portal.catalog.model import Dataset, Publisher, RecordType, Source
from portal.web.dcat import Page, catalogue, graph
from portal.web.dcat_terms import DCAT
from portal.web.documents import REPRESENTATIONS
from portal.web.rdf import SYNTAXES, serialised
from tests.fixtures import FIXTURES, needs_fixtures
from tests.portal.web.samples import BASE, FULL, SERIES, SERVICE, entry, here

pytestmark = pytest.mark.slow

pytestmark = needs_fixtures

SH = Namespace("http://www.w3.org/ns/shacl#")
CKAN = Source(id="demo", title="Demo", kind="ckan", url="https://ckan.example.org/")
DCAT_SOURCE = Source(id="ours", title="Ours", kind="dcat", url=f"{BASE}/catalog.ttl")
PAGE = Page(address=f"{BASE}/catalog.ttl?page=1", first="u:1", last="u:1", previous=None, next=None, total=1)

EXAMPLES = FIXTURES / "ckan" / "ckanext_dcat_examples"

SHAPES = (
    "2.1.1/dcat-ap_2.1.1_shacl_shapes.ttl",
    "2.1.1/dcat-ap_2.1.1_shacl_shapes_recommended.ttl",
    "2.1.1/dcat-ap_2.1.1_shacl_deprecateduris.ttl",
    "3.0.1/shapes.ttl",
    "3.0.1/shapes_recommended.ttl",
    "3.0.1/deprecateduris.ttl",
)
"""Cardinalities, kinds of nodes and data types."""

RANGES = ("2.1.1/dcat-ap_2.1.1_shacl_range.ttl", "3.0.1/range.ttl")
"""Classes of linked nodes."""

CONTEXT = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix theme: <http://publications.europa.eu/resource/authority/data-theme/> .
dcat:Dataset rdfs:subClassOf dcat:Resource .
dcat:DataService rdfs:subClassOf dcat:Resource .
theme:TRAN a skos:Concept ; skos:prefLabel "Transport"@en .
theme:ENVI a skos:Concept ; skos:prefLabel "Environment"@en .
"""
"""What DCAT itself and the EU's list of themes say; no catalogue repeats it."""

SIZE_OF_ANOTHER_TYPE = {"http://www.w3.org/ns/dcat#byteSize"}
"""2.1.1 wants a decimal where 3.0.1 wants a non-negative integer: one cannot be both, and 3 is what we write."""

GEOMETRY_OF_A_CLASS = {"http://www.w3.org/ns/locn#geometry"}
"""The generated shapes of 3.0.1 want a node where its hand-written ones and its text want a literal."""


def from_ckan(name: str) -> Dataset:
    """The dataset we make of a CKAN record."""
    record = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    record.setdefault("id", record["name"])
    dataset, _ = to_dataset(RawRecord(body=json.dumps(record).encode(), url=None), CKAN)
    assert dataset is not None
    return dataset


@cache
def _shapes(name: str) -> Graph:
    return Graph().parse(FIXTURES / "shacl" / name)


def violated(made: Graph, shapes: str) -> set[str]:
    """The properties a shapes file finds violated; its warnings are advice and left out."""
    context = Graph().parse(data=CONTEXT, format="turtle")
    _, report, _ = validate(made + context, shacl_graph=_shapes(shapes), inference="rdfs", do_owl_imports=False)
    assert isinstance(report, Graph)
    return {str(report.value(one, SH.resultPath)) for one in report.subjects(SH.resultSeverity, SH.Violation)}


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(
    "name",
    [
        "ckan_full_dataset_dcat_ap.json",
        "ckan_full_dataset_dcat_ap_legacy.json",
        "ckan_full_dataset_dcat_ap_vocabularies.json",
    ],
)
def test_d23_what_we_write_of_a_full_ckan_record_conforms(name: str, shapes: str) -> None:
    made = catalogue([entry(from_ckan(name))], BASE, PAGE)
    allowed = SIZE_OF_ANOTHER_TYPE if shapes.startswith("2.1.1/") else set()
    assert violated(made, shapes) <= allowed


@pytest.mark.parametrize("shapes", SHAPES)
def test_d23_a_page_with_a_dataset_a_series_and_a_service_conforms(shapes: str) -> None:
    made = catalogue([entry(), entry(SERIES), entry(SERVICE)], BASE, PAGE, here)
    allowed = SIZE_OF_ANOTHER_TYPE if shapes.startswith("2.1.1/") else set()
    assert violated(made, shapes) <= allowed


@pytest.mark.parametrize("shapes", RANGES)
def test_d23_everything_linked_is_of_the_class_it_must_be(shapes: str) -> None:
    # What only the portal could describe is left out here: its own themes, and a series that is elsewhere.
    plain = entry(themes_raw=(), series=("series-1",), series_previous=None, series_next=None)
    made = catalogue([plain, entry(SERIES), entry(SERVICE)], BASE, PAGE, here)
    assert violated(made, shapes) == set()


@pytest.mark.parametrize("shapes", [*SHAPES, *RANGES])
def test_a_further_appearance_that_names_the_canonical_entry_conforms(shapes: str) -> None:
    # With the canonical entry on the page: of one elsewhere a document can say neither class nor title.
    canonical = entry(themes_raw=(), series=(), series_previous=None, series_next=None)
    page = "https://data.example.cn/province/1"
    further = replace(canonical, dataset=replace(canonical.dataset, id="further", source_key=page, landing_page=page))
    counted_as = {"further": canonical.dataset.id}
    made = catalogue([canonical, further, entry(SERIES), entry(SERVICE)], BASE, PAGE, here, lambda ids: counted_as)
    assert len(list(made.objects(None, DCAT.qualifiedRelation))) == 1
    allowed = SIZE_OF_ANOTHER_TYPE if shapes.startswith("2.1.1/") else set()
    assert violated(made, shapes) <= allowed


def test_d23_a_dataset_conforms_to_the_generated_shapes_too() -> None:
    # Without a service: what these shapes say of one is malformed.
    plain = entry(themes_raw=(), series=("series-1",), series_previous=None, series_next=None)
    shown = replace(plain.dataset, distributions=plain.dataset.distributions[1:])
    made = catalogue([replace(plain, dataset=shown), entry(SERIES)], BASE, PAGE, here)
    assert violated(made, "3.0.1/dcat-ap-SHACL.ttl") == GEOMETRY_OF_A_CLASS


def test_d23_d24_a_high_value_dataset_conforms_to_its_own_profile() -> None:
    made = graph([entry(themes_raw=(), series=())], BASE, here)
    # The service is described on a page of its own.
    assert violated(made, "3.0.0-hvd/hvd-SHACL.ttl") == {"http://www.w3.org/ns/dcat#accessService"}


def test_the_shapes_would_find_what_is_missing() -> None:
    made = graph([entry(hvd_categories=(), applicable_legislation=(), contact=None)], BASE, here)
    assert {"http://data.europa.eu/r5r/hvdCategory", "http://data.europa.eu/r5r/applicableLegislation"} <= violated(
        made, "3.0.0-hvd/hvd-SHACL.ttl"
    )


@pytest.mark.parametrize("suffix", SYNTAXES)
def test_what_we_write_can_be_harvested_again(suffix: str) -> None:
    """Another Nachuan reads our catalogue: the words, codes and addresses it gets are those we had."""
    # Of words some of which have a language the reader keeps those that have one, so here none has.
    plain = entry(keywords_by_language={}, publisher=Publisher(id="p1", name="杭州市交通运输局"))
    made = catalogue([plain, entry(SERIES), entry(SERVICE)], BASE, PAGE, here)
    document = incoming.read(serialised(made, suffix), content_type=REPRESENTATIONS[suffix], url=PAGE.address)
    raw = [RawRecord(body=bytes(record.body), url=PAGE.address) for record in document.records]
    read = [to_dataset(record, DCAT_SOURCE)[0] for record in raw]
    found = {dataset.source_key: dataset for dataset in read if dataset is not None}
    again = found[f"{BASE}/datasets/{FULL.id}"]
    assert document.declared == 1 and len(found) == 3
    assert set(again.keywords) == set(FULL.keywords)
    assert {one.start for one in again.periods} == {one.start for one in FULL.periods}
    for field in ("titles", "version", "openness", "frequency", "licence", "issued", "modified"):
        assert getattr(again, field) == getattr(FULL, field), field
    assert set(again.identifiers) >= set(FULL.identifiers)
    assert set(again.themes) >= {"transport"} and set(again.hvd_categories) == set(FULL.hvd_categories)
    assert again.publisher is not None and again.publisher.name == "杭州市交通运输局"
    assert {one.format for one in again.distributions} == {"csv", None}
    assert {one.checksum for one in again.distributions} == {"sha1:4304cf2e751e6053c90b1804c89c0ebb758f395a", None}
    assert found[f"{BASE}/datasets/{SERIES.id}"].record_type is RecordType.SERIES
    assert found[f"{BASE}/datasets/{SERVICE.id}"].endpoint_url == SERVICE.endpoint_url
