"""Reading one commit of a Tantivy index: hits in order, facets with exact counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import msgspec
import tantivy
from msgspec import Struct
from tantivy import Order

from portal.search.facets import FRESHNESS, STALE, Appearances, Span
from portal.search.generations import Reading
from portal.search.highlight import Shown
from portal.search.language import Asked
from portal.search.query import FacetValue, Sort
from portal.search.tally import most_frequent
from portal.search.tantivy_fields import SET_BORDER, SETS, SORT_FIELDS, count_field, from_id_on, listed, modified_keys, ranked

_MOST_VALUES = 65_000
"""Values, or sets of values, of one facet that can be counted: Tantivy makes no more buckets."""

_TIED = 16
"""Hits looked at beyond those asked for, because some have the first characters of their ids in common."""

_decode_shown = msgspec.msgpack.Decoder(Shown).decode

_STALEST_FIRST = tuple(value for value, _ in reversed(FRESHNESS))


def readable(path: Path) -> Reading:
    """Says of errors on the way from the files that the index is corrupt."""
    return Reading(path, lambda error: isinstance(error, ValueError | OSError))


def damage(path: Path) -> Reading:
    """Says the same of what only writing came upon. A full disk raises a ValueError too, and is no damage."""
    return Reading(path, lambda error: isinstance(error, ValueError) and "(os error" not in str(error))


Found = list[tuple[Any, tantivy.DocAddress]]
"""Hits in order, each with the key it was ordered by."""


class Stored(Struct, frozen=True):
    """What an index stores of a dataset besides what it is found by."""

    id: str
    digest: str
    shown: Shown


class Commit:
    """One commit, open for reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with readable(path):
            self._searcher = tantivy.Index.open(str(path)).searcher()
        self._of_everything: dict[tuple[str, int, Span, Appearances], tuple[FacetValue, ...]] = {}

    def count(self, match: tantivy.Query) -> int:
        """How many datasets match."""
        with readable(self._path):
            return _total(self._searcher.search(match, 1))

    def page(self, match: tantivy.Query, asked: Asked, sort: Sort, start: int, rows: int) -> tuple[int, Found]:
        """How many datasets match, and ``rows`` of them from ``start`` on."""
        if rows == 0:
            return self.count(match), []
        with readable(self._path):
            if sort is not Sort.RELEVANCE:
                order = Order.Asc if sort is Sort.TITLE else Order.Desc
                result = self._searcher.search(
                    match, rows, offset=start, order_by_field=SORT_FIELDS[sort], order=order
                )
            elif asked.required:
                result = self._searcher.search(ranked(match, asked), rows, offset=start, weight_by_field="tie")
            else:
                result = self._searcher.search(match, rows, offset=start, order_by_field="tie")
            return _total(result), result.hits

    def after(self, match: tantivy.Query, id: str, rows: int) -> list[str]:
        """The next ``rows`` ids among the matches, by id, after an id."""
        wanted, limit = from_id_on(match, id) if id else match, rows + _TIED
        with readable(self._path):
            while True:
                hits = self._searcher.search(wanted, limit, count=False, order_by_field="tie").hits
                is_all = len(hits) < limit
                # The key orders by the first characters alone: of the last ones with the same, others may be lacking.
                sure = hits if is_all else [hit for hit in hits if hit[0] != hits[-1][0]]
                ids = sorted(one for one in (self._stored(address).id for _, address in sure) if one > id)
                if is_all or len(ids) >= rows:
                    return ids[:rows]
                limit *= 2

    def documents(self, found: Found) -> Iterator[Stored]:
        """What is stored of hits, in order; hits with equal keys by id."""
        with readable(self._path):
            for _, tied in groupby(found, key=lambda pair: pair[0]):
                documents = [self._stored(address) for _, address in tied]
                yield from sorted(documents, key=lambda stored: stored.id)

    def _stored(self, address: tantivy.DocAddress) -> Stored:
        document = self._searcher.doc(address)
        if not (document["id"] and document["digest"] and document["shown"]):
            raise ValueError("a document lacks what is stored of every one")
        return Stored(document["id"][0], document["digest"][0], _decode_shown(document["shown"][0]))

    def best(self, match: tantivy.Query, rows: int) -> Iterator[Stored]:
        """What is stored of the ``rows`` most relevant matches."""
        with readable(self._path):
            for _, address in self._searcher.search(match, rows, count=False).hits:
                yield self._stored(address)

    def names(self, field: str, match: tantivy.Query, most: int) -> list[tuple[str, int]]:
        """The ``most`` frequent values of a field among the matches, each with about how many datasets have it."""
        return _term_counts(self._aggregate(match, {field: {"terms": {"field": field, "size": most}}})[field])

    def facets(
        self,
        match: tantivy.Query | None,
        way: Appearances,
        facets: Sequence[str],
        limit: int,
        spans: dict[str, Span],
    ) -> dict[str, tuple[FacetValue, ...]]:
        """The counts of several facets over the same matches, for None over everything that ``way`` lists.

        Those over everything, which the home page and every crawler ask for, are counted once a commit and day.
        """
        if match is not None:
            return self._counted(match, facets, limit, spans)
        keys = {facet: (facet, limit, spans[STALE], way) for facet in facets}
        unknown = [facet for facet, key in keys.items() if key not in self._of_everything]
        for facet, values in self._counted(listed(way), unknown, limit, spans).items():
            self._of_everything[keys[facet]] = values
        return {facet: self._of_everything[key] for facet, key in keys.items()}

    def _counted(
        self, match: tantivy.Query, facets: Sequence[str], limit: int, spans: dict[str, Span]
    ) -> dict[str, tuple[FacetValue, ...]]:
        if not facets:
            return {}
        answer = self._aggregate(
            match, {facet: _ages(spans) if facet == "fresh" else _terms(facet, limit) for facet in facets}
        )
        return {facet: most_frequent(_counts(facet, answer[facet]), limit) for facet in facets}

    def _aggregate(self, match: tantivy.Query, requests: dict[str, Any]) -> dict[str, Any]:
        """Tantivy's answers to aggregations, by name."""
        with readable(self._path):
            answer: dict[str, Any] = self._searcher.aggregate(match, requests)
            return answer


def _total(result: tantivy.SearchResult) -> int:
    """How many matched; the type stubs of Tantivy's package lack the attribute."""
    total: int = getattr(result, "count")  # noqa: B009
    return total


def _terms(facet: str, limit: int) -> dict[str, Any]:
    # Counts are exact only when every segment answers with all its values: by default it leaves out the rare ones,
    # which may be frequent elsewhere.
    size = _MOST_VALUES if facet in SETS else max(1, limit)
    return {"terms": {"field": count_field(facet), "size": size, "segment_size": _MOST_VALUES}}


def _counts(facet: str, answer: dict[str, Any]) -> list[tuple[str, int]]:
    """The counts of a facet's values."""
    if facet == "fresh":
        return _fresh_counts(answer)
    return _set_counts(answer) if facet in SETS else _term_counts(answer)


def _term_counts(answer: dict[str, Any]) -> list[tuple[str, int]]:
    return [(bucket["key"], bucket["doc_count"]) for bucket in answer["buckets"]]


def _set_counts(answer: dict[str, Any]) -> list[tuple[str, int]]:
    """The counts of the values in sets of values."""
    counts: Counter[str] = Counter()
    for values, count in _term_counts(answer):
        for value in filter(None, values.split(SET_BORDER)):
            counts[value] += count
    return list(counts.items())


def _ages(spans: dict[str, Span]) -> dict[str, Any]:
    """Counts by age. Tantivy's ranges may not overlap, so each value's ends where the next fresher one's begins."""
    edges = [modified_keys(spans[value])[0] for value in (STALE, *_STALEST_FIRST)]
    edges.append(modified_keys(spans[_STALEST_FIRST[-1]])[1])
    ranges = [
        {"key": value, "from": float(start), "to": float(end)}
        for value, (start, end) in zip((STALE, *_STALEST_FIRST), pairwise(edges), strict=True)
    ]
    return {"range": {"field": SORT_FIELDS[Sort.MODIFIED], "ranges": ranges, "keyed": True}}


def _fresh_counts(answer: dict[str, Any]) -> list[tuple[str, int]]:
    """The counts by age with the fresher ones added, for every value of ``fresh`` but the stale holds them."""
    counts = {STALE: answer["buckets"][STALE]["doc_count"]}
    fresher = 0
    for value in reversed(_STALEST_FIRST):
        fresher += answer["buckets"][value]["doc_count"]
        counts[value] = fresher
    return [(value, count) for value, count in counts.items() if count]
