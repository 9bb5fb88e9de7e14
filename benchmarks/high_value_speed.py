"""How long it takes to find what of a large catalogue serves the high-value list, and how soon its pages are there.

    python -m benchmarks.high_value_speed [--datasets 365000] [--home DIR]

The datasets are those of ``benchmarks.assessment``, one in ten of which gets the title of an entry of the list, which is
some more than of the fixtures' rows are found to serve one. ``--home`` keeps the filled catalogue, and takes it from there
the next time.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from benchmarks.assessment import changed, datasets, fill
from benchmarks.search_speed import milliseconds, percentiles
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog.model import Column, Dataset
from portal.catalog.store import Catalog
from portal.highvalue.coverage import coverage
from portal.highvalue.following import catch_up, rebuild
from portal.search.memory import MemoryIndex
from portal.settings import Settings
from portal.web.app import create_app
from schemas import high_value_entries

SERVING = 0.1

PATHS = ("/zh/high-value", "/zh/high-value?region=330000", "/zh/high-value/TRA-1", "/zh/high-value/TRA-1?region=330000")


def serving(count: int) -> Iterator[Dataset]:
    """The datasets; of those with an entry's title most list some of its fields."""
    listed = list(high_value_entries().values())
    for number, dataset in enumerate(datasets(count)):
        draw = random.Random(number)
        if draw.random() >= SERVING:
            yield dataset
            continue
        entry = draw.choice(listed)
        columns = tuple(Column(name=field.zh) for field in entry.fields if draw.random() < 0.8)
        yield replace(dataset, title=f"{entry.zh}信息{number}", columns=columns if draw.random() < 0.7 else ())


def main() -> None:
    """Fills a catalogue, looks for what serves, follows a change of a thousand, and reads pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=365_000)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        catalog = Catalog(f"sqlite:///{(given.home or Path(temporary)) / 'high-value.db'}")
        catalog.upgrade()
        if not catalog.last_change():
            fill(catalog, serving(given.datasets))
        began, computing = time.perf_counter(), time.process_time()
        looked_at = rebuild(catalog, "benchmark")
        took, computing = time.perf_counter() - began, time.process_time() - computing
        print(f"{looked_at:,} datasets from nothing: {took:.1f} s by the clock, {computing:.1f} s of computing")
        fill(catalog, changed(catalog, 1000))
        began = time.perf_counter()
        looked_at = catch_up(catalog, "benchmark")
        print(f"after a change of {looked_at:,}: {time.perf_counter() - began:.2f} s by the clock")
        began = time.perf_counter()
        found = coverage(catalog)
        tallies = found.places
        print(f"coverage of {found.serving:,} datasets and {len(tallies)} entries: {time.perf_counter() - began:.2f} s")
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
        client = create_app(Settings(), catalog, MemoryIndex()).test_client()
        for path in PATHS:
            if client.get(path).status_code != 200:
                raise SystemExit(f"{path} does not answer")
            print(f"{path}: {percentiles(milliseconds(lambda: client.get(path), 50))}")
        print(f"yardstick: {packages_parsed_a_second():,.0f}")
        catalog.close()


if __name__ == "__main__":
    main()
