"""Issues that are for operators alone: what they warn of must not be pointed out to everyone."""

from __future__ import annotations

from flask import Blueprint, render_template

from portal.web.site import site

pages = Blueprint("operate_issues", __name__)

SAMPLES = 5


@pages.get("/operate/issues")
def issues() -> str:
    """The issues for operators that stand, by source and kind, most frequent first."""
    return render_template("operate/issues.html", found=site().catalog.runs.for_operators(SAMPLES))
