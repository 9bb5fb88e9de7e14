"""What of a source's words is understood, field by field, and what is not: a page and a CSV."""

from __future__ import annotations

import csv
import io
import math

from flask import Blueprint, Response, abort, render_template, request

from portal.catalog.model import Source
from portal.catalog.normalisation import TABLE_HEADER, Normalisation, Remaining, Understanding, table_rows
from portal.catalog.sources import UnknownSource
from portal.search.query import Hit
from portal.web.site import site
from portal.web.spreadsheets import harmless
from portal.web.summaries import found

pages = Blueprint("normalisation", __name__)


@pages.get("/sources/<id>/normalisation")
def normalisation(id: str) -> str:
    """Every field the source fills: how much of it is understood, and the most frequent words that are not."""
    source = _source(id)
    return render_template(
        "pages/normalisation.html", source=source, counted=site().catalog.normalisations.get(id), floored=_floored
    )


@pages.get("/sources/<id>/normalisation.csv")
def table(id: str) -> Response:
    """The same as CSV: a line for each field, and after it one for each value that is not understood."""
    source = _source(id)
    lines = io.StringIO("\ufeff")
    lines.seek(0, io.SEEK_END)
    writer = csv.writer(lines)
    writer.writerow(TABLE_HEADER)
    writer.writerows(map(harmless, row) for row in table_rows(_counted(source).fields))
    disposition = f'attachment; filename="{source.id}-normalisation.csv"'
    body = lines.getvalue().encode("utf-8", "replace")
    return Response(body, mimetype="text/csv", headers={"Content-Disposition": disposition})


@pages.get("/sources/<id>/normalisation/datasets")
def datasets(id: str) -> str:
    """Datasets of a source that have one value that is not understood."""
    source = _source(id)
    name, value = request.args.get("field", ""), request.args.get("value", "")
    field = next((each for each in _counted(source).fields if each.field == name), None)
    chosen = None if field is None else _chosen(field, value)
    if field is None or chosen is None:
        abort(404)
    listed = found([Hit(dataset) for dataset in chosen.datasets])
    return render_template(
        "pages/normalisation_datasets.html", source=source, field=field, chosen=chosen, datasets=listed
    )


def _source(id: str) -> Source:
    try:
        return site().catalog.sources.get(id).source
    except UnknownSource:
        abort(404)


def _counted(source: Source) -> Normalisation:
    counted = site().catalog.normalisations.get(source.id)
    if counted is None:
        abort(404)
    return counted


def _chosen(field: Understanding, value: str) -> Remaining | None:
    return next((each for each in field.remaining if each.value == value), None)


def _floored(share: float) -> float:
    """A share rounded down to a tenth of a percent: only all of it is 100 %."""
    return math.floor(share * 1000) / 1000
