"""Reads the sandbox's word tables: places, departments, topics, spellings and the portals that use them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct, convert


class Place(Struct, frozen=True, kw_only=True):
    """A region with its parts: districts of a city, cities of a province, councils or counties elsewhere."""

    code: str
    name: str
    short: str
    name_en: str
    level: str
    local_publisher: str
    """How the place of a part's own department is said: ``{part}`` alone, or after ``{city}``."""
    dialling: str
    parts: tuple[str, ...]
    parts_en: tuple[str, ...]
    """The same in the same order in English."""

    @property
    def language(self) -> str:
        """The language its portals are written in: codes of GB/T 2260 are figures."""
        return "zh" if self.code.isdigit() else "en"


class Office(Struct, frozen=True, kw_only=True):
    """How one department or institution is named in the places it applies to."""

    department: str
    applies_to: str
    """``city``, ``province`` or the code of one place, which wins over the general rows."""
    name: str
    name_en: str = ""
    slug: str
    institution: str = ""
    local: bool
    """Parts of the place have one of their own."""


class Topic(Struct, frozen=True, kw_only=True):
    """What a dataset can be about."""

    department: str
    theme: str
    title: str
    title_en: str = ""
    about: str
    """One sentence without its full stop."""
    columns: tuple[str, ...]
    tags: tuple[str, ...]
    form: str
    """``table``, ``statistics``, ``geo``, ``api`` or ``document``: decides formats and descriptions."""
    rhythm: str
    rows: int
    scope: str
    """``whole`` when only the whole place has it, ``any`` when its parts have one each as well."""


class Format(Struct, frozen=True, kw_only=True):
    """A format that datasets of a form are offered in."""

    form: str
    format: str
    media_type: str
    kind: str
    bytes_per_row: int | None = None


class Pattern(Struct, frozen=True, kw_only=True):
    """A way to write a description; ``form`` ``any`` fits all, ``rhythm`` all that are still updated."""

    language: str
    form: str
    weight: int
    text: str


class Portal(Struct, frozen=True, kw_only=True):
    """One make-believe portal: the software it runs and the spellings its people use."""

    id: str
    software: str
    path: str
    region: str
    language: str
    title: str
    title_en: str
    weight: int
    """Its share of all datasets, against the other portals."""
    since: int
    """The year it opened."""
    openness: str
    frequency: str
    theme: str
    licence: str
    fields: str
    """The five above name styles of ``spellings.csv``."""
    publishers: str
    """``full`` names, or ``relative`` ones that leave out which city or province it is."""
    domain: str
    """In the addresses that never change, whatever port the sandbox runs on."""
    copies: str = ""
    """A city's portal, a few of whose datasets this one lists again; empty when none."""


Row = TypeVar("Row")


def _rows(table: str, row: type[Row], *lists: str) -> list[Row]:
    """The rows of a table without empty cells; the columns ``lists`` hold several values between ``|``."""
    text = files(__package__).joinpath(table).read_text(encoding="utf-8")
    cells = [
        {name: cell.split("|") if name in lists else cell for name, cell in line.items() if cell}
        for line in csv.DictReader(text.splitlines())
    ]
    return [convert(line, type=row, strict=False) for line in cells]


@cache
def places() -> Mapping[str, Place]:
    """Every place by its code."""
    return MappingProxyType({place.code: place for place in _rows("places.csv", Place, "parts", "parts_en")})


@cache
def portals() -> Mapping[str, Portal]:
    """Every portal by its id, in the order of the table."""
    return MappingProxyType({portal.id: portal for portal in _rows("portals.csv", Portal)})


@cache
def offices(language: str) -> Mapping[tuple[str, str], Office]:
    """Every department row by what it is and where it applies."""
    found = _rows(f"departments_{language}.csv", Office)
    return MappingProxyType({(office.department, office.applies_to): office for office in found})


@cache
def topics(language: str) -> tuple[Topic, ...]:
    """What datasets are about in one language."""
    return tuple(_rows(f"topics_{language}.csv", Topic, "columns", "tags"))


@cache
def formats(form: str) -> tuple[Format, ...]:
    """The formats of a form, the commonest first."""
    return tuple(offered for offered in _rows("formats.csv", Format) if offered.form == form)


@cache
def patterns(language: str, forms: tuple[str, ...]) -> tuple[Pattern, ...]:
    """The description patterns that fit any of some forms."""
    every = _rows("descriptions.csv", Pattern)
    return tuple(pattern for pattern in every if pattern.language == language and pattern.form in forms)


class _Spelling(Struct, frozen=True, kw_only=True):
    vocabulary: str
    code: str
    style: str
    text: str = ""


@cache
def _spellings() -> Mapping[tuple[str, str, str], str]:
    return {(row.vocabulary, row.style, row.code): row.text for row in _rows("spellings.csv", _Spelling)}


def spelling(vocabulary: str, style: str, code: str) -> str:
    """How a style writes a code; the code itself where the style has no spelling of its own."""
    return _spellings().get((vocabulary, style, code), code)
