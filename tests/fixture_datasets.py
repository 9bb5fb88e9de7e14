"""The rows of the Chinese and Taiwanese portals in the fixtures as datasets, each with the file and row it stands in."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from portal.catalog.model import Dataset, Source
from tests.chinese_portals import REGIONS
from tests.fixtures import FIXTURES

NATIONAL = "tw_portals/raw/16-22_data_gov_download.csv.gz"
"""What Taiwan's national portal lists, its cities' datasets among it."""

TAIWAN = "710000"


class Row(NamedTuple):
    """One row of one file."""

    file: str
    number: int
    """From 0."""
    dataset: Dataset
    region: str
    """Of the portal."""


@cache
def rows() -> tuple[Row, ...]:
    """Every row that is a dataset, in the order of the files; of rows that are the same dataset again the first."""
    found: dict[str, Row] = {}
    for file in _files():
        source = _source(file)
        for number, record in enumerate(_records(FIXTURES / file)):
            dataset, _ = to_dataset(RawRecord(body=json.dumps(record, ensure_ascii=False).encode()), source)
            if dataset is not None:
                found.setdefault(dataset.id, Row(file, number, dataset, source.region or TAIWAN))
    return tuple(found.values())


def _files() -> Iterator[str]:
    for folder in ("cn_portals", "tw_portals/json"):
        yield from (f"{folder}/{path.name}" for path in sorted((FIXTURES / folder).iterdir()))
    yield NATIONAL


def _source(file: str) -> Source:
    name = file.rpartition("/")[2].partition(".")[0]
    if file == NATIONAL:
        name = "tw_national"
    elif file.startswith("tw_"):
        name = f"tw_{name.partition('_')[2]}"
    region = REGIONS.get(name, TAIWAN)
    return Source(id=name.replace("_", "-"), title=name, kind="csvlist", url="http://127.0.0.1/", region=region)


def _records(path: Path) -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.name.endswith(".csv.gz"):
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    records: list[dict[str, Any]] = json.loads(content)
    return records
