"""What is asked of a search index and what it answers; the protocol every engine fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import ClassVar, Protocol

from msgspec import Struct

from portal.search.facets import Appearances, SearchDocument


class Sort(StrEnum):
    """The orders a result can be in. Datasets without the date asked for come last; ties fall by id."""

    RELEVANCE = "relevance"
    MODIFIED = "modified"
    CREATED = "created"
    CHANGED = "changed"
    """When the catalogue last saw a change: the order of feeds."""
    TITLE = "title"
    QUALITY = "quality"


class Query(Struct, frozen=True, kw_only=True):
    """One search, as the address of a result page says it."""

    text: str | None = None
    """As typed: words (all must occur), ``"phrases"``, ``OR`` between two, ``-minus``."""
    filters: Mapping[str, tuple[str, ...]] = {}
    """Facet name to the chosen values: values of one facet are OR, facets AND each other."""
    appearances: Appearances = Appearances.EVERY
    sort: Sort = Sort.RELEVANCE
    start: int = 0
    rows: int = 20
    facets: tuple[str, ...] = ()
    """The facets to count."""
    facet_limit: int = 50
    today: date | None = None
    """The day (UTC) that ``fresh`` is counted back from; None for the day of the search."""


class Hit(Struct, frozen=True):
    """One dataset found. The fragments are text with ``<mark>`` only, everything else escaped."""

    id: str
    title: str | None = None
    """The title with its matches marked; None when nothing in it matched."""
    description: str | None = None
    """The best passage of about 120 characters with its matches marked; None when nothing in it matched."""
    columns: tuple[str, ...] = ()
    """Names of matched fields (数据项), marked."""


class FacetValue(Struct, frozen=True):
    """One value of a facet and how many results it would keep, the other facets' choices applied."""

    value: str
    count: int


class Results(Struct, frozen=True, kw_only=True):
    """A page of hits with the exact total."""

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetValue, ...]] = {}
    """By facet, most frequent first, ties by value; a facet's own choice does not narrow its own counts.

    Where ``facet_limit`` cuts through values of one count, which of them are kept is not said.
    """


class Suggestion(Struct, frozen=True):
    """One completion of what was typed so far."""

    text: str
    kind: str
    """``title``, ``publisher`` or ``keyword``."""
    dataset_id: str | None = None


class Position(Struct, frozen=True):
    """How far an index follows the catalogue: the newest number it has of each of the catalogue's logs."""

    change: int
    """Of the change log."""
    counted: int = 0
    """Of ``portal.catalog.appearances``: which entries are counted as which."""
    rated: int = 0
    """Of ``portal.catalog.assessments``: how good the datasets' records are."""


class QueryNotUnderstood(ValueError):
    """The query asks for what does not exist (an unknown facet) or is too large; the message says what."""


class IndexUnusable(RuntimeError):
    """The index cannot answer or be written; ``code`` is a row of the issues vocabulary."""

    code: ClassVar[str] = "index.unusable"


class IndexOutdated(IndexUnusable):
    """It was written by another version of the program: rebuild it."""

    code: ClassVar[str] = "index.outdated"


class IndexCorrupt(IndexUnusable):
    """Its files are damaged: rebuild it."""

    code: ClassVar[str] = "index.corrupt"


class IndexBusy(IndexUnusable):
    """Another process is writing to it and did not finish in time: try again."""

    code: ClassVar[str] = "index.busy"


class SearchIndex(Protocol):
    """One derived, rebuildable index. One process writes; any number read, each seeing whole commits.

    Every method but ``rebuild`` and ``position`` raises IndexOutdated or IndexCorrupt where the index cannot be
    read; an index that was never filled answers as an empty one.
    """

    def search(self, query: Query) -> Results:
        """The hits of ``query``. Raises QueryNotUnderstood."""

    def walk(self, query: Query) -> Iterator[str]:
        """The id of every dataset found, in the query's order, whatever its ``start`` and ``rows``; for exports.

        All ids are of one commit. Raises QueryNotUnderstood.
        """

    def after(self, query: Query, id: str, rows: int) -> Sequence[str]:
        """The next ``rows`` ids found, by id, after an id (empty for the first); its order, start and rows are not heeded.

        What comes or goes between two calls moves nothing: a dataset that is found all along is given once. Raises
        QueryNotUnderstood.
        """

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        """Completions of the beginning of a query."""

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], position: Position) -> None:
        """Put and remove datasets, then commit together with the position they bring the index to.

        Applying the same again changes nothing. Raises IndexBusy.
        """

    def rebuild(self, documents: Iterable[SearchDocument], position: Position) -> None:
        """Start again from nothing; readers see the old index until the new one is whole. Raises IndexBusy."""

    def position(self) -> Position | None:
        """Where the index stands; None when it must be rebuilt: never filled, outdated or corrupt."""

    def digests(self) -> Mapping[str, str]:
        """Every dataset id with the digest of the document it was indexed from, for ``index check``."""

    def close(self) -> None:
        """Let go of files and locks."""
