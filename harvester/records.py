"""What a connector is given and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from portal.catalog.model import Issue, Source

if TYPE_CHECKING:
    from harvester.http import Http


class RawRecord(Struct, frozen=True, kw_only=True):
    """A portal's words for one dataset, untouched.

    ``body`` is this one record: a slice of the portal's own bytes where it speaks JSON, the plain record in JSON that
    ``harvester.rdf`` made where it speaks RDF, its own element as canonical XML (``media_type`` ``application/xml``)
    where it speaks XML. It is compared before it is parsed, so it must be the same bytes whenever the portal says the
    same.
    """

    body: bytes
    url: str | None = None
    """Where it was read."""
    media_type: str = "application/json"
    catalogue: str | None = None
    """The inner catalogue it stood in, where portals nest them."""
    occurrence: int = 1
    """Which one it is of different records that nothing else tells apart: equal title and publisher, and no id."""
    withdrawn: bool = False
    """The portal itself says that the dataset is no more (CKAN ``state: deleted``)."""


class Listing(Struct, frozen=True, kw_only=True):
    """What a connector knows when it has read to the end; it raises ``HarvestError`` when it could not."""

    declared: int | None = None
    """How many records the portal said it would list; None when it did not say."""
    in_one_piece: bool = False
    """It was no list of pages, between which a record can slip from one to the other."""
    partial: bool = False
    """Not everything was asked for (only what changed since), so absence means nothing."""
    not_modified: bool = False
    """The portal answered that nothing changed; no record was given."""


Records: TypeAlias = Generator[RawRecord | Issue, None, Listing]
"""Records and complaints as they come, then the listing as the generator's return value."""

Connector: TypeAlias = Callable[[Source, "Http", datetime | None], Records]
"""``records(source, http, since)``: everything when ``since`` is None, else at least what changed since then."""
