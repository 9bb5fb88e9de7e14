"""Takes a dataset's title apart: what it is about, the time and the place it is cut to; pure.

Portals write one dataset's title in several ways: with its place, with its department, with how its data may be had
(市体育局_公共体育场馆信息, 徐州市公共体育场馆信息_可开放). What is left without these tells whether two titles say the same.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple
from unicodedata import normalize

from msgspec import Struct

import schemas
from harvester import departments, regions


class Title(Struct, frozen=True):
    """A title taken apart."""

    whole: str
    """Folded: no case, width, punctuation or traditional characters."""
    core: str
    """What it is about, folded; never empty where the title is not."""
    period: str
    """Years, months, quarters it names, in order, joined by ``|``; empty when it names none."""
    place: str | None
    """The region it begins with, when that lies inside the one given."""
    is_placed: bool
    """Whether it begins with a place at all."""
    said: str
    """Folded, without the publisher before it only."""


_PERIOD = re.compile(
    r"(?<!\d)(?:19|20)\d{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?)?(?!\d)(?:学年度?|年度?|版)?"
    r"|(?<!\d)\d{2,3}(?:学年度?|年度?)"
    r"|(?<!\d)\d{1,2}(?:[-~至到—]\d{1,2})?月份?"
    r"|(?<=[年月])\d{1,2}日"
    r"|第?[一二三四1-4]季度?|[上下]半年(?:度)?"
    # 民國 106.11.29
    r"|(?<![\d.])\d{3}\.\d{1,2}(?:\.\d{1,2})?(?![\d.])"
)
_UNITS = re.compile(r"学年度?|年度?|版|月份?|日|第|季度?|度$")
_MARKS = re.compile(r"[\W_]+")
_GAP = re.compile(r"[\s\[【(《「_\-—:.、]*")
_LABEL = re.compile(r"([^_\-—:]{2,24})[_\-—:]+(?=.{2})")
_LAST = re.compile(r"^(.{2,})[_\-—(\[【]+([^_\-—()\[\]【】]+)[)\]】\s]*$")
_BRACKETED = re.compile(r"^[【\[]([^】\]]+)[】\]]")
SHORTEST = 2
"""Characters a core must keep; a title of nothing but a place and a year is its own core."""


@cache
def _simplified() -> dict[int, str]:
    return {ord(traditional): plain for traditional, plain in schemas.simplified().items()}


def plain(text: str) -> str:
    """A text without differences of width, case, traditional and simplified characters."""
    text = normalize("NFKC", text).casefold()
    return text if text.isascii() else text.translate(_simplified())


def fold(text: str) -> str:
    """The same without spaces and punctuation too."""
    return _MARKS.sub("", plain(text))


def take_apart(title: str, within: str | None, publisher: str | None) -> Title:
    """A title of a dataset of the region ``within`` published by ``publisher``, taken apart."""
    text = plain(title)
    whole = _MARKS.sub("", text)
    when = _PERIOD.findall(text)
    rest = _without_form(_PERIOD.sub(" ", text).strip() if when else text)
    front = _front(rest, within, publisher)
    core = _MARKS.sub("", rest[front.end:])
    for ending in schemas.title_words()["ending"]:
        if core.endswith(ending) and len(core) - len(ending) >= SHORTEST:
            core = core.removesuffix(ending)
            break
    if len(core) < SHORTEST:
        core = whole
    period = "|".join(_UNITS.sub("", found).strip() for found in when)
    return Title(whole, core, period, front.place, front.is_placed, whole.removeprefix(front.publisher))


def _without_form(text: str) -> str:
    """A title without the last words that say how its data may be had: …_可开放, …（XML檔）."""
    while True:
        last = _LAST.match(text)
        if last is None or _MARKS.sub("", last[2]) not in schemas.title_words()["form"]:
            return text
        text = last[1]


class _Front(NamedTuple):
    """What stands before the subject of a title."""

    end: int
    place: str | None
    is_placed: bool
    publisher: str
    """Folded, when the title begins with it."""


def _front(text: str, within: str | None, publisher: str | None) -> _Front:
    """The places and the publisher a title begins with, one after the other in any order."""
    # Where no table knows the places, a publisher's name is all that tells of which place a title is.
    if within is None or text.isascii() or within[:2] in regions.ELSEWHERE or not schemas.is_chinese(within):
        return _Front(0, None, False, "")
    names = _spellings(publisher, within) if publisher else ()
    place: str | None = None
    is_placed = False
    said = ""
    at = 0
    while True:
        start = _GAP.match(text, at)
        here = start.end() if start else at
        leading = regions.spelled_out(text, place or within, here)
        end = leading.end
        # A city's 「江苏省…名录」 is of the province: what holds the place alone belongs to the subject.
        if end > here and (leading.named == within or not regions.is_in(within, leading.named)):
            is_placed, place = True, leading.code or place
        else:
            end = _past_publisher(text, here, names, within, publisher)
            if end == here:
                return _Front(at, place, is_placed, said)
            if not is_placed:
                said = _MARKS.sub("", text[:end])
        if len(_MARKS.sub("", text[end:])) < SHORTEST:
            return _Front(at, place, is_placed, said)
        at = end


def _past_publisher(
    text: str, at: int, names: tuple[str, ...], within: str | None, publisher: str | None
) -> int:
    """Where a title goes on after its publisher's name, at its start or before a line (市卫健委_…); else ``at``."""
    for name in names:
        if text.startswith(name, at):
            return at + len(name)
    label = _LABEL.match(text, at)
    if label is None or publisher is None:
        return at
    said = departments.resolve(label[1], within)
    known = departments.resolve(publisher, within)
    if said is None or known is None or not said.functions or said.functions[0] not in known.functions:
        return at
    return label.end()


@lru_cache(maxsize=50_000)
def _spellings(publisher: str, within: str | None) -> tuple[str, ...]:
    """What of a publisher's name a title may begin with: the whole, and without places and levels."""
    whole = plain(publisher)
    short = stem(publisher, within)
    return tuple(dict.fromkeys(name for name in (whole, f"市{short}", f"县{short}", f"区{short}", short) if len(name) > 2))


@lru_cache(maxsize=50_000)
def stem(publisher: str, within: str | None) -> str:
    """A publisher's name without the places, levels and 人民政府 it begins with, folded; empty for a bare place."""
    text = plain(publisher)
    text = _BRACKETED.sub("", text)
    while True:
        text = _GAP.sub("", text, count=1)
        mention = regions.named(text, within)
        if mention is not None:
            text = text[mention.length:]
            continue
        level = _LEVEL.match(text)
        if level is None:
            return _MARKS.sub("", text)
        text = text[level.end():]


_LEVEL = re.compile(r"人民政府|(?:省|市(?!场)|区(?!域)|县|州|旗|盟)(?:级|本级)?(?=.{2})")
