"""Tables to take along: rows of plain values as CSV for spreadsheets and, where PyArrow is installed, as Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice

from flask import Response, abort

from portal.scorecard.exports import as_parquet
from portal.web.answers import problem, streamed
from portal.web.spreadsheets import harmless

AT_ONCE = 200
"""Rows written at a time."""

MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
"""The media type of each format."""

TYPES: Mapping[str, str] = {
    "day": "date32",
    "assessed": "bool_",
    **dict.fromkeys(
        ("score", "low", "high", "least", "most", "measured", "weight", "value", "value_low", "value_high", "points_lost"),
        "float64",
    ),
    **dict.fromkeys(
        (
            "datasets", "best_place", "worst_place", "of", "passes", "fails", "unknown", "not_applicable",
            "have", "partial", "stale", "within", "number", "days", "wanted", "answers",
        ),
        "int64",
    ),
}
"""What is in a column, by its name, as PyArrow calls it; in every other column there is text.

A Parquet file says so even of a column that is empty throughout, so that files of several groups can be put together.
"""


def formats() -> tuple[str, ...]:
    """The formats that are offered beside JSON."""
    return tuple(one for one in MEDIA if one != "parquet" or find_spec("pyarrow") is not None)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], suffix: str, name: str) -> Response:
    """The download of a table in the format a suffix stands for; there is none in a format that is not offered."""
    if suffix not in formats():
        abort(problem(404, "No such format", "Parquet needs PyArrow: pip install 'nachuan[parquet]'."))
    pieces = as_csv(columns, rows) if suffix == "csv" else _parquet(columns, rows)
    return streamed(pieces, MEDIA[suffix], f"{name}.{suffix}")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Rows as CSV for spreadsheets: a byte-order mark, and no cell that computes. What is not known is empty."""
    yield "\ufeff" + _csv([columns])
    rest = iter(rows)
    while part := list(islice(rest, AT_ONCE)):
        yield _csv([[_cell(cell) for cell in row] for row in part])


def _cell(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    return harmless(value) if isinstance(value, str) else value


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _parquet(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    types = {name: TYPES.get(name, "string") for name in columns}
    return as_parquet((dict(zip(columns, row, strict=True)) for row in rows), types)
