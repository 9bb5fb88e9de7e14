"""Dates that were moved while the data stood still: they are not believed.

A date that moves alone is no offence: a file may well be new under its old address. Only where the portal itself states
the size or the checksum of every file, and none of them changed while the date was moved twice and more, did nothing
happen; the date before is then the one that counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from msgspec.structs import replace

from portal.catalog.model import Change, ChangeCause, ChangeKind, Dataset
from portal.catalog.store import Catalog

TIMES = 2
"""How often in a row a date must have moved alone before it is doubted."""

_DATES = ("modified", "data_modified")

DATE_FIELDS: tuple[tuple[str, ...], ...] = (
    ("modified",),
    ("data_modified",),
    ("modified", "data_modified"),
    ("modified", "distributions"),
    ("data_modified", "distributions"),
    ("modified", "data_modified", "distributions"),
)
"""The fields that move when only dates do: distributions have dates of their own."""


def believed(catalog: Catalog, datasets: Sequence[Dataset], upto: int | None = None) -> dict[str, datetime]:
    """Of the datasets whose date was moved and nothing else: the date before. ``upto`` ends the log at a number."""
    measurable = {dataset.id: dataset for dataset in datasets if _is_measured(dataset)}
    often = catalog.date_changes(list(measurable), DATE_FIELDS) if measurable else {}
    found = {}
    for id, times in often.items():
        if times >= TIMES:
            history = catalog.history(id)
            since = date_before(measurable[id], [one for one in history if upto is None or one.number <= upto])
            if since is not None:
                found[id] = since
    return found


def date_before(dataset: Dataset, history: Sequence[Change]) -> datetime | None:
    """The date a dataset had before its last ``TIMES`` or more updates moved dates alone; None when they did more.

    ``history`` is its changes, newest first, each update with the state before it.
    """
    updates = [change for change in history if change.kind is ChangeKind.UPDATED]
    standing = _without_dates(dataset)
    moved = list(takewhile(lambda change: _moved_dates_alone(change, standing), updates))
    if len(moved) < TIMES or moved[-1].before is None:
        return None
    return moved[-1].before.data_modified or moved[-1].before.modified


def _is_measured(dataset: Dataset) -> bool:
    return bool(dataset.distributions) and all(
        distribution.size_bytes is not None or distribution.checksum is not None
        for distribution in dataset.distributions
    )


def _moved_dates_alone(change: Change, standing: Dataset) -> bool:
    return (
        change.cause is ChangeCause.SOURCE
        and change.fields in DATE_FIELDS
        and set(change.fields) & set(_DATES) != set()
        and change.before is not None
        and _without_dates(change.before) == standing
    )


def _without_dates(dataset: Dataset) -> Dataset:
    plain = tuple(replace(one, modified=None, issued=None) for one in dataset.distributions)
    return replace(dataset, modified=None, data_modified=None, views=None, downloads=None, distributions=plain)
