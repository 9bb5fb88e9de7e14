"""The paths of crosswalks, compiled: where a value stands in a portal's record.

``a.b`` are keys; ``a[].b`` iterates the list ``a`` (or one written as text, or takes a single value as the only one);
``extras[key=frequency].value`` takes the item of the list ``extras`` whose member ``key`` says ``frequency``; ``.`` is
the record itself.

Each path is walked by itself (``found``). Where a hundred paths share their beginnings, as in the records that we make of
XML and RDF, one walk finds what stands at all of them (``gathered``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from harvester.texts import WrongType, items

Json: TypeAlias = dict[str, Any]


class Complaint(NamedTuple):
    """What could not be read: the issue's code, the path and what stood there."""

    code: str
    path: str
    seen: object


Walk: TypeAlias = Callable[[Any, list[Complaint]], Any]
"""From a value to what stands deeper in it, or None; complains where a value on the way has the wrong type."""


class Selection(NamedTuple):
    """``extras[key=frequency]``: the list, the member of its items, and what that says."""

    listed: str
    member: str
    wanted: str

    @property
    def key(self) -> str:
        """Under which key the item lies once the list is laid out."""
        return f"{self.listed}[{self.member}={self.wanted}]"


class Layout(NamedTuple):
    """A list whose items are told apart by a member, and the keys under which those that are wanted will lie."""

    listed: str
    member: str
    keys: Mapping[str, str]


class Path(NamedTuple):
    """A compiled path."""

    text: str
    key: str | None
    """The first key; None for the record itself."""
    rest: Walk | None
    """The way on from what stands under the first key, if there is one."""
    is_list: bool
    selection: Selection | None
    """What must be laid out first, for the first key to be there."""


class Steps(NamedTuple):
    """What several paths want of an object."""

    ends: tuple[tuple[str, str], ...]
    """The members that are wanted as they stand, each with the path that ends there."""
    further: Mapping[str, Further]
    """The members that paths lead into."""


class Further(NamedTuple):
    """What several paths want of a member that holds objects."""

    each: str | None
    """The path that ends here and iterates, if one does."""
    within: Steps
    """What is wanted of the objects."""


_STEP = re.compile(r"([^.\[\]|]+)(?:\[([^\[\]]*)\])?(?:\.|$)")


@lru_cache(maxsize=4096)
def compiled(text: str) -> Path:
    """The path that a text describes; ValueError when it describes none."""
    if text == ".":
        return Path(text, None, None, False, None)
    segments: list[tuple[str, list[str]]] = [("", [])]
    selection = None
    for member in _members(text):
        selection = member.selection or selection
        segments[-1][1].append(member.key)
        if member.iterates:
            segments.append((text[:member.end].rstrip("."), []))
    (_, (first, *others)), *inner = segments
    if inner:
        return Path(text, first, _spread([(first, others), *inner]), True, selection)
    return Path(text, first, _follow(first, others) if others else None, False, selection)


class _Member(NamedTuple):
    """One step of a path as it is written."""

    key: str
    iterates: bool
    selection: Selection | None
    end: int
    """Where in the text the next one begins."""


def _members(text: str) -> Iterator[_Member]:
    """The steps of a path. Raises ValueError where it is none."""
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"path {text!r} is not understood at {text[position:]!r}")
        key, inside = match.groups()
        member, is_selection, wanted = (inside or "").partition("=")
        if is_selection and position:
            raise ValueError(f"path {text!r}: [member=value] stands only after the first key")
        position = match.end()
        selection = Selection(key, member, wanted) if is_selection else None
        yield _Member(selection.key if selection else key, inside == "", selection, position)


def steps(texts: Iterable[str]) -> Steps:
    """The paths that texts describe, as one tree. Raises ValueError."""
    # A path that several rows name is wanted once.
    wanted = [text for text in dict.fromkeys(texts) if text != "."]
    return _steps([(text, [(member.key, member.iterates) for member in _members(text)]) for text in wanted])


def _steps(paths: Iterable[tuple[str, list[tuple[str, bool]]]]) -> Steps:
    ends: list[tuple[str, str]] = []
    each: dict[str, str] = {}
    led: dict[str, list[tuple[str, list[tuple[str, bool]]]]] = {}
    for text, ((key, iterates), *rest) in paths:
        if not rest and not iterates:
            ends.append((key, text))
            continue
        inner = led.setdefault(key, [])
        if rest:
            inner.append((text, rest))
        else:
            each[key] = text
    return Steps(tuple(ends), {key: Further(each.get(key), _steps(inner)) for key, inner in led.items()})


def gathered(record: Json, wanted: Steps) -> Json:
    """What stands at each of the wanted paths, by its text; the record itself under ``.``.

    For records of our own making, where a member is a plain value or a list of such or of objects.
    """
    values: Json = {".": record}
    _gather(record, wanted, False, values)
    return values


def _gather(record: Json, wanted: Steps, several: bool, values: Json) -> None:
    """Adds what is wanted of an object; ``several`` where it is one of a list, so that a path may lead to many values."""
    ends, further = wanted
    for member, path in ends:
        if member in record:
            if several:
                values.setdefault(path, []).append(record[member])
            else:
                values[path] = record[member]
    if not further:
        return
    for key, value in record.items():
        if key not in further:
            continue
        each, within = further[key]
        is_list = type(value) is list
        objects = value if is_list else [value]
        if each is not None:
            values.setdefault(each, []).extend(objects)
        for inner in objects:
            if type(inner) is dict:
                _gather(inner, within, several or is_list, values)


def found(path: Path, record: Json, complaints: list[Complaint]) -> Any:
    """What stands at a path: None when nothing does, a list when the path iterates."""
    value = record if path.key is None else record.get(path.key)
    if value is None or value == "":
        return None
    return value if path.rest is None else path.rest(value, complaints)


def lay_out(record: Json, lay: Layout, complaints: list[Complaint]) -> None:
    """Adds to a record the wanted items of one of its lists, each under its selection's key; of several the first.

    An object in place of the list (CKAN before 2.0 wrote extras so) is read as its keys and values.
    """
    several = record.get(lay.listed)
    if not several:
        return
    if type(several) is dict:
        several = [{lay.member: name, "value": value} for name, value in several.items()]
    if type(several) is not list:
        complaints.append(Complaint(WrongType.code, lay.listed, several))
        return
    for item in several:
        if type(item) is dict and type(said := item.get(lay.member)) is str:
            key = lay.keys.get(said)
            if key is not None and key not in record:
                record[key] = item


def _follow(before: str, keys: Sequence[str]) -> Walk:
    def follow(value: Any, complaints: list[Complaint]) -> Any:
        for depth, key in enumerate(keys):
            if type(value) is not dict:
                complaints.append(Complaint(WrongType.code, ".".join((before, *keys[:depth])), value))
                return None
            value = value.get(key)
            if value is None:
                return None
        return value

    return follow if len(keys) != 1 else _follow_one(before, keys[0])


def _follow_one(before: str, key: str) -> Walk:
    def follow_one(value: Any, complaints: list[Complaint]) -> Any:
        if type(value) is dict:
            return value.get(key)
        complaints.append(Complaint(WrongType.code, before, value))
        return None

    return follow_one


def _spread(segments: Sequence[tuple[str, Sequence[str]]]) -> Walk:
    """Iterates what each segment leads to; a segment is where it stands and its keys."""
    walks = [_follow(before, keys) if keys else None for before, keys in segments]
    *outer, last = walks

    def spread(value: Any, complaints: list[Complaint]) -> list[Any] | None:
        values = [value]
        for walk in outer:
            if walk is not None:
                values = [walk(each, complaints) for each in values]
            values = [each for value in values if value is not None for each in items(value) if each is not None]
        if last is not None:
            values = [each for value in values if (each := last(value, complaints)) is not None]
        return values or None

    return spread
