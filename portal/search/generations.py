"""Where an index lies on disk: whole generations side by side, one of them current, one writer at a time.

``<root>/current.json`` names the current generation, the change it stands at and who wrote it. It is replaced in one
step after every commit, so a reader of any process sees by its inode and time that there is something new; a rebuild
fills a new generation and replaces the name last. A crash between a commit and the replacement leaves an index that
knows more than it says; applying the same changes again is then without effect.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec
from msgspec import Struct

from portal.search.query import IndexBusy, IndexCorrupt, IndexOutdated, IndexUnusable, Position

PATIENCE_S = 30.0
"""How long a second writer waits for the first; a commit of 1,000 datasets takes a tenth of a second."""

_POLL_S = 0.05

_ATTEMPTS = 6
"""To open a commit before it counts as corrupt; the gap between a commit and its record is some milliseconds."""


class Reading(Struct, frozen=True):
    """Says of what ``is_damage`` picks of errors on the way from the files in ``path`` that the index is corrupt."""

    path: Path
    is_damage: Callable[[BaseException], bool]

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None or error is None or isinstance(error, IndexUnusable):
            return
        # What is compiled from Rust panics over most damage. That raises no Exception, so that nobody would catch it,
        # and of a class that cannot be imported.
        if kind.__name__ == "PanicException" or self.is_damage(error):
            raise IndexCorrupt(f"the index in {self.path} cannot be read: {kind.__name__}: {error}") from error


class Current(Struct, frozen=True):
    """What ``current.json`` says."""

    generation: str
    layout: str
    """What wrote it: the engine with the versions of its layout and of the analysis."""
    position: Position = Position(0)


Stamp = tuple[int, int]
"""Inode and modification time (ns) of ``current.json``: another stamp, another commit."""


Commit = TypeVar("Commit")


class Generations(Struct, frozen=True):
    """The generations of one index under ``root``, as one ``layout`` of one engine writes them."""

    root: Path
    layout: str
    patience_s: float = PATIENCE_S

    def _pointer(self) -> Path:
        return self.root / "current.json"

    def path(self, current: Current) -> Path:
        """The directory of a generation."""
        return self.root / current.generation

    def stamp(self) -> Stamp | None:
        """Changes with every commit; None for an index that was never filled."""
        try:
            status = self._pointer().stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def current(self) -> Current | None:
        """The current generation; None for an index that was never filled. Raises IndexOutdated, IndexCorrupt."""
        try:
            current = msgspec.json.decode(self._pointer().read_bytes(), type=Current)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, OSError) as error:
            raise IndexCorrupt(f"{self._pointer()} cannot be read: {error}") from error
        if current.layout != self.layout:
            raise IndexOutdated(f"the index in {self.root} was written as {current.layout}, needed is {self.layout}")
        return current

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the index for one writer among all processes. Raises IndexBusy after ``patience_s``."""
        self.root.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self.patience_s
        with open(self.root / "writer.lock", "ab") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() >= deadline:
                        raise IndexBusy(f"another process is writing to the index in {self.root}") from error
                    time.sleep(_POLL_S)
            yield

    def begin(self) -> Current:
        """A new generation with an empty directory; to be called, like ``finish``, while ``writing``."""
        numbers = [int(path.name[1:]) for path in self.root.glob("g[0-9]*") if path.name[1:].isdigit()]
        # A rebuild that broke off left its files: one that is tried again and again would fill the disk with them.
        self._remove_but(self._named())
        current = Current(f"g{max(numbers, default=0) + 1}", self.layout)
        self.path(current).mkdir()
        return current

    def finish(self, current: Current, position: Position) -> None:
        """Makes a generation the current one and removes every other; for a commit to the current one, says so."""
        text = msgspec.json.encode(Current(current.generation, self.layout, position))
        temporary = self._pointer().with_suffix(".new")
        with open(temporary, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._pointer())
        # Readers that still have files of an older generation open keep them until they look at the new one.
        self._remove_but(current.generation)

    def _named(self) -> str | None:
        """The generation that is current for whoever can read it, this layout or another."""
        try:
            return msgspec.json.decode(self._pointer().read_bytes(), type=Current).generation
        except (OSError, msgspec.DecodeError):
            return None

    def _remove_but(self, kept: str | None) -> None:
        for path in self.root.glob("g[0-9]*"):
            if path.name != kept:
                shutil.rmtree(path, ignore_errors=True)

    def newest(
        self, opened: tuple[Stamp, Commit] | None, open_commit: Callable[[Path], Commit]
    ) -> tuple[Stamp, Commit] | None:
        """The newest commit, opened from its directory unless it is ``opened``; None for an index never filled.

        Raises IndexOutdated, IndexCorrupt.
        """
        attempts = 0
        while (stamp := self.stamp()) is not None:
            if opened is not None and opened[0] == stamp:
                return opened
            current = self.current()
            if current is None:
                return None
            try:
                return stamp, open_commit(self.path(current))
            except IndexCorrupt:
                # A rebuild may have removed this generation since its name was read, or a commit that is about to be
                # recorded may have removed files of the one before while they were being opened.
                attempts += 1
                if attempts == _ATTEMPTS:
                    raise
                time.sleep(_POLL_S)
        return None
