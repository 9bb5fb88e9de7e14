"""Long lists, page by page."""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from msgspec import Struct


class Paging(Struct, frozen=True):
    """Where in a list a page stands, with the addresses of its neighbours."""

    page: int
    last: int
    previous: str | None
    next: str | None


def paging(page: int, total: int, rows: int, to: Callable[[int], str]) -> Paging:
    """The paging of ``total`` things, ``rows`` a page; ``to`` makes the address of a page."""
    last = max(1, -(-total // rows))
    page = min(page, last)
    return Paging(page, last, to(page - 1) if page > 1 else None, to(page + 1) if page < last else None)


def page_asked() -> int:
    """The page number in the address; 1 where it says none or nothing sensible."""
    text = request.args.get("page", "")
    return max(1, int(text[:9])) if text.isascii() and text.isdigit() else 1
