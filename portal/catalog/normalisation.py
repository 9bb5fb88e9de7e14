"""How much of what a source says is understood, field by field: counted from its datasets alone.

Beside every normalised value the catalogue keeps the portal's own word, so the count needs neither the raw records
nor the tables they were read by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Engine, select

from portal.catalog import tables
from portal.catalog.documents import encode
from portal.catalog.engines import writing
from portal.catalog.model import Dataset
from portal.catalog.upserts import insert_or_update

REMAINING = 20
"""Values of a field that were not understood, as many as are told of, most frequent first."""

EXAMPLES = 20
"""Datasets told of for each such value."""

WORD_LENGTH = 200
"""Characters kept of such a value: a condition of access may be a page long."""


class Named(Struct, frozen=True):
    """What is counted of a publisher."""

    name: str
    functions: tuple[str, ...] = ()
    institution_type: str | None = None


class Formatted(Struct, frozen=True):
    """What is counted of a distribution."""

    format: str | None = None
    format_raw: str | None = None


class Words(Struct, frozen=True, kw_only=True):
    """What is counted of a dataset, under the names of ``model.Dataset``: a fifth of what a whole one costs to decode."""

    id: str
    title: str
    publisher: Named | None = None
    region: str | None = None
    distributions: tuple[Formatted, ...] = ()
    openness: str | None = None
    openness_raw: str | None = None
    sharing: str | None = None
    sharing_raw: str | None = None
    frequency: str | None = None
    frequency_raw: str | None = None
    themes: tuple[str, ...] = ()
    themes_raw: tuple[str, ...] = ()
    licence: str | None = None
    licence_raw: str | None = None
    issued: datetime | None = None
    modified: datetime | None = None
    data_modified: datetime | None = None
    rows: int | None = None
    unread: dict[str, str] = {}


decode_words = msgspec.json.Decoder(Words).decode

Counted: TypeAlias = Dataset | Words

_Said: TypeAlias = tuple[bool, str]
"""Whether a value was understood, and the portal's word for it."""


class Remaining(Struct, frozen=True):
    """A value that was not understood."""

    value: str
    """In the portal's words, cut to ``WORD_LENGTH``."""
    count: int
    datasets: tuple[str, ...]
    """Ids of datasets that have it, at most ``EXAMPLES``."""


class Understanding(Struct, frozen=True):
    """How many values of a field a source gave, and how many of them we read."""

    field: str
    given: int
    understood: int
    different: int
    """How many different values were not understood."""
    remaining: tuple[Remaining, ...]
    """Of these the most frequent, at most ``REMAINING``."""

    @property
    def share(self) -> float | None:
        """Of the given values, those understood (0-1); None when none was given."""
        return self.understood / self.given if self.given else None


class Normalisation(Struct, frozen=True, kw_only=True):
    """What of a source's words was understood when it was last counted."""

    source_id: str
    run_id: int
    """The run after which it was counted."""
    counted: datetime
    fields: tuple[Understanding, ...]
    """In the order of ``FIELDS``; those that the source never fills are left out."""

    @property
    def datasets(self) -> int:
        """How many datasets were counted: every one of them should have a region."""
        return next((each.given for each in self.fields if each.field == "region"), 0)


def _term(field: str) -> Callable[[Counted], Iterator[_Said]]:
    """A field with the portal's word beside it."""

    def said(dataset: Counted) -> Iterator[_Said]:
        word = getattr(dataset, f"{field}_raw")
        if word is not None and word != ():
            yield bool(getattr(dataset, field)), " | ".join(word) if isinstance(word, tuple) else word

    return said


def _read(field: str) -> Callable[[Counted], Iterator[_Said]]:
    """A field of which only the words that could not be read are kept."""

    def said(dataset: Counted) -> Iterator[_Said]:
        if field in dataset.unread:
            yield False, dataset.unread[field]
        elif getattr(dataset, field) is not None:
            yield True, ""

    return said


def _formats(dataset: Counted) -> Iterator[_Said]:
    for each in dataset.distributions:
        if each.format_raw is not None:
            yield each.format is not None, each.format_raw


def _region(dataset: Counted) -> Iterator[_Said]:
    if "region" in dataset.unread:
        yield False, dataset.unread["region"]
    else:
        yield dataset.region is not None, dataset.publisher.name if dataset.publisher else dataset.title


def _functions(dataset: Counted) -> Iterator[_Said]:
    if dataset.publisher is not None:
        yield bool(dataset.publisher.functions), dataset.publisher.name


def _institutions(dataset: Counted) -> Iterator[_Said]:
    if dataset.publisher is not None:
        yield dataset.publisher.institution_type is not None, dataset.publisher.name


FIELDS: Mapping[str, Callable[[Counted], Iterator[_Said]]] = {
    "openness": _term("openness"),
    "sharing": _term("sharing"),
    "frequency": _term("frequency"),
    "themes": _term("themes"),
    "licence": _term("licence"),
    "format": _formats,
    "region": _region,
    "functions": _functions,
    "institution_type": _institutions,
    "issued": _read("issued"),
    "modified": _read("modified"),
    "data_modified": _read("data_modified"),
    "rows": _read("rows"),
}
"""What is counted of each dataset, in the order it is shown. Of a region every dataset counts: each should have one;
where it has none, the word shown is its publisher's name."""


def understanding(datasets: Iterable[Counted]) -> tuple[Understanding, ...]:
    """Counts over datasets what was given and what of it is understood; fields never given are left out."""
    given: Counter[str] = Counter()
    missed: dict[str, Counter[str]] = {field: Counter() for field in FIELDS}
    examples: dict[tuple[str, str], list[str]] = {}
    for dataset in datasets:
        for field, said in FIELDS.items():
            for is_understood, word in said(dataset):
                given[field] += 1
                if not is_understood:
                    word = word[:WORD_LENGTH]
                    missed[field][word] += 1
                    known = examples.setdefault((field, word), [])
                    if len(known) < EXAMPLES and dataset.id not in known[-1:]:
                        known.append(dataset.id)
    return tuple(
        Understanding(
            field,
            given[field],
            given[field] - missed[field].total(),
            len(missed[field]),
            tuple(
                Remaining(word, count, tuple(examples[field, word]))
                for word, count in missed[field].most_common(REMAINING)
            ),
        )
        for field in FIELDS
        if given[field]
    )


_OF_A_NAME = frozenset(("region", "functions", "institution_type"))


def not_understood(datasets: Iterable[Counted], most: int = 3) -> tuple[str, ...]:
    """Of each field the ``most`` frequent of its words that are not understood: ``frequency 4, 99``.

    Without what a publisher's name tells, which is for nobody to configure.
    """
    return tuple(
        f"{each.field} {', '.join(one.value[:40] for one in each.remaining[:most])}"
        for each in understanding(datasets)
        if each.remaining and each.field not in _OF_A_NAME
    )


TABLE_HEADER = ("field", "given", "understood", "share", "not_understood", "count")


def table_rows(fields: Iterable[Understanding]) -> Iterator[tuple[str, ...]]:
    """What was counted as rows under ``TABLE_HEADER``: one for each field, after it one for each value not understood."""
    for each in fields:
        share = "" if each.share is None else f"{each.share:.4f}"
        yield each.field, str(each.given), str(each.understood), share, "", str(each.given - each.understood)
        for one in each.remaining:
            yield each.field, "", "", "", one.value, str(one.count)


_decode = msgspec.json.Decoder(Normalisation).decode


class Normalisations:
    """The counts in the database, one for each source; reached as ``catalog.normalisations``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, source_id: str) -> Normalisation | None:
        """What was counted of a source; None before its first harvest."""
        table = tables.normalisation.c
        with self._engine.connect() as connection:
            document = connection.scalar(select(table.document).where(table.source_id == source_id))
        return None if document is None else _decode(document)

    def put(self, counted: Normalisation) -> None:
        """Keeps a count in the place of the source's earlier one."""
        with writing(self._engine) as connection:
            statement = insert_or_update(tables.normalisation, connection).values(
                source_id=counted.source_id, document=encode(counted)
            )
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["source_id"], set_={"document": statement.excluded.document}
                )
            )
