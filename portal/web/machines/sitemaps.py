"""What search engines are to find, and what they had better leave alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort

from portal.web.addresses import base
from portal.web.answers import answer
from portal.web.documents import dataset_address, publisher_address
from portal.web.site import site
from schemas import high_value_entries, vocabulary

machines = Blueprint("sitemaps", __name__)

PART = 10_000
"""Addresses in one part; the protocol allows 50,000."""

MOST_PUBLISHERS = 40_000

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"

_PAGES = (
    "/", "/datasets", "/high-value", "/publishers", "/regions", "/sources", "/scorecards", "/scorecards/method", "/requests",
    "/about", "/help", "/api",
)

# Every choice of facets is an address of its own: millions of them lead to the same datasets.
_LEAVE_ALONE = (
    "/datasets?",
    "/datasets.csv",
    "/datasets.jsonl",
    "/data.json",
    "/dumps/",
    "/feeds/",
    "/suggestions",
    "/catalog.",
    "/api/",
    "/metrics",
    "/scorecards?",
    # Every place of every entry is an address of its own.
    "/high-value?",
    "/high-value/*?",
    "/requests?",
    "/requests/new",
    "/requests/*/join",
    "/*.csv",
    # Every number of every card leads to a list.
    "/scorecards/*/*/*/",
    # The page itself says the same, and does not start a browser.
    "/*.pdf$",
)


@machines.get("/robots.txt")
def robots() -> Response:
    """The rules for crawlers, in both languages' addresses too."""
    barred = [f"Disallow: {prefix}{path}" for path in _LEAVE_ALONE for prefix in ("", "/zh", "/en")]
    lines = ("User-agent: *", *barred, "", f"Sitemap: {base()}/sitemap.xml", "")
    return answer("\n".join(lines).encode(), "text/plain")


@machines.get("/sitemap.xml")
def sitemap() -> Response:
    """The list of the parts."""
    parts = -(-site().catalog.count() // PART)
    names = ("pages", *map(str, range(1, parts + 1)))
    inside = "".join(f"<sitemap><loc>{escape(f'{base()}/sitemap-{name}.xml')}</loc></sitemap>" for name in names)
    return _xml(f'<sitemapindex xmlns="{_NAMESPACE}">{inside}</sitemapindex>')


@machines.get("/sitemap-<int:number>.xml")
def part(number: int) -> Response:
    """Some of the datasets."""
    found = site().catalog.moments(PART, start=(number - 1) * PART) if 0 < number < 1_000_000 else []
    if not found:
        abort(404)
    return _addresses((dataset_address(base(), id), changed) for id, changed in found)


@machines.get("/sitemap-pages.xml")
def pages() -> Response:
    """Everything else that is a page of its own."""
    overviews = site().overviews
    paths = (
        *_PAGES,
        *(f"/high-value/{id}" for id in high_value_entries()),
        *(f"/themes/{code}" for code in vocabulary("themes").terms),
        *(f"/regions/{code}" for code in overviews.current().figures.regions),
        *(f"/sources/{one.entry.source.id}" for one in overviews.current().sources),
    )
    publishers = [one.publisher.id for one in overviews.publishers()[:MOST_PUBLISHERS] if one.entries]
    addresses = (*(base() + path for path in paths), *(publisher_address(base(), id) for id in publishers))
    return _addresses((address, None) for address in addresses)


def _addresses(found: Iterable[tuple[str, datetime | None]]) -> Response:
    inside = "".join(
        f"<url><loc>{escape(address)}</loc>"
        + (f"<lastmod>{changed.isoformat(timespec='seconds')}</lastmod>" if changed else "")
        + "</url>"
        for address, changed in found
    )
    return _xml(f'<urlset xmlns="{_NAMESPACE}">{inside}</urlset>')


def _xml(element: str) -> Response:
    return answer(f'<?xml version="1.0" encoding="UTF-8"?>\n{element}\n'.encode(), "application/xml")
