"""What a reader waits while a swarm of robots follows combinations of facets: the site as it is served, on two processes.

``python -m benchmarks.swarm [--datasets 50000] [--seconds 20]``
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from benchmarks.page_speed import fill
from benchmarks.search_speed import percentiles
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog.store import Catalog
from portal.search import indexing
from portal.search.engines import open_index
from portal.settings import Settings, from_environment
from portal.web.app import create_app
from portal.web.server import serve
from schemas import vocabulary

ROBOTS = 64
"""Connections at a time, each from addresses of its own."""

READS = ("/zh/", "/zh/datasets?q=公交", "/zh/datasets?theme=transport", "/zh/publishers")


def status(port: int, path: str, address: str) -> int:
    """Asks once, as a proxy would for a client at ``address``; 0 where nothing came for 30 seconds."""
    url = f"http://127.0.0.1:{port}{path.replace('公交', '%E5%85%AC%E4%BA%A4')}"
    try:
        with urlopen(Request(url, headers={"X-Forwarded-For": address}), timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def combination(rng: random.Random) -> str:
    """The address of one of many combinations of facets."""
    pairs = [("theme", rng.choice(list(vocabulary("themes").terms))), ("format", rng.choice(("csv", "xls", "json")))]
    pairs += [("openness", "open")] if rng.random() < 0.5 else []
    return f"/zh/datasets?{urlencode([*pairs, ('sort', rng.choice(('modified', 'title')))])}"


def swarm(port: int, rate: float, stop: threading.Event) -> tuple[Counter[int], list[threading.Thread]]:
    """Robots that ask ``rate`` times a second together, from thousands of addresses, and what they are answered."""
    met: Counter[int] = Counter()
    numbers, lock = count(), threading.Lock()

    def robot(seed: int) -> None:
        rng = random.Random(seed)
        while not stop.wait(rng.expovariate(rate / ROBOTS)):
            number = next(numbers)
            found = status(port, combination(rng), f"8.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
            with lock:
                met[found] += 1

    threads = [threading.Thread(target=robot, args=(seed,), daemon=True) for seed in range(ROBOTS)]
    for thread in threads:
        thread.start()
    return met, threads


def run(settings: Settings, port: int) -> None:
    """Serves the site."""
    serve(
        lambda: create_app(settings, Catalog(settings.database_url), open_index(settings.search_url, settings.home)),
        host="127.0.0.1",
        port=port,
    )


def main() -> None:
    """Fills a catalogue, serves it, and reads a few pages while robots ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = from_environment({"NACHUAN_HOME": home, "NACHUAN_PROXIES": "1", "NACHUAN_SECRET_KEY": "k" * 32})
        catalog = Catalog(settings.database_url)
        catalog.upgrade()
        fill(catalog, given.datasets)
        indexing.rebuild(catalog, open_index(settings.search_url, Path(home)))
        catalog.close()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = multiprocessing.get_context("spawn").Process(target=run, args=(settings, port))
        server.start()
        while status(port, "/healthz", "1.1.1.1") != 200:
            time.sleep(0.2)
        for rate in (0.0, 20.0, 200.0):
            stop, waited, missed = threading.Event(), [], 0
            met, threads = swarm(port, rate, stop) if rate else (Counter(), [])
            until = time.monotonic() + given.seconds
            while time.monotonic() < until:
                for path in READS:
                    began = time.perf_counter()
                    missed += status(port, path, "198.51.101.8") != 200
                    waited.append(1000 * (time.perf_counter() - began))
                time.sleep(0.2)
            stop.set()
            for thread in threads:
                thread.join()
            answered = ", ".join(f"{number:,} × {code}" for code, number in sorted(met.items())) or "none"
            print(f"{rate:.0f} questions of robots a second ({answered}): waits {percentiles(waited)}, {missed} refused")
        print(f"{packages_parsed_a_second():,.0f} by the yardstick")
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
