"""Real clients of CKAN's action API against ours, also while a harvest is running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import ckanapi
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from harvester.http import Http
from harvester.probe import probe
from portal.catalog.model import Counts, Dataset, DatasetState, Entry, Outcome, RunMode
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.web.ckan import walks
from portal.web.ckan.walks import Walks
from tests.catalogs import empty_catalog, filled
from tests.harvester.harvesting import LOOPBACK, harvested, source
from tests.portal.web.town import EVERYTHING, HANGZHOU, client_of, dataset_of, made

pytestmark = pytest.mark.slow

CKANAPI = Path(sys.executable).with_name("ckanapi")


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of a site on this machine."""
    # The database in memory is one connection, so questions take turns.
    server = make_server("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def address(town: Catalog) -> Iterator[str]:
    """The address of the town's site."""
    with served(client_of(town).application) as found:
        yield found


def lines(*arguments: str) -> list[Any]:
    """What the command ``ckanapi`` writes."""
    # Its workers are found by name.
    environment = {**os.environ, "PATH": f"{CKANAPI.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([CKANAPI, *arguments], capture_output=True, timeout=60, check=True, env=environment)
    return done.stdout.splitlines()


def shown_ids(found: list[bytes]) -> list[str]:
    return sorted(json.loads(line)["id"] for line in found)


def test_ckanapi_searches_shows_and_is_told_what_is_wrong(address: str, town: Catalog) -> None:
    present = [entry.dataset.id for entry in town.walk()]
    for get_only in (False, True):
        with ckanapi.RemoteCKAN(address, get_only=get_only) as remote:
            assert remote.action.package_list() == present
            assert remote.action.package_show(id=present[0])["id"] == present[0]
            found = remote.action.package_search(fq="groups:transport", **{"facet.field": ["organization", "tags"]})
            assert (found["count"], found["facets"]["organization"]) == (25, {"water": 25})
            with pytest.raises(ckanapi.NotFound):
                remote.action.package_show(id="nobody")
            with pytest.raises(ckanapi.SearchQueryError):
                remote.action.package_search(fq="nobody:1")
            with pytest.raises(ckanapi.ValidationError):
                remote.action.package_search(rows="x")


def test_ckanapi_takes_everything_away_twice_alike(address: str, town: Catalog) -> None:
    present = [entry.dataset.id for entry in town.walk()]
    searched = [lines("search", "datasets", "-r", address) for _ in range(2)]
    assert searched[0] == searched[1] and shown_ids(searched[0]) == present
    dumped = [lines("dump", "datasets", "--all", "-r", address, "-p", "2", "-q") for _ in range(2)]
    assert dumped[0] == dumped[1] and sorted(dumped[0]) == sorted(searched[0])


def test_udatas_way_the_names_and_then_each_package(address: str, town: Catalog) -> None:
    with ckanapi.RemoteCKAN(address, get_only=True) as remote:
        shown = [remote.action.package_show(id=name) for name in remote.action.package_list()]
    assert [one["id"] for one in shown] == [entry.dataset.id for entry in town.walk()]


# Our own harvester


def test_our_own_harvester_finds_it_out_and_gets_every_dataset(address: str, town: Catalog, catalog: Catalog) -> None:
    with Http(requests_per_second=0, allow_private=LOOPBACK) as http:
        finding = probe(f"{address}/", http).findings[0]
    assert (finding.kind, finding.datasets, finding.pages, finding.filters_by_date) == ("ckan", 30, True, True)
    first = harvested(catalog, source("ckan", finding.url))
    assert (first.outcome, first.declared, first.counts) == (Outcome.COMPLETE, 30, Counts(listed=30, added=30))
    originals = {entry.dataset.id: entry.dataset for entry in town.walk()}
    copies = {entry.dataset.source_key: entry.dataset for entry in catalog.walk()}
    assert copies.keys() == originals.keys()
    assert {key: copy.title for key, copy in copies.items()} == {key: one.title for key, one in originals.items()}
    assert harvested(catalog, source("ckan", finding.url), full=True).counts == Counts(listed=30, unchanged=30)
    assert harvested(catalog, source("ckan", finding.url, page_size=7), full=True).counts.listed == 30


KEPT = (
    "title contact landing_page region periods themes keywords openness openness_condition frequency"
    " licence licence_url issued modified columns"
).split()
"""Of the town's dataset that says everything: the fields that come back as they were."""


def test_what_our_own_harvester_reads_is_what_stood(address: str, town: Catalog, catalog: Catalog) -> None:
    harvested(catalog, source("ckan", f"{address}/"))
    original = the(town.entry(dataset_of("1")))
    copy = the(catalog.find("portal", dataset_of("1")))
    assert {name: getattr(copy, name) for name in KEPT} == {name: getattr(original, name) for name in KEPT}
    assert (original.description, copy.titles["en"]) == (f"\u3000\u3000{copy.description}", original.titles["en"])
    assert all(getattr(original, name) for name in KEPT) and set(KEPT) <= set(EVERYTHING)
    assert copy.publisher is not None and copy.publisher.name == "杭州市水务局"
    assert [(one.title, one.format, one.download_url, one.size_bytes) for one in copy.distributions] == [
        ("水质.csv", "csv", "https://data.example.cn/1.csv", 34_567),
        (None, None, None, None),
    ]


def the(entry: Entry | None) -> Dataset:
    assert entry is not None
    return entry.dataset


def test_our_own_harvester_asks_for_changes_and_hears_of_what_is_gone(catalog: Catalog) -> None:
    ours = empty_catalog()
    filled(ours, *(made(f"{number:02}") for number in range(20)), source=HANGZHOU)
    index = MemoryIndex()
    catch_up(ours, index)
    with served(client_of(ours, index).application) as address:
        portal = source("ckan", f"{address}/")
        assert harvested(catalog, portal).counts.added == 20
        filled(ours, made("03", title="改过的"), made("99"), source=HANGZHOU)
        retire(ours, "05")
        catch_up(ours, index)
        changed = harvested(catalog, portal)
        # A portal's clock may be wrong, so changes are asked for from a day before: here that is everything.
        assert (changed.mode, changed.counts.added, changed.counts.updated) == (RunMode.INCREMENTAL, 1, 1)
        whole = harvested(catalog, portal, full=True)
    assert (whole.outcome, whole.counts.missing) == (Outcome.COMPLETE, 1)
    assert the(catalog.find("portal", dataset_of("03"))).title == "改过的"
    gone = catalog.find("portal", dataset_of("05"))
    assert gone is not None and gone.state is DatasetState.MISSING


# Everything by id, page by page, while datasets come and go


class Moving:
    """A catalogue of 60 datasets that changes between two pages: at each step one goes and five come."""

    def __init__(self, home: Path, *, narrowed: bool) -> None:
        self.catalog = empty_catalog()
        self.index = MemoryIndex()
        self.narrowed = narrowed
        self.staying = {dataset_of(f"s{number:02}5") for number in range(40)}
        self.names = [f"s{number:02}5" for number in range(40)] + [f"s{number:02}7" for number in range(0, 40, 2)]
        filled(self.catalog, *(made(name, themes=("transport",)) for name in self.names), source=HANGZHOU)
        catch_up(self.catalog, self.index)
        # As the processes of one installation: the same catalogue, index and home, and no memory in common.
        self.processes = [client_of(self.catalog, self.index, home=home) for _ in range(2)]
        self.steps = 0

    def change(self) -> None:
        """One goes that stood at the beginning, and more come: ahead of all, and in between from both ends."""
        step = self.steps
        if step < 20:
            retire(self.catalog, f"s{step * 2:02}7")
        filled(
            self.catalog,
            *(made(name, themes=("transport",)) for name in (f"s{step % 40:02}1", f"s{39 - step % 40:02}9")),
            *(made(f"a{step:02}{number}", themes=("transport",)) for number in range(3)),
            source=HANGZHOU,
        )
        catch_up(self.catalog, self.index)
        self.steps += 1

    def page(self, start: int, rows: int, **headers: str) -> dict[str, Any]:
        asked = {"start": start, "rows": rows, "sort": "id asc", **({"fq": "groups:transport"} if self.narrowed else {})}
        process: FlaskClient = self.processes[self.steps % 2]
        found = process.get(f"/api/3/action/package_search?{urlencode(asked)}", headers=headers).get_json()
        result: dict[str, Any] = found["result"]
        return result


def retire(catalog: Catalog, key: str) -> None:
    lease = catalog.sources.lease("hangzhou", "test")
    run = catalog.runs.start("hangzhou", RunMode.FULL, "test")
    with catalog.transaction(lease, run.id) as transaction:
        transaction.retire([dataset_of(key)], "withdrawn")
    catalog.sources.release(lease)


def until_empty(moving: Moving, rows: int) -> list[str]:
    """As ckanext-harvest reads: a page more until one is empty, ``start`` growing by what was asked for."""
    met: list[str] = []
    start = 0
    while results := moving.page(start, rows)["results"]:
        met += [one["id"] for one in results]
        start += rows
        moving.change()
    return met


def until_the_count(moving: Moving, rows: int) -> list[str]:
    """Until as many have come as are said to be there."""
    met: list[str] = []
    while True:
        found = moving.page(len(met), rows)
        met += [one["id"] for one in found["results"]]
        if len(met) >= found["count"]:
            return met
        assert found["results"], "whoever was told of more is given more"
        moving.change()


def one_again(moving: Moving, rows: int) -> list[str]:
    """As our own harvester does: each page begins with the last of the one before."""
    met = [one["id"] for one in moving.page(0, rows)["results"]]
    while True:
        moving.change()
        results = [one["id"] for one in moving.page(len(met) - 1, rows)["results"]]
        assert results[:1] == met[-1:], "the last of the page before"
        if not results[1:]:
            return met
        met += results[1:]


def each_twice(moving: Moving, rows: int) -> list[str]:
    """Every page asked for again, as after a time-out, and the answer to the second question taken."""
    met: list[str] = []
    start = 0
    while True:
        moving.page(start, rows)
        moving.change()
        results = moving.page(start, rows)["results"]
        if not results:
            return met
        met += [one["id"] for one in results]
        start += len(results)


@pytest.mark.parametrize("narrowed", [False, True], ids=["everything", "narrowed"])
@pytest.mark.parametrize("way", [until_empty, until_the_count, one_again, each_twice])
def test_h53_everything_by_id_is_given_exactly_once_while_a_harvest_runs(
    tmp_path: Path, way: Callable[[Moving, int], list[str]], narrowed: bool
) -> None:
    moving = Moving(tmp_path, narrowed=narrowed)
    met = way(moving, 7)
    assert moving.steps > 8
    assert len(met) == len(set(met)) and met == sorted(met)
    assert moving.staying <= set(met)


def test_h53_by_offsets_alone_some_would_be_skipped_or_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walks, "after", lambda *_: None)
    met = until_empty(Moving(tmp_path, narrowed=False), 7)
    assert len(met) != len(set(met)) or not Moving(tmp_path, narrowed=False).staying <= set(met)


def test_readers_of_other_names_do_not_disturb_each_other(tmp_path: Path) -> None:
    moving = Moving(tmp_path, narrowed=False)
    first = [one["id"] for one in moving.page(0, 10, **{"User-Agent": "one"})["results"]]
    retire(moving.catalog, "s005")
    moving.page(0, 10, **{"User-Agent": "other"})
    second = [one["id"] for one in moving.page(10, 10, **{"User-Agent": "one"})["results"]]
    assert second[0] > first[-1]
    every = [entry.dataset.id for entry in moving.catalog.walk()]
    assert every.index(second[0]) == every.index(first[-1]) + 1


def test_places_are_forgotten_after_an_hour_and_a_broken_file_costs_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Walks(tmp_path)
    assert kept.after("walk", 10) is None
    kept.remember("walk", {10: "a", 9: "b"})
    assert (kept.after("walk", 10), kept.after("walk", 9), kept.after("walk", 8), kept.after("other", 10)) == (
        "a", "b", None, None,
    )  # fmt: skip
    monkeypatch.setattr(walks, "KEPT_S", 0.0)
    assert kept.after("walk", 10) is None
    monkeypatch.undo()
    (tmp_path / walks.FILE).write_bytes(b"no database" * 1000)
    moving = Moving(tmp_path, narrowed=False)
    assert len(moving.page(0, 10)["results"]) == len(moving.page(10, 10)["results"]) == 10


def test_everything_is_given_while_the_index_lags_behind(tmp_path: Path) -> None:
    moving = Moving(tmp_path, narrowed=True)
    # More than a page in a row is gone from the catalogue and still in the index.
    for number in range(12):
        retire(moving.catalog, f"s{number:02}5")
    met: list[str] = []
    while results := moving.page(len(met), 5)["results"]:
        met += [one["id"] for one in results]
    present = [entry.dataset.id for entry in moving.catalog.walk() if entry.dataset.themes]
    assert met == present
