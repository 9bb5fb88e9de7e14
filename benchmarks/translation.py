"""How many records a second one core translates: from the portal's bytes to the dataset and its issues.

    python -m benchmarks.translation [--profile]

Make-believe CKAN packages, and the real rows of the Chinese portals as files, in the order they stand there.
"""

from __future__ import annotations

import cProfile
import gzip
import json
import random
import sys
import time
from collections.abc import Iterable, Sequence

from benchmarks.portal import package
from benchmarks.yardstick import packages_parsed_a_second
from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from portal.catalog.model import Source
from tests.chinese_portals import REGIONS
from tests.fixtures import FIXTURES

PACKAGES = 10_000


def ckan_packages() -> tuple[Source, list[RawRecord]]:
    """The packages that ``benchmarks.harvest_speed`` harvests."""
    rng = random.Random(2026)
    source = Source(id="speed", title="speed", kind="ckan", url="https://data.example.org/")
    bodies = (json.dumps(package(number, rng), ensure_ascii=False).encode() for number in range(PACKAGES))
    return source, [RawRecord(body=body) for body in bodies]


def chinese_rows(name: str, region: str) -> tuple[Source, list[RawRecord]]:
    """The rows of one file of ``fixtures/cn_portals``, each with its number among its equals."""
    path = next((FIXTURES / "cn_portals").glob(f"{name}.json*"))
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    source = Source(id=name, title=name, kind="csvlist", url="https://data.example.cn/", region=region)
    bodies = (json.dumps(row, ensure_ascii=False).encode() for row in json.loads(content))
    return source, [RawRecord(body=body) for body in bodies]


def translated_a_second(source: Source, records: Sequence[RawRecord]) -> float:
    """Records a second of this core's own time."""
    began = time.process_time()
    for raw in records:
        to_dataset(raw, source)
    return len(records) / (time.process_time() - began)


def main() -> None:
    """Measures and prints; with ``--profile`` the functions that took longest instead."""
    portals: Iterable[tuple[str, str]] = REGIONS.items()
    given = [ckan_packages(), *(chinese_rows(name, region) for name, region in portals)]
    if "--profile" in sys.argv:
        with cProfile.Profile() as profile:
            for source, records in given:
                translated_a_second(source, records)
        profile.print_stats("tottime")
        return
    print(f"{packages_parsed_a_second(time.process_time):,.0f} by the yardstick")
    took = 0.0
    for source, records in given:
        speed = translated_a_second(source, records)
        if source.kind == "csvlist":
            took += len(records) / speed
        print(f"{source.id:24}{len(records):>8,} records {speed:>9,.0f}/s")
    rows = sum(len(records) for source, records in given if source.kind == "csvlist")
    print(f"{'rows of Chinese portals':24}{rows:>8,} records {rows / took:>9,.0f}/s")


if __name__ == "__main__":
    main()
