"""One dataset's page: what the portal said, what it left out, what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from portal.catalog.links import Settled
from portal.catalog.model import Change, ChangeKind, Dataset, Distribution, Link, LinkState, Outcome, Publisher
from portal.catalog.store import Catalog
from portal.scorecard.evidence import CHECKS
from portal.scorecard.subjects import Subject
from portal.scorecard.verdicts import Verdict
from portal.web.citations import bibtex, gb_t_7714
from portal.web.timeline import Difference, timeline
from portal.web.timeliness import Standing, Timeliness, timeliness
from tests.catalogs import filled, record
from tests.portal.web.town import client_of, dataset_of, page, says, words

WATER = f"/zh/datasets/{dataset_of('1')}"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def facts(client: FlaskClient, path: str) -> dict[str, str]:
    (found,) = page(client, path).xpath("//dl[@class='facts-list']")
    return dict(zip(map(words, found.xpath("dt")), map(words, found.xpath("dd")), strict=True))


def test_what_the_portal_said_is_shown_with_what_we_read_in_it(client: FlaskClient) -> None:
    shown = facts(client, WATER)
    assert shown["发布部门"] == "杭州市水务局"
    assert shown["地区"] == "杭州市 （按来源平台推定）"
    assert shown["主题"] == "生态环境 原文：生态环保"
    assert shown["时间范围"] == "2020-01-01 至 今"
    assert shown["更新频率"] == "每月 晚了 34 天"
    assert shown["开放类型"] == "有条件开放 实名认证"
    assert shown["来源"] == "杭州市公共数据开放平台 原平台编号 1"


def test_a_region_said_by_a_county_that_is_no_more_names_both(catalog: Catalog) -> None:
    filled(catalog, record("1", region="110101", region_former="110103"))
    client = client_of(catalog)
    assert facts(client, f"/zh/datasets/{dataset_of('1')}")["地区"] == "东城区 （原文用的是已撤销的崇文区，代码 110103）"
    assert facts(client, f"/en/datasets/{dataset_of('1')}")["Region"].endswith(
        "(said as Chongwen District, code 110103, which is no more)")


def test_what_the_portal_did_not_say_is_called_so_and_nothing_else(client: FlaskClient) -> None:
    shown = facts(client, f"/zh/datasets/{dataset_of('bare')}")
    silent = ("发布部门", "地区", "主题", "更新频率", "更新日期", "开放类型", "许可")
    assert {shown[name] for name in silent} == {"平台未说明"}
    text = says(client, f"/en/datasets/{dataset_of('bare')}")
    assert "The portal gives no description." in text and "The portal lists no resource." in text
    assert "N/A" not in text and "None" not in text


def test_resources_say_their_health_in_words(client: FlaskClient) -> None:
    rows = page(client, WATER).xpath("//table[@class='resources']/tbody/tr")
    assert [[words(cell) for cell in row.xpath("td")] for row in rows] == [
        ["水质.csv", "CSV", "34.6 kB", "尚未检查", "下载 水质.csv"],
        ["资源 2", "奇怪的格式", "平台未说明", "没有可用的链接", ""],
    ]


def health_of(catalog: Catalog, link: Link) -> tuple[str, str]:
    """What the page says of a resource whose address is known so, in Chinese and English."""
    given = Distribution(id="1", title="file", download_url=link.url, format="csv")
    filled(catalog, record("1", distributions=(given,)))
    catalog.links.catch_up()
    (claim,) = catalog.links.claim(1, NOW, host_s=60, address_s=60).claims
    settled = Settled(
        address=claim.address, link=link, failing=None, due=NOW, host_free=NOW, host_failures=0, host_answered=True
    )
    catalog.links.settle([settled], NOW)
    client = client_of(catalog)
    path = f"/datasets/{dataset_of('1')}"
    shown = [page(client, f"/{tongue}{path}").xpath("//table[@class='resources']//td[4]")[0] for tongue in ("zh", "en")]
    return words(shown[0]), words(shown[1])


def test_a_checked_resource_says_when_and_what_came(catalog: Catalog) -> None:
    checked = datetime.now(UTC) - timedelta(days=3)
    link = Link(url="https://a.example/1.csv", state=LinkState.AVAILABLE, since=checked, checked=checked)
    assert health_of(catalog, link) == ("可访问，3天前检查", "Available, checked 3 days ago")


def test_a_page_in_place_of_a_file_is_called_that(catalog: Catalog) -> None:
    checked = datetime.now(UTC) - timedelta(days=3)
    link = Link(
        url="https://a.example/1.csv",
        state=LinkState.UNKNOWN,
        since=checked,
        checked=checked,
        status=200,
        cause="link.page-not-file",
        is_error_page=True,
    )
    assert health_of(catalog, link) == (
        "给出的是网页而不是文件，3天前检查",
        "A web page in place of the file, checked 3 days ago",
    )


def test_a_gone_resource_says_since_when_and_why(catalog: Catalog) -> None:
    link = Link(
        url="https://a.example/1.csv",
        state=LinkState.GONE,
        since=datetime(2026, 3, 10, 4, tzinfo=UTC),
        checked=datetime.now(UTC) - timedelta(days=2),
        last_available=datetime(2026, 1, 2, 4, tzinfo=UTC),
        status=404,
        cause="link.not-found",
    )
    assert health_of(catalog, link) == (
        "2026年3月10日起失效，2天前检查找不到文件最后一次可访问：2026年1月2日",
        "Gone since 10 Mar 2026, checked 2 days agothe file was not foundlast available 2 Jan 2026",
    )


def test_a_field_leads_to_the_other_datasets_that_have_it(client: FlaskClient) -> None:
    (link,) = page(client, WATER).xpath("//table[@class='fields']//a[text()='ph' or span='ph']/@href")
    assert link == "/zh/datasets?field=ph"
    assert "1 个数据集" in says(client, link)


def test_a_withdrawn_dataset_keeps_its_page_and_says_when_and_why(client: FlaskClient) -> None:
    text = says(client, f"/en/datasets/{dataset_of('gone')}", 410)
    assert "This dataset was withdrawn. Withdrawn on " in text
    assert "The portal says that it withdrew it. Below is what was last harvested." in text
    assert "数据集 gone" in text


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("late", "The portal’s list lacks it at the moment."),
        ("broken", "The portal’s record cannot be used at the moment."),
    ],
)
def test_a_dataset_that_is_not_well_says_so(client: FlaskClient, key: str, said: str) -> None:
    assert said in says(client, f"/en/datasets/{dataset_of(key)}")


def test_history_tells_what_changed_with_before_and_after(client: FlaskClient) -> None:
    newest, oldest = page(client, WATER).xpath("//ol[@class='timeline']/li")
    assert "更新：更新频率" in words(newest) and "收录" in words(oldest)
    assert [words(one) for one in newest.xpath(".//dd/*")] == ["annual", "monthly"]


def test_what_is_wrong_with_the_record_comes_with_its_cure(client: FlaskClient) -> None:
    (issue,) = page(client, WATER).xpath("//ul[@class='issues']/li")
    assert words(issue).startswith("字段 frequency 的值“逢年过节”无法识别 编号 1 怎么办：已保留原文")


def test_the_raw_record_is_there_as_the_portal_gave_it(client: FlaskClient) -> None:
    (raw,) = page(client, WATER).xpath("//pre[@lang='']")
    assert raw.text == '{\n  "id": "1"\n}'


def test_a_slug_is_decoration_keeps_chinese_and_redirects(client: FlaskClient) -> None:
    response = client.get(f"{WATER}/an-old-title")
    assert response.status_code == 301
    assert unquote(response.location) == f"{WATER}/饮用水水源地水质监测"
    assert client.get(response.location).status_code == 200
    assert page(client, response.location).xpath("//link[@rel='canonical']/@href") == [
        f"http://localhost/datasets/{dataset_of('1')}"
    ]


@pytest.mark.parametrize(
    "path", ["/datasets/nosuch", "/datasets/nosuch/slug", "/datasets/%2e%2e%2fetc", "/datasets/" + "x" * 3000]
)
def test_a_dataset_that_never_was_is_no_page(client: FlaskClient, path: str) -> None:
    page(client, path, 404)


def test_the_lasting_address_is_the_installations_whatever_host_was_asked(town: Catalog) -> None:
    client = client_of(town, base_url="https://data.example.cn")
    (canonical,) = page(client, WATER).xpath("//link[@rel='canonical']/@href")
    assert canonical == f"https://data.example.cn/datasets/{dataset_of('1')}"


def dataset(**fields: Any) -> Dataset:
    return record("x", **fields).dataset


@pytest.mark.parametrize(
    ("frequency", "age_days", "standing"),
    [
        ("monthly", 31, Standing(Timeliness.ON_TIME)),
        ("monthly", 33.4, Standing(Timeliness.ON_TIME)),
        ("monthly", 64.5, Standing(Timeliness.LATE, 34)),
        ("daily", 1.9, Standing(Timeliness.ON_TIME)),
        ("daily", 2.9, Standing(Timeliness.ON_TIME)),
        ("daily", 3.5, Standing(Timeliness.LATE, 2)),
        ("continuous", 1.5, Standing(Timeliness.ON_TIME)),
        ("irregular", 5000, Standing(Timeliness.NO_PERIOD)),
        ("a-code-of-tomorrow", 1, Standing(Timeliness.NO_PERIOD)),
        (None, 5000, Standing(Timeliness.NOT_DECLARED)),
        ("monthly", None, Standing(Timeliness.NO_DATE)),
        ("monthly", -3, Standing(Timeliness.ON_TIME)),
    ],
)
def test_timeliness_holds_a_dataset_to_the_frequency_it_declares(
    frequency: str | None, age_days: float | None, standing: Standing
) -> None:
    modified = None if age_days is None else NOW - timedelta(days=age_days)
    assert timeliness(dataset(frequency=frequency, modified=modified), NOW) == standing


@given(st.sampled_from(("daily", "weekly", "monthly", "annual", "continuous")), st.floats(0, 800))
def test_a_page_calls_late_what_the_scorecard_does(frequency: str, age_days: float) -> None:
    shown = dataset(frequency=frequency, modified=NOW - timedelta(days=age_days))
    asked = CHECKS["on-time"].of_dataset
    assert asked is not None
    passes = asked(Subject(dataset=shown, day=NOW), {}).verdict is Verdict.PASS
    assert (timeliness(shown, NOW).timeliness is Timeliness.ON_TIME) is passes


def test_nothing_is_called_late_for_the_days_on_which_its_source_could_not_be_read(catalog: Catalog) -> None:
    now = datetime.now(UTC)
    known = record("1", frequency="weekly", modified=now - timedelta(days=30))
    run = catalog.runs.get(filled(catalog, known))
    for read, said in ((now - timedelta(days=25), "按时更新"), (now, "晚了 23 天")):
        catalog.runs.save(replace(run, outcome=Outcome.COMPLETE, finished=read))
        assert said in says(client_of(catalog), f"/zh/datasets/{known.dataset.id}")


def test_the_date_of_the_data_counts_before_that_of_its_description() -> None:
    shown = dataset(frequency="daily", modified=NOW, data_modified=NOW - timedelta(days=10))
    assert timeliness(shown, NOW) == Standing(Timeliness.LATE, 9)


def test_gb_t_7714_leaves_out_what_was_not_said() -> None:
    water = Publisher(id="w", name="杭州市水务局")
    modified = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    assert gb_t_7714(dataset(title="水质", publisher=water, modified=modified), "https://x.cn/1", NOW) == (
        "杭州市水务局. 水质[DS/OL]. (2026-11-20)[2026-11-22]. https://x.cn/1."
    )
    assert gb_t_7714(dataset(title="水质"), "https://x.cn/1", NOW) == "水质[DS/OL]. [2026-11-22]. https://x.cn/1."


def test_bibtex_survives_what_tex_would_read() -> None:
    cited = bibtex(dataset(title="50% {of} A&B_1\\"), "https://x.cn/1", NOW)
    assert r"title = {{50\% \{of\} A\&B\_1\textbackslash{}}}," in cited
    assert "author" not in cited and "year" not in cited


def test_each_step_of_a_history_is_compared_with_the_next_one() -> None:
    def update(number: int, before: Dataset) -> Change:
        return Change(
            number=number,
            kind=ChangeKind.UPDATED,
            dataset_id="x",
            source_id="s",
            at=NOW,
            run_id=None,
            fields=("title", "keywords", "distributions"),
            before=before,
        )

    first, second, third = dataset(title="一"), dataset(title="二", keywords=("a", "b")), dataset(title="三")
    newest, older = timeline([update(2, second), update(1, first)], third)
    assert newest.differences[0] == Difference("title", "二", "三")
    assert older.differences == (Difference("title", "一", "二"), Difference("keywords", None, "a · b"))
