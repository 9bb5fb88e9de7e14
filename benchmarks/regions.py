"""Which regions the datasets of the Chinese portals are given, and a drawn sample to judge.

    python -m benchmarks.regions [DRAWS] [SEED]

Prints how many regions each kind of evidence gave and of which tier, then DRAWS (100) distinct cases drawn by SEED
from those that a publisher or a title narrowed, for a person to read.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

import schemas
from harvester.departments import Department, resolve
from harvester.regions import locate, stated
from tests.chinese_portals import rows


def main() -> None:
    """Measures, draws and prints."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    terms = schemas.vocabulary("regions").terms
    counted: Counter[tuple[str, str]] = Counter()
    narrowed: set[tuple[str, str, str, str, str]] = set()
    for row in rows():
        said = stated(row.district, row.source_region) if row.district else None
        publisher = resolve(row.publisher, said or row.source_region) or Department()
        located = locate(row.source_region, said, publisher.region, row.title)
        if located is None:
            counted["none", ""] += 1
            continue
        term = terms[located.code]
        counted[located.inferred_from or "the record itself", term.attributes["level"]] += 1
        if located.inferred_from in ("publisher", "title"):
            narrowed.add((row.portal, located.inferred_from, term.zh, row.publisher, row.title))
    for (evidence, tier), count in sorted(counted.items()):
        print(f"{evidence:18}{tier:12}{count:>7,}  {count / counted.total():7.2%}")
    for case in sorted(random.Random(seed).sample(sorted(narrowed), draws)):
        print("\t".join(case))


if __name__ == "__main__":
    main()
