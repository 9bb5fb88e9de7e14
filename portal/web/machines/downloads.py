"""A search taken away whole, as CSV or JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request

from portal.catalog.model import Entry
from portal.search.query import QueryNotUnderstood
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


def _found() -> Iterator[Entry]:
    asked = asked_strictly(request.args, _ALLOWED)
    return selection(site().catalog, site().index, asked.query())
