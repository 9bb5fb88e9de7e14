"""A request answered with a form: the same at the operators' and at an officer's desk."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from portal.catalog.requests import MOST_DATASETS, Reply, RequestRefused, Verdict
from portal.web.site import site

LONGEST_LIST = 4000
"""Characters of the ids or addresses of datasets."""

_ID = re.compile(r"(?:^|/datasets/)([a-z0-9]{16})\b")


def answer(number: int, given: MultiDict[str, str], *, by: str) -> None:
    """Answers request ``number`` as a form says. Raises RequestRefused."""
    verdict = given.get("verdict", "")
    if verdict not in tuple(Verdict):
        raise RequestRefused("verdict")
    reply = Reply(
        verdict=Verdict(verdict), text=given.get("text", "") or None, datasets=datasets_in(given.get("datasets", ""))
    )
    site().catalog.requests.answer(number, reply, by=by, after=number_in(given.get("after", "")))


def datasets_in(text: str) -> tuple[str, ...]:
    """The ids in what was typed, an id or the address of a page on each line. Raises RequestRefused where one is none."""
    lines = text[:LONGEST_LIST].split()
    found = [_ID.search(line) for line in lines]
    if len(lines) > MOST_DATASETS or len(text) > LONGEST_LIST:
        raise RequestRefused("datasets")
    ids = tuple(one[1] for one in found if one is not None)
    if len(ids) < len(lines):
        raise RequestRefused("datasets")
    return ids


def number_in(text: str) -> int | None:
    """A number that a form carries along; None where it carries none."""
    return int(text[:18]) if text.isascii() and text.isdigit() else None
