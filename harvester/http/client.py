"""The one way out: asks portals politely, within limits, and says exactly what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType, TracebackType
from typing import Any, Self

import requests
from msgspec import Struct
from requests.structures import CaseInsensitiveDict

from harvester.errors import PortalAnsweredError, PortalNotUnderstood
from harvester.http.limits import Limits


class Validators(Struct, frozen=True):
    """What a portal gave so that we can ask whether anything changed."""

    etag: str | None = None
    last_modified: str | None = None


class Moved(Struct, frozen=True):
    """A permanent redirect of an asked address, without its query."""

    asked: str
    target: str


class Response(Struct, frozen=True):
    """A whole answer, its body content-decoded."""

    url: str
    """The address that answered, after redirects."""
    status: int
    headers: Mapping[str, str]
    """By name, in any case."""
    body: bytes
    not_modified: bool = False
    """The portal says that nothing changed since the validators we sent; the body is empty."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8-sig")

    def json(self) -> Any:
        """The body as JSON. Raises PortalNotUnderstood or PortalBlocked."""
        try:
            return json.loads(self.text)
        except ValueError as error:
            seen = self.body[:200].decode("utf-8", "replace")
            raise PortalNotUnderstood("not JSON", url=self.url, seen=seen) from error


class StreamedResponse(Struct, frozen=True):
    """An answer whose body is still coming."""

    url: str
    status: int
    headers: Mapping[str, str]
    not_modified: bool
    chunks: Iterator[bytes]
    """The content-decoded body, piece by piece."""


class Http:
    """Everything one run asks of one source."""

    def __init__(
        self,
        *,
        requests_per_second: float = 1.0,
        allow_private: Sequence[IPv4Network | IPv6Network] = (),
        validators: Mapping[str, Validators] = MappingProxyType({}),
        limits: Limits = Limits(),
    ) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.limits = limits
        self.requests = 0
        self.bytes_received = 0
        self.seen_validators: dict[str, Validators] = {}
        self.moved: list[Moved] = []
        self._validators = validators

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def _ask(self, method: str, url: str, **asked: Any) -> Response:
        self.requests += 1
        timeout = (self.limits.connect_s, self.limits.read_gap_s)
        answer = self.session.request(method, url, timeout=timeout, **asked)
        self.bytes_received += len(answer.content)
        if answer.status_code >= 400:
            raise PortalAnsweredError(f"status {answer.status_code}", url=url, status=answer.status_code)
        headers = CaseInsensitiveDict(answer.headers)
        return Response(answer.url, answer.status_code, headers, answer.content, answer.status_code == 304)

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool = False,
    ) -> Response:
        """The answer at an address; ``conditional`` asks only for what changed since the run before."""
        asked = dict(headers or {})
        known = self._validators.get(url) if conditional else None
        if known and known.etag:
            asked["If-None-Match"] = known.etag
        answer = self._ask("GET", url, params=params, headers=asked)
        if conditional:
            given = Validators(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
            self.seen_validators[url] = given
        return answer

    def post(
        self,
        url: str,
        *,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer to a question put as POST. For reads only: it may be asked again."""
        return self._ask("POST", url, json=json, data=data, headers=headers)

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, conditional: bool = False
    ) -> Iterator[StreamedResponse]:
        """A large answer, piece by piece."""
        answer = self.get(url, headers=headers, conditional=conditional)
        chunks = iter([answer.body])
        yield StreamedResponse(answer.url, answer.status, answer.headers, answer.not_modified, chunks)
