"""Graphs with our prefixes, in the syntaxes that are answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from operator import itemgetter

from rdflib import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS, XSD, Graph, Namespace, URIRef

from portal.web import dcat_terms as terms
from portal.web.dcat_terms import Triple

SYNTAXES = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld"}
"""The suffix of an address and rdflib's name of the syntax."""

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")

_PREFIXES = {
    "adms": terms.ADMS,
    "dcat": terms.DCAT,
    "dcatap": terms.DCATAP,
    "dct": DCTERMS,
    "dqv": terms.DQV,
    "earl": terms.EARL,
    "eli": terms.ELI,
    "foaf": FOAF,
    "geo": terms.GEO,
    "hydra": HYDRA,
    "locn": terms.LOCN,
    "owl": OWL,
    "prov": PROV,
    "pv": terms.PV,
    "rdf": RDF,
    "rdfs": RDFS,
    "schema": terms.SCHEMA,
    "sdmx-attribute": terms.SDMX_ATTRIBUTE,
    "skos": SKOS,
    "spdx": terms.SPDX,
    "unit": terms.UNIT,
    "vcard": terms.VCARD,
    "xsd": XSD,
}


def graph_of(statements: Iterable[Triple]) -> Graph:
    """A graph of these statements, with our prefixes."""
    made = Graph(bind_namespaces="none")
    for prefix, namespace in _PREFIXES.items():
        made.bind(prefix, namespace)
    for statement in statements:
        made.add(statement)
    return made


def serialised(graph: Graph, suffix: str) -> bytes:
    """A graph in the syntax a suffix stands for, in UTF-8."""
    if suffix == "jsonld":
        return graph.serialize(format="json-ld", encoding="utf-8", auto_compact=True, indent=None)
    return graph.serialize(format=SYNTAXES[suffix], encoding="utf-8")


def turtle_prefixes() -> str:
    """The lines that stand before ``turtle``."""
    return "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in _PREFIXES.items())


def turtle(statements: Iterable[Triple]) -> Iterator[str]:
    """Statements in Turtle as they come, those in a row about one subject together; a graph would hold them all."""
    for subject, said in groupby(statements, key=itemgetter(0)):
        yield f"{subject.n3()} " + " ;\n    ".join(f"{_short(one)} {thing.n3()}" for _, one, thing in said) + " .\n"


@cache
def _short(predicate: URIRef) -> str:
    for prefix, namespace in _PREFIXES.items():
        if predicate.startswith(str(namespace)):
            return f"{prefix}:{predicate.removeprefix(str(namespace))}"
    return predicate.n3()


def digest(graph: Graph) -> str:
    """The same for the same statements, in whatever order a syntax happens to write them."""
    found = hashlib.blake2b(digest_size=12)
    for line in sorted(" ".join(term.n3() for term in triple) for triple in graph):
        found.update(line.encode() + b"\n")
    return found.hexdigest()
