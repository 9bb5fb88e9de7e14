"""Scorecards: every number is what the assessment says, leads to its datasets, and is a CSV too."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html
from msgspec.structs import replace

from portal.catalog.assessments import Kind
from portal.catalog.model import Publisher
from portal.catalog.store import Catalog
from portal.scorecard import cards
from portal.scorecard.assess import rebuild, standard_layout
from portal.scorecard.cards import Answer, Card
from portal.scorecard.fixes import fixes
from portal.scorecard.rules import PACKAGED
from portal.scorecard.verdicts import Verdict
from portal.search.memory import MemoryIndex
from tests.portal.web.town import HANGZHOU, WATER, build, client_of, dataset_of, made, page, says, words

PARKS = Publisher(
    id="parks", name="<b>杭州市园林文物局</b>", institution_type="government_department", department="330100.transport"
)
PARKING = Publisher(
    id="parking", name="杭州市交通运输局", institution_type="government_department", department="330100.transport"
)
NINGBO = Publisher(
    id="nb", name="宁波市交通运输局", institution_type="government_department", department="330200.transport"
)
UNION = Publisher(
    id="union", name="杭州市残疾人联合会", institution_type="mass_organisation", department="330100.disabled-persons"
)
LIBRARY = Publisher(id="lib", name='"><script>alert(1)</script>', institution_type="library")

DEPARTMENT = "/scorecards/publishers/330100.transport"


@pytest.fixture(scope="module")
def assessed() -> Iterator[Catalog]:
    """The town with two departments and a library, assessed."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([
            *(made(f"park{n}", title=f"公园 {n}", publisher=PARKS, region="330100") for n in range(60)),
            made("parking", title="=停车场", publisher=PARKING, region="330100", licence="cc0", licence_raw="CC0"),
            made("bridges", title="桥梁", publisher=NINGBO, region="330200"),
            made("aids", title="辅具", publisher=UNION, region="330100"),
            made("books", title="<i>藏书</i>", publisher=LIBRARY, region="330100"),
        ])
    catalog.sources.release(lease)
    rebuild(catalog)
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def client(assessed: Catalog) -> FlaskClient:
    return client_of(assessed)


def card_of(catalog: Catalog, rules: str = "national") -> Card:
    card = cards.card(catalog, Kind.DEPARTMENT, "330100.transport", rules)
    assert card is not None
    return card


def rows(client: FlaskClient, path: str) -> list[dict[str, str]]:
    response = client.get(path)
    assert response.status_code == 200, path
    return list(csv.DictReader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))


def hrefs(client: FlaskClient, path: str) -> list[str]:
    found: list[str] = page(client, path).xpath("//main//a/@href")
    return found


def follow(client: FlaskClient, path: str, link: html.HtmlElement) -> str:
    return str(link.get("href")).partition("#")[0] or path


def test_before_the_first_assessment_the_page_says_what_to_do(client: FlaskClient, town: Catalog) -> None:
    empty = client_of(town)
    assert "nachuan assess" in says(empty, "/zh/scorecards")
    assert "nachuan assess" in says(empty, "/en/scorecards/nation/all", 503)
    assert empty.get("/api/v1/scorecards").status_code == 503
    assert "scores" not in empty.get(f"/zh/datasets/{dataset_of('1')}").get_data(as_text=True)


def test_an_assessment_by_other_rules_is_not_shown(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    build(catalog)
    rebuild(catalog, layout=replace(standard_layout(), digest="another"))
    assert "nachuan assess" in says(client_of(catalog, MemoryIndex()), "/zh/scorecards")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_first_line_of_a_card_is_the_score_with_its_places_and_what_was_measured(
    client: FlaskClient, assessed: Catalog, language: str
) -> None:
    card = card_of(assessed)
    (line,) = page(client, f"/{language}{DEPARTMENT}").xpath("//p[@class='standing']")
    assert card.ranks is not None and card.score.point is not None
    said = words(line)
    assert said.startswith(f"{card.score.point:.1f}")
    places = {"zh": f"第 {card.ranks.best} 至 {card.ranks.worst} 名，共 {card.ranks.of} 个",
              "en": f"place {card.ranks.best} to {card.ranks.worst} of {card.ranks.of}"}
    assert places[language] in said
    assert f"{round(card.score.measured * 100, 1):g}%" in said


@pytest.mark.parametrize("rules", PACKAGED)
def test_every_count_of_every_indicator_is_the_cards_and_leads_to_as_many_datasets(
    client: FlaskClient, assessed: Catalog, rules: str
) -> None:
    card = card_of(assessed, rules)
    found = {}
    for href in hrefs(client, f"/zh{DEPARTMENT}/{rules}"):
        parts = urlsplit(href)
        if parts.query.startswith("verdict=") and f"/{rules}/" in parts.path:
            found[parts.path.rpartition("/")[2], parts.query.partition("=")[2]] = href
    shown = {
        (one.indicator.id, answer.value): one.count(answer)
        for dimension in card.dimensions
        for one in dimension.indicators
        for answer in Answer
        if one.count(answer) and one.value is not None
    }
    assert shown.items() and shown.keys() <= found.keys()
    for key, count in list(shown.items())[:6]:
        path = found[key].replace("?", ".csv?")
        assert len(rows(client, path)) == count, key


def test_the_points_lost_and_the_score_make_the_whole_scale(assessed: Catalog, client: FlaskClient) -> None:
    for rules in PACKAGED:
        card = card_of(assessed, rules)
        assert card.score.point is not None
        assert sum(cards.lost(card).values()) + card.score.point == pytest.approx(card.rules.scale)
    lost = page(client, f"/en{DEPARTMENT}").xpath("//tfoot//td[@class='figure']")[0]
    assert float(words(lost)) == pytest.approx(sum(cards.lost(card_of(assessed)).values()), abs=0.05)


def test_what_would_raise_it_most_is_the_first_table_and_leads_to_its_datasets(
    client: FlaskClient, assessed: Catalog
) -> None:
    best = max(fixes(assessed, Kind.DEPARTMENT, "330100.transport"), key=lambda one: one.gain)
    table = page(client, f"/en{DEPARTMENT}").xpath("//main//table")[0]
    assert best.indicator.fix is not None
    first = table.xpath("./tbody/tr")[0]
    cells = [words(cell) for cell in first.xpath("./td")]
    assert cells[:3] == [best.indicator.fix.en.capitalize(), str(best.datasets), f"+{best.gain:.1f}"]
    assert first.xpath(".//a/@href")[0].endswith(f"/national/{best.indicator.id}?verdict=fail")


def test_three_clicks_lead_from_the_nation_to_the_rows_that_cost_a_department_most(client: FlaskClient) -> None:
    at = "/zh/scorecards"
    at = follow(client, at, page(client, at).xpath("//main//td/a[text()='杭州市 · 交通运输']")[0])
    at = follow(client, at, page(client, at).xpath("//main//table[contains(@class, 'fixes')]//td/a")[0])
    datasets = page(client, at).xpath("//main//tbody/tr/td[1]/a")
    assert len(datasets) == 50 and all("/datasets/" in one.get("href") for one in datasets)
    at = follow(client, at, datasets[0])
    (section,) = page(client, at).xpath("//section[@id='scores']")
    assert "怎样改进" in words(section) and "未通过" in words(section)


def test_the_datasets_behind_a_number_are_paged_with_the_reason_of_each(client: FlaskClient, assessed: Catalog) -> None:
    first = page(client, f"/en{DEPARTMENT}/national/{LICENCE}?verdict=fail")
    second = page(client, f"/en{DEPARTMENT}/national/{LICENCE}?verdict=fail&page=2")
    ids = [one.get("href") for part in (first, second) for one in part.xpath("//main//tbody/tr/td[1]/a")]
    assert len(ids) == len(set(ids)) == 60
    assert all(words(cell) for cell in first.xpath("//main//tbody/tr/td[3]"))


def test_the_datasets_behind_a_number_stand_one_below_the_other_where_a_page_is_narrow(client: FlaskClient) -> None:
    (table,) = page(client, f"/zh{DEPARTMENT}/national/{LICENCE}?verdict=fail").xpath("//main//table")
    assert table.get("class") == "stacked"
    assert {tuple(cell.get("data-label") for cell in row.xpath("td")) for row in table.xpath("tbody/tr")} == {
        (None, "发布部门", "原因与所见的值")
    }


LICENCE = next(one.id for one in standard_layout().rules("national").measured if one.check == "licence-given")


@pytest.mark.parametrize("rules", PACKAGED)
@pytest.mark.parametrize(
    "group", ["publishers/330100.transport", "publishers/330200.transport", "publishers/lib", "regions/330100", "nation/all"]
)
def test_the_points_lost_as_shown_add_up_to_what_the_score_shown_lacks(
    client: FlaskClient, group: str, rules: str
) -> None:
    shown = page(client, f"/zh/scorecards/{group}/{rules}")
    lost = [words(cell) for cell in shown.xpath("//section[@id='indicators']//tbody//td[@data-label='失分']") if words(cell)]
    (total,) = shown.xpath("//section[@id='indicators']//tfoot//td[@class='figure']/text()")
    assert f"{sum(map(float, lost)):.2f}" == total
    score, scale = float(shown.xpath("//a[@class='score']/text()")[0]), standard_layout().rules(rules).scale
    assert scale - float(total) == pytest.approx(score, abs=0.05 + 1e-9)


@pytest.mark.parametrize("group", ["publishers/330100.transport", "publishers/330200.transport", "regions/330100"])
def test_what_a_fix_gains_is_what_its_indicator_lost_where_all_of_it_is_mended(client: FlaskClient, group: str) -> None:
    shown = page(client, f"/zh/scorecards/{group}")
    lost = {
        row.xpath("th/a/@href")[0].partition("#national-")[2]: (float(words(cell)), row)
        for row in shown.xpath("//section[@id='indicators']//tbody/tr")
        for cell in row.xpath("td[@data-label='失分']") if words(cell)
    }
    gains = {
        parts.path.rpartition("/")[2]: float(words(link))
        for link in shown.xpath("//table[contains(@class, 'fixes')]//td[@data-label='可得分']/a")
        for parts in (urlsplit(link.get("href")),) if "<" not in words(link)
    }
    whole = [id for id in gains if not lost[id][1].xpath("td[@data-label='未测得']/a") and "须有" not in words(lost[id][1])]
    assert len(whole) > 3
    assert [id for id in whole if abs(gains[id] - lost[id][0]) > 0.06] == []


def test_what_is_not_asked_of_a_departments_institution_is_said_of_its_datasets(client: FlaskClient) -> None:
    card = page(client, "/zh/scorecards/publishers/330100.disabled-persons")
    (row,) = card.xpath("//section[@id='indicators']//tr[th/a[substring-after(@href, '#') = 'national-offers_api']]")
    assert "只对部门整体提出" not in words(row)
    assert [words(cell) for cell in row.xpath("td[@data-label='不适用']/a")] == ["1"]


def test_an_indicators_own_page_says_the_same_points_lost(client: FlaskClient) -> None:
    card = page(client, f"/zh{DEPARTMENT}")
    (row,) = card.xpath(f"//section[@id='indicators']//tr[th/a[substring-after(@href, '#') = 'national-{LICENCE}']]")
    (lost,) = row.xpath("td[@data-label='失分']")
    assert f"失 {words(lost)} 分" in says(client, f"/zh{DEPARTMENT}/national/{LICENCE}")


@pytest.mark.parametrize("name", ["杭州市 交通", "杭州市交通运输局", "园林文物"])
def test_a_department_is_found_by_its_name_or_one_that_a_portal_gives_it(client: FlaskClient, name: str) -> None:
    league = page(client, f"/zh/scorecards?level=prefecture&q={name}").xpath("//table[contains(@class, 'league')]//td[2]")
    assert [words(cell) for cell in league] == ["杭州市 · 交通运输"]


def test_a_name_that_nobody_has_is_said_and_looked_for_at_another_level(client: FlaskClient) -> None:
    shown = page(client, "/zh/scorecards?of=regions&level=province&q=宁波")
    assert "这里没有名称含“宁波”的" in words(shown.xpath("//section[@id='league']")[0])
    (other,) = shown.xpath("//nav[@class='sorts']//a[text()='市级']/@href")
    (found,) = page(client, other).xpath("//table[contains(@class, 'league')]//td[2]")
    assert words(found) == "宁波市"


@pytest.mark.parametrize("path", [DEPARTMENT, f"{DEPARTMENT}/changes", f"{DEPARTMENT}/digest", "/scorecards/periods"])
def test_every_page_of_the_assessment_stands_under_it(client: FlaskClient, path: str) -> None:
    assert page(client, f"/zh{path}").xpath("//header//nav//a[@aria-current]/text()") == ["评估"]


def test_no_card_leads_to_an_explanation_that_is_refused(client: FlaskClient) -> None:
    for path in (DEPARTMENT, "/scorecards/nation/all", "/scorecards/institutions/library"):
        (there,) = page(client, f"/zh{path}").xpath("//ul[@class='leads']//a[contains(@href, '/changes')]/@href")
        assert client.get(there).status_code == 200, path


def test_a_datasets_page_says_which_questions_are_not_in_its_own_score(client: FlaskClient, assessed: Catalog) -> None:
    (row,) = cards.flagged(assessed, Kind.DEPARTMENT, "330200.transport", "counted")
    (table, *_) = page(client, f"/zh/datasets/{row.dataset_id}").xpath("//section[@id='scores']//table")
    apart = [words(one.xpath("th")[0]) for one in table.xpath("tbody/tr") if "不计入这条记录的得分" in words(one)]
    assert apart == ["提供接口", "一年内有更新"]


def test_a_dataset_nobody_could_ask_for_is_not_said_to_be_had(client: FlaskClient, assessed: Catalog) -> None:
    place = standard_layout().place("national", "reachable")
    passed = cards.behind(assessed, Kind.NATION, "", "effective", Answer.PASS)
    unasked = next(one for one in passed if one.vector[place] == Verdict.UNKNOWN)
    (first, *_) = page(client, f"/zh/datasets/{unasked.dataset_id}").xpath("//section[@id='scores']//tr[th='有效数据集']")
    assert "取得数据的途径未见失效" in words(first) and "也有取得数据的途径" not in words(first)


@pytest.mark.parametrize(("department", "said"), [("330200.transport", True), ("330100.transport", False)])
def test_a_department_of_few_datasets_is_told_what_that_does(client: FlaskClient, department: str, said: bool) -> None:
    told = says(client, f"/zh/scorecards/publishers/{department}")
    assert ("这里只有 1 个数据集：要求部门有 3 个数据集做到的指标，最多只能得 3 分之 1" in told) is said


def test_a_card_says_whom_to_tell_that_a_figure_is_wrong(client: FlaskClient, assessed: Catalog) -> None:
    assert "本站没有公布联系方式" in words(page(client, f"/zh{DEPARTMENT}").xpath("//section[@id='wrong']")[0])
    named = client_of(assessed, MemoryIndex(), contact="data@example.cn")
    for path, place in ((DEPARTMENT, "//section[@id='wrong']"), ("/help", "//article"), ("/help", "//footer")):
        assert page(named, f"/zh{path}").xpath(f"{place}//a[@href='mailto:data@example.cn']"), (path, place)


def test_a_league_table_says_bands_and_sorts_without_scripts(client: FlaskClient) -> None:
    found = page(client, "/en/scorecards?level=prefecture")
    first = [words(cell) for cell in found.xpath("//table[contains(@class, 'league')]/tbody/tr[1]/td")]
    assert "–" in first[0] and first[1] == "Hangzhou · Transport"
    (by_datasets,) = found.xpath("//thead//a[text()='Datasets']/@href")
    counts = [
        int(words(cell))
        for cell in page(client, by_datasets).xpath("//table[contains(@class, 'league')]/tbody/tr/td[last()]")
    ]
    assert counts == sorted(counts, reverse=True) and counts[0] == 61


@pytest.mark.parametrize(
    ("path", "scores"),
    [
        ("/zh/scorecards", "//ul[@class='tiles']//b"),
        (f"/zh{DEPARTMENT}", "//table[contains(@class, 'bars')]/tbody/tr/td[@class='figure'][1]"),
    ],
)
def test_scores_are_written_with_one_decimal_wherever_they_stand(client: FlaskClient, path: str, scores: str) -> None:
    found = [words(one) for one in page(client, path).xpath(scores)]
    measured = [one for one in found if any(map(str.isdigit, one))]
    assert measured and all(re.fullmatch(r"\d+\.\d", one) for one in measured)


def test_the_csv_of_a_league_table_has_a_row_for_everyone(client: FlaskClient, assessed: Catalog) -> None:
    found = rows(client, "/scorecards.csv?level=prefecture")
    league = cards.league(assessed, Kind.DEPARTMENT, "government_department/prefecture")
    assert [(row["code"], row["best_place"], row["worst_place"]) for row in found] == [
        (one.standing.code, str(one.ranks.best), str(one.ranks.worst)) for one in league
    ]
    assert client.get("/api/v1/scorecards?level=prefecture").get_json()["total"] == len(league) == 3


def test_the_documents_of_a_card_have_its_figures(client: FlaskClient, assessed: Catalog) -> None:
    card = card_of(assessed)
    document = client.get(f"{DEPARTMENT}.json").get_json()
    assert document == client.get("/api/v1/scorecards/publishers/330100.transport").get_json()
    assert document["score"]["point"] == card.score.point
    assert document["datasets"]["effective"] == card.counts.effective
    told = {row["id"]: row for row in rows(client, f"{DEPARTMENT}.csv") if row["what"] == "indicator"}
    for dimension in card.dimensions:
        for one in dimension.indicators:
            expected = "" if one.tally is None else str(one.tally.fails)
            assert told[one.indicator.id]["fails"] == expected


def test_the_table_of_a_card_has_points_shares_and_numbers_in_columns_of_their_own(
    client: FlaskClient, assessed: Catalog
) -> None:
    card, told = card_of(assessed), rows(client, f"{DEPARTMENT}.csv")
    filled = {what: {name for row in told if row["what"] == what for name, cell in row.items() if cell} for what in (
        "score", "datasets", "dimension", "indicator")}
    points, shares, numbers = {"score", "low", "high"}, {"value", "value_low", "value_high"}, {"datasets"}
    for what, own in (("score", points | numbers), ("datasets", numbers), ("dimension", points), ("indicator", shares)):
        assert filled[what] & (points | shares | numbers) == own, what
    shown = {row["id"]: row for row in told if row["what"] == "indicator"}
    for one in (each for dimension in card.dimensions for each in dimension.indicators):
        if one.value is not None and one.value.point is not None:
            assert float(shown[one.indicator.id]["value"]) == pytest.approx(one.value.point, abs=1e-6)
    assert {row["id"]: row["datasets"] for row in told if row["what"] == "datasets"}["counted"] == str(card.counts.counted)


def test_the_api_tells_the_evidence_on_a_dataset_and_the_rest_of_a_long_list(
    client: FlaskClient, assessed: Catalog
) -> None:
    path = f"/api/v1/scorecards/publishers/330100.transport/{LICENCE}?verdict=fail"
    document = client.get(path).get_json()
    assert document["total"] == len(document["datasets"]) == 60
    later = client.get(f"{path}&after={document['datasets'][9]['dataset']}").get_json()
    assert later["datasets"] == document["datasets"][10:]
    one = client.get(f"/api/v1/datasets/{document['datasets'][0]['dataset']}/evidence").get_json()
    (finding,) = [each for each in one["findings"] if each["indicator"] == LICENCE]
    assert finding["verdict"] == "fail" and finding["words"]["zh"] and finding["words"]["en"]
    assert client.get("/api/v1/datasets/nonesuch/evidence").status_code == 404


def test_the_method_page_has_every_indicator_with_its_reason(client: FlaskClient) -> None:
    found = page(client, "/en/scorecards/method")
    for rules in standard_layout().rule_sets:
        for one in rules.indicators:
            (row,) = found.xpath(f"//tr[@id='{rules.id}-{one.id}']")
            assert " ".join(one.why.en.split()) in words(row)


@pytest.mark.parametrize("path", [
    "/scorecards/publishers/nonesuch", "/scorecards/regions/999999", "/scorecards/nonsense/1", "/scorecards/nation/x",
    f"{DEPARTMENT}/nonsense", f"{DEPARTMENT}/national/nonsense", f"{DEPARTMENT}/national/{LICENCE}?verdict=nonsense",
    f"{DEPARTMENT}/datasets/nonsense", "/scorecards?of=nonsense", "/scorecards?level=nonsense", "/scorecards?rules=nonsense",
    "/scorecards/publishers/nonesuch.csv", "/api/v1/scorecards/publishers/nonesuch",
])
def test_what_there_is_no_card_of_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", [
    "/zh/scorecards?of=library&level=prefecture", "/zh/scorecards/publishers/lib", "/en/scorecards/publishers/lib/mqa",
    f"/zh{DEPARTMENT}", f"/zh/scorecards/publishers/lib/national/{LICENCE}?verdict=fail",
    "/zh/scorecards/publishers/lib/datasets/counted",
])
def test_hostile_names_stay_text(client: FlaskClient, path: str) -> None:
    text = client.get(path).get_data(as_text=True)
    assert "alert(1)" in text or "园林" in text
    assert not html.document_fromstring(text).xpath("//main//script | //main//b[text()='杭州市园林文物局'] | //main//i")


def test_a_cell_that_would_compute_stays_text(client: FlaskClient) -> None:
    found = rows(client, f"{DEPARTMENT}/national/{LICENCE}.csv?verdict=pass")
    assert [row["title"] for row in found] == ["'=停车场"]


@pytest.mark.parametrize("path,card", [
    ("/zh/publishers/parks", DEPARTMENT), ("/zh/publishers/water", "/scorecards/publishers/water"),
    ("/zh/regions/330100", "/scorecards/regions/330100"), ("/zh/themes/transport", "/scorecards/themes/transport"),
    ("/zh/sources/hangzhou", "/scorecards/sources/hangzhou"),
])
def test_a_page_leads_to_its_card(client: FlaskClient, path: str, card: str) -> None:
    assert f"/zh{card}" in hrefs(client, path)
    assert client.get(f"/zh{card}").status_code == 200


def test_a_region_lists_its_parts_and_departments_with_their_own_cards(client: FlaskClient) -> None:
    assert "/zh/scorecards/regions/330200" in hrefs(client, "/zh/scorecards/regions/330000")
    assert f"/zh{DEPARTMENT}" in hrefs(client, "/zh/scorecards/regions/330100")


def test_the_counts_of_datasets_stand_apart_and_lead_to_their_lists(client: FlaskClient, assessed: Catalog) -> None:
    counts = card_of(assessed).counts
    for flag, count in {"counted": counts.counted, "effective": counts.effective}.items():
        listed = rows(client, f"{DEPARTMENT}/datasets/{flag}.csv")
        assert len(listed) == count
        assert (f"/zh{DEPARTMENT}/datasets/{flag}" in hrefs(client, f"/zh{DEPARTMENT}")) == bool(count)


def test_a_publisher_without_a_department_has_a_card_of_its_own(client: FlaskClient) -> None:
    assert WATER.department is None and HANGZHOU.id == "hangzhou"
    assert "杭州市水务局" in says(client, "/zh/scorecards/publishers/water")


def test_what_is_asked_of_a_department_as_a_whole_says_how_many_it_needs(client: FlaskClient) -> None:
    needed = [one for one in standard_layout().rules("national").measured if one.needs > 1]
    (row,) = page(client, f"/en{DEPARTMENT}").xpath(f"//tr[th/a[contains(@href, '#national-{needed[0].id}')]]")
    assert f"({needed[0].needs} needed)" in words(row)


def test_the_text_to_send_has_every_fix_with_the_address_of_its_list(client: FlaskClient, assessed: Catalog) -> None:
    (letter,) = page(client, f"/en{DEPARTMENT}").xpath("//details/pre")
    for one in fixes(assessed, Kind.DEPARTMENT, "330100.transport"):
        assert one.text("en") in letter.text_content()
        assert f"http://localhost{DEPARTMENT}/national/{one.indicator.id}?verdict=fail" in letter.text_content()


def test_the_range_of_the_peers_is_from_the_lowest_to_the_highest_of_them(client: FlaskClient, assessed: Catalog) -> None:
    found = cards.dimension_scores(assessed, Kind.DEPARTMENT, ["330100.transport", "330200.transport"])
    bars = page(client, f"/en{DEPARTMENT}").xpath("//table[@class='bars']/tbody/tr")
    dimensions = standard_layout().rules("national").dimensions
    assert len(bars) == len(dimensions)
    for bar, dimension in zip(bars, dimensions):
        scores = found.get(dimension.id, [])
        assert len(scores) in (0, 2)
        if scores:
            assert f"{min(scores):.1f}–{max(scores):.1f}" in words(bar)


def test_the_map_leads_to_the_card_of_a_province_and_else_to_its_page(client: FlaskClient) -> None:
    links = hrefs(client, "/en/scorecards?rules=mqa")
    assert "/en/scorecards/regions/330000/mqa" in links and "/en/regions/540000" in links


def test_a_card_leads_to_why_its_score_changed(client: FlaskClient) -> None:
    assert f"/zh{DEPARTMENT}/changes" in hrefs(client, f"/zh{DEPARTMENT}")


@pytest.mark.parametrize("path,status", [
    ("/api/v1/scorecards?nonsense=1", 400), ("/scorecards.csv?page=2", 400),
    ("/api/v1/scorecards?of=nonsense", 404), ("/api/v1/scorecards/publishers/330100.transport/nonsense", 404),
    ("/api/v1/scorecards/publishers/nonesuch", 404),
])
def test_a_program_is_told_in_json_what_cannot_be_answered(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
