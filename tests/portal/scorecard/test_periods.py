"""Frozen half-years: the same bytes whenever they are made, and noticed when they are touched."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy import update

from portal.catalog import tables
from portal.catalog.documents import packer
from portal.catalog.engines import writing
from portal.catalog.periods import PeriodFrozen, UnknownPeriod
from portal.catalog.store import Catalog
from portal.scorecard import drafts, exports, periods
from portal.scorecard.assess import standard_layout
from portal.scorecard.snapshots import as_of
from tests.catalogs import SOURCE, filled, record
from tests.fixtures import needs
from tests.portal.scorecard.test_assess import new

KEY = "a key of the installation"
JUNE, JULY, AUGUST = (datetime(2026, month, 15, tzinfo=UTC) for month in (6, 7, 8))


@pytest.fixture
def half_year(catalog: Catalog) -> Catalog:
    """Two datasets in June, one of which changes and one that goes in July."""
    with time_machine.travel(JUNE):
        filled(catalog, new("1"), new("2", licence=None, licence_raw=None))
    with time_machine.travel(JULY):
        filled(catalog, new("1", title="公交", description=None), record("3"))
        lease = catalog.sources.lease(SOURCE.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.retire(["hang000000000002"], "withdrawn")
        catalog.sources.release(lease)
    return catalog


@pytest.mark.parametrize("name,day", [("2026H1", date(2026, 6, 30)), ("2025H2", date(2025, 12, 31))])
def test_a_half_year_ends_on_its_last_day(name: str, day: date) -> None:
    assert periods.last_day(name) == day


@pytest.mark.parametrize("name", ["2026", "2026H3", "26H1", "2026h1", "2026H1 "])
def test_what_is_no_half_year_is_refused(name: str) -> None:
    with pytest.raises(periods.PeriodInvalid, match="not a half-year"):
        periods.last_day(name)


@pytest.mark.parametrize("early", [datetime(2026, 6, 30, 23, tzinfo=UTC), datetime(2026, 7, 1, 0, 59, tzinfo=UTC)])
def test_a_period_is_not_frozen_before_it_is_over_and_all_of_it_written(half_year: Catalog, early: datetime) -> None:
    with pytest.raises(periods.PeriodInvalid, match="is not over: it ends on 2026-06-30"):
        periods.freeze(half_year, "2026H1", KEY, now=early)


def test_a_frozen_period_holds_what_was_so_on_its_last_day_and_is_frozen_once(half_year: Catalog) -> None:
    manifest = periods.freeze(half_year, "2026H1", KEY, now=AUGUST)
    assert (manifest.datasets, manifest.day, manifest.number) == (2, date(2026, 6, 30), 2)
    kept, snapshot = periods.opened(half_year, "2026H1")
    assert kept == manifest
    assert snapshot == as_of(half_year, date(2026, 6, 30), standard_layout())
    assert [one.id for one in half_year.periods.all()] == ["2026H1"]
    with pytest.raises(PeriodFrozen, match="2026H1 is frozen already"):
        periods.freeze(half_year, "2026H1", KEY, now=AUGUST)
    with pytest.raises(UnknownPeriod, match="2025H2"):
        half_year.periods.get("2025H2")


def test_frozen_later_it_has_the_same_bytes(half_year: Catalog) -> None:
    early = periods.freeze(half_year, "2026H1", KEY, now=datetime(2026, 7, 1, 1, tzinfo=UTC))
    parts = list(half_year.periods.parts("2026H1"))
    with writing(half_year.engine) as connection:
        connection.execute(tables.period_part.delete())
        connection.execute(tables.period_standing.delete())
        connection.execute(tables.period_department.delete())
        connection.execute(tables.period.delete())
    with time_machine.travel(AUGUST):
        filled(half_year, new("1", rows=0), new("4"))
    assert periods.freeze(half_year, "2026H1", KEY, now=AUGUST) == early
    assert list(half_year.periods.parts("2026H1")) == parts


def test_the_signature_is_the_keys_and_the_manifests(half_year: Catalog) -> None:
    periods.freeze(half_year, "2026H1", KEY, now=AUGUST)
    assert periods.is_signed(half_year, "2026H1", KEY)
    assert not periods.is_signed(half_year, "2026H1", "another key")
    manifest = half_year.periods.get("2026H1").manifest
    with writing(half_year.engine) as connection:
        connection.execute(update(tables.period).values(manifest=manifest.replace(b'"datasets":2', b'"datasets":3')))
    assert not periods.is_signed(half_year, "2026H1", KEY)


def test_evidence_that_was_touched_is_not_opened(half_year: Catalog) -> None:
    periods.freeze(half_year, "2026H1", KEY, now=AUGUST)
    parts = list(half_year.periods.parts("2026H1"))
    with writing(half_year.engine) as connection:
        touched = packer()(parts[1].replace(b"hang000000000001", b"hang000000000009"))
        connection.execute(update(tables.period_part).where(tables.period_part.c.number == 1).values(body=touched))
    with pytest.raises(periods.PeriodInvalid, match="not what was frozen"):
        periods.opened(half_year, "2026H1")


def test_a_period_is_exported_as_csv_and_json(half_year: Catalog) -> None:
    periods.freeze(half_year, "2026H1", KEY, now=AUGUST)
    _, snapshot = periods.opened(half_year, "2026H1")
    text = b"".join(exports.as_csv(exports.score_lines(snapshot.layout, snapshot.rows))).decode("utf-8-sig")
    nation = [line for line in csv.DictReader(io.StringIO(text)) if line["kind"] == "nation"]
    assert [(line["rules"], line["datasets"]) for line in nation] == [
        ("national", "2"), ("mqa", "2"), ("five_star", "2"), ("udata", "2")
    ]
    counts = json.loads(b"".join(exports.as_json(exports.indicator_lines(snapshot.layout, snapshot.rows))))
    (licence,) = [
        line for line in counts
        if (line["rules"], line["kind"], line["indicator"]) == ("udata", "nation", "license")
    ]
    assert (licence["passed"], licence["failed"]) == (2, 0)
    datasets = json.loads(b"".join(exports.as_json(exports.dataset_lines(snapshot.layout, snapshot.rows))))
    assert [(line["dataset"], line["national.licence"], line["flags"]) for line in datasets] == [
        ("hang000000000001", "pass", "counted effective"),
        ("hang000000000002", "pass", "counted effective"),
    ]
    assert json.loads(b"".join(exports.as_json(iter(())))) == []


def _has_arrow() -> bool:
    try:
        __import__("pyarrow")
    except ImportError:
        return False
    return True


@needs("pyarrow", _has_arrow(), "PyArrow is not installed")
@pytest.mark.parametrize("table", exports.TABLES)
def test_a_period_is_exported_as_parquet_piece_by_piece(
    half_year: Catalog, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    snapshot = as_of(half_year, date(2026, 6, 30), standard_layout())
    lines = list(exports.TABLES[table](snapshot.layout, snapshot.rows))
    monkeypatch.setattr(exports, "LINES_IN_GROUP", 1)
    pieces = list(exports.as_parquet(iter(lines)))
    assert len(pieces) == len(lines) + 1
    assert parquet.read_table(io.BytesIO(b"".join(pieces))).to_pylist() == lines


@needs("pyarrow", _has_arrow(), "PyArrow is not installed")
def test_a_table_without_lines_is_a_parquet_file_without_columns() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(io.BytesIO(b"".join(exports.as_parquet(iter(()))))).to_pylist() == []


def test_evidence_is_read_part_by_part_and_only_after_all_of_it_was_held_against_its_hash(
    half_year: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "ROWS_IN_PART", 1)
    periods.freeze(half_year, "2026H1", KEY, now=AUGUST)
    read: list[int] = []
    parts = half_year.periods.parts

    def watched(id: str) -> Iterator[bytes]:
        for number, part in enumerate(parts(id)):
            read.append(number)
            yield part

    monkeypatch.setattr(half_year.periods, "parts", watched)
    _, _, rows = periods.streamed(half_year, "2026H1")
    assert read == [0, 1, 2, 0]
    next(rows)
    assert read == [0, 1, 2, 0, 1]
    assert [row.dataset_id for row in rows] == ["hang000000000002"]


def test_parquet_without_its_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(exports.FormatUnavailable, match="pip install"):
        list(exports.as_parquet(iter(())))
