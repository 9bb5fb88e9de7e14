"""Reads catalogues kept as files: CSV, JSON and XLSX, one, several, or a folder of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import html
from msgspec import structs

from harvester import answers, rowfiles
from harvester.connectors.recognition import recognised
from harvester.crosswalk import own_key, to_dataset
from harvester.errors import PortalNotUnderstood, SourceInvalid
from harvester.families import family
from harvester.http import Http, Response
from harvester.http.addresses import led_to
from harvester.nativekeys import known
from harvester.records import Listing, RawRecord, Records
from harvester.undecided import decided_by
from portal.catalog.model import Issue, Source

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xlsx", ".csv.gz", ".json.gz", ".jsonl.gz")
"""What counts as a file of records in a folder's page."""


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Every row of every file, whatever ``since`` is: a file can only be asked whether it changed at all.

    ``options.files`` are addresses relative to the source's; without them an address that ends in ``/`` is the page
    of a folder, and any other the file itself.
    """
    family(source)
    return (yield from recognised(source, _files(source, http)))


def _files(source: Source, http: Http) -> Records:
    addresses = _addresses(source, http)
    given: list[RawRecord] = []
    read: dict[bytes, str] = {}
    lacking = 0
    for address in addresses:
        # That one of several files has not changed says nothing about the others.
        response = http.get(address, conditional=len(addresses) == 1)
        if response.not_modified:
            return Listing(not_modified=True)
        digest = hashlib.blake2b(response.body, digest_size=16).digest()
        if digest in read:
            yield Issue(code="listing.file-repeated", url=address, seen=read[digest])
            continue
        read[digest] = address
        before = len(given)
        rows = _rows(source, response)
        for body in rows.given:
            if isinstance(body, Issue):
                yield body
            else:
                given.append(RawRecord(body=body, url=http.shown(address)))
        lacking += max(0, (rows.stated or 0) - (len(given) - before))
    yield from _told_apart(source, given)
    return Listing(declared=len(given) + lacking, in_one_piece=True)


def _told_apart(source: Source, given: Sequence[RawRecord]) -> Iterator[RawRecord]:
    """The records, those numbered that differ and that neither an id nor title and publisher tell apart.

    Raises PortalNotUnderstood where the ids of less than half of them differ: they are then none.
    """
    keys = [own_key(raw, source) for raw in given]
    different = {raw.body: key for raw, key in zip(given, keys, strict=True) if key is not None}
    ids = set(different.values())
    if len(different) > 1 and (len(ids) == 1 or len(ids) * 2 < len(different)):
        have = f"all {len(given):,} records have the same id"
        if len(ids) > 1:
            have = f"{len(different):,} different records have {len(ids):,} ids"
        detail = f"{have}: options.key can name what tells them apart"
        raise PortalNotUnderstood(detail, url=given[0].url, seen=min(ids))
    met: dict[str, dict[bytes, int]] = {}
    for raw, key in zip(given, keys, strict=True):
        made = None if key is not None else to_dataset(raw, source)[0]
        if made is not None:
            numbers = met.setdefault(made.source_key, {})
            raw = structs.replace(raw, occurrence=numbers.setdefault(raw.body, len(numbers) + 1))
        yield raw


def _rows(source: Source, response: Response) -> rowfiles.Rows:
    header_row = source.options.get("header_row")
    return rowfiles.rows(
        response, _naming(source), sheet=source.options.get("sheet"),
        header_row=None if header_row is None else int(header_row),
    )


def _naming(source: Source) -> rowfiles.Naming:
    """Counts the cells of a row that are keys the source's tables know, where one of several is that of the title."""
    decided = decided_by(source)

    def naming(row: Sequence[Any]) -> int:
        cells = [cell.strip() for cell in row if isinstance(cell, str)]
        fields = [field for cell in cells if (field := decided.get(cell) or decided.get(known(cell) or "")) is not None]
        return len(fields) if "title" in fields and len(fields) > 1 else 0

    return naming


def _addresses(source: Source, http: Http) -> list[str]:
    named: Any = source.options.get("files")
    if named is not None:
        if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
            raise SourceInvalid("options.files is a list of addresses", url=source.url, seen=str(named))
        return [urljoin(source.url, name) for name in named]
    if not urlsplit(source.url).path.endswith("/"):
        return [source.url]
    response = http.get(source.url)
    links: list[html.HtmlElement] = answers.page(response.text, response.url).xpath("//a[@href]")
    found = dict.fromkeys(led_to(response.url, link.get("href")) for link in links)
    inside = [address for address in found if address is not None and _is_file_of(response.url, address)]
    if not inside:
        raise PortalNotUnderstood(f"no file of records in the folder ({', '.join(SUFFIXES)})", url=response.url)
    return inside


def _is_file_of(folder: str, address: str) -> bool:
    return address.startswith(folder) and urlsplit(address).path.lower().endswith(SUFFIXES)
