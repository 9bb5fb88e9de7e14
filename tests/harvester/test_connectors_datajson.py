"""data.json, as real portals write it and as broken ones do, read over a real connection."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import math
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any, NamedTuple

import pytest
from msgspec.structs import asdict

from harvester.connectors.datajson import records
from harvester.crosswalk import to_dataset
from harvester.errors import (
    AnswerCutShort,
    AnswerTooLarge,
    HarvestError,
    PagingBroken,
    PortalNotUnderstood,
)
from harvester.http import Http, Validators
from harvester.identity import dataset_id
from harvester.jsonstream import parts
from harvester.records import Listing, RawRecord
from portal.catalog.model import Column, Contact, Dataset, DistributionKind, Issue, Period, Place, RecordType, Source
from tests.fixtures import FIXTURES, needs_fixtures
from tests.hostile import HostileServer, Script, answer, conditional, html_as_json, limit_data, slicer

DCAT_US = FIXTURES / "dcat_us"
EXPECTED = FIXTURES / "federated_expected"


class Reading(NamedTuple):
    """All that a connector gave, and what became of it."""

    records: list[RawRecord]
    datasets: list[Dataset]
    issues: list[Issue]
    listing: Listing

    @property
    def keys(self) -> list[str]:
        return [dataset.source_key for dataset in self.datasets]

    @property
    def complaints(self) -> list[tuple[str, str | None, str | None]]:
        return [(issue.code, issue.source_key, issue.field) for issue in self.issues]


def way_out(**options: Any) -> Http:
    return Http(requests_per_second=math.inf, allow_private=[ip_network("127.0.0.0/8")], **options)


def read_portal(scripts: Mapping[str, Script], http: Http | None = None, **options: Any) -> Reading:
    """Reads everything a portal at ``/data.json`` gives."""
    found: list[RawRecord] = []
    issues: list[Issue] = []
    datasets: list[Dataset] = []
    with HostileServer(scripts) as portal, http or way_out() as out:
        source = Source(id="portal", title="Portal", kind="datajson", url=portal.url, options=options)
        listing = records(source, out, None)
        while True:
            try:
                item = next(listing)
            except StopIteration as end:
                return Reading(found, datasets, issues, end.value)
            if isinstance(item, Issue):
                issues.append(item)
                continue
            found.append(item)
            dataset, remarks = to_dataset(item, source)
            issues += remarks
            datasets += [dataset] if dataset else []


def read(document: bytes | Any, **options: Any) -> Reading:
    body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    return read_portal({"/data.json": answer(body)}, **options)


def fixture(path: str) -> bytes:
    content = (DCAT_US / path).read_bytes()
    return gzip.decompress(content) if path.endswith(".gz") else content


def dataset(**members: Any) -> dict[str, Any]:
    """A sound DCAT-US 1.1 record."""
    return {
        "identifier": "bus-stops",
        "title": "公交站点 Bus stops",
        "description": "All stops",
        "keyword": ["bus", "公交"],
        "modified": "2024-05-06",
        "publisher": {"name": "市交通局", "subOrganizationOf": {"name": "市政府"}},
        "contactPoint": {"fn": "王五", "hasEmail": "mailto:bus@example.cn"},
        "accessLevel": "public",
        **members,
    }


def only(**members: Any) -> Dataset:
    """What one record becomes."""
    (made,) = read({"dataset": [dataset(**members)]}).datasets
    return made


# What real portals give.


@needs_fixtures
def test_g1_all_seven_datasets_are_read_and_then_three_of_them() -> None:
    first, second = read(fixture("gsa/dcatus.json")), read(fixture("gsa/dcatus_2.json"))
    assert first.keys == [f"cftc-dc{number}" for number in range(1, 8)]
    assert second.keys == first.keys[:3]
    assert [made.id for made in second.datasets] == [made.id for made in first.datasets[:3]]
    assert (first.issues, second.issues) == ([], [])
    assert first.listing == Listing()


@needs_fixtures
def test_g1_every_record_is_the_portals_own_bytes() -> None:
    document = fixture("gsa/dcatus.json")
    given = read(document).records
    assert [json.loads(record.body) for record in given] == json.loads(document)["dataset"]
    assert all(record.body in document for record in given)


@needs_fixtures
def test_g2_a_changed_and_a_vanished_record_differ_in_bytes_and_in_keys_alone() -> None:
    before, after = read(fixture("dkan/catalog-step-1.json")), read(fixture("dkan/catalog-step-2.json"))
    assert (before.keys, after.keys) == (["1", "2", "3"], ["1", "2", "4"])
    assert before.records[0].body == after.records[0].body
    assert before.records[1].body != after.records[1].body


@needs_fixtures
def test_g4_a_record_without_an_identifier_is_refused_by_name() -> None:
    reading = read(fixture("gsa/dcatus_no_identifier.json"))
    assert (len(reading.records), reading.datasets) == (1, [])
    assert reading.complaints == [("record.key-missing", None, None)]


@needs_fixtures
def test_g5_an_identifier_that_is_an_object_needs_an_address() -> None:
    reading = read(fixture("gsa/dcatus3_0.json"))
    assert reading.keys == [f"https://example.gov/datasets/{number}" for number in ("one", "two", "three")]
    assert (len(reading.records), reading.complaints) == (4, [("record.key-missing", None, None)])


@needs_fixtures
def test_g6_services_are_read_as_services() -> None:
    reading = read(fixture("gsa/dcatus3_0_with_services.json"))
    kinds = [(made.record_type, made.source_key, made.endpoint_url) for made in reading.datasets]
    assert kinds == [
        (RecordType.DATASET, "https://example.gov/datasets/one", None),
        (RecordType.SERVICE, "https://example.gov/services/one", "https://api.example.gov/climate/v1"),
        (RecordType.SERVICE, "https://example.gov/services/two", "https://api.example.gov/weather/v1"),
    ]
    assert reading.issues == []


@needs_fixtures
def test_g6_catalogue_records_are_counted_and_are_no_datasets() -> None:
    reading = read(fixture("gsa/dcatus3_0_with_records.json"))
    assert (len(reading.records), len(reading.datasets)) == (1, 1)
    assert [(issue.code, issue.seen) for issue in reading.issues] == [("listing.catalogue-records", "2")]


@needs_fixtures
def test_g7_the_same_title_twice_is_two_datasets_whatever_becomes_of_it() -> None:
    first, second = read(fixture("gsa/dcatus_same_title.json")), read(fixture("gsa/dcatus_same_title_step_2.json"))
    assert len({made.id for made in first.datasets}) == 2
    assert len({made.title for made in first.datasets}) == 1
    assert [made.id for made in second.datasets] == [made.id for made in first.datasets]
    assert sum(a.body != b.body for a, b in zip(first.records, second.records, strict=True)) == 1


@needs_fixtures
def test_g8_what_a_profile_requires_and_a_record_lacks_is_named_and_the_record_kept() -> None:
    reading = read(fixture("gsa/dcatus3_0_invalid.json"))
    assert len(reading.datasets) == 2
    assert reading.complaints == [("field.missing", "https://example.gov/datasets/invalid", "contactPoint")]


@needs_fixtures
def test_g8_r20_402_records_are_read_and_each_null_modified_gets_exactly_one_issue() -> None:
    """The reference speaks of one such record; 391 of the 402 say null there, the others R/P1D."""
    document = fixture("gsa/dcatus_with_none.json.gz")
    without = [each["identifier"] for each in json.loads(document)["dataset"] if each["modified"] is None]
    reading = read(document)
    assert (len(reading.records), len(reading.datasets), len(without)) == (402, 402, 391)
    named = [key for code, key, field in reading.complaints if (code, field) == ("field.missing", "modified")]
    assert named == without
    assert all(made.modified is None for made in reading.datasets)
    daily = [made for made in reading.datasets if made.frequency_raw == "R/P1D"]
    assert (len(daily), {made.frequency for made in daily}) == (11, {"daily"})


@needs_fixtures
def test_g9_a_box_of_a_real_feed_becomes_a_polygon_and_what_cannot_be_read_is_named() -> None:
    usda = read(fixture("ckanext_datajson/usda.gov.data.json")).datasets[-1]
    (place,) = usda.places
    assert place.geometry is not None and place.geometry["type"] == "Polygon"
    assert place.geometry["coordinates"][0][0] == [-134.91336517510808, 21.082969302706488]
    reading = read(fixture("gsa/dcatus_spatial_no_translate.json"))
    assert reading.datasets[0].places == ()
    assert [(issue.code, issue.field) for issue in reading.issues] == [("field.not-understood", "spatial")]


@pytest.mark.parametrize("title", [
    "unchanged", "some spaces  here    &here", "s", "random:other%character&", "u with umlaut ü", "reallylong" * 12,
    "公园绿地 2012", "10cm - 50cm Near InfraRed (NI) Digital Aerial Photography (AfA142)",
])
def test_g10_an_id_comes_from_the_identifier_and_never_from_the_title(title: str) -> None:
    """A title is no identity here: the same key keeps its id under any title, and Chinese stays as it is."""
    made = only(title=title)
    assert made.id == dataset_id("portal", "bus-stops")
    assert made.title == " ".join(title.split())
    assert only(title=title, identifier="other").id != made.id


@needs_fixtures
def test_g14_children_name_their_collection_whether_or_not_it_is_there() -> None:
    reading = read(fixture("ckanext_datajson/collection-1-parent-2-children.data.json"))
    assert [(made.source_key, made.series) for made in reading.datasets] == [
        ("OPM-ERround-0001-AWOL", ("OPM-ERround-0001",)),
        ("OPM-ERround-0001", ()),
        ("OPM-ERround-0001-Retire", ("OPM-ERround-0001",)),
    ]
    assert reading.issues == []
    assert read(fixture("gsa/dcatus_spatial_no_translate.json")).datasets[0].series == ("some-collection-id",)


@needs_fixtures
def test_g15_unknown_fields_stay_in_the_raw_record() -> None:
    reading = read(fixture("ckanext_datajson/usda.gov.data.json"))
    assert len(reading.datasets) == 3
    extra = [json.loads(record.body).get("additionalFieldDict") for record in reading.records]
    assert extra == [{"a": 3}, None, None]


@needs_fixtures
@pytest.mark.parametrize("name, keys", [
    ("null-spatial", ["null-spatial"]),
    ("reserved-title", ["bad-01"]),
    ("ny", ["https://data.ny.gov/api/views/22ew-dxez"]),
    ("arm", ["ncepgfsbrwpprof", "10.5439/1027266", "avhrr12"]),
    ("missing-catalog", ["IDF6-OPM-0001"]),
])
def test_g15_null_places_reserved_titles_and_odd_ids_are_read(name: str, keys: list[str]) -> None:
    assert read(fixture(f"ckanext_datajson/{name}.data.json")).keys == keys


def test_g15_a_source_that_is_no_json_is_refused_with_what_it_said() -> None:
    with pytest.raises(PortalNotUnderstood, match="a JSON object or array was expected at byte 0") as told:
        read(b"This is not JSON")
    assert told.value.seen == "This is not JSON"


@needs_fixtures
def test_g16_two_records_stay_two_and_one_of_them_changes() -> None:
    first, second = read(fixture("dkan/data.json")), read(fixture("dkan/data2.json"))
    assert first.keys == second.keys == [
        "cedcd327-4e5d-43f9-8eb1-c11850fa7c55", "fb3525f2-d32a-451e-8869-906ed41f7695",
    ]
    assert [made.title for made in second.datasets] == ["Florida Bike Lanes 2", "London Deprivation Index"]
    assert [a.body == b.body for a, b in zip(first.records, second.records, strict=True)] == [False, True]
    london = first.datasets[1]
    assert london.places[0].geometry is not None and london.places[0].geometry["type"] == "Polygon"
    assert london.frequency == "annual" and london.description is not None and "<p>" in london.description


# G17: all of pydatajson's samples. What its report calls an error either becomes an issue or is read all the same.

SAMPLES = DCAT_US / "pydatajson"
UNREADABLE = {"missing_dataset.json"}
DEFECTS: Mapping[str, list[tuple[str, str | None]]] = {
    "empty_super_theme_list.json": [("field.missing", "superTheme")],
    "invalid_dataset_type.json": [("listing.not-a-list", "dataset")],
    "invalid_field_description_type.json": [("field.wrong-type", "distribution[].field[0].description")],
    "malformed_accrualperiodicity.json": [("field.not-understood", "accrualPeriodicity")],
    "missing_catalog_description.json": [("field.missing", "catalog.description")],
    "missing_catalog_title.json": [("field.missing", "catalog.title")],
    "missing_distribution_title.json": [("field.missing", "distribution[0].title")],
    "missing_periodicity.json": [("field.missing", "accrualPeriodicity")],
    "null_catalog_publisher.json": [("field.missing", "catalog.publisher")],
}
READ_ALL_THE_SAME = {
    "invalid_dataset_theme_type.json": "a theme alone is read as a list of one",
    "invalid_multiple_emails.json": "the first of several addresses is read",
    "malformed_temporal.json": "2015-01-1 is read as 2015-01-01",
    "invalid_catalog_empty.json": "an empty list is one",
    "invalid_catalog_publisher_type.json": "of the catalogue, which no record holds",
    "invalid_publisher_mbox_format.json": "of the catalogue, which no record holds",
    "malformed_datetime.json": "of the catalogue, which no record holds",
    "malformed_uri.json": "of the catalogue, which no record holds",
}
SEVERAL_DEFECTS = {
    "integration_full_sample_data.json", "several_datasets.json", "several_datasets_for_harvest.json",
    "several_datasets_with_licenses.json", "several_datasets_with_types.json",
}


def samples() -> list[str]:
    return sorted(path.name for path in SAMPLES.glob("*.json"))


@needs_fixtures
@pytest.mark.parametrize("name", samples())
def test_g17_every_usable_record_is_kept_and_its_defects_are_named(name: str) -> None:
    document = fixture(f"pydatajson/{name}")
    if name in UNREADABLE:
        with pytest.raises(PortalNotUnderstood, match="no list of datasets"):
            read(document)
        return
    given = json.loads(document)["dataset"]
    reading = read(document)
    assert len(reading.datasets) == (1 if isinstance(given, dict) else len(given))
    met = [(issue.code, issue.field) for issue in reading.issues]
    if name in SEVERAL_DEFECTS:
        assert met and {code for code, _ in met} <= {"field.missing", "field.wrong-type", "field.not-understood"}
    else:
        assert met == DEFECTS.get(name, [])
    assert not (name in READ_ALL_THE_SAME and met)


@needs_fixtures
def test_g17_what_is_read_all_the_same_loses_nothing() -> None:
    theme = read(fixture("pydatajson/invalid_dataset_theme_type.json")).datasets[0]
    assert "contrataciones" in theme.themes_raw
    mails = read(fixture("pydatajson/invalid_multiple_emails.json")).datasets[1]
    assert mails.contact is not None and mails.contact.email == "one@mail.com"
    span = read(fixture("pydatajson/malformed_temporal.json")).datasets[0]
    assert span.periods == (Period(start="2015-01-01", end="2015-12-31"),)
    trimmed = read(fixture("pydatajson/valid_whitespace_emails.json")).datasets[1]
    assert trimmed.contact is not None and trimmed.contact.email == "trailspace@mail.com"


@needs_fixtures
@pytest.mark.parametrize("name", [
    "full_data", "minimum_data", "empty_optional_string", "mismatched_downloadURL_and_format",
])
def test_g17_what_the_peer_calls_valid_has_no_issue_and_the_peers_titles(name: str) -> None:
    report = json.loads((EXPECTED / "pydatajson" / f"{name}.json").read_text())
    reading = read(fixture(f"pydatajson/{name}.json"))
    assert (report["status"], reading.issues) == ("OK", [])
    assert [(made.source_key, made.title) for made in reading.datasets] == [
        (each["identifier"], each["title"]) for each in report["error"]["dataset"]
    ]


@needs_fixtures
def test_g17_datasets_distributions_and_columns_are_the_peers() -> None:
    def expected(name: str) -> Any:
        return json.loads((EXPECTED / "pydatajson" / f"{name}.json").read_text())

    made = read(fixture("pydatajson/full_data.json")).datasets
    assert [each.title for each in made] == expected("datasets_meta_field")
    assert [each.access_url for one in made for each in one.distributions] == expected("distributions_meta_field")
    assert [(each.key, each.title, each.format_raw, each.size_bytes) for one in made for each in one.distributions] == [
        (each["identifier"], each["title"], each["format"], each["byteSize"]) for each in expected("distributions")
    ]
    assert [each.data_type for one in made for each in one.columns] == expected("fields_meta_field")
    assert [(each.name, each.description) for one in made for each in one.columns] == [
        (each["title"], each["description"]) for each in expected("fields")
    ]


@needs_fixtures
def test_g17_the_argentine_profile_is_read_whole() -> None:
    first, second = read(fixture("pydatajson/full_data.json")).datasets
    assert first.themes_raw == ("contrataciones", "compras", "convocatorias", "econ")
    assert first.themes == ("finance",)
    assert (first.frequency, first.licence) == ("annual", "odbl")
    assert first.periods == (Period(start="2015-01-01", end="2015-12-31"),)
    assert first.contact is not None and first.contact.email == "onc-compraselectronicas@modernizacion.gob.ar"
    assert first.places == (Place(name="ARG"),)
    assert first.columns[0] == Column(
        name="procedimiento_id",
        description="Identificador único del procedimiento de contratación",
        data_type="integer",
    )
    assert [each.kind for each in (*first.distributions, *second.distributions)] == [
        DistributionKind.FILE, DistributionKind.LINK,
    ]


# R19: rows of another federation.


def asset_rows(made: list[Dataset]) -> list[tuple[str, ...]]:
    """As the peer writes them: one row an asset, without the page every dataset links to."""
    return sorted(
        (
            each.title,
            each.landing_page or "",
            asset.access_url or "",
            asset.title or "",
            moment.isoformat() if (moment := each.modified or each.issued) else "",
        )
        for each in made
        for asset in each.distributions
        if asset.title != "ArcGIS Hub Dataset"
    )


@needs_fixtures
@pytest.mark.parametrize("city, datasets, assets", [("edinburgh", 44, 220), ("glasgow", 68, 256)])
def test_r19_scottish_councils_give_the_peers_rows(city: str, datasets: int, assets: int) -> None:
    with (EXPECTED / "scotland" / "dcat" / f"{city}.csv").open(encoding="utf-8", newline="") as table:
        expected = sorted(
            (
                # The peer keeps runs of space in a title; we make them one.
                " ".join(row["Title"].split()),
                row["PageURL"],
                row["AssetURL"],
                row["FileType"],
                row["DateUpdated"].replace(".000Z", "+00:00"),
            )
            for row in csv.DictReader(table)
        )
    made = read(fixture(f"scotland/dcat/{city}.json")).datasets
    assert len(made) == datasets
    rows = asset_rows(made)
    assert len(rows) == assets
    assert rows == expected


# What one record becomes.


def test_a_record_of_dcat_us_is_translated_field_by_field() -> None:
    made = only(
        issued="2020-01-02", accrualPeriodicity="R/P1Y", license="https://creativecommons.org/licenses/by/4.0/",
        temporal="2015-01-01/2020-12-31", language=["zh"], landingPage="https://data.example.cn/bus",
        references=["https://example.cn/notes"], describedBy="https://example.cn/dictionary", isPartOf="transport",
        conformsTo="https://example.cn/standard", theme=["Transportation"], rights="署名", bureauCode=["010:86"],
        distribution=[{
            "title": "CSV", "downloadURL": "https://data.example.cn/bus.csv", "mediaType": "text/csv", "format": "CSV",
            "conformsTo": "https://example.cn/gtfs",
        }],
    )
    assert (made.title, made.description, made.keywords) == ("公交站点 Bus stops", "All stops", ("bus", "公交"))
    assert made.publisher is not None
    assert (made.publisher.name, made.publisher.parent_name) == ("市交通局", "市政府")
    assert made.contact == Contact(name="王五", email="bus@example.cn")
    assert (made.frequency, made.frequency_raw, made.licence) == ("annual", "R/P1Y", "cc-by-4.0")
    assert made.licence_url == "https://creativecommons.org/licenses/by/4.0/"
    assert made.periods == (Period(start="2015-01-01", end="2020-12-31"),)
    assert (made.languages, made.landing_page, made.rights) == (("zh",), "https://data.example.cn/bus", "署名")
    assert made.related == ("https://example.cn/notes", "https://example.cn/dictionary")
    assert (made.series, made.conforms_to) == (("transport",), ("https://example.cn/standard",))
    assert made.themes_raw == ("Transportation",)
    (file,) = made.distributions
    assert (file.kind, file.format, file.media_type) == (DistributionKind.FILE, "csv", "text/csv")
    assert (file.download_url, file.access_url) == ("https://data.example.cn/bus.csv", None)
    assert file.conforms_to == ("https://example.cn/gtfs",)
    assert "010:86" not in str(asdict(made).values())


def test_an_access_level_of_public_only_says_that_it_could_be_open() -> None:
    """DCAT-US: "is or could be made publicly available", whether or not it has been."""
    said = {level: only(accessLevel=level) for level in ("public", "restricted public", "non-public")}
    assert {level: made.openness for level, made in said.items()} == {
        "public": None, "restricted public": "conditional", "non-public": "denied",
    }
    assert all(made.openness_raw == made.access_rights == level for level, made in said.items())


@pytest.mark.parametrize("said, expected", [
    ("2015-01-01/2020-12-31", [("2015-01-01", "2020-12-31")]),
    ("2015/P2Y", [("2015", "2017-01-01")]),
    ("2015-01-31/P1M", [("2015-01-31", "2015-03-03")]),
    ("2015-01-01T00:00:00Z/PT12H", [("2015-01-01T00:00:00+00:00", None)]),
    ([{"startDate": "2024-01-01", "endDate": "2024-12-31"}], [("2024-01-01", "2024-12-31")]),
    ({"startDate": "2024-01-01"}, [("2024-01-01", None)]),
    (["2010/2011", "2014/2015"], [("2010", "2011"), ("2014", "2015")]),
    (None, []),
])
def test_every_way_to_write_a_span_of_time_is_read(said: Any, expected: list[tuple[str, str | None]]) -> None:
    assert [(period.start, period.end) for period in only(temporal=said).periods] == expected


@pytest.mark.parametrize("said, places", [
    ("Florida", (Place(name="Florida"),)),
    ("http://sws.geonames.org/6252001/", (Place(uri="http://sws.geonames.org/6252001/"),)),
    ("-92.1,15.1,-92.1,15.1", (Place(geometry={"type": "Point", "coordinates": [-92.1, 15.1]}),)),
    ([{"prefLabel": "Vienna", "@id": "https://example.org/vienna"}, "Linz"],
     (Place(name="Vienna", uri="https://example.org/vienna"), Place(name="Linz"))),
    ([{"@type": "Location", "geometry": "POINT(16.4 48.2)", "bbox": "1,2,3,4"}],
     (Place(geometry={"type": "Point", "coordinates": [16.4, 48.2]}),)),
    (None, ()),
])
def test_g9_places_are_names_addresses_or_shapes(said: Any, places: tuple[Place, ...]) -> None:
    assert only(spatial=said).places == places


def test_a_repeating_interval_for_a_date_is_a_frequency() -> None:
    made = only(modified="R/P1W")
    assert (made.modified, made.frequency, made.frequency_raw) == (None, "weekly", "R/P1W")


def test_dcat_us_3_objects_are_read_where_1_1_had_texts() -> None:
    made = only(**{
        "@type": "Dataset", "@id": "https://example.gov/d/1",
        "identifier": {"@type": "Identifier", "notation": "NCDC-1"},
        "contactPoint": [{"fn": "Support", "hasEmail": "mailto:s@example.gov", "tel": "+1-555"}],
        "otherIdentifier": [{"notation": "10.1234/abc"}],
        "theme": [{"@id": "https://example.gov/c/1", "prefLabel": "Climate"}],
        "landingPage": {"@id": "https://example.gov/doc", "accessURL": "https://example.gov/page"},
        "inSeries": [{"@id": "https://example.gov/series/1", "title": "Annual"}],
        "conformsTo": [{"@id": "https://example.gov/standard"}],
        "publisher": {"@id": "https://example.gov/org", "name": "NCDC"},
        "license": {"@id": "https://creativecommons.org/publicdomain/zero/1.0/"},
        "provenance": ["Collected"], "rights": ["Free"],
        "distribution": [{"accessURL": "https://example.gov/d", "byteSize": "524288000",
                          "accessService": [{"@id": "https://example.gov/services/1"}]}],
    })
    assert (made.source_key, made.identifiers) == ("https://example.gov/d/1", ("NCDC-1", "10.1234/abc"))
    assert made.contact == Contact(name="Support", email="s@example.gov", phone="+1-555")
    assert (made.themes_raw, made.landing_page) == (("Climate",), "https://example.gov/page")
    assert (made.series, made.conforms_to) == (("https://example.gov/series/1",), ("https://example.gov/standard",))
    assert made.publisher is not None and made.publisher.uri == "https://example.gov/org"
    assert (made.licence, made.provenance, made.rights) == ("cc0", "Collected", "Free")
    (api,) = made.distributions
    assert (api.kind, api.size_bytes) == (DistributionKind.API, 524288000)
    assert api.service_keys == ("https://example.gov/services/1",)


def test_fault_31_a_field_of_any_wrong_type_is_named_and_the_record_kept() -> None:
    wrong: list[Any] = [None, 7, 1.5, True, "", "x", [], [None], [[1]], {}, {"a": {"b": []}}, ["x", 3, {}]]
    members = [*dataset(), "spatial", "temporal", "distribution", "theme", "license", "landingPage", "isPartOf"]
    given = [
        dataset(**{"identifier": f"{member}-{number}", member: value})
        for member, (number, value) in itertools.product(members, enumerate(wrong))
        if member not in ("identifier", "title")
    ]
    reading = read({"dataset": given})
    assert len(reading.datasets) == len(given)
    assert {issue.code for issue in reading.issues} <= {
        "field.missing", "field.wrong-type", "field.not-understood", "distribution.address-unusable",
    }


# What stands around the records.


def test_nested_catalogues_are_read_and_named() -> None:
    reading = read({
        "title": "State", "dataset": [dataset(identifier="a")],
        "catalog": [
            {"@id": "https://example.cn/city", "title": "City", "dataset": [dataset(identifier="b")],
             "catalog": [{"title": "District", "dataset": [dataset(identifier="c")]}]},
            {"@id": "https://example.cn/elsewhere"},
            "https://example.cn/far",
        ],
    })
    assert [(made.source_key, made.catalogue) for made in reading.datasets] == [
        ("a", None), ("b", "https://example.cn/city"), ("c", "District"),
    ]
    assert [(issue.code, issue.url) for issue in reading.issues] == [
        ("listing.catalogue-elsewhere", "https://example.cn/elsewhere"),
        ("listing.catalogue-elsewhere", "https://example.cn/far"),
    ]


def test_services_and_series_are_told_apart_from_datasets() -> None:
    reading = read({
        "dataset": [{**dataset(identifier="s"), "@type": "dcat:DatasetSeries"}],
        "service": [{"identifier": "w", "title": "WFS", "endpointURL": ["https://example.cn/wfs"],
                     "servesDataset": [{"@id": "d1"}, "d2"]}],
        "datasetSeries": [{"@type": "DatasetSeries", "@id": "https://example.cn/series", "title": "Annual"}],
    })
    kinds = [(made.source_key, made.record_type, made.serves) for made in reading.datasets]
    assert kinds == [
        ("s", RecordType.SERIES, ()),
        ("w", RecordType.SERVICE, ("d1", "d2")),
        ("https://example.cn/series", RecordType.SERIES, ()),
    ]


def test_a_bare_list_of_datasets_is_read() -> None:
    assert read([dataset(identifier="a"), dataset(identifier="b")]).keys == ["a", "b"]


def test_an_empty_list_of_datasets_is_an_honest_answer() -> None:
    reading = read({"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": []})
    assert (reading.records, reading.listing) == ([], Listing())


def test_fault_22_an_unchanged_document_costs_one_request_and_gives_no_record() -> None:
    document = json.dumps({"dataset": [dataset()]}).encode()
    with HostileServer({"/data.json": conditional(document, etag='"one"')}) as portal:
        source = Source(id="portal", title="Portal", kind="datajson", url=portal.url + "/data.json")
        with way_out() as first:
            assert len(list(records(source, first, None))) == 1
            known = dict(first.seen_validators)
        with way_out(validators=known) as second, pytest.raises(StopIteration) as end:
            next(records(source, second, None))
        assert (end.value.value, second.requests) == (Listing(not_modified=True), 1)
    assert known == {source.url: Validators(etag='"one"')}


@pytest.mark.parametrize("body", [b"", b" \n ", b"null", b"[]", b"{}", b'{"dataset": null}', b'""', b"[[]]", b"[3]"])
def test_fault_26_an_answer_without_a_list_of_datasets_is_refused(body: bytes) -> None:
    with pytest.raises(PortalNotUnderstood) as told:
        read(body)
    assert told.value.url is not None and told.value.url.endswith("/data.json")


def test_fault_25_html_under_a_json_content_type_is_refused_with_its_beginning() -> None:
    with pytest.raises(HarvestError) as told:
        read_portal({"/data.json": html_as_json()})
    assert told.value.seen is None or "<!DOCTYPE html>" in told.value.seen


@pytest.mark.parametrize("broken", [b'{"a": NaN}', b"{'a': 'b'}", b'{"a": 1,}', b'{"a": "\x00"}'])
def test_fault_27_a_malformed_record_is_refused_alone_and_says_where(broken: bytes) -> None:
    first, last = (json.dumps(dataset(identifier=key)).encode() for key in "ab")
    reading = read(b'{"dataset": [' + first + b"," + broken + b"," + last + b"]}")
    assert (reading.keys, len(reading.records)) == (["a", "b"], 3)
    (issue,) = reading.issues
    assert issue.code == "record.malformed" and issue.detail is not None


@pytest.mark.parametrize("document, at", [
    (b'{"dataset": [{"identifier": "a", "title": "A"},]}', 47),
    (b'{"dataset": [{"identifier": "a", "title": "A"}]} trailing', 49),
    (b'[{"identifier": "a", "title": "A"}][{"identifier": "b", "title": "B"}]', 35),
])
def test_fault_27_a_malformed_document_names_the_byte(document: bytes, at: int) -> None:
    with pytest.raises(PortalNotUnderstood, match=f"at byte {at}$"):
        read(document)


def test_fault_28_a_truncated_document_gives_what_came_and_then_fails() -> None:
    document = json.dumps({"dataset": [dataset(identifier=str(number)) for number in range(100)]}).encode()
    given = []
    with HostileServer({"/data.json": answer(document[:-200])}) as portal, way_out() as http:
        listing = records(Source(id="p", title="P", kind="datajson", url=portal.url), http, None)
        with pytest.raises(AnswerCutShort, match=f"ends unfinished at byte {len(document) - 200}"):
            for item in listing:
                given.append(item)
        assert http.seen_validators == {}
    assert len(given) == 99


def test_fault_7_a_connection_that_breaks_off_fails() -> None:
    document = json.dumps({"dataset": [dataset(identifier=str(number)) for number in range(100)]}).encode()
    with pytest.raises(HarvestError):
        read_portal({"/data.json": limit_data(answer(document), 20_000)})


def test_fault_8_small_pieces_change_nothing() -> None:
    document = json.dumps({"dataset": [dataset()]}, ensure_ascii=False).encode()
    (record,) = read_portal({"/data.json": slicer(answer(document), 3)}).records
    assert record.body == document[13:-2]


@pytest.mark.parametrize("record, error", [
    (b'{"identifier": "a", "title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", PortalNotUnderstood),
    (b'{"identifier": "a", "title": "' + b"x" * (11 * 2**20) + b'"}', AnswerTooLarge),
])
def test_fault_29_depth_and_size_are_limited(record: bytes, error: type[HarvestError]) -> None:
    with pytest.raises(error, match="at byte 13"):
        read(b'{"dataset": [' + record + b"]}")


@pytest.mark.slow
def test_fault_29_a_record_of_half_a_million_members_is_read() -> None:
    many = b", ".join(b'"m%d": 1' % number for number in range(500_000))
    reading = read(b'{"dataset": [{"identifier": "a", "title": "A", "accessLevel": "public", ' + many + b"}]}")
    assert reading.keys == ["a"]


def test_fault_30_a_member_that_stands_twice_is_named_and_the_last_one_read() -> None:
    reading = read(b'{"dataset": [{"identifier": "a", "title": "A", "title": "B", "note": "\\"x\\": y"}]}')
    assert [made.title for made in reading.datasets] == ["B"]
    assert reading.complaints == [("field.duplicate", "a", "title")]


def test_fault_30_a_list_that_stands_twice_is_named_and_read_whole() -> None:
    reading = read(b'{"dataset": [{"identifier": "a", "title": "A"}], "dataset": [{"identifier": "b", "title": "B"}]}')
    assert reading.keys == ["a", "b"]
    assert [(issue.code, issue.field) for issue in reading.issues] == [("field.duplicate", "dataset")]


@needs_fixtures
@pytest.mark.parametrize("name", ["moray.json.gz", "renfrew.json.gz", "south_ayrshire.json"])
def test_fault_44_arcgis_posing_as_data_json_is_called_by_its_name(name: str) -> None:
    with pytest.raises(PortalNotUnderstood, match="this is an ArcGIS Hub API, no data.json"):
        read(fixture(f"scotland/arcgis/{name}"))


@pytest.mark.parametrize("document, what", [
    ({"nhits": 1, "parameters": {}, "datasets": [{"datasetid": "x"}]}, "Opendatasoft search API"),
    ({"total_count": 1, "results": [{"dataset_id": "x"}]}, "Opendatasoft Explore API"),
    ({"help": "h", "success": True, "result": []}, "CKAN action API"),
    ({"currentVersion": 10.9, "folders": [], "services": []}, "ArcGIS REST"),
    ({"@context": {}, "@graph": [{"@type": "dcat:Dataset"}]}, "JSON-LD graph"),
    ({"error": "not found"}, "an error message"),
    ({"rows": [{"标题": "公园"}], "total": 1}, "no list of datasets in the document"),
    ({"dataset": ["a", "b"]}, "the list 'dataset' holds no objects"),
    ({"dataset": {"a": {"title": "A"}}}, "the list 'dataset' holds no DCAT datasets"),
    ([{"标题": "公园", "部门": "园林局"}], "the list holds no DCAT datasets"),
])
def test_fault_44_whatever_poses_as_data_json_is_refused_with_what_was_seen(document: Any, what: str) -> None:
    with pytest.raises(PortalNotUnderstood, match=what) as told:
        read(document)
    assert told.value.seen


# Paging.


def pages(make: Callable[[int, list[dict[str, Any]]], Any], count: int = 3) -> dict[str, Script]:
    """A portal of pages of two, told apart by ``page``; beyond the last it gives an empty one."""

    def script(talk: Any) -> None:
        _, _, query = talk.seen.target.partition("?page=")
        number = int(query or 1)
        listed = [dataset(identifier=f"{number}-{place}") for place in range(2)] if number <= count else []
        answer(json.dumps(make(number, listed)))(talk)

    return {"/data.json": script}


ALL_SIX = ["1-0", "1-1", "2-0", "2-1", "3-0", "3-1"]


@pytest.mark.parametrize("make", [
    lambda number, listed: {"dataset": listed, "next": f"data.json?page={number + 1}" if number < 3 else None},
    lambda number, listed: {"links": {"next": f"/data.json?page={number + 1}"} if number < 3 else {},
                            "dataset": listed},
    lambda number, listed: {"hydra:view": {"@id": "x", **({"hydra:next": f"/data.json?page={number + 1}"}
                            if number < 3 else {})}, "dataset": listed},
    lambda number, listed: {"_links": {"next": {"href": f"/data.json?page={number + 1}"}} if number < 3 else {},
                            "dataset": listed},
    lambda number, listed: {"links": [{"rel": "self", "href": "/data.json"}, *(
        [{"rel": "next", "href": f"/data.json?page={number + 1}"}] if number < 3 else [])], "dataset": listed},
    lambda number, listed: {"page": number, "totalPages": 3, "dataset": listed},
])
def test_fault_45_pages_that_a_document_states_are_all_read(make: Callable[[int, Any], Any]) -> None:
    assert read_portal(pages(make)).keys == ALL_SIX


def test_fault_45_pages_that_the_operator_knows_of_are_read_to_an_empty_one() -> None:
    assert read_portal(pages(lambda number, listed: {"dataset": listed}), page_parameter="page").keys == ALL_SIX


def test_fault_45_pages_that_a_header_states_are_read() -> None:
    first = answer(json.dumps([dataset(identifier="a")]), headers={"Link": '</second>; rel="next"'})
    second = answer(json.dumps([dataset(identifier="b")]))
    assert read_portal({"/data.json": first, "/second": second}).keys == ["a", "b"]


def test_fault_45_a_page_that_repeats_another_is_the_end_of_trust() -> None:
    with pytest.raises(PagingBroken, match="a page repeats an earlier one"):
        read_portal({"/data.json": answer(json.dumps({"dataset": [dataset()]}))}, page_parameter="page")


def test_fault_45_a_page_that_leads_back_is_the_end_of_trust() -> None:
    with pytest.raises(PagingBroken, match="leads back"):
        read_portal(pages(lambda number, listed: {"dataset": listed, "next": "/data.json"}))


def test_fault_45_a_next_page_that_is_no_address_is_the_end_of_trust() -> None:
    with pytest.raises(PortalNotUnderstood, match="the next page is no address"):
        read_portal(pages(lambda number, listed: {"dataset": listed, "next": "http://[no address"}))


def test_fault_45_a_first_page_is_not_taken_for_the_whole_when_it_has_not_changed() -> None:
    first = answer(json.dumps({"dataset": [dataset(identifier="a")], "next": "/second"}), headers={"ETag": '"1"'})
    second = answer(json.dumps({"dataset": [dataset(identifier="b")]}), headers={"ETag": '"2"'})
    http = way_out()
    assert read_portal({"/data.json": first, "/second": second}, http).keys == ["a", "b"]
    assert http.seen_validators == {}


def test_fault_47_48_every_encoding_of_a_document_gives_the_same_records() -> None:
    text = json.dumps({"dataset": [dataset()]}, ensure_ascii=False)
    plain = [record.body for record in read(text.encode()).records]
    for encoding in ("utf-8-sig", "utf-16", "gb18030"):
        assert [record.body for record in read(text.encode(encoding)).records] == plain


def test_a_portals_address_leads_to_its_data_json_and_a_documents_address_to_itself() -> None:
    document = answer(json.dumps({"dataset": [dataset()]}))
    with HostileServer({"/data.json": document, "/feed/dcat-us/1.1.json": document}) as portal, way_out() as http:
        for path in ("", "/", "/feed/dcat-us/1.1.json"):
            list(records(Source(id="p", title="P", kind="datajson", url=portal.url + path), http, None))
        assert portal.paths == ["/data.json", "/data.json", "/feed/dcat-us/1.1.json"]


@pytest.mark.slow
def test_fault_34_a_large_document_is_read_in_little_memory() -> None:
    """The 1 GB of the catalogue are in benchmarks/datajson_memory.py; here 60 MB must not need 30."""
    record = json.dumps(dataset(description="x" * 2000)).encode()

    def document() -> Iterator[bytes]:
        yield b'{"dataset": [' + record
        for _ in range(25_000):
            yield b"," + record
        yield b"]}"

    tracemalloc.start()
    count = sum(1 for _ in parts(document()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 25_001
    assert peak < 30 * 2**20
