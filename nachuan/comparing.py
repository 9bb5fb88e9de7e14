"""The index held against the catalogue once a day: when it is due, and what was found the last time."""

from __future__ import annotations

import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from nachuan import installation
from portal.catalog.store import Catalog
from portal.search import indexing
from portal.search.indexing import Reconciled
from portal.settings import Settings

log = logging.getLogger(__name__)


class Compared(Struct, frozen=True):
    """When the index was compared, and what was made good."""

    at: datetime
    found: Reconciled


def compared(given: Settings) -> Compared | None:
    """The last comparison; None before the first one."""
    try:
        return msgspec.json.decode(_file(given).read_bytes(), type=Compared)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def compare_when_due(catalog: Catalog, given: Settings, stop: threading.Event) -> Compared | None:
    """Compares the index of this home once a day (UTC) and makes good what differs.

    None where it is not due, or was stopped.
    """
    now, last = datetime.now(UTC), compared(given)
    # Not "later than": a clock that was once wrong would put it off until then.
    if last is not None and last.at.date() == now.date():
        return None
    with installation.index(given) as opened:
        found = indexing.reconcile(catalog, opened, stop)
    if found is None:
        return None
    done = Compared(now, found)
    _write(_file(given), done)
    tell = log.warning if done.found.differed else log.info
    tell("the index was compared with the catalogue: %s", in_words(done.found))
    return done


def in_words(found: Reconciled) -> str:
    """What a comparison found, in one line."""
    if found.rebuilt:
        return f"its files could not be read, it was made anew of {found.compared:,} datasets"
    if not found.differed:
        return f"no difference in {found.compared:,} datasets"
    return (
        f"of {found.compared:,} datasets it lacked {found.lacking:,}, had {found.surplus:,} too many and {found.stale:,} "
        "that were out of date: made good"
    )


def _file(given: Settings) -> Path:
    # Beside the index and not in the database: every home has an index of its own.
    return given.home / "index-compared.json"


def _write(file: Path, done: Compared) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(done))
    os.replace(draft, file)
