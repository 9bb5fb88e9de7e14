"""Does a search find what it is named by: real titles, without their places and departments, among all real titles.

    python -m benchmarks.search_finds [DRAWS] [SEED]

All rows of ``fixtures/cn_portals`` and ``fixtures/tw_portals`` are indexed. Titles are drawn from them; the words of
a title, without those of places and departments, are searched, and the drawn dataset itself must be among the first
ten hits. Not drawn are titles that more than ten datasets have and titles that leave nothing. Where more than ten
different titles leave the same words, ten places cannot hold them all: a miss there counts, but is named apart.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from msgspec import Struct

import schemas
from harvester.identity import dataset_id, publisher_id
from portal.catalog.model import Column, Dataset, DatasetState, Entry, Publisher
from portal.search.analysis import fold, pieces, words
from portal.search.engines import open_index
from portal.search.indexing import document
from portal.search.query import Position, Query, SearchIndex
from tests.fixtures import FIXTURES

NAMES: dict[str, tuple[str, ...]] = {
    "title": ("标题", "资源名称", "目录名称", "subjectBaseName", "資料集名稱", "資料名稱", "資料名称"),
    "description": ("摘要信息", "描述", "数据摘要", "资源描述", "资源摘要", "目录摘要", "摘要", "tableRemark", "資料集說明", "資料集描述"),
    "department": ("提供单位", "来源部门", "数据提供方", "所属部门", "所属单位", "资源提供方", "提供部门", "orgName", "发布部门",
                   "数源单位", "資料來源(部會單位)", "資料來源", "資料来源", "资料来源", "資料集提供機關", "提供機關名稱"),
    "keywords": ("标签", "关键字", "资源标签", "label", "關鍵字", "標籤/關鍵字"),
    "columns": ("fieldName", "主要欄位", "主要欄位說明"),
}
"""What the portals call what we look for, in the order of preference."""

NOT_GIVEN = frozenset(("", "暂无", "None", "null", "无"))
FIRST = 10
_SEPARATORS = re.compile(r"[,，、;；\s]+|\\[rnt]")

DEPARTMENT_ENDINGS = ("局", "厅", "委", "委员会", "办公室", "政府", "街道办", "办事处", "管委会", "支队", "总队", "大队", "公司", "处", "院")
"""A word of two characters and more that ends so names a department."""


class Row(Struct, frozen=True):
    """What a portal says of one dataset."""

    place: str
    """Its file and its place in it."""
    title: str
    department: str | None
    description: str | None
    keywords: tuple[str, ...]
    columns: tuple[str, ...]


def _first(row: dict[str, object], names: tuple[str, ...]) -> str | None:
    for name in names:
        text = str(row.get(name) or "").strip()
        if text not in NOT_GIVEN:
            return text
    return None


def _tables(folder: Path) -> Iterator[tuple[str, list[dict[str, object]]]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        name = path.name.removesuffix(".gz")
        text = content.decode("utf-8-sig")
        yield name, json.loads(text) if name.endswith(".json") else list(csv.DictReader(io.StringIO(text, newline="")))


def rows() -> Iterator[Row]:
    """Every row of the portals of mainland China and Taiwan that has a title."""
    for folder in ("cn_portals", "tw_portals"):
        for name, table in _tables(FIXTURES / folder):
            for number, row in enumerate(table):
                title = _first(row, NAMES["title"])
                if title is not None:
                    listed = {
                        kind: tuple(filter(None, _SEPARATORS.split(_first(row, NAMES[kind]) or "")))
                        for kind in ("keywords", "columns")
                    }
                    yield Row(
                        f"{name}#{number}", title, _first(row, NAMES["department"]),
                        _first(row, NAMES["description"]), listed["keywords"], listed["columns"],
                    )


def to_entry(row: Row) -> Entry:
    """The row as the catalogue would hold it."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    source, _, number = row.place.partition("#")
    department = row.department
    dataset = Dataset(
        id=dataset_id(source, number),
        source_id=source,
        source_key=number,
        title=row.title,
        description=row.description,
        keywords=row.keywords,
        columns=tuple(Column(name=name) for name in row.columns),
        publisher=Publisher(id=publisher_id(source, None, department), name=department) if department else None,
    )
    return Entry(dataset=dataset, state=DatasetState.CURRENT, first_seen=now, changed=now)


@cache
def _places() -> re.Pattern[str]:
    """Regions by their full names, provinces and prefectures by their short ones too."""
    terms = schemas.vocabulary("regions").terms.values()
    names = {fold(term.zh) for term in terms}
    names |= {
        fold(short)
        for term in terms
        if term.attributes.get("level") in ("province", "prefecture")
        if len(short := term.attributes.get("short", "")) > 1
    }
    return re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))


def own_words(row: Row) -> str:
    """The words of a title without those of places and departments."""
    title = fold(row.title)
    department = fold(row.department or "")
    for name in (department, _places().sub("", department)):
        if len(name) > 1:
            title = title.replace(name, " ")
    kept = []
    for piece in pieces(_places().sub(" ", title)):
        if piece.unspaced:
            kept += [
                " " if len(word) > 1 and word.endswith(DEPARTMENT_ENDINGS) else word for word in words(piece.token)
            ]
            kept.append(" ")
        else:
            kept.append(f"{piece.token} ")
    return " ".join("".join(kept).split())


class Finding(Struct, frozen=True):
    """How the draws ended."""

    found: int
    missed: tuple[str, ...]
    """Title, what was asked, and how many hits there were."""
    missed_among_equals: tuple[str, ...]
    """The same, where more than ten titles leave the same words: ten places cannot hold them all."""
    same_title: int
    """Not counted as draws: more than ten datasets have that very title."""
    nothing_left: int
    """Not counted as draws: titles of places and departments only."""

    @property
    def share(self) -> float:
        """Of all draws, how many found their dataset (0-1)."""
        return self.found / (self.found + len(self.missed) + len(self.missed_among_equals))


def finding(index: SearchIndex, indexed: list[Row], draws: int, seed: int) -> Finding:
    """Draws ``draws`` titles and searches each."""
    order = list(indexed)
    random.Random(seed).shuffle(order)
    titles = Counter(row.title for row in indexed)
    found = nothing_left = same_title = 0
    misses: list[tuple[str, str]] = []
    for row in order:
        if found + len(misses) == draws:
            break
        asked = own_words(row)
        if titles[row.title] > FIRST:
            same_title += 1
        elif len(asked) < 2:
            nothing_left += 1
        else:
            results = index.search(Query(text=asked, rows=FIRST))
            if to_entry(row).dataset.id in {hit.id for hit in results.hits}:
                found += 1
            else:
                misses.append((asked, f"{row.title}: {asked!r} has {results.total:,} hits"))
    equals = Counter(own_words(row) for row in indexed) if misses else Counter()
    return Finding(
        found,
        tuple(miss for asked, miss in misses if equals[asked] <= FIRST),
        tuple(miss for asked, miss in misses if equals[asked] > FIRST),
        same_title,
        nothing_left,
    )


def main() -> None:
    """Prints the share found, and every miss."""
    draws, seed = (int(argument) for argument in [*sys.argv[1:], "500", "2026"][:2])
    indexed = list(rows())
    with tempfile.TemporaryDirectory() as home:
        index = open_index("tantivy:", Path(home))
        index.rebuild((document(to_entry(row)) for row in indexed), Position(1))
        result = finding(index, indexed, draws, seed)
        index.close()
    print(f"{len(indexed):,} datasets; {result.share:.1%} of {draws} titles found in the first {FIRST}")
    print(f"not drawn: {result.same_title} titles more than {FIRST} have, {result.nothing_left} that leave nothing")
    print(f"missed among more than {FIRST} titles with the same own words:", *result.missed_among_equals, sep="\n  ")
    print("missed otherwise:", *result.missed, sep="\n  ")


if __name__ == "__main__":
    main()
