"""Where the real portal metadata lies, and what a test that needs it carries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures"
"""398 files beside the project, never in it."""

REQUIRED = frozenset(filter(None, os.environ.get("NACHUAN_REQUIRE", "").split(",")))
"""What must not be skipped here: ``postgresql``, ``rabbitmq``, ``redis``, ``chromium``, ``fixtures``."""


def needs(name: str, present: bool, reason: str) -> pytest.MarkDecorator:
    """Skips with ``reason`` where a thing is absent, unless ``NACHUAN_REQUIRE`` names it: then the test must run."""
    return pytest.mark.skipif(not present and name not in REQUIRED, reason=reason)


needs_fixtures = needs(
    "fixtures", FIXTURES.is_dir(), "the real portal metadata does not lie beside the project"
)
