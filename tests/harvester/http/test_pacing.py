"""Politeness: one question at a time, as slowly as agreed, shared by all threads (invariant I7)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harvester.http import Limits, Pacing
from harvester.http.addresses import checked, site
from tests.harvester.http.conftest import Clock, MakeHttp
from tests.hostile import HostileServer, answer, latency, redirect, sequence


def test_questions_to_a_host_start_at_the_agreed_rate(make_http: MakeHttp, clock: Clock) -> None:
    with HostileServer(answer("ok")) as portal:
        http = make_http(requests_per_second=4.0)
        for _ in range(5):
            http.get(portal.url)
    assert clock.waits_s == [0.25] * 4


def test_redirects_and_retries_take_turns_too(make_http: MakeHttp, clock: Clock) -> None:
    with HostileServer(sequence(redirect("/b"), answer(status=503), answer("ok"))) as portal:
        make_http(requests_per_second=1.0, limits=Limits(first_wait_s=0)).get(portal.url)
    assert clock.waits_s == [1.0, 1.0]


def test_hosts_do_not_wait_for_each_other(make_http: MakeHttp, clock: Clock) -> None:
    with HostileServer(answer("a")) as one, HostileServer(answer("b")) as other:
        http = make_http(requests_per_second=1.0)
        http.get(one.url)
        http.get(other.url)
    assert clock.waits_s == []


def test_runs_that_share_a_host_share_its_rate(make_http: MakeHttp, clock: Clock) -> None:
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    with HostileServer(answer("ok")) as portal:
        for _ in range(3):
            make_http(requests_per_second=1.0, pacing=pacing).get(portal.url)
    assert clock.waits_s == [1.0, 1.0]


def test_threads_ask_a_host_one_at_a_time(make_http: MakeHttp) -> None:
    pacing = Pacing()
    with HostileServer(latency(answer("ok"), 0.02)) as portal:
        runs = [make_http(pacing=pacing) for _ in range(3)]
        with ThreadPoolExecutor(6) as threads:
            texts = list(threads.map(lambda n: runs[n % 3].get(portal.url).text, range(12)))
        assert texts == ["ok"] * 12
        assert list(portal.most_at_once.values()) == [1]


def test_a_stream_keeps_the_host_s_turn_until_it_is_closed(make_http: MakeHttp) -> None:
    pacing = Pacing()
    with HostileServer({"/all": answer(b"x" * 1_000_000), "/one": answer("one")}) as portal:
        first, second = make_http(pacing=pacing), make_http(pacing=pacing)
        with first.stream(f"{portal.url}/all") as response:
            next(response.chunks)
            waiting = threading.Thread(target=second.get, args=(f"{portal.url}/one",))
            waiting.start()
            waiting.join(0.1)
            assert portal.paths == ["/all"]
        waiting.join(10)
        assert portal.paths == ["/all", "/one"]


def test_whoever_streams_a_listing_may_read_its_pages_meanwhile(make_http: MakeHttp) -> None:
    with HostileServer({"/all": answer(b"x" * 1_000_000), "/one": answer("one")}) as portal:
        http = make_http()
        with http.stream(f"{portal.url}/all") as response:
            next(response.chunks)
            assert http.get(f"{portal.url}/one").text == "one"
            assert sum(map(len, response.chunks)) > 0


def test_a_slow_host_is_asked_more_slowly(clock: Clock) -> None:
    """The AutoThrottle rule: halfway from the old delay to what the host takes to answer."""
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    for latency_s in (8.0, 8.0, 0.0, 0.0, 0.0):
        with pacing.turn("portal.example", 1.0):
            pacing.answered("portal.example", latency_s)
    assert clock.waits_s == [1.0, 4.0, 6.0, 3.0]


def test_an_error_never_makes_us_faster(clock: Clock) -> None:
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    pacing.answered("portal.example", 16.0)
    for _ in range(3):
        with pacing.turn("portal.example", 1.0):
            pacing.failed("portal.example")
    assert clock.waits_s == [8.0, 8.0]


def test_a_good_answer_forgives_the_failures_before_it(clock: Clock) -> None:
    pacing = Pacing(clock=clock, sleep=clock.sleep, failures=2)
    for outcome in (pacing.failed, lambda host: pacing.answered(host, 0.1), pacing.failed):
        outcome("portal.example")
    assert not pacing.is_resting("portal.example")
    pacing.failed("portal.example")
    assert pacing.is_resting("portal.example")


def test_a_host_is_not_slowed_beyond_half_a_minute(clock: Clock) -> None:
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    pacing.answered("portal.example", 10_000.0)
    for _ in range(2):
        with pacing.turn("portal.example", 1.0):
            pass
    assert clock.waits_s == [30.0]


def test_an_unpaced_run_never_waits(make_http: MakeHttp, clock: Clock) -> None:
    with HostileServer(answer("ok")) as portal:
        http = make_http(requests_per_second=0)
        for _ in range(10):
            http.get(portal.url)
    assert clock.waits_s == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://Portal.Example/a", "portal.example"),
        ("https://portal.example:443/", "portal.example"),
        ("http://portal.example.:80/", "portal.example"),
        ("http://portal.example:8080/", "portal.example:8080"),
        ("http://[2400:3200::1]:8080/", "[2400:3200::1]:8080"),
    ],
)
def test_a_host_is_the_same_over_http_and_https(url: str, name: str) -> None:
    assert site(checked(url)) == name
