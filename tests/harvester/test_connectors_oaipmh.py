"""Repositories are read from a real local server, token by token, and translated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from harvester.xmlrecords import MEDIA_TYPE
from portal.catalog.model import Counts, Dataset, Issue, Outcome, RunMode, Source
from portal.catalog.store import Catalog
from tests.harvester.harvesting import NO_GRACE, codes, dataset, datasets, harvested, issues, source, states
from tests.harvester.oai_portal import DATACITE, XML, OaiPortal, Record, dc, deleted, wrapped
from tests.hostile import answer

SOURCE = Source(id="test", title="Test", kind="oaipmh", url="https://lib.test/oai", timezone="UTC")


@pytest.fixture
def portal() -> Iterator[OaiPortal]:
    with OaiPortal(*(dc(f"{number:02}") for number in range(25))).running() as given:
        yield given


def read(metadata: str, datestamp: str = "2026-01-02") -> tuple[Dataset, list[Issue]]:
    header = f"<header><identifier>oai:lib.test:1</identifier><datestamp>{datestamp}</datestamp></header>"
    body = f'<record xmlns="http://www.openarchives.org/OAI/2.0/">{header}<metadata>{metadata}</metadata></record>'
    given, complaints = to_dataset(RawRecord(body=body.encode(), media_type=MEDIA_TYPE), SOURCE)
    assert given is not None, complaints
    return given, complaints


def test_everything_is_read_token_by_token(catalog: Catalog, portal: OaiPortal) -> None:
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, 25, Counts(listed=25, added=25))
    assert [dict(question) for question in portal.questions] == [
        {"verb": "ListRecords", "metadataPrefix": "oai_dc"},
        {"verb": "ListRecords", "resumptionToken": "|10"},
        {"verb": "ListRecords", "resumptionToken": "|20"},
    ]
    assert "oai:lib.test:24" in datasets(catalog)


def test_an_unchanged_record_is_known_by_its_own_element(catalog: Catalog, portal: OaiPortal) -> None:
    harvested(catalog, source("oaipmh", portal.url))
    portal.page_size = 7
    run = harvested(catalog, source("oaipmh", portal.url), full=True)
    assert run.counts == Counts(listed=25, unchanged=25)


def test_records_that_are_no_datasets_are_left_out_and_counted(catalog: Catalog, portal: OaiPortal) -> None:
    portal.records[3] = dc("03", type="Article")
    portal.records[4] = dc("04", type="info:eu-repo/semantics/article")
    portal.records[5] = dc("05", type="")
    portal.records[6] = dc("06", "<dc:type>数据集</dc:type>", type="Other")
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, 22, Counts(listed=22, added=22))
    assert [issue.seen for issue in issues(catalog, run, "listing.types-left-out")] == [
        "Article 1, info:eu-repo/semantics/article 1, no type 1"
    ]


@pytest.mark.parametrize(
    ("types", "taken"),
    [(["*"], 4), (["article"], 1), (["text", "dataset"], 2), (["http://purl.org/coar/resource_type/c_ddb1"], 1)],
)
def test_the_types_that_are_taken_can_be_chosen(
    catalog: Catalog, portal: OaiPortal, types: list[str], taken: int
) -> None:
    portal.records = [dc("1"), dc("2", type="Article"), dc("3", type=""), dc("4", type="Video")]
    run = harvested(catalog, source("oaipmh", portal.url, types=types))
    assert (run.outcome, run.counts.added, run.declared) == (Outcome.COMPLETE, taken, None)


def test_a_record_deleted_in_the_repository_is_withdrawn(catalog: Catalog, portal: OaiPortal) -> None:
    harvested(catalog, source("oaipmh", portal.url, guard=NO_GRACE))
    portal.records[7] = deleted("07", "2027-01-01T00:00:00Z")
    run = harvested(catalog, source("oaipmh", portal.url, guard=NO_GRACE))
    assert (run.mode, run.outcome, run.counts) == (RunMode.INCREMENTAL, Outcome.COMPLETE, Counts(retired=1))
    entry = catalog.find("portal", "oai:lib.test:07")
    assert entry is not None and entry.retired_because == "withdrawn"
    full = harvested(catalog, source("oaipmh", portal.url, guard=NO_GRACE), full=True)
    assert (full.outcome, full.declared, full.counts) == (Outcome.COMPLETE, 24, Counts(listed=24, unchanged=24))


@pytest.mark.parametrize(
    ("granularity", "asked"), [("YYYY-MM-DD", "2026-01-30"), ("YYYY-MM-DDThh:mm:ssZ", "2026-01-30T00:00:00Z")]
)
def test_only_changes_are_asked_for_in_the_repositorys_granularity(
    catalog: Catalog, portal: OaiPortal, granularity: str, asked: str
) -> None:
    portal.granularity = granularity
    with time_machine.travel(datetime(2026, 2, 1, tzinfo=UTC), tick=False):
        harvested(catalog, source("oaipmh", portal.url))
    portal.records[1] = dc("01", "<dc:description>New</dc:description>", datestamp="2026-02-02T00:00:00Z")
    portal.questions.clear()
    with time_machine.travel(datetime(2026, 2, 3, tzinfo=UTC), tick=False):
        run = harvested(catalog, source("oaipmh", portal.url))
    assert [question.get("from") for question in portal.questions] == [asked]
    assert (run.mode, run.counts) == (RunMode.INCREMENTAL, Counts(listed=1, updated=1))
    assert dataset(catalog, "oai:lib.test:01").description == "New"


@pytest.mark.parametrize("status", [200, 422])
def test_that_nothing_matches_is_no_error(catalog: Catalog, portal: OaiPortal, status: int) -> None:
    portal.error_status = status
    harvested(catalog, source("oaipmh", portal.url))
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.mode, run.counts) == (Outcome.COMPLETE, RunMode.INCREMENTAL, Counts())
    assert set(states(catalog).values()) == {"current"}


def test_a_repository_that_takes_no_date_is_read_in_full(catalog: Catalog, portal: OaiPortal) -> None:
    harvested(catalog, source("oaipmh", portal.url))
    portal.takes_from = False
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.mode, run.counts) == (RunMode.FULL, Counts(listed=25, unchanged=25))
    assert codes(catalog, run) == {"portal.date-filter-ignored": 1}


def test_an_emptied_repository_retires_nothing_unseen(catalog: Catalog, portal: OaiPortal) -> None:
    harvested(catalog, source("oaipmh", portal.url, guard=NO_GRACE))
    portal.records = []
    run = harvested(catalog, source("oaipmh", portal.url, guard=NO_GRACE), full=True)
    assert run.outcome is Outcome.HELD and set(states(catalog).values()) <= {"current", "missing"}


def test_a_token_that_expires_restarts_the_list_once(catalog: Catalog, portal: OaiPortal) -> None:
    portal.expires = [3]
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.declared, run.counts) == (Outcome.COMPLETE, 25, Counts(listed=25, added=25))
    assert codes(catalog, run) == {"listing.restarted": 1}
    assert len(portal.questions) == 6


def test_a_token_that_expires_again_ends_the_run_as_partial(catalog: Catalog, portal: OaiPortal) -> None:
    portal.expires = [3, 6]
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.cause) == (Outcome.PARTIAL, "listing.paging-broken")
    assert run.counts.added == 20, "what came is taken"


def test_tokens_that_lead_back_end_the_run_as_partial(catalog: Catalog, portal: OaiPortal) -> None:
    """A repository whose every token gave the first page was asked for ever."""
    portal.stuck = True
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.cause, len(portal.questions)) == (Outcome.PARTIAL, "listing.paging-broken", 2)


def test_a_list_shorter_than_its_stated_size_retires_nothing(catalog: Catalog, portal: OaiPortal) -> None:
    harvested(catalog, source("oaipmh", portal.url))
    portal.records, portal.surplus = portal.records[:15], 10
    run = harvested(catalog, source("oaipmh", portal.url), full=True)
    assert (run.outcome, run.cause, run.declared) == (Outcome.PARTIAL, "listing.incomplete", 25)


def test_without_a_stated_size_the_last_token_is_the_end(catalog: Catalog, portal: OaiPortal) -> None:
    portal.states_size = False
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.declared, run.counts.added) == (Outcome.COMPLETE, None, 25)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<OAI-PMH><ListRecords><record>", "portal.not-understood"),
        (b"<!DOCTYPE html><html><body>Maintenance</body></html>", "portal.not-understood"),
        (b'<!DOCTYPE html><html><input type="password"></html>', "portal.blocked"),
        (b"<rss><channel/></rss>", "portal.not-understood"),
        (b"\n \n" + wrapped('<error code="badArgument">no</error>').encode(), "portal.answered-error"),
        (wrapped('<error code="cannotDisseminateFormat">none</error>').encode(), "portal.answered-error"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><OAI-PMH>&x;</OAI-PMH>', "portal.not-understood"),
    ],
    ids=["half", "html", "login", "other xml", "after blank lines", "error", "entity"],
)
def test_what_is_no_list_ends_the_run_and_keeps_what_came(
    catalog: Catalog, portal: OaiPortal, body: bytes, cause: str
) -> None:
    portal.instead[2] = answer(body, headers=XML)
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.cause, run.counts.added) == (Outcome.PARTIAL, cause, 10)


def test_a_list_with_a_status_that_is_none_is_not_taken(catalog: Catalog, portal: OaiPortal) -> None:
    portal.instead[1] = answer(wrapped("<ListRecords/>"), status=404, headers=XML)
    run = harvested(catalog, source("oaipmh", portal.url))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.answered-error")
    assert issues(catalog, run)[-1].detail == "status 404"


def test_what_says_most_of_a_dataset_is_asked_for(catalog: Catalog, portal: OaiPortal) -> None:
    portal.formats = {"oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/", "marcxml": "x", "datacite": DATACITE}
    portal.records = [Record(id="oai:lib.test:1", metadata=KERNEL_4)]
    run = harvested(catalog, source("oaipmh", portal.url))
    assert run.counts.added == 1 and portal.questions[0]["metadataPrefix"] == "datacite"
    harvested(catalog, source("oaipmh", portal.url, metadata_prefix="marcxml", set="com_1"), full=True)
    assert (portal.questions[-1]["metadataPrefix"], portal.questions[-1]["set"]) == ("marcxml", "com_1")


@pytest.mark.parametrize("option", [{"types": "dataset"}, {"sets": ["a"]}])
def test_a_wrong_option_is_named_before_anything_is_asked(
    catalog: Catalog, portal: OaiPortal, option: dict[str, Any]
) -> None:
    run = harvested(catalog, source("oaipmh", portal.url, **option))
    assert (run.outcome, run.cause, portal.questions) == (Outcome.FAILED, "source.invalid", [])


def test_an_iso_record_of_a_repository_is_read_by_the_table_of_geoportals() -> None:
    found, _ = read(
        '<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd" xmlns:gco="http://www.isotc211.org/2005/gco">'
        "<gmd:fileIdentifier><gco:CharacterString>f1</gco:CharacterString></gmd:fileIdentifier><gmd:identificationInfo>"
        "<gmd:MD_DataIdentification><gmd:citation><gmd:CI_Citation><gmd:title><gco:CharacterString>T</gco:CharacterString>"
        "</gmd:title></gmd:CI_Citation></gmd:citation></gmd:MD_DataIdentification></gmd:identificationInfo></gmd:MD_Metadata>"
    )
    assert (found.source_key, found.title) == ("f1", "T")


DUBLIN_CORE = """<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title xml:lang="zh_CN">长江水质监测数据</dc:title><dc:title xml:lang="en">Water quality of the Yangtze</dc:title>
<dc:creator>王某</dc:creator><dc:creator>李某</dc:creator><dc:subject>水质, 长江</dc:subject><dc:subject>环境</dc:subject>
<dc:description>2001–2005 年逐月监测。</dc:description><dc:publisher>某大学图书馆</dc:publisher>
<dc:date>2019-03-04T05:06:07Z</dc:date><dc:date>2018</dc:date><dc:type>Dataset</dc:type><dc:format>text/csv</dc:format>
<dc:identifier>王某, 2019, 引用格式</dc:identifier><dc:identifier>hdl:20.500.12345/67</dc:identifier>
<dc:language>zh_CN</dc:language><dc:coverage>长江</dc:coverage><dc:coverage>2001-2005</dc:coverage>
<dc:rights>info:eu-repo/semantics/openAccess</dc:rights><dc:rights>https://creativecommons.org/licenses/by/4.0/</dc:rights>
</oai_dc:dc>"""


def test_dublin_core_is_read() -> None:
    found, complaints = read(DUBLIN_CORE)
    assert complaints == []
    assert found.titles == {"zh-CN": "长江水质监测数据", "en": "Water quality of the Yangtze"}
    assert (found.title, found.source_key, found.creator) == ("长江水质监测数据", "oai:lib.test:1", "王某")
    assert found.publisher and found.publisher.name == "某大学图书馆"
    assert found.landing_page == "https://hdl.handle.net/20.500.12345/67"
    assert (found.issued, found.modified) == (datetime(2019, 3, 4, 5, 6, 7, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert (found.licence, found.openness, found.languages) == ("cc-by-4.0", "unconditional", ("zh",))
    assert (found.keywords, found.themes) == (("水质", "长江", "环境"), ("environment",))
    assert [place.name for place in found.places] == ["长江"]
    assert [(each.format, each.media_type, each.access_url) for each in found.distributions] == [
        ("csv", "text/csv", "https://hdl.handle.net/20.500.12345/67")
    ]


KERNEL_4 = """<resource xmlns="http://datacite.org/schema/kernel-4">
<identifier identifierType="DOI">10.5281/zenodo.1</identifier>
<creators><creator><creatorName nameType="Personal">Doe, A</creatorName></creator></creators>
<titles><title xml:lang="en">Tides</title><title titleType="AlternativeTitle">Gezeiten</title></titles>
<publisher>University Library</publisher><publicationYear>2020</publicationYear>
<resourceType resourceTypeGeneral="Dataset">time series</resourceType>
<subjects><subject subjectScheme="x">oceans</subject><subject>tides</subject></subjects>
<contributors><contributor contributorType="ContactPerson"><contributorName>Roe, B</contributorName></contributor>
</contributors>
<dates><date dateType="Updated">2021-02-03</date><date dateType="Issued">2020-05-06</date>
<date dateType="Collected">2001-01-01/2005-12-31</date></dates><language>eng</language>
<relatedIdentifiers><relatedIdentifier relatedIdentifierType="DOI" relationType="IsPartOf">10.1/a</relatedIdentifier>
</relatedIdentifiers>
<sizes><size>1.5 MB</size></sizes><formats><format>application/x-netcdf</format></formats><version>1.2</version>
<rightsList><rights rightsURI="info:eu-repo/semantics/openAccess"/>
<rights rightsURI="https://creativecommons.org/publicdomain/zero/1.0/legalcode">CC0</rights></rightsList>
<descriptions><description descriptionType="Methods">How</description>
<description descriptionType="Abstract">What</description></descriptions>
<geoLocations><geoLocation><geoLocationPlace>North Sea</geoLocationPlace><geoLocationBox>
<westBoundLongitude>1</westBoundLongitude><eastBoundLongitude>2</eastBoundLongitude><southBoundLatitude>3</southBoundLatitude>
<northBoundLatitude>4</northBoundLatitude></geoLocationBox></geoLocation>
<geoLocation><geoLocationPoint><pointLongitude>5</pointLongitude><pointLatitude>6</pointLatitude></geoLocationPoint></geoLocation>
</geoLocations></resource>"""


@pytest.mark.parametrize("wrapper", ["{}", '<oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.1/"><payload>{}'
                                           "</payload></oai_datacite>"], ids=["datacite", "oai_datacite"])
def test_datacite_is_read_also_in_its_wrapper(wrapper: str) -> None:
    found, complaints = read(wrapper.format(KERNEL_4))
    assert complaints == []
    assert (found.title, found.description, found.version) == ("Tides", "What", "1.2")
    assert (found.landing_page, found.identifiers) == ("https://doi.org/10.5281/zenodo.1", ("10.5281/zenodo.1",))
    assert found.publisher and found.contact
    assert (found.publisher.name, found.creator, found.contact.name) == ("University Library", "Doe, A", "Roe, B")
    assert (found.issued, found.modified) == (datetime(2020, 5, 6, tzinfo=UTC), datetime(2021, 2, 3, tzinfo=UTC))
    assert (found.licence, found.openness, found.series) == ("cc0", "unconditional", ("10.1/a",))
    assert [(period.start, period.end) for period in found.periods] == [("2001-01-01", "2005-12-31")]
    assert (found.keywords, found.themes, found.languages) == (("oceans", "tides"), ("environment",), ("en",))
    assert [place.name for place in found.places][0] == "North Sea" and len(found.places) == 3
    assert found.places[2].geometry == {"type": "Point", "coordinates": [5.0, 6.0]}
    assert [(each.format, each.size_bytes) for each in found.distributions] == [("netcdf", 1_500_000)]


def test_openaires_files_are_distributions() -> None:
    found, _ = read(
        '<oaire:resource xmlns:oaire="http://namespace.openaire.eu/schema/oaire/"'
        ' xmlns:datacite="http://datacite.org/schema/kernel-4">'
        "<datacite:titles><datacite:title>T</datacite:title></datacite:titles>"
        '<oaire:resourceType resourceTypeGeneral="dataset">dataset</oaire:resourceType>'
        '<datacite:rights rightsURI="http://purl.org/coar/access_right/c_16ec">restricted access</datacite:rights>'
        '<oaire:file mimeType="text/csv" objectType="dataset">https://lib.test/a.csv</oaire:file></oaire:resource>'
    )
    assert [(each.format, each.download_url) for each in found.distributions] == [("csv", "https://lib.test/a.csv")]
    assert found.openness == "conditional"


def test_dcat_in_a_repository_is_read_as_dcat(catalog: Catalog, portal: OaiPortal) -> None:
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dct="http://purl.org/dc/terms/"'
        ' xmlns:dcat="http://www.w3.org/ns/dcat#"><dcat:Dataset rdf:about="http://lib.test/{0}"><dct:title>{0}</dct:title>'
        "</dcat:Dataset></rdf:RDF>"
    )
    portal.records = [Record(id=f"oai:lib.test:{id}", metadata=rdf.format(id)) for id in "ab"]
    run = harvested(catalog, source("oaipmh", portal.url, metadata_prefix="dcat_ap"))
    assert (run.outcome, run.counts.added) == (Outcome.COMPLETE, 2)
    assert sorted(datasets(catalog)) == ["http://lib.test/a", "http://lib.test/b"]
