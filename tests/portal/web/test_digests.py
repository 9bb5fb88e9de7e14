"""A department's month as a page and as letters: the figures agree with one another, and the words are ready to send."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from portal.catalog.assessments import Kind
from portal.catalog.model import Publisher
from portal.catalog.store import Catalog
from portal.scorecard import spans
from portal.scorecard.assess import rebuild
from portal.search.memory import MemoryIndex
from portal.web import digesting, explained
from portal.web.graded import Group
from portal.web.letters import one_line
from tests.catalogs import filled, record
from tests.portal.scorecard.samples import TRANSPORT
from tests.portal.scorecard.test_assess import new
from tests.portal.web.town import client_of, page, says, words

APRIL, MAY, NOW = datetime(2026, 4, 20, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC), datetime(2026, 6, 15, 12, tzinfo=UTC)

HERE = "/scorecards/publishers/330100.transport/digest"
BARE: dict[str, Any] = {"publisher": TRANSPORT, "region": "330100"}
HOSTILE = "线路\r\nSubject: <b>you won</b>"


@pytest.fixture(scope="module")
def department() -> Iterator[Catalog]:
    """Three datasets in April; in May ``2`` lost its licence, the yearly ``3`` became late, and a bare one came."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    late = {"frequency": "annual", "frequency_raw": "每年", "modified": datetime(2025, 4, 10, tzinfo=UTC)}
    with time_machine.travel(APRIL):
        filled(catalog, new("1"), new("2"), new("3", distributions=(), **late))
    with time_machine.travel(MAY):
        filled(catalog, new("2", licence=None, licence_raw=None, distributions=()), record("4", **BARE | {"title": HOSTILE}))
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def browser(department: Catalog) -> Iterator[FlaskClient]:
    with time_machine.travel(NOW, tick=False):
        yield client_of(department, MemoryIndex(), base_url="https://data.example.cn")


def get(browser: FlaskClient, path: str, status: int = 200) -> str:
    response = browser.get(path, base_url="https://data.example.cn")
    assert response.status_code == status, path
    return response.get_data(as_text=True)


@pytest.mark.parametrize(
    "text,first,last",
    [
        ("2026-05", date(2026, 4, 30), date(2026, 5, 31)),
        ("2026-06", date(2026, 5, 31), date(2026, 6, 15)),
        ("2025-12", date(2025, 11, 30), date(2025, 12, 31)),
        ("2024-02", date(2024, 1, 31), date(2024, 2, 29)),
    ],
)
def test_a_month_goes_from_the_end_of_the_one_before_to_its_own_or_today(text: str, first: date, last: date) -> None:
    found = digesting.month(text, NOW.date())
    assert found is not None and (found.first, found.last, found.written) == (first, last, text)


@pytest.mark.parametrize("text", ["2026-07", "2026-5", "2026-13", "may", "1999-01", ""])
def test_what_is_no_month_or_not_begun_is_none(text: str) -> None:
    assert digesting.month(text, NOW.date()) is None


@pytest.mark.parametrize("tongue,title", [("zh", "杭州市 · 交通运输：2026年5月开放评估月报"), ("en", "Openness in May 2026")])
def test_the_page_tells_the_score_why_and_what_to_do(browser: FlaskClient, tongue: str, title: str) -> None:
    main = page(browser, f"/{tongue}{HERE}/2026-05")
    assert title in words(main.xpath("//h1")[0])
    before, after = (float(text) for text in re.findall(r"[\d.]+\.\d", words(main.xpath("//p[@class='lead']")[0]))[:2])
    change = float(words(main.xpath("//p[@class='lead']/strong")[0]).replace("−", "-"))
    assert before + change == pytest.approx(after) and after < before
    gains = [float(words(cell)) for cell in main.xpath("(//table)[1]//tbody//td[2]")]
    assert gains and gains == sorted(gains, reverse=True) and gains[-1] > 0


def test_a_fix_has_as_many_datasets_in_its_list_as_it_says(browser: FlaskClient) -> None:
    main = page(browser, f"/en{HERE}/2026-05")
    for row in main.xpath("(//table)[1]//tbody/tr"):
        (link,) = row.xpath(".//a[contains(@href, '.csv')]/@href")
        lines = list(csv.DictReader(io.StringIO(get(browser, link).removeprefix("\ufeff"))))
        assert words(row.xpath("./td[3]")[0]).split()[-1] == str(len(lines))


def test_the_card_leads_to_the_digest_and_to_the_change(browser: FlaskClient, department: Catalog) -> None:
    rebuild(department, now=NOW)
    body = get(browser, "/en/scorecards/publishers/330100.transport")
    assert f"/en{HERE}" in body and "/en/scorecards/publishers/330100.transport/changes" in body


def test_the_card_of_a_group_too_large_to_wait_for_does_not_lead_to_a_digest(
    browser: FlaskClient, department: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuild(department, now=NOW)
    monkeypatch.setattr(spans, "MOST_DATASETS", 2)
    assert "/digest" not in get(browser, "/en/scorecards/publishers/330100.transport")
    monkeypatch.setattr(spans, "MOST_DATASETS", 4)
    assert f"/en{HERE}" in get(browser, "/en/scorecards/publishers/330100.transport")


def test_what_became_stale_is_named(browser: FlaskClient) -> None:
    found = digesting_of(browser, "2026-05")
    assert [one.entry.dataset.source_key for one in found.stale.named] == ["3"]
    assert "1 dataset passed the day by which it should have changed." in says(browser, f"/en{HERE}/2026-05")


def digesting_of(browser: FlaskClient, text: str) -> digesting.Digest:
    month = digesting.month(text, NOW.date())
    assert month is not None
    with browser.application.test_request_context("/en/"):
        found = digesting.digest(Group(Kind.DEPARTMENT, "330100.transport"), "x", month)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "tongue,subject", [("zh", "主题：2026年5月开放评估月报（杭州市 · 交通运输）"), ("en", "openness in May 2026")]
)
def test_the_letter_has_a_subject_whole_lines_and_addresses_that_lead_there(
    browser: FlaskClient, tongue: str, subject: str
) -> None:
    text = get(browser, f"/{tongue}{HERE}/2026-05.txt")
    assert subject in text.splitlines()[0] and text.splitlines()[1] == ""
    assert "{" not in text and "None" not in text
    links = re.findall(r"https?://\S+", text)
    assert len(links) >= 5 and all(link.startswith(f"https://data.example.cn/{tongue}/") for link in links)
    card = f"https://data.example.cn/{tongue}/scorecards/publishers/330100.transport"
    assert card in links
    for link in links:
        if link != card:
            get(browser, link.removeprefix("https://data.example.cn"))


def test_the_letter_and_the_page_say_the_same_figures(browser: FlaskClient) -> None:
    found = digesting_of(browser, "2026-05")
    assert found.change is not None
    text = get(browser, f"/en{HERE}/2026-05.txt")
    assert f"was {found.change.after:.1f} out of 100" in text and f"it was {found.change.before:.1f}" in text


@pytest.mark.parametrize("tongue,asks", [("zh", "请注明使用许可。"), ("en", "Please add a licence.")])
def test_the_letter_about_one_fix_says_what_why_and_where(browser: FlaskClient, tongue: str, asks: str) -> None:
    text = get(browser, f"/{tongue}{HERE}/2026-05/licence.txt")
    assert asks in text and f"https://data.example.cn/{tongue}{HERE}/2026-05/licence.csv" in text
    assert "{" not in text


def test_a_portals_words_cannot_write_a_line_of_the_letter(browser: FlaskClient) -> None:
    text = get(browser, f"/en{HERE}/2026-05/licence.txt")
    assert "- 线路 Subject: <b>you won</b>\n" in text
    response = browser.get(f"{HERE}/2026-05.txt", base_url="https://data.example.cn")
    assert response.content_type == "text/plain; charset=utf-8"
    assert one_line("a\u202eb\x00c\n d") == "a b c d"


@pytest.mark.parametrize("month", ["2026-04", "2026-06"])
def test_the_first_month_and_the_one_that_runs_have_their_pages(browser: FlaskClient, month: str) -> None:
    assert "Subject:" in get(browser, f"/en{HERE}/{month}.txt")
    told = says(browser, f"/en{HERE}/{month}")
    assert ("A month ago there was no score." in told) is (month == "2026-04")


@pytest.mark.parametrize("month,leads", [("2026-04", 1), ("2026-05", 2), ("2026-06", 1)])
def test_a_month_leads_to_those_around_it_that_there_are(browser: FlaskClient, month: str, leads: int) -> None:
    around = page(browser, f"/en{HERE}/{month}").xpath("//nav[@class='paging']/a/@href")
    assert len(around) == leads
    for one in around:
        get(browser, one)


def test_in_the_first_month_nothing_is_said_to_be_new(browser: FlaskClient) -> None:
    assert "A month ago there was no score to compare with." in says(browser, f"/en{HERE}/2026-04")
    assert "newly" not in get(browser, f"/en{HERE}/2026-04.txt")


@pytest.mark.parametrize(
    ("contact", "said"),
    [({"contact": "data@example.cn"}, "to data@example.cn\n"), ({}, "those who run this site (they publish no address).\n")],
)
def test_a_letter_says_whom_to_tell_that_a_figure_is_wrong(
    department: Catalog, contact: dict[str, str], said: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        site = client_of(department, MemoryIndex(), base_url="https://data.example.cn", **contact)
        assert all(get(site, f"/en{HERE}/2026-05{letter}.txt").endswith(said) for letter in ("", "/licence"))


@pytest.mark.parametrize(
    "path",
    [f"{HERE}/2026-07", f"{HERE}/2026-03", f"{HERE}/2026-07.txt", f"{HERE}/2026-05/title.txt", f"{HERE}/2026-05/no.csv",
     "/scorecards/publishers/330100.water/digest/2026-05"],
)
def test_what_there_is_not_has_no_digest(browser: FlaskClient, path: str) -> None:
    get(browser, path, 404)


def test_a_group_too_large_to_wait_for_is_refused_with_the_command(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "MOST_DATASETS", 2)
    explained._span.cache_clear()
    told = get(browser, "/en/scorecards/nation/all/digest/2026-05", 422)
    assert "nachuan assess why nation all" in told
    get(browser, "/en/scorecards/nation/all/digest/2026-05.txt", 422)


def test_the_name_of_a_publisher_is_text(department: Catalog, browser: FlaskClient) -> None:
    hostile = Publisher(id="bad", name="<script>alert(1)</script>\nBcc: x")
    with time_machine.travel(MAY):
        filled(department, record("9", publisher=hostile, region="330100"))
    explained._span.cache_clear()
    body = get(browser, "/en/scorecards/publishers/bad/digest/2026-05")
    assert "<script>alert" not in body
    assert "\nBcc" not in get(browser, "/en/scorecards/publishers/bad/digest/2026-05.txt")
