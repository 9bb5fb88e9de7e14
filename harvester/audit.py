"""What a source's records hold that nobody decided about, and how much of what they say is understood."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from harvester.crosswalk import to_dataset
from harvester.families import reading
from harvester.records import RawRecord
from harvester.tables import decided_paths
from harvester.texts import PLACEHOLDERS
from portal.catalog.model import Dataset, Source

REMAINING = 20
"""Values of a field that were not understood, as many as are told of, most frequent first."""

RAW_BESIDE = ("openness", "sharing", "frequency", "licence", "themes")
"""Fields of which a dataset keeps the portal's word under ``…_raw``."""

_INDEX = re.compile(r"\[[^\]]*\]")


class Undecided(Struct, frozen=True):
    """A key of a portal's records that no row of its crosswalk names."""

    path: str
    records: int
    """In how many records it says something."""
    example: str


class Understanding(Struct, frozen=True):
    """How many values of a field a source gave, and how many of them we read."""

    field: str
    given: int
    understood: int
    remaining: tuple[tuple[str, int], ...]
    """The values not understood and how often each stands; at most ``REMAINING``."""

    @property
    def share(self) -> float | None:
        """Of the given values, those understood (0-1); None when none was given."""
        return self.understood / self.given if self.given else None


class Audit(Struct, frozen=True):
    """The audit of one source."""

    records: int
    undecided: tuple[Undecided, ...]
    """Most frequent first."""
    understanding: tuple[Understanding, ...]
    """By the name of the field; of fields that were given at all."""


def audit(source: Source, raws: Iterable[RawRecord]) -> Audit:
    """Reads every record again and counts."""
    decided = decided_paths(reading(source).tables, source.options.get("crosswalk", {}))
    keys: Counter[str] = Counter()
    examples: dict[str, str] = {}
    given: Counter[str] = Counter()
    missed: dict[str, Counter[str]] = {}
    records = 0
    for raw in raws:
        records += 1
        for path, value in _said(msgspec.json.decode(raw.body)):
            if not _is_decided(path, decided):
                keys[path] += 1
                examples.setdefault(path, str(value)[:100])
        for field, word in _outcomes(raw, source, decided):
            given[field] += 1
            if word is not None:
                missed.setdefault(field, Counter())[word] += 1
    return Audit(
        records,
        tuple(Undecided(path, count, examples[path]) for path, count in keys.most_common()),
        tuple(_understanding(field, given[field], missed.get(field, Counter())) for field in sorted(given)),
    )


def _understanding(field: str, given: int, missed: Counter[str]) -> Understanding:
    return Understanding(field, given, given - missed.total(), tuple(missed.most_common(REMAINING)))


def _said(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The paths of a record at which something is said, each once, and what; lists count as their items."""
    told: dict[str, Any] = {}
    for key, each in value.items() if isinstance(value, dict) else ():
        inner = f"{path}.{key}" if path else key
        for item in each if isinstance(each, list) else [each]:
            if isinstance(item, dict):
                told = dict(_said(item, inner)) | told
            elif item is not None and str(item).strip().lower() not in PLACEHOLDERS:
                told.setdefault(inner, item)
    yield from told.items()


def _is_decided(path: str, decided: dict[str, str]) -> bool:
    steps = path.split(".")
    return any(".".join(steps[:depth]) in decided for depth in range(1, len(steps) + 1))


def _outcomes(raw: RawRecord, source: Source, decided: dict[str, str]) -> Iterator[tuple[str, str | None]]:
    """Each value that a record gives for a field; with the portal's word where it was not understood."""
    dataset, issues = to_dataset(raw, source)
    if dataset is None:
        return
    yield from _terms(dataset)
    refused = set()
    for issue in issues:
        field = decided.get(_INDEX.sub("", issue.field or ""))
        if field is not None and issue.code in ("field.not-understood", "field.wrong-type"):
            refused.add(field)
            yield field, issue.seen or ""
    for field in ("issued", "modified", "data_modified", "rows", "views", "downloads"):
        if getattr(dataset, field) is not None and field not in refused:
            yield field, None


def _terms(dataset: Dataset) -> Iterator[tuple[str, str | None]]:
    for field in RAW_BESIDE:
        word = getattr(dataset, f"{field}_raw")
        if word not in (None, ()):
            shown = " | ".join(word) if isinstance(word, tuple) else word
            yield field, None if getattr(dataset, field) else shown
    for each in dataset.distributions:
        if each.format_raw is not None:
            yield "format", None if each.format else each.format_raw
