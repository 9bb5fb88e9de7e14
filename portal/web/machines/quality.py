"""Evidence, scores and rules in RDF, in the words of the Data Quality Vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, abort
from werkzeug.exceptions import NotFound

from portal.scorecard import cards
from portal.scorecard.assess import Ways, standard_layout
from portal.scorecard.rules import PACKAGED
from portal.web import dqv, graded, rdf
from portal.web.addresses import base
from portal.web.answers import answer, problem
from portal.web.dcat_terms import Triple
from portal.web.documents import REPRESENTATIONS
from portal.web.pages.scorecards import group_asked, rules_asked
from portal.web.site import site

machines = Blueprint("quality", __name__)

_EACH_DISTRIBUTION = "mqa"
"""The rule set whose metrics are asked of each distribution."""


@machines.errorhandler(404)
def missing(error: NotFound) -> Response:
    """Programs get their errors as JSON."""
    return problem(404, "Not found", "There is no such dataset, group or rule set, or it is not assessed.")


@machines.get("/datasets/<id>/quality.<any(ttl, rdf, jsonld):suffix>")
def dataset(id: str, suffix: str) -> Response:
    """Every verdict on one dataset."""
    catalog = site().catalog
    state = catalog.assessments.state()
    found = cards.whole_evidence(catalog, Ways(), id)
    if state is None or not found:
        abort(404)
    of_each = {_EACH_DISTRIBUTION: cards.of_distributions(catalog, Ways(), id, _EACH_DISTRIBUTION)}
    return _answer(dqv.of_dataset(id, base(), found, of_each, state.assessed), suffix)


@machines.get("/scorecards/<kind>/<code>.<any(ttl, rdf, jsonld):suffix>")
def card(kind: str, code: str, suffix: str) -> Response:
    """A card by the first rule set."""
    return card_by(kind, code, PACKAGED[0], suffix)


@machines.get("/scorecards/<kind>/<code>/<rules>.<any(ttl, rdf, jsonld):suffix>")
def card_by(kind: str, code: str, rules: str, suffix: str) -> Response:
    """A card by a rule set."""
    given, group = rules_asked(rules), group_asked(kind, code)
    state = site().catalog.assessments.state()
    if state is None or not graded.is_assessed(state):
        return problem(503, "Not assessed", "No assessment has been made by these rules yet.")
    found = cards.card(site().catalog, group.kind, group.code, given.id)
    if found is None:
        abort(404)
    address = f"{base()}/scorecards/{group.segment}/{group.written}/{given.id}"
    return _answer(dqv.of_card(found, graded.name(group), address, base(), state.assessed), suffix)


@machines.get("/scorecards/method.<any(ttl, rdf, jsonld):suffix>")
def method(suffix: str) -> Response:
    """Every rule set with its dimensions and metrics."""
    return _answer(dqv.of_method(base(), standard_layout().rule_sets), suffix)


def _answer(statements: Iterator[Triple], suffix: str) -> Response:
    made = rdf.graph_of(statements)
    return answer(rdf.serialised(made, suffix), REPRESENTATIONS[suffix], tag=f"{rdf.digest(made)}-{suffix}")
