"""Keeps the count of what is understood of a source up with its datasets."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.catalog.model import Run
from portal.catalog.normalisation import Normalisation, decode_words, understanding
from portal.catalog.store import Catalog


def keep_normalisation(catalog: Catalog, run: Run) -> None:
    """Counts anew what is understood of the source's words, where the run changed any of its datasets."""
    counts = run.counts
    if not (counts.added or counts.updated or counts.retired) and catalog.normalisations.get(run.source_id):
        return
    fields = understanding(map(decode_words, catalog.documents(run.source_id)))
    catalog.normalisations.put(
        Normalisation(source_id=run.source_id, run_id=run.id, counted=datetime.now(UTC), fields=fields)
    )
