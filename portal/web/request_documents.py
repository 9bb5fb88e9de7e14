"""What the public asks for, for programs: the same requests as the pages, as JSON documents and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from portal.catalog.demand import Standing, Which, standing
from portal.catalog.requests import Answer, Request, Verdict
from portal.catalog.store import Catalog
from portal.web import places
from portal.web.demanded import days_open

AT_ONCE = 200
"""Requests read at a time."""

OPERATORS = "operators"
"""Who answered, where it was no department."""


class AnswerDocument(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer; of several the last is in force."""

    verdict: Verdict
    text: str | None = None
    datasets: tuple[str, ...]
    by: str
    """The department, or ``operators``."""
    at: datetime


class RequestDocument(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A public request; what was not said is absent."""

    number: int
    title: str
    description: str
    region: str | None = None
    region_name: str | None = None
    theme: str | None = None
    entry: str | None = None
    function: str | None = None
    department: str | None = None
    asked: datetime
    published: datetime
    state: Standing
    days: int
    wanted: int
    merged_into: int | None = None
    merged: tuple[int, ...]
    answers: tuple[AnswerDocument, ...]
    page: str


class RequestsDocument(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Requests, the newest first; ``total`` are all that were asked for, ``next`` where the older ones are."""

    total: int
    requests: tuple[RequestDocument, ...]
    next: str | None = None


def document(one: Request, merged: Iterable[int], base: str, language: str) -> RequestDocument:
    """A public request at the portal whose addresses begin with ``base``; ``merged`` were merged into it."""
    wish = one.wish
    assert one.published is not None, "only what is public has a document"
    return RequestDocument(
        number=one.number,
        title=wish.title,
        description=wish.description,
        region=wish.region,
        region_name=None if wish.region is None else places.name(wish.region, language),
        theme=wish.theme,
        entry=wish.entry,
        function=wish.function,
        department=one.department,
        asked=one.asked,
        published=one.published,
        state=standing(one),
        days=days_open(one),
        wanted=one.wanted,
        merged_into=one.merged_into,
        merged=tuple(merged),
        answers=tuple(_answer(given) for given in one.answers),
        page=f"{base}/requests/{one.number}",
    )


def documents(catalog: Catalog, several: Sequence[Request], base: str, language: str) -> Iterator[RequestDocument]:
    """Public requests as documents, each with those merged into it."""
    merged = catalog.requests.numbers_merged_into([one.number for one in several])
    return (document(one, merged.get(one.number, ()), base, language) for one in several)


def every(catalog: Catalog, which: Which, base: str, language: str) -> Iterator[RequestDocument]:
    """All public requests that are meant, the newest first."""
    before: int | None = None
    while part := catalog.demand.listed(which, limit=AT_ONCE, before=before):
        before = part[-1].number
        yield from documents(catalog, part, base, language)


def _answer(given: Answer) -> AnswerDocument:
    reply = given.reply
    return AnswerDocument(
        verdict=reply.verdict, text=reply.text, datasets=reply.datasets, by=given.department or OPERATORS, at=given.at
    )


COLUMNS = (
    "number", "title", "description", "region", "region_name", "theme", "entry", "function", "department", "asked",
    "published", "state", "days", "wanted", "merged", "answer", "datasets", "answered_by", "answered", "answers", "page",
)
"""Of the table; the answer is the one in force, ``answers`` how many were given."""

BETWEEN = "|"


def rows(documents: Iterable[RequestDocument]) -> Iterator[Sequence[object]]:
    """A row for every request."""
    for one in documents:
        last = one.answers[-1] if one.answers else None
        yield (
            one.number, one.title, one.description, one.region, one.region_name, one.theme, one.entry, one.function,
            one.department, _moment(one.asked), _moment(one.published), one.state.value, one.days, one.wanted,
            BETWEEN.join(map(str, one.merged)),
            *((None, None, None, None) if last is None else (
                last.text, BETWEEN.join(last.datasets), last.by, _moment(last.at)
            )),
            len(one.answers), one.page,
        )


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
