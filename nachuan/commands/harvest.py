"""``nachuan harvest``: harvest portals now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harvester.preview import preview
from harvester.scheduler import due
from nachuan import installation
from nachuan.cli import Failed
from portal.catalog.model import Counts, Outcome, Run, Source
from portal.catalog.sources import LeaseLost, SourceHeld
from portal.catalog.store import Catalog
from portal.settings import Settings


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every source that is not paused.")
@click.option("--due", "only_due", is_flag=True, help="The sources whose schedule says so.")
@click.option("--full", is_flag=True, help="List everything, even where only changes would be asked for.")
@click.option("--dry-run", is_flag=True, help="Read and translate, but write nothing.")
@click.option("--json", "as_json", is_flag=True)
def harvest(ids: Sequence[str], everything: bool, only_due: bool, full: bool, dry_run: bool, as_json: bool) -> None:
    """Harvest the sources ID…"""
    if bool(ids) + everything + only_due != 1:
        raise click.UsageError("name sources, or say --all or --due")
    given = installation.settings()
    with installation.catalog(installation.DATABASE_PATIENCE_S) as catalog:
        chosen = [catalog.sources.get(id).source for id in ids or _ids(catalog, only_due)]
        if dry_run:
            _try(chosen, given, as_json)
            return
        runs = harvest_with_progress(catalog, chosen, given, full=full, quiet=as_json)
        installation.follow(catalog, given)
        catalog.links.catch_up()
    if as_json:
        installation.print_json(runs)
    if len(runs) < len(chosen) or any(run.outcome is not Outcome.COMPLETE for run in runs):
        raise Failed("not every harvest was complete: `nachuan runs list` says which, `nachuan runs show RUN --issues` why")


def _ids(catalog: Catalog, only_due: bool) -> list[str]:
    if only_due:
        return due(catalog, datetime.now(UTC))
    return [entry.source.id for entry in catalog.sources.all() if not entry.paused]


def harvest_with_progress(
    catalog: Catalog, sources: Sequence[Source], given: Settings, *, full: bool = False, quiet: bool = False
) -> list[Run]:
    """Harvests one source after the other behind a progress bar; sources another run holds, or takes over, are left out."""
    console = Console(stderr=True, quiet=quiet)
    runs = []
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        whole = bars.add_task("portals", total=len(sources))
        for source in sources:
            last = catalog.runs.last(source.id, complete=True)
            bar = bars.add_task(f"  {source.title}", total=last.counts.listed if last else None)

            def show(counts: Counts, bar: int = int(bar)) -> None:
                bars.update(bar, completed=counts.listed)  # type: ignore[arg-type]

            try:
                run = installation.harvest_source(catalog, source, given, full=full, progress=show)
            except (LeaseLost, SourceHeld) as error:
                bars.console.print(str(error))
            else:
                runs.append(run)
                bars.console.print(_line(source, run), highlight=False, markup=False, soft_wrap=True)
                if run.cause is not None:
                    for told in _reason(catalog, run):
                        bars.console.print(f"           {told}", highlight=False, markup=False, soft_wrap=True)
            bars.remove_task(bar)
            bars.advance(whole)
    return runs


def _line(source: Source, run: Run) -> str:
    counts = run.counts
    what = f"{counts.added} added, {counts.updated} updated, {counts.unchanged} unchanged"
    wrong = "".join(
        f", {count} {name}"
        for name, count in (("unusable", counts.unusable), ("duplicate", counts.duplicate), ("held", counts.held))
        if count
    )
    cause = f" ({run.cause})" if run.cause else ""
    return f"{run.outcome:>9}{cause}  {source.title}: {what}{wrong}"


def _reason(catalog: Catalog, run: Run) -> list[str]:
    """What the run says in words of its cause, where it says anything."""
    issues = catalog.runs.issues(run.id, code=run.cause, limit=1, newest_first=True, for_operators=True)
    return [" ".join(filter(None, (each.issue.detail, each.issue.url))) for each in issues if each.issue.detail]


def _try(sources: Sequence[Source], given: Settings, as_json: bool) -> None:
    for source in sources:
        with installation.way_out(source, given) as http:
            shown = preview(source, http, limit=None)
        if as_json:
            installation.print_json(shown)
            continue
        usable = sum(1 for item in shown.records if item.dataset is not None)
        click.echo(f"{source.id}: {len(shown.records)} records, {usable} usable; nothing was written")
        for code, count in shown.issue_counts().items():
            click.echo(f"  {count:>6} × {code}")
        if shown.error is not None:
            click.echo(f"  it broke off: {shown.error}")
