"""The assessment follows the catalogue: from nothing, after changes, by the day, and as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace
from sqlalchemy import update

from portal.catalog import tables
from portal.catalog.appearances import Appearance
from portal.catalog.assessments import AssessmentMoved, Kind, Rated
from portal.catalog.counting import LEASE
from portal.catalog.documents import encode
from portal.catalog.engines import writing
from portal.catalog.model import Dataset, Link, LinkState, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import assess, scoring, snapshots
from portal.scorecard.assess import Links, Originals, Ways, catch_up, rebuild, standard_layout
from portal.scorecard.groups import NATION, Group
from portal.scorecard.verdicts import Verdict
from tests.catalogs import SOURCE, filled, postgresql_database, postgresql_runs, record
from tests.fixtures import needs
from tests.portal.catalog.test_links import claimed, settle
from tests.portal.scorecard.samples import DAY, FILE, PAGE, link, whole, working

PROVINCE = Source(id="zhejiang", title="浙江省公共数据开放平台", kind="ckan", url="http://127.0.0.1/z", region="330000")


def new(key: str, source: Source = SOURCE, **changes: Any) -> NewRecord:
    """A record of ``whole()`` with changes, under its own key."""
    fields = asdict(whole(**changes))
    given = {name: value for name, value in fields.items() if name not in ("id", "source_id", "source_key")}
    return record(key, source=source, **given)


def working_links(catalog: Catalog) -> Links:
    def known(urls: Sequence[str]) -> Mapping[str, Link]:
        return {url: found for url, found in working().items() if url in urls}

    return known


WORKING = Ways(links=working_links)


def everything(catalog: Catalog) -> tuple[Any, ...]:
    """All that is derived, to compare two ways to it."""
    rows = list(catalog.assessments.walk())
    groups: list[Group] = sorted({group for row in rows for group in assess.groups_of(row)})
    standings = [catalog.assessments.standing("national", *group) for group in groups]
    return rows, catalog.assessments.tallies(groups), standings


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs("postgresql", postgresql_runs(), "no PostgreSQL"))])
def any_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database that several processes can open, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'c.db'}"
        return
    with postgresql_database() as address:
        yield address


@pytest.fixture
def town(catalog: Catalog) -> Iterator[Catalog]:
    """Three datasets: one that lacks nothing, one without a licence, one that says nothing at all."""
    unlicensed = {"licence": None, "licence_raw": None, "distributions": ()}
    filled(catalog, new("1"), new("2", **unlicensed), record("3"))
    yield catalog


def test_everything_is_assessed_and_counted_under_all_its_groups(town: Catalog) -> None:
    state = rebuild(town, WORKING, now=DAY)
    assert state.datasets == 3
    counts = {
        (kind, code): town.assessments.standing("national", kind, code)
        for kind, code in [
            NATION,
            (Kind.REGION, "330100"),
            (Kind.REGION, "330000"),
            (Kind.DEPARTMENT, "330100.transport"),
            (Kind.PUBLISHER, "hz-transport"),
            (Kind.THEME, "transport"),
            (Kind.INSTITUTION, "government_department"),
            (Kind.INSTITUTION, "unknown"),
            (Kind.SOURCE, "hangzhou"),
        ]
    }
    assert [found and found.datasets for found in counts.values()] == [3, 2, 2, 2, 2, 2, 2, 1, 3]


def test_the_datasets_behind_a_number_are_listed_page_by_page(town: Catalog) -> None:
    rebuild(town, WORKING, now=DAY)
    place = standard_layout().place("national", "licence")
    fails = town.assessments.listing(*NATION, question=place, verdicts=(Verdict.FAIL,))
    assert [row.dataset_id for row in fails] == ["hang000000000002", "hang000000000003"]
    following = town.assessments.listing(
        *NATION, question=place, verdicts=(Verdict.FAIL,), after=fails[0].dataset_id, limit=1
    )
    assert [row.dataset_id for row in following] == ["hang000000000003"]
    for kind, code in [(Kind.THEME, "transport"), (Kind.REGION, "330100"), (Kind.DEPARTMENT, "330100.transport")]:
        assert len(town.assessments.listing(kind, code)) == 2


def test_after_a_change_it_is_what_it_would_be_from_nothing(any_catalog: Catalog) -> None:
    filled(any_catalog, new("1"), new("2", licence=None, licence_raw=None), record("3"))
    rebuild(any_catalog, WORKING, now=DAY)
    filled(any_catalog, new("1", rows=0), new("2", region="330200"), new("4", themes=("health", "transport")))
    assert catch_up(any_catalog, WORKING, now=DAY) == 3
    followed = everything(any_catalog)
    rebuild(any_catalog, WORKING, now=DAY)
    assert everything(any_catalog) == followed


def test_what_came_to_have_another_quality_is_told_after_a_change_and_after_a_rebuild(any_catalog: Catalog) -> None:
    assessments = any_catalog.assessments
    one, two, three = (f"hang00000000000{number}" for number in "123")
    filled(any_catalog, new("1"), new("2"))
    assert assessments.rated_since() == ([], 0)
    rebuild(any_catalog, WORKING, now=DAY)
    told, first = assessments.rated_since()
    assert told == [one, two] and first == assessments.newest_rating()
    filled(any_catalog, new("1", title="另一个标题"), new("2", distributions=()), new("3"))
    catch_up(any_catalog, WORKING, now=DAY)
    told, second = assessments.rated_since(first)
    assert told == [two, three] and second > first
    rebuild(any_catalog, WORKING, now=DAY)
    # From nothing it comes to the same, so there is nothing to tell but the number.
    assert assessments.rated_since(second) == ([], assessments.newest_rating())
    assert assessments.rated_since(first)[0] == [two, three]
    assert assessments.rated_since()[0] == [one, two, three]


def test_of_two_rebuilds_at_once_the_later_tells_everything_again(any_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog, other = Catalog(any_file), Catalog(any_file)
    catalog.upgrade()
    filled(catalog, new("1"), new("2"))
    rebuild(catalog, WORKING, now=DAY)
    begun, may_end = Event(), Event()

    def wait(count: int) -> None:
        begun.set()
        assert may_end.wait(30)

    earlier = Thread(target=rebuild, args=(other, WORKING), kwargs={"now": DAY, "progress": wait})
    earlier.start()
    assert begun.wait(30)

    def let_the_earlier_end(count: int) -> None:
        may_end.set()
        earlier.join(30)

    _, before = catalog.assessments.rated_since()
    rebuild(catalog, WORKING, now=DAY, progress=let_the_earlier_end)
    # It looked at what the first of all had rated, while the index may have followed the one in between.
    assert catalog.assessments.rated_since(before)[0] == ["hang000000000001", "hang000000000002"]
    catalog.close()
    other.close()


def test_an_assessment_made_before_there_were_qualities_is_made_anew(town: Catalog) -> None:
    rebuild(town, WORKING, now=DAY)
    state = town.assessments.state()
    assert state is not None
    with writing(town.engine) as connection:
        stands = update(tables.scorecard_state).where(tables.scorecard_state.c.name == "current")
        connection.execute(stands.values(document=encode(replace(state, rated=0))))
        connection.execute(update(tables.assessment).values(quality=None, rated=0))
    assert catch_up(town, WORKING, now=DAY) == 3
    assert town.assessments.qualities(["hang000000000001"]) == {"hang000000000001": 1}


def test_a_retired_dataset_leaves_all_counts(town: Catalog) -> None:
    rebuild(town, WORKING, now=DAY)
    lease = town.sources.lease(SOURCE.id, "test")
    with town.transaction(lease, None) as transaction:
        transaction.retire(["hang000000000001", "hang000000000002"], "withdrawn")
    town.sources.release(lease)
    catch_up(town, WORKING, now=DAY)
    assert town.assessments.standing("national", Kind.DEPARTMENT, "330100.transport") is None
    nation = town.assessments.standing("national", *NATION)
    assert nation is not None and nation.datasets == 1


def test_nothing_changed_looks_at_nothing(town: Catalog) -> None:
    rebuild(town, WORKING, now=DAY)
    assert catch_up(town, WORKING, now=DAY + timedelta(hours=5)) == 0


def test_the_day_finds_only_those_whose_verdict_may_turn(catalog: Catalog) -> None:
    # Of 1 June both. udata lets a month pass and a day: until 2 July 10:33. Ours, a month and a tenth: until 5 July.
    filled(catalog, new("1"), new("2", frequency="irregular"))
    rebuild(catalog, now=DAY)
    assert catch_up(catalog, now=datetime(2026, 7, 2, 23, tzinfo=UTC)) == 0
    assert catch_up(catalog, now=datetime(2026, 7, 3, 1, tzinfo=UTC)) == 1
    places = [
        standard_layout().place(*question) for question in (("udata", "update_fulfilled_in_time"), ("national", "on_time"))
    ]
    row = catalog.assessments.rows(["hang000000000001"])["hang000000000001"]
    assert [row.vector[place] for place in places] == [Verdict.FAIL, Verdict.PASS]
    assert catch_up(catalog, now=datetime(2026, 7, 5, 23, tzinfo=UTC)) == 0
    assert catch_up(catalog, now=datetime(2026, 7, 6, 1, tzinfo=UTC)) == 1
    row = catalog.assessments.rows(["hang000000000001"])["hang000000000001"]
    assert [row.vector[place] for place in places] == [Verdict.FAIL, Verdict.FAIL]


def test_an_address_that_answered_is_followed_once(town: Catalog) -> None:
    rebuild(town, now=DAY)
    town.links.catch_up()
    while addresses := claimed(town, DAY):
        settle(town, addresses, now=DAY)
    assert catch_up(town, now=DAY) == 1
    place = standard_layout().place("national", "reachable")
    assert town.assessments.rows(["hang000000000001"])["hang000000000001"].vector[place] == Verdict.PASS
    assert catch_up(town, now=DAY) == 0
    followed = everything(town)
    rebuild(town, now=DAY)
    assert everything(town) == followed


def test_a_dataset_found_to_be_a_copy_counts_no_more_and_again_when_it_is_none(town: Catalog) -> None:
    first, second = "hang000000000001", "hang000000000002"
    rebuild(town, now=DAY)
    alone = everything(town)
    lease = town.sources.lease(LEASE, "test")
    town.counting.link(
        lease, [first, second], [Appearance(dataset_id=second, canonical_id=first, reason="department", beside=first)]
    )
    assert catch_up(town, now=DAY) == 1
    row = town.assessments.rows([second])[second]
    assert row.vector[standard_layout().place("national", "licence")] == Verdict.NOT_APPLICABLE
    assert catch_up(town, now=DAY) == 0
    town.counting.link(lease, [first, second], [])
    assert catch_up(town, now=DAY) == 1
    assert everything(town) == alone


def test_an_assessment_by_other_rules_is_made_from_nothing(town: Catalog) -> None:
    layout = standard_layout()
    other = type(layout).of(layout.rule_sets[:2])
    rebuild(town, now=DAY, layout=other)
    assert catch_up(town, now=DAY) == 3
    state = town.assessments.state()
    assert state is not None and state.layout == layout.digest


def test_a_rebuild_that_was_killed_leaves_the_assessment_that_is_read(town: Catalog) -> None:
    rebuild(town, WORKING, now=DAY)
    before = everything(town)

    def killed() -> Any:
        yield from list(town.assessments.walk())[:1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.assessments.replace(killed(), lambda: ((), (), None))  # type: ignore[arg-type,return-value]
    assert everything(town) == before
    rebuild(town, WORKING, now=DAY)
    assert everything(town) == before


def test_of_two_rebuilds_at_once_the_one_that_began_later_is_read(town: Catalog) -> None:
    rebuild(town, WORKING, now=DAY)
    before = everything(town)
    rows = [Rated(row, None) for row in town.assessments.walk()]

    def overtaken() -> Iterator[Any]:
        yield rows[0]
        rebuild(town, WORKING, now=DAY)
        yield from rows[1:]

    state = town.assessments.state()
    assert state is not None
    with pytest.raises(AssessmentMoved):
        town.assessments.replace(overtaken(), lambda: ((), (), state))
    assert everything(town) == before
    rebuild(town, WORKING, now=DAY)
    assert everything(town) == before


def test_what_was_worked_out_from_an_older_assessment_is_not_written(town: Catalog) -> None:
    state = rebuild(town, now=DAY)
    rebuild(town, now=DAY + timedelta(days=1))
    with pytest.raises(AssessmentMoved):
        town.assessments.apply([], [], [], [], state, state)


@pytest.mark.slow
def test_two_processes_assess_as_one_does(any_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assess, "PART", 2)
    catalog = Catalog(any_file)
    catalog.upgrade()
    filled(catalog, *(new(str(number)) for number in range(5)))
    rebuild(catalog, now=DAY)
    one = everything(catalog)
    rebuild(catalog, now=DAY, processes=2)
    assert everything(catalog) == one
    catalog.close()


@pytest.mark.slow
@needs("postgresql", postgresql_runs(), "no PostgreSQL answers on 127.0.0.1:5432")
def test_after_a_rebuild_postgresql_knows_how_many_rows_there_are() -> None:
    with postgresql_database() as address:
        catalog = Catalog(address)
        catalog.upgrade()
        filled(catalog, *(new(str(number)) for number in range(5)))
        rebuild(catalog, now=DAY)
        with catalog.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT reltuples FROM pg_class WHERE relname = 'assessment'").scalar()
        assert rows == 5
        catalog.close()


def copies_of_first(catalog: Catalog) -> Originals:
    def originals(ids: Sequence[str]) -> Mapping[str, str]:
        return {id: "hang000000000001" for id in ids if id.startswith("zhej")}

    return originals


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 6), st.booleans())
def test_a_dataset_counts_once_under_any_duplication(copies: int, better: bool) -> None:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    filled(catalog, new("1", licence=None, licence_raw=None))
    rebuild(catalog, Ways(originals=copies_of_first), now=DAY)
    groups: list[Group] = [NATION, (Kind.REGION, "330100"), (Kind.DEPARTMENT, "330100.transport"), (Kind.THEME, "transport")]
    once = [catalog.assessments.standing(rules.id, *group) for group in groups for rules in standard_layout().rule_sets]
    changes = {} if better else {"contact": None, "licence": None, "licence_raw": None}
    filled(catalog, *(new(str(number), PROVINCE, **changes) for number in range(copies)), source=PROVINCE)
    catch_up(catalog, Ways(originals=copies_of_first), now=DAY)
    assert [
        catalog.assessments.standing(rules.id, *group) for group in groups for rules in standard_layout().rule_sets
    ] == once
    counts = scoring.lanes(catalog.assessments.tallies([NATION])[NATION])
    assert (scoring.harvested(counts), scoring.flags(counts)["copy"]) == (1 + copies, copies)
    catalog.close()


def test_dates_that_move_while_size_and_checksum_stand_still_are_not_believed(catalog: Catalog) -> None:
    days = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 4, 6)]
    for day in days:
        filled(catalog, new("1", modified=day), new("2", modified=day, title=f"站点（{day.month}月）"))
    rebuild(catalog, WORKING, now=DAY)
    place = standard_layout().place("national", "on_time")
    rows = catalog.assessments.rows(["hang000000000001", "hang000000000002"])
    assert [row.vector[place] for row in rows.values()] == [Verdict.FAIL, Verdict.PASS]
    flag = standard_layout().flag("dates-moved")
    assert [row.vector[flag] for row in rows.values()] == [Verdict.PASS, Verdict.FAIL]


def test_dates_of_files_whose_size_nobody_states_are_believed(catalog: Catalog) -> None:
    unmeasured = [one for one in whole().distributions]
    bare = tuple(type(one)(**(asdict(one) | {"size_bytes": None})) for one in unmeasured)
    for month in (1, 4, 6):
        filled(catalog, new("1", modified=datetime(2026, month, 1, tzinfo=UTC), distributions=bare))
    rebuild(catalog, WORKING, now=DAY)
    place = standard_layout().place("national", "on_time")
    assert catalog.assessments.rows(["hang000000000001"])["hang000000000001"].vector[place] == Verdict.PASS


def gone(url: str) -> Link:
    return link(url, LinkState.GONE)


def test_an_outage_of_the_portal_changes_nothing_but_the_share_measured(catalog: Catalog) -> None:
    filled(catalog, new("1"), record("2"))
    rebuild(catalog, WORKING, now=DAY)
    before = catalog.assessments.standing("national", *NATION)

    def out(catalog: Catalog) -> Links:
        last = working()[FILE].checked
        return lambda urls: {url: link(url, LinkState.UNKNOWN, last_available=last) for url in urls}

    rebuild(catalog, Ways(links=out), now=DAY)
    after = catalog.assessments.standing("national", *NATION)
    assert before is not None and after is not None
    assert after.measured < before.measured
    assert (after.point, after.low, after.high) == (before.point, before.low, before.high)


def test_the_assessment_of_a_day_gone_by_is_what_it_was_on_that_day(catalog: Catalog) -> None:
    days = [datetime(2026, 6, day, 15, tzinfo=UTC) for day in (1, 3, 5, 7)]
    records: list[list[NewRecord]] = [
        [new("1"), new("2", licence=None, licence_raw=None, modified=datetime(2026, 4, 1, tzinfo=UTC))],
        [new("1", title="公交"), new("3", rows=0)],
        [new("1", title="公交", description=None), new("2")],
    ]
    live = []
    for day, batch in zip(days, records):
        with time_machine.travel(day):
            filled(catalog, *batch)
        rebuild(catalog, now=day)
        live.append([replace(row, due=None) for row in everything(catalog)[0]])
    with time_machine.travel(days[3]):
        lease = catalog.sources.lease(SOURCE.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.retire(["hang000000000001"], "withdrawn")
    for day, rows in zip(days, live):
        snapshot = snapshots.as_of(catalog, day.date(), standard_layout())
        assert list(snapshot.rows) == rows
    assert [row.dataset_id for row in snapshots.as_of(catalog, days[3].date(), standard_layout()).rows] == [
        "hang000000000002",
        "hang000000000003",
    ]
    assert not snapshots.as_of(catalog, datetime(2026, 5, 31).date(), standard_layout()).rows


def test_a_dataset_without_addresses_has_none() -> None:
    assert assess.urls(Dataset(id="a", source_id="s", source_key="k", title="无")) == ()
    assert assess.urls(whole()) == (FILE, PAGE)
