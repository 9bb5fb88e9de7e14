"""The fault catalogue through whole harvests (P24 to P33, S53 to S60, I61 to I71): what stands afterwards.

I62 and I63 are asked in ``test_pipeline``, I66 and I68 in ``test_peers_udata``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from msgspec import structs

from portal.catalog import held as held_runs
from portal.catalog.assessments import Kind
from portal.catalog.model import ChangeCause, Counts, Outcome, RunMode, Source
from portal.catalog.store import Catalog
from portal.scorecard.assess import catch_up, rebuild
from tests.harvester.ckan_portal import Asked, CkanPortal, package
from tests.harvester.harvesting import (
    NO_GRACE,
    Documents,
    codes,
    dataset,
    datasets,
    errors,
    harvested,
    issues,
    snapshot,
    source,
    states,
)
from tests.hostile import Script, answer, challenge_page, html_as_json, json_answer, limit_data, reset_peer

PREFIXES = "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def portal() -> Iterator[CkanPortal]:
    given = CkanPortal()
    with given.running():
        yield given


@pytest.fixture
def documents() -> Iterator[Documents]:
    with Documents() as given:
        yield given


def many(count: int) -> list[dict[str, Any]]:
    return [package(f"{number:04}", metadata_modified="2024-01-01T00:00:00") for number in range(count)]


def entry(key: str, **members: Any) -> dict[str, Any]:
    return {"identifier": key, "title": f"Dataset {key}", "accessLevel": "public"} | members


def long_document(keys: list[str]) -> bytes:
    """About a megabyte for each thousand records."""
    return json.dumps({"dataset": [entry(key, description="words " * 170) for key in keys]}).encode()


def turtle(keys: list[str]) -> bytes:
    said = "".join(f'<urn:x:{key}> a dcat:Dataset ; dct:title "Dataset {key}" .\n' for key in keys)
    return (PREFIXES + "<urn:x:> a dcat:Catalog .\n" + said).encode()


class Shape:
    """One kind of portal with a listing that a test replaces."""

    def __init__(self, kind: str, documents: Documents) -> None:
        self.kind = kind
        self._documents = documents

    @property
    def source(self) -> Source:
        path = {"ckan": "", "datajson": "/data.json", "dcat": "/catalog.ttl", "dkan": ""}[self.kind]
        return source(self.kind, f"{self._documents.url}{path}", guard=NO_GRACE)

    def lists(self, keys: list[str]) -> None:
        if self.kind == "ckan":
            result = {"count": len(keys), "results": [package(key) for key in keys]}
            self.answers(json_answer({"success": True, "result": result}))
        elif self.kind == "dcat":
            self.answers(answer(turtle(keys), headers={"Content-Type": "text/turtle"}))
        else:
            self.answers(json_answer({"dataset": [entry(key) for key in keys]}))

    def answers(self, script: Script) -> None:
        paths = {"ckan": ["package_search", "package_list"], "dkan": [], "datajson": [], "dcat": []}[
            self.kind
        ]
        for path in [f"/api/3/action/{name}" for name in paths] or ["/data.json", "/catalog.ttl"]:
            self._documents.put(path, script)


@pytest.fixture(params=["ckan", "datajson", "dkan", pytest.param("dcat", marks=pytest.mark.slow)])
def shape(request: pytest.FixtureRequest, documents: Documents) -> Shape:
    return Shape(request.param, documents)


@pytest.mark.parametrize(
    "script",
    [
        html_as_json(),
        challenge_page(),
        answer(b"", headers=JSON),
        answer("null", headers=JSON),
        answer("{}", headers=JSON),
        answer('""', headers=JSON),
        answer('{"success": false, "error": "the database is down"}', headers=JSON),
        answer('{"dataset": [{"identifier": "a", "title": "A"},]}', headers=JSON),
        answer("{'dataset': []}", headers=JSON),
        answer('{"dataset": NaN}', headers=JSON),
        answer("\x00\x01\x02", headers=JSON),
        answer("no", status=500),
        answer("gone", status=410),
        answer("who are you", status=403),
        answer("busy", status=429, headers={"Retry-After": "86400"}),
        reset_peer(),
    ],
    ids=[
        "P25 html", "N19 challenge", "P26 empty", "P26 null", "P26 object", "P26 text", "P24 refusal", "P27 comma",
        "P27 quotes", "P27 NaN", "bytes", "500", "410", "403", "N9 busy", "reset",
    ],
)  # fmt: skip
def test_p24_to_p27_what_is_no_listing_fails_and_removes_nothing(
    catalog: Catalog, shape: Shape, script: Script
) -> None:
    shape.lists(["a", "b", "c"])
    assert harvested(catalog, shape.source).counts.added == 3
    before, newest = snapshot(catalog), catalog.last_change()
    shape.answers(script)
    run = harvested(catalog, shape.source, full=True)
    assert run.outcome in (Outcome.FAILED, Outcome.PARTIAL)
    assert (run.counts.missing, run.counts.retired, run.counts.held) == (0, 0, 0)
    assert run.cause in {issue.code for issue in issues(catalog, run)} and all(
        each.url for each in issues(catalog, run)
    )
    assert set(states(catalog).values()) == {"current"}
    assert snapshot(catalog) == before or run.counts.updated
    shape.lists(["a", "b", "c"])
    assert harvested(catalog, shape.source).outcome is Outcome.COMPLETE
    assert snapshot(catalog) == before and (catalog.last_change() == newest or run.counts.updated)


@pytest.mark.parametrize("left", [0, 2])
def test_p26_i61_a_listing_that_became_empty_or_a_fraction_is_held_until_approved(
    catalog: Catalog, shape: Shape, left: int
) -> None:
    keys = [f"k{number:02}" for number in range(30)]
    shape.lists(keys)
    harvested(catalog, shape.source)
    shape.lists(keys[:left])
    run = harvested(catalog, shape.source, full=True)
    assert (run.outcome, run.counts.held) == (Outcome.HELD, 30 - left)
    assert set(states(catalog).values()) == {"current"}
    assert held_runs.approve(catalog, run.id, holder="test") == 30 - left
    assert len(datasets(catalog)) == left
    shape.lists(keys)
    back = harvested(catalog, shape.source, full=True)
    assert (back.outcome, back.counts.added, len(datasets(catalog))) == (Outcome.COMPLETE, 0, 30)


@pytest.mark.parametrize("kind", ["datajson", "ckan"])
def test_p28_n7_a_document_cut_at_99_percent_keeps_what_came_and_retires_nothing(
    catalog: Catalog, documents: Documents, kind: str
) -> None:
    shape = Shape(kind, documents)
    keys = [f"k{number:04}" for number in range(1200)]
    body = long_document(keys)
    shape.lists(keys)
    if kind == "datajson":
        shape.answers(answer(body, headers=JSON))
    harvested(catalog, shape.source)
    newest = catalog.last_change()
    shape.answers(limit_data(answer(body, headers=JSON), len(body) * 99 // 100))
    run = harvested(catalog, shape.source)
    assert run.outcome is (Outcome.PARTIAL if kind == "datajson" else Outcome.FAILED)
    assert run.cause == "portal.answer-cut-short"
    assert (run.counts.missing, run.counts.retired, run.counts.held) == (0, 0, 0)
    assert catalog.last_change() == newest and len(datasets(catalog)) == 1200


def test_p28_a_first_harvest_cut_short_is_finished_by_the_next(
    catalog: Catalog, documents: Documents
) -> None:
    keys = [f"k{number:04}" for number in range(1200)]
    body = long_document(keys)
    documents.put("/data.json", limit_data(answer(body, headers=JSON), len(body) // 2))
    place = source("datajson", f"{documents.url}/data.json")
    first = harvested(catalog, place)
    assert first.outcome is Outcome.PARTIAL and 0 < first.counts.added < 1200
    documents.put("/data.json", body)
    second = harvested(catalog, place)
    assert second.counts == Counts(listed=1200, added=1200 - first.counts.added, unchanged=first.counts.added)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ckan", "datajson"])
def test_p32_of_5000_records_the_one_that_is_poisonous_is_rejected_alone(
    catalog: Catalog, portal: CkanPortal, documents: Documents, kind: str
) -> None:
    poison = {"title": {"a": [1]}, "tags": "x", "resources": {"b": None}, "extras": 7, "distribution": "none"}
    portal.packages = many(5000)
    portal.packages[2500] |= poison
    entries = [entry(f"{number:04}") for number in range(5000)]
    entries[2500] |= poison
    documents.put("/data.json", {"dataset": entries})
    url = portal.url if kind == "ckan" else f"{documents.url}/data.json"
    run = harvested(catalog, source(kind, url))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=5000, added=4999, unusable=1))
    assert errors(catalog, run) == ["record.title-missing"]
    assert [issue.source_key for issue in issues(catalog, run, "record.title-missing")] == ["2500"]


@pytest.mark.slow
def test_p33_a_record_with_34866_tags_and_8327_resources_is_stored_with_counted_lists(
    catalog: Catalog, portal: CkanPortal
) -> None:
    tags = [{"name": f"tag-{number}", "display_name": f"tag-{number}"} for number in range(34_866)]
    resources = [
        {"id": f"r{number}", "url": f"http://f.test/{number}.csv", "format": "CSV"} for number in range(8_327)
    ]
    portal.packages = [package("big", tags=tags, resources=resources), package("small")]
    run = harvested(catalog, source("ckan", portal.url))
    assert (run.outcome, run.counts.added) == (Outcome.COMPLETE, 2)
    made = dataset(catalog, "big")
    assert (len(made.keywords), len(made.distributions)) == (200, 5000)
    assert {issue.field: issue.seen for issue in issues(catalog, run, "field.too-long")} == {
        "keywords": "34866",
        "distributions": "8327",
    }
    raw = catalog.raw(made.id)
    assert raw is not None and len(json.loads(raw.body)["tags"]) == 34_866
    assert harvested(catalog, source("ckan", portal.url), full=True).counts.unchanged == 2


def test_p42_a_ckan_that_says_no_count_is_read_to_its_end(catalog: Catalog, portal: CkanPortal) -> None:
    def silent(action: str, asked: Asked) -> Script | None:
        if action != "package_search":
            return None
        start, rows = int(asked["start"]), int(asked["rows"])
        return json_answer({"success": True, "result": {"results": portal.packages[start:start + rows]}})

    portal.packages, portal.instead = many(25), silent
    run = harvested(catalog, ckan(portal, page_size=10))
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, None, Counts(listed=25, added=25))


# Paging and asking for changes


def ckan(portal: CkanPortal, **options: Any) -> Source:
    return source("ckan", portal.url, guard=NO_GRACE, **options)


@pytest.mark.parametrize("change", ["insert", "remove", "modify"])
def test_s53_what_exists_throughout_a_moving_listing_stands_exactly_once(
    catalog: Catalog, portal: CkanPortal, change: str
) -> None:
    rng = random.Random(1)
    portal.packages = many(100)
    throughout = {each["id"] for each in portal.packages}

    def moving(action: str, asked: Asked) -> None:
        if action != "package_search" or len(portal.paths) > 9:
            return
        at = rng.randrange(len(portal.packages))
        if change == "insert":
            portal.packages.insert(at, package(f"{at:04}-{len(portal.paths)}"))
        elif change == "remove":
            throughout.discard(portal.packages.pop(at)["id"])
        else:
            portal.packages[at] = portal.packages[at] | {"title": f"new {len(portal.paths)}"}

    portal.instead = moving
    run = harvested(catalog, ckan(portal, page_size=20))
    assert run.outcome in (Outcome.COMPLETE, Outcome.PARTIAL)
    assert throughout <= set(datasets(catalog))
    portal.instead = lambda action, asked: None
    harvested(catalog, ckan(portal, page_size=20), full=True)
    assert {key: made.title for key, made in datasets(catalog).items()} == {
        each["id"]: each["title"] for each in portal.packages
    }


@pytest.mark.parametrize("at_most", [7, 100])
def test_s54_a_portal_that_gives_fewer_rows_than_asked_for_is_read_to_its_end(
    catalog: Catalog, portal: CkanPortal, at_most: int
) -> None:
    portal.packages, portal.rows_at_most = many(250), at_most
    run = harvested(catalog, ckan(portal))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=250, added=250))


def test_s55_a_portal_that_gives_the_first_page_for_ever_ends_partial_and_removes_nothing(
    catalog: Catalog, portal: CkanPortal
) -> None:
    portal.packages = many(40)
    harvested(catalog, ckan(portal, page_size=10))

    def first_page(action: str, asked: Asked) -> Script | None:
        if action != "package_search" or not int(asked["rows"]):
            return None
        return json_answer(
            {"success": True, "result": {"count": 40, "results": portal.packages[: int(asked["rows"])]}}
        )

    portal.instead = first_page
    run = harvested(catalog, ckan(portal, page_size=10), full=True)
    assert (run.outcome, run.cause) == (Outcome.PARTIAL, "listing.paging-broken")
    assert set(states(catalog).values()) == {"current"} and len(portal.paths) < 40


def test_s56_a_count_that_is_not_reached_ends_partial_and_removes_nothing(
    catalog: Catalog, portal: CkanPortal
) -> None:
    portal.packages = many(50)
    harvested(catalog, ckan(portal))

    def boasting(action: str, asked: Asked) -> Script | None:
        if action != "package_search":
            return None
        start, rows = int(asked["start"]), int(asked["rows"])
        return json_answer(
            {"success": True, "result": {"count": 50, "results": portal.packages[:42][start:start + rows]}}
        )

    portal.instead = boasting
    run = harvested(catalog, ckan(portal), full=True)
    assert (run.outcome, run.cause, run.declared) == (Outcome.PARTIAL, "listing.incomplete", 50)
    assert [issue.seen for issue in issues(catalog, run, "listing.incomplete")] == ["42/50"]
    assert set(states(catalog).values()) == {"current"}


def test_s57_an_order_that_changes_between_pages_doubles_nothing(
    catalog: Catalog, portal: CkanPortal
) -> None:
    rng = random.Random(2)
    portal.packages = many(60)

    def shuffled(action: str, asked: Asked) -> Script | None:
        if action != "package_search":
            return None
        start, rows = int(asked["start"]), int(asked["rows"])
        found = rng.sample(portal.packages, len(portal.packages))[start:start + rows]
        return json_answer({"success": True, "result": {"count": 60, "results": found}})

    portal.instead = shuffled
    for _ in range(3):
        run = harvested(catalog, ckan(portal, page_size=20), full=True)
        assert run.outcome in (Outcome.COMPLETE, Outcome.PARTIAL)
        assert (run.counts.duplicate, run.counts.retired, run.counts.held) == (0, 0, 0)
    assert set(states(catalog).values()) == {"current"}


@pytest.mark.parametrize("habit", ["ignores", "finds nothing", "refuses"])
def test_s58_a_portal_that_cannot_filter_by_date_loses_no_change(
    catalog: Catalog, portal: CkanPortal, habit: str
) -> None:
    portal.packages = many(30)
    harvested(catalog, ckan(portal))
    portal.packages[3] |= {"title": "new", "metadata_modified": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"}

    def odd(action: str, asked: Asked) -> Script | None:
        if action != "package_search" or "metadata_modified" not in asked.get("fq", ""):
            return None
        if habit == "refuses":
            return json_answer({"success": False, "error": {"__type": "Search Query Error"}}, status=400)
        found = portal.packages if habit == "ignores" else []
        return json_answer({"success": True, "result": {"count": len(found), "results": found}})

    portal.instead = odd
    run = harvested(catalog, ckan(portal))
    assert (run.outcome, run.mode, run.counts.updated) == (Outcome.COMPLETE, RunMode.FULL, 1)
    assert dataset(catalog, "0003").title == "new"
    assert codes(catalog, run).keys() & {"portal.date-filter-ignored", "listing.date-filter-wrong"}


@pytest.mark.parametrize("hours", [-23, -8, 8])
def test_s59_a_portal_whose_clock_is_wrong_loses_no_change(
    catalog: Catalog, portal: CkanPortal, hours: int
) -> None:
    portal.packages = many(10)
    harvested(catalog, ckan(portal))
    theirs = datetime.now(UTC) + timedelta(hours=hours)
    portal.packages[4] |= {"title": "new", "metadata_modified": f"{theirs:%Y-%m-%dT%H:%M:%S}"}
    run = harvested(catalog, ckan(portal))
    assert (run.mode, run.counts.updated) == (RunMode.INCREMENTAL, 1)
    assert harvested(catalog, ckan(portal)).counts.updated == 0


def test_s60_where_pages_far_down_are_refused_all_is_read_by_organisation(
    catalog: Catalog, portal: CkanPortal
) -> None:
    offices = [
        {"id": f"o{number}", "name": f"office-{number}", "title": f"Office {number}"} for number in range(4)
    ]
    portal.packages = [each | {"organization": offices[number % 5]} if number % 5 < 4 else each
                       for number, each in enumerate(many(100))]  # fmt: skip

    def shallow(action: str, asked: Asked) -> Script | None:
        if action != "package_search":
            return None
        if asked.get("facet.field"):
            facets = {"organization": {each["name"]: 20 for each in offices}}
            return json_answer({"success": True, "result": {"count": 100, "results": [], "facets": facets}})
        if int(asked["start"]) + int(asked["rows"]) > 40:
            return json_answer({"success": False, "error": {"message": "too deep"}}, status=400)
        return None

    portal.instead = shallow
    run = harvested(catalog, ckan(portal, page_size=20))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=100, added=100))


# Identity and deletion


def test_i64_what_the_portal_calls_deleted_is_a_tombstone_at_once(
    catalog: Catalog, portal: CkanPortal
) -> None:
    place = source("ckan", portal.url)
    portal.packages = many(12)
    harvested(catalog, place)
    portal.packages[5] |= {"state": "deleted"}
    run = harvested(catalog, place, full=True)
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=11, unchanged=11, retired=1))
    entry = catalog.find("portal", "0005")
    assert entry is not None and (entry.state, entry.retired_because) == ("retired", "withdrawn")
    assert entry.dataset.title == "数据集 0005"
    again = harvested(catalog, place, full=True)
    assert (again.outcome, again.counts) == (Outcome.COMPLETE, Counts(listed=11, unchanged=11))


def test_i65_an_id_given_to_another_dataset_is_flagged_and_the_old_one_kept_in_its_history(
    catalog: Catalog, documents: Documents
) -> None:
    def owned(title: str, office: str) -> dict[str, Any]:
        files = [{"title": office, "downloadURL": f"http://f.test/{office}.csv"}]
        return entry("7", title=title, publisher={"name": office}, distribution=files)

    documents.put("/data.json", {"dataset": [owned("Parks", "gardens"), entry("8")]})
    place = source("datajson", f"{documents.url}/data.json")
    harvested(catalog, place)
    documents.put("/data.json", {"dataset": [owned("Taxes", "treasury"), entry("8")]})
    run = harvested(catalog, place)
    assert (run.counts.updated, codes(catalog, run)["record.identity-changed"]) == (1, 1)
    newest, _ = catalog.history(dataset(catalog, "7").id)
    assert newest.before is not None and newest.before.title == "Parks"


def test_i67_odd_ids_stay_within_their_source_and_empty_ones_are_refused(
    catalog: Catalog, documents: Documents
) -> None:
    odd = [
        "TODO",
        "1",
        "dataset",
        "../../etc/passwd",
        "a\u0000b",
        "%00",
        "数据集",
        "x" * 3000,
        "'; DROP TABLE",
    ]
    for id in ("one", "two"):
        documents.put(f"/{id}.json", {"dataset": [entry(key, title=id) for key in [*odd, "", "  ", "null"]]})
        run = harvested(catalog, source("datajson", f"{documents.url}/{id}.json", id=id))
        assert (run.counts.added, run.counts.unusable) == (len(odd), 3)
        assert errors(catalog, run) == ["record.key-missing"] * 3
    ids = {made.id for id in ("one", "two") for made in datasets(catalog, id).values()}
    assert len(ids) == 2 * len(odd) and all(len(id) == 16 and id.isalnum() for id in ids)
    assert {made.title for made in datasets(catalog, "one").values()} == {"one"}


def test_i69_a_portal_installed_anew_with_other_ids_is_held_and_each_is_matched(catalog: Catalog, portal: CkanPortal) -> None:
    portal.packages = many(40)
    harvested(catalog, ckan(portal))
    portal.packages = [each | {"id": f"new-{each['id']}"} for each in portal.packages]
    run = harvested(catalog, ckan(portal), full=True)
    assert (run.outcome, run.counts) == (Outcome.HELD, Counts(listed=40, added=40, held=40))
    assert codes(catalog, run) == {"listing.ids-changed": 1, "listing.shrank": 1}
    assert len(datasets(catalog)) == 80
    held_runs.reject(catalog, run.id)
    run = harvested(catalog, ckan(portal), full=True)
    again = held_runs.listed_again(catalog, run)
    proposed = {old.dataset.source_key: again[old.dataset.id].dataset.source_key for old in catalog.entries(list(again))}
    assert proposed == {each["id"].removeprefix("new-"): each["id"] for each in portal.packages}
    assert held_runs.approve(catalog, run.id, holder="test") == 40
    assert set(datasets(catalog)) == {each["id"] for each in portal.packages}


def test_i70_a_renamed_department_stays_one_department_with_one_card(catalog: Catalog, portal: CkanPortal) -> None:
    old, new = ({"id": name, "name": name, "title": name} for name in ("杭州市工商行政管理局", "杭州市市场监督管理局"))
    portal.packages = [package("a", organization=old), package("b", organization=old)]
    city = structs.replace(source("ckan", portal.url), region="330100")
    harvested(catalog, city)
    rebuild(catalog)
    portal.packages = [package("a", organization=new), package("b", organization=old)]
    harvested(catalog, city, full=True)
    catch_up(catalog)
    publishers = [entry.dataset.publisher for entry in catalog.walk()]
    assert [publisher.department for publisher in publishers if publisher] == ["330100.market"] * 2
    assert {publisher.name for publisher in publishers if publisher} == {old["title"], new["title"]}
    standing = catalog.assessments.standing("national", Kind.DEPARTMENT, "330100.market")
    assert standing is not None and standing.datasets == 2


def test_i71_a_portal_that_moves_is_one_setting_and_doubles_nothing(
    catalog: Catalog, portal: CkanPortal
) -> None:
    """What we read of the old address (the page a CKAN shows a dataset on) is read anew, and said to be our doing."""
    portal.packages = many(15)
    harvested(catalog, ckan(portal))
    before = {key: made.id for key, made in datasets(catalog).items()}
    old = dataset(catalog, "0003").landing_page
    moved = CkanPortal(portal.packages)
    with moved.running():
        run = harvested(catalog, ckan(moved))
    assert (run.outcome, run.mode, run.counts) == (
        Outcome.COMPLETE,
        RunMode.FULL,
        Counts(listed=15, updated=15),
    )
    assert {key: made.id for key, made in datasets(catalog).items()} == before
    made = dataset(catalog, "0003")
    assert made.landing_page == f"{moved.url}dataset/{made.name}" != old
    assert catalog.history(made.id)[0].cause is ChangeCause.MAPPING


def test_n13_a_portal_that_redirects_for_good_is_read_and_said_to_have_moved(
    catalog: Catalog, documents: Documents
) -> None:
    documents.put("/new.json", {"dataset": [entry("a")]})
    documents.put("/data.json", answer(status=301, headers={"Location": "/new.json"}))
    run = harvested(catalog, source("datajson", f"{documents.url}/data.json"))
    assert (run.outcome, run.counts.added) == (Outcome.COMPLETE, 1)
    (moved,) = issues(catalog, run, "portal.moved")
    assert (moved.url, moved.seen) == (f"{documents.url}/data.json", f"{documents.url}/new.json")


def test_n22_what_has_not_changed_is_one_request_without_a_record(
    catalog: Catalog, documents: Documents
) -> None:
    asked: list[str | None] = []
    body = json.dumps({"dataset": [entry(f"{number}") for number in range(500)]}).encode()

    def citizen(talk: Any) -> None:
        known = talk.seen.headers.get("if-none-match")
        asked.append(known)
        script = answer(status=304) if known == '"v1"' else answer(body, headers={"ETag": '"v1"', **JSON})
        script(talk)

    documents.put("/data.json", citizen)
    place = source("datajson", f"{documents.url}/data.json")
    first = harvested(catalog, place)
    second = harvested(catalog, place)
    assert (second.outcome, second.not_modified, second.requests) == (Outcome.COMPLETE, True, 1)
    assert second.counts == Counts(listed=500, unchanged=500)
    assert second.bytes_received * 100 < first.bytes_received
    assert asked == [None, '"v1"']


def test_n23_a_portal_whose_validators_never_change_is_found_out_by_the_full_listing(
    catalog: Catalog, documents: Documents
) -> None:
    listed = [entry("a")]

    def liar(talk: Any) -> None:
        if talk.seen.headers.get("if-none-match"):
            answer(status=304)(talk)
        else:
            answer(json.dumps({"dataset": listed}), headers={"ETag": '"for ever"', **JSON})(talk)

    documents.put("/data.json", liar)
    place = source("datajson", f"{documents.url}/data.json")
    start = datetime.now(UTC)
    harvested(catalog, place)
    listed.append(entry("b"))
    assert harvested(catalog, place).not_modified
    with time_machine.travel(start + timedelta(days=7, minutes=1)):
        run = harvested(catalog, place)
    assert (run.counts, codes(catalog, run)) == (
        Counts(listed=2, added=1, unchanged=1),
        {"portal.validators-wrong": 1, "field.missing": codes(catalog, run).get("field.missing", 0)},
    )


def test_a_wrong_setting_that_reached_the_database_fails_its_run_alone(
    catalog: Catalog, portal: CkanPortal
) -> None:
    portal.packages = many(2)
    harvested(catalog, ckan(portal))
    for options in ({"crosswalk": {"no-such-field": "x"}}, {"language": 7}, {"organizations_include": "x"}):
        run = harvested(catalog, structs.replace(ckan(portal), options=options))
        assert (run.outcome, run.cause) == (Outcome.FAILED, "source.invalid")
    assert set(states(catalog).values()) == {"current"}


def test_n09_a_run_whose_portal_is_busy_says_from_when_on_it_may_be_asked(
    catalog: Catalog, documents: Documents
) -> None:
    documents.put("/data.json", answer("busy", status=429, headers={"Retry-After": "18000"}))
    before = datetime.now(UTC)
    run = harvested(catalog, source("datajson", f"{documents.url}/data.json"))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.busy")
    assert run.not_before is not None
    assert before + timedelta(hours=5) <= run.not_before <= datetime.now(UTC) + timedelta(hours=5)


def test_n13_a_portal_that_moved_and_then_failed_says_that_it_failed(catalog: Catalog, documents: Documents) -> None:
    documents.put("/new.json", answer("no", status=500))
    documents.put("/data.json", answer(status=301, headers={"Location": "/new.json"}))
    run = harvested(catalog, source("datajson", f"{documents.url}/data.json"))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.answered-error")
    assert codes(catalog, run)["portal.moved"] == 1


def test_n22_a_validator_that_no_database_keeps_costs_no_run(any_catalog: Catalog, documents: Documents) -> None:
    odd = {**JSON, "ETag": '"a\x00b"', "Last-Modified": "\x00"}
    documents.put("/data.json", answer(json.dumps({"dataset": [entry("a")]}), headers=odd))
    place = source("datajson", f"{documents.url}/data.json")
    assert harvested(any_catalog, place).outcome is Outcome.COMPLETE
    assert harvested(any_catalog, place).outcome is Outcome.COMPLETE


def test_p24_what_a_portal_says_is_kept_without_what_acts_in_a_terminal(
    any_catalog: Catalog, documents: Documents
) -> None:
    said = "\x1b]0;owned\x07 the database\x00 is \ud800 down\nINFO all is well"
    documents.put("/api/3/action/package_search", json_answer({"success": False, "error": said}))
    run = harvested(any_catalog, source("ckan", documents.url))
    (issue, *_) = issues(any_catalog, run)
    assert issue.detail is not None and "the database" in issue.detail
    assert not set("\x00\x07\x1b\ud800") & set(f"{issue.detail}{issue.seen}")
