"""Finds members that stand twice in one JSON object: a parser keeps one of them and says nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

_MEMBER = re.compile(rb'"\s*:')
_USUAL_MEMBER = b'":'


def duplicate_members(body: bytes, record: Any) -> list[str]:
    """The names that stand more than once in an object of ``body``, sorted; ``record`` is what it was parsed to.

    Counting colons behind quotes tells at once that there are none in nearly every record; only where more of them
    stand than the record has members (an address in quotes within a text is enough) are the objects looked at.
    """
    members = _members(record)
    seen = body.count(_USUAL_MEMBER)
    if seen < members:
        seen = len(_MEMBER.findall(body))
    if seen <= members:
        return []
    repeated: set[str] = set()

    def look(pairs: list[tuple[str, Any]]) -> None:
        repeated.update(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)

    json.loads(body, object_pairs_hook=look)
    return sorted(repeated)


def _members(value: Any) -> int:
    # Without recursion: a portal nests as deep as it likes.
    counted = 0
    inside = [value]
    for each in inside:
        if type(each) is dict:
            counted += len(each)
            inside += [deeper for deeper in each.values() if type(deeper) is dict or type(deeper) is list]
        elif type(each) is list:
            inside += each
    return counted
