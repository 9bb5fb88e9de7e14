"""Scorecards for programs: league tables, cards and the evidence behind them, as JSON and CSV."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import NotFound

from portal.scorecard import cards
from portal.scorecard.assess import Ways, standard_layout
from portal.scorecard.cards import Answer, Card
from portal.scorecard.fixes import fixes
from portal.scorecard.rules import PACKAGED, Indicator, RuleSet
from portal.scorecard.vectors import FLAGS
from portal.web import graded, score_documents
from portal.web.addresses import base
from portal.web.answers import answer, problem, refused, streamed
from portal.web.asking import NotUnderstood
from portal.web.graded import Group
from portal.web.pages.scorecards import answer_asked, group_asked, measured_indicator, rules_asked, table_asked
from portal.web.score_documents import Behind, CardDocument, League
from portal.web.site import site

machines = Blueprint("scorecard_documents", __name__)

MOST = 200
"""Datasets in one answer."""

_TOLD = "application/json"
_NOT_YET = "No assessment has been made by these rules yet."


_ALLOWED = {"rules", "of", "level", "verdict", "after"}


@machines.before_request
def refuse_what_is_not_heeded() -> Response | None:
    """A program is told of a parameter that nobody heeds."""
    for name in request.args:
        if name not in _ALLOWED:
            return refused(NotUnderstood("there is no such parameter", name[:60]))
    return None


@machines.errorhandler(404)
def missing(error: NotFound) -> Response:
    """Programs get their errors as JSON."""
    return problem(404, "Not found", "There is no such group, table, rule set, indicator or verdict.")


@machines.get("/scorecards.csv")
def league_csv() -> Response:
    """A league table for a spreadsheet, all of it."""
    found = _league(rules_asked(request.args.get("rules", PACKAGED[0])))
    rows = score_documents.league_rows(found)
    return streamed(score_documents.written(score_documents.LEAGUE_COLUMNS, rows), "text/csv", "league.csv")


@machines.get("/scorecards.json")
@machines.get("/api/v1/scorecards")
def league() -> Response:
    """A league table, all of it."""
    return answer(msgspec.json.encode(_league(rules_asked(request.args.get("rules", PACKAGED[0])))), _TOLD)


def _league(rules: RuleSet) -> League:
    state = site().catalog.assessments.state()
    if state is None or not graded.is_assessed(state):
        abort(problem(503, "Not assessed", _NOT_YET))
    table = table_asked(graded.tables(graded.all_tables(rules.id)))
    placed = graded.standing_in(table, rules.id)
    names = graded.names(table.kind, [one.standing.code for one in placed])
    return League(
        method=score_documents.method(rules, state.day),
        of=table.of,
        level=table.level,
        total=len(placed),
        groups=tuple(
            score_documents.line(one, names[one.standing.code], is_ranked=table.is_ranked) for one in placed
        ),
    )


@machines.get("/api/v1/scorecards/method")
def method() -> Response:
    """The rule sets: every indicator with its weight, why it is asked, and its options."""
    return answer(msgspec.json.encode(standard_layout().rule_sets), _TOLD)


@machines.get("/scorecards/<kind>/<code>.csv", defaults={"rules": PACKAGED[0]})
@machines.get("/scorecards/<kind>/<code>/<rules>.csv")
def card_csv(kind: str, code: str, rules: str) -> Response:
    """A card for a spreadsheet."""
    rows = score_documents.card_rows(_document(kind, code, rules))
    return streamed(score_documents.written(score_documents.CARD_COLUMNS, rows), "text/csv", "scorecard.csv")


@machines.get("/scorecards/<kind>/<code>.json", defaults={"rules": PACKAGED[0]})
@machines.get("/scorecards/<kind>/<code>/<rules>.json")
@machines.get("/api/v1/scorecards/<kind>/<code>", defaults={"rules": None})
def card(kind: str, code: str, rules: str | None) -> Response:
    """A card."""
    return answer(msgspec.json.encode(_document(kind, code, rules or request.args.get("rules", PACKAGED[0]))), _TOLD)


def _document(kind: str, code: str, rules: str) -> CardDocument:
    group, found = _card(kind, code, rules_asked(rules))
    return score_documents.card_document(
        found, graded.name(group), fixes(site().catalog, group.kind, group.code, rules)
    )


def _card(kind: str, code: str, rules: RuleSet) -> tuple[Group, Card]:
    group = group_asked(kind, code)
    if not graded.is_assessed(site().catalog.assessments.state()):
        abort(problem(503, "Not assessed", _NOT_YET))
    found = cards.card(site().catalog, group.kind, group.code, rules.id)
    if found is None:
        abort(problem(404, "No such scorecard", "There is no dataset to assess in such a group."))
    return group, found


@machines.get("/scorecards/<kind>/<code>/<rules>/<indicator>.csv")
def behind_csv(kind: str, code: str, rules: str, indicator: str) -> Response:
    """Every dataset behind a number, with the reason, for a spreadsheet."""
    given = rules_asked(rules)
    asked, verdict = measured_indicator(given, indicator), answer_asked()
    group, _ = _card(kind, code, given)
    found = score_documents.all_behind(site().catalog, group, given, asked, verdict)
    rows = score_documents.dataset_rows(site().catalog, asked, given, found, base())
    return streamed(score_documents.written(score_documents.DATASET_COLUMNS, rows), "text/csv", f"{indicator}.csv")


@machines.get("/scorecards/<kind>/<code>/<rules>/<indicator>.json")
@machines.get("/api/v1/scorecards/<kind>/<code>/<indicator>", defaults={"rules": None})
def behind(kind: str, code: str, rules: str | None, indicator: str) -> Response:
    """At most ``MOST`` datasets behind a number, those after the id ``after``."""
    given = rules_asked(rules or request.args.get("rules", PACKAGED[0]))
    asked, verdict = measured_indicator(given, indicator), answer_asked()
    group, found = _card(kind, code, given)
    rows = cards.behind(
        site().catalog, group.kind, group.code, asked.id, verdict, given.id,
        after=request.args.get("after", ""), limit=MOST,
    )
    document = Behind(
        method=score_documents.method(given, found.day),
        kind=group.segment,
        code=group.written,
        indicator=asked.id,
        verdict=verdict.value,
        total=_total(found, asked, verdict),
        datasets=score_documents.behind_documents(site().catalog, asked, given, rows),
    )
    return answer(msgspec.json.encode(document), _TOLD)


def _total(card: Card, indicator: Indicator, verdict: Answer) -> int:
    return next(
        one.count(verdict) for each in card.dimensions for one in each.indicators if one.indicator == indicator
    )


@machines.get("/scorecards/<kind>/<code>/datasets/<flag>.csv")
def flagged_csv(kind: str, code: str, flag: str) -> Response:
    """Every dataset of a group that a flag holds for, for a spreadsheet."""
    group, _ = _card(kind, code, standard_layout().rules(PACKAGED[0]))
    if flag not in FLAGS:
        abort(problem(404, "No such flag", f"The flags are {', '.join(FLAGS)}."))
    rows = score_documents.flagged_rows(site().catalog, group, flag, base())
    return streamed(score_documents.written(score_documents.FLAGGED_COLUMNS, rows), "text/csv", f"{flag}.csv")


@machines.get("/api/v1/datasets/<id>/evidence")
def evidence(id: str) -> Response:
    """All that is found of one dataset under a rule set."""
    rules = rules_asked(request.args.get("rules", PACKAGED[0]))
    found = cards.evidence(site().catalog, Ways(), id, rules.id)
    if found is None:
        return problem(404, "No evidence", "There is no such dataset, or it is not assessed.")
    return answer(msgspec.json.encode(score_documents.evidence_document(id, found)), _TOLD)
