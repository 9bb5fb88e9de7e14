"""Takes what a portal lists into the catalogue, batch by batch, and counts what became of each record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from msgspec import Struct

from harvester import privacy
from harvester.crosswalk import to_dataset
from harvester.errors import PagingBroken
from harvester.fingerprints import fingerprint, raw_digest
from harvester.identity import dataset_id
from harvester.precedence import place
from harvester.records import Listing, RawRecord, Records
from portal.catalog.decisions import Decided
from portal.catalog.engines import insisting
from portal.catalog.model import Counts, DatasetState, Entry, Issue, Run, Source
from portal.catalog.sources import Lease
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord

BATCH_SIZE = 500
"""Records a transaction: 1,320 first puts a second against 343 with one each (decision 0001)."""

BATCH_PATIENCE_S = 10.0
"""A slow portal's records are written at least this often, so that a crash loses little."""

ISSUES_KEPT = 1000
"""Issues of one code a run keeps one by one; the counts go on. As many ids of several records are known in the next run."""

REPEATS_AT_MOST = 5000
"""Records in a row that came before: a portal that gives its first pages for ever, changed in some counter each time, is
not followed any further (faults S55)."""

ID_REPEATED = "record.id-repeated"
"""The issue of an id under which a listing has different records."""

_ANOTHER_DATASET = frozenset(("title", "publisher", "distributions"))
"""When all of these changed at once, the id was probably given to something else (faults I65)."""

Progress = Callable[[Counts], None]


class _Read(Struct, frozen=True):
    """A record as it was read, and what was found wrong in reading it."""

    record: NewRecord
    issues: Sequence[Issue]


class _Written(Struct, frozen=True):
    """What a batch did, and the fields that changed of the datasets it updated."""

    counts: Mapping[str, int]
    updated: Mapping[str, tuple[str, ...]]


class Intake:
    """Takes a run's records into the catalogue batch by batch and counts what became of each.

    Of different records under one id the one that ``precedence`` names stands when the listing has ended, in whatever order
    they came. Those of an id that had several when the source was last listed wait for that end, so that what stands is not
    written over and back again.
    """

    def __init__(self, source: Source, catalog: Catalog, lease: Lease, run: Run, decided: Decided) -> None:
        self.seen: dict[str, bytes] = {}
        """The ids of the datasets listed so far, each with the digest of the words it was first listed with."""
        self.repeated = 0
        """Records that came under an id listed before."""
        self.apart = 0
        """Those of them that say something else than the first."""
        self.counts: Counter[str] = Counter()
        self._repeats = 0
        """Records in a row that had come before."""
        self._source = source
        self._catalog = catalog
        self._lease = lease
        self._run = run
        self._decided = decided
        self._fingerprint = fingerprint(source)
        self._shared = catalog.runs.told_of(source.id, ID_REPEATED, limit=ISSUES_KEPT)
        """Ids that had several records when the source was last listed."""
        self._rivals: dict[str, _Read] = {}
        """By id, the best of the records that were not taken as they came."""
        self._open: set[str] = set()
        """Ids listed of which no record was taken yet: only unusable ones came, or such as wait."""
        self._broken: set[str] = set()
        """Ids of which only unusable records came so far."""
        self._withdrawn: set[str] = set()
        self._issues: list[tuple[str | None, Issue]] = []
        self._issue_counts: Counter[str] = Counter()

    def take_all(self, records: Records, progress: Progress) -> Listing:
        """Reads a connector to its end, writing as it goes; what came before an error is written too."""
        batch: list[RawRecord] = []
        written = datetime.now(UTC)
        patience = timedelta(seconds=BATCH_PATIENCE_S)
        whole = False
        try:
            while True:
                try:
                    item = next(records)
                except StopIteration as end:
                    listing: Listing = end.value
                    listed = self.counts["listed"] + len(batch)
                    whole = not listing.partial and (listing.declared is None or listed >= listing.declared)
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
            self.settle(whole=whole)

    def take(self, batch: list[RawRecord]) -> None:
        """Takes one batch: recognises what is unchanged by its bytes, translates and stores the rest.

        What no record alone decides waits for ``settle``.
        """
        digests = [raw_digest(raw.body, self._fingerprint) for raw in batch]
        known = insisting(lambda: self._catalog.known(self._source.id, digests))
        fresh: dict[str, _Read] = {}
        back: list[str] = []
        for raw, digest in zip(batch, digests, strict=True):
            found = known.get(digest)
            if raw.withdrawn:
                self._withdraw(raw)
            elif found is None or found.id in fresh:
                self._translate(raw, digest, fresh)
            elif self._meet(found.id, raw, digest) or found.id in self._open:
                self._open.discard(found.id)
                self.counts["unchanged"] += 1
                if found.state is not DatasetState.CURRENT:
                    back.append(found.id)
            else:
                self.counts["duplicate"] += 1
        if fresh or back:
            updated = self._write(fresh.values(), back=back)
            for id, fields in updated.items():
                if _ANOTHER_DATASET.issubset(fields):
                    self.complain(id, Issue(code="record.identity-changed"))
        if len(self._rivals) > len(self._open):
            self._compare([id for id in self._rivals if id not in self._open], whole=False)

    def settle(self, *, whole: bool) -> None:
        """Decides what stands under ids of several records, what is broken and what is withdrawn, now that all came.

        ``whole`` says that the listing was read to its end and lacks nothing: what stood and is not in it gives way.
        """
        self._compare(list(self._rivals), whole=whole)
        # A record under the id of a withdrawn one is there.
        withdrawn = self._withdrawn.difference(self.seen)
        if self._broken or withdrawn:
            self._write((), broken=sorted(self._broken), withdrawn=sorted(withdrawn))
        self._broken, self._withdrawn = set(), set()

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

    def _meet(self, id: str, raw: RawRecord, digest: bytes, key: str | None = None, *, is_usable: bool = True) -> bool:
        """Counts a listed record; whether it is the first of its id. ``key`` is None where it was not read."""
        self.counts["listed"] += 1
        first = self.seen.get(id)
        if first is None:
            self.seen[id] = digest
            self._repeats = 0
            return True
        self._repeats += 1
        self.repeated += 1
        self.apart += first != digest
        code = "record.duplicate" if first == digest else ID_REPEATED
        self.complain(id, Issue(code=code, url=raw.url, source_key=key or self._key(raw)))
        if is_usable and id in self._broken:
            self._broken.remove(id)
            self.counts.update(unusable=-1, duplicate=1)
        return False

    def _translate(self, raw: RawRecord, digest: bytes, fresh: dict[str, _Read]) -> None:
        """Reads a record and lays it among those of its batch to be stored, or among the rivals."""
        dataset, issues = to_dataset(raw, self._source, self._decided)
        if dataset is None:
            self._refuse(raw, digest, issues)
            return
        id, body = dataset.id, raw.body
        record = NewRecord(dataset=dataset, body=body, raw_digest=digest, media_type=raw.media_type, url=raw.url)
        read = _Read(record, issues)
        is_first = self._meet(id, raw, digest, dataset.source_key)
        is_open = is_first or id in self._open
        if is_open and id not in self._shared:
            self._open.discard(id)
            fresh[id] = read
            return
        self.counts["duplicate"] += 1
        if is_open:
            self._open.add(id)
        if id in fresh:
            fresh[id] = min(fresh[id], read, key=_place)
        elif is_first or digest != self.seen[id]:
            self._rivals[id] = min(self._rivals.get(id, read), read, key=_place)

    def _withdraw(self, raw: RawRecord) -> None:
        key = self._key(raw)
        if key is not None:
            self._withdrawn.add(dataset_id(self._source.id, key))

    def _refuse(self, raw: RawRecord, digest: bytes, issues: Iterable[Issue]) -> None:
        """An unusable record is still listed: the dataset it was about keeps standing as it last was."""
        key = next((issue.source_key for issue in issues if issue.source_key is not None), None)
        id = None if key is None else dataset_id(self._source.id, key)
        if id is None:
            self.counts["listed"] += 1
        elif self._meet(id, raw, digest, key, is_usable=False):
            self._open.add(id)
            self._broken.add(id)
        else:
            self.counts["duplicate"] += 1
            return
        self.counts["unusable"] += 1
        for issue in issues:
            self.complain(id, issue)

    def _key(self, raw: RawRecord) -> str | None:
        """The source's own id of a record; None where it has none that can be read."""
        dataset, issues = to_dataset(raw, self._source)
        if dataset is not None:
            return dataset.source_key
        return next((issue.source_key for issue in issues if issue.source_key is not None), None)

    def _compare(self, ids: Iterable[str], *, whole: bool) -> None:
        """Has the best of the rivals of each of these ids stored, where it goes before what stands."""
        waiting = iter(ids)
        while part := list(islice(waiting, BATCH_SIZE)):
            standing = {entry.dataset.id: entry for entry in insisting(partial(self._catalog.entries, part))}
            better = [
                read
                for id in part
                for read in (self._rivals.pop(id),)
                if self._prevails(read.record, standing.get(id), whole)
            ]
            if better:
                self._write(better)
                # Each was counted as a duplicate when it came, and by what the catalogue did with it now.
                self.counts["duplicate"] -= len(better)

    def _prevails(self, rival: NewRecord, standing: Entry | None, whole: bool) -> bool:
        if standing is None:
            return True
        id = rival.dataset.id
        if id in self._open and (whole or standing.state is not DatasetState.CURRENT):
            # The words that stand are no longer listed.
            return True
        words = insisting(partial(self._catalog.raw, id))
        return words is None or place(rival.dataset, rival.body) < place(standing.dataset, words.body)

    def _write(
        self,
        reads: Collection[_Read],
        *,
        back: Sequence[str] = (),
        broken: Sequence[str] = (),
        withdrawn: Sequence[str] = (),
    ) -> Mapping[str, tuple[str, ...]]:
        """Stores records and states; the fields that changed of each dataset that was updated, by its id."""
        for read in reads:
            dataset = read.record.dataset
            for issue in (*read.issues, *privacy.issues(dataset)):
                self.complain(dataset.id, issue)
        records = [read.record for read in reads]
        written = insisting(lambda: self._written(records, back, broken, withdrawn))
        self.counts.update(written.counts)
        return written.updated

    def _written(
        self, records: Sequence[NewRecord], back: Sequence[str], broken: Sequence[str], withdrawn: Sequence[str]
    ) -> _Written:
        """One attempt: what it finds done already, by one that was broken off as it ended, it does not do again."""
        ids = [*back, *broken, *withdrawn]
        states = self._catalog.states(ids) if ids else {}
        again = [id for id in back if states[id] is not DatasetState.CURRENT]
        gone = (DatasetState.UNUSABLE, DatasetState.RETIRED)
        newly_broken = [id for id in broken if id in states and states[id] not in gone]
        newly_withdrawn = [id for id in withdrawn if id in states and states[id] is not DatasetState.RETIRED]
        with self._catalog.transaction(self._lease, self._run.id) as transaction:
            put = transaction.put(records)
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


def _place(read: _Read) -> tuple[float, bytes]:
    return place(read.record.dataset, read.record.body)
