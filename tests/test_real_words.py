"""What holds of every word of every real file, whatever its portal wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from harvester.texts import says_nothing
from tests.fixtures import needs_fixtures
from tests.real_datasets import every_dataset

pytestmark = [needs_fixtures, pytest.mark.slow]

MARKUP_ALLOWED = ("description", "descriptions")
"""Descriptions stay as the portal wrote them and are sanitised when shown."""

_MARKUP = re.compile(r"&#?\w+;|</?[a-z]+[ >/]")
_ADDRESS = re.compile(r"https?://\S+")


class Words(msgspec.Struct):
    """What was met."""

    datasets: int = 0
    nothing: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    markup: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a dataset with the path of its field."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts(each, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, path)


@pytest.fixture(scope="module")
def words() -> Words:
    met = Words()
    for name, dataset in every_dataset():
        met.datasets += 1
        for path, text in texts(msgspec.to_builtins(dataset)):
            if says_nothing(text):
                met.nothing[name, path, text] += 1
            if not MARKUP_ALLOWED.count(path.split(".")[0]) and not path.endswith(".description"):
                if _MARKUP.search(_ADDRESS.sub("", text)):
                    met.markup[name, path, text] += 1
    return met


def test_no_field_of_a_dataset_holds_a_word_that_means_nothing(words: Words) -> None:
    assert words.nothing == Counter()
    assert words.datasets > 90_000


def test_no_entity_and_no_tag_is_left_outside_descriptions(words: Words) -> None:
    assert words.markup == Counter()
