"""The portal under gunicorn."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

LONGEST_LINE = 8190
"""Bytes of a request line, gunicorn's most: 500 Chinese characters of a search are 4,500 in an address."""

SILENCE_S = 20
"""How long a client may send nothing of a request it has begun, or take nothing of an answer: a thread waits for it."""


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings in place of its command line."""

    def __init__(self, make_app: Callable[[], Flask], options: dict[str, object]) -> None:
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._make_app()


def _hang_up_on_the_silent(worker: Worker, silence_s: int) -> None:
    """Gives every connection that will be accepted a limit of its own: gunicorn's threads have none."""
    for listener in worker.sockets:
        for wait in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, wait, struct.pack("ll", silence_s, 0))
    # Nobody's fault but theirs, and as many as they like.
    worker.log.error_log.addFilter(
        lambda record: not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))
    )


def serve(
    make_app: Callable[[], Flask],
    *,
    host: str,
    port: int,
    workers: int = 2,
    threads: int = 4,
    silence_s: int = SILENCE_S,
) -> None:
    """Answers on ``host:port`` until it is told to stop.

    ``make_app`` is called once in every worker process, after the fork, so that no connection or index is shared.
    """
    options: dict[str, object] = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "accesslog": None,
        "loglevel": "warning",
        "graceful_timeout": 20,
        "limit_request_line": LONGEST_LINE,
        "post_worker_init": lambda worker: _hang_up_on_the_silent(worker, silence_s),
    }
    _Server(make_app, options).run()
