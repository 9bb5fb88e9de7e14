"""Reads what is kept of a portal's words again, without asking the portal: after a decision, or a change of tables."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice

import msgspec

from harvester import identity
from harvester.crosswalk import check, to_dataset
from harvester.errors import SourceInvalid
from harvester.fingerprints import fingerprint, raw_digest
from harvester.heartbeat import heartbeat
from harvester.records import RawRecord
from harvester.understood import keep_normalisation
from portal.catalog.decisions import Decided, decisions_digest, name_key
from portal.catalog.model import Counts, Entry, Issue, Outcome, Publisher, Run, RunMode, Source
from portal.catalog.sources import Lease
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord

log = logging.getLogger(__name__)

BATCH_SIZE = 500
"""Records a transaction, as many as a harvest writes."""


def reread(source: Source, catalog: Catalog, *, holder: str) -> Run:
    """Reads all kept records of a source as we read now, tombstones too, and stores what they have become.

    Raises SourceHeld while the source is being harvested, LeaseLost when a harvest took it over. Killed half-way, it
    can be called again.
    """
    lease = catalog.sources.lease(source.id, holder)
    try:
        with heartbeat(catalog, lease):
            catalog.runs.abandon(source.id)
            decided = catalog.decisions.for_source(source.id)
            return _reread(source, catalog, lease, decided, catalog.walk(retired=True, source_id=source.id))
    finally:
        catalog.sources.release(lease)


def reread_decided(source: Source, catalog: Catalog, *, holder: str) -> None:
    """Makes what stands of a source follow the decisions about publishers' names. Raises as ``reread`` does."""
    lease = catalog.sources.lease(source.id, holder)
    try:
        with heartbeat(catalog, lease):
            catalog.runs.abandon(source.id)
            follow_decisions(source, catalog, lease)
    finally:
        catalog.sources.release(lease)


def follow_decisions(source: Source, catalog: Catalog, lease: Lease) -> Decided:
    """Reads again what stands under a publisher's name decided otherwise since the last run; returns the decisions.

    Nothing is looked at when the decisions are those the source's newest run followed.
    """
    decided = catalog.decisions.for_source(source.id)
    newest = next(iter(catalog.runs.recent(source.id, limit=1)), None)
    if newest is None or _followed(newest, decided):
        return decided
    standing = catalog.walk(retired=True, source_id=source.id)
    touched = (entry for entry in standing if _is_touched(entry.dataset.publisher, decided))
    first = next(touched, None)
    if first is not None:
        _reread(source, catalog, lease, decided, chain((first,), touched))
    return decided


def _followed(run: Run, decided: Decided) -> bool:
    """Whether a run left nothing that other decisions than these were applied to.

    A harvest begins by applying them all, so that it has done so however it ended; reading again may break off.
    """
    is_whole = run.mode is not RunMode.REREAD or run.outcome is Outcome.COMPLETE
    return is_whole and run.decisions == decisions_digest(decided)


def _is_touched(publisher: Publisher | None, decided: Decided) -> bool:
    if publisher is None:
        return False
    decision = decided.get(name_key(publisher.name))
    return publisher.decision != (None if decision is None else decision.number)


def _reread(source: Source, catalog: Catalog, lease: Lease, decided: Decided, entries: Iterable[Entry]) -> Run:
    mark = fingerprint(source)
    run = catalog.runs.start(source.id, RunMode.REREAD, mark, decisions=decisions_digest(decided))
    try:
        check(source)
    except (ValueError, KeyError) as error:
        return _failed(catalog, run, SourceInvalid(f"options: {error}", url=source.url))
    listed = updated = unusable = 0
    waiting = iter(entries)
    while batch := list(islice(waiting, BATCH_SIZE)):
        records = list(_translated(source, catalog, decided, mark, batch))
        fresh = [record for _, record in records if record is not None]
        broken = [entry for entry, record in records if record is None]
        with catalog.transaction(lease, run.id) as transaction:
            updated += len(transaction.reread(fresh))
        issues = [Issue(code="record.not-reread", source_key=entry.dataset.source_key) for entry in broken]
        catalog.runs.add_issues(
            run, [(entry.dataset.id, issue) for entry, issue in zip(broken, issues, strict=True)]
        )
        listed, unusable = listed + len(records), unusable + len(broken)
    counts = Counts(listed=listed, updated=updated, unchanged=listed - updated - unusable, unusable=unusable)
    run = msgspec.structs.replace(run, counts=counts, outcome=Outcome.COMPLETE, finished=datetime.now(UTC))
    catalog.runs.save(run)
    keep_normalisation(catalog, run)
    log.info("%s: read again, %s", source.id, run.counts)
    return run


def _failed(catalog: Catalog, run: Run, error: SourceInvalid) -> Run:
    catalog.runs.add_issues(run, [(None, error.issue())])
    ended = {"outcome": Outcome.FAILED, "cause": error.code, "finished": datetime.now(UTC)}
    run = msgspec.structs.replace(run, **ended)
    catalog.runs.save(run)
    return run


def _translated(
    source: Source, catalog: Catalog, decided: Decided, mark: str, entries: Iterable[Entry]
) -> Iterator[tuple[Entry, NewRecord | None]]:
    """Each entry with what its words have become; None where they are no longer that dataset's, or none at all.

    Entries of which no words are kept are left out.
    """
    for entry in entries:
        kept = catalog.raw(entry.dataset.id)
        if kept is None:
            continue
        raw = RawRecord(
            body=kept.body,
            url=kept.url,
            media_type=kept.media_type,
            catalogue=entry.dataset.catalogue,
            occurrence=identity.occurrence_of(entry.dataset.source_key),
        )
        dataset, _ = to_dataset(raw, source, decided)
        if dataset is None or dataset.id != entry.dataset.id:
            yield entry, None
            continue
        yield entry, NewRecord(
            dataset=dataset,
            body=kept.body,
            raw_digest=raw_digest(kept.body, mark),
            media_type=kept.media_type,
            url=kept.url,
        )
