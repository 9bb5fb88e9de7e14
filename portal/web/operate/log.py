"""The audit log."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from portal.catalog.audit import Action
from portal.web.site import site

pages = Blueprint("operate_log", __name__)

LINES = 100


@pages.get("/operate/audit")
def audit() -> str:
    """Who did what, newest first; of one person or one kind of action when so asked."""
    before, who, what = (request.args.get(name, "") for name in ("before", "who", "what"))
    action = Action(what) if what in tuple(Action) else None
    lines = site().catalog.audit.recent(
        before=int(before[:18]) if before.isascii() and before.isdigit() else None,
        who=who[:60] or None,
        what=action,
        limit=LINES + 1,
    )
    return render_template(
        "operate/audit.html",
        lines=lines[:LINES],
        older=lines[LINES - 1].number if len(lines) > LINES else None,
        who=who,
        what=action,
        actions=tuple(Action),
    )
