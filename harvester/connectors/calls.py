"""Puts the questions that a profile describes, page by page and record by record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from harvester import answers, instants, shapes
from harvester.connectors.recognition import recognised
from harvester.errors import (
    PagingBroken, PortalAnsweredError, PortalNotUnderstood, RobotsRefused, SourceInvalid,
)
from harvester.families import Call, DetailCall, Family, ListCall, family, filled
from harvester.http import Http, Response, Robots
from harvester.http.addresses import led_to
from harvester.nativekeys import known
from harvester.records import Listing, RawRecord, Records
from harvester.undecided import decided_by
from portal.catalog.model import Issue, Source

PATIENCE = 10
"""Details in a row that are none before the portal itself is taken to have changed."""

OVERLAP = timedelta(days=1)
"""How far before ``since`` a portal's own word of a change still counts: many give the day alone, some a wrong zone."""


def records(source: Source, http: Http, since: datetime | None) -> Records:
    """The records of every listing of the source's profile.

    A record is the JSON object as listed, or where a detail call is made ``{"list": …, "detail": …}``. Where the
    portal sorts by change, ``since`` ends the listing early. Raises PortalNotUnderstood where the portal's shape is
    another, PagingBroken where a page comes again.
    """
    return (yield from recognised(source, _listings(source, http, since)))


def _listings(source: Source, http: Http, since: datetime | None) -> Records:
    profile = family(source)
    declared: int | None = 0
    partial = False
    robots = _robots(source, http)
    for call in _lists(source, profile):
        listing = yield from _Questions(source, profile, call, http, robots).listing(since)
        partial = partial or listing.partial
        declared = None if declared is None or listing.declared is None else declared + listing.declared
    return Listing(declared=declared, partial=partial)


def first_page(source: Source, http: Http, variables: Mapping[str, Any] = {}) -> Page:  # noqa: B006
    """The first page of a source's first list, asked with further variables. Raises HarvestError as a harvest would."""
    profile = family(source)
    profile = msgspec.structs.replace(profile, variables={**variables, **profile.variables})
    call = _lists(source, profile)[0]
    return _Questions(source, profile, call, http, _robots(source, http)).page(0, 0)


def first_records(
    source: Source, http: Http, page: Page, variables: Mapping[str, Any] = {}, *, most: int,  # noqa: B006
) -> list[RawRecord | Issue]:
    """The first records of a page, each asked for as in a harvest. Raises HarvestError as a harvest would."""
    profile = family(source)
    profile = msgspec.structs.replace(profile, variables={**variables, **profile.variables})
    questions = _Questions(source, profile, _lists(source, profile)[0], http, _robots(source, http))
    return [item for record in page.records[:most] for item in questions.record(record, page.url)]


def _lists(source: Source, profile: Family) -> list[ListCall]:
    calls = [call for call in profile.listings.values() if not call.left_out]
    if not calls:
        raise SourceInvalid("options.listings names no list to ask for", url=source.url)
    return calls


def _robots(source: Source, http: Http) -> Robots | None:
    """What the portal's robots.txt allows; None where its owner does."""
    return None if source.options.get("permitted_by") else Robots(http)


class Page(NamedTuple):
    """One page of a list."""

    records: list[dict[str, Any]]
    total: int | None
    """Records of the whole list, as far as it says."""
    pages: int | None
    unstated: PortalNotUnderstood | None
    """Why neither is known although the profile says where one of them stands."""
    url: str
    said: Any
    """The whole answer."""

    def stating_as(self, earlier: Page) -> Page:
        """This page with the numbers of an earlier one: some portals state them on the first alone."""
        return self._replace(total=earlier.total, pages=earlier.pages, unstated=earlier.unstated)


class _Order:
    """Whether a list goes from the newest on, as far as it was read."""

    def __init__(self) -> None:
        self.holds = True
        self.oldest = datetime.max.replace(tzinfo=UTC)

    def broken_by(self, moments: Sequence[datetime | None], field: str | None, url: str) -> Iterator[Issue]:
        """Reads on; an issue the first time that a moment is newer than one before it, or is none."""
        for moment in moments:
            if self.holds and (moment is None or moment - OVERLAP > self.oldest):
                self.holds = False
                yield Issue(code="listing.order-ignored", field=field, url=url, seen=str(moment))
            if moment is not None:
                self.oldest = min(self.oldest, moment)


class _Questions:
    """The questions about one list of one portal."""

    def __init__(self, source: Source, profile: Family, call: ListCall, http: Http, robots: Robots | None) -> None:
        self._source = source
        self._profile = profile
        self._call = call
        self._http = http
        self._robots = robots
        self._zone = ZoneInfo(source.timezone)
        self._decided = decided_by(source)
        self._refused = 0
        """Details in a row that were none."""

    def listing(self, since: datetime | None) -> Records:
        call = self._call
        floor = None if since is None or call.newest_first is None else since - OVERLAP
        order = _Order()
        read: set[bytes] = set()
        received = 0
        last: Page | None = None
        """The last page that held records; its numbers are the last that were stated."""
        for number in count():
            page = self.page(number, received)
            listed = page.records
            digest = hashlib.blake2b(_encoded(listed), digest_size=16).digest()
            if not listed or digest in read:
                self._expect_end(number, received, page, last)
                break
            last = page if last is None or page.unstated is None else page.stating_as(last)
            read.add(digest)
            received += len(listed)
            if floor is None:
                fresh = listed
            else:
                moments = [self._moment(record) for record in listed]
                # A record whose moment is not understood may have changed.
                fresh = [each for each, moment in zip(listed, moments, strict=True) if moment is None or moment >= floor]
                yield from order.broken_by(moments, call.newest_first, page.url)
            for record in fresh:
                yield from self.record(record, page.url)
            if floor is not None and order.holds and order.oldest < floor:
                return Listing(partial=True)
            if not call.paged or self._is_end(number, received, last):
                break
        if last is not None and last.unstated is not None:
            raise last.unstated
        if last is None:
            return Listing(declared=0, partial=floor is not None)
        if last.total is not None and received > last.total:
            yield Issue(code="listing.total-wrong", url=self._http.shown(last.url), seen=f"{last.total}/{received}")
        return Listing(declared=last.total, partial=floor is not None)

    def _is_end(self, number: int, received: int, page: Page) -> bool:
        """Whether this page was the last by what the portal states.

        A total that the first page fills may be that of the page, and one that is exceeded is wrong: then only a page
        without anything new is the end.
        """
        if number == 0 and received >= self._call.page_size:
            return False
        return received == page.total if page.total is not None else number + 1 == page.pages

    def page(self, number: int, received: int) -> Page:
        """The page of this number, from 0, when so many records were received before it."""
        call = self._call
        places = {"page": call.first_page + number, "offset": received, "size": call.page_size}
        response = self._ask(call, {**self._profile.variables, **places}.__getitem__)
        said, url = answers.document(call, response), response.url
        listed = answers.listed(call, said, url)
        try:
            total, pages = (
                answers.number(said, path, call.total_match, url) if path else None
                for path in (call.total, call.pages)
            )
        except PortalNotUnderstood as error:
            if call.values:
                # Selectors find something in any page: one that lacks the number is another page.
                raise
            return Page(listed, None, None, error, url, said)
        return Page(listed, total, pages, None, url, said)

    def _expect_end(self, number: int, received: int, page: Page, last: Page | None) -> None:
        """Whether a page that holds nothing, or nothing new, may be the end.

        Raises PortalNotUnderstood where it is the first and nothing says that the list is empty, PagingBroken where
        more is stated than was received.
        """
        if last is None:
            if page.total != 0 and page.pages != 0:
                where = self._call.records
                stated = "no total" if page.total is None else f"a total of {page.total}"
                reason = shapes.reason(page.said)
                told = f"no record at {where}, with {stated}" + (f"; the portal says: {reason[:200]}" if reason else "")
                raise PortalNotUnderstood(told, url=page.url, seen=str(page.said)[:200])
            return
        if last.total is not None:
            is_due = received >= last.total
        else:
            is_due = last.pages is not None and number >= last.pages
        if page.records and not is_due:
            told = "a page repeats an earlier one" + (f"; {last.unstated.detail}" if last.unstated else "")
            raise PagingBroken(told, url=page.url, seen=f"page {number + 1}")
        # A portal that counts one page too many has still given all of them.
        if last.total is None and last.pages is not None and number + 1 < last.pages:
            raise PagingBroken(f"page {number + 1} of {last.pages} holds nothing", url=page.url)

    def _moment(self, record: Mapping[str, Any]) -> datetime | None:
        said = answers.known(record, self._call.newest_first or "")
        return None if said is None else instants.instant(str(said), self._zone)

    def record(self, record: Mapping[str, Any], url: str) -> Iterator[RawRecord | Issue]:
        """The record of one entry of a list, with its detail where there is one, and what is wrong with it."""
        of = self._call
        if of.detail is None and of.detail_by is None:
            yield RawRecord(body=_encoded(record), url=self._http.shown(url))
            return
        word = None if of.detail_by is None else answers.known(record, of.detail_by)
        call = of.detail_for("" if word is None else str(word))
        detail: dict[str, Any] | None = None
        if call is None:
            known = f"{of.detail_by} says none of {', '.join(of.details)}"
            yield Issue(code="record.not-usable", url=self._http.shown(url), seen=repr(word), detail=known)
        else:
            try:
                response = self._ask(call, partial(_in_record, record, self._profile.variables))
                told = answers.detailed(call, answers.document(call, response), response.url)
                self._expect_known(call, told, response.url)
                detail = told
                self._refused, url = 0, response.url
            except (PortalAnsweredError, PortalNotUnderstood) as error:
                self._refused += 1
                is_gone = getattr(error, "status", None) in (None, 404, 410)
                if not is_gone or self._refused >= PATIENCE:
                    raise
                yield Issue(code="record.not-usable", url=error.url, seen=error.seen, detail=error.detail)
        # Still listed even without its detail: it then has no title, and the dataset stands as it last was.
        yield RawRecord(body=_encoded({"list": record, "detail": detail}), url=self._http.shown(url))

    def _expect_known(self, call: DetailCall, detail: Mapping[str, Any], url: str) -> None:
        """Raises PortalNotUnderstood where a page has pairs and not one of their keys is known: its cells have shifted."""
        keys = [key for key in detail if key not in call.values] if call.pairs else []
        if keys and not any(f"{self._profile.native}.{key}" in self._decided or known(key) for key in keys):
            raise PortalNotUnderstood("no key of the page is known", url=url, seen=", ".join(keys)[:500])

    def _ask(self, call: Call, value_of: Callable[[str], Any]) -> Response:
        try:
            path = address(call.path, value_of)
            url = led_to(self._source.url.rstrip("/") + "/", path)
            if url is None:
                raise PortalNotUnderstood("no address", url=self._source.url, seen=path)
            query, body = filled(call.query, value_of), filled(call.body, value_of)
            # A record may lead to another host, which is no business of the portal's keys.
            is_home = urlsplit(url).netloc == urlsplit(self._source.url).netloc
            headers = filled(self._profile.headers, value_of) if is_home else {}
        except KeyError as error:
            raise PortalNotUnderstood(
                f"{call.path}: no value for {error.args[0]}, neither in the record nor in options.variables",
                url=self._source.url,
            ) from error
        asked = f"{url}?{urlencode(_texts(query))}" if query else url
        if call.answer == "html" and self._robots is not None and not self._robots.allow(asked):
            raise RobotsRefused("it keeps programs away from this page", url=self._http.shown(asked))
        if call.method == "GET":
            return self._http.get(url, params=_texts(query), headers=headers)
        url = asked
        if call.encoding == "json":
            return self._http.post(url, json=body, headers=headers)
        if call.encoding == "form":
            return self._http.post(url, data=_texts(body), headers=headers)
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._http.post(url, data=quote(_encoded(body), safe="").encode(), headers=form)


def address(path: str, value_of: Callable[[str], Any]) -> str:
    """The path with its placeholders filled and quoted; one that is nothing else is an address already."""
    filled_in = filled(path, value_of)
    is_address = isinstance(filled_in, str) and path.startswith("{") and path.endswith("}") and path.count("{") == 1
    return filled_in if is_address else str(filled(path, lambda name: quote(str(value_of(name)), safe="")))


def _in_record(record: Mapping[str, Any], variables: Mapping[str, Any], name: str) -> Any:
    """The value of a placeholder: a variable, or what stands at that path of the record; KeyError without one."""
    found = variables.get(name, answers.known(record, name))
    if found is None:
        raise KeyError(name)
    return found


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    """The members of a form or query; an object or a list in one of them is JSON text."""
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else str(value)
        for name, value in (values or {}).items()
    }


def _encoded(value: Any) -> bytes:
    """The same bytes whenever the portal says the same, in whatever order it says it."""
    return msgspec.json.encode(value, order="deterministic")
