"""What goes wrong around the command is told in one line: what, where, what to do."""

from __future__ import annotations

import csv
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from nachuan import installation
from nachuan.cli import nachuan
from nachuan.errors import EXPECTED, told
from portal.catalog.model import Issue, Outcome
from portal.catalog.store import Catalog
from tests.catalogs import SOURCE, filled, postgresql_runs, record
from tests.fixtures import needs


def ran(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(nachuan, arguments, input=typed)


def line(result: Result) -> str:
    """What the command would say, which is one line."""
    assert result.exception is not None
    said = result.output if isinstance(result.exception, SystemExit) else told(result.exception)
    assert isinstance(result.exception, (SystemExit, *EXPECTED)), result.exception
    assert said.strip() and "\n" not in said.strip()
    return said.strip()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is yet."""
    for name in list(os.environ):
        if name.startswith("NACHUAN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NACHUAN_SEARCH_URL", "whoosh:")
    return tmp_path / "home"


@pytest.fixture
def catalogue(home: Path) -> Path:
    """A home with a catalogue of one source, and two runs of it: one complete, one held and rejected."""
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    catalog.upgrade()
    run = catalog.runs.get(filled(catalog, record("a")))
    catalog.runs.add_issues(run, [(None, Issue(code="field.not-understood", seen="=1+1", detail="-1"))])
    held = catalog.runs.get(filled(catalog, record("b")))
    catalog.runs.add_issues(held, [(None, Issue(code="listing.shrank", seen="9/10"))])
    catalog.runs.save(replace(held, outcome=Outcome.HELD, cause="listing.shrank", decision="rejected"))
    catalog.close()
    return home


def test_a_command_that_reads_makes_no_catalogue_where_none_is(home: Path) -> None:
    for command in (("sources", "list"), ("doctor",), ("db", "backup", str(home.parent / "saved"))):
        result = ran(*command)
        assert result.exit_code == 1
    assert "there is no catalogue in sqlite:///" in line(ran("sources", "list"))
    assert not home.exists()


@pytest.mark.parametrize("url", ["postgresql://postgres:secret@127.0.0.1:1/x", "sqlite:////dev/null/x.db", "sqlite:////etc"])
@pytest.mark.parametrize("command", [("sources", "list"), ("db", "upgrade"), ("harvest", "--all")])
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NACHUAN_DATABASE_URL", url)
    # A harvest waits a minute for a database that may be restarting.
    monkeypatch.setattr(installation, "DATABASE_PATIENCE_S", 0)
    assert "secret" not in line(ran(*command))


@needs("postgresql", postgresql_runs(), "no PostgreSQL here")
def test_a_database_that_a_server_lacks_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NACHUAN_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/nachuan_no_such_database")
    assert '"nachuan_no_such_database" does not exist' in line(ran("sources", "list"))


@pytest.mark.parametrize("url", ["postgresql://postgres@127.0.0.1:1/x", "sqlite:////etc", "nonsense"])
def test_the_doctor_looks_at_the_rest_when_the_database_is_gone(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("NACHUAN_DATABASE_URL", url)
    told = ran("doctor").output
    assert "well  settings" in told and "CURE  database" in told and "NACHUAN_DATABASE_URL" in told


def test_a_damaged_database_is_one_line(catalogue: Path) -> None:
    for file in catalogue.glob("nachuan.db*"):
        file.write_bytes(b"not a database " * 1000)
    assert line(ran("sources", "list")).endswith("cannot be used: file is not a database")


@pytest.mark.parametrize("content", [b"root:x:0:0\n" * 200, b""])
def test_what_is_no_saved_catalogue_replaces_nothing(catalogue: Path, content: bytes) -> None:
    saved = catalogue / "saved"
    saved.write_bytes(content)
    assert str(saved) in line(ran("db", "restore", str(saved), "--replace"))
    assert ran("db", "check").exit_code == 0 and SOURCE.id in ran("sources", "list").output


def test_a_backup_into_no_folder_is_one_line(catalogue: Path) -> None:
    assert "there is no folder" in line(ran("db", "backup", str(catalogue / "no" / "saved.db")))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("sources", "remove", "nobody", "--yes"), "no source has the id 'nobody'"),
        (("sources", "remove", "nobody"), "no source has the id 'nobody'"),
        (("runs", "list", "--source", "nobody"), "no source has the id 'nobody'"),
        (("sources", "add", "http://127.0.0.1/"), "sets NACHUAN_ALLOW_PRIVATE"),
        (("assess", "freeze", "2020H1"), "there was no dataset on 2020-06-30"),
    ],
)
def test_what_cannot_be_done_says_so(catalogue: Path, command: tuple[str, ...], says: str) -> None:
    assert says in line(ran(*command))


@pytest.mark.parametrize(
    "command",
    [
        ("sources", "add", "data.example.cn"),
        ("sources", "check", "ftp://data.example.cn/"),
        ("sources", "preview", "hangzhou", "-n", "0"),
        ("assess", "--as-of", "2999-01-01"),
    ],
)
def test_wrong_usage_is_two(catalogue: Path, command: tuple[str, ...]) -> None:
    assert ran(*command).exit_code == 2


def test_a_table_is_whole_where_no_terminal_is(catalogue: Path) -> None:
    listed = ran("sources", "list").output
    assert SOURCE.title in listed and "…" not in ran("runs", "list").output


def test_a_run_says_what_was_decided_and_no_cure_any_more(catalogue: Path) -> None:
    shown = ran("runs", "show", "2").output
    assert "held (rejected)" in shown and "1 × listing.shrank\n" in shown


def test_issues_as_csv_hold_nothing_that_a_spreadsheet_computes(catalogue: Path) -> None:
    (row,) = csv.DictReader(io.StringIO(ran("runs", "show", "1", "--csv").output))
    assert (row["seen"], row["detail"]) == ("'=1+1", "'-1")


@pytest.mark.slow
def test_a_reader_who_has_read_enough_is_told_nothing(catalogue: Path) -> None:
    command = f"{sys.executable} -m nachuan export --format jsonl | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


def test_a_second_demonstration_in_the_same_place_is_told_so(home: Path) -> None:
    home.mkdir()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = str(held.getsockname()[1])
        (home / "sandbox-port").write_text(port)
        said = line(ran("demo", "--port", "0"))
    assert f"cannot listen on 127.0.0.1:{port}" in said and "another `nachuan demo` is still at work" in said
