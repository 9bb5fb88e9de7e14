"""A small site over a lifelike catalogue, the same for every test of a module because pages only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from tests.catalogs import empty_catalog
from tests.portal.web.town import build, client_of


@pytest.fixture(scope="module")
def town() -> Iterator[Catalog]:
    """The catalogue of ``tests.portal.web.town``."""
    catalog = empty_catalog()
    build(catalog)
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def client(town: Catalog) -> FlaskClient:
    """A browser without a language of its own on the site over it."""
    return client_of(town)


@pytest.fixture
def empty_client(catalog: Catalog) -> FlaskClient:
    """A browser on a site whose catalogue is empty."""
    return client_of(catalog, MemoryIndex())
