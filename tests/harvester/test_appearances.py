"""Which entries are one dataset: titles taken apart, pairs, clusters; real words of real portals."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import schemas
from harvester import sameness, titles
from harvester.appearances import OPERATOR, appearances
from harvester.departments import resolve
from harvester.identity import dataset_id, publisher_id
from harvester.regions import locate
from portal.catalog.appearances import Appearance, Decision, Verdict
from portal.catalog.model import Column, Dataset, Distribution, Publisher
from tests.fixture_datasets import rows
from tests.fixtures import needs_fixtures

JUDGED = Path(__file__).with_name("appearances_judged.csv")


def dataset(source: str, region: str | None, title: str, office: str | None, **fields: Any) -> tuple[Dataset, str | None]:
    """A dataset as the pipeline makes it of a portal's record, and its portal's region."""
    key = str(fields.pop("key", f"{title} {office}"))
    body = None if office is None else resolve(office, region)
    located = locate(region, fields.pop("region", None), body.region if body else None, title)
    publisher = None if office is None else Publisher(
        id=publisher_id(source, None, office),
        name=office,
        functions=body.functions if body else (),
        department=body.id if body else None,
    )
    made = Dataset(
        id=dataset_id(source, key), source_id=source, source_key=key, title=title, publisher=publisher,
        region=located.code if located else None,
        region_inferred_from=located.inferred_from if located else None,
        **fields,
    )
    return made, region


def together(*given: tuple[Dataset, str | None], decisions: tuple[Decision, ...] = ()) -> list[Appearance]:
    traits = {its.id: sameness.traits(its, region) for its, region in given}
    keys = {its.id: sameness.keys(its, traits[its.id]) for its, _ in given}
    return appearances(traits, keys, decisions)


def reasons(*given: tuple[Dataset, str | None]) -> list[str | None]:
    return [one.reason for one in together(*given)]


@pytest.mark.parametrize("title,within,office,core,period", [
    ("市体育局_市级体育类民办非企业单位", "320300", "徐州市体育局", "市级体育类民办非企业单位", ""),
    ("徐州市免费婚检服务机构信息表", "320300", "徐州市卫生健康委员会", "免费婚检服务机构", ""),
    ("市卫健委_徐州市免费婚检服务机构信息表", "320300", "徐州市卫生健康委员会", "免费婚检服务机构", ""),
    ("农机产品质量投诉机构一览表_可开放", "320900", "盐城市农业农村局", "农机产品质量投诉机构一览表", ""),
    ("2021年1-12月实际到帐外资统计信息", "321300", "宿迁市统计局", "实际到帐外资统计", "2021|1-12"),
    ("公告臺灣花蓮地方法院104年度預算案(xml)", "710000", "臺灣花蓮地方法院", "公告台湾花莲地方法院预算案", "104"),
    ("江苏省徐州市沛县停车场信息", "320300", None, "停车场", ""),
    ("江苏省停车场信息", "320300", None, "江苏省停车场", ""),
    ("收據分類統計表10703", "710000", "苗栗縣政府", "收据分类统计表10703", ""),
    ("Road accidents 2019", None, None, "roadaccidents", "2019"),
    ("2022年", "320300", None, "2022年", "2022"),
])
def test_a_title_is_taken_apart(
    title: str, within: str | None, office: str | None, core: str, period: str
) -> None:
    found = titles.take_apart(title, within, office)
    assert (found.core, found.period) == (core, period)


def test_the_same_title_and_department_at_city_and_province_are_one_and_the_city_stands_for_it() -> None:
    city = dataset("xuzhou", "320300", "市公安局_保安培训机构", "徐州市公安局")
    province = dataset("jiangsu", "320000", "保安培训机构", "徐州市公安局")
    found = together(province, city)
    assert [(one.dataset_id, one.canonical_id, one.reason) for one in found] == [
        (city[0].id, city[0].id, None), (province[0].id, city[0].id, "department"),
    ]


def test_a_renamed_department_is_the_same() -> None:
    assert reasons(
        dataset("huaian", "320800", "机动车驾驶培训机构信息", "淮安市交通运输局"),
        dataset("jiangsu", "320000", "机动车驾驶培训机构信息", "淮安市交通局"),
    ) == [None, "department"]


@pytest.mark.parametrize("one,other", [
    # City-relative names of two cities.
    (("guizhou-bijie", "520500", "公交线路", "市交通运输局"), ("guizhou-zunyi", "520300", "公交线路", "市交通运输局")),
    # A province's department and a county's.
    (("zhejiang", "330000", "定点医药机构信息", "省医保局"), ("quzhou", "330800", "定点医药机构信息", "龙游县-县医疗保障局")),
    # Some city's bureau, the province does not say which; and the one of a city.
    (("jiangsu", "320000", "法律援助机构信息", "市司法局"), ("xuzhou", "320300", "法律援助机构信息", "市司法局")),
    # Another year.
    (("xuzhou", "320300", "2021年部门决算", "徐州市财政局"), ("jiangsu", "320000", "2022年部门决算", "徐州市财政局")),
    # The province's, as a city lists it, and the city's.
    (("yancheng", "320900", "江苏省水利工程从业单位名录", "盐城市水利局"), ("jiangsu", "320000", "盐城市水利工程从业单位名录", "盐城市水利局")),
    # Two districts in one portal.
    (("aba", "513200", "理县驾驶证停止使用信息", "理县"), ("aba", "513200", "茂县驾驶证停止使用信息", "茂县")),
    # Two offices of one city.
    (("xuzhou", "320300", "行政许可信息公示", "徐州市公安局"), ("jiangsu", "320000", "行政许可信息公示", "徐州市教育局")),
    # Nobody says who, of which place.
    (("one", None, "Parking places", "Department of Transport"), ("two", None, "Parking places", "Department of Transport")),
    (("one", "GB", "Parking places", "Parking Services"), ("two", "GB", "Parking places", "Parking Services")),
])
def test_what_may_be_two_datasets_stays_two(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert together(dataset(*one), dataset(*other)) == []


def test_columns_that_differ_keep_two_apart() -> None:
    names = [("one", "320300", ("姓名", "电话", "地址")), ("two", "320000", ("年份", "数量", "金额"))]
    given = [
        dataset(source, region, "企业名录信息", "徐州市商务局", columns=tuple(Column(name=name) for name in columns))
        for source, region, columns in names
    ]
    assert together(*given) == []


def test_one_portal_that_lists_the_same_thing_twice_is_counted_once() -> None:
    twin = ("hangzhou", "330100", "桐庐县清廉组织成员信息", "桐庐县纪委")
    assert reasons(
        dataset(*twin, key="data", description="成员信息"), dataset(*twin, key="api", description="成员信息")
    ) == [None, "repeated"]


def test_tables_of_one_title_that_a_portal_describes_apart_stay_apart_with_their_copies() -> None:
    title, office = "天等县农业灾情信息（天等县洪涝灾害续报）", "天等县"
    given = [
        dataset(source, region, title, office, key=table, description=f"灾害统计表{table}")
        for source, region in (("chongzuo", "451400"), ("guangxi", "450000"))
        for table in ("三", "四")
    ]
    by_id = {its.id: its for its, _ in given}
    found = together(*given)
    # Each copy is with the table it describes; which of the two links made it does not matter.
    assert sorted((by_id[one.dataset_id].description, by_id[one.canonical_id].description) for one in found) == [
        ("灾害统计表三", "灾害统计表三"), ("灾害统计表三", "灾害统计表三"),
        ("灾害统计表四", "灾害统计表四"), ("灾害统计表四", "灾害统计表四"),
    ]


def test_a_title_that_names_its_place_is_the_same_whoever_publishes_it() -> None:
    assert reasons(
        dataset("taichung", "710000", "臺中市公有路外停車場總表", "臺中市政府交通局"),
        dataset("national", "710000", "臺中市公有路外停車場總表", "臺中市停車管理處‧停車規劃課"),
    ) == [None, "place"]


def test_an_identifier_links_across_titles_unless_a_portal_gives_it_to_several() -> None:
    uri = "https://data.example.org/id/dataset/42"
    one = dataset("federal", None, "Verkeersongevallen", None, identifiers=(uri,))
    other = dataset("region", None, "Accidents de la route", None, identifiers=(uri,))
    third = dataset("region", None, "Something else", None, identifiers=(uri,))
    assert reasons(one, other) == [None, "identifier"]
    assert together(one, other, third) == []


def test_one_address_of_the_data_and_one_title_link_where_nobody_says_who_publishes() -> None:
    file = Distribution(id="x", download_url="https://data.example.org/files/trees.csv")
    home = Distribution(id="x", download_url="https://data.example.org/")
    assert reasons(
        dataset("one", None, "Trees", None, distributions=(file,)),
        dataset("two", None, "Trees", None, distributions=(file,)),
    ) == [None, "address"]
    assert together(
        dataset("one", None, "Trees", None, distributions=(home,)),
        dataset("two", None, "Trees", None, distributions=(home,)),
    ) == []


def test_every_reason_is_explained_in_both_languages() -> None:
    terms = schemas.vocabulary("appearance_reasons").terms
    assert set(terms) == {*sameness.REASONS, sameness.AUTHORITY, OPERATOR}
    assert all(term.attributes["text_zh"] and term.attributes["text_en"] for term in terms.values())


def decision(number: int, one: Dataset, other: Dataset, verdict: Verdict) -> Decision:
    first, second = sorted((one.id, other.id))
    return Decision(number=number, first=first, second=second, verdict=verdict, by="审核员", at=datetime.now(UTC))


def test_what_a_person_took_apart_no_chain_of_links_brings_together() -> None:
    given = [
        dataset(source, region, "保安培训机构", "徐州市公安局")
        for source, region in (("xuzhou", "320300"), ("jiangsu", "320000"), ("china", "100000"))
    ]
    one, other, third = (its for its, _ in given)
    found = together(*given, decisions=(decision(1, one, third, Verdict.APART),))
    clusters: dict[str, set[str]] = {}
    for each in found:
        clusters.setdefault(each.canonical_id, set()).add(each.dataset_id)
    assert [len(cluster) for cluster in clusters.values()] == [2]
    assert all(not {one.id, third.id} <= cluster for cluster in clusters.values())


def test_what_a_person_put_together_is_one_and_says_so() -> None:
    given = [dataset("a", "330100", "公交线路", "市交通运输局"), dataset("b", "330200", "地铁线路", "市轨道集团")]
    found = together(*given, decisions=(decision(1, given[0][0], given[1][0], Verdict.TOGETHER),))
    assert sorted(one.reason or "" for one in found) == ["", "operator"]


def test_of_words_that_contradict_one_another_the_newer_holds() -> None:
    given = [dataset(source, "330100", title, None) for source, title in (("a", "甲"), ("b", "乙"), ("c", "丙"))]
    a, b, c = (its for its, _ in given)
    said = (
        decision(3, a, b, Verdict.TOGETHER), decision(2, b, c, Verdict.TOGETHER), decision(1, a, c, Verdict.APART),
    )
    assert {one.dataset_id for one in together(*given, decisions=said)} == {a.id, b.id, c.id}
    newest_apart = (decision(4, a, c, Verdict.APART), *said[:2])
    assert {one.dataset_id for one in together(*given, decisions=newest_apart)} == {a.id, b.id}


def places(*given: tuple[Dataset, str | None]) -> list[tuple[str, str, str] | None]:
    found = []
    for its, region in given:
        functions = its.publisher.functions if its.publisher else ()
        place = sameness.place_in_family(sameness.traits(its, region), functions)
        found.append(None if place is None else (place.family, place.period, place.area))
    return found


def test_a_series_cut_into_years_and_districts_is_a_family() -> None:
    one, other, third, stranger = places(
        dataset("yibin", "511500", "江安县2021年机动车保有量", "江安县公安局"),
        dataset("yibin", "511500", "江安县2022年机动车保有量", "江安县公安局"),
        dataset("yibin", "511500", "长宁县2021年机动车保有量", "长宁县公安局"),
        dataset("chengdu", "510100", "2021年机动车保有量", "成都市公安局"),
    )
    assert one and other and third and stranger
    assert one[0] == other[0] == third[0] != stranger[0]
    assert [place[1:] for place in (one, other, third)] == [
        ("2021", "511523"), ("2022", "511523"), ("2021", "511524"),
    ]


def test_districts_of_a_municipality_are_a_family_and_years_of_a_publisher_abroad() -> None:
    one, other, early, late, elsewhere = places(
        dataset("beijing", "110000", "朝阳区停车场信息", "朝阳区城市管理委员会"),
        dataset("beijing", "110000", "海淀区停车场信息", "海淀区城市管理委员会"),
        dataset("leeds", "GB", "Road accidents 2019", "Leeds City Council"),
        dataset("leeds", "GB", "Road accidents 2020", "Leeds City Council"),
        dataset("york", "GB", "Road accidents 2020", "Leeds City Council"),
    )
    assert one and other and early and late and elsewhere
    assert one[0] == other[0] and one[2] != other[2]
    assert early[0] == late[0] != elsewhere[0]


@pytest.fixture(scope="module")
def canonical() -> Mapping[tuple[str, int], str]:
    """The canonical id of every row of the fixtures, by file and row."""
    listed = rows()
    traits = {row.dataset.id: sameness.traits(row.dataset, row.region) for row in listed}
    keys = {row.dataset.id: sameness.keys(row.dataset, traits[row.dataset.id]) for row in listed}
    stands_for = {one.dataset_id: one.canonical_id for one in appearances(traits, keys, ())}
    return {(row.file, row.number): stands_for.get(row.dataset.id, row.dataset.id) for row in listed}


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize("sample,pairs", [("first", 461), ("second", 229)])
def test_links_are_as_precise_and_as_complete_as_the_method_says(
    canonical: Mapping[tuple[str, int], str], sample: str, pairs: int
) -> None:
    with JUDGED.open(encoding="utf-8") as file:
        judged = [row for row in csv.DictReader(file) if row["sample"] == sample]
    assert len(judged) == pairs
    found: Counter[tuple[bool, bool]] = Counter()
    for row in judged:
        if row["label"] != "unsure":
            first = canonical[row["first_file"], int(row["first_row"])]
            second = canonical[row["second_file"], int(row["second_row"])]
            found[row["label"] == "same", first == second] += 1
    right, missed, wrong = found[True, True], found[True, False], found[False, True]
    assert right / (right + wrong) >= 0.99
    assert right / (right + missed) >= 0.9


def test_a_portal_that_lists_one_thing_thousands_of_times_is_counted_once() -> None:
    twin = ("xuzhou", "320300", "行政处罚信息公示", "徐州市公安局")
    found = together(*(dataset(*twin, key=str(number), description="公示") for number in range(3000)))
    assert len(found) == 3000 and len({one.canonical_id for one in found}) == 1
