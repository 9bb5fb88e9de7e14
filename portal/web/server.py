"""The portal under gunicorn."""

from __future__ import annotations

import gc
import socket
import struct
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

LONGEST_LINE = 8190
"""Bytes of a request line, gunicorn's most: 500 Chinese characters of a search are 4,500 in an address."""


def settle() -> None:
    """Takes what is loaded by now out of what Python looks through for garbage.

    A hundred thousand objects of modules and routes stay for good: looking through them made one page in fifty wait 50 ms.
    """
    gc.collect()
    gc.freeze()


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
        app = self._make_app()
        settle()
        return app


class Impatient(ThreadWorker):  # type: ignore[misc]
    """Hangs up on clients that fall silent: gunicorn's threads wait for them without a limit."""

    silence_s = 20
    """How long a client may send nothing of a request it has begun, or take nothing of an answer."""

    def init_process(self) -> None:
        # Nobody's fault but theirs, and as many as they like.
        self.log.error_log.addFilter(
            lambda record: not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))
        )
        super().init_process()

    def handle(self, conn: Any) -> Any:
        for wait in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, wait, struct.pack("ll", self.silence_s, 0))
        return super().handle(conn)


def serve(make_app: Callable[[], Flask], *, host: str, port: int, workers: int = 2, threads: int = 8) -> None:
    """Answers on ``host:port`` until it is told to stop.

    ``make_app`` is called once in every worker process, after the fork, so that no connection or index is shared.
    """
    options: dict[str, object] = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": Impatient,
        "accesslog": None,
        "loglevel": "warning",
        "graceful_timeout": 20,
        "limit_request_line": LONGEST_LINE,
    }
    _Server(make_app, options).run()
