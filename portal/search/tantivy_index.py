"""The default engine: Tantivy, embedded, on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import tantivy

from portal.search.facets import Appearances, SearchDocument, as_found, fresh_spans
from portal.search.generations import PATIENCE_S, Generations, Stamp
from portal.search.highlight import hit
from portal.search.language import understand
from portal.search.query import IndexUnusable, Position, Query, Results, Sort, Suggestion
from portal.search.suggesting import suggestions, typed_pieces
from portal.search.tally import check, chosen, day_of
from portal.search.tantivy_commit import Commit, damage, readable
from portal.search.tantivy_fields import LAYOUT, completing, listed, matching, schema, to_tantivy

_WRITER_MEMORY_BYTES = 128_000_000

_CANDIDATES = 200
"""Titles, publishers and keywords looked at for a suggestion."""


class TantivyIndex:
    """A SearchIndex in a directory of its own."""

    def __init__(self, root: Path, patience_s: float = PATIENCE_S) -> None:
        self._generations = Generations(root, LAYOUT, patience_s)
        self._open: tuple[Stamp, Commit] | None = None

    def _commit(self) -> Commit | None:
        """The newest commit; None for an index that was never filled."""
        self._open = self._generations.newest(self._open, Commit)
        return None if self._open is None else self._open[1]

    def search(self, query: Query) -> Results:
        check(query)
        asked = understand(query.text)
        commit = self._commit()
        if commit is None:
            return Results(total=0, hits=(), facets={facet: () for facet in query.facets})
        spans = fresh_spans(day_of(query))
        match, way = matching(asked, query, spans), query.appearances
        total, found = commit.page(match or listed(way), asked, query.sort, query.start, query.rows)
        phrases = tuple(asked.phrases())
        hits = tuple(hit(stored.id, stored.shown, phrases) for stored in commit.documents(found))
        narrowing = chosen(query)
        # Facets without a choice of their own are all counted over the hits, in one pass.
        unchosen = [name for name in query.facets if name not in narrowing]
        facets = commit.facets(match, way, unchosen, query.facet_limit, spans)
        for name in narrowing.keys() & set(query.facets):
            others = matching(asked, query, spans, besides=name)
            facets |= commit.facets(others, way, [name], query.facet_limit, spans)
        return Results(total=total, hits=hits, facets={name: facets[name] for name in query.facets})

    def walk(self, query: Query) -> Iterator[str]:
        check(query)
        asked = understand(query.text)
        commit = self._commit()
        if commit is None:
            return iter(())
        match = matching(asked, query, fresh_spans(day_of(query))) or listed(query.appearances)
        total = commit.count(match)
        _, found = commit.page(match, asked, query.sort, 0, total)
        return (stored.id for stored in commit.documents(found))

    def after(self, query: Query, id: str, rows: int) -> Sequence[str]:
        check(query)
        commit = self._commit()
        if commit is None or rows == 0:
            return []
        match = matching(understand(query.text), query, fresh_spans(day_of(query))) or listed(query.appearances)
        return commit.after(match, id, rows)

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        wanted = typed_pieces(typed)
        commit = self._commit()
        if commit is None or not wanted:
            return []
        return suggestions(
            typed,
            limit,
            commit.names("publisher_name", completing("publishers", wanted), _CANDIDATES),
            commit.names("keyword", completing("keywords", wanted), _CANDIDATES),
            (
                (title, stored.id)
                for stored in commit.best(completing("titles", wanted), _CANDIDATES)
                for title in stored.shown.titles
            ),
        )

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], position: Position) -> None:
        with self._generations.writing():
            current = self._generations.current()
            if current is None:
                current = self._generations.begin()
                tantivy.Index(schema(), str(self._generations.path(current)))
            with damage(self._generations.path(current)):
                _write(self._generations.path(current), documents, removed)
            self._generations.finish(current, position)

    def rebuild(self, documents: Iterable[SearchDocument], position: Position) -> None:
        with self._generations.writing():
            current = self._generations.begin()
            path = self._generations.path(current)
            tantivy.Index(schema(), str(path))
            _write(path, documents)
            self._generations.finish(current, position)

    def position(self) -> Position | None:
        try:
            current = self._generations.current()
            return None if current is None or self._commit() is None else current.position
        except IndexUnusable:
            return None

    def digests(self) -> Mapping[str, str]:
        commit = self._commit()
        if commit is None:
            return {}
        entries = listed(Appearances.EVERY)
        _, found = commit.page(entries, understand(None), Sort.RELEVANCE, 0, commit.count(entries))
        return {stored.id: stored.digest for stored in commit.documents(found)}

    def close(self) -> None:
        """Lets go of the files."""
        self._open = None


def _write(path: Path, documents: Iterable[SearchDocument], removed: Iterable[str] | None = None) -> None:
    """Commits documents to one generation; in place of those with their ids unless ``removed`` is None.

    Opened anew each time: a writer that kept an older view of the files would leave segments behind that nothing
    removes.
    """
    with readable(path):
        index = tantivy.Index.open(str(path))
        # One thread: analysis in Python is what takes the time, and fewer segments are left.
        writer = index.writer(_WRITER_MEMORY_BYTES, 1)
    try:
        for dataset_id in removed or ():
            writer.delete_documents_by_term("id", dataset_id)
        for document in documents:
            if removed is not None:
                writer.delete_documents_by_term("id", document.id)
            for found, ways in as_found(document):
                writer.add_document(to_tantivy(found, ways))
        writer.commit()
        writer.garbage_collect_files()
    finally:
        # Joins the merges and gives Tantivy's own lock back, also after an error; what is not committed is lost.
        writer.wait_merging_threads()
