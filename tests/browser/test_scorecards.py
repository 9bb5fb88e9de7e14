"""From the nation to the rows that cost a department most points, click by click."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import needs_chromium, window
from tests.browser.country import Country

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_three_clicks_lead_from_the_nation_to_a_dataset_that_cost_a_department_points(
    browser: Browser, site: Country, language: str
) -> None:
    with window(browser) as page:
        page.goto(site.address("scorecards", language))
        page.locator("table.league tbody a").first.click()
        page.locator("table.fixes tbody a").first.click()
        rows = page.locator("main tbody tr")
        expect(rows.first).to_be_visible()
        assert all(row.locator("td").nth(2).inner_text().strip() for row in rows.all())
        rows.first.locator("a").first.click()
        expect(page.locator("#scores")).to_be_in_viewport()
        expect(page.locator("#scores .state.failed").first).to_be_visible()
