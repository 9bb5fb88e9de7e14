"""The whole catalogue as files, made once a night: JSON Lines, CSV and Turtle, with checksums and a manifest.

A dump is a folder named by its day. It is made under another name and renamed when it is whole, so that nobody ever sees
half a one, and whatever kills its maker leaves nothing that looks like one: the next maker clears away what is left.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from portal.catalog.model import Entry
from portal.catalog.store import Catalog
from portal.search.indexing import is_indexed
from portal.web.dcat import links
from portal.web.exports import csv_chunks, jsonl_chunks, turtle_chunks

FOLDER = "dumps"
"""Within the home."""

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_UNFINISHED = ".making-"
_LOCK = ".lock"

_Pieces = Iterator[str] | Iterator[bytes]

FILES: dict[str, tuple[str, Callable[[Catalog, Iterable[Entry], str], _Pieces]]] = {
    "catalogue.jsonl.gz": ("application/x-ndjson", lambda catalog, entries, base: jsonl_chunks(entries, base)),
    "catalogue.csv.gz": ("text/csv", lambda catalog, entries, base: csv_chunks(entries, base)),
    "catalogue.ttl.gz": ("text/turtle", lambda catalog, entries, base: turtle_chunks(entries, base, *links(catalog))),
}
"""The name of a file, what it is once it is unpacked, and how it is written: the same as the exports."""


class DumpExists(Exception):
    """There is a dump of this day already."""


class DumpBusy(Exception):
    """Another process is making one."""


class DumpStopped(Exception):
    """It was told to stop; nothing is left of what was made."""


class DumpFile(Struct, frozen=True, kw_only=True):
    """One file of a dump; ``media_type`` is of what is packed into it with gzip."""

    name: str
    media_type: str
    datasets: int
    bytes: int
    unpacked_bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a dump holds."""

    day: str
    begun: datetime
    finished: datetime
    change: int
    """The newest number of the change log when it was begun: whoever follows the changes from there misses nothing."""
    files: tuple[DumpFile, ...]

    def file(self, name: str) -> DumpFile | None:
        """One of its files."""
        return next((one for one in self.files if one.name == name), None)


def days(home: Path) -> list[str]:
    """The days of which there is a dump, the newest first."""
    folder = home / FOLDER
    if not folder.is_dir():
        return []
    return sorted((one.name for one in folder.iterdir() if _DAY.fullmatch(one.name)), reverse=True)


def manifest(home: Path, day: str) -> Manifest | None:
    """What a dump holds; None where there is none of that day."""
    if not _DAY.fullmatch(day):
        return None
    try:
        return msgspec.json.decode((home / FOLDER / day / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None


def is_due(home: Path, catalog: Catalog, now: datetime) -> bool:
    """Whether there is none of this day (UTC), and something to dump that stood before it began."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.date().isoformat() not in days(home) and catalog.number_before(midnight) > 0


def make(
    home: Path,
    catalog: Catalog,
    base: str,
    now: datetime,
    *,
    again: bool = False,
    is_stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda count: None,
) -> Manifest:
    """Dumps the catalogue of now, under this day (UTC); with ``again`` in place of the one there is of it.

    ``progress`` is called with 1 for every dataset written to a file. Raises DumpExists, DumpBusy, DumpStopped, and
    OSError where there is no room; then everything is as it was.
    """
    folder = home / FOLDER
    with _alone(folder):
        day = now.astimezone(UTC).date().isoformat()
        if not again and (folder / day).exists():
            raise DumpExists(f"there is a dump of {day} already")
        draft = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
        draft.mkdir()
        try:
            change = catalog.last_change()
            counted = partial(_counted, catalog, is_stopped, progress)
            files = tuple(_written(draft, name, catalog, base, counted) for name in FILES)
            made = Manifest(day=day, begun=now, finished=datetime.now(UTC), change=change, files=files)
            _write(draft / CHECKSUMS, "".join(f"{one.sha256}  {one.name}\n" for one in files).encode())
            _write(draft / MANIFEST, msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
            if (folder / day).exists():
                os.rename(folder / day, folder / f"{_UNFINISHED}{secrets.token_hex(8)}")
            os.rename(draft, folder / day)
        finally:
            _clear(folder)
    return made


def keep(home: Path, most: int) -> list[str]:
    """Keeps the newest ``most`` dumps; the days of those that were removed."""
    folder = home / FOLDER
    gone = days(home)[most:]
    if gone:
        with _alone(folder):
            for day in gone:
                # Renamed first: whoever looks meanwhile sees all of a dump or nothing.
                os.rename(folder / day, folder / f"{_UNFINISHED}{secrets.token_hex(8)}")
            _clear(folder)
    return gone


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else makes or removes dumps meanwhile. The lock ends with its process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DumpBusy("another process is making a dump") from error
        _clear(folder)
        yield


def _clear(folder: Path) -> None:
    """Removes what is not whole: whoever has the lock knows that nobody is at work on it."""
    for one in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(one, ignore_errors=True)


class _Count:
    """Datasets written to a file so far."""

    def __init__(self) -> None:
        self.datasets = 0


def _counted(
    catalog: Catalog, is_stopped: Callable[[], bool], progress: Callable[[int], None], count: _Count
) -> Iterator[Entry]:
    """Every present dataset by id, counted as it goes by."""
    for entry in catalog.walk():
        if is_stopped():
            raise DumpStopped("the dump was stopped")
        if is_indexed(entry):
            count.datasets += 1
            progress(1)
            yield entry


def _written(
    folder: Path, name: str, catalog: Catalog, base: str, entries: Callable[[_Count], Iterator[Entry]]
) -> DumpFile:
    media_type, pieces = FILES[name]
    count, unpacked = _Count(), 0
    with (folder / name).open("wb") as file:
        hashed = _Hashed(file)
        # Without name and time: the same catalogue packs to the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=hashed, mtime=0, compresslevel=6) as packed:
            for piece in pieces(catalog, entries(count), base):
                written = piece.encode() if isinstance(piece, str) else piece
                unpacked += len(written)
                packed.write(written)
        file.flush()
        os.fsync(file.fileno())
    return DumpFile(
        name=name, media_type=media_type, datasets=count.datasets, bytes=hashed.bytes, unpacked_bytes=unpacked,
        sha256=hashed.digest.hexdigest(),
    )


class _Hashed:
    """A file that knows the checksum and the length of what was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.bytes = 0

    def write(self, piece: bytes) -> int:
        """Writes on."""
        self.digest.update(piece)
        self.bytes += len(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        """Hands on what is held back."""
        self._file.flush()


def _write(file: Path, body: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(body)
        opened.flush()
        os.fsync(opened.fileno())
