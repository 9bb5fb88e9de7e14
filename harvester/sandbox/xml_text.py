"""Writes small XML trees: an element is its name, its attributes, and text or elements in it."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_NEVER_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def element(name: str, /, *inner: str, **attributes: str | None) -> str:
    """An element with ready-made XML in it; ``xml_lang`` is written ``xml:lang``, what is None is left out."""
    said = "".join(
        f" {key.replace('_', ':')}={quoteattr(value)}" for key, value in attributes.items() if value is not None
    )
    return f"<{name}{said}>{''.join(inner)}</{name}>" if inner else f"<{name}{said}/>"


def text(words: str) -> str:
    """Words as XML: portals' own writers drop control characters too."""
    return escape(_NEVER_XML.sub("", words))
