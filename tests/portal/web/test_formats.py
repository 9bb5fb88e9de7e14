"""One dataset and the whole catalogue for programs: which format, which status, which validators, which links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
import pytest
from flask.testing import FlaskClient
from rdflib import DCTERMS, RDF, Graph, Literal, Namespace, URIRef
from rdflib.term import Node
from werkzeug.test import TestResponse

from portal.catalog.model import Dataset, RecordType
from portal.catalog.store import Catalog
from portal.web.rdf import HYDRA, SYNTAXES
from tests.catalogs import filled, record
from tests.portal.web.town import HANGZHOU, client_of, dataset_of

DCAT = Namespace("http://www.w3.org/ns/dcat#")
ADMS = Namespace("http://www.w3.org/ns/adms#")

TYPES = {
    "json": "application/json",
    "ttl": "text/turtle",
    "rdf": "application/rdf+xml",
    "jsonld": "application/ld+json",
}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def read(response: TestResponse) -> Graph:
    (syntax,) = [name for suffix, name in SYNTAXES.items() if TYPES[suffix] == response.mimetype]
    return Graph().parse(data=response.get_data(), format=syntax)


def the(made: Graph, predicate: URIRef) -> Node | None:
    """What some thing of a graph has to say by a predicate that only one thing uses."""
    return next(made.objects(None, predicate), None)


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "text/html"),
        ("", "text/html"),
        ("*/*", "text/html"),
        (BROWSER, "text/html"),
        ("text/*", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/html;q=0.9, text/turtle;q=0.8", "text/html"),
        ("text/html;q=0.2, text/turtle;q=0.8", "text/turtle"),
        ("text/turtle;q=0, application/rdf+xml;q=0.1", "application/rdf+xml"),
        ("application/ld+json", "application/ld+json"),
        ("application/rdf+xml, */*;q=0.1", "application/rdf+xml"),
        ("image/png", "text/html"),
        ("text/turtle;q=nonsense", "text/html"),
        ("nonsense", "text/html"),
    ],
)
def test_d22_a_datasets_address_answers_in_the_format_asked_for(
    client: FlaskClient, accept: str | None, mimetype: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = client.get(f"/datasets/{dataset_of('1')}", headers=headers)
    assert (response.status_code, response.mimetype) == (200, mimetype)
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("suffix", TYPES)
def test_d22_every_format_has_an_address_of_its_own_in_every_language(client: FlaskClient, suffix: str) -> None:
    for prefix in ("", "/zh", "/en"):
        response = client.get(f"{prefix}/datasets/{dataset_of('1')}.{suffix}", headers={"Accept": "text/html"})
        assert (response.status_code, response.mimetype) == (200, TYPES[suffix])
        assert "饮用水水源地水质监测" in response.get_data(as_text=True)
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_negotiated_answer_says_where_it_lies_for_good(client: FlaskClient) -> None:
    response = client.get(f"/en/datasets/{dataset_of('1')}", headers={"Accept": "text/turtle"})
    assert response.headers["Content-Location"] == f"http://localhost/datasets/{dataset_of('1')}.ttl"


def test_an_address_with_a_title_in_it_negotiates_too(client: FlaskClient) -> None:
    path = f"/datasets/{dataset_of('1')}/饮用水水源地水质监测"
    assert client.get(path, headers={"Accept": "text/turtle"}).mimetype == "text/turtle"


@pytest.mark.parametrize("suffix", SYNTAXES)
def test_d22_a_dataset_that_never_was_is_404_in_the_format_asked_for(client: FlaskClient, suffix: str) -> None:
    response = client.get(f"/datasets/nonesuch.{suffix}")
    assert response.status_code == 404 and len(read(response)) == 0
    assert client.get("/datasets/nonesuch", headers={"Accept": TYPES[suffix]}).mimetype == TYPES[suffix]


def test_a_dataset_that_never_was_is_a_problem_in_json(client: FlaskClient) -> None:
    response = client.get("/datasets/nonesuch.json")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert json.loads(response.data)["status"] == 404


def test_a_retired_dataset_is_410_with_what_it_last_was(client: FlaskClient) -> None:
    gone = dataset_of("gone")
    told = client.get(f"/datasets/{gone}.json")
    assert told.status_code == 410
    assert told.json is not None and told.json["dataset"]["title"] == "数据集 gone"
    assert told.json["life"]["state"] == "retired" and told.json["life"]["retired_because"] == "withdrawn"
    for suffix in SYNTAXES:
        response = client.get(f"/datasets/{gone}.{suffix}")
        made = read(response)
        node = URIRef(f"http://localhost/datasets/{gone}")
        assert response.status_code == 410 and made.value(node, DCTERMS.title) is not None
        assert made.value(URIRef(f"{node}#record"), ADMS.status) is not None


def test_json_is_the_unified_record_its_life_and_its_links(client: FlaskClient) -> None:
    told = client.get(f"/datasets/{dataset_of('1')}.json").json
    assert told is not None
    dataset = msgspec.convert(told["dataset"], Dataset)
    assert dataset.title == "饮用水水源地水质监测" and dataset.region_inferred_from == "source"
    assert told["life"]["state"] == "current" and "retired" not in told["life"]
    assert told["links"]["ttl"] == f"http://localhost/datasets/{dataset.id}.ttl"


@pytest.mark.parametrize("suffix", TYPES)
def test_what_did_not_change_is_not_sent_again(client: FlaskClient, suffix: str) -> None:
    path = f"/datasets/{dataset_of('1')}.{suffix}"
    tag = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_w100_addresses_begin_with_what_the_installation_says_whatever_host_is_asked(town: Catalog) -> None:
    client = client_of(town, base_url="https://catalogue.example.cn")
    told = client.get(f"/datasets/{dataset_of('1')}.ttl", headers={"X-Forwarded-Host": "evil.example"})
    assert b"https://catalogue.example.cn/datasets/" in told.data and b"evil" not in told.data
    assert client.get(f"/datasets/{dataset_of('1')}.ttl", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("id", ["..%2f..%2fetc%2fpasswd", "%00", "a.b", "'", "%252e%252e"])
def test_w100_an_id_that_is_none_leads_nowhere(client: FlaskClient, id: str) -> None:
    for suffix in TYPES:
        assert client.get(f"/datasets/{id}.{suffix}").status_code == 404


@pytest.fixture(scope="module")
def large() -> Iterator[Catalog]:
    """250 datasets, a series and a service, and one that is retired."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    records = [
        record(f"n{number}", title=f"第{number}号", themes=("transport",) if number % 2 else ("health",))
        for number in range(250)
    ]
    records += [
        record("serie", title="系列", record_type=RecordType.SERIES),
        record("servi", title="接口", record_type=RecordType.SERVICE, endpoint_url="https://data.example.cn/api"),
        record("away", title="已撤"),
    ]
    filled(catalog, *records, source=HANGZHOU)
    lease = catalog.sources.lease(HANGZHOU.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.retire([dataset_of("away")], "withdrawn")
    catalog.sources.release(lease)
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def library(large: Catalog) -> FlaskClient:
    return client_of(large)


def listed(client: FlaskClient, path: str) -> tuple[list[set[str]], list[Graph]]:
    """The entries of every page, following the links to the next."""
    pages, graphs = [], []
    following: str | None = path
    while following is not None:
        made = read(client.get(following))
        entries = {str(one) for relation in (DCAT.dataset, DCAT.service) for one in made.objects(None, relation)}
        pages.append(entries)
        graphs.append(made)
        link = the(made, HYDRA.next)
        assert link is None or isinstance(link, URIRef)
        following = None if link is None else "{0.path}?{0.query}".format(urlsplit(str(link)))
    return pages, graphs


@pytest.mark.parametrize("suffix", SYNTAXES)
def test_d22_the_catalogue_is_read_page_by_page_by_its_own_links(library: FlaskClient, suffix: str) -> None:
    pages, graphs = listed(library, f"/catalog.{suffix}")
    assert [len(page) for page in pages] == [100, 100, 52]
    assert len(set().union(*pages)) == 252
    assert f"http://localhost/datasets/{dataset_of('away')}" not in set().union(*pages)
    assert {the(made, HYDRA.totalItems) for made in graphs} == {Literal(252)}
    view = graphs[1].value(predicate=RDF.type, object=HYDRA.PartialCollectionView)
    assert str(graphs[1].value(view, HYDRA.first)).endswith(f"/catalog.{suffix}?page=1")
    assert str(graphs[1].value(view, HYDRA.previous)).endswith(f"/catalog.{suffix}?page=1")
    assert str(graphs[1].value(view, HYDRA.last)).endswith(f"/catalog.{suffix}?page=3")
    assert the(graphs[0], HYDRA.previous) is None


def test_following_the_links_skips_and_repeats_nothing_while_datasets_come_and_go() -> None:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    filled(catalog, *(record(f"m{number:03}") for number in range(250)), source=HANGZHOU)
    client = client_of(catalog)
    met: list[str] = []
    following: str | None = "/catalog.ttl"
    while following is not None:
        made = read(client.get(following))
        met += sorted(str(one).rpartition("/")[2] for one in made.objects(None, DCAT.dataset))
        link = the(made, HYDRA.next)
        following = None if link is None else "{0.path}?{0.query}".format(urlsplit(str(link)))
        if len(met) == 100:
            # Some go and one comes, all before where the reader stands; then there are two pages, not three.
            lease = catalog.sources.lease(HANGZHOU.id, "test")
            with catalog.transaction(lease, None) as transaction:
                transaction.retire([dataset_of(f"m{number:03}") for number in range(60)], "withdrawn")
                transaction.put([record("a00")])
            catalog.sources.release(lease)
    catalog.close()
    assert met == [dataset_of(f"m{number:03}") for number in range(250)]


@pytest.mark.slow
def test_pages_asked_for_by_number_are_those_the_links_lead_to(library: FlaskClient) -> None:
    by_link, _ = listed(library, "/catalog.ttl")
    by_number = [
        {str(one) for relation in (DCAT.dataset, DCAT.service) for one in read(response).objects(None, relation)}
        for page in (1, 2, 3)
        for response in [library.get(f"/catalog.ttl?page={page}")]
    ]
    assert by_number == by_link


def test_d22_filters_and_words_narrow_the_catalogue_on_every_page(library: FlaskClient) -> None:
    pages, graphs = listed(library, "/catalog.ttl?theme=transport")
    assert [len(page) for page in pages] == [100, 25]
    assert str(the(graphs[0], HYDRA.next)).endswith("/catalog.ttl?theme=transport&page=2")
    pages, _ = listed(library, "/catalog.ttl?q=第7号")
    assert pages == [{f"http://localhost/datasets/{dataset_of('n7')}"}]


def test_d22_modified_since_leaves_out_what_stood_still(library: FlaskClient) -> None:
    assert listed(library, "/catalog.ttl?modified_since=2999-01-01")[0] == [set()]
    assert sum(map(len, listed(library, "/catalog.ttl?modified_since=2020-01-01T00:00:00%2B08:00")[0])) == 252
    assert sum(map(len, listed(library, "/catalog.ttl?modified_since=2020-01-01&theme=health")[0])) == 125
    assert listed(library, "/catalog.ttl?modified_since=2999-01-01&theme=health")[0] == [set()]


@pytest.mark.parametrize(
    "query",
    [
        "modified_since=yesterday",
        "modified_since=2026-13-01",
        "modified_since=",
        "page=two",
        "page=-1",
        "page=0",
        "page=00",
        "page=1.5",
        "rows=1000",
        "colour=red",
        "fq=state:retired",
        "q=" + "x" * 600,
        "&".join(f"theme=t{number}" for number in range(60)),
    ],
)
def test_d22_a_question_that_cannot_be_heeded_is_refused(library: FlaskClient, query: str) -> None:
    response = library.get(f"/catalog.ttl?{query}")
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize("page", ["4", "999999999999"])
def test_a_page_beyond_the_last_is_404(library: FlaskClient, page: str) -> None:
    assert library.get(f"/catalog.ttl?page={page}").status_code == 404


def test_an_empty_catalogue_has_one_empty_page(empty_client: FlaskClient) -> None:
    pages, graphs = listed(empty_client, "/catalog.jsonld")
    assert pages == [set()] and the(graphs[0], HYDRA.totalItems) == Literal(0)


def test_a_page_of_the_catalogue_that_did_not_change_is_not_sent_again(library: FlaskClient) -> None:
    tag = library.get("/catalog.ttl").headers["ETag"]
    assert library.get("/catalog.ttl", headers={"If-None-Match": tag}).status_code == 304
    assert library.get("/catalog.rdf").headers["ETag"] != tag


def test_the_catalogues_own_name_leads_to_a_format(library: FlaskClient) -> None:
    response = library.get("/catalog", headers={"Accept": "application/ld+json"})
    assert (response.status_code, response.headers["Location"]) == (303, "http://localhost/catalog.jsonld")
    assert library.get("/catalog").headers["Location"] == "http://localhost/catalog.ttl"
