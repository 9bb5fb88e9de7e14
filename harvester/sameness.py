"""Whether two entries of the catalogue are one dataset met twice, and why we think so; pure.

Two entries are compared only when they share a key: the same title (without place, time and form), cut to the same
time and area, of the same maker; or the same identifier or address. Precision comes first: where it is open who made
a dataset or of which place it is, nothing is linked. Method and figures: ``docs/appearances.md``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct

import schemas
from harvester import regions, titles
from portal.catalog.counting import Place
from portal.catalog.model import Dataset

REPEATED = "repeated"
IDENTIFIER = "identifier"
ADDRESS = "address"
DEPARTMENT = "department"
NAME = "name"
PLACE = "place"
AUTHORITY = "authority"

REASONS = (REPEATED, IDENTIFIER, ADDRESS, DEPARTMENT, NAME, PLACE)
"""Why two entries may be one dataset, in the order in which links are made: with ``AUTHORITY`` the codes of
``appearance_reasons`` that are not people's."""

LEAST_COLUMNS = 3
"""Fewer columns than this on either side say nothing."""
LEAST_SHARED = 0.3
"""Share of the columns of the shorter list that both must have."""
LEAST_CODE = 8
"""Characters of an identifier that is no address; shorter ones are numbers in a list."""
LEAST_TITLE = 6
"""Characters of a title that is believed although the publishers differ."""
MOST_ADDRESSES = 3

_GENERAL = frozenset(("data", "government-services"))
"""Functions of offices that publish what others of their place made."""
_SPOT = re.compile(r"([^市县]{2})[市县](?![场区])")
"""How a text outside the mainland begins with a place: 桃园市…."""
_CENTRAL = re.compile(r"行政院|国家|.{1,3}[部院](?!门)")
"""How the name of a body of the central government outside the mainland begins."""
_LEVEL = re.compile(r"省|市(?!场)|区(?!域)|县|州")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


class Key(Struct, frozen=True):
    """What two entries must share to be compared."""

    reason: str
    """What it says of them if nothing speaks against it."""
    digest: int
    """64 bits, signed."""


class Traits(Struct, frozen=True, kw_only=True):
    """What of a dataset tells whether it is the same as another."""

    id: str
    source_id: str
    source_region: str | None
    title: titles.Title
    area: str | None
    """The narrowest region that record, publisher and title name."""
    spot: str
    """Where no table knows the places: the one that title or publisher begin with."""
    is_placed: bool
    """Whether the title begins with the place it is of."""
    maker: str | None
    """The region of the body that made it, as far as its publisher's name says."""
    department: str | None
    publisher: str
    """Folded; empty for none."""
    office: str
    """The publisher without its places; empty for a bare place."""
    is_settled: bool
    """Whether the publisher's name leaves no doubt of which place it is."""
    is_general: bool
    """Whether the publisher also publishes what other bodies of its place made."""
    name: str
    """A second title that some portals give as the name, folded; empty for one made for addresses."""
    description: bytes
    """A digest; empty when there is none."""
    columns: frozenset[str]
    periods: tuple[str, ...]
    """What the record states besides its title."""
    issued: str
    """ISO 8601; ``9999`` when not said."""


def traits(dataset: Dataset, source_region: str | None) -> Traits:
    """What tells a dataset of a source of that region from others."""
    publisher = dataset.publisher
    name = None if publisher is None else publisher.name
    department = None if publisher is None else publisher.department
    functions = () if publisher is None else publisher.functions
    within = dataset.region or source_region
    title = titles.take_apart(dataset.title, within, name)
    area = title.place or within
    folded = "" if name is None else titles.fold(name)
    office = "" if name is None else titles.stem(name, within)
    by_name = dataset.region if dataset.region_inferred_from == "publisher" else source_region
    spot = None if _is_mainland(area) else _SPOT.match(title.core)
    of_publisher = None if _is_mainland(area) or spot else _SPOT.match(folded)
    return Traits(
        id=dataset.id,
        source_id=dataset.source_id,
        source_region=source_region,
        title=title,
        area=area,
        spot=spot[1] if spot else of_publisher[1] if of_publisher else "",
        is_placed=title.is_placed or spot is not None,
        maker=by_name if department is None else department.partition(".")[0],
        department=department,
        publisher=folded,
        office=office,
        is_settled=department is not None or _is_settled(folded, area),
        is_general=_is_general(folded, office, functions),
        name="" if dataset.name is None or dataset.name.isascii() else titles.fold(dataset.name),
        description=_digest(dataset.description),
        columns=frozenset(filter(None, (titles.fold(column.title or column.name) for column in dataset.columns))),
        periods=tuple(f"{period.start}/{period.end}" for period in dataset.periods),
        issued="9999" if dataset.issued is None else dataset.issued.isoformat(),
    )


def keys(dataset: Dataset, its: Traits) -> tuple[Key, ...]:
    """The keys under which the same dataset is looked for."""
    cut = f"{its.title.core}\0{its.title.period}"
    here = f"{cut}\0{its.area}"
    found = [_key(IDENTIFIER, text if is_address else f"{text}\0{cut}") for text, is_address in _identifiers(dataset)]
    found += [_key(ADDRESS, f"{url}\0{cut}") for url in _addresses(dataset)]
    if its.department is not None:
        found.append(_key(DEPARTMENT, f"{here}\0{its.department}"))
    if its.is_settled and its.publisher:
        found.append(_key(NAME, f"{here}\0{its.office if _is_mainland(its.area) else its.publisher}"))
    else:
        found.append(_key(REPEATED, f"{here}\0{its.source_id}\0{its.publisher}"))
    if len(its.title.core) >= LEAST_TITLE and _is_known(its.area) and (its.spot or _is_mainland(its.area)):
        found.append(_key(PLACE, f"{here}\0{its.spot}"))
    return tuple(dict.fromkeys(found))


def same(one: Traits, other: Traits, reason: str) -> str | None:
    """Why two entries that share a key of ``reason`` are one dataset; None when something speaks against it.

    The answer is the same whichever comes first.
    """
    if _differ(one.periods, other.periods) or not _share(one.columns, other.columns):
        return None
    if reason == PLACE:
        return _same_place(one, other)
    if one.source_id == other.source_id:
        return REPEATED if _is_repeated(one, other) else None
    if reason == REPEATED or _differ(one.department, other.department) or not _nest(one.area, other.area):
        return None
    return reason


def _same_place(one: Traits, other: Traits) -> str | None:
    """Why two entries of one title and place are one dataset, whoever publishes them; None when it is open.

    Two portals that use a title with its place in it mean the same; one portal does only where the one publisher
    speaks for the other.
    """
    if one.source_id != other.source_id:
        if one.is_placed and other.is_placed:
            return PLACE
        return AUTHORITY if _speaks_for(one, other) or _speaks_for(other, one) else None
    if one.title.whole != other.title.whole or one.name != other.name or _differ(one.description, other.description):
        return None
    return AUTHORITY if _speaks_for(one, other) or _speaks_for(other, one) else None


def place_in_family(its: Traits, functions: tuple[str, ...]) -> Place | None:
    """The series a dataset may belong to: the same subject of the same kind of office in one prefecture.

    None where nobody or nobody sure publishes it. A province's own datasets are series of the province; abroad a series
    is one publisher's in one portal.
    """
    office = functions[0] if functions else its.office or its.publisher
    if not office or not its.is_settled and _is_known(its.area):
        return None
    outer = _seat(its.area) if its.area is not None and _is_known(its.area) else its.source_id
    digest = hashlib.blake2b("\0".join((its.title.core, office, outer)).encode("utf-8", "surrogatepass"), digest_size=8)
    return Place(digest.hexdigest(), its.title.period, its.area or "")


def _seat(area: str) -> str:
    """The prefecture or municipality that a county or zone lies in; any other region itself."""
    above = schemas.region_ancestors(area)
    is_part = schemas.vocabulary("regions").terms[area].attributes["level"] in ("county", "zone")
    return above[1] if is_part and len(above) > 1 else area


def _is_repeated(one: Traits, other: Traits) -> bool:
    """Whether one portal lists the same thing twice: nothing that it says of the two tells them apart."""
    return (
        one.title.whole == other.title.whole
        and one.publisher == other.publisher
        and one.area == other.area
        and one.description == other.description
        and one.name == other.name
    )


def _speaks_for(one: Traits, other: Traits) -> bool:
    """Whether the publisher of one may stand for that of the other: an office for its parts, a place's government or
    data office for its offices, a central body for the office of the place that the title names."""
    if not (one.is_settled and other.is_settled and one.publisher and other.publisher):
        return False
    if other.publisher.startswith(one.publisher):
        return True
    if _is_mainland(one.area):
        return one.is_general and (one.source_id != other.source_id or one.is_placed)
    return one.is_placed and _CENTRAL.match(one.publisher) is not None and _CENTRAL.match(other.publisher) is None


def _differ(one: object, other: object) -> bool:
    return bool(one) and bool(other) and one != other


def _nest(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other or regions.is_in(one, other) or regions.is_in(other, one)


def _share(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer = min(len(one), len(other))
    # Names in Latin letters and in Chinese are two ways to write the same columns.
    if fewer < LEAST_COLUMNS or all(map(str.isascii, one)) != all(map(str.isascii, other)):
        return True
    return len(one & other) >= LEAST_SHARED * fewer


@lru_cache(maxsize=100_000)
def _is_settled(publisher: str, area: str | None) -> bool:
    """Whether a name that no table resolves to an authority still says of which place it is.

    「市司法局」 said by a province is of one of its cities. Outside the mainland only a name that begins with its place
    or its government says it.
    """
    if not publisher or not _is_known(area) or area is None:
        return False
    if not _is_mainland(area):
        return any(begins.match(publisher) for begins in (_SPOT, _CENTRAL)) or publisher.startswith("台湾")
    level = _LEVEL.match(publisher)
    return level is None or schemas.vocabulary("regions").terms[area].zh.endswith(level[0])


def _is_general(publisher: str, office: str, functions: tuple[str, ...]) -> bool:
    """Whether it is the government of a place (松潘县) or its data office."""
    return bool(publisher) and (not office or functions[:1] != () and functions[0] in _GENERAL)


def _is_known(area: str | None) -> bool:
    """Whether it is a part of China: elsewhere nobody knows of which place 「Department of Transport」 is."""
    return area is not None and area != schemas.COUNTRY and schemas.is_chinese(area)


def _is_mainland(area: str | None) -> bool:
    return area is not None and area[:2] not in regions.ELSEWHERE


def _key(reason: str, text: str) -> Key:
    digest = hashlib.blake2b(f"{reason}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Key(reason, int.from_bytes(digest, "big", signed=True))


def _identifiers(dataset: Dataset) -> Iterator[tuple[str, bool]]:
    """What the portal calls the dataset by elsewhere too, and whether it is an address, which nobody else gives away."""
    for text in (dataset.source_key, *dataset.identifiers):
        said = text.strip().casefold()
        if said.startswith(("http://", "https://")):
            if _leads_somewhere(said):
                yield said[said.index("://"):], True
        elif _UUID.fullmatch(said):
            yield said.replace("-", ""), False
        elif len(said) >= LEAST_CODE and text is not dataset.source_key:
            yield said, False


def _addresses(dataset: Dataset) -> Iterator[str]:
    urls = [one.download_url or one.access_url for one in dataset.distributions[:MOST_ADDRESSES]]
    for url in (*urls, dataset.landing_page):
        if url is not None and "://" in url and _leads_somewhere(url):
            yield url[url.index("://"):]


def _leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return len(parts.path) > 1 or bool(parts.query or parts.fragment)


def _digest(description: str | None) -> bytes:
    if description is None:
        return b""
    return hashlib.blake2b(titles.fold(description).encode("utf-8", "surrogatepass"), digest_size=8).digest()
