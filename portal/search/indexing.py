"""From the catalogue to the index: what a dataset is found by, and keeping the two together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from html import unescape
from itertools import chain
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import schemas
from portal.catalog.model import Change, Dataset, DatasetState, Entry, RecordType
from portal.search.facets import SearchDocument
from portal.search.query import SearchIndex

CHANGES_AT_ONCE = 1000
"""Followed in one commit of the index."""

DESCRIPTION_LENGTH = 5000
"""Characters of a description that are indexed; what follows is tables and licence texts."""

MOST_COLUMNS = 500
MOST_DISTRIBUTIONS = 100

_INDEXED_STATES = frozenset((DatasetState.CURRENT, DatasetState.UNUSABLE, DatasetState.MISSING))

_MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|</?[a-zA-Z][^<>]*>", re.S | re.I)


_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_MARKDOWN = re.compile(r"\*\*|(?<!\w)__|__(?!\w)|`+|^[ \t]*(?:#{1,6}|[-*+>])[ \t]+", re.M)
"""Emphasis, code, and what begins a heading, an item or a quotation; ``a__b`` and ``5 - 3`` stay."""


class Catalogue(Protocol):
    """What of the catalogue an index is made from: a ``portal.catalog.store.Catalog``."""

    def walk(self) -> Iterator[Entry]:
        """Every dataset but the retired ones."""

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """Datasets by id."""

    def changes(self, since: int, limit: int) -> list[Change]:
        """The change log after a number."""

    def last_change(self) -> int:
        """The newest number of the change log."""


class Comparison(Struct, frozen=True):
    """How an index differs from the catalogue, by dataset ids."""

    compared: int
    lacking: tuple[str, ...]
    """In the catalogue alone."""
    surplus: tuple[str, ...]
    """In the index alone."""
    stale: tuple[str, ...]
    """Indexed from what they no longer are."""

    @property
    def agrees(self) -> bool:
        """Whether there is no difference."""
        return not (self.lacking or self.surplus or self.stale)


def is_indexed(entry: Entry) -> bool:
    """Whether a search may find it: datasets that are not retired. Services and series are reached from theirs."""
    return entry.state in _INDEXED_STATES and entry.dataset.record_type is RecordType.DATASET


def plain(text: str) -> str:
    """A description without the markup of HTML and Markdown, cut to ``DESCRIPTION_LENGTH``."""
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    if "&" in text:
        text = unescape(text)
    return _MARKDOWN.sub("", _MARKDOWN_LINK.sub(r"\1", text)).strip()[:DESCRIPTION_LENGTH]


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


@lru_cache(maxsize=10_000)
def _labels(vocabulary: str, codes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of codes in both languages; nothing for a code the table lacks."""
    terms = schemas.vocabulary(vocabulary).terms
    return tuple(name for code in codes if code in terms for name in (terms[code].zh, terms[code].en))


@lru_cache(maxsize=10_000)
def _with_broader(vocabulary: str, codes: tuple[str, ...], attribute: str) -> tuple[str, ...]:
    """The codes and everything above them."""
    terms = schemas.vocabulary(vocabulary).terms
    found: dict[str, None] = {}
    for code in codes:
        above: str | None = code
        while above is not None and above not in found:
            found[above] = None
            above = terms[above].attributes.get(attribute) if above in terms else None
    return tuple(found)


def _values(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """The dataset's values of the facets that are looked up by value."""
    publisher = dataset.publisher
    values = {
        "region": _with_broader("regions", _distinct([dataset.region]), "parent"),
        "theme": dataset.themes,
        "publisher": _distinct([publisher.id] if publisher else ()),
        "department": publisher.functions if publisher else (),
        "institution": _distinct([publisher.institution_type] if publisher else ()),
        "format": _distinct(distribution.format for distribution in dataset.distributions),
        "openness": _distinct([dataset.openness]),
        "license": _distinct([dataset.licence]),
        "frequency": _distinct([dataset.frequency]),
        "source": (dataset.source_id,),
        "hvd": _with_broader("hvd_categories", dataset.hvd_categories, "broader"),
    }
    return {facet: found for facet, found in values.items() if found}


def document(entry: Entry, quality: float | None = None) -> SearchDocument:
    """What an index knows of a dataset. ``quality`` (0-1) is None until something measures it."""
    dataset = entry.dataset
    publisher = dataset.publisher
    values = _values(dataset)
    changed = [at for at in (dataset.modified, dataset.data_modified) if at is not None]
    shown = dataset.distributions[:MOST_DISTRIBUTIONS]
    made = SearchDocument(
        id=dataset.id,
        digest="",
        titles=_distinct((dataset.title, *dataset.titles.values())),
        descriptions=_distinct(plain(text) for text in (dataset.description or "", *dataset.descriptions.values())),
        keywords=_distinct(chain(dataset.keywords, *dataset.keywords_by_language.values())),
        columns=_distinct(text for column in dataset.columns for text in (column.name, column.title))[:MOST_COLUMNS],
        publishers=_distinct((publisher.name, *publisher.names.values())) if publisher else (),
        places=_distinct((*_labels("regions", values.get("region", ())), *(place.name for place in dataset.places))),
        other=_distinct((
            *_labels("themes", dataset.themes),
            *dataset.themes_raw,
            *_labels("hvd_categories", dataset.hvd_categories),
            *(distribution.title for distribution in shown),
            *(title for distribution in shown for title in distribution.titles.values()),
            dataset.name,
            *dataset.identifiers,
            dataset.source_key,
            dataset.registration_number,
            dataset.creator,
            publisher.parent_name if publisher else None,
            publisher.uscc if publisher else None,
        )),
        values=values,
        modified=max(changed, default=None),
        created=dataset.issued,
        changed=entry.changed,
        quality=quality,
    )
    return replace(made, digest=hashlib.blake2b(msgspec.msgpack.encode(made), digest_size=12).hexdigest())


def rebuild(catalog: Catalogue, index: SearchIndex) -> int:
    """Builds the index from the whole catalogue; how many datasets it then holds.

    The change number is read first: what changes meanwhile is followed afterwards, perhaps a second time.
    """
    upto = catalog.last_change()
    count = 0

    def documents() -> Iterator[SearchDocument]:
        nonlocal count
        for entry in catalog.walk():
            if is_indexed(entry):
                count += 1
                yield document(entry)

    index.rebuild(documents(), upto)
    return count


def catch_up(catalog: Catalogue, index: SearchIndex) -> int:
    """Brings the index up to the newest change; how many changes it followed.

    An index that cannot be followed from where it stands (never filled, outdated, corrupt, or ahead of a catalogue
    that was restored from an older copy) is rebuilt.
    """
    newest = catalog.last_change()
    since = index.last_change()
    if since is None or since > newest:
        rebuild(catalog, index)
        return newest
    followed = 0
    while changes := catalog.changes(since, CHANGES_AT_ONCE):
        ids = list(dict.fromkeys(change.dataset_id for change in changes))
        documents = [document(entry) for entry in catalog.entries(ids) if is_indexed(entry)]
        removed = set(ids).difference(found.id for found in documents)
        since = changes[-1].number
        index.apply(documents, removed, since)
        followed += len(changes)
    return followed


def behind(catalog: Catalogue, index: SearchIndex) -> int:
    """How many changes the index has not followed; all of them for one that must be rebuilt."""
    return max(0, catalog.last_change() - (index.last_change() or 0))


def check(catalog: Catalogue, index: SearchIndex) -> Comparison:
    """Compares every dataset of the catalogue with what the index was made from."""
    indexed = dict(index.digests())
    compared = 0
    lacking: list[str] = []
    stale: list[str] = []
    for entry in catalog.walk():
        if is_indexed(entry):
            compared += 1
            digest = indexed.pop(entry.dataset.id, None)
            if digest is None:
                lacking.append(entry.dataset.id)
            elif digest != document(entry).digest:
                stale.append(entry.dataset.id)
    return Comparison(compared, tuple(lacking), tuple(sorted(indexed)), tuple(stale))
