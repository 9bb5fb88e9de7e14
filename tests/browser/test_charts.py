"""Every chart in a real browser: readable by everyone, within its window, and keeping the policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import NARROW, complaints, needs_chromium, window
from tests.browser.gallery import served
from tests.browser.test_accessibility import violations, wider_than_the_window

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    """The address of the page with every chart, without a language."""
    with served() as site:
        yield site


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1200, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_accessible_fit_and_keep_the_policy(
    browser: Browser, gallery: str, language: str, width: int, scheme: str
) -> None:
    with window(browser, width=width, color_scheme=scheme) as page:
        refused = complaints(page)
        page.goto(f"{gallery}/{language}/gallery")
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        assert (violations(page), wider_than_the_window(page), refused) == ([], [], [])


@pytest.mark.parametrize("width", [1200, NARROW])
def test_a_drawing_takes_the_width_it_is_given_and_its_words_keep_their_size(
    browser: Browser, gallery: str, width: int
) -> None:
    with window(browser, width=width) as page:
        page.goto(f"{gallery}/zh/gallery")
        bar = page.locator("table.bars .bar").nth(2)
        track, solid = (one.bounding_box() for one in (bar, bar.locator(".solid")))
        assert track and solid and solid["width"] == pytest.approx(track["width"], abs=0.5)
        sizes = page.evaluate(
            "() => [...document.querySelectorAll('svg text')].map((one) => one.getBoundingClientRect().height)"
        )
        assert min(height for height in sizes if height) >= 14


def test_a_heat_map_scrolls_within_itself_and_keeps_the_names_of_its_rows(browser: Browser, gallery: str) -> None:
    with window(browser, width=NARROW) as page:
        page.goto(f"{gallery}/zh/gallery")
        heat = page.locator(".scrolling:has(table.heat)")
        heat.evaluate("(one) => { one.scrollLeft = one.scrollWidth; }")
        last, name = heat.locator("tbody tr").first.locator("td").last, heat.locator("tbody th").first
        heat.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport(ratio=0.9)
        expect(name).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1200, 700, 600, 400, NARROW])
def test_no_tile_of_the_map_cuts_its_name_or_figure(browser: Browser, gallery: str, language: str, width: int) -> None:
    with window(browser, width=width) as page:
        page.goto(f"{gallery}/{language}/gallery")
        assert page.locator(".tiles a > *").count() > 60
        cut = page.evaluate(
            """() => [...document.querySelectorAll(".tiles a > *")].filter((one) => {
                const [text, tile] = [one, one.closest("li")].map((each) => each.getBoundingClientRect());
                return text.left < tile.left || text.right > tile.right || text.bottom > tile.bottom;
            }).map((one) => one.textContent)"""
        )
        assert cut == []


def test_every_shade_differs_where_the_reader_has_colours_of_their_own(browser: Browser, gallery: str) -> None:
    with window(browser, forced_colors="active") as page:
        page.goto(f"{gallery}/zh/gallery")
        drawn = [
            page.locator(f".tiles .{name}").first.evaluate(
                "(one) => { const how = getComputedStyle(one); return how.borderBottomWidth + how.borderBottomStyle; }"
            )
            for name in ("step0", "step1", "step2", "step3", "step4", "step5", "unread")
        ]
        assert len(set(drawn)) == 7, drawn


def test_on_paper_shades_are_printed_and_nothing_is_cut_off(browser: Browser, gallery: str) -> None:
    with window(browser, width=680) as page:
        page.goto(f"{gallery}/en/gallery")
        page.emulate_media(media="print")
        assert wider_than_the_window(page) == []
        heat = page.locator(".scrolling:has(table.heat)")
        assert heat.evaluate("(one) => one.scrollWidth <= one.clientWidth")
        printed = page.evaluate(
            """() => [...document.querySelectorAll(".swatch, .tiles li, .heat td:not(.figure, .unasked)")]
                .map((one) => getComputedStyle(one).printColorAdjust)"""
        )
        assert set(printed) == {"exact"}
