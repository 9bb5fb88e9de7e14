"""Narrowing, counting and ordering in plain Python, for the engines that have no faster way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from msgspec import Struct

from portal.search.conditions import All, Any, Beyond, Changed, Condition, Has, Is, Listed, Not, is_within, leaves
from portal.search.facets import FACETS, SearchDocument, Span, fresh_spans, freshness
from portal.search.query import FacetValue, Query, QueryNotUnderstood, Sort
from portal.search.sorting import instant_key, quality_key, title_key

MOST_ROWS = 1000
DEEPEST_START = 1_000_000

FILTERS = frozenset(facet.name for facet in FACETS)
COUNTED = frozenset(facet.name for facet in FACETS if facet.counted)


class Fact(Struct, frozen=True):
    """What narrowing, counting and ordering need to know of one dataset."""

    id: str
    values: dict[str, tuple[str, ...]]
    title: bytes
    modified: datetime | None = None
    created: datetime | None = None
    changed: datetime | None = None
    listed: datetime | None = None
    quality: float | None = None


def fact(document: SearchDocument) -> Fact:
    """The fact of a document."""
    title = title_key(document.titles[0]) if document.titles else b""
    return Fact(
        document.id,
        document.values | {"keyword": document.keywords},
        title,
        document.modified,
        document.created,
        document.changed,
        document.listed,
        document.quality,
    )


def check(query: Query) -> None:
    """Raises QueryNotUnderstood for a facet that does not exist or a page no one reads."""
    for name in query.filters:
        if name not in FILTERS:
            raise QueryNotUnderstood(f"there is no facet {name!r} to narrow by")
    for name in query.facets:
        if name not in COUNTED:
            raise QueryNotUnderstood(f"there is no facet {name!r} to count")
    for leaf in leaves(query.condition) if query.condition is not None else ():
        if isinstance(leaf, Has) and leaf.facet not in COUNTED:
            raise QueryNotUnderstood(f"there is no facet {leaf.facet!r} to ask for values of")
    if query.is_reversed and query.sort is Sort.RELEVANCE:
        raise QueryNotUnderstood("the least relevant are not given first")
    if not 0 <= query.rows <= MOST_ROWS:
        raise QueryNotUnderstood(f"{query.rows:,} rows: at most {MOST_ROWS:,} are given at once")
    if not 0 <= query.start <= DEEPEST_START:
        raise QueryNotUnderstood(f"results from {query.start:,} on: none are given beyond {DEEPEST_START:,}")


def day_of(query: Query) -> date:
    """The day freshness is counted back from."""
    return datetime.now(UTC).date() if query.today is None else query.today


def chosen(query: Query) -> dict[str, tuple[str, ...]]:
    """The filters that narrow by values; ``field`` narrows by text and is each engine's own."""
    return {name: values for name, values in query.filters.items() if values and name != "field"}


def values_of(known: Fact, facet: str, spans: dict[str, Span]) -> Collection[str]:
    """A dataset's values of a facet."""
    return freshness(known.modified, spans) if facet == "fresh" else known.values.get(facet, ())


def holds(condition: Condition, known: Fact, spans: dict[str, Span]) -> bool:
    """Whether a condition holds of a dataset."""
    match condition:
        case Has(facet, None):
            return bool(values_of(known, facet, spans))
        case Has(facet, values):
            return not set(values or ()).isdisjoint(values_of(known, facet, spans))
        case Is(ids):
            return known.id in ids
        case Changed(within):
            return is_within(known.changed, within)
        case Listed(within):
            return is_within(known.listed, within)
        case Beyond(id):
            return known.id > id
        case All(of):
            return all(holds(one, known, spans) for one in of)
        case Any(of):
            return any(holds(one, known, spans) for one in of)
        case Not(of):
            return not holds(of, known, spans)


def conditioned(facts: Iterable[Fact], query: Query) -> list[Fact]:
    """The facts of which the condition of a query holds."""
    condition, spans = query.condition, fresh_spans(day_of(query))
    return list(facts) if condition is None else [known for known in facts if holds(condition, known, spans)]


def narrowed(
    facts: Iterable[Fact], filters: Mapping[str, Collection[str]], spans: dict[str, Span], besides: str | None = None
) -> Iterator[Fact]:
    """The facts that have, of every filter except ``besides``, one of its values."""
    wanted = {name: set(values) for name, values in filters.items() if name != besides}
    for known in facts:
        if all(not values.isdisjoint(values_of(known, name, spans)) for name, values in wanted.items()):
            yield known


def most_frequent(counts: Iterable[tuple[str, int]], limit: int) -> tuple[FacetValue, ...]:
    """The values most frequent first, ties by value."""
    ordered = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    return tuple(FacetValue(value, count) for value, count in ordered[:limit])


def facet_counts(
    facts: Sequence[Fact], query: Query, spans: dict[str, Span]
) -> dict[str, tuple[FacetValue, ...]]:
    """The counts of every facet asked for, over what the text found."""
    filters = chosen(query)
    return {
        facet: most_frequent(
            Counter(
                value
                for known in narrowed(facts, filters, spans, besides=facet)
                for value in set(values_of(known, facet, spans))
            ).items(),
            query.facet_limit,
        )
        for facet in query.facets
    }


def in_order(
    facts: Iterable[Fact], sort: Sort, scores: Mapping[str, float], *, is_reversed: bool = False
) -> list[Fact]:
    """The facts as ``sort`` says: newest, best, alphabetical; without the key last; ties by id. All of it may be reversed."""
    found = _in_order(facts, sort, scores)
    return found[::-1] if is_reversed else found


def _in_order(facts: Iterable[Fact], sort: Sort, scores: Mapping[str, float]) -> list[Fact]:
    if sort is Sort.ID:
        return sorted(facts, key=lambda known: known.id)
    if sort is Sort.TITLE:
        return sorted(facts, key=lambda known: (known.title, known.id))
    if sort is Sort.RELEVANCE:
        return sorted(facts, key=lambda known: (-scores.get(known.id, 0.0), known.id))

    def key(known: Fact) -> tuple[bool, int, str]:
        number = {
            Sort.MODIFIED: lambda: instant_key(known.modified),
            Sort.CREATED: lambda: instant_key(known.created),
            Sort.CHANGED: lambda: instant_key(known.changed),
            Sort.LISTED: lambda: instant_key(known.listed),
            Sort.QUALITY: lambda: quality_key(known.quality),
        }[sort]()
        return number is None, -(number or 0), known.id

    return sorted(facts, key=key)
