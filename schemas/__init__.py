"""Reads the packaged tables: vocabularies, crosswalks and JSON Schemas.

The tables are data that people who do not program can review; this module is the only way to them.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tomllib
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
        """The code a raw value stands for: a code, URI, label or alias in any spelling; None when unknown.

        Traditional characters are simplified ones where no spelling has them.
        """
        spelling = fold(raw)
        return self.spellings.get(spelling) or (
            None if spelling.isascii() else self.spellings.get(spelling.translate(_to_simplified()))
        )

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


class Profile(Struct, frozen=True):
    """What one profile of a format requires of a record."""

    name: str
    marks: tuple[str, ...]
    """Members (``a`` or ``a=value``) any of which tells that a record follows it."""
    required: tuple[str, ...]
    """Members, or members of the items of a list (``list.member``)."""


class PrivacyRow(Struct, frozen=True):
    """Words in the name of a field or in a title that suggest data about persons."""

    kind: str
    zh: str
    en: str
    where: str
    """``column`` or ``title``."""
    alone: bool
    """Whether the words suggest it by themselves; else only where a kind of ``beside`` is met too."""
    words: tuple[str, ...]
    """Any of them must stand there, folded; one that begins with ``=`` must be all of it."""
    together: tuple[str, ...]
    """Any of these too, in the same place."""
    unless: tuple[str, ...]
    """None of these in the same place."""
    beside: tuple[str, ...]
    """Kinds, one of which another field of the same dataset must be of."""
    not_beside: tuple[str, ...]
    """Words that may stand in no field of the same dataset."""


class Shape(Struct, frozen=True):
    """What is asked of one property of a class."""

    least: int
    most: int | None
    """None where it may have any number of values."""
    kind: str
    """What each value must be, a key of ``harvester.dcat_shapes``' kinds; empty where it may be anything."""


class ExpectedField(Struct, frozen=True):
    """One field that a high-value dataset is expected to have."""

    id: str
    """Unique within its entry."""
    zh: str
    en: str
    type: str
    """One of ``FIELD_TYPES``."""
    unit: str | None
    """UCUM; None where it has none, or portals differ in it."""
    code_list: str | None
    """The standard whose codes its values are."""
    required: bool
    """Whether the dataset does not serve without it."""
    sensitive: bool
    """Whether its values may be of persons; such a field is never required."""
    aliases: tuple[str, ...]
    """How portals write its name besides ``zh`` and ``en``."""

    def label(self, locale: str) -> str:
        """The name in ``zh`` or ``en``."""
        return self.zh if locale == "zh" else self.en


class HighValueEntry(Struct, frozen=True):
    """One dataset of the high-value list: what every region is expected to publish."""

    id: str
    """Stable for ever: ``COM-1``."""
    zh: str
    en: str
    about_zh: str
    about_en: str
    category: str | None
    """The code of ``hvd_categories`` that says the same, the most precise; None where the EU's list lacks it."""
    key_field: str | None
    """One of ``KEY_FIELDS``."""
    domain: str
    """A code of ``themes``."""
    x12: str | None
    """The field of 数据要素× it serves."""
    functions: tuple[str, ...]
    """Codes of ``department_functions`` that make it, the main one first."""
    levels: tuple[str, ...]
    """Levels of ``regions`` whose regions are expected to publish it."""
    frequency: str
    """A code of ``frequencies``: the slowest at which it is still of use."""
    norm_zh: str
    """Where the entry comes from, in words."""
    norm_en: str
    fields: tuple[ExpectedField, ...]

    def label(self, locale: str) -> str:
        """The name in ``zh`` or ``en``."""
        return self.zh if locale == "zh" else self.en

    def about(self, locale: str) -> str:
        """What counts as it and what does not, in ``zh`` or ``en``."""
        return self.about_zh if locale == "zh" else self.about_en

    def norm(self, locale: str) -> str:
        """Where it comes from, in ``zh`` or ``en``."""
        return self.norm_zh if locale == "zh" else self.norm_en


class HighValueWords(Struct, frozen=True):
    """Words by which a title is recognised as an entry's; of several for one entry any does."""

    entry: str
    words: tuple[tuple[str, ...], ...]
    """Of each group one must stand in the title, in any order; one after ``=`` must be all of it."""
    without: tuple[str, ...]
    """None of these may stand in it."""


_GAPS = re.compile(r"[\s_\-]+")
_SCHEME = re.compile(r"^https?://(?:www\.)?")
# Creative Commons shows each licence as a deed and as legal code, in some forty languages.
_RENDERING = re.compile(r"/(?:deed|legalcode)(?:\.[\w ]+)?$")

_COLUMNS = ("code", "zh", "en", "uri", "aliases")

COUNTRY = "100000"
"""The code of the whole country in ``regions``; other countries stand there by their ISO 3166-1 codes."""

KEY_FIELDS = ("企业登记监管", "卫生健康", "交通运输", "气象")
"""The fields 要素市场化配置综合改革试点总体方案 names first."""

FIELD_TYPES = ("text", "code", "number", "integer", "date", "datetime", "boolean", "geometry")
"""What the values of an expected field are."""

_AMBIGUOUS = frozenset({"regions", "former_regions"})
"""Vocabularies in which a spelling of several codes leads to none of them: Chinese county names recur."""


def fold(raw: str) -> str:
    """A spelling without what carries no meaning.

    That is width, case, surrounding quotes, runs of space, ``_`` and ``-``; of an address also its scheme,
    ``www.``, the closing slash, and which rendering of a licence it shows.
    """
    spelling = _GAPS.sub(" ", unicodedata.normalize("NFKC", raw)).strip(" \"'“”‘’").casefold()
    address = _SCHEME.sub("", spelling)
    return spelling if address == spelling else _RENDERING.sub("", address.rstrip("/"))


def _rows(path: str) -> list[dict[str, str]]:
    text = files(__name__).joinpath(path).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def vocabulary(name: str) -> Vocabulary:
    """The vocabulary ``vocabularies/<name>.csv``.

    Columns ``code,zh,en`` are required; ``uri`` and ``aliases`` (separated by ``|``) are understood; every
    other column becomes an attribute. Raises ValueError when one spelling leads to two codes; in ``regions`` and
    ``former_regions``, where names recur, such a spelling leads to none.
    """
    terms: dict[str, Term] = {}
    owners: dict[str, set[str]] = {}
    for row in _rows(f"vocabularies/{name}.csv"):
        aliases = tuple(alias for alias in (row.get("aliases") or "").split("|") if alias)
        attributes = {column: cell for column, cell in row.items() if cell and column not in _COLUMNS}
        uri = row.get("uri") or None
        term = Term(row["code"], row["zh"], row["en"], uri, aliases, MappingProxyType(attributes))
        if term.code in terms:
            raise ValueError(f"vocabulary {name}: code {term.code!r} stands twice")
        terms[term.code] = term
        for spelling in filter(None, (term.code, term.zh, term.en, term.uri, *aliases)):
            owners.setdefault(fold(spelling), set()).add(term.code)
    recurring = {spelling: codes for spelling, codes in owners.items() if len(codes) > 1}
    if recurring and name not in _AMBIGUOUS:
        raise ValueError(f"vocabulary {name}: spellings that lead to several codes: {recurring}")
    spellings = {spelling: code for spelling, (code, *others) in owners.items() if not others}
    return Vocabulary(name, MappingProxyType(terms), MappingProxyType(spellings))


@cache
def region_ancestors(code: str) -> tuple[str, ...]:
    """The region itself, then what it lies in up to its province, or abroad its country; a country stands alone.

    Empty when ``regions`` lacks the code. The levels 市辖区 and 省直辖 are no regions: a district of Beijing lies
    in Beijing.
    """
    region = vocabulary("regions").terms.get(code)
    if region is None:
        return ()
    parent = region.attributes.get("parent", COUNTRY)
    return (code,) if parent == COUNTRY else (code, *region_ancestors(parent))


@cache
def _region_parts() -> Mapping[str, tuple[str, ...]]:
    parts: dict[str, list[str]] = {}
    for term in vocabulary("regions").terms.values():
        parts.setdefault(term.attributes.get("parent", ""), []).append(term.code)
    return MappingProxyType({parent: tuple(codes) for parent, codes in parts.items()})


def region_parts(code: str) -> tuple[str, ...]:
    """The regions right below a region, in the table's order."""
    return _region_parts().get(code, ())


@cache
def is_chinese(code: str) -> bool:
    """Whether a region is the country or lies in it; False for one abroad, and for a code ``regions`` lacks."""
    lineage = region_ancestors(code)
    return bool(lineage) and vocabulary("regions").terms[lineage[-1]].attributes["level"] != "country"


@cache
def crosswalk(kind: str) -> tuple[CrosswalkRow, ...]:
    """The rows of ``crosswalks/<kind>.csv`` in their order."""
    return tuple(
        CrosswalkRow(row["field"], row["path"], row["cleaner"], row["note"])
        for row in _rows(f"crosswalks/{kind}.csv")
    )


@cache
def issues_for_operators() -> frozenset[str]:
    """The codes of issues that are shown to operators and never to the public."""
    terms = vocabulary("issues").terms.values()
    return frozenset(term.code for term in terms if term.attributes.get("audience") == "operators")


@cache
def simplified() -> Mapping[str, str]:
    """Traditional Chinese characters and the simplified one each is folded to, one for one (``simplified.csv``).

    The pairs are those of OpenCC's character table: a fold by single characters gives the same answer in whatever
    words a character stands, which a search for parts of words needs.
    """
    return MappingProxyType({row["traditional"]: row["simplified"] for row in _rows("simplified.csv")})


@cache
def _to_simplified() -> Mapping[int, str]:
    return MappingProxyType({ord(traditional): simple for traditional, simple in simplified().items()})


@cache
def publisher_words() -> Mapping[str, frozenset[str]]:
    """The words names of public bodies are made of besides places and functions, by kind (``publisher_words.csv``)."""
    return MappingProxyType({row["kind"]: frozenset(row["words"].split()) for row in _rows("publisher_words.csv")})


@cache
def key_words() -> Mapping[str, frozenset[str]]:
    """The words that stand ``before`` and ``after`` the name of a field in portals' keys (``key_words.csv``)."""
    words: dict[str, frozenset[str]] = {}
    for row in _rows("key_words.csv"):
        words[row["kind"]] = words.get(row["kind"], frozenset()) | frozenset(row["words"].split())
    return MappingProxyType(words)


@cache
def privacy() -> tuple[PrivacyRow, ...]:
    """The rows of ``privacy.csv`` in their order, with the words of ``privacy_words.csv`` for every ``@name`` in a cell."""
    groups = {f"@{row['name']}": _several(row["words"]) for row in _rows("privacy_words.csv")}

    def words(cell: str) -> tuple[str, ...]:
        return tuple(word for part in _several(cell) for word in (groups[part] if part.startswith("@") else (part,)))

    return tuple(
        PrivacyRow(
            row["kind"], row["zh"], row["en"], row["where"], row["alone"] == "yes", words(row["words"]),
            words(row["with"]), words(row["unless"]), _several(row["beside"]), words(row["not_beside"]),
        )
        for row in _rows("privacy.csv")
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def _spaced(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(" | ")) if cell else ()


@cache
def high_value_entries() -> Mapping[str, HighValueEntry]:
    """The high-value list by id, in its order: ``highvalue/entries.csv``, each with its rows of ``highvalue/fields.csv``."""
    fields: dict[str, list[ExpectedField]] = {}
    for row in _rows("highvalue/fields.csv"):
        fields.setdefault(row["entry"], []).append(
            ExpectedField(
                row["id"], row["zh"], row["en"], row["type"], row["unit"] or None, row["code_list"] or None,
                row["required"] == "yes", row["sensitive"] == "yes", _spaced(row["aliases"]),
            )
        )
    return MappingProxyType({
        row["id"]: HighValueEntry(
            row["id"], row["zh"], row["en"], row["about_zh"], row["about_en"], row["category"] or None,
            row["key_field"] or None, row["domain"], row["x12"] or None, _spaced(row["functions"]),
            _spaced(row["levels"]), row["frequency"], row["norm_zh"], row["norm_en"], tuple(fields[row["id"]]),
        )
        for row in _rows("highvalue/entries.csv")
    })


@cache
def high_value_words() -> tuple[HighValueWords, ...]:
    """The rows of ``highvalue/words.csv`` in their order.

    A row whose entry is ``@name`` is no rule but a group of words, which stand wherever a cell says ``@name``.
    """
    rows = _rows("highvalue/words.csv")
    groups: dict[str, tuple[str, ...]] = {}

    def several(cell: str) -> tuple[str, ...]:
        return tuple(word for part in _several(cell) for word in (groups[part] if part.startswith("@") else (part,)))

    for row in rows:
        if row["entry"].startswith("@"):
            groups[row["entry"]] = several(row["words"])
    return tuple(
        HighValueWords(row["entry"], tuple(map(several, row["words"].split(" & "))), several(row["without"]))
        for row in rows
        if not row["entry"].startswith("@")
    )


@cache
def placeholders() -> frozenset[str]:
    """What portals write where they mean nothing, in lower case and NFKC (``placeholders.csv``)."""
    return frozenset(row["word"] for row in _rows("placeholders.csv"))


@cache
def title_words() -> Mapping[str, tuple[str, ...]]:
    """Words at the end of a title that tell no dataset from another, by kind, the longest first (``title_words.csv``)."""
    return MappingProxyType({
        row["kind"]: tuple(sorted(row["words"].split(), key=len, reverse=True)) for row in _rows("title_words.csv")
    })


@cache
def answer_words() -> Mapping[str, frozenset[str]]:
    """Members of answers that mean the same at every portal, by kind, in lower case without ``_`` (``answer_words.csv``).

    ``total`` says how many records there are, ``reason`` in words what is wrong.
    """
    return MappingProxyType({row["kind"]: frozenset(row["words"].split()) for row in _rows("answer_words.csv")})


@cache
def profiles(kind: str) -> tuple[Profile, ...]:
    """The rows of ``profiles/<kind>.csv`` in their order."""
    return tuple(
        Profile(row["profile"], tuple(row["mark"].split("|")), tuple(row["required"].split("|")))
        for row in _rows(f"profiles/{kind}.csv")
    )


@cache
def families() -> tuple[str, ...]:
    """The families of portals that have a profile, in alphabetical order."""
    folder = files(__name__).joinpath("profiles/families")
    return tuple(sorted(profile.name.removesuffix(".toml") for profile in folder.iterdir()))


@cache
def family(name: str) -> Mapping[str, Any]:
    """The profile ``profiles/families/<name>.toml``; KeyError when there is none."""
    if name not in families():
        raise KeyError(name)
    text = files(__name__).joinpath(f"profiles/families/{name}.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def shapes(name: str) -> Mapping[str, Mapping[str, Shape]]:
    """The rules of ``shapes/<name>.csv`` by class and property."""
    read: dict[str, dict[str, Shape]] = {}
    for row in _rows(f"shapes/{name}.csv"):
        most = int(row["most"]) if row["most"] else None
        read.setdefault(row["class"], {})[row["property"]] = Shape(int(row["least"] or 0), most, row["kind"])
    return MappingProxyType(read)


@cache
def codes(name: str) -> Mapping[str, Mapping[str, str]]:
    """The terms that a family's or a portal's own codes stand for, by vocabulary: ``codes/<name>.csv``."""
    read: dict[str, dict[str, str]] = {}
    for row in _rows(f"codes/{name}.csv"):
        read.setdefault(row["vocabulary"], {})[fold(row["raw"])] = row["code"]
    return MappingProxyType(read)


@cache
def scorecard(name: str) -> str:
    """The TOML of the rule set ``scorecard/<name>.toml``."""
    return files(__name__).joinpath(f"scorecard/{name}.toml").read_text(encoding="utf-8")


@cache
def reasons() -> Mapping[str, Mapping[str, str]]:
    """Why a verdict is what it is, by code: ``zh`` and ``en``, with places for ``{seen}`` and ``{limit}``.

    ``property.<name>`` is what a property of DCAT is called in them.
    """
    return MappingProxyType({row["code"]: MappingProxyType(row) for row in _rows("scorecard/reasons.csv")})


@cache
def eu_formats() -> tuple[Mapping[str, str], ...]:
    """The EU's file types that its list has as ``open`` or ``machine_readable``: ``scorecard/eu_formats.csv``."""
    return tuple(MappingProxyType(row) for row in _rows("scorecard/eu_formats.csv"))


@cache
def json_schema(name: str) -> Mapping[str, Any]:
    """The JSON Schema ``<name>.schema.json``."""
    text = files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
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
    """A digest of every table a translation depends on: another one, another reading of a record."""
    digest = hashlib.blake2b(digest_size=8)
    for folder in ("vocabularies", "crosswalks", "profiles", "profiles/families", "codes", "shapes"):
        for table in sorted(files(__name__).joinpath(folder).iterdir(), key=lambda table: table.name):
            if table.name.endswith((".csv", ".toml")):
                digest.update(table.name.encode())
                digest.update(table.read_bytes())
    for name in ("key_words.csv", "placeholders.csv", "privacy.csv", "privacy_words.csv", "publisher_words.csv"):
        digest.update(files(__name__).joinpath(name).read_bytes())
    return digest.hexdigest()
