"""The catalogue itself in the native API: datasets, publishers, regions, sources, their runs and what was wrong in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, abort, request
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.exceptions import NotFound

from portal.catalog.model import Entry, Run
from portal.catalog.runs import UnknownRun
from portal.search.conditions import Beyond
from portal.search.facets import Appearances
from portal.search.indexing import filled, is_indexed
from portal.search.query import Query, QueryNotUnderstood, Sort
from portal.web import native_documents as documents
from portal.web import places
from portal.web.addresses import base
from portal.web.answers import answer, asked_strictly, problem, refused
from portal.web.asking import LONGEST_TEXT, LONGEST_VALUE, SEARCHES, NotUnderstood
from portal.web.cursors import LARGEST_NUMBER, id_asked, next_address, number_asked
from portal.web.documents import document
from portal.web.representations import representation
from portal.web.site import site
from schemas import fold, vocabulary

T = TypeVar("T")

machines = Blueprint("native", __name__)

DATASETS = 50
"""In one answer, where no number is asked for; so the others."""

MOST_DATASETS = 200

LISTED = 100
MOST_LISTED = 1000

_TOLD = "application/json"


@machines.errorhandler(404)
def missing(error: NotFound) -> Response:
    """Programs get their errors as JSON."""
    return problem(404, "Not found", "There is no such publisher, region, source or run.")


@machines.errorhandler(NotUnderstood)
@machines.errorhandler(QueryNotUnderstood)
def not_understood(error: Exception) -> Response:
    """A program is told what it asked for that cannot be."""
    return refused(error)


@machines.get("/api/v1/datasets")
def datasets() -> Response:
    """The datasets that a search finds, by id: whoever follows ``next`` meets each once, also while harvests run."""
    asked = asked_strictly(request.args, {"after", "limit", *SEARCHES})
    rows, after = number_asked("limit", DATASETS, least=1, most=MOST_DATASETS), id_asked("after") or ""
    found = _found(asked.query(), after, rows)
    body = documents.DatasetsDocument(
        total=found.total,
        datasets=tuple(document(entry, base()) for entry in found.entries),
        next=None if found.last is None else next_address(after=found.last),
    )
    return answer(msgspec.json.encode(body), _TOLD)


class _Found(Struct, frozen=True):
    """The entries of one answer, how many there are on all, and the id to go on from where others follow."""

    total: int
    entries: list[Entry]
    last: str | None


def _found(query: Query, after: str, rows: int) -> _Found:
    catalog = site().catalog
    if query.text is None and not query.filters:
        # The whole catalogue needs no index, and is there while the index is made anew.
        figures = site().overviews.current().figures
        entries = list(islice(_whole(after, rows, query.appearances), rows + 1))
        total = figures.entries if query.appearances is Appearances.EVERY else figures.datasets
        return _Found(total, entries[:rows], entries[rows - 1].dataset.id if len(entries) > rows else None)
    index = filled(catalog, site().index)
    # By id, because what comes or goes between two answers then moves nothing.
    rest = replace(query, condition=Beyond(after) if after else None, sort=Sort.ID, start=0, rows=rows + 1)
    ids = [hit.id for hit in index.search(rest).hits]
    # What was retired since the index looked is no longer found.
    entries = [entry for entry in catalog.entries(ids[:rows]) if is_indexed(entry)]
    total = index.search(replace(query, start=0, rows=0)).total
    return _Found(total, entries, ids[rows - 1] if len(ids) > rows else None)


def _whole(after: str, rows: int, appearances: Appearances) -> Iterator[Entry]:
    """Every present dataset by id after an id, read ``rows`` at a time."""
    catalog = site().catalog
    while part := catalog.page(rows + 1, after=after):
        copies = {} if appearances is Appearances.EVERY else catalog.appearances.originals([one.dataset.id for one in part])
        yield from (one for one in part if is_indexed(one) and one.dataset.id not in copies)
        after = part[-1].dataset.id


@machines.get("/api/v1/datasets/<id>")
def dataset(id: str) -> Response:
    """The dataset, the same as at ``/datasets/<id>.json``."""
    return representation(id, "json")


@machines.get("/api/v1/publishers")
def publishers() -> Response:
    """Who publishes anything, by id; with ``q`` those whose name has the words."""
    limit, after = number_asked("limit", LISTED, least=1, most=MOST_LISTED), id_asked("after")
    wanted = fold(_text_asked()).split()
    found = sorted(
        (
            one
            for one in site().overviews.publishers()
            if one.entries and all(word in fold(one.publisher.name) for word in wanted)
        ),
        key=lambda one: one.publisher.id,
    )
    shown, last = _part(found, [one.publisher.id for one in found], after, limit)
    body = documents.PublishersDocument(
        total=len(found),
        publishers=tuple(documents.publisher(one, base()) for one in shown),
        next=None if last is None else next_address(after=last),
    )
    return answer(msgspec.json.encode(body), _TOLD)


@machines.get("/api/v1/publishers/<publisher>")
def publisher(publisher: str) -> Response:
    """One publisher, also one that has nothing any more."""
    summary = site().catalog.publisher(publisher)
    if summary is None:
        abort(404)
    return answer(msgspec.json.encode(documents.publisher(summary, base())), _TOLD)


@machines.get("/api/v1/regions")
def regions() -> Response:
    """Regions by code: those of the vocabulary and those that datasets name besides; with ``parent`` the parts of one."""
    limit = number_asked("limit", LISTED, least=1, most=MOST_LISTED)
    after, parent = _code_asked("after"), _code_asked("parent")
    overview = site().overviews.current()
    totals = places.with_parts(overview.figures.regions)
    codes = sorted({*vocabulary("regions").terms, *totals} if parent is None else places.parts(parent))
    shown, last = _part(codes, codes, after, limit)
    body = documents.RegionsDocument(
        total=len(codes),
        regions=tuple(documents.region(code, overview, totals, base()) for code in shown),
        next=None if last is None else next_address(after=last),
    )
    return answer(msgspec.json.encode(body), _TOLD)


@machines.get("/api/v1/regions/<region>")
def region(region: str) -> Response:
    """One region with those that hold it and its parts."""
    overview = site().overviews.current()
    totals = places.with_parts(overview.figures.regions)
    if places.region(region) is None and region not in totals:
        abort(404)
    body = documents.WholeRegion(
        region=documents.region(region, overview, totals, base()),
        within=tuple(documents.region(code, overview, totals, base()) for code in places.ancestors(region)),
        parts=tuple(documents.region(code, overview, totals, base()) for code in sorted(places.parts(region))),
        sources=tuple(sorted(one.entry.source.id for one in overview.sources if one.entry.source.region == region)),
    )
    return answer(msgspec.json.encode(body), _TOLD)


@machines.get("/api/v1/sources")
def sources() -> Response:
    """Every source and how it stands, by id."""
    found = sorted(site().overviews.sources(), key=lambda one: one.entry.source.id)
    told = tuple(documents.source(one, base()) for one in found)
    return answer(msgspec.json.encode(documents.SourcesDocument(total=len(told), sources=told)), _TOLD)


@machines.get("/api/v1/sources/<source>")
def source(source: str) -> Response:
    """One source."""
    found = next((one for one in site().overviews.sources() if one.entry.source.id == source), None)
    if found is None:
        abort(404)
    return answer(msgspec.json.encode(documents.source(found, base())), _TOLD)


@machines.get("/api/v1/sources/<source>/runs")
def runs(source: str) -> Response:
    """The runs of a source, the newest first; also of one that was removed, whose history stays."""
    limit = number_asked("limit", LISTED, least=1, most=MOST_LISTED)
    before = number_asked("before", LARGEST_NUMBER, least=1)
    known = site().catalog.runs
    if all(one.source.id != source for one in site().catalog.sources.all()) and not known.recent(source, limit=1):
        abort(404)
    found = known.recent(source, before=before, limit=limit + 1)
    body = documents.RunsDocument(
        runs=tuple(documents.run(one, base()) for one in found[:limit]),
        next=next_address(before=found[limit - 1].id) if len(found) > limit else None,
    )
    return answer(msgspec.json.encode(body), _TOLD)


@machines.get("/api/v1/runs/<run>")
def run(run: str) -> Response:
    """One run, and how many issues of each code it had."""
    found = _run(run)
    counts = documents.issue_counts(site().catalog.runs.issue_counts(found.id))
    return answer(msgspec.json.encode(documents.WholeRun(run=documents.run(found, base()), issues=counts)), _TOLD)


@machines.get("/api/v1/runs/<run>/issues")
def issues(run: str) -> Response:
    """The issues of a run in the order they came; with ``issue`` those of one code. What is for operators is not there."""
    found, of = _run(run), site().catalog.runs
    limit, after = number_asked("limit", LISTED, least=1, most=MOST_LISTED), number_asked("after", 0)
    code = _code_asked("issue")
    counts = of.issue_counts(found.id)
    part = of.issues(found.id, code=code, after=after, limit=limit + 1)
    body = documents.IssuesDocument(
        total=sum(counts.values()) if code is None else counts.get(code, 0),
        issues=tuple(map(documents.issue, part[:limit])),
        next=next_address(after=part[limit - 1].id) if len(part) > limit else None,
    )
    return answer(msgspec.json.encode(body), _TOLD)


def _part(things: Sequence[T], keys: Sequence[str], after: str | None, limit: int) -> tuple[Sequence[T], str | None]:
    """``limit`` of the things whose keys, which are in order, come after one; the last key of them where others follow."""
    start = 0 if after is None else bisect_right(keys, after)
    end = start + limit
    return things[start:end], keys[end - 1] if end < len(keys) else None


def _text_asked() -> str:
    text = request.args.get("q", "").strip()
    if len(text) > LONGEST_TEXT:
        raise NotUnderstood(f"q has more than {LONGEST_TEXT} characters", text[:60])
    return text


def _code_asked(name: str) -> str | None:
    text = request.args.get(name)
    if text is not None and not 0 < len(text) <= LONGEST_VALUE:
        raise NotUnderstood(f"{name} is a code of 1 to {LONGEST_VALUE} characters", text[:60])
    return text


def _run(number: str) -> Run:
    # Read here and not by the route: where it is no number there is no such run, and programs are told so in JSON.
    if not (number.isascii() and number.isdigit() and len(number) <= 19 and int(number) <= LARGEST_NUMBER):
        abort(404)
    try:
        return site().catalog.runs.get(int(number))
    except UnknownRun:
        abort(404)
