"""Reads DKAN: version 2 by its metastore, version 1 by its data.json and its CKAN-like actions.

The most complete way that answers is taken, in this order unless ``options.api`` names one (docs/sources.md#dkan):
``metastore`` holds every dataset with every field; ``datajson`` is next, and what the portal's ``package_list``
names beyond it is read one by one; ``ckan`` is left where there is no data.json.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from harvester.connectors import datajson
from harvester.errors import HarvestError, PagingBroken, PortalAnsweredError, PortalNotUnderstood
from harvester.http import Http
from harvester.jsonstream import parts
from harvester.records import Listing, RawRecord, Records
from portal.catalog.model import Issue, Source

METASTORE = "/api/1/metastore/schemas/dataset/items"
ACTIONS = "/api/3/action"
PAGE_SIZE = 100


class Identified(msgspec.Struct):
    """As much of a record as tells it apart."""

    identifier: Any = None


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Everything, whatever ``since`` is: no DKAN can be asked for changes.

    Raises PortalNotUnderstood when none of the ways answers, with what each said.
    """
    root = source.url.rstrip("/")
    chosen = source.options.get("api")
    if chosen is not None and chosen not in WAYS:
        raise PortalNotUnderstood(f"options.api is one of {', '.join(WAYS)}", url=root, seen=str(chosen))
    refusals = []
    for name, way in WAYS.items():
        if chosen not in (None, name):
            continue
        listing = way(root, http)
        try:
            first = next(listing)
        except StopIteration as end:
            read: Listing = end.value
            return read
        except HarvestError as error:
            if chosen is not None or not _is_absent(error):
                raise
            refusals.append(f"{name}: {error.detail}")
            continue
        yield first
        return (yield from listing)
    raise PortalNotUnderstood("no interface of DKAN answers", url=root, seen="; ".join(refusals))


def _is_absent(error: HarvestError) -> bool:
    """Whether the portal lacks this way, rather than fails in it."""
    if isinstance(error, PortalAnsweredError):
        return error.status is None or error.status < 500
    return isinstance(error, PortalNotUnderstood)


def _metastore(root: str, http: Http) -> Records:
    return (yield from datajson.documents(root + METASTORE, http))


def _datajson(root: str, http: Http) -> Records:
    identifiers = set()
    listing = datajson.documents(root + "/data.json", http)
    while True:
        try:
            item = next(listing)
        except StopIteration as end:
            read: Listing = end.value
            break
        if isinstance(item, RawRecord):
            identifiers.add(_identifier(item.body))
        yield item
    if read.not_modified:
        return read
    try:
        names = _package_list(root, http)
    except (PortalAnsweredError, PortalNotUnderstood) as error:
        if not _is_absent(error):
            raise
        return read
    missing = [name for name in names if name not in identifiers]
    if len(missing) == len(names) <= len(identifiers):
        # Not one of the names is an identifier: they are short names of the same datasets.
        missing = []
    if missing:
        # That data.json has not changed says nothing about what it leaves out.
        http.seen_validators.clear()
    for name in missing:
        yield from _package_show(root, http, name)
    return read


def _identifier(body: bytes) -> str | None:
    try:
        return str(msgspec.json.decode(body, type=Identified).identifier)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _ckan(root: str, http: Http) -> Records:
    """Page by page, by the number received, until as many came as ``package_list`` names, or none comes."""
    declared = len(_package_list(root, http))
    pages = set()
    received = 0
    while received < declared:
        digest = hashlib.blake2b(digest_size=16)
        before = received
        path = f"/current_package_list_with_resources?limit={PAGE_SIZE}&offset={received}"
        for record in _result(http, root + ACTIONS + path):
            digest.update(record.body)
            received += 1
            yield record
        if received == before:
            break
        if digest.digest() in pages:
            raise PagingBroken("a page repeats an earlier one", url=root + ACTIONS + path)
        pages.add(digest.digest())
    return Listing(declared=declared)


WAYS: Mapping[str, Callable[[str, Http], Records]] = {
    "metastore": _metastore,
    "datajson": _datajson,
    "ckan": _ckan,
}


def _package_list(root: str, http: Http) -> list[str]:
    url = f"{root}{ACTIONS}/package_list"
    answer = http.get(url)
    said = answer.json()
    names = said.get("result") if isinstance(said, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PortalNotUnderstood("package_list gives no list of names", url=url, seen=answer.text[:200])
    return names


def _package_show(root: str, http: Http, name: str) -> Generator[RawRecord | Issue, None, None]:
    url = f"{root}{ACTIONS}/package_show?id={quote(name, safe='')}"
    try:
        yield from _result(http, url)
    except PortalAnsweredError as error:
        if error.status not in (404, 410):
            raise
        yield Issue(code="record.not-usable", url=url, source_key=name, detail=error.detail)


def _result(http: Http, url: str) -> Iterator[RawRecord]:
    """The packages of an action's answer: one, a list of them, or (DKAN 7) lists within a list."""
    with http.stream(url) as answer:
        for part in parts(answer.chunks, url=url):
            if part.name == "error":
                raise PortalAnsweredError(_message(part.body), url=url, seen=_shown(part.body))
            if part.name == "result" and part.body != b"[]":
                is_list = part.body.startswith(b"[")
                for body in [each.body for each in parts([part.body], url=url)] if is_list else [part.body]:
                    yield RawRecord(body=body, url=answer.url)


def _message(body: bytes) -> str:
    """What an action's error says; CKAN wraps it in ``message``, DKAN gives the words alone."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return _shown(body)
    return str(said.get("message", said) if isinstance(said, dict) else said)


def _shown(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")
