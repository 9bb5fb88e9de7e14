"""Where else a dataset is met, and the series it is one of, as its page shows them."""

from __future__ import annotations

from msgspec import Struct

from portal.catalog.appearances import Family
from portal.catalog.model import Entry
from portal.catalog.sources import SourceEntry
from portal.web import places
from portal.web.languages import Text, language
from portal.web.site import site
from portal.web.summaries import publisher_of, title_of
from schemas import vocabulary

FAMILY_SHOWN = 40
"""Members of a family on the page; the JSON has more."""


class Shown(Struct, frozen=True, kw_only=True):
    """One entry of a dataset that has several."""

    id: str
    title: Text
    publisher: Text | None
    source: SourceEntry | None
    """None when its definition was removed."""
    source_id: str
    is_this: bool
    """Whether it is the one whose page this is."""
    is_counted: bool
    reason: str | None
    """Why it is one with the counted entry, in a sentence; None of that one itself."""


class Relative(Struct, frozen=True, kw_only=True):
    """One dataset of a family."""

    id: str
    title: Text
    period: tuple[str, ...]
    area: str
    """The name of its region."""
    is_this: bool


class FamilyShown(Struct, frozen=True):
    """The series a dataset is one of: those shown, and how many there are."""

    members: tuple[Relative, ...]
    total: int

    @property
    def is_cut_by_time(self) -> bool:
        """Whether the datasets shown differ in time."""
        return len({one.period for one in self.members}) > 1

    @property
    def is_cut_by_area(self) -> bool:
        """Whether the datasets shown are of several areas."""
        return len({one.area for one in self.members}) > 1


def appearances(id: str) -> list[Shown]:
    """Every entry of a dataset that has several, the counted one first; nothing of one that stands alone."""
    found = site().catalog.appearances.of(id)
    if not found:
        return []
    by_id = {entry.dataset.id: entry for entry in site().catalog.entries([one.dataset_id for one in found])}
    sources = {entry.source.id: entry for entry in site().catalog.sources.all()}
    return [
        _shown(by_id[one.dataset_id], sources, id, one.reason) for one in found if one.dataset_id in by_id
    ]


def _shown(entry: Entry, sources: dict[str, SourceEntry], here: str, reason: str | None) -> Shown:
    dataset = entry.dataset
    return Shown(
        id=dataset.id,
        title=title_of(dataset),
        publisher=publisher_of(dataset),
        source=sources.get(dataset.source_id),
        source_id=dataset.source_id,
        is_this=dataset.id == here,
        is_counted=reason is None,
        reason=None if reason is None else _why(reason),
    )


def _why(reason: str) -> str:
    term = vocabulary("appearance_reasons").terms.get(reason)
    return reason if term is None else term.attributes[f"text_{language()}"]


def family(id: str, canonical: str) -> FamilyShown | None:
    """The series the dataset is one of, around it; None when it is of none. ``canonical`` is its counted entry."""
    found = site().catalog.appearances.family(id)
    if found is None:
        return None
    near = _around(found, canonical)
    by_id = {entry.dataset.id: entry for entry in site().catalog.entries([one.dataset_id for one in near.members])}
    return FamilyShown(
        tuple(
            Relative(
                id=one.dataset_id,
                title=title_of(by_id[one.dataset_id].dataset),
                period=tuple(filter(None, one.period.split("|"))),
                area=places.name(one.area, language()),
                is_this=one.dataset_id == canonical,
            )
            for one in near.members
            if one.dataset_id in by_id
        ),
        found.total,
    )


def _around(found: Family, canonical: str) -> Family:
    """The members shown: all of a small family, of a large one those before and after the dataset."""
    at = next((place for place, one in enumerate(found.members) if one.dataset_id == canonical), 0)
    start = max(0, min(at - FAMILY_SHOWN // 2, len(found.members) - FAMILY_SHOWN))
    return Family(id=found.id, members=found.members[start:][:FAMILY_SHOWN], total=found.total)
