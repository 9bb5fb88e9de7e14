"""Where there is what: what a place is expected to have, what it has, and what is not known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

import schemas
from portal.catalog.high_value import LEASE, Position
from portal.catalog.model import Outcome, Publisher, RunMode, Source
from portal.catalog.store import Catalog
from portal.highvalue.coverage import Coverage, coverage, expected_of, holders_of, is_expected, levels_of, listed
from portal.highvalue.following import catch_up
from portal.highvalue.judging import State
from tests.catalogs import SOURCE, filled, record
from tests.portal.highvalue.test_following import buses

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def covered(catalog: Catalog, now: datetime = NOW) -> Coverage:
    """What there is, with everything followed."""
    catch_up(catalog, "test")
    return coverage(catalog, now)


def read(catalog: Catalog, source: Source, at: datetime) -> None:
    """Ends the source's run as complete."""
    run = catalog.runs.start(source.id, RunMode.FULL, "test")
    catalog.runs.save(replace(run, finished=at, outcome=Outcome.COMPLETE))


def test_a_place_has_what_the_best_of_its_datasets_makes(catalog: Catalog) -> None:
    filled(
        catalog,
        buses("1", modified=NOW - timedelta(days=10_000)),
        buses("2", openness=None, modified=NOW),
        buses("3", modified=NOW),
        buses("4", region="330200", modified=NOW - timedelta(days=10_000)),
        buses("5", region="330300", openness=None, modified=NOW),
    )
    found = covered(catalog)
    assert found.cell("TRA-1", "330100").state is State.HAVE
    assert found.cell("TRA-1", "330100").own == {State.STALE: 1, State.PARTIAL: 1, State.HAVE: 1}
    assert found.cell("TRA-1", "330200").state is State.STALE
    assert found.cell("TRA-1", "330300").state is State.PARTIAL
    assert found.datasets == {"TRA-1": 5}
    counts = found.of_entry("TRA-1", ["330100", "330200", "330300"])
    assert counts == dict.fromkeys((State.HAVE, State.STALE, State.PARTIAL), 1)


def test_a_place_with_datasets_only_within_has_part_of_it(catalog: Catalog) -> None:
    filled(catalog, buses("1", region="330102", modified=NOW))
    cell = covered(catalog).cell("TRA-1", "330100")
    assert (cell.state, cell.datasets, cell.within) == (State.PARTIAL, 0, 1)
    assert covered(catalog).cell("TRA-1", "100000").within == 1


def test_what_nobody_read_is_unknown_and_what_was_read_without_finding_it_is_missing(catalog: Catalog) -> None:
    filled(catalog, record("1", title="机关党建工作动态", region="330100"), record("2", title="机关党建工作动态", region="330102"))
    assert covered(catalog).cell("TRA-1", "330100").state is State.UNKNOWN
    read(catalog, SOURCE, NOW)
    found = covered(catalog)
    assert found.cell("TRA-1", "330100").state is State.MISSING
    assert found.cell("TRA-1", "330102").state is State.UNKNOWN, "of a district only what the city's portal lists is known"
    assert found.cell("TRA-1", "330200").state is State.UNKNOWN
    assert State.UNKNOWN not in found.places["TRA-1"]


def test_a_province_lacks_nothing_because_a_city_of_it_was_read(catalog: Catalog) -> None:
    wuhan = Source(id="wuhan", title="武汉", kind="ckan", url="http://127.0.0.1/", region="420100")
    catalog.sources.put(wuhan)
    read(catalog, wuhan, NOW)
    filled(catalog, buses("1", region="330100", modified=NOW))
    found = covered(catalog)
    for province in ("330000", "420000"):
        assert found.of_region(province)["COM-1"].state is State.UNKNOWN
        assert province in found.known and province not in found.read
    assert State.UNKNOWN not in found.places["COM-1"]


def test_a_portal_that_was_read_without_a_dataset_is_known_too(catalog: Catalog) -> None:
    ningbo = Source(id="ningbo", title="宁波", kind="ckan", url="http://127.0.0.1/", region="330200")
    catalog.sources.put(ningbo)
    assert covered(catalog).cell("TRA-1", "330200").state is State.UNKNOWN
    read(catalog, ningbo, NOW)
    assert covered(catalog).cell("TRA-1", "330200").state is State.MISSING


def test_nothing_is_missing_before_everything_was_looked_at_by_the_list_of_now(catalog: Catalog) -> None:
    filled(catalog, record("1", title="机关党建工作动态", region="330100"), buses("2", region="330200", modified=NOW))
    read(catalog, SOURCE, NOW)
    before = coverage(catalog, NOW)
    assert not before.is_complete and before.cell("TRA-1", "330100").state is State.UNKNOWN
    found = covered(catalog)
    assert found.is_complete and found.cell("TRA-1", "330100").state is State.MISSING
    lease = catalog.sources.lease(LEASE, "test")
    catalog.high_value.arrive(lease, Position(catalog.last_change(), "another list"))
    after = coverage(catalog, NOW)
    assert not after.is_complete and after.cell("TRA-1", "330100").state is State.UNKNOWN
    assert after.cell("TRA-1", "330200").state is State.HAVE


def test_nothing_turns_stale_while_its_source_cannot_be_read(catalog: Catalog) -> None:
    filled(catalog, buses("1", modified=NOW - timedelta(days=30)))
    until = covered(catalog).own["TRA-1", "330100"]
    assert until == {State.HAVE: 1}
    read(catalog, SOURCE, NOW)
    long_after = NOW + timedelta(days=10_000)
    assert covered(catalog, long_after).own["TRA-1", "330100"] == {State.HAVE: 1}
    read(catalog, SOURCE, long_after)
    assert covered(catalog, long_after).own["TRA-1", "330100"] == {State.STALE: 1}


def test_what_is_made_of_a_publisher_is_the_best_it_has(catalog: Catalog) -> None:
    transport = Publisher(id="transport", name="杭州市交通运输局")
    given = {"publisher": transport, "modified": NOW}
    filled(catalog, buses("1", **given), buses("2", openness=None, **given))
    assert covered(catalog).publishers == {"transport": {"TRA-1": State.HAVE}}


def test_a_dataset_of_no_known_place_counts_and_covers_nothing(catalog: Catalog) -> None:
    filled(catalog, buses("1", region=None, modified=NOW))
    found = covered(catalog)
    assert found.datasets == {"TRA-1": 1} and found.own == {} and found.within == {}


@pytest.mark.parametrize(
    ("region", "holders"),
    [
        ("330102", ("330100", "330000", "100000")),
        ("110105", ("110000", "100000")),
        ("330000", ("100000",)),
        ("100000", ()),
        ("AU", ()),
        ("no such code", ()),
    ],
)
def test_what_a_place_lies_in(region: str, holders: tuple[str, ...]) -> None:
    assert holders_of(region) == holders


def test_a_municipality_is_a_province_and_a_city() -> None:
    assert levels_of("310000") == {"province", "prefecture"}
    assert levels_of("330000") == {"province"}
    assert levels_of("330100") == {"prefecture"}
    assert levels_of("no such code") == frozenset()


@pytest.mark.parametrize("region", ["710000", "810000", "820000"])
def test_nothing_of_the_list_is_expected_where_it_was_not_written_for(region: str) -> None:
    assert [id for id, entry in listed().items() if is_expected(entry, region)] == []


def test_nothing_of_the_list_is_expected_abroad() -> None:
    abroad = [code for code in schemas.vocabulary("regions").terms if not schemas.is_chinese(code)]
    assert abroad
    assert [(id, code) for id, entry in listed().items() for code in abroad if is_expected(entry, code)] == []


def test_a_department_is_expected_to_have_what_it_does_at_its_level() -> None:
    expected = expected_of(("transport",), "330100")
    assert "TRA-1" in expected and "COM-1" not in expected
    assert all(listed()[id].functions[0] == "transport" and "prefecture" in listed()[id].levels for id in expected)
    assert expected_of(("transport",), None) == [] == expected_of((), "330100")
