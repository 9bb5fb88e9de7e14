"""The high-value list for programs: its entries with their fields, where there is what, and the datasets behind."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from portal.highvalue.coverage import listed
from portal.web import high_value, places
from portal.web import high_value_documents as documents
from portal.web.addresses import base
from portal.web.answers import answer, problem, refused
from portal.web.asking import NotUnderstood
from portal.web.languages import language
from portal.web.pages.high_value import entry_asked, region_asked, state_asked
from portal.web.site import site
from portal.web.tables import table

machines = Blueprint("high_value_documents", __name__)

_TOLD = "application/json"

_HEEDED = {"coverage_table": {"region"}, "datasets_table": {"region", "state"}}
"""Parameters by the view that heeds them; every other heeds none."""


@machines.before_request
def refuse_what_is_not_heeded() -> Response | None:
    """A program is told of a parameter that nobody heeds."""
    heeded = _HEEDED.get((request.endpoint or "").rpartition(".")[2], set())
    unknown = next((name for name in request.args if name not in heeded), None)
    return None if unknown is None else refused(NotUnderstood("there is no such parameter", unknown[:60]))


@machines.errorhandler(404)
def missing(error: NotFound) -> Response:
    """Programs get their errors as JSON."""
    return problem(404, "Not found", "There is no such entry, region or state.")


@machines.get("/high-value.json")
@machines.get("/api/v1/high-value")
def list_() -> Response:
    """Every entry with its fields, its datasets, and how many places stand how."""
    coverage = site().overviews.coverage()
    entries = tuple(documents.entry_document(one, coverage) for one in listed().values())
    return answer(msgspec.json.encode(documents.ListDocument(len(entries), entries)), _TOLD)


@machines.get("/high-value/<id>.json")
@machines.get("/api/v1/high-value/<id>")
def entry(id: str) -> Response:
    """One entry, and how every place stands to it."""
    shown, coverage = entry_asked(id), site().overviews.coverage()
    counts, _ = site().catalog.high_value.field_counts(id)
    whole = documents.WholeEntry(
        documents.entry_document(shown, coverage, counts),
        tuple(documents.cells(coverage, shown, documents.known_regions(coverage), language())),
    )
    return answer(msgspec.json.encode(whole), _TOLD)


@machines.get("/api/v1/regions/<region>/high-value")
def of_region(region: str) -> Response:
    """How a region stands to every entry."""
    if places.region(region) is None:
        return missing(NotFound())
    coverage = site().overviews.coverage()
    cells = [cell for one in listed().values() for cell in documents.cells(coverage, one, (region,), language())]
    found = documents.CoverageDocument(region, places.name(region, language()), tuple(cells))
    return answer(msgspec.json.encode(found), _TOLD)


@machines.get("/high-value.<any(csv, parquet):format_>")
def coverage_table(format_: str) -> Response:
    """How every place stands to every entry, as a table; with ``region`` that region alone."""
    coverage, region = site().overviews.coverage(), request.args.get("region")
    # Here the nation is a place like any other: its row says what it has itself.
    if region and places.region(region) is None:
        return missing(NotFound())
    regions = [region] if region else documents.known_regions(coverage)
    return table(documents.COVERAGE_COLUMNS, documents.coverage_rows(coverage, regions, language()), format_, "high-value")


@machines.get("/high-value/fields.<any(csv, parquet):format_>")
def fields_table(format_: str) -> Response:
    """The expected fields of every entry, as a table."""
    return table(documents.FIELD_COLUMNS, documents.field_rows(), format_, "high-value-fields")


@machines.get("/high-value/<id>.<any(csv, parquet):format_>")
def datasets_table(id: str, format_: str) -> Response:
    """Every dataset that serves an entry, as a table; of a region and all within it, in one state, where asked for."""
    found = high_value.behind(entry_asked(id).id, region_asked(), state_asked())
    return table(documents.DATASET_COLUMNS, documents.dataset_rows(site().catalog, found, base()), format_, id)
