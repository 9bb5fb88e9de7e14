"""The preview of a period as pages: what a department sees and may say, who answers, and what everybody reads of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from msgspec.structs import replace
from werkzeug.test import TestResponse

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.statements import LONGEST, Verdict
from portal.catalog.store import Catalog
from portal.scorecard import periods
from portal.scorecard.assess import rebuild, standard_layout
from portal.scorecard.vectors import Layout
from portal.search.memory import MemoryIndex
from tests.catalogs import filled
from tests.portal.scorecard.test_previews import (
    AFTER,
    BEGUN,
    DEPARTMENT,
    JUNE,
    KEY,
    NOBODY,
    ONE,
    THREE,
    TWO,
    WITHIN,
    decided,
    reread,
)
from tests.portal.scorecard.test_assess import new
from tests.portal.web.people import PASSWORD, add_everyone, cheap_passwords, send, sign_in, token
from tests.portal.web.town import client_of, page, says, words

pytestmark = pytest.mark.slow

HERE = "/scorecards/periods/2026H1"
OWN = f"{HERE}/departments/{DEPARTMENT}"
FORM = "/desk/2026H1/new"
SAYING = {"kind": "dispute", "about": "national.licence", "dataset": TWO, "text": "许可写在页面上。\n请更正。"}
UNTIL = datetime(2026, 7, 8, 16, tzinfo=UTC)
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def previewed(catalog: Catalog) -> Iterator[Catalog]:
    """An open preview, an officer of each of two departments, of which one has no dataset, and everybody else."""
    with time_machine.travel(JUNE):
        unlicensed = new("2", licence=None, licence_raw=None, distributions=())
        filled(catalog, new("1"), unlicensed, new("3", publisher=NOBODY))
    periods.begin_preview(catalog, "2026H1", KEY, now=BEGUN)
    with cheap_passwords(), time_machine.travel(WITHIN, tick=False):
        add_everyone(catalog)
        catalog.accounts.add("zhou", Role.OFFICER, PASSWORD, by=COMMAND, department=DEPARTMENT)
        rebuild(catalog)
        yield catalog


@pytest.fixture
def reader(previewed: Catalog) -> FlaskClient:
    """A browser that nobody signed in with."""
    return client_of(previewed, MemoryIndex())


def signed_in(reader: FlaskClient, name: str) -> FlaskClient:
    browser = reader.application.test_client()
    assert sign_in(browser, name).status_code == 303
    return browser


@pytest.fixture
def zhou(reader: FlaskClient) -> FlaskClient:
    """A browser of the officer of the department that has datasets."""
    return signed_in(reader, "zhou")


@pytest.fixture
def reviewer(reader: FlaskClient) -> FlaskClient:
    """A browser of one who answers."""
    return signed_in(reader, "reviewer")


def say(officer: FlaskClient, **changes: str) -> TestResponse:
    return send(officer, FORM, **(SAYING | changes))


def answer(browser: FlaskClient, number: int = 1, **changes: str) -> TestResponse:
    form = {"verdict": "upheld", "text": "成立，已改正。", "after": ""} | changes
    return send(browser, f"/operate/disputes/{number}", **form)


def text_of(response: TestResponse) -> str:
    return response.get_data(as_text=True)


@LANGUAGES
def test_while_it_is_open_every_page_says_until_when_and_what_happens_then(reader: FlaskClient, language: str) -> None:
    deadline = {"zh": "2026年7月8日 24 时（北京时间）", "en": "the end of 8 Jul 2026 (Beijing time)"}[language]
    for path in ("/scorecards/periods", HERE, OWN, f"{OWN}/national/licence", f"{HERE}/statements",
                 f"/scorecards/publishers/{DEPARTMENT}"):
        assert deadline in says(reader, f"/{language}{path}"), path
    told = {"zh": ("还有6天", "重新评估一次", "2026年6月30日之后改动的内容不计入本期"),
            "en": ("6 days from now", "made again as of 30 Jun 2026", "does not count for this period")}[language]
    for path in (HERE, OWN):
        assert all(one in says(reader, f"/{language}{path}") for one in told), path


@pytest.mark.slow
@LANGUAGES
def test_every_page_is_whole(reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient, language: str) -> None:
    say(zhou)
    followed = set()
    for browser, path in (
        (reader, "/scorecards/periods"), (reader, HERE), (reader, f"{HERE}-pre"), (reader, OWN), (reader, f"{OWN}?rules=mqa"),
        (reader, f"{OWN}/national/licence"), (reader, f"{HERE}/statements"), (reader, f"/scorecards/publishers/{DEPARTMENT}"),
        (reader, f"/scorecards/publishers/{DEPARTMENT}/national/licence"), (zhou, "/desk"), (zhou, FORM),
        (zhou, f"{FORM}?rules=national&indicator=licence"), (zhou, "/account"), (reviewer, "/operate/disputes"),
        (reviewer, "/operate/disputes/1"),
    ):
        document = page(browser, f"/{language}{path}")
        levels = [int(heading.tag[1]) for heading in document.xpath("//h1|//h2|//h3")]
        assert levels.count(1) == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:])), path
        for control in document.xpath("//main//input[not(@type='hidden')]|//main//select|//main//textarea"):
            assert document.xpath(f"//label[@for='{control.get('id')}']"), (path, control.get("name"))
        for form in document.xpath("//main//form[@method='post']"):
            assert form.xpath(".//input[@name='token']/@value")[0]
        for link in document.xpath("//main//a/@href"):
            if link.startswith("/") and (browser, link) not in followed:
                followed.add((browser, link))
                assert browser.get(link, follow_redirects=True).status_code == 200, (path, link)
        assert not document.xpath("//main//script|//main//*[@style]|//main//*[@onclick]")


def test_the_public_pages_set_no_cookie_and_the_desk_is_kept_by_nobody(reader: FlaskClient, zhou: FlaskClient) -> None:
    for path in (HERE, OWN, f"{OWN}/national/licence", f"{HERE}/statements"):
        assert "Set-Cookie" not in reader.get(path).headers and "Set-Cookie" not in zhou.get(path).headers, path
    for path in ("/desk", FORM):
        assert zhou.get(path).headers["Cache-Control"] == "no-store", path
        assert reader.get(path).headers["Location"].startswith("/login?back=/desk"), path


def test_the_desk_shows_what_costs_points_and_leads_to_the_form_filled_in(zhou: FlaskClient) -> None:
    document = page(zhou, "/en/desk")
    assert "Hangzhou · Transport" in words(document.xpath("//h1")[0])
    (row,) = [row for row in document.xpath("//tbody/tr") if words(row).startswith("Licence stated")]
    (link,) = [one for one in row.xpath(".//a/@href") if "/desk/" in one]
    form = page(zhou, link)
    assert form.xpath("//select[@name='about']//option[@selected]/@value") == ["national.licence"]
    (dataset,) = form.xpath("//ul[@class='counts']//a/@href")
    assert TWO in dataset and page(zhou, dataset).xpath("//input[@name='dataset']/@value") == [TWO]


@LANGUAGES
def test_what_a_department_says_is_public_at_once_and_names_no_person(
    reader: FlaskClient, zhou: FlaskClient, language: str
) -> None:
    made = say(zhou)
    assert made.headers["Location"] == "/desk?done=said#statement-1"
    waits = {"zh": "待答复", "en": "Waits for an answer"}[language]
    assert waits in says(zhou, f"/{language}/desk?done=said")
    for path in (OWN, f"{OWN}/national/licence", f"{HERE}/statements",
                 f"/scorecards/publishers/{DEPARTMENT}/national/licence?verdict=fail"):
        told = says(reader, f"/{language}{path}")
        assert "许可写在页面上。 请更正。" in told and waits in told, path
    assert {"zh": "1 条异议，其中 1 条等待答复", "en": "Disputes: 1, of which 1 wait"}[language] in says(
        reader, f"/{language}{HERE}"
    )
    assert {"zh": "其中异议 1 条", "en": "disputes: 1"}[language] in says(
        reader, f"/{language}/scorecards/publishers/{DEPARTMENT}"
    )
    for path in (HERE, OWN, f"{HERE}/statements", f"{HERE}/statements.json", f"{HERE}/statements.csv"):
        assert "zhou" not in text_of(reader.get(path)), path


def test_the_indicator_of_another_group_says_nothing_of_a_dispute(reader: FlaskClient, zhou: FlaskClient) -> None:
    say(zhou)
    for path in ("regions/330100/national/licence", f"publishers/{DEPARTMENT}/national/openness_stated"):
        assert "许可写在页面上" not in says(reader, f"/scorecards/{path}"), path


def test_an_officer_speaks_of_the_own_department_whatever_the_form_says(previewed: Catalog, reader: FlaskClient) -> None:
    wu = signed_in(reader, "officer")
    for changes in ({}, {"dataset": ""}, {"about": "", "dataset": ONE}, {"department": DEPARTMENT, "dataset": ""}):
        assert say(wu, **changes).status_code == 422, changes
    assert say(wu, about="", dataset="", department=DEPARTMENT, text="我局的数据集不在其中。").status_code == 303
    (made,) = previewed.statements.of("2026H1")
    assert (made.department, made.by) == ("330100.market", "officer")
    assert "No dataset is this department’s in this period." in says(reader, f"/en{HERE}/departments/330100.market")


@pytest.mark.parametrize(
    "changes,words_of_it",
    [
        ({"kind": "order"}, "choose a dispute or a comment"),
        ({"about": "national.nonsense"}, "an indicator that the preview has"),
        ({"about": "national"}, "an indicator that the preview has"),
        ({"about": "mine.licence"}, "an indicator that the preview has"),
        ({"dataset": THREE}, "no such dataset of your department"),
        ({"dataset": "hang000000000999"}, "no such dataset of your department"),
        ({"dataset": "公共汽车"}, "no such dataset of your department"),
        ({"text": " \r\n"}, "must not be empty"),
        ({"text": "字" * (LONGEST + 1)}, "4,000 characters at most"),
    ],
)
def test_what_cannot_be_said_is_shown_again_with_what_is_wrong(
    previewed: Catalog, zhou: FlaskClient, changes: dict[str, str], words_of_it: str
) -> None:
    refused = send(zhou, f"/en{FORM}", **(SAYING | changes))
    told = text_of(refused)
    assert refused.status_code == 422 and words_of_it in told
    assert (changes.get("text", SAYING["text"])).strip() in told, "what was written is not lost"
    assert previewed.statements.of("2026H1") == []


def test_what_is_typed_twice_is_said_once(previewed: Catalog, zhou: FlaskClient) -> None:
    assert say(zhou).status_code == 303
    again = send(zhou, f"/en{FORM}", **SAYING)
    assert again.status_code == 422 and "just this already" in text_of(again)
    assert len(previewed.statements.of("2026H1")) == 1


def test_a_dataset_is_named_by_the_address_of_its_page_too(previewed: Catalog, zhou: FlaskClient) -> None:
    assert say(zhou, dataset=f"https://data.example.cn/zh/datasets/{TWO}?x=1").status_code == 303
    assert previewed.statements.of("2026H1")[0].saying.dataset_id == TWO


def test_a_second_after_the_end_nothing_is_taken_and_the_text_is_given_back(
    previewed: Catalog, reader: FlaskClient
) -> None:
    with time_machine.travel(UNTIL + timedelta(seconds=1), tick=False):
        zhou = signed_in(reader, "zhou")
        late = send(zhou, f"/en{FORM}", **SAYING)
        assert late.status_code == 422 and "nothing more is taken" in text_of(late)
        assert "许可写在页面上。" in text_of(late) and 'name="text"' not in text_of(late)
        assert "ended with the end of 8 Jul 2026" in says(zhou, "/en/desk")
        assert "Dispute" not in [words(one) for one in page(zhou, "/en/desk").xpath("//main//a")]
    assert previewed.statements.of("2026H1") == []


def test_a_disabled_officer_is_signed_out(previewed: Catalog, zhou: FlaskClient) -> None:
    previewed.accounts.disable("zhou", by=COMMAND)
    assert zhou.get("/desk").headers["Location"].startswith("/login")
    late = zhou.post(FORM, data=SAYING | {"token": token(zhou)})
    assert late.headers["Location"].startswith("/login") and previewed.statements.of("2026H1") == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OFFICER])
def test_nobody_but_officers_has_a_desk(previewed: Catalog, reader: FlaskClient, role: Role) -> None:
    browser = signed_in(reader, role.value)
    assert [browser.get("/desk").status_code, browser.get(FORM).status_code] == [403, 403]
    assert say(browser).status_code == 403
    assert send(browser, "/desk/statements/1/withdraw").status_code == 403
    assert previewed.statements.of("2026H1") == []


def test_no_form_is_taken_without_the_token_of_its_session(
    previewed: Catalog, zhou: FlaskClient, reviewer: FlaskClient
) -> None:
    assert zhou.post(FORM, data=SAYING).status_code == 403
    say(zhou)
    assert zhou.post("/desk/statements/1/withdraw").status_code == 403
    assert reviewer.post("/operate/disputes/1", data={"verdict": "upheld", "text": "好。"}).status_code == 403
    (made,) = previewed.statements.of("2026H1")
    assert made.is_open


def test_a_statement_is_taken_back_by_its_department_alone(reader: FlaskClient, zhou: FlaskClient) -> None:
    say(zhou)
    wu = signed_in(reader, "officer")
    assert send(wu, "/desk/statements/1/withdraw").status_code == 404
    assert send(zhou, f"/desk/statements/{10 ** 30}/withdraw").status_code == 404
    assert send(zhou, "/desk/statements/1/withdraw").headers["Location"] == "/desk?done=withdrawn#statement-1"
    again = send(zhou, "/en/desk/statements/1/withdraw")
    assert again.status_code == 409 and "taken back already" in text_of(again)
    told = says(reader, f"/en{HERE}/statements")
    assert "Taken back" in told and "许可写在页面上。" in told


@LANGUAGES
def test_a_reviewer_sees_disputes_and_requests_alone_and_answers_in_public(
    reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient, language: str
) -> None:
    say(zhou)
    say(zhou, kind="comment", about="", dataset="", text="另有说明。")
    document = page(reviewer, f"/{language}/operate/disputes")
    own = document.xpath("//nav[@class='within']//a/@href")
    assert own == [f"/{language}/operate/disputes", f"/{language}/operate/requests"]
    assert reviewer.get("/operate/sources").status_code == 403
    first, second = [words(row) for row in document.xpath("//tbody/tr")]
    assert "许可写在页面上。" in first and "另有说明。" in second
    assert answer(reviewer).headers["Location"] == "/operate/disputes?done=answered"
    for path in (OWN, f"{HERE}/statements"):
        told = says(reader, f"/{language}{path}")
        assert "成立，已改正。" in told and {"zh": "采纳", "en": "Upheld"}[language] in told, path
        assert "reviewer" not in told
    assert answer(reviewer, 2, verdict="", text="谢谢。").status_code == 303
    assert {"zh": "已答复", "en": "Answered"}[language] in says(reader, f"/{language}{HERE}/statements")


@pytest.mark.parametrize(
    "changes,status,words_of_it",
    [
        ({"verdict": ""}, 422, "needs a verdict"),
        ({"verdict": "perhaps"}, 422, "needs a verdict"),
        ({"text": ""}, 422, "must not be empty"),
        ({"text": "字" * (LONGEST + 1)}, 422, "4,000 characters at most"),
        ({"after": "7"}, 409, "answered meanwhile"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_with_its_reason(
    previewed: Catalog, zhou: FlaskClient, reviewer: FlaskClient, changes: dict[str, str], status: int, words_of_it: str
) -> None:
    say(zhou)
    refused = send(reviewer, "/en/operate/disputes/1", **({"verdict": "upheld", "text": "成立。", "after": ""} | changes))
    assert refused.status_code == status and words_of_it in text_of(refused)
    assert previewed.statements.of("2026H1")[0].answers == ()


def test_of_two_who_answer_at_once_the_second_sees_the_first_answer_and_keeps_the_text(
    previewed: Catalog, zhou: FlaskClient, reviewer: FlaskClient
) -> None:
    say(zhou)
    assert answer(reviewer).status_code == 303
    operator = signed_in(reviewer, "operator")
    second = send(operator, "/en/operate/disputes/1", verdict="not-upheld", text="不成立，理由如下。", after="")
    told = text_of(second)
    assert second.status_code == 409 and "成立，已改正。" in told and "不成立，理由如下。" in told
    (after,) = page(operator, "/operate/disputes/1").xpath("//input[@name='after']/@value")
    assert answer(operator, verdict="not-upheld", text="不成立，理由如下。", after=after).status_code == 303
    assert [one.verdict for one in previewed.statements.get(1).answers] == [Verdict.UPHELD, Verdict.NOT_UPHELD]


def test_there_is_no_answering_what_is_not_there(reviewer: FlaskClient) -> None:
    assert [answer(reviewer, number).status_code for number in (1, 10 ** 30)] == [404, 404]
    assert [reviewer.get(f"/operate/disputes/{number}").status_code for number in (1, 10 ** 30)] == [404, 404]


def test_hostile_words_stay_words(reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient) -> None:
    evil = '"><script>alert(1)</script></textarea><img src=x onerror=alert(2)>{{7*7}}'
    say(zhou, text=evil)
    answer(reviewer, text=evil)
    for browser, path in (
        (reader, OWN), (reader, f"{HERE}/statements"), (reader, f"{OWN}/national/licence"),
        (reader, f"/scorecards/publishers/{DEPARTMENT}/national/licence"), (zhou, "/desk"),
        (reviewer, "/operate/disputes"), (reviewer, "/operate/disputes/1"),
    ):
        told = text_of(browser.get(path))
        assert "<script>alert" not in told and "<img src=x" not in told and "&lt;script&gt;alert" in told, path
    refused = text_of(say(zhou, text=evil, dataset='"><script>alert(3)</script>'))
    assert "<script>" not in refused.replace('<script src="/static', "") and "{{7*7}}" in refused


def test_what_was_said_is_taken_along_as_a_table_that_computes_nothing(
    previewed: Catalog, reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient
) -> None:
    say(zhou, text='=HYPERLINK("http://x")\r\n第二行,"引"')
    answer(reviewer, text="@SUM(1)")
    say(zhou, kind="comment", about="", dataset="", text="－1")
    told = reader.get(f"{HERE}/statements.csv")
    assert told.headers["Content-Disposition"] == 'attachment; filename="2026H1-statements.csv"'
    first, second = csv.DictReader(io.StringIO(text_of(told).removeprefix("\ufeff")))
    assert first["text"] == "'=HYPERLINK(\"http://x\")\n第二行,\"引\"" and first["answer"] == "'@SUM(1)"
    assert (first["verdict"], first["answers"], first["department"]) == ("upheld", "1", DEPARTMENT)
    assert (second["text"], second["verdict"], second["indicator"]) == ("'－1", "", "")
    body = reader.get(f"{HERE}/statements.json").data
    assert [one["kind"] for one in json.loads(body)] == ["dispute", "comment"]


def frozen(catalog: Catalog) -> None:
    with time_machine.travel(WITHIN):
        reread(catalog, decided("3"))
    with time_machine.travel(AFTER):
        periods.freeze(catalog, "2026H1", KEY)


def test_the_file_of_what_was_said_has_the_hash_of_the_manifest_and_a_change_is_told(
    previewed: Catalog, reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient
) -> None:
    say(zhou)
    answer(reviewer)
    frozen(previewed)
    manifest = json.loads(reader.get(f"{HERE}/manifest.json").data)
    body = reader.get(f"{HERE}/statements.json").data
    assert hashlib.sha256(body).hexdigest() == manifest["preview"]["statements_sha256"]
    assert "is what it was when frozen" in says(reader, f"/en{HERE}")
    with previewed.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE statement SET text = '没有异议。'")
    assert "it was changed since" in says(reader, f"/en{HERE}")


@LANGUAGES
def test_once_frozen_the_pages_say_department_by_department_what_differs(
    previewed: Catalog, reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient, language: str
) -> None:
    say(zhou)
    answer(reviewer)
    frozen(previewed)
    document = page(reader, f"/{language}{HERE}")
    (row,) = document.xpath("//section[@id='moved']//tbody/tr")
    name, before, after, moved, datasets_then, datasets_now = map(words, row.xpath("./td"))
    assert (name.endswith({"zh": "交通运输", "en": "Transport"}[language]), datasets_then, datasets_now) == (True, "2", "3")
    assert abs(float(after) - float(before) - float(moved.replace("−", "-"))) < 0.11
    own = page(reader, f"/{language}{OWN}")
    (row,) = [row for row in own.xpath("//tbody/tr[td]") if words(row.xpath("./th")[0]).startswith(
        {"zh": "注明许可", "en": "Licence stated"}[language])]
    assert words(row.xpath("./th/strong")[0]) == {"zh": "有变化", "en": "changed"}[language]
    assert words(row.xpath("./td")[3]) == "2" and words(row.xpath("./td")[-1]) == "1"
    (was,) = row.xpath("./td[last()]//a/@href")
    assert [TWO in link for link in page(reader, was).xpath("//main//tbody//a/@href")] == [True]
    (disputed,) = own.xpath("//article//a/@href")[:1]
    assert disputed.endswith("?of=preview")
    (as_frozen,) = page(reader, disputed).xpath("//p[@class='action']/a/@href")
    passing = [words(page(reader, one).xpath("//nav[@class='within']//a")[0])[-1] for one in (disputed, as_frozen)]
    assert passing == ["1", "2"]
    assert "成立，已改正。" in says(reader, f"/{language}{OWN}")
    assert {"zh": "经公示定稿", "en": "frozen after a preview"}[language] in says(
        reader, f"/{language}/scorecards/publishers/{DEPARTMENT}"
    )
    was_shown = says(reader, f"/{language}{HERE}-pre")
    assert {"zh": "之后已经定稿", "en": "it has been frozen since"}[language] in was_shown


def test_a_period_frozen_by_other_rules_than_its_preview_has_all_its_pages(
    previewed: Catalog, reader: FlaskClient, zhou: FlaskClient, reviewer: FlaskClient
) -> None:
    say(zhou)
    answer(reviewer)
    national = standard_layout().rules("national")
    fewer = tuple(one for one in national.indicators if one.id != "licence")
    corrected = (replace(national, version="1.1", indicators=fewer), *standard_layout().rule_sets[1:])
    with time_machine.travel(AFTER):
        periods.freeze(previewed, "2026H1", KEY, layout=Layout.of(corrected))
    assert "1.1" in says(reader, f"/en{HERE}") and "许可写在页面上。" in says(reader, f"/en{OWN}")
    (disputed,) = page(reader, OWN).xpath("//article//a/@href")[:1]
    assert "许可写在页面上。" in says(reader, disputed)
    assert reader.get(f"{OWN}/national/licence").status_code == 404
    assert signed_in(reader, "zhou").get("/desk").status_code == 200


def test_where_nothing_was_corrected_the_page_says_that_nothing_differs(previewed: Catalog, reader: FlaskClient) -> None:
    with time_machine.travel(AFTER):
        periods.freeze(previewed, "2026H1", KEY)
    assert "every department came out as it had been shown" in says(reader, f"/en{HERE}")
    assert "No department said anything." in says(reader, f"/en{HERE}/statements")


def test_after_it_is_frozen_the_desk_only_shows_it(previewed: Catalog, reader: FlaskClient, zhou: FlaskClient) -> None:
    say(zhou)
    previewed.statements.withdraw(1, by="zhou")
    say(zhou, text="另一条。")
    previewed.statements.answer(2, "不成立。", Verdict.NOT_UPHELD, by=COMMAND)
    frozen(previewed)
    told = page(zhou, "/en/desk")
    assert not told.xpath("//main//form") and "Frozen" in words(told.xpath("//main//section/h2")[0])
    late = send(zhou, "/en/desk/statements/2/withdraw")
    assert late.status_code == 409 and "frozen: nothing can be changed" in text_of(late)
    refused = answer(signed_in(reader, "reviewer"), 2, after="1")
    assert refused.status_code == 409
    assert "There is nothing to answer." in says(signed_in(reader, "reviewer"), "/en/operate/disputes")


def test_a_period_frozen_without_a_preview_has_no_statements(previewed: Catalog, reader: FlaskClient) -> None:
    with time_machine.travel(datetime(2027, 1, 2, tzinfo=UTC)):
        periods.freeze(previewed, "2026H2", KEY)
    assert reader.get("/scorecards/periods/2026H2").status_code == 200
    for path in ("statements", "statements.json", "statements.csv", "departments/330100.market"):
        assert reader.get(f"/scorecards/periods/2026H2/{path}").status_code == 404, path


@pytest.mark.parametrize(
    "path",
    [
        "/scorecards/periods/2026H2", f"{HERE}-pre-pre", f"{HERE}/departments/330100.market", f"{HERE}/departments/nonsense",
        f"{OWN}?rules=mine", f"{OWN}/mine/licence", f"{OWN}/national/nonsense", f"{OWN}/national/high_value_coverage",
        f"{OWN}/national/licence?verdict=perhaps", f"{HERE}/departments/330100.market/national/licence",
        "/scorecards/periods/2026H2/statements", "/scorecards/periods/2026H2/statements.json",
    ],
)
def test_what_there_is_not_has_no_page(reader: FlaskClient, path: str) -> None:
    page(reader, path, 404)


def test_a_form_for_a_period_without_a_preview_is_not_there(zhou: FlaskClient) -> None:
    assert zhou.get("/desk/2025H2/new").status_code == 404
    assert send(zhou, "/desk/2025H2/new", **SAYING).status_code == 404


def test_without_a_preview_the_desk_says_what_it_is_for(catalog: Catalog) -> None:
    with cheap_passwords():
        add_everyone(catalog)
        browser = client_of(catalog, MemoryIndex())
        sign_in(browser, "officer")
    assert "No assessment is in preview." in says(browser, "/en/desk")


def test_a_person_is_led_to_the_part_of_the_site_that_is_theirs(reader: FlaskClient) -> None:
    homes = {"officer": "/desk", "reviewer": "/operate/disputes", "operator": "/operate/sources", "applicant": "/account"}
    for name, home in homes.items():
        browser = reader.application.test_client()
        assert sign_in(browser, name).headers["Location"] == home
        assert [home] == page(browser, "/account").xpath("//p[@class='lead']//a/@href") or home == "/account"


@pytest.fixture
def operator(reader: FlaskClient) -> FlaskClient:
    """A browser of one who runs the site."""
    return signed_in(reader, "operator")


WHY = "七月四日、五日系统维护。<b>顺延</b>"


def extend(operator: FlaskClient, **changes: str) -> TestResponse:
    return send(operator, "/operate/previews/2026H1/extend", **{"until": "2026-07-12", "reason": WHY} | changes)


def call_off(operator: FlaskClient, reason: str = WHY) -> TestResponse:
    return send(operator, "/operate/previews/2026H1/call-off", reason=reason)


@LANGUAGES
def test_an_operator_extends_a_preview_and_every_page_says_until_when_and_why(
    reader: FlaskClient, zhou: FlaskClient, operator: FlaskClient, language: str
) -> None:
    (form,) = page(operator, f"/{language}/operate/disputes").xpath("//a[contains(@href, '/operate/previews/')]/@href")
    document = page(operator, form)
    assert len(document.xpath("//main//form")) == 2
    assert document.xpath("//nav[@class='within']//a[@aria-current]/@href") == [f"/{language}/operate/disputes"]
    assert extend(operator).headers["Location"] == "/operate/disputes?done=extended"
    later = {"zh": "2026年7月12日 24 时（北京时间）", "en": "the end of 12 Jul 2026 (Beijing time)"}[language]
    before = {"zh": "2026年7月8日 24 时", "en": "the end of 8 Jul 2026"}[language]
    for browser, path in ((reader, HERE), (reader, OWN), (reader, "/scorecards/periods"), (zhou, FORM)):
        assert later in says(browser, f"/{language}{path}"), path
    for path in (HERE, OWN):
        told = says(reader, f"/{language}{path}")
        assert before in told and WHY in told and "operator" not in told, path
    assert WHY in says(operator, f"/{language}/operate/audit")


def test_what_needs_several_datasets_says_so_in_a_period_as_on_the_card(reader: FlaskClient) -> None:
    for path in (OWN, f"/scorecards/publishers/{DEPARTMENT}"):
        (row,) = page(reader, f"/zh{path}").xpath("//tr[th/a[substring-after(@href, '#') = 'national-offers_api']]")
        assert "（须有 3 个）" in words(row), path


def test_what_is_left_is_said_in_days_however_many(reader: FlaskClient, operator: FlaskClient) -> None:
    extend(operator, until="2026-08-15")
    assert "44 days from now" in says(reader, f"/en{HERE}") and "还有44天" in says(reader, f"/zh{HERE}")


@LANGUAGES
def test_a_preview_is_called_off_and_every_page_says_so_and_why(
    reader: FlaskClient, zhou: FlaskClient, operator: FlaskClient, language: str
) -> None:
    say(zhou)
    assert call_off(operator).headers["Location"] == "/operate/disputes?done=called-off"
    over = {"zh": "中止", "en": "called off"}[language]
    for browser, path in (
        (reader, HERE), (reader, OWN), (reader, "/scorecards/periods"), (zhou, "/desk"), (zhou, FORM),
        (reader, f"/scorecards/publishers/{DEPARTMENT}"), (operator, "/operate/disputes"),
        (operator, "/operate/previews/2026H1"),
    ):
        assert over in says(browser, f"/{language}{path}"), path
    for browser, path in ((reader, HERE), (reader, OWN), (zhou, "/desk"), (zhou, FORM)):
        assert WHY in says(browser, f"/{language}{path}"), path
    (line,) = page(reader, f"/{language}/scorecards/publishers/{DEPARTMENT}").xpath("//p[@class='note']")
    said = {"zh": "2026H1 评估：公示已中止", "en": "Assessment of 2026H1: preview called off"}[language]
    assert words(line).replace(" ：", "：").startswith(said), "no score is said of what was called off"
    assert not page(zhou, FORM).xpath("//main//form") and "许可写在页面上。" in says(reader, OWN)
    assert page(reader, f"{HERE}/statements").xpath("//article")


def test_each_preview_of_a_period_has_pages_that_lead_to_its_own_numbers(
    previewed: Catalog, reader: FlaskClient, operator: FlaskClient
) -> None:
    call_off(operator)
    with time_machine.travel(WITHIN + timedelta(hours=1)):
        reread(previewed, decided("3"))
    periods.begin_preview(previewed, "2026H1", KEY, 3, now=WITHIN + timedelta(days=1))
    first, second = f"{HERE}-pre", HERE
    assert WHY in says(reader, f"/zh{first}") and "之后另有公示或定稿" in says(reader, f"/zh{first}")
    (earlier,) = page(reader, f"/zh{second}").xpath("//dd//a[text()='当时的公示稿']/@href")
    assert earlier == f"/zh{first}"
    for at, datasets in ((first, "2"), (second, "3")):
        (row,) = page(reader, f"/en{at}").xpath("//main//table[contains(@class, 'parts')]/tbody/tr[td/a]")
        assert words(row.xpath("td")[-1]) == datasets
        (to,) = row.xpath("td/a/@href")
        assert to == f"/en{at}/departments/{DEPARTMENT}"
        assert f"{datasets} datasets" in says(reader, to)
        number = page(reader, to).xpath("//section[@id='indicators']//td/a[text()='2']/@href")[0]
        assert number.startswith(f"{to}/national/") and len(page(reader, number).xpath("//main//tbody/tr")) == 2
    assert "dispute this" not in says(reader, f"/en{first}/departments/{DEPARTMENT}/national/licence")


@pytest.mark.parametrize("changes,status,told", [
    ({"until": "2026-07-08"}, 422, "Choose a day after the last one"),
    ({"until": "soon"}, 422, "Choose a day after the last one"),
    ({"until": "9999-12-31"}, 422, "Choose a day after the last one"),
    ({"until": "2027-07-08"}, 422, "in 90 days at the latest"),
    ({"reason": " "}, 422, "must not be empty"),
])
def test_what_is_no_extension_is_shown_again_with_what_is_wrong(
    operator: FlaskClient, changes: dict[str, str], status: int, told: str
) -> None:
    response = send(operator, "/en/operate/previews/2026H1/extend", **{"until": "2026-07-12", "reason": WHY} | changes)
    assert response.status_code == status and told in text_of(response)
    assert changes.get("reason") or text_of(response).count("&lt;b&gt;顺延") == 1, "what was written is not lost"


def test_nobody_but_those_who_run_the_site_extends_or_calls_off(
    previewed: Catalog, reader: FlaskClient, reviewer: FlaskClient, zhou: FlaskClient, operator: FlaskClient
) -> None:
    assert not page(reviewer, "/operate/disputes").xpath("//a[contains(@href, '/operate/previews/')]")
    for browser in (reviewer, zhou):
        assert browser.get("/operate/previews/2026H1").status_code == 403
        assert call_off(browser).status_code == 403
    assert reader.get("/operate/previews/2026H1").status_code == 303
    assert operator.post("/operate/previews/2026H1/call-off", data={"reason": WHY}).status_code == 403
    assert operator.get("/operate/previews/2025H2").status_code == 404
    preview = previewed.previews.get("2026H1")
    assert preview is not None and preview.steps == ()
    call_off(operator)
    assert call_off(operator).status_code == 409 and extend(operator).status_code == 409
