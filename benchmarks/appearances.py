"""How long it takes to count a national catalogue once: everything again, and a harvest of 1,000 changes.

``python -m benchmarks.appearances [--datasets 365000]``

The datasets are the rows of the Chinese and Taiwanese portals in the fixtures, and copies of them in invented portals of
other places: a copy's region, department, title and publisher name another prefecture (of Taiwan's another subject), so
that about as large a share of them is met several times as of the real ones.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

import schemas
from benchmarks.yardstick import packages_parsed_a_second
from harvester import counting
from harvester.identity import dataset_id
from portal.catalog.model import Dataset, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from tests.fixture_datasets import TAIWAN, Row, rows

T = TypeVar("T")

CHANGED = 1000
INVENTED = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


@cache
def prefectures() -> list[str]:
    """The codes of the prefectures of the mainland."""
    terms = schemas.vocabulary("regions").terms.values()
    return [term.code for term in terms if term.attributes["level"] == "prefecture"]


@cache
def counties(prefecture: str) -> list[str]:
    """The codes of what lies in a prefecture; its own where nothing does."""
    terms = schemas.vocabulary("regions").terms.values()
    return [term.code for term in terms if term.attributes.get("parent") == prefecture] or [prefecture]


def elsewhere(code: str, copy: int) -> str:
    """The region of a copy: another prefecture for a prefecture, a county of it for a county, a province for one."""
    attributes = schemas.vocabulary("regions").terms[code].attributes
    level = attributes["level"]
    if level == "zone":
        return elsewhere(attributes["parent"], copy)
    at = prefectures().index(f"{code[:4]}00") if f"{code[:4]}00" in prefectures() else int(code[:2])
    moved = prefectures()[(at + copy * 41) % len(prefectures())]
    if level == "province":
        return f"{moved[:2]}0000"
    return moved if level == "prefecture" else counties(moved)[int(code[4:]) % len(counties(moved))]


def copied(row: Row, copy: int) -> tuple[Dataset, str]:
    """A row as an invented portal of another place lists it, and that portal's region; copy 0 is the row itself."""
    dataset = row.dataset
    if copy == 0:
        return dataset, row.region
    source = f"{dataset.source_id}-{copy}"
    new = {"id": dataset_id(source, dataset.source_key), "source_id": source, "landing_page": None}
    if row.region == TAIWAN:
        # No table has its places: another subject keeps the copy of a city's dataset beside that of the nation's alone.
        return replace(dataset, **new, title=f"{dataset.title}（{INVENTED[copy]}）"), TAIWAN
    region = None if dataset.region is None else elsewhere(dataset.region, copy)
    names = {} if dataset.region is None or region is None else {
        schemas.vocabulary("regions").label(dataset.region, "zh"): schemas.vocabulary("regions").label(region, "zh")
    }
    return replace(dataset, **new, region=region, **_renamed(dataset, names, region)), elsewhere(row.region, copy)


def _renamed(dataset: Dataset, names: dict[str, str], region: str | None) -> dict[str, object]:
    def put(text: str) -> str:
        for old, new in names.items():
            text = text.replace(old, new)
        return text

    publisher = dataset.publisher
    if publisher is not None:
        department = publisher.department
        if department is not None and region is not None:
            department = f"{region}.{department.partition('.')[2]}"
        publisher = replace(publisher, name=put(publisher.name), department=department)
    return {"title": put(dataset.title), "publisher": publisher}


def fill(catalog: Catalog, count: int) -> None:
    """Stores ``count`` datasets, portal by portal."""
    left = count
    for copy in range(len(INVENTED)):
        portals: dict[str, tuple[str, list[Dataset]]] = {}
        for row in islice(rows(), left):
            dataset, region = copied(row, copy)
            portals.setdefault(dataset.source_id, (region, []))[1].append(dataset)
        for id, (region, datasets) in portals.items():
            catalog.sources.put(Source(id=id, title=id, kind="csvlist", url="http://127.0.0.1/", region=region))
            put(catalog, id, datasets)
            left -= len(datasets)
        if not left:
            return


def put(catalog: Catalog, source_id: str, datasets: list[Dataset]) -> None:
    """Stores datasets of one portal as a harvest would."""
    lease = catalog.sources.lease(source_id, "benchmark", ttl_s=3600)
    run = catalog.runs.start(source_id, RunMode.FULL, "benchmark")
    for batch in _batches(iter(datasets)):
        with catalog.transaction(lease, run.id) as transaction:
            transaction.put([
                NewRecord(
                    dataset=one, body=b"{}", raw_digest=random.randbytes(16), media_type="application/json", url=None
                )
                for one in batch
            ])
    catalog.sources.release(lease)


def _batches(datasets: Iterator[Dataset]) -> Iterator[list[Dataset]]:
    while batch := list(islice(datasets, 500)):
        yield batch


def change(catalog: Catalog, rng: random.Random) -> None:
    """Changes ``CHANGED`` datasets of one portal: their titles, so that they part from what they were one with."""
    source = "tw-national"
    entries = list(islice(catalog.walk(source_id=source), 20_000))
    chosen = rng.sample(entries, min(CHANGED, len(entries)))
    put(catalog, source, [replace(entry.dataset, title=f"{entry.dataset.title}（新）") for entry in chosen])


def timed(what: str, work: Callable[[], T]) -> T:
    """Does the work and prints how long it took, by the clock and of this process."""
    began, used = time.perf_counter(), time.process_time()
    done = work()
    print(f"{what:44} {time.perf_counter() - began:8.2f} s, of a core {time.process_time() - used:8.2f} s")
    return done


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=365_000)
    count = parser.parse_args().datasets
    print(f"yardstick: {packages_parsed_a_second():,.0f} packages a second")
    rng = random.Random(20)
    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(f"sqlite:///{Path(folder) / 'count.db'}")
        catalog.upgrade()
        timed(f"{count:,} datasets stored", lambda: fill(catalog, count))
        before = timed("figures before", catalog.figures)
        counted = timed("everything counted once", lambda: counting.rebuild(catalog, "benchmark"))
        figures = timed("figures", catalog.figures)
        timed("publishers", catalog.publishers)
        print(
            f"{before.entries:,} entries of {figures.sources} portals are {figures.datasets:,} datasets; "
            f"{counted.compared:,} were compared"
        )
        for _ in range(3):
            change(catalog, rng)
            timed(f"{CHANGED:,} changes followed", lambda: counting.catch_up(catalog, "benchmark"))
        catalog.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB, the rows of the fixtures among it")


if __name__ == "__main__":
    main()
