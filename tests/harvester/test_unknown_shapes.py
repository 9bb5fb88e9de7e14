"""A portal whose shape is another ends in a clear report: nothing of it is taken in, and nothing that was is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from harvester.connectors import CONNECTORS
from harvester.pipeline import harvest
from portal.catalog.model import Counts, Outcome, Run
from portal.catalog.store import Catalog
from tests.harvester.family_portals import asked_query, html, one_of, source_at, way_out
from tests.hostile import HostileServer, Script, Talk, json_answer

IDS = [f"{number:02}" for number in range(1, 8)]
DETAILS = {id: {"title": f"公交站点 {id}", "deptName": "某市交通运输局"} for id in IDS}
GOOD: Mapping[str, Script] = {
    "/athena/catalog/page": json_answer({"data": {"total": len(IDS), "rows": [{"iid": id} for id in IDS]}}),
    "/athena/catalog/getDetails": one_of(DETAILS, lambda talk: asked_query(talk)["dataId"], lambda one: {"data": one}),
}


class Shape(NamedTuple):
    told: Script
    code: str
    detail: str
    seen: str | None


LOGIN = "<h1>统一身份认证</h1><form action='/login'><input name='user'></form>"
SHAPES: Mapping[str, Shape] = {
    "a login page": Shape(
        html(LOGIN), "portal.not-understood", "HTML instead of JSON", None),
    "another vendor's JSON": Shape(
        json_answer({"custom": {"total": "7", "resultList": [{"rowGuid": id} for id in IDS]}}),
        "portal.not-understood", "nothing at data.rows: the answer has no data.rows", "an object with the members custom"),
    "the list under another key": Shape(
        json_answer({"data": {"total": 7, "records": [{"iid": id} for id in IDS]}}),
        "portal.not-understood", "nothing at data.rows: data has no rows", "an object with the members total, records"),
    "no total": Shape(
        json_answer({"data": {"rows": [{"iid": id} for id in IDS]}}),
        "portal.not-understood", "nothing at data.total: data has no total", "an object with the members rows"),
    "an empty list and a total of 500": Shape(
        json_answer({"data": {"total": 500, "rows": []}}),
        "portal.not-understood", "no record at data.rows, with a total of 500", "{'data': {'total': 500, 'rows': []}}"),
    "an error in a good answer": Shape(
        json_answer({"code": 401, "msg": "请先登录", "data": None}),
        "portal.not-understood", "nothing at data.rows: data has no rows", "None"),
}


def run_of(catalog: Catalog, scripts: Mapping[str, Script], **options: Any) -> Run:
    with HostileServer(scripts) as portal:
        source = source_at(portal.url, "jsonapi", family="athena", **options)
        catalog.sources.put(source)
        return harvest(
            source, catalog, CONNECTORS["jsonapi"], lambda validators: way_out(), holder="test", full=True
        )


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_nothing_of_a_portal_of_another_shape_is_taken_in_and_the_run_says_why(catalog: Catalog, shape: Shape) -> None:
    run = run_of(catalog, GOOD | {"/athena/catalog/page": shape.told})
    assert (run.outcome, run.cause, run.counts) == (Outcome.FAILED, shape.code, Counts())
    assert list(catalog.walk(retired=True)) == []
    (stored,) = catalog.runs.issues(run.id)
    issue = stored.issue
    assert (issue.code, issue.detail) == (shape.code, shape.detail)
    assert issue.url is not None and issue.url.endswith("/athena/catalog/page")
    assert shape.seen is None or issue.seen == shape.seen


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_portal_that_changes_its_shape_loses_nothing_that_was_taken_in(catalog: Catalog, shape: Shape) -> None:
    assert run_of(catalog, GOOD).counts == Counts(listed=7, added=7)
    before = {entry.dataset.id: entry for entry in catalog.walk()}
    run = run_of(catalog, GOOD | {"/athena/catalog/page": shape.told})
    assert (run.outcome, run.counts) == (Outcome.FAILED, Counts())
    assert {entry.dataset.id: entry for entry in catalog.walk()} == before


@pytest.mark.parametrize("told", [
    html(LOGIN), json_answer({"code": 401, "msg": "请先登录"}), json_answer({"data": {"bt": "公交站点"}}),
], ids=["login", "refusal", "other keys"])
def test_details_of_another_shape_are_no_datasets_and_no_half_import(catalog: Catalog, told: Script) -> None:
    run = run_of(catalog, GOOD | {"/athena/catalog/getDetails": told})
    assert (run.outcome, run.cause, run.counts) == (Outcome.FAILED, "portal.not-understood", Counts())
    assert list(catalog.walk(retired=True)) == []


def test_a_shape_that_changes_between_two_pages_ends_the_run_and_retires_nothing(catalog: Catalog) -> None:
    ids = [f"{number:02}" for number in range(1, 26)]
    details = {id: {"title": f"公交站点 {id}"} for id in ids}
    pages = iter([ids[:10], ids[10:20], None])

    def listing(talk: Talk) -> None:
        page = next(pages)
        if page is None:
            html(LOGIN)(talk)
            return
        json_answer({"data": {"total": 25, "rows": [{"iid": id} for id in page]}})(talk)

    show = one_of(details, lambda talk: asked_query(talk)["dataId"], lambda one: {"data": one})
    run = run_of(catalog, {"/athena/catalog/page": listing, "/athena/catalog/getDetails": show})
    assert (run.outcome, run.cause, run.counts) == (
        Outcome.PARTIAL, "portal.not-understood", Counts(listed=20, added=20)
    )
