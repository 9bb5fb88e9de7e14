"""A group's month as a page and as a letter, and a letter with a list for each thing that would raise its score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, abort, make_response, render_template
from msgspec import Struct

from portal.catalog.model import Entry
from portal.scorecard.fixes import Fix, fixes_in
from portal.scorecard.spans import Span, TooMuch
from portal.web import digesting, letters, spreadsheets
from portal.web.addresses import address, base
from portal.web.answers import answer, streamed
from portal.web.digesting import Digest, Month
from portal.web.documents import dataset_address
from portal.web.graded import Group
from portal.web.pages.changes import group_of, midnight
from portal.web.site import site

pages = Blueprint("digests", __name__)

COLUMNS = ("dataset", "title", "publisher", "landing_page", "page")

_LETTER = "text/plain"


class Asked(Struct, frozen=True):
    """The month that an address asks for."""

    group: Group
    name: str
    month: Month


@pages.get("/scorecards/<kind>/<code>/digest")
def latest(kind: str, code: str) -> Response:
    """The month that runs, as the way to all of them."""
    return digest(kind, code, f"{digesting.now():%Y-%m}")


@pages.get("/scorecards/<kind>/<code>/digest/<month>")
def digest(kind: str, code: str, month: str) -> Response:
    """One month."""
    asked = _asked(kind, code, month)
    try:
        found = digesting.digest(asked.group, asked.name, asked.month)
    except TooMuch:
        found = None
    else:
        if found is None:
            abort(404)
    page = render_template(
        "pages/digest.html",
        asked=asked,
        found=found,
        first=midnight(asked.month.first),
        last=midnight(asked.month.last),
        month_name=letters.month_of(asked.month),
        signed=letters.signed,
        gained=letters.gained,
        thing_of=letters.thing_of,
        other=_other,
        later=_later(asked.month),
    )
    return make_response(page, 200 if found else 422)


@pages.get("/scorecards/<kind>/<code>/digest/<month>.txt")
def letter(kind: str, code: str, month: str) -> Response:
    """One month as a letter."""
    return answer(letters.digest_letter(_digest(_asked(kind, code, month))).encode(), _LETTER)


@pages.get("/scorecards/<kind>/<code>/digest/<month>/<indicator>.txt")
def fix_txt(kind: str, code: str, month: str, indicator: str) -> Response:
    """One thing to do as a letter."""
    asked = _asked(kind, code, month)
    found, (fix, ids) = _digest(asked), _fix(asked, indicator)
    first = site().catalog.entries(ids[: letters.NAMED])
    return answer(letters.fix_letter(found, fix, first, len(ids)).encode(), _LETTER)


@pages.get("/scorecards/<kind>/<code>/digest/<month>/<indicator>.csv")
def fix_csv(kind: str, code: str, month: str, indicator: str) -> Response:
    """The datasets that one thing is to be done to, for a spreadsheet."""
    _, ids = _fix(_asked(kind, code, month), indicator)
    rows = _rows(site().catalog.entries(ids), base())
    return streamed(spreadsheets.written(COLUMNS, rows), "text/csv", f"{indicator}.csv")


def _asked(kind: str, code: str, text: str) -> Asked:
    group, name = group_of(kind, code)
    month = digesting.month(text, digesting.now())
    if month is None:
        abort(404)
    return Asked(group, name, month)


def _digest(asked: Asked) -> Digest:
    try:
        found = digesting.digest(asked.group, asked.name, asked.month)
    except TooMuch:
        abort(422)
    if found is None:
        abort(404)
    return found


def _fix(asked: Asked, indicator: str) -> tuple[Fix, list[str]]:
    """A fix of a month and the datasets that fail its indicator; there is nothing of one that would gain nothing."""
    try:
        span: Span = digesting.span_of(asked.group, asked.month)
    except TooMuch:
        abort(422)
    counts = span.counts
    found = fixes_in(counts, asked.group.kind, span.rules, span.layout) if counts else []
    fix = next((one for one in found if one.indicator.id == indicator), None)
    if fix is None:
        abort(404)
    return fix, span.mendable(indicator)


def _rows(entries: Iterable[Entry], at: str) -> Iterator[tuple[str, ...]]:
    for entry in entries:
        one = entry.dataset
        told = (one.title, one.publisher.name if one.publisher else None, one.landing_page)
        yield (one.id, *(spreadsheets.harmless(text) for text in told), dataset_address(at, one.id))


def _other(asked: Asked, month: str) -> str:
    """The digest of another month."""
    return address("digests.digest", kind=asked.group.segment, code=asked.group.written, month=month)


def _later(month: Month) -> str | None:
    """The month after, as addresses write it; None where it has not begun."""
    today = digesting.now()
    following = month.last.replace(day=1).replace(
        year=month.last.year + month.last.month // 12, month=month.last.month % 12 + 1
    )
    return f"{following:%Y-%m}" if following <= today else None
