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
_NOTHING = re.compile("$^")
_LABEL = re.compile(r"[^一-鿿]+[(:]\s*([一-鿿][^()]*)")
"""A Chinese label behind an identifier: ``DeadName(亡者姓名)``, ``field_4：姓名``."""


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
    # What a field is called stands before its parentheses, unless that is an identifier with a label in them; what makes
    # it harmless may stand in them.
    label = _LABEL.match(folded) if where == "column" else None
    head = label.group(1) if label else _PARENTHESES.sub("", folded).strip() or folded
    if not _every_word(where).search(head):
        return ()
    whole = folded if where == "column" else head
    met: dict[str, str] = {}
    for rule in _rules(where):
        found = rule.words.search(head)
        if (
            found
            and (rule.together is None or rule.together.search(head))
            and not (rule.unless and rule.unless.search(whole))
        ):
            met.setdefault(rule.row.kind, found.group())
    return tuple(met.items())


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
        _Rule(row, _any(row.words) or _NOTHING, _any(row.together), _any(row.unless), _any(row.not_beside))
        for row in schemas.privacy()
        if row.where == where
    )


@cache
def _labels() -> Mapping[str, str]:
    return MappingProxyType({row.kind: f"{row.zh} ({row.en})" for row in schemas.privacy()})


@cache
def _every_word(where: str) -> re.Pattern[str]:
    """What finds any word of any rule: most texts hold none, and one look is quicker than one for each rule."""
    return _any(word for row in schemas.privacy() if row.where == where for word in row.words) or _NOTHING


def _any(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds any of some words; None where there are none.

    One after ``=`` is found only where it is the whole text, one in Latin letters only where it is not part of a longer
    one: ``iban`` stands in ``libano``.
    """
    # Words that begin alike are tried together, and nothing stands before the letter they begin with: a title is then passed
    # over in one go up to a letter with which a word begins.
    by_first: dict[str, list[str]] = {}
    for word in dict.fromkeys(words):
        first, rest = word.removeprefix("=")[0], re.escape(word.removeprefix("=")[1:])
        if word.startswith("="):
            rest = f"(?<=^{re.escape(first)}){rest}$"
        elif word.isascii():
            rest = f"(?<![a-z0-9]{re.escape(first)}){rest}(?![a-z0-9])"
        by_first.setdefault(first, []).append(rest)
    parts = [f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items()]
    return re.compile("|".join(parts)) if parts else None
