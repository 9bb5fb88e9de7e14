"""A stand-in for Solr, in memory: as much of it as CKAN needs to index and search a few hundred packages."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Document = dict[str, Any]
Test = Callable[[Document], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<sign>[+-](?=[\w(*"])) | (?P<word>AND|OR|NOT)\b
      | (?:(?P<field>[\w*]+):)? (?: \[(?P<low>\S+)\ TO\ (?P<high>[^\]]+)\] | "(?P<phrase>(?:[^"\\]|\\.)*)"
      | (?P<group>\() | (?P<term>[^\s()"]+) )
    )""",
    re.VERBOSE,
)


class Query:
    """One Solr query of the kind CKAN writes: fields, phrases, ranges, groups, ``+``, ``-``, AND, OR, NOT.

    Clauses with nothing between them must all hold, as CKAN asks of Solr (``q.op=AND``).
    """

    def __init__(self, text: str) -> None:
        self._tokens = list(_TOKEN.finditer(text.strip()))
        self._at = 0

    def test(self) -> Test:
        """What a document must fulfil."""
        return self._group(None)

    def _group(self, field: str | None) -> Test:
        alternatives: list[list[Test]] = [[]]
        negated = False
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token["close"]:
                break
            if token["word"] == "OR":
                alternatives.append([])
            elif token["sign"] == "-" or token["word"] == "NOT":
                negated = True
            elif not token["sign"] and not token["word"]:
                opens = token["open"] or token["group"]
                clause = self._group(token["field"] or field) if opens else _clause(token, field)
                alternatives[-1].append(_not(clause) if negated else clause)
                negated = False
        return lambda document: any(all(test(document) for test in tests) for tests in alternatives)


def _not(test: Test) -> Test:
    return lambda document: not test(document)


def _clause(token: re.Match[str], outer: str | None) -> Test:
    field = token["field"] or outer
    if token["low"] is not None:
        low, high = token["low"], token["high"]
        return lambda document: any(
            (low == "*" or value >= low) and (high == "*" or value <= high) for value in _values(document, field)
        )
    wanted = token["phrase"] if token["phrase"] is not None else token["term"].replace("\\", "")
    if wanted == "*":
        return lambda document: field in ("*", None) or bool(_values(document, field))
    return lambda document: any(
        wanted == value or (field in (None, "text") and wanted.lower() in value.lower())
        for value in _values(document, field)
    )


def _values(document: Document, field: str | None) -> list[str]:
    found = list(document.values()) if field in (None, "text") else [document.get(str(field))]
    flat = [item for value in found for item in (value if isinstance(value, list) else [value]) if item is not None]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in flat]


class Index:
    """The documents of one core."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._lock = threading.Lock()

    def update(self, body: bytes) -> None:
        """Adds a JSON list of documents, or deletes by the XML that pysolr writes."""
        text = body.decode()
        with self._lock:
            if text.lstrip().startswith("["):
                for document in json.loads(text):
                    self._documents[document["index_id"]] = document
            for query in re.findall(r"<query>(.*?)</query>", text, re.S):
                self._delete(query)
            if text.lstrip().startswith("{"):
                query = json.loads(text).get("delete", {}).get("query")
                if query:
                    self._delete(query)

    def _delete(self, query: str) -> None:
        plain = query.replace("&quot;", '"').replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
        test = Query(plain).test()
        self._documents = {key: found for key, found in self._documents.items() if not test(found)}

    def select(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        """Solr's JSON answer to ``q``, ``fq``, ``sort``, ``start``, ``rows``, ``fl`` and the facet parameters."""
        tests = [Query(query).test() for query in asked.get("q", ["*:*"]) + asked.get("fq", [])]
        with self._lock:
            found = [document for document in self._documents.values() if all(test(document) for test in tests)]
        for order in reversed(asked.get("sort", ["id asc"])[0].split(",")):
            field, _, direction = order.strip().partition(" ")
            if field != "score":
                found.sort(key=lambda document: str(document.get(field, "")), reverse=direction == "desc")
        start, rows = int(asked.get("start", ["0"])[0]), int(asked.get("rows", ["10"])[0])
        fields = [name for part in asked.get("fl", []) for name in re.split(r"[ ,]+", part)]
        page = found[start : start + rows]
        if fields and "*" not in fields:
            page = [{name: document[name] for name in fields if name in document} for document in page]
        return {
            "responseHeader": {"status": 0, "QTime": 1},
            "response": {"numFound": len(found), "start": start, "docs": page},
            "facet_counts": {
                "facet_fields": {name: _counted(found, name) for name in asked.get("facet.field", [])},
                "facet_queries": {},
                "facet_ranges": {},
            },
        }


def _counted(documents: list[Document], field: str) -> list[str | int]:
    counts = Counter(value for document in documents for value in _values(document, field))
    return [part for value, count in counts.most_common() for part in (value, count)]


@contextmanager
def solr() -> Iterator[str]:
    """The address of a running stand-in's core."""
    index = Index()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            address = urlsplit(self.path)
            if address.path.endswith("/schema"):
                self._send(b'<?xml version="1.0"?><schema name="ckan-2.12" version="1.6"/>', "application/xml")
                return
            answer: dict[str, Any] = {"responseHeader": {"status": 0, "QTime": 1}}
            if "/update" in address.path:
                index.update(body)
            else:
                given = parse_qs(address.query, keep_blank_values=True)
                if self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
                    given |= parse_qs(body.decode(), keep_blank_values=True)
                answer = index.select(given)
            self._send(json.dumps(answer).encode(), "application/json")

        def _send(self, body: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/solr/ckan"
    finally:
        server.shutdown()
        server.server_close()
