"""Child processes that are ready at once: a process that has everything imported forks one for each document.

Importing the RDF library takes a third of a second, which a catalogue of a thousand pages would pay a thousand times.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from functools import cache
from queue import Empty, LifoQueue
from tempfile import TemporaryFile
from typing import IO, NamedTuple

STATUS = struct.Struct("!i")
"""The child's process id, then how it ended: its exit status, or less the signal that ended it."""


STARTS = 3
"""Of parents for one document. Where none of them lasts until it is read, whoever kills them would kill the next too."""


class Ended(NamedTuple):
    """How a child ended."""

    status: int
    """What it exited with; the number of a signal, negative, where one ended it."""
    said: bytes
    complaint: bytes


class Parent:
    """A process that forks readers one after another; it ends when we do, or when nothing is asked for a while."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "harvester.rdf.child"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # Nothing of ours is inherited: no secrets, no proxies; only where to import from.
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"},
            )
        self._socket = ours

    def run(self, task: IO[bytes], said: IO[bytes], complaint: IO[bytes], wall_s: float) -> int:
        """The status of the child that was given these as its input and outputs; TimeoutError when it took too long.

        Raises ConnectionError when there is no such process any more.
        """
        self._socket.settimeout(None)
        socket.send_fds(self._socket, [b"."], [task.fileno(), said.fileno(), complaint.fileno()])
        child = self._number()
        self._socket.settimeout(wall_s)
        try:
            return self._number()
        except TimeoutError:
            # Its parent has not waited for it yet, so the number is still its own.
            os.kill(child, 9)
            self._socket.settimeout(None)
            self._number()
            raise

    def close(self) -> None:
        """Lets the process end."""
        self._socket.close()
        self._process.wait()

    def _number(self) -> int:
        given = self._socket.recv(STATUS.size, socket.MSG_WAITALL)
        if len(given) < STATUS.size:
            raise ConnectionResetError("the parent of readers has ended")
        number: int = STATUS.unpack(given)[0]
        return number


def run(task: bytes, body: bytes, wall_s: float) -> Ended:
    """Runs one child on a task and a document; TimeoutError when it takes longer than ``wall_s``.

    Its answers are files, not pipes: the kernel holds a child to a file's size, and a full pipe cannot make it wait.
    """
    for start in range(STARTS):
        # Files of its own each time: a child whose parent was killed goes on, and writes to those it was given.
        with TemporaryFile() as given, TemporaryFile() as said, TemporaryFile() as complaint:
            given.writelines((task, b"\n", body))
            given.seek(0)
            parent = Parent() if start else _idle()
            try:
                status = parent.run(given, said, complaint, wall_s)
            except ConnectionError:
                # It had nothing to do for so long that it left, or was killed.
                parent.close()
                continue
            except TimeoutError:
                _parents(os.getpid()).put(parent)
                raise
            _parents(os.getpid()).put(parent)
            said.seek(0)
            complaint.seek(0)
            return Ended(status, said.read(), complaint.read())
    return Ended(-signal.SIGKILL, b"", b"")


def _idle() -> Parent:
    try:
        return _parents(os.getpid()).get_nowait()
    except Empty:
        return Parent()


@cache
def _parents(owner: int) -> LifoQueue[Parent]:
    """Those that wait for work, of one process of ours: a fork of it must not talk into its sockets."""
    return LifoQueue()
