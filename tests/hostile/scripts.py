"""What a portal may do with one request: proper answers first, then the others."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Mapping
from http.client import responses
from typing import Any

from tests.hostile.talk import Script, Talk


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A status line and headers, without Content-Length unless given."""
    lines = [f"HTTP/1.1 {status} {responses.get(status, 'Odd')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"


def answer(
    body: bytes | str = b"", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Script:
    """A proper answer."""
    content = body.encode() if isinstance(body, str) else body

    def script(talk: Talk) -> None:
        length = {} if status in (204, 304) else {"Content-Length": str(len(content))}
        talk.send(head(status, {**length, **(headers or {})}))
        if talk.seen.method != "HEAD":
            talk.send(content)

    return script


def json_answer(value: Any, **options: Any) -> Script:
    """A proper JSON answer."""
    return answer(json.dumps(value), headers={"Content-Type": "application/json"}, **options)


def conditional(body: bytes, *, etag: str) -> Script:
    """A good citizen: 304 for whoever has this ETag already."""

    def script(talk: Talk) -> None:
        known = talk.seen.headers.get("if-none-match") == etag
        reply = answer(status=304) if known else answer(body, headers={"ETag": etag})
        reply(talk)

    return script


def sequence(*scripts: Script) -> Script:
    """Another script for each request, the last one for all that follow."""
    left = list(scripts)
    lock = threading.Lock()

    def script(talk: Talk) -> None:
        with lock:
            turn = left.pop(0) if len(left) > 1 else left[0]
        turn(talk)

    return script


def redirect(target: str, *, status: int = 302, headers: Mapping[str, str] | None = None) -> Script:
    """A redirect."""
    return answer(status=status, headers={**(headers or {}), "Location": target})


def chain(length: int, end: Script, *, prefix: str = "/hop", status: int = 302) -> dict[str, Script]:
    """A redirect chain ``/hop0`` … of a length, and its end, as paths for a server."""
    hops = {f"{prefix}{hop}": redirect(f"{prefix}{hop + 1}", status=status) for hop in range(length)}
    return {**hops, f"{prefix}{length}": end}


def endless_chunked(chunk: bytes = b"x" * 65536, headers: Mapping[str, str] | None = None) -> Script:
    """Chunks for ever."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Transfer-Encoding": "chunked", **(headers or {})}))
        while True:
            talk.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return script


def endless_chunk_size() -> Script:
    """One chunk whose size line never ends."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Transfer-Encoding": "chunked"}) + b"5;")
        while True:
            talk.send(b"x" * 65536)

    return script


def endless_headers() -> Script:
    """Headers for ever."""

    def script(talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            talk.send(b"X-More: " + b"x" * 8192 + b"\r\n")

    return script


def chunked_cut(*chunks: bytes) -> Script:
    """Some chunks, then the end of the connection without the last chunk."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Transfer-Encoding": "chunked"}))
        for chunk in chunks:
            talk.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        talk.hang_up()

    return script


def wrong_length(body: bytes, claimed: int) -> Script:
    """A Content-Length that is not true, then the end of the connection."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Content-Length": str(claimed)}) + body)
        talk.hang_up()

    return script


def gzip_bomb(decoded_mebibytes: int) -> Script:
    """Zeros, packed about a thousandfold, in gzip members of four mebibytes."""
    member = gzip.compress(bytes(4 * 1024**2))
    return answer(member * (decoded_mebibytes // 4), headers={"Content-Encoding": "gzip"})


def gzip_header_plain_body(body: bytes) -> Script:
    """A plain body that claims to be packed."""
    return answer(body, headers={"Content-Encoding": "gzip"})


def drip(body: bytes, *, every_s: float, headers_too: bool = False) -> Script:
    """One byte at a time, of the body or of everything."""

    def script(talk: Talk) -> None:
        start = head(headers={"Content-Length": str(len(body))})
        if not headers_too:
            talk.send(start)
        for byte in (start if headers_too else b"") + body:
            talk.send(bytes((byte,)))
            talk.wait(every_s)

    return script


def headers_then_silence(silent_s: float = 60.0) -> Script:
    """The promise of a body, and then nothing."""

    def script(talk: Talk) -> None:
        talk.send(head(headers={"Content-Length": "1000"}))
        talk.wait(silent_s)
        talk.hang_up()

    return script


def challenge_page(*, status: int = 200) -> Script:
    """What a firewall shows to browsers in place of the data."""
    page = "<html><script>document.cookie='__jsl_clearance=1';location.href='/'</script></html>"
    return answer(page, status=status, headers={"Content-Type": "text/html"})


def html_as_json() -> Script:
    """An error page under a JSON content type, with status 200."""
    page = "<!DOCTYPE html><html><body><h1>系统维护中</h1></body></html>"
    return answer(page, headers={"Content-Type": "application/json"})


def raw(data: bytes) -> Script:
    """Bytes as they are, then the end of the connection."""

    def script(talk: Talk) -> None:
        talk.send(data)
        talk.hang_up()

    return script
