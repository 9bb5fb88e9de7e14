"""One harvest of one source: list, translate, store, retire, report."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from harvester import privacy
from harvester.crosswalk import check, to_dataset
from harvester.errors import HarvestError, PagingBroken, PortalBusy, RunOver, SourceInvalid
from harvester.families import KINDS
from harvester.fingerprints import fingerprint, raw_digest
from harvester.heartbeat import holding
from harvester.http import Http, Validators
from harvester.identity import dataset_id
from harvester.intervals import days
from harvester.records import Connector, Listing, RawRecord, Records
from harvester.rereading import follow_decisions
from harvester.retirement import Absent, absent, listed_again, retire_absent
from harvester.understood import keep_normalisation
from portal.catalog.decisions import Decided, decisions_digest
from portal.catalog.engines import insisting
from portal.catalog.model import Counts, DatasetState, Issue, Outcome, Run, RunMode, Source
from portal.catalog.runs import LISTED_SHORT
from portal.catalog.sources import CacheValidator, Lease
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord

log = logging.getLogger(__name__)

BATCH_SIZE = 500
"""Records a transaction: 1,320 first puts a second against 343 with one each (decision 0001)."""

BATCH_PATIENCE_S = 10.0
"""A slow portal's records are written at least this often, so that a crash loses little."""

ISSUES_KEPT = 1000
"""Issues of one code a run keeps one by one; the counts go on."""

REPEATS_AT_MOST = 5000
"""Records in a row that came before: a portal that gives its first pages for ever, changed in some counter each time, is
not followed any further (faults S55)."""

_ANOTHER_DATASET = frozenset(("title", "publisher", "distributions"))
"""When all of these changed at once, the id was probably given to something else (faults I65)."""

Progress = Callable[[Counts], None]

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
    return intake.counts["listed"] - (intake.counts["duplicate"] if may_have_slipped else 0)


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


class _Written(Struct, frozen=True):
    """What a batch did, and the fields that changed of the datasets it updated."""

    counts: Mapping[str, int]
    updated: Mapping[str, tuple[str, ...]]


class Intake:
    """Takes a run's records into the catalogue batch by batch and counts what became of each."""

    def __init__(self, source: Source, catalog: Catalog, lease: Lease, run: Run, decided: Decided) -> None:
        self.seen: dict[str, bytes] = {}
        """The ids of the datasets listed so far, each with the digest of the words it was first listed with."""
        self.apart = 0
        """Records that came under the id of another and say something else: duplicates by their id alone."""
        self.counts: Counter[str] = Counter()
        self._repeats = 0
        """Records in a row that had come before."""
        self._source = source
        self._catalog = catalog
        self._lease = lease
        self._run = run
        self._decided = decided
        self._fingerprint = fingerprint(source)
        self._issues: list[tuple[str | None, Issue]] = []
        self._issue_counts: Counter[str] = Counter()

    def take_all(self, records: Records, progress: Progress) -> Listing:
        """Reads a connector to its end, writing as it goes; what came before an error is written too."""
        batch: list[RawRecord] = []
        written = datetime.now(UTC)
        patience = timedelta(seconds=BATCH_PATIENCE_S)
        try:
            while True:
                try:
                    item = next(records)
                except StopIteration as end:
                    listing: Listing = end.value
                    return listing
                if isinstance(item, Issue):
                    self.complain(None, item)
                    continue
                batch.append(item)
                if len(batch) >= BATCH_SIZE or datetime.now(UTC) - written > patience:
                    full, batch, written = batch, [], datetime.now(UTC)
                    self.take(full)
                    progress(Counts(**{name: self.counts[name] for name in Counts.__struct_fields__}))
                    if self._repeats >= REPEATS_AT_MOST:
                        raise PagingBroken(f"the last {self._repeats:,} records had all come before", url=item.url)
        finally:
            if batch:
                self.take(batch)

    def take(self, batch: list[RawRecord]) -> None:
        """Takes one batch: recognises what is unchanged by its bytes, translates and stores the rest."""
        digests = [raw_digest(raw.body, self._fingerprint) for raw in batch]
        known = insisting(lambda: self._catalog.known(self._source.id, digests))
        fresh: list[NewRecord] = []
        back: list[str] = []
        broken: list[str] = []
        withdrawn: list[str] = []
        for raw, digest in zip(batch, digests, strict=True):
            found = known.get(digest)
            if raw.withdrawn:
                withdrawn.extend(self._withdrawn_id(raw))
            elif found is None:
                record = self._translate(raw, digest, broken)
                fresh.extend(record)
            elif self._first_time(found.id, raw, digest, key=None):
                self.counts["unchanged"] += 1
                if found.state is not DatasetState.CURRENT:
                    back.append(found.id)
        if fresh or back or broken or withdrawn:
            self._write(fresh, back, broken, withdrawn)

    def complain(self, dataset: str | None, issue: Issue) -> None:
        """Notes an issue of this run, about a dataset or about the portal."""
        self._issue_counts[issue.code] += 1
        if self._issue_counts[issue.code] <= ISSUES_KEPT:
            self._issues.append((dataset, issue))
        if len(self._issues) >= BATCH_SIZE:
            self.keep_issues()

    def keep_issues(self) -> None:
        """Writes the issues noted so far."""
        insisting(lambda: self._catalog.runs.add_issues(self._run, self._issues))
        self._issues = []

    def _first_time(self, id: str, raw: RawRecord, digest: bytes, key: str | None) -> bool:
        self.counts["listed"] += 1
        first = self.seen.get(id)
        if first is None:
            self.seen[id] = digest
            self._repeats = 0
            return True
        self._repeats += 1
        self.counts["duplicate"] += 1
        self.apart += first != digest
        code = "record.duplicate" if first == digest else "record.id-repeated"
        self.complain(id, Issue(code=code, url=raw.url, source_key=key))
        return False

    def _translate(self, raw: RawRecord, digest: bytes, broken: list[str]) -> Iterator[NewRecord]:
        dataset, issues = to_dataset(raw, self._source, self._decided)
        if dataset is None:
            self._refuse(raw, digest, issues, broken)
            return
        if not self._first_time(dataset.id, raw, digest, dataset.source_key):
            return
        for issue in (*issues, *privacy.issues(dataset)):
            self.complain(dataset.id, issue)
        yield NewRecord(dataset=dataset, body=raw.body, raw_digest=digest, media_type=raw.media_type, url=raw.url)

    def _refuse(self, raw: RawRecord, digest: bytes, issues: Iterable[Issue], broken: list[str]) -> None:
        """An unusable record is still listed: the dataset it was about keeps standing as it last was."""
        key = next((issue.source_key for issue in issues if issue.source_key is not None), None)
        id = None if key is None else dataset_id(self._source.id, key)
        if id is None:
            self.counts["listed"] += 1
        elif not self._first_time(id, raw, digest, key):
            return
        else:
            broken.append(id)
        self.counts["unusable"] += 1
        for issue in issues:
            self.complain(id, issue)

    def _withdrawn_id(self, raw: RawRecord) -> Iterator[str]:
        dataset, issues = to_dataset(raw, self._source)
        keys = [dataset.source_key] if dataset else [issue.source_key for issue in issues if issue.source_key]
        yield from (dataset_id(self._source.id, key) for key in keys[:1])

    def _write(self, fresh: list[NewRecord], back: list[str], broken: list[str], withdrawn: list[str]) -> None:
        written = insisting(lambda: self._written(fresh, back, broken, withdrawn))
        self.counts.update(written.counts)
        for id, fields in written.updated.items():
            if _ANOTHER_DATASET.issubset(fields):
                self.complain(id, Issue(code="record.identity-changed"))

    def _written(self, fresh: list[NewRecord], back: list[str], broken: list[str], withdrawn: list[str]) -> _Written:
        """One attempt: what it finds done already, by one that was broken off as it ended, it does not do again."""
        ids = [*back, *broken, *withdrawn]
        states = self._catalog.states(ids) if ids else {}
        again = [id for id in back if states[id] is not DatasetState.CURRENT]
        gone = (DatasetState.UNUSABLE, DatasetState.RETIRED)
        newly_broken = [id for id in broken if id in states and states[id] not in gone]
        newly_withdrawn = [id for id in withdrawn if id in states and states[id] is not DatasetState.RETIRED]
        with self._catalog.transaction(self._lease, self._run.id) as transaction:
            put = transaction.put(fresh)
            transaction.restore(again)
            transaction.mark_unusable(newly_broken)
            transaction.retire(newly_withdrawn, "withdrawn")
        counts = {
            "added": put.added,
            "updated": len(put.updated),
            "unchanged": put.unchanged,
            "restored": put.restored + len(again),
            "retired": len(newly_withdrawn),
        }
        return _Written(counts, put.updated)
