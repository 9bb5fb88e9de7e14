"""The decisions about publishers' names that stand: to see, to take back, to take away as a table."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template
from werkzeug.wrappers import Response as Answer

from portal.catalog import decision_table
from portal.catalog.decisions import UnknownDecision
from portal.web.addresses import address
from portal.web.pages.runs import LARGEST_NUMBER
from portal.web.signing_in import signed_in
from portal.web.site import site
from portal.web.spreadsheets import harmless

pages = Blueprint("operate_decided", __name__)


@pages.get("/operate/departments/decided")
def decided() -> str:
    """Every decision that stands, newest first."""
    sources = {entry.source.id: entry.source for entry in site().catalog.sources.all()}
    return render_template(
        "operate/decided.html", decisions=site().catalog.decisions.standing(), sources=sources
    )


@pages.get("/operate/departments/decided.csv")
def table() -> Response:
    """The same as a table, codes as the tables under ``schemas`` write them; functions parted by ``|``."""
    standing = sorted(site().catalog.decisions.standing(), key=lambda one: one.number)
    return Response(
        # The mark makes Excel read UTF-8.
        "\ufeff" + decision_table.written(standing, harmless),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="publisher-decisions.csv"'},
    )


@pages.post("/operate/departments/decided/<int:number>/undo")
def undo(number: int) -> Answer:
    """Takes a decision back."""
    if number > LARGEST_NUMBER:
        abort(404)
    try:
        site().catalog.decisions.undo(number, by=signed_in().name)
    except UnknownDecision:
        abort(404)
    return redirect(address("operate_names.names", done="undone"), 303)
