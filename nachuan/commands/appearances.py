"""``nachuan appearances``: which entries are one dataset, why, and a person's word about it."""

from __future__ import annotations

import getpass

import click

import schemas
from harvester import counting
from nachuan import installation
from portal.catalog.appearances import UnknownDataset, Verdict
from portal.catalog.store import Catalog

SHOWN = 50
"""Links that are listed."""


@click.group()
def appearances() -> None:
    """Which entries are one dataset met several times."""


@appearances.command()
def rebuild() -> None:
    """Make every link again from nothing; decisions stay."""
    with installation.catalog() as catalog:
        counted = counting.rebuild(catalog, installation.holder())
        figures = catalog.figures()
    click.echo(
        f"Compared {counted.compared:,} entries: {figures.entries:,} entries are {figures.datasets:,} datasets."
    )


@appearances.command("catch-up")
def catch_up() -> None:
    """Follow the newest changes and decisions."""
    with installation.catalog() as catalog:
        counted = counting.catch_up(catalog, installation.holder())
    click.echo(f"Followed {counted.followed:,} changes and decisions, compared {counted.compared:,} entries.")


@appearances.command("list")
@click.option("--reason", type=click.Choice(list(schemas.vocabulary("appearance_reasons").terms)))
@click.option("-n", "rows", default=SHOWN, show_default=True, help="How many links of one reason are listed.")
@click.option("--after", default="", help="Goes on after this id.")
@click.option("--json", "as_json", is_flag=True)
def list_links(reason: str | None, rows: int, after: str, as_json: bool) -> None:
    """How many entries were linked for each reason, or the links of one reason."""
    with installation.catalog() as catalog:
        found = catalog.appearances.reasons() if reason is None else catalog.appearances.page(
            rows, after=after, reason=reason
        )
    if as_json:
        installation.print_json(found)
    elif isinstance(found, list):
        for link in found:
            click.echo(f"{link.dataset_id}  {link.beside}  counted as {link.canonical_id}")
    else:
        for code, count in sorted(found.items(), key=lambda item: -item[1]):
            click.echo(f"{count:>9,}  {code}: {schemas.vocabulary('appearance_reasons').label(code, 'en')}")


@appearances.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True)
def show(id: str, as_json: bool) -> None:
    """Every entry of the dataset ID is an entry of, and why they are one."""
    with installation.catalog() as catalog:
        entry = catalog.entry(id)
        if entry is None:
            raise UnknownDataset(f"there is no dataset {id}")
        found = catalog.appearances.of(id)
        family = catalog.appearances.family(id)
        decisions = catalog.appearances.decisions(dataset_id=id)
        titles = _titles(catalog, [one.dataset_id for one in found] or [id])
    if as_json:
        installation.print_json({"appearances": found, "family": family, "decisions": decisions})
        return
    for one in found:
        why = "counted" if one.reason is None else f"{one.reason} beside {one.beside}"
        click.echo(f"{one.dataset_id}  {titles.get(one.dataset_id, '')}  ({why})")
    if not found:
        click.echo(f"{id}  {titles.get(id, '')}  (stands alone)")
    if family is not None:
        click.echo(f"One of a family of {len(family.members)}:")
        for member in family.members:
            click.echo(f"  {member.dataset_id}  {member.period or '-'}  {member.area}")
    for decision in decisions:
        note = f": {decision.note}" if decision.note else ""
        click.echo(
            f"{decision.at:%Y-%m-%d %H:%M} {decision.by} said {decision.verdict} of {decision.first} and "
            f"{decision.second}{note}"
        )


@appearances.command()
@click.argument("one", metavar="ID")
@click.argument("other", metavar="ID")
@click.option("--together", "verdict", flag_value=Verdict.TOGETHER.value, help="They are one dataset.")
@click.option("--apart", "verdict", flag_value=Verdict.APART.value, help="They are two.")
@click.option("--note", help="Why; kept with the decision.")
@click.option("--by", help="Who says so; the user of this machine when not given.")
def decide(one: str, other: str, verdict: str | None, note: str | None, by: str | None) -> None:
    """Say for good that two entries are one dataset, or that they are two."""
    if verdict is None:
        raise click.UsageError("say --together or --apart")
    _say(one, other, Verdict(verdict), note, by)


@appearances.command()
@click.argument("one", metavar="ID")
@click.argument("other", metavar="ID")
@click.option("--note", help="Why; kept with the decision.")
@click.option("--by", help="Who says so; the user of this machine when not given.")
def undo(one: str, other: str, note: str | None, by: str | None) -> None:
    """Take back what was decided about two entries: the rules decide again."""
    _say(one, other, Verdict.OPEN, note, by)


def _say(one: str, other: str, verdict: Verdict, note: str | None, by: str | None) -> None:
    if one == other:
        raise click.UsageError("name two different datasets")
    with installation.catalog() as catalog:
        catalog.appearances.decide(one, other, verdict, by=by or getpass.getuser(), note=note)
        counting.catch_up(catalog, installation.holder())
        are_one = other in {found.dataset_id for found in catalog.appearances.of(one)}
    click.echo(f"{one} and {other} are {'one dataset' if are_one else 'two datasets'}.")


def _titles(catalog: Catalog, ids: list[str]) -> dict[str, str]:
    return {entry.dataset.id: f"{entry.dataset.source_id}: {entry.dataset.title}" for entry in catalog.entries(ids)}
