"""Stable ids: pure functions of what the source says, so that a catalogue rebuilt from nothing has the same ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence


_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]


_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _short(*parts: str) -> str:
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=10).digest()
    bits = int.from_bytes(digest, "big")
    # Base 32 (RFC 4648, lower case) by pairs of digits: five times as fast as base64.b32encode, and ids are many.
    return (
        _PAIRS[bits >> 70] + _PAIRS[bits >> 60 & 1023] + _PAIRS[bits >> 50 & 1023] + _PAIRS[bits >> 40 & 1023]
        + _PAIRS[bits >> 30 & 1023] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]
    )


def dataset_id(source_id: str, source_key: str) -> str:
    """The public id of a dataset: 16 characters of a-z and 2-7, from the source and the source's own id alone."""
    return _short("dataset", source_id, source_key)


def publisher_id(source_id: str, key: str | None, name: str) -> str:
    """The id of a publisher as one portal knows it: from the portal's own key of it, else from its name."""
    return _short("publisher", source_id, name if key is None else key)


def distribution_ids(dataset: str, handles: Sequence[str | None]) -> list[str]:
    """An id for each distribution of a dataset, in order.

    ``handles`` are what each is told apart by: the portal's key, else its address, else None. A handle met again gets
    a number, so that ids are unique; one without any is told apart by its position. A UUID is the same in capitals:
    portals have changed between the two.
    """
    met: dict[str, int] = {}
    ids = []
    for position, handle in enumerate(handles):
        stem = f"#{position}" if handle is None else handle
        if len(stem) == 36 and _UUID.fullmatch(stem):
            stem = stem.lower()
        met[stem] = met.get(stem, 0) + 1
        ids.append(_short("distribution", dataset, stem, str(met[stem])))
    return ids
