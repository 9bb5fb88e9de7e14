"""Reads the dates and times that portals write: every shape met so far, and nothing by guessing."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo

EARLIEST_YEAR = 1500
"""Before it lie only the nulls of databases (0001-01-01 is what .NET writes for no date)."""

_MOMENT = re.compile(
    r"""(?P<year>\d{4}) \s* (?P<gap>[-/.年]) \s* (?P<month>\d{1,2})
        (?: \s* (?: (?P=gap) | 月 ) \s* (?P<day>\d{1,2}) (?! \d ) \s* 日? | \s* 月 )?
        (?: [T\s]* (?<! \d ) (?P<hour>\d{1,2}) [:时時点] (?P<minute>\d{1,2})
            (?: [:分] (?P<second>\d{1,2}) )? [分秒]? (?: (?: [.:] | , (?! \d{4} [-/.年] ) ) (?P<fraction>\d{1,9}) )?
            \s* (?P<zone> Z | UTC | GMT | [+-]\d{2} (?: :?\d{2} )? )? )?
        (?! \d )""",
    re.VERBOSE,
)
REPUBLIC = 1911
"""The year before the first of the Republic's calendar, which Taiwan's offices count in."""

_REPUBLICAN_MARK = re.compile(r"(?:中[華华])?民[國国]\s*(\d{1,3})(?=\s*[-/.年])")
_REPUBLICAN = re.compile(r"(\d{3}(?=[-/.]\d|年)|\d{2}(?=年))")
_REPUBLICAN_COMPACT = re.compile(r"(\d{3})\d{4}")
_YEAR = re.compile(r"(\d{4})年?(?:度)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})Z?)?")
_BETWEEN = re.compile(r"[\s,;、，；/|至~]*")
_DRUPAL = re.compile(r"([^\W\d]{2,4})\.?, (\d{2})/(\d{2})/(\d{4}) - (\d{2}):(\d{2})")
_AHEAD_S = 24 * 3600
_WEEKDAYS = (
    "mon lun mo seg 周一 星期一",
    "tue mar di ter 周二 星期二",
    "wed mer mie mié mi qua 周三 星期三",
    "thu jeu gio jue do qui 周四 星期四",
    "fri ven vie fr sex 周五 星期五",
    "sat sam sab sáb sa 周六 星期六",
    "sun dim dom so 周日 星期日",
)
"""From Monday on, as Drupal abbreviates them in its languages."""
_WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()}


def _moment(match: re.Match[str], zone: tzinfo) -> datetime:
    part = match.groupdict(default="")
    if part["zone"][:1] in ("+", "-"):
        offset = timedelta(hours=int(part["zone"][1:3]), minutes=int(part["zone"][3:].lstrip(":") or 0))
        zone = timezone(-offset if part["zone"][0] == "-" else offset)
    elif part["zone"]:
        zone = UTC
    return datetime(
        int(part["year"]),
        int(part["month"]),
        int(part["day"] or 1),
        int(part["hour"] or 0),
        int(part["minute"] or 0),
        int(part["second"] or 0),
        int(part["fraction"].ljust(6, "0")[:6] or 0),
        tzinfo=zone,
    )


def western(text: str) -> str:
    """A date of Taiwan's calendar in that of the rest: ``106.02.01``, ``106/2/1`` and ``1060201`` are of 2017.

    Only for portals of Taiwan: without 民國 before them such numbers mean nothing elsewhere. Years of two digits are left
    as they are, unless 年 follows: 97/05/31 may be short for 1997.
    """
    counted = _REPUBLICAN.match(text) or _REPUBLICAN_COMPACT.fullmatch(text)
    if counted is None:
        return text
    return f"{int(counted[1]) + REPUBLIC}{text[counted.end(1):]}"


def _marked(text: str) -> str:
    """The same where 民國 says so, in whatever portal."""
    return _REPUBLICAN_MARK.sub(lambda found: str(int(found[1]) + REPUBLIC), text)


def _moments(text: str, zone: tzinfo) -> list[datetime]:
    """Every moment in a text that holds nothing else; ValueError when one of them is impossible."""
    if text.isdigit() and len(text) in (10, 13):
        return [datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)]
    if compact := _COMPACT.fullmatch(text):
        return [datetime(*(int(part or 0) for part in compact.groups()), tzinfo=zone)]  # type: ignore[misc,arg-type]
    if year := _YEAR.fullmatch(text):
        return [datetime(int(year[1]), 1, 1, tzinfo=zone)]
    if drupal := _DRUPAL.fullmatch(text):
        return _by_weekday(drupal, zone)
    if not _BETWEEN.fullmatch(_MOMENT.sub("", text)):
        return []
    return [_moment(match, zone) for match in _MOMENT.finditer(text)]


def _by_weekday(match: re.Match[str], zone: tzinfo) -> list[datetime]:
    """Drupal writes month/day or day/month as a site pleases; where the weekday fits but one of them, that is it."""
    weekday, *numbers = match.groups()
    first, second, year, hour, minute = (int(number) for number in numbers)
    moments = []
    for month, day in {(first, second), (second, first)}:
        try:
            moments.append(datetime(year, month, day, hour, minute, tzinfo=zone))
        except ValueError:
            continue
    fitting = [moment for moment in moments if moment.weekday() == _WEEKDAY.get(weekday.lower())]
    return fitting if len(fitting) == 1 else []


def instant(text: str, zone: tzinfo) -> datetime | None:
    """The moment a text names, in UTC; of several in one field the last; None when it is not understood.

    A time without a zone is one of ``zone``; a day, month or year is its first moment. More than a day ahead of now,
    or before ``EARLIEST_YEAR``, is no moment at which anything was published.
    """
    try:
        moment = _latest(_marked(text) if "民" in text else text, zone)
        if moment is None or not EARLIEST_YEAR <= moment.year < 9999:
            return None
        if moment.tzinfo is None:
            # Four times as fast as replace(tzinfo=zone), and there are several dates in every record.
            moment = datetime.combine(moment, moment.time(), zone)
        moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.timestamp() <= time.time() + _AHEAD_S else None


def _latest(text: str, zone: tzinfo) -> datetime | None:
    try:
        if text[4:5] == "-":
            return datetime.fromisoformat(text)
    except ValueError:
        return max(_moments(text, zone), default=None)
    return max(_moments(text, zone), default=None)


def iso_date(text: str) -> str | None:
    """A date or instant as ISO 8601 text, as exact as it was given (``2005``, ``2005-03``, ``2005-03-01``, …)."""
    text = _marked(text) if "民" in text else text
    if year := _YEAR.fullmatch(text):
        return year[1]
    compact = _COMPACT.fullmatch(text)
    match = _MOMENT.fullmatch("-".join(compact.groups()[:3]) if compact and not compact[4] else text)
    if match is None:
        return None
    try:
        moment = _moment(match, UTC)
    except ValueError:
        return None
    if match["hour"]:
        return moment.replace(tzinfo=moment.tzinfo if match["zone"] else None).isoformat()
    return moment.strftime("%Y-%m-%d" if match["day"] else "%Y-%m").rjust(7 if not match["day"] else 10, "0")
