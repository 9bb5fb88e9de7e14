"""The figures ``python -m benchmarks.normalisation`` prints reach their aims over all shared Chinese portals."""

from __future__ import annotations

import pytest

from benchmarks.normalisation import AIMS, Measured, measure
from tests.fixtures import needs_fixtures

pytestmark = [needs_fixtures, pytest.mark.slow]


@pytest.fixture(scope="module")
def told() -> Measured:
    return measure()


@pytest.mark.parametrize("field", AIMS)
def test_a_field_is_understood_as_far_as_is_aimed_at(told: Measured, field: str) -> None:
    assert told.figures[field].share >= AIMS[field], told.figures[field].remaining


def test_the_figures_are_of_all_datasets(told: Measured) -> None:
    assert told.datasets == 45_042
    assert {name: told.figures[name].given for name in ("region", "functions", "institution_type")} == dict.fromkeys(
        ("region", "functions", "institution_type"), 45_042
    )
    assert told.figures["openness"].given > 43_000 and told.figures["frequency"].given > 44_000
    assert told.figures["format"].given > 97_000 and told.figures["dates"].given > 77_000


def test_openness_is_understood_as_far_however_it_is_counted(told: Measured) -> None:
    """By record; by every value; and by every value with the form's own labels, which are none, as values."""
    counted = (told.figures["openness"], told.openness_values, told.openness_with_labels)
    assert [figure.given for figure in counted] == [43_154, 45_581, 45_853]
    assert all(figure.share >= AIMS["openness"] for figure in counted)


def test_a_purpose_in_words_counts_as_openness_not_understood(told: Measured) -> None:
    """用于数据校验 says what for; 数源部门同意 and 提出申请 name a condition, which is 有条件开放."""
    remaining = told.figures["openness"].remaining
    assert {word: remaining.get(word, 0) for word in ("数源部门同意", "提出申请", "用于数据校验")} == {
        "数源部门同意": 0, "提出申请": 0, "用于数据校验": 21
    }


def test_themes_are_understood_but_for_two_that_are_none(told: Measured) -> None:
    assert told.figures["themes"].given > 28_000
    assert told.figures["themes"].remaining.keys() == {"长三角高价值清单", "居民服 务、修理和其他服务业"}
