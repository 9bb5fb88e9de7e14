"""What a source's records hold that nobody decided about, and how much of what they say is understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from harvester.crosswalk import plain, to_dataset
from harvester.families import reading
from harvester.records import RawRecord
from harvester.tables import decided_paths
from harvester.texts import says_nothing
from portal.catalog.model import Dataset, Source
from portal.catalog.normalisation import Understanding, understanding


class Undecided(Struct, frozen=True):
    """A key of a portal's records that no row of its crosswalk names."""

    path: str
    records: int
    """In how many records it says something."""
    example: str


class Audit(Struct, frozen=True):
    """The audit of one source."""

    records: int
    undecided: tuple[Undecided, ...]
    """Most frequent first."""
    understanding: tuple[Understanding, ...]
    """Of fields that were given at all."""


def audit(source: Source, raws: Iterable[RawRecord]) -> Audit:
    """Reads every record again and counts."""
    decided = decided_paths(reading(source).tables, source.options.get("crosswalk", {}))
    keys: Counter[str] = Counter()
    examples: dict[str, str] = {}
    records = 0

    def datasets() -> Iterator[Dataset]:
        nonlocal records
        for raw in raws:
            records += 1
            for path, value in _said(plain(raw)):
                if not _is_decided(path, decided):
                    keys[path] += 1
                    examples.setdefault(path, str(value)[:100])
            dataset, _ = to_dataset(raw, source)
            if dataset is not None:
                yield dataset

    understood = understanding(datasets())
    return Audit(
        records, tuple(Undecided(path, count, examples[path]) for path, count in keys.most_common()), understood
    )


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


def _is_decided(path: str, decided: dict[str, str]) -> bool:
    steps = path.split(".")
    return any(".".join(steps[:depth]) in decided for depth in range(1, len(steps) + 1))
