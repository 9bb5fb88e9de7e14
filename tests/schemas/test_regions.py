"""Regions: names that several places share are not guessed, parents exist, every province has its tile."""

from __future__ import annotations

import pytest

import schemas
from harvester.sandbox.words import portals

REGIONS = schemas.vocabulary("regions")


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("杭州市", "330100"),
        ("杭州", "330100"),
        ("四川省", "510000"),
        ("Hebei", "130000"),
        ("陕西", "610000"),
        ("110100", "110000"),
        ("广西", "450000"),
        ("Xizang", "540000"),
        ("阿坝州", "513200"),
    ],
)
def test_a_name_only_one_place_bears_leads_to_it(spelling: str, code: str) -> None:
    assert REGIONS.resolve(spelling) == code


@pytest.mark.parametrize("spelling", ["朝阳区", "朝阳", "鼓楼区", "海南", "吉林", "suzhou", "yulin", "Taizhou"])
def test_a_name_several_places_bear_leads_nowhere(spelling: str) -> None:
    assert REGIONS.resolve(spelling) is None


@pytest.mark.parametrize(
    ("spelling", "code"), [("海南省", "460000"), ("吉林市", "220200"), ("吉林省", "220000")]
)
def test_the_full_name_leads_where_the_short_one_does_not(spelling: str, code: str) -> None:
    assert REGIONS.resolve(spelling) == code


def test_every_parent_exists_and_is_a_level_above() -> None:
    above = {
        "province": ["national"],
        "prefecture": ["province"],
        "county": ["prefecture", "province"],
        "zone": ["county", "prefecture", "province"],
        "subdivision": ["country"],
    }
    wrong = [
        term.code
        for term in REGIONS.terms.values()
        if term.attributes["level"] not in ("national", "country")
        and REGIONS.terms[term.attributes["parent"]].attributes["level"] not in above[term.attributes["level"]]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("code", "ancestors"),
    [
        ("330106", ("330106", "330100", "330000")),
        ("110101", ("110101", "110000")),
        ("500229", ("500229", "500000")),
        ("429004", ("429004", "420000")),
        ("330000", ("330000",)),
        ("100000", ("100000",)),
        ("AU-VIC", ("AU-VIC", "AU")),
        ("AU", ("AU",)),
        ("999999", ()),
    ],
)
def test_ancestors_end_with_the_province(code: str, ancestors: tuple[str, ...]) -> None:
    assert schemas.region_ancestors(code) == ancestors


@pytest.mark.parametrize("code,chinese", [
    ("330106", True), ("100000", True), ("710000", True), ("X-320300-jingkai", True),
    ("AU", False), ("GB-SCT", False), ("999999", False),
])
def test_a_region_is_of_china_or_abroad(code: str, chinese: bool) -> None:
    assert schemas.is_chinese(code) is chinese


@pytest.mark.parametrize("spelling,code", [
    ("AU-VIC", "AU-VIC"), ("Victoria", "AU-VIC"), ("苏格兰", "GB-SCT"), ("USA", "US"), ("au", "AU"), ("BEL", "BE"),
    ("Georgia", None), ("Myanmar (Burma)", "MM"), ("瑞士", "CH"),
])
def test_a_region_abroad_is_known_by_its_iso_code_and_its_names(spelling: str, code: str | None) -> None:
    assert REGIONS.resolve(spelling) == code


def test_every_country_of_iso_3166_1_stands_once() -> None:
    countries = [term.code for term in REGIONS.terms.values() if term.attributes["level"] == "country"]
    # China is 100000; Hong Kong, Macao and Taiwan have codes of its own.
    assert len(countries) == 249 - 4
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in countries)


def test_every_region_of_the_make_believe_portals_has_a_name() -> None:
    assert {portal.region for portal in portals().values()} <= REGIONS.terms.keys()


def test_a_development_zone_has_a_code_of_ours_made_of_its_parent_and_a_word() -> None:
    zones = [term for term in REGIONS.terms.values() if term.attributes["level"] == "zone"]
    assert len(zones) >= 50
    assert [zone.code for zone in zones if not zone.code.startswith(f"X-{zone.attributes['parent']}-")] == []
    assert schemas.region_ancestors("X-320300-jingkai") == ("X-320300-jingkai", "320300", "320000")


def test_a_code_that_was_replaced_leads_to_one_that_stands() -> None:
    former = schemas.vocabulary("former_regions").terms
    assert [code for code in former if code in REGIONS.terms] == []
    assert [code for code, term in former.items() if term.attributes["replaced_by"] not in REGIONS.terms] == []
    assert {code: former[code].attributes["replaced_by"] for code in ("450127", "330183", "330104", "520522")} == {
        "450127": "450181", "330183": "330111", "330104": "330102", "520522": "520581"
    }


def test_the_34_provinces_have_a_tile_each() -> None:
    tiles = {
        term.code: (term.attributes["tile_x"], term.attributes["tile_y"])
        for term in REGIONS.terms.values()
        if term.attributes["level"] == "province"
    }
    assert len(tiles) == 34
    assert len(set(tiles.values())) == 34
    assert all(0 <= int(x) <= 6 and 0 <= int(y) <= 7 for x, y in tiles.values())


def test_only_provinces_have_tiles() -> None:
    assert {t.attributes["level"] for t in REGIONS.terms.values() if "tile_x" in t.attributes} == {"province"}


@pytest.mark.parametrize(
    ("code", "pinyin"),
    [
        ("140400", "changzhi"),
        ("211300", "chaoyang"),
        ("411100", "luohe"),
        ("540300", "changdu"),
        ("610000", "shaanxi"),
        ("511381", "langzhong"),
        ("410783", "changyuan"),
        ("411082", "changge"),
        ("371524", "donge"),
        ("310112", "minhang"),
        ("140428", "zhangzi"),
        ("522732", "sandu"),
        ("320116", "luhe"),
    ],
)
def test_pinyin_is_as_the_place_says_it(code: str, pinyin: str) -> None:
    assert REGIONS.terms[code].attributes["pinyin"] == pinyin


@pytest.mark.parametrize(
    ("one", "side", "other"),
    [
        ("天津", "east", "北京"),
        ("河北", "south", "北京"),
        ("内蒙古", "north", "北京"),
        ("吉林", "north", "辽宁"),
        ("黑龙江", "north", "吉林"),
        ("新疆", "north", "西藏"),
        ("青海", "east", "西藏"),
        ("河南", "south", "山西"),
        ("山东", "east", "河北"),
        ("重庆", "east", "四川"),
        ("湖北", "east", "重庆"),
        ("上海", "east", "江苏"),
        ("浙江", "south", "江苏"),
        ("湖南", "south", "湖北"),
        ("广东", "south", "江西"),
        ("福建", "south", "浙江"),
        ("台湾", "east", "福建"),
        ("澳门", "south", "广东"),
        ("香港", "east", "澳门"),
        ("海南", "west", "澳门"),
    ],
)
def test_tiles_touch_as_on_the_map(one: str, side: str, other: str) -> None:
    right, down = {"east": (1, 0), "west": (-1, 0), "south": (0, 1), "north": (0, -1)}[side]
    at = {
        term.attributes["short"]: (int(term.attributes["tile_x"]), int(term.attributes["tile_y"]))
        for term in REGIONS.terms.values()
        if "tile_x" in term.attributes
    }
    assert at[one] == (at[other][0] + right, at[other][1] + down)
