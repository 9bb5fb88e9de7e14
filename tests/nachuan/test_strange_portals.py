"""What an operator is told of a portal of no family: which words are not understood, and why nothing was harvested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nachuan.commands.harvest import harvest
from nachuan.commands.sources import sources
from tests.catalogs import empty_catalog
from tests.harvester.harvesting import source
from tests.hostile import HostileServer, Script, answer, json_answer

ROWS = [
    {"dataId": f"d{number}", "dataName": f"公交站点 {number}", "resOrgName": "交通局", "resUpdateCycle": "4", "callNum": 3}
    for number in range(7)
]
LISTING = {"path": "api/page", "records": "data.list", "total": "data.total"}
PORTALS: dict[str, Script] = {
    "sound": json_answer({"data": {"list": ROWS, "total": 7}}),
    "elsewhere": json_answer({"body": ROWS, "page": {"total": 7}}),
    "xml": answer(f"<BusinessMessage><data>{json.dumps(ROWS)}</data></BusinessMessage>"),
}


@pytest.fixture(scope="module", params=PORTALS)
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The name of a portal, and the folder of an installation that has it as a source."""
    home = tmp_path_factory.mktemp("home")
    with HostileServer({"/api/page": PORTALS[request.param]}) as server:
        catalog = empty_catalog(f"sqlite:///{home}/nachuan.db")
        catalog.sources.put(source("jsonapi", f"{server.url}/", id="cn", listings={"sets": LISTING}))
        catalog.close()
        yield request.param, home


def run(home: Path, *arguments: str) -> Result:
    environment = {
        "NACHUAN_HOME": str(home), "NACHUAN_DATABASE_URL": None, "NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8", "COLUMNS": "200",
    }
    command, *rest = arguments
    return CliRunner().invoke({"harvest": harvest}.get(command, sources), rest or ["cn"], env=environment)


TOLD = {
    "sound": "",
    "elsewhere": "nothing at data.list: the answer has no data.list; lists of objects stand at body",
    "xml": "XML (BusinessMessage) instead of JSON",
}


def test_what_is_not_understood_is_told_before_anything_is_harvested(portal: tuple[str, Path]) -> None:
    name, home = portal
    for command in (("sources", "check", "cn"), ("sources", "preview", "cn")):
        told = run(home, *command)
        if name == "sound":
            assert "not understood: frequency 4\n" in told.output, told.output
        else:
            assert TOLD[name] in f"{told.output} {told.exception}"


def test_a_harvest_says_why_it_failed(portal: tuple[str, Path]) -> None:
    name, home = portal
    told = run(home, "harvest")
    assert TOLD[name] in told.output and ("failed" in told.output) == (name != "sound"), told.output
