"""``python -m tests.browser.screenshots OUT`` draws the pictures of the documentation from the make-believe country."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harvester.sandbox.world import SIZE
from tests.browser.chromium import WIDE, chromium, window
from tests.browser.country import PAGES, country

HEIGHT = 860
"""Pixels: what a reader sees of a page before scrolling."""

PICTURES = (
    ("home", "zh"),
    ("home", "en"),
    ("search", "zh"),
    ("english", "en"),
    ("dataset", "zh"),
    ("english-dataset", "en"),
    ("held-run", "zh"),
    ("sources", "zh"),
    ("scorecards", "zh"),
    ("card", "zh"),
    ("card", "en"),
    ("high-value", "zh"),
    ("high-value-entry", "en"),
)
"""Kinds of pages and languages."""

NAMES = {"english": "search", "english-dataset": "dataset", "held-run": "run"}
"""What a picture is called where not as its page."""

LARGEST_BYTES = 200_000


def main(out: Path) -> None:
    """Writes the pictures into ``out``; raises ValueError for one too large for the documentation."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, country(Path(home), SIZE) as site, chromium() as browser:
        for name, language in PICTURES:
            with window(browser, height=HEIGHT) as page:
                page.goto(site.address(name, language))
                height = min(HEIGHT, int(page.evaluate("document.documentElement.scrollHeight")))
                clip = {"x": 0, "y": 0, "width": WIDE, "height": height}
                file = out / f"{NAMES.get(name, name)}-{language}.png"
                page.screenshot(path=file, clip=clip)
            size_bytes = file.stat().st_size
            if size_bytes > LARGEST_BYTES:
                raise ValueError(f"{file} of {PAGES[name]} has {size_bytes} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
