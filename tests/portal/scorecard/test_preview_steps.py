"""A preview that is extended or called off: who may, what it does to the week, and that the reason stays for everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND, Action
from portal.catalog.periods import PeriodFrozen
from portal.catalog.previews import Preview, PreviewRefused, StepKind, StepRefused
from portal.catalog.statements import LONGEST, Kind, Saying, Statement, StatementRefused, Verdict
from portal.catalog.store import Catalog
from portal.scorecard import disputes, kept, periods
from portal.scorecard.weeks import end_of_day, published
from tests.catalogs import filled
from tests.portal.scorecard.test_assess import new
from tests.portal.scorecard.test_previews import AFTER, BEGUN, DEPARTMENT, KEY, WITHIN, furnish, zhou
from tests.portal.web.people import PASSWORD, cheap_passwords

REASON = "七月四日、五日的系统维护占去两天。"
LATER = end_of_day(date(2026, 7, 12))
UNTIL = end_of_day(date(2026, 7, 8))


@pytest.fixture
def shown(any_catalog: Catalog) -> Catalog:
    """A preview of seven days, on each database, and somebody of each role."""
    furnish(any_catalog)
    with cheap_passwords():
        for role in (Role.APPLICANT, Role.REVIEWER, Role.OPERATOR, Role.ADMIN):
            any_catalog.accounts.add(role.value, role, PASSWORD, by=COMMAND)
    periods.begin_preview(any_catalog, "2026H1", KEY, now=BEGUN)
    return any_catalog


def extend(
    catalog: Catalog, until: datetime = LATER, *, at: datetime = WITHIN, reason: str = REASON, by: str = COMMAND
) -> Preview:
    with time_machine.travel(at, tick=False):
        return catalog.previews.extend("2026H1", until, reason, by=by)


def call_off(catalog: Catalog, *, at: datetime = WITHIN, by: str = COMMAND) -> Preview:
    with time_machine.travel(at, tick=False):
        return catalog.previews.call_off("2026H1", "名称认定有误，须重新公示。", by=by)


def dispute(catalog: Catalog, at: datetime) -> Statement:
    saying = Saying(kind=Kind.DISPUTE, rules="national", indicator="licence", text=f"许可已写明（{at:%m-%d}）。")
    with time_machine.travel(at, tick=False):
        return disputes.say(catalog, "2026H1", saying, zhou(catalog))


def test_departments_speak_until_the_later_day_and_the_period_waits_for_it(shown: Catalog) -> None:
    assert extend(shown).until == LATER
    dispute(shown, datetime(2026, 7, 12, 15, 59, tzinfo=UTC))
    with pytest.raises(StatementRefused):
        dispute(shown, datetime(2026, 7, 12, 16, tzinfo=UTC))
    with pytest.raises(PreviewRefused, match=r"open until 2026-07-13 00:00 \(Beijing\)"):
        periods.freeze(shown, "2026H1", KEY, now=AFTER)


def test_a_week_that_is_over_can_be_opened_again(shown: Catalog) -> None:
    with pytest.raises(StatementRefused):
        dispute(shown, AFTER)
    extend(shown, at=AFTER)
    assert dispute(shown, AFTER).is_open


def test_it_stays_known_until_when_it_was_open_why_and_who_did_it(shown: Catalog) -> None:
    extend(shown, by="operator")
    again = extend(shown, LATER + timedelta(days=2), reason="再延两天。")
    assert [(one.kind, one.before, one.until, one.reason, one.by) for one in again.extended] == [
        (StepKind.EXTENDED, UNTIL, LATER, REASON, "operator"),
        (StepKind.EXTENDED, LATER, LATER + timedelta(days=2), "再延两天。", COMMAND),
    ]
    assert shown.previews.get("2026H1") == again == shown.previews.all()[0]
    told = shown.audit.recent(what=Action.PREVIEW_EXTENDED)
    assert [(line.who, line.about, line.detail) for line in told][1] == (
        "operator", "2026H1", f"2026-07-12T16:00:00+00:00 {REASON}",
    )


@pytest.mark.parametrize("by", ["reviewer", "applicant", "zhou", "nobody"])
def test_nobody_but_operators_and_administrators_extends_or_calls_off(shown: Catalog, by: str) -> None:
    for act in (extend, call_off):
        with pytest.raises(StepRefused) as found:
            act(shown, by=by)
        assert found.value.problem == "role"
    shown.accounts.disable("operator", by=COMMAND)
    with pytest.raises(StepRefused):
        extend(shown, by="operator")
    assert extend(shown, by="admin").until == LATER


@pytest.mark.parametrize("until,at,reason,problem", [
    (UNTIL, WITHIN, REASON, "earlier"),
    (end_of_day(date(2026, 7, 5)), WITHIN, REASON, "earlier"),
    (end_of_day(date(2026, 7, 9)), datetime(2026, 7, 20, tzinfo=UTC), REASON, "earlier"),
    (end_of_day(date(2026, 10, 3)), WITHIN, REASON, "far"),
    (LATER, WITHIN, " \u200b… ", "text"),
    (LATER, WITHIN, "长" * (LONGEST + 1), "text"),
])
def test_what_is_no_extension_is_refused_and_changes_nothing(
    shown: Catalog, until: datetime, at: datetime, reason: str, problem: str
) -> None:
    with pytest.raises(StepRefused) as found:
        extend(shown, until, at=at, reason=reason)
    assert found.value.problem == problem
    preview = shown.previews.get("2026H1")
    assert preview is not None and (preview.until, preview.steps) == (UNTIL, ())


def test_where_there_is_no_preview_or_it_is_frozen_nothing_is_changed(shown: Catalog) -> None:
    with pytest.raises(StepRefused) as none:
        shown.previews.call_off("2025H2", REASON, by=COMMAND)
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    for act in (extend, call_off):
        with pytest.raises(StepRefused) as frozen:
            act(shown)
        assert (none.value.problem, frozen.value.problem) == ("none", "frozen")


def test_once_called_off_nobody_speaks_and_nothing_is_frozen_before_another_preview(shown: Catalog) -> None:
    preview = call_off(shown)
    assert preview.called_off is not None and (preview.until, preview.called_off.before) == (WITHIN, UNTIL)
    with pytest.raises(StatementRefused):
        dispute(shown, WITHIN)
    with pytest.raises(PreviewRefused, match="was called off: nachuan assess preview 2026H1 begins another"):
        periods.freeze(shown, "2026H1", KEY, now=AFTER)
    for act in (extend, call_off):
        with pytest.raises(StepRefused) as found:
            act(shown)
        assert found.value.problem == "called-off"


def test_another_preview_shows_what_stands_then_and_the_first_stays_as_it_was(shown: Catalog) -> None:
    call_off(shown)
    with time_machine.travel(WITHIN):
        filled(shown, new("9"))
    manifest = periods.begin_preview(shown, "2026H1", KEY, 3, now=AFTER)
    preview = shown.previews.get("2026H1")
    assert preview is not None
    assert (preview.kept, preview.until, preview.called_off) == ("2026H1-p2", manifest.until, None)
    assert [(one.kept, one.reason) for one in preview.earlier] == [("2026H1-pre", "名称认定有误，须重新公示。")]
    assert dispute(shown, AFTER).period == "2026H1"
    assert shown.periods.all() == [] and shown.periods.of("national", kept.Kind.DEPARTMENT, DEPARTMENT) == {}
    assert periods.opened(shown, "2026H1-pre")[0].day == manifest.day
    with pytest.raises(PreviewRefused, match="begun already, on 2026-07-09"):
        periods.begin_preview(shown, "2026H1", KEY, now=AFTER)


def test_of_two_who_begin_another_preview_at_once_one_does(shown: Catalog) -> None:
    call_off(shown)
    begun: list[str] = []

    def meanwhile(count: int) -> None:
        if not begun:
            begun.append("by somebody else")
            periods.begin_preview(shown, "2026H1", KEY, 3, now=AFTER)

    with pytest.raises(PreviewRefused, match="begun by somebody else meanwhile"):
        periods.begin_preview(shown, "2026H1", KEY, 7, now=AFTER, progress=meanwhile)


def test_a_dispute_of_the_preview_called_off_is_still_to_be_answered_and_all_of_it_is_in_the_manifest(
    shown: Catalog,
) -> None:
    made = dispute(shown, WITHIN)
    call_off(shown)
    periods.begin_preview(shown, "2026H1", KEY, 3, now=AFTER)
    extend(shown, end_of_day(date(2026, 7, 15)), at=AFTER)
    late = datetime(2026, 7, 16, tzinfo=UTC)
    with pytest.raises(PreviewRefused, match="1 of the disputes of 2026H1 have no answer yet"):
        periods.freeze(shown, "2026H1", KEY, now=late)
    shown.statements.answer(made.number, "不成立。", Verdict.NOT_UPHELD, by=COMMAND)
    preview = periods.freeze(shown, "2026H1", KEY, now=late).preview
    assert preview is not None
    assert (preview.begun, preview.until, preview.statements) == (AFTER, end_of_day(date(2026, 7, 15)), 1)
    assert [(one.kept, one.kind, one.before, one.until) for one in preview.steps] == [
        ("2026H1-pre", StepKind.CALLED_OFF, UNTIL, WITHIN),
        ("2026H1-p2", StepKind.EXTENDED, end_of_day(date(2026, 7, 12)), end_of_day(date(2026, 7, 15))),
    ]
    assert [one.id for one in shown.periods.all()] == ["2026H1"]
    words = shown.periods.get("2026H1").manifest.decode()
    assert REASON in words and COMMAND not in words and COMMAND not in published(shown.statements.of("2026H1")).decode()
    assert periods.recomputed(shown, "2026H1") == periods.manifest_of(shown.periods.get("2026H1"))


def test_the_manifest_of_a_preview_that_ran_its_course_says_nothing_of_steps(shown: Catalog) -> None:
    periods.freeze(shown, "2026H1", KEY, now=AFTER)
    assert "steps" not in json.loads(shown.periods.get("2026H1").manifest)["preview"]


@pytest.mark.parametrize("act", [extend, call_off])
def test_a_period_is_not_frozen_with_a_preview_that_was_changed_meanwhile(
    shown: Catalog, act: Callable[..., Preview]
) -> None:
    done: list[Preview] = []

    def meanwhile(count: int) -> None:
        if not done:
            done.append(act(shown, at=AFTER))

    with pytest.raises(PreviewRefused, match="meanwhile"):
        periods.freeze(shown, "2026H1", KEY, now=AFTER, progress=meanwhile)
    with pytest.raises((PreviewRefused, PeriodFrozen)):
        periods.freeze(shown, "2026H1", KEY, now=AFTER)
    assert shown.periods.all() == []
