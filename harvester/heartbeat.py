"""Holds a source while a run lasts, however slowly its portal answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.catalog.engines import AWAY
from portal.catalog.sources import Lease, LeaseLost
from portal.catalog.store import Catalog

log = logging.getLogger(__name__)

BEAT_S = 30.0
"""A quarter of the lease's 120 seconds: three beats may fail before it is lost."""


@contextmanager
def holding(catalog: Catalog, source_id: str, holder: str) -> Iterator[Lease]:
    """The lease of a source, kept alive until the block ends.

    Runs that were not finished are ended as failed: before the block those whose process died, after it its own, where
    something broke it off that nobody foresaw. Raises SourceHeld, and LeaseLost when another run took the source over.
    """
    lease = catalog.sources.lease(source_id, holder)
    try:
        with heartbeat(catalog, lease):
            catalog.runs.abandon(lease)
            yield lease
    finally:
        catalog.runs.abandon(lease)
        catalog.sources.release(lease)


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
            except AWAY as error:
                # The database restarts: the next beat comes before the lease is over.
                log.warning("the lease of %s was not renewed: %s", lease.source_id, error)

    thread = threading.Thread(target=beat, name=f"heartbeat-{lease.source_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
