"""``package_search``: CKAN's parameters read into our query, its answer made of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import request
from msgspec import Struct
from msgspec.structs import replace

from portal.catalog.model import DatasetState, Entry, RecordType
from portal.search.conditions import All, Beyond, Condition
from portal.search.indexing import filled
from portal.search.query import FacetValue, Query, QueryNotUnderstood, Sort
from portal.web.addresses import base
from portal.web.ckan import arguments, licences
from portal.web.ckan.arguments import Arguments
from portal.web.ckan.fields import FACETED, Question, together, understood, words
from portal.web.ckan.packages import Package, package
from portal.web.ckan.refusals import Invalid, SearchRefused
from portal.web.ckan.solr import MOST_TOKENS, size
from portal.web.ckan.speaking import speaking
from portal.web.ckan.walks import Walks
from portal.web.site import site
from schemas import vocabulary

ROWS, MOST_ROWS = 10, 1000
"""CKAN's defaults; more rows are silently so many (``ckan.search.rows_max``)."""

FACET_LIMIT, MOST_FACET_VALUES = 50, 65_000

DEFAULT_SORT = "score desc, metadata_modified desc"

PARAMETERS = (
    "q fq fq_list sort rows start fl facet facet.field facet.limit facet.mincount include_private include_drafts"
    " include_deleted use_default_schema"
).split()
"""Those heeded; the last four change nothing where everything is public. CKAN too refuses a search with others."""

SORTS: Mapping[str, tuple[Sort, bool]] = {
    "score desc": (Sort.RELEVANCE, False),
    "metadata_modified desc": (Sort.CHANGED, False),
    "metadata_modified asc": (Sort.CHANGED, True),
    "metadata_created desc": (Sort.LISTED, False),
    "metadata_created asc": (Sort.LISTED, True),
    "title_string asc": (Sort.TITLE, False),
    "title_string desc": (Sort.TITLE, True),
    "id asc": (Sort.ID, False),
    "id desc": (Sort.ID, True),
    "name asc": (Sort.ID, False),
    "name desc": (Sort.ID, True),
}
"""An order and ours for it, with whether that is reversed. A name is the id."""

FIELDS = "id name title notes metadata_created metadata_modified license_id owner_org url version".split()
"""What ``fl`` may choose: fields that Solr's documents and packages have alike."""


class Search(Struct, frozen=True, kw_only=True):
    """A search as CKAN's parameters ask for it."""

    question: Question
    asked: str
    """The question as it was typed: two pages of one reading have the same, also where it counts from NOW."""
    order: str
    """As the answer repeats it."""
    sort: Sort
    is_reversed: bool
    start: int
    rows: int
    facets: tuple[str, ...]
    """CKAN's names of them."""
    facet_limit: int
    mincount: int
    fields: tuple[str, ...]

    @property
    def is_walk(self) -> bool:
        """Whether it may be a page of somebody who reads everything in the one order that keeps its places."""
        return self.sort is Sort.ID and not self.is_reversed

    def query(self, beyond: str | None = None) -> Query:
        """Ours for it. Of a page that goes on after an id only what comes after it."""
        asked, start = self.question.condition, self.start
        if beyond is not None:
            after = Beyond(beyond)
            asked, start = after if asked is None else All((asked, after)), 0
        return self._query(asked, start, self.rows)

    def counting(self) -> Query:
        """The query that counts the facets, over everything that is found."""
        return self._query(self.question.condition, 0, 0)

    def _query(self, condition: Condition | None, start: int, rows: int) -> Query:
        return Query(
            text=self.question.text,
            condition=condition,
            sort=self.sort,
            is_reversed=self.is_reversed,
            start=start,
            rows=rows,
            facets=tuple(dict.fromkeys(FACETED[name] for name in self.facets)) if rows == 0 else (),
            facet_limit=self.facet_limit,
        )


class Found(Struct, frozen=True):
    """A page of what a search found."""

    count: int
    entries: list[Entry]


def package_search(given: Arguments) -> Any:
    """The result of the action."""
    search = _asked(given)
    try:
        found = _found(search)
        counted = _counted(search) if search.facets else {}
    except QueryNotUnderstood as error:
        raise SearchRefused(str(error)) from error
    values = {name: _values(name, counted[FACETED[name]], search.mincount) for name in search.facets}
    return {
        "count": found.count,
        "facets": {name: {item["name"]: item["count"] for item in items} for name, items in values.items()},
        "results": [_chosen(one, search.fields) for one in packages(found.entries)],
        "sort": search.order,
        "search_facets": {
            name: {"title": name, "items": sorted(items, key=lambda item: str(item["display_name"]), reverse=True)}
            for name, items in values.items()
        },
    }


def is_narrowed(given: Arguments) -> bool:
    """Whether a search asks for more than the next page of everything; for whoever counts what is dear."""
    return any(given.get(name) for name in ("q", "fq", "fq_list", "facet.field"))


def packages(entries: Sequence[Entry]) -> list[Package]:
    """The packages of entries."""
    originals = site().catalog.appearances.originals([entry.dataset.id for entry in entries])
    language, address = speaking(), base()
    return [package(entry, language, address, originals.get(entry.dataset.id)) for entry in entries]


def newest_first(rows: int, start: int) -> list[Package]:
    """A page of everything, what changed last first."""
    query = Query(sort=Sort.CHANGED, start=start, rows=rows)
    try:
        results = filled(site().catalog, site().index).search(query)
    except QueryNotUnderstood as error:
        raise Invalid("offset", str(error)) from error
    return packages(_present(hit.id for hit in results.hits))


def _counted(search: Search) -> Mapping[str, Sequence[FacetValue]]:
    return filled(site().catalog, site().index).search(search.counting()).facets


def _asked(given: Arguments) -> Search:
    unknown = [name for name in given if name not in PARAMETERS]
    if unknown:
        raise SearchRefused(f"Invalid search parameters: {[name[:60] for name in unknown[:10]]}")
    rows = arguments.natural(given, "rows")
    facets = arguments.texts(given, "facet.field") if arguments.flag(given, "facet", True) else ()
    for name in facets:
        if name not in FACETED:
            raise SearchRefused(f"{name[:60]} is no field that can be counted; those are {', '.join(FACETED)}")
    fields = arguments.texts(given, "fl")
    for name in fields:
        if name not in FIELDS:
            raise SearchRefused(f"fl: {name[:60]} cannot be given alone; what can is {', '.join(FIELDS)}")
    limit = arguments.integer(given, "facet.limit")
    mincount = arguments.natural(given, "facet.mincount")
    if mincount == 0 and facets:
        raise SearchRefused("facet.mincount=0: values that nothing has are not listed")
    question = _question(given)
    order, sort, is_reversed = _order(arguments.text(given, "sort"), question)
    limit = FACET_LIMIT if limit is None else limit
    return Search(
        question=question,
        asked=repr([given.get(name) for name in ("q", "fq", "fq_list") if given.get(name)]),
        order=order,
        sort=sort,
        is_reversed=is_reversed,
        start=arguments.natural(given, "start") or 0,
        rows=min(ROWS if rows is None else rows, MOST_ROWS),
        facets=facets,
        facet_limit=MOST_FACET_VALUES if limit < 0 else min(limit, MOST_FACET_VALUES),
        mincount=1 if mincount is None else mincount,
        fields=fields,
    )


def _question(given: Arguments) -> Question:
    now = datetime.now(UTC)
    q = arguments.text(given, "q") or ""
    # As CKAN does: a colon makes it a search by fields.
    asked = [understood(q, now) if ":" in q else words(q)]
    filters = (arguments.text(given, "fq") or "", *arguments.texts(given, "fq_list"))
    # Each condition is looked up by itself, so a thousand short filters cost as much as one long one.
    if sum(map(size, filters)) > MOST_TOKENS:
        raise SearchRefused(f"the filters have more than {MOST_TOKENS:,} words together")
    return together([*asked, *(understood(fq, now) for fq in filters)])


def _order(asked: str | None, question: Question) -> tuple[str, Sort, bool]:
    """The order as it is repeated, and ours for it. Ties fall by id, so of further keys only that one can be heeded."""
    order = DEFAULT_SORT if asked in (None, "rank") else str(asked)
    keys = [" ".join(key.split()) for key in order.split(",")]
    keys = [key if " " in key else f"{key} asc" for key in keys]
    if question.text is None:
        # Where no words are asked everything scores the same.
        keys = [key for key in keys if key not in ("score desc", "score asc")] or ["id asc"]
    elif keys == ["score desc", "metadata_modified desc"]:
        # Two that match equally well fall by id: a score of many digits is hardly ever the same.
        keys = ["score desc"]
    first, *rest = keys
    if first not in SORTS:
        raise SearchRefused(f'Invalid "sort" parameter: {first[:60]} is none of {", ".join(SORTS)}')
    sort, is_reversed = SORTS[first]
    ties = ("id desc", "name desc") if is_reversed else ("id asc", "name asc")
    if sort is not Sort.ID and any(key not in ties for key in rest):
        raise SearchRefused(f'Invalid "sort" parameter: after {first} only {ties[0]} can follow')
    if any(key not in SORTS for key in rest):
        raise SearchRefused(f'Invalid "sort" parameter: {order[:100]}')
    return order, sort, is_reversed


def _found(search: Search) -> Found:
    if search.is_walk:
        return _walked(search)
    results = filled(site().catalog, site().index).search(search.query())
    return Found(results.total, _present(hit.id for hit in results.hits))


def _walked(search: Search) -> Found:
    """A page by id: after the id that the page before ended with, where this client read one; else by its place."""
    walks, walk = Walks(site().settings.home), _walk(search.asked)
    after = walks.after(walk, search.start) if search.start else None
    is_everything = search.question == Question()
    found = _of_catalogue(search, after) if is_everything else _of_index(search, after)
    ids = [entry.dataset.id for entry in found.entries]
    places = {search.start + len(ids) - 1: ids[-2]} if len(ids) > 1 else {}
    # Some clients begin a page with the last of the one before, to see whether the list has moved; others go on by what
    # they asked for, also after a page that had less.
    if (last := ids[-1] if ids else after) is not None:
        places |= {search.start + len(ids): last, search.start + search.rows: last}
        walks.remember(walk, places)
    return found


def _walk(asked: str) -> str:
    """Whose reading of what: clients behind one address are told apart by what they call themselves."""
    return "\0".join((request.remote_addr or "", request.headers.get("User-Agent", ""), asked))


def _of_catalogue(search: Search, after: str | None) -> Found:
    """From the database itself: whole, also where there is no index, and at the same price however deep."""
    catalog = site().catalog
    total = catalog.count(record_type=RecordType.DATASET)
    if search.rows == 0:
        return Found(total, [])
    entries = catalog.page(search.rows + 1, after=after, start=search.start, record_type=RecordType.DATASET)
    is_last = len(entries) <= search.rows
    entries = entries[:search.rows]
    if after is None:
        return Found(total, entries)
    # Whoever goes on until as many have come as were said to be there is led to the end, and not beyond it.
    reached = search.start + len(entries)
    return Found(reached if is_last else max(total, reached + 1), entries)


def _of_index(search: Search, after: str | None) -> Found:
    """From the index, page after page until there are enough: what it still lists may be gone from the catalogue."""
    index = filled(site().catalog, site().index)
    entries: list[Entry] = []
    query = search.query(after)
    results = index.search(query)
    total = results.total if after is None else search.start + results.total
    while results.hits:
        entries += _present(hit.id for hit in results.hits)
        if len(entries) >= search.rows:
            break
        beyond = search.query(results.hits[-1].id)
        results = index.search(replace(beyond, rows=search.rows - len(entries)))
    return Found(total, entries)


def _present(ids: Iterable[str]) -> list[Entry]:
    """Those that are not retired; the index may be a moment behind."""
    return [entry for entry in site().catalog.entries(list(ids)) if entry.state is not DatasetState.RETIRED]


def _chosen(shown: Package, fields: Sequence[str]) -> Any:
    return {name: getattr(shown, name) for name in fields} if fields else shown


def _values(name: str, counted: Iterable[FacetValue], mincount: int) -> list[dict[str, Any]]:
    """The values of a facet with their counts and names, most frequent first."""
    kept = [value for value in counted if value.count >= mincount]
    labels = _labels(name, [value.value for value in kept])
    return [
        {"name": _written(name, value.value), "display_name": labels[value.value], "count": value.count} for value in kept
    ]


def _written(name: str, value: str) -> str:
    """A value of ours as packages show it."""
    if name == "res_format":
        return vocabulary("formats").label(value, "en")
    return licences.id_of(value) if name == "license_id" else value


_VOCABULARIES = {
    "groups": "themes",
    "license_id": "licences",
    "extras_frequency": "frequencies",
    "extras_openness": "openness",
}


def _labels(name: str, values: Sequence[str]) -> dict[str, str]:
    if name in ("organization", "owner_org"):
        known = site().catalog.known_publishers(list(values))
        return {value: known[value].name if value in known else value for value in values}
    if name in _VOCABULARIES:
        return {value: vocabulary(_VOCABULARIES[name]).label(value, speaking()) for value in values}
    return {value: _written(name, value) for value in values}


def counts(facet: str) -> Iterator[FacetValue]:
    """Every value of one of our facets with its number of entries, most frequent first."""
    query = Query(rows=0, facets=(facet,), facet_limit=MOST_FACET_VALUES)
    yield from filled(site().catalog, site().index).search(query).facets[facet]
