"""Searches written out whole: entries in, pieces of CSV, JSON Lines or Turtle out, in constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import TypeVar

from portal.catalog.model import Dataset, Entry
from portal.catalog.store import Catalog
from portal.search.facets import Appearances
from portal.search.indexing import filled, is_indexed
from portal.search.query import Query, SearchIndex
from portal.web import rdf
from portal.web.dcat import Lookup, Originals, alone, statements
from portal.web.documents import as_json, dataset_address
from portal.web.spreadsheets import harmless

T = TypeVar("T")

AT_ONCE = 200
"""Entries read, and written, at a time."""

BETWEEN_VALUES = "|"

_Cell = Callable[[Entry], str | None]


def _of_dataset(cell: Callable[[Dataset], str | None]) -> _Cell:
    return lambda entry: cell(entry.dataset)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _several(values: Iterable[str | None]) -> str:
    return BETWEEN_VALUES.join(dict.fromkeys(value for value in values if value))


CSV_COLUMNS: dict[str, _Cell] = {
    "id": _of_dataset(lambda shown: shown.id),
    "title": _of_dataset(lambda shown: shown.title),
    "title_en": _of_dataset(lambda shown: shown.titles.get("en")),
    "description": _of_dataset(lambda shown: shown.description),
    "publisher": _of_dataset(lambda shown: shown.publisher.name if shown.publisher else None),
    "publisher_id": _of_dataset(lambda shown: shown.publisher.id if shown.publisher else None),
    "region": _of_dataset(lambda shown: shown.region),
    "region_inferred_from": _of_dataset(lambda shown: shown.region_inferred_from),
    "region_former": _of_dataset(lambda shown: shown.region_former),
    "themes": _of_dataset(lambda shown: _several(shown.themes)),
    "keywords": _of_dataset(lambda shown: _several(shown.keywords)),
    "formats": _of_dataset(lambda shown: _several(one.format or one.format_raw for one in shown.distributions)),
    "openness": _of_dataset(lambda shown: shown.openness),
    "licence": _of_dataset(lambda shown: shown.licence or shown.licence_raw),
    "frequency": _of_dataset(lambda shown: shown.frequency or shown.frequency_raw),
    "issued": _of_dataset(lambda shown: _moment(shown.issued)),
    "modified": _of_dataset(lambda shown: _moment(shown.modified)),
    "data_modified": _of_dataset(lambda shown: _moment(shown.data_modified)),
    "landing_page": _of_dataset(lambda shown: shown.landing_page),
    "addresses": _of_dataset(lambda shown: _several(one.download_url or one.access_url for one in shown.distributions)),
    "source_id": _of_dataset(lambda shown: shown.source_id),
    "source_key": _of_dataset(lambda shown: shown.source_key),
    "state": lambda entry: entry.state.value,
    "first_seen": lambda entry: _moment(entry.first_seen),
    "changed": lambda entry: _moment(entry.changed),
}
"""Column and how its cell is read; the last column, ``page``, is the dataset's address here."""


def selection(catalog: Catalog, index: SearchIndex, query: Query) -> Iterator[Entry]:
    """Every dataset that ``query`` finds, whatever its ``start`` and ``rows``.

    In the query's order; a query that narrows nothing down leads through the whole catalogue by id, without the index.
    Raises QueryNotUnderstood and IndexUnusable at once.
    """
    if query.text is None and not query.filters:
        entries = (entry for entry in catalog.walk() if is_indexed(entry))
        return entries if query.appearances is Appearances.EVERY else _counted(catalog, entries)
    ids = filled(catalog, index).walk(query)
    return (entry for part in _parts(ids) for entry in catalog.entries(part))


def _counted(catalog: Catalog, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries that count as themselves."""
    for part in _parts(entries):
        originals = catalog.appearances.originals([entry.dataset.id for entry in part])
        yield from (entry for entry in part if entry.dataset.id not in originals)


def csv_chunks(entries: Iterable[Entry], base: str) -> Iterator[str]:
    """The entries as CSV with a header line, for spreadsheets: a byte-order mark, and no cell that computes."""
    yield "\ufeff" + _written([(*CSV_COLUMNS, "page")])
    for part in _parts(entries):
        yield _written(
            (*(harmless(cell(entry)) for cell in CSV_COLUMNS.values()), dataset_address(base, entry.dataset.id))
            for entry in part
        )


def jsonl_chunks(entries: Iterable[Entry], base: str) -> Iterator[bytes]:
    """The entries as JSON, one document a line."""
    for part in _parts(entries):
        yield b"".join(chain.from_iterable((as_json(entry, base), b"\n") for entry in part))


def turtle_chunks(
    entries: Iterable[Entry], base: str, lookup: Lookup = lambda keys: {}, originals: Originals = alone
) -> Iterator[str]:
    """The entries as one Turtle document; ``lookup`` and ``originals`` as for ``portal.web.dcat.graph``."""
    yield rdf.turtle_prefixes()
    for part in _parts(entries):
        yield "".join(rdf.turtle(statements(part, base, lookup, originals)))


def _written(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _parts(things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while part := list(islice(rest, AT_ONCE)):
        yield part
