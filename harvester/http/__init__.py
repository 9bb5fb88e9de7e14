"""The one way out: every question to a portal, a link or a feed goes through ``Http``."""

from harvester.http.client import Http
from harvester.http.exchange import Moved, SourceHeaders
from harvester.http.limits import Limits
from harvester.http.pacing import Pacing
from harvester.http.response import Response, StreamedResponse, Validators
from harvester.http.robots import Robots
from portal.catalog.model import Trust

__all__ = [
    "Http",
    "Limits",
    "Moved",
    "Pacing",
    "Response",
    "Robots",
    "SourceHeaders",
    "StreamedResponse",
    "Trust",
    "Validators",
]
