"""What a SHACL engine says of the records of a real RDF document: the oracle of ``harvester.dcat_shapes``."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pyshacl import validate
from rdflib import DCTERMS, RDF, Graph, Literal, Namespace, URIRef
from rdflib.term import BNode, Node

import schemas
from harvester import rdf
from harvester.rdf.plain import COLLECTING, RECORD_TYPES
from tests.fixtures import FIXTURES

SH = Namespace("http://www.w3.org/ns/shacl#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")

SYNTAXES = {
    ".ttl": ("turtle", "text/turtle"),
    ".rdf": ("xml", "application/rdf+xml"),
    ".xml": ("xml", "application/rdf+xml"),
    ".jsonld": ("json-ld", "application/ld+json"),
}
"""By the end of a file's name: what rdflib and what a portal calls it. Of JSON-LD rdflib fetches contexts."""

WORDS: dict[Node | None, str] = {
    SH.MinCountConstraintComponent: "sh:minCount",
    SH.MaxCountConstraintComponent: "sh:maxCount",
    SH.NodeKindConstraintComponent: "sh:nodeKind",
    SH.DatatypeConstraintComponent: "sh:datatype",
    # The only nodes that the shapes refer to are those of dates, and for what a catalogue's record is about.
    SH.NodeConstraintComponent: "sh:datatype",
}


class Judged(NamedTuple):
    """One record: as we read it, and what the engine finds in it and in the nodes that belong to it."""

    key: str
    plain: dict[str, Any]
    violations: set[str]


@cache
def shapes() -> Graph:
    """The hand-written shapes of DCAT-AP 3.0.1 without the two slips that ``schemas/shapes/dcat_ap.csv`` notes."""
    text = (FIXTURES / "shacl" / "3.0.1" / "shapes.ttl").read_text(encoding="utf-8")
    assert text.count("sh:shape :DateOrDateTimeDataType_Shape") == 5
    made = Graph().parse(data=text.replace("sh:shape :DateOr", "sh:node :DateOr"), format="turtle")
    for rule in list(made.subjects(SH.path, URIRef("http://purl.org/dc/terms/rights"))):
        made.remove((rule, SH.maxCount, None))
    return made


def judged(path: Path) -> list[Judged]:
    """Every record of a document, with what the engine says of it. Raises PortalNotUnderstood."""
    body = path.read_bytes()
    if path.suffix == ".gz":
        body = gzip.decompress(body)
    format, content_type = SYNTAXES[Path(path.name.removesuffix(".gz")).suffix]
    url = f"http://portal.test/{path.name}"
    document = rdf.read(body, content_type=content_type, url=url)
    graph = Graph().parse(data=body, format=format, publicID=url)
    found = _reported(graph)
    records = []
    for each in document.records:
        plain = json.loads(bytes(each.body))
        key, node = _key(graph, plain)
        # One whose address had to be encoded is not found again.
        if (node, None, None) in graph:
            broken = [found.get(inner, set()) for inner in _belonging(graph, node)]
            records.append(Judged(key, plain, set().union(*broken)))
    return records


def _key(graph: Graph, plain: dict[str, Any]) -> tuple[str, Node]:
    """A record's key and its node; where that has no address, the one that states the record's identifier."""
    if "@id" in plain:
        return plain["@id"], URIRef(plain["@id"])
    key = plain["dct:identifier"][0]["@value"]
    (node,) = [one for one, stated in graph.subject_objects(DCTERMS.identifier) if str(stated) == key]
    return key, node


def _reported(graph: Graph) -> dict[Node, set[str]]:
    _, report, _ = validate(graph, shacl_graph=shapes(), inference="none", do_owl_imports=False)
    assert isinstance(report, Graph)
    found: dict[Node, set[str]] = defaultdict(set)
    for result in report.subjects(SH.resultSeverity, SH.Violation):
        path, focus = report.value(result, SH.resultPath), report.value(result, SH.focusNode)
        # What stands within sh:node is reported by itself too, without a path.
        if path is not None and focus is not None:
            word = WORDS[report.value(result, SH.sourceConstraintComponent)]
            found[focus].add(f"{_curie(path)} {word}")
    return found


def _belonging(graph: Graph, record: Node) -> Iterator[Node]:
    """The record's node and those that belong to it: not other records, catalogues and thesauri."""
    met, waiting = {record}, [record]
    while waiting:
        node = waiting.pop()
        yield node
        for predicate, value in graph.predicate_objects(node):
            is_record = not (RECORD_TYPES | {DCAT.Catalog}).isdisjoint(graph.objects(value, RDF.type))
            is_other = not isinstance(value, BNode) and (is_record or str(predicate).startswith(COLLECTING))
            if predicate != RDF.type and not isinstance(value, Literal) and value not in met and not is_other:
                met.add(value)
                waiting.append(value)


def _curie(address: Node) -> str:
    name = str(address)
    cut = max(name.rfind("#"), name.rfind("/")) + 1
    return f"{schemas.namespaces()[name[:cut]]}:{name[cut:]}"
