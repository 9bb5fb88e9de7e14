"""A portal's record to a dataset of the unified schema, as the tables in ``schemas/crosswalks`` say; pure.

Each row gives a unified field, where it stands in the portal's record, and the cleaner that reads it.

- Alternative paths stand between `` | ``: the first that gives a value its cleaner accepts wins. Further rows of one
  field are further alternatives; where the field is a tuple or a mapping, what the rows give is joined.
- ``publisher.name`` is a member of a nested noun. A row ``distributions`` without a cleaner starts a group: the rows
  ``distributions.format_raw`` after it are read relative to each of its items. With a cleaner it reads whole values.
- A row without a path is read only where a source's ``options.crosswalk`` says from where.

The language of the paths themselves: ``harvester.paths``; the cleaners: ``harvester.cleaners``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, TypeAlias, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

import schemas
from harvester import identity
from harvester.cleaners import Cleaner, NotUnderstood, Setting, WrongType, distinct_words, in_language
from harvester.dcat_cleaners import cleaner
from harvester.paths import Complaint, Json, Path, compiled, index
from harvester.profiles import lacking
from harvester.records import RawRecord
from portal.catalog.model import Column, Contact, Dataset, Distribution, Issue, Period, Place, Publisher, Source
from schemas import CrosswalkRow

Read: TypeAlias = Callable[[Json, list[Complaint]], Any]

NESTED: Mapping[str, type] = {"publisher": Publisher, "contact": Contact}
LISTED: Mapping[str, type] = {"distributions": Distribution, "columns": Column, "periods": Period, "places": Place}
PLAIN_FIELDS: Mapping[str, str] = {
    "titles": "title",
    "descriptions": "description",
    "names": "name",
    "keywords_by_language": "keywords",
}
"""Fields by language, and the plain field that is made of each where the portal gives it."""
LIMITS: Mapping[str, int] = {
    "title": 500,
    "titles": 500,
    "description": 100_000,
    "descriptions": 100_000,
    "keywords": 200,
    "keywords_by_language": 200,
}
"""The most we keep: characters of a text, words of a list. The raw record keeps everything."""
DISTRIBUTION_LIMIT = 5_000


class Item(NamedTuple):
    """How the members of one noun are read from one object."""

    indexes: tuple[tuple[str, str], ...]
    by_language: tuple[tuple[str, Read], ...]
    plain: tuple[tuple[str, Read], ...]
    limits: tuple[tuple[str, int], ...]


class Group(NamedTuple):
    """The items of one list noun: where they stand, and a cleaner or members to read one by."""

    paths: tuple[Path, ...]
    whole: Cleaner | None
    members: Item


class Table(NamedTuple):
    """A compiled crosswalk."""

    dataset: Item
    nested: Mapping[str, Item]
    groups: Mapping[str, tuple[Group, ...]]


def to_dataset(raw: RawRecord, source: Source) -> tuple[Dataset | None, list[Issue]]:
    """The dataset a portal's record describes, and what could not be read of it.

    None when the record has no id or no title or is no JSON object: its one issue then says so, with the key where
    there is one. Nothing a portal can write raises; ValueError or KeyError means that the source's own options or a
    table are wrong (``check`` finds that before a harvest).
    """
    try:
        record = _decoded(raw.body)
    except (ValueError, RecursionError) as error:
        return None, [Issue(code="record.malformed", url=raw.url, detail=str(error)[:500])]
    if type(record) is not dict:
        return None, [Issue(code="record.malformed", url=raw.url, seen=_shown(record))]
    language = source.options.get("language")
    kind = _kind(source.kind, record)
    table = _table(kind, source.timezone, source.url, language, _overrides(source))
    complaints: list[Complaint] = lacking(record) if kind == "datajson" else []
    values = _members(table.dataset, record, complaints, language)
    key = values.pop("source_key", None)
    missing = "record.key-missing" if key is None else "record.title-missing" if "title" not in values else None
    if missing is not None:
        return None, [Issue(code=missing, url=raw.url, source_key=key)]
    values["id"] = dataset_id = identity.dataset_id(source.id, key)
    for noun, members in table.nested.items():
        if said := _members(members, record, complaints, language):
            values[noun] = said
    for noun, groups in table.groups.items():
        if listed := _listed(noun, groups, record, complaints, language):
            values[noun] = tuple(listed)
    _name_nouns(values, source.id, dataset_id, complaints)
    if "region" not in values and source.region is not None:
        values["region"] = source.region
        values["region_inferred_from"] = "source"
    if raw.catalogue is not None:
        values["catalogue"] = raw.catalogue
    dataset = Dataset(source_id=source.id, source_key=key, **values)
    return dataset, [
        Issue(code=code, url=raw.url, source_key=key, field=path, seen=seen)
        for code, path, seen in dict.fromkeys((code, path, _shown(seen)) for code, path, seen in complaints)
    ]


def check(source: Source) -> None:
    """Compiles the crosswalk of a source; ValueError says which field or path of ``options.crosswalk`` is wrong."""
    _table(source.kind, source.timezone, source.url, source.options.get("language"), _overrides(source))


def _kind(kind: str, record: Json) -> str:
    # DKAN 1 answers as CKAN did, DKAN 2 gives data.json entries: only the latter lack the id of a CKAN package.
    return "datajson" if kind == "dkan" and "id" not in record else kind


def _overrides(source: Source) -> tuple[tuple[str, str], ...]:
    overrides = source.options.get("crosswalk") or {}
    if not isinstance(overrides, dict) or not all(isinstance(path, str) for path in overrides.values()):
        raise ValueError("options.crosswalk is a table of field = path")
    return tuple(overrides.items())


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        # The strict parser also refuses half a surrogate pair, which portals write and a cleaner repairs.
        return json.loads(body, parse_constant=_refused)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def _shown(seen: object) -> str:
    """What stood there, in at most 500 characters; of a list or object only what it is, however deep it goes."""
    if isinstance(seen, dict):
        return f"an object with {', '.join(map(repr, list(seen)[:10]))}"[:500]
    if isinstance(seen, list):
        return f"a list of {len(seen)}"
    return str(seen)[:500].encode("utf-8", "replace").decode()


def _name_nouns(values: Json, source_id: str, dataset_id: str, complaints: list[Complaint]) -> None:
    """Makes the nested nouns of what was read of them, with their ids; a publisher without a name is none."""
    publisher = values.pop("publisher", {})
    if "name" in publisher:
        publisher_id = identity.publisher_id(source_id, publisher.get("key"), publisher["name"])
        values["publisher"] = Publisher(id=publisher_id, **publisher)
    if "contact" in values:
        values["contact"] = Contact(**values["contact"])
    if "keywords" in values:
        values["keywords"] = distinct_words(values["keywords"])
    distributions = values.get("distributions", ())
    if len(distributions) > DISTRIBUTION_LIMIT:
        complaints.append(Complaint("field.too-long", "distributions", len(distributions)))
        distributions = distributions[:DISTRIBUTION_LIMIT]
    if distributions:
        handles = [each.get("key") or each.get("download_url") or each.get("access_url") for each in distributions]
        ids = identity.distribution_ids(dataset_id, handles)
        values["distributions"] = tuple(
            Distribution(id=each_id, **each) for each_id, each in zip(ids, distributions, strict=True)
        )


def _members(item: Item, record: Json, complaints: list[Complaint], language: str | None) -> Json:
    """What the portal says of one noun's members, by their names."""
    for key, member in item.indexes:
        if (laid_out := f"{key}[{member}]") not in record:
            record[laid_out] = index(record, key, member, complaints)
    values: Json = {}
    for field, read in item.by_language:
        said = read(record, complaints)
        if said is not None:
            values[field] = said
            values[PLAIN_FIELDS[field]] = in_language(said, language)
    for field, read in item.plain:
        if field not in values:
            value = read(record, complaints)
            if value is not None:
                values[field] = value
    for field, limit in item.limits:
        if field in values:
            values[field] = _within(limit, values[field], field, complaints)
    return values


def _within(limit: int, value: Any, field: str, complaints: list[Complaint]) -> Any:
    if type(value) is dict:
        return {tag: _within(limit, words, field, complaints) for tag, words in value.items()}
    if len(value) <= limit:
        return value
    complaints.append(Complaint("field.too-long", field, len(value)))
    return value[:limit]


def _listed(
    noun: str, groups: Sequence[Group], record: Json, complaints: list[Complaint], language: str | None
) -> list[Any]:
    """The items of a list noun from all its groups; those of a later group only where they add something.

    Distributions stay as their members, because their ids need all of them.
    """
    listed: list[Any] = []
    for group in groups:
        path, found = _first(group.paths, record, complaints)
        if found is None:
            continue
        given = []
        for number, each in enumerate(found if path.spread else (found,)):
            before = len(complaints)
            try:
                value = group.whole(each) if group.whole else _noun(noun, group.members, each, complaints, language)
            except NotUnderstood as trouble:
                complaints.append(Complaint(trouble.code, "", trouble.seen))
                value = None
            if len(complaints) > before:
                stem = f"{path.text.removesuffix('[]')}[{number}]" if path.spread else path.text
                complaints[before:] = [
                    Complaint(code, f"{stem}.{inner}".strip("."), seen) for code, inner, seen in complaints[before:]
                ]
            if value is not None:
                given.append(value)
        listed += [value for value in given if value not in listed] if listed else given
    return listed


def _first(paths: Sequence[Path], record: Json, complaints: list[Complaint]) -> tuple[Path, Any]:
    for path in paths:
        found = path.walk(record, complaints)
        if found is not None:
            return path, found
    return paths[-1], None


def _noun(noun: str, members: Item, each: Any, complaints: list[Complaint], language: str | None) -> Any:
    if type(each) is not dict:
        raise WrongType(each)
    values = _members(members, each, complaints, language)
    if not values or noun == "distributions":
        return values or None
    if noun == "columns" and "name" not in values:
        raise NotUnderstood(each)
    return LISTED[noun](**values)


def _read_one(ways: Sequence[tuple[Path, Cleaner]]) -> Read:
    """The first value that a cleaner accepts; what was complained of on the way counts only when there is none."""

    def read(record: Json, complaints: list[Complaint]) -> Any:
        before = len(complaints)
        for path, clean in ways:
            found = path.walk(record, complaints)
            if found is None:
                continue
            for value in found if path.spread else (found,):
                try:
                    cleaned = clean(value)
                except NotUnderstood as trouble:
                    complaints.append(Complaint(trouble.code, path.text, trouble.seen))
                    continue
                if cleaned is not None:
                    del complaints[before:]
                    return cleaned
        return None

    return read


def _read_joined(rows: Sequence[Sequence[tuple[Path, Cleaner]]], is_mapping: bool) -> Read:
    """What the rows give, joined in their order, each thing once; of a row, the first path that gives any."""

    def read(record: Json, complaints: list[Complaint]) -> Any:
        joined: dict[Any, Any] = {}
        for ways in rows:
            before = len(complaints)
            for path, clean in ways:
                found = path.walk(record, complaints)
                if found is None:
                    continue
                start = len(complaints)
                given = [_accepted(value, path, clean, complaints) for value in (found if path.spread else (found,))]
                said = [each for each in given if each is not None]
                for each in said:
                    if type(each) is dict:
                        for tag, words in each.items():
                            # Words of one language come one by one where each is a literal of its own.
                            before_it = joined.get(tag)
                            joined[tag] = words if before_it is None else (
                                before_it + words if type(before_it) is tuple else before_it
                            )
                    else:
                        joined |= dict.fromkeys(each if type(each) is tuple else (each,))
                if said:
                    del complaints[before:start]
                    break
        if not joined:
            return None
        return joined if is_mapping else tuple(joined)

    return read


def _accepted(value: Any, path: Path, clean: Cleaner, complaints: list[Complaint]) -> Any:
    try:
        return clean(value)
    except NotUnderstood as trouble:
        complaints.append(Complaint(trouble.code, path.text, trouble.seen))
        return None


def _paths(row: CrosswalkRow) -> tuple[Path, ...]:
    return tuple(compiled(path) for path in row.path.split(" | "))


def _item(noun: type, rows: Iterable[CrosswalkRow], setting: Setting, outer: Iterable[Path] = ()) -> Item:
    """The members of a noun; ``outer`` are further paths into the same object."""
    hints = get_type_hints(noun)
    by_field: dict[str, list[list[tuple[Path, Cleaner]]]] = {}
    for row in rows:
        member = row.field.rpartition(".")[2]
        if member not in hints:
            raise ValueError(f"crosswalk field {row.field!r} is not in {noun.__name__}")
        if row.path:
            clean = cleaner(row.cleaner, setting)
            by_field.setdefault(member, []).append([(path, clean) for path in _paths(row)])
    reads: dict[str, Read] = {}
    for member, ways in by_field.items():
        origin = get_origin(hints[member])
        if origin in (tuple, dict):
            reads[member] = _read_joined(ways, is_mapping=origin is dict)
        else:
            reads[member] = _read_one([way for alternatives in ways for way in alternatives])
    paths = [path for ways in by_field.values() for row_ways in ways for path, _ in row_ways]
    return Item(
        tuple(sorted({path.index for path in (*paths, *outer) if path.index is not None})),
        tuple((member, read) for member, read in reads.items() if member in PLAIN_FIELDS),
        tuple((member, read) for member, read in reads.items() if member not in PLAIN_FIELDS),
        tuple((member, limit) for member, limit in LIMITS.items() if member in reads),
    )


@lru_cache(maxsize=256)
def _table(
    kind: str, timezone: str, url: str, language: str | None, overrides: tuple[tuple[str, str], ...]
) -> Table:
    """The crosswalk of a kind as one source changes it; ValueError or KeyError names what cannot be read of it."""
    setting = Setting(zone=ZoneInfo(timezone), url=url, language=language)
    rows = _overridden(kind, schemas.crosswalk(kind), overrides)
    own = [row for row in rows if row.field.partition(".")[0] not in {**NESTED, **LISTED}]
    started: dict[str, list[tuple[CrosswalkRow, list[CrosswalkRow]]]] = {noun: [] for noun in LISTED}
    for row in rows:
        noun, _, member = row.field.partition(".")
        if noun in LISTED and not member:
            started[noun].append((row, []))
        elif noun in LISTED:
            started[noun][-1][1].append(row)
    groups = {
        noun: tuple(
            Group(
                _paths(row),
                cleaner(row.cleaner, setting) if row.cleaner else None,
                _item(LISTED[noun], members, setting),
            )
            for row, members in rows_of_groups
            if row.path
        )
        for noun, rows_of_groups in started.items()
    }
    nested = {
        noun: _item(struct, [row for row in rows if row.field.startswith(f"{noun}.")], setting)
        for noun, struct in NESTED.items()
    }
    outer = [path for several in groups.values() for group in several for path in group.paths]
    return Table(_item(Dataset, own, setting, outer), nested, groups)


def _overridden(
    kind: str, rows: Sequence[CrosswalkRow], overrides: Iterable[tuple[str, str]]
) -> list[CrosswalkRow]:
    """The rows with a source's own paths before the table's, read by the cleaner the table names for that field."""
    changed = list(rows)
    for field, path in overrides:
        first = next((number for number, row in enumerate(changed) if row.field == field), None)
        if first is None:
            raise ValueError(f"options.crosswalk: the crosswalk of {kind} has no field {field!r}")
        row = CrosswalkRow(field, path, changed[first].cleaner, "options.crosswalk")
        # A group is read from one place: its new path takes the place of the old one.
        replaced = 1 if field in LISTED and not row.cleaner else 0
        changed[first:first + replaced] = [row]
    return changed
