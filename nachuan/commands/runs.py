"""``nachuan runs``: what harvests did; approve or reject what they hold back."""

from __future__ import annotations

import csv
import io

import click

import schemas
from nachuan import installation
from portal.catalog import held
from portal.catalog.model import Counts, Run
from portal.web.spreadsheets import harmless


@click.group()
def runs() -> None:
    """What harvests did, and what they hold back."""


@runs.command("list")
@click.option("--source", help="Only this source.")
@click.option("--limit", default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def list_(source: str | None, limit: int, as_json: bool) -> None:
    """The newest runs."""
    with installation.catalog() as catalog:
        found = catalog.runs.recent(source, limit=limit)
        if source is not None and not found:
            catalog.sources.get(source)
    if as_json:
        installation.print_json(found)
        return
    table = installation.table("run", "source", "started", "mode", "outcome", "listed", "became")
    for run in found:
        started = f"{run.started:%Y-%m-%d %H:%M}"
        listed = f"{run.counts.listed:,}"
        table.add_row(str(run.id), run.source_id, started, run.mode, _outcome(run), listed, _became(run.counts))
    installation.print_table(table)


def _became(counts: Counts) -> str:
    """What the records of a run came to, of which there were any besides unchanged ones."""
    told = [f"{number:,} {name}" for name in _TOLD if (number := getattr(counts, name))]
    return ", ".join(told) or ("unchanged" if counts.listed else "")


_TOLD = ("added", "updated", "unusable", "duplicate", "missing", "retired", "restored", "held")


@runs.command()
@click.argument("run", type=int)
@click.option("--issues", is_flag=True, help="Every issue, not only how many of each.")
@click.option("--csv", "as_csv", is_flag=True, help="The issues as CSV.")
@click.option("--json", "as_json", is_flag=True)
def show(run: int, issues: bool, as_csv: bool, as_json: bool) -> None:
    """What one run did, and what was wrong."""
    with installation.catalog() as catalog:
        found = catalog.runs.get(run)
        totals = catalog.runs.issue_counts(run, for_operators=True)
        wanted = issues or as_csv or as_json
        listed = catalog.runs.issues(run, limit=100_000, for_operators=True) if wanted else []
        ids = catalog.runs.held(run)
    if as_json:
        installation.print_json({"run": found, "issue_counts": totals, "issues": listed, "held": ids})
        return
    if as_csv:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("code", "dataset", "source_key", "field", "seen", "url", "detail"))
        for stored in listed:
            issue = stored.issue
            told = (stored.dataset_id, issue.source_key, issue.field, issue.seen, issue.url, issue.detail)
            writer.writerow((issue.code, *map(harmless, told)))
        click.echo(text.getvalue(), nl=False)
        return
    _tell(found)
    vocabulary = schemas.vocabulary("issues")
    for code, count in totals.items():
        # What led to a decision that is made needs no cure any more.
        term = vocabulary.terms.get(code) if not (found.decision and code == found.cause) else None
        click.echo(f"  {count:>6} × {code}" + (f": {term.attributes.get('cure_en', '')}" if term else ""))
    for stored in listed:
        issue = stored.issue
        told = (issue.code, issue.source_key, issue.field, issue.seen, issue.detail, issue.url)
        click.echo("  " + " | ".join(part for part in told if part))
    if ids:
        click.echo(
            f"It holds back {len(ids)} retirements: `nachuan runs approve {run}` or `nachuan runs reject {run}`."
        )


def _outcome(run: Run) -> str:
    """How it ended, and of a held run what was decided."""
    return f"{run.outcome or 'under way'}{f' ({run.decision})' if run.decision else ''}"


def _tell(run: Run) -> None:
    counts = run.counts
    click.echo(
        f"Run {run.id} of {run.source_id}: {_outcome(run)}, {run.mode}, {run.started:%Y-%m-%d %H:%M} UTC"
    )
    click.echo(
        f"  listed {counts.listed} = added {counts.added} + updated {counts.updated} + unchanged {counts.unchanged}"
        f" + unusable {counts.unusable} + duplicate {counts.duplicate}"
    )
    click.echo(f"  missing {counts.missing}, retired {counts.retired}, restored {counts.restored}, held {counts.held}")
    declared = "did not say how many it has" if run.declared is None else f"said it has {run.declared}"
    click.echo(f"  the portal {declared}; {run.requests} requests, {run.bytes_received:,} bytes")


@runs.command()
@click.argument("run", type=int)
def approve(run: int) -> None:
    """Retire what a held run holds back."""
    given = installation.settings()
    with installation.catalog() as catalog:
        count = held.approve(catalog, run, holder=installation.holder())
        installation.follow(catalog, given)
    click.echo(f"Retired {count} datasets.")


@runs.command()
@click.argument("run", type=int)
def reject(run: int) -> None:
    """Keep what a held run would have taken away."""
    with installation.catalog() as catalog:
        held.reject(catalog, run)
    click.echo("Kept.")
