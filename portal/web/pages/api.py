"""The native API for people: what ``/api/v1`` answers, from the document that programs read."""

from __future__ import annotations

from flask import Blueprint, render_template

from portal.web import described

pages = Blueprint("api", __name__)


@pages.get("/api")
def api() -> str:
    """Every address with its parameters, and everything that answers hold."""
    return render_template(
        "pages/api.html",
        about=described.about(),
        operations=tuple(described.operations()),
        things=tuple(described.things()),
        marked=described.marked,
    )
