"""Addresses as the catalogue keeps them: of pages and files, of mail, of telephones."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from harvester.texts import NotUnderstood, WrongType, code, text


class AddressUnusable(NotUnderstood):
    """Not an http or https address."""

    code = "distribution.address-unusable"


_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9._-]+(?:[/?#][A-Za-z0-9._~!$&'()*+,;=:@/?#-]*)?")
_EMAIL = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+\.[^@\s<>,;:.]+")


def email(value: Any) -> str | None:
    """An e-mail address without ``mailto:``; of several the first."""
    cleaned = text(value)
    if cleaned is None:
        return None
    match = _EMAIL.search(cleaned.removeprefix("mailto:"))
    if match is None:
        raise NotUnderstood(value)
    return match[0]


def phone(value: Any) -> str | None:
    """A telephone number as it is written, without ``tel:``."""
    cleaned = code(value)
    return None if cleaned is None else cleaned.removeprefix("tel:")


def address(value: Any) -> str | None:
    """An http(s) address, what is not ASCII percent-encoded; any other is unusable."""
    if type(value) is not str:
        raise WrongType(value)
    return _address(value)


# Small, because it is only for the address that stands in one record several times.
@lru_cache(maxsize=64)
def _address(value: str) -> str | None:
    cleaned = text(value)
    if cleaned is None or _PLAIN_ADDRESS.fullmatch(cleaned):
        return cleaned
    try:
        parts = urlsplit(cleaned)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError as error:
        raise AddressUnusable(value) from error
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or re.search(r"[\s\\]", parts.netloc):
        raise AddressUnusable(value)
    host = f"[{host}]" if ":" in host else host
    rest = cleaned.split("://", 1)[1][len(parts.netloc):]
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{_encoded(rest)}"


def _encoded(rest: str) -> str:
    # A percent sign that starts no escape is itself escaped, so that encoding twice is encoding once.
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", rest), safe="%/:=&?~#+!$,;'@()*-._")


def link(value: Any) -> str | None:
    """An http(s) address where a text stands as often: anything else says nothing."""
    try:
        return address(value)
    except AddressUnusable:
        return None


def page(value: Any, before: str) -> str | None:
    """The address of a record's page at a portal that builds it from the record's short name."""
    name = code(value)
    return None if name is None else before + quote(name, safe="")
