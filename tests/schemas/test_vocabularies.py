"""The vocabularies hold together: codes, names, spellings and what the tables promise besides."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

import schemas

NAMES = sorted(
    path.name.removesuffix(".csv")
    for path in files("schemas").joinpath("vocabularies").iterdir()
    if path.name.endswith(".csv")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_code_is_a_word_an_address_can_carry(name: str) -> None:
    codes = schemas.vocabulary(name).terms
    assert [code for code in codes if not re.fullmatch(r"(?:X-)?[a-z0-9][a-z0-9._-]*|[A-Z]{2}(?:-[A-Z]{1,3})?", code)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_term_has_a_chinese_and_an_english_name(name: str) -> None:
    terms = schemas.vocabulary(name).terms.values()
    assert [term.code for term in terms if not (term.zh.strip() and term.en.strip())] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_terms_share_a_uri(name: str) -> None:
    uris = [term.uri for term in schemas.vocabulary(name).terms.values() if term.uri]
    assert len(uris) == len(set(uris))


@pytest.mark.parametrize("name", NAMES)
def test_a_code_leads_to_itself(name: str) -> None:
    vocabulary = schemas.vocabulary(name)
    assert [code for code in vocabulary.terms if vocabulary.resolve(code) != code] == []


def test_a_spelling_is_found_whatever_its_width_case_and_gaps() -> None:
    formats = schemas.vocabulary("formats")
    assert {formats.resolve(raw) for raw in ("ＣＳＶ", " csv ", "Comma-Separated  Values", '"CSV"')} == {"csv"}


@pytest.mark.parametrize(
    "address",
    [
        "https://creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org/licenses/by/4.0",
        "http://www.creativecommons.org/licenses/by/4.0/legalcode",
        "https://creativecommons.org/licenses/by/4.0/deed.pt_BR",
        "https://creativecommons.org/licenses/by/4.0/legalcode.zh-hans",
        "http://publications.europa.eu/resource/authority/licence/CC_BY_4_0",
        "CC-BY-4.0",
        "cc by 4.0",
    ],
)
def test_a_licence_is_the_same_under_every_address_it_has(address: str) -> None:
    assert schemas.vocabulary("licences").resolve(address) == "cc-by-4.0"


def test_a_licence_not_specified_is_not_open() -> None:
    licences = schemas.vocabulary("licences").terms
    assert licences["notspecified"].attributes["open"] == "no"
    assert {term.attributes.get("open") for term in licences.values()} == {"yes", "no", None}


def test_formats_say_yes_no_or_nothing_and_name_their_family() -> None:
    terms = schemas.vocabulary("formats").terms.values()
    answers = {term.attributes.get(flag) for term in terms for flag in ("machine_readable", "open")}
    families = {term.attributes["family"] for term in terms}
    files = {"table", "structured", "geographic", "document", "image", "media", "archive"}
    assert answers == {"yes", "no", None}
    assert families == files | {"api", "link", "database", "other"}


def test_frequencies_stand_from_the_shortest_to_the_longest() -> None:
    days = [
        float(term.attributes["days"])
        for term in schemas.vocabulary("frequencies").terms.values()
        if "days" in term.attributes
    ]
    assert days == sorted(days)
    assert days[0] == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("每年", "annual"),
        ("按年更新", "annual"),
        ("实时", "continuous"),
        ("小时级", "hourly"),
        ("每半月", "monthly-2"),
        ("半年", "annual-2"),
        ("归档不更新", "never"),
        ("自定义", "other"),
        ("不定期", "irregular"),
        ("‘每年’", "annual"),
        ("T+1", "daily"),
        ("分钟", "1min"),
        ("按工作日", "weekly-5"),
        ("历史归档", "never"),
        ("每15分鐘", "15min"),
        ("不再更新數據", None),
        ("R/P3M", "quarterly"),
        ("R/P0.5M", "monthly-2"),
        ("eventual", "irregular"),
        ("annuelle", "annual"),
        ("bimensuel", "monthly-2"),
        ("fortnightly", "biweekly"),
        ("bimonthly", "bimonthly"),
        ("biannually", "annual-2"),
        ("http://purl.org/cld/freq/semiannual", "annual-2"),
        ("http://publications.europa.eu/resource/authority/frequency/ANNUAL_2", "annual-2"),
    ],
)
def test_update_frequencies_are_read_in_every_tongue(raw: str, code: str | None) -> None:
    assert schemas.vocabulary("frequencies").resolve(raw) == code


@pytest.mark.parametrize("number", [str(n) for n in range(13)] + ["01", "06", "99"])
def test_a_portals_own_number_means_nothing_by_itself(number: str) -> None:
    names = ("frequencies", "openness", "formats", "licences")
    assert [schemas.vocabulary(name).resolve(number) for name in names] == [None] * 4


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("regions", "former_regions")])
def test_every_spelling_leads_to_the_term_it_stands_at(name: str) -> None:
    vocabulary = schemas.vocabulary(name)
    astray = [
        (term.code, spelling)
        for term in vocabulary.terms.values()
        for spelling in (term.zh, term.en, term.uri, *term.aliases)
        if spelling and vocabulary.resolve(spelling) != term.code
    ]
    assert astray == []


def test_the_21_national_domains_and_one_for_the_rest_are_the_themes() -> None:
    themes = schemas.vocabulary("themes").terms.values()
    assert sorted(int(term.attributes["number"]) for term in themes) == [*range(1, 22), 99]


EU_THEMES = "AGRI ECON EDUC ENER ENVI GOVE HEAL INTR JUST REGI SOCI TECH TRAN"


@pytest.mark.parametrize("eu_theme", EU_THEMES.split())
def test_every_eu_theme_leads_to_a_domain_that_counts_under_it(eu_theme: str) -> None:
    themes = schemas.vocabulary("themes")
    address = f"http://publications.europa.eu/resource/authority/data-theme/{eu_theme}"
    code = themes.resolve(address)
    assert code is not None
    assert code == themes.resolve(eu_theme)
    assert themes.terms[code].attributes.get("eu_theme") in (eu_theme, None)


def test_high_value_categories_form_a_tree_that_themes_point_into() -> None:
    categories = schemas.vocabulary("hvd_categories").terms
    named = {term.attributes["hvd"] for term in schemas.vocabulary("themes").terms.values() if "hvd" in term.attributes}
    orphans = [
        term.code
        for term in categories.values()
        if (parent := term.attributes.get("broader")) is not None
        and int(categories[parent].attributes["level"]) != int(term.attributes["level"]) - 1
    ]
    tops = {term.code for term in categories.values() if term.attributes["level"] == "1"}
    assert orphans == []
    assert named == tops


GB_T_21063_4 = (
    "综合政务 经济管理 国土资源 能源 工业 交通 信息产业 城乡建设 环境保护 农业 水利 财政 商业 贸易 旅游 服务业 气象 水文 测绘 地震 对外事务 "
    "政法 监察 科技 教育 文化 体育 军事 国防 劳动 人事 民政 社区 文秘 行政 综合党团"
)
"""The subjects by which GB/T 21063.4-2007 sorts the resources of governments, as portals glue them: 政法、监察."""


@pytest.mark.parametrize("name,words", [
    ("themes", GB_T_21063_4),
    ("openness", "无条件开放 有条件开放 不予开放 普遍开放 受限开放 禁止开放类 无条件共享 有条件共享 不予共享 普遍共享 授权共享 不公开"),
    ("frequencies", "实时 每日 每周 每月 每季度 每半年 每年 不定期 按需更新 一次性 其他 每旬 每半月 不更新"),
    ("formats", "OFD wps xml txt doc docx html pdf ppt et xls xlsx access dbf oracle db2 jpg gif bmp mpg 电子文件-pdf 电子表格-et"),
])
def test_the_lists_of_the_standards_are_understood(name: str, words: str) -> None:
    """The guide of 2017 to catalogues of government information, and the rules of the provinces."""
    vocabulary = schemas.vocabulary(name)
    assert [word for word in words.split() if vocabulary.resolve(word) is None] == []


def test_openness_says_which_european_access_right_it_is() -> None:
    """可开放 may be any of the first two: the European list has no entry for that."""
    rights = {term.code: term.attributes.get("eu_access_right") for term in schemas.vocabulary("openness").terms.values()}
    assert rights == {
        "unconditional": "PUBLIC",
        "registration": "PUBLIC",
        "conditional": "RESTRICTED",
        "denied": "NON_PUBLIC",
        "open-unqualified": None,
    }
