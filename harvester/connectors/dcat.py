"""DCAT as RDF: one document or pages of it, and the catalogues within a catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urlsplit

from msgspec import Struct

from harvester import rdf
from harvester.errors import HarvestError, PagingBroken
from harvester.records import Listing, RawRecord, Records
from portal.catalog.model import Issue, Source

if TYPE_CHECKING:
    from harvester.http import Http, Response

ACCEPT = {
    "Accept": "text/turtle, application/n-triples;q=0.9, application/ld+json;q=0.8, application/rdf+xml;q=0.8,"
    " application/trig;q=0.7, application/n-quads;q=0.7, */*;q=0.1"
}


class _Read(Struct, frozen=True, kw_only=True):
    """What is known of a catalogue once its last page is read."""

    declared: int | None
    pages: int
    links: tuple[rdf.Link, ...]


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Every dataset, service and series of the catalogue at the source's address, and of those within it.

    DCAT knows no question for changes alone, so ``since`` changes nothing; an unchanged document is not sent again.
    """
    response = http.get(source.url, headers=ACCEPT, conditional=True)
    if response.not_modified:
        return Listing(not_modified=True)
    asked = {source.url, response.url}
    read = yield from _catalogue(http, response, None, asked)
    declared, documents, partial = read.declared, read.pages, False
    waiting = list(read.links)
    while waiting:
        link = waiting.pop(0)
        url = urldefrag(link.url).url
        if url in asked:
            continue
        asked.add(url)
        if urlsplit(url).netloc != urlsplit(source.url).netloc:
            yield Issue(code="listing.catalogue-elsewhere", url=url, detail=f"named by {source.url}")
            continue
        documents += 1
        try:
            read = yield from _catalogue(http, http.get(url, headers=ACCEPT), link, asked)
        except HarvestError as error:
            # The other catalogues can still be read; but what this one holds is unknown, so nothing is missing.
            yield error.issue()
            partial = True
            continue
        waiting += read.links
        if declared is not None:
            declared += read.declared or 0
    if documents > 1:
        # The first document does not vouch for the others, so next time it is asked for in full.
        http.seen_validators.clear()
    return Listing(declared=declared, partial=partial)


def _catalogue(
    http: Http, response: Response, link: rdf.Link | None, asked: set[str]
) -> Generator[RawRecord | Issue, None, _Read]:
    """The records of a catalogue, from its first page to its last; ``asked`` grows by the pages read.

    ``link`` is how an outer catalogue names it; None for the source's own.
    Raises PagingBroken when a page leads back, or brings nothing new, before as many records came as were declared.
    """
    met: set[bytes] = set()
    links: dict[rdf.Link, None] = {}
    declared, pages, label = None, 0, None
    while True:
        document = rdf.read(response.body, content_type=response.headers.get("Content-Type"), url=response.url)
        pages += 1
        declared = document.declared if declared is None else declared
        digests = [hashlib.blake2b(record.body, digest_size=16).digest() for record in document.records]
        complete = declared is not None and len(met.union(digests)) >= declared
        if pages > 1 and met.issuperset(digests):
            if not complete:
                raise PagingBroken(f"page {pages} brings no record that was not on a page before", url=response.url)
            break
        met.update(digests)
        links.update(dict.fromkeys(document.catalogues))
        yield from document.issues
        if pages == 1 and link is not None:
            label = link.title or document.title or link.url
        for record in document.records:
            yield RawRecord(body=bytes(record.body), url=response.url, catalogue=record.catalogue or label)
        if not document.next_pages:
            break
        following = next((page for page in document.next_pages if page not in asked), None)
        if following is None:
            if not complete:
                seen = document.next_pages[0]
                raise PagingBroken("the next page is one that was read already", url=response.url, seen=seen)
            break
        response = http.get(following, headers=ACCEPT)
        asked.update((following, response.url))
    return _Read(declared=declared, pages=pages, links=tuple(links))
