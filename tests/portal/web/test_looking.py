"""Trends and heat maps: every figure is what the assessment says, in words as well, and to be taken along."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html
from msgspec.structs import replace

from portal.catalog.assessments import Kind
from portal.catalog.model import Publisher
from portal.catalog.store import Catalog
from portal.scorecard import cards, periods
from portal.scorecard.assess import catch_up, rebuild, standard_layout
from portal.scorecard.trends import trend
from portal.web.notation import whole_percent
from portal.web.pages import matrices
from tests.portal.web.town import HANGZHOU, build, client_of, made, page, says, words
from tests.test_docs import DOCS

TODAY = datetime.now(UTC)

TRANSPORT = Publisher(
    id="hz", name="杭州市交通运输局", institution_type="government_department", department="330100.transport"
)
WATER = replace(TRANSPORT, id="hw", name="杭州市林业水利局", department="330100.water")
NINGBO = replace(TRANSPORT, id="nb", name="宁波市交通运输局", department="330200.transport")

DEPARTMENT = "/scorecards/publishers/330100.transport"
HEAT = "/scorecards/regions/330100/national/matrix"

PERIOD = f"{TODAY.year - 1}H2"


@pytest.fixture(scope="module")
def seen() -> Iterator[Catalog]:
    """The town with three departments, assessed on four days of the last ten."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    put(catalog, *(made(f"bus{n}", title=f"公交 {n}", publisher=TRANSPORT, region="330100") for n in range(4)))
    put(catalog, made("river", title="河道", publisher=WATER, region="330100", licence="cc0", licence_raw="CC0"))
    put(catalog, made("bridge", title="桥梁", publisher=NINGBO, region="330200"))
    rebuild(catalog, now=TODAY - timedelta(days=9))
    catch_up(catalog, now=TODAY - timedelta(days=8))
    put(catalog, made("taxi", title="出租", publisher=TRANSPORT, region="330100", licence="cc0", licence_raw="CC0"))
    catch_up(catalog, now=TODAY - timedelta(days=1))
    catch_up(catalog, now=TODAY)
    yield catalog
    catalog.close()


def put(catalog: Catalog, *records: object) -> None:
    lease = catalog.sources.lease(HANGZHOU.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put(list(records))  # type: ignore[arg-type]
    catalog.sources.release(lease)


@pytest.fixture(scope="module")
def client(seen: Catalog) -> FlaskClient:
    return client_of(seen)


def lines(client: FlaskClient, path: str) -> list[dict[str, str]]:
    response = client.get(path)
    assert response.status_code == 200, path
    return list(csv.DictReader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))


def table_of(found: html.HtmlElement) -> list[list[str]]:
    return [[words(cell) for cell in row.xpath("th|td")] for row in found.xpath(".//tbody/tr")]


# Trends


@pytest.mark.parametrize("path", [
    "/scorecards/nation/all", "/scorecards/regions/330100", DEPARTMENT, "/scorecards/publishers/hz",
    "/scorecards/themes/transport", "/scorecards/institutions/government_department", "/scorecards/sources/hangzhou",
])
def test_every_card_has_its_score_over_time(client: FlaskClient, path: str) -> None:
    (section,) = page(client, f"/zh{path}").xpath("//section[@id='over-time']")
    assert section.xpath(".//svg[@role='img']") and len(table_of(section)) >= 3


def test_the_table_of_a_trend_has_the_days_bounds_and_gaps(client: FlaskClient, seen: Catalog) -> None:
    (section,) = page(client, f"/en{DEPARTMENT}").xpath("//section[@id='over-time']")
    newest = trend(seen, Kind.DEPARTMENT, "330100.transport")[-1]
    told = table_of(section)
    assert newest.score is not None and newest.low is not None and newest.high is not None
    score, low, high = (f"{round(figure, 1):g}" for figure in (newest.score, newest.low, newest.high))
    assert told[0][1:] == [score, f"{low}–{high}", "1"]
    assert [row[1] for row in told].count("nothing was assessed in this time") == 2
    assert len(section.xpath(".//*[@class='gap']")) >= 1


def test_the_newest_figure_of_a_trend_is_the_score_of_the_card(client: FlaskClient) -> None:
    found = page(client, f"/en{DEPARTMENT}")
    (score,) = found.xpath("//p[@class='standing']/a[@class='score']")
    (newest,) = found.xpath("//*[@class='newest']")
    assert float(words(score)) == float(words(newest))


def test_before_a_second_day_a_card_says_that_its_trend_begins(catalog: Catalog) -> None:
    build(catalog)
    rebuild(catalog)
    (section,) = page(client_of(catalog), "/en/scorecards/nation/all").xpath("//section[@id='over-time']")
    assert "from the second day there is a line" in words(section) and not section.xpath(".//svg")


def test_a_trend_is_taken_along_with_every_day_and_its_gaps(client: FlaskClient, seen: Catalog) -> None:
    moments = trend(seen, Kind.DEPARTMENT, "330100.transport")
    told = lines(client, f"{DEPARTMENT}/national/trend.csv")
    assert [(row["day"], row["assessed"], row["score"] != "") for row in told] == [
        (str(one.day), str(one.assessed), one.score is not None) for one in moments
    ]
    document = client.get(f"{DEPARTMENT}/national/trend.json").get_json()
    assert document == client.get(f"/api/v1{DEPARTMENT}/trend").get_json()
    assert [day.get("score") for day in document["days"]] == [one.score for one in moments]


def test_a_frozen_half_year_is_marked_and_leads_to_its_page(catalog: Catalog) -> None:
    build(catalog)
    rebuild(catalog, now=TODAY - timedelta(days=1))
    catch_up(catalog, now=TODAY)
    stood = catalog.assessments.standing("national", Kind.NATION, "")
    assert stood is not None
    manifest = (
        b'{"period":"%b","day":"%d-12-31","number":1,"datasets":1,"rules":[{"id":"national","version":"0"}],'
        b'"layout":"","evidence_sha256":"","scores_sha256":""}' % (PERIOD.encode(), TODAY.year - 1)
    )
    catalog.periods.add(periods.FrozenPeriod(PERIOD, TODAY, manifest, ""), [], [stood])
    (section,) = page(client_of(catalog), "/en/scorecards/nation/all").xpath("//section[@id='over-time']")
    assert [words(one) for one in section.xpath(".//*[@class='marked']")] == [PERIOD]
    assert section.xpath(".//tbody//a/@href") == [f"/en/scorecards/periods/{PERIOD}"]
    assert [words(one) for one in section.xpath(".//*[local-name()='text'][@class='change']")] == ["method 1 →"]


# Heat maps


def test_a_heat_map_has_every_department_by_every_indicator(client: FlaskClient, seen: Catalog) -> None:
    (table,) = page(client, f"/en{HEAT}").xpath("//table[@class='heat']")
    codes = ["330100.transport", "330100.water"]
    values = cards.matrix(seen, Kind.DEPARTMENT, codes)
    standings = seen.assessments.standings_of("national", Kind.DEPARTMENT, codes)
    asked = [one.id for one in standard_layout().rules("national").measured if any(values[c][one.id].value for c in codes)]
    for row, standing in zip(table_of(table), standings, strict=True):
        assert len(row) == 2 + len(asked)
        for cell, id in zip(row[2:], asked):
            one = values[standing.code][id]
            point = None if one.value is None else one.value.point
            assert cell.startswith("–") if point is None else cell == whole_percent(point), (standing.code, id)


def test_every_cell_leads_to_as_many_datasets_as_it_says(client: FlaskClient, seen: Catalog) -> None:
    found = page(client, f"/en{HEAT}")
    cells = found.xpath("//table[@class='heat']/tbody//td/a")
    assert len(cells) > 20
    for cell in cells[:8]:
        parts = urlsplit(cell.get("href"))
        verdict = parts.query.removeprefix("verdict=")
        said = cell.get("title") or words(cell)
        count = len(lines(client, f"{parts.path}.csv?{parts.query}"))
        assert f"{count} {verdict}" in said, (cell.get("href"), said)


def test_rows_lead_to_their_cards_and_names_of_columns_to_their_order(client: FlaskClient) -> None:
    (table,) = page(client, f"/en{HEAT}").xpath("//table[@class='heat']")
    assert f"/en{DEPARTMENT}" in table.xpath(".//tbody/tr/th/a/@href")
    (by_licence,) = table.xpath(".//thead//a[contains(@href, 'sort=licence_open')]/@href")
    (sorted_,) = page(client, by_licence).xpath("//table[@class='heat']")
    place = 1 + [th.get("aria-sort") for th in sorted_.xpath(".//thead/tr/th")].index("descending")
    shown = [words(row.xpath("th|td")[place - 1]) for row in sorted_.xpath("./tbody/tr")]
    assert shown == ["100", "20"]


def test_what_is_not_asked_is_blank_and_what_was_not_measured_is_hatched(client: FlaskClient) -> None:
    (table,) = page(client, f"/en{HEAT}").xpath("//table[@class='heat']")
    blank, hatched = (table.xpath(f".//td[@class='{name}']") for name in ("unasked", "unread"))
    assert "not asked" in words(blank[0]) and not blank[0].xpath(".//a")
    assert "0 pass, 0 fail" in words(hatched[0]) and hatched[0].xpath(".//a[contains(@href, 'verdict=unknown')]")


def test_the_last_row_of_a_heat_map_is_the_region_itself(client: FlaskClient, seen: Catalog) -> None:
    (row,) = page(client, f"/en{HEAT}").xpath("//table[@class='heat']/tfoot/tr")
    standing = seen.assessments.standing("national", Kind.REGION, "330100")
    assert standing is not None and standing.point is not None
    assert words(row.xpath("td")[0]) == f"{standing.point:.1f}"
    assert row.xpath("th/a/@href") == ["/en/scorecards/regions/330100"]


def test_the_nation_is_looked_at_by_regions_and_a_region_by_departments_or_regions(client: FlaskClient) -> None:
    nation = page(client, "/en/scorecards/nation/all/national/matrix").xpath("//table[@class='heat']/tbody/tr/th")
    assert [words(one) for one in nation] == ["Zhejiang"]
    parts = page(client, f"{HEAT.replace('330100', '330000')}?of=regions").xpath("//table[@class='heat']/tbody/tr/th")
    assert len(parts) == 2


def test_long_heat_maps_are_paged(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "ROWS", 1)
    first = page(client, f"/en{HEAT}")
    (following,) = first.xpath("//a[@rel='next']/@href")
    names = [words(each.xpath("//table[@class='heat']/tbody/tr/th")[0]) for each in (first, page(client, following))]
    assert len(set(names)) == 2


def test_a_heat_map_on_paper_has_all_its_rows(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "ROWS", 1)
    on_paper = client.get(f"/zh{HEAT}", environ_overrides={"nachuan.on_paper": True})
    found = html.fromstring(on_paper.get_data(as_text=True))
    assert len(found.xpath("//table[@class='heat']/tbody/tr")) == 2 and not found.xpath("//a[@rel='next']")


def test_a_heat_map_says_what_its_figures_are_where_datasets_are_needed(client: FlaskClient) -> None:
    assert "“提供接口”须有 3 个数据集做到，格中是做到了几成。" in says(client, f"/zh{HEAT}")
    assert "须有" not in says(client, "/zh/scorecards/nation/all/national/matrix")


def test_a_card_and_the_league_lead_to_the_heat_map(client: FlaskClient) -> None:
    assert f"/zh{HEAT}" in page(client, "/zh/scorecards/regions/330100").xpath("//main//a/@href")
    assert "/zh/scorecards/nation/all/mqa/matrix" in page(client, "/zh/scorecards?rules=mqa").xpath("//main//a/@href")
    assert not [one for one in page(client, f"/zh{DEPARTMENT}").xpath("//main//a/@href") if "matrix" in one]


@pytest.mark.parametrize("path", [
    f"{DEPARTMENT}/national/matrix", "/scorecards/regions/330100/nonsense/matrix", f"{HEAT}?of=nonsense",
    "/scorecards/regions/990000/national/matrix", f"{DEPARTMENT}/national/matrix.csv", f"{HEAT}.json?of=sources",
    "/scorecards/publishers/nonesuch/national/trend.csv", "/api/v1/scorecards/themes/nonesuch/trend",
])
def test_what_there_is_no_picture_of_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_heat_map_is_taken_along_with_its_counts(client: FlaskClient, seen: Catalog) -> None:
    values = cards.matrix(seen, Kind.DEPARTMENT, ["330100.transport", "330100.water"])
    told = lines(client, f"{HEAT}.csv")
    assert {(row["code"], row["indicator"]): (row["passes"], row["fails"], row["unknown"]) for row in told} == {
        (code, id): (str(one.tally.passes), str(one.tally.fails), str(one.tally.unknown))
        for code, row in values.items()
        for id, one in row.items()
        if one.value is not None and one.tally is not None
    }
    document = client.get(f"{HEAT}.json").get_json()
    assert document == client.get("/api/v1/scorecards/regions/330100/matrix").get_json()
    assert [part["code"] for part in document["parts"]] == ["330100.water", "330100.transport"]


@pytest.mark.parametrize("share,said", [
    (0, "0"), (1, "100"), (0.004, "<1"), (0.996, ">99"), (0.5, "50"), (0.994, "99"), (1 / 300, "<1"),
])
def test_only_none_is_0_and_only_all_is_100(share: float, said: str) -> None:
    assert whole_percent(share) == said


# Parquet


@pytest.mark.parametrize("path", [
    "/scorecards.parquet?level=prefecture", f"{DEPARTMENT}.parquet", f"{DEPARTMENT}/mqa.parquet",
    f"{DEPARTMENT}/national/trend.parquet", f"{HEAT}.parquet",
])
def test_parquet_has_the_rows_of_the_csv_with_their_types(client: FlaskClient, path: str) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "application/vnd.apache.parquet")
    found = parquet.read_table(io.BytesIO(response.data))
    told = lines(client, path.replace(".parquet", ".csv"))
    assert found.num_rows == len(told) > 0 and found.column_names == list(told[0])
    assert found.schema.field("day").type == arrow.date32()
    assert arrow.null() not in found.schema.types


def test_without_pyarrow_parquet_is_neither_offered_nor_there(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Parquet" in words(page(client, f"/zh{DEPARTMENT}"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Parquet" not in words(page(client, f"/zh{DEPARTMENT}"))
    response = client.get(f"{DEPARTMENT}.parquet")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert "nachuan[parquet]" in response.get_json()["detail"] and "nachuan[parquet]" in DOCS["api.md"]
