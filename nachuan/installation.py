"""What every command works with: the settings of this installation, its catalogue, its index, its way out."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import click
import msgspec

from harvester import sourcefiles
from harvester.connectors import CONNECTORS
from harvester.errors import SourceInvalid
from harvester.http import Http, Pacing, Validators
from harvester.pipeline import Progress, harvest
from harvester.records import Records
from portal.catalog.model import Run, Source
from portal.catalog.store import Catalog
from portal.scorecard.assess import Ways
from portal.search import indexing
from portal.search.engines import open_index
from portal.search.query import SearchIndex
from portal.settings import Settings, from_environment


NO_VALIDATORS: Mapping[str, Validators] = MappingProxyType({})


def settings() -> Settings:
    """The settings the environment gives."""
    return from_environment(os.environ)


@contextmanager
def catalog() -> Iterator[Catalog]:
    """The catalogue, whose tables must be those of this version."""
    opened = Catalog(settings().database_url)
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


def follow(catalog: Catalog, given: Settings) -> int:
    """Brings the search index up to the catalogue; how many changes it followed."""
    with index(given) as opened:
        return indexing.catch_up(catalog, opened)


def ways() -> Ways:
    """What an assessment asks besides the datasets: answers of addresses, copies of one another. Neither is kept yet."""
    return Ways()


def way_out(source: Source, given: Settings, validators: Mapping[str, Validators] = NO_VALIDATORS) -> Http:
    """An Http as gentle as the source wants; all of a process take turns at a host."""
    return Http(
        requests_per_second=source.politeness.requests_per_second,
        allow_private=given.allow_private,
        validators=validators,
        pacing=_pacing(),
        secrets=sourcefiles.secrets(source, os.environ),
    )


@cache
def _pacing() -> Pacing:
    return Pacing()


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

    holder = f"{socket.gethostname()}:{os.getpid()}"
    return harvest(
        source, catalog, records, partial(way_out, source, given), holder=holder, full=full, progress=progress
    )


def print_json(data: Any) -> None:
    """Data for programs, on standard output."""
    click.echo(json.dumps(msgspec.to_builtins(data), ensure_ascii=False, indent=2))
