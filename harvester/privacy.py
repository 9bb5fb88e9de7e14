"""What in a dataset's title or field names suggests data about persons; pure, for operators' eyes only.

A suspicion is a reason to look, never a finding: only words are read, and a field may be empty or masked. The words:
``schemas/privacy.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

import schemas
from portal.catalog.model import Dataset, Issue
from schemas import PrivacyRow

CODE = "record.personal-data-suspected"

_PARENTHESES = re.compile(r"[(（][^()（）]*[)）]?")


class Suspicion(Struct, frozen=True):
    """One kind of personal data that words suggest."""

    kind: str
    """A kind of ``schemas/privacy.csv``."""
    field: str
    """The unified field the words stand in: ``title`` or ``columns``."""
    seen: tuple[str, ...]
    """The title or the names of the fields, as the portal wrote them."""
    words: tuple[str, ...]
    """What in them suggests it, folded and in simplified characters."""


class _Rule(NamedTuple):
    row: PrivacyRow
    words: re.Pattern[str]
    together: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    not_beside: re.Pattern[str] | None


def suspicions(dataset: Dataset) -> tuple[Suspicion, ...]:
    """The kinds of personal data that a dataset's title and field names suggest; empty for most."""
    found = [Suspicion(kind, "title", (dataset.title,), (word,)) for kind, word in _met(dataset.title, "title")]
    if not dataset.columns:
        return tuple(found)
    names = [name for column in dataset.columns for name in (column.name, column.title) if name is not None]
    met: dict[str, dict[str, str]] = {}
    for name in names:
        for kind, word in _met(name, "column"):
            met.setdefault(kind, {})[name] = word
    for rule in _rules("column"):
        if rule.row.kind in met and rule.not_beside and any(rule.not_beside.search(_folded(name)) for name in names):
            del met[rule.row.kind]
    told = _told(met)
    return (*found, *(
        Suspicion(kind, "columns", tuple(seen), tuple(dict.fromkeys(seen.values())))
        for kind, seen in met.items() if kind in told
    ))


def issues(dataset: Dataset) -> list[Issue]:
    """The same as issues: one for each field that suggests anything."""
    labels = _labels()
    by_field: dict[str, list[Suspicion]] = {}
    for suspicion in suspicions(dataset):
        by_field.setdefault(suspicion.field, []).append(suspicion)
    return [
        Issue(
            code=CODE,
            source_key=dataset.source_key,
            field=field,
            seen="、".join(dict.fromkeys(name for each in several for name in each.seen))[:500],
            detail="; ".join(f"{labels[each.kind]}: {', '.join(each.words)}" for each in several),
        )
        for field, several in by_field.items()
    ]


def _told(met: Iterable[str]) -> set[str]:
    """Of the kinds met those to tell of: what suggests by itself, and what stands beside what it needs."""
    kinds = set(met)
    return {
        rule.row.kind
        for rule in _rules("column")
        if rule.row.kind in kinds and (rule.row.alone or not kinds.isdisjoint(rule.row.beside))
    }


@lru_cache(maxsize=20_000)
def _met(text: str, where: str) -> tuple[tuple[str, str], ...]:
    """The kinds whose words stand in one text, each with the word, whatever else the dataset says."""
    folded = _folded(text)
    # What a field is called stands before its parentheses; what makes it harmless may stand in them.
    head = _PARENTHESES.sub("", folded).strip() or folded
    whole = folded if where == "column" else head
    return tuple(
        (rule.row.kind, found.group())
        for rule in _rules(where)
        if (found := rule.words.search(head))
        and (rule.together is None or rule.together.search(head))
        and not (rule.unless and rule.unless.search(whole))
    )


@lru_cache(maxsize=20_000)
def _folded(text: str) -> str:
    """A text in simplified characters, narrow and in lower case."""
    return schemas.fold(text).translate(_simplified())


@cache
def _simplified() -> Mapping[int, str]:
    return MappingProxyType(str.maketrans(dict(schemas.simplified())))


@cache
def _rules(where: str) -> tuple[_Rule, ...]:
    return tuple(
        _Rule(row, _any(row.words) or re.compile("$^"), _any(row.together), _any(row.unless), _any(row.not_beside))
        for row in schemas.privacy()
        if row.where == where
    )


@cache
def _labels() -> Mapping[str, str]:
    return MappingProxyType({row.kind: f"{row.zh} ({row.en})" for row in schemas.privacy()})


def _any(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds any of some words; one after ``=`` only where it is the whole text."""
    parts = [f"^{re.escape(word[1:])}$" if word.startswith("=") else re.escape(word) for word in words]
    return re.compile("|".join(parts)) if parts else None
