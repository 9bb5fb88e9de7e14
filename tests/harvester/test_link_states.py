"""What answers mean for an address: never gone on one bad answer, and never because of us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harvester.link_answers import Answer
from harvester.link_states import RULES, Judgement, host_wait_s, judged
from portal.catalog.links import Address, Failing
from portal.catalog.model import Link, LinkState

T0 = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EVERY_DAYS = 14.0
URL = "https://data.example/1.csv"

FOUND = Answer(status=200, media_type="text/csv", size_bytes=1000)
NOT_FOUND = Answer(cause="link.not-found", status=404)
NO_HOST = Answer(cause="link.host-not-found", is_silence=True)
REFUSED_CONNECTION = Answer(cause="link.connection-refused", is_silence=True)
SILENT = Answer(cause="link.silent", is_silence=True)
BUSY = Answer(cause="link.busy", status=429, retry_after_s=120)
ERROR = Answer(cause="link.answered-error", status=500)
FORBIDDEN = Answer(cause="link.refused", status=403)
PAGE = Answer(cause="link.page-not-file", status=200)
CERTIFICATE = Answer(cause="link.certificate-invalid")
PRIVATE = Answer(cause="link.not-asked")


def after(
    *answers: tuple[Answer, float], key: bytes = b"\x80", link: Link | None = None, failing: Failing | None = None
) -> Judgement:
    """The judgement after several answers, each so many days after the first."""
    judgement = None
    for answer, day in answers:
        address = Address(key=key, url=URL, host="data.example", promised="csv", link=link, failing=failing)
        judgement = judged(address, answer, T0 + timedelta(days=day), EVERY_DAYS)
        link, failing = judgement.link, judgement.failing
    assert judgement is not None
    return judgement


def states(*answers: tuple[Answer, float]) -> list[LinkState]:
    return [after(*answers[:number]).link.state for number in range(1, len(answers) + 1)]


def test_a_good_answer_is_kept_with_its_date_type_and_size() -> None:
    link = after((FOUND, 0)).link
    assert (link.state, link.since, link.checked, link.last_available) == (LinkState.AVAILABLE, T0, T0, T0)
    assert (link.media_type, link.size_bytes, link.status, link.cause) == ("text/csv", 1000, 200, None)


def test_since_is_when_the_state_began_and_checked_when_it_was_last_seen() -> None:
    link = after((FOUND, 0), (FOUND, 14)).link
    assert (link.since, link.checked) == (T0, T0 + timedelta(days=14))


@pytest.mark.parametrize(
    "answer", [NOT_FOUND, NO_HOST, REFUSED_CONNECTION, SILENT, BUSY, ERROR, PAGE, CERTIFICATE, PRIVATE]
)
@pytest.mark.parametrize("earlier", [(), ((FOUND, 0),), ((FORBIDDEN, 0),)], ids=["new", "available", "refused"])
def test_no_one_bad_answer_makes_an_address_gone(answer: Answer, earlier: tuple[tuple[Answer, float], ...]) -> None:
    assert after(*earlier, (answer, 400)).link.state is LinkState.UNKNOWN


@pytest.mark.parametrize("answer", [SILENT, BUSY, ERROR, CERTIFICATE, PRIVATE])
def test_answers_that_do_not_tell_never_make_an_address_gone(answer: Answer) -> None:
    judgement = after(*((answer, day) for day in range(0, 400, 10)))
    assert (judgement.link.state, judgement.failing) == (LinkState.UNKNOWN, None)


def test_an_address_is_gone_when_it_was_not_found_three_times_over_six_days() -> None:
    assert states((NOT_FOUND, 0), (NOT_FOUND, 3), (NOT_FOUND, 6))[-1] is LinkState.GONE
    assert states((NOT_FOUND, 0), (NOT_FOUND, 1), (NOT_FOUND, 2), (NOT_FOUND, 5.9))[-1] is LinkState.UNKNOWN
    assert states((NOT_FOUND, 0), (NOT_FOUND, 60))[-1] is LinkState.UNKNOWN


@pytest.mark.parametrize("answer", [NO_HOST, REFUSED_CONNECTION])
def test_a_host_that_is_away_takes_five_times_and_four_weeks(answer: Answer) -> None:
    assert states(*((answer, day) for day in (0, 7, 14, 21, 28)))[-1] is LinkState.GONE
    assert states(*((answer, day) for day in (0, 7, 14, 21, 27)))[-1] is LinkState.UNKNOWN
    assert states(*((answer, day) for day in (0, 10, 20, 30)))[-1] is LinkState.UNKNOWN


def test_an_answer_of_another_kind_begins_the_count_again() -> None:
    away = [(NO_HOST, float(day)) for day in range(0, 28, 7)]
    judgement = after(*away, (NOT_FOUND, 28))
    assert judgement.link.state is LinkState.UNKNOWN
    assert judgement.failing == Failing("link.not-found", 1, T0 + timedelta(days=28))


def test_an_answer_that_does_not_tell_neither_counts_nor_begins_the_count_again() -> None:
    judgement = after((NOT_FOUND, 0), (SILENT, 1), (NOT_FOUND, 3), (BUSY, 4))
    assert judgement.failing == Failing("link.not-found", 2, T0)
    assert judgement.link.cause == "link.busy"


@pytest.mark.parametrize("answer", [FOUND, FORBIDDEN])
def test_an_answer_that_is_not_a_failure_ends_the_count(answer: Answer) -> None:
    assert after((NOT_FOUND, 0), (NOT_FOUND, 3), (answer, 4)).failing is None


def test_gone_stays_gone_until_an_answer_tells_otherwise() -> None:
    gone = [(NOT_FOUND, 0.0), (NOT_FOUND, 3.0), (NOT_FOUND, 6.0)]
    for answer in (SILENT, BUSY, ERROR, NO_HOST, CERTIFICATE):
        link = after(*gone, (answer, 20)).link
        assert (link.state, link.since) == (LinkState.GONE, T0 + timedelta(days=6))
    assert after(*gone, (FOUND, 20)).link.state is LinkState.AVAILABLE
    assert after(*gone, (FORBIDDEN, 20)).link.state is LinkState.REFUSED


def test_when_it_was_last_available_and_what_it_was_then_is_kept() -> None:
    link = after((FOUND, 0), (NOT_FOUND, 14)).link
    assert (link.last_available, link.media_type, link.size_bytes) == (T0, "text/csv", 1000)
    assert (link.status, link.cause) == (404, "link.not-found")


def test_a_page_in_place_of_a_file_is_marked_and_after_days_it_is_what_stands_there() -> None:
    """One may be a notice of maintenance; the scorecard believes the mark only beside *available*."""
    first, third = after((FOUND, 0), (PAGE, 14)).link, after((FOUND, 0), (PAGE, 14), (PAGE, 17), (PAGE, 20)).link
    assert (first.is_error_page, first.state) == (True, LinkState.UNKNOWN)
    assert (third.is_error_page, third.state) == (True, LinkState.AVAILABLE)
    # The file itself was there last before.
    assert (third.last_available, third.media_type) == (T0, "text/csv")
    again = after((PAGE, 0), (PAGE, 3), (PAGE, 6), (SILENT, 20), (PAGE, 21)).link
    assert again.state is LinkState.AVAILABLE
    assert not after((PAGE, 0), (FOUND, 14)).link.is_error_page


def test_neither_many_pages_make_an_address_gone_nor_one_page_ends_that_it_is() -> None:
    assert LinkState.GONE not in states(*((PAGE, day) for day in range(0, 400, 10)))
    gone = [(NOT_FOUND, 0.0), (NOT_FOUND, 3.0), (NOT_FOUND, 6.0)]
    assert after(*gone, (PAGE, 20)).link.state is LinkState.UNKNOWN


@pytest.mark.parametrize("kind", sorted(RULES))
def test_what_a_rule_waits_for_is_asked_for_often_enough_to_be_told_by_it(kind: str) -> None:
    rule, now, asked = RULES[kind], T0, 0
    link, failing = None, None
    for key in (b"\x00", b"\xff"):
        while link is None or link.state is not rule.state:
            address = Address(key=key, url=URL, host="data.example", link=link, failing=failing)
            judgement = judged(address, Answer(cause=kind), now, EVERY_DAYS)
            link, failing, asked = judgement.link, judgement.failing, asked + 1
            now = judgement.due
        assert asked == rule.times
        assert link.checked - T0 >= timedelta(days=rule.days)
        link, failing, now, asked = None, None, T0, 0


def due_days(judgement: Judgement) -> float:
    return (judgement.due - judgement.link.checked) / timedelta(days=1)


def test_a_well_address_is_due_after_two_weeks_a_tenth_more_or_less() -> None:
    days = [due_days(after((FOUND, 0), key=bytes([number]))) for number in range(256)]
    assert (min(days), max(days)) == pytest.approx((12.6, 15.4))
    assert len(set(days)) == 256


def test_what_passes_is_asked_again_after_a_day_and_the_more_rarely_the_longer_it_lasts() -> None:
    assert due_days(after((SILENT, 0))) == pytest.approx(1, abs=0.1)
    assert due_days(after((SILENT, 0), (SILENT, 10))) == pytest.approx(5, abs=0.5)
    assert due_days(after((SILENT, 0), (SILENT, 365))) == pytest.approx(14, abs=1.4)


def test_a_host_in_trouble_is_left_alone_longer_each_time_and_as_long_as_it_says() -> None:
    assert [host_wait_s(SILENT, times) for times in (1, 2, 3)] == [30, 60, 120]
    assert host_wait_s(SILENT, 1000) == 6 * 3600
    assert host_wait_s(BUSY, 1) == 120
    assert host_wait_s(ERROR, 1) == 30
    assert host_wait_s(NOT_FOUND, 0) == host_wait_s(FOUND, 0) == 0
