"""The part of Solr's query language that can be answered exactly, read into a tree; the rest of it is refused.

Clauses side by side must all hold, as CKAN asks of Solr (``q.op=AND``). Solr reads an OR beside an AND in a way of its own
that hardly anybody means, and what is only negative within brackets as nothing at all: both are refused.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

from portal.web.ckan.refusals import SearchRefused

MOST_TOKENS = 5000
MOST_NESTED = 20


class Word(Struct, frozen=True):
    """One term of a field, or of the text where there is no field."""

    field: str | None
    text: str
    is_phrase: bool = False
    is_any: bool = False
    """``*``: anything at all."""


class Range(Struct, frozen=True):
    """From one end to the other; None is an open end."""

    field: str | None
    low: str | None
    high: str | None
    has_low: bool = True
    """Whether the end itself belongs to it."""
    has_high: bool = True


class Both(Struct, frozen=True):
    """All of these hold."""

    of: tuple[Node, ...]


class Either(Struct, frozen=True):
    """One of these holds."""

    of: tuple[Node, ...]


class Without(Struct, frozen=True):
    """This does not hold."""

    of: Node


Node: TypeAlias = Word | Range | Both | Either | Without

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<range>(?P<from>[\[{])\s*(?P<low>"[^"]*"|[^\s\]}"]+)\s+TO\s+(?P<high>"[^"]*"|[^\s\]}"]+)\s*(?P<to>[\]}]))
      | "(?P<phrase>(?:[^"\\]|\\.)*)"
      | (?P<field>[^\W\d][\w.-]*|\*):(?=\S)
      | (?P<mark>&&|\|\||[()]|[+!-](?=\S))
      | (?P<word>(?:\\.|[^\s()"\[\]{}:\\])+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WILD = re.compile(r"(?<!\\)(?:\\\\)*[*?~^]")
_SIGNS = {"+": "+", "-": "-", "!": "-", "NOT": "-"}
_JOINS = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR"}


def parsed(query: str) -> Node | None:
    """The tree of a query; None where it asks for everything. Raises SearchRefused."""
    if query.strip() in ("", "*", "*:*"):
        return None
    reader = _Reader(query)
    tree = reader.clauses(None, MOST_NESTED)
    if reader.left:
        raise SearchRefused(f"a bracket is closed that was not opened: {query[:200]}")
    return tree


class _Reader:
    """Reads a query from left to right."""

    def __init__(self, query: str) -> None:
        self.left = _tokens(query)[::-1]

    def clauses(self, field: str | None, depth: int) -> Node:
        """Everything to the end or to a closing bracket."""
        if not depth:
            raise SearchRefused("brackets are nested too deeply")
        found: list[Node] = []
        joins: set[str] = set()
        is_signed = False
        while self.left and self.left[-1]["mark"] != ")":
            join = self._taken(_JOINS)
            if join is not None and not found:
                raise SearchRefused(f"nothing stands before {join}")
            if found:
                joins.add(join or "AND")
            sign = self._taken(_SIGNS)
            is_signed = is_signed or sign is not None
            clause = self._clause(field, depth)
            found.append(Without(clause) if sign == "-" else clause)
        if not found:
            raise SearchRefused("nothing stands between brackets, or at the end")
        if len(joins) > 1:
            raise SearchRefused("OR and AND side by side: put brackets around what belongs together")
        if "OR" not in joins:
            return found[0] if len(found) == 1 else Both(tuple(found))
        if is_signed:
            raise SearchRefused("a clause with a sign beside OR")
        return Either(tuple(found))

    def _clause(self, field: str | None, depth: int) -> Node:
        token = self.left.pop() if self.left else None
        if token is None or token["mark"] == ")":
            raise SearchRefused("a clause is lacking at the end")
        if token["field"]:
            return self._of_field(token["field"], depth)
        return self._of(token, field, depth)

    def _of_field(self, field: str, depth: int) -> Node:
        if not self.left:
            raise SearchRefused(f"no value stands after {field}:")
        token = self.left.pop()
        if token["field"]:
            raise SearchRefused(f"a field within the field {field}; a colon in a value wants a backslash or quotes")
        return self._of(token, None if field == "text" else field, depth)

    def _of(self, token: re.Match[str], field: str | None, depth: int) -> Node:
        if token["mark"] == "(":
            inner = self.clauses(field, depth - 1)
            if not self.left:
                raise SearchRefused("a bracket is not closed")
            self.left.pop()
            if _is_negative(inner):
                raise SearchRefused("only negative clauses between brackets")
            return inner
        if token["range"]:
            return Range(field, _end(token["low"]), _end(token["high"]), token["from"] == "[", token["to"] == "]")
        if token["phrase"] is not None:
            return Word(field, _plain(token["phrase"]), is_phrase=True)
        if token["word"] is None:
            raise SearchRefused(f"{token[0].strip()[:60]} stands where a clause should")
        word = token["word"]
        if word == "*":
            return Word(field, word, is_any=True)
        if _WILD.search(word):
            raise SearchRefused(f"wildcards, fuzzy words and boosts are not understood: {word[:60]}")
        if word.startswith("/"):
            raise SearchRefused(f"regular expressions are not understood: {word[:60]}")
        return Word(field, _plain(word))

    def _taken(self, meanings: dict[str, str]) -> str | None:
        token = self.left[-1] if self.left else None
        meaning = meanings.get(token["mark"] or token["word"]) if token else None
        if meaning is not None:
            self.left.pop()
        return meaning


def size(query: str) -> int:
    """How many words and signs a query has. Raises SearchRefused as ``parsed`` does."""
    return len(_tokens(query))


def _tokens(query: str) -> list[re.Match[str]]:
    if "{!" in query or "_query_" in query or "_val_" in query:
        raise SearchRefused("local parameters and magic fields are not understood")
    found: list[re.Match[str]] = []
    position, end = 0, len(query.rstrip())
    while position < end:
        token = _TOKEN.match(query, position, end)
        if token is None:
            raise SearchRefused(f"cannot be read from here on: {query[position:position + 60].strip()}")
        found.append(token)
        position = token.end()
        if len(found) > MOST_TOKENS:
            raise SearchRefused(f"more than {MOST_TOKENS:,} words")
    # A phrase may be followed by ~2 or ^3, which stand as words of their own then.
    for before, after in zip(found, found[1:], strict=False):
        if after["word"] and after["word"][0] in "~^" and before.end() == after.start("word"):
            raise SearchRefused(f"wildcards, fuzzy words and boosts are not understood: {after['word'][:60]}")
    return found


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _end(text: str) -> str | None:
    return None if text == "*" else _plain(text.strip('"'))


def _is_negative(node: Node) -> bool:
    return isinstance(node, Without) or (isinstance(node, Both) and all(isinstance(one, Without) for one in node.of))
