"""How long scorecard pages of a large catalogue take, from the request to the whole HTML, each page asked for once.

    python -m benchmarks.assessment --home DIR
    python -m benchmarks.scorecard_pages --home DIR
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

from flask.testing import FlaskClient

from benchmarks.page_speed import fetch
from benchmarks.search_speed import percentiles
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog.assessments import Kind
from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from portal.settings import from_environment
from portal.web.app import create_app
from portal.web.server import settle

AT_MOST = 100
"""Cards of a kind, drawn from all."""


def main() -> None:
    """Asks for cards, the lists behind their numbers, and league tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="Where benchmarks.assessment left its catalogue.")
    given = parser.parse_args()
    catalog = Catalog(f"sqlite:///{given.home / 'assessment.db'}")
    client = create_app(from_environment({}), catalog, MemoryIndex()).test_client()
    settle()
    # The footer of every page counts the catalogue, at most once in a while.
    fetch(client, "/zh/scorecards/method")
    draw = random.Random(1)
    asked: dict[str, Sequence[str]] = {}
    for kind, segment in ((Kind.DEPARTMENT, "publishers"), (Kind.PUBLISHER, "publishers"), (Kind.REGION, "regions")):
        everyone = [one.code for one in catalog.assessments.standings("national", kind)]
        cards = [f"/zh/scorecards/{segment}/{code}" for code in draw.sample(everyone, min(AT_MOST, len(everyone)))]
        asked[f"cards of {len(everyone):,} of kind {kind}"] = cards
        asked[f"datasets behind a number of a {kind}"] = [f"{card}/national/licence?verdict=fail" for card in cards]
    asked["the nation's card"] = ["/zh/scorecards/nation/all"] * 20
    asked["datasets behind a number of the nation"] = ["/zh/scorecards/nation/all/national/licence?verdict=fail"] * 20
    asked["league tables"] = ["/zh/scorecards", "/zh/scorecards?of=university", "/zh/scorecards?of=regions"] * 10
    for what, paths in asked.items():
        print(f"{what}: {timed(client, paths)} ({packages_parsed_a_second():,.0f} by the yardstick)")
    catalog.close()


def timed(client: FlaskClient, paths: Sequence[str]) -> str:
    """How long pages take, with the first by itself: it may find nothing remembered."""
    times = []
    for path in paths:
        began = time.perf_counter()
        fetch(client, path)
        times.append((time.perf_counter() - began) * 1000)
    return f"{percentiles(times)}, the first {times[0]:.0f} ms"


if __name__ == "__main__":
    main()
