"""Solr's language as far as it can be answered exactly: what is read, what it finds, what is refused (fault W101)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvester.sandbox.solr import predicate
from portal.catalog.model import Distribution
from portal.catalog.store import Catalog
from portal.search.conditions import All, Any as AnyOf, Changed, Condition, Has, Is, Not
from portal.search.facets import Span
from portal.web.ckan.fields import FIELDS, Question, understood, words
from portal.web.ckan.refusals import SearchRefused
from portal.web.ckan.solr import parsed
from tests.catalogs import empty_catalog, filled
from tests.portal.web.town import HANGZHOU, NOW, ROADS, WATER, client_of, made

MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

READ: dict[str, Condition | str | None] = {
    "": None,
    "*:*": None,
    "organization:water": Has("publisher", ("water",)),
    "owner_org:water": Has("publisher", ("water",)),
    '+tags:"水 质"': Has("keyword", ("水 质",)),
    r"tags:水\ 质": Has("keyword", ("水 质",)),
    r"tags:a\:b": Has("keyword", ("a:b",)),
    "tags:[* TO *]": Has("keyword", None),
    "groups:*": Has("theme", None),
    "-organization:[* TO *]": Not(Has("publisher", None)),
    "NOT tags:a": Not(Has("keyword", ("a",))),
    "!tags:a": Not(Has("keyword", ("a",))),
    "tags:(a OR b)": AnyOf((Has("keyword", ("a",)), Has("keyword", ("b",)))),
    "tags:a || tags:b": AnyOf((Has("keyword", ("a",)), Has("keyword", ("b",)))),
    "tags:a groups:b": All((Has("keyword", ("a",)), Has("theme", ("b",)))),
    "tags:a AND groups:b": All((Has("keyword", ("a",)), Has("theme", ("b",)))),
    "+tags:a +groups:b": All((Has("keyword", ("a",)), Has("theme", ("b",)))),
    "tags:(a -b)": All((Has("keyword", ("a",)), Not(Has("keyword", ("b",))))),
    "-(tags:a OR tags:b)": Not(AnyOf((Has("keyword", ("a",)), Has("keyword", ("b",))))),
    "license_id:cc-zero": Has("license", ("cc0",)),
    "license_id:cc-by-4.0": Has("license", ("cc-by-4.0",)),
    "license_id:nobodys": AnyOf(()),
    "res_format:CSV": Has("format", ("csv",)),
    "res_format:text/csv": Has("format", ("csv",)),
    "id:(a OR b)": AnyOf((Is(("a",)), Is(("b",)))),
    "name:a-b": Is(("a-b",)),
    "state:active": All(()),
    "state:deleted": AnyOf(()),
    "private:false": All(()),
    "dataset_type:harvest": AnyOf(()),
    "metadata_modified:[2026-06-01T00:00:00Z TO *]": Changed(Span(MIDNIGHT, None)),
    "metadata_modified:[2026-06-01T00:00:00.5Z TO *]": Changed(Span(MIDNIGHT + SECOND, None)),
    "metadata_modified:{2026-06-01T00:00:00Z TO *]": Changed(Span(MIDNIGHT + SECOND, None)),
    "metadata_modified:[* TO 2026-06-01T00:00:00Z]": Changed(Span(None, MIDNIGHT + SECOND)),
    "metadata_modified:[* TO 2026-06-01T00:00:00Z}": Changed(Span(None, MIDNIGHT)),
    'metadata_modified:"2026-06-01T00:00:00Z"': Changed(Span(MIDNIGHT, MIDNIGHT + SECOND)),
    "metadata_modified:[NOW-1DAY TO NOW/DAY]": Changed(Span(MIDNIGHT - timedelta(days=1), MIDNIGHT + SECOND)),
    # Words are in our own language.
    "水质 监测": "水质 监测",
    'text:"water quality" OR 水质': '"water quality" OR 水质',
    "(水质 OR 大气) -地铁": "水质 OR 大气 -地铁",
    r"\-not": '"-not"',
}

REFUSED = {
    "title:water": "title is no field",
    "nobody:1": "nobody is no field",
    "extras_nobody:1": "extras_nobody is no field",
    "tags:wat*": "wildcards",
    "tags:wat?r": "wildcards",
    "tags:water~": "wildcards",
    '"a b"~2': "wildcards",
    "tags:a^2": "wildcards",
    "tags:/water/": "regular expressions",
    "tags:[a TO b]": "no date",
    "res_format:奇怪": "no format",
    "res_format:[* TO *]": "not indexed",
    "tags:a OR tags:b tags:c": "side by side",
    "tags:a AND tags:b OR tags:c": "side by side",
    "tags:a OR -tags:b": "sign beside OR",
    "+tags:a OR +tags:b": "sign beside OR",
    "tags:a AND (-tags:b)": "only negative",
    "tags:a OR water": "words and fields",
    "-(water OR air)": "words in brackets",
    "{!frange l=1}x": "local parameters",
    '_query_:"x"': "local parameters",
    "tags:(a": "not closed",
    "tags:a)": "not opened",
    "tags:": "cannot be read",
    "()": "nothing stands",
    "OR tags:a": "nothing stands before",
    "tags:a AND": "lacking",
    'tags:"a': "cannot be read",
    "metadata_modified:[yesterday TO *]": "no date",
    "metadata_modified:[NOW-1YEAR TO *]": "no date",
    "metadata_modified:[NOW-999999DAYS TO *]": "beyond all dates",
    "metadata_modified:[0001-01-01T00:00:00Z TO *]": "beyond all dates",
    "(" * 50 + "tags:a" + ")" * 50: "nested",
    "tags:a " * 6000: "more than",
}


@pytest.mark.parametrize("query", READ)
def test_what_can_be_answered_is_read(query: str) -> None:
    expected = READ[query]
    question = Question(text=expected) if isinstance(expected, str) else Question(condition=expected)
    assert understood(query, MIDNIGHT) == question


@pytest.mark.parametrize("query", REFUSED)
def test_w101_what_cannot_be_answered_exactly_is_refused_and_the_message_says_what(query: str) -> None:
    with pytest.raises(SearchRefused, match=REFUSED[query]):
        understood(query, MIDNIGHT)


def test_words_without_a_field_are_all_words() -> None:
    assert words('水质 -大气 "a b"') == Question(text='水质 -大气 "a b"')
    assert words(r"covid\-19") == Question(text="covid-19")
    assert [words(all) for all in ("", "*", '""')] == [Question()] * 3


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=' ()[]{}":*?~^+-!\\/|&abANDORTO水tags0', max_size=40))
def test_w101_whatever_is_typed_is_read_or_refused(query: str) -> None:
    for read in (parsed, lambda text: understood(text, MIDNIGHT)):
        try:
            read(query)
        except SearchRefused:
            pass


# What a query finds is held against another reader of the same language: the one of the make-believe portals.

TAGS, THEMES = ("水质", "a b", "k1", "k2"), ("environment", "transport")


@pytest.fixture(scope="module")
def lakes() -> FlaskClient:
    """A browser over 48 datasets with every combination of a few values."""
    catalog: Catalog = empty_catalog()
    records = [
        made(
            f"{number:03}",
            keywords=tuple(tag for bit, tag in enumerate(TAGS) if number >> bit & 1),
            themes=(THEMES[number % 2],) if number % 3 else (),
            publisher=(WATER, ROADS, None)[number // 16],
            licence=("cc0", "cc-by-4.0", None)[number % 3],
            distributions=(Distribution(id="d", format="csv"),) if number % 5 else (),
        )
        for number in range(48)
    ]
    filled(catalog, *records, source=HANGZHOU)
    return client_of(catalog)


def search(browser: FlaskClient, **asked: Any) -> dict[str, Any]:
    response = browser.get(f"/api/3/action/package_search?{urlencode({'rows': 1000, **asked})}")
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()["result"]
    return found


def solr_fields(shown: dict[str, Any]) -> dict[str, Sequence[str]]:
    return {
        "id": [shown["id"]],
        "tags": [tag["name"] for tag in shown["tags"]],
        "groups": [group["name"] for group in shown["groups"]],
        "organization": [shown["organization"]["name"]] if shown["organization"] else [],
        "license_id": [shown["license_id"]] if shown["license_id"] else [],
        "res_format": [one["format"] for one in shown["resources"]],
        "metadata_modified": [shown["metadata_modified"] + "Z"],
        "state": ["active"],
    }


LEAVES = st.one_of(
    st.sampled_from(TAGS).map(lambda tag: f'tags:"{tag}"'),
    st.sampled_from(THEMES).map(lambda theme: f"groups:{theme}"),
    st.sampled_from(("organization:water", "organization:roads", "license_id:cc-zero", "res_format:CSV", "state:active",
                     "organization:*", "license_id:*", "tags:*", "metadata_modified:[NOW-1DAY TO *]",
                     "metadata_modified:[* TO 2020-01-01T00:00:00Z]")),
)  # fmt: skip


def compounds(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda of: f"({' OR '.join(of)})"),
        several.map(lambda of: f"({' AND '.join(of)})"),
        st.tuples(inner, inner).map(lambda of: f"({of[0]} -{of[1]})"),
        st.tuples(inner, inner).map(lambda of: f"({of[0]} AND NOT {of[1]})"),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.recursive(LEAVES, compounds, max_leaves=6))
def test_a_query_finds_and_counts_what_another_reader_of_the_language_says(lakes: FlaskClient, query: str) -> None:
    every = search(lakes)["results"]
    assert len(every) == 48
    holds = predicate(query, FIELDS.keys(), datetime.now(UTC))
    expected = [shown for shown in every if holds(solr_fields(shown))]
    found = search(lakes, fq=query, sort="id asc", **{"facet.field": json.dumps(["tags", "organization"])})
    assert [shown["id"] for shown in found["results"]] == sorted(shown["id"] for shown in expected)
    assert found["count"] == len(expected)
    for field in ("tags", "organization"):
        values = [value for shown in expected for value in solr_fields(shown)[field]]
        assert found["facets"][field] == {value: values.count(value) for value in values}


def test_every_field_is_answered(town: Catalog) -> None:
    browser = client_of(town)
    for field in FIELDS:
        value = {"metadata_modified": f'"{NOW.isoformat()}"', "metadata_created": "NOW", "res_format": "CSV"}.get(field, "x")
        assert search(browser, fq=f"{field}:{value}", rows=0)["count"] >= 0
        assert search(browser, fq=f"-{field}:{value}", rows=0)["count"] >= 0


def test_a_region_is_the_region_itself_not_its_parts(town: Catalog) -> None:
    browser = client_of(town)
    assert {code: search(browser, fq=f"extras_region:{code}")["count"] for code in ("330000", "330100", "330102")} == {
        "330000": 0, "330100": 1, "330102": 25,
    }  # fmt: skip
