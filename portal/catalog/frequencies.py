"""When data is due again: what scorecards, pages and the high-value list say of it must be the same day."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

import schemas

TOLERANCE = 0.1
"""Of a declared period: a monthly dataset may take three days more."""


@lru_cache(maxsize=256)
def period_days(frequency: str) -> float | None:
    """How long a declared period is; None for what is no length of time (irregular, never)."""
    term = schemas.vocabulary("frequencies").terms.get(frequency)
    return None if term is None or "days" not in term.attributes else float(term.attributes["days"])


def due(changed: datetime, days: float, tolerance: float = TOLERANCE) -> datetime:
    """Until when what changed then is on time by a period of so many days: a midnight, with a tolerance of a day at least."""
    # Portals date by the day, so nothing shorter than a day can be told late.
    period = max(days, 1.0)
    return midnight_after(changed + timedelta(days=max(period * (1 + tolerance), period + 1)))


def midnight_after(at: datetime) -> datetime:
    """The end of a day, in the zone of ``at``."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
