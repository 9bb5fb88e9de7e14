"""A swarm of robots takes the site from nobody (fault W102)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from portal.search.query import Position, Query, Results
from portal.web import limiting
from portal.web.limiting import Budgets, Telling
from portal.web.site import DOWNLOADS
from tests.portal.web.town import build, client_of

ROBOT, READER = "203.0.114.7", "198.51.101.8"
"""Public addresses; those that are set aside for examples are not."""

NARROWED = "/en/datasets?theme=transport"
COMBINED = "/en/datasets?theme=transport&region=330102"


@pytest.fixture
def site(town: Catalog) -> FlaskClient:
    """A browser on a site where one client may search three times a minute."""
    return client_of(town, searches_a_minute=3)


def status(site: FlaskClient, path: str, address: str = ROBOT, **headers: str) -> int:
    return site.get(path, environ_base={"REMOTE_ADDR": address}, headers=headers).status_code


def test_w102_a_client_that_searches_too_often_is_told_to_wait_and_another_is_not(site: FlaskClient) -> None:
    assert [status(site, NARROWED) for _ in range(5)] == [200, 200, 200, 429, 429]
    assert status(site, NARROWED, READER) == 200
    refused = site.get(NARROWED, environ_base={"REMOTE_ADDR": ROBOT})
    assert 1 <= int(refused.headers["Retry-After"]) <= 21 and refused.headers["Cache-Control"] == "no-store"
    assert "<h1>Too many searches</h1>" in refused.get_data(as_text=True)
    for path in ("/en/", "/en/datasets", "/datasets.csv", "/catalog.ttl", "/en/regions", "/suggestions?q=a", "/robots.txt"):
        assert status(site, path) == 200, path


@pytest.mark.parametrize(
    "path", ["/datasets.csv?q=x", "/datasets.jsonl?theme=transport", "/feeds/datasets.atom?q=x", "/catalog.ttl?q=x"]
)
def test_w102_a_program_that_searches_too_often_is_told_as_one(site: FlaskClient, path: str) -> None:
    assert [status(site, path) for _ in range(3)] == [200] * 3
    refused = site.get(path, environ_base={"REMOTE_ADDR": ROBOT})
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0


def test_w102_behind_a_proxy_clients_are_told_apart_and_cannot_make_themselves_others(town: Catalog) -> None:
    site = client_of(town, searches_a_minute=2, proxies=1)
    made_up = [f"10.0.0.{number}, {ROBOT}" for number in range(4)]
    assert [status(site, NARROWED, "127.0.0.1", **{"X-Forwarded-For": told}) for told in made_up] == [200, 200, 429, 429]
    assert status(site, NARROWED, "127.0.0.1", **{"X-Forwarded-For": READER}) == 200
    # An office of the same network, told by the proxy: a client like any other.
    inside = {"X-Forwarded-For": "10.1.2.3"}
    assert [status(site, NARROWED, "127.0.0.1", **inside) for _ in range(3)] == [200, 200, 429]
    assert [status(site, NARROWED, "127.0.0.1") for _ in range(4)] == [200] * 4, "past the proxy"


def test_w102_a_proxy_nobody_told_of_does_not_keep_everybody_out(site: FlaskClient) -> None:
    for address in ("127.0.0.1", "10.0.0.1", "::1", "", "unix:"):
        assert [status(site, NARROWED, address) for _ in range(5)] == [200] * 5, address
    forged = [status(site, NARROWED, **{"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(4)]
    assert forged == [200, 200, 200, 429], "what a client says of itself is not believed"


def test_w102_a_client_has_a_network_of_ipv6_and_one_address_of_ipv4(site: FlaskClient) -> None:
    assert [status(site, NARROWED, f"2a00:1450::{number}") for number in range(4)] == [200, 200, 200, 429]
    assert status(site, NARROWED, "2a00:1450:0:1::1") == 200
    assert [status(site, NARROWED, f"::ffff:{READER}") for _ in range(2)] == [200, 200]
    assert [status(site, NARROWED, READER) for _ in range(2)] == [200, 429]


def test_w102_no_limit_is_kept_where_none_is_set(town: Catalog) -> None:
    site = client_of(town, searches_a_minute=0)
    assert {status(site, NARROWED) for _ in range(20)} == {200}


class SlowIndex(MemoryIndex):
    """An index whose searches take as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def search(self, query: Query) -> Results:
        if len(query.filters) > 1:
            self.begun.release()
            assert self.go_on.wait(20)
        return super().search(query)

    def position(self) -> Position | None:
        return Position(1)


def test_w102_of_the_dearest_pages_a_few_are_made_at_a_time_and_the_others_stand(tmp_path: Path) -> None:
    # In a file, because a catalogue in memory has one connection for all threads.
    catalog = Catalog(f"sqlite:///{tmp_path / 'town.db'}")
    catalog.upgrade()
    build(catalog)
    index = SlowIndex()
    site = client_of(catalog, index)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(status(site.application.test_client(), COMBINED))

    under_way = [threading.Thread(target=ask) for _ in range(limiting.COMBINED_AT_ONCE)]
    for thread in under_way:
        thread.start()
        assert index.begun.acquire(timeout=10)
    refused = site.get(COMBINED, environ_base={"REMOTE_ADDR": ROBOT})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "Too much is asked just now" in refused.get_data(as_text=True)
    feed = site.get("/feeds/datasets.atom?theme=transport&region=330102", environ_base={"REMOTE_ADDR": ROBOT})
    assert (feed.status_code, feed.mimetype) == (503, "application/problem+json")
    for path in ("/en/", NARROWED, "/en/datasets?q=x"):
        assert status(site, path) == 200
    index.go_on.set()
    for thread in under_way:
        thread.join()
    assert statuses == [200] * limiting.COMBINED_AT_ONCE
    assert [status(site, COMBINED) for _ in range(9)] == [200] * 9, "every turn was given back"
    catalog.close()


def test_w102_a_turn_is_given_back_whatever_became_of_the_page(town: Catalog) -> None:
    site = client_of(town)
    for _ in range(3):
        assert status(site, "/datasets?theme=a&region=b&rows=x") == 400
        assert status(site, "/feeds/datasets.atom?theme=a&region=b&no=x") == 400
        assert site.head(COMBINED, environ_base={"REMOTE_ADDR": ROBOT}).status_code == 200
    assert status(site, COMBINED) == 200


def test_w102_downloads_that_nobody_reads_leave_threads_for_the_others(town: Catalog) -> None:
    site = client_of(town)
    unread: list[Any] = [site.get("/datasets.csv") for _ in range(DOWNLOADS)]
    refused = site.get("/datasets.jsonl")
    assert (refused.status_code, refused.mimetype, refused.headers["Retry-After"]) == (503, "application/problem+json", "10")
    assert site.get("/en/datasets").status_code == 200
    unread.pop().close()
    assert site.head("/datasets.jsonl").status_code == 200, "nothing of it is read"
    assert site.get("/datasets.jsonl").get_data()
    for response in unread:
        response.close()
    assert [site.get("/datasets.csv").get_data()[:3] for _ in range(5)] == [b"\xef\xbb\xbf"] * 5


def test_every_address_that_is_limited_exists(site: FlaskClient) -> None:
    assert limiting.NARROWED <= set(site.application.view_functions)
    assert limiting.COMPARED <= set(site.application.blueprints)


def test_a_budget_is_spent_at_once_and_fills_steadily() -> None:
    budgets = Budgets(60)
    assert [budgets.wait_s("a", 100.0) for _ in range(60)] == [None] * 60
    assert budgets.wait_s("a", 100.0) == pytest.approx(1.0)
    assert budgets.wait_s("a", 100.5) == pytest.approx(0.5), "being refused costs nothing"
    assert budgets.wait_s("a", 101.0) is None
    assert budgets.wait_s("a", 101.0) == pytest.approx(1.0)
    assert [budgets.wait_s("a", 1000.0) for _ in range(61)].count(None) == 60, "never more than a minute brings"


def test_no_swarm_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiting, "MOST_CLIENTS", 3)
    budgets = Budgets(1)
    for client in "abcd":
        assert budgets.wait_s(client, 0.0) is None
    assert budgets.wait_s("d", 0.0) is not None
    assert budgets.wait_s("a", 0.0) is None, "forgotten"


def test_the_log_tells_of_refusals_once_a_minute() -> None:
    telling = Telling()
    assert [telling.is_due(at) for at in (100.0, 100.1, 159.0, 160.0, 161.0)] == [True, False, False, True, False]
