"""Recognising the families of Chinese portals: each in its own shape, and no other server taken for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import schemas
from harvester.probe import Probe, probe, probe_source
from tests.harvester.family_portals import html, source_at, way_out
from tests.hostile import HostileServer, Script, Talk, answer, json_answer

INSPUR = html("<ul><li><div class='cata-title'><a href='/city/catalog/0a1b'>公交站点</a></div></li></ul>")
JDOP = "<span class='onColor'>23</span><div class='search_result'><a href='../detail/data.do?iid=7'>公交</a></div>"
ROW = {"id": "1", "resourceName": "公交站点"}
SHAPES: Mapping[str, tuple[str, Script, int | None]] = {
    "athena": ("/athena/catalog/page", json_answer({"data": {"total": 23, "rows": [{"iid": "1"}]}}), 23),
    "beijing": ("/cms/web/search", json_answer(
        {"page": {"countPage": 3}, "object": {"docs": [{"url": "https://data.example.cn/zyml/1.htm"}]}}), None),
    "chongqing": ("/rop-frontier/graphql", json_answer({"data": {"result": {"total": 23, "data": [ROW]}}}), 23),
    "dataservice": ("/portal/dataservice/getPage", json_answer({"result": {"pages": 3, "rows": [{"id": "1"}]}}), None),
    "epoint": ("/extranet/rest/dataOpen/getResourceList", json_answer(
        {"custom": {"total": "23", "resultList": [{"rowGuid": "g", "tag": []}]}}), 23),
    "exchangeopengateway": ("/exchangeopengateway/v1.0/mh/sjml/getMlxxList", json_answer(
        {"data": {"totalPage": 2, "rows": [{"mlbh": "307001/1"}]}}), None),
    "fujian": ("/datadevelop/prod-api/open-portal/catalog/list", json_answer(
        {"code": 200, "data": {"total": 23, "rows": [{"catalogID": "0a"}]}}), 23),
    "gd_dataset": ("/data/dataSet/findPage", json_answer(
        {"dataList": json.dumps({"pageSize": "6", "list": [{"resId": "29200/1"}]})}), None),
    "gd_opendata": ("/backOpen/open/data/data/openCatalog/findPageBySearch", json_answer(
        {"status": "1000", "data": {"page": {"total": 23, "pages": 3, "list": [{"resId": "29000_1"}]}}}), 23),
    "guizhou": ("/api/search/data/getDataDirectoryListByParams", json_answer(
        {"total": 23, "data": [{"id": "1", "resourceFormats": ["xlsx"]}]}), 23),
    "inspur_odweb": ("/odweb/catalog/catalog.do", json_answer(
        {"recordsTotal": 23, "data": [{"cata_id": "0a", "cata_title": "公交站点"}]}), 23),
    "inspur_portal": ("/oportal/catalog/index", INSPUR, None),
    "jdop": ("/jdop_front/channal/datapubliclist.do", json_answer({"data": JDOP}), 23),
    "shanghai": ("/zq/api/data_set/search/", json_answer(
        {"data": {"totalPageNum": 3, "content": [{"datasetId": "AA1"}]}}), None),
    "tianjin": ("/common/sjj.json", json_answer({"dataList": [{"href": "/sjyfw/1.htm", "documentType": "xlsx"}]}), 1),
}
"""The list's path at a portal, what it answers, and how many records that says it has."""

ROOTS = {"epoint": "/extranet/", "inspur_portal": "/oportal/"}
WANTS = {"dataservice": ("codeId",), "exchangeopengateway": ("appCode",)}


def probed(scripts: Mapping[str, Script] | Script, path: str = "/") -> tuple[Probe, str, list[str]]:
    with HostileServer(scripts) as portal, way_out(sleep=lambda seconds: None) as http:
        return probe(portal.url + path, http), portal.url, portal.paths


def test_every_family_can_be_recognised() -> None:
    assert set(SHAPES) == set(schemas.families())
    assert all(schemas.family(name)["recognition"]["marks"] for name in schemas.families())


@pytest.mark.parametrize("name", SHAPES)
def test_a_portal_in_a_familys_shape_is_of_that_family_and_says_what_it_can(name: str) -> None:
    path, told, total = SHAPES[name]
    found, url, _ = probed({path: told})
    (finding,) = found.findings
    assert (finding.family, finding.kind) == (name, schemas.family(name)["kind"])
    assert finding.url == url + ROOTS.get(name, "/")
    assert (finding.datasets, finding.pages, finding.wants) == (total, name != "tianjin", WANTS.get(name, ()))


@pytest.mark.parametrize("asked", ["/kf/home", "/kf/", "/#/Home/Default", "/index.html?page=2", ""])
def test_the_address_of_any_of_its_pages_leads_to_the_portal(asked: str) -> None:
    path, told, _ = SHAPES["athena"]
    found, url, _ = probed({path: told}, asked)
    assert [(each.family, each.url) for each in found.findings] == [("athena", f"{url}/")]


def test_the_part_of_a_city_stays_in_the_address() -> None:
    found, url, _ = probed({"/jinan/catalog/index": INSPUR}, "/jinan/index")
    assert [(each.family, each.url) for each in found.findings] == [("inspur_portal", f"{url}/jinan/")]


SERVERS: Mapping[str, Script] = {
    "a page for every path": html("<h1>政府网站</h1><ul><li><a href='/catalog/1'>公交</a></li></ul>"),
    "a login page": html("<form action='/login'><input name='user'></form>"),
    "an error in a good answer": json_answer({"code": 401, "msg": "请先登录", "data": None}),
    "rows of another vendor": json_answer({"code": 200, "status": "1000", "data": {
        "total": 9, "rows": [{"uuid": "1"}], "content": [{"uuid": "1"}], "totalPageNum": 1, "totalPage": 1,
        "result": {"total": 9, "data": [{"uuid": "1"}]}, "page": {"total": 1, "pages": 1, "list": [{"uuid": "1"}]}}}),
    "empty lists": json_answer({"code": 200, "total": 0, "recordsTotal": 0, "dataList": [], "data": []}),
    "a number": json_answer(7),
    "an empty answer": answer(""),
    "an error": answer("x", status=500),
    "nothing": answer("x", status=404),
}


@pytest.mark.parametrize("told", SERVERS.values(), ids=SERVERS)
def test_a_server_that_is_none_is_taken_for_none_and_every_family_says_why(told: Script) -> None:
    found, _, _ = probed(told)
    assert found.findings == ()
    assert {attempt.kind for attempt in found.attempts} >= set(schemas.families())
    assert all(attempt.why and attempt.asked for attempt in found.attempts)


def test_a_portal_that_speaks_a_standard_is_asked_by_no_family() -> None:
    catalogue = json_answer({"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": []})
    found, _, asked = probed({"/data.json": catalogue})
    assert [each.kind for each in found.findings] == ["datajson"]
    assert not [path for path in asked if "athena" in path]


def test_a_server_that_is_not_there_is_not_asked_by_every_family() -> None:
    with HostileServer({}) as portal:
        url = portal.url
    with way_out(sleep=lambda seconds: None) as http:
        found = probe(url, http)
    assert {attempt.why.split(":")[0] for attempt in found.attempts} == {"portal.unreachable"}
    assert not {attempt.kind for attempt in found.attempts} & set(schemas.families())


def checked(scripts: Mapping[str, Script], kind: str, **options: Any) -> Probe:
    with HostileServer(scripts) as portal, way_out() as http:
        return probe_source(source_at(portal.url, kind, **options), http)


def test_a_source_is_asked_as_its_own_options_say() -> None:
    codes: list[str | None] = []

    def listing(talk: Talk) -> None:
        codes.append(talk.seen.headers.get("appcode"))
        SHAPES["exchangeopengateway"][1](talk)

    path = SHAPES["exchangeopengateway"][0]
    (finding,) = checked(
        {path: listing}, "jsonapi", family="exchangeopengateway", variables={"appCode": "c0de"}
    ).findings
    assert (codes, finding.family, finding.wants) == (["c0de"], "exchangeopengateway", ())


def test_a_source_without_a_family_is_asked_by_the_list_it_describes() -> None:
    rows = {"data": {"total": "1,204", "rows": [{"编号": "a", "标题": "x"}]}}
    listings = {"all": {"path": "api/list", "records": "data.rows", "total": "data.total", "newest_first": "更新时间"}}
    found = checked({"/api/list": json_answer(rows)}, "jsonapi", listings=listings)
    assert [(each.datasets, each.filters_by_date, each.family) for each in found.findings] == [(1204, True, None)]
    moved = checked({"/api/list": json_answer({"msg": "已迁移"})}, "jsonapi", listings=listings)
    assert [(each.kind, each.why) for each in moved.attempts] == [
        ("jsonapi", "portal.not-understood: nothing at data.rows: the answer has no data.rows; the portal says: 已迁移")
    ]


DETAIL = {"title": "公交站点", "deptName": "某局", "updateFreq": 3, "zhDept": "x"}


@pytest.mark.parametrize("asked", ["url", "source"])
def test_what_the_first_records_fill_and_what_nobody_decided_about_is_told(asked: str) -> None:
    """And of 23 records no more are asked for than that takes."""
    rows = [{"iid": str(number)} for number in range(10)]
    details: list[str] = []

    def show(talk: Talk) -> None:
        details.append(talk.seen.target)
        json_answer({"data": DETAIL | {"content": talk.seen.target}})(talk)

    scripts = {"/athena/catalog/page": json_answer({"data": {"total": 23, "rows": rows}}), "/athena/catalog/getDetails": show}
    found = probed(scripts)[0] if asked == "url" else checked(scripts, "jsonapi", family="athena")
    (finding,) = found.findings
    assert (finding.fields, finding.undecided, finding.broken) == (
        ("title", "description", "publisher", "frequency"), ("detail.zhDept",), None)
    assert len(details) == 5


def test_a_family_whose_records_are_others_says_why_they_are_not_read() -> None:
    scripts = {
        "/athena/catalog/page": json_answer({"data": {"total": 2, "rows": [{"iid": "1"}, {"iid": "2"}]}}),
        "/athena/catalog/getDetails": json_answer({"data": {"bt": "公交站点"}}),
    }
    (finding,) = checked(scripts, "jsonapi", family="athena").findings
    assert finding.datasets == 2 and finding.fields == ()
    assert finding.broken is not None and finding.broken.startswith(
        "portal.not-understood: none of the first 2 records is a dataset (record.title-missing): "
        "nobody decided about detail.bt; no title at detail.title")


CATALOGUE = "目录编码,*目录名称,数据提供方,备案号\n1,公交站点,某局,x\n2,路灯,某局,y\n"


@pytest.mark.parametrize("asked", ["url", "source"])
def test_a_file_of_rows_is_recognised_last_and_says_what_its_rows_fill(asked: str) -> None:
    scripts = {"/list.csv": answer(CATALOGUE)}
    if asked == "url":
        found = probed(scripts, "/list.csv")[0]
    else:
        with HostileServer(scripts) as portal, way_out() as http:
            found = probe_source(source_at(f"{portal.url}/list.csv", "csvlist"), http)
    (finding,) = found.findings
    assert (finding.kind, finding.datasets, finding.pages) == ("csvlist", 2, False)
    assert (finding.fields, finding.undecided) == (("title", "publisher"), ("备案号",))


def test_a_file_of_rows_that_cannot_be_read_says_why() -> None:
    short = CATALOGUE.splitlines()[0] + "\n1\n2\n"
    with HostileServer({"/list.csv": answer(short)}) as portal, way_out() as http:
        found = probe_source(source_at(f"{portal.url}/list.csv", "csvlist"), http)
    assert [(each.kind, each.why) for each in found.attempts] == [
        ("csvlist", "portal.not-understood: the header names 4 columns, and no row has as many cells")]
