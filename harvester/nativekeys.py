"""Keys as portals write them to the keys of ``schemas/crosswalks/native.csv``: *数据集名称（必填）： is 数据集名称.

What carries no meaning in a key is left out of account: width, case, ``_`` and ``-`` and spaces (cata_title, cataTitle),
marks at its ends, what stands in brackets, traditional characters. A key that the table has as it stands is never
taken for another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import schemas
from harvester.families import Reading
from harvester.tables import NATIVE

_MARKS = re.compile(r"[\s*:.、#\"'“”【】]+")
_BRACKETS = re.compile(r"[(\[（【][^()\[\]（）【】]*[)\]）】]")
_LIMIT = 60
"""Longest key that is looked at."""


def named(record: Any, read_by: Reading) -> Any:
    """A record in which what stands under another name of a native key stands under that key as well."""
    return _read_under(record, read_by, lambda holder, names: holder | {name: holder[key] for key, name in names.items()})


def renamed(record: Any, read_by: Reading) -> Any:
    """A record in which native keys stand in place of their other names."""
    return _read_under(
        record, read_by, lambda holder, names: {names.get(key, key): value for key, value in holder.items()}
    )


def _read_under(
    record: Any, read_by: Reading, rename: Callable[[dict[str, Any], Mapping[str, str]], dict[str, Any]]
) -> Any:
    """The record with its native keys renamed; the record itself where the native table does not read it."""
    root = next((root for name, root in read_by.tables if name == NATIVE), None)
    if root is None or not isinstance(record, dict):
        return record
    steps = root.split(".") if root else []
    holder: Any = record
    for step in steps:
        holder = holder.get(step) if isinstance(holder, dict) else None
    names = _names(tuple(holder)) if isinstance(holder, dict) else {}
    return _with(record, steps, rename(holder, names)) if names else record


def known(key: str) -> str | None:
    """The key of the native table that a key is; None where it is none."""
    folds, keys = _known()
    if key in keys:
        return key
    if len(key) > _LIMIT:
        return None
    return folds.get(_folded(key)) or folds.get(_folded(_BRACKETS.sub("", key)))


@lru_cache(maxsize=1024)
def _names(keys: tuple[str, ...]) -> Mapping[str, str]:
    """The other name of each key that has one, unless that stands among the keys itself or for another one before."""
    names: dict[str, str] = {}
    taken = set(keys)
    for key in keys:
        name = known(key)
        if name is not None and name not in taken:
            names[key] = name
            taken.add(name)
    return names


@cache
def _known() -> tuple[Mapping[str, str], frozenset[str]]:
    """The first key of the table by its fold, and all its keys."""
    folds: dict[str, str] = {}
    keys: set[str] = set()
    for row in schemas.crosswalk(NATIVE):
        for path in row.path.split(" | "):
            key = path.partition("[")[0]
            if key not in ("", "."):
                keys.add(key)
                folds.setdefault(_folded(key), key)
    return folds, frozenset(keys)


def _folded(key: str) -> str:
    simplified = schemas.simplified()
    bare = _MARKS.sub("", schemas.fold(key))
    return "".join(simplified.get(character, character) for character in bare)


def _with(record: Mapping[str, Any], steps: Sequence[str], holder: dict[str, Any]) -> dict[str, Any]:
    """The record with another object at these steps."""
    if not steps:
        return holder
    return {**record, steps[0]: _with(record[steps[0]], steps[1:], holder)}
