"""Addresses from portals as IRIs that every syntax can carry and nothing executes."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_WEB = frozenset({"http", "https", "ftp", "ftps"})

_SCHEMES = _WEB | {"mailto", "tel", "urn", "doi", "info"}
"""``javascript:`` and ``data:`` are no addresses; relative ones lead nowhere outside their own portal."""

# RFC 3987 and Turtle's IRIREF forbid these; XML 1.0 cannot hold the last ones at all.
_FORBIDDEN = re.compile("[\x00-\x20<>\"{}|\\\\^`\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def iri(text: str | None) -> str | None:
    """``text`` as an absolute IRI, what it may not hold percent-encoded; None where it is no address."""
    if text is None:
        return None
    stripped = text.strip()
    scheme, colon, rest = stripped.partition(":")
    if not colon or not rest or scheme.lower() not in _SCHEMES:
        return None
    if scheme.lower() in _WEB and not _host(stripped):
        return None
    return _FORBIDDEN.sub(lambda found: quote(found[0].encode("utf-8", "surrogatepass"), safe=""), stripped)


def web_iri(text: str | None) -> str | None:
    """``text`` as an IRI that leads to a page or a file on the web; None where it does not."""
    found = iri(text)
    return found if found is not None and found.partition(":")[0].lower() in _WEB else None


def mail_iri(address: str) -> str | None:
    """``mailto:`` of an e-mail address; None for what is none."""
    before, at, host = address.strip().removeprefix("mailto:").rpartition("@")
    return f"mailto:{quote(before, safe='.+')}@{quote(host, safe='.')}" if at and before and "." in host else None


def telephone_iri(number: str) -> str | None:
    """``tel:`` of a telephone number; None for what has no digit."""
    number = number.strip().removeprefix("tel:")
    return f"tel:{quote(number, safe='+()')}" if any(character.isdigit() for character in number) else None


def writable(text: str) -> str:
    """``text`` without the characters that XML cannot hold, its lines ended as XML ends them."""
    return _NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _host(address: str) -> str | None:
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return None
    return None if host is None or _FORBIDDEN.search(host) else host
