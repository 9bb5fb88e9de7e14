"""The families of portals that answer in JSON: each replayed in its own shape, with its own paging and codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import schemas
from portal.catalog.model import DistributionKind
from tests.harvester.family_portals import (
    Reading,
    asked_encoded_json,
    asked_form,
    asked_json,
    asked_query,
    one_of,
    paged,
    read,
    source_at,
    way_out,
)
from tests.hostile import Talk, json_answer

COUNT = 23
"""Records of each portal: more than two pages of any family but Chongqing."""

IDS = [f"{number:08}" for number in range(1, COUNT + 1)]


def page_of(talk: Talk, number: str, size: str, first: int = 1) -> tuple[int, int]:
    asked = asked_json(talk)
    return (asked[number] - first) * asked[size], asked[size]


def expect_all(reading: Reading) -> None:
    assert reading.keys == IDS
    assert reading.issues == []
    assert reading.datasets[0].title == "公交站点 00000001"


def test_athena_is_read_by_its_list_and_details() -> None:
    details = {
        id: {"title": f"公交站点 {id}", "content": "全市站点", "keywords": "公交 站点", "createDate": "2023-01-01",
             "dataUpdateDate": "2024-01-01 08:00:00", "domainStr": "交通运输", "deptName": "某市交通运输局",
             "openCond": "无条件开放", "dataCount": 12, "deptContact": "0575-88880000", "updateFreq": 3}
        for id in IDS
    }
    reading = read({
        "/athena/catalog/page": paged([{"iid": id} for id in IDS], lambda talk: page_of(talk, "pageNum", "pageSize"),
                                      lambda page: {"data": {"total": COUNT, "rows": page}}),
        "/athena/catalog/getDetails": one_of(
            details, lambda talk: asked_query(talk)["dataId"], lambda one: {"data": one}),
    }, family="athena")
    expect_all(reading)
    assert reading.listing.declared == COUNT
    first = reading.datasets[0]
    assert (first.frequency, first.frequency_raw, first.openness, first.rows) == ("monthly", "3", "unconditional", 12)
    assert (first.keywords, first.themes, first.contact and first.contact.phone) == (
        ("公交", "站点"), ("transport",), "0575-88880000"
    )
    assert first.modified == datetime(2024, 1, 1, 0, 0, tzinfo=UTC)
    assert len(reading.asked) == 3 + COUNT


def test_epoint_is_asked_in_url_encoded_json_from_page_0() -> None:
    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_encoded_json(talk)["params"]
        return asked["currentPage"] * asked["pageSize"], asked["pageSize"]

    details = {
        id: {"resourcesName": f"公交站点 {id}", "openCondition": "依申请开放", "updateFrequency": "每月", "xlsUrl": "",
             "updateDate": "2024-01-01", "provideDepartName": "某省交通运输厅", "editionNum": "1.0",
             "csvUrl": "http://data.example.cn/1.csv", "resourceDetail": "全省站点", "visitCnt": 7, "downloadCnt": 1}
        for id in IDS
    }
    reading = read({
        "/extranet/rest/dataOpen/getResourceList": paged(
            [{"rowGuid": id, "tag": [{"name": "XLS"}, {"name": "其他"}]} for id in IDS], offset,
            lambda page: {"custom": {"total": str(COUNT), "resultList": page}}),
        "/extranet/rest/dataOpen/getResourceDetail": one_of(
            details, lambda talk: asked_encoded_json(talk)["params"]["rowGuid"], lambda one: {"custom": one}),
    }, family="epoint", base="/extranet/")
    expect_all(reading)
    first = reading.datasets[0]
    assert reading.listing.declared == COUNT
    assert (first.openness, first.frequency, first.views, first.version) == ("conditional", "monthly", 7, "1.0")
    assert [(d.format, d.download_url) for d in first.distributions] == [
        ("csv", "http://data.example.cn/1.csv"), ("xls", None), ("other", None),
    ]


def exchange_gateway(ids: list[str]) -> dict[str, Any]:
    details = {
        id: {"mlmc": f"公交站点 {id[-8:]}", "xxzytgf": "某局", "ssztlmmc": "交通运输", "fbrq": 1700000000000,
             "gxrq": 1710000000000, "kflx": "02", "sjl": 12, "gxzq": "03", "mlbqmcList": ["公交"], "zyzy": "站点",
             "zygs": "xlsx", "llsl": 3, "sqsl": 0, "xzsl": 0}
        for id in ids
    }
    return {
        "/exchangeopengateway/v1.0/mh/sjml/getMlxxList": paged(
            [{"mlbh": id} for id in ids], lambda talk: page_of(talk, "pageNo", "pageSize"),
            lambda page: {"data": {"totalPage": 2, "rows": page}}),
        "/exchangeopengateway/v1.0/mlxx/getSjmlxq": one_of(
            details, lambda talk: asked_query(talk)["mlbh"], lambda one: {"data": one}),
    }


def test_exchangeopengateway_is_sent_its_code_and_nothing_that_is_kept_shows_it() -> None:
    from_portal = exchange_gateway([f"307001/{id}" for id in IDS])
    seen: list[str | None] = []

    def listing(talk: Talk) -> None:
        seen.append(talk.seen.headers.get("appcode"))
        from_portal["/exchangeopengateway/v1.0/mh/sjml/getMlxxList"](talk)

    reading = read(
        from_portal | {"/exchangeopengateway/v1.0/mh/sjml/getMlxxList": listing}, family="exchangeopengateway",
        variables={"appCode": "geheim4711"}, http=way_out(secrets=["geheim4711"]),
    )
    assert reading.keys == [f"307001/{id}" for id in IDS]
    assert seen == ["geheim4711"] * 2
    assert "geheim4711" not in repr(reading.raws)
    first = reading.datasets[0]
    assert (first.openness, first.openness_raw, first.frequency) == ("unconditional", "02", "monthly")
    assert first.downloads == 0
    assert first.issued == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    # The portal states pages and no total.
    assert reading.listing.declared is None


def test_guizhou_is_asked_for_one_division() -> None:
    divisions: set[str] = set()

    def offset(talk: Talk) -> tuple[int, int]:
        divisions.add(asked_json(talk)["divisionId"])
        return page_of(talk, "pageIndex", "pageSize")

    details = {
        id: {"name": f"公交站点 {id}", "description": "站点&nbsp;信息", "topicName": "民生服务", "orgName": "某市交通运输局",
             "updateTime": 1710000000000, "createTime": 1700000000000, "openAttribute": 1, "frequency": 7}
        for id in IDS
    }
    reading = read({
        "/api/search/data/getDataDirectoryListByParams": paged(
            [{"id": id, "resourceFormats": ["xlsx", "api"], "views": 10, "calls": 2} for id in IDS], offset,
            lambda page: {"total": COUNT, "data": page}),
        "/api/search/data/getDataDetailByDataId": one_of(
            details, lambda talk: asked_json(talk)["id"], lambda one: {"data": one}),
    }, family="guizhou", variables={"divisionId": "520300"})
    expect_all(reading)
    assert divisions == {"520300"}
    first = reading.datasets[0]
    # Two readers of this portal disagree about 7: it stays as it stands.
    assert (first.openness, first.frequency, first.frequency_raw) == ("conditional", None, "7")
    assert [(d.format, d.kind) for d in first.distributions] == [("xlsx", None), ("api", DistributionKind.API)]
    assert first.landing_page and first.landing_page.endswith("/open-data/00000001")


GD_DETAILS = {
    f"29000_{id}": {
        "resId": f"29000_{id}", "resTitle": f"公交站点 {id}", "resAbstract": "站点", "keyword": "公交,站点",
        "subjectName": "道路交通", "openMode": "普遍开放", "openLevelName": "无条件开放", "openCondition": "",
        "updateCycle": "4", "publishDate": "2023-01-05 10:00:00", "dataUpdateTime": "2024-06-01 08:30:00",
        "sourceSuffix": "xlsx,csv,json,xml", "officeName": "某市交通运输局", "recordTotal": "3,520", "phone": "",
    }
    for id in IDS
}


def test_open_guangdong_is_read_where_it_says_1000() -> None:
    listed = [{"resId": id, "visits": 1200, "downloads": 88} for id in GD_DETAILS]
    reading = read({
        "/backOpen/open/data/data/openCatalog/findPageBySearch": paged(
            listed, lambda talk: page_of(talk, "pageNo", "pageSize"),
            lambda page: {"status": "1000", "data": {"page": {"total": COUNT, "pages": 3, "list": page}}}),
        "/backOpen/open/data/data/openCatalog/selectDataCatalogByResId": one_of(
            GD_DETAILS, lambda talk: asked_json(talk)["resId"], lambda one: {"status": "1000", "data": one}),
    }, family="gd_opendata")
    assert reading.keys == list(GD_DETAILS)
    first = reading.datasets[0]
    assert (first.frequency, first.rows, first.views, first.downloads) == ("monthly", 3520, 1200, 88)
    assert [d.format for d in first.distributions] == ["xlsx", "csv", "json", "xml"]
    assert first.openness_condition is None


def test_the_older_guangdong_portals_hide_their_list_in_a_text() -> None:
    listed = [{"resId": id} for id in GD_DETAILS]

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_form(talk)
        return (int(asked["pageNo"]) - 1) * int(asked["pageSize"]), int(asked["pageSize"])

    reading = read({
        "/data/dataSet/findPage": paged(
            listed, offset, lambda page: {"dataList": json.dumps({"pageSize": "6", "list": page})}),
        "/data/catalog/selectDataCatalogByResId": one_of(
            GD_DETAILS, lambda talk: asked_form(talk)["resId"], lambda one: one),
    }, family="gd_dataset")
    assert reading.keys == list(GD_DETAILS)
    # Neither total nor pages are stated: the first empty page is the end.
    assert (reading.asked[-1], len(reading.asked)) == ("/data/dataSet/findPage", 5 + COUNT)


def test_inspur_odweb_is_asked_by_the_number_of_records_received() -> None:
    starts: list[str] = []

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_form(talk)
        starts.append(asked["start"])
        # The portal gives at most nine, whatever it is asked for.
        return int(asked["start"]), min(9, int(asked["length"]))

    records = [
        {"cata_id": id, "cata_title": f"公交站点 {id}", "description": "站点", "org_name": "某局", "open_type": "无条件开放",
         "conf_catalog_format": "1,2,3,4,", "update_cycle": "7", "group_name": "x-1:1:民生服务,x-2:2:教育",
         "cata_tags": "公交", "released_time": "2017-10-09 09:19:34", "data_count": 94, "use_visit": 2429,
         "update_time": "2018-02-07 00:02:16 2018-02-08 00:02:16"}
        for id in IDS
    ]
    reading = read({
        "/odweb/catalog/catalog.do": paged(records, offset, lambda page: {"recordsTotal": COUNT, "data": page}),
    }, family="inspur_odweb")
    expect_all(reading)
    assert starts == ["0", "9", "18"]
    first = reading.datasets[0]
    assert [d.format for d in first.distributions] == ["xls", "xml", "json", "csv"]
    assert (first.frequency, first.themes_raw, first.rows) == ("annual", ("民生服务", "教育"), 94)
    assert first.modified == datetime(2018, 2, 7, 16, 2, 16, tzinfo=UTC)


def test_fujian_is_read_where_it_says_200() -> None:
    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_query(talk)
        return (int(asked["pageNum"]) - 1) * int(asked["pageSize"]), int(asked["pageSize"])

    details = {
        id: {"catalogID": id, "catalogName": f"公交站点 {id}", "catalogDes": "站点", "orgName": "某省某厅",
             "themeName": "生态环境", "dataVol": 21, "updateTime": "2024-01-01", "openType": "0", "tags": "公交",
             "releasedTime": "2023-01-01", "updateCycle": "每年", "cityCode": "350100000000"}
        for id in IDS
    }
    prefix = "/datadevelop/prod-api/open-portal/catalog"
    reading = read({
        f"{prefix}/list": paged([{"catalogID": id} for id in IDS], offset,
                                lambda page: {"code": 200, "data": {"total": COUNT, "rows": page}}),
        f"{prefix}/getCataInfo": one_of(
            details, lambda talk: asked_query(talk)["cataId"], lambda one: {"code": 200, "data": one}),
    }, family="fujian")
    expect_all(reading)
    first = reading.datasets[0]
    assert (first.openness, first.openness_raw, first.region, first.frequency) == (
        "conditional", "0", "350100", "annual"
    )


def test_shanghai_has_its_ids_in_the_addresses_of_the_details() -> None:
    def detail(talk: Talk) -> None:
        id = talk.seen.target.split("/")[-2]
        json_answer({"data": {
            "dataset_name": f"公交站点 {id}", "open_list_abstract": "站点", "data_domain": "交通出行", "open_rate": "每月",
            "create_date": "2019-10-01T00:00:00", "update_date": "2024-05-01T00:00:00", "org_name": "某委员会",
            "open_type": "无条件开放", "contact_way": "x@example.cn", "docType": [{"file_type": ["xlsx", "csv"]}],
        }})(talk)

    search = paged([{"datasetId": id} for id in IDS], lambda talk: page_of(talk, "pageNum", "pageSize"),
                   lambda page: {"data": {"totalPageNum": 3, "content": page}})
    scripts = {f"/zq/api/data_set/{id}/": detail for id in IDS} | {"/zq/api/data_set/search/": search}
    reading = read(scripts, family="shanghai")
    expect_all(reading)
    first = reading.datasets[0]
    assert [d.format for d in first.distributions] == ["xlsx", "csv"]
    assert (first.contact and first.contact.email, first.frequency) == ("x@example.cn", "monthly")


@pytest.mark.parametrize("family,path,moment,told,total", [
    ("guizhou", "/api/search/data/getDataDirectoryListByParams", "updateTime",
     lambda rows: {"total": COUNT, "data": rows}, COUNT),
    ("gd_opendata", "/backOpen/open/data/data/openCatalog/findPageBySearch", "dataUpdateTime",
     lambda rows: {"status": "1000", "data": {"page": {"total": COUNT, "pages": 1, "list": rows}}}, COUNT),
    ("shanghai", "/zq/api/data_set/search/", "updateDate",
     lambda rows: {"data": {"totalPageNum": 1, "content": rows}}, None),
])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_an_incremental_run_asks_for_the_details_of_what_changed_only(
    family: str, path: str, moment: str, told: Callable[[Any], Any], total: int | None, is_sorted: bool
) -> None:
    keys = {"guizhou": "id", "gd_opendata": "resId", "shanghai": "datasetId"}
    rows = [{keys[family]: id, moment: f"2024-03-{31 - number:02}"} for number, id in enumerate(IDS[:8])]
    listed = rows if is_sorted else [*rows[4:], *rows[:4]]
    titles = {{"guizhou": "name", "gd_opendata": "resTitle", "shanghai": "dataset_name"}[family]: "公交"}
    details = {
        "/api/search/data/getDataDetailByDataId": json_answer({"data": titles}),
        "/backOpen/open/data/data/openCatalog/selectDataCatalogByResId": json_answer({"status": "1000", "data": titles}),
    } | {f"/zq/api/data_set/{id}/": json_answer({"data": titles}) for id in IDS}
    pages = iter([listed])
    scripts = details | {path: lambda talk: json_answer(told(next(pages, [])))(talk)}
    reading = read(scripts, family=family, since=datetime(2024, 3, 30, 12, tzinfo=UTC))
    # The list says days of the portal's zone, and a day before since still counts.
    assert reading.keys == IDS[:2]
    assert sum(asked != path for asked in reading.asked) == 2
    assert reading.listing.partial
    assert [issue.code for issue in reading.issues] == ([] if is_sorted else ["listing.order-ignored"])


def test_chongqing_is_asked_in_graphql() -> None:
    queries: set[str] = set()

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_json(talk)
        queries.add(asked["query"])
        return asked["variables"]["input"]["offset"], asked["variables"]["input"]["limit"]

    ids = [f"{number:08}" for number in range(1, 451)]
    records = [
        {"id": id, "resourceName": f"公交站点 {id}", "resourceDesc": "站点", "organizationId": "o1",
         "organizationName": "某局", "updateDate": "2024-01-02T00:00:00", "openAttr": "CONDITIONAL",
         "renewCycle": "EVERY_MONTH", "fileTypes": "xlsx,csv", "tags": {"TOPIC": "交通运输"}, "visitCnt": 20}
        for id in ids
    ]
    reading = read({
        "/rop-frontier/graphql": paged(
            records, offset, lambda page: {"data": {"result": {"total": len(ids), "data": page}}}),
    }, family="chongqing")
    assert reading.keys == ids and reading.issues == []
    assert len(reading.asked) == 3
    assert all("resourcesCatalogueList(input: $input)" in query for query in queries)
    first = reading.datasets[0]
    assert (first.openness, first.frequency, first.themes) == ("conditional", "monthly", ("transport",))


@pytest.mark.parametrize("name", schemas.families())
def test_a_family_has_its_tables_and_its_codes_are_terms(name: str) -> None:
    profile = schemas.family(name)
    assert profile["title"] and profile["title_en"]
    assert source_at("http://127.0.0.1/", profile["kind"], family=name).options == {"family": name}
    for vocabulary, terms in schemas.codes(profile["codes_table"]).items() if "codes_table" in profile else ():
        assert set(terms.values()) <= set(schemas.vocabulary(vocabulary).terms)


@pytest.mark.parametrize("vocabulary", ["frequencies", "openness"])
def test_no_digit_means_anything_without_a_table_of_its_portal(vocabulary: str) -> None:
    resolve = schemas.vocabulary(vocabulary).resolve
    assert [code for number in range(100) for code in (str(number), f"{number:02}") if resolve(code)] == []
