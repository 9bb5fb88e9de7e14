"""Every dataset that the shared real files of every kind make: for rules that hold whatever a portal writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from harvester.connectors import CONNECTORS
from harvester.crosswalk import to_dataset
from harvester.http import Http
from harvester.records import RawRecord
from portal.catalog.model import Dataset, Source
from tests import chinese_portals
from tests.fixtures import FIXTURES
from tests.harvester.harvesting import LOOPBACK, Documents, fixture, source

TAIWAN = "710000"


def every_dataset() -> Iterator[tuple[str, Dataset]]:
    """The datasets of the Chinese, Taiwanese, CKAN, data.json and RDF files, each with the name of its file."""
    for _, dataset in chinese_portals.datasets():
        yield dataset.source_id, dataset
    yield from _listed()
    for line in fixture("ckan/ar_datos_gob_ar_package_show.jsonl.gz").splitlines():
        yield from _made("ar_datos_gob_ar", "ckan", json.loads(line))
    for path in sorted(path for path in (FIXTURES / "dcat_us").rglob("*.json*") if path.is_file()):
        document = json.loads(fixture(str(path.relative_to(FIXTURES))))
        listed = document.get("dataset") if isinstance(document, dict) else None
        for entry in listed if isinstance(listed, list) else ():
            yield from _made(path.stem, "datajson", entry)
    yield from _of_rdf()


def _made(name: str, kind: str, record: Any) -> Iterator[tuple[str, Dataset]]:
    dataset, _ = to_dataset(
        RawRecord(body=json.dumps(record).encode()), Source(id="real", title=name, kind=kind, url="https://example.org/")
    )
    if dataset is not None:
        yield name, dataset


def _listed() -> Iterator[tuple[str, Dataset]]:
    """What stands in Taiwan's lists, JSON and CSV, as their connector reads them."""
    for path in sorted((FIXTURES / "tw_portals").glob("*/*")):
        yield from _read("csvlist", f"tw_portals/{path.parent.name}/{path.name}", TAIWAN)


def _of_rdf() -> Iterator[tuple[str, Dataset]]:
    folder = FIXTURES / "dcat"
    for path in sorted([*(folder / "be" / "sources").iterdir(), *(folder / "it").iterdir()]):
        yield from _read("dcat", str(path.relative_to(FIXTURES)), None)


def _read(kind: str, path: str, region: str | None) -> Iterator[tuple[str, Dataset]]:
    """What a connector makes of a file that a portal serves, translated and not stored."""
    name = path.rpartition("/")[2].removesuffix(".gz")
    with Documents() as portal, Http(requests_per_second=0, allow_private=LOOPBACK) as http:
        portal.put(f"/{name}", fixture(path), None if kind == "dcat" else "text/plain")
        read_from = msgspec.structs.replace(source(kind, f"{portal.url}/{name}"), region=region)
        for item in CONNECTORS[kind](read_from, http, None):
            dataset = to_dataset(item, read_from)[0] if isinstance(item, RawRecord) else None
            if dataset is not None:
                yield name, dataset
