"""Pages on paper: what they say there, and what printing them may never cost or leak. The browsers are small scripts."""

from __future__ import annotations

import fcntl
import os
import re
import select
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import request
from flask.testing import FlaskClient
from lxml import html

from portal.catalog.model import Publisher, RunMode
from portal.catalog.store import Catalog
from portal.scorecard.assess import rebuild
from portal.web.paper import PRINTED
from portal.web.pdf import NotPrinted, PrinterBusy, chromium, printed
from tests.catalogs import SOURCE, record
from tests.portal.web.town import client_of, dataset_of, page, says, words

Browser = Callable[[str], str]

COPY = 'cp "$PAGE" "$OUT"'


def browser_in(folder: Path, lines: str) -> str:
    """A browser of shell lines, in which ``$OUT`` is the PDF and ``$PAGE`` the page."""
    path = folder / "browser"
    find = 'for one; do case $one in --print-to-pdf=*) OUT=${one#*=};; file://*) PAGE=${one#file://};; esac; done\n'
    path.write_text(f"#!/bin/sh\n{find}{lines}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Makes a browser."""
    return partial(browser_in, tmp_path)


def test_the_pdf_is_what_the_browser_writes_of_the_page(browser: Browser, tmp_path: Path) -> None:
    assert printed("<p>水质</p>", browser('cat "$PAGE" "$PAGE" > "$OUT"'), tmp_path).decode() == "<p>水质</p>" * 2


def test_the_browser_knows_nothing_of_this_process_and_leaves_nothing(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NACHUAN_SECRET_KEY", "not for browsers")
    seen = printed("x", browser('{ env; pwd; echo "$@"; } > "$OUT"'), tmp_path).decode()
    assert "not for browsers" not in seen and "NACHUAN" not in seen
    (folder,) = set(re.findall(r"^HOME=(.+)$", seen, re.MULTILINE))
    assert f"--user-data-dir={folder}/profile" in seen and f"\n{folder}\n" in seen
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [("exit 3", "ended with 3"), ("true", "wrote no PDF"), ("kill -9 $$", "ended with -9")],
)
def test_a_browser_that_fails_is_said_to(browser: Browser, tmp_path: Path, lines: str, reason: str) -> None:
    with pytest.raises(NotPrinted, match=reason):
        printed("x", browser(lines), tmp_path)


@pytest.mark.slow
def test_a_browser_that_hangs_is_ended_with_all_that_it_started(browser: Browser, tmp_path: Path) -> None:
    # A pipe that ends when the last process that could write to it has ended.
    os.mkfifo(tmp_path / "alive")
    reading = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    os.close(os.open(tmp_path / "alive", os.O_WRONLY))
    hanging = browser(f"exec > {tmp_path}/alive; sleep 20 & wait")
    with pytest.raises(NotPrinted, match="longer than 0.3 s"):
        printed("x", hanging, tmp_path, timeout_s=0.3)
    ended, _, _ = select.select([reading], [], [], 10)
    os.close(reading)
    assert ended


def test_one_page_is_printed_at_a_time_among_all_processes(browser: Browser, tmp_path: Path) -> None:
    with open(tmp_path / "pdf.lock", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PrinterBusy):
            printed("x", browser('touch "$OUT"'), tmp_path, patience_s=0.1)
    assert printed("x", browser(COPY), tmp_path, patience_s=0) == b"x"


def test_a_browser_is_found_by_name_or_path_and_can_be_switched_off(browser: Browser) -> None:
    path = browser("true")
    assert chromium(path) == path and chromium("off") is None and chromium("/no/such/browser") is None


# The site


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the site below."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def printer(town: Catalog, home: Path) -> FlaskClient:
    """A reader of a site, assessed, whose PDFs are the pages themselves."""
    rebuild(town)
    return client_of(town, home=home, chromium=browser_in(home, COPY), base_url="http://localhost")


def test_a_pdf_is_made_of_the_page_in_the_language_of_its_address(printer: FlaskClient) -> None:
    path = f"/en/datasets/{dataset_of('1')}"
    (link,) = page(printer, path).xpath("//footer//a[@type='application/pdf']/@href")
    response = printer.get(link)
    assert link == f"{path}.pdf" and response.status_code == 200 and response.mimetype == "application/pdf"
    text = response.get_data(as_text=True)
    assert "Water quality of drinking water sources" in text and f"http://localhost{path}" in text


def test_a_page_on_paper_needs_nothing_else_and_runs_nothing(printer: FlaskClient) -> None:
    shown = page_of(printer, "/zh/sources/hangzhou.pdf")
    assert not shown.xpath("//script|//link[@rel='stylesheet']|//img")
    assert shown.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [
        "default-src 'none'; style-src 'unsafe-inline'"
    ]
    assert shown.xpath("//base/@href") == ["http://localhost/zh/sources/hangzhou"]


def test_a_pdf_may_be_kept_for_everyone_who_reads_the_same_language(printer: FlaskClient) -> None:
    said, asked = printer.get("/zh/runs/1.pdf"), printer.get("/runs/1.pdf")
    assert said.headers["Cache-Control"] == asked.headers["Cache-Control"] == "public, max-age=300"
    assert "Vary" not in said.headers and asked.headers["Vary"] == "Accept-Language"


def test_every_sheet_says_where_it_is_from_and_of_what_day(printer: FlaskClient) -> None:
    shown = page_of(printer, "/en/regions/330000.pdf")
    sheet = words(shown.xpath("//p[@class='sheet']")[0])
    assert re.fullmatch(r"http://localhost/en/regions/330000As of \d\d? \w+ 20\d\d", sheet)
    (below,) = re.findall(r'@bottom-left \{ content: "(.*)"; \}', shown.xpath("string(//style)"))
    assert below.startswith("http://localhost/en/regions/330000 ") and below.endswith(sheet[-4:])


PAGES = (
    f"/datasets/{dataset_of('1')}", "/publishers/water", "/regions/330000", "/sources/hangzhou", "/runs/1",
    "/scorecards/regions/330000", "/scorecards/nation/all/mqa", "/scorecards/regions/330000/national/matrix",
)


def test_every_kind_of_page_that_is_printed_is_tried_here(printer: FlaskClient) -> None:
    adapter = printer.application.url_map.bind("localhost")
    assert tuple(adapter.match(path, return_rule=True)[0].rule for path in PAGES) == PRINTED


def test_no_pdf_is_offered_of_what_its_address_would_not_lead_to(printer: FlaskClient) -> None:
    path = "/zh/scorecards/regions/330000/national/matrix"
    for query, offered in (("", True), ("?sort=name", False)):
        links = page(printer, f"{path}{query}").xpath("//footer//a/@href")
        assert (f"{path}.pdf" in links) == offered, query


@pytest.mark.parametrize("path", PAGES)
def test_a_page_and_its_pdf_say_the_same(printer: FlaskClient, path: str) -> None:
    on_screen, on_paper = page(printer, f"/zh{path}"), page_of(printer, f"/zh{path}.pdf")
    assert words(on_paper.xpath("//main")[0]) == words(on_screen.xpath("//main")[0])


@pytest.mark.parametrize("path", ["/", "/datasets", "/regions", "/about", "/no/such/page"])
def test_other_pages_offer_no_pdf(printer: FlaskClient, path: str) -> None:
    assert b".pdf" not in printer.get(path).data


def test_what_is_gone_or_never_was_has_no_pdf(printer: FlaskClient) -> None:
    answers = [printer.get(f"{path}.pdf").status_code for path in (f"/datasets/{dataset_of('gone')}", "/runs/999")]
    assert answers == [410, 404]
    assert [printer.get(path).status_code for path in ("/about.pdf", "/runs/x.pdf", "/.pdf")] == [404] * 3


def test_the_page_is_asked_without_the_readers_cookies_and_headers(town: Catalog, home: Path) -> None:
    seen = []
    client = client_of(town, home=home, chromium=browser_in(home, COPY))
    client.application.before_request(
        lambda: seen.append((request.path, dict(request.cookies), request.headers.get("Authorization")))
    )
    client.set_cookie("session", "mine")
    assert client.get("/sources/hangzhou.pdf", headers={"Authorization": "Bearer mine"}).status_code == 200
    assert seen == [
        ("/sources/hangzhou.pdf", {"session": "mine"}, "Bearer mine"),
        ("/sources/hangzhou", {}, None),
    ]


def test_without_a_browser_no_pdf_is_offered_and_the_reason_is_said(town: Catalog) -> None:
    client = client_of(town, chromium="off")
    assert b".pdf" not in client.get("/en/sources/hangzhou").data
    assert "No browser to print with is installed here." in says(client, "/en/sources/hangzhou.pdf", 501)


@pytest.mark.slow
def test_a_reader_who_finds_the_printer_busy_is_told_when_to_come_back(printer: FlaskClient, home: Path) -> None:
    with open(home / "pdf.lock", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        response = printer.get("/en/runs/1.pdf")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")
    assert "Another page is being printed" in response.get_data(as_text=True)


def test_a_page_that_could_not_be_printed_is_an_error_of_ours(
    town: Catalog, browser: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(town, home=tmp_path, chromium=browser("exit 1"))
    assert "这个页面没有打印成功" in says(client, "/zh/runs/1.pdf", 503)
    assert "/runs/1.pdf was not printed: the browser ended with 1" in caplog.text


def test_an_address_that_means_to_leave_its_quotes_stays_within(catalog: Catalog, browser: Browser, tmp_path: Path) -> None:
    name = """a"; } body { display: none } \\ <!-- <script> ?q=1#x %41 """
    catalog.sources.put(SOURCE)
    lease = catalog.sources.lease(SOURCE.id, "test")
    run = catalog.runs.start(SOURCE.id, RunMode.FULL, "test")
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put([record("1", publisher=Publisher(id=name, name="x"))])
    client = client_of(catalog, home=tmp_path, chromium=browser(COPY))
    shown = page_of(client, f"/publishers/{quote(name, safe='')}.pdf")
    below = shown.xpath("string(//style)").splitlines()[-1]
    assert re.fullmatch(r'@page { @bottom-left { content: "[^"{}<>;]*"; } }', below)
    assert words(shown.xpath("//h1")[0]) == "x" and not shown.xpath("//head//script")


def page_of(client: FlaskClient, path: str) -> html.HtmlElement:
    """What was printed at a path, where PDFs are the pages themselves."""
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "application/pdf")
    return html.fromstring(response.get_data(as_text=True))
