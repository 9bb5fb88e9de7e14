"""Answers as a geoportal's catalogue service does: CSW 2.0.2, records in ISO 19139."""

from __future__ import annotations

from collections.abc import Sequence

from harvester.sandbox.exchange import Request, Response
from harvester.sandbox.inventing import Dataset, File
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.xml_text import element, text

MOST = 20
"""Records on a page, whatever is asked for."""

NAMESPACES = {
    "csw": "http://www.opengis.net/cat/csw/2.0.2",
    "ows": "http://www.opengis.net/ows",
    "xlink": "http://www.w3.org/1999/xlink",
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gmx": "http://www.isotc211.org/2005/gmx",
}


def answer(shelf: Shelf, request: Request) -> Response | None:
    """``/csw``: GetCapabilities and GetRecords."""
    if request.path != "/csw":
        return None
    asked = {name.lower(): str(value) for name, value in request.parameters.items()}
    if asked.get("request", "").lower() == "getcapabilities":
        return _document("csw:Capabilities", _capabilities(shelf), version="2.0.2")
    if asked.get("request", "").lower() == "getrecords":
        return _document("csw:GetRecordsResponse", _found(shelf, asked))
    said = element("ows:ExceptionText", "the request is none of GetCapabilities, GetRecords")
    report = element("ows:Exception", said, exceptionCode="OperationNotSupported", locator="request")
    return _document("ows:ExceptionReport", report, version="1.2.0")


def _document(name: str, inner: str, **attributes: str) -> Response:
    names = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    said = "".join(f' {key}="{value}"' for key, value in attributes.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}{names}{said}>{inner}</{name}>'
    return Response(body=body.encode(), media_type="application/xml")


def _capabilities(shelf: Shelf) -> str:
    address = f"{shelf.base}/csw"
    methods = element("ows:Get", xlink_href=address) + element("ows:Post", xlink_href=address)
    queryables = [element("ows:Value", f"apiso:{name}") for name in ("Identifier", "Modified", "Title")]
    operation = element(
        "ows:Operation",
        element("ows:DCP", element("ows:HTTP", methods)),
        element("ows:Constraint", *queryables, name="SupportedISOQueryables"),
        name="GetRecords",
    )
    title = element("ows:Title", text(shelf.portal.title))
    return element("ows:ServiceIdentification", title) + element("ows:OperationsMetadata", operation)


def _found(shelf: Shelf, asked: dict[str, str]) -> str:
    since = asked.get("since", "")
    found = [dataset for dataset in shelf.ordered("key") if f"{dataset.modified:%Y-%m-%d}" >= since]
    start, most = (_number(asked.get(name)) for name in ("startposition", "maxrecords"))
    is_hits = asked.get("resulttype") == "hits"
    page: Sequence[Dataset] = () if is_hits else found[start - 1:][: min(most, MOST)]
    matched = len(found) + (shelf.surplus if found else 0)
    following = start + len(page)
    results = element(
        "csw:SearchResults",
        *(shelf.record(dataset, iso_record).decode() for dataset in page),
        numberOfRecordsMatched=str(matched),
        numberOfRecordsReturned=str(len(page)),
        elementSet="full",
        nextRecord=str(following if following <= matched else 0),
    )
    return element("csw:SearchStatus", timestamp=shelf.moment.isoformat()) + results


def _number(said: str | None) -> int:
    return max(1, int(said)) if said is not None and said.isdecimal() else 1


def iso_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset in ISO 19139; a poisoned one has objects where text belongs."""
    parts = [
        _text("gmd:fileIdentifier", dataset.key),
        element("gmd:language", _code("LanguageCode", "chi" if shelf.portal.language == "zh" else "eng")),
        element("gmd:hierarchyLevel", _code("MD_ScopeCode", "dataset")),
        element("gmd:contact", _party(dataset, "pointOfContact")),
        element("gmd:dateStamp", element("gco:DateTime", dataset.modified.isoformat())),
    ]
    if dataset.poisoned:
        parts.append(element("gmd:identificationInfo", element("gmd:MD_DataIdentification", element("gmd:abstract"))))
    else:
        parts.append(element("gmd:identificationInfo", _identification(shelf, dataset)))
        resources = element("gmd:MD_DigitalTransferOptions", *(_online(shelf, file) for file in dataset.files))
        parts.append(
            element("gmd:distributionInfo", element("gmd:MD_Distribution", element("gmd:transferOptions", resources)))
        )
    return element("gmd:MD_Metadata", *parts).encode()


def _identification(shelf: Shelf, dataset: Dataset) -> str:
    words = shelf.words(dataset)
    citation = [
        _text("gmd:title", dataset.title),
        _date(words["issued"], "publication"),
        _date(dataset.data_modified.isoformat(), "revision"),
    ]
    keywords = [_text("gmd:keyword", tag) for tag in (words["theme"], *dataset.tags)]
    frequency = element("gmd:maintenanceAndUpdateFrequency", _code("MD_MaintenanceFrequencyCode", words["frequency"]))
    extent = element("gmd:EX_Extent", _text("gmd:description", dataset.place))
    return element(
        "gmd:MD_DataIdentification",
        element("gmd:citation", element("gmd:CI_Citation", *citation)),
        _text("gmd:abstract", dataset.description),
        element("gmd:pointOfContact", _party(dataset, "owner")),
        element("gmd:resourceMaintenance", element("gmd:MD_MaintenanceInformation", frequency)),
        element("gmd:descriptiveKeywords", element("gmd:MD_Keywords", *keywords)),
        _constraint("accessConstraints", element("gco:CharacterString", text(words["openness"]))),
        _constraint("useConstraints", _licence(shelf)),
        element("gmd:extent", extent),
    )


def _text(name: str, words: str | None) -> str:
    return element(name, element("gco:CharacterString", text(words))) if words else ""


def _code(name: str, code: str) -> str:
    return element(f"gmd:{name}", text(code), codeList="#", codeListValue=code)


def _date(said: str, kind: str) -> str:
    stated = element("gmd:date", element("gco:Date", text(said))) + element("gmd:dateType", _code("CI_DateTypeCode", kind))
    return element("gmd:date", element("gmd:CI_Date", stated))


def _party(dataset: Dataset, role: str) -> str:
    address = element("gmd:address", element("gmd:CI_Address", _text("gmd:electronicMailAddress", dataset.email)))
    phone = element("gmd:phone", element("gmd:CI_Telephone", _text("gmd:voice", dataset.phone)))
    return element(
        "gmd:CI_ResponsibleParty",
        _text("gmd:organisationName", dataset.department.name),
        element("gmd:contactInfo", element("gmd:CI_Contact", phone, address)),
        element("gmd:role", _code("CI_RoleCode", role)),
    )


def _constraint(kind: str, said: str) -> str:
    code = element(f"gmd:{kind}", _code("MD_RestrictionCode", "otherRestrictions"))
    legal = element("gmd:MD_LegalConstraints", code, element("gmd:otherConstraints", said))
    return element("gmd:resourceConstraints", legal)


def _licence(shelf: Shelf) -> str:
    return element("gmx:Anchor", text(shelf.licence("title")), xlink_href=shelf.licence("url") or None)


def _online(shelf: Shelf, file: File) -> str:
    named = element("gmx:MimeFileType", text(file.title), type=file.media_type)
    function = "download" if file.kind == "file" else "information"
    resource = element(
        "gmd:CI_OnlineResource",
        element("gmd:linkage", element("gmd:URL", text(f"{shelf.base}{file.path}"))),
        element("gmd:name", named),
        element("gmd:function", _code("CI_OnLineFunctionCode", function)),
    )
    return element("gmd:onLine", resource)
