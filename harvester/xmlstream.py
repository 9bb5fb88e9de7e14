"""Cuts what a portal answers in XML into its records, one at a time; nothing is fetched and no entity is expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from lxml import etree

from harvester.errors import AnswerTooLarge, PortalBlocked, PortalNotUnderstood
from harvester.http.challenges import obstacle
from harvester.xmltext import NotReadable, decoded, screen

RECORD_BYTES = 4 * 2**20
"""The most that may come between the ends of two records: what is being read is in memory as a tree, some
a hundred times as large."""

PARSING: dict[str, Any] = {
    "encoding": "utf-8",
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
"""How every XML document is parsed. Without ``huge_tree`` libxml2 stops at 256 levels and at texts of 10 MB."""

_BLOCK_BYTES = 64 * 1024

_HTML = re.compile(r"\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)

_NEVER_XML = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bceBCEfF]|1[\da-fA-F]));"
)
"""Control characters, as themselves or by number: XML 1.0 has no way to say them, repositories let them through."""


class Part(NamedTuple):
    """An element that has just ended."""

    depth: int
    """1 for the root, 2 for what stands in it, 3 for the records in their list."""
    element: etree._Element


def parts(body: bytes, url: str) -> Iterator[Part]:
    """The elements of an answer down to the third level, each as it ends; those of the third are then let go.

    Both protocols put records there: ``OAI-PMH/ListRecords/record``, ``GetRecordsResponse/SearchResults/…``. Raises
    PortalNotUnderstood where the answer is no XML to its end, AnswerTooLarge where one element is far too large,
    PortalBlocked for a page that stands in the way.
    """
    document = _document(body, url)
    parser = etree.XMLPullParser(("start", "end"), **PARSING)
    depth = pending = 0
    try:
        for start in range(0, len(document), _BLOCK_BYTES):
            block = document[start:start + _BLOCK_BYTES]
            parser.feed(block)
            pending += len(block)
            for event, element in parser.read_events():
                if event == "start":
                    depth += 1
                    continue
                if depth <= 3:
                    yield Part(depth, element)
                if depth == 3:
                    pending = 0
                    _let_go(element)
                depth -= 1
            if pending > RECORD_BYTES:
                raise AnswerTooLarge(f"a record of more than {RECORD_BYTES} bytes", url=url)
        parser.close()
    except etree.XMLSyntaxError as error:
        lines = document[:50 * 2**20].splitlines()
        number = error.lineno or 0
        seen = lines[number - 1].strip()[:200].decode("utf-8", "replace") if 0 < number <= len(lines) else None
        raise PortalNotUnderstood(f"malformed XML: {error.msg}", url=url, seen=seen) from error


def _document(body: bytes, url: str) -> bytes:
    """The answer in UTF-8 without what no XML can hold."""
    try:
        # Blank lines before the declaration are no XML, and what many a PHP repository sends.
        text = decoded(body).lstrip()
        if _HTML.match(text):
            raise _no_xml(body, text, url)
        document = _NEVER_XML.sub("", text).encode("utf-8", "replace")
        screen(document)
    except NotReadable as error:
        raise PortalNotUnderstood(f"malformed XML: {error}", url=url, seen=_head(body)) from error
    return document


def _no_xml(body: bytes, text: str, url: str) -> PortalBlocked | PortalNotUnderstood:
    found = obstacle(body)
    if found is not None:
        return PortalBlocked(f"{found} instead of XML", url=url, seen=text[:200])
    return PortalNotUnderstood("HTML instead of XML", url=url, seen=text[:200])


def _let_go(element: etree._Element) -> None:
    element.clear(keep_tail=False)
    parent = element.getparent()
    # The one that has just ended must stay, because the parser still stands on it.
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def canonical(element: etree._Element) -> bytes:
    """An element by itself, as the same bytes wherever and however prefixes were declared around it.

    Exclusive canonical XML: UTF-8, sorted attributes, no comments, only the namespaces that are used in it.
    """
    try:
        return bytes(etree.tostring(element, method="c14n", exclusive=True, with_comments=False))
    except etree.C14NError:
        # A relative namespace, which canonical XML refuses and everybody else reads.
        return bytes(etree.tostring(element, encoding="utf-8", with_tail=False))


def name(element: etree._Element) -> str:
    """The name without its namespace."""
    return local_name(str(element.tag))


@lru_cache(maxsize=4096)
def local_name(tag: str) -> str:
    """A name without its namespace."""
    # Asked for every element there is, and records have the same few hundred names over and over.
    return tag.rpartition("}")[2]


def _head(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")
