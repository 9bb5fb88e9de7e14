"""One dataset under an address of its own for each format."""

from __future__ import annotations

from flask import Blueprint, Response

from portal.web.representations import representation

machines = Blueprint("dataset_formats", __name__)


@machines.get("/datasets/<id>.<any(json, ttl, rdf, jsonld):suffix>")
def dataset(id: str, suffix: str) -> Response:
    """The dataset in that format."""
    return representation(id, suffix)
