"""A search taken away whole: CSV, JSON Lines, Turtle; streamed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace
from rdflib import Graph
from rdflib.compare import isomorphic

from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.search.query import Query, QueryNotUnderstood, Sort
from portal.web.dcat import graph
from portal.web.documents import Document
from portal.web.exports import CSV_COLUMNS, csv_chunks, jsonl_chunks, selection, turtle_chunks
from portal.web.spreadsheets import harmless
from tests.portal.web.samples import BASE, CORPUS, FULL, SERIES, SERVICE, entry, here
from tests.portal.web.town import dataset_of


def rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def csv_of(*entries: Entry) -> list[dict[str, str]]:
    return rows("".join(csv_chunks(entries, BASE)))


def test_csv_has_named_columns_and_several_values_in_one_cell() -> None:
    (row,) = csv_of(entry())
    assert list(row) == [*CSV_COLUMNS, "page"]
    assert row["title"] == "公交站点" and row["title_en"] == 'Bus "stops" \\ halts'
    assert row["description"] == "每日更新。\n第二行"
    assert (row["themes"], row["formats"]) == ("transport|weather|other", "csv|奇怪")
    assert row["changed"] == "2026-03-04T05:06:07+00:00"
    assert row["page"] == f"{BASE}/datasets/{FULL.id}"


def test_csv_leaves_empty_what_the_portal_did_not_say() -> None:
    (row,) = csv_of(entry(SERIES, description=None))
    assert {name for name, cell in row.items() if cell} == {
        "id", "title", "source_id", "source_key", "state", "first_seen", "changed", "page",
    }  # fmt: skip


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_w97_no_cell_computes(start: str) -> None:
    evil = f'{start}cmd|"/c calc"!A1'
    said: dict[str, Any] = {name: evil for name in ("title", "source_key", "landing_page", "licence_raw")}
    (row,) = csv_of(entry(**said, keywords=(evil,), licence=None))
    cells = {row[name] for name in ("title", "keywords", "source_key", "landing_page", "licence")}
    assert cells == {harmless(evil)} == {"'" + evil}


def test_json_lines_hold_one_document_each() -> None:
    lines = b"".join(jsonl_chunks([entry(), entry(SERIES)], BASE)).splitlines()
    documents = [msgspec.json.decode(line, type=Document) for line in lines]
    assert [one.dataset for one in documents] == [FULL, SERIES]
    assert documents[0].links["json"] == f"{BASE}/datasets/{FULL.id}.json"


def test_turtle_in_pieces_says_what_a_graph_says() -> None:
    entries = [entry(), entry(SERIES), *(entry(SERVICE, id=f"n{number}") for number in range(420))]
    pieces = list(turtle_chunks(entries, BASE, here))
    assert len(pieces) == 4
    assert isomorphic(Graph().parse(data="".join(pieces), format="turtle"), graph(entries, BASE, here))


@pytest.mark.parametrize("evil", CORPUS)
def test_w96_turtle_keeps_every_word_a_word(evil: str) -> None:
    shown = entry(title=evil, titles={evil: evil}, description=f"{evil}\n{evil}\\", source_key=evil, landing_page=evil)
    written = "".join(turtle_chunks([shown], BASE))
    assert isomorphic(Graph().parse(data=written, format="turtle"), graph([shown], BASE))


def test_an_export_of_nothing_is_a_header_no_line_and_an_empty_graph() -> None:
    assert csv_of() == []
    assert b"".join(jsonl_chunks([], BASE)) == b""
    assert len(Graph().parse(data="".join(turtle_chunks([], BASE)), format="turtle")) == 0


WRITERS: dict[str, Callable[[Iterable[Entry]], Iterator[Any]]] = {
    "csv": lambda entries: csv_chunks(entries, BASE),
    "jsonl": lambda entries: jsonl_chunks(entries, BASE),
    "ttl": lambda entries: turtle_chunks(entries, BASE),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("csv", 50_000), ("jsonl", 50_000), ("ttl", 5_000)])
def test_thousands_of_datasets_are_written_in_the_memory_of_a_few(name: str, count: int) -> None:
    shown = entry(SERIES, description="年" * 300)
    synthetic = (replace(shown, dataset=replace(shown.dataset, id=f"n{number}")) for number in range(count))
    tracemalloc.start()
    written = sum(len(chunk) for chunk in WRITERS[name](synthetic))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 400 * count
    assert peak_bytes < 4_000_000


def titles(client: FlaskClient, query: str) -> list[str]:
    response = client.get(f"/datasets.csv{query}")
    assert (response.status_code, response.content_type) == (200, "text/csv; charset=utf-8")
    assert response.is_streamed and "attachment" in response.headers["Content-Disposition"]
    return [row["title"] for row in rows(response.get_data().decode())]


def test_the_whole_of_a_search_is_exported_however_many_pages_it_has(client: FlaskClient) -> None:
    assert len(titles(client, "?q=公交")) == 25
    assert titles(client, "?theme=environment") == ["饮用水水源地水质监测"]
    assert titles(client, "?q=没有的词") == []
    assert len(titles(client, "")) == 30


def test_an_export_keeps_the_order_asked_for(client: FlaskClient) -> None:
    by_title = titles(client, "?q=公交&sort=title")
    assert by_title == sorted(by_title) and len(by_title) == 25


def test_json_lines_of_a_search_are_streamed(client: FlaskClient) -> None:
    response = client.get("/en/datasets.jsonl?theme=environment")
    assert response.mimetype == "application/x-ndjson" and response.is_streamed
    (line,) = response.data.splitlines()
    document = msgspec.json.decode(line, type=Document)
    assert document.dataset.id == dataset_of("1") and document.links["page"].startswith("http://localhost/datasets/")


@pytest.mark.parametrize("path", ["/datasets.csv", "/datasets.jsonl"])
@pytest.mark.parametrize("query", ["page=2", "rows=5", "sort=colour", "colour=red", "q=" + "x" * 501])
def test_an_export_refuses_what_it_would_not_heed(client: FlaskClient, path: str, query: str) -> None:
    response = client.get(f"{path}?{query}")
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")


def test_a_selection_that_cannot_be_understood_says_so_before_anything_is_sent(town: Catalog) -> None:
    index = MemoryIndex()
    catch_up(town, index)
    with pytest.raises(QueryNotUnderstood):
        selection(town, index, Query(text="公交", filters={"colour": ("red",)}))


def test_the_whole_catalogue_is_exported_without_asking_the_index(town: Catalog) -> None:
    ids = [one.dataset.id for one in selection(town, MemoryIndex(), Query(sort=Sort.MODIFIED))]
    assert len(ids) == 30 and ids == sorted(ids)
