"""What the network between does to us (faults N1 to N8, N17, N18), over real sockets."""

from __future__ import annotations

import gzip
import itertools
import socket
import time
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harvester.errors import (
    AnswerCutShort,
    AnswerTooLarge,
    PortalNotUnderstood,
    PortalTimedOut,
    PortalUnreachable,
)
from harvester.http import Http, Limits, Pacing
from tests.harvester.http.conftest import Clock, MakeHttp
from tests.hostile import (
    HostileServer,
    answer,
    bandwidth,
    chunked_cut,
    drip,
    endless_chunk_size,
    endless_chunked,
    endless_headers,
    headers_then_silence,
    latency,
    limit_data,
    raw,
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


def test_n05_the_deadline_counts_down_over_all_reads(make_http: MakeHttp) -> None:
    """On a clock that goes on by a second at each look, every read takes one."""
    ticks = itertools.count()
    limits = Limits(retries=0, deadline_s=5)
    with HostileServer(answer(b"x" * 10_000_000)) as portal:
        with pytest.raises(PortalTimedOut, match="did not end within 5 s"):
            make_http(limits=limits, clock=lambda: float(next(ticks))).get(portal.url)


def test_n05_silence_longer_than_the_deadline_is_not_waited_out(make_http: MakeHttp) -> None:
    limits = Limits(retries=0, read_gap_s=5, deadline_s=0.3)
    with HostileServer(headers_then_silence(silent_s=1.5)) as portal:
        with pytest.raises(PortalTimedOut, match="did not end within 0.3 s"):
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
    limits = Limits(retries=0, deadline_s=2)
    with HostileServer(endless_chunk_size()) as portal, pytest.raises(AnswerCutShort):
        make_http(limits=limits, clock=time.monotonic).get(portal.url)


def test_n06_an_endless_body_that_unpacks_to_nothing_is_stopped_at_the_cap(make_http: MakeHttp) -> None:
    nothing = endless_chunked(gzip.compress(b"") * 1000, headers={"Content-Encoding": "gzip"})
    with HostileServer(nothing) as portal, pytest.raises(AnswerTooLarge, match="more than 1048576"):
        make_http(limits=Limits(memory_bytes=1024**2)).get(portal.url)


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


def test_n18_passwords_of_the_environment_are_not_sent(
    http: Http, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with HostileServer(answer("ok")) as portal:
        http.get(portal.url)
        http.session.get(portal.url)
        assert ["authorization" in seen.headers for seen in portal.seen] == [False, False]


def test_something_that_does_not_speak_http_is_not_understood(http: Http) -> None:
    with HostileServer(raw(b"SSH-2.0-OpenSSH_9.6\r\n")) as portal, pytest.raises(PortalNotUnderstood):
        http.get(portal.url)


def test_a_late_answer_within_the_gap_is_waited_for(http: Http) -> None:
    with HostileServer(latency(answer("late"), 0.2)) as portal:
        assert http.get(portal.url).text == "late"
