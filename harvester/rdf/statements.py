"""Reads the statements of an RDF document with rdflib; runs in the child process only."""

from __future__ import annotations

import json
import re
import xml.sax.expatreader  # noqa: F401  (rdflib looks it up by name, when the child may open no file any more)
from collections.abc import Callable
from typing import Any, TypeAlias
from xml.sax import SAXParseException

import rdflib
from rdflib.exceptions import ParserError
from rdflib.graph import Dataset, Graph
from rdflib.parser import StringInputSource
from rdflib.plugins.parsers.jsonld import to_rdf
from rdflib.plugins.parsers.notation3 import BadSyntax, RDFSink, SinkParser
from rdflib.plugins.parsers.nquads import NQuadsParser
from rdflib.plugins.parsers.rdfxml import RDFXMLParser
from rdflib.plugins.parsers.trig import TrigSinkParser
from rdflib.store import Store
from rdflib.term import Node

from harvester.rdf import Refusal, Syntax, Task
from harvester.rdf.contexts import ContextRefused, language_tag, without_remote_contexts
from harvester.xmltext import NotReadable, screen

Statements: TypeAlias = dict[Node, dict[Node, dict[Node, None]]]
"""Subject to predicate to objects, each once, in the order of the document; named graphs are merged."""

MAX_ENTITY_LENGTH = 256
"""Of an internal XML entity: room for the namespaces that ontology editors abbreviate, too little to blow up."""


class DocumentRefused(Exception):
    """The document cannot be read; ``refusal`` says why."""

    def __init__(self, detail: str, *, seen: str | None = None, too_large: bool = False) -> None:
        super().__init__(detail)
        self.refusal = Refusal(detail=detail, seen=seen, too_large=too_large)


class _Collector(Store):
    """Takes statements from rdflib's parsers, of every graph alike.

    rdflib's own memory store keeps three indexes, which costs twice the time and memory for a document read once.
    """

    context_aware = True
    graph_aware = True

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.statements: Statements = {}
        self.count = 0
        self.limit = limit

    def add(self, triple: Any, context: Any, quoted: bool = False) -> None:
        subject, predicate, value = triple
        self.statements.setdefault(subject, {}).setdefault(predicate, {})[value] = None
        self.count += 1
        if self.count > self.limit:
            raise DocumentRefused(f"more than {self.limit} statements", too_large=True)

    def add_graph(self, graph: Graph) -> None:
        """Graphs are merged, so none is kept."""

    def remove_graph(self, graph: Graph) -> None:
        """Graphs are merged, so none is kept."""

    def bind(self, prefix: str, namespace: Any, override: bool = True) -> None:
        """Prefixes are a document's private abbreviations; records use those of ``schemas``."""


def read_statements(text: str, task: Task) -> Statements:
    """All statements of the document. Raises DocumentRefused when it is malformed, hostile or too large."""
    # A literal keeps the portal's spelling ("2012-05-10T21:04", "007"); only the crosswalk interprets it.
    rdflib.NORMALIZE_LITERALS = False
    collector = _Collector(task.limits.statements)
    _READERS[task.syntax](text, task.url, Dataset(store=collector, default_union=True))
    return collector.statements


def _at_line(text: str, number: int, reason: str) -> DocumentRefused:
    """What is wrong with which line of the text, and the line."""
    lines = text.splitlines()
    seen = lines[number - 1].strip() if 0 < number <= len(lines) else None
    return DocumentRefused(f"line {number}: {reason}", seen=seen)


def _read_turtle(text: str, url: str, graph: Dataset, reader: type[SinkParser] = SinkParser) -> None:
    parser = reader(RDFSink(graph.default_context), baseURI=url, turtle=True)
    try:
        parser.loadBuf(text)
    except BadSyntax as error:
        # rdflib counts the lines of nested blank nodes twice; the offset is right.
        number = text.count("\n", 0, error._i) + 1
        raise _at_line(text, number, f"{error._why} (line {error.lines + 1} as rdflib counts)") from error
    except (AssertionError, IndexError, ValueError, ParserError) as error:
        # rdflib's Turtle reader meets some malformed input with these, of which only it knows the line.
        raise _at_line(text, parser.lines + 1, str(error)) from error


def _read_trig(text: str, url: str, graph: Dataset) -> None:
    _read_turtle(text, url, graph, TrigSinkParser)


_SPACED_ADDRESS = re.compile(r"<[a-z][a-z0-9+.-]*:[^<>\"\n]*>")


def _read_nquads(text: str, url: str, graph: Dataset) -> None:
    # rdflib refuses the whole of an N-Quads document for one address with a space in it.
    repaired = _SPACED_ADDRESS.sub(lambda address: address[0].replace(" ", "%20"), text)
    try:
        NQuadsParser().parse(StringInputSource(repaired), graph)
    except ParserError as error:
        # It names the line by its text only.
        lines = repaired.split("\n")
        number = next((number for number, line in enumerate(lines, 1) if line and repr(line) in str(error)), 0)
        raise _at_line(repaired, number, str(error).partition("\n")[0]) from error


_XML_LANG = re.compile(r"""xml:lang\s*=\s*(["'])(.*?)\1""")

_XML_BRACKETS = re.compile(r"""(rdf:(?:about|resource)\s*=\s*["'][A-Za-z][\w+.-]*://)\[([^\]/"'<]*)\]?""")


def _read_rdfxml(text: str, url: str, graph: Dataset) -> None:
    # For one language tag that is none, rdflib would refuse the document; without the tag the text still counts.
    text = _XML_LANG.sub(lambda found: f'xml:lang="{language_tag(found[2]) or ""}"', text)
    # So it does for an address such as http://[host]/, because Python takes that for IPv6.
    text = _XML_BRACKETS.sub(r"\1%5B\2%5D", text)
    document = text.encode("utf-8", "surrogatepass")
    try:
        screen(document, MAX_ENTITY_LENGTH)
    except NotReadable as error:
        raise DocumentRefused(str(error)) from error
    # Our decoding holds, whatever the XML header says.
    source = StringInputSource(document, encoding="utf-8", system_id=url)
    source.setPublicId(url)
    try:
        RDFXMLParser().parse(source, graph.default_context)  # type: ignore[no-untyped-call]
    except SAXParseException as error:
        raise _at_line(text, error.getLineNumber() or 0, error.getMessage()) from error
    except (ParserError, ValueError) as error:
        raise DocumentRefused(str(error)) from error


def _read_jsonld(text: str, url: str, graph: Dataset) -> None:
    try:
        document = without_remote_contexts(json.loads(text))
    except json.JSONDecodeError as error:
        seen = text[error.pos:error.pos + 80]
        raise DocumentRefused(f"line {error.lineno}: {error.msg}", seen=seen) from error
    except ContextRefused as error:
        raise DocumentRefused(str(error)) from error
    try:
        to_rdf(document, graph, base=url)
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        # rdflib's JSON-LD reader trusts the shape of the document and falls over any other in these ways.
        raise DocumentRefused(f"not JSON-LD: {type(error).__name__}: {error}") from error


_READERS: dict[Syntax, Callable[[str, str, Dataset], None]] = {
    Syntax.TURTLE: _read_turtle,
    Syntax.TRIG: _read_trig,
    Syntax.NQUADS: _read_nquads,
    Syntax.RDFXML: _read_rdfxml,
    Syntax.JSONLD: _read_jsonld,
}
