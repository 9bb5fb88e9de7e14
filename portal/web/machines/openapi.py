"""The description of the native API, and its errors where no address is met."""

from __future__ import annotations

from flask import Blueprint, Response, request

from portal.web import described
from portal.web.addresses import base
from portal.web.answers import answer, refused
from portal.web.asking import NotUnderstood

machines = Blueprint("openapi", __name__)


@machines.before_app_request
def refuse_what_is_not_heeded() -> Response | None:
    """A program is told of a parameter that nobody heeds."""
    if request.url_rule is None or not request.path.startswith("/api/"):
        return None
    allowed = described.query_parameters(request.url_rule.rule)
    unknown = None if allowed is None else next((name for name in request.args if name not in allowed), None)
    return None if unknown is None else refused(NotUnderstood("there is no such parameter", unknown[:60]))


@machines.get("/api/v1/openapi.json")
def description() -> Response:
    """The description, OpenAPI 3.1."""
    return answer(described.served(base()), "application/json")
