"""Takes files of rows apart: CSV in any encoding, JSON arrays and lines, XLSX workbooks; gzipped or not."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

import msgspec
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from harvester.errors import AnswerTooLarge, PortalNotUnderstood
from harvester.http import Response
from harvester.http.challenges import looks_like_markup
from harvester.http.encodings import charset, inflated
from harvester.http.response import refuse_multitudes
from portal.catalog.model import Issue

UNPACKED_BYTES = 128 * 1024**2
"""Largest file of rows, and largest workbook, unpacked: a hundred thousand rows of thirty columns."""

PACKED_BYTES = 32 * 1024**2
"""Largest workbook as it comes: its table of contents alone takes many times its size in memory."""

MOST_VALUES = 5_000_000
"""In one file of JSON."""

CELL_CHARACTERS = 10 * 1024**2
"""Longest cell of a CSV file."""

_BROKEN = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, struct.error, ArithmeticError, AttributeError, EOFError,
    LookupError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
)
"""What openpyxl raises over a broken workbook: whatever it then stumbles upon (SyntaxError is both XML parsers')."""

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_DELIMITERS = ",\t;|"
_BLANK = re.compile(r"[\s,]*")


def rows(response: Response, *, sheet: str | None, header_row: int) -> Iterator[bytes | Issue]:
    """Each row as the JSON text of one record: the file's own bytes where it is JSON.

    ``sheet`` names one of a workbook's; the first without it. Raises PortalNotUnderstood where the file is none of
    these, or breaks in the middle: then with the byte at which it does.
    """
    body = _unpacked(response)
    if looks_like_markup(body):
        # Says what kind of page it is where it stands in the way of a file.
        response.json()
    if body.startswith(_ZIP):
        return _table(_workbook_rows(body, sheet, response.url), header_row, response.url)
    text = body.decode(charset(body, response.headers.get("Content-Type")), "replace").removeprefix("\ufeff")
    if text.lstrip()[:1] in ("[", "{"):
        refuse_multitudes(body, response.url, MOST_VALUES)
        return _json_rows(text, response.url)
    return _table(_csv_rows(text, response.url), header_row, response.url)


def _unpacked(response: Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in inflated([response.body], "gzip" if response.body.startswith(_GZIP) else ""):
        size += len(piece)
        if size > UNPACKED_BYTES:
            raise AnswerTooLarge(f"more than {UNPACKED_BYTES:,} bytes, unpacked", url=response.url)
        pieces.append(piece)
    return b"".join(pieces)


def _json_rows(text: str, url: str) -> Iterator[bytes]:
    """The objects of arrays and of single values written one after the other.

    Everything is parsed before the first is given: a file that breaks off is no half import.
    """
    decoder = json.JSONDecoder()
    slices: list[str] = []
    position = 0
    while (position := _BLANK.match(text, position).end()) < len(text):  # type: ignore[union-attr]
        try:
            _, end = decoder.raw_decode(text, position)
            slices += _items(text[position:end])
        except (json.JSONDecodeError, msgspec.DecodeError, RecursionError) as error:
            at = error.pos if isinstance(error, json.JSONDecodeError) else position
            offset = len(text[:at].encode("utf-8", "surrogatepass"))
            around = text[max(0, at - 40):at + 40]
            raise PortalNotUnderstood(f"malformed JSON at byte {offset:,}: {error}", url=url, seen=around) from error
        position = end
    if len(slices) == 1:
        slices = _only_list(slices[0], url)
    return (each.encode("utf-8", "surrogatepass") for each in slices)


def _items(text: str) -> list[str]:
    if not text.startswith("["):
        return [text]
    return [bytes(item).decode() for item in msgspec.json.decode(text, type=list[msgspec.Raw])]


def _only_list(text: str, url: str) -> list[str]:
    """Of a single object whose one list of objects holds the records, that list; else the object itself."""
    members: Any = msgspec.json.decode(text)
    if not isinstance(members, dict):
        return [text]
    lists = [name for name, each in members.items() if isinstance(each, list) and each and isinstance(each[0], dict)]
    if len(lists) > 1:
        raise PortalNotUnderstood("several lists in one object", url=url, seen=", ".join(lists))
    if not lists:
        return [text]
    whole = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return _items(bytes(whole[lists[0]]).decode())


def _csv_rows(text: str, url: str) -> Iterator[list[str]]:
    csv.field_size_limit(CELL_CHARACTERS)
    head = text[:8192].splitlines()[0] if text.strip() else ""
    delimiter = max(_DELIMITERS, key=head.count)
    if delimiter not in head:
        raise PortalNotUnderstood("neither CSV, JSON nor XLSX", url=url, seen=text[:200])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise PortalNotUnderstood(f"malformed CSV at line {reader.line_num}: {error}", url=url) from error


def _workbook_rows(body: bytes, sheet: str | None, url: str) -> Iterator[Sequence[Any]]:
    if len(body) > PACKED_BYTES:
        raise AnswerTooLarge(f"a workbook of {len(body):,} bytes", url=url)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            size = sum(each.file_size for each in packed.infolist())
        if size > UNPACKED_BYTES:
            raise AnswerTooLarge(f"a workbook of {size:,} bytes, unpacked", url=url)
        workbook = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        if sheet is not None and sheet not in workbook.sheetnames:
            raise PortalNotUnderstood(f"no sheet {sheet!r}", url=url, seen=", ".join(workbook.sheetnames))
        for row in (workbook[sheet] if sheet else workbook.worksheets[0]).iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    except _BROKEN as error:
        raise PortalNotUnderstood(f"no XLSX workbook, or a broken one: {error}", url=url) from error


def _cell(value: Any) -> Any:
    """A cell as JSON has it: moments as ISO text, whole numbers without the fraction a workbook adds."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _table(given: Iterable[Sequence[Any]], header_row: int, url: str) -> Iterator[bytes | Issue]:
    """Each row under the header as an object; rows without any cell are none."""
    header: list[str] = []
    for number, row in enumerate(given, 1):
        if number < header_row:
            continue
        if number == header_row:
            header = _names(row, url)
            continue
        if all(cell in (None, "") for cell in row):
            continue
        if any(cell not in (None, "") for cell in row[len(header):]):
            yield Issue(code="listing.cells-surplus", url=url, field=str(number), seen=str(row[len(header):])[:500])
        cells = {name: cell for name, cell in zip(header, row, strict=False) if name}
        yield msgspec.json.encode(cells)


def _names(row: Sequence[Any], url: str) -> list[str]:
    """The names of the columns; one without a name is left out. Raises PortalNotUnderstood when one stands twice."""
    names = ["" if cell is None else str(cell).strip() for cell in row]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise PortalNotUnderstood("columns of the same name", url=url, seen=", ".join(twice))
    return names
