"""The texts of issues: one for every error there is, in both tongues, saying what happened and what to do."""

from __future__ import annotations

import string
from collections.abc import Iterator

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


def test_an_issue_says_how_bad_it_is_and_what_to_do_in_both_tongues() -> None:
    for code, issue in ISSUES.items():
        assert issue.attributes["severity"] in set(Severity), code
        assert issue.attributes["cure_zh"].endswith("。"), code
        assert issue.attributes["cure_en"].endswith("."), code


def _asked(text: str) -> set[str]:
    """The facts a text asks for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_a_text_asks_for_facts_an_issue_has_and_both_tongues_ask_for_the_same() -> None:
    for code, issue in ISSUES.items():
        assert _asked(issue.zh) == _asked(issue.en), code
        assert _asked(issue.zh) <= FACTS, code


def test_chinese_sentences_have_chinese_punctuation() -> None:
    texts = {code: issue.zh + issue.attributes["cure_zh"] for code, issue in ISSUES.items()}
    assert {code: text for code, text in texts.items() if set(text) & set(",;:?!()")} == {}


def test_a_code_is_a_subject_and_what_is_wrong_with_it() -> None:
    told = [code.partition(".") for code in ISSUES]
    assert [subject for subject, _, matter in told if not matter] == []
    assert {subject for subject, _, _ in told} <= {
        "harvest", "portal", "listing", "paging", "record", "field", "distribution", "link", "source", "run",
    }  # fmt: skip
