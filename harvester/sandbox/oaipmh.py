"""Answers as a university library's repository does: OAI-PMH 2.0, DataCite and Dublin Core, articles among the data."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from harvester.sandbox.exchange import Request, Response
from harvester.sandbox.inventing import Dataset
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.world import source_key
from harvester.sandbox.xml_text import element, text

PAGE_SIZE = 20
"""Records on a page, articles and deleted ones included; DSpace gives 100."""

OAI = "http://www.openarchives.org/OAI/2.0/"

FORMATS = {
    "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
    "datacite": "http://datacite.org/schema/kernel-4",
}

ARTICLES = 4
"""Of so many datasets one has an article beside it, which is no dataset."""


def answer(shelf: Shelf, request: Request) -> Response | None:
    """``/oai/request`` as the protocol has it."""
    if request.path != "/oai/request":
        return None
    verb = request.parameters.get("verb")
    if verb == "Identify":
        return _wrapped(shelf, _identify(shelf))
    if verb == "ListMetadataFormats":
        return _wrapped(shelf, _formats())
    if verb in ("ListRecords", "ListIdentifiers"):
        return _wrapped(shelf, _listed(shelf, request, verb))
    return _wrapped(shelf, _error("badVerb", "verb"))


def _wrapped(shelf: Shelf, inner: str) -> Response:
    dated = element("responseDate", _stamp(shelf.moment)) + element("request", text(f"{shelf.base}/oai/request"))
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{OAI}">{dated}{inner}</OAI-PMH>'
    return Response(body=body.encode(), media_type="text/xml; charset=utf-8")


def _error(code: str, words: str) -> str:
    return element("error", words, code=code)


def _identify(shelf: Shelf) -> str:
    said = {
        "repositoryName": text(shelf.portal.title),
        "baseURL": text(f"{shelf.base}/oai/request"),
        "protocolVersion": "2.0",
        "adminEmail": f"library@{shelf.portal.domain}",
        "earliestDatestamp": f"{shelf.portal.since}-01-01T00:00:00Z",
        "deletedRecord": "persistent",
        "granularity": "YYYY-MM-DDThh:mm:ssZ",
    }
    return element("Identify", *(element(name, words) for name, words in said.items()))


def _formats() -> str:
    each = (
        element("metadataFormat", element("metadataPrefix", prefix), element("metadataNamespace", namespace))
        for prefix, namespace in FORMATS.items()
    )
    return element("ListMetadataFormats", *each)


def _listed(shelf: Shelf, request: Request, verb: str) -> str:
    """A page; the token says what was asked and how far the list has been given."""
    prefix = str(request.parameters.get("metadataPrefix", "oai_dc"))
    since, start = str(request.parameters.get("from", "")), 0
    token = str(request.parameters.get("resumptionToken", ""))
    if token:
        prefix, since, offset = (*token.split("|"), "", "")[:3]
        if not offset.isdecimal():
            return _error("badResumptionToken", "the token is not one of ours")
        start = int(offset)
    if prefix not in FORMATS:
        return _error("cannotDisseminateFormat", text(prefix))
    entries = [entry for entry in _entries(shelf, prefix) if entry[0] >= since]
    if not entries:
        return _error("noRecordsMatch", "nothing matches")
    page = entries[start:start + PAGE_SIZE]
    following = start + len(page)
    rest = f"{prefix}|{since}|{following}" if following < len(entries) else ""
    size = str(len(entries) + shelf.surplus)
    shown = [record if verb == "ListRecords" else header for _, header, record in page]
    return element(verb, *shown, element("resumptionToken", text(rest), completeListSize=size, cursor=str(start)))


def _entries(shelf: Shelf, prefix: str) -> list[tuple[str, str, str]]:
    """Date of change, header and record of everything in the repository, in the order of the identifiers."""
    entries: dict[str, tuple[str, str, str]] = {}
    for identifier, moment in shelf.gone.items():
        header = _header(identifier, moment, deleted=True)
        entries[identifier] = (_stamp(moment), header, element("record", header))
    encode = datacite_record if prefix == "datacite" else dublin_core_record
    for dataset in shelf.datasets:
        identifier = source_key(shelf.portal, dataset)
        header = _header(identifier, dataset.modified)
        metadata = element("metadata", shelf.record(dataset, encode).decode())
        entries[identifier] = (_stamp(dataset.modified), header, element("record", header, metadata))
        if crc32(dataset.key.encode()) % ARTICLES == 0:
            identifier = f"{identifier}-article"
            header = _header(identifier, dataset.issued)
            metadata = element("metadata", _article(dataset, prefix))
            entries[identifier] = (_stamp(dataset.issued), header, element("record", header, metadata))
    return [entries[identifier] for identifier in sorted(entries)]


def _header(identifier: str, moment: datetime, *, deleted: bool = False) -> str:
    said = (element("identifier", text(identifier)), element("datestamp", _stamp(moment)))
    return element("header", *said, element("setSpec", "com_data"), status="deleted" if deleted else None)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _article(dataset: Dataset, prefix: str) -> str:
    title = text(f"{dataset.title or dataset.name} (article)")
    if prefix == "datacite":
        kind = element("resourceType", "Article", resourceTypeGeneral="Text")
        return element("resource", element("titles", element("title", title)), kind, xmlns=FORMATS[prefix])
    return _dublin_core(element("dc:title", title) + element("dc:type", "Article"))


def datacite_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset in DataCite 4; of a poisoned one only that it is a dataset."""
    kind = element("resourceType", "Dataset", resourceTypeGeneral="Dataset")
    if dataset.poisoned:
        wrong = element("titles", element("title", element("part"))) + element("dates", element("date", "yesterday"))
        return element("resource", kind, wrong, xmlns=FORMATS["datacite"]).encode()
    language, words = shelf.portal.language, shelf.words(dataset)
    publisher = text(dataset.department.name)
    rights = [element("rights", text(words["openness"])), element("rights", rightsURI=shelf.licence("url") or None)]
    formats = dict.fromkeys(file.media_type for file in dataset.files)
    parts = [
        element("identifier", text(shelf.landing_page(dataset)), identifierType="URL"),
        element("creators", element("creator", element("creatorName", publisher))),
        element("publisher", publisher),
        element("publicationYear", str(dataset.issued.year)),
        kind,
        element("subjects", *(element("subject", text(tag)) for tag in (words["theme"], *dataset.tags))),
        element("dates", element("date", text(words["issued"]), dateType="Issued"),
                element("date", dataset.modified.isoformat(), dateType="Updated")),
        element("language", language),
        element("formats", *(element("format", text(media_type)) for media_type in formats)),
        element("rightsList", *rights),
        element("geoLocations", element("geoLocation", element("geoLocationPlace", text(dataset.place)))),
    ]
    if dataset.title:
        parts.append(element("titles", element("title", text(dataset.title), xml_lang=language)))
    if dataset.description:
        said = element("description", text(dataset.description), descriptionType="Abstract", xml_lang=language)
        parts.append(element("descriptions", said))
    return element("resource", *parts, xmlns=FORMATS["datacite"]).encode()


def dublin_core_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset in Dublin Core."""
    words = shelf.words(dataset)
    said = [
        ("title", "" if dataset.poisoned else dataset.title or ""),
        ("creator", dataset.department.name),
        ("publisher", dataset.department.name),
        ("description", dataset.description or ""),
        ("type", "Dataset"),
        ("identifier", shelf.landing_page(dataset)),
        ("date", words["issued"]),
        ("language", shelf.portal.language),
        ("coverage", dataset.place),
        ("rights", words["openness"]),
        ("rights", shelf.licence("url")),
        *(("subject", tag) for tag in (words["theme"], *dataset.tags)),
        *(("format", media_type) for media_type in dict.fromkeys(file.media_type for file in dataset.files)),
    ]
    return _dublin_core("".join(element(f"dc:{name}", text(value)) for name, value in said if value)).encode()


def _dublin_core(inner: str) -> str:
    names = {"xmlns_oai_dc": FORMATS["oai_dc"], "xmlns_dc": "http://purl.org/dc/elements/1.1/"}
    written = " ".join(f'{name.replace("_", ":", 1)}="{uri}"' for name, uri in names.items())
    return f"<oai_dc:dc {written}>{inner}</oai_dc:dc>"
