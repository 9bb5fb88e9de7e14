"""What ``nachuan sources check`` finds out of portals that speak XML."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.http import Http
from harvester.probe import Finding, probe
from nachuan.cli import main
from tests.harvester.csw_portal import CswPortal, iso
from tests.harvester.harvesting import LOOPBACK
from tests.harvester.oai_portal import OaiPortal, dc, deleted


def found(url: str) -> tuple[Finding, ...]:
    with Http(requests_per_second=0, allow_private=LOOPBACK, sleep=lambda seconds: None) as http:
        return probe(url, http).findings


@pytest.mark.parametrize(("heeds", "filters", "said"), [(True, True, True), (False, True, False), (True, False, False)])
def test_a_catalogue_service_is_recognised_and_its_filter_tried(heeds: bool, filters: bool, said: bool) -> None:
    portal = CswPortal(*(iso(str(number)) for number in range(12)))
    portal.heeds_filters, portal.filters = heeds, filters
    with portal.running():
        (finding,) = found(portal.url)
    assert (finding.kind, finding.version, finding.title) == ("csw", "2.0.2", "Géocatalogue")
    assert (finding.records, finding.pages, finding.filters_by_date) == (12, True, said)
    assert finding.url == portal.url


def test_a_repository_is_recognised_with_its_size_and_its_policy() -> None:
    portal = OaiPortal(*(dc(str(number)) for number in range(25)), deleted("x", "2026-01-01"))
    with portal.running():
        (finding,) = found(f"{portal.url}?verb=ListRecords")
    assert (finding.kind, finding.title, finding.url) == ("oaipmh", "大学图书馆", portal.url)
    assert (finding.datasets, finding.records, finding.deletions) == (None, 26, "persistent")
    assert finding.filters_by_date


@pytest.mark.parametrize("portal", [CswPortal(iso("a")), OaiPortal(dc("a"))], ids=["csw", "oaipmh"])
def test_a_portal_is_found_at_its_customary_address(portal: CswPortal | OaiPortal) -> None:
    with portal.running():
        site = portal.url.removesuffix("/srv/eng/csw").removesuffix("/oai/request")
        site = f"{site}/srv/eng/" if isinstance(portal, CswPortal) else site
        assert [finding.url for finding in found(site)] == [portal.url]


@pytest.mark.slow
def test_check_says_it_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NACHUAN_ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    with OaiPortal(dc("a")).running() as portal:
        main(["sources", "check", portal.url])
    told = capsys.readouterr().out
    assert "oaipmh 2.0 at" in told and "it calls itself 大学图书馆" in told
    assert "1 records of every type; how many of them are datasets it does not say" in told
    assert told.rstrip().endswith("tells what was deleted")
