"""Why a score changed, as a page. The parts themselves are worked out on paper in ``tests.portal.scorecard.test_changes``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from portal.catalog.assessments import Kind
from portal.catalog.model import Contact, Publisher
from portal.catalog.store import Catalog
from portal.scorecard import keeping, spans
from portal.scorecard.assess import standard_layout
from portal.scorecard.changes import explain
from portal.scorecard.snapshots import as_of
from portal.scorecard.spans import TooMuch, span
from portal.search.memory import MemoryIndex
from portal.web import explained
from portal.web.notation import adding_up
from tests.catalogs import SOURCE, filled, record
from tests.portal.scorecard.test_keeping import FIRST, LAST, live
from tests.portal.web.town import client_of, page, says, words

BEFORE, AFTER, NOW = (datetime(2026, *day, 12, tzinfo=UTC) for day in ((3, 1), (6, 1), (6, 15)))
SPAN = "from=2026-03-01&to=2026-06-01"
HERE = "/scorecards/publishers/330100.transport/changes"

OURS = Publisher(id="hz-transport", name="杭州市交通运输局", department="330100.transport")
OTHERS = Publisher(id="hz-water", name="杭州市水务局")
LICENCE: dict[str, Any] = {"licence": "cc-by-4.0", "licence_raw": "CC BY 4.0"}
CONTACT = {"contact": Contact(name="数据科", phone="0571-12345678")}


@pytest.fixture(scope="module")
def federation() -> Iterator[Catalog]:
    """One department: ``b`` got a licence, ``d`` was withdrawn, ``e`` is new, and ``g`` went to another department."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    placed: dict[str, Any] = {"publisher": OURS, "region": "330100"}
    with time_machine.travel(BEFORE):
        filled(
            catalog,
            record("a", **placed, **LICENCE, **CONTACT),
            record("b", **placed),
            record("c", body=b"the same", **placed, **LICENCE),
            record("d", **placed, **CONTACT),
            record("g", **placed),
            record("x", publisher=OTHERS, region="330100"),
        )
    with time_machine.travel(AFTER):
        filled(
            catalog,
            record("b", **placed, **LICENCE, title="=1+1<script>alert(1)</script>"),
            record("c", body=b"the same", **placed, **LICENCE, **CONTACT),
            record("e", **placed, **LICENCE, **CONTACT),
            record("g", publisher=OTHERS, region="330100"),
        )
        lease = catalog.sources.lease(SOURCE.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.retire(["hang00000000000d"], "withdrawn")
        catalog.sources.release(lease)
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def browser(federation: Catalog) -> Iterator[FlaskClient]:
    with time_machine.travel(NOW, tick=False):
        yield client_of(federation, MemoryIndex())


def figure(text: str) -> float:
    return float(text.replace("−", "-"))


def test_a_group_alone_is_explained_as_it_is_within_the_whole_catalogue(federation: Catalog) -> None:
    group = (Kind.DEPARTMENT, "330100.transport")
    layout = standard_layout()
    before, after = (as_of(federation, day.date(), layout) for day in (BEFORE, AFTER))
    whole = explain(federation, before, after, group)
    alone = span(federation, group, BEFORE.date(), AFTER.date(), most=100)
    assert alone.explanation == whole
    assert whole is not None and [part.movement.value for part in whole.parts][:2] == ["added", "removed"]
    assert [id[-1] for id in whole.parts[1].dataset_ids] == ["d", "g"]


def test_only_the_datasets_of_the_group_are_assessed(federation: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def watched(*args: Any, ids: set[str], **rest: Any) -> Any:
        seen.append({id[-1] for id in ids})
        return as_of(*args, ids=ids, **rest)

    monkeypatch.setattr(spans, "as_of", watched)
    span(federation, (Kind.DEPARTMENT, "330100.transport"), BEFORE.date(), AFTER.date(), most=100)
    assert seen == [set("abcdeg")] * 2


@pytest.mark.parametrize("kind,code", [(Kind.NATION, ""), (Kind.THEME, "transport")])
def test_what_has_no_column_to_find_its_datasets_by_is_refused_where_all_of_them_are_too_many(
    federation: Catalog, kind: Kind, code: str
) -> None:
    with pytest.raises(TooMuch, match="every dataset"):
        span(federation, (kind, code), BEFORE.date(), AFTER.date(), most=6)
    found = [span(federation, (kind, code), BEFORE.date(), AFTER.date(), most=most).explanation for most in (7, None)]
    assert found[0] == found[1]


def test_more_datasets_than_one_waits_for_are_refused(federation: Catalog) -> None:
    with pytest.raises(TooMuch, match="more than 4"):
        span(federation, (Kind.REGION, "330100"), BEFORE.date(), AFTER.date(), most=4)


@pytest.mark.parametrize("tongue,title", [("zh", "得分为何变化"), ("en", "Why the score changed")])
def test_the_parts_on_the_page_add_up_to_the_difference(browser: FlaskClient, tongue: str, title: str) -> None:
    main = page(browser, f"/{tongue}{HERE}?{SPAN}")
    assert words(main.xpath("//h1")[0]) == title
    for table in main.xpath("//table[contains(@class, 'sum')]"):
        *parts, total = [figure(words(cell)) for cell in table.xpath(".//tbody//td[2]")]
        assert parts and round(sum(parts), 1) == total != 0
    difference = figure(words(main.xpath("//p[@class='lead']/strong")[0]))
    assert difference == total


def test_each_part_leads_to_its_datasets_and_their_csv(browser: FlaskClient) -> None:
    main = page(browser, f"/en{HERE}?{SPAN}")
    links = main.xpath("//table[1]//td[3]/a/@href")
    assert links
    for link in links:
        assert says(browser, link)
    found = says(browser, f"/en{HERE}/improved-publisher?{SPAN}")
    assert "Licence" in found and "fail → pass" in found
    body = browser.get(f"{HERE}/improved-publisher.csv?{SPAN}").get_data(as_text=True)
    lines = list(csv.DictReader(io.StringIO(body.removeprefix("\ufeff"))))
    assert {line["dataset"][-1] for line in lines} == {"b"}
    assert ("licence", "fail", "pass") in {(line["indicator"], line["before"], line["after"]) for line in lines}
    everything = browser.get(f"{HERE}.csv?{SPAN}").get_data(as_text=True)
    assert {line["movement"] for line in csv.DictReader(io.StringIO(everything.removeprefix("\ufeff")))} >= {
        "added", "removed", "improved"
    }


def test_a_hostile_title_stays_text(browser: FlaskClient) -> None:
    body = browser.get(f"/en{HERE}/improved-publisher?{SPAN}").get_data(as_text=True)
    assert "<script>alert" not in body and "&lt;script&gt;alert" in body
    assert "'=1+1" in browser.get(f"{HERE}/improved-publisher.csv?{SPAN}").get_data(as_text=True)


@pytest.mark.parametrize(
    "query,status,told",
    [
        ("from=yesterday", 400, "Write a day"),
        ("from=2026-03-01&to=2026-12-01", 400, "yet to come"),
        ("from=2026-06-01&to=2026-03-01", 400, "must be before"),
        ("from=2020-01-01&to=2020-02-01", 200, "There is no score for 1 Feb 2020"),
        ("from=2020-01-01&to=2026-06-01", 200, "There is no score for 1 Jan 2020"),
        ("from=2026-06-02&to=2026-06-03", 200, "No verdict changed"),
    ],
)
def test_days_that_cannot_be_compared_are_told(browser: FlaskClient, query: str, status: int, told: str) -> None:
    assert told in says(browser, f"/en{HERE}?{query}", status)


@pytest.fixture
def large(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A site that is too large to wait for, on the day after the night in which everything up to 15 June was worked out."""
    monkeypatch.setattr(spans, "MOST_DATASETS", 2)
    monkeypatch.setattr(keeping, "NAMED", 1)
    live(catalog)
    keeping.keep(catalog, LAST, "test")
    with time_machine.travel(datetime(2026, 6, 16, 12, tzinfo=UTC), tick=False):
        yield client_of(catalog, MemoryIndex())


NATION = "/en/scorecards/nation/all/changes"


def test_the_nation_is_refused_with_the_command_that_does_it_and_with_what_is_ready(large: FlaskClient) -> None:
    main = page(large, f"{NATION}?from=2026-05-05&to=2026-06-01", 422)
    assert "nachuan assess why nation all --from 2026-05-05 --to 2026-06-01" in words(main)
    assert main.xpath("//li/a[contains(@href, 'from=')]/@href") == [f"{NATION}?from=2026-05-16&to=2026-06-15"]


def test_without_days_one_is_led_to_what_was_worked_out_at_night(catalog: Catalog, large: FlaskClient) -> None:
    led = large.get(NATION)
    assert (led.status_code, led.location) == (302, f"{NATION}?from=2026-05-16&to=2026-06-15")
    whole = span(catalog, (Kind.NATION, ""), FIRST, LAST, most=None).explanation
    counts = page(large, led.location).xpath("//table[1]//td[3]/a")
    assert whole is not None and [int(words(cell)) for cell in counts] == [part.datasets for part in whole.parts]


def test_of_a_large_groups_parts_the_first_datasets_are_listed_and_that_is_said(large: FlaskClient) -> None:
    main = page(large, f"{NATION}?from=2026-05-16&to=2026-06-15")
    assert "Download the first dataset of each part" in words(main)
    several = next(cell for cell in main.xpath("//table[1]//td[3]/a") if int(words(cell)) > 1)
    listed = page(large, several.get("href"))
    assert f"{words(several)} datasets. The first one is listed." in words(listed)
    assert len(listed.xpath("//tbody/tr")) == 1


def test_by_other_rules_or_of_a_month_a_large_group_is_refused(large: FlaskClient) -> None:
    page(large, f"{NATION}?from=2026-05-16&to=2026-06-15&rules=mqa", 422)
    page(large, "/en/scorecards/nation/all/digest/2026-05", 422)


@pytest.mark.parametrize(
    "path",
    [
        "/scorecards/publishers/nobody/changes",
        "/scorecards/planets/mars/changes",
        f"{HERE}/no-such-part?{SPAN}",
        f"{HERE}?rules=mine",
    ],
)
def test_what_there_is_not_has_no_page(browser: FlaskClient, path: str) -> None:
    page(browser, path, 404)


def test_it_is_worked_out_once_until_the_catalogue_changes(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(browser, f"{HERE}?{SPAN}")
    monkeypatch.setattr(explained.spans, "span", lambda *_: pytest.fail("worked out again"))
    page(browser, f"{HERE}?{SPAN}")


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8), st.floats(0, 100))
def test_rounded_parts_add_up_whatever_they_are(parts: list[float], before: float) -> None:
    total = round(round(before + sum(parts), 1) - round(before, 1), 1)
    found = adding_up(parts, total)
    assert round(sum(found), 1) == total
    assert all(abs(one - other) < 0.2 for one, other in zip(found, parts, strict=True))
