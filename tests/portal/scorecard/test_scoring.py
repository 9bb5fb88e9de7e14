"""The arithmetic of scores, on paper and as properties."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.scorecard import scoring
from portal.scorecard.rules import UnknownCounts, parse
from portal.scorecard.scoring import Score
from portal.scorecard.vectors import FLAGS, Layout
from portal.scorecard.verdicts import Verdict

PASS, FAIL, UNKNOWN, NA = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
PASSED, FAILED = Verdict.PASSED_BEFORE, Verdict.FAILED_BEFORE

RULES = """
id = "two"
version = "1"
title = {{zh = "二", en = "Two"}}
about = {{zh = "二", en = "Two"}}
scale = 100
unknown = "{unknown}"
[[dimensions]]
id = "d"
title = {{zh = "维", en = "D"}}
[[indicators]]
id = "licence"
dimension = "d"
check = "licence-given"
weight = 3
fail = {fail}
title = {{zh = "许可", en = "Licence"}}
why = {{zh = "因", en = "Why"}}
[[indicators]]
id = "link"
dimension = "d"
check = "effective"
weight = 1
title = {{zh = "链接", en = "Link"}}
why = {{zh = "因", en = "Why"}}
[[indicators]]
id = "many"
dimension = "d"
check = "effective"
level = "department"
needs = 4
weight = 1
title = {{zh = "数", en = "Many"}}
why = {{zh = "因", en = "Why"}}
"""


@cache
def layout(unknown: str = "left_out", fail: int = 0) -> Layout:
    return Layout.of([parse(RULES.format(unknown=unknown, fail=fail), "two")])


def score(
    rows: list[tuple[Verdict, Verdict, Verdict]],
    *,
    unknown: str = "left_out",
    fail: int = 0,
    is_department: bool = False,
) -> Score:
    """The score of datasets that have these three verdicts."""
    given = layout(unknown, fail)
    counted = bytes([PASS] + [FAIL] * (len(FLAGS) - 1))
    counts = sum(scoring.spread(counted + bytes(row)) for row in rows)
    return scoring.score(scoring.lanes(scoring.packed(counts, given)), given.rule_sets[0], given, is_department=is_department)


# Four datasets. Licence (weight 3): pass, pass, fail, unknown → 2/3, from 2/4 to 3/4. Link (weight 1): pass, fail, and
# two it does not apply to → 1/2, from 1/2 to 1/2. Score: (3×2/3 + 1×1/2) / 4 = 2.5/4 = 62.5; low (3×1/2 + 1/2)/4 = 50;
# high (3×3/4 + 1/2)/4 = 68.75. Measured: (3×3/4 + 1×2/2)/4 = 3.25/4 = 0.8125.
# With one dataset more: licence 2/5 to 4/5, link 1/3 to 2/3: least (3×2/5 + 1/3)/4 = 0.38333, most (3×4/5 + 2/3)/4 = 0.76667.
FOUR = [(PASS, PASS, NA), (PASS, FAIL, NA), (FAIL, NA, NA), (UNKNOWN, NA, NA)]


def test_a_score_is_what_paper_says() -> None:
    found = score(FOUR)
    assert found.datasets == 4
    assert found.point == pytest.approx(62.5)
    assert (found.low, found.high) == (pytest.approx(50), pytest.approx(68.75))
    assert found.measured == pytest.approx(0.8125)
    assert (found.least, found.most) == (pytest.approx(38.3333, abs=1e-3), pytest.approx(76.6667, abs=1e-3))


def test_unknown_counts_as_the_rule_set_says_and_the_bounds_stay() -> None:
    as_fail, as_pass = score(FOUR, unknown="fail"), score(FOUR, unknown="pass")
    assert as_fail.point == pytest.approx(50)
    assert as_pass.point == pytest.approx(68.75)
    assert {(each.low, each.high) for each in (as_fail, as_pass, score(FOUR))} == {(as_fail.low, as_fail.high)}


# The same, where a licence that fails costs 1 of its 3: its value is (2 - 1/3)/3 = 5/9, from (2 - 2/3)/4 = 1/3 to
# (3 - 1/3)/4 = 2/3. Score: (3×5/9 + 1/2)/4 = 54.1667; low (3×1/3 + 1/2)/4 = 37.5; high (3×2/3 + 1/2)/4 = 62.5.
def test_a_fail_costs_what_the_rule_set_says() -> None:
    found = score(FOUR, fail=-1)
    assert found.point == pytest.approx(54.1667, abs=1e-3)
    assert (found.low, found.high) == (pytest.approx(37.5), pytest.approx(62.5))


def test_nothing_known_is_no_score_and_leaves_everything_open() -> None:
    found = score([(UNKNOWN, UNKNOWN, UNKNOWN)])
    assert (found.point, found.low, found.high, found.measured) == (None, 0, 100, 0)


def test_no_dataset_is_no_score() -> None:
    found = score([])
    assert (found.point, found.datasets) == (None, 0)


# A department's indicator needs four passes: two give half of its weight 1. Licence 1, link not asked: (3×1 + 1×2/4)/4.
def test_what_is_asked_of_a_department_counts_for_departments_alone() -> None:
    rows = [(PASS, NA, PASS), (PASS, NA, PASS), (PASS, NA, FAIL)]
    assert score(rows, is_department=True).point == pytest.approx(87.5)
    assert score(rows).point == pytest.approx(100)


def test_the_counts_of_a_hundred_thousand_vectors_do_not_run_into_one_another() -> None:
    vector = bytes([PASS] + [FAIL] * (len(FLAGS) - 1)) + bytes((PASS, FAIL, UNKNOWN))
    counts = scoring.lanes(scoring.packed(scoring.spread(vector) * 400_000, layout()))
    start = layout().starts["two"]
    assert scoring.tally(counts, start).passed == 400_000
    assert scoring.tally(counts, start + 1).failed == 400_000
    assert scoring.tally(counts, start + 2) == scoring.Tally(unknown=400_000)


verdicts = st.sampled_from(list(Verdict))
rows = st.lists(st.tuples(verdicts, verdicts, verdicts), min_size=1, max_size=8)
unknowns = st.sampled_from([each.value for each in UnknownCounts])

BETTER = {
    FAIL: (FAILED, UNKNOWN, PASSED, PASS, NA),
    FAILED: (UNKNOWN, PASSED, PASS, NA),
    UNKNOWN: (PASSED, PASS),
    PASSED: (PASS,),
    NA: (PASS,),
}
"""What a verdict may become when a dataset gets better."""


def points(found: Score) -> float:
    """No score at all is no better than the lowest."""
    return 0 if found.point is None else found.point


@settings(max_examples=60, deadline=None)
@given(rows, st.data(), st.booleans())
def test_a_better_dataset_never_lowers_a_score(
    given_rows: list[tuple[Verdict, Verdict, Verdict]], data: st.DataObject, is_department: bool
) -> None:
    place = data.draw(st.integers(0, len(given_rows) - 1))
    question = data.draw(st.integers(0, 2))
    row = list(given_rows[place])
    # What is asked of a department depends on its type alone: no dataset of it makes it asked or not.
    better = [each for each in BETTER.get(row[question], ()) if question != 2 or NA not in (row[question], each)]
    row[question] = data.draw(st.sampled_from((row[question], *better)))
    improved = [*given_rows[:place], tuple(row), *given_rows[place + 1 :]]
    before = score(given_rows, is_department=is_department)
    after = score(improved, is_department=is_department)  # type: ignore[arg-type]
    assert points(after) >= points(before) - 1e-9


@settings(max_examples=60, deadline=None)
@given(rows, unknowns, st.booleans())
def test_a_score_lies_within_its_bounds(
    given_rows: list[tuple[Verdict, Verdict, Verdict]], unknown: str, is_department: bool
) -> None:
    found = score(given_rows, unknown=unknown, is_department=is_department)
    assert 0 <= found.least <= found.low + 1e-9 and found.low <= found.high + 1e-9 and found.high <= found.most + 1e-9
    assert found.most <= 100 + 1e-9
    if found.point is not None:
        assert found.low - 1e-9 <= found.point <= found.high + 1e-9


@settings(max_examples=60, deadline=None)
@given(rows, unknowns, st.data(), st.sampled_from((0, -2)), st.booleans())
def test_what_an_unknown_turns_out_to_be_stays_within_the_bounds(
    given_rows: list[tuple[Verdict, Verdict, Verdict]], unknown: str, data: st.DataObject, fail: int, is_department: bool
) -> None:
    known = [
        tuple(data.draw(st.sampled_from((PASS, FAIL))) if each is UNKNOWN else each for each in row) for row in given_rows
    ]
    before = score(given_rows, unknown=unknown, fail=fail, is_department=is_department)
    after = score(known, unknown=unknown, fail=fail, is_department=is_department)  # type: ignore[arg-type]
    assert before.low - 1e-9 <= after.low <= after.high <= before.high + 1e-9
    if after.point is not None:
        assert before.low - 1e-9 <= after.point <= before.high + 1e-9


@settings(max_examples=60, deadline=None)
@given(rows, st.data(), st.booleans())
def test_an_outage_changes_nothing_but_the_share_measured(
    given_rows: list[tuple[Verdict, Verdict, Verdict]], data: st.DataObject, is_department: bool
) -> None:
    out = {PASS: PASSED, FAIL: FAILED}
    during = [
        tuple(out.get(each, each) if data.draw(st.booleans()) else each for each in row) for row in given_rows
    ]
    before = score(given_rows, is_department=is_department)
    after = score(during, is_department=is_department)  # type: ignore[arg-type]
    assert after.measured <= before.measured + 1e-9
    assert [after.point, after.low, after.high, after.least, after.most, after.datasets] == [
        before.point, before.low, before.high, before.least, before.most, before.datasets
    ]


@settings(max_examples=40, deadline=None)
@given(rows, st.tuples(verdicts, verdicts, verdicts))
def test_one_dataset_more_stays_within_least_and_most_where_all_are_asked(
    given_rows: list[tuple[Verdict, Verdict, Verdict]], another: tuple[Verdict, Verdict, Verdict]
) -> None:
    asked = [tuple(FAIL if each is NA else each for each in row) for row in given_rows]
    one_more = tuple(FAIL if each is NA else each for each in another)
    before = score(asked)  # type: ignore[arg-type]
    after = score([*asked, one_more])  # type: ignore[list-item]
    assert before.least - 1e-9 <= after.low <= after.high <= before.most + 1e-9
