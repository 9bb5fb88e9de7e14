"""A server that knows nothing of secure renegotiation (RFC 5746, of 2010), as OpenSSL itself can be no more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme
from tlslite.constants import CipherSuite, ExtensionType
from tlslite.errors import TLSError
from tlslite.handshakesettings import HandshakeSettings
from tlslite.tlsconnection import TLSConnection
from tlslite.utils.keyfactory import parsePEMKey
from tlslite.x509certchain import X509CertChain

_UNKNOWN_SUITE, _UNKNOWN_EXTENSION = 0x00FE, 0xFFFE
"""Numbers that nobody sends: what a client says of renegotiation is then not understood, and not answered."""

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nold"


@contextmanager
def unsafely_renegotiating(authority: trustme.CA) -> Iterator[str]:
    """The address of such a server, which answers ``old`` to everything; ``authority`` has to have an RSA key."""
    certificate = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    chain = X509CertChain()
    chain.parsePemList("".join(one.bytes().decode() for one in certificate.cert_chain_pems))
    key = parsePEMKey(certificate.private_key_pem.bytes().decode(), private=True)
    settings = HandshakeSettings()
    settings.maxVersion = (3, 3)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk = TLSConnection(connection)
                try:
                    talk.handshakeServer(certChain=chain, privateKey=key, settings=settings)
                    talk.recv(4096)
                    talk.send(_ANSWER)
                    talk.close()
                except (TLSError, OSError):
                    # The client would not have it.
                    continue

    with pytest.MonkeyPatch.context() as patching, socket.create_server(("127.0.0.1", 0)) as listener:
        patching.setattr(CipherSuite, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", _UNKNOWN_SUITE)
        patching.setattr(ExtensionType, "renegotiation_info", _UNKNOWN_EXTENSION)
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        # Closing alone does not wake who waits to accept.
        listener.shutdown(socket.SHUT_RDWR)
        server.join(10)
