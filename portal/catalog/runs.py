"""What harvests did: runs, their issues, the retirements they hold back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select, update

import schemas
from portal.catalog import audit, tables
from portal.catalog.audit import Action
from portal.catalog.clearances import cleared
from portal.catalog.documents import encode, in_parts, visible
from portal.catalog.engines import writing
from portal.catalog.model import Counts, DatasetState, Issue, Outcome, Run, RunMode, StoredIssue
from portal.catalog.sources import Lease, check_lease


class UnknownRun(LookupError):
    """No run has this number."""


class Losses(Struct, frozen=True, kw_only=True):
    """What a source lost in a while, in datasets."""

    total: int
    """Missing and retired ones."""
    retired: int


class Concern(Struct, frozen=True):
    """The issues of one code that stand in a source."""

    source_id: str
    code: str
    count: int
    samples: tuple[StoredIssue, ...]
    """The newest."""


class _Summary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a run no SQL asks for, as one document."""

    not_modified: bool = False
    declared: int | None = None
    counts: Counts = Counts()
    requests: int = 0
    bytes_received: int = 0
    cause: str | None = None
    not_before: datetime | None = None
    decision: str | None = None
    fingerprint: str | None = None
    decisions: str | None = None


LISTED_SHORT = "listing.incomplete"
"""The cause of a partial run that read the whole list, which was shorter than the portal said."""

_IS_HARVEST = tables.run.c.mode != RunMode.REREAD

_decode_summary = msgspec.json.Decoder(_Summary).decode
_decode_issue = msgspec.json.Decoder(Issue).decode


class Runs:
    """The runs in the database; reached as ``catalog.runs``.

    What a harvest writes of itself it writes with its ``lease``: LeaseLost is raised, and nothing written, where it has
    slept so long that another has taken the source over.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(
        self,
        source_id: str,
        mode: RunMode,
        fingerprint: str,
        decisions: str | None = None,
        *,
        lease: Lease | None = None,
    ) -> Run:
        """Writes down that a run begins."""
        started = datetime.now(UTC)
        told = _Summary(fingerprint=fingerprint, decisions=decisions)
        with self._writing(lease) as connection:
            result = connection.execute(
                insert(tables.run).values(
                    source_id=source_id,
                    mode=mode.value,
                    started=started,
                    summary=encode(told),
                )
            )
        (id,) = result.inserted_primary_key  # type: ignore[misc]
        return Run(
            id=id, source_id=source_id, mode=mode, started=started, fingerprint=fingerprint, decisions=decisions
        )

    def save(self, run: Run, *, lease: Lease | None = None) -> None:
        """Writes what a run knows of itself so far, or how it ended."""
        with self._writing(lease) as connection:
            _save(connection, run)

    def get(self, id: int) -> Run:
        """One run. Raises UnknownRun."""
        with self._engine.connect() as connection:
            row = connection.execute(select(tables.run).where(tables.run.c.id == id)).one_or_none()
        if row is None:
            raise UnknownRun(f"there is no run {id}")
        return _run(row)

    def recent(
        self, source_id: str | None = None, *, before: int | None = None, limit: int = 50
    ) -> list[Run]:
        """Runs, newest first, of one source or of all, with numbers below ``before``."""
        query = select(tables.run).order_by(tables.run.c.id.desc()).limit(limit)
        if source_id is not None:
            query = query.where(tables.run.c.source_id == source_id)
        if before is not None:
            query = query.where(tables.run.c.id < before)
        with self._engine.connect() as connection:
            return [_run(row) for row in connection.execute(query)]

    def last(self, source_id: str, *, complete: bool = False, mode: RunMode | None = None) -> Run | None:
        """The newest finished harvest of a source, or the newest that ended complete; None when there is none.

        A run that only read again what was kept is no harvest: it is found by its ``mode``.
        """
        query = select(tables.run).where(
            tables.run.c.source_id == source_id, tables.run.c.outcome.is_not(None)
        )
        if complete:
            query = query.where(tables.run.c.outcome == Outcome.COMPLETE)
        query = query.where(_IS_HARVEST if mode is None else tables.run.c.mode == mode)
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(tables.run.c.id.desc()).limit(1)).one_or_none()
        return None if row is None else _run(row)

    def last_by_source(self, *, complete: bool = False) -> Mapping[str, Run]:
        """The newest finished (or complete) harvest of every source that has one."""
        newest = select(func.max(tables.run.c.id)).where(tables.run.c.outcome.is_not(None), _IS_HARVEST)
        if complete:
            newest = newest.where(tables.run.c.outcome == Outcome.COMPLETE)
        query = select(tables.run).where(tables.run.c.id.in_(newest.group_by(tables.run.c.source_id)))
        with self._engine.connect() as connection:
            return {row.source_id: _run(row) for row in connection.execute(query)}

    def ended_since(self, instant: datetime) -> Mapping[Outcome, int]:
        """How many runs ended at an instant or after it, by outcome."""
        table = tables.run.c
        query = select(table.outcome, func.count()).where(table.finished >= instant, table.outcome.is_not(None))
        with self._engine.connect() as connection:
            return {Outcome(outcome): count for outcome, count in connection.execute(query.group_by(table.outcome))}

    def last_read(self, until: datetime | None = None, *, source_id: str | None = None) -> Mapping[str, datetime]:
        """When each source, or one, was last read to the end of its list, at all or up to an instant.

        Neither a run that broke off nor one that is held tells what became of every dataset, and one that read again
        what is kept asked nobody. A list that is shorter than the portal says it is was read to its end. Of a source
        that never was, the moment its first run broke off: what it then had was read by then.
        """
        table = tables.run.c
        upto = () if until is None else (table.finished <= until,)
        if source_id is not None:
            upto = (*upto, table.source_id == source_id)
        complete = (
            select(table.source_id, func.max(table.finished).label("finished"))
            .where(table.outcome == Outcome.COMPLETE, _IS_HARVEST, *upto)
            .group_by(table.source_id)
            .subquery()
        )
        later = (
            select(table.source_id, table.finished, table.summary)
            .outerjoin(complete, complete.c.source_id == table.source_id)
            .where(table.outcome == Outcome.PARTIAL, _IS_HARVEST, *upto)
            .where(complete.c.finished.is_(None) | (table.finished > complete.c.finished))
            .order_by(table.finished)
        )
        with self._engine.connect() as connection:
            read = {row.source_id: row.finished for row in connection.execute(select(complete))}
            for row in connection.execute(later):
                if row.source_id not in read or _decode_summary(row.summary).cause == LISTED_SHORT:
                    read[row.source_id] = row.finished
        return read

    def abandon(self, lease: Lease) -> int:
        """Ends, as failed, the runs of the lease's source that were not finished; how many there were.

        Before a run: those whose process died. After one: itself, where something broke it off that nobody foresaw.
        """
        query = select(tables.run).where(tables.run.c.source_id == lease.source_id, tables.run.c.outcome.is_(None))
        with self._engine.connect() as connection:
            dead = [_run(row) for row in connection.execute(query)]
        for run in dead:
            ended = {"finished": datetime.now(UTC), "outcome": Outcome.FAILED, "cause": "run.interrupted"}
            with self._writing(lease) as connection:
                _save(connection, msgspec.structs.replace(run, **ended))
                _add_issues(connection, run, [(None, Issue(code="run.interrupted"))])
        return len(dead)

    def add_issues(self, run: Run, issues: Sequence[tuple[str | None, Issue]]) -> None:
        """Keeps issues of a run, each with the id of the dataset it is about, if it is about one."""
        if issues:
            with writing(self._engine) as connection:
                _add_issues(connection, run, issues)

    def issues(
        self,
        run_id: int | None = None,
        *,
        dataset_id: str | None = None,
        code: str | None = None,
        after: int = 0,
        limit: int = 100,
        newest_first: bool = False,
        for_operators: bool = False,
    ) -> list[StoredIssue]:
        """Issues in the order they came (or backwards), of a run or about a dataset, with numbers above ``after``.

        Those whose code is for operators only where ``for_operators``: nothing public asks for them by mistake.
        """
        table = tables.issue
        order = table.c.id.desc() if newest_first else table.c.id
        query = select(table).where(table.c.id > after, *_for(for_operators)).order_by(order).limit(limit)
        if run_id is not None:
            query = query.where(table.c.run_id == run_id)
        if dataset_id is not None:
            query = query.where(table.c.dataset_id == dataset_id)
        if code is not None:
            query = query.where(table.c.code == code)
        with self._engine.connect() as connection:
            return [_stored(row) for row in connection.execute(query)]

    def told_of(self, source_id: str, code: str, *, limit: int) -> frozenset[str]:
        """The ids of at most ``limit`` datasets that a source's runs told an issue of since it was last listed as a whole."""
        last = self.last(source_id, complete=True, mode=RunMode.FULL)
        run, issue = tables.run.c, tables.issue.c
        runs = select(run.id).where(run.source_id == source_id, run.id >= (0 if last is None else last.id))
        told = (issue.run_id.in_(runs), issue.code == code, issue.dataset_id.is_not(None))
        query = select(issue.dataset_id).where(*told).distinct().order_by(issue.dataset_id).limit(limit)
        with self._engine.connect() as connection:
            return frozenset(connection.scalars(query))

    def for_operators(self, samples: int) -> list[Concern]:
        """The issues for operators that stand: of datasets that are there, as their words were last read.

        By source and code, most frequent first, each with its newest ``samples``. The run that found one may be long
        ago: words that stay the same are not read again. Without those that somebody cleared.
        """
        issue, dataset, raw, run = (
            table.c for table in (tables.issue, tables.dataset, tables.raw_record, tables.run)
        )
        stands = (
            issue.code.in_(sorted(schemas.issues_for_operators())),
            dataset.id == issue.dataset_id,
            dataset.state != DatasetState.RETIRED,
            raw.dataset_id == issue.dataset_id,
            run.id == issue.run_id,
            raw.read <= func.coalesce(run.finished, raw.read),
        )
        with self._engine.connect() as connection:
            unsettled = (*stands, issue.id.not_in(cleared(connection)))
            counted = select(issue.source_id, issue.code, func.count()).where(*unsettled)
            newest = select(tables.issue).where(*unsettled).order_by(issue.id.desc()).limit(samples)
            concerns = [
                Concern(source_id, code, count, tuple(
                    _stored(row)
                    for row in connection.execute(newest.where(issue.source_id == source_id, issue.code == code))
                ))
                for source_id, code, count in connection.execute(counted.group_by(issue.source_id, issue.code)).all()
            ]
        return sorted(concerns, key=lambda concern: (-concern.count, concern.source_id))

    def issue_counts(self, run_id: int, *, for_operators: bool = False) -> Mapping[str, int]:
        """How often each code stands among the issues of a run (as ``issues`` tells them), most frequent first."""
        table = tables.issue
        query = (
            select(table.c.code, func.count())
            .where(table.c.run_id == run_id, *_for(for_operators))
            .group_by(table.c.code)
            .order_by(func.count().desc(), table.c.code)
        )
        with self._engine.connect() as connection:
            return {code: count for code, count in connection.execute(query)}

    def hold(self, run: Run, ids: Sequence[str], *, lease: Lease | None = None) -> None:
        """Keeps which datasets a held run would take away. Earlier undecided holds of the source are superseded."""
        self.supersede(run.source_id, except_run=run.id, lease=lease)
        with self._writing(lease) as connection:
            for part in in_parts(ids):
                connection.execute(insert(tables.held), [{"run_id": run.id, "dataset_id": id} for id in part])

    def held(self, run_id: int) -> list[str]:
        """The ids a held run would take away."""
        query = (
            select(tables.held.c.dataset_id)
            .where(tables.held.c.run_id == run_id)
            .order_by(tables.held.c.dataset_id)
        )
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def undecided(self, source_id: str | None = None) -> list[Run]:
        """Held runs nobody has decided about."""
        query = select(tables.run).where(tables.run.c.outcome == Outcome.HELD).order_by(tables.run.c.id)
        if source_id is not None:
            query = query.where(tables.run.c.source_id == source_id)
        with self._engine.connect() as connection:
            runs = [_run(row) for row in connection.execute(query)]
        return [run for run in runs if run.decision is None]

    def supersede(self, source_id: str, *, except_run: int | None = None, lease: Lease | None = None) -> None:
        """A newer complete listing has been seen: what older runs held back no longer needs a decision."""
        for run in self.undecided(source_id):
            if run.id != except_run:
                self.decide(run, "superseded", lease=lease)

    def decide(self, run: Run, decision: str, *, by: str | None = None, lease: Lease | None = None) -> None:
        """Writes down what became of a held run (``approved``, ``rejected``, ``superseded``); frees what it held.

        ``by`` is the person who decided; None where a later listing did.
        """
        with self._writing(lease) as connection:
            _save(connection, msgspec.structs.replace(run, decision=decision))
            connection.execute(delete(tables.held).where(tables.held.c.run_id == run.id))
            if by is not None:
                audit.write(connection, by, Action(f"run-{decision}"), str(run.id), run.source_id)

    def recent_losses(self, source_id: str, *, days: float) -> Losses:
        """Datasets of a source that went missing within the last days and have not come back.

        Retirements that a person approved or the portal itself declared are left out.
        """
        table = tables.dataset.c
        query = (
            select(table.state, func.count())
            .where(
                table.source_id == source_id,
                table.missing_since >= datetime.now(UTC) - timedelta(days=days),
                func.coalesce(table.retired_because, "missing") == "missing",
            )
            .group_by(table.state)
        )
        with self._engine.connect() as connection:
            counts = {state: count for state, count in connection.execute(query)}
        return Losses(total=sum(counts.values()), retired=counts.get(DatasetState.RETIRED, 0))

    @contextmanager
    def _writing(self, lease: Lease | None) -> Iterator[Connection]:
        """A transaction for writing that relies on a lease, where one is given."""
        with writing(self._engine) as connection:
            if lease is not None:
                check_lease(connection, lease)
            yield connection


def _save(connection: Connection, run: Run) -> None:
    summary = _Summary(**{name: getattr(run, name) for name in _Summary.__struct_fields__})
    connection.execute(
        update(tables.run)
        .where(tables.run.c.id == run.id)
        .values(
            mode=run.mode.value,
            finished=run.finished,
            outcome=run.outcome and run.outcome.value,
            summary=encode(summary),
        )
    )


def _add_issues(connection: Connection, run: Run, issues: Sequence[tuple[str | None, Issue]]) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "run_id": run.id,
            "source_id": run.source_id,
            "dataset_id": dataset_id,
            "code": issue.code,
            "at": now,
            "document": encode(_visible(issue)),
        }
        for dataset_id, issue in issues
    ]
    connection.execute(insert(tables.issue), rows)


def _visible(issue: Issue) -> Issue:
    said = msgspec.structs.asdict(issue)
    return Issue(**{name: text and visible(text) for name, text in said.items()})


def _stored(row: Row[Any]) -> StoredIssue:
    return StoredIssue(
        id=row.id,
        run_id=row.run_id,
        source_id=row.source_id,
        dataset_id=row.dataset_id,
        at=row.at,
        issue=_decode_issue(row.document),
    )


def _for(operators: bool) -> list[ColumnElement[bool]]:
    return [] if operators else [tables.issue.c.code.not_in(sorted(schemas.issues_for_operators()))]


def _run(row: Row[Any]) -> Run:
    summary = _decode_summary(row.summary)
    return Run(
        id=row.id,
        source_id=row.source_id,
        mode=RunMode(row.mode),
        started=row.started,
        finished=row.finished,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        **{name: getattr(summary, name) for name in _Summary.__struct_fields__},
    )
