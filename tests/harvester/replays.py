"""Real rows in the shapes of the families of portals: their lists, pages and codes, from small real servers.

A row's words are put under the keys that ``shared/domain/portal_shapes`` documents of the family, its codes where the
family has one. Of gd, odweb, Fujian, Shanghai, Chongqing, Beijing, Tianjin and dataservice no real rows are at hand:
other portals' rows take their shape.
"""

from __future__ import annotations

import html as markup
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import schemas
from harvester import sourcefiles
from tests.harvester.family_portals import (
    asked_encoded_json,
    asked_form,
    asked_json,
    asked_query,
    html,
    one_of,
    paged,
)
from tests.hostile import Script, Talk, answer, json_answer

Row: TypeAlias = dict[str, Any]
Replay: TypeAlias = Callable[[list[Row]], tuple[dict[str, Script], dict[str, Any]]]
"""The scripts of a portal that holds these rows, and the options of a source that reads it."""


def guizhou(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
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


def exchange(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
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


def epoint(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
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


def athena(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
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


def inspur(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    by_id = {row["详情页网址"].rpartition("/")[2]: row for row in rows}

    def listing(talk: Talk) -> None:
        page = int(asked_query(talk)["page"])
        html("<ul>" + "".join(
            f"<li><div class='cata-title'><a href='/city/catalog/{id}'>{title_of(by_id[id])}</a></div>"
            f"<div class='file-type'><ul>{_types(str(by_id[id]['数据格式']))}</ul></div></li>"
            for id in list(by_id)[10 * (page - 1):10 * page]
        ) + "</ul>")(talk)

    def page(talk: Talk) -> None:
        row = by_id[talk.seen.target.rpartition("/")[2]]
        lines = "".join(
            f"<li>{name}：<span class='text-primary'>{markup.escape(str(row[name]))}</span></li>"
            for name in ("来源部门", "重点领域", "发布时间", "更新时间", "开放条件", "开放状态") if name in row
        )
        table = cells(row, ("数据量", "文件数", "所属行业", "更新频率", "部门电话", "部门邮箱", "标签", "描述"))
        html(f"<ul class='d-title pull-left'><h4>{title_of(row)}</h4></ul>"
             f"<ul class='list-inline'>{lines}</ul><li name='basicinfo'><table>{table}</table></li>")(talk)

    pages: dict[str, Script] = {f"/city/catalog/{id}": page for id in by_id}
    return pages | {"/city/catalog/index": listing}, {
        "kind": "htmltable", "family": "inspur_portal", "base": "/city/"
    }


def title_of(row: Mapping[str, Any]) -> str:
    return markup.escape(row["标题"] if "标题" in row else row["资源名称"])


def _types(formats: str) -> str:
    names = [name.strip("' ") for name in formats.strip("[]").split(",")]
    return "".join(f"<li class='{'api' if name == '接口' else name}'>{name}</li>" for name in names if name)


def jdop(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
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


# Families of which no rows are at hand: the rows of other portals in their shape.


def id_of(row: Mapping[str, Any]) -> str:
    """The last part of the address of a row's page."""
    return str(row["详情页网址"]).replace("=", "/").rpartition("/")[2]


def coded(table: str, vocabulary: str, word: str) -> str:
    """The code by which a family says a word; the word itself where it has none."""
    meant = schemas.vocabulary(vocabulary).resolve(word)
    return next((raw for raw, term in schemas.codes(table).get(vocabulary, {}).items() if term == meant), word)


def formats_of(row: Mapping[str, Any]) -> list[str]:
    return [name.strip("' ") for name in str(row["数据格式"]).strip("[]").split(",") if name.strip("' ")]


def numbered(number: str, size: str, asked: Callable[[Talk], Any]) -> Callable[[Talk], tuple[int, int]]:
    """Reads offset and size from a question for a page from 1."""
    return lambda talk: ((int(asked(talk)[number]) - 1) * int(asked(talk)[size]), int(asked(talk)[size]))


def gd_record(row: Mapping[str, Any]) -> Row:
    return {
        "resId": id_of(row), "resTitle": row["标题"], "resAbstract": row["描述"], "keyword": row["标签"],
        "subjectName": row["重点领域"], "tradeName": row["所属行业"], "openLevelName": row["开放条件"], "openCondition": "",
        "updateCycle": coded("gd_opendata", "frequencies", row["更新频率"]), "publishDate": row["发布时间"],
        "dataUpdateTime": row["更新时间"], "sourceSuffix": ",".join(formats_of(row)), "officeName": row["来源部门"],
        "recordTotal": row["数据量"], "phone": "", "fileCount": 1, "fileSize": "120KB",
    }


def gd_opendata(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    details = {id_of(row): gd_record(row) for row in rows}
    listed = [{"resId": id, "resTitle": detail["resTitle"], "visits": 3, "downloads": 1} for id, detail in details.items()]
    place = "/backOpen/open/data/data/openCatalog/"
    return {
        f"{place}findPageBySearch": paged(
            listed, numbered("pageNo", "pageSize", asked_json),
            lambda page: {"status": "1000", "data": {
                "page": {"total": len(rows), "pages": math.ceil(len(rows) / 8), "list": page}}}),
        f"{place}selectDataCatalogByResId": one_of(
            details, lambda talk: asked_json(talk)["resId"], lambda one: {"status": "1000", "data": one}),
    }, {"kind": "jsonapi", "family": "gd_opendata"}


def gd_dataset(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    details = {id_of(row): gd_record(row) for row in rows}
    return {
        "/data/dataSet/findPage": paged(
            [{"resId": id} for id in details], numbered("pageNo", "pageSize", asked_form),
            lambda page: {"dataList": json.dumps({"pageSize": "6", "list": page})}),
        "/data/catalog/selectDataCatalogByResId": one_of(
            details, lambda talk: asked_form(talk)["resId"], lambda one: one),
    }, {"kind": "jsonapi", "family": "gd_dataset"}


def odweb(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    """All is in the list, page by page from the number of records received."""
    records = [
        {"cata_id": id_of(row), "cata_title": row["标题"], "description": row["描述"], "org_name": row["来源部门"],
         "open_type": row["开放条件"], "update_cycle": coded("inspur_odweb", "frequencies", row["更新频率"]),
         "group_name": f"XX-1:1:{row['重点领域']}", "cata_tags": row["标签"], "released_time": row["发布时间"],
         "update_time": row["更新时间"], "data_count": row.get("数据量"), "use_type": "1,", "file_count": 1, "api_count": 0,
         "conf_catalog_format": "".join(f"{coded('inspur_odweb', 'formats', name)}," for name in formats_of(row))}
        for row in rows
    ]
    return {
        "/odweb/catalog/catalog.do": paged(
            records, lambda talk: (int(asked_form(talk)["start"]), int(asked_form(talk)["length"])),
            lambda page: {"recordsTotal": len(rows), "data": page}),
    }, {"kind": "jsonapi", "family": "inspur_odweb"}


def fujian(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    """Anhui gives no ids: the number of a row is its own here."""
    details = {
        f"{number:032x}": {
            "catalogID": f"{number:032x}", "catalogName": row["标题"], "catalogDes": row["摘要信息"],
            "orgName": row["提供单位"], "themeName": row["所属领域"], "industryName": "", "releasedTime": row["发布日期"],
            "updateTime": row["更新日期"], "openType": coded("fujian", "openness", row["开放属性"]),
            "updateCycle": row["更新频率"],
        }
        for number, row in enumerate(rows, 1)
    }
    place = "/datadevelop/prod-api/open-portal/catalog/"
    return {
        f"{place}list": paged(
            [{"catalogID": id, "catalogName": detail["catalogName"]} for id, detail in details.items()],
            numbered("pageNum", "pageSize", asked_query),
            lambda page: {"code": 200, "msg": "ok", "data": {"total": len(rows), "rows": page}}),
        f"{place}getCataInfo": one_of(
            details, lambda talk: asked_query(talk)["cataId"], lambda one: {"code": 200, "data": one}),
    }, {"kind": "jsonapi", "family": "fujian"}


def shanghai(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    details = {
        id_of(row): {
            "dataset_name": row["标题"], "open_list_abstract": row["描述"], "data_label": row["标签"],
            "data_domain": row["重点领域"], "create_date": f"{row['发布时间']}T00:00:00",
            "update_date": f"{row['更新时间']}T00:00:00", "open_rate": row["更新频率"], "org_name": row["来源部门"],
            "open_type": row["开放条件"], "contact_way": "", "docType": [{"name": "x", "file_type": formats_of(row)}],
        }
        for row in rows
    }
    show = one_of(details, lambda talk: talk.seen.target.split("/")[-2], lambda one: {"data": one})
    search = paged(
        [{"datasetId": id, "datasetName": detail["dataset_name"], "dataResources": []} for id, detail in details.items()],
        numbered("pageNum", "pageSize", asked_json),
        lambda page: {"data": {"totalPageNum": math.ceil(len(rows) / 10), "currentPage": 1, "content": page}})
    scripts: dict[str, Script] = {f"/zq/api/data_set/{id}/": show for id in details}
    return scripts | {"/zq/api/data_set/search/": search}, {"kind": "jsonapi", "family": "shanghai"}


def chongqing(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    records = [
        {"id": id_of(row), "resourceName": row["标题"], "resourceDesc": row["描述"], "organizationId": row["来源部门"],
         "organizationName": row["来源部门"], "updateDate": f"{row['更新时间']}T00:00:00", "shareType": "FILE",
         "openAttr": coded("chongqing", "openness", row["开放条件"]).upper(), "fileTypes": ",".join(formats_of(row)),
         "renewCycle": coded("chongqing", "frequencies", row["更新频率"]).upper().replace(" ", "_"), "score": 4.5,
         "tags": {"TOPIC": row["重点领域"], "INDUSTRY": row["所属行业"]}, "visitCnt": 20, "downloadCnt": 3}
        for row in rows
    ]

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_json(talk)["variables"]["input"]
        return asked["offset"], asked["limit"]

    return {
        "/rop-frontier/graphql": paged(
            records, offset, lambda page: {"data": {"result": {"total": len(rows), "data": page}}}),
    }, {"kind": "jsonapi", "family": "chongqing"}


def plain(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """What a row says under these keys, each on one line."""
    return {name: markup.escape(" ".join(str(row[name]).split())) for name in names if row.get(name) is not None}


def beijing(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    names = ("摘要", "标签", "更新周期", "数源单位", "数据领域", "行业分类", "发布日期", "更新日期", "开放条件", "联系方式",
             "资源格式", "数据量", "数据容量")
    by_id = {id_of(row): row for row in rows}

    def listing(talk: Talk) -> None:
        docs = [{"url": f"http://{talk.seen.host}/zyml/{id}.htm"} for id in by_id]
        paged(docs, numbered("curPage", "pageSize", asked_form), lambda page: {
            "page": {"countPage": math.ceil(len(rows) / 10)}, "object": {"docs": page}})(talk)

    def page(talk: Talk) -> None:
        row = by_id[talk.seen.target.rpartition("/")[2].removesuffix(".htm")]
        said = {"资源名称": markup.escape(row["标题"])} | plain(row, names)
        lines = "<br/>".join(f"{name}：{value}" for name, value in said.items())
        html(f"<div id='zydtCont1'><div class='sjdetails_cardmain_frame'>{lines}</div></div>")(talk)

    scripts: dict[str, Script] = {f"/zyml/{id}.htm": page for id in by_id}
    return scripts | {"/cms/web/search": listing}, {"kind": "htmltable", "family": "beijing"}


def tianjin(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    """The last tenth of the rows stand in the list of interfaces."""
    names = ("数据摘要", "主题名称", "数据提供方", "所属行业", "更新时间", "发布时间", "开放属性", "更新频率")
    by_id = {id_of(row): row for row in rows}
    listed = [{"href": f"/sjyfw/{id}.htm", "documentType": ",".join(row["数据格式"])} for id, row in by_id.items()]
    files = len(listed) * 9 // 10

    def page(talk: Talk) -> None:
        row = by_id[talk.seen.target.rpartition("/")[2].removesuffix(".htm")]
        table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in plain(row, names).items())
        html(f"<div class='title'><span>{markup.escape(row['标题'])}</span></div>"
             f"<div class='slidecont'><table>{table}</table></div>")(talk)

    scripts: dict[str, Script] = {each["href"]: page for each in listed}
    return scripts | {
        "/common/sjj.json": json_answer({"dataList": listed[:files]}),
        "/common/sjjk.json": json_answer({"dataList": listed[files:]}),
    }, {"kind": "htmltable", "family": "tianjin"}


def dataservice(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    names = ("来源部门", "重点领域", "发布时间", "更新时间", "开放条件")
    cells = ("数据量", "所属行业", "更新频率", "部门电话", "部门邮箱", "描述", "数据格式")
    by_id = {id_of(row): row for row in rows}

    def page(talk: Talk) -> None:
        row = by_id.get(asked_query(talk)["id"])
        if row is None:
            return answer("不存在", status=404)(talk)
        lines = "".join(f"<li><span>{name}：</span><span>{value}</span></li>" for name, value in plain(row, names).items())
        tags = markup.escape(row["标签"]).replace("\r\n", "<br>")
        table = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in plain(row, cells).items())
        html(f"<h2 class='dt-name'><p>{markup.escape(row['标题'])}</p></h2>"
             f"<ul class='desc-list-info clearfix'>{lines}</ul>"
             f"<table class='table table-bordered'>{table}<tr><td>标签</td><td>{tags}</td></tr></table>")(talk)

    return {
        "/portal/dataservice/getPage": paged(
            [{"id": id} for id in by_id], numbered("page", "rows", asked_json),
            lambda page: {"result": {"pages": math.ceil(len(rows) / 10), "rows": page}}),
        "/portal/service_detail": page,
    }, {"kind": "htmltable", "family": "dataservice", "variables": {"codeId": "c0de"}}


# Portals with an interface of their own, read as their file in sources/cn says.

FILES = Path(__file__).resolve().parents[2] / "sources" / "cn"


def described(id: str) -> tuple[dict[str, Any], str]:
    """The options of a source in ``sources/cn``, as a replay gives them, and the path of its address."""
    source = sourcefiles.read(FILES / f"{id}.toml")
    path = urlsplit(source.url).path
    return {"kind": source.kind, "base": path, **source.options}, path


def anhui(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    given, base = described("ah")
    names = {"catalogName": "标题", "providerDept": "提供单位", "belongFieldName": "所属领域", "openTypeName": "开放属性",
             "summary": "摘要信息", "updateCycleTxt": "更新频率"}
    details = {
        f"r{number}": {key: row[name] for key, name in names.items()} | {
            "publishTime": row["发布日期"].replace("-", ""), "updateTime": row["更新日期"].replace("-", ""),
            "formats": [name.upper() for name in formats_of(row)],
        }
        for number, row in enumerate(rows)
    }
    return {
        f"{base}data/findByPage": paged(
            [{"rid": id} for id in details], numbered("pageNum", "pageSize", asked_form),
            lambda page: {"data": {"pages": math.ceil(len(rows) / 10), "rows": page}}),
        f"{base}data/findByRid": one_of(details, lambda talk: asked_form(talk)["rid"], lambda one: {"data": one}),
    }, given


def huaian(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    given, base = described("js-huaian")
    names = {"catalogName": "资源名称", "openCondition": "开放方式", "dataUpdateTime": "更新时间",
             "dataUpdatePeriod": "更新周期", "publishTime": "发布时间", "orgName": "所属部门"}
    details = {str(number): {key: row[name] for key, name in names.items()} for number, row in enumerate(rows)}
    return {
        f"{base}api/catalog": paged(
            [{"id": id} for id in details], numbered("pageNum", "pageSize", asked_query),
            lambda page: {"data": {"total": len(rows), "data": page}}),
        f"{base}api/catalog/catalogDetail": one_of(
            details, lambda talk: asked_query(talk)["catalogId"], lambda one: {"data": one}),
    }, given


def yancheng(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    given, base = described("js-yancheng")
    names = {"catalogName": "目录名称", "updateCycle": "更新频率", "catalogAbstract": "目录摘要", "catalogKeywords": "关键字",
             "createTime": "创建日期", "publishTime": "发布日期", "deptName": "提供部门", "openCondition": "开放条件",
             "subjectName": "领域分类", "industryName": "行业分类", "sceneName": "场景分类"}
    details = {id_of(row): {key: row[name] for key, name in names.items()} | {"openType": 1} for row in rows}
    pages = math.ceil(len(rows) / 25)
    return {
        f"{base}data_service/listPageCatalogVo": paged(
            [{"catalogPk": id} for id in details], numbered("pageNumber", "pageSize", asked_query),
            lambda page: {"resultData": {"pager": {"pageCount": pages}, "list": page}}),
        f"{base}open_portal/dataSetDetailById": one_of(
            details, lambda talk: asked_query(talk)["catalogId"], lambda one: {"resultData": one}),
    }, given


def aba(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    """The rows have the portal's own keys; the address that stands in them was put there by their reader."""
    given, base = described("sc-aba")
    details = {
        row["详情页网址"].rpartition("tableId")[2]: {key: value for key, value in row.items() if key != "详情页网址"}
        for row in rows
    }
    return {
        f"{base}getTableList": paged(
            [{"tableId": int(id)} for id in details], numbered("page", "count", asked_query),
            lambda page: {"data": {"resultMap": {"total": len(rows), "abaTableList": page}}}),
        f"{base}getTableDetail": one_of(
            details, lambda talk: asked_query(talk)["tableId"],
            lambda one: {"data": {"resultMap": {"abaTableDetail": one}}}),
    }, given


def zhoushan(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    given, base = described("zj-zhoushan")
    names = {"resName": "资源名称", "resSummary": "摘要", "dataCount": "数据量", "idPocName": "资源提供方",
             "resFormatName": "资源格式", "createDate": "上线日期", "updateDate": "更新日期"}
    domains = {term: code for code, term in given["codes"]["themes"].items()}
    resolve = schemas.vocabulary("themes").resolve
    details = {
        id_of(row): {key: row[name] for key, name in names.items()}
        | {"datadomain": ",".join(domains[resolve(name) or ""] for name in row["数据领域"])}
        for row in rows
    }
    return {
        f"{base}catalog/dataOpen/otherPage": paged(
            [{"id": int(id)} for id in details], numbered("pageNo", "pageSize", asked_json),
            lambda page: {"data": {"pages": math.ceil(len(rows) / 50), "records": page}}),
        f"{base}catalog/dataOpen/selectOne": one_of(
            details, lambda talk: asked_query(talk)["id"], lambda one: {"data": one}),
    }, given


def hangzhou(rows: list[Row]) -> tuple[dict[str, Script], dict[str, Any]]:
    """Interfaces and sets of data are listed together, and each kind is asked for and answered in its own way."""
    given, base = described("zj-hangzhou")
    names = {"source_name": "资源名称", "private_dept": "发布部门", "area_county": "所属区县", "instruction": "摘要",
             "updateCycle": "更新周期", "deptTel": "联系电话", "data_count": "数据量"}
    levels = {"登录开放": "1", "申请开放": "2", "完全开放": "3"}
    details = {
        id_of(row): {key: row[name] for key, name in names.items()} | {
            "open_level": levels[row["开放等级"]], "create_date": f"{row['发布时间']} 00:00:00",
            "modify_date": f"{row['更新时间']} 00:00:00",
        }
        for row in rows
    }
    listed = [{"id": int(id), "source_type": row["数据格式"].upper()} for id, row in zip(details, rows, strict=True)]

    def asked(talk: Talk) -> Any:
        return json.loads(asked_form(talk)["postData"])

    def show(type: str, member: str) -> Script:
        of_type = {str(one["id"]): details[str(one["id"])] for one in listed if one["source_type"] == type}
        return one_of(of_type, lambda talk: str(asked(talk)["source_id"]), lambda one: {member: one})

    return {
        f"{base}dataOpen/list.action": paged(
            listed, numbered("pageNumber", "pageSize", lambda talk: asked(talk)["pageSplit"]),
            lambda page: {"total": len(rows), "rows": page}),
        f"{base}dataOpen/apiDetail.action": show("API", "serviceModel"),
        f"{base}dataOpen/dataDetail.action": show("DATA", "resInfo"),
    }, given
