"""A portal that misbehaves on command: a real server on loopback, its tricks named after Toxiproxy's toxics.

``with HostileServer({"/data.json": drip(b"[]", every_s=1.0)}) as portal:`` and ask ``portal.url``.
A script is what the portal does with one request; toxics wrap a script and spoil what it sends.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import responses
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct


class Seen(Struct, frozen=True):
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    host: str
    at_s: float
    """When, on the monotonic clock."""


class HungUp(Exception):
    """The connection is over: by the script's will, or the other side's."""


class Talk:
    """One request and the means to answer it."""

    def __init__(self, seen: Seen, connection: socket.socket, stopping: threading.Event) -> None:
        self.seen = seen
        self._connection = connection
        self._stopping = stopping
        self._transmit: Callable[[bytes], None] = connection.sendall

    def send(self, data: bytes) -> None:
        """Sends bytes as they are, through whatever toxics are on."""
        try:
            self._transmit(data)
        except OSError as error:
            raise HungUp from error

    def wait(self, seconds: float) -> None:
        """Stays silent; wakes early when the server stops."""
        if self._stopping.wait(seconds):
            raise HungUp

    def hang_up(self) -> None:
        """Closes in an orderly way (FIN)."""
        raise HungUp

    def reset(self) -> None:
        """Closes rudely (RST): what was sent but not yet read is lost."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()
        raise HungUp

    @contextmanager
    def spoiled(self, transmit: Callable[[Callable[[bytes], None], bytes], None]) -> Iterator[None]:
        """While it lasts, bytes go through ``transmit(next, data)``."""
        inner = self._transmit
        self._transmit = lambda data: transmit(inner, data)
        try:
            yield
        finally:
            self._transmit = inner


Script: TypeAlias = Callable[[Talk], None]
"""What the portal does with one request. The connection stays open after it unless it hangs up."""


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A status line and headers, without Content-Length unless given."""
    lines = [f"HTTP/1.1 {status} {responses.get(status, 'Odd')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"


# Scripts: well-behaved ones, then the others.


def answer(
    body: bytes | str = b"", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Script:
    """A proper answer."""
    content = body.encode() if isinstance(body, str) else body

    def script(talk: Talk) -> None:
        length = {} if status in (204, 304) else {"Content-Length": str(len(content))}
        talk.send(head(status, {**length, **(headers or {})}))
        if talk.seen.method != "HEAD":
            talk.send(content)

    return script


def json_answer(value: Any, **options: Any) -> Script:
    """A proper JSON answer."""
    return answer(json.dumps(value), headers={"Content-Type": "application/json"}, **options)


def conditional(body: bytes, *, etag: str) -> Script:
    """A good citizen: 304 for whoever has this ETag already."""

    def script(talk: Talk) -> None:
        known = talk.seen.headers.get("if-none-match") == etag
        reply = answer(status=304) if known else answer(body, headers={"ETag": etag})
        reply(talk)

    return script


def sequence(*scripts: Script) -> Script:
    """Another script for each request, the last one for all that follow."""
    left = list(scripts)
    lock = threading.Lock()

    def script(talk: Talk) -> None:
        with lock:
            turn = left.pop(0) if len(left) > 1 else left[0]
        turn(talk)

    return script


def redirect(target: str, *, status: int = 302, headers: Mapping[str, str] | None = None) -> Script:
    """A redirect."""
    return answer(status=status, headers={**(headers or {}), "Location": target})


def chain(length: int, end: Script, *, prefix: str = "/hop", status: int = 302) -> dict[str, Script]:
    """A redirect chain ``/hop0`` … of a length, and its end, as paths for a server."""
    hops = {f"{prefix}{hop}": redirect(f"{prefix}{hop + 1}", status=status) for hop in range(length)}
    return {**hops, f"{prefix}{length}": end}


def endless_chunked(chunk: bytes = b"x" * 65536) -> Script:
    """Chunks for ever."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Transfer-Encoding": "chunked"}))
        while True:
            talk.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return script


def endless_headers() -> Script:
    """Headers for ever."""

    def script(talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            talk.send(b"X-More: " + b"x" * 8192 + b"\r\n")

    return script


def chunked_cut(*chunks: bytes) -> Script:
    """Some chunks, then the end of the connection without the last chunk."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Transfer-Encoding": "chunked"}))
        for chunk in chunks:
            talk.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        talk.hang_up()

    return script


def wrong_length(body: bytes, claimed: int) -> Script:
    """A Content-Length that is not true, then the end of the connection."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Content-Length": str(claimed)}) + body)
        talk.hang_up()

    return script


def gzip_bomb(decoded_mebibytes: int) -> Script:
    """Zeros, packed about a thousandfold, in gzip members of four mebibytes."""
    member = gzip.compress(bytes(4 * 1024**2))
    return answer(member * (decoded_mebibytes // 4), headers={"Content-Encoding": "gzip"})


def gzip_header_plain_body(body: bytes) -> Script:
    """A plain body that claims to be packed."""
    return answer(body, headers={"Content-Encoding": "gzip"})


def drip(body: bytes, *, every_s: float, headers_too: bool = False) -> Script:
    """One byte at a time, of the body or of everything."""

    def script(talk: Talk) -> None:
        start = head(headers={"Content-Length": str(len(body))})
        if not headers_too:
            talk.send(start)
        for byte in (start if headers_too else b"") + body:
            talk.send(bytes((byte,)))
            talk.wait(every_s)

    return script


def headers_then_silence(silent_s: float = 60.0) -> Script:
    """The promise of a body, and then nothing."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Content-Length": "1000"}))
        talk.wait(silent_s)
        talk.hang_up()

    return script


def challenge_page(*, status: int = 200) -> Script:
    """What a firewall shows to browsers in place of the data."""
    page = "<html><script>document.cookie='__jsl_clearance=1';location.href='/'</script></html>"
    return answer(page, status=status, headers={"Content-Type": "text/html"})


def html_as_json() -> Script:
    """An error page under a JSON content type, with status 200."""
    page = "<!DOCTYPE html><html><body><h1>系统维护中</h1></body></html>"
    return answer(page, headers={"Content-Type": "application/json"})


def raw(data: bytes) -> Script:
    """Bytes as they are, then the end of the connection."""

    def script(talk: Talk) -> None:
        talk.send(data)
        talk.hang_up()

    return script


# Toxics: each takes a script and gives one that is worse.


def latency(script: Script, seconds: float) -> Script:
    """Answers late."""

    def late(talk: Talk) -> None:
        talk.wait(seconds)
        script(talk)

    return late


def bandwidth(script: Script, bytes_per_s: int) -> Script:
    """Sends no faster than this."""

    def narrow(talk: Talk) -> None:
        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            step = max(1, bytes_per_s // 20)
            for start in range(0, len(data), step):
                onward(data[start:start + step])
                talk.wait(step / bytes_per_s)

        with talk.spoiled(transmit):
            script(talk)

    return narrow


def slow_close(script: Script, seconds: float) -> Script:
    """Keeps the connection a while before closing it."""

    def slow(talk: Talk) -> None:
        try:
            script(talk)
        finally:
            talk.wait(seconds)
        talk.hang_up()

    return slow


def timeout(seconds: float = 60.0) -> Script:
    """Takes the request, says nothing, then closes."""

    def mute(talk: Talk) -> None:
        talk.wait(seconds)
        talk.hang_up()

    return mute


def slicer(script: Script, size: int = 1) -> Script:
    """Sends small pieces, each on its own."""

    def sliced(talk: Talk) -> None:
        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            for start in range(0, len(data), size):
                onward(data[start:start + size])

        with talk.spoiled(transmit):
            script(talk)

    return sliced


def limit_data(script: Script, most_bytes: int) -> Script:
    """Closes the connection after this many bytes, headers included."""

    def limited(talk: Talk) -> None:
        sent = 0

        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            nonlocal sent
            onward(data[:most_bytes - sent])
            sent += len(data)
            if sent >= most_bytes:
                talk.hang_up()

        with talk.spoiled(transmit):
            script(talk)

    return limited


def reset_peer(script: Script | None = None, after_bytes: int = 0) -> Script:
    """Resets the connection, at once or after this many bytes of the script."""

    def rude(talk: Talk) -> None:
        sent = 0

        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            nonlocal sent
            onward(data[:after_bytes - sent])
            sent += len(data)
            if sent >= after_bytes:
                # What is not yet read when the reset comes is lost; let the reader have it.
                talk.wait(0.05)
                talk.reset()

        with talk.spoiled(transmit):
            if script is not None and after_bytes:
                script(talk)
        talk.reset()

    return rude


class HostileServer:
    """Serves scripts by path (without query) on 127.0.0.1, one thread for each connection."""

    def __init__(
        self, scripts: Mapping[str, Script] | Script, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._scripts = scripts
        self._tls = tls
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._busy: dict[str, int] = {}
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.seen: list[Seen] = []
        """All requests in the order of their arrival."""
        self.most_at_once: dict[str, int] = {}
        """By Host header: the largest number of requests in progress at the same time."""
        self.connections = 0
        """How many connections were accepted."""

    @property
    def url(self) -> str:
        """The server's address without a slash at its end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order, with the query."""
        return [seen.target for seen in self.seen]

    def gaps_s(self, host: str | None = None) -> list[float]:
        """Times between the arrivals of requests, of all hosts or one."""
        times = [seen.at_s for seen in self.seen if host in (None, seen.host)]
        return [later - earlier for earlier, later in zip(times, times[1:], strict=False)]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        # Closing a listener does not wake a thread that waits in accept; shutting it down does.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            open_connections = list(self._connections)
        for connection in open_connections:
            _close(connection)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            # Small writes must leave as they are written: the tricks are in the timing.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._connections.add(connection)
            while (seen := _request(connection)) is not None:
                self._play(seen, connection)
        except (OSError, HungUp):
            pass
        finally:
            with self._lock:
                self._connections -= {plain, connection}
            _close(connection)

    def _play(self, seen: Seen, connection: socket.socket) -> None:
        with self._lock:
            self.seen.append(seen)
            busy = self._busy[seen.host] = self._busy.get(seen.host, 0) + 1
            self.most_at_once[seen.host] = max(busy, self.most_at_once.get(seen.host, 0))
        try:
            self._script(seen.target)(Talk(seen, connection, self._stopping))
        finally:
            with self._lock:
                self._busy[seen.host] -= 1

    def _script(self, target: str) -> Script:
        if callable(self._scripts):
            return self._scripts
        return self._scripts.get(urlsplit(target).path, answer("not here", status=404))


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # Already gone.
    connection.close()


def _request(connection: socket.socket) -> Seen | None:
    """The next request of a connection; None when it is over."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return None
        received += piece
        if received.startswith(b"\x16"):
            # A TLS hello at a plain port: no request, but a script may answer it.
            return Seen("", "/", {}, received, "", time.monotonic())
    start, _, body = received.partition(b"\r\n\r\n")
    line, *fields = start.decode("latin-1").split("\r\n")
    headers = dict[str, str]()
    for field in fields:
        name, _, value = field.partition(":")
        headers[name.strip().lower()] = value.strip()
    while len(body) < int(headers.get("content-length", 0)):
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    method, target, _ = line.split(" ", 2)
    return Seen(method, target, headers, body, headers.get("host", ""), time.monotonic())
