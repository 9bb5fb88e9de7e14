"""What watches an installation reads how it stands: every figure is the catalogue's, none names a person."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from msgspec.structs import replace

from portal.catalog.accounts import Role
from portal.catalog.model import Outcome, RunMode
from portal.catalog.store import Catalog
from portal.highvalue import following
from portal.scorecard.assess import rebuild
from portal.search.memory import MemoryIndex
from portal.web.metrics import Metric, Sample, written
from tests.portal.web.town import HANGZHOU, build, client_of, made

LINE = re.compile(
    r"# HELP [a-z_]+ [^\n]+|# TYPE [a-z_]+ (gauge|counter)"
    r'|(?P<name>[a-z_]+)(\{[a-z]+="(?P<label>(?:[^"\\\\]|\\\\["\\\\n])*)"\})? (?P<value>-?\d+(\.\d+)?)'
)


def told(client: FlaskClient) -> dict[tuple[str, str | None], float]:
    """Every sample by metric and label."""
    response = client.get("/metrics")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    text = response.get_data(as_text=True)
    assert text.endswith("\n")
    lines = [LINE.fullmatch(line) for line in text.splitlines()]
    assert None not in lines, text
    found = {(line["name"], line["label"]): float(line["value"]) for line in lines if line is not None and line["name"]}
    assert len(found) == sum(line is not None and bool(line["name"]) for line in lines), "each sample is told once"
    named = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(named) == len(set(named)) and {name for name, _ in found} <= set(named)
    return found


def test_the_figures_are_those_of_the_catalogue(client: FlaskClient, town: Catalog) -> None:
    found = told(client)
    figures = town.figures()
    assert found["nachuan_datasets", None] == figures.datasets == 30
    assert found["nachuan_entries", None] == figures.entries
    assert found["nachuan_publishers", None] == 2
    health = {label: value for (name, label), value in found.items() if name == "nachuan_sources"}
    assert health == {"failed": 0, "held": 1, "partial": 0, "waiting": 1, "paused": 0, "good": 1}
    assert found["nachuan_source_datasets", "hangzhou"] == 29 and found["nachuan_source_datasets", "later"] == 0
    assert found["nachuan_changes_total", None] == town.last_change()
    assert found["nachuan_runs_undecided", None] == 1


def test_a_source_that_was_never_harvested_has_no_last_success(client: FlaskClient, town: Catalog) -> None:
    wanted = "nachuan_source_last_success_timestamp_seconds"
    ages = {label: at for (name, label), at in told(client).items() if name == wanted}
    last = town.runs.last("hangzhou", complete=True)
    assert last is not None and last.finished is not None
    assert ages == {"hangzhou": last.finished.timestamp()}


def test_only_runs_of_the_last_day_are_counted(catalog: Catalog) -> None:
    catalog.sources.put(HANGZHOU)
    now = datetime.now(UTC)
    for hours, outcome in ((1, Outcome.FAILED), (23, Outcome.FAILED), (23.9, Outcome.COMPLETE), (24.1, Outcome.COMPLETE)):
        run = catalog.runs.start("hangzhou", RunMode.FULL, "test")
        catalog.runs.save(replace(run, finished=now - timedelta(hours=hours), outcome=outcome))
    catalog.runs.start("hangzhou", RunMode.FULL, "test")
    found = told(client_of(catalog))
    runs = {label: count for (name, label), count in found.items() if name == "nachuan_runs_last_day"}
    assert runs == {"complete": 1, "failed": 2, "held": 0, "partial": 0}


def test_what_lags_behind_is_told_until_it_has_followed(catalog: Catalog) -> None:
    build(catalog)
    newest = catalog.last_change()
    index = MemoryIndex()
    found = told(client_of(catalog, index))
    lags = ("index", "assessment", "high_value", "counting")
    assert found["nachuan_index_ready", None] == 0
    assert {found[f"nachuan_{one}_behind", None] for one in lags} == {newest}
    rebuild(catalog)
    following.catch_up(catalog, "test")
    found = told(client_of(catalog))
    assert found["nachuan_index_ready", None] == 1
    assert [found[f"nachuan_{one}_behind", None] for one in lags] == [0, 0, 0, newest]
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([made("one more"), made("and another")])
    catalog.sources.release(lease)
    assert told(client_of(catalog))["nachuan_assessment_behind", None] == 2


def test_an_empty_catalogue_has_figures_too(empty_client: FlaskClient) -> None:
    found = told(empty_client)
    assert found["nachuan_datasets", None] == found["nachuan_changes_total", None] == found["nachuan_index_behind", None] == 0


def test_labels_are_escaped() -> None:
    text = written([Metric("a", "gauge", "b\\\nc", (Sample(1, {"of": 'x"\\\ny'}),))])
    assert text == '# HELP a b\\\\\\nc\n# TYPE a gauge\na{of="x\\"\\\\\\ny"} 1\n'


def test_nobody_is_named(catalog: Catalog) -> None:
    build(catalog)
    catalog.accounts.add("lin", Role.OPERATOR, "a long enough password", by="test")
    catalog.sources.put(replace(HANGZHOU, options={"headers": {"Authorization": "a secret word"}}))
    text = client_of(catalog).get("/metrics").get_data(as_text=True)
    assert "lin" not in re.findall(r"\w+", text) and "secret" not in text and "example" not in text
