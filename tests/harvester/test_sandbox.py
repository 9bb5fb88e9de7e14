"""The make-believe portals: lifelike, deterministic, and answering as the real software does."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_network
from itertools import count
from typing import Any

import ckanapi
import pytest
import rdflib
import requests
from lxml import etree

from harvester.connectors import CONNECTORS
from harvester.crosswalk import check
from harvester.http import Http
from harvester.preview import preview
from harvester.probe import probe
from harvester.sandbox import words
from harvester.sandbox.portals import SOFTWARE
from harvester.sandbox.serve import Sandbox, serve
from harvester.sandbox.world import EPOCH, World
from tests.federation import federation, own_federation

__all__ = ["federation", "own_federation"]

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")

CHINESE_AND_CONNECTED = [
    portal.id
    for portal in words.portals().values()
    if portal.language == "zh" and SOFTWARE[portal.software].kind in CONNECTORS
]
PAGED_DCAT = {"sh-shanghai": "turtle", "hb-wuhan": "turtle", "sc-sichuan": "xml", "gb-scotland": "xml"}


@pytest.fixture(scope="module")
def whole() -> World:
    return World()


@pytest.fixture(scope="module")
def hangzhou() -> Iterator[Sandbox]:
    """One CKAN 2.10 portal with enough datasets for pages beyond the row limit."""
    with serve(size=1200, only=["zj-hangzhou"]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def packages(hangzhou: Sandbox) -> list[dict[str, Any]]:
    """All that it holds, in order of their ids."""
    remote = ckanapi.RemoteCKAN(hangzhou.base("zj-hangzhou"))
    return [
        record
        for start in (0, 1000)
        for record in remote.action.package_search(rows=1000, sort="id asc", start=start)["results"]
    ]


def fetched(address: str, **headers: str) -> requests.Response:
    return requests.get(address, headers=headers, timeout=20)


def listed(sandbox: Sandbox, portal: str) -> dict[str, str | None]:
    """Every dataset a portal lists by key with its title (None when empty), read as its kind wants it."""
    base = sandbox.base(portal)
    software = words.portals()[portal].software
    if software == "ckan-2.10":
        records = ckanapi.RemoteCKAN(base).action.package_search(rows=1000, sort="id asc")["results"]
        return {record["id"]: record["title"] or None for record in records}
    if software == "ckan-2.2":
        remote = ckanapi.RemoteCKAN(base)
        records = [remote.action.package_show(id=name) for name in remote.action.package_list()]
        return {record["id"]: record["title"] or None for record in records}
    if software == "dkan-1":
        (records,) = fetched(f"{base}/api/3/action/current_package_list_with_resources").json()["result"]
        return {record["id"]: record["title"] or None for record in records}
    if software == "guizhou":
        return listed_by_calls(f"{base}/api/search/data")
    if software == "inspur":
        return listed_in_pages(base)
    if software.startswith("dcat"):
        return listed_in_rdf(sandbox.source(portal).url)
    if software == "oai-pmh":
        return listed_by_tokens(sandbox.source(portal).url)
    if software == "csw":
        return listed_by_position(sandbox.source(portal).url)
    records = fetched(f"{base}/data.json").json()["dataset"]
    return {record["identifier"]: record.get("title") for record in records}


def listed_by_calls(api: str) -> dict[str, str | None]:
    """Every dataset of a list in JSON, each detailed by a call of its own."""
    found: dict[str, str | None] = {}
    for page in count(1):
        asked = {"pageIndex": page, "pageSize": 12}
        records = requests.post(f"{api}/getDataDirectoryListByParams", json=asked, timeout=20).json()["data"]
        if not records:
            return found
        for record in records:
            detail = requests.post(f"{api}/getDataDetailByDataId", json={"id": record["id"]}, timeout=20)
            found[record["id"]] = detail.json()["data"]["name"]
    return found


def listed_in_pages(base: str) -> dict[str, str | None]:
    """Every dataset of a list in HTML, each detailed by a page of its own."""
    found: dict[str, str | None] = {}
    for page in count(1):
        ids = re.findall(r"/catalog/([^']+)'", fetched(f"{base}/catalog/index?page={page}").text)
        if not ids:
            return found
        for id in ids:
            title = re.search("<h4>(.*?)</h4>", fetched(f"{base}/catalog/{id}").text)
            found[id] = html.unescape(title[1]) or None if title else None
    return found


def language(node: rdflib.term.Node) -> str | None:
    """The language of a literal; None for anything else."""
    return node.language if isinstance(node, rdflib.Literal) else None


def listed_in_rdf(address: str) -> dict[str, str | None]:
    """Every dataset of a catalogue, following its own links to further pages."""
    found: dict[str, str | None] = {}
    next_page: str | None = address
    while next_page:
        graph = rdflib.Graph()
        answer = fetched(next_page)
        graph.parse(data=answer.text, format=answer.headers["Content-Type"].split(";")[0])
        for dataset in graph.subjects(rdflib.RDF.type, DCAT.Dataset):
            titles = {language(title): str(title) for title in graph.objects(dataset, rdflib.DCTERMS.title)}
            found[str(dataset)] = titles.get("zh") or titles.get("en")
        next_page = next(
            (str(to) for word in ("next", "nextPage") for to in graph.objects(None, HYDRA[word])), None
        )
    return found


def listed_by_tokens(address: str) -> dict[str, str | None]:
    """Every dataset of a repository, in Dublin Core: neither articles nor what was deleted."""
    found: dict[str, str | None] = {}
    asked = "metadataPrefix=oai_dc"
    while asked:
        root = etree.fromstring(fetched(f"{address}?verb=ListRecords&{asked}").content)
        for record in root.iter("{*}record"):
            if record.findtext(".//{*}type") == "Dataset":
                found[record.findtext("{*}header/{*}identifier")] = record.findtext(".//{*}title")
        token = root.findtext(".//{*}resumptionToken")
        asked = f"resumptionToken={token}" if token else ""
    return found


def listed_by_position(address: str) -> dict[str, str | None]:
    """Every dataset of a catalogue service, asked by GET."""
    found: dict[str, str | None] = {}
    while True:
        asked = f"request=GetRecords&startPosition={len(found) + 1}&maxRecords=50"
        root = etree.fromstring(fetched(f"{address}?{asked}").content)
        for record in root.iter("{*}MD_Metadata"):
            key = record.findtext("{*}fileIdentifier/{*}CharacterString")
            found[key] = record.findtext(".//{*}CI_Citation/{*}title/{*}CharacterString")
        if root.find("{*}SearchResults").get("nextRecord") == "0":
            return found


def test_the_world_has_three_thousand_datasets_on_portals_of_many_regions_and_kinds(whole: World) -> None:
    regions = {portal.region for portal in whole.portals}
    assert 2900 <= sum(len(holdings) for holdings in whole.at(0).values()) <= 3100
    assert len(whole.portals) >= 15
    assert len([region for region in regions if region.isdigit()]) >= 12
    assert len([portal for portal in whole.portals if portal.language == "en"]) == 3
    assert {portal.software for portal in whole.portals} == set(SOFTWARE)


def test_all_themes_and_many_kinds_of_publishers_occur(whole: World) -> None:
    datasets = [dataset for holdings in whole.at(0).values() for dataset in holdings.values()]
    institutions = {dataset.department.institution for dataset in datasets}
    assert len({dataset.theme for dataset in datasets}) == 21
    assert {"", "university", "library", "archive", "museum", "hospital", "public_utility"} <= institutions
    assert {"杭州市生态环境局", "深圳市交通运输局", "省市场监督管理局"} <= {
        dataset.department.name for dataset in datasets
    }


def test_some_datasets_are_broken_and_most_are_not(whole: World) -> None:
    datasets = [dataset for holdings in whole.at(0).values() for dataset in holdings.values()]
    assert 1 <= sum(dataset.title is None for dataset in datasets) <= 15
    assert 30 <= sum(dataset.description is None for dataset in datasets) <= 100
    assert any(dataset.odd_issued for dataset in datasets)
    assert any("<p>" in (dataset.description or "") for dataset in datasets)
    assert all(dataset.issued <= dataset.modified < EPOCH for dataset in datasets)


def test_a_province_lists_some_datasets_of_its_city_again_under_its_own_key(whole: World) -> None:
    def described(portal: str) -> Counter[tuple[str | None, str]]:
        holdings = whole.at(0)[portal].values()
        return Counter((dataset.title, dataset.department.name) for dataset in holdings)

    shared = described("zj-zhejiang").keys() & described("zj-hangzhou").keys()
    assert len(shared) >= 15
    assert not whole.truth("zj-zhejiang", 0).keys() & whole.truth("zj-hangzhou", 0).keys()


def test_no_key_stands_for_two_datasets(whole: World) -> None:
    keys = Counter(dataset.key for holdings in whole.at(0).values() for dataset in holdings.values())
    files = Counter(
        (portal, file.key)
        for portal, holdings in whole.at(0).items()
        for dataset in holdings.values()
        for file in dataset.files
    )
    assert max(keys.values()) == 1
    assert max(files.values()) == 1


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    first, again, other = World(seed=7, size=200), World(seed=7, size=200), World(seed=8, size=200)
    assert first.at(3) == again.at(3)
    assert first.at(0) != other.at(0)


@pytest.mark.slow
def test_a_larger_world_never_runs_out_of_datasets() -> None:
    holdings = World(size=8000, portals=["zj-hangzhou"]).at(0)["zj-hangzhou"]
    assert len(holdings) == 8000
    assert len({dataset.title for dataset in holdings.values()}) >= 7500


def test_every_tick_adds_modifies_and_withdraws_and_dates_what_it_touched() -> None:
    world = World(size=400)
    for portal in world.portals:
        before, after = world.at(0)[portal.id], world.at(1)[portal.id]
        added = after.keys() - before.keys()
        modified = {key for key in after.keys() & before.keys() if after[key] != before[key]}
        assert added and modified and before.keys() - after.keys()
        assert {after[key].modified for key in added | modified} == {world.moment(1)}


def test_a_tick_is_dated_by_whoever_makes_it() -> None:
    world = World(size=60)
    at = datetime(2027, 3, 4, 5, 6, tzinfo=timezone.utc)
    assert world.advance(at) == 1
    assert world.moment(1) == at
    assert world.moment(2) == at + timedelta(days=1)


@pytest.mark.parametrize("portal", words.portals())
def test_what_a_portal_lists_is_the_truth_at_every_tick(own_federation: Sandbox, portal: str) -> None:
    assert listed(own_federation, portal) == own_federation.truth(portal)
    own_federation.tick()
    assert own_federation.now == 1
    assert (
        listed(own_federation, portal)
        == own_federation.truth(portal)
        != own_federation.world.truth(portal, 0)
    )


def test_sources_say_kind_address_and_region_and_that_they_are_a_demonstration(federation: Sandbox) -> None:
    sources = {source.id: source for source in federation.sources()}
    assert sources["zj-hangzhou"].kind == "ckan"
    assert sources["zj-hangzhou"].region == "330100"
    assert sources["zj-hangzhou"].title == "杭州市数据开放平台（演示）"
    assert {source.kind for source in sources.values()} == {
        "ckan", "csw", "datajson", "dcat", "dkan", "htmltable", "jsonapi", "oaipmh"
    }
    assert all(source.politeness.requests_per_second == 0 for source in sources.values())
    assert all(fetched(source.url).status_code == 200 for source in sources.values())


@pytest.mark.parametrize("portal", words.portals())
def test_the_crosswalk_of_every_source_compiles(federation: Sandbox, portal: str) -> None:
    source = federation.source(portal)
    check(source)
    assert source.options["language"] == words.portals()[portal].language


@pytest.mark.parametrize("portal", CHINESE_AND_CONNECTED)
def test_what_a_portal_says_in_fields_of_its_own_is_understood(federation: Sandbox, portal: str) -> None:
    source = federation.source(portal)
    http = Http(requests_per_second=0, allow_private=[ip_network("127.0.0.0/8")], ports=[range(1, 65536)])
    records = [shown.dataset for shown in preview(source, http, limit=None).records]
    datasets = [dataset for dataset in records if dataset is not None]
    assert len(datasets) >= len(federation.truth(portal)) - 1 > 0
    assert all(dataset.openness and dataset.publisher and dataset.themes for dataset in datasets)
    assert source.kind in ("csw", "dcat", "htmltable", "jsonapi", "oaipmh") or all(dataset.columns for dataset in datasets)


@pytest.mark.parametrize("portal,family", [("fj-xiamen", "guizhou"), ("gx-guangxi", "inspur_portal")])
def test_a_portal_of_a_chinese_family_is_recognised_by_its_address(
    federation: Sandbox, portal: str, family: str
) -> None:
    http = Http(requests_per_second=0, allow_private=[ip_network("127.0.0.0/8")], ports=[range(1, 65536)])
    (found,) = probe(federation.base(portal), http).findings
    assert (found.family, found.url) == (family, federation.source(portal).url)
    assert found.datasets == (len(federation.truth(portal)) if family == "guizhou" else None)


def test_paging_a_ckan_search_gives_each_package_once_and_never_more_than_a_thousand(
    hangzhou: Sandbox,
) -> None:
    remote = ckanapi.RemoteCKAN(hangzhou.base("zj-hangzhou"))
    first = remote.action.package_search(rows=5000, sort="id asc")
    second = remote.action.package_search(rows=5000, sort="id asc", start=1000)
    keys = [record["id"] for record in first["results"] + second["results"]]
    assert first["count"] == 1200
    assert len(first["results"]) == 1000
    assert keys == sorted(hangzhou.truth("zj-hangzhou"))


def test_ckan_says_its_version_and_its_limits(hangzhou: Sandbox) -> None:
    remote = ckanapi.RemoteCKAN(hangzhou.base("zj-hangzhou"))
    assert remote.action.status_show()["ckan_version"] == "2.10.4"
    assert remote.action.site_read() is True
    assert len(remote.action.package_search()["results"]) == 10
    assert len(remote.action.package_list(limit=7, offset=1195)) == 5


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("organization:sthjj", lambda record: record["organization"]["name"] == "sthjj"),
        ("-organization:sthjj", lambda record: record["organization"]["name"] != "sthjj"),
        (
            'organization:(sthjj OR "jtysj")',
            lambda record: record["organization"]["name"] in ("sthjj", "jtysj"),
        ),
        (
            "+organization:sthjj +license_id:other-open",
            lambda record: record["organization"]["name"] == "sthjj",
        ),
        (
            "organization:sthjj OR res_format:PDF",
            lambda record: record["organization"]["name"] == "sthjj"
            or any(resource["format"] == "PDF" for resource in record["resources"]),
        ),
        ("tags:食品*", lambda record: any(tag["name"].startswith("食品") for tag in record["tags"])),
        (
            "metadata_modified:[2026-10-01T00:00:00Z TO *]",
            lambda record: record["metadata_modified"] >= "2026-10-01",
        ),
        (
            "metadata_modified:[* TO 2024-01-01T00:00:00.000Z] NOT res_format:CSV",
            lambda record: record["metadata_modified"] <= "2024-01-01"
            and all(resource["format"] != "CSV" for resource in record["resources"]),
        ),
        ("metadata_modified:[NOW-7DAYS TO NOW]", lambda record: record["metadata_modified"] >= "2026-10-25"),
    ],
)
def test_a_ckan_filter_keeps_exactly_what_it_says(
    hangzhou: Sandbox, packages: list[dict[str, Any]], query: str, holds: Any
) -> None:
    wanted = [record["id"] for record in packages if holds(record)]
    remote = ckanapi.RemoteCKAN(hangzhou.base("zj-hangzhou"))
    found = remote.action.package_search(fq=query, rows=1000, sort="id asc")
    assert 0 < len(wanted) < 1200
    assert found["count"] == len(wanted)
    assert [record["id"] for record in found["results"]] == wanted[:1000]


def test_a_ckan_group_filters_by_the_name_the_package_shows(hangzhou: Sandbox) -> None:
    remote = ckanapi.RemoteCKAN(hangzhou.base("zj-hangzhou"))
    group = next(group for group in remote.action.group_list(all_fields=True) if group["title"] == "交通运输")
    found = remote.action.package_search(fq=f"groups:{group['name']}", rows=1000)
    assert found["count"] == group["package_count"] > 0
    assert {record["groups"][0]["title"] for record in found["results"]} == {"交通运输"}


def test_ckan_facets_count_what_was_found(hangzhou: Sandbox) -> None:
    remote = ckanapi.RemoteCKAN(hangzhou.base("zj-hangzhou"))
    asked = {"facet.field": json.dumps(["organization", "res_format"]), "facet.limit": -1, "rows": 0}
    found = remote.action.package_search(**asked)
    items = {item["name"]: item for item in found["search_facets"]["organization"]["items"]}
    assert sum(found["facets"]["organization"].values()) == 1200
    assert items["sthjj"]["display_name"] == "杭州市生态环境局"
    assert items["sthjj"]["count"] == remote.action.package_search(fq="organization:sthjj")["count"]


@pytest.mark.parametrize(
    ("action", "parameters", "status", "kind"),
    [
        ("package_show", {"id": "no-such-package"}, 404, "Not Found Error"),
        ("package_show", {}, 409, "Validation Error"),
        ("package_search", {"rows": -1}, 409, "Validation Error"),
        ("package_search", {"rows": "many"}, 409, "Validation Error"),
        ("package_search", {"colour": "red"}, 400, "Search Query Error"),
        ("package_search", {"sort": "colour asc"}, 400, "Search Query Error"),
        ("package_search", {"fq": "colour:red"}, 409, "Search Error"),
        ("package_search", {"fq": "title:("}, 409, "Search Error"),
        ("package_search", {"fq": "metadata_modified:[yesterday TO *]"}, 409, "Search Error"),
        ("organization_show", {"id": "nobody"}, 404, "Not Found Error"),
    ],
)
def test_ckan_refuses_with_its_own_errors(
    hangzhou: Sandbox, action: str, parameters: dict[str, object], status: int, kind: str
) -> None:
    answer = requests.post(
        f"{hangzhou.base('zj-hangzhou')}/api/3/action/{action}", json=parameters, timeout=20
    )
    document = answer.json()
    assert answer.status_code == status
    assert document["success"] is False
    assert document["error"]["__type"] == kind
    assert document["help"].endswith(f"help_show?name={action}")


def test_ckan_calls_an_unknown_action_or_broken_json_a_bad_request(hangzhou: Sandbox) -> None:
    api = f"{hangzhou.base('zj-hangzhou')}/api/3/action"
    unknown = fetched(f"{api}/package_burn")
    broken = requests.post(f"{api}/package_show", data="{", timeout=20)
    assert (unknown.status_code, unknown.json()) == (400, "Bad request - Action name not known: package_burn")
    assert broken.status_code == 400
    assert broken.json().startswith("Bad request - JSON Error")


def test_ckan_answers_get_and_post_alike_and_escapes_chinese(federation: Sandbox) -> None:
    address = f"{federation.base('zj-hangzhou')}/api/3/action/package_search"
    posted = requests.post(address, json={"rows": 3, "sort": "name asc"}, timeout=20)
    got = fetched(f"{address}?rows=3&sort=name+asc")
    assert got.content == posted.content
    assert got.content.isascii()
    assert got.headers["Content-Type"] == "application/json;charset=utf-8"


def test_an_old_ckan_has_no_search_and_shows_revisions(federation: Sandbox) -> None:
    base = federation.base("sd-shandong")
    remote = ckanapi.RemoteCKAN(base)
    record = remote.action.package_show(id=remote.action.package_list()[0])
    assert fetched(f"{base}/api/3/action/package_search").status_code == 404
    assert record["revision_timestamp"] == record["metadata_modified"]
    assert {extra["key"] for extra in record["extras"]} >= {"开放类型", "更新频率", "信息项"}


def test_sites_with_their_own_schema_put_their_fields_beside_ckans(federation: Sandbox) -> None:
    remote = ckanapi.RemoteCKAN(federation.base("gd-shenzhen"))
    record = remote.action.package_search(rows=1)["results"][0]
    assert record["extras"] == []
    assert record["open_type"] in ("无条件开放", "有条件开放")
    assert {"name", "type"} == set(record["fields"][0])


def test_dkan_1_wraps_packages_in_lists_and_writes_dates_for_people(federation: Sandbox) -> None:
    api = f"{federation.base('sd-qingdao')}/api/3/action"
    keys = fetched(f"{api}/package_list").json()["result"]
    (record,) = fetched(f"{api}/package_show?id={keys[0]}").json()["result"]
    assert set(keys) == set(federation.truth("sd-qingdao"))
    assert record["id"] == keys[0]
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d/\d\d/\d{4} - \d\d:\d\d", record["metadata_created"])
    assert fetched(f"{api}/package_show?id=nothing").status_code == 404


def test_dkan_2_gives_the_same_records_by_catalogue_items_and_search(federation: Sandbox) -> None:
    base = federation.base("gd-guangdong")
    catalogue = fetched(f"{base}/data.json").json()["dataset"]
    items = fetched(f"{base}/api/1/metastore/schemas/dataset/items").json()
    found: dict[str, object] = {}
    for page in (1, 2, 3):
        found |= fetched(f"{base}/api/1/search?page={page}&page-size=5").json()["results"]
    one = fetched(f"{base}/api/1/metastore/schemas/dataset/items/{items[0]['identifier']}").json()
    assert catalogue == items
    assert one == items[0]
    assert sorted(found) == sorted(f"dkan_dataset/{item['identifier']}" for item in items)
    assert fetched(f"{base}/api/1/metastore/schemas/dataset/items/none").status_code == 404


@pytest.mark.parametrize("portal", ["gz-guizhou", "us-oregon", "fj-fujian"])
def test_validators_answer_304_until_something_changes(own_federation: Sandbox, portal: str) -> None:
    address = own_federation.source(portal).url
    first = fetched(address)
    by_tag = fetched(address, **{"If-None-Match": first.headers["ETag"]})
    by_date = fetched(address, **{"If-Modified-Since": first.headers["Last-Modified"]})
    other_tag = {"If-None-Match": '"other"', "If-Modified-Since": first.headers["Last-Modified"]}
    own_federation.tick()
    after = fetched(address, **{"If-None-Match": first.headers["ETag"]})
    assert (by_tag.status_code, by_tag.content) == (304, b"")
    assert by_date.status_code == 304
    assert fetched(address, **other_tag).status_code == 200
    assert after.status_code == 200
    assert after.headers["ETag"] != first.headers["ETag"]


def test_a_plain_data_json_has_no_validators(federation: Sandbox) -> None:
    assert "ETag" not in fetched(federation.source("bj-beijing").url).headers


def test_answers_are_compressed_for_whoever_accepts_it(federation: Sandbox) -> None:
    address = federation.source("bj-beijing").url
    compressed = fetched(address, **{"Accept-Encoding": "gzip"})
    plain = fetched(address, **{"Accept-Encoding": "identity"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert compressed.content == plain.content


@pytest.mark.slow
@pytest.mark.parametrize("portal", PAGED_DCAT)
def test_hydra_pages_together_hold_every_dataset_once(portal: str) -> None:
    with serve(size=120, only=[portal]) as sandbox:
        address = sandbox.source(portal).url
        texts = [fetched(f"{address}?page={page}").text for page in (1, 2, 3)]
        pages = [rdflib.Graph().parse(data=text, format=PAGED_DCAT[portal]) for text in texts]
        keys = [str(key) for graph in pages for key in graph.subjects(rdflib.RDF.type, DCAT.Dataset)]
        totals = {str(total) for graph in pages for total in graph.objects(None, HYDRA.totalItems)}
        assert sorted(keys) == sorted(sandbox.truth(portal))
        assert totals == {"120"}
        assert listed_in_rdf(address) == sandbox.truth(portal)


def test_shanghai_speaks_chinese_and_english(federation: Sandbox) -> None:
    graph = rdflib.Graph().parse(data=fetched(federation.source("sh-shanghai").url).text, format="turtle")
    dataset = next(iter(graph.subjects(rdflib.RDF.type, DCAT.Dataset)))
    publisher = next(iter(graph.objects(dataset, rdflib.DCTERMS.publisher)))
    assert {language(title) for title in graph.objects(dataset, rdflib.DCTERMS.title)} == {"zh", "en"}
    assert {language(name) for name in graph.objects(publisher, rdflib.FOAF.name)} == {"zh", "en"}


def test_home_page_dataset_page_and_files_can_be_opened(federation: Sandbox) -> None:
    base = federation.base("zj-hangzhou")
    record = ckanapi.RemoteCKAN(base).action.package_search(rows=1, fq="res_format:CSV")["results"][0]
    resource = next(resource for resource in record["resources"] if resource["format"] == "CSV")
    page = fetched(f"{base}/dataset/{record['name']}")
    page.encoding = "utf-8"
    assert 'name="generator" content="ckan 2.10.4"' in fetched(f"{base}/").text
    assert record["organization"]["title"] in page.text
    assert fetched(resource["url"]).content.decode("utf-8-sig").count("\r\n") == 6
    assert fetched(f"{base}/dataset/none").status_code == 404
    assert fetched(f"{federation.address}/nowhere/").status_code == 404


def counted(sandbox: Sandbox, **parameters: object) -> dict[str, Any]:
    remote = ckanapi.RemoteCKAN(sandbox.base("zj-hangzhou"))
    found: dict[str, Any] = remote.action.package_search(**parameters)
    return found


def test_an_empty_and_a_half_listing_show_less_and_end_with_the_fault(own_federation: Sandbox) -> None:
    truth = own_federation.truth("zj-hangzhou")
    own_federation.fault("empty-listing", "zj-hangzhou")
    assert counted(own_federation)["count"] == 0
    own_federation.fault("half-listing", "zj-hangzhou")
    assert counted(own_federation, rows=100)["count"] == len(truth) // 2
    assert listed(own_federation, "zj-zhejiang") == own_federation.truth("zj-zhejiang")
    own_federation.fault(None)
    assert listed(own_federation, "zj-hangzhou") == truth


def test_an_html_page_comes_with_status_200(own_federation: Sandbox) -> None:
    own_federation.fault("html-page", "bj-beijing")
    answer = fetched(own_federation.source("bj-beijing").url)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_an_error_begins_on_the_page_asked_for(own_federation: Sandbox) -> None:
    own_federation.fault("error-on-page", page=2)
    address = f"{own_federation.base('zj-hangzhou')}/api/3/action/package_search?rows=3"
    assert [fetched(f"{address}&start={start}").status_code for start in (0, 3, 6)] == [200, 500, 500]
    assert fetched(f"{own_federation.source('sh-shanghai').url}?page=2").status_code == 500


def test_the_same_page_comes_for_ever(own_federation: Sandbox) -> None:
    own_federation.fault("same-page", "zj-hangzhou")
    assert counted(own_federation, rows=3)["results"] == counted(own_federation, rows=3, start=3)["results"]


def test_a_wrong_count_is_more_than_there_is(own_federation: Sandbox) -> None:
    own_federation.fault("wrong-count")
    found = counted(own_federation, rows=1000)
    assert found["count"] == len(found["results"]) + 7


@pytest.mark.parametrize("portal", ["zj-hangzhou", "bj-beijing", "sd-qingdao", "gd-guangdong"])
def test_one_poisonous_record_has_its_key_and_no_text_for_a_title(
    own_federation: Sandbox, portal: str
) -> None:
    own_federation.fault("poisonous-record", portal)
    found = listed(own_federation, portal)
    assert found.keys() == own_federation.truth(portal).keys()
    assert len([title for title in found.values() if isinstance(title, list)]) == 1


@pytest.mark.parametrize("portal", PAGED_DCAT)
def test_one_poisonous_thing_leaves_the_rdf_readable(own_federation: Sandbox, portal: str) -> None:
    own_federation.fault("poisonous-record", portal)
    truth = own_federation.truth(portal)
    found = listed(own_federation, portal)
    assert found.keys() == truth.keys()
    assert len([key for key in truth if found[key] != truth[key]]) == 1


@pytest.mark.slow
def test_a_slow_portal_answers_late_and_right(own_federation: Sandbox) -> None:
    own_federation.fault("slow", "zj-hangzhou", delay_s=0.3)
    with pytest.raises(requests.Timeout):
        requests.get(f"{own_federation.base('zj-hangzhou')}/api/3/action/site_read", timeout=0.1)
    assert counted(own_federation)["count"] == len(own_federation.truth("zj-hangzhou"))


def test_time_and_faults_are_controlled_over_http_too(own_federation: Sandbox) -> None:
    base = own_federation.base("zj-hangzhou")
    at = "2026-12-24T10:00:00+00:00"
    assert requests.post(f"{base}/_sandbox/tick", json={"at": at}, timeout=20).json() == {"tick": 1}
    assert own_federation.world.moment(1).isoformat() == at
    assert (
        requests.post(f"{base}/_sandbox/fault", json={"name": "empty-listing"}, timeout=20).status_code == 200
    )
    assert counted(own_federation)["count"] == 0
    for wrong in ({"name": "plague"}, {"name": "slow", "portal": "atlantis"}, {"colour": "red"}):
        answer = requests.post(f"{own_federation.address}/_sandbox/fault", json=wrong, timeout=20)
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert fetched(f"{base}/_sandbox/tick").status_code == 405


def test_a_clock_dates_the_ticks() -> None:
    at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    with serve(size=60, clock=lambda: at) as sandbox:
        sandbox.tick()
        found = counted(sandbox, fq="metadata_modified:[2030-01-02T00:00:00Z TO *]")
        assert found["count"] >= 2
        assert found["results"][0]["metadata_modified"] == "2030-01-02T03:04:05.000000"
