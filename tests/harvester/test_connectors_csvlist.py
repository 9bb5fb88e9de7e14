"""Catalogues kept as files: encodings, shapes, ids, and what happens when a file is broken."""

from __future__ import annotations

import gzip
import io
import json
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from harvester.connectors.csvlist import records
from harvester.errors import PortalNotUnderstood
from harvester.records import Listing
from tests.harvester.family_portals import Reading, read, source_at, way_out
from tests.hostile import HostileServer, Script, answer, conditional

ROWS = [
    {"标题": "公交站点", "提供单位": "交通局", "更新频率": "每年", "详情页网址": "http://a.example.cn/1"},
    {"标题": "路灯", "提供单位": "城管局", "更新频率": "每月", "详情页网址": "http://a.example.cn/2"},
]
CSV = (
    "标题,提供单位,更新频率,详情页网址\r\n公交站点,交通局,每年,http://a.example.cn/1\r\n"
    "路灯,城管局,每月,http://a.example.cn/2\r\n"
)


def read_file(body: bytes | str, **given: Any) -> Reading:
    return read({"/list": answer(body)}, "csvlist", base="/list", **given)


def told(reading: Reading) -> list[tuple[str, str | None]]:
    return [(dataset.title, dataset.frequency) for dataset in reading.datasets]


EXPECTED = [("公交站点", "annual"), ("路灯", "monthly")]


@pytest.mark.parametrize("body", [
    CSV.encode(), CSV.encode("utf-8-sig"), CSV.encode("gb18030"), CSV.encode("utf-16"),
    CSV.replace(",", "\t").encode(), CSV.replace(",", ";").encode(), gzip.compress(CSV.encode("gbk")),
    CSV.replace("\r\n", "\n\n").encode(),
], ids=["utf-8", "bom", "gb18030", "utf-16", "tabs", "semicolons", "gzip", "empty-lines"])
def test_csv_is_read_in_any_encoding_and_with_any_delimiter(body: bytes) -> None:
    reading = read_file(body)
    assert (told(reading), reading.issues, reading.listing) == (EXPECTED, [], Listing(declared=2, in_one_piece=True))
    assert reading.keys == ["http://a.example.cn/1", "http://a.example.cn/2"]


@pytest.mark.parametrize("body", [
    json.dumps(ROWS),
    json.dumps(ROWS[:1]) + "\r\n" + json.dumps(ROWS[1:]),
    json.dumps(ROWS[:1]) + json.dumps([]) + json.dumps(ROWS[1:]),
    "\n".join(json.dumps(row) for row in ROWS),
    "\ufeff" + json.dumps({"code": 0, "dataList": ROWS, "tags": ["x"]}),
], ids=["array", "two-arrays", "arrays-glued", "lines", "inside-an-object"])
def test_json_is_read_in_every_shape_of_a_list(body: str) -> None:
    assert told(read_file(body)) == EXPECTED


def test_a_json_record_is_the_files_own_bytes() -> None:
    body = '[{"标题" : "公交站点","详情页网址":"http://a.example.cn/1" , "数据量":1.50}]'
    assert [raw.body.decode() for raw in read_file(body).raws] == [body[1:-1]]


def workbook(rows: list[list[Any]], name: str = "目录") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "说明"  # type: ignore[union-attr]
    sheet = book.create_sheet(name)
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_sheet_of_a_workbook_is_read_below_its_header() -> None:
    header = ["标题", None, "更新日期", "数据量"]
    rows: list[list[Any]] = [["某市数据目录"], header, ["公交站点", "x", datetime(2024, 1, 2), 12.0], [None] * 4]
    reading = read_file(workbook(rows), sheet="目录", header_row=2)
    assert [json.loads(raw.body) for raw in reading.raws] == [
        {"标题": "公交站点", "更新日期": "2024-01-02T00:00:00", "数据量": 12}
    ]
    assert [dataset.rows for dataset in reading.datasets] == [12]


def test_every_sheet_that_names_columns_is_read_and_what_stands_above_them_is_left_out() -> None:
    book = openpyxl.Workbook()
    cover, first, second = book.active, book.create_sheet("交通局"), book.create_sheet("城管局")
    assert cover is not None
    cover.append(["填表说明"])
    for sheet, row in ((first, ROWS[0]), (second, ROWS[1])):
        for cells in (["某市数据目录"], [], list(row), list(row.values())[:3], ["注：截至2024年"]):
            sheet.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    reading = read_file(stream.getvalue())
    assert told(reading) == EXPECTED
    # The remark under each table is listed and no dataset; a row that lacks its last cell has not shifted.
    assert [issue.code for issue in reading.issues] == ["record.malformed"] * 2


def test_a_sheet_that_is_not_there_is_reported_with_those_that_are() -> None:
    with pytest.raises(PortalNotUnderstood) as caught:
        read_file(workbook([["标题"], ["x"]]), sheet="数据")
    assert (caught.value.detail, caught.value.seen) == ("no sheet '数据'", "说明, 目录")


@pytest.mark.parametrize("body,detail", [
    ("[" + json.dumps(ROWS[0]) + ",{", "malformed JSON at byte"),
    (json.dumps(ROWS) + "x", f"malformed JSON at byte {len(json.dumps(ROWS).encode()):,}"),
    ('标题,网址\n"公交,1\n', "malformed CSV at line"),
    ("标题,标题\na,b\n", "columns of the same name"),
    ("<html><body>404</body></html>", "HTML instead of JSON"),
    ("PK\x03\x04nothing", "no XLSX workbook"),
    ("<?xml version='1.0'?>\n<!-- x -->\n<BusinessMessage/>", r"XML \(BusinessMessage\) instead of JSON"),
    ("<?xml version='1.0'?><html><body>404</body></html>", "HTML instead of JSON"),
    ("就一行字", "neither CSV, JSON nor XLSX"),
    (json.dumps({"a": ROWS, "b": ROWS}), "several lists in one object"),
    ("nom,service\nBus,Transport\n", "none of the first 1 records is a dataset"),
    (json.dumps([row | {"详情页网址": "http://a.example.cn/"} for row in ROWS]), "all 2 records have the same id"),
])
def test_a_file_that_cannot_be_read_whole_gives_nothing(body: str, detail: str) -> None:
    with pytest.raises(PortalNotUnderstood, match=detail):
        read_file(body.encode("latin-1") if body.startswith("PK") else body)


def test_rows_without_an_id_are_told_apart_by_title_and_publisher_and_then_by_their_order() -> None:
    given = (("甲", 1), ("乙", 1), ("甲", 2), ("甲", 1))
    rows = [{"标题": "年报", "提供单位": office, "数据量": count} for office, count in given]
    reading = read_file(json.dumps(rows))
    assert reading.keys == ["年报␟甲", "年报␟乙", "年报␟甲␟2", "年报␟甲"]
    assert [dataset.rows for dataset in reading.datasets] == [1, 1, 2, 1]


def test_a_source_may_name_the_columns_that_tell_its_rows_apart() -> None:
    rows = [row | {"详情页网址": "http://a.example.cn/", "序号": number} for number, row in enumerate(ROWS)]
    assert read_file(json.dumps(rows), key=["序号", "标题"]).keys == ["0␟公交站点", "1␟路灯"]


def test_a_row_with_more_cells_than_the_header_is_listed_and_not_taken_in() -> None:
    """公交,站点 should have stood in quotation marks: what follows it is in the wrong column."""
    reading = read_file("标题,提供单位\n公交,站点,交通局\n路灯,城管局\n")
    assert [dataset.title for dataset in reading.datasets] == ["路灯"]
    assert [(issue.code, issue.field, issue.seen) for issue in reading.issues] == [
        ("listing.cells-surplus", "2", "['交通局']"), ("record.malformed", None, "a list of 3"),
    ]
    assert reading.listing.declared == len(reading.raws) == 2


def test_a_folder_is_the_files_its_page_links_to_each_once() -> None:
    elsewhere = ("../", "http://[no address/x.csv", "http://elsewhere.example.cn/x.csv")
    names = ("?C=M", *elsewhere, "a.json", "b.csv", "c.csv", "readme.md")
    page = "".join(f"<a href='{name}'>x</a>" for name in names)
    scripts: dict[str, Script] = {
        "/d/": answer(f"<html>{page}</html>"), "/d/a.json": answer(json.dumps(ROWS[:1])),
        "/d/b.csv": answer(CSV.splitlines()[0] + "\n" + CSV.splitlines()[2]), "/d/c.csv": answer(json.dumps(ROWS[:1])),
    }
    reading = read(scripts, "csvlist", base="/d/")
    assert (told(reading), reading.listing) == (EXPECTED, Listing(declared=2, in_one_piece=True))
    assert [issue.code for issue in reading.issues] == ["listing.file-repeated"]
    assert reading.asked == ["/d/", "/d/a.json", "/d/b.csv", "/d/c.csv"]


def test_named_files_are_read_in_their_order() -> None:
    scripts = {"/y/2.json": answer(json.dumps(ROWS[1:])), "/y/1.json": answer(json.dumps(ROWS[:1]))}
    assert told(read(scripts, "csvlist", base="/y/", files=["1.json", "2.json"])) == EXPECTED


def test_a_file_that_has_not_changed_is_not_read_again() -> None:
    with HostileServer({"/list": conditional(json.dumps(ROWS).encode(), etag='"1"')}) as portal:
        source = source_at(f"{portal.url}/list", "csvlist")
        with way_out() as http:
            assert len(list(records(source, http, None))) == 2
            validators = http.seen_validators
        with way_out(validators=validators) as http, pytest.raises(StopIteration) as end:
            next(records(source, http, None))
    assert end.value.value == Listing(not_modified=True)


@pytest.mark.parametrize("columns", ["公交站點、站牌清冊", " 公交站點、站牌清冊\n"])
def test_a_title_that_stands_again_where_the_columns_belong_names_no_column(columns: str) -> None:
    rows = [{"資料集名稱": "公交站點、站牌清冊", "主要欄位": columns}, {"資料集名稱": "站牌", "主要欄位": "站牌、地址"}]
    repeated, named = read({"/list": answer(json.dumps(rows))}, "csvlist", base="/list").datasets
    assert (repeated.columns, [column.name for column in named.columns]) == ((), ["站牌", "地址"])


def test_the_stop_after_the_last_column_and_the_slash_before_an_agency_are_no_part_of_them() -> None:
    row = {"資料集名稱": "名冊", "主要欄位": "公告機關、承辦機關。", "資料來源(部會單位)": "/金門縣政府/政風處"}
    (dataset,) = read({"/list": answer(json.dumps([row]))}, "csvlist", base="/list").datasets
    assert [column.name for column in dataset.columns] == ["公告機關", "承辦機關"]
    assert dataset.publisher is not None and dataset.publisher.name == "金門縣政府/政風處"
