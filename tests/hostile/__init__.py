"""A portal that misbehaves on command: a real server on loopback, its tricks named after Toxiproxy's toxics.

``with HostileServer({"/data.json": drip(b"[]", every_s=1.0)}) as portal:`` and ask ``portal.url``.
A script is what the portal does with one request; toxics wrap a script and spoil what it sends.
"""

from tests.hostile.scripts import (
    answer,
    chain,
    challenge_page,
    chunked_cut,
    conditional,
    drip,
    endless_chunk_size,
    endless_chunked,
    endless_headers,
    gzip_bomb,
    gzip_header_plain_body,
    head,
    headers_then_silence,
    html_as_json,
    json_answer,
    raw,
    redirect,
    sequence,
    wrong_length,
)
from tests.hostile.server import HostileServer
from tests.hostile.talk import HungUp, Script, Seen, Talk
from tests.hostile.toxics import (
    bandwidth,
    latency,
    limit_data,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)

__all__ = [
    "HostileServer",
    "HungUp",
    "Script",
    "Seen",
    "Talk",
    "answer",
    "bandwidth",
    "chain",
    "challenge_page",
    "chunked_cut",
    "conditional",
    "drip",
    "endless_chunk_size",
    "endless_chunked",
    "endless_headers",
    "gzip_bomb",
    "gzip_header_plain_body",
    "head",
    "headers_then_silence",
    "html_as_json",
    "json_answer",
    "latency",
    "limit_data",
    "raw",
    "redirect",
    "reset_peer",
    "sequence",
    "slicer",
    "slow_close",
    "timeout",
    "wrong_length",
]
