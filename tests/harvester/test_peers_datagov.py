"""What datagov-harvester, ckanext-datajson and DKAN assert (G1 to G18), of whole harvests; our rule where they differ.

How one data.json is read is asked in ``test_connectors_datajson``; G17 too. G18 (search) is asked of the index.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from harvester import retirement
from portal.catalog.model import ChangeKind, Counts, Guard, Outcome, RecordType, Source
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up, check
from portal.search.memory import MemoryIndex
from portal.search.query import Query
from tests.fixtures import needs_fixtures
from tests.harvester.harvesting import (
    NO_GRACE,
    Documents,
    codes,
    dataset,
    datasets,
    errors,
    fixture,
    harvested,
    issues,
    source,
    states,
)
from tests.hostile import answer, sequence

CFTC = [f"cftc-dc{number}" for number in range(1, 8)]


@pytest.fixture
def portal() -> Iterator[Documents]:
    with Documents() as documents:
        yield documents


def of(portal: Documents, kind: str = "datajson", guard: Guard = NO_GRACE) -> Source:
    return source(kind, f"{portal.url}/data.json" if kind == "datajson" else portal.url, guard=guard)


def document(path: str) -> Any:
    return json.loads(fixture(f"dcat_us/{path}"))


@needs_fixtures
def test_g1_seven_are_added_and_four_of_them_retired_when_the_file_lacks_them(
    any_catalog: Catalog, portal: Documents
) -> None:
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus.json"))
    assert harvested(any_catalog, of(portal)).counts == Counts(listed=7, added=7)
    before = {key: made.id for key, made in datasets(any_catalog).items()}
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus_2.json"))
    run = harvested(any_catalog, of(portal))
    assert (run.counts.listed, run.counts.retired) == (3, 4)
    assert {key: made.id for key, made in datasets(any_catalog).items()} == {
        key: before[key] for key in CFTC[:3]
    }
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus.json"))
    back = harvested(any_catalog, of(portal))
    assert (back.counts.added, back.counts.restored) == (0, 4)
    assert {key: made.id for key, made in datasets(any_catalog).items()} == before


@needs_fixtures
def test_g1_a_forced_harvest_of_the_same_file_updates_nothing(catalog: Catalog, portal: Documents) -> None:
    """Ours: forcing means asking for everything; what says the same is still unchanged and writes nothing."""
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus.json"))
    harvested(catalog, of(portal))
    newest = catalog.last_change()
    assert harvested(catalog, of(portal), full=True).counts == Counts(listed=7, unchanged=7)
    assert catalog.last_change() == newest


@needs_fixtures
def test_g1_with_a_grace_what_the_file_lacks_is_missing_until_it_has_passed(
    catalog: Catalog, portal: Documents
) -> None:
    start = datetime.now(UTC)
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus.json"))
    harvested(catalog, of(portal, guard=Guard()))
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus_2.json"))
    assert harvested(catalog, of(portal, guard=Guard())).counts.missing == 4
    assert set(datasets(catalog)) == set(CFTC)
    with time_machine.travel(start + timedelta(days=8)):
        assert harvested(catalog, of(portal, guard=Guard())).counts.retired == 4
    assert set(datasets(catalog)) == set(CFTC[:3])


@needs_fixtures
def test_g2_of_a_seeded_source_one_is_updated_one_retired_and_six_added(
    any_catalog: Catalog, portal: Documents
) -> None:
    given = document("gsa/dcatus.json")
    seeded = [given["dataset"][0] | {"title": "Old"}, given["dataset"][0] | {"identifier": "vanished"}]
    portal.put("/data.json", given | {"dataset": seeded})
    harvested(any_catalog, of(portal))
    portal.put("/data.json", given)
    assert harvested(any_catalog, of(portal)).counts == Counts(listed=7, added=6, updated=1, retired=1)


@needs_fixtures
def test_g3_clearing_a_source_leaves_none_of_seven(any_catalog: Catalog, portal: Documents) -> None:
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus.json"))
    harvested(any_catalog, of(portal))
    assert retirement.remove_source(any_catalog, "portal", holder="test") == 7
    assert datasets(any_catalog) == {} and set(states(any_catalog).values()) == {"retired"}
    assert any_catalog.figures().datasets == 0


@needs_fixtures
@pytest.mark.parametrize(
    ("file", "counts", "error"),
    [
        ("gsa/dcatus_no_identifier.json", Counts(listed=1, unusable=1), "record.key-missing"),
        ("gsa/missing_title.json", Counts(listed=1, unusable=1), "record.title-missing"),
        ("gsa/dcatus3_0.json", Counts(listed=4, added=3, unusable=1), "record.key-missing"),
    ],
    ids=["G4", "no title", "G5"],
)
def test_g4_g5_a_record_without_an_id_is_one_error_and_the_others_are_added(
    catalog: Catalog, portal: Documents, file: str, counts: Counts, error: str
) -> None:
    portal.put("/data.json", fixture(f"dcat_us/{file}"))
    run = harvested(catalog, of(portal))
    assert (run.outcome, run.counts, errors(catalog, run)) == (Outcome.COMPLETE, counts, [error])


@needs_fixtures
@pytest.mark.parametrize(
    ("file", "services"), [("gsa/dcatus3_0_with_services.json", 2), ("gsa/dcatus3_0_with_records.json", 0)]
)
def test_g6_services_are_stored_beside_datasets_and_not_counted_as_such(
    catalog: Catalog, portal: Documents, file: str, services: int
) -> None:
    """Ours: a catalogue record describes a listing, not data; it is counted in the run's issues and not stored."""
    portal.put("/data.json", fixture(f"dcat_us/{file}"))
    run = harvested(catalog, of(portal))
    kinds = [made.record_type for made in datasets(catalog).values()]
    assert (kinds.count(RecordType.DATASET), kinds.count(RecordType.SERVICE)) == (1, services)
    assert catalog.figures().datasets == 1
    assert codes(catalog, run).get("listing.catalogue-records", 0) == (1 if "records" in file else 0)


@needs_fixtures
def test_g7_the_same_title_twice_is_two_datasets_whose_ids_outlive_every_change(
    catalog: Catalog, portal: Documents
) -> None:
    """Ours: there is no slug to keep or to edit by hand: the id is made of the identifier alone."""
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus_same_title.json"))
    assert harvested(catalog, of(portal)).counts == Counts(listed=2, added=2)
    before = {key: made.id for key, made in datasets(catalog).items()}
    portal.put("/data.json", fixture("dcat_us/gsa/dcatus_same_title_step_2.json"))
    assert harvested(catalog, of(portal)).counts == Counts(listed=2, updated=1, unchanged=1)
    assert {key: made.id for key, made in datasets(catalog).items()} == before
    assert {made.title for made in datasets(catalog).values()} == {"Commitment of Traders"}


@pytest.mark.parametrize("status", [404, 500])
def test_g12_g15_a_source_that_is_down_fails_its_run_and_nothing_else(
    catalog: Catalog, portal: Documents, status: int
) -> None:
    """Ours: one issue says it, with the status, the address and a cure."""
    portal.put("/data.json", {"dataset": [record("a")]})
    harvested(catalog, of(portal))
    portal.put("/data.json", answer("<h1>down</h1>", status=status))
    run = harvested(catalog, of(portal))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.answered-error")
    (issue,) = issues(catalog, run)
    assert str(status) in (issue.detail or "") and issue.url == f"{portal.url}/data.json"
    assert states(catalog) == {"a": "current"}


def test_g15_a_source_that_refuses_connections_fails_its_run(catalog: Catalog) -> None:
    with Documents() as portal:
        place = of(portal)
    run = harvested(catalog, place)
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.unreachable")


def test_g13_errors_that_pass_are_retried_under_our_own_name(catalog: Catalog, portal: Documents) -> None:
    agents: list[str] = []

    def noting(script: Any) -> Any:
        def play(talk: Any) -> None:
            agents.append(talk.seen.headers["user-agent"])
            script(talk)

        return play

    good = answer(json.dumps({"dataset": [record("a")]}), headers={"Content-Type": "application/json"})
    busy = answer("later", status=429, headers={"Retry-After": "1"})
    portal.put("/data.json", noting(sequence(answer("no", status=503), busy, answer("no", status=502), good)))
    run = harvested(catalog, of(portal))
    assert (run.outcome, run.requests, run.counts.added) == (Outcome.COMPLETE, 4, 1)
    assert len(agents) == 4 and all(agent.startswith("Nachuan/") for agent in agents)


@needs_fixtures
def test_g14_children_are_taken_in_whether_or_not_their_parent_is_there(
    catalog: Catalog, portal: Documents
) -> None:
    """Ours: a child does not fail for want of its parent: it names it, and finds it when it comes."""
    given = document("ckanext_datajson/collection-1-parent-2-children.data.json")
    parent = next(each for each in given["dataset"] if "isPartOf" not in each)
    portal.put("/data.json", given | {"dataset": [each for each in given["dataset"] if each is not parent]})
    assert harvested(catalog, of(portal)).counts.added == 2
    portal.put("/data.json", given)
    run = harvested(catalog, of(portal))
    assert run.counts == Counts(listed=3, added=1, unchanged=2)
    assert {key: made.series for key, made in datasets(catalog).items()} == {
        "OPM-ERround-0001": (),
        "OPM-ERround-0001-AWOL": ("OPM-ERround-0001",),
        "OPM-ERround-0001-Retire": ("OPM-ERround-0001",),
    }


@needs_fixtures
@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("usda.gov.data.json", 3),
        ("null-spatial.data.json", 1),
        ("reserved-title.data.json", 1),
        ("arm.data.json", 3),
    ],
)
def test_g15_odd_records_are_stored_with_every_word_of_theirs(
    catalog: Catalog, portal: Documents, file: str, count: int
) -> None:
    """Ours: no title is reserved, because no address is made of it."""
    given = document(f"ckanext_datajson/{file}")
    portal.put("/data.json", fixture(f"dcat_us/ckanext_datajson/{file}"))
    run = harvested(catalog, of(portal))
    assert run.counts.added == len(datasets(catalog)) == count
    stored = [catalog.raw(made.id) for made in datasets(catalog).values()]
    words = [json.loads(raw.body) for raw in stored if raw is not None]
    assert all(word in given["dataset"] for word in words) and len(words) == count


@needs_fixtures
@pytest.mark.parametrize("kind", ["dkan", "datajson"])
def test_g16_two_are_new_then_unchanged_then_one_is_updated(
    catalog: Catalog, portal: Documents, kind: str
) -> None:
    portal.put("/data.json", fixture("dcat_us/dkan/data.json"))
    assert harvested(catalog, of(portal, kind)).counts == Counts(listed=2, added=2)
    assert harvested(catalog, of(portal, kind)).counts == Counts(listed=2, unchanged=2)
    portal.put("/data.json", fixture("dcat_us/dkan/data2.json"))
    assert harvested(catalog, of(portal, kind)).counts == Counts(listed=2, updated=1, unchanged=1)
    titles = {made.title for made in datasets(catalog).values()}
    assert "Florida Bike Lanes 2" in titles
    bike = next(made for made in datasets(catalog).values() if made.title == "Florida Bike Lanes 2")
    update, added = catalog.history(bike.id)
    assert (update.kind, update.fields, added.kind) == (ChangeKind.UPDATED, ("title",), ChangeKind.ADDED)
    assert update.before is not None and update.before.title == "Florida Bike Lanes"


@needs_fixtures
@pytest.mark.parametrize("kind", ["dkan", "datajson"])
def test_g16_of_the_catalogue_steps_three_stand_and_one_is_orphaned(
    catalog: Catalog, portal: Documents, kind: str
) -> None:
    """Ours: an orphan is missing first, and a tombstone when the grace has passed; it is found no more then."""
    start = datetime.now(UTC)
    portal.put("/data.json", fixture("dcat_us/dkan/catalog-step-1.json"))
    assert harvested(catalog, of(portal, kind, Guard())).counts == Counts(listed=3, added=3)
    portal.put("/data.json", fixture("dcat_us/dkan/catalog-step-2.json"))
    run = harvested(catalog, of(portal, kind, Guard()))
    assert run.counts == Counts(listed=3, added=1, updated=1, unchanged=1, missing=1)
    assert states(catalog) == {"1": "current", "2": "current", "3": "missing", "4": "current"}
    with time_machine.travel(start + timedelta(days=8)):
        assert harvested(catalog, of(portal, kind, Guard())).counts == Counts(
            listed=3, unchanged=3, retired=1
        )
    assert states(catalog) == {"1": "current", "2": "current", "3": "retired", "4": "current"}
    assert {key: made.title for key, made in datasets(catalog).items()} == {
        "1": "One",
        "2": "Two updated",
        "4": "Four",
    }
    assert dataset(catalog, "3").title == "Three"


@needs_fixtures
def test_g18_deleted_datasets_leave_the_index(catalog: Catalog, portal: Documents) -> None:
    index = MemoryIndex()
    portal.put("/data.json", fixture("dcat_us/dkan/catalog-step-1.json"))
    harvested(catalog, of(portal))
    catch_up(catalog, index)
    assert index.search(Query(text="Three")).total == 1
    portal.put("/data.json", fixture("dcat_us/dkan/catalog-step-2.json"))
    harvested(catalog, of(portal))
    catch_up(catalog, index)
    assert index.search(Query(text="Three")).total == 0
    assert check(catalog, index).agrees


def record(key: str, **members: Any) -> dict[str, Any]:
    """A small sound DCAT-US record."""
    return {
        "identifier": key,
        "title": f"Dataset {key}",
        "accessLevel": "public",
        "description": "d",
    } | members
