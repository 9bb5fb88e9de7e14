"""Makes of one XML record the plain object that crosswalks read: docs/xml.md describes it.

- Names are local names. What stands in an element is a list under its name, what it says ``@value``, its attributes
  ``@name``, its ``xml:lang`` is ``@language``; empty elements are left out.
- ISO 19139 puts an object (``CI_Citation``, ``CharacterString``) into every property (``citation``, ``title``). The
  two are one here: ``citation[].title[].@value``. A code is its ``codeListValue``. The record's own name is ``@class``.
- What states its role or type stands a second time under ``name:code``: ``pointOfContact:owner``, ``date:Issued``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, TypeAlias
from xml.etree import ElementTree

from lxml import etree

import schemas
from harvester.xmlstream import local_name, name

Json: TypeAlias = dict[str, Any]
Element: TypeAlias = ElementTree.Element
"""Not lxml's, which parses twice as fast and is then read half as fast: together up to a sixth slower."""

MEDIA_TYPE = "application/xml"

OAI = "http://www.openarchives.org/OAI/2.0/"

QUALIFIERS = (
    "role", "dateType", "associationType", "useConstraints",
    "@contributorType", "@dateType", "@descriptionType", "@relationType", "@titleType",
)
"""Members by whose code an object is told from its like: of ISO 19115, then of DataCite."""

_QUALIFIERS = frozenset(QUALIFIERS)

_CODE = "codeListValue"

_LEFT_OUT = frozenset(("codeList", _CODE, "codeSpace", "nilReason", "schemaLocation", "nil", "isoType"))
"""Attributes that say nothing about a dataset."""

_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"

_FREE_TEXT = "PT_FreeText"


def plain(body: bytes) -> Json:
    """The plain object of a record's own element. Raises ValueError when it is malformed.

    Of an OAI-PMH record it is what stands in ``metadata``, without wrappers, and its ``header``. The body is an element
    that ``harvester.xmlstream`` cut out: it declares nothing, so there is no entity to expand.
    """
    try:
        root = ElementTree.fromstring(body, ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise ValueError(f"malformed XML: {error}") from error
    return _oai_record(root) if root.tag == f"{{{OAI}}}record" else _record(root)


def metadata(record: etree._Element) -> etree._Element | None:
    """What an OAI-PMH record is about: the element within ``metadata``, of DataCite's own wrapper its ``resource``."""
    found = next(iter(record.findall(f"{{{OAI}}}metadata/*")), None)
    if found is not None and name(found) == "oai_datacite":
        found = next((each for each in found.iter() if isinstance(each.tag, str) and name(each) == "resource"), found)
    return found


def _oai_record(record: Element) -> Json:
    within = metadata(record)
    said = {} if within is None else _record(within)
    header = record.find(f"{{{OAI}}}header")
    if header is not None:
        said["header"] = [_with_members({}, header, Tongues(header))]
    return said


def _record(root: Element) -> Json:
    record = _with_members(_attributes(root), root, Tongues(root))
    record["@class"] = local_name(root.tag)
    if "distributionInfo" in record:
        record["onLine"] = list(_online_resources(record["distributionInfo"]))
    return record


class Tongues:
    """The languages of an ISO record, looked for where a text is translated: few records have one that is."""

    def __init__(self, root: Element) -> None:
        self._root = root

    @cached_property
    def main(self) -> str | None:
        """The language of its texts."""
        stated = self._root.findall("{*}language//*") + self._root.findall("{*}language")
        return next(filter(None, map(_tag, stated)), None)

    @cached_property
    def others(self) -> dict[str, str]:
        """Those of the translations, by the ids that the record gives them."""
        found: dict[str, str] = {}
        for locale in self._root.findall(".//{*}PT_Locale"):
            tag = next(filter(None, map(_tag, locale.findall(".//{*}LanguageCode"))), None)
            if tag is not None and "id" in locale.attrib:
                found[f"#{locale.attrib['id']}"] = tag
        return found


def _tag(element: Element) -> str | None:
    said = str(element.get(_CODE) or element.text or "").strip()
    return schemas.vocabulary("languages").resolve(said) or said.lower() or None


def _with_members(said: Json, element: Element, tongues: Tongues) -> Json:
    """What an object says, and by name what stands in it."""
    for child in element:
        stem, is_property, _ = _named(child.tag)
        items = _objects(child, tongues) if is_property and len(child) else None
        if items is None:
            itself = _with_all({}, child, tongues)
            items = [itself] if itself else []
        if not items:
            continue
        if stem in said:
            said[stem] += items
        else:
            said[stem] = items
        for item in items:
            # Most items are one text, which has no role.
            if (len(item) > 1 or "@value" not in item) and not _QUALIFIERS.isdisjoint(item):
                for code in _codes(item):
                    said.setdefault(f"{stem}:{code}", []).append(item)
    return said


@lru_cache(maxsize=4096)
def _named(tag: str) -> tuple[str, bool, bool]:
    """An element's name, and whether ISO 19139 would call a property so, or an object."""
    stem = local_name(tag)
    return stem, stem[0].islower(), stem[0].isupper()


def _objects(element: Element, tongues: Tongues) -> list[Json] | None:
    """The objects in a property, each with what the property says of itself; None where something in it is no object."""
    is_translated = False
    for child in element:
        stem, _, is_object = _named(child.tag)
        if not is_object:
            return None
        if stem == _FREE_TEXT:
            is_translated = True
    if is_translated:
        return _in_languages(element, tongues)
    items = []
    for child in element:
        if said := _with_all(_attributes(element), child, tongues):
            items.append(said)
    return items


def _in_languages(element: Element, tongues: Tongues) -> list[Json]:
    """A text that is translated: itself in the record's language, then its translations."""
    items: list[Json] = []
    for child in element:
        if local_name(child.tag) == _FREE_TEXT:
            items += _translations(child, tongues)
        elif said := _with_all(_attributes(element), child, tongues):
            items.append(said | {"@language": tongues.main} if tongues.main and "@value" in said else said)
    return items


def _translations(free: Element, tongues: Tongues) -> Iterator[Json]:
    for text in free.findall(".//{*}LocalisedCharacterString"):
        tag = tongues.others.get(text.get("locale", ""))
        said = (text.text or "").strip()
        if said:
            yield {"@value": said} | ({"@language": tag} if tag else {})


def _with_all(said: Json, element: Element, tongues: Tongues) -> Json:
    """What is said and what an element says: its attributes, its code or text, what stands in it."""
    code = _add_attributes(said, element) if element.keys() else ""
    if not len(element):
        if value := code or (element.text or "").strip():
            said["@value"] = value
        return said
    if value := code or _text_beside(element):
        said["@value"] = value
    return _with_members(said, element, tongues)


def _attributes(element: Element) -> Json:
    said: Json = {}
    if element.keys():
        _add_attributes(said, element)
    return said


def _add_attributes(said: Json, element: Element) -> str:
    """Adds what the attributes say; the code among them, which is the element's value, is given back."""
    code = ""
    for attribute, words in element.items():
        if words := words.strip():
            if attribute == _CODE:
                code = words
            elif member := _member(attribute):
                said[member] = words
    return code


@lru_cache(maxsize=4096)
def _member(attribute: str) -> str | None:
    """Under which name an attribute stands in a plain object; None when it is left out."""
    local = local_name(attribute)
    if local in _LEFT_OUT or attribute.startswith(_SCHEMA_INSTANCE):
        return None
    return "@language" if local == "lang" else f"@{local}"


def _text_beside(element: Element) -> str:
    """The whole of a text that stands beside elements (a paragraph with markup); an empty one where there is none."""
    if not (element.text and element.text.strip()):
        for child in element:
            if child.tail and child.tail.strip():
                break
        else:
            return ""
    return "".join(element.itertext()).strip()


def _codes(item: Json) -> Iterator[str]:
    """The roles and types that an object states of itself."""
    if _QUALIFIERS.isdisjoint(item):
        return
    for qualifier in QUALIFIERS:
        if qualifier in item:
            if qualifier[0] == "@":
                yield item[qualifier]
            else:
                yield from (each["@value"] for each in item[qualifier] if "@value" in each)


def _online_resources(distributions: list[Json]) -> Iterator[Json]:
    """Every online resource, a distributor's too; with the format of the data where only one is stated."""
    for each in distributions:
        distributors = each.get("distributor", [])
        formats = each.get("distributionFormat", []) + [
            stated for distributor in distributors for stated in distributor.get("distributorFormat", [])
        ]
        options = each.get("transferOptions", []) + [
            option for distributor in distributors for option in distributor.get("distributorTransferOptions", [])
        ]
        for online in (online for option in options for online in option.get("onLine", [])):
            yield online | {"distributionFormat": formats} if len(formats) == 1 else online
