"""The native API for people: what ``/api/v1`` answers, from the document that programs read."""

from __future__ import annotations

from flask import Blueprint, render_template

from portal.web import described
from portal.web.ckan.actions import ACTIONS

pages = Blueprint("api", __name__)


@pages.get("/api")
def api() -> str:
    """Every address with its parameters, everything that answers hold, and what clients of CKAN find."""
    return render_template(
        "pages/api.html",
        about=described.about(),
        operations=tuple(described.operations()),
        things=tuple(described.things()),
        marked=described.marked,
        actions=ACTIONS,
    )
