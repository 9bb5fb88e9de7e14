"""Reads the bytes of an XML answer as text, and refuses the entities by which XML reaches out or blows up."""

from __future__ import annotations

import codecs
import re
from typing import Any
from xml.parsers import expat


class NotReadable(ValueError):
    """The text of a document cannot be read, or must not be."""


def decoded(body: bytes) -> str:
    """The document as text: UTF-16 where marked, UTF-8 where valid, else what its XML header names, else GB 18030.

    Raises NotReadable where none of them fits.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        declared = re.match(rb"""<\?xml[^>]*?encoding=["']([\w.-]{1,40})["']""", body)
        encodings = ["utf-8-sig", *([declared[1].decode()] if declared else []), "gb18030"]
    for encoding in encodings:
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise NotReadable(f"the text is in none of {', '.join(encodings)}")


class _PrologueRead(Exception):
    """The first element begins: no declaration can follow."""


def screen(document: bytes, longest_entity: int = 0) -> None:
    """Refuses entities that lead out of the document or that can multiply, reading no further than the prologue.

    ``longest_entity`` is how many characters an entity may stand for; with 0 none may be declared. The document is
    UTF-8, whatever its header says. Raises NotReadable, also where the prologue itself is malformed.
    """

    def declare(name: str, parameter: int, value: str | None, *outside: str | None) -> None:
        if value is None or parameter or "&" in value or "%" in value or len(value) > longest_entity:
            raise NotReadable(f"line {parser.CurrentLineNumber}: the XML entity {name!r} is refused")

    def begin(name: str, attributes: Any) -> None:
        raise _PrologueRead

    parser = expat.ParserCreate("utf-8")
    parser.EntityDeclHandler = declare
    parser.StartElementHandler = begin
    try:
        parser.Parse(document, True)
    except _PrologueRead:
        return
    except expat.ExpatError as error:
        raise NotReadable(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
