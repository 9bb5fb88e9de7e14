"""The browser of this machine, and the windows opened in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.fixtures import needs

CHROMIUM = shutil.which("chromium")

needs_chromium = needs("chromium", CHROMIUM is not None, "no chromium on this machine")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WIDE = 1280
NARROW = 320


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, *, width: int = WIDE, height: int = 900, **wishes: Any) -> Iterator[Page]:
    """A window with a history and a storage of its own. ``wishes`` are those of ``Browser.new_context``."""
    context = browser.new_context(viewport={"width": width, "height": height}, **wishes)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def complaints(page: Page) -> list[str]:
    """A list that grows with what the browser refuses or cannot run on this page from now on."""
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # That a page is gone or was never there is said on the console too, and is what it should answer.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            found.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found
