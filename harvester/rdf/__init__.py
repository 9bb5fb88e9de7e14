"""Bytes of RDF in, plain records out; nothing is fetched, and a hostile document costs its own source only.

Every document is read by a child process (``harvester.rdf.child``) that has given up files, network and most of the
memory before it looks at the first byte. The parent never parses RDF.
"""

from __future__ import annotations

import re
import signal
from enum import StrEnum

import msgspec
from msgspec import Struct

from harvester.errors import AnswerTooLarge, PortalNotUnderstood
from harvester.rdf import nursery
from portal.catalog.model import Issue


class Syntax(StrEnum):
    """The spellings of RDF that are read."""

    TURTLE = "turtle"
    """N-Triples too: each N-Triples document is a Turtle document."""
    TRIG = "trig"
    NQUADS = "nquads"
    RDFXML = "rdfxml"
    JSONLD = "jsonld"


class Limits(Struct, frozen=True, kw_only=True):
    """What one document may cost.

    The largest real catalogue at hand (21 MB of Turtle, 180,000 statements) takes 8 s and 250 MB.
    """

    memory_bytes: int = 1536 * 2**20
    """Of address space, which is somewhat more than what is resident."""
    cpu_s: int = 300
    wall_s: float = 600
    statements: int = 800_000
    output_bytes: int = 512 * 2**20
    record_bytes: int = 16 * 2**20


class Task(Struct, frozen=True, kw_only=True):
    """What the child is asked: the first line of its input, before the document itself."""

    syntax: Syntax
    url: str
    limits: Limits


class Plain(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dataset, data service or dataset series with the nodes it needs inside it.

    ``body`` is a JSON object: ``@id`` (absent for a blank node), ``@type``, then properties by CURIE (``dct:title``),
    each a list of literals ``{"@value", "@language" or "@type"}`` and nodes ``{"@id", …}``. All of it is sorted by
    content, so that the same statements in any order, with any blank node labels, give the same bytes.
    """

    body: msgspec.Raw
    catalogue: str | None = None
    """The inner catalogue that lists it: its title, else its URI; None for the outermost one."""


class Link(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A catalogue that the document names but does not hold."""

    url: str
    title: str | None = None


class Document(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """What one RDF document says."""

    records: tuple[Plain, ...] = ()
    issues: tuple[Issue, ...] = ()
    """Of records that were left out alone."""
    title: str | None = None
    """The title of its one outermost catalogue."""
    described: bool = False
    """It holds a catalogue or a record: it is DCAT at all."""
    next_pages: tuple[str, ...] = ()
    """Absolute addresses; usually one or none."""
    declared: int | None = None
    """``hydra:totalItems``."""
    catalogues: tuple[Link, ...] = ()


class Refusal(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Why the child did not read a document."""

    too_large: bool = False
    detail: str
    seen: str | None = None


TOO_LARGE_STATUS = 3
"""With which the child exits when its memory ran out: it can then say no more."""

_SYNTAXES = {
    "text/turtle": Syntax.TURTLE,
    "application/x-turtle": Syntax.TURTLE,
    "text/rdf+n3": Syntax.TURTLE,
    "text/n3": Syntax.TURTLE,
    "application/n-triples": Syntax.TURTLE,
    "application/trig": Syntax.TRIG,
    "application/n-quads": Syntax.NQUADS,
    "application/rdf+xml": Syntax.RDFXML,
    "application/xml": Syntax.RDFXML,
    "text/xml": Syntax.RDFXML,
    "application/ld+json": Syntax.JSONLD,
    "application/json": Syntax.JSONLD,
}

_SAYS_NOTHING = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})

_QUAD_LINE = rb'(?:<[^>\n]*>|_:\S+)[ \t]+<[^>\n]*>[ \t]+(?:<[^>\n]*>|_:\S+|"(?:[^"\\\n]|\\.)*"[^\s<]*(?:<[^>\n]*>)?)'
_SIGNS = (
    (re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE), None),
    (re.compile(rb"<\?xml|<!--|<!DOCTYPE|<[A-Za-z_][\w.-]*:RDF[\s>]"), Syntax.RDFXML),
    (re.compile(rb"\{|\[\s*(?:\{|\]\s*$)"), Syntax.JSONLD),
    (re.compile(_QUAD_LINE + rb"[ \t]+(?:<[^>\n]*>|_:\S+)[ \t]*\.[ \t]*(?:\r?\n|$)"), Syntax.NQUADS),
    (re.compile(rb"(?:@?(?:prefix|base)\s|GRAPH\s|\[|_:\S|<[a-z][a-z0-9+.-]*:)", re.IGNORECASE), Syntax.TRIG),
)
"""What a document begins with, past byte order mark, white space and ``#`` comments. TriG includes Turtle."""

_BEFORE_SIGNS = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|#[^\n]*\n)*")


def syntax(body: bytes, content_type: str | None, url: str) -> Syntax:
    """The syntax the answer declares or, where it declares none, the one its first bytes show.

    Raises PortalNotUnderstood for HTML, for a declared type that is no RDF, and when nothing can be told.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in _SAYS_NOTHING:
        start = _BEFORE_SIGNS.match(body)
        sign = next((found for mark, found in _SIGNS if mark.match(body, start.end() if start else 0)), None)
        if sign is None:
            raise PortalNotUnderstood(f"Unable to detect format of {url}", url=url, seen=_head(body))
        return sign
    if media_type not in _SYNTAXES:
        raise PortalNotUnderstood(f'Unsupported mime type "{media_type}"', url=url, seen=_head(body))
    return _SYNTAXES[media_type]


def read(body: bytes, *, content_type: str | None, url: str, limits: Limits = Limits()) -> Document:
    """The records, the paging and the inner catalogues of one document that was read at ``url``.

    Raises PortalNotUnderstood when it is malformed (with the line, where one is known) or no DCAT, and AnswerTooLarge
    when reading it costs more than ``limits``. Nothing of a document that raises is ever given.
    """
    task = Task(syntax=syntax(body, content_type, url), url=url, limits=limits)
    answer = _ask_child(task, body)
    if isinstance(answer, Refusal):
        error = AnswerTooLarge if answer.too_large else PortalNotUnderstood
        raise error(answer.detail, url=url, seen=answer.seen)
    if not answer.described:
        raise PortalNotUnderstood("no dcat:Catalog and no dcat:Dataset in the document", url=url, seen=_head(body))
    return answer


def _ask_child(task: Task, body: bytes) -> Document | Refusal:
    try:
        ended = nursery.run(msgspec.json.encode(task), body, task.limits.wall_s)
    except TimeoutError:
        return Refusal(too_large=True, detail=f"reading it took longer than {task.limits.wall_s:g} s")
    if ended.status != 0:
        return _cause_of_death(ended.status, ended.complaint, task.limits)
    return msgspec.json.decode(ended.said, type=Document | Refusal)


def _cause_of_death(status: int, complaint: bytes, limits: Limits) -> Refusal:
    costs = f"{limits.memory_bytes} bytes of memory or {limits.cpu_s} s"
    by_limit = status in (TOO_LARGE_STATUS, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGXFSZ)
    if by_limit or b"MemoryError" in complaint:
        return Refusal(too_large=True, detail=f"reading it takes more than {costs}")
    if status < 0:
        return Refusal(detail=f"the reader was stopped by {signal.Signals(-status).name}")
    last_line = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return Refusal(detail=f"the reader failed: {last_line}")


def _head(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")
