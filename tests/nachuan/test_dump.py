"""``nachuan dump``, and the dump that the schedule makes every night."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner, Result
from msgspec.structs import replace

from nachuan import installation
from nachuan.commands import serving
from nachuan.commands.dump import dump
from portal.catalog.store import Catalog
from portal.web import dumps
from tests.nachuan.test_export import home

__all__ = ["home"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dump, arguments)


def test_the_command_dumps_the_catalogue_and_says_what_it_made(home: Path) -> None:
    result = run("--json", "--base-url", "https://data.example.gov/")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["day"] == datetime.now(UTC).date().isoformat() and [one["datasets"] for one in told["files"]] == [2, 2, 2]
    again = run()
    assert again.exit_code == 1 and "--again" in again.output
    shown = run("--again")
    assert shown.exit_code == 0 and "catalogue.jsonl.gz" in shown.output


def test_the_command_keeps_as_many_as_are_set_and_all_where_none_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime.now(UTC)
    for kept, days in (("2", 2), ("0", 3)):
        monkeypatch.setenv("NACHUAN_DUMPS_KEPT", kept)
        for day in range(3):
            with time_machine.travel(start + timedelta(days=day), tick=False):
                assert run("--again").exit_code == 0
        assert len(dumps.days(home)) == days


def test_the_schedule_dumps_once_a_night_and_keeps_as_many_as_are_set(home: Path) -> None:
    catalog, stop = Catalog(f"sqlite:///{home / 'nachuan.db'}"), threading.Event()
    given = replace(installation.settings(), dumps_kept=2)
    midnight = datetime.now(UTC).replace(hour=0, minute=1) + timedelta(days=1)
    serving._dump(catalog, given, stop)
    assert dumps.days(home) == [], "before the first night"
    for day in range(4):
        with time_machine.travel(midnight + timedelta(days=day), tick=False):
            serving._dump(catalog, given, stop)
            (newest, *_) = dumps.days(home)
            made = dumps.manifest(home, newest)
            serving._dump(catalog, given, stop)
            assert dumps.manifest(home, newest) == made
    assert dumps.days(home) == [(midnight + timedelta(days=day)).date().isoformat() for day in (3, 2)]
    catalog.close()


def test_where_there_is_no_room_the_schedule_waits_before_it_tries_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    catalog, stop = Catalog(f"sqlite:///{home / 'nachuan.db'}"), threading.Event()
    monkeypatch.setattr(serving, "DUMP_AGAIN_S", 0.01)
    (home / dumps.FOLDER).write_text("a file where the folder should be")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=False):
        serving._dump(catalog, installation.settings(), stop)
    assert "no dump could be made" in caplog.text
    catalog.close()


def test_the_schedule_makes_none_where_none_are_kept_and_stops_when_told(home: Path) -> None:
    catalog, stop = Catalog(f"sqlite:///{home / 'nachuan.db'}"), threading.Event()
    given = installation.settings()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=False):
        serving._dump(catalog, replace(given, dumps_kept=0), stop)
        assert dumps.days(home) == []
        stop.set()
        serving._dump(catalog, given, stop)
        assert dumps.days(home) == [] and list((home / dumps.FOLDER).glob(".making-*")) == []
    catalog.close()
