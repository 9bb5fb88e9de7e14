"""Whether a dataset keeps the frequency it declares, for its page: by the same day as the indicator on its scorecard."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from portal.catalog.frequencies import due, period_days
from portal.catalog.model import Dataset

DAY_S = 86_400


class Timeliness(StrEnum):
    """How a dataset stands to its frequency; the words are those of the translations."""

    ON_TIME = "on_time"
    LATE = "late"
    NOT_DECLARED = "not_declared"
    NO_DATE = "no_date"
    NO_PERIOD = "no_period"
    """Declared, but not a length of time: irregular, as needed, never."""


class Standing(Struct, frozen=True):
    """The word, and of a late dataset by how many days."""

    timeliness: Timeliness
    days: int = 0


def timeliness(dataset: Dataset, as_of: datetime) -> Standing:
    """How ``dataset`` stands to its frequency at ``as_of``: not after its source was last read, for we know no more."""
    if dataset.frequency is None:
        return Standing(Timeliness.NOT_DECLARED)
    days = period_days(dataset.frequency)
    if days is None:
        return Standing(Timeliness.NO_PERIOD)
    changed = dataset.data_modified or dataset.modified
    if changed is None:
        return Standing(Timeliness.NO_DATE)
    if as_of <= due(changed, days):
        return Standing(Timeliness.ON_TIME)
    passed_days = (as_of - changed).total_seconds() / DAY_S
    return Standing(Timeliness.LATE, math.floor(passed_days - max(days, 1.0)))
