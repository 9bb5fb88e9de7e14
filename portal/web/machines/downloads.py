"""A search taken away whole, as CSV, JSON Lines or data.json."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from flask import Blueprint, Response, request
from msgspec.structs import replace

from portal.catalog.model import Entry
from portal.search.facets import Appearances
from portal.search.query import QueryNotUnderstood
from portal.web import datajson
from portal.web.addresses import base
from portal.web.answers import asked_strictly, refused, streamed
from portal.web.asking import SEARCHES, NotUnderstood
from portal.web.exports import csv_chunks, jsonl_chunks, selection
from portal.web.site import site

machines = Blueprint("downloads", __name__)

_ALLOWED = {"sort", *SEARCHES}


@machines.get("/datasets.csv")
def csv() -> Response:
    """Every dataset found, for a spreadsheet."""
    try:
        found = _found()
    except (NotUnderstood, QueryNotUnderstood) as error:
        return refused(error)
    return streamed(csv_chunks(found, base()), "text/csv", "datasets.csv")


@machines.get("/datasets.jsonl")
def jsonl() -> Response:
    """Every dataset found, one JSON document a line."""
    try:
        found = _found()
    except (NotUnderstood, QueryNotUnderstood) as error:
        return refused(error)
    return streamed(jsonl_chunks(found, base()), "application/x-ndjson", "datasets.jsonl")


@machines.get("/data.json")
def data_json() -> Response:
    """Every dataset found in DCAT-US 1.1, each once: a further appearance would be another dataset to whoever reads it."""
    try:
        asked = asked_strictly(request.args, {name for name in SEARCHES if name != "appearances"})
        # Looked at first: what changes while the document is sent makes another of it for whoever asks again.
        tag = _standing() if asked.finds_everything else None
        found = selection(site().catalog, site().index, replace(asked.query(), appearances=Appearances.ONCE))
    except (NotUnderstood, QueryNotUnderstood) as error:
        return refused(error)
    return streamed(datajson.chunks(found, base()), "application/json", "data.json", tag=tag)


def _standing() -> str:
    """What the whole of data.json depends on: the datasets, which of them count, how they are told, and where."""
    catalog = site().catalog
    told = f"{catalog.last_change()}-{catalog.appearances.newest()}-{datajson.LAYOUT}-{base()}"
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()


def _found() -> Iterator[Entry]:
    asked = asked_strictly(request.args, _ALLOWED)
    return selection(site().catalog, site().index, asked.query())
