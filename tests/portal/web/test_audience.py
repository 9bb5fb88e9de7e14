"""What only operators are told stands on no public page and in no public answer."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.catalog.model import Issue
from portal.catalog.store import Catalog
from portal.scorecard.assess import rebuild
from tests.portal.web.town import build, client_of, dataset_of

PRIVATE, PUBLIC = "民众的秘密", "公开的问题"
"""Words that stand in an issue of each audience and nowhere else."""
BETRAYING = (PRIVATE, json.dumps(PRIVATE).strip('"'), "record.personal-data-suspected")
"""What no public answer may hold: the words, the words as JSON may escape them, the code."""

IDS = {
    "datasets": dataset_of("1"), "publishers": "water", "regions": "330100", "themes": "environment",
    "sources": "hangzhou", "runs": "1",
}
FILLED = {
    "slug": "x", "filename": "site.css", "number": "1", "code": "330100",
    "region": "330100", "publisher": "water", "source": "hangzhou", "run": "1",
    "kind": "regions", "rules": "national", "indicator": "licence", "flag": "effective",
}
EACH = {"suffix": ("json", "ttl", "rdf", "jsonld"), "format_": ("csv", "parquet")}
"""Every form of an answer that is chosen in the address."""


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    run = catalog.runs.get(1)
    suspected = Issue(code="record.personal-data-suspected", source_key="1", field="columns", seen=PRIVATE, detail=PRIVATE)
    catalog.runs.add_issues(run, [
        (dataset_of("1"), suspected),
        (dataset_of("1"), Issue(code="field.not-understood", source_key="1", field="frequency", seen=PUBLIC)),
    ])
    (cleared,) = catalog.runs.issues(1, code=suspected.code, for_operators=True)
    catalog.clearances.clear(cleared.id, by="lin")
    rebuild(catalog)
    return client_of(catalog)


def addresses(client: FlaskClient) -> Iterator[str]:
    """An address of every route that answers GET, filled in with what stands in the catalogue."""
    for rule in client.application.url_map.iter_rules():
        # Prints are made of the same pages by a browser.
        if "GET" not in (rule.methods or ()) or rule.rule.endswith(".pdf"):
            continue
        kind = next((part for part in rule.rule.split("/") if part in IDS), "datasets")
        values = {name: FILLED.get(name) or (IDS[kind] if name in ("id", "code") else "1") for name in rule.arguments}
        chosen = next((name for name in EACH if name in rule.arguments), None)
        for form in EACH[chosen] if chosen else ("",):
            if "<any(" in rule.rule and form not in re.findall(r"\w+", rule.rule):
                continue
            with client.application.test_request_context():
                _, path = rule.build(values | ({chosen: form} if chosen else {}))  # type: ignore[misc]
            yield str(path)


def _text(response: TestResponse) -> str:
    """What an answer says; of a Parquet file the cells, which its bytes hide."""
    body = response.get_data()
    if body.startswith(b"PAR1"):
        return str(import_module("pyarrow.parquet").read_table(io.BytesIO(body)).to_pylist())
    return body.decode("utf-8", "replace")


@pytest.mark.slow
def test_no_public_address_tells_what_is_for_operators(client: FlaskClient) -> None:
    telling, told, asked = [], [], set()
    for address in addresses(client):
        asked.add(address)
        response = client.get(address, follow_redirects=True)
        assert response.status_code < 500, address
        text = _text(response)
        telling += [address] if any(word in text for word in BETRAYING) else []
        told += [address] if PUBLIC in text else []
    assert telling == []
    # That the forms were asked for: a dataset as RDF and as JSON, a card as a table.
    dataset = f"/datasets/{dataset_of('1')}"
    assert {f"{dataset}.{suffix}" for suffix in EACH["suffix"]} | {"/scorecards.parquet", "/catalog.ttl"} <= asked
    # That issues are looked at where they stand: the run's page, its CSV, the API and the dataset's page.
    assert {"/runs/1", "/runs/1/issues.csv", "/api/v1/runs/1/issues", dataset} <= set(told)


def test_operators_are_told(client: FlaskClient) -> None:
    runs = client.application.extensions["nachuan"].catalog.runs
    assert "record.personal-data-suspected" not in runs.issue_counts(1)
    assert runs.issue_counts(1, for_operators=True)["record.personal-data-suspected"] == 1
    told = runs.issues(1, code="record.personal-data-suspected", for_operators=True)
    assert [stored.issue.seen for stored in told] == [PRIVATE]
