"""Requests generated from the description of the native API (fault W101): every answer is as the description says."""

from __future__ import annotations

import copy
import time
from collections import Counter
from typing import Any, NamedTuple

import pytest
from flask import Flask

from portal.catalog.store import Catalog
from portal.web import described
from tests.portal.web.test_openapi import assessed
from tests.portal.web.town import client_of, dataset_of

__all__ = ["assessed"]

EXAMPLES = 60
"""Requests made up for each address, besides those at the borders of what is described."""

SEED = 101

SLOWEST_S = 1.0


class Pestered(NamedTuple):
    """What came of it."""

    met: Counter[tuple[str, int]]
    """How often each address gave each status."""
    wrong: list[str]
    """Every answer that is not as it is described."""
    slow: list[str]
    """What took longer than ``SLOWEST_S``."""


def pestered(app: Flask, document: dict[str, object], examples: int) -> Pestered:
    """Asks ``app`` for what ``document`` describes, and for a little else."""
    # Here, because it takes half a second, and the fast part of the suite gathers this module too.
    import schemathesis
    from schemathesis.engine import from_schema
    from schemathesis.engine.events import NonFatalError, ScenarioFinished

    description = schemathesis.openapi.from_dict(document)
    description.app = app
    description.config.base_url = "http://localhost"
    description.config.seed = SEED
    description.config.continue_on_failure = True
    description.config.generation.max_examples = examples
    found = Pestered(Counter(), [], [])
    for event in from_schema(description).execute():
        if isinstance(event, NonFatalError):
            found.wrong.append(str(event.value))
        if not isinstance(event, ScenarioFinished):
            continue
        for made in event.recorder.interactions.values():
            assert made.response is not None, made.request.uri
            # OPTIONS is answered everywhere, and says nothing of the page.
            if made.request.method != "OPTIONS":
                found.met[event.recorder.label.removeprefix("GET "), made.response.status_code] += 1
            if made.response.elapsed > SLOWEST_S:
                found.slow.append(made.request.uri)
        for checks in event.recorder.checks.values():
            found.wrong.extend(f"{check.name}: {check.failure_info.failure}" for check in checks if check.failure_info)
    return found


def document(catalog: Catalog) -> dict[str, Any]:
    """The description with what differs from one catalogue to the next.

    A dataset and a publisher that there are as examples, for no others would be guessed, and the newest change: nothing is
    asked beyond it.
    """
    given = copy.deepcopy(described.document())
    parameters = given["components"]["parameters"]
    parameters["id"]["example"] = dataset_of("1")
    parameters["publisher"]["example"] = "water"
    parameters["since"]["schema"]["maximum"] = catalog.last_change()
    return given


@pytest.mark.slow
def test_w101_every_answer_to_generated_requests_is_as_it_is_described(assessed: Catalog) -> None:
    app = client_of(assessed).application
    found = pestered(app, document(assessed), EXAMPLES)
    assert found.wrong == []
    assert sum(found.met.values()) > 500
    for path in described.document()["paths"]:
        assert found.met[path, 200], path
    # Of some addresses nothing is asked but what other answers named; that each has its 404 is asked in test_openapi.
    assert sum(bool(found.met[path, 404]) for path in described.document()["paths"]) > 5
    assert found.met["/api/v1/scorecards", 400] and found.met["/api/v1/scorecards", 405]
    assert [uri for uri in found.slow if seconds(app, uri) > SLOWEST_S] == [], "and it is not the machine that was busy"


@pytest.mark.slow
def test_w101_a_description_that_is_not_true_is_found_out(assessed: Catalog) -> None:
    untrue = document(assessed)
    untrue["components"]["schemas"]["League"]["properties"]["total"] = {"type": "string"}
    untrue["paths"]["/api/v1/scorecards/{kind}/{code}"]["get"]["responses"].pop("404")
    told = "\n".join(pestered(client_of(assessed).application, untrue, 5).wrong)
    assert "status_code_conformance" in told and "response_schema_conformance" in told


@pytest.mark.slow
def test_w101_before_anything_is_assessed_the_answers_are_described_too(catalog: Catalog) -> None:
    found = pestered(client_of(catalog).application, document(catalog), 10)
    assert [told for told in found.wrong if not told.startswith("not_a_server_error")] == []
    assert found.met["/api/v1/scorecards", 503] and not found.met["/api/v1/scorecards", 200]


def test_w101_an_empty_word_is_no_table(assessed: Catalog) -> None:
    assert client_of(assessed).get("/api/v1/scorecards?of=").status_code == 404


def seconds(app: Flask, uri: str) -> float:
    """How long an answer takes."""
    began = time.perf_counter()
    app.test_client().get(uri).get_data()
    return time.perf_counter() - began
