"""No score falls through an outage (faults Q103): whole harvests of a portal in trouble, assessed day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from msgspec import structs

from harvester.rereading import reread
from portal.catalog.assessments import Kind, Standing
from portal.catalog.model import Outcome, RunMode, Source
from portal.catalog.store import Catalog
from portal.scorecard.assess import catch_up
from tests.harvester.ckan_portal import Asked, CkanPortal, package
from tests.harvester.harvesting import harvested, source
from tests.hostile import Script, answer, json_answer

START = datetime(2026, 3, 1, 3, tzinfo=UTC)
DAYS = 22


def weekly() -> list[dict[str, Any]]:
    """Thirty datasets that the portal renews each week, the last time just before the outage."""
    renewed = f"{START:%Y-%m-%dT%H:%M:%S}"
    return [package(f"{number:02}", frequency="weekly", metadata_modified=renewed) for number in range(30)]


@pytest.fixture
def portal() -> Iterator[CkanPortal]:
    given = CkanPortal(weekly())
    with given.running():
        yield given


def down(portal: CkanPortal) -> None:
    portal.instead = lambda action, asked: answer("Solr is down", status=500)


def breaking_off(portal: CkanPortal) -> None:
    """The first of its pages come, the others never."""

    def odd(action: str, asked: Asked) -> Script | None:
        return answer("Solr is down", status=500) if int(asked.get("start", 0)) >= 9 else None

    portal.instead = odd


def half_of_it(portal: CkanPortal) -> None:
    portal.packages = portal.packages[:10]


def turning_us_away(portal: CkanPortal) -> None:
    portal.instead = lambda action, asked: answer("who are you", status=403)


def empty(portal: CkanPortal) -> None:
    portal.instead = lambda action, asked: json_answer({"success": True, "result": {"count": 0, "results": []}})


TROUBLES: Mapping[str, Callable[[CkanPortal], None]] = {
    each.__name__: each for each in (down, breaking_off, half_of_it, turning_us_away, empty)
}


def of(portal: CkanPortal) -> Source:
    return structs.replace(source("ckan", portal.url, page_size=10), region="330100")


def standing(catalog: Catalog) -> Standing:
    found = catalog.assessments.standing("national", Kind.SOURCE, "portal")
    assert found is not None and found.point is not None
    return found


@pytest.mark.parametrize("trouble", TROUBLES)
def test_q103_three_weeks_of_a_portal_in_trouble_lower_no_score(
    catalog: Catalog, portal: CkanPortal, trouble: str
) -> None:
    with time_machine.travel(START, tick=False):
        harvested(catalog, of(portal))
        catch_up(catalog)
        before = standing(catalog)
    TROUBLES[trouble](portal)
    for day in (1, 9, 15, DAYS):
        with time_machine.travel(START + timedelta(days=day), tick=False):
            assert harvested(catalog, of(portal), full=True).outcome is not Outcome.COMPLETE
            catch_up(catalog)
            now = standing(catalog)
            assert (now.point, now.low, now.high) == (before.point, before.low, before.high), f"day {day}"
            assert now.datasets == before.datasets
    assert now.measured < before.measured, "what was not measured is told"


def test_q103_three_weeks_without_a_harvest_of_ours_lower_no_score(catalog: Catalog, portal: CkanPortal) -> None:
    with time_machine.travel(START, tick=False):
        harvested(catalog, of(portal))
        catch_up(catalog)
        before = standing(catalog)
    with time_machine.travel(START + timedelta(days=DAYS), tick=False):
        catch_up(catalog)
        assert standing(catalog).point == before.point


def test_q103_reading_again_what_is_kept_asks_nobody_and_makes_nothing_late(
    catalog: Catalog, portal: CkanPortal
) -> None:
    with time_machine.travel(START, tick=False):
        harvested(catalog, of(portal))
        catch_up(catalog)
        before = standing(catalog)
    with time_machine.travel(START + timedelta(days=DAYS), tick=False):
        assert reread(of(portal), catalog, holder="test").mode is RunMode.REREAD
        catch_up(catalog)
        assert standing(catalog).point == before.point


def test_q103_a_portal_that_never_was_read_to_its_end_has_nothing_late_either(
    catalog: Catalog, portal: CkanPortal
) -> None:
    breaking_off(portal)
    with time_machine.travel(START, tick=False):
        assert harvested(catalog, of(portal)).outcome is Outcome.PARTIAL
        catch_up(catalog)
        before = standing(catalog)
    with time_machine.travel(START + timedelta(days=DAYS), tick=False):
        harvested(catalog, of(portal))
        catch_up(catalog)
        assert standing(catalog).point == before.point


def test_what_is_read_again_after_an_outage_and_was_not_renewed_is_late(catalog: Catalog, portal: CkanPortal) -> None:
    with time_machine.travel(START, tick=False):
        harvested(catalog, of(portal))
        catch_up(catalog)
        before = standing(catalog)
    with time_machine.travel(START + timedelta(days=DAYS), tick=False):
        assert harvested(catalog, of(portal)).outcome is Outcome.COMPLETE
        catch_up(catalog)
    with time_machine.travel(START + timedelta(days=DAYS + 1), tick=False):
        catch_up(catalog)
        after = standing(catalog).point
    assert before.point is not None and after is not None and after < before.point


def test_a_portal_that_counts_wrongly_is_read_all_the_same(catalog: Catalog, portal: CkanPortal) -> None:
    """Its runs are partial for ever: were they no reading, nothing of it could ever be late."""

    def boasting(action: str, asked: Asked) -> Script | None:
        first, rows = int(asked.get("start", 0)), int(asked.get("rows", 10))
        page = portal.packages[first:first + rows]
        return json_answer({"success": True, "result": {"count": 31, "results": page}})

    portal.instead = boasting
    with time_machine.travel(START, tick=False):
        harvested(catalog, of(portal))
    with time_machine.travel(START + timedelta(days=DAYS), tick=False):
        run = harvested(catalog, of(portal), full=True)
        assert (run.outcome, run.cause) == (Outcome.PARTIAL, "listing.incomplete")
        assert catalog.runs.last_read() == {"portal": run.finished}
