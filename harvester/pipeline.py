"""One harvest of one source: list, translate, store, retire, report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from harvester.crosswalk import check
from harvester.errors import HarvestError, PortalBusy, RunOver, SourceInvalid
from harvester.families import KINDS
from harvester.fingerprints import fingerprint
from harvester.heartbeat import holding
from harvester.http import Http, Validators
from harvester.intake import Intake, Progress
from harvester.intervals import days
from harvester.records import Connector, Listing
from harvester.rereading import follow_decisions
from harvester.retirement import Absent, absent, listed_again, retire_absent
from harvester.understood import keep_normalisation
from portal.catalog.decisions import Decided, decisions_digest
from portal.catalog.model import Counts, Issue, Outcome, Run, RunMode, Source
from portal.catalog.runs import LISTED_SHORT
from portal.catalog.sources import CacheValidator, Lease
from portal.catalog.store import Catalog

log = logging.getLogger(__name__)

WayOut = Callable[[Mapping[str, Validators]], Http]
"""Makes the Http of one run, given the validators to ask with."""


def harvest(
    source: Source,
    catalog: Catalog,
    connector: Connector,
    way_out: WayOut,
    *,
    holder: str,
    full: bool = False,
    progress: Progress = lambda counts: None,
) -> Run:
    """Harvests a source and returns how it went; only a lost lease or a broken database raises.

    Incremental when the last full listing is younger than the source's ``full_every`` and was read as we read now;
    ``full`` insists on everything. Raises SourceHeld when the source is being harvested, LeaseLost when another
    run took it over.
    """
    with holding(catalog, source.id, holder) as lease:
        decided = follow_decisions(source, catalog, lease)
        return _harvest(source, catalog, connector, way_out, lease, decided, full, progress)


def since(source: Source, catalog: Catalog) -> datetime | None:
    """From when on changes are to be asked for; None when everything is."""
    listing = catalog.runs.last(source.id, complete=True, mode=RunMode.FULL)
    if listing is None or listing.fingerprint != fingerprint(source):
        return None
    # Of a source that was removed and set up again nothing stands any more, whatever its earlier runs listed.
    if listing.started < catalog.sources.get(source.id).created:
        return None
    if datetime.now(UTC) - listing.started >= timedelta(days=days(source.full_every)):
        return None
    newest = catalog.runs.last(source.id, complete=True)
    return None if newest is None else newest.started


def _harvest(
    source: Source,
    catalog: Catalog,
    connector: Connector,
    way_out: WayOut,
    lease: Lease,
    decided: Decided,
    full: bool,
    progress: Progress,
) -> Run:
    start = None if full else since(source, catalog)
    mode = RunMode.FULL if start is None else RunMode.INCREMENTAL
    run = catalog.runs.start(source.id, mode, fingerprint(source), decisions_digest(decided), lease=lease)
    intake = Intake(source, catalog, lease, run, decided)
    listing: Listing | None = None
    cause: str | None = None
    # A full listing asks without validators: a portal whose validators never change is found out by it.
    with way_out({} if start is None else _validators(catalog, source)) as http:
        try:
            _check(source)
            listing = intake.take_all(connector(source, http, start), progress)
        except (HarvestError, RunOver) as error:
            cause = error.code
            intake.complain(None, error.issue())
            if isinstance(error, PortalBusy) and error.retry_after_s is not None:
                not_before = datetime.now(UTC) + timedelta(seconds=error.retry_after_s)
                run = msgspec.structs.replace(run, not_before=not_before)
    for moved in http.moved:
        intake.complain(None, Issue(code="portal.moved", url=moved.asked, seen=moved.target))
    run = _conclude(source, catalog, lease, run, intake, listing, cause)
    run = msgspec.structs.replace(
        run, finished=datetime.now(UTC), requests=http.requests, bytes_received=http.bytes_received
    )
    if run.outcome is Outcome.COMPLETE:
        _keep_validators(source, catalog, lease, http, run, intake)
    intake.keep_issues()
    catalog.runs.save(run, lease=lease)
    keep_normalisation(catalog, run)
    log.info("%s: %s, %s", source.id, run.outcome, run.counts)
    return run


def _check(source: Source) -> None:
    try:
        check(source)
    except (ValueError, KeyError) as error:
        raise SourceInvalid(f"options: {error}", url=source.url) from error


def _conclude(
    source: Source,
    catalog: Catalog,
    lease: Lease,
    run: Run,
    intake: Intake,
    listing: Listing | None,
    cause: str | None,
) -> Run:
    if listing is None:
        outcome = Outcome.PARTIAL if intake.counts["listed"] else Outcome.FAILED
        return _ended(run, intake, outcome, cause=cause)
    run = msgspec.structs.replace(run, declared=listing.declared, not_modified=listing.not_modified)
    if listing.not_modified:
        standing = sum(1 for _ in catalog.standings(source.id))
        intake.counts.update(listed=standing, unchanged=standing)
        return _ended(run, intake, Outcome.COMPLETE)
    if listing.partial:
        return _ended(msgspec.structs.replace(run, mode=RunMode.INCREMENTAL), intake, Outcome.COMPLETE)
    run = msgspec.structs.replace(run, mode=RunMode.FULL)
    listed = intake.counts["listed"]
    lack = absent(source, catalog, intake.seen)
    if listing.declared is not None and _certain(listing, intake, lack) < listing.declared:
        seen = f"{_certain(listing, intake, lack)}/{listing.declared}"
        intake.complain(None, Issue(code=LISTED_SHORT, url=source.url, seen=seen))
        return _ended(run, intake, Outcome.PARTIAL, cause=LISTED_SHORT)
    lost = intake.counts["unusable"] + intake.apart
    # A portal that is read by configuration alone may be of another shape than it says.
    if source.kind in KINDS and lost * 2 > listed:
        intake.complain(None, Issue(code="listing.mostly-lost", url=source.url, seen=f"{lost}/{listed}"))
        return _ended(run, intake, Outcome.PARTIAL, cause="listing.mostly-lost")
    if lack.newly and intake.counts["added"] * 2 >= len(lack.newly):
        again = listed_again(source, catalog, lack.newly, intake.seen)
        if again * 2 >= len(lack.newly):
            seen = f"{again}/{len(lack.newly)}"
            intake.complain(None, Issue(code="listing.ids-changed", url=source.url, seen=seen))
    retirement = retire_absent(source, catalog, lease, run, lack, listed=listed)
    intake.counts.update(missing=retirement.missing, retired=retirement.retired, held=retirement.held)
    if retirement.held:
        seen = f"{retirement.held}/{retirement.stood}"
        intake.complain(None, Issue(code="listing.shrank", url=source.url, seen=seen))
        return _ended(run, intake, Outcome.HELD, cause="listing.shrank")
    return _ended(run, intake, Outcome.COMPLETE)


def _certain(listing: Listing, intake: Intake, lack: Absent) -> int:
    """How many of the records that the portal counts we have surely seen.

    While a list moves under its reader, one record comes on two pages and another on none: where something is lacking, a
    record that came twice may have taken its place.
    """
    may_have_slipped = bool(lack.newly or lack.overdue) and not listing.in_one_piece
    return intake.counts["listed"] - (intake.repeated if may_have_slipped else 0)


def _ended(run: Run, intake: Intake, outcome: Outcome, cause: str | None = None) -> Run:
    counts = Counts(**{name: intake.counts[name] for name in Counts.__struct_fields__})
    return msgspec.structs.replace(run, outcome=outcome, counts=counts, cause=cause)


def _validators(catalog: Catalog, source: Source) -> dict[str, Validators]:
    kept = catalog.sources.validators(source.id)
    return {url: Validators(etag=given.etag, last_modified=given.last_modified) for url, given in kept.items()}


def _keep_validators(
    source: Source, catalog: Catalog, lease: Lease, http: Http, run: Run, intake: Intake
) -> None:
    """Keeps what the portal gave for next time; complains when it gave the same for other data (faults N23)."""
    given = {
        url: CacheValidator(etag=validators.etag, last_modified=validators.last_modified)
        for url, validators in http.seen_validators.items()
    }
    before = catalog.sources.validators(source.id)
    changed = run.counts.added + run.counts.updated + run.counts.missing + run.counts.retired
    if given and given == before and changed and catalog.runs.last(source.id, complete=True) is not None:
        intake.complain(None, Issue(code="portal.validators-wrong", url=source.url, seen=str(changed)))
    if not run.not_modified:
        catalog.sources.keep_validators(lease, given)
