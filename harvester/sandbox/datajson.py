"""Answers as a site with one DCAT-US 1.1 catalogue (data.json) does, with or without validators."""

from __future__ import annotations

import hashlib
from typing import Any

from harvester.sandbox.exchange import Request, Response, joined, json_bytes, unless_unchanged
from harvester.sandbox.inventing import Dataset, File
from harvester.sandbox.shelf import Shelf, poisoned

ACCESS_LEVELS = {
    "unconditional": "public",
    "registration": "restricted public",
    "conditional": "restricted public",
}


def answer(shelf: Shelf, request: Request) -> Response | None:
    """The catalogue at ``/data.json``, made anew for every asker; None for any other address."""
    if request.path != "/data.json":
        return None
    return Response(body=catalogue(shelf), media_type="application/json")


def answer_cached(shelf: Shelf, request: Request) -> Response | None:
    """The catalogue as a file on a web server: with ETag and Last-Modified, and 304 to whoever has it."""
    response = answer(shelf, request)
    if response is None:
        return None
    tag = hashlib.blake2b(response.body, digest_size=8).hexdigest()
    return unless_unchanged(request, response, shelf.moment, tag)


def catalogue(shelf: Shelf) -> bytes:
    """The whole data.json."""
    head = {
        "@context": "https://project-open-data.cio.gov/v1.1/schema/catalog.jsonld",
        "@id": f"{shelf.base}/data.json",
        "@type": "dcat:Catalog",
        "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
        "describedBy": "https://project-open-data.cio.gov/v1.1/schema/catalog.json",
    }
    records = joined([shelf.record(dataset, dataset_record) for dataset in shelf.ordered("key")])
    return json_bytes(head)[:-1] + b', "dataset": ' + records + b"}"


def dataset_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset of a data.json."""
    record = as_dcat_us(shelf, dataset)
    return json_bytes(poisoned(record, ("@type", "identifier")) if dataset.poisoned else record)


def as_dcat_us(shelf: Shelf, dataset: Dataset) -> dict[str, Any]:
    """One dataset in DCAT-US 1.1, with the fields of its own that a Chinese portal adds."""
    words = shelf.words(dataset)
    said: dict[str, Any] = {
        "@type": "dcat:Dataset",
        "identifier": dataset.key,
        "title": dataset.title,
        "description": dataset.description,
        "keyword": list(dataset.tags),
        "modified": dataset.modified.isoformat(timespec="seconds"),
        "issued": words["issued"],
        "publisher": {"@type": "org:Organization", "name": dataset.department.name},
        "contactPoint": {
            "@type": "vcard:Contact",
            "fn": dataset.department.name,
            "hasEmail": f"mailto:{dataset.email}",
            "hasTelephone": dataset.phone,
        },
        "accessLevel": ACCESS_LEVELS[dataset.openness],
        "license": shelf.licence("url") or None,
        "accrualPeriodicity": words["frequency"],
        "theme": [words["theme"]],
        "spatial": dataset.place,
        "language": ["zh-CN" if shelf.portal.language == "zh" else "en-US"],
        "landingPage": shelf.landing_page(dataset),
        "distribution": [_distribution(shelf, file) for file in dataset.files],
    }
    if shelf.portal.language == "zh":
        said[shelf.field("openness")] = words["openness"]
        said[shelf.field("columns")] = [
            {"title": column.name, "type": column.data_type} for column in dataset.columns
        ]
        said[shelf.field("rows")] = dataset.rows
    return {name: value for name, value in said.items() if value is not None}


def _distribution(shelf: Shelf, file: File) -> dict[str, Any]:
    address = f"{shelf.base}{file.path}"
    common = {"@type": "dcat:Distribution", "title": file.title}
    if file.kind == "api":
        return {**common, "format": "API", "accessURL": address}
    return {**common, "downloadURL": address, "mediaType": file.media_type, "format": file.format}
