"""The families of portals whose records are pages: lists in HTML, HTML inside JSON, static files of addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from harvester import sourcefiles
from harvester.errors import PortalAnsweredError, PortalNotUnderstood, RobotsRefused, SourceInvalid
from harvester.records import Listing
from tests.harvester.family_portals import asked_form, asked_json, asked_query, html, paged, read
from tests.hostile import Script, Talk, answer, json_answer

IDS = [f"{number:032x}" for number in range(1, 24)]


def inspur_list(talk: Talk) -> None:
    page = int(asked_query(talk)["page"])
    rows = "".join(
        f"""<li><div class="cata-title"><a href="/city/catalog/{id}" target="_blank"> 公交 站点 </a></div>
        <div class="cata-information">来源部门：<span>某局</span></div>
        <div class="file-type"><ul><li class="xls active">XLS</li><li class="api">接口</li></ul></div></li>"""
        for id in IDS[10 * (page - 1):10 * page]
    )
    html(f"<ul class='cata-list'>{rows}</ul>")(talk)


INSPUR_PAGE = """
<ul class="d-title pull-left"><h4>公交站点</h4></ul>
<ul class="list-inline">
  <li>来源部门：<span class="text-primary">某市交通运输局</span></li>
  <li>重点领域：<span class="text-primary">交通运输</span></li>
  <li>发布时间：<span class="text-primary">2022-09-13</span></li>
  <li>更新时间：<span class="text-primary">2023-06-15
   09:30</span></li>
  <li>开放条件：<span class="text-primary">有条件开放</span></li>
</ul>
<li name="basicinfo"><table>
  <tr><td>数据量</td><td>19,701</td><td>所属行业</td><td>金融业</td></tr>
  <tr><td>更新频率</td><td>每年</td><td>部门电话</td><td>暂无</td></tr>
  <tr><td>标签</td><td>农、林、牧、渔业<br>站点</td></tr>
  <tr><td>描述</td><td>全市&nbsp;公交<script>alert(1)</script>站点 &lt;名称&gt;</td></tr>
</table></li>"""


def numbered(page: str, cell: str) -> Script:
    """A page in which ``@`` stands for a cell that no other page has: the address it is asked by."""
    return lambda talk: html(page.replace("@", cell.format(talk.seen.target.rpartition("/")[2])))(talk)


def inspur_page() -> Script:
    return numbered(INSPUR_PAGE.replace("</table>", "@</table>"), "<tr><td>版本</td><td>{}</td></tr>")


def test_the_inspur_portal_is_read_page_by_page_and_table_by_table() -> None:
    scripts: dict[str, Script] = {f"/city/catalog/{id}": inspur_page() for id in IDS}
    reading = read(scripts | {"/city/catalog/index": inspur_list}, "htmltable", base="/city/", family="inspur_portal")
    assert (reading.keys, reading.issues, reading.listing) == (IDS, [], Listing())
    pages = [path for path in reading.asked if "index" in path]
    assert pages == [f"/city/catalog/index?page={number}" for number in (1, 2, 3, 4)]
    first = reading.datasets[0]
    assert (first.title, first.publisher and first.publisher.name) == ("公交站点", "某市交通运输局")
    assert (first.openness, first.frequency, first.rows) == ("conditional", "annual", 19701)
    assert first.themes == ("transport",)
    assert first.modified is not None and first.modified.isoformat() == "2023-06-15T01:30:00+00:00"
    assert (first.keywords, first.description) == (("农、林、牧、渔业", "站点"), "全市 公交站点 <名称>")
    assert [d.format for d in first.distributions] == ["xls", "api"]
    assert first.contact is None
    assert first.landing_page is not None and first.landing_page.endswith(f"/city/catalog/{IDS[0]}")


def test_a_link_that_is_no_address_costs_its_record_and_not_the_run() -> None:
    def listing(talk: Talk) -> None:
        listed = IDS[:3] if asked_query(talk)["page"] == "1" else []
        links = ["http://[" if id == IDS[1] else f"/city/catalog/{id}" for id in listed]
        rows = "".join(f"<li><div class='cata-title'><a href='{link}'>公交</a></div></li>" for link in links)
        html(f"<ul class='cata-list'>{rows}</ul>")(talk)

    scripts: dict[str, Script] = {f"/city/catalog/{id}": inspur_page() for id in IDS}
    reading = read(scripts | {"/city/catalog/index": listing}, "htmltable", base="/city/", family="inspur_portal")
    assert reading.keys == [IDS[0], IDS[2]]
    assert [issue.code for issue in reading.issues] == ["record.not-usable", "record.key-missing"]


def test_jdop_hides_its_list_as_html_in_json() -> None:
    def listing(talk: Talk) -> None:
        asked = asked_form(talk)
        start = (int(asked["pageNumber"]) - 1) * int(asked["pageSize"])
        rows = "".join(
            f'<div class="search_result"><a href="../detail/data.do?iid={number}&amp;searchString=">公交</a></div>'
            for number in range(start + 1, min(23, start + 10) + 1)
        )
        json_answer({"data": f'<p>共<span class="onColor">23</span>条</p>{rows}'})(talk)

    def page(talk: Talk) -> None:
        html(f"""<span class="sjxqTit1">公交站点 {asked_query(talk)["iid"]}</span><div class="box1"><table>
        <tr style="display:none"><td>摘要：</td><td>隐藏</td></tr>
        <tr><td>摘要：</td><td>全市站点</td><td>标签：</td><td>信息、公交、-</td></tr>
        <tr><td>更新周期：</td><td>不定期（更新说明：暂无新业务数据产生）</td><td>资源格式：</td><td>数据库-mysql</td></tr>
        <tr><td>数源单位：</td><td>某局</td><td>开放条件：</td><td>用于数据校验</td></tr>
        <tr><td>联系方式：</td><td>暂无联系方式</td><td>数据容量：</td><td>564</td></tr></table></div>""")(talk)

    reading = read({"/jdop_front/channal/datapubliclist.do": listing, "/jdop_front/detail/data.do": page},
                   "htmltable", family="jdop")
    assert reading.keys == [str(number) for number in range(1, 24)]
    assert (reading.issues, reading.listing) == ([], Listing(declared=23))
    assert Counter(path.split("?")[0] for path in reading.asked) == {
        "/jdop_front/channal/datapubliclist.do": 3, "/robots.txt": 1, "/jdop_front/detail/data.do": 23
    }
    first = reading.datasets[0]
    assert (first.title, first.description, first.keywords) == ("公交站点 1", "全市站点", ("信息", "公交"))
    assert (first.frequency, first.openness, first.openness_condition) == ("irregular", None, "用于数据校验")
    assert ([d.format for d in first.distributions], first.contact, first.rows) == (["mysql"], None, None)
    assert first.landing_page is not None and "/jdop_front/detail/data.do?iid=1" in first.landing_page


def test_beijing_lists_addresses_of_pages_with_lines() -> None:
    page = numbered("""<div id="zydtCont1"><div class="sjdetails_cardmain_frame">资源名称：公交站点<br/>@
        资源摘要：全市：站点<br/>提供单位：某委员会<br/>更新频率：每月<br/>开放属性：无条件开放</div></div>""", "版本：{}<br/>")

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_form(talk)
        return (int(asked["curPage"]) - 1) * 10, 10

    def listing(talk: Talk) -> None:
        docs = [{"url": f"http://{talk.seen.host}/zyml/ajg/{number}.htm"} for number in range(23)]
        told = lambda page: {"page": {"countPage": 3}, "object": {"docs": page}}  # noqa: E731
        paged(docs, offset, told)(talk)

    scripts: dict[str, Script] = {f"/zyml/ajg/{number}.htm": page for number in range(23)}
    reading = read(scripts | {"/cms/web/search": listing}, "htmltable", family="beijing")
    assert [key.rpartition("/")[2] for key in reading.keys] == [f"{number}.htm" for number in range(23)]
    first = reading.datasets[0]
    assert (first.title, first.description, first.frequency, first.openness) == (
        "公交站点", "全市：站点", "monthly", "unconditional"
    )


def test_tianjin_is_two_static_lists() -> None:
    page = html("""<div class="title f-cb"><span>公交站点</span></div><div class="slidecont"><table>
        <tr><th>来源部门</th><td>某局</td><th>更新频率</th><td>每年</td></tr></table></div>""")
    reading = read({
        "/common/sjj.json": json_answer({"dataList": [{"href": "/sjyfw/sjj/a.htm", "documentType": "xlsx"}]}),
        "/common/sjjk.json": json_answer({"dataList": [{"href": "/sjyfw/sjj/b.htm"}]}),
        "/sjyfw/sjj/a.htm": page, "/sjyfw/sjj/b.htm": page,
    }, "htmltable", family="tianjin")
    assert reading.keys == ["/sjyfw/sjj/a.htm", "/sjyfw/sjj/b.htm"]
    assert [[d.format for d in one.distributions] for one in reading.datasets] == [["xlsx"], []]
    assert [one.publisher and one.publisher.name for one in reading.datasets] == ["某局", "某局"]


def test_dataservice_portals_are_asked_for_their_own_catalogue() -> None:
    page = numbered("""<h2 class="dt-name"><p>公交站点</p></h2><ul class="desc-list-info clearfix">@
        <li><span>提供方：</span><span>某局</span></li><li><span>数据主题：</span><span>交通运输</span></li></ul>
        <table class="table table-bordered"><tr><td>更新周期</td><td>每年</td></tr></table>""", "<li>版本：{}</li>")

    def told(rows: Sequence[Any]) -> Any:
        return {"result": {"pages": 3, "rows": rows}}

    def offset(talk: Talk) -> tuple[int, int]:
        asked = asked_json(talk)
        assert asked["codeId"] == "c0de"
        return (asked["page"] - 1) * asked["rows"], asked["rows"]

    rows = [{"id": str(number)} for number in range(23)]
    reading = read({"/portal/dataservice/getPage": paged(rows, offset, told), "/portal/service_detail": page},
                   "htmltable", family="dataservice", variables={"codeId": "c0de"})
    assert (len(reading.keys), reading.issues) == (23, [])
    assert (reading.datasets[0].frequency, reading.datasets[0].themes) == ("annual", ("transport",))


@pytest.mark.parametrize("page", [html("<p>系统升级</p>"), answer("{}")])
def test_a_list_page_without_rows_is_reported(page: Script) -> None:
    with pytest.raises(PortalNotUnderstood, match="no record at"):
        read({"/catalog/index": page}, "htmltable", family="inspur_portal")


def test_pages_of_another_design_are_no_half_import() -> None:
    scripts: dict[str, Script] = {f"/city/catalog/{id}": html("<h1>新版</h1>") for id in IDS}
    with pytest.raises(PortalNotUnderstood, match="none of the first 5 records"):
        read(scripts | {"/city/catalog/index": inspur_list}, "htmltable", base="/city/", family="inspur_portal")


def test_a_selector_that_is_none_is_refused_with_its_words() -> None:
    given: dict[str, Any] = {"listings": {"datasets": {"records": "li[["}}}
    with pytest.raises(SourceInvalid, match=r"li\[\["):
        read({"/catalog/index": html("<li>x</li>")}, "htmltable", family="inspur_portal", **given)


def inspur(robots: Script) -> dict[str, Script]:
    scripts: dict[str, Script] = {f"/city/catalog/{id}": inspur_page() for id in IDS}
    return scripts | {"/city/catalog/index": inspur_list, "/robots.txt": robots}


@pytest.mark.parametrize("rule,asked", [
    ("/city/catalog/index", ["/robots.txt"]),
    ("/city/catalog/index?page=", ["/robots.txt"]),
    (f"/city/catalog/{IDS[0]}", ["/robots.txt", "/city/catalog/index?page=1"]),
])
def test_n21_pages_that_robots_txt_forbids_are_not_asked_for(rule: str, asked: list[str]) -> None:
    scripts = inspur(answer(f"User-agent: *\nDisallow: {rule}\n"))
    seen: list[str] = []
    with pytest.raises(RobotsRefused) as refused:
        read(scripts, "htmltable", base="/city/", family="inspur_portal", seen=seen)
    assert (refused.value.code, seen) == ("portal.robots-refused", asked)
    assert refused.value.url is not None and rule in refused.value.url


def test_n21_the_rules_are_asked_for_once_and_only_where_a_page_is_scraped() -> None:
    allowed = inspur(answer("User-agent: *\nDisallow: /admin\n"))
    reading = read(allowed, "htmltable", base="/city/", family="inspur_portal")
    assert (reading.keys, reading.asked.count("/robots.txt")) == (IDS, 1)
    forbidding = answer("User-agent: *\nDisallow: /\n")
    rows = [{"iid": "1"}]
    interface = read({
        "/robots.txt": forbidding, "/athena/catalog/page": json_answer({"data": {"total": 1, "rows": rows}}),
        "/athena/catalog/getDetails": json_answer({"data": {"title": "公交"}}),
    }, family="athena")
    assert (interface.keys, "/robots.txt" in interface.asked) == (["1"], False)


def test_n21_rules_that_cannot_be_read_are_no_permission() -> None:
    with pytest.raises(PortalAnsweredError, match="status 500"):
        read(inspur(answer(status=500)), "htmltable", base="/city/", family="inspur_portal")


def test_n21_an_owner_who_permits_it_is_named_and_the_rules_are_not_asked_for() -> None:
    scripts = inspur(answer("User-agent: *\nDisallow: /\n"))
    reading = read(scripts, "htmltable", base="/city/", family="inspur_portal", permitted_by="某局，2026-03-01")
    assert (reading.keys, "/robots.txt" in reading.asked) == (IDS, False)
    with pytest.raises(sourcefiles.SourceInvalid, match="options.permitted_by says who permits it"):
        read(scripts, "htmltable", base="/city/", family="inspur_portal", permitted_by=True)
