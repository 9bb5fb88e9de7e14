"""A browser without a screen, and the site it looks at: both last as long as the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.country import Country, country

SIZE = 400
"""Datasets: twenty to a portal, so that results have pages and facets have more than five values."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """The site, the same for every test because browsers only look."""
    with country(Path(tmp_path_factory.mktemp("country")), SIZE) as site:
        yield site
