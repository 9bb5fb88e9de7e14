"""An assessment on its way to being kept: rows in a file without a name, so that it takes the memory of its groups.

A period is frozen in one transaction, which must not last as long as assessing does; so all of it is assessed first, and
hashed, and then written. In memory a row takes a kilobyte and more; in the file, a quarter of one.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import BinaryIO

import msgspec

from portal.catalog.assessments import Assessed
from portal.catalog.store import Catalog
from portal.scorecard.groups import Group
from portal.scorecard.snapshots import Reading, counts_of, rows_as_of
from portal.scorecard.vectors import Layout

ROWS_IN_PART = 20_000


class Draft:
    """Every dataset's verdicts as of the end of a day, by dataset id, as they will be kept. Made by ``drafted``."""

    def __init__(self, layout: Layout, day: datetime, number: int, rows: Iterable[Assessed], file: BinaryIO) -> None:
        self.layout = layout
        self.day = day
        self.number = number
        """The last change it knows of."""
        self._file = file
        self._ends = array("Q", [0])
        self._owned: dict[str, array[int]] = {}
        self.counts: Mapping[Group, bytes] = counts_of(self._written(rows), layout)
        """The counts of every group."""
        file.flush()

    @property
    def datasets(self) -> int:
        """How many were assessed."""
        return len(self._ends) - 1

    def parts(self) -> Iterator[bytes]:
        """The rules, word for word, then the rows."""
        yield msgspec.json.encode(self.layout.rule_sets, order="deterministic")
        for start in range(0, self.datasets, ROWS_IN_PART):
            yield self._packed(range(start, min(start + ROWS_IN_PART, self.datasets)))

    def departments(self) -> Iterator[tuple[str, bytes]]:
        """The rows of every department, as they stand in the parts among all others."""
        for department, places in self._owned.items():
            yield department, self._packed(places)

    def _written(self, rows: Iterable[Assessed]) -> Iterator[Assessed]:
        """The same rows, each put down on the way."""
        for place, row in enumerate(rows):
            words = msgspec.msgpack.encode(row)
            self._file.write(words)
            self._ends.append(self._ends[-1] + len(words))
            if row.department is not None:
                self._owned.setdefault(row.department, array("L")).append(place)
            yield row

    def _packed(self, places: Sequence[int]) -> bytes:
        return msgspec.msgpack.encode([msgspec.Raw(self._row(place)) for place in places])

    def _row(self, place: int) -> bytes:
        begins, ends = self._ends[place], self._ends[place + 1]
        return os.pread(self._file.fileno(), ends - begins, begins)


@contextmanager
def drafted(
    catalog: Catalog,
    day: date,
    layout: Layout,
    progress: Callable[[int], None] = lambda count: None,
    *,
    reading: Reading | None = None,
) -> Iterator[Draft]:
    """The assessment as of the end of a day, as ``snapshots.as_of`` makes it, on disk for as long as it is needed."""
    found = rows_as_of(catalog, day, layout, progress, reading=reading)
    with TemporaryFile(prefix="nachuan-draft-") as file:
        yield Draft(layout, found.day, found.number, found.rows, file)
