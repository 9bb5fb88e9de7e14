"""Catalogue services for the Web (CSW 2.0.2, 3.0): ISO 19139, Dublin Core or DCAT, asked page by page."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import msgspec
from lxml import etree
from msgspec import Struct

from harvester.connectors import csw_requests, reports
from harvester.connectors.csw_requests import Constraint, Options, Service, refuse_report
from harvester.connectors.rdf_records import RDF_ROOTS, rdf_records, statements
from harvester.errors import HarvestError, PagingBroken, PortalAnsweredError, PortalNotUnderstood, SourceInvalid
from harvester.http import Http, Response
from harvester.records import Listing, RawRecord, Records
from harvester.xmlrecords import MEDIA_TYPE
from harvester.xmlstream import canonical, name, parts
from portal.catalog.model import Issue, Source

OVERLAP = timedelta(days=2)
"""How far before ``since`` changes are asked for: dates of change are often days, and indexes a night late."""


class Page(Struct, frozen=True, kw_only=True):
    """One answer to GetRecords."""

    records: tuple[RawRecord, ...]
    keys: tuple[str, ...]
    """Of each record: what it is told apart by while pages are read."""
    issues: tuple[Issue, ...]
    received: int
    """Records in the answer, unreadable ones too."""
    matched: int | None
    next_record: int | None
    url: str


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Everything, or what changed since two days before ``since`` where the service filters by date of change."""
    options = read_options(source)
    service = csw_requests.service(source.url, http, options.method)
    if since is not None:
        changed = service.changed_since(since - OVERLAP)
        if changed is not None and (yield from _filters(http, service, options, changed)):
            yield from _walk(http, service, options, changed)
            return Listing(partial=True)
    return (yield from _walk(http, service, options, None))


def read_options(source: Source) -> Options:
    """The options of a source. Raises SourceInvalid."""
    try:
        return msgspec.convert(source.options, Options)
    except msgspec.ValidationError as error:
        raise SourceInvalid(f"options: {error}", url=source.url) from error


def _filters(
    http: Http, service: Service, options: Options, changed: Constraint
) -> Generator[Issue, None, bool]:
    """Whether the service heeds the filter: of the year 2999 it must know nothing. Complains where it does not."""
    try:
        future = service.changed_since(datetime(2999, 1, 1, tzinfo=UTC))
        found = matched(http, service, options, future)
    except (PortalAnsweredError, PortalNotUnderstood) as error:
        yield Issue(code="portal.date-filter-ignored", url=error.url, seen=error.seen, detail=error.detail)
        return False
    if found != 0:
        yield Issue(code="portal.date-filter-ignored", url=service.url, seen=f"{found} changed since 2999")
        return False
    return True


def matched(
    http: Http, service: Service, options: Options, constraint: Constraint | None
) -> int | None:
    """How many records the service says there are; None where it does not say."""
    question = service.question(options, constraint, 1, hits=True)
    return _page(http, service.ask(http, question)).matched


def _walk(
    http: Http, service: Service, options: Options, constraint: Constraint | None
) -> Records:
    """Page after page, as many records further as came. Raises PagingBroken when pages repeat records."""
    met: set[str] = set()
    start, repeated = 1, 0
    total: int | None = None
    while total is None or start <= total:
        page, service = _asked(http, service, options, constraint, start)
        total = page.matched if page.matched is not None else total
        yield from page.issues
        if page.received == 0:
            break
        if page.keys and met.issuperset(page.keys):
            raise PagingBroken(f"the page from {start} on brings no record that was not on a page before", url=page.url)
        repeated += sum(key in met for key in page.keys)
        met.update(page.keys)
        yield from page.records
        start += page.received
        if total is None and (page.next_record is None or not 0 < page.next_record <= start):
            break
    if repeated:
        # As many others were never shown: the service changes its order from page to page.
        raise PagingBroken(f"{repeated} records came on two pages, so that as many may never have come", url=service.url)
    return Listing(declared=total)


def _asked(
    http: Http, service: Service, options: Options, constraint: Constraint | None, start: int
) -> tuple[Page, Service]:
    """A page; the first one without an order where the service refuses to sort."""
    try:
        return _page(http, service.ask(http, service.question(options, constraint, start))), service
    except PortalAnsweredError as refusal:
        unsorted = service.without_order()
        if start > 1 or options.sort_by is not None or unsorted == service:
            raise
        try:
            return _page(http, unsorted.ask(http, unsorted.question(options, constraint, start))), unsorted
        except HarvestError:
            raise refusal from None


def _page(http: Http, response: Response) -> Page:
    """What an answer to GetRecords holds. Raises PortalAnsweredError where it is an exception report."""
    url = http.shown(response.url)
    found: list[RawRecord] = []
    keys: list[str] = []
    issues: list[Issue] = []
    rdf: list[bytes] = []
    received = 0
    results: dict[str, str] | None = None
    for part in parts(response.body, url):
        refuse_report(part.depth, part.element, url)
        if part.depth == 3 and name(part.element.getparent()) == "SearchResults":
            received += 1
            if part.element.tag in RDF_ROOTS:
                rdf.append(statements(part.element))
            else:
                body = canonical(part.element)
                found.append(RawRecord(body=body, url=url, media_type=MEDIA_TYPE))
                keys.append(_identifier(part.element) or _digest(body))
        elif part.depth == 2 and name(part.element) == "SearchResults":
            results = {str(key): str(value) for key, value in part.element.attrib.items()}
    reports.refuse_status(response, url)
    if results is None:
        raise PortalNotUnderstood("no SearchResults in the answer", url=url, seen=response.text[:200])
    for item in rdf_records(rdf, url):
        if isinstance(item, Issue):
            issues.append(item)
        else:
            found.append(item)
            keys.append(_digest(item.body))
    return Page(
        records=tuple(found),
        keys=tuple(keys),
        issues=tuple(issues),
        received=received,
        matched=_number(results.get("numberOfRecordsMatched")),
        next_record=_number(results.get("nextRecord")),
        url=url,
    )


def _identifier(record: etree._Element) -> str:
    """The identifier of an ISO or a Dublin Core record: of one that comes again all else may have changed."""
    stated = next(record.iterchildren("{*}fileIdentifier", "{*}identifier"), None)
    return "" if stated is None else "".join(stated.itertext()).strip()


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _number(said: str | None) -> int | None:
    return int(said) if said is not None and said.strip().isdecimal() else None
