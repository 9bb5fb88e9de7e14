"""What would raise a score raises it: each thing that a card says to do is done, and the score is looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from portal.catalog.assessments import Kind
from portal.catalog.model import Column, Contact, Dataset, Distribution, DistributionKind, Period, Place
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import cards
from portal.scorecard.assess import catch_up, rebuild, standard_layout
from portal.scorecard.cards import Answer
from portal.scorecard.fixes import Fix, fixes
from portal.scorecard.verdicts import Verdict
from portal.search.memory import MemoryIndex
from tests.catalogs import SOURCE, filled, record
from tests.portal.scorecard.samples import TRANSPORT
from tests.portal.scorecard.test_assess import new
from tests.portal.web.town import client_of, page, words

NOW = datetime.now(UTC)
DEPARTMENT = "330100.transport"
EMPTY = standard_layout().flag("empty")


def every_distribution(dataset: Dataset, **fields: object) -> Dataset:
    """A dataset whose distributions say so, of which there is one at least."""
    given = dataset.distributions or (Distribution(id="d", format="csv", format_raw="CSV"),)
    return replace(dataset, distributions=tuple(replace(one, **fields) for one in given))


def with_api(dataset: Dataset) -> Dataset:
    api = Distribution(id="api", kind=DistributionKind.API, format="json", format_raw="JSON")
    return replace(dataset, distributions=(*dataset.distributions, api))


DONE: Mapping[str, Callable[[Dataset], Dataset]] = {
    "effective": lambda one: replace(one, rows=12),
    "whole_file": lambda one: every_distribution(one, kind=DistributionKind.FILE),
    "offers_api": with_api,
    "active": lambda one: replace(one, modified=NOW, data_modified=NOW),
    "title_telling": lambda one: replace(one, title="市区公交线路和站点"),
    "description_telling": lambda one: replace(one, description="市区全部公交线路的走向、站点、首末班时间和票价，由公交集团按月报送，市交通运输局汇总后公布。"),
    "fields_listed": lambda one: replace(one, columns=(Column(name="xlbh"),)),
    "fields_described": lambda one: replace(one, columns=(Column(name="xlbh", title="线路编号"),)),
    "keywords": lambda one: replace(one, keywords=("公交",)),
    "contact": lambda one: replace(one, contact=Contact(phone="0571-12345678")),
    "place": lambda one: replace(one, places=(Place(name="杭州市"),)),
    "period": lambda one: replace(one, periods=(Period(start=datetime(2020, 1, 1, tzinfo=UTC)),)),
    "frequency": lambda one: replace(one, frequency="annual", frequency_raw="每年"),
    "on_time": lambda one: replace(one, frequency="annual", frequency_raw="每年", modified=NOW, data_modified=NOW),
    "dated": lambda one: replace(one, modified=datetime(2020, 1, 1, tzinfo=UTC)),
    "licence": lambda one: replace(one, licence_raw="CC0"),
    "licence_open": lambda one: replace(one, licence="cc0", licence_raw="CC0"),
    "openness_stated": lambda one: replace(one, openness="unconditional", openness_raw="无条件开放"),
    "open_format": lambda one: every_distribution(one, format="csv", format_raw="CSV"),
    "no_broken_links": every_distribution,
    "reachable": every_distribution,
    "direct": lambda one: every_distribution(one, download_url=f"https://data.example/{one.id}.csv"),
    "machine_readable": lambda one: every_distribution(one, format="csv", format_raw="CSV"),
    "format_known": lambda one: every_distribution(one, format="csv", format_raw="CSV"),
    "theme_known": lambda one: replace(one, themes=("transport",), themes_raw=("交通",)),
    "dcat_ap": lambda one: every_distribution(one, access_url=f"https://data.example/{one.id}"),
}
"""How each thing is done to a dataset. To mend a link is not in the portal's words: it is left out below."""


@pytest.fixture
def poor(catalog: Catalog) -> Iterator[Catalog]:
    """A department of one dataset that lacks nothing, some that lack most, and two that are empty besides."""
    lacking = {"publisher": TRANSPORT, "region": "330100"}
    filled(
        catalog, new("1"), record("2", title="公交", **lacking), record("3", title="站点", **lacking),
        record("4", title="票价", rows=0, **lacking), new("5", rows=0, licence=None, licence_raw=None),
    )
    rebuild(catalog)
    yield catalog


def point(catalog: Catalog) -> float:
    standing = catalog.assessments.standing("national", Kind.DEPARTMENT, DEPARTMENT)
    assert standing is not None and standing.point is not None
    return standing.point


def do(catalog: Catalog, fix: Fix) -> int:
    """Does it to as many datasets as it says; to how many it could be done."""
    rows = cards.behind(catalog, Kind.DEPARTMENT, DEPARTMENT, fix.indicator.id, Answer.FAIL)
    ids = [row.dataset_id for row in rows if fix.fills or row.vector[EMPTY] != Verdict.PASS]
    done = [DONE[fix.indicator.id](entry.dataset) for entry in catalog.entries(ids[: fix.datasets])]
    lease = catalog.sources.lease(SOURCE.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([
            NewRecord(dataset=one, body=one.id.encode(), raw_digest=fix.indicator.id.encode().ljust(16)[:16],
                      media_type="application/json", url=None)
            for one in done
        ])
    catalog.sources.release(lease)
    catch_up(catalog)
    return len(ids)


INDICATORS = tuple(one.id for one in standard_layout().rules("national").measured)


@pytest.mark.parametrize("indicator", [id for id in INDICATORS if id not in ("reachable", "no_broken_links")])
def test_what_is_done_raises_the_score_by_as_much_as_was_said(poor: Catalog, indicator: str) -> None:
    fix = next((one for one in fixes(poor, Kind.DEPARTMENT, DEPARTMENT) if one.indicator.id == indicator), None)
    if fix is None:
        rows = cards.behind(poor, Kind.DEPARTMENT, DEPARTMENT, indicator, Answer.FAIL)
        assert all(row.vector[EMPTY] == Verdict.PASS for row in rows), "what fails and has data can be mended"
        return
    before = point(poor)
    assert do(poor, fix) == fix.choice >= fix.datasets
    assert point(poor) - before >= fix.gain - 1e-6


def test_a_dataset_without_data_is_to_be_filled_and_nothing_else_is_said_to_help_it(poor: Catalog) -> None:
    found = {one.indicator.id: one for one in fixes(poor, Kind.DEPARTMENT, DEPARTMENT)}
    licence, filling = found["licence"], found["effective"]
    assert (licence.datasets, licence.choice, licence.failing, licence.empty, licence.fills) == (2, 2, 4, 2, False)
    assert filling.fills and filling.datasets >= 2
    assert "title_telling" not in found or found["title_telling"].empty == 2
    before = point(poor)
    do(poor, filling)
    assert point(poor) - before > filling.gain + 1, "they then earn what else they pass"


def test_the_card_and_the_letters_say_which_need_data_first(poor: Catalog) -> None:
    browser = client_of(poor, MemoryIndex(), base_url="https://data.example.cn")
    card = f"/scorecards/publishers/{DEPARTMENT}"
    rows = {words(row.xpath("td")[0]): [words(cell) for cell in row.xpath("td")[1:3]] for row in page(
        browser, f"/zh{card}").xpath("//table[contains(@class, 'fixes')]/tbody/tr")}
    assert rows["注明使用许可"][0] == "2 （另有 2 个空数据集，须先有数据）"
    assert rows["为空数据集补充数据，修复失效的获取方式"][1].startswith("≥ +")
    month = f"{NOW:%Y-%m}"
    letter = browser.get(f"/zh{card}/digest/{month}.txt", base_url="https://data.example.cn").get_data(as_text=True)
    assert "修复失效的获取方式：4 个数据集，≥ +" in letter
    listed = browser.get(f"/zh{card}/digest/{month}/licence.csv").get_data(as_text=True).splitlines()
    assert len(listed) == 1 + 2, "a list of what is to be done"
