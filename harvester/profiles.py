"""What a profile of data.json requires, and which of it a record lacks: ``schemas/profiles/datajson.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import schemas
from harvester.paths import Complaint

MISSING = "field.missing"


def lacking(record: Mapping[str, Any]) -> list[Complaint]:
    """A complaint for each required member that is absent, null or empty; none where no profile is recognised.

    A record is held to the first profile it bears a mark of, for it never says which it follows.
    """
    for profile in schemas.profiles("datajson"):
        if any(_bears(record, mark) for mark in profile.marks):
            return [complaint for path in profile.required for complaint in _lacking(record, path)]
    return []


def _bears(record: Mapping[str, Any], mark: str) -> bool:
    member, has_value, value = mark.partition("=")
    return record.get(member) == value if has_value else member in record


def _lacking(record: Mapping[str, Any], path: str) -> Iterator[Complaint]:
    member, is_deeper, inner = path.partition(".")
    said = record.get(member)
    if not is_deeper:
        if said is None or said in ("", [], {}):
            yield Complaint(MISSING, member, said)
        return
    for number, each in enumerate(said if isinstance(said, list) else ()):
        if isinstance(each, dict):
            for code, deeper, seen in _lacking(each, inner):
                yield Complaint(code, f"{member}[{number}].{deeper}", seen)
