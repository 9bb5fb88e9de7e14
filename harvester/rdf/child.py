"""The process that reads one RDF document: shuts itself in, reads, says what it found, and ends.

``python -m harvester.rdf.child`` is its parent, started by ``harvester.rdf.nursery``: it imports all that is needed and
forks a child for each document. The child's input is a ``Task`` on the first line and the document after it.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import socket
import sys

import msgspec

import schemas
from harvester.rdf import TOO_LARGE_STATUS, Document, Limits, Refusal, Task
from harvester.rdf.nursery import STATUS
from harvester.rdf.plain import document
from harvester.rdf.statements import DocumentRefused, read_statements
from harvester.xmltext import NotReadable, decoded

IDLE_S = 60.0
"""How long the parent stays when no document comes."""


def shut_in(limits: Limits) -> None:
    """Takes from this process what it needs no more: files, sockets, memory and time beyond the limits.

    All that is needed is imported, read and decoded by now (Python loads a codec when it first meets
    it). With no descriptor left to open, the kernel refuses each file and each connection,
    whichever library tries: a JSON-LD ``@context``, an XML entity, a plug-in.
    """
    for kind, limit in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, limits.output_bytes),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def answer(task: Task, body: bytes) -> Document | Refusal:
    """What the document says, or why it was not read."""
    try:
        text = decoded(body)
        shut_in(task.limits)
        return document(read_statements(text, task), task)
    except DocumentRefused as refused:
        return refused.refusal
    except NotReadable as error:
        return Refusal(detail=str(error))
    except RecursionError:
        return Refusal(detail="the document is nested too deeply")


def read() -> None:
    """Reads the task and the document from the input and writes the answer as JSON."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    try:
        said = msgspec.json.encode(answer(task, sys.stdin.buffer.read()))
        if len(said) > task.limits.output_bytes:
            refusal = Refusal(too_large=True, detail=f"its records take more than {task.limits.output_bytes} bytes")
            said = msgspec.json.encode(refusal)
    except MemoryError:
        # At once: what Python does on its way out needs memory as well.
        os._exit(TOO_LARGE_STATUS)
    sys.stdout.buffer.write(said)
    sys.stdout.buffer.flush()


def main() -> None:
    """Forks a child for each three files that come: its input, its output and its complaints."""
    # rdflib warns of every odd address and literal, line by line; what matters becomes part of the answer.
    logging.disable()
    schemas.contexts(), schemas.namespaces()
    # What stands now is shared by all children; collecting it in each would copy it.
    gc.freeze()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as asked:
        asked.settimeout(IDLE_S)
        while files := _next(asked):
            child = os.fork()
            if child == 0:
                break
            for file in files:
                os.close(file)
            asked.sendall(STATUS.pack(child))
            _, status = os.waitpid(child, 0)
            asked.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))
    if files:
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        read()
        # At once: what Python tears down on its way out takes longer than reading most documents.
        os._exit(0)


def _next(asked: socket.socket) -> list[int]:
    """The files of the next child; none when our own parent has gone or has long had nothing to read."""
    try:
        _, files, _, _ = socket.recv_fds(asked, 1, 3)
    except TimeoutError:
        return []
    return files


if __name__ == "__main__":
    main()
