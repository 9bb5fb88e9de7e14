"""The two decisions about a held run: take away what it holds back, or keep it.

Both are writes to the catalogue and nothing else, so that the site can make them as well as the command.
"""

from __future__ import annotations

from portal.catalog.audit import COMMAND
from portal.catalog.model import DatasetState, Entry, Outcome, Run
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


def listed_again(catalog: Catalog, run: Run) -> dict[str, Entry]:
    """Of the datasets that a held run would take away, by id: what its source now lists in the place of each.

    A portal installed anew gives new ids to all it has. Title and publisher tell which is which where there is one such
    before and one after; of several that are called the same nothing is said.
    """
    held = set(catalog.runs.held(run.id))
    gone: dict[tuple[str, str | None], list[Entry]] = {}
    listed: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in catalog.walk(source_id=run.source_id) if held else ():
        dataset = entry.dataset
        name = (dataset.title, dataset.publisher.name if dataset.publisher else None)
        if dataset.id in held:
            gone.setdefault(name, []).append(entry)
        elif entry.state is DatasetState.CURRENT:
            listed.setdefault(name, []).append(entry)
    return {
        old[0].dataset.id: listed[name][0]
        for name, old in gone.items()
        if len(old) == 1 and len(listed.get(name, ())) == 1
    }


def _undecided(catalog: Catalog, run_id: int) -> Run:
    run = catalog.runs.get(run_id)
    if run.outcome is not Outcome.HELD:
        raise NotHeld(f"run {run_id} holds nothing back: it ended {run.outcome or 'not yet'}")
    if run.decision is not None:
        raise NotHeld(f"run {run_id} is already {run.decision}")
    return run
