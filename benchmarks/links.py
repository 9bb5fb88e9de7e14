"""How fast links are checked, and what a million known addresses cost.

``python -m benchmarks.links [--hosts 200] [--each 50] [--known 1000000] [--database URL]``
"""

from __future__ import annotations

import argparse
import ipaddress
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.yardstick import packages_parsed_a_second
from harvester.http import Http
from harvester.link_answers import LIMITS, Answer, ask
from harvester.links import Plan, check
from portal.catalog.links import Address
from portal.catalog.model import Dataset, Distribution, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord

FILES = 10
"""Addresses of one dataset."""

KNOWN_HOSTS = 2000


class Quick(BaseHTTPRequestHandler):
    """Has every file."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        """Says that it is there."""
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def serve(ready: Connection) -> None:
    """One server at every address of 127.0.0.0/8, so that there are as many hosts as one likes."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), Quick)
    server.request_queue_size = 512
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def quick_server() -> Iterator[int]:
    """The port of the server, which runs in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()


def fill(catalog: Catalog, urls: list[str]) -> None:
    """Stores datasets that give these addresses, ten each."""
    source = Source(id="links", title="links", kind="ckan", url="http://127.0.0.1/")
    catalog.sources.put(source)
    lease = catalog.sources.lease(source.id, "benchmark", ttl_s=3600)
    run = catalog.runs.start(source.id, RunMode.FULL, "benchmark")
    for start in range(0, len(urls), FILES * 500):
        records = [
            record(number, urls[number:number + FILES])
            for number in range(start, min(start + FILES * 500, len(urls)), FILES)
        ]
        with catalog.transaction(lease, run.id) as transaction:
            transaction.put(records)
    catalog.sources.release(lease)


def record(number: int, urls: list[str]) -> NewRecord:
    """One dataset as a harvest gives it."""
    files = [Distribution(id=url[-16:], download_url=url, format="csv") for url in urls]
    dataset = Dataset(
        id=f"{number:016}", source_id="links", source_key=str(number), title="x", distributions=tuple(files)
    )
    return NewRecord(
        dataset=dataset,
        body=b"{}",
        raw_digest=number.to_bytes(16, "big"),
        media_type="application/json",
        url=None,
    )


def timed(what: str, count: int, began: float) -> None:
    """Prints one figure beside the yardstick."""
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yardstick = packages_parsed_a_second()
    each = f" = {count / took:,.0f}/s ({yardstick:,.0f} by the yardstick)" if count > 1 else ""
    print(f"{what:>46}: {took:.2f} s{each}; peak {peak} MB", flush=True)


def measure_speed(database: str, hosts: int, each: int) -> None:
    """Addresses a second over all hosts, without any pause between questions, from the socket to the database."""
    catalog = Catalog(database)
    catalog.upgrade()
    local = (ipaddress.ip_network("127.0.0.0/8"),)
    with quick_server() as port:
        names = [f"127.0.{number // 250}.{number % 250 + 1}:{port}" for number in range(hosts)]
        fill(catalog, [f"http://{name}/{number}.csv" for name in names for number in range(each)])
        catalog.links.catch_up()
        with Http(requests_per_second=0, allow_private=local, limits=LIMITS) as http:
            began = time.perf_counter()
            done = check(
                catalog.links, lambda address: ask(address, http, set()), Plan(workers=32, gap_s=lambda host: 0.0)
            )
            timed(f"{done.asked:,} addresses at {hosts} hosts checked", done.asked, began)
    print(done)
    catalog.close()


def measure_queue(database: str, known: int) -> None:
    """What the queue costs when a million addresses are known; nobody is asked."""
    catalog = Catalog(database)
    catalog.upgrade()
    fill(catalog, [f"https://host-{number % KNOWN_HOSTS}.example/files/{number}.csv" for number in range(known)])
    began = time.perf_counter()
    catalog.links.catch_up()
    timed(f"{known:,} addresses taken in from the change log", known, began)

    def found(address: Address) -> Answer:
        return Answer(status=200, media_type="text/csv", size_bytes=1000)

    began = time.perf_counter()
    done = check(catalog.links, found, Plan(workers=32, limit=10_000, gap_s=lambda host: 0.0))
    timed("10,000 claimed and settled", done.asked, began)
    began = time.perf_counter()
    done = check(catalog.links, found, Plan(workers=32, limit=1_000, source_id="links", gap_s=lambda host: 0.0))
    timed("1,000 of one source claimed and settled", done.asked, began)
    for what, call in (
        ("counts", catalog.links.counts),
        ("counts of a source", lambda: catalog.links.counts("links")),
        ("waiting", lambda: catalog.links.waiting(datetime.now(UTC))),
        ("waiting of a source", lambda: catalog.links.waiting(datetime.now(UTC), "links")),
        ("datasets changed since the last number", lambda: catalog.links.changed_datasets(10)),
        ("known(10 addresses)", lambda: catalog.links.known([f"https://h.example/{n}" for n in range(10)])),
    ):
        began = time.perf_counter()
        call()
        timed(what, 1, began)
    catalog.close()


def main() -> None:
    """Reads the arguments and measures, on databases of its own unless one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--each", type=int, default=50)
    parser.add_argument("--known", type=int, default=1_000_000)
    parser.add_argument("--database", help="default: SQLite files in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure_speed(given.database or f"sqlite:///{Path(folder) / 'speed.db'}", given.hosts, given.each)
        if given.known:
            measure_queue(given.database or f"sqlite:///{Path(folder) / 'queue.db'}", given.known)


if __name__ == "__main__":
    main()
