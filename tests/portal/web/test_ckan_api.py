"""The action API: CKAN's envelope, its errors, its packages, its lists; what is not heeded is told (fault W101)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.catalog.model import RecordType
from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from portal.web.ckan import arguments
from portal.web.ckan.actions import ACTIONS
from portal.web.ckan.searching import SORTS
from tests.catalogs import empty_catalog, filled
from tests.portal.web.town import HANGZHOU, client_of, dataset_of, made

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "ckan-api.md").read_text(encoding="utf-8")

WATER_QUALITY, GONE = dataset_of("1"), dataset_of("gone")


def asked(client: FlaskClient, action: str, status: int = 200, **arguments: Any) -> Any:
    """What an action answers, which is the same to an address and to a JSON body."""
    listed = {name: json.dumps(value) if isinstance(value, list) else value for name, value in arguments.items()}
    got = client.get(f"/api/3/action/{action}", query_string=listed)
    sent = client.post(f"/api/action/{action}", json=arguments)
    assert (got.status_code, sent.status_code) == (status, status), got.get_data(as_text=True)
    assert got.get_data() == sent.get_data()
    assert got.content_type == "application/json; charset=utf-8"
    document = got.get_json()
    assert document["help"] == f"http://localhost/api/3/action/help_show?name={action}"
    assert document["success"] is (status == 200)
    return document["result"] if status == 200 else document["error"]


def search(client: FlaskClient, **arguments: Any) -> Any:
    return asked(client, "package_search", **arguments)


def ids(found: Any) -> list[str]:
    return [shown["id"] for shown in found["results"]]


# Packages


def test_a_package_says_what_the_portal_said(client: FlaskClient) -> None:
    shown = asked(client, "package_show", id=WATER_QUALITY)
    assert {name: shown[name] for name in ("id", "name", "title", "url", "maintainer", "maintainer_email", "owner_org")} == {
        "id": WATER_QUALITY,
        "name": WATER_QUALITY,
        "title": "饮用水水源地水质监测",
        "url": "https://data.example.cn/dataset/1",
        "maintainer": "数据科",
        "maintainer_email": "data@example.cn",
        "owner_org": "water",
    }
    assert (shown["license_id"], shown["isopen"], shown["state"], shown["private"]) == ("cc-by-4.0", True, "active", False)
    assert [tag["name"] for tag in shown["tags"]] == ["水质", "监测"]
    assert [(group["name"], group["title"]) for group in shown["groups"]] == [("environment", "生态环境")]
    assert shown["organization"]["title"] == "杭州市水务局"
    assert [(one["name"], one["format"], one["url"], one["size"]) for one in shown["resources"]] == [
        ("水质.csv", "CSV", "https://data.example.cn/1.csv", 34_567),
        (None, "奇怪的格式", None, None),
    ]
    extras = {extra["key"]: extra["value"] for extra in shown["extras"]}
    assert (extras["source_id"], extras["source_key"], extras["region"], extras["frequency"]) == (
        "hangzhou", "1", "330100", "monthly",
    )  # fmt: skip
    assert [column["name"] for column in json.loads(extras["columns"])] == ["ph", "统一社会信用代码"]
    assert all(isinstance(value, str) for value in extras.values()) and len(extras) == len(shown["extras"])
    assert shown["title_translated"] == {
        "zh": "饮用水水源地水质监测", "en": "Water quality of drinking water sources",
    }  # fmt: skip


def test_what_the_portal_did_not_say_is_null_and_no_extra(client: FlaskClient) -> None:
    shown = asked(client, "package_show", id=dataset_of("bare"))
    silent = "author notes license_id license_title license_url isopen maintainer organization owner_org url version"
    assert {name: shown[name] for name in silent.split()} == dict.fromkeys(silent.split())
    assert (shown["tags"], shown["groups"], shown["resources"], shown["num_resources"]) == ([], [], [], 0)
    assert [extra["key"] for extra in shown["extras"]] == ["source_id", "source_key", "catalogue_page"]
    assert "title_translated" not in shown


def test_a_name_in_both_languages_is_in_that_of_the_address(client: FlaskClient) -> None:
    titles = {
        prefix: client.get(f"{prefix}/api/3/action/group_show?id=transport", headers={"Accept-Language": "en"}).get_json()
        for prefix in ("", "/zh", "/en")
    }
    assert {prefix: found["result"]["title"] for prefix, found in titles.items()} == {
        "": "交通运输", "/zh": "交通运输", "/en": "Transport",
    }  # fmt: skip


def test_a_withdrawn_dataset_is_not_found_and_the_message_leads_to_what_is_left_of_it(client: FlaskClient) -> None:
    error = asked(client, "package_show", 404, id=GONE)
    assert error["__type"] == "Not Found Error" and error["message"].endswith(f"/datasets/{GONE}")
    assert client.get(f"/datasets/{GONE}.json").status_code == 410
    assert GONE not in asked(client, "package_list") and GONE not in ids(search(client, rows=1000))


def test_missing_and_unusable_datasets_are_active_and_say_so(client: FlaskClient) -> None:
    for key, state in (("late", "missing"), ("broken", "unusable")):
        shown = asked(client, "package_show", id=dataset_of(key))
        assert shown["state"] == "active"
        assert {"key": "entry_state", "value": state} in shown["extras"]


def test_services_and_series_are_no_packages() -> None:
    catalog = empty_catalog()
    filled(catalog, made("api", record_type=RecordType.SERVICE), made("data"), source=HANGZHOU)
    browser = client_of(catalog)
    assert asked(browser, "package_list") == [dataset_of("data")]
    assert ids(search(browser, sort="id asc")) == ids(search(browser)) == [dataset_of("data")]
    assert search(browser, sort="id asc")["count"] == 1
    assert asked(browser, "package_show", 404, id=dataset_of("api"))["__type"] == "Not Found Error"
    assert len(asked(browser, "recently_changed_packages_activity_list")) == 1


def test_a_resource_is_found_by_its_id(client: FlaskClient) -> None:
    first = asked(client, "package_show", id=WATER_QUALITY)["resources"][0]
    assert asked(client, "resource_show", id=first["id"]) == first
    for id in (f"{WATER_QUALITY}-nobody", WATER_QUALITY, "-", f"{GONE}-x"):
        asked(client, "resource_show", 404, id=id)


# Errors


ERRORS: list[tuple[str, dict[str, Any], int, dict[str, Any]]] = [
    ("package_show", {"id": "nobody"}, 404, {"__type": "Not Found Error", "message": "Not found"}),
    ("package_show", {}, 409, {"__type": "Validation Error", "name_or_id": ["Missing value"]}),
    ("resource_show", {}, 409, {"__type": "Validation Error", "id": ["Missing value"]}),
    ("organization_show", {"id": "nobody"}, 404, {"__type": "Not Found Error", "message": "Not found"}),
    ("group_show", {"id": "nobody"}, 404, {"__type": "Not Found Error", "message": "Not found"}),
    ("tag_show", {"id": "nobody"}, 404, {"__type": "Not Found Error", "message": "Not found"}),
    ("help_show", {"name": "nobody"}, 404, {"__type": "Not Found Error", "message": "Not found: Action function not found"}),
    ("package_search", {"rows": "x"}, 409, {"__type": "Validation Error", "rows": ["Invalid integer"]}),
    ("package_search", {"start": -1}, 409, {"__type": "Validation Error", "start": ["Must be a natural number"]}),
    ("package_search", {"facet.field": "[x"}, 409,
     {"__type": "Validation Error", "facet.field": ["Could not parse as valid JSON"]}),
    ("package_list", {"limit": -1}, 409, {"__type": "Validation Error", "limit": ["Must be a natural number"]}),
    ("package_autocomplete", {}, 409, {"__type": "Validation Error", "q": ["Missing value"]}),
    ("organization_list", {"sort": "age"}, 409, {"__type": "Validation Error", "message": "Cannot sort by field `age`"}),
    ("tag_list", {"vocabulary_id": "v"}, 404,
     {"__type": "Not Found Error", "message": "Not found: could not find vocabulary 'v'"}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "arguments", "status", "error"), ERRORS)
def test_w101_an_error_is_in_ckans_words(
    client: FlaskClient, action: str, arguments: dict[str, Any], status: int, error: dict[str, Any]
) -> None:
    assert asked(client, action, status, **arguments) == error


REFUSED: list[dict[str, Any]] = [
    {"fq": "nobody:1"}, {"fq": "extras_metadata_modified:[2026-01-01T00:00:00Z TO *]"}, {"fq_list": ["tags:a", "title:b"]},
    {"q": "title:water"}, {"q": "wat* tags:a"}, {"nobody": 1}, {"qf": "title"}, {"bf": "x"}, {"defType": "edismax"},
    {"sort": "views_recent desc"}, {"sort": "metadata_modified desc, title_string asc"},
    {"q": "water", "sort": "score asc"}, {"sort": "score x"},
    {"q": "water", "sort": "score desc, title_string asc"}, {"facet.field": ["nobody"]}, {"facet.field": ["title"]},
    {"fq_list": [f"tags:a{number}" for number in range(2600)]},
    {"facet.field": ["tags"], "facet.mincount": 0}, {"fl": ["resources"]}, {"start": 2_000_000}, {"q": "x" * 1100},
]  # fmt: skip


@pytest.mark.parametrize("arguments", REFUSED, ids=str)
def test_w101_a_search_that_cannot_be_answered_exactly_is_refused_never_ignored(
    client: FlaskClient, arguments: dict[str, Any]
) -> None:
    error = asked(client, "package_search", 400, **arguments)
    assert error["__type"] == "Search Query Error" and error["message"].startswith("Search Query is invalid: ")


def test_w101_a_parameter_that_another_action_does_not_heed_is_listed_as_ignored(client: FlaskClient) -> None:
    for action in sorted(set(ACTIONS) - {"package_search"}):
        given = {"id": WATER_QUALITY, "q": "水", "query": "水", "name": "site_read", "include_password_hash": "true"}
        document = client.get(f"/api/3/action/{action}", query_string=given).get_json()
        if document["success"]:
            assert document["ignored"] == [name for name in given if name not in ACTIONS[action].parameters], action
    assert "ignored" not in client.get("/api/3/action/site_read").get_json()


@pytest.mark.parametrize("path", ["/api/3/action/nobody", "/api/action/package_create", "/en/api/3/action/datastore_search"])
def test_w101_an_unknown_action_is_refused(client: FlaskClient, path: str) -> None:
    for response in (client.get(path), client.post(path, json={})):
        assert response.status_code == 400
        assert response.get_json() == f"Bad request: Action name not known: {path.rpartition('/')[2]}"


BODIES = (b"{", b"[]", b'"x"', b"1", b'{"id": "a\\u0000b"}', b'{"id": "\\ud800"}', b'{"a":' * 5000, b"[" * 100_000, b"\xff")


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
def test_w101_a_body_that_is_no_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    response = client.post("/api/3/action/package_show", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.get_json().startswith("Bad request: JSON Error: ")


def test_arguments_come_in_a_form_too(client: FlaskClient) -> None:
    path = "/api/3/action/package_show"
    curl = client.post(path, data=json.dumps({"id": WATER_QUALITY}), content_type="application/x-www-form-urlencoded")
    form = client.post(path, data={"id": WATER_QUALITY})
    assert curl.status_code == form.status_code == 200
    assert curl.get_json() == form.get_json() == client.get(f"{path}?id={WATER_QUALITY}").get_json()
    assert client.post("/api/3/action/site_read").get_json()["result"] is True


def test_without_an_index_a_search_says_so_and_what_needs_none_is_there(town: Catalog) -> None:
    browser = client_of(town, MemoryIndex())
    refused = browser.get("/api/3/action/package_search?q=x")
    assert refused.status_code == 503 and refused.headers["Retry-After"]
    assert refused.get_json()["error"]["__type"] == "Search Connection Error" and not refused.get_json()["success"]
    assert len(ids(search(browser, rows=1000, sort="id asc"))) == 30
    assert len(asked(browser, "package_list")) == 30 and asked(browser, "package_show", id=WATER_QUALITY)


# Searches


def test_rows_are_ten_and_never_more_than_a_thousand() -> None:
    catalog = empty_catalog()
    filled(catalog, *(made(f"{number:04}") for number in range(1005)), source=HANGZHOU)
    browser = client_of(catalog)
    for sort in ("id asc", "metadata_modified desc"):
        assert [len(ids(search(browser, sort=sort, **rows))) for rows in ({}, {"rows": 5000}, {"rows": 0})] == [10, 1000, 0]
        assert search(browser, sort=sort, rows=0)["count"] == 1005
        assert len(ids(search(browser, sort=sort, rows=1000, start=1000))) == 5


def test_words_fields_and_lists_of_fields_narrow_each_other(client: FlaskClient) -> None:
    assert ids(search(client, q="饮用水")) == ids(search(client, q='tags:"水质"')) == [WATER_QUALITY]
    assert ids(search(client, q="饮用水", fq="organization:roads")) == []
    assert search(client, q="公交", fq="groups:transport")["count"] == 25
    assert search(client, fq_list=["groups:transport", "-organization:water"])["count"] == 0
    assert search(client, q="*:*")["count"] == search(client)["count"] == search(client, q="")["count"] == 30


def test_metadata_modified_is_ours_and_its_range_is_exact(client: FlaskClient) -> None:
    newest = search(client, sort="metadata_modified desc", rows=1)["results"][0]["metadata_modified"]
    assert search(client, fq=f"metadata_modified:[{newest}Z TO *]")["count"] >= 1
    assert search(client, fq="metadata_modified:[2999-01-01T00:00:00Z TO *]")["count"] == 0
    every = search(client, rows=1000)["results"]
    before = sum(shown["metadata_modified"] < newest for shown in every)
    assert search(client, fq=f"metadata_modified:[* TO {newest}Z}}")["count"] == before
    assert search(client, fq="metadata_created:[NOW-1DAY TO NOW+1DAY]")["count"] == 30


@pytest.mark.parametrize("sort", [sort for sort in SORTS if not sort.startswith("score")])
def test_every_order_sorts_by_what_it_says(client: FlaskClient, sort: str) -> None:
    found = search(client, sort=sort, rows=1000)
    key, _, direction = sort.partition(" ")
    assert found["sort"] == sort and len(found["results"]) == 30
    if key != "title_string":
        values = [shown[key] for shown in found["results"]]
        assert values == sorted(values, reverse=direction == "desc")
    other = sort.replace("asc", "X").replace("desc", "asc").replace("X", "desc")
    assert ids(search(client, sort=other, rows=1000)) == ids(found)[::-1]


def test_facets_count_what_is_found(client: FlaskClient) -> None:
    fields = ["tags", "organization", "groups", "license_id", "res_format", "extras_source_id"]
    found = search(client, rows=0, **{"facet.field": fields})
    assert found["facets"] == {
        "tags": {"水质": 1, "监测": 1},
        "organization": {"water": 26, "roads": 1},
        "groups": {"transport": 25, "environment": 1},
        "license_id": {"cc-by-4.0": 1},
        "res_format": {"CSV": 1},
        "extras_source_id": {"hangzhou": 29, "riverton": 1},
    }
    assert found["search_facets"]["organization"] == {
        "title": "organization",
        "items": [
            {"name": "water", "display_name": "杭州市水务局", "count": 26},
            {"name": "roads", "display_name": "Department of Roads", "count": 1},
        ],
    }
    # What is chosen narrows its own counts too, as in Solr.
    narrowed = search(client, rows=0, fq="organization:roads", **{"facet.field": ["organization"]})
    assert narrowed["facets"] == {"organization": {"roads": 1}}
    for options, expected in (
        ({"facet.limit": 1}, {"water": 26}), ({"facet.mincount": 2}, {"water": 26}),
        ({"facet.limit": -1}, {"water": 26, "roads": 1}),
    ):  # fmt: skip
        assert search(client, rows=0, **{"facet.field": ["organization"], **options})["facets"]["organization"] == expected
    assert search(client, rows=0, facet="false", **{"facet.field": ["tags"]})["facets"] == {}


def test_every_value_counted_can_be_asked_for(client: FlaskClient) -> None:
    fields = ["tags", "organization", "groups", "license_id", "res_format", "extras_source_id", "extras_frequency",
              "extras_openness", "owner_org"]  # fmt: skip
    found = search(client, rows=0, **{"facet.field": fields})["facets"]
    assert all(found.values())
    for field, values in found.items():
        for value, count in values.items():
            assert search(client, rows=0, fq=f'{field}:"{value}"')["count"] == count, (field, value)


def test_fields_can_be_chosen(client: FlaskClient) -> None:
    found = search(client, q="饮用水", fl=["id", "title"])
    assert found["results"] == [{"id": WATER_QUALITY, "title": "饮用水水源地水质监测"}]


# Lists


def test_names_are_listed_page_by_page(client: FlaskClient) -> None:
    every = asked(client, "package_list")
    assert every == sorted(every) and len(every) == 30
    assert asked(client, "package_list", limit=7, offset=3) == every[3:10]
    assert asked(client, "package_list", offset=28) == every[28:]


def test_whole_packages_are_listed_newest_first(client: FlaskClient) -> None:
    found = asked(client, "current_package_list_with_resources", limit=1000)
    assert [one["id"] for one in found] == ids(search(client, rows=1000))
    assert asked(client, "current_package_list_with_resources", limit=4, offset=2) == found[2:6]
    assert asked(client, "current_package_list_with_resources", limit=4, page=2) == found[4:8]


def test_organisations_are_publishers(client: FlaskClient) -> None:
    assert asked(client, "organization_list") == ["roads", "water"]
    assert asked(client, "organization_list", sort="package_count desc") == ["water", "roads"]
    assert asked(client, "organization_list", organizations=["water"]) == ["water"]
    whole = asked(client, "organization_list", all_fields=True, limit=1)
    assert [(one["name"], one["title"], one["package_count"]) for one in whole] == [("roads", "Department of Roads", 1)]
    shown = asked(client, "organization_show", id="water", include_datasets=True)
    assert (shown["package_count"], len(shown["packages"]), shown["type"]) == (26, 10, "organization")
    assert {"key": "uscc", "value": "11330100002489518W"} in shown["extras"]
    assert asked(client, "organization_autocomplete", q="水务") == [{"id": "water", "name": "water", "title": "杭州市水务局"}]


def test_groups_are_themes(client: FlaskClient) -> None:
    assert {"transport", "environment", "health"} <= set(asked(client, "group_list"))
    shown = asked(client, "group_show", id="transport", include_datasets=True)
    assert (shown["package_count"], len(shown["packages"]), shown["is_organization"]) == (25, 25, False)
    assert asked(client, "group_show", id="health")["package_count"] == 0
    assert [one["name"] for one in asked(client, "group_autocomplete", q="交通")] == ["transport"]


def test_tags_are_keywords(client: FlaskClient) -> None:
    assert asked(client, "tag_list") == ["水质", "监测"]
    assert asked(client, "tag_list", query="水") == ["水质"]
    assert [tag["name"] for tag in asked(client, "tag_list", all_fields=True)] == ["水质", "监测"]
    assert asked(client, "tag_search", query="测") == {
        "count": 1, "results": [{"id": "监测", "name": "监测", "vocabulary_id": None}],
    }  # fmt: skip
    assert asked(client, "tag_search", query="") == {"count": 0, "results": []}
    assert asked(client, "tag_autocomplete", query="水") == ["水质"]
    shown = asked(client, "tag_show", id="水质", include_datasets=True)
    assert [one["id"] for one in shown["packages"]] == [WATER_QUALITY]
    assert asked(client, "vocabulary_list") == []


def test_licences_have_ckans_ids_where_it_has_one(client: FlaskClient) -> None:
    found = {one["id"]: one for one in asked(client, "license_list")}
    assert {"cc-zero", "odc-odbl", "odc-pddl", "uk-ogl", "notspecified", "cc-by-4.0", "ogdl-taiwan-1.0"} <= set(found)
    assert {"cc0", "odbl", "pddl"}.isdisjoint(found)
    assert found["cc-zero"]["is_okd_compliant"] is True and found["notspecified"]["is_okd_compliant"] is not True


def test_what_is_typed_is_completed(client: FlaskClient) -> None:
    found = asked(client, "package_autocomplete", q="饮用水")
    assert [(one["name"], one["match_field"]) for one in found] == [(WATER_QUALITY, "title")]
    assert [one["match_field"] for one in asked(client, "package_autocomplete", q=WATER_QUALITY)] == ["name"]
    assert asked(client, "package_autocomplete", q=GONE) == []
    assert len(asked(client, "package_autocomplete", q="公交", limit=3)) == 3
    assert asked(client, "format_autocomplete", q="CS") == ["csv"]


def test_recent_changes_are_those_of_the_change_log(client: FlaskClient) -> None:
    found = asked(client, "recently_changed_packages_activity_list", limit=5)
    assert [one["activity_type"] for one in found] == [
        "new package", "changed package", "deleted package", "changed package", "changed package",
    ]  # fmt: skip
    assert [int(one["id"]) for one in found] == sorted((int(one["id"]) for one in found), reverse=True)
    assert found[2]["data"]["package"] == {"id": GONE, "name": GONE, "title": "数据集 gone", "state": "deleted"}
    assert asked(client, "recently_changed_packages_activity_list", limit=3, offset=2) == found[2:]


def test_the_portal_says_what_it_is(client: FlaskClient) -> None:
    assert asked(client, "site_read") is True
    status = asked(client, "status_show")
    assert (status["ckan_version"], status["site_title"], status["extensions"]) == ("2.11.0", "纳川", ["nachuan"])
    assert client.get("/api/3").get_json() == {"version": 3}


def test_every_action_helps_and_is_described(client: FlaskClient) -> None:
    for name, action in ACTIONS.items():
        assert asked(client, "help_show", name=name) == action.help
        assert f"`{name}`" in DOCS, f"{name} is not in docs/ckan-api.md"


# As the rest of the site


def test_an_answer_has_a_validator_and_can_be_read_from_anywhere(client: FlaskClient) -> None:
    path = f"/api/3/action/package_show?id={WATER_QUALITY}"
    first = client.get(path)
    assert first.headers["Access-Control-Allow-Origin"] == "*" and first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/api/3/action/package_show?id=nobody").headers["Cache-Control"] == "no-store"


def test_addresses_of_ckans_pages_lead_to_ours(client: FlaskClient) -> None:
    for path, page in (
        (f"/dataset/{WATER_QUALITY}", f"/datasets/{WATER_QUALITY}"),
        (f"/en/dataset/{WATER_QUALITY}/resource/x", f"/en/datasets/{WATER_QUALITY}"),
        ("/organization/water", "/publishers/water"), ("/group/transport", "/themes/transport"),
    ):  # fmt: skip
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (301, page)


def test_w102_narrowed_searches_have_the_budget_of_all_others_and_reading_everything_has_none(town: Catalog) -> None:
    browser = client_of(town, searches_a_minute=2)
    robot: Any = {"environ_base": {"REMOTE_ADDR": "203.0.114.7"}}
    narrowed = "/api/3/action/package_search?fq=groups:transport"
    assert [browser.get(narrowed, **robot).status_code for _ in range(3)] == [200, 200, 429]
    refused = browser.post("/api/action/package_search", json={"q": "x"}, **robot)
    assert refused.status_code == 429 and refused.headers["Retry-After"]
    for path in ("package_search?rows=1000&sort=id+asc", "package_list", f"package_show?id={WATER_QUALITY}"):
        assert browser.get(f"/api/3/action/{path}", **robot).status_code == 200


def test_what_is_asked_for_twice_is_made_once() -> None:
    assert arguments.texts({"fl": ["id", "name", "id"]}, "fl") == ("id", "name")
    assert arguments.texts({"facet.field": json.dumps(["tags"] * 3)}, "facet.field") == ("tags",)
