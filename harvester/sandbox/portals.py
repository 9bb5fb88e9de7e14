"""Which software answers in which way, and how a harvester is told of a portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from harvester.sandbox import ckan, datajson, dcat, dkan, pages
from harvester.sandbox.exchange import Request, Response
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.words import Portal
from portal.catalog.model import Politeness, Source

Answer: TypeAlias = Callable[[Shelf, Request], Response | None]


class Software(Struct, frozen=True):
    """A kind of portal: what a source of it is, where its listing begins, how it answers."""

    kind: str
    """As in a source."""
    listing: str
    """What a source's address has after the portal's own."""
    answer: Answer


SOFTWARE: Mapping[str, Software] = {
    "ckan-2.10": Software("ckan", "/", ckan.answer),
    "ckan-2.2": Software("ckan", "/", ckan.answer_old),
    "dkan-1": Software("dkan", "/", dkan.answer_7),
    "dkan-2": Software("dkan", "/", dkan.answer_2),
    "data-json": Software("datajson", "/data.json", datajson.answer),
    "data-json-cached": Software("datajson", "/data.json", datajson.answer_cached),
    "dcat-turtle": Software("dcat", "/catalog.ttl", dcat.answer_turtle),
    "dcat-turtle-old": Software("dcat", "/catalog.ttl", dcat.answer_turtle_old),
    "dcat-rdfxml": Software("dcat", "/catalog.rdf", dcat.answer_rdfxml),
    "dcat-jsonld": Software("dcat", "/catalog.jsonld", dcat.answer_jsonld),
}


def answer(shelf: Shelf, request: Request) -> Response:
    """What the portal says: its software's answer, else a page for people."""
    return SOFTWARE[shelf.portal.software].answer(shelf, request) or pages.answer(shelf, request)


def source(portal: Portal, base: str) -> Source:
    """The portal as a source; the title says it is a demonstration, because the departments' names are real."""
    demonstration = "（演示）" if portal.language == "zh" else " (demo)"
    return Source(
        id=portal.id,
        title=f"{portal.title}{demonstration}",
        title_en=f"{portal.title_en} (demo)",
        kind=SOFTWARE[portal.software].kind,
        url=f"{base}{SOFTWARE[portal.software].listing}",
        region=portal.region,
        institution_type="government_department",
        schedule="@hourly",
        politeness=Politeness(requests_per_second=0),
    )
