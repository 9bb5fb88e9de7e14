"""The operators' page of entries counted as one dataset."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from harvester import counting
from portal.catalog.appearances import Verdict
from portal.catalog.audit import Action
from portal.catalog.store import Catalog
from tests.portal.web.people import cheap_passwords, send, sign_in
from tests.portal.web.test_operate import furnished, rows_of
from tests.portal.web.town import HANGZHOU, WATER, client_of, dataset_of, made, says

PAGE = "/en/operate/duplicates"
FILE, API = dataset_of("file"), dataset_of("api")


@pytest.fixture
def doubled(catalog: Catalog) -> Iterator[Catalog]:
    """A portal that lists one dataset twice."""
    with cheap_passwords():
        furnished(catalog)
        lease = catalog.sources.lease(HANGZHOU.id, "test")
        same = {"title": "水质自动监测站小时数据", "description": "全市水质自动监测站的小时数据。", "publisher": WATER}
        with catalog.transaction(lease, None) as transaction:
            transaction.put([made(key, region="330100", **same) for key in ("file", "api")])
        catalog.sources.release(lease)
        counting.rebuild(catalog, "test")
        yield catalog


@pytest.fixture
def operator(doubled: Catalog) -> FlaskClient:
    client = client_of(doubled)
    sign_in(client, "lin")
    return client


def test_links_are_listed_by_reason_and_taken_apart_for_good(doubled: Catalog, operator: FlaskClient) -> None:
    datasets = doubled.figures().datasets
    (link,) = rows_of(operator, PAGE + "?reason=repeated")
    assert link.startswith("Listed twice by one portal 水质自动监测站小时数据") and link.count("杭州市水务局") == 2
    assert rows_of(operator, PAGE + "?reason=address") == []
    answer = send(operator, "/operate/duplicates", one=FILE, other=API, verdict="apart", note="一个是接口")
    assert answer.headers["Location"] == "/operate/duplicates?done=apart"
    assert not any(row.startswith("Listed twice") for row in rows_of(operator, PAGE)), "it is asked about twice"
    counting.catch_up(doubled, "test")
    assert doubled.figures().datasets == datasets + 1
    (word,) = rows_of(operator, PAGE)
    assert word.startswith("two 水质自动监测站小时数据") and "一个是接口" in word
    line = doubled.audit.recent(limit=1)[0]
    assert (line.who, line.what, line.about) == ("lin", Action.ENTRIES_DECIDED, " ".join(sorted((FILE, API))))

    send(operator, "/operate/duplicates", one=FILE, other=API, verdict="open")
    counting.catch_up(doubled, "test")
    assert doubled.figures().datasets == datasets and doubled.appearances.in_force() == []
    assert "Nobody has said anything" in says(operator, PAGE)


def test_two_entries_are_put_together_by_the_addresses_of_their_pages(
    doubled: Catalog, operator: FlaskClient
) -> None:
    one, other = f"https://data.example.cn/zh/datasets/{dataset_of('1')}", f" {dataset_of('late')} "
    assert send(operator, "/operate/duplicates", one=one, other=other, verdict="together").status_code == 303
    (decision,) = doubled.appearances.in_force()
    assert decision.verdict is Verdict.TOGETHER and decision.by == "lin"
    assert {decision.first, decision.second} == {dataset_of("1"), dataset_of("late")}


@pytest.mark.parametrize(
    "form",
    [
        {"one": FILE, "other": FILE, "verdict": "apart"},
        {"one": FILE, "other": "nothing", "verdict": "apart"},
        {"one": FILE, "other": "a" * 16, "verdict": "together"},
        {"one": FILE, "other": API, "verdict": "perhaps"},
        {"one": FILE, "other": API, "verdict": "apart", "note": "x" * 1001},
        {},
    ],
)
def test_a_word_about_no_two_entries_is_refused(
    doubled: Catalog, operator: FlaskClient, form: dict[str, str]
) -> None:
    answer = send(operator, "/en/operate/duplicates", **form)
    assert answer.status_code == 422 and "two different entries" in answer.get_data(as_text=True)
    assert doubled.appearances.in_force() == []
