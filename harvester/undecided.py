"""The keys of a portal's records that no row of its crosswalk names: what it says and nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harvester import nativekeys
from harvester.families import reading
from harvester.tables import decided_paths
from harvester.texts import says_nothing
from portal.catalog.model import Source


def decided_by(source: Source) -> Mapping[str, str]:
    """Every path that the source's crosswalks or its own options name, and the field it is read for."""
    return decided_paths(reading(source).tables, source.options.get("crosswalk", {}))


def undecided(record: Any, source: Source, decided: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """The paths of a record at which something is said that nobody decided about, and what is said.

    ``decided`` is what ``decided_by`` gives, which is worth asking for once.
    """
    others = set(dict(_said(nativekeys.renamed(record, reading(source)))))
    for path, value in _said(record):
        steps = path.split(".")
        if path in others and not any(".".join(steps[:depth]) in decided for depth in range(1, len(steps) + 1)):
            yield path, value


def _said(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The paths of a record at which something is said, each once, and what; lists count as their items."""
    told: dict[str, Any] = {}
    for key, each in value.items() if isinstance(value, dict) else ():
        inner = f"{path}.{key}" if path else key
        for item in each if isinstance(each, list) else [each]:
            if isinstance(item, dict):
                told = dict(_said(item, inner)) | told
            elif item is not None and not says_nothing(str(item)):
                told.setdefault(inner, item)
    yield from told.items()
