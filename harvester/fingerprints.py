"""What tells whether a record was read as we read now: digests of the way of reading and of the words read."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import msgspec

import schemas
from portal.catalog.model import Source

_READERS = (
    "addresses.py", "cleaners.py", "crosswalk.py", "dcat_cleaners.py", "departments.py", "duplicates.py",
    "families.py", "geometry.py", "identity.py", "instants.py", "native_cleaners.py", "nativekeys.py", "paths.py",
    "privacy.py", "profiles.py", "regions.py", "shapes.py", "tables.py", "texts.py", "xml_cleaners.py",
    "xmlrecords.py", "xmlstream.py",
)
"""The modules that decide what a record becomes and what is said of it: when one changes, every record is read again."""


def fingerprint(source: Source) -> str:
    """A digest of everything besides the portal's words that decides what a record becomes.

    Only what people decided about publishers' names is left out: ``rereading`` follows it without asking the portal.
    """
    digest = hashlib.blake2b(_reading(), digest_size=8)
    decisive = (source.kind, source.url, source.region, source.institution_type, source.timezone)
    digest.update(msgspec.json.encode(decisive))
    digest.update(msgspec.json.encode(source.options, order="deterministic"))
    return digest.hexdigest()


@cache
def _reading() -> bytes:
    code = (files("harvester").joinpath(name).read_bytes() for name in _READERS)
    return schemas.fingerprint().encode() + hashlib.blake2b(b"".join(code), digest_size=8).digest()


def raw_digest(body: bytes, fingerprint: str) -> bytes:
    """16 bytes that are the same when both the portal's words and our reading of them are."""
    return hashlib.blake2b(body, digest_size=16, key=fingerprint.encode()).digest()
