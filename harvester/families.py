"""How the portals of one product family are asked and read: profiles, and what a source changes of them.

A profile is ``schemas/profiles/families/<family>.toml``; a source names it in ``options.family`` and may override any
member of it in its own options. What the members mean: docs/jsonapi.md and docs/htmltable.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

import schemas
from harvester.errors import SourceInvalid
from portal.catalog.model import Source

KINDS = frozenset(("jsonapi", "htmltable", "csvlist"))
"""The kinds of source whose records have no form of their own: a family's tables say how they are read."""

PROFILE_OPTIONS = frozenset(("crosswalk_table", "native", "codes_table", "variables", "headers", "listings"))
"""The members of a profile, as far as a source's options may hold them too."""

OPTIONS = PROFILE_OPTIONS | {
    "family", "codes", "key", "language", "crosswalk", "files", "sheet", "header_row", "permitted_by",
}
"""All that the options of such a source may hold."""


class Selector(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one value stands in an HTML page."""

    select: str
    """A CSS selector, from the row or the page; empty for the row itself."""
    attribute: str | None = None
    """The attribute to take instead of the text."""
    match: str | None = None
    """A regular expression whose first group is the value; no match, no value."""
    every: bool = False
    """A list of all that is selected rather than the first."""


class Pairs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where keys and values stand in an HTML page; one of the two."""

    cells: str | None = None
    """A CSS selector of cells that are by turns a key and a value."""
    lines: str | None = None
    """A CSS selector of elements each line of which is ``key：value``."""


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question to a portal, and where in the answer the words are."""

    path: str
    """From the source's address, or a whole address."""
    method: Literal["GET", "POST"] = "GET"
    query: dict[str, Any] = {}
    body: Any = None
    encoding: Literal["json", "form", "url-encoded-json"] = "json"
    answer: Literal["json", "html"] = "json"
    success: dict[str, Any] = {}
    """Paths, and what must stand there for the answer to be one."""
    message: str | None = None
    """Path of the portal's words where it refuses."""
    json_in: tuple[str, ...] = ()
    """Paths of texts that are JSON in their turn, outer ones first."""
    html_in: str | None = None
    """Path of a text that is the HTML to read."""


class DetailCall(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The question for one record; its placeholders are paths into the record as listed."""

    record: str = "."
    """Path of the record in the answer."""
    pairs: tuple[Pairs, ...] = ()
    values: dict[str, Selector] = {}


class ListCall(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The question for one page of a list; its placeholders are ``page``, ``offset``, ``size`` and variables."""

    records: str = "."
    """Path of the list in the answer; in HTML the CSS selector of its rows."""
    values: dict[str, Selector] = {}
    """Of an HTML row: what stands where."""
    total: str | None = None
    """Path, or in HTML selector, of the number of records; so for the number of pages."""
    pages: str | None = None
    total_match: str | None = None
    """A regular expression whose first group is the number within the text that stands there."""
    page_size: int = 20
    first_page: int = 1
    paged: bool = True
    newest_first: str | None = None
    """Path, in a record as listed, of the moment by which the portal sorts, the last changed first."""
    detail: DetailCall | None = None
    detail_by: str | None = None
    """Path, in a record as listed, of the word that says which of ``details`` it is asked for by."""
    details: dict[str, DetailCall] = {}
    """By that word, capitals or not; ``detail`` for any other word."""
    left_out: bool = False
    """Not asked for at this portal."""

    def detail_for(self, word: str) -> DetailCall | None:
        """The question for a record of which ``detail_by`` says this word; None where nobody knows how to ask."""
        return next((call for known, call in self.details.items() if known.lower() == word.lower()), self.detail)


class Recognition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells that a portal is of a family: its first list, asked as in a harvest, holds such records."""

    marks: tuple[str, ...]
    """Paths, in a record as listed, at each of which something stands."""
    roots: tuple[str, ...] = ("",)
    """Where below an address the family's portals begin."""
    variables: dict[str, Any] = {}
    """What to ask with in place of what only a source can say."""


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a portal is asked and read."""

    kind: str
    title: str
    title_en: str
    crosswalk_table: str | None = None
    """``schemas/crosswalks/<name>.csv``, read before the native keys."""
    native: str | None = None
    """Where in a record the keys of ``schemas/crosswalks/native.csv`` stand; ``.`` for the record itself."""
    codes_table: str | None = None
    """``schemas/codes/<name>.csv``."""
    variables: dict[str, Any] = {}
    headers: dict[str, str] = {}
    listings: dict[str, ListCall] = {}
    recognition: Recognition | None = None


Codes: TypeAlias = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""A source's own codes by vocabulary, hashable."""


class Reading(NamedTuple):
    """Which tables read a source's records."""

    tables: tuple[tuple[str, str], ...]
    """Crosswalks in their order, each with the path under which its keys stand; empty for the record itself."""
    codes_table: str | None
    codes: Codes
    key: tuple[str, ...]
    """Keys whose values together tell a record apart, where the source's options name them."""
    makes_key: bool
    """Whether a record without an id is told apart by its title and publisher: in files there is nothing better."""


def family(source: Source) -> Family:
    """The profile of a source's family as the source changes it. Raises SourceInvalid."""
    name = source.options.get("family")
    for key in source.options.keys() - OPTIONS:
        raise SourceInvalid(f"options.{key} is none of {', '.join(sorted(OPTIONS))}", url=source.url, seen=key)
    permitted_by = source.options.get("permitted_by", "x")
    if not isinstance(permitted_by, str) or not permitted_by.strip():
        raise SourceInvalid("options.permitted_by says who permits it", url=source.url, seen=str(permitted_by))
    own = {key: value for key, value in source.options.items() if key in PROFILE_OPTIONS}
    profile = {"kind": source.kind, "title": source.title, "title_en": source.title} | dict(_profile(source))
    try:
        read = msgspec.convert(_merged(profile, own), Family)
    except msgspec.ValidationError as error:
        raise SourceInvalid(f"options: {error}", url=source.url, seen=str(name)) from error
    if read.kind != source.kind:
        raise SourceInvalid(f"the family {name} is of kind {read.kind}", url=source.url, seen=source.kind)
    for listing, call in read.listings.items():
        if (call.detail_by is None) != (not call.details):
            raise SourceInvalid(f"options.listings.{listing}: detail_by and details need each other", url=source.url)
    return read


def reading(source: Source) -> Reading:
    """Which tables read the records of a source. Raises SourceInvalid for a family that has no profile."""
    given = source.options
    if source.kind not in KINDS:
        return Reading(((source.kind, ""),), None, (), (), False)
    profile = _profile(source)
    own_table = given.get("crosswalk_table", profile.get("crosswalk_table"))
    native = given.get("native", profile.get("native", None if own_table else "."))
    named = ((own_table, ""), ("native", native and native.removeprefix(".")))
    tables = tuple((name, root) for name, root in named if name is not None and root is not None)
    codes = tuple((vocabulary, tuple(terms.items())) for vocabulary, terms in given.get("codes", {}).items())
    codes_table = given.get("codes_table", profile.get("codes_table"))
    return Reading(tables, codes_table, codes, tuple(given.get("key", ())), source.kind == "csvlist")


def _profile(source: Source) -> Mapping[str, Any]:
    name = source.options.get("family")
    if name is None:
        return {}
    try:
        return schemas.family(name)
    except KeyError as error:
        known = ", ".join(schemas.families())
        raise SourceInvalid(f"options.family is one of {known}", url=source.url, seen=str(name)) from error


def _merged(profile: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The profile with what the source says in place of what it says; tables are merged member by member."""
    merged = dict(profile)
    for key, value in own.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
    return merged


_PLACEHOLDER = re.compile(r"\{([^\W\d]\w*(?:\.\w+)*)\}")


def filled(template: Any, value_of: Callable[[str], Any]) -> Any:
    """A template with its ``{placeholders}`` replaced; one that stands alone keeps the type of its value.

    ``value_of`` raises KeyError for a placeholder that has no value.
    """
    if isinstance(template, str):
        alone = _PLACEHOLDER.fullmatch(template)
        return value_of(alone[1]) if alone else _PLACEHOLDER.sub(lambda found: str(value_of(found[1])), template)
    if isinstance(template, dict):
        return {key: filled(value, value_of) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, value_of) for value in template]
    return template
