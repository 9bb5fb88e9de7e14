"""What udata asserts of its harvesters (U1 to U26), asked of a whole harvest; where its rule is not ours, ours holds.

How one record is read is asked in ``test_crosswalk`` (U1 to U9, U11) and ``test_connectors_dcat`` (U12 to U18).
U19 and U20 (CSW) are asked in ``test_connectors_csw``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from harvester.connectors import CONNECTORS
from harvester.http import Http
from harvester.pipeline import harvest
from harvester.preview import preview
from nachuan.cli import main
from portal.catalog.model import ChangeKind, Counts, Guard, Outcome, RecordType, RunMode
from portal.catalog.store import Catalog
from tests.fixtures import needs_fixtures
from tests.harvester.ckan_portal import CkanPortal, package
from tests.harvester.harvesting import (
    LOOPBACK,
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
from tests.hostile import answer, json_answer

KINDS = ("ckan", "datajson", "dcat", "dkan")
"""Those that need no options to ask a portal."""


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
    return [package(f"{number:03}") for number in range(count)]


def test_u1_u3_a_minimal_package_and_one_without_resources_are_imported(
    catalog: Catalog, portal: CkanPortal
) -> None:
    """Ours: a dataset nobody can get data of is still a dataset, and told apart by having no distribution."""
    portal.packages = [
        {"id": "a", "name": "a", "title": "A", "resources": [{"url": "http://f.test/a.csv"}]},
        package("b"),
    ]
    run = harvested(catalog, source("ckan", portal.url))
    assert (run.counts, codes(catalog, run)) == (Counts(listed=2, added=2), {})
    assert [len(dataset(catalog, key).distributions) for key in "ab"] == [1, 0]


def test_u2_a_package_of_id_and_name_alone_is_an_error_that_names_it(
    catalog: Catalog, portal: CkanPortal
) -> None:
    """Ours: the run is complete all the same, since everything was listed; one record of it is unusable."""
    portal.packages = [package("a"), {"id": "b", "name": "bee"}, {"name": "nameless"}]
    run = harvested(catalog, source("ckan", portal.url))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=3, added=1, unusable=2))
    assert {issue.source_key for issue in issues(catalog, run, "record.title-missing")} == {"b", "nameless"}


@pytest.mark.parametrize("keys", [("42", "43"), ("0C4B5A5E-0001-4000-8000-00000000000A", "b" * 36)])
def test_u4_a_resource_keeps_its_id_in_any_order_and_letter_case(
    catalog: Catalog, portal: CkanPortal, keys: tuple[str, str]
) -> None:
    resources = [{"id": key, "url": f"http://f.test/{position}.csv"} for position, key in enumerate(keys)]
    portal.packages = [package("a", resources=resources)]
    harvested(catalog, source("ckan", portal.url))
    before = {each.download_url or each.access_url: each.id for each in dataset(catalog, "a").distributions}
    turned = [each | {"id": each["id"].lower(), "name": "changed"} for each in reversed(resources)]
    portal.packages = [package("a", resources=turned)]
    assert harvested(catalog, source("ckan", portal.url), full=True).counts.updated == 1
    after = {each.download_url or each.access_url: each.id for each in dataset(catalog, "a").distributions}
    assert after == before and len(set(before.values())) == 2


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            answer("<!DOCTYPE html><html><b>Maintenance</b></html>", headers={"Content-Type": "text/html"}),
            None,
        ),
        (answer("All is well", headers={"Content-Type": "text/plain"}), None),
        (json_answer("Some error"), "Some error"),
        (json_answer({"success": False, "error": "Some error"}), "Some error"),
        (json_answer({"success": False, "error": {"message": "Some error"}}), "Some error"),
        (
            json_answer(
                {"success": False, "error": {"message": "Access denied", "__type": "Authorization Error"}}
            ),
            "Authorization Error: Access denied",
        ),
    ],
    ids=["html", "text", "words", "string", "message", "typed"],
)
def test_u10_p24_p25_what_is_no_listing_fails_in_the_portals_words_and_removes_nothing(
    catalog: Catalog, portal: CkanPortal, script: Any, said: str | None
) -> None:
    portal.packages = many(3)
    harvested(catalog, source("ckan", portal.url))
    portal.instead = lambda action, asked: script
    for full in (False, True):
        run = harvested(catalog, source("ckan", portal.url), full=full)
        assert (run.outcome, run.counts) == (Outcome.FAILED, Counts())
        (issue,) = issues(catalog, run)
        assert said is None or said == issue.detail
        assert "<" not in (issue.detail or "") and issue.url
    assert set(states(catalog).values()) == {"current"}


def test_u10_p26_no_items_where_there_were_some_are_held(catalog: Catalog, portal: CkanPortal) -> None:
    portal.packages = many(3)
    harvested(catalog, source("ckan", portal.url, guard=NO_GRACE))
    portal.packages = []
    run = harvested(catalog, source("ckan", portal.url, guard=NO_GRACE))
    assert (run.outcome, run.counts) == (Outcome.HELD, Counts(held=3))
    assert set(states(catalog).values()) == {"current"}


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "count", "services"),
    [
        (("flat.jsonld",), 3, 0),
        (("bnodes.jsonld",), 3, 0),
        (("bnodes.xml",), 3, 1),
        (("catalog.xml",), 4, 0),
        (("udata.xml",), 2, 1),
        (("nested.jsonld",), 1, 0),
        (("paged-collection-1.jsonld", "paged-collection-2.jsonld"), 4, 0),
    ],
    ids=["U12", "U13 jsonld", "U13 xml", "U14", "U17", "U15", "U16"],
)
def test_u12_to_u17_catalogues_harvested_twice_are_stored_once(
    catalog: Catalog, documents: Documents, files: tuple[str, ...], count: int, services: int
) -> None:
    path = f"/catalog.{files[0].rpartition('.')[2]}"
    for number, file in enumerate(files, 1):
        body = fixture(f"dcat/udata/{file}").replace(b"http://data.test.org", documents.url.encode())
        documents.put(f"{path}?page={number}", body)
    place = source("dcat", f"{documents.url}{path}?page=1")
    first = harvested(catalog, place)
    assert (first.outcome, first.counts.added) == (Outcome.COMPLETE, count + services)
    newest = catalog.last_change()
    again = harvested(catalog, place, full=True)
    assert again.counts == Counts(listed=count + services, unchanged=count + services)
    assert catalog.last_change() == newest
    kinds = [made.record_type for made in datasets(catalog).values()]
    assert (kinds.count(RecordType.DATASET), kinds.count(RecordType.SERVICE)) == (count, services)


@needs_fixtures
def test_u13_a_service_stays_attached_to_its_datasets_over_harvests(
    catalog: Catalog, documents: Documents
) -> None:
    documents.put("/bnodes.xml", fixture("dcat/udata/bnodes.xml"))
    for _ in range(2):
        harvested(catalog, source("dcat", f"{documents.url}/bnodes.xml"), full=True)
        (service,) = [made for made in datasets(catalog).values() if made.record_type is RecordType.SERVICE]
        assert len(service.serves) == 2 and set(service.serves) <= set(datasets(catalog))


@pytest.mark.parametrize("kind", KINDS)
def test_u18_a_source_that_is_not_there_fails_with_its_status(
    catalog: Catalog, documents: Documents, kind: str
) -> None:
    run = harvested(catalog, source(kind, f"{documents.url}/nothing"))
    assert (run.outcome, run.counts) == (Outcome.FAILED, Counts())
    assert any("404" in f"{issue.detail} {issue.seen}" for issue in issues(catalog, run))


@pytest.mark.parametrize("kind", KINDS)
def test_u21_f77_a_private_address_is_refused_by_name_before_anything_is_sent(
    catalog: Catalog, kind: str
) -> None:
    place = source(kind, "http://10.0.0.1/catalog.ttl")
    catalog.sources.put(place)
    run = harvest(place, catalog, CONNECTORS[kind], lambda known: Http(validators=known), holder="test")
    assert (run.outcome, run.cause, run.bytes_received) == (Outcome.FAILED, "portal.address-refused", 0)
    assert any("10.0.0.1" in f"{issue.detail} {issue.url}" for issue in issues(catalog, run))


def test_u22_a_preview_shows_what_would_be_and_writes_nothing(catalog: Catalog, portal: CkanPortal) -> None:
    portal.packages = [*many(25), {"id": "bad", "name": "zz"}]
    with Http(requests_per_second=0, allow_private=LOOPBACK) as http:
        first = preview(source("ckan", portal.url), http, limit=20)
        every = preview(source("ckan", portal.url), http, limit=None)
    assert (len(first.records), first.error, first.issue_counts()) == (20, None, {})
    assert (len(every.records), every.declared, every.issue_counts()) == (26, 26, {"record.title-missing": 1})
    assert sum(record.dataset is not None for record in every.records) == 25


@pytest.mark.slow
def test_u22_neither_preview_nor_dry_run_changes_a_byte_of_the_database(
    tmp_path: Path, portal: CkanPortal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("NACHUAN_ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.delenv("NACHUAN_DATABASE_URL", raising=False)
    portal.packages = many(3)
    main(["db", "upgrade"])
    main(["sources", "add", portal.url, "--kind", "ckan", "--id", "p", "--title", "P"])

    def written() -> list[str]:
        with sqlite3.connect(tmp_path / "nachuan.db") as database:
            return list(database.iterdump())

    before = written()
    main(["sources", "preview", "p"])
    main(["harvest", "p", "--dry-run"])
    assert written() == before
    assert "p: 3 records, 3 usable; nothing was written" in capsys.readouterr().out


def test_u23_what_is_gone_is_archived_after_the_grace_and_comes_back_as_it_was(
    any_catalog: Catalog, portal: CkanPortal
) -> None:
    place = source("ckan", portal.url, guard=Guard(grace_days=7))
    start = datetime.now(UTC)
    portal.packages = many(8)
    harvested(any_catalog, place, full=True)
    id = dataset(any_catalog, "007").id
    portal.packages = many(7)
    kinds = []
    for day in (1, 5, 9, 12):
        with time_machine.travel(start + timedelta(days=day)):
            if day == 12:
                portal.packages = many(8)
            harvested(any_catalog, place, full=True)
            kinds.append(states(any_catalog)["007"])
    assert kinds == ["missing", "missing", "retired", "current"]
    assert dataset(any_catalog, "007").id == id
    assert [change.kind for change in reversed(any_catalog.history(id))] == [
        ChangeKind.ADDED,
        ChangeKind.MISSING,
        ChangeKind.RETIRED,
        ChangeKind.RESTORED,
    ]


@pytest.mark.parametrize("kind", ["ckan", "datajson", "dcat"])
def test_u24_i66_of_one_id_met_twice_one_is_kept_and_each_repeat_said(
    catalog: Catalog, portal: CkanPortal, documents: Documents, kind: str
) -> None:
    """Ours: the run is complete; what repeats is counted, and the second harvest changes nothing.

    CKAN's repeats come from a list that moves, so that its connector passes over them; RDF cannot say a thing twice,
    so there two titles of one dataset are one dataset.
    """
    portal.packages = [package("a", title="first"), package("b"), package("a", title="second")]
    entries = [
        {"identifier": key, "title": title} for key, title in (("a", "first"), ("b", "B"), ("a", "second"))
    ]
    documents.put("/data.json", {"dataset": entries})
    prefixes = "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
    said = "".join(
        f'<urn:x:{key}> a dcat:Dataset ; dct:title "{title}" .\n'
        for key, title in (("a", "first"), ("b", "B"))
    )
    documents.put("/catalog.ttl", (prefixes + said + '<urn:x:a> dct:title "second" .').encode())
    url = {
        "ckan": portal.url,
        "datajson": f"{documents.url}/data.json",
        "dcat": f"{documents.url}/catalog.ttl",
    }[kind]
    run = harvested(catalog, source(kind, url))
    assert (
        run.counts
        == {
            "ckan": Counts(listed=2, added=2),
            "datajson": Counts(listed=3, added=2, duplicate=1),
            "dcat": Counts(listed=2, added=2),
        }[kind]
    )
    assert len(datasets(catalog)) == 2
    assert "first" in {made.title for made in datasets(catalog).values()}
    newest = catalog.last_change()
    assert harvested(catalog, source(kind, url), full=True).counts.updated == 0
    assert catalog.last_change() == newest


@pytest.mark.parametrize("key", ["42", "http://data.test/dataset/42"], ids=["plain", "URI"])
def test_u25_i68_the_same_id_at_two_sources_is_two_datasets(
    any_catalog: Catalog, documents: Documents, key: str
) -> None:
    """Ours: of a URI as of any id: no source can take over what another gave; one retired leaves the other."""
    documents.put("/a.json", {"dataset": [{"identifier": key, "title": "here"}]})
    documents.put("/b.json", {"dataset": [{"identifier": key, "title": "there"}]})
    for id in "ab":
        harvested(any_catalog, source("datajson", f"{documents.url}/{id}.json", id=id, guard=NO_GRACE))
    assert dataset(any_catalog, key, "a").title == "here" and dataset(any_catalog, key, "b").title == "there"
    documents.put("/a.json", {"dataset": [{"identifier": "other", "title": "else"}]})
    harvested(any_catalog, source("datajson", f"{documents.url}/a.json", id="a", guard=NO_GRACE))
    assert (states(any_catalog, "a")[key], states(any_catalog, "b")[key]) == ("retired", "current")


def test_u26_no_more_than_the_source_wants_is_taken_and_the_rest_not_retired(
    catalog: Catalog, portal: CkanPortal
) -> None:
    portal.packages = many(20)
    harvested(catalog, source("ckan", portal.url, guard=NO_GRACE))
    run = harvested(catalog, source("ckan", portal.url, guard=NO_GRACE, max_records=5), full=True)
    assert (run.outcome, run.mode) == (Outcome.COMPLETE, RunMode.INCREMENTAL)
    assert run.counts.listed == 5 and len(datasets(catalog)) == 20
    assert errors(catalog, run) == []
    assert (
        json.loads((catalog.raw(dataset(catalog, "000").id) or pytest.fail("no raw record")).body)["id"]
        == "000"
    )
