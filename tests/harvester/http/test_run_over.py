"""When a run asks nothing more: it has gone on for too long, or its process is to end (faults C86)."""

from __future__ import annotations

import threading

import pytest

from harvester.errors import HarvestError, RunOver
from harvester.http import Limits, Pacing
from tests.harvester.http.conftest import Clock, MakeHttp
from tests.hostile import HostileServer, answer, endless_chunked


def test_a_run_goes_on_asking_for_so_long_and_no_longer(make_http: MakeHttp, clock: Clock) -> None:
    http = make_http(limits=Limits(run_s=3600.0))
    with HostileServer(answer("page")) as portal:
        for _ in range(6):
            http.get(portal.url)
            clock.now_s += 700
        with pytest.raises(RunOver, match="more than 1 hours") as caught:
            http.get(portal.url)
        assert len(portal.seen) == 6
    assert caught.value.issue().code == "run.too-long"
    assert not isinstance(caught.value, HarvestError), "no connector tries another way"


def test_nobody_keeps_a_worker_for_longer_than_three_days() -> None:
    assert Limits().run_s <= 72 * 3600


def test_c86_what_is_told_to_end_asks_nothing_more(make_http: MakeHttp) -> None:
    stop = threading.Event()
    http = make_http(stop=stop)
    with HostileServer(answer("page")) as portal:
        assert http.get(portal.url).text == "page"
        stop.set()
        with pytest.raises(RunOver) as caught:
            http.get(portal.url)
        assert len(portal.seen) == 1
    assert caught.value.issue().code == "run.stopped"


def test_c86_an_answer_that_is_still_coming_is_left(make_http: MakeHttp) -> None:
    stop = threading.Event()
    with HostileServer(endless_chunked()) as portal, make_http(stop=stop).stream(portal.url) as response:
        next(response.chunks)
        stop.set()
        with pytest.raises(RunOver):
            for _ in response.chunks:
                pass


def test_c86_a_pause_ends_when_the_process_is_to_end(make_http: MakeHttp) -> None:
    """It would wait a minute for its next turn."""
    stop = threading.Event()
    http = make_http(stop=stop, pacing=Pacing(sleep=stop.wait), requests_per_second=1 / 60)
    with HostileServer(answer("page")) as portal:
        http.get(portal.url)
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(RunOver):
            http.get(portal.url)
        assert len(portal.seen) == 1
