"""The rules of DCAT-AP on plain records, one by one and against a SHACL engine on real documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harvester.errors import PortalNotUnderstood
from harvester.dcat_shapes import violations
from tests.fixtures import FIXTURES, needs_fixtures
from tests.shacl import SYNTAXES, judged

TYPED = {"@type": ["dcat:Dataset"], "dct:title": [{"@value": "A"}], "dct:description": [{"@value": "B"}]}


@pytest.mark.parametrize(
    "given,broken",
    [
        ({}, ()),
        ({"dct:title": [{"@id": "http://a.test/title"}]}, ("dct:title sh:nodeKind",)),
        ({"dct:publisher": [{"@id": "http://a.test/1"}, {"@id": "http://a.test/2"}]}, ("dct:publisher sh:maxCount",)),
        ({"dct:publisher": [{"@value": "A ministry"}]}, ("dct:publisher sh:nodeKind",)),
        ({"dct:publisher": [{}]}, ()),
        ({"dcat:theme": [{"@type": ["skos:Concept"], "skos:prefLabel": [{"@value": "A"}]}]}, ("dcat:theme sh:nodeKind",)),
        ({"dct:publisher": [{"@type": ["foaf:Agent"]}]}, ("foaf:name sh:minCount",)),
        (
            {"dcat:distribution": [{"@type": ["dcat:Distribution"]}, {"@type": ["dcat:Distribution"]}]},
            ("dcat:accessURL sh:minCount",),
        ),
        ({"dcat:distribution": [{}]}, ()),
    ],
)
def test_a_rule_that_is_broken_is_named_once(given: dict[str, Any], broken: tuple[str, ...]) -> None:
    assert violations(TYPED | given) == broken


@pytest.mark.parametrize(
    "said,kept",
    [
        ({"@value": "2026-02-28", "@type": "xsd:date"}, True),
        ({"@value": "2026", "@type": "xsd:gYear"}, True),
        ({"@value": "2026-02", "@type": "xsd:gYearMonth"}, True),
        ({"@value": "2026-02-28T12:00:00.5+08:00", "@type": "xsd:dateTime"}, True),
        ({"@value": "2026-02-28T12:00", "@type": "xsd:dateTime"}, False),
        ({"@value": "28.2.2026", "@type": "xsd:date"}, False),
        ({"@value": "2026-02-28"}, False),
        ({"@id": "http://a.test/2026"}, False),
    ],
)
def test_a_date_has_a_type_of_dates_and_is_written_so(said: dict[str, Any], kept: bool) -> None:
    assert violations(TYPED | {"dct:issued": [said]}) == (() if kept else ("dct:issued sh:datatype",))


@pytest.mark.parametrize(
    "name,said,kept",
    [
        ("dcat:byteSize", {"@value": "12", "@type": "xsd:nonNegativeInteger"}, True),
        ("dcat:byteSize", {"@value": "-12", "@type": "xsd:nonNegativeInteger"}, False),
        ("dcat:byteSize", {"@value": "12", "@type": "xsd:integer"}, False),
        ("dcat:spatialResolutionInMeters", {"@value": "10.5", "@type": "xsd:decimal"}, True),
        ("dcat:spatialResolutionInMeters", {"@value": "ten", "@type": "xsd:decimal"}, False),
        ("dcat:temporalResolution", {"@value": "P1D", "@type": "xsd:duration"}, True),
        ("dcat:temporalResolution", {"@value": "PT", "@type": "xsd:duration"}, False),
    ],
)
def test_numbers_and_spans_have_the_one_type_they_are_asked_for(name: str, said: dict[str, Any], kept: bool) -> None:
    distribution = {
        "@type": ["dcat:Distribution"], "dcat:accessURL": [{"@id": "http://a.test/"}], name: [said],
    }
    assert violations(TYPED | {"dcat:distribution": [distribution]}) == (() if kept else (f"{name} sh:datatype",))


def test_nodes_without_a_class_are_asked_nothing() -> None:
    assert violations({"dct:title": [{"@id": "http://a.test/"}]}) == ()


OTHERWISE = {
    # A moment without seconds is no xsd:dateTime; the engine's library reads it.
    "https://data.some.org/catalog/datasets/9df8df51-63db-37a8-e044-0003ba9b0d98": {"dct:modified sh:datatype"},
}
"""The records of which the engine says otherwise, and in what."""


@pytest.mark.slow
@needs_fixtures
def test_real_records_break_the_rules_that_a_shacl_engine_says_they_break() -> None:
    looked_at = 0
    for path in sorted((FIXTURES / "dcat").rglob("*")):
        # The largest document takes the engine minutes, and contexts of JSON-LD it would fetch.
        suffix = Path(path.name.removesuffix(".gz")).suffix
        if suffix not in SYNTAXES or suffix == ".jsonld" or path.stat().st_size > 400_000:
            continue
        try:
            records = judged(path)
        except PortalNotUnderstood:
            continue
        for key, plain, expected in records:
            assert set(violations(plain)) ^ expected == OTHERWISE.get(key, set()), (path, key)
        looked_at += len(records)
    assert looked_at > 1000
