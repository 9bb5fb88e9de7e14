"""The cleaners for what Chinese portals write: several formats or tags in one text, counts with units, codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import schemas
from harvester import dcat_cleaners
from harvester.addresses import address
from harvester.cleaners import Setting, integer
from harvester.texts import (
    KEYWORD_LIMIT,
    Cleaner,
    NotUnderstood,
    WrongType,
    code,
    items,
    keyword,
    keywords,
    plain_text,
    text,
)
from portal.catalog.model import Column, DistributionKind

UNFILLED = frozenset(("开放条件", "请补充开放条件", "请选择", "请补充"))
"""What forms show where nobody filled them in: 272 of 2,577 records of one portal."""

_LINES = re.compile(r"[\r\n\t\xa0]*[\r\n]+[\s\xa0]*")
_GLUE = re.compile(r"[,;、，；|\s]+")
_BETWEEN_COLUMNS = re.compile(r"[、,，;；\r\n\t]+(?![^(（]*[)）])")
_COUNTED = re.compile(r"([\d,，]+(?:\.\d+)?\s*[万萬亿億]?)\s*(?:条|條|行|个|個|项|項|筆|笔)?(?:数据|记录|資料|紀錄)?")
_TAIWANESE_AGENCY = re.compile(r"[0-9A-Z]+\s*【(.+)】")
_TELEPHONE = re.compile(r"\+?[\d()（）\-—－ #~转轉\u3000]{7,40}")
_EMAIL = re.compile(r"[^@\s<>,;:，；：]+@[^@\s<>,;:，；：]+\.[A-Za-z]{2,}")


def glued_keywords(value: Any) -> tuple[str, ...] | None:
    """The tags in one text: split at line breaks where it has any, else at commas; then at spaces.

    农、林、牧、渔业 is one tag where line breaks part the others.
    """
    if type(value) is str and _LINES.search(value.strip()):
        parts: list[Any] = _LINES.split(value.strip())
    else:
        parts = [word for each in items(value) for word in keywords(each) or ()]
    if len(parts) == 1 and type(parts[0]) is str:
        parts = parts[0].split()
    words = [keyword(part) for part in parts]
    return tuple(word[:KEYWORD_LIMIT] for word in words if word and (len(word) > 1 or not word.isascii())) or None


def row_count(value: Any) -> int | None:
    """Rows, with or without their unit (2,345条); another unit (12KB) is not understood."""
    if type(value) is not str:
        return integer(value)
    cleaned = text(value)
    if cleaned is None:
        return None
    counted = _COUNTED.fullmatch(cleaned)
    if counted is None:
        raise NotUnderstood(value)
    return integer(counted[1])


def agency(value: Any) -> str | None:
    """A department's name, without the code or the slash that Taiwanese portals write before it.

    That is 社會局 of 380120000J 【社會局】, and 金門縣文化局/文化資產課 of /金門縣文化局/文化資產課.
    """
    cleaned = plain_text(value)
    coded = cleaned and _TAIWANESE_AGENCY.fullmatch(cleaned)
    return coded[1] if coded else cleaned and (cleaned.lstrip("/ ") or None)


def column_names(value: Any) -> tuple[Column, ...] | None:
    """The fields of a dataset's data from a text that lists them; what stands in parentheses is not split.

    A text may be a list in JSON, of names or of objects with a name.
    """
    cleaned = text(value)
    if cleaned is None:
        return None
    listed = _list_in_json(cleaned)
    if listed is not None:
        return _columns(listed)
    plain = cleaned.replace("\\r\\n", "\n").replace("\\t", " ").rstrip("。 \n")
    names = [text(name.strip().strip('"“”')) for name in _BETWEEN_COLUMNS.split(plain)]
    return tuple(Column(name=name) for name in dict.fromkeys(names) if name is not None) or None


def _list_in_json(written: str) -> list[Any] | None:
    if not written.startswith("["):
        return None
    try:
        listed: list[Any] = json.loads(written)
    except (ValueError, RecursionError):
        # Brackets are also put around names: [站点编码]、[站点名称].
        return None
    return listed


def _columns(listed: list[Any]) -> tuple[Column, ...] | None:
    """The columns that a list tells of, as names or as objects with a name; nothing of what is neither."""
    found = []
    for each in listed:
        told = each if type(each) is dict else {"name": each}
        name, title, data_type = (told.get(key) if type(told.get(key)) is str else None for key in ("name", "title", "type"))
        if name is not None and (cleaned := text(name)) is not None:
            found.append(Column(name=cleaned, title=title and text(title), data_type=data_type and text(data_type)))
    return tuple(dict.fromkeys(found)) or None


def stated(value: Any) -> str | None:
    """A text, unless it is the form's own label or reminder left standing (请补充开放条件)."""
    cleaned = code(value)
    return None if cleaned in UNFILLED else cleaned


def telephone(value: Any) -> str | None:
    """A telephone number where an e-mail address or a sentence stands as often: anything else says nothing."""
    cleaned = code(value)
    return cleaned if cleaned is not None and _TELEPHONE.fullmatch(cleaned) else None


def email_within(value: Any) -> str | None:
    """The e-mail address in a text that says how to reach somebody; None when there is none."""
    cleaned = code(value)
    found = cleaned and _EMAIL.search(cleaned)
    return found[0] if found else None


def group_names(value: Any) -> tuple[str, ...] | None:
    """The names in ``XX-1:1:民生服务,XX-2:2:教育``; a text without colons is one name."""
    cleaned = text(value)
    if cleaned is None:
        return None
    return tuple(name for each in cleaned.split(",") if (name := each.rpartition(":")[2].strip())) or None


def _formats(_: str, setting: Setting) -> Cleaner:
    """Distributions from a portal's formats: a list, one written as Python writes it, codes, words glued together."""
    own = setting.codes.get("formats", {})
    vocabulary = schemas.vocabulary("formats").resolve

    def resolve(word: str) -> str | None:
        return own.get(schemas.fold(word)) or vocabulary(word)

    # A portal writes the same few lists under every dataset.
    @lru_cache(maxsize=4096)
    def written(value: str) -> tuple[dict[str, Any], ...] | None:
        words = [word for each in items(value) for word in _words(each, resolve)]
        return tuple(_distribution(word, resolve(word)) for word in dict.fromkeys(words)) or None

    def formats(value: Any) -> tuple[dict[str, Any], ...] | None:
        if type(value) is list:
            several = [each for word in value for each in formats(word) or ()]
            return tuple(each for number, each in enumerate(several) if each not in several[:number]) or None
        if type(value) not in (str, int):
            raise WrongType(value)
        return written(str(value))

    return formats


def _words(value: Any, resolve: Callable[[str], str | None]) -> list[str]:
    """The formats in one text: itself where it is one, else what its separators part."""
    cleaned = text(value)
    if cleaned is None:
        return []
    if resolve(cleaned) is not None:
        return [cleaned]
    return [word for part in _GLUE.split(cleaned) if (word := text(part)) is not None]


def _distribution(word: str, format: str | None) -> dict[str, Any]:
    distribution: dict[str, Any] = {"format_raw": word}
    if format is not None:
        distribution["format"] = format
    if format == "api":
        distribution["kind"] = DistributionKind.API
    return distribution


def _file(format: str, setting: Setting) -> Cleaner:
    """A distribution from the address under a key that names its format (``xlsUrl``)."""

    def file(value: Any) -> dict[str, Any] | None:
        found = address(value)
        return None if found is None else {"download_url": found, "format": format, "format_raw": format}

    return file


def _understood(vocabulary: str, setting: Setting) -> Cleaner:
    """A text that is a word of the vocabulary; any other says nothing."""
    term = dcat_cleaners.cleaner(f"term:{vocabulary}", setting)
    return lambda value: code(value) if term(value) is not None else None


def _beside(vocabulary: str, setting: Setting) -> Cleaner:
    """A text that is no word of the vocabulary, or one in words: a condition in the place of the openness."""
    term = dcat_cleaners.cleaner(f"term:{vocabulary}", setting)
    terms = schemas.vocabulary(vocabulary).terms.values()
    in_words = {schemas.fold(word) for each in terms for word in each.attributes.get("in_words", "").split("|")}

    def beside(value: Any) -> str | None:
        cleaned = text(value)
        if cleaned is None or cleaned in UNFILLED:
            return None
        return cleaned if schemas.fold(cleaned) in in_words or term(cleaned) is None else None

    return beside


def _narrow(vocabulary: str, setting: Setting) -> Cleaner:
    """The term of a value, unless it is a broad one, which another key may say more of."""
    term = dcat_cleaners.cleaner(f"term:{vocabulary}", setting)
    terms = schemas.vocabulary(vocabulary).terms

    def narrow(value: Any) -> str | None:
        found: str | None = term(value)
        return None if found is None or terms[found].attributes.get("broad") == "yes" else found

    return narrow


def _narrow_word(vocabulary: str, setting: Setting) -> Cleaner:
    """A text that is a word of a term that is not broad; any other says nothing."""
    narrow = _narrow(vocabulary, setting)
    return lambda value: code(value) if narrow(value) is not None else None


def _answer(vocabulary: str, setting: Setting) -> Cleaner:
    """The term that yes or no stands for under a key that asks (是否开放); any other word says nothing."""
    answers = {
        schemas.fold(word): term.code
        for term in schemas.vocabulary(vocabulary).terms.values()
        for word in term.attributes.get("answer", "").split("|")
        if word
    }
    return lambda value: None if (word := _answered_in(value)) is None else answers.get(schemas.fold(word))


def _answered(vocabulary: str, setting: Setting) -> Cleaner:
    """The word under a key that asks, where it is an answer."""
    answer = _answer(vocabulary, setting)
    return lambda value: _answered_in(value) if answer(value) is not None else None


def _answered_in(value: Any) -> str | None:
    return json.dumps(value) if type(value) is bool else code(value)


def _understood_parts(vocabulary: str, setting: Setting) -> Cleaner:
    """The texts of which some part is a term; any other says nothing."""
    terms = _terms(vocabulary, setting)
    return lambda value: tuple(word for word in names(value) or () if terms(word) is not None) or None


def _terms(vocabulary: str, setting: Setting) -> Cleaner:
    """The terms in a text, or in each of a list: the one that it is, else those that its separators part."""
    term = dcat_cleaners.cleaner(f"term:{vocabulary}", setting)

    def within(value: Any) -> list[str]:
        whole = term(value)
        if whole is not None or type(value) is not str:
            return [] if whole is None else [whole]
        return [found for part in _GLUE.split(value) if part and (found := term(part)) is not None]

    def terms(value: Any) -> tuple[str, ...] | None:
        said = [each for each in items(value) if each is not None]
        return tuple(dict.fromkeys(found for each in said for found in within(each))) or None

    return terms


def names(value: Any) -> tuple[str, ...] | None:
    """A text, or the texts of a list: ``综合政务``, ``["综合政务"]`` and ``"['综合政务']"``."""
    said = [each for each in items(value) if each is not None]
    return tuple(name for each in said if (name := plain_text(each)) is not None) or None


PLAIN: Mapping[str, Cleaner] = {
    "agency": agency,
    "column_names": column_names,
    "email_within": email_within,
    "glued_keywords": glued_keywords,
    "group_names": group_names,
    "names": names,
    "row_count": row_count,
    "stated": stated,
    "telephone": telephone,
}
MADE: Mapping[str, Callable[[str, Setting], Cleaner]] = {
    "answer": _answer,
    "answered": _answered,
    "beside": _beside,
    "file": _file,
    "formats": _formats,
    "narrow": _narrow,
    "narrow_word": _narrow_word,
    "terms": _terms,
    "understood": _understood,
    "understood_parts": _understood_parts,
}


def cleaner(name: str, setting: Setting) -> Cleaner:
    """The cleaner a crosswalk names, of these and all others; KeyError when there is none."""
    stem, _, argument = name.partition(":")
    if stem in MADE:
        return MADE[stem](argument, setting)
    return PLAIN[stem] if stem in PLAIN else dcat_cleaners.cleaner(name, setting)
