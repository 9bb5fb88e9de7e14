"""A small make-believe federation for tests: ``from tests.federation import federation``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harvester.sandbox.serve import Sandbox, serve

SIZE = 200
"""Datasets on the 22 portals together."""


@pytest.fixture(scope="session")
def federation() -> Iterator[Sandbox]:
    """All portals with about 200 datasets, shared by the whole session: look only.

    A test that lets time pass or breaks something takes ``own_federation``.
    """
    with serve(size=SIZE) as sandbox:
        yield sandbox


@pytest.fixture
def own_federation(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The same federation at tick 0 for one test alone, to tick and to break; of a test of one ``portal`` only that."""
    only = [request.getfixturevalue("portal")] if "portal" in request.fixturenames else None
    with serve(size=SIZE if only is None else SIZE // 10, only=only) as sandbox:
        yield sandbox
