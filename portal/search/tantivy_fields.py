"""How a dataset becomes a Tantivy document, and a query a Tantivy query over its fields."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
import tantivy
from tantivy import FieldType, Occur

from portal.search.analysis import ANALYSIS, Piece, analysed, grams, recurring
from portal.search.facets import FACETS, RANKED, TEXTS, Appearances, SearchDocument, Span
from portal.search.highlight import Shown
from portal.search.language import Asked, Phrase, Words, column_phrases
from portal.search.query import Query, Sort
from portal.search.sorting import ID_ORDER_BITS, id_order, instant_key, quality_key, title_key
from portal.search.tally import chosen

LAYOUT: Final = f"tantivy-5.{ANALYSIS}"
"""The number before the dot is raised whenever this module puts other things into an index."""

_VALUED = tuple(facet.name for facet in FACETS if facet.name not in ("fresh", "field"))

SETS = frozenset(facet.name for facet in FACETS if facet.several)
"""Facets that are counted by the whole set of a dataset's values: Tantivy counts a field with one value a document
five to ten times as fast, and there are few sets (a region always has the same ancestors)."""

SET_BORDER = "\x1f"

SORT_FIELDS = {
    Sort.MODIFIED: "by_modified",
    Sort.CREATED: "by_created",
    Sort.CHANGED: "by_changed",
    Sort.QUALITY: "by_quality",
    Sort.TITLE: "by_title",
}

_NO_KEY = -(1 << 33)
"""Stands for a date or quality not given: earlier than the year 1698 in seconds, below any quality."""

_TITLE_KEY_BYTES = 200


@cache
def schema() -> tantivy.Schema:
    """The fields of the index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("found_by", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("digest", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field("shown", stored=True)
    # Everything a dataset is found by, once more than in the ranked fields: which datasets match is then one
    # intersection over one field, however many fields there are.
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="position")
    for name in RANKED:
        builder.add_text_field(
            name, tokenizer_name="whitespace", index_option="position" if name == "columns" else "freq"
        )
    for name in ("publisher_name", "keyword", "by_title", *map(count_field, _VALUED)):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in map(facet_field, sorted(SETS)):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    # Signed: a plain int put into an unsigned field kills the writer later, not at the add.
    for name in ("by_modified", "by_created", "by_changed", "by_quality"):
        builder.add_integer_field(name, fast=True, indexed=True)
    builder.add_float_field("tie", fast=True)
    return builder.build()


def facet_field(facet: str) -> str:
    """The field that a facet narrows by."""
    return f"facet_{facet}"


def count_field(facet: str) -> str:
    """The field that a facet is counted by."""
    return f"set_{facet}" if facet in SETS else facet_field(facet)


def _sort_key(number: int | None, order: int) -> int:
    """Sorts descending by number, then ascending by id; without a number last."""
    shown = _NO_KEY if number is None else max(_NO_KEY + 1, min(number, -_NO_KEY - 1))
    return (shown << ID_ORDER_BITS) | ((1 << ID_ORDER_BITS) - 1 - order)


def tie_key(dataset_id: str) -> float:
    """Sorts ascending by the first characters of an id where the highest comes first; too small to outweigh any score."""
    return 1e-3 * (1 - id_order(dataset_id) / (1 << ID_ORDER_BITS))


def from_id_on(match: tantivy.Query, dataset_id: str) -> tantivy.Query:
    """What of ``match`` has an id whose first characters are not before those of this one."""
    rest = tantivy.Query.range_query(schema(), "tie", FieldType.Float, 0.0, tie_key(dataset_id))
    return tantivy.Query.boolean_query([(Occur.Must, match), (Occur.Must, rest)])


def to_tantivy(document: SearchDocument, found_by: Sequence[Appearances]) -> tantivy.Document:
    """The document as Tantivy keeps it; ``found_by`` are the ways of listing that find it."""
    made = tantivy.Document()
    add_text = made.add_text
    add_text("id", document.id)
    add_text("digest", document.digest)
    for way in found_by:
        add_text("found_by", way)
    made.add_bytes("shown", msgspec.msgpack.encode(Shown(document.titles, document.descriptions, document.columns)))

    for name in TEXTS:
        shared = name not in ("titles", "descriptions")
        for text in getattr(document, name):
            found = recurring(text) if shared else analysed(text, name in RANKED)
            add_text("text", found.tokens)
            if name in RANKED:
                add_text(name, found.tokens if name == "columns" else found.ranking)

    for publisher in document.publishers:
        add_text("publisher_name", publisher)
    for keyword in document.keywords:
        add_text("keyword", keyword)
    for facet in _VALUED:
        values = document.values.get(facet, ())
        for value in values:
            add_text(facet_field(facet), value)
        if facet in SETS:
            add_text(count_field(facet), SET_BORDER.join(sorted(set(values))))

    order = id_order(document.id)
    made.add_integer("by_modified", _sort_key(instant_key(document.modified), order))
    made.add_integer("by_created", _sort_key(instant_key(document.created), order))
    made.add_integer("by_changed", _sort_key(instant_key(document.changed), order))
    made.add_integer("by_quality", _sort_key(quality_key(document.quality), order))
    title = title_key(document.titles[0])[:_TITLE_KEY_BYTES] if document.titles else b""
    # As Latin-1 every byte is one character, and characters sort as their bytes did.
    add_text("by_title", f"{title.decode('latin-1')}\0{document.id}")
    made.add_float("tie", tie_key(document.id))
    return made


def _phrase_query(field: str, wanted: Phrase) -> tantivy.Query:
    """Matches a phrase in ``text`` or ``columns``."""
    single = wanted.unspaced[0] and len(wanted.pieces[0]) == 1
    # Ends with the character: every character but the first of a piece stands in the pair it ends.
    ending = f".?{wanted.pieces[0]}"
    if single and len(wanted.pieces) == 1:
        return tantivy.Query.regex_query(schema(), field, ending)
    found: list[str | tuple[int, str]] = []
    for piece, unspaced in zip(wanted.pieces, wanted.unspaced, strict=True):
        found += grams(piece) if unspaced else [piece]
    if single:
        return tantivy.Query.regex_phrase_query(schema(), field, [ending, *found[1:]])
    if wanted.unspaced[0]:
        del found[0]
    if len(found) == 1:
        return tantivy.Query.term_query(schema(), field, found[0])
    return tantivy.Query.phrase_query(schema(), field, list(found))


def _all_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(Occur.Must, query) for query in queries])


def _any_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if not queries:
        return tantivy.Query.empty_query()
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(Occur.Should, query) for query in queries])


def _words_query(asked: Words) -> tantivy.Query:
    return _all_of([_phrase_query("text", wanted) for wanted in asked])


def modified_keys(span: Span) -> tuple[int, int]:
    """Where the values of ``by_modified`` begin that lie in a time span, and where they have ended."""
    start = _NO_KEY + 1 if span.start is None else int(span.start.timestamp())
    return start << ID_ORDER_BITS, int(span.end.timestamp()) << ID_ORDER_BITS


def _span_query(span: Span) -> tantivy.Query:
    start, end = modified_keys(span)
    return tantivy.Query.range_query(schema(), "by_modified", FieldType.Integer, start, end, include_upper=False)


def _filter_query(facet: str, values: Sequence[str], spans: dict[str, Span]) -> tantivy.Query:
    if facet == "fresh":
        return _any_of([_span_query(spans[value]) for value in values if value in spans])
    return tantivy.Query.term_set_query(schema(), facet_field(facet), list(values))


def listed(way: Appearances) -> tantivy.Query:
    """Matches everything that a way of listing finds."""
    # Without a score of its own, so that it changes no order.
    return tantivy.Query.const_score_query(tantivy.Query.term_query(schema(), "found_by", way), 0.0)


def matching(asked: Asked, query: Query, spans: dict[str, Span], besides: str | None = None) -> tantivy.Query | None:
    """Matches what the text asks for and every filter but ``besides`` lets through; None when that is all ``listed``."""
    must = [_any_of([_words_query(typed) for typed in alternatives]) for alternatives in asked.required]
    must += [_filter_query(facet, values, spans) for facet, values in chosen(query).items() if facet != besides]
    columns = column_phrases(query)
    if columns is not None:
        must.append(_any_of([_phrase_query("columns", wanted) for wanted in columns]))
    if not must and not asked.excluded:
        return None
    must.append(listed(query.appearances))
    return tantivy.Query.boolean_query(
        [(Occur.Must, wanted) for wanted in must]
        + [(Occur.MustNot, _words_query(typed)) for typed in asked.excluded]
    )


def ranked(match: tantivy.Query, asked: Asked) -> tantivy.Query:
    """The same matches, scored higher for what is asked standing in the title, the keywords and so on."""
    better = [
        (Occur.Should, tantivy.Query.boost_query(tantivy.Query.term_query(schema(), field, token), weight))
        for field, weight in RANKED.items()
        for token in asked.ranking_tokens()
    ]
    return tantivy.Query.boolean_query([(Occur.Must, match), *better]) if better else match


def completing(field: str, typed: Sequence[Piece]) -> tantivy.Query:
    """Matches candidates for completing what is typed, by the tokens of ``titles``, ``keywords`` or ``publishers``."""
    must: list[tantivy.Query] = [listed(Appearances.EVERY)]
    for index, piece in enumerate(typed):
        if piece.unspaced and len(piece.token) > 1:
            must += [tantivy.Query.term_query(schema(), field, pair) for pair in grams(piece.token)[1:]]
        elif piece.unspaced:
            must.append(tantivy.Query.regex_query(schema(), field, f"{piece.token}.*|.{piece.token}"))
        elif index == len(typed) - 1:
            must.append(tantivy.Query.regex_query(schema(), field, f"{piece.token}.*"))
        else:
            must.append(tantivy.Query.term_query(schema(), field, piece.token))
    return _all_of(must)
