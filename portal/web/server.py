"""The portal under gunicorn."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from gunicorn.app.base import BaseApplication


LONGEST_LINE = 8190
"""Bytes of a request line, gunicorn's most: 500 Chinese characters of a search are 4,500 in an address."""


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


def serve(make_app: Callable[[], Flask], *, host: str, port: int, workers: int = 2, threads: int = 4) -> None:
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
    }
    _Server(make_app, options).run()
