"""Warnings that somebody looked at and found fine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from portal.catalog.audit import Action
from portal.catalog.clearances import NothingToClear
from portal.catalog.model import Issue, Outcome, RunMode
from portal.catalog.store import Catalog
from tests.catalogs import postgresql_database, postgresql_runs
from tests.fixtures import needs
from tests.portal.web.town import HANGZHOU, build, dataset_of

CODE = "record.personal-data-suspected"


def warned(catalog: Catalog, *issues: Issue) -> list[int]:
    """The ids of warnings about dataset 1 that a run of today found."""
    run = catalog.runs.start(HANGZHOU.id, RunMode.FULL, "x")
    catalog.runs.add_issues(run, [(dataset_of("1"), issue) for issue in issues])
    catalog.runs.save(replace(run, outcome=Outcome.COMPLETE, finished=datetime.now(UTC)))
    return [stored.id for stored in catalog.runs.issues(run.id, for_operators=True)]


def suspected(field: str, seen: str) -> Issue:
    return Issue(code=CODE, source_key="1", field=field, seen=seen)


def told(catalog: Catalog) -> list[tuple[str | None, str | None]]:
    concerns = catalog.runs.for_operators(samples=5)
    assert sum(concern.count for concern in concerns) == sum(len(concern.samples) for concern in concerns)
    return [(stored.issue.field, stored.issue.seen) for concern in concerns for stored in concern.samples]


@pytest.fixture
def any_built(any_catalog: Catalog) -> Catalog:
    build(any_catalog)
    return any_catalog


def test_words_found_fine_are_not_warned_of_again_by_any_later_run(any_built: Catalog) -> None:
    (title, columns) = warned(any_built, suspected("title", "名单"), suspected("columns", "手机号"))
    any_built.clearances.clear(title, by="lin")
    assert told(any_built) == [("columns", "手机号")]
    warned(any_built, suspected("title", "名单"))
    assert told(any_built) == [("columns", "手机号")]
    (line,) = any_built.audit.recent(limit=1)
    assert (line.who, line.what, line.about, line.detail) == (
        "lin", Action.WARNING_CLEARED, dataset_of("1"), "名单"
    )


def test_other_words_are_warned_of_though_the_former_were_fine(any_built: Catalog) -> None:
    (title,) = warned(any_built, suspected("title", "名单"))
    any_built.clearances.clear(title, by="lin")
    warned(any_built, suspected("title", "患者名单"))
    assert told(any_built) == [("title", "患者名单")]


def test_a_clearance_taken_back_warns_again_and_is_taken_back_once(any_built: Catalog) -> None:
    (title,) = warned(any_built, suspected("title", "名单"))
    any_built.clearances.clear(title, by="lin")
    any_built.clearances.clear(title, by="wu")
    (standing,) = any_built.clearances.standing()
    assert (standing.by, standing.seen) == ("lin", "名单")
    any_built.clearances.undo(standing.number, by="wu")
    assert told(any_built) == [("title", "名单")] and any_built.clearances.standing() == []
    with pytest.raises(NothingToClear):
        any_built.clearances.undo(standing.number, by="wu")


def test_only_a_warning_for_operators_can_be_cleared(any_built: Catalog) -> None:
    run = any_built.runs.start(HANGZHOU.id, RunMode.FULL, "x")
    any_built.runs.add_issues(run, [(dataset_of("1"), Issue(code="field.not-understood", field="frequency"))])
    (public,) = any_built.runs.issues(run.id)
    for number in (public.id, public.id + 1000):
        with pytest.raises(NothingToClear):
            any_built.clearances.clear(number, by="lin")


def at_once(what: Callable[[str], None]) -> list[bool]:
    """Four people do something at the same moment; of each whether there was something to do."""
    together = threading.Barrier(4)

    def do(by: str) -> bool:
        together.wait(30)
        try:
            what(by)
        except NothingToClear:
            return False
        return True

    with ThreadPoolExecutor(4) as people:
        return list(people.map(do, ("lin", "wu", "li", "xu")))


@pytest.mark.slow
@needs("postgresql", postgresql_runs(), "no PostgreSQL answers on 127.0.0.1:5432")
@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_operators_who_clear_the_same_words_at_once_clear_them_once_whatever_the_server_is_set_to(
    postgresql_template: str, level: str
) -> None:
    """Whoever waits for another's write sees it: one clearance, one line of the log; and so when it is taken back."""
    with postgresql_database(postgresql_template) as url:
        server = Catalog(url)
        with server.engine.begin() as connection:
            name = url.rpartition("/")[2]
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'"))
        server.close()
        catalog = Catalog(url)
        build(catalog)
        before = len(catalog.audit.recent(limit=1000))
        for number in range(5):
            words = suspected("title", f"名单 {number}")
            ids = dict(zip(("lin", "wu", "li", "xu"), warned(catalog, words, words, words, words), strict=True))
            assert at_once(lambda by: catalog.clearances.clear(ids[by], by=by)) == [True] * 4
            (standing,) = catalog.clearances.standing()
            assert sorted(at_once(lambda by: catalog.clearances.undo(standing.number, by=by))) == [False] * 3 + [True]
            assert catalog.clearances.standing() == []
        told = [line.what for line in catalog.audit.recent(limit=1000)][:-before or None]
        assert told == [Action.CLEARANCE_UNDONE, Action.WARNING_CLEARED] * 5
        catalog.close()
