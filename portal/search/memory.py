"""An index in plain Python: what the others must answer, and enough for tests and small demonstrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log

from msgspec import Struct

from portal.search.analysis import Piece, pieces
from portal.search.facets import SearchDocument, fresh_spans
from portal.search.highlight import Shown, hit, occurrences
from portal.search.language import Asked, Phrase, Words, phrase, understand
from portal.search.query import Query, Results, Sort, Suggestion
from portal.search.suggesting import suggestions
from portal.search.tally import Fact, check, chosen, day_of, fact, facet_counts, in_order, narrowed

TITLE, KEYWORDS, COLUMNS, PUBLISHERS, PLACES, REST = range(6)

WEIGHTS = {TITLE: 6.0, KEYWORDS: 2.0, COLUMNS: 2.0, PUBLISHERS: 1.5, PLACES: 1.5, REST: 1.0}
"""How much a match says about a dataset, by where it stands."""


class _Kept(Struct, frozen=True):
    document: SearchDocument
    fact: Fact
    texts: tuple[tuple[tuple[Piece, ...], ...], ...]
    """The pieces of every text, by the places of ``WEIGHTS``."""


def _keep(document: SearchDocument) -> _Kept:
    places = (
        document.titles,
        document.keywords,
        document.columns,
        document.publishers,
        document.places,
        (*document.descriptions, *document.other),
    )
    return _Kept(document, fact(document), tuple(tuple(tuple(pieces(text)) for text in texts) for texts in places))


def _occurs(wanted: Phrase, texts: Iterable[Sequence[Piece]]) -> bool:
    return any(next(occurrences(text, wanted), None) for text in texts)


def _anywhere(kept: _Kept, asked: Words) -> bool:
    return all(any(_occurs(wanted, texts) for texts in kept.texts) for wanted in asked)


def _matches(kept: _Kept, asked: Asked, fields: Sequence[Phrase]) -> bool:
    return (
        all(any(_anywhere(kept, typed) for typed in alternatives) for alternatives in asked.required)
        and not any(_anywhere(kept, typed) for typed in asked.excluded)
        and (not fields or any(_occurs(wanted, kept.texts[COLUMNS]) for wanted in fields))
    )


def _score(kept: _Kept, phrases: Iterable[Phrase]) -> float:
    """The weights of the places each phrase stands in, less in a long text than in a short one."""
    return sum(
        WEIGHTS[place] / log(2 + min(sum(map(len, (piece.token for piece in text))) for text in holding))
        for wanted in phrases
        for place, texts in enumerate(kept.texts)
        if (holding := [text for text in texts if next(occurrences(text, wanted), None)])
    )


class MemoryIndex:
    """A SearchIndex that lives as long as the process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._upto: int | None = None

    def _found(self, query: Query) -> tuple[list[Fact], list[Fact], Asked]:
        """What text and ``field`` find, and of it what the filters leave, in the query's order."""
        check(query)
        asked = understand(query.text)
        fields = [wanted for value in query.filters.get("field", ()) if (wanted := phrase(value))]
        matched = [kept for kept in self._kept.values() if _matches(kept, asked, fields)]
        spans = fresh_spans(day_of(query))
        facts = [kept.fact for kept in matched]
        phrases = tuple(asked.phrases())
        scores = {kept.document.id: _score(kept, phrases) for kept in matched} if query.sort is Sort.RELEVANCE else {}
        return facts, in_order(narrowed(facts, chosen(query), spans), query.sort, scores), asked

    def search(self, query: Query) -> Results:
        matched, found, asked = self._found(query)
        phrases = tuple(asked.phrases())
        return Results(
            total=len(found),
            hits=tuple(
                hit(known.id, shown(self._kept[known.id].document), phrases)
                for known in found[query.start:query.start + query.rows]
            ),
            facets=facet_counts(matched, query, fresh_spans(day_of(query))),
        )

    def walk(self, query: Query) -> Iterator[str]:
        return iter([known.id for known in self._found(query)[1]])

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        documents = [kept.document for kept in self._kept.values()]
        return suggestions(
            typed,
            limit,
            Counter(name for document in documents for name in document.publishers).items(),
            Counter(keyword for document in documents for keyword in document.keywords).items(),
            ((title, document.id) for document in documents for title in document.titles),
        )

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], upto: int) -> None:
        kept = dict(self._kept)
        for dataset_id in removed:
            kept.pop(dataset_id, None)
        kept |= {document.id: _keep(document) for document in documents}
        self._kept, self._upto = kept, upto

    def rebuild(self, documents: Iterable[SearchDocument], upto: int) -> None:
        self._kept, self._upto = {document.id: _keep(document) for document in documents}, upto

    def last_change(self) -> int | None:
        return self._upto

    def digests(self) -> Mapping[str, str]:
        return {dataset_id: kept.document.digest for dataset_id, kept in self._kept.items()}

    def close(self) -> None:
        """Nothing to let go of: what was indexed stays until the process ends."""


def shown(document: SearchDocument) -> Shown:
    """What hits show of a document."""
    return Shown(document.titles, document.descriptions, document.columns)
