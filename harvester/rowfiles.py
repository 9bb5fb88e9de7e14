"""Takes files of rows apart: CSV in any encoding, JSON arrays and lines, XLSX workbooks; gzipped or not."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import chain, islice
from typing import Any, NamedTuple, TypeAlias

import msgspec
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from harvester import shapes
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

HEAD_ROWS = 20
"""Rows among which the header is looked for."""

HEAD_CHARACTERS = 8192
"""Characters of a CSV file among which it is."""

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTENTS = "[Content_Types].xml"
"""What every file of Office Open XML holds."""
_DELIMITERS = ",\t;|，"
_BLANK = re.compile(r"[\s,]*")


Naming: TypeAlias = Callable[[Sequence[Any]], int]
"""How many columns a row names by words that are known; 0 where it fills columns."""


class Rows(NamedTuple):
    """The rows of a file."""

    given: Iterator[bytes | Issue]
    """Each as the JSON text of one record: the file's own bytes where it is JSON."""
    stated: int | None
    """How many records the file says there are, where it says so beside their list."""


def rows(response: Response, naming: Naming, *, sheet: str | None, header_row: int | None) -> Rows:
    """What a file of rows holds.

    The header of a table is its row ``header_row``; without that the one of the first that names most columns, or else the
    first of all.
    ``sheet`` names one of a workbook's; without it every one that names columns, or else the first. Raises
    PortalNotUnderstood where the file is none of these, breaks in the middle (then with the byte at which it does), or
    has a header that no row fits; the latter two may come only after the last row.
    """
    body, url = _unpacked(response), response.url
    if looks_like_markup(body):
        # Says what kind of page it is where it stands in the way of a file.
        response.json()
    if body.startswith(_ZIP):
        # The cells of a workbook say their columns themselves: a row that ends early is not shifted.
        sheets = (
            _objects(each, naming, header_row, url, shifts=False) for each in _sheets(body, naming, sheet, url)
        )
        return Rows(chain.from_iterable(sheets), None)
    if body.startswith(_OLD_WORKBOOK):
        raise PortalNotUnderstood("a workbook as Excel wrote them before 2007 (XLS): only XLSX is read", url=url)
    text = _text(body, response.headers.get("Content-Type"), naming)
    if "\0" in text:
        raise PortalNotUnderstood("no text: it holds zero bytes, as UTF-16 without its mark does", url=url, seen=text[:200])
    text = shapes.unwrapped(text)
    if text.lstrip()[:1] not in ("[", "{"):
        return Rows(_objects(_csv_rows(text, naming, url), naming, header_row, url), None)
    refuse_multitudes(body, url, MOST_VALUES)
    slices, stated = _json_rows(text, url)
    if slices and all(each.startswith("[") for each in slices):
        cells = (msgspec.json.decode(each, type=list[Any]) for each in slices)
        return Rows(_objects(cells, naming, header_row, url), stated)
    return Rows((each.encode("utf-8", "surrogatepass") for each in slices), stated)


def _text(body: bytes, declared: str | None, naming: Naming) -> str:
    """The text of a file; Big5, which can be read as GB18030 and then means nothing, where that alone names columns."""
    codec = charset(body, declared)
    text = body.decode(codec, "replace").removeprefix("\ufeff")
    if codec == "gb18030" and not any(_named(text, naming).values()):
        taiwanese = body.decode("cp950", "replace")
        return taiwanese if any(_named(taiwanese, naming).values()) else text
    return text


def _unpacked(response: Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in inflated([response.body], "gzip" if response.body.startswith(_GZIP) else ""):
        size += len(piece)
        if size > UNPACKED_BYTES:
            raise AnswerTooLarge(f"more than {UNPACKED_BYTES:,} bytes, unpacked", url=response.url)
        pieces.append(piece)
    return b"".join(pieces)


def _json_rows(text: str, url: str) -> tuple[list[str], int | None]:
    """The items of arrays and the single values written one after the other, and how many there are said to be.

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
    if len(slices) == 1 and slices[0].startswith("{"):
        return _only_list(slices[0], url)
    return slices, None


def _items(text: str) -> list[str]:
    if not text.startswith("["):
        return [text]
    return [bytes(item).decode() for item in msgspec.json.decode(text, type=list[msgspec.Raw])]


def _only_list(text: str, url: str) -> tuple[list[str], int | None]:
    """Of a single object whose one list of objects holds the records, that list; else the object itself."""
    members: Any = msgspec.json.decode(text)
    paths = shapes.lists(members)
    nearest = [path for path in paths if "." not in path] or paths
    if len(nearest) > 1:
        raise PortalNotUnderstood("several lists in one object", url=url, seen=", ".join(nearest))
    stated: list[int] = []
    for step in nearest[0].split(".") if nearest else ():
        if (number := shapes.stated(members)) is not None:
            stated.append(number)
        members = members[step]
        text = bytes(msgspec.json.decode(text, type=dict[str, msgspec.Raw])[step]).decode()
    return _items(text), max(stated, default=None)


def _csv_rows(text: str, naming: Naming, url: str) -> Iterator[list[str]]:
    """The cells of a CSV file, parted by what makes a header of one of its first rows, else by what its first has most of.

    Raises PortalNotUnderstood where it is none, or its last row breaks off.
    """
    csv.field_size_limit(CELL_CHARACTERS)
    named = _named(text, naming)
    first = text[:HEAD_CHARACTERS].splitlines()[0] if text.strip() else ""
    delimiter = max(_DELIMITERS, key=lambda each: (named[each], first.count(each)))
    if not named[delimiter] and delimiter not in first:
        raise PortalNotUnderstood("neither CSV, JSON nor XLSX", url=url, seen=text[:200])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    widest = 0
    row: list[str] = []
    try:
        for row in reader:
            widest = max(widest, len(row))
            yield row
    except csv.Error as error:
        raise PortalNotUnderstood(f"malformed CSV at line {reader.line_num}: {error}", url=url) from error
    if len(row) < widest and not text.endswith(("\n", "\r")):
        raise PortalNotUnderstood("the last row breaks off", url=url, seen=str(row)[:500])


def _named(text: str, naming: Naming) -> dict[str, int]:
    """How many columns one of the first rows names at most, by what it is parted with."""
    head = text[:HEAD_CHARACTERS].splitlines()
    return {
        delimiter: max(map(naming, csv.reader(head, delimiter=delimiter)), default=0) for delimiter in _DELIMITERS
    }


def _sheets(body: bytes, naming: Naming, name: str | None, url: str) -> list[Iterator[Sequence[Any]]]:
    """The rows of the sheet of that name; without one of every sheet that names columns, or else of the first."""
    if len(body) > PACKED_BYTES:
        raise AnswerTooLarge(f"a workbook of {len(body):,} bytes", url=url)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            size = sum(each.file_size for each in packed.infolist())
            names = packed.namelist()
        if _CONTENTS not in names:
            raise PortalNotUnderstood(f"a ZIP archive and no workbook: it holds {', '.join(names)[:200]}", url=url)
        if size > UNPACKED_BYTES:
            raise AnswerTooLarge(f"a workbook of {size:,} bytes, unpacked", url=url)
        workbook = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        if name is not None and name not in workbook.sheetnames:
            raise PortalNotUnderstood(f"no sheet {name!r}", url=url, seen=", ".join(workbook.sheetnames))
        if name is not None:
            return [_rows_of(workbook[name], url)]
        tables = [sheet for sheet in workbook.worksheets if any(map(naming, islice(_rows_of(sheet, url), HEAD_ROWS)))]
        return [_rows_of(sheet, url) for sheet in tables or workbook.worksheets[:1]]
    except _BROKEN as error:
        raise PortalNotUnderstood(f"no XLSX workbook, or a broken one: {error}", url=url) from error


def _rows_of(sheet: Any, url: str) -> Iterator[Sequence[Any]]:
    try:
        for row in sheet.iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    except _BROKEN as error:
        raise PortalNotUnderstood(f"no XLSX workbook, or a broken one: {error}", url=url) from error


def _cell(value: Any) -> Any:
    """A cell as JSON has it: moments as ISO text, whole numbers without the fraction a workbook adds."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _objects(
    given: Iterator[Sequence[Any]], naming: Naming, header_row: int | None, url: str, *, shifts: bool = True
) -> Iterator[bytes | Issue]:
    """Each row under the header as an object; rows without any cell, and headers that come again, are none.

    A row with more cells than the header, or with a single one, is given as the list of its cells, which is no dataset.
    ``shifts`` is whether a cell that is left out shifts those after it.
    """
    above = list(islice(given, HEAD_ROWS))
    start = header_row or 1 + max(range(len(above)), key=lambda place: naming(above[place]), default=0)
    header: list[str] = []
    headline: Sequence[Any] = ()
    width = fitting = rows = 0
    for number, row in enumerate(chain(above, given), 1):
        said = [cell for cell in row if cell not in (None, "")]
        if number == start:
            header, headline = _names(row, url), row
            width = max((place for place, name in enumerate(header, 1) if name), default=0)
        if number <= start or not said or row == headline or (number <= HEAD_ROWS and naming(row)):
            continue
        rows += 1
        surplus = [cell for cell in row[len(header):] if cell not in (None, "")]
        fitting += len(row) >= width and not surplus
        if surplus:
            yield Issue(code="listing.cells-surplus", url=url, field=str(number), seen=str(surplus)[:500])
        if surplus or len(said) == 1 and width > 2:
            yield msgspec.json.encode(row)
        else:
            yield msgspec.json.encode({name: cell for name, cell in zip(header, row, strict=False) if name})
    if not rows and not naming(headline):
        raise PortalNotUnderstood("a single row, and it names no columns", url=url, seen=str(header)[:200])
    if shifts and rows > 1 and not fitting:
        detail = f"the header names {width} columns, and no row has as many cells"
        raise PortalNotUnderstood(detail, url=url, seen=str(header)[:500])


def _names(row: Sequence[Any], url: str) -> list[str]:
    """The names of the columns; one without a name is left out. Raises PortalNotUnderstood when one stands twice."""
    names = ["" if cell is None else str(cell).strip() for cell in row]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise PortalNotUnderstood("columns of the same name", url=url, seen=", ".join(twice))
    return names
