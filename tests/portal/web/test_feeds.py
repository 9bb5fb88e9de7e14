"""Feeds, sitemaps, rules for crawlers, and whether the portal can answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from lxml import etree

from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.web.machines import sitemaps
from tests.catalogs import empty_catalog, filled
from tests.portal.web.town import HANGZHOU, client_of, dataset_of, made

ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def growing() -> Iterator[Catalog]:
    """Two datasets, the one the portal says is older harvested last."""
    catalog = empty_catalog()
    newer, older = datetime(2026, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)
    filled(catalog, made("first", title="水质监测", modified=newer), source=HANGZHOU)
    filled(catalog, made("second", title="水库名录", modified=older), source=HANGZHOU)
    yield catalog
    catalog.close()


def feed(client: FlaskClient, query: str = "") -> etree._Element:
    response = client.get(f"/feeds/datasets.atom{query}")
    assert (response.status_code, response.mimetype) == (200, "application/atom+xml")
    return etree.fromstring(response.data)


def texts(parent: etree._Element, path: str) -> list[str | None]:
    return [element.text for element in parent.findall(ATOM + path)]


def test_a_feed_has_what_changed_here_last_first_whatever_date_the_portal_gives(growing: Catalog) -> None:
    shown = feed(client_of(growing))
    entries = shown.findall(f"{ATOM}entry")
    assert [texts(entry, "title") for entry in entries] == [["水库名录"], ["水质监测"]]
    times = [datetime.fromisoformat(str(texts(entry, "updated")[0])) for entry in entries]
    assert times == sorted(times, reverse=True)
    assert texts(shown, "updated") == texts(entries[0], "updated")


def test_a_feed_holds_what_atom_asks_for(client: FlaskClient) -> None:
    shown = feed(client, "?q=公交&sort=title")
    assert [len(shown.findall(ATOM + name)) for name in ("id", "title", "updated")] == [1, 1, 1]
    assert shown.find(f"{ATOM}link[@rel='self']").get("href") == texts(shown, "id")[0]
    entries = shown.findall(f"{ATOM}entry")
    assert len(entries) == 25
    for entry in entries:
        assert [len(entry.findall(ATOM + name)) for name in ("id", "title", "updated", "author")] == [1, 1, 1, 1]
        assert entry.find(f"{ATOM}link[@rel='alternate'][@type='text/html']").get("href") == texts(entry, "id")[0]
    assert len({str(texts(entry, "id")[0]) for entry in entries}) == 25


def test_a_feed_follows_the_search_it_was_made_from(client: FlaskClient) -> None:
    assert len(feed(client, "?theme=environment").findall(f"{ATOM}entry")) == 1
    assert "environment" in str(texts(feed(client, "?theme=environment"), "title")[0])
    assert feed(client, "?q=没有的词").findall(f"{ATOM}entry") == []


def test_a_feed_that_has_nothing_new_is_not_sent_again(growing: Catalog) -> None:
    index = MemoryIndex()
    catch_up(growing, index)
    client = client_of(growing, index)
    first = client.get("/feeds/datasets.atom")
    validators = {"If-None-Match": first.headers["ETag"]}
    dated = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert client.get("/feeds/datasets.atom", headers=validators).status_code == 304
    assert client.get("/feeds/datasets.atom", headers=dated).status_code == 304
    filled(growing, made("third"), source=HANGZHOU)
    catch_up(growing, index)
    assert client.get("/feeds/datasets.atom", headers=validators).status_code == 200


@pytest.mark.parametrize("query", ["?sort=colour", "?rows=5", "?utm_source=x", "?q=" + "x" * 501])
def test_a_feed_refuses_what_it_would_not_heed(client: FlaskClient, query: str) -> None:
    assert client.get(f"/feeds/datasets.atom{query}").status_code == 400


def test_the_page_of_a_search_names_its_feed(client: FlaskClient) -> None:
    assert '/feeds/datasets.atom?theme=environment' in client.get("/datasets?theme=environment").get_data(as_text=True)


def locations(client: FlaskClient, path: str) -> list[str]:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "application/xml")
    return [str(one.text).removeprefix("http://localhost") for one in etree.fromstring(response.data).iter(f"{MAP}loc")]


def test_the_sitemap_leads_to_every_present_dataset_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "PART", 10)
    parts = locations(client, "/sitemap.xml")
    assert parts == ["/sitemap-pages.xml", "/sitemap-1.xml", "/sitemap-2.xml", "/sitemap-3.xml"]
    found = [one for part in parts[1:] for one in locations(client, part)]
    assert len(found) == len(set(found)) == 30
    assert f"/datasets/{dataset_of('1')}" in found and f"/datasets/{dataset_of('gone')}" not in found
    assert client.get(found[0]).status_code == 200
    for beyond in ("/sitemap-0.xml", "/sitemap-4.xml", "/sitemap-99999999999999999999.xml"):
        assert client.get(beyond).status_code == 404


@pytest.mark.slow
def test_every_other_page_of_the_sitemap_answers(client: FlaskClient) -> None:
    pages = locations(client, "/sitemap-pages.xml")
    assert {"/", "/themes/transport", "/regions/330100", "/publishers/water", "/sources/hangzhou"} <= set(pages)
    assert [page for page in pages if client.get(page).status_code != 200] == []


def test_crawlers_are_kept_from_the_permutations_of_facets(client: FlaskClient) -> None:
    rules = client.get("/robots.txt").get_data(as_text=True).splitlines()
    assert "Disallow: /*.pdf$" in rules
    assert {"Disallow: /datasets?", "Disallow: /zh/datasets?", "Disallow: /en/datasets?"} <= set(rules)
    assert "Sitemap: http://localhost/sitemap.xml" in rules and "Disallow: /datasets" not in rules


def test_the_portal_lives_and_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json == {"status": "ready", "index_behind_changes": 0}


def test_a_portal_without_an_index_or_tables_lives_but_is_not_ready(empty_client: FlaskClient) -> None:
    assert empty_client.get("/healthz").status_code == 200
    told = empty_client.get("/readyz")
    assert told.status_code == 503 and "index" in told.get_json()
    bare = Catalog("sqlite://")
    told = client_of(bare, MemoryIndex()).get("/readyz")
    assert told.status_code == 503 and told.get_json()["database"] == "it cannot be used: run `nachuan doctor`"
    bare.close()
