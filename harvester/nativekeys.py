"""Keys as portals write them to the keys of ``schemas/crosswalks/native.csv``: *数据集名称（必填）： is 数据集名称.

What carries no meaning in a key is left out of account: width, case, ``_`` and ``-`` and spaces (cata_title, cataTitle),
marks at its ends, what stands in brackets, traditional characters. A key that the table has as it stands is never
taken for another.

Behind these a key is akin to one that it is but for a word before or after it (``schemas/key_words.csv``): 数据集发布时间,
conf_update_cycle, updateCycleName. Such a key is read where the record has no other for its field, and in the place of its
own code: of update_cycle = 4 beside updateCycleName = 每月 the words are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

import schemas
from harvester.families import Reading
from harvester.tables import NATIVE, UNUSED

_MARKS = re.compile(r"[\s*:.、#\"'“”【】]+")
_BRACKETS = re.compile(r"[(\[（【][^()\[\]（）【】]*[)\]）】]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LIMIT = 60
"""Longest key that is looked at."""

_NEVER_AKIN = frozenset(("source_key", "title", "publisher.name", "landing_page", UNUSED))
"""Ids hang on the first three (decision 60): a key that is new to their rows must come behind those that were known
before it. And dataUrl may be the address of the file."""

_WORDED = frozenset(("openness", "sharing", "frequency", "licence", "themes", "distributions", "region"))
"""The fields whose codes portals put into words under a second key."""


def named(record: Any, read_by: Reading) -> Any:
    """A record in which what stands under another name of a native key stands under that key as well."""
    return _read_under(record, read_by, _under_both)


def _under_both(holder: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    said = dict(holder)
    for key, name in names.items():
        if name not in said or _says_more(holder[key], said[name]):
            said[name] = holder[key]
    return said


def _says_more(words: Any, code: Any) -> bool:
    """Whether the one is in Chinese words and the other is not: 每月 beside 4, 无条件开放 beside UNCONDITIONAL."""
    return isinstance(words, str) and _HAN.search(words) is not None and _HAN.search(str(code)) is None


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


def akin(key: str) -> str | None:
    """The key of the native table that a key is but for a word before or after it; None where it is known or akin to none."""
    return None if known(key) is not None else next(iter(_akin(key)), None)


@lru_cache(maxsize=1024)
def _names(keys: tuple[str, ...]) -> Mapping[str, str]:
    """The other name of each key that has one.

    None where that stands among the keys itself or for another one before; but the name of a code that stands among them
    is that of its words too.
    """
    names: dict[str, str] = {}
    taken = set(keys)
    for key in keys:
        name = known(key)
        if name is not None and name not in taken:
            names[key] = name
            taken.add(name)
    fields, standing = _fields(), frozenset(taken)
    read = {field for key in standing for field in fields.get(key, ())}
    for key in keys:
        name = akin(key)
        if name is None:
            continue
        if name in taken:
            if name in standing and fields[name] & _WORDED:
                names[key] = name
        elif not fields[name] & read:
            names[key] = name
            taken.add(name)
            read |= fields[name]
    return names


def _akin(key: str) -> Iterator[str]:
    """The keys of the table that are left of a key without a word after it, one before it, and both."""
    folds, fields = _known()[0], _fields()
    bare = _folded(_BRACKETS.sub("", key[:_LIMIT]))
    stems = [bare.removesuffix(word) for word in _key_words("after") if bare.endswith(word)]
    cores = [stem.removeprefix(word) for stem in (bare, *stems) for word in _key_words("before") if stem.startswith(word)]
    for left in (*stems, *cores):
        name = folds.get(left)
        if name is not None and not fields[name] & _NEVER_AKIN:
            yield name


@cache
def _key_words(kind: str) -> tuple[str, ...]:
    """The words of a kind, the longest first."""
    return tuple(sorted(schemas.key_words()[kind], key=len, reverse=True))


@cache
def _known() -> tuple[Mapping[str, str], frozenset[str]]:
    """The first key of the table by its fold, and all its keys."""
    folds: dict[str, str] = {}
    for key in _fields():
        folds.setdefault(_folded(key), key)
    return folds, frozenset(_fields())


@cache
def _fields() -> Mapping[str, frozenset[str]]:
    """The keys of the table in its order, and the fields that each is read for."""
    fields: dict[str, set[str]] = {}
    for row in schemas.crosswalk(NATIVE):
        for path in row.path.split(" | "):
            key = path.partition("[")[0]
            if key not in ("", "."):
                fields.setdefault(key, set()).add(row.field)
    return MappingProxyType({key: frozenset(read) for key, read in fields.items()})


def _folded(key: str) -> str:
    simplified = schemas.simplified()
    bare = _MARKS.sub("", schemas.fold(key))
    return "".join(simplified.get(character, character) for character in bare)


def _with(record: Mapping[str, Any], steps: Sequence[str], holder: dict[str, Any]) -> dict[str, Any]:
    """The record with another object at these steps."""
    if not steps:
        return holder
    return {**record, steps[0]: _with(record[steps[0]], steps[1:], holder)}
