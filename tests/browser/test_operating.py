"""The operators' pages in a browser: signed in by the form, then looked at as every other page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from harvester import counting
from portal.catalog.accounts import Role
from portal.catalog.appearances import Verdict as Together
from portal.catalog.audit import COMMAND
from portal.catalog.decisions import Ruling, Verdict
from portal.catalog.model import Issue, Outcome, RunMode
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.settings import Settings
from portal.web.app import create_app
from tests.browser.chromium import complaints, needs_chromium, window
from tests.browser.test_accessibility import faults, violations
from tests.portal.web.people import PASSWORD, cheap_passwords
from tests.portal.web.test_operate import furnished
from tests.portal.web.town import dataset_of

pytestmark = [pytest.mark.slow, needs_chromium]

PATHS = (
    "/operate/sources",
    "/operate/sources/hangzhou",
    "/operate/runs/held",
    "/operate/runs/2/held",
    "/operate/departments",
    "/operate/departments/name?name=地区管理员",
    "/operate/departments/decided",
    "/operate/duplicates",
    "/operate/issues",
    "/operate/audit",
    "/operate/users",
    "/account",
)


PERSONAL = "record.personal-data-suspected"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site with an operator, something held and something decided."""
    home = Path(tmp_path_factory.mktemp("operated"))
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    catalog.upgrade()
    with cheap_passwords():
        furnished(catalog)
        catalog.accounts.add("head", Role.ADMIN, PASSWORD, by=COMMAND)
        ruling = Ruling(
            name="市信息中心", verdict=Verdict.DEPARTMENT, functions=("data",), source_id="hangzhou", note="见来函"
        )
        catalog.decisions.decide(ruling, by="lin")
        catalog.appearances.decide(dataset_of("1"), dataset_of("late"), Together.TOGETHER, by="lin", note="同一文件")
        run = catalog.runs.start("hangzhou", RunMode.FULL, "x")
        catalog.runs.add_issues(run, [
            (dataset_of("1"), Issue(code=PERSONAL, source_key="1", field=field, seen=seen))
            for field, seen in (("title", "低保人员花名册"), ("columns", "姓名、身份证号、家庭住址"))
        ])
        catalog.runs.save(replace(run, outcome=Outcome.COMPLETE, finished=datetime.now(UTC)))
        (first, _) = catalog.runs.issues(run.id, code=PERSONAL, for_operators=True)
        catalog.clearances.clear(first.id, by="lin")
        counting.rebuild(catalog, "test")
        index = MemoryIndex()
        catch_up(catalog, index)
        app = create_app(Settings(secret_key="k" * 40, home=home), catalog, index, hold_s=0)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()
    catalog.close()


def sign_in(page: Page, portal: str, language: str) -> None:
    page.goto(f"{portal}/{language}/operate/departments?lack=type")
    page.fill("#name", "head")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(f"{portal}/{language}/operate/departments?lack=type")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_behind_the_sign_in_are_accessible_fit_and_keep_their_own_policy(
    browser: Browser, portal: str, language: str
) -> None:
    found: dict[str, list[str]] = {}
    with window(browser) as page:
        refused = complaints(page)
        page.goto(f"{portal}/{language}/login")
        found["/login"] = violations(page)
        sign_in(page, portal, language)
        for path in PATHS:
            found[path] = faults(page, f"{portal}/{language}{path}")
    assert {path: wrong for path, wrong in found.items() if wrong} == {} and refused == []


def test_a_name_is_decided_and_taken_back_with_the_keyboard_and_without_scripts(browser: Browser, portal: str) -> None:
    with window(browser, java_script_enabled=False) as page:
        sign_in(page, portal, "en")
        page.click("text=地区管理员")
        page.check("#verdict-department")
        page.select_option("#function-0", "market")
        page.fill("#region", "330100")
        page.focus("#note")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/operate/departments?done=decided")
        assert "Decided." in page.inner_text("[role=status]")
        page.click("text=Decisions")
        page.click("tr:has-text('地区管理员') button")
        page.wait_for_url("**/operate/departments?done=undone")
        assert "地区管理员" in page.inner_text("tbody")
