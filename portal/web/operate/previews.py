"""A preview that is extended, or called off: each with a reason that everybody reads."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answered

from portal.catalog.previews import StepKind, StepRefused
from portal.catalog.statements import LONGEST
from portal.scorecard import weeks
from portal.web import previewing
from portal.web.addresses import address
from portal.web.signing_in import signed_in
from portal.web.site import site

pages = Blueprint("operate_previews", __name__)


@pages.get("/operate/previews/<period>")
def one(period: str) -> Response:
    """How a preview stands, and the forms to extend it and to call it off."""
    return _page(period, 200)


@pages.post("/operate/previews/<period>/extend")
def extend(period: str) -> Response | Answered:
    """Lets departments speak until the end of a later day."""
    try:
        until = weeks.end_of_day(datetime.strptime(request.form.get("until", ""), "%Y-%m-%d").date())
    except (ValueError, OverflowError):
        return _page(period, 422, "earlier", StepKind.EXTENDED)
    try:
        site().catalog.previews.extend(period, until, request.form.get("reason", ""), by=signed_in().name)
    except StepRefused as refused:
        return _refused(period, refused, StepKind.EXTENDED)
    return _done(StepKind.EXTENDED)


@pages.post("/operate/previews/<period>/call-off")
def call_off(period: str) -> Response | Answered:
    """Ends a preview for good."""
    try:
        site().catalog.previews.call_off(period, request.form.get("reason", ""), by=signed_in().name)
    except StepRefused as refused:
        return _refused(period, refused, StepKind.CALLED_OFF)
    return _done(StepKind.CALLED_OFF)


def _done(kind: StepKind) -> Answered:
    return redirect(address("operate_disputes.disputes", done=kind.value), 303)


def _refused(period: str, refused: StepRefused, kind: StepKind) -> Response:
    return _page(period, 422 if refused.problem in ("earlier", "far", "text") else 409, refused.problem, kind)


def _page(period: str, status: int, problem: str | None = None, tried: StepKind | None = None) -> Response:
    week = previewing.week(period)
    if week is None:
        abort(404)
    # The last day as departments read it: it ends with the instant.
    last = (week.preview.until - timedelta(seconds=1)).astimezone(weeks.BEIJING).date()
    page = render_template(
        "operate/preview.html",
        week=week,
        period=period,
        next_day=(max(last, datetime.now(weeks.BEIJING).date()) + timedelta(days=1)).isoformat(),
        # What was typed into one form is none of the other's.
        typed={} if tried is None else {tried.value: request.form},
        longest=LONGEST,
        problem=problem,
    )
    return make_response(page, status)
