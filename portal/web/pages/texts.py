"""Pages of text: what this is, how to search."""

from __future__ import annotations

from flask import Blueprint, render_template

pages = Blueprint("texts", __name__)


@pages.get("/about")
def about() -> str:
    """What the catalogue is and where it comes from."""
    return render_template("pages/about.html")


@pages.get("/help")
def help() -> str:
    """How to search and read the pages."""
    return render_template("pages/help.html")
