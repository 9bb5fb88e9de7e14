"""What is kept is written down row by row: the same bytes as of all rows at once, in the memory of a few."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from tempfile import TemporaryFile

import msgspec
import pytest

from portal.catalog.assessments import Assessed
from portal.scorecard import drafts
from portal.scorecard.assess import standard_layout
from portal.scorecard.drafts import Draft
from portal.scorecard.snapshots import counts_of

LAYOUT = standard_layout()
DAY = datetime(2026, 6, 30, tzinfo=UTC)


def rows(count: int, departments: int = 3) -> Iterator[Assessed]:
    """Rows of so many departments and of none, by turns."""
    for number in range(count):
        yield Assessed(
            dataset_id=f"{number:016}", source_id="hangzhou", publisher_id=f"p{number % 5}",
            department=f"330100.{place}" if (place := number % (departments + 1)) else None, region="330100",
            institution_type="government_department", themes=("transport",),
            vector=bytes((number + place) % 3 for place in range(LAYOUT.size)), due=None,
        )


def peak(count: int) -> int:
    """The most memory that drafting so many rows took, and reading all that will be kept."""
    with TemporaryFile() as file:
        tracemalloc.start()
        draft = Draft(LAYOUT, DAY, 1, rows(count, 60), file)
        for _ in (*map(len, draft.parts()), *(len(body) for _, body in draft.departments())):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


def test_parts_and_departments_are_those_of_all_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "ROWS_IN_PART", 100)
    whole = list(rows(250))
    with TemporaryFile() as file:
        draft = Draft(LAYOUT, DAY, 1, iter(whole), file)
        assert draft.datasets == 250
        assert list(draft.parts()) == [
            msgspec.json.encode(LAYOUT.rule_sets, order="deterministic"),
            *(msgspec.msgpack.encode(whole[start : start + 100]) for start in (0, 100, 200)),
        ]
        assert dict(draft.departments()) == {
            code: msgspec.msgpack.encode([row for row in whole if row.department == code])
            for code in ("330100.1", "330100.2", "330100.3")
        }
        assert draft.counts == counts_of(whole, LAYOUT)


@pytest.mark.slow
def test_twelve_thousand_rows_more_take_no_megabytes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "ROWS_IN_PART", 500)
    peak(60)
    assert peak(15_000) - peak(3_000) < 600_000 < 0.3 * len(msgspec.msgpack.encode(list(rows(12_000))))
