"""Errors that a protocol in XML reports in its own words, with whatever status."""

from __future__ import annotations

from harvester.errors import PortalAnsweredError
from harvester.http import Response

STATUSES = (400, 404, 422, 500, 501)
"""With which services send a report of what is wrong, where they do not send it with 200."""


def refuse_status(response: Response, url: str) -> None:
    """Raises PortalAnsweredError for an answer that is no good one by its status, and reports nothing else."""
    if response.status >= 300:
        detail = f"status {response.status}"
        raise PortalAnsweredError(detail, url=url, seen=response.text[:500], status=response.status)
