"""What every answer carries and what no request gets past."""

from __future__ import annotations

import logging
import re

import pytest
from flask.testing import FlaskClient

from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from tests.portal.web.town import client_of, page, says


@pytest.mark.parametrize("path", ["/", "/datasets", "/no-such-page", "/static/site.css", "/suggestions?q=水"])
def test_every_answer_carries_the_policy(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "Strict-Transport-Security" not in headers


def test_a_reader_gets_no_cookie(client: FlaskClient) -> None:
    for path in ("/", "/zh/datasets?q=水", "/sources", "/no-such-page"):
        assert "Set-Cookie" not in client.get(path).headers


@pytest.mark.parametrize("path", ["/publishers/%00", "/scorecards/periods/2026H1%00", "/zh/datasets/a%00b", "/desk/%00/new"])
def test_a_name_with_a_nul_is_nobodys_whatever_the_database(any_catalog: Catalog, path: str) -> None:
    assert client_of(any_catalog, MemoryIndex()).get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/no-such-page", 404, "There is no such page"),
        ("POST", "/datasets", 405, "This address does not take that"),
        ("DELETE", "/", 405, "This address does not take that"),
    ],
)
def test_an_error_is_a_page_in_the_readers_language(
    client: FlaskClient, method: str, path: str, status: int, title: str
) -> None:
    response = client.open(f"/en{path}", method=method)
    assert response.status_code == status
    assert f"<h1>{title}</h1>" in response.get_data(as_text=True)
    assert response.headers["Cache-Control"] == "no-store"


def test_a_refused_method_is_told_what_is_allowed(client: FlaskClient) -> None:
    assert "GET" in client.post("/datasets").headers["Allow"]


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/en/api/v1/nothing", "/api/4/action/nothing"])
def test_a_program_is_told_of_an_error_as_one(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json()["title"] == "Not Found"


def test_a_failure_shows_nothing_from_inside_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    catalog = Catalog("sqlite://")
    client = client_of(_Untouched(catalog), _Untouched(catalog))
    with caplog.at_level(logging.ERROR):
        text = says(client, "/en/sources", 500)
    assert text.startswith("Something broke here")
    assert "secret-table" not in text and "Traceback" not in text
    assert caplog.records[-1].exc_info is not None


class _Untouched:
    """A catalogue that fails at every touch, the way a database does that went away."""

    def __init__(self, _catalog: Catalog) -> None:
        """Takes nothing from it."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no such table: secret-table")


@pytest.mark.parametrize(
    "host", ["evil.example", "data.example.cn.evil.example", "data.example.cn:99@evil.example", ""]
)
def test_w100_another_host_is_refused_where_the_installation_names_its_own(town: Catalog, host: str) -> None:
    client = client_of(town, base_url="https://data.example.cn")
    response = client.get("/about", headers={"Host": host})
    assert response.status_code == 400 and "evil.example" not in response.get_data(as_text=True)
    assert client.get("/about", headers={"Host": "data.example.cn"}).status_code == 200
    assert client.get("/about", headers={"Host": "127.0.0.1:8000"}).status_code == 200


def test_w100_forwarded_headers_change_nothing(client: FlaskClient) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"}
    assert "evil" not in client.get("/zh/datasets", headers=headers).get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%5capp.py", "//evil.example/%2e%2e"]
)
def test_w100_no_path_leads_out_of_the_static_files(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code in (308, 404) and b"create_app" not in response.data
    assert "evil.example" not in response.headers.get("Location", "").split("/")[2:3]


def test_a_page_that_did_not_change_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/zh/about")
    again = client.get("/zh/about", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    assert "Content-Security-Policy" in again.headers


def test_static_files_may_be_kept_for_a_year_because_their_address_changes_with_them(client: FlaskClient) -> None:
    styles = page(client, "/").xpath("//link[@rel='stylesheet']/@href")
    assert [re.sub("v=[0-9a-f]{12}$", "v=", style) for style in styles] == [
        f"/static/{name}.css?v=" for name in ("site", "charts", "print")
    ]
    response = client.get(styles[0])
    assert response.cache_control.max_age == 365 * 24 * 3600 and response.mimetype == "text/css"


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    assert client.post("/datasets", data=b"x" * (2 << 20)).status_code in (405, 413)


def test_a_head_request_has_the_headers_of_the_page(client: FlaskClient) -> None:
    response = client.head("/zh/datasets")
    assert response.status_code == 200 and not response.data and response.headers["Content-Language"] == "zh"
