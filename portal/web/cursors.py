"""Where a listing goes on, read from an address as strictly as programs are answered, and written into the next one."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from flask import request

from portal.web.addresses import base
from portal.web.asking import NotUnderstood

LARGEST_NUMBER = 2**63 - 1
"""What the database can count to."""

_ID = re.compile(r"[0-9a-z]{1,16}")


def number_asked(name: str, absent: int, *, least: int = 0, most: int = LARGEST_NUMBER) -> int:
    """The whole number that a parameter gives, ``absent`` where it is not there. Raises NotUnderstood.

    A program that asks for more than it can have is told, where a reader's number would be brought into range.
    """
    text = request.args.get(name)
    if text is None:
        return absent
    # Python refuses to read thousands of digits, and no number of ours has more than nineteen.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
        raise NotUnderstood(f"{name} is a whole number from {least} to {most}", text[:60])
    return int(text)


def id_asked(name: str) -> str | None:
    """The id of a dataset or publisher that a parameter gives; None where it is not there. Raises NotUnderstood."""
    text = request.args.get(name)
    if text is not None and not _ID.fullmatch(text):
        raise NotUnderstood(f"{name} is an id: at most 16 digits and small letters", text[:60])
    return text


def next_address(**cursor: str | int) -> str:
    """The address asked for with another cursor, everything else as it was."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in cursor]
    return f"{base()}{request.path}?{urlencode([*kept, *cursor.items()])}"
