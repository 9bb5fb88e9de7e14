"""DKAN, version 1 and 2, read over a real connection by whichever of its interfaces holds most."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from harvester import crosswalk
from harvester.connectors.dkan import records
from harvester.errors import PagingBroken, PortalAnsweredError, PortalNotUnderstood
from harvester.http import Http
from harvester.records import Listing, RawRecord
from portal.catalog.model import Dataset, Issue, Source
from tests.fixtures import FIXTURES, needs_fixtures
from tests.hostile import HostileServer, Script, Talk, answer, conditional, html_as_json, json_answer

METASTORE = "/api/1/metastore/schemas/dataset/items"
PACKAGE_LIST = "/api/3/action/package_list"
PACKAGE_SHOW = "/api/3/action/package_show"
PACKAGES = "/api/3/action/current_package_list_with_resources"


class Reading(NamedTuple):
    """All that the connector gave, what became of it, and what it asked for."""

    datasets: list[Dataset]
    issues: list[Issue]
    listing: Listing
    asked: list[str]

    @property
    def keys(self) -> list[str]:
        return [dataset.source_key for dataset in self.datasets]


def way_out(**options: Any) -> Http:
    return Http(requests_per_second=math.inf, allow_private=[ip_network("127.0.0.0/8")], **options)


def read(scripts: Mapping[str, Script], http: Http | None = None, **options: Any) -> Reading:
    nothing = answer("not found", status=404)
    found = dict.fromkeys((METASTORE, "/data.json", PACKAGE_LIST, PACKAGE_SHOW, PACKAGES), nothing) | dict(scripts)
    datasets: list[Dataset] = []
    issues: list[Issue] = []
    with HostileServer(found) as portal, http or way_out() as out:
        source = Source(id="dkan", title="DKAN", kind="dkan", url=portal.url + "/", options=options)
        listing = records(source, out, None)
        while True:
            try:
                item = next(listing)
            except StopIteration as end:
                return Reading(datasets, issues, end.value, [urlsplit(path).path for path in portal.paths])
            if isinstance(item, RawRecord):
                dataset, remarks = crosswalk.to_dataset(item, source)
                datasets += [dataset] if dataset else []
                issues += remarks
            else:
                issues.append(item)


def dataset(key: str, **members: Any) -> dict[str, Any]:
    return {
        "identifier": key, "title": f"数据集 {key}", "description": "d", "keyword": ["k"], "modified": "2024-01-01",
        "publisher": {"name": "P"}, "contactPoint": {"fn": "F", "hasEmail": "mailto:a@example.cn"},
        "accessLevel": "public", **members,
    }


def package(key: str, **members: Any) -> dict[str, Any]:
    return {"id": key, "name": key, "title": f"数据集 {key}", "notes": "n", "resources": [], **members}


def actions(packages: list[dict[str, Any]], *, page_size: int = 100, nested: bool = True) -> dict[str, Script]:
    """The CKAN-like side of a DKAN 1, whose answers are lists even where CKAN's are not."""

    def show(talk: Talk) -> None:
        (wanted,) = parse_qs(urlsplit(talk.seen.target).query)["id"]
        found = [each for each in packages if each["id"] == wanted]
        json_answer({"help": "h", "success": True, "result": found}, status=200 if found else 404)(talk)

    def listing(talk: Talk) -> None:
        query = parse_qs(urlsplit(talk.seen.target).query)
        start = int(query["offset"][0])
        page = packages[start:start + min(page_size, int(query["limit"][0]))]
        json_answer({"help": "h", "success": True, "result": [page] if nested else page})(talk)

    names = json_answer({"help": "h", "success": True, "result": [each["id"] for each in packages]})
    return {PACKAGE_LIST: names, PACKAGE_SHOW: show, PACKAGES: listing}


def test_dkan_2_is_read_by_its_metastore_in_one_request() -> None:
    reading = read({METASTORE: json_answer([dataset("a"), dataset("b")]), "/data.json": json_answer({"dataset": []})})
    assert (reading.keys, reading.issues, reading.listing) == (["a", "b"], [], Listing())
    assert reading.asked == [METASTORE]


def test_dkan_1_is_read_by_its_data_json() -> None:
    reading = read({"/data.json": json_answer({"dataset": [dataset("a"), dataset("b")]}), **actions([package("a")])})
    assert (reading.keys, reading.issues) == (["a", "b"], [])
    assert reading.asked == [METASTORE, "/data.json", PACKAGE_LIST]


def test_fault_43_the_richer_of_data_json_and_package_list_decides() -> None:
    """data.json holds fewer than the portal lists: the others are read one by one, and none is read twice."""
    packages = [package(key) for key in "abcd"]
    http = way_out()
    document = conditional(json.dumps({"dataset": [dataset("a"), dataset("c")]}).encode(), etag='"1"')
    assert read({"/data.json": document, **actions(packages)}, http).keys == ["a", "c", "b", "d"]
    # That data.json has not changed would say nothing about b and d.
    assert http.seen_validators == {}
    richer = json_answer({"dataset": [dataset(key) for key in "abcdef"]})
    reading = read({"/data.json": richer, **actions(packages)})
    assert reading.keys == list("abcdef")
    assert PACKAGE_SHOW not in reading.asked


def test_fault_43_short_names_for_the_same_datasets_are_not_taken_for_others() -> None:
    scripts = {"/data.json": json_answer({"dataset": [dataset("a"), dataset("b")]}), **actions([])}
    scripts[PACKAGE_LIST] = json_answer({"success": True, "result": ["short-a", "short-b"]})
    reading = read(scripts)
    assert (reading.keys, PACKAGE_SHOW in reading.asked) == (["a", "b"], False)


def test_a_listed_dataset_that_cannot_be_shown_is_named_and_the_others_are_read() -> None:
    scripts = actions([package("a"), package("b")])
    scripts[PACKAGE_LIST] = json_answer({"success": True, "result": ["a", "gone", "b"]})
    reading = read({"/data.json": json_answer({"dataset": [dataset("a")]}), **scripts})
    assert reading.keys == ["a", "b"]
    assert [(issue.code, issue.source_key) for issue in reading.issues] == [("record.not-usable", "gone")]


@pytest.mark.parametrize("nested", [True, False])
def test_dkan_1_without_data_json_is_read_by_its_actions_page_by_page(nested: bool) -> None:
    packages = [package(f"p{number}") for number in range(250)]
    reading = read(actions(packages, nested=nested))
    assert reading.keys == [f"p{number}" for number in range(250)]
    assert reading.listing == Listing(declared=250)
    assert reading.asked.count(PACKAGES) == 3


def test_fault_54_pages_shorter_than_asked_for_are_advanced_by_what_came() -> None:
    packages = [package(f"p{number}") for number in range(25)]
    reading = read(actions(packages, page_size=10))
    assert (len(reading.keys), len(set(reading.keys))) == (25, 25)


def test_fault_55_a_portal_that_ignores_the_offset_is_found_out() -> None:
    scripts = actions([package(f"p{number}") for number in range(5)])
    scripts[PACKAGES] = json_answer({"success": True, "result": [[package("p0"), package("p1")]]})
    with pytest.raises(PagingBroken, match="a page repeats an earlier one"):
        read(scripts)


def test_fault_56_a_listing_that_ends_early_keeps_the_number_that_was_declared() -> None:
    scripts = actions([package(f"p{number}") for number in range(5)])
    scripts[PACKAGE_LIST] = json_answer({"success": True, "result": [f"p{number}" for number in range(9)]})
    reading = read(scripts)
    assert (len(reading.keys), reading.listing.declared) == (5, 9)


def test_the_operator_may_name_the_interface() -> None:
    scripts = actions([package("c")])
    scripts |= {METASTORE: json_answer([dataset("m")]), "/data.json": json_answer([dataset("d")])}
    scripts[PACKAGE_SHOW] = answer(status=404)
    assert {api: read(scripts, api=api).keys for api in ("metastore", "datajson", "ckan")} == {
        "metastore": ["m"], "datajson": ["d"], "ckan": ["c"],
    }
    with pytest.raises(PortalNotUnderstood, match="options.api is one of metastore, datajson, ckan"):
        read(scripts, api="graphql")


def test_html_in_place_of_an_interface_is_no_interface() -> None:
    page, document = html_as_json(), json_answer({"dataset": [dataset("a")]})
    assert read({METASTORE: page, "/data.json": document, PACKAGE_LIST: page}).keys == ["a"]


def test_a_portal_without_any_interface_is_refused_with_what_each_said() -> None:
    with pytest.raises(PortalNotUnderstood, match="no interface of DKAN answers") as told:
        read({})
    assert told.value.seen is not None
    assert [part.partition(":")[0] for part in told.value.seen.split("; ")] == ["metastore", "datajson", "ckan"]


def test_an_interface_that_fails_is_not_taken_for_one_that_is_absent() -> None:
    document = json_answer({"dataset": [dataset("a")]})
    with pytest.raises(PortalAnsweredError) as told:
        read({METASTORE: json_answer({}, status=500), "/data.json": document}, way_out(sleep=lambda seconds: None))
    assert told.value.status == 500


def test_fault_24_success_false_is_an_error_in_the_portals_words() -> None:
    refusal = json_answer({"success": False, "error": {"message": "Access denied", "__type": "Authorization Error"}})
    with pytest.raises(PortalAnsweredError, match="Access denied"):
        read({PACKAGE_LIST: json_answer({"success": True, "result": ["a"]}), PACKAGES: refusal}, api="ckan")


def test_an_unchanged_data_json_costs_one_request() -> None:
    document = json.dumps({"dataset": [dataset("a")]}).encode()
    with HostileServer({"/data.json": conditional(document, etag='"1"'), PACKAGE_LIST: answer(status=404)}) as portal:
        source = Source(id="dkan", title="DKAN", kind="dkan", url=portal.url, options={"api": "datajson"})
        with way_out() as first:
            assert len(list(records(source, first, None))) == 1
            known = dict(first.seen_validators)
        with way_out(validators=known) as second, pytest.raises(StopIteration) as end:
            next(records(source, second, None))
        assert (end.value.value, second.requests) == (Listing(not_modified=True), 1)


@needs_fixtures
def test_u11_the_french_dkan_whose_result_is_a_list_is_read() -> None:
    shown = (FIXTURES / "ckan" / "udata" / "dkan-french-w-license.json").read_bytes()
    key = "04be6288-696d-4331-850d-a144871a7e3a"
    names = json_answer({"success": True, "result": [key]})
    empty = json_answer({"dataset": []})
    (made,) = read({"/data.json": empty, PACKAGE_LIST: names, PACKAGE_SHOW: answer(shown)}).datasets
    assert made.source_key == key
    assert made.title == "Antennes régionales de la Région Hauts-de-France (au 01/10/2019)"
    assert made.issued == datetime(2019, 12, 10, 1, 23, tzinfo=UTC)
    # metadata_modified is written plainly; "Date changed  jeu, 19/12/2019" is that of the resources.
    assert made.modified == datetime(2019, 9, 30, 14, tzinfo=UTC)
    assert [file.format for file in made.distributions] == ["xlsx", None]
    assert made.distributions[0].size_bytes == 42
    assert made.licence_raw == "http://www.etalab.gouv.fr/pages/Licence_ouverte_Open_licence-5899923.html"
    assert (made.keywords[:2], len(made.keywords)) == (("ADMINISTRATION", "ADRESSE"), 13)


@needs_fixtures
def test_g16_dkans_own_sample_is_read_whole() -> None:
    template = (FIXTURES / "dcat_us" / "dkan" / "sample_content.template.json").read_bytes()
    reading = read({"/data.json": answer(template.replace(b"file:\\/\\/<!*path*!>", b"https:\\/\\/example.cn"))})
    assert (len(reading.keys), len(set(reading.keys)), reading.issues) == (10, 10, [])
    assert reading.datasets[0].places[0].name == "Florida"


def test_the_options_of_a_dkan_source_are_checked_for_both_its_shapes() -> None:
    plain = Source(id="d", title="D", kind="dkan", url="https://data.example.cn")
    crosswalk.check(plain)
    for field, lacking in (("rows", "datajson"), ("version", "dkan")):
        with pytest.raises(ValueError, match=f"crosswalk of {lacking} has no field '{field}'"):
            crosswalk.check(msgspec.structs.replace(plain, options={"crosswalk": {field: "x"}}))
