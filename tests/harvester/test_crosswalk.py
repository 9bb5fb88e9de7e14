"""A portal's record becomes a dataset, and whatever cannot be read of it an issue; nothing a portal writes raises."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from harvester.connectors import CONNECTORS
from harvester.crosswalk import LIMITS, check, to_dataset
from harvester.identity import dataset_id
from harvester.paths import compiled, found, gathered, steps
from harvester.records import RawRecord
from harvester.tables import table
from portal.catalog.model import Dataset, DistributionKind, Issue, Period, Place, Source
from tests.fixtures import FIXTURES, needs_fixtures

SOURCE = Source(
    id="zj-hangzhou", title="杭州", kind="ckan", url="https://data.example.gov.cn/portal/", region="330100"
)

PACKAGE: dict[str, Any] = {
    "id": "5f0c0b5e-0a7e-4c3a-9d0e-7f3f0c9d1a11",
    "name": "bus-stops",
    "title": "公交站点 &amp; 线路",
    "notes": "全市公交站点。\n\n**每月更新**",
    "url": "",
    "version": 2,
    "license_id": "cc-by-4.0",
    "license_title": "Creative Commons Attribution 4.0",
    "license_url": "https://creativecommons.org/licenses/by/4.0/",
    "metadata_created": "2023-05-08T10:11:12.123456",
    "metadata_modified": "2024-05-08T10:11:12.123456",
    "maintainer": "信息中心",
    "maintainer_email": "mailto:info@example.gov.cn",
    "organization": {"id": "org-1", "name": "jtj", "title": "市交通运输局"},
    "groups": [{"name": "transport", "title": "交通运输"}],
    "tags": [{"name": "公交", "display_name": "公交"}, {"name": "站点"}, {"name": "Bus"}, {"name": "BUS"}],
    "extras": [
        {"key": "frequency", "value": "每月"},
        {"key": "spatial", "value": '{"type": "Point", "coordinates": [120.1, 30.2]}'},
        {"key": "temporal", "value": "2020-01-01/2023-12-31"},
        {"key": "language", "value": '["zh"]'},
        {"key": "access_rights", "value": "None"},
        {"key": "issued", "value": "2023-05-01"},
    ],
    "resources": [
        {
            "id": "r-1",
            "name": "站点表",
            "url": "https://data.example.gov.cn/站点.csv",
            "format": "CSV",
            "mimetype": "text/csv",
            "size": "425,829",
            "hash": "4304cf2e751e6053c90b1804c89c0ebb758f395a",
            "hash_algorithm": "sha1",
            "url_type": "upload",
            "created": "2023-05-08T10:11:12",
            "last_modified": None,
            "schema": {"fields": [{"name": "name", "title": "站名", "type": "string"}, {"name": "lon"}]},
        },
        {"id": "r-2", "name": "接口", "url": "ftp://data.example.gov.cn/api", "format": "接口?"},
    ],
    "state": "active",
    "private": False,
}


def package(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(PACKAGE), **changes}


def translated(record: Any, source: Source = SOURCE) -> tuple[Dataset | None, list[Issue]]:
    return to_dataset(RawRecord(body=json.dumps(record).encode(), url="https://data.example.gov.cn/api"), source)


def dataset(record: Any, source: Source = SOURCE) -> Dataset:
    made, _ = translated(record, source)
    assert made is not None
    return made


def issues(record: Any, source: Source = SOURCE) -> list[tuple[str, str | None, str | None]]:
    return [(issue.code, issue.field, issue.seen) for issue in translated(record, source)[1]]


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def test_a_package_becomes_a_dataset_with_raw_values_beside_the_codes() -> None:
    made = dataset(PACKAGE)
    assert made.id == dataset_id("zj-hangzhou", PACKAGE["id"])
    assert (made.source_key, made.name, made.version) == (PACKAGE["id"], "bus-stops", "2")
    assert made.title == "公交站点 & 线路"
    assert made.description == "全市公交站点。\n\n**每月更新**"
    assert made.landing_page == "https://data.example.gov.cn/portal/dataset/bus-stops"
    assert made.publisher is not None and (made.publisher.name, made.publisher.key) == ("市交通运输局", "org-1")
    assert made.contact is not None and made.contact.email == "info@example.gov.cn"
    assert made.keywords == ("公交", "站点", "Bus")
    assert (made.frequency, made.frequency_raw) == ("monthly", "每月")
    assert (made.licence, made.licence_raw) == ("cc-by-4.0", "Creative Commons Attribution 4.0")
    assert made.themes_raw == ("交通运输",) and len(made.themes) == 1
    assert made.places == (Place(geometry={"type": "Point", "coordinates": [120.1, 30.2]}),)
    assert made.periods == (Period(start="2020-01-01", end="2023-12-31"),)
    assert made.languages == ("zh",)
    assert made.access_rights is None
    assert [column.name for column in made.columns] == ["name", "lon"]
    assert made.columns[0].title == "站名"


def test_ckans_own_times_are_utc_and_the_publishers_are_the_sources() -> None:
    made = dataset(PACKAGE)
    assert made.issued == datetime(2023, 4, 30, 16, tzinfo=UTC)
    assert made.modified == datetime(2024, 5, 8, 10, 11, 12, 123456, tzinfo=UTC)
    assert made.distributions[0].issued == datetime(2023, 5, 8, 10, 11, 12, tzinfo=UTC)


def test_a_resource_becomes_a_distribution() -> None:
    first, second = dataset(PACKAGE).distributions
    assert first.access_url == first.download_url == "https://data.example.gov.cn/%E7%AB%99%E7%82%B9.csv"
    assert (first.format, first.format_raw, first.media_type, first.size_bytes) == ("csv", "CSV", "text/csv", 425829)
    assert first.checksum == "sha1:4304cf2e751e6053c90b1804c89c0ebb758f395a"
    assert first.kind is DistributionKind.FILE
    assert (second.format, second.format_raw, second.access_url) == (None, "接口?", None)


def test_an_address_nobody_can_open_is_dropped_and_said_and_the_resource_stays() -> None:
    assert ("distribution.address-unusable", "resources[1].url", "ftp://data.example.gov.cn/api") in issues(PACKAGE)
    assert len(dataset(PACKAGE).distributions) == 2


def test_the_region_is_the_records_own_else_the_sources_and_then_said_to_be_so() -> None:
    own = dataset(package(extras=[{"key": "行政区划", "value": "浙江省"}]))
    assert (own.region, own.region_inferred_from) == ("330000", None)
    assert (dataset(PACKAGE).region, dataset(PACKAGE).region_inferred_from) == ("330100", "source")


def test_a_district_of_a_name_that_recurs_is_the_one_in_the_sources_city() -> None:
    assert dataset(package(extras=[{"key": "所属区县", "value": "西湖区"}])).region == "330106"
    assert dataset(package(extras=[{"key": "行政区划", "value": "330106000000"}])).region == "330106"


def test_the_publisher_tells_the_region_else_the_title_and_then_said_to_be_so() -> None:
    of_a_county = dataset(package(organization={"id": "org-2", "title": "淳安县水利局"}))
    assert (of_a_county.region, of_a_county.region_inferred_from) == ("330127", "publisher")
    titled = dataset(package(title="2024年桐庐县公交站点"))
    assert (titled.region, titled.region_inferred_from) == ("330122", "title")


def test_the_publishers_functions_type_and_department_are_read_from_its_name() -> None:
    publisher = dataset(package(organization={"id": "org-3", "title": "杭州市工商行政管理局"})).publisher
    assert publisher is not None
    assert (publisher.functions, publisher.department) == (("market",), "330100.market")
    assert (publisher.institution_type, publisher.institution_inferred_from) == ("government_department", "name")


def test_a_district_the_record_states_makes_the_department_known() -> None:
    said = package(
        organization={"id": "org-4", "title": "区教育局"}, extras=[{"key": "所属区县", "value": "西湖区"}]
    )
    assert (publisher := dataset(said).publisher) is not None and publisher.department == "330106.education"


def test_a_publisher_we_know_nothing_of_stays_as_the_portal_says_it() -> None:
    publisher = dataset(package(organization={"id": "org-5", "title": "地区管理员"})).publisher
    assert publisher is not None
    assert (publisher.functions, publisher.department, publisher.institution_type) == ((), None, None)
    assert publisher.institution_inferred_from is None


def test_without_organisation_nobody_publishes() -> None:
    assert dataset(package(organization=None, owner_org="org-1")).publisher is None


@pytest.mark.parametrize(
    ("record", "code", "key"),
    [
        (package(id=None, name=None), "record.key-missing", None),
        (package(id="null", name=""), "record.key-missing", None),
        (package(id="", name="bus-stops", title=None), "record.title-missing", "bus-stops"),
        (package(title="  "), "record.title-missing", PACKAGE["id"]),
        (package(title=["x"]), "record.title-missing", PACKAGE["id"]),
        ({"id": "only"}, "record.title-missing", "only"),
        ([PACKAGE], "record.malformed", None),
        ("a text", "record.malformed", None),
        (None, "record.malformed", None),
    ],
)
def test_u2_a_record_without_id_or_title_is_refused_alone_by_its_key(record: Any, code: str, key: str | None) -> None:
    made, said = translated(record)
    assert made is None
    assert [(issue.code, issue.source_key) for issue in said] == [(code, key)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": NaN}', b"{'a': 1}", b'{"a": 1,}', b'\xff\xfe{"a": 1}', b"[" * 100_000,
     b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"id": "\xb9\xab"}', b'{"id": ' + b"9" * 10_000 + b"}"],
)
def test_malformed_json_is_one_issue(body: bytes) -> None:
    made, said = to_dataset(RawRecord(body=body), SOURCE)
    assert (made, [issue.code for issue in said]) == (None, ["record.malformed"])


def test_half_a_surrogate_pair_is_replaced_and_the_record_read() -> None:
    body = json.dumps(package(title="a\ud800b")).encode()
    made, _ = to_dataset(RawRecord(body=body), SOURCE)
    assert made is not None and made.title == "a\ufffdb"


def test_control_characters_go_and_rare_characters_stay() -> None:
    made = dataset(package(title="𠮷野\x00家\x07 👨‍👩‍👧 \u202eabc"))
    assert made.title == "𠮷野家 👨‍👩‍👧 \u202eabc"


@pytest.mark.slow
def test_long_texts_and_lists_are_cut_and_said() -> None:
    record = package(
        title="长" * 600,
        notes="x" * 100_001,
        tags=[{"name": f"tag-{number}"} for number in range(34_866)],
        resources=[{"id": str(number), "url": f"http://example.org/{number}"} for number in range(8_327)],
    )
    made = dataset(record)
    assert (len(made.title), len(made.description or "")) == (LIMITS["title"], LIMITS["description"])
    assert (len(made.keywords), len(made.distributions)) == (LIMITS["keywords"], LIMITS["distributions"])
    assert issues(record) == [
        ("field.too-long", "title", "600"),
        ("field.too-long", "description", "100001"),
        ("field.too-long", "keywords", "34866"),
        ("field.too-long", "distributions", "8327"),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"notes": ["x"]}, "notes"),
        ({"organization": "jtj"}, "organization"),
        ({"tags": [{"name": {"zh": "水"}}]}, "tags[].name"),
        ({"resources": ["http://example.org/x"]}, "resources[0]"),
        ({"resources": [{"id": "r", "format": {"a": 1}}]}, "resources[0].format"),
        ({"extras": 7}, "extras"),
        ({"groups": {"name": {"a": 1}}}, "groups[].name"),
    ],
)
def test_a_field_of_the_wrong_type_is_dropped_with_an_issue_and_the_dataset_kept(
    changes: dict[str, Any], field: str
) -> None:
    made, said = translated(package(**changes))
    assert made is not None
    assert ("field.wrong-type", field) in {(issue.code, issue.field) for issue in said}


def test_only_when_no_alternative_is_read_is_the_failure_said() -> None:
    unread = package(metadata_modified="gestern", extras=[{"key": "modified", "value": "每年"}])
    assert ("field.not-understood", "metadata_modified", "gestern") in issues(unread)
    read = package(extras=[{"key": "modified", "value": "每年"}])
    assert [field for code, field, _ in issues(read) if field and "modified" in field] == []
    assert dataset(read).modified == datetime(2024, 5, 8, 10, 11, 12, 123456, tzinfo=UTC)


def test_places_and_addresses_that_cannot_be_read_stay_in_the_portal_s_words() -> None:
    record = package(
        resources=[{"id": "1", "url": "ftp://data.example.gov.cn/a.csv"}],
        extras=[{"key": "spatial", "value": '{"type": "Point", "coordinates": "nowhere"}'}],
    )
    made = dataset(record)
    assert made.unread == {"places": '{"type": "Point", "coordinates": "nowhere"}'}
    assert made.distributions[0].unread == {"access_url": "ftp://data.example.gov.cn/a.csv"}


def test_only_records_in_rdf_can_break_rules_of_rdf() -> None:
    assert dataset(package(notes=None)).violations == ()


def test_every_issue_names_the_record_and_where_it_was_read() -> None:
    _, said = translated(PACKAGE)
    assert {(issue.source_key, issue.url) for issue in said} == {(PACKAGE["id"], "https://data.example.gov.cn/api")}


def test_languages_are_kept_and_one_is_shown() -> None:
    record = package(
        title="Bus stops",
        title_translated={"en": "Bus stops", "zh_CN": "公交站点", "fr": "Arrêts"},
        notes_translated={"en": "All stops"},
        tags_translated={"en": ["bus"], "zh": ["公交"]},
    )
    made = dataset(record)
    assert made.titles == {"en": "Bus stops", "zh-CN": "公交站点", "fr": "Arrêts"}
    assert (made.title, made.description, made.descriptions) == ("公交站点", "All stops", {"en": "All stops"})
    assert made.keywords_by_language == {"en": ("bus",), "zh": ("公交",)}
    assert made.keywords == ("bus", "公交")
    french = Source(id="x", title="x", kind="ckan", url="https://example.org", options={"language": "fr"})
    assert dataset(record, french).title == "Arrêts"


def test_a_title_keyed_by_language_is_read_like_a_translated_one() -> None:
    made = dataset(package(title={"de": "Haltestellen", "fr": "Arrêts"}))
    assert (made.title, made.titles) == ("Haltestellen", {"de": "Haltestellen", "fr": "Arrêts"})


def test_a_source_may_say_where_a_field_stands_instead() -> None:
    source = Source(
        id="x", title="x", kind="ckan", url="https://example.org",
        options={"crosswalk": {"title": "标题", "region": "area.code", "distributions": "files[]"}},
    )
    made = dataset(
        {"id": "1", "标题": "甲", "area": {"code": "330100"}, "files": [{"url": "http://example.org/a"}]}, source
    )
    assert (made.title, made.region, made.region_inferred_from) == ("甲", "330100", None)
    assert [each.access_url for each in made.distributions] == ["http://example.org/a"]
    assert dataset(PACKAGE, source).title == "公交站点 & 线路"


@pytest.mark.parametrize("crosswalk", [{}, {"columns": "extras[key=数据项].value[]"}])
def test_fields_listed_in_json_stand_once_whether_or_not_the_source_says_where(crosswalk: dict[str, str]) -> None:
    source = Source(id="x", title="x", kind="ckan", url="https://example.org", options={"crosswalk": crosswalk})
    written = json.dumps([{"name": "站点名称", "type": "字符型"}, {"name": "经度", "type": "数值型"}])
    made = dataset(package(resources=[], extras=[{"key": "数据项", "value": written}]), source)
    assert [(one.name, one.data_type) for one in made.columns] == [("站点名称", "字符型"), ("经度", "数值型")]


@pytest.mark.parametrize(
    "options",
    [
        {"crosswalk": {"nosuch": "a"}},
        {"crosswalk": {"title": "a[["}},
        {"crosswalk": ["title"]},
        {"crosswalk": {"title": 7}},
        {"language": ["zh"]},
    ],
)
def test_wrong_options_of_a_source_are_found_before_a_harvest(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        check(Source(id="x", title="x", kind="ckan", url="https://example.org", options=options))


def test_u4_a_resource_keeps_its_id_in_another_order_and_whatever_its_key_is() -> None:
    resources = [{"id": 42, "url": "http://example.org/a"}, {"id": "B", "url": "http://example.org/b"},
                 {"url": "http://example.org/c"}]
    there = {each.access_url: each.id for each in dataset(package(resources=resources)).distributions}
    back = {each.access_url: each.id for each in dataset(package(resources=resources[::-1])).distributions}
    assert there == back and len(set(there.values())) == 3
    assert dataset(package(resources=resources)).distributions[0].key == "42"


def test_u1_a_minimal_package_is_accepted() -> None:
    assert translated({"id": "1", "title": "x"})[1] == []


def test_u3_a_package_without_resources_is_a_dataset_without_distributions() -> None:
    """The peer skips it; we keep it, because that nothing can be got of it is worth knowing."""
    assert dataset(package(resources=[])).distributions == ()


def test_u5_the_url_is_the_page_when_it_is_an_address_and_else_nothing() -> None:
    assert dataset(package(url="http://example.org/page")).landing_page == "http://example.org/page"
    sentence = package(url="see our web site")
    assert dataset(sentence).landing_page == "https://data.example.gov.cn/portal/dataset/bus-stops"
    assert not [issue for issue in issues(sentence) if issue[1] == "url"]


@pytest.mark.parametrize(
    ("written", "code"),
    [("http://publications.europa.eu/resource/authority/frequency/MONTHLY", "monthly"), ("R/P3M", "quarterly"),
     ("每月", "monthly"), ("whenever", None)],
)
def test_u6_an_unknown_frequency_stays_raw(written: str, code: str | None) -> None:
    made = dataset(package(extras=[{"key": "frequency", "value": written}]))
    assert (made.frequency, made.frequency_raw) == (code, written)


@pytest.mark.parametrize("value", [None, "", "  ", "None", "[]"])
def test_u7_r14_an_extra_that_says_nothing_is_dropped(value: Any) -> None:
    keys = ("frequency", "spatial", "issued", "language", "theme", "temporal", "contact_email", "provenance")
    record = package(extras=[{"key": key, "value": value} for key in keys])
    made = dataset(record)
    assert (made.frequency_raw, made.places, made.languages, made.periods, made.provenance) == (None, (), (), (), None)
    assert made.themes_raw == ("交通运输",)
    assert [issue for issue in issues(record) if "extras" in (issue[1] or "")] == []


@pytest.mark.parametrize(
    ("spatial", "place"),
    [
        ('{"type": "MultiPolygon", "coordinates": []}', Place(geometry={"type": "MultiPolygon", "coordinates": []})),
        ({"type": "MultiPolygon", "coordinates": []}, Place(geometry={"type": "MultiPolygon", "coordinates": []})),
        ("Hauts-de-France", Place(name="Hauts-de-France")),
    ],
)
def test_u8_a_place_is_a_shape_or_stays_text(spatial: Any, place: Place) -> None:
    assert dataset(package(extras=[{"key": "spatial", "value": spatial}])).places == (place,)
    assert dataset(package(extras=[], spatial=spatial)).places == (place,)


def test_u9_h12_tags_are_kept_in_the_portals_words() -> None:
    """Peers make slugs of tags; ours are the portal's text without control characters, one-letter words and repeats."""
    tags = ["", "x", "some spaces  here", "random:other%characters&_.here", "duplicate", "DuPliCate", "t\x00ag"]
    tags.append("z" * 300)
    made = dataset(package(tags=[{"name": tag} for tag in tags]))
    assert made.keywords == (
        "some spaces here", "random:other%characters&_.here", "duplicate", "tag", "z" * 100
    )
    again = dataset(package(tags=[{"name": tag} for tag in made.keywords]))
    assert again.keywords == made.keywords


def test_extras_written_as_an_object_are_read_too() -> None:
    assert dataset(package(extras={"frequency": "每月"})).frequency == "monthly"


def test_of_several_extras_of_one_key_the_first_stands() -> None:
    extras = [{"key": "frequency", "value": "每月"}, {"key": "frequency", "value": "每年"}]
    assert dataset(package(extras=extras)).frequency == "monthly"


def test_a_record_cannot_pretend_to_be_laid_out() -> None:
    record = package(extras=[], **{"extras[key=frequency]": "每月"})
    assert dataset(record).frequency is None


def test_the_catalogue_a_record_stood_in_is_kept() -> None:
    raw = RawRecord(body=json.dumps(PACKAGE).encode(), catalogue="子目录")
    made, _ = to_dataset(raw, SOURCE)
    assert made is not None and made.catalogue == "子目录"


@needs_fixtures
def test_u11_dkans_older_answers_are_read() -> None:
    """Our rule: what is not understood stays empty and is said; the record's own words are taken as they are."""
    record = fixture("ckan/udata/dkan-french-w-license.json")["result"][0]
    source = Source(id="hdf", title="x", kind="dkan", url="https://opendata.example.fr", timezone="Europe/Paris")
    made, said = translated(record, source)
    assert made is not None
    assert made.issued is not None and made.issued.isoformat() == "2019-12-10T08:23:00+00:00"
    assert made.publisher is not None and made.publisher.name == "Région Hauts-de-France"
    assert [each.modified for each in made.distributions] == [None, None]
    assert [(each.format, each.size_bytes) for each in made.distributions] == [("xlsx", 42), (None, None)]
    assert ("field.not-understood", "resources[0].last_modified") in {(issue.code, issue.field) for issue in said}


@pytest.mark.slow
@needs_fixtures
def test_r13_the_argentine_portal_is_read_whole() -> None:
    source = Source(
        id="ar", title="AR", kind="ckan", url="https://datos.example.ar", timezone="America/Argentina/Buenos_Aires"
    )
    with gzip.open(FIXTURES / "ckan/ar_datos_gob_ar_package_show.jsonl.gz") as lines:
        answers = [to_dataset(RawRecord(body=line), source) for line in lines]
    made = [each for each, _ in answers if each is not None]
    assert (len(answers), len(made), sum(len(each.distributions) for each in made)) == (866, 866, 4034)
    assert len({each.publisher.id for each in made if each.publisher}) == 32
    assert any(each.source_key.startswith("acumar_") for each in made)
    two = next(each for each in made if each.themes_raw[-2:] == ("ENVI", "GOVE"))
    assert len(two.themes) == 2
    quarterly = [each for each in made if each.frequency_raw == "R/P3M"]
    assert len(quarterly) == 117 and {each.frequency for each in quarterly} == {"quarterly"}
    licences = schemas.vocabulary("licences").terms
    unspecified = [each for each in made if each.licence_raw == "No se especificó la licencia"]
    assert len(unspecified) == 295 and {each.licence for each in unspecified} == {"notspecified"}
    assert licences["notspecified"].attributes["open"] != "yes"
    formats = schemas.vocabulary("formats").terms
    for raw in ("url", "Gráfico"):
        read = {each.format for record in made for each in record.distributions if each.format_raw == raw}
        assert not any(code and formats[code].attributes.get("machine_readable") == "yes" for code in read)
    assert Counter(issue.code for _, said in answers for issue in said) == {"field.not-understood": 1}


@needs_fixtures
@pytest.mark.parametrize(
    "name",
    ["ckan_full_dataset_dcat_ap", "ckan_full_dataset_dcat_ap_legacy", "ckan_full_dataset_dcat_ap_vocabularies"],
)
def test_packages_of_ckanext_dcat_are_read_in_every_generation(name: str) -> None:
    record = {"id": "1", **fixture(f"ckan/ckanext_dcat_examples/{name}.json")}
    made = dataset(record)
    assert made.frequency == "monthly"
    assert set(made.languages) == {"en", "ca", "es"} or set(made.languages) == {"eng", "cat", "spa"}
    assert made.identifiers[0] == "xx-some-dataset-id-yy"
    assert [identifier[-8:] for identifier in made.identifiers[1:]] == ["alt-id-1", "alt-id-2"]
    assert made.periods[0] == Period(start="1905-03-01", end="2013-01-05")
    assert made.publisher is not None and made.publisher.name == "Test Publisher"
    assert made.contact is not None and made.contact.email == "contact1@example.org"
    assert made.themes_raw and made.conforms_to and made.applicable_legislation and made.related
    assert made.provenance
    first = made.distributions[0]
    assert first.checksum == "sha1:4304cf2e751e6053c90b1804c89c0ebb758f395a"
    assert first.size_bytes == 12323 and (first.licence or "").startswith("cc-by")
    assert first.access_url and first.download_url


def test_paths_follow_keys_lists_and_selections() -> None:
    record: dict[str, Any] = {"a": {"b": [{"c": 1}, {"c": [2, 3]}, None, {}]}, "one": {"c": 4}, "text": '["x", "y"]'}
    assert found(compiled("a.b[].c"), record, []) == [1, [2, 3]]
    assert found(compiled("a.b[].c[]"), record, []) == [1, 2, 3]
    assert found(compiled("one[].c"), record, []) == [4]
    assert found(compiled("text[]"), record, []) == ["x", "y"]
    assert found(compiled("a.nosuch"), record, []) is None
    assert found(compiled("."), record, []) is record


@pytest.mark.parametrize("path", ["a..b", "a[[", "a]b", "a.b[key=x].value", "", "a | b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        compiled(path)


OURS = st.recursive(
    st.dictionaries(st.sampled_from(["@value", "@id"]), st.text(max_size=3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.lists(inner, min_size=1, max_size=3), max_size=3),
    max_leaves=8,
)
"""Records as we make them of XML and RDF."""


@given(
    record=OURS,
    wanted=st.lists(
        st.builds(
            lambda keys, end: ".".join([*(f"{key}[]" for key in keys), *end]),
            st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
            st.sampled_from([[], ["@value"], ["@id"]]),
        ),
        max_size=12,
    ),
)
def test_one_walk_finds_what_each_path_finds_by_itself(record: dict[str, Any], wanted: list[str]) -> None:
    values = gathered(record, steps(wanted))
    assert values.pop(".") is record
    by_itself = {path: found(compiled(path), record, []) for path in wanted}
    assert values == {path: value for path, value in by_itself.items() if value is not None}


def test_a_path_that_several_rows_name_gives_each_value_once() -> None:
    assert gathered({"a": [{"@value": "x"}]}, steps(["a[].@value", "a[].@value"]))["a[].@value"] == ["x"]


def kinds() -> Iterator[str]:
    # The tables of families (athena, guizhou …) are parts of a kind: tests/harvester/test_families_jsonapi.py.
    for entry in files("schemas").joinpath("crosswalks").iterdir():
        if entry.name.removesuffix(".csv") in CONNECTORS:
            yield entry.name.removesuffix(".csv")


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_table_compiles_and_names_fields_of_the_unified_schema(kind: str) -> None:
    compiled_table = table(kind, "Asia/Shanghai", "https://example.org", None, None, ())
    every_way = compiled_table.record.ways(tuple(key for key in compiled_table.record.keys if key is not None))
    assert {field for field, *_ in every_way.single} >= {"source_key", "title"}
    assert set(compiled_table.groups["distributions"][0].item.keys) != set()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    | st.sampled_from(["2023-05-08", "[1,2", "{}", "[{}]", '{"type": "Point"}', "http://x", "\ud800", "None", "["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


PLACES = list(places(PACKAGE))[1:]


def put(record: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = value


def refuses_or_makes(record: Any) -> None:
    made, said = translated(record)
    assert made is not None or len(said) == 1
    assert all(issue.code and (issue.seen is None or len(issue.seen) <= 500) for issue in said)


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PLACES), value=JSON)
def test_any_field_may_be_anything(path: tuple[Any, ...], value: Any) -> None:
    record = package()
    put(record, path, value)
    refuses_or_makes(record)


@pytest.mark.slow
def test_ten_thousand_mutated_records_never_raise() -> None:
    rng = random.Random(7)
    makers: list[Callable[[], Any]] = [
        lambda: rng.choice((None, True, False)), lambda: rng.randint(-(2**70), 2**70), lambda: rng.random() * 1e308,
        lambda: "".join(chr(rng.randrange(0x11000)) for _ in range(rng.randrange(30))), lambda: [], lambda: {},
        lambda: [rng.choice(makers[:5])() for _ in range(3)], lambda: {"a": rng.choice(makers[:5])()},
        lambda: rng.choice(("是", "否", "[", "{}", "['a'", "0001-01-01", "http://[", "%", "\ud800", "NaN")),
        lambda: json.loads("[" * 400 + "]" * 400),
    ]
    for _ in range(10_000):
        record = package()
        for path in rng.sample(PLACES, rng.randrange(1, 6)):
            try:
                put(record, path, rng.choice(makers)())
            except (KeyError, IndexError, TypeError):
                continue  # An earlier mutation took the place away.
        refuses_or_makes(record)
