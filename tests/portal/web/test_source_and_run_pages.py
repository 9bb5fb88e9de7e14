"""The health of sources and the story of a run."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace

from portal.catalog.links import Settled
from portal.catalog.model import Counts, Distribution, Issue, Link, LinkState, Outcome, RunMode
from portal.catalog.store import Catalog
from portal.web.issue_words import issue_kind
from portal.web.spreadsheets import harmless
from tests.catalogs import SOURCE, filled, record
from tests.portal.web.town import NOW, client_of, dataset_of, page, says, words


def test_sources_in_trouble_stand_first_each_with_its_state_in_words(client: FlaskClient) -> None:
    rows = page(client, "/en/sources").xpath("//tbody/tr")
    assert [(words(row.xpath("td")[0]), words(row.xpath("td")[1])) for row in rows] == [
        ("To be checked being harvested now", "Riverton Open Data"),
        ("Not harvested yet", "尚未采集的平台"),
        ("In order", "杭州市公共数据开放平台"),
    ]


def test_a_source_says_what_it_is_and_how_it_is_guarded(client: FlaskClient) -> None:
    text = says(client, "/en/sources/hangzhou")
    assert "Every day; the whole list every 7 days" in text
    assert "At most 1 request a second" in text
    assert "more than 10 datasets and more than 20%" in text


def test_a_source_with_held_retirements_points_to_the_run(client: FlaskClient) -> None:
    (notice,) = page(client, "/en/sources/riverton").xpath("//div[@class='notice held']")
    assert words(notice) == "1 dataset would be withdrawn and waits for a person to check: Run 2"


def test_a_source_says_how_its_addresses_stand(catalog: Catalog) -> None:
    urls = [f"https://{host}.example/1.csv" for host in "abc"]
    files = [Distribution(id=url, download_url=url, format="csv") for url in urls]
    filled(catalog, record("1", distributions=tuple(files)))
    catalog.links.catch_up()
    now = datetime(2026, 3, 10, tzinfo=UTC)
    answers = {"a.example": (LinkState.AVAILABLE, False), "b.example": (LinkState.UNKNOWN, True)}
    for claim in catalog.links.claim(2, now, host_s=60, address_s=60).claims:
        state, is_error_page = answers[claim.address.host]
        link = Link(url=claim.address.url, state=state, since=now, checked=now, is_error_page=is_error_page)
        settled = Settled(
            address=claim.address, link=link, failing=None, due=now, host_free=now, host_failures=0, host_answered=True
        )
        catalog.links.settle([settled], now)
    client = client_of(catalog)
    lines = page(client, "/en/sources/hangzhou").xpath("//section[h2='The links of its resources']//li")
    assert [words(line) for line in lines] == [
        "Available 1",
        "No answer that tells 1",
        "Not checked yet 1",
        "A web page in place of the file, counted above 1",
    ]


def test_older_runs_are_a_link_away(catalog: Catalog) -> None:
    catalog.sources.put(SOURCE)
    for _ in range(25):
        catalog.runs.start(SOURCE.id, RunMode.FULL, "test")
    client = client_of(catalog)
    (older,) = page(client, "/en/sources/hangzhou").xpath("//a[text()='Older runs']/@href")
    numbers = page(client, older).xpath("//tbody/tr/td[1]/a/text()")
    assert numbers == ["5", "4", "3", "2", "1"]


def test_a_source_shows_what_its_full_listings_had_and_no_number_for_one_that_broke_off(catalog: Catalog) -> None:
    catalog.sources.put(SOURCE)
    for mode, outcome, listed in (
        (RunMode.FULL, Outcome.COMPLETE, 20),
        (RunMode.INCREMENTAL, Outcome.COMPLETE, 3),
        (RunMode.FULL, Outcome.FAILED, 0),
        (RunMode.FULL, Outcome.PARTIAL, 7),
        (RunMode.FULL, Outcome.HELD, 10),
        (RunMode.FULL, None, 2),
    ):
        run = catalog.runs.start(SOURCE.id, mode, "test")
        catalog.runs.save(replace(run, counts=Counts(listed=listed, added=listed), outcome=outcome, finished=NOW))
    chart = page(client_of(catalog), "/en/sources/hangzhou").xpath("//figure[@class='chart']")[0]
    assert [words(cell) for cell in chart.xpath(".//tbody//td")] == ["10", *["not read to the end"] * 2, "20"]
    assert [link.rpartition("/")[2] for link in chart.xpath(".//tbody//a/@href")] == ["5", "4", "3", "1"]
    assert len(chart.xpath(".//*[@class='dot']")) == 2 and len(chart.xpath(".//*[@class='gap']")) == 1


def test_a_source_read_once_has_no_curve(client: FlaskClient) -> None:
    assert not page(client, "/en/sources/hangzhou").xpath("//figure")


def test_what_became_of_the_records_adds_up(client: FlaskClient) -> None:
    rows = page(client, "/en/runs/1").xpath("//table[@class='sum']//tr")
    counts = {words(row.xpath("th")[0]): int(words(row.xpath("td")[0])) for row in rows}
    listed = counts.pop("Listed")
    assert counts == {"Added": 29, "Updated": 1, "Unchanged": 0, "Unusable": 1, "Duplicate": 1}
    assert sum(counts.values()) == listed


def test_a_run_tells_what_was_asked_and_what_came(client: FlaskClient) -> None:
    text = says(client, "/en/runs/1")
    assert "Everything that “杭州市公共数据开放平台” lists. 3 requests, 123.5 kB received." in text
    assert "The portal listed 32 records. But it says that it has 33 datasets." in text
    assert "1 dataset is missing from the list and stays for now" in text


def test_issues_are_grouped_errors_first_each_with_its_cure(client: FlaskClient) -> None:
    groups = page(client, "/en/runs/1").xpath("//section[@class='group']")
    assert [group.get("id") for group in groups] == ["record.title-missing", "field.not-understood"]
    assert words(groups[1].xpath("h3")[0]) == "Warning The value “…” of … is not understood 1 time"
    assert "What to do: The raw value is kept." in words(groups[1])
    (sample,) = groups[1].xpath(".//li")
    assert words(sample).startswith("The value “逢年过节” of frequency is not understood")
    assert sample.xpath("a/@href") == [f"/en/datasets/{dataset_of('1')}"]


def test_a_held_run_shows_what_it_would_take_away(client: FlaskClient) -> None:
    text = says(client, "/en/runs/2")
    assert "1 dataset would have been withdrawn and is held back to be checked" in text
    assert "The 1 dataset held back Bridge inspections" in text


def test_only_a_run_under_way_keeps_itself_current(client: FlaskClient) -> None:
    assert page(client, "/en/runs/3").xpath("//div[@hx-get='/en/runs/3']")
    assert not page(client, "/en/runs/1").xpath("//*[@hx-get]|//script[contains(@src, 'htmx')]")


@pytest.mark.parametrize("path", ["/runs/99", "/runs/99999999999999999999999", "/runs/-1", "/runs/one", "/sources/no"])
def test_a_run_or_source_that_never_was_is_no_page(client: FlaskClient, path: str) -> None:
    page(client, path, 404)


def test_w97_the_csv_of_issues_computes_nothing(client: FlaskClient) -> None:
    response = client.get("/runs/1/issues.csv")
    assert response.mimetype == "text/csv" and response.data.startswith("\ufeff".encode())
    lines = list(csv.DictReader(response.get_data().decode("utf-8-sig").splitlines()))
    assert [line["source_key"] for line in lines] == ["1", "'=HYPERLINK(1)"]
    assert [line["code"] for line in lines] == ["field.not-understood", "record.title-missing"]


def test_every_issue_is_in_the_csv(catalog: Catalog) -> None:
    run = catalog.runs.get(filled(catalog, record("a")))
    catalog.runs.add_issues(run, [(None, Issue(code="record.malformed", seen=f"{n}")) for n in range(2300)])
    lines = client_of(catalog).get(f"/runs/{run.id}/issues.csv").get_data(as_text=True).splitlines()
    assert len(lines) == 2301


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1"])
def test_w97_a_cell_that_starts_a_formula_is_kept_text(text: str) -> None:
    assert harmless(text) == "'" + text


def test_a_cell_without_a_value_is_empty() -> None:
    assert harmless(None) == "" and harmless("水=1") == "水=1"


def test_a_held_run_says_first_that_nothing_is_lost_and_what_to_do(client: FlaskClient) -> None:
    (notice,) = page(client, "/en/runs/2").xpath("//div[@class='notice held']")
    assert words(notice) == (
        "1 dataset would be retired; it is kept as it is until a person has looked. "
        "Ask the portal: approve the run if they are really gone, reject it if the portal is at fault."
    )
    assert page(client, "/en/runs/2").xpath("//div[@class='notice held']/following::h2")


def test_an_issue_tells_its_numbers_and_ends_where_its_words_end(client: FlaskClient) -> None:
    assert "拟下架的数据集已暂缓：1/1" in says(client, "/zh/runs/2")
    assert "…" not in says(client, "/zh/runs/2")


def test_an_issue_in_general_has_no_gap_where_its_address_was(client: FlaskClient) -> None:
    with client.application.test_request_context("/", headers={"Accept-Language": "zh"}):
        assert issue_kind("portal.not-understood") == "某个地址的答复不是这类平台应有的内容"
        assert issue_kind("portal.unreachable") == "连接不上某个地址"
