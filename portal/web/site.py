"""What the pages stand on: one installation's settings, catalogue and index, and what is remembered of them."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import cast

from flask import current_app
from msgspec import Struct, field

from portal.catalog.store import Catalog
from portal.search.query import SearchIndex
from portal.settings import Settings
from portal.web.overview import Overviews

EXTENSION = "nachuan"

LOOKING = 2
"""Searches without an index at a time in each process."""

DOWNLOADS = 3
"""Sent at a time by each process. Each holds a thread for as long as its client takes to read it."""


class Site(Struct, frozen=True, kw_only=True):
    """One running portal."""

    settings: Settings
    catalog: Catalog
    index: SearchIndex
    overviews: Overviews
    looking: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(LOOKING))
    """Held by searches that look through the catalogue because there is no index."""
    downloads: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(DOWNLOADS))
    """Held by every download under way."""


def site() -> Site:
    """The portal the current request came to."""
    return cast(Site, current_app.extensions[EXTENSION])
