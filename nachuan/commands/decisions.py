"""``nachuan decisions``: what people decided about publishers' names."""

from __future__ import annotations

from pathlib import Path

import click

from nachuan import installation
from portal.catalog import decision_table
from portal.catalog.audit import COMMAND
from portal.catalog.decisions import RulingRefused, check


@click.group()
def decisions() -> None:
    """What people decided about publishers' names."""


@decisions.command()
def export() -> None:
    """Write the decisions that stand as CSV to standard output."""
    with installation.catalog() as catalog:
        standing = catalog.decisions.standing()
    click.echo(decision_table.written(reversed(standing)), nl=False)


@decisions.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Take over the decisions in FILE, a table such as ``export`` writes; what stands already is left alone.

    Nothing is taken over where one of them cannot be.
    """
    with installation.catalog() as catalog:
        try:
            rulings = decision_table.read(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise RulingRefused(f"{file} is not in UTF-8") from error
        for ruling in rulings:
            try:
                check(ruling)
            except RulingRefused as refusal:
                raise RulingRefused(f"{ruling.name!r}: its {refusal.problem} cannot be") from refusal
        standing = {one.ruling for one in catalog.decisions.standing()}
        fresh = [ruling for ruling in rulings if ruling not in standing]
        for ruling in fresh:
            catalog.decisions.decide(ruling, by=COMMAND)
    click.echo(f"Took over {len(fresh):,} decisions; {len(rulings) - len(fresh):,} stood already.")
