"""``nachuan high-value``: what an operator sees of the list."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nachuan.cli import nachuan
from schemas import high_value_entries
from tests.catalogs import empty_catalog, filled
from tests.portal.highvalue.test_following import buses


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``nachuan high-value …`` on a catalogue with bus stops of a city."""
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    filled(catalog, buses("1"), buses("2", region="330102"))
    catalog.close()
    runner = CliRunner()
    return lambda *arguments: runner.invoke(nachuan, ["high-value", *arguments])


def test_the_list_is_told_with_its_figures_and_looked_for_first(say: Callable[..., Result]) -> None:
    listed = json.loads(say("list", "--json").stdout)
    assert [one["id"] for one in listed] == list(high_value_entries())
    (entry,) = [one for one in listed if one["id"] == "TRA-1"]
    assert entry["datasets"] == 2 and entry["fields"] and entry["places"]["partial"] == 2
    assert "TRA-1" in say("list").output


def test_a_region_is_told_entry_by_entry(say: Callable[..., Result]) -> None:
    cells = {one["entry"]: one for one in json.loads(say("coverage", "--region", "330100", "--json").stdout)}
    assert cells["TRA-1"] == {"entry": "TRA-1", "region": "330100", "state": "partial", "datasets": 1, "within": 1}
    assert cells["COM-1"]["state"] == "unknown"
    assert {one["region"] for one in json.loads(say("coverage", "--json").stdout)} == {"330000", "100000"}
    wrong = say("coverage", "--region", "nowhere")
    assert wrong.exit_code == 2 and "no such region" in wrong.output


def test_what_serves_is_written_out_with_what_it_lacks(say: Callable[..., Result], tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(say("export").stdout.removeprefix("\ufeff"))))
    assert [(row["entry"], row["region"], row["lacks"]) for row in rows] == [
        ("TRA-1", "330100", "no-date"), ("TRA-1", "330102", "no-date"),
    ]
    say("export", "-o", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") == 3


def test_why_a_title_serves_or_does_not_is_said_by_its_words(say: Callable[..., Result]) -> None:
    assert say("explain", "公交线路站点信息").output.startswith("TRA-1 ")
    against = say("explain", "公交线路站点统计").output
    assert against.startswith("not TRA-1 ") and "but also 统计" in against
    assert "no rule" in say("explain", "机关党建工作动态").output
