"""How long a large catalogue is assessed, from nothing and after a change, and how soon a card is there.

    python -m benchmarks.assessment [--datasets 365000] [--processes 2] [--home DIR] [--database URL]

The datasets are those of ``benchmarks.search_speed``, with departments, institution types and addresses that were or
were not asked for. ``--home`` keeps the filled catalogue, and takes it from there the next time; ``--database`` is another
database, such as ``postgresql://…``, which must be empty or one that was filled so.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

import schemas
from benchmarks.search_speed import NOW, entries, milliseconds, percentiles
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog.assessments import Kind
from portal.catalog.model import Dataset, Link, LinkState, Politeness, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import cards
from portal.scorecard.assess import Links, Ways, catch_up, rebuild
from portal.scorecard.cards import Answer
from portal.scorecard.fixes import fixes
from portal.scorecard.groups import NATION

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
        draw = zlib.crc32(url.encode()) % 100
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
    parser.add_argument("--database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = given.home or Path(temporary)
        catalog = Catalog(given.database or f"sqlite:///{home / 'assessment.db'}")
        catalog.upgrade()
        if not catalog.last_change():
            fill(catalog, datasets(given.datasets))
        ways = Ways(links=links_of)
        now = datetime(2026, 6, 1, tzinfo=UTC)
        own = resource.getrusage(resource.RUSAGE_SELF)
        busy = own.ru_utime + own.ru_stime
        began = time.perf_counter()
        state = rebuild(catalog, ways, now=now, processes=given.processes)
        took = time.perf_counter() - began
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        computing = sum(each.ru_utime + each.ru_stime for each in used) - busy
        print(
            f"{state.datasets:,} datasets from nothing under four rule sets: {took:.1f} s by the clock, "
            f"{computing:.1f} s of computing ({packages_parsed_a_second():,.0f} by the yardstick)"
        )
        own_mb, each_mb = (each.ru_maxrss / 1024 for each in used)
        print(f"peak memory: {own_mb:,.0f} MB, and the largest of its {given.processes} processes {each_mb:,.0f} MB")
        fill(catalog, changed(catalog, 1000))
        began, computing = time.perf_counter(), time.process_time()
        looked_at = catch_up(catalog, ways, now=now)
        took, computing = time.perf_counter() - began, time.process_time() - computing
        print(f"after a change of {looked_at:,} datasets: {took:.2f} s by the clock, {computing:.2f} s of computing")
        for days, what in ((1, "that keeps every standing for the first time"), (2, "that keeps what changed")):
            fill(catalog, changed(catalog, 1000))
            began = time.perf_counter()
            looked_at = catch_up(catalog, ways, now=now + timedelta(days=days))
            print(f"the first of a day, {what}: {looked_at:,} datasets, {time.perf_counter() - began:.2f} s by the clock")
        _cards(catalog, ways)
        catalog.close()


def _cards(catalog: Catalog, ways: Ways) -> None:
    """Times what a scorecard page asks: the card with its band, its fixes, and the first datasets behind a number."""
    departments = [one.code for one in catalog.assessments.standings("national", Kind.DEPARTMENT)[::500]]
    regions = ("110000", "320000", "330000", "320100", "330100", "440300")
    asked = {
        "a department's card and fixes": [
            partial(_card, catalog, Kind.DEPARTMENT, code) for code in departments
        ],
        "a region's card and fixes": [partial(_card, catalog, Kind.REGION, code) for code in regions],
        "the nation's card and fixes": [partial(_card, catalog, Kind.NATION, "")],
        "a league table of regions": [partial(cards.league, catalog, Kind.REGION, "prefecture")],
        "fifty datasets behind a number of a province": [
            partial(cards.behind, catalog, Kind.REGION, code, "licence", Answer.FAIL) for code in regions[:3]
        ],
        "fifty datasets behind a number of the nation, of the rarest verdict": [
            partial(cards.behind, catalog, Kind.NATION, "", "title_telling", Answer.FAIL)
        ],
        "the evidence of a dataset": [
            partial(cards.evidence, catalog, ways, row.dataset_id)
            for row in catalog.assessments.listing(*NATION, limit=5)
        ],
    }
    for what, acts in asked.items():
        times = [each for act in acts for each in milliseconds(act, 20)]
        print(f"{what}: {percentiles(times)} ({packages_parsed_a_second():,.0f} by the yardstick)")


def _card(catalog: Catalog, kind: Kind, code: str) -> None:
    assert cards.card(catalog, kind, code) is not None, (kind, code)
    fixes(catalog, kind, code)


if __name__ == "__main__":
    main()
