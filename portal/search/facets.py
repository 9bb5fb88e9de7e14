"""A facet is one row of a table: its name, where its values come from, which vocabulary names them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from msgspec import Struct

import schemas


class Appearances(StrEnum):
    """How often a dataset is found that is met several times."""

    EVERY = "every"
    """Each entry is found for itself, by its own words and values."""
    ONCE = "once"
    """The dataset is found once, as its counted entry, by the words and values of all its entries."""


class SearchDocument(Struct, frozen=True, kw_only=True):
    """What an index knows of one dataset: text to find it by, values to narrow by, keys to sort by."""

    id: str
    digest: str
    """Of everything below; see ``portal.search.indexing``."""
    titles: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """Names and titles of the fields of the data (数据项); the filter ``field`` looks here."""
    publishers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Region names in zh and en, and places the record names."""
    other: tuple[str, ...] = ()
    """Everything else worth finding by: identifiers, distribution titles, theme labels."""
    values: dict[str, tuple[str, ...]]
    """Facet name to this dataset's values; ``fresh``, ``field`` and ``keyword`` are read from ``modified``,
    ``columns`` and ``keywords``."""
    modified: datetime | None = None
    created: datetime | None = None
    changed: datetime | None = None
    """When the catalogue last saw it change; ``modified`` is the portal's word."""
    listed: datetime | None = None
    """Since when the catalogue lists it; ``created`` is the portal's word."""
    quality: float | None = None
    is_counted: bool = True
    """False of a further appearance of a dataset, which is counted as another entry."""
    whole: SearchDocument | None = None
    """Of a counted entry whose dataset has further ones: the dataset with the words and values of all of them, and the
    dates of this one; None where this entry is all there is."""


def as_found(document: SearchDocument) -> tuple[tuple[SearchDocument, tuple[Appearances, ...]], ...]:
    """What an index keeps of an entry, each with the ways of listing that find it: two things where it has a ``whole``."""
    if not document.is_counted:
        return ((document, (Appearances.EVERY,)),)
    if document.whole is None:
        return ((document, (Appearances.EVERY, Appearances.ONCE)),)
    return (document, (Appearances.EVERY,)), (document.whole, (Appearances.ONCE,))


RANKED = {"titles": 6.0, "keywords": 2.0, "columns": 2.0, "publishers": 1.5, "places": 1.5}
"""Texts of a SearchDocument a match in which says more about a dataset than one elsewhere, and how many times."""


TEXTS = (*RANKED, "descriptions", "other")
"""All texts of a SearchDocument that it is found by."""


class Facet(Struct, frozen=True, kw_only=True):
    """One way to narrow a search."""

    name: str
    """As in the address of a result page (spec §5)."""
    vocabulary: str | None = None
    """The vocabulary that names the values; None where values name themselves or are looked up in the catalogue."""
    hierarchical: bool = False
    """Values hold their ancestors too, so that a province finds its cities."""
    several: bool = False
    """A dataset may have more than one value."""
    counted: bool = True
    """Can be counted; ``field`` is a filter only."""
    shown: bool = True
    """Shown with its counts beside a search: there are too many keywords for that."""


FACETS: tuple[Facet, ...] = (
    Facet(name="region", vocabulary="regions", hierarchical=True, several=True),
    Facet(name="theme", vocabulary="themes", several=True),
    Facet(name="publisher"),
    Facet(name="department", vocabulary="department_functions", several=True),
    Facet(name="institution", vocabulary="institution_types"),
    Facet(name="format", vocabulary="formats", several=True),
    Facet(name="openness", vocabulary="openness"),
    Facet(name="license", vocabulary="licences"),
    Facet(name="frequency", vocabulary="frequencies"),
    Facet(name="source"),
    Facet(name="hvd", vocabulary="hvd_categories", several=True),
    Facet(name="fresh", vocabulary="freshness"),
    Facet(name="field", counted=False),
    Facet(name="keyword", several=True, shown=False),
)
"""In the order they are shown. ``department`` is what publishers are in charge of, whatever they are called where."""

FRESHNESS: tuple[tuple[str, int], ...] = tuple(
    (code, int(term.attributes["days"]))
    for code, term in schemas.vocabulary("freshness").terms.items()
    if "days" in term.attributes
)
"""A value of ``fresh`` and how many days back it reaches, freshest first; each holds the ones before it."""

STALE = "older"
"""The value of ``fresh`` for what changed before all of ``FRESHNESS``."""


class Span(Struct, frozen=True):
    """From ``start`` (inclusive) to ``end`` (exclusive); None for ever."""

    start: datetime | None
    end: datetime | None


def fresh_spans(today: date) -> dict[str, Span]:
    """The time span each value of ``fresh`` stands for on a day, in UTC.

    A date after tomorrow is a portal's mistake and is neither fresh nor stale; tomorrow is today somewhere.
    """
    midnight = datetime.combine(today, time(), UTC)
    end = midnight + timedelta(days=2)
    spans = {value: Span(midnight - timedelta(days=days), end) for value, days in FRESHNESS}
    return spans | {STALE: Span(None, midnight - timedelta(days=FRESHNESS[-1][1]))}


def freshness(modified: datetime | None, spans: dict[str, Span]) -> tuple[str, ...]:
    """The values of ``fresh`` a dataset has; none when the portal does not say when it changed."""
    if modified is None:
        return ()
    return tuple(
        value
        for value, span in spans.items()
        if (span.start is None or span.start <= modified) and (span.end is None or modified < span.end)
    )
