"""The index is compared with the catalogue once a day, and the doctor says what was found (fault X94)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import time_machine
from click.testing import CliRunner

from nachuan import comparing, installation
from nachuan.cli import nachuan
from portal.catalog.store import Catalog
from portal.search import generations, indexing
from portal.search.query import Position, Query
from portal.settings import Settings
from tests.catalogs import empty_catalog, filled, record


@pytest.fixture(params=["tantivy:", "whoosh:"])
def given(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("NACHUAN_SEARCH_URL", request.param)
    return installation.settings()


@pytest.fixture
def catalog(given: Settings) -> Iterator[Catalog]:
    """A catalogue with an index that has followed it."""
    catalog = empty_catalog(given.database_url)
    filled(catalog, *(record(str(number)) for number in range(20)))
    installation.follow_index(catalog, given)
    yield catalog
    catalog.close()


def doctor() -> str:
    """What the doctor says of the index."""
    told = CliRunner().invoke(nachuan, ["doctor"]).output.splitlines()
    return next(line for line in told if " index: " in line)


def test_x94_the_index_is_compared_once_a_day_and_what_differs_is_made_good(given: Settings, catalog: Catalog) -> None:
    assert "never compared" in doctor()
    with time_machine.travel("2026-06-01T00:00:30Z", tick=False):
        first = comparing.compare_when_due(catalog, given, Event())
        assert first is not None and not first.found.differed
        assert "compared on 2026-06-01: no difference in 20 datasets" in doctor()
    with installation.index(given) as index:
        index.apply((), [record("7").dataset.id, record("8").dataset.id], Position(catalog.last_change()))
    with time_machine.travel("2026-06-01T23:59:30Z", tick=False):
        assert comparing.compare_when_due(catalog, given, Event()) is None
    with time_machine.travel("2026-06-02T00:00:10Z", tick=False):
        assert comparing.compare_when_due(catalog, given, Event()) is not None
        assert "it lacked 2, had 0 too many and 0 that were out of date: made good" in doctor()
        with installation.index(given) as index:
            assert indexing.check(catalog, index).agrees
    with time_machine.travel("2026-06-05T00:00:11Z", tick=False):
        assert doctor().startswith("CURE")


def test_x94_a_clock_that_was_wrong_once_does_not_put_it_off(given: Settings, catalog: Catalog) -> None:
    with time_machine.travel("2099-01-01T12:00:00Z", tick=False):
        assert comparing.compare_when_due(catalog, given, Event()) is not None
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False):
        assert comparing.compare_when_due(catalog, given, Event()) is not None
        assert comparing.compare_when_due(catalog, given, Event()) is None


def test_x94_a_comparison_that_is_stopped_is_not_done(given: Settings, catalog: Catalog) -> None:
    stop = Event()
    stop.set()
    assert comparing.compare_when_due(catalog, given, stop) is None
    assert comparing.compared(given) is None


def test_x94_a_record_of_a_comparison_that_cannot_be_read_is_none(given: Settings, catalog: Catalog) -> None:
    comparing.compare_when_due(catalog, given, Event())
    (given.home / "index-compared.json").write_bytes(b"{\x00")
    assert comparing.compared(given) is None
    assert comparing.compare_when_due(catalog, given, Event()) is not None


def test_x94_files_damaged_further_in_are_found_at_night_and_made_anew(
    given: Settings, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_POLL_S", 0.001)
    stored = [path for path in (given.home / "search").rglob("g*/*") if path.suffix in (".store", ".seg")]
    assert stored
    for path in stored:
        words = bytearray(path.read_bytes())
        middle = len(words) // 4
        words[middle : middle * 3] = b"\xff" * (middle * 2)
        path.write_bytes(words)
    done = comparing.compare_when_due(catalog, given, Event())
    # Whoosh reads all that is stored when it opens: it was made anew before anything was compared.
    assert done is not None and done.found.rebuilt is (given.search_url == "tantivy:")
    with installation.index(given) as index:
        assert indexing.check(catalog, index).agrees
        assert index.search(Query()).total == 20
