"""What axe-core finds wrong and what does not fit, on every kind of page, wide, narrow and in the dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.chromium import NARROW, WIDE, complaints, needs_chromium, window
from tests.browser.country import PAGES, Country

pytestmark = [pytest.mark.slow, needs_chromium]

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

AXE = Axe()


def violations(page: Page, only: Mapping[str, Any] = {"type": "tag", "values": list(RULES)}) -> list[str]:
    """Rule and element of every violation."""
    found = AXE.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


def faults(page: Page, address: str) -> list[str]:
    """What is wrong with the page at an address: wide, in the dark, and narrow."""
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.emulate_media(color_scheme="light")
    page.goto(address)
    wide = violations(page)
    page.emulate_media(color_scheme="dark")
    dark = violations(page, {"type": "rule", "values": ["color-contrast"]})
    page.set_viewport_size({"width": NARROW, "height": 900})
    return [*wide, *dark, *violations(page), *wider_than_the_window(page)]


def wider_than_the_window(page: Page) -> list[str]:
    """What stands out at the right of the page, when one has to scroll sideways."""
    found: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
            [...document.querySelectorAll("body *")]
                .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth)
                .map((one) => one.outerHTML.slice(0, 120))"""
    )
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_fits_and_keeps_its_own_policy(
    browser: Browser, site: Country, name: str, language: str
) -> None:
    with window(browser) as page:
        refused = complaints(page)
        page.goto(site.address(name, language))
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        wide = violations(page)
        page.emulate_media(color_scheme="dark")
        dark = violations(page, {"type": "rule", "values": ["color-contrast"]})
        page.set_viewport_size({"width": NARROW, "height": 900})
        narrow = [*violations(page), *wider_than_the_window(page)]
        assert {"wide": wide, "dark": dark, "narrow": narrow, "refused": refused} == {
            "wide": [],
            "dark": [],
            "narrow": [],
            "refused": [],
        }


def test_the_watch_sees_a_picture_without_words_a_wide_block_and_a_style_of_its_own(
    browser: Browser, site: Country
) -> None:
    with window(browser, width=NARROW) as page:
        refused = complaints(page)
        page.goto(site.address("about", "zh"))
        page.evaluate("""() => document.querySelector("main").insertAdjacentHTML(
                "beforeend", "<img src='/static/mark.svg'><p style='color: red'>x</p><pre></pre>")""")
        page.evaluate("() => { document.querySelector('main pre').style.width = '900px'; }")
        assert [one.partition(":")[0] for one in violations(page)] == ["image-alt"]
        assert wider_than_the_window(page) == ['<pre style="width: 900px;"></pre>']
        assert ["Content Security Policy" in one for one in refused] == [True]
