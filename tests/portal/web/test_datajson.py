"""The catalogue as data.json is valid DCAT-US 1.1 as far as portals spoke, and our own connector reads it back."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from msgspec.structs import replace
from referencing import Registry, Resource

import schemas
from harvester.profiles import lacking
from portal.catalog.model import Contact, Dataset, Distribution, Entry, Period, Publisher, RecordType
from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from portal.web import datajson
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.harvesting import Documents, datasets, harvested, source
from tests.portal.web.town import HANGZHOU, build, client_of, dataset_of, made

BASE = "https://data.example.gov"
OFFICIAL = FIXTURES / "schemas" / "gsa" / "dcatus1.1"

WHOLE: dict[str, Any] = dict(
    title="公交站点",
    description="全市公交站点，每月更新。",
    keywords=("公交", "站点"),
    publisher=Publisher(id="jt", name="杭州市交通运输局", parent_name="杭州市人民政府"),
    contact=Contact(name="数据科", email="data@example.gov"),
    openness="conditional",
    openness_condition="实名认证后下载",
    licence="cc-by-4.0",
    frequency="monthly",
    languages=("zh",),
    themes=("transport",),
    themes_raw=("城建交通",),
    periods=(Period(start="2020"), Period(start="2021-01-01", end="2021-12-31")),
    landing_page="https://data.example.gov/公交?页=1",
    issued=datetime(2020, 1, 1, tzinfo=UTC),
    modified=datetime(2026, 5, 30, 8, tzinfo=UTC),
    distributions=(
        Distribution(id="a", title="站点.csv", format="csv", download_url="https://data.example.gov/站点.csv"),
        Distribution(id="b", title="接口", access_url="https://data.example.gov/api", format_raw="自有格式"),
        Distribution(id="c", title="附件", download_url="https://data.example.gov/附件"),
    ),
)
"""A dataset of which its portal says all that DCAT-US requires."""


def told(client: FlaskClient, address: str = "/data.json") -> dict[str, Any]:
    """The document."""
    response = client.get(address)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    found: dict[str, Any] = json.loads(response.get_data())
    return found


def record_of(**fields: Any) -> dict[str, Any]:
    """A dataset as a record of data.json."""
    return datajson.record(made("1", **fields).dataset, BASE)


@pytest.fixture(scope="module")
def official() -> Iterator[Draft202012Validator]:
    """The published schema for everyone who is no federal agency, with the formats of addresses."""
    catalogue, dataset = (json.loads((OFFICIAL / f"{name}.json").read_text()) for name in ("catalog", "non-federal_dataset"))
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"].removesuffix("#"), Resource.from_contents(one)) for one in (catalogue, dataset)
    )
    yield Draft202012Validator(catalogue, registry=registry, format_checker=FormatChecker())


def wrong(official: Draft202012Validator, document: dict[str, Any]) -> list[tuple[str, str]]:
    """What is not valid: the rule, and its path or, of a member that is lacking, the message."""
    return [
        (str(error.validator), error.message if error.validator == "required" else f"{error.json_path} {error.message}"[:300])
        for error in official.iter_errors(document)
    ]


def test_the_document_names_its_schema_and_lists_each_dataset_once(catalog: Catalog) -> None:
    build(catalog)
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([made("service", record_type=RecordType.SERVICE)])
    catalog.sources.release(lease)
    client = client_of(catalog)
    found = told(client)
    assert (found["@type"], found["conformsTo"]) == ("dcat:Catalog", "https://project-open-data.cio.gov/v1.1/schema")
    assert found["@id"] == "http://localhost/data.json"
    once = [json.loads(line) for line in client.get("/datasets.jsonl?appearances=once").get_data().splitlines()]
    assert [one["identifier"] for one in found["dataset"]] == [one["links"]["page"] for one in once]
    assert len(once) == 30


def test_a_search_is_taken_away_and_what_is_not_heeded_refused(client: FlaskClient) -> None:
    found = told(client, "/data.json?theme=environment")
    assert [one["identifier"] for one in found["dataset"]] == [f"http://localhost/datasets/{dataset_of('1')}"]
    for query in ("page=1", "sort=title", "appearances=every", "nonsense=1"):
        assert client.get(f"/data.json?{query}").status_code == 400


def test_an_empty_catalogue_is_an_empty_list_and_needs_no_index(catalog: Catalog, town: Catalog) -> None:
    assert told(client_of(catalog, MemoryIndex()))["dataset"] == []
    assert len(told(client_of(town, MemoryIndex()))["dataset"]) == 30


def test_while_nothing_changed_nothing_is_sent_again(catalog: Catalog) -> None:
    build(catalog)
    client = client_of(catalog)
    tag = client.get("/data.json").headers["ETag"]
    known = client.get("/data.json", headers={"If-None-Match": tag})
    assert (known.status_code, known.get_data(), known.headers["ETag"]) == (304, b"", tag)
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([made("one more")])
    catalog.sources.release(lease)
    assert client.get("/data.json", headers={"If-None-Match": tag}).status_code == 200
    assert "ETag" not in client.get("/data.json?theme=environment").headers


def test_a_record_says_what_its_portal_said_in_the_words_of_the_profile() -> None:
    assert record_of(**WHOLE) == {
        "@type": "dcat:Dataset",
        "identifier": f"{BASE}/datasets/{dataset_of('1')}",
        "title": "公交站点",
        "description": "全市公交站点，每月更新。",
        "keyword": ["公交", "站点"],
        "modified": "2026-05-30T08:00:00+00:00",
        "issued": "2020-01-01T00:00:00+00:00",
        "publisher": {
            "@type": "org:Organization", "name": "杭州市交通运输局",
            "subOrganizationOf": {"@type": "org:Organization", "name": "杭州市人民政府"},
        },
        "contactPoint": {"@type": "vcard:Contact", "fn": "数据科", "hasEmail": "mailto:data@example.gov"},
        "accessLevel": "restricted public",
        "rights": "实名认证后下载",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "accrualPeriodicity": "R/P1M",
        "language": ["zh"],
        "theme": [schemas.vocabulary("themes").label("transport", "zh"), "城建交通"],
        "temporal": "2021-01-01/2021-12-31",
        "landingPage": "https://data.example.gov/%E5%85%AC%E4%BA%A4?%E9%A1%B5=1",
        "distribution": [
            {
                "@type": "dcat:Distribution", "title": "站点.csv", "mediaType": "text/csv", "format": "CSV",
                "downloadURL": "https://data.example.gov/%E7%AB%99%E7%82%B9.csv",
            },
            {"@type": "dcat:Distribution", "title": "接口", "accessURL": "https://data.example.gov/api", "format": "自有格式"},
            # Nothing tells its media type, without which the schema allows no download.
            {"@type": "dcat:Distribution", "title": "附件", "accessURL": "https://data.example.gov/%E9%99%84%E4%BB%B6"},
        ],
    }


def test_what_a_portal_did_not_say_is_not_there() -> None:
    assert record_of(title="只有标题") == {
        "@type": "dcat:Dataset", "identifier": f"{BASE}/datasets/{dataset_of('1')}", "title": "只有标题",
    }


def test_an_inferred_region_is_not_said_and_a_stated_one_is() -> None:
    assert "spatial" not in record_of(region="330100", region_inferred_from="source")
    assert record_of(region="330100")["spatial"] == "杭州市"


def test_every_openness_has_its_access_level() -> None:
    assert set(datajson.ACCESS_LEVELS) == set(schemas.vocabulary("openness").terms)


def test_a_licence_of_distributions_holds_where_they_agree() -> None:
    by, zero = (Distribution(id=code, licence=code) for code in ("cc-by-4.0", "cc0"))
    assert record_of(distributions=(by, replace(by, id="2")))["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "license" not in record_of(distributions=(by, zero))
    assert "license" not in record_of(distributions=(by, Distribution(id="3")))


def test_what_is_longer_than_the_schema_allows_is_cut_and_says_so() -> None:
    found = record_of(description="长" * 20_000, rights="长" * 300, keywords=("长" * 1001, "短"))
    assert (len(found["description"]), found["description"][-1]) == (10_000, "…")
    assert (len(found["rights"]), found["rights"][-1], found["keyword"]) == (255, "…", ["短"])


def test_our_own_profile_table_finds_nothing_lacking_in_a_whole_record_and_what_a_bare_one_lacks() -> None:
    assert lacking(record_of(**WHOLE)) == []
    bare = lacking(record_of(title="只有标题", openness="unconditional"))
    assert {one.path for one in bare} == {"description", "keyword", "modified", "publisher", "contactPoint"}


@needs_fixtures
def test_a_whole_record_is_valid_by_the_official_schema(official: Draft202012Validator) -> None:
    entry = _entry(made("1", **WHOLE).dataset)
    document = json.loads("".join(datajson.chunks([entry, entry], BASE)))
    assert wrong(official, document) == []
    assert wrong(official, {**document, "dataset": [{**document["dataset"][0], "accessLevel": "open"}]}) != []


@needs_fixtures
@pytest.mark.parametrize("name", [
    "dkan/data.json", "gsa/dcatus.json", "ckanext_datajson/usda.gov.data.json", "ckanext_datajson/ny.data.json",
    "pydatajson/full_data.json",
])
def test_of_real_catalogues_nothing_is_wrong_but_what_they_do_not_say(
    catalog: Catalog, official: Draft202012Validator, name: str
) -> None:
    with Documents() as documents:
        documents.put("/data.json", (FIXTURES / "dcat_us" / name).read_bytes())
        harvested(catalog, source("datajson", f"{documents.url}/data.json"))
    document = told(client_of(catalog, MemoryIndex()))
    assert len(document["dataset"]) == len(datasets(catalog)) > 0
    assert {rule for rule, _ in wrong(official, document)} <= {"required"}, wrong(official, document)


def test_our_own_connector_reads_it_back(any_catalog: Catalog) -> None:
    any_catalog.sources.put(HANGZHOU)
    lease = any_catalog.sources.lease("hangzhou", "test")
    with any_catalog.transaction(lease, None) as transaction:
        transaction.put([made("1", **WHOLE), made("bare", title="只有标题")])
    any_catalog.sources.release(lease)
    document = client_of(any_catalog, MemoryIndex(), base_url=BASE).get("/data.json", base_url=BASE).get_data()
    with Documents() as documents:
        documents.put("/data.json", document)
        run = harvested(any_catalog, source("datajson", f"{documents.url}/data.json"))
    assert (run.outcome, run.counts.added) == ("complete", 2)
    back = datasets(any_catalog, "portal")
    bare, read = back[f"{BASE}/datasets/{dataset_of('bare')}"], back[f"{BASE}/datasets/{dataset_of('1')}"]
    sent = made("1", **WHOLE).dataset
    for field in ("title", "description", "keywords", "issued", "modified", "frequency", "licence", "languages", "themes"):
        assert getattr(read, field) == getattr(sent, field), field
    assert read.publisher is not None and read.publisher.name == "杭州市交通运输局"
    assert read.publisher.parent_name == "杭州市人民政府"
    assert read.contact == Contact(name="数据科", email="data@example.gov")
    assert read.periods == (Period(start="2021-01-01", end="2021-12-31"),)
    assert [(one.title, one.format, one.download_url is None) for one in read.distributions] == [
        ("站点.csv", "csv", False), ("接口", None, True), ("附件", None, True),
    ]
    assert read.openness == "conditional" and read.landing_page is not None
    assert (bare.title, bare.publisher, bare.keywords, bare.modified) == ("只有标题", None, (), None)


@pytest.mark.slow
def test_it_is_written_in_constant_memory() -> None:
    entry = _entry(made("1", **WHOLE).dataset)

    def peak(count: int) -> int:
        tracemalloc.start()
        written = sum(map(len, datajson.chunks(repeat(entry, count), BASE)))
        assert written > count * 500
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(2000) < peak(50) + 100_000


def _entry(dataset: Dataset) -> Entry:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    return Entry(dataset=dataset, state="current", first_seen=now, changed=now)  # type: ignore[arg-type]
