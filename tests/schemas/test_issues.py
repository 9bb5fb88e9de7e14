"""The texts of issues: one for every error there is, in both tongues, saying what happened and what to do."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

import schemas
from harvester import errors
from portal.catalog.model import Severity

ISSUES = schemas.vocabulary("issues").terms
FACTS = {"url", "field", "seen", "detail", "key"}


def _codes(error: type[errors.HarvestError]) -> Iterator[str]:
    yield error.code
    for kind in error.__subclasses__():
        yield from _codes(kind)


def test_every_error_of_a_harvest_has_its_texts() -> None:
    assert set(_codes(errors.HarvestError)) - set(ISSUES) == set()


@pytest.mark.parametrize("code", sorted(ISSUES))
def test_an_issue_says_how_bad_it_is_and_what_to_do_in_both_tongues(code: str) -> None:
    attributes = ISSUES[code].attributes
    assert Severity(attributes["severity"])
    assert attributes["cure_zh"].endswith("。")
    assert attributes["cure_en"].endswith(".")


@pytest.mark.parametrize("code", sorted(ISSUES))
def test_a_text_asks_for_facts_an_issue_has_and_both_tongues_ask_for_the_same(code: str) -> None:
    asked = {
        text: {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        for text in (ISSUES[code].zh, ISSUES[code].en)
    }
    chinese, english = asked.values()
    assert chinese == english
    assert chinese <= FACTS


@pytest.mark.parametrize("code", sorted(ISSUES))
def test_chinese_sentences_have_chinese_punctuation(code: str) -> None:
    texts = ISSUES[code].zh + ISSUES[code].attributes["cure_zh"]
    assert set(texts) & set(",;:?!()") == set()


@pytest.mark.parametrize("code", sorted(ISSUES))
def test_a_code_is_a_subject_and_what_is_wrong_with_it(code: str) -> None:
    subject, dot, matter = code.partition(".")
    assert dot and matter
    assert subject in {
        "harvest", "portal", "listing", "paging", "record", "field", "distribution", "link", "source", "run",
    }  # fmt: skip
