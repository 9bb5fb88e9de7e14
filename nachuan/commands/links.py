"""``nachuan links``: ask for the addresses of the resources now."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harvester.links import End, Plan, Round
from nachuan import installation
from nachuan.cli import Failed
from portal.catalog.model import LinkState
from portal.catalog.store import Catalog
from portal.settings import Settings

WORKERS = 32
"""Hosts asked at the same time when somebody waits for it."""


@click.group()
def links() -> None:
    """The addresses of the resources: do they answer?"""


@links.command()
@click.option("--source", "source_id", metavar="ID", help="Only the addresses this source gives.")
@click.option("--limit", type=click.IntRange(min=1), help="So many addresses at most.")
@click.option("--json", "as_json", is_flag=True)
def check(source_id: str | None, limit: int | None, as_json: bool) -> None:
    """Ask for every address that is due: new ones, and those not asked for lately."""
    given = installation.settings()
    with installation.catalog() as catalog:
        if source_id is not None:
            catalog.sources.get(source_id)
        plan = Plan(workers=WORKERS, limit=limit, source_id=source_id)
        done = check_with_progress(catalog, given, plan, quiet=as_json)
        due = catalog.links.waiting(datetime.now(UTC), source_id)
    if as_json:
        installation.print_json(msgspec.to_builtins(done, str_keys=True) | {"due": due})
    else:
        click.echo(summary(done, due))
    if done.end is End.STOPPED:
        raise Failed("stopped; the next `nachuan links check` goes on where this one was")
    if done.end is End.OFFLINE:
        raise Failed(
            f"no host answered: this machine seems to be offline; {done.void} questions are as if they had not been asked"
        )


def check_with_progress(catalog: Catalog, given: Settings, plan: Plan, *, quiet: bool = False) -> Round:
    """One round behind a progress bar. Ctrl-C ends it when the answers under way have been written down."""
    catalog.links.catch_up()
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    due = catalog.links.waiting(datetime.now(UTC), plan.source_id)
    console = Console(stderr=True, quiet=quiet)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        bar = bars.add_task("links", total=due if plan.limit is None else min(due, plan.limit))

        def show(so_far: Round) -> None:
            bars.update(bar, completed=so_far.asked)

        return installation.check_links(catalog, given, plan, stop=stop, progress=show)


def summary(done: Round, due: int) -> str:
    """What a round did, in one line."""
    states = ", ".join(f"{done.states.get(state, 0):,} {state}" for state in LinkState)
    waiting = f"; {due:,} still due, their hosts were to be left alone" if due and done.end is End.DONE else ""
    return f"{done.asked:,} addresses asked for: {states}{waiting}"
