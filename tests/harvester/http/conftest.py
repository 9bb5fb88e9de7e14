"""A way out to loopback that never really waits, and a clock to read what it would have waited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any, TypeAlias

import pytest

from harvester.http import Http

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

MakeHttp: TypeAlias = Callable[..., Http]


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waits_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Passes the time at once, and remembers it."""
        self.waits_s.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_http(clock: Clock) -> Iterator[MakeHttp]:
    """Makes an ``Http`` that may ask loopback, unpaced, whose waits are the clock's; closed at the end."""
    with ExitStack() as stack:

        def make(**options: Any) -> Http:
            settings = {"requests_per_second": 0, "allow_private": LOOPBACK, "sleep": clock.sleep}
            if "pacing" not in options:
                settings["clock"] = clock
            return stack.enter_context(Http(**{**settings, **options}))

        yield make


@pytest.fixture
def http(make_http: MakeHttp) -> Http:
    return make_http()
