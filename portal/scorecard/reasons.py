"""Why a verdict is what it is, in words."""

from __future__ import annotations

import schemas
from portal.scorecard.verdicts import Finding

LONGEST = 200
"""Characters of a value that are shown."""


def reason(finding: Finding, locale: str) -> str:
    """The reason of a finding in ``zh`` or ``en``, with the value seen."""
    text = schemas.reasons()[finding.reason][locale]
    return text.replace("{limit}", finding.limit or "—").replace("{seen}", _cut(finding.seen or "—"))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
