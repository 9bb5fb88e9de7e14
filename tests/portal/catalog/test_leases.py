"""A source is harvested by one at a time, whoever asks for it at the same moment (faults C84, I5)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.catalog.sources import Lease, SourceHeld
from portal.catalog.store import Catalog
from tests.catalogs import SOURCE, postgresql_database, postgresql_runs
from tests.fixtures import needs


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgresql", marks=(pytest.mark.slow, needs("postgresql", postgresql_runs(), "no PostgreSQL answers"))
        ),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'nachuan.db'}"
        return
    with postgresql_database() as address:
        yield address


def test_c84_of_eight_that_want_a_source_at_once_one_has_it(url: str) -> None:
    catalog = Catalog(url)
    catalog.upgrade()
    catalog.sources.put(SOURCE)
    together = threading.Barrier(8)
    got: list[Lease] = []
    refused: list[str] = []

    def want(number: int) -> None:
        own = Catalog(url)
        together.wait(30)
        try:
            got.append(own.sources.lease(SOURCE.id, f"scheduler {number}"))
        except SourceHeld as error:
            refused.append(str(error))
        own.close()

    for _ in range(5):
        wanting = [threading.Thread(target=want, args=(number,)) for number in range(8)]
        for thread in wanting:
            thread.start()
        for thread in wanting:
            thread.join()
        assert (len(got), len(refused)) == (1, 7)
        catalog.sources.release(got.pop())
        refused.clear()
    catalog.close()
