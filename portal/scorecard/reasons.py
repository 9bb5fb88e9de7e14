"""Why a verdict is what it is, in words."""

from __future__ import annotations

import re
from datetime import date

import schemas
from portal.catalog.accounts import is_department
from portal.scorecard.groups import region_of
from portal.scorecard.verdicts import Finding

LONGEST = 200
"""Characters of a value that are shown."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def reason(finding: Finding, locale: str) -> str:
    """The reason of a finding in ``zh`` or ``en``, with the value seen."""
    text = schemas.reasons()[finding.reason][locale]
    return text.replace("{limit}", _said(finding.limit, locale)).replace("{seen}", _said(finding.seen, locale))


def _said(value: str | None, locale: str) -> str:
    """A value as a language says it: days, departments and properties of DCAT; all else is the portal's own word."""
    if not value:
        return "—"
    if _DAY.fullmatch(value):
        return _day(value, locale)
    if is_department(value):
        regions, functions = schemas.vocabulary("regions"), schemas.vocabulary("department_functions")
        return f"{regions.label(region_of(value), locale)} · {functions.label(value.partition('.')[2], locale)}"
    properties = [schemas.reasons().get(f"property.{one}") for one in value.split(", ")]
    if None not in properties:
        return ("、" if locale == "zh" else ", ").join(one[locale] for one in properties if one)
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"


def _day(text: str, locale: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.year}年{day.month}月{day.day}日" if locale == "zh" else f"{day.day} {day:%b} {day.year}"
