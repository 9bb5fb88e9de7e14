"""Writes small RDF trees as Turtle, RDF/XML and JSON-LD text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

PREFIXES: Mapping[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


class Literal(Struct, frozen=True):
    """Text, with its language or with its datatype as a prefixed name."""

    text: str
    language: str | None = None
    datatype: str | None = None


class Link(Struct, frozen=True):
    """Another thing's URI."""

    uri: str


class Node(Struct, frozen=True):
    """A thing said in place: its URI (None for a blank node), its type and what is said of it."""

    uri: str | None
    type: str
    said: Sequence[tuple[str, Value]]


Value: TypeAlias = Literal | Link | Node

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')


def turtle_prefixes() -> str:
    """The head of a Turtle document."""
    return "".join(f"@prefix {prefix}: <{uri}> .\n" for prefix, uri in PREFIXES.items()) + "\n"


def turtle(node: Node) -> str:
    """A thing and, after it, every thing with a URI that was said within it."""
    later: list[Node] = []
    text = f"{_iri(node.uri or '')} {_turtle_said(node, later, 1)} .\n\n"
    return text + "".join(turtle(inner) for inner in later)


def _turtle_said(node: Node, later: list[Node], depth: int) -> str:
    pad = "    " * depth
    lines = [f"a {node.type}", *(f"{name} {_turtle_value(value, later, depth)}" for name, value in node.said)]
    return f" ;\n{pad}".join(lines)


def _turtle_value(value: Value, later: list[Node], depth: int) -> str:
    if isinstance(value, Literal):
        text = '"' + "".join(_ESCAPES.get(character, character) for character in value.text) + '"'
        suffix = f"@{value.language}" if value.language else f"^^{value.datatype}" if value.datatype else ""
        return text + suffix
    if isinstance(value, Link):
        return _iri(value.uri)
    if value.uri is None:
        return f"[ {_turtle_said(value, later, depth + 1)} ]"
    later.append(value)
    return _iri(value.uri)


def _iri(uri: str) -> str:
    return f"<{_NOT_IN_IRI.sub(lambda found: f'%{ord(found[0]):02X}', uri)}>"


def rdfxml_head() -> str:
    """The beginning of an RDF/XML document, up to where things stand."""
    names = "".join(f'\n  xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF\n  xmlns:rdf="{rdf}"{names}>\n'


RDFXML_TAIL = "</rdf:RDF>\n"


def rdfxml(node: Node, depth: int = 1) -> str:
    """A thing with everything said within it nested."""
    pad = "  " * depth
    about = f" rdf:about={quoteattr(node.uri)}" if node.uri else ""
    inner = "".join(f"{pad}  {_rdfxml_value(name, value, depth)}\n" for name, value in node.said)
    return f"{pad}<{node.type}{about}>\n{inner}{pad}</{node.type}>\n"


def _rdfxml_value(name: str, value: Value, depth: int) -> str:
    if isinstance(value, Link):
        return f"<{name} rdf:resource={quoteattr(value.uri)}/>"
    if isinstance(value, Node):
        return f"<{name}>\n{rdfxml(value, depth + 2)}{'  ' * (depth + 1)}</{name}>"
    mark = f' xml:lang="{value.language}"' if value.language else ""
    if value.datatype:
        prefix, local = value.datatype.split(":")
        mark = f' rdf:datatype="{PREFIXES[prefix]}{local}"'
    # XML has no way to say most control characters; a portal's XML writer drops them too.
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", value.text)
    return f"<{name}{mark}>{escape(text)}</{name}>"


def jsonld(node: Node) -> dict[str, Any]:
    """A thing as a JSON-LD object for a document with ``PREFIXES`` as its context."""
    document: dict[str, Any] = {"@id": node.uri} if node.uri else {}
    document["@type"] = node.type
    for name, value in node.said:
        document.setdefault(name, []).append(_jsonld_value(value))
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in document.items()
    }


def _jsonld_value(value: Value) -> object:
    if isinstance(value, Node):
        return jsonld(value)
    if isinstance(value, Link):
        return {"@id": value.uri}
    if value.language:
        return {"@value": value.text, "@language": value.language}
    return {"@value": value.text, "@type": value.datatype} if value.datatype else value.text


def jsonld_text(node: Node) -> str:
    """The same as one line of JSON, every letter as itself."""
    return json.dumps(jsonld(node), ensure_ascii=False)
