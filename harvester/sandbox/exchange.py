"""One question to a make-believe portal and its answer, apart from any socket."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """What was asked."""

    method: str
    path: str
    """Under the portal's own address, beginning with a slash."""
    parameters: Mapping[str, Any]
    """Of the query and of a body in JSON or XML together; the last of several equal names."""
    headers: Mapping[str, str] = {}
    """By lower-case name."""
    not_json: str | None = None
    """What the JSON parser said of a body it could not read."""

    def number(self, name: str, default: int) -> int:
        """A whole-number parameter; the default where it is absent or no number."""
        try:
            return int(self.parameters.get(name, default))
        except (TypeError, ValueError):
            return default


class Response(Struct, frozen=True, kw_only=True):
    """What is answered."""

    status: int = 200
    body: bytes = b""
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()


def json_bytes(value: object) -> bytes:
    """JSON with every character beyond ASCII escaped, as most portal software does."""
    return json.dumps(value).encode()


def as_json(document: object, status: int = 200, media_type: str = "application/json") -> Response:
    """A JSON answer."""
    return Response(status=status, body=json_bytes(document), media_type=media_type)


def as_html(title: str, text: str = "", status: int = 200, head: str = "") -> Response:
    """A small HTML page; ``title`` and ``text`` are escaped by the caller."""
    head = f"<head><title>{title}</title>{head}</head>"
    body = f"<!DOCTYPE html>\n<html>{head}<body><h1>{title}</h1>{text}</body></html>\n"
    return Response(status=status, body=body.encode(), media_type="text/html; charset=utf-8")


def joined(parts: Sequence[bytes]) -> bytes:
    """A JSON array of ready-made elements."""
    return b"[" + b", ".join(parts) + b"]"


def unless_unchanged(request: Request, response: Response, modified: datetime, tag: str) -> Response:
    """The answer with its validators, or 304 when the asker has it already; an ETag counts before a date."""
    stamp = modified.replace(microsecond=0)
    validators = (("ETag", f'"{tag}"'), ("Last-Modified", format_datetime(stamp, usegmt=True)))
    known_tags = request.headers.get("if-none-match")
    if known_tags is not None:
        unchanged = f'"{tag}"' in known_tags or known_tags.strip() == "*"
    else:
        unchanged = _not_after(stamp, request.headers.get("if-modified-since"))
    if unchanged:
        return Response(status=304, media_type=response.media_type, headers=validators)
    return Response(body=response.body, media_type=response.media_type, headers=validators)


def _not_after(stamp: datetime, since: str | None) -> bool:
    if since is None:
        return False
    try:
        return stamp <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False
