"""Real portals' metadata harvested whole (R1 to R22, for the kinds built here): what then stands in the catalogue.

R3, R10 to R12 need the Chinese and Taiwanese kinds, which are not built; R21 is none.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from rdflib import RDF, Graph, URIRef

from portal.catalog.model import Counts, Outcome, RecordType, Source
from portal.catalog.store import Catalog
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.ckan_portal import CkanPortal
from tests.harvester.harvesting import (
    NO_GRACE,
    Documents,
    codes,
    dataset,
    datasets,
    errors,
    fixture,
    harvested,
    issues,
    snapshot,
    source,
    states,
)

DATASET = URIRef("http://www.w3.org/ns/dcat#Dataset")


@pytest.fixture
def portal() -> Iterator[Documents]:
    with Documents() as documents:
        yield documents


@pytest.fixture
def argentina() -> Iterator[CkanPortal]:
    lines = fixture("ckan/ar_datos_gob_ar_package_show.jsonl.gz").splitlines()
    given = CkanPortal([json.loads(line) for line in lines])
    with given.running():
        yield given


def distributions(catalog: Catalog) -> int:
    return sum(len(made.distributions) for made in datasets(catalog).values())


def assert_twice_is_once(catalog: Catalog, place: Source) -> None:
    newest, before = catalog.last_change(), snapshot(catalog)
    run = harvested(catalog, place, full=True)
    assert run.outcome is Outcome.COMPLETE
    assert (run.counts.added, run.counts.updated, run.counts.retired, run.counts.missing) == (0, 0, 0, 0)
    assert (catalog.last_change(), snapshot(catalog)) == (newest, before)


def test_r1_page_one_fetched_over_and_over_is_each_dataset_once(catalog: Catalog, portal: Documents) -> None:
    page = [{"identifier": f"{number}", "title": f"Dataset {number}"} for number in range(20)]
    portal.put("/data.json", {"dataset": page * 115})
    run = harvested(catalog, source("datajson", f"{portal.url}/data.json"))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=2300, added=20, duplicate=2280))
    assert codes(catalog, run)["record.duplicate"] == 1000
    assert_twice_is_once(catalog, source("datajson", f"{portal.url}/data.json"))


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize("searches", [True, False], ids=["search", "package by package"])
def test_r13_r8_the_argentine_portal_stands_whole_in_the_catalogue(
    catalog: Catalog, argentina: CkanPortal, searches: bool
) -> None:
    argentina.searches = searches
    place = source("ckan", argentina.url, page_size=100)
    run = harvested(catalog, place)
    assert (run.outcome, run.counts, run.declared) == (Outcome.COMPLETE, Counts(listed=866, added=866), 866)
    assert distributions(catalog) == 4034
    assert len(catalog.publishers()) == 32
    assert sum(summary.datasets for summary in catalog.publishers()) == catalog.figures().datasets == 866
    said = {package["id"]: package for package in argentina.packages}
    assert {key: made.title for key, made in datasets(catalog).items()} == {
        key: " ".join(package["title"].split()) for key, package in said.items()
    }
    assert sum(key.startswith("acumar_") for key in said) == sum(
        key.startswith("acumar_") for key in datasets(catalog)
    )
    assert errors(catalog, run) == []
    assert_twice_is_once(catalog, place)


@needs_fixtures
@pytest.mark.slow
def test_r9_the_argentine_portal_without_its_first_hundred_loses_a_hundred(
    catalog: Catalog, argentina: CkanPortal
) -> None:
    """100 of 866 is within the guard's fifth."""
    place = source("ckan", argentina.url, guard=NO_GRACE)
    harvested(catalog, place)
    every = list(argentina.packages)
    argentina.packages = every[100:]
    run = harvested(catalog, place, full=True)
    assert run.counts == Counts(listed=766, unchanged=766, retired=100)
    gone = {key for key, state in states(catalog).items() if state == "retired"}
    assert gone == {package["id"] for package in every[:100]}
    argentina.packages = every
    assert harvested(catalog, place, full=True).counts == Counts(listed=866, unchanged=866, restored=100)


@needs_fixtures
def test_r8_r9_r20_the_402_are_imported_once_and_a_quarter_less_of_them_is_held(
    catalog: Catalog, portal: Documents
) -> None:
    """Ours: a record whose ``modified`` is null is kept, its defect told; 100 of 402 is more than the guard allows."""
    given = json.loads(fixture("dcat_us/gsa/dcatus_with_none.json.gz"))
    place = source("datajson", f"{portal.url}/data.json", guard=NO_GRACE)
    portal.put("/data.json", given)
    run = harvested(catalog, place)
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=402, added=402))
    without = [record["identifier"] for record in given["dataset"] if record.get("modified") is None]
    told = [issue.source_key for issue in issues(catalog, run, "field.missing") if issue.field == "modified"]
    assert told == without and len(without) > 0
    assert_twice_is_once(catalog, place)
    portal.put("/data.json", given | {"dataset": given["dataset"][100:]})
    run = harvested(catalog, place)
    assert (run.outcome, run.counts) == (Outcome.HELD, Counts(listed=302, unchanged=302, held=100))
    assert set(states(catalog).values()) == {"current"}
    assert len(catalog.runs.held(run.id)) == 100


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "count", "files"),
    [
        ("data.stad.gent.ttl.gz", 261, 846),
        ("opendata.infrabel.be.ttl.gz", 94, 995),
        ("publish4.geo.be.ttl.gz", 176, 188),
        ("statbel.fgov.be.ttl.gz", 443, 974),
    ],
)
def test_r15_r8_belgian_portals_stand_in_the_catalogue_with_every_distribution(
    catalog: Catalog, portal: Documents, file: str, count: int, files: int
) -> None:
    portal.put("/catalog.ttl", fixture(f"dcat/be/sources/{file}"))
    place = source("dcat", f"{portal.url}/catalog.ttl")
    run = harvested(catalog, place)
    assert (run.outcome, catalog.figures().datasets, distributions(catalog)) == (
        Outcome.COMPLETE,
        count,
        files,
    )
    assert errors(catalog, run) == []
    assert_twice_is_once(catalog, place)


@needs_fixtures
@pytest.mark.slow
def test_r15_four_languages_stand_beside_the_one_that_is_shown(catalog: Catalog, portal: Documents) -> None:
    portal.put("/catalog.ttl", fixture("dcat/be/sources/statbel.fgov.be.ttl.gz"))
    harvested(catalog, source("dcat", f"{portal.url}/catalog.ttl", language="nl"))
    languages = Counter(tag for made in datasets(catalog).values() for tag in made.titles)
    assert {"nl", "fr", "de", "en"} <= set(languages)
    four = [made for made in datasets(catalog).values() if len(made.titles) == 4]
    assert four and all(made.title == made.titles["nl"] for made in four)


@needs_fixtures
@pytest.mark.slow
def test_r16_forty_four_of_the_federal_geoportal_are_of_high_value(
    catalog: Catalog, portal: Documents
) -> None:
    portal.put("/catalog.ttl", fixture("dcat/be/sources/publish4.geo.be.ttl.gz"))
    harvested(catalog, source("dcat", f"{portal.url}/catalog.ttl"))
    valued = [made for made in datasets(catalog).values() if made.hvd_categories]
    assert len(valued) == 44
    assert all(code.startswith("c_") for made in valued for code in made.hvd_categories)


@needs_fixtures
@pytest.mark.slow
def test_r9_a_catalogue_without_a_hundred_of_its_datasets_is_held_until_approved(
    catalog: Catalog, portal: Documents
) -> None:
    """100 of 261 is more than the guard allows; what was held is exactly what was left out."""
    whole = fixture("dcat/be/sources/data.stad.gent.ttl.gz")
    place = source("dcat", f"{portal.url}/catalog.ttl", guard=NO_GRACE)
    portal.put("/catalog.ttl", whole)
    harvested(catalog, place)
    graph = Graph().parse(data=whole, format="turtle")
    gone = sorted(graph.subjects(RDF.type, DATASET), key=str)[:100]
    for subject in gone:
        graph.remove((subject, None, None))
        graph.remove((None, None, subject))
    portal.put("/catalog.ttl", graph.serialize(format="nt", encoding="utf-8"))
    run = harvested(catalog, place)
    assert (run.outcome, run.counts.held, run.counts.added) == (Outcome.HELD, 100, 0)
    held = {entry.dataset.source_key for entry in catalog.entries(catalog.runs.held(run.id))}
    assert held == {str(subject) for subject in gone}


@needs_fixtures
def test_r17_datasets_in_named_graphs_are_all_seen(catalog: Catalog, portal: Documents) -> None:
    """This page of the event stream says of each dataset that it is one, and no title: each is refused by its name."""
    portal.put("/page_1.trig", fixture("dcat/be/ldes_pages/page_1.trig"))
    run = harvested(catalog, source("dcat", f"{portal.url}/page_1.trig"))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=100, unusable=100))
    named = {issue.source_key or "" for issue in issues(catalog, run, "record.title-missing")}
    assert len(named) == 100 and all(key.startswith("https://www.odwb.be/explore/dataset/") for key in named)


@needs_fixtures
def test_r18_a_university_stands_with_its_eleven_datasets(catalog: Catalog, portal: Documents) -> None:
    portal.put("/catalog.rdf", fixture("dcat/it/uni_teramo_catalog.rdf"))
    place = Source(
        id="portal",
        title="Teramo",
        kind="dcat",
        url=f"{portal.url}/catalog.rdf",
        institution_type="university",
    )
    run = harvested(catalog, place)
    assert (run.counts.added, distributions(catalog), errors(catalog, run)) == (11, 11, [])
    assert {made.publisher.name for made in datasets(catalog).values() if made.publisher} == {
        "Università degli Studi di Teramo"
    }
    assert {
        made.licence or each.licence for made in datasets(catalog).values() for each in made.distributions
    } == {"cc-by-4.0"}
    assert_twice_is_once(catalog, place)


@needs_fixtures
@pytest.mark.parametrize(("council", "count", "assets"), [("edinburgh", 44, 220), ("glasgow", 68, 256)])
def test_r19_scottish_councils_stand_in_the_catalogue_as_the_peer_has_them(
    catalog: Catalog, portal: Documents, council: str, count: int, assets: int
) -> None:
    """One distribution of each dataset is its own page, which the peer counts as no asset."""
    portal.put("/data.json", fixture(f"dcat_us/scotland/dcat/{council}.json"))
    place = source("datajson", f"{portal.url}/data.json")
    run = harvested(catalog, place)
    assert (run.counts, distributions(catalog)) == (Counts(listed=count, added=count), assets + count)
    table = fixture(f"federated_expected/scotland/dcat/{council}.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == assets
    expected = Counter((" ".join(row["Title"].split()), row["AssetURL"]) for row in rows)
    stored = Counter(
        (made.title, each.access_url or "")
        for made in datasets(catalog).values()
        for each in made.distributions
    )
    assert expected - stored == Counter()
    assert_twice_is_once(catalog, place)


@needs_fixtures
def test_r22_nothing_of_a_document_with_an_unbound_prefix_is_imported(
    catalog: Catalog, portal: Documents
) -> None:
    portal.put("/dataset.ttl", fixture("dcat/ckanext_dcat_examples/dataset.ttl"))
    run = harvested(catalog, source("dcat", f"{portal.url}/dataset.ttl"))
    assert (run.outcome, run.cause, run.counts) == (Outcome.FAILED, "portal.not-understood", Counts())
    (issue,) = issues(catalog, run)
    assert "158" in (issue.detail or "")
    assert datasets(catalog) == {} and catalog.last_change() == 0 and catalog.publishers() == []


def _data_json_files() -> list[str]:
    return sorted(
        str(path.relative_to(FIXTURES)) for path in (FIXTURES / "dcat_us").rglob("*.json*") if path.is_file()
    )


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize("file", _data_json_files())
def test_r8_every_real_data_json_harvested_twice_changes_nothing(
    catalog: Catalog, portal: Documents, file: str
) -> None:
    """Whatever is wrong with it: it fails and leaves nothing, or it is complete, and then once and for all."""
    portal.put("/data.json", fixture(file))
    place = source("datajson", f"{portal.url}/data.json")
    run = harvested(catalog, place)
    if run.outcome is Outcome.FAILED:
        assert datasets(catalog) == {} and issues(catalog, run)
        return
    assert run.counts.added == len(datasets(catalog))
    assert_twice_is_once(catalog, place)


def _rdf_files() -> list[str]:
    kept = ("dcat/ckanext_dcat_examples", "dcat/udata", "dcat/it")
    return sorted(
        str(path.relative_to(FIXTURES))
        for folder in kept
        for path in (FIXTURES / folder).glob("*")
        if path.suffix in (".ttl", ".rdf", ".xml", ".jsonld")
    )


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize("file", _rdf_files())
def test_r8_every_real_rdf_catalogue_harvested_twice_changes_nothing(
    catalog: Catalog, portal: Documents, file: str
) -> None:
    portal.put(f"/{file}", fixture(file))
    place = source("dcat", f"{portal.url}/{file}")
    run = harvested(catalog, place)
    if run.outcome is Outcome.COMPLETE:
        assert run.counts.added == len(datasets(catalog))
        assert_twice_is_once(catalog, place)
        return
    assert issues(catalog, run)


@needs_fixtures
def test_r14_extras_that_say_nothing_are_dropped(catalog: Catalog) -> None:
    extras = [
        {"key": "theme", "value": "None"},
        {"key": "language", "value": "[]"},
        {"key": "issued", "value": "None"},
    ]
    given: dict[str, Any] = {"id": "a", "name": "a", "title": "A", "extras": extras, "resources": []}
    with (portal := CkanPortal([given])).running():
        run = harvested(catalog, source("ckan", portal.url))
    made = dataset(catalog, "a")
    assert (made.themes_raw, made.languages, made.issued, made.record_type) == (
        (),
        (),
        None,
        RecordType.DATASET,
    )
    assert codes(catalog, run) == {}
