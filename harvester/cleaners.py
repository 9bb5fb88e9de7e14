"""One value of a portal in, one value of the catalogue out: the cleaners that crosswalks name.

A cleaner answers None when nothing is said, and raises ``NotUnderstood`` when something is said that it cannot read.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache, partial
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

import schemas
from harvester.geometry import NoGeometry
from harvester.geometry import geometry as read_geometry
from harvester.instants import instant as read_instant
from harvester.instants import iso_date
from portal.catalog.model import Column, DistributionKind, Period, Place, RecordType

Cleaner: TypeAlias = Callable[[Any], Any]
"""Takes what JSON can hold, gives what the unified field holds; a tuple where one value of the portal is several."""

KEYWORD_LIMIT = 100
"""Characters of a keyword; longer ones are sentences and are cut."""


class NotUnderstood(Exception):
    """A value is there that its cleaner cannot read; ``seen`` is that value."""

    code = "field.not-understood"

    def __init__(self, seen: object) -> None:
        super().__init__(seen)
        self.seen = seen


class WrongType(NotUnderstood):
    """Not the JSON type the field has (a string for a list, an object for a number)."""

    code = "field.wrong-type"


class AddressUnusable(NotUnderstood):
    """Not an http or https address."""

    code = "distribution.address-unusable"


class Setting(Struct, frozen=True):
    """What a cleaner may know about the portal."""

    zone: tzinfo = ZoneInfo("Asia/Shanghai")
    url: str = ""
    language: str | None = None
    """The language to show of several."""


PLACEHOLDERS = frozenset(
    ("", "none", "null", "nil", "nan", "n/a", "[]", "{}", "[null]", "undefined", "暂无", "无", "-", "--", "/")
)
"""What portals write where they mean nothing, in lower case."""

# Control characters except tab and line breaks, the byte order mark, lone surrogates and non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"\s+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_SEPARATORS = re.compile(r"[,;、，；\r\n\t]+")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9._-]+(?:[/?#][A-Za-z0-9._~!$&'()*+,;=:@/?#-]*)?")
_EMAIL = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+\.[^@\s<>,;:.]+")
_NUMBER = re.compile(r"(\d+(?:[,，]\d{3})*)(?:\.(\d+))?\s*[条行次]?")
_SIZE = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)\s*([^\W\d]*)")
_MEDIA_TYPE = re.compile(r"([A-Za-z]+/[A-Za-z0-9][\w.+-]*)\s*(?:;.*)?")
_MEDIA_TYPE_REGISTRY = re.compile(r"https?://(?:www\.)?iana\.org/assignments/media-types/", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")
_LIST_TEXT = re.compile(r"\[(.*)\]", re.DOTALL)
_INTERVAL_GAP = re.compile(r"\s*(?:/|至|~|—|–|\s-\s|\sto\s)\s*")
_GEOMETRIES = frozenset(
    ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
)
_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("", "b", "byte", "bytes", "octet", "octets", "o", "字节"), 1),
    **{f"{letter}{unit}": 1000**power for power, letter in enumerate("kmgt", 1) for unit in ("", "b", "o")},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
}
_KINDS: Mapping[str, DistributionKind] = {
    "file": DistributionKind.FILE,
    "file.upload": DistributionKind.FILE,
    "upload": DistributionKind.FILE,
    "api": DistributionKind.API,
    "service": DistributionKind.API,
    "link": DistributionKind.LINK,
    "documentation": DistributionKind.LINK,
    "visualization": DistributionKind.LINK,
}
_RECORD_TYPES: Mapping[str, RecordType] = {
    "dataset": RecordType.DATASET,
    "dataservice": RecordType.SERVICE,
    "service": RecordType.SERVICE,
    "datasetseries": RecordType.SERIES,
    "series": RecordType.SERIES,
}


def text(value: Any) -> str | None:
    """A text without control characters and placeholders, in NFC; its line breaks and inner spaces stay."""
    if type(value) is not str:
        raise WrongType(value)
    cleaned: str = value
    if not cleaned.isprintable():
        cleaned = _UNWANTED.sub(_replacement, cleaned)
    if not cleaned.isascii():
        cleaned = unicodedata.normalize("NFC", cleaned)
    cleaned = cleaned.strip()
    return cleaned if len(cleaned) >= 10 or cleaned.lower() not in PLACEHOLDERS else None


def _replacement(match: re.Match[str]) -> str:
    return "\ufffd" if "\ud800" <= match[0] <= "\udfff" else ""


def plain_text(value: Any) -> str | None:
    """One line of text: tags dropped, entities read once, runs of space made one."""
    cleaned = text(value)
    if cleaned is None:
        return None
    if "<" in cleaned:
        cleaned = _TAG.sub(" ", cleaned)
    if "&" in cleaned:
        cleaned = text(html.unescape(cleaned)) or ""
    return " ".join(cleaned.split()) or None


def code(value: Any) -> str | None:
    """A text or a number, as text: ids, versions and codes are written both ways."""
    if type(value) is int and abs(value) < 2**63:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return repr(value)
    return text(value)


def language_map(value: Any, clean: Cleaner = text) -> dict[str, Any] | None:
    """Texts by language tag, from an object or one written as JSON text; None for an ordinary text.

    An RDF literal (``@value``, ``@language``) is the text of one language, or an ordinary one.
    """
    if type(value) is str:
        if value[:1] != "{" or (value := _json(value)) is None:
            return None
    if type(value) is not dict:
        raise WrongType(value)
    if "@value" in value:
        if "@language" not in value:
            return None
        value = {value["@language"]: value["@value"]}
    said = {}
    for tag, words in value.items():
        if not _LANGUAGE.fullmatch(tag):
            raise NotUnderstood(tag)
        cleaned = None if words is None else clean(words)
        if cleaned:
            said[tag.replace("_", "-")] = cleaned
    return said or None


def in_language(said: Mapping[str, Any], preferred: str | None) -> Any:
    """Of what is said by language, the one to show: the preferred, else Chinese, else English, else the first.

    Words are of every language, because a search has only one list of them.
    """
    if any(type(words) is tuple for words in said.values()):
        return tuple(word for words in said.values() for word in words)
    for wanted in filter(None, (preferred, "zh", "en")):
        for tag, words in said.items():
            if tag == wanted or tag.startswith(f"{wanted}-"):
                return words
    return next(iter(said.values()))


def distinct_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words without repetitions that differ in case alone; the first spelling stays."""
    spellings: dict[str, str] = {}
    for word in words:
        spellings.setdefault(word.casefold(), word)
    return tuple(spellings.values())


def _keyword_tuple(value: Any) -> tuple[str, ...]:
    return tuple(keyword for each in items(value) for keyword in keywords(each) or ())


def keywords(value: Any) -> tuple[str, ...] | None:
    """The keywords in one text: split at commas and breaks; a single Latin letter is no keyword."""
    if type(value) is not str:
        raise WrongType(value)
    if _SEPARATORS.search(value) is None:
        words = [plain_text(value)]
    else:
        words = [plain_text(word) for word in _SEPARATORS.split(value)]
    kept = [word[:KEYWORD_LIMIT] for word in words if word is not None and (len(word) > 1 or not word.isascii())]
    return tuple(kept) or None


def column_names(value: Any) -> tuple[Column, ...] | None:
    """The columns whose names one text lists."""
    cleaned = text(value)
    names = [] if cleaned is None else [name.strip() for name in _SEPARATORS.split(cleaned)]
    return tuple(Column(name=name) for name in names if name) or None


def items(value: Any) -> list[Any]:
    """What ``[]`` iterates: a list, one written as text in JSON or nearly so, or a single value."""
    if type(value) is list:
        return value
    if type(value) is not str or not (listed := _LIST_TEXT.fullmatch(value.strip())):
        return [value]
    decoded = _json(value)
    if type(decoded) is list:
        return decoded
    return [word.strip().strip("'\"") for word in listed[1].split(",")]


def _json(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return None


def instant(value: Any, zone: tzinfo) -> datetime | None:
    """A moment in UTC; a number is seconds or milliseconds since 1970."""
    if type(value) is int or type(value) is float:
        value = str(int(value)) if abs(value) < 2**63 else ""
    cleaned = text(value)
    if cleaned is None:
        return None
    moment = read_instant(cleaned, zone)
    if moment is None:
        raise NotUnderstood(value)
    return moment


def date(value: Any) -> str | None:
    """A date or moment as ISO 8601 text, as exact as it was given."""
    cleaned = code(value)
    if cleaned is None:
        return None
    read = iso_date(cleaned)
    if read is None:
        raise NotUnderstood(value)
    return read


def interval(value: Any) -> Period | None:
    """``start/end``, either of which may be open."""
    cleaned = code(value)
    if cleaned is None:
        return None
    bounds = _INTERVAL_GAP.split(cleaned)
    if len(bounds) > 2:
        raise NotUnderstood(value)
    start, end = (None if bound in ("", "..") else date(bound) for bound in (bounds * 2)[:2])
    return Period(start=start, end=end) if start or end else None


def geometry(value: Any) -> dict[str, Any] | None:
    """A GeoJSON geometry, from an object or its text; of a feature the geometry."""
    shape = _json(value) if type(value) is str else value
    if type(shape) is dict and shape.get("type") == "Feature":
        shape = shape.get("geometry")
    if type(shape) is not dict or shape.get("type") not in _GEOMETRIES:
        raise NotUnderstood(value)
    if type(shape.get("coordinates", shape.get("geometries"))) is not list:
        raise NotUnderstood(value)
    return shape


def shape(value: Any) -> dict[str, Any] | None:
    """Sound GeoJSON of a place drawn as GeoJSON, WKT or a box."""
    try:
        drawn = read_geometry(value)
    except NoGeometry as error:
        raise NotUnderstood(value) from error
    if drawn is None:
        raise NotUnderstood(value)
    return drawn


def place(value: Any) -> Place | None:
    """A GeoJSON geometry, an address in a gazetteer, or a name."""
    if type(value) is dict or (type(value) is str and value.lstrip().startswith("{")):
        return Place(geometry=geometry(value))
    cleaned = code(value)
    if cleaned is None:
        return None
    return Place(uri=cleaned) if cleaned.startswith(("http://", "https://")) else Place(name=cleaned)


def integer(value: Any) -> int | None:
    """A count: ``425,829``, ``1200条`` and ``12323.0`` are understood, a fraction or a negative number is not."""
    number = value
    if type(value) is str:
        cleaned = text(value)
        if cleaned is None:
            return None
        match = _NUMBER.fullmatch(cleaned)
        if match is None or len(cleaned) > 30 or (match[2] or "").strip("0"):
            raise NotUnderstood(value)
        number = int(re.sub("[,，]", "", match[1]))
    elif type(value) is float and value.is_integer():
        number = int(value)
    elif type(value) not in (int, float):
        raise WrongType(value)
    if type(number) is not int or not 0 <= number < 2**63:
        raise NotUnderstood(value)
    return number


def size(value: Any) -> int | None:
    """Bytes, from a number or a text with a unit; kB is 1000 and KiB is 1024 (IEC 80000-13)."""
    if type(value) is not str:
        return integer(value)
    cleaned = text(value)
    if cleaned is None:
        return None
    match = _SIZE.fullmatch(cleaned)
    factor = match and _BYTES.get(match[2].lower())
    if match is None or factor is None or len(match[1]) > 15:
        raise NotUnderstood(value)
    return round(float(match[1].replace(",", "")) * factor)


def email(value: Any) -> str | None:
    """An e-mail address without ``mailto:``; of several the first."""
    cleaned = text(value)
    if cleaned is None:
        return None
    match = _EMAIL.search(cleaned.removeprefix("mailto:"))
    if match is None:
        raise NotUnderstood(value)
    return match[0]


def phone(value: Any) -> str | None:
    """A telephone number as it is written, without ``tel:``."""
    cleaned = code(value)
    return None if cleaned is None else cleaned.removeprefix("tel:")


def address(value: Any) -> str | None:
    """An http(s) address, what is not ASCII percent-encoded; any other is unusable."""
    if type(value) is not str:
        raise WrongType(value)
    return _address(value)


# Small, because it is only for the address that stands in one record several times.
@lru_cache(maxsize=64)
def _address(value: str) -> str | None:
    cleaned = text(value)
    if cleaned is None or _PLAIN_ADDRESS.fullmatch(cleaned):
        return cleaned
    try:
        parts = urlsplit(cleaned)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError as error:
        raise AddressUnusable(value) from error
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or re.search(r"[\s\\]", parts.netloc):
        raise AddressUnusable(value)
    host = f"[{host}]" if ":" in host else host
    rest = cleaned.split("://", 1)[1][len(parts.netloc):]
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{_encoded(rest)}"


def _encoded(rest: str) -> str:
    # A percent sign that starts no escape is itself escaped, so that encoding twice is encoding once.
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", rest), safe="%/:=&?~#+!$,;'@()*-._")


def link(value: Any) -> str | None:
    """An http(s) address where a text stands as often: anything else says nothing."""
    try:
        return address(value)
    except AddressUnusable:
        return None


def page(value: Any, before: str) -> str | None:
    """The address of a record's page at a portal that builds it from the record's short name."""
    name = code(value)
    return None if name is None else before + quote(name, safe="")


def media_type(value: Any) -> str | None:
    """A type of RFC 6838, without parameters, also as its address in the registry."""
    if type(value) is not str:
        raise WrongType(value)
    return _media_type(value)


@lru_cache(maxsize=1024)
def _media_type(value: str) -> str | None:
    cleaned = text(value)
    if cleaned is None:
        return None
    match = _MEDIA_TYPE.fullmatch(_MEDIA_TYPE_REGISTRY.sub("", cleaned))
    if match is None:
        raise NotUnderstood(value)
    return match[1].lower()


def type_like(value: Any) -> str | None:
    """A media type where the name of a format stands as often: anything else says nothing."""
    try:
        return media_type(value)
    except NotUnderstood:
        return None


def local_name(value: Any) -> str | None:
    """A code in lower case; of an address in one of the EU's lists its last part."""
    cleaned = code(value)
    return None if cleaned is None else cleaned.rstrip("/").rpartition("/")[2].lower()


def checksum(value: Any) -> str | None:
    """``algorithm:hexadecimal`` from an object that says both; without its algorithm a digest says nothing."""
    if type(value) is not dict:
        raise WrongType(value)
    digest = text(value.get("hash") or value.get("checksumValue") or "")
    algorithm = text(value.get("hash_algorithm") or value.get("algorithm") or "")
    if digest is None or algorithm is None:
        return None
    name = re.split(r"[/#_]", algorithm)[-1].lower().replace("-", "")
    if not re.fullmatch(r"[0-9A-Fa-f]{8,128}", digest):
        raise NotUnderstood(digest)
    return f"{name}:{digest.lower()}"


def spdx_checksum(value: Any) -> str | None:
    """``algorithm:hexadecimal`` from the node of an RDF distribution's checksum."""
    if type(value) is not dict:
        raise WrongType(value)
    digests, algorithms = value.get("spdx:checksumValue") or [{}], value.get("spdx:algorithm") or [{}]
    algorithm = algorithms[0].get("@id") or algorithms[0].get("@value")
    return checksum({"checksumValue": digests[0].get("@value"), "algorithm": algorithm})


def ckan_file_url(value: Any) -> str | None:
    """The ``url`` of a CKAN resource that is a file: uploaded, said to be one, or with another address for access."""
    if type(value) is not dict:
        raise WrongType(value)
    is_file = value.get("url_type") == "upload" or value.get("resource_type") in ("file", "file.upload")
    has_access = bool(value.get("access_url") or value.get("accessURL"))
    return link(value["url"]) if value.get("url") and (is_file or has_access) else None


def distribution_kind(value: Any) -> DistributionKind | None:
    """How a distribution is reached, where the portal's word for it is one we know."""
    cleaned = text(value)
    return None if cleaned is None else _KINDS.get(cleaned.lower())


def dcat_licence(value: Any) -> str | None:
    """The licence of the node of an RDF dataset or distribution.

    A dataset that names none has the first known one of its distributions; one that names an unknown one has that.
    """
    if type(value) is not dict:
        raise WrongType(value)
    own = _licences(value)
    said = own or [word for each in items(value.get("dcat:distribution") or []) for word in _licences(each)]
    resolve = schemas.vocabulary("licences").resolve
    return next((licence for word in said if (licence := resolve(word)) is not None), None)


def _licences(node: Any) -> list[str]:
    """Each address and each name that a node gives for its licence, or for its rights."""
    named = [each for key in ("dct:license", "dct:rights") for each in items(node.get(key) or []) if type(each) is dict]
    words = [each.get(key) for each in named for key in ("@id", "@value")]
    for key in ("dct:title", "rdfs:label", "skos:prefLabel", "owl:sameAs", "skos:exactMatch"):
        words += [each.get("@id") or each.get("@value") for name in named for each in name.get(key) or []]
    return [word for word in words if type(word) is str and word.strip()]


def dcat_kind(value: Any) -> DistributionKind | None:
    """How the node of an RDF distribution is reached: through a service, as a file; else it does not say."""
    if type(value) is not dict:
        raise WrongType(value)
    if "dcat:accessService" in value:
        return DistributionKind.API
    return DistributionKind.FILE if "dcat:downloadURL" in value else None


def record_type(value: Any) -> RecordType | None:
    """Dataset, service or series, from a class name such as ``dcat:DataService`` or its address.

    Of several class names the narrowest: in DCAT 3 a series is a dataset too.
    """
    if type(value) is list:
        found = {record_type(each) for each in value}
        narrowest = (RecordType.SERIES, RecordType.SERVICE, RecordType.DATASET)
        return next((kind for kind in narrowest if kind in found), None)
    cleaned = text(value)
    return None if cleaned is None else _RECORD_TYPES.get(re.split(r"[:/#]", cleaned)[-1].lower())


def _term(vocabulary: str, setting: Setting) -> Cleaner:
    resolve = schemas.vocabulary(vocabulary).resolve

    # The same few spellings come by the hundred thousand, and folding one costs more than all the rest of a field.
    @lru_cache(maxsize=4096)
    def known(value: str | int | float) -> str | None:
        cleaned = code(value)
        return None if cleaned is None else resolve(cleaned)

    def term(value: Any) -> str | None:
        if type(value) not in (str, int, float):
            raise WrongType(value)
        return known(value)

    return term


def _instant(zone: str, setting: Setting) -> Cleaner:
    return partial(instant, zone=UTC if zone == "UTC" else ZoneInfo(zone) if zone else setting.zone)


def _in_language(stem: str, setting: Setting) -> Cleaner:
    clean = PLAIN[stem or "text"]

    def words(value: Any) -> Any:
        said = language_map(value, clean=clean)
        return said and in_language(said, setting.language)

    return words


def _page(path: str, setting: Setting) -> Cleaner:
    return partial(page, before=f"{setting.url.rstrip('/')}/{path}")


PLAIN: Mapping[str, Cleaner] = {
    "address": address,
    "checksum": checksum,
    "ckan_file_url": ckan_file_url,
    "code": code,
    "column_names": column_names,
    "date": date,
    "dcat_kind": dcat_kind,
    "dcat_licence": dcat_licence,
    "distribution_kind": distribution_kind,
    "email": email,
    "geometry": geometry,
    "integer": integer,
    "interval": interval,
    "keywords": keywords,
    "keywords_by_language": partial(language_map, clean=_keyword_tuple),
    "link": link,
    "local_name": local_name,
    "media_type": media_type,
    "phone": phone,
    "place": place,
    "plain_text": plain_text,
    "record_type": record_type,
    "shape": shape,
    "size": size,
    "spdx_checksum": spdx_checksum,
    "text": text,
    "text_by_language": language_map,
    "title_by_language": partial(language_map, clean=plain_text),
    "type_like": type_like,
}
"""The cleaners that need nothing but the value."""

MADE: Mapping[str, Callable[[str, Setting], Cleaner]] = {
    "in_language": _in_language,
    "instant": _instant,
    "page": _page,
    "term": _term,
}
"""The cleaners made for an argument (``term:formats``, ``instant:UTC``, ``page:dataset/``) and a portal."""


def cleaner(name: str, setting: Setting) -> Cleaner:
    """The cleaner a crosswalk names; KeyError when there is none of that name."""
    stem, _, argument = name.partition(":")
    return MADE[stem](argument, setting) if stem in MADE else PLAIN[stem]
