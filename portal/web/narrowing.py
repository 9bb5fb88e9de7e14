"""What is left of a search and what is chosen: facets with counts, the tree of regions, chips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from portal.search.facets import FACETS, Facet
from portal.search.query import FacetValue
from portal.web import places
from portal.web.asking import Asked
from portal.web.languages import for_reader, language
from portal.web.site import site
from schemas import vocabulary

MOST_SHOWN = 50
"""Values of a facet on the page."""

MOST_SHARES = 8
"""Values of a facet on the page of a publisher, a region or a theme."""

COUNTED = tuple(facet.name for facet in FACETS if facet.counted and facet.shown)


class Choice(Struct, frozen=True, kw_only=True):
    """One value of a facet: what it is called, what it would keep, what clicking it asks for."""

    value: str
    label: str
    count: int
    chosen: bool
    asks: Asked
    parts: tuple[Choice, ...] = ()


class Narrowing(Struct, frozen=True):
    """One facet with its choices, the first few of which are shown at once."""

    name: str
    choices: tuple[Choice, ...]


class Chip(Struct, frozen=True):
    """One filter in force and the search without it."""

    name: str
    label: str
    value: str
    asks: Asked


def narrowings(asked: Asked, facets: Mapping[str, Sequence[FacetValue]]) -> list[Narrowing]:
    """Every facet that has something to choose, in their order."""
    shown = []
    for facet in FACETS:
        values = facets.get(facet.name, ())
        choices = _tree(asked, values) if facet.hierarchical else _flat(asked, facet, values)
        if choices:
            shown.append(Narrowing(facet.name, choices))
    return shown


def chips(asked: Asked) -> list[Chip]:
    """The filters in force."""
    return [
        Chip(facet.name, labels[value], value, asked.without_value(facet.name, value))
        for facet in FACETS
        if (values := asked.filters.get(facet.name, ()))
        for labels in [value_labels(facet, values)]
        for value in values
    ]


def value_labels(facet: Facet, values: Iterable[str]) -> dict[str, str]:
    """What the values of a facet are called; those nobody can name stay as they are."""
    wanted = list(values)
    if facet.vocabulary is not None:
        terms = vocabulary(facet.vocabulary)
        return {value: terms.label(value, language()) for value in wanted}
    if facet.name == "publisher":
        known = site().catalog.known_publishers(wanted)
        names = {id: for_reader(publisher.name, publisher.names).text for id, publisher in known.items()}
        return {value: names.get(value, value) for value in wanted}
    if facet.name == "source":
        sources = [entry.source for entry in site().catalog.sources.all()]
        titles = {one.id: (one.title_en if language() == "en" else None) or one.title for one in sources}
        return {value: titles.get(value, value) for value in wanted}
    return {value: value for value in wanted}


def _flat(asked: Asked, facet: Facet, values: Sequence[FacetValue]) -> tuple[Choice, ...]:
    chosen = asked.filters.get(facet.name, ())
    counts = {one.value: one.count for one in values}
    # What is chosen is shown first, also when it keeps nothing or is too rare to be among the values.
    shown = [*chosen, *(one.value for one in values[:MOST_SHOWN] if one.value not in chosen)]
    if facet.name == "fresh":
        # Each span holds the shorter ones, so they stand in the order of time even where their counts are the same.
        spans = list(vocabulary("freshness").terms)
        shown.sort(key=lambda value: spans.index(value) if value in spans else len(spans))
    labels = value_labels(facet, shown)
    return tuple(_choice(asked, facet.name, value, labels[value], counts.get(value, 0)) for value in shown)


def _tree(asked: Asked, values: Sequence[FacetValue]) -> tuple[Choice, ...]:
    """Provinces, below each chosen one (or the one that holds what is chosen) its parts."""
    chosen = asked.filters.get("region", ())
    counts = {one.value: one.count for one in values}
    for value in chosen:
        counts.setdefault(value, 0)
    opened = {holder for value in chosen for holder in (*places.ancestors(value), value)}
    held = {code for code in counts if any(holder in counts for holder in places.ancestors(code))}
    roots = [code for code in counts if code not in held and code != places.NATION]
    return tuple(_branch(asked, code, counts, opened) for code in roots)


def _branch(asked: Asked, code: str, counts: Mapping[str, int], opened: set[str]) -> Choice:
    inside = [part for part in places.parts(code) if part in counts] if code in opened else []
    inside.sort(key=lambda part: (-counts[part], part))
    # A part narrows the region that holds it down, so it takes its place among what is chosen.
    wider = asked
    for holder in places.ancestors(code):
        wider = wider.without_value("region", holder)
    label = places.name(code, language())
    branches = tuple(_branch(asked, part, counts, opened) for part in inside)
    return _choice(wider, "region", code, label, counts[code], branches)


def _choice(
    asked: Asked, name: str, value: str, label: str, count: int, parts: tuple[Choice, ...] = ()
) -> Choice:
    chosen = value in asked.filters.get(name, ())
    asks = asked.without_value(name, value) if chosen else asked.with_value(name, value)
    return Choice(value=value, label=label, count=count, chosen=chosen, asks=asks, parts=parts)


class Share(Struct, frozen=True):
    """One value of a facet with its number, for pages about a publisher, a region, a theme."""

    value: str
    label: str
    count: int


def labelled(facets: Mapping[str, Sequence[FacetValue]]) -> dict[str, list[Share]]:
    """The most frequent values of each facet, by facet name; of regions only those right below the nation."""
    shown = {}
    for facet in FACETS:
        values = [
            one
            for one in facets.get(facet.name, ())
            if not facet.hierarchical or (one.value != places.NATION and not places.ancestors(one.value))
        ][:MOST_SHARES]
        labels = value_labels(facet, [one.value for one in values])
        shown[facet.name] = [Share(one.value, labels[one.value], one.count) for one in values]
    return shown
