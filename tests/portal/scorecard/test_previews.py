"""From the preview of a period to its freezing: what holds it up, what of corrections takes hold, what the manifest says."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from msgspec.structs import replace

from harvester import counting
from portal.catalog.accounts import Account, Role
from portal.catalog.appearances import Verdict as Word
from portal.catalog.assessments import Kind as Of
from portal.catalog.audit import COMMAND, Action
from portal.catalog.model import ChangeCause, Publisher
from portal.catalog.periods import PeriodFrozen
from portal.catalog.previews import PreviewRefused
from portal.catalog.statements import Kind, Saying, Statement, StatementRefused, Verdict
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import disputes, kept, periods
from portal.scorecard.assess import standard_layout
from portal.scorecard.cards import Answer
from portal.scorecard.periods import PeriodInvalid
from portal.scorecard.snapshots import Reading, as_of
from portal.scorecard.vectors import Layout
from portal.scorecard.weeks import digest, end_of, published
from tests.catalogs import SOURCE, filled, record
from tests.portal.scorecard.samples import TRANSPORT
from tests.portal.scorecard.test_assess import new
from tests.portal.web.people import PASSWORD, cheap_passwords

KEY = "a key of the installation"
JUNE, BEGUN, WITHIN, AFTER = (
    datetime(2026, 6, 15, tzinfo=UTC), datetime(2026, 7, 1, 8, tzinfo=UTC), datetime(2026, 7, 3, tzinfo=UTC),
    datetime(2026, 7, 9, tzinfo=UTC),
)
DEPARTMENT = "330100.transport"
NOBODY = Publisher(id="nobody", name="地区管理员")
ONE, TWO, THREE = (f"hang00000000000{number}" for number in (1, 2, 3))


def furnish(catalog: Catalog) -> None:
    """Three datasets in June, one without a licence and one of a publisher that nobody knows; two officers."""
    with time_machine.travel(JUNE):
        unlicensed = new("2", licence=None, licence_raw=None, distributions=())
        filled(catalog, new("1"), unlicensed, new("3", publisher=NOBODY))
    with cheap_passwords():
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department=DEPARTMENT)
        catalog.accounts.add("wu", Role.OFFICER, PASSWORD, by=COMMAND, department="330100.market")


@pytest.fixture
def june(catalog: Catalog) -> Catalog:
    """A catalogue of which the first half of the year is over."""
    furnish(catalog)
    return catalog


@pytest.fixture
def shown(june: Catalog) -> Catalog:
    """The same, in a preview that was begun."""
    periods.begin_preview(june, "2026H1", KEY, now=BEGUN)
    return june


def zhou(catalog: Catalog) -> Account:
    return catalog.accounts.get("zhou")


def dispute(catalog: Catalog, text: str = "许可已写明。", **changes: Any) -> Statement:
    about = {"rules": "national", "indicator": "licence", "dataset_id": TWO} | changes
    with time_machine.travel(WITHIN):
        return disputes.say(catalog, "2026H1", Saying(kind=Kind.DISPUTE, text=text, **about), zhou(catalog))


def reread(catalog: Catalog, record: NewRecord) -> None:
    """Another reading of the words that are kept of a dataset."""
    stored = catalog.raw(record.dataset.id)
    assert stored is not None
    record = replace(record, body=stored.body)
    lease = catalog.sources.lease(SOURCE.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.reread([record])
    catalog.sources.release(lease)


def decided(key: str, **changes: Any) -> NewRecord:
    """A record of nobody's as it is read after a person decided what its publisher's name means."""
    publisher = replace(
        NOBODY, department=DEPARTMENT, functions=("transport",), institution_type="government_department",
        institution_inferred_from="decision", decision=1,
    )
    return new(key, publisher=publisher, **changes)


def meanwhile(catalog: Catalog, now: datetime) -> None:
    """Somebody else begins a preview of three days, once."""
    if catalog.previews.get("2026H1") is None:
        periods.begin_preview(catalog, "2026H1", KEY, 3, now=now)


@pytest.mark.parametrize(
    "begun,days,until",
    [
        (datetime(2026, 7, 1, 8, tzinfo=UTC), 7, datetime(2026, 7, 8, 16, tzinfo=UTC)),
        (datetime(2026, 7, 1, 15, 59, tzinfo=UTC), 7, datetime(2026, 7, 8, 16, tzinfo=UTC)),
        (datetime(2026, 7, 1, 16, tzinfo=UTC), 7, datetime(2026, 7, 9, 16, tzinfo=UTC)),
        (datetime(2026, 12, 31, 0, tzinfo=UTC), 1, datetime(2027, 1, 1, 16, tzinfo=UTC)),
    ],
)
def test_a_week_is_whole_days_of_beijing_without_the_one_it_begins_on(
    begun: datetime, days: int, until: datetime
) -> None:
    assert end_of(begun, days) == until


def test_a_preview_shows_what_would_be_frozen_and_freezes_nothing(shown: Catalog) -> None:
    preview = shown.previews.get("2026H1")
    assert preview is not None
    assert (preview.begun, preview.until) == (BEGUN, datetime(2026, 7, 8, 16, tzinfo=UTC))
    manifest, snapshot = periods.opened(shown, preview.kept)
    assert (manifest.period, manifest.day, manifest.until) == ("2026H1", date(2026, 6, 30), preview.until)
    assert snapshot.rows == as_of(shown, date(2026, 6, 30), standard_layout()).rows
    assert periods.is_signed(shown, preview.kept, KEY)
    assert shown.periods.all() == []
    assert [line.about for line in shown.audit.recent(what=Action.PREVIEW_BEGUN)] == ["2026H1"]


def test_a_preview_is_begun_once_of_a_period_that_is_over_and_not_frozen(june: Catalog) -> None:
    with pytest.raises(PeriodInvalid, match="is not over"):
        periods.begin_preview(june, "2026H1", KEY, now=datetime(2026, 6, 30, 23, tzinfo=UTC))
    periods.begin_preview(june, "2026H1", KEY, now=BEGUN)
    with pytest.raises(PreviewRefused, match="begun already, on 2026-07-01"):
        periods.begin_preview(june, "2026H1", KEY, now=WITHIN)
    later = datetime(2027, 1, 2, tzinfo=UTC)
    periods.freeze(june, "2026H2", KEY, now=later)
    with pytest.raises(PreviewRefused, match="2026H2 is frozen already"):
        periods.begin_preview(june, "2026H2", KEY, now=later)


def test_of_two_previews_begun_at_once_one_is_kept(june: Catalog) -> None:
    with pytest.raises(PreviewRefused, match="begun by somebody else meanwhile"):
        periods.begin_preview(june, "2026H1", KEY, now=BEGUN, progress=lambda count: meanwhile(june, BEGUN))
    assert [one.until for one in june.previews.all()] == [end_of(BEGUN, 3)]


def test_a_period_previewed_while_it_was_being_frozen_is_not_frozen(june: Catalog) -> None:
    with pytest.raises(PreviewRefused, match="meanwhile"):
        periods.freeze(june, "2026H1", KEY, now=AFTER, progress=lambda count: meanwhile(june, AFTER))
    assert june.periods.all() == [] and june.previews.get("2026H1") is not None


def test_of_two_who_freeze_at_once_one_does(shown: Catalog) -> None:
    def first(count: int) -> None:
        if not shown.periods.all():
            periods.freeze(shown, "2026H1", KEY, now=AFTER)

    with pytest.raises(PeriodFrozen, match="2026H1 is frozen already"):
        periods.freeze(shown, "2026H1", KEY, now=AFTER, progress=first)
    assert [one.id for one in shown.periods.all()] == ["2026H1"]
    assert len(shown.audit.recent(what=Action.PERIOD_FROZEN)) == 1


def test_while_the_week_runs_the_period_is_not_frozen(shown: Catalog) -> None:
    with pytest.raises(PreviewRefused, match=r"open until 2026-07-09 00:00 \(Beijing\)"):
        periods.freeze(shown, "2026H1", KEY, now=datetime(2026, 7, 8, 15, 59, tzinfo=UTC))
    assert periods.freeze(shown, "2026H1", KEY, now=datetime(2026, 7, 8, 16, tzinfo=UTC)).period == "2026H1"


def test_disputes_hold_a_period_up_until_each_is_answered_or_taken_back(shown: Catalog) -> None:
    answered, withdrawn = dispute(shown), dispute(shown, "还有。")
    with time_machine.travel(WITHIN):
        disputes.say(shown, "2026H1", Saying(kind=Kind.COMMENT, text="谢谢。"), zhou(shown))
    with pytest.raises(PreviewRefused, match="2 of the disputes of 2026H1 have no answer yet"):
        periods.freeze(shown, "2026H1", KEY, now=AFTER)
    shown.statements.answer(answered.number, "不成立。", Verdict.NOT_UPHELD, by=COMMAND)
    with pytest.raises(PreviewRefused, match="1 of the disputes"):
        periods.freeze(shown, "2026H1", KEY, now=AFTER)
    shown.statements.withdraw(withdrawn.number, by="zhou")
    assert periods.freeze(shown, "2026H1", KEY, now=AFTER).preview is not None
    with pytest.raises(PeriodFrozen):
        periods.freeze(shown, "2026H1", KEY, now=AFTER)


def test_the_manifest_has_the_hashes_of_what_was_shown_and_of_what_was_said(shown: Catalog) -> None:
    made = dispute(shown, "一行\r\n两行 “引”")
    shown.statements.answer(made.number, "成立。", Verdict.UPHELD, by=COMMAND)
    before = periods.manifest_of(shown.periods.get("2026H1-pre"))
    preview = periods.freeze(shown, "2026H1", KEY, now=AFTER).preview
    assert preview is not None
    assert (preview.begun, preview.until) == (BEGUN, end_of(BEGUN, 7))
    assert (preview.evidence_sha256, preview.scores_sha256) == (before.evidence_sha256, before.scores_sha256)
    body = published(shown.statements.of("2026H1"))
    assert (preview.statements, preview.statements_sha256) == (1, hashlib.sha256(body).hexdigest())
    (told,) = json.loads(body)
    assert told["text"] == "一行\n两行 “引”" and told["answers"][0]["verdict"] == "upheld"
    assert "zhou" not in body.decode() and COMMAND not in body.decode(), "people are not published"
    with shown.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE statement_answer SET text = '不成立。'")
    assert digest(shown.statements.of("2026H1")) != preview.statements_sha256


def test_a_manifest_without_a_preview_says_nothing_of_one(june: Catalog) -> None:
    periods.freeze(june, "2026H1", KEY, now=AFTER)
    told = json.loads(june.periods.get("2026H1").manifest)
    assert not {"reading", "until", "preview"} & set(told)


def test_nothing_that_the_portals_changed_after_the_day_is_in_the_frozen_period(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        filled(shown, new("1", title="公交", description=None), new("2"), record("4"))
    frozen = periods.freeze(shown, "2026H1", KEY, now=AFTER)
    before = periods.manifest_of(shown.periods.get("2026H1-pre"))
    assert (frozen.evidence_sha256, frozen.scores_sha256) == (before.evidence_sha256, before.scores_sha256)
    assert kept.differences(shown, "2026H1-pre", "2026H1", "national") == ()


def test_a_decision_about_a_name_in_the_week_takes_hold_when_it_is_frozen(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        reread(shown, decided("3"))
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    assert [row.dataset_id for row in kept.rows(shown, "2026H1-pre", DEPARTMENT)] == [ONE, TWO]
    assert [row.dataset_id for row in kept.rows(shown, "2026H1", DEPARTMENT)] == [ONE, TWO, THREE]
    (moved,) = kept.differences(shown, "2026H1-pre", "2026H1", "national")
    assert moved.shown is not None and moved.frozen is not None
    assert (moved.code, moved.shown.datasets, moved.frozen.datasets) == (DEPARTMENT, 2, 3)


def test_it_takes_hold_too_where_the_portal_changed_its_words_in_between(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        filled(shown, new("3", publisher=NOBODY, title="公共汽车站点（新）", description=None))
        reread(shown, decided("3", title="公共汽车站点（新）", description=None))
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    _, snapshot = periods.opened(shown, "2026H1")
    (row,) = [row for row in snapshot.rows if row.dataset_id == THREE]
    (before,) = [row for row in periods.opened(shown, "2026H1-pre")[1].rows if row.dataset_id == THREE]
    assert (row.department, before.department) == (DEPARTMENT, None)
    place = snapshot.layout.place("national", "description_telling")
    assert row.vector[place] == before.vector[place], "the portal's later words are none of the period's"


def test_a_publisher_that_was_renamed_since_is_not_decided_about(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        filled(shown, new("3", publisher=replace(TRANSPORT, id="nobody", decision=1)))
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    assert THREE not in [row.dataset_id for row in kept.rows(shown, "2026H1", DEPARTMENT)]


def test_another_reading_of_the_same_words_takes_hold(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        reread(shown, new("2"))
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    fails = [kept.behind(shown, id, DEPARTMENT, "national", "licence", Answer.FAIL) for id in ("2026H1-pre", "2026H1")]
    assert [[row.dataset_id for row in one] for one in fails] == [[TWO], []]


def test_what_is_read_otherwise_after_the_reading_is_not_taken(june: Catalog) -> None:
    with time_machine.travel(WITHIN):
        reread(june, decided("3"))
        reading = Reading(june.last_change(), WITHIN)
        reread(june, new("3", publisher=NOBODY))
        reread(june, new("2"))
    assert {change.cause for change in june.changes(reading.number)} == {ChangeCause.MAPPING}
    day = date(2026, 6, 30)
    snapshot = as_of(june, day, standard_layout(), reading=reading)
    assert [row.department for row in snapshot.rows] == [DEPARTMENT] * 3
    assert snapshot.rows[1].vector == as_of(june, day, standard_layout()).rows[1].vector
    ids = as_of(june, day, standard_layout(), reading=reading, ids=[THREE])
    assert ids.rows == snapshot.rows[2:]


def test_a_word_about_two_entries_in_the_week_takes_hold(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        shown.appearances.decide(ONE, TWO, Word.TOGETHER, by=COMMAND)
        counting.rebuild(shown, "test")
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    datasets = [
        shown.periods.standings(id, Of.DEPARTMENT, code=DEPARTMENT, rules="national")[0].datasets
        for id in ("2026H1-pre", "2026H1")
    ]
    assert datasets == [2, 1]


def test_an_original_that_came_after_the_day_takes_nothing_out_of_the_period(shown: Catalog) -> None:
    later = new("0").dataset.id
    with time_machine.travel(WITHIN):
        filled(shown, new("0"))
        shown.appearances.decide(ONE, later, Word.TOGETHER, by=COMMAND)
        counting.rebuild(shown, "test")
    assert shown.appearances.originals([ONE]) == {ONE: later}
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    (stood,) = shown.periods.standings("2026H1", Of.DEPARTMENT, code=DEPARTMENT, rules="national")
    assert stood.datasets == 2


def test_a_previewed_period_comes_out_the_same_whenever_it_is_made_again(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        shown.appearances.decide(ONE, TWO, Word.TOGETHER, by=COMMAND)
        counting.rebuild(shown, "test")
        reread(shown, decided("3"))
    frozen = periods.freeze(shown, "2026H1", KEY, now=AFTER)
    with time_machine.travel(datetime(2027, 2, 1, tzinfo=UTC)):
        shown.appearances.decide(ONE, TWO, Word.APART, by=COMMAND)
        counting.rebuild(shown, "test")
        filled(shown, new("1", title="公共汽车线路（新）"))
        reread(shown, new("3", publisher=NOBODY))
    assert periods.recomputed(shown, "2026H1") == frozen
    assert periods.recomputed(shown, "2026H1-pre") == periods.manifest_of(shown.periods.get("2026H1-pre"))


def test_rules_corrected_in_the_week_are_those_it_is_frozen_by(shown: Catalog) -> None:
    corrected = tuple(replace(one, version="1.1") for one in standard_layout().rule_sets)
    frozen = periods.freeze(shown, "2026H1", KEY, now=AFTER, layout=Layout.of(corrected))
    assert {one.version for one in frozen.rules} == {"1.1"}
    assert kept.layout(shown, "2026H1").rules("national").version == "1.1"


def test_the_card_of_a_department_is_that_of_the_period(shown: Catalog) -> None:
    with time_machine.travel(WITHIN):
        filled(shown, new("1", rows=0), new("2", rows=0))
    found = kept.card(shown, "2026H1-pre", DEPARTMENT, "udata")
    (standing,) = shown.periods.standings("2026H1-pre", Of.DEPARTMENT, code=DEPARTMENT, rules="udata")
    assert found is not None and (found.score.point, found.counts.counted) == (standing.point, 2)
    assert found.ranks is not None and (found.ranks.best, found.ranks.of) == (1, 1)
    assert kept.card(shown, "2026H1-pre", "330100.market", "udata") is None


@pytest.mark.parametrize(
    "changes,problem",
    [
        ({"indicator": "no_such"}, "number"),
        ({"rules": "no_such"}, "number"),
        ({"indicator": None}, "number"),
        ({"rules": None}, "number"),
        ({"indicator": "high_value_coverage"}, "number"),
        ({"dataset_id": THREE}, "dataset"),
        ({"dataset_id": "hang000000000999"}, "dataset"),
        ({"dataset_id": "x" * 5000}, "dataset"),
        ({"rules": None, "indicator": None, "dataset_id": THREE}, "dataset"),
    ],
)
def test_a_statement_about_what_is_not_there_is_refused(shown: Catalog, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(StatementRefused) as found:
        dispute(shown, **changes)
    assert found.value.problem == problem and shown.statements.of("2026H1") == []


def test_a_department_disputes_a_number_one_dataset_of_it_or_which_datasets_are_its_own(shown: Catalog) -> None:
    dispute(shown)
    dispute(shown, dataset_id=None)
    dispute(shown, rules="udata", indicator="license", dataset_id=ONE)
    dispute(shown, rules=None, indicator=None, dataset_id=ONE)
    dispute(shown, rules=None, indicator=None, dataset_id=None)
    assert len(shown.statements.of("2026H1", DEPARTMENT)) == 5


def test_a_department_that_the_preview_knows_nothing_of_may_say_so_and_dispute_no_number(shown: Catalog) -> None:
    wu = shown.accounts.get("wu")
    with time_machine.travel(WITHIN):
        with pytest.raises(StatementRefused) as found:
            saying = Saying(kind=Kind.DISPUTE, rules="national", indicator="licence", text="不对。")
            disputes.say(shown, "2026H1", saying, wu)
        assert found.value.problem == "number"
        made = disputes.say(shown, "2026H1", Saying(kind=Kind.DISPUTE, text="我局的数据集一个也没有。"), wu)
        assert made.is_open
        with pytest.raises(StatementRefused) as found:
            disputes.say(shown, "2025H2", Saying(kind=Kind.COMMENT, text="好。"), wu)
        assert found.value.problem == "over"


def test_on_each_database_a_period_is_previewed_disputed_answered_and_frozen(any_catalog: Catalog) -> None:
    furnish(any_catalog)
    periods.begin_preview(any_catalog, "2026H1", KEY, now=BEGUN)
    made = dispute(any_catalog)
    with time_machine.travel(WITHIN):
        reread(any_catalog, decided("3"))
        any_catalog.statements.answer(made.number, "部分成立。", Verdict.PARTLY_UPHELD, by=COMMAND)
    frozen = periods.freeze(any_catalog, "2026H1", KEY, now=AFTER)
    assert frozen.preview is not None and frozen.preview.statements_sha256 == digest(any_catalog.statements.of("2026H1"))
    assert [one.code for one in kept.differences(any_catalog, "2026H1-pre", "2026H1", "national")] == [DEPARTMENT]
    assert [one.id for one in any_catalog.periods.all()] == ["2026H1"]


def test_a_preview_may_be_long_or_short(june: Catalog) -> None:
    periods.begin_preview(june, "2026H1", KEY, 30, now=BEGUN)
    preview = june.previews.get("2026H1")
    assert preview is not None and preview.until - BEGUN == timedelta(days=30, hours=8)
