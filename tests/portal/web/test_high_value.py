"""The pages of the high-value list: what a reader finds on them, and that every figure leads to what it counts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from portal.catalog.model import Column, Distribution, Publisher
from portal.catalog.store import Catalog
from portal.highvalue.following import catch_up
from schemas import high_value_entries
from tests.portal.web.town import HANGZHOU, build, client_of, dataset_of, made, page, words

ENTRY = high_value_entries()["TRA-1"]
NOW = datetime.now(UTC)
TRANSPORT = Publisher(
    id="hz", name="杭州市交通运输局", functions=("transport",), institution_type="government_department",
    department="330100.transport",
)
GOOD = dict(
    title="公交线路站点信息",
    publisher=TRANSPORT,
    region="330100",
    openness="unconditional",
    modified=NOW,
    columns=tuple(Column(name=field.zh) for field in ENTRY.fields),
    distributions=(Distribution(id="1", format="csv", download_url="https://data.example.cn/bus.csv"),),
)


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    """The town with bus stops in full, in part and out of date."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    lease = catalog.sources.lease(HANGZHOU.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([
            made("good", **GOOD),
            made("part", **(GOOD | {"title": "公交站点（部分）", "columns": GOOD["columns"][:1], "openness": None})),
            made("old", **(GOOD | {"title": "公交线路（旧）", "modified": NOW - timedelta(days=9000)})),
        ])
    catalog.sources.release(lease)
    catch_up(catalog, "test")
    yield client_of(catalog)
    catalog.close()


def test_the_list_has_every_entry_with_its_figures(client: FlaskClient) -> None:
    document = page(client, "/zh/high-value")
    rows = {words(row.xpath("th")[0]): row for row in document.xpath("//main//tbody/tr[not(@class)]")}
    assert set(rows) == {entry.zh for entry in high_value_entries().values()}
    cells = [words(cell) for cell in rows[ENTRY.zh].xpath("td")]
    assert cells[1] == "28"
    assert "1 个已有" in cells[2]


def test_a_region_tells_what_is_there_in_part_out_of_date_and_missing(client: FlaskClient) -> None:
    document = page(client, "/en/high-value?region=330100")
    (row,) = document.xpath(f"//main//tbody/tr[th/a[text()='{ENTRY.en}']]")
    assert [words(cell) for cell in row.xpath("td")] == ["there", "3", "25"]
    missing = document.xpath("//main//tbody//span[contains(@class, 'failed')]")
    assert missing and {words(one) for one in missing} == {"missing"}
    assert "entries are expected" in words(document.xpath("//p[@class='lead']")[0])
    assert "“Missing” means" in words(document.xpath("//main")[0])


def test_an_entry_lists_its_fields_and_how_many_have_each(client: FlaskClient) -> None:
    document = page(client, "/en/high-value/TRA-1")
    table = document.xpath("//section[h2='Expected fields']//tbody/tr")
    assert [words(row.xpath("th")[0]) for row in table] == [field.en for field in ENTRY.fields]
    listed = [int(words(row.xpath("td")[-1])) for row in table]
    assert listed == [3, *([2] * (len(ENTRY.fields) - 1))]


def test_every_figure_of_states_leads_to_that_many_datasets(client: FlaskClient) -> None:
    document = page(client, "/zh/high-value/TRA-1?region=330100")
    choices = document.xpath("//nav[@class='within']//a")
    assert len(choices) == 4
    for choice in choices:
        count = int(words(choice).split()[-1])
        shown = page(client, choice.get("href").partition("#")[0])
        assert len(shown.xpath("//section[@id='datasets']//tbody/tr")) == count


def test_what_a_dataset_lacks_is_said_in_words(client: FlaskClient) -> None:
    document = page(client, f"/zh/datasets/{dataset_of('part')}")
    (row,) = document.xpath("//section[@id='high-value']//tbody/tr")
    name, how, _, fields, lacking = (words(cell) for cell in row.xpath("th|td"))
    assert name == ENTRY.zh and how == "部分" and fields == f"1/{len(ENTRY.fields)}"
    assert "字段：" in lacking and "平台未说明是否开放" in lacking and "据标题：" in lacking
    full = page(client, f"/zh/datasets/{dataset_of('good')}")
    assert words(full.xpath("//section[@id='high-value']//tbody//td")[-1]).startswith("无")
    assert not page(client, f"/zh/datasets/{dataset_of('bare')}").xpath("//section[@id='high-value']")


def test_a_department_sees_what_it_has_and_what_was_not_found(client: FlaskClient) -> None:
    document = page(client, "/en/publishers/hz")
    said = {words(line.xpath("a")[0]): words(line.xpath("span")[0]) for line in document.xpath(
        "//section[h2='High-value list']//li"
    )}
    assert said[ENTRY.en] == "there"
    assert set(said.values()) == {"there", "not found"}
    expected = {
        one.en for one in high_value_entries().values() if one.functions[0] == "transport" and "prefecture" in one.levels
    }
    assert expected and expected <= set(said)


def test_a_department_sees_which_of_its_datasets_were_judged_and_how(client: FlaskClient) -> None:
    document = page(client, "/en/publishers/hz")
    (link,) = document.xpath(f"//section[h2='High-value list']//a[text()='{ENTRY.en}']")
    shown = page(client, link.get("href"))
    assert words(shown.xpath("//h1")[0]) == f"{ENTRY.en} · 杭州市交通运输局"
    rows = shown.xpath("//section[@id='datasets']//tbody/tr")
    assert len(rows) == 3 and all("杭州市交通运输局" in words(row) for row in rows)
    (stale,) = [one for one in shown.xpath("//nav[@class='within']//a") if words(one).startswith("out of date")]
    assert len(page(client, stale.get("href").partition("#")[0]).xpath("//section[@id='datasets']//tbody/tr")) == 1
    assert client.get("/high-value/TRA-1?publisher=nobody").status_code == 404


def test_the_region_and_the_first_page_lead_to_the_list(client: FlaskClient) -> None:
    region = page(client, "/zh/regions/330100")
    assert region.xpath("//h2/a[@href='/zh/high-value?region=330100']")
    home = page(client, "/zh/")
    (row,) = home.xpath(f"//section[h2/a='高价值数据']//tbody/tr[th/a='{ENTRY.zh}']")
    assert words(row.xpath("td")[0]) == "28"


def test_programs_get_the_same_figures(client: FlaskClient) -> None:
    listed = client.get("/api/v1/high-value").get_json()
    assert listed["total"] == len(listed["entries"]) == len(high_value_entries())
    (entry,) = [one for one in listed["entries"] if one["id"] == "TRA-1"]
    assert entry["datasets"] == 28 and entry["places"]["have"] == 1
    whole = client.get("/api/v1/high-value/TRA-1").get_json()
    (cell,) = [one for one in whole["coverage"] if one["region"] == "330100"]
    assert cell == {
        "entry": "TRA-1", "region": "330100", "region_name": "杭州市", "state": "have", "is_expected": True,
        "have": 1, "partial": 1, "stale": 1, "within": 25,
    }
    assert whole["entry"]["fields"][0]["listed"] == 3
    of_region = client.get("/api/v1/regions/330100/high-value").get_json()
    assert cell in of_region["coverage"]
    assert client.get("/high-value.json").get_json() == listed


def test_tables_to_take_along_hold_every_row(client: FlaskClient) -> None:
    def rows(path: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(client.get(path).get_data(as_text=True).removeprefix("\ufeff"))))

    datasets = rows("/high-value/TRA-1.csv?region=330100")
    assert len(datasets) == 28
    assert {row["state"] for row in datasets} == {"have", "partial", "stale"}
    assert [row["dataset_id"] for row in rows("/high-value/TRA-1.csv?state=have")] == [dataset_of("good")]
    fields = rows("/high-value/fields.csv")
    assert len(fields) == sum(len(entry.fields) for entry in high_value_entries().values())
    cells = rows("/high-value.csv?region=330100")
    assert {row["region"] for row in cells} == {"330100"}
    assert [row["state"] for row in cells if row["entry"] == "TRA-1"] == ["have"]
    whole = rows("/high-value.csv")
    assert len(whole) > len(cells)
    # Nobody read a portal of the district's, the province's or the nation's own.
    assert {row["region"] for row in whole if row["state"] == "unknown"} == {"330102", "330000", "100000"}


@pytest.mark.parametrize(
    "path",
    ["/high-value/NO-1", "/high-value?region=nowhere", "/high-value/TRA-1?state=missing", "/high-value/TRA-1?state=x"],
)
def test_there_is_no_page_of_what_there_is_not(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/high-value/NO-1", "/api/v1/regions/nowhere/high-value", "/high-value/NO-1.csv"])
def test_programs_are_told_so_in_json(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404 and response.content_type.startswith("application/problem+json")


def test_before_the_first_look_pages_say_so_and_nobody_lacks_anything() -> None:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    lease = catalog.sources.lease(HANGZHOU.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([made("good", **GOOD)])
    catalog.sources.release(lease)
    client = client_of(catalog)
    said = "The catalogue has not been looked through by this list to the end."
    for path in ("/en/high-value", "/en/high-value?region=330100", "/en/high-value/TRA-1"):
        document = page(client, path)
        assert said in words(document.xpath("//main")[0])
        assert not document.xpath("//main//span[contains(@class, 'failed')]")
    assert "High-value" not in words(page(client, "/en/regions/330100").xpath("//main")[0])
    assert "not found" not in words(page(client, f"/en/publishers/{TRANSPORT.id}").xpath("//main")[0])
    assert {one["state"] for one in client.get("/api/v1/regions/330100/high-value").json["coverage"]} == {"unknown"}
    catalog.close()


@pytest.mark.parametrize("path", [
    "/high-value.json?region=330100", "/high-value/TRA-1.json?state=have", "/high-value.csv?state=have",
    "/high-value/fields.csv?region=330100",
])
def test_a_program_is_told_of_a_parameter_that_is_not_heeded(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_the_table_of_the_nation_holds_the_nation_alone(client: FlaskClient) -> None:
    table = client.get("/high-value.csv?region=100000").get_data(as_text=True).removeprefix("\ufeff")
    assert {row["region"] for row in csv.DictReader(io.StringIO(table))} == {"100000"}
    assert client.get("/high-value.csv?region=nowhere").status_code == 404
