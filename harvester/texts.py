"""Texts as the catalogue keeps them, and the lists, languages and keywords that portals write into texts.

Whatever reads one value answers None when nothing is said, and raises ``NotUnderstood`` when something is said that
it cannot read.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

import schemas

Cleaner: TypeAlias = Callable[[Any], Any]
"""Takes what JSON can hold, gives what the unified field holds; a tuple where one value of the portal is several."""

KEYWORD_LIMIT = 100
"""Characters of a keyword; longer ones are sentences and are cut."""


class NotUnderstood(Exception):
    """A value is there that its cleaner cannot read; ``seen`` is that value."""

    code = "field.not-understood"

    def __init__(self, seen: object) -> None:
        super().__init__(seen)
        self.seen = seen


class WrongType(NotUnderstood):
    """Not the JSON type the field has (a string for a list, an object for a number)."""

    code = "field.wrong-type"


# Control characters except tab and line breaks, the byte order mark, lone surrogates and non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ufffe\uffff]")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
SEPARATORS = re.compile(r"[,;、，；\r\n\t]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")
_LIST_TEXT = re.compile(r"\[(.*)\]", re.DOTALL)


def text(value: Any) -> str | None:
    """A text without control characters and placeholders, in NFC; its line breaks and inner spaces stay."""
    if type(value) is not str:
        raise WrongType(value)
    cleaned: str = value
    if not cleaned.isprintable():
        cleaned = _UNWANTED.sub(_replacement, cleaned)
    if not cleaned.isascii():
        cleaned = unicodedata.normalize("NFC", cleaned)
    cleaned = cleaned.strip()
    return cleaned if len(cleaned) >= 10 or not says_nothing(cleaned) else None


# A portal says the same few short words over and over.
@lru_cache(maxsize=20_000)
def says_nothing(word: str) -> bool:
    """Whether a text is empty, or what portals write where they mean nothing (暂无, null, －), in whatever width."""
    word = word.strip()
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
    return not word or word.lower() in schemas.placeholders()


def _replacement(match: re.Match[str]) -> str:
    return "\ufffd" if "\ud800" <= match[0] <= "\udfff" else ""


def plain_text(value: Any) -> str | None:
    """One line of text: tags dropped, entities read once, runs of space made one."""
    cleaned = text(value)
    if cleaned is None:
        return None
    if "<" in cleaned:
        cleaned = _TAG.sub(" ", cleaned)
    if "&" in cleaned:
        cleaned = text(html.unescape(cleaned)) or ""
    return " ".join(cleaned.split()) or None


def code(value: Any) -> str | None:
    """A text or a number, as text: ids, versions and codes are written both ways."""
    if type(value) is int and abs(value) < 2**63:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return repr(value)
    return text(value)


def language_map(value: Any, clean: Cleaner = text) -> dict[str, Any] | None:
    """Texts by language tag, from an object or one written as JSON text; None for an ordinary text.

    An RDF literal (``@value``, ``@language``) is the text of one language, or an ordinary one.
    """
    if type(value) is str:
        if value[:1] != "{" or (value := decoded(value)) is None:
            return None
    if type(value) is not dict:
        raise WrongType(value)
    if "@value" in value:
        if type(value.get("@language")) is not str:
            return None
        value = {value["@language"]: value["@value"]}
    said = {}
    for tag, words in value.items():
        if not _LANGUAGE.fullmatch(tag):
            raise NotUnderstood(tag)
        cleaned = None if words is None else clean(words)
        if cleaned:
            said[tag.replace("_", "-")] = cleaned
    return said or None


def in_language(said: Mapping[str, Any], preferred: str | None) -> Any:
    """Of what is said by language, the one to show: the preferred, else Chinese, else English, else the first.

    Words are of every language, because a search has only one list of them.
    """
    if any(type(words) is tuple for words in said.values()):
        return tuple(word for words in said.values() for word in words)
    for wanted in filter(None, (preferred, "zh", "en")):
        for tag, words in said.items():
            if tag == wanted or tag.startswith(f"{wanted}-"):
                return words
    return next(iter(said.values()))


def distinct_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words without repetitions that differ in case alone; the first spelling stays."""
    spellings: dict[str, str] = {}
    for word in words:
        spellings.setdefault(word.casefold(), word)
    return tuple(spellings.values())


def keyword_tuple(value: Any) -> tuple[str, ...]:
    """The keywords of a text or a list of texts."""
    return tuple(keyword for each in items(value) for keyword in keywords(each) or ())


def keywords(value: Any) -> tuple[str, ...] | None:
    """The keywords in one text: split at commas and breaks; a single Latin letter is no keyword."""
    if type(value) is not str:
        raise WrongType(value)
    if SEPARATORS.search(value) is None:
        words = [keyword(value)]
    else:
        words = [keyword(word) for word in SEPARATORS.split(value)]
    kept = [word[:KEYWORD_LIMIT] for word in words if word is not None and (len(word) > 1 or not word.isascii())]
    return tuple(kept) or None


def keyword(value: Any) -> str | None:
    """One keyword, without the quotation marks that a list in quotation marks leaves on its first and last."""
    cleaned = plain_text(value)
    return None if cleaned is None else text(cleaned.strip('"“”'))


def items(value: Any) -> list[Any]:
    """What ``[]`` iterates: a list, one written as text in JSON or nearly so, or a single value."""
    if type(value) is list:
        return value
    if type(value) is not str or not (match := _LIST_TEXT.fullmatch(value.strip())):
        return [value]
    listed = decoded(value)
    if type(listed) is list:
        return listed
    return [word.strip().strip("'\"") for word in match[1].split(",")]


def decoded(value: str) -> Any:
    """JSON that stands in a text; None when it is none."""
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return None


def local_name(value: Any) -> str | None:
    """A code in lower case; of an address in one of the EU's lists its last part."""
    cleaned = code(value)
    return None if cleaned is None else cleaned.rstrip("/").rpartition("/")[2].lower()
