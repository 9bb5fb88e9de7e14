"""A search followed: an Atom feed of the datasets that changed last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree

from flask import Blueprint, Response, request
from msgspec.structs import replace

from portal.catalog.model import Entry
from portal.search.indexing import filled
from portal.search.query import QueryNotUnderstood, Sort
from portal.web.addresses import base
from portal.web.answers import answer, asked_strictly, refused
from portal.web.asking import SEARCHES, Asked, NotUnderstood
from portal.web.documents import REPRESENTATIONS, dataset_address
from portal.web.iris import writable
from portal.web.prose import plain
from portal.web.site import site

machines = Blueprint("feeds", __name__)

ENTRIES = 50
SUMMARY_CHARACTERS = 500

_ALLOWED = {"sort", *SEARCHES}
ATOM = "http://www.w3.org/2005/Atom"


@machines.get("/feeds/datasets.atom")
def datasets() -> Response:
    """The datasets found, what changed last first, whatever order the search had."""
    try:
        asked = asked_strictly(request.args, _ALLOWED)
        results = filled(site().catalog, site().index).search(
            replace(asked.query(), sort=Sort.CHANGED, start=0, rows=ENTRIES)
        )
    except (NotUnderstood, QueryNotUnderstood) as error:
        return refused(error)
    entries = site().catalog.entries([hit.id for hit in results.hits])
    # The index knows whole seconds, and a batch of a harvest is written in one.
    entries.sort(key=lambda entry: entry.changed, reverse=True)
    portals = {one.source.id: one.source.title for one in site().catalog.sources.all()}
    newest = entries[0].changed if entries else None
    return answer(_feed(asked, entries, portals, base()), "application/atom+xml", changed=newest)


def _feed(asked: Asked, entries: list[Entry], portals: Mapping[str, str], base: str) -> bytes:
    parameters = replace(asked, sort=None).parameters()
    query = f"?{parameters}" if parameters else ""
    feed = ElementTree.Element("feed", {"xmlns": ATOM})
    text(feed, "id", f"{base}/feeds/datasets.atom{query}")
    text(feed, "title", " · ".join(("纳川 Nachuan", *_words(asked))))
    # A feed needs a moment; one in which nothing ever changed has the first there is.
    text(feed, "updated", moment(entries[0].changed if entries else datetime.fromtimestamp(0, UTC)))
    link(feed, "self", f"{base}/feeds/datasets.atom{query}", "application/atom+xml")
    link(feed, "alternate", f"{base}/datasets{query}", "text/html")
    for entry in entries:
        _entry(feed, entry, portals, base)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _words(asked: Asked) -> list[str]:
    return [*([asked.text] if asked.text else []), *(value for values in asked.filters.values() for value in values)]


def _entry(feed: ElementTree.Element, entry: Entry, portals: Mapping[str, str], base: str) -> None:
    shown, element = entry.dataset, ElementTree.SubElement(feed, "entry")
    address = dataset_address(base, shown.id)
    text(element, "id", address)
    text(element, "title", shown.title)
    text(element, "updated", moment(entry.changed))
    text(element, "published", moment(entry.first_seen))
    # Atom wants an author; where the portal names no publisher it is the portal itself.
    portal = portals.get(shown.source_id, shown.source_id)
    text(ElementTree.SubElement(element, "author"), "name", shown.publisher.name if shown.publisher else portal)
    link(element, "alternate", address, "text/html")
    link(element, "alternate", f"{address}.json", REPRESENTATIONS["json"])
    for theme in shown.themes:
        ElementTree.SubElement(element, "category", {"term": theme, "scheme": f"{base}/themes"})
    if shown.description:
        text(element, "summary", plain(shown.description)[:SUMMARY_CHARACTERS])


def text(parent: ElementTree.Element, name: str, said: str) -> None:
    """Adds an element with a text."""
    ElementTree.SubElement(parent, name).text = writable(said)


def link(parent: ElementTree.Element, relation: str, address: str, media_type: str) -> None:
    """Adds a link."""
    ElementTree.SubElement(parent, "link", {"rel": relation, "href": writable(address), "type": media_type})


def moment(at: datetime) -> str:
    """An instant as Atom writes it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
