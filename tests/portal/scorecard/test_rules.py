"""Rule sets and reasons: complete, consistent, and refused when they are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import schemas
from portal.scorecard import rules
from portal.scorecard.evidence import CHECKS


def test_mqa_has_23_indicators_that_make_405_points() -> None:
    mqa = rules.load("mqa")
    by_dimension = {
        dimension.id: sum(one.weight for one in mqa.indicators if one.dimension == dimension.id)
        for dimension in mqa.dimensions
    }
    assert len(mqa.indicators) == 23
    assert by_dimension == {
        "findability": 100,
        "accessibility": 100,
        "interoperability": 110,
        "reusability": 75,
        "contextuality": 20,
    }


def test_national_weights_make_a_hundred_and_each_says_why_in_both_languages() -> None:
    national = rules.load("national")
    assert sum(one.weight for one in national.indicators) == 100
    assert all(one.why.zh and one.why.en and one.title.zh and one.title.en for one in national.indicators)


def test_high_value_coverage_and_responsiveness_are_declared_and_not_measured() -> None:
    national = rules.load("national")
    unmeasured = [one.dimension for one in national.indicators if one.check is None]
    assert unmeasured == ["high_value", "responsiveness"]
    assert not {one.dimension for one in national.measured} & set(unmeasured)


@pytest.mark.parametrize("name", rules.PACKAGED)
def test_every_measured_indicator_says_what_raises_it(name: str) -> None:
    measured = rules.load(name).measured
    assert measured and [one.id for one in measured if one.fix is None] == []


def test_udata_has_nine_criteria_of_one_point() -> None:
    assert [one.weight for one in rules.load("udata").indicators] == [1] * 9


def test_every_check_that_a_rule_set_asks_is_in_the_table() -> None:
    assert {one.check for rule_set in rules.packaged() for one in rule_set.measured} <= set(CHECKS)


def test_every_reason_is_told_in_both_languages_with_the_same_places() -> None:
    for code, row in schemas.reasons().items():
        places = {tuple(sorted(re.findall(r"\{(\w+)\}", row[locale]))) for locale in ("zh", "en")}
        assert len(places) == 1 and row["zh"] and row["en"], code
        assert set(places.pop()) <= {"seen", "limit"}, code


IMPORTED = """
id = "mine"
version = "1"
title = {zh = "我的", en = "Mine"}
about = {zh = "导入的指标", en = "Imported"}
scale = 10
[[dimensions]]
id = "only"
title = {zh = "唯一", en = "Only"}
[[indicators]]
id = "licence"
dimension = "only"
check = "licence-given"
weight = 1
title = {zh = "许可", en = "Licence"}
why = {zh = "要有", en = "It must"}
"""


def test_a_rule_set_is_imported_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(IMPORTED, encoding="utf-8")
    assert [one.check for one in rules.load(str(path)).indicators] == ["licence-given"]


@pytest.mark.parametrize(
    "old,new,told",
    [
        ('check = "licence-given"', 'check = "licence-nice"', "which there is not"),
        ('dimension = "only"', 'dimension = "other"', "not declared"),
        ("weight = 1", "weight = 0", "above zero"),
        ("weight = 1", "weight = 1\nfail = 1", "rewards a fail"),
        ("weight = 1", "wait = 1", "unknown field"),
        ('check = "licence-given"', 'check = "machine-readable"', "its check machine-readable of a distribution"),
        ('check = "licence-given"\n', "", "measures nothing"),
        ("weight = 1", 'weight = 1\nnot_for = ["school"]', "institution type school"),
        ("scale = 10", "scale = ", "mine"),
    ],
)
def test_a_rule_set_that_cannot_be_used_is_refused_with_its_reason(old: str, new: str, told: str) -> None:
    assert old in IMPORTED
    with pytest.raises(rules.RulesInvalid, match=told):
        rules.parse(IMPORTED.replace(old, new), "mine")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(rules.RulesInvalid, match="nowhere.toml is neither"):
        rules.load("nowhere.toml")
