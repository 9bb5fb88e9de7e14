"""``nachuan sources``: the portals that are harvested."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from harvester import retirement, sourcefiles
from harvester.audit import Audit, audit
from harvester.preview import Preview, preview
from harvester.probe import Attempt, Finding, Probe, probe, probe_source
from harvester.records import RawRecord
from harvester.rereading import reread
from nachuan import installation
from nachuan.cli import Failed
from portal.catalog.model import Politeness, Source
from portal.catalog.normalisation import TABLE_HEADER, not_understood, table_rows
from portal.catalog.sources import UnknownSource
from portal.catalog.store import Catalog
from portal.web.spreadsheets import harmless


@click.group()
def sources() -> None:
    """The portals that are harvested."""


@sources.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Every source and how its last run went."""
    with installation.catalog() as catalog:
        entries = catalog.sources.all()
        last = catalog.runs.last_by_source()
        counts = catalog.sources.dataset_counts()
    if as_json:
        installation.print_json([{"entry": entry, "last_run": last.get(entry.source.id)} for entry in entries])
        return
    table = installation.table("id", "schedule", "last run", "datasets", "title")
    for entry in entries:
        source, run = entry.source, last.get(entry.source.id)
        told = "never" if run is None else f"{run.outcome} {run.started:%Y-%m-%d}"
        schedule = "paused" if entry.paused else source.schedule
        table.add_row(source.id, schedule, told, f"{counts.get(source.id, 0):,}", source.title)
    installation.print_table(table)


@sources.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True)
def show(id: str, as_json: bool) -> None:
    """The definition of one source."""
    with installation.catalog() as catalog:
        entry = catalog.sources.get(id)
    if as_json:
        installation.print_json(entry)
        return
    click.echo(sourcefiles.write(entry.source), nl=False)
    click.echo(
        f"# {'paused' if entry.paused else 'scheduled'}, {'from a file' if entry.provisioned else 'added by hand'}"
    )


@sources.command()
@click.argument("url")
@click.option("--id", help="Short name, a-z 0-9 and -; made from the host when not given.")
@click.option("--kind", help="Found out when not given.")
@click.option("--region", help="Code of the region it speaks for, e.g. 330100.")
@click.option("--title", help="Its name; what the portal calls itself when not given.")
@click.option("--schedule", default="@daily", show_default=True, help="Cron, @daily, @hourly, @weekly or manual.")
def add(url: str, id: str | None, kind: str | None, region: str | None, title: str | None, schedule: str) -> None:
    """Add the portal at URL."""
    given: dict[str, Any] = {"url": url, "kind": kind, "region": region, "schedule": schedule}
    if kind is None:
        finding = _best(_probe(url))
        if finding.wants:
            raise Failed(f"{_wanted(finding)}: describe the source in a file (docs/jsonapi.md)")
        given |= {"url": finding.url, "kind": finding.kind, "options": _options(finding)}
        title = title or finding.title
    host = urlsplit(url).netloc
    given |= {"id": id or re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-"), "title": title or host}
    source = sourcefiles.validate({key: value for key, value in given.items() if value is not None})
    with installation.catalog() as catalog:
        held = [entry.source for entry in catalog.sources.all()]
        if any(other.id == source.id for other in held):
            raise Failed(f"there is a source {source.id!r} already: choose another --id")
        sourcefiles.refuse_repeated_addresses([*held, source])
        catalog.sources.put(source)
    click.echo(f"Added {source.id} ({source.kind}). Harvest it: `nachuan harvest {source.id}`")


@sources.command()
@click.argument("id_or_url")
@click.option("--json", "as_json", is_flag=True)
def check(id_or_url: str, as_json: bool) -> None:
    """Ask the portal what it is and what it can do."""
    found = _probe(id_or_url) if "://" in id_or_url else _probe_source(id_or_url)
    if as_json:
        installation.print_json(found)
    else:
        for finding in found.findings:
            click.echo(_in_words(finding))
        if not found.findings:
            for line in _in_vain(found):
                click.echo(line)
    if not found.findings:
        hint = "; a portal of no family can be described in its file (docs/jsonapi.md)" if "://" in id_or_url else ""
        raise Failed(f"nothing we know answers at {id_or_url}{hint}")


def _in_vain(found: Probe) -> list[str]:
    """What was tried, a line for each reason: many families end in the same 404."""
    by_reason: dict[str, list[Attempt]] = {}
    for attempt in found.attempts:
        by_reason.setdefault(attempt.why, []).append(attempt)
    return [
        f"not {', '.join(dict.fromkeys(each.kind for each in tried))}: {why} ({tried[0].asked}"
        + (f" and {len(tried) - 1} more)" if len(tried) > 1 else ")")
        for why, tried in by_reason.items()
    ]


def _wanted(finding: Finding) -> str:
    names = ", ".join(f"options.variables.{name}" for name in finding.wants)
    return f"{finding.url} is of the family {finding.family} and wants {names}, which its own people know"


def _options(finding: Finding) -> dict[str, Any]:
    return {} if finding.family is None else {"family": finding.family}


def _in_words(finding: Finding) -> str:
    def told(value: bool | None, yes: str, no: str, unknown: str) -> str:
        return unknown if value is None else yes if value else no

    name = f" {finding.version}" if finding.version else ""
    name += f" of the family {finding.family}" if finding.family else ""
    parts = [
        f"{finding.kind}{name} at {finding.url}",
        f"it calls itself {finding.title}" if finding.title else "it does not say its name",
        _size_in_words(finding),
        told(finding.pages, "answers page by page", "answers in one piece", "paging not found out"),
        told(
            finding.filters_by_date,
            "can be asked for changes only",
            "is always read whole",
            "filtering by date not found out",
        ),
        told(
            finding.validators, "says when nothing changed", "does not say when nothing changed", "validators not asked"
        ),
    ]
    if finding.kind == "oaipmh":
        parts.append(_DELETIONS.get(finding.deletions or "", "does not say whether it tells what was deleted"))
    return "\n  ".join([*parts, *_records_in_words(finding), *([_wanted(finding)] if finding.wants else [])])


def _records_in_words(finding: Finding) -> list[str]:
    """What of the first records is read and what is not, where that was looked at."""
    parts = []
    if finding.broken is not None:
        parts.append(f"its records are not read: {finding.broken}")
    if finding.fields:
        parts.append(f"its first records are read: {', '.join(finding.fields)}")
    if finding.strange:
        parts.append(f"not understood: {', '.join(finding.strange)}")
    if finding.undecided:
        parts.append(f"nobody decided about {', '.join(finding.undecided[:20])}")
    return parts


_DELETIONS = {
    "no": "does not tell what was deleted",
    "transient": "tells for a while what was deleted",
    "persistent": "tells what was deleted",
}
"""OAI-PMH's policies on deleted records."""


def _size_in_words(finding: Finding) -> str:
    if finding.datasets is not None:
        return f"{finding.datasets:,} datasets"
    if finding.records is not None:
        return f"{finding.records:,} records of every type; how many of them are datasets it does not say"
    return "it does not say how many datasets it has"


@sources.command("preview")
@click.argument("id_or_url")
@click.option("-n", "limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many records.")
@click.option("--json", "as_json", is_flag=True)
def preview_(id_or_url: str, limit: int, as_json: bool) -> None:
    """Show what the first records would become; nothing is written."""
    given = installation.settings()
    source = _source(id_or_url)
    with installation.way_out(source, given) as http:
        shown = preview(sourcefiles.with_secrets(source, os.environ), http, limit=limit)
    if as_json:
        installation.print_json(shown)
    else:
        _print_preview(shown)
    if shown.error is not None:
        raise Failed(shown.error)


def _print_preview(shown: Preview) -> None:
    table = installation.table("title", "publisher", "region", "frequency", "openness", "formats", "issues")
    for record in shown.records:
        dataset = record.dataset
        issues = " ".join(issue.code for issue in record.issues)
        if dataset is None:
            table.add_row("—", "", "", "", "", "", issues)
            continue
        formats = " ".join(sorted({item.format for item in dataset.distributions if item.format}))
        cells = (dataset.publisher and dataset.publisher.name, dataset.region, dataset.frequency, dataset.openness)
        table.add_row(dataset.title, *(cell or "—" for cell in cells), formats or "—", issues)
    installation.print_table(table)
    for code, count in shown.issue_counts().items():
        click.echo(f"  {count:>6} × {code}")
    strange = not_understood(record.dataset for record in shown.records if record.dataset is not None)
    if strange:
        click.echo(f"not understood: {', '.join(strange)}")


@sources.command("audit")
@click.argument("id")
@click.option("--csv", "as_csv", is_flag=True, help="What was understood of each field, as CSV.")
@click.option("--json", "as_json", is_flag=True)
def audit_(id: str, as_csv: bool, as_json: bool) -> None:
    """Show which of a source's keys nobody decided about, and how much of what it says is understood."""
    with installation.catalog() as catalog:
        source = catalog.sources.get(id).source
        told = audit(source, _raw_records(catalog, id))
    if as_json:
        installation.print_json(told)
    elif as_csv:
        _write_understanding(told)
    else:
        _print_audit(told)


def _raw_records(catalog: Catalog, source_id: str) -> Iterator[RawRecord]:
    for entry in catalog.walk(source_id=source_id):
        raw = catalog.raw(entry.dataset.id)
        if raw is not None:
            yield RawRecord(body=raw.body, url=raw.url, media_type=raw.media_type)


def _write_understanding(told: Audit) -> None:
    """A line for each field, and after it one for each of its values that was not understood."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(TABLE_HEADER)
    writer.writerows(map(harmless, row) for row in table_rows(told.understanding))
    click.echo(lines.getvalue(), nl=False)


def _print_audit(told: Audit) -> None:
    click.echo(f"{told.records:,} records")
    table = installation.table("field", "given", "understood", "", "not understood")
    for each in told.understanding:
        share = "" if each.share is None else f"{each.share:.1%}"
        rest = ", ".join(f"{one.value} ({one.count:,})" for one in each.remaining[:5])
        table.add_row(each.field, f"{each.given:,}", f"{each.understood:,}", share, rest)
    installation.print_table(table)
    if not told.undecided:
        click.echo("Every key is decided about." if told.records else "Nothing was harvested that could be looked at.")
        return
    table = installation.table("undecided key", "records", "for example")
    for key in told.undecided:
        table.add_row(key.path, f"{key.records:,}", key.example)
    installation.print_table(table)


@sources.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def apply(path: Path) -> None:
    """Add or update the sources in a TOML file, or in a folder of them."""
    with installation.catalog() as catalog:
        changed = apply_sources(catalog, path)
    click.echo(f"{len(changed)} changed: {', '.join(changed)}" if changed else "Nothing changed.")


def apply_sources(catalog: Catalog, path: Path) -> list[str]:
    """Provisions the sources of a file or folder; the ids of those that changed. Raises SourceInvalid."""
    found = sourcefiles.read_all(path)
    given = {source.id for source in found}
    held = [entry.source for entry in catalog.sources.all() if entry.source.id not in given]
    sourcefiles.refuse_repeated_addresses([*held, *found])
    return [source.id for source in found if catalog.sources.put(source, provisioned=True)]


@sources.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(folder: Path) -> None:
    """Write every source as a TOML file into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    with installation.catalog() as catalog:
        entries = catalog.sources.all()
    for entry in entries:
        source = msgspec.structs.replace(entry.source, paused=entry.paused)
        (folder / f"{source.id}.toml").write_text(sourcefiles.write(source), encoding="utf-8")
    click.echo(f"Wrote {len(entries)} files into {folder}.")


@sources.command("reread")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True)
def reread_(ids: Sequence[str], as_json: bool) -> None:
    """Read again what is kept of the portals' words, of all sources or of ID…; no portal is asked."""
    given = installation.settings()
    with installation.catalog() as catalog:
        chosen = [catalog.sources.get(id).source for id in ids or (entry.source.id for entry in catalog.sources.all())]
        runs = [reread(source, catalog, holder=installation.holder()) for source in chosen]
        installation.follow(catalog, given)
    if as_json:
        installation.print_json(runs)
        return
    for run in runs:
        click.echo(f"{run.source_id}: {run.outcome}, {run.counts.listed:,} read again, {run.counts.updated:,} changed")


@sources.command()
@click.argument("id")
def pause(id: str) -> None:
    """Leave a source out of the schedule."""
    with installation.catalog() as catalog:
        catalog.sources.pause(id)
    click.echo(f"Paused {id}.")


@sources.command()
@click.argument("id")
def resume(id: str) -> None:
    """Take a source into the schedule again."""
    with installation.catalog() as catalog:
        catalog.sources.pause(id, False)
    click.echo(f"{id} is harvested on schedule again.")


@sources.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(id: str, yes: bool) -> None:
    """Retire every dataset of a source and forget the source. The tombstones and their history stay."""
    given = installation.settings()
    with installation.catalog() as catalog:
        catalog.sources.get(id)
        count = catalog.sources.dataset_counts().get(id, 0)
        if not yes:
            click.confirm(f"Retire the {count:,} datasets of {id}?", abort=True)
        retired = retirement.remove_source(catalog, id, holder=installation.holder())
        installation.follow(catalog, given)
    click.echo(f"Retired {retired:,} datasets.")


def _probe_source(id: str) -> Probe:
    with installation.catalog() as catalog:
        source = catalog.sources.get(id).source
    with installation.way_out(source, installation.settings()) as http:
        return probe_source(sourcefiles.with_secrets(source, os.environ), http)


def _source(id_or_url: str) -> Source:
    if "://" not in id_or_url:
        with installation.catalog() as catalog:
            return catalog.sources.get(id_or_url).source
    finding = _best(_probe(id_or_url))
    title, options = finding.title or finding.url, _options(finding)
    return Source(id="preview", title=title, kind=finding.kind, url=finding.url, options=options)


def _probe(url: str) -> Probe:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"{url!r} is no address of a portal: it begins with http:// or https://")
    asking = Source(id="probe", title=url, kind="ckan", url=url, politeness=Politeness(requests_per_second=5.0))
    with installation.way_out(asking, installation.settings()) as http:
        return probe(url, http)


def _best(found: Probe) -> Finding:
    if not found.findings:
        tried = "; ".join(f"{attempt.kind}: {attempt.why}" for attempt in found.attempts)
        raise UnknownSource(f"nothing we know answers there ({tried})")
    return found.findings[0]
