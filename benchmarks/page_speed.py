"""How long the pages of a large catalogue take, with one user: from the request to the whole HTML.

``python -m benchmarks.page_speed [--datasets 200000]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from flask.testing import FlaskClient

from benchmarks.search_speed import QUERIES, entries, milliseconds, percentiles
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog.model import Politeness, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.search import indexing
from portal.search.engines import open_index
from portal.settings import from_environment
from portal.web.app import create_app
from portal.web.server import settle

SOURCE = Source(
    id="speed", title="速度", kind="ckan", url="http://127.0.0.1/", politeness=Politeness(requests_per_second=0)
)


def records(count: int) -> Iterator[NewRecord]:
    """The datasets of ``benchmarks.search_speed`` as a harvest would bring them."""
    for number, entry in enumerate(entries(count)):
        yield NewRecord(
            dataset=entry.dataset,
            body=b"{}",
            raw_digest=number.to_bytes(16, "big"),
            media_type="application/json",
            url=None,
        )


def fill(catalog: Catalog, count: int) -> None:
    """Stores ``count`` datasets."""
    catalog.sources.put(SOURCE)
    lease = catalog.sources.lease(SOURCE.id, "benchmark", ttl_s=3600)
    run = catalog.runs.start(SOURCE.id, RunMode.FULL, "benchmark")
    several = records(count)
    while batch := list(islice(several, 500)):
        with catalog.transaction(lease, run.id) as transaction:
            transaction.put(batch)


def fetch(client: FlaskClient, path: str) -> None:
    """One page, whole. Raises AssertionError for anything but a page."""
    response = client.get(path)
    assert response.status_code == 200, (path, response.status)
    response.get_data()


def main() -> None:
    """Fills a catalogue, indexes it from the database, and asks for pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = from_environment({"NACHUAN_HOME": home})
        catalog = Catalog(settings.database_url)
        catalog.upgrade()
        fill(catalog, given.datasets)
        index = open_index(settings.search_url, Path(home))
        began = time.perf_counter()
        indexing.rebuild(catalog, index)
        rate = given.datasets / (time.perf_counter() - began)
        print(f"index rebuilt from the database: {rate:,.0f} datasets/s ({packages_parsed_a_second():,.0f} by the yardstick)")
        client = create_app(settings, catalog, index).test_client()
        settle()
        everything: list[float] = []
        for query in QUERIES:
            asked = {"q": query.text or "", "sort": query.sort.value}
            path = f"/zh/datasets?{urlencode({**asked, **query.filters}, doseq=True)}"
            everything += milliseconds(partial(fetch, client, path), given.repeats)
        print(f"result pages: {percentiles(everything)} ({packages_parsed_a_second():,.0f} by the yardstick)")
        print(f"home: {percentiles(milliseconds(partial(fetch, client, '/zh/'), given.repeats))}")
        catalog.close()


if __name__ == "__main__":
    main()
