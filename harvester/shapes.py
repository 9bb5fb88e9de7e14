"""What stands where in an answer that nobody described: wrappings taken off, lists of objects found, words read out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

import schemas

DEPTH = 4
"""How deep a list of objects is looked for."""

_CALLBACK = re.compile(r"(?:/\*\*/\s*)?[A-Za-z_$][\w$.]*\s*\((.*)\)\s*;?", re.DOTALL)

_NUMBER = re.compile(r"(?<![\d.])(\d[\d,]*)(?:\.0+)?(?![\d.])")


def unwrapped(text: str) -> str:
    """JSON that stands in the parentheses of a function (JSONP) or is itself the text of a JSON string; else as it is."""
    stripped = text.strip()
    if (call := _CALLBACK.fullmatch(stripped)) is not None:
        stripped = call[1].strip()
    if stripped.startswith('"'):
        try:
            return msgspec.json.decode(stripped, type=str)
        except msgspec.DecodeError:
            return text
    return text if call is None else stripped


def lists(said: Any) -> list[str]:
    """The paths of all lists of objects in decoded JSON, none within another; ``.`` for the answer itself."""
    return [".".join(steps) or "." for steps in _lists(said, ())]


def _lists(said: Any, steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(said, list):
        if said and isinstance(said[0], dict):
            yield steps
    elif isinstance(said, dict) and len(steps) < DEPTH:
        for name, inner in said.items():
            yield from _lists(inner, (*steps, name))


def reason(said: Any) -> str | None:
    """What a portal says in words beside or in place of what was asked for; None when it says nothing."""
    words = (word for word in _meant(said, "reason") if isinstance(word, str) and word.strip())
    return next(words, None)


def stated(holder: Any) -> int | None:
    """How many records the object around a list says there are; None when it does not say."""
    return next((number for each in _meant(holder, "total") if (number := whole(each)) is not None), None)


def _meant(said: Any, kind: str) -> Iterator[Any]:
    if isinstance(said, dict):
        names = schemas.answer_words()[kind]
        yield from (value for name, value in said.items() if name.replace("_", "").lower() in names)


def whole(said: Any) -> int | None:
    """A whole number of records or pages (``23``, ``23.0``, ``"1,234"``, ``"共23条"``); None for anything else."""
    if isinstance(said, bool):
        return None
    if isinstance(said, str):
        numbers = _NUMBER.findall(said)
        return int(numbers[0].replace(",", "")) if len(numbers) == 1 and "-" not in said else None
    if isinstance(said, float):
        return int(said) if said.is_integer() and said >= 0 else None
    return said if isinstance(said, int) and said >= 0 else None
