"""What a source's records hold that nobody decided about, and how much of what they say is understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from harvester.crosswalk import plain, to_dataset
from harvester.records import RawRecord
from harvester.undecided import decided_by, undecided
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
    decided = decided_by(source)
    keys: Counter[str] = Counter()
    examples: dict[str, str] = {}
    records = 0

    def datasets() -> Iterator[Dataset]:
        nonlocal records
        for raw in raws:
            records += 1
            for path, value in undecided(plain(raw), source, decided):
                keys[path] += 1
                examples.setdefault(path, str(value)[:100])
            dataset, _ = to_dataset(raw, source)
            if dataset is not None:
                yield dataset

    understood = understanding(datasets())
    return Audit(
        records, tuple(Undecided(path, count, examples[path]) for path, count in keys.most_common()), understood
    )
