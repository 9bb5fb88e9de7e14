"""Where clients stand that read everything by ``sort=id asc`` and a growing ``start``.

Datasets come and go between two pages, and an offset then skips some and repeats others. So it is remembered, for an hour,
after which id each page given ended: the next page goes on after that id, whatever has become of the ones before. It is kept
in a small database of its own, for the processes of an installation take turns at one client's requests. If it is lost the
offset counts again.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

KEPT_S = 3600.0
"""How long a client may take from one page to the next."""

PATIENCE_S = 1.0
"""How long a page waits for the other process to write."""

FILE = "ckan-walks.db"

_TABLES = (
    "CREATE TABLE IF NOT EXISTS place (walk BLOB, start INTEGER, after TEXT, at REAL, PRIMARY KEY (walk, start))",
    "CREATE INDEX IF NOT EXISTS place_at ON place (at)",
)


class Walks:
    """The places of all clients of an installation. Safe between threads and processes."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def after(self, walk: str, start: int) -> str | None:
        """The id after which the page begins that a walk asks for with ``start``; None where nobody knows."""
        if not self._file.exists():
            return None
        query = "SELECT after FROM place WHERE walk = ? AND start = ? AND at > ?"
        try:
            with closing(self._opened()) as opened:
                found = opened.execute(query, (_key(walk), start, time.time() - KEPT_S)).fetchone()
        except sqlite3.Error as error:
            log.warning("where a client's reading stands is not known: %s", error)
            return None
        return None if found is None else str(found[0])

    def remember(self, walk: str, places: Mapping[int, str]) -> None:
        """That a walk's pages from these starts on begin after these ids."""
        now = time.time()
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._opened()) as opened, opened:
                for table in _TABLES:
                    opened.execute(table)
                opened.execute("DELETE FROM place WHERE at <= ?", (now - KEPT_S,))
                opened.executemany(
                    "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)",
                    [(_key(walk), start, after, now) for start, after in places.items()],
                )
        except (sqlite3.Error, OSError) as error:
            log.warning("where a client's reading stands cannot be kept: %s", error)

    def _opened(self) -> sqlite3.Connection:
        opened = sqlite3.connect(self._file, timeout=PATIENCE_S)
        # Whatever a crash takes is worth one page read twice.
        opened.execute("PRAGMA synchronous = OFF")
        return opened


def _key(walk: str) -> bytes:
    return hashlib.blake2b(walk.encode("utf-8", "surrogatepass"), digest_size=12).digest()
