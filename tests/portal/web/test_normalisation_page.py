"""What of a source's words is understood, as the page and the CSV of the source tell it."""

from __future__ import annotations

import csv

import pytest
from flask.testing import FlaskClient

from portal.catalog.model import Publisher
from portal.catalog.normalisation import Normalisation, understanding
from portal.catalog.store import Catalog
from portal.web.spreadsheets import harmless
from tests.portal.web.town import NOW, build, client_of, dataset_of, made, page, says, words

DATASETS = [
    made("1", frequency="annual", frequency_raw="每年", publisher=Publisher(id="p", name="交通局", functions=("traffic",))),
    made("2", frequency_raw="看情况"),
    made("3", frequency_raw="看情况"),
    made("4", frequency_raw="=1+1", unread={"modified": "二〇二六年"}),
]


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put(DATASETS)
    fields = understanding(each.dataset for each in DATASETS)
    catalog.normalisations.put(Normalisation(source_id="hangzhou", run_id=1, counted=NOW, fields=fields))
    return client_of(catalog)


def test_each_field_tells_how_much_of_it_is_understood(client: FlaskClient) -> None:
    (table,) = page(client, "/en/sources/hangzhou/normalisation").xpath("//main//table")
    rows = [[words(cell) for cell in row.xpath("th|td")] for row in table.xpath("tbody/tr")]
    assert rows == [
        ["Update frequency", "25%", "4", "1", "3"],
        ["Region", "0%", "4", "0", "4"],
        ["Function of the department", "100%", "1", "1", "0"],
        ["Institution type", "0%", "1", "0", "1"],
        ["Updated", "0%", "1", "0", "1"],
    ]


def test_a_share_that_is_not_all_never_shows_as_all() -> None:
    datasets = [made(str(n), frequency="annual", frequency_raw="每年").dataset for n in range(2000)]
    odd = made("odd", frequency_raw="看情况").dataset
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    fields = understanding([*datasets, odd])
    catalog.normalisations.put(Normalisation(source_id="hangzhou", run_id=1, counted=NOW, fields=fields))
    assert "Update frequency 99.9% 2,001 2,000 1" in says(client_of(catalog), "/en/sources/hangzhou/normalisation")


def test_a_word_not_understood_leads_to_the_datasets_that_have_it(client: FlaskClient) -> None:
    section = page(client, "/en/sources/hangzhou/normalisation").get_element_by_id("frequency")
    assert [words(item) for item in section.xpath(".//li")] == ["看情况 2", "=1+1 1"]
    shown = page(client, section.xpath(".//li/a/@href")[0])
    assert words(shown.xpath("//h1")[0]) == "看情况"
    links = shown.xpath("//ol[@class='results']//h2/a/@href")
    assert links == [f"/en/datasets/{dataset_of(key)}" for key in ("2", "3")]


def test_a_word_nobody_wrote_leads_to_no_page(client: FlaskClient) -> None:
    page(client, "/en/sources/hangzhou/normalisation/datasets?field=frequency&value=x", 404)
    page(client, "/en/sources/hangzhou/normalisation/datasets?field=colour&value=x", 404)
    page(client, "/en/sources/riverton/normalisation/datasets", 404)
    page(client, "/en/sources/nowhere/normalisation", 404)


def test_a_source_never_counted_says_so(client: FlaskClient) -> None:
    assert "尚未统计，下次采集后显示。" in says(client, "/zh/sources/riverton/normalisation")


def test_the_sources_page_leads_to_it(client: FlaskClient) -> None:
    links = page(client, "/zh/sources/hangzhou").xpath("//main//a/@href")
    assert "/zh/sources/hangzhou/normalisation" in links


def test_the_csv_tells_the_same_and_computes_nothing(client: FlaskClient) -> None:
    response = client.get("/sources/hangzhou/normalisation.csv")
    assert response.mimetype == "text/csv" and response.data.startswith("\ufeff".encode())
    lines = list(csv.DictReader(response.get_data().decode("utf-8-sig").splitlines()))
    assert lines[0] == {
        "field": "frequency", "given": "4", "understood": "1", "share": "0.2500", "not_understood": "", "count": "3"
    }
    assert [line["not_understood"] for line in lines[1:3]] == ["看情况", harmless("=1+1")]
