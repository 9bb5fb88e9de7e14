"""Portals read by configuration: paging, details, refusals, and what happens when the shape is another."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from harvester.connectors import calls
from harvester.errors import PagingBroken, PortalAnsweredError, PortalNotUnderstood
from harvester.records import Listing
from harvester.sourcefiles import SourceInvalid
from portal.catalog.model import Issue
from tests.harvester.family_portals import Reading, asked_form, asked_query, one_of, paged, read, source_at
from tests.hostile import HostileServer, Script, Talk, answer, json_answer, sequence

LIST: dict[str, Any] = {
    "path": "api/list", "query": {"p": "{page}", "n": "{size}"}, "page_size": 2,
    "records": "data.rows", "total": "data.total",
}
CROSSWALK = {"source_key": "编号", "title": "标题", "modified": "更新时间"}
DETAIL = {"path": "api/show", "query": {"id": "{编号}"}, "record": "data"}
ROWS = [
    {"编号": id, "标题": f"数据集 {id}", "更新时间": f"2024-01-{day:02}"}
    for id, day in zip("abcde", (9, 8, 7, 6, 5), strict=True)
]


def listing(rows: list[dict[str, Any]], total: Any = 0) -> Script:
    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_query(talk)
        return (int(asked["p"]) - 1) * int(asked["n"]), int(asked["n"])

    return paged(rows, offset, lambda page: {"data": {"total": total if total != 0 else len(rows), "rows": page}})


def options(**changes: Any) -> dict[str, Any]:
    return {"listings": {"all": LIST | changes}, "crosswalk": CROSSWALK}


def refused(scripts: dict[str, Script], **given: Any) -> PortalNotUnderstood:
    with pytest.raises(PortalNotUnderstood) as caught:
        read(scripts, **(given or options()))
    return caught.value


def told(reading: Reading) -> list[Issue]:
    """What was complained of besides keys that nobody decided about: the rows here have some."""
    return [issue for issue in reading.issues if issue.code != "listing.keys-undecided"]


def test_a_plain_json_list_needs_no_family() -> None:
    reading = read({"/api/list": listing(ROWS)}, **options())
    assert (reading.keys, reading.listing) == (list("abcde"), Listing(declared=5))
    assert reading.asked == [f"/api/list?p={page}&n=2" for page in (1, 2, 3)]


def test_a_page_that_comes_again_ends_the_run_as_broken() -> None:
    with pytest.raises(PagingBroken, match="repeats"):
        read({"/api/list": json_answer({"data": {"total": 9, "rows": ROWS[:2]}})}, **options())


def test_a_list_elsewhere_is_reported_with_the_path_and_what_stands_there() -> None:
    error = refused({"/api/list": json_answer({"code": 0, "data": {"items": ROWS, "count": 5}})})
    assert error.detail == "nothing at data.rows: data has no rows; lists of objects stand at data.items"
    assert error.seen == "an object with the members items, count"
    assert error.url and error.url.endswith("/api/list?p=1&n=2")


@pytest.mark.parametrize("answered,detail", [
    ({"data": {"total": 2, "rows": ["a", "b"]}}, "data.rows holds no objects"),
    ({"data": {"total": 2, "rows": {"a": 1}}}, "data.rows is no list"),
    ({"data": {"total": 5, "rows": []}}, "no record at data.rows, with a total of 5"),
    ({"data": {"total": None, "rows": None}}, "no record at data.rows, with no total"),
    ([1, 2], "nothing at data.rows: the answer has no data.rows"),
    ({"data": None, "errorMsg": "请先登录"}, "nothing at data.rows: data has no rows; the portal says: 请先登录"),
    ({"data": {"total": 9, "rows": []}, "msg": "请重试"}, "no record at data.rows, with a total of 9; the portal says: 请重试"),
])
def test_an_answer_of_another_shape_is_reported(answered: Any, detail: str) -> None:
    assert refused({"/api/list": json_answer(answered)}).detail == detail


def test_records_with_other_keys_are_no_half_import() -> None:
    """The list is where it should be, but none of its records has what the crosswalk reads."""
    rows = [{"id": number, "nom": "x"} for number in range(40)]
    error = refused({"/api/list": listing(rows)})
    assert re.sub(r"\d+ more", "n more", error.detail) == (
        "none of the first 5 records is a dataset (record.title-missing): nobody decided about nom; "
        "no title at 标题, 资源名称, 数据集名称, 目录名称 and n more"
    )
    assert error.seen == '{"id":0,"nom":"x"}'


def test_an_empty_portal_that_says_so_is_empty() -> None:
    reading = read({"/api/list": json_answer({"data": {"total": 0, "rows": None}})}, **options())
    assert reading.listing == Listing(declared=0)


@pytest.mark.parametrize("total", ["5", "5.0", 5.0, "1,005", "共1,005条"])
def test_a_total_may_be_written_in_several_ways(total: Any) -> None:
    rows = ROWS if "1,005" not in str(total) else [ROWS[0] | {"编号": str(number)} for number in range(1005)]
    reading = read({"/api/list": listing(rows, total)}, **options(page_size=4 if len(rows) == 5 else 500))
    assert reading.listing == Listing(declared=len(rows))
    assert len(reading.asked) == math.ceil(len(rows) / (4 if len(rows) == 5 else 500))


@pytest.mark.parametrize("total", [2, 1])
def test_a_total_that_is_that_of_the_page_does_not_end_the_list(total: int) -> None:
    """Page 1 is full and states 2: whether there is more is only known by asking."""
    reading = read({"/api/list": listing(ROWS, total)}, **options())
    assert (reading.keys, reading.listing.declared) == (list("abcde"), total)
    assert [(issue.code, issue.seen) for issue in reading.issues] == [("listing.total-wrong", f"{total}/5")]


def test_a_list_that_fills_its_first_page_exactly_is_asked_once_more() -> None:
    everything = json_answer({"data": {"total": 2, "rows": ROWS[:2]}})
    for script in (listing(ROWS[:2]), everything):
        reading = read({"/api/list": script}, **options())
        assert (reading.keys, reading.issues, len(reading.asked)) == (["a", "b"], [], 2)


@pytest.mark.parametrize("rows,pages,asked", [(ROWS, 3, 3), (ROWS[:2], 1, 2), (ROWS[:4], 3, 3)])
def test_a_number_of_pages_ends_the_list(rows: list[dict[str, Any]], pages: int, asked: int) -> None:
    """The third portal counts a page too many."""
    script = paged(rows, lambda talk: ((int(asked_query(talk)["p"]) - 1) * 2, 2), lambda page: {
        "data": {"pages": pages, "rows": page}})
    reading = read({"/api/list": script}, **options(total="", pages="data.pages"))
    assert (len(reading.keys), reading.issues, len(reading.asked)) == (len(rows), [], asked)


def test_pages_that_end_long_before_their_number_are_broken() -> None:
    script = paged(ROWS, lambda talk: ((int(asked_query(talk)["p"]) - 1) * 2, 2), lambda page: {
        "data": {"pages": 50, "rows": page}})
    with pytest.raises(PagingBroken, match="page 4 of 50 holds nothing"):
        read({"/api/list": script}, **options(total="", pages="data.pages"))


def test_a_total_that_only_the_first_page_states_holds() -> None:
    script = sequence(json_answer({"data": {"total": 5, "rows": ROWS[:2]}}), *(
        json_answer({"data": {"rows": ROWS[start:start + 2]}}) for start in (2, 4)))
    reading = read({"/api/list": script}, **options())
    assert (reading.keys, reading.listing, len(reading.asked)) == (list("abcde"), Listing(declared=5), 3)


@pytest.mark.parametrize("wrapped", ["callback({});", "/**/ jQuery_1({})"])
def test_json_in_the_parentheses_of_a_function_is_read(wrapped: str) -> None:
    body = json.dumps({"data": {"total": 1, "rows": ROWS[:1]}})
    assert read({"/api/list": answer(wrapped.format(body) if "{}" in wrapped else body)}, **options()).keys == ["a"]


def test_json_that_is_the_text_of_a_json_string_is_read() -> None:
    body = json.dumps(json.dumps({"data": {"total": 1, "rows": ROWS[:1]}}))
    assert read({"/api/list": answer(body)}, **options()).keys == ["a"]


def test_a_total_above_what_comes_is_left_to_the_pipeline_to_judge() -> None:
    reading = read({"/api/list": listing(ROWS, total="7")}, **options())
    assert (len(reading.keys), reading.listing.declared, len(reading.asked)) == (5, 7, 4)


def test_a_refusal_in_a_good_answer_is_an_error_with_the_portals_words() -> None:
    given = options(success={"code": 200}, message="msg")
    with pytest.raises(PortalAnsweredError) as caught:
        read({"/api/list": json_answer({"code": 500, "msg": "请先登录"})}, **given)
    assert (caught.value.detail, caught.value.seen) == ("code is 500, not 200", "请先登录")


def test_records_of_several_lists_are_joined_and_their_totals_added() -> None:
    other = [{"编号": "z", "标题": "接口"}]
    lists = {"all": LIST, "interfaces": LIST | {"path": "api/other"}, "gone": LIST | {"path": "x", "left_out": True}}
    reading = read({"/api/list": listing(ROWS), "/api/other": listing(other)}, listings=lists, crosswalk=CROSSWALK)
    assert (reading.keys, reading.listing.declared) == (list("abcdez"), 6)


def test_a_record_is_the_same_bytes_whatever_the_order_of_its_members() -> None:
    turned = [dict(reversed(row.items())) for row in ROWS]
    one, other = (read({"/api/list": listing(rows)}, **options()) for rows in (ROWS, turned))
    assert [raw.body for raw in one.raws] == [raw.body for raw in other.raws]


def detailed() -> dict[str, Any]:
    keys = {name: f"{'list' if name == 'source_key' else 'detail'}.{path}" for name, path in CROSSWALK.items()}
    return options(detail=DETAIL, newest_first="更新时间") | {"crosswalk": keys, "native": "detail"}


def details(rows: list[dict[str, Any]]) -> Script:
    return one_of({row["编号"]: row for row in rows}, lambda talk: asked_query(talk)["id"], lambda one: {"data": one})


def test_a_detail_that_is_gone_leaves_its_dataset_listed_and_unusable() -> None:
    reading = read({"/api/list": listing(ROWS), "/api/show": details(ROWS[1:])}, **detailed())
    assert reading.keys == list("bcde")
    assert [(issue.code, issue.source_key) for issue in told(reading)] == [
        ("record.not-usable", None), ("record.title-missing", "a"),
    ]
    assert len(reading.raws) == reading.listing.declared == 5


def test_a_portal_whose_details_all_fail_is_reported_and_not_imported() -> None:
    rows = [{"编号": str(number), "标题": "x", "更新时间": "2024-01-01"} for number in range(30)]
    error = refused({"/api/list": listing(rows), "/api/show": json_answer({"data": None})}, **detailed())
    assert re.sub(r"\d+ more", "n more", error.detail) == (
        "none of the first 5 records is a dataset (record.title-missing): data is no object; "
        "nobody decided about list.更新时间, list.标题; "
        "no title at detail.标题, detail.资源名称, detail.数据集名称, detail.目录名称 and n more"
    )


def test_details_that_fail_in_the_middle_for_good_end_the_run() -> None:
    rows = [{"编号": f"{number:02}", "标题": "x", "更新时间": "2024-01-01"} for number in range(40)]
    with pytest.raises(PortalAnsweredError):
        read({"/api/list": listing(rows), "/api/show": details(rows[:20])}, **detailed())


def by_type(**changes: Any) -> dict[str, Any]:
    calls_by_type = {
        "api": {"path": "api/interface", "query": {"id": "{编号}"}, "record": "service"},
        "data": {"path": "api/set", "query": {"id": "{编号}"}, "record": "data"},
    }
    listings = {"all": LIST | {"detail_by": "类型", "details": calls_by_type} | changes}
    return detailed() | {"listings": listings}


def of_types(*types: str) -> list[dict[str, Any]]:
    return [row | {"类型": type} for row, type in zip(ROWS, types, strict=False)]


def test_what_a_record_says_it_is_decides_where_it_is_asked_for_and_where_its_answer_stands() -> None:
    rows = of_types("API", "DATA", "api")
    shown = one_of({row["编号"]: row for row in rows}, lambda talk: asked_query(talk)["id"], lambda one: {"service": one})
    reading = read({"/api/list": listing(rows), "/api/interface": shown, "/api/set": details(rows)}, **by_type())
    assert (reading.keys, told(reading)) == (list("abc"), [])
    assert [path for path in reading.asked if "list" not in path] == [
        "/api/interface?id=a", "/api/set?id=b", "/api/interface?id=c",
    ]


def test_a_record_of_a_type_nobody_described_is_listed_and_told_and_ends_nothing() -> None:
    rows = of_types("DATA", *["APP"] * 3, "DATA")
    reading = read({"/api/list": listing(rows), "/api/set": details(rows)}, **by_type())
    assert reading.keys == ["a", "e"]
    assert [(issue.code, issue.detail, issue.seen) for issue in told(reading)[::2]] == [
        ("record.not-usable", "类型 says none of api, data", "'APP'")] * 3
    assert [(issue.code, issue.source_key) for issue in told(reading)[1::2]] == [
        ("record.title-missing", id) for id in "bcd"]


def test_an_object_in_a_form_is_sent_as_the_json_text_of_it() -> None:
    sent: list[dict[str, str]] = []

    def script(talk: Talk) -> None:
        sent.append(asked_form(talk))
        listing_answer = {"data": {"total": 1, "rows": ROWS[:1]}}
        json_answer(listing_answer)(talk)

    body = {"postData": {"q": "", "page": {"number": "{page}", "size": "{size}"}}, "n": "{size}"}
    read({"/api/list": script}, **options(method="POST", encoding="form", body=body, query={}))
    assert sent == [{"postData": '{"q":"","page":{"number":1,"size":2}}', "n": "2"}]


def test_an_incremental_run_asks_for_no_detail_and_no_page_older_than_since() -> None:
    since = datetime(2024, 1, 8, 12, tzinfo=UTC)
    reading = read({"/api/list": listing(ROWS), "/api/show": details(ROWS)}, since=since, **detailed())
    # A day before since still counts: many portals give the day alone. The second page begins with the 7th.
    assert (reading.keys, reading.listing) == (["a", "b"], Listing(partial=True))
    assert [path.split("?")[0] for path in reading.asked] == ["/api/list", "/api/show", "/api/show", "/api/list"]


def test_a_list_in_another_order_is_read_whole_and_only_what_changed_is_asked_for() -> None:
    rows = [ROWS[4], ROWS[0], ROWS[3], ROWS[1], ROWS[2]]
    since = datetime(2024, 1, 8, 12, tzinfo=UTC)
    reading = read({"/api/list": listing(rows), "/api/show": details(ROWS)}, since=since, **detailed())
    assert (reading.keys, reading.listing) == (["a", "b"], Listing(declared=5, partial=True))
    assert [path.split("?")[0] for path in reading.asked].count("/api/list") == 3
    assert [(issue.code, issue.field) for issue in told(reading)] == [("listing.order-ignored", "更新时间")]


def test_a_record_without_its_moment_may_have_changed_and_ends_nothing() -> None:
    rows = [ROWS[0], {"编号": "x", "标题": "无日期", "更新时间": "暂无"}, *ROWS[1:]]
    since = datetime(2024, 1, 9, 12, tzinfo=UTC)
    reading = read({"/api/list": listing(rows), "/api/show": details(rows)}, since=since, **detailed())
    assert reading.keys == ["a", "x"]
    assert len(reading.raws) == 2 and reading.listing.partial


def test_days_and_moments_of_one_list_may_differ_by_a_day_without_being_another_order() -> None:
    rows = [row | {"更新时间": moment} for row, moment in zip(
        ROWS, ("2024-01-09", "2024-01-09 15:00", "2024-01-08", "2024-01-05", "2024-01-05"), strict=True)]
    since = datetime(2024, 1, 8, 12, tzinfo=UTC)
    reading = read({"/api/list": listing(rows), "/api/show": details(rows)}, since=since, **detailed())
    assert (reading.keys, told(reading), reading.listing) == (["a", "b", "c"], [], Listing(partial=True))


def test_the_portals_keys_are_not_sent_to_another_host_a_record_names() -> None:
    sent: list[str | None] = []

    def show(talk: Talk) -> None:
        sent.append(talk.seen.headers.get("appcode"))
        json_answer({"data": ROWS[0]})(talk)

    def first(other: Callable[[], str]) -> Script:
        return lambda talk: json_answer({"data": {"total": 1, "rows": [ROWS[0] | {"url": other()}]}})(talk)

    with HostileServer({"/api/show": show}) as elsewhere:
        scripts = {"/api/list": first(lambda: f"{elsewhere.url}/api/show"), "/api/show": show}
        given = detailed() | {"headers": {"appCode": "geheim"}}
        given["listings"]["all"]["detail"] = {"path": "{url}", "record": "data"}
        assert read(scripts, **given).keys == ["a"]
    assert sent == [None]


def test_a_placeholder_without_a_value_names_itself() -> None:
    given = options(query={"p": "{page}", "key": "{appCode}"})
    error = refused({"/api/list": listing(ROWS)}, **given)
    assert error.detail == "api/list: no value for appCode, neither in the record nor in options.variables"


@pytest.mark.parametrize("given,said", [
    ({"family": "athene"}, "options.family is one of athena"),
    ({"family": "jdop"}, "the family jdop is of kind htmltable"),
    ({"familly": "athena"}, "options.familly is none of"),
    ({"family": "athena", "listings": {"datasets": {"pathh": "x"}}}, "`pathh`"),
    ({"listings": {"all": LIST | {"detail_by": "类型"}}}, "options.listings.all: detail_by and details need each other"),
    ({"codes": {"frequencies": {"4": "mensual"}}}, "options.codes.frequencies: 'mensual' is no code"),
])
def test_a_source_that_cannot_be_meant_is_refused_when_its_file_is_read(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceInvalid, match=said.replace("(", r"\(")):
        source_at("http://127.0.0.1/", "jsonapi", **given)


def test_a_source_may_change_single_members_of_its_family_and_its_codes() -> None:
    rows = [{"iid": "1"}]
    detail = {"data": {"title": "公交", "updateFreq": 4, "openCond": "7"}}
    reading = read(
        {"/neu/page": json_answer({"data": {"total": 1, "rows": rows}}),
         "/athena/catalog/getDetails": json_answer(detail)},
        family="athena", listings={"datasets": {"path": "neu/page"}},
        codes={"frequencies": {"4": "biennial"}, "openness": {"7": "denied"}},
    )
    (one,) = reading.datasets
    assert (one.frequency, one.openness, one.openness_raw) == ("biennial", "denied", "7")


def test_html_in_place_of_json_is_reported() -> None:
    assert "HTML" in refused({"/api/list": answer("<html><body>维护中</body></html>")}).detail


def test_the_address_of_a_detail_is_quoted_and_one_that_is_whole_is_taken_as_it_is() -> None:
    values = {"id": "307/1 a", "url": "https://example.cn/x?y=1"}.__getitem__
    assert calls.address("show/{id}/", values) == "show/307%2F1%20a/"
    assert calls.address("{url}", values) == "https://example.cn/x?y=1"
