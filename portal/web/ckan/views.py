"""The addresses of the action API, and those at which CKAN's clients expect the pages of what it told them of."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from portal.catalog.engines import AWAY
from portal.search.query import IndexUnusable
from portal.web.addresses import address
from portal.web.ckan import arguments, envelope
from portal.web.ckan.actions import ACTIONS
from portal.web.ckan.refusals import BadRequest, Refusal
from portal.web.ckan.searching import is_narrowed

log = logging.getLogger(__name__)

machines = Blueprint("ckan", __name__)

RETRY_S = 30
"""When to come back while the index is made anew or the database restarts."""

DEAR = frozenset(("package_search", "package_autocomplete", "tag_show", "organization_show", "group_show"))
"""Actions that make a search of their own for each question."""


@machines.get("/api/3")
def version() -> Response:
    """The version of the API."""
    return Response('{"version": 3}', content_type="application/json; charset=utf-8")


@machines.route("/api/3/action/<name>", methods=["GET", "POST"])
@machines.route("/api/action/<name>", methods=["GET", "POST"])
def action(name: str) -> Response:
    """The answer of an action."""
    found = ACTIONS.get(name)
    if found is None:
        return envelope.bad_request(f"Action name not known: {name[:100]}")
    try:
        given = arguments.given()
        result = found.answer(given)
    except BadRequest as error:
        return envelope.bad_request(str(error))
    except Refusal as refusal:
        return envelope.refused(name, refusal)
    return envelope.succeeded(name, result, [one[:60] for one in given if one not in found.parameters])


@machines.errorhandler(IndexUnusable)
def no_index(error: IndexUnusable) -> Response:
    """While the index is made anew."""
    log.error("the search index cannot be used: %s", error)
    return _come_back("Search Connection Error", "The search index is being made anew.")


def no_database(error: Exception) -> Response:
    """While the database restarts."""
    log.error("the database cannot be read: %s", error)
    return _come_back("Internal Server Error", "The database cannot be read at the moment.")


for away in AWAY:
    machines.register_error_handler(away, no_database)


def _come_back(kind: str, why: str) -> Response:
    response = envelope.failed(str((request.view_args or {}).get("name")), 503, {"__type": kind, "message": why})
    response.headers["Retry-After"] = str(RETRY_S)
    return response


@machines.get("/dataset/<id>")
@machines.get("/dataset/<id>/resource/<path:rest>")
def dataset(id: str, rest: str = "") -> AnyResponse:
    """Leads to the page of a package."""
    return redirect(address("datasets.dataset", id=id), 301)


@machines.get("/organization/<id>")
def organization(id: str) -> AnyResponse:
    """Leads to the page of an organisation."""
    return redirect(address("publishers.publisher", id=id), 301)


@machines.get("/group/<id>")
def group(id: str) -> AnyResponse:
    """Leads to the page of a group."""
    return redirect(address("themes.theme", id=id), 301)


def is_dear() -> bool:
    """Whether a request is for an action that makes a search of its own."""
    name = (request.view_args or {}).get("name")
    if request.endpoint != "ckan.action" or name not in DEAR:
        return False
    return name != "package_search" or _is_narrowed()


def is_combined() -> bool:
    """Whether it is a search that combines fields, or counts them."""
    if not is_dear():
        return False
    try:
        given = arguments.given()
    except BadRequest:
        return False
    return bool(given.get("facet.field")) or str(given.get("q", "")).count(":") + str(given.get("fq", "")).count(":") > 1


def _is_narrowed() -> bool:
    try:
        return is_narrowed(arguments.given())
    except BadRequest:
        return False
