"""Runs the make-believe portals on loopback, each under its own path of one server."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec
from lxml import etree
from msgspec import Struct

from harvester.sandbox import faults, portals
from harvester.sandbox.exchange import Request, Response, as_html, as_json
from harvester.sandbox.faults import Fault, FaultName
from harvester.sandbox.shelf import Encoded, Shelf
from harvester.sandbox.words import Portal
from harvester.sandbox.world import EPOCH, SIZE, World
from harvester.xmlstream import PARSING
from portal.catalog.model import Source

log = logging.getLogger(__name__)

COMPRESSED_FROM_BYTES = 1024

STOPS_WITHIN_S = 0.02
"""How often the server looks whether it should stop."""

CONTROL = "/_sandbox/"


class Tick(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said to the control to let time pass."""

    at: datetime | None = None
    """When the changes happen; None leaves it to the sandbox's clock."""


class Sandbox:
    """The running federation. Leaving its ``with`` block stops it."""

    def __init__(self, world: World, port: int, clock: Callable[[], datetime] | None) -> None:
        self.world = world
        self._clock = clock
        self._tick = 0
        self._lock = Lock()
        self._faults: dict[str, Fault] = {}
        self._shelves: dict[tuple[str, int, FaultName | None], Shelf] = {}
        self._encoded: dict[str, Encoded] = {portal.id: {} for portal in world.portals}
        self._portals = {portal.path: portal for portal in world.portals}
        self._server = _Server(self, port)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        serving = self._server.serve_forever
        self._thread = Thread(target=serving, args=(STOPS_WITHIN_S,), name="sandbox", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def base(self, portal: str) -> str:
        """A portal's own address, without a slash at its end."""
        path = next(known.path for known in self.world.portals if known.id == portal)
        return f"{self.address}/{path}"

    def sources(self) -> list[Source]:
        """Every portal as a source to harvest, without pauses between requests."""
        return [portals.source(portal, self.base(portal.id)) for portal in self.world.portals]

    def source(self, portal: str) -> Source:
        """One portal as a source."""
        return next(source for source in self.sources() if source.id == portal)

    @property
    def now(self) -> int:
        """The tick the portals are at."""
        return self._tick

    def truth(self, portal: str) -> dict[str, str | None]:
        """What a perfect harvest of a portal finds now, faults apart: see ``World.truth``."""
        return self.world.truth(portal, self._tick)

    def tick(self, at: datetime | None = None) -> int:
        """Change every portal a little, dated ``at``, else by the clock, else a day later; gives the tick."""
        with self._lock:
            moment = at if at is not None or self._clock is None else self._clock()
            self._tick = self.world.advance(moment)
            self._shelves = {}
            return self._tick

    def fault(
        self, name: FaultName | str | None, portal: str | None = None, *, page: int = 2, delay_s: float = 2.0
    ) -> None:
        """Begin a fault on one portal or on all; None ends it. Raises ValueError for one that is unknown."""
        known = [portal.id for portal in self.world.portals]
        if portal is not None and portal not in known:
            raise ValueError(f"no portal {portal!r} here, only {', '.join(known)}")
        fault = Fault(
            name=None if name is None else FaultName(name), portal=portal, page=page, delay_s=delay_s
        )
        with self._lock:
            for each in known if portal is None else [portal]:
                if fault.name is None:
                    self._faults.pop(each, None)
                else:
                    self._faults[each] = fault

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The answer to one request to any address of the server."""
        parts = urlsplit(target)
        first, _, rest = parts.path.lstrip("/").partition("/")
        portal = self._portals.get(first)
        inner = f"/{rest}" if portal else parts.path
        if inner.startswith(CONTROL):
            return self._control(method, inner.removeprefix(CONTROL), portal, body)
        if portal is None:
            return self._directory() if parts.path == "/" else as_html("404 Not Found", status=404)
        request = _request(method, inner, parts.query, headers, body)
        fault = self._faults.get(portal.id)
        shelf = self._shelf(portal, fault)
        return faults.instead(fault, request) or portals.answer(shelf, faults.asked(fault, request))

    def _shelf(self, portal: Portal, fault: Fault | None) -> Shelf:
        name = fault.name if fault else None
        tick = self._tick
        known = (portal.id, tick, name)
        if known not in self._shelves:
            datasets = list(self.world.at(tick)[portal.id].values())
            surplus = faults.SURPLUS if name is FaultName.WRONG_COUNT else 0
            self._shelves[known] = Shelf(
                portal,
                self.base(portal.id),
                faults.held(name, datasets),
                self.world.moment(tick),
                self._encoded[portal.id],
                surplus,
                self.world.withdrawn(portal.id, tick),
            )
        return self._shelves[known]

    def _control(self, method: str, action: str, portal: Portal | None, body: bytes) -> Response:
        """``POST …/_sandbox/tick`` or ``…/_sandbox/fault``, under a portal's path or at the top for all."""
        if method != "POST":
            return as_json({"error": f"{CONTROL}{action} wants POST"}, status=405)
        try:
            if action == "tick":
                return as_json({"tick": self.tick(msgspec.json.decode(body or b"{}", type=Tick).at)})
            if action == "fault":
                fault = msgspec.json.decode(body, type=Fault)
                self.fault(
                    fault.name, portal.id if portal else fault.portal, page=fault.page, delay_s=fault.delay_s
                )
                return as_json({"fault": fault.name})
        except ValueError as error:
            return as_json({"error": str(error)}, status=400)
        return as_json({"error": f"no control {action!r}, only tick and fault"}, status=404)

    def _directory(self) -> Response:
        lines = "".join(
            f'<li><a href="/{portal.path}/">{portal.title}</a></li>' for portal in self.world.portals
        )
        return as_html("Nachuan sandbox", f"<ul>{lines}</ul>")


def serve(
    port: int = 0,
    seed: int = 1,
    size: int = SIZE,
    only: Sequence[str] | None = None,
    epoch: datetime = EPOCH,
    clock: Callable[[], datetime] | None = None,
) -> Sandbox:
    """Start the federation on a port of 127.0.0.1 (0 = any free one) and give its controls.

    ``only`` some portals share the ``size`` datasets. ``clock`` dates the ticks; a harvester that asks by the
    real time what changed needs it.
    """
    sandbox = Sandbox(World(seed, size, only, epoch), port, clock)
    log.info("sandbox of %d portals on %s", len(sandbox.world.portals), sandbox.address)
    return sandbox


def _request(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Request:
    parameters: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    not_json = None
    if body.startswith(b"<"):
        parameters |= _in_xml(body)
    elif body:
        try:
            sent = json.loads(body)
            parameters |= sent if isinstance(sent, dict) else {}
        except ValueError as error:
            not_json = str(error)
    return Request(method=method, path=path, parameters=parameters, headers=headers, not_json=not_json)


def _in_xml(body: bytes) -> dict[str, str]:
    """What a question in XML says: the operation, its attributes, and the day since which things changed."""
    root = etree.fromstring(body, etree.XMLParser(**PARSING))
    said = {"request": str(etree.QName(root).localname)} | {str(key): str(value) for key, value in root.attrib.items()}
    literal = root.find(".//{*}Literal")
    return said if literal is None else said | {"since": literal.text or ""}


class _Server(ThreadingHTTPServer):
    """One socket, a thread for each connection, the sandbox behind them."""

    daemon_threads = True

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        super().__init__(("127.0.0.1", port), _Connection)


class _Connection(BaseHTTPRequestHandler):
    """Reads requests from a connection and writes the sandbox's answers."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    # Head and body in two small packets would wait for each other's acknowledgement, 40 ms a request.
    disable_nagle_algorithm = True
    wbufsize = -1

    server: _Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer a HEAD: everything but the body."""
        self._answer(with_body=False)

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a harvest is thousands of requests."""

    def _answer(self, with_body: bool) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.sandbox.answer(self.command, self.path, headers, sent)
        body = response.body
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status != 304:
            self.send_header("Content-Type", response.media_type)
            self.send_header("Vary", "Accept-Encoding")
            if len(body) >= COMPRESSED_FROM_BYTES and "gzip" in headers.get("accept-encoding", ""):
                body = gzip.compress(body, compresslevel=1, mtime=0)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and response.status != 304:
            self.wfile.write(body)
