"""Lengths of time as source files write them."""

from __future__ import annotations

import re

_UNIT_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}
_INTERVAL = re.compile(r"(\d+)([hdw])")


def days(interval: str) -> float:
    """The days in ``12h``, ``7d`` or ``2w``. Raises ValueError for anything else."""
    match = _INTERVAL.fullmatch(interval)
    if match is None:
        raise ValueError(f"not a length of time such as 12h, 7d or 2w: {interval!r}")
    return int(match[1]) * _UNIT_DAYS[match[2]]
