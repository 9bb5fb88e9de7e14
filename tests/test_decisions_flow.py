"""From a name nobody knows to a decision that holds: portal, catalogue, site, scheduler and index together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from harvester.rereading import reread_decided
from harvester.scheduler import Scheduler
from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.model import Run, RunMode
from portal.catalog.store import Catalog
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.search.query import Query
from tests.catalogs import empty_catalog
from tests.harvester.harvesting import Documents, harvested, source
from tests.portal.web.people import PASSWORD, cheap_passwords, send, sign_in
from tests.portal.web.town import client_of, says

NOBODY = "地区管理员"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A catalogue in a file: the scheduler's threads and the site use it at the same time."""
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield catalog
    catalog.close()


@pytest.fixture
def documents() -> Iterator[Documents]:
    with Documents() as documents:
        yield documents


def until(condition: Callable[[], bool]) -> None:
    """Waits for what the scheduler's threads do; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def test_a_name_is_decided_takes_hold_is_kept_and_is_undone(catalog: Catalog, documents: Documents) -> None:
    entries = [
        {"identifier": key, "title": f"市场主体 {key}", "publisher": {"name": name}}
        for key, name in (("1", NOBODY), ("2", NOBODY), ("3", "杭州市教育局"))
    ]
    documents.put("/data.json", {"dataset": entries})
    made = source("datajson", f"{documents.url}/data.json", id="hangzhou")
    portal = msgspec.structs.replace(made, region="330100", schedule="manual")
    harvested(catalog, portal)
    index = MemoryIndex()
    catch_up(catalog, index)

    def refused(id: str, full: bool) -> Run:
        raise AssertionError("no portal is to be asked")

    scheduler = Scheduler(
        catalog,
        refused,
        reread=lambda id: reread_decided(catalog.sources.get(id).source, catalog, holder="test"),
        after=lambda: catch_up(catalog, index) and None,
    )

    def market() -> int:
        return index.search(Query(filters={"department": ("market",)}, rows=0)).total

    def follow() -> None:
        runs = len(catalog.runs.recent())
        scheduler.tick()
        until(lambda: len(catalog.runs.recent()) > runs and catalog.runs.recent()[0].outcome is not None)
        until(lambda: "hangzhou" not in catalog.sources.under_way())
        scheduler.tick()

    with cheap_passwords():
        catalog.accounts.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND)
        browser = client_of(catalog, index)
        sign_in(browser, "lin")
        assert f"{NOBODY} 2" in says(browser, "/en/operate/departments") and market() == 0

        form = {"name": NOBODY, "verdict": "department", "function": "market", "region": "330100"}
        asked = len(documents.paths)
        assert send(browser, "/operate/departments/name", **form).status_code == 303
        assert f"{NOBODY} 2" not in says(browser, "/en/operate/departments")
        follow()
        assert market() == 2 and len(documents.paths) == asked
        run = catalog.runs.recent()[0]
        assert run.mode is RunMode.REREAD and "read again" in says(browser, f"/en/runs/{run.id}")

        entries.append({"identifier": "4", "title": "市场主体 4", "publisher": {"name": f" {NOBODY} "}})
        documents.put("/data.json", {"dataset": entries})
        counts = harvested(catalog, portal, full=True).counts
        scheduler.tick()
        assert (counts.added, counts.updated, counts.unchanged) == (1, 0, 3) and market() == 3

        (decision,) = catalog.decisions.standing()
        send(browser, f"/operate/departments/decided/{decision.number}/undo")
        follow()
        assert market() == 0 and f"{NOBODY} 3" in says(browser, "/en/operate/departments")
        assert harvested(catalog, portal, full=True).counts.unchanged == 4
    scheduler.stop()
