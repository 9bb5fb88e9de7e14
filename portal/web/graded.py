"""Whom a scorecard is about: the groups an address can name, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from portal.catalog.accounts import is_department
from portal.catalog.assessments import Kind
from portal.catalog.sources import UnknownSource
from portal.scorecard.groups import region_of
from portal.web import places
from portal.web.languages import language
from portal.web.site import site
from portal.web.words import t
from schemas import vocabulary

KINDS: Mapping[str, tuple[Kind, ...]] = {
    "nation": (Kind.NATION,),
    "regions": (Kind.REGION,),
    "publishers": (Kind.DEPARTMENT, Kind.PUBLISHER),
    "themes": (Kind.THEME,),
    "institutions": (Kind.INSTITUTION,),
    "sources": (Kind.SOURCE,),
}
"""The part of the address and what it may stand for. A department is the one publisher that all its names are."""

SEGMENTS: Mapping[Kind, str] = {kind: segment for segment, kinds in KINDS.items() for kind in kinds}

WHOLE = "all"
"""The code of the nation in addresses; in the catalogue it has none."""


class Group(Struct, frozen=True):
    """One group as pages speak of it."""

    kind: Kind
    code: str

    @property
    def segment(self) -> str:
        """The kind as addresses write it."""
        return SEGMENTS[self.kind]

    @property
    def written(self) -> str:
        """The code as addresses write it."""
        return self.code or WHOLE


def group(segment: str, code: str) -> Group | None:
    """The group that an address names, whether or not there is anything in it; None where it can name none."""
    if segment not in KINDS:
        return None
    if segment == "nation":
        return Group(Kind.NATION, "") if code == WHOLE else None
    if segment == "publishers":
        return Group(Kind.DEPARTMENT if is_department(code) else Kind.PUBLISHER, code)
    return Group(KINDS[segment][0], code)


def name(group: Group) -> str:
    """What one group is called in the language of the page; the code where nobody calls it anything."""
    kind, code = group.kind, group.code
    if kind is Kind.NATION:
        return t("scorecards.nation")
    if kind is Kind.PUBLISHER:
        known = site().catalog.known_publishers([code])
        return known[code].name if code in known else code
    if kind is Kind.REGION:
        return places.name(code, language())
    if kind is Kind.DEPARTMENT:
        function = vocabulary("department_functions").label(code.partition(".")[2], language())
        return t("scorecards.department", region=places.name(region_of(code), language()), function=function)
    if kind is Kind.SOURCE:
        return _source_name(code)
    return vocabulary("themes" if kind is Kind.THEME else "institution_types").label(code, language())


def _source_name(id: str) -> str:
    try:
        source = site().catalog.sources.get(id).source
    except UnknownSource:
        return id
    return source.title_en if language() == "en" and source.title_en else source.title
