"""The hostile server itself, and what it remembers of its guests."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.hostile.scripts import answer
from tests.hostile.talk import HungUp, Script, Seen, Talk


class HostileServer:
    """Serves scripts by path (without query) on 127.0.0.1, one thread for each connection."""

    def __init__(
        self, scripts: Mapping[str, Script] | Script, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._scripts = scripts
        self._tls = tls
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._talks: list[Talk] = []
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.seen: list[Seen] = []
        """All requests in the order of their arrival."""
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

    @property
    def most_at_once(self) -> dict[str, int]:
        """By Host header: the largest number of requests in progress at the same time.

        A request is in progress until its last bytes begin to leave: nobody can have had them earlier, and when our
        own thread comes to note that it has finished is the operating system's choice.
        """
        most: dict[str, int] = {}
        for talk in self._talks:
            start, host = talk.seen.at_s, talk.seen.host
            others = (other for other in self._talks if other.seen.host == host)
            busy = sum(1 for other in others if other.seen.at_s <= start <= other.last_sent_s)
            most[host] = max(busy, most.get(host, 0))
        return most

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
            talk = Talk(seen, connection, self._stopping)
            self._talks.append(talk)
        self._script(seen.target)(talk)

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
