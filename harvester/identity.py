"""Stable ids: pure functions of what the source says, so that a catalogue rebuilt from nothing has the same ones."""

from __future__ import annotations

import hashlib
import re
import unicodedata
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


KEY_GAP = "\u241f"
"""Between the parts of a key that is made of several values: the symbol for a unit separator, which no title holds."""

_SILENT_1 = frozenset(("", "-", "--", "/", "null", "none", "nan", "无", "無", "暂无", "暫無", "未知"))
_UNSEEN_1 = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u241f\ufeff]")


def frozen_1(said: object) -> str:
    """A portal's raw word as rule 1 of keys from words takes it; empty where it says nothing.

    NFKC, each run of white space one space, without what is not seen. This rule never changes, whatever cleaners,
    placeholders and vocabularies become: the ids of datasets hang on it. Another rule is another function beside it, and
    its keys begin with its name (decision 60).
    """
    word = said if isinstance(said, str) else "" if said is None or isinstance(said, bool) else repr(said)
    bare = " ".join(_UNSEEN_1.sub("", unicodedata.normalize("NFKC", word)).split())
    return "" if bare.lower() in _SILENT_1 else bare


def words_key(words: Sequence[object], occurrence: int = 1) -> str:
    """The key of a record that is told apart by its raw words, by rule 1: title and publisher, or what its source names.

    ``occurrence`` is which one it is, from 1, of different records of the same title and publisher.
    """
    number = (str(occurrence),) if occurrence > 1 else ()
    return KEY_GAP.join((*map(frozen_1, words), *number))


def occurrence_of(source_key: str) -> int:
    """Which of several records of the same title and publisher it was, as ``words_key`` writes it; 1 for any other key."""
    *parts, last = source_key.split(KEY_GAP)
    return int(last) if len(parts) == 2 and last.isdecimal() else 1


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
