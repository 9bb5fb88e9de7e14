"""Whether a dataset keeps the frequency it declares, for its page."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from portal.catalog.model import Dataset
from schemas import vocabulary

TOLERANCE = 0.1
"""Of the declared period, as for the indicator: a monthly dataset may take three days more."""

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
    """How ``dataset`` stands to its frequency at ``as_of``."""
    if dataset.frequency is None:
        return Standing(Timeliness.NOT_DECLARED)
    term = vocabulary("frequencies").terms.get(dataset.frequency)
    if term is None or "days" not in term.attributes:
        return Standing(Timeliness.NO_PERIOD)
    changed = dataset.data_modified or dataset.modified
    if changed is None:
        return Standing(Timeliness.NO_DATE)
    # Portals date by the day, so nothing shorter than a day can be told late.
    period_days = max(float(term.attributes["days"]), 1.0)
    passed_days = (as_of - changed).total_seconds() / DAY_S
    if passed_days <= max(period_days * (1 + TOLERANCE), period_days + 1):
        return Standing(Timeliness.ON_TIME)
    return Standing(Timeliness.LATE, math.floor(passed_days - period_days))
