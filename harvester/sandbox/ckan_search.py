"""CKAN's dataset search, its numbers and its refusals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from harvester.sandbox.ckan_records import group, organization_id, package_record
from harvester.sandbox.exchange import joined, json_bytes
from harvester.sandbox.inventing import Dataset
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.solr import TEXT, Fields, QueryRefused, predicate
from harvester.sandbox.words import spelling

Parameters: TypeAlias = Mapping[str, Any]

ROWS_MAX = 1000
"""``ckan.search.rows_max``: more rows than this are never given, whatever is asked for."""

SEARCH_PARAMETERS = frozenset(
    "q fq fq_list sort rows start facet facet.field facet.limit facet.mincount include_drafts include_private"
    " include_deleted use_default_schema df defType qf bf boost tie mm fl".split()
)
SORTS = {
    "id": "key",
    "name": "name",
    "title": "title",
    "title_string": "title",
    "metadata_modified": "modified",
    "metadata_created": "issued",
    "score": "modified",
}
SEARCHED = (
    "id",
    "name",
    "title",
    "notes",
    TEXT,
    "organization",
    "groups",
    "tags",
    "license_id",
    "res_format",
    "state",
    "dataset_type",
    "type",
    "private",
    "capacity",
    "entity_type",
    "owner_org",
    "metadata_modified",
    "metadata_created",
    "site_id",
    "vocab_tags",
    "author",
    "maintainer",
    "url",
)


class ActionRefused(Exception):
    """An action ended in one of CKAN's own errors."""

    def __init__(self, status: int, kind: str, details: Mapping[str, object]) -> None:
        super().__init__(kind)
        self.status = status
        self.error = {**details, "__type": kind}


def package_search(shelf: Shelf, parameters: Parameters) -> bytes:
    """The action ``package_search``. Raises ActionRefused for what CKAN or Solr would refuse."""
    unknown = sorted(set(parameters) - SEARCH_PARAMETERS)
    if unknown:
        raise ActionRefused(
            400,
            "Search Query Error",
            {"message": f"Search Query is invalid: ('Invalid search parameters: {unknown}',)"},
        )
    sort = str(parameters.get("sort") or "score desc, metadata_modified desc")
    found = _matching(shelf, parameters, _in_order(shelf, sort))
    start = whole_number(parameters, "start", 0)
    rows = min(whole_number(parameters, "rows", 10), ROWS_MAX)
    facets = _facets(shelf, parameters, found)
    shown = _display_names(shelf) if facets else {}
    items = {
        field: {
            "title": field,
            "items": [
                {"name": name, "display_name": shown.get(name, name), "count": count}
                for name, count in counts.items()
            ],
        }
        for field, counts in facets.items()
    }
    results = joined([shelf.record(dataset, package_record) for dataset in found[start: start + rows]])
    return (
        b'{"count": %d, "facets": ' % (len(found) + shelf.surplus)
        + json_bytes(facets)
        + b', "results": '
        + results
        + b', "sort": '
        + json_bytes(sort)
        + b', "search_facets": '
        + json_bytes(items)
        + b"}"
    )


def _display_names(shelf: Shelf) -> dict[str, str]:
    themes = {found["name"]: found["title"] for found in groups(shelf)}
    return {**themes, **{slug: department.name for slug, department in shelf.departments.items()}}


def _in_order(shelf: Shelf, sort: str) -> tuple[Dataset, ...]:
    first = sort.split(",")[0].split()
    if first[0] not in SORTS or (first[1:] and first[1:] not in (["asc"], ["desc"])):
        raise ActionRefused(
            400, "Search Query Error", {"message": "Search Query is invalid: ('Invalid \"sort\" parameter',)"}
        )
    return shelf.ordered(SORTS[first[0]], descending=first[1:] == ["desc"])


def _matching(shelf: Shelf, parameters: Parameters, datasets: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
    asked = [
        str(parameters.get("q") or ""),
        str(parameters.get("fq") or ""),
        *_listed(parameters.get("fq_list")),
    ]
    asked = [query for query in asked if query.strip() not in ("", "*:*")]
    if not asked:
        return datasets
    try:
        wanted = [predicate(query, SEARCHED, shelf.moment) for query in asked]
        return tuple(
            dataset
            for dataset in datasets
            for fields in (_fields(shelf, dataset),)
            if all(want(fields) for want in wanted)
        )
    except QueryRefused as refusal:
        said = f"Search error: ('SOLR returned an error running query: {asked!r} Error: {refusal}',)"
        raise ActionRefused(409, "Search Error", {"message": said}) from refusal


def _facets(shelf: Shelf, parameters: Parameters, found: Iterable[Dataset]) -> dict[str, dict[str, int]]:
    fields = _listed(parameters.get("facet.field"))
    limit = whole_number(parameters, "facet.limit", 50)
    counted: dict[str, Counter[str]] = {field: Counter() for field in fields}
    for values in (_fields(shelf, dataset) for dataset in found if fields):
        for field, counter in counted.items():
            counter.update(values.get(field, ()))
    return {
        field: dict(counter.most_common(limit if limit >= 0 else None)) for field, counter in counted.items()
    }


def _listed(value: object) -> list[str]:
    """A list that came as JSON text, as JSON or as one plain value."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [str(value)]
    return [str(item) for item in value] if isinstance(value, list) else []


def groups(shelf: Shelf) -> list[dict[str, Any]]:
    """The portal's themes as CKAN groups, each with its number of packages."""
    counts = Counter(spelling("theme", shelf.portal.theme, dataset.theme) for dataset in shelf.datasets)
    return [{**group(shelf, theme), "package_count": counts[theme]} for theme in sorted(counts)]


def _fields(shelf: Shelf, dataset: Dataset) -> Fields:
    theme = spelling("theme", shelf.portal.theme, dataset.theme)
    written = [
        dataset.title or "",
        dataset.description or "",
        dataset.name,
        dataset.department.name,
        *dataset.tags,
    ]
    return {
        "id": [dataset.key],
        "name": [dataset.name],
        "title": [dataset.title or ""],
        "notes": [dataset.description or ""],
        TEXT: [*written, *(column.name for column in dataset.columns)],
        "organization": [dataset.department.slug],
        "owner_org": [organization_id(shelf, dataset.department.slug)],
        "groups": [group(shelf, theme)["name"]],
        "tags": dataset.tags,
        "license_id": [shelf.licence("id")],
        "res_format": [file.format for file in dataset.files],
        "state": ["active"],
        "dataset_type": ["dataset"],
        "type": ["dataset"],
        "private": ["false"],
        "capacity": ["public"],
        "entity_type": ["package"],
        "metadata_modified": [dataset.modified.isoformat()],
        "metadata_created": [dataset.issued.isoformat()],
        "site_id": ["default"],
    }


def whole_number(parameters: Parameters, name: str, default: int) -> int:
    """A whole number that is not negative, as CKAN's own validators want it."""
    value = parameters.get(name)
    if value is None or value == "":
        return default
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise ActionRefused(409, "Validation Error", {name: ["Invalid integer"]}) from error
    if number < 0 and name != "facet.limit":
        raise ActionRefused(409, "Validation Error", {name: ["Must be a natural number"]})
    return number
