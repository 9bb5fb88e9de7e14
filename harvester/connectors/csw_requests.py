"""What a catalogue service says it can do, and the questions that are put to it: CSW 2.0.2 and 3.0, POST and GET."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape, quoteattr

from lxml import etree
from msgspec import Struct, structs

from harvester.connectors import reports
from harvester.errors import PortalAnsweredError, PortalNotUnderstood
from harvester.http import Http, Response
from harvester.http.addresses import led_to
from harvester.xmlstream import name, parts

GMD = "http://www.isotc211.org/2005/gmd"

XML = {"Accept": "application/xml, text/xml;q=0.9, */*;q=0.1"}

NAMESPACES: Mapping[str, str] = {
    "gmd": GMD,
    "gmi": "http://www.isotc211.org/2005/gmi",
    "mdb": "http://standards.iso.org/iso/19115/-3/mdb/2.0",
    "apiso": "http://www.opengis.net/cat/csw/apiso/1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dct": "http://purl.org/dc/terms/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "ows": "http://www.opengis.net/ows",
}
"""What may stand in the name of a type or a property."""

_OWN = frozenset((
    "service", "request", "version", "acceptversions", "typenames", "outputschema", "elementsetname", "resulttype",
    "startposition", "maxrecords", "constraintlanguage", "constraint", "constraint_language_version", "sortby",
))
"""Parameters of a source's address that are ours to say; others (``map``, ``language``) stay."""


class Dialect(NamedTuple):
    """What differs between the versions of the protocol."""

    csw: str
    filters: str
    prefix: str
    """Of filters, and of the element that names a property in them."""
    reference: str


DIALECTS: Mapping[str, Dialect] = {
    "2.0.2": Dialect("http://www.opengis.net/cat/csw/2.0.2", "http://www.opengis.net/ogc", "ogc", "PropertyName"),
    "3.0.0": Dialect("http://www.opengis.net/cat/csw/3.0", "http://www.opengis.net/fes/2.0", "fes", "ValueReference"),
}


class Constraint(NamedTuple):
    """Only records whose ``property`` is not before ``day``."""

    property: str
    day: str


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source of this kind may say."""

    language: str | None = None
    crosswalk: dict[str, str] = {}
    output_schema: str = GMD
    """The namespace of the records asked for."""
    type_names: str | None = None
    """What is asked about; ``csw:Record`` unless said, which services take for any record."""
    page_size: int = 50
    """Records a page at most; a service that gives fewer is followed at its own pace."""
    method: Literal["GET", "POST"] | None = None
    """How GetRecords is asked; None for POST where the service takes it."""
    constraint: str | None = None
    """A filter of one's own in CQL, e.g. ``apiso:Type = 'dataset'``."""
    sort_by: str | None = None
    """A property to sort by; an empty one asks for no order at all."""


class Question(NamedTuple):
    """One GetRecords: parameters of a GET, or the body of a POST."""

    parameters: Mapping[str, str | int]
    body: bytes | None


class Service(Struct, frozen=True, kw_only=True):
    """A catalogue service as its capabilities describe it."""

    url: str
    version: str
    title: str | None
    method: Literal["GET", "POST"]
    identifier: str | None
    """The property to sort by."""
    modified: str | None
    """The property that says when a record last changed; None where the service does not filter by it."""

    def changed_since(self, moment: datetime) -> Constraint | None:
        """What changed since the day of a moment; None where the service cannot be asked so."""
        return None if self.modified is None else Constraint(self.modified, f"{moment.astimezone(UTC):%Y-%m-%d}")

    def without_order(self) -> Service:
        """The service as one that does not sort."""
        return structs.replace(self, identifier=None)

    def question(self, asking: Options, changed: Constraint | None, start: int, *, hits: bool = False) -> Question:
        """The question for the records from ``start`` on, or with ``hits`` only how many there are."""
        order = self.identifier if asking.sort_by is None else asking.sort_by or None
        if self.method == "GET":
            return Question(self._parameters(asking, changed, order, start, hits), None)
        return Question({}, self._body(asking, changed, order, start, hits).encode())

    def ask(self, http: Http, question: Question) -> Response:
        """The answer to a question, a report of what is wrong included."""
        if question.body is None:
            return http.get(self.url, params=question.parameters, headers=XML, also=reports.STATUSES)
        headers = XML | {"Content-Type": "application/xml; charset=utf-8"}
        return http.post(self.url, data=question.body, headers=headers, also=reports.STATUSES)

    def _parameters(
        self, asking: Options, changed: Constraint | None, order: str | None, start: int, hits: bool
    ) -> dict[str, str | int]:
        given: dict[str, str | int] = {
            "service": "CSW",
            "version": self.version,
            "request": "GetRecords",
            "typeNames": asking.type_names or "csw:Record",
            "outputSchema": asking.output_schema,
            "outputFormat": "application/xml",
            "elementSetName": "full",
            "resultType": "hits" if hits else "results",
            "startPosition": start,
            "maxRecords": asking.page_size,
        }
        if self.version == "3.0.0":
            # There a question is never for the number alone, unless no record at all is asked for.
            del given["resultType"]
            given["maxRecords"] = 0 if hits else asking.page_size
        filters = [f"({each})" for each in (asking.constraint, changed and _cql(changed)) if each]
        if filters:
            given |= {"constraintLanguage": "CQL_TEXT", "constraint_language_version": "1.1.0"}
            given["constraint"] = " AND ".join(filters) if len(filters) > 1 else filters[0][1:-1]
        if order and not hits:
            given["sortBy"] = f"{order}:A"
        return given

    def _body(
        self, asking: Options, changed: Constraint | None, order: str | None, start: int, hits: bool
    ) -> str:
        csw, filters, prefix, reference = DIALECTS[self.version]
        names = " ".join(f'xmlns:{key}="{uri}"' for key, uri in NAMESPACES.items())
        # CSW 3.0 has no resultType: a question for no record at all is one for their number.
        kind = "" if self.version == "3.0.0" else f' resultType="{"hits" if hits else "results"}"'
        most = 0 if hits and self.version == "3.0.0" else asking.page_size
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<csw:GetRecords xmlns:csw="{csw}" xmlns:{prefix}="{filters}" {names} service="CSW"'
            f' version="{self.version}"{kind} startPosition="{start}" maxRecords="{most}"'
            f' outputFormat="application/xml" outputSchema={quoteattr(asking.output_schema)}>',
            f'<csw:Query typeNames={quoteattr(asking.type_names or "csw:Record")}>',
            "<csw:ElementSetName>full</csw:ElementSetName>",
        ]
        if asking.constraint:
            both = f"({asking.constraint}) AND {_cql(changed)}" if changed else asking.constraint
            lines += ['<csw:Constraint version="1.1.0">', f"<csw:CqlText>{escape(both)}</csw:CqlText></csw:Constraint>"]
        elif changed:
            compare = f"{prefix}:PropertyIsGreaterThanOrEqualTo"
            lines += [
                f'<csw:Constraint version="1.1.0"><{prefix}:Filter><{compare}>',
                f"<{prefix}:{reference}>{escape(changed.property)}</{prefix}:{reference}>",
                f"<{prefix}:Literal>{changed.day}</{prefix}:Literal>",
                f"</{compare}></{prefix}:Filter></csw:Constraint>",
            ]
        if order and not hits:
            lines += [
                f"<{prefix}:SortBy><{prefix}:SortProperty>",
                f"<{prefix}:{reference}>{escape(order)}</{prefix}:{reference}>",
                f"<{prefix}:SortOrder>ASC</{prefix}:SortOrder></{prefix}:SortProperty></{prefix}:SortBy>",
            ]
        return "\n".join([*lines, "</csw:Query>", "</csw:GetRecords>"])


def _cql(changed: Constraint) -> str:
    return f"{changed.property} >= '{changed.day}'"


def service(url: str, http: Http, method: Literal["GET", "POST"] | None = None) -> Service:
    """What the service at an address says of itself.

    Raises PortalAnsweredError where it refuses, PortalNotUnderstood where it is no CSW.
    """
    base = endpoint(url)
    asked = {"service": "CSW", "request": "GetCapabilities", "acceptVersions": "2.0.2,3.0.0"}
    response = http.get(base, params=asked, headers=XML, also=reports.STATUSES)
    shown = http.shown(response.url)
    version = title = None
    methods: dict[str, str] = {}
    queryables: list[str] = []
    for part in parts(response.body, shown):
        refuse_report(part.depth, part.element, shown)
        stem = name(part.element)
        if part.depth == 1 and stem == "Capabilities":
            version = part.element.get("version")
        elif part.depth == 3 and stem == "Title":
            title = " ".join((part.element.text or "").split()) or None
        elif part.depth == 3 and stem == "Operation" and part.element.get("name") == "GetRecords":
            methods = dict(_addresses(part.element))
            queryables = list(_queryables(part.element))
    reports.refuse_status(response, shown)
    if version is None:
        raise PortalNotUnderstood("no CSW capabilities", url=shown, seen=response.text[:200])
    if method is None:
        method = "GET" if "Get" in methods and "Post" not in methods else "POST"
    return Service(
        url=_same_host(methods.get(method.capitalize()), base),
        version="3.0.0" if version.startswith("3.") else "2.0.2",
        title=title,
        method=method,
        identifier=_property(queryables, "identifier"),
        modified=_property(queryables, "modified"),
    )


def endpoint(url: str) -> str:
    """The address without the parameters that are ours to say."""
    split = urlsplit(url)
    kept = [(key, said) for key, said in parse_qsl(split.query, keep_blank_values=True) if key.lower() not in _OWN]
    return split._replace(query=urlencode(kept), fragment="").geturl()


def refuse_report(depth: int, element: etree._Element, url: str) -> None:
    """Raises PortalAnsweredError for an exception in an OWS report, in the service's words."""
    raised = element.getparent() if depth == 3 and name(element) == "ExceptionText" else element
    if depth > 1 and name(raised) in ("Exception", "ServiceException"):
        code = raised.get("exceptionCode") or raised.get("code") or "an exception"
        place = raised.get("locator")
        words = " ".join(" ".join(element.itertext()).split())
        detail = f"{code}{f' ({place})' if place else ''}: {words or 'without a word'}"
        raise PortalAnsweredError(detail[:500], url=url, seen=words[:500] or None)


def _addresses(operation: etree._Element) -> Iterator[tuple[str, str]]:
    """``Get`` and ``Post`` and where each is taken; of several POST addresses the one that is not for SOAP."""
    for each in operation.iter("{*}Get", "{*}Post"):
        encodings = {str(value.text).strip() for value in each.iter("{*}Value")}
        address = each.get("{http://www.w3.org/1999/xlink}href")
        if address and encodings != {"SOAP"}:
            yield name(each), address


def _queryables(operation: etree._Element) -> Iterator[str]:
    for constraint in operation.iter("{*}Constraint", "{*}Parameter"):
        if "queryables" in (constraint.get("name") or "").lower():
            yield from (str(value.text).strip() for value in constraint.iter("{*}Value") if value.text)


def _same_host(advertised: str | None, base: str) -> str:
    """The advertised address where it is one of the same host; else ours: many advertise an inner name."""
    if advertised is None:
        return base
    if led_to(base, advertised) is None:
        return base
    there, here = urlsplit(advertised.strip()), urlsplit(base)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return base
    return endpoint(advertised.strip())


def _property(queryables: list[str], wanted: str) -> str | None:
    """How the service spells a property; the application profile's goes before Dublin Core's."""
    spellings = [each for each in queryables if each.rpartition(":")[2].lower() == wanted]
    return next((each for each in spellings if each.startswith("apiso:")), spellings[0] if spellings else None)
