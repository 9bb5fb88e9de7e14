"""What the publishers of the Chinese portals resolve to, and everything that does not.

    python -m benchmarks.departments [MOST]

Prints the shares of datasets whose publisher's function and institution type are known, portal by portal, then the
MOST most frequent publishers (100) that resolve to no function and to no institution type.
"""

from __future__ import annotations

import sys
from collections import Counter

from harvester.departments import Department, resolve
from tests.chinese_portals import rows


def main() -> None:
    """Measures and prints."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    total: Counter[str] = Counter()
    known: dict[str, Counter[str]] = {"function": Counter(), "type": Counter(), "identity": Counter()}
    unknown: dict[str, Counter[str]] = {"function": Counter(), "type": Counter()}
    for row in rows():
        found = resolve(row.publisher, row.source_region) or Department()
        has_type = found.institution_type is not None
        said = {"function": bool(found.functions), "type": has_type, "identity": bool(found.id)}
        total[row.portal] += 1
        for what, is_known in said.items():
            known[what][row.portal] += is_known
            if not is_known and what in unknown:
                unknown[what][f"{row.portal}: {row.publisher}"] += 1
    for portal in (*total, "all"):
        of = total.total() if portal == "all" else total[portal]
        shares = {what: counted.total() if portal == "all" else counted[portal] for what, counted in known.items()}
        print(f"{portal:24}{of:>7,}", *(f"{what} {count / of:7.2%}" for what, count in shares.items()))
    for what, names in unknown.items():
        print(f"\nno {what}: {names.total():,} datasets of {len(names):,} publishers")
        print("\n".join(f"{count:6,}  {name}" for name, count in names.most_common(most)))


if __name__ == "__main__":
    main()
