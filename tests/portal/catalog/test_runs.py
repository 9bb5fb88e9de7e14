"""When a source was last read, as its runs tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import time_machine

from portal.catalog.model import Outcome, RunMode
from portal.catalog.store import Catalog
from tests.catalogs import SOURCE

START = datetime(2026, 3, 1, tzinfo=UTC)


def ended(catalog: Catalog, day: int, outcome: Outcome, cause: str | None = None, mode: RunMode = RunMode.FULL) -> datetime:
    """A run of a day; the moment it ended."""
    with time_machine.travel(START + timedelta(days=day), tick=False):
        run = catalog.runs.start(SOURCE.id, mode, "test")
        finished = datetime.now(UTC) + timedelta(hours=1)
        catalog.runs.save(msgspec.structs.replace(run, outcome=outcome, cause=cause, finished=finished))
    return finished


@pytest.mark.parametrize(
    ("outcome", "cause", "mode", "is_reading"),
    [
        (Outcome.COMPLETE, None, RunMode.FULL, True),
        (Outcome.COMPLETE, None, RunMode.INCREMENTAL, True),
        (Outcome.PARTIAL, "listing.incomplete", RunMode.FULL, True),
        (Outcome.PARTIAL, "portal.timed-out", RunMode.FULL, False),
        (Outcome.HELD, "listing.shrank", RunMode.FULL, False),
        (Outcome.FAILED, "portal.unreachable", RunMode.FULL, False),
        (Outcome.COMPLETE, None, RunMode.REREAD, False),
    ],
)
def test_a_source_was_read_when_its_whole_list_was(
    any_catalog: Catalog, outcome: Outcome, cause: str | None, mode: RunMode, is_reading: bool
) -> None:
    before = ended(any_catalog, 0, Outcome.COMPLETE)
    after = ended(any_catalog, 1, outcome, cause, mode)
    assert any_catalog.runs.last_read() == {SOURCE.id: after if is_reading else before}
    assert any_catalog.runs.last_read(before) == {SOURCE.id: before}


def test_of_a_source_never_read_whole_the_first_run_that_listed_anything_counts(any_catalog: Catalog) -> None:
    ended(any_catalog, 0, Outcome.FAILED, "portal.unreachable")
    first = ended(any_catalog, 1, Outcome.PARTIAL, "portal.timed-out")
    ended(any_catalog, 2, Outcome.PARTIAL, "portal.timed-out")
    assert any_catalog.runs.last_read() == {SOURCE.id: first}
    short = ended(any_catalog, 3, Outcome.PARTIAL, "listing.incomplete")
    ended(any_catalog, 4, Outcome.PARTIAL, "portal.timed-out")
    assert any_catalog.runs.last_read() == {SOURCE.id: short}
