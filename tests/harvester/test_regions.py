"""Regions of datasets: what the record states, then the publisher, then the title, inside the source's own region."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import schemas
from harvester.crosswalk import to_dataset
from harvester.departments import Department, resolve
from harvester.regions import Located, by_code, former, is_in, locate, named, stated
from harvester.records import RawRecord
from portal.catalog.model import Source
from tests.chinese_portals import rows
from tests.fixtures import needs_fixtures

HANGZHOU, XUZHOU, NATION = "330100", "320300", "100000"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("330106", "330106"),
        ("350100000000", "350100"),
        ("330106005", "330106"),
        (" 110100 ", "110000"),
        ("450127", "450181"),
        ("330104", "330102"),
        ("522401", "520502"),
        ("330199", "330100"),
        ("33010", None),
        ("990101", None),
        ("杭州", None),
    ],
)
def test_a_code_of_any_length_leads_to_the_region_of_today(raw: str, code: str | None) -> None:
    assert by_code(raw) == code


@pytest.mark.parametrize(
    ("text", "within", "code"),
    [
        ("鼓楼区教育局", XUZHOU, "320302"),
        ("鼓楼区教育局", "350100", "350102"),
        ("鼓楼区教育局", None, None),
        ("鼓楼区教育局", HANGZHOU, None),
        ("朝阳区", "110000", "110105"),
        ("朝阳区", NATION, None),
        ("朝阳", "220000", "220104"),
        ("朝阳市", NATION, "211300"),
        ("海南统计", "460000", "460000"),
        ("海南州统计局", "630000", "632500"),
        ("海南统计", None, None),
        ("吉林市统计局", "220000", "220200"),
        ("吉林统计", "220000", "220000"),
        ("西湖区", HANGZHOU, "330106"),
        ("市中区", "370000", None),
        ("富阳市教育局", HANGZHOU, "330111"),
        ("三江新区", "511500", "X-511500-sanjiang"),
        ("南京海关", "320000", "320100"),
        ("合作社名单", HANGZHOU, None),
        ("东方学校", HANGZHOU, None),
        ("杭州市", "DE", None),
    ],
)
def test_a_name_several_places_bear_means_the_one_in_the_sources_own_region(
    text: str, within: str | None, code: str | None
) -> None:
    mention = named(text, within)
    assert (mention.code if mention else None) == code


def test_the_longest_name_is_taken() -> None:
    mention = named("黔南布依族苗族自治州生态环境局", None)
    assert mention is not None
    assert (mention.code, mention.length) == ("522700", 10)


@pytest.mark.parametrize(
    ("raw", "code"), [("上城区", "330102"), ("江干区", "330102"), ("330106000000", "330106"), ("某某风景区", None)]
)
def test_a_record_states_its_region_by_name_or_code(raw: str, code: str | None) -> None:
    assert stated(raw, HANGZHOU) == code


@pytest.mark.parametrize(
    ("statement", "publisher", "title", "located"),
    [
        (None, None, "学校名录", Located(XUZHOU, "source")),
        (None, None, "2022年沛县学校名录", Located("320322", "title")),
        (None, None, "【沛县】学校名录", Located("320322", "title")),
        (None, None, "徐州市云龙区_学校名录", Located("320303", "title")),
        (None, None, "关于沛县学校的名录", Located(XUZHOU, "source")),
        (None, None, "云龙湖水质", Located(XUZHOU, "source")),
        (None, None, "杭州市学校名录", Located(XUZHOU, "source")),
        (None, XUZHOU, "沛县学校名录", Located("320322", "title")),
        (None, "320322", "学校名录", Located("320322", "publisher")),
        (None, "320322", "云龙区学校名录", Located("320322", "publisher")),
        (None, "320000", "学校名录", Located(XUZHOU, "source")),
        (None, HANGZHOU, "学校名录", Located(XUZHOU, "source")),
        ("320321", "320322", "云龙区学校名录", Located("320321", None)),
    ],
)
def test_what_is_said_most_directly_decides(
    statement: str | None, publisher: str | None, title: str, located: Located
) -> None:
    assert locate(XUZHOU, statement, publisher, title) == located


def test_without_a_region_of_the_source_the_publishers_is_taken() -> None:
    assert locate(None, None, "320322", "学校名录") == Located("320322", "publisher")
    assert locate(None, None, None, "沛县学校名录") is None


@pytest.mark.parametrize("title", ["城区道路", "矿区道路", "郊区道路"])
def test_a_word_of_every_city_is_no_district_in_a_title(title: str) -> None:
    assert locate("140300", None, None, title) == Located("140300", "source")


@pytest.mark.parametrize("stated", ["330104", "330104000000", "江干区"])
def test_a_dataset_that_states_a_code_or_name_of_yesterday_is_of_todays_region(stated: str) -> None:
    """江干区 became part of 上城区 in 2021. The word itself stays in the raw record alone."""
    record = {"标题": "学校名录", "行政区划": stated}
    source = Source(id="hz", title="杭州", kind="csvlist", url="https://data.example.cn/", region="330100")
    dataset, issues = to_dataset(RawRecord(body=json.dumps(record).encode()), source)
    assert dataset is not None and issues == []
    assert (dataset.region, dataset.region_inferred_from, dataset.unread) == ("330102", None, {})


def test_a_region_that_is_stated_and_not_known_is_told_and_not_taken() -> None:
    record = {"标题": "学校名录", "行政区划": "某某新城"}
    source = Source(id="hz", title="杭州", kind="csvlist", url="https://data.example.cn/", region="330100")
    dataset, issues = to_dataset(RawRecord(body=json.dumps(record).encode()), source)
    assert dataset is not None
    assert (dataset.region, dataset.region_inferred_from, dataset.unread) == ("330100", "source", {"region": "某某新城"})
    assert [(issue.code, issue.field, issue.seen) for issue in issues] == [
        ("field.not-understood", "行政区划", "某某新城")
    ]


@pytest.mark.parametrize("within", ["AU-VIC", "GB"])
def test_abroad_no_chinese_name_is_looked_for(within: str) -> None:
    assert stated("杭州市", within) is None
    assert named("杭州市民政局", within) is None
    assert resolve("杭州市民政局", within) is None
    assert locate(within, None, None, "杭州市学校名录") == Located(within, "source")


@needs_fixtures
@pytest.mark.slow
def test_every_dataset_of_chinese_portals_has_a_region_in_its_sources_own() -> None:
    tiers: Counter[str] = Counter()
    told: Counter[str | None] = Counter()
    for row in rows():
        said = stated(row.district, row.source_region) if row.district else None
        publisher = resolve(row.publisher, said or row.source_region) or Department()
        located = locate(row.source_region, said, publisher.region, row.title)
        assert located is not None and is_in(located.code, row.source_region)
        tiers[schemas.vocabulary("regions").terms[located.code].attributes["level"]] += 1
        told[located.inferred_from] += 1
    assert tiers.total() == 45_042
    assert tiers["county"] >= 20_000
    assert told["publisher"] >= 15_000 and told["title"] >= 300


@pytest.mark.parametrize("raw,within,code", [
    ("110103", "110000", "110103"), ("110103001", None, "110103"), (" 350402000000 ", "350000", "350402"),
    ("崇文区", "110000", "110103"), ("塘沽区", "120000", "120107"), ("塘沽区", HANGZHOU, None), ("东城区", "110000", None),
    ("110101", "110000", None), ("崇文区教育局", "110000", None), ("990101", None, None), ("", None, None),
])
def test_a_region_that_is_no_more_is_known_by_its_code_and_its_name(raw: str, within: str | None, code: str | None) -> None:
    assert former(raw, within) == code


def placed(row: dict[str, str], region: str | None, **options: object) -> tuple[str | None, str | None, str | None]:
    source = Source(id="x", title="x", kind="csvlist", url="http://x/", region=region, options=dict(options))
    dataset, _ = to_dataset(RawRecord(body=json.dumps({"标题": "公交站点"} | row).encode()), source)
    assert dataset is not None
    return dataset.region, dataset.region_inferred_from, dataset.region_former


@pytest.mark.parametrize("row,region,expected", [
    ({"行政区划": "110103"}, "110000", ("110101", None, "110103")),
    ({"所属区县": "崇文区"}, "110000", ("110101", None, "110103")),
    ({"所属区县": "东城区"}, "110000", ("110101", None, None)),
    ({"提供单位": "塘沽区教育局"}, "120000", ("120116", "publisher", "120107")),
    ({"提供单位": "【塘沽区】教育局"}, "120000", ("120116", "publisher", "120107")),
    ({"提供单位": "塘沽区人民政府"}, "120000", ("120116", "publisher", "120107")),
    ({"提供单位": "滨海新区教育局"}, "120000", ("120116", "publisher", None)),
    ({"所属区县": "东城区", "提供单位": "崇文区教育局"}, "110000", ("110101", None, None)),
    ({"提供单位": "市教育局"}, "120000", ("120000", "source", None)),
    ({"所属区县": "不知何处", "行政区划": "110103"}, "110000", ("110101", None, "110103")),
])
def test_a_dataset_of_a_county_that_is_no_more_says_which_it_was_said_with(
    row: dict[str, str], region: str, expected: tuple[str | None, ...]
) -> None:
    assert placed(row, region) == expected


def test_a_region_at_a_path_of_the_sources_own_is_read_so_too() -> None:
    assert placed({"地点": "110103"}, "110000", crosswalk={"region": "地点"}) == ("110101", None, "110103")
