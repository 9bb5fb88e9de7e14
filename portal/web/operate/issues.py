"""Issues that are for operators alone: what they warn of must not be pointed out to everyone."""

from __future__ import annotations

from flask import Blueprint, render_template
from msgspec import Struct

import schemas
from portal.catalog.model import Run, StoredIssue
from portal.web.site import site

pages = Blueprint("operate_issues", __name__)

SAMPLES = 5


class Warned(Struct, frozen=True):
    """One kind of such an issue in the newest harvest of a source."""

    code: str
    run: Run
    count: int
    samples: tuple[StoredIssue, ...]


@pages.get("/operate/issues")
def issues() -> str:
    """The issues of every source's newest harvest that are for operators, most frequent first."""
    codes = schemas.issues_for_operators()
    runs = site().catalog.runs
    found = [
        Warned(code, run, count, tuple(runs.issues(run.id, code=code, limit=SAMPLES, for_operators=True)))
        for run in runs.last_by_source().values()
        for code, count in runs.issue_counts(run.id, for_operators=True).items()
        if code in codes
    ]
    return render_template("operate/issues.html", found=sorted(found, key=lambda one: -one.count), codes=codes)
