"""Looks at the first records before any is kept, so that a portal of another shape is no half import."""

from __future__ import annotations

from typing import NoReturn

from harvester.crosswalk import to_dataset
from harvester.errors import PortalNotUnderstood
from harvester.records import Listing, RawRecord, Records
from portal.catalog.model import Issue, Source

LOOKED_AT = 5
"""Records of which at least one must have a key and a title."""


def recognised(source: Source, given: Records) -> Records:
    """The same records. Raises PortalNotUnderstood, before giving any, where none of the first is a dataset."""
    first: list[RawRecord | Issue] = []
    unusable: list[RawRecord] = []
    listing: Listing | None = None
    while len(unusable) < LOOKED_AT:
        try:
            first.append(item := next(given))
        except StopIteration as end:
            listing = end.value
            break
        if isinstance(item, RawRecord):
            if to_dataset(item, source)[0] is not None:
                unusable = []
                break
            unusable.append(item)
    if unusable:
        _refuse(source, unusable)
    yield from first
    return listing if listing is not None else (yield from given)


def _refuse(source: Source, unusable: list[RawRecord]) -> NoReturn:
    raw = unusable[0]
    _, issues = to_dataset(raw, source)
    codes = ", ".join(dict.fromkeys(issue.code for issue in issues))
    detail = f"none of the first {len(unusable)} records is a dataset ({codes})"
    raise PortalNotUnderstood(detail, url=raw.url, seen=raw.body[:400].decode("utf-8", "replace"))
