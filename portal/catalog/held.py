"""The two decisions about a held run: take away what it holds back, or keep it.

Both are writes to the catalogue and nothing else, so that the site can make them as well as the command.
"""

from __future__ import annotations

from portal.catalog.audit import COMMAND
from portal.catalog.model import DatasetState, Outcome, Run
from portal.catalog.store import Catalog


class NotHeld(ValueError):
    """The run holds nothing back, or somebody has decided already."""


def approve(catalog: Catalog, run_id: int, *, holder: str, by: str = COMMAND) -> int:
    """Retires what a held run held back; how many datasets. Raises UnknownRun, NotHeld, SourceHeld.

    ``holder`` is the process that takes the source's lease, ``by`` the person.
    """
    source_id = _undecided(catalog, run_id).source_id
    lease = catalog.sources.lease(source_id, holder)
    try:
        # Looked at again now that nobody else can decide: two people may have pressed at once.
        run = _undecided(catalog, run_id)
        held = catalog.runs.held(run.id)
        states = catalog.states(held)
        ids = [id for id in held if states[id] is not DatasetState.RETIRED]
        with catalog.transaction(lease, run.id) as transaction:
            transaction.retire(ids, "approved")
        catalog.runs.decide(run, "approved", by=by, lease=lease)
    finally:
        catalog.sources.release(lease)
    return len(ids)


def reject(catalog: Catalog, run_id: int, *, by: str = COMMAND) -> None:
    """Keeps what a held run would have taken away; the next such listing is held again. Raises UnknownRun, NotHeld."""
    catalog.runs.decide(_undecided(catalog, run_id), "rejected", by=by)


def _undecided(catalog: Catalog, run_id: int) -> Run:
    run = catalog.runs.get(run_id)
    if run.outcome is not Outcome.HELD:
        raise NotHeld(f"run {run_id} holds nothing back: it ended {run.outcome or 'not yet'}")
    if run.decision is not None:
        raise NotHeld(f"run {run_id} is already {run.decision}")
    return run
