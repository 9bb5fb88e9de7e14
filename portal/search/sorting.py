"""The keys results are ordered by, the same in every engine."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.search.analysis import fold


def title_key(title: str) -> bytes:
    """Orders titles: digits and Latin letters, then Chinese by pinyin, without case, width and accents.

    GB 18030 keeps the 3,755 common characters of GB 2312's first level in the order of their pinyin; the rarer ones
    come before or after them in the order of their codes.
    """
    return fold(title).encode("gb18030", "replace")


def instant_key(at: datetime | None) -> int | None:
    """Whole seconds since 1970, so that every engine can keep it; None stays None."""
    return None if at is None else int(at.astimezone(UTC).timestamp())


def quality_key(quality: float | None) -> int | None:
    """Quality in millionths."""
    return None if quality is None else round(quality * 1_000_000)


ID_ORDER_BITS = 28
_ID_ALPHABET = {character: place for place, character in enumerate("0123456789abcdefghijklmnopqrstuvwxyz", 1)}
_ID_CHARACTERS = 5
assert (len(_ID_ALPHABET) + 1) ** _ID_CHARACTERS < 1 << ID_ORDER_BITS


PLACE_CHARACTERS = 12
assert (len(_ID_ALPHABET) + 1) ** PLACE_CHARACTERS < 1 << 63


def id_order(dataset_id: str) -> int:
    """A number of ``ID_ORDER_BITS`` that orders ids by their first five characters."""
    return _number(dataset_id, _ID_CHARACTERS)


def id_place(dataset_id: str) -> int:
    """A number below 2^63 that orders ids by their first ``PLACE_CHARACTERS``."""
    return _number(dataset_id, PLACE_CHARACTERS)


def _number(dataset_id: str, characters: int) -> int:
    number = 0
    for place in range(characters):
        number = number * (len(_ID_ALPHABET) + 1) + _ID_ALPHABET.get(dataset_id[place:place + 1], 0)
    return number
