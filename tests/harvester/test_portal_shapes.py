"""The documented answers of each family: no key in them stands undecided, and their records are datasets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harvester.answers import at
from harvester.audit import audit
from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.family_portals import source_at

pytestmark = needs_fixtures

LISTED = {
    "athena": ("athena_page", "data.rows.0"),
    "chongqing": ("chongqing_graphql", "data.result.data.0"),
    "epoint": ("epoint_getResourceList", "custom.resultList.0"),
    "exchangeopengateway": ("exchangeopengateway_list", "data.rows.0"),
    "fujian": ("fujian_list", "data.rows.0"),
    "gd_opendata": ("gd_opendata_findPageBySearch", "data.page.list.0"),
    "guizhou": ("guizhou_list", "data.0"),
    "inspur_odweb": ("inspur_odweb_GetCatalog", "data.0"),
    "shanghai": ("shanghai_search", "data.content.0"),
}
"""The file of a family's list, and where its first record stands."""

DETAILED = {
    "athena": ("athena_details", "data"),
    "epoint": ("epoint_getResourceDetail", "custom"),
    "exchangeopengateway": ("exchangeopengateway_detail", "data"),
    "fujian": ("fujian_detail", "data"),
    "gd_opendata": ("gd_opendata_selectDataCatalogByResId", "data"),
    "guizhou": ("guizhou_detail", "data"),
    "shanghai": ("shanghai_detail", "data"),
}


def shape(name: str, path: str) -> Any:
    file = FIXTURES.parent / "domain" / "portal_shapes" / f"{name}.json"
    return at(json.loads(file.read_text(encoding="utf-8")), path, name)


@pytest.mark.parametrize("family", LISTED)
def test_every_key_of_a_documented_answer_is_read_or_named_as_unused(family: str) -> None:
    listed = shape(*LISTED[family])
    record = {"list": listed, "detail": shape(*DETAILED[family])} if family in DETAILED else listed
    source, raw = source_at("http://127.0.0.1/", "jsonapi", family=family), RawRecord(body=json.dumps(record).encode())
    assert audit(source, [raw]).undecided == ()
    dataset, issues = to_dataset(raw, source)
    assert dataset is not None and issues == []
