"""One value of a portal in, one value of the catalogue out: the cleaners that crosswalks name.

A cleaner answers None when nothing is said, and raises ``NotUnderstood`` when something is said that it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

import schemas
from harvester import regions
from harvester.addresses import address, email, link, page, phone
from harvester.geometry import NoGeometry
from harvester.geometry import geometry as read_geometry
from harvester.instants import instant as read_instant
from harvester.instants import iso_date, western
from harvester.texts import (
    Cleaner,
    NotUnderstood,
    WrongType,
    code,
    decoded,
    in_language,
    items,
    keyword_tuple,
    keywords,
    language_map,
    local_name,
    plain_text,
    text,
)
from portal.catalog.model import DistributionKind, Period, Place, RecordType


class Setting(Struct, frozen=True):
    """What a cleaner may know about the portal."""

    zone: tzinfo = ZoneInfo("Asia/Shanghai")
    url: str = ""
    region: str | None = None
    """Where a name of a region is looked for first."""
    language: str | None = None
    """The language to show of several."""
    codes: Mapping[str, Mapping[str, str]] = {}
    """By vocabulary: the portal's own codes, folded, and the terms they stand for there."""


TAIWAN = "710000"
"""Its portals write years of the Republic's calendar."""

_NUMBER = re.compile(r"(\d+(?:[,，]\d{3})*(?:\.\d+)?)\s*([万萬亿億]?)\s*[条條行次]?")
_SCALE = {"": 1, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_SIZE = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)\s*([^\W\d]*)")
_MEDIA_TYPE = re.compile(r"([A-Za-z]+/[A-Za-z0-9][\w.+-]*)\s*(?:;.*)?")
_MEDIA_TYPE_REGISTRY = re.compile(r"https?://(?:www\.)?iana\.org/assignments/media-types/", re.IGNORECASE)
_ADDED = re.compile(r"\s*[(（].*[)）]?$", re.DOTALL)
_WITH_ADDITIONS = frozenset(("frequencies", "themes"))
_TAIL = re.compile(r"(?:服务|领域|主题|信息|类)$")
_TIMES = str.maketrans({"1": "一", "2": "两", "3": "三"})
_COUNTED_TIMES = re.compile(r"[123](?=次)")
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
    shape = decoded(value) if type(value) is str else value
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


def as_stated(value: Any) -> Any:
    """What stands at a property of RDF, whatever it is: the text of a literal, a bare address, else the node."""
    if type(value) is not dict:
        raise WrongType(value)
    if "@value" in value:
        return text(value["@value"])
    return value["@id"] if value.keys() == {"@id"} else value


def place(value: Any) -> Place | None:
    """A GeoJSON geometry, an address in a gazetteer, or a name."""
    if type(value) is dict or (type(value) is str and value.lstrip().startswith("{")):
        return Place(geometry=geometry(value))
    cleaned = code(value)
    if cleaned is None:
        return None
    return Place(uri=cleaned) if cleaned.startswith(("http://", "https://")) else Place(name=cleaned)


def integer(value: Any) -> int | None:
    """A count: ``425,829``, ``1200条``, ``12323.0`` and ``1.2万`` are understood, a fraction or a negative number is not."""
    number = value
    if type(value) is str:
        cleaned = text(value)
        if cleaned is None:
            return None
        match = _NUMBER.fullmatch(cleaned)
        if match is None or len(cleaned) > 30:
            raise NotUnderstood(value)
        counted = Decimal(re.sub("[,，]", "", match[1])) * _SCALE[match[2]]
        if counted % 1:
            raise NotUnderstood(value)
        number = int(counted)
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
    own = setting.codes.get(vocabulary, {})

    # The same few spellings come by the hundred thousand, and folding one costs more than all the rest of a field.
    @lru_cache(maxsize=4096)
    def known(value: str | int | float) -> str | None:
        cleaned = code(value)
        if cleaned is None:
            return None
        found = own.get(schemas.fold(cleaned)) or resolve(cleaned)
        return found or next(filter(None, map(resolve, _other_forms(cleaned, vocabulary))), None)

    def term(value: Any) -> str | None:
        if type(value) not in (str, int, float):
            raise WrongType(value)
        return known(value)

    return term


def _other_forms(word: str, vocabulary: str) -> Iterator[str]:
    """What a word that is no term may be a term with something added of: 不定期(更新说明:…), 农业服务, 每年 1 次."""
    if vocabulary in _WITH_ADDITIONS:
        yield _ADDED.sub("", word)
    if vocabulary == "themes":
        yield _TAIL.sub("", word)
    if vocabulary == "frequencies" and not word.isascii():
        bare = "".join(word.split())
        yield bare
        yield _COUNTED_TIMES.sub(lambda digit: digit[0].translate(_TIMES), bare)


def _region(argument: str, setting: Setting) -> Cleaner:
    resolve = schemas.vocabulary("regions").resolve

    @lru_cache(maxsize=4096)
    def known(cleaned: str) -> str | None:
        return regions.stated(cleaned, setting.region) or resolve(cleaned)

    def region(value: Any) -> str | None:
        cleaned = code(value)
        found = None if cleaned is None else known(cleaned)
        if cleaned is not None and found is None:
            raise NotUnderstood(value)
        return found

    return region


def _instant(zone: str, setting: Setting) -> Cleaner:
    named = UTC if zone == "UTC" else ZoneInfo(zone) if zone else setting.zone
    return _in_its_calendar(partial(instant, zone=named), setting)


def _date(_: str, setting: Setting) -> Cleaner:
    return _in_its_calendar(date, setting)


def _in_its_calendar(clean: Cleaner, setting: Setting) -> Cleaner:
    """A reader of dates that takes those of a portal of Taiwan for dates of its calendar where they look like it."""
    if not regions.is_in(setting.region, TAIWAN):
        return clean

    def read(value: Any) -> Any:
        if type(value) not in (str, int):
            return clean(value)
        try:
            return clean(western(str(value).strip()))
        except NotUnderstood as trouble:
            raise NotUnderstood(value) from trouble

    return read


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
    "as_stated": as_stated,
    "checksum": checksum,
    "ckan_file_url": ckan_file_url,
    "code": code,
    "dcat_kind": dcat_kind,
    "dcat_licence": dcat_licence,
    "distribution_kind": distribution_kind,
    "email": email,
    "geometry": geometry,
    "integer": integer,
    "interval": interval,
    "keywords": keywords,
    "keywords_by_language": partial(language_map, clean=keyword_tuple),
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
    "date": _date,
    "in_language": _in_language,
    "instant": _instant,
    "page": _page,
    "region": _region,
    "term": _term,
}
"""The cleaners made for an argument (``term:formats``, ``instant:UTC``, ``page:dataset/``) and a portal."""


def cleaner(name: str, setting: Setting) -> Cleaner:
    """The cleaner a crosswalk names; KeyError when there is none of that name."""
    stem, _, argument = name.partition(":")
    return MADE[stem](argument, setting) if stem in MADE else PLAIN[stem]
