"""The site without a mouse, without scripts, and on paper."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import NARROW, needs_chromium, window
from tests.browser.country import Country

pytestmark = [pytest.mark.slow, needs_chromium]

MOST_TABS = 40


def asked(page: Page) -> dict[str, list[str]]:
    """The parameters of the page's address."""
    return parse_qs(urlsplit(page.url).query)


def tab_to(page: Page, selector: str) -> None:
    """Tab until an element that matches has the focus, as a reader without a mouse gets there."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{MOST_TABS} tabs do not lead to {selector}")


def test_the_first_tab_leads_past_the_navigation(browser: Browser, site: Country) -> None:
    with window(browser) as page:
        page.goto(site.address("dataset", "zh"))
        page.keyboard.press("Tab")
        expect(page.locator("a.skip")).to_be_focused()
        expect(page.locator("a.skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")


def test_arrows_walk_the_suggestions_and_escape_closes_them(browser: Browser, site: Country) -> None:
    with window(browser) as page:
        page.goto(site.address("home", "zh"))
        tab_to(page, "#main-q")
        page.keyboard.type("公共")
        box, options = page.locator("#main-q"), page.get_by_role("option")
        expect(box).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        expect(box).to_have_attribute("aria-activedescendant", str(options.nth(1).get_attribute("id")))
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        expect(options.last).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Escape")
        expect(box).to_have_attribute("aria-expanded", "false")
        expect(page.get_by_role("listbox")).to_have_count(0)
        expect(box).to_have_value("公共")
        expect(box).to_be_focused()


def test_enter_takes_the_suggestion_that_is_marked(browser: Browser, site: Country) -> None:
    with window(browser) as page:
        page.goto(site.address("home", "zh"))
        tab_to(page, "#main-q")
        page.keyboard.type("公交")
        expect(page.get_by_role("option").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        chosen = page.get_by_role("option", selected=True).evaluate("(option) => option.dataset.address")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}{chosen}")


def test_enter_without_a_mark_asks_what_was_typed(browser: Browser, site: Country) -> None:
    with window(browser) as page:
        page.goto(site.address("home", "zh"))
        tab_to(page, "#main-q")
        page.keyboard.type("公交")
        expect(page.get_by_role("option").first).to_be_visible()
        page.keyboard.press("Enter")
        page.wait_for_url("**/datasets?*")
        assert asked(page) == {"q": ["公交"]}


def test_keys_alone_lead_from_the_question_to_the_dataset_in_the_other_language(
    browser: Browser, site: Country
) -> None:
    with window(browser) as page:
        page.goto(site.address("all", "zh"))
        tab_to(page, ".to-facets")
        expect(page.locator(".to-facets")).to_be_in_viewport()
        page.keyboard.press("Enter")
        tab_to(page, ".facets details.more > summary")
        page.keyboard.press("Enter")
        expect(page.locator(".facets details[open]")).to_have_count(1)
        page.keyboard.press("Tab")
        wanted = page.evaluate("() => document.activeElement.href")
        page.keyboard.press("Enter")
        page.wait_for_url(wanted)
        assert len(asked(page)) == 1
        tab_to(page, ".chips a")
        page.keyboard.press("Enter")
        page.wait_for_url(site.address("all", "zh"))
        tab_to(page, ".results h3 a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/zh/datasets/*")
        chinese = page.url
        tab_to(page, ".language")
        page.keyboard.press("Enter")
        page.wait_for_url(chinese.replace("/zh/", "/en/"))
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_focus_is_never_hidden(browser: Browser, site: Country) -> None:
    with window(browser, height=500) as page:
        page.goto(site.address("all", "zh"))
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            expect(focused).to_be_in_viewport(ratio=0.9)
            assert focused.evaluate(
                """(one) => { const box = one.getClientRects()[0];
                    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                    return one.contains(top) || top.contains(one); }"""
            ), focused.evaluate("(one) => one.outerHTML")


def test_everything_works_without_scripts(browser: Browser, site: Country) -> None:
    with window(browser, java_script_enabled=False) as page:
        page.goto(site.address("home", "en"))
        page.locator("#main-q").fill("公共")
        page.get_by_role("button", name="Search").click()
        assert asked(page) == {"q": ["公共"]}
        page.locator(".facets a").first.click()
        assert asked(page).keys() == {"q", "region"}
        page.locator(".facets summary").first.click()
        expect(page.locator(".facets details[open] a").first).to_be_visible()
        page.locator(".chips a").first.click()
        assert asked(page) == {"q": ["公共"]}
        page.get_by_role("link", name="Title", exact=True).click()
        assert asked(page) == {"q": ["公共"], "sort": ["title"]}
        page.goto(site.address("all", "en"))
        first = page.locator(".results h3").all_inner_texts()
        page.get_by_role("link", name="Next page").click()
        assert asked(page) == {"page": ["2"]}
        assert page.locator(".results h3").all_inner_texts() != first


def test_a_telephone_shows_the_link_of_a_resource_without_scrolling_sideways(browser: Browser, site: Country) -> None:
    with window(browser, width=NARROW) as page:
        page.goto(site.address("dataset", "zh"))
        link = page.locator(".resources a").first.bounding_box()
        assert link is not None and link["x"] >= 0 and link["x"] + link["width"] <= NARROW


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_printed_dataset_is_the_dataset_alone(browser: Browser, site: Country, language: str) -> None:
    with window(browser) as page:
        page.goto(site.address("dataset", language))
        page.emulate_media(media="print")
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("dl.facts-list")).to_be_visible()
        for gone in ("nav", "form", ".language", ".skip", "footer a", ".action", "summary"):
            found = page.locator(gone).all()
            assert found and [one for one in found if one.is_visible()] == [], gone


def test_a_printed_search_says_what_was_searched_for(browser: Browser, site: Country) -> None:
    with window(browser) as page:
        page.emulate_media(media="print")
        page.goto(site.address("search", "zh"))
        expect(page.locator(".asking .box input")).to_be_visible()
        assert [one for one in page.locator("button, .sorts").all() if one.is_visible()] == []
        page.goto(site.address("filtered", "zh"))
        expect(page.locator(".asking .box input")).to_be_hidden()
        expect(page.locator(".chips a").first).to_be_visible()
        expect(page.locator(".chips .all")).to_be_hidden()


def test_the_first_sheet_says_where_it_is_from_and_the_screen_does_not(browser: Browser, site: Country) -> None:
    with window(browser) as page:
        page.goto(site.address("region", "en"))
        expect(page.locator(".sheet")).to_be_hidden()
        page.emulate_media(media="print")
        expect(page.locator(".sheet")).to_contain_text(site.address("region", "en"))
