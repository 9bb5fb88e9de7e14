"""A portal that turns the harvester away is written to (fault N19)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from flask.testing import FlaskClient
from msgspec.structs import replace

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.model import HARVESTER, Issue, Outcome, Politeness, RunMode
from portal.catalog.store import Catalog
from tests.portal.web.people import PASSWORD, cheap_passwords, sign_in
from tests.portal.web.town import HANGZHOU, client_of, page, says

TURNED_AWAY = Issue(
    code="portal.blocked",
    url="https://data.example.cn/api/3/action/package_search",
    detail="a script challenge (Cloudflare)\nBcc: everybody@example.org\x1b[2J",
)


def run_of(catalog: Catalog, outcome: Outcome, *issues: Issue) -> None:
    """The last run of Hangzhou."""
    with time_machine.travel("2026-06-01T02:30:00Z", tick=False):
        run = catalog.runs.start("hangzhou", RunMode.FULL, "test")
    catalog.runs.add_issues(run, [(None, issue) for issue in issues])
    cause = issues[0].code if issues else None
    catalog.runs.save(replace(run, finished=datetime.now(UTC), outcome=outcome, cause=cause))


@pytest.fixture
def blocked(catalog: Catalog) -> Iterator[Catalog]:
    """A catalogue whose one portal met the harvester with a challenge."""
    catalog.sources.put(replace(HANGZHOU, politeness=Politeness(requests_per_second=0.5)))
    run_of(catalog, Outcome.FAILED, TURNED_AWAY)
    with cheap_passwords():
        catalog.accounts.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND)
        yield catalog


def operator(catalog: Catalog, **settings: str) -> FlaskClient:
    browser = client_of(catalog, **settings)
    assert sign_in(browser, "lin").status_code == 303
    return browser


def letter(browser: FlaskClient, language: str) -> list[str]:
    """The lines of the letter on the page of the source."""
    (shown,) = page(browser, f"/{language}/operate/sources/hangzhou").xpath("//details/pre")
    return str(shown.text_content()).splitlines()


@pytest.mark.parametrize(
    ("language", "subject", "when", "rate"),
    [
        ("zh", "主题：请允许开放数据目录的采集程序读取杭州市公共数据开放平台", "2026年6月1日 10:30（UTC+8）", "每秒不超过 0.5 次"),
        (
            "en", "Subject: Please let the harvester of the open data catalogue read 杭州市公共数据开放平台",
            "1 Jun 2026 10:30 (UTC+8)", "at most 0.5 times a second",
        ),
    ],
)  # fmt: skip
def test_n19_a_letter_says_who_was_turned_away_from_where_and_what_would_help(
    blocked: Catalog, language: str, subject: str, when: str, rate: str
) -> None:
    lines = letter(operator(blocked, base_url="https://catalogue.example", contact="data@catalogue.example"), language)
    assert lines[0] == subject and lines[1] == ""
    whole = "\n".join(lines)
    for told in (when, rate, TURNED_AWAY.url, "a script challenge (Cloudflare)", HARVESTER, "data@catalogue.example"):
        assert told is not None and told in whole
    assert f"https://catalogue.example/{language}/sources/hangzhou" in lines
    assert sum(line.startswith(("1. ", "2. ", "3. ")) for line in lines) == 3


def test_n19_what_a_portal_says_makes_no_line_of_the_letter(blocked: Catalog) -> None:
    lines = letter(operator(blocked), "en")
    assert not any(line.startswith("Bcc:") for line in lines) and "\x1b" not in "".join(lines)
    assert lines[-1] == "An answer to this letter reaches those who run the catalogue.", "nobody to write to is published"


def test_n19_there_is_a_letter_only_as_long_as_the_portal_turns_us_away(blocked: Catalog) -> None:
    browser = operator(blocked)
    assert "turned the last run away" in says(browser, "/en/operate/sources/hangzhou")
    run_of(blocked, Outcome.FAILED, Issue(code="portal.unreachable", detail="no answer"))
    assert "turned the last run away" not in says(browser, "/en/operate/sources/hangzhou")
    run_of(blocked, Outcome.COMPLETE)
    assert "turned the last run away" not in says(browser, "/en/operate/sources/hangzhou")


def test_n19_the_letter_is_for_operators(blocked: Catalog) -> None:
    assert client_of(blocked).get("/operate/sources/hangzhou").status_code == 303
    assert "Subject:" not in says(client_of(blocked), "/en/sources/hangzhou")
