"""``nachuan doctor``: what is configured, reachable, behind or broken, each with its cure."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import UTC, datetime, timedelta

import click
from msgspec import Struct

from harvester import counting
from harvester.scheduler import due
from nachuan import comparing, installation
from nachuan.cli import Failed
from portal.catalog.accounts import OPERATE
from portal.catalog.engines import DatabaseError, DatabaseUnusable
from portal.catalog.model import LinkState, Outcome
from portal.catalog.store import Catalog
from portal.highvalue.following import is_current
from portal.scorecard.assess import standard_layout
from portal.search import indexing
from portal.search.engines import open_index
from portal.search.query import IndexUnusable
from portal.settings import SECRET_KEY_FILE, Settings
from portal.web.pdf import chromium

FULL_SHARE, SCARCE_BYTES = 0.85, 20 * 1024**3
"""A disk that is so full, and has no more room than this, will soon stop harvests and the index."""

LATE = timedelta(hours=1)
"""A source that has been due for longer than this tells that no scheduler runs."""


NOT_COMPARED = timedelta(days=3)
"""An index that was not compared for longer tells the same."""


class Finding(Struct, frozen=True):
    """One thing that was looked at. ``cure`` is None when it is well."""

    about: str
    found: str
    cure: str | None = None


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """Say what is configured, reachable, behind or broken, and what to do about it."""
    given = installation.settings()
    findings = [
        Finding("settings", f"home {given.home}, database {_hidden(given.database_url)}, index {given.search_url}")
    ]
    findings += [*_look_at_home(given), _look_at_secret_key(given), _look_at_contact(given), _look_at_disk(given)]
    browser = chromium(given.chromium)
    findings.append(Finding("pdf", f"printed by {browser}" if browser else "no Chromium to print with: not offered"))
    findings += _look_at_database(given)
    if as_json:
        installation.print_json(findings)
    else:
        for finding in findings:
            mark = "well " if finding.cure is None else "CURE "
            click.echo(
                f"{mark} {finding.about}: {finding.found}" + (f"\n       → {finding.cure}" if finding.cure else "")
            )
    if any(finding.cure for finding in findings):
        raise Failed("something needs attention")


def _look_at_home(given: Settings) -> list[Finding]:
    if not given.home.exists() or os.access(given.home, os.W_OK | os.X_OK):
        return []
    cure = "let whoever runs nachuan write there, or set NACHUAN_HOME"
    return [Finding("home", f"{given.home} cannot be written to", cure)]


def _look_at_contact(given: Settings) -> Finding:
    if given.contact is None:
        return Finding("contact", "the site names nobody to write to when a figure is wrong; NACHUAN_CONTACT does")
    return Finding("contact", given.contact)


def _look_at_database(given: Settings) -> list[Finding]:
    try:
        catalog = Catalog(given.database_url)
    except DatabaseError as error:
        return [Finding("database", str(error), _SETTING)]
    try:
        catalog.check()
        looked = [*_look_at_catalogue(catalog), _look_at_index(catalog, given), _look_at_appearances(catalog)]
        return [*looked, _look_at_links(catalog, given), _look_at_assessment(catalog), _look_at_high_value(catalog)]
    except DatabaseUnusable as error:
        return [Finding("database", str(error), f"see that it answers and has room; {_SETTING}")]
    except DatabaseError as error:
        return [Finding("database", str(error), "nachuan db upgrade")]
    finally:
        catalog.close()


_SETTING = "NACHUAN_DATABASE_URL, or NACHUAN_HOME, says where it is"


def _look_at_secret_key(given: Settings) -> Finding:
    file = given.home / SECRET_KEY_FILE
    if given.secret_key is not None:
        return Finding("secret key", "set by NACHUAN_SECRET_KEY")
    if not file.exists():
        return Finding("secret key", f"not set; `nachuan serve` will make one and keep it in {file}")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        return Finding("secret key", f"{file} can be read by others", f"rm {file}, then start anew: sessions end")
    return Finding("secret key", f"not set; the one made and kept in {file} is used")


def _look_at_disk(given: Settings) -> Finding:
    disk = shutil.disk_usage(given.home if given.home.exists() else given.home.absolute().anchor)
    share = disk.used / disk.total
    found = f"{share:.0%} full, {disk.free / 1024**3:,.0f} GB free where {given.home} lies"
    is_scarce = share >= FULL_SHARE and disk.free < SCARCE_BYTES
    return Finding("disk", found, "make room, or move NACHUAN_HOME" if is_scarce else None)


def _look_at_catalogue(catalog: Catalog) -> list[Finding]:
    figures = catalog.figures()
    found = [Finding("catalogue", f"{figures.datasets:,} datasets from {figures.sources} sources")]
    operators = [one for one in catalog.accounts.all() if one.disabled is None and one.role in OPERATE]
    if not operators:
        found.append(Finding("operators", "nobody can sign in to decide; `nachuan user add NAME --role operator`"))
    if not figures.sources:
        found.append(Finding("sources", "there are none", "nachuan sources add URL"))
    now = datetime.now(UTC)
    late = [id for id in due(catalog, now - LATE)]
    if late:
        found.append(
            Finding("schedule", f"overdue: {', '.join(late)}", "nachuan serve, nachuan work or nachuan harvest --due")
        )
    for run in catalog.runs.last_by_source().values():
        if run.outcome is Outcome.HELD and run.decision is None:
            cure = f"nachuan runs show {run.id}, then approve or reject it"
            found.append(Finding("source", f"{run.source_id} holds back {run.counts.held} retirements", cure))
        elif run.outcome in (Outcome.FAILED, Outcome.PARTIAL):
            found.append(
                Finding("source", f"{run.source_id}: {run.outcome} ({run.cause})", f"nachuan runs show {run.id}")
            )
    return found


def _look_at_index(catalog: Catalog, given: Settings) -> Finding:
    try:
        index = open_index(given.search_url, given.home)
    except IndexUnusable as error:
        return Finding("index", str(error), "nachuan index rebuild")
    try:
        behind = indexing.behind(catalog, index)
    finally:
        index.close()
    if behind:
        return Finding("index", f"{behind:,} changes behind the catalogue", "nachuan index catch-up")
    last = comparing.compared(given)
    if last is None:
        return Finding("index", "follows the catalogue; never compared with it")
    found = f"follows the catalogue; compared on {last.at:%Y-%m-%d}: {comparing.in_words(last.found)}"
    if datetime.now(UTC) - last.at > NOT_COMPARED:
        return Finding("index", found, "nachuan serve or nachuan work, which compare it every day")
    return Finding("index", found)


def _look_at_links(catalog: Catalog, given: Settings) -> Finding:
    now = datetime.now(UTC)
    counts = catalog.links.counts().states
    every, due = sum(counts.values()), catalog.links.waiting(now)
    states = [f"{counts.get(state, 0):,} {state}" for state in LinkState]
    found = f"{every:,} addresses: {', '.join(states)}, {counts.get(None, 0):,} never asked for; {due:,} due"
    lately = sum(catalog.links.asked_on((now - timedelta(days=days)).date()) for days in range(3))
    if due and not lately and set(counts) != {None} and given.links_a_day:
        return Finding("links", f"{found}, none asked for since the day before yesterday", "nachuan serve or nachuan work")
    return Finding("links", found)


def _look_at_appearances(catalog: Catalog) -> Finding:
    behind = counting.behind(catalog)
    if behind:
        return Finding("appearances", f"{behind:,} changes behind the catalogue", "nachuan appearances catch-up")
    return Finding("appearances", "each dataset is counted once")


def _look_at_high_value(catalog: Catalog) -> Finding:
    if is_current(catalog):
        return Finding("high value", "follows the catalogue")
    return Finding("high value", "what serves the list was not looked for since the catalogue or the list changed", _COVERAGE)


_COVERAGE = "nachuan high-value coverage"


def _look_at_assessment(catalog: Catalog) -> Finding:
    state = catalog.assessments.state()
    if state is None or state.layout != standard_layout().digest:
        return Finding("assessment", "there is none by these rules", "nachuan assess")
    behind = catalog.last_change() - state.number
    if behind > 0:
        return Finding("assessment", f"{behind:,} changes behind the catalogue", "nachuan assess")
    return Finding("assessment", f"of {state.day:%Y-%m-%d}, follows the catalogue")


def _hidden(url: str) -> str:
    """A database address without its password."""
    before, at, host = url.rpartition("@")
    return f"{before.split('://')[0]}://…@{host}" if at else url
