"""The language of the search box: words that must all occur, ``"phrases"``, ``OR`` between two, ``-minus``.

Whatever is typed means something: an unclosed quote runs to the end, a stray operator is a word or nothing, and no
character reaches an engine as syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from msgspec import Struct

from portal.search.analysis import EMPTY_CHARACTERS, EMPTY_WORDS, Piece, pieces, ranking_tokens, words
from portal.search.query import Query, QueryNotUnderstood

LONGEST_TEXT = 1000
"""Characters; twice the longest title in the catalogues this was built on."""
MOST_TERMS = 64

_OPENING = "\"“”„«「『＂"
_CLOSING = "\"“”»」』＂"
_ITEMS = re.compile(
    rf"(?P<minus>[-－](?=\S))?(?:[{_OPENING}](?P<phrase>[^{_CLOSING}]*)[{_CLOSING}]?|(?P<word>[^\s\u3000{_OPENING}]+))"
)


class Phrase(Struct, frozen=True):
    """Pieces that must occur one right after the other: ``("covid", "19")``, or a part of Chinese text alone.

    Of an unspaced first piece the end suffices, of an unspaced last one the beginning, of a lone one any part.
    """

    pieces: tuple[str, ...]
    unspaced: tuple[bool, ...]


Words = tuple[Phrase, ...]
"""What must all occur for one word or phrase as typed: ``南京公交线路`` means 南京 and 公交线路."""


class Asked(Struct, frozen=True):
    """A query text understood: one of the alternatives of every requirement, nothing of what is excluded."""

    required: tuple[tuple[Words, ...], ...] = ()
    excluded: tuple[Words, ...] = ()

    def phrases(self) -> Iterator[Phrase]:
        """Everything a hit may be found by."""
        for alternatives in self.required:
            for typed in alternatives:
                yield from typed

    def ranking_tokens(self) -> list[str]:
        """What in a title, a keyword and so on makes a hit more relevant, each token once."""
        found: dict[str, None] = {}
        for wanted in self.phrases():
            for piece, unspaced in zip(wanted.pieces, wanted.unspaced, strict=True):
                found |= dict.fromkeys(ranking_tokens([(piece, "")]) if unspaced else [piece])
        return list(found)


def phrase(text: str) -> Phrase | None:
    """A text to be found exactly as it stands, folding apart; None when it holds neither letter nor number."""
    found = pieces(text)
    return _phrase(found) if found else None


def _phrase(found: list[Piece]) -> Phrase:
    return Phrase(tuple(piece.token for piece in found), tuple(piece.unspaced for piece in found))


def _unspaced_words(piece: Piece) -> Iterator[str]:
    """The words of unspaced text; single characters side by side (a word no dictionary knows) stay together."""
    for single, run in groupby(words(piece.token), key=lambda word: len(word) == 1):
        if single:
            yield "".join(run)
        else:
            yield from run


def _typed_word(text: str) -> Words:
    """What a word typed without quotes asks for: each Chinese word in it, and its letters and numbers in a row."""
    asked: list[Phrase] = []
    for unspaced, run in groupby(pieces(text), key=lambda piece: piece.unspaced):
        if unspaced:
            asked.extend(Phrase((word,), (True,)) for piece in run for word in _unspaced_words(piece))
        else:
            asked.append(_phrase(list(run)))
    telling = tuple(found for found in asked if found.pieces[0] not in EMPTY_CHARACTERS)
    return tuple(dict.fromkeys(telling or asked))


class _Requirement:
    """Alternatives under construction; ``telling`` unless all of them are empty words such as ``of``."""

    def __init__(self) -> None:
        self.alternatives: list[Words] = []
        self.telling = False

    def add(self, asked: Words, telling: bool) -> None:
        self.alternatives.append(asked)
        self.telling = self.telling or telling


def understand(text: str | None) -> Asked:
    """What a query text asks for; nothing required when it holds no word.

    Raises QueryNotUnderstood for more than ``LONGEST_TEXT`` characters or ``MOST_TERMS`` words.
    """
    if text is None:
        return Asked()
    if len(text) > LONGEST_TEXT:
        raise QueryNotUnderstood(f"a query of {len(text):,} characters: at most {LONGEST_TEXT:,} are understood")
    required: list[_Requirement] = []
    excluded: list[Words] = []
    joined = False
    for item in _ITEMS.finditer(text):
        word = item["word"]
        if word == "OR" and not item["minus"]:
            joined = bool(required)
            continue
        quoted = phrase(item["phrase"]) if word is None else None
        asked = _typed_word(word) if word is not None else (quoted,) if quoted is not None else ()
        if not asked:
            continue
        if item["minus"]:
            excluded.append(asked)
        else:
            if not joined:
                required.append(_Requirement())
            required[-1].add(asked, telling=word is None or word.lower() not in EMPTY_WORDS)
        joined = False
    telling = [requirement for requirement in required if requirement.telling] or required
    asked_for = Asked(tuple(tuple(requirement.alternatives) for requirement in telling), tuple(excluded))
    terms = sum(1 for _ in asked_for.phrases()) + sum(map(len, excluded))
    if terms > MOST_TERMS:
        raise QueryNotUnderstood(f"a query of {terms} words: at most {MOST_TERMS} are understood")
    return asked_for


def looks_for_anything(text: str | None) -> bool:
    """Whether a text holds a word to look for, or to do without; one of signs alone does not."""
    asked = understand(text)
    return bool(asked.required or asked.excluded)


class Looser(Struct, frozen=True):
    """A query text that asks for less than another."""

    text: str
    without: str | None
    """The word of it that was left out, as typed; None where a word was taken apart instead."""


def looser(text: str) -> list[Looser]:
    """The texts that ask for a little less: without one of its words, then with one of its Chinese words apart.

    Empty for a single word that cannot be taken apart.
    """
    words = _spans(text)
    apart = [
        place for start, end in words if _is_apart(text[start:end]) for place in range(start + 1, end)
    ]
    left = [(_spaced(text[:start], text[end:]), text[start:end]) for start, end in words] if len(words) > 1 else []
    return [*(Looser(*way) for way in left), *(Looser(_spaced(text[:place], text[place:]), None) for place in apart)]


def any_of(text: str) -> str:
    """A text that asks for any of the words of another, what has most of them first; empty where it has none."""
    return " OR ".join(dict.fromkeys(text[start:end] for start, end in _spans(text) if text[start] not in "-－"))


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand."""
    return [span for item in _ITEMS.finditer(text) if item[0] != "OR" for span in _word_spans(item)]


def _word_spans(item: re.Match[str]) -> list[tuple[int, int]]:
    """Where the words of an item stand in the text: Chinese ones written as one are several."""
    whole = [item.span()]
    found = pieces(item["word"] or item["phrase"])
    if not found:
        return []
    if item["word"] is None or item["minus"]:
        return whole
    (piece, *others), start = found, item.start("word")
    if others or not piece.unspaced or piece.end - piece.start != len(piece.token):
        return whole
    spans = []
    place = start + piece.start
    for word in _unspaced_words(piece):
        spans.append((place, place + len(word)))
        place += len(word)
    return spans if len(spans) > 1 else whole


def _is_apart(word: str) -> bool:
    """Whether a word is of unspaced characters that may be looked for apart."""
    return len(word) > 2 and [(piece.unspaced, len(piece.token)) for piece in pieces(word)] == [(True, len(word))]


def _spaced(*parts: str) -> str:
    return " ".join(" ".join(parts).split())


def column_phrases(query: Query) -> tuple[Phrase, ...] | None:
    """What the filter ``field`` asks to stand, any of it, in a column's name; None without that filter."""
    values = query.filters.get("field")
    return tuple(wanted for value in values if (wanted := phrase(value))) if values else None
