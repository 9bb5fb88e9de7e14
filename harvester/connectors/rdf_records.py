"""The DCAT records that stand as RDF/XML in the answer of another protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from harvester import rdf
from harvester.errors import PortalNotUnderstood
from harvester.records import RawRecord
from harvester.xmlstream import canonical
from portal.catalog.model import Issue

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DCAT = "http://www.w3.org/ns/dcat#"

_WHOLE = f"{{{_RDF}}}RDF"
RDF_ROOTS = frozenset((_WHOLE, *(f"{{{_DCAT}}}{kind}" for kind in ("Dataset", "DataService", "DatasetSeries"))))
"""Elements that are RDF by themselves."""


def statements(element: etree._Element) -> bytes:
    """What such an element states, to be put beside others within one ``rdf:RDF``."""
    if element.tag != _WHOLE:
        return canonical(element)
    return b"\n".join(canonical(child) for child in element if isinstance(child.tag, str))


def rdf_records(several: Sequence[bytes], url: str) -> Iterator[RawRecord | Issue]:
    """The records of several statements, which one child process reads together.

    Where they cannot be read together each is read by itself, and the malformed ones are complained of.
    """
    if not several:
        return
    # The label of a blank node is good in its own document only.
    is_shared = len(several) > 1 and not any(b":nodeID=" in each for each in several)
    try:
        if is_shared or len(several) == 1:
            yield from _read(several, url)
            return
    except PortalNotUnderstood as error:
        if len(several) == 1:
            yield Issue(code="record.malformed", url=url, seen=error.seen, detail=error.detail)
            return
    for each in several:
        yield from rdf_records([each], url)


def _read(several: Sequence[bytes], url: str) -> list[RawRecord | Issue]:
    whole = b'<rdf:RDF xmlns:rdf="%s">\n%s\n</rdf:RDF>' % (_RDF.encode(), b"\n".join(several))
    document = rdf.read(whole, content_type="application/rdf+xml", url=url)
    records = [RawRecord(body=bytes(each.body), url=url, catalogue=each.catalogue) for each in document.records]
    return [*document.issues, *records]
