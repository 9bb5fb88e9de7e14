"""One address asked for, at a hostile server: what is asked, and what is made of the answer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import msgspec
import pytest
import trustme

from harvester.errors import PortalResting
from harvester.http import Http, Pacing
from harvester.link_answers import LIMITS, SNIFFED_BYTES, Answer, ask, promises_file
from portal.catalog.links import Address
from tests.hostile import (
    HostileServer,
    Script,
    Talk,
    answer,
    chain,
    challenge_page,
    endless_chunked,
    headers_then_silence,
    raw,
    redirect,
    reset_peer,
    timeout,
)

LOOPBACK = (ip_network("127.0.0.0/8"),)
QUICK = msgspec.structs.replace(LIMITS, connect_s=0.3, read_gap_s=0.3, deadline_s=0.6)
CSV = {"Content-Type": "text/csv; charset=utf-8"}
HTML = {"Content-Type": "text/html"}
ERROR_PAGE = "<!DOCTYPE html><html><head><title>404</title></head><body>页面不存在</body></html>"
LOGIN_PAGE = '<html><body><form><input name="p" type="password"></form></body></html>'

Asked = Callable[..., Answer]


@pytest.fixture
def asked() -> Iterator[Asked]:
    """Asks for a file that promises to be CSV."""
    with ExitStack() as stack:

        def make(url: str, promised: str | None = "csv", deaf: set[str] | None = None, **options: Any) -> Answer:
            settings = {"requests_per_second": 0, "allow_private": LOOPBACK, "limits": QUICK} | options
            http = stack.enter_context(Http(**settings))
            address = Address(key=b"k", url=url, host="127.0.0.1", promised=promised)
            return ask(address, http, set() if deaf is None else deaf)

        yield make


def not_for_head(script: Script, *, head: Script) -> Script:
    """A server that answers HEAD in another way."""

    def either(talk: Talk) -> None:
        (head if talk.seen.method == "HEAD" else script)(talk)

    return either


def methods(server: HostileServer) -> list[str]:
    return [seen.method for seen in server.seen]


def test_a_file_is_known_by_its_head_alone(asked: Asked) -> None:
    with HostileServer(answer(b"x" * 1000, headers=CSV)) as server:
        assert asked(server.url) == Answer(status=200, media_type="text/csv", size_bytes=1000)
        assert methods(server) == ["HEAD"]
        assert server.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 501])
def test_a_head_that_is_refused_is_not_believed(asked: Asked, status: int) -> None:
    with HostileServer(not_for_head(answer(b"a,b\n1,2\n", headers=CSV), head=answer(status=status))) as server:
        assert asked(server.url) == Answer(status=200, media_type="text/csv", size_bytes=8)
        assert methods(server) == ["HEAD", "GET"]
        assert server.seen[1].headers["range"] == f"bytes=0-{SNIFFED_BYTES - 1}"


@pytest.mark.parametrize(("status", "heads"), [(405, 1), (501, 1), (404, 3)])
def test_a_host_that_does_not_know_head_is_not_asked_so_again(asked: Asked, status: int, heads: int) -> None:
    deaf: set[str] = set()
    with HostileServer(not_for_head(answer(b"a,b\n1,2\n", headers=CSV), head=answer(status=status))) as server:
        for _ in range(3):
            assert asked(server.url, deaf=deaf).cause is None
        assert methods(server).count("HEAD") == heads
        assert methods(server).count("GET") == 3


@pytest.mark.parametrize("head", [raw(b""), timeout(5)], ids=["hangs up", "silent"])
def test_a_head_without_an_answer_is_not_believed(asked: Asked, head: Script) -> None:
    with HostileServer(not_for_head(answer(b"a,b\n", headers=CSV), head=head)) as server:
        assert asked(server.url).cause is None


def test_of_a_large_file_whose_server_ignores_the_range_only_the_beginning_is_read(asked: Asked) -> None:
    sent = 0

    def large(talk: Talk) -> None:
        nonlocal sent
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 6000000000\r\n\r\n")
        while True:
            talk.send(b"1,2,3\n" * 10_000)
            sent += 60_000

    with HostileServer(not_for_head(large, head=answer(status=405))) as server:
        assert asked(server.url) == Answer(status=200, media_type="text/csv", size_bytes=6_000_000_000)
    assert sent < 20_000_000


def test_a_file_that_never_ends_is_there(asked: Asked) -> None:
    with HostileServer(not_for_head(endless_chunked(headers=CSV), head=answer(status=405))) as server:
        assert asked(server.url) == Answer(status=200, media_type="text/csv")


def test_a_part_tells_the_size_of_the_whole(asked: Asked) -> None:
    part = answer(b"x" * 10, status=206, headers={**CSV, "Content-Range": "bytes 0-9/123456"})
    with HostileServer(not_for_head(part, head=answer(status=405))) as server:
        assert asked(server.url).size_bytes == 123456


def test_an_empty_file_has_no_first_bytes_and_is_there(asked: Asked) -> None:
    empty = answer(status=416, headers={"Content-Range": "bytes */0"})
    with HostileServer(not_for_head(empty, head=answer(status=405))) as server:
        assert asked(server.url) == Answer(status=416, size_bytes=0)


@pytest.mark.parametrize("page", [ERROR_PAGE, "\ufeff\n <html><p>系统维护中", "<!-- x --><html>"])
def test_a_page_with_status_200_is_not_the_promised_file(asked: Asked, page: str) -> None:
    with HostileServer(answer(page, headers=HTML)) as server:
        found = asked(server.url)
        assert (found.cause, found.status, found.media_type) == ("link.page-not-file", 200, "text/html")
        assert methods(server) == ["HEAD", "GET"]


def test_a_page_is_seen_where_no_type_or_a_wrong_one_is_given(asked: Asked) -> None:
    with HostileServer(answer(ERROR_PAGE)) as server:
        assert asked(server.url).cause == "link.page-not-file"
    csv_for_html = answer(b"a,b\n1,2\n", headers=HTML)
    with HostileServer(csv_for_html) as server:
        assert asked(server.url).cause is None


def test_a_redirect_to_an_error_page_is_not_the_file(asked: Asked) -> None:
    with HostileServer({"/x.csv": redirect("/404.html"), "/404.html": answer(ERROR_PAGE, headers=HTML)}) as server:
        assert asked(f"{server.url}/x.csv").cause == "link.page-not-file"


def test_a_page_where_a_page_or_nothing_was_promised_is_well(asked: Asked) -> None:
    with HostileServer(answer(ERROR_PAGE, headers=HTML)) as server:
        for promised in (None, "html", "api", "wms", "link"):
            assert asked(server.url, promised).cause is None
        assert methods(server) == ["HEAD"] * 5


def test_xml_is_no_page(asked: Asked) -> None:
    with HostileServer(answer('<?xml version="1.0"?><rdf:RDF/>', headers={"Content-Type": "text/html"})) as server:
        assert asked(server.url, "xml").cause is None


@pytest.mark.parametrize("status", [401, 403, 407, 451])
def test_being_turned_away_is_neither_well_nor_gone(asked: Asked, status: int) -> None:
    with HostileServer(answer(status=status)) as server:
        assert (asked(server.url).cause, asked(server.url).status) == ("link.refused", status)


@pytest.mark.parametrize(
    "script",
    [challenge_page(), challenge_page(status=412), answer(LOGIN_PAGE, headers=HTML)],
    ids=["challenge", "challenge 412", "login"],
)
def test_a_wall_with_whatever_status_is_a_refusal(asked: Asked, script: Script) -> None:
    with HostileServer(script) as server:
        assert asked(server.url).cause == "link.refused"


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_found_by_head_and_get_is_not_found(asked: Asked, status: int) -> None:
    with HostileServer(answer("no", status=status)) as server:
        assert asked(server.url) == Answer(cause="link.not-found", detail=f"status {status}", status=status)


@pytest.mark.parametrize("status", [400, 418, 500, 502, 504])
def test_other_errors_do_not_tell(asked: Asked, status: int) -> None:
    with HostileServer(answer("no", status=status)) as server:
        assert asked(server.url).cause == "link.answered-error"


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_us_to_come_back_later_is_asked_once_and_not_again(asked: Asked, status: int) -> None:
    with HostileServer(answer(status=status, headers={"Retry-After": "77"})) as server:
        found = asked(server.url)
        assert (found.cause, found.status, found.retry_after_s) == ("link.busy", status, 77)
        assert methods(server) == ["HEAD"]


def test_redirects_are_followed_and_loops_and_downgrades_are_not(asked: Asked) -> None:
    with HostileServer(chain(3, answer(b"1", headers=CSV))) as server:
        assert asked(f"{server.url}/hop0").cause is None
    with HostileServer({"/a": redirect("/b"), "/b": redirect("/a")}) as server:
        assert asked(f"{server.url}/a").cause == "link.redirect-refused"
    with HostileServer(chain(9, answer(b"1"))) as server:
        assert asked(f"{server.url}/hop0").cause == "link.redirect-refused"


def test_a_303_to_a_head_is_followed_with_a_head(asked: Asked) -> None:
    with HostileServer({"/x": redirect("/y", status=303), "/y": answer(b"1", headers=CSV)}) as server:
        assert asked(f"{server.url}/x").cause is None
        assert methods(server) == ["HEAD", "HEAD"]


def test_nothing_private_is_asked_even_through_a_redirect(asked: Asked) -> None:
    with HostileServer(answer(b"secret", headers=CSV)) as inside:
        refused = asked(inside.url, allow_private=())
        assert (refused.cause, refused.is_silence, inside.connections) == ("link.not-asked", False, 0)
        with HostileServer(redirect(f"http://169.254.169.254:{inside.port}/")) as outside:
            assert asked(outside.url).cause == "link.not-asked"
            assert len(outside.seen) == 1


@pytest.mark.parametrize("url", ["ftp://ftp.example/x.csv", "file:///etc/passwd", "http://user:pw@data.example/"])
def test_what_is_not_asked_says_so(asked: Asked, url: str) -> None:
    found = asked(url)
    assert (found.cause, found.is_silence) == ("link.not-asked", False)


def test_a_certificate_that_is_not_believed_is_named(asked: Asked) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with HostileServer(answer(b"1"), tls=context) as server:
        found = asked(server.url)
        assert (found.cause, found.is_silence) == ("link.certificate-invalid", False)
        assert "certificate" in (found.detail or "")
        assert server.seen == []


def test_a_refused_connection_and_an_unknown_host_are_told_apart_and_asked_once(asked: Asked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = asked(f"http://127.0.0.1:{port}/x.csv")
    assert (refused.cause, refused.is_silence, refused.is_unreached) == ("link.connection-refused", True, True)


@pytest.mark.parametrize(
    ("errno", "cause"),
    [(socket.EAI_NONAME, "link.host-not-found"), (socket.EAI_AGAIN, "link.silent"), (socket.EAI_FAIL, "link.silent")],
)
def test_a_name_that_does_not_exist_and_a_name_server_in_trouble_are_told_apart(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, errno: int, cause: str
) -> None:
    lookups = []

    def lookup(host: str, *_: object, **__: object) -> object:
        lookups.append(host)
        raise socket.gaierror(errno, "as the system says it")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    found = asked("http://data.example/x.csv")
    assert (found.cause, found.is_silence, lookups) == (cause, True, ["data.example"])


@pytest.mark.parametrize(
    "script", [timeout(5), headers_then_silence(5), raw(b""), raw(b"not http at all\r\n\r\n")],
    ids=["silent", "silent after headers", "hangs up", "not HTTP"],
)  # fmt: skip
def test_a_server_that_breaks_off_does_not_tell(asked: Asked, script: Script) -> None:
    with HostileServer(not_for_head(script, head=answer(status=405))) as server:
        assert asked(server.url).cause in ("link.silent", "link.not-understood")


def test_a_server_that_dies_in_the_middle_does_not_tell(asked: Asked) -> None:
    dying = reset_peer(answer(b"x" * 100_000, headers=CSV), 500)
    with HostileServer(not_for_head(dying, head=answer(status=405))) as server:
        assert asked(server.url).cause in ("link.silent", "link.not-understood")


def test_a_host_that_is_left_alone_is_not_asked(asked: Asked) -> None:
    pacing = Pacing(failures=1)
    with HostileServer(raw(b"")) as server:
        asked(server.url, pacing=Pacing())
        pacing.failed(f"127.0.0.1:{server.port}")
        before = server.connections
        with pytest.raises(PortalResting):
            asked(server.url, pacing=pacing)
        assert server.connections == before


def test_formats_of_files_promise_one_and_pages_and_interfaces_do_not() -> None:
    assert [promises_file(code) for code in ("csv", "xlsx", "zip", "shp", "pdf", "json")] == [True] * 6
    assert [promises_file(code) for code in (None, "html", "api", "wfs", "link", "other", "nonsense")] == [False] * 7
