"""What completes the beginning of a query, the same in every engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from portal.search.analysis import Piece, fold, pieces
from portal.search.query import Suggestion

LONGEST_TYPED = 100
"""Characters; what is typed beyond them completes to nothing anyone would choose."""


def typed_pieces(typed: str) -> list[Piece]:
    """The pieces a completion must hold; none when nothing can be suggested."""
    return [] if len(typed) > LONGEST_TYPED else pieces(typed)


def completes(text: str, typed: Sequence[Piece]) -> bool:
    """Whether a text holds every piece typed: Chinese anywhere, words whole, the last word as a beginning."""
    found = pieces(text)
    return all(
        any(
            piece.unspaced is wanted.unspaced
            and (
                wanted.token in piece.token
                if wanted.unspaced
                else piece.token == wanted.token or (index == len(typed) - 1 and piece.token.startswith(wanted.token))
            )
            for piece in found
        )
        for index, wanted in enumerate(typed)
    )


def suggestions(
    typed: str,
    limit: int,
    publishers: Iterable[tuple[str, int]],
    keywords: Iterable[tuple[str, int]],
    titles: Iterable[tuple[str, str]],
) -> list[Suggestion]:
    """At most ``limit`` completions of what candidates there are: publishers and keywords with how many datasets
    have them, titles with their dataset.

    A quarter each for publishers and keywords, the rest for titles; what begins as typed first, then the frequent,
    then the short. A text is suggested once.
    """
    wanted = typed_pieces(typed)
    if not wanted:
        return []
    start = fold(typed).strip()

    def best(candidates: Iterable[tuple[str, int]], kind: str) -> list[Suggestion]:
        fitting = [(text, count) for text, count in candidates if completes(text, wanted)]
        fitting.sort(key=lambda pair: (not fold(pair[0]).startswith(start), -pair[1], len(pair[0]), pair[0]))
        return [Suggestion(text, kind) for text, _ in fitting[:max(1, limit // 4)]]

    fitting = sorted(
        ((title, dataset) for title, dataset in titles if completes(title, wanted)),
        key=lambda pair: (not fold(pair[0]).startswith(start), len(pair[0]), pair),
    )
    all_kinds = [
        *best(publishers, "publisher"),
        *best(keywords, "keyword"),
        *(Suggestion(title, "title", dataset) for title, dataset in fitting),
    ]
    once: dict[str, Suggestion] = {}
    for suggestion in all_kinds:
        once.setdefault(fold(suggestion.text), suggestion)
    return list(once.values())[:limit]
