"""The operators' pages: what they show, and that their buttons write what they say and nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace

from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND, Action
from portal.catalog.decisions import Ruling, Verdict
from portal.catalog.model import Counts, DatasetState, Issue, Outcome, Publisher, RunMode, Source
from portal.catalog.store import Catalog
from portal.web import nearest
from portal.web.unresolved import lacks
from tests.catalogs import empty_catalog
from tests.portal.web.people import PASSWORD, cheap_passwords, send, sign_in
from tests.portal.web.town import HANGZHOU, NOW, build, client_of, dataset_of, made, page, says, words

NAMES = "/en/operate/departments"
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])

UNKNOWN = Publisher(id="unknown", name="地区管理员")
CENTRE = Publisher(
    id="centre", name="市信息中心", institution_type="public_institution", institution_inferred_from="name"
)
MARKET = Publisher(
    id="market", name="杭州市市场监督管理局", institution_type="government_department",
    institution_inferred_from="name", functions=("market",), department="330100.market",
)
COMPANY = Publisher(id="company", name="杭州某公司", institution_type="enterprise", institution_inferred_from="name")
ELSEWHERE = Publisher(id="elsewhere", name="地区 管理员")


def furnished(catalog: Catalog) -> None:
    """The town with publishers nobody knows, and an operator."""
    build(catalog)
    for source, publishers in ((HANGZHOU, (UNKNOWN, CENTRE, MARKET, COMPANY)), (other(), (ELSEWHERE,))):
        catalog.sources.put(source)
        lease = catalog.sources.lease(source.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.put([
                made(f"{publisher.id}{number}", source, publisher=publisher, region=source.region)
                for publisher in publishers
                for number in range(3 if publisher is UNKNOWN else 1)
            ])
        catalog.sources.release(lease)
    catalog.accounts.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND)


def finished(catalog: Catalog) -> None:
    """Gives back the lease that the run under way in the town holds."""
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM lease")


def other() -> Source:
    return replace(HANGZHOU, id="ningbo", title="宁波市公共数据开放平台", region="330200")


@pytest.fixture
def operated(catalog: Catalog) -> Iterator[Catalog]:
    """A catalogue that a test may change."""
    with cheap_passwords():
        furnished(catalog)
        yield catalog


@pytest.fixture
def operator(operated: Catalog) -> FlaskClient:
    """A browser signed in as ``lin``."""
    client = client_of(operated)
    assert sign_in(client, "lin").status_code == 303
    return client


@pytest.fixture(scope="module")
def looking() -> Iterator[FlaskClient]:
    """A browser signed in as ``lin``, for tests that only look."""
    catalog = empty_catalog()
    with cheap_passwords():
        furnished(catalog)
        client = client_of(catalog)
        sign_in(client, "lin")
        yield client
    catalog.close()


def rows_of(client: FlaskClient, path: str) -> list[str]:
    """The rows of a page's tables, their cells parted by spaces."""
    found = page(client, path).xpath("//tbody/tr")
    return [" ".join(filter(None, map(words, row.xpath("./td|./th")))) for row in found]


@LANGUAGES
@pytest.mark.parametrize(
    "path",
    [
        "/operate", "/operate/sources", "/operate/sources/hangzhou", "/operate/sources/riverton", "/operate/runs/held",
        "/operate/runs/2/held", "/operate/runs/1/held", "/operate/departments", "/operate/departments?lack=department",
        "/operate/departments/name?name=地区管理员", "/operate/departments/decided", "/operate/duplicates",
        "/operate/issues",
        "/operate/audit", "/account",
    ],
)
def test_every_page_is_whole_in_both_languages(looking: FlaskClient, language: str, path: str) -> None:
    document = page(looking, f"/{language}{path}")
    levels = [int(heading.tag[1]) for heading in document.xpath("//h1|//h2|//h3")]
    assert levels.count(1) == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    for control in document.xpath("//main//input[not(@type='hidden')]|//main//select|//main//textarea"):
        assert document.xpath(f"//label[@for='{control.get('id')}']"), control.get("name")
    for form in document.xpath("//main//form[@method='post']"):
        assert form.xpath(".//input[@name='token']/@value")[0]
    for link in document.xpath("//main//a/@href"):
        if link.startswith("/"):
            assert looking.get(link).status_code == 200, link
    assert not document.xpath("//main//script|//main//*[@style]|//main//*[@onclick]")


def test_the_sources_show_state_first_then_the_last_success_and_one_action_each(looking: FlaskClient) -> None:
    rows = rows_of(looking, "/en/operate/sources")
    assert rows[0].startswith("To be checked Never complete Riverton Open Data") and rows[0].endswith("Decide")
    assert any(row.startswith("In order") and row.endswith("Harvest now 杭州市公共数据开放平台") for row in rows)


def test_a_harvest_is_asked_for_once_by_a_row_that_names_who(operated: Catalog, operator: FlaskClient) -> None:
    for _ in range(2):
        answer = send(operator, "/operate/sources/hangzhou/run", mode="full")
        assert answer.headers["Location"] == "/operate/sources/hangzhou?done=asked"
    (request,) = operated.sources.take_requests()
    assert (request.source_id, request.mode, request.asked_by) == ("hangzhou", RunMode.FULL, "lin")
    assert "Asked for." in says(operator, "/en/operate/sources/hangzhou?done=asked")
    assert send(operator, "/operate/sources/hangzhou/run", mode="everything").status_code == 400
    assert send(operator, "/operate/sources/nowhere/run", mode="full").status_code == 404


def test_pausing_and_resuming_is_written_down(operated: Catalog, operator: FlaskClient) -> None:
    send(operator, "/operate/sources/hangzhou/pause", paused="yes")
    assert operated.sources.get("hangzhou").paused and "Resume" in says(operator, "/en/operate/sources/hangzhou")
    assert send(operator, "/operate/sources/hangzhou/pause", paused="perhaps").status_code == 400
    assert operated.sources.get("hangzhou").paused
    send(operator, "/operate/sources/hangzhou/pause", paused="no")
    assert not operated.sources.get("hangzhou").paused
    lines = [(line.who, line.what, line.about) for line in operated.audit.recent(limit=2)]
    assert lines == [("lin", Action.SOURCE_RESUMED, "hangzhou"), ("lin", Action.SOURCE_PAUSED, "hangzhou")]
    assert send(operator, "/operate/sources/nowhere/pause", paused="yes").status_code == 404


def test_a_held_run_is_looked_at_and_approved(operated: Catalog, operator: FlaskClient) -> None:
    finished(operated)
    bridge = dataset_of("b", Source(id="riverton", title="", kind="dcat", url=""))
    text = says(operator, "/en/operate/runs/2/held")
    assert "1 dataset would be withdrawn" in text and "Bridge inspections" in text
    assert "Department of Roads 1 1" in rows_of(operator, "/en/operate/runs/2/held")
    assert send(operator, "/operate/runs/2/approve").headers["Location"] == "/operate/runs/held?done=approved"
    entry = operated.entry(bridge)
    assert entry is not None and (entry.state, entry.retired_because) == (DatasetState.RETIRED, "approved")
    assert "holds anything back" in says(operator, "/en/operate/runs/held")
    assert operated.audit.recent(limit=1)[0].what is Action.RUN_APPROVED
    again = send(operator, "/en/operate/runs/2/approve")
    assert again.status_code == 409 and "decided about this run already" in again.get_data(as_text=True)


@pytest.mark.parametrize(
    ("decision", "source", "run"), [("approve", "In order", "Checked, withdrawn"), ("reject", "Partly done", "Checked, kept")]
)
def test_after_the_decision_nothing_is_said_to_be_checked_any_more(
    operated: Catalog, operator: FlaskClient, decision: str, source: str, run: str
) -> None:
    finished(operated)
    assert send(operator, f"/operate/runs/2/{decision}").status_code == 303
    for path in ("/en/sources/riverton", "/en/runs/2", "/en/operate/runs/2/held", "/en/operate/sources/riverton"):
        assert "To be checked" not in says(operator, path) and "would be withdrawn" not in says(operator, path)
    assert [words(one) for one in page(operator, "/en/sources/riverton").xpath("//p[@class='lead']/span[1]")] == [source]
    assert [words(one) for one in page(operator, "/en/runs/2").xpath("//p[@class='lead']/span[1]")] == [run]


def installed_anew(catalog: Catalog) -> int:
    """A run of Ningbo that lists three datasets under other ids, two of them called the same, and holds four back."""
    ningbo = other()
    old = [made(f"old{n}", ningbo, title=title) for n, title in enumerate(("水质", "=1+1", "同名", "同名"))]
    new = [made(f"-new{n}", ningbo, title=title) for n, title in enumerate(("水质", "=1+1", "同名"))]
    lease = catalog.sources.lease(ningbo.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put(old)
    run = catalog.runs.start(ningbo.id, RunMode.FULL, "test")
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put(new)
    catalog.sources.release(lease)
    run = replace(run, counts=Counts(listed=3, added=3, held=4), outcome=Outcome.HELD, cause="listing.shrank", finished=NOW)
    catalog.runs.save(run)
    catalog.runs.hold(run, [one.dataset.id for one in old])
    return run.id


def test_i69_a_held_run_proposes_what_each_dataset_is_listed_as_again(operated: Catalog, operator: FlaskClient) -> None:
    number = installed_anew(operated)
    path = f"/en/operate/runs/{number}/held"
    assert "2 of 4 are listed again under other ids" in says(operator, path)
    rows = [row for row in rows_of(operator, path) if "水质" in row or "同名" in row]
    assert [row.endswith("-new0") for row in rows] == [True, False, False]
    response = operator.get(f"/operate/runs/{number}/held.csv")
    lines = list(csv.reader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))
    assert lines[0] == ["dataset", "source_key", "title", "publisher", "listed_again_as", "under_source_key"]
    assert {line[1]: (line[2], line[5]) for line in lines[1:]} == {
        "old0": ("水质", "'-new0"), "old1": ("'=1+1", "'-new1"), "old2": ("同名", ""), "old3": ("同名", ""),
    }  # fmt: skip
    assert client_of(operated).get(f"/operate/runs/{number}/held.csv").status_code == 303
    assert operator.get("/operate/runs/999/held.csv").status_code == 404
    assert "under other ids" not in says(operator, "/en/operate/runs/2/held")


def test_a_held_run_is_rejected(operated: Catalog, operator: FlaskClient) -> None:
    assert send(operator, "/operate/runs/2/reject").status_code == 303
    assert operated.runs.get(2).decision == "rejected" and operated.runs.held(2) == []
    assert operated.audit.recent(limit=1)[0].who == "lin"
    finished(operated)
    for path in ("approve", "reject"):
        assert send(operator, f"/operate/runs/1/{path}").status_code == 409, "a complete run holds nothing"
        assert send(operator, f"/operate/runs/99/{path}").status_code == 404
        assert send(operator, f"/operate/runs/{2**63}/{path}").status_code == 404


def test_while_the_source_is_harvested_nothing_is_approved(operated: Catalog, operator: FlaskClient) -> None:
    assert "riverton" in operated.sources.under_way()
    answer = send(operator, "/en/operate/runs/2/approve")
    assert answer.status_code == 409 and "is being harvested" in answer.get_data(as_text=True)
    assert operated.runs.get(2).decision is None


def test_the_queue_has_the_names_not_known_most_datasets_first(looking: FlaskClient) -> None:
    rows = rows_of(looking, NAMES)
    assert [row.split(" 杭")[0] for row in rows][1] == "function, type 地区管理员 4"
    assert any(row.startswith("function 市信息中心 1") for row in rows)
    assert not any(name in row for row in rows for name in (MARKET.name, COMPANY.name))
    assert "and 1 more" in rows[1]
    for query, expected in (("?lack=type", 1), ("?q=信息", 1), ("?source=ningbo", 1), ("?lack=department", 0)):
        found = page(looking, NAMES + query).xpath("//tbody/tr")
        assert len(found) == expected, query


def test_what_a_source_alone_tells_of_the_type_is_still_a_question() -> None:
    told = replace(UNKNOWN, institution_type="university", institution_inferred_from="source")
    assert {lack.value for lack in lacks(told)} == {"type", "function"}
    assert lacks(replace(told, decision=1)) == frozenset() == lacks(MARKET) == lacks(COMPANY)


def test_portals_outside_the_mainland_have_no_names_to_decide(operated: Catalog, operator: FlaskClient) -> None:
    assert "and 1 more" in says(operator, NAMES)
    operated.sources.put(replace(other(), region="810000"))
    text = says(operator, NAMES)
    assert "and 1 more" not in text
    assert "Department of Roads" not in text, "of a portal of no region only Chinese names are asked about"


def test_a_name_shows_who_has_it_and_what_is_like_it(looking: FlaskClient) -> None:
    text = says(looking, "/en/operate/departments/name?name=%E5%9C%B0%E5%8C%BA 管理员")
    assert "宁波市公共数据开放平台 1 dataset" in text and "Understood: nothing" in text
    assert "数据集 unknown0" in text and "330100 Hangzhou" in text.replace("杭州市", "Hangzhou")
    assert looking.get("/operate/departments/name?name=nobody").status_code == 404
    taken = page(looking, "/en/operate/departments/name?name=地区管理员&like=market")
    assert taken.xpath("//select[@id='function-0']/option[@selected]/@value") == ["market"]
    assert taken.xpath("//select[@id='institution_type']/option[@selected]/@value") == ["government_department"]
    assert taken.xpath("//input[@name='verdict'][@checked]/@value") == ["department"]


def test_the_nearest_names_share_most_of_their_pairs() -> None:
    others = [("杭州市市场监督管理局", 1), ("宁波市市场监督管理局", 2), ("杭州市教育局", 3), ("Roads", 4)]
    assert [name for name, _ in nearest.nearest("余杭区市场监督管理局", others, 2)] == [others[0][0], others[1][0]]
    assert nearest.nearest("图书馆", others, 5) == []


def test_a_decision_is_made_with_a_form_and_leaves_the_queue_at_once(operated: Catalog, operator: FlaskClient) -> None:
    form = {"name": "地区管理员", "verdict": "department", "function": ["market", "", "data"], "note": " 见来函 "}
    form |= {"institution_type": "government_department", "region": "杭州市", "scope": ""}
    answer = send(operator, "/operate/departments/name", **form)
    assert answer.headers["Location"] == "/operate/departments?done=decided"
    (decision,) = operated.decisions.standing()
    assert decision.by == "lin" and decision.ruling == Ruling(
        name="地区管理员", verdict=Verdict.DEPARTMENT, functions=("market", "data"),
        institution_type="government_department", region="330100", note="见来函",
    )
    assert operated.sources.requested() == {"hangzhou": [RunMode.REREAD], "ningbo": [RunMode.REREAD]}
    assert "地区管理员" not in says(operator, NAMES)
    assert "“见来函”" in page(operator, "/en/operate/departments/decided").text_content() or "见来函" in says(
        operator, "/en/operate/departments/decided"
    )
    answer = send(operator, f"/operate/departments/decided/{decision.number}/undo")
    assert answer.status_code == 303 and operated.decisions.standing() == []
    assert "地区管理员" in says(operator, NAMES)
    assert send(operator, f"/operate/departments/decided/{decision.number}/undo").status_code == 404
    history = says(operator, "/en/operate/departments/name?name=地区管理员")
    assert "lin: Market regulation, Data administration" in history and "ended by lin" in history


def test_a_decision_for_one_source_leaves_the_name_of_the_others_in_the_queue(
    operated: Catalog, operator: FlaskClient
) -> None:
    send(operator, "/operate/departments/name", name="地区管理员", verdict="no-name", scope="hangzhou")
    rows = rows_of(operator, NAMES)
    assert any("地区 管理员 1 宁波市" in row for row in rows)
    assert operated.sources.requested() == {"hangzhou": [RunMode.REREAD]}


@pytest.mark.parametrize(
    ("form", "says_so"),
    [
        ({}, "choose what the name is"),
        ({"verdict": "everything"}, "choose what the name is"),
        ({"verdict": "department"}, "needs one"),
        ({"verdict": "no-name", "function": "market"}, "needs one"),
        ({"verdict": "department", "function": "market", "region": "鼓楼区"}, "region is not known"),
        ({"verdict": "no-name", "scope": "riverton"}, "does not have the name"),
        ({"verdict": "no-name", "institution_type": "library"}, "nobody’s name has none"),
    ],
)
def test_a_form_that_cannot_be_is_shown_again_with_what_is_wrong(
    looking: FlaskClient, form: dict[str, str], says_so: str
) -> None:
    answer = send(looking, "/en/operate/departments/name", **{"name": "地区管理员", **form})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and says_so in text
    for code in {form.get("function"), form.get("institution_type")} - {None}:
        assert f'<option value="{code}" selected>' in text, "what was chosen stays chosen"


def test_the_decisions_come_as_a_table_in_the_codes_of_ours(operated: Catalog, operator: FlaskClient) -> None:
    operated.decisions.decide(
        Ruling(name="=1+1", verdict=Verdict.NO_NAME, source_id="hangzhou", note="“公式”, 两行\n"), by="lin"
    )
    operated.decisions.decide(
        Ruling(name="地区管理员", verdict=Verdict.DEPARTMENT, functions=("market", "data"), region="330100"), by="lin"
    )
    text = operator.get("/operate/departments/decided.csv").get_data(as_text=True).removeprefix("\ufeff")
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["name"], first["source"], first["verdict"]) == ("'=1+1", "hangzhou", "no-name")
    assert (second["functions"], second["region"], second["by"]) == ("market|data", "330100", "lin")


def test_the_audit_log_is_read_page_by_page_and_narrowed(operated: Catalog, operator: FlaskClient) -> None:
    for number in range(120):
        operated.sources.pause("hangzhou", bool(number % 2), by="wu")
    first = page(operator, "/en/operate/audit")
    assert len(first.xpath("//tbody/tr")) == 100
    (older,) = first.xpath("//a[text()='Older lines']/@href")
    assert len(page(operator, older).xpath("//tbody/tr")) == 120 + 2 - 100
    (only,) = rows_of(operator, "/en/operate/audit?who=lin&what=signed-in")
    assert only.endswith(" lin signed in lin")
    assert "No line is like that" in says(operator, "/en/operate/audit?who=nobody&before=1")


def test_operators_are_told_what_is_for_them_alone(operated: Catalog, operator: FlaskClient) -> None:
    run = operated.runs.start("hangzhou", RunMode.FULL, "x")
    operated.runs.add_issues(run, [
        (dataset_of("1"), Issue(code="record.personal-data-suspected", source_key="1", field="title", seen="秘密")),
        (dataset_of("1"), Issue(code="field.not-understood", field="frequency", seen="逢年过节")),
        (dataset_of("gone"), Issue(code="record.personal-data-suspected", source_key="gone", seen="已下架")),
    ])
    operated.runs.save(replace(run, outcome=Outcome.COMPLETE, finished=datetime.now(UTC)))
    later = operated.runs.start("hangzhou", RunMode.INCREMENTAL, "x")
    operated.runs.save(replace(later, outcome=Outcome.COMPLETE, finished=datetime.now(UTC)))
    told = says(operator, "/en/operate/issues")
    assert "秘密" in told and "逢年过节" not in told and "已下架" not in told
    assert "… of dataset … suggests personal data" in told and "{" not in told


def test_a_warning_found_fine_leaves_the_list_and_can_be_taken_back(operated: Catalog, operator: FlaskClient) -> None:
    run = operated.runs.start("hangzhou", RunMode.FULL, "x")
    suspected = Issue(code="record.personal-data-suspected", source_key="1", field="title", seen="秘密名单")
    operated.runs.add_issues(run, [(dataset_of("1"), suspected)])
    operated.runs.save(replace(run, outcome=Outcome.COMPLETE, finished=datetime.now(UTC)))
    (number,) = page(operator, "/en/operate/issues").xpath("//input[@name='issue']/@value")
    answer = send(operator, "/operate/issues", issue=number)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/operate/issues?done=cleared")
    shown = says(operator, "/en/operate/issues?done=cleared")
    assert "There are none." in shown and "秘密名单 lin" in shown and "not warned of" in shown
    (clearance,) = page(operator, "/en/operate/issues").xpath("//input[@name='clearance']/@value")
    assert send(operator, "/operate/issues", clearance=clearance).status_code == 303
    assert page(operator, "/en/operate/issues").xpath("//input[@name='issue']/@value") == [number]
    for form in ({"issue": "0"}, {"issue": "x"}, {"clearance": clearance}, {}):
        assert send(operator, "/operate/issues", **form).status_code == 404


def test_hostile_words_in_names_and_notes_stay_words(operated: Catalog, operator: FlaskClient) -> None:
    evil = '"><script>alert(1)</script>'
    lease = operated.sources.lease("hangzhou", "test")
    with operated.transaction(lease, None) as transaction:
        transaction.put([made("evil", publisher=Publisher(id="evil", name=evil))])
    operated.sources.release(lease)
    path = page(operator, NAMES).xpath("//tbody//a[contains(., 'script')]/@href")[0]
    assert "<script>alert" not in operator.get(path).get_data(as_text=True)
    send(operator, "/operate/departments/name", name=evil, verdict="no-name", note=evil)
    for shown in ("/operate/departments/decided", "/operate/audit", path):
        text = operator.get(shown).get_data(as_text=True)
        assert "<script>alert" not in text and "&lt;script&gt;alert" in text, shown


def test_an_administrator_makes_disables_and_enables_accounts_but_not_their_own(operated: Catalog) -> None:
    operated.accounts.add("head", Role.ADMIN, PASSWORD, by=COMMAND)
    client = client_of(operated)
    sign_in(client, "head")
    form = {"name": "Wu", "role": "officer", "department": "330100.market", "password": PASSWORD}
    assert send(client, "/operate/users", **form).headers["Location"] == "/operate/users?done=added"
    assert operated.accounts.get("wu").department == "330100.market"
    rows = rows_of(client, "/en/operate/users")
    assert any(row.startswith("Can sign in wu Data officer Hangzhou") and row.endswith("Disable wu") for row in rows)
    assert any(row.endswith(" you") for row in rows)
    for wrong, said in (
        ({"name": "wu"}, "This name is taken."),
        ({"name": "two words"}, "This cannot be a name"),
        ({"password": "short"}, "A password has 12 to 200 characters."),
        ({"password": "o" * 20}, "This password is guessed at once."),
        ({"role": "king"}, "An officer has a department, and nobody else has."),
        ({"department": ""}, "An officer has a department, and nobody else has."),
        ({"department": "杭州市"}, "There is no such department."),
    ):
        answer = send(client, "/en/operate/users", **(form | {"name": "other"} | wrong))
        assert answer.status_code == 422 and said in answer.get_data(as_text=True), wrong
        assert PASSWORD not in answer.get_data(as_text=True)
    assert send(client, "/operate/users/lin/disable").status_code == 303
    assert operated.accounts.get("lin").disabled is not None
    assert send(client, "/operate/users/lin/enable").status_code == 303
    assert operated.accounts.get("lin").disabled is None
    assert send(client, "/en/operate/users/head/disable").status_code == 409
    assert send(client, "/operate/users/nobody/disable").status_code == 404
    assert [line.who for line in operated.audit.recent(limit=3)] == ["head"] * 3


@pytest.mark.parametrize(
    ("told", "said"),
    [("name", "(inferred from its name)"), ("source", "(inferred from the portal)"), ("decision", "(decided by a person)")],
)
def test_a_publishers_page_says_what_told_its_type(operated: Catalog, told: str, said: str) -> None:
    lease = operated.sources.lease("hangzhou", "test")
    body = Publisher(id="told", name="某单位", institution_type="university", institution_inferred_from=told)
    with operated.transaction(lease, None) as transaction:
        transaction.put([made("told", publisher=body)])
    operated.sources.release(lease)
    assert f"University {said}" in says(client_of(operated), "/en/publishers/told")
