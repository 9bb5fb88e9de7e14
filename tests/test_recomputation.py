"""An assessment as of a day is the same on the morning after and ever after, whatever happens in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import msgspec
import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.link_answers import Answer
from harvester.link_states import judged
from portal.catalog.appearances import Appearance
from portal.catalog.counting import LEASE
from portal.catalog.links import Settled
from portal.catalog.model import Distribution, LinkState, Outcome, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import periods
from portal.scorecard.assess import standard_layout
from portal.scorecard.drafts import drafted
from portal.scorecard.periods import Manifest, manifest_for
from portal.scorecard.snapshots import Snapshot, as_of
from portal.scorecard.verdicts import Verdict
from tests.catalogs import SOURCE, postgresql_database, postgresql_runs
from tests.fixtures import needs
from tests.portal.scorecard.test_assess import PROVINCE, new

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)

FOUND = Answer(status=200, media_type="text/csv")
EMPTY = Answer(status=416)
MISSING = Answer(cause="link.not-found", status=404)
A_PAGE = Answer(cause="link.page-not-file", status=200)
REFUSED = Answer(cause="link.refused", status=403)
SILENT = Answer(cause="link.silent")
ANSWERS = (FOUND, FOUND, EMPTY, MISSING, A_PAGE, REFUSED, SILENT)

CITY_ID, OTHER_ID, PROVINCE_ID = "hang000000000001", "hang000000000002", "zhej000000000001"


def giving(key: str, *hosts: str, source: Source = SOURCE, **changes: object) -> NewRecord:
    """A dataset with one CSV file at each host."""
    files = tuple(
        Distribution(id=host, download_url=f"https://{host}.example/{host}.csv", format="csv", size_bytes=9)
        for host in hosts
    )
    return new(key, source=source, distributions=files, **changes)


def harvested(catalog: Catalog, at: datetime, records: Sequence[NewRecord], source: Source = SOURCE) -> None:
    """A harvest that brings records and ends well; its links are followed."""
    with time_machine.travel(at, tick=False):
        catalog.sources.put(source)
        lease = catalog.sources.lease(source.id, "test")
        run = catalog.runs.start(source.id, RunMode.FULL, "test")
        with catalog.transaction(lease, run.id) as transaction:
            transaction.put(records)
        catalog.runs.save(msgspec.structs.replace(run, finished=at, outcome=Outcome.COMPLETE))
        catalog.sources.release(lease)
        catalog.links.catch_up()


def left(catalog: Catalog, at: datetime, id: str) -> None:
    """A dataset is taken away by its portal."""
    with time_machine.travel(at, tick=False):
        lease = catalog.sources.lease(SOURCE.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.retire([id], "withdrawn")
        catalog.sources.release(lease)
        catalog.links.catch_up()


def asked(catalog: Catalog, at: datetime, answers: Mapping[str, Answer] | Sequence[Answer]) -> int:
    """What is due is asked for once, and answers by its host, or one answer after the other; how many were asked."""
    claims = catalog.links.claim(9, at, host_s=1, address_s=1).claims
    settled = []
    for place, claim in enumerate(claims):
        host = claim.address.host.partition(".")[0]
        answer = answers[host] if isinstance(answers, Mapping) else answers[place % len(answers)]
        found = judged(claim.address, answer, at, every_days=14)
        settled.append(
            Settled(
                address=claim.address, link=found.link, failing=found.failing, due=found.due,
                host_free=at, host_failures=0, host_answered=True,
            )
        )
    catalog.links.settle(settled, at)
    return len(claims)


def counted(catalog: Catalog, at: datetime, copies: Mapping[str, str]) -> None:
    """Entries are counted as another one, all others of the three as themselves."""
    with time_machine.travel(at, tick=False):
        lease = catalog.sources.lease(LEASE, "test")
        found = [
            Appearance(dataset_id=copy, canonical_id=original, reason="operator", beside=original)
            for copy, original in copies.items()
        ]
        catalog.counting.link(lease, [CITY_ID, OTHER_ID, PROVINCE_ID], found)
        catalog.sources.release(lease)


def told(catalog: Catalog, day: date) -> Manifest:
    """What a period that ended on a day would say of itself, assessed now."""
    with drafted(catalog, day, standard_layout()) as draft:
        return manifest_for("any", draft)


def morning_after(catalog: Catalog, day: date) -> Manifest:
    with time_machine.travel(datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=1), tick=False):
        return told(catalog, day)


def noon(day: int) -> datetime:
    """Noon of a day of the story."""
    return BEGAN + timedelta(days=day, hours=12)


YEAR: tuple[tuple[int, Mapping[str, Answer]], ...] = (
    (3, {"a": FOUND, "b": MISSING}),
    (17, {"a": FOUND, "b": MISSING}),
    (31, {"a": FOUND, "b": MISSING}),
    (45, {"a": REFUSED, "b": FOUND}),
    (60, {"a": SILENT, "b": A_PAGE}),
    (75, {"a": FOUND, "b": A_PAGE}),
    (90, {"a": FOUND, "b": A_PAGE}),
    (140, {"a": FOUND, "b": A_PAGE}),
    (160, {"a": FOUND, "b": A_PAGE}),
    (180, {"a": EMPTY, "b": FOUND}),
    (200, {"a": EMPTY, "b": FOUND}),
    (330, {"a": FOUND, "b": FOUND}),
)
"""Which day two addresses are asked, and what they answer. From day 90 to 140 nobody asks, nor from 200 to 330."""

HAPPENINGS_OF_THE_YEAR = (
    (0, "begin"), (20, "copy"), (50, "leave"), (70, "apart"), (100, "return"), (110, "dated"), (112, "dated"), (114, "dated"),
    (190, "changed"),
)

SEEN = (
    0, 2, 3, 10, 16, 17, 30, 31, 44, 45, 59, 60, 61, 74, 75, 90, 109, 110, 111, 112, 113, 135, 136, 139, 140, 160, 180, 199,
    200, 245, 246, 329,
)
"""The days whose assessment is kept on the morning after."""


def a_year(catalog: Catalog) -> dict[int, Manifest]:
    """Lives through a year; what was told of each day that was seen, on its morning after."""
    todo: dict[int, list[tuple[str, object]]] = {}
    for day, answers in YEAR:
        todo.setdefault(day, []).append(("asked", answers))
    for day, what in HAPPENINGS_OF_THE_YEAR:
        todo.setdefault(day, []).append((what, None))
    seen: dict[int, Manifest] = {}
    for day in range(331):
        for what, answers in todo.get(day, ()):
            if what == "begin":
                harvested(catalog, noon(day), [giving("1", "a", "b"), giving("2", "b", modified=BEGAN)])
                harvested(catalog, noon(day), [giving("1", "a", source=PROVINCE)], PROVINCE)
            elif what == "copy":
                counted(catalog, noon(day), {PROVINCE_ID: CITY_ID})
            elif what == "apart":
                counted(catalog, noon(day), {OTHER_ID: CITY_ID})
            elif what == "leave":
                left(catalog, noon(day), OTHER_ID)
            elif what == "return":
                harvested(catalog, noon(day), [giving("2", "b", modified=BEGAN)])
            elif what == "dated":
                harvested(catalog, noon(day), [giving("2", "b", modified=noon(day))])
            elif what == "changed":
                harvested(catalog, noon(day), [giving("1", "a", licence=None, licence_raw=None)])
            else:
                assert asked(catalog, noon(day), answers) > 0  # type: ignore[arg-type]
        if day in SEEN:
            seen[day] = morning_after(catalog, (BEGAN + timedelta(days=day)).date())
    return seen


def test_a_day_assessed_a_year_later_has_the_bytes_of_its_morning_after(any_catalog: Catalog) -> None:
    seen = a_year(any_catalog)
    assert len({one.evidence_sha256 for one in seen.values()}) > 12, "the story must move"
    with time_machine.travel(BEGAN + timedelta(days=700)):
        again = {day: told(any_catalog, (BEGAN + timedelta(days=day)).date()) for day in seen}
    assert again == seen


@pytest.mark.slow
@needs("postgresql", postgresql_runs(), "no PostgreSQL answers on 127.0.0.1:5432")
def test_both_databases_give_the_same_bytes(catalog: Catalog) -> None:
    with postgresql_database() as url:
        other = Catalog(url)
        other.upgrade()
        assert a_year(other) == a_year(catalog)
        other.close()


def at_reachable(snapshot: Snapshot, id: str = CITY_ID) -> Verdict:
    (row,) = [row for row in snapshot.rows if row.dataset_id == id]
    return Verdict(row.vector[snapshot.layout.place("national", "reachable")])


def test_what_was_seen_of_an_address_is_told_of_each_day_as_it_was_seen_then(catalog: Catalog) -> None:
    harvested(catalog, noon(0), [giving("1", "a")])
    for day, answer in ((5, FOUND), (25, MISSING), (33, MISSING), (41, MISSING), (60, FOUND), (140, FOUND)):
        assert asked(catalog, noon(day), [answer]) == 1
    days = {
        4: Verdict.UNKNOWN, 5: Verdict.PASS, 24: Verdict.PASS, 25: Verdict.PASSED_BEFORE, 40: Verdict.PASSED_BEFORE,
        41: Verdict.FAIL, 59: Verdict.FAIL, 60: Verdict.PASS, 105: Verdict.PASS, 106: Verdict.PASSED_BEFORE,
        139: Verdict.PASSED_BEFORE, 140: Verdict.PASS,
    }
    found = {
        day: at_reachable(as_of(catalog, (BEGAN + timedelta(days=day)).date(), standard_layout())) for day in days
    }
    assert found == days


def test_what_was_a_copy_of_another_is_so_of_each_day_as_it_was_found_then(catalog: Catalog) -> None:
    harvested(catalog, noon(0), [giving("1", "a")])
    harvested(catalog, noon(0), [giving("1", "a", source=PROVINCE)], PROVINCE)
    counted(catalog, noon(10), {PROVINCE_ID: CITY_ID})
    counted(catalog, noon(20), {CITY_ID: PROVINCE_ID})
    counted(catalog, noon(30), {})
    copy = standard_layout().flag("copy")
    found = {
        day: [
            row.dataset_id
            for row in as_of(catalog, (BEGAN + timedelta(days=day)).date(), standard_layout()).rows
            if row.vector[copy] == Verdict.PASS
        ]
        for day in (9, 10, 19, 20, 29, 30, 99)
    }
    assert found == {9: [], 10: [PROVINCE_ID], 19: [PROVINCE_ID], 20: [CITY_ID], 29: [CITY_ID], 30: [], 99: []}


def test_a_frozen_period_is_assessed_again_with_the_same_hashes_and_a_deletion_shows(catalog: Catalog) -> None:
    harvested(catalog, noon(0), [giving("1", "a", "b"), giving("2", "b")])
    asked(catalog, noon(170), {"a": FOUND, "b": MISSING})
    frozen = periods.freeze(catalog, "2025H1", "a key", now=datetime(2025, 7, 1, 2, tzinfo=UTC))
    asked(catalog, noon(190), {"a": MISSING, "b": FOUND})
    harvested(catalog, noon(190), [giving("1", "a", rows=0)])
    counted(catalog, noon(191), {OTHER_ID: CITY_ID})
    assert periods.recomputed(catalog, "2025H1") == frozen
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM link_past")
    assert periods.recomputed(catalog, "2025H1").evidence_sha256 != frozen.evidence_sha256


Happening: TypeAlias = tuple[object, ...]

_KEYS = st.sampled_from(("1", "2"))
_HOSTS = st.lists(st.sampled_from("abc"), unique=True, max_size=3)
_IDS = st.sampled_from((CITY_ID, OTHER_ID, PROVINCE_ID))
_CHANGES = st.sampled_from(({}, {"rows": 0}, {"licence": None, "licence_raw": None}))
_PASSING = st.sampled_from((1, 1, 3, 4, 7, 15, 30, 45, 46, 47, 60))
HAPPENINGS = st.one_of(
    st.tuples(st.just("harvested"), _KEYS, _HOSTS, _CHANGES),
    st.tuples(st.just("dated"), _KEYS, st.integers(-400, 0)),
    st.tuples(st.just("failed")),
    st.tuples(st.just("left"), st.sampled_from((CITY_ID, OTHER_ID))),
    st.tuples(st.just("asked"), st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3)),
    st.tuples(st.just("asked"), st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3)),
    st.tuples(st.just("copy"), _IDS, _IDS),
    st.tuples(st.just("alone")),
)
DAYS = st.lists(st.tuples(st.lists(HAPPENINGS, max_size=3), _PASSING), max_size=14)


def live(catalog: Catalog, days: Sequence[tuple[Sequence[Happening], int]]) -> dict[date, Manifest]:
    """Lets happen what is to happen, day after day; what was told of days on their mornings after."""
    harvested(catalog, BEGAN, [giving("1", "a", "b"), giving("2", "c")])
    harvested(catalog, BEGAN, [giving("1", "a", source=PROVINCE)], PROVINCE)
    seen: dict[date, Manifest] = {}
    now = BEGAN
    for happenings, passing in days:
        for hour, happening in enumerate(happenings, 9):
            happens(catalog, now.replace(hour=hour), happening)
        for ahead in sorted({0, passing // 2, passing - 1}):
            day = (now + timedelta(days=ahead)).date()
            seen[day] = morning_after(catalog, day)
        now += timedelta(days=passing)
    return seen


def happens(catalog: Catalog, at: datetime, happening: Happening) -> None:
    what, *rest = happening
    if what == "harvested":
        key, hosts, changes = rest
        harvested(catalog, at, [giving(key, *hosts, **changes)])  # type: ignore[arg-type,misc,dict-item]
    elif what == "dated":
        key, days = rest
        harvested(catalog, at, [giving(str(key), "a", modified=at + timedelta(days=days))])  # type: ignore[arg-type]
    elif what == "failed":
        run = catalog.runs.start(SOURCE.id, RunMode.FULL, "test")
        catalog.runs.save(msgspec.structs.replace(run, finished=at, outcome=Outcome.FAILED))
    elif what == "left":
        left(catalog, at, str(rest[0]))
    elif what == "asked":
        asked(catalog, at, rest[0])  # type: ignore[arg-type]
    else:
        copies = {str(rest[0]): str(rest[1])} if what == "copy" and rest[0] != rest[1] else {}
        counted(catalog, at, copies)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(DAYS)
def test_whatever_happens_no_day_gone_by_is_assessed_otherwise_than_on_its_morning_after(
    days: list[tuple[list[Happening], int]],
) -> None:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    seen = live(catalog, days)
    with time_machine.travel(BEGAN + timedelta(days=2000)):
        assert {day: told(catalog, day) for day in seen} == seen
    catalog.close()


@pytest.mark.slow
@needs("postgresql", postgresql_runs(), "no PostgreSQL answers on 127.0.0.1:5432")
@settings(max_examples=10, deadline=None)
@given(DAYS)
def test_so_it_is_on_postgresql(days: list[tuple[list[Happening], int]]) -> None:
    with postgresql_database() as url:
        catalog = Catalog(url)
        catalog.upgrade()
        seen = live(catalog, days)
        with time_machine.travel(BEGAN + timedelta(days=2000)):
            assert {day: told(catalog, day) for day in seen} == seen
        catalog.close()


def test_rechecks_that_tell_the_same_keep_nothing(catalog: Catalog) -> None:
    harvested(catalog, noon(0), [giving("1", "a", "b")])
    for day in range(1, 200, 20):
        assert asked(catalog, noon(day), [FOUND]) == 2
    with catalog.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM link_past").scalar() == 0
    asked(catalog, noon(260), [MISSING])
    with catalog.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM link_past").scalar() == 2
    assert {link.state for link in catalog.links.known(["https://a.example/a.csv"]).values()} == {LinkState.UNKNOWN}
