"""A source says whom to believe that a server is its portal (faults N15, N16): from the file to the run and the page."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from msgspec import structs

from harvester import sourcefiles
from harvester.sourcefiles import SourceInvalid
from nachuan import installation
from portal.catalog.model import Outcome, Run, Source, Trust
from portal.catalog.store import Catalog
from portal.settings import Settings
from tests.harvester.harvesting import LOOPBACK, issues, source
from tests.hostile import HostileServer, json_answer
from tests.portal.web.town import client_of, says

AUTHORITY = trustme.CA()
LISTED = {"dataset": [{"identifier": "a", "title": "A", "accessLevel": "public"}]}


@pytest.fixture
def place() -> Iterator[Source]:
    """A portal whose certificate only its own authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with HostileServer(json_answer(LISTED), tls=context) as portal:
        yield source("datajson", f"{portal.url}/data.json")


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def harvested(catalog: Catalog, place: Source, **trust: object) -> Run:
    place = structs.replace(place, trust=Trust(**trust))  # type: ignore[arg-type]
    catalog.sources.put(place)
    return installation.harvest_source(catalog, place, Settings(allow_private=LOOPBACK))


def test_n15_a_source_names_the_authority_of_its_portal(catalog: Catalog, place: Source, ca_file: str) -> None:
    refused = harvested(catalog, place)
    assert (refused.outcome, refused.cause) == (Outcome.FAILED, "portal.certificate-invalid")
    (issue,) = issues(catalog, refused)
    assert issue.detail is not None and "an authority that is unknown" in issue.detail
    believed = harvested(catalog, place, ca_file=ca_file)
    assert (believed.outcome, believed.counts.added) == (Outcome.COMPLETE, 1)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_n15_a_portal_that_is_not_verified_is_read_and_its_page_says_so(catalog: Catalog, place: Source) -> None:
    assert harvested(catalog, place, verify=False).outcome is Outcome.COMPLETE
    assert "Certificate Not verified, by the operators’ choice" in says(client_of(catalog), "/en/sources/portal")
    assert "运行人员选择不核验证书" in says(client_of(catalog), "/zh/sources/portal")
    harvested(catalog, place)
    assert "Certificate" not in says(client_of(catalog), "/en/sources/portal")


def test_n15_a_file_that_holds_no_authority_is_refused_with_the_source_and_else_fails_its_run_alone(
    catalog: Catalog, place: Source, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    for name in ("empty.pem", "not-there.pem"):
        with pytest.raises(SourceInvalid, match=f"trust.ca_file .*{name}.* cannot be read"):
            sourcefiles.validate({"id": "a", "title": "A", "kind": "ckan", "url": place.url,
                                  "trust": {"ca_file": str(tmp_path / name)}})  # fmt: skip
        run = harvested(catalog, place, ca_file=str(tmp_path / name))
        assert (run.outcome, run.cause) == (Outcome.FAILED, "source.invalid")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_n16_what_a_source_trusts_stands_in_its_file(place: Source, ca_file: str, tmp_path: Path) -> None:
    wanted = structs.replace(place, trust=Trust(ca_file=ca_file, legacy=True))
    path = tmp_path / "portal.toml"
    path.write_text(sourcefiles.write(wanted), encoding="utf-8")
    assert sourcefiles.read(path) == wanted
    assert "[trust]" in path.read_text(encoding="utf-8")
    assert "trust" not in sourcefiles.write(place)
