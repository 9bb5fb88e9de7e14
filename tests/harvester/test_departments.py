"""Publisher strings: which body, of which place, with which function; nothing is believed that is not sure."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import schemas
from harvester.departments import Department, resolve
from tests.chinese_portals import rows
from tests.fixtures import needs_fixtures

HANGZHOU = "330100"
JUDGED = Path(__file__).with_name("publishers_judged.csv")
"""200 distinct publisher strings drawn by seed from the fixtures and judged by eye; empty = the name does not tell."""


def resolved(name: str, within: str | None = HANGZHOU) -> Department:
    found = resolve(name, within)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("杭州市市场监督管理局", "market"),
        ("市场监管局", "market"),
        ("市市场监管局", "market"),
        ("县市监局", "market"),
        ("市政府办", "government-office"),
        ("市府办", "government-office"),
        ("市政法委", "political-legal"),
        ("市政和园林管理局", "urban-management"),
        ("市容环境卫生管理局", "urban-management"),
    ],
)
def test_the_level_is_cut_off_only_where_no_word_begins_with_it(name: str, function: str) -> None:
    assert resolved(name).functions == (function,)


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("市市场监督管理局（市知识产权局）", ("market", "intellectual-property")),
        ("市商务局、市贸促会", ("commerce", "trade-promotion")),
        ("教育科技局", ("education", "science")),
        ("科技与大数据局", ("science", "data")),
        ("农业农村和水利局", ("agriculture", "water")),
        ("市发展和改革局（市人民防空办公室、市民防局））", ("development-reform", "civil-defence")),
        ("金海湖新区（毕节高新区）市政公用事业服务中心", ("urban-management",)),
        ("规划和自然资源局", ("natural-resources",)),
    ],
)
def test_a_name_for_several_functions_gives_them_all_the_main_one_first(name: str, functions: tuple[str, ...]) -> None:
    assert resolved(name, "520500").functions == functions


@pytest.mark.parametrize(
    ("before", "today"),
    [
        ("杭州市工商行政管理局", "杭州市市场监督管理局"),
        ("杭州市质量技术监督局", "杭州市市场监管局"),
        ("杭州市国土资源局", "杭州市规划和自然资源局"),
        ("杭州市环保局", "杭州市生态环境局"),
        ("杭州市卫生和计划生育委员会", "杭州市卫健委"),
        ("杭州市安全生产监督管理局", "杭州市应急管理局"),
        ("杭州市扶贫办", "杭州市农业农村局"),
        ("杭州市地方税务局", "国家税务总局杭州市税务局"),
        ("杭州市粮食局", "杭州市粮食和物资储备局"),
        ("杭州市法制办公室", "杭州市司法局"),
        ("中国银行保险监督管理委员会杭州监管分局", "国家金融监督管理总局杭州监管分局"),
        ("杭州市江干区教育局", "杭州市上城区教育局"),
        ("仙居县环境保护局", "台州市生态环境局仙居分局"),
    ],
)
def test_a_renamed_or_merged_department_is_the_one_of_today(before: str, today: str) -> None:
    within = "331000" if "仙居" in before else HANGZHOU
    assert resolved(before, within).id == resolved(today, within).id is not None


def test_the_word_a_reform_ended_is_kept() -> None:
    assert resolved("杭州市工商行政管理局").former == "工商行政管理"
    assert resolved("杭州市市场监督管理局").former is None


@pytest.mark.parametrize(
    ("name", "institution"),
    [
        ("杭州市教育局", "government_department"),
        ("中共杭州市委宣传部", "party_organ"),
        ("市委老干部局", "party_organ"),
        ("浙江省杭州市中级人民法院", "judicial"),
        ("市人民检察院", "judicial"),
        ("市人大常委会机关", "assembly"),
        ("市大数据中心", "public_institution"),
        ("杭州日报社", "public_institution"),
        ("杭州市教育考试院", "public_institution"),
        ("杭州师范大学", "university"),
        ("杭州图书馆", "library"),
        ("市档案馆", "archive"),
        ("市档案局", "government_department"),
        ("湿地博物馆", "museum"),
        ("市第一人民医院", "hospital"),
        ("浙江大学台州研究院", "research_institute"),
        ("市妇女联合会", "mass_organisation"),
        ("市科学技术协会", "mass_organisation"),
        ("团市委", "mass_organisation"),
        ("市软件行业协会", "industry_association"),
        ("区供电公司", "public_utility"),
        ("国网浙江省电力有限公司杭州供电分公司", "public_utility"),
        ("市公交集团", "public_utility"),
        ("市城投集团", "soe"),
        ("杭州顺达实业有限公司", "enterprise"),
        ("淳安县", "district_government"),
        ("西溪街道", "district_government"),
        ("三墩镇", "district_government"),
        ("杭州余杭经济技术开发区管理委员会", "district_government"),
        ("市国有资产监督管理委员会", "government_department"),
        ("来宾市工业园区管理委员会", "district_government"),
    ],
)
def test_the_institution_type_follows_from_the_name(name: str, institution: str) -> None:
    assert resolved(name).institution_type == institution


@pytest.mark.parametrize(
    ("name", "department"),
    [
        ("杭州市统计局", "330100.statistics"),
        ("市统计局", "330100.statistics"),
        ("滨江区综合行政执法局", "330108.urban-management"),
        ("市规划和自然资源局萧山分局", "330109.natural-resources"),
        ("【西湖区】区教育局", "330106.education"),
        ("桐庐县-县水利局", "330122.water"),
        ("国家统计局杭州调查队", "330100.statistical-survey"),
    ],
)
def test_a_department_is_its_region_and_its_function(name: str, department: str) -> None:
    assert resolved(name).id == department


@pytest.mark.parametrize(
    "name",
    ["区教育局", "县水利局", "林业局", "省财政厅", "市公安局交警支队", "市气象中心", "市第二中级人民法院", "市水务集团", "西溪街道"],
)
def test_what_is_no_authority_of_a_known_place_gets_no_identity(name: str) -> None:
    assert resolved(name).id is None


@pytest.mark.parametrize(
    "name", ["地区管理员", "公共服务基础库", "社会发展局", "经济发展局", "九管局", "综合体改科", "阿克米数据", "市监管办", "农业大学"]
)
def test_a_function_no_name_says_for_sure_is_not_guessed(name: str) -> None:
    found = resolve(name, HANGZHOU)
    assert found is None or found.functions == ()


@pytest.mark.parametrize("name,functions", [
    ("经开区", ("area-administration",)), ("工业园区", ("area-administration",)), ("自贸区", ("area-administration",)),
    ("临平经开区", ("area-administration",)), ("经开区数据资源局", ("data",)), ("杭州市柳东新区科技和大数据发展局", ("science", "data")),
    ("高新区管委会财政局", ("finance",)), ("柳东新区某某办", ()), ("经开区直机关事务管理局", ("government-affairs-administration",)),
])
def test_a_zone_that_no_table_has_is_one_and_its_departments_are_theirs(name: str, functions: tuple[str, ...]) -> None:
    """工业 in the name of a zone is no authority for industry; whose the departments are no name of a region says."""
    found = resolved(name) if functions else resolve(name, HANGZHOU)
    assert (found.functions if found is not None else ()) == functions
    assert found is None or found.id is None


@pytest.mark.parametrize("name", ["臺北市政府交通局", "教育局"])
def test_outside_the_mainland_nothing_is_resolved(name: str) -> None:
    assert resolve(name, "710000") is None


@pytest.mark.parametrize("name", ["Department of Transport", "", "Città di Torino", "文部科学省"])
def test_a_name_in_another_language_is_nobody_we_know(name: str) -> None:
    assert resolve(name, None) is None


def test_every_function_says_which_institution_has_it() -> None:
    types = schemas.vocabulary("institution_types").terms
    functions = schemas.vocabulary("department_functions").terms.values()
    assert [term.code for term in functions if term.attributes.get("institution") not in types] == []


def test_no_word_leads_to_two_functions() -> None:
    words = [
        word
        for term in schemas.vocabulary("department_functions").terms.values()
        for column in ("stems", "former")
        for word in term.attributes.get(column, "").split("|")
        if word
    ]
    assert sorted(words) == sorted(set(words))


def test_of_200_publishers_judged_by_eye_at_least_99_in_100_answers_are_right() -> None:
    with JUDGED.open(encoding="utf-8") as file:
        judged = list(csv.DictReader(file))
    answers = [(row, resolve(row["publisher"], row["source_region"]) or Department()) for row in judged]
    functions = [(row["function"], found.functions[0]) for row, found in answers if found.functions]
    types = [(row["institution_type"], found.institution_type) for row, found in answers if found.institution_type]
    assert len(judged) == 200
    assert len(functions) >= 190 and sum(said == truth for truth, said in functions) / len(functions) >= 0.99
    assert len(types) >= 190 and sum(said == truth for truth, said in types) / len(types) >= 0.99


@needs_fixtures
@pytest.mark.slow
def test_of_all_datasets_of_chinese_portals_function_and_type_are_known() -> None:
    found = [resolve(row.publisher, row.source_region) or Department() for row in rows()]
    assert len(found) == 45_042
    assert sum(bool(department.functions) for department in found) / len(found) >= 0.975
    assert sum(department.institution_type is not None for department in found) / len(found) >= 0.985
