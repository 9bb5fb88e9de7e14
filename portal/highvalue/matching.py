"""Which entries of the high-value list a dataset serves, and which of their fields it has; pure.

A portal's own EU category is believed; else the title's words decide (``schemas/highvalue/words.csv``), and only where they
name the thing itself: precise before complete. How well: docs/high-value.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec import Struct

import schemas
from portal.catalog.model import Column, Dataset, RecordType


class Match(Struct, frozen=True):
    """That a dataset serves an entry, and why."""

    entry: str
    """An id of ``schemas.high_value_entries()``."""
    reason: str
    """``category`` where the portal states the EU category that is the entry's, or a narrower one; ``title`` where words
    of the title do."""
    words: tuple[str, ...]
    """The words of the title that did, folded and in simplified characters; empty by category."""
    fields: tuple[str, ...] | None
    """Ids of the entry's expected fields that the dataset has, in the entry's order; None where no fields are listed."""


class _Rule(NamedTuple):
    number: int
    entry: str
    groups: tuple[tuple[str, ...], ...]
    without: frozenset[str]


class _Table(NamedTuple):
    beginnings: Mapping[str, tuple[str, ...]]
    """Every word of every rule by its first two letters."""
    rules: Mapping[str, tuple[_Rule, ...]]
    """The rules by each word of their first group."""


_PARTS = re.compile("[():,;]")


def matches(dataset: Dataset) -> tuple[Match, ...]:
    """The entries a dataset serves, in the list's order; none for a service or a series."""
    if dataset.record_type is not RecordType.DATASET:
        return ()
    met = by_title(dataset.title)
    if not met and not dataset.hvd_categories:
        return ()
    stated = {entry for category in dataset.hvd_categories for entry in _entries_of(category)}
    return tuple(
        Match(
            entry,
            "category" if entry in stated else "title",
            () if entry in stated else met[entry],
            fields_of(entry, dataset.columns) if dataset.columns else None,
        )
        for entry in schemas.high_value_entries()
        if entry in stated or entry in met
    )


@cache
def method() -> str:
    """A digest of the tables and of this module: with another one every dataset is to be matched again."""
    tables = (tuple(schemas.high_value_entries().values()), schemas.high_value_words())
    digest = hashlib.blake2b(msgspec.json.encode(tables), digest_size=8)
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=20_000)
def by_title(title: str) -> Mapping[str, tuple[str, ...]]:
    """The entries whose words stand in a title, each with the words."""
    met: dict[str, tuple[str, ...]] = {}
    for one in _met(title):
        if not one.against:
            met.setdefault(one.entry, one.words)
    return MappingProxyType(met)


class Met(Struct, frozen=True):
    """A rule whose words all stand in a title."""

    entry: str
    words: tuple[str, ...]
    """One of each of its groups, folded and in simplified characters."""
    against: tuple[str, ...]
    """The words in the title that forbid it all the same."""


def forbidden(title: str) -> list[Met]:
    """For each entry whose words stand in a title that does not serve it all the same, the first rule and what forbids it."""
    served, first = by_title(title), dict[str, Met]()
    for one in _met(title):
        if one.entry not in served:
            first.setdefault(one.entry, one)
    return list(first.values())


def _met(title: str) -> Iterator[Met]:
    """The rules whose words all stand in a title, in the table's order."""
    table = _table()
    standing = _standing(_simplified(title), table.beginnings)
    rules = {rule.number: rule for word in standing for rule in table.rules.get(word, ())}
    for _, rule in sorted(rules.items()):
        found = [next((word for word in group if word in standing), None) for group in rule.groups]
        if None not in found:
            words = tuple(dict.fromkeys(word.removeprefix("=") for word in found if word))
            yield Met(rule.entry, words, tuple(word for word in standing if word in rule.without))


def _standing(title: str, beginnings: Mapping[str, tuple[str, ...]]) -> dict[str, None]:
    """The words of the table that stand in a title, in its order."""
    standing: dict[str, None] = {}
    for start in range(len(title) - 1):
        for word in beginnings.get(title[start:start + 2], ()):
            letters = word.removeprefix("=")
            if title.startswith(letters, start) and _stands(word, title, start, start + len(letters)):
                standing[word] = None
    return standing


def _stands(word: str, title: str, start: int, end: int) -> bool:
    """Whether what was found from ``start`` to ``end`` is the word and no part of another.

    One after ``=`` is the whole title; one in Latin letters has none to either side but the s of a plural: ``bus`` does
    not stand in ``business``.
    """
    if word.startswith("="):
        return start == 0 and end == len(title)
    if not word.isascii():
        return True
    rest = title[end:].removeprefix("s")
    return not (start and _is_latin(title[start - 1])) and not (rest and _is_latin(rest[0]))


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


@cache
def _table() -> _Table:
    beginnings: dict[str, dict[str, None]] = {}
    rules: dict[str, list[_Rule]] = {}
    for number, row in enumerate(schemas.high_value_words()):
        rule = _Rule(number, row.entry, row.words, frozenset(row.without))
        for word in (*(word for group in rule.groups for word in group), *rule.without):
            beginnings.setdefault(word.removeprefix("=")[:2], {})[word] = None
        for word in row.words[0]:
            rules.setdefault(word, []).append(rule)
    return _Table(
        {letters: tuple(words) for letters, words in beginnings.items()},
        {word: tuple(several) for word, several in rules.items()},
    )


@cache
def _entries_of(category: str) -> tuple[str, ...]:
    """The entries whose EU category is this one or one above it."""
    categories = schemas.vocabulary("hvd_categories").terms
    lineage = []
    while category in categories:
        lineage.append(category)
        category = categories[category].attributes.get("broader", "")
    return tuple(entry.id for entry in schemas.high_value_entries().values() if entry.category in lineage)


def fields_of(entry: str, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """The ids of the expected fields that the columns are, by any of their names."""
    spellings = _spellings(entry)
    has = {spellings[name] for column in columns for name in _names(column) if name in spellings}
    return tuple(field.id for field in schemas.high_value_entries()[entry].fields if field.id in has)


def _names(column: Column) -> Iterator[str]:
    """What a column may be called: of ``Name(名稱)`` and ``地點：LOCATION`` all of it and either part."""
    for text in (column.name, column.title):
        if text is not None:
            yield from _names_in(text)


@lru_cache(maxsize=20_000)
def _names_in(text: str) -> tuple[str, ...]:
    spelling = _spelling(text)
    return (spelling, *_PARTS.split(spelling))


@cache
def _spellings(entry: str) -> Mapping[str, str]:
    """The expected field that each of its names leads to."""
    return {
        _spelling(name): field.id
        for field in schemas.high_value_entries()[entry].fields
        for name in (field.zh, field.en, *field.aliases)
    }


def _spelling(name: str) -> str:
    """A field's name without what portals write in as many ways as they are: ``stop_name`` is ``StopName``."""
    return _simplified(name).replace(" ", "")


def _simplified(text: str) -> str:
    return schemas.fold(text).translate(_characters())


@cache
def _characters() -> Mapping[int, str]:
    return str.maketrans(dict(schemas.simplified()))
