"""From text to what it is found by: folded characters, pieces of one script, the tokens of an index.

The same for documents and for queries. Folding works on single characters, so that a part of a text always folds to
that part of the folded text; that is what lets any two Chinese characters in a row be found wherever they stand.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from operator import add
from typing import NamedTuple

from msgspec import Struct
from whoosh.lang.snowball.english import EnglishStemmer

import schemas

try:
    import rjieba
except ImportError:
    # Its wheel is compiled. Where there is none, pairs of characters alone find everything, ranked less well.
    HAS_WORDS = False
else:
    HAS_WORDS = True

# Characters written without spaces between words: Han, kana, bopomofo, Hangul syllables. Without the middle dot ・.
_UNSPACED = (
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\uac00-\ud7a3\U00020000-\U0003ffff"
)
_PIECES = re.compile(rf"([{_UNSPACED}]+)|(\d+|[^\W\d_{_UNSPACED}]+)")

_SPACED = re.compile(rf"[^\W_{_UNSPACED}]")

ANALYSIS = 1
"""Raised whenever the same text gives other tokens: indexes written before are then outdated."""

_TOKEN_LENGTH = 64
"""Longer letter sequences (encoded files pasted into descriptions) are cut: no one types them whole."""

# Letters that Unicode does not decompose into a base letter and a mark.
_PLAIN_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}

_POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b")

EMPTY_WORDS = frozenset("a an and are as at by for from in is of on or that the to was with".split())
EMPTY_CHARACTERS = frozenset("的和与及或在是了之等")
"""What a query may hold, folded, without a dataset holding it; inside a quoted phrase it counts."""


class Piece(Struct, frozen=True):
    """A stretch of unspaced characters, or one word or number of any other script, as found in a text."""

    token: str
    """Folded; a word is stemmed."""
    unspaced: bool
    start: int
    """Of the piece in the text as it was before folding."""
    end: int


@lru_cache(maxsize=8192)
def _folded(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    decomposed = unicodedata.normalize("NFKD", folded)
    if not unicodedata.name(decomposed[:1], "").startswith(("LATIN", "COMBINING")):
        return "".join(schemas.simplified().get(part, part) for part in folded)
    return "".join(_PLAIN_LETTERS.get(part, part) for part in decomposed if not unicodedata.combining(part))


@cache
def _foldable() -> re.Pattern[str]:
    """Finds the characters that folding may change, in texts where most stay as they are."""
    traditional = "".join(character for character in schemas.simplified() if character < "\U00010000")
    return re.compile(f"[A-Z\x80-\u2fff\u3003\u3036-\u303a\u3099-\u30a0\u3130-\u33ff\uf900-\U0010ffff{traditional}]")


def fold(text: str) -> str:
    """A text without differences of case, width, Latin accents, traditional and simplified Chinese."""
    if text.isascii():
        return text.lower()
    return _foldable().sub(lambda match: _folded(match[0]), text)


def _offsets(text: str) -> list[int]:
    """For every character of the folded text, and for its end, where the character it came from stands."""
    offsets = [place for place, character in enumerate(text) for _ in fold(character)]
    return [*offsets, len(text)]


_stemmer = EnglishStemmer()


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    if not (word.isascii() and word.isalpha()):
        return word[:_TOKEN_LENGTH]
    stem: str = _stemmer.stem(word[:_TOKEN_LENGTH])
    # Snowball makes "buse" of "buses" and "gase" of "gases", but leaves "bus" and "gas".
    return stem[:-1] if len(stem) > 3 and stem.endswith("se") else stem


def _without_possessive(folded: str) -> str:
    """``'s`` replaced by as many spaces, so that places stay what they are."""
    return _POSSESSIVE.sub("  ", folded) if "s" in folded and ("'" in folded or "\u2019" in folded) else folded


def keeps_places(text: str) -> bool:
    """Whether every character folds to one, so that places in the folded text are those in the text."""
    return text.isascii() or all(len(_folded(character)) == 1 for character in _foldable().findall(text))


def parts_a_word(text: str, place: int) -> bool:
    """Whether a cut there would part a word of a script that puts spaces between words."""
    return 0 < place < len(text) and bool(_SPACED.match(text[place - 1]) and _SPACED.match(text[place]))


def pieces(text: str) -> list[Piece]:
    """The pieces of a text in their order."""
    folded = fold(text)
    offsets = range(len(text) + 1) if keeps_places(text) else _offsets(text)
    return [
        Piece(match[1] or _stem(match[2]), match[1] is not None, offsets[match.start()], offsets[match.end() - 1] + 1)
        for match in _PIECES.finditer(_without_possessive(folded))
    ]


def grams(unspaced: str) -> list[str]:
    """One token for each character of an unspaced piece: the first alone, every other with the one before it.

    A part of a piece that is two characters or longer is then a sequence of such pairs, a shorter one the end of one.
    """
    return [unspaced[0], *map(add, unspaced, unspaced[1:])]


Parts = list[tuple[str, str]]
"""The pieces of a text without their places: an unspaced piece and nothing, or nothing and a word not yet stemmed."""


def parts(text: str) -> Parts:
    """The folded pieces of a text, for ``tokens`` and ``ranking_tokens``."""
    return _PIECES.findall(_without_possessive(fold(text)))


def tokens(found: Parts) -> list[str]:
    """The tokens of a text one after the other: of unspaced pieces the grams, of others their stem."""
    made: list[str] = []
    for unspaced, spaced in found:
        if spaced:
            made.append(_stem(spaced))
        else:
            # As ``grams``, without a list for each piece: this line handles most characters of a catalogue.
            made.append(unspaced[0])
            made.extend(map(add, unspaced, unspaced[1:]))
    return made


def ranking_tokens(found: Parts) -> list[str]:
    """What a text is ranked by: its tokens without single characters, and its dictionary words of two and more.

    A pair that is also a word counts twice, one that only stands across the border of two words once.
    """
    made: list[str] = []
    for unspaced, spaced in found:
        if spaced:
            made.append(_stem(spaced))
        elif len(unspaced) > 1:
            made.extend(map(add, unspaced, unspaced[1:]))
            if HAS_WORDS:
                made.extend(word for word in rjieba.cut(unspaced) if len(word) > 1)
    return made


class Analysed(NamedTuple):
    """A text as indexes take it: tokens joined by spaces."""

    tokens: str
    ranking: str


def analysed(text: str, ranked: bool = True) -> Analysed:
    """The text as indexes take it; looking up its words, for ``ranking``, costs as much as all the rest."""
    found = parts(text)
    return Analysed(" ".join(tokens(found)), " ".join(ranking_tokens(found)) if ranked else "")


recurring = lru_cache(maxsize=20_000)(analysed)
"""``analysed`` for names of columns, places, publishers and the like, which many datasets share."""


def words(unspaced: str) -> list[str]:
    """The words of an unspaced piece, folded, by dictionary; the piece's pairs where no dictionary is installed."""
    if len(unspaced) == 1:
        return [unspaced]
    if not HAS_WORDS:
        return [first + second for first, second in zip(unspaced, unspaced[1:], strict=False)]
    found: list[str] = rjieba.cut(unspaced)
    return found
