"""MQA, udata and five stars on real catalogues: what each dataset earns, worked out by hand from its RDF.

Nobody answers the addresses of these documents, so every link is unknown: MQA gives nothing for it (``points``), and with
every address answering 200 what stands under ``working``. The letters say which of MQA's 23 indicators a dataset earns:

    K keyword 30   T theme 30   S place 20   P period 20   | D DCAT-AP 30   R access rights 10   r of the list 5
    C contact 20   N publisher 10                          | of the best distribution: U download address 20
    F format 20    M media type 10   a both of lists 10    o open format 20   m machine-readable 20
    L licence 20   k of the list 10  g rights 5            z size 5   i issued 5   c changed 5

D is what a SHACL engine says by the shapes of DCAT-AP 3.0.1. d stands where nothing mandatory is missing and something
else is broken (an address written as a text, mostly): no points, unless the rule set does not ask for the shapes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest

import schemas
from portal.catalog.model import Dataset, Link, LinkState
from portal.scorecard.rules import RuleSet, load, parse
from portal.scorecard.subjects import subject, urls
from portal.scorecard.vectors import findings
from portal.scorecard.verdicts import Verdict
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.test_connectors_dcat import fixture
from tests.shacl import judged

pytestmark = needs_fixtures

DAY = datetime(2026, 6, 15, tzinfo=UTC)

LETTERS = {
    "K": "keywordAvailability",
    "T": "categoryAvailability",
    "S": "spatialAvailability",
    "P": "temporalAvailability",
    "D": "dcatApCompliance",
    "R": "accessRightsAvailability",
    "r": "accessRightsVocabularyAlignment",
    "C": "contactPointAvailability",
    "N": "publisherAvailability",
    "U": "downloadUrlAvailability",
    "F": "formatAvailability",
    "M": "mediaTypeAvailability",
    "a": "formatMediaTypeVocabularyAlignment",
    "o": "formatMediaTypeNonProprietary",
    "m": "formatMediaTypeMachineInterpretable",
    "L": "licenceAvailability",
    "k": "knownLicence",
    "g": "rightsAvailability",
    "z": "byteSizeAvailability",
    "i": "dateIssuedAvailability",
    "c": "dateModifiedAvailability",
}

TERAMO = "it/uni_teramo_catalog.rdf"
HVD = "semic_examples/3.0.0-hvd/example-"

BY_HAND: tuple[tuple[str, str, str, int, int], ...] = (
    # File, end of the dataset's key, indicators, points, points with every address answering.
    # Two of its three distributions have no access address; best is the CSV with its media type alone.
    ("ckanext_dcat_examples/catalog.rdf", "datasets/1", "KN UMomLic", 140, 170),
    # No distribution has an access address; HTML is an open format, not a machine-readable one.
    ("ckanext_dcat_examples/catalog.rdf", "datasets/2", "KN UFoic", 110, 140),
    # accessRights "public" is no entry of the list, CC BY-NC 2.0 no licence of it; the format is the word HTML.
    ("ckanext_dcat_examples/dataset.rdf", "9df8df51-63db-37a8-e044-0003ba9b0d98", "KTSPdRCN FMoLgzic", 230, 280),
    # dct:format "text/plain" is a format stated, and plain text an open one; issued on a day that may be the sixth of May
    # or the fifth of June, never changed.
    ("ckanext_dcat_examples/dataset_deri.ttl", "Abandoned_Vehicles", "Sd Foi", 65, 115),
    # The licence is the dataset's, not the distribution's; XLS is machine-readable and not open.
    ("ckanext_dcat_examples/dataset_gob_es.ttl", "centros-escolares", "KTdN Fmzic", 125, 175),
    # A download address and no access address: not DCAT-AP.
    ("ckanext_dcat_examples/dataset_health_multilingual.ttl", "dataset/1", "KN UFomgic", 135, 165),
    # INSPIRE's limitation is no entry of the EU's list of access rights.
    ("udata/catalog.xml", "datasets/3", "KTSPdRN Fomic", 190, 240),
    # The first distribution is best: its format is an IANA address, not of the EU's file types. It is described as
    # dct:abstract alone.
    ("udata/catalog.xml", "datasets/1", "KTSPCN FMomLzic", 235, 285),
    # Rights on the second distribution are no licence; the period is a node of its own.
    ("udata/catalog.xml", "datasets/2", "KSPdCN Fomgic", 175, 225),
    # No keyword, theme, place, period, contact; changed, never issued.
    ("udata/catalog.xml", "datasets/4", "dN Fomc", 75, 125),
    ("udata/flat.jsonld", "datasets/1", "KTSPdCN Fomic", 200, 250),
    ("udata/flat.jsonld", "datasets/2", "KSPdCN Fomic", 170, 220),
    ("udata/flat.jsonld", "datasets/3", "KSdN Fomic", 130, 180),
    ("udata/bnodes.xml", "dataset-3", "KSPdN Fomic", 150, 200),
    # A place with coordinates that are none is still a place stated; its description is a dct:abstract.
    ("udata/bnodes.xml", "1", "KTSPCN Fomic", 200, 250),
    ("udata/bnodes.xml", "dataset-2", "KTSPdCN Fomic", 200, 250),
    # Eleven of one mould: no place, no period, no media type, no size. The format is the relative address CSV, which leads to
    # the portal's own CSV: stated, and on no list.
    (TERAMO, "professori-a-contratto-classi-eta-2021-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "professori-a-contratto-area-2021-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "personale-tutorato-2021-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "collaboratori-linguistici-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "altre-collaborazioni-a.s.-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "personale-tecnico-amministrativo-a.s.-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "in-out-2017-2023", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "distribuzione-contribuzione-2021-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "esoneri-totali-2021-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "esoneri-parziali-2021-2022", "KTDRrCN FLkgic", 200, 250),
    (TERAMO, "interventi-a-favore-degli-studenti-2021-2022", "KTDRrCN FLkgic", 200, 250),
    # Title, description and a publisher that is a bare node, without a name; no distribution.
    (HVD + "ms_dataset.ttl", "1T2p3o4B", "DN", 40, 40),
    (HVD + "ms_dataset_2_identifiers.ttl", "1T2p3o4B", "DN", 40, 40),
    # SHP is machine-readable and not open, Turtle is both: Turtle is best.
    (HVD + "ms_dataset_2_distributions.ttl", "1T2p3o4B", "DN Fom", 100, 150),
    (HVD + "ms_dataset_hvd_profile.ttl", "1T2p3o4B", "DN Fom", 100, 150),
    # Nothing but a title and distributions that have nothing but a licence, which is on no list.
    (HVD + "ms_dataset_2_licenses.ttl", "1T2p3o4B", "L", 20, 20),
    (HVD + "ms_dataset_2_licenses.ttl", "1W2o3p4T", "L", 20, 20),
)


@cache
def datasets(path: str) -> tuple[Dataset, ...]:
    return tuple(fixture(path).datasets)


def dataset(path: str, key: str) -> Dataset:
    (found,) = [one for one in datasets(path) if one.source_key.endswith(key)]
    return found


def earned(dataset: Dataset, rules: str | RuleSet, links: dict[str, Link] | None = None) -> set[str]:
    given = load(rules) if isinstance(rules, str) else rules
    found = findings(subject(dataset, DAY, links=links or {}), given)
    return {one.id for one, finding in zip(given.measured, found) if finding.verdict.passes}


def weights(rules: str, ids: set[str]) -> float:
    return sum(one.weight for one in load(rules).measured if one.id in ids)


def all_answering(dataset: Dataset) -> dict[str, Link]:
    return {
        url: Link(url=url, state=LinkState.AVAILABLE, since=DAY, checked=DAY, last_available=DAY, status=200)
        for url in urls(dataset)
    }


def test_the_points_by_hand_are_those_of_their_letters() -> None:
    for path, key, letters, points, _ in BY_HAND:
        assert weights("mqa", {LETTERS[each] for each in letters if each in LETTERS}) == points, (path, key)
    assert len(BY_HAND) == 33


@pytest.mark.parametrize("path,key,letters,points,working", BY_HAND)
def test_mqa_gives_what_was_worked_out_by_hand(path: str, key: str, letters: str, points: int, working: int) -> None:
    found = dataset(path, key)
    assert earned(found, "mqa") == {LETTERS[each] for each in letters if each in LETTERS}
    assert weights("mqa", earned(found, "mqa")) == points
    assert weights("mqa", earned(found, "mqa", all_answering(found))) == working


@pytest.mark.parametrize("path,key,letters,points,working", BY_HAND)
def test_where_the_shapes_are_not_asked_for_what_is_mandatory_earns_the_points(
    path: str, key: str, letters: str, points: int, working: int
) -> None:
    text = schemas.scorecard("mqa")
    assert "options = {shapes = true}" in text
    mandatory = parse(text.replace("options = {shapes = true}", "options = {shapes = false}"), "mqa")
    earns = {each.upper() if each == "d" else each for each in letters.replace(" ", "")}
    assert earned(dataset(path, key), mandatory) == {LETTERS[each] for each in earns}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
@pytest.mark.parametrize("path", sorted({path for path, *_ in BY_HAND}))
def test_the_letter_of_dcat_ap_is_what_a_shacl_engine_says(path: str) -> None:
    records = judged(FIXTURES / "dcat" / path)
    for key, letters in ((key, letters) for name, key, letters, *_ in BY_HAND if name == path):
        (found,) = [one for one in records if one.key.endswith(key)]
        assert ("D" in letters) == (not found.violations), key


CRITERIA = {
    "L": "license",
    "P": "temporal_coverage",
    "S": "spatial",
    "F": "update_frequency",
    "T": "update_fulfilled_in_time",
    "D": "dataset_description_quality",
    "O": "has_open_format",
    "A": "all_resources_available",
    "R": "resources_documentation",
}

CRITERIA_BY_HAND: tuple[tuple[str, str, str, int], ...] = (
    # File, end of the key, udata's criteria (what was never asked for counts as available), stars.
    ("ckanext_dcat_examples/catalog.rdf", "datasets/1", "LDOAR", 0),
    ("ckanext_dcat_examples/catalog.rdf", "datasets/2", "DOAR", 0),
    # Daily, and of 2012; the description has 84 characters; CC BY-NC is not open: no star.
    ("ckanext_dcat_examples/dataset.rdf", "9df8df51-63db-37a8-e044-0003ba9b0d98", "LPSFOAR", 0),
    ("ckanext_dcat_examples/dataset_deri.ttl", "Abandoned_Vehicles", "SFDOA", 0),
    # The frequency is a node of the portal's own; XLS is closed; the licence is the city's own.
    ("ckanext_dcat_examples/dataset_gob_es.ttl", "centros-escolares", "LDA", 0),
    ("ckanext_dcat_examples/dataset_health_multilingual.ttl", "dataset/1", "OAR", 0),
    # Licence Ouverte 2.0 is open, JSON machine-readable and open, not linked.
    ("udata/catalog.xml", "datasets/3", "LPSFOAR", 3),
    ("udata/catalog.xml", "datasets/1", "LPSOAR", 3),
    ("udata/flat.jsonld", "datasets/1", "PSOAR", 0),
    ("udata/flat.jsonld", "datasets/2", "PSOAR", 0),
    ("udata/flat.jsonld", "datasets/3", "SOAR", 0),
    ("udata/bnodes.xml", "dataset-3", "LPSFOAR", 3),
    ("udata/bnodes.xml", "dataset-2", "PSOAR", 0),
    # Annual, and of 31 December 2024: late in June 2026. CC BY 4.0, in a format nobody knows: one star.
    (TERAMO, "professori-a-contratto-classi-eta-2021-2022", "LFDOAR", 1),
    (TERAMO, "professori-a-contratto-area-2021-2022", "LFDOAR", 1),
    (HVD + "ms_dataset.ttl", "1T2p3o4B", "D", 0),
    (HVD + "ms_dataset_2_identifiers.ttl", "1T2p3o4B", "D", 0),
    (HVD + "ms_dataset_2_distributions.ttl", "1T2p3o4B", "FDOA", 0),
    (HVD + "ms_dataset_hvd_profile.ttl", "1T2p3o4B", "FDOA", 0),
    (HVD + "ms_dataset_2_licenses.ttl", "1T2p3o4B", "LA", 0),
    (HVD + "ms_dataset_2_licenses.ttl", "1W2o3p4T", "LA", 0),
)


def not_failed(dataset: Dataset, rules: str) -> set[str]:
    given = load(rules)
    found = findings(subject(dataset, DAY), given)
    return {
        one.id
        for one, finding in zip(given.measured, found)
        if finding.verdict.passes or finding.verdict is Verdict.UNKNOWN
    }


@pytest.mark.parametrize("path,key,letters,stars", CRITERIA_BY_HAND)
def test_udata_and_the_stars_are_what_was_worked_out_by_hand(path: str, key: str, letters: str, stars: int) -> None:
    found = dataset(path, key)
    assert not_failed(found, "udata") == {CRITERIA[each] for each in letters}
    assert not_failed(found, "five_star") == {f"star_{number}" for number in range(1, stars + 1)}
