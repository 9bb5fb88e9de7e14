"""Real rows, two of every Chinese and Taiwanese file, read by eye beside what becomes of them: it stays so.

The rows stay in the fixtures; ``read_by_eye.jsonl`` holds our records alone, each with the file and the row it is of.
Ids made from the others are left out, and for a contact stands the key whose words it must be.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harvester import crosswalk
from harvester.records import RawRecord
from portal.catalog.model import Source
from tests.chinese_portals import REGIONS
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.harvesting import fixture

pytestmark = needs_fixtures

READ = [
    json.loads(line)
    for line in Path(__file__).with_name("read_by_eye.jsonl").read_text(encoding="utf-8").splitlines()
]
TAIWAN = "710000"


@cache
def rows(path: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(fixture(path))
    return read


def translated(path: str, row: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a row, without what is absent, and without ids made from the rest."""
    region = REGIONS.get(Path(path).name.partition(".")[0], TAIWAN)
    source = Source(id="portal", title="示例", kind="csvlist", url="http://portal.example/", region=region)
    dataset, issues = crosswalk.to_dataset(RawRecord(body=json.dumps(row, ensure_ascii=False).encode()), source)
    assert dataset is not None and issues == []
    said: dict[str, Any] = {
        key: value for key, value in json.loads(msgspec.json.encode(dataset)).items() if value not in (None, [], {})
    }
    for derived in (said, said.get("publisher", {}), *said.get("distributions", ())):
        derived.pop("id", None)
    del said["source_id"]
    if "contact" in said:
        said["contact"] = {
            member: next(key for key, value in row.items() if value == words)
            for member, words in said["contact"].items()
        }
    return said


@pytest.mark.parametrize("read", READ, ids=lambda read: f"{read['file']}[{read['row']}]")
def test_a_row_becomes_the_record_that_was_read_by_eye(read: dict[str, Any]) -> None:
    assert translated(read["file"], rows(read["file"])[read["row"]]) == read["record"]


def test_two_rows_of_every_file_were_read() -> None:
    files = [
        f"{folder}/{path.name}"
        for folder in ("cn_portals", "tw_portals/json") for path in sorted((FIXTURES / folder).iterdir())
    ]
    assert [read["file"] for read in READ] == [file for file in files for _ in range(2)]
    assert len({(read["file"], read["row"]) for read in READ}) == len(READ) == 80
