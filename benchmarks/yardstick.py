"""How fast this machine is right now, so that figures from different hours and machines can be compared."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

from benchmarks.portal import package

PACKAGES = 2000


def packages_parsed_a_second(clock: Callable[[], float] = time.perf_counter) -> float:
    """How many packages of ``benchmarks.portal`` the standard library's ``json.loads`` parses in a second of one core.

    The best of three tries: what else runs on the machine can only slow it down. What is measured by the core's own
    clock (``time.process_time``) is held against a yardstick by that clock: on a busy machine the two differ by far.
    """
    rng = random.Random(1)
    texts = [json.dumps(package(number, rng), ensure_ascii=False) for number in range(PACKAGES)]
    best = 0.0
    for _ in range(3):
        began = clock()
        for text in texts:
            json.loads(text)
        best = max(best, PACKAGES / (clock() - began))
    return best


def main() -> None:
    """Prints the yardstick."""
    print(f"yardstick: json.loads parses {packages_parsed_a_second():,.0f} packages a second")


if __name__ == "__main__":
    main()
