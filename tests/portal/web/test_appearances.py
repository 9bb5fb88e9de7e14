"""A dataset met at several portals, as people and programs see it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace
from rdflib import DCTERMS, RDF, Graph, Literal

from harvester import counting
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.web.dcat import CANONICAL
from portal.web.dcat_terms import DCAT
from portal.web.rdf import HYDRA
from tests.harvester.test_counting import made, put
from tests.portal.web.town import client_of, page, says, words

CITY = made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局").dataset.id
PROVINCE = made("jiangsu", "1", "保安培训机构", "徐州市公安局").dataset.id
YEAR = made("xuzhou", "21", "2021年出租车驾驶员名录", "徐州市交通运输局").dataset.id
NEXT = made("xuzhou", "22", "2022年出租车驾驶员名录", "徐州市交通运输局").dataset.id


def themed(one: NewRecord, *themes: str) -> NewRecord:
    return replace(one, dataset=replace(one.dataset, themes=themes))


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    put(
        catalog,
        themed(made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局"), "public-safety"),
        themed(made("jiangsu", "1", "保安培训机构", "徐州市公安局"), "public-safety", "commerce"),
        made("xuzhou", "21", "2021年出租车驾驶员名录", "徐州市交通运输局"),
        made("xuzhou", "22", "2022年出租车驾驶员名录", "徐州市交通运输局"),
    )
    counting.catch_up(catalog, "test")
    index = MemoryIndex()
    catch_up(catalog, index)
    yield client_of(catalog, index)
    catalog.close()


def test_a_page_says_where_else_the_dataset_is_which_one_counts_and_why(client: FlaskClient) -> None:
    (section,) = page(client, f"/zh/datasets/{PROVINCE}").xpath("//section[@id='appearances']")
    city, province = (words(line) for line in section.xpath("ol/li"))
    assert city.startswith("市公安局_保安培训机构 徐州 徐州市公安局") and city.endswith("以此条计数")
    assert province.startswith("保安培训机构 （本页） 江苏 徐州市公安局 理由：")
    assert "由同一部门提供" in province
    assert section.xpath("ol/li[1]//a/@href")[0] == f"/zh/datasets/{CITY}"
    assert "Same title, same time and area, made by the same department" in says(client, f"/en/datasets/{CITY}")


def test_a_dataset_that_stands_alone_says_nothing_of_it(client: FlaskClient) -> None:
    assert page(client, f"/en/datasets/{YEAR}").xpath("//section[@id='appearances']") == []


def test_a_page_shows_the_series(client: FlaskClient) -> None:
    (section,) = page(client, f"/zh/datasets/{YEAR}").xpath("//section[@id='family']")
    assert [[words(cell) for cell in row.xpath("td")] for row in section.xpath(".//tbody/tr")] == [
        ["2021", "2021年出租车驾驶员名录 （本页）"], ["2022", "2022年出租车驾驶员名录"],
    ]
    assert [words(head) for head in section.xpath(".//th")] == ["时间", "数据集"]
    assert page(client, f"/zh/datasets/{CITY}").xpath("//section[@id='family']") == []


def test_programs_read_the_same(client: FlaskClient) -> None:
    told = client.get(f"/datasets/{PROVINCE}.json").json
    assert told is not None and told["appearances"] == [
        {"dataset_id": CITY, "canonical_id": CITY},
        {"dataset_id": PROVINCE, "canonical_id": CITY, "reason": "department", "beside": CITY},
    ]
    assert "family" not in told
    series = client.get(f"/datasets/{NEXT}.json").json
    assert series is not None and "appearances" not in series
    assert [member["dataset_id"] for member in series["family"]["members"]] == [YEAR, NEXT]
    assert series["family"]["total"] == 2


def test_a_hit_says_that_there_are_others(client: FlaskClient) -> None:
    found = page(client, "/en/datasets?q=保安培训机构")
    assert found.xpath("//ol[@class='results']//a[contains(@href, '#appearances')]/text()") == [
        "also in one more place", "also in one more place",
    ]
    assert "also in" not in says(client, "/en/datasets?q=出租车驾驶员名录")


def titles(client: FlaskClient, address: str) -> list[str]:
    return [words(link) for link in page(client, address).xpath("//ol[@class='results']//h3")]


def test_the_result_page_lists_each_dataset_once_when_asked(client: FlaskClient) -> None:
    every = page(client, "/zh/datasets?q=保安培训机构")
    assert "2 个条目" in says(client, "/zh/datasets?q=保安培训机构")
    (switch,) = every.xpath("//a[contains(@href, 'appearances=once')]")
    assert (words(switch), switch.get("rel")) == ("每个数据集只列一次（1 个）", "nofollow")
    once = page(client, switch.get("href"))
    assert titles(client, switch.get("href")) == ["市公安局_保安培训机构"]
    assert "1 个数据集" in says(client, switch.get("href"))
    (back,) = once.xpath("//a[contains(text(), '列出全部 2 个条目')]/@href")
    assert "appearances" not in back
    # What is typed next, and the ways to take the results away, keep to it.
    assert once.xpath("//form[@class='asking']/input[@name='appearances']/@value") == ["once"]
    assert len(once.xpath("//p[@class='takeaway']/a[contains(@href, 'appearances=once')]")) == 3


def test_where_no_dataset_is_met_twice_nothing_is_said_of_it(client: FlaskClient) -> None:
    assert page(client, "/zh/datasets?q=出租车驾驶员名录").xpath("//a[contains(@href, 'appearances=once')]") == []
    assert "2 个数据集" in says(client, "/zh/datasets?q=出租车驾驶员名录")


def test_a_filter_that_only_a_further_entry_meets_keeps_the_dataset(client: FlaskClient) -> None:
    assert titles(client, "/zh/datasets?source=jiangsu&appearances=once") == ["市公安局_保安培训机构"]
    assert titles(client, "/zh/datasets?source=jiangsu") == ["保安培训机构"]


def test_a_way_of_listing_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    assert client.get("/en/datasets?appearances=twice").status_code == 400
    assert client.get("/datasets.csv?appearances=twice").status_code == 400


def listed_ids(client: FlaskClient, address: str) -> list[str]:
    return sorted(json.loads(line)["dataset"]["id"] for line in client.get(address).data.splitlines())


def test_exports_feeds_and_the_catalogue_list_each_dataset_once_when_asked(client: FlaskClient) -> None:
    assert listed_ids(client, "/datasets.jsonl") == sorted((CITY, PROVINCE, YEAR, NEXT))
    assert listed_ids(client, "/datasets.jsonl?appearances=once") == sorted((CITY, YEAR, NEXT))
    assert listed_ids(client, "/datasets.jsonl?appearances=once&q=保安") == [CITY]
    feeds = [client.get(f"/feeds/datasets.atom?q=保安{more}").text.count("<entry>") for more in ("", "&appearances=once")]
    assert feeds == [2, 1]
    for more, total in (("", 4), ("?appearances=once", 3)):
        told = Graph().parse(data=client.get(f"/catalog.ttl{more}").text, format="turtle")
        assert list(told.objects(None, HYDRA.totalItems)) == [Literal(total)]
        assert len(set(told.subjects(RDF.type, DCAT.Dataset))) == total


def test_rdf_of_a_further_entry_names_the_canonical_one_and_only_that_does(client: FlaskClient) -> None:
    for address in (f"/datasets/{PROVINCE}.ttl", f"/datasets/{CITY}.ttl", "/catalog.ttl"):
        told = Graph().parse(data=client.get(address).text, format="turtle")
        said = [
            (str(node), str(told.value(relation, DCTERMS.relation)), told.value(relation, DCAT.hadRole))
            for node, relation in told.subject_objects(DCAT.qualifiedRelation)
        ]
        expected = [(f"http://localhost/datasets/{PROVINCE}", f"http://localhost/datasets/{CITY}", CANONICAL)]
        assert said == ([] if CITY in address else expected)


def test_themes_count_each_dataset_once(client: FlaskClient) -> None:
    (all_of_it,) = page(client, "/en/themes/public-safety").xpath("//p[@class='lead']/a[text()='1 dataset']/@href")
    assert titles(client, all_of_it) == ["市公安局_保安培训机构"]
    # A theme that a further entry alone has finds the dataset too.
    assert {words(row.xpath("td")[0]): words(row.xpath("td")[1]) for row in page(client, "/en/themes").xpath("//tbody/tr")
            if words(row.xpath("td")[1]) != "0"} == {"Public safety": "1", "Commerce and trade": "1"}
    assert "Public safety 1" in says(client, "/en/")


def test_figures_count_each_dataset_once_and_say_so(client: FlaskClient) -> None:
    text = says(client, "/en/")
    assert "3 datasets from 2 portals" in text and "each counted once where it was made (the portals list 4)" in text
    assert "4 datasets each counted once: 3" in says(client, "/en/regions/320000")
    rows = page(client, "/zh/publishers").xpath("//tbody/tr")
    assert [words(row.xpath("td")[3]) for row in rows] == ["2", "1", "0"]
