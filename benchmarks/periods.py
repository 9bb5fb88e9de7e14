"""How long a half-year of a large catalogue is previewed, frozen and verified, and how much memory each takes.

    python -m benchmarks.periods --home DIR [--datasets 365000] [--database URL]

The catalogue is that of ``benchmarks.assessment``, which fills ``DIR`` or has filled it. Each act has a process of its own,
whose peak memory is told. What is previewed and frozen is taken out again at the end, so that the next run finds the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from benchmarks.assessment import datasets, fill
from benchmarks.yardstick import packages_parsed_a_second
from portal.catalog import tables
from portal.catalog.store import Catalog
from portal.scorecard import periods

KEY = "a key of the benchmark, not of any installation"


def preview(catalog: Catalog, period: str, now: datetime) -> periods.Manifest:
    """Begins the preview of a period."""
    return periods.begin_preview(catalog, period, KEY, 1, now=now)


def freeze(catalog: Catalog, period: str, now: datetime) -> periods.Manifest:
    """Freezes it when its preview is over."""
    return periods.freeze(catalog, period, KEY, now=now + timedelta(days=3))


def verify(catalog: Catalog, period: str, now: datetime) -> periods.Manifest:
    """Makes it again and holds it against what was frozen."""
    found = periods.recomputed(catalog, period)
    if found != periods.manifest_of(catalog.periods.get(period)):
        raise ValueError(f"{period} comes out otherwise")
    return found


ACTS = (preview, freeze, verify)


def measured(act: Callable[[Catalog, str, datetime], periods.Manifest], address: str, period: str, now: datetime) -> str:
    """Does it, in a process that has done nothing else, and says what it took."""
    catalog = Catalog(address)
    yard = packages_parsed_a_second()
    began, busy = time.perf_counter(), time.process_time()
    manifest = act(catalog, period, now)
    took, computing = time.perf_counter() - began, time.process_time() - busy
    catalog.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{act.__name__}: {manifest.datasets:,} datasets in {took:.1f} s by the clock, {computing:.1f} s of computing, "
        f"peak {peak:,.0f} MB ({yard:,.0f} by the yardstick), evidence {manifest.evidence_sha256[:12]}"
    )


def main() -> None:
    """Previews, freezes and verifies the half-year in which the catalogue was filled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=365_000)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--database")
    given = parser.parse_args()
    address = given.database or f"sqlite:///{given.home / 'assessment.db'}"
    catalog = Catalog(address)
    catalog.upgrade()
    if not catalog.last_change():
        fill(catalog, datasets(given.datasets))
    (first,) = catalog.changes(0, 1)
    period = f"{first.at.year}H{1 if first.at.month < 7 else 2}"
    now = datetime(first.at.year + 1, 1, 2, tzinfo=UTC)
    try:
        for act in ACTS:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                print(process.submit(measured, act, address, period, now).result(), flush=True)
    finally:
        _forget(catalog)
        catalog.close()


def _forget(catalog: Catalog) -> None:
    with catalog.engine.begin() as connection:
        for table in (tables.preview, tables.period_part, tables.period_standing, tables.period_department, tables.period):
            connection.execute(delete(table))


if __name__ == "__main__":
    main()
