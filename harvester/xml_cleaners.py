"""The cleaners for what XML records say: ISO 19139's constraints, keywords, boxes and online resources, Dublin Core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemas
from harvester import addresses, cleaners, native_cleaners, texts
from harvester.cleaners import Setting
from harvester.geometry import NoGeometry, box
from harvester.texts import Cleaner, NotUnderstood, WrongType
from portal.catalog.model import DistributionKind, Place

_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；）)]+")
_BEFORE_LICENCE = re.compile(r"^\s*(?:licen[cs]e|licencia|lizenz|许可(?:协议)?|use constraints?)\s*[:：]\s*", re.IGNORECASE)
_EPSG_4326 = re.compile(r"urn:.*EPSG:.*:4326", re.IGNORECASE)
_LONGITUDE_FIRST = re.compile(r"urn:.*:CRS84|EPSG:4326", re.IGNORECASE)

EDGES = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")


def _words(several: Any) -> list[str]:
    """What the items of a list say."""
    said = [each.get("@value") for each in several or () if type(each) is dict]
    return [each for each in said if type(each) is str]


def geographic_element(value: Any) -> Place | None:
    """A geographic element of ISO 19115: a bounding box, or what identifies a place."""
    if type(value) is not dict:
        raise WrongType(value)
    edges = [_words(value.get(edge)) for edge in EDGES]
    if all(edges):
        try:
            return Place(geometry=box(*(float(edge[0].replace(",", ".")) for edge in edges)))
        except (ValueError, NoGeometry) as error:
            raise NotUnderstood(" ".join(edge[0] for edge in edges)) from error
    for identifier in value.get("geographicIdentifier") or ():
        for code in identifier.get("code") or ():
            name, uri = texts.code(code.get("@value") or ""), addresses.link(code.get("@href") or "")
            return Place(name=name, uri=uri) if name or uri else None
    return None


def bounding_box(value: Any) -> Place | None:
    """An OWS bounding box in degrees. By a URN of EPSG 4326 latitudes come first; of no other system is it told."""
    if type(value) is not dict:
        raise WrongType(value)
    system = value.get("@crs", "")
    try:
        corners = [[float(number) for number in _words(value.get(corner))[0].split()] for corner in _CORNERS]
        (first, second), (third, fourth) = corners
        if _EPSG_4326.fullmatch(system):
            return Place(geometry=box(second, first, fourth, third))
        if _LONGITUDE_FIRST.fullmatch(system):
            return Place(geometry=box(first, second, third, fourth))
    except (ValueError, IndexError, NoGeometry) as error:
        raise NotUnderstood(value) from error
    return None


_CORNERS = ("LowerCorner", "UpperCorner")


_KINDS = {"api": DistributionKind.API, "link": DistributionKind.LINK}


def restriction(value: Any) -> str | None:
    """A restriction by ISO's code; that there are others, said elsewhere, is none."""
    cleaned = texts.code(value)
    return None if cleaned == "otherRestrictions" else cleaned


def online_kind(value: Any) -> DistributionKind | None:
    """How an online resource is reached: by the format its protocol names, else by its function."""
    if type(value) is not dict:
        raise WrongType(value)
    for word in _words(value.get("protocol")):
        term = schemas.vocabulary("formats").terms.get(_protocol(word) or "")
        kind = None if term is None else _KINDS.get(term.attributes["family"])
        if kind is not None:
            return kind
        if "download" in word.lower():
            return DistributionKind.FILE
    functions = _words(value.get("function"))
    if "download" in functions:
        return DistributionKind.FILE
    return DistributionKind.LINK if functions else None


def online_file(value: Any) -> str | None:
    """The address of an online resource that is a file to be downloaded."""
    if online_kind(value) is not DistributionKind.FILE:
        return None
    return next((addresses.link(word) for word in _words(value.get("linkage"))), None)


_PROTOCOL_VERSION = re.compile(r"^(OGC:[A-Za-z ]+|ESRI:[A-Za-z ]+|[A-Za-z]+:[A-Za-z]+)-[\d.]+-.*$")


@lru_cache(maxsize=1024)
def _protocol(word: str) -> str | None:
    """The format a protocol names; of ``OGC:WMS-1.3.0-http-get-map`` it is that of ``OGC:WMS``."""
    resolve = schemas.vocabulary("formats").resolve
    return resolve(word) or resolve(_PROTOCOL_VERSION.sub(r"\1", word))


def protocol_format(value: Any) -> str | None:
    """The format that the protocol of an online resource names; most protocols name none."""
    cleaned = texts.code(value)
    return None if cleaned is None else _protocol(cleaned)


def inspire_themes(value: Any) -> tuple[str, ...] | None:
    """The themes behind keywords of INSPIRE's themes; keywords of other thesauri say nothing here."""
    terms = schemas.vocabulary("inspire_themes").terms
    return tuple(terms[code].attributes["theme"] for code, _ in _inspire(value)) or None


def inspire_words(value: Any) -> tuple[str, ...] | None:
    """The same in the portal's words."""
    return tuple(word for _, word in _inspire(value)) or None


def _inspire(value: Any) -> Iterator[tuple[str, str]]:
    if type(value) is not dict:
        raise WrongType(value)
    names = [*(title for each in value.get("thesaurusName") or () for title in each.get("title") or ())]
    named = " ".join(f"{each.get('@value', '')} {each.get('@href', '')}" for each in names).lower()
    resolve = schemas.vocabulary("inspire_themes").resolve
    for keyword in value.get("keyword") or ():
        word, address = keyword.get("@value", ""), keyword.get("@href", "")
        is_address = "inspire.ec.europa.eu/theme/" in address or "inspire.ec.europa.eu/theme/" in word
        if is_address or ("inspire" in named and ("theme" in named or "thème" in named)):
            code = resolve(address) or resolve(word)
            if code is not None:
                yield code, word or address


def linked_record(value: Any) -> str | None:
    """The id of the record that a service operates on: as ``uuidref``, or in an address that asks for it."""
    if type(value) is not dict:
        raise WrongType(value)
    if value.get("@uuidref"):
        return texts.code(value["@uuidref"])
    address = value.get("@href") or ""
    asked = {key.lower(): said for key, said in parse_qsl(urlsplit(address).query)}
    return texts.code(asked.get("id") or asked.get("uuid") or "")


def _licence_in(value: Any) -> tuple[str, str] | None:
    """The licence that a text names, and the words in it that do."""
    cleaned = texts.text(value)
    if cleaned is None:
        return None
    return _licence_of(cleaned) if len(cleaned) <= _REPEATED_LENGTH else _licence_named(cleaned)


_REPEATED_LENGTH = 1000
"""Characters of the texts that are remembered: all records of a portal have the same few, each read by several rows."""


def _licence_named(cleaned: str) -> tuple[str, str] | None:
    """Looks at the whole text, its addresses, what is before one."""
    resolve = schemas.vocabulary("licences").resolve
    found = [each.rstrip(".,;") for each in _ADDRESS.findall(cleaned)]
    before = _BEFORE_LICENCE.sub("", cleaned)
    candidates = [cleaned, *found, before, _ADDRESS.split(before)[0], cleaned.rstrip(" .;")]
    for words in dict.fromkeys(candidates):
        code = resolve(words.strip(" .,;:()-"))
        if code is not None:
            return code, words.strip()
    return None


_licence_of = lru_cache(maxsize=1024)(_licence_named)


def licence_within(value: Any) -> str | None:
    """The licence that a text names."""
    found = _licence_in(value)
    return None if found is None else found[0]


def licence_text(value: Any) -> str | None:
    """A text in which a licence is named."""
    return None if _licence_in(value) is None else texts.text(value)


def licence_address(value: Any) -> str | None:
    """The address of the licence that a text names by it."""
    found = _licence_in(value)
    within = _ADDRESS.search(texts.text(value) or "") if found is not None else None
    return None if within is None else addresses.link(within[0].rstrip(".,;"))


def language_code(value: Any) -> str | None:
    """A language by the code of our vocabulary, what follows it (``eng; US``) left out; one that it lacks as written."""
    cleaned = texts.code(value)
    if cleaned is None:
        return None
    resolve = schemas.vocabulary("languages").resolve
    return resolve(cleaned) or resolve(cleaned.partition(";")[0]) or texts.local_name(cleaned)


_DOI = re.compile(r"(?:doi:\s*|info:doi/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_HANDLE = re.compile(r"(?:hdl:\s*|info:hdl/)(\d[\w.]*/\S+)", re.IGNORECASE)


def persistent_link(value: Any) -> str | None:
    """The address of an identifier: an http(s) address as it is, a DOI or a handle at its resolver; others have none."""
    cleaned = texts.text(value)
    if cleaned is None:
        return None
    for pattern, resolver in ((_DOI, "https://doi.org/"), (_HANDLE, "https://hdl.handle.net/")):
        if found := pattern.fullmatch(cleaned):
            return addresses.link(resolver + found[1])
    return addresses.link(cleaned)


def geo_location(value: Any) -> Place | None:
    """A box or a point of DataCite: numbers by name, in kernel 3 one text that begins with the latitude."""
    if type(value) is not dict:
        raise WrongType(value)
    try:
        named = [_words(value.get(edge)) for edge in EDGES]
        if all(named):
            return Place(geometry=box(*(float(edge[0]) for edge in named)))
        point = [_words(value.get(edge)) for edge in ("pointLongitude", "pointLatitude")]
        if all(point):
            longitude, latitude = (float(edge[0]) for edge in point)
            return Place(geometry=box(longitude, latitude, longitude, latitude))
        numbers = [float(number) for number in str(value.get("@value") or "").replace(",", " ").split()]
        if len(numbers) == 2:
            numbers = numbers * 2
        south, west, north, east = numbers
        return Place(geometry=box(west, south, east, north))
    except (ValueError, NoGeometry) as error:
        raise NotUnderstood(value) from error


def coverage_place(value: Any) -> Place | None:
    """A place that Dublin Core's coverage names; a text without letters is a time or coordinates."""
    cleaned = texts.text(value)
    if cleaned is None or not any(letter.isalpha() for letter in cleaned):
        return None
    return cleaners.place(cleaned)


def stated_formats(value: Any) -> tuple[dict[str, Any], ...] | None:
    """A distribution for each format that a record states, at the record's own page; of one format with its size."""
    if type(value) is not dict:
        raise WrongType(value)
    listed = [word for each in value.get("formats") or () for word in _words(each.get("format"))]
    stated = list(dict.fromkeys(listed or _words(value.get("format"))))
    sizes = [word for each in value.get("sizes") or () for word in _words(each.get("size"))]
    page = next(filter(None, map(persistent_link, _words(value.get("identifier")))), None)
    return tuple(_at_page(word, page, sizes[0] if len(sizes) == len(stated) == 1 else None) for word in stated) or None


def _at_page(word: str, page: str | None, said_size: str | None) -> dict[str, Any]:
    try:
        size_bytes = None if said_size is None else cleaners.size(said_size)
    except NotUnderstood:
        # Sizes count pages and files as often as bytes.
        size_bytes = None
    made = {
        "access_url": page,
        "format": schemas.vocabulary("formats").resolve(word),
        "format_raw": word,
        "media_type": cleaners.type_like(word),
        "size_bytes": size_bytes,
    }
    return {name: said for name, said in made.items() if said is not None}


PLAIN: Mapping[str, Cleaner] = {
    "bounding_box": bounding_box,
    "coverage_place": coverage_place,
    "geo_location": geo_location,
    "geographic_element": geographic_element,
    "inspire_themes": inspire_themes,
    "inspire_words": inspire_words,
    "language_code": language_code,
    "licence_address": licence_address,
    "licence_text": licence_text,
    "licence_within": licence_within,
    "linked_record": linked_record,
    "online_file": online_file,
    "online_kind": online_kind,
    "persistent_link": persistent_link,
    "protocol_format": protocol_format,
    "restriction": restriction,
    "stated_formats": stated_formats,
}


def cleaner(name: str, setting: Setting) -> Cleaner:
    """The cleaner a crosswalk names, of these and all others; KeyError when there is none."""
    return PLAIN[name] if name in PLAIN else native_cleaners.cleaner(name, setting)
