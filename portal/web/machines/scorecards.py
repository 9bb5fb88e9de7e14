"""Scorecards for programs: league tables, cards and the evidence behind them, as JSON, CSV and Parquet."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import NotFound

from portal.scorecard import cards
from portal.scorecard.assess import Ways, standard_layout
from portal.scorecard.cards import Answer, Card
from portal.scorecard.fixes import fixes
from portal.scorecard.rules import PACKAGED, Indicator, RuleSet
from portal.scorecard.trends import trend as score_over_time
from portal.scorecard.vectors import FLAGS
from portal.web import graded, matrices, score_documents, trends
from portal.web.addresses import base
from portal.web.answers import answer, problem, refused
from portal.web.asking import NotUnderstood
from portal.web.graded import Group
from portal.web.matrices import MatrixDocument
from portal.web.pages.scorecards import answer_asked, group_asked, measured_indicator, rules_asked, table_asked
from portal.web.score_documents import Behind, CardDocument, League
from portal.web.site import site
from portal.web.tables import table
from portal.web.trends import TrendDocument

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


@machines.get("/scorecards.<any(csv, parquet):format_>")
def league_table(format_: str) -> Response:
    """A league table as a table, all of it."""
    found = _league(rules_asked(_rules_given()))
    return table(score_documents.LEAGUE_COLUMNS, score_documents.league_rows(found), format_, "league")


@machines.get("/scorecards.json")
@machines.get("/api/v1/scorecards")
def league() -> Response:
    """A league table, all of it."""
    return answer(msgspec.json.encode(_league(rules_asked(_rules_given()))), _TOLD)


def _rules_given() -> str:
    return request.args.get("rules", PACKAGED[0])


def _league(rules: RuleSet) -> League:
    state = site().catalog.assessments.state()
    if state is None or not graded.is_assessed(state):
        abort(problem(503, "Not assessed", _NOT_YET))
    asked = table_asked(graded.tables(graded.all_tables(rules.id)))
    placed = graded.standing_in(asked, rules.id)
    names = graded.names(asked.kind, [one.standing.code for one in placed])
    return League(
        method=score_documents.method(rules, state.day),
        of=asked.of,
        level=asked.level,
        total=len(placed),
        groups=tuple(
            score_documents.line(one, names[one.standing.code], is_ranked=asked.is_ranked) for one in placed
        ),
    )


@machines.get("/api/v1/scorecards/method")
def method() -> Response:
    """The rule sets: every indicator with its weight, why it is asked, and its options."""
    return answer(msgspec.json.encode(_without_nulls(msgspec.to_builtins(standard_layout().rule_sets))), _TOLD)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list | tuple) else value


@machines.get("/scorecards/<kind>/<code>.<any(csv, parquet):format_>")
def card_table(kind: str, code: str, format_: str) -> Response:
    """A card by the first rule set as a table."""
    return card_table_by(kind, code, PACKAGED[0], format_)


@machines.get("/scorecards/<kind>/<code>/<rules>.<any(csv, parquet):format_>")
def card_table_by(kind: str, code: str, rules: str, format_: str) -> Response:
    """A card as a table."""
    rows = score_documents.card_rows(_document(kind, code, rules))
    return table(score_documents.CARD_COLUMNS, rows, format_, "scorecard")


@machines.get("/scorecards/<kind>/<code>.json")
@machines.get("/api/v1/scorecards/<kind>/<code>")
def card(kind: str, code: str) -> Response:
    """A card."""
    return card_by(kind, code, _rules_given())


@machines.get("/scorecards/<kind>/<code>/<rules>.json")
def card_by(kind: str, code: str, rules: str) -> Response:
    """A card by a rule set."""
    return answer(msgspec.json.encode(_document(kind, code, rules)), _TOLD)


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
    return table(score_documents.DATASET_COLUMNS, rows, "csv", indicator)


@machines.get("/scorecards/<kind>/<code>/<rules>/<indicator>.json")
@machines.get("/api/v1/scorecards/<kind>/<code>/<indicator>", defaults={"rules": None})
def behind(kind: str, code: str, rules: str | None, indicator: str) -> Response:
    """At most ``MOST`` datasets behind a number, those after the id ``after``."""
    given = rules_asked(rules or _rules_given())
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
    return table(score_documents.FLAGGED_COLUMNS, rows, "csv", flag)


@machines.get("/scorecards/<kind>/<code>/<rules>/trend.<any(csv, parquet):format_>")
def trend_table(kind: str, code: str, rules: str, format_: str) -> Response:
    """A group's score over time as a table."""
    return table(trends.COLUMNS, trends.rows(_trend(kind, code, rules)), format_, "trend")


@machines.get("/scorecards/<kind>/<code>/<rules>/trend.json")
@machines.get("/api/v1/scorecards/<kind>/<code>/trend", defaults={"rules": None})
def trend(kind: str, code: str, rules: str | None) -> Response:
    """A group's score over time."""
    return answer(msgspec.json.encode(_trend(kind, code, rules or _rules_given())), _TOLD)


def _trend(kind: str, code: str, rules: str) -> TrendDocument:
    given = rules_asked(rules)
    group, found = _card(kind, code, given)
    moments = score_over_time(site().catalog, group.kind, group.code, given.id)
    return trends.document(group, graded.name(group), given, found.day, moments)


@machines.get("/scorecards/<kind>/<code>/<rules>/matrix.<any(csv, parquet):format_>")
def matrix_table(kind: str, code: str, rules: str, format_: str) -> Response:
    """The parts of a region or the nation by indicator, as a table."""
    return table(matrices.COLUMNS, matrices.rows(_matrix(kind, code, rules)), format_, "matrix")


@machines.get("/scorecards/<kind>/<code>/<rules>/matrix.json")
@machines.get("/api/v1/scorecards/<kind>/<code>/matrix", defaults={"rules": None})
def matrix(kind: str, code: str, rules: str | None) -> Response:
    """The parts of a region or the nation by indicator."""
    return answer(msgspec.json.encode(_matrix(kind, code, rules or _rules_given())), _TOLD)


def _matrix(kind: str, code: str, rules: str) -> MatrixDocument:
    given = rules_asked(rules)
    group, found = _card(kind, code, given)
    several = matrices.kinds(group, given)
    of = request.args.get("of", several[0] if several else "")
    if of not in several:
        abort(404)
    return matrices.document(matrices.matrix(group, of, given), graded.name(group), found.day)


@machines.get("/api/v1/datasets/<id>/evidence")
def evidence(id: str) -> Response:
    """All that is found of one dataset under a rule set."""
    rules = rules_asked(_rules_given())
    found = cards.evidence(site().catalog, Ways(), id, rules.id)
    if found is None:
        return problem(404, "No evidence", "There is no such dataset, or it is not assessed.")
    return answer(msgspec.json.encode(score_documents.evidence_document(id, found)), _TOLD)
