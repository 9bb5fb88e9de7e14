"""The catalogue in the native API: everything is met once however it is cut, and agrees with the catalogue and the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from portal.catalog.model import Issue, Outcome, Publisher, RecordType, RunMode
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from tests.portal.web.town import HANGZHOU, build, client_of, dataset_of, made

API = "/api/v1"


def asked(client: FlaskClient, address: str) -> dict[str, Any]:
    """What an address answers."""
    response = client.get(address)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found


def pages(client: FlaskClient, address: str) -> Iterator[dict[str, Any]]:
    """An answer and all that its ``next`` leads to."""
    following: str | None = address
    while following is not None:
        found = asked(client, following)
        yield found
        following = found.get("next")


def ids(page: dict[str, Any]) -> list[str]:
    """The datasets of an answer."""
    return [one["dataset"]["id"] for one in page["datasets"]]


def put(catalog: Catalog, *keys: str, **fields: Any) -> None:
    """A batch of a harvest."""
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([made(key, **fields) for key in keys])
    catalog.sources.release(lease)


def retire(catalog: Catalog, *keys: str) -> None:
    """Datasets that go."""
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.retire([dataset_of(key) for key in keys], "missing")
    catalog.sources.release(lease)


@pytest.mark.parametrize("search", [
    "", "appearances=once", "theme=transport", "q=公交 线路", "region=330000&publisher=water&publisher=roads", "fresh=12m",
    "theme=nonesuch", "source=riverton&appearances=once",
])
@pytest.mark.parametrize("limit", [1, 4, 200])
def test_by_its_links_a_search_is_read_whole_and_as_the_export_has_it(
    client: FlaskClient, search: str, limit: int
) -> None:
    read = list(pages(client, f"{API}/datasets?{search}&limit={limit}"))
    met = [id for page in read for id in ids(page)]
    exported = [json.loads(line) for line in client.get(f"/datasets.jsonl?{search}").get_data().splitlines()]
    assert met == sorted(one["dataset"]["id"] for one in exported)
    assert [one for page in read for one in page["datasets"]] == sorted(exported, key=lambda one: one["dataset"]["id"])
    assert {page["total"] for page in read} == {len(met)}
    assert all(len(page["datasets"]) == limit for page in read[:-1])


@pytest.mark.parametrize("search", ["", "q=公交", "theme=transport&appearances=once"])
def test_what_is_there_all_along_is_met_once_while_harvests_run(catalog: Catalog, search: str) -> None:
    build(catalog)
    index = MemoryIndex()
    catch_up(catalog, index)
    client = client_of(catalog, index)
    stays = {id for page in pages(client, f"{API}/datasets?{search}") for id in ids(page)}
    met: list[str] = []
    for number, page in enumerate(pages(client, f"{API}/datasets?{search}&limit=3")):
        met += ids(page)
        put(catalog, f"aa{number}", f"bus9{number}", f"zz{number}", title=f"公交 {number}", themes=("transport",))
        put(catalog, "bus3", title=f"公交线路 3 改 {number}", themes=("transport",), region="330102")
        if number < 3:
            gone = f"bus{number + 20}"
            retire(catalog, gone)
            stays -= {dataset_of(gone)}
        catch_up(catalog, index)
    assert len(met) == len(set(met))
    assert stays <= set(met) and len(stays) > 20


def test_services_and_tombstones_are_no_datasets(catalog: Catalog) -> None:
    build(catalog)
    put(catalog, "service", record_type=RecordType.SERVICE)
    client = client_of(catalog)
    met = {id for page in pages(client, f"{API}/datasets?limit=2") for id in ids(page)}
    assert not met & {dataset_of("service"), dataset_of("gone")} and dataset_of("broken") in met


def test_the_whole_catalogue_needs_no_index_and_a_search_waits_for_it(town: Catalog) -> None:
    client = client_of(town, MemoryIndex())
    assert len(asked(client, f"{API}/datasets?limit=200")["datasets"]) == 30
    response = client.get(f"{API}/datasets?theme=transport")
    assert (response.status_code, response.mimetype) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0


def test_a_record_is_as_the_published_schema_says(client: FlaskClient) -> None:
    schema = json.loads(files("schemas").joinpath("dataset.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema)
    found = asked(client, f"{API}/datasets?limit=200")["datasets"]
    assert len(found) == 30
    assert [error.message for one in found for error in validator.iter_errors(one["dataset"])] == []


def test_one_dataset_is_what_its_own_address_says_also_when_it_is_gone(client: FlaskClient) -> None:
    for key, status in (("1", 200), ("gone", 410)):
        here, there = client.get(f"{API}/datasets/{dataset_of(key)}"), client.get(f"/datasets/{dataset_of(key)}.json")
        assert here.status_code == there.status_code == status
        assert here.get_json() == there.get_json()
    assert client.get(f"{API}/datasets/{dataset_of('gone')}").get_json()["life"]["retired_because"] == "withdrawn"


def test_publishers_are_those_who_publish_with_their_numbers(client: FlaskClient) -> None:
    read = list(pages(client, f"{API}/publishers?limit=1"))
    found = [one for page in read for one in page["publishers"]]
    assert [one["publisher"]["id"] for one in found] == ["roads", "water"] and len(read) == 2
    figures = [(one["datasets"], one["entries"], one["source_id"]) for one in found]
    assert figures == [(1, 1, "riverton"), (26, 26, "hangzhou")]
    assert asked(client, f"{API}/publishers/water") == found[1]
    (only,) = asked(client, f"{API}/publishers?q=杭州 水务")["publishers"]
    assert only == found[1]
    assert asked(client, f"{API}/publishers?q=nobody") == {"total": 0, "publishers": []}
    address = found[1]["links"]["datasets"].removeprefix("http://localhost")
    assert asked(client, address)["total"] == found[1]["entries"]


def test_a_publisher_that_has_nothing_any_more_is_found_by_its_id(catalog: Catalog) -> None:
    build(catalog)
    put(catalog, "only", publisher=Publisher(id="short", name="短命局"))
    retire(catalog, "only")
    client = client_of(catalog)
    found = asked(client, f"{API}/publishers/short")
    assert (found["publisher"]["name"], found["datasets"], found["entries"]) == ("短命局", 0, 0)
    assert "short" not in {one["publisher"]["id"] for one in asked(client, f"{API}/publishers")["publishers"]}


def test_regions_are_all_there_are_and_what_is_not_known_of_one_is_not_said(client: FlaskClient) -> None:
    read = list(pages(client, f"{API}/regions?limit=1000"))
    found = {one["code"]: one for page in read for one in page["regions"]}
    assert len(found) == read[0]["total"] > 3000
    assert list(found) == sorted(found)
    assert (found["330100"]["own"], found["330100"]["datasets"], found["330100"]["is_read"]) == (1, 26, True)
    assert found["330100"]["name"] == {"zh": "杭州市", "en": "Hangzhou"} and found["330100"]["parent"] == "330000"
    assert not found["440000"]["is_read"] and not {"own", "datasets"} & set(found["440000"])
    assert (found["330102"]["own"], found["330102"]["level"]) == (25, "county")
    # A district of a city whose portal was read, of which there is nothing: that is known.
    assert (found["330106"]["own"], found["330106"]["datasets"]) == (0, 0)


def test_a_region_has_its_parts_and_those_that_hold_it(client: FlaskClient) -> None:
    found = asked(client, f"{API}/regions/330100")
    assert [one["code"] for one in found["within"]] == ["330000"]
    parts = asked(client, f"{API}/regions?parent=330100")["regions"]
    assert found["parts"] == parts and "330102" in {one["code"] for one in parts}
    # Of its parts one has the 25 that it has not itself.
    assert found["region"]["datasets"] == found["region"]["own"] + sum(one["datasets"] for one in parts)
    assert found["sources"] == ["hangzhou", "later"]
    assert asked(client, f"{API}/regions?parent=nonesuch") == {"total": 0, "regions": []}


def test_sources_say_how_they_stand(client: FlaskClient) -> None:
    found = asked(client, f"{API}/sources")
    assert found["total"] == 3
    assert [(one["id"], one["health"], one["datasets"]) for one in found["sources"]] == [
        ("hangzhou", "good", 29), ("later", "waiting", 0), ("riverton", "held", 1),
    ]
    hangzhou, later, riverton = found["sources"]
    assert hangzhou["last_run"]["counts"]["listed"] == 32 and hangzhou["last_success"] == hangzhou["last_run"]["finished"]
    assert "last_run" not in later and "last_success" not in riverton
    assert asked(client, f"{API}/sources/riverton") == riverton


def test_how_a_source_is_asked_is_nobodys_business(catalog: Catalog) -> None:
    build(catalog)
    catalog.sources.put(replace(HANGZHOU, options={"headers": {"Authorization": "a secret word"}}))
    client = client_of(catalog)
    for address in (f"{API}/sources", f"{API}/sources/hangzhou"):
        told = client.get(address).get_data(as_text=True)
        assert "options" not in told and "a secret word" not in told


def test_the_runs_of_a_source_come_newest_first_also_of_one_that_was_removed(catalog: Catalog) -> None:
    build(catalog)
    for _ in range(4):
        run = catalog.runs.start("hangzhou", RunMode.FULL, "test")
        catalog.runs.save(replace(run, finished=datetime.now(UTC), outcome=Outcome.FAILED, cause="harvest.failed"))
    client = client_of(catalog)
    read = list(pages(client, f"{API}/sources/hangzhou/runs?limit=2"))
    met = [one for page in read for one in page["runs"]]
    assert [one["id"] for one in met] == [one.id for one in catalog.runs.recent("hangzhou")] and len(read) == 3
    assert (met[0]["outcome"], met[0]["cause"], met[-1]["id"]) == ("failed", "harvest.failed", 1)
    catalog.sources.remove("hangzhou")
    assert [one for page in pages(client, f"{API}/sources/hangzhou/runs") for one in page["runs"]] == met
    assert client.get(f"{API}/sources/hangzhou").status_code == 404


def test_a_run_says_what_was_wrong_and_one_under_way_has_no_end(client: FlaskClient) -> None:
    found = asked(client, f"{API}/runs/1")
    assert found["run"]["counts"]["added"] == 29 and found["run"]["declared"] == 33
    assert {one["code"]: (one["severity"], one["count"]) for one in found["issues"]} == {
        "field.not-understood": ("warning", 1), "record.title-missing": ("error", 1),
    }
    under_way = asked(client, f"{API}/runs/3")["run"]
    assert not {"finished", "outcome", "cause"} & set(under_way)


def test_issues_are_met_once_in_both_languages_without_those_for_operators(catalog: Catalog) -> None:
    build(catalog)
    run = catalog.runs.get(1)
    catalog.runs.add_issues(run, [
        (dataset_of("1"), Issue(code=code, field="columns", seen=f"{number}"))
        for number in range(5) for code in ("field.not-understood", "record.personal-data-suspected")
    ])
    client = client_of(catalog)
    read = list(pages(client, f"{API}/runs/1/issues?limit=3"))
    met = [one for page in read for one in page["issues"]]
    assert len(met) == len({one["id"] for one in met}) == 7 == read[0]["total"]
    assert {one["code"] for one in met} == {"field.not-understood", "record.title-missing"}
    assert "逢年过节" in met[0]["text"]["zh"] + met[0]["seen"] and met[0]["text"]["zh"] != met[0]["text"]["en"]
    only = asked(client, f"{API}/runs/1/issues?issue=record.title-missing")
    assert (only["total"], [one["code"] for one in only["issues"]]) == (1, ["record.title-missing"])
    hidden = asked(client, f"{API}/runs/1/issues?issue=record.personal-data-suspected")
    assert hidden == {"total": 0, "issues": []}


@pytest.mark.parametrize("address", [
    "/datasets?limit=0", "/datasets?limit=201", "/datasets?after=%27", "/datasets?after=", "/datasets?sort=title",
    "/datasets?page=2", "/datasets?rows=2", "/datasets?appearances=twice", "/datasets?q=" + "长" * 501,
    "/publishers?limit=1001", "/publishers?q=" + "长" * 501, "/publishers?page=1", "/regions?after=", "/regions?parent=",
    "/sources?limit=1", "/sources/hangzhou/runs?before=0", "/sources/hangzhou/runs?before=x", "/runs/1/issues?after=x",
    "/runs/1?limit=1", "/datasets/x?limit=1",
])
def test_what_cannot_be_heeded_is_refused(client: FlaskClient, address: str) -> None:
    response = client.get(API + address)
    assert (response.status_code, response.mimetype) == (400, "application/problem+json"), response.get_data(as_text=True)
    assert "search." not in response.get_json()["detail"]


@pytest.mark.parametrize("address", ["/datasets", "/publishers", "/regions", "/sources", "/runs/1", "/runs/1/issues"])
def test_what_is_known_already_is_not_sent_again(client: FlaskClient, address: str) -> None:
    tag = client.get(API + address).headers["ETag"]
    again = client.get(API + address, headers={"If-None-Match": tag})
    assert (again.status_code, again.get_data()) == (304, b"")
