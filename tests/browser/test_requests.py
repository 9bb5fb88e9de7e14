"""A request in a browser, from a search that finds nothing to the answer, without scripts; and its pages as every page is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from msgspec import Struct
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.requests import Asker, Filing, Reply, Verdict, Wish
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.settings import Settings
from portal.web.app import create_app
from tests.browser.chromium import complaints, needs_chromium, window
from tests.browser.test_accessibility import faults
from tests.portal.web.people import PASSWORD, cheap_passwords
from tests.portal.web.town import build, dataset_of

pytestmark = [pytest.mark.slow, needs_chromium]

DEPARTMENT = "330100.transport"
TITLE = "地铁客流每小时统计"


class Site(Struct, frozen=True):
    """A running site."""

    url: str
    catalog: Catalog


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The town, an operator and an officer."""
    catalog, index = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}"), MemoryIndex()
    catalog.upgrade()
    build(catalog)
    catch_up(catalog, index)
    with cheap_passwords():
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department=DEPARTMENT)
        catalog.accounts.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND)
        app = create_app(Settings(secret_key="k" * 40, home=tmp_path), catalog, index, hold_s=0)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield Site(f"http://127.0.0.1:{server.server_port}", catalog)
        server.shutdown()
        serving.join()
    catalog.close()


def sign_in(page: Page, name: str) -> None:
    """Fills in the form that stands on the page."""
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")


def look_at(page: Page, address: str, name: str) -> None:
    """Opens a page that one must sign in for."""
    page.goto(address)
    sign_in(page, name)
    page.wait_for_url(address)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_request_goes_from_a_search_that_finds_nothing_to_its_answer(browser: Browser, site: Site, language: str) -> None:
    here = f"{site.url}/{language}"
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{here}/datasets?q={TITLE}&region=330100")
        page.locator("main a[href*='/requests/new']").click()
        expect(page.locator("#title")).to_have_value(TITLE)
        page.fill("#description", "想比较各站的拥挤程度。\n需要每站每小时的进出站人数。")
        page.select_option("#function", "transport")
        page.locator("#ask form button").click()
        page.wait_for_url("**/requests/1")
        expect(page.locator("main")).not_to_contain_text(TITLE)
    with window(browser, java_script_enabled=False) as page:
        look_at(page, f"{here}/operate/requests", "lin")
        page.locator("tbody tr td a").first.click()
        expect(page.locator("#publish-department")).to_have_value(DEPARTMENT)
        page.locator("form[action$='/publish'] button").click()
        page.wait_for_url("**/operate/requests?done=published")
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{here}/requests")
        page.locator(".results h3 a").click()
        page.locator("a.button[href$='/join']").click()
        page.locator("main form button").click()
        page.wait_for_url("**/requests/1?done=joined_before")
    with window(browser, java_script_enabled=False) as page:
        look_at(page, f"{here}/desk", "zhou")
        page.locator("main a[href$='/desk/requests']").click()
        page.locator("tbody tr td a").last.click()
        page.check("#verdict-already-there")
        page.fill("#datasets", f"{here}/datasets/{dataset_of('bus1')}")
        page.locator("main form button").click()
        page.wait_for_url("**/desk/requests?done=answered")
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{here}/requests/1")
        expect(page.locator(".timeline li").last).to_contain_text("公交线路 1")
        assert page.context.cookies() == [], "reading needs no cookie"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_requests_are_accessible_fit_and_keep_their_own_policy(
    browser: Browser, site: Site, language: str
) -> None:
    store, filing = site.catalog.requests, Filing(region="330100", theme="transport", entry="TRA-1", department=DEPARTMENT)
    for n in range(6):
        wish = Wish(title=f"{TITLE} {n}", description="长" * 300 if n else "x" * 300, region="330100")
        store.ask(wish, Asker(None, f"192.0.2.{n}"))
    for n in range(1, 5):
        store.publish(n, filing, by=COMMAND)
    store.merge(2, 1, by=COMMAND, after=store.get(2).decisions[-1].number)
    store.refuse(6, "含个人信息。", by=COMMAND)
    store.answer(1, Reply(verdict=Verdict.PUBLISHED, datasets=(dataset_of("1"),)), by=COMMAND)
    store.answer(3, Reply(verdict=Verdict.NOT_POSSIBLE, text="w" * 200), by=COMMAND)
    paths = {
        "": (
            "/requests", "/requests?region=330100&entry=TRA-1&state=unmet", "/requests/1", "/requests/2", "/requests/5",
            "/requests/6", "/requests/new", f"/requests/new?q={TITLE}&entry=TRA-1", "/requests/3/join",
            "/datasets?q=没有这样的数据", "/regions/330100", "/high-value/TRA-1",
        ),
        "zhou": ("/desk/requests", "/desk/requests/3", "/desk"),
        "lin": ("/operate/requests", *(f"/operate/requests/{n}" for n in (1, 2, 5, 6))),
    }
    found: dict[str, list[str]] = {}
    for name, own in paths.items():
        with window(browser) as page:
            refused = complaints(page)
            if name:
                look_at(page, f"{site.url}/{language}{own[0]}", name)
            for path in own:
                found[f"{name}{path}"] = faults(page, f"{site.url}/{language}{path}") + refused
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
