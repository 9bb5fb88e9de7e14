"""One address asked for, as gently as tells: HEAD, and the first bytes where that does not settle it."""

from __future__ import annotations

from collections.abc import Callable
from socket import EAI_AGAIN, EAI_FAIL, gaierror

from msgspec import Struct

import schemas
from harvester.errors import (
    AddressRefused,
    HarvestError,
    PortalBusy,
    PortalCertificateInvalid,
    PortalResting,
    PortalTimedOut,
    PortalUnreachable,
    RedirectRefused,
)
from harvester.http import Http, Limits, Response
from harvester.http.challenges import challenge, obstacle
from portal.catalog.links import Address

SNIFFED_BYTES = 4096
"""Of a body: enough for the head of a page."""

LIMITS = Limits(read_gap_s=20.0, deadline_s=30.0, retries=0)
"""An address is asked again another day, not at once; a file need only begin to come."""

_CAUSES: tuple[tuple[type[HarvestError], str], ...] = (
    (PortalCertificateInvalid, "link.certificate-invalid"),
    (AddressRefused, "link.not-asked"),
    (RedirectRefused, "link.redirect-refused"),
    (PortalBusy, "link.busy"),
    (PortalTimedOut, "link.silent"),
    (PortalUnreachable, "link.silent"),
    (HarvestError, "link.not-understood"),
)
"""What went wrong, the closest first, and the code it has for an address."""

_STATUSES = {
    401: "link.refused",
    403: "link.refused",
    407: "link.refused",
    451: "link.refused",
    404: "link.not-found",
    410: "link.not-found",
    # The range of an empty file cannot be had, but the file is there.
    416: None,
}
"""What a status says; of the others 200 to 299 are good and the rest ``link.answered-error``."""

_NO_HEAD = frozenset((405, 501))

_FINAL = frozenset(
    "link.busy link.certificate-invalid link.connection-refused link.host-not-found link.not-asked "
    "link.redirect-refused".split()
)
"""What asking in another way would not change."""

_PAGE_FAMILIES = frozenset(("api", "link", "other"))
_PAGES = frozenset(("html", "rdfa", "map"))
_HTML = frozenset(("text/html", "application/xhtml+xml"))
_BEGINNINGS = (b"<!doctype html", b"<html", b"<head", b"<script", b"<body", b"<meta", b"<title")


class Answer(Struct, frozen=True, kw_only=True):
    """What came of asking for an address; ``cause`` is None when it was found."""

    cause: str | None = None
    """A code of ``issues``."""
    detail: str | None = None
    status: int | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    is_silence: bool = False
    """Nothing was heard of the host: the fault may be ours."""
    is_unreached: bool = False
    """There was not even a connection."""
    retry_after_s: float | None = None


def ask(address: Address, http: Http, deaf: set[str]) -> Answer:
    """Asks for an address once or twice. Raises PortalResting where the host is left alone for now.

    ``deaf`` are the hosts that have said, to whoever shares the set, that they do not know HEAD: they are asked only
    for the first bytes, and those that say so now are added.
    """
    is_file = promises_file(address.promised)
    answer = None if address.host in deaf else _tried(lambda: _judged_head(http.head(address.url), is_file))
    if answer is not None and answer.status in _NO_HEAD:
        deaf.add(address.host)
    if answer is None or not (answer.cause is None or answer.cause in _FINAL or answer.is_unreached):
        # Many servers refuse HEAD, forget it, or answer it with another status than they give the file.
        answer = _tried(lambda: _judged_beginning(http.beginning(address.url, SNIFFED_BYTES), is_file))
    assert answer is not None
    return answer


def promises_file(format: str | None) -> bool:
    """Whether a page of HTML in place of this format (a code of ``formats``) is not what was promised."""
    term = None if format is None else schemas.vocabulary("formats").terms.get(format)
    return term is not None and term.code not in _PAGES and term.attributes.get("family") not in _PAGE_FAMILIES


def _tried(question: Callable[[], Answer | None]) -> Answer | None:
    try:
        return question()
    except PortalResting:
        raise
    except HarvestError as error:
        return _failure(error)


def _failure(error: HarvestError) -> Answer:
    reason = error.__cause__
    cause = next(code for kind, code in _CAUSES if isinstance(error, kind))
    is_unreached = isinstance(error, PortalUnreachable) and isinstance(reason, OSError)
    if isinstance(reason, gaierror):
        # "Try again" and "failure" are a name server's trouble, not its word that there is no such name.
        cause = "link.silent" if reason.errno in (EAI_AGAIN, EAI_FAIL) else "link.host-not-found"
    elif isinstance(reason, ConnectionRefusedError):
        cause = "link.connection-refused"
    return Answer(
        cause=cause,
        detail=error.detail,
        status=getattr(error, "status", None),
        is_silence=isinstance(error, (PortalUnreachable, PortalTimedOut)),
        is_unreached=is_unreached,
        retry_after_s=error.retry_after_s if isinstance(error, PortalBusy) else None,
    )


def _judged_head(response: Response, is_file: bool) -> Answer | None:
    """What a HEAD tells; None when only the first bytes can tell whether it is the file."""
    media_type = _media_type(response)
    if is_file and 200 <= response.status < 300 and (media_type is None or media_type in _HTML):
        return None
    return _by_status(response)


def _judged_beginning(response: Response, is_file: bool) -> Answer:
    found = _by_status(response)
    wall = challenge(response.status, response.headers, response.body)
    if is_file and found.cause is None and _is_page(response.body):
        wall = wall or obstacle(response.body)
        if wall is None:
            detail = f"status {response.status}, {found.media_type or 'no type given'}"
            return Answer(
                cause="link.page-not-file", detail=detail, status=response.status, media_type=found.media_type
            )
    if wall is not None:
        return Answer(cause="link.refused", detail=wall, status=response.status)
    return found


def _by_status(response: Response) -> Answer:
    status = response.status
    good = None if 200 <= status < 300 else "link.answered-error"
    cause = _STATUSES.get(status, good)
    if cause is not None:
        return Answer(cause=cause, detail=f"status {status}", status=status)
    return Answer(status=status, media_type=_media_type(response), size_bytes=_size(response))


def _media_type(response: Response) -> str | None:
    said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return said[:200] or None


def _size(response: Response) -> int | None:
    """The length of the file; None when only that of a part or of a packed form is said."""
    _, _, whole = response.headers.get("Content-Range", "").partition("/")
    if response.status in (206, 416):
        said = whole
    elif "Content-Encoding" in response.headers or "Transfer-Encoding" in response.headers:
        said = ""
    else:
        said = response.headers.get("Content-Length", "")
    # Eighteen digits are more than any file has, and as many as a column holds.
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 18 else None


def _is_page(body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml") or start.startswith(b"<!--"):
        return b"<html" in start
    return start.startswith(_BEGINNINGS)
