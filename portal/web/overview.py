"""The catalogue at a glance, remembered between requests because it is counted over everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from typing import Generic, TypeVar

from msgspec import Struct

from portal.catalog.model import Change, Entry
from portal.catalog.store import Catalog, Figures, PublisherSummary
from portal.highvalue.coverage import Coverage, coverage
from portal.search.facets import Appearances
from portal.search.query import IndexUnusable, Position, Query, SearchIndex
from portal.web import places
from portal.web.health import Health, SourceHealth, source_health

T = TypeVar("T")

LATEST = 8
"""Changes shown as what is new."""

HOLD_S = 10.0
"""While a harvest writes, the figures are counted again at most this often."""

EXPIRE_S = 60.0
"""Without any change they are counted again after this long: runs end and sources pause without a change."""


class Overview(Struct, frozen=True, kw_only=True):
    """What the home page and every footer say."""

    figures: Figures
    themes: Mapping[str, int]
    """Datasets by theme code, each counted once, as the index counts them."""
    latest: tuple[tuple[Change, Entry], ...]
    """The newest change of each of the datasets that changed last."""
    sources: tuple[SourceHealth, ...]

    @property
    def last_harvest(self) -> datetime | None:
        """When the newest finished run ended."""
        ended = [one.last.finished for one in self.sources if one.last and one.last.finished]
        return max(ended, default=None)

    @property
    def regions_read(self) -> frozenset[str]:
        """Regions of the portals that were read to the end at least once, and the regions that hold them."""
        own = {one.entry.source.region for one in self.sources if one.last_success and one.entry.source.region}
        return frozenset(own.union(*(places.ancestors(code) for code in own)))

    @property
    def good(self) -> int:
        """Sources whose last run was complete."""
        return sum(one.health is Health.GOOD for one in self.sources)


class _Known(Struct, Generic[T], frozen=True):
    value: T
    standing: object
    at: float


class Remembered(Generic[T]):
    """One thing that is dear to count, counted again when the catalogue has changed or a minute has passed.

    While one thread counts, the others get what was known.
    """

    def __init__(self, count: Callable[[], T], hold_s: float) -> None:
        self._count = count
        self._hold_s = hold_s
        self._lock = Lock()
        self._known: _Known[T] | None = None

    def value(self, standing: object) -> T:
        """The thing; ``standing`` is anything that differs when the catalogue does."""
        known = self._known
        if known is not None and (self._is_fresh(known, standing) or self._lock.locked()):
            return known.value
        with self._lock:
            if self._known is not known and self._known is not None:
                return self._known.value
            self._known = _Known(self._count(), standing, time.monotonic())
            return self._known.value

    def _is_fresh(self, known: _Known[T], standing: object) -> bool:
        age_s = time.monotonic() - known.at
        return age_s < (EXPIRE_S if known.standing == standing else self._hold_s)


class Overviews:
    """The overview and what it is made of, as fresh as their price allows. Safe between threads."""

    def __init__(self, catalog: Catalog, index: SearchIndex, *, hold_s: float = HOLD_S) -> None:
        self._catalog = catalog
        self._index = index
        self._datasets = Remembered(lambda: catalog.sources.dataset_counts(), hold_s)
        self._overview = Remembered(self._count, hold_s)
        self._publishers = Remembered(lambda: tuple(catalog.publishers()), hold_s)
        self._coverage = Remembered(lambda: coverage(catalog), hold_s)

    def current(self) -> Overview:
        """The overview now, or as it was at most a minute ago."""
        return self._overview.value(self._standing())

    def publishers(self) -> tuple[PublisherSummary, ...]:
        """Every publisher, most datasets first."""
        return self._publishers.value(self._standing())

    def coverage(self) -> Coverage:
        """Where there is what of the high-value list."""
        return self._coverage.value((self._standing(), self._catalog.high_value.position()))

    def sources(self) -> tuple[SourceHealth, ...]:
        """How every source stands now; only the numbers of datasets may be a minute old."""
        return source_health(self._catalog, self._datasets.value(self._standing()))

    def _count(self) -> Overview:
        return Overview(
            figures=self._catalog.figures(),
            themes=_themes(self._index),
            latest=_latest(self._catalog),
            sources=self.sources(),
        )

    def _standing(self) -> tuple[int, Position | None]:
        return self._catalog.last_change(), self._index.position()


def _themes(index: SearchIndex) -> dict[str, int]:
    try:
        query = Query(rows=0, facets=("theme",), facet_limit=100, appearances=Appearances.ONCE)
        values = index.search(query).facets.get("theme", ())
    except IndexUnusable:
        # Every page has these figures in its footer, and most pages need no index.
        return {}
    return {value.value: value.count for value in values}


def _latest(catalog: Catalog) -> tuple[tuple[Change, Entry], ...]:
    newest: dict[str, Change] = {}
    for change in catalog.latest_changes(LATEST * 3):
        newest.setdefault(change.dataset_id, change)
    entries = {entry.dataset.id: entry for entry in catalog.entries(list(newest)[:LATEST])}
    return tuple((newest[id], entries[id]) for id in newest if id in entries)
