"""What of the words of the 28 Chinese portals is understood, beside the aims set for it, and everything that remains.

    python -m benchmarks.normalisation [MOST] [DRAWS] [SEED]

Prints, over all datasets of the shared files, how many values of each field are understood: a record counts once, by the
first of its statements that is understood; openness once more by every single value, without and with the labels that a
form leaves standing; which evidence the regions come from; then of each field the MOST (20) most frequent values that are not
understood. With DRAWS it draws by SEED (1) as many distinct regions that a publisher or a title narrowed, to judge.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

import schemas
from harvester.native_cleaners import UNFILLED
from harvester.texts import says_nothing
from portal.catalog.model import Dataset
from portal.catalog.normalisation import FIELDS
from tests.chinese_portals import OPENNESS, datasets

DATES = ("issued", "modified", "data_modified")

AIMS: Mapping[str, float] = {
    "openness": 0.99,
    "frequency": 0.98,
    "dates": 0.995,
    "format": 0.97,
    "region": 0.99,
    "functions": 0.92,
    "institution_type": 0.97,
}
"""Share (0-1) of the given values that is to be understood; of region, function and institution type: of all datasets."""

OF_ALL = frozenset(("region", "functions", "institution_type"))


class Figure(Struct, frozen=True):
    """What is understood of one field."""

    given: int
    understood: int
    remaining: Mapping[str, int]
    """Every value not understood and how often it stands."""

    @property
    def share(self) -> float:
        """Of the given values, those understood (0-1)."""
        return self.understood / self.given


class Measured(Struct, frozen=True):
    """What was counted over all datasets."""

    datasets: int
    figures: Mapping[str, Figure]
    openness_values: Figure
    """Every value in a key of openness, also where another key of the record says more; empty ones left out."""
    unfilled: Mapping[str, int]
    """Values of openness that are the form's own label or reminder: empty, though the portal shows words."""
    evidence: Mapping[tuple[str, str], int]
    """Datasets by what told the region and the tier it is of."""
    identified: int
    """Datasets whose department has an identity of its own."""
    narrowed: Sequence[tuple[str, ...]]
    """Distinct regions that a publisher or a title narrowed: source, evidence, region, publisher, title."""

    @property
    def openness_with_labels(self) -> Figure:
        """Every value in a key of openness, the form's own labels counted as values that are not understood."""
        figure = self.openness_values
        remaining = {**figure.remaining, **self.unfilled}
        return Figure(figure.given + sum(self.unfilled.values()), figure.understood, remaining)


def measure() -> Measured:
    """Translates every record and counts."""
    given: Counter[str] = Counter()
    missed: dict[str, Counter[str]] = {name: Counter() for name in (*FIELDS, "dates")}
    words: Counter[str] = Counter()
    evidence: Counter[tuple[str, str]] = Counter()
    narrowed: set[tuple[str, ...]] = set()
    met = identified = 0
    regions = schemas.vocabulary("regions").terms
    for record, dataset in datasets():
        met += 1
        for field, said in FIELDS.items():
            for name in (field, "dates") if field in DATES else (field,):
                for is_understood, word in said(dataset):
                    given[name] += 1
                    if not is_understood:
                        missed[name][word] += 1
        words.update(word for key in OPENNESS if not says_nothing(word := str(record.get(key)).strip()))
        evidence[dataset.region_inferred_from or "record", regions[dataset.region or ""].attributes["level"]] += 1
        identified += dataset.publisher is not None and dataset.publisher.department is not None
        if dataset.region_inferred_from in ("publisher", "title"):
            narrowed.add(_case(dataset))
    for name in OF_ALL:
        missed[name]["(no publisher)"] += met - given[name]
        given[name] = met
    return Measured(
        met,
        {name: Figure(given[name], given[name] - missed[name].total(), +missed[name]) for name in given},
        _openness(Counter({word: count for word, count in words.items() if word not in UNFILLED})),
        {word: words[word] for word in UNFILLED if words[word]},
        evidence,
        identified,
        sorted(narrowed),
    )


def _openness(words: Counter[str]) -> Figure:
    resolve = schemas.vocabulary("openness").resolve
    remaining = {word: count for word, count in words.items() if resolve(word) is None}
    return Figure(words.total(), words.total() - sum(remaining.values()), remaining)


def _case(dataset: Dataset) -> tuple[str, ...]:
    region = schemas.vocabulary("regions").label(dataset.region or "", "zh")
    publisher = dataset.publisher.name if dataset.publisher else ""
    return dataset.source_id, dataset.region_inferred_from or "", region, publisher, dataset.title


def main() -> None:
    """Measures and prints."""
    most, draws, seed = (int(given) for given in (*sys.argv[1:], *("20", "0", "1")[len(sys.argv) - 1:]))
    told = measure()
    print(f"{told.datasets:,} datasets\n")
    for name, figure in told.figures.items():
        print(_line(name, figure, AIMS.get(name)))
    print(_line("openness, every value", told.openness_values, AIMS["openness"]))
    print(_line("  and the form's labels", told.openness_with_labels, AIMS["openness"]))
    print(f"department with an identity {told.identified / told.datasets:8.2%}\n\nregion told by")
    for (evidence, tier), count in sorted(told.evidence.items()):
        print(f"  {evidence:12}{tier:12}{count:>7,}  {count / told.datasets:7.2%}")
    for name, figure in (*told.figures.items(), ("openness, every value", told.openness_values)):
        if figure.remaining:
            print(f"\n{name}: {figure.given - figure.understood:,} not understood, {len(figure.remaining):,} wordings")
            for word, count in Counter(figure.remaining).most_common(most):
                print(f"{count:7,}  {word[:100]}")
    for case in random.Random(seed).sample(told.narrowed, draws):
        print("\t".join(case))


def _line(name: str, figure: Figure, aim: float | None) -> str:
    verdict = "" if aim is None else f"   aim {aim:.1%} {'reached' if figure.share >= aim else 'MISSED'}"
    # Rounded down: only all of it is 100 %.
    share = math.floor(figure.share * 10_000) / 10_000
    return f"{name:24}{figure.understood:>8,} of{figure.given:>8,} {share:8.2%}{verdict}"


if __name__ == "__main__":
    main()
