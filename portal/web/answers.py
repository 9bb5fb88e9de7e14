"""Answers to programs: bodies with validators, problems in JSON, and what a request accepts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore

from flask import Response, request, send_file
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from portal.web.asking import Asked, NotUnderstood, asked
from portal.web.documents import REPRESENTATIONS
from portal.web.site import site
from portal.web.words import messages

_PAGE = "text/html"

RETRY_S = 10
"""When to come back while too many downloads are under way."""


def answer(
    body: bytes, media_type: str, *, status: int = 200, tag: str | None = None, changed: datetime | None = None
) -> Response:
    """A whole body; 304 without it where the request has it already.

    ``tag`` stands for what the body says where the same can be written in several ways; None = the body itself.
    """
    response = _readable_from_anywhere(Response(body, status, content_type=_with_charset(media_type)))
    if status == 200:
        if tag is None:
            response.set_etag(hashlib.blake2b(body, digest_size=12).hexdigest())
        else:
            response.set_etag(tag, weak=True)
        response.last_modified = changed
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
    return response


def streamed(
    pieces: Iterator[str] | Iterator[bytes], media_type: str, filename: str, *, tag: str | None = None
) -> Response:
    """A download sent as it is made; 503 while as many are under way as threads may be held by.

    ``tag`` stands for what the body will say, where that is known before it is made: whoever has it gets 304.
    """
    if tag is not None and request.if_none_match.contains_weak(tag):
        return _tagged(_readable_from_anywhere(Response(status=304)), tag)
    turns = site().downloads
    if not turns.acquire(blocking=False):
        return _busy()
    held = _held(pieces, turns)
    # From here on the turn is given back however the download ends: one never begun has no end that could.
    next(held)
    response = _readable_from_anywhere(Response(held, content_type=_with_charset(media_type)))
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if tag is not None:
        return _tagged(response, tag)
    response.headers["Cache-Control"] = "no-store"
    return response


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "no-cache"
    return response


def file_sent(path: Path, media_type: str, filename: str, tag: str, changed: datetime) -> Response:
    """A file as a download, whole or the part that Range asks for; 503 as for ``streamed``. ``tag`` stands for its bytes."""
    turns = site().downloads
    if not turns.acquire(blocking=False):
        return _busy()
    try:
        if not _is_one_part(path.stat().st_size):
            request.environ.pop("HTTP_RANGE", None)
        response = send_file(
            path, media_type, as_attachment=True, download_name=filename, etag=tag, last_modified=changed, conditional=True
        )
    except (OSError, HTTPException):
        # It was removed in this moment, or what is asked for lies beyond its end.
        turns.release()
        raise
    # Handed to the server as a file it would be closed without us, and the turn never given back.
    response.direct_passthrough = False
    opened = response.iter_encoded()
    response.call_on_close(getattr(response.response, "close", lambda: None))
    held = _held(opened, turns)
    next(held)
    response.response = held
    response.headers["Cache-Control"] = "no-cache"
    # Of the site's own files, whose addresses change with them.
    del response.headers["Expires"]
    return _readable_from_anywhere(response)


def _is_one_part(size: int) -> bool:
    """Whether Range asks for one part of a file; whoever asks for anything else gets the whole of it, as RFC 9110 permits.

    Of units that nobody knows, and of a last part longer than the file, it demands that.
    """
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return False
    start = asked.ranges[0][0]
    return start >= 0 or -start <= size


def _busy() -> Response:
    response = problem(503, "Busy", "Other downloads are under way. Come back after as many seconds as Retry-After says.")
    response.headers["Retry-After"] = str(RETRY_S)
    response.headers["Cache-Control"] = "no-store"
    return response


def _held(pieces: Iterator[str] | Iterator[bytes], turns: BoundedSemaphore) -> Iterator[bytes]:
    try:
        yield b""
        for piece in pieces:
            yield piece.encode() if isinstance(piece, str) else piece
    finally:
        turns.release()


def problem(status: int, title: str, detail: str) -> Response:
    """What went wrong, as RFC 9457 has it."""
    body = json.dumps({"status": status, "title": title, "detail": detail}, ensure_ascii=False)
    return answer(body.encode(), "application/problem+json", status=status)


def refused(error: Exception) -> Response:
    """The answer to a question that cannot be understood; in English, as every problem is."""
    detail = str(error)
    if isinstance(error, NotUnderstood) and isinstance(told := messages("en").get(error.key), str):
        detail = told.format(value=error.value)
    return problem(400, "Not understood", detail)


def asked_strictly(arguments: MultiDict[str, str], allowed: Collection[str]) -> Asked:
    """What an address asks for. A program is told of a parameter nobody heeds, where a reader's is left out.

    Raises NotUnderstood.
    """
    for name in arguments:
        if name not in allowed:
            raise NotUnderstood("there is no such parameter", name[:60])
    if arguments.get("page", "").strip().strip("0") == "" and arguments.get("page", "").strip():
        raise NotUnderstood("pages are counted from 1", arguments["page"][:60])
    return asked(arguments)


def representation_wanted() -> str | None:
    """The suffix of the representation of a dataset that the request likes best; None for the page.

    What accepts nothing we have gets the page too.
    """
    offered = {_PAGE: None} | {media_type: suffix for suffix, media_type in REPRESENTATIONS.items()}
    return offered[request.accept_mimetypes.best_match(list(offered), _PAGE)]


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _readable_from_anywhere(response: Response) -> Response:
    # Everything here is public and nothing depends on who asks, so pages elsewhere may read it.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
