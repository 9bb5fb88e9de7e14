"""What an action refuses, in CKAN's words for it: each error knows its type and its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class Refusal(Exception):
    """An action cannot be done. ``details`` is what CKAN's envelope has under ``error`` beside the type."""

    status: ClassVar[int]
    kind: ClassVar[str]

    def __init__(self, details: Mapping[str, Any]) -> None:
        super().__init__(str(details))
        self.details = details


class NotFound(Refusal):
    """There is no such thing."""

    status = 404
    kind = "Not Found Error"

    def __init__(self, what: str | None = None) -> None:
        super().__init__({"message": f"Not found: {what}" if what else "Not found"})


class Invalid(Refusal):
    """A parameter lacks or cannot be read; ``message`` is no parameter, and CKAN gives no list of those."""

    status = 409
    kind = "Validation Error"

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__({parameter: why if parameter == "message" else [why]})


class SearchRefused(Refusal):
    """A search that cannot be answered exactly as it is asked."""

    status = 400
    kind = "Search Query Error"

    def __init__(self, why: str) -> None:
        # CKAN prints the arguments of its exception there, and ckanapi cuts off what stands before the first colon.
        super().__init__({"message": f"Search Query is invalid: {why!r}"})


class BadRequest(Exception):
    """What is no request for an action: CKAN answers with a bare JSON string and 400."""
