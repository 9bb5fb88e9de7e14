"""What ckanext-dcat asserts of its harvester (D12 to D26), of whole harvests; where its rule differs, ours holds.

How one document is read is asked in ``test_connectors_dcat`` (D1 to D25); here it is what a second harvest does.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harvester.http.limits import Limits
from portal.catalog.model import ChangeKind, Counts, Outcome, Source
from portal.catalog.store import Catalog
from tests.fixtures import needs_fixtures
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
    source,
    states,
)

PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
"""


@pytest.fixture
def portal() -> Iterator[Documents]:
    with Documents() as documents:
        yield documents


def turtle(*parts: str) -> bytes:
    return (PREFIXES + "\n".join(parts)).encode()


def described(key: str, *statements: str, title: str | None = None) -> str:
    words = "" if title == "" else f'dct:title "{title or f"Dataset {key}"}" ; '
    return f"<http://p.test/{key}> a dcat:Dataset ; {words}{' ; '.join(statements)} ."


def distribution(url: str, uri: str | None = None, title: str = "file") -> str:
    start = "[" if uri is None else f"<{uri}>"
    body = f'a dcat:Distribution ; dct:title "{title}" ; dcat:accessURL <{url}>'
    return f"{start} {body} ]" if uri is None else f"{start} {body} ."


def of(portal: Documents) -> Source:
    return source("dcat", f"{portal.url}/catalog.ttl", guard=NO_GRACE)


def test_d14_d26_a_distribution_keeps_its_id_over_harvests_by_uri_else_by_address(
    catalog: Catalog, portal: Documents
) -> None:
    """Ours: a distribution without a URI is not replaced at each harvest but known by its address, as D26 has it."""
    with_uri, address = "http://p.test/1/file", "http://files.test/{}.csv"

    def listing(first: str, second: str, title: str) -> bytes:
        return turtle(
            described(
                "1",
                f"dcat:distribution <{with_uri}>",
                f"dcat:distribution {distribution(second, None, title)}",
            ),
            distribution(first, with_uri, title),
        )

    portal.put("/catalog.ttl", listing(address.format("a"), address.format("b"), "one"))
    harvested(catalog, of(portal))
    before = {
        each.key or each.access_url: each.id for each in dataset(catalog, "http://p.test/1").distributions
    }
    portal.put("/catalog.ttl", listing(address.format("moved"), address.format("b"), "two"))
    assert harvested(catalog, of(portal)).counts.updated == 1
    after = {
        each.key or each.access_url: each.id for each in dataset(catalog, "http://p.test/1").distributions
    }
    assert after == before and len(set(after.values())) == 2
    portal.put("/catalog.ttl", listing(address.format("moved"), address.format("other"), "two"))
    assert harvested(catalog, of(portal)).counts.updated == 1
    last = {
        each.key or each.access_url: each.id for each in dataset(catalog, "http://p.test/1").distributions
    }
    assert last[with_uri] == before[with_uri]
    assert last[address.format("other")] not in before.values()


@needs_fixtures
def test_d15_what_the_new_file_lacks_is_retired_and_keeps_its_page(
    catalog: Catalog, portal: Documents
) -> None:
    """Ours: a tombstone, and only at once because this source has no grace."""
    portal.put("/catalog.ttl", fixture("dcat/ckanext_dcat_examples/catalog.rdf"), "application/rdf+xml")
    assert harvested(catalog, of(portal)).counts == Counts(listed=2, added=2)
    gone, kept = sorted(datasets(catalog))
    body = fixture("dcat/ckanext_dcat_examples/catalog.rdf").decode()
    start = body.index("<dcat:dataset>", body.index(gone) - 200)
    end = body.index("</dcat:dataset>", start) + len("</dcat:dataset>")
    portal.put("/catalog.ttl", (body[:start] + body[end:]).encode(), "application/rdf+xml")
    assert harvested(catalog, of(portal)).counts == Counts(listed=1, unchanged=1, retired=1)
    assert states(catalog) == {gone: "retired", kept: "current"}
    assert [change.kind for change in catalog.history(dataset(catalog, gone).id)][0] is ChangeKind.RETIRED


def test_d16_a_malformed_document_ends_the_run_and_touches_nothing(
    catalog: Catalog, portal: Documents
) -> None:
    portal.put("/catalog.ttl", turtle(described("1"), described("2")))
    harvested(catalog, of(portal))
    newest = catalog.last_change()
    portal.put("/catalog.ttl", turtle(described("1"), "<http://p.test/2> a dcat:Dataset ; dct:title 'half"))
    run = harvested(catalog, of(portal))
    assert (run.outcome, run.cause, run.counts) == (Outcome.FAILED, "portal.not-understood", Counts())
    (issue,) = issues(catalog, run)
    assert "line 5" in (issue.detail or "") and issue.url == f"{portal.url}/catalog.ttl"
    assert catalog.last_change() == newest


def test_d17_a_document_above_the_limit_is_refused_with_both_sizes(
    catalog: Catalog, portal: Documents
) -> None:
    portal.put("/catalog.ttl", turtle(*(described(str(number)) for number in range(100))))
    run = harvested(catalog, of(portal), limits=Limits(memory_bytes=2000))
    assert (run.outcome, run.cause) == (Outcome.FAILED, "portal.answer-too-large")
    (issue,) = issues(catalog, run)
    size = len(turtle(*(described(str(number)) for number in range(100))))
    assert "2000" in (issue.detail or "").replace(",", "") and str(size) in (issue.detail or "").replace(
        ",", ""
    )


def test_d18_two_datasets_of_one_title_are_two(catalog: Catalog, portal: Documents) -> None:
    """Ours: they are told apart by their addresses; no name is made out of a title."""
    portal.put("/catalog.ttl", turtle(described("1", title="Example"), described("2", title="Example")))
    assert harvested(catalog, of(portal)).counts == Counts(listed=2, added=2)
    assert len({made.id for made in datasets(catalog).values()}) == 2
    assert {made.name for made in datasets(catalog).values()} == {None}


def test_d19_a_record_that_cannot_be_used_is_reported_and_the_others_imported(
    catalog: Catalog, portal: Documents
) -> None:
    portal.put("/catalog.ttl", turtle(described("1"), described("2", title=""), described("3")))
    run = harvested(catalog, of(portal))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=3, added=2, unusable=1))
    assert [(issue.code, issue.source_key) for issue in issues(catalog, run)] == [
        ("record.title-missing", "http://p.test/2")
    ]


def test_d19_a_record_that_breaks_later_stays_as_it_last_was(catalog: Catalog, portal: Documents) -> None:
    portal.put("/catalog.ttl", turtle(described("1"), described("2")))
    harvested(catalog, of(portal))
    portal.put("/catalog.ttl", turtle(described("1"), described("2", title="")))
    run = harvested(catalog, of(portal))
    assert run.counts == Counts(listed=2, unchanged=1, unusable=1)
    assert states(catalog) == {"http://p.test/1": "current", "http://p.test/2": "unusable"}
    assert dataset(catalog, "http://p.test/2").title == "Dataset 2"


def test_d12_a_dataset_without_any_id_is_reported_and_the_others_imported(catalog: Catalog, portal: Documents) -> None:
    """Ours: no name at the source's address is made up: what cannot be told again next time is not taken in."""
    portal.put("/catalog.ttl", turtle(described("1"), '[ a dcat:Dataset ; dct:title "Nobody" ] .'))
    run = harvested(catalog, of(portal))
    assert (run.counts.added, run.counts.unusable) == (1, 1)
    assert errors(catalog, run) == ["record.key-missing"]


def test_d13_a_second_page_that_is_the_first_again_ends_partial_with_what_it_had(
    catalog: Catalog, portal: Documents
) -> None:
    page = '<http://p.test/> a hydra:PagedCollection ; hydra:nextPage "{}/catalog.ttl?page=2" .'
    portal.put("/catalog.ttl", turtle(described("1"), described("2"), page.format(portal.url)))
    run = harvested(catalog, of(portal))
    assert (run.outcome, run.cause, run.counts) == (
        Outcome.PARTIAL,
        "listing.paging-broken",
        Counts(listed=2, added=2),
    )
    assert len(portal.paths) == 2


@needs_fixtures
@pytest.mark.slow
def test_d2_d3_d4_an_unchanged_catalogue_in_any_syntax_changes_nothing(
    catalog: Catalog, portal: Documents
) -> None:
    """The bytes compared are ours, made from the statements: blank nodes get other labels at every reading."""
    for file, count in (("dataset_deri.ttl", 1), ("catalog_pod.jsonld", 1)):
        place = source("dcat", f"{portal.url}/{file}", id=file.partition(".")[0].replace("_", "-"))
        portal.put(f"/{file}", fixture(f"dcat/ckanext_dcat_examples/{file}"))
        assert harvested(catalog, place).counts.added == count
        newest = catalog.last_change()
        again = harvested(catalog, place, full=True)
        assert again.counts == Counts(listed=count, unchanged=count)
        assert catalog.last_change() == newest


def test_d21_the_inner_catalogue_of_a_dataset_is_kept(catalog: Catalog, portal: Documents) -> None:
    portal.put(
        "/catalog.ttl",
        turtle(
            '<http://p.test/c> a dcat:Catalog ; dct:title "All" ; dcat:dataset <http://p.test/1> ;'
            " dct:hasPart <http://p.test/sub> .",
            '<http://p.test/sub> a dcat:Catalog ; dct:title "Water office" ; dcat:dataset <http://p.test/2> .',
            described("1"),
            described("2"),
        ),
    )
    run = harvested(catalog, of(portal))
    assert run.counts.added == 2
    assert {key: made.catalogue for key, made in datasets(catalog).items()} == {
        "http://p.test/1": None,
        "http://p.test/2": "Water office",
    }
    assert codes(catalog, run) == {}
