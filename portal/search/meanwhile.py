"""What answers a search while there is no index: the catalogue's titles, looked through one by one for a moment.

It finds less than an index does, and says how much it looked at. A page may show that; an export that silently lacked
datasets may not, so exports and feeds wait for the index.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.search.analysis import fold
from portal.search.facets import SearchDocument, fresh_spans
from portal.search.indexing import READ_AT_ONCE, document, is_indexed
from portal.search.language import Asked, Phrase, understand
from portal.search.memory import MemoryIndex
from portal.search.query import Position, Query, Results
from portal.search.tally import check, chosen, day_of, fact, narrowed

WITHIN_S = 1.5
"""How long it looks: at some 200,000 titles, or at 30,000 datasets where only filters are given."""

MOST = 500
"""Datasets found, after which it looks no further."""

_BEGINNING = 2
"""Letters of a word that the first look compares: of the rest, stemming may have made others."""


class Found(Struct, frozen=True):
    """Results of titles alone, without facets."""

    results: Results
    looked_at: int
    """Entries, from the first by id on."""
    of: int

    @property
    def is_all(self) -> bool:
        """Whether every entry was looked at, so that the total is exact."""
        return self.looked_at >= self.of


def search(catalog: Catalog, query: Query, *, within_s: float = WITHIN_S) -> Found:
    """The datasets whose titles have the words of ``query`` and which its filters leave. Raises QueryNotUnderstood."""
    check(query)
    until = time.monotonic() + within_s
    narrowing, spans = chosen(query), fresh_spans(day_of(query))
    found: list[SearchDocument] = []
    looked_at = 0
    for count, entries in _parts(catalog, understand(query.text)):
        looked_at += count
        documents = [_of_titles(entry) for entry in entries if is_indexed(entry)]
        left = {one.id for one in narrowed(map(fact, documents), narrowing, spans)}
        found += [one for one in documents if one.id in left]
        if len(found) >= MOST or time.monotonic() >= until:
            break
    ids = [one.id for one in found]
    originals, qualities = catalog.appearances.originals(ids), catalog.assessments.qualities(ids)
    index = MemoryIndex()
    index.rebuild(
        (replace(one, is_counted=one.id not in originals, quality=qualities.get(one.id)) for one in found), Position(0)
    )
    return Found(index.search(replace(query, facets=())), looked_at, max(looked_at, catalog.count()))


def _parts(catalog: Catalog, asked: Asked) -> Iterator[tuple[int, list[Entry]]]:
    """Part of the catalogue by part: how many entries it has, and those that may be what is asked for."""
    if not asked.required:
        walk = catalog.walk()
        while entries := list(islice(walk, READ_AT_ONCE)):
            yield len(entries), entries
        return
    titles = catalog.titles()
    while part := list(islice(titles, READ_AT_ONCE)):
        yield len(part), catalog.entries([id for id, several in part if _may_be(fold("\n".join(several)), asked)])


def _may_be(title: str, asked: Asked) -> bool:
    return all(
        any(all(_may_hold(title, wanted) for wanted in typed) for typed in alternatives)
        for alternatives in asked.required
    )


def _may_hold(title: str, wanted: Phrase) -> bool:
    return all(
        (piece if unspaced else piece[:_BEGINNING]) in title
        for piece, unspaced in zip(wanted.pieces, wanted.unspaced, strict=True)
    )


def _of_titles(entry: Entry) -> SearchDocument:
    """What narrows and orders an entry, and of what it is found by the titles, and the fields for the filter ``field``."""
    return replace(document(entry), descriptions=(), keywords=(), publishers=(), places=(), other=())
