"""Themes: all with their numbers, and one with its datasets."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from portal.catalog.assessments import Kind
from portal.search.facets import Appearances
from portal.search.indexing import filled
from portal.search.query import Query, Sort
from portal.web import graded
from portal.web.graded import Group
from portal.web.narrowing import labelled
from portal.web.site import site
from portal.web.summaries import found
from schemas import vocabulary

pages = Blueprint("themes", __name__)

LATEST = 10


@pages.get("/themes")
def themes() -> str:
    """Every theme of the vocabulary, also those without a dataset."""
    counts = site().overviews.current().themes
    terms = sorted(vocabulary("themes").terms.values(), key=lambda term: -counts.get(term.code, 0))
    return render_template("pages/themes.html", rows=[(term, counts.get(term.code, 0)) for term in terms])


@pages.get("/themes/<id>")
def theme(id: str) -> str:
    """One theme and its newest datasets."""
    term = vocabulary("themes").terms.get(id)
    if term is None:
        abort(404)
    results = filled(site().catalog, site().index).search(
        Query(
            filters={"theme": (id,)},
            appearances=Appearances.ONCE,
            sort=Sort.MODIFIED,
            rows=LATEST,
            facets=("region", "publisher", "format", "openness"),
        )
    )
    return render_template(
        "pages/theme.html",
        term=term,
        total=results.total,
        latest=found(results.hits),
        shares=labelled(results.facets),
        card=graded.link(Group(Kind.THEME, id)),
    )
