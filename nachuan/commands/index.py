"""``nachuan index``: rebuild, follow and check the search index."""

from __future__ import annotations

import click

from nachuan import installation
from nachuan.cli import Failed
from portal.search import indexing


@click.group()
def index() -> None:
    """The search index."""


@index.command()
def rebuild() -> None:
    """Build the index again from the database; searches go on meanwhile."""
    given = installation.settings()
    with installation.catalog() as catalog, installation.index(given) as opened:
        count = indexing.rebuild(catalog, opened)
    click.echo(f"Indexed {count:,} datasets.")


@index.command("catch-up")
def catch_up() -> None:
    """Bring the index up to the newest change."""
    given = installation.settings()
    with installation.catalog() as catalog:
        click.echo(f"Followed {installation.follow_index(catalog, given):,} changes.")


@index.command()
@click.option("--json", "as_json", is_flag=True)
def check(as_json: bool) -> None:
    """Compare the index with the database."""
    given = installation.settings()
    with installation.catalog() as catalog, installation.index(given) as opened:
        found = indexing.check(catalog, opened)
    if as_json:
        installation.print_json(found)
    elif found.agrees:
        click.echo(f"The index agrees with the database on {found.compared:,} datasets.")
    if not found.agrees:
        raise Failed(
            f"the index lacks {len(found.lacking)}, has {len(found.surplus)} too many and {len(found.stale)} that are "
            "out of date: run `nachuan index rebuild`"
        )
