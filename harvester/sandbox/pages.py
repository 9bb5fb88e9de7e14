"""What a person or a link checker gets from a make-believe portal: home page, dataset pages, small files."""

from __future__ import annotations

import csv
import io
from html import escape
from zlib import crc32

from harvester.sandbox.exchange import Request, Response, as_html, as_json
from harvester.sandbox.inventing import Dataset, File, stable_random
from harvester.sandbox.shelf import Shelf

GENERATORS = {
    "ckan-2.10": "ckan 2.10.4",
    "ckan-2.2": "ckan 2.2.1",
    "dkan-1": "Drupal 7 (https://www.drupal.org)",
}

SAMPLE_ROWS = 5

ONE_IN = 40
"""Of so many files one is gone, and one gives an error page with status 200, as portals do."""


def answer(shelf: Shelf, request: Request) -> Response:
    """A page, a file, or 404."""
    if request.path in ("", "/"):
        return _home(shelf)
    dataset = shelf.by_handle.get(request.path.removeprefix("/dataset/"))
    if dataset is not None and request.path.startswith("/dataset/"):
        return _dataset(shelf, dataset)
    if request.path in shelf.by_file:
        return _file(*shelf.by_file[request.path])
    return as_html("404 Not Found", status=404)


def _home(shelf: Shelf) -> Response:
    generator = GENERATORS.get(shelf.portal.software)
    head = f'<meta name="generator" content="{generator}">' if generator else ""
    said = (
        "本站为演示环境，全部数据均为虚构。"
        if shelf.portal.language == "zh"
        else "A demonstration: all data is invented."
    )
    links = "".join(
        f'<li><a href="{shelf.landing_page(dataset)}">{escape(dataset.title or dataset.name)}</a></li>'
        for dataset in shelf.ordered("modified", descending=True)[:20]
    )
    return as_html(escape(shelf.portal.title), f"<p>{said}</p><ul>{links}</ul>", head=head)


def _dataset(shelf: Shelf, dataset: Dataset) -> Response:
    links = "".join(
        f'<li><a href="{shelf.base}{file.path}">{escape(file.title)}</a></li>' for file in dataset.files
    )
    text = (
        f"<p>{escape(dataset.department.name)}</p><p>{escape(dataset.description or '')}</p><ul>{links}</ul>"
    )
    return as_html(escape(dataset.title or dataset.name), text)


def _file(dataset: Dataset, file: File) -> Response:
    """A few invented rows as CSV or JSON; for any other format one line that says what it is. Some are not there."""
    fate = crc32(file.key.encode()) % ONE_IN
    if fate == 0:
        return as_html("404 Not Found", status=404)
    if fate == 1:
        return as_html("404", "<p>文件不存在或已被删除 / file not found</p>")
    rng = stable_random(file.key)
    rows = [
        {column.name: _cell(column.data_type, rng.randint(1, 999)) for column in dataset.columns}
        for _ in range(SAMPLE_ROWS)
    ]
    if file.media_type == "application/json":
        return as_json({"total": dataset.rows, "data": rows})
    if file.format != "CSV":
        return Response(body="演示文件 / demonstration file\n".encode(), media_type=file.media_type)
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in dataset.columns])
    writer.writeheader()
    writer.writerows(rows)
    return Response(body=text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8")


def _cell(data_type: str, number: int) -> object:
    if data_type in ("数值型", "number"):
        return number
    return (
        f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
        if data_type in ("日期型", "date")
        else f"示例{number}"
    )
