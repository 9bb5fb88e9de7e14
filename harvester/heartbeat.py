"""Keeps a lease alive while a harvest lasts, however slowly the portal answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.catalog.sources import Lease, LeaseLost
from portal.catalog.store import Catalog

log = logging.getLogger(__name__)

BEAT_S = 30.0
"""A quarter of the lease's 120 seconds: three beats may fail before it is lost."""


@contextmanager
def heartbeat(catalog: Catalog, lease: Lease) -> Iterator[None]:
    """Renews the lease every ``BEAT_S`` until the block ends.

    It stops silently when the lease is lost: the next transaction then raises LeaseLost, where it can be handled.
    """
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(BEAT_S):
            try:
                catalog.sources.renew(lease)
            except LeaseLost:
                log.warning("the lease of %s is lost", lease.source_id)
                return

    thread = threading.Thread(target=beat, name=f"heartbeat-{lease.source_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
