"""Requests generated for every action of the CKAN API (fault W101): each answer is an envelope with a status of CKAN's."""

from __future__ import annotations

from typing import Any

import pytest

from portal.catalog.store import Catalog
from portal.web.ckan.actions import ACTIONS
from tests.portal.web.test_generated_requests import SLOWEST_S, pestered, seconds
from tests.portal.web.town import client_of, dataset_of

EXAMPLES = 25
"""Requests made up for each action by each method, besides those at the borders."""

FOUND: dict[str, dict[str, str]] = {
    "package_show": {"id": dataset_of("1")},
    "resource_show": {"id": f"{dataset_of('1')}-csv1"},
    "organization_show": {"id": "water"},
    "group_show": {"id": "transport"},
    "tag_show": {"id": "水质"},
    "help_show": {"name": "site_read"},
}
"""Examples of what there is: no other would be guessed."""

QUERIES = {
    "q": ["水质", "tags:水质", "*:*", "(a OR b) -c", '"', "tags:(", "title:x"],
    "fq": ["organization:water", "-groups:*", "metadata_modified:[NOW-1DAY TO *]", "res_format:CSV OR id:x", "nobody:1", "["],
    "sort": ["id asc", "metadata_modified desc", "score desc", "nobody"],
    "rows": ["0", "1000", "-1", "x"],
    "facet.field": ['["tags"]', '["nobody"]', "[", "tags"],
}


def envelope(success: bool) -> dict[str, Any]:
    told = {"result": {}} if success else {"error": {"type": "object", "required": ["__type"]}}
    return {
        "type": "object",
        "required": ["help", "success", *told],
        "additionalProperties": False,
        "properties": {
            "help": {"type": "string"},
            "success": {"const": success},
            **told,
            **({"ignored": {"type": "array", "items": {"type": "string"}}} if success else {}),
        },
    }


def answer(*schemas: dict[str, Any]) -> dict[str, Any]:
    return {"description": "An answer.", "content": {"application/json": {"schema": {"anyOf": list(schemas)}}}}


REFUSAL = answer(envelope(False), {"type": "string"})
# What no database keeps is refused before there is an action.
REFUSAL["content"]["application/problem+json"] = {"schema": {"type": "object"}}

ANSWERS = {
    "200": answer(envelope(True)),
    # What is no request for an action is answered by one text.
    "400": REFUSAL,
    "404": answer(envelope(False)),
    "409": answer(envelope(False)),
}


def document() -> dict[str, Any]:
    """A description of the API as OpenAPI has it: all parameters are texts, which their values need not mean anything in."""
    paths: dict[str, Any] = {}
    for name, action in ACTIONS.items():
        examples = {one: FOUND.get(name, {}).get(one, "1") for one in action.parameters}
        parameters = [
            {
                "name": one,
                "in": "query",
                "schema": {"anyOf": [{"type": "string"}, {"enum": QUERIES[one]}]} if one in QUERIES else {"type": "string"},
                "example": examples[one],
            }
            for one in action.parameters
        ]
        body = {"content": {"application/json": {"schema": {"type": "object"}, "example": FOUND.get(name, {})}}}
        get = {"operationId": name, "parameters": parameters, "responses": ANSWERS}
        post = {"operationId": f"{name}_post", "requestBody": body, "responses": ANSWERS}
        paths[f"/api/3/action/{name}"] = {"get": get, "post": post}
    return {"openapi": "3.1.0", "info": {"title": "CKAN's action API", "version": "3"}, "paths": paths}


@pytest.mark.slow
def test_w101_every_answer_to_generated_requests_is_an_envelope_of_ckans(town: Catalog) -> None:
    app = client_of(town).application
    found = pestered(app, document(), EXAMPLES)
    # Another parameter than those described is listed as ignored, and a text that is no number is one for some.
    wrong = [told for told in found.wrong if not told.startswith(("negative_data_rejection", "positive_data_acceptance"))]
    assert not wrong, wrong
    assert sum(found.met.values()) > 1000
    for name in ACTIONS:
        assert found.met[f"/api/3/action/{name}", 200], name
    for status in (400, 409):
        assert found.met["/api/3/action/package_search", status]
    for name in FOUND:
        assert found.met[f"/api/3/action/{name}", 404], name
    assert [uri for uri in found.slow if seconds(app, uri) > SLOWEST_S] == [], "and it is not the machine that was busy"
