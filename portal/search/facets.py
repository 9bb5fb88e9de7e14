"""A facet is one row of a table: its name, where its values come from, which vocabulary names them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class SearchDocument(Struct, frozen=True, kw_only=True):
    """What an index knows of one dataset: text to find it by, values to narrow by, keys to sort by."""

    id: str
    digest: str
    """Of everything below; see ``portal.search.indexing``."""
    titles: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """Names and titles of the fields of the data (数据项)."""
    publishers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Region names in zh and en, and places the record names."""
    other: tuple[str, ...] = ()
    """Everything else worth finding by: identifiers, distribution titles, theme labels."""
    values: dict[str, tuple[str, ...]]
    """Facet name to this dataset's values."""
    modified: datetime | None = None
    created: datetime | None = None
    quality: float | None = None


class Facet(Struct, frozen=True, kw_only=True):
    """One way to narrow a search."""

    name: str
    """As in the address of a result page (spec §5)."""
    vocabulary: str | None = None
    """The vocabulary that names the values; None where values name themselves or are looked up in the catalogue."""
    hierarchical: bool = False
    """Values hold their ancestors too, so that a province finds its cities."""
    counted: bool = True
    """Shown with counts; ``field`` is a filter only."""


FACETS: tuple[Facet, ...] = (
    Facet(name="region", vocabulary="regions", hierarchical=True),
    Facet(name="theme", vocabulary="themes"),
    Facet(name="publisher"),
    Facet(name="department"),
    Facet(name="institution", vocabulary="institution_types"),
    Facet(name="format", vocabulary="formats"),
    Facet(name="openness", vocabulary="openness"),
    Facet(name="license", vocabulary="licences"),
    Facet(name="frequency", vocabulary="frequencies"),
    Facet(name="source"),
    Facet(name="hvd", vocabulary="hvd_categories"),
    Facet(name="fresh", vocabulary="freshness"),
    Facet(name="field", counted=False),
)
"""In the order they are shown. ``department`` stays empty until publishers are resolved to departments."""
