"""Graphs with our prefixes, in the syntaxes that are answered."""

from __future__ import annotations

import hashlib
from itertools import dropwhile

from rdflib import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS, XSD, Graph, Namespace

from portal.web import dcat_terms as terms

SYNTAXES = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld"}
"""The suffix of an address and rdflib's name of the syntax."""

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")

_PREFIXES = {
    "adms": terms.ADMS,
    "dcat": terms.DCAT,
    "dcatap": terms.DCATAP,
    "dct": DCTERMS,
    "eli": terms.ELI,
    "foaf": FOAF,
    "geo": terms.GEO,
    "hydra": HYDRA,
    "locn": terms.LOCN,
    "owl": OWL,
    "prov": PROV,
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "spdx": terms.SPDX,
    "vcard": terms.VCARD,
    "xsd": XSD,
}


def empty() -> Graph:
    """A graph that says nothing, with our prefixes."""
    made = Graph(bind_namespaces="none")
    for prefix, namespace in _PREFIXES.items():
        made.bind(prefix, namespace)
    return made


def serialised(graph: Graph, suffix: str) -> bytes:
    """A graph in the syntax a suffix stands for, in UTF-8."""
    if suffix == "jsonld":
        return graph.serialize(format="json-ld", encoding="utf-8", auto_compact=True, indent=None)
    return graph.serialize(format=SYNTAXES[suffix], encoding="utf-8")


def turtle_body(graph: Graph) -> str:
    """A graph in Turtle without the lines that declare prefixes: what ``turtle_prefixes`` may stand before."""
    lines = graph.serialize(format="turtle").splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("@prefix"), lines))


def turtle_prefixes() -> str:
    """The prefixes of every graph made here."""
    return "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in _PREFIXES.items())


def digest(graph: Graph) -> str:
    """The same for the same statements, in whatever order a syntax happens to write them."""
    found = hashlib.blake2b(digest_size=12)
    for line in sorted(" ".join(term.n3() for term in triple) for triple in graph):
        found.update(line.encode() + b"\n")
    return found.hexdigest()
