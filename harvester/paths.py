"""The paths of crosswalks, compiled: where a value stands in a portal's record.

``a.b`` are keys; ``a[].b`` iterates the list ``a``; ``extras[key=frequency].value`` takes the item of the list
``extras`` whose member ``key`` says ``frequency``; ``.`` is the record itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from harvester.cleaners import WrongType, items

Json: TypeAlias = dict[str, Any]


class Complaint(NamedTuple):
    """What could not be read: the issue's code, the path and what stood there."""

    code: str
    path: str
    seen: object


Walk: TypeAlias = Callable[[Json, list[Complaint]], Any]

class Path(NamedTuple):
    """A compiled path."""

    text: str
    walk: Walk
    spread: bool
    """It iterates a list, so its walk gives a list (or None)."""
    index: tuple[str, str] | None
    """The list and the member it must be laid out by before the walk (see ``index``)."""


_STEP = re.compile(r"([^.\[\]|]+)(?:\[([^\[\]]*)\])?(?:\.|$)")


def compiled(text: str) -> Path:
    segments: list[tuple[str, list[str]]] = [("", [])]
    laid_out = None
    position = 0
    while position < len(text) and text != ".":
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"path {text!r} is not understood at {text[position:]!r}")
        key, inside = match.groups()
        member, is_selection, wanted = (inside or "").partition("=")
        if is_selection and position:
            raise ValueError(f"path {text!r}: [member=value] stands only after the first key")
        segments[-1][1].append(f"{key}[{member}]" if is_selection else key)
        if is_selection:
            laid_out = (key, member)
            segments[-1][1].append(wanted)
        position = match.end()
        if inside == "":
            segments.append((text[:position].rstrip("."), []))
    walks = [_follow(before, tuple(keys)) for before, keys in segments]
    if len(walks) > 1:
        return Path(text, _spread(walks), True, laid_out)
    only = segments[0][1]
    return Path(text, _get(only[0]) if len(only) == 1 else walks[0], False, laid_out)


def _get(key: str) -> Walk:
    return lambda record, complaints: record.get(key)


def _follow(before: str, keys: tuple[str, ...]) -> Walk:
    def follow(value: Any, complaints: list[Complaint]) -> Any:
        for depth, key in enumerate(keys):
            if type(value) is not dict:
                at = ".".join(filter(None, (before, *keys[:depth])))
                complaints.append(Complaint(WrongType.code, at, value))
                return None
            value = value.get(key)
            if value is None:
                return None
        return value

    return follow


def _spread(walks: Sequence[Walk]) -> Walk:
    *outer, last = walks

    def spread(record: Json, complaints: list[Complaint]) -> list[Any] | None:
        found: list[Any] = [record]
        for walk in outer:
            values = [walk(each, complaints) for each in found]
            found = [each for value in values if value is not None for each in items(value) if each is not None]
        values = [last(each, complaints) for each in found]
        return [value for value in values if value is not None] or None

    return spread


def index(record: Json, key: str, member: str, complaints: list[Complaint]) -> Json:
    """The items of the list ``record[key]`` by what their ``member`` says; the first of each.

    An object in place of the list (CKAN before 2.0 wrote extras so) is read as its keys and values.
    """
    listed = record.get(key)
    if listed is None:
        return {}
    if type(listed) is dict:
        return {name: {member: name, "value": value} for name, value in listed.items()}
    if type(listed) is not list:
        complaints.append(Complaint(WrongType.code, key, listed))
        return {}
    # Backwards, so that of several the first stands.
    return {
        item[member]: item for item in reversed(listed) if type(item) is dict and type(item.get(member)) is str
    }
