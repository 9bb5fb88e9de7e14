"""What a complete listing lacks: missing first, retired after the grace, held when it is suspiciously much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from portal.catalog.engines import insisting
from portal.catalog.model import DatasetState, Run, Source
from portal.catalog.sources import Lease
from portal.catalog.store import Catalog

LOSS_WINDOW_DAYS = 30.0
"""The guard adds up what a source lost in this time, so that losing a little every day trips it too (faults I62)."""


class Absent(Struct, frozen=True):
    """What stands in the catalogue but not in a complete listing."""

    newly: tuple[str, ...]
    """Present until now."""
    overdue: tuple[str, ...]
    """Missing for longer than the source's grace."""
    stood: int
    """Datasets of the source that stood before, missing ones included."""


class Retirement(Struct, frozen=True, kw_only=True):
    """What was done about it, in datasets."""

    missing: int = 0
    retired: int = 0
    held: int = 0
    stood: int


def absent(source: Source, catalog: Catalog, seen: Collection[str]) -> Absent:
    """The datasets of a source that a complete listing, which named ``seen``, lacks."""
    deadline = datetime.now(UTC) - timedelta(days=source.guard.grace_days)
    newly: list[str] = []
    overdue: list[str] = []
    stood = 0
    for id, state, missing_since in catalog.standings(source.id):
        stood += 1
        if id in seen:
            continue
        if state is not DatasetState.MISSING:
            newly.append(id)
        elif missing_since is not None and missing_since <= deadline:
            overdue.append(id)
    return Absent(tuple(newly), tuple(overdue), stood)


def retire_absent(
    source: Source, catalog: Catalog, lease: Lease, run: Run, lack: Absent, *, listed: int
) -> Retirement:
    """Marks as missing, retires, or holds everything back for a person to decide."""
    if lack.newly and (listed == 0 or _too_many(source, catalog, lack)):
        catalog.runs.hold(run, lack.newly, lease=lease)
        return Retirement(held=len(lack.newly), stood=lack.stood)
    catalog.runs.supersede(source.id, lease=lease)
    at_once = source.guard.grace_days == 0
    retired = lack.overdue + lack.newly if at_once else lack.overdue

    def write() -> None:
        with catalog.transaction(lease, run.id) as transaction:
            transaction.mark_missing(lack.newly)
            transaction.retire(retired, "missing")

    if lack.newly or retired:
        insisting(write)
    return Retirement(missing=0 if at_once else len(lack.newly), retired=len(retired), stood=lack.stood)


def listed_again(source: Source, catalog: Catalog, newly: Sequence[str], seen: Collection[str]) -> int:
    """How many of the newly absent datasets a listing names under another id: equal title, equal publisher.

    A portal that begins to give ids, or makes them anew, lists every dataset as if it were another.
    """
    absent, listed = set(newly), Counter[tuple[str, str | None]]()
    gone: list[tuple[str, str | None]] = []
    for entry in catalog.walk(source_id=source.id):
        dataset = entry.dataset
        name = (dataset.title, dataset.publisher.name if dataset.publisher else None)
        if dataset.id in absent:
            gone.append(name)
        elif dataset.id in seen:
            listed[name] += 1
    return sum(min(count, listed[name]) for name, count in Counter(gone).items())


def _too_many(source: Source, catalog: Catalog, lack: Absent) -> bool:
    recent = catalog.runs.recent_losses(source.id, days=LOSS_WINDOW_DAYS)
    lost = len(lack.newly) + recent.total
    base = lack.stood + recent.retired
    return lost > source.guard.max_retired and lost > source.guard.max_retired_share * base


def remove_source(catalog: Catalog, source_id: str, *, holder: str) -> int:
    """Retires every dataset of a source, a thousand at a time, then forgets the source; how many were retired.

    Raises UnknownSource, SourceHeld. Killed half-way, it goes on where it was when called again.
    """
    catalog.sources.get(source_id)
    lease = catalog.sources.lease(source_id, holder)
    retired = 0
    try:
        while ids := _first_thousand(catalog, source_id):
            with catalog.transaction(lease, None) as transaction:
                transaction.retire(ids, "source-removed")
            catalog.sources.renew(lease)
            retired += len(ids)
        catalog.runs.supersede(source_id, lease=lease)
        catalog.sources.remove(source_id)
    finally:
        catalog.sources.release(lease)
    return retired


def _first_thousand(catalog: Catalog, source_id: str) -> Sequence[str]:
    return [id for _, (id, _, _) in zip(range(1000), catalog.standings(source_id), strict=False)]
