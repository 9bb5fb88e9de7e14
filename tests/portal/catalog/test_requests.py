"""What the public asks for: who may do what with it, who counts how often, and that nothing is ever lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from msgspec.structs import replace
from sqlalchemy import func, select

from portal.catalog import requests, tables
from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND, Action
from portal.catalog.demand import UNMET, Cell, Order, Standing, Which
from portal.catalog.requests import (
    ASKED_A_DAY,
    DESCRIPTION_LENGTH,
    LONGEST,
    MOST_DATASETS,
    REFUSALS,
    SUPPORTED_A_DAY,
    TITLE_LENGTH,
    Asker,
    Filing,
    Reply,
    Request,
    RequestRefused,
    State,
    Step,
    UnknownRequest,
    Verdict,
    Wish,
)
from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog, filled, record
from tests.portal.web.people import PASSWORD, cheap_passwords

DAY = datetime(2026, 5, 11, 9, tzinfo=UTC)
MARKET, TRANSPORT = "330100.market", "330100.transport"
WISH = Wish(
    title="公交到站时刻", description="想做一个换乘提醒，需要每条线路的到站时刻。", region="330100", theme="transport",
    entry="TRA-1", function="transport",
)
FILING = Filing(region="330100", theme="transport", entry="TRA-1", department=TRANSPORT)
HOME = Asker(None, "203.0.113.7")
PLANNED = Reply(verdict=Verdict.PLANNED, text="年内开放。")


def elsewhere(number: int) -> Asker:
    return Asker(None, f"198.51.100.{number}")


def staffed(catalog: Catalog) -> Catalog:
    """Somebody of every role, and officers of two departments."""
    with cheap_passwords():
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department=TRANSPORT)
        catalog.accounts.add("wu", Role.OFFICER, PASSWORD, by=COMMAND, department=MARKET)
        for role in (Role.APPLICANT, Role.REVIEWER, Role.OPERATOR, Role.ADMIN):
            catalog.accounts.add(role.value, role, PASSWORD, by=COMMAND)
    return catalog


@pytest.fixture
def desk(any_catalog: Catalog) -> Catalog:
    """A catalogue on each database with everybody in it."""
    return staffed(any_catalog)


def ask(catalog: Catalog, asker: Asker = HOME, **changes: Any) -> Request:
    return catalog.requests.ask(replace(WISH, **changes), asker)


def public(catalog: Catalog, asker: Asker = HOME, **changes: Any) -> int:
    number = ask(catalog, asker, **changes).number
    catalog.requests.publish(number, FILING, by="operator")
    return number


def last_decision(catalog: Catalog, number: int) -> int | None:
    decisions = catalog.requests.get(number).decisions
    return decisions[-1].number if decisions else None


def refused(attempt: Callable[[], object]) -> str:
    with pytest.raises(RequestRefused) as found:
        attempt()
    assert str(found.value) == REFUSALS[found.value.problem]
    return found.value.problem


def test_a_request_is_kept_as_it_was_asked_and_waits(desk: Catalog) -> None:
    with time_machine.travel(DAY, tick=False):
        made = ask(desk, title=" 公交\t到站\u202e时刻 ", description="一行，十个字以上的说明。\r\n第二行\u200b。")
    assert made == desk.requests.get(made.number)
    assert made.wish.title == "公交 到站时刻" and made.wish.description == "一行，十个字以上的说明。\n第二行。"
    assert (made.state, made.asked, made.wanted, made.published) == (State.WAITING, DAY, 1, None)
    assert desk.requests.waiting() == [made] and desk.demand.listed(limit=9) == []
    line = desk.audit.recent(what=Action.REQUEST_MADE)[0]
    assert (line.who, line.about) == ("(nobody)", str(made.number))
    with pytest.raises(UnknownRequest):
        desk.requests.get(made.number + 1)


@pytest.mark.parametrize(("changes", "problem"), [
    ({"title": "公 交"}, "title"),
    ({"title": "x" * (TITLE_LENGTH[1] + 1)}, "title"),
    ({"title": "……？？！！"}, "title"),
    ({"description": "短"}, "description"),
    ({"description": "长" * (DESCRIPTION_LENGTH[1] + 1)}, "description"),
    ({"region": "999999"}, "region"),
    ({"theme": "no-theme"}, "theme"),
    ({"entry": "TRA-999"}, "entry"),
    ({"function": "magic"}, "function"),
])
def test_what_cannot_be_asked_is_refused_with_its_reason(catalog: Catalog, changes: dict[str, str], problem: str) -> None:
    assert refused(lambda: ask(catalog, **changes)) == problem
    assert catalog.requests.waiting() == []


def test_no_address_is_kept_and_the_salt_of_a_day_gone_by_is_thrown_away(desk: Catalog) -> None:
    with time_machine.travel(DAY, tick=False):
        number = public(desk)
    with desk.engine.connect() as connection:
        (first,) = connection.execute(select(tables.request_salt)).all()
        (row,) = connection.execute(select(tables.request_supporter)).all()
        kept = [str(one) for table in (tables.data_request, tables.request_supporter, tables.audit, tables.request_salt)
                for one in connection.execute(select(table))]
    assert row.supporter.startswith("visitor:") and not any(HOME.address in one for one in kept)
    with time_machine.travel(DAY + timedelta(days=1), tick=False):
        assert desk.requests.support(number, HOME), "of another day nobody can tell that it was the same address"
    with desk.engine.connect() as connection:
        (second,) = connection.execute(select(tables.request_salt)).all()
    assert (first.day, second.day) == ("2026-05-11", "2026-05-12") and first.salt != second.salt


def test_everybody_counts_once(desk: Catalog) -> None:
    with time_machine.travel(DAY, tick=False):
        number = public(desk)
        assert not desk.requests.support(number, HOME), "whoever asks wants it"
        assert desk.requests.support(number, elsewhere(1)) and not desk.requests.support(number, elsewhere(1))
        assert desk.requests.support(number, Asker("applicant", HOME.address))
        assert not desk.requests.support(number, Asker("applicant", "192.0.2.1")), "an account is one from wherever"
    assert desk.requests.get(number).wanted == 3


def test_only_what_is_public_is_joined_in(desk: Catalog) -> None:
    waiting = ask(desk).number
    assert refused(lambda: desk.requests.support(waiting, elsewhere(1))) == "state"
    desk.requests.refuse(waiting, "含个人信息。", by="operator")
    assert refused(lambda: desk.requests.support(waiting, elsewhere(1))) == "state"
    with pytest.raises(UnknownRequest):
        desk.requests.support(99, HOME)


def test_one_address_asks_and_joins_in_so_often_a_day(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    staffed(catalog)
    with time_machine.travel(DAY, tick=False):
        numbers = [public(catalog, title=f"数据需求 {n}") for n in range(ASKED_A_DAY)]
        assert refused(lambda: ask(catalog)) == "many"
        assert ask(catalog, elsewhere(1)).state is State.WAITING
        assert ask(catalog, Asker("applicant", HOME.address), title="另一项需求").state is State.WAITING
        monkeypatch.setattr(requests, "SUPPORTED_A_DAY", 2)
        assert SUPPORTED_A_DAY > ASKED_A_DAY
        assert [catalog.requests.support(one, elsewhere(2)) for one in numbers[:2]] == [True, True]
        assert refused(lambda: catalog.requests.support(numbers[2], elsewhere(2))) == "many_joined"
        assert not catalog.requests.support(numbers[0], elsewhere(2)), "joined in already is no refusal"
    with time_machine.travel(DAY + timedelta(days=1), tick=False):
        assert ask(catalog, title="第二天的需求").state is State.WAITING


def test_a_flood_stops_where_so_many_wait_and_leaves_those_who_sign_in(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_WAITING", 3)
    for n in range(3):
        ask(catalog, elsewhere(n), title=f"数据需求 {n}")
    assert refused(lambda: ask(catalog, elsewhere(9))) == "full"
    assert ask(catalog, Asker("applicant", "192.0.2.1")).state is State.WAITING


def test_the_same_words_are_taken_once_unless_they_were_refused(catalog: Catalog) -> None:
    staffed(catalog)
    first = ask(catalog)
    assert refused(lambda: ask(catalog, elsewhere(1))) == "same"
    assert ask(catalog, region=None).number != first.number
    catalog.requests.refuse(first.number, "请去掉姓名后再提。", by="operator")
    assert ask(catalog, elsewhere(1)).number > first.number


@pytest.mark.parametrize("who", ["zhou", "applicant", "reviewer", "nobody", ""])
def test_only_operators_decide(catalog: Catalog, who: str) -> None:
    staffed(catalog)
    waiting, there = ask(catalog).number, public(catalog, title="已经公开的需求")
    store, after = catalog.requests, last_decision(catalog, there)
    for attempt in (
        lambda: store.publish(waiting, FILING, by=who),
        lambda: store.refuse(waiting, "理由", by=who),
        lambda: store.file(there, FILING, by=who, after=after),
        lambda: store.merge(waiting, there, by=who),
        lambda: store.unmerge(waiting, by=who),
    ):
        assert refused(attempt) == "role"
    assert store.get(waiting).state is State.WAITING


def test_a_disabled_operator_decides_nothing(catalog: Catalog) -> None:
    staffed(catalog)
    waiting = ask(catalog).number
    catalog.accounts.disable("operator", by=COMMAND)
    assert refused(lambda: catalog.requests.publish(waiting, FILING, by="operator")) == "role"
    assert catalog.requests.publish(waiting, FILING, by=COMMAND).state is State.PUBLIC


def test_a_request_is_published_and_filed_and_its_course_is_kept(desk: Catalog) -> None:
    number = ask(desk, region=None, entry=None).number
    with time_machine.travel(DAY, tick=False):
        made = desk.requests.publish(number, FILING, by="operator")
    assert (made.state, made.published, made.department) == (State.PUBLIC, DAY, TRANSPORT)
    assert (made.wish.region, made.wish.entry) == ("330100", "TRA-1")
    moved = desk.requests.file(number, replace(FILING, department=MARKET), by="admin", after=made.decisions[-1].number)
    assert [(one.kind, one.department, one.by) for one in moved.decisions] == [
        (Step.PUBLISHED, TRANSPORT, "operator"), (Step.FILED, MARKET, "admin"),
    ]
    same = desk.requests.file(number, replace(FILING, department=MARKET, theme=None), by="admin",
                              after=moved.decisions[-1].number)
    assert same.decisions[-1].department is None, "the department it had already"
    for filing, problem in ((replace(FILING, department="330100.magic"), "department"), (Filing(region="1"), "region")):
        assert refused(lambda filing=filing: desk.requests.file(number, filing, by="admin")) == problem  # type: ignore[misc]
    assert refused(lambda: desk.requests.publish(number, FILING, by="admin", after=last_decision(desk, number))) == "state"


def test_what_was_public_can_be_taken_down_and_be_published_again(desk: Catalog) -> None:
    with time_machine.travel(DAY, tick=False):
        number = public(desk)
    down = desk.requests.refuse(number, " 含有手机号码。 ", by="operator", after=last_decision(desk, number))
    assert (down.state, down.refused_because) == (State.REFUSED, "含有手机号码。")
    assert desk.demand.count() == 0 and desk.requests.refused() == [down]
    assert refused(lambda: desk.requests.refuse(number, "再次", by="operator", after=last_decision(desk, number))) == "state"
    assert refused(lambda: desk.requests.refuse(number, " … ", by="operator")) == "reason"
    assert refused(lambda: desk.requests.refuse(number, "长" * (LONGEST + 1), by="operator")) == "reason"
    again = desk.requests.publish(number, FILING, by="operator", after=last_decision(desk, number))
    assert again.published == DAY, "when it became public first"
    assert [one.kind for one in again.decisions] == [Step.PUBLISHED, Step.REFUSED, Step.PUBLISHED]


def test_merged_requests_count_together_each_supporter_once_and_apart_again(desk: Catalog) -> None:
    with time_machine.travel(DAY, tick=False):
        first = public(desk, title="公交到站数据")
        second = public(desk, elsewhere(1), title="公共汽车时刻")
        third = ask(desk, elsewhere(2), title="公交时刻表").number
        desk.requests.support(first, elsewhere(3))
        desk.requests.support(second, elsewhere(3))
        desk.requests.support(second, elsewhere(4))
        merged = desk.requests.merge(third, second, by="operator")
        assert (merged.state, merged.merged_into) == (State.PUBLIC, second)
        assert desk.requests.get(second).wanted == 4
        desk.requests.merge(second, first, by="operator", after=last_decision(desk, second))
        assert desk.requests.get(first).wanted == 5, "198.51.100.3 wants both, and is one"
        assert [one.number for one in desk.demand.listed(limit=9)] == [first]
        assert desk.requests.get(third).counts_for == first and desk.requests.get(third).merged_into == second
        assert desk.requests.support(third, elsewhere(5)), "where a merged one is joined in"
        assert not desk.requests.support(first, elsewhere(5))
        assert desk.requests.get(first).wanted == 6
        apart = desk.requests.unmerge(second, by="admin", after=last_decision(desk, second))
    assert (apart.merged_into, apart.wanted) == (None, 5)
    assert desk.requests.get(first).wanted == 2 and desk.requests.get(third).counts_for == second
    assert [(one.kind, one.other) for one in apart.decisions] == [
        (Step.PUBLISHED, None), (Step.MERGED, first), (Step.UNMERGED, first),
    ]


def test_a_merge_leads_to_a_request_that_is_public_itself(catalog: Catalog) -> None:
    staffed(catalog)
    first, second = public(catalog, title="公交到站数据"), public(catalog, title="公共汽车时刻")
    waiting, store = ask(catalog, title="还没有看过的").number, catalog.requests

    def merging(number: int, into: int) -> str:
        return refused(lambda: store.merge(number, into, by="operator", after=last_decision(catalog, number)))

    assert merging(first, first) == merging(first, waiting) == merging(first, 99) == "into"
    store.merge(second, first, by="operator", after=last_decision(catalog, second))
    assert merging(first, second) == merging(waiting, second) == "into", "what is merged itself takes none"
    assert merging(second, first) == "state"
    after = last_decision(catalog, first)
    assert refused(lambda: store.refuse(first, "理由", by="operator", after=after)) == "holds"
    assert refused(lambda: store.unmerge(first, by="operator", after=after)) == "state"
    store.refuse(second, "含个人信息", by="operator", after=last_decision(catalog, second))
    assert store.get(first).wanted == 1 and store.merged_into(first) == [] and store.get(second).merged_into is None


@pytest.mark.parametrize(("who", "department"), [
    ("zhou", TRANSPORT), ("reviewer", None), ("operator", None), ("admin", None), (COMMAND, None),
])
def test_the_department_answers_for_itself_and_others_for_the_operators(
    catalog: Catalog, who: str, department: str | None
) -> None:
    number = public(staffed(catalog))
    made = catalog.requests.answer(number, PLANNED, by=who)
    assert made.department == department and catalog.requests.get(number).answers == (made,)


@pytest.mark.parametrize("who", ["wu", "applicant", "nobody"])
def test_nobody_else_answers(catalog: Catalog, who: str) -> None:
    number = public(staffed(catalog))
    assert refused(lambda: catalog.requests.answer(number, PLANNED, by=who)) == "role"
    assert catalog.requests.get(number).answers == ()


def test_an_answer_is_followed_by_another_and_the_last_is_in_force(desk: Catalog) -> None:
    filled(desk, record("1"), record("2"))
    ids = tuple(sorted(entry.dataset.id for entry in desk.walk()))
    number = public(desk)
    first = desk.requests.answer(number, PLANNED, by="zhou")
    assert desk.demand.standings() == {Standing.PLANNED: 1}
    reply = Reply(verdict=Verdict.PUBLISHED, datasets=(*ids, ids[0]))
    assert refused(lambda: desk.requests.answer(number, reply, by="operator")) == "answered"
    second = desk.requests.answer(number, reply, by="operator", after=first.number)
    found = desk.requests.get(number)
    assert found.answers == (first, second) and found.verdict is Verdict.PUBLISHED
    assert second.reply == Reply(verdict=Verdict.PUBLISHED, datasets=ids)
    assert desk.demand.standings() == {Standing.PUBLISHED: 1} and desk.demand.cells() == []


@pytest.mark.parametrize(("reply", "problem"), [
    (Reply(verdict=Verdict.PLANNED), "text"),
    (Reply(verdict=Verdict.NOT_POSSIBLE, text=" … "), "text"),
    (Reply(verdict=Verdict.PLANNED, text="长" * (LONGEST + 1)), "text"),
    (Reply(verdict=Verdict.PUBLISHED, text="已经开放。"), "datasets"),
    (Reply(verdict=Verdict.ALREADY_THERE, datasets=("nosuchdataset000",)), "datasets"),
    (Reply(verdict=Verdict.ALREADY_THERE, datasets=tuple(f"dataset{n:09}" for n in range(MOST_DATASETS + 1))), "datasets"),
    (Reply(verdict=Verdict.NOT_POSSIBLE, text="法律不许。", datasets=("hang000000000001",)), "datasets"),
])
def test_an_answer_names_its_ground_or_its_datasets(catalog: Catalog, reply: Reply, problem: str) -> None:
    number = public(staffed(catalog))
    filled(catalog, record("1"))
    assert refused(lambda: catalog.requests.answer(number, reply, by="zhou")) == problem


def test_only_what_is_public_and_counts_for_itself_is_answered(catalog: Catalog) -> None:
    staffed(catalog)
    first, second = public(catalog, title="公交到站数据"), public(catalog, title="公共汽车时刻")
    waiting = ask(catalog).number
    assert refused(lambda: catalog.requests.answer(waiting, PLANNED, by="operator")) == "state"
    catalog.requests.merge(second, first, by="operator", after=last_decision(catalog, second))
    assert refused(lambda: catalog.requests.answer(second, PLANNED, by="operator")) == "merged"


def test_the_demand_is_listed_counted_and_ordered(desk: Catalog) -> None:
    with time_machine.travel(DAY, tick=False):
        bus = public(desk, title="公交到站数据")
        water = ask(desk, title="饮用水水质数据", theme="environment", region="330200").number
        desk.requests.publish(water, Filing(region="330200", theme="environment", department=MARKET), by="operator")
        taxi = public(desk, title="出租车数据")
        for n in range(3):
            desk.requests.support(water, elsewhere(n))
        desk.requests.answer(taxi, PLANNED, by="zhou")

    def numbers(which: Which = Which(), order: Order = Order.NEWEST, **how: Any) -> list[int]:
        found = [one.number for one in desk.demand.listed(which, order, **({"limit": 9} | how))]
        assert how or len(found) == desk.demand.count(which)
        return found

    assert numbers() == [taxi, water, bus] and numbers(order=Order.OLDEST) == [bus, water, taxi]
    assert numbers(order=Order.WANTED) == [water, taxi, bus]
    assert numbers(limit=1, start=1) == [water] and numbers(limit=9, before=taxi) == [water, bus]
    assert numbers(Which(regions=("330100", "330102"))) == [taxi, bus] and numbers(Which(regions=())) == []
    assert numbers(Which(theme="environment")) == [water] and numbers(Which(entry="TRA-1")) == [taxi, bus]
    assert numbers(Which(department=MARKET)) == [water]
    assert numbers(Which(standings=(Standing.UNANSWERED,))) == [water, bus]
    assert numbers(Which(standings=(Standing.PLANNED,))) == [taxi] and numbers(Which(standings=UNMET)) == [taxi, water, bus]
    assert desk.demand.standings() == {Standing.UNANSWERED: 2, Standing.PLANNED: 1}
    assert sorted(desk.demand.cells(), key=lambda one: one.region or "") == [
        Cell("330100", "transport", 2, 1, 2), Cell("330200", "environment", 1, 1, 4),
    ]
    assert desk.demand.titles(2) == [("出租车数据", taxi), ("饮用水水质数据", water)]


def race(catalog: Catalog, attempts: list[Callable[[], object]]) -> list[str]:
    """What became of attempts made at once: ``done``, or why not."""

    def tried(attempt: Callable[[], object]) -> str:
        try:
            attempt()
        except RequestRefused as found:
            return found.problem
        return "done"

    with ThreadPoolExecutor(len(attempts)) as pool:
        return sorted(pool.map(tried, attempts))


def test_of_operators_who_decide_at_once_one_is_first_and_the_others_are_told(tmp_path: Path) -> None:
    catalog = staffed(empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}"))
    decide_at_once(catalog)
    catalog.close()


@pytest.mark.slow
def test_so_it_is_on_each_database(desk: Catalog) -> None:
    if desk.engine.dialect.name == "sqlite":
        pytest.skip("one connection in memory: the file is tested above")
    decide_at_once(desk)


def decide_at_once(catalog: Catalog) -> None:
    number, store = ask(catalog).number, catalog.requests
    decide: list[Callable[[], object]] = [
        lambda: store.publish(number, FILING, by="operator"),
        lambda: store.refuse(number, "理由", by="admin"),
        lambda: store.publish(number, replace(FILING, department=MARKET), by="admin"),
    ]
    assert race(catalog, decide) == ["decided", "decided", "done"]
    found = store.get(number)
    assert len(found.decisions) == 1 and found.state.value == found.decisions[0].kind.value.replace("published", "public")
    other = public(catalog, title="另一项数据需求")
    assert race(catalog, [lambda: store.support(other, elsewhere(1))] * 4) == ["done"] * 4
    assert store.get(other).wanted == 2
    answers: list[Callable[[], object]] = [lambda who=who: store.answer(other, PLANNED, by=who)  # type: ignore[misc]
                                           for who in ("zhou", "operator", "reviewer")]
    assert race(catalog, answers) == ["answered", "answered", "done"]
    with catalog.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.request_answer)) == 1
