"""Our action API beside a real CKAN's: the same questions, answers of the same shape, errors of the same kind."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog, postgresql_runs
from tests.ckan.running import Ckan, ckan
from tests.ckan.test_real_ckan import redis_runs
from tests.fixtures import needs
from tests.harvester.harvesting import harvested, source
from tests.portal.web.town import client_of

pytestmark = [
    pytest.mark.slow,
    needs("postgresql", postgresql_runs(), "a real CKAN needs PostgreSQL"),
    needs("redis", redis_runs(), "a real CKAN needs Redis"),
]

PACKAGES = 12


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ckan]:
    with ckan(tmp_path_factory.mktemp("ckan")) as running:
        running.call("group_create", name="environment", title="生态环境")
        for office in ("water", "parks"):
            running.call("organization_create", name=office, title=f"市{office}局")
        for number in range(PACKAGES):
            running.call(
                "package_create",
                name=f"dataset-{number}",
                title=f"数据集 {number}",
                notes="第一行",
                owner_org=("water", "parks")[number % 2],
                license_id="cc-by",
                groups=[{"name": "environment"}],
                tags=[{"name": "水质"}, {"name": f"tag-{number % 3}"}],
                extras=[{"key": "frequency", "value": "每月"}],
                resources=[{"name": "表", "format": "CSV", "url": f"https://data.example.org/{number}.csv"}],
            )
        yield running


@pytest.fixture(scope="module")
def ours(theirs: Ckan) -> Iterator[FlaskClient]:
    """A browser on our site, whose catalogue is what was harvested from theirs."""
    catalog: Catalog = empty_catalog()
    assert harvested(catalog, source("ckan", theirs.url)).counts.added == PACKAGES
    yield client_of(catalog)
    catalog.close()


def theirs_says(theirs: Ckan, action: str, arguments: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{theirs.url}api/3/action/{action}",
        data=json.dumps(arguments).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def ours_says(ours: FlaskClient, action: str, arguments: dict[str, Any]) -> tuple[int, Any]:
    response = ours.post(f"/api/3/action/{action}", json=arguments)
    return response.status_code, response.get_json()


REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("package_show", {"id": "nobody"}), ("package_show", {}), ("resource_show", {}), ("resource_show", {"id": "nobody"}),
    ("organization_show", {"id": "nobody"}), ("organization_show", {}), ("group_show", {"id": "nobody"}),
    ("tag_show", {"id": "nobody"}), ("help_show", {"name": "nobody"}), ("help_show", {}), ("nobody", {}),
    ("package_search", {"rows": "x"}), ("package_search", {"rows": -1}), ("package_search", {"start": -1}),
    ("package_search", {"nobody": 1}), ("package_search", {"facet.limit": "x"}), ("package_search", {"facet.field": "[x"}),
    ("package_list", {"limit": -1}), ("package_list", {"limit": "x"}), ("package_autocomplete", {}),
    ("format_autocomplete", {}), ("organization_list", {"sort": "age"}), ("organization_list", {"limit": "x"}),
    ("current_package_list_with_resources", {"limit": "x"}), ("tag_list", {"vocabulary_id": "nobody"}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "arguments"), REFUSALS)
def test_what_is_refused_is_refused_in_the_same_words(
    theirs: Ckan, ours: FlaskClient, action: str, arguments: dict[str, Any]
) -> None:
    (status, said), (our_status, we_say) = theirs_says(theirs, action, arguments), ours_says(ours, action, arguments)
    assert our_status == status, (said, we_say)
    if isinstance(said, str):
        assert we_say == said
        return
    # Where one value breaks several of its rules CKAN tells of each; ours tells of the first.
    first = {key: words[:1] if isinstance(words, list) else words for key, words in said["error"].items()}
    assert (we_say["success"], we_say["error"]) == (said["success"], first)


ANSWERED: list[tuple[str, dict[str, Any]]] = [
    ("status_show", {}), ("help_show", {"name": "package_show"}), ("package_list", {}),
    ("package_list", {"limit": 2, "offset": 3}), ("package_search", {}), ("package_search", {"rows": 3, "start": 1}),
    ("package_search", {"fq": "tags:水质", "sort": "id asc"}), ("package_search", {"rows": 0}),
    ("package_search", {"facet.field": ["tags", "organization", "groups", "license_id", "res_format"], "rows": 0}),
    ("package_search", {"facet.field": '["tags"]', "rows": 0}),
    ("package_search", {"fq": "tags:tag-0 OR tags:tag-1", "rows": 0}), ("package_search", {"fq": "-tags:tag-0", "rows": 0}),
    ("package_search", {"fq": "+res_format:CSV +license_id:cc-by", "rows": 0}),
    ("package_search", {"fq": "metadata_modified:[2999-01-01T00:00:00Z TO *]"}),
    ("package_search", {"fq_list": ["tags:tag-0", "groups:environment"], "rows": 0}),
    ("current_package_list_with_resources", {"limit": 2}), ("organization_list", {}),
    ("organization_list", {"all_fields": True}), ("group_list", {}), ("tag_list", {}), ("tag_list", {"all_fields": True}),
    ("tag_list", {"query": "tag"}), ("tag_search", {"query": "tag"}), ("tag_autocomplete", {"query": "tag"}),
    ("tag_show", {"id": "水质"}), ("license_list", {}), ("vocabulary_list", {}),
    ("organization_autocomplete", {"q": "water"}), ("group_show", {"id": "environment"}),
    ("format_autocomplete", {"q": "cs"}),
]  # fmt: skip

OWN = {"facets", "ckan_version", "site_url", "extensions", "title_translated", "notes_translated", "tags_translated"}


def shape(value: Any) -> Any:
    """What an answer is made of: the keys of its objects, of lists the shape of their first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items() if key not in OWN}
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None


def lacking(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """The keys of their shape that ours has not."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict):
            return [path]
        below = [found for key, one in theirs.items() if key in ours for found in lacking(one, ours[key], f"{path}/{key}")]
        return [*(f"{path}/{key}" for key in theirs if key not in ours), *below]
    if isinstance(theirs, list) and theirs:
        return lacking(theirs[0], ours[0], f"{path}/*") if isinstance(ours, list) and ours else [path]
    return []


NOT_OURS = {"/domain_content", "/domain_data", "/domain_software", "/is_generic", "/maintainer", "/od_conformance",
            "/osd_conformance", "/status", "/users"}  # fmt: skip
"""Of a licence what CKAN copies from opendefinition.org; of a group its users, who are none."""


@pytest.mark.parametrize(("action", "arguments"), ANSWERED, ids=str)
def test_every_key_of_a_real_answer_is_in_ours(
    theirs: Ckan, ours: FlaskClient, action: str, arguments: dict[str, Any]
) -> None:
    (status, said), (our_status, we_say) = theirs_says(theirs, action, arguments), ours_says(ours, action, arguments)
    assert (status, our_status) == (200, 200), (said, we_say)
    assert we_say.keys() == said.keys()
    found = [key for key in lacking(shape(said["result"]), shape(we_say["result"])) if key.removeprefix("/*") not in NOT_OURS]
    assert found == []
    if isinstance(said["result"], dict) and "count" in said["result"]:
        assert we_say["result"]["count"] == said["result"]["count"]
    if action == "package_search":
        assert len(we_say["result"]["results"]) == len(said["result"]["results"])
        assert we_say["result"]["sort"] == said["result"]["sort"]
        facets = {name: found for name, found in said["result"]["facets"].items() if name != "organization"}
        assert {name: we_say["result"]["facets"][name] for name in facets} == facets


def test_a_package_says_the_same(theirs: Ckan, ours: FlaskClient) -> None:
    name = "dataset-7"
    said = theirs.call("package_show", id=name)
    found = ours_says(ours, "package_search", {"q": "数据集 7", "rows": 1})[1]["result"]["results"][0]
    assert lacking(shape(said), shape(found)) == []
    same = "title notes license_id private state type num_resources num_tags".split()
    assert {key: found[key] for key in same} == {key: said[key] for key in same}
    assert sorted(tag["name"] for tag in found["tags"]) == sorted(tag["name"] for tag in said["tags"])
    assert found["organization"]["title"] == said["organization"]["title"]
    assert [group["title"] for group in found["groups"]] == [group["title"] for group in said["groups"]]
    kept = ("name", "format", "url", "state", "position")
    assert [{key: one[key] for key in kept} for one in found["resources"]] == [
        {key: one[key] for key in kept} for one in said["resources"]
    ]
