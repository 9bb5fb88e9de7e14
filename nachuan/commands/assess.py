"""``nachuan assess``: evidence and scores, kept up to date, of an earlier day, or by rules of one's own."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from nachuan import installation
from nachuan.cli import Failed
from portal.catalog.accounts import is_department
from portal.catalog.assessments import Kind
from portal.catalog.audit import COMMAND
from portal.catalog.statements import Verdict
from portal.catalog.store import Catalog
from portal.scorecard import exports, periods, rules, scoring, snapshots, spans, weeks
from portal.scorecard.assess import catch_up, rebuild, standard_layout
from portal.scorecard.groups import AS_ONE, NATION, Group
from portal.scorecard.vectors import Layout
from portal.settings import with_secret_key

GROUPS = {
    "nation": Kind.NATION,
    "regions": Kind.REGION,
    "publishers": Kind.PUBLISHER,
    "themes": Kind.THEME,
    "institutions": Kind.INSTITUTION,
    "sources": Kind.SOURCE,
}
"""The kinds as the addresses of the site write them; a department is written as a publisher."""

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(invoke_without_command=True)
@click.option("--as-of", type=DAY, help="The catalogue as it stood at the end of this day; nothing is stored.")
@click.option("--rules", "name", help="Only this rule set, or the one in this TOML file, which is then not stored.")
@click.option("--rebuild", "anew", is_flag=True, help="Assess everything again, from nothing.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def assess(context: click.Context, as_of: datetime | None, name: str | None, anew: bool, as_json: bool) -> None:
    """Bring the openness assessment up to date, and say what it came to."""
    if context.invoked_subcommand is not None:
        return
    if as_of is not None and as_of.date() > datetime.now(UTC).date():
        raise click.UsageError(f"--as-of {as_of:%Y-%m-%d} is yet to come")
    with installation.catalog() as catalog:
        chosen = rules.load(name) if name is not None else None
        if as_of is not None or (chosen is not None and chosen not in rules.packaged()):
            layout = Layout.of([chosen]) if chosen else standard_layout()
            _tell(_earlier(catalog, as_of.date() if as_of else datetime.now(UTC).date(), layout), as_json)
            return
        with _progress(catalog, "Assessing") as advance:
            if anew:
                rebuild(catalog, processes=os.cpu_count() or 1, progress=advance)
            else:
                catch_up(catalog, processes=os.cpu_count() or 1, progress=advance)
        _tell(_standing(catalog, [chosen.id] if chosen else list(rules.PACKAGED)), as_json)


@assess.command()
def keep() -> None:
    """Work out why the scores of large groups changed up to yesterday, as the schedule does once a day."""
    with installation.catalog() as catalog, _progress(catalog, "Comparing") as advance:
        count = installation.keep_explanations(catalog, threading.Event(), advance)
        last = catalog.explanations.last()
    click.echo(f"Everything is worked out up to {last}." if count is None else f"Kept {count:,} explanations up to {last}.")


@assess.command()
@click.argument("period")
@click.option(
    "--days", type=click.IntRange(1, 90), default=periods.PREVIEW_DAYS, show_default=True,
    help="Whole days, after today, by the clock of Beijing.",
)
def preview(period: str, days: int) -> None:
    """Show what a half-year that is over would be frozen as, and let departments speak about it for some days."""
    with installation.catalog() as catalog, _progress(catalog, "Assessing") as advance:
        manifest = periods.begin_preview(catalog, period, _key(), days, progress=advance)
    assert manifest.until is not None, "what is previewed is open until some time"
    click.echo(f"Shows {period}: {manifest.datasets:,} datasets as of {manifest.day}.")
    click.echo(f"  departments may speak until {manifest.until.astimezone(weeks.BEIJING):%Y-%m-%d %H:%M} (Beijing)")
    click.echo(f"  evidence SHA-256 {manifest.evidence_sha256}")


@assess.command()
@click.argument("period")
@click.option("--until", type=DAY, required=True, help="The last day on which departments may speak, in Beijing.")
@click.option("--reason", required=True, help="Why, in public.")
def extend(period: str, until: datetime, reason: str) -> None:
    """Let departments speak until a later day about what a preview shows, also where its days are over already."""
    with installation.catalog() as catalog:
        found = catalog.previews.extend(period, weeks.end_of_day(until.date()), reason, by=COMMAND)
    until_then = found.until.astimezone(weeks.BEIJING)
    click.echo(f"Departments may speak about {period} until {until_then:%Y-%m-%d %H:%M} (Beijing).")


@assess.command("call-off")
@click.argument("period")
@click.option("--reason", required=True, help="Why, in public.")
def call_off(period: str, reason: str) -> None:
    """End a preview for good. The half-year is frozen only after another one has run its course.

    What was shown and said stays to be seen, and every dispute is still to be answered.
    """
    with installation.catalog() as catalog:
        catalog.previews.call_off(period, reason, by=COMMAND)
    click.echo(f"The preview of {period} is called off. nachuan assess preview {period} begins another.")


@assess.command("statements")
@click.argument("period")
@click.option("--open", "only_open", is_flag=True, help="Only the disputes that have no answer yet.")
@click.option("--json", "as_json", is_flag=True, help="All of it, as the site publishes it.")
def tell_statements(period: str, only_open: bool, as_json: bool) -> None:
    """What departments said in the preview of a half-year, and what was answered."""
    with installation.catalog() as catalog:
        if catalog.previews.get(period) is None:
            raise click.ClickException(f"there was no preview of {period}")
        found = [one for one in catalog.statements.of(period) if one.is_open or not only_open]
    if as_json:
        click.echo(weeks.published(found))
        return
    for one in found:
        said, last = one.saying, one.answers[-1] if one.answers else None
        about = " ".join(filter(None, (said.rules and f"{said.rules}.{said.indicator}", said.dataset_id)))
        state = "taken back" if one.withdrawn else (last.verdict or "answered") if last else "open" if one.is_open else "-"
        click.echo(f"{one.number:>5}  {state:<14} {said.kind} {one.department} {about}")
        click.echo(textwrap.indent(said.text, " " * 7))
        for answer in one.answers:
            click.echo(textwrap.indent(answer.text, " " * 9))


@assess.command()
@click.argument("number", type=int)
@click.option("--verdict", type=click.Choice([one.value for one in Verdict]), help="A dispute needs one.")
@click.option("--text", help="What is answered, in public; else read from standard input.")
def answer(number: int, verdict: str | None, text: str | None) -> None:
    """Answer a statement of a department, in public. A later answer is in force instead of an earlier one."""
    words = sys.stdin.read() if text is None else text
    with installation.catalog() as catalog:
        earlier = catalog.statements.get(number).answers
        catalog.statements.answer(
            number, words, Verdict(verdict) if verdict else None,
            by=COMMAND, after=earlier[-1].number if earlier else None,
        )
    click.echo(f"Answered statement {number}.")


@assess.command()
@click.argument("period")
def freeze(period: str) -> None:
    """Freeze a half-year that is over, such as 2026H1: its evidence and scores stay as they are.

    Where it was previewed, the week must be over and every dispute answered.
    """
    with installation.catalog() as catalog, _progress(catalog, "Freezing") as advance:
        manifest = periods.freeze(catalog, period, _key(), progress=advance)
    click.echo(f"Froze {period}: {manifest.datasets:,} datasets as of {manifest.day}.")
    click.echo(f"  evidence SHA-256 {manifest.evidence_sha256}")
    click.echo(f"  scores   SHA-256 {manifest.scores_sha256}")
    if manifest.preview is not None:
        click.echo(f"  {manifest.preview.statements:,} statements SHA-256 {manifest.preview.statements_sha256}")


@assess.command()
@click.argument("period")
def verify(period: str) -> None:
    """Assess a frozen period again from the catalogue, and say whether it has the hashes it was frozen with."""
    with installation.catalog() as catalog, _progress(catalog, "Assessing") as advance:
        frozen = periods.manifest_of(catalog.periods.get(period))
        found = periods.recomputed(catalog, period, advance)
    for what, before, now in (
        ("evidence", frozen.evidence_sha256, found.evidence_sha256),
        ("scores  ", frozen.scores_sha256, found.scores_sha256),
    ):
        click.echo(f"{what} SHA-256 {before}" + ("" if now == before else f", and now {now}"))
    if found != frozen:
        raise click.ClickException(f"{period} comes out otherwise: see docs/scorecard.md#what-is-remembered")
    click.echo(f"{period} comes out as it was frozen: {found.datasets:,} datasets as of {found.day}.")


@assess.command()
@click.argument("period")
@click.option("--format", "format_", type=click.Choice(list(exports.FORMATS)), default="csv", show_default=True)
@click.option("--table", type=click.Choice(list(exports.TABLES)), default="scores", show_default=True)
@click.option("-o", "output", type=click.File("wb", lazy=True), default="-", help="The file; else standard output.")
def export(period: str, format_: str, table: str, output: BinaryIO) -> None:
    """Write out a frozen period: its scores, the counts of every indicator, or every dataset's verdicts.

    What a preview shows has the name of its period with -pre after it; what another one after it shows, with -p2.
    """
    with installation.catalog() as catalog:
        _, layout, rows = periods.streamed(catalog, period)
        for chunk in exports.FORMATS[format_](exports.TABLES[table](layout, rows)):
            output.write(chunk)


@assess.command()
@click.argument("kind", type=click.Choice(list(GROUPS)))
@click.argument("code")
@click.option("--from", "first", type=DAY, required=True, help="The end of this day is where it begins.")
@click.option("--to", "last", type=DAY, required=True, help="The end of this day is where it ends.")
@click.option("--rules", "name", type=click.Choice(rules.PACKAGED), default=rules.PACKAGED[0], show_default=True)
@click.option("--json", "as_json", is_flag=True, help="With the ids of the datasets of each part.")
def why(kind: str, code: str, first: datetime, last: datetime, name: str, as_json: bool) -> None:
    """Take apart why the score of a group, named as in the addresses of its page, changed between two days."""
    if first >= last:
        raise click.UsageError("--from must be before --to")
    with installation.catalog() as catalog:
        group = _group(kind, code)
        try:
            found = spans.span(catalog, group, first.date(), last.date(), name, most=spans.MOST_DATASETS).explanation
        except spans.TooMuch:
            found = spans.span(catalog, group, first.date(), last.date(), name, most=None).explanation
    if found is None:
        raise Failed(f"{kind} {code} has no score on one of the two days")
    if as_json:
        installation.print_json(msgspec.to_builtins(found))
        return
    assert found.before.point is not None and found.after.point is not None, "what is explained has a score twice"
    click.echo(f"{found.before.point:.2f} -> {found.after.point:.2f}: {found.after.point - found.before.point:+.2f}")
    for part in found.parts:
        cause = f" by {part.cause.value}" if part.cause else ""
        click.echo(f"{part.points:+8.2f}  {part.movement.value}{cause}: {part.datasets:,} datasets")


def _key() -> str:
    key = with_secret_key(installation.settings()).secret_key
    assert key is not None, "a key is made where none is set"
    return key


def _group(kind: str, code: str) -> Group:
    if kind == "nation":
        return NATION
    return Kind.DEPARTMENT if kind == "publishers" and is_department(code) else GROUPS[kind], code


def _earlier(catalog: Catalog, day: date, layout: Layout) -> list[dict[str, Any]]:
    """The nation's scores of a day, or by rules of one's own."""
    with _progress(catalog, "Assessing") as advance:
        rows = snapshots.rows_as_of(catalog, day, layout, progress=advance).rows
        counts = snapshots.counts_of(rows, layout).get(NATION)
    if counts is None:
        return []
    lanes = scoring.lanes(counts)
    return [
        {"rules": one.id, **msgspec.structs.asdict(scoring.score(lanes, one, layout, is_department=Kind.NATION in AS_ONE))}
        for one in layout.rule_sets
    ]


def _standing(catalog: Catalog, names: list[str]) -> list[dict[str, Any]]:
    found = (catalog.assessments.standing(name, *NATION) for name in names)
    return [msgspec.structs.asdict(one) for one in found if one is not None]


def _tell(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        installation.print_json(found)
        return
    if not found:
        click.echo("There is no dataset to assess.")
    for one in found:
        point = "not measured" if one["point"] is None else f"{one['point']:.1f}"
        click.echo(
            f"{one['rules']:>10}: {point} ({one['low']:.1f} to {one['high']:.1f}) over {one['datasets']:,} datasets, "
            f"{one['measured']:.0%} of it measured"
        )


@contextmanager
def _progress(catalog: Catalog, words: str) -> Iterator[Any]:
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(words, total=catalog.count())
        yield lambda count: progress.advance(task, count)
