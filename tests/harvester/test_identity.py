"""Ids that were given once are given for ever: what a dataset's id hangs on is pinned word by word and row by row."""

from __future__ import annotations

import csv
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import schemas
from harvester import identity
from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from portal.catalog.model import Source
from tests.chinese_portals import content
from tests.fixtures import FIXTURES, needs_fixtures

SOURCE = Source(id="pinned", title="示例", kind="csvlist", url="https://data.example.cn/")
PINNED = list(csv.DictReader(Path(__file__).with_name("ids_pinned.csv").read_text(encoding="utf-8").splitlines()))


@cache
def rows(file: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(content(FIXTURES / file))
    return read


def key_of(row: dict[str, Any], *, occurrence: int = 1, source: Source = SOURCE) -> str:
    dataset, issues = to_dataset(RawRecord(body=json.dumps(row).encode(), occurrence=occurrence), source)
    assert dataset is not None, issues
    return dataset.source_key


@needs_fixtures
@pytest.mark.parametrize("pinned", PINNED, ids=lambda pinned: f"{pinned['file']}[{pinned['row']}]")
def test_a_real_row_has_the_id_it_was_given(pinned: dict[str, str]) -> None:
    """Never change the pinned id: whoever links to the dataset uses it."""
    row = rows(pinned["file"])[int(pinned["row"])]
    dataset, _ = to_dataset(RawRecord(body=json.dumps(row).encode()), SOURCE)
    assert dataset is not None and dataset.id == pinned["id"]


@pytest.mark.parametrize("said,word", [
    ("公交站点", "公交站点"), (" 公交\u3000 站点\n", "公交 站点"), ("公交\u200b站点\ufeff", "公交站点"),
    ("公交　ＡＰＩ（１）", "公交 API(1)"),
    ("Bus\tStops\x0b", "Bus Stops"), ("a\x1fb\x85c", "a b c"), ("a\x00b\xadc", "abc"),
    ("<b>公交</b>&amp;站", "<b>公交</b>&amp;站"), ("/金門縣政府/社會處", "/金門縣政府/社會處"),
    ("380120000J 【社會局】", "380120000J 【社會局】"), ("甲␟乙", "甲乙"), ("㈠ ⑴ ㎡", "(一) (1) m2"), ("e\u0301", "\u00e9"), (2024, "2024"),
    (1.5, "1.5"), ("0", "0"), ("暂无数据", "暂无数据"),
    *((silent, "") for silent in (None, True, "", " ", "-", "--", "/", "null", "None", "NaN", "无", "無", "暂无", "暫無", "未知")),
])
def test_rule_1_takes_a_word_as_it_always_did(said: object, word: str) -> None:
    """Never change a line of this: rule 1 is what the ids of all datasets without ids are made by."""
    assert identity.frozen_1(said) == word


def test_a_key_from_words_is_its_words_and_its_number() -> None:
    row = {"标题": " 公交站点", "提供单位": "交通局"}
    assert key_of(row) == "公交站点␟交通局"
    assert key_of(row, occurrence=3) == "公交站点␟交通局␟3"
    assert key_of({"标题": "公交站点"}) == "公交站点␟"
    assert identity.dataset_id("pinned", "公交站点␟交通局") == "6ywwvhbrhuo7j43f"


@pytest.mark.parametrize("row", [
    {"标题": " 公交站点", "提供单位": "交通局\n"}, {"标题": "公交站点\u3000", "提供单位": "\u200b交通局"},
    {"标题": "公交站点", "提供单位": "交通局", "更新频率": "每年", "数据量": 12},
    {"*标题：": "公交站点", "提供单位（必填）": "交通局"}, {"资源名称": "公交站点", "提供单位": "交通局"},
    {"标题": "公交站点", "来源部门": "暂无", "提供单位": "交通局"},
])
def test_what_does_not_change_the_words_does_not_change_the_key(row: dict[str, Any]) -> None:
    assert key_of(row) == "公交站点␟交通局"


def test_columns_that_a_source_names_are_taken_by_the_same_rule() -> None:
    own = Source(id="own", title="x", kind="csvlist", url="http://x/", options={"key": ["标题", "提供单位"]})
    row = {"目录编码": "C1", "标题": "公交站点\u3000", "提供单位": "交通局"}
    assert (key_of(row, source=own), key_of(row)) == ("公交站点␟交通局", "C1")


def test_the_words_are_those_of_the_keys_that_a_source_names() -> None:
    own = Source(id="own", title="x", kind="csvlist", url="http://x/", options={"crosswalk": {"title": "题名"}})
    assert key_of({"题名": "路灯", "标题": "公交站点"}, source=own) == "路灯␟"


@pytest.mark.parametrize("key,number", [
    ("年报␟甲", 1), ("年报␟␟2", 2), ("年报␟甲␟12", 12), ("年报␟2024", 1), ("C001", 1),
])
def test_the_number_of_a_key_is_read_back_and_no_year_is_taken_for_one(key: str, number: int) -> None:
    assert identity.occurrence_of(key) == number


# Which keys hold ids, titles and publishers: (how many, a digest of them in their order).
FIXED = {"source_key": (49, "fa46fac2d34ff9cb")}
GROWING = {"title": (38, "528435d6803300ad"), "publisher.name": (77, "05e3d462a0e5601f")}


def digest(keys: list[str]) -> str:
    return hashlib.blake2b(" | ".join(keys).encode(), digest_size=8).hexdigest()


@pytest.mark.parametrize("field", [*FIXED, *GROWING])
def test_the_keys_that_ids_hang_on_stay_in_their_order(field: str) -> None:
    """A key of the row ``source_key`` less or more gives whole portals other ids; the two others grow at their ends only."""
    (row,) = (row for row in schemas.crosswalk("native") if row.field == field)
    keys = row.path.split(" | ")
    count, pinned = (FIXED | GROWING)[field]
    assert digest(keys[:count]) == pinned
    assert field in GROWING or len(keys) == count
