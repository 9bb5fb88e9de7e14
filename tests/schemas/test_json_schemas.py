"""The described forms of a dataset and a source say the same as the values the code works with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

import schemas
from portal.catalog.model import Dataset, Source

DESCRIBED = {"dataset": Dataset, "source": Source}
SHAPE = ("$ref", "type", "items", "additionalProperties", "format", "anyOf")
"""What a schema says of a value's shape; titles, vocabularies and limits come on top of it."""


def shape(schema: Mapping[str, Any]) -> Any:
    """A property's shape without null: an absent value is left out of what is published."""
    kept = {key: schema[key] for key in SHAPE if key in schema}
    if "items" in kept:
        kept["items"] = shape(kept["items"])
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = shape(kept["additionalProperties"])
    if "anyOf" in kept:
        (kept,) = [shape(choice) for choice in kept["anyOf"] if choice != {"type": "null"}]
    return kept


def described(name: str) -> dict[str, Mapping[str, Any]]:
    """The committed schema's definitions by the name of their Struct, the root among them."""
    schema = schemas.json_schema(name)
    return {DESCRIBED[name].__name__: schema, **schema["$defs"]}


def generated(name: str) -> dict[str, Any]:
    _, definitions = msgspec.json.schema_components([DESCRIBED[name]], ref_template="#/$defs/{name}")
    return definitions


def properties(name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for owner, definition in described(name).items():
        yield owner, definition
        for field, schema in definition.get("properties", {}).items():
            yield f"{owner}.{field}", schema


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_schema_has_the_fields_types_and_duties_of_its_values(name: str) -> None:
    committed = {
        owner: (
            {field: shape(schema) for field, schema in definition.get("properties", {}).items()},
            definition.get("required", []),
            definition.get("enum"),
            definition.get("additionalProperties", True),
        )
        for owner, definition in described(name).items()
    }
    expected = {
        owner: (
            {field: shape(schema) for field, schema in definition.get("properties", {}).items()},
            definition.get("required", []),
            definition.get("enum"),
            definition.get("additionalProperties", True),
        )
        for owner, definition in generated(name).items()
    }
    assert committed == expected


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_default_in_a_schema_is_the_default_of_the_value(name: str) -> None:
    expected = generated(name)
    wrong = [
        (owner, field)
        for owner, definition in described(name).items()
        for field, schema in definition.get("properties", {}).items()
        if "default" in schema and schema["default"] != expected[owner]["properties"][field]["default"]
    ]
    assert wrong == []


@pytest.mark.parametrize("name", DESCRIBED)
def test_everything_in_a_schema_is_named_in_both_tongues(name: str) -> None:
    unnamed = [
        path
        for path, schema in properties(name)
        if not schema.get("title") or not schema.get("x-zh", {}).get("title")
        or ("description" in schema) != ("description" in schema["x-zh"])
    ]  # fmt: skip
    assert unnamed == []


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_vocabularies_a_schema_names_exist(name: str) -> None:
    named = {schema["x-vocabulary"] for _, schema in properties(name) if "x-vocabulary" in schema}
    assert named
    assert all(schemas.vocabulary(vocabulary).terms for vocabulary in named)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("id", ["zj-hangzhou", "a1"], ["", "Hangzhou", "zj_hangzhou", "浙江"]),
        ("url", ["https://data.hangzhou.gov.cn/", "http://127.0.0.1:8080/x"], ["data.gov.cn", "file:///etc/passwd"]),
        ("schedule", ["0 3 * * *", "*/15 0-6 * * MON-FRI", "@daily", "manual"], ["", "@never", "0 3 * *", "daily"]),
        ("full_every", ["7d", "12h", "2w"], ["", "0d", "7", "7 d", "d", "1.5d"]),
    ],
)
def test_a_source_is_held_to_what_the_code_can_read(field: str, good: list[str], bad: list[str]) -> None:
    pattern = schemas.json_schema("source")["properties"][field]["pattern"]
    assert [value for value in good if not re.search(pattern, value)] == []
    assert [value for value in bad if re.search(pattern, value)] == []
