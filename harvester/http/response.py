"""What a portal's answer is to a connector."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from msgspec import Struct

from harvester.errors import AnswerTooLarge, PortalBlocked, PortalNotUnderstood
from harvester.http.challenges import kind_of_markup, looks_like_markup, obstacle
from harvester.http.encodings import charset
from harvester.http.masking import mask, masked


MOST_VALUES = 1_000_000
"""In one answer of JSON, as its commas and brackets tell: each takes some hundred bytes of memory once it is read."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Validators(Struct, frozen=True):
    """What a portal gave so that we can ask later whether anything changed."""

    etag: str | None = None
    last_modified: str | None = None


class Response(Struct, frozen=True):
    """A whole answer, its body content-decoded."""

    url: str
    """The address that answered, after redirects."""
    status: int
    headers: Mapping[str, str]
    """By name, in any case."""
    body: bytes
    not_modified: bool = False
    """Nothing changed since the validators we sent; the body is empty."""
    secrets: frozenset[str] = frozenset()
    """What no message about this answer may show."""

    def __repr__(self) -> str:
        return f"<Response {self.status} {masked(self.url, self.secrets)}, {len(self.body)} bytes>"

    @property
    def text(self) -> str:
        """The body as text; U+FFFD stands for what no charset reads (see ``encodings.charset``)."""
        return self.body.decode(charset(self.body, self.headers.get("Content-Type")), "replace")

    def json(self) -> Any:
        """The body as strict JSON: no NaN, no stray control characters. For half a surrogate pair U+FFFD stands.

        Raises PortalNotUnderstood with line, column and the text around, PortalBlocked when a challenge or a
        login page stands in its place, AnswerTooLarge where it holds more than ``MOST_VALUES``.
        """
        if looks_like_markup(self.body):
            self._fail_on_markup()
        refuse_multitudes(self.body, masked(self.url, self.secrets))
        text = self.text
        try:
            said = json.loads(text, parse_constant=_refuse_constant)
            if "\\ud" not in text and "\\uD" not in text:
                return said
            return json.loads(_HALF_PAIR.sub("\ufffd", json.dumps(said, ensure_ascii=False)))
        except json.JSONDecodeError as error:
            around = text[max(0, error.pos - 40):error.pos + 40]
            where = f"line {error.lineno}, column {error.colno}"
            reason = "an empty body" if not text.strip() else f"malformed JSON at {where}: {error.msg}"
            raise self._not_understood(f"{reason}", around) from error
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise self._not_understood(f"malformed JSON: {reason}", text[:200]) from error

    def _fail_on_markup(self) -> NoReturn:
        seen = self.text[:200]
        found = obstacle(self.body)
        if found is None:
            raise self._not_understood(f"{kind_of_markup(self.body)} instead of JSON", seen)
        blocked = PortalBlocked(f"{found} instead of JSON", seen=seen)
        mask(blocked, self.url, self.secrets)
        raise blocked

    def _not_understood(self, detail: str, seen: str) -> PortalNotUnderstood:
        error = PortalNotUnderstood(detail, seen=seen)
        mask(error, self.url, self.secrets)
        return error


class StreamedResponse(Struct, frozen=True):
    """An answer whose body is still coming."""

    url: str
    status: int
    headers: Mapping[str, str]
    not_modified: bool
    chunks: Iterator[bytes]
    """The content-decoded body, piece by piece. Raises HarvestError when it breaks off or grows too large."""


def refuse_multitudes(body: bytes, url: str, most: int = MOST_VALUES) -> None:
    """Raises AnswerTooLarge where a body of JSON would take far more memory than it has bytes."""
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    if values >= most:
        raise AnswerTooLarge(f"{values:,} values in one answer", url=url)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
