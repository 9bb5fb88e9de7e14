"""``nachuan export``: the catalogue, or what a search finds in it, as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.progress import track

from nachuan import installation
from nachuan.cli import Failed
from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.search.facets import FACETS, Appearances
from portal.search.query import Query, QueryNotUnderstood
from portal.web.dcat import links
from portal.web.exports import csv_chunks, jsonl_chunks, selection, turtle_chunks

HERE = "http://127.0.0.1:8000"
"""Where ``nachuan serve`` answers unless told otherwise."""

_Chunks = Iterator[str] | Iterator[bytes]

FORMATS: dict[str, Callable[[Catalog, Iterable[Entry], str], _Chunks]] = {
    "jsonl": lambda catalog, entries, base: jsonl_chunks(entries, base),
    "csv": lambda catalog, entries, base: csv_chunks(entries, base),
    "ttl": lambda catalog, entries, base: turtle_chunks(entries, base, *links(catalog)),
}


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command one option for each facet; ``--format`` is the file's, so the data's is ``--file-format``."""
    for facet in reversed(FACETS):
        option = "--file-format" if facet.name == "format" else f"--{facet.name}"
        text = f"Only datasets of this {facet.name}; may be given several times."
        command = click.option(option, facet.name, multiple=True, help=text)(command)
    return command


@click.command()
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="jsonl", show_default=True)
@click.option("-o", "output", type=click.File("wb", lazy=True), default="-", help="The file; else standard output.")
@click.option("--query", "-q", help="Only what this search finds.")
@click.option("--base-url", help="What addresses begin with; else NACHUAN_BASE_URL, else `nachuan serve`'s.")
@click.option(
    "--appearances", type=click.Choice([way.value for way in Appearances]), default="every", show_default=True,
    help="A dataset met several times: every entry of it, or the counted one alone.",
)
@_filters
def export(
    format_: str, output: BinaryIO, query: str | None, base_url: str | None, appearances: str, **filters: Any
) -> None:
    """Write out the datasets of the catalogue, or those a search finds."""
    given = installation.settings()
    base = (base_url or given.base_url or HERE).rstrip("/")
    narrowing = {name: values for name, values in filters.items() if values}
    wanted = Query(text=query, filters=narrowing, appearances=Appearances(appearances))
    with installation.catalog() as catalog, installation.index(given) as index:
        if (query or wanted.filters) and index.position() is None:
            raise Failed("there is no search index to narrow down by: run `nachuan index rebuild`")
        try:
            found = selection(catalog, index, wanted)
        except QueryNotUnderstood as error:
            raise click.UsageError(str(error)) from error
        shown = track(found, "Writing", console=Console(stderr=True), disable=not sys.stderr.isatty())
        for chunk in FORMATS[format_](catalog, shown, base):
            output.write(chunk.encode() if isinstance(chunk, str) else chunk)
