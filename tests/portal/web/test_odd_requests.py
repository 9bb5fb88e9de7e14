"""Requests nobody means, to every address of the site (faults W98, W100, W101): never an error of ours."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal.catalog.store import Catalog
from portal.scorecard.assess import rebuild
from portal.web.asking import FILTERS
from tests.portal.web.people import add_everyone, cheap_passwords, sign_in, token
from tests.portal.web.town import build, client_of, dataset_of

ODD = (
    "\0", "a\0b", "9" * 30, "-1", "0", "1e9", "NaN", "x" * 5000, "../../etc/passwd", "%2e%2e%2f", "' OR 1=1 --", "\ufffd",
    "a OR " * 100, "*" * 50, "[", "(", "\\", "2026-13-45", "0001-01-01", "9999-12-31", "2026-H9", "2020-H1", "null", "",
    " ", "\u202e", "😀", "2147483648", "9223372036854775808", "{{7*7}}", "<script>", "javascript:alert(1)", "\r\nX: y",
)  # fmt: skip

NAMES = (
    "q region publisher department institution theme format license openness frequency source hvd field fresh sort page rows "
    "since modified_since before after from until to rules day who what name lack back limit start by kind code answer flag "
    "indicator peers month done no_such_name"
).split()

GOOD = {
    "id": (dataset_of("1"), "water", "hangzhou", "1", "2", "330100", "transport"),
    "code": ("330100", "water", "330100.water"),
    "kind": ("department", "publisher", "region", "theme", "source"),
    "rules": ("national", "mqa"),
}

FIELDS = "name verdict functions institution_type region note source paused mode first second reason new again".split()

INSIDE = re.compile(rb"Traceback|psycopg|sqlite3|SELECT [a-z]|sqlalchemy|jinja2")


@pytest.fixture
def admin(any_catalog: Catalog) -> Iterator[FlaskClient]:
    """An administrator's browser: it reaches every address there is."""
    build(any_catalog)
    rebuild(any_catalog)
    with cheap_passwords():
        add_everyone(any_catalog)
        browser = client_of(any_catalog, chromium="off")
        sign_in(browser, "admin")
        yield browser


def rules(browser: FlaskClient, method: str) -> list[Rule]:
    """Every address with a method; signing out and the accounts are left alone, or nothing could be reached any more."""
    found = [rule for rule in browser.application.url_map.iter_rules() if method in (rule.methods or ())]
    return [rule for rule in found if not rule.rule.startswith(("/account", "/login", "/operate/users"))]


def path(rule: Rule, rng: random.Random) -> str:
    """The rule's address, with odd words and good ones in its places."""
    filled = rule.rule
    for name in rule.arguments:
        word = rng.choice(ODD if rng.random() < 0.5 else GOOD.get(name, ("1", "national", "330100")))
        filled = re.sub(rf"<(?:[^<>]*:)?{name}>", lambda _: quote(word, safe=""), filled)
    return filled


def refused_or_answered(browser: FlaskClient, address: str, **given: object) -> int:
    """The status. 501 says that no PDF is offered here, 503 that something is not there yet."""
    response = browser.open(address, **given)  # type: ignore[arg-type]
    assert response.status_code < 500 or response.status_code in (501, 503), (address, given, response.status_code)
    # What was typed may be shown again; nothing typed here has such words.
    assert not INSIDE.search(response.data), (address, given)
    assert "X" not in response.headers
    return response.status_code


@pytest.mark.slow
def test_w101_no_address_answers_odd_words_with_an_error_of_ours(admin: FlaskClient) -> None:
    rng = random.Random(101)
    met = set()
    for rule in rules(admin, "GET"):
        for _ in range(8):
            query = [(rng.choice(NAMES), rng.choice(ODD)) for _ in range(rng.randrange(4))]
            met.add(refused_or_answered(admin, path(rule, rng) + (f"?{urlencode(query)}" if query else "")))
    assert {200, 400, 404} <= met


@pytest.mark.slow
def test_w101_no_form_filled_in_with_odd_words_is_an_error_of_ours(admin: FlaskClient) -> None:
    rng = random.Random(101)
    met = set()
    for rule in rules(admin, "POST"):
        for _ in range(20):
            form = {rng.choice(FIELDS): rng.choice(ODD) for _ in range(rng.randrange(5))}
            sent = {"token": token(admin, "/account"), **form}
            met.add(refused_or_answered(admin, path(rule, rng), method="POST", data=sent))
    assert {303, 404, 422} <= met, "some were understood"


@pytest.mark.slow
def test_w98_every_parameter_of_the_search_takes_every_odd_word(admin: FlaskClient) -> None:
    for name in ("q", "sort", "page", "rows", *FILTERS):
        for word in ODD:
            refused_or_answered(admin, f"/datasets?{urlencode([(name, word)])}")


@pytest.mark.parametrize(
    ("address", "status"),
    [("/datasets/%00", 404), ("/sources/a%00b", 404), ("/datasets?source=%00", 400), ("/zh/datasets?q=a%00b", 400)],
)
def test_w100_what_no_database_keeps_is_refused(client: FlaskClient, address: str, status: int) -> None:
    assert client.get(address).status_code == status
