"""Answers as CKAN does: 2.10 with its search, and a site of the 2.2 days whose search is switched off."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from harvester.sandbox.exchange import Request, Response, as_html, as_json, joined
from harvester.sandbox.ckan_records import (
    group,
    old_package_record,
    organization,
    organization_id,
    package_record,
    resource,
)
from harvester.sandbox.inventing import Dataset
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.solr import TEXT, Fields, QueryRefused, predicate
from harvester.sandbox.words import spelling

ROWS_MAX = 1000
"""``ckan.search.rows_max``: more rows than this are never given, whatever is asked for."""

JSON = "application/json;charset=utf-8"

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
LICENCES = (
    ("CC-BY-4.0", "Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/", True),
    ("CC0-1.0", "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/", True),
    ("other-open", "Other (Open)", "", True),
    ("notspecified", "License not specified", "", False),
)

Parameters: TypeAlias = Mapping[str, Any]


class ActionRefused(Exception):
    """An action ended in one of CKAN's own errors."""

    def __init__(self, status: int, kind: str, details: Mapping[str, object]) -> None:
        super().__init__(kind)
        self.status = status
        self.error = {**details, "__type": kind}


def answer(shelf: Shelf, request: Request) -> Response | None:
    """What CKAN 2.10 answers; None for an address outside the API."""
    return _answer(shelf, request, ACTIONS)


def answer_old(shelf: Shelf, request: Request) -> Response | None:
    """What CKAN 2.2 behind a proxy that lets nobody search answers."""
    if request.path.rstrip("/").endswith("/package_search"):
        return as_html("404 Not Found", "<hr><center>nginx/1.4.6 (Ubuntu)</center>", status=404)
    return _answer(shelf, request, OLD_ACTIONS)


def _answer(shelf: Shelf, request: Request, actions: Mapping[str, Action]) -> Response | None:
    path = request.path.rstrip("/")
    if path in ("/api", "/api/3"):
        return as_json({"version": 3}, media_type=JSON)
    prefix = next((prefix for prefix in ("/api/3/action/", "/api/action/") if path.startswith(prefix)), None)
    if prefix is None:
        return None
    name = path.removeprefix(prefix)
    action = actions.get(name)
    if action is None:
        return as_json(f"Bad request - Action name not known: {name}", status=400, media_type=JSON)
    if request.not_json is not None:
        said = f"Bad request - JSON Error: Error decoding JSON data. Error: {request.not_json}"
        return as_json(said, status=400, media_type=JSON)
    about = f"{shelf.base}/api/3/action/help_show?name={name}"
    try:
        result = action(shelf, request.parameters)
    except ActionRefused as refusal:
        return as_json({"help": about, "success": False, "error": refusal.error}, refusal.status, JSON)
    body = b'{"help": ' + json.dumps(about).encode() + b', "success": true, "result": ' + result + b"}"
    return Response(body=body, media_type=JSON)


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


def _site_read(shelf: Shelf, parameters: Parameters) -> bytes:
    return b"true"


def _status(version: str, extensions: Sequence[str]) -> Action:
    def status_show(shelf: Shelf, parameters: Parameters) -> bytes:
        return _bytes(
            {
                "ckan_version": version,
                "site_url": shelf.base,
                "site_title": shelf.portal.title,
                "site_description": (
                    "虚构数据，仅供演示"
                    if shelf.portal.language == "zh"
                    else "Invented data, for demonstration"
                ),
                "error_emails_to": None,
                "locale_default": "zh_Hans_CN" if shelf.portal.language == "zh" else "en_AU",
                "extensions": extensions,
            }
        )

    return status_show


def _package_list(shelf: Shelf, parameters: Parameters) -> bytes:
    names = [dataset.name for dataset in shelf.ordered("name")]
    start = _whole(parameters, "offset", 0)
    limit = _whole(parameters, "limit", len(names))
    return _bytes(names[start: start + limit])


def _package_show(shelf: Shelf, parameters: Parameters) -> bytes:
    return shelf.record(_asked_for(shelf, parameters), package_record)


def _old_package_show(shelf: Shelf, parameters: Parameters) -> bytes:
    return shelf.record(_asked_for(shelf, parameters), old_package_record)


def _asked_for(shelf: Shelf, parameters: Parameters) -> Dataset:
    handle = parameters.get("id") or parameters.get("name_or_id")
    if not handle:
        raise ActionRefused(409, "Validation Error", {"name_or_id": ["Missing value"]})
    dataset = shelf.by_handle.get(str(handle))
    if dataset is None:
        raise ActionRefused(404, "Not Found Error", {"message": "Not found"})
    return dataset


def _current_packages(encode: Callable[[Shelf, Dataset], bytes]) -> Action:
    def current_package_list_with_resources(shelf: Shelf, parameters: Parameters) -> bytes:
        start = _whole(parameters, "offset", 0)
        found = shelf.ordered("modified", descending=True)[start: start + _whole(parameters, "limit", 10)]
        return joined([shelf.record(dataset, encode) for dataset in found])

    return current_package_list_with_resources


def _package_search(shelf: Shelf, parameters: Parameters) -> bytes:
    unknown = sorted(set(parameters) - SEARCH_PARAMETERS)
    if unknown:
        raise ActionRefused(
            400,
            "Search Query Error",
            {"message": f"Search Query is invalid: ('Invalid search parameters: {unknown}',)"},
        )
    sort = str(parameters.get("sort") or "score desc, metadata_modified desc")
    found = _matching(shelf, parameters, _in_order(shelf, sort))
    start = _whole(parameters, "start", 0)
    rows = min(_whole(parameters, "rows", 10), ROWS_MAX)
    facets = _facets(shelf, parameters, found)
    items = {
        field: {
            "title": field,
            "items": [{"name": name, "display_name": name, "count": count} for name, count in counts.items()],
        }
        for field, counts in facets.items()
    }
    results = joined([shelf.record(dataset, package_record) for dataset in found[start: start + rows]])
    return (
        b'{"count": %d, "facets": ' % (len(found) + shelf.surplus)
        + _bytes(facets)
        + b', "results": '
        + results
        + b', "sort": '
        + _bytes(sort)
        + b', "search_facets": '
        + _bytes(items)
        + b"}"
    )


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
    limit = _whole(parameters, "facet.limit", 50)
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


def _organization_list(shelf: Shelf, parameters: Parameters) -> bytes:
    counts = Counter(dataset.department.slug for dataset in shelf.datasets)
    found = [
        {**organization(shelf, department), "display_name": department.name, "package_count": counts[slug]}
        for slug, department in shelf.departments.items()
    ]
    return _listing(found, parameters)


def _organization_show(shelf: Shelf, parameters: Parameters) -> bytes:
    handle = str(parameters.get("id", ""))
    for slug, department in shelf.departments.items():
        if handle in (slug, organization_id(shelf, slug)):
            held = [dataset for dataset in shelf.ordered("name") if dataset.department.slug == slug]
            record = {
                **organization(shelf, department),
                "display_name": department.name,
                "package_count": len(held),
            }
            if _true(parameters.get("include_datasets")):
                record["packages"] = [json.loads(shelf.record(dataset, package_record)) for dataset in held]
            return _bytes(record)
    raise ActionRefused(404, "Not Found Error", {"message": "Not found: Organization was not found."})


def _groups(shelf: Shelf) -> list[dict[str, Any]]:
    counts = Counter(spelling("theme", shelf.portal.theme, dataset.theme) for dataset in shelf.datasets)
    return [{**group(shelf, theme), "package_count": counts[theme]} for theme in sorted(counts)]


def _group_list(shelf: Shelf, parameters: Parameters) -> bytes:
    return _listing(_groups(shelf), parameters)


def _group_show(shelf: Shelf, parameters: Parameters) -> bytes:
    for found in _groups(shelf):
        if parameters.get("id") in (found["id"], found["name"]):
            return _bytes(found)
    raise ActionRefused(404, "Not Found Error", {"message": "Not found: Group was not found."})


def _listing(found: Sequence[Mapping[str, Any]], parameters: Parameters) -> bytes:
    start = _whole(parameters, "offset", 0)
    page = found[start: start + _whole(parameters, "limit", 1000)]
    return _bytes(page if _true(parameters.get("all_fields")) else [record["name"] for record in page])


def _tag_list(shelf: Shelf, parameters: Parameters) -> bytes:
    return _bytes(sorted({tag for dataset in shelf.datasets for tag in dataset.tags}))


def _license_list(shelf: Shelf, parameters: Parameters) -> bytes:
    return _bytes(
        [
            {
                "id": key,
                "title": title,
                "url": url,
                "status": "active",
                "is_okd_compliant": is_open,
                "is_generic": not url,
            }
            for key, title, url, is_open in LICENCES
        ]
    )


def _resource_show(shelf: Shelf, parameters: Parameters) -> bytes:
    for dataset in shelf.datasets:
        for position, file in enumerate(dataset.files):
            if file.key == parameters.get("id"):
                return _bytes(resource(shelf, dataset, file, position))
    raise ActionRefused(404, "Not Found Error", {"message": "Not found: Resource was not found."})


def _help_show(shelf: Shelf, parameters: Parameters) -> bytes:
    if parameters.get("name") not in ACTIONS:
        raise ActionRefused(
            404, "Not Found Error", {"message": f"Not found: Action '{parameters.get('name')}'"}
        )
    return _bytes(None)


def _bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes", "on")


def _whole(parameters: Parameters, name: str, default: int) -> int:
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


Action: TypeAlias = Callable[[Shelf, Parameters], bytes]

COMMON_ACTIONS: Mapping[str, Action] = {
    "site_read": _site_read,
    "package_list": _package_list,
    "organization_list": _organization_list,
    "organization_show": _organization_show,
    "group_list": _group_list,
    "group_show": _group_show,
    "tag_list": _tag_list,
    "license_list": _license_list,
    "resource_show": _resource_show,
    "help_show": _help_show,
}
ACTIONS: Mapping[str, Action] = {
    **COMMON_ACTIONS,
    "status_show": _status("2.10.4", ("activity", "datastore", "text_view", "datatables_view")),
    "package_search": _package_search,
    "package_show": _package_show,
    "current_package_list_with_resources": _current_packages(package_record),
}
OLD_ACTIONS: Mapping[str, Action] = {
    **COMMON_ACTIONS,
    "status_show": _status("2.2.1", ("stats", "text_preview", "recline_preview")),
    "package_show": _old_package_show,
    "current_package_list_with_resources": _current_packages(old_package_record),
}
