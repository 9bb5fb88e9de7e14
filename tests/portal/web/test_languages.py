"""Which language a page is in, and how numbers and dates are written in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.catalog.store import Catalog
from portal.web import notation
from tests.portal.web.town import client_of, page


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr,en;q=0.5", "en"),
        ("fr", "zh-CN"),
        ("", "zh-CN"),
        ("*", "zh-CN"),
        ("en;q=0, zh;q=0.1", "zh-CN"),
        (";;q=,,=", "zh-CN"),
    ],
)
def test_without_a_prefix_the_browser_chooses_the_language(client: FlaskClient, accepted: str, tag: str) -> None:
    assert page(client, "/about", **{"Accept-Language": accepted}).get("lang") == tag


def test_where_the_browser_asks_for_neither_the_installation_chooses(catalog: Catalog) -> None:
    assert page(client_of(catalog, locale="en"), "/about", **{"Accept-Language": "fr"}).get("lang") == "en"


def test_the_address_outweighs_the_browser(client: FlaskClient) -> None:
    assert page(client, "/en/about", **{"Accept-Language": "zh"}).get("lang") == "en"


def test_only_a_negotiated_page_varies_by_the_browsers_language(client: FlaskClient) -> None:
    assert "Accept-Language" in client.get("/about").headers["Vary"]
    assert "Vary" not in client.get("/zh/about").headers


def test_the_other_language_is_one_link_away_on_the_same_page(client: FlaskClient) -> None:
    shown = page(client, "/zh/datasets?q=水质&format=csv")
    (link,) = shown.xpath("//header//a[@hreflang]")
    assert link.get("href") == "/en/datasets?q=%E6%B0%B4%E8%B4%A8&format=csv"
    alternates = shown.xpath("//link[@rel='alternate' and @hreflang]/@hreflang")
    assert alternates == ["zh", "en"]


@pytest.mark.parametrize("path", ["/zh", "/zh/", "/en"])
def test_a_bare_language_is_the_home_page(client: FlaskClient, path: str) -> None:
    assert page(client, path).xpath("//form[@role='search']")


@pytest.mark.parametrize("path", ["/zh/zh/about", "/fr/about", "/zhabout"])
def test_a_prefix_that_is_no_language_is_no_page(client: FlaskClient, path: str) -> None:
    page(client, path, 404)


def test_a_site_mounted_below_a_path_keeps_it_in_every_link(client: FlaskClient) -> None:
    response = client.get("/zh/about", environ_overrides={"SCRIPT_NAME": "/opendata"})
    text = response.get_data(as_text=True)
    assert 'href="/opendata/zh/sources"' in text and 'href="/opendata/en/about"' in text
    assert 'href="/opendata/static/site.css?v=' in text


WRITTEN = (
    (notation.date, datetime(2026, 11, 21, 17, 0, tzinfo=UTC), "2026年11月22日", "22 Nov 2026"),
    (notation.moment, datetime(2026, 11, 21, 17, 5, tzinfo=UTC), "2026年11月22日 01:05", "22 Nov 2026 01:05"),
    (notation.number, 370_320, "370,320", "370,320"),
    (notation.number, 0.5, "0.5", "0.5"),
    (notation.in_prose, 370_320, "37 万", "370,320"),
    (notation.in_prose, 123_456_789, "1.2 亿", "123,456,789"),
    (notation.in_prose, 9_999, "9,999", "9,999"),
    (notation.size, 999, "999 B", "999 B"),
    (notation.size, 34_567, "34.6 kB", "34.6 kB"),
    (notation.size, 5 * 10**15, "5,000 TB", "5,000 TB"),
    (notation.percent, 0.2, "20%", "20%"),
    (notation.period, "7d", "7天", "7 days"),
    (notation.period, "1h", "1小时", "1 hour"),
    (notation.period, "P1W", "P1W", "P1W"),
)


@pytest.mark.parametrize(("write", "value", "zh", "en"), WRITTEN)
def test_each_language_writes_numbers_and_dates_its_own_way(
    client: FlaskClient, write: object, value: object, zh: str, en: str
) -> None:
    app: Flask = client.application
    for language, written in (("zh", zh), ("en", en)):
        with app.test_request_context("/", environ_overrides={"nachuan.language": language, "nachuan.mount": ""}):
            assert write(value).replace("\xa0", " ") == written  # type: ignore[operator]


def test_how_long_ago_is_said_in_one_unit(client: FlaskClient) -> None:
    now = datetime.now(UTC)
    with client.application.test_request_context("/", environ_overrides={"nachuan.language": "en"}):
        assert notation.ago(now - timedelta(minutes=4), now) == "4 minutes ago"
        assert notation.ago(now - timedelta(days=3), now) == "3 days ago"
