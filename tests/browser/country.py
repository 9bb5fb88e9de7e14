"""A make-believe country harvested through the whole pipeline and served on loopback, with one of every page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

from msgspec import Struct
from msgspec.structs import replace
from werkzeug.serving import make_server

from harvester.sandbox.faults import FaultName
from harvester.sandbox.serve import Sandbox, serve
from portal.catalog.model import DatasetState, Guard, RunMode, Source
from portal.catalog.store import Catalog
from portal.highvalue import following
from portal.scorecard import assess
from portal.scorecard.assess import rebuild
from portal.search.engines import open_index
from portal.search.indexing import catch_up
from portal.settings import Settings
from portal.web.app import create_app
from tests.browser.weeks import half_year, last_department, previewed
from tests.harvester.harvesting import harvested

HELD = "zj-hangzhou"
"""Its portal suddenly lists half."""
FAILED = "gd-shenzhen"
"""Its portal answers with a page that says it is being repaired."""
POISONED = "sc-chengdu"
"""One of its records has become unusable."""
WITHDRAWN = "js-suzhou"
"""Half of its datasets are gone, and nothing guards them."""
UNDER_WAY = "sh-shanghai"

MISSING = "gz-guiyang"
"""Half of its datasets are gone, and are given time to come back."""

GRACE_DAYS = 14

PAGES = {
    "home": "/",
    "all": "/datasets",
    "search": "/datasets?q=公交",
    "filtered": "/datasets?region=330000&format=csv&format=json",
    "english": "/datasets?q=bus&sort=title",
    "second-page": "/datasets?page=2",
    "nothing": "/datasets?q=没有这样的数据&region=330000",
    "refused": "/datasets?sort=nonsense",
    "dataset": "/datasets/{dataset}",
    "english-dataset": "/datasets/{english}",
    "missing": "/datasets/{missing}",
    "unusable": "/datasets/{unusable}",
    "tombstone": "/datasets/{retired}",
    "publishers": "/publishers",
    "publisher": "/publishers/{publisher}",
    "regions": "/regions",
    "region": "/regions/330000",
    "empty-region": "/regions/150000",
    "themes": "/themes",
    "high-value": "/high-value",
    "high-value-region": "/high-value?region=510000",
    "high-value-entry": "/high-value/TRA-3",
    "theme": "/themes/transport",
    "scorecards": "/scorecards",
    "league": "/scorecards?of=regions&rules=mqa",
    "card": "/scorecards/publishers/{department}",
    "region-card": "/scorecards/regions/330000",
    "nation-card": "/scorecards/nation/all/five_star",
    "indicator": "/scorecards/nation/all/national/licence?verdict=fail",
    "effective": "/scorecards/regions/330000/datasets/effective",
    "matrix": "/scorecards/regions/330000/national/matrix?sort=licence",
    "nation-matrix": "/scorecards/nation/all/mqa/matrix",
    "method": "/scorecards/method",
    "periods": "/scorecards/periods",
    "previewed": "/scorecards/periods/{previewed}",
    "previewed-department": "/scorecards/periods/{previewed}/departments/{department}",
    "previewed-evidence": "/scorecards/periods/{previewed}/departments/{department}/national/licence?verdict=fail",
    "statements": "/scorecards/periods/{previewed}/statements",
    "disputed": "/scorecards/publishers/{department}/national/licence?verdict=fail",
    "frozen": "/scorecards/periods/{frozen}",
    "frozen-department": "/scorecards/periods/{frozen}/departments/{department}",
    "was-shown": "/scorecards/periods/{frozen}-pre",
    "sources": "/sources",
    "source": f"/sources/{HELD}",
    "run": "/runs/{run}",
    "held-run": "/runs/{held_run}",
    "failed-run": "/runs/{failed_run}",
    "run-under-way": "/runs/{run_under_way}",
    "about": "/about",
    "help": "/help",
    "api": "/api",
    "not-found": "/no/such/page",
}
"""Every kind of page by its name: a path without its language; what stands in braces is found in the catalogue."""


def unguarded(source: Source, grace_days: int) -> Source:
    """The source without a limit to what one run may retire."""
    return replace(source, guard=Guard(max_retired=1_000_000, max_retired_share=1.0, grace_days=grace_days))


class Country(Struct, frozen=True, kw_only=True):
    """A site that answers at ``url``."""

    url: str
    found: Mapping[str, str | int]
    """What the braces of ``PAGES`` stand for."""

    def address(self, name: str, language: str) -> str:
        """Where a page is in a language."""
        return f"{self.url}/{language}{PAGES[name].format_map(self.found)}"


@contextmanager
def country(home: Path, size: int) -> Iterator[Country]:
    """Twenty portals with ``size`` datasets, their harvests good and bad, and a real server over the result."""
    settings = Settings(home=home, secret_key="test")
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    catalog.upgrade()
    with serve(size=size) as sandbox:
        _history(catalog, sandbox)
    index = open_index(settings.search_url, home)
    following.catch_up(catalog, "test")
    catch_up(catalog, index)
    today = datetime.now(UTC)
    rebuild(catalog, now=today - timedelta(days=9))
    for days in (8, 2, 1, 0):
        assess.catch_up(catalog, now=today - timedelta(days=days))
    previewed(catalog, busy=UNDER_WAY)
    app = create_app(settings, catalog, index, hold_s=0)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = Thread(target=server.serve_forever, name="site", daemon=True)
    serving.start()
    try:
        yield Country(url=f"http://127.0.0.1:{server.server_port}", found=_found(catalog))
    finally:
        server.shutdown()
        serving.join()
        index.close()
        catalog.close()


def _history(catalog: Catalog, sandbox: Sandbox) -> None:
    for source in sandbox.sources():
        harvested(catalog, source)
    sandbox.tick()
    for source, fault in (
        (sandbox.source(HELD), FaultName.HALF_LISTING),
        (sandbox.source(FAILED), FaultName.HTML_PAGE),
        (sandbox.source(POISONED), FaultName.POISONOUS_RECORD),
        (unguarded(sandbox.source(WITHDRAWN), 0), FaultName.HALF_LISTING),
        (unguarded(sandbox.source(MISSING), GRACE_DAYS), FaultName.HALF_LISTING),
    ):
        sandbox.fault(fault, source.id)
        harvested(catalog, source, full=True)
    catalog.sources.lease(UNDER_WAY, "test")
    catalog.runs.start(UNDER_WAY, RunMode.FULL, "test")


def _found(catalog: Catalog) -> dict[str, str | int]:
    entries = list(catalog.walk(retired=True))

    def dataset(source: str, state: DatasetState) -> str:
        return next(
            entry.dataset.id for entry in entries if (entry.dataset.source_id, entry.state) == (source, state)
        )

    def run(source: str) -> int:
        return catalog.runs.recent(source, limit=1)[0].id

    return {
        "dataset": dataset("sh-shanghai", DatasetState.CURRENT),
        "english": dataset("gb-scotland", DatasetState.CURRENT),
        "missing": dataset(MISSING, DatasetState.MISSING),
        "unusable": dataset(POISONED, DatasetState.UNUSABLE),
        "retired": dataset(WITHDRAWN, DatasetState.RETIRED),
        "publisher": catalog.publishers()[0].publisher.id,
        "department": last_department(catalog),
        "frozen": half_year(),
        "previewed": half_year(1),
        "run": run("zj-zhejiang"),
        "held_run": run(HELD),
        "failed_run": run(FAILED),
        "run_under_way": run(UNDER_WAY),
    }
