"""What machines are told of one dataset as JSON: the record, its life, the addresses around it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from portal.catalog.appearances import Appearance, Family
from portal.catalog.model import Dataset, DatasetState, Entry

REPRESENTATIONS = {
    "json": "application/json",
    "ttl": "text/turtle",
    "rdf": "application/rdf+xml",
    "jsonld": "application/ld+json",
}
"""The suffix of a dataset's address and the media type it stands for."""


class Life(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a dataset stands; the fields are those of ``portal.catalog.model.Entry``."""

    state: DatasetState
    first_seen: datetime
    changed: datetime
    missing_since: datetime | None = None
    retired: datetime | None = None
    retired_because: str | None = None


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dataset with its life; ``dataset`` is as ``schemas/dataset.schema.json`` describes it."""

    dataset: Dataset
    life: Life
    links: dict[str, str]
    appearances: tuple[Appearance, ...] = ()
    """Of a dataset that has several entries all of them, the counted one first."""
    family: Family | None = None


def document(
    entry: Entry, base: str, appearances: Sequence[Appearance] = (), family: Family | None = None
) -> Document:
    """The document of an entry at the portal whose addresses begin with ``base``."""
    dataset = entry.dataset
    page = dataset_address(base, dataset.id)
    links = {"page": page} | {suffix: f"{page}.{suffix}" for suffix in REPRESENTATIONS}
    links["source"] = f"{base}/sources/{dataset.source_id}"
    if dataset.publisher is not None:
        links["publisher"] = publisher_address(base, dataset.publisher.id)
    life = Life(
        state=entry.state,
        first_seen=entry.first_seen,
        changed=entry.changed,
        missing_since=entry.missing_since,
        retired=entry.retired,
        retired_because=entry.retired_because,
    )
    return Document(dataset=dataset, life=life, links=links, appearances=tuple(appearances), family=family)


def as_json(
    entry: Entry, base: str, appearances: Sequence[Appearance] = (), family: Family | None = None
) -> bytes:
    """The document in one line of UTF-8."""
    return msgspec.json.encode(document(entry, base, appearances, family))


def dataset_address(base: str, id: str) -> str:
    """The lasting address of a dataset."""
    return f"{base}/datasets/{id}"


def publisher_address(base: str, id: str) -> str:
    """The lasting address of a publisher."""
    return f"{base}/publishers/{id}"
