"""Catalogue services are read from a real local server, page by page, and translated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from harvester.connectors import csw_requests
from harvester.crosswalk import to_dataset
from harvester.http import Http
from harvester.records import RawRecord
from harvester.xmlrecords import MEDIA_TYPE
from harvester.xmlstream import canonical, name, parts
from portal.catalog.model import Counts, Dataset, DistributionKind, Issue, Outcome, RecordType, RunMode, Source
from portal.catalog.store import Catalog
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.csw_portal import XML, CswPortal, Record, iso, report, wrapped
from tests.harvester.harvesting import (
    LOOPBACK,
    codes,
    dataset,
    datasets,
    fixture,
    harvested,
    issues,
    source,
    states,
)
from tests.hostile import answer

UDATA = FIXTURES / "csw_iso" / "udata"
PYCSW = FIXTURES / "csw_iso" / "pycsw"
SOURCE = Source(id="test", title="Test", kind="csw", url="https://geo.test/csw", timezone="UTC")


@pytest.fixture
def portal() -> Iterator[CswPortal]:
    with CswPortal(*(iso(f"r{number:02}") for number in range(25))).running() as given:
        yield given


def read(body: bytes, source: Source = SOURCE) -> tuple[Dataset, list[Issue]]:
    given, complaints = to_dataset(RawRecord(body=body, media_type=MEDIA_TYPE), source)
    assert given is not None, complaints
    return given, complaints


def only(path: Any) -> Dataset:
    """The dataset of a file that holds one record, in the answer of a service or by itself."""
    body = path.read_bytes()
    if b"GetRecordsResponse" in body:
        body = next(canonical(part.element) for part in parts(body, "file") if name(part.element) == "MD_Metadata")
    return read(body)[0]


def test_everything_is_read_page_by_page_as_many_records_further_as_came(catalog: Catalog, portal: CswPortal) -> None:
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, 25, Counts(listed=25, added=25))
    assert [question["startposition"] for question in portal.questions] == ["1", "11", "21"]
    assert {question["maxrecords"] for question in portal.questions} == {"50"}, "fewer came than were asked for"
    assert {question["sortby"] for question in portal.questions} == {"apiso:Identifier"}
    assert {question["outputschema"] for question in portal.questions} == {csw_requests.GMD}


def test_an_unchanged_record_is_known_whatever_the_envelope_declares(catalog: Catalog, portal: CswPortal) -> None:
    harvested(catalog, source("csw", portal.url))
    portal.envelope = 'xmlns:gml="http://www.opengis.net/gml" xmlns:old="urn:old" '
    portal.most = 7
    run = harvested(catalog, source("csw", portal.url), full=True)
    assert run.counts == Counts(listed=25, unchanged=25)


def test_fewer_records_than_are_counted_retire_nothing(catalog: Catalog, portal: CswPortal) -> None:
    harvested(catalog, source("csw", portal.url))
    portal.records, portal.surplus = portal.records[:15], 10
    run = harvested(catalog, source("csw", portal.url), full=True)
    assert (run.outcome, run.cause, run.declared) == (Outcome.PARTIAL, "listing.incomplete", 25)
    assert set(states(catalog).values()) == {"current"}


def test_what_a_complete_listing_lacks_is_missing(catalog: Catalog, portal: CswPortal) -> None:
    harvested(catalog, source("csw", portal.url))
    del portal.records[3]
    run = harvested(catalog, source("csw", portal.url), full=True)
    assert (run.outcome, run.counts.missing, states(catalog)["r03"]) == (Outcome.COMPLETE, 1, "missing")


def test_pages_that_repeat_records_end_the_run_as_partial(catalog: Catalog, portal: CswPortal) -> None:
    """GeoNetwork 1728: sorted by id, records came on two pages; as many others came on none."""
    shuffled = [iso(record.id, f"{record.id}, meanwhile changed").body for record in portal.records[8:18]]
    portal.instead[11] = answer(wrapped(shuffled, 25, 11), headers=XML)
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.cause) == (Outcome.PARTIAL, "listing.paging-broken")
    assert run.counts.added == 23, "what came is taken"


def test_the_same_page_again_and_again_ends_at_once(catalog: Catalog, portal: CswPortal) -> None:
    first = wrapped([record.body for record in portal.records[:10]], 25)
    portal.instead = {11: answer(first, headers=XML)}
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.cause, len(portal.questions)) == (Outcome.PARTIAL, "listing.paging-broken", 2)


def test_half_a_document_ends_the_run_as_partial_with_the_pages_before_it(catalog: Catalog, portal: CswPortal) -> None:
    whole = wrapped([record.body for record in portal.records[10:20]], 25, 11)
    portal.instead[11] = answer(whole[: len(whole) // 2], headers=XML)
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.cause, run.counts.added) == (Outcome.PARTIAL, "portal.not-understood", 10)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_u20_an_exception_report_fails_in_the_services_words(catalog: Catalog, portal: CswPortal, status: int) -> None:
    said = report("NoApplicableCode", "service", "Elasticsearch is down")
    portal.instead[1] = answer(said, status=status, headers=XML)
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.answered-error")
    assert issues(catalog, run)[-1].detail == "NoApplicableCode (service): Elasticsearch is down"


def test_a_service_that_cannot_sort_is_asked_without_an_order(catalog: Catalog, portal: CswPortal) -> None:
    portal.sorts = False
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.counts.added) == (Outcome.COMPLETE, 25)
    assert [question.get("sortby") for question in portal.questions] == ["apiso:Identifier", None, None, None]


def test_only_what_changed_is_asked_for_where_the_service_filters(catalog: Catalog, portal: CswPortal) -> None:
    portal.records = [iso(f"r{number}", modified="2026-01-01") for number in range(3)]
    with time_machine.travel(datetime(2026, 2, 1, tzinfo=UTC), tick=False):
        harvested(catalog, source("csw", portal.url))
    portal.records[1] = iso("r1", "New title", modified="2026-02-02")
    portal.questions.clear()
    with time_machine.travel(datetime(2026, 2, 3, tzinfo=UTC), tick=False):
        run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.mode, run.counts) == (Outcome.COMPLETE, RunMode.INCREMENTAL, Counts(listed=1, updated=1))
    assert [question["constraint"] for question in portal.questions] == ["2999-01-01", "2026-01-30"]
    assert {question["property"] for question in portal.questions} == {"apiso:Modified"}
    assert dataset(catalog, "r1").title == "New title"


@pytest.mark.parametrize("heeds", [True, False])
def test_a_service_that_does_not_filter_is_read_in_full(catalog: Catalog, portal: CswPortal, heeds: bool) -> None:
    harvested(catalog, source("csw", portal.url))
    portal.filters, portal.heeds_filters = not heeds, False
    run = harvested(catalog, source("csw", portal.url))
    assert (run.mode, run.counts) == (RunMode.FULL, Counts(listed=25, unchanged=25))
    assert codes(catalog, run) == ({} if heeds else {"portal.date-filter-ignored": 1})


def test_a_service_without_post_is_asked_by_get(catalog: Catalog, portal: CswPortal) -> None:
    portal.posts = False
    run = harvested(catalog, source("csw", portal.url, constraint="apiso:Type = 'dataset'"))
    assert (run.outcome, run.counts.added) == (Outcome.COMPLETE, 25)
    assert {question["sortby"] for question in portal.questions} == {"apiso:Identifier:A"}
    assert {question["constraintlanguage"] for question in portal.questions} == {"CQL_TEXT"}


def test_version_3_is_asked_in_its_own_words(catalog: Catalog, portal: CswPortal) -> None:
    portal.version = "3.0.0"
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.counts.added) == (Outcome.COMPLETE, 25)
    assert {(question["version"], question.get("resulttype")) for question in portal.questions} == {("3.0.0", None)}


def test_an_advertised_address_on_another_host_is_not_believed(portal: CswPortal) -> None:
    for elsewhere in ("http://10.0.0.1:8080/csw", "http://[no address/csw"):
        assert csw_requests._same_host(elsewhere, portal.url) == portal.url
    assert csw_requests._same_host(f"{portal.url}?request=GetRecords&map=a", portal.url) == f"{portal.url}?map=a"


def test_what_a_filter_says_is_escaped(portal: CswPortal) -> None:
    options = csw_requests.Options(constraint="apiso:Title <> 'a' & b", type_names='x"y')
    with Http(requests_per_second=0, allow_private=LOOPBACK) as http:
        service = csw_requests.service(portal.url, http)
    body = service.question(options, None, 1).body
    assert body is not None and b"&lt;&gt; 'a' &amp; b" in body and b"typeNames='x\"y'" in body


@pytest.mark.parametrize("option", [{"page_size": "many"}, {"pagesize": 3}])
def test_a_wrong_option_is_named_before_anything_is_asked(
    catalog: Catalog, portal: CswPortal, option: dict[str, Any]
) -> None:
    run = harvested(catalog, source("csw", portal.url, **option))
    assert (run.outcome, run.cause, portal.questions) == (Outcome.FAILED, "source.invalid", [])


HOSTILE = {
    "billion laughs": b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><a><b><c>&b;</c></b></a>',
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b><c>&x;</c></b></a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd">%p;]><a/>',
    "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "nothing": b"",
    "a record without end": b"<a><b><c>" + b"<d>x</d>" * 3 + b"x" * 5_000_000 + b"</c></b></a>",
    "undeclared entity": b"<a><b><c>&nbsp;</c></b></a>",
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_fails_its_own_source_and_reaches_nothing(
    catalog: Catalog, portal: CswPortal, document: bytes
) -> None:
    portal.instead[1] = answer(document, headers=XML)
    run = harvested(catalog, source("csw", portal.url))
    assert run.outcome is Outcome.FAILED
    assert run.cause in ("portal.not-understood", "portal.answer-too-large")
    assert not any("passwd" in (issue.detail or "") + (issue.url or "") for issue in issues(catalog, run))


def test_a_control_character_in_one_record_costs_that_character_only(catalog: Catalog, portal: CswPortal) -> None:
    portal.records = [iso("r1", "A &#11;title\x0b with odd letters"), iso("r2")]
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, dataset(catalog, "r1").title) == (Outcome.COMPLETE, "A title with odd letters")


def test_a_page_for_people_is_not_taken_for_a_service(catalog: Catalog, portal: CswPortal) -> None:
    portal.instead[1] = answer("<!DOCTYPE html><html><b>Maintenance</b></html>", headers={"Content-Type": "text/html"})
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.not-understood")


@needs_fixtures
def test_u19_geonetworks_iso_pages_give_six_datasets(catalog: Catalog, portal: CswPortal) -> None:
    portal.instead = {
        start: answer(fixture(f"csw_iso/udata/geonetwork-iso19139-page-{start}.xml"), headers=XML) for start in (1, 3, 5)
    }
    run = harvested(catalog, source("csw", portal.url))
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, 6, Counts(listed=6, added=6))
    found = datasets(catalog).values()
    assert [each.licence for each in found] == ["etalab-1.0"] * 5 + ["etalab-2.0"]
    assert all(each.publisher and each.distributions and each.languages == ("fr",) for each in found)


@needs_fixtures
def test_u19_geonetworks_dcat_pages_give_six_datasets(catalog: Catalog, portal: CswPortal) -> None:
    portal.instead = {
        start: answer(fixture(f"csw_iso/udata/geonetwork-dcat-page-{start}.xml"), headers=XML) for start in (1, 3, 5)
    }
    place = source("csw", portal.url, output_schema="http://www.w3.org/ns/dcat#")
    run = harvested(catalog, place)
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, 6, Counts(listed=6, added=6))
    assert {question["outputschema"] for question in portal.questions} == {"http://www.w3.org/ns/dcat#"}
    found = datasets(catalog)["https://www.geo2france.fr/geonetwork/srv/fre/catalog.search#/metadata/"
                              "04bcec79-5b25-4b16-b635-73115f7456e4"]
    assert found.title.startswith("INSEE - Part des ménages") and found.places[0].geometry is not None
    again = harvested(catalog, place, full=True)
    assert again.counts == Counts(listed=6, unchanged=6)


def test_u20_one_malformed_rdf_record_is_complained_of_and_the_next_is_read(catalog: Catalog, portal: CswPortal) -> None:
    def rdf(id: str, title: str) -> Record:
        body = (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dct="http://purl.org/dc/terms/"'
            f' xmlns:dcat="http://www.w3.org/ns/dcat#"><dcat:Dataset rdf:about="http://x.test/{id}">{title}'
            "</dcat:Dataset></rdf:RDF>"
        )
        return Record(id=id, body=body.encode())

    portal.records = [rdf("a", "<dct:title><b>no</b><b>RDF</b></dct:title>"), rdf("b", "<dct:title>B</dct:title>")]
    run = harvested(catalog, source("csw", portal.url))
    assert list(datasets(catalog)) == ["http://x.test/b"]
    assert codes(catalog, run)["record.malformed"] == 1 and run.outcome is Outcome.PARTIAL


@needs_fixtures
def test_u19_the_licence_of_geoide_is_read_from_a_text() -> None:
    """Ours: every online resource is one, 13 of them; udata keeps six."""
    found = only(UDATA / "geoide-iso19139-single-dataset.xml")
    assert (found.licence, found.licence_url) == ("etalab-1.0", "http://www.data.gouv.fr/Licence-Ouverte-Open-Licence")
    assert (found.openness, found.themes) == ("unconditional", ("urban-housing",))
    assert len(found.distributions) == 13
    assert found.publisher and found.publisher.name.startswith("DDTM 80")
    assert found.contact and (found.contact.email, found.contact.phone) == ("ddtm-sap-bsig@somme.gouv.fr", "0364572400")


@needs_fixtures
def test_a_service_record_is_a_service() -> None:
    found = only(PYCSW / "apiso" / "3e9a8c05.xml")
    assert (found.record_type, found.title) == (RecordType.SERVICE, "test Title")
    assert found.periods[0].start == "2011-04-18"
    assert found.places[0].geometry is not None and found.places[0].geometry["coordinates"][0][0] == [19.37, 34.8]


@needs_fixtures
def test_a_record_of_iso_19115_2_is_read_like_one_of_iso_19139() -> None:
    found = only(FIXTURES / "csw_iso" / "gsa" / "valid_iso2_parent.xml")
    assert found.source_key == "gov.noaa.nmfs.inport:47598"
    assert (found.frequency, found.themes) == ("not-planned", ("environment",))
    assert len(found.distributions) == 4, "those of its distributor"
    assert found.languages == ("en",), "eng; US"


@needs_fixtures
def test_a_dublin_core_record_is_read_with_the_axes_of_its_reference_system() -> None:
    found = only(PYCSW / "cite" / "Record_94bc9c83-97f6-4b40-9eb8-a8e8787a5c63.xml")
    assert (found.title, found.description) == ("Mauris sed neque", found.description)
    assert found.places[0].geometry is not None
    assert found.places[0].geometry["coordinates"][0][0] == [-4.097, 47.595], "longitude first in GeoJSON"


@needs_fixtures
@pytest.mark.parametrize("path", sorted((PYCSW).rglob("*.xml")), ids=lambda path: path.stem)
def test_every_record_of_pycsws_own_tests_is_read_or_refused_for_want_of_a_title(path: Any) -> None:
    given, complaints = to_dataset(RawRecord(body=path.read_bytes(), media_type=MEDIA_TYPE), SOURCE)
    assert given is not None or [issue.code for issue in complaints] == ["record.title-missing"]


def text(words: str) -> str:
    return f"<gco:CharacterString>{words}</gco:CharacterString>"


def anchor(address: str, words: str) -> str:
    return f'<gmx:Anchor xlink:href="{address}">{words}</gmx:Anchor>'


def party(organisation: str, role: str) -> str:
    return (
        f"<gmd:pointOfContact><gmd:CI_ResponsibleParty><gmd:organisationName>{text(organisation)}</gmd:organisationName>"
        f'<gmd:role><gmd:CI_RoleCode codeListValue="{role}"/></gmd:role></gmd:CI_ResponsibleParty></gmd:pointOfContact>'
    )


def constraint(kind: str, said: str) -> str:
    return (
        f"<gmd:resourceConstraints><gmd:MD_LegalConstraints><gmd:{kind}>"
        f'<gmd:MD_RestrictionCode codeListValue="otherRestrictions"/></gmd:{kind}>'
        f"<gmd:otherConstraints>{said}</gmd:otherConstraints></gmd:MD_LegalConstraints></gmd:resourceConstraints>"
    )


def online(address: str, more: str) -> str:
    return (
        f"<gmd:onLine><gmd:CI_OnlineResource><gmd:linkage><gmd:URL>{address}</gmd:URL></gmd:linkage>{more}"
        "</gmd:CI_OnlineResource></gmd:onLine>"
    )


INSPIRE = "http://inspire.ec.europa.eu"
MULTILINGUAL = f"""<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd" xmlns:gco="http://www.isotc211.org/2005/gco"
 xmlns:gmx="http://www.isotc211.org/2005/gmx" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:srv="http://www.isotc211.org/2005/srv">
<gmd:fileIdentifier>{text("m1")}</gmd:fileIdentifier>
<gmd:language><gmd:LanguageCode codeListValue="ger"/></gmd:language>
<gmd:hierarchyLevel><gmd:MD_ScopeCode codeListValue="LEVEL"/></gmd:hierarchyLevel>
<gmd:locale><gmd:PT_Locale id="EN"><gmd:languageCode><gmd:LanguageCode codeListValue="eng"/></gmd:languageCode>
</gmd:PT_Locale></gmd:locale>
<gmd:identificationInfo><KIND>
<gmd:citation><gmd:CI_Citation>
<gmd:title>{text("Gewässer")}<gmd:PT_FreeText><gmd:textGroup>
<gmd:LocalisedCharacterString locale="#EN">Waters</gmd:LocalisedCharacterString></gmd:textGroup></gmd:PT_FreeText></gmd:title>
<gmd:date><gmd:CI_Date><gmd:date><gco:Date>2020-05-06</gco:Date></gmd:date><gmd:dateType>
<gmd:CI_DateTypeCode codeListValue="revision"/></gmd:dateType></gmd:CI_Date></gmd:date></gmd:CI_Citation></gmd:citation>
{party("Kontakt", "pointOfContact")}{party("Eigner", "owner")}
<gmd:descriptiveKeywords><gmd:MD_Keywords><gmd:keyword>{anchor(f"{INSPIRE}/theme/hy", "Gewässernetz")}</gmd:keyword>
</gmd:MD_Keywords></gmd:descriptiveKeywords>
{constraint("accessConstraints", anchor(f"{INSPIRE}/metadata-codelist/LimitationsOnPublicAccess/noLimitations", "Keine"))}
{constraint("useConstraints", anchor("http://creativecommons.org/licenses/by/4.0/", "CC BY"))}
<srv:operatesOn uuidref="d1"/>
<srv:operatesOn xlink:href="https://x.test/csw?REQUEST=GetRecordById&amp;ID=d2&amp;SERVICE=CSW#MD_DataIdentification"/>
</KIND></gmd:identificationInfo>
<gmd:distributionInfo><gmd:MD_Distribution><gmd:distributionFormat><gmd:MD_Format>
<gmd:name>{text("ESRI Shapefile")}</gmd:name></gmd:MD_Format></gmd:distributionFormat>
<gmd:transferOptions><gmd:MD_DigitalTransferOptions>
{online("https://x.test/wms?", f"<gmd:protocol>{text('OGC:WMS-1.3.0-http-get-capabilities')}</gmd:protocol>")}
{online("https://x.test/a.zip", '<gmd:function><gmd:CI_OnLineFunctionCode codeListValue="download"/></gmd:function>')}
</gmd:MD_DigitalTransferOptions></gmd:transferOptions></gmd:MD_Distribution></gmd:distributionInfo>
</gmd:MD_Metadata>"""


def multilingual(level: str, kind: str) -> str:
    return MULTILINGUAL.replace("LEVEL", level).replace("KIND", kind)


def test_iso_19139_is_read_by_roles_types_anchors_and_languages() -> None:
    found, complaints = read(multilingual(level="nonGeographicDataset", kind="gmd:MD_DataIdentification").encode())
    assert complaints == []
    assert (found.record_type, found.titles) == (RecordType.DATASET, {"de": "Gewässer", "en": "Waters"})
    assert found.publisher and found.contact
    assert (found.publisher.name, found.contact.name) == ("Eigner", "Kontakt")
    assert (found.themes, found.keywords) == (("environment",), ("Gewässernetz",))
    assert (found.openness, found.licence) == ("unconditional", "cc-by-4.0")
    assert found.data_modified == datetime(2020, 5, 6, tzinfo=UTC) and found.issued is None
    assert [(each.format, each.kind) for each in found.distributions] == [
        ("wms", DistributionKind.API),
        ("shp", DistributionKind.FILE),
    ]
    assert found.distributions[1].download_url == "https://x.test/a.zip"


def test_a_service_serves_the_records_it_operates_on() -> None:
    found, _ = read(multilingual(level="service", kind="srv:SV_ServiceIdentification").encode())
    assert (found.record_type, found.serves) == (RecordType.SERVICE, ("d1", "d2"))


def test_a_chinese_geoportal_shows_chinese_first(catalog: Catalog) -> None:
    body = multilingual(level="dataset", kind="gmd:MD_DataIdentification").replace('"ger"', '"chi"')
    found, _ = read(body.replace("Gewässer<", "水系<").encode())
    assert (found.title, found.titles, found.languages) == ("水系", {"zh": "水系", "en": "Waters"}, ("zh",))
