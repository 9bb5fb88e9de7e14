"""The part of Solr's query language that people send to CKAN: fields, phrases, ranges, AND, OR, NOT."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import TypeAlias

Fields: TypeAlias = Mapping[str, Sequence[str]]
"""A document: each field's values as text, dates in ISO 8601."""

Predicate: TypeAlias = Callable[[Fields], bool]

TEXT = "text"
"""The field that is searched where a query names none."""


class QueryRefused(ValueError):
    """Solr would refuse this query; the message says why."""


_TOKEN = re.compile(
    r'\s*(?:(?P<range>[\[{]\s*(?P<low>\S+)\s+TO\s+(?P<high>[^\s\]}]+)\s*[\]}])|"(?P<phrase>(?:[^"\\]|\\.)*)"'
    r"|(?P<mark>[()]|&&|\|\||[+!-])|(?P<field>[A-Za-z_][\w.-]*):|(?P<word>(?:\\.|[^\s()\":])+))"
)
_NOW = re.compile(r"NOW(?:(?P<sign>[+-])(?P<count>\d+)(?P<unit>DAY|HOUR|MINUTE|MONTH|YEAR)S?)?(?:/DAY)?")
_UNIT_DAYS = {"DAY": 1.0, "HOUR": 1 / 24, "MINUTE": 1 / 1440, "MONTH": 30.0, "YEAR": 365.0}


def predicate(query: str, known: Sequence[str], now: datetime) -> Predicate:
    """What ``query`` asks of a document. Raises QueryRefused for a bad query or a field not in ``known``.

    Names beginning with ``extras_`` are always known, as in CKAN's schema.
    """
    if query.strip() in ("", "*:*", "*"):
        return lambda fields: True
    reader = _Reader(_tokens(query), known, now)
    whole = reader.any_of(TEXT)
    if reader.left:
        raise QueryRefused(f"org.apache.solr.search.SyntaxError: Cannot parse '{query}'")
    return whole


def _tokens(query: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    position = 0
    stripped = query.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise QueryRefused(f"org.apache.solr.search.SyntaxError: Cannot parse '{query}'")
        found.append(match)
        position = match.end()
    return found


class _Reader:
    """Reads a query from left to right; OR binds looser than AND, and two clauses side by side are AND."""

    def __init__(self, tokens: list[re.Match[str]], known: Sequence[str], now: datetime) -> None:
        self.left = tokens
        self.known = known
        self.now = now

    def any_of(self, field: str) -> Predicate:
        parts = [self.all_of(field)]
        while self._take("OR", "||"):
            parts.append(self.all_of(field))
        return parts[0] if len(parts) == 1 else lambda fields: any(part(fields) for part in parts)

    def all_of(self, field: str) -> Predicate:
        parts = [self.one(field)]
        while self.left and not self._next("OR", "||", ")"):
            self._take("AND", "&&")
            parts.append(self.one(field))
        return parts[0] if len(parts) == 1 else lambda fields: all(part(fields) for part in parts)

    def one(self, field: str) -> Predicate:
        if self._take("-", "!", "NOT"):
            inner = self.one(field)
            return lambda fields: not inner(fields)
        if self._take("+"):
            return self.one(field)
        if self._take("("):
            inner = self.any_of(field)
            if not self._take(")"):
                raise QueryRefused("org.apache.solr.search.SyntaxError: Encountered <EOF>, was expecting ')'")
            return inner
        if not self.left:
            raise QueryRefused("org.apache.solr.search.SyntaxError: Encountered <EOF>")
        token = self.left.pop(0)
        if token["field"]:
            if token["field"] not in self.known and not token["field"].startswith("extras_"):
                raise QueryRefused(f"undefined field {token['field']}")
            return self.one(token["field"])
        if token["range"]:
            return self._between(field, token["low"], token["high"], token["range"])
        if token["phrase"] is not None:
            return _says(field, re.sub(r"\\(.)", r"\1", token["phrase"]))
        if token["word"] is None:
            raise QueryRefused(f"org.apache.solr.search.SyntaxError: Encountered '{token[0].strip()}'")
        return _says(field, re.sub(r"\\(.)", r"\1", token["word"]))

    def _between(self, field: str, low: str, high: str, brackets: str) -> Predicate:
        start, end = self._instant(low), self._instant(high)
        from_start, to_end = brackets[0] == "[", brackets[-1] == "]"

        def within(fields: Fields) -> bool:
            for value in fields.get(field, ()):
                at = self._instant(value)
                if at is not None and (start is None or at > start or (from_start and at == start)):
                    if end is None or at < end or (to_end and at == end):
                        return True
            return False

        return within

    def _instant(self, text: str) -> datetime | None:
        if text == "*":
            return None
        now = _NOW.fullmatch(text)
        if now:
            days = int(now["count"] or 0) * _UNIT_DAYS[now["unit"] or "DAY"]
            return self.now + timedelta(days=-days if now["sign"] == "-" else days)
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise QueryRefused(f"Invalid Date String:'{text}'") from error
        return at if at.tzinfo else at.replace(tzinfo=timezone.utc)

    def _next(self, *marks: str) -> bool:
        return bool(self.left) and (self.left[0]["mark"] or self.left[0]["word"]) in marks

    def _take(self, *marks: str) -> bool:
        found = self._next(*marks)
        if found:
            self.left.pop(0)
        return found


def _says(field: str, wanted: str) -> Predicate:
    """Full text contains it whatever the case; any other field equals it, ``*`` standing for anything."""
    if field in (TEXT, "title", "notes"):
        needle = wanted.casefold().strip("*")
        return lambda fields: any(needle in value.casefold() for value in fields.get(field, ()))
    return lambda fields: any(fnmatchcase(value, wanted) for value in fields.get(field, ()))
