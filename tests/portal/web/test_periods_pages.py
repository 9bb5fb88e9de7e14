"""Frozen half-years as pages: what they hold, whether they are signed, and what was frozen whatever came after."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update

from portal.catalog import tables
from portal.catalog.engines import writing
from portal.catalog.store import Catalog
from portal.scorecard import periods
from portal.search.memory import MemoryIndex
from tests.catalogs import filled, record
from tests.portal.scorecard.test_assess import new
from tests.portal.web.town import client_of, page, says, words

KEY = "a key of thirty-two characters or more"
JUNE, JULY = datetime(2026, 6, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
HERE = "/scorecards/periods/2026H1"


@pytest.fixture(scope="module")
def frozen() -> Iterator[Catalog]:
    """Two datasets of one department frozen at the end of June, of which July left nothing as it was."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    with time_machine.travel(JUNE):
        filled(catalog, new("1"), new("2", licence=None, licence_raw=None))
    periods.freeze(catalog, "2026H1", KEY, now=JULY)
    with time_machine.travel(JULY):
        filled(catalog, new("1", rows=0), record("3"))
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def browser(frozen: Catalog) -> FlaskClient:
    return client_of(frozen, MemoryIndex())


def scores(browser: FlaskClient) -> list[dict[str, str]]:
    text = browser.get(f"{HERE}/scores.csv").get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("tongue,title", [("zh", "2026H1 评估"), ("en", "Assessment of 2026H1")])
def test_a_period_shows_its_hashes_and_that_its_manifest_is_signed(
    browser: FlaskClient, frozen: Catalog, tongue: str, title: str
) -> None:
    assert "2026H1" in says(browser, f"/{tongue}/scorecards/periods")
    told = says(browser, f"/{tongue}{HERE}")
    manifest = periods.manifest_of(frozen.periods.get("2026H1"))
    assert title in told and manifest.evidence_sha256 in told and manifest.scores_sha256 in told
    assert {"zh": "清单未被改动", "en": "the manifest is unchanged"}[tongue] in told


def test_the_league_table_is_the_frozen_one(browser: FlaskClient) -> None:
    main = page(browser, f"/en{HERE}")
    ((name, score, *_, datasets),) = [[words(cell) for cell in row.xpath("./td")] for row in main.xpath("//tbody/tr")]
    (line,) = [line for line in scores(browser) if (line["rules"], line["kind"]) == ("national", "department")]
    assert (name, datasets) == ("Hangzhou · Transport", "2")
    assert float(score) == round(float(line["score"]), 1)
    assert "Hangzhou" in says(browser, f"/en{HERE}?rules=mqa&of=regions&level=prefecture")


def test_the_manifest_is_given_byte_for_byte(browser: FlaskClient, frozen: Catalog) -> None:
    assert browser.get(f"{HERE}/manifest.json").data == frozen.periods.get("2026H1").manifest


def test_its_tables_can_be_taken_along(browser: FlaskClient) -> None:
    assert {line["kind"] for line in scores(browser)} >= {"nation", "department", "region"}
    datasets = json.loads(browser.get(f"{HERE}/datasets.json").data)
    assert [line["dataset"][-1] for line in datasets] == ["1", "2"]


@pytest.mark.parametrize(
    "path",
    ["/scorecards/periods/2025H2", "/scorecards/periods/2025H2/manifest.json", f"{HERE}/people.csv", f"{HERE}/scores.xml",
     f"{HERE}?rules=mine", f"{HERE}?of=people", f"{HERE}?level=nowhere"],
)
def test_what_there_is_not_has_no_page(browser: FlaskClient, path: str) -> None:
    page(browser, path, 404)


def test_without_a_frozen_period_the_list_says_so(empty_client: FlaskClient) -> None:
    assert "No assessment has been previewed or frozen yet." in says(empty_client, "/en/scorecards/periods")


@pytest.mark.slow
def test_a_manifest_that_was_touched_is_told(catalog: Catalog) -> None:
    with time_machine.travel(JUNE):
        filled(catalog, new("1"))
    periods.freeze(catalog, "2026H1", KEY, now=JULY)
    manifest = catalog.periods.get("2026H1").manifest.replace(b'"datasets":1', b'"datasets":7')
    with writing(catalog.engine) as connection:
        connection.execute(update(tables.period).values(manifest=manifest))
    browser = client_of(catalog, MemoryIndex())
    assert "Not by the key this site has now" in says(browser, f"/en{HERE}")
    with writing(catalog.engine) as connection:
        connection.execute(update(tables.period).values(manifest=manifest.replace(b'sha256":"', b'sha256":"0')))
    refused = browser.get(f"{HERE}/scores.csv")
    assert refused.status_code == 500 and "is not what was frozen" in refused.get_json()["detail"]
