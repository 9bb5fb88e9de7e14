"""Reads CKAN 2.2 to 2.12: page by page through its search, package by package where that is switched off."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import ckanapi
import msgspec
from ckanapi import errors
from msgspec import Struct

from harvester.connectors import ckan_answers
from harvester.connectors.ckan_answers import Page
from harvester.errors import (
    AnswerTooLarge,
    HarvestError,
    PagingBroken,
    PortalAnsweredError,
    PortalBlocked,
    PortalNotUnderstood,
    PortalTimedOut,
    SourceInvalid,
)
from harvester.http import Http
from harvester.records import Listing, RawRecord, Records
from portal.catalog.model import Issue, Source

OVERLAP = timedelta(hours=24)
"""Changes are asked for from this long before the last run: a portal's clock, or its zone, may be wrong."""

SORTS = ("id asc", "name asc")
"""Orders in which a dataset keeps its place while we page; the second for portals that refuse the first."""

HEAVY = frozenset((500, 502, 503, 504))
"""What a portal answers when a page is too much for it, or holds one record that it cannot give."""

REFUSED = frozenset((400, 409, 422))
"""What a portal answers to a question that it does not take: an order, a filter, a page too far down."""

LIGHT_ROWS = 10

NARROWER = 32
"""By how much smaller the pieces of a page are: with 1000 packages a page, 31 and then single ones."""

SKIPPED_AT_MOST = 3
"""Records or packages, one after the other, that may fail before the portal is held to have failed."""

CLIENT_ERRORS = (
    errors.CKANAPIError,
    errors.ServerIncompatibleError,
    # Where CKAN itself is installed, ckanapi raises CKAN's own errors, which are not of its family.
    errors.NotAuthorized,
    errors.NotFound,
    errors.ValidationError,
    errors.SearchError,
    errors.SearchQueryError,
    errors.SearchIndexError,
    # What it lets through of an answer without a result, or nested too deeply.
    KeyError,
    RecursionError,
)

Walk: TypeAlias = Generator[RawRecord | Issue, None, "Walked"]


class Options(Struct, frozen=True):
    """What a source of kind ``ckan`` may say in its ``options``; those of the translation stand beside them."""

    api_root: str | None = None
    """The action API, where it is not ``api/3/action/`` under the source's address."""
    api_key: str | None = None
    page_size: int = 1000
    """CKAN's own limit since 2.8; a portal that gives fewer is followed at its own pace."""
    max_records: int | None = None
    fq: str | None = None
    """A Solr filter of one's own, e.g. ``dataset_type:dataset``."""
    organizations_include: tuple[str, ...] = ()
    organizations_exclude: tuple[str, ...] = ()
    groups_include: tuple[str, ...] = ()
    groups_exclude: tuple[str, ...] = ()

    @property
    def chooses(self) -> bool:
        """Whether only some organisations or groups are wanted."""
        return any(
            (self.organizations_include, self.organizations_exclude, self.groups_include, self.groups_exclude)
        )


class Walked(Struct, frozen=True):
    """How one reading of a list went."""

    count: int | None
    """How many packages the portal said the list holds, at its end."""
    shifted: bool
    """Packages were removed or inserted before where we were."""
    skipped: bool
    """Some package could not be had."""


class Place(Struct):
    """Where a reading of a list stands."""

    position: int = 0
    """Packages received or passed over."""
    last: str | None = None
    """The key of the package before, if it has one and was received."""
    skipped: bool = False
    narrowed: list[tuple[int, int]] = []
    """Stretches that were too much at once: where each ends, and how many packages are asked for until then."""

    def rows(self, usual: int) -> int:
        """How many packages to ask for here."""
        while self.narrowed and self.narrowed[-1][0] <= self.position:
            self.narrowed.pop()
        return self.narrowed[-1][1] if self.narrowed else usual


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """Everything, or what changed since a day before ``since``; everything as well where a portal cannot tell."""
    options = _options(source)
    listed = _listed(Portal(source, options, http), since)
    if options.max_records is None:
        return (yield from listed)
    for _ in range(options.max_records):
        try:
            yield next(listed)
        except StopIteration as end:
            listing: Listing = end.value
            return listing
    return Listing(partial=True)


def _options(source: Source) -> Options:
    try:
        return msgspec.convert(source.options, Options)
    except msgspec.ValidationError as error:
        raise SourceInvalid(f"options: {error}", url=source.url) from error


class Portal:
    """One CKAN and what was found out about it so far."""

    def __init__(self, source: Source, options: Options, http: Http) -> None:
        self.root = (options.api_root or f"{source.url.rstrip('/')}/api/3/action").rstrip("/") + "/"
        self.options = options
        self.rows = options.page_size
        self.sort = SORTS[0]
        self.seen: set[str | bytes] = set()
        """Keys of the packages met (the package itself, if it has none); each is given once, however often it comes
        while the list moves."""
        self.left_out = 0
        """Packages that the portal counts and we do not: private, deleted, of an organisation not wanted."""
        self._http = http
        key = options.api_key
        self._headers = {"Authorization": key, "X-CKAN-API-Key": key} if key else {}
        self._client = ckanapi.RemoteCKAN(self.root, apikey=key, session=http.session, get_only=True)
        self._client.base_url = ""

    def page(self, fq: str = "", *, start: int = 0, rows: int | None = None, sort: str | None = None) -> Page:
        """A page of the search."""
        parameters: dict[str, str | int] = {"q": "", "sort": sort or self.sort, "start": start}
        parameters["rows"] = self.rows if rows is None else rows
        if query := " ".join(filter(None, (self._filters(), fq))):
            parameters["fq"] = query
        url = f"{self.root}package_search"
        return ckan_answers.page(ckan_answers.asked(self._http, url, parameters, self._headers))

    def package(self, name: str) -> RawRecord:
        """One package by its name."""
        url = f"{self.root}package_show"
        response = ckan_answers.asked(self._http, url, {"id": name}, self._headers)
        return RawRecord(body=ckan_answers.package(response), url=response.url)

    def call(self, action: str, parameters: Mapping[str, str | int]) -> Any:
        """The result of a small question, through ckanapi."""
        try:
            return self._client.call_action(action, dict(parameters))
        except CLIENT_ERRORS as error:
            raise PortalAnsweredError(f"{action}: {str(error)[:300]}", url=f"{self.root}{action}") from error

    def given(self, body: bytes, url: str | None) -> RawRecord | None:
        """A package as a record, the first time it is met and if it is wanted."""
        head = ckan_answers.head(body)
        key = head.key or body
        if key in self.seen:
            return None
        self.seen.add(key)
        if head.state == "deleted":
            self.left_out += 1
            return RawRecord(body=body, url=url, withdrawn=True)
        if head.private is True or not self._wants(body):
            self.left_out += 1
            return None
        return RawRecord(body=body, url=url)

    def _wants(self, body: bytes) -> bool:
        # Asked for in the search too; a portal that ignores filters, or has no search, must not slip them in.
        # Where a package does not name its organisation, the search alone can tell.
        options = self.options
        if not options.chooses:
            return True
        owner = ckan_answers.membership(body)
        organization, groups = owner.organization_names, owner.group_names
        include = () if owner.organization_unnamed else options.organizations_include
        return (
            (not include or not organization.isdisjoint(include))
            and organization.isdisjoint(options.organizations_exclude)
            and (not options.groups_include or not groups.isdisjoint(options.groups_include))
            and groups.isdisjoint(options.groups_exclude)
        )

    def _filters(self) -> str:
        options = self.options
        filters = (
            ("organization", options.organizations_include),
            ("-organization", options.organizations_exclude),
            ("groups", options.groups_include),
            ("-groups", options.groups_exclude),
        )
        asked = [f"{field}:({' OR '.join(map(quoted, names))})" for field, names in filters if names]
        return " ".join(filter(None, (options.fq, *asked)))


def quoted(name: str) -> str:
    """A name as Solr reads one."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _listed(portal: Portal, since: datetime | None) -> Records:
    if since is not None:
        changes = yield from _changes(portal, since - OVERLAP)
        if changes is not None:
            return changes
    try:
        first = _first_page(portal)
    except (PortalAnsweredError, PortalNotUnderstood, PortalTimedOut) as refusal:
        return (yield from _one_by_one(portal, refusal))
    walked = yield from _walk_or_split(portal, first)
    missing = walked.count is not None and len(portal.seen) < walked.count
    if not walked.skipped and (walked.shifted or missing):
        # The list moved under us, so some package may have slipped from a page not read to one already read.
        walked = yield from _walk(portal, "", portal.page())
    return Listing(declared=None if walked.count is None else max(0, walked.count - portal.left_out))


def _changes(portal: Portal, floor: datetime) -> Generator[RawRecord | Issue, None, Listing | None]:
    """What changed since ``floor``; None when the portal cannot tell, so that everything must be read."""
    query = f"metadata_modified:[{floor.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} TO *]"
    try:
        first = _first_page(portal, query)
    except PortalAnsweredError as error:
        if error.status in REFUSED:
            yield Issue(code="portal.date-filter-ignored", url=error.url, seen=error.seen, detail=error.detail)
        return None
    except (PortalNotUnderstood, PortalTimedOut):
        return None
    moments = [moment for body in first.results if (moment := ckan_answers.head(body).modified) is not None]
    if moments and min(moments) < floor:
        yield Issue(code="portal.date-filter-ignored", url=first.url, seen=str(min(moments)))
        return None
    if not first.results:
        newest = portal.page(rows=1, sort="metadata_modified desc").results
        moment = ckan_answers.head(newest[0]).modified if newest else None
        if moment is not None and moment >= floor:
            yield Issue(code="listing.date-filter-wrong", url=first.url, seen=str(moment))
        # Nothing changed; but of a portal that lists nothing at all everything is to be heard.
        return Listing(partial=True) if newest and (moment is None or moment < floor) else None
    yield from _walk(portal, query, first)
    return Listing(partial=True)


def _first_page(portal: Portal, fq: str = "") -> Page:
    """The first page; asked for once more, smaller or in another order, where the portal does not bear it."""
    try:
        return portal.page(fq)
    except (PortalTimedOut, AnswerTooLarge):
        portal.rows = LIGHT_ROWS
    except PortalAnsweredError as error:
        if error.status in HEAVY:
            portal.rows = LIGHT_ROWS
        elif error.status in REFUSED:
            portal.sort = SORTS[1]
        else:
            raise
    return portal.page(fq)


def _walk_or_split(portal: Portal, first: Page) -> Walk:
    """Everything; organisation by organisation where the portal refuses pages far down its list."""
    try:
        return (yield from _walk(portal, "", first))
    except PortalAnsweredError as refusal:
        if refusal.status not in REFUSED:
            raise
        facets: dict[str, str | int] = {"rows": 0, "facet.field": '["organization"]', "facet.limit": -1}
        held = portal.call("package_search", facets)
    names = ckan_answers.facet(held, "organization")
    for query in [*(f"organization:{quoted(name)}" for name in names), "-organization:[* TO *]"]:
        yield from _walk(portal, query, portal.page(query))
    return Walked(first.count, shifted=False, skipped=False)


def _walk(portal: Portal, fq: str, page: Page) -> Walk:
    """The packages of a list from its first page on, by packages received: a portal may give fewer than asked for.

    Each page asked for begins with the last package of the one before: where another stands there, the list has
    moved. Raises PagingBroken when a page is the one before it again.
    """
    place = Place()
    shifted = False
    keys: list[str | None] = []
    expected: str | None = None
    while True:
        before, keys = keys, [ckan_answers.head(body).key for body in page.results]
        if len(keys) > 1 and keys == before:
            raise PagingBroken("a page is the same as the one before", url=page.url, seen=f"at {place.position}")
        repeated = 1 if expected is not None and keys[:1] == [expected] else 0
        shifted = shifted or (expected is not None and not repeated)
        for body in page.results[repeated:]:
            record = portal.given(body, page.url)
            if record is not None:
                yield record
        place.position += len(keys) - repeated
        if len(keys) == repeated or (page.count is not None and place.position >= page.count):
            return Walked(page.count, shifted, place.skipped)
        place.last = keys[-1]
        page, expected = yield from _next_page(portal, fq, place)


def _next_page(
    portal: Portal, fq: str, place: Place
) -> Generator[RawRecord | Issue, None, tuple[Page, str | None]]:
    """The page at a place, and the key it should begin with.

    A page that is too much for the portal is asked for in ever smaller pieces; a package that it cannot give even
    alone is complained of and passed over.
    """
    failed = 0
    while True:
        rows = place.rows(portal.rows)
        expected = place.last if rows > 1 else None
        try:
            page = portal.page(fq, start=place.position - (expected is not None), rows=rows)
        except (AnswerTooLarge, PortalTimedOut, PortalAnsweredError) as error:
            if isinstance(error, PortalAnsweredError) and error.status not in HEAVY:
                raise
            if rows > 1:
                place.narrowed.append((place.position + rows, max(1, rows // NARROWER)))
                continue
            failed += 1
            if failed > SKIPPED_AT_MOST:
                raise
            yield error.issue()
            place.position, place.last, place.skipped = place.position + 1, None, True
        else:
            return page, expected


def _one_by_one(portal: Portal, refusal: HarvestError) -> Records:
    """Every package by its name, where there is no search. Raises ``refusal`` where there is no list either."""
    try:
        names = portal.call("package_list", {})
    except HarvestError as error:
        raise refusal from error
    if not isinstance(names, list):
        raise refusal
    gone = failed = 0
    for name in names:
        if not isinstance(name, str):
            continue
        try:
            package = portal.package(name)
        except PortalAnsweredError as error:
            if error.status in (404, 410):
                gone += 1
                continue
            failed += 1
            if failed > SKIPPED_AT_MOST:
                raise
            yield error.issue()
            continue
        except PortalBlocked:
            # Listed, but for others to see.
            portal.left_out += 1
            continue
        failed = 0
        record = portal.given(package.body, package.url)
        if record is not None:
            yield record
    return Listing(declared=len(names) - gone - portal.left_out)
