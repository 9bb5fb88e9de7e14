"""The result page: what an address asks for, what is left of it, what nothing found says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest
from flask.testing import FlaskClient
from lxml import html

from portal.catalog.model import Publisher
from portal.catalog.store import Catalog
from portal.search import meanwhile
from portal.search.facets import SearchDocument
from portal.scorecard.assess import rebuild
from portal.search.memory import MemoryIndex
from portal.search.query import IndexCorrupt, Position, Query, Results, Suggestion
from portal.web.site import EXTENSION
from tests.catalogs import filled, record
from tests.portal.web.town import build, client_of, dataset_of, page, says, words

WATER = f"/zh/datasets/{dataset_of('1')}"


def results(shown: html.HtmlElement) -> list[str]:
    return list(shown.xpath("//ol[@class='results']/li/h3/a/@href"))


def facet(shown: html.HtmlElement, name: str) -> dict[str, str]:
    """The choices of a facet with their counts; of nested ones the innermost text."""
    (section,) = shown.xpath(f"//aside/section[h2='{name}']")
    return {words(item.xpath("a")[0]): words(item.xpath("span")[0]) for item in section.xpath(".//li")}


def test_a_word_finds_its_dataset_marks_it_and_says_who_where_when(client: FlaskClient) -> None:
    shown = page(client, "/zh/datasets?q=水质")
    assert results(shown) == [WATER]
    (item,) = shown.xpath("//ol[@class='results']/li")
    assert [mark.text for mark in item.xpath("h3//mark")] == ["水质"]
    (facts,) = item.xpath("p[@class='facts']")
    assert [words(fact).split()[0] for fact in facts.xpath("span")] == [
        "杭州市水务局",
        "杭州市",
        "更新于",
        "CSV",
        "有条件开放",
    ]


def test_an_english_reader_gets_the_portals_english_title(client: FlaskClient) -> None:
    shown = page(client, "/en/datasets?q=drinking+water")
    (title,) = shown.xpath("//ol[@class='results']//h3")
    assert words(title) == "Water quality of drinking water sources" and not title.xpath(".//@lang")


def test_a_match_in_a_field_name_says_so(client: FlaskClient) -> None:
    (matched,) = page(client, "/zh/datasets?q=统一社会信用代码").xpath("//p[@class='matched']")
    assert words(matched) == "字段：统一社会信用代码"


def test_a_portals_silence_about_the_date_is_said(client: FlaskClient) -> None:
    (facts,) = page(client, "/zh/datasets?q=什么都没有说明").xpath("//p[@class='facts']")
    assert words(facts) == "平台未说明更新日期"


def test_values_of_a_facet_widen_and_facets_narrow(client: FlaskClient) -> None:
    assert "26 个数据集" in says(client, "/zh/datasets?theme=transport&theme=environment")
    assert "1 个数据集" in says(client, "/zh/datasets?theme=transport&theme=environment&format=csv")


def test_a_chip_takes_one_filter_away(client: FlaskClient) -> None:
    chips = page(client, "/zh/datasets?q=水质&theme=environment&format=csv").xpath("//ul[@class='chips']//a")
    assert [words(chip) for chip in chips] == ["主题 生态环境 ×（去掉）", "格式 CSV ×（去掉）", "全部清除"]
    assert chips[0].get("href") == "/zh/datasets?q=%E6%B0%B4%E8%B4%A8&format=csv"
    assert chips[2].get("href") == "/zh/datasets?q=%E6%B0%B4%E8%B4%A8"


def test_regions_are_a_tree_that_opens_below_what_is_chosen(client: FlaskClient) -> None:
    assert list(facet(page(client, "/zh/datasets"), "地区")) == ["浙江省"]
    opened = facet(page(client, "/zh/datasets?region=330000"), "地区")
    assert opened == {"浙江省 ×（去掉）": "26", "杭州市": "26"}
    county = facet(page(client, "/zh/datasets?region=330100"), "地区")
    assert county == {"浙江省": "26", "杭州市 ×（去掉）": "26", "上城区": "25"}


def test_a_part_takes_the_place_of_the_region_that_holds_it(client: FlaskClient) -> None:
    (link,) = page(client, "/zh/datasets?region=330000").xpath("//aside//a[text()='杭州市']/@href")
    assert link == "/zh/datasets?region=330100"


def test_five_values_are_shown_and_the_rest_on_demand(client: FlaskClient) -> None:
    formats = ("csv", "xls", "xml", "pdf", "json", "rdf")
    shown = page(client, "/zh/datasets?" + "&".join(f"format={code}" for code in formats))
    (section,) = shown.xpath("//aside/section[h2='格式']")
    assert len(section.xpath("ul/li")) == 5
    assert words(section.xpath("details/summary")[0]) == "另外 1 项"


def test_departments_and_sources_go_by_their_names(client: FlaskClient) -> None:
    shown = page(client, "/zh/datasets?publisher=water&source=hangzhou")
    chips = [words(chip) for chip in shown.xpath("//ul[@class='chips']//a")]
    assert chips[:2] == ["部门 杭州市水务局 ×（去掉）", "来源 杭州市公共数据开放平台 ×（去掉）"]


def test_a_department_goes_by_its_english_name_where_the_portal_gives_one(catalog: Catalog) -> None:
    publisher = Publisher(id="w", name="水务局", names={"en": "Water Bureau", "zh": "水务局"})
    filled(catalog, record("1", publisher=publisher), record("2", publisher=Publisher(id="t", name="交通局")))
    client = client_of(catalog)
    for language, names in (("en", {"Water Bureau", "交通局"}), ("zh", {"水务局", "交通局"})):
        shown = page(client, f"/{language}/datasets")
        assert names <= {words(link) for link in shown.xpath("//aside//section//li/a")}


def test_nothing_found_says_what_each_filter_costs(client: FlaskClient) -> None:
    shown = page(client, "/zh/datasets?q=水质&theme=transport&format=csv")
    ways = [(words(one), one.xpath("a/@href")[0]) for one in shown.xpath("//ul[@class='counts narrow']/li")]
    assert ways == [("不限“交通运输” 1", "/zh/datasets?q=%E6%B0%B4%E8%B4%A8&format=csv")]
    assert "搜索内容：水质。" in says(client, "/zh/datasets?q=水质&theme=transport&format=csv")


def test_nothing_found_says_what_each_word_costs(client: FlaskClient) -> None:
    shown = page(client, "/zh/datasets?q=水质 天文")
    ways = [(words(one), one.xpath("a/@href")[0]) for one in shown.xpath("//ul[@class='counts narrow']/li")]
    assert ways == [("不限“天文” 1", "/zh/datasets?q=%E6%B0%B4%E8%B4%A8")]


def test_signs_alone_are_said_to_look_for_nothing(client: FlaskClient) -> None:
    assert "“……”中没有可以查找的词，因此没有按它查找。" in says(client, "/zh/datasets?q=……")
    assert "没有可以查找的词" not in says(client, "/zh/datasets?q=-水质")


def test_pages_follow_each_other_and_end(client: FlaskClient) -> None:
    first = page(client, "/zh/datasets?theme=transport")
    assert len(results(first)) == 20
    (following,) = first.xpath("//a[@rel='next']/@href")
    second = page(client, following)
    assert len(results(second)) == 5 and not second.xpath("//a[@rel='next']")
    assert not set(results(first)) & set(results(second))


def test_a_page_beyond_the_end_leads_to_the_last(client: FlaskClient) -> None:
    response = client.get("/zh/datasets?theme=transport&page=999999999999999999999")
    assert (response.status_code, response.location) == (302, "/zh/datasets?theme=transport&page=2")


def test_w98_rows_are_clamped(client: FlaskClient) -> None:
    assert len(results(page(client, "/zh/datasets?rows=1000000000"))) == 30
    assert len(results(page(client, "/zh/datasets?rows=0"))) == 1


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "水" * 10_000,
        "sort=unknown",
        "page=two",
        "page=-1",
        "rows=1e9",
        "rows=१०",
        "region=" + "9" * 5000,
        "&".join(f"format=f{n}" for n in range(500)),
    ],
)
def test_w98_what_cannot_be_is_refused_in_words(client: FlaskClient, query: str) -> None:
    text = says(client, f"/zh/datasets?{query}", 400)
    assert text.startswith("这个搜索无法进行") and len(text) < 300


@pytest.mark.parametrize(
    "q", ["a OR " * 120, "* ? ~ ^ /.*/", "title:x AND (", '"""', "-", "NOT", "+-&&||!(){}[]^\"~*?:\\/", "\0"]
)
def test_w98_odd_queries_are_answered_or_refused_without_words_from_inside(client: FlaskClient, q: str) -> None:
    response = client.get("/zh/datasets", query_string={"q": q})
    assert response.status_code in (200, 400)
    assert "Traceback" not in response.get_data(as_text=True)


def test_what_is_no_filter_is_left_out_and_said(client: FlaskClient) -> None:
    text = says(client, "/zh/datasets?q=水质&regions=330100")
    assert "地址中的 regions 不是本站的筛选条件，未予考虑。" in text and "1 个数据集" in text


def test_only_plain_searches_are_for_search_engines(client: FlaskClient) -> None:
    robots = "//meta[@name='robots']/@content"
    assert page(client, "/zh/datasets").xpath(robots) == []
    assert page(client, "/zh/datasets?format=csv").xpath(robots) == ["noindex"]
    assert set(page(client, "/zh/datasets").xpath("//aside//a/@rel")) == {"nofollow"}


def test_a_new_search_keeps_the_filters(client: FlaskClient) -> None:
    hidden = page(client, "/zh/datasets?format=csv&sort=title").xpath("//form//input[@type='hidden']")
    assert [(one.get("name"), one.get("value")) for one in hidden] == [("format", "csv"), ("sort", "title")]


def test_the_order_in_force_is_named(client: FlaskClient) -> None:
    current = "//nav[@class='sorts']//*[@aria-current]/text()"
    assert page(client, "/zh/datasets").xpath(current) == ["最近更新"]
    assert page(client, "/zh/datasets?q=水质").xpath(current) == ["相关度"]
    assert page(client, "/zh/datasets?q=水质&sort=title").xpath(current) == ["标题"]


def test_suggestions_lead_to_datasets_and_searches(client: FlaskClient) -> None:
    found = client.get("/zh/suggestions?q=饮用水").get_json()
    assert found[0] == {"text": "饮用水水源地水质监测", "kind": "数据集", "address": WATER}
    assert client.get("/zh/suggestions").get_json() == []


class BrokenIndex:
    """An index whose files are damaged."""

    def search(self, query: Query) -> Results:
        raise IndexCorrupt("segment 7 is gone")

    def walk(self, query: Query) -> Iterator[str]:
        raise IndexCorrupt("segment 7 is gone")

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        raise IndexCorrupt("segment 7 is gone")

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], upto: int) -> None:
        raise IndexCorrupt("segment 7 is gone")

    def rebuild(self, documents: Iterable[SearchDocument], upto: int) -> None:
        raise IndexCorrupt("segment 7 is gone")

    def position(self) -> Position | None:
        return None

    def digests(self) -> Mapping[str, str]:
        raise IndexCorrupt("segment 7 is gone")

    def close(self) -> None:
        """Nothing is held."""


def test_x93_without_an_index_the_search_answers_from_titles_and_says_so(town: Catalog) -> None:
    for unusable in (BrokenIndex(), MemoryIndex()):
        site = client_of(town, unusable)
        text = says(site, "/en/datasets?q=公交&source=hangzhou&rows=10&sort=title")
        assert "The search index is being made anew" in text and "segment" not in text
        assert "25 datasets" in text and "公交线路 0" in text and "公交线路 17" in text and "公交线路 9" not in text
        assert "CSV" not in text, "an export would lack datasets without saying so"
        assert "No dataset found" in says(site, "/en/datasets?q=公交&source=riverton")
        assert "1 dataset " in says(site, "/en/datasets?q=%22bridge inspections%22 -roads")
        every = says(client_of(town), "/en/datasets")
        assert (total := re.search(r"\d+ (?:entries|datasets)", every)) and total[0].split()[0] in says(site, "/en/datasets")
        assert "25 datasets" in says(site, "/en/datasets?theme=transport&appearances=once")
        (robots,) = page(site, "/zh/datasets?q=公交").xpath("//meta[@name='robots']/@content")
        assert robots == "noindex"
        assert site.get("/datasets?q=公交&page=99").status_code == 302
        assert site.get("/suggestions?q=公").json == []


def test_x93_a_search_without_an_index_takes_a_moment_and_says_what_it_did_not_look_at(
    town: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meanwhile, "READ_AT_ONCE", 10)
    monkeypatch.setattr(meanwhile.search, "__kwdefaults__", {"within_s": 0.0})
    text = says(client_of(town, BrokenIndex()), "/en/datasets?q=公交")
    assert re.search(r"Looked at 10 of 3\d entries", text) and "At least" in text


def test_x93_searches_without_an_index_are_few_at_a_time_and_none_waits(town: Catalog) -> None:
    site = client_of(town, BrokenIndex())
    turns = site.application.extensions[EXTENSION].looking
    with turns, turns:
        response = site.get("/en/datasets?q=公交")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert site.get("/en/datasets?q=公交").status_code == 200


def test_x93_an_empty_catalogue_has_nothing_to_look_at(empty_client: FlaskClient) -> None:
    assert "being made anew" not in says(empty_client, "/en/datasets?q=x")


@pytest.mark.parametrize(
    "address", ["/datasets.csv?q=x", "/datasets.jsonl?theme=health", "/feeds/datasets.atom", "/catalog.ttl?q=x"]
)
def test_x93_what_must_not_lack_a_dataset_waits_for_the_index(town: Catalog, address: str) -> None:
    for unusable in (BrokenIndex(), MemoryIndex()):
        response = client_of(town, unusable).get(address)
        assert (response.status_code, response.mimetype) == (503, "application/problem+json")
        assert response.headers["Retry-After"] == "30" and "segment" not in response.text


def test_w98_without_an_index_other_pages_stand(town: Catalog) -> None:
    broken = client_of(town, BrokenIndex())
    for path in ("/en/", "/en/regions", "/en/sources", "/en/publishers", f"/en/datasets/{dataset_of('1')}"):
        page(broken, path)


def test_spans_of_freshness_stand_in_the_order_of_time(client: FlaskClient) -> None:
    (facet,) = page(client, "/zh/datasets?q=水质").xpath("//aside//section[h2='更新时间']")
    assert [words(link) for link in facet.xpath(".//a")] == ["12个月内有更新", "3年内有更新"]
    (facet,) = page(client, "/zh/datasets?fresh=3y").xpath("//aside//section[h2='更新时间']")
    assert [words(link) for link in facet.xpath(".//a")] == ["12个月内有更新", "3年内有更新 ×（去掉）"]


@pytest.mark.parametrize("language,word", [("zh", "得分"), ("en", "score")])
def test_the_best_records_come_first_with_their_scores(catalog: Catalog, language: str, word: str) -> None:
    build(catalog)
    rebuild(catalog)
    # Without an index the titles are looked through, and in this order too.
    for browser in (client_of(catalog), client_of(catalog, BrokenIndex())):
        found = page(browser, f"/{language}/datasets?sort=quality&rows=30")
        told = [words(link) for link in found.xpath("//p[@class='facts']//a[contains(@href, '#scores')]")]
        scores = [float(one.removeprefix(f"{word} ")) for one in told]
        assert len(scores) > 20 and scores == sorted(scores, reverse=True) and scores[0] > scores[-1]
        assert not page(browser, f"/{language}/datasets").xpath("//a[contains(@href, '#scores')]")
