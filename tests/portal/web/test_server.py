"""What the server in front of the site lets through to it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from portal.web.asking import LONGEST_TEXT
from portal.web.server import LONGEST_LINE


def test_the_longest_search_in_chinese_reaches_the_site_with_its_filters() -> None:
    settings = Config()
    settings.set("limit_request_line", LONGEST_LINE)
    filters = "&".join(f"region={code}" for code in range(330100, 330150))
    line = f"GET /zh/datasets?q={quote('水' * LONGEST_TEXT)}&{filters} HTTP/1.1\r\nHost: a\r\n\r\n"
    request = next(RequestParser(settings, iter([line.encode()]), ("127.0.0.1", 1)))
    assert request.query.endswith("region=330149")


SITE = """
import sys
from flask import Flask
from portal.web.server import Impatient, serve

def site():
    app = Flask("site")
    app.add_url_rule("/", "little", lambda: "here")
    app.add_url_rule("/much", "much", lambda: (b"x" * 65536 for _ in range(1000)))
    return app

Impatient.silence_s = 1
serve(site, host="127.0.0.1", port=int(sys.argv[1]), workers=1, threads=2)
"""


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """A server of two threads that hangs up after a second of silence."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        where: tuple[str, int] = free.getsockname()
    server = subprocess.Popen([sys.executable, "-c", SITE, str(where[1])], stderr=subprocess.PIPE, text=True)
    while server.poll() is None:
        try:
            socket.create_connection(where).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    yield where
    server.terminate()
    _, errors = server.communicate(timeout=30)
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_those_who_neither_speak_nor_listen_keep_nobody_out(address: tuple[str, int], sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            silent = stack.enter_context(socket.socket())
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            silent.connect(address)
            silent.sendall(sent)
        with socket.create_connection(address, timeout=60) as reader:
            reader.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert reader.recv(4096).startswith(b"HTTP/1.1 200")
