"""Real rows of 28 Chinese and 15 Taiwanese portals, harvested: as files, and in the real shape of their families."""

from __future__ import annotations

import gzip
import html as markup
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine

import schemas
from harvester import crosswalk
from harvester.connectors import CONNECTORS
from harvester.http import Http, Validators
from harvester.native_cleaners import UNFILLED
from harvester.pipeline import harvest
from harvester.records import RawRecord
from harvester.texts import says_nothing
from portal.catalog.model import Counts, Guard, Outcome, Run, Source
from portal.catalog.store import Catalog
from tests.chinese_portals import OPENNESS, datasets
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.family_portals import (
    Reading,
    asked_encoded_json,
    asked_form,
    asked_json,
    asked_query,
    html,
    one_of,
    paged,
    read,
    source_at,
)
from tests.hostile import HostileServer, Script, Talk, answer, json_answer, sequence

pytestmark = needs_fixtures

CN = FIXTURES / "cn_portals"
NAMES = sorted(path.name for path in CN.iterdir()) if CN.is_dir() else []

REPEATED = {"sichuan_yibin.json.gz": 654, "zhejiang_jinhua.json": 2}
"""Rows that stand in a file again, exactly: all others have none."""


def content(path: Path) -> bytes:
    body = path.read_bytes()
    return gzip.decompress(body) if path.suffix == ".gz" else body


def rows_of(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(content(CN / name))
    return rows


def manifest() -> Mapping[str, int]:
    lines = (FIXTURES / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split("\t")[0]: int(line.split("\t")[5] or 0) for line in lines}


def way_out(validators: Mapping[str, Validators] = {}) -> Http:  # noqa: B006
    return Http(
        requests_per_second=math.inf, allow_private=[ip_network("127.0.0.0/8")], validators=validators
    )


def harvested(catalog: Catalog, source: Source, *, full: bool = True) -> Run:
    catalog.sources.put(source)
    return harvest(source, catalog, CONNECTORS[source.kind], way_out, holder="test", full=full)


def read_whole(name: str) -> Reading:
    return read({"/list": answer((FIXTURES / name).read_bytes())}, "csvlist", base="/list")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name.endswith(".gz") else name for name in NAMES
])
def test_every_file_gives_as_many_datasets_as_the_manifest_says_less_exact_repeats(name: str) -> None:
    reading = read_whole(f"cn_portals/{name}")
    rows = rows_of(name)
    distinct = len({json.dumps(row, sort_keys=True) for row in rows})
    assert len(rows) == len(reading.raws) == reading.listing.declared == manifest()[f"cn_portals/{name}"]
    assert len(rows) - distinct == REPEATED.get(name, 0)
    assert len(reading.datasets) == len(rows)
    assert len(set(reading.keys)) == distinct
    assert Counter(issue.code for issue in reading.issues if issue.code != "field.not-understood") == {}


@pytest.mark.slow
def test_r3_and_r1_rows_that_repeat_are_duplicates_and_the_run_is_complete(catalog: Catalog) -> None:
    """R3: Yibin's 4,430 rows are 3,776 datasets. R1: pages fetched again and again are no failure of the run."""
    with HostileServer({"/list": answer((CN / "sichuan_yibin.json.gz").read_bytes())}) as portal:
        run = harvested(catalog, source_at(f"{portal.url}/list", "csvlist"))
    assert (run.outcome, run.declared) == (Outcome.COMPLETE, 4430)
    assert run.counts == Counts(listed=4430, added=3776, duplicate=654)


def test_r1_a_page_fetched_115_times_is_its_20_datasets(catalog: Catalog) -> None:
    page = rows_of("guangxi_laibin.json")[:20]
    body = "".join(json.dumps(page) for _ in range(115))
    with HostileServer({"/list": answer(body)}) as portal:
        run = harvested(catalog, source_at(f"{portal.url}/list", "csvlist"))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=2300, added=20, duplicate=2280))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jiangsu_huaian.json", "zhejiang_jinhua.json", "guizhou_zunyi.json"])
def test_r8_a_second_harvest_changes_nothing(catalog: Catalog, name: str) -> None:
    with HostileServer({"/list": answer((CN / name).read_bytes())}) as portal:
        source = source_at(f"{portal.url}/list", "csvlist")
        first, second = harvested(catalog, source), harvested(catalog, source)
    assert second.counts == Counts(
        listed=first.counts.listed, unchanged=first.counts.added, duplicate=first.counts.duplicate
    )


@pytest.mark.slow
def test_r9_the_hundred_records_that_went_are_retired_after_their_grace(catalog: Catalog) -> None:
    rows = rows_of("sichuan_aba.json.gz")
    shrunk = answer(json.dumps(rows[100:]))
    with HostileServer({"/list": sequence(answer(json.dumps(rows)), shrunk)}) as portal:
        source = msgspec.structs.replace(
            source_at(f"{portal.url}/list", "csvlist"), guard=Guard(max_retired=100, grace_days=7)
        )
        assert harvested(catalog, source).counts == Counts(listed=7379, added=7379)
        assert harvested(catalog, source).counts == Counts(listed=7279, unchanged=7279, missing=100)
        with time_machine.travel(datetime.now(UTC) + timedelta(days=8)):
            assert harvested(catalog, source).counts == Counts(listed=7279, unchanged=7279, retired=100)


@pytest.mark.slow
def test_r10_every_word_of_openness_stands_beside_ours_exactly_as_often() -> None:
    """Where a record states several, the one that is understood; 可开放 stands beside 无条件开放 or 有条件开放."""
    resolve = schemas.vocabulary("openness").resolve
    said: Counter[str] = Counter()
    wanted: Counter[str | None] = Counter()
    kept: Counter[str | None] = Counter()
    for record, dataset in datasets():
        words = [str(record[key]).strip() for key in OPENNESS if key in record]
        words = [word for word in words if not says_nothing(word) and word not in UNFILLED]
        said.update(words)
        wanted[next((word for word in words if resolve(word)), words[0]) if words else None] += 1
        kept[dataset.openness_raw] += 1
    assert kept == wanted
    assert said - wanted == {"可开放": 2427}
    assert len(said) == 100 and said.total() == 45_581


def test_r11_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    reading = read_whole("tw_portals/raw/08_Taichung.csv")
    assert len(reading.datasets) == len(set(reading.keys)) == 1136
    assert list(json.loads(reading.raws[0].body))[0] == "編號"


@pytest.mark.slow
def test_r12_the_national_table_of_taiwan_is_read_with_its_numbers_and_dates() -> None:
    reading = read_whole("tw_portals/raw/16-22_data_gov_download.csv.gz")
    assert len(reading.datasets) == len(set(reading.keys)) == 35_955
    first = reading.datasets[0]
    assert (first.views, first.downloads) == (7472, 1099)
    assert first.issued == datetime(2013, 3, 17, 16, tzinfo=UTC)
    assert len({dataset.publisher.name for dataset in reading.datasets if dataset.publisher}) == 628


TW = sorted(path.name for path in (FIXTURES / "tw_portals" / "json").iterdir()) if FIXTURES.is_dir() else []


@pytest.mark.parametrize("name", TW)
def test_every_taiwanese_list_gives_all_its_rows(name: str) -> None:
    reading = read_whole(f"tw_portals/json/{name}")
    assert len(set(reading.keys)) == len(reading.datasets) == manifest()[f"tw_portals/json/{name}"]


# The same rows in the shape of the portals they came from.


def distinct_rows(name: str) -> list[dict[str, Any]]:
    return list({json.dumps(row, sort_keys=True): row for row in rows_of(name)}.values())


def guizhou(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    cycles = {"每年": 0, "每季度": 1, "每月": 2, "每周": 3, "每天": 4, "实时": 5, "每半年": 6}

    def moment(day: str) -> int:
        return int(datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp() * 1000)

    details = {
        row["详情页网址"].rpartition("/")[2]: {
            "name": row["标题"], "description": row["数据摘要"], "topicName": row["主题名称"], "orgName": row["数据提供方"],
            "industryName": row["所属行业"], "updateTime": moment(row["更新时间"]), "createTime": moment(row["发布时间"]),
            "openAttribute": int(row["开放属性"] == "有条件开放"), "frequency": cycles[row["更新频率"]],
        }
        for row in rows
    }
    listed = [{"id": id, "resourceFormats": row["数据格式"]} for id, row in zip(details, rows, strict=True)]

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_json(talk)
        return (asked["pageIndex"] - 1) * asked["pageSize"], asked["pageSize"]

    return {
        "/api/search/data/getDataDirectoryListByParams": paged(
            listed, offset, lambda page: {"total": len(rows), "data": page}),
        "/api/search/data/getDataDetailByDataId": one_of(
            details, lambda talk: asked_json(talk)["id"], lambda one: {"data": one}),
    }, {"kind": "jsonapi", "family": "guizhou"}


def exchange(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    cycles = {"每日": "01", "每周": "02", "每月": "03", "季度": "04", "年": "05", "半年": "06"}
    details = {
        row["详情页网址"].rpartition("/")[2].replace("%2F", "/"): {
            "mlmc": row["资源名称"], "xxzytgf": row["资源提供方"], "ssqtlmmc": row["领域"], "zyzy": row["资源摘要"],
            "kflx": "02" if row["开放类型"] == "无条件开放" else "01", "gxzq": cycles[row["更新周期"]],
            "ssztlmmc": row["主题分类"],
        }
        for row in rows
    }

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_json(talk)
        return (asked["pageNo"] - 1) * asked["pageSize"], asked["pageSize"]

    pages = math.ceil(len(rows) / 20)
    return {
        "/exchangeopengateway/v1.0/mh/sjml/getMlxxList": paged(
            [{"mlbh": id} for id in details], offset, lambda page: {"data": {"totalPage": pages, "rows": page}}),
        "/exchangeopengateway/v1.0/mlxx/getSjmlxq": one_of(
            details, lambda talk: asked_query(talk)["mlbh"], lambda one: {"data": one}),
    }, {"kind": "jsonapi", "family": "exchangeopengateway", "variables": {"appCode": "c0de"}}


def epoint(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    names = {"resourcesName": "资源名称", "resourceUsage": "应用场景", "openCondition": "开放类型", "updateFrequency": "更新周期",
             "updateDate": "资源更新日期", "provideDepartName": "所属单位", "belongIndustry": "所属行业",
             "resourceSubject": "所属主题", "editionNum": "版本号", "resourceDetail": "资源描述"}
    details = {
        row["详情页网址"].rpartition("=")[2]: {key: row[name] for key, name in names.items()} for row in rows
    }
    listed = [
        {"rowGuid": id, "tag": [{"name": name.upper()} for name in row["数据格式"]]}
        for id, row in zip(details, rows, strict=True)
    ]

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_encoded_json(talk)["params"]
        return asked["currentPage"] * asked["pageSize"], asked["pageSize"]

    return {
        "/rest/dataOpen/getResourceList": paged(
            listed, offset, lambda page: {"custom": {"total": str(len(rows)), "resultList": page}}),
        "/rest/dataOpen/getResourceDetail": one_of(
            details, lambda talk: asked_encoded_json(talk)["params"]["rowGuid"], lambda one: {"custom": one}),
    }, {"kind": "jsonapi", "family": "epoint"}


def athena(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    names = {"title": "标题", "content": "摘要", "keywords": "资源标签", "createDate": "发布日期", "dataUpdateDate": "更新日期",
             "domainStr": "数据领域", "deptName": "数源单位", "openCond": "开放条件", "dataCount": "数据量", "deptContact": "联系方式"}
    cycles = {name: number for number, name in enumerate(
        ("每日", "每周", "每月", "每季度", "每半年", "每年", "不定期", "不更新", "分钟级", "小时级"), 1)}
    details = {
        row["详情页网址"].rpartition("/")[2]: {key: row[name] for key, name in names.items()}
        | {"updateFreq": cycles[row["更新周期"]]}
        for row in rows
    }

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_json(talk)
        return (asked["pageNum"] - 1) * asked["pageSize"], asked["pageSize"]

    return {
        "/athena/catalog/page": paged(
            [{"iid": id} for id in details], offset, lambda page: {"data": {"total": len(rows), "rows": page}}),
        "/athena/catalog/getDetails": one_of(
            details, lambda talk: asked_query(talk)["dataId"], lambda one: {"data": one}),
    }, {"kind": "jsonapi", "family": "athena"}


def cells(row: Mapping[str, Any], names: tuple[str, ...], colon: str = "") -> str:
    text = {name: markup.escape(str(row[name])).replace("\n", "<br>") for name in names if row.get(name) is not None}
    return "".join(f"<tr><td>{name}{colon}</td><td>{value}</td></tr>" for name, value in text.items())


def inspur(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    by_id = {row["详情页网址"].rpartition("/")[2]: row for row in rows}

    def listing(talk: Talk) -> None:
        page = int(asked_query(talk)["page"])
        html("<ul>" + "".join(
            f"<li><div class='cata-title'><a href='/city/catalog/{id}'>{markup.escape(by_id[id]['标题'])}</a></div>"
            f"<div class='file-type'><ul>{_types(by_id[id]['数据格式'])}</ul></div></li>"
            for id in list(by_id)[10 * (page - 1):10 * page]
        ) + "</ul>")(talk)

    def page(talk: Talk) -> None:
        row = by_id[talk.seen.target.rpartition("/")[2]]
        lines = "".join(
            f"<li>{name}：<span class='text-primary'>{markup.escape(str(row[name]))}</span></li>"
            for name in ("来源部门", "重点领域", "发布时间", "更新时间", "开放条件")
        )
        table = cells(row, ("数据量", "文件数", "所属行业", "更新频率", "部门电话", "部门邮箱", "标签", "描述"))
        html(f"<ul class='d-title pull-left'><h4>{markup.escape(row['标题'])}</h4></ul>"
             f"<ul class='list-inline'>{lines}</ul><li name='basicinfo'><table>{table}</table></li>")(talk)

    pages: dict[str, Script] = {f"/city/catalog/{id}": page for id in by_id}
    return pages | {"/city/catalog/index": listing}, {
        "kind": "htmltable", "family": "inspur_portal", "base": "/city/"
    }


def _types(formats: str) -> str:
    names = [name.strip("' ") for name in formats.strip("[]").split(",")]
    return "".join(f"<li class='{'api' if name == '接口' else name}'>{name}</li>" for name in names if name)


def jdop(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    by_id = {row["详情页网址"].rpartition("=")[2]: row for row in rows}

    def listing(talk: Talk) -> None:
        asked = asked_form(talk)
        start = (int(asked["pageNumber"]) - 1) * int(asked["pageSize"])
        links = "".join(
            f"<div class='search_result'><a href='../detail/data.do?iid={id}&searchString='>x</a></div>"
            for id in list(by_id)[start:start + int(asked["pageSize"])]
        )
        json_answer({"data": f"<span class='onColor'>{len(by_id)}</span>{links}"})(talk)

    def page(talk: Talk) -> None:
        row = by_id[asked_query(talk)["iid"]]
        names = ("摘要", "标签", "更新周期", "数源单位", "数据领域", "行业分类", "发布日期", "更新日期", "开放条件", "联系方式",
                 "资源格式", "数据量", "数据容量")
        html(f"<span class='sjxqTit1'>{markup.escape(row['标题'])}</span>"
             f"<div class='box1'><table>{cells(row, names, '：')}</table></div>")(talk)

    return {"/jdop_front/channal/datapubliclist.do": listing, "/jdop_front/detail/data.do": page}, {
        "kind": "htmltable", "family": "jdop"
    }


Replay = Callable[[list[dict[str, Any]]], tuple[dict[str, Script], dict[str, Any]]]

REPLAYS: Mapping[str, Replay] = {
    "guangxi_qinzhou.json": inspur, "guangxi_chongzuo.json": inspur, "zhejiang_jiaxing.json": jdop,
    "jiangsu_jiangsu.json": epoint, "zhejiang_taizhou.json": athena, "guizhou_qianxinan.json": guizhou,
}
SLOW_REPLAYS: Mapping[str, Replay] = {
    **{name: guizhou for name in NAMES if name.startswith("guizhou_")},
    **{name: inspur for name in NAMES if name.startswith(("guangxi_", "sichuan_yibin"))},
    **{name: jdop for name in ("zhejiang_jinhua.json", "zhejiang_quzhou.json", "zhejiang_zhejiang.json.gz")},
    "jiangsu_xuzhou.json": exchange,
}
PLAIN = ("title", "frequency", "openness", "themes_raw", "issued", "modified", "rows", "keywords")
"""Fields that a portal's own shape must give as the table of its rows does."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPLAYS, *(name for name in SLOW_REPLAYS if name not in REPLAYS)])
def test_a_portal_in_its_familys_shape_gives_what_its_rows_say(name: str) -> None:
    rows = distinct_rows(name)
    scripts, given = {**SLOW_REPLAYS, **REPLAYS}[name](rows)
    reading = read(scripts, **given)
    assert len(set(reading.keys)) == len(reading.datasets) == len(rows)
    assert Counter(issue.code for issue in reading.issues if issue.code != "field.not-understood") == {}
    source = source_at("http://127.0.0.1/", "csvlist")
    for row, dataset in zip(rows, reading.datasets, strict=True):
        expected, _ = crosswalk.to_dataset(RawRecord(body=json.dumps(row).encode()), source)
        assert expected is not None
        differing = {
            field: (getattr(dataset, field), getattr(expected, field))
            for field in PLAIN if getattr(dataset, field) != getattr(expected, field)
        }
        assert differing == {}, row
