"""Entries linked as one dataset: by which reason, and a person's word about two of them."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from msgspec import Struct
from werkzeug.wrappers import Response as Answer

import schemas
from portal.catalog.appearances import Decision, UnknownDataset, Verdict
from portal.catalog.decisions import LONGEST_NOTE
from portal.catalog.model import Entry
from portal.web.addresses import address
from portal.web.pasted import dataset_id
from portal.web.signing_in import signed_in
from portal.web.site import site

pages = Blueprint("operate_duplicates", __name__)

ROWS = 50

DONE = {Verdict.TOGETHER: "together", Verdict.APART: "apart", Verdict.OPEN: "open"}


class Pair(Struct, frozen=True, kw_only=True):
    """Two entries and why they are linked, or what a person said of them."""

    one: Entry
    other: Entry
    reason: str | None = None
    decision: Decision | None = None


@pages.get("/operate/duplicates")
def duplicates() -> Response:
    """The links by reason, and what people decided."""
    return _page(200)


@pages.post("/operate/duplicates")
def decide() -> Response | Answer:
    """Writes a person's word about two entries down; the count follows with the next catch-up."""
    verdict, note = request.form.get("verdict", ""), request.form.get("note", "").strip()
    one, other = (dataset_id(request.form.get(name, "")) for name in ("one", "other"))
    if verdict not in tuple(Verdict) or one is None or other is None or one == other or len(note) > LONGEST_NOTE:
        return _page(422, problem="pair")
    try:
        site().catalog.appearances.decide(one, other, Verdict(verdict), by=signed_in().name, note=note or None)
    except UnknownDataset:
        return _page(422, problem="pair")
    return redirect(address("operate_duplicates.duplicates", done=DONE[Verdict(verdict)]), 303)


def _page(status: int, problem: str | None = None) -> Response:
    appearances = site().catalog.appearances
    counts = appearances.reasons()
    asked = request.args.get("reason", "")
    reason = asked if asked in schemas.vocabulary("appearance_reasons").terms else None
    links = appearances.page(ROWS + 1, after=request.args.get("after", "")[:16], reason=reason)
    decisions = appearances.in_force()
    # The count follows within a minute; what was said of a pair meanwhile needs not be said again.
    apart = {frozenset((one.first, one.second)) for one in decisions if one.verdict is Verdict.APART}
    shown = [link for link in links[:ROWS] if frozenset((link.dataset_id, link.beside)) not in apart]
    done = request.args.get("done")
    page = render_template(
        "operate/duplicates.html",
        pairs=_pairs([(link.dataset_id, link.beside, link.reason, None) for link in shown]),
        decided=_pairs([(one.first, one.second, None, one) for one in decisions]),
        counts={code: counts[code] for code in schemas.vocabulary("appearance_reasons").terms if code in counts},
        reason=reason,
        next=links[ROWS - 1].dataset_id if len(links) > ROWS else None,
        sources={entry.source.id: entry.source for entry in site().catalog.sources.all()},
        done=done if done in DONE.values() else None,
        problem=problem,
    )
    return make_response(page, status)


def _pairs(found: list[tuple[str, str | None, str | None, Decision | None]]) -> list[Pair]:
    ids = {id for one, other, _, _ in found for id in (one, other) if id is not None}
    entries = {entry.dataset.id: entry for entry in site().catalog.entries(sorted(ids))}
    return [
        Pair(one=entries[one], other=entries[other], reason=reason, decision=decision)
        for one, other, reason, decision in found
        if one in entries and other is not None and other in entries
    ]
