"""What can be made to go wrong with a make-believe portal, one fault at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from harvester.sandbox.exchange import Request, Response, as_html
from harvester.sandbox.inventing import Dataset

PAGING = ("start", "offset", "page", "pageIndex", "startPosition", "resumptionToken")
"""The parameters that ask for a later page."""

SURPLUS = 7
"""How many datasets a portal that counts wrongly has invented."""


class FaultName(StrEnum):
    """The faults there are."""

    EMPTY_LISTING = "empty-listing"
    HALF_LISTING = "half-listing"
    HTML_PAGE = "html-page"
    ERROR_ON_PAGE = "error-on-page"
    SLOW = "slow"
    SAME_PAGE = "same-page"
    WRONG_COUNT = "wrong-count"
    POISONOUS_RECORD = "poisonous-record"


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault as asked for; ``name`` None ends it."""

    name: FaultName | None
    portal: str | None = None
    """The portal's id; None for all."""
    page: int = 2
    """Of ``error-on-page``: the first page, counted from 1, that answers 500."""
    delay_s: float = 2.0
    """Of ``slow``."""


def held(fault: FaultName | None, datasets: Sequence[Dataset]) -> Sequence[Dataset]:
    """What the portal finds on its shelves with this fault."""
    if fault is FaultName.EMPTY_LISTING:
        return ()
    if fault is FaultName.HALF_LISTING:
        return datasets[: len(datasets) // 2]
    if fault is FaultName.POISONOUS_RECORD and datasets:
        middle = len(datasets) // 2
        return [*datasets[:middle], replace(datasets[middle], poisoned=True), *datasets[middle + 1:]]
    return datasets


def asked(fault: Fault | None, request: Request) -> Request:
    """The request as the portal understands it with this fault."""
    if fault is None or fault.name is not FaultName.SAME_PAGE:
        return request
    first_page = {name: value for name, value in request.parameters.items() if name not in PAGING}
    return replace(request, parameters=first_page)


def instead(fault: Fault | None, request: Request) -> Response | None:
    """What comes in place of the answer, if anything; a slow portal first takes its time."""
    if fault is None:
        return None
    if fault.name is FaultName.SLOW:
        time.sleep(fault.delay_s)
    if fault.name is FaultName.HTML_PAGE:
        return as_html("系统维护中", "<p>网站正在升级维护，请稍后访问。</p>")
    if fault.name is FaultName.ERROR_ON_PAGE and _page_number(request) >= fault.page:
        return as_html("500 Internal Server Error", "<hr><center>nginx</center>", status=500)
    return None


def _page_number(request: Request) -> int:
    """Which page is asked for, from 1; the whole of an unpaged catalogue is page 1."""
    for name in ("page", "pageIndex"):
        if name in request.parameters:
            return request.number(name, 1)
    if "startPosition" in request.parameters:
        return 1 + (request.number("startPosition", 1) - 1) // max(1, request.number("maxRecords", 10))
    if "resumptionToken" in request.parameters:
        return 2
    start = request.number("start", request.number("offset", 0))
    return 1 + start // max(1, request.number("rows", request.number("limit", 10)))
