"""A catalogue service on loopback that answers as pycsw and GeoNetwork do, and misbehaves as they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from lxml import etree
from msgspec import Struct

from tests.hostile import HostileServer, Script, Talk, answer

XML = {"Content-Type": "application/xml"}

CSW = "http://www.opengis.net/cat/csw/2.0.2"


class Record(Struct, frozen=True, kw_only=True):
    """One record as it stands in the catalogue."""

    id: str
    body: bytes
    modified: str = "2026-01-01"


def iso(id: str, title: str | None = None, modified: str = "2026-01-01", kind: str = "dataset") -> Record:
    """A small ISO 19139 record; its prefixes are declared by whoever wraps it."""
    titled = f"<gmd:title><gco:CharacterString>{title or id}</gco:CharacterString></gmd:title>"
    body = (
        f"<gmd:MD_Metadata><gmd:fileIdentifier><gco:CharacterString>{id}</gco:CharacterString></gmd:fileIdentifier>"
        f'<gmd:hierarchyLevel><gmd:MD_ScopeCode codeListValue="{kind}"/></gmd:hierarchyLevel>'
        f"<gmd:dateStamp><gco:Date>{modified}</gco:Date></gmd:dateStamp>"
        f"<gmd:identificationInfo><gmd:MD_DataIdentification><gmd:citation><gmd:CI_Citation>{titled}"
        "</gmd:CI_Citation></gmd:citation></gmd:MD_DataIdentification></gmd:identificationInfo></gmd:MD_Metadata>"
    )
    return Record(id=id, body=body.encode(), modified=modified)


class CswPortal:
    """The service. Its members may be changed while it runs."""

    def __init__(self, *records: Record) -> None:
        self.records = list(records)
        self.most = 10
        """Records a page, whatever is asked for."""
        self.surplus = 0
        """Records it counts and does not have."""
        self.sorts = True
        self.filters = True
        self.heeds_filters = True
        self.posts = True
        self.version = "2.0.2"
        self.envelope = ""
        """Further attributes of the answer's root: what servers declare there changes nothing in a record."""
        self.instead: dict[int, Script] = {}
        """By start position: what is answered in place of the page."""
        self.questions: list[Mapping[str, str]] = []
        """What GetRecords was asked for, in order."""
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[CswPortal]:
        """The service while it answers."""
        with HostileServer(self._play) as server:
            self.url = f"{server.url}/srv/eng/csw"
            yield self

    def _play(self, talk: Talk) -> None:
        query = {key.lower(): said for key, said in parse_qsl(urlsplit(talk.seen.target).query)}
        if urlsplit(talk.seen.target).path != "/srv/eng/csw":
            answer("not here", status=404)(talk)
        elif query.get("request") == "GetCapabilities":
            answer(self.capabilities(), headers=XML)(talk)
        elif talk.seen.method == "POST":
            self._records(talk, _read(talk.seen.body)) if self.posts else answer("no", status=405)(talk)
        elif query.get("request") == "GetRecords":
            _, is_since, day = query.get("constraint", "").partition(" >= '")
            self._records(talk, {**query, "constraint": day.rstrip("')") if is_since else ""})
        else:
            answer(report("MissingParameterValue", "request"), headers=XML)(talk)

    def capabilities(self) -> str:
        """What it says of itself."""
        queryables = ["apiso:Identifier", "apiso:Title"] + (["apiso:Modified"] if self.filters else [])
        values = "".join(f"<ows:Value>{each}</ows:Value>" for each in queryables)
        methods = "<ows:Get xlink:href='{0}?'/>" + ("<ows:Post xlink:href='{0}'/>" if self.posts else "")
        number = "3.0" if self.version == "3.0.0" else "2.0.2"
        return (
            f'<csw:Capabilities xmlns:csw="http://www.opengis.net/cat/csw/{number}" version="{self.version}"'
            ' xmlns:ows="http://www.opengis.net/ows" xmlns:xlink="http://www.w3.org/1999/xlink">'
            "<ows:ServiceIdentification><ows:Title>Géocatalogue</ows:Title></ows:ServiceIdentification>"
            '<ows:OperationsMetadata><ows:Operation name="GetRecords"><ows:DCP><ows:HTTP>'
            f"{methods.format(self.url)}</ows:HTTP></ows:DCP>"
            f'<ows:Constraint name="SupportedISOQueryables">{values}</ows:Constraint></ows:Operation>'
            "</ows:OperationsMetadata></csw:Capabilities>"
        )

    def _records(self, talk: Talk, asked: Mapping[str, str]) -> None:
        self.questions.append(asked)
        start = int(asked["startposition"])
        if asked.get("sortby") and not self.sorts:
            answer(report("InvalidParameterValue", "SortBy"), status=400, headers=XML)(talk)
        elif start in self.instead and asked.get("resulttype") != "hits":
            self.instead[start](talk)
        else:
            answer(self.page(asked, start), headers=XML)(talk)

    def page(self, asked: Mapping[str, str], start: int) -> bytes:
        """The answer to a question."""
        since = asked.get("constraint", "") if self.heeds_filters else ""
        found = [record for record in self.records if record.modified >= since]
        found.sort(key=lambda record: record.id if asked.get("sortby") else "")
        is_hits = asked.get("resulttype") == "hits" or asked.get("maxrecords") == "0"
        page = [] if is_hits else found[start - 1:][: min(self.most, int(asked["maxrecords"]))]
        return wrapped([record.body for record in page], len(found) + self.surplus, start, self.envelope)


def wrapped(records: list[bytes], matched: int, start: int = 1, envelope: str = "") -> bytes:
    """Records in the answer to GetRecords."""
    following = start + len(records)
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<csw:GetRecordsResponse xmlns:csw="{CSW}"'
        ' xmlns:gmd="http://www.isotc211.org/2005/gmd" xmlns:gco="http://www.isotc211.org/2005/gco"'
        f' {envelope}><csw:SearchStatus timestamp="2026-11-22T00:00:{start % 60:02}Z"/>'
        f'<csw:SearchResults numberOfRecordsMatched="{matched}" numberOfRecordsReturned="{len(records)}"'
        f' elementSet="full" nextRecord="{following if following <= matched else 0}">'
    )
    return head.encode() + b"\n".join(records) + b"</csw:SearchResults></csw:GetRecordsResponse>"


def report(code: str, locator: str, words: str = "") -> str:
    """An exception report."""
    return (
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows" version="1.2.0">'
        f'<ows:Exception exceptionCode="{code}" locator="{locator}"><ows:ExceptionText>{words}</ows:ExceptionText>'
        "</ows:Exception></ows:ExceptionReport>"
    )


def _read(body: bytes) -> dict[str, str]:
    """A question put as POST in the words of a GET."""
    root = etree.fromstring(body)
    asked = {key.lower(): str(value) for key, value in root.attrib.items()}
    query = root.find("{*}Query")
    asked["typenames"] = query.get("typeNames")
    literal = root.find(".//{*}Literal")
    cql = root.find(".//{*}CqlText")
    order = root.find(".//{*}SortProperty/*")
    if literal is not None:
        asked["constraint"] = literal.text or ""
        asked["property"] = next(iter(literal.itersiblings(preceding=True))).text or ""
    if cql is not None:
        asked["cql"] = cql.text or ""
    if order is not None:
        asked["sortby"] = order.text or ""
    return asked
