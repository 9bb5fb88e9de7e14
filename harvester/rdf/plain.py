"""Makes plain records of RDF statements: one JSON object per dataset, the same bytes for the same statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urljoin

import msgspec
from rdflib.namespace import RDF, SKOS, Namespace
from rdflib.term import BNode, Literal, Node, URIRef

import schemas
from harvester.rdf import Document, Link, Plain, Task
from harvester.rdf.statements import Statements
from portal.catalog.model import Issue

DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCT = Namespace("http://purl.org/dc/terms/")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")

RECORD_TYPES = frozenset({DCAT.Dataset, DCAT.DataService, DCAT.DatasetSeries})
LISTS = (DCAT.dataset, DCAT.service, DCAT.datasetSeries)
"""How a catalogue names its records."""
NEXT = (HYDRA.next, HYDRA.nextPage)
"""The next page in the present spelling of Hydra and in that of its drafts, which portals still use."""

MAX_DEPTH = 5
"""Of nodes within a record: dataset, distribution, service, contact, address; one to spare. It ends cycles too."""

COLLECTING = (str(HYDRA), str(SKOS))
"""Vocabularies whose links lead through whole collections and thesauri: named nodes are not followed along them."""


class RecordTooLarge(Exception):
    """One record with all its nodes is larger than allowed."""


def document(statements: Statements, task: Task) -> Document:
    """Everything a connector needs of the document, records in the order of their bytes."""
    graph = _Graph(statements, task)
    records, issues = [], []
    for node in graph.records():
        try:
            body = graph.plain(node, MAX_DEPTH)
        except RecordTooLarge:
            key = None if isinstance(node, BNode) else _address(node)
            issues.append(Issue(code="record.too-large", url=task.url, source_key=key))
        else:
            records.append(Plain(body=msgspec.Raw(body), catalogue=graph.catalogue_of.get(node)))
    return Document(
        records=tuple(sorted(records, key=lambda record: bytes(record.body))),
        issues=tuple(sorted(issues, key=lambda issue: issue.source_key or "")),
        title=graph.title(graph.outermost[0]) if len(graph.outermost) == 1 else None,
        described=bool(graph.catalogues or records or issues),
        next_pages=graph.next_pages(),
        declared=graph.declared(),
        catalogues=graph.linked_catalogues(),
    )


class _Graph:
    """The statements of one document and what is worked out of them once.

    ``catalogues`` and ``typed_records`` are nodes that say to be one, ``inner`` those named by another catalogue.
    """

    def __init__(self, statements: Statements, task: Task) -> None:
        self.statements = statements
        self.url = task.url
        self.limit = task.limits.record_bytes
        self.made: dict[tuple[Node, int], bytes] = {}
        self.curies: dict[Node, str] = {}
        types = {node: predicates[RDF.type] for node, predicates in statements.items() if RDF.type in predicates}
        self.catalogues = {node: None for node, named in types.items() if DCAT.Catalog in named}
        self.typed_records = {
            node for node, named in types.items()
            if node not in self.catalogues and not RECORD_TYPES.isdisjoint(named)
        }
        self.inner = dict.fromkeys(inner for node in self.catalogues for inner in self.parts(node))
        self.outermost = [node for node in self.catalogues if node not in self.inner]
        self.catalogue_of = self._catalogue_of()

    def objects(self, node: Node, predicate: Node) -> Iterable[Node]:
        return self.statements.get(node, {}).get(predicate, ())

    def parts(self, catalogue: Node) -> Iterator[Node]:
        """The catalogues within a catalogue. (``dct:hasPart`` may name datasets too, so it needs a type.)"""
        yield from self.objects(catalogue, DCAT.catalog)
        yield from (part for part in self.objects(catalogue, DCT.hasPart) if part in self.catalogues)

    def listed(self, catalogue: Node) -> Iterator[Node]:
        for predicate in LISTS:
            yield from self.objects(catalogue, predicate)

    def records(self) -> Iterator[Node]:
        """Each described dataset, service and series.

        A blank node that something other than a catalogue speaks of (the service behind a distribution, the dataset
        a dataset was derived from) is a part of that and no record.
        """
        listed = {node for catalogue in self.catalogues for node in self.listed(catalogue) if node in self.statements}
        spoken_of = {
            value
            for predicates in self.statements.values()
            for values in predicates.values()
            for value in values
            if type(value) is BNode
        }
        for node in self.statements:
            if node in listed and node not in self.catalogues:
                yield node
            elif node in self.typed_records and node not in spoken_of:
                yield node

    def _catalogue_of(self) -> dict[Node, str]:
        found: dict[Node, str] = {}
        for catalogue in self.catalogues:
            if catalogue in self.inner:
                label = self.title(catalogue) or ("" if isinstance(catalogue, BNode) else _address(catalogue))
                for node in self.listed(catalogue) if label else ():
                    # Listed by several inner catalogues: the same one whatever the order of the statements.
                    found[node] = min(label, found.get(node, label))
        return found

    def title(self, node: Node) -> str | None:
        """The title without a language, else in Chinese, in English, in the first of the others."""
        titles = [(value.language or "", str(value)) for value in self.objects(node, DCT.title)
                  if isinstance(value, Literal)]
        order = {"": 0, "zh": 1, "en": 2}
        return min(titles, key=lambda title: (order.get(title[0].partition("-")[0], 3), *title))[1] if titles else None

    def next_pages(self) -> tuple[str, ...]:
        """Addresses of the next page, by the view that is this page where several views are described."""
        pages: dict[Node, set[str]] = {}
        for node, predicates in self.statements.items():
            for predicate in NEXT:
                for value in predicates.get(predicate, ()):
                    page = None if isinstance(value, BNode) else self.absolute(_address(value))
                    if page:
                        pages.setdefault(node, set()).add(page)
        own = pages.get(URIRef(self.url))
        return tuple(sorted(own if own is not None else set().union(*pages.values())))

    def absolute(self, address: str) -> str | None:
        """The address from where the document was read; None for none, or for one such as ``http://[host]/``."""
        try:
            return urljoin(self.url, address) if address else None
        except ValueError:
            return None

    def declared(self) -> int | None:
        """The total of the one collection that says one; None when none does, or several disagree."""
        totals = {
            int(str(value))
            for predicates in self.statements.values()
            for value in predicates.get(HYDRA.totalItems, ())
            if re.fullmatch(r"\d{1,12}", str(value))
        }
        return totals.pop() if len(totals) == 1 else None

    def linked_catalogues(self) -> tuple[Link, ...]:
        """Catalogues within a catalogue that the document names but lists no record of."""
        return tuple(
            Link(url=url, title=title)
            for url, title in sorted(
                (_address(node), self.title(node))
                for node in self.inner
                if isinstance(node, URIRef) and self.absolute(_address(node))
                and not any(True for _ in self.listed(node)) and not any(True for _ in self.parts(node))
            )
        )

    def curie(self, node: Node) -> str:
        """``dct:title`` for a name in a known namespace, else the whole name."""
        if node not in self.curies:
            name = str(node)
            cut = max(name.rfind("#"), name.rfind("/")) + 1
            prefix = schemas.namespaces().get(name[:cut])
            self.curies[node] = f"{prefix}:{name[cut:]}" if prefix and name[cut:] else name
        return self.curies[node]

    def plain(self, node: Node, depth: int) -> bytes:
        """The JSON object of a node with up to ``depth`` levels of nodes inside it."""
        if (node, depth) not in self.made:
            members = []
            if not isinstance(node, BNode):
                members.append(b'"@id":' + _json(_address(node)))
            predicates = self.statements.get(node, {})
            types = sorted(_json(self.curie(value)) for value in predicates.get(RDF.type, ()))
            if types:
                members.append(b'"@type":[' + b",".join(types) + b"]")
            for name, predicate in sorted((self.curie(predicate), predicate) for predicate in predicates):
                values = [] if name == "rdf:type" else self.values(predicate, predicates[predicate], depth)
                if values:
                    members.append(_json(name) + b":[" + b",".join(values) + b"]")
            self.check(members)
            self.made[node, depth] = b"{" + b",".join(members) + b"}"
        return self.made[node, depth]

    def values(self, predicate: Node, values: Iterable[Node], depth: int) -> list[bytes]:
        """The values of a property, sorted; the members of a list count as values. A node that says nothing stays, as {}:
        the property is stated."""
        made = [self.value(predicate, value, depth) for value in self.members(values)]
        self.check(made)
        return sorted(made)

    def members(self, values: Iterable[Node]) -> Iterator[Node]:
        for value in values:
            if type(value) is not BNode or not self.objects(value, RDF.first):
                yield value
                continue
            met: set[Node] = set()
            rest: Node | None = value
            while rest is not None and rest not in met:
                met.add(rest)
                yield from self.objects(rest, RDF.first)
                rest = next(iter(self.objects(rest, RDF.rest)), None)

    def value(self, predicate: Node, value: Node, depth: int) -> bytes:
        if type(value) is Literal:
            return _literal(value, self.curie(value.datatype) if value.datatype else None)
        if type(value) is BNode:
            return self.plain(value, depth - 1) if depth else b"{}"
        if depth and self.leads_to_detail(predicate, value):
            return self.plain(value, depth - 1)
        return b'{"@id":' + _json(_address(value)) + b"}"

    def leads_to_detail(self, predicate: Node, value: Node) -> bool:
        """Whether a named node belongs inside what names it: not if it is a record, a catalogue or a thesaurus."""
        if value not in self.statements or value in self.typed_records or value in self.catalogues:
            return False
        return not str(predicate).startswith(COLLECTING)

    def check(self, parts: list[bytes]) -> None:
        # Before they are joined: nodes that each name the next one twice double the size with every level.
        if sum(map(len, parts)) > self.limit:
            raise RecordTooLarge


def _literal(value: Literal, datatype: str | None) -> bytes:
    said = b'{"@value":' + _json(str(value))
    if value.language:
        return said + b',"@language":' + _json(value.language) + b"}"
    if datatype and datatype != "xsd:string":
        return said + b',"@type":' + _json(datatype) + b"}"
    return said + b"}"


def _json(text: str) -> bytes:
    try:
        return msgspec.json.encode(text)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which JSON escapes can spell, is no text in any encoding.
        return msgspec.json.encode(text.encode("utf-8", "replace").decode())


_NOT_IN_A_URI = re.compile(r"[^!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def _address(node: Node) -> str:
    """The URI of a node with all that a URI cannot hold (spaces, Chinese) percent-encoded past the host."""
    iri = str(node).strip()
    authority = _AUTHORITY.match(iri)
    start = authority.end() if authority else 0
    return iri[:start] + _NOT_IN_A_URI.sub(lambda found: quote(found[0], safe="", errors="replace"), iri[start:])
