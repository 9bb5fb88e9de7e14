"""How often one client may ask for what is dear, and how much of it is worked on at a time.

Robots follow every combination of facets: each is an address of its own, all lead to the same datasets, and none is in any
cache. Two bounds keep them from taking the site from its readers. One client has a budget of narrowed searches, by its
address; and of what is dearest a process works on a few at a time, so that threads are left for everything else, however
many clients there are. Both count for one process: a client that reaches several has the budget in each. Searches of clients
that cannot be told from one another, behind a proxy that we were not told of, know neither bound.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from threading import BoundedSemaphore, Lock

from flask import Flask, Response, g, request

from portal.settings import Settings
from portal.web.answers import problem
from portal.web.asking import FILTERS, SEARCHES
from portal.web.ckan import views as ckan
from portal.web.errors import error_page

log = logging.getLogger(__name__)

NARROWED = frozenset((
    "search.search", "feeds.datasets", "downloads.csv", "downloads.jsonl", "downloads.data_json", "catalogue.catalog",
    "native.datasets", "asking_for_data.form",
))
"""What is dear where a search narrows it down; the whole catalogue may be read as fast as it goes."""

COMPARED = frozenset(("changes", "digests"))
"""Blueprints that are dear whatever they are asked: two days are assessed while somebody waits."""

COMPARED_AT_ONCE = 2
"""Pages that compare days, in each process: each takes seconds."""

COMBINED_AT_ONCE = 6
"""Searches that combine facets, in each process: of its threads two are left for everything else. Of readers there are
never so many at the same moment, for a search takes some hundredths of a second."""

COMBINED = 2
"""Values of facets from which on a search is one of the combinations that robots follow by the thousand."""

RETRY_S = 5
"""When to come back where the dearest pages are being made."""

MOST_CLIENTS = 10_000
"""Remembered at a time; beyond, those that asked longest ago are forgotten."""

TELL_EVERY_S = 60.0
"""How often the log tells of clients that are refused."""

_TITLES = {429: "Too many searches", 503: "Busy"}

_PAGES = {429: "429", 503: "busy"}

_FULL_AFTER_S = 60.0
"""A budget that was used up is whole again after so long."""


class Budgets:
    """What each client has left. A budget fills steadily, to as much as a minute brings. Safe between threads."""

    def __init__(self, a_minute: int) -> None:
        self._costs_s = _FULL_AFTER_S / a_minute
        self._lock = Lock()
        self._empty_until: OrderedDict[str, float] = OrderedDict()
        """Of each client: when its budget will be whole again. By when they asked last."""

    def wait_s(self, client: str, now: float) -> float | None:
        """Takes one question from the budget of ``client``; where nothing is left, how long until there is."""
        with self._lock:
            whole_at = max(self._empty_until.pop(client, now), now) + self._costs_s
            over_s = whole_at - now - _FULL_AFTER_S
            self._empty_until[client] = whole_at if over_s <= 0 else whole_at - self._costs_s
            if len(self._empty_until) > MOST_CLIENTS:
                self._empty_until.popitem(last=False)
        return over_s if over_s > 0 else None


class Telling:
    """Whether it is time to tell something again. Safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0.0

    def is_due(self, now: float) -> bool:
        """Once in ``TELL_EVERY_S``."""
        with self._lock:
            due = now >= self._next
            if due:
                self._next = now + TELL_EVERY_S
            return due


def limit(app: Flask, settings: Settings, machines: Collection[str], now: Callable[[], float] = time.monotonic) -> None:
    """Puts both bounds on ``app``. ``machines`` are the blueprints whose errors are read by programs."""
    compared, combined, telling = BoundedSemaphore(COMPARED_AT_ONCE), BoundedSemaphore(COMBINED_AT_ONCE), Telling()
    budgets = Budgets(settings.searches_a_minute) if settings.searches_a_minute else None

    @app.before_request
    def admit() -> Response | None:
        if not is_dear():
            return None
        at, client = now(), client_of_request()
        wait_s = budgets.wait_s(client, at) if budgets is not None and client is not None else None
        if wait_s is not None:
            if telling.is_due(at):
                log.warning("%s asks too often and is refused; if it is a proxy of yours, set NACHUAN_PROXIES", client)
            return _refused(429, int(wait_s) + 1, machines)
        turns = compared if is_compared() else combined if client is not None and is_combined() else None
        if turns is not None:
            if not turns.acquire(blocking=False):
                return _refused(503, RETRY_S, machines)
            g.turn = turns
        return None

    @app.teardown_request
    def give_back(_: BaseException | None) -> None:
        turn: BoundedSemaphore | None = g.pop("turn", None)
        if turn is not None:
            turn.release()


def is_dear() -> bool:
    """Whether the request counts."""
    return is_compared() or ckan.is_dear() or (request.endpoint in NARROWED and any(map(request.args.get, SEARCHES)))


def is_compared() -> bool:
    """Whether days are compared while somebody waits."""
    return request.blueprint in COMPARED


def is_combined() -> bool:
    """Whether it is a search that combines facets."""
    filters = sum(len(request.args.getlist(name)) for name in FILTERS)
    return ckan.is_combined() or (request.endpoint in NARROWED and filters >= COMBINED)


def client_of_request() -> str | None:
    """Who asks, as far as budgets tell clients apart; None for whoever cannot be told.

    An IPv6 client has 2^64 addresses, and is one client. An address that is not public, and was not told by a proxy that
    we know of, is that of a proxy or of the machine itself: everybody would share one budget.
    """
    text = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    before_proxies = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR", text)
    if before_proxies == text and not address.is_global:
        return None
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def _refused(code: int, retry_s: int, machines: Collection[str]) -> Response:
    if request.blueprint in machines:
        response = problem(code, _TITLES[code], "Come back after as many seconds as Retry-After says.")
        response.headers["Cache-Control"] = "no-store"
    else:
        response = error_page(code, _PAGES[code])
    response.headers["Retry-After"] = str(retry_s)
    return response
