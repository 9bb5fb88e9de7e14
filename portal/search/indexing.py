"""From the catalogue to the index: what a dataset is found by, and keeping the two together."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import unescape
from itertools import chain, islice, takewhile
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import schemas
from portal.catalog.model import Change, Dataset, DatasetState, Entry, RecordType
from portal.search.facets import TEXTS, SearchDocument
from portal.search.query import IndexCorrupt, IndexUnusable, Position, SearchIndex

log = logging.getLogger(__name__)

CHANGES_AT_ONCE = 1000
"""Followed in one commit of the index."""

READ_AT_ONCE = 500
"""Entries, while everything is read."""

DESCRIPTION_LENGTH = 5000
"""Characters of a description that are indexed; what follows is tables and licence texts."""

MOST_COLUMNS = 500
MOST_DISTRIBUTIONS = 100

_INDEXED_STATES = frozenset((DatasetState.CURRENT, DatasetState.UNUSABLE, DatasetState.MISSING))

_MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|</?[a-zA-Z][^<>]*>", re.S | re.I)


_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_MARKDOWN = re.compile(r"\*\*|(?<!\w)__|__(?!\w)|`+|^[ \t]*(?:#{1,6}|[-*+>])[ \t]+", re.M)
"""Emphasis, code, and what begins a heading, an item or a quotation; ``a__b`` and ``5 - 3`` stay."""


class Appearances(Protocol):
    """What is known of datasets met several times: ``portal.catalog.appearances.Appearances``."""

    def originals(self, ids: Sequence[str]) -> dict[str, str]:
        """Of further entries: the id of the canonical one."""

    def further(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Of canonical entries: the ids of the further ones."""

    def counting_for(self, ids: Sequence[str]) -> set[str]:
        """The canonical entries that entries are counted as, or once were."""

    def changed_datasets(self, since: int = 0) -> tuple[list[str], int]:
        """The entries that came to be counted otherwise since a number, and the newest number."""

    def newest(self) -> int:
        """The newest number of ``changed_datasets``."""


class Assessments(Protocol):
    """How good datasets' records are: ``portal.catalog.assessments.Assessments``."""

    def qualities(self, ids: Sequence[str]) -> dict[str, float]:
        """The quality, from 0 to 1, of those datasets that have one."""

    def rated_since(self, since: int = 0) -> tuple[list[str], int]:
        """The datasets that came to have another quality since a number, and the newest number."""

    def newest_rating(self) -> int:
        """The newest number of ``rated_since``."""


class Catalogue(Protocol):
    """What of the catalogue an index is made from: a ``portal.catalog.store.Catalog``."""

    @property
    def appearances(self) -> Appearances:
        """Which entries are one dataset."""

    @property
    def assessments(self) -> Assessments:
        """How good they are."""

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


def document(
    entry: Entry, quality: float | None = None, *, is_counted: bool = True, further: Sequence[Entry] = ()
) -> SearchDocument:
    """What an index knows of an entry. ``quality`` (0-1) is None where nothing is measured of it.

    ``further`` are the other entries of the dataset where this is the one that is counted.
    """
    own = replace(_own(entry, quality), is_counted=is_counted)
    whole = _whole(own, [_own(one, None) for one in further]) if further else None
    made = replace(own, whole=whole)
    digest = hashlib.blake2b(msgspec.msgpack.encode(made), digest_size=12).hexdigest()
    return replace(made, digest=digest, whole=None if whole is None else replace(whole, digest=digest))


def _whole(counted: SearchDocument, further: Sequence[SearchDocument]) -> SearchDocument:
    """The counted entry with the words and values of the further ones after its own."""
    every = (counted, *further)
    facets = dict.fromkeys(facet for one in every for facet in one.values)
    texts = {name: _distinct(chain.from_iterable(getattr(one, name) for one in every)) for name in TEXTS}
    values = {facet: _distinct(chain.from_iterable(one.values.get(facet, ()) for one in every)) for facet in facets}
    return replace(counted, values=values, **texts)


def _own(entry: Entry, quality: float | None) -> SearchDocument:
    """What an index knows of an entry by itself, without a digest."""
    dataset = entry.dataset
    publisher = dataset.publisher
    values = _values(dataset)
    changed = [at for at in (dataset.modified, dataset.data_modified) if at is not None]
    shown = dataset.distributions[:MOST_DISTRIBUTIONS]
    return SearchDocument(
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
        listed=entry.first_seen,
        quality=quality,
    )


def _documents(catalog: Catalogue, entries: Iterable[Entry]) -> Iterator[SearchDocument]:
    """What an index knows of those entries that it is to know, each with what it counts as."""
    rest = iter(entries)
    while part := list(islice(rest, READ_AT_ONCE)):
        shown = [entry for entry in part if is_indexed(entry)]
        ids = [entry.dataset.id for entry in shown]
        originals, further = catalog.appearances.originals(ids), catalog.appearances.further(ids)
        qualities = catalog.assessments.qualities(ids)
        others = {
            entry.dataset.id: entry
            for entry in catalog.entries([id for found in further.values() for id in found])
            if is_indexed(entry)
        }
        for entry in shown:
            id = entry.dataset.id
            found = [others[other] for other in further.get(id, ()) if other in others]
            yield document(entry, qualities.get(id), is_counted=id not in originals, further=found)


def _newest(catalog: Catalogue) -> Position:
    """Where an index stands that follows the catalogue as it is now."""
    return Position(catalog.last_change(), catalog.appearances.newest(), catalog.assessments.newest_rating())


def rebuild(catalog: Catalogue, index: SearchIndex) -> int:
    """Builds the index from the whole catalogue; how many datasets it then holds.

    The numbers are read first: what changes meanwhile is followed afterwards, perhaps a second time.
    """
    position = _newest(catalog)
    count = 0

    def documents() -> Iterator[SearchDocument]:
        nonlocal count
        for made in _documents(catalog, catalog.walk()):
            count += 1
            yield made

    index.rebuild(documents(), position)
    return count


def catch_up(catalog: Catalogue, index: SearchIndex) -> int:
    """Brings the index up to the newest change, to what counts as what and to how good it is; how many it followed.

    An index that cannot be followed from where it stands (never filled, outdated, corrupt, or ahead of a catalogue
    that was restored from an older copy) is rebuilt.
    """
    newest, stood = _newest(catalog), index.position()
    if stood is None or _is_ahead(stood, newest):
        rebuild(catalog, index)
        return newest.change
    try:
        return _follow(catalog, index, stood)
    except IndexCorrupt as error:
        log.error("the index is made anew: %s", error)
        rebuild(catalog, index)
        return newest.change - stood.change


def _follow(catalog: Catalogue, index: SearchIndex, stood: Position) -> int:
    followed = 0
    while changes := catalog.changes(stood.change, CHANGES_AT_ONCE):
        stood = replace(stood, change=changes[-1].number)
        _put(catalog, index, list(dict.fromkeys(change.dataset_id for change in changes)), stood)
        followed += len(changes)
    recounted, counted = catalog.appearances.changed_datasets(stood.counted)
    rerated, rated = catalog.assessments.rated_since(stood.rated)
    moved = list(dict.fromkeys((*recounted, *rerated)))
    for part in _parts(moved):
        _put(catalog, index, part, stood)
    reached = replace(stood, counted=counted, rated=rated)
    if reached != stood:
        # They come by id and not by number, so the numbers stand only when the last of them does.
        index.apply((), (), reached)
    return followed + len(moved)


def _is_ahead(stood: Position, newest: Position) -> bool:
    return stood.change > newest.change or stood.counted > newest.counted or stood.rated > newest.rated


def _put(catalog: Catalogue, index: SearchIndex, ids: Sequence[str], position: Position) -> None:
    """Brings entries up to date in the index, and with them those whose datasets they are, or were, entries of."""
    concerned = sorted({*ids, *catalog.appearances.counting_for(ids)})
    documents = list(_documents(catalog, catalog.entries(concerned)))
    index.apply(documents, set(concerned).difference(found.id for found in documents), position)


def filled(catalog: Catalogue, index: SearchIndex) -> SearchIndex:
    """The index, for whoever must not take one that was never filled for one of an empty catalogue.

    Raises IndexUnusable where it must be made first.
    """
    if index.position() is None and catalog.last_change():
        raise IndexUnusable("it must be made anew: run `nachuan index rebuild`")
    return index


def behind(catalog: Catalogue, index: SearchIndex) -> int:
    """How many changes of all kinds the index has not followed; all of them for one that must be rebuilt."""
    newest, stood = _newest(catalog), index.position() or Position(0)
    return sum(
        max(0, last - reached)
        for last, reached in (
            (newest.change, stood.change), (newest.counted, stood.counted), (newest.rated, stood.rated)
        )
    )


def check(catalog: Catalogue, index: SearchIndex) -> Comparison:
    """Compares every dataset of the catalogue with what the index was made from."""
    return _compared(catalog, index, catalog.walk())


def _compared(catalog: Catalogue, index: SearchIndex, entries: Iterable[Entry]) -> Comparison:
    indexed = dict(index.digests())
    compared = 0
    lacking: list[str] = []
    stale: list[str] = []
    for made in _documents(catalog, entries):
        compared += 1
        digest = indexed.pop(made.id, None)
        if digest is None:
            lacking.append(made.id)
        elif digest != made.digest:
            stale.append(made.id)
    return Comparison(compared, tuple(lacking), tuple(sorted(indexed)), tuple(stale))


class Reconciled(Struct, frozen=True):
    """What a comparison found and made good."""

    compared: int
    lacking: int
    surplus: int
    stale: int
    rebuilt: bool = False
    """Whether the index was made anew because its files could not be read."""

    @property
    def differed(self) -> bool:
        """Whether there was anything to make good."""
        return bool(self.lacking or self.surplus or self.stale or self.rebuilt)


def reconcile(catalog: Catalogue, index: SearchIndex, stop: threading.Event) -> Reconciled | None:
    """Compares the index with the catalogue and makes good what differs although every change was followed.

    What changes while it is compared is no difference. None where it was stopped: nothing is made good then.
    """
    catch_up(catalog, index)
    try:
        found = _compared(catalog, index, takewhile(lambda _: not stop.is_set(), catalog.walk()))
    except IndexCorrupt as error:
        # Files that open well may be damaged further in; following changes reads no more than it must of them.
        log.error("the index is made anew: %s", error)
        return Reconciled(rebuild(catalog, index), 0, 0, 0, rebuilt=True)
    if stop.is_set():
        return None
    if found.agrees:
        return Reconciled(found.compared, 0, 0, 0)
    catch_up(catalog, index)
    indexed = index.digests()
    lacking, surplus, stale = (_differing(catalog, indexed, ids) for ids in (found.lacking, found.surplus, found.stale))
    for part in _parts((*lacking, *surplus, *stale)):
        _put(catalog, index, part, index.position() or Position(0))
    return Reconciled(found.compared, len(lacking), len(surplus), len(stale))


def _differing(catalog: Catalogue, indexed: Mapping[str, str], ids: Sequence[str]) -> list[str]:
    """Those of some datasets whose documents are not what is indexed."""
    differing: list[str] = []
    for part in _parts(ids):
        digests = {made.id: made.digest for made in _documents(catalog, catalog.entries(part))}
        differing += [id for id in part if indexed.get(id) != digests.get(id)]
    return differing


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start:start + CHANGES_AT_ONCE] for start in range(0, len(ids), CHANGES_AT_ONCE))
