"""The fault catalogue, case by case: ``tests/faults.csv`` says which test shows what, and what no test shows.

A case is *shown* when a test fails as soon as the behaviour breaks, *partly* where some of it is missing or unshown: the note
then says what. A case that concerns something there is not would be *none*, with the reason.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

CASES = range(1, 105)

with (TESTS / "faults.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


@cache
def named_in(path: Path) -> frozenset[str]:
    """The names of the tests of a module, in classes too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def test_every_case_has_one_row() -> None:
    assert [int(row["case"]) for row in ROWS] == list(CASES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_a_case_names_tests_that_exist_or_says_why_there_are_none(row: Mapping[str, str]) -> None:
    named = row["tests"].split()
    places = [each.partition("::") for each in named]
    assert [f"{path}::{name}" for path, _, name in places if name not in named_in(TESTS / path)] == []
    assert row["state"] in ("shown", "partly", "none") and row["about"]
    assert (row["state"] == "none") == (not named)
    assert row["state"] == "shown" or row["note"], "what is missing, or why there is nothing to show"
