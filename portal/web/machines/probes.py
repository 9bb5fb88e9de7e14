"""Whether the process lives, whether it can answer, and how the installation stands."""

from __future__ import annotations

import json

from flask import Blueprint, Response

from portal.catalog.engines import AWAY, DatabaseError
from portal.web import metrics
from portal.web.site import site

machines = Blueprint("probes", __name__)


@machines.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return _told(200, {"status": "alive"})


@machines.get("/readyz")
def ready() -> Response:
    """The database and the index can be read; 503 with the cure where one of them cannot."""
    try:
        site().catalog.check()
    except DatabaseError:
        # The error names the server and its user, which are nobody's business here.
        return _told(503, {"status": "not ready", "database": "it cannot be used: run `nachuan doctor`"})
    except AWAY:
        return _told(503, {"status": "not ready", "database": "it cannot be reached"})
    position = site().index.position()
    if position is None:
        return _told(503, {"status": "not ready", "index": "it must be built: run `nachuan index rebuild`"})
    behind = max(0, site().catalog.last_change() - position.change)
    return _told(200, {"status": "ready", "index_behind_changes": behind})


@machines.get("/metrics")
def measured() -> Response:
    """How the installation stands, for Prometheus."""
    response = Response(metrics.read(site().catalog, site().index, site().overviews), content_type=metrics.MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(status: int, what: dict[str, object]) -> Response:
    response = Response(json.dumps(what), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
