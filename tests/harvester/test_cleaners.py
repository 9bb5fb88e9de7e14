"""One value in, one value out: every shape that portals were met writing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from harvester import cleaners, texts
from harvester.addresses import AddressUnusable, address
from harvester.cleaners import Setting
from harvester.instants import instant, iso_date
from harvester.native_cleaners import cleaner
from harvester.texts import NotUnderstood, WrongType
from portal.catalog.model import Column, DistributionKind, Period, Place, RecordType

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-02T03:04:05Z", utc(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04:05.123456", utc(2024, 1, 1, 19, 4, 5, 123456)),
        ("2024-01-02T03:04:05+09:00", utc(2024, 1, 1, 18, 4, 5)),
        ("2024-01-02T03:04:05+0900", utc(2024, 1, 1, 18, 4, 5)),
        ("2024-01-02 03:04:05", utc(2024, 1, 1, 19, 4, 5)),
        ("2024-01-02 03:04:05.0", utc(2024, 1, 1, 19, 4, 5)),
        ("2024-01-02 03:04", utc(2024, 1, 1, 19, 4)),
        ("2023-05-08", utc(2023, 5, 7, 16)),
        ("2023-5-8", utc(2023, 5, 7, 16)),
        ("2023/05/08", utc(2023, 5, 7, 16)),
        ("2023/05/08 10:11:12", utc(2023, 5, 8, 2, 11, 12)),
        ("2023.05.08", utc(2023, 5, 7, 16)),
        ("2024年3月1日", utc(2024, 2, 29, 16)),
        ("2024年3月1日 8时30分", utc(2024, 3, 1, 0, 30)),
        ("2024年3月", utc(2024, 2, 29, 16)),
        ("20230508", utc(2023, 5, 7, 16)),
        ("20230508101112", utc(2023, 5, 8, 2, 11, 12)),
        ("2023-05-08\n10:11", utc(2023, 5, 8, 2, 11)),
        ("1683511872000", utc(2023, 5, 8, 2, 11, 12)),
        ("1683511872", utc(2023, 5, 8, 2, 11, 12)),
        ("2023-05-08 10:11:12,2023-06-01 00:00:00", utc(2023, 5, 31, 16)),
        ("2023-05-08 10:11:12\r\n2022-05-08 10:11:12", utc(2023, 5, 8, 2, 11, 12)),
        ("mar, 10/12/2019 - 09:23", utc(2019, 12, 10, 1, 23)),
        ("Tue, 12/10/2019 - 09:23", utc(2019, 12, 10, 1, 23)),
        ("周二, 12/10/2019 - 09:23", utc(2019, 12, 10, 1, 23)),
        ("周四, 05/05/2022 - 00:00", utc(2022, 5, 4, 16)),
        ("2012", utc(2011, 12, 31, 16)),
        ("2012年度", utc(2011, 12, 31, 16)),
        ("民國106年2月1日", utc(2017, 1, 31, 16)),
        ("中華民國 106 年 2 月 1 日", utc(2017, 1, 31, 16)),
        ("民国97/5/31", utc(2008, 5, 30, 16)),
    ],
)
def test_a_moment_is_read_in_every_shape_portals_write(written: str, meant: datetime) -> None:
    assert instant(written, SHANGHAI) == meant


@pytest.mark.parametrize(
    "written",
    ["0001-01-01T00:00:00", "2023-02-30", "2023-13-01", "9999-12-31", "2999-01-01", "05/08/2023", "每年", "R/P1Y",
     "Date changed  jeu, 19/12/2019 - 03:00", "99999999999999999999", "2023-05-08 25:00:00", "1/1", "12", "",
     "Tue, 07/01/2014 - 09:23", "xyz, 12/10/2019 - 09:23", "Tue, 31/31/2019 - 09:23"],
)
def test_an_impossible_or_ambiguous_moment_is_not_understood(written: str) -> None:
    assert instant(written, SHANGHAI) is None


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("106.02.01", "2017-02-01"),
        ("106/2/1", "2017-02-01"),
        ("106-02-01", "2017-02-01"),
        ("106年2月1日", "2017-02-01"),
        ("97年5月31日", "2008-05-31"),
        ("1060201", "2017-02-01"),
        (1060201, "2017-02-01"),
        ("2017/02/01", "2017-02-01"),
    ],
)
def test_a_portal_of_taiwan_counts_years_from_1911(written: Any, day: str) -> None:
    taipei = Setting(zone=ZoneInfo("Asia/Taipei"), region="710000")
    assert cleaner("date", taipei)(written) == day
    assert cleaner("instant", taipei)(written) == datetime.fromisoformat(f"{day}T00:00:00+08:00")


@pytest.mark.parametrize("written", ["97/05/31", "1061332", "106.13.01", "2,0106.1.1"])
def test_what_is_no_date_of_taiwans_calendar_for_sure_is_not_understood(written: str) -> None:
    with pytest.raises(NotUnderstood, match=re.escape(written)):
        cleaner("instant", Setting(region="710000"))(written)


@pytest.mark.parametrize("written", ["106.02.01", "106/2/1", "106年2月1日", "1060201"])
@pytest.mark.parametrize("region", ["330100", "100000", None])
def test_elsewhere_such_a_number_is_no_date(written: str, region: str | None) -> None:
    with pytest.raises(NotUnderstood):
        cleaner("instant", Setting(region=region))(written)


def read_as_something(name: str, words: Iterable[str]) -> dict[str, Any]:
    """Of words that mean nothing, those of which a cleaner makes something."""
    read = {word: cleaner(name, Setting())(word) for word in words}
    return {word: made for word, made in read.items() if made is not None}


@pytest.mark.parametrize("name", ["text", "plain_text", "code", "keywords", "agency", "group_names", "stated", "instant"])
def test_a_word_that_means_nothing_is_nothing_whoever_reads_it(name: str) -> None:
    words = ("暂无", "无", "無", "null", "NULL", "ｎｕｌｌ", "None", "-", "－", "N/A", "未知", " 不详 ", "")
    assert read_as_something(name, words) == {}


@time_machine.travel(utc(2024, 1, 1), tick=False)
def test_a_moment_may_lie_a_day_ahead_of_our_clock_and_no_more() -> None:
    assert instant("2024-01-02T00:00:00Z", UTC) == utc(2024, 1, 2)
    assert instant("2024-01-02T00:00:01Z", UTC) is None


def test_a_moment_without_zone_is_one_of_the_source_unless_the_table_says_another() -> None:
    setting = Setting(zone=ZoneInfo("Europe/Paris"))
    assert cleaner("instant", setting)("2024-01-02T12:00:00") == utc(2024, 1, 2, 11)
    assert cleaner("instant:UTC", setting)("2024-01-02T12:00:00") == utc(2024, 1, 2, 12)
    assert cleaner("instant", setting)(1683511872000) == utc(2023, 5, 8, 2, 11, 12)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2005", "2005"),
        ("2005-03", "2005-03"),
        ("2005/3/1", "2005-03-01"),
        ("20050301", "2005-03-01"),
        ("1905-03-01", "1905-03-01"),
        ("2013-01-01T03:00:00.000Z", "2013-01-01T03:00:00+00:00"),
        ("2013-01-01 03:00:00", "2013-01-01T03:00:00"),
        ("2030-01-01", "2030-01-01"),
    ],
)
def test_a_date_of_coverage_stays_as_exact_as_it_was_given(written: str, iso: str) -> None:
    assert iso_date(written) == iso


PLAIN: list[tuple[str, Any, Any]] = [
    ("text", " 标题\x00\x07\u200b ", "标题\u200b"),
    ("text", "a\ud800b", "a\ufffdb"),
    ("text", "e\u0301", "\u00e9"),
    ("text", "第一行\r\n第二行", "第一行\r\n第二行"),
    ("plain_text", "<b>水质</b> &amp; 空气&nbsp;质量", "水质 & 空气 质量"),
    ("plain_text", "a &amp;lt;b", "a &lt;b"),
    ("plain_text", "温度 < 5 度", "温度 < 5 度"),
    ("plain_text", "两行\n标题", "两行 标题"),
    ("code", 42, "42"),
    ("code", "42", "42"),
    ("code", 1.5, "1.5"),
    ("keywords", "Tree, forest, shrub", ("Tree", "forest", "shrub")),
    ("keywords", "水质；空气、噪声，土壤", ("水质", "空气", "噪声", "土壤")),
    ("keywords", "公交\r\n\t地铁\r\n\t", ("公交", "地铁")),
    ("keywords", "x,水,ab", ("水", "ab")),
    ("keywords", "a" * 300, ("a" * 100,)),
    ("integer", "425,829", 425829),
    ("integer", "12323.0", 12323),
    ("integer", 7472, 7472),
    ("integer", 12.0, 12),
    ("integer", "1200条", 1200),
    ("integer", "2，345條", 2345),
    ("integer", "１２３４", 1234),
    ("integer", "1.2万次", 12_000),
    ("integer", "1.5亿", 150_000_000),
    ("row_count", "2,345条", 2345),
    ("row_count", "3.5 万条数据", 35_000),
    ("row_count", "50條", 50),
    ("keywords", '"101,102","103"', ("101", "102", "103")),
    ("column_names", '日期、"地點"、"', (Column(name="日期"), Column(name="地點"))),
    ("size", 12323, 12323),
    ("size", "1.35 MB", 1_350_000),
    ("size", "2 KiB", 2048),
    ("size", "42 octets", 42),
    ("size", "10 Ko", 10_000),
    ("email", "mailto:a.b@example.gov.cn", "a.b@example.gov.cn"),
    ("email", "张三 <z@example.cn>; y@example.cn", "z@example.cn"),
    ("address", "https://data.example.gov.cn/a b/数据.csv?x=1&y=水", "https://data.example.gov.cn/a%20b/"
     "%E6%95%B0%E6%8D%AE.csv?x=1&y=%E6%B0%B4"),
    ("address", "https://data.example.gov.cn/a%20b/100%", "https://data.example.gov.cn/a%20b/100%25"),
    ("address", "HTTP://Data.example.gov.cn:8080/x", "http://data.example.gov.cn:8080/x"),
    ("address", "http://数据.example/x", f"http://{'数据'.encode('idna').decode()}.example/x"),
    ("link", "see the website", None),
    ("link", "http://example.org/x", "http://example.org/x"),
    ("date", 2005, "2005"),
    ("interval", "1993-01-01/2017-12-01", Period(start="1993-01-01", end="2017-12-01")),
    ("interval", "../2017", Period(end="2017")),
    ("interval", "2017-01-01/", Period(start="2017-01-01")),
    ("interval", "2019年1月至2020年3月", Period(start="2019-01", end="2020-03")),
    ("interval", "2010", Period(start="2010", end="2010")),
    ("place", '{"type": "Point", "coordinates": [1, 2]}', Place(geometry={"type": "Point", "coordinates": [1, 2]})),
    ("place", "http://sws.geonames.org/6361390/", Place(uri="http://sws.geonames.org/6361390/")),
    ("place", "杭州市", Place(name="杭州市")),
    ("media_type", "Text/CSV; charset=utf-8", "text/csv"),
    ("local_name", "http://publications.europa.eu/resource/authority/language/SPA", "spa"),
    ("local_name", "http://data.europa.eu/bna/c_ac64a52d", "c_ac64a52d"),
    ("checksum", {"hash": "4304CF2E", "hash_algorithm": "http://spdx.org/rdf/terms#checksumAlgorithm_sha1"},
     "sha1:4304cf2e"),
    ("checksum", {"hash": "4304cf2e"}, None),
    ("distribution_kind", "api", DistributionKind.API),
    ("distribution_kind", "poster", None),
    ("record_type", "dcat:DataService", RecordType.SERVICE),
    ("column_names", "名称、地址、经度", (Column(name="名称"), Column(name="地址"), Column(name="经度"))),
    ("column_names", '[{"name": "名称", "type": "字符型"}, {"name": ""}]', (Column(name="名称", data_type="字符型"),)),
    ("column_names", '["名称", "地址"]', (Column(name="名称"), Column(name="地址"))),
    ("column_names", '[3, {"title": "地址"}, null]', None),
    ("column_names", "[名称]、[地址]", (Column(name="[名称]"), Column(name="[地址]"))),
    ("text_by_language", {"en": "Water", "zh_Hans": "水", "fr": ""}, {"en": "Water", "zh-Hans": "水"}),
    ("text_by_language", '{"en": "Water"}', {"en": "Water"}),
    ("text_by_language", "Water", None),
    ("keywords_by_language", {"en": ["water", "air"], "zh": "水,空气"},
     {"en": ("water", "air"), "zh": ("水", "空气")}),
    ("ckan_file_url", {"url": "http://example.org/a.csv", "url_type": "upload"}, "http://example.org/a.csv"),
    ("ckan_file_url", {"url": "http://example.org/page"}, None),
]


@pytest.mark.parametrize(("name", "given", "meant"), PLAIN)
def test_a_cleaner_reads_what_portals_write(name: str, given: Any, meant: Any) -> None:
    assert cleaner(name, Setting())(given) == meant


ONCE_ONLY = ("checksum", "ckan_file_url", "plain_text")


@pytest.mark.parametrize(
    ("name", "meant"), [(name, meant) for name, _, meant in PLAIN if type(meant) is str and name not in ONCE_ONLY]
)
def test_cleaning_twice_is_cleaning_once(name: str, meant: str) -> None:
    assert cleaner(name, Setting())(meant) == meant


@pytest.mark.parametrize("name", ["text", "plain_text", "code", "keywords", "integer", "size", "email", "address",
                                  "date", "interval", "place", "media_type", "instant", "term:formats"])
def test_r14_u7_a_placeholder_says_nothing(name: str) -> None:
    placeholders = ("None", "null", "[]", "暂无", "默认主题", "无", "N/A", "", "  ", "NULL", "-")
    assert read_as_something(name, placeholders) == {}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("instant", "每年"),
        ("date", "some time"),
        ("integer", "many"),
        ("integer", "12.5"),
        ("integer", -1),
        ("integer", 2**63),
        ("size", "12 parsecs"),
        ("email", "nobody"),
        ("media_type", "xlsx"),
        ("interval", "a/b/c"),
        ("place", '{"type": "Cube"}'),
        ("place", "{broken"),
        ("checksum", {"hash": "not hexadecimal", "hash_algorithm": "md5"}),
        ("text_by_language", {"not a language": "x"}),
    ],
)
def test_what_a_cleaner_cannot_read_is_said(name: str, given: Any) -> None:
    with pytest.raises(NotUnderstood):
        cleaner(name, Setting())(given)


@pytest.mark.parametrize(
    "given",
    ["ftp://example.org/x", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "www.example.org/x",
     "/dataset/x", "http://", "http://good@evil.example/x", "http://ex ample.org/x", "http://a\\b/x", "http://[::1",
     "http://example.org:99999/x", "mailto:a@example.org", "见官网"],
)
def test_an_address_that_is_not_http_is_unusable(given: str) -> None:
    with pytest.raises(AddressUnusable):
        address(given)


@pytest.mark.parametrize("name", sorted({*cleaners.PLAIN, "instant", "term:formats", "page:x/", "in_language:text"}))
def test_no_json_value_makes_a_cleaner_fail_otherwise(name: str) -> None:
    for given in (None, True, 0, -1, 1e300, float("inf"), "x", "\ud800", [], ["x"], {}, {"a": [1]}):
        try:
            cleaner(name, Setting())(given)
        except NotUnderstood as trouble:
            assert trouble.code in ("field.not-understood", "field.wrong-type", "distribution.address-unusable"), given


@pytest.mark.parametrize(
    ("written", "items"),
    [
        ('["ENVI","GOVE"]', ["ENVI", "GOVE"]),
        ("['xls', 'csv']", ["xls", "csv"]),
        ("[csv,json]", ["csv", "json"]),
        ("[]", []),
        ("csv", ["csv"]),
        (["a", "b"], ["a", "b"]),
        (7, [7]),
    ],
)
def test_a_list_is_read_however_it_is_written(written: Any, items: list[Any]) -> None:
    assert texts.items(written) == items


def test_a_term_is_a_code_of_its_vocabulary_or_nothing() -> None:
    term = cleaner("term:formats", Setting())
    assert (term("text/csv"), term("a poster"), term("CSV")) == ("csv", None, "csv")
    with pytest.raises(WrongType):
        term(["CSV"])


def test_u9_words_that_differ_in_case_alone_are_one() -> None:
    assert texts.distinct_words(["duplicate", "DuPliCate", "other"]) == ("duplicate", "other")


@pytest.mark.parametrize(
    ("said", "preferred", "shown"),
    [
        ({"en": "Water", "zh": "水"}, None, "水"),
        ({"fr": "Eau", "en": "Water"}, None, "Water"),
        ({"fr": "Eau", "de": "Wasser"}, None, "Eau"),
        ({"fr": "Eau", "zh-Hans": "水"}, "fr", "Eau"),
        ({"fr": "Eau", "zh-Hans": "水"}, None, "水"),
    ],
)
def test_of_several_languages_the_preferred_is_shown_then_chinese_then_english(
    said: dict[str, str], preferred: str | None, shown: str
) -> None:
    assert texts.in_language(said, preferred) == shown
