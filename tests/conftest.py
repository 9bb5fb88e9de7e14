"""Fixtures every part of the suite may use."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog, postgresql_database, postgresql_runs
from tests.fixtures import needs

_postgresql = needs("postgresql", postgresql_runs(), "no PostgreSQL answers on 127.0.0.1:5432")


# Compiled modules are kept, whatever the machine says: compiling the tests takes each worker seconds, and compiling ours
# each process that a test starts.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2**31
"""What all tests together never fill."""


def pytest_configure() -> None:
    """Has tests write their files into memory where there is room, for most of them wait for the disk again and again."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection() -> None:
    """Searches for no garbage while tests are gathered: what is made then stays."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the files that have slow tests: a long one that came last would keep a worker busy after all others."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Leaves what stands until the end, a million objects, out of every search for garbage, and searches less often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    """An empty catalogue in memory."""
    catalog = empty_catalog()
    yield catalog
    catalog.close()


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[str]:
    """The name of a PostgreSQL database with empty tables, to copy: migrating one takes longer than most tests."""
    with postgresql_database() as url:
        catalog = Catalog(url)
        catalog.upgrade()
        catalog.close()
        yield url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=(_postgresql, pytest.mark.slow))])
def any_catalog(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    """An empty catalogue, once on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("catalog")
        return
    with postgresql_database(request.getfixturevalue("postgresql_template")) as url:
        catalog = Catalog(url)
        yield catalog
        catalog.close()
