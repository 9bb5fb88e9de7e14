"""What departments say in a preview: who may, until when, and that nothing said is ever lost or changed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from msgspec.structs import replace

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND, Action
from portal.catalog.periods import FrozenPeriod
from portal.catalog.previews import Preview, PreviewRefused, beginning, ending
from portal.catalog.statements import (
    LONGEST,
    MOST,
    REFUSALS,
    Kind,
    Saying,
    Statement,
    StatementRefused,
    UnknownStatement,
    Verdict,
)
from portal.catalog.store import Catalog
from tests.portal.web.people import PASSWORD, cheap_passwords

PERIOD = "2026H1"
BEGUN, UNTIL = datetime(2026, 7, 1, 8, tzinfo=UTC), datetime(2026, 7, 8, 16, tzinfo=UTC)
WITHIN, AFTER = datetime(2026, 7, 3, tzinfo=UTC), datetime(2026, 7, 9, tzinfo=UTC)
MARKET, TRANSPORT = "330100.market", "330100.transport"
SAYING = Saying(kind=Kind.DISPUTE, rules="national", indicator="licence", text="许可已写明。")

OFFICERS = (("wu", MARKET), ("wang", MARKET), ("zhou", TRANSPORT))


def kept(id: str = PERIOD) -> FrozenPeriod:
    return FrozenPeriod(id, BEGUN, b"{}", "0" * 64)


def begin(catalog: Catalog) -> Preview:
    preview = Preview(period=PERIOD, kept=f"{PERIOD}-pre", begun=BEGUN, until=UNTIL)
    catalog.periods.add(kept(preview.kept), [], also=beginning(preview))
    return preview


def staff(catalog: Catalog) -> None:
    """Two officers of one department and one of another, and somebody of every other role."""
    with cheap_passwords():
        for name, department in OFFICERS:
            catalog.accounts.add(name, Role.OFFICER, PASSWORD, by=COMMAND, department=department)
        for role in (Role.APPLICANT, Role.REVIEWER, Role.OPERATOR, Role.ADMIN):
            catalog.accounts.add(role.value, role, PASSWORD, by=COMMAND)


@pytest.fixture
def previewed(catalog: Catalog) -> Iterator[Catalog]:
    """A preview that is open, at a moment within it."""
    staff(catalog)
    begin(catalog)
    with time_machine.travel(WITHIN, tick=False):
        yield catalog


@pytest.fixture
def any_previewed(any_catalog: Catalog) -> Iterator[Catalog]:
    """The same, once on each database."""
    staff(any_catalog)
    begin(any_catalog)
    with time_machine.travel(WITHIN, tick=False):
        yield any_catalog


def refusal(found: pytest.ExceptionInfo[StatementRefused]) -> str:
    return found.value.problem


def said(catalog: Catalog, by: str = "wu", **changes: Any) -> Statement:
    return catalog.statements.say(PERIOD, replace(Saying(kind=Kind.DISPUTE, text="不对。"), **changes), by=by)


def test_a_department_speaks_by_its_officer_and_the_log_says_which(any_previewed: Catalog) -> None:
    made = any_previewed.statements.say(PERIOD, SAYING, by="wu")
    assert (made.department, made.saying, made.at) == (MARKET, SAYING, WITHIN)
    assert any_previewed.statements.of(PERIOD) == [made] == any_previewed.statements.by(MARKET)
    assert any_previewed.statements.of(PERIOD, TRANSPORT) == []
    (line,) = any_previewed.audit.recent(what=Action.STATEMENT_MADE)
    assert (line.who, line.about, line.detail) == ("wu", f"{PERIOD} {MARKET} {made.number}", "dispute")


@pytest.mark.parametrize("name", ["applicant", "reviewer", "operator", "admin", "nobody", COMMAND])
def test_nobody_but_an_officer_speaks_for_a_department(previewed: Catalog, name: str) -> None:
    with pytest.raises(StatementRefused) as found:
        previewed.statements.say(PERIOD, SAYING, by=name)
    assert refusal(found) == "role"


def test_a_disabled_officer_neither_speaks_nor_takes_back(previewed: Catalog) -> None:
    number = said(previewed).number
    previewed.accounts.disable("wu", by=COMMAND)
    for attempt in (lambda: said(previewed, text="还有。"), lambda: previewed.statements.withdraw(number, by="wu")):
        with pytest.raises(StatementRefused) as found:
            attempt()
        assert refusal(found) == "role"


@pytest.mark.parametrize(
    "moment,is_taken",
    [(UNTIL - timedelta(microseconds=1), True), (UNTIL, False), (UNTIL + timedelta(seconds=1), False)],
)
def test_statements_are_taken_up_to_the_last_instant_and_none_after_it(
    previewed: Catalog, moment: datetime, is_taken: bool
) -> None:
    with time_machine.travel(moment, tick=False):
        if is_taken:
            assert said(previewed).at == moment
            return
        with pytest.raises(StatementRefused) as found:
            said(previewed)
    assert refusal(found) == "over" and previewed.statements.of(PERIOD) == []


def test_there_is_nothing_to_say_where_nothing_is_previewed(previewed: Catalog) -> None:
    with pytest.raises(StatementRefused) as found:
        previewed.statements.say("2025H2", SAYING, by="wu")
    assert refusal(found) == "over"


@pytest.mark.parametrize("text", ["", " \r\n\t ", "\0\0", "……！", "字" * (LONGEST + 1)])
def test_a_text_that_says_nothing_or_too_much_is_refused(previewed: Catalog, text: str) -> None:
    with pytest.raises(StatementRefused) as found:
        said(previewed, text=text)
    assert refusal(found) == "text"


@pytest.mark.parametrize(
    "typed,stored",
    [
        ("一\r\n二\r三\n", "一\n二\n三"),
        ("  好\t的\0\x1b[31m ", "好 的[31m"),
        ("正\u202e反\u2066倒\u2029完", "正反倒完"),
        ("半\ud800字", "半字"),
        ("<b>粗</b>&amp;", "<b>粗</b>&amp;"),
        ("ᠮᠣᠩᠭᠣᠯ\u180eᠠ", "ᠮᠣᠩᠭᠣᠯ\u180eᠠ"),
        ("字" * LONGEST, "字" * LONGEST),
    ],
)
def test_a_text_is_kept_as_plain_lines(previewed: Catalog, typed: str, stored: str) -> None:
    made = said(previewed, text=typed)
    assert made.saying.text == stored
    assert previewed.statements.get(made.number) == made


def test_the_same_is_said_once_until_it_is_taken_back(previewed: Catalog) -> None:
    first = said(previewed)
    with pytest.raises(StatementRefused) as found:
        said(previewed, by="wang", text="不对。\r\n")
    assert refusal(found) == "same"
    said(previewed, by="zhou")
    previewed.statements.withdraw(first.number, by="wang")
    assert said(previewed).number != first.number


@pytest.mark.slow
def test_a_department_has_so_many_statements_and_no_more(previewed: Catalog) -> None:
    for number in range(MOST):
        said(previewed, text=f"第 {number} 条")
    with pytest.raises(StatementRefused) as found:
        said(previewed, text="再来一条")
    assert refusal(found) == "many"
    assert said(previewed, by="zhou").number


def test_what_is_taken_back_stays_to_see_and_is_waited_for_no_longer(any_previewed: Catalog) -> None:
    number = said(any_previewed).number
    assert any_previewed.statements.get(number).is_open
    with time_machine.travel(AFTER, tick=False):
        any_previewed.statements.withdraw(number, by="wang")
    found = any_previewed.statements.get(number)
    assert (found.withdrawn, found.is_open, found.saying.text) == (AFTER, False, "不对。")
    assert [line.who for line in any_previewed.audit.recent(what=Action.STATEMENT_WITHDRAWN)] == ["wang"]
    for attempt in (
        lambda: any_previewed.statements.withdraw(number, by="wu"),
        lambda: any_previewed.statements.answer(number, "好。", Verdict.UPHELD, by="reviewer"),
    ):
        with pytest.raises(StatementRefused) as refused:
            attempt()
        assert refusal(refused) == "withdrawn"


def test_an_officer_of_another_department_takes_nothing_back(previewed: Catalog) -> None:
    number = said(previewed).number
    with pytest.raises(UnknownStatement):
        previewed.statements.withdraw(number, by="zhou")
    with pytest.raises(UnknownStatement):
        previewed.statements.withdraw(number + 1, by="wu")
    assert previewed.statements.get(number).withdrawn is None


@pytest.mark.parametrize("name", ["applicant", "wu", "nobody"])
def test_nobody_answers_but_reviewers_operators_and_the_command(previewed: Catalog, name: str) -> None:
    number = said(previewed).number
    with pytest.raises(StatementRefused) as found:
        previewed.statements.answer(number, "好。", Verdict.UPHELD, by=name)
    assert refusal(found) == "role"
    after = None
    for allowed in ("reviewer", "operator", "admin", COMMAND):
        after = previewed.statements.answer(number, "好。", Verdict.UPHELD, by=allowed, after=after).number
    previewed.accounts.disable("reviewer", by=COMMAND)
    with pytest.raises(StatementRefused):
        previewed.statements.answer(number, "好。", Verdict.UPHELD, by="reviewer", after=after)


def test_a_dispute_is_answered_with_a_verdict_and_a_comment_may_be_without(previewed: Catalog) -> None:
    dispute, comment = said(previewed).number, said(previewed, kind=Kind.COMMENT).number
    with pytest.raises(StatementRefused) as found:
        previewed.statements.answer(dispute, "好。", None, by="reviewer")
    assert refusal(found) == "verdict"
    assert previewed.statements.answer(comment, "谢谢。", None, by="reviewer").verdict is None
    with pytest.raises(StatementRefused) as found:
        previewed.statements.answer(dispute, " ", Verdict.UPHELD, by="reviewer")
    assert refusal(found) == "text"
    with pytest.raises(UnknownStatement):
        previewed.statements.answer(99, "好。", Verdict.UPHELD, by="reviewer")


def test_answers_are_given_after_the_week_and_the_last_one_is_in_force(any_previewed: Catalog) -> None:
    number = said(any_previewed).number
    with time_machine.travel(AFTER, tick=False):
        first = any_previewed.statements.answer(number, "不成立。", Verdict.NOT_UPHELD, by="reviewer")
        second = any_previewed.statements.answer(number, "成立，已改正。", Verdict.UPHELD, by="operator", after=first.number)
    found = any_previewed.statements.get(number)
    assert found.answers == (first, second) and not found.is_open
    assert [line.detail for line in any_previewed.audit.recent(what=Action.STATEMENT_ANSWERED)] == ["upheld", "not-upheld"]


def test_of_two_answers_at_once_the_second_is_told_to_read_the_first(previewed: Catalog) -> None:
    number = said(previewed).number
    previewed.statements.answer(number, "成立。", Verdict.UPHELD, by="reviewer")
    with pytest.raises(StatementRefused) as found:
        previewed.statements.answer(number, "不成立。", Verdict.NOT_UPHELD, by="operator")
    assert refusal(found) == "answered"
    assert [one.text for one in previewed.statements.get(number).answers] == ["成立。"]


@pytest.mark.slow
def test_of_answers_given_by_several_threads_at_once_one_is_taken(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalogue.db'}")
    catalog.upgrade()
    staff(catalog)
    begin(catalog)
    with time_machine.travel(WITHIN, tick=False):
        number = said(catalog).number

        def answer(text: str) -> str:
            try:
                return catalog.statements.answer(number, text, Verdict.UPHELD, by="reviewer").text
            except StatementRefused as refused:
                return refused.problem

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(answer, ("甲", "乙", "丙", "丁")))
    (taken,) = catalog.statements.get(number).answers
    catalog.close()
    assert sorted(outcomes) == sorted(["answered"] * 3 + [taken.text])


def test_once_the_period_is_frozen_nothing_is_added(any_previewed: Catalog) -> None:
    preview = any_previewed.previews.get(PERIOD)
    number = said(any_previewed).number
    assert [one.number for one in any_previewed.statements.unfrozen()] == [number]
    answer = any_previewed.statements.answer(number, "成立。", Verdict.UPHELD, by="reviewer")
    any_previewed.periods.add(kept(), [], also=ending(PERIOD, preview, any_previewed.statements.of(PERIOD)))
    for attempt in (
        lambda: any_previewed.statements.withdraw(number, by="wu"),
        lambda: any_previewed.statements.answer(number, "又一答复。", Verdict.UPHELD, by="reviewer", after=answer.number),
    ):
        with pytest.raises(StatementRefused) as found:
            attempt()
        assert refusal(found) == "frozen"
    assert any_previewed.statements.unfrozen() == []


@pytest.mark.parametrize("moved", ["answered", "withdrawn", "said", "never"])
def test_a_period_is_not_frozen_with_anything_else_than_what_was_said(previewed: Catalog, moved: str) -> None:
    preview = previewed.previews.get(PERIOD)
    number = said(previewed).number
    stood = previewed.statements.of(PERIOD)
    if moved == "answered":
        previewed.statements.answer(number, "成立。", Verdict.UPHELD, by="reviewer")
    elif moved == "withdrawn":
        previewed.statements.withdraw(number, by="wu")
    elif moved == "said":
        said(previewed, by="zhou")
    else:
        preview = None
    with pytest.raises(PreviewRefused, match="meanwhile"):
        previewed.periods.add(kept(), [], also=ending(PERIOD, preview, stood))
    assert previewed.periods.all() == [] and previewed.audit.recent(what=Action.PERIOD_FROZEN) == []


def test_what_a_preview_shows_is_no_frozen_period(any_previewed: Catalog) -> None:
    assert any_previewed.periods.all() == []
    assert [one.period for one in any_previewed.previews.all()] == [PERIOD]
    assert any_previewed.previews.get("2025H2") is None
    assert any_previewed.periods.get(f"{PERIOD}-pre").manifest == b"{}"


def test_every_refusal_has_its_words() -> None:
    assert str(StatementRefused("over")) == REFUSALS["over"]
