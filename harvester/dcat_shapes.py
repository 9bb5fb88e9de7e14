"""What DCAT-AP asks of a record's own statements: how many, literals or nodes, of which type; pure.

The rules are those of DCAT-AP's shapes as a table (``schemas/shapes``), asked of the plain record that ``harvester.rdf``
made. A SHACL engine comes to the same at some hundred datasets a second; the tests hold this one against it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

import schemas

Node: TypeAlias = dict[str, Any]

_ZONE = r"(?:Z|[+-]\d\d:\d\d)?"
_DAY = r"-?\d{4,}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TYPES: Mapping[str, re.Pattern[str]] = {
    "xsd:date": re.compile(_DAY + _ZONE),
    "xsd:dateTime": re.compile(_DAY + r"T(?:[01]\d|2[0-4]):[0-5]\d:[0-5]\d(?:\.\d+)?" + _ZONE),
    "xsd:gYear": re.compile(r"-?\d{4,}" + _ZONE),
    "xsd:gYearMonth": re.compile(r"-?\d{4,}-(?:0[1-9]|1[0-2])" + _ZONE),
    "xsd:decimal": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"),
    "xsd:nonNegativeInteger": re.compile(r"\+?\d+|-0+"),
    "xsd:hexBinary": re.compile(r"(?:[0-9A-Fa-f]{2})*"),
    "xsd:duration": re.compile(
        r"-?P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
    ),
}
"""How a literal of each type is written (XML Schema 1.1, part 2)."""


def violations(record: Node) -> tuple[str, ...]:
    """The rules that a record or a node in it does not keep, as ``dct:title sh:minCount``, each once, sorted.

    A rule is asked of nodes that say to be of its class. A record named by another one answers for itself.
    """
    rules = _rules()
    found: set[str] = set()
    waiting = [record]
    while waiting:
        node = waiting.pop()
        for name in node.get("@type", ()):
            if name in rules:
                found.update(_broken(node, *rules[name]))
        for values in node.values():
            if type(values) is list:
                waiting += [value for value in values if type(value) is dict and "@value" not in value]
    return tuple(sorted(found))


@cache
def _rules() -> Mapping[str, tuple[Mapping[str, schemas.Shape], frozenset[str]]]:
    """Of each class what is asked of its properties, and the properties that must be there."""
    table = schemas.shapes("dcat_ap")
    return {name: (rules, frozenset(each for each, rule in rules.items() if rule.least)) for name, rules in table.items()}


def _broken(node: Node, rules: Mapping[str, schemas.Shape], needed: frozenset[str]) -> Iterator[str]:
    for name in needed.difference(node):
        yield f"{name} sh:minCount"
    for name, values in node.items():
        rule = rules.get(name)
        if rule is None:
            continue
        if len(values) < rule.least:
            yield f"{name} sh:minCount"
        if rule.most is not None and len(values) > rule.most:
            yield f"{name} sh:maxCount"
        if rule.kind:
            is_such, word = _KINDS[rule.kind]
            if not all(map(is_such, values)):
                yield f"{name} {word}"


def _is_literal(value: Node) -> bool:
    return "@value" in value


def _is_node(value: Node) -> bool:
    return "@value" not in value


def _is_named(value: Node) -> bool:
    return "@id" in value


def _of(*types: str) -> Callable[[Node], bool]:
    """Whether a value is a literal of one of these types, and written as that type is."""

    def is_such(value: Node) -> bool:
        said, text = value.get("@type"), value.get("@value")
        return type(text) is str and said in types and _TYPES[said].fullmatch(text.strip()) is not None

    return is_such


_KINDS: Mapping[str, tuple[Callable[[Node], bool], str]] = {
    "literal": (_is_literal, "sh:nodeKind"),
    "node": (_is_node, "sh:nodeKind"),
    "iri": (_is_named, "sh:nodeKind"),
    "date": (_of("xsd:date", "xsd:dateTime", "xsd:gYear", "xsd:gYearMonth"), "sh:datatype"),
    "decimal": (_of("xsd:decimal"), "sh:datatype"),
    "duration": (_of("xsd:duration"), "sh:datatype"),
    "count": (_of("xsd:nonNegativeInteger"), "sh:datatype"),
    "hexadecimal": (_of("xsd:hexBinary"), "sh:datatype"),
}
"""Of each kind of value: the test, and SHACL's word for it."""
