"""A dispute in a browser from the sign-in to the frozen page, without scripts; and the desk looked at as every page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from threading import Thread

import pytest
from msgspec import Struct
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.statements import Kind, Saying
from portal.catalog.store import Catalog
from portal.scorecard import disputes, periods
from portal.scorecard.assess import rebuild
from portal.search.memory import MemoryIndex
from portal.settings import Settings
from portal.web.app import create_app
from tests.browser.chromium import complaints, needs_chromium, window
from tests.browser.test_accessibility import faults
from tests.browser.weeks import KEY, half_year
from tests.catalogs import filled
from tests.portal.scorecard.test_assess import new
from tests.portal.web.people import PASSWORD, cheap_passwords

pytestmark = [pytest.mark.slow, needs_chromium]

DEPARTMENT = "330100.transport"
TEXT = "许可写在页面上。\n请更正。"
ANSWER = "经核实成立，已改正。"


class Site(Struct, frozen=True):
    """A running site in whose catalogue a preview is open."""

    url: str
    catalog: Catalog
    period: str


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A department with a dataset that has no licence, its officer, and a reviewer."""
    catalog, period = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}"), half_year()
    catalog.upgrade()
    filled(catalog, new("1"), new("2", title="公交线路走向", licence=None, licence_raw=None, distributions=()))
    rebuild(catalog)
    # Before its time: the half-year of now is not over, and everything is as of its last day.
    begun = datetime.combine(periods.last_day(period), time(), UTC) + timedelta(days=2)
    periods.begin_preview(catalog, period, KEY, now=begun)
    with cheap_passwords():
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department=DEPARTMENT)
        catalog.accounts.add("lin", Role.REVIEWER, PASSWORD, by=COMMAND)
        catalog.accounts.add("qian", Role.OPERATOR, PASSWORD, by=COMMAND)
        app = create_app(Settings(secret_key="k" * 40, home=tmp_path), catalog, MemoryIndex(), hold_s=0)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield Site(f"http://127.0.0.1:{server.server_port}", catalog, period)
        server.shutdown()
        serving.join()
    catalog.close()


def sign_in(page: Page, name: str) -> None:
    """Fills in the form that stands on the page."""
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_dispute_goes_from_the_officer_over_the_answer_to_the_frozen_page(
    browser: Browser, site: Site, language: str
) -> None:
    here = f"{site.url}/{language}"
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{here}/scorecards/publishers/{DEPARTMENT}")
        page.locator(".note a").first.click()
        page.locator(".notice a").click()
        sign_in(page, "zhou")
        page.wait_for_url(f"{here}/desk")
        page.locator("tbody tr", has_text={"zh": "注明许可", "en": "Licence stated"}[language]).locator("a").last.click()
        page.locator(".counts a", has_text="公交线路走向").click()
        page.fill("#text", TEXT)
        page.locator("main form button").click()
        page.wait_for_url("**/desk?done=said#statement-1")
        expect(page.locator("[role=status]")).to_be_visible()
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{here}/operate/disputes")
        sign_in(page, "lin")
        page.wait_for_url(f"{here}/operate/disputes")
        page.locator("tbody tr td a").last.click()
        page.check("#verdict-upheld")
        page.fill("#text", ANSWER)
        page.locator("main form button").click()
        page.wait_for_url("**/operate/disputes?done=answered")
    preview = site.catalog.previews.get(site.period)
    assert preview is not None
    periods.freeze(site.catalog, site.period, KEY, now=preview.until)
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{here}/scorecards/periods")
        page.locator("tbody a", has_text=site.period).click()
        expect(page.locator("h1")).to_have_text({"zh": f"{site.period} 评估", "en": f"Assessment of {site.period}"}[language])
        page.locator("#statements tbody a").click()
        said = page.locator("#statement-1")
        expect(said.locator("h3 .state")).to_have_text({"zh": "采纳", "en": "Upheld"}[language])
        assert said.locator(".words").all_inner_texts() == [TEXT, ANSWER]
        assert page.context.cookies() == [], "reading needs no cookie"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_desk_and_the_disputes_are_accessible_fit_and_keep_their_own_policy(
    browser: Browser, site: Site, language: str
) -> None:
    saying = Saying(kind=Kind.DISPUTE, rules="national", indicator="licence", dataset_id="hang000000000002", text="长" * 300)
    disputes.say(site.catalog, site.period, saying, site.catalog.accounts.get("zhou"))
    form = f"/desk/{site.period}/new"
    paths = {
        "zhou": ("/desk", form, f"{form}?rules=national&indicator=licence", "/account"),
        "lin": ("/operate/disputes", "/operate/disputes/1", "/account"),
        "qian": (f"/operate/previews/{site.period}",),
    }
    found: dict[str, list[str]] = {}
    for name, own in paths.items():
        with window(browser) as page:
            refused = complaints(page)
            page.goto(f"{site.url}/{language}{own[0]}")
            sign_in(page, name)
            page.wait_for_url(f"{site.url}/{language}{own[0]}")
            for path in own:
                found[f"{name}{path}"] = faults(page, f"{site.url}/{language}{path}") + refused
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
