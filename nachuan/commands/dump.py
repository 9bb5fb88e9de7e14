"""``nachuan dump``: the whole catalogue as files to take away, as the schedule makes them every night."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import Progress

from nachuan import installation
from nachuan.cli import Failed
from nachuan.commands.export import HERE
from portal.web import dumps


@click.command()
@click.option("--again", is_flag=True, help="Also where there is one of today, in its place.")
@click.option("--base-url", help="What addresses begin with; else NACHUAN_BASE_URL, else `nachuan serve`'s.")
@click.option("--json", "as_json", is_flag=True, help="The manifest, for programs.")
def dump(again: bool, base_url: str | None, as_json: bool) -> None:
    """Dump the catalogue into NACHUAN_HOME/dumps: JSON Lines, CSV and Turtle with checksums."""
    given, stop = installation.settings(), installation.stopping()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with installation.catalog() as catalog, Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task("Writing", total=catalog.figures().entries * len(dumps.FILES))
        try:
            made = dumps.make(
                given.home, catalog, (base_url or given.base_url or HERE).rstrip("/"), datetime.now(UTC),
                again=again, is_stopped=stop.is_set, progress=lambda count: shown.advance(task, count),
            )
            if given.dumps_kept:
                dumps.keep(given.home, given.dumps_kept)
        except dumps.DumpExists as error:
            raise Failed(f"{error}: --again makes another in its place") from error
        except (dumps.DumpBusy, dumps.DumpStopped) as error:
            raise Failed(str(error)) from error
        except OSError as error:
            raise Failed(f"no dump was made: {error}") from error
    if as_json:
        installation.print_json(made)
        return
    table = installation.table("file", "datasets", "bytes", "SHA-256")
    for file in made.files:
        path = given.home / dumps.FOLDER / made.day / file.name
        table.add_row(str(path), f"{file.datasets:,}", f"{file.bytes:,}", file.sha256)
    installation.print_table(table)
