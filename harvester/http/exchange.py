"""One question and its answer: turns, retries and redirects, whoever asks."""

from __future__ import annotations

import http.client
import random
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from io import BytesIO
from socket import EAI_AGAIN, gaierror
from ssl import SSLContext
from typing import Any
from urllib.parse import urljoin

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError, InvalidHeader, ProtocolError

from harvester.errors import (
    AddressRefused,
    AnswerCutShort,
    AnswerTooLarge,
    HarvestError,
    PortalBusy,
    PortalNotUnderstood,
    PortalTimedOut,
    PortalUnreachable,
    RedirectRefused,
    RunOver,
    STOPPED,
)
from harvester.http.addresses import checked, may_share_secrets, site
from harvester.http.encodings import charset, inflated
from harvester.http.masking import OPEN_HEADERS, mask, masked, secrets_in
from harvester.http.pacing import Pacing, retry_after_s
from harvester.http.response import refuse_multitudes
from harvester.http.wire import GuardedPools, Wiring, allow_waiting, security
from portal.catalog.model import Trust

RETRIED = frozenset((429, 500, 502, 503, 504))
REDIRECTS = frozenset((301, 302, 303, 307, 308))
PERMANENT = frozenset((301, 308))

_PIECE_BYTES = 64 * 1024

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that no header may hold (RFC 9110, 5.5), that some do, and that PostgreSQL does not keep all of."""

_MOVES_KEPT = 10_000
"""A run that asks for a million links must not remember where each of them went."""


class Moved(Struct, frozen=True):
    """A permanent redirect of an asked address, both without their query."""

    asked: str
    target: str


class Answer(Struct, frozen=True):
    """What came back, after redirects."""

    request: requests.PreparedRequest
    """The last one, whose address answered."""
    raw: BaseHTTPResponse
    headers: Mapping[str, str]
    body: bytes
    """Content-decoded; empty while ``pieces`` still come."""
    pieces: Iterator[bytes]
    """The content-decoded body of a streamed answer."""
    latency_s: float
    closing: ExitStack
    """To be closed by whoever streams; the host's turn ends with it."""


class SourceHeaders(Struct, frozen=True):
    """What one portal, and no other, is sent with every question."""

    home: str
    """The portal's address: only questions to its host and port carry the headers."""
    headers: Mapping[str, str]


class Door(HTTPAdapter):
    """A requests adapter that keeps our rules whoever calls it, and answers with the end of all redirects.

    Timeouts, certificates and proxies are ours to say: ckanapi passes ``timeout=None`` with every call, and a
    proxy would stand between us and the address we judge.
    """

    def __init__(
        self,
        wiring: Wiring,
        *,
        pacing: Pacing,
        gap_s: float,
        trust: Trust,
        user_agent: str,
        source_headers: SourceHeaders | None,
        secrets: frozenset[str],
        cookies: RequestsCookieJar,
        stop: threading.Event,
    ) -> None:
        self._wiring = wiring
        self._limits = wiring.limits
        self._pacing = pacing
        self._gap_s = gap_s
        self._trust = trust
        self._user_agent = user_agent
        self._source_headers = source_headers
        self._secrets = secrets | secrets_in(source_headers.headers if source_headers else {})
        self._cookies = cookies
        self._stop = stop
        self._began = wiring.clock()
        self._retries_left = wiring.limits.retries_a_run
        self._moves: dict[str, Moved] = {}
        super().__init__()

    def init_poolmanager(self, *sizes: object, **options: object) -> None:
        """Called by requests when it sets an adapter up."""
        self.poolmanager = GuardedPools(self._wiring)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The whole answer, redirects followed, as requests' own callers know it."""
        answer = self.ask(request)
        refuse_multitudes(answer.body, masked(answer.request.url or "", self.secrets_of(request)))
        response: requests.Response = self.build_response(answer.request, answer.raw)
        # The body is whole before requests sees the answer; its own reading would go past our limits.
        response._content = answer.body
        response._content_consumed = True  # type: ignore[attr-defined]
        response.encoding = charset(answer.body, answer.headers.get("Content-Type"))
        return response

    def ask(
        self, request: requests.PreparedRequest, *, streaming: bool = False, enough: int | None = None
    ) -> Answer:
        """The answer at the end of all redirects and retries, whatever its status. Raises HarvestError.

        With ``streaming`` the body of a 200 is left to be read; it is not asked for again when it breaks off.
        With ``enough`` no body is read further than about that many bytes, however long it says it is.
        """
        request = request.copy()
        url = request.url or ""
        try:
            checked(url)
            self._add_headers(request)
            return self._followed(request, streaming, enough)
        except HarvestError as error:
            mask(error, url, self.secrets_of(request))
            raise

    @property
    def moved(self) -> Sequence[Moved]:
        """The permanent redirects met so far, one for each address."""
        return tuple(self._moves.values())

    def secrets_of(self, request: requests.PreparedRequest) -> frozenset[str]:
        """What must not be shown of a question to this source."""
        return self._secrets | secrets_in(request.headers)

    def _add_headers(self, request: requests.PreparedRequest) -> None:
        if self._source_headers is not None:
            if may_share_secrets(checked(self._source_headers.home), checked(request.url or "")):
                for name, value in self._source_headers.headers.items():
                    request.headers.setdefault(name, value)
        # ckanapi would call itself by its own name; portals are to know who asks.
        request.headers["User-Agent"] = self._user_agent
        # Lengths and ranges are to be those of the file: a packed one has others, and part of it does not unpack.
        is_about_the_file = request.method == "HEAD" or "Range" in request.headers
        request.headers["Accept-Encoding"] = "identity" if is_about_the_file else "gzip, deflate"

    def _followed(self, request: requests.PreparedRequest, streaming: bool, enough: int | None) -> Answer:
        asked = target = _without_query(request)
        permanent = True
        been: set[tuple[str | None, str | None]] = set()
        for _ in range(self._limits.redirects + 1):
            # A redirect to itself that sets a cookie is no loop: the next question carries the cookie.
            been.add((request.url, request.headers.get("Cookie")))
            answer = self._insisted(request, streaming, enough)
            extract_cookies_to_jar(self._cookies, request, answer.raw)  # type: ignore[no-untyped-call]
            location = answer.headers.get("Location")
            if answer.raw.status not in REDIRECTS or location is None:
                return answer
            answer.closing.close()
            request = self._redirected(request, answer, location)
            if (request.url, request.headers.get("Cookie")) in been:
                raise RedirectRefused("a redirect loop", seen=request.url)
            permanent = permanent and answer.raw.status in PERMANENT
            if permanent:
                target = _without_query(request)
                # A chain of permanent redirects is one move, to its end; every page of a listing tells of it again.
                if asked in self._moves or len(self._moves) < _MOVES_KEPT:
                    self._moves[asked] = Moved(asked, target)
        raise RedirectRefused(f"more than {self._limits.redirects} redirects", seen=request.url)

    def _redirected(
        self, request: requests.PreparedRequest, answer: Answer, location: str
    ) -> requests.PreparedRequest:
        onward = request.copy()
        try:
            # Header bytes come as Latin-1 characters; portals write UTF-8.
            target = location.encode("latin-1").decode("utf-8", "replace")
            onward.prepare_url(urljoin(request.url or "", target), None)
            here, there = checked(request.url or ""), checked(onward.url or "")
        except (AddressRefused, requests.exceptions.RequestException, ValueError) as error:
            raise RedirectRefused("a redirect to an address that is never asked", seen=location) from error
        if (here.scheme, there.scheme) == ("https", "http"):
            raise RedirectRefused("a redirect from https to http", seen=onward.url)
        if not may_share_secrets(here, there):
            if request.body is not None and answer.raw.status != 303:
                raise RedirectRefused("a redirect that would send our POST to another host", seen=onward.url)
            kept = {name: value for name, value in onward.headers.items() if name.lower() in OPEN_HEADERS}
            onward.headers = CaseInsensitiveDict(kept)
        if answer.raw.status == 303 and onward.method != "HEAD":
            onward.method = "GET"
            onward.body = None
            for name in ("Content-Length", "Content-Type", "Transfer-Encoding"):
                onward.headers.pop(name, None)
        onward.headers.pop("Cookie", None)
        onward.prepare_cookies(self._cookies)
        return onward

    def _insisted(self, request: requests.PreparedRequest, streaming: bool, enough: int | None) -> Answer:
        host = site(checked(request.url or ""))
        tries = 0
        while True:
            tries += 1
            asked_wait_s = None
            try:
                answer = self._once(request, host, streaming, enough)
            except HarvestError as error:
                if not _may_pass(error) or not self._may_try_again(host, tries):
                    raise
            else:
                if answer.raw.status not in RETRIED or "cf-mitigated" in answer.headers:
                    return answer
                asked_wait_s = retry_after_s(answer.headers)
                is_too_long = asked_wait_s is not None and asked_wait_s > self._limits.longest_wait_s
                if is_too_long or not self._may_try_again(host, tries):
                    if answer.raw.status == 429 or asked_wait_s is not None:
                        raise PortalBusy(
                            f"the portal is busy (status {answer.raw.status})",
                            retry_after_s=asked_wait_s,
                            status=answer.raw.status,
                        )
                    return answer
            self._retries_left -= 1
            self._pacing.postpone(host, self._jittered_s(tries) if asked_wait_s is None else asked_wait_s)

    def _jittered_s(self, tries: int) -> float:
        """Full jitter: anything up to a bound that doubles, so that many of us do not come back together."""
        bound_s = self._limits.first_wait_s * 2.0 ** (tries - 1)
        return random.uniform(0.0, min(bound_s, self._limits.longest_wait_s))

    def _may_try_again(self, host: str, tries: int) -> bool:
        return tries <= self._limits.retries and self._retries_left > 0 and not self._pacing.is_resting(host)

    def _once(
        self, request: requests.PreparedRequest, host: str, streaming: bool, enough: int | None
    ) -> Answer:
        with ExitStack() as stack:
            stack.enter_context(self._pacing.turn(host, self._gap_s))
            self._go_on()
            try:
                answer = self._exchanged(request, streaming, enough, stack)
            except (PortalUnreachable, PortalTimedOut, AnswerCutShort):
                self._pacing.failed(host)
                raise
            if answer.raw.status in RETRIED and answer.raw.status != 429:
                self._pacing.failed(host)
            else:
                self._pacing.answered(host, answer.latency_s)
            return answer

    def _go_on(self) -> None:
        """Raises RunOver where this run is to ask nothing more."""
        if self._stop.is_set():
            raise RunOver(STOPPED, "the process was told to end")
        if self._wiring.clock() - self._began > self._limits.run_s:
            raise RunOver("run.too-long", f"more than {self._limits.run_s / 3600:g} hours")

    def _exchanged(
        self, request: requests.PreparedRequest, streaming: bool, enough: int | None, stack: ExitStack
    ) -> Answer:
        began = self._wiring.clock()
        raw = self._opened(request)
        stack.callback(raw.close)
        latency_s = self._wiring.clock() - began
        headers = CaseInsensitiveDict({name: _CONTROLS.sub("", said) for name, said in raw.headers.items()})
        if streaming and raw.status == 200:
            allow_waiting(raw, self._limits.stream_deadline_s)
            pieces = self._pieces(raw, self._limits.stream_bytes)
            return Answer(request, raw, headers, b"", pieces, latency_s, stack.pop_all())
        body = BytesIO()
        for piece in self._pieces(raw, self._limits.memory_bytes if enough is None else sys.maxsize):
            body.write(piece)
            if enough is not None and body.tell() >= enough:
                break
        return Answer(request, raw, headers, body.getvalue(), iter(()), latency_s, ExitStack())

    def _opened(self, request: requests.PreparedRequest) -> BaseHTTPResponse:
        parts = checked(request.url or "")
        security = {"ssl_context": self._context} if parts.scheme == "https" else {}
        pool = self.poolmanager.connection_from_host(parts.host, parts.port, parts.scheme, security)
        self._wiring.tally.add(requests=1)
        try:
            raw: BaseHTTPResponse = pool.urlopen(
                request.method or "GET",
                request.path_url,
                body=request.body,
                headers=request.headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=self._limits.connect_s, read=self._limits.read_gap_s),
                preload_content=False,
                decode_content=False,
            )
        except ProtocolError as error:
            cause = error.args[-1]
            if isinstance(cause, http.client.HTTPException) and not isinstance(cause, ConnectionError):
                raise PortalNotUnderstood(f"not an HTTP answer: {type(cause).__name__}") from error
            raise PortalUnreachable("the portal hung up without an answer") from error
        except InvalidHeader as error:
            raise PortalNotUnderstood(f"not an HTTP answer: {error}") from error
        except HTTPError as error:
            raise PortalUnreachable(f"no answer: {type(error).__name__}") from error
        except UnicodeError as error:
            raise AddressRefused("a header that HTTP cannot carry") from error
        return raw

    @cached_property
    def _context(self) -> SSLContext:
        return security(self._trust)

    def _pieces(self, raw: BaseHTTPResponse, most_bytes: int) -> Iterator[bytes]:
        """The content-decoded body, within bounds. Raises HarvestError."""
        received = decoded = 0

        def arriving() -> Iterator[bytes]:
            nonlocal received
            try:
                for piece in raw.stream(_PIECE_BYTES, decode_content=False):
                    self._go_on()
                    received += len(piece)
                    if received > most_bytes:
                        raise AnswerTooLarge(f"more than {most_bytes} bytes")
                    yield piece
            except (HTTPError, OSError) as error:
                raise AnswerCutShort(f"the answer broke off after {received} bytes: {error}") from error

        declared = raw.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared) > most_bytes:
            raise AnswerTooLarge(f"{declared} bytes announced, {most_bytes} allowed")
        for piece in inflated(arriving(), raw.headers.get("Content-Encoding", "")):
            decoded += len(piece)
            if decoded > most_bytes:
                raise AnswerTooLarge(f"more than {most_bytes} bytes")
            if decoded > self._limits.inflation_free_bytes and decoded > self._limits.inflation * received:
                raise AnswerTooLarge(f"{received} bytes unpack to {decoded} and more")
            yield piece


def _may_pass(error: HarvestError) -> bool:
    """Whether asking again soon may help: not with an unknown name, nor with slowness already paid for."""
    if isinstance(error.__cause__, gaierror):
        return error.__cause__.errno == EAI_AGAIN
    is_silence = isinstance(error, PortalTimedOut) and isinstance(error.__cause__, TimeoutError)
    return is_silence or isinstance(error, (PortalUnreachable, AnswerCutShort))


def _without_query(request: requests.PreparedRequest) -> str:
    return masked((request.url or "").partition("?")[0].partition("#")[0])
