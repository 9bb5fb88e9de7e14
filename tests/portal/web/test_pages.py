"""What holds for every page, in both languages."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from tests.portal.web.town import RIVERTON, dataset_of, page, says, words

PATHS = (
    "/",
    "/datasets",
    "/datasets?q=水质",
    "/datasets?q=水质&region=330100&format=csv&sort=title",
    "/datasets?q=nothing+of+the+kind&theme=transport",
    f"/datasets/{dataset_of('1')}",
    f"/datasets/{dataset_of('bare')}",
    f"/datasets/{dataset_of('late')}",
    f"/datasets/{dataset_of('broken')}",
    "/publishers",
    "/publishers?q=水务",
    "/publishers/water",
    "/regions",
    "/regions/330000",
    "/regions/330100",
    "/regions/100000",
    "/high-value",
    "/high-value?region=330100",
    "/high-value/TRA-1",
    "/high-value/TRA-1?region=330000",
    "/high-value/COM-1",
    "/themes",
    "/themes/environment",
    "/sources",
    "/sources/hangzhou",
    "/sources/riverton",
    "/sources/later",
    "/sources/hangzhou/normalisation",
    "/sources/later/normalisation",
    "/sources/hangzhou/normalisation/datasets?field=format&value=奇怪的格式",
    "/runs/1",
    "/runs/2",
    "/runs/3",
    "/about",
    "/help",
)

TAGS = {"zh": "zh-CN", "en": "en"}

both_languages = pytest.mark.parametrize("language", TAGS)


class Shown(NamedTuple):
    """A page as a reader of ``language`` gets it."""

    language: str
    document: html.HtmlElement


@pytest.fixture(scope="module", params=[(language, path) for path in PATHS for language in TAGS], ids="".join)
def shown(request: pytest.FixtureRequest, client: FlaskClient) -> Shown:
    """Every page in both languages, one after the other."""
    language, path = request.param
    return Shown(language, page(client, f"/{language}{path}"))


def test_a_page_answers_in_the_language_of_its_address(shown: Shown) -> None:
    assert shown.document.get("lang") == TAGS[shown.language]
    assert shown.document.findtext(".//title").strip()


def test_a_page_has_one_first_heading_and_skips_no_level(shown: Shown) -> None:
    levels = [int(heading.tag[1]) for heading in shown.document.xpath("//h1|//h2|//h3|//h4")]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_what_can_be_used_on_a_page_has_a_name(shown: Shown) -> None:
    document = shown.document
    for control in document.xpath("//input[not(@type='hidden')]"):
        assert document.xpath(f"//label[@for='{control.get('id')}']"), control.get("name")
    for link in document.xpath("//a|//button|//summary"):
        assert link.text_content().strip(), link.get("href")
    for landmark in document.xpath("//nav|//aside|//*[@role='region']"):
        assert landmark.get("aria-label")
    for table in document.xpath("//table"):
        assert table.xpath(".//th[@scope]")
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_another_host_and_nothing_is_inline(shown: Shown) -> None:
    loaded = shown.document.xpath(
        "//script/@src|//img/@src|//link[@rel='stylesheet' or @rel='icon']/@href|//iframe/@src"
    )
    assert loaded and all(one.startswith("/static/") for one in loaded)
    scripts = "//script[not(@src)][not(@type='application/ld+json')]"
    assert not shown.document.xpath(f"//style|//*[@style]|{scripts}|//*[@*[starts-with(name(), 'on')]]")


@pytest.mark.slow
@both_languages
def test_every_link_inside_leads_somewhere_and_keeps_the_language(
    client: FlaskClient, language: str
) -> None:
    waiting, met = [f"/{language}/"], set()
    while waiting:
        path = waiting.pop()
        if path in met:
            continue
        met.add(path)
        response = client.get(path, follow_redirects=True)
        assert response.status_code == (410 if dataset_of("gone") in path else 200), path
        if response.mimetype != "text/html":
            continue
        document = html.document_fromstring(response.get_data(as_text=True))
        # Facets multiply without end; one page of them is followed below.
        for link in document.xpath("//a[not(@hreflang) and not(@rel='nofollow')]/@href"):
            target = urlsplit(urljoin(path, link))
            if target.netloc or target.scheme == "mailto":
                continue
            assert target.path.startswith(f"/{language}/"), (path, link)
            waiting.append(target._replace(fragment="").geturl())
    assert len(met) > 60


def test_every_choice_of_a_facet_leads_to_a_result_page(client: FlaskClient) -> None:
    choices = page(client, "/zh/datasets?region=330100&theme=transport").xpath("//aside//a/@href")
    assert len(choices) > 5
    for choice in choices:
        page(client, choice)


def test_the_results_of_a_search_can_be_taken_along(client: FlaskClient) -> None:
    links = page(client, "/zh/datasets?q=水质&page=1").xpath("//p[@class='takeaway']//a/@href")
    answers = [client.get(link) for link in links]
    assert [(one.status_code, one.mimetype) for one in answers] == [
        (200, "application/atom+xml"),
        (200, "text/csv"),
        (200, "application/x-ndjson"),
    ]


def test_text_in_another_language_than_the_page_says_so(client: FlaskClient) -> None:
    (title,) = page(client, "/en/sources/hangzhou").xpath("//h1/span")
    assert (title.text, title.get("lang")) == ("杭州市公共数据开放平台", "zh")
    (title,) = page(client, f"/zh/datasets/{dataset_of('b', source=RIVERTON)}").xpath("//h1/span")
    assert title.get("lang") == "en"


def test_an_empty_site_has_its_pages_too(empty_client: FlaskClient) -> None:
    for path in ("/", "/datasets", "/publishers", "/regions", "/themes", "/sources", "/themes/environment"):
        page(empty_client, path)


def test_the_map_is_a_list_of_links_with_names_and_figures(client: FlaskClient) -> None:
    tiles = page(client, "/zh/").xpath("//ul[@class='tiles']/li")
    assert len(tiles) == 34
    (zhejiang,) = [tile for tile in tiles if tile.xpath("a[@href='/zh/regions/330000']")]
    assert zhejiang.text_content().split() == ["浙江", "26"] and "step5" in zhejiang.get("class")


def test_the_home_page_says_the_catalogue_in_one_sentence(client: FlaskClient) -> None:
    (sentence,) = page(client, "/en/").xpath("//p[@class='figures']")
    assert sentence.text_content().strip().startswith("30 datasets from 3 portals of 1 province, 2 departments; last")


def test_a_province_no_portal_was_read_of_is_not_called_empty(client: FlaskClient) -> None:
    tiles = {
        tile.xpath("string(a/@href)").rpartition("/")[2]: words(tile)
        for tile in page(client, "/zh/").xpath("//ul[@class='tiles']/li")
    }
    assert tiles["150000"] == "内蒙古 –尚未采集"
    rows = {words(row.xpath("td")[0]): words(row) for row in page(client, "/zh/regions").xpath("//tbody/tr")}
    assert rows["内蒙古自治区"] == "内蒙古自治区尚未采集"
    assert "有没有数据集还不知道" in says(client, "/zh/regions/150000")
    assert "这个地区还没有数据集。" in says(client, "/zh/regions/330200")
