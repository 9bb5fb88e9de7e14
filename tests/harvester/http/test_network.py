"""What portals and the network between do to us (faults N1 to N23), over real sockets."""

from __future__ import annotations

import socket
import time
import tracemalloc
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from harvester.errors import (
    AnswerCutShort,
    AnswerTooLarge,
    PortalAnsweredError,
    PortalBlocked,
    PortalBusy,
    PortalNotUnderstood,
    PortalTimedOut,
    PortalUnreachable,
    RedirectRefused,
)
from harvester.http import Http, Limits, Moved, Pacing, Robots, SourceHeaders, Validators
from tests.harvester.http.conftest import Clock, MakeHttp
from tests.hostile import (
    HostileServer,
    answer,
    bandwidth,
    chain,
    challenge_page,
    chunked_cut,
    conditional,
    drip,
    endless_chunked,
    endless_headers,
    headers_then_silence,
    json_answer,
    latency,
    limit_data,
    raw,
    redirect,
    reset_peer,
    sequence,
    slicer,
    slow_close,
    timeout,
    wrong_length,
)

NO_RETRIES = Limits(retries=0)
SHORT = Limits(retries=0, connect_s=0.3, read_gap_s=0.3)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def black_hole() -> Any:
    """An address that takes no connection and refuses none: the SYN is dropped, since the listener's queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_n01_a_host_that_does_not_resolve_is_not_found_and_not_asked_again(http: Http, clock: Clock) -> None:
    with pytest.raises(PortalUnreachable, match="host not found: no-such-portal.invalid"):
        http.get("http://no-such-portal.invalid/data.json")
    assert clock.waits_s == []


def test_n01_a_resolver_that_is_down_for_a_moment_is_asked_again(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    answers = [socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")]

    def down_once(*args: Any, **kwargs: Any) -> Any:
        if answers:
            raise answers.pop()
        return resolve(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", down_once)
    with HostileServer(answer("ok")) as portal:
        assert http.get(portal.url).text == "ok"


def test_n02_a_refused_connection_is_tried_three_times_more_with_growing_gaps(
    make_http: MakeHttp, clock: Clock
) -> None:
    http = make_http(limits=Limits(first_wait_s=1.0))
    with pytest.raises(PortalUnreachable, match="Connection refused"):
        http.get(f"http://127.0.0.1:{_closed_port()}/")
    assert http.requests == 4
    assert len(clock.waits_s) == 3
    assert all(0 <= wait_s <= bound for wait_s, bound in zip(clock.waits_s, (1.0, 2.0, 4.0), strict=True))


def test_n02_retries_of_a_run_are_bounded_in_all(make_http: MakeHttp) -> None:
    http = make_http(limits=Limits(retries_a_run=5), pacing=Pacing(sleep=lambda _: None, failures=1000))
    port = _closed_port()
    for _ in range(4):
        with pytest.raises(PortalUnreachable):
            http.get(f"http://127.0.0.1:{port}/")
    assert http.requests == 4 + 5


def test_n03_a_connection_that_never_comes_is_given_up(make_http: MakeHttp, black_hole: tuple[str, int]) -> None:
    with pytest.raises(PortalUnreachable, match="no connection within 0.3 s"):
        make_http(limits=SHORT).get(f"http://127.0.0.1:{black_hole[1]}/")


def test_n03_nobody_waits_longer_than_ten_seconds_for_a_connection() -> None:
    assert Limits().connect_s <= 10


def test_n04_silence_after_the_headers_ends_the_question(make_http: MakeHttp) -> None:
    with HostileServer(headers_then_silence()) as portal:
        with pytest.raises(PortalTimedOut, match="silent for 0.3 s"):
            make_http(limits=SHORT).get(portal.url)


def test_n04_silence_before_the_headers_ends_the_question(make_http: MakeHttp) -> None:
    with HostileServer(timeout()) as portal:
        with pytest.raises(PortalTimedOut, match="silent for 0.3 s"):
            make_http(limits=SHORT).get(portal.url)


def test_n04_silence_is_asked_again_once_it_may_have_passed(make_http: MakeHttp) -> None:
    limits = Limits(read_gap_s=0.3)
    with HostileServer(sequence(headers_then_silence(), answer("back"))) as portal:
        assert make_http(limits=limits).get(portal.url).text == "back"


@pytest.mark.parametrize("headers_too", [False, True])
def test_n05_a_drip_feed_is_ended_by_the_deadline(headers_too: bool, make_http: MakeHttp) -> None:
    """Each byte comes well within the gap, so only the deadline can end it; in the headers as in the body."""
    limits = Limits(retries=0, read_gap_s=5, deadline_s=0.4)
    with HostileServer(drip(b"x" * 10_000, every_s=0.02, headers_too=headers_too)) as portal:
        with pytest.raises(PortalTimedOut, match="did not end within 0.4 s"):
            make_http(limits=limits, clock=time.monotonic).get(portal.url)


def test_n05_a_drip_feed_is_ended_by_the_least_rate(make_http: MakeHttp) -> None:
    limits = Limits(retries=0, rate_window_s=0.3, slowest_bytes_per_s=1000)
    with HostileServer(drip(b"x" * 10_000, every_s=0.02)) as portal:
        with pytest.raises(PortalTimedOut, match="slower than 1000 bytes/s over 0.3 s"):
            make_http(limits=limits, clock=time.monotonic).get(portal.url)


def test_n05_a_streamed_drip_feed_is_ended_too(make_http: MakeHttp) -> None:
    limits = Limits(retries=0, stream_deadline_s=0.4)
    with HostileServer(drip(b"x" * 10_000, every_s=0.02)) as portal:
        with make_http(limits=limits, clock=time.monotonic).stream(portal.url) as response:
            with pytest.raises(PortalTimedOut, match="did not end within 0.4 s"):
                list(response.chunks)


def test_n05_our_own_slow_work_is_not_taken_for_a_slow_portal(make_http: MakeHttp, clock: Clock) -> None:
    with HostileServer(answer(b"x" * 1_000_000)) as portal:
        with make_http(limits=Limits(stream_deadline_s=10)).stream(portal.url) as response:
            received = 0
            for chunk in response.chunks:
                received += len(chunk)
                clock.sleep(1000)
    assert received == 1_000_000


def test_n05_a_narrow_line_above_the_least_rate_is_read_to_the_end(make_http: MakeHttp) -> None:
    limits = Limits(rate_window_s=0.1, slowest_bytes_per_s=1000)
    with HostileServer(bandwidth(answer(b"x" * 20_000), 100_000)) as portal:
        assert len(make_http(limits=limits, clock=time.monotonic).get(portal.url).body) == 20_000


def test_n06_an_endless_chunked_body_is_stopped_at_the_cap_with_flat_memory(make_http: MakeHttp) -> None:
    http = make_http(limits=Limits(memory_bytes=8 * 1024**2))
    tracemalloc.start()
    try:
        with HostileServer(endless_chunked()) as portal, pytest.raises(AnswerTooLarge, match="more than 8388608"):
            http.get(portal.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * 1024**2
    assert http.requests == 1


def test_n06_an_endless_stream_is_stopped_at_the_cap_with_flat_memory(make_http: MakeHttp) -> None:
    http = make_http(limits=Limits(stream_bytes=64 * 1024**2))
    tracemalloc.start()
    try:
        with HostileServer(endless_chunked()) as portal, http.stream(portal.url) as response:
            with pytest.raises(AnswerTooLarge):
                for _ in response.chunks:
                    pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024**2


def test_n06_an_announced_length_above_the_cap_is_not_even_read(make_http: MakeHttp) -> None:
    http = make_http(limits=Limits(memory_bytes=1000))
    with HostileServer(wrong_length(b"x", claimed=10**12)) as portal:
        with pytest.raises(AnswerTooLarge, match="1000000000000 bytes announced"):
            http.get(portal.url)


def test_n06_endless_headers_are_refused(make_http: MakeHttp) -> None:
    with HostileServer(endless_headers()) as portal, pytest.raises((AnswerTooLarge, PortalNotUnderstood)):
        make_http(limits=NO_RETRIES).get(portal.url)


def test_n06_headers_larger_than_the_cap_are_refused(make_http: MakeHttp) -> None:
    big = "".join(f"X-{n}: {'x' * 60_000}\r\n" for n in range(10))
    with HostileServer(raw(f"HTTP/1.1 200 OK\r\n{big}\r\n".encode())) as portal:
        with pytest.raises(AnswerTooLarge, match="bytes of headers"):
            make_http(limits=NO_RETRIES).get(portal.url)


def test_n06_a_chunk_size_line_without_end_is_refused(make_http: MakeHttp) -> None:
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with HostileServer(raw(start + b"5;" + b"x" * 1_000_000)) as portal, pytest.raises(AnswerCutShort):
        make_http(limits=NO_RETRIES).get(portal.url)


@pytest.mark.parametrize(
    "broken",
    [
        wrong_length(b'{"a": 1}', claimed=100),
        chunked_cut(b'{"a": 1}'),
        limit_data(answer(b"x" * 5000), 600),
        reset_peer(answer(b"x" * 5000), after_bytes=600),
    ],
    ids=["wrong_length", "chunked_cut", "limit_data", "reset_peer"],
)
class TestN07:
    def test_n07_a_body_that_breaks_off_is_asked_for_again(self, broken: Any, http: Http) -> None:
        with HostileServer(sequence(broken, answer("whole"))) as portal:
            assert http.get(portal.url).text == "whole"
            assert len(portal.seen) == 2

    def test_n07_a_body_that_always_breaks_off_is_never_taken_as_whole(self, broken: Any, http: Http) -> None:
        with HostileServer(broken) as portal:
            with pytest.raises(AnswerCutShort, match="broke off after"):
                http.get(portal.url)
            assert len(portal.seen) == 4

    def test_n07_a_stream_that_breaks_off_says_so(self, broken: Any, http: Http) -> None:
        with HostileServer(broken) as portal, http.stream(portal.url, conditional=True) as response:
            with pytest.raises(AnswerCutShort):
                list(response.chunks)
        assert http.seen_validators == {}


def test_n07_a_reset_before_any_answer_is_tried_again(http: Http) -> None:
    with HostileServer(sequence(reset_peer(), answer("whole"))) as portal:
        assert http.get(portal.url).text == "whole"


def test_n07_a_connection_closed_while_idle_costs_nothing_but_a_new_one(http: Http) -> None:
    with HostileServer(slow_close(answer("ok"), 0.0)) as portal:
        assert [http.get(portal.url).text for _ in range(3)] == ["ok", "ok", "ok"]


def test_n08_an_answer_in_pieces_of_one_byte_is_read(http: Http) -> None:
    body = '{"名称": "公共数据"}'
    with HostileServer(slicer(answer(body))) as portal:
        assert http.get(portal.url).json() == {"名称": "公共数据"}


def test_n08_chunks_of_one_byte_are_read(http: Http) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"a": 1}') + b"0\r\n\r\n"
    with HostileServer(slicer(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))) as portal:
        assert http.get(portal.url).json() == {"a": 1}


def test_n08_what_follows_a_whole_answer_is_not_part_of_the_next(http: Http) -> None:
    late = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
    with HostileServer(sequence(late, answer("second"))) as portal:
        assert [http.get(portal.url).text, http.get(portal.url).text] == ["first", "second"]


def test_n09_retry_after_in_seconds_is_waited_for(http: Http, clock: Clock) -> None:
    busy = answer(status=429, headers={"Retry-After": "17"})
    with HostileServer(sequence(busy, answer("ok"))) as portal:
        assert http.get(portal.url).text == "ok"
    assert clock.waits_s == [17.0]


def test_n09_retry_after_as_a_date_is_waited_for_by_the_portal_s_own_clock(http: Http, clock: Clock) -> None:
    """The portal's clock may be a day off; only the difference counts."""
    then = datetime.now(UTC) - timedelta(days=1)
    headers = {
        "Date": format_datetime(then, usegmt=True),
        "Retry-After": format_datetime(then + timedelta(seconds=42), usegmt=True),
    }
    with HostileServer(sequence(answer(status=503, headers=headers), answer("ok"))) as portal:
        assert http.get(portal.url).text == "ok"
    assert clock.waits_s == [42.0]


def test_n09_a_wait_longer_than_a_run_allows_frees_the_worker(http: Http, clock: Clock) -> None:
    with HostileServer(answer(status=429, headers={"Retry-After": "7200"})) as portal:
        with pytest.raises(PortalBusy) as caught:
            http.get(portal.url)
        assert len(portal.seen) == 1
    assert caught.value.retry_after_s == 7200
    assert clock.waits_s == []


def test_n09_a_portal_that_stays_busy_is_left_for_later(http: Http) -> None:
    with HostileServer(answer(status=429)) as portal:
        with pytest.raises(PortalBusy):
            http.get(portal.url)
        assert len(portal.seen) == 4


@pytest.mark.parametrize("said", ["soon", "-5", "1e3", "٣", "Mon, 99 Foo 2026"])
def test_n09_an_unreadable_retry_after_is_as_none(said: str, make_http: MakeHttp, clock: Clock) -> None:
    with HostileServer(sequence(answer(status=503, headers={"Retry-After": said}), answer("ok"))) as portal:
        assert make_http(limits=Limits(first_wait_s=0.5)).get(portal.url).text == "ok"
    assert sum(clock.waits_s) <= 0.5


def test_n10_a_storm_of_503_closes_one_host_and_no_other(make_http: MakeHttp, clock: Clock) -> None:
    pacing = Pacing(clock=clock, sleep=clock.sleep, failures=6, rest_s=60)
    http = make_http(pacing=pacing, limits=Limits(first_wait_s=0))
    with HostileServer(answer(status=503)) as stormy, HostileServer(answer("fine")) as calm:
        for _ in range(2):
            with pytest.raises(PortalAnsweredError):
                http.get(stormy.url)
        with pytest.raises(PortalUnreachable, match="failed 6 times in a row and is left alone for 60 s more"):
            http.get(stormy.url)
        assert len(stormy.seen) == 6
        assert http.get(calm.url).text == "fine"


def test_n10_after_a_rest_one_question_probes_the_host(make_http: MakeHttp, clock: Clock) -> None:
    pacing = Pacing(clock=clock, sleep=clock.sleep, failures=2, rest_s=60)
    http = make_http(pacing=pacing, limits=NO_RETRIES)
    storm = [answer(status=503)] * 3
    with HostileServer(sequence(*storm, answer("recovered"))) as portal:
        for _ in range(2):
            with pytest.raises(PortalAnsweredError):
                http.get(portal.url)
        clock.now_s += 61
        with pytest.raises(PortalAnsweredError):
            http.get(portal.url)
        with pytest.raises(PortalUnreachable):
            http.get(portal.url)
        assert len(portal.seen) == 3
        clock.now_s += 61
        assert [http.get(portal.url).text for _ in range(3)] == ["recovered"] * 3


def test_n11_one_500_in_the_middle_is_asked_again(http: Http) -> None:
    with HostileServer(sequence(answer(status=500), answer("page 7"))) as portal:
        assert http.get(f"{portal.url}/?page=7").text == "page 7"


def test_n11_a_500_that_stays_is_an_error_with_its_status_and_words(http: Http) -> None:
    with HostileServer(answer("Solr is down", status=500)) as portal:
        with pytest.raises(PortalAnsweredError) as caught:
            http.get(f"{portal.url}/?page=7")
        assert len(portal.seen) == 4
    assert (caught.value.status, caught.value.seen) == (500, "Solr is down")
    assert caught.value.url == f"{portal.url}/?page=7"


@pytest.mark.parametrize("status", [400, 404, 409, 410, 501])
def test_n11_an_answer_that_will_not_change_is_not_asked_for_again(status: int, http: Http) -> None:
    with HostileServer(answer("no", status=status)) as portal:
        with pytest.raises(PortalAnsweredError) as caught:
            http.get(portal.url)
        assert len(portal.seen) == 1
    assert caught.value.status == status


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


def test_n17_an_address_that_does_not_answer_gives_way_to_the_next(
    make_http: MakeHttp, monkeypatch: pytest.MonkeyPatch, black_hole: tuple[str, int]
) -> None:
    """The black hole plays the broken IPv6 route, the server the IPv4 one."""
    with HostileServer(answer("over IPv4")) as portal:
        stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = [(*stream, black_hole), (*stream, ("127.0.0.1", portal.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        limits = Limits(retries=0, fall_back_s=0.2)
        assert make_http(limits=limits).get("http://dual.example/").text == "over IPv4"


def test_n17_an_unreachable_ipv6_address_gives_way_to_ipv4(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    with HostileServer(answer("over IPv4")) as portal:
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("::1", _closed_port(), 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", portal.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert http.get("http://dual.example/").text == "over IPv4"
        assert http.requests == 1


def test_n17_no_address_is_waited_for_longer_than_two_seconds_while_another_is_left() -> None:
    assert Limits().fall_back_s <= 2


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_n18_a_proxy_of_the_environment_is_ignored(
    variable: str, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostileServer(answer("from the proxy")) as proxy, HostileServer(answer("from the portal")) as portal:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert http.get(portal.url).text == "from the portal"
        assert http.session.get(portal.url).text == "from the portal"
        assert proxy.connections == 0


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


def test_something_that_does_not_speak_http_is_not_understood(http: Http) -> None:
    with HostileServer(raw(b"SSH-2.0-OpenSSH_9.6\r\n")) as portal, pytest.raises(PortalNotUnderstood):
        http.get(portal.url)


def test_a_late_answer_within_the_gap_is_waited_for(http: Http) -> None:
    with HostileServer(latency(answer("late"), 0.2)) as portal:
        assert http.get(portal.url).text == "late"


def test_a_run_counts_its_questions_and_bytes(http: Http) -> None:
    with HostileServer(sequence(answer(status=500), redirect("/"), answer(b"x" * 1000))) as portal:
        http.get(f"{portal.url}/?a")
        assert http.requests == 3
        assert http.bytes_received > 1000


def test_parameters_are_part_of_the_address(http: Http) -> None:
    with HostileServer(answer("ok")) as portal:
        http.get(f"{portal.url}/search?a=1", params={"q": "公共 数据", "rows": 100})
        assert portal.paths == ["/search?a=1&q=%E5%85%AC%E5%85%B1+%E6%95%B0%E6%8D%AE&rows=100"]
