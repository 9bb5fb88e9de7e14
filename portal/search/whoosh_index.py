"""The engine without compiled parts: Whoosh-Reloaded, for catalogues of up to some 20,000 datasets.

Whoosh finds and scores; narrowing, counting and ordering are done in plain Python over facts kept in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from whoosh import index as whoosh_files
from whoosh.analysis import SpaceSeparatedTokenizer
from whoosh.fields import ID, STORED, TEXT, Schema
from whoosh.query import And, AndMaybe, Every, Or, Term
from whoosh.query import Phrase as PhraseQuery
from whoosh.query import Query as Wanted

from portal.search.analysis import ANALYSIS, analysed, grams, recurring
from portal.search.facets import RANKED, Appearances, SearchDocument, as_found, fresh_spans
from portal.search.generations import PATIENCE_S, Generations, Reading, Stamp
from portal.search.highlight import Shown, hit
from portal.search.language import Asked, Phrase, Words, column_phrases, understand
from portal.search.query import IndexUnusable, Position, Query, Results, Sort, Suggestion
from portal.search.suggesting import suggestions
from portal.search.tally import Fact, check, chosen, day_of, fact, facet_counts, in_order, narrowed

LAYOUT = f"whoosh-5.{ANALYSIS}"
"""The number before the dot is raised whenever this module puts other things into an index."""

_WRITER_MEMORY_MB = 128


class _Kept(Struct, frozen=True):
    """What is stored of a dataset."""

    digest: str
    fact: Fact
    shown: Shown
    publishers: tuple[str, ...]
    keywords: tuple[str, ...]
    found: tuple[Appearances, ...]
    """The ways of listing that find it."""


_decode_kept = msgspec.msgpack.Decoder(_Kept).decode


def _schema() -> Schema:
    spaced = SpaceSeparatedTokenizer()
    positions = ("text", "columns")
    texts = ("text", *RANKED)
    return Schema(
        id=ID(stored=True),
        kept=STORED,
        **{name: TEXT(analyzer=spaced, phrase=name in positions) for name in texts},
    )


def _readable(path: Path) -> Reading:
    """Says of errors on the way from the files that the index is corrupt.

    Whoosh looks at hardly any length before it reads: files cut short or overwritten raise whatever there is.
    """
    return Reading(path, lambda error: isinstance(error, Exception))


def _damage(path: Path) -> Reading:
    """Says the same of what only writing came upon. A full disk is an OSError, and no damage."""
    return Reading(path, lambda error: isinstance(error, Exception) and not isinstance(error, OSError))


# Between two texts of a field, so that no phrase runs over the border; no token of a text is a bar.
_BORDER = " | "


def _fields(document: SearchDocument, found_by: tuple[Appearances, ...]) -> dict[str, str | bytes]:
    texts = {name: [recurring(text) for text in getattr(document, name)] for name in RANKED}
    rest = [analysed(text) for text in (*document.descriptions, *document.other)]
    everything = [found for one in (*texts.values(), rest) for found in one]
    kept = _Kept(
        document.digest,
        fact(document),
        Shown(document.titles, document.descriptions, document.columns),
        document.publishers,
        document.keywords,
        found_by,
    )
    ranked = {name: " ".join(found.ranking for found in one) for name, one in texts.items()}
    return {
        "id": document.id,
        "kept": msgspec.msgpack.encode(kept),
        "text": _BORDER.join(found.tokens for found in everything),
        **ranked,
        "columns": _BORDER.join(found.tokens for found in texts["columns"]),
    }


class _Commit:
    """One commit, open for reading, with what is stored of every dataset in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _readable(path):
            self.searcher = whoosh_files.open_dir(str(path), readonly=True).searcher()
            stored = self.searcher.reader().iter_docs()
            self.kept: dict[int, _Kept] = {number: _decode_kept(fields["kept"]) for number, fields in stored}
        self.numbers: dict[Appearances, dict[str, int]] = {
            way: {kept.fact.id: number for number, kept in self.kept.items() if way in kept.found} for way in Appearances
        }

    def listed(self, way: Appearances) -> list[_Kept]:
        """What is stored of everything that a way of listing finds."""
        return [kept for kept in self.kept.values() if way in kept.found]

    def _ending(self, field: str, character: str) -> list[str]:
        """The tokens that stand where a character does: itself, and the pairs it ends."""
        tokens = (token.decode() for token in self.searcher.reader().lexicon(field))
        return [token for token in tokens if token[-1] == character and len(token) <= 2]

    def _phrase(self, field: str, wanted: Phrase) -> Wanted:
        """Matches a phrase in ``text`` or ``columns``."""
        found = [token for piece, unspaced in zip(wanted.pieces, wanted.unspaced, strict=True)
                 for token in (grams(piece) if unspaced else [piece])]
        starts = [found[0]]
        if wanted.unspaced[0]:
            if len(wanted.pieces[0]) == 1:
                starts = self._ending(field, found[0])
            else:
                del found[0]
                starts = [found[0]]
        return Or(
            [Term(field, start) if len(found) == 1 else PhraseQuery(field, [start, *found[1:]]) for start in starts]
        )

    def _words(self, asked: Words) -> Wanted:
        return And([self._phrase("text", wanted) for wanted in asked])

    def matching(self, asked: Asked, columns: Sequence[Phrase] | None) -> Wanted:
        """Matches what the text and the filter ``field`` ask for, before anything is excluded."""
        must = [Or([self._words(typed) for typed in alternatives]) for alternatives in asked.required]
        if columns is not None:
            must.append(Or([self._phrase("columns", wanted) for wanted in columns]))
        return And(must) if must else Every()

    def matched(self, match: Wanted, excluded: Sequence[Words], way: Appearances) -> list[Fact]:
        """The datasets so listed that match and are not excluded."""
        # Not by Whoosh's AndNot: it lets the first match through when an excluded dataset stands before it.
        gone = {number for typed in excluded for number in self.searcher.docs_for_query(self._words(typed))}
        numbers = [number for number in self.searcher.docs_for_query(match) if number not in gone]
        return [self.kept[number].fact for number in numbers if way in self.kept[number].found]

    def scores(self, match: Wanted, asked: Asked, way: Appearances) -> dict[str, float]:
        """How relevant each match is."""
        wanted = asked.ranking_tokens()
        better = [Term(field, token, boost=weight) for field, weight in RANKED.items() for token in wanted]
        results = self.searcher.search(AndMaybe(match, Or(better)) if better else match, limit=None)
        return {
            self.kept[number].fact.id: score for score, number in results.top_n if way in self.kept[number].found
        }


class WhooshIndex:
    """A SearchIndex in a directory of its own."""

    def __init__(self, root: Path, patience_s: float = PATIENCE_S) -> None:
        self._generations = Generations(root, LAYOUT, patience_s)
        self._open: tuple[Stamp, _Commit] | None = None

    def _commit(self) -> _Commit | None:
        """The newest commit; None for an index that was never filled."""
        self._open = self._generations.newest(self._open, _Commit)
        return None if self._open is None else self._open[1]

    def _found(self, commit: _Commit, query: Query, asked: Asked) -> tuple[list[Fact], list[Fact]]:
        """What text and ``field`` find, and of it what the filters leave, in the query's order."""
        columns, is_ranked = column_phrases(query), query.sort is Sort.RELEVANCE and asked.required
        with _readable(commit.path):
            match = commit.matching(asked, columns)
            matched = commit.matched(match, asked.excluded, query.appearances)
            scores = commit.scores(match, asked, query.appearances) if is_ranked else {}
        return matched, in_order(narrowed(matched, chosen(query), fresh_spans(day_of(query))), query.sort, scores)

    def search(self, query: Query) -> Results:
        check(query)
        asked = understand(query.text)
        commit = self._commit()
        if commit is None:
            return Results(total=0, hits=(), facets={facet: () for facet in query.facets})
        matched, found = self._found(commit, query, asked)
        phrases = tuple(asked.phrases())
        numbers = commit.numbers[query.appearances]
        return Results(
            total=len(found),
            hits=tuple(
                hit(known.id, commit.kept[numbers[known.id]].shown, phrases)
                for known in found[query.start:query.start + query.rows]
            ),
            facets=facet_counts(matched, query, fresh_spans(day_of(query))),
        )

    def walk(self, query: Query) -> Iterator[str]:
        check(query)
        asked = understand(query.text)
        commit = self._commit()
        return iter([] if commit is None else [known.id for known in self._found(commit, query, asked)[1]])

    def after(self, query: Query, id: str, rows: int) -> Sequence[str]:
        check(query)
        commit = self._commit()
        if commit is None:
            return []
        found = self._found(commit, replace(query, sort=Sort.TITLE), understand(query.text))[1]
        return nsmallest(rows, (known.id for known in found if known.id > id))

    def suggest(self, typed: str, limit: int = 8) -> Sequence[Suggestion]:
        commit = self._commit()
        if commit is None:
            return []
        listed = commit.listed(Appearances.EVERY)
        return suggestions(
            typed,
            limit,
            Counter(name for kept in listed for name in kept.publishers).items(),
            Counter(keyword for kept in listed for keyword in kept.keywords).items(),
            ((title, kept.fact.id) for kept in listed for title in kept.shown.titles),
        )

    def apply(self, documents: Iterable[SearchDocument], removed: Iterable[str], position: Position) -> None:
        with self._generations.writing():
            current = self._generations.current()
            if current is None:
                current = self._generations.begin()
                whoosh_files.create_in(str(self._generations.path(current)), _schema())
            _write(self._generations.path(current), documents, removed)
            self._generations.finish(current, position)

    def rebuild(self, documents: Iterable[SearchDocument], position: Position) -> None:
        with self._generations.writing():
            current = self._generations.begin()
            path = self._generations.path(current)
            whoosh_files.create_in(str(path), _schema())
            _write(path, documents, ())
            self._generations.finish(current, position)

    def position(self) -> Position | None:
        try:
            current = self._generations.current()
            return None if current is None or self._commit() is None else current.position
        except IndexUnusable:
            return None

    def digests(self) -> Mapping[str, str]:
        commit = self._commit()
        return {} if commit is None else {kept.fact.id: kept.digest for kept in commit.kept.values()}

    def close(self) -> None:
        """Lets go of the files."""
        self._open = None


def _write(path: Path, documents: Iterable[SearchDocument], removed: Iterable[str]) -> None:
    """Commits removals and documents to one generation."""
    with _readable(path):
        files = whoosh_files.open_dir(str(path))
    # The last of several documents with one id counts. All are removed in one go: Whoosh looks through every segment
    # for each removal (1,000 one by one took 161 s among 100,000, as one batch 3 s).
    latest = {document.id: document for document in documents}
    with _damage(path), files.writer(limitmb=_WRITER_MEMORY_MB) as writer:
        if files.doc_count():
            writer.delete_by_query(Or([Term("id", dataset_id) for dataset_id in {*removed, *latest}]))
        for document in latest.values():
            for found, ways in as_found(document):
                writer.add_document(**_fields(found, ways))
