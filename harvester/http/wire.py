"""The connections: where they may lead, and how long a portal may take to speak over them."""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from harvester.errors import (
    AddressRefused,
    AnswerTooLarge,
    HarvestError,
    PortalCertificateInvalid,
    PortalTimedOut,
    PortalUnreachable,
    SourceInvalid,
)
from harvester.http.addresses import Reach
from harvester.http.certificates import not_after
from harvester.http.limits import Limits
from portal.catalog.model import Trust

_BUFFER_BYTES = 64 * 1024

_CERTIFICATE_FAULTS = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed",
    19: "comes from an authority that signed itself and is not trusted",
    20: "comes from an authority that is unknown, or the server leaves out an intermediate certificate",
    21: "cannot be verified: the server leaves out an intermediate certificate",
    23: "has been revoked",
    62: "is for another name",
    64: "is for another address",
}
"""OpenSSL's X509_V_ERR codes, as the end of a sentence that begins "the certificate of <host>"."""

_HANDSHAKE_FAULTS = {
    "UNSUPPORTED_PROTOCOL": "speaks only TLS versions that are no longer safe",
    "TLSV1_ALERT_PROTOCOL_VERSION": "speaks only TLS versions that are no longer safe",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "needs unsafe legacy renegotiation",
    "DH_KEY_TOO_SMALL": "uses a key that is too short",
    "EE_KEY_TOO_SMALL": "uses a key that is too short",
    "WRONG_VERSION_NUMBER": "does not speak TLS at this port",
    "HTTP_REQUEST": "does not speak TLS at this port",
}
"""OpenSSL's reasons, as the end of a sentence that begins with the host."""


def security(trust: Trust) -> ssl.SSLContext:
    """The TLS settings that follow. Raises SourceInvalid for a file that holds no authority."""
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    if trust.ca_file is not None:
        try:
            context.load_verify_locations(cafile=trust.ca_file)
        except OSError as error:
            raise SourceInvalid(f"trust.ca_file {trust.ca_file!r} cannot be read: {error}") from error
    if trust.legacy:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.options |= _OP_LEGACY_SERVER_CONNECT
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_OP_LEGACY_SERVER_CONNECT = 0x4
"""``ssl.OP_LEGACY_SERVER_CONNECT``, which Python names only from 3.12 on."""


class Tally:
    """What a run has cost so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.bytes_received = 0

    def add(self, *, requests: int = 0, bytes_received: int = 0) -> None:
        """Counts on; from any thread."""
        with self._lock:
            self.requests += requests
            self.bytes_received += bytes_received


class Wiring(Struct, frozen=True, kw_only=True):
    """What every connection of a run is given."""

    limits: Limits
    reach: Reach
    clock: Callable[[], float]
    tally: Tally


class Meter:
    """Watches one answer arrive.

    Only waiting counts, so that slow work of ours between two reads is never taken for a slow portal.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._limits = wiring.limits
        self.deadline_s = wiring.limits.deadline_s
        self.in_headers = True
        self._waited_s = 0.0
        self._received = 0
        self._window_s = 0.0
        self._window_received = 0

    def read(self, connection: socket.socket, raw: io.RawIOBase, buffer: Any) -> int:
        """One read into ``buffer``; 0 at the end. Raises PortalTimedOut or AnswerTooLarge."""
        left_s = self.deadline_s - self._waited_s
        if left_s <= 0:
            raise PortalTimedOut(f"the answer did not end within {self.deadline_s:g} s")
        connection.settimeout(min(left_s, self._limits.read_gap_s))
        before = self._wiring.clock()
        try:
            received = raw.readinto(buffer) or 0
        except TimeoutError as error:
            if left_s <= self._limits.read_gap_s:
                raise PortalTimedOut(f"the answer did not end within {self.deadline_s:g} s") from None
            raise PortalTimedOut(f"silent for {self._limits.read_gap_s:g} s") from error
        self._count(received, self._wiring.clock() - before)
        return received

    def _count(self, received: int, waited_s: float) -> None:
        self._wiring.tally.add(bytes_received=received)
        self._waited_s += waited_s
        self._received += received
        if self.in_headers and self._received > self._limits.header_bytes + _BUFFER_BYTES:
            raise AnswerTooLarge(f"more than {self._limits.header_bytes} bytes of headers")
        self._window_s += waited_s
        self._window_received += received
        if self._window_s >= self._limits.rate_window_s:
            if self._window_received < self._limits.slowest_bytes_per_s * self._window_s:
                raise PortalTimedOut(
                    f"slower than {self._limits.slowest_bytes_per_s:g} bytes/s "
                    f"over {self._limits.rate_window_s:g} s"
                )
            self._window_s = 0.0
            self._window_received = 0


class _MeteredStream(io.RawIOBase):
    """A socket's bytes, every read watched by the meter."""

    def __init__(self, connection: socket.socket, raw: io.RawIOBase, meter: Meter) -> None:
        self._connection = connection
        self._raw = raw
        self._meter = meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._meter.read(self._connection, self._raw, buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _MeteredAnswer(http.client.HTTPResponse):
    """An answer whose bytes pass the meter from the first header on."""

    meter: Meter

    def begin(self) -> None:
        super().begin()
        self.meter.in_headers = False


class PlainConnection(HTTPConnection):
    """A connection that leads only where the reach allows and whose answers are metered."""

    def __init__(self, *args: Any, wiring: Wiring, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wiring = wiring
        self.response_class = self._metered_answer  # type: ignore[assignment]

    def _metered_answer(self, connection: socket.socket, *args: Any, **kwargs: Any) -> _MeteredAnswer:
        answer = _MeteredAnswer(connection, *args, **kwargs)
        answer.meter = Meter(self._wiring)
        plain: io.RawIOBase = answer.fp.detach()
        answer.fp = io.BufferedReader(_MeteredStream(connection, plain, answer.meter), _BUFFER_BYTES)
        return answer

    def _new_conn(self) -> socket.socket:
        return connected(self._dns_host, self.port, self._wiring)


class SecureConnection(PlainConnection, HTTPSConnection):
    """The same over TLS, with the reason when a handshake fails."""

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            raise PortalCertificateInvalid(self._certificate_fault(error)) from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError) as error:
            raise PortalUnreachable(f"{self.host} hung up during the TLS handshake") from error
        except ssl.SSLError as error:
            fault = _HANDSHAKE_FAULTS.get(error.reason or "", f"fails the TLS handshake ({error.reason})")
            raise PortalCertificateInvalid(f"{self.host} {fault}") from error
        except TimeoutError as error:
            patience = f"{self._wiring.limits.connect_s:g} s"
            raise PortalUnreachable(f"{self.host} did not finish the TLS handshake in {patience}") from error

    def _certificate_fault(self, error: ssl.SSLCertVerificationError) -> str:
        fault = _CERTIFICATE_FAULTS.get(error.verify_code, f"is not accepted ({error.verify_message})")
        if error.verify_code == 10:
            ended = self._ended()
            fault += f" on {ended}" if ended else ""
        return f"the certificate of {self.host} {fault}"

    def _ended(self) -> str | None:
        """The day the certificate ended, looked up on a second connection over which nothing is sent."""
        try:
            context = security(Trust(verify=False))
            with self._new_conn() as bare, context.wrap_socket(bare, server_hostname=self.host) as peer:
                ended = not_after(peer.getpeercert(binary_form=True) or b"")
        except (OSError, HarvestError):
            return None
        return f"{ended:%Y-%m-%d}" if ended else None


def allow_waiting(raw: BaseHTTPResponse, deadline_s: float) -> None:
    """Gives the rest of an answer another deadline, counted from its start."""
    answer = getattr(raw, "_original_response", None)
    if isinstance(answer, _MeteredAnswer):
        answer.meter.deadline_s = deadline_s


def connected(host: str, port: int, wiring: Wiring) -> socket.socket:
    """A connection to one of the host's addresses that may be asked.

    The name is resolved once, here, and the very address that was judged is connected to: a second lookup
    that gives another address cannot happen. Judged before connecting, not after: even one SYN, or the time
    it takes to be refused, would tell a stranger which of our own machines listen where.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise PortalUnreachable(f"host not found: {host} ({error.strerror})") from error
    except UnicodeError as error:
        raise AddressRefused(f"not a host name: {host}") from error
    refusals = {peer: wiring.reach.refusal(str(peer[0]), int(peer[1])) for *_, peer in found}
    allowed = [entry for entry in found if refusals[entry[-1]] is None]
    if not allowed:
        raise AddressRefused(f"{host}: {'; '.join(sorted(filter(None, refusals.values())))}")
    began = wiring.clock()
    failure = PortalUnreachable(f"{host} has no address")
    for position, (family, kind, protocol, _, peer) in enumerate(allowed, 1):
        left_s = wiring.limits.connect_s - (wiring.clock() - began)
        attempt_s = min(left_s, wiring.limits.fall_back_s) if position < len(allowed) else left_s
        try:
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(max(attempt_s, 0.001))
                connection.connect(peer)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(wiring.limits.connect_s)
            except OSError:
                connection.close()
                raise
            return connection
        except OSError as error:
            timed_out = isinstance(error, TimeoutError) and error.errno is None
            reason = f"no connection within {attempt_s:.1f} s" if timed_out else error.strerror
            ip, ip_port = str(peer[0]), int(peer[1])
            failure = PortalUnreachable(f"{host} ({ip} port {ip_port}): {reason}")
            failure.__cause__ = error
    raise failure


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureConnection


class GuardedPools(PoolManager):
    """urllib3's connection pools, made of the connections above."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(num_pools=50, maxsize=2, retries=False)
        # urllib3 writes whole addresses, keys in them, at DEBUG and at WARNING; what matters stands in our errors.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        self._wiring = wiring
        self.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.conn_kw["wiring"] = self._wiring
        return pool
