"""Errors as pages in the site's look: what happened and what to do, nothing from inside. Programs get theirs as JSON."""

from __future__ import annotations

import logging
from collections.abc import Collection
from http import HTTPStatus

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, SecurityError

from portal.catalog.engines import AWAY
from portal.search.query import IndexUnusable
from portal.web.answers import problem
from portal.web.words import has_message

log = logging.getLogger(__name__)

RETRY_S = 30
"""When to come back while the database restarts, or the index is made anew."""


def answer_errors(app: Flask, machines: Collection[str]) -> None:
    """Makes ``app`` answer every error with a page. ``machines`` are the blueprints that only programs read."""

    def no_index(error: IndexUnusable) -> Response:
        log.error("the search index cannot be used: %s", error)
        response = _being_made() if request.blueprint in machines else _page(503)
        response.headers["Retry-After"] = str(RETRY_S)
        return response

    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(IndexUnusable, no_index)
    for away in AWAY:
        app.register_error_handler(away, _no_database)
    app.register_error_handler(Exception, _broken)


def _refused(error: HTTPException) -> Response:
    if isinstance(error, SecurityError):
        # Asked under a host that is not ours: no page of ours has an address there.
        return Response("This is not the host of this portal.\n", 400, content_type="text/plain; charset=utf-8")
    code = error.code or 500
    if error.response is not None or code < 400:
        return make_response(error.get_response())
    response = _page(code)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _being_made() -> Response:
    told = problem(503, "No index", "The search index is being made anew. What needs no search is there meanwhile.")
    told.headers["Cache-Control"] = "no-store"
    return told


def _no_database(error: Exception) -> Response:
    log.error("the database cannot be read: %s", error)
    response = error_page(503, "away")
    response.headers["Retry-After"] = str(RETRY_S)
    return response


def _broken(error: Exception) -> Response:
    log.exception("a request failed: %s", type(error).__name__)
    return _page(500)


def _page(code: int) -> Response:
    if request.path.startswith("/api/"):
        told = problem(code, HTTPStatus(code).phrase, "What the API answers is described at /api/v1/openapi.json.")
        told.headers["Cache-Control"] = "no-store"
        return told
    return error_page(code, _name(code))


def _name(code: int) -> str:
    return str(code) if has_message(f"errors.title_{code}") else ("500" if code >= 500 else "400")


def error_page(code: int, name: str) -> Response:
    """The page of the error that the translations call ``name``, with status ``code``."""
    response = make_response(render_template("error.html", code=code, name=name), code)
    response.headers["Cache-Control"] = "no-store"
    return response
