"""Finds out which family of Chinese portals answers at an address: each is asked for its first list."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

import schemas
from harvester import answers
from harvester.connectors.calls import Page, first_page
from harvester.errors import AddressRefused, HarvestError, PortalNotUnderstood
from harvester.families import Family, family
from harvester.http import Http
from portal.catalog.model import Source


class Familiar(Struct, frozen=True):
    """A family whose list was found."""

    name: str
    profile: Family
    url: str
    """The source's address: what the profile's paths begin from."""
    page: Page
    source: Source
    """As which it was asked."""


class Strange(Struct, frozen=True):
    """A family whose list is not there, and why."""

    name: str
    url: str
    why: HarvestError


def familiar(url: str, http: Http) -> Iterator[Familiar | Strange]:
    """Every family's answer at an address, from its folder up to the host, until one is recognised.

    Raises AddressRefused where the address itself may not be asked.
    """
    for name in schemas.families():
        for place in _places(url, schemas.family(name).get("recognition", {}).get("roots", ("",))):
            found = _recognised(name, place, http)
            yield found
            if isinstance(found, Familiar):
                return


def _places(url: str, roots: tuple[str, ...]) -> list[str]:
    """The folder of an address, the one above, and the host, each with all roots; none twice."""
    path = urlsplit(url).path
    last = path.rpartition("/")[2]
    folder = urljoin(url, "." if last == "" or "." in last else f"{last}/")
    folders = (folder, urljoin(folder, ".."), urljoin(folder, "/"))
    return list(dict.fromkeys(urljoin(each, root) for each in folders for root in roots))


def _recognised(name: str, url: str, http: Http) -> Familiar | Strange:
    kind = schemas.family(name)["kind"]
    source = Source(id="probe", title=name, kind=kind, url=url, options={"family": name})
    profile = family(source)
    if profile.recognition is None:
        return Strange(name, url, PortalNotUnderstood("the family has no marks to be recognised by", url=url))
    try:
        page = first_page(source, http, profile.recognition.variables)
        _expect_marks(page, profile.recognition.marks)
    except AddressRefused:
        raise
    except HarvestError as error:
        return Strange(name, url, error)
    return Familiar(name, profile, url, page, source)


def _expect_marks(page: Page, marks: tuple[str, ...]) -> None:
    if not page.records:
        raise PortalNotUnderstood("its list is empty", url=page.url)
    for record in page.records:
        for mark in marks:
            if answers.known(record, mark) in (None, ""):
                raise PortalNotUnderstood(f"a listed record has no {mark}", url=page.url, seen=str(record)[:200])
