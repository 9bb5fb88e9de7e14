"""Nouns to JSON and back, and when two datasets are the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct
from zstandard import ZstdCompressor, ZstdDecompressor

from portal.catalog.model import Dataset, Publisher, Source

Id = TypeVar("Id")

LOOKUP_SIZE = 500
"""Ids named in one statement: the smallest limit on parameters among SQLite's builds is 999."""

_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Titles(Struct, frozen=True):
    """What a dataset is called."""

    title: str
    titles: dict[str, str] = {}


decode_titles = msgspec.json.Decoder(Titles).decode
decode_dataset = msgspec.json.Decoder(Dataset).decode
decode_publisher = msgspec.json.Decoder(Publisher).decode
decode_source = msgspec.json.Decoder(Source).decode


def encode(noun: Struct) -> bytes:
    """The JSON of a noun: given values only, keys in a fixed order."""
    return msgspec.json.encode(noun, order="deterministic")


def visible(text: str) -> str:
    """A portal's or server's words as they may be kept and shown: what acts in a terminal or log is U+FFFD.

    So are NUL, which PostgreSQL does not keep, and half surrogate pairs, which no encoding does.
    """
    return _ACTING.sub("\ufffd", text)


def packer() -> Callable[[bytes], bytes]:
    """Compresses one text after another; not to be shared by threads. Three times as fast as zlib, as small."""
    return ZstdCompressor(level=1).compress


def unpacked(packed: bytes) -> bytes:
    """What was packed."""
    return ZstdDecompressor().decompress(packed)


def digest(dataset: Dataset) -> bytes:
    """16 bytes that are the same exactly when the given values are.

    Counters do not count: they change with every visitor, and a dataset is not another one because somebody looked.
    """
    if dataset.views is not None or dataset.downloads is not None:
        dataset = msgspec.structs.replace(dataset, views=None, downloads=None)
    return hashlib.blake2b(encode(dataset), digest_size=16).digest()


def changed_fields(before: Dataset, after: Dataset) -> tuple[str, ...]:
    """The names of the unified fields in which two states of a dataset differ."""
    return tuple(name for name in Dataset.__struct_fields__ if getattr(before, name) != getattr(after, name))


def in_parts(ids: Sequence[Id]) -> Iterator[list[Id]]:
    """The ids in lists short enough for one statement."""
    rest = iter(ids)
    while part := list(islice(rest, LOOKUP_SIZE)):
        yield part
