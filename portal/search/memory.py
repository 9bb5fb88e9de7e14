"""An index in plain Python: what the others must answer, and enough for tests and small demonstrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from math import log

from msgspec import Struct
from msgspec.structs import replace

from portal.search.analysis import Piece, pieces
from portal.search.facets import RANKED, TEXTS, Appearances, SearchDocument, as_found, fresh_spans
from portal.search.highlight import Shown, hit, occurrences
from portal.search.language import Asked, Phrase, Words, column_phrases, understand
from portal.search.query import Position, Query, Results, Sort, Suggestion
from portal.search.suggesting import suggestions
from portal.search.tally import Fact, check, chosen, day_of, fact, facet_counts, in_order, narrowed


class _Kept(Struct, frozen=True):
    document: SearchDocument
    fact: Fact
    texts: dict[str, list[list[Piece]]]
    """The pieces of every text, by the names of the document's fields."""


def _keep(document: SearchDocument) -> _Kept:
    return _Kept(document, fact(document), {name: [pieces(text) for text in getattr(document, name)] for name in TEXTS})


def _occurs(wanted: Phrase, texts: Iterable[Sequence[Piece]]) -> bool:
    return any(next(occurrences(text, wanted), None) for text in texts)


def _anywhere(kept: _Kept, asked: Words) -> bool:
    return all(any(_occurs(wanted, texts) for texts in kept.texts.values()) for wanted in asked)


def _matches(kept: _Kept, asked: Asked, columns: Sequence[Phrase] | None) -> bool:
    return (
        all(any(_anywhere(kept, typed) for typed in alternatives) for alternatives in asked.required)
        and not any(_anywhere(kept, typed) for typed in asked.excluded)
        and (columns is None or any(_occurs(wanted, kept.texts["columns"]) for wanted in columns))
    )


def _score(kept: _Kept, phrases: Iterable[Phrase]) -> float:
    """The weights of the texts each phrase stands in, less in a long text than in a short one."""
    return sum(
        RANKED.get(name, 1.0) / log(2 + min(sum(len(piece.token) for piece in text) for text in holding))
        for wanted in phrases
        for name, texts in kept.texts.items()
        if (holding := [text for text in texts if next(occurrences(text, wanted), None)])
    )


def _listed(documents: Iterable[SearchDocument]) -> dict[Appearances, dict[str, _Kept]]:
    """What is kept of documents, by the way of listing that finds it and by id."""
    listed: dict[Appearances, dict[str, _Kept]] = {way: {} for way in Appearances}
    for document in documents:
        for found, ways in as_found(document):
            kept = _keep(found)
            for way in ways:
                listed[way][found.id] = kept
    return listed


class MemoryIndex:
    """A SearchIndex that lives as long as the process."""

    def __init__(self) -> None:
        self._kept = _listed(())
        self._position: Position | None = None

    def _found(self, query: Query) -> tuple[list[Fact], list[Fact], Asked]:
        """What text and ``field`` find, and of it what the filters leave, in the query's order."""
        check(query)
        asked = understand(query.text)
        columns = column_phrases(query)
        matched = [kept for kept in self._kept[query.appearances].values() if _matches(kept, asked, columns)]
        spans = fresh_spans(day_of(query))
        facts = [kept.fact for kept in matched]
        phrases = tuple(asked.phrases())
        scores = {kept.document.id: _score(kept, phrases) for kept in matched} if query.sort is Sort.RELEVANCE else {}
        return facts, in_order(narrowed(facts, chosen(query), spans), query.sort, scores), asked

    def search(self, query: Query) -> Results:
        matched, found, asked = self._found(query)
        phrases = tuple(asked.phrases())
        listed = self._kept[query.appearances]
        return Results(
            total=len(found),
            hits=tuple(
                hit(known.id, shown(listed[known.id].document), phrases)
                for known in found[query.start:query.start + query.rows]
            ),
            facets=facet_counts(matched, query, fresh_spans(day_of(query))),
        )

    def walk(self, query: Query) -> Iterator[str]:
        return iter([known.id for known in self._found(query)[1]])

    def after(self, query: Query, id: str, rows: int) -> Sequence[str]:
        found = self._found(replace(query, sort=Sort.TITLE))[1]
        return nsmallest(rows, (known.id for known in found if known.id > id))

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        documents = [kept.document for kept in self._kept[Appearances.EVERY].values()]
        return suggestions(
            typed,
            limit,
            Counter(name for document in documents for name in document.publishers).items(),
            Counter(keyword for document in documents for keyword in document.keywords).items(),
            ((title, document.id) for document in documents for title in document.titles),
        )

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], position: Position) -> None:
        put = {document.id: document for document in documents}
        gone, listed = {*removed, *put}, _listed(put.values())
        kept = {
            way: {id: one for id, one in known.items() if id not in gone} | listed[way]
            for way, known in self._kept.items()
        }
        self._kept, self._position = kept, position

    def rebuild(self, documents: Iterable[SearchDocument], position: Position) -> None:
        self._kept, self._position = _listed(documents), position

    def position(self) -> Position | None:
        return self._position

    def digests(self) -> Mapping[str, str]:
        return {dataset_id: kept.document.digest for dataset_id, kept in self._kept[Appearances.EVERY].items()}

    def close(self) -> None:
        """Nothing to let go of: what was indexed stays until the process ends."""


def shown(document: SearchDocument) -> Shown:
    """What hits show of a document."""
    return Shown(document.titles, document.descriptions, document.columns)
