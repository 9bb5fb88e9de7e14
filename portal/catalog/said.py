"""Words that people type for everybody to read, as they are kept: plain lines, with nothing in them that is not seen."""

from __future__ import annotations

import re

_UNSEEN = re.compile(r"[\0-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters of control, those without width, those that turn the direction of reading, and halves of others."""


def plain_lines(text: str) -> str:
    """The text without what is not seen, its lines parted by ``\\n`` alone."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")).strip()


def plain_line(text: str) -> str:
    """The text in one line, with single spaces."""
    return " ".join(plain_lines(text).split())
