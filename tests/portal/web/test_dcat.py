"""What the catalogue says in RDF: everything the portal said, nothing it did not, in every syntax the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from portal.catalog.model import Dataset, DatasetState, Distribution
from portal.web.dcat import Key, Page, catalogue, graph
from portal.web.iris import iri
from portal.web.rdf import HYDRA, SYNTAXES, digest, serialised
from tests.portal.web.samples import BASE, FULL, SERIES, SERVICE, entry, here

DCAT = Namespace("http://www.w3.org/ns/dcat#")
DQV = Namespace("http://www.w3.org/ns/dqv#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
ADMS = Namespace("http://www.w3.org/ns/adms#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
AUTHORITY = "http://publications.europa.eu/resource/authority/"

NODE = URIRef(f"{BASE}/datasets/{FULL.id}")
CSV = URIRef(f"{NODE}#csv1")
ODD = URIRef(f"{NODE}#odd1")
RECORD = URIRef(f"{NODE}#record")


@pytest.fixture(scope="module")
def made() -> Graph:
    return graph([entry(), entry(SERIES), entry(SERVICE)], BASE, here)


def words(made: Graph, subject: URIRef, predicate: URIRef) -> set[tuple[str, str | None]]:
    """Texts with their language tags."""
    return {(str(one), one.language) for one in made.objects(subject, predicate) if isinstance(one, Literal)}


def labels(made: Graph, subject: URIRef, predicate: URIRef) -> set[str]:
    """The labels of nodes without an address."""
    return {str(label) for node in made.objects(subject, predicate) for label in made.objects(node, RDFS.label)}


@pytest.mark.parametrize("suffix", SYNTAXES)
def test_every_syntax_says_the_same(made: Graph, suffix: str) -> None:
    read = Graph().parse(data=serialised(made, suffix), format=SYNTAXES[suffix])
    assert len(made) > 100 and isomorphic(made, read)


def test_d20_texts_keep_the_languages_the_portal_gave_and_get_none_it_did_not(made: Graph) -> None:
    assert words(made, NODE, DCTERMS.title) == {("公交站点", "zh"), ('Bus "stops" \\ halts', "en")}
    assert words(made, NODE, DCTERMS.description) == {("每日更新。\n第二行", None), ("Updated daily.", "en")}
    assert words(made, NODE, DCAT.keyword) == {("公交", None), ("站点", None), ("bus", "en")}
    assert words(made, CSV, DCTERMS.title) == {("站点.csv", None), ("stops.csv", "en")}


def test_codes_become_the_eus_addresses(made: Graph) -> None:
    said = {
        DCTERMS.accrualPeriodicity: "frequency/DAILY",
        DCTERMS.accessRights: "access-right/RESTRICTED",
        DCTERMS.license: "licence/CC_BY_4_0",
    }
    assert {predicate: made.value(NODE, predicate) for predicate in said} == {
        predicate: URIRef(AUTHORITY + path) for predicate, path in said.items()
    }
    assert made.value(CSV, DCTERMS["format"]) == URIRef(AUTHORITY + "file-type/CSV")
    assert made.value(CSV, DCAT.mediaType) == URIRef("http://www.iana.org/assignments/media-types/text/csv")
    assert set(made.objects(NODE, DCTERMS.language)) == {
        URIRef(AUTHORITY + "language/ZHO"),
        URIRef(AUTHORITY + "language/ENG"),
    }


def test_themes_are_ours_the_eus_and_the_portals_own(made: Graph) -> None:
    assert set(made.objects(NODE, DCAT.theme)) == {
        URIRef(f"{BASE}/themes/transport"),
        URIRef(f"{BASE}/themes/weather"),
        URIRef(f"{BASE}/themes/other"),
        URIRef(AUTHORITY + "data-theme/TRAN"),
        URIRef(AUTHORITY + "data-theme/ENVI"),
        URIRef("https://themes.example.org/t1"),
    }
    assert words(made, URIRef(f"{BASE}/themes/transport"), SKOS.prefLabel) == {("交通运输", "zh"), ("Transport", "en")}


def test_what_no_list_knows_stays_in_the_portals_words(made: Graph) -> None:
    assert labels(made, ODD, DCTERMS["format"]) == {"奇怪"}
    assert labels(made, ODD, DCTERMS.license) == {"自定许可"}
    assert labels(made, NODE, DCTERMS.conformsTo) == {"标准一"}


def test_a_distribution_that_says_no_licence_has_the_datasets(made: Graph) -> None:
    assert made.value(CSV, DCTERMS.license) == URIRef(AUTHORITY + "licence/CC_BY_4_0")


def test_a_file_is_its_own_access_address_and_a_checksum_keeps_its_algorithm(made: Graph) -> None:
    address = URIRef("https://data.example.cn/files/公交%20站点.csv")
    assert (made.value(CSV, DCAT.accessURL), made.value(CSV, DCAT.downloadURL)) == (address, address)
    checksum = made.value(CSV, SPDX.checksum)
    assert made.value(checksum, SPDX.algorithm) == SPDX.checksumAlgorithm_sha1
    assert str(made.value(checksum, SPDX.checksumValue)).lower() == "4304cf2e751e6053c90b1804c89c0ebb758f395a"


def test_people_are_named_and_only_harmless_addresses_of_theirs_given(made: Graph) -> None:
    agent = URIRef(f"{BASE}/publishers/p1")
    assert made.value(NODE, DCTERMS.publisher) == agent
    assert words(made, agent, FOAF.name) == {("杭州市交通运输局", None), ("Hangzhou Transport", "en")}
    card = made.value(NODE, DCAT.contactPoint)
    assert made.value(card, VCARD.hasEmail) == URIRef("mailto:data@example.cn")
    assert made.value(card, VCARD.hasURL) is None


def test_places_and_periods_are_as_exact_as_the_portal(made: Graph) -> None:
    names = {str(name) for place in made.objects(NODE, DCTERMS.spatial) for name in made.objects(place, SKOS.prefLabel)}
    assert names == {"西湖", "钱塘江", "杭州市", "Hangzhou"}
    shapes = [str(shape) for shape in made.objects(None, LOCN.geometry)]
    assert shapes == ['{"coordinates": [120.1, 30.2], "type": "Point"}']
    starts = {one.n3().rpartition("#")[2].strip(">") for one in made.objects(None, DCAT.startDate)}
    assert starts == {"gYear", "date"}


def test_an_inferred_region_is_no_word_of_the_portals() -> None:
    made = graph([entry(region_inferred_from="source", places=())], BASE)
    assert list(made.objects(NODE, DCTERMS.spatial)) == []


def test_the_origin_keeps_the_credit(made: Graph) -> None:
    page = URIRef("https://data.example.cn/页面/公交%20站点?q=%3Ca%3E&x=[1]#top")
    assert made.value(NODE, DCAT.landingPage) == page
    assert made.value(NODE, OWL.sameAs) == URIRef(FULL.source_key)
    assert made.value(RECORD, FOAF.primaryTopic) == NODE
    assert made.value(RECORD, DCTERMS.source) == page
    assert set(made.objects(RECORD, PROV.wasDerivedFrom)) == {page, URIRef(f"{BASE}/sources/hangzhou")}


def test_d24_high_value_categories_and_laws_are_written_back(made: Graph) -> None:
    category = URIRef("http://data.europa.eu/bna/c_b79e35eb")
    assert list(made.objects(NODE, DCATAP.hvdCategory)) == [category]
    assert made.value(category, SKOS.inScheme) == URIRef("http://data.europa.eu/bna/asd487ae75")
    assert list(made.objects(NODE, DCATAP.applicableLegislation)) == [
        URIRef("http://data.europa.eu/eli/reg_impl/2023/138/oj")
    ]


def test_d25_the_order_of_a_series_is_linked_both_ways() -> None:
    older = Dataset(id="older2", source_id="hangzhou", source_key="older", title="旧")
    newer = Dataset(id="newer2", source_id="hangzhou", source_key="newer", title="新")

    def lookup(keys: Collection[Key]) -> Mapping[Key, str]:
        ends = {(one.source_id, one.source_key): one.id for one in (older, newer)}
        return dict(here(keys)) | {key: id for key, id in ends.items() if key in keys}

    made = graph([entry(), entry(SERIES)], BASE, lookup)
    series = URIRef(f"{BASE}/datasets/{SERIES.id}")
    assert (series, RDF.type, DCAT.DatasetSeries) in made
    assert set(made.objects(NODE, DCAT.inSeries)) == {series, URIRef("https://series.example.org/1")}
    assert made.value(NODE, DCAT.prev) == made.value(series, DCAT.first) == URIRef(f"{BASE}/datasets/older2")
    assert made.value(NODE, DCAT.next) == made.value(series, DCAT.last) == URIRef(f"{BASE}/datasets/newer2")


def test_a_service_says_where_it_answers_and_what_it_serves(made: Graph) -> None:
    service = URIRef(f"{BASE}/datasets/{SERVICE.id}")
    assert (service, RDF.type, DCAT.DataService) in made
    assert made.value(service, DCAT.endpointURL) == URIRef("https://data.example.cn/api")
    assert made.value(service, DCAT.servesDataset) == NODE
    assert made.value(CSV, DCAT.accessService) == service


def test_what_a_portal_did_not_say_is_not_said() -> None:
    nothing = (Distribution(id="d"),)
    bare = Dataset(id="bare2", source_id="hangzhou", source_key="k", title="只有标题", distributions=nothing)
    made = graph([entry(bare)], BASE)
    node = URIRef(f"{BASE}/datasets/bare2")
    said = set(made.predicates(node)) | set(made.predicates(URIRef(f"{node}#d")))
    # The way to its quality is our own word, as the catalogue record is.
    assert said == {RDF.type, DCTERMS.title, DCTERMS.identifier, DCAT.distribution, DQV.hasQualityMetadata}


def test_a_licence_said_to_be_unspecified_is_none() -> None:
    made = graph([entry(licence="notspecified", licence_raw="notspecified", distributions=())], BASE)
    assert made.value(NODE, DCTERMS.license) is None


def test_a_retired_dataset_is_withdrawn_and_says_when() -> None:
    made = graph([entry(state=DatasetState.RETIRED)], BASE)
    assert made.value(RECORD, ADMS.status) == URIRef("http://purl.org/adms/status/Withdrawn")
    assert made.value(RECORD, PROV.invalidatedAtTime) is not None
    assert made.value(NODE, DCTERMS.title) is not None


def test_a_page_of_the_catalogue_lists_its_entries_and_leads_on() -> None:
    page = Page(address="u:2", first="u:1", last="u:3", previous="u:1", next="u:3", total=250)
    made = catalogue([entry(), entry(SERIES), entry(SERVICE)], BASE, page, here)
    whole = URIRef(f"{BASE}/catalog")
    assert set(made.objects(whole, DCAT.dataset)) == {NODE, URIRef(f"{BASE}/datasets/{SERIES.id}")}
    assert set(made.objects(whole, DCAT.service)) == {URIRef(f"{BASE}/datasets/{SERVICE.id}")}
    assert len(set(made.objects(whole, DCAT.record))) == 3
    view = made.value(whole, HYDRA.view)
    assert [made.value(view, HYDRA[name]) for name in ("first", "previous", "next", "last")] == [
        URIRef(address) for address in ("u:1", "u:1", "u:3", "u:3")
    ]
    assert made.value(whole, HYDRA.totalItems) == Literal(250)


def test_the_same_statements_have_the_same_digest() -> None:
    assert digest(graph([entry()], BASE)) == digest(graph([entry()], BASE))
    assert digest(graph([entry()], BASE)) != digest(graph([entry(version="2.1")], BASE))


AWKWARD = st.sampled_from("<>\"'\\{}|^` \r\n\t%#?[]@:/")
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]) | AWKWARD, min_size=1)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(text=ANYTHING)
def test_whatever_a_portal_writes_every_syntax_can_be_read_back(text: str) -> None:
    shown = entry(
        title=text,
        titles={text: text},
        description=text,
        landing_page=f"https://data.example.cn/{text}",
        source_key=text,
        languages=(text,),
        related=(text, f"urn:{text}"),
        themes_raw=(text,),
        distributions=(
            Distribution(id="d", access_url=text, format_raw=text, media_type=text, checksum=text, licence_raw=text),
        ),
    )
    made = graph([shown], BASE)
    for suffix, syntax in SYNTAXES.items():
        assert isomorphic(made, Graph().parse(data=serialised(made, suffix), format=syntax)), suffix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://x.cn/a b", "https://x.cn/a%20b"),
        (" https://x.cn/中文 ", "https://x.cn/中文"),
        ('https://x.cn/"<>{}|\\^`', "https://x.cn/%22%3C%3E%7B%7D%7C%5C%5E%60"),
        ("urn:isbn:1", "urn:isbn:1"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)", None),
        ("data:text/html,<script>", None),
        ("file:///etc/passwd", None),
        ("/relative", None),
        ("https://", None),
        ("https:// spaces.example/", None),
        ("http://[::1", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_made_safe_or_left_out(text: str | None, expected: str | None) -> None:
    assert iri(text) == expected
