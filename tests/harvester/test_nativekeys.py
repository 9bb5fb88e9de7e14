"""The keys of portals nobody knows: other spellings of a known name are it, and no key is taken for another."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

import schemas
from harvester.audit import audit
from harvester.crosswalk import to_dataset
from harvester.nativekeys import _folded, akin, known
from harvester.records import RawRecord
from portal.catalog.model import Dataset, Source
from tests.harvester.family_portals import source_at

SOURCE = source_at("http://example.cn/list", "csvlist")


def read(row: dict[str, Any], source: Source = SOURCE) -> Dataset:
    dataset, _ = to_dataset(RawRecord(body=json.dumps(row).encode()), source)
    assert dataset is not None
    return dataset


@pytest.mark.parametrize("written,key", [
    ("数据集名称", "数据集名称"), (" 数据集名称：", "数据集名称"), ("*数据集名称（必填）", "数据集名称"), ("【数据集名称】", "数据集名称"),
    ("數據集名稱", "数据集名称"), ("数据集\n名称", "数据集名称"), ("ｃａｔａ＿ｔｉｔｌｅ", "cataTitle"), ("CATA_TITLE", "cataTitle"),
    ("cata-title", "cataTitle"), ("数据量(条)", "数据量"), ("org_name", "orgName"),
    ("收錄期間(迄)", "收錄期間(迄)"), ("更新頻率", "更新頻率"),
    ("数据集", None), ("行政相对人名称", None), ("x" * 100, None), ("", None), ("（）", None),
])
def test_a_key_is_known_in_every_spelling_and_no_other_key_is(written: str, key: str | None) -> None:
    assert known(written) == key


@pytest.mark.parametrize("written,key", [
    ("数据集发布时间", "发布时间"), ("公共数据资源更新周期", "更新周期"), ("所属主题名称", "所属主题"), ("资源联系人", "联系人"),
    ("conf_update_cycle", "updateCycle"), ("updateCycleName", "updateCycle"), ("cataFormatDetail", "format"),
    ("UPDATE_TIME_STR", "updateTime"),
    ("数据更新时间", None), ("数据集", None), ("数据编号", None), ("行政相对人名称", None), ("userName", None), ("typeName", None),
    # Ids hang on titles and publishers, and dataUrl may be the file's.
    ("资源唯一标识符", None), ("catalogUuid", None), ("metaTitle", None), ("infoProvider", None), ("dataUrl", None),
])
def test_a_key_is_akin_to_one_that_it_is_but_for_a_word_before_or_after_it(written: str, key: str | None) -> None:
    assert akin(written) == key


def test_an_akin_key_is_read_where_the_record_has_no_other_for_its_field() -> None:
    row = {"标识符": "7", "标题": "公交站点", "数据集更新周期": "每月", "conf_released_time": "2023-01-01", "conf_view_num": 9}
    assert read(row).frequency == "monthly" and read(row).issued is not None
    assert read(row | {"gxzq": "每年"}).frequency == "annual"
    told = audit(SOURCE, [RawRecord(body=json.dumps(row | {"gxzq": "每年"}).encode())])
    assert [each.path for each in told.undecided] == ["数据集更新周期"]


@pytest.mark.parametrize("said,frequency,raw", [
    ({"update_cycle": "4", "update_cycle_name": "每月"}, "monthly", "每月"),
    ({"update_cycle": 4, "updateCycleText": "每月"}, "monthly", "每月"),
    ({"update_cycle": "4", "updateCycleName": "5"}, None, "4"),
    ({"update_cycle": "4", "updateCycleName": None}, None, "4"),
    ({"更新周期": "每年", "更新周期名称": "每月"}, "annual", "每年"),
])
def test_of_a_code_and_its_words_the_words_are_read(said: dict[str, Any], frequency: str | None, raw: str) -> None:
    row = {"标识符": "7", "标题": "公交站点"} | said
    assert (read(row).frequency, read(row).frequency_raw) == (frequency, raw)
    assert audit(SOURCE, [RawRecord(body=json.dumps(row).encode())]).undecided == ()


def test_keys_of_one_fold_are_read_for_the_same_field() -> None:
    """Otherwise a spelling of the one would be taken for the other."""
    fields: dict[str, set[str]] = defaultdict(set)
    folds: dict[str, set[str]] = defaultdict(set)
    for row in schemas.crosswalk("native"):
        for key in row.path.split(" | "):
            fields[key].add(row.field)
            folds[_folded(key)].add(key)
    assert [keys for keys in folds.values() if len({frozenset(fields[key]) for key in keys}) > 1] == []


def test_a_row_in_english_keys_of_a_portal_nobody_knows_is_read() -> None:
    dataset = read({
        "cata_id": "7", "cata_title": "公交站点", "ORG_NAME": "某市交通运输局", "update_cycle": "每月", "open_type": "无条件开放",
        "released_time": "2023-01-01", "lastUpdateTime": "2024-01-01", "fileFormats": "xlsx,csv", "cata_tags": "公交,站点",
        "dataCount": "12", "viewCount": 3, "contactTel": "0571-88880000", "subjectName": "交通运输", "resAbstract": "全市",
    })
    assert (dataset.source_key, dataset.title, dataset.publisher and dataset.publisher.name) == (
        "7", "公交站点", "某市交通运输局")
    assert (dataset.frequency, dataset.openness, dataset.rows, dataset.views) == ("monthly", "unconditional", 12, 3)
    assert (dataset.themes, dataset.keywords, dataset.description) == (("transport",), ("公交", "站点"), "全市")
    assert [each.format for each in dataset.distributions] == ["xlsx", "csv"]
    assert dataset.issued is not None and dataset.modified is not None and dataset.contact is not None


def test_a_digit_means_nothing_without_the_portals_own_table() -> None:
    dataset = read({"cata_id": "7", "cata_title": "公交站点", "update_cycle": 4, "open_type": "1"})
    assert (dataset.frequency, dataset.frequency_raw, dataset.openness, dataset.openness_raw) == (None, "4", None, "1")


def test_of_two_spellings_the_one_the_table_has_is_read_and_the_other_is_told() -> None:
    row = {"标识符": "7", "标题": "公交站点", "*标题": "路灯"}
    assert read(row).title == "公交站点"
    told = audit(SOURCE, [RawRecord(body=json.dumps(row).encode())])
    assert [each.path for each in told.undecided] == ["*标题"]


def test_a_key_in_another_spelling_is_decided_about() -> None:
    row = {"标识符": "7", "*标题（必填）": "公交站点", "ORG_NAME": "某局", "zhDept": "x"}
    told = audit(SOURCE, [RawRecord(body=json.dumps(row).encode())])
    assert [each.path for each in told.undecided] == ["zhDept"]


def test_a_source_may_name_a_key_as_its_portal_writes_it() -> None:
    own = source_at("http://example.cn/list", "csvlist", crosswalk={"description": "*标题（必填）", "title": "题名"})
    dataset = read({"标识符": "7", "*标题（必填）": "全市站点", "题名": "公交站点"}, own)
    assert (dataset.title, dataset.description) == ("公交站点", "全市站点")


@pytest.mark.parametrize("word,openness", [
    ("无条件开放", "unconditional"), ("可开放", "open-unqualified"), ("暂定", None), ("1", "denied"),
])
def test_a_key_of_openness_that_a_source_names_is_read_in_every_way_and_kept(word: str, openness: str | None) -> None:
    own = source_at(
        "http://example.cn/list", "csvlist", crosswalk={"openness": "开放情况", "openness_raw": "开放情况"},
        codes={"openness": {"1": "denied"}},
    )
    dataset = read({"标识符": "7", "标题": "公交站点", "开放情况": word}, own)
    assert (dataset.openness, dataset.openness_raw) == (openness, word)


def test_a_key_that_a_family_or_a_source_names_is_read_for_nothing_else() -> None:
    """Guizhou's dataCapacity is no number of rows, and createTime is unused here."""
    family = source_at("http://example.cn/", "jsonapi", family="gd_opendata", crosswalk={"unused": "detail.createTime"})
    record = {"list": {"resId": "7"}, "detail": {
        "resTitle": "公交站点", "openCondition": "需实名", "createTime": "2023-01-01", "orgName": "某局"}}
    dataset = read(record, family)
    assert (dataset.openness, dataset.openness_condition, dataset.issued) == (None, "需实名", None)
    # A key that gd's table does not have, and that many portals use.
    assert dataset.publisher is not None and dataset.publisher.name == "某局"


@pytest.mark.parametrize("said,openness,raw,condition", [
    ({"开放状态": "可开放", "开放条件": "有条件开放"}, "conditional", "有条件开放", None),
    ({"开放条件": "无条件开放", "开放类型": "可开放"}, "unconditional", "无条件开放", None),
    ({"开放类型": "可开放"}, "open-unqualified", "可开放", None),
    ({"开放条件": "开放网站"}, "open-unqualified", "开放网站", None),
    ({"开放条件": "开放网站申请"}, "conditional", "开放网站申请", None),
    ({"开放状态": "可开放", "开放条件": "用于数据校验"}, "open-unqualified", "可开放", "用于数据校验"),
    ({"开放条件": "数源部门同意"}, "conditional", "数源部门同意", "数源部门同意"),
    ({"开放条件": "用于数据校验"}, None, "用于数据校验", "用于数据校验"),
    ({"开放条件": "请补充开放条件"}, None, None, None),
    ({"是否向社会开放": "是"}, "open-unqualified", "是", None),
    ({"是否开放": "否", "开放条件": "用于数据校验"}, "denied", "否", "用于数据校验"),
    ({"isOpen": True, "openType": "有条件开放"}, "conditional", "有条件开放", None),
    ({"isOpen": False}, "denied", "false", None),
    ({"isOpen": "1"}, None, "1", None),
    ({"开放条件": "否"}, None, "否", "否"),
    ({"条件开放": "实名制开放"}, "registration", "实名制开放", None),
    ({"开放条件": "开放数据平台"}, "open-unqualified", "开放数据平台", None),
])
def test_what_says_more_of_openness_holds_and_a_condition_in_words_stays(
    said: dict[str, Any], openness: str | None, raw: str | None, condition: str | None
) -> None:
    dataset = read({"标识符": "7", "标题": "公交站点"} | said)
    assert (dataset.openness, dataset.openness_raw, dataset.openness_condition) == (openness, raw, condition)


def test_a_theme_is_shown_in_the_words_that_were_understood() -> None:
    """Huainan says 政务 under one key and 生态环境 under another."""
    dataset = read({"标识符": "7", "标题": "公交站点", "数据领域": "长三角高价值清单", "主题分类": "生态环境"})
    assert (dataset.themes, dataset.themes_raw) == (("environment",), ("长三角高价值清单", "生态环境"))


@pytest.mark.parametrize("said,themes,raw", [
    (["社保就业"], ("social-security",), ("社保就业",)), ("['社保就业']", ("social-security",), ("社保就业",)),
    (["教育服务", "长三角高价值清单"], ("education-culture",), ("教育服务", "长三角高价值清单")),
    ("政法、监察", ("legal-services", "institutions"), ("政法、监察",)), ([None], (), ()),
    ("气象 水文 测绘 地震", ("weather", "environment", "geospatial", "public-safety"), ("气象 水文 测绘 地震",)),
])
def test_themes_are_read_out_of_lists_and_of_glued_words(
    said: object, themes: tuple[str, ...], raw: tuple[str, ...]
) -> None:
    """Neijiang's records have a list, and Yinchuan's the glued subjects of GB/T 21063.4."""
    dataset = read({"标识符": "7", "标题": "公交站点", "主题": said})
    assert (dataset.themes, dataset.themes_raw) == (themes, raw)


@pytest.mark.parametrize("word,code", [
    ("每 3 月", "quarterly"), ("每年1次", "annual"), ("每月2次", "monthly-2"), ("每 121 日", None),
    ("As and when necessary", "as-needed"),
])
def test_how_often_is_understood_with_gaps_and_digits(word: str, code: str | None) -> None:
    assert read({"标识符": "7", "标题": "公交站点", "更新频率": word}).frequency == code
