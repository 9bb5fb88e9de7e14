"""A portal whose records had no ids begins to give them: nobody is told that its datasets doubled by themselves."""

from __future__ import annotations

import json
from typing import Any

from harvester.connectors import CONNECTORS
from harvester.pipeline import harvest
from portal.catalog import held
from portal.catalog.model import Counts, Outcome, Run
from portal.catalog.store import Catalog
from tests.harvester.family_portals import source_at, way_out
from tests.hostile import HostileServer, Script, answer

BARE = [{"标题": f"公交站点 {number}", "提供单位": "某市交通运输局", "更新频率": "每年"} for number in range(20)]
WITH_IDS = [row | {"目录编码": f"C{number:03}"} for number, row in enumerate(BARE)]


def run_of(catalog: Catalog, rows: list[dict[str, Any]], **options: Any) -> Run:
    told: Script = answer(json.dumps(rows))
    with HostileServer({"/list": told}) as portal:
        source = source_at(f"{portal.url}/list", "csvlist", **options)
        catalog.sources.put(source)
        return harvest(source, catalog, CONNECTORS["csvlist"], lambda validators: way_out(), holder="test", full=True)


def told(catalog: Catalog, run: Run) -> dict[str, str | None]:
    return {stored.issue.code: stored.issue.seen for stored in catalog.runs.issues(run.id)}


def titles(catalog: Catalog) -> list[str]:
    return sorted(entry.dataset.title for entry in catalog.walk())


def test_a_portal_that_begins_to_give_ids_is_held_and_the_run_says_why(catalog: Catalog) -> None:
    run_of(catalog, BARE)
    run = run_of(catalog, WITH_IDS)
    assert (run.outcome, run.counts) == (Outcome.HELD, Counts(listed=20, added=20, held=20))
    assert told(catalog, run) == {"listing.ids-changed": "20/20", "listing.shrank": "20/40"}


def test_naming_what_tells_them_apart_keeps_the_datasets_that_were_there(catalog: Catalog) -> None:
    run_of(catalog, BARE)
    before = {entry.dataset.id: entry.dataset.title for entry in catalog.walk()}
    run = run_of(catalog, WITH_IDS, key=["标题", "提供单位"])
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=20, updated=0, unchanged=20))
    assert {entry.dataset.id: entry.dataset.title for entry in catalog.walk()} == before
    assert told(catalog, run) == {}


def test_after_a_held_run_the_doubles_can_be_approved_away(catalog: Catalog) -> None:
    run_of(catalog, BARE)
    held.approve(catalog, run_of(catalog, WITH_IDS).id, holder="test")
    assert titles(catalog) == sorted(row["标题"] for row in BARE)
    run = run_of(catalog, WITH_IDS)
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=20, unchanged=20))


def test_a_small_portal_below_the_guard_says_it_too(catalog: Catalog) -> None:
    run_of(catalog, BARE[:3])
    run = run_of(catalog, WITH_IDS[:3])
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=3, added=3, missing=3))
    assert told(catalog, run) == {"listing.ids-changed": "3/3"}


def test_other_datasets_in_the_place_of_those_that_went_are_no_change_of_ids(catalog: Catalog) -> None:
    run_of(catalog, WITH_IDS[:3])
    others = [{"标题": f"路灯 {number}", "提供单位": "某市城管局", "目录编码": f"L{number}"} for number in range(3)]
    assert told(catalog, run_of(catalog, others)) == {}
