"""Cuts a JSON document of any size into the byte slices of its parts, as it arrives.

The slices are the portal's own bytes: a record whose bytes have not changed needs no parsing at all. Why
msgspec's scanner finds the ends and what other ways cost: docs/decisions/0012-json-is-cut-not-parsed.md.
"""

from __future__ import annotations

import codecs
import itertools
import json
import re
from collections.abc import Collection, Iterable, Iterator

import msgspec

from harvester.errors import AnswerCutShort, AnswerTooLarge, PortalNotUnderstood

PART_BYTES = 10 * 2**20
"""No part may be longer: a dataset of 8,327 resources, the most data.gov has met, needs about 4 MB."""

NESTING = 100
"""No part may nest deeper."""

_BLOCK_BYTES = 256 * 1024
_EVIDENCE_BYTES = 64 * 1024
_NUMBER_BYTES = 64

_SPACE = re.compile(rb"[ \t\r\n]+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|' + _STRING.pattern + rb")*+([{}\[\]])", re.DOTALL)
_ENDS_AT = re.compile(r"trailing characters \(byte (\d+)\)")
_RAW = msgspec.json.Decoder(msgspec.Raw)
_TEXT = msgspec.json.Decoder(str)


class Part(msgspec.Struct, frozen=True):
    """One value of the document: a member's value that is no array, or an element of a member that is one."""

    holder: tuple[str | int, ...]
    """Where what holds it stands: ``()`` for the document, ``("catalog", 0)`` for a nested one."""
    name: str | None
    """The member it belongs to; None for an element of a document that is an array itself."""
    position: int | None
    """Its place in the array; None for what stands in none, and for the ``[]`` that an empty array gives."""
    body: bytes
    offset: int
    """The byte of the document (after decoding to UTF-8) at which it begins."""


def parts(chunks: Iterable[bytes], *, url: str | None = None, nested: Collection[str] = ()) -> Iterator[Part]:
    """Every part of the one JSON value in ``chunks``, in order; memory holds a block and the part at hand.

    An object named in ``nested``, or each in an array of that name, is opened and its members are given in turn. A
    malformed object between sound ones is given like any other: only it is refused later, by whoever parses it.
    Raises AnswerCutShort, PortalNotUnderstood or AnswerTooLarge, each naming the byte offset.
    """
    text = _Text(as_utf8(chunks), url)
    opening = text.peek()
    if opening == b"":
        raise PortalNotUnderstood("the answer is empty", url=url)
    if opening == b"{":
        yield from _members(text, (), nested)
    elif opening == b"[":
        yield from _elements(text, (), None, nested)
    else:
        raise text.not_understood("a JSON object or array was expected")
    if text.peek():
        raise text.not_understood("something follows the end of the JSON document")


def _members(text: _Text, holder: tuple[str | int, ...], nested: Collection[str]) -> Iterator[Part]:
    if len(holder) > NESTING:
        raise text.not_understood(f"nested deeper than {NESTING} levels")
    text.take(b"{")
    if text.peek() == b"}":
        text.take(b"}")
        return
    while True:
        name = text.name()
        text.take(b":")
        if text.peek() == b"[":
            yield from _elements(text, holder, name, nested)
        elif name in nested and text.peek() == b"{":
            yield from _members(text, (*holder, name, 0), nested)
        else:
            offset, body = text.value()
            yield Part(holder, name, None, body, offset)
        if text.take(b",}") == b"}":
            return


def _elements(
    text: _Text, holder: tuple[str | int, ...], name: str | None, nested: Collection[str]
) -> Iterator[Part]:
    begins = text.offset
    text.take(b"[")
    if text.peek() == b"]":
        text.take(b"]")
        yield Part(holder, name, None, b"[]", begins)
        return
    opens = name in nested
    position = 0
    while True:
        if opens and text.peek() == b"{":
            yield from _members(text, (*holder, name or "", position), nested)
        else:
            offset, body = text.value()
            yield Part(holder, name, position, body, offset)
        if text.take(b",]") == b"]":
            return
        position += 1


class _Text:
    """The document as far as it has come, and how far we have read."""

    def __init__(self, chunks: Iterator[bytes], url: str | None) -> None:
        self._chunks = chunks
        self._url = url
        self._block = b""
        self._at = 0
        self._before = 0
        """Bytes of the document that came before the block."""

    @property
    def offset(self) -> int:
        return self._before + self._at

    def _more(self) -> bool:
        """Lets the block grow; False when nothing follows.

        By at least as much as is still unread: a part that is looked at again from its beginning each time it
        grows is then looked at no more than twice on the whole.
        """
        rest = self._block[self._at:]
        grown = [rest]
        wanted = max(_BLOCK_BYTES, len(rest))
        while wanted > 0 and (chunk := next(self._chunks, None)) is not None:
            grown.append(chunk)
            wanted -= len(chunk)
        if len(grown) == 1:
            return False
        self._before += self._at
        self._block, self._at = b"".join(grown), 0
        return True

    def peek(self) -> bytes:
        """The next byte that is no space, not taken; ``b""`` at the end of the document."""
        while True:
            found = self._block[self._at:self._at + 1]
            if found > b" ":
                return found
            if found:
                gap = _SPACE.match(self._block, self._at)
                if gap is None:
                    return found
                self._at = gap.end()
            elif not self._more():
                return b""

    def take(self, allowed: bytes) -> bytes:
        """Takes the next byte, which must be one of ``allowed``."""
        found = self.peek()
        if found == b"":
            raise self._cut_short()
        if found not in allowed:
            raise self.not_understood(f"expected {' or '.join(allowed.decode())}")
        self._at += 1
        return found

    def name(self) -> str:
        """Takes a member's name."""
        if self.peek() not in (b'"', b""):
            raise self.not_understood("expected a member's name in double quotes")
        _, quoted = self.value()
        try:
            return _TEXT.decode(quoted)
        except msgspec.DecodeError as error:
            raise self.not_understood(f"a member's name is no text: {error}") from error

    def value(self) -> tuple[int, bytes]:
        """Takes the next value whole: where in the document it begins, and its bytes."""
        self.peek()
        while (length := self._length()) is None:
            self._read_on()
        begins = self._at
        self._at += length
        body = self._block[begins:self._at].rstrip(b" \t\r\n")
        if len(body) > PART_BYTES:
            raise self._too_large(begins)
        if body.count(b"{") + body.count(b"[") > NESTING and _nesting(body) > NESTING:
            raise self.not_understood(f"nested deeper than {NESTING} levels", begins)
        return self._before + begins, body

    def _read_on(self) -> None:
        """Lets the value we stand at grow, within what a part may hold."""
        if len(self._block) - self._at > PART_BYTES:
            raise self._too_large(self._at)
        if not self._more():
            raise self._cut_short()

    def _length(self) -> int | None:
        """The bytes from here to the end of the value (spaces behind it included); None when it may go on.

        msgspec tells where the value ended in its complaint about what follows, and something must follow:
        every value we take stands in an object or an array.
        """
        try:
            _RAW.decode(memoryview(self._block)[self._at:])
        except msgspec.DecodeError as error:
            complaint = str(error)
            if ends := _ENDS_AT.search(complaint):
                return int(ends[1]) - 1
            return None if "truncated" in complaint else self._malformed_length(complaint)
        except RecursionError as error:
            raise self.not_understood(f"nested deeper than {NESTING} levels") from error
        return None

    def _malformed_length(self, complaint: str) -> int | None:
        """As ``_length``, of a value that is no JSON inside but whose brackets or quotes tell its end."""
        opening = self._block[self._at:self._at + 1]
        if opening == b'"':
            string = _STRING.match(self._block, self._at)
            return string.end() - self._at if string else None
        if opening in b"{[":
            return self._bracketed_length()
        # A number cut in two by the end of the block is malformed as well.
        if len(self._block) - self._at < _NUMBER_BYTES and self._more():
            return None
        raise self.not_understood(complaint)

    def _bracketed_length(self) -> int:
        depth, read = 0, 0
        while True:
            bracket = _BRACKET.match(self._block, self._at + read)
            if bracket is None:
                self._read_on()
                continue
            read = bracket.end() - self._at
            depth += 1 if bracket[1] in b"{[" else -1
            if depth == 0:
                return read

    def not_understood(self, what: str, at: int | None = None) -> PortalNotUnderstood:
        at = self._at if at is None else at
        seen = self._block[max(0, at - 40):at + 40].decode("utf-8", "replace")
        return PortalNotUnderstood(f"{what} at byte {self._before + at}", url=self._url, seen=seen)

    def _cut_short(self) -> AnswerCutShort:
        ended = self._before + len(self._block)
        seen = self._block[-80:].decode("utf-8", "replace")
        return AnswerCutShort(f"the JSON document ends unfinished at byte {ended}", url=self._url, seen=seen)

    def _too_large(self, at: int) -> AnswerTooLarge:
        begins = self._before + at
        return AnswerTooLarge(f"the value at byte {begins} is longer than {PART_BYTES} bytes", url=self._url)


def _nesting(body: bytes) -> int:
    """How many brackets are open at the most."""
    depth = deepest = 0
    for bracket in _BRACKET.finditer(body):
        depth += 1 if bracket[1] in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest


def as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8 without a byte order mark.

    UTF-16 and UTF-32 are told by their marks or by the zero bytes beside the first character, which is ASCII.
    Where the first other characters make more sense in GB18030 than in UTF-8, it is GB18030: its second bytes
    may look like brackets. The bytes of a UTF-8 document pass untouched, valid or not.
    """
    waiting = iter(chunks)
    start = b""
    while len(start) < 4 and (chunk := next(waiting, None)) is not None:
        start += chunk
    encoding = json.detect_encoding(start)
    waiting = itertools.chain((start,), waiting)
    if encoding == "utf-8":
        yield from _told_by_first_characters(waiting)
    elif encoding == "utf-8-sig":
        yield next(waiting)[len(codecs.BOM_UTF8):]
        yield from waiting
    else:
        yield from _recoded(waiting, encoding)


def _told_by_first_characters(waiting: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in waiting:
        if chunk.isascii():
            yield chunk
            continue
        while len(chunk) < _EVIDENCE_BYTES and (following := next(waiting, None)) is not None:
            chunk += following
        waiting = itertools.chain((chunk,), waiting)
        if _unreadable(chunk, "gb18030") < _unreadable(chunk, "utf-8"):
            waiting = _recoded(waiting, "gb18030")
        yield from waiting
        return


def _unreadable(beginning: bytes, encoding: str) -> int:
    """How many bytes make no sense in an encoding."""
    text = codecs.getincrementaldecoder(encoding)("surrogateescape").decode(beginning)
    return sum("\udc80" <= character <= "\udcff" for character in text)


def _recoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """What cannot be decoded stays as it is, so that only the record it stands in is refused later."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogateescape")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
