"""Compiles a crosswalk's rows into what reads a record: once per kind of portal and source, never per record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from msgspec import structs

import schemas
from harvester.cleaners import Setting
from harvester.dcat_cleaners import cleaner
from harvester.paths import Layout, Path, Selection, Walk, compiled
from harvester.texts import Cleaner, NotUnderstood
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
) -> Table:
    """The crosswalk of a kind as one source changes it; ValueError or KeyError names what cannot be read of it."""
    setting = Setting(zone=ZoneInfo(timezone), url=url, region=region, language=language)
    rows = _overridden(kind, schemas.crosswalk(kind), overrides)
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
        noun: tuple(_group(noun, row, members, setting) for row, members in several if row.path)
        for noun, several in started.items()
    }
    outer = chain.from_iterable(_outer(row, members) for several in started.values() for row, members in several)
    nested = {
        noun: tuple((f"{noun}.{member}", member) for member in get_type_hints(struct))
        for noun, struct in NESTED.items()
    }
    return Table(_item(own, _hints(Dataset, NESTED), setting, outer), nested, groups)


def _outer(row: CrosswalkRow, members: Iterable[CrosswalkRow]) -> Iterator[Path]:
    """The paths of a group into the record itself."""
    for each in (row, *members) if row.path == "." else (row,):
        yield from _paths(each)


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


def _hints(noun: type, nested: Mapping[str, type]) -> dict[str, Any]:
    """The type of each field; of nested nouns under dotted names."""
    hints = {field: hint for field, hint in get_type_hints(noun).items() if field not in nested}
    for name, inner in nested.items():
        hints |= {f"{name}.{member}": hint for member, hint in get_type_hints(inner).items()}
    return hints


def _group(noun: str, row: CrosswalkRow, members: Iterable[CrosswalkRow], setting: Setting) -> Group:
    whole = cleaner(row.cleaner, setting) if row.cleaner else None
    inner = [structs.replace(member, field=member.field.partition(".")[2]) for member in members]
    return Group(_paths(row), whole, _item(inner, _hints(LISTED[noun], {}), setting))


def _paths(row: CrosswalkRow) -> tuple[Path, ...]:
    return tuple(compiled(path) for path in row.path.split(" | ") if path)


def _item(
    rows: Iterable[CrosswalkRow], hints: Mapping[str, Any], setting: Setting, outer: Iterable[Path] = ()
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
        for path in _paths(row):
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
