"""Compiles a crosswalk's rows into what reads a record: once per kind of portal and source, never per record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from msgspec import structs

import schemas
from harvester.cleaners import Setting
from harvester.families import Reading
from harvester.paths import Layout, Path, Selection, Steps, Walk, compiled, steps
from harvester.texts import Cleaner, NotUnderstood
from harvester.xml_cleaners import cleaner
from portal.catalog.model import Column, Contact, Dataset, Distribution, Period, Place, Publisher
from schemas import CrosswalkRow

Way: TypeAlias = tuple[str, str | None, Walk | None, Cleaner, str]
"""One way to a field: its name, the first key, the way on, the cleaner, the path as written. A bare tuple, because
unpacking it is much of what a translation does."""
JoinedWay: TypeAlias = tuple[str, int, str | None, Walk | None, bool, Cleaner, str]
"""The same of a field that holds several values: with the number of its row, and whether the path gives a list."""

NESTED: Mapping[str, type] = {"publisher": Publisher, "contact": Contact}
LISTED: Mapping[str, type] = {"distributions": Distribution, "columns": Column, "periods": Period, "places": Place}
BY_LANGUAGE: Mapping[str, str] = {
    "titles": "title",
    "descriptions": "description",
    "publisher.names": "publisher.name",
    "keywords_by_language": "keywords",
}
"""Fields by language, and the plain field that is made of each where the portal gives it."""


_UNREAD = "unread."

_SPREAD = re.compile(r"\[[^\]]*\]")

GATHERED = frozenset(("csw", "dcat", "oaipmh"))
"""Kinds whose records we make of XML and RDF: a hundred paths lead through the same few lists of lists."""

NATIVE = "native"
"""The crosswalk of the keys that portals of no known form use."""

UNUSED = "unused"
"""In place of a field: the keys on this row are known, and nothing is made of them."""


class Ways(NamedTuple):
    """The ways to the fields of one object."""

    joined: tuple[JoinedWay, ...]
    single: tuple[Way, ...]


class Item(NamedTuple):
    """How the fields of one object are read."""

    layouts: tuple[Layout, ...]
    ways: Callable[[tuple[str, ...]], Ways]
    """The ways that can lead anywhere in an object with these keys: of a hundred in a table, a dozen do."""
    keys: frozenset[str | None]
    """The first keys of all of them."""
    stated: tuple[tuple[str, str], ...]
    """The rows ``unread.…``, which give what the portal says of a field whether it can be read or not, and the field."""
    steps: Steps | None
    """Where what stands at all of them is gathered in one walk: the paths; each key is then a whole path."""


class Group(NamedTuple):
    """The items of one list noun: where they stand, and a cleaner or fields to read one by."""

    paths: tuple[Path, ...]
    whole: Cleaner | None
    item: Item


class Table(NamedTuple):
    """A compiled crosswalk."""

    record: Item
    """The dataset's own fields, and those of nested nouns under their dotted names."""
    nested: Mapping[str, tuple[tuple[str, str], ...]]
    """Of each nested noun, its members' names in ``record`` and in the noun."""
    groups: Mapping[str, tuple[Group, ...]]


@lru_cache(maxsize=256)
def table(
    kind: str,
    timezone: str,
    url: str,
    region: str | None,
    language: str | None,
    overrides: tuple[tuple[str, str], ...],
    reading: Reading | None = None,
) -> Table:
    """The crosswalk of a kind as one source changes it; ValueError or KeyError names what cannot be read of it."""
    codes = _codes(reading) if reading else {}
    setting = Setting(zone=ZoneInfo(timezone), url=url, region=region, language=language, codes=codes)
    rows = _rows_of(reading, overrides) if reading else rows_under(kind, "")
    rows = _overridden(kind, rows, overrides)
    is_gathered = kind in GATHERED
    own: list[CrosswalkRow] = []
    started: dict[str, list[tuple[CrosswalkRow, list[CrosswalkRow]]]] = {noun: [] for noun in LISTED}
    for row in rows:
        noun, _, member = row.field.partition(".")
        if noun not in LISTED:
            own.append(row)
        elif not member:
            started[noun].append((row, []))
        elif not started[noun]:
            raise ValueError(f"crosswalk {kind}: {row.field} stands before a row {noun}")
        else:
            started[noun][-1][1].append(row)
    groups = {
        noun: tuple(_group(noun, row, members, setting, is_gathered) for row, members in several if row.path)
        for noun, several in started.items()
    }
    within = (_outer(row, members, is_gathered) for several in started.values() for row, members in several)
    outer = chain.from_iterable(within)
    nested = {
        noun: tuple((f"{noun}.{member}", member) for member in _types(struct))
        for noun, struct in NESTED.items()
    }
    return Table(_item(own, _hints(Dataset, NESTED), setting, is_gathered, outer), nested, groups)


def _rows_of(reading: Reading, overrides: Iterable[tuple[str, str]]) -> list[CrosswalkRow]:
    """The rows of a source's tables; of the native one only for keys that neither a table before it nor an override names."""
    rows: list[CrosswalkRow] = []
    for number, (name, root) in enumerate(reading.tables):
        given = rows_under(name, root)
        if name == NATIVE:
            decided = decided_paths(reading.tables[:number], dict(overrides))
            given = [row if _is_member(row) else _undecided(row, root or ".", decided) for row in given]
        rows += given
    return rows


def _undecided(row: CrosswalkRow, whole: str, decided: Mapping[str, str]) -> CrosswalkRow:
    """The row without the paths that are decided, within something decided, or around it; ``whole`` is all there is."""
    open = [
        path for path in _texts(row.path)
        if path == whole or not any(f"{path}.".startswith(f"{each}.") or each.startswith(f"{path}.") for each in decided)
    ]
    return structs.replace(row, path=" | ".join(open))


def _outer(row: CrosswalkRow, members: Iterable[CrosswalkRow], is_gathered: bool) -> Iterator[Path]:
    """The paths of a group into the record itself."""
    for each in (row, *members) if row.path == "." else (row,):
        yield from _paths(each, is_gathered)


def rows_under(name: str, root: str) -> list[CrosswalkRow]:
    """The rows of a crosswalk whose keys stand under ``root``; those that make nothing of their keys left out."""
    rows = [row for row in schemas.crosswalk(name) if row.field != UNUSED]
    if not root:
        return rows
    return [row if _is_member(row) else _moved(row, root) for row in rows]


def decided_paths(tables: Iterable[tuple[str, str]], overrides: Mapping[str, str] = {}) -> dict[str, str]:  # noqa: B006
    """Every path that a row of these crosswalks or a source's own names, without ``[]``, and the field it is read for."""
    decided = {_SPREAD.sub("", path): field for field, paths in overrides.items() for path in _texts(paths)}
    for name, root in tables:
        within: Sequence[str] = ()
        for row in schemas.crosswalk(name):
            if _is_member(row):
                paths = [path if outer == "." else f"{outer}.{path}" for outer in within for path in _texts(row.path)]
            else:
                paths = _texts(_moved(row, root).path if root else row.path)
                # The rows of a group's members follow it; their paths are relative to its items.
                within = paths if row.field in LISTED else within
            for path in paths:
                decided.setdefault(_SPREAD.sub("", path), row.field)
    # What reads the whole record, or all that stands under the root, decides about none of its keys.
    for whole in (".", *(root for _, root in tables)):
        decided.pop(whole, None)
    return decided


def _is_member(row: CrosswalkRow) -> bool:
    """Whether a row is read relative to the items of a group rather than to the record."""
    noun, dot, _ = row.field.partition(".")
    return bool(dot) and noun in LISTED


def _moved(row: CrosswalkRow, root: str) -> CrosswalkRow:
    return structs.replace(row, path=" | ".join(_under(root, path) for path in _texts(row.path)))


def _under(root: str, path: str) -> str:
    return root if path == "." else f"{root}.{path}"


def _codes(reading: Reading) -> dict[str, dict[str, str]]:
    """By vocabulary: the codes of the family, and before them the source's own."""
    family = schemas.codes(reading.codes_table) if reading.codes_table else {}
    known = {name: dict(terms) for name, terms in family.items()}
    for vocabulary, terms in reading.codes:
        for raw, code in terms:
            if code not in schemas.vocabulary(vocabulary).terms:
                raise ValueError(f"options.codes.{vocabulary}: {code!r} is no code of that vocabulary")
            known.setdefault(vocabulary, {})[schemas.fold(raw)] = code
    return known


def _overridden(
    kind: str, rows: Sequence[CrosswalkRow], overrides: Iterable[tuple[str, str]]
) -> list[CrosswalkRow]:
    """The rows with a source's own paths before the table's, read by the cleaner the table names for that field.

    By all of them in their order, where it is a field of one value and the table has several rows: each cleaner of
    openness reads what the one before it leaves. ``unused`` is no field: what it names is read by nobody, and so
    decided about.
    """
    changed = list(rows)
    hints = _hints(Dataset, NESTED)
    for field, path in overrides:
        if field == UNUSED:
            continue
        first = next((number for number, row in enumerate(changed) if row.field == field), None)
        if first is None:
            raise ValueError(f"options.crosswalk: the crosswalk of {kind} has no field {field!r}")
        cleaners = dict.fromkeys(row.cleaner for row in changed if row.field == field)
        several = cleaners if get_origin(hints.get(field, tuple)) not in (tuple, dict) else [changed[first].cleaner]
        # A group is read from one place: its new path takes the place of the old one.
        replaced = 1 if field in LISTED and not changed[first].cleaner else 0
        changed[first:first + replaced] = [CrosswalkRow(field, path, cleaner, "options.crosswalk") for cleaner in several]
    return changed


def _hints(noun: type, nested: Mapping[str, type]) -> dict[str, Any]:
    """The type of each field; of nested nouns under dotted names."""
    hints = {field: hint for field, hint in _types(noun).items() if field not in nested}
    for name, inner in nested.items():
        hints |= {f"{name}.{member}": hint for member, hint in _types(inner).items()}
    if "unread" in hints:
        hints |= {_UNREAD + field: str for field in _types(noun)}
    return hints


@cache
def _types(noun: type) -> Mapping[str, Any]:
    return get_type_hints(noun)


def _group(
    noun: str, row: CrosswalkRow, members: Iterable[CrosswalkRow], setting: Setting, is_gathered: bool
) -> Group:
    whole = cleaner(row.cleaner, setting) if row.cleaner else None
    inner = [structs.replace(member, field=member.field.partition(".")[2]) for member in members]
    return Group(_paths(row, is_gathered), whole, _item(inner, _hints(LISTED[noun], {}), setting, is_gathered))


def _paths(row: CrosswalkRow, is_gathered: bool) -> tuple[Path, ...]:
    paths = tuple(compiled(path) for path in _texts(row.path))
    # What was gathered lies under the text of its path.
    return tuple(path._replace(key=path.text, rest=None) for path in paths) if is_gathered else paths


def _texts(path: str) -> list[str]:
    return [each for each in path.split(" | ") if each]


def _item(
    rows: Iterable[CrosswalkRow],
    hints: Mapping[str, Any],
    setting: Setting,
    is_gathered: bool,
    outer: Iterable[Path] = (),
) -> Item:
    """What reads these rows of one object; ``outer`` are further paths into the same object."""
    paths = list(outer)
    joined: list[JoinedWay] = []
    single: list[Way] = []
    for number, row in enumerate(rows):
        if row.field not in hints:
            raise ValueError(f"crosswalk field {row.field!r} is none of the unified schema")
        clean = cleaner(row.cleaner, setting)
        is_joined = get_origin(hints[row.field]) in (tuple, dict)
        for path in _paths(row, is_gathered):
            paths.append(path)
            if is_joined:
                joined.append((row.field, number, path.key, path.rest, path.is_list, clean, path.text))
            else:
                accept = _first_of(clean) if path.is_list else clean
                single.append((row.field, path.key, path.rest, accept, path.text))
    return Item(
        _layouts(path.selection for path in paths if path.selection is not None),
        _leading(Ways(tuple(joined), tuple(single))),
        frozenset(path.key for path in paths),
        tuple((field, field.removeprefix(_UNREAD)) for field, *_ in single if field.startswith(_UNREAD)),
        steps(path.text for path in paths) if is_gathered else None,
    )


def _leading(every: Ways) -> Callable[[tuple[str, ...]], Ways]:
    # The records of a portal have the same keys over and over, so each choice is made once.
    @lru_cache(maxsize=1024)
    def leading(keys: tuple[str, ...]) -> Ways:
        present = {None, *keys}
        return Ways(
            tuple(way for way in every.joined if way[2] in present),
            tuple(way for way in every.single if way[1] in present),
        )

    return leading


def _layouts(selections: Iterable[Selection]) -> tuple[Layout, ...]:
    wanted: dict[tuple[str, str], dict[str, str]] = {}
    for selection in selections:
        wanted.setdefault((selection.listed, selection.member), {})[selection.wanted] = selection.key
    return tuple(Layout(listed, member, keys) for (listed, member), keys in wanted.items())


def _first_of(clean: Cleaner) -> Cleaner:
    """The first of several values that a cleaner accepts."""

    def first(values: list[Any]) -> Any:
        refused = None
        for value in values:
            try:
                cleaned = clean(value)
            except NotUnderstood as trouble:
                refused = trouble
                continue
            if cleaned is not None:
                return cleaned
        if refused is not None:
            raise refused
        return None

    return first
