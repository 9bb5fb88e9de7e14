"""From a Solr query to ours: every field that CKAN's clients narrow by and how we know it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from portal.search.conditions import All, Any, Changed, Condition, Has, Is, Listed, Not
from portal.search.facets import Span
from portal.web import places
from portal.web.ckan import licences
from portal.web.ckan.refusals import SearchRefused
from portal.web.ckan.solr import Both, Either, Node, Range, Without, Word, parsed
from schemas import vocabulary


class Question(Struct, frozen=True):
    """What a query asks for in our terms: words and a condition; None each where there is none."""

    text: str | None = None
    condition: Condition | None = None


def together(questions: Iterable[Question]) -> Question:
    """All of several questions in one."""
    several = list(questions)
    conditions = tuple(one.condition for one in several if one.condition is not None)
    text = " ".join(one.text for one in several if one.text)
    return Question(text or None, All(conditions) if len(conditions) > 1 else conditions[0] if conditions else None)


Leaf = Word | Range

EVERYTHING, NOTHING = All(()), Any(())


def understood(query: str, now: datetime) -> Question:
    """What a query in Solr's language asks for. Raises SearchRefused for what cannot be answered exactly."""
    tree = parsed(query)
    return Question() if tree is None else _question(tree, now)


def words(query: str) -> Question:
    """What a query without any field asks for: CKAN has it read by dismax, to which all signs but ``+ - "`` are letters."""
    plain = re.sub(r"\\(.)", r"\1", query).strip()
    return Question() if plain in ("", "*", '""', "''") else Question(plain)


def _question(tree: Node, now: datetime) -> Question:
    if _is_text(tree):
        return Question(text=_text(tree))
    if isinstance(tree, Both):
        return together(_question(part, now) for part in tree.of)
    return Question(condition=_condition(tree, now))


def _condition(node: Node, now: datetime) -> Condition:
    if isinstance(node, Without):
        return Not(_condition(node.of, now))
    if isinstance(node, Both):
        return All(tuple(_condition(one, now) for one in node.of))
    if isinstance(node, Either):
        return Any(tuple(_condition(one, now) for one in node.of))
    if node.field is None:
        raise SearchRefused("words and fields in one choice: words can only be asked beside fields")
    if node.field == "*" and isinstance(node, Word) and node.is_any:
        return EVERYTHING
    field = FIELDS.get(node.field)
    if field is None:
        raise SearchRefused(f"{node.field} is no field that can be searched; those are {', '.join(FIELDS)}")
    return field(node, now)


def _is_text(node: Node) -> bool:
    if isinstance(node, Without):
        return _is_text(node.of)
    if isinstance(node, Both | Either):
        return all(map(_is_text, node.of))
    return isinstance(node, Word) and node.field is None and not node.is_any


def _text(node: Node) -> str:
    """Text alone in our own language, where a word is one, OR stands between two, and a minus before one."""
    if isinstance(node, Both):
        return " ".join(map(_text, node.of))
    if isinstance(node, Either) and all(isinstance(one, Word) for one in node.of):
        return " OR ".join(map(_text, node.of))
    if isinstance(node, Without) and isinstance(node.of, Word):
        return f"-{_text(node.of)}"
    if isinstance(node, Word):
        plain = re.sub('["“”„«»「」『』＂]', " ", node.text).strip()
        is_safe = not node.is_phrase and plain != "OR" and plain[:1] not in "-－" and " " not in plain
        return plain if is_safe else f'"{plain}"'
    raise SearchRefused("words in brackets within a choice or after a minus are not understood")


def _value(leaf: Leaf) -> str | None:
    """The one value asked for; None where any will do."""
    if isinstance(leaf, Word):
        return None if leaf.is_any else leaf.text
    if leaf.low is None and leaf.high is None:
        return None
    raise SearchRefused(f"{leaf.field} is no date: only [* TO *] can be asked of it")


def _of_facet(facet: str, code: Callable[[str], str | None] = lambda text: text) -> Callable[[Leaf, datetime], Condition]:
    """A field whose values are those of a facet; ``code`` gives the facet's value for a value, None for one nobody has."""

    def condition(leaf: Leaf, _: datetime) -> Condition:
        value = _value(leaf)
        if value is None:
            return Has(facet, None)
        found = code(value)
        return NOTHING if found is None else Has(facet, (found,))

    return condition


def format_code(text: str) -> str:
    """Our code of a format's name in any spelling.

    Raises SearchRefused for one that is not known: resources may say it, and the index does not know that.
    """
    code = vocabulary("formats").resolve(text)
    if code is None:
        raise SearchRefused(f"{text[:60]} is no format of the vocabulary, and others cannot be searched")
    return code


def _format(leaf: Leaf, _: datetime) -> Condition:
    value = _value(leaf)
    if value is None:
        raise SearchRefused("res_format cannot be asked for any value: formats that are not understood are not indexed")
    return Has("format", (format_code(value),))


def _region(leaf: Leaf, _: datetime) -> Condition:
    value = _value(leaf)
    if value is None:
        return Has("region", None)
    # The facet finds the parts of a region too; the extra is the region itself.
    parts = places.parts(value)
    own = Has("region", (value,))
    return All((own, Not(Has("region", parts)))) if parts else own


def _id(leaf: Leaf, _: datetime) -> Condition:
    value = _value(leaf)
    return EVERYTHING if value is None else Is((value,))


def _always(constant: str) -> Callable[[Leaf, datetime], Condition]:
    """A field that has one value for every package."""

    def condition(leaf: Leaf, _: datetime) -> Condition:
        value = _value(leaf)
        return EVERYTHING if value is None or value.lower() == constant else NOTHING

    return condition


def _date(of: Callable[[Span], Condition]) -> Callable[[Leaf, datetime], Condition]:
    def condition(leaf: Leaf, now: datetime) -> Condition:
        if isinstance(leaf, Word):
            if leaf.is_any:
                return EVERYTHING
            at = _instant(leaf.text, now)
            # Packages have whole seconds.
            return of(Span(at, at + _SECOND)) if at.microsecond == 0 else NOTHING
        low = None if leaf.low is None else _instant(leaf.low, now)
        high = None if leaf.high is None else _instant(leaf.high, now)
        start = None if low is None else _second_from(low, leaf.has_low)
        end = None if high is None else _second_from(high, not leaf.has_high)
        return of(Span(start, end))

    return condition


_SECOND = timedelta(seconds=1)


def _second_from(at: datetime, is_included: bool) -> datetime:
    """The first whole second not before an instant; after it where the instant itself does not count."""
    if at.microsecond:
        return at.replace(microsecond=0) + _SECOND
    return at if is_included else at + _SECOND


_NOW = re.compile(r"NOW(?:(?P<sign>[+-])(?P<count>\d{1,6})(?P<unit>SECOND|MINUTE|HOUR|DAY)S?)?(?P<day>/DAY)?")
_UNITS_S = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def _instant(text: str, now: datetime) -> datetime:
    """A date as Solr writes one, or counted from NOW by seconds to days. Raises SearchRefused."""
    counted = _NOW.fullmatch(text)
    if counted:
        by_s = int(counted["count"] or 0) * _UNITS_S[counted["unit"] or "DAY"]
        try:
            at = now + timedelta(seconds=-by_s if counted["sign"] == "-" else by_s)
        except OverflowError as error:
            raise SearchRefused(f"{text[:60]} is beyond all dates") from error
        return at.replace(hour=0, minute=0, second=0, microsecond=0) if counted["day"] else at
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise SearchRefused(f"{text[:60]} is no date such as 2026-01-31T00:00:00Z, and none such as NOW-7DAYS") from error
    aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    if not _EARLIEST.replace(tzinfo=None) < found.replace(tzinfo=None) < _LATEST.replace(tzinfo=None):
        raise SearchRefused(f"{text[:60]} is beyond all dates")
    return aware.astimezone(UTC)


FIELDS: Mapping[str, Callable[[Leaf, datetime], Condition]] = {
    "id": _id,
    "name": _id,
    "organization": _of_facet("publisher"),
    "owner_org": _of_facet("publisher"),
    "groups": _of_facet("theme"),
    "tags": _of_facet("keyword"),
    "license_id": _of_facet("license", licences.code_of),
    "res_format": _format,
    "metadata_modified": _date(Changed),
    "metadata_created": _date(Listed),
    "state": _always("active"),
    "type": _always("dataset"),
    "dataset_type": _always("dataset"),
    "entity_type": _always("package"),
    "private": _always("false"),
    "capacity": _always("public"),
    "extras_source_id": _of_facet("source"),
    "extras_region": _region,
    "extras_frequency": _of_facet("frequency"),
    "extras_openness": _of_facet("openness"),
}
"""Field and what it means; whatever is not here is refused. ``text`` stands for no field at all."""

FACETED: Mapping[str, str] = {
    "organization": "publisher",
    "owner_org": "publisher",
    "groups": "theme",
    "tags": "keyword",
    "license_id": "license",
    "res_format": "format",
    "extras_source_id": "source",
    "extras_frequency": "frequency",
    "extras_openness": "openness",
}
"""Fields that can be counted, and our facets of them."""
