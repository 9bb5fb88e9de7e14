"""The cleaners for what DCAT writes as JSON objects: places, periods, concepts, references, pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from harvester import addresses, cleaners, texts
from harvester.addresses import AddressUnusable
from harvester.cleaners import Setting
from harvester.geometry import NoGeometry, geometry
from harvester.texts import Cleaner, NotUnderstood, WrongType
from portal.catalog.model import DistributionKind, Period, Place, RecordType

_REPETITION = re.compile(r"R\d*/P.*", re.IGNORECASE)
_DURATION = re.compile(r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T.*)?")
_LOCAL = re.compile(r"[:/#]")


def places(value: Any) -> tuple[Place, ...] | None:
    """Every place a dataset covers: boxes and shapes however they are written, addresses, names."""
    return _each(_place, value)


def _place(value: Any) -> Place | None:
    try:
        drawn = geometry(value)
        if drawn is not None:
            return Place(geometry=drawn)
        if type(value) is dict:
            return _location(value)
    except NoGeometry as error:
        raise NotUnderstood(value) from error
    if type(value) is str and value.lstrip().startswith(("[", "{")):
        # A list or object written as text that draws nothing is no name either.
        raise NotUnderstood(value)
    said = texts.code(value)
    return None if said is None else cleaners.place(said)


def _location(value: Mapping[str, Any]) -> Place | None:
    """A DCAT location; the exact geometry goes before the box, the box before the centre."""
    name = next((value[key] for key in ("prefLabel", "name", "altLabel") if value.get(key)), None)
    drawn = next((value[key] for key in ("geometry", "bbox", "centroid") if value.get(key)), None)
    uri = value.get("@id")
    if name is None and drawn is None and uri is None:
        raise NotUnderstood(value)
    shape = None if drawn is None else geometry(drawn)
    if drawn is not None and shape is None:
        raise NotUnderstood(drawn)
    return Place(name=name and texts.code(name), uri=uri and addresses.link(uri), geometry=shape)


def periods(value: Any) -> tuple[Period, ...] | None:
    """Every time span a dataset covers: ISO intervals (``start/end``, ``start/P1Y``) or objects with both ends."""
    return _each(_period, value)


def _period(value: Any) -> Period | None:
    if type(value) is not dict:
        said = texts.code(value)
        first, _, duration = (said or "").partition("/")
        if duration.startswith("P"):
            return Period(start=cleaners.date(first), end=_after(first, duration))
        return None if said is None else cleaners.interval(said)
    bounds = [
        next((value[key] for key in keys if value.get(key) is not None), None)
        for keys in (("startDate", "start"), ("endDate", "end"))
    ]
    start, end = (None if bound is None else cleaners.date(bound) for bound in bounds)
    return Period(start=start, end=end) if start or end else None


def _after(start: str, duration: str) -> str | None:
    """The day a span of years, months, weeks or days ends; None when it is shorter than a day."""
    match = _DURATION.fullmatch(duration)
    day = cleaners.date(start)
    if match is None or day is None:
        raise NotUnderstood(f"{start}/{duration}")
    years, months, weeks, days = (int(count or 0) for count in match.groups())
    if not any((years, months, weeks, days)):
        return None
    first = date.fromisoformat(day[:10] if len(day) >= 10 else f"{day}-01-01"[:10])
    month = first.month - 1 + months
    try:
        moved = first.replace(year=first.year + years + month // 12, month=month % 12 + 1, day=1)
        return (moved + timedelta(days=first.day - 1 + days + weeks * 7)).isoformat()
    except (ValueError, OverflowError) as error:
        raise NotUnderstood(f"{start}/{duration}") from error


def _each(clean: Callable[[Any], Any], value: Any) -> tuple[Any, ...] | None:
    values: Iterable[Any] = value if type(value) is list else (value,)
    found = [clean(each) for each in values if each is not None]
    return tuple(each for each in found if each is not None) or None


def concept(value: Any) -> str | None:
    """The words of a concept: a text, or of an object its label, its notation or its address."""
    if type(value) is dict:
        for key in ("prefLabel", "notation", "@id", "label", "name"):
            if value.get(key):
                return texts.code(value[key][0] if type(value[key]) is list else value[key])
        raise NotUnderstood(value)
    return texts.plain_text(value)


def reference(value: Any) -> str | None:
    """What another entry or thing is known by: a text, or of an object its identifier, address or title."""
    if type(value) is dict:
        for key in ("identifier", "@id", "accessURL", "downloadURL", "title"):
            if value.get(key):
                return reference(value[key])
        raise NotUnderstood(value)
    return texts.code(value)


def notation(value: Any) -> str | None:
    """The notation of an identifier's object; a plain identifier has none."""
    said = value.get("notation") if type(value) is dict else None
    return None if said is None else texts.code(said)


def reference_link(value: Any) -> str | None:
    """The address something is known by; whatever else it is known by says nothing."""
    return addresses.link(reference(value) or "")


def web_page(value: Any) -> str | None:
    """The address of a page, from a text or a document's object."""
    if type(value) is dict:
        value = next((value[key] for key in ("accessURL", "@id", "url") if value.get(key)), value)
    try:
        return addresses.address(value)
    except AddressUnusable as error:
        raise NotUnderstood(value) from error


def repetition(value: Any) -> str | None:
    """A repeating interval (``R/P1Y``), which some write where a date of change should stand."""
    said = texts.code(value)
    return said if said is not None and _REPETITION.fullmatch(said) else None


def distribution_way(value: Any) -> DistributionKind | None:
    """How a distribution is reached, told by what it has: DCAT keeps ``downloadURL`` for files."""
    if type(value) is not dict:
        raise WrongType(value)
    if value.get("accessService") or str(value.get("format", "")).upper() == "API":
        return DistributionKind.API
    return DistributionKind.FILE if value.get("downloadURL") else None


def service_endpoint(value: Any) -> RecordType | None:
    """A service, told by the address it answers at: an entry of a list of services often lacks its class."""
    return RecordType.SERVICE if value else None


def _concept(vocabulary: str, setting: Setting) -> Cleaner:
    if not vocabulary:
        return concept
    term = cleaners.cleaner(f"term:{vocabulary}", setting)

    def known(value: Any) -> str | None:
        said = concept(value)
        by_address = value.get("@id") if type(value) is dict else None
        return (by_address and term(by_address)) or (said and term(said)) or None

    return known


def _listed_term(vocabulary: str, setting: Setting) -> Cleaner:
    term = cleaners.cleaner(f"term:{vocabulary}", setting)

    def listed(value: Any) -> str | None:
        known: str | None = term(value)
        if known is None and texts.code(value) is not None:
            raise NotUnderstood(value)
        return known

    return listed


def _local_term(vocabulary: str, setting: Setting) -> Cleaner:
    term = cleaners.cleaner(f"term:{vocabulary}", setting)

    def known(value: Any) -> str | None:
        said = texts.code(value)
        return None if said is None else term(_LOCAL.split(said)[-1])

    return known


def _last_change(zone: str, setting: Setting) -> Cleaner:
    instant = cleaners.cleaner(f"instant:{zone}", setting)

    def moment(value: Any) -> Any:
        return None if type(value) is str and repetition(value) else instant(value)

    return moment


def _access_level(_: str, setting: Setting) -> Cleaner:
    term = cleaners.cleaner("term:openness", setting)

    def level(value: Any) -> str | None:
        # DCAT-US calls public what "is or could be made" available, whether it has been or not: no openness.
        said = texts.text(value)
        return None if said is None or said.lower() == "public" else term(said)

    return level


PLAIN: Mapping[str, Cleaner] = {
    "distribution_way": distribution_way,
    "notation": notation,
    "periods": periods,
    "places": places,
    "reference": reference,
    "reference_link": reference_link,
    "repetition": repetition,
    "service_endpoint": service_endpoint,
    "web_page": web_page,
}
MADE: Mapping[str, Callable[[str, Setting], Cleaner]] = {
    "access_level": _access_level,
    "concept": _concept,
    "last_change": _last_change,
    "listed_term": _listed_term,
    "local_term": _local_term,
}


def cleaner(name: str, setting: Setting) -> Cleaner:
    """The cleaner a crosswalk names, of these and of the common ones; KeyError when there is none."""
    stem, _, argument = name.partition(":")
    if stem in MADE:
        return MADE[stem](argument, setting)
    return PLAIN[stem] if stem in PLAIN else cleaners.cleaner(name, setting)
