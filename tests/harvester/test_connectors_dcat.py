"""DCAT catalogues are read from a real local server, page by page, catalogue by catalogue, and translated."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

import schemas
from harvester.connectors import CONNECTORS
from harvester.crosswalk import to_dataset
from harvester.errors import (
    AddressRefused,
    AnswerTooLarge,
    HarvestError,
    PagingBroken,
    PortalAnsweredError,
    PortalNotUnderstood,
)
from harvester.http import Http, Limits, Validators
from harvester.pipeline import harvest
from harvester.records import Listing, RawRecord
from portal.catalog.model import (
    Counts,
    Dataset,
    DatasetState,
    DistributionKind,
    Issue,
    Place,
    RecordType,
    Source,
)
from portal.catalog.store import Catalog
from tests.fixtures import FIXTURES, needs_fixtures
from tests.hostile import HostileServer, answer, conditional

DCAT = FIXTURES / "dcat"
LOOPBACK = (ip_network("127.0.0.0/8"),)
TYPES = {".ttl": "text/turtle", ".rdf": "application/rdf+xml", ".xml": "application/rdf+xml",
         ".jsonld": "application/ld+json", ".trig": "application/trig"}
TURTLE = {"Content-Type": "text/turtle"}
PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcatap: <http://data.europa.eu/r5r/> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
@prefix locn: <http://www.w3.org/ns/locn#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
FULL = None


def source(url: str, **options: Any) -> Source:
    return Source(id="test", title="Test", kind="dcat", url=url, timezone="UTC", options=options)


class Harvested:
    """What a connector gave, to its end or to its error."""

    def __init__(self, url: str, http: Http, since: datetime | None = FULL) -> None:
        self.records: list[RawRecord] = []
        self.issues: list[Issue] = []
        self.listing: Listing | None = None
        self.error: HarvestError | None = None
        going = CONNECTORS["dcat"](source(url), http, since)
        try:
            while True:
                given = next(going)
                (self.records if isinstance(given, RawRecord) else self.issues).append(given)  # type: ignore[arg-type]
        except StopIteration as end:
            self.listing = end.value
        except HarvestError as error:
            self.error = error

    @property
    def datasets(self) -> list[Dataset]:
        translated = [to_dataset(record, source("http://portal.test/"))[0] for record in self.records]
        return [dataset for dataset in translated if dataset is not None]

    def dataset(self, key: str) -> Dataset:
        return next(dataset for dataset in self.datasets if dataset.source_key == key)


def harvested(portal: HostileServer, path: str, **http: Any) -> Harvested:
    with Http(requests_per_second=0, allow_private=LOOPBACK, **http) as way_out:
        return Harvested(portal.url + path, way_out)


def pages(scripts: Mapping[str, str], http: Mapping[str, Any] | None = None) -> tuple[Harvested, list[str]]:
    """What is harvested at ``/1`` of a portal of Turtle pages, by path and query, and the paths it was asked for."""

    def play(talk: Any) -> None:
        body = scripts.get(talk.seen.target)
        served = answer(PREFIXES + body, headers=TURTLE) if body is not None else answer("none", status=404)
        served(talk)

    with HostileServer(play) as portal:
        found = harvested(portal, "/1", **(http or {}))
        return found, portal.paths


def fixture(path: str) -> Harvested:
    """What is harvested of one real document; udata's, which name their place, are served at that place."""
    file = DCAT / path
    body = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    content_type = TYPES[Path(path.removesuffix(".gz")).suffix]
    scripts: dict[str, Any] = {}
    with HostileServer(scripts) as portal:
        body = body.replace(b"http://data.test.org", portal.url.encode())
        scripts["/catalog"] = answer(body, headers={"Content-Type": content_type})
        found = harvested(portal, "/catalog")
    assert found.error is None
    return found


def described(*statements: str) -> Dataset:
    """The dataset that Turtle statements about ``<http://p.test/1>`` become."""
    body = '<http://p.test/1> a dcat:Dataset ; dct:title "A" .\n' + "\n".join(statements)
    found, _ = pages({"/1": body})
    return found.dataset("http://p.test/1")


def distribution(statements: str) -> Any:
    return described(f"<http://p.test/1> dcat:distribution [ {statements} ] .").distributions[0]


def keys(records: Iterable[RawRecord]) -> list[str]:
    return sorted(json.loads(record.body)["@id"].rpartition("/")[2] for record in records)


def listed(*numbers: int) -> str:
    return "".join(f'<http://p.test/{n}> a dcat:Dataset ; dct:title "{n}" .\n' for n in numbers)


# Pages


@pytest.mark.parametrize(
    "view",
    [
        "<> a hydra:PagedCollection ; hydra:totalItems 4 ; hydra:nextPage </2> .",
        '<> a hydra:PagedCollection ; hydra:totalItems 4 ; hydra:nextPage "2" .',
        "<> a hydra:PartialCollectionView ; hydra:next </2> . <#c> hydra:totalItems 4 .",
        '<> hydra:next "/2"^^xsd:anyURI ; hydra:nextPage </2> ; hydra:totalItems 4 .',
    ],
)
def test_d13_the_next_page_is_followed_in_both_spellings(view: str) -> None:
    found, asked = pages({"/1": listed(1, 2) + view, "/2": listed(3, 4)})
    assert keys(found.records) == ["1", "2", "3", "4"]
    assert found.listing == Listing(declared=4)
    assert asked == ["/1", "/2"]


def test_d13_a_second_page_that_is_the_first_again_ends_the_harvest_with_what_it_had() -> None:
    found, asked = pages({
        "/1": listed(1, 2) + "<> hydra:next </1?page=2> .",
        "/1?page=2": listed(1, 2) + "<> hydra:next </1?page=3> .",
    })
    assert keys(found.records) == ["1", "2"]
    assert isinstance(found.error, PagingBroken)
    assert len(asked) == 2


def test_d13_pages_in_a_ring_end() -> None:
    found, asked = pages({"/1": listed(1) + "<> hydra:next </2> .", "/2": listed(2) + "<> hydra:next </1> ."})
    assert keys(found.records) == ["1", "2"]
    assert isinstance(found.error, PagingBroken)
    assert asked == ["/1", "/2"]


def test_a_last_page_that_names_itself_is_no_trouble_once_all_that_was_declared_came() -> None:
    found, asked = pages({
        "/1": listed(1) + "<> hydra:next </2> ; hydra:totalItems 2 .",
        "/2": listed(2) + "<> hydra:next </2> ; hydra:totalItems 2 .",
    })
    assert (found.error, found.listing) == (None, Listing(declared=2))
    assert asked == ["/1", "/2"]


def test_a_page_that_fails_ends_the_harvest_with_its_error() -> None:
    found, _ = pages({"/1": listed(1) + "<> hydra:next </gone> ."})
    assert keys(found.records) == ["1"]
    assert isinstance(found.error, PortalAnsweredError)
    assert found.error.status == 404


@needs_fixtures
@pytest.mark.parametrize("collection", ["paged", "partial"])
def test_u16_pairs_of_pages_give_four_datasets(collection: str) -> None:
    """The same two documents in the present spelling of Hydra, too."""
    scripts: dict[str, Any] = {}
    with HostileServer(lambda talk: scripts[talk.seen.target](talk)) as portal:
        for number in (1, 2):
            said = (DCAT / f"udata/paged-collection-{number}.jsonld").read_text()
            said = said.replace("http://data.test.org/catalog.jsonld", f"{portal.url}/catalog.jsonld")
            if collection == "partial":
                said = said.replace("PagedCollection", "PartialCollectionView").replace("core#nextPage", "core#next")
            scripts[f"/catalog.jsonld?page={number}"] = answer(said, headers={"Content-Type": TYPES[".jsonld"]})
        found = harvested(portal, "/catalog.jsonld?page=1")
    assert len(found.datasets) == 4
    assert found.listing == Listing(declared=4)


# Catalogues within catalogues


def test_d21_inner_catalogues_in_other_documents_of_the_host_are_read_and_named() -> None:
    found, asked = pages({
        "/1": listed(1) + "<> a dcat:Catalog ; dcat:dataset <http://p.test/1> ; dcat:catalog </inner#c> ;"
                          ' dct:hasPart </b> . </b> a dcat:Catalog ; dct:title "B" .',
        "/inner": listed(2) + '<> hydra:next </inner?page=2> . <#c> a dcat:Catalog ; dct:title "Own title" .',
        "/inner?page=2": listed(3),
        "/b": listed(4) + "<> a dcat:Catalog ; dcat:catalog </1>, </inner> ; dcat:dataset <http://p.test/4> .",
    })
    labels = {key: record.catalogue and record.catalogue.rpartition("/")[2]
              for record in found.records for key in keys([record])}
    assert labels == {"1": None, "2": "Own title", "3": "Own title", "4": "B"}
    assert sorted(asked) == ["/1", "/b", "/inner", "/inner?page=2"]
    assert found.listing == Listing()


def test_an_inner_catalogue_of_another_host_is_named_and_not_asked() -> None:
    found, asked = pages({"/1": listed(1) + "<> a dcat:Catalog ; dcat:catalog <http://elsewhere.test/c> ."})
    assert [(issue.code, issue.url) for issue in found.issues] == [
        ("listing.catalogue-elsewhere", "http://elsewhere.test/c")
    ]
    assert (asked, found.listing) == (["/1"], Listing())


def test_an_inner_catalogue_that_cannot_be_read_makes_the_listing_partial() -> None:
    found, _ = pages({"/1": listed(1) + "<> a dcat:Catalog ; dcat:catalog </gone>, </inner> .", "/inner": listed(2)})
    assert keys(found.records) == ["1", "2"]
    assert [issue.code for issue in found.issues] == ["portal.answered-error"]
    assert found.listing == Listing(partial=True)


def test_d21_the_catalogue_reaches_the_dataset() -> None:
    found, _ = pages({"/1": listed(1) + '<> a dcat:Catalog ; dcat:catalog <#i> .'
                                        '<#i> a dcat:Catalog ; dct:title "内部目录" ; dcat:dataset <http://p.test/1> .'})
    assert found.dataset("http://p.test/1").catalogue == "内部目录"


# Validators and troubles of the way


def test_an_unchanged_document_is_not_read_again() -> None:
    with HostileServer({"/1": conditional((PREFIXES + listed(1)).encode(), etag='"a"')}) as portal:
        known = {f"{portal.url}/1": Validators(etag='"a"')}
        found = harvested(portal, "/1", validators=known)
    assert found.listing == Listing(not_modified=True)
    assert found.records == []


def test_the_validators_of_a_first_page_do_not_vouch_for_the_next() -> None:
    headers = {**TURTLE, "ETag": '"a"'}
    for view, kept in (("", 1), ("<> hydra:next </2> .", 0)):
        with HostileServer({
            "/1": answer(PREFIXES + listed(1) + view, headers=headers),
            "/2": answer(PREFIXES + listed(2), headers=headers),
        }) as portal, Http(requests_per_second=0, allow_private=LOOPBACK) as way_out:
            found = Harvested(f"{portal.url}/1", way_out)
            assert found.error is None
            assert len(way_out.seen_validators) == kept


def test_d16_a_malformed_document_gives_its_line_and_no_record() -> None:
    found, _ = pages({"/1": listed(1) + "<http://p.test/2> a unbound:Dataset ."})
    assert found.records == []
    assert isinstance(found.error, PortalNotUnderstood)
    assert found.error.detail.startswith(f"line {PREFIXES.count(chr(10)) + 2}: ")


def test_d17_a_document_above_the_size_limit_is_refused() -> None:
    found, _ = pages({"/1": listed(*range(100))}, {"limits": Limits(memory_bytes=1000)})
    assert found.records == []
    assert isinstance(found.error, AnswerTooLarge)


def test_u18_html_is_refused_with_its_type_and_an_unknown_one_in_words() -> None:
    for headers, message in (
        ({"Content-Type": "text/html"}, 'Unsupported mime type "text/html"'),
        ({}, "Unable to detect format of "),
    ):
        with HostileServer(answer("<p>hello</p>", headers=headers)) as portal:
            error = harvested(portal, "/").error
        assert isinstance(error, PortalNotUnderstood)
        assert error.detail.startswith(message)


def test_u18_a_missing_document_fails_with_its_status() -> None:
    with HostileServer(answer("gone", status=404)) as portal:
        error = harvested(portal, "/").error
    assert isinstance(error, PortalAnsweredError)
    assert error.status == 404


def test_u21_a_private_address_is_refused() -> None:
    with Http(requests_per_second=0) as way_out:
        assert isinstance(Harvested("http://10.0.0.1/", way_out).error, AddressRefused)


def test_d19_a_record_that_is_unusable_leaves_the_others() -> None:
    unusable = '<http://p.test/3> a dcat:Dataset . [] a dcat:Dataset ; dct:title "no id" .'
    found, _ = pages({"/1": listed(1, 2) + unusable})
    issues = [issue.code for record in found.records for issue in to_dataset(record, source("http://p.test/"))[1]]
    assert sorted(issues) == ["record.key-missing", "record.title-missing"]
    assert len(found.datasets) == 2


# Identity


def test_d12_the_id_is_the_address_of_the_dataset_else_its_identifier() -> None:
    found, _ = pages({"/1": '<http://p.test/1> a dcat:Dataset ; dct:title "A" ; dct:identifier "one" .'
                            '[] a dcat:Dataset ; dct:title "B" ; dct:identifier "two" .'})
    assert sorted(dataset.source_key for dataset in found.datasets) == ["http://p.test/1", "two"]


def test_d14_d26_a_distribution_keeps_its_id_by_its_address_then_by_its_link() -> None:
    def ids(*distributions: str) -> dict[str | None, str]:
        dataset = described(*(f"<http://p.test/1> dcat:distribution {each} ." for each in distributions))
        return {each.title: each.id for each in dataset.distributions}

    named = '<http://p.test/1/csv> . <http://p.test/1/csv> dct:title "CSV" ; dcat:accessURL <http://p.test/{}>'
    blank = '[ dct:title "JSON" ; dcat:downloadURL <http://p.test/j> ; dct:description "{}" ]'
    before, after = (ids(named.format(word), blank.format(word)) for word in ("old", "new"))
    assert before == after
    assert len(set(before.values())) == 2


def test_d18_datasets_of_one_title_are_two_with_ids_of_their_own() -> None:
    found, _ = pages({"/1": '<http://p.test/1> a dcat:Dataset ; dct:title "Example" .'
                            '<http://p.test/2> a dcat:Dataset ; dct:title "Example" .'})
    assert len({dataset.id for dataset in found.datasets}) == 2
    assert {dataset.title for dataset in found.datasets} == {"Example"}


# Fields


def test_d6_both_addresses_are_kept_apart() -> None:
    found = distribution("dcat:accessURL <http://p.test/page> ; dcat:downloadURL <http://p.test/a.csv>")
    assert (found.access_url, found.download_url) == ("http://p.test/page", "http://p.test/a.csv")
    assert found.kind is DistributionKind.FILE


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('dcat:mediaType "text/csv"', ("csv", None, "text/csv")),
        ('dct:format "Comma Separated Values"', ("csv", "Comma Separated Values", None)),
        ('dct:format "Hologram"', (None, "Hologram", None)),
        ("dcat:mediaType <https://www.iana.org/assignments/media-types/application/json>",
         ("json", None, "application/json")),
        ('dct:format [ a dct:IMT ; rdfs:label "Turtle" ; rdf:value "text/turtle" ]',
         ("turtle", "Turtle", "text/turtle")),
        ('dct:format "text/csv" ; dcat:mediaType "application/json"', ("csv", "text/csv", "application/json")),
        ("dct:format <http://publications.europa.eu/resource/authority/file-type/CSV>",
         ("csv", "http://publications.europa.eu/resource/authority/file-type/CSV", None)),
    ],
)
def test_d7_formats_are_read_in_every_way_they_are_said(said: str, expected: tuple[str | None, ...]) -> None:
    found = distribution(said)
    assert (found.format, found.format_raw, found.media_type) == expected


@pytest.mark.parametrize(
    "licence",
    [
        "<http://www.opendefinition.org/licenses/cc-by>",
        '[ a dct:LicenseDocument ; dct:title "Creative Commons Attribution" ]',
        '"", <http://www.opendefinition.org/licenses/cc-by>',
    ],
)
def test_d8_a_licence_is_known_by_its_address_or_its_name(licence: str) -> None:
    dataset = described(f"<http://p.test/1> dcat:distribution [ dct:license {licence} ] .")
    assert dataset.distributions[0].licence == "cc-by"
    assert dataset.licence == "cc-by"


@pytest.mark.parametrize(
    "statement,field,words",
    [
        ("dct:publisher []", "publisher", "{}"),
        ("dct:publisher [ a foaf:Agent ]", "publisher", '{"@type": ["foaf:Agent"]}'),
        ("dcat:contactPoint [ a vcard:Kind ]", "contact", '{"@type": ["vcard:Kind"]}'),
        ('dct:spatial [ a dct:Location ; dcat:bbox "nowhere" ]', "places", "nowhere"),
        ("dct:spatial <urn:nowhere>", "places", "urn:nowhere"),
        ("dct:temporal [ a dct:PeriodOfTime ]", "periods", '{"@type": ["dct:PeriodOfTime"]}'),
        ('dct:issued "06/05/2009"', "issued", "06/05/2009"),
        ("dct:issued []", "issued", "{}"),
        ("dcat:keyword <http://p.test/words/1>", "keywords", "http://p.test/words/1"),
        ("dcat:theme []", "themes_raw", "{}"),
    ],
)
def test_what_is_stated_and_cannot_be_read_is_kept_in_the_portal_s_words(statement: str, field: str, words: str) -> None:
    dataset = described(f"<http://p.test/1> {statement} .")
    assert (getattr(dataset, field) or None, dataset.unread) == (None, {field: words})


@pytest.mark.parametrize(
    "statement,field,words",
    [
        ("dcat:downloadURL <ftp://p.test/a.csv>", "download_url", "ftp://p.test/a.csv"),
        ('dcat:byteSize "large"', "size_bytes", "large"),
        ("dct:format [ a dct:MediaTypeOrExtent ]", "format_raw", '{"@type": ["dct:MediaTypeOrExtent"]}'),
        ("dct:rights [ a dct:RightsStatement ]", "rights", '{"@type": ["dct:RightsStatement"]}'),
    ],
)
def test_so_is_what_a_distribution_states(statement: str, field: str, words: str) -> None:
    found = distribution(f'dct:title "A" ; {statement}')
    assert (getattr(found, field), found.unread) == (None, {field: words})


@pytest.mark.parametrize("statement", ['dct:publisher "暂无"', 'dct:issued ""', "dct:publisher [ foaf:name \"A\" ]"])
def test_what_says_nothing_or_is_read_is_not_kept_as_not_understood(statement: str) -> None:
    assert described(f"<http://p.test/1> {statement} .").unread == {}


def test_a_record_names_the_rules_of_dcat_ap_that_its_statements_break() -> None:
    assert described('<http://p.test/1> dct:description "B" ; dct:publisher "A" ; dct:language "en" .').violations == (
        "dct:language sh:nodeKind", "dct:publisher sh:nodeKind",
    )
    assert described('<http://p.test/1> dct:abstract "B" .').violations == ("dct:description sh:minCount",)
    assert described('<http://p.test/1> dct:description "B" .').violations == ()


def test_a_dataset_with_an_unknown_licence_has_not_that_of_its_distributions() -> None:
    dataset = described("<http://p.test/1> dct:license <http://p.test/own> ;"
                        " dcat:distribution [ dct:license <http://creativecommons.org/licenses/by/4.0/> ] .")
    assert (dataset.licence, dataset.licence_raw) == (None, "http://p.test/own")
    assert dataset.distributions[0].licence == "cc-by-4.0"


@pytest.mark.parametrize(
    "contact",
    [
        'vcard:fn "Ann" ; vcard:hasEmail <mailto:ann@p.test>',
        'vcard:hasFN "Ann" ; vcard:hasEmail "ann@p.test"',
        'vcard:hasFN [ vcard:hasValue "Ann" ] ; vcard:hasEmail [ vcard:hasValue <mailto:ann@p.test> ]',
    ],
)
def test_d9_a_contact_is_read_from_each_form_of_vcard(contact: str) -> None:
    contact = f"[ {contact} ; vcard:hasTelephone <tel:+3212> ]"
    found = described(f"<http://p.test/1> dcat:contactPoint {contact} .").contact
    assert found is not None
    assert (found.name, found.email, found.phone) == ("Ann", "ann@p.test", "+3212")


def test_d10_keywords_in_one_text_are_several() -> None:
    assert described('<http://p.test/1> dcat:keyword "Tree, forest, shrub" .').keywords == ("Tree", "forest", "shrub")


@pytest.mark.parametrize(
    ("spatial", "expected"),
    [
        ('[ locn:geometry "POINT (1 2)", \'{"type":"Point","coordinates":[67,89]}\''
         "^^<https://www.iana.org/assignments/media-types/application/vnd.geo+json> ]",
         Place(geometry={"type": "Point", "coordinates": [67, 89]})),
        ('[ locn:geometry "POINT (67 89)" ]', Place(geometry={"type": "Point", "coordinates": [67, 89]})),
        ('[ locn:geometry "not a place" ]', None),
        ('"Tarragona"', Place(name="Tarragona")),
        ("<http://sws.geonames.org/6361390/>", Place(uri="http://sws.geonames.org/6361390/")),
        ('[ <http://www.w3.org/2004/02/skos/core#prefLabel> "Newark" ]', Place(name="Newark")),
    ],
)
def test_d11_places_are_shapes_names_or_addresses(spatial: str, expected: Place | None) -> None:
    assert described(f"<http://p.test/1> dct:spatial {spatial} .").places == ((expected,) if expected else ())


def test_d20_every_language_is_kept_with_its_tag() -> None:
    found, _ = pages({"/1": '<http://p.test/2> a dcat:Dataset ; dct:title "降水"@zh, "Rain"@en, "Pluie"@fr ;'
                            '  dct:description "雨"@zh, "r"@en ; dcat:keyword "雨"@zh, "rain"@en, "wet"@en ;'
                            '  dct:publisher [ foaf:name "局"@zh, "Office"@en ] .'})
    [dataset] = found.datasets
    assert dataset.titles == {"zh": "降水", "en": "Rain", "fr": "Pluie"}
    assert dataset.title == "降水"
    assert dataset.descriptions == {"zh": "雨", "en": "r"}
    assert dataset.keywords_by_language == {"zh": ("雨",), "en": ("rain", "wet")}
    assert dataset.publisher is not None
    assert dataset.publisher.names == {"zh": "局", "en": "Office"}


def test_d24_high_value_categories_and_legislation_are_lists() -> None:
    dataset = described(
        "<http://p.test/1> dcatap:hvdCategory <http://data.europa.eu/bna/c_dd313021> ;",
        "  dcatap:hvdCategory <http://data.europa.eu/bna/c_ac64a52d> ;",
        "  dcatap:applicableLegislation <http://data.europa.eu/eli/reg_impl/2023/138/oj>, <http://p.test/law> .",
    )
    assert sorted(dataset.hvd_categories) == ["c_ac64a52d", "c_dd313021"]
    assert dataset.applicable_legislation == ("http://data.europa.eu/eli/reg_impl/2023/138/oj", "http://p.test/law")


def test_d25_a_series_and_its_members_name_one_another() -> None:
    found, _ = pages({"/1": '<http://p.test/s> a dcat:DatasetSeries, dcat:Dataset ; dct:title "S" ;'
                            "  dcat:first <http://p.test/1> ; dcat:last <http://p.test/2> ."
                            "<http://p.test/1> dcat:inSeries <http://p.test/s> ; dcat:next <http://p.test/2> ."
                            "<http://p.test/2> dcat:inSeries <http://p.test/s> ; dcat:prev <http://p.test/1> ."
                            + listed(1, 2)})
    series, first, last = (found.dataset(f"http://p.test/{key}") for key in ("s", "1", "2"))
    assert series.record_type is RecordType.SERIES
    assert (first.series, last.series) == (("http://p.test/s",), ("http://p.test/s",))
    assert (series.series_first, series.series_last) == ("http://p.test/1", "http://p.test/2")
    assert (first.series_next, last.series_previous) == ("http://p.test/2", "http://p.test/1")


# Real documents


@needs_fixtures
def test_d1_a_full_dataset_is_read_field_by_field() -> None:
    [dataset] = fixture("ckanext_dcat_examples/dataset.rdf").datasets
    assert (dataset.title, dataset.version, dataset.languages) == (
        "Zimbabwe Regional Geochemical Survey.", "2.3", ("ca", "en", "es")
    )
    assert dataset.keywords == ("exploration", "geochemistry", "geology")
    assert dataset.issued == datetime(2012, 5, 10, tzinfo=UTC)
    assert [(period.start, period.end) for period in dataset.periods] == [("1905-03-01", "2013-01-05")]
    assert dataset.contact is not None
    assert dataset.contact.email == "contact@some.org"
    [resource] = dataset.distributions
    assert (resource.format, resource.format_raw, resource.media_type) == ("html", "HTML", "text/html")
    assert (resource.size_bytes, resource.checksum) == (12323, "sha1:4304cf2e751e6053c90b1804c89c0ebb758f395a")
    # The peer gives the dataset the licence of its distribution; here its own, unknown one stays raw.
    assert resource.licence == "cc-by-nc-2.0"
    assert (dataset.licence, dataset.licence_raw) == (None, "https://data.some.org/link/to/license")
    assert dataset.frequency == "daily"


@needs_fixtures
def test_d2_d3_d4_examples_give_their_datasets_and_resources() -> None:
    first, second = sorted(fixture("ckanext_dcat_examples/catalog.rdf").datasets, key=lambda dataset: dataset.title)
    assert (len(first.distributions), len(first.keywords), len(second.distributions)) == (3, 2, 2)
    [deri] = fixture("ckanext_dcat_examples/dataset_deri.ttl").datasets
    assert (deri.title, len(deri.distributions)) == ("Abandoned Vehicles", 1)
    [pod] = fixture("ckanext_dcat_examples/catalog_pod.jsonld").datasets
    assert len(pod.distributions) == 4
    assert pod.contact is not None
    assert (pod.contact.name, pod.contact.email) == ("Jane Doe", "jane.doe@agency.gov")


@needs_fixtures
def test_u12_flat_json_ld_gives_three_datasets_with_the_same_bytes_every_time() -> None:
    first, second = fixture("udata/flat.jsonld"), fixture("udata/flat.jsonld")
    assert sorted(len(dataset.distributions) for dataset in first.datasets) == [1, 2, 2]
    assert {str(dataset.issued.date()) for dataset in first.datasets if dataset.issued} == {"2016-12-14"}
    bodies = [[re.sub(rb"127.0.0.1:\d+", b"", record.body) for record in found.records] for found in (first, second)]
    assert bodies[0] == bodies[1]


@needs_fixtures
def test_u13_services_name_their_datasets_and_broken_coordinates_cost_only_the_shape() -> None:
    found = fixture("udata/bnodes.xml")
    kinds = [dataset.record_type for dataset in found.datasets]
    assert (kinds.count(RecordType.DATASET), kinds.count(RecordType.SERVICE)) == (3, 1)
    service = next(dataset for dataset in found.datasets if dataset.record_type is RecordType.SERVICE)
    assert service.endpoint_url == "https://data.paris2024.org/api/explore/v2.1/"
    assert set(service.serves) <= {dataset.source_key for dataset in found.datasets}
    assert len(service.serves) == 2
    [third] = [dataset for dataset in found.datasets if dataset.title == "Dataset 3"]
    assert third.places == (Place(uri="http://wuEurope.com/"),)
    [second] = [dataset for dataset in found.datasets if dataset.title == "Dataset 2"]
    assert any(place.geometry and place.geometry["type"] == "Polygon" for place in second.places)


@needs_fixtures
def test_u14_a_catalogue_gives_access_high_value_and_apis_where_they_are_said() -> None:
    datasets = {dataset.title: dataset for dataset in fixture("udata/catalog.xml").datasets}
    assert len(datasets) == 4
    assert {dataset.record_type for dataset in datasets.values()} == {RecordType.DATASET}
    third = datasets["Dataset 3"]
    assert third.hvd_categories == ("c_dd313021",)
    assert third.openness == "conditional"
    assert third.provenance == "Description de la provenance des données du dataset 3"
    resources = [resource for dataset in datasets.values() for resource in dataset.distributions]
    assert [resource.title for resource in resources if resource.kind is DistributionKind.API] == ["Resource 1-4"]
    assert [resource.size_bytes for resource in resources if resource.size_bytes] == [12323]
    fourth = datasets["Dataset 4"]
    assert fourth.access_rights is None
    assert {resource.access_rights for resource in fourth.distributions} == {"Access right 4"}


@needs_fixtures
def test_u15_nested_json_ld_gives_period_and_checksum() -> None:
    [dataset] = fixture("udata/nested.jsonld").datasets
    [period] = dataset.periods
    assert (period.start, period.end) == ("2016-01-01T00:00:00", "2016-12-05T00:00:00")
    assert dataset.distributions[0].checksum == "sha1:fb4106aa286a53be44ec99515f0f0421d4d7ad7d"


@needs_fixtures
def test_u17_a_portal_s_own_export_gives_two_datasets_and_their_service() -> None:
    found = fixture("udata/udata.xml")
    service = next(dataset for dataset in found.datasets if dataset.record_type is RecordType.SERVICE)
    others = {dataset.source_key for dataset in found.datasets} - {service.source_key}
    assert set(service.serves) == others
    assert len(others) == 2
    assert found.listing == Listing(declared=2)


@needs_fixtures
def test_r15_four_languages_are_kept() -> None:
    found = fixture("be/sources/metadata.dcjm.be.ttl")
    assert {tag.partition("-")[0] for dataset in found.datasets for tag in dataset.titles} == {"nl", "fr", "de", "en"}
    shown = [to_dataset(record, source("http://p.test/", language="fr"))[0] for record in found.records]
    assert all(dataset and dataset.title in dataset.titles.values() for dataset in shown)
    assert [dataset.title for dataset in shown if dataset] != [dataset.title for dataset in found.datasets]


@needs_fixtures
@pytest.mark.slow
def test_r16_the_federal_geoportal_has_44_high_value_datasets_by_category() -> None:
    found = fixture("be/sources/publish4.geo.be.ttl.gz")
    high_value = [dataset for dataset in found.datasets if dataset.hvd_categories]
    assert len(high_value) == 44
    by_category = Counter(category for dataset in high_value for category in dataset.hvd_categories)
    assert sum(by_category.values()) >= 44
    assert by_category.keys() <= schemas.vocabulary("hvd_categories").terms.keys()


@needs_fixtures
def test_r17_named_graphs_are_read() -> None:
    found = fixture("be/ldes_pages/page_1.trig")
    assert len(found.records) == 100
    assert found.error is None


@needs_fixtures
def test_r18_a_university_s_catalogue_is_read_past_its_empty_licences() -> None:
    datasets = fixture("it/uni_teramo_catalog.rdf").datasets
    assert (len(datasets), sum(len(dataset.distributions) for dataset in datasets)) == (11, 11)
    assert {dataset.publisher.name for dataset in datasets if dataset.publisher} == {"Università degli Studi di Teramo"}
    assert {dataset.licence for dataset in datasets} == {"cc-by-4.0"}


@needs_fixtures
def test_r22_nothing_of_a_malformed_document_is_given() -> None:
    body = (DCAT / "ckanext_dcat_examples/dataset.ttl").read_bytes()
    with HostileServer(answer(body, headers=TURTLE)) as portal:
        found = harvested(portal, "/dataset.ttl")
    assert found.records == []
    assert found.error is not None
    assert "line 158" in found.error.detail


# Through the whole harvest


def test_u12_d15_harvested_again_nothing_changes_and_what_is_then_lacking_is_missing(catalog: Catalog) -> None:
    served: list[str] = []

    def play(talk: Any) -> None:
        answer(PREFIXES + served[-1], headers=TURTLE)(talk)

    with HostileServer(play) as portal:
        dcat = source(f"{portal.url}/catalog")
        catalog.sources.put(dcat)

        def go(document: str) -> Counts:
            served.append(document)
            return harvest(dcat, catalog, CONNECTORS["dcat"], way_out, holder="test", full=True).counts

        def way_out(validators: Mapping[str, Validators]) -> Http:
            return Http(requests_per_second=0, allow_private=LOOPBACK, validators=validators)

        assert go(listed(1, 2, 3)) == Counts(listed=3, added=3)
        assert go(listed(3, 1, 2)) == Counts(listed=3, unchanged=3)
        assert go(listed(1, 2).replace('"2"', '"two"')) == Counts(listed=2, unchanged=1, updated=1, missing=1)
        # Malformed: nothing is taken from it, and nothing is missing for it.
        assert go(listed(1) + "oops") == Counts()
    titles = {entry.dataset.title: entry.state for entry in catalog.walk()}
    assert titles == {"1": DatasetState.CURRENT, "two": DatasetState.CURRENT, "3": DatasetState.MISSING}
