"""A dataset's history in words: what happened, and for an update what stood before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from portal.catalog.model import Change, Dataset
from portal.web.notation import moment

LONGEST_SHOWN = 300
"""Characters of a value before and after."""


class Difference(Struct, frozen=True):
    """One field before and after; None where the portal did not say."""

    field: str
    before: str | None
    after: str | None


class Step(Struct, frozen=True):
    """One change with those of its differences that are short enough to read."""

    change: Change
    differences: tuple[Difference, ...]


def timeline(history: Sequence[Change], now: Dataset) -> list[Step]:
    """The steps of a history, newest first, as ``Catalog.history`` gives it; ``now`` is the dataset as it stands."""
    steps = []
    after = now
    for change in history:
        differences: tuple[Difference, ...] = ()
        if change.before is not None:
            differences = _differences(change, change.before, after)
            after = change.before
        steps.append(Step(change, differences))
    return steps


def _differences(change: Change, before: Dataset, after: Dataset) -> tuple[Difference, ...]:
    found = []
    for field in change.fields:
        old, new = getattr(before, field, None), getattr(after, field, None)
        if old != new and _is_plain(old) and _is_plain(new):
            found.append(Difference(field, _written(old), _written(new)))
    return tuple(found)


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(one, str) for one in value)
    return value is None or isinstance(value, str | int | datetime)


def _written(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, datetime):
        return moment(value)
    text = " · ".join(value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
