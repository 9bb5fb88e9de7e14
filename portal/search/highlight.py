"""Shows where a query matched: fragments of HTML in which only ``<mark>`` is markup."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from msgspec import Struct

from portal.search.analysis import Piece, fold, keeps_places, parts_a_word, pieces
from portal.search.language import Phrase
from portal.search.query import Hit

PASSAGE_LENGTH = 120
"""Characters of a description shown around its matches."""

_LEAD = 24
"""Characters shown before the first match of a passage."""

MOST_COLUMNS = 8
"""Matched fields named with a hit."""

Stretch = tuple[int, int]
"""Where something starts and ends in a text."""


class Shown(Struct, frozen=True, omit_defaults=True):
    """The texts of a dataset that its hits show, kept beside the index."""

    titles: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def occurrences(found: Sequence[Piece], phrase: Phrase) -> Iterator[Stretch]:
    """Where a phrase stands in a text of these pieces."""
    if len(phrase.pieces) == 1:
        for piece in found:
            yield from _inside(piece, phrase.pieces[0], phrase.unspaced[0])
        return
    wanted = list(zip(phrase.pieces, phrase.unspaced, strict=True))
    for index in range(len(found) - len(wanted) + 1):
        first, *between, last = found[index:index + len(wanted)]
        if (
            _ends(first, *wanted[0])
            and all((piece.token, piece.unspaced) == want for piece, want in zip(between, wanted[1:-1], strict=True))
            and _begins(last, *wanted[-1])
        ):
            start = first.end - len(wanted[0][0]) if _is_plain(first) else first.start
            end = last.start + len(wanted[-1][0]) if _is_plain(last) else last.end
            yield start, end


def _is_plain(piece: Piece) -> bool:
    """Whether a part of the token stands at the same place of the text: unspaced, and as long as before folding."""
    return piece.unspaced and piece.end - piece.start == len(piece.token)


def _inside(piece: Piece, wanted: str, unspaced: bool) -> Iterator[Stretch]:
    if piece.unspaced is not unspaced:
        return
    if not unspaced:
        if piece.token == wanted:
            yield piece.start, piece.end
        return
    place = piece.token.find(wanted)
    while place >= 0:
        if not _is_plain(piece):
            yield piece.start, piece.end
            return
        yield piece.start + place, piece.start + place + len(wanted)
        place = piece.token.find(wanted, place + 1)


def _ends(piece: Piece, wanted: str, unspaced: bool) -> bool:
    return piece.unspaced is unspaced and (piece.token.endswith(wanted) if unspaced else piece.token == wanted)


def _begins(piece: Piece, wanted: str, unspaced: bool) -> bool:
    return piece.unspaced is unspaced and (piece.token.startswith(wanted) if unspaced else piece.token == wanted)


def _places(folded: str, wanted: str) -> Iterator[Stretch]:
    place = folded.find(wanted)
    while place >= 0:
        yield place, place + len(wanted)
        place = folded.find(wanted, place + 1)


def matches(text: str, phrases: Iterable[Phrase]) -> list[Stretch]:
    """The stretches of a text that any of the phrases covers, in order; touching ones are one."""
    folded = fold(text)
    # A stem begins as its word does. Most texts hold none of most phrases, and looking is a hundred times faster.
    possible = [
        phrase
        for phrase in phrases
        if all((piece if unspaced else piece[0]) in folded
               for piece, unspaced in zip(phrase.pieces, phrase.unspaced, strict=True))
    ]
    if not possible:
        return []
    covered: set[Stretch] = set()
    if keeps_places(text):
        for phrase in possible:
            if phrase.unspaced == (True,):
                covered.update(_places(folded, phrase.pieces[0]))
        possible = [phrase for phrase in possible if phrase.unspaced != (True,)]
    if possible:
        found = pieces(text)
        covered.update(stretch for phrase in possible for stretch in occurrences(found, phrase))
    joined: list[Stretch] = []
    for start, end in sorted(covered):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def marked(text: str, stretches: Sequence[Stretch]) -> str:
    """The text as HTML with the stretches marked."""
    parts: list[str] = []
    place = 0
    for start, end in stretches:
        parts += (escape(text[place:start]), "<mark>", escape(text[start:end]), "</mark>")
        place = end
    return "".join((*parts, escape(text[place:])))


def passage(text: str, stretches: Sequence[Stretch]) -> str:
    """About ``PASSAGE_LENGTH`` characters of the text where most of the stretches stand, marked; no word is cut."""
    starts = [start for start, _ in stretches]
    best = max(
        range(len(starts)), key=lambda index: bisect_left(starts, starts[index] + PASSAGE_LENGTH - _LEAD) - index
    )
    begin = max(0, starts[best] - _LEAD)
    end = min(len(text), max(begin + PASSAGE_LENGTH, stretches[best][1]))
    while begin < starts[best] and (parts_a_word(text, begin) or text[begin].isspace()):
        begin += 1
    while end > stretches[best][1] and (parts_a_word(text, end) or text[end - 1].isspace()):
        end -= 1
    shown = [
        (max(start, begin) - begin, min(stop, end) - begin) for start, stop in stretches if start < end and stop > begin
    ]
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    return f"{before}{marked(text[begin:end], shown)}{after}"


def hit(dataset_id: str, shown: Shown, phrases: Sequence[Phrase]) -> Hit:
    """What is shown of a dataset found by these phrases."""
    if not phrases:
        return Hit(dataset_id)
    return Hit(
        dataset_id,
        next((marked(title, found) for title in shown.titles if (found := matches(title, phrases))), None),
        next((passage(text, found) for text in shown.descriptions if (found := matches(text, phrases))), None),
        tuple(marked(name, found) for name in shown.columns if (found := matches(name, phrases)))[:MOST_COLUMNS],
    )
