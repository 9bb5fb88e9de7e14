"""Which region a portal means: codes of six and twelve digits, names at the start of a text, each only when sure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import normalize

from msgspec import Struct

import schemas


class Mention(Struct, frozen=True):
    """A region named at the start of a text."""

    code: str
    length: int
    """Characters the name takes."""
    former: str | None = None
    """A code of ``former_regions``, where the name is that of a region which is no more."""


class Located(Struct, frozen=True):
    """Where a dataset belongs, and what said so: None when the record itself did."""

    code: str
    inferred_from: str | None


class Leading(Struct, frozen=True):
    """The places a text begins with."""

    code: str | None
    """The narrowest, when it lies inside the one looked in."""
    named: str | None
    """The narrowest, wherever it lies; None when the text begins with no place."""
    end: int
    """Where in the text their names end."""


class _Name(Struct, frozen=True):
    """What one spelling may mean."""

    codes: tuple[str, ...]
    is_full: bool
    """``杭州市``, not ``杭州``: a short name is also a word (合作, 东方), so less is inferred from it."""
    former: Mapping[str, str] = MappingProxyType({})
    """Of a name that no place bears any more: the code that bore it, by the code of what took its place."""


ELSEWHERE = frozenset(("71", "81", "82"))
"""Taiwan, Hong Kong and Macao, by the first digits of their codes: no table of ours has their places and offices."""

_DIGITS = re.compile(r"(\d{6})(?:\d{3}|\d{6})?")
# A title may begin with a year or a mark before it names a place: 2022年江安县…, 【江安县】…
_BEFORE_TITLE = re.compile(r"(?:[\s\[【(《]|\d{2,4}[年.\-\]】]|(?<=年)\d{1,2}月(?:份)?|度)*")
# 城区, 郊区 and 矿区 are names of districts and words of every city.
_WORDS = frozenset(("城区", "郊区", "矿区", "港区"))


@cache
def _names() -> Mapping[str, _Name]:
    """Every Chinese spelling of a region of China, and what it may mean; what is gone leads to what it became."""
    full: dict[str, dict[str, None]] = {}
    short: dict[str, dict[str, None]] = {}
    for term in schemas.vocabulary("regions").terms.values():
        if not schemas.is_chinese(term.code):
            continue
        full.setdefault(normalize("NFKC", term.zh), {})[term.code] = None
        for spelling in (term.attributes.get("short", term.zh), *term.aliases):
            if not spelling.isascii():
                kind = full if spelling == term.zh or term.attributes["level"] == "zone" else short
                kind.setdefault(normalize("NFKC", spelling), {})[term.code] = None
    former: dict[str, dict[str, str]] = {}
    for term in schemas.vocabulary("former_regions").terms.values():
        # A name that is borne today means the place that bears it.
        if term.zh not in full:
            short.setdefault(term.zh, {})[term.attributes["replaced_by"]] = None
            former.setdefault(term.zh, {}).setdefault(term.attributes["replaced_by"], term.code)
    names = {
        spelling: _Name(tuple(codes), is_full=False, former=former.get(spelling, {})) for spelling, codes in short.items()
    }
    names |= {spelling: _Name(tuple(codes), is_full=True) for spelling, codes in full.items()}
    return MappingProxyType(names)


@cache
def _longest() -> int:
    return max(map(len, _names()))


def by_code(raw: str) -> str | None:
    """The region of a code of 6, 9 or 12 digits; None when it is none.

    A code that was replaced leads to what took its place; a county we do not know, to its prefecture.
    """
    digits = _DIGITS.fullmatch(raw.strip())
    if digits is None:
        return None
    code = digits[1]
    former = schemas.vocabulary("former_regions").terms.get(code)
    if former is not None:
        return former.attributes["replaced_by"]
    resolve = schemas.vocabulary("regions").resolve
    return resolve(code) or resolve(f"{code[:4]}00") or resolve(f"{code[:2]}0000")


def stated(raw: str, within: str | None) -> str | None:
    """The region a record itself states, by code or by name; None when it is not understood for sure."""
    if within is not None and not schemas.is_chinese(within):
        return None
    text = normalize("NFKC", raw).strip()
    mention = named(text, within)
    return by_code(text) or (mention.code if mention is not None and mention.length == len(text) else None)


def former(raw: str, within: str | None) -> str | None:
    """The code of ``former_regions`` by which, or by whose name, a record states its region; None where it is today's."""
    text = normalize("NFKC", raw).strip()
    digits = _DIGITS.fullmatch(text)
    if digits is not None:
        return digits[1] if digits[1] in schemas.vocabulary("former_regions").terms else None
    mention = named(text, within)
    return mention.former if mention is not None and mention.length == len(text) else None


def named(text: str, within: str | None) -> Mention | None:
    """The region whose name a text begins with: the longest name that is sure.

    ``within`` is the region in which to look first (the source's): a name several places bear means the one there,
    and none where it bears none or several. Elsewhere only a name one place bears is believed, a short one only of
    provinces and prefectures; where ``within`` is no region of ours nothing is.
    """
    if within is not None and not schemas.is_chinese(within):
        return None
    names = _names()
    for length in range(min(len(text), _longest()), 1, -1):
        name = names.get(text[:length])
        code = None if name is None else _meant(name, within)
        if code is not None:
            return Mention(code, length, None if name is None else name.former.get(code))
    return None


def _meant(name: _Name, within: str | None) -> str | None:
    near = [code for code in name.codes if is_in(code, within) or is_in(within, code)]
    if near:
        # 吉林 in the source of the province is also a city there: the province is true of both.
        outer = min(near, key=lambda code: len(schemas.region_ancestors(code)))
        return outer if all(is_in(code, outer) for code in near) else None
    if len(name.codes) > 1:
        return None
    (code,) = name.codes
    return code if name.is_full or len(schemas.region_ancestors(code)) < 3 and is_large(code) else None


def is_large(code: str) -> bool:
    """Whether it is a province or a prefecture."""
    return schemas.vocabulary("regions").terms[code].attributes["level"] in ("province", "prefecture")


def is_in(code: str | None, outer: str | None) -> bool:
    """Whether a region is another one or lies in it."""
    if code is None or outer is None:
        return False
    return schemas.is_chinese(code) if outer == schemas.COUNTRY else outer in schemas.region_ancestors(code)


def in_title(title: str, within: str) -> str | None:
    """The region inside ``within`` that a title begins with, by its full name; None when there is none.

    Names of what holds ``within`` may stand before it: 江苏省徐州市沛县….
    """
    if title.isascii():
        return None
    text = normalize("NFKC", title)
    start = _BEFORE_TITLE.match(text)
    return spelled_out(text, within, start.end() if start else 0).code


def spelled_out(text: str, within: str, start: int = 0) -> Leading:
    """The full names of regions that follow one another in ``text`` from ``start`` on: of what holds ``within``, its
    own, of what lies in it."""
    at, region = start, within
    named: str | None = None
    while at < len(text):
        names = _on_the_way(region)
        for length in names.lengths:
            code = names.codes.get(text[at:at + length])
            if code is not None:
                break
        else:
            break
        at += length
        if named is None or is_in(code, named):
            named = code
        if is_in(code, region):
            region = code
    return Leading(region if region != within else None, named, at)


class _Way(NamedTuple):
    """The full names that may stand where a region is spelled out: of what holds it, its own, of what lies in it."""

    codes: Mapping[str, str]
    lengths: tuple[int, ...]
    """Of the names, the longest first."""


@lru_cache(maxsize=4096)
def _on_the_way(region: str) -> _Way:
    codes: dict[str, str] = {}
    for spelling, name in _names().items():
        near = [code for code in name.codes if is_in(code, region) or is_in(region, code)]
        if name.is_full and len(near) == 1 and spelling not in _WORDS:
            codes[spelling] = near[0]
    return _Way(MappingProxyType(codes), tuple(sorted({len(spelling) for spelling in codes}, reverse=True)))


def locate(source: str | None, stated: str | None, publisher: str | None, title: str) -> Located | None:
    """The region of a dataset: what the record states, else the narrowest sure one inside the source's region.

    ``publisher`` is the region its name gives. A publisher below the source's region decides; one of the source's own
    level leaves it to the title (a city's bureau publishing one county's list). Without a region of the source the
    publisher's is taken. None when nothing says one.
    """
    if stated is not None:
        return Located(stated, None)
    if source is None:
        return Located(publisher, "publisher") if publisher is not None else None
    if publisher is not None and publisher != source and is_in(publisher, source):
        return Located(publisher, "publisher")
    narrower = in_title(title, source)
    return Located(narrower, "title") if narrower is not None else Located(source, "source")
