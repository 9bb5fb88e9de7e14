"""A real CKAN is harvested, changed, harvested again, and compared."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Iterator, Mapping

import pytest

from harvester.connectors import CONNECTORS
from harvester.http import Http, Validators
from harvester.pipeline import harvest
from harvester.probe import probe
from portal.catalog.model import Counts, DatasetState, Guard, Outcome, Politeness, Run, RunMode, Source
from portal.catalog.store import Catalog
from tests.catalogs import postgresql_runs
from tests.ckan.running import Ckan, ckan
from tests.fixtures import needs

LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)
PACKAGES = 300


def redis_runs() -> bool:
    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=2).close()
    except OSError:
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    needs("postgresql", postgresql_runs(), "a real CKAN needs PostgreSQL"),
    needs("redis", redis_runs(), "a real CKAN needs Redis"),
]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ckan]:
    with ckan(tmp_path_factory.mktemp("ckan")) as running:
        load(running)
        yield running


def load(running: Ckan) -> None:
    rng = random.Random(1)
    for office in ("water", "parks", "roads"):
        running.call("organization_create", name=office, title=f"市{office}局")
    for number in range(PACKAGES):
        running.call(
            "package_create",
            name=f"dataset-{number}",
            title=f"数据集 {number}",
            notes="第一行\n\n**重要** <script>alert(1)</script>",
            owner_org=rng.choice(("water", "parks", "roads")),
            license_id="cc-by",
            tags=[{"name": "水质"}, {"name": f"tag-{number % 7}"}],
            extras=[{"key": "frequency", "value": "每月"}],
            resources=[{"name": "表", "format": "CSV", "url": f"https://data.example.org/{number}.csv"}],
        )


def run(running: Ckan, catalog: Catalog, full: bool = False) -> Run:
    source = Source(
        id="real",
        title="real",
        kind="ckan",
        url=running.url,
        politeness=Politeness(requests_per_second=0),
        guard=Guard(grace_days=0),
    )
    catalog.sources.put(source)
    return harvest(source, catalog, CONNECTORS["ckan"], way_out, holder="test", full=full)


def way_out(validators: Mapping[str, Validators]) -> Http:
    return Http(requests_per_second=0, allow_private=LOCAL, validators=validators)


def titles(catalog: Catalog) -> dict[str, str]:
    return {entry.dataset.name or "": entry.dataset.title for entry in catalog.walk()}


def truth(running: Ckan) -> dict[str, str]:
    found = running.call("package_search", rows=1000)["results"]
    return {package["name"]: package["title"] for package in found}


def test_a_real_ckan_is_found_out(portal: Ckan) -> None:
    with Http(requests_per_second=0, allow_private=LOCAL) as http:
        found = probe(portal.url, http).findings[0]
    assert (found.kind, found.datasets, found.version) == ("ckan", PACKAGES, "2.12.0")
    assert found.filters_by_date and found.pages


def test_a_real_ckan_is_harvested_changed_and_harvested_again(portal: Ckan, catalog: Catalog) -> None:
    first = run(portal, catalog)
    assert (first.outcome, first.declared) == (Outcome.COMPLETE, PACKAGES)
    assert first.counts == Counts(listed=PACKAGES, added=PACKAGES)
    assert titles(catalog) == truth(portal)
    example = next(entry.dataset for entry in catalog.walk() if entry.dataset.name == "dataset-7")
    assert (example.frequency, example.licence, example.keywords) == ("monthly", "cc-by", ("tag-0", "水质"))
    assert [(item.format, item.download_url or item.access_url) for item in example.distributions] == [
        ("csv", "https://data.example.org/7.csv")
    ]

    assert run(portal, catalog, full=True).counts == Counts(listed=PACKAGES, unchanged=PACKAGES)

    for number in range(0, 30):
        portal.call("package_patch", id=f"dataset-{number}", title=f"改名 {number}")
    changed = run(portal, catalog)
    assert (changed.mode, changed.outcome, changed.counts.updated) == (RunMode.INCREMENTAL, Outcome.COMPLETE, 30)
    assert titles(catalog) == truth(portal)

    for number in range(280, 300):
        portal.call("package_delete", id=f"dataset-{number}")
    portal.call("package_create", name="newcomer", title="新来的", owner_org="water")
    again = run(portal, catalog, full=True)
    assert again.outcome is Outcome.COMPLETE
    assert (again.counts.added, again.counts.retired, again.counts.unchanged) == (1, 20, 280)
    assert titles(catalog) == truth(portal)
    gone = [entry for entry in catalog.walk(retired=True) if entry.state is DatasetState.RETIRED]
    assert {entry.dataset.name for entry in gone} == {f"dataset-{number}" for number in range(280, 300)}
