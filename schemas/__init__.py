"""Reads the packaged tables: vocabularies, crosswalks and JSON Schemas.

The tables are data that people who do not program can review; this module is the only way to them.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from msgspec import Struct


class Term(Struct, frozen=True):
    """One row of a vocabulary."""

    code: str
    zh: str
    en: str
    uri: str | None
    aliases: tuple[str, ...]
    attributes: Mapping[str, str]
    """The further columns of the table, by name; an empty cell is left out."""

    def label(self, locale: str) -> str:
        """The name in ``zh`` or ``en``."""
        return self.zh if locale == "zh" else self.en


class Vocabulary(Struct, frozen=True):
    """A controlled list: its terms by code, and every spelling that leads to one."""

    name: str
    terms: Mapping[str, Term]
    spellings: Mapping[str, str]

    def resolve(self, raw: str) -> str | None:
        """The code a raw value stands for: a code, a URI, a label or an alias in any spelling; None when unknown."""
        return self.spellings.get(fold(raw))

    def label(self, code: str, locale: str) -> str:
        """The name of a code in ``zh`` or ``en``; the code itself when the table lacks it."""
        term = self.terms.get(code)
        return term.label(locale) if term else code


class CrosswalkRow(Struct, frozen=True):
    """How one unified field is read from a portal's record."""

    field: str
    path: str
    cleaner: str
    note: str


_GAPS = re.compile(r"[\s_\-]+")


def fold(raw: str) -> str:
    """A spelling without what carries no meaning: width, case, surrounding quotes, runs of space, ``_`` and ``-``."""
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", raw)).strip(" \"'").casefold()


def _rows(path: str) -> list[dict[str, str]]:
    text = files(__name__).joinpath(path).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def vocabulary(name: str) -> Vocabulary:
    """The vocabulary ``vocabularies/<name>.csv``.

    Columns ``code,zh,en`` are required; ``uri`` and ``aliases`` (separated by ``|``) are understood; every other
    column becomes an attribute. Raises ValueError when one spelling leads to two codes.
    """
    terms: dict[str, Term] = {}
    spellings: dict[str, str] = {}
    for row in _rows(f"vocabularies/{name}.csv"):
        aliases = tuple(alias for alias in (row.get("aliases") or "").split("|") if alias)
        attributes = {
            key: value
            for key, value in row.items()
            if value and key not in ("code", "zh", "en", "uri", "aliases")
        }
        term = Term(
            row["code"], row["zh"], row["en"], row.get("uri") or None, aliases, MappingProxyType(attributes)
        )
        if term.code in terms:
            raise ValueError(f"vocabulary {name}: code {term.code!r} stands twice")
        terms[term.code] = term
        for spelling in (term.code, term.zh, term.en, term.uri or "", *aliases):
            owner = spellings.setdefault(fold(spelling), term.code) if spelling else term.code
            if owner != term.code:
                raise ValueError(f"vocabulary {name}: {spelling!r} leads to both {owner!r} and {term.code!r}")
    return Vocabulary(name, MappingProxyType(terms), MappingProxyType(spellings))


@cache
def crosswalk(kind: str) -> tuple[CrosswalkRow, ...]:
    """The rows of ``crosswalks/<kind>.csv`` in their order."""
    return tuple(
        CrosswalkRow(row["field"], row["path"], row["cleaner"], row["note"])
        for row in _rows(f"crosswalks/{kind}.csv")
    )


@cache
def json_schema(name: str) -> Mapping[str, Any]:
    """The JSON Schema ``<name>.schema.json``."""
    schema: dict[str, Any] = json.loads(
        files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    )
    return MappingProxyType(schema)


@cache
def context(name: str) -> Mapping[str, Any]:
    """The packaged equivalent ``contexts/<name>.jsonld`` of an accepted JSON-LD context."""
    document: dict[str, Any] = json.loads(
        files(__name__).joinpath(f"contexts/{name}.jsonld").read_text(encoding="utf-8")
    )
    return MappingProxyType(document)


@cache
def contexts() -> Mapping[str, Mapping[str, Any]]:
    """The terms of every accepted JSON-LD context by each address that portals name it by."""
    return MappingProxyType(
        {row["address"]: MappingProxyType(context(row["name"])["@context"]) for row in _rows("contexts/addresses.csv")}
    )


@cache
def namespaces() -> Mapping[str, str]:
    """The prefix of every namespace that plain RDF records abbreviate, by its URI."""
    return MappingProxyType({row["uri"]: row["prefix"] for row in _rows("namespaces.csv")})


@cache
def fingerprint() -> str:
    """A digest of every table a translation depends on: another fingerprint, another reading of the same record."""
    digest = hashlib.blake2b(digest_size=8)
    for folder in ("vocabularies", "crosswalks"):
        for table in sorted(files(__name__).joinpath(folder).iterdir(), key=lambda table: table.name):
            if table.name.endswith(".csv"):
                digest.update(table.name.encode())
                digest.update(table.read_bytes())
    return digest.hexdigest()
