"""A portal whose shape is another ends in a clear report: nothing of it is taken in by halves, and nothing that was is lost.

What is still understood of such a portal is taken, and what is not is told.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import schemas
from harvester.connectors import CONNECTORS
from harvester.pipeline import harvest
from portal.catalog.model import Counts, Dataset, Outcome, Run
from portal.catalog.store import Catalog
from tests.harvester.distortions import (
    HTML,
    LOGIN,
    REPLAYS,
    Change,
    Distortion,
    Portal,
    anything,
    constant,
    details_of,
    lists_of,
    of_json,
    portal_of,
    put,
    spoiled,
    told,
    totals_of,
)
from tests.harvester.family_portals import source_at, way_out
from tests.hostile import HostileServer, Script, answer

FEW = 7
"""Records of a portal whose list is one page, more than are looked at before any is kept."""


def run_of(catalog: Catalog, portal: Portal, scripts: Mapping[str, Script], id: str = "cn") -> Run:
    with HostileServer(scripts) as server:
        source = source_at(server.url + portal.base, portal.kind, **portal.options)
        source = type(source)(**{name: getattr(source, name) for name in source.__struct_fields__} | {"id": id})
        catalog.sources.put(source)
        return harvest(source, catalog, CONNECTORS[portal.kind], lambda validators: way_out(), holder="test", full=True)


def stored(catalog: Catalog, id: str = "cn") -> dict[str, tuple[Any, ...]]:
    """The datasets of a source by the end of their keys, which may hold the host: what they say."""
    return {
        entry.dataset.source_key.rpartition("/")[2]: said_by(entry.dataset)
        for entry in catalog.walk(source_id=id, retired=True)
    }


def said_by(dataset: Dataset) -> tuple[Any, ...]:
    formats = tuple(each.format for each in dataset.distributions)
    office = dataset.publisher and dataset.publisher.name
    return (dataset.title, office, dataset.frequency, dataset.openness, dataset.themes, dataset.issued, formats)


def issues(catalog: Catalog, run: Run) -> list[str]:
    return [
        " ".join(filter(None, (each.issue.code, each.issue.detail, each.issue.seen))) for each in catalog.runs.issues(run.id)
    ]


def wrong_with(catalog: Catalog, run: Run, distortion: Distortion, sound: Mapping[str, tuple[Any, ...]], id: str) -> str:
    """What of this run is not as it must be; empty when nothing is."""
    kept, said = stored(catalog, id), issues(catalog, run)
    if run.outcome is not distortion.outcome:
        return f"{run.outcome} instead of {distortion.outcome}: {said}"
    if run.outcome is Outcome.FAILED and (kept or run.counts != Counts()):
        return f"failed, and kept {len(kept)}"
    if run.outcome is not Outcome.FAILED and kept != sound:
        return f"kept {len(kept)} of {len(sound)}, or changed them: {said}"
    if run.outcome is not Outcome.COMPLETE and not said:
        return "nothing was told"
    if not any(distortion.told in each for each in said) and distortion.told:
        return f"{distortion.told!r} is not told: {said}"
    return ""


def checked(
    catalog: Catalog, portal: Portal, distortions: Mapping[str, Distortion], *, details: bool = False
) -> dict[str, str]:
    """Of each distortion, what was wrong with the harvest of such a portal; nothing of those that ended as they must."""
    assert run_of(catalog, portal, portal.scripts, "sound").outcome is Outcome.COMPLETE
    sound = stored(catalog, "sound")
    wrong: dict[str, str] = {}
    for number, (name, distortion) in enumerate(distortions.items()):
        id = f"s{number}"
        changes: dict[str, Change] = {"details" if details else "lists": distortion.change}
        run = run_of(catalog, portal, spoiled(portal, **changes), id)
        if told_wrong := wrong_with(catalog, run, distortion, sound, id):
            wrong[name] = told_wrong
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLAYS)
def test_a_list_of_another_shape_is_refused_or_taken_whole(catalog: Catalog, name: str) -> None:
    portal = portal_of(name, FEW)
    assert checked(catalog, portal, lists_of(portal)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLAYS)
def test_a_wrong_total_neither_ends_a_list_early_nor_passes_for_a_whole_one(catalog: Catalog, name: str) -> None:
    profile = portal_of(name, 0).call
    portal = portal_of(name, profile.page_size + 3)
    assert checked(catalog, portal, totals_of(portal)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLAYS)
def test_details_of_another_shape_are_refused_or_taken_whole(catalog: Catalog, name: str) -> None:
    portal = portal_of(name, FEW)
    assert checked(catalog, portal, details_of(portal), details=True) == {}


def test_every_family_is_distorted_in_its_list_and_its_details() -> None:
    assert set(schemas.families()) < set(REPLAYS)
    counts = {
        name: (len(lists_of(portal)), len(totals_of(portal)), len(details_of(portal)))
        for name in REPLAYS for portal in [portal_of(name, 1)]
    }
    assert all(lists >= 11 for lists, _, _ in counts.values())
    assert [name for name, (_, totals, _) in counts.items() if not totals] == [
        "gd_dataset", "inspur_portal", "jdop", "tianjin", "a table in HTML"]
    assert [name for name, (_, _, details) in counts.items() if not details] == [
        "chongqing", "inspur_odweb", "a list in JSON", "a table in HTML"]


# One family in its particulars, which are those of all.


@pytest.fixture(scope="module")
def athena() -> Iterator[Portal]:
    yield portal_of("athena", FEW)


SAID: Mapping[str, tuple[Change, str, str | None]] = {
    "a login page": (constant(LOGIN, HTML), "a login page instead of JSON", None),
    "another vendor's JSON": (
        told({"custom": {"total": "7", "resultList": [{"rowGuid": "1"}]}}),
        "nothing at data.rows: the answer has no data.rows; lists of objects stand at custom.resultList",
        "an object with the members custom"),
    "the list under another key": (
        told({"data": {"total": 7, "records": [{"iid": "1"}]}}),
        "nothing at data.rows: data has no rows; lists of objects stand at data.records",
        "an object with the members total, records"),
    "an empty list and a total of 500": (
        told({"data": {"total": 500, "rows": []}}), "no record at data.rows, with a total of 500",
        "{'data': {'total': 500, 'rows': []}}"),
    "an error in a good answer": (
        told({"code": 401, "msg": "请先登录", "data": None}),
        "nothing at data.rows: data has no rows; the portal says: 请先登录", "None"),
}


@pytest.mark.parametrize("change,detail,seen", SAID.values(), ids=SAID)
def test_the_run_says_what_was_looked_for_where_and_what_stood_there(
    catalog: Catalog, athena: Portal, change: Change, detail: str, seen: str | None
) -> None:
    run = run_of(catalog, athena, spoiled(athena, lists=change))
    assert (run.outcome, run.counts) == (Outcome.FAILED, Counts())
    (kept,) = catalog.runs.issues(run.id)
    assert (kept.issue.code, kept.issue.detail) == (run.cause, detail)
    assert kept.issue.url is not None and kept.issue.url.endswith("/athena/catalog/page")
    assert seen is None or kept.issue.seen == seen


@pytest.mark.parametrize("name", ["a login page", "another vendor's JSON", "half of it", "an error in a good answer"])
def test_a_portal_that_changes_its_shape_loses_nothing_that_was_taken_in(
    catalog: Catalog, athena: Portal, name: str
) -> None:
    assert run_of(catalog, athena, athena.scripts).counts == Counts(listed=FEW, added=FEW)
    before = {entry.dataset.id: entry for entry in catalog.walk()}
    run = run_of(catalog, athena, spoiled(athena, lists=anything(athena, athena.call)[name].change))
    assert (run.outcome, run.counts) == (Outcome.FAILED, Counts())
    assert {entry.dataset.id: entry for entry in catalog.walk()} == before


def test_a_shape_that_changes_between_two_pages_ends_the_run_and_retires_nothing(catalog: Catalog) -> None:
    portal = portal_of("athena", 25)
    pages = iter([False, False, True])

    def third(body: bytes) -> tuple[bytes, str]:
        return (LOGIN.encode(), HTML) if next(pages) else (body, "application/json")

    run = run_of(catalog, portal, spoiled(portal, lists=third))
    assert (run.outcome, run.cause, run.counts) == (Outcome.PARTIAL, "portal.blocked", Counts(listed=20, added=20))


def test_a_list_whose_total_is_lost_is_taken_whole_and_nothing_is_retired(catalog: Catalog, athena: Portal) -> None:
    assert run_of(catalog, athena, athena.scripts).counts == Counts(listed=FEW, added=FEW)
    fewer = of_json(lambda said: {"data": {"rows": said["data"]["rows"][:5]}})
    run = run_of(catalog, athena, spoiled(athena, lists=fewer))
    assert (run.outcome, run.counts) == (Outcome.PARTIAL, Counts(listed=5, unchanged=5))
    assert issues(catalog, run) == [
        "portal.not-understood nothing at data.total: data has no total an object with the members rows"]


def test_what_is_known_by_another_key_is_taken_and_what_is_not_is_told(catalog: Catalog, athena: Portal) -> None:
    """The title and the frequency stand under keys of other families, the department under one of nobody's."""
    names = {"title": "资源名称", "updateFreq": "UPDATE_CYCLE", "deptName": "zhDept"}
    change = of_json(put("data", lambda said: {names.get(key, key): value for key, value in said.items()}))
    run = run_of(catalog, athena, spoiled(athena, details=change))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=FEW, added=FEW))
    assert {said[:4] for said in stored(catalog).values()} == {
        (f"公交站点 {number:08}", None, "monthly", "unconditional") for number in range(1, FEW + 1)}
    assert issues(catalog, run) == [f"listing.keys-undecided detail.zhDept ({FEW}/{FEW})"]


def test_most_records_of_another_shape_are_no_complete_listing(catalog: Catalog) -> None:
    """The first records are sound, so it is not seen at once; nothing of the portal is retired by such a run."""
    portal = portal_of("inspur_odweb", 15)
    assert run_of(catalog, portal, portal.scripts).counts == Counts(listed=15, added=15)
    half = of_json(put("data", lambda records: [
        record if number < 6 else {"cata_id": record["cata_id"]} for number, record in enumerate(records)]))
    run = run_of(catalog, portal, spoiled(portal, lists=half))
    assert (run.outcome, run.cause) == (Outcome.PARTIAL, "listing.mostly-lost")
    assert (run.counts.unusable, run.counts.missing, run.counts.retired) == (9, 0, 0)
    assert "listing.mostly-lost 9/15" in issues(catalog, run)


def test_ids_that_many_records_share_are_no_complete_listing(catalog: Catalog) -> None:
    portal = portal_of("inspur_odweb", 15)
    shared = of_json(put("data", lambda records: [
        record | {"cata_id": record["cata_id"] if number < 4 else "x"} for number, record in enumerate(records)]))
    run = run_of(catalog, portal, spoiled(portal, lists=shared))
    assert (run.outcome, run.cause, run.counts) == (
        Outcome.PARTIAL, "listing.mostly-lost", Counts(listed=15, added=5, duplicate=10))


# Files of rows.

COLUMNS = ("标识符", "标题", "数据提供方", "更新频率", "开放属性", "发布时间", "数据格式")
ROWS = [(f"{number:04}", f"公交站点 {number:04}", "某市交通运输局", "每月", "无条件开放", "2023-01-01", "xlsx")
        for number in range(1, 24)]
OBJECTS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def table(rows: Sequence[Sequence[str]] = ROWS, header: Sequence[str] = COLUMNS, delimiter: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([header, *rows] if header else rows)
    return stream.getvalue()


def file_run(catalog: Catalog, body: bytes | str) -> Run:
    portal = Portal({}, "csvlist", "/list", {}, portal_of("athena", 0).profile, frozenset(), None)
    return run_of(catalog, portal, {"/list": answer(body)})


TAKEN: Mapping[str, bytes | str] = {
    "a byte order mark": b"\xef\xbb\xbf" + table().encode(),
    "UTF-16": table().encode("utf-16"),
    "GBK": table().encode("gbk"),
    "semicolons": table(delimiter=";"),
    "full-width commas": table(delimiter="，"),
    "a line that names the separator": "sep=;\n" + table(delimiter=";"),
    "a title above the header": "某市公共数据目录（2024年）,制表：某局\n\n" + table(),
    "a single cell above the header": "某市公共数据目录\n" + table(),
    "the header twice": table([COLUMNS, *ROWS]),
    "an English header above": table([COLUMNS, *ROWS], ["id", "name", "org", "freq", "open", "issued", "fmt"]),
    "English keys": table(
        header=["cata_id", "cata_title", "org_name", "update_cycle", "open_type", "released_time", "fileType"]),
    "keys with marks": table(header=["标识符 ", "*标题", "数据提供方：", "更新频率（必填）", "【开放属性】", "发布时间(年月日)", "数据 格式"]),
    "rows of arrays": json.dumps([COLUMNS, *ROWS]),
    "an object around": json.dumps({"code": 200, "total": 23, "data": OBJECTS}),
    "two objects around": json.dumps({"code": 200, "data": {"total": 23, "rows": OBJECTS}}),
    "JSON in a JSON string": json.dumps(json.dumps(OBJECTS)),
    "JSONP": f"callback({json.dumps(OBJECTS)});",
}


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN)
def test_a_file_that_can_be_understood_is_taken_whole(catalog: Catalog, body: bytes | str) -> None:
    run = file_run(catalog, body)
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=23, added=23))
    assert stored(catalog) == {
        row[0]: (row[1], row[2], "monthly", "unconditional", (), datetime(2022, 12, 31, 16, tzinfo=UTC), ("xlsx",))
        for row in ROWS}


def test_big5_is_read_where_only_that_names_columns_that_are_known(catalog: Catalog) -> None:
    """A list of Taipei: its bytes are GB18030 too, and mean nothing then."""
    rows = [(f"路燈 {number}", "工務局", "每15分鐘", "CSV") for number in range(23)]
    run = file_run(catalog, table(rows, ("資料集名稱", "提供機關名稱", "更新頻率", "檔案格式")).encode("cp950"))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=23, added=23))
    assert {said[:3] for said in stored(catalog).values()} == {(row[0], "工務局", "15min") for row in rows}


def zipped(name: str, content: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


REFUSED: Mapping[str, tuple[bytes | str, str]] = {
    "a workbook of before 2007": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "(XLS): only XLSX is read"),
    "a table in an archive": (zipped("目录.csv", table()), "a ZIP archive and no workbook: it holds 目录.csv"),
    "XML": ("<BusinessMessage><data/></BusinessMessage>", "XML (BusinessMessage) instead of JSON"),
    "a login page": (LOGIN, "a login page instead of JSON"),
    "words": ("系统维护中,请稍后再试", "a single row, and it names no columns"),
    "no header": (table(header=()), "none of the first 5 records is a dataset"),
    "other keys": (table(header=list("abcdefg")), "nobody decided about a, b, c, d, e, f, g"),
    "columns shifted to the right": (table([("1", *row) for row in ROWS]), "the header names 7 columns, and no row"),
    "columns shifted to the left": (table(header=["序号", *COLUMNS]), "the header names 8 columns, and no row"),
    "short rows": (table([row[:2] for row in ROWS]), "the header names 7 columns, and no row"),
    "a row that breaks off": (table()[:900], "the last row breaks off"),
    "UTF-16 without its mark": (table().encode("utf-16-le"), "it holds zero bytes"),
    "one id for all": (table([("1", *row[1:]) for row in ROWS]), "all 23 records have the same id"),
    "few ids": (table([(str(int(row[0]) // 8), *row[1:]) for row in ROWS]), "23 different records have 3 ids"),
    "no titles": (table([(row[0], "", *row[2:]) for row in ROWS]), "no title at 标题"),
    "an error in a good answer": (json.dumps({"code": 401, "msg": "请先登录", "data": None}), "the portal says: 请先登录"),
    "strings": (json.dumps([row[1] for row in ROWS]), "none of the first 5 records is a dataset (record.malformed)"),
    "records one deeper": (json.dumps([{"info": each} for each in OBJECTS]), "nobody decided about info.标识符"),
    "half of it": (json.dumps(OBJECTS)[:2000], "malformed JSON at byte"),
    "null": ("null", "neither CSV, JSON nor XLSX"),
}


@pytest.mark.parametrize("body,detail", REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_understood_is_refused_with_the_reason(
    catalog: Catalog, body: bytes | str, detail: str
) -> None:
    run = file_run(catalog, body)
    assert (run.outcome, run.counts, stored(catalog)) == (Outcome.FAILED, Counts(), {})
    assert any(detail in each for each in issues(catalog, run)), issues(catalog, run)


def test_a_page_of_a_list_kept_as_a_file_is_no_whole_list(catalog: Catalog) -> None:
    run = file_run(catalog, json.dumps({"total": 523, "rows": OBJECTS}))
    assert (run.outcome, run.cause, run.counts) == (
        Outcome.PARTIAL, "listing.incomplete", Counts(listed=23, added=23))


def test_rows_whose_cells_have_shifted_are_told_and_not_taken_in(catalog: Catalog) -> None:
    run = file_run(catalog, table([row if number % 4 else (row[0], "公交", *row[1:]) for number, row in enumerate(ROWS)]))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=23, added=17, unusable=6))
    assert {said[0] for said in stored(catalog).values()} == {row[1] for number, row in enumerate(ROWS) if number % 4}
