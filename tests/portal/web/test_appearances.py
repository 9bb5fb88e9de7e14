"""A dataset met at several portals, as people and programs see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from harvester import counting
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from tests.harvester.test_counting import made, put
from tests.portal.web.town import client_of, page, says, words

CITY = made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局").dataset.id
PROVINCE = made("jiangsu", "1", "保安培训机构", "徐州市公安局").dataset.id
YEAR = made("xuzhou", "21", "2021年出租车驾驶员名录", "徐州市交通运输局").dataset.id
NEXT = made("xuzhou", "22", "2022年出租车驾驶员名录", "徐州市交通运输局").dataset.id


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    put(
        catalog,
        made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局"),
        made("jiangsu", "1", "保安培训机构", "徐州市公安局"),
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


def test_figures_count_each_dataset_once_and_say_so(client: FlaskClient) -> None:
    text = says(client, "/en/")
    assert "3 datasets from 2 portals" in text and "each counted once where it was made (the portals list 4)" in text
    assert "4 datasets each counted once: 3" in says(client, "/en/regions/320000")
    rows = page(client, "/zh/publishers").xpath("//tbody/tr")
    assert [words(row.xpath("td")[3]) for row in rows] == ["2", "1", "0"]
