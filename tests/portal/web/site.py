"""A small lifelike catalogue, an index over it, and the site over both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from portal.catalog.model import Dataset
from portal.catalog.store import Catalog
from portal.search.facets import SearchDocument
from portal.search.query import FacetValue, Hit, Query, QueryNotUnderstood, Results, Sort, Suggestion
from portal.web.places import ancestors


class PlainIndex:
    """An index that looks into the catalogue each time: substrings, exact counts, no ranking."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def search(self, query: Query) -> Results:
        words = (query.text or "").casefold().split()
        if len(words) > 64:
            raise QueryNotUnderstood("too many words")
        datasets = [
            entry.dataset for entry in self._catalog.walk() if all(word in _text(entry.dataset) for word in words)
        ]
        kept = [dataset for dataset in datasets if _fits(dataset, query.filters)]
        if query.sort is Sort.TITLE:
            kept.sort(key=lambda dataset: dataset.title)
        elif query.sort in (Sort.MODIFIED, Sort.CREATED):
            kept.sort(key=lambda dataset: dataset.modified or datetime.min.replace(tzinfo=UTC), reverse=True)
        return Results(
            total=len(kept),
            hits=tuple(_hit(dataset, words) for dataset in kept[query.start : query.start + query.rows]),
            facets={facet: _counts(facet, datasets, query) for facet in query.facets},
        )

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        found = [entry.dataset for entry in self._catalog.walk() if typed in entry.dataset.title]
        return [Suggestion(dataset.title, "title", dataset.id) for dataset in found[:limit]]

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], upto: int) -> None:
        raise NotImplementedError

    def rebuild(self, documents: Iterable[SearchDocument], upto: int) -> None:
        raise NotImplementedError

    def last_change(self) -> int | None:
        return self._catalog.last_change()

    def digests(self) -> Mapping[str, str]:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is held."""


def _text(dataset: Dataset) -> str:
    columns = " ".join(column.name for column in dataset.columns)
    return " ".join((dataset.title, *dataset.titles.values(), dataset.description or "", columns)).casefold()


def _values(dataset: Dataset, facet: str) -> tuple[str, ...]:
    region = () if dataset.region is None else (*ancestors(dataset.region), dataset.region)
    values: dict[str, tuple[str | None, ...]] = {
        "region": region,
        "theme": dataset.themes,
        "publisher": (dataset.publisher and dataset.publisher.id,),
        "format": tuple(one.format for one in dataset.distributions),
        "openness": (dataset.openness,),
        "license": (dataset.licence,),
        "frequency": (dataset.frequency,),
        "source": (dataset.source_id,),
        "field": tuple(column.name for column in dataset.columns),
    }
    return tuple(dict.fromkeys(value for value in values.get(facet, ()) if value))


def _fits(dataset: Dataset, filters: Mapping[str, tuple[str, ...]], but: str | None = None) -> bool:
    return all(
        set(wanted) & set(_values(dataset, facet)) for facet, wanted in filters.items() if facet != but
    )


def _counts(facet: str, datasets: list[Dataset], query: Query) -> tuple[FacetValue, ...]:
    counted = Counter(
        value
        for dataset in datasets
        if _fits(dataset, query.filters, but=facet)
        for value in _values(dataset, facet)
    )
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return tuple(FacetValue(value, count) for value, count in ordered[: query.facet_limit])


def _hit(dataset: Dataset, words: list[str]) -> Hit:
    title = _escaped(dataset.title)
    for word in words:
        title = title.replace(_escaped(word), f"<mark>{_escaped(word)}</mark>")
    columns = [column.name for column in dataset.columns if any(word in column.name.casefold() for word in words)]
    return Hit(
        dataset.id,
        title if "<mark>" in title else None,
        None,
        tuple(f"<mark>{_escaped(name)}</mark>" for name in columns),
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
