"""Issues in words, from the issues vocabulary."""

from __future__ import annotations

import re

from portal.catalog.model import Issue
from portal.web.languages import language
from portal.web.words import t
from schemas import vocabulary

_VALUE = re.compile(r"\{(\w+)\}")
_LAST_VALUE = re.compile(r"\s*[:：]\s*\{(\w+)\}$")
_BETWEEN_HAN = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_GAP = "…"


def issue_text(issue: Issue, tongue: str | None = None) -> str:
    """What is wrong, with the values of this issue in it; its code when the vocabulary lacks it.

    In ``zh`` or ``en`` where one is given, else in the language of the page.
    """
    values = _values(issue)
    pattern = _pattern(issue.code, tongue)
    last = _LAST_VALUE.search(pattern)
    if last is not None and not values.get(last[1]):
        pattern = pattern[: last.start()]
    return _VALUE.sub(lambda match: values.get(match[1]) or _GAP, pattern)


def issue_values(issue: Issue) -> list[tuple[str, str]]:
    """The values of an issue, by name, that its text does not hold."""
    told = set(_VALUE.findall(_pattern(issue.code)))
    return [(name, value) for name, value in _values(issue).items() if value and name not in told]


def issue_kind(code: str) -> str:
    """What is wrong in general: the text without the values of any one issue."""
    pattern = _LAST_VALUE.sub("", _pattern(code)).replace("{url}", t("runs.some_url"))
    # The space that sets an address off from Chinese words has no place between words.
    general = _BETWEEN_HAN.sub("", _VALUE.sub(_GAP, pattern))
    return general[0].upper() + general[1:]


def issue_cure(code: str) -> str | None:
    """What to do about it; None when the vocabulary does not say."""
    term = vocabulary("issues").terms.get(code)
    return None if term is None else term.attributes.get(f"cure_{language()}")


def issue_severity(code: str) -> str:
    """``error``, ``warning`` or ``info``; a code we do not know yet counts as a warning."""
    term = vocabulary("issues").terms.get(code)
    return "warning" if term is None else term.attributes["severity"]


def _values(issue: Issue) -> dict[str, str | None]:
    return {
        "key": issue.source_key,
        "field": issue.field,
        "seen": issue.seen,
        "detail": issue.detail,
        "url": issue.url,
    }


def _pattern(code: str, tongue: str | None = None) -> str:
    return vocabulary("issues").label(code, tongue or language())
