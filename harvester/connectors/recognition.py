"""Looks at the first records before any is kept, so that a portal of another shape is no half import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harvester import shapes
from harvester.crosswalk import plain, to_dataset
from harvester.errors import HarvestError, PortalNotUnderstood
from harvester.records import Listing, RawRecord, Records
from harvester.undecided import decided_by, undecided
from portal.catalog.model import Issue, Source

LOOKED_AT = 5
"""Records of which at least one must have a key and a title, and which may not all have the same key."""

KEYS_LOOKED_AT = 50
"""Records whose keys are looked at for those that nobody decided about."""


def recognised(source: Source, given: Records) -> Records:
    """The same records, and one issue that names what keys of the first ones nobody decided about.

    Raises PortalNotUnderstood, before giving any, where none of the first is a dataset or all have the same id.
    """
    return (yield from _with_undecided(source, _expected(source, given)))


def _expected(source: Source, given: Records) -> Records:
    first: list[RawRecord | Issue] = []
    end: Listing | HarvestError | None = None
    while end is None and len(_raws(first)) < LOOKED_AT:
        try:
            first.append(next(given))
        except StopIteration as stop:
            end = stop.value
        except HarvestError as error:
            end = error
    if isinstance(end, HarvestError) and not any(to_dataset(raw, source)[0] for raw in _raws(first)):
        raise end
    expect_datasets(source, first)
    yield from first
    if isinstance(end, HarvestError):
        raise end
    return end if end is not None else (yield from given)


def expect_datasets(source: Source, first: Sequence[RawRecord | Issue]) -> None:
    """Raises PortalNotUnderstood where none of these is a dataset, or all have the same id or the same detail."""
    raws = _raws(first)
    made = {raw.body: (raw, dataset) for raw in raws if (dataset := to_dataset(raw, source)[0]) is not None}
    if raws and not made:
        raise _no_dataset(source, first)
    keys = {dataset.source_key for _, dataset in made.values()}
    if len(made) > 1 and len(keys) == 1:
        raise PortalNotUnderstood(f"the first {len(made)} records have the same id", url=raws[0].url, seen=min(keys))
    details = [plain(raw).get("detail") for raw, _ in made.values()]
    if len(made) > 2 and details[0] and details.count(details[0]) == len(made):
        told = f"the first {len(made)} records have the same detail, whichever is asked for"
        raise PortalNotUnderstood(told, url=raws[0].url, seen=str(details[0])[:400])


def _raws(items: Sequence[RawRecord | Issue]) -> list[RawRecord]:
    return [item for item in items if isinstance(item, RawRecord)]


def _no_dataset(source: Source, first: Sequence[RawRecord | Issue]) -> PortalNotUnderstood:
    """The error that says why: what the connector met, what stands in the record, where an id and a title were sought."""
    raw, *others = _raws(first)
    record, decided = _plain(raw), decided_by(source)
    codes = [issue.code for issue in to_dataset(raw, source)[1]]
    reasons = [item.detail for item in first if isinstance(item, Issue) and item.detail][:1]
    if (said := shapes.reason(record)) is not None:
        reasons.append(f"the portal says: {said[:200]}")
    if names := [path for path, _ in undecided(record, source, decided)]:
        reasons.append(f"nobody decided about {_named(names, 10)}")
    for code, field, word in (("record.key-missing", "source_key", "id"), ("record.title-missing", "title", "title")):
        if code in codes:
            reasons.append(f"no {word} at {_named([path for path, read in decided.items() if read == field], 4)}")
    told = f"none of the first {1 + len(others)} records is a dataset ({', '.join(codes)}): {'; '.join(reasons)}"
    return PortalNotUnderstood(told.removesuffix(": "), url=raw.url, seen=raw.body[:400].decode("utf-8", "replace"))


def _plain(raw: RawRecord) -> object:
    """The record decoded; None where it is none, which its issue says already."""
    try:
        return plain(raw)
    except (ValueError, RecursionError):
        return None


def _named(paths: Sequence[str], most: int) -> str:
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")


def _with_undecided(source: Source, given: Records) -> Records:
    keys: Counter[str] = Counter()
    decided = decided_by(source)
    looked_at = 0
    try:
        while looked_at < KEYS_LOOKED_AT:
            yield (item := next(given))
            if isinstance(item, RawRecord):
                looked_at += 1
                keys.update(path for path, _ in undecided(_plain(item), source, decided))
    except StopIteration as stop:
        yield from _told(source, keys, looked_at)
        listing: Listing = stop.value
        return listing
    except HarvestError:
        yield from _told(source, keys, looked_at)
        raise
    yield from _told(source, keys, looked_at)
    return (yield from given)


def _told(source: Source, keys: Counter[str], looked_at: int) -> Iterator[Issue]:
    if keys:
        names = _named([f"{path} ({count}/{looked_at})" for path, count in keys.most_common()], 20)
        yield Issue(code="listing.keys-undecided", url=source.url, seen=names)
