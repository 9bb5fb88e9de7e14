"""The one way out: every question to a portal, a link or a feed goes through ``Http``."""

from harvester.http.client import Http, Moved, Response, StreamedResponse, Validators
from harvester.http.limits import Limits

__all__ = ["Http", "Limits", "Moved", "Response", "StreamedResponse", "Validators"]
