"""A portal's record to a dataset of the unified schema, as the tables in ``schemas/crosswalks`` say; pure.

Each row gives a unified field, where it stands in the portal's record, and the cleaner that reads it.

- Alternative paths stand between `` | ``: the first that gives a value its cleaner accepts wins. Further rows of one
  field are further alternatives; where the field is a tuple or a mapping, what the rows give is joined.
- ``publisher.name`` is a member of a nested noun. A row ``distributions`` without a cleaner starts a group: the rows
  ``distributions.format_raw`` after it are read relative to each of its items. With a cleaner it reads whole values.
- A row without a path is read only where a source's ``options.crosswalk`` says from where.

The language of the paths: ``harvester.paths``; the cleaners: ``harvester.cleaners``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import msgspec

from harvester import dcat_shapes, departments, identity, nativekeys, regions, xmlrecords
from harvester.departments import Department
from harvester.duplicates import duplicate_members
from harvester.families import KINDS, Reading, reading
from harvester.native_cleaners import column_names
from harvester.paths import Complaint, Json, found, gathered, lay_out
from harvester.profiles import lacking
from harvester.records import RawRecord
from harvester.tables import BY_LANGUAGE, GATHERED, LISTED, NESTED, Group, Item, JoinedWay, Ways, table
from harvester.texts import NotUnderstood, WrongType, distinct_words, in_language
from portal.catalog.decisions import Decided, name_key
from portal.catalog.model import Contact, Dataset, Distribution, Issue, Publisher, Source

LIMITS: Mapping[str, int] = {
    "title": 500,
    "titles": 500,
    "description": 100_000,
    "descriptions": 100_000,
    "keywords": 200,
    "keywords_by_language": 200,
    "distributions": 5_000,
}
"""The most we keep: characters of a text, items of a list. The raw record keeps everything."""


UNREAD: Mapping[str, frozenset[str]] = MappingProxyType({
    "dataset": frozenset(("issued", "modified", "data_modified", "rows", "region", "places", "periods")),
    "distributions": frozenset(("access_url", "download_url", "size_bytes", "issued", "modified")),
})
"""The fields whose words a dataset or distribution keeps where they cannot be read, besides those that a crosswalk's rows
``unread.…`` name. Counters are left out: no reading them anew, with every visitor, makes a dataset another one."""

_NOUNS = frozenset((*NESTED, *LISTED))

NOTHING_DECIDED: Decided = MappingProxyType({})


def to_dataset(
    raw: RawRecord, source: Source, decided: Decided = NOTHING_DECIDED
) -> tuple[Dataset | None, list[Issue]]:
    """The dataset a portal's record describes, and what could not be read of it.

    ``decided`` is what people said of publishers' names (``catalog.decisions.for_source``); it goes before our tables.

    None when the record has no id or no title or is no JSON object: its one issue then says so, with the key where
    there is one. Nothing a portal can write raises; ValueError or KeyError means that the source's own options or a
    table are wrong (``check`` finds that before a harvest).
    """
    try:
        record = plain(raw)
    except (ValueError, RecursionError) as error:
        return None, [Issue(code="record.malformed", url=raw.url, detail=str(error)[:500])]
    if type(record) is not dict:
        return None, [Issue(code="record.malformed", url=raw.url, seen=_shown(record))]
    language = _language(source)
    kind = _kind(source.kind, record, raw.media_type)
    read_by = reading(source) if kind in KINDS else None
    overrides = _overrides(source)
    compiled = table(kind, source.timezone, source.url, source.region, language, overrides, read_by)
    complaints: list[Complaint] = []
    if kind not in GATHERED:
        complaints += [Complaint("field.duplicate", name, record.get(name)) for name in duplicate_members(raw.body, record)]
    complaints += lacking(record) if kind == "datajson" else ()
    words = record
    if read_by is not None:
        record = nativekeys.named(record, read_by)
    laid_out = _laid_out(compiled.record, record, complaints)
    values = _fields("dataset", compiled.record, laid_out, complaints, language)
    key = _key(values, words, read_by)
    if key is None and read_by is not None and read_by.makes_key and "title" in values:
        said = [_first_word(compiled.record, field, laid_out) for field in ("title", "publisher.name")]
        key = identity.words_key(said, raw.occurrence)
    if key is None or "title" not in values:
        code = "record.key-missing" if key is None else "record.title-missing"
        return None, [Issue(code=code, url=raw.url, source_key=key)]
    dataset_id = identity.dataset_id(source.id, key)
    nested = {
        noun: {member: values.pop(name) for name, member in names if name in values}
        for noun, names in compiled.nested.items()
    }
    body = _body(nested["publisher"].get("name"), values.get("region") or source.region, decided)
    values["publisher"] = _publisher(nested["publisher"], source, body)
    values |= _place(source.region, values.get("region"), body, values["title"])
    if "region" in values and values["region_inferred_from"] is None:
        values["region_former"] = _former(compiled.record, laid_out, source.region)
    values["contact"] = Contact(**nested["contact"]) if nested["contact"] else None
    unread = values.pop("unread", {})
    for noun, groups in compiled.groups.items():
        before = len(complaints)
        if listed := _listed(noun, groups, laid_out, complaints, language):
            values[noun] = tuple(listed)
        elif noun in UNREAD["dataset"] and len(complaints) > before:
            unread[noun] = complaints[before].seen
    # Whether anything was read of a noun is known only now.
    unread = {field: seen for field, seen in unread.items() if field not in _NOUNS or not values.get(field)}
    if "distributions" in values:
        distributions = _within("distributions", values["distributions"], complaints)
        values["distributions"] = _distributions(distributions, dataset_id)
    if "columns" in values and values["columns"] == column_names(values["title"]):
        # The title once more where the columns belong, in 541 of 7,017 Taiwanese records, names none.
        del values["columns"]
    if "keywords" in values:
        values["keywords"] = distinct_words(values["keywords"])
    if unread:
        values["unread"] = _words(unread)
    if kind == "dcat" and (violations := dcat_shapes.violations(record)):
        values["violations"] = violations
    if raw.catalogue is not None:
        values["catalogue"] = raw.catalogue
    dataset = Dataset(id=dataset_id, source_id=source.id, source_key=key, **values)
    return dataset, [
        Issue(code=code, url=raw.url, source_key=key, field=path, seen=seen)
        for code, path, seen in dict.fromkeys((code, path, _shown(seen)) for code, path, seen in complaints)
    ]


def own_key(raw: RawRecord, source: Source) -> str | None:
    """The id that the portal itself gives a record (or the source's ``options.key``); None where there is none."""
    words, read_by = plain(raw), reading(source)
    if type(words) is not dict:
        return None
    record = nativekeys.named(words, read_by)
    language, overrides = _language(source), _overrides(source)
    compiled = table(source.kind, source.timezone, source.url, source.region, language, overrides, read_by).record
    laid_out = _laid_out(compiled, record, [])
    ways = Ways((), tuple(way for way in compiled.ways(tuple(laid_out)).single if way[0] == "source_key"))
    values = _fields("dataset", compiled._replace(ways=lambda keys: ways), laid_out, [], None)
    return _key(values, words, read_by)


def _key(values: Json, words: Json, read_by: Reading | None) -> str | None:
    """The portal's own id of a record, or what its source says tells its records apart."""
    key: str | None = values.pop("source_key", None)
    if read_by is None or not read_by.key:
        return key
    said = identity.words_key([words.get(name) for name in read_by.key])
    return said if said.strip(identity.KEY_GAP) else None


def _first_word(item: Item, field: str, record: Json) -> Any:
    """The raw word under the first of a field's keys that holds one; None where none does."""
    for name, key, rest, _, _ in item.ways(tuple(record)).single:
        if name == field:
            value = record if key is None else record.get(key)
            said = value if rest is None or value is None else rest(value, [])
            if identity.frozen_1(said):
                return said
    return None


def check(source: Source) -> None:
    """Compiles the crosswalk of a source; ValueError or KeyError says which of its options or rows is wrong."""
    for kind in (source.kind, *_FURTHER.get(source.kind, ())):
        read_by = reading(source) if kind in KINDS else None
        table(kind, source.timezone, source.url, source.region, _language(source), _overrides(source), read_by)


_FURTHER: Mapping[str, tuple[str, ...]] = {"dkan": ("datajson",), "csw": ("dcat",), "oaipmh": ("csw", "dcat")}
"""The tables besides its own that read a kind's records."""


def _kind(kind: str, record: Json, media_type: str) -> str:
    """The crosswalk that reads a record: that of its source's kind, unless the record is of another form."""
    if kind == "dkan" and "id" not in record:
        # DKAN gives data.json entries, and packages like CKAN's by its older actions: only the latter have an id.
        return "datajson"
    if kind in _XML_KINDS:
        return _XML_TABLES.get(record.get("@class", ""), kind) if media_type == xmlrecords.MEDIA_TYPE else "dcat"
    return kind


_XML_KINDS = frozenset(("csw", "oaipmh"))
"""Kinds whose portals answer in XML; where they answer in RDF it is read as DCAT."""

_XML_TABLES: Mapping[str, str] = {"MD_Metadata": "csw", "MI_Metadata": "csw"}
"""ISO 19139 is read by one table, whoever serves it."""


def _language(source: Source) -> str | None:
    language = source.options.get("language")
    if language is not None and not isinstance(language, str):
        raise ValueError("options.language is a language tag")
    return language


def _overrides(source: Source) -> tuple[tuple[str, str], ...]:
    overrides = source.options.get("crosswalk") or {}
    if not isinstance(overrides, dict) or not all(isinstance(path, str) for path in overrides.values()):
        raise ValueError("options.crosswalk is a table of field = path")
    return tuple(overrides.items())


def plain(raw: RawRecord) -> Any:
    """What JSON can hold of a record: decoded JSON, or the plain object of an XML element. ValueError, RecursionError."""
    return xmlrecords.plain(raw.body) if raw.media_type == xmlrecords.MEDIA_TYPE else _decoded(raw.body)


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


def _body(name: str | None, within: str | None, decided: Decided) -> Department:
    """Who the publisher's name says it is; nothing where there is no name or it does not say."""
    if name is None:
        return Department()
    decision = decided.get(name_key(name)) if decided else None
    if decision is not None:
        return departments.ruled(decision)
    return departments.resolve(name, within) or Department()


def _publisher(members: Json, source: Source, body: Department) -> Publisher | None:
    """The publisher, if it has a name: a key alone tells nobody who it is."""
    if "name" not in members:
        return None
    if "institution_type" not in members:
        members |= _institution(source, body)
    return Publisher(
        id=identity.publisher_id(source.id, members.get("key"), members["name"]),
        functions=body.functions,
        department=body.id,
        decision=body.decision,
        **members,
    )


def _institution(source: Source, body: Department) -> Json:
    """The institution type where the portal does not say it, and what did: the name or a person, else the source."""
    told = "name" if body.decision is None else "decision"
    for institution_type, inferred_from in ((body.institution_type, told), (source.institution_type, "source")):
        if institution_type is not None:
            return {"institution_type": institution_type, "institution_inferred_from": inferred_from}
    return {}


def _place(source: str | None, stated: str | None, body: Department, title: str) -> Json:
    """The region, and what said so where the record did not."""
    located = regions.locate(source, stated, body.region, title)
    if located is None:
        return {}
    former = body.region_former if located.inferred_from == "publisher" else None
    return {"region": located.code, "region_inferred_from": located.inferred_from, "region_former": former}


def _former(item: Item, record: Json, within: str | None) -> str | None:
    """The former region that the record states, by the word that was accepted for its region."""
    for name, key, rest, clean, _ in item.ways(tuple(record)).single:
        if name != "region":
            continue
        value = record if key is None else record.get(key)
        said = value if rest is None or value is None else rest(value, [])
        if said is None or said == "":
            continue
        try:
            if clean(said) is not None:
                return regions.former(str(said), within)
        except NotUnderstood:
            continue
    return None


def _distributions(several: Sequence[Json], dataset_id: str) -> tuple[Distribution, ...]:
    handles = [each.get("key") or each.get("download_url") or each.get("access_url") for each in several]
    ids = identity.distribution_ids(dataset_id, handles)
    return tuple([Distribution(id=each_id, **each) for each_id, each in zip(ids, several, strict=True)])


def _laid_out(item: Item, record: Json, complaints: list[Complaint]) -> Json:
    """An object as the ways to its fields read it."""
    for layout in item.layouts:
        lay_out(record, layout, complaints)
    return record if item.steps is None else gathered(record, item.steps)


def _fields(noun: str, item: Item, record: Json, complaints: list[Complaint], language: str | None) -> Json:
    """What the portal says of the fields of an object laid out; ``unread`` is what it says of those that cannot be read."""
    ways = item.ways(tuple(record))
    values = _joined(ways.joined, record, complaints)
    for field, plain in BY_LANGUAGE.items():
        if field in values:
            values[plain] = in_language(values[field], language)
    refused: list[tuple[str, Complaint]] = []
    strayed: list[Complaint] = []
    for field, key, rest, clean, path in ways.single:
        value = record if key is None else record.get(key)
        if value is None or value == "" or field in values:
            continue
        if rest is not None:
            value = rest(value, strayed)
            if strayed:
                refused += [(field, complaint) for complaint in strayed]
                strayed.clear()
            if value is None:
                continue
        try:
            value = clean(value)
        except NotUnderstood as trouble:
            refused.append((field, Complaint(trouble.code, path, trouble.seen)))
            continue
        if value is not None:
            values[field] = value
    unread: Json = {}
    for row, field in item.stated:
        if row in values:
            seen = values.pop(row)
            if field not in values:
                unread[field] = seen
    for field, complaint in refused:
        # What was complained of on the way to an accepted value is of no interest.
        if field not in values:
            complaints.append(complaint)
            if field in UNREAD.get(noun, ()):
                unread.setdefault(field, complaint.seen)
    if unread:
        values["unread"] = unread
    for field in LIMITS:
        if field in values:
            values[field] = _within(field, values[field], complaints)
    return values


def _words(unread: Json) -> dict[str, str]:
    """What the portal says of fields, in at most 500 characters each; of an object or list as JSON."""
    return {field: _shown(_written(seen)).strip() for field, seen in unread.items()}


def _written(seen: object) -> object:
    if not isinstance(seen, (dict, list)):
        return seen
    try:
        return json.dumps(seen, ensure_ascii=False)
    except RecursionError:
        return seen


def _joined(ways: Sequence[JoinedWay], record: Json, complaints: list[Complaint]) -> Json:
    """The fields that hold several values: what their rows give, each once; of a row, its first path that gives."""
    gathered: dict[str, dict[Any, Any]] = {}
    mappings: Json = {}
    given = -1
    for field, row, key, rest, is_list, clean, path in ways:
        value = record if key is None else record.get(key)
        if value is None or value == "" or row == given:
            continue
        if rest is not None:
            value = rest(value, complaints)
            if value is None:
                continue
        for each in value if is_list else (value,):
            try:
                cleaned = clean(each)
            except NotUnderstood as trouble:
                complaints.append(Complaint(trouble.code, path, trouble.seen))
                continue
            if cleaned is None:
                continue
            given = row
            if type(cleaned) is str:
                gathered.setdefault(field, {})[cleaned] = None
            elif type(cleaned) is dict:
                _join(mappings.setdefault(field, {}), cleaned)
            else:
                gathered.setdefault(field, {}).update(dict.fromkeys(cleaned))
    return mappings | {field: tuple(values) for field, values in gathered.items()}


def _join(said: Json, more: Json) -> None:
    """Adds what is said by language: words of one language come one by one where each is a literal of its own."""
    for tag, words in more.items():
        if tag not in said:
            said[tag] = words
        elif type(words) is tuple:
            said[tag] += words


def _within(field: str, value: Any, complaints: list[Complaint]) -> Any:
    if type(value) is dict:
        return {tag: _within(field, words, complaints) for tag, words in value.items()}
    if len(value) <= LIMITS[field]:
        return value
    complaints.append(Complaint("field.too-long", field, len(value)))
    return value[:LIMITS[field]]


def _listed(
    noun: str, groups: Sequence[Group], record: Json, complaints: list[Complaint], language: str | None
) -> list[Any]:
    """The items of a list noun from all its groups; those of a later group only where they add something.

    Distributions stay as their fields, because their ids need all of them.
    """
    listed: list[Any] = []
    for paths, whole, item in groups:
        if paths[0].key is None and whole is None and item.keys.isdisjoint(record):
            continue
        for path in paths:
            value = found(path, record, complaints)
            if value is not None:
                break
        else:
            continue
        given: list[Any] = []
        for number, each in enumerate(value if path.is_list else (value,)):
            before = len(complaints)
            try:
                made = whole(each) if whole else _noun(noun, item, each, complaints, language)
            except NotUnderstood as trouble:
                complaints.append(Complaint(trouble.code, "", trouble.seen))
                made = None
            if len(complaints) > before:
                stem = f"{path.text.removesuffix('[]')}[{number}]" if path.is_list else path.text
                complaints[before:] = [
                    Complaint(code, f"{stem}.{inner}".strip("."), seen) for code, inner, seen in complaints[before:]
                ]
            if made is not None:
                # A cleaner that reads a whole value may find several things in it.
                given += made if type(made) is tuple else (made,)
        listed += [made for made in given if made not in listed] if listed else given
    return listed


def _noun(noun: str, item: Item, each: Any, complaints: list[Complaint], language: str | None) -> Any:
    if type(each) is not dict:
        raise WrongType(each)
    values = _fields(noun, item, _laid_out(item, each, complaints), complaints, language)
    if noun == "distributions":
        if "unread" in values:
            values["unread"] = _words(values["unread"])
        # Of what is only known to be unreadable there is nothing to show.
        return None if values.keys() <= {"unread"} else values
    if not values:
        return None
    if noun == "columns" and "name" not in values:
        raise NotUnderstood(each)
    return LISTED[noun](**values)
