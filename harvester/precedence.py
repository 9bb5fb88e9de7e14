"""Which of different records under one id stands: what the portal says decides, never in which order it lists them."""

from __future__ import annotations

from math import inf

from portal.catalog.model import Dataset


def place(dataset: Dataset, body: bytes) -> tuple[float, bytes]:
    """The place of a record among others under its id: the least stands.

    First what says that it, or its data, was modified last, then what says nothing of that; of equals the one whose bytes
    sort first (decision 74).
    """
    said = [moment.timestamp() for moment in (dataset.modified, dataset.data_modified) if moment is not None]
    return -max(said, default=-inf), body
