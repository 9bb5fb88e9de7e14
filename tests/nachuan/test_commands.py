"""The command as a newcomer and an operator use it, on the make-believe federation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from harvester import sourcefiles
from harvester.sandbox.serve import Sandbox
from nachuan.cli import COMMANDS, main
from portal.catalog.model import Guard
from tests.federation import federation, own_federation

__all__ = ["federation", "own_federation"]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def nachuan(tmp_path: Path) -> Iterator[Command]:
    """Runs ``nachuan …`` as a process with a home of its own."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NACHUAN_")},
        "NACHUAN_HOME": str(tmp_path / "home"),
        "NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8",
        "COLUMNS": "200",
    }

    def run(*arguments: str, home: str | None = None) -> subprocess.CompletedProcess[str]:
        given = environment | ({"NACHUAN_HOME": home} if home else {})
        command = [sys.executable, "-m", "nachuan", *arguments]
        return subprocess.run(command, env=given, capture_output=True, text=True, timeout=120)

    yield run


def provisioned(sandbox: Sandbox, folder: Path, *ids: str, guard: Guard = Guard()) -> Path:
    folder.mkdir(exist_ok=True)
    for id in ids:
        source = msgspec.structs.replace(sandbox.source(id), guard=guard, schedule="manual")
        (folder / f"{id}.toml").write_text(sourcefiles.write(source), encoding="utf-8")
    return folder


def test_help_names_every_command_quickly_and_without_importing_them() -> None:
    code = "import sys; from nachuan.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'sqlalchemy', 'flask', 'rdflib', 'requests'} & set(sys.modules), 'heavy imports'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", ["harvest", "no-such-command"])
def test_wrong_usage_is_two(command: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([command])
    assert left.value.code == 2


@pytest.mark.slow
def test_a_missing_database_is_one_line(nachuan: Command) -> None:
    missing = nachuan("sources", "list")
    assert missing.returncode == 1
    (line,) = missing.stderr.splitlines()
    assert line.startswith("nachuan: there is no catalogue in sqlite:///") and "run `nachuan db upgrade`" in line


@pytest.mark.slow
def test_a_newcomers_first_hour(nachuan: Command, own_federation: Sandbox, tmp_path: Path) -> None:
    address = own_federation.source("zj-hangzhou").url
    assert nachuan("db", "upgrade").returncode == 0
    assert "sources: there are none" in nachuan("doctor").stdout

    checked = nachuan("sources", "check", address)
    assert checked.returncode == 0 and checked.stdout.startswith("ckan 2.10"), checked.stdout + checked.stderr
    assert "answers page by page" in checked.stdout

    added = nachuan("sources", "add", address, "--id", "hz", "--region", "330100")
    assert added.returncode == 0, added.stderr
    again = nachuan("sources", "add", address, "--id", "hz2")
    assert again.returncode == 1 and "already harvested as 'hz'" in again.stderr

    previewed = nachuan("sources", "preview", "hz", "-n", "3", "--json")
    assert len(json.loads(previewed.stdout)["records"]) == 3
    assert nachuan("runs", "list", "--json").stdout.strip() == "[]"

    harvested = nachuan("harvest", "hz", "--json")
    assert harvested.returncode == 0, harvested.stderr
    (run,) = json.loads(harvested.stdout)
    truth = own_federation.truth("zj-hangzhou")
    usable = sum(1 for title in truth.values() if title is not None)
    assert run["counts"]["added"] == usable and run["outcome"] == "complete"

    assert nachuan("index", "check").stdout.startswith(f"The index agrees with the database on {usable}")
    exported = nachuan("export", "--format", "jsonl")
    assert len(exported.stdout.splitlines()) == usable
    well = nachuan("doctor")
    assert well.returncode == 0 and "CURE" not in well.stdout, well.stdout
    assert re.search(r"^well  pdf: (printed by /|no Chromium to print with)", well.stdout, re.MULTILINE)

    saved = tmp_path / "saved.db"
    assert nachuan("db", "backup", str(saved)).returncode == 0
    elsewhere = str(tmp_path / "elsewhere")
    Path(elsewhere).mkdir()
    restored = nachuan("db", "restore", str(saved), home=elsewhere)
    assert restored.stdout == f"Restored {usable:,} datasets.\n", restored.stderr
    refused = nachuan("db", "restore", str(saved), home=elsewhere)
    assert refused.returncode == 1 and "--replace" in refused.stderr

    removed = nachuan("sources", "remove", "hz", "--yes")
    assert removed.stdout == f"Retired {usable:,} datasets.\n"
    assert nachuan("export").stdout == ""


@pytest.mark.slow
def test_a_portal_that_empties_is_held_and_an_operator_decides(
    nachuan: Command, own_federation: Sandbox, tmp_path: Path
) -> None:
    folder = provisioned(own_federation, tmp_path / "sources", "zj-hangzhou", "bj-beijing")
    nachuan("db", "upgrade")
    assert nachuan("sources", "apply", str(folder)).stdout.startswith("2 changed")
    assert nachuan("sources", "apply", str(folder)).stdout == "Nothing changed.\n"
    assert nachuan("harvest", "--all").returncode == 0

    own_federation.fault("empty-listing", "zj-hangzhou")
    held = nachuan("harvest", "zj-hangzhou", "--full")
    assert held.returncode == 1 and "held" in held.stderr
    run, *_ = json.loads(nachuan("runs", "list", "--source", "zj-hangzhou", "--json").stdout)
    assert run["outcome"] == "held"
    assert "listing.shrank" in nachuan("runs", "show", str(run["id"])).stdout
    assert "holds back" in nachuan("doctor").stdout
    before = len(nachuan("export").stdout.splitlines())

    assert nachuan("runs", "reject", str(run["id"])).returncode == 0
    twice = nachuan("runs", "approve", str(run["id"]))
    assert twice.returncode == 1 and "already rejected" in twice.stderr
    assert len(nachuan("export").stdout.splitlines()) == before


@pytest.mark.slow
def test_a_dry_run_writes_nothing(nachuan: Command, federation: Sandbox, tmp_path: Path) -> None:
    folder = provisioned(federation, tmp_path / "sources", "bj-beijing")
    nachuan("db", "upgrade")
    nachuan("sources", "apply", str(folder))
    dry = nachuan("harvest", "bj-beijing", "--dry-run")
    assert dry.returncode == 0 and "nothing was written" in dry.stdout
    assert nachuan("runs", "list", "--json").stdout.strip() == "[]"


@pytest.mark.slow
def test_an_unknown_portal_is_reported_with_what_was_tried(nachuan: Command, federation: Sandbox) -> None:
    done = nachuan("sources", "check", f"{federation.address}/nothing-here/")
    assert done.returncode == 1
    assert "not ckan, dkan, datajson, dcat, csw, oaipmh, " in done.stdout
    refused = nachuan("sources", "check", "http://10.0.0.1/")
    assert refused.returncode == 1 and "10.0.0.1" in refused.stderr


@pytest.mark.slow
def test_work_harvests_what_is_due_and_stops_when_told(
    own_federation: Sandbox, tmp_path: Path, nachuan: Command
) -> None:
    folder = tmp_path / "sources"
    provisioned(own_federation, folder, "bj-beijing")
    text = (folder / "bj-beijing.toml").read_text(encoding="utf-8").replace('"manual"', '"@hourly"')
    (folder / "bj-beijing.toml").write_text(text, encoding="utf-8")
    nachuan("db", "upgrade")
    nachuan("sources", "apply", str(folder))
    environment = {**os.environ, "NACHUAN_HOME": str(tmp_path / "home"), "NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8"}
    process = subprocess.Popen([sys.executable, "-m", "nachuan", "work"], env=environment)
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            runs = json.loads(nachuan("runs", "list", "--json").stdout)
            if runs and runs[0]["outcome"] == "complete":
                break
            time.sleep(1)
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert [run["outcome"] for run in runs] == ["complete"]
    assert nachuan("index", "check").returncode == 0
