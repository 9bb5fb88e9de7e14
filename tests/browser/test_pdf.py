"""Pages printed by the real browser."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser

from portal.web.pdf import printed
from tests.browser.chromium import CHROMIUM, needs_chromium, window
from tests.browser.country import Country
from tests.hostile import HostileServer, answer

pytestmark = [pytest.mark.slow, needs_chromium]

A4 = b"[0 0 594.95996 841.91998]"


def pdf_of(site: Country, name: str, language: str) -> bytes:
    with urlopen(f"{site.address(name, language)}.pdf") as response:
        body: bytes = response.read()
        assert response.headers["Content-Type"] == "application/pdf"
    return body


def sheets(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


@pytest.mark.parametrize("name", ["dataset", "publisher", "region", "source", "held-run", "card", "region-card"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_is_printed_on_a4_with_its_links(site: Country, name: str, language: str) -> None:
    pdf = pdf_of(site, name, language)
    assert pdf.startswith(b"%PDF-") and 1 <= sheets(pdf) <= 6
    assert set(re.findall(rb"/MediaBox (\[[^]]*\])", pdf)) == {A4}
    links = set(re.findall(rb"/URI \(([^)]*)\)", pdf))
    assert f"{site.url}/{language}/".encode() in links
    assert not any(link.startswith(b"file:") for link in links)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_heat_map_is_printed_on_a4_lying_on_its_side(site: Country, language: str) -> None:
    pdf = pdf_of(site, "nation-matrix", language)
    assert set(re.findall(rb"/MediaBox (\[[^]]*\])", pdf)) == {b"[0 0 841.91998 594.95996]"}


def test_a_pdf_says_its_language_its_title_and_its_headings(site: Country) -> None:
    pdf = pdf_of(site, "english-dataset", "en")
    assert b"/Lang (en)" in pdf and b"/Title (" in pdf and b"/Outlines" in pdf and b"/StructTreeRoot" in pdf


def test_the_browser_asks_nobody_whatever_the_page_says(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    with HostileServer(answer(b"x")) as portal:
        page = f"""<!doctype html><title>x</title><link rel="stylesheet" href="{portal.url}/style">
            <img src="{portal.url}/image"><iframe src="{portal.url}/frame"></iframe>
            <script src="{portal.url}/script"></script><script>fetch("{portal.url}/fetch")</script>"""
        assert printed(page, CHROMIUM, tmp_path).startswith(b"%PDF-")
        assert portal.paths == []


@pytest.mark.parametrize("name", ["card", "region-card", "nation-matrix"])
def test_a_table_over_several_sheets_has_its_head_on_each(browser: Browser, site: Country, name: str) -> None:
    with window(browser) as page:
        page.goto(site.address(name, "zh"))
        page.emulate_media(media="print")
        heads = page.locator("main table:not(.bars) thead")
        assert heads.count() > 0
        # The browser repeats a head that may not be broken itself, and no other.
        assert set(heads.evaluate_all("all => all.map(one => getComputedStyle(one).breakInside)")) == {"avoid"}
        named = page.locator("tr.heading").evaluate_all("all => all.map(one => getComputedStyle(one).breakAfter)")
        assert set(named) <= {"avoid"}
