"""One package, resource, organisation or group as CKAN gives it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from harvester.sandbox.exchange import json_bytes
from harvester.sandbox.inventing import Dataset, Department, File, fixed_id, stable_random, unique_id
from harvester.sandbox.shelf import Shelf, poisoned


def package_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One package as CKAN 2.10 gives it."""
    record = _package(shelf, dataset)
    record["resources"] = [resource(shelf, dataset, file, place) for place, file in enumerate(dataset.files)]
    return json_bytes(poisoned(record, ("id", "name", "metadata_modified")) if dataset.poisoned else record)


def old_package_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One package as CKAN 2.2 gave it, with revisions and without the modern keys."""
    rng = stable_random(dataset.key, dataset.modified)
    revision = unique_id(rng)
    record = _package(shelf, dataset)
    for key in ("metadata_created", "metadata_modified", "isopen", "num_resources", "num_tags"):
        record[key] = record.pop(key)
    record["revision_id"] = revision
    record["revision_timestamp"] = _naive(dataset.modified)
    record["tracking_summary"] = {"total": dataset.views, "recent": dataset.views % 40}
    record["extras"] = [
        {**extra, "id": unique_id(rng), "package_id": dataset.key, "state": "active", "revision_id": revision}
        for extra in record["extras"]
    ]
    record["resources"] = [
        {
            **resource(shelf, dataset, file, place),
            "resource_group_id": revision,
            "revision_id": revision,
            "webstore_url": None,
            "size": "" if file.size_bytes is None else str(file.size_bytes),
        }
        for place, file in enumerate(dataset.files)
    ]
    return json_bytes(poisoned(record, ("id", "name", "metadata_modified")) if dataset.poisoned else record)


def _package(shelf: Shelf, dataset: Dataset) -> dict[str, Any]:
    words = shelf.words(dataset)
    named = {shelf.field(meaning): word for meaning, word in words.items()}
    typed = [{"name": column.name, "type": column.data_type} for column in dataset.columns]
    # Sites with ckanext-scheming give their own fields beside CKAN's; the others have extras, which are text.
    own: dict[str, Any] = {}
    extras: list[dict[str, str]] = []
    if shelf.portal.fields == "fields":
        own = {**named, shelf.field("columns"): typed}
    else:
        named[shelf.field("columns")] = json.dumps(typed, ensure_ascii=False)
        extras = [{"key": key, "value": value} for key, value in sorted(named.items())]
    licence = shelf.licence("id")
    department = dataset.department
    return {
        "author": department.name,
        "author_email": "",
        "creator_user_id": fixed_id(shelf.portal.id, "user"),
        "id": dataset.key,
        "isopen": licence != "notspecified",
        "license_id": licence,
        "license_title": shelf.licence("title"),
        **({"license_url": shelf.licence("url")} if shelf.licence("url") else {}),
        "maintainer": f"{department.name} {dataset.phone}",
        "maintainer_email": dataset.email,
        "metadata_created": _naive(dataset.issued),
        "metadata_modified": _naive(dataset.modified),
        "name": dataset.name,
        "notes": dataset.description or "",
        "num_resources": len(dataset.files),
        "num_tags": len(dataset.tags),
        "organization": organization(shelf, department),
        "owner_org": organization_id(shelf, department.slug),
        "private": False,
        "state": "active",
        "title": dataset.title or "",
        "type": "dataset",
        "url": "",
        "version": "",
        **own,
        "extras": extras,
        "groups": [group(shelf, words["theme"])],
        "resources": [],
        "tags": [
            {
                "display_name": tag,
                "id": fixed_id(tag),
                "name": tag,
                "state": "active",
                "vocabulary_id": None,
            }
            for tag in sorted(dataset.tags)
        ],
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def resource(shelf: Shelf, dataset: Dataset, file: File, position: int) -> dict[str, Any]:
    return {
        "cache_last_updated": None,
        "cache_url": None,
        "created": _naive(dataset.issued),
        "datastore_active": file.format in ("CSV", "XLSX") and dataset.rows < 500_000,
        "description": "",
        "format": file.format,
        "hash": "",
        "id": file.key,
        "last_modified": _naive(dataset.data_modified),
        "metadata_modified": _naive(dataset.modified),
        "mimetype": file.media_type,
        "mimetype_inner": None,
        "name": file.title,
        "package_id": dataset.key,
        "position": position,
        "resource_type": None,
        "size": file.size_bytes,
        "state": "active",
        "url": f"{shelf.base}{file.path}",
        "url_type": "upload" if file.kind == "file" else None,
    }


def organization_id(shelf: Shelf, slug: str) -> str:
    return fixed_id(shelf.portal.id, "organization", slug)


def organization(shelf: Shelf, department: Department) -> dict[str, Any]:
    return {
        "id": organization_id(shelf, department.slug),
        "name": department.slug,
        "title": department.name,
        "type": "organization",
        "description": "",
        "image_url": "",
        "created": f"{shelf.portal.since}-03-01T02:10:44.208336",
        "is_organization": True,
        "approval_status": "approved",
        "state": "active",
    }


def group(shelf: Shelf, theme: str) -> dict[str, Any]:
    key = fixed_id(shelf.portal.id, "group", theme)
    name = theme.lower().replace(" ", "-") if theme.isascii() else f"theme-{key[:6]}"
    return {
        "description": "",
        "display_name": theme,
        "id": key,
        "image_display_url": "",
        "name": name,
        "title": theme,
    }


def _naive(moment: datetime) -> str:
    """CKAN writes UTC without saying so."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")
