"""Answers as DKAN does: 1 on Drupal 7 with its look-alike of CKAN's API, and 2 with its metastore."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from harvester.sandbox import datajson
from harvester.sandbox.exchange import Request, Response, as_json, joined, json_bytes
from harvester.sandbox.inventing import Dataset, fixed_id
from harvester.sandbox.shelf import Shelf, poisoned

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

ITEMS = "/api/1/metastore/schemas/dataset/items"

KILO = 1024


def answer_7(shelf: Shelf, request: Request) -> Response | None:
    """What DKAN 1 answers; None for an address outside its APIs."""
    if request.path == "/data.json":
        return datajson.answer(shelf, request)
    name = request.path.rstrip("/").removeprefix("/api/3/action/")
    if name == request.path.rstrip("/"):
        return None
    if name == "site_read":
        return _envelope(b"true")
    if name == "package_list":
        return _envelope(json_bytes([dataset.key for dataset in shelf.ordered("name")]))
    if name == "package_show":
        dataset = shelf.by_handle.get(str(request.parameters.get("id", "")))
        if dataset is None:
            return as_json(
                {
                    "help": "",
                    "success": False,
                    "error": {"message": "Not found", "__type": "Not Found Error"},
                },
                404,
            )
        # DKAN 1 wraps the one package in a list, unlike the CKAN it imitates.
        return _envelope(joined([shelf.record(dataset, package_record)]))
    if name == "current_package_list_with_resources":
        start, limit = request.number("offset", 0), request.number("limit", len(shelf.datasets))
        page = shelf.ordered("name")[start: start + limit]
        return _envelope(joined([joined([shelf.record(dataset, package_record) for dataset in page])]))
    if name == "group_list":
        return _envelope(json_bytes([department.name for department in shelf.departments.values()]))
    return as_json(
        {"help": "", "success": False, "error": {"message": "Not found", "__type": "Not Found Error"}}, 404
    )


def answer_2(shelf: Shelf, request: Request) -> Response | None:
    """What DKAN 2 answers; None for an address outside its APIs."""
    path = request.path.rstrip("/")
    if path == "/data.json":
        return datajson.answer(shelf, request)
    if path == "/api/1/metastore/schemas":
        return as_json({"dataset": {"title": "Project Open Data Dataset", "type": "object"}})
    if path == ITEMS:
        records = [shelf.record(dataset, datajson.dataset_record) for dataset in shelf.ordered("key")]
        return Response(body=joined(records), media_type="application/json")
    if path.startswith(f"{ITEMS}/"):
        dataset = shelf.by_handle.get(path.removeprefix(f"{ITEMS}/"))
        if dataset is None:
            said = f"Error retrieving metadata: dataset {path.removeprefix(f'{ITEMS}/')} not found."
            return as_json({"message": said, "status": 404, "timestamp": shelf.moment.isoformat()}, 404)
        return Response(body=shelf.record(dataset, datajson.dataset_record), media_type="application/json")
    if path == "/api/1/search":
        return _search(shelf, request)
    return None


def package_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One package as DKAN 1 gives it: dates and sizes for people, the organisation as a group."""
    words = shelf.words(dataset)
    named = {shelf.field(meaning): word for meaning, word in words.items()}
    typed = [{"name": column.name, "type": column.data_type} for column in dataset.columns]
    named[shelf.field("columns")] = json.dumps(typed, ensure_ascii=False)
    group = fixed_id(shelf.portal.id, "group", dataset.department.slug)
    record: dict[str, Any] = {
        "id": dataset.key,
        "name": dataset.name,
        "title": dataset.title or "",
        "author_email": dataset.email,
        "maintainer": dataset.department.name,
        "maintainer_email": dataset.email,
        "license_title": shelf.licence("title"),
        "notes": f"<p>{dataset.description}</p>\n" if dataset.description else "",
        "url": shelf.landing_page(dataset),
        "state": "Active",
        "log_message": "",
        "private": True,
        "revision_timestamp": _for_people(dataset.modified),
        "metadata_created": _for_people(dataset.issued),
        "metadata_modified": f"{dataset.modified:%Y-%m-%d %H:%M:%S}",
        "creator_user_id": fixed_id(shelf.portal.id, "user"),
        "type": "Dataset",
        "resources": [
            {
                "id": file.key,
                "revision_id": "",
                "url": f"{shelf.base}{file.path}",
                "description": "",
                "format": file.format.lower(),
                "state": "Active",
                "revision_timestamp": _for_people(dataset.modified),
                "name": file.title,
                "mimetype": file.media_type,
                "size": _for_people_size(file.size_bytes),
                "created": _for_people(dataset.issued),
                "resource_group_id": group,
                "last_modified": f"Date changed  {_for_people(dataset.data_modified)}",
            }
            for file in dataset.files
        ],
        "tags": [{"id": fixed_id(tag), "vocabulary_id": "2", "name": tag} for tag in dataset.tags],
        "groups": [
            {
                "description": "",
                "id": group,
                "image_display_url": "",
                "title": dataset.department.name,
                "name": dataset.department.slug,
            }
        ],
        "extras": [{"key": key, "value": value} for key, value in named.items()],
    }
    return json_bytes(poisoned(record, ("id", "name")) if dataset.poisoned else record)


def _search(shelf: Shelf, request: Request) -> Response:
    asked = str(request.parameters.get("fulltext", "")).casefold()
    found: Sequence[Dataset] = [
        dataset
        for dataset in shelf.ordered("modified", descending=True)
        if asked in f"{dataset.title} {dataset.description}".casefold()
    ]
    size = min(request.number("page-size", 10), 100)
    start = (max(request.number("page", 1), 1) - 1) * size
    results: Mapping[str, object] = {
        f"dkan_dataset/{dataset.key}": json.loads(shelf.record(dataset, datajson.dataset_record))
        for dataset in found[start: start + size]
    }
    return as_json({"total": len(found) + shelf.surplus, "results": results, "facets": []})


def _envelope(result: bytes) -> Response:
    body = b'{"help": "", "success": true, "result": ' + result + b"}"
    return Response(body=body, media_type="application/json; charset=utf-8")


def _for_people(moment: datetime) -> str:
    return f"{WEEKDAYS[moment.weekday()]}, {moment:%m/%d/%Y - %H:%M}"


def _for_people_size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return ""
    if size_bytes < KILO:
        return f"{size_bytes} 字节"
    unit, scale = ("KB", KILO) if size_bytes < KILO * KILO else ("MB", KILO * KILO)
    return f"{size_bytes / scale:.2f} {unit}"
