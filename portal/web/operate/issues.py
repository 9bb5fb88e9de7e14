"""Issues that are for operators alone: what they warn of must not be pointed out to everyone."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from portal.catalog.clearances import NothingToClear
from portal.web.addresses import address
from portal.web.signing_in import signed_in
from portal.web.site import site

pages = Blueprint("operate_issues", __name__)

SAMPLES = 5
CLEARED = 50


@pages.get("/operate/issues")
def issues() -> Response:
    """The issues for operators that stand, by source and kind, most frequent first, and those found fine."""
    catalog = site().catalog
    clearances = catalog.clearances.standing()
    done = request.args.get("done")
    page = render_template(
        "operate/issues.html",
        found=catalog.runs.for_operators(SAMPLES),
        cleared=clearances[:CLEARED],
        total=len(clearances),
        done=done if done in ("cleared", "warned") else None,
    )
    return make_response(page)


@pages.post("/operate/issues")
def decide() -> Answer:
    """Says of a warning that somebody looked and it is fine, or takes that back."""
    number = request.form.get("issue") or request.form.get("clearance") or ""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        abort(404)
    try:
        if "issue" in request.form:
            site().catalog.clearances.clear(int(number), by=signed_in().name)
        else:
            site().catalog.clearances.undo(int(number), by=signed_in().name)
    except NothingToClear:
        abort(404)
    return redirect(address("operate_issues.issues", done="cleared" if "issue" in request.form else "warned"), 303)
