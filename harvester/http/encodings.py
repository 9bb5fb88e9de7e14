"""From the bytes on the wire to the portal's bytes, and from those to text."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator

from harvester.errors import AnswerCutShort, PortalNotUnderstood

STEP_BYTES = 1 << 18
"""Inflated at a time, so that a bomb is noticed before it is in memory."""

_GZIP = b"\x1f\x8b"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # UTF-32 before UTF-16: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(r"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)


def inflated(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The body without its Content-Encoding, in pieces of at most ``STEP_BYTES`` where it had one.

    Raises PortalNotUnderstood for any coding but a single gzip or deflate, AnswerCutShort when the end is
    missing.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        yield from pieces
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise PortalNotUnderstood("a Content-Encoding other than one gzip or deflate", seen=coding)
    arriving = iter(pieces)
    start = _two_bytes(b"", arriving)
    if not start:
        return
    if coding != "deflate" and not start.startswith(_GZIP):
        # Proxies unpack a body and leave the header on; what is not gzip is taken as it stands.
        yield start
        yield from arriving
    else:
        yield from _unpacked(start, arriving, _window_bits(coding, start))


def _two_bytes(start: bytes, arriving: Iterator[bytes]) -> bytes:
    """``start`` and as many pieces as it takes to see two bytes; fewer where the body ends."""
    while len(start) < 2 and (piece := next(arriving, None)) is not None:
        start += piece
    return start


def _window_bits(coding: str, start: bytes) -> int:
    """How zlib must read it: gzip, zlib, or bare deflate as some old servers send it."""
    if coding != "deflate":
        return zlib.MAX_WBITS | 16
    has_zlib_header = start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS


def _unpacked(start: bytes, arriving: Iterator[bytes], window_bits: int) -> Iterator[bytes]:
    engine = zlib.decompressobj(window_bits)
    piece: bytes | None = start
    while piece is not None:
        try:
            out = engine.decompress(piece, STEP_BYTES)
        except zlib.error as error:
            raise PortalNotUnderstood(f"a compressed body that does not unpack: {error}") from error
        if out:
            yield out
        if engine.eof:
            piece = _two_bytes(engine.unused_data, arriving)
            if not piece.startswith(_GZIP):
                # Some servers pad the last member with zeros; gzip itself ignores them.
                return
            engine = zlib.decompressobj(window_bits)
        elif len(out) == STEP_BYTES:
            piece = engine.unconsumed_tail
        else:
            piece = next(arriving, None)
    raise AnswerCutShort("the compressed body ends before its end")


def charset(body: bytes, declared: str | None) -> str:
    """The codec that reads a body: its byte order mark, UTF-8 where that fits, what is declared, or GB18030.

    ``declared`` is the Content-Type; a document in angle brackets may also say it itself. When nothing reads
    the body without error it is the declared codec or UTF-8, to be decoded with replacement characters.
    """
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return codec
    said = _said(declared or "")
    if said is None and body[:1024].lstrip().startswith(b"<"):
        said = _said(body[:1024].decode("latin-1"))
    for candidate in ("utf-8", said, "gb18030"):
        if candidate is not None and _reads(body, candidate):
            return candidate
    return said or "utf-8"


def _said(text: str) -> str | None:
    """The codec named in a Content-Type or a document's head; None when there is none that we know."""
    match = _DECLARED.search(text)
    if match is None:
        return None
    try:
        codec = codecs.lookup(match[1])
    except (LookupError, ValueError):
        return None
    # Chinese portals say gb2312 and mean the larger sets that contain it.
    return "gb18030" if codec.name in ("gb2312", "gbk") else codec.name


def _reads(body: bytes, codec: str) -> bool:
    try:
        body.decode(codec)
    except UnicodeError:
        return False
    return True
