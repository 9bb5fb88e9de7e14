"""Answers as CKAN does: 2.10 with its search, and a site of the 2.2 days whose search is switched off."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from harvester.sandbox.ckan_records import (
    old_package_record,
    organization,
    organization_id,
    package_record,
    resource,
)
from harvester.sandbox.ckan_search import ActionRefused, Parameters, groups, package_search, whole_number
from harvester.sandbox.exchange import Request, Response, as_html, as_json, joined, json_bytes
from harvester.sandbox.inventing import Dataset
from harvester.sandbox.shelf import Shelf

JSON = "application/json;charset=utf-8"

LICENCES = (
    ("CC-BY-4.0", "Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/", True),
    ("CC0-1.0", "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/", True),
    ("other-open", "Other (Open)", "", True),
    ("notspecified", "License not specified", "", False),
)


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


def _site_read(shelf: Shelf, parameters: Parameters) -> bytes:
    return b"true"


def _status(version: str, extensions: Sequence[str]) -> Action:
    def status_show(shelf: Shelf, parameters: Parameters) -> bytes:
        return json_bytes(
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
    start = whole_number(parameters, "offset", 0)
    limit = whole_number(parameters, "limit", len(names))
    return json_bytes(names[start: start + limit])


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
        start = whole_number(parameters, "offset", 0)
        end = start + whole_number(parameters, "limit", 10)
        page = shelf.ordered("modified", descending=True)[start:end]
        return joined([shelf.record(dataset, encode) for dataset in page])

    return current_package_list_with_resources


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
            return json_bytes(record)
    raise ActionRefused(404, "Not Found Error", {"message": "Not found: Organization was not found."})


def _group_list(shelf: Shelf, parameters: Parameters) -> bytes:
    return _listing(groups(shelf), parameters)


def _group_show(shelf: Shelf, parameters: Parameters) -> bytes:
    for found in groups(shelf):
        if parameters.get("id") in (found["id"], found["name"]):
            return json_bytes(found)
    raise ActionRefused(404, "Not Found Error", {"message": "Not found: Group was not found."})


def _listing(found: Sequence[Mapping[str, Any]], parameters: Parameters) -> bytes:
    start = whole_number(parameters, "offset", 0)
    page = found[start: start + whole_number(parameters, "limit", 1000)]
    return json_bytes(page if _true(parameters.get("all_fields")) else [record["name"] for record in page])


def _tag_list(shelf: Shelf, parameters: Parameters) -> bytes:
    return json_bytes(sorted({tag for dataset in shelf.datasets for tag in dataset.tags}))


def _license_list(shelf: Shelf, parameters: Parameters) -> bytes:
    return json_bytes(
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
                return json_bytes(resource(shelf, dataset, file, position))
    raise ActionRefused(404, "Not Found Error", {"message": "Not found: Resource was not found."})


def _help_show(shelf: Shelf, parameters: Parameters) -> bytes:
    if parameters.get("name") not in ACTIONS:
        raise ActionRefused(
            404, "Not Found Error", {"message": f"Not found: Action '{parameters.get('name')}'"}
        )
    return json_bytes(None)


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes", "on")


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
    "package_search": package_search,
    "package_show": _package_show,
    "current_package_list_with_resources": _current_packages(package_record),
}
OLD_ACTIONS: Mapping[str, Action] = {
    **COMMON_ACTIONS,
    "status_show": _status("2.2.1", ("stats", "text_preview", "recline_preview")),
    "package_show": _old_package_show,
    "current_package_list_with_resources": _current_packages(old_package_record),
}
