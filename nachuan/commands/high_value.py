"""``nachuan high-value``: the list, which places have what of it, and the datasets behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from nachuan import installation
from portal.catalog.store import Catalog
from portal.highvalue import following, matching
from portal.highvalue.coverage import Coverage, coverage, holders_of, listed
from portal.highvalue.judging import State
from portal.web.tables import as_csv
from schemas import COUNTRY, HighValueEntry, vocabulary

_COLUMNS = (State.HAVE, State.PARTIAL, State.STALE, State.MISSING)


@click.group("high-value")
def high_value() -> None:
    """The high-value list: which places have what of it."""


@high_value.command("list")
@click.option("--json", "as_json", is_flag=True, help="With every expected field.")
def list_entries(as_json: bool) -> None:
    """The entries, how many datasets serve each, and how many places stand how."""
    with _coverage() as found:
        if as_json:
            installation.print_json([_described(one, found) for one in listed().values()])
            return
        table = installation.table("entry", "data", "datasets", *_COLUMNS)
        for entry in listed().values():
            counts = found.places[entry.id]
            datasets = found.datasets.get(entry.id, 0)
            table.add_row(entry.id, entry.zh, f"{datasets:,}", *(f"{counts[one]:,}" for one in _COLUMNS))
    installation.print_table(table)
    click.echo("Places that were read and are expected to have it, by how they stand.")


@high_value.command("coverage")
@click.option("--region", "code", metavar="CODE", help="Only this region, and every entry that is expected of it.")
@click.option("--json", "as_json", is_flag=True)
def tell_coverage(code: str | None, as_json: bool) -> None:
    """How places stand to the list: a line a province, or for one region a line an entry."""
    regions = vocabulary("regions")
    if code is not None and code not in regions.terms:
        raise click.UsageError(f"--region {code}: there is no such region; codes are those of GB/T 2260, or a country's own")
    with _coverage() as found:
        if code is not None:
            cells = found.of_region(code)
            if as_json:
                installation.print_json(
                    [{"entry": id, "region": code, "state": cell.state, "datasets": cell.datasets, "within": cell.within}
                     for id, cell in cells.items()]
                )
                return
            table = installation.table("entry", "data", "here", "datasets", "within")
            for id, cell in cells.items():
                table.add_row(id, listed()[id].zh, cell.state, f"{cell.datasets:,}", f"{cell.within:,}")
        else:
            read = [one for one in sorted(found.known) if holders_of(one) in ((), (COUNTRY,))]
            tallies = {one: Counter(cell.state for cell in found.of_region(one).values()) for one in read}
            if as_json:
                installation.print_json([{"region": one, **tallies[one]} for one in read])
                return
            table = installation.table("region", "", *_COLUMNS)
            for one in read:
                table.add_row(one, regions.label(one, "zh"), *(f"{tallies[one][each]:,}" for each in _COLUMNS))
    installation.print_table(table)


@high_value.command()
@click.argument("title")
def explain(title: str) -> None:
    """Which entries a dataset of this title serves, by which words; and which a word in it forbids."""
    served, forbidden = matching.by_title(title), matching.forbidden(title)
    for entry, words in served.items():
        click.echo(f"{entry} {listed()[entry].zh}: {', '.join(words)}")
    for one in forbidden:
        click.echo(f"not {one.entry} {listed()[one.entry].zh}: {', '.join(one.words)}, but also {', '.join(one.against)}")
    if not served and not forbidden:
        click.echo("no rule of schemas/highvalue/words.csv has all its words in it")


@high_value.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
def export(output: Path | None) -> None:
    """Every dataset that serves an entry, how well and what it lacks, as CSV."""
    with _catalog() as catalog:
        pieces = as_csv(_EXPORTED, _rows(catalog))
        if output is None:
            for piece in pieces:
                click.echo(piece, nl=False)
            return
        with output.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    click.echo(f"Written to {output}.", err=True)


_EXPORTED = ("entry", "dataset_id", "source_id", "publisher_id", "region", "lacks", "fresh_until")


def _rows(catalog: Catalog) -> Iterator[tuple[str | None, ...]]:
    for one in catalog.high_value.serving():
        until = None if one.fresh_until is None else one.fresh_until.isoformat(timespec="seconds")
        yield one.entry, one.dataset_id, one.source_id, one.publisher_id, one.region, "|".join(one.shortfalls), until


def _described(entry: HighValueEntry, found: Coverage) -> dict[str, Any]:
    counts = found.places[entry.id]
    return {
        "id": entry.id,
        "zh": entry.zh,
        "en": entry.en,
        "datasets": found.datasets.get(entry.id, 0),
        "places": {one.value: counts[one] for one in _COLUMNS},
        "fields": [
            {"id": one.id, "zh": one.zh, "en": one.en, "type": one.type, "required": one.required} for one in entry.fields
        ],
    }


@contextmanager
def _coverage() -> Iterator[Coverage]:
    with _catalog() as catalog:
        yield coverage(catalog)


@contextmanager
def _catalog() -> Iterator[Catalog]:
    """The catalogue, with everything looked for that changed since."""
    with installation.catalog() as catalog:
        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as bars:
            bar = bars.add_task("Matching", total=catalog.count() if not following.is_current(catalog) else 0)
            following.catch_up(catalog, installation.holder(), lambda count: bars.advance(bar, count))
        yield catalog
