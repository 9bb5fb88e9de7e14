"""What every command works with: the settings of this installation, its catalogue, its index, its way out."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from harvester import counting, sourcefiles
from harvester.connectors import CONNECTORS
from harvester.errors import SourceInvalid
from harvester.http import Http, Pacing, Validators
from harvester.intake import Progress
from harvester.link_answers import LIMITS as LINK_LIMITS
from harvester.link_answers import Answer, ask
from harvester.links import Plan, Round, allowance, check
from harvester.pipeline import harvest
from harvester.records import Records
from harvester.rereading import reread_decided
from portal.catalog.assessments import AssessmentMoved
from portal.catalog.link_uses import host_of
from portal.catalog.links import Address
from portal.catalog.model import Run, Source
from portal.catalog.store import Catalog
from portal.highvalue import following as high_value
from portal.scorecard import keeping
from portal.scorecard.assess import catch_up as assess_changes
from portal.search import indexing
from portal.search.engines import open_index
from portal.search.query import SearchIndex
from portal.settings import Settings, from_environment

log = logging.getLogger(__name__)

NO_VALIDATORS: Mapping[str, Validators] = MappingProxyType({})


def settings() -> Settings:
    """The settings the environment gives."""
    return from_environment(os.environ)


DATABASE_PATIENCE_S = 60.0
"""How long a harvest waits for a database that restarts."""


@contextmanager
def catalog(patience_s: float = 0.0) -> Iterator[Catalog]:
    """The catalogue, whose tables must be those of this version; a database that is away is waited for so long."""
    opened = Catalog(settings().database_url, patience_s=patience_s)
    try:
        opened.check()
        yield opened
    finally:
        opened.close()


@contextmanager
def index(given: Settings) -> Iterator[SearchIndex]:
    """The search index."""
    opened = open_index(given.search_url, given.home)
    try:
        yield opened
    finally:
        opened.close()


def follow_index(catalog: Catalog, given: Settings) -> int:
    """Brings the search index up to the catalogue; how many changes it followed."""
    with index(given) as opened:
        return indexing.catch_up(catalog, opened)


def follow(catalog: Catalog, given: Settings) -> None:
    """Brings everything that is derived from the catalogue up to it; none keeps the others from being tried."""
    try:
        counting.catch_up(catalog, holder())
    finally:
        # After it, because a dataset counts for the entry that stands for it.
        try:
            _assess(catalog)
        finally:
            try:
                high_value.catch_up(catalog, holder())
            finally:
                # Last, because a search may list each dataset once, and the best first.
                follow_index(catalog, given)


def _assess(catalog: Catalog) -> None:
    try:
        assess_changes(catalog, processes=os.cpu_count() or 1)
    except AssessmentMoved:
        # Another process does the same; what it has not seen is followed the next time.
        log.info("another process is assessing")


def holder() -> str:
    """What this process calls itself where it holds a lease."""
    return f"{socket.gethostname()}:{os.getpid()}"


@cache
def stopping() -> threading.Event:
    """Set when this process is told to end: its harvests then ask nothing more, and wait for nothing."""
    return threading.Event()


def way_out(source: Source, given: Settings, validators: Mapping[str, Validators] = NO_VALIDATORS) -> Http:
    """An Http as gentle as the source wants; all of a process take turns at a host."""
    return Http(
        requests_per_second=source.politeness.requests_per_second,
        allow_private=given.allow_private,
        validators=validators,
        pacing=_pacing(),
        trust=source.trust,
        secrets=sourcefiles.secrets(source, os.environ),
        stop=stopping(),
    )


@cache
def _pacing() -> Pacing:
    return Pacing(sleep=stopping().wait)


def harvest_source(
    catalog: Catalog,
    source: Source,
    given: Settings,
    *,
    full: bool = False,
    environment: Mapping[str, str] = os.environ,
    progress: Progress = lambda counts: None,
) -> Run:
    """One run of one source with the connector of its kind; its secrets reach the connector only."""

    def records(source: Source, http: Http, since: Any) -> Records:
        try:
            filled = sourcefiles.with_secrets(source, environment)
        except sourcefiles.SourceInvalid as error:
            # One source's missing secret is its own run's failure, not that of the sources after it.
            raise SourceInvalid(str(error), url=source.url) from error
        return CONNECTORS[source.kind](filled, http, since)

    return harvest(
        source, catalog, records, partial(way_out, source, given), holder=holder(), full=full, progress=progress
    )


def follow_decisions(catalog: Catalog, source: Source) -> None:
    """Makes what stands of a source follow what people decided about publishers' names."""
    reread_decided(source, catalog, holder=holder())


LINK_RATE = 1.0
"""Questions a second to a host that no source says anything about."""

LINK_ROUND_S = 50.0
"""How long one round of the schedule's link checker lasts at most."""


def check_links(
    catalog: Catalog,
    given: Settings,
    plan: Plan = Plan(),
    *,
    stop: threading.Event | None = None,
    progress: Callable[[Round], None] = lambda so_far: None,
) -> Round:
    """One round of the link checker, as gentle to each host as its source wants; first the change log is followed."""
    catalog.links.catch_up()
    rates = link_rates(entry.source for entry in catalog.sources.all())
    with ExitStack() as stack:
        # One way out for each rate, not for each host: the hosts are as many as the publishers.
        ways = {
            rate: stack.enter_context(
                Http(
                    requests_per_second=rate,
                    allow_private=given.allow_private,
                    limits=LINK_LIMITS,
                    pacing=_pacing(),
                    stop=stopping(),
                )
            )
            for rate in {LINK_RATE, *rates.values()}
        }

        deaf: set[str] = set()

        def asking(address: Address) -> Answer:
            return ask(address, ways[rates.get(address.host, LINK_RATE)], deaf)

        def gap_s(host: str) -> float:
            rate = rates.get(host, LINK_RATE)
            return 1.0 / rate if rate else 0.0

        plan = msgspec.structs.replace(plan, every_days=given.links_every_days, gap_s=gap_s)
        return check(catalog.links, asking, plan, stop=stop, progress=progress)


def link_rates(sources: Iterable[Source]) -> dict[str, float]:
    """Questions a second to each source's host; where several share one, what the gentlest wants. 0: no pause."""
    rates: dict[str, float] = {}
    for source in sources:
        host, rate = host_of(source.url), source.politeness.requests_per_second
        rates[host] = min(filter(None, (rate, rates.get(host))), default=0.0)
    return rates


def check_some_links(catalog: Catalog, given: Settings, stop: threading.Event) -> None:
    """What the schedule does each minute: as many links as the day's allowance has by now, for less than a minute."""
    most = allowance(catalog.links, given.links_a_day, datetime.now(UTC))
    if most:
        check_links(catalog, given, Plan(limit=most, budget_s=LINK_ROUND_S), stop=stop)


def keep_explanations(
    catalog: Catalog, stop: threading.Event, progress: Callable[[int], None] = lambda count: None
) -> int | None:
    """Once a day works out why the scores of large groups changed; how many explanations are kept.

    None where nothing was due, or it was stopped. Raises SourceHeld while another process does it.
    """
    day = keeping.due(catalog, datetime.now(UTC))
    if day is None:
        return None
    return keeping.keep(catalog, day, holder(), processes=os.cpu_count() or 1, stop=stop, progress=progress)


def table(*columns: str) -> Table:
    """A table without walls, for a terminal of 80 columns has little room."""
    made = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for column in columns:
        # Chinese has no spaces to break a line at, and would be cut.
        made.add_column(column, overflow="fold")
    return made


def print_table(table: Table) -> None:
    """A table on standard output; every cell is whole where no terminal is in the way."""
    console = Console()
    (console if console.is_terminal else Console(width=_WIDEST)).print(table)


_WIDEST = 10_000


def print_json(data: Any) -> None:
    """Data for programs, on standard output."""
    click.echo(json.dumps(msgspec.to_builtins(data), ensure_ascii=False, indent=2))
