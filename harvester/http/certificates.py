"""Reads when a certificate ends, so that a portal's people can be told the day."""

from __future__ import annotations

from datetime import UTC, datetime

_UTC_TIME, _GENERALISED_TIME, _VERSION = 0x17, 0x18, 0xA0


def not_after(certificate: bytes) -> datetime | None:
    """The end of validity of a DER certificate (RFC 5280, 4.1.2.5); None when it is not one.

    The standard library parses only certificates it has verified, and an expired one is not.
    """
    try:
        _, certificate_body, _ = _element(certificate)
        _, to_be_signed, _ = _element(certificate_body)
        tag, _, rest = _element(to_be_signed)
        if tag == _VERSION:
            _, _, rest = _element(rest)
        _, _, rest = _element(rest)  # signature algorithm, after the serial number
        _, _, rest = _element(rest)  # issuer
        _, validity, _ = _element(rest)
        _, _, rest = _element(validity)
        tag, text, _ = _element(rest)
        shape = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALISED_TIME: "%Y%m%d%H%M%SZ"}[tag]
        return datetime.strptime(text.decode("ascii"), shape).replace(tzinfo=UTC)
    except (IndexError, KeyError, ValueError):
        return None


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows of the first element."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    end = start + length
    return der[0], der[start:end], der[end:]
