"""How the sources stand: one word each, from their last runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from portal.catalog.model import Outcome, Run
from portal.catalog.sources import SourceEntry
from portal.catalog.store import Catalog


class Health(StrEnum):
    """How a source stands, worst first: the order the table of sources has."""

    FAILED = "failed"
    HELD = "held"
    PARTIAL = "partial"
    WAITING = "waiting"
    """Never harvested."""
    PAUSED = "paused"
    GOOD = "good"


_OF_OUTCOME = {
    Outcome.COMPLETE: Health.GOOD,
    Outcome.PARTIAL: Health.PARTIAL,
    Outcome.HELD: Health.HELD,
    Outcome.FAILED: Health.FAILED,
}

_OF_DECISION = {"approved": Health.GOOD, "rejected": Health.PARTIAL}

_WORST_FIRST = {health: position for position, health in enumerate(Health)}


class SourceHealth(Struct, frozen=True, kw_only=True):
    """A source as the table of sources shows it."""

    entry: SourceEntry
    health: Health
    last: Run | None
    """The newest finished run."""
    last_success: datetime | None
    """When the newest complete run ended."""
    datasets: int
    under_way: bool


def source_health(catalog: Catalog, datasets: Mapping[str, int]) -> tuple[SourceHealth, ...]:
    """Every source, those in trouble first, then by title; ``datasets`` counts them by source id."""
    last = catalog.runs.last_by_source()
    complete = catalog.runs.last_by_source(complete=True)
    under_way = catalog.sources.under_way()
    found = [
        SourceHealth(
            entry=entry,
            health=_health(entry, last),
            last=last.get(entry.source.id),
            last_success=complete[entry.source.id].finished if entry.source.id in complete else None,
            datasets=datasets.get(entry.source.id, 0),
            under_way=entry.source.id in under_way,
        )
        for entry in catalog.sources.all()
    ]
    return tuple(
        sorted(found, key=lambda one: (_WORST_FIRST[one.health], one.entry.source.title, one.entry.source.id))
    )


def _health(entry: SourceEntry, last: Mapping[str, Run]) -> Health:
    if entry.paused:
        return Health.PAUSED
    run = last.get(entry.source.id)
    if run is None or run.outcome is None:
        return Health.WAITING
    # Once somebody has decided nothing is to be checked any more; a listing that was not believed is a part of one.
    return _OF_OUTCOME[run.outcome] if run.decision is None else _OF_DECISION.get(run.decision, Health.PARTIAL)
