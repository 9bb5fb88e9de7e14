"""``nachuan runs``, called in this process."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from nachuan.cli import nachuan
from portal.catalog.store import Catalog
from tests.portal.web.town import build


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the catalogue of ``tests.portal.web.town``."""
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    catalog = Catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    catalog.upgrade()
    build(catalog)
    catalog.close()
    return tmp_path


def test_w97_issues_as_csv_compute_nothing_where_a_spreadsheet_opens_them(home: Path) -> None:
    shown = CliRunner().invoke(nachuan, ["runs", "show", "1", "--csv"])
    assert shown.exit_code == 0
    keys = [row["source_key"] for row in csv.DictReader(io.StringIO(shown.output))]
    assert keys == ["1", "'=HYPERLINK(1)"]
