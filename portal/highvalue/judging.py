"""How well a dataset serves an entry of the high-value list: what it lacks, and until when it is fresh; pure.

A shortfall says what is known to be lacking, or that it is not known: the two are different words. What a portal does not
say is never taken for a no, and never for a yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import schemas
from portal.catalog.frequencies import due, period_days
from portal.catalog.model import Dataset, DistributionKind
from schemas import HighValueEntry


class Shortfall(StrEnum):
    """What keeps a dataset from serving an entry in full; their words stand in the translations."""

    FIELDS_LACKING = "fields-lacking"
    """The portal lists its fields, and a required one is not among them; kept as ``fields-lacking:<field>``."""
    FIELDS_NOT_LISTED = "fields-not-listed"
    NOT_OPEN = "not-open"
    OPENNESS_NOT_SAID = "openness-not-said"
    NO_DATA = "no-data"
    """No way to the data at all."""
    NOT_MACHINE_READABLE = "not-machine-readable"
    FORMAT_NOT_SAID = "format-not-said"
    NO_DATE = "no-date"


class State(StrEnum):
    """How a place stands to an entry: the best of its datasets, or why there is none."""

    HAVE = "have"
    PARTIAL = "partial"
    """There is a dataset, and something is lacking or not known; or only places within have one."""
    STALE = "stale"
    """The newest there is should have been renewed by now."""
    MISSING = "missing"
    """Its portals were read, and nothing of the kind is there."""
    UNKNOWN = "unknown"
    """No portal of the place was read: nothing can be said."""


_OPEN = frozenset(("unconditional", "registration", "open-unqualified"))
_NOT_OPEN = frozenset(("conditional", "denied"))


def shortfalls(dataset: Dataset, entry: HighValueEntry, fields: Sequence[str] | None) -> tuple[str, ...]:
    """What a dataset lacks to serve an entry in full, freshness aside; ``fields`` are those of the entry that it has.

    None of ``fields`` means that its portal lists none.
    """
    found: list[str] = []
    if fields is None:
        found.append(Shortfall.FIELDS_NOT_LISTED)
    else:
        lacking = [field.id for field in entry.fields if field.required and field.id not in fields]
        found += [f"{Shortfall.FIELDS_LACKING}:{field}" for field in lacking]
    found += filter(None, (_openness(dataset), _readable(dataset)))
    if _changed(dataset) is None:
        found.append(Shortfall.NO_DATE)
    return tuple(map(str, found))


def fresh_until(dataset: Dataset, entry: HighValueEntry) -> datetime | None:
    """When a dataset becomes stale for an entry unless its data changes; None where no date is known.

    By the entry's own frequency, not by what the publisher promises: who promises nothing is not fresher for it.
    """
    changed, days = _changed(dataset), period_days(entry.frequency)
    return None if changed is None or days is None else due(changed, days)


def state(lacks: bool, is_late: bool) -> State:
    """How a dataset serves that lacks something or nothing, and should have been renewed or not."""
    if is_late:
        return State.STALE
    return State.PARTIAL if lacks else State.HAVE


def state_at(lacking: Sequence[str], fresh: datetime | None, at: datetime) -> State:
    """The same at a moment: that of the last reading of its source, for later changes are not known."""
    return state(bool(lacking), fresh is not None and fresh < at)


def _changed(dataset: Dataset) -> datetime | None:
    return dataset.data_modified or dataset.modified


def _openness(dataset: Dataset) -> Shortfall | None:
    if dataset.openness in _NOT_OPEN:
        return Shortfall.NOT_OPEN
    if dataset.openness in _OPEN:
        return None
    licences = (dataset.licence, *(one.licence for one in dataset.distributions))
    return None if any(map(_is_open_licence, licences)) else Shortfall.OPENNESS_NOT_SAID


def _is_open_licence(code: str | None) -> bool:
    term = schemas.vocabulary("licences").terms.get(code or "")
    return term is not None and term.attributes.get("open") == "yes"


def _readable(dataset: Dataset) -> Shortfall | None:
    if not dataset.distributions:
        return Shortfall.NO_DATA
    formats = schemas.vocabulary("formats").terms
    known = [formats[one.format].attributes for one in dataset.distributions if one.format and one.format in formats]
    if any(one.get("machine_readable") == "yes" for one in known):
        return None
    if any(one.kind is DistributionKind.API for one in dataset.distributions):
        return None
    # Of several files one whose format is not said may be the one that can be read.
    return Shortfall.NOT_MACHINE_READABLE if len(known) == len(dataset.distributions) else Shortfall.FORMAT_NOT_SAID
