"""How fast a harvest is: a first one and an unchanged one, the whole way from the socket to the change log.

``python -m benchmarks.harvest_speed [--packages 100000] [--database URL]``
"""

from __future__ import annotations

import argparse
import ipaddress
import resource
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.portal import portal
from benchmarks.yardstick import packages_parsed_a_second
from harvester.connectors import CONNECTORS
from harvester.http import Http, Validators
from harvester.pipeline import harvest
from portal.catalog.model import Politeness, Source
from portal.catalog.store import Catalog


def measure(count: int, database: str) -> None:
    """Prints records a second of three runs: first, unchanged, unchanged again, each beside the yardstick."""
    catalog = Catalog(database)
    catalog.upgrade()
    with portal(count) as url:
        source = Source(id="speed", title="speed", kind="ckan", url=url, politeness=Politeness(requests_per_second=0))
        catalog.sources.put(source)
        for name in ("first", "unchanged", "unchanged again"):
            changes = catalog.last_change()
            yardstick = packages_parsed_a_second()
            began = time.perf_counter()
            run = harvest(source, catalog, CONNECTORS["ckan"], way_out, holder="benchmark", full=True)
            took = time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            speed = f"{run.counts.listed:,} records in {took:.1f} s = {run.counts.listed / took:,.0f}/s"
            wrote = f"{catalog.last_change() - changes:,} changes written"
            print(f"{name:>16}: {run.outcome}, {speed} ({yardstick:,.0f} by the yardstick); {wrote}; peak {peak} MB")
    catalog.close()


def way_out(validators: Mapping[str, Validators]) -> Http:
    """The guarded way, as fast as it goes, to this machine only."""
    local = (ipaddress.ip_network("127.0.0.0/8"),)
    return Http(requests_per_second=0, allow_private=local, validators=validators)


def main() -> None:
    """Reads the arguments and measures, on a database of its own unless one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=100_000)
    parser.add_argument("--database", help="default: an SQLite file in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given.packages, given.database or f"sqlite:///{Path(folder) / 'speed.db'}")


if __name__ == "__main__":
    main()
