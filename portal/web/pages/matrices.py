"""The heat maps of a region's or the nation's parts by indicator."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.wrappers import Response

from portal.scorecard import cards
from portal.scorecard.assess import standard_layout
from portal.scorecard.rules import Level
from portal.web import graded, matrices, tables
from portal.web.paper import on_paper
from portal.web.pages.scorecards import group_asked, not_assessed, rules_asked
from portal.web.paging import page_asked, paging
from portal.web.site import site

pages = Blueprint("matrices", __name__)

ROWS = 50


@pages.get("/scorecards/<kind>/<code>/<rules>/matrix")
def matrix(kind: str, code: str, rules: str) -> Response:
    """The regions right below a region or the nation, or its own departments, by indicator."""
    given, group = rules_asked(rules), group_asked(kind, code)
    if not graded.is_assessed(site().catalog.assessments.state()):
        return not_assessed(503)
    card = cards.card(site().catalog, group.kind, group.code, given.id)
    several = matrices.kinds(group, given)
    of = request.args.get("of", several[0] if several else "")
    if card is None or of not in several:
        abort(404)
    found = matrices.matrix(group, of, given)
    sort = request.args.get("sort", matrices.BY_SCORE)
    if sort not in matrices.orders(found):
        sort = matrices.BY_SCORE
    # Nobody turns the pages of a PDF. There are no more parts than functions of departments, or regions in a region.
    rows = len(found.standings) if on_paper() else ROWS
    turns = paging(page_asked(), len(found.standings), rows, lambda page: matrices.matrix_address(
        group, given, of=of, sort=sort if sort != matrices.BY_SCORE else None, page=page if page > 1 else None
    ))
    shown = matrices.ordered(found, sort)[(turns.page - 1) * rows:][:rows]
    return make_response(render_template(
        "pages/scorecard_matrix.html",
        card=card,
        group=group,
        name=graded.name(group),
        rules=given,
        rule_sets=standard_layout().rule_sets,
        kinds=several,
        found=found,
        heat=matrices.heat(found, shown, sort),
        needed=[one for one in found.indicators if one.level is Level.DEPARTMENT],
        is_in_order=sort == matrices.BY_SCORE,
        matrix_address=matrices.matrix_address,
        card_address=graded.card_address,
        paging=turns,
        formats=tables.formats(),
    ))
