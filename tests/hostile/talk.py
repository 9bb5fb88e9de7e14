"""One request and the means to answer it badly."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

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
        self.last_sent_s = seen.at_s
        """When the last bytes so far began to leave (monotonic): who asks next cannot have had them before."""

    def send(self, data: bytes) -> None:
        """Sends bytes as they are, through whatever toxics are on."""
        self.last_sent_s = time.monotonic()
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
