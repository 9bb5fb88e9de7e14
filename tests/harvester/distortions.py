"""What may come in place of a portal's answers: each a change of sound answers, said of any family by its profile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from harvester.families import Call, Family, ListCall, family
from portal.catalog.model import Outcome
from tests.harvester import replays
from tests.harvester.family_portals import asked_query, html, paged, source_at
from tests.harvester.replays import Replay
from tests.hostile import Script, Talk, answer

JSON = "application/json"
HTML = "text/html; charset=utf-8"

Change: TypeAlias = Callable[[bytes], tuple[bytes, str]]
"""From the body of a sound answer to another, with its content type."""


def plain_json(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    """A portal of no family: a list in JSON under names that Chinese portals use."""
    names = ("标题", "数据提供方", "更新频率", "开放属性", "主题名称", "发布时间", "数据格式")
    listed = [{"标识符": replays.id_of(each)} | {name: each[name] for name in names} for each in rows]
    call = {"path": "api/list", "query": {"p": "{page}", "n": "{size}"}, "page_size": 10, "records": "data.rows",
            "total": "data.total"}
    answers = paged(listed, replays.numbered("p", "n", asked_query), lambda page: {
        "data": {"total": len(rows), "rows": page}})
    return {"/api/list": answers}, {"kind": "jsonapi", "listings": {"datasets": call}}


def plain_html(rows: list[dict[str, Any]]) -> tuple[dict[str, Script], dict[str, Any]]:
    """A portal of no family: a page with one table."""
    names = ("标题", "数据提供方", "更新频率", "开放属性", "主题名称", "发布时间", "资源格式")
    lines = "".join(
        f"<tr><td>{replays.id_of(each)}</td>{''.join(f'<td>{each[name]}</td>' for name in names)}</tr>" for each in rows
    )
    values = {name: {"select": f"td:nth-child({number})"} for number, name in enumerate(("标识符", *names), 1)}
    call = {"path": "list.html", "answer": "html", "records": "tr:has(td)", "total": "b", "paged": False, "values": values}
    return {"/list.html": html(f"<b>{len(rows)}</b><table>{lines}</table>")}, {
        "kind": "htmltable", "listings": {"datasets": call}}


REPLAYS: Mapping[str, Replay] = {
    "athena": replays.athena, "beijing": replays.beijing, "chongqing": replays.chongqing,
    "dataservice": replays.dataservice, "epoint": replays.epoint, "exchangeopengateway": replays.exchange,
    "fujian": replays.fujian, "gd_dataset": replays.gd_dataset, "gd_opendata": replays.gd_opendata,
    "guizhou": replays.guizhou, "inspur_odweb": replays.odweb, "inspur_portal": replays.inspur, "jdop": replays.jdop,
    "shanghai": replays.shanghai, "tianjin": replays.tianjin, "a list in JSON": plain_json, "a table in HTML": plain_html,
}

IDS: Mapping[str, str] = {
    "athena": "iid", "beijing": "url", "chongqing": "id", "dataservice": "id", "epoint": "rowGuid",
    "exchangeopengateway": "mlbh", "fujian": "catalogID", "gd_dataset": "resId", "gd_opendata": "resId", "guizhou": "id",
    "inspur_odweb": "cata_id", "shanghai": "datasetId", "tianjin": "href",
    "a list in JSON": "标识符",
}
"""Where the id stands in the listed records of the families whose lists are JSON."""


class Portal(NamedTuple):
    """A portal of a family, sound."""

    scripts: Mapping[str, Script]
    kind: str
    base: str
    options: Mapping[str, Any]
    profile: Family
    lists: frozenset[str]
    """The paths of its lists."""
    id: str | None
    """The key of the id in a listed record; None where lists are HTML."""

    @property
    def call(self) -> ListCall:
        return next(iter(self.profile.listings.values()))

    @property
    def lists_json(self) -> bool:
        return self.id is not None


def row(number: int, *, last: str) -> dict[str, Any]:
    """An invented row under every name that a replay asks for; ``last`` stands before the id in its address."""
    id, office = f"{number:08}", "某市交通运输局"
    names = {
        f"公交站点 {id}": "标题 资源名称", "全市站点": "描述 摘要 摘要信息 数据摘要 资源摘要 资源描述", "每月": "更新频率 更新周期",
        office: "来源部门 提供单位 数据提供方 资源提供方 所属单位 数源单位", "无条件开放": "开放条件 开放属性 开放类型",
        "交通运输": "重点领域 主题名称 领域 主题分类 所属主题 数据领域 所属领域 所属行业 行业分类", "公交": "标签 资源标签",
        "2023-01-01": "发布时间 发布日期", "2024-01-01": "更新时间 更新日期 资源更新日期", "12": "数据量 数据容量", "已开放": "开放状态",
        "0571-88880000": "部门电话 联系方式", "a@example.cn": "部门邮箱", "1.0": "版本号", "xlsx": "资源格式", "1": "文件数",
        "出行": "应用场景",
    }
    said: dict[str, Any] = {name: value for value, several in names.items() for name in several.split()}
    return said | {"数据格式": ["xlsx"], "详情页网址": f"http://example.cn/show{last}{id}"}


def portal_of(name: str, count: int) -> Portal:
    """A portal of the family with so many records."""
    last = "?id=" if name in ("epoint", "jdop") else "/"
    scripts, given = REPLAYS[name]([row(number, last=last) for number in range(1, count + 1)])
    options = {key: value for key, value in given.items() if key not in ("kind", "base")}
    base = str(given.get("base", "/"))
    profile = family(source_at("http://example.cn/", given["kind"], **options))
    lists = frozenset(
        base + re.sub(r"\{(\w+)\}", lambda found: str(profile.variables[found[1]]), call.path)
        for call in profile.listings.values()
    )
    return Portal(scripts, given["kind"], base, options, profile, lists, IDS.get(name))


def spoiled(portal: Portal, *, lists: Change | None = None, details: Change | None = None) -> dict[str, Script]:
    """The portal's scripts with the answers of its lists or its details changed."""
    return {
        path: script if (change := lists if path in portal.lists else details) is None else _changed(script, change)
        for path, script in portal.scripts.items()
    }


def _changed(script: Script, change: Change) -> Script:
    def changed(talk: Talk) -> None:
        sent: list[bytes] = []
        with talk.spoiled(lambda onward, data: sent.append(data)):
            script(talk)
        head, _, body = b"".join(sent).partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            talk.send(head + b"\r\n\r\n" + body)
            return
        other, media_type = change(body)
        answer(other, headers={"Content-Type": media_type})(talk)

    return changed


class Distortion(NamedTuple):
    """One way in which answers may be others, and how a harvest of them must end."""

    change: Change
    outcome: Outcome
    told: str = ""
    """What one of the run's issues says."""


LOGIN = (
    "<!DOCTYPE html><html><head><title>统一身份认证</title></head><body><h1>统一身份认证</h1>"
    "<form action='/login'><input name='user'><input type='password'></form></body></html>"
)
ELSEWHERE = (
    "<!DOCTYPE html><html><head><title>首页</title></head><body><table><tr><td>1</td><td>公交</td></tr></table>"
    "<ul><li>关于我们</li></ul></body></html>"
)


def constant(text: str, media_type: str) -> Change:
    return lambda body: (text.encode(), media_type)


def told(value: Any) -> Change:
    return constant(json.dumps(value, ensure_ascii=False), JSON)


def of_json(change: Callable[[Any], Any], call: Call | None = None) -> Change:
    """Changes decoded JSON; what the call says is JSON text within it is decoded before and written after."""
    texts = call.json_in if call is not None else ()

    def changed(body: bytes) -> tuple[bytes, str]:
        said = json.loads(body)
        for path in texts:
            said[path] = json.loads(said[path])
        said = change(said)
        for path in texts:
            said[path] = json.dumps(said[path], ensure_ascii=False)
        return json.dumps(said, ensure_ascii=False).encode(), JSON

    return changed


def at(path: str, change: Callable[[dict[str, Any], str], Any]) -> Callable[[Any], Any]:
    """Lets ``change`` do something to the object that holds the last step of a path, under that step's name."""

    def changed(said: Any) -> Any:
        *steps, last = path.split(".")
        holder = said
        for step in steps:
            holder = holder[step]
        change(holder, last)
        return said

    return changed


def put(path: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Puts something made of what stands at a path there; ``.`` is all of it."""
    return change if path == "." else at(path, lambda holder, key: holder.update({key: change(holder[key])}))


def renamed(path: str, name: str) -> Callable[[Any], Any]:
    return at(path, lambda holder, key: holder.update({name: holder.pop(key)}))


def without(path: str) -> Callable[[Any], Any]:
    return at(path, lambda holder, key: holder.pop(key))


def anything(portal: Portal, call: Call) -> dict[str, Distortion]:
    """What may come in place of any answer."""
    is_json = call.answer == "json"
    media_type = JSON if is_json else HTML

    def in_gbk(body: bytes) -> tuple[bytes, str]:
        return body.decode().replace("charset='utf-8'", "charset='gbk'").encode("gbk"), media_type.replace("utf-8", "gbk")

    failed, complete = Outcome.FAILED, Outcome.COMPLETE
    changes = {
        "a login page": Distortion(constant(LOGIN, HTML), failed),
        "another page": Distortion(constant(ELSEWHERE, HTML), failed),
        "an error in a good answer": Distortion(
            told({"code": 401, "msg": "请先登录", "data": None}), failed, "请先登录" if is_json and not call.success else ""),
        "another vendor's JSON": Distortion(told({"body": {"count": 7, "items": [{"uuid": "1", "label": "x"}]}}), failed),
        "an empty object": Distortion(told({}), failed),
        "null": Distortion(told(None), failed),
        "a word": Distortion(told("ok"), failed),
        "nothing": Distortion(constant("", media_type), failed),
        "GBK": Distortion(in_gbk, complete),
        "a byte order mark": Distortion(lambda body: (b"\xef\xbb\xbf" + body, media_type), complete),
        "half of it": Distortion(lambda body: (body[:len(body) // 2], media_type), failed),
    }
    if is_json:
        changes |= {
            "JSONP": Distortion(lambda body: (b"callback(" + body + b");", "application/javascript"), complete),
            "JSON in a JSON string": Distortion(lambda body: (json.dumps(body.decode()).encode(), JSON), complete),
        }
    return changes


def lists_of(portal: Portal) -> dict[str, Distortion]:
    """What may come in place of a page of a list."""
    call = portal.call
    changes = anything(portal, call)
    if not portal.lists_json:
        return changes

    def listed(change: Callable[[list[Any]], Any]) -> Change:
        return of_json(put(call.records, change), call)

    def each(change: Callable[[dict[str, Any]], Any]) -> Change:
        return listed(lambda records: [change(record) for record in records])

    key = portal.id or ""
    failed = Outcome.FAILED
    changes |= {
        "the list under another key": Distortion(
            of_json(renamed(call.records, "resultRows"), call), failed, "lists of objects stand at "),
        "the list one deeper": Distortion(listed(lambda records: {"list": records}), failed, "lists of objects stand at "),
        "a list in the list": Distortion(listed(lambda records: [records]), failed, "holds no objects"),
        "no list": Distortion(listed(lambda records: []), failed, "no record at "),
        "strings for objects": Distortion(each(lambda record: "公交站点"), failed, "holds no objects"),
        "JSON texts for objects": Distortion(each(json.dumps), failed, "holds no objects"),
        "everything one deeper": Distortion(of_json(lambda said: {"body": said}), failed),
        "everything in a list": Distortion(of_json(lambda said: [said]), failed),
        "records one deeper": Distortion(each(lambda record: {"item": record}), failed, "none of the first 5 records"),
        "no ids": Distortion(each(lambda record: {k: v for k, v in record.items() if k != key}), failed, key),
        "null for ids": Distortion(each(lambda record: record | {key: None}), failed, key),
        "one id for all": Distortion(each(lambda record: record | {key: "0"}), failed),
        "objects for ids": Distortion(each(lambda record: record | {key: {"value": record[key]}}), failed),
        "the id under another key": Distortion(
            each(lambda record: {"another" if k == key else k: v for k, v in record.items()}), failed, "another"),
        "a further key": Distortion(each(lambda record: record | {"further": "x"}), Outcome.COMPLETE, "further (7/7)"),
    }
    return changes


def totals_of(portal: Portal) -> dict[str, Distortion]:
    """What may stand in place of the total or the number of pages; nothing where the profile names neither."""
    call = portal.call
    path = call.total or call.pages
    if path is None or not portal.lists_json:
        return {}

    def number(change: Callable[[int], Any]) -> Change:
        return of_json(put(path, lambda said: change(int(said))), call)

    complete, partial = Outcome.COMPLETE, Outcome.PARTIAL
    wrong = f"{1}/" if call.total else ""
    return {
        "no total": Distortion(of_json(without(path), call), partial, f"nothing at {path}"),
        "null for a total": Distortion(number(lambda said: None), partial, f"{path} is no number"),
        "a negative total": Distortion(number(lambda said: -1), partial, f"{path} is no number"),
        "a total of 1,000 as text": Distortion(number(lambda said: f"{said:,}"), complete),
        "a total in words": Distortion(number(lambda said: f"共{said}条"), complete),
        "a total with a fraction": Distortion(number(float), complete),
        "a total of 1": Distortion(number(lambda said: 1), complete, wrong),
        "a total of 0": Distortion(number(lambda said: 0), complete, wrong.replace("1", "0")),
        "a total far above": Distortion(number(lambda said: said + 500), partial, "incomplete" if call.total else " of 50"),
    }


def details_of(portal: Portal) -> dict[str, Distortion]:
    """What may come in place of a record's detail; nothing where there is none."""
    call = portal.call.detail
    if call is None:
        return {}
    changes = anything(portal, call)
    failed = Outcome.FAILED
    if call.answer == "html":
        return changes | {
            "an empty page": Distortion(constant("<html><head><title>x</title></head><body></body></html>", HTML), failed),
            "the same page for all": Distortion(
                constant(_any_page(portal), HTML), failed, "the same detail, whichever is asked for"),
        }

    def record(change: Callable[[Any], Any]) -> Change:
        return of_json(put(call.record, change))

    return changes | {
        "the record one deeper": Distortion(record(lambda said: {"info": said}), failed, "nobody decided about "),
        "the record in a list": Distortion(record(lambda said: [said]), failed),
        "the record as JSON text": Distortion(record(json.dumps), Outcome.COMPLETE if call.record == "." else failed),
        "no record": Distortion(record(lambda said: None), failed),
        "an empty record": Distortion(record(lambda said: {}), failed, "no title at "),
        "other keys": Distortion(
            record(lambda said: {f"k{n}": value for n, value in enumerate(said.values())}), failed, "nobody decided about "),
        "null for every value": Distortion(record(lambda said: dict.fromkeys(said)), failed, "no title at "),
        "objects for values": Distortion(record(lambda said: {k: {"value": v} for k, v in said.items()}), failed),
        "one record for all": Distortion(
            record(lambda said: {k: "公交" for k in said}), failed, "the same detail, whichever is asked for"),
    }


def _any_page(portal: Portal) -> str:
    """A detail page of the portal, which it then gives for every record."""
    cells = "<tr><td>更新频率</td><td>每月</td></tr>"
    return {
        "inspur": f"<ul class='d-title'><h4>公交</h4></ul><li name='basicinfo'><table>{cells}</table></li>",
        "jdop": f"<span class='sjxqTit1'>公交</span><div class='box1'><table>{cells}</table></div>",
        "cms": "<div id='zydtCont1'><div class='sjdetails_cardmain_frame'>资源名称：公交<br/>更新频率：每月</div></div>",
        "common": f"<div class='title'><span>公交</span></div><div class='slidecont'><table>{cells}</table></div>".replace(
            "<td>更新频率</td>", "<th>更新频率</th>"),
        "portal": f"<h2 class='dt-name'><p>公交</p></h2><table class='table table-bordered'>{cells}</table>",
    }[{"catalog": "inspur", "jdop_front": "jdop"}.get(start := portal.call.path.split("/")[0], start)]
