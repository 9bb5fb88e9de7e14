"""Makes of one XML record the plain object that crosswalks read: docs/xml.md describes it.

- Names are local names. What stands in an element is a list under its name, what it says ``@value``, its attributes
  ``@name``, its ``xml:lang`` is ``@language``; empty elements are left out.
- ISO 19139 puts an object (``CI_Citation``, ``CharacterString``) into every property (``citation``, ``title``). The
  two are one here: ``citation[].title[].@value``. A code is its ``codeListValue``. The record's own name is ``@class``.
- What states its role or type stands a second time under ``name:code``: ``pointOfContact:owner``, ``date:Issued``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from lxml import etree

import schemas
from harvester.xmlstream import PARSING, name

Json: TypeAlias = dict[str, Any]

MEDIA_TYPE = "application/xml"

OAI = "http://www.openarchives.org/OAI/2.0/"

QUALIFIERS = (
    "role", "dateType", "associationType", "useConstraints",
    "@contributorType", "@dateType", "@descriptionType", "@relationType", "@titleType",
)
"""Members by whose code an object is told from its like: of ISO 19115, then of DataCite."""

_LEFT_OUT = frozenset(("codeList", "codeListValue", "codeSpace", "nilReason", "schemaLocation", "nil", "isoType"))
"""Attributes that say nothing about a dataset."""

_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


def plain(body: bytes) -> Json:
    """The plain object of a record's own element. Raises ValueError when it is malformed.

    Of an OAI-PMH record it is what stands in ``metadata``, without wrappers, and its ``header``.
    """
    try:
        root = etree.fromstring(body, etree.XMLParser(**PARSING))
    except etree.XMLSyntaxError as error:
        raise ValueError(f"malformed XML: {error.msg}") from error
    return _oai_record(root) if root.tag == f"{{{OAI}}}record" else _record(root)


def metadata(record: etree._Element) -> etree._Element | None:
    """What an OAI-PMH record is about: the element within ``metadata``, of DataCite's own wrapper its ``resource``."""
    found = next(iter(record.findall(f"{{{OAI}}}metadata/*")), None)
    if found is not None and name(found) == "oai_datacite":
        found = next((each for each in found.iter() if isinstance(each.tag, str) and name(each) == "resource"), found)
    return found


def _oai_record(record: etree._Element) -> Json:
    within = metadata(record)
    said = {} if within is None else _record(within)
    header = record.find(f"{{{OAI}}}header")
    return said if header is None else said | {"header": [_members(header, Tongues(None, {}))]}


def _record(root: etree._Element) -> Json:
    record = _attributes(root) | _members(root, _tongues(root)) | {"@class": name(root)}
    if "distributionInfo" in record:
        record["onLine"] = list(_online_resources(record["distributionInfo"]))
    return record


class Tongues:
    """The languages of an ISO record: of its texts, and of the translations by the ids that it gives them."""

    def __init__(self, main: str | None, others: Mapping[str, str]) -> None:
        self.main = main
        self.others = others


def _tongues(root: etree._Element) -> Tongues:
    others: dict[str, str] = {}
    for locale in root.iter("{*}PT_Locale"):
        tag = next(filter(None, map(_tag, locale.iter("{*}LanguageCode"))), None)
        if tag is not None and "id" in locale.attrib:
            others[f"#{locale.attrib['id']}"] = tag
    main = next(filter(None, map(_tag, root.findall("{*}language//*") + root.findall("{*}language"))), None)
    return Tongues(main, others)


def _tag(element: etree._Element) -> str | None:
    said = str(element.get("codeListValue") or element.text or "").strip()
    return schemas.vocabulary("languages").resolve(said) or said.lower() or None


def _members(element: etree._Element, tongues: Tongues) -> Json:
    """What stands in an object, by name."""
    members: Json = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        stem = name(child)
        for item in _items(child, tongues):
            members.setdefault(stem, []).append(item)
            for code in _codes(item):
                members.setdefault(f"{stem}:{code}", []).append(item)
    return members


def _items(element: etree._Element, tongues: Tongues) -> Iterator[Json]:
    """What a property holds: each object in it, or the text or members of its own."""
    inner = [child for child in element if isinstance(child.tag, str)]
    own = _attributes(element)
    is_property = name(element)[:1].islower() and all(name(child)[:1].isupper() for child in inner)
    if not inner or not is_property:
        said = own | _value(element, inner) | _members(element, tongues)
        if said:
            yield said
        return
    translated = any(name(child) == "PT_FreeText" for child in inner)
    for child in inner:
        if name(child) == "PT_FreeText":
            yield from _translations(child, tongues)
            continue
        within = [each for each in child if isinstance(each.tag, str)]
        said = own | _attributes(child) | _value(child, within) | _members(child, tongues)
        if translated and tongues.main and "@value" in said:
            said["@language"] = tongues.main
        if said:
            yield said


def _translations(free: etree._Element, tongues: Tongues) -> Iterator[Json]:
    for text in free.iter("{*}LocalisedCharacterString"):
        tag = tongues.others.get(text.get("locale", ""))
        said = (text.text or "").strip()
        if said:
            yield {"@value": said} | ({"@language": tag} if tag else {})


def _attributes(element: etree._Element) -> Json:
    said: Json = {}
    for key, value in element.attrib.items():
        local = key.rpartition("}")[2]
        if value.strip() and local not in _LEFT_OUT and not key.startswith(_SCHEMA_INSTANCE):
            said["@language" if local == "lang" else f"@{local}"] = value.strip()
    return said


def _value(element: etree._Element, inner: list[etree._Element]) -> Json:
    code = (element.get("codeListValue") or "").strip()
    if code:
        return {"@value": code}
    own = [element.text, *(child.tail for child in inner)]
    if not any(text and text.strip() for text in own):
        return {}
    # Where text stands beside elements (a paragraph with markup) the whole of it is what is said.
    return {"@value": "".join(element.itertext()).strip()}


def _codes(item: Json) -> Iterator[str]:
    """The roles and types that an object states of itself."""
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
