"""What the native API answers, as ``openapi.json`` describes it by hand: for programs as it is, for people as a page.

The texts of the document are English; beside each stands the Chinese in ``x-zh``, as in ``schemas/dataset.schema.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from portal.web.languages import language

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter of an operation."""

    name: str
    is_in_path: bool
    values: tuple[str, ...]
    """All there are; empty where they are not a closed set."""
    description: str
    example: str


class Outcome(Struct, frozen=True):
    """One answer that an operation may give."""

    status: str
    description: str
    thing: str | None
    """What it holds, one of the things of ``things``; None where that has no name."""


class Operation(Struct, frozen=True, kw_only=True):
    """One address of the API."""

    id: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    outcomes: tuple[Outcome, ...]
    address: str
    """The path with examples of what is in it."""
    example: str
    """An answer, as JSON over several lines."""


class Field(Struct, frozen=True, kw_only=True):
    """One field of a thing."""

    name: str
    kind: str
    """Its type as JSON Schema calls it."""
    thing: str | None
    """Which thing it holds, alone or in a list."""
    values: tuple[str, ...]
    is_always: bool
    description: str


class Thing(Struct, frozen=True, kw_only=True):
    """Something that answers hold."""

    name: str
    description: str
    fields: tuple[Field, ...]


@cache
def document() -> Mapping[str, Any]:
    """The document as it is kept."""
    found: Mapping[str, Any] = json.loads(files("portal.web").joinpath("openapi.json").read_text(encoding="utf-8"))
    return found


def served(base: str) -> bytes:
    """The document for a portal whose addresses begin with ``base``."""
    return json.dumps({**document(), "servers": [{"url": base}]}, ensure_ascii=False, indent=2).encode()


def path_of(rule: str) -> str:
    """A rule of the site as the document writes it."""
    return _VARIABLE.sub(r"{\1}", rule)


def query_parameters(rule: str) -> frozenset[str] | None:
    """The parameters that a rule of the site heeds; None for one that is not of the API."""
    found = document()["paths"].get(path_of(rule))
    if found is None:
        return None
    given = [_resolved(one) for one in found["get"]["parameters"]]
    return frozenset(one["name"] for one in given if one["in"] == "query")


def operations() -> Iterator[Operation]:
    """Every address, in the language of the page."""
    for path, found in document()["paths"].items():
        asked = found["get"]
        parameters = tuple(_parameter(_resolved(one)) for one in asked["parameters"])
        address = path
        for one in parameters:
            if one.is_in_path:
                address = address.replace(f"{{{one.name}}}", one.example)
        (answer,) = asked["responses"]["200"]["content"].values()
        yield Operation(
            id=asked["operationId"],
            path=path,
            summary=_text(asked, "summary"),
            description=_text(asked, "description"),
            parameters=parameters,
            outcomes=tuple(_outcome(status, _resolved(one)) for status, one in asked["responses"].items()),
            address=address,
            example=json.dumps(answer["example"], ensure_ascii=False, indent=2),
        )


def things() -> Iterator[Thing]:
    """Everything that answers hold, in the language of the page."""
    for name, schema in document()["components"]["schemas"].items():
        always = schema["required"]
        yield Thing(
            name=name,
            description=_text(schema, "description"),
            fields=tuple(_field(key, one, key in always) for key, one in schema["properties"].items()),
        )


def about() -> str:
    """What holds for all of it, in the language of the page."""
    return _text(document()["info"], "description")


def marked(text: str) -> Markup:
    """A text of the document for a page: what stands between backticks is code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(one) if place % 2 else one for place, one in enumerate(parts))


def _resolved(given: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = given.get("$ref")
    if reference is None:
        return given
    found: Any = document()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _text(given: Mapping[str, Any], key: str) -> str:
    return str(given["x-zh"][key] if language() == "zh" else given[key])


def _parameter(given: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=given["name"],
        is_in_path=given["in"] == "path",
        values=_values(given["schema"]),
        description=_text(given, "description"),
        example=given["example"],
    )


def _values(schema: Mapping[str, Any]) -> tuple[str, ...]:
    several: Sequence[str] = schema.get("enum", schema.get("items", {}).get("enum", ()))
    return tuple(several)


def _outcome(status: str, given: Mapping[str, Any]) -> Outcome:
    (content,) = given["content"].values()
    return Outcome(status, _text(given, "description"), _thing(content["schema"]))


def _thing(schema: Mapping[str, Any]) -> str | None:
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    return None if reference is None else str(reference).rpartition("/")[2]


def _field(name: str, schema: Mapping[str, Any], is_always: bool) -> Field:
    return Field(
        name=name,
        kind=schema.get("type", "object"),
        thing=_thing(schema),
        values=_values(schema),
        is_always=is_always,
        description=_text(schema, "description"),
    )
