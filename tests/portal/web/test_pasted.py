"""Ids and addresses typed into the search box."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from portal.web.pasted import portals_key
from tests.portal.web.town import dataset_of, page


@pytest.mark.parametrize("pasted", ["{id}", " {id} ", "http://localhost/en/datasets/{id}", "https://a.cn/datasets/{id}.ttl"])
def test_the_id_or_the_address_of_a_dataset_leads_to_it(client: FlaskClient, pasted: str) -> None:
    answer = client.get("/zh/datasets", query_string={"q": pasted.format(id=dataset_of("1"))})
    assert (answer.status_code, answer.location) == (302, f"/zh/datasets/{dataset_of('1')}")


def test_an_id_of_no_dataset_is_a_word(client: FlaskClient) -> None:
    assert page(client, "/zh/datasets?q=aaaaaaaaaaaaaaaa").xpath("//h2[@class='total']/text()") == ["没有找到数据集"]


def test_the_address_of_a_page_at_a_portal_is_looked_for_by_what_it_ends_in(client: FlaskClient) -> None:
    answer = client.get("/zh/datasets", query_string={"q": "https://data.example.cn/dataset/10001?tab=x", "format": "csv"})
    assert (answer.status_code, answer.location) == (302, "/zh/datasets?q=%2210001%22&format=csv")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://data.example.cn/dataset/water-2024", "water-2024"),
        ("https://data.example.cn/data/dataset/12345.html", "12345"),
        ("https://data.example.cn/dop/tpl/dataDetail.html?source_id=9A8B&source_type=DATA", "9A8B"),
        ("https://data.example.cn/#/catalog/detail?id=307", "307"),
        ("https://data.example.cn/", None),
        ("https://[", None),
        ("水质 https://data.example.cn/dataset/1", None),
        ("10001", None),
    ],
)
def test_what_tells_a_dataset_apart_is_the_last_thing_with_a_digit(address: str, key: str | None) -> None:
    assert portals_key(address) == key
