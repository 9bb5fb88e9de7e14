"""The catalogue as data.json, DCAT-US 1.1: entries in, pieces of one JSON document out, in constant memory.

What stands there is valid by the schema that data.gov publishes. What a portal did not say is not there, also where the
schema requires it: nothing is made up so that a record passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TypeAlias
from urllib.parse import quote

from portal.catalog.model import Contact, Dataset, Distribution, Entry, Publisher
from portal.web.documents import dataset_address
from portal.web.iris import iri, mail_iri, web_iri
from schemas import vocabulary

_SCHEMA = "https://project-open-data.cio.gov/v1.1/schema"

_Member: TypeAlias = dict[str, Any]

LAYOUT = 1
"""Raised whenever this module says other things of the same dataset."""

LONGEST_DESCRIPTION = 10_000
LONGEST_RIGHTS = 255
LONGEST_KEYWORD = 1000
MOST_KEYWORDS = 1000
"""What the schema allows."""

ACCESS_LEVELS = {
    "unconditional": "public",
    "open-unqualified": "public",
    "registration": "restricted public",
    "conditional": "restricted public",
    "denied": "non-public",
}
"""A code of ``openness`` as DCAT-US has it: whoever must sign in or apply meets a restriction."""

_MEDIA_TYPE = re.compile(r"[-\w]+/[-\w]+(\.[-\w]+)*([+][-\w]+)?", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")
_EMAIL = re.compile(r"mailto:[\w~!$&'()*+,;=:.-]+@[\w.-]+\.[\w.-]+", re.ASCII)
_DAY = re.compile(
    r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_REPETITION = re.compile(r"R/P(?:\d+(?:\.\d+)?[YMWD])*(?:T(?:\d+(?:\.\d+)?[HMS])*)?")

# What RFC 3986 lets stand; what else an address holds is percent-encoded, for the schema asks for URIs, not IRIs.
_URI_CHARACTERS = ":/?#[]@!$&'()*+,;=%-._~"


def chunks(entries: Iterable[Entry], base: str) -> Iterator[str]:
    """The document, piece by piece: its head, a record at a time, its end."""
    head = json.dumps(
        {
            "@context": f"{_SCHEMA}/catalog.jsonld",
            "@id": f"{base}/data.json",
            "@type": "dcat:Catalog",
            "conformsTo": _SCHEMA,
            "describedBy": f"{_SCHEMA}/catalog.json",
        }
    )
    yield head.removesuffix("}") + ', "dataset": ['
    before = "\n"
    for entry in entries:
        yield before + json.dumps(record(entry.dataset, base), ensure_ascii=False)
        before = ",\n"
    yield "\n]}\n"


def record(dataset: Dataset, base: str) -> _Member:
    """A dataset; only members that are known."""
    return _known({
        "@type": "dcat:Dataset",
        "identifier": dataset_address(base, dataset.id),
        "title": dataset.title,
        "description": _cut(dataset.description, LONGEST_DESCRIPTION),
        "keyword": [word for word in dataset.keywords if 0 < len(word) <= LONGEST_KEYWORD][:MOST_KEYWORDS],
        "modified": dataset.modified and dataset.modified.isoformat(timespec="seconds"),
        "issued": dataset.issued and dataset.issued.isoformat(timespec="seconds"),
        "publisher": dataset.publisher and _publisher(dataset.publisher),
        "contactPoint": dataset.contact and _contact(dataset.contact),
        "accessLevel": ACCESS_LEVELS.get(dataset.openness or ""),
        "rights": _cut(dataset.openness_condition or dataset.rights, LONGEST_RIGHTS),
        "license": _licence(dataset),
        "accrualPeriodicity": _repetition(dataset.frequency),
        "language": [one for one in dataset.languages if _LANGUAGE.fullmatch(one)],
        "theme": _themes(dataset),
        "spatial": _spatial(dataset),
        "temporal": _temporal(dataset),
        "landingPage": _uri(dataset.landing_page, web_iri),
        "conformsTo": next(filter(None, (_uri(one, iri) for one in dataset.conforms_to)), None),
        "references": list(dict.fromkeys(found for one in dataset.related if (found := _uri(one, web_iri)))),
        "distribution": list(filter(None, map(_distribution, dataset.distributions))),
    })


def _known(members: _Member) -> _Member:
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def _cut(text: str | None, most: int) -> str | None:
    """A text no longer than the schema allows; where it was, it ends with an ellipsis."""
    return text if text is None or len(text) <= most else f"{text[:most - 1]}…"


def _themes(dataset: Dataset) -> list[str]:
    """The national themes by their Chinese names, and the portal's own words."""
    names = (vocabulary("themes").label(one, "zh") for one in dataset.themes)
    return list(dict.fromkeys((*names, *dataset.themes_raw)))


def _publisher(publisher: Publisher) -> _Member:
    found: _Member = {"@type": "org:Organization", "name": publisher.name}
    if publisher.parent_name is None:
        return found
    return {**found, "subOrganizationOf": {"@type": "org:Organization", "name": publisher.parent_name}}


def _contact(contact: Contact) -> _Member | None:
    email = contact.email and mail_iri(contact.email)
    found = _known({"fn": contact.name, "hasEmail": email if email and _EMAIL.fullmatch(email) else None})
    return {"@type": "vcard:Contact", **found} if found else None


def _licence(dataset: Dataset) -> str | None:
    """The address of the dataset's licence; where it says none, of the one that all of its distributions have."""
    if dataset.licence_url is not None:
        return _uri(dataset.licence_url, iri)
    if dataset.licence is not None:
        return _licence_address(dataset.licence)
    several = {one.licence for one in dataset.distributions}
    only = several.pop() if len(several) == 1 else None
    return None if only is None else _licence_address(only)


def _licence_address(code: str) -> str | None:
    term = vocabulary("licences").terms.get(code)
    return None if term is None else _uri(term.attributes.get("url") or term.uri, iri)


@cache
def _repetition(code: str | None) -> str | None:
    """A frequency as a repeating interval of ISO 8601, as the vocabulary has it; None where it has none."""
    term = vocabulary("frequencies").terms.get(code or "")
    if term is None:
        return None
    return "irregular" if code == "irregular" else next(filter(_REPETITION.fullmatch, term.aliases), None)


def _spatial(dataset: Dataset) -> str | None:
    """The first place that the record names; else its region, where the record itself says it."""
    named = next((one.name for one in dataset.places if one.name), None)
    if named is not None:
        return named
    if dataset.region is None or dataset.region_inferred_from is not None:
        return None
    return vocabulary("regions").label(dataset.region, "zh")


def _temporal(dataset: Dataset) -> str | None:
    """The first time span with both ends: DCAT-US knows no open one."""
    return next(
        (
            f"{one.start}/{one.end}"
            for one in dataset.periods
            if one.start and one.end and _DAY.fullmatch(one.start) and _DAY.fullmatch(one.end)
        ),
        None,
    )


def _distribution(distribution: Distribution) -> _Member | None:
    term = vocabulary("formats").terms.get(distribution.format or "")
    media_type = distribution.media_type or (None if term is None else term.attributes.get("media_type"))
    if media_type is not None and not _MEDIA_TYPE.fullmatch(media_type):
        media_type = None
    download, access = _uri(distribution.download_url, web_iri), _uri(distribution.access_url, web_iri)
    if media_type is None:
        # The schema allows a download only with its media type, and we know none: the address is still where to get it.
        access, download = access or download, None
    found = _known({
        "title": distribution.title,
        "description": _cut(distribution.description, LONGEST_DESCRIPTION),
        "downloadURL": download,
        "mediaType": media_type,
        "accessURL": access,
        "format": distribution.format_raw if term is None else term.en,
        "conformsTo": next(filter(None, (_uri(one, iri) for one in distribution.conforms_to)), None),
    })
    return {"@type": "dcat:Distribution", **found} if found else None


def _uri(text: str | None, way: Callable[[str | None], str | None]) -> str | None:
    found = way(text)
    return None if found is None else quote(found, safe=_URI_CHARACTERS)
