"""``nachuan serve``, ``nachuan work`` and ``nachuan demo``: what keeps running until Ctrl-C."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import Flask

from harvester.sandbox import serve as make_believe
from harvester.scheduler import Scheduler
from nachuan import comparing, installation
from nachuan.cli import Failed
from nachuan.commands.export import HERE
from nachuan.commands.harvest import harvest_with_progress
from nachuan.commands.sources import apply_sources
from portal.catalog.accounts import Role, UnknownAccount
from portal.catalog.audit import COMMAND
from portal.catalog.model import Run
from portal.catalog.sources import SourceHeld
from portal.catalog.store import Catalog
from portal.search.engines import open_index
from portal.settings import Settings, with_secret_key
from portal.web import dumps
from portal.web.app import create_app
from portal.web.server import serve as serve_portal

log = logging.getLogger(__name__)

OPERATOR = "operator"
"""The one account of the demonstration."""

DUMP_AGAIN_S = 3600.0
"""After a dump that failed. What else is done once a day waits as long."""

WORKERS = 4
"""Sources harvested at a time, besides those whose runs last long."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--no-scheduler", is_flag=True, help="Harvest nothing; another `nachuan work` does.")
def serve(host: str, port: int, no_scheduler: bool) -> None:
    """Serve the portal and run the schedule."""
    given = installation.settings()
    _refuse_taken(host, port)
    with installation.catalog() as catalog:
        if given.sources is not None:
            apply_sources(catalog, given.sources)
        if no_scheduler:
            installation.follow_index(catalog, given)
    if no_scheduler:
        _portal(host, port)
        return
    # It brings the index up to date; where it must be made anew, the site need not wait for that.
    with _beside("work", os.environ):
        _portal(host, port)


@click.command()
def work() -> None:
    """Run the schedule without the portal, until Ctrl-C."""
    given = installation.settings()
    stop = installation.stopping()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with installation.catalog(installation.DATABASE_PATIENCE_S) as catalog:
        scheduler = Scheduler(
            catalog,
            lambda id, full: _harvest(catalog, id, given, full),
            reread=lambda id: installation.follow_decisions(catalog, catalog.sources.get(id).source),
            workers=WORKERS,
            after=lambda: _follow(catalog, given),
            links=lambda stop: installation.check_some_links(catalog, given, stop),
            nightly=lambda stop: _nightly(catalog, given, stop),
        )
        scheduler.start()
        stop.wait()
        scheduler.stop()
        _follow(catalog, given)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Another number, another make-believe country.")
def demo(host: str, port: int, seed: int) -> None:
    """Show it all: make-believe portals on this machine, harvested and served.

    Everything is kept under NACHUAN_HOME (./var/demo when not set); running it again harvests what has changed.
    """
    _refuse_taken(host, port)
    environment = dict(os.environ)
    environment.setdefault("NACHUAN_HOME", "var/demo")
    # Its portals are our own: every link may be checked at once.
    environment.setdefault("NACHUAN_LINKS_A_DAY", "100000000")
    environment["NACHUAN_ALLOW_PRIVATE"] = "127.0.0.0/8"
    os.environ.update(environment)
    given = installation.settings()
    given.home.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(given.database_url)
    catalog.upgrade()
    with make_believe.serve(port=_kept_port(given.home), seed=seed, clock=lambda: datetime.now(UTC)) as sandbox:
        for source in sandbox.sources():
            catalog.sources.put(source)
        click.echo(f"{len(sandbox.sources())} make-believe portals answer on {sandbox.address}", err=True)
        harvest_with_progress(catalog, sandbox.sources(), given)
        installation.follow(catalog, given)
        figures = catalog.figures()
        password = _operators_password(catalog)
        catalog.close()
        address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"
        click.echo(
            f"{figures.datasets:,} datasets of {figures.publishers:,} publishers. Open {address} (Ctrl-C stops it all.)\n"
            f"To operate it sign in at {address}login as {OPERATOR} with the password {password}",
            err=True,
        )
        with _beside("work", os.environ):
            _portal(host, port)


def _operators_password(catalog: Catalog) -> str:
    """Another password of the demonstration's operator each time it starts, so that none has to be kept."""
    password = secrets.token_urlsafe(12)
    try:
        catalog.accounts.set_password(OPERATOR, password, by=COMMAND)
    except UnknownAccount:
        catalog.accounts.add(OPERATOR, Role.ADMIN, password, by=COMMAND)
    return password


def _portal(host: str, port: int) -> None:
    given = with_secret_key(installation.settings())

    def make_app() -> Flask:
        return create_app(given, Catalog(given.database_url), open_index(given.search_url, given.home))

    serve_portal(make_app, host=host, port=port)


def _harvest(catalog: Catalog, id: str, given: Settings, full: bool) -> Run:
    return installation.harvest_source(catalog, catalog.sources.get(id).source, given, full=full)


def _follow(catalog: Catalog, given: Settings) -> None:
    installation.follow(catalog, given)


def _nightly(catalog: Catalog, given: Settings, stop: threading.Event) -> None:
    """What a new day brings; none keeps the others from being tried."""
    try:
        comparing.compare_when_due(catalog, given, stop)
    finally:
        try:
            _explain(catalog, stop)
        finally:
            _dump(catalog, given, stop)


def _dump(catalog: Catalog, given: Settings, stop: threading.Event) -> None:
    now = datetime.now(UTC)
    if not given.dumps_kept or not dumps.is_due(given.home, catalog, now):
        return
    try:
        made = dumps.make(given.home, catalog, (given.base_url or HERE).rstrip("/"), now, is_stopped=stop.is_set)
        dumps.keep(given.home, given.dumps_kept)
    except (dumps.DumpExists, dumps.DumpBusy, dumps.DumpStopped) as error:
        log.info("%s", error)
    except OSError as error:
        # Mostly a disk without room, which stays so for a while: not every minute is a dump to be begun for nothing.
        log.error("no dump could be made, the next attempt is in an hour: %s", error)
        stop.wait(DUMP_AGAIN_S)
    else:
        log.info("the catalogue was dumped: %s of %d bytes", made.day, sum(one.bytes for one in made.files))


def _explain(catalog: Catalog, stop: threading.Event) -> None:
    try:
        installation.keep_explanations(catalog, stop)
    except SourceHeld as error:
        log.info("%s", error)


@contextmanager
def _beside(command: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Runs another ``nachuan`` command as a process of its own for as long as the block lasts."""
    process = subprocess.Popen([sys.executable, "-m", "nachuan", command], env=dict(environment))
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def _refuse_taken(host: str, port: int, cure: str = "choose another --port") -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Failed(f"cannot listen on {host}:{port}: {error.strerror}; {cure}") from error


def _kept_port(home: Path) -> int:
    """The port the make-believe portals had last time, so that their sources keep their addresses."""
    file = home / "sandbox-port"
    if file.exists():
        port = int(file.read_text())
        _refuse_taken("127.0.0.1", port, f"another `nachuan demo` is still at work on {home}")
        return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    file.write_text(str(port))
    return port
