"""The session that ckanapi is given keeps the same rules; keys stay where they belong (fault 81)."""

from __future__ import annotations

import logging

import pytest
from ckanapi import NotFound, RemoteCKAN

from harvester.errors import (
    AnswerTooLarge,
    HarvestError,
    PortalAnsweredError,
    PortalNotUnderstood,
    PortalTimedOut,
    RedirectRefused,
)
from harvester.http import Http, Limits, SourceHeaders
from harvester.http.masking import masked
from tests.harvester.http.conftest import Clock, MakeHttp
from tests.hostile import (
    HostileServer,
    answer,
    endless_chunked,
    headers_then_silence,
    html_as_json,
    json_answer,
    raw,
    redirect,
    sequence,
)

SEARCH = "/api/action/package_search"
FOUND = {"success": True, "result": {"count": 1, "results": [{"title": "公交"}]}}


def test_ckanapi_reads_through_the_session(http: Http) -> None:
    with HostileServer({SEARCH: json_answer(FOUND)}) as portal:
        for get_only in (False, True):
            client = RemoteCKAN(portal.url, session=http.session, get_only=get_only)
            assert client.call_action("package_search", {"rows": 1})["count"] == 1
        assert [seen.method for seen in portal.seen] == ["POST", "GET"]
        assert {seen.headers["user-agent"] for seen in portal.seen} == {"Nachuan/0.1 (open data catalogue)"}
    assert http.requests == 2


def test_ckanapi_s_missing_timeout_is_ours(make_http: MakeHttp) -> None:
    http = make_http(limits=Limits(retries=0, read_gap_s=0.3))
    with HostileServer(headers_then_silence()) as portal, pytest.raises(PortalTimedOut):
        RemoteCKAN(portal.url, session=http.session).call_action("site_read")


def test_ckanapi_s_answers_are_capped(make_http: MakeHttp) -> None:
    http = make_http(limits=Limits(memory_bytes=1_000_000))
    with HostileServer(endless_chunked()) as portal, pytest.raises(AnswerTooLarge):
        RemoteCKAN(portal.url, session=http.session).call_action("site_read")


def test_ckanapi_s_answers_hold_no_million_values(http: Http) -> None:
    with HostileServer(answer(b'{"success": true, "result": [' + b"[]," * 1_000_000 + b"[]]}")) as portal:
        with pytest.raises(AnswerTooLarge, match="values in one answer"):
            RemoteCKAN(portal.url, session=http.session).call_action("package_list")


def test_ckanapi_s_questions_are_repeated_and_redirected_by_us(http: Http) -> None:
    """ckanapi itself asks for no redirects of its POSTs, since requests would turn them into GETs."""
    here = sequence(answer(status=502), redirect("/new" + SEARCH, status=301))
    with HostileServer({SEARCH: here, "/new" + SEARCH: json_answer(FOUND)}) as portal:
        assert RemoteCKAN(portal.url, session=http.session).call_action("package_search")["count"] == 1
        assert [seen.method for seen in portal.seen] == ["POST"] * 3


def test_ckanapi_understands_the_portal_s_own_errors(http: Http) -> None:
    missing = {"success": False, "error": {"__type": "Not Found Error", "message": "Not found"}}
    with HostileServer(json_answer(missing, status=404)) as portal, pytest.raises(NotFound):
        RemoteCKAN(portal.url, session=http.session).call_action("package_show", {"id": "gone"})


def test_ckanapi_reads_chinese_of_any_charset(http: Http) -> None:
    body = '{"success": true, "result": "数据"}'.encode("gb18030")
    with HostileServer(answer(body, headers={"Content-Type": "application/json"})) as portal:
        assert RemoteCKAN(portal.url, session=http.session).call_action("site_read") == "数据"


def test_whoever_streams_from_the_session_gets_the_whole_body(http: Http) -> None:
    with HostileServer(answer(b"x" * 100_000)) as portal:
        response = http.session.get(portal.url, stream=True)
        assert sum(map(len, response.iter_content(1000))) == 100_000


def test_ckanapi_is_paced(make_http: MakeHttp, clock: Clock) -> None:
    http = make_http(requests_per_second=2.0)
    with HostileServer(json_answer(FOUND)) as portal:
        client = RemoteCKAN(portal.url, session=http.session)
        for _ in range(3):
            client.call_action("package_search")
    assert clock.waits_s == [0.5, 0.5]


def test_f81_ckanapi_s_key_does_not_follow_to_another_host(http: Http) -> None:
    there = json_answer(FOUND)
    with HostileServer(there) as other, HostileServer(redirect(f"{other.url}{SEARCH}")) as portal:
        client = RemoteCKAN(portal.url, apikey="secret-key", session=http.session, get_only=True)
        client.call_action("package_search")
        assert "secret-key" in str(portal.seen[0].headers)
        assert "secret-key" not in str(other.seen[0].headers)


def test_f81_a_source_s_headers_go_to_no_other_host(make_http: MakeHttp) -> None:
    with HostileServer(answer("ok")) as portal, HostileServer(answer("ok")) as other:
        http = make_http(source_headers=SourceHeaders(portal.url, {"X-API-Key": "secret-key"}))
        http.get(portal.url)
        http.get(other.url)
        http.session.get(other.url)
        assert portal.seen[0].headers["x-api-key"] == "secret-key"
        assert all("secret-key" not in str(seen.headers) for seen in other.seen)


def test_f81_cookies_end_with_the_run(make_http: MakeHttp) -> None:
    with HostileServer(answer("ok", headers={"Set-Cookie": "run=1"})) as portal:
        for _ in range(2):
            http = make_http()
            http.get(portal.url)
            http.get(portal.url)
        assert [seen.headers.get("cookie") for seen in portal.seen] == [None, "run=1", None, "run=1"]


ECHO = answer("bad key query-secret header-secret body%2Fsecret", status=400)


def _said(error: HarvestError) -> str:
    issue = error.issue()
    return f"{error} {error.args} {error.url} {error.seen} {error.detail} {issue}"


def test_f81_keys_are_in_no_error_even_when_the_portal_repeats_them(make_http: MakeHttp) -> None:
    with HostileServer(ECHO) as portal:
        http = make_http(
            source_headers=SourceHeaders(portal.url, {"Authorization": "Bearer header-secret"}),
            secrets=["body/secret", "query-secret"],
        )
        with pytest.raises(PortalAnsweredError) as caught:
            http.get(f"{portal.url}/?k=query-secret", headers={"X-More": "more-secret"})
    assert "secret" not in _said(caught.value)
    assert "bad key" in (caught.value.seen or "")


@pytest.mark.parametrize("script", [html_as_json(), answer('{"oops": query-secret}')])
def test_f81_keys_are_in_no_error_about_the_body(script: object, make_http: MakeHttp) -> None:
    with HostileServer(script) as portal:  # type: ignore[arg-type]
        response = make_http(secrets=["query-secret"]).get(f"{portal.url}/?k=query-secret")
        assert "secret" not in repr(response)
        with pytest.raises(PortalNotUnderstood) as caught:
            response.json()
    assert "secret" not in _said(caught.value)


def test_f81_keys_are_in_no_error_of_the_network(make_http: MakeHttp) -> None:
    with HostileServer({"/": redirect("/?apikey=s3cret-1")}) as portal:
        with pytest.raises(RedirectRefused) as caught:
            make_http().get(f"{portal.url}/?apikey=s3cret-1")
    assert "s3cret" not in _said(caught.value)


def test_f81_keys_are_in_no_reason_that_the_portal_gives(make_http: MakeHttp) -> None:
    echo = raw(b"HTTP/1.1 400 bad key header-secret\r\nContent-Length: 0\r\n\r\n")
    with HostileServer(echo) as portal:
        http = make_http(source_headers=SourceHeaders(portal.url, {"X-Key": "header-secret"}))
        with pytest.raises(PortalAnsweredError, match="status 400 bad key") as caught:
            http.get(portal.url)
    assert "secret" not in _said(caught.value)


def test_f81_keys_are_in_no_error_of_a_header_that_cannot_be_sent(make_http: MakeHttp) -> None:
    with pytest.raises(HarvestError) as caught:
        make_http().get("http://127.0.0.1/", headers={"X-Key": "header-secret\n"})
    assert "secret" not in _said(caught.value)
    assert caught.value.__cause__ is None


def test_f81_keys_are_in_no_log_at_any_level(
    make_http: MakeHttp, caplog: pytest.LogCaptureFixture
) -> None:
    """urllib3 would complain of the last answer's header with the whole address."""
    caplog.set_level(logging.DEBUG)
    odd = raw(b"HTTP/1.1 200 OK\r\nno header\r\n\r\nok")
    with HostileServer(sequence(answer(status=500), redirect("/b?token=s3cret-2"), odd)) as portal:
        http = make_http(source_headers=SourceHeaders(portal.url, {"X-Key": "s3cret-3"}))
        http.get(f"{portal.url}/?apikey=s3cret-1")
    assert "s3cret" not in caplog.text


def test_f81_keys_are_in_no_validator_nor_move(make_http: MakeHttp) -> None:
    new = answer("ok", headers={"ETag": '"1"'})
    with HostileServer({"/": redirect("/new?apikey=s3cret-1", status=301), "/new": new}) as portal:
        http = make_http()
        http.get(f"{portal.url}/?apikey=s3cret-1", conditional=True)
        assert "s3cret" not in f"{http.moved} {http.seen_validators}"
        again = make_http(validators=http.seen_validators)
        again.get(f"{portal.url}/?apikey=s3cret-1", conditional=True)
        assert portal.seen[-1].headers["if-none-match"] == '"1"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://a.example/?appKey=abc&page=2", "http://a.example/?appKey=***&page=2"),
        ("http://a.example/?page=2&access_token=abc", "http://a.example/?page=2&access_token=***"),
        ("http://a.example/?keyword=bus&sort=key", "http://a.example/?keyword=bus&sort=key"),
    ],
)
def test_f81_what_a_query_carries_under_a_telling_name_is_not_shown(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_what_acts_in_a_terminal_or_a_log_is_in_no_error(http: Http) -> None:
    with HostileServer(answer("\x1b[2J\x1b]0;owned\x07 gone\x00\r\nINFO all is well", status=500)) as portal:
        with pytest.raises(PortalAnsweredError) as caught:
            http.get(portal.url)
    assert not set("\x00\x07\x1b\r") & set(_said(caught.value))


def test_f81_a_secret_is_found_in_every_spelling() -> None:
    assert masked("a/b c+d, a%2Fb%20c%2Bd, a%2Fb+c%2Bd", ["a/b c+d"]) == "***, ***, ***"
