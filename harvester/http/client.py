"""What connectors hold: questions in, whole answers out, and exactly what went wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType, TracebackType
from typing import Any, Self

from requests import PreparedRequest, Request, Session
from requests.exceptions import RequestException

from harvester.errors import AddressRefused, HarvestError, PortalAnsweredError, PortalBlocked
from harvester.http.addresses import Network, Reach
from harvester.http.challenges import challenge
from harvester.http.exchange import Answer, Door, Moved, SourceHeaders
from harvester.http.limits import Limits
from harvester.http.masking import mask, masked
from harvester.http.pacing import Pacing
from harvester.http.response import Response, StreamedResponse, Validators
from harvester.http.wire import Tally, Wiring
from portal.catalog.model import HARVESTER, Trust

_BLOCKED = frozenset((401, 403, 407, 451))


class Http:
    """Everything one run asks of one source. May be shared by threads, except ``stream``'s answers.

    ``session`` is for clients that bring their own calls (ckanapi): the same rules hold, but the
    status is for them to read.
    """

    def __init__(
        self,
        *,
        requests_per_second: float = 1.0,
        allow_private: Sequence[Network] = (),
        ports: Sequence[range] | None = None,
        validators: Mapping[str, Validators] = MappingProxyType({}),
        limits: Limits = Limits(),
        pacing: Pacing | None = None,
        trust: Trust = Trust(),
        user_agent: str = HARVESTER,
        source_headers: SourceHeaders | None = None,
        secrets: Sequence[str] = (),
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Makes the way out for one run; nothing is connected yet.

        ``requests_per_second`` may be 0: no pause at all. ``pacing`` is shared by all runs of a
        process; one that is given has a clock and a sleep of its own. ``ports`` replaces those a public host
        may be asked at. ``secrets`` are values (keys in an address or a body) that no message may show; those
        in headers are known without. Once ``stop`` is set, nothing more is asked: RunOver is raised.
        """
        reach = Reach(allow_private=tuple(allow_private))
        if ports is not None:
            reach = Reach(allow_private=tuple(allow_private), ports=tuple(ports))
        self._tally = Tally()
        self._secrets = frozenset(secrets)
        self._validators = validators
        self.seen_validators: dict[str, Validators] = {}
        """By asked address, secrets masked: what came with conditional answers that were read to the end."""
        self.session = Session()
        self.session.trust_env = False
        self._door = Door(
            Wiring(limits=limits, reach=reach, clock=clock, tally=self._tally),
            pacing=pacing or Pacing(clock=clock, sleep=sleep),
            gap_s=1.0 / requests_per_second if requests_per_second else 0.0,
            trust=trust,
            user_agent=user_agent,
            source_headers=source_headers,
            secrets=self._secrets,
            cookies=self.session.cookies,
            stop=stop or threading.Event(),
        )
        # One adapter for every scheme, so that file: and ftp: meet the same refusal.
        self.session.adapters.clear()
        self.session.mount("", self._door)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    @property
    def requests(self) -> int:
        """Questions sent, repeated and redirected ones included."""
        return self._tally.requests

    @property
    def bytes_received(self) -> int:
        """Bytes on the wire, headers included."""
        return self._tally.bytes_received

    @property
    def moved(self) -> Sequence[Moved]:
        """The permanent redirects met in this run, one for each address."""
        return self._door.moved

    def shown(self, url: str) -> str:
        """An address as it may be kept and shown: without the secrets of this run."""
        return masked(url, self._secrets)

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool = False,
        also: Collection[int] = (),
    ) -> Response:
        """The answer at an address; ``conditional`` asks only for what changed since the validators we know.

        ``also`` are statuses whose body is the protocol's own report. Raises HarvestError for everything but a
        good answer.
        """
        request = self._prepared(Request("GET", url, params=params, headers=dict(headers or {})))
        known = self._ask_for_changes(request) if conditional else None
        response = self._good(request, self._door.ask(request), known, also)
        if conditional:
            self._note_validators(request, response.headers, known)
        return response

    def post(
        self,
        url: str,
        *,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        also: Collection[int] = (),
    ) -> Response:
        """The answer to a question put as POST. For reads only: it may be sent again."""
        request = self._prepared(Request("POST", url, json=json, data=data, headers=dict(headers or {})))
        return self._good(request, self._door.ask(request), None, also)

    def head(self, url: str) -> Response:
        """The headers at an address, whatever its status: for who judges addresses, not what stands there.

        Raises HarvestError where no answer came, and PortalBusy where we are asked to come back later.
        """
        return self._glimpsed(Request("HEAD", url), 0)

    def beginning(self, url: str, most_bytes: int) -> Response:
        """The first bytes at an address, whatever its status. Raises as ``head`` does.

        A server that sends the whole all the same is hung up on: the body is then a little longer than asked for.
        """
        return self._glimpsed(Request("GET", url, headers={"Range": f"bytes=0-{most_bytes - 1}"}), most_bytes)

    def _glimpsed(self, request: Request, most_bytes: int) -> Response:
        prepared = self._prepared(request)
        answer = self._door.ask(prepared, enough=most_bytes)
        url, secrets = answer.request.url or "", self._door.secrets_of(prepared)
        return Response(url, answer.raw.status, answer.headers, answer.body, False, secrets)

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, conditional: bool = False
    ) -> Iterator[StreamedResponse]:
        """A large answer, piece by piece. What breaks off is not asked for again: parts were given away."""
        request = self._prepared(Request("GET", url, headers=dict(headers or {})))
        known = self._ask_for_changes(request) if conditional else None
        answer = self._door.ask(request, streaming=True)
        with answer.closing:
            good = self._good(request, answer, known)
            chunks = self._chunks(request, answer, known, conditional)
            yield StreamedResponse(good.url, good.status, good.headers, good.not_modified, chunks)

    def _chunks(
        self,
        request: PreparedRequest,
        answer: Answer,
        known: Validators | None,
        conditional: bool,
    ) -> Iterator[bytes]:
        try:
            if answer.body:
                yield answer.body
            yield from answer.pieces
        except HarvestError as error:
            mask(error, request.url or "", self._door.secrets_of(request))
            raise
        if conditional:
            self._note_validators(request, answer.headers, known)

    def _prepared(self, request: Request) -> PreparedRequest:
        try:
            return self.session.prepare_request(request)
        except (RequestException, UnicodeError) as error:
            # Without its cause: requests quotes the header or the address in full, keys included.
            detail = f"cannot be sent: {type(error).__name__}"
            raise AddressRefused(detail, url=masked(str(request.url))) from None

    def _key(self, request: PreparedRequest) -> str:
        return masked(request.url or "", self._door.secrets_of(request))

    def _ask_for_changes(self, request: PreparedRequest) -> Validators | None:
        known = self._validators.get(self._key(request))
        if known is not None and known.etag is not None:
            request.headers["If-None-Match"] = known.etag
        if known is not None and known.last_modified is not None:
            request.headers["If-Modified-Since"] = known.last_modified
        return known

    def _note_validators(
        self, request: PreparedRequest, headers: Mapping[str, str], known: Validators | None
    ) -> None:
        given = Validators(headers.get("ETag"), headers.get("Last-Modified"))
        # A 304 may leave out what it repeats; the validators it confirms stay good.
        kept = known if known is not None and given == Validators() else given
        if kept != Validators():
            self.seen_validators[self._key(request)] = kept

    def _good(
        self, request: PreparedRequest, answer: Answer, known: Validators | None, also: Collection[int] = ()
    ) -> Response:
        """The answer as a value. Raises PortalBlocked or PortalAnsweredError unless it is a good one."""
        status = answer.raw.status
        secrets = self._door.secrets_of(request)
        not_modified = status == 304 and known is not None
        url = answer.request.url or ""
        response = Response(url, status, answer.headers, answer.body, not_modified, secrets)
        if not_modified:
            return response
        found = challenge(status, answer.headers, answer.body)
        error: HarvestError | None = None
        if found is not None or status in _BLOCKED:
            error = PortalBlocked(found or f"turned away (status {status})", seen=response.text[:500])
        elif not (200 <= status < 300 or (status in also and _is_xml(answer))):
            detail = f"status {status} {answer.raw.reason or ''}".rstrip()
            error = PortalAnsweredError(detail, seen=response.text[:500], status=status)
        if error is not None:
            mask(error, request.url or "", secrets)
            raise error
        return response


def _is_xml(answer: Answer) -> bool:
    """Whether a refusal speaks XML rather than to a person."""
    return "xml" in answer.headers.get("Content-Type", "").lower() and "html" not in answer.headers["Content-Type"].lower()
