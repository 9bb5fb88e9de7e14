"""Redirects, blocks, robots and validators (faults N12, N13, N19 to N23)."""

from __future__ import annotations

from typing import Any

import pytest

from harvester.errors import PortalAnsweredError, PortalBlocked, RedirectRefused
from harvester.http import Http, Moved, Robots, SourceHeaders, Validators
from tests.harvester.http.conftest import MakeHttp
from tests.hostile import (
    HostileServer,
    answer,
    chain,
    challenge_page,
    conditional,
    json_answer,
    redirect,
    sequence,
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_n12_a_chain_of_three_redirects_is_followed(status: int, http: Http) -> None:
    with HostileServer(chain(3, answer("there"), status=status)) as portal:
        response = http.get(f"{portal.url}/hop0")
        assert (response.text, response.url) == ("there", f"{portal.url}/hop3")


def test_n12_five_redirects_are_followed_and_six_are_not(http: Http) -> None:
    with HostileServer(chain(6, answer("there"))) as portal:
        assert http.get(f"{portal.url}/hop1").text == "there"
        with pytest.raises(RedirectRefused, match="more than 5 redirects"):
            http.get(f"{portal.url}/hop0")


def test_n12_a_redirect_loop_is_named(http: Http) -> None:
    with HostileServer({"/a": redirect("/b"), "/b": redirect("/a")}) as portal:
        with pytest.raises(RedirectRefused, match="loop"):
            http.get(f"{portal.url}/a")
        assert portal.paths == ["/a", "/b"]


def test_n12_a_redirect_to_itself_that_sets_a_cookie_is_no_loop(http: Http) -> None:
    """The cookie check of many firewalls: set a cookie, send the client to the same address."""
    check = redirect("/data", headers={"Set-Cookie": "seen=1; Path=/"})
    with HostileServer({"/data": sequence(check, answer("data"))}) as portal:
        assert http.get(f"{portal.url}/data").text == "data"
        assert portal.seen[1].headers["cookie"] == "seen=1"


def test_n12_a_redirect_in_raw_utf_8_is_followed(http: Http) -> None:
    with HostileServer({"/": redirect("/数据"), "/%E6%95%B0%E6%8D%AE": answer("there")}) as portal:
        assert http.get(f"{portal.url}/").text == "there"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_n12_a_redirected_question_stays_a_post(status: int, http: Http) -> None:
    with HostileServer({"/a": redirect("/b", status=status), "/b": answer("ok")}) as portal:
        http.post(f"{portal.url}/a", json={"page": 1})
        assert (portal.seen[1].method, portal.seen[1].body) == ("POST", b'{"page": 1}')


def test_n12_see_other_turns_a_post_into_a_get(http: Http) -> None:
    with HostileServer({"/a": redirect("/b", status=303), "/b": answer("ok")}) as portal:
        http.post(f"{portal.url}/a", json={"page": 1})
        assert (portal.seen[1].method, portal.seen[1].body) == ("GET", b"")


def test_n13_a_permanent_move_is_followed_and_told_once(http: Http) -> None:
    with HostileServer(json_answer({"a": 1})) as new:
        old_scripts = chain(1, redirect(f"{new.url}/data.json", status=308), prefix="/old", status=301)
        with HostileServer(old_scripts) as old:
            for page in (1, 2):
                assert http.get(f"{old.url}/old0?page={page}").json() == {"a": 1}
            assert list(http.moved) == [Moved(f"{old.url}/old0", f"{new.url}/data.json")]


def test_n13_a_temporary_redirect_is_no_move(http: Http) -> None:
    with HostileServer({"/a": redirect("/b", status=302), "/b": redirect("/c", status=301), "/c": answer()}) as portal:
        http.get(f"{portal.url}/a")
    assert list(http.moved) == []


def test_n13_keys_do_not_follow_to_another_host(make_http: MakeHttp) -> None:
    with HostileServer(answer("ok")) as other:
        scripts = {"/": redirect(f"{other.url}/x"), "/same": redirect("/end"), "/end": answer("ok")}
        with HostileServer(scripts) as portal:
            headers = {"Authorization": "secret-1", "X-CKAN-API-Key": "secret-2", "AppKey": "secret-3"}
            http = make_http(source_headers=SourceHeaders(portal.url, headers))
            http.get(f"{portal.url}/", headers={"X-Session": "secret-4", "Accept": "text/csv"})
            http.get(f"{portal.url}/same")
            assert all(portal.seen[-1].headers[name.lower()] == value for name, value in headers.items())
        assert "secret" not in str(other.seen[0].headers)
        assert other.seen[0].headers["accept"] == "text/csv"


def test_n13_a_post_is_not_carried_to_another_host(http: Http) -> None:
    with HostileServer(answer("ok")) as other, HostileServer(redirect(f"{other.url}/", status=307)) as portal:
        with pytest.raises(RedirectRefused, match="another host"):
            http.post(portal.url, data={"apikey": "secret"})
        assert other.seen == []


@pytest.mark.parametrize("status", [200, 412, 521])
def test_n19_a_challenge_page_is_a_portal_that_blocks_us(status: int, http: Http) -> None:
    with HostileServer(challenge_page(status=status)) as portal:
        with pytest.raises(PortalBlocked, match="challenge") as caught:
            http.get(portal.url)
        assert len(portal.seen) == 1
    assert "__jsl_clearance" in (caught.value.seen or "")


def test_n19_cloudflare_says_itself_that_it_is_a_challenge(http: Http) -> None:
    """Even with a status that is otherwise asked again."""
    with HostileServer(answer("<html>", status=503, headers={"cf-mitigated": "challenge"})) as portal:
        with pytest.raises(PortalBlocked, match="Cloudflare"):
            http.get(portal.url)
        assert len(portal.seen) == 1


@pytest.mark.parametrize(
    ("page", "what"),
    [
        ('<html><form><input type="password" name="p"></form></html>', "login page"),
        ('<html><meta http-equiv="refresh" content="0;url=https://new.example/"></html>', "meta refresh"),
        ("<html><div class='captcha'></div></html>", "captcha"),
        ("<html><title>安全验证</title></html>", "captcha"),
    ],
)
def test_n19_an_obstacle_in_place_of_json_is_never_parsed(page: str, what: str, http: Http) -> None:
    with HostileServer(answer(page, headers={"Content-Type": "text/html"})) as portal:
        with pytest.raises(PortalBlocked, match=what):
            http.get(portal.url).json()


def test_n19_an_ordinary_page_with_a_login_form_is_read(http: Http) -> None:
    page = '<html><form><input type="password"></form><table><tr><td>数据</td></tr></table></html>'
    with HostileServer(answer(page)) as portal:
        assert "数据" in http.get(portal.url).text


@pytest.mark.parametrize("status", [401, 403])
def test_n20_a_portal_that_turns_us_away_is_asked_once_and_under_our_own_name(status: int, http: Http) -> None:
    with HostileServer(answer("go away", status=status)) as portal:
        with pytest.raises(PortalBlocked, match=str(status)):
            http.get(portal.url, headers={"User-Agent": "Mozilla/5.0"})
        assert [seen.headers["user-agent"] for seen in portal.seen] == ["Nachuan/0.1 (open data catalogue)"]


@pytest.mark.parametrize(
    ("rules", "is_allowed"),
    [
        (answer("User-agent: *\nDisallow: /catalog\n"), False),
        (answer("User-agent: Nachuan\nDisallow: /\n\nUser-agent: *\nDisallow:\n"), False),
        (answer("User-agent: *\nDisallow: /admin\n"), True),
        (answer("", status=404), True),
        (answer("", status=403), True),
        (answer("<html>soft 404</html>"), True),
    ],
    ids=["all", "us", "elsewhere", "none", "forbidden", "soft 404"],
)
def test_n21_pages_are_scraped_only_where_robots_txt_allows(rules: Any, is_allowed: bool, http: Http) -> None:
    with HostileServer({"/robots.txt": rules}) as portal:
        robots = Robots(http)
        assert robots.allow(f"{portal.url}/catalog/list.html?page=1") is is_allowed
        assert robots.allow(f"{portal.url}/catalog/list.html?page=2") is is_allowed
        assert portal.paths == ["/robots.txt"]


def test_n21_rules_that_cannot_be_read_forbid_nothing_silently_and_allow_nothing(http: Http) -> None:
    with HostileServer(answer(status=500)) as portal, pytest.raises(PortalAnsweredError, match="status 500"):
        Robots(http).allow(f"{portal.url}/catalog")


def test_n22_an_unchanged_portal_costs_one_short_answer(make_http: MakeHttp) -> None:
    body = b"x" * 100_000
    with HostileServer(conditional(body, etag='"v1"')) as portal:
        first = make_http()
        assert first.get(portal.url, conditional=True).body == body
        second = make_http(validators=first.seen_validators)
        response = second.get(portal.url, conditional=True)
        assert (response.not_modified, response.body) == (True, b"")
        assert second.bytes_received < first.bytes_received / 100
        with make_http(validators=second.seen_validators).stream(portal.url, conditional=True) as streamed:
            assert (streamed.not_modified, list(streamed.chunks)) == (True, [])


def test_n22_last_modified_is_given_back_too(make_http: MakeHttp) -> None:
    instant = "Tue, 15 Nov 2033 12:45:26 GMT"
    with HostileServer(answer("data", headers={"Last-Modified": instant})) as portal:
        first = make_http()
        first.get(portal.url, conditional=True)
        assert first.seen_validators == {f"{portal.url}/": Validators(None, instant)}
        make_http(validators=first.seen_validators).get(portal.url, conditional=True)
        assert portal.seen[1].headers["if-modified-since"] == instant


def test_n22_validators_of_a_stream_count_only_when_it_was_read_to_the_end(http: Http) -> None:
    with HostileServer(conditional(b"x" * 500_000, etag='"v1"')) as portal:
        with http.stream(portal.url, conditional=True) as response:
            next(response.chunks)
        assert http.seen_validators == {}
        with http.stream(portal.url, conditional=True) as response:
            assert sum(map(len, response.chunks)) == 500_000
        assert http.seen_validators == {f"{portal.url}/": Validators('"v1"', None)}


def test_n23_an_unconditional_question_gets_the_whole_answer_whatever_the_etag_says(make_http: MakeHttp) -> None:
    """The weekly full listing asks this way, so an ETag that never changes is found out."""
    with HostileServer(conditional(b"changed all the same", etag='"stuck"')) as portal:
        http = make_http(validators={f"{portal.url}/": Validators('"stuck"', None)})
        assert http.get(portal.url).text == "changed all the same"


def test_n23_a_304_nobody_asked_for_is_an_error(http: Http) -> None:
    with HostileServer(answer(status=304)) as portal, pytest.raises(PortalAnsweredError, match="status 304"):
        http.get(portal.url, conditional=True)


def test_a_run_counts_its_questions_and_bytes(http: Http) -> None:
    with HostileServer(sequence(answer(status=500), redirect("/"), answer(b"x" * 1000))) as portal:
        http.get(f"{portal.url}/?a")
        assert http.requests == 3
        assert http.bytes_received > 1000


def test_parameters_are_part_of_the_address(http: Http) -> None:
    with HostileServer(answer("ok")) as portal:
        http.get(f"{portal.url}/search?a=1", params={"q": "公共 数据", "rows": 100})
        assert portal.paths == ["/search?a=1&q=%E5%85%AC%E5%85%B1+%E6%95%B0%E6%8D%AE&rows=100"]


def test_a_header_with_characters_that_no_header_may_hold_is_read_without_them(http: Http) -> None:
    with HostileServer(answer("ok", headers={"ETag": '"a\x00b\x1b"', "Content-Type": "text/c\x00sv"})) as portal:
        response = http.get(portal.url, conditional=True)
        assert (response.headers["ETag"], response.headers["Content-Type"]) == ('"ab"', "text/csv")
        assert http.seen_validators == {f"{portal.url}/": Validators('"ab"', None)}
