"""A group's score over time: kept when its day is over, only where it changed, and thinned when it is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from msgspec.structs import replace
from sqlalchemy import func, select

from portal.catalog import tables
from portal.catalog.assessments import Kind
from portal.catalog.store import Catalog
from portal.catalog.trends import DAILY_DAYS
from portal.scorecard import assess, periods
from portal.scorecard.assess import catch_up, rebuild, standard_layout
from portal.scorecard.groups import NATION
from portal.scorecard.trends import Moment, trend
from portal.scorecard.vectors import Layout
from tests.catalogs import filled
from tests.portal.scorecard.samples import DAY, TRANSPORT
from tests.portal.scorecard.test_assess import new

DEPARTMENT = (Kind.DEPARTMENT, "330100.transport")

NEVER_DUE = {"frequency": "irregular"}
"""A dataset whose verdicts no day turns for a long time."""


def on(days: float) -> datetime:
    return DAY + timedelta(days=days)


def days(moments: Sequence[Moment]) -> list[int]:
    """How many days after ``DAY`` they are."""
    return [(one.day - DAY.date()).days for one in moments]


def rows(catalog: Catalog) -> int:
    with catalog.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(tables.standing_past)) or 0


def worse(catalog: Catalog, key: str) -> None:
    """Another dataset of the department, without a licence."""
    filled(catalog, new(key, licence=None, licence_raw=None, **NEVER_DUE))


def test_a_day_is_kept_when_it_is_over_as_it_ended(any_catalog: Catalog) -> None:
    filled(any_catalog, new("1", **NEVER_DUE))
    rebuild(any_catalog, now=on(0))
    worse(any_catalog, "2")
    catch_up(any_catalog, now=on(0.5))
    ended = any_catalog.assessments.standing("national", *DEPARTMENT)
    assert ended is not None and rows(any_catalog) == 0
    worse(any_catalog, "3")
    catch_up(any_catalog, now=on(1))
    (kept,) = any_catalog.trends.of("national", *DEPARTMENT)
    assert (kept.day, kept.point, kept.low, kept.high, kept.measured, kept.datasets) == (
        DAY.date(), ended.point, ended.low, ended.high, ended.measured, 2,
    )
    assert kept.version == standard_layout().rules("national").version


def test_a_day_on_which_nothing_changed_costs_a_row_for_the_nation_alone(any_catalog: Catalog) -> None:
    filled(any_catalog, new("1", **NEVER_DUE))
    rebuild(any_catalog, now=on(0))
    catch_up(any_catalog, now=on(1))
    first = rows(any_catalog)
    catch_up(any_catalog, now=on(2))
    assert first > 4 and rows(any_catalog) == first + len(standard_layout().rule_sets)


def test_a_standing_stands_until_the_next_that_is_kept(catalog: Catalog) -> None:
    filled(catalog, new("1", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    for day in (1, 2, 3):
        if day == 2:
            worse(catalog, "2")
        catch_up(catalog, now=on(day))
    found = trend(catalog, *DEPARTMENT)
    assert days(found) == [0, 1, 2, 3]
    assert [one.datasets for one in found] == [1, 1, 2, 2]
    assert found[0].score == found[1].score and found[2].score == found[3].score != found[1].score


def test_the_newest_moment_is_the_standing_of_now(catalog: Catalog) -> None:
    filled(catalog, new("1", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    standing = catalog.assessments.standing("mqa", *DEPARTMENT)
    (only,) = trend(catalog, *DEPARTMENT, "mqa")
    assert standing is not None and (only.score, only.low, only.high) == (standing.point, standing.low, standing.high)


def test_days_without_an_assessment_are_a_gap_and_no_score(catalog: Catalog) -> None:
    filled(catalog, new("1", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    catch_up(catalog, now=on(1))
    catch_up(catalog, now=on(9))
    found = trend(catalog, *DEPARTMENT)
    assert [(day, one.assessed, one.score is None) for day, one in zip(days(found), found)] == [
        (0, True, False), (1, True, False), (2, False, True), (8, False, True), (9, True, False),
    ]


def test_a_group_that_lost_its_datasets_has_no_score_from_then_on(catalog: Catalog) -> None:
    filled(catalog, new("1", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    moved = replace(TRANSPORT, department="330200.transport")
    filled(catalog, new("1", publisher=moved, region="330200", **NEVER_DUE))
    catch_up(catalog, now=on(1))
    catch_up(catalog, now=on(2))
    found = trend(catalog, *DEPARTMENT)
    assert [(one.score is None, one.low, one.datasets) for one in found[1:]] == [(True, None, 0)]
    assert found[0].score is not None


def test_a_group_has_no_past_from_before_it_was_there(catalog: Catalog) -> None:
    filled(catalog, new("1", region="330200", publisher=None, **NEVER_DUE))
    rebuild(catalog, now=on(0))
    catch_up(catalog, now=on(1))
    worse(catalog, "2")
    catch_up(catalog, now=on(2))
    assert days(trend(catalog, *DEPARTMENT)) == [2] and days(trend(catalog, *NATION)) == [0, 1, 2]


def test_what_is_old_is_kept_by_the_month_and_ends_each_month_as_it_did(any_catalog: Catalog) -> None:
    filled(any_catalog, new("0", **NEVER_DUE))
    rebuild(any_catalog, now=on(0))
    for day in (10, 20, 40, 50, 52, 60, 151):
        worse(any_catalog, str(day))
        catch_up(any_catalog, now=on(day))
    catch_up(any_catalog, now=on(152))
    kept = any_catalog.trends.of("national", *DEPARTMENT)
    # DAY is 15 June: of June the 25th is the last kept, of July the 25th, of August all that is younger than 90 days.
    assert [(str(one.day), one.datasets) for one in kept] == [
        ("2026-06-25", 2), ("2026-07-25", 4), ("2026-08-14", 7), ("2026-11-13", 8),
    ]
    assert on(152).date() - kept[2].day > timedelta(days=DAILY_DAYS) > on(152).date() - kept[3].day


def test_months_that_passed_while_nothing_ran_are_thinned_too(catalog: Catalog) -> None:
    filled(catalog, new("0", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    for day in (1, 2, 3, 20, 21):
        worse(catalog, str(day))
        catch_up(catalog, now=on(day))
    catch_up(catalog, now=on(400))
    assert [str(one.day) for one in catalog.trends.of("national", *DEPARTMENT)] == ["2026-06-18", "2026-07-06"]


@pytest.mark.slow
def test_the_days_shown_are_daily_for_a_while_and_monthly_before(catalog: Catalog) -> None:
    filled(catalog, new("1", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    for day in range(1, 130):
        catch_up(catalog, now=on(day))
    found = days(trend(catalog, *DEPARTMENT))
    # 30 June is day 15; day 38 is the last before the daily ones, which are younger than 90 days or as old.
    assert found == [15, 38, *range(39, 130)]


def a_next_version(name: str) -> Layout:
    """The rule sets, one of them as its next version would be."""
    given = standard_layout().rule_sets
    return Layout.of([replace(one, version="next") if one.id == name else one for one in given])


def test_another_version_of_the_rules_is_kept_although_the_score_is_the_same(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(catalog, new("1", **NEVER_DUE))
    rebuild(catalog, now=on(0))
    catch_up(catalog, now=on(1))
    monkeypatch.setattr(assess, "standard_layout", lambda: a_next_version("national"))
    catch_up(catalog, now=on(2))
    catch_up(catalog, now=on(3))
    assert [one.version for one in catalog.trends.of("national", *DEPARTMENT)] == ["1", "next"]
    assert [one.version for one in catalog.trends.of("mqa", *DEPARTMENT)] == ["1"]


def test_a_frozen_half_year_is_a_moment_with_its_figures_as_they_were_frozen(catalog: Catalog) -> None:
    with time_machine.travel(datetime(2026, 6, 1, tzinfo=UTC)):
        filled(catalog, new("1", **NEVER_DUE))
    with time_machine.travel(datetime(2026, 7, 1, tzinfo=UTC)):
        worse(catalog, "2")
    august = datetime(2026, 8, 15, tzinfo=UTC)
    periods.freeze(catalog, "2026H1", "a key", now=august)
    rebuild(catalog, now=august)
    frozen, *gap, newest = trend(catalog, *DEPARTMENT)
    stood = catalog.periods.of("national", *DEPARTMENT)["2026H1"]
    assert (frozen.day, frozen.score, frozen.period) == (date(2026, 6, 30), stood.point, "2026H1")
    assert (frozen.datasets, newest.datasets, newest.period) == (1, 2, None)
    assert frozen.score != newest.score and [one.assessed for one in gap] == [False, False]


def test_before_the_first_assessment_there_is_no_trend(catalog: Catalog) -> None:
    assert trend(catalog, *NATION) == ()
