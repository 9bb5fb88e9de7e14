"""What the assessment of the catalogue came to: a row a dataset, counts and standings a group. All of it is derived.

Verdicts, counts and rule sets are bytes and names here; what they mean is known in ``portal.scorecard`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select, update

from portal.catalog import tables, trends
from portal.catalog.counters import count_on, counted
from portal.catalog.documents import encode, in_parts, packer, unpacked
from portal.catalog.engines import tell_planner, writing
from portal.catalog.model import DatasetState
from portal.catalog.upserts import insert_or_update

ROWS_AT_ONCE = 5000
"""Written in one transaction of a rebuild, so that a harvest never waits long."""

_Item = TypeVar("_Item")


class AssessmentMoved(Exception):
    """Somebody else changed the assessment; what was worked out from the one before cannot be written."""


class Kind(StrEnum):
    """What datasets are put together by."""

    NATION = "nation"
    REGION = "region"
    DEPARTMENT = "department"
    PUBLISHER = "publisher"
    THEME = "theme"
    INSTITUTION = "institution"
    SOURCE = "source"


class Assessed(Struct, frozen=True, kw_only=True):
    """One dataset's verdicts and what it is counted under."""

    dataset_id: str
    source_id: str
    publisher_id: str | None = None
    department: str | None = None
    region: str | None = None
    institution_type: str | None = None
    themes: tuple[str, ...] = ()
    vector: bytes
    """One byte a question, in the order of the layout."""
    due: datetime | None = None
    """When a verdict may change although nothing was changed."""


class Rated(Struct, frozen=True):
    """A row with what follows from its verdicts: what is kept of days gone by has the verdicts alone."""

    row: Assessed
    quality: float | None
    """The dataset's own score by the first rule set, from 0 to 1; None where nothing is known of it."""


class State(Struct, frozen=True, kw_only=True):
    """What the assessment that is read was made of."""

    layout: str
    """A digest of the questions; another one means that the vectors cannot be read."""
    number: int
    """The last change that it followed."""
    day: datetime
    assessed: datetime
    """When the computer did it."""
    datasets: int
    links: int = 0
    """How far the states of addresses were followed: see ``Links.changed_datasets``."""
    counted: int = 0
    """How far it was followed which entries are one dataset: see ``Appearances.changed_datasets``."""
    versions: tuple[tuple[str, str], ...] = ()
    """Each rule set's id and version; of an assessment made before they were noted none."""
    rated: int = 0
    """When it took the place of the one before, by the numbers of ``Assessments.rated_since``; 0 of one made before
    qualities were kept."""


class Standing(Struct, frozen=True, kw_only=True):
    """One group's score under one rule set; what the figures mean: ``portal.scorecard.scoring.Score``."""

    rules: str
    kind: Kind
    code: str
    peers: str
    """Whom it is compared with; empty for what is not compared."""
    datasets: int
    point: float | None
    low: float
    high: float
    least: float
    most: float
    measured: float


class Ranks(Struct, frozen=True):
    """The places a group may take among its peers, the best and the worst that its bounds leave open."""

    best: int
    worst: int
    of: int


Totals: TypeAlias = tuple[Iterable[tuple[Kind, str, bytes]], Iterable[Standing], State]
"""The counts of every group, the standings, and what it was all made of."""

_COLUMNS: Mapping[Kind, str] = {
    Kind.REGION: "region",
    Kind.DEPARTMENT: "department",
    Kind.PUBLISHER: "publisher_id",
    Kind.INSTITUTION: "institution_type",
    Kind.SOURCE: "source_id",
}


_RATED = "rated"
"""The counter of ratings: one on with every transaction that gives a dataset another quality."""

_MADE_ANEW = (tables.assessment, tables.tally, tables.standing)


class Assessments:
    """The assessment in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def state(self) -> State | None:
        """What the assessment was made of; None before the first."""
        with self._engine.connect() as connection:
            return _state(connection)[1]

    def boundaries(self, size: int) -> list[str]:
        """The id of every ``size``-th dataset that is not retired, from the first on: where parts of a walk begin."""
        table = tables.dataset.c
        query = select(table.id).where(table.state != DatasetState.RETIRED).order_by(table.id)
        with self._engine.connect() as connection:
            found = connection.execution_options(yield_per=10_000).scalars(query)
            return [id for place, id in enumerate(found) if place % size == 0]

    def replace(
        self,
        rows: Iterable[Rated],
        finish: Callable[[], Totals],
    ) -> State:
        """Writes a whole assessment beside the one that is read, then lets it be read and clears the other away.

        ``finish`` is asked once all rows are written for the counts, the standings and the state. Raises
        AssessmentMoved when another rebuild that began later was done earlier: that one is read.
        """
        with writing(self._engine) as connection:
            generation = _reserve(connection)
            stood = _state(connection)
        for part in _batches(rows, ROWS_AT_ONCE):
            with writing(self._engine) as connection:
                kept = _rated_so_far(connection, *stood, part)
                values = [_values(one, generation, kept.get(one.row.dataset_id, 0)) for one in part]
                connection.execute(insert(tables.assessment), values)
        counts, standings, state = finish()
        pack = packer()
        for tallied in _batches(counts, ROWS_AT_ONCE):
            with writing(self._engine) as connection:
                connection.execute(insert(tables.tally), [_tally(one, generation, pack) for one in tallied])
        for several in _batches(standings, ROWS_AT_ONCE):
            with writing(self._engine) as connection:
                connection.execute(insert(tables.standing), [_standing_values(one, generation) for one in several])
        with writing(self._engine) as connection:
            read, before = _state(connection)
            overtaken = read > generation
            if not overtaken:
                _keep(connection, read, before, state)
                if read != stood[0]:
                    # Another rebuild was done meanwhile, so what its datasets were rated is not what was looked at.
                    anew = update(tables.assessment).where(tables.assessment.c.generation == generation)
                    connection.execute(anew.values(rated=0))
                state = msgspec.structs.replace(state, rated=_next_rating(connection))
                _set_state(connection, generation, state)
        with writing(self._engine) as connection:
            _clear(connection, generation, overtaken)
            tell_planner(connection, [table.name for table in _MADE_ANEW])
        if overtaken:
            raise AssessmentMoved("another process assessed everything meanwhile")
        return state

    def apply(
        self,
        rows: Sequence[Rated],
        removed: Sequence[str],
        counts: Sequence[tuple[Kind, str, bytes]],
        standings: Sequence[Standing],
        before: State,
        after: State,
    ) -> None:
        """Changes the assessment that is read, all or nothing. Counts and standings of empty groups stay, as zeros.

        Raises AssessmentMoved when it is no longer the one of ``before``, which all of this was worked out from.
        """
        pack = packer()
        with writing(self._engine) as connection:
            generation, found = _state(connection)
            if found != before:
                raise AssessmentMoved("another process assessed meanwhile")
            _keep(connection, generation, before, after)
            kept = _rated_so_far(connection, generation, before, rows)
            number = before.rated if len(kept) == len(rows) else _next_rating(connection)
            values = [_values(one, generation, kept.get(one.row.dataset_id, number)) for one in rows]
            _upsert(connection, tables.assessment, values)
            table = tables.assessment.c
            for part in in_parts(removed):
                connection.execute(
                    delete(tables.assessment).where(table.generation == generation, table.dataset_id.in_(part))
                )
            _upsert(connection, tables.tally, [_tally(one, generation, pack) for one in counts])
            _upsert(connection, tables.standing, [_standing_values(one, generation) for one in standings])
            _set_state(connection, generation, after)

    def rows(self, ids: Sequence[str]) -> dict[str, Assessed]:
        """The rows of those datasets that were assessed."""
        table = tables.assessment
        with self._engine.connect() as connection:
            generation = _state(connection)[0]
            return {
                row.dataset_id: _assessed(row)
                for part in in_parts(ids)
                for row in connection.execute(
                    select(table).where(table.c.generation == generation, table.c.dataset_id.in_(part))
                )
            }

    def qualities(self, ids: Sequence[str]) -> dict[str, float]:
        """The quality, from 0 to 1, of those datasets that have one."""
        table = tables.assessment.c
        with self._engine.connect() as connection:
            generation = _state(connection)[0]
            return {
                row.dataset_id: row.quality
                for part in in_parts(ids)
                for row in connection.execute(
                    select(table.dataset_id, table.quality).where(
                        table.generation == generation, table.dataset_id.in_(part), table.quality.is_not(None)
                    )
                )
            }

    def rated_since(self, since: int = 0) -> tuple[list[str], int]:
        """The datasets that came to have another quality since a number, and the newest number."""
        table = tables.assessment.c
        # The number is read first: what changes in between is told again, never left out.
        with self._engine.connect() as connection:
            newest = counted(connection, _RATED)
            generation, state = _state(connection)
            if state is None or newest <= since:
                return [], newest
            moved = table.rated > since
            if state.rated > since:
                moved |= table.rated == 0
            query = select(table.dataset_id).where(table.generation == generation, moved).order_by(table.dataset_id)
            return list(connection.scalars(query)), newest

    def newest_rating(self) -> int:
        """The newest number of ``rated_since``."""
        with self._engine.connect() as connection:
            return counted(connection, _RATED)

    def walk(self) -> Iterator[Assessed]:
        """Every row, by dataset id."""
        last = ""
        while part := self.listing(Kind.NATION, "", after=last, limit=ROWS_AT_ONCE):
            yield from part
            last = part[-1].dataset_id

    def due(self, day: datetime) -> list[str]:
        """The datasets with a verdict that may have changed by that day although nothing was changed."""
        table = tables.assessment.c
        with self._engine.connect() as connection:
            query = select(table.dataset_id).where(table.generation == _state(connection)[0], table.due < day)
            return list(connection.scalars(query.order_by(table.dataset_id)))

    def tallies(self, groups: Sequence[tuple[Kind, str]]) -> dict[tuple[Kind, str], bytes]:
        """The counts of those groups that have any."""
        by_kind: dict[Kind, list[str]] = {}
        for kind, code in groups:
            by_kind.setdefault(kind, []).append(code)
        table = tables.tally.c
        with self._engine.connect() as connection:
            generation = _state(connection)[0]
            return {
                (kind, row.code): unpacked(row.counts)
                for kind, codes in by_kind.items()
                for part in in_parts(codes)
                for row in connection.execute(
                    select(table.code, table.counts).where(
                        table.generation == generation, table.kind == kind, table.code.in_(part)
                    )
                )
            }

    def standing(self, rules: str, kind: Kind, code: str) -> Standing | None:
        """One group's standing; None for a group without datasets."""
        table = tables.standing
        with self._engine.connect() as connection:
            query = select(table).where(
                table.c.generation == _state(connection)[0],
                table.c.rules == rules,
                table.c.kind == kind,
                table.c.code == code,
            )
            row = connection.execute(query).one_or_none()
        return None if row is None or not row.datasets else standing_of(row)

    def standings(self, rules: str, kind: Kind, peers: str | None = None, *, limit: int | None = None) -> list[Standing]:
        """The standings of a kind, or of those who are compared with one another, best first."""
        table = tables.standing
        with self._engine.connect() as connection:
            wanted: list[ColumnElement[bool]] = [
                table.c.generation == _state(connection)[0],
                table.c.rules == rules,
                table.c.kind == kind,
                table.c.datasets > 0,
            ]
            if peers is not None:
                wanted.append(table.c.peers == peers)
            order = (table.c.point.desc().nulls_last(), table.c.code)
            query = select(table).where(*wanted).order_by(*order).limit(limit)
            return [standing_of(row) for row in connection.execute(query)]

    def standings_of(self, rules: str, kind: Kind, codes: Sequence[str]) -> list[Standing]:
        """The standings of those groups of a kind that have datasets, best first."""
        table = tables.standing
        with self._engine.connect() as connection:
            generation = _state(connection)[0]
            found = [
                standing_of(row)
                for part in in_parts(codes)
                for row in connection.execute(
                    select(table).where(
                        table.c.generation == generation,
                        table.c.rules == rules,
                        table.c.kind == kind,
                        table.c.code.in_(part),
                        table.c.datasets > 0,
                    )
                )
            ]
        return sorted(found, key=lambda one: (one.point is None, -(one.point or 0), one.code))

    def peer_groups(self, rules: str) -> dict[tuple[Kind, str], int]:
        """Everyone who is compared with one another, by kind and peers, and how many they are."""
        table = tables.standing.c
        with self._engine.connect() as connection:
            query = (
                select(table.kind, table.peers, func.count())
                .where(table.generation == _state(connection)[0], table.rules == rules, table.datasets > 0)
                .group_by(table.kind, table.peers)
            )
            return {(Kind(kind), peers): count for kind, peers, count in connection.execute(query)}

    def ranks(self, standing: Standing) -> Ranks:
        """The places a group may take among its peers: who is surely better is before it, who surely worse behind."""
        table = tables.standing.c
        with self._engine.connect() as connection:
            peers = (
                table.generation == _state(connection)[0],
                table.rules == standing.rules,
                table.kind == standing.kind,
                table.peers == standing.peers,
                table.datasets > 0,
            )
            all_of_them = connection.scalar(select(func.count()).where(*peers)) or 0
            better = connection.scalar(select(func.count()).where(*peers, table.least > standing.most)) or 0
            worse = connection.scalar(select(func.count()).where(*peers, table.most < standing.least)) or 0
        return Ranks(best=better + 1, worst=all_of_them - worse, of=all_of_them)

    def listing(
        self,
        kind: Kind,
        codes: str | Sequence[str],
        *,
        question: int | None = None,
        verdicts: Sequence[int] = (),
        after: str = "",
        start: int = 0,
        limit: int = 50,
    ) -> list[Assessed]:
        """The rows of a group by dataset id, those after ``after``, without the first ``start`` of them.

        A region is given with all that lies in it.

        With ``question`` only those whose byte there is one of ``verdicts``.
        """
        table = tables.assessment
        with self._engine.connect() as connection:
            generation = _state(connection)[0]
            wanted = [table.c.generation == generation, _members(kind, codes, generation, after)]
            if question is not None:
                # The only arithmetic on bytes that both databases have: a part of the vector, compared.
                byte = func.substr(table.c.vector, question + 1, 1)
                wanted.append(byte.in_([bytes((verdict,)) for verdict in verdicts]))
            query = select(table).where(*wanted).order_by(table.c.dataset_id).offset(start).limit(limit)
            return [_assessed(row) for row in connection.execute(query)]


def _members(kind: Kind, codes: str | Sequence[str], generation: int, after: str) -> ColumnElement[bool]:
    """Whether a dataset belongs to a group and comes after another."""
    several = [codes] if isinstance(codes, str) else list(codes)
    columns = tables.assessment.c
    later = columns.dataset_id > after
    if kind is Kind.NATION:
        return later
    if kind is Kind.THEME:
        return later & columns.themes.contains(f"|{several[0]}|", autoescape=True)
    if len(several) == 1:
        return later & (columns[_COLUMNS[kind]] == several[0])
    # An index gives those of several codes in no order by id, and to have them in order SQLite would go through all there
    # are for the few of a small region. The ids by themselves come from that index, and sorting them costs little.
    own = tables.assessment.alias().c
    ids = select(own.dataset_id).where(
        own.generation == generation, own.dataset_id > after, own[_COLUMNS[kind]].in_(several)
    )
    return columns.dataset_id.in_(ids)


def _state(connection: Connection) -> tuple[int, State | None]:
    row = connection.execute(select(tables.scorecard_state).where(tables.scorecard_state.c.name == "current")).one_or_none()
    return (0, None) if row is None else (row.generation, _decode_state(row.document))


_decode_state = msgspec.json.Decoder(State).decode


def _set_state(connection: Connection, generation: int, state: State) -> None:
    _upsert(
        connection,
        tables.scorecard_state,
        [{"name": "current", "generation": generation, "document": encode(state)}],
    )


def _keep(connection: Connection, generation: int, before: State | None, after: State) -> None:
    """Keeps the standings of a day that is over, before those of another take their place."""
    if before is not None and before.day < after.day:
        trends.keep(
            connection, generation, before.day.date(), after.day.date(), before.versions, always=Kind.NATION.value
        )


def _rated_so_far(
    connection: Connection, generation: int, state: State | None, rows: Sequence[Rated]
) -> dict[str, int]:
    """Of those rows whose quality is what it was: when it came to be so."""
    if state is None:
        return {}
    wanted = {one.row.dataset_id: one.quality for one in rows}
    table = tables.assessment.c
    return {
        row.dataset_id: row.rated or state.rated
        for part in in_parts(list(wanted))
        for row in connection.execute(
            select(table.dataset_id, table.quality, table.rated).where(
                table.generation == generation, table.dataset_id.in_(part)
            )
        )
        if row.quality == wanted[row.dataset_id]
    }


def _next_rating(connection: Connection) -> int:
    count_on(connection, _RATED, 1)
    return counted(connection, _RATED)


def _reserve(connection: Connection) -> int:
    """A generation that no other rebuild writes, and none that was killed has written."""
    begun = select(tables.scorecard_state.c.generation).where(tables.scorecard_state.c.name == "begun")
    generation = max(_state(connection)[0], connection.scalar(begun) or 0) + 1
    _upsert(connection, tables.scorecard_state, [{"name": "begun", "generation": generation, "document": b"{}"}])
    return generation


def _clear(connection: Connection, generation: int, itself: bool) -> None:
    """Takes away a generation, or else all before it: the one that was read, and what killed rebuilds left behind."""
    for table in _MADE_ANEW:
        of = table.c.generation
        connection.execute(delete(table).where(of == generation if itself else of < generation))


def _upsert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert_or_update(table, connection)
    keys = [column.name for column in table.primary_key]
    given = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=given), rows)


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _values(one: Rated, generation: int, rated: int) -> dict[str, Any]:
    row = one.row
    return {
        "generation": generation,
        "dataset_id": row.dataset_id,
        "source_id": row.source_id,
        "publisher_id": row.publisher_id,
        "department": row.department,
        "region": row.region,
        "institution_type": row.institution_type,
        "themes": f"|{'|'.join(row.themes)}|" if row.themes else "",
        "vector": row.vector,
        "due": row.due,
        "quality": one.quality,
        "rated": rated,
    }


def _assessed(row: Row[Any]) -> Assessed:
    return Assessed(
        dataset_id=row.dataset_id,
        source_id=row.source_id,
        publisher_id=row.publisher_id,
        department=row.department,
        region=row.region,
        institution_type=row.institution_type,
        themes=tuple(filter(None, row.themes.split("|"))),
        vector=row.vector,
        due=row.due,
    )


def _tally(one: tuple[Kind, str, bytes], generation: int, pack: Any) -> dict[str, Any]:
    kind, code, counts = one
    return {"generation": generation, "kind": kind.value, "code": code, "counts": pack(counts)}


def _standing_values(standing: Standing, generation: int) -> dict[str, Any]:
    values = msgspec.structs.asdict(standing)
    return {**values, "kind": standing.kind.value, "generation": generation}


def standing_of(row: Row[Any]) -> Standing:
    """A standing from a row of its table, or of that of frozen ones."""
    return Standing(
        rules=row.rules,
        kind=Kind(row.kind),
        code=row.code,
        peers=row.peers,
        datasets=row.datasets,
        point=row.point,
        low=row.low,
        high=row.high,
        least=row.least,
        most=row.most,
        measured=row.measured,
    )
