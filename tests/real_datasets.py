"""Every dataset that the shared real files of every kind make: for rules that hold whatever a portal writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from portal.catalog.model import Dataset, Source
from portal.catalog.store import Catalog
from tests import chinese_portals
from tests.fixtures import FIXTURES
from tests.harvester.harvesting import Documents, fixture, harvested, source

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
    yield from _harvested_rdf()


def _made(name: str, kind: str, record: Any) -> Iterator[tuple[str, Dataset]]:
    dataset, _ = to_dataset(
        RawRecord(body=json.dumps(record).encode()), Source(id="real", title=name, kind=kind, url="https://example.org/")
    )
    if dataset is not None:
        yield name, dataset


def _listed() -> Iterator[tuple[str, Dataset]]:
    """What stands in Taiwan's lists, JSON and CSV, as their connector reads them."""
    for path in sorted((FIXTURES / "tw_portals").glob("*/*")):
        yield from _harvested("csvlist", f"tw_portals/{path.parent.name}/{path.name}", TAIWAN)


def _harvested_rdf() -> Iterator[tuple[str, Dataset]]:
    folder = FIXTURES / "dcat"
    for path in sorted([*(folder / "be" / "sources").iterdir(), *(folder / "it").iterdir()]):
        yield from _harvested("dcat", str(path.relative_to(FIXTURES)), None)


def _harvested(kind: str, path: str, region: str | None) -> Iterator[tuple[str, Dataset]]:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    with Documents() as portal:
        name = path.rpartition("/")[2].removesuffix(".gz")
        portal.put(f"/{name}", fixture(path), None if kind == "dcat" else "text/plain")
        harvested(catalog, msgspec.structs.replace(source(kind, f"{portal.url}/{name}"), region=region))
    for entry in catalog.walk():
        yield name, entry.dataset
    catalog.close()
