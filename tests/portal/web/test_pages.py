"""What holds for every page, in both languages."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from tests.portal.web.town import RIVERTON, dataset_of, page

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
    "/themes",
    "/themes/environment",
    "/sources",
    "/sources/hangzhou",
    "/sources/riverton",
    "/sources/later",
    "/runs/1",
    "/runs/2",
    "/runs/3",
    "/about",
    "/help",
)

BUILT_ELSEWHERE = (".json", ".ttl", ".rdf", ".jsonld", ".csv", ".jsonl", ".atom")
"""Machine-readable forms are linked here and tested where they are made."""

every_page = pytest.mark.parametrize("path", PATHS)
both_languages = pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])


@every_page
@both_languages
def test_a_page_answers_in_the_language_of_its_address(
    client: FlaskClient, path: str, language: str, tag: str
) -> None:
    shown = page(client, f"/{language}{path}")
    assert shown.get("lang") == tag
    assert shown.findtext(".//title").strip()


@every_page
@both_languages
def test_a_page_has_one_first_heading_and_skips_no_level(
    client: FlaskClient, path: str, language: str, tag: str
) -> None:
    levels = [int(heading.tag[1]) for heading in page(client, f"/{language}{path}").xpath("//h1|//h2|//h3|//h4")]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


@every_page
@both_languages
def test_what_can_be_used_on_a_page_has_a_name(client: FlaskClient, path: str, language: str, tag: str) -> None:
    shown = page(client, f"/{language}{path}")
    for control in shown.xpath("//input[not(@type='hidden')]"):
        assert shown.xpath(f"//label[@for='{control.get('id')}']"), control.get("name")
    for link in shown.xpath("//a|//button|//summary"):
        assert link.text_content().strip(), link.get("href")
    for landmark in shown.xpath("//nav|//aside|//*[@role='region']"):
        assert landmark.get("aria-label")
    for table in shown.xpath("//table"):
        assert table.xpath(".//th[@scope]")
    ids = shown.xpath("//@id")
    assert len(ids) == len(set(ids))


@every_page
def test_nothing_is_loaded_from_another_host_and_nothing_is_inline(client: FlaskClient, path: str) -> None:
    shown = page(client, path)
    loaded = shown.xpath("//script/@src|//img/@src|//link[@rel='stylesheet' or @rel='icon']/@href|//iframe/@src")
    assert loaded and all(urlsplit(one).netloc == "" and one.startswith("/static/") for one in loaded)
    assert not shown.xpath("//script[not(@src)][not(@type='application/ld+json')]")
    assert not shown.xpath("//style|//*[@style]|//*[@*[starts-with(name(), 'on')]]")


@both_languages
def test_every_link_inside_leads_somewhere_and_keeps_the_language(
    client: FlaskClient, language: str, tag: str
) -> None:
    waiting, met = [f"/{language}/"], set()
    while waiting:
        path = waiting.pop()
        if path in met:
            continue
        met.add(path)
        response = client.get(path, follow_redirects=True)
        assert response.status_code == (410 if dataset_of("gone") in path else 200), path
        shown = html.document_fromstring(response.get_data(as_text=True))
        # Facets multiply without end; one page of them is followed below.
        for link in shown.xpath("//a[not(@hreflang) and not(@rel='nofollow')]/@href"):
            target = urlsplit(urljoin(path, link))
            if target.netloc or target.scheme == "mailto" or target.path.endswith(BUILT_ELSEWHERE):
                continue
            assert target.path.startswith(f"/{language}/"), (path, link)
            waiting.append(target._replace(fragment="").geturl())
    assert len(met) > 60


def test_every_choice_of_a_facet_leads_to_a_result_page(client: FlaskClient) -> None:
    choices = page(client, "/zh/datasets?region=330100&theme=transport").xpath("//aside//a/@href")
    assert len(choices) > 5
    for choice in choices:
        page(client, choice)


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
