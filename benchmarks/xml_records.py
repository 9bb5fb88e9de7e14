"""How fast records in XML are cut out of pages and translated: ISO 19139 of a geoportal, DataCite of a repository."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.yardstick import packages_parsed_a_second
from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from harvester.sandbox import portals
from harvester.sandbox.exchange import Request, Response
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.world import World
from harvester.xmlrecords import MEDIA_TYPE
from harvester.xmlstream import canonical, name, parts
from portal.catalog.model import Source

SIZE = 1000
"""Records of each kind."""

BASE = "http://benchmark.test"

QUESTIONS: dict[str, dict[str, str]] = {
    "sc-geoportal": {"request": "GetRecords", "startPosition": "{next}", "maxRecords": "50"},
    "hb-libraries": {"verb": "ListRecords", "resumptionToken": "datacite||{offset}"},
}
"""How a portal of the sandbox is asked for the page that begins at a record."""

RECORDS = frozenset(("MD_Metadata", "record"))


def main() -> None:
    """Prints records a second of one core by its own clock, and their part of the yardstick by the same."""
    yardstick = packages_parsed_a_second(time.process_time)
    for id, question in QUESTIONS.items():
        world = World(1, SIZE, [id])
        shelf = Shelf(world.portals[0], BASE, tuple(world.at(0)[id].values()), world.moment(0), {})
        source = portals.source(shelf.portal, BASE)
        pages = _pages(shelf, question)
        cut = _a_second(lambda: _cut(pages))
        bodies = _cut(pages)
        size = sum(map(len, bodies)) / len(bodies) / 1000
        translated = _a_second(lambda: _translated(bodies, source))
        print(f"{source.kind}: {len(bodies):,} records of {size:.1f} kB")
        print(f"  cut out of pages: {cut:,.0f} a second, {cut / yardstick:.4f} of the yardstick")
        print(f"  translated: {translated:,.0f} a second, {translated / yardstick:.4f} of the yardstick")
    print(f"yardstick: {yardstick:,.0f}")


def _pages(shelf: Shelf, question: dict[str, str]) -> list[bytes]:
    """Every page of a portal, made before anything is measured."""
    pages: list[bytes] = []
    given = 0
    while True:
        places = {"next": str(given + 1), "offset": str(given)}
        asked = {key: said.format_map(places) for key, said in question.items()}
        response = _answer(shelf, asked)
        found = len(_cut([response.body]))
        if found == 0:
            return pages
        pages.append(response.body)
        given += found


def _answer(shelf: Shelf, asked: dict[str, str]) -> Response:
    path = "/csw" if "request" in asked else "/oai/request"
    return portals.answer(shelf, Request(method="GET", path=path, parameters=asked))


def _cut(pages: list[bytes]) -> list[bytes]:
    return [
        canonical(part.element)
        for page in pages
        for part in parts(page, BASE)
        if part.depth == 3 and name(part.element) in RECORDS
    ]


def _translated(bodies: list[bytes], source: Source) -> list[object]:
    return [to_dataset(RawRecord(body=body, media_type=MEDIA_TYPE), source) for body in bodies]


def _a_second(work: Callable[[], list[object] | list[bytes]]) -> float:
    """Records a second of one core, the best of three: what else runs can only slow it down."""
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        done = len(work())
        best = max(best, done / (time.process_time() - began))
    return best


if __name__ == "__main__":
    main()
