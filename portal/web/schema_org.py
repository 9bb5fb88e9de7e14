"""A dataset in the words of schema.org, as search engines read it from the dataset's page."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from markupsafe import Markup

from portal.catalog.model import Column, Contact, Dataset, Distribution, Entry, Period, Place
from portal.web.documents import dataset_address, publisher_address
from portal.web.iris import web_iri
from portal.web.prose import plain
from schemas import vocabulary

LONGEST_DESCRIPTION = 5000
"""Characters; what Google takes at most."""

MOST_COLUMNS = 100
MOST_DISTRIBUTIONS = 100

# Inside a script element the parser looks for "<" only, old ones for line separators too; JSON may escape them all.
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def script(entry: Entry, base: str) -> Markup:
    """The description as the content of a ``script`` element of type ``application/ld+json``."""
    return Markup(json.dumps(dataset(entry, base), ensure_ascii=False).translate(_ESCAPED))


def dataset(entry: Entry, base: str) -> dict[str, Any]:
    """The description at the portal whose addresses begin with ``base``; only what the portal of origin said.

    ``isBasedOn`` and ``sameAs`` lead to the origin, so that it keeps the credit.
    """
    shown = entry.dataset
    address = dataset_address(base, shown.id)
    said = shown.description or next(iter(shown.descriptions.values()), None)
    origin = web_iri(shown.landing_page) or web_iri(shown.source_key)
    changed = shown.data_modified or shown.modified
    return _given(
        {
            "@context": "https://schema.org/",
            "@type": "Dataset",
            "@id": address,
            "url": address,
            "name": shown.title,
            "alternateName": [title for title in shown.titles.values() if title != shown.title],
            "description": plain(said)[:LONGEST_DESCRIPTION] if said else None,
            "identifier": list(shown.identifiers),
            "keywords": list(shown.keywords),
            "version": shown.version,
            "inLanguage": list(shown.languages),
            "license": _licence(shown.licence, shown.licence_url, shown.licence_raw),
            "conditionsOfAccess": shown.openness_condition,
            "creator": _organisation(shown.creator) if shown.creator else _publisher(shown, base),
            "publisher": _publisher(shown, base),
            "datePublished": _moment(shown.issued),
            "dateModified": _moment(changed),
            "temporalCoverage": [covered for period in shown.periods if (covered := _period(period))],
            "spatialCoverage": [_place(place) for place in shown.places if place.name or place.uri],
            "variableMeasured": [
                _column(column) for column in shown.columns[:MOST_COLUMNS]
            ],
            "distribution": [
                found for one in shown.distributions[:MOST_DISTRIBUTIONS] if (found := _download(one)) is not None
            ],
            "sameAs": origin,
            "isBasedOn": origin,
            "includedInDataCatalog": {"@type": "DataCatalog", "name": "纳川 Nachuan", "url": f"{base}/"},
            "sdDatePublished": _moment(entry.changed),
        }
    )


def _given(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None and value != []}


def _publisher(shown: Dataset, base: str) -> dict[str, Any] | None:
    if shown.publisher is None:
        return None
    organisation = _organisation(shown.publisher.name)
    organisation["@id"] = publisher_address(base, shown.publisher.id)
    contact = shown.contact and _contact(shown.contact)
    return organisation | ({"contactPoint": contact} if contact else {})


def _organisation(name: str) -> dict[str, Any]:
    return {"@type": "Organization", "name": name}


def _contact(contact: Contact) -> dict[str, Any] | None:
    ways = {"email": contact.email, "telephone": contact.phone, "url": web_iri(contact.url)}
    said = _given({"name": contact.name} | ways)
    return {"@type": "ContactPoint"} | said if said else None


def _column(column: Column) -> dict[str, Any]:
    said = {"name": column.title or column.name, "description": column.description}
    return _given({"@type": "PropertyValue"} | said)


def _licence(code: str | None, url: str | None, raw: str | None) -> str | None:
    term = None if code is None else vocabulary("licences").terms.get(code)
    return (term.attributes.get("url") or term.uri if term else None) or web_iri(url) or web_iri(raw)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _period(period: Period) -> str | None:
    if period.start is None and period.end is None:
        return None
    return f"{period.start or '..'}/{period.end or '..'}"


def _place(place: Place) -> dict[str, Any]:
    return _given({"@type": "Place", "name": place.name, "sameAs": web_iri(place.uri)})


def _download(said: Distribution) -> dict[str, Any] | None:
    """None for a distribution without an address: schema.org asks for one."""
    address = web_iri(said.download_url) or web_iri(said.access_url)
    if address is None:
        return None
    term = None if said.format is None else vocabulary("formats").terms.get(said.format)
    return _given(
        {
            "@type": "DataDownload",
            "name": said.title,
            "contentUrl": address,
            "encodingFormat": said.media_type or (term.en if term else said.format_raw),
            "contentSize": None if said.size_bytes is None else f"{said.size_bytes} B",
            "dateModified": _moment(said.modified),
        }
    )
