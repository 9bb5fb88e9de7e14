"""How well the datasets of the high-value list are recognised, how many there are, and how long it takes.

``python -m benchmarks.high_value``

Prints of every judged sample (``tests/portal/highvalue/judged.csv``, drawn from the rows of the Chinese and Taiwanese
portals) precision and recall, then of every entry how many of all rows serve it, in how many portals, and how far the fields
that portals list are its expected ones; last the time one title takes.
"""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

import schemas
from portal.catalog.model import Column, Dataset
from portal.highvalue import matching
from tests.fixture_datasets import Row, rows

JUDGED = Path(__file__).parents[1] / "tests" / "portal" / "highvalue" / "judged.csv"


class Judged(Struct, frozen=True):
    """One row of one file, drawn and read by eye."""

    sample: str
    """``first`` was read while the words were written, ``second`` before they were amended by it, ``third`` after."""
    drawn: str
    """``any`` title; of those that ``matched`` by the words of then, or that were ``near``: held a word and did not."""
    dataset: Dataset
    entries: frozenset[str]
    """The entries it serves."""
    unclear: frozenset[str]
    """The entries it may serve: told or not, neither counts."""


class Measured(Struct, frozen=True):
    """How the matching does on what was judged; datasets times entries."""

    rightly: int
    wrongly: int
    missed: int

    @property
    def precision(self) -> float:
        """Of what is matched, what is rightly so (0-1)."""
        return self.rightly / (self.rightly + self.wrongly)

    @property
    def recall(self) -> float:
        """Of what should be matched, what is (0-1)."""
        return self.rightly / (self.rightly + self.missed)


class Found(Struct, frozen=True):
    """What all rows hold of one entry."""

    datasets: int
    portals: int
    with_columns: int
    """Datasets whose portal lists their fields; the next three are of these."""
    columns: int
    recognised: int
    """Of the columns, those that are an expected field."""
    required_share: float | None
    """Mean share (0-1) of the entry's required fields that a dataset has; None where no dataset has columns."""


def judged() -> Iterator[Judged]:
    """The rows of the judged samples, in the order of the table."""
    by_place = {(row.file, row.number): row.dataset for row in rows()}
    with JUDGED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Judged(
                row["sample"], row["drawn"], by_place[row["file"], int(row["row"])],
                frozenset(row["entries"].split()), frozenset(row["unclear"].split()),
            )


def measured(sample: list[Judged]) -> Measured:
    """How the matching does on some judged rows."""
    counts: Counter[str] = Counter()
    for one in sample:
        told = {match.entry for match in matching.matches(one.dataset)}
        counts["rightly"] += len(told & one.entries)
        counts["wrongly"] += len(told - one.entries - one.unclear)
        counts["missed"] += len(one.entries - told)
    return Measured(counts["rightly"], counts["wrongly"], counts["missed"])


def found(entry: str, matched: list[tuple[Row, matching.Match]]) -> Found:
    """What the rows that serve an entry are."""
    listed = [(row, match) for row, match in matched if match.fields is not None]
    columns = [column for row, _ in listed for column in row.dataset.columns]
    required = [field.id for field in schemas.high_value_entries()[entry].fields if field.required]
    shares = [len(set(required) & set(match.fields or ())) / len(required) for _, match in listed]
    return Found(
        len(matched), len({row.file for row, _ in matched}), len(listed), len(columns),
        sum(is_expected(entry, column) for column in columns), sum(shares) / len(shares) if shares else None,
    )


def is_expected(entry: str, column: Column) -> bool:
    """Whether a column is one of the fields expected of an entry."""
    return bool(matching.fields_of(entry, (column,)))


def main() -> None:
    """Measure and print."""
    every = list(judged())
    print("sample  drawn    titles  rightly  wrongly  missed  precision  recall")
    for sample in dict.fromkeys(one.sample for one in every):
        for drawn in ("any", "matched", "near", None):
            some = [one for one in every if one.sample == sample and drawn in {one.drawn, None}]
            result = measured(some)
            told = f"{result.precision:9.3f}" if result.rightly + result.wrongly else " " * 9
            print(
                f"{sample:7} {drawn or 'all':8} {len(some):6} {result.rightly:8} {result.wrongly:8} {result.missed:7}"
                f"  {told}  {result.recall:6.3f}"
            )
    matched: dict[str, list[tuple[Row, matching.Match]]] = {entry: [] for entry in schemas.high_value_entries()}
    served = 0
    for row in rows():
        several = matching.matches(row.dataset)
        served += bool(several)
        for match in several:
            matched[match.entry].append((row, match))
    print(f"\n{len(rows())} datasets, {served} serve an entry")
    print("entry  datasets  files  with fields  columns  expected  required fields")
    figures = {entry: found(entry, several) for entry, several in matched.items()}
    for entry, figure in figures.items():
        expected = f"{figure.recognised / figure.columns:8.0%}" if figure.columns else " " * 8
        required = f"{figure.required_share:8.0%}" if figure.required_share is not None else ""
        print(
            f"{entry:6} {figure.datasets:8} {figure.portals:6} {figure.with_columns:12} {figure.columns:8}  {expected}"
            f"  {required}  {schemas.high_value_entries()[entry].zh}"
        )
    columns = sum(figure.columns for figure in figures.values())
    print(f"of {columns} columns {sum(figure.recognised for figure in figures.values()) / columns:.0%} are expected fields")
    print("\n".join(f"{what}: {microseconds:.1f} µs" for what, microseconds in speeds().items()))


def speeds() -> dict[str, float]:
    """Microseconds a title takes when it was not met just before: one that matches nothing, and any."""
    titles = sorted({row.dataset.title for row in rows()})
    look = matching.by_title.__wrapped__
    look(titles[0])
    nothing = [title for title in titles if not look(title)]
    figures = {}
    for what, some in (("a title that matches nothing", nothing), ("any title", titles)):
        began = time.perf_counter()
        for title in some:
            look(title)
        figures[what] = (time.perf_counter() - began) / len(some) * 1e6
    return figures


if __name__ == "__main__":
    main()
