"""Whom we believe (faults N14 to N16), against real handshakes."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from harvester.errors import PortalCertificateInvalid, RedirectRefused
from harvester.http import Trust
from harvester.http.certificates import not_after
from tests.harvester.http.conftest import MakeHttp
from tests.hostile import HostileServer, answer, raw, redirect
from tests.hostile.legacy import unsafely_renegotiating

AUTHORITY = trustme.CA()


def _server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _good() -> ssl.SSLContext:
    return _server_context(AUTHORITY.issue_cert("127.0.0.1"))


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    ca_file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(ca_file))
    return Trust(ca_file=str(ca_file))


def test_n14_a_redirect_from_https_to_http_is_refused(make_http: MakeHttp, trust: Trust) -> None:
    with HostileServer(answer("plain")) as plain, HostileServer(redirect(plain.url), tls=_good()) as safe:
        with pytest.raises(RedirectRefused, match="from https to http"):
            make_http(trust=trust).get(safe.url)
        assert plain.connections == 0


def test_n14_a_redirect_from_http_to_https_is_followed(make_http: MakeHttp, trust: Trust) -> None:
    with HostileServer(answer("safe"), tls=_good()) as safe, HostileServer(redirect(safe.url)) as plain:
        assert make_http(trust=trust).get(plain.url).text == "safe"


def test_n15_a_source_s_own_authority_is_believed(make_http: MakeHttp, trust: Trust) -> None:
    with HostileServer(answer("safe"), tls=_good()) as portal:
        assert make_http(trust=trust).get(portal.url).text == "safe"


def test_n15_an_unknown_authority_is_not_believed_nor_asked_again(make_http: MakeHttp) -> None:
    with HostileServer(answer("safe"), tls=_good()) as portal:
        with pytest.raises(PortalCertificateInvalid, match="127.0.0.1 comes from an authority that is unknown"):
            make_http().get(portal.url)
        assert portal.connections == 1


def test_n15_an_expired_certificate_is_named_with_its_last_day(make_http: MakeHttp, trust: Trust) -> None:
    ended = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)
    certificate = AUTHORITY.issue_cert("127.0.0.1", not_before=datetime(2023, 1, 1, tzinfo=UTC), not_after=ended)
    with HostileServer(answer("old"), tls=_server_context(certificate)) as portal:
        with pytest.raises(PortalCertificateInvalid) as caught:
            make_http(trust=trust).get(portal.url)
        assert portal.seen == []
    assert caught.value.detail == "the certificate of 127.0.0.1 has expired on 2024-02-29"


def test_n15_a_certificate_for_another_name_is_named_so(make_http: MakeHttp, trust: Trust) -> None:
    certificate = AUTHORITY.issue_cert("other.example")
    with HostileServer(answer("whose?"), tls=_server_context(certificate)) as portal:
        with pytest.raises(PortalCertificateInvalid, match="is for another"):
            make_http(trust=trust).get(portal.url)
        with pytest.raises(PortalCertificateInvalid, match="the certificate of localhost is for another name"):
            make_http(trust=trust).get(f"https://localhost:{portal.port}/")


def test_n15_a_self_signed_certificate_is_named_so(make_http: MakeHttp, tmp_path: Path) -> None:
    own = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with own.private_key_pem.tempfile() as key, own.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    with HostileServer(answer("me"), tls=context) as portal:
        with pytest.raises(PortalCertificateInvalid, match="is self-signed"):
            make_http().get(portal.url)


def test_n15_a_chain_without_its_middle_is_named_so(make_http: MakeHttp, trust: Trust) -> None:
    certificate = AUTHORITY.create_child_ca().issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificate.private_key_pem.tempfile() as key, certificate.cert_chain_pems[0].tempfile() as leaf:
        context.load_cert_chain(leaf, key)
    with HostileServer(answer("half"), tls=context) as portal:
        with pytest.raises(PortalCertificateInvalid, match="leaves out an intermediate certificate"):
            make_http(trust=trust).get(portal.url)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_n15_the_explicit_override_reads_all_the_same(make_http: MakeHttp) -> None:
    with HostileServer(answer("unsafe"), tls=_good()) as portal:
        assert make_http(trust=Trust(verify=False)).get(portal.url).text == "unsafe"


def _old_server() -> ssl.SSLContext:
    context = _good()
    context.set_ciphers("ALL@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1
    return context


@pytest.mark.skipif(not ssl.HAS_TLSv1, reason="this Python's OpenSSL was built without TLS 1.0")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_n16_a_server_of_old_tls_is_named_so(make_http: MakeHttp, trust: Trust) -> None:
    with HostileServer(answer("old"), tls=_old_server()) as portal:
        with pytest.raises(PortalCertificateInvalid, match="TLS versions that are no longer safe"):
            make_http(trust=trust).get(portal.url)


@pytest.mark.skipif(not ssl.HAS_TLSv1, reason="this Python's OpenSSL was built without TLS 1.0")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_n16_a_source_may_choose_to_read_old_tls(make_http: MakeHttp, trust: Trust) -> None:
    with HostileServer(answer("old"), tls=_old_server()) as portal:
        assert make_http(trust=Trust(ca_file=trust.ca_file, legacy=True)).get(portal.url).text == "old"


@pytest.fixture(scope="module")
def unsafe() -> Iterator[tuple[str, trustme.CA]]:
    """A server that cannot renegotiate safely, and the authority of its certificate."""
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    with unsafely_renegotiating(authority) as url:
        yield url, authority


def test_n16_a_server_of_unsafe_renegotiation_is_named_so(
    make_http: MakeHttp, unsafe: tuple[str, trustme.CA], tmp_path: Path
) -> None:
    url, authority = unsafe
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with pytest.raises(PortalCertificateInvalid, match="needs unsafe legacy renegotiation"):
        make_http(trust=Trust(ca_file=str(tmp_path / "authority.pem"))).get(url)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_n16_a_source_may_choose_to_read_a_server_of_unsafe_renegotiation(
    make_http: MakeHttp, unsafe: tuple[str, trustme.CA], tmp_path: Path
) -> None:
    url, authority = unsafe
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    http = make_http(trust=Trust(ca_file=str(tmp_path / "authority.pem"), legacy=True))
    assert http.get(url).text == "old"


def test_n16_https_asked_of_a_plain_port_is_named_so(make_http: MakeHttp) -> None:
    with HostileServer(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as portal:
        with pytest.raises(PortalCertificateInvalid, match="does not speak TLS at this port"):
            make_http().get(f"https://127.0.0.1:{portal.port}/")


def test_the_end_of_a_certificate_is_read() -> None:
    ended = datetime(2061, 7, 1, 12, 30, tzinfo=UTC)
    certificate = AUTHORITY.issue_cert("portal.example", not_after=ended)
    assert not_after(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())) == ended


@pytest.mark.parametrize("der", [b"", b"0", b"\x30\x82", b"not a certificate at all", bytes(64)])
def test_what_is_no_certificate_has_no_end(der: bytes) -> None:
    assert not_after(der) is None
