"""The audit of a source: keys nobody decided about, and what of each field is understood."""

from __future__ import annotations

import json
from typing import Any

from harvester.audit import Understanding, Undecided, audit
from harvester.records import RawRecord
from tests.harvester.family_portals import source_at

URL = "http://127.0.0.1/"


def raws(*records: dict[str, Any]) -> list[RawRecord]:
    return [RawRecord(body=json.dumps(record).encode()) for record in records]


def figures(told: Understanding) -> tuple[int, int, list[tuple[str, int]]]:
    return told.given, told.understood, [(each.value, each.count) for each in told.remaining]


ROW = {"标题": "公交", "提供单位": "交通局", "更新频率": "每年", "开放属性": "无条件开放", "所属行业": "交通运输业"}


def test_a_key_that_no_row_names_is_told_with_how_often_and_an_example() -> None:
    given = raws(ROW | {"涉密等级": "一般", "备用": "暂无"}, ROW | {"涉密等级": "无", "附件": [{"大小": 3}]}, ROW | {"涉密等级": "公开"})
    told = audit(source_at(URL, "csvlist"), given)
    # 所属行业 is known and nothing is made of it; what says nothing (暂无) is not counted.
    assert told.undecided == (Undecided("涉密等级", 2, "一般"), Undecided("附件.大小", 1, "3"))
    assert told.records == 3


def test_a_value_that_is_not_understood_is_counted_beside_those_that_are() -> None:
    given = raws(ROW, ROW | {"更新频率": "看情况"}, ROW | {"更新频率": "看情况"}, ROW | {"更新频率": "暂无", "数据量": "12KB"})
    told = {each.field: each for each in audit(source_at(URL, "csvlist"), given).understanding}
    assert figures(told["frequency"]) == (3, 1, [("看情况", 2)])
    assert figures(told["rows"]) == (1, 0, [("12KB", 1)])
    assert told["openness"].share == 1.0
    assert "issued" not in told


def test_a_code_without_a_table_is_not_understood() -> None:
    record = {"list": {"id": "1"}, "detail": {"name": "公交", "frequency": 7, "openAttribute": 0, "新字段": "x"}}
    told = audit(source_at(URL, "jsonapi", family="guizhou"), raws(record))
    shares = {each.field: each.share for each in told.understanding}
    assert shares == {"openness": 1.0, "frequency": 0.0, "region": 0.0}
    assert told.undecided == (Undecided("detail.新字段", 1, "x"),)


def test_the_keys_of_a_page_are_found_under_its_detail() -> None:
    record = {"list": {"id": "1", "title": "公交"}, "detail": {"标题": "公交", "来源部门": "交通局", "保密审查": "已审"}}
    told = audit(source_at(URL, "htmltable", family="jdop"), raws(record))
    assert [key.path for key in told.undecided] == ["detail.保密审查"]
