"""How much memory a data.json of any size takes: every record from the socket to the connector's hands, or further.

``python -m benchmarks.datajson_memory [--megabytes 1000] [--harvest]``; with ``--harvest`` the whole way into SQLite.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import math
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from harvester.connectors.datajson import records
from harvester.http import Http, Validators
from harvester.pipeline import harvest
from harvester.records import RawRecord
from portal.catalog.model import Source
from portal.catalog.store import Catalog

BATCH = 500


NUMBER = b"0123456789"


def record(number: str) -> bytes:
    """A DCAT-US record of about 4 kB, as a city's department writes it, in Chinese and English."""
    return json.dumps({
        "@type": "dcat:Dataset",
        "identifier": f"https://data.example.org/datasets/{number}",
        "title": f"城市公共设施第{number}号 \"分布\" Public facilities {number}",
        "description": "本数据集包含设施的名称、位置、编号和权属单位 {含坐标} [WGS84]。\n" * 25,
        "keyword": ["设施", "city", "transport"],
        "modified": "2024-05-06",
        "publisher": {"name": "城市管理局", "subOrganizationOf": {"name": "市人民政府"}},
        "contactPoint": {"fn": "张三", "hasEmail": "mailto:data@example.org"},
        "accessLevel": "public",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "spatial": "119.9,30.1,120.5,30.5",
        "distribution": [
            {
                "title": f"file {place}",
                "downloadURL": f"https://data.example.org/datasets/{number}/{place}.csv",
                "mediaType": "text/csv",
            }
            for place in range(10)
        ],
    }, ensure_ascii=False).encode()


def pieces(size: int) -> Iterator[bytes]:
    """A document of at least ``size`` bytes, a batch of records at a time."""
    yield b'{"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": ['
    template = record(NUMBER.decode())
    sent = number = 0
    while sent < size:
        batch = b",\n".join(template.replace(NUMBER, b"%d" % each) for each in range(number, number + BATCH))
        yield (b",\n" if number else b"") + batch
        sent += len(batch)
        number += BATCH
    yield b"]}"


def serve(size: int, ready: Connection) -> None:
    """Answers every request with the document, as long as the process lives."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces(size):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *values: object) -> None:
            """Stays silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def portal(size: int) -> Iterator[str]:
    """The address of a portal in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(size, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/data.json"
    finally:
        process.terminate()
        process.join()


def measure(size: int) -> None:
    """Prints how many records came, how fast, and the most memory this process ever held."""
    with portal(size) as url:
        source = Source(id="memory", title="memory", kind="datajson", url=url)
        loopback = (ipaddress.ip_network("127.0.0.0/8"),)
        with Http(requests_per_second=math.inf, allow_private=loopback) as http:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            began = time.perf_counter()
            count = received = 0
            for item in records(source, http, None):
                if isinstance(item, RawRecord):
                    count += 1
                    received += len(item.body)
            took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count:,} records, {received / 1e6:,.0f} MB in {took:.1f} s = {count / took:,.0f} records/s; "
        f"peak {peak} MB, {before} MB of it before the first byte"
    )


def measure_harvest(size: int, database: str) -> None:
    """Prints the same of whole harvests into a database: a first one, and one that finds nothing changed."""
    catalog = Catalog(database)
    catalog.upgrade()
    with portal(size) as url:
        source = Source(id="memory", title="memory", kind="datajson", url=url)
        catalog.sources.put(source)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        for name in ("first", "unchanged"):
            began = time.perf_counter()
            run = harvest(source, catalog, records, way_out, holder="benchmark", full=True)
            took = time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{name:>9}: {run.outcome}, {run.counts.listed:,} records, {run.bytes_received / 1e6:,.0f} MB in "
                f"{took:.1f} s = {run.counts.listed / took:,.0f} records/s; peak {peak} MB, {before} MB of it before",
                flush=True,
            )
    catalog.close()


def way_out(validators: Mapping[str, Validators]) -> Http:
    """The guarded way, as fast as it goes, to this machine only."""
    loopback = (ipaddress.ip_network("127.0.0.0/8"),)
    return Http(requests_per_second=0, allow_private=loopback, validators=validators)


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--harvest", action="store_true", help="into an SQLite file in a temporary folder")
    given = parser.parse_args()
    if not given.harvest:
        measure(given.megabytes * 10**6)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure_harvest(given.megabytes * 10**6, f"sqlite:///{Path(folder) / 'memory.db'}")


if __name__ == "__main__":
    main()
