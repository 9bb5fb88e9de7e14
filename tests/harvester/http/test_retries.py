"""When a question is asked again, and when a host is left alone (faults N9 to N11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from harvester.errors import PortalAnsweredError, PortalBusy, PortalUnreachable
from harvester.http import Http, Limits, Pacing
from tests.harvester.http.conftest import Clock, MakeHttp
from tests.hostile import HostileServer, answer, sequence

NO_RETRIES = Limits(retries=0)


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
