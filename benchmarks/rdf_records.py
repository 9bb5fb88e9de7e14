"""How fast DCAT in RDF is read and translated: the pages of a make-believe portal in Turtle and of one in RDF/XML."""

from __future__ import annotations

import time

from benchmarks.yardstick import packages_parsed_a_second
from harvester import rdf
from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from harvester.sandbox import portals
from harvester.sandbox.dcat import PAGE_SIZE
from harvester.sandbox.exchange import Request, Response
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.world import World

SIZE = 1000
"""Datasets of each portal."""

BASE = "http://benchmark.test"

PORTALS = {"sh-shanghai": "/catalog.ttl", "sc-sichuan": "/catalog.rdf"}


def main() -> None:
    """Prints datasets a second: read by the clock, because a child process does it, translated by the core's own."""
    for id, path in PORTALS.items():
        world = World(1, SIZE, [id])
        shelf = Shelf(world.portals[0], BASE, tuple(world.at(0)[id].values()), world.moment(0), {})
        source = portals.source(shelf.portal, BASE)
        pages = _pages(shelf, path)
        began = time.perf_counter()
        documents = [rdf.read(page.body, content_type=page.media_type, url=BASE + path) for page in pages]
        read = time.perf_counter() - began
        bodies = [bytes(record.body) for document in documents for record in document.records]
        best = 0.0
        for _ in range(3):
            began = time.process_time()
            for body in bodies:
                to_dataset(RawRecord(body=body), source)
            best = max(best, len(bodies) / (time.process_time() - began))
        size = sum(map(len, bodies)) / len(bodies) / 1000
        print(f"{path}: {len(bodies):,} plain records of {size:.1f} kB on {len(pages)} pages")
        print(f"  read: {len(bodies) / read:,.0f} a second; translated: {best:,.0f} a second")
    print(f"yardstick: {packages_parsed_a_second():,.0f} by the clock,", end=" ")
    print(f"{packages_parsed_a_second(time.process_time):,.0f} by the core's own")


def _pages(shelf: Shelf, path: str) -> list[Response]:
    """Every page of a portal, made before anything is measured."""
    last = -(-SIZE // PAGE_SIZE)
    asked = (Request(method="GET", path=path, parameters={"page": str(number)}) for number in range(1, last + 1))
    return [portals.answer(shelf, each) for each in asked]


if __name__ == "__main__":
    main()
