"""One dataset for programs: JSON, Turtle, RDF/XML, JSON-LD; of a retired one the tombstone."""

from __future__ import annotations

from flask import Response

from portal.catalog.model import DatasetState
from portal.web import rdf
from portal.web.addresses import base
from portal.web.answers import answer, problem
from portal.web.dcat import graph, links
from portal.web.documents import REPRESENTATIONS, as_json
from portal.web.site import site


def representation(id: str, suffix: str) -> Response:
    """The dataset in the format a suffix stands for: 410 with its last description where it is retired, else 404."""
    catalog = site().catalog
    entry = catalog.entry(id)
    media_type = REPRESENTATIONS[suffix]
    if entry is None and suffix == "json":
        return problem(404, "No such dataset", "There is no dataset of this id and never was.")
    if entry is None:
        return answer(rdf.serialised(rdf.graph_of(()), suffix), media_type, status=404)
    status = 410 if entry.state is DatasetState.RETIRED else 200
    if suffix == "json":
        found = catalog.appearances
        return answer(as_json(entry, base(), found.of(id), found.family(id)), media_type, status=status)
    made = graph([entry], base(), *links(catalog))
    return answer(rdf.serialised(made, suffix), media_type, status=status, tag=f"{rdf.digest(made)}-{suffix}")
