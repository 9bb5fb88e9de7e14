"""Reads data.json: DCAT-US 1.1 and 3.0, the Argentine profile, Esri's feeds, bare lists of datasets.

The document is never whole in memory, and a record is handed on as the portal's own bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import msgspec

from harvester.errors import PagingBroken, PortalNotUnderstood
from harvester.http import Http, StreamedResponse
from harvester.http.addresses import led_to
from harvester.jsonstream import Part, parts
from harvester.profiles import lacking
from harvester.records import Listing, RawRecord, Records
from portal.catalog.model import Issue, Source

LISTS = frozenset(("dataset", "service", "datasetSeries"))
"""The members of a catalogue that hold what we keep; a prefix (``dcat:dataset``) changes nothing."""

IMPOSTORS: Mapping[frozenset[str], str] = {
    frozenset(("data", "meta")): "an ArcGIS Hub API",
    frozenset(("currentVersion", "services")): "an ArcGIS REST service directory",
    frozenset(("total_count", "results")): "an Opendatasoft Explore API (version 2)",
    frozenset(("nhits", "datasets")): "an Opendatasoft search API (version 1)",
    frozenset(("success", "result")): "a CKAN action API",
    frozenset(("success", "error")): "a CKAN action API that refuses",
    frozenset(("results", "resultSetSize")): "a Socrata discovery API",
    frozenset(("data", "page_size", "total")): "a udata API",
    frozenset(("@graph",)): "a JSON-LD graph (harvest it as kind dcat)",
    frozenset(("error",)): "an error message",
}
"""What else answers in JSON, by members that its documents have at the top."""

REMARK_BYTES = 4096
"""Members of a document that are longer are not looked into."""

DATASET_MARKS = frozenset(("identifier", "@id", "distribution", "accessLevel", "contactPoint", "publisher"))
"""Members of which a DCAT dataset has at least one, beside its title."""

NAMES = ("@id", "identifier", "title")
"""What a nested catalogue is called by; the first of them that it states before its records."""

NEXT = frozenset((
    "next", "nextPage", "next_page", "view", "links", "_links", "paging", "pagination", "href", "@id", "url",
))
"""The members that lead to the address of the next page."""

PAGES = frozenset(("pages", "totalPages", "total_pages", "pageCount", "page_count", "numberOfPages"))
"""The members that say how many pages there are."""

_LINK_HEADER = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?', re.IGNORECASE)

Page: TypeAlias = Generator[RawRecord | Issue, None, "Outline"]


class Outline(msgspec.Struct):
    """What one document said beside its records; filled while it is read."""

    url: str
    not_modified: bool = False
    records: int = 0
    catalogue_records: int = 0
    next_url: str | None = None
    pages: int | None = None
    ends: bytes = b""
    """A digest of the first and the last record."""
    members: dict[str, Any] = {}
    """The members of the document itself, but for its lists of records; of a list the first item."""


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Everything, whatever ``since`` is: data.json can only be asked whether it changed at all.

    ``options.page_parameter`` names the parameter that asks for further pages of a portal which serves its document
    in pages without saying so; a page without records is then the end.
    """
    return (yield from documents(document_url(source.url), http, source.options.get("page_parameter")))


def document_url(url: str) -> str:
    """The address of the document: ``/data.json`` where a source gives only its portal."""
    return urljoin(url, "/data.json") if urlsplit(url).path in ("", "/") else url


def documents(url: str, http: Http, page_parameter: str | None = None) -> Records:
    """The records of a document and of those that follow it.

    Raises PagingBroken when a page is like one before it, PortalNotUnderstood when it is no data.json.
    """
    asked: set[str] = set()
    read: set[tuple[int, bytes]] = set()
    next_url: str | None = url
    while next_url is not None:
        asked.add(next_url)
        # That a first page has not changed says nothing about the pages behind it.
        outline = yield from _document(http, next_url, conditional=page_parameter is None and next_url == url)
        if outline.not_modified:
            return Listing(not_modified=True)
        # A page as long as another that begins and ends like it is that page again.
        if (outline.records, outline.ends) in read:
            raise PagingBroken("a page repeats an earlier one", url=next_url)
        read.add((outline.records, outline.ends))
        next_url = _following(outline, next_url, page_parameter, len(asked) + 1)
        if next_url in asked:
            raise PagingBroken("a page leads back to one already read", url=outline.url, seen=next_url)
        if next_url is not None:
            http.seen_validators.clear()
    return Listing()


def _following(outline: Outline, url: str, page_parameter: str | None, number: int) -> str | None:
    if outline.next_url is not None:
        return outline.next_url
    if page_parameter is not None and outline.records > 0:
        return _with_parameter(url, page_parameter, number)
    if outline.pages is not None and number <= outline.pages:
        return _with_parameter(url, "page", number)
    return None


def _with_parameter(url: str, name: str, number: int) -> str:
    split = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(split.query, keep_blank_values=True) if key != name]
    return split._replace(query=urlencode([*query, (name, number)])).geturl()


def _document(http: Http, url: str, *, conditional: bool) -> Page:
    with http.stream(url, conditional=conditional) as answer:
        if answer.not_modified:
            return Outline(answer.url, not_modified=True)
        return (yield from _records(answer))


def _records(answer: StreamedResponse) -> Page:
    outline = Outline(answer.url)
    first = last = b""
    catalogues: dict[tuple[str | int, ...], str] = {}
    lists: set[tuple[tuple[str | int, ...], str | None]] = set()
    for part in parts(answer.chunks, url=answer.url, nested=("catalog", "dcat:catalog")):
        name = _unprefixed(part.name)
        if name in LISTS or name is None:
            if not lists:
                _expect_records(part, answer.url)
            if part.position == 0 and (part.holder, name) in lists:
                yield Issue(code="field.duplicate", url=answer.url, field=part.name)
            lists.add((part.holder, name))
            if part.position is None and part.body == b"[]":
                continue
            if part.position is None:
                seen = _shown(part.body)
                yield Issue(code="listing.not-a-list", url=answer.url, field=part.name, seen=seen)
            first, last = first or part.body, part.body
            outline.records += 1
            yield RawRecord(body=part.body, url=answer.url, catalogue=catalogues.get(part.holder))
        elif name == "record":
            outline.catalogue_records += part.body != b"[]"
        elif name == "catalog":
            catalogues[*part.holder, name, part.position or 0] = _text(part.body) or ""
        elif part.holder:
            if name in NAMES and (said := _text(part.body)):
                catalogues.setdefault(part.holder, said)
        elif part.position in (None, 0) or name in NEXT:
            _note(outline, part, known=bool(lists))
    if not lists:
        seen = f"members: {', '.join(sorted(outline.members)[:20])}"
        raise PortalNotUnderstood("no list of datasets in the document", url=answer.url, seen=seen)
    holders = {holder for holder, _ in lists}
    yield from _remarks(outline, {said for holder, said in catalogues.items() if holder not in holders})
    link = _LINK_HEADER.search(answer.headers.get("Link", ""))
    said_next = outline.next_url or (link[1] if link else None)
    outline.next_url = said_next and led_to(answer.url, said_next)
    if said_next and outline.next_url is None:
        raise PortalNotUnderstood("the next page is no address", url=answer.url, seen=said_next[:200])
    outline.ends = hashlib.blake2b(first + last, digest_size=16).digest()
    return outline


def _remarks(outline: Outline, elsewhere: Collection[str]) -> Iterator[Issue]:
    """What is to be said of a document that was read to its end."""
    if outline.catalogue_records:
        yield Issue(code="listing.catalogue-records", url=outline.url, seen=str(outline.catalogue_records))
    for name in sorted(filter(None, elsewhere)):
        yield Issue(code="listing.catalogue-elsewhere", url=name)
    for code, path, seen in lacking({**outline.members, "dataset": True}):
        yield Issue(code=code, url=outline.url, field=f"catalog.{path}", seen=None if seen is None else str(seen))


def _unprefixed(name: str | None) -> str | None:
    return None if name is None else name.rpartition(":")[2]


def _expect_records(part: Part, url: str) -> None:
    """Raises PortalNotUnderstood unless the first of a list of datasets may be one."""
    if part.name is not None and part.body == b"[]":
        return
    record = _decoded(part.body)
    where = f"the list {part.name!r}" if part.name else "the list"
    if not part.body.startswith(b"{"):
        raise PortalNotUnderstood(f"{where} holds no objects", url=url, seen=_shown(part.body))
    if isinstance(record, dict) and (part.name is None or part.position is None):
        given = {_unprefixed(key) for key in record}
        if "title" not in given or not given & DATASET_MARKS:
            seen = f"members: {', '.join(list(record)[:20])}"
            raise PortalNotUnderstood(f"{where} holds no DCAT datasets", url=url, seen=seen)


def _note(outline: Outline, part: Part, *, known: bool) -> None:
    """Takes down a member of the document. Raises PortalNotUnderstood when the members are those of another API."""
    name = part.name or ""
    outline.members[name] = said = _decoded(part.body) if len(part.body) < REMARK_BYTES else True
    for marks, what in IMPOSTORS.items():
        if not known and marks <= outline.members.keys():
            seen = _shown(part.body)
            raise PortalNotUnderstood(f"this is {what}, no data.json", url=outline.url, seen=seen)
    name = name.rpartition(":")[2]
    if name in PAGES and type(said) is int:
        outline.pages = said
    elif name in NEXT - {"@id", "url", "href"}:
        outline.next_url = outline.next_url or _next_url(said, direct="next" in name.lower())


def _next_url(said: Any, *, direct: bool) -> str | None:
    """The address of the next page in what stands under a name; ``direct`` when that name says next."""
    if isinstance(said, str):
        return said if direct and said else None
    if not isinstance(said, dict):
        return None
    if "rel" in said:
        return _next_url(said.get("href"), direct=said["rel"] == "next")
    for key, value in said.items():
        name = _unprefixed(key) or ""
        is_next = "next" in name.lower() or (direct and name in ("href", "@id", "url"))
        if name in NEXT and (url := _next_url(value, direct=is_next)):
            return url
    return None


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _text(body: bytes) -> str | None:
    said = _decoded(body)
    return said if isinstance(said, str) and said else None


def _shown(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")
