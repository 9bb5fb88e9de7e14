"""Datasets in lists: a title, two lines, one line of facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup
from msgspec import Struct

from portal.catalog.model import Dataset, DatasetState, Entry
from portal.scorecard.assess import standard_layout
from portal.search.query import Hit
from portal.web import places
from portal.web.languages import Text, for_reader, language
from portal.web.prose import plain
from portal.web.site import site
from schemas import vocabulary

SHOWN_CHARACTERS = 180
"""Of the beginning of a description."""


class Summary(Struct, frozen=True, kw_only=True):
    """A dataset as a list shows it. Marked texts are Markup with ``<mark>`` only."""

    id: str
    title: Text
    marked_title: Markup | None
    description: Text | None
    """Its beginning, where nothing in it was found."""
    marked_description: Markup | None
    columns: tuple[Markup, ...]
    publisher_id: str | None
    publisher: Text | None
    region: str | None
    region_name: str | None
    modified: datetime | None
    formats: tuple[str, ...]
    openness: str | None
    state: DatasetState
    others: int
    """Further entries of the same dataset, at other portals or at this one."""
    score: float | None
    """Its own score by the first rule set; None where it has none, or the list does not tell."""


def found(hits: Sequence[Hit], *, scored: bool = False) -> list[Summary]:
    """The datasets of a page of results; those the catalogue has lost since they were indexed are left out.

    ``scored``: whether the list tells each one's score.
    """
    by_id = {hit.id: hit for hit in hits}
    others = site().catalog.appearances.others(list(by_id))
    qualities = site().catalog.assessments.qualities(list(by_id)) if scored else {}
    scale = standard_layout().rule_sets[0].scale
    scores = {id: scale * quality for id, quality in qualities.items()}
    return [
        _summary(entry, by_id[entry.dataset.id], others.get(entry.dataset.id, 0), scores.get(entry.dataset.id))
        for entry in site().catalog.entries(list(by_id))
    ]


def _summary(entry: Entry, hit: Hit, others: int, score: float | None) -> Summary:
    dataset = entry.dataset
    title = title_of(dataset)
    return Summary(
        id=dataset.id,
        title=title,
        # A match may lie in the title's other language; the reader's own then stays unmarked.
        marked_title=Markup(hit.title) if hit.title and _same(hit.title, title.text) else None,
        description=None if hit.description else _beginning(dataset),
        marked_description=Markup(hit.description) if hit.description else None,
        columns=tuple(Markup(column) for column in hit.columns),
        publisher_id=None if dataset.publisher is None else dataset.publisher.id,
        publisher=publisher_of(dataset),
        region=dataset.region,
        region_name=None if dataset.region is None else places.name(dataset.region, language()),
        modified=dataset.data_modified or dataset.modified,
        formats=formats_of(dataset),
        openness=None if dataset.openness is None else vocabulary("openness").label(dataset.openness, language()),
        state=entry.state,
        others=others,
        score=score,
    )


def title_of(dataset: Dataset) -> Text:
    """The title in the reader's language where the portal gives it."""
    return for_reader(dataset.title, dataset.titles, dataset.languages)


def description_of(dataset: Dataset) -> Text | None:
    """The description in the reader's language where the portal gives it."""
    if dataset.description is None and not dataset.descriptions:
        return None
    plain_text = dataset.description or next(iter(dataset.descriptions.values()))
    return for_reader(plain_text, dataset.descriptions, dataset.languages)


def publisher_of(dataset: Dataset) -> Text | None:
    """The publisher's name."""
    if dataset.publisher is None:
        return None
    return for_reader(dataset.publisher.name, dataset.publisher.names)


def formats_of(dataset: Dataset) -> tuple[str, ...]:
    """The names of the formats of a dataset, each once; unknown ones as the portal writes them."""
    names = [
        vocabulary("formats").label(one.format, language()) if one.format else one.format_raw
        for one in dataset.distributions
    ]
    return tuple(dict.fromkeys(name for name in names if name))


def _same(marked: str, text: str) -> bool:
    return str(Markup(marked).striptags()) == " ".join(text.split())


def _beginning(dataset: Dataset) -> Text | None:
    description = description_of(dataset)
    text = "" if description is None else plain(description.text)
    if description is None or not text:
        return None
    short = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS].rstrip() + "…"
    return Text(short, description.language)
