"""Where we connect to, and where never (faults 77 to 80)."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from harvester.errors import AddressRefused, RedirectRefused
from harvester.http import Http
from harvester.http.addresses import Reach, is_public
from tests.harvester.http.conftest import MakeHttp
from tests.hostile import HostileServer, answer, redirect

SPELLINGS = """
    127.0.0.1 127.1 127.0.1 127.255.255.254 localhost LOCALHOST 0 0.0.0.0 00 0x0 2130706433 0x7f000001
    0x7f.1 0x7f.0.0.1 017700000001 0177.0.0.1 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1
    100.64.0.1 100.100.100.200 169.254.169.254 169.254.170.2 192.0.0.192 198.18.0.1 224.0.0.1 239.255.255.250
    240.0.0.1 255.255.255.255 168.63.129.16 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [::ffff:a9fe:a9fe] [::7f00:1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::7f00:1] [2002:7f00:1::]
    [2002:a00:1::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:db8::1] [3fff::1] [fc00::1] [fd00:ec2::254]
    [fe80::1] [fec0::1] [ff02::1] [100::1] １２７.0.0.1 ①②⑦.0.0.1
""".split()


@pytest.mark.parametrize("host", SPELLINGS)
def test_f77_an_address_that_is_not_public_is_refused_in_any_spelling(host: str, make_http: MakeHttp) -> None:
    http = make_http(allow_private=())
    with pytest.raises(AddressRefused):
        http.get(f"http://{host}:8000/")


def test_f77_the_table_holds_at_least_forty_spellings() -> None:
    assert len(set(SPELLINGS)) >= 40


def test_f77_a_server_on_loopback_sees_no_connection(make_http: MakeHttp) -> None:
    with HostileServer(answer("secret")) as inside:
        with pytest.raises(AddressRefused, match="127.0.0.1 is not a public address"):
            make_http(allow_private=()).get(inside.url)
        assert inside.connections == 0


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://169.254.169.254/latest/", "//[::ffff:a00:1]/"])
def test_f77_a_redirect_to_an_address_that_is_not_public_is_refused(target: str, http: Http) -> None:
    with HostileServer(redirect(target)) as portal, pytest.raises(AddressRefused):
        http.get(portal.url)


@pytest.mark.parametrize("name", ["metadata.google.internal", "localhost.", "localtest.me", "1.nip.io"])
def test_f77_a_name_is_judged_by_where_it_leads(
    name: str, make_http: MakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver("169.254.169.254"))
    with pytest.raises(AddressRefused, match="169.254.169.254 is not a public address"):
        make_http(allow_private=()).get(f"http://{name}/computeMetadata/v1/")


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_public_address_is_asked_only_at_the_agreed_ports() -> None:
    reach = Reach()
    ports = (21, 22, 25, 80, 443, 3306, 5432, 6379, 8080, 9999, 10000)
    assert [port for port in ports if reach.refusal("8.8.8.8", port) is None] == [80, 443, 8080, 9999]
    assert reach.refusal("8.8.8.8", 22) == "port 22 is not one we ask"


def test_a_private_network_that_is_allowed_is_asked_at_any_port_and_no_other_is() -> None:
    reach = Reach(allow_private=(ip_network("10.1.0.0/16"),))
    assert reach.refusal("10.1.2.3", 34567) is None
    assert reach.refusal("::ffff:10.1.2.3", 34567) is None
    assert reach.refusal("10.2.0.1", 80) == "10.2.0.1 is not a public address"


def _resolver(*addresses: str) -> Any:
    """A resolver that gives one address more at each call, and the last one for ever."""
    left = list(addresses)

    def resolve(host: str, port: int, *_: object, **__: object) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    return resolve


def test_f78_a_name_that_turns_private_at_the_second_lookup_is_refused(
    make_http: MakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.1 plays the public address (it is allowed), 127.0.0.2 the private one; both reach the server."""
    http = make_http(allow_private=[ip_network("127.0.0.1/32")])
    monkeypatch.setattr(socket, "getaddrinfo", _resolver("127.0.0.1", "127.0.0.2"))
    with HostileServer(answer("data", headers={"Connection": "close"})) as portal:
        url = f"http://rebinding.example:{portal.port}/"
        assert http.get(url).text == "data"
        with pytest.raises(AddressRefused, match="127.0.0.2 is not a public address"):
            http.get(url)
        assert portal.connections == 1


def test_f78_a_question_is_answered_by_the_address_that_was_judged(
    make_http: MakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that would give another address at once is asked only once for each connection."""
    asked = []
    judged = _resolver("127.0.0.1", "127.0.0.2")

    def resolve(*args: Any, **kwargs: Any) -> Any:
        asked.append(args[0])
        return judged(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with HostileServer(answer("data")) as portal:
        http = make_http(allow_private=[ip_network("127.0.0.1/32")])
        assert http.get(f"http://rebinding.example:{portal.port}/").text == "data"
    assert asked == ["rebinding.example"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://portal.example/data.json",
        "gopher://portal.example/",
        "data:application/json,{}",
        "jar:http://portal.example/a.jar!/",
        "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
        "unix:///var/run/docker.sock",
        "portal.example/data.json",
        "",
    ],
)
def test_f79_only_http_and_https_are_asked(url: str, http: Http) -> None:
    with pytest.raises(AddressRefused):
        http.get(url)
    assert http.requests == 0


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/"])
def test_f79_a_redirect_to_another_scheme_is_refused(target: str, http: Http) -> None:
    with HostileServer(redirect(target)) as portal, pytest.raises(RedirectRefused) as caught:
        http.get(portal.url)
    assert caught.value.seen == target


def test_f79_ckanapi_s_session_refuses_other_schemes_too(http: Http) -> None:
    with pytest.raises(AddressRefused, match="only http and https"):
        http.session.get("file:///etc/passwd")


def test_f80_a_user_name_in_an_address_is_refused(http: Http) -> None:
    with HostileServer(answer("evil")) as evil:
        with pytest.raises(AddressRefused, match="user name"):
            http.get(f"http://good.example@127.0.0.1:{evil.port}/")
        assert evil.connections == 0


def test_f80_a_backslash_does_not_move_the_host(http: Http) -> None:
    with HostileServer(answer("good")) as good, HostileServer(answer("evil")) as evil:
        http.get(f"http://127.0.0.1:{good.port}\\@127.0.0.1:{evil.port}/")
        assert (good.connections, evil.connections) == (1, 0)


def test_f80_line_breaks_in_an_address_add_no_header(http: Http) -> None:
    with HostileServer(answer("ok")) as portal:
        http.get(f"{portal.url}/a\r\nX-Evil: 1\r\n\r\nGET /b")
        assert len(portal.seen) == 1
        assert "x-evil" not in portal.seen[0].headers


def test_f80_line_breaks_in_a_header_are_refused(http: Http) -> None:
    with HostileServer(answer("ok")) as portal:
        with pytest.raises(AddressRefused):
            http.get(portal.url, headers={"X-Key": "1\r\nX-Evil: 1"})
        assert portal.seen == []


def test_f80_a_name_in_foreign_letters_is_asked_and_shown_in_ascii(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Cyrillic а looks like a Latin one; the address that answered shows the difference."""
    monkeypatch.setattr(socket, "getaddrinfo", _resolver("127.0.0.1"))
    with HostileServer(answer("ok")) as portal:
        response = http.get(f"http://dаta.example:{portal.port}/")
        assert response.url == f"http://xn--dta-6cd.example:{portal.port}/"
