"""``nachuan db``: make, check, save and bring back the database."""

from __future__ import annotations

from pathlib import Path

import click

from nachuan import installation
from portal.catalog import backup
from portal.catalog.store import Catalog


@click.group("db")
def database() -> None:
    """The database."""


@database.command()
def upgrade() -> None:
    """Create the tables, or bring them to this version."""
    catalog = Catalog(installation.settings().database_url)
    catalog.upgrade()
    catalog.close()
    click.echo("The database is as this version needs it.")


@database.command()
def check() -> None:
    """Say whether the tables are those of this version."""
    with installation.catalog():
        click.echo("The database is as this version needs it.")


@database.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup_(file: Path) -> None:
    """Save the whole database into FILE, while it is in use."""
    backup.save(installation.settings().database_url, file)
    click.echo(f"Saved to {file}, {file.stat().st_size:,} bytes.")


@database.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--replace", is_flag=True, help="Overwrite a database that already has tables.")
def restore(file: Path, replace: bool) -> None:
    """Bring back the database saved in FILE. The search index is rebuilt by `nachuan index rebuild`."""
    backup.restore(installation.settings().database_url, file, replace=replace)
    with installation.catalog() as catalog:
        click.echo(f"Restored {catalog.figures().datasets:,} datasets.")
