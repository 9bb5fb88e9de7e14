"""``nachuan links check`` on the make-believe federation, and the schedule that does it without being told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import time_machine

from harvester.links import allowance
from harvester.sandbox.serve import Sandbox
from harvester.scheduler import Scheduler
from nachuan import installation
from portal.catalog.model import Distribution, LinkState, Politeness, Run, RunMode, Source
from portal.catalog.store import Catalog
from portal.settings import Settings, from_environment
from tests.catalogs import empty_catalog, filled, record
from tests.federation import federation
from tests.nachuan.test_commands import Command, nachuan, provisioned

__all__ = ["federation", "nachuan"]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Settings]:
    yield from_environment({"NACHUAN_HOME": str(tmp_path), "NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8"})


@pytest.mark.slow
def test_the_links_of_a_federation_are_checked_once_and_shown(
    nachuan: Command, federation: Sandbox, tmp_path: Path
) -> None:
    folder = provisioned(federation, tmp_path / "sources", "zj-hangzhou", "bj-beijing", "gd-guangdong")
    nachuan("db", "upgrade")
    nachuan("sources", "apply", str(folder))
    assert nachuan("links", "check").stdout.startswith("0 addresses asked for")
    assert nachuan("harvest", "--all").returncode == 0
    one = nachuan("links", "check", "--source", "zj-hangzhou", "--limit", "3", "--json")
    assert one.returncode == 0, one.stderr
    assert (json.loads(one.stdout)["asked"], json.loads(one.stdout)["end"]) == (3, "limit")
    done = json.loads(nachuan("links", "check", "--json").stdout)
    assert done["asked"] > 20 and done["end"] == "done" and done["due"] == 0
    assert done["states"]["available"] > done["asked"] * 0.8
    assert "0 addresses asked for" in nachuan("links", "check").stdout
    said = nachuan("doctor").stdout
    assert f"links: {done['asked'] + 3:,} addresses" in said and "0 never asked for; 0 due" in said
    unknown = nachuan("links", "check", "--source", "nobody")
    assert unknown.returncode == 1 and "nobody" in unknown.stderr


def test_an_allowance_is_spread_over_the_day(catalog: Catalog) -> None:
    noon = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    assert allowance(catalog.links, 1000, noon) == 500
    assert allowance(catalog.links, 1000, noon.replace(hour=0)) == 0
    assert allowance(catalog.links, 0, noon) == 0


def test_a_host_is_asked_as_gently_as_the_gentlest_of_its_sources_wants() -> None:
    def source(id: str, url: str, rate: float) -> Source:
        return Source(id=id, title=id, kind="ckan", url=url, politeness=Politeness(requests_per_second=rate))

    sources = [
        source("a", "https://data.example/a/", 2.0),
        source("b", "https://data.example/b/", 0.5),
        source("c", "https://data.example/c/", 0.0),
        source("d", "https://own.example:8080/", 0.0),
    ]
    assert installation.link_rates(sources) == {"data.example": 0.5, "own.example:8080": 0.0}


@pytest.mark.parametrize("beside", ["links", "nightly"])
def test_what_runs_beside_the_harvests_runs_until_it_is_stopped_whatever_a_round_does(beside: str) -> None:
    catalog = empty_catalog()
    rounds: list[int] = []
    begun = threading.Event()

    def work(stop: threading.Event) -> None:
        rounds.append(1)
        begun.set()
        stop.wait(30)
        raise ZeroDivisionError

    scheduler = Scheduler(
        catalog,
        lambda id, full: Run(id=1, source_id=id, mode=RunMode.FULL, started=datetime.now(UTC)),
        reread=lambda id: None,
        **{beside: work},
    )
    scheduler.start()
    assert begun.wait(10)
    began = time.monotonic()
    scheduler.stop()
    assert time.monotonic() - began < 20
    assert rounds == [1]
    catalog.close()


def test_the_schedule_asks_for_no_more_than_the_days_allowance(given: Settings, tmp_path: Path) -> None:
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'links.db'}")
    given = msgspec.structs.replace(given, links_a_day=1000)
    urls = [f"http://127.0.0.1:{port}/x.csv" for port in (1, 2, 3)]
    files = [Distribution(id=url, download_url=url) for url in urls]
    filled(catalog, record("1", distributions=tuple(files)))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=1, microsecond=0) + timedelta(days=1)
    with time_machine.travel(midnight, tick=True):
        installation.check_some_links(catalog, given, threading.Event())
        assert catalog.links.behind() == 1
        # With the whole day's allowance it asks, and since nobody answers it learns nothing.
        with time_machine.travel(midnight.replace(hour=23), tick=True):
            installation.check_some_links(catalog, given, threading.Event())
    assert catalog.links.behind() == 0
    assert catalog.links.counts().states == {None: 3}
    assert LinkState.GONE not in catalog.links.counts().states
    catalog.close()
