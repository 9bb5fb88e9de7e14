"""What a portal wrote comes out as it went in, whichever way it comes out (faults E49 to E52)."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from rdflib import Graph, Literal
from rdflib.namespace import DCTERMS

from portal.catalog.model import Dataset
from portal.catalog.store import Catalog
from tests.harvester.harvesting import Documents, dataset, harvested, source
from tests.portal.web.town import client_of

KEPT = {
    "zero width": "公\u200b共\u200d数\u2060据",
    "bidi": "\u202e据数共公\u202c \u2067עברית\u2069",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 1️⃣ 数据",
    "extension B": "𠮷野家 𠀀",
    "extension G": "𰻝𰻝面",
    "composed": "é Å ǖ",
    "full width": "１２３，（ＡＢＣ）：／",
    "traditional": "臺北市資料",
    "quotes": "\"a\" 'b' \\\\ `c` “d”",
    "line separators": "a\u2028b\u2029c",
    "formula": "=1+1",
    "tibetan and mongolian": "བོད་ཡིག ᠮᠣᠩᠭᠣᠯ",
}
"""Kept to the last byte."""

CHANGED = {
    "NUL": ("a\x00b", "ab"),
    "controls": ("a\x01\x08\x0b\x1f\x7f\x9fb", "ab"),
    "byte order mark": ("\ufeffa", "a"),
    "no characters": ("a\ufffe\uffffb", "ab"),
    "half a pair": ("a\ud800b", "a\ufffdb"),
    "decomposed": ("e\u0301 A\u030a", "é Å"),
}
"""What no text should hold is removed or replaced, and NFC is made of the rest."""

WORDS = {name: (text, text) for name, text in KEPT.items()} | CHANGED


@pytest.fixture
def harvested_words(any_catalog: Catalog) -> Iterator[Catalog]:
    entries = [{"identifier": name, "title": "题", "description": said} for name, (said, _) in WORDS.items()]
    with Documents() as documents:
        documents.put("/data.json", json.dumps({"dataset": entries}).encode())
        run = harvested(any_catalog, source("datajson", f"{documents.url}/data.json"))
    assert run.counts.added == len(WORDS)
    yield any_catalog


def test_e49_rare_and_odd_characters_survive_the_way_through_the_catalogue(harvested_words: Catalog) -> None:
    """From the portal's bytes to the database, and out again as JSON, CSV and Turtle."""
    client = client_of(harvested_words)
    table = csv.DictReader(io.StringIO(client.get("/datasets.csv").get_data(as_text=True).removeprefix("\ufeff"), newline=""))
    cells = {row["id"]: row for row in table}
    for name, (_, expected) in WORDS.items():
        stored: Dataset = dataset(harvested_words, name)
        assert stored.description == expected == unicodedata.normalize("NFC", expected), name
        said: dict[str, Any] = client.get(f"/datasets/{stored.id}.json").get_json()
        assert said["dataset"]["description"] == expected, name
        guarded = f"'{expected}" if expected.startswith("=") else expected
        assert cells[stored.id]["description"] == guarded, name
        graph = Graph().parse(data=client.get(f"/datasets/{stored.id}.ttl").data, format="turtle")
        descriptions = {str(each) for each in graph.objects(None, DCTERMS.description) if isinstance(each, Literal)}
        assert descriptions == {expected}, name
