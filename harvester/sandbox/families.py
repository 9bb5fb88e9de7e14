"""Answers as two families of Chinese portals do: Guizhou's interface, and the pages of the Inspur portals."""

from __future__ import annotations

from datetime import timedelta, timezone
from html import escape
from typing import Any

from harvester.sandbox.exchange import Request, Response, as_html, as_json, json_bytes
from harvester.sandbox.inventing import Dataset
from harvester.sandbox.shelf import Shelf, poisoned

CHINA = timezone(timedelta(hours=8))

CYCLES = {
    "yearly": 0, "quarterly": 1, "monthly": 2, "weekly": 3, "daily": 4, "realtime": 5, "halfyearly": 6, "irregular": 8,
    "never": 9,
}
"""Guizhou's codes; it has none for every hour, and 7 is what it says of anything else."""

PAGE_SIZE = 10


def answer_guizhou(shelf: Shelf, request: Request) -> Response | None:
    """A list in JSON, the last changed first, and each record by a call of its own; None for any other address."""
    if request.path == "/api/search/data/getDataDirectoryListByParams":
        size = max(1, request.number("pageSize", 12))
        start = (max(1, request.number("pageIndex", 1)) - 1) * size
        page = shelf.ordered("modified", descending=True)[start:start + size]
        return as_json({"total": shelf.declared, "data": [_listed(dataset) for dataset in page]})
    if request.path == "/api/search/data/getDataDetailByDataId":
        dataset = shelf.by_handle.get(str(request.parameters.get("id", "")))
        if dataset is None:
            return as_json({"code": 404, "msg": "数据不存在"}, 404)
        return Response(body=shelf.record(dataset, guizhou_record), media_type="application/json")
    return None


def _listed(dataset: Dataset) -> dict[str, Any]:
    return {
        "id": dataset.key,
        "name": dataset.title,
        "orgName": dataset.department.name,
        "updateTime": _milliseconds(dataset),
        "resourceFormats": [file.format.lower() for file in dataset.files],
        "views": dataset.views,
        "calls": dataset.downloads,
    }


def guizhou_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset as Guizhou's interface details it."""
    words = shelf.words(dataset)
    record: dict[str, Any] = {
        "name": dataset.title,
        "description": dataset.description,
        "topicName": words["theme"],
        "orgName": dataset.department.name,
        "industryName": "",
        "createTime": words["issued"],
        "updateTime": _milliseconds(dataset),
        "openAttribute": int(dataset.openness == "conditional"),
        "frequency": CYCLES.get(dataset.frequency, 7),
        "dataCapacity": dataset.rows * len(dataset.columns),
    }
    return json_bytes({"code": 200, "data": poisoned(record, ()) if dataset.poisoned else record})


def _milliseconds(dataset: Dataset) -> int:
    return int(dataset.modified.timestamp() * 1000)


def answer_inspur(shelf: Shelf, request: Request) -> Response | None:
    """A list of pages, ten a page without saying how many, and a page with a table for each; None for others."""
    if request.path == "/catalog/index":
        start = (max(1, request.number("page", 1)) - 1) * PAGE_SIZE
        rows = "".join(_row(shelf, dataset) for dataset in shelf.ordered("key")[start:start + PAGE_SIZE])
        return as_html(escape(shelf.portal.title), f"<ul class='cata-list'>{rows}</ul>")
    dataset = shelf.by_handle.get(request.path.removeprefix("/catalog/"))
    if dataset is None or not request.path.startswith("/catalog/"):
        return None
    return as_html("数据目录", "" if dataset.poisoned else _page(shelf, dataset))


def _row(shelf: Shelf, dataset: Dataset) -> str:
    types = "".join(f"<li class='{escape(file.format.lower())}'>{escape(file.format)}</li>" for file in dataset.files)
    address = f"{shelf.base}/catalog/{dataset.key}"
    return (
        f"<li><div class='cata-title'><a href='{address}'>{escape(dataset.title or '')}</a></div>"
        f"<div class='file-type'><ul>{types}</ul></div></li>"
    )


def _page(shelf: Shelf, dataset: Dataset) -> str:
    words = shelf.words(dataset)
    lines = {
        "来源部门": dataset.department.name,
        "重点领域": words["theme"],
        "发布时间": words["issued"],
        "更新时间": f"{dataset.modified.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "开放条件": words["openness"],
    }
    cells = {
        "数据量": f"{dataset.rows:,}",
        "更新频率": words["frequency"],
        "部门电话": dataset.phone,
        "部门邮箱": dataset.email,
        "描述": dataset.description or "暂无",
    }
    listed = "".join(f"<li>{key}：<span>{escape(value)}</span></li>" for key, value in lines.items())
    table = "".join(f"<tr><td>{key}</td><td>{escape(value)}</td></tr>" for key, value in cells.items())
    tags = "<br>".join(escape(tag) for tag in dataset.tags)
    return (
        f"<ul class='d-title'><h4>{escape(dataset.title or '')}</h4></ul><ul class='list-inline'>{listed}</ul>"
        f"<li name='basicinfo'><table>{table}<tr><td>标签</td><td>{tags}</td></tr></table></li>"
    )
