"""``nachuan appearances``: what an operator sees of one dataset met twice, and says about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nachuan import installation
from nachuan.cli import nachuan
from portal.catalog.appearances import UnknownDataset
from portal.search.facets import Appearances
from portal.search.query import Query
from tests.catalogs import empty_catalog
from tests.harvester.test_counting import made, put

CITY = made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局").dataset.id
PROVINCE = made("jiangsu", "1", "保安培训机构", "徐州市公安局").dataset.id


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``nachuan appearances …`` on a catalogue with one dataset at two portals."""
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    put(
        catalog,
        made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局"),
        made("jiangsu", "1", "保安培训机构", "徐州市公安局"),
    )
    catalog.close()
    runner = CliRunner()
    return lambda *arguments: runner.invoke(nachuan, ["appearances", *arguments])


def test_links_are_made_listed_and_shown_with_their_reason(say: Callable[..., Result]) -> None:
    assert say("catch-up").output == "Followed 2 changes and decisions, compared 2 entries.\n"
    assert say("rebuild").output == "Compared 2 entries: 2 entries are 1 datasets.\n"
    assert say("list").output == "        1  department: Same department\n"
    assert say("list", "--reason", "department").output == f"{PROVINCE}  {CITY}  counted as {CITY}\n"
    assert say("show", PROVINCE).output.splitlines() == [
        f"{CITY}  xuzhou: 市公安局_保安培训机构  (counted)",
        f"{PROVINCE}  jiangsu: 保安培训机构  (department beside {CITY})",
    ]


def test_what_follows_a_harvest_counts_before_it_indexes(say: Callable[..., Result]) -> None:
    given = installation.settings()
    with installation.catalog() as catalog, installation.index(given) as index:
        installation.follow(catalog, given)
        hits = index.search(Query(appearances=Appearances.ONCE)).hits
    assert [hit.id for hit in hits] == [CITY]


def test_an_operator_takes_two_apart_and_takes_it_back(say: Callable[..., Result]) -> None:
    say("catch-up")
    apart = say("decide", CITY, PROVINCE, "--apart", "--by", "审核员", "--note", "口径不同")
    assert apart.output == f"{CITY} and {PROVINCE} are two datasets.\n"
    assert say("rebuild").output == "Compared 2 entries: 2 entries are 2 datasets.\n"
    shown = json.loads(say("show", CITY, "--json").output)
    assert shown["appearances"] == [] and [one["note"] for one in shown["decisions"]] == ["口径不同"]
    assert "审核员 said apart of" in say("show", CITY).output
    assert say("undo", PROVINCE, CITY).output == f"{PROVINCE} and {CITY} are one dataset.\n"


def test_what_cannot_be_decided_is_refused(say: Callable[..., Result]) -> None:
    assert say("decide", CITY, PROVINCE).exit_code == 2
    assert say("decide", CITY, CITY, "--apart").exit_code == 2
    assert isinstance(say("decide", CITY, "nobody", "--apart").exception, UnknownDataset)
    assert isinstance(say("show", "nobody").exception, UnknownDataset)
