"""``nachuan assess`` as an operator uses it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner, Result

from nachuan.cli import nachuan
from nachuan.errors import EXPECTED
from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.statements import Kind as Said
from portal.catalog.statements import Saying
from portal.catalog.store import Catalog
from portal.scorecard import keeping, periods, spans
from tests.catalogs import empty_catalog, filled, record
from tests.portal.scorecard.test_assess import new
from tests.portal.scorecard.test_rules import IMPORTED
from tests.portal.web.people import PASSWORD, cheap_passwords

Command = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command on a catalogue of two datasets of June 2026, of which one has no licence."""
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    monkeypatch.delenv("NACHUAN_SECRET_KEY", raising=False)
    monkeypatch.delenv("NACHUAN_DATABASE_URL", raising=False)
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    with time_machine.travel(datetime(2026, 6, 15, tzinfo=UTC)):
        filled(catalog, new("1"), record("2"))
    catalog.close()
    return lambda *arguments: CliRunner().invoke(nachuan, ["assess", *arguments])


def test_it_tells_the_score_its_bounds_and_what_was_measured(run: Command) -> None:
    told = run().output.splitlines()
    assert [line.split(":")[0].strip() for line in told] == ["national", "mqa", "five_star", "udata"]
    assert "over 2 datasets" in told[0] and "measured" in told[0]


def test_as_json_it_gives_the_figures(run: Command) -> None:
    (found,) = json.loads(run("--rules", "udata", "--json").output)
    assert (found["rules"], found["kind"], found["datasets"]) == ("udata", "nation", 2)


def test_of_an_earlier_day_it_knows_what_there_was(run: Command) -> None:
    assert run("--as-of", "2026-06-14").output == "There is no dataset to assess.\n"
    assert "over 2 datasets" in run("--as-of", "2026-06-15").output


def test_by_a_rule_set_from_outside_nothing_is_stored(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(IMPORTED, encoding="utf-8")
    # One of two datasets states a licence: half of 10.
    assert run("--rules", str(path)).output == "      mine: 5.0 (5.0 to 5.0) over 2 datasets, 100% of it measured\n"
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    assert catalog.assessments.state() is None
    catalog.close()


def test_a_period_is_frozen_with_the_key_that_is_kept_and_written_out(run: Command, tmp_path: Path) -> None:
    with time_machine.travel(datetime(2026, 7, 2, tzinfo=UTC)):
        assert "Froze 2026H1: 2 datasets as of 2026-06-30." in run("freeze", "2026H1").output
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    assert periods.is_signed(catalog, "2026H1", (tmp_path / "secret-key").read_text(encoding="utf-8").strip())
    catalog.close()
    written = run("export", "2026H1", "--table", "indicators")
    lines = csv.DictReader(io.StringIO(written.stdout_bytes.decode("utf-8-sig")))
    wanted = ("national", "nation", "licence")
    (licence,) = [line for line in lines if (line["rules"], line["kind"], line["indicator"]) == wanted]
    assert (licence["passed"], licence["failed"]) == ("1", "1")


def test_a_frozen_period_is_verified_and_one_that_comes_out_otherwise_is_told(run: Command, tmp_path: Path) -> None:
    with time_machine.travel(datetime(2026, 7, 2, tzinfo=UTC)):
        run("freeze", "2026H1")
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    filled(catalog, new("1", rows=0), new("3"))
    same = run("verify", "2026H1")
    assert (same.exit_code, same.output.splitlines()[-1]) == (
        0, "2026H1 comes out as it was frozen: 2 datasets as of 2026-06-30."
    )
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM change WHERE kind = 'updated'")
    catalog.close()
    other = run("verify", "2026H1")
    assert other.exit_code == 1 and "comes out otherwise" in other.output and ", and now " in other.output


def test_a_change_is_taken_apart_for_the_whole_nation_too(run: Command, tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    with time_machine.travel(datetime(2026, 6, 20, tzinfo=UTC)):
        filled(catalog, new("3"))
    catalog.close()
    days = ("--from", "2026-06-15", "--to", "2026-06-21")
    first, added = run("why", "nation", "all", *days).output.splitlines()
    assert " -> " in first and added.endswith("added: 1 datasets")
    found = json.loads(run("why", "nation", "all", *days, "--json").output)
    assert [part["dataset_ids"] for part in found["parts"]] == [["hang000000000003"]]
    assert "has no score" in run("why", "regions", "440000", *days).output
    assert "must be before" in run("why", "nation", "all", "--from", "2026-06-21", "--to", "2026-06-21").output


def test_the_changes_of_large_groups_are_worked_out_once_a_day(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MOST_DATASETS", 1)
    monkeypatch.setattr(keeping, "BACK", timedelta(days=1))
    with time_machine.travel(datetime(2026, 6, 17, 2, tzinfo=UTC)):
        run()
        # Of the nation, the theme, and two types of institution.
        assert run("keep").output == "Kept 4 explanations up to 2026-06-16.\n"
        assert run("keep").output == "Everything is worked out up to 2026-06-16.\n"


@pytest.mark.parametrize(
    "arguments,words",
    [
        (("--rules", "nowhere.toml"), "nowhere.toml is neither"),
        (("export", "2026H1"), "the period 2026H1 is not frozen"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(run: Command, arguments: tuple[str, ...], words: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, EXPECTED)
    assert words in str(error) and "\n" not in str(error)


def _begun(run: Command, tmp_path: Path) -> Catalog:
    """A preview with an officer of the one department there is, at a moment within its week."""
    with time_machine.travel(datetime(2026, 7, 1, 8, tzinfo=UTC)):
        told = run("preview", "2026H1", "--days", "3").output
    assert "Shows 2026H1: 2 datasets as of 2026-06-30." in told
    assert "departments may speak until 2026-07-05 00:00 (Beijing)" in told
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    with cheap_passwords():
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department="330100.transport")
    return catalog


def test_a_preview_is_begun_told_of_answered_and_frozen(run: Command, tmp_path: Path) -> None:
    catalog = _begun(run, tmp_path)
    with time_machine.travel(datetime(2026, 7, 2, tzinfo=UTC)):
        error = run("freeze", "2026H1").exception
        assert isinstance(error, EXPECTED) and "open until 2026-07-05 00:00 (Beijing)" in str(error)
        saying = Saying(kind=Said.DISPUTE, rules="national", indicator="licence", text="一行\n两行")
        made = catalog.statements.say("2026H1", saying, by="zhou")
    with time_machine.travel(datetime(2026, 7, 6, tzinfo=UTC)):
        error = run("freeze", "2026H1").exception
        assert isinstance(error, EXPECTED)
        assert "1 of the disputes of 2026H1 have no answer yet: nachuan assess statements 2026H1 --open" in str(error)
        first, *lines = run("statements", "2026H1", "--open").output.splitlines()
        assert first.split() == ["1", "open", "dispute", "330100.transport", "national.licence"]
        assert lines == ["       一行", "       两行"]
        assert isinstance(run("answer", str(made.number), "--text", "成立。").exception, EXPECTED)
        assert run("answer", str(made.number), "--text", "成立。", "--verdict", "upheld").exit_code == 0
        assert run("statements", "2026H1", "--open").output == ""
        (told,) = json.loads(run("statements", "2026H1", "--json").output)
        assert (told["department"], told["answers"][0]["text"]) == ("330100.transport", "成立。")
        assert "1 statements SHA-256" in run("freeze", "2026H1").output
    catalog.close()
    lines = run("export", "2026H1-pre", "--format", "json", "--table", "datasets").output
    assert len(json.loads(lines)) == 2


def test_a_preview_is_extended_called_off_and_begun_again(run: Command, tmp_path: Path) -> None:
    _begun(run, tmp_path).close()
    with time_machine.travel(datetime(2026, 7, 2, tzinfo=UTC)):
        told = run("extend", "2026H1", "--until", "2026-07-10", "--reason", "维护占去两天。")
        assert told.output == "Departments may speak about 2026H1 until 2026-07-11 00:00 (Beijing).\n"
        assert isinstance(run("extend", "2026H1", "--until", "2026-07-09", "--reason", "短些。").exception, EXPECTED)
        assert run("call-off", "2026H1").exit_code == 2, "a reason is needed"
        assert "preview 2026H1 begins another" in run("call-off", "2026H1", "--reason", "认定有误。").output
        error = run("freeze", "2026H1").exception
        assert isinstance(error, EXPECTED) and "was called off" in str(error)
        assert "Shows 2026H1: 2 datasets" in run("preview", "2026H1", "--days", "1").output
    with time_machine.travel(datetime(2026, 7, 5, tzinfo=UTC)):
        assert run("freeze", "2026H1").exit_code == 0
    lines = run("export", "2026H1-p2", "--format", "json", "--table", "datasets").output
    assert len(json.loads(lines)) == 2


def test_what_was_never_previewed_has_no_statements(run: Command) -> None:
    told = run("statements", "2026H1")
    assert told.exit_code == 1 and "there was no preview of 2026H1" in told.output
