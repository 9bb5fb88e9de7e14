"""The vocabularies hold together: codes, names, spellings and what the tables promise besides."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

import schemas

NAMES = sorted(
    path.name.removesuffix(".csv")
    for path in files("schemas").joinpath("vocabularies").iterdir()
    if path.name.endswith(".csv")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_code_is_a_word_an_address_can_carry(name: str) -> None:
    codes = schemas.vocabulary(name).terms
    assert [code for code in codes if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", code)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_term_has_a_chinese_and_an_english_name(name: str) -> None:
    terms = schemas.vocabulary(name).terms.values()
    assert [term.code for term in terms if not (term.zh.strip() and term.en.strip())] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_terms_share_a_uri(name: str) -> None:
    uris = [term.uri for term in schemas.vocabulary(name).terms.values() if term.uri]
    assert len(uris) == len(set(uris))


@pytest.mark.parametrize("name", NAMES)
def test_a_code_leads_to_itself(name: str) -> None:
    vocabulary = schemas.vocabulary(name)
    assert [code for code in vocabulary.terms if vocabulary.resolve(code) != code] == []


def test_a_spelling_is_found_whatever_its_width_case_and_gaps() -> None:
    formats = schemas.vocabulary("formats")
    assert {formats.resolve(raw) for raw in ("ＣＳＶ", " csv ", "Comma-Separated  Values", '"CSV"')} == {"csv"}


@pytest.mark.parametrize(
    "address",
    [
        "https://creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org/licenses/by/4.0",
        "http://www.creativecommons.org/licenses/by/4.0/legalcode",
        "https://creativecommons.org/licenses/by/4.0/deed.pt_BR",
        "https://creativecommons.org/licenses/by/4.0/legalcode.zh-hans",
        "http://publications.europa.eu/resource/authority/licence/CC_BY_4_0",
        "CC-BY-4.0",
        "cc by 4.0",
    ],
)
def test_a_licence_is_the_same_under_every_address_it_has(address: str) -> None:
    assert schemas.vocabulary("licences").resolve(address) == "cc-by-4.0"


def test_a_licence_not_specified_is_not_open() -> None:
    licences = schemas.vocabulary("licences").terms
    assert licences["notspecified"].attributes["open"] == "no"
    assert [term.code for term in licences.values() if term.attributes.get("open") not in ("yes", "no", None)] == []


def test_formats_say_yes_no_or_nothing_and_name_their_family() -> None:
    terms = schemas.vocabulary("formats").terms.values()
    answers = {term.attributes.get(flag) for term in terms for flag in ("machine_readable", "open")}
    families = {term.attributes["family"] for term in terms}
    files = {"table", "structured", "geographic", "document", "image", "media", "archive"}
    assert answers == {"yes", "no", None}
    assert families == files | {"api", "link", "database", "other"}


def test_frequencies_stand_from_the_shortest_to_the_longest() -> None:
    days = [
        float(term.attributes["days"])
        for term in schemas.vocabulary("frequencies").terms.values()
        if "days" in term.attributes
    ]
    assert days == sorted(days)
    assert days[0] == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("每年", "annual"),
        ("按年更新", "annual"),
        ("实时", "continuous"),
        ("小时级", "hourly"),
        ("每半月", "monthly-2"),
        ("半年", "annual-2"),
        ("归档不更新", "never"),
        ("自定义", "other"),
        ("不定期", "irregular"),
        ("R/P3M", "quarterly"),
        ("R/P0.5M", "monthly-2"),
        ("eventual", "irregular"),
        ("annuelle", "annual"),
        ("bimensuel", "monthly-2"),
        ("fortnightly", "biweekly"),
        ("bimonthly", "bimonthly"),
        ("biannually", "annual-2"),
        ("http://purl.org/cld/freq/semiannual", "annual-2"),
        ("http://publications.europa.eu/resource/authority/frequency/ANNUAL_2", "annual-2"),
    ],
)
def test_update_frequencies_are_read_in_every_tongue(raw: str, code: str) -> None:
    assert schemas.vocabulary("frequencies").resolve(raw) == code


@pytest.mark.parametrize("number", [str(n) for n in range(13)] + ["01", "06", "99"])
def test_a_portals_own_number_means_nothing_by_itself(number: str) -> None:
    names = ("frequencies", "openness", "formats", "licences")
    assert [schemas.vocabulary(name).resolve(number) for name in names] == [None] * 4
