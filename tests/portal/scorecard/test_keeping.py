"""Why scores of large groups changed, worked out at night: the same as asked for one by one, and no more than is due."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from msgspec.structs import replace

from portal.catalog.assessments import Kind
from portal.catalog.explanations import LEASE, Kept
from portal.catalog.sources import SourceHeld
from portal.catalog.store import Catalog
from portal.scorecard import keeping, periods, spans
from portal.scorecard.assess import rebuild
from portal.scorecard.changes import Explanation, Movement
from portal.scorecard.groups import NATION
from portal.scorecard.vectors import Layout
from tests.catalogs import SOURCE, filled
from tests.portal.scorecard.test_assess import PROVINCE, new

FIRST, LAST = date(2026, 5, 16), date(2026, 6, 15)
BEFORE, AFTER = datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 6, 10, 12, tzinfo=UTC)


def live(catalog: Catalog) -> None:
    """Five datasets in May; in June two changed, one came, one went, and one moved to another publisher."""
    with time_machine.travel(BEFORE):
        filled(catalog, *(new(str(number), modified=BEFORE - timedelta(days=200)) for number in range(4)))
        filled(catalog, new("1", PROVINCE, licence=None, licence_raw=None), source=PROVINCE)
    with time_machine.travel(AFTER):
        old = {"modified": BEFORE - timedelta(days=200)}
        filled(catalog, new("1", contact=None, **old), new("2", modified=AFTER), new("3", publisher=None, **old), new("9"))
        lease = catalog.sources.lease(SOURCE.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.retire(["hang000000000000"], "withdrawn")
        catalog.sources.release(lease)
        rebuild(catalog)


@pytest.fixture
def large(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A small catalogue in which two datasets are many, and a process is given two at a time."""
    monkeypatch.setattr(spans, "MOST_DATASETS", 2)
    monkeypatch.setattr(keeping, "LARGE", 2)
    monkeypatch.setattr(keeping, "PART", 2)
    live(catalog)
    return catalog


GROUPS = [
    NATION, (Kind.REGION, "330000"), (Kind.REGION, "330100"), (Kind.THEME, "transport"), (Kind.SOURCE, "hangzhou"),
    (Kind.DEPARTMENT, "330100.transport"), (Kind.INSTITUTION, "unknown"),
]


def test_it_is_what_each_group_would_be_told_if_it_was_asked_for_alone(large: Catalog) -> None:
    assert keeping.keep(large, LAST, "test") is not None
    for group in GROUPS:
        alone = spans.span(large, group, FIRST, LAST, most=None).explanation
        assert keeping.kept(large, group, FIRST, LAST, "national") == alone, group
    assert keeping.kept(large, NATION, FIRST, LAST, "mqa") is None
    nation = keeping.kept(large, NATION, FIRST, LAST, "national")
    assert nation is not None and {part.movement for part in nation.parts} >= {Movement.ADDED, Movement.REMOVED}


def whole(found: Explanation) -> Explanation:
    return replace(found, parts=tuple(replace(part, dataset_ids=(), moves=()) for part in found.parts))


def test_of_each_part_the_first_datasets_are_named_and_all_of_them_count(
    large: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "NAMED", 1)
    keeping.keep(large, LAST, "test")
    alone = spans.span(large, NATION, FIRST, LAST, most=None).explanation
    found = keeping.kept(large, NATION, FIRST, LAST, "national")
    assert alone is not None and found is not None
    assert whole(found) == whole(alone)
    assert any(part.datasets > 1 for part in found.parts)
    for part, entire in zip(found.parts, alone.parts, strict=True):
        assert part.dataset_ids == entire.dataset_ids[:1]
        assert part.moves == tuple(move for move in entire.moves if move.dataset_id in part.dataset_ids)


def test_the_last_frozen_period_is_compared_too_and_other_rules_are_a_part(large: Catalog) -> None:
    layout = keeping._layout()
    (rules,) = layout.rule_sets
    heavier = tuple(replace(one, weight=one.weight + (one.id == "licence")) for one in rules.indicators)
    other = Layout.of([replace(rules, indicators=heavier)])
    periods.freeze(large, "2026H1", "key", now=datetime(2026, 7, 1, 2, tzinfo=UTC), layout=other)
    periods.freeze(large, "2026H2", "key", now=datetime(2027, 1, 1, 2, tzinfo=UTC), layout=other)
    keeping.keep(large, date(2027, 1, 20), "test")
    days = large.explanations.days(*NATION, "national")
    assert days == [(date(2026, 12, 21), date(2027, 1, 20)), (date(2026, 12, 31), date(2027, 1, 20))]
    found = keeping.kept(large, NATION, *days[1], "national")
    alone = spans.span(large, NATION, *days[1], most=None).explanation
    assert found == alone and found is not None and found.parts[0].movement is Movement.RULES


def test_a_day_is_due_once_and_an_hour_after_it_is_over(large: Catalog) -> None:
    assert keeping.due(large, datetime(2026, 6, 16, 0, 59, tzinfo=UTC)) == date(2026, 6, 14)
    assert keeping.due(large, datetime(2026, 6, 16, 1, tzinfo=UTC)) == LAST
    keeping.keep(large, LAST, "test")
    assert keeping.due(large, datetime(2026, 6, 16, 23, tzinfo=UTC)) is None
    assert keeping.due(large, datetime(2026, 6, 17, 2, tzinfo=UTC)) == date(2026, 6, 16)


def test_what_was_kept_before_goes(large: Catalog) -> None:
    keeping.keep(large, LAST - timedelta(days=1), "test")
    keeping.keep(large, LAST, "test")
    assert large.explanations.days(*NATION, "national") == [(FIRST, LAST)]


def test_where_everything_can_be_worked_out_while_one_waits_nothing_is_kept(
    large: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "MOST_DATASETS", 6)
    assert keeping.keep(large, LAST, "test") == 0
    assert keeping.due(large, datetime(2026, 6, 16, 2, tzinfo=UTC)) is None


def test_stopped_it_keeps_nothing_and_is_due_again(large: Catalog) -> None:
    stop = threading.Event()
    stop.set()
    assert keeping.keep(large, LAST, "test", stop=stop) is None
    assert keeping.due(large, datetime(2026, 6, 16, 2, tzinfo=UTC)) == LAST


def test_two_do_not_do_it_at_once(large: Catalog) -> None:
    lease = large.sources.lease(LEASE, "another process")
    with pytest.raises(SourceHeld):
        keeping.keep(large, LAST, "test")
    large.sources.release(lease)
    assert keeping.keep(large, LAST, "test")


def test_what_was_worked_out_by_other_rules_is_not_told(large: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping.keep(large, LAST, "test")
    other = Layout.of(())
    monkeypatch.setattr(keeping, "_layout", lambda: other)
    assert keeping.kept(large, NATION, FIRST, LAST, "national") is None


def test_the_days_of_what_is_kept_are_days_on_both_databases(any_catalog: Catalog) -> None:
    one = Kept(kind=Kind.NATION, code="", rules="national", first=FIRST, last=LAST, body=b"words")
    assert any_catalog.explanations.replace(LAST, [one]) == 1
    assert any_catalog.explanations.days(*NATION, "national") == [(FIRST, LAST)]
    assert any_catalog.explanations.get(*NATION, "national", FIRST, LAST) == b"words"
    assert any_catalog.explanations.get(*NATION, "national", FIRST, FIRST) is None
    assert any_catalog.explanations.last() == LAST


@pytest.mark.slow
def test_two_processes_work_out_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MOST_DATASETS", 2)
    monkeypatch.setattr(keeping, "PART", 2)
    catalog = Catalog(f"sqlite:///{tmp_path / 'c.db'}")
    catalog.upgrade()
    live(catalog)
    keeping.keep(catalog, LAST, "test")
    one = keeping.kept(catalog, NATION, FIRST, LAST, "national")
    keeping.keep(catalog, LAST, "test", processes=2)
    assert keeping.kept(catalog, NATION, FIRST, LAST, "national") == one and one is not None
    catalog.close()
