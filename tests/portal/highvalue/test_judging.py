"""What a dataset lacks to serve an entry in full; what is not said is told apart from what is not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from portal.catalog.model import Dataset, Distribution, DistributionKind
from portal.highvalue.judging import State, fresh_until, shortfalls, state_at
from schemas import high_value_entries

BUSES = high_value_entries()["TRA-1"]
REQUIRED = [field.id for field in BUSES.fields if field.required]
CHANGED = datetime(2026, 3, 1, tzinfo=UTC)

FULL = Dataset(
    id="a",
    source_id="hangzhou",
    source_key="1",
    title="公交线路站点",
    openness="unconditional",
    modified=CHANGED,
    distributions=(Distribution(id="1", format="csv"),),
)


def test_what_has_everything_lacks_nothing() -> None:
    assert shortfalls(FULL, BUSES, REQUIRED) == ()


def test_every_required_field_that_is_not_listed_is_named() -> None:
    assert REQUIRED
    assert shortfalls(FULL, BUSES, ()) == tuple(f"fields-lacking:{field}" for field in REQUIRED)


def test_a_portal_that_lists_no_fields_says_nothing_of_them() -> None:
    assert shortfalls(FULL, BUSES, None) == ("fields-not-listed",)


@pytest.mark.parametrize(
    ("openness", "licence", "lacking"),
    [
        ("registration", None, ()),
        ("open-unqualified", None, ()),
        ("conditional", "cc-by-4.0", ("not-open",)),
        ("denied", None, ("not-open",)),
        (None, None, ("openness-not-said",)),
        (None, "cc-by-4.0", ()),
    ],
)
def test_openness_is_what_the_portal_says_or_an_open_licence(
    openness: str | None, licence: str | None, lacking: tuple[str, ...]
) -> None:
    assert shortfalls(replace(FULL, openness=openness, licence=licence), BUSES, REQUIRED) == lacking


@pytest.mark.parametrize(
    ("distributions", "lacking"),
    [
        ((), ("no-data",)),
        ((Distribution(id="1", format="pdf"),), ("not-machine-readable",)),
        ((Distribution(id="1", format="pdf"), Distribution(id="2")), ("format-not-said",)),
        ((Distribution(id="1", format="pdf"), Distribution(id="2", format="csv")), ()),
        ((Distribution(id="1", kind=DistributionKind.API),), ()),
    ],
)
def test_one_way_that_a_machine_can_read_is_enough(
    distributions: tuple[Distribution, ...], lacking: tuple[str, ...]
) -> None:
    assert shortfalls(replace(FULL, distributions=distributions), BUSES, REQUIRED) == lacking


def test_a_date_that_is_not_said_is_lacking_and_never_stale() -> None:
    undated = replace(FULL, modified=None)
    assert shortfalls(undated, BUSES, REQUIRED) == ("no-date",)
    assert fresh_until(undated, BUSES) is None
    assert state_at(("no-date",), None, CHANGED + timedelta(days=10_000)) is State.PARTIAL


def test_what_was_not_renewed_in_time_is_stale_whatever_else_it_has() -> None:
    until = fresh_until(FULL, BUSES)
    assert until is not None and until > CHANGED
    assert state_at((), until, until) is State.HAVE
    assert state_at((), until, until + timedelta(seconds=1)) is State.STALE
    assert state_at(("not-open",), until, until) is State.PARTIAL
    assert state_at(("not-open",), until, until + timedelta(days=1)) is State.STALE


def test_the_day_of_the_data_goes_before_that_of_the_record() -> None:
    later = replace(FULL, modified=CHANGED + timedelta(days=500), data_modified=CHANGED)
    assert fresh_until(later, BUSES) == fresh_until(FULL, BUSES)
