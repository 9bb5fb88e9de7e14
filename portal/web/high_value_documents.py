"""The high-value list for programs: the same figures as the pages, as JSON documents and as rows of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from portal.catalog.high_value import Matched
from portal.catalog.store import Catalog
from portal.highvalue.coverage import Coverage, listed
from portal.highvalue.judging import State
from portal.scorecard.rules import Text
from portal.web import high_value, places
from portal.web.documents import dataset_address
from schemas import HighValueEntry


AT_ONCE = 200
"""Datasets read at a time."""


class FieldDocument(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An expected field; ``listed`` is how many of the datasets that list their fields have it."""

    id: str
    name: Text
    type: str
    required: bool
    sensitive: bool = False
    unit: str | None = None
    code_list: str | None = None
    listed: int | None = None


class Tally(Struct, frozen=True):
    """Places by how they stand; only those that were read and of which the entry is expected."""

    have: int
    partial: int
    stale: int
    missing: int


class EntryDocument(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An entry of the list."""

    id: str
    name: Text
    about: Text
    domain: str
    functions: tuple[str, ...]
    levels: tuple[str, ...]
    frequency: str
    norm: Text
    category: str | None = None
    key_field: str | None = None
    fields: tuple[FieldDocument, ...]
    datasets: int
    places: Tally


class CellDocument(Struct, frozen=True, omit_defaults=True):
    """An entry in a place; ``state`` is ``unknown`` where no portal of it was read, or the catalogue not looked through."""

    entry: str
    region: str
    region_name: str
    state: str
    is_expected: bool
    have: int
    partial: int
    stale: int
    within: int


class ListDocument(Struct, frozen=True):
    """The list."""

    total: int
    entries: tuple[EntryDocument, ...]


class WholeEntry(Struct, frozen=True):
    """An entry with where there is what of it."""

    entry: EntryDocument
    coverage: tuple[CellDocument, ...]


class CoverageDocument(Struct, frozen=True):
    """How a region stands to every entry."""

    region: str
    region_name: str
    coverage: tuple[CellDocument, ...]


def tally(counts: Mapping[State, int]) -> Tally:
    """Counts of states as a document."""
    return Tally(*(counts.get(one, 0) for one in (State.HAVE, State.PARTIAL, State.STALE, State.MISSING)))


def entry_document(entry: HighValueEntry, coverage: Coverage, listing: Mapping[str, int] | None = None) -> EntryDocument:
    """An entry; with ``listing`` how many datasets have each of its fields."""
    return EntryDocument(
        id=entry.id,
        name=Text(entry.zh, entry.en),
        about=Text(entry.about_zh, entry.about_en),
        domain=entry.domain,
        functions=entry.functions,
        levels=entry.levels,
        frequency=entry.frequency,
        norm=Text(entry.norm_zh, entry.norm_en),
        category=entry.category,
        key_field=entry.key_field,
        fields=tuple(
            FieldDocument(
                id=field.id,
                name=Text(field.zh, field.en),
                type=field.type,
                required=field.required,
                sensitive=field.sensitive,
                unit=field.unit,
                code_list=field.code_list,
                listed=None if listing is None else listing.get(field.id, 0),
            )
            for field in entry.fields
        ),
        datasets=coverage.datasets.get(entry.id, 0),
        places=tally(coverage.places[entry.id]),
    )


def cells(coverage: Coverage, entry: HighValueEntry, regions: Iterable[str], language: str) -> Iterator[CellDocument]:
    """An entry in some places: where it is expected, and where there is something although it is not."""
    for region in regions:
        cell = coverage.cell(entry.id, region)
        if cell.is_expected or cell.datasets or cell.within:
            yield CellDocument(
                entry=entry.id,
                region=region,
                region_name=places.name(region, language),
                state=cell.state.value,
                is_expected=cell.is_expected,
                have=cell.own.get(State.HAVE, 0),
                partial=cell.own.get(State.PARTIAL, 0),
                stale=cell.own.get(State.STALE, 0),
                within=cell.within,
            )


def known_regions(coverage: Coverage) -> list[str]:
    """Every region of which something is known, in the order of their codes."""
    return sorted(coverage.known)


COVERAGE_COLUMNS = (
    "entry", "entry_zh", "region", "region_name", "is_expected", "state", "have", "partial", "stale", "within",
)


def coverage_rows(coverage: Coverage, regions: Sequence[str], language: str) -> Iterator[Sequence[object]]:
    """A row for every entry and region."""
    for entry in listed().values():
        for cell in cells(coverage, entry, regions, language):
            yield (
                cell.entry, entry.zh, cell.region, cell.region_name, "yes" if cell.is_expected else "no", cell.state,
                cell.have, cell.partial, cell.stale, cell.within,
            )


FIELD_COLUMNS = ("entry", "entry_zh", "entry_en", "field", "zh", "en", "type", "unit", "code_list", "required", "sensitive")


def field_rows() -> Iterator[Sequence[object]]:
    """A row for every expected field of every entry."""
    for entry in listed().values():
        for field in entry.fields:
            yield (
                entry.id, entry.zh, entry.en, field.id, field.zh, field.en, field.type, field.unit, field.code_list,
                "yes" if field.required else "", "yes" if field.sensitive else "",
            )


DATASET_COLUMNS = (
    "entry", "dataset_id", "title", "publisher", "region", "state", "fields", "shortfalls", "fresh_until", "reason", "words",
    "page",
)
BETWEEN = "|"


def dataset_rows(catalog: Catalog, found: Sequence[tuple[Matched, State]], root: str) -> Iterator[Sequence[object]]:
    """A row for every dataset that serves an entry; fields are empty where the portal lists none."""
    for start in range(0, len(found), AT_ONCE):
        for one in high_value.serving(catalog, found[start:start + AT_ONCE]):
            dataset, match = one.entry.dataset, one.match
            yield (
                match.entry, dataset.id, dataset.title, dataset.publisher.name if dataset.publisher else None, dataset.region,
                one.state.value, None if match.fields is None else BETWEEN.join(match.fields), BETWEEN.join(match.shortfalls),
                _moment(match.fresh_until), match.reason, BETWEEN.join(match.words), dataset_address(root, dataset.id),
            )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
