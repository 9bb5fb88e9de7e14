"""Files of rows that are meant to hurt: bombs, entities, broken workbooks (faults P28, P29, P35, P37, P38)."""

from __future__ import annotations

import gzip
import io
import json
import random
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable

import openpyxl
import pytest

from harvester import rowfiles
from harvester.errors import AnswerTooLarge, HarvestError, PortalNotUnderstood
from harvester.http import Response

ROWS = [["编号", "名称"], ["1", "公交线路"], ["2", "公园绿地"]]


def workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


GOOD = workbook()
PARTS = [each.filename for each in zipfile.ZipFile(io.BytesIO(GOOD)).infolist()]


def with_part(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as good, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as other:
        for each in PARTS:
            content = good.read(each)
            other.writestr(each, change(content) if each == name else content)
    return file.getvalue()


def read(body: bytes) -> list[bytes]:
    response = Response("http://portal.example/list", 200, {}, body)
    given = rowfiles.rows(response, lambda row: sum(name in ROWS[0] for name in row), sheet=None, header_row=1).given
    return [row for row in given if isinstance(row, bytes)]


def test_a_workbook_is_read() -> None:
    assert [json.loads(row) for row in read(GOOD)] == [dict(zip(ROWS[0], row)) for row in ROWS[1:]]


@pytest.mark.parametrize("seed", range(20))
def test_p28_a_workbook_broken_anywhere_is_one_error(seed: int) -> None:
    """openpyxl then raises whatever it stumbles upon; it may also not notice, and read what is left."""
    rng = random.Random(seed)

    def broken(content: bytes) -> bytes:
        body = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            if rng.random() < 0.5:
                body[at] = rng.randrange(256)
            else:
                del body[at:at + rng.randint(1, 60)]
        return bytes(body)

    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(15):
            body = broken(GOOD) if rng.random() < 0.3 else with_part(rng.choice(PARTS), broken)
            try:
                read(body)
            except HarvestError:
                refused += 1
    assert refused


def sheet(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _: content


@pytest.mark.slow
def test_p35_a_workbook_that_unpacks_to_too_much_is_not_unpacked() -> None:
    bomb = with_part("xl/worksheets/sheet1.xml", sheet(bytes(rowfiles.UNPACKED_BYTES + 1)))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge, match="a workbook of 134,2"):
            read(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * 1024**2


def test_p35_a_workbook_that_lies_about_its_size_is_broken() -> None:
    body = bytearray(with_part("xl/worksheets/sheet1.xml", sheet(bytes(1_000_000))))
    place = body.rindex(b"PK\x01\x02")
    while b"sheet1.xml" not in body[place:place + 100]:
        place = body.rindex(b"PK\x01\x02", 0, place)
    body[place + 24:place + 28] = (100).to_bytes(4, "little")
    with pytest.raises(PortalNotUnderstood):
        read(bytes(body))


def test_p35_a_packed_file_of_rows_is_unpacked_as_far_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowfiles, "UNPACKED_BYTES", 1_000_000)
    with pytest.raises(AnswerTooLarge, match="more than 1,000,000 bytes, unpacked"):
        read(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))
    with pytest.raises(AnswerTooLarge, match="more than 1,000,000 bytes, unpacked"):
        read(b"a,b\n" + b"1,2\n" * 1_000_000)


def test_p37_entities_that_multiply_in_a_workbook_are_refused() -> None:
    names = "abcdefghi"
    bomb = '<!ENTITY a "' + "x" * 50 + '">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 20}">' for before, name in zip(names, names[1:])
    )

    def with_bomb(content: bytes) -> bytes:
        head, _, rest = content.decode().rpartition("<sheetData>")
        declared = f"<!DOCTYPE worksheet [{bomb}]>" + head.rpartition("?>")[2] + "<sheetData>"
        return (declared + rest.replace("<row", '<row><c t="str"><v>&i;</v></c></row><row', 1)).encode()

    with pytest.raises(PortalNotUnderstood, match="amplification"):
        read(with_part("xl/worksheets/sheet1.xml", with_bomb))


def test_p38_an_entity_in_a_workbook_reads_no_file() -> None:
    def with_entity(content: bytes) -> bytes:
        head, _, rest = content.decode().rpartition("<sheetData>")
        declared = '<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + head.rpartition("?>")[2]
        return (declared + "<sheetData>" + rest.replace("</v>", "&x;</v>").replace("</t>", "&x;</t>")).encode()

    try:
        said = b"".join(read(with_part("xl/worksheets/sheet1.xml", with_entity)))
    except PortalNotUnderstood as error:
        said = str(error).encode()
    assert b"root:" not in said


def test_p29_a_file_of_more_values_than_allowed_is_not_parsed() -> None:
    with pytest.raises(AnswerTooLarge, match="values in one answer"):
        read(b"[" + b"[]," * rowfiles.MOST_VALUES + b"[]]")
