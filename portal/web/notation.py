"""Numbers, dates and sizes as each language writes them. Clock times are those of Beijing, which the footer says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_compact_decimal, format_decimal

from portal.web.languages import language

ZONE = ZoneInfo("Asia/Shanghai")

_MONTHS = {"zh": "y年M月", "en": "MMMM y"}
_DATES = {"zh": "y年M月d日", "en": "d MMM y"}
_PERIODS: Mapping[str, tuple[Literal["hour", "day", "week"], timedelta]] = {
    "h": ("hour", timedelta(hours=1)),
    "d": ("day", timedelta(days=1)),
    "w": ("week", timedelta(weeks=1)),
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


def number(value: int | float) -> str:
    """With thousands commas, as both languages write them, and at most one decimal."""
    if isinstance(value, int):
        return f"{value:,}"
    return format_decimal(value, format="#,##0.#", locale=language())


def points(value: float) -> str:
    """A score or a part of one, always with one decimal, so that columns of them stand in line."""
    return format_decimal(value, format="#,##0.0", locale=language())


def hundredths(value: float) -> str:
    """Points that stand in a sum: with two decimals, so that none differs from its figure elsewhere for adding up."""
    return format_decimal(value, format="#,##0.00", locale=language())


def adding_up(parts: Sequence[float], total: float, steps: int = 10) -> list[float]:
    """The parts in tenths, each less than a tenth off, that add up to a total in tenths which they add up to roughly.

    ``steps`` is how many make one: a hundred for hundredths.
    """
    scaled = [part * steps for part in parts]
    whole = [math.floor(part) for part in scaled]
    lacking = round(total * steps) - sum(whole)
    nearest = sorted(range(len(parts)), key=lambda place: whole[place] - scaled[place])
    # The total is rounded at both its ends, so one tenth more than there are parts may be lacking, or one too many be there.
    for turn in range(abs(lacking)):
        place = nearest[turn % len(nearest)] if lacking > 0 else nearest[-1 - turn % len(nearest)]
        whole[place] += 1 if lacking > 0 else -1
    return [part / steps for part in whole]


def in_prose(value: int) -> str:
    """A figure inside a sentence: from ten thousand on, Chinese counts in 万 and 亿."""
    if language() == "zh" and value >= 10_000:
        return format_compact_decimal(value, locale="zh", fraction_digits=1).replace("万", " 万").replace("亿", " 亿")
    return number(value)


def date(value: datetime) -> str:
    """``2026年11月22日`` or ``22 Nov 2026``."""
    return format_datetime(value, _DATES[language()], tzinfo=ZONE, locale=language())


def moment(value: datetime) -> str:
    """The date with hours and minutes."""
    return format_datetime(value, _DATES[language()] + " HH:mm", tzinfo=ZONE, locale=language())


def ago(value: datetime, now: datetime | None = None) -> str:
    """How long since, in one unit: ``4 minutes ago``."""
    delta = value - (now or datetime.now(UTC))
    return format_timedelta(delta, add_direction=True, granularity="minute", threshold=1.2, locale=language())


def lasted(seconds: float) -> str:
    """A duration in one unit: ``3 minutes``."""
    return format_timedelta(timedelta(seconds=seconds), threshold=1.2, locale=language())


def left(seconds: float) -> str:
    """What is left until a day that is written as a date: from two days on in days, which one can count."""
    days = round(seconds / 86_400)
    if days < 2:
        return lasted(max(0.0, seconds))
    return format_timedelta(timedelta(days=days), granularity="day", threshold=math.inf, locale=language())


def period(text: str) -> str:
    """A period of a source's settings, ``7d`` or ``12h``, in words; as written where it is something else."""
    if text[-1:] not in _PERIODS or not text[:-1].isdigit():
        return text
    unit, length = _PERIODS[text[-1]]
    # No other unit than the one it is written in: seven days are not said as one week.
    return format_timedelta(int(text[:-1]) * length, granularity=unit, threshold=math.inf, locale=language())


def size(value: int) -> str:
    """Bytes in the largest decimal unit that leaves a number above one."""
    amount = float(value)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            break
        amount /= 1000
    return f"{number(round(amount, 1))} {unit}"


def percent(share: float) -> str:
    """A share (0-1) in percent with at most one decimal."""
    return format_decimal(share * 100, format="#,##0.#", locale=language()) + "%"


def whole_percent(share: float) -> str:
    """A share (0-1) in whole percent without the sign, for narrow cells; only what is none or all is 0 or 100."""
    nearest = round(share * 100)
    if nearest == 0 and share > 0:
        return "<1"
    return ">99" if nearest == 100 and share < 1 else str(nearest)


def month(value: datetime) -> str:
    """``2026年5月`` or ``May 2026``."""
    return format_datetime(value, _MONTHS[language()], tzinfo=ZONE, locale=language())
