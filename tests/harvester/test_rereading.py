"""What people decide takes hold of what stands, without asking the portal, and survives every next harvest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from harvester import rereading
from harvester.pipeline import since
from harvester.rereading import follow_decisions, reread, reread_decided
from portal.catalog.audit import Action
from portal.catalog.decisions import Ruling, RulingRefused, UnknownDecision, Verdict
from portal.catalog.model import (
    ChangeCause,
    ChangeKind,
    Counts,
    DatasetState,
    Guard,
    Outcome,
    Publisher,
    RunMode,
    Source,
)
from portal.catalog.sources import LeaseLost
from portal.catalog.store import Catalog
from portal.catalog.writing import Transaction
from tests.harvester.harvesting import Documents, codes, dataset, harvested, source, states

NOBODY = "地区管理员"
"""Whom 344 datasets of a real portal name as their publisher; no table tells who that is."""

MARKET = Ruling(
    name=NOBODY,
    verdict=Verdict.DEPARTMENT,
    functions=("market", "data"),
    institution_type="government_department",
    region="330100",
)


@pytest.fixture
def documents() -> Iterator[Documents]:
    with Documents() as documents:
        yield documents


def entry(key: str, publisher: str | None = NOBODY, **fields: Any) -> dict[str, Any]:
    told = {} if publisher is None else {"publisher": {"name": publisher}}
    return {"identifier": key, "title": f"数据集 {key}", "modified": "2026-01-01", **told, **fields}


def hangzhou(documents: Documents, *entries: dict[str, Any], **fields: Any) -> Source:
    documents.put("/data.json", {"dataset": list(entries)})
    made = source("datajson", f"{documents.url}/data.json", guard=Guard(grace_days=0, max_retired=100))
    return msgspec.structs.replace(made, region="330100", **fields)


def publisher(catalog: Catalog, key: str) -> Publisher:
    found = dataset(catalog, key).publisher
    assert found is not None
    return found


def told(catalog: Catalog, key: str) -> tuple[Any, ...]:
    found = publisher(catalog, key)
    return found.functions, found.institution_type, found.institution_inferred_from, found.department


def understood(catalog: Catalog) -> int:
    """Of how many datasets the department's function is known."""
    counted = catalog.normalisations.get("portal")
    assert counted is not None
    return next(each.understood for each in counted.fields if each.field == "functions")


def test_a_decision_changes_what_stands_without_asking_and_undoing_it_restores_it(
    any_catalog: Catalog, documents: Documents
) -> None:
    catalog = any_catalog
    portal = hangzhou(documents, entry("1"), entry("2", "杭州市教育局"), entry("3", None))
    harvested(catalog, portal)
    before = [told(catalog, key) for key in "12"]
    assert before[0] == ((), None, None, None) and before[1][3] == "330100.education"
    asked = len(documents.paths)

    decision = catalog.decisions.decide(msgspec.structs.replace(MARKET, functions=("market",)), by="lin")
    assert catalog.sources.requested() == {"portal": [RunMode.REREAD]}
    reread_decided(portal, catalog, holder="test")
    assert told(catalog, "1") == (("market",), "government_department", "decision", "330100.market")
    assert publisher(catalog, "1").decision == decision.number and publisher(catalog, "2").decision is None
    run = catalog.runs.recent()[0]
    assert (run.mode, run.outcome, run.counts) == (RunMode.REREAD, Outcome.COMPLETE, Counts(listed=1, updated=1))
    change = catalog.history(dataset(catalog, "1").id)[0]
    assert (change.kind, change.cause, change.fields) == (ChangeKind.UPDATED, ChangeCause.MAPPING, ("publisher",))
    kept = catalog.publisher(publisher(catalog, "1").id)
    assert kept is not None and kept.publisher == publisher(catalog, "1")

    assert understood(catalog) == 2, "the count of what is understood follows"

    catalog.decisions.undo(decision.number, by="lin")
    reread_decided(portal, catalog, holder="test")
    assert understood(catalog) == 1
    assert [told(catalog, key) for key in "12"] == before
    assert len(documents.paths) == asked, "the portal was not asked"


def test_a_decision_survives_the_next_harvests_which_list_nothing_for_it(
    catalog: Catalog, documents: Documents
) -> None:
    portal = hangzhou(documents, entry("1"), entry("2"))
    harvested(catalog, portal)
    catalog.decisions.decide(MARKET, by="lin")
    assert since(portal, catalog) is not None, "a decision is no reason to list everything"
    run = harvested_again(catalog, portal)
    assert [run.mode for run in catalog.runs.recent()] == [run.mode, RunMode.REREAD, RunMode.FULL]
    assert run.counts.updated == 0 and told(catalog, "1")[0] == MARKET.functions
    again = harvested_again(catalog, portal)
    assert again.counts.unchanged == again.counts.listed == 2
    assert [run.mode for run in catalog.runs.recent()].count(RunMode.REREAD) == 1, "what is followed is not walked again"
    documents.put("/data.json", {"dataset": [entry("1"), entry("2"), entry("new")]})
    assert harvested_again(catalog, portal).counts.added == 1
    assert told(catalog, "new")[3] == "330100.market"


def harvested_again(catalog: Catalog, portal: Source) -> Any:
    """The next run; the change log also has what a decision changed, which the run's own counts have not."""
    follow = catalog.sources.lease(portal.id, "test")
    follow_decisions(portal, catalog, follow)
    catalog.sources.release(follow)
    return harvested(catalog, portal, full=True)


def test_spellings_that_fold_alike_are_decided_together_and_a_sources_own_decision_goes_first(
    catalog: Catalog, documents: Documents
) -> None:
    catalog.decisions.decide(MARKET, by="lin")
    own = msgspec.structs.replace(MARKET, source_id="portal", functions=("education",), region=None)
    other = msgspec.structs.replace(MARKET, source_id="elsewhere", functions=("health",))
    catalog.decisions.decide(other, by="lin")
    harvested(catalog, hangzhou(documents, entry("1", "ＡＢＣ 公司"), entry("2", " 地区管理员 ")))
    assert told(catalog, "2")[0] == MARKET.functions
    catalog.decisions.decide(own, by="lin")
    harvested_again(catalog, hangzhou(documents, entry("1", "ＡＢＣ 公司"), entry("2", " 地区管理员 ")))
    assert told(catalog, "2") == (("education",), "government_department", "decision", None)


@pytest.mark.parametrize(
    ("verdict", "institution", "expected"),
    [
        (Verdict.NO_NAME, None, ((), None, None, None)),
        (Verdict.NO_DEPARTMENT, None, ((), None, None, None)),
        (Verdict.NO_DEPARTMENT, "enterprise", ((), "enterprise", "decision", None)),
    ],
)
def test_a_decision_can_say_that_a_known_name_is_nobodys(
    catalog: Catalog, documents: Documents, verdict: Verdict, institution: str | None, expected: tuple[Any, ...]
) -> None:
    portal = hangzhou(documents, entry("1", "杭州市教育局"))
    harvested(catalog, portal)
    ruling = Ruling(name="杭州市教育局", verdict=verdict, institution_type=institution)
    catalog.decisions.decide(ruling, by="lin")
    reread_decided(portal, catalog, holder="test")
    assert told(catalog, "1") == expected


def test_where_the_name_says_nothing_the_type_of_the_source_applies_and_says_so(
    catalog: Catalog, documents: Documents
) -> None:
    portal = hangzhou(
        documents, entry("1"), entry("2", "杭州市第一人民医院"), entry("3", None), institution_type="university"
    )
    harvested(catalog, portal)
    assert told(catalog, "1") == ((), "university", "source", None)
    assert told(catalog, "2")[1:3] == ("hospital", "name")
    assert dataset(catalog, "3").publisher is None, "nobody is made up"
    catalog.decisions.decide(Ruling(name=NOBODY, verdict=Verdict.NO_NAME), by="lin")
    reread_decided(portal, catalog, holder="test")
    assert told(catalog, "1") == ((), "university", "source", None)


def test_what_is_missing_or_gone_is_read_again_too_and_stays_so(catalog: Catalog, documents: Documents) -> None:
    portal = hangzhou(documents, entry("gone"), entry("stays"))
    harvested(catalog, portal)
    harvested(catalog, hangzhou(documents, entry("stays")), full=True)
    catalog.decisions.decide(MARKET, by="lin")
    reread_decided(portal, catalog, holder="test")
    assert states(catalog) == {"gone": DatasetState.RETIRED, "stays": DatasetState.CURRENT}
    # Listed again word for word, it is recognised by its bytes and not translated: it must not be as it was before.
    back = harvested(catalog, hangzhou(documents, entry("gone"), entry("stays")), full=True)
    assert back.counts.restored == 1 and back.counts.unchanged == 2
    assert told(catalog, "gone")[3] == "330100.market"


def test_reading_that_broke_off_is_taken_up_again_even_when_the_decision_is_undone_meanwhile(
    catalog: Catalog, documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = hangzhou(documents, *(entry(f"{number}") for number in range(6)))
    harvested(catalog, portal)
    monkeypatch.setattr(rereading, "BATCH_SIZE", 2)
    written = Transaction.reread
    batches: list[int] = []

    def dying(transaction: Transaction, records: Any) -> Any:
        batches.append(len(records))
        if len(batches) == 2:
            raise LeaseLost("killed")
        return written(transaction, records)

    monkeypatch.setattr(Transaction, "reread", dying)
    decision = catalog.decisions.decide(MARKET, by="lin")
    with pytest.raises(LeaseLost):
        reread_decided(portal, catalog, holder="test")
    decided = [told(catalog, f"{number}")[3] for number in range(6)]
    assert decided.count("330100.market") == 2, "half of it was done"
    catalog.decisions.undo(decision.number, by="lin")
    reread_decided(portal, catalog, holder="test")
    assert {told(catalog, f"{number}")[3] for number in range(6)} == {None}


def test_everything_kept_can_be_read_again_after_the_tables_changed(catalog: Catalog, documents: Documents) -> None:
    portal = hangzhou(documents, entry("1"), entry("2"))
    harvested(catalog, portal)
    moved = msgspec.structs.replace(portal, region="330200", institution_type="library")
    run = reread(moved, catalog, holder="test")
    assert run.counts == Counts(listed=2, updated=2) and dataset(catalog, "1").region == "330200"
    assert reread(moved, catalog, holder="test").counts == Counts(listed=2, unchanged=2)
    again = harvested(catalog, moved)
    assert again.mode is RunMode.FULL and again.counts.unchanged == 2, "read as we read now: recognised by its bytes"


def test_words_that_no_longer_read_as_their_dataset_leave_it_and_are_told(
    catalog: Catalog, documents: Documents
) -> None:
    portal = hangzhou(documents, entry("1"), entry("2", title="无"))
    harvested(catalog, portal)
    other = msgspec.structs.replace(portal, options={"crosswalk": {"source_key": "title"}})
    run = reread(other, catalog, holder="test")
    assert (run.outcome, run.counts.unusable, codes(catalog, run)["record.not-reread"]) == (
        Outcome.COMPLETE, run.counts.listed, run.counts.listed,
    )
    assert dataset(catalog, "1").title == "数据集 1"


def test_wrong_options_end_a_reading_as_failed(catalog: Catalog, documents: Documents) -> None:
    portal = hangzhou(documents, entry("1"))
    harvested(catalog, portal)
    run = reread(msgspec.structs.replace(portal, options={"crosswalk": 7}), catalog, holder="test")
    assert run.outcome is Outcome.FAILED and run.cause in codes(catalog, run)


@pytest.mark.parametrize(
    ("problem", "fields"),
    [
        ("name", {"name": "  "}),
        ("functions", {"functions": ()}),
        ("functions", {"functions": ("no-such-function",)}),
        ("functions", {"functions": ("market", "market")}),
        ("functions", {"functions": ("market", "education", "health", "data")}),
        ("functions", {"verdict": Verdict.NO_NAME}),
        ("institution_type", {"institution_type": "no-such-type"}),
        ("institution_type", {"verdict": Verdict.NO_NAME, "functions": (), "institution_type": "library"}),
        ("region", {"region": "no-such-region"}),
        ("region", {"verdict": Verdict.NO_DEPARTMENT, "functions": ()}),
        ("note", {"note": "x" * 1001}),
    ],
)
def test_a_ruling_that_cannot_be_is_refused(catalog: Catalog, problem: str, fields: dict[str, Any]) -> None:
    with pytest.raises(RulingRefused) as refusal:
        catalog.decisions.decide(msgspec.structs.replace(MARKET, **{"functions": ("market",), **fields}), by="lin")
    assert refusal.value.problem == problem and catalog.decisions.standing() == []


def test_another_decision_replaces_the_first_and_both_stay_to_see(any_catalog: Catalog) -> None:
    decisions = any_catalog.decisions
    first = decisions.decide(msgspec.structs.replace(MARKET, functions=("market",)), by="lin")
    second = decisions.decide(Ruling(name="地区管理员 ", verdict=Verdict.NO_NAME, note="系统用户"), by="wu")
    assert [decision.number for decision in decisions.standing()] == [second.number]
    assert [(each.number, each.undone_by) for each in decisions.of_name(NOBODY)] == [
        (second.number, None), (first.number, "wu"),
    ]
    with pytest.raises(UnknownDecision):
        decisions.undo(first.number, by="wu")
    decisions.undo(second.number, by="wu")
    assert decisions.standing() == [] and decisions.for_source("portal") == {}
    assert [(line.who, line.what) for line in any_catalog.audit.recent()] == [
        ("wu", Action.NAME_UNDONE), ("wu", Action.NAME_DECIDED), ("lin", Action.NAME_DECIDED),
    ]
