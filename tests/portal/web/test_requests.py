"""What the public asks for as pages: anybody asks and joins in, operators look first, departments answer in public."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.model import Publisher
from portal.catalog.requests import ASKED_A_DAY, REFUSALS, Asker, Filing, Reply, State, Verdict, Wish
from portal.catalog.store import Catalog
from portal.web import demanded
from portal.web.machines import requests as machines
from portal.web.pages import requests as listing
from portal.web.words import messages
from tests.portal.web.people import PASSWORD, add_everyone, cheap_passwords, send, sign_in, token
from tests.portal.web.town import build, client_of, dataset_of, made, page, says, words

NEW = "/requests/new"
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
MARKET = "330100.market"
GIVEN = {
    "title": "餐饮单位食品抽检结果", "description": "想做一个点餐前的提示。\n需要单位、日期和结论。", "region": "杭州市",
    "theme": "market-regulation", "function": "market", "entry": "",
}
HERE, THERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def staffed(catalog: Catalog) -> Iterator[Catalog]:
    """The town with somebody of every role; the officer is of the market regulation of Hangzhou."""
    build(catalog)
    with cheap_passwords():
        add_everyone(catalog)
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department="330100.transport")
        yield catalog


@pytest.fixture
def reader(staffed: Catalog) -> FlaskClient:
    """A browser that nobody signed in with."""
    return client_of(staffed)


@pytest.fixture
def operator(reader: FlaskClient) -> FlaskClient:
    """A browser of one who decides."""
    return signed_in(reader, "operator")


@pytest.fixture
def officer(reader: FlaskClient) -> FlaskClient:
    """A browser of the officer whose department is asked."""
    return signed_in(reader, "officer")


def signed_in(reader: FlaskClient, name: str) -> FlaskClient:
    browser = reader.application.test_client()
    assert sign_in(browser, name).status_code == 303
    return browser


def ask(browser: FlaskClient, address: str = HERE, **changes: str) -> TestResponse:
    sent = {"token": token(browser, f"{NEW}?q=x"), **(GIVEN | changes)}
    return browser.post(NEW, data=sent, environ_base={"REMOTE_ADDR": address})


def join(browser: FlaskClient, number: int = 1, address: str = THERE) -> TestResponse:
    sent = {"token": token(browser, f"/requests/{number}/join")}
    return browser.post(f"/requests/{number}/join", data=sent, environ_base={"REMOTE_ADDR": address})


def decide(browser: FlaskClient, what: str, number: int = 1, **form: str) -> TestResponse:
    """Sends one of the operators' forms as their page of the request has it."""
    shown = page(browser, f"/operate/requests/{number}")
    (after,) = shown.xpath(f"//form[contains(@action, '/{what}')]//*[@name='after']/@value") or [""]
    return send(browser, f"/operate/requests/{number}/{what}", **{"after": after, **form})


def public(catalog: Catalog, title: str = "餐饮单位食品抽检结果", **filed: str) -> int:
    wish = Wish(title=title, description="想做一个点餐前的提示。", region="330100", theme="market-regulation")
    number = catalog.requests.ask(wish, Asker(None, f"192.0.2.{len(title)}")).number
    filing = {"region": "330100", "theme": "market-regulation", "department": MARKET} | filed
    catalog.requests.publish(number, Filing(**{name: value or None for name, value in filing.items()}), by="operator")
    return number


def text_of(response: TestResponse) -> str:
    return response.get_data(as_text=True)


@LANGUAGES
def test_whoever_asks_is_first_shown_what_is_there_already(staffed: Catalog, reader: FlaskClient, language: str) -> None:
    public(staffed, "公交线路实时位置")
    assert not page(reader, f"/{language}{NEW}").xpath("//textarea"), "first the words"
    shown = page(reader, f"/{language}{NEW}?q=公交线路到站&region=320106&theme=transport")
    (main,) = shown.xpath("//main")
    links = main.xpath(".//a/@href")
    assert f"/{language}/requests/1" in links and any(f"/{language}/datasets/{dataset_of('bus1')}" == one for one in links)
    assert shown.xpath("//input[@id='title']/@value") == ["公交线路到站"]
    assert shown.xpath("//input[@id='region']/@value") == ["320106"], "many counties share a name: the code is kept"
    assert shown.xpath("//select[@id='theme']/option[@selected]/@value") == ["transport"]
    told = {"zh": "之前不公开", "en": "Nothing is public before an operator of this site has looked"}[language]
    assert told in words(main)
    entry = page(reader, f"/{language}{NEW}?entry=TRA-1")
    assert entry.xpath("//select[@id='entry']/option[@selected]/@value") == ["TRA-1"]
    assert entry.xpath("//select[@id='function']/option[@selected]/@value") == ["transport"]


def test_words_that_no_dataset_has_together_find_the_nearest(reader: FlaskClient) -> None:
    text = says(reader, f"/zh{NEW}?q=公交线路刷卡金额")
    assert "没有一个数据集包含全部的词" in text and "公交线路 1" in text
    assert "没有找到相近的数据集" in says(reader, f"/zh{NEW}?q=zzzz")
    assert reader.get(f"{NEW}?q={'(' * 200}").status_code == 200


@LANGUAGES
def test_a_search_that_finds_nothing_offers_to_ask_for_it(reader: FlaskClient, language: str) -> None:
    shown = page(reader, f"/{language}/datasets?q=没有这样的&region=330000&theme=transport&theme=market")
    (link,) = [one for one in shown.xpath("//main//a/@href") if "/requests/new" in one]
    form = page(reader, link)
    assert form.xpath("//input[@id='title']/@value") == ["没有这样的"]
    assert form.xpath("//input[@id='region']/@value") == [{"zh": "浙江省", "en": "Zhejiang"}[language]]
    assert not any("/requests/new" in one for one in page(reader, "/datasets?q=公交").xpath("//main//a/@href"))


def test_what_is_asked_is_not_public_before_an_operator_has_looked(
    staffed: Catalog, reader: FlaskClient, operator: FlaskClient
) -> None:
    made = ask(reader)
    assert (made.status_code, made.headers["Location"]) == (303, "/requests/1")
    stored = staffed.requests.get(1)
    assert stored.wish == Wish(
        title=GIVEN["title"], description="想做一个点餐前的提示。\n需要单位、日期和结论。", region="330100", theme="market-regulation",
        function="market",
    )
    assert "正在等待" in says(reader, "/zh/requests/1")
    for path in ("/requests", "/requests/1", "/requests.json", "/requests.csv", "/api/v1/requests", "/feeds/requests.atom",
                 f"{NEW}?q={GIVEN['title']}", "/requests/1/join"):
        assert GIVEN["description"][:8] not in text_of(reader.get(path, follow_redirects=True)), path
    assert reader.get("/requests/1/join").status_code == 303
    assert reader.get("/api/v1/requests/1").status_code == reader.get("/requests/1.json").status_code == 404
    assert GIVEN["title"] in says(operator, "/zh/operate/requests")
    shown = page(operator, "/operate/requests/1")
    assert shown.xpath("//input[@id='publish-department']/@value") == [MARKET], "the department that does what is asked for"
    assert decide(operator, "publish", region="杭州市", theme="market-regulation", department=MARKET).status_code == 303
    assert GIVEN["title"] in says(reader, "/zh/requests") and "需要单位" in says(reader, "/zh/requests/1")


@LANGUAGES
def test_what_is_refused_says_why_and_never_its_words(
    reader: FlaskClient, operator: FlaskClient, language: str
) -> None:
    ask(reader)
    assert decide(operator, "refuse", reason="含手机号码，请去掉后再提。").status_code == 303
    text = says(reader, f"/{language}/requests/1")
    assert "含手机号码，请去掉后再提。" in text and GIVEN["title"] not in text
    assert ask(reader).headers["Location"] == "/requests/2", "it may be asked anew"
    assert "含手机号码" in says(operator, f"/{language}/operate/requests")


@pytest.mark.parametrize(("changes", "problem"), [
    ({"title": "短"}, "title"), ({"description": "短"}, "description"), ({"region": "鼓楼区"}, "region"),
    ({"region": "没有的地方"}, "region"), ({"theme": "x"}, "theme"), ({"function": "x"}, "function"), ({"entry": "x"}, "entry"),
    ({"website": "https://example.org/"}, "trap"),
])
@LANGUAGES
def test_a_form_that_cannot_be_is_shown_again_with_all_that_was_typed(
    staffed: Catalog, reader: FlaskClient, changes: dict[str, str], problem: str, language: str
) -> None:
    given = GIVEN | changes
    answer = reader.post(f"/{language}{NEW}", data={"token": token(reader, f"{NEW}?q=x"), **given})
    text = text_of(answer)
    assert answer.status_code == 422 and str(messages(language)[f"demand.refused_{problem}"])[:20] in text
    assert given["title"] in text and given["region"] in text and given["description"] in text
    assert "example.org" not in text, "what a person cannot see is emptied, and may be sent again"
    assert staffed.requests.waiting() == []


def test_a_form_whose_token_is_of_no_session_loses_nothing(staffed: Catalog, reader: FlaskClient) -> None:
    answer = reader.post(NEW, data={"token": "guessed", **GIVEN})
    assert answer.status_code == 403 and GIVEN["description"].splitlines()[1] in text_of(answer)
    assert staffed.requests.waiting() == []
    again = text_of(answer).partition('name="token" value="')[2].partition('"')[0]
    assert reader.post(NEW, data={"token": again, **GIVEN}).status_code == 303, "sent once more it is taken"
    number = public(staffed)
    assert reader.post(f"/requests/{number}/join", data={"token": "guessed"}).status_code == 403
    assert staffed.requests.get(number).wanted == 1


def test_who_asks_too_much_in_a_day_is_told_when_to_come_back(staffed: Catalog, reader: FlaskClient) -> None:
    with time_machine.travel(datetime(2026, 5, 11, 23, 59, tzinfo=UTC), tick=False):
        for n in range(ASKED_A_DAY):
            assert ask(reader, title=f"数据需求第 {n}").status_code == 303
        refused = ask(reader, title="又一项数据需求")
        assert refused.status_code == 429 and "又一项数据需求" in text_of(refused) and refused.headers["Retry-After"] == "61"
        assert ask(reader, THERE, title="别处的数据需求").status_code == 303
    same = ask(reader, title="数据需求第 0", address=THERE)
    assert same.status_code == 409 and "数据需求第 0" in text_of(same)


def test_joining_in_counts_an_address_once_a_day_and_an_account_ever(staffed: Catalog, reader: FlaskClient) -> None:
    number = public(staffed)
    assert "每天计一次" in says(reader, f"/zh/requests/{number}/join")
    with time_machine.travel(datetime(2026, 5, 11, 9, tzinfo=UTC), tick=False):
        assert join(reader, number).headers["Location"] == f"/requests/{number}?done=joined"
        assert join(reader, number).headers["Location"] == f"/requests/{number}?done=joined_before"
        # An IPv6 client has 2^64 addresses, and is one.
        assert [join(reader, number, f"2606:4700::{n}").headers["Location"][-6:] for n in (1, 2)] == ["joined", "before"]
        own = signed_in(reader, "applicant")
        assert "applicant" in says(own, f"/zh/requests/{number}/join")
        assert join(own, number).headers["Location"].endswith("joined")
        assert join(own, number, HERE).headers["Location"].endswith("before")
    assert staffed.requests.get(number).wanted == 4
    assert "同求 4" in says(reader, f"/zh/requests/{number}") and "已计入" in says(reader, f"/zh/requests/{number}?done=joined")
    for path in (f"/requests/{number}", f"/requests/{number}.json", "/requests.csv"):
        assert "applicant" not in text_of(reader.get(path))


def test_readers_get_no_cookie_and_forms_are_kept_by_nobody(staffed: Catalog, reader: FlaskClient) -> None:
    number = public(staffed)
    for path in ("/requests", f"/requests/{number}", "/requests.csv", "/api/v1/requests", "/feeds/requests.atom", NEW):
        assert "Set-Cookie" not in reader.get(path).headers, path
    for path in (f"{NEW}?q=x", f"/requests/{number}/join"):
        assert reader.get(path).headers["Cache-Control"] == "no-store", path


def test_the_department_that_is_asked_answers_in_public(
    staffed: Catalog, reader: FlaskClient, officer: FlaskClient
) -> None:
    number = public(staffed)
    assert "未答复：1 项" in says(officer, "/zh/desk") and GIVEN["title"] in says(officer, "/zh/desk/requests")
    path = f"/desk/requests/{number}"
    answer = send(officer, path, verdict="planned", text="年内开放。\n按月更新。", after="")
    assert answer.headers["Location"] == "/desk/requests?done=answered"
    told = says(reader, f"/zh/requests/{number}")
    assert "答复：计划开放 · 杭州市 · 市场监管" in told and "年内开放。" in told and "officer" not in told
    late = send(officer, path, verdict="not-possible", text="涉及商业秘密。", after="")
    assert late.status_code == 409 and "涉及商业秘密。" in text_of(late), "another answer was given meanwhile: nothing is lost"
    address = f"http://localhost/zh/datasets/{dataset_of('1')}#fields"
    after = str(staffed.requests.get(number).answers[0].number)
    assert send(officer, path, verdict="published", datasets=address, text="", after=after).status_code == 303
    told = says(reader, f"/zh/requests/{number}")
    assert "饮用水水源地水质监测" in told and "已有新的答复" in told and "已开放" in says(reader, "/zh/requests")


@pytest.mark.parametrize(("form", "problem"), [
    ({"text": "说明"}, "verdict"), ({"verdict": "perhaps"}, "verdict"), ({"verdict": "planned"}, "text"),
    ({"verdict": "published", "text": "已经开放。"}, "datasets"),
    ({"verdict": "published", "datasets": "not a dataset"}, "datasets"),
    ({"verdict": "already-there", "datasets": "hang000000009999"}, "datasets"),
    ({"verdict": "published", "datasets": "\n".join(["hang000000000001"] * 21)}, "datasets"),
])
def test_an_answer_that_cannot_be_is_shown_again(
    staffed: Catalog, officer: FlaskClient, form: dict[str, str], problem: str
) -> None:
    number = public(staffed)
    answer = send(officer, f"/en/desk/requests/{number}", **form)
    assert answer.status_code == 422 and str(messages("en")[f"demand.refused_{problem}"])[:20] in text_of(answer)
    assert form.get("text", "") in text_of(answer) and form.get("datasets", "") in text_of(answer)
    assert staffed.requests.get(number).answers == ()


def test_of_other_departments_there_is_nothing_at_the_desk(staffed: Catalog, reader: FlaskClient) -> None:
    number = public(staffed)
    waiting = staffed.requests.ask(Wish(title="等待查看的", description="具体说明和用途写在这里。"), Asker(None, HERE)).number
    zhou = signed_in(reader, "zhou")
    assert GIVEN["title"] not in says(zhou, "/zh/desk/requests")
    for other in (number, waiting, 99, 2**63):
        assert zhou.get(f"/desk/requests/{other}").status_code == 404
        assert send(zhou, f"/desk/requests/{other}", verdict="planned", text="年内。").status_code == 404
    assert staffed.requests.get(number).answers == ()


def test_who_may_do_what(staffed: Catalog, reader: FlaskClient) -> None:
    number = public(staffed)
    for role in (None, *Role):
        browser = reader.application.test_client() if role is None else signed_in(reader, role.value)
        may_decide, may_answer = role in (Role.OPERATOR, Role.ADMIN), role in (Role.OPERATOR, Role.ADMIN, Role.REVIEWER)
        assert browser.get(f"/operate/requests/{number}").status_code == (200 if may_answer else 303 if role is None else 403)
        own = token(browser, f"{NEW}?q=x" if role is None else "/account")
        for what in ("publish", "file", "refuse", "merge", "unmerge"):
            status = browser.post(f"/operate/requests/{number}/{what}", data={"token": own, "reason": "广告"}).status_code
            # Whoever may decide has not seen what was decided before.
            assert status == (409 if may_decide else 303 if role is None else 403), (role, what)
        assert browser.get("/desk/requests").status_code == (200 if role is Role.OFFICER else 303 if role is None else 403)
        if role is not None and may_answer:
            text = says(browser, f"/zh/operate/requests/{number}")
            assert "公开答复" in text and ("撤下" in text) == may_decide
    reviewer = signed_in(reader, "reviewer")
    assert send(reviewer, f"/operate/requests/{number}/answer", verdict="planned", text="年内。", after="").status_code == 303
    assert "答复：计划开放 · 本站运行人员" in says(reader, f"/zh/requests/{number}")


def test_requests_that_ask_for_the_same_are_merged_and_parted_again(
    staffed: Catalog, reader: FlaskClient, operator: FlaskClient
) -> None:
    first, second = public(staffed), public(staffed, "餐饮单位的食品抽检")
    assert "餐饮单位的食品抽检" in says(operator, f"/zh/operate/requests/{first}"), "it is proposed"
    join(reader, second)
    assert decide(operator, "merge", second, into=str(first)).status_code == 303
    listed = says(reader, "/zh/requests")
    assert "1 项需求" in listed and "同求 3" in listed
    assert f"第 {second} 号需求并入" in says(reader, f"/zh/requests/{first}")
    shown = page(reader, f"/zh/requests/{second}")
    assert f"/zh/requests/{first}" in shown.xpath("//main//div[@class='notice']//a/@href")
    assert f"/zh/requests/{first}/join" in shown.xpath("//main//a/@href")
    for wrong in (str(first), "x", "", "9" * 30):
        assert decide(operator, "merge", first, into=wrong).status_code == 422, wrong
    assert decide(operator, "unmerge", second).status_code == 303
    assert "2 项需求" in says(reader, "/zh/requests") and "合并已撤销" in says(reader, f"/zh/requests/{second}")


def test_of_two_operators_who_decide_at_once_the_second_is_told(
    staffed: Catalog, reader: FlaskClient, operator: FlaskClient
) -> None:
    ask(reader)
    admin = signed_in(reader, "admin")
    seen = {"after": ""}
    assert send(operator, "/operate/requests/1/publish", **seen, region="330100", department=MARKET).status_code == 303
    late = send(admin, "/en/operate/requests/1/refuse", **seen, reason="广告")
    assert late.status_code == 409 and "decided about it meanwhile" in text_of(late) and "广告" in text_of(late)
    assert staffed.requests.get(1).state is State.PUBLIC
    assert decide(operator, "file", region="宁波市", theme="", department="330200.market").status_code == 303
    moved = staffed.requests.get(1)
    assert (moved.wish.region, moved.wish.theme, moved.department) == ("330200", None, "330200.market")
    wrong = decide(operator, "file", region="鼓楼区", department="x")
    assert wrong.status_code == 422 and "鼓楼区" in text_of(wrong)
    assert decide(operator, "refuse", reason="广告").status_code == 303
    assert reader.get("/api/v1/requests/1").status_code == 404


def test_the_list_is_narrowed_ordered_and_paged(
    staffed: Catalog, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "ROWS", 2)
    food = public(staffed)
    water = public(staffed, "宁波水质数据", region="330200", theme="environment", department="330200.water", entry="ENV-1")
    bare = public(staffed, "没有地区的需求项", region="", theme="", department="")
    for n in range(2):
        staffed.requests.support(water, Asker(None, f"198.51.100.{n}"))
    staffed.requests.answer(food, Reply(verdict=Verdict.PLANNED, text="年内。"), by="operator")

    def listed(query: str) -> list[int]:
        links = page(reader, f"/requests{query}").xpath("//ol[@class='results']//h3/a/@href")
        return [int(one.rpartition("/")[2]) for one in links]

    assert listed("") == [bare, water] and listed("?page=2") == [food]
    assert listed("?sort=wanted") == [water, bare] and listed("?sort=oldest") == [food, water]
    assert listed("?region=330000") == [water, food], "a province has what is asked of its cities"
    assert listed("?region=330100") == [food]
    assert listed("?theme=environment") == listed("?entry=ENV-1") == [water]
    assert listed("?state=planned") == [food] and listed("?state=unanswered") == [bare, water]
    assert listed("?state=published") == [] and listed("?department=330200.water") == [water]
    for query in ("?region=x", "?theme=x", "?entry=x", "?state=x", "?sort=x", "?department=x"):
        assert reader.get(f"/requests{query}").status_code == 404, query
    rows = page(reader, "/zh/requests").xpath("//section[@id='unmet']//tr")
    assert [[words(cell) for cell in row] for row in rows] == [
        ["地区", "未满足", "未答复", "同求", "生态环境", "市场监管", "未指明主题"],
        ["浙江省", "2", "1", "4", "1", "1", ""], ["未指明地区", "1", "1", "1", "", "", "1"],
    ]
    links = page(reader, "/zh/requests").xpath("//section[@id='unmet']//td/a/@href")
    assert links == [f"/zh/requests?region=330000&theme={one}&state=unmet" for one in ("environment", "market-regulation")]


def test_for_how_many_days_a_request_is_unanswered_is_told(staffed: Catalog, reader: FlaskClient) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=40, hours=1)):
        number = public(staffed)
    assert "40 天未答复" in says(reader, "/zh/requests") and "unanswered for 40 days" in says(reader, "/en/requests")
    staffed.requests.answer(number, Reply(verdict=Verdict.PLANNED, text="年内。"), by="operator")
    assert "40 天后首次答复" in says(reader, f"/zh/requests/{number}")


def test_regions_departments_and_entries_tell_how_many_requests_are_unmet(staffed: Catalog, reader: FlaskClient) -> None:
    assert "没有未满足的需求" in says(reader, "/zh/regions/330000")
    public(staffed, entry="ENV-1")
    number = public(staffed, "餐饮单位的食品抽检")
    staffed.requests.answer(number, Reply(verdict=Verdict.ALREADY_THERE, datasets=(dataset_of("1"),)), by="operator")
    for path, query in (
        ("/zh/regions/330000", "region=330000"), ("/zh/high-value/ENV-1", "entry=ENV-1"),
        ("/zh/high-value/ENV-1?region=330100", "region=330100&entry=ENV-1"),
    ):
        assert "1 项未满足的需求" in says(reader, path), path
        assert f"/zh/requests?{query}&state=unmet" in page(reader, path).xpath("//main//a/@href"), path
    assert "没有未满足的需求" in says(reader, "/zh/high-value/TRA-1")
    assert "未满足" not in says(reader, "/zh/publishers/water"), "a name that is no department’s"
    bureau = Publisher(
        id="bureau", name="杭州市市场监督管理局", institution_type="government_department", functions=("market",), department=MARKET
    )
    lease = staffed.sources.lease("hangzhou", "test")
    with staffed.transaction(lease, None) as transaction:
        transaction.put([made("food", publisher=bureau)])
    staffed.sources.release(lease)
    assert "1 项未满足的需求" in says(reader, "/zh/publishers/bureau")
    assert f"/zh/requests?department={MARKET}&state=unmet" in page(reader, "/zh/publishers/bureau").xpath("//main//a/@href")


def test_programs_read_the_same_page_by_page(
    staffed: Catalog, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "ROWS", 2)
    numbers = [public(staffed, "=SUM(需求)" + "求" * n) for n in range(3)]
    staffed.requests.answer(numbers[2], Reply(verdict=Verdict.PUBLISHED, datasets=(dataset_of("1"),)), by="officer")
    first = reader.get("/api/v1/requests?region=330000").get_json()
    assert (first["total"], [one["number"] for one in first["requests"]]) == (3, [numbers[2], numbers[1]])
    second = reader.get(first["next"]).get_json()
    assert [one["number"] for one in second["requests"]] == [numbers[0]] and "next" not in second
    assert first["requests"][0]["answers"][0]["by"] == MARKET and first["requests"][0]["state"] == "published"
    assert reader.get(f"/requests/{numbers[0]}.json").get_json() == second["requests"][0]
    table = text_of(reader.get("/requests.csv?state=unmet")).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [int(row["number"]) for row in rows] == [numbers[1], numbers[0]]
    assert all(row["title"].startswith("'=") and row["answer"] == "" for row in rows)
    for path in ("/requests.json?page=2", "/requests.csv?sort=wanted", "/api/v1/requests?after=x", "/requests.csv?after=-1",
                 f"/requests.json?after={2**63}", f"/requests.json?after={10**30}", "/feeds/requests.atom?nonsense=1",
                 "/requests.json?state="):
        assert (reader.get(path).status_code, reader.get(path).mimetype) == (400, "application/problem+json"), path
    for path in ("/requests.json?region=x", "/requests.csv?state=x", f"/api/v1/requests/{2**63}"):
        assert (reader.get(path).status_code, reader.get(path).mimetype) == (404, "application/problem+json"), path
    feed = ElementTree.fromstring(text_of(reader.get("/feeds/requests.atom?region=330100")))
    names = [one.text for one in feed.iterfind("{*}entry/{*}title")]
    assert names == [f"=SUM(需求){'求' * n}" for n in (2, 1, 0)]


def test_hostile_words_stay_words(reader: FlaskClient, operator: FlaskClient) -> None:
    evil = '<script>alert(1)</script>"\'><b>{{7*7}}'
    ask(reader, title=evil, description=evil)
    for path in ("/operate/requests", "/operate/requests/1"):
        assert "<script>alert" not in text_of(operator.get(path)) and "alert(1)" in text_of(operator.get(path)), path
    decide(operator, "publish", region="330100", department=MARKET)
    for path in ("/requests", "/requests/1", f"{NEW}?q=alert", "/feeds/requests.atom", "/requests/1/join"):
        text = text_of(reader.get(path))
        assert "<script>alert" not in text and "<b>" not in text, path
        assert "49" not in text.partition("alert(1)")[2][:60], path


@pytest.mark.slow
@LANGUAGES
def test_every_page_is_whole(
    staffed: Catalog, reader: FlaskClient, operator: FlaskClient, officer: FlaskClient, language: str
) -> None:
    first, second = public(staffed, entry="ENV-1"), public(staffed, "餐饮单位的食品抽检")
    waiting = staffed.requests.ask(Wish(title="等待查看的", description="具体说明和用途写在这里。"), Asker(None, HERE)).number
    refused = staffed.requests.ask(Wish(title="不公开的", description="具体说明和用途写在这里。"), Asker(None, HERE)).number
    staffed.requests.refuse(refused, "广告", by="operator")
    decide(operator, "merge", second, into=str(first))
    staffed.requests.answer(first, Reply(verdict=Verdict.PUBLISHED, datasets=(dataset_of("1"),)), by="officer")
    followed = set()
    for browser, path in (
        (reader, "/requests"), (reader, "/requests?region=330102&entry=ENV-1&state=unmet"), (reader, f"/requests/{first}"),
        (reader, f"/requests/{second}"), (reader, f"/requests/{waiting}"), (reader, f"/requests/{refused}"), (reader, NEW),
        (reader, f"{NEW}?q=食品抽检&entry=ENV-1"), (reader, f"/requests/{first}/join"), (operator, "/operate/requests"),
        (operator, f"/operate/requests/{first}"), (operator, f"/operate/requests/{second}"),
        (operator, f"/operate/requests/{waiting}"), (operator, f"/operate/requests/{refused}"),
        (officer, "/desk/requests"), (officer, f"/desk/requests/{first}"),
    ):
        document = page(browser, f"/{language}{path}")
        levels = [int(heading.tag[1]) for heading in document.xpath("//h1|//h2|//h3")]
        assert levels.count(1) == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:])), path
        for control in document.xpath("//main//input[not(@type='hidden')]|//main//select|//main//textarea"):
            assert document.xpath(f"//label[@for='{control.get('id')}']"), (path, control.get("name"))
        ids = document.xpath("//@id")
        assert len(ids) == len(set(ids)), (path, sorted(one for one in ids if ids.count(one) > 1))
        for form in document.xpath("//main//form[@method='post']"):
            assert form.xpath(".//input[@name='token']/@value")[0]
        for link in document.xpath("//main//a/@href"):
            if link.startswith("/") and (browser, link) not in followed:
                followed.add((browser, link))
                assert browser.get(link, follow_redirects=True).status_code == 200, (path, link)
        assert not document.xpath("//main//script|//main//*[@style]|//main//*[@onclick]")


def test_every_problem_is_told_in_both_languages() -> None:
    problems = {*REFUSALS, "trap", "token"}
    assert [one for one in problems if f"demand.refused_{one}" not in messages("zh")] == []
    assert {one.removeprefix("demand.refused_") for one in messages("en") if one.startswith("demand.refused_")} == {
        *problems, "lately",
    }
    assert {f"demand.state_{one}" for one in demanded.STATES} <= set(messages("en"))
