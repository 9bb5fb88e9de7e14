"""``nachuan sources audit`` as an operator uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nachuan.commands.sources import sources
from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog
from tests.harvester.harvesting import harvested, source
from tests.hostile import HostileServer, answer

ROWS = [
    {"标题": "公交", "提供单位": "交通局", "更新频率": "每年", "涉密等级": "一般"},
    {"标题": "路灯", "提供单位": "城管局", "更新频率": "看情况"},
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder of an installation that has harvested one portal."""
    home: Path = tmp_path_factory.mktemp("home")
    catalog = empty_catalog(f"sqlite:///{home}/nachuan.db")
    with HostileServer({"/list": answer(json.dumps(ROWS))}) as portal:
        harvested(catalog, source("csvlist", f"{portal.url}/list", id="cn"))
    catalog.close()
    yield str(home)


def audit(home: str, *arguments: str) -> str:
    environment = {"NACHUAN_HOME": home, "NACHUAN_DATABASE_URL": None, "COLUMNS": "200"}
    done = CliRunner().invoke(sources, ["audit", "cn", *arguments], env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_an_audit_tells_undecided_keys_and_words_that_are_not_understood(home: str) -> None:
    told = audit(home)
    assert "涉密等级" in told and "看情况 (1)" in told


def test_an_audit_as_csv_tells_each_field_and_each_value_not_understood(home: str) -> None:
    lines = audit(home, "--csv").splitlines()
    assert lines[:3] == [
        "field,given,understood,share,not_understood,count",
        "frequency,2,1,0.5000,,1",
        "frequency,,,,看情况,1",
    ]
    assert "functions,2,2,1.0000,,0" in lines


def test_an_audit_as_json_tells_the_undecided_keys(home: str) -> None:
    assert json.loads(audit(home, "--json"))["undecided"] == [{"path": "涉密等级", "records": 1, "example": "一般"}]


def test_an_audit_of_a_source_of_which_nothing_was_harvested_does_not_say_that_all_is_well(home: str) -> None:
    catalog = Catalog(f"sqlite:///{home}/nachuan.db")
    catalog.sources.put(source("csvlist", "http://example.cn/nothing", id="none"))
    catalog.close()
    done = CliRunner().invoke(sources, ["audit", "none"], env={"NACHUAN_HOME": home, "NACHUAN_DATABASE_URL": None})
    assert "Nothing was harvested" in done.stdout and "Every key is decided" not in done.stdout
