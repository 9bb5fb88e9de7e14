"""Repositories of universities, libraries and archives that speak OAI-PMH 2.0: DSpace, Dataverse, EPrints, Invenio."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from lxml import etree
from msgspec import Struct

import schemas
from harvester.connectors import reports
from harvester.connectors.rdf_records import RDF_ROOTS, rdf_records, statements
from harvester.errors import PagingBroken, PortalAnsweredError, PortalNotUnderstood, SourceInvalid
from harvester.http import Http
from harvester.records import Listing, RawRecord, Records
from harvester.xmlrecords import MEDIA_TYPE, OAI, metadata
from harvester.xmlstream import canonical, name, parts
from portal.catalog.model import Issue, Source

OVERLAP = timedelta(days=2)
"""How far before ``since`` changes are asked for: a repository that is indexed at night shows them a day late."""

XML = {"Accept": "text/xml, application/xml;q=0.9, */*;q=0.1"}

FORMATS = (
    re.compile(r"https?://datacite\.org/schema/kernel-"),
    re.compile(r"https?://schema\.datacite\.org/oai/oai-"),
    re.compile(r"https?://namespace\.openaire\.eu/schema/oaire"),
)
"""Namespaces of what says most of a dataset, best first; else Dublin Core, which every repository has."""

EMPTY_PAGES = 50
"""Pages in a row without a record before the paging is taken to be broken."""

_OWN = frozenset(("verb", "metadataprefix", "set", "from", "until", "resumptiontoken", "identifier"))
"""Parameters of a source's address that are ours to say."""

_UNTYPED = "no type"


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source of this kind may say."""

    language: str | None = None
    crosswalk: dict[str, str] = {}
    metadata_prefix: str | None = None
    """The form of the records; None for the one that says most."""
    set: str | None = None
    """The part of the repository to read."""
    types: tuple[str, ...] = ("dataset",)
    """Which records are taken, by what they say they are; ``*`` for all, also those that say nothing."""


class Repository(Struct, frozen=True, kw_only=True):
    """What a repository says of itself."""

    url: str
    title: str | None
    seconds: bool
    """Whether it tells changes by the second rather than by the day."""
    deleted: str | None
    """Its policy on deleted records: ``no``, ``transient`` or ``persistent``."""


class Page(Struct, frozen=True, kw_only=True):
    """One answer to ListRecords."""

    records: tuple[Listed, ...]
    token: str | None
    declared: int | None
    url: str


class Listed(Struct, frozen=True, kw_only=True):
    """One record as listed."""

    key: str
    """What it is told apart by while pages are read: the identifier of its header."""
    deleted: bool
    types: tuple[str, ...]
    """What it says it is."""
    body: bytes
    statements: bytes | None = None
    """What it states in RDF, where it does."""


class _Refused(PortalAnsweredError):
    """An error of the protocol; ``word`` is its code."""

    def __init__(self, word: str, said: str, url: str) -> None:
        super().__init__(f"{word}: {said or 'without a word'}"[:500], url=url, seen=said[:500] or None)
        self.word = word


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Every record that says it is a dataset (or another of ``options.types``), or those changed since two days before.

    Deleted records are withdrawn. Raises PagingBroken where the resumption tokens lead nowhere.
    """
    options = read_options(source)
    repository = identify(source.url, http)
    prefix = options.metadata_prefix or _richest(repository, http)
    question = {"verb": "ListRecords", "metadataPrefix": prefix} | ({"set": options.set} if options.set else {})
    if since is not None:
        try:
            return (yield from _Walk(repository, http, options).listing(question | {"from": _from(repository, since)}))
        except _Refused as refusal:
            if refusal.word != "badArgument":
                raise
            yield Issue(code="portal.date-filter-ignored", url=refusal.url, detail=refusal.detail)
    return (yield from _Walk(repository, http, options).listing(question))


def read_options(source: Source) -> Options:
    """The options of a source. Raises SourceInvalid."""
    try:
        return msgspec.convert(source.options, Options)
    except msgspec.ValidationError as error:
        raise SourceInvalid(f"options: {error}", url=source.url) from error


def identify(url: str, http: Http) -> Repository:
    """What the repository at an address says of itself. Raises PortalNotUnderstood where it is none."""
    base = endpoint(url)
    said: dict[str, str] = {}
    for element in _answered(base, http, {"verb": "Identify"}, "Identify"):
        said.setdefault(name(element), " ".join((element.text or "").split()))
    if "protocolVersion" not in said and "repositoryName" not in said:
        raise PortalNotUnderstood("no OAI-PMH repository", url=base, seen=str(sorted(said))[:200])
    return Repository(
        url=base,
        title=said.get("repositoryName") or None,
        seconds=said.get("granularity", "").upper().endswith("SSZ"),
        deleted=said.get("deletedRecord") or None,
    )


def endpoint(url: str) -> str:
    """The address without the parameters that are ours to say."""
    split = urlsplit(url)
    kept = [(key, said) for key, said in parse_qsl(split.query, keep_blank_values=True) if key.lower() not in _OWN]
    return split._replace(query=urlencode(kept), fragment="").geturl()


def size(repository: Repository, http: Http, prefix: str = "oai_dc") -> int | None:
    """How many records the repository says it has, whatever they are, deleted ones too; None where it does not say."""
    page = list_page(http, repository.url, {"verb": "ListIdentifiers", "metadataPrefix": prefix})
    return len(page.records) if page.token is None and page.declared is None else page.declared


def _from(repository: Repository, since: datetime) -> str:
    floor = (since - OVERLAP).astimezone(UTC)
    return f"{floor:%Y-%m-%dT%H:%M:%SZ}" if repository.seconds else f"{floor:%Y-%m-%d}"


def _richest(repository: Repository, http: Http) -> str:
    """The prefix of the format that says most of a dataset."""
    offered: dict[str, str] = {}
    for element in _answered(repository.url, http, {"verb": "ListMetadataFormats"}, "ListMetadataFormats"):
        said = {name(child): (child.text or "").strip() for child in element if isinstance(child.tag, str)}
        offered[said.get("metadataNamespace", "")] = said.get("metadataPrefix", "")
    for wanted in FORMATS:
        for namespace, prefix in offered.items():
            if prefix and wanted.match(namespace):
                return prefix
    return "oai_dc"


def _answered(base: str, http: Http, asked: Mapping[str, str], verb: str) -> Iterator[etree._Element]:
    """What stands in the answer to a question. Raises PortalNotUnderstood where that is not what was asked for."""
    response = http.get(base, params=asked, headers=XML, also=reports.STATUSES)
    url = http.shown(response.url)
    is_answer = False
    for part in parts(response.body, url):
        _refuse_error(part.depth, part.element, url)
        is_answer = is_answer or (part.depth == 2 and name(part.element) == verb)
        if part.depth == 3 and name(part.element.getparent()) == verb:
            yield part.element
    reports.refuse_status(response, url)
    if not is_answer:
        raise PortalNotUnderstood(f"no {verb} in the answer", url=url, seen=response.text[:200])


def _refuse_error(depth: int, element: etree._Element, url: str) -> None:
    if depth == 2 and element.tag == f"{{{OAI}}}error":
        raise _Refused(element.get("code") or "an error", " ".join(" ".join(element.itertext()).split()), url)


def list_page(http: Http, base: str, question: Mapping[str, str]) -> Page:
    """One page of a list; an empty one where the repository has nothing that matches."""
    response = http.get(base, params=question, headers=XML, also=reports.STATUSES)
    url = http.shown(response.url)
    listed: list[Listed] = []
    token: str | None = None
    declared: int | None = None
    is_answer = False
    try:
        for part in parts(response.body, url):
            _refuse_error(part.depth, part.element, url)
            is_answer = is_answer or (part.depth == 2 and name(part.element) == question["verb"])
            if part.depth == 3 and name(part.element) in ("record", "header"):
                listed.append(_read(part.element))
            elif part.depth == 3 and name(part.element) == "resumptionToken":
                token = (part.element.text or "").strip() or None
                said = (part.element.get("completeListSize") or "").strip()
                declared = int(said) if said.isdecimal() else None
    except _Refused as refusal:
        if refusal.word != "noRecordsMatch":
            raise
        return Page(records=(), token=None, declared=0, url=url)
    reports.refuse_status(response, url)
    if not is_answer:
        raise PortalNotUnderstood(f"no {question['verb']} in the answer", url=url, seen=response.text[:200])
    return Page(records=tuple(listed), token=token, declared=declared, url=url)


def _read(record: etree._Element) -> Listed:
    header = record if name(record) == "header" else record.find(f"{{{OAI}}}header")
    within = metadata(record)
    body = canonical(record)
    said = "" if header is None else (header.findtext(f"{{{OAI}}}identifier") or "").strip()
    return Listed(
        key=said or hashlib.blake2b(body, digest_size=16).hexdigest(),
        deleted=header is not None and header.get("status") == "deleted",
        types=() if within is None else tuple(_types(within)),
        body=body,
        statements=statements(within) if within is not None and within.tag in RDF_ROOTS else None,
    )


def _types(within: etree._Element) -> Iterator[str]:
    """What a record says it is: Dublin Core's ``type``, DataCite's ``resourceType`` and its general kind."""
    for child in within.iterchildren():
        if isinstance(child.tag, str) and name(child) in ("type", "resourceType"):
            for said in (child.get("resourceTypeGeneral"), child.get("uri"), child.text):
                if said and said.strip():
                    yield " ".join(said.split())


def _type(word: str) -> str:
    return schemas.vocabulary("resource_types").resolve(word) or schemas.fold(word)


class _Walk:
    """One way through a list, from its beginning to its last resumption token; twice where a token expires."""

    def __init__(self, repository: Repository, http: Http, options: Options) -> None:
        self._repository = repository
        self._http = http
        self._types = frozenset(_type(word) for word in options.types)
        self._given: set[str] = set()
        """Keys of the records given so far."""
        self._left_out: Counter[str] = Counter()
        self._withdrawn = 0

    def listing(self, question: Mapping[str, str]) -> Records:
        """The records of a list. Raises PagingBroken, or _Refused where the first question is refused."""
        try:
            declared = yield from self._pages(question)
        except _Refused as refusal:
            if refusal.word != "badResumptionToken" or not self._seen_any():
                raise
            yield Issue(code="listing.restarted", url=refusal.url, seen=refusal.seen, detail=refusal.detail)
            declared = yield from self._again(question)
        if self._left_out:
            seen = ", ".join(f"{word} {count}" for word, count in self._left_out.most_common(20))
            yield Issue(code="listing.types-left-out", url=self._repository.url, seen=seen)
        if declared is not None:
            declared = max(0, declared - self._left_out.total() - self._withdrawn)
        return Listing(declared=declared, partial="from" in question)

    def _seen_any(self) -> bool:
        return bool(self._given or self._left_out or self._withdrawn)

    def _again(self, question: Mapping[str, str]) -> Generator[RawRecord | Issue, None, int | None]:
        try:
            return (yield from self._pages(question))
        except _Refused as refusal:
            detail = f"a resumption token was refused again ({refusal.detail})"
            raise PagingBroken(detail, url=refusal.url, seen=refusal.seen) from refusal

    def _pages(self, question: Mapping[str, str]) -> Generator[RawRecord | Issue, None, int | None]:
        """Every page; gives the number of records the repository says the list has."""
        self._left_out.clear()
        self._withdrawn = 0
        read: set[str] = set()
        tokens: set[str] = set()
        declared: int | None = None
        asked, empty = question, 0
        while True:
            page = list_page(self._http, self._repository.url, asked)
            declared = page.declared if page.declared is not None else declared
            fresh = [record for record in page.records if record.key not in read]
            if page.records and not fresh:
                raise PagingBroken("a page brings no record that was not on a page before", url=page.url)
            empty = 0 if page.records else empty + 1
            yield from self._taken(fresh, read, page.url)
            if page.token is None:
                return declared
            if page.token in tokens or empty > EMPTY_PAGES:
                raise PagingBroken("the resumption tokens lead nowhere", url=page.url, seen=page.token[:500])
            tokens.add(page.token)
            asked = {"verb": question["verb"], "resumptionToken": page.token}

    def _taken(self, fresh: list[Listed], read: set[str], url: str) -> Iterator[RawRecord | Issue]:
        rdf: list[bytes] = []
        for record in fresh:
            if record.key in read:
                continue
            read.add(record.key)
            if record.deleted:
                self._withdrawn += 1
            elif not self._is_wanted(record):
                self._left_out[record.types[0][:60] if record.types else _UNTYPED] += 1
                continue
            if record.key in self._given:
                continue
            self._given.add(record.key)
            if record.statements is not None:
                rdf.append(record.statements)
            else:
                yield RawRecord(body=record.body, url=url, media_type=MEDIA_TYPE, withdrawn=record.deleted)
        yield from rdf_records(rdf, url)

    def _is_wanted(self, record: Listed) -> bool:
        # What RDF describes is told by its classes, and only datasets, services and series are read of it.
        if "*" in self._types or record.statements is not None:
            return True
        return not self._types.isdisjoint(map(_type, record.types))
