"""Keeps keys and passwords out of everything we say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from harvester.errors import HarvestError
from portal.catalog.documents import visible

SHORTEST_SECRET = 4
"""Characters; a shorter value would black out ordinary words and is no secret."""

OPEN_HEADERS = frozenset(
    "accept accept-charset accept-encoding accept-language cache-control connection content-length "
    "content-type if-modified-since if-none-match pragma referer user-agent x-requested-with".split()
)
"""Headers in lower case that hold no secret; every other one is treated as if it did."""

_SECRET_IN_QUERY = re.compile(
    r"([?&;](?:(?:api|app|access|auth|client|private|secret|subscription|user)[_-]?)?"
    r"(?:key|token|secret|password|passwd|pwd|sign|signature)=)[^&;#\s]+",
    re.IGNORECASE,
)


def secrets_in(headers: Mapping[str, str | bytes]) -> frozenset[str]:
    """The values among a request's headers that nobody may see."""
    found: set[str] = set()
    for name, value in headers.items():
        if name.lower() not in OPEN_HEADERS:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            # "Bearer x" is as secret as x alone.
            found.update((text, *text.split()))
    return frozenset(secret for secret in found if len(secret) >= SHORTEST_SECRET)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without the given secrets, and without what an address's query carries under a telling name."""
    for secret in sorted(secrets, key=len, reverse=True):
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(spelling, "***")
    return _SECRET_IN_QUERY.sub(r"\1***", text)


def mask(error: HarvestError, url: str, secrets: frozenset[str]) -> None:
    """Makes an error fit to be shown, and names the asked address in it."""
    error.url = visible(masked(error.url or url, secrets))
    error.detail = visible(masked(error.detail, secrets))
    error.args = (error.detail,)
    if error.seen is not None:
        error.seen = visible(masked(error.seen, secrets))
