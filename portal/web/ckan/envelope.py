"""CKAN's envelope around every answer of an action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Response

from portal.web.addresses import base
from portal.web.answers import answer
from portal.web.ckan.refusals import Refusal

# With its charset: clients that are not told one guess, at length, and wrong where the text is Chinese.
_JSON = "application/json; charset=utf-8"


def succeeded(action: str, result: Any, ignored: Sequence[str] = ()) -> Response:
    """The result of an action. ``ignored`` are parameters that were given and that nobody heeds."""
    document = {"help": _help(action), "success": True, "result": result}
    if ignored:
        document["ignored"] = ignored
    return answer(msgspec.json.encode(document), _JSON)


def refused(action: str, refusal: Refusal) -> Response:
    """Why an action was refused."""
    return failed(action, refusal.status, {"__type": refusal.kind, **refusal.details})


def failed(action: str, status: int, error: dict[str, Any]) -> Response:
    """An envelope with an error; no cache keeps it."""
    document = {"help": _help(action), "success": False, "error": error}
    return _fleeting(answer(msgspec.json.encode(document), _JSON, status=status))


def bad_request(why: str) -> Response:
    """What CKAN answers to what is no request for an action: one text, without an envelope."""
    return _fleeting(answer(msgspec.json.encode(f"Bad request: {why}"), _JSON, status=400))


def _help(action: str) -> str:
    return f"{base()}/api/3/action/help_show?name={action}"


def _fleeting(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
