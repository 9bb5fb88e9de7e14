"""Real titles are found among real titles; see ``benchmarks/search_finds.py`` for how it is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.search_finds import finding, rows, to_entry
from portal.search.engines import open_index
from portal.search.indexing import document
from portal.search.query import Position
from tests.fixtures import needs_fixtures


@pytest.mark.slow
@needs_fixtures
def test_titles_bring_their_dataset_into_the_first_ten(tmp_path: Path) -> None:
    indexed = list(rows())
    assert len(indexed) > 90_000
    index = open_index("tantivy:", tmp_path)
    index.rebuild((document(to_entry(row)) for row in indexed), Position(1))
    result = finding(index, indexed, draws=500, seed=2026)
    index.close()
    assert result.found + len(result.missed) + len(result.missed_among_equals) == 500
    assert result.share >= 0.95, [*result.missed, *result.missed_among_equals]
