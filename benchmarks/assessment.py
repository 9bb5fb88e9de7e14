"""How long a large catalogue is assessed, from nothing and after a change, and how soon a card is there.

    python -m benchmarks.assessment [--datasets 365000] [--processes 2] [--home DIR]

The datasets are those of ``benchmarks.search_speed``, with departments, institution types and addresses that were or
were not asked for. ``--home`` keeps the filled catalogue, and takes it from there the next time.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

import schemas
from benchmarks.search_speed import NOW, entries
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog.model import Dataset, Link, LinkState, Politeness, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard.assess import Links, Ways, catch_up, rebuild

TYPES = ("government_department",) * 6 + ("public_institution", "university", "library", "hospital")
ADDRESS = "https://data.example.gov"
STATES = (LinkState.AVAILABLE,) * 7 + (LinkState.GONE, LinkState.REFUSED, LinkState.UNKNOWN)


def datasets(count: int) -> Iterator[Dataset]:
    """The datasets, each with a publisher that is placed and distributions that have addresses."""
    functions = list(schemas.vocabulary("department_functions").terms)
    for number, entry in enumerate(entries(count)):
        dataset, publisher = entry.dataset, entry.dataset.publisher
        draw = random.Random(number)
        if publisher is None:
            raise ValueError("every dataset of the benchmark has a publisher")
        kind = random.Random(publisher.id).choice(TYPES)
        function = random.Random(publisher.name).choice(functions)
        department = f"{dataset.region}.{function}" if kind == "government_department" else None
        yield replace(
            dataset,
            publisher=replace(publisher, institution_type=kind, department=department),
            licence_raw=dataset.licence if draw.random() < 0.7 else None,
            licence=dataset.licence if draw.random() < 0.7 else None,
            distributions=tuple(
                replace(
                    each,
                    access_url=f"{ADDRESS}/{number}/{place}",
                    download_url=f"{ADDRESS}/{number}/{place}.{each.format}" if draw.random() < 0.8 else None,
                    format_raw=(each.format or "").upper(),
                    size_bytes=draw.randrange(10**6) if draw.random() < 0.5 else None,
                )
                for place, each in enumerate(dataset.distributions)
            ),
        )


def fill(catalog: Catalog, made: Iterator[Dataset]) -> None:
    """Stores datasets, all by one source's lease: whose they are stands in them."""
    gently = Politeness(requests_per_second=0)
    source = Source(id="speed", title="速度", kind="ckan", url="http://127.0.0.1/", politeness=gently)
    catalog.sources.put(source)
    lease = catalog.sources.lease(source.id, "benchmark", ttl_s=3600)
    run = catalog.runs.start(source.id, RunMode.FULL, "benchmark")
    while batch := list(islice(made, 500)):
        with catalog.transaction(lease, run.id) as transaction:
            transaction.put([
                NewRecord(dataset=one, body=b"{}", raw_digest=bytes(16), media_type="application/json", url=None)
                for one in batch
            ])
    catalog.sources.release(lease)


def answers(urls: Sequence[str]) -> Mapping[str, Link]:
    """What was found at the addresses: nine in ten were asked for."""
    found = {}
    for url in urls:
        draw = hash(url) % 100
        if draw < 90:
            state = STATES[draw % len(STATES)]
            asked = NOW - timedelta(days=draw)
            found[url] = Link(url=url, state=state, since=asked, checked=asked, status=200 if draw % 10 < 7 else None)
    return found


def links_of(catalog: Catalog) -> Links:
    """The answers, as a rebuild's processes ask for them."""
    return answers


def changed(catalog: Catalog, count: int) -> Iterator[Dataset]:
    """Some datasets with another description."""
    for entry in islice(catalog.walk(), count):
        described = f"{entry.dataset.description} {time.time()}"
        yield replace(entry.dataset, description=described, licence="cc0", licence_raw="CC0")


def main() -> None:
    """Fills a catalogue, assesses it, changes a thousand datasets, and reads cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=365_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = given.home or Path(temporary)
        catalog = Catalog(f"sqlite:///{home / 'assessment.db'}")
        catalog.upgrade()
        if not catalog.last_change():
            fill(catalog, datasets(given.datasets))
        ways = Ways(links=links_of)
        now = datetime(2026, 6, 1, tzinfo=UTC)
        began = time.perf_counter()
        state = rebuild(catalog, ways, now=now, processes=given.processes)
        took = time.perf_counter() - began
        print(
            f"{state.datasets:,} datasets from nothing under four rule sets: {took:.1f} s "
            f"({packages_parsed_a_second():,.0f} by the yardstick)"
        )
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        each = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak memory: {own:,.0f} MB, and the largest of its {given.processes} processes {each:,.0f} MB")
        fill(catalog, changed(catalog, 1000))
        began = time.perf_counter()
        looked_at = catch_up(catalog, ways, now=now)
        print(f"after a change of 1,000 datasets: {time.perf_counter() - began:.2f} s for {looked_at:,} datasets")
        catalog.close()


if __name__ == "__main__":
    main()
