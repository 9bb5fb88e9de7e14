"""Those who publish: all of them, and one with its datasets."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from portal.catalog.assessments import Kind
from portal.catalog.model import Publisher
from portal.catalog.sources import SourceEntry
from portal.search.query import Query, Sort
from portal.web import demanded, graded, high_value
from portal.web.addresses import address
from portal.web.asking import LONGEST_TEXT
from portal.web.graded import Group
from portal.web.narrowing import labelled
from portal.web.paging import page_asked, paging
from portal.web.site import site
from portal.web.summaries import found
from schemas import fold

pages = Blueprint("publishers", __name__)

ROWS = 50
LATEST = 10


@pages.get("/publishers")
def publishers() -> str:
    """Publishers by their number of datasets, those whose name has the words asked for."""
    words = request.args.get("q", "").strip()[:LONGEST_TEXT]
    wanted = fold(words).split()
    found = [
        one
        for one in site().overviews.publishers()
        if one.entries and all(word in fold(one.publisher.name) for word in wanted)
    ]
    pages = paging(
        page_asked(),
        len(found),
        ROWS,
        lambda page: address("publishers.publishers", q=words or None, page=page if page > 1 else None),
    )
    before = (pages.page - 1) * ROWS
    return render_template(
        "pages/publishers.html",
        words=words,
        total=len(found),
        found=found[before:][:ROWS],
        first=before + 1,
        sources=_sources(),
        paging=pages,
    )


@pages.get("/publishers/<id>")
def publisher(id: str) -> str:
    """One publisher and its newest datasets."""
    summary = site().catalog.publisher(id)
    if summary is None:
        abort(404)
    results = site().index.search(
        Query(
            filters={"publisher": (id,)},
            sort=Sort.MODIFIED,
            rows=LATEST,
            facets=("theme", "format", "openness", "frequency"),
        )
    )
    return render_template(
        "pages/publisher.html",
        summary=summary,
        source=_sources().get(summary.source_id),
        total=results.total,
        latest=found(results.hits),
        shares=labelled(results.facets),
        card=graded.link(_graded(summary.publisher)),
        held=high_value.held(summary.publisher),
        unmet=None if summary.publisher.department is None else demanded.unmet(department=summary.publisher.department),
        marks=high_value.MARKS,
    )


def _graded(publisher: Publisher) -> Group:
    """Whose card is a publisher's: that of the department it is a name of, else its own."""
    if publisher.department is not None:
        return Group(Kind.DEPARTMENT, publisher.department)
    return Group(Kind.PUBLISHER, publisher.id)


def _sources() -> dict[str, SourceEntry]:
    return {entry.source.id: entry for entry in site().catalog.sources.all()}
