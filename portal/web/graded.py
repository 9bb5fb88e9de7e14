"""Whom a scorecard is about: the groups an address can name, what they are called, and with whom they are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from portal.catalog.accounts import is_department
from portal.catalog.assessments import Kind, Standing, State
from portal.catalog.sources import UnknownSource
from portal.catalog.store import Catalog
from portal.scorecard import cards
from portal.scorecard.assess import standard_layout
from portal.scorecard.cards import Card, Placed
from portal.scorecard.groups import COMPARED, region_of
from portal.scorecard.rules import PACKAGED
from portal.web import places
from portal.web.addresses import address
from portal.web.languages import language
from portal.web.notation import adding_up
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

DEPARTMENTS = "departments"

TABLES: Mapping[str, Kind] = {
    DEPARTMENTS: Kind.DEPARTMENT,
    "regions": Kind.REGION,
    "sources": Kind.SOURCE,
    "institutions": Kind.INSTITUTION,
    "themes": Kind.THEME,
}
"""The league tables besides those of publishers, which are called by the code of their institution type."""

LEVELS = ("national", "province", "prefecture", "county", "zone", "country", "subdivision", "")
"""The levels of ``regions`` in the order in which they are shown; the last is where no region is known."""


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


class Table(Struct, frozen=True):
    """One league table: those who are compared with one another."""

    of: str
    """One of ``TABLES``, or an institution type."""
    level: str

    @property
    def kind(self) -> Kind:
        """What stands in it."""
        return TABLES.get(self.of, Kind.PUBLISHER)

    @property
    def peers(self) -> str:
        """What the standings call it."""
        if self.kind in (Kind.INSTITUTION, Kind.THEME):
            return ""
        if self.kind in (Kind.REGION, Kind.SOURCE):
            return self.level
        return f"{'government_department' if self.kind is Kind.DEPARTMENT else self.of}/{self.level}"

    @property
    def is_ranked(self) -> bool:
        """Whether places are given."""
        return self.kind in COMPARED


def is_assessed(state: State | None) -> bool:
    """Whether there is an assessment by the rules of now."""
    return state is not None and state.layout == standard_layout().digest


def group(segment: str, code: str) -> Group | None:
    """The group that an address names, whether or not there is anything in it; None where it can name none."""
    if segment not in KINDS:
        return None
    if segment == "nation":
        return Group(Kind.NATION, "") if code == WHOLE else None
    if segment == "publishers":
        return Group(Kind.DEPARTMENT if is_department(code) else Kind.PUBLISHER, code)
    return Group(KINDS[segment][0], code)


def card_address(group: Group, rules: str) -> str:
    """Where the card of a group is."""
    if rules == PACKAGED[0]:
        return address("scorecards.card", kind=group.segment, code=group.written)
    return address("scorecards.card_by", kind=group.segment, code=group.written, rules=rules)


class Link(Struct, frozen=True):
    """A card as other pages mention it."""

    href: str
    point: float | None


def link(group: Group) -> Link | None:
    """The card of a group by the first rule set; None where there is none."""
    standing = site().catalog.assessments.standing(PACKAGED[0], group.kind, group.code)
    return None if standing is None else Link(card_address(group, PACKAGED[0]), standing.point)


def league_address(table: Table, rules: str, **given: object) -> str:
    """Where a league table is; what is the same for everyone is left out."""
    wanted = {
        "rules": rules if rules != PACKAGED[0] else None,
        "of": table.of if table.of != DEPARTMENTS else None,
        "level": table.level or None,
    }
    return address("scorecards.league", **wanted, **given)


def names(kind: Kind, codes: Sequence[str]) -> dict[str, str]:
    """What groups of a kind are called in the language of the page; the code where nobody calls them anything."""
    catalog = site().catalog
    if kind is Kind.PUBLISHER:
        known = catalog.known_publishers(codes)
        return {code: known[code].name if code in known else code for code in codes}
    return {code: _name(kind, code) for code in codes}


def name(group: Group) -> str:
    """What one group is called."""
    return names(group.kind, [group.code])[group.code]


def _name(kind: Kind, code: str) -> str:
    if kind is Kind.NATION:
        return t("scorecards.nation")
    if kind is Kind.REGION:
        return places.name(code, language())
    if kind is Kind.DEPARTMENT:
        region = region_of(code)
        function = vocabulary("department_functions").label(code.partition(".")[2], language())
        return t("scorecards.department", region=places.name(region, language()), function=function)
    if kind is Kind.SOURCE:
        return _source_name(code)
    return vocabulary("themes" if kind is Kind.THEME else "institution_types").label(code, language())


def _source_name(id: str) -> str:
    try:
        source = site().catalog.sources.get(id).source
    except UnknownSource:
        return id
    return source.title_en if language() == "en" and source.title_en else source.title


def table_of(kind: Kind, peers: str) -> Table:
    """The league table that those stand in who are compared with these peers."""
    for of, one in TABLES.items():
        if one is kind:
            return Table(of, peers.partition("/")[2] if kind is Kind.DEPARTMENT else peers)
    institution, _, level = peers.partition("/")
    return Table(institution, level)


def tables(peer_groups: Iterable[tuple[Kind, str]]) -> dict[str, tuple[str, ...]]:
    """The league tables that have anybody in them: what of, and at which levels. Departments first, then regions."""
    levels: dict[str, set[str]] = {}
    for kind, peers in peer_groups:
        if kind is not Kind.NATION:
            table = table_of(kind, peers)
            levels.setdefault(table.of, set()).add(table.level)
    order = (DEPARTMENTS, "regions", *vocabulary("institution_types").terms, "sources", "institutions", "themes")
    return {
        of: tuple(level for level in LEVELS if level in levels[of]) or ("",)
        for of in dict.fromkeys((*order, *sorted(levels)))
        if of in levels
    }


PARTS: Mapping[str, Kind] = {"regions": Kind.REGION, DEPARTMENTS: Kind.DEPARTMENT}
"""What a region or the nation is made of."""


def parts(group: Group, of: str, rules: str) -> list[Standing]:
    """The regions right below a region or the nation, or its own departments, best first; of another group none."""
    if group.kind not in (Kind.REGION, Kind.NATION):
        return []
    code, kind = group.code or places.NATION, PARTS[of]
    functions = vocabulary("department_functions").terms
    codes = places.parts(code) if kind is Kind.REGION else tuple(f"{code}.{function}" for function in functions)
    return site().catalog.assessments.standings_of(rules, kind, codes)


def standing_in(table: Table, rules: str) -> tuple[Placed, ...]:
    """Everyone in a league table, best first. Remembered until the next assessment."""
    catalog = site().catalog
    return _league(catalog, catalog.assessments.state(), table.kind, table.peers, rules)


def all_tables(rules: str) -> Mapping[tuple[Kind, str], int]:
    """Who is compared with whom, and how many they are. Remembered until the next assessment."""
    catalog = site().catalog
    return _peer_groups(catalog, catalog.assessments.state(), rules)


def peers_of(group: Group, peers: str, rules: str) -> Mapping[str, tuple[float, float]]:
    """From where to where the scores of a group's peers lie in each dimension. Remembered until the next assessment."""
    catalog = site().catalog
    return _ranges(catalog, catalog.assessments.state(), group.kind, peers, rules)


# Ten thousand peers are read in a tenth of a second and change with an assessment only.
@lru_cache(maxsize=32)
def _league(catalog: Catalog, state: State | None, kind: Kind, peers: str, rules: str) -> tuple[Placed, ...]:
    return tuple(cards.league(catalog, kind, peers, rules))


@lru_cache(maxsize=16)
def _peer_groups(catalog: Catalog, state: State | None, rules: str) -> Mapping[tuple[Kind, str], int]:
    return catalog.assessments.peer_groups(rules)


PEERS_LOOKED_AT = 100
"""Of more peers so many are taken for their range, evenly from the best to the worst."""


@lru_cache(maxsize=256)
def _ranges(
    catalog: Catalog, state: State | None, kind: Kind, peers: str, rules: str
) -> Mapping[str, tuple[float, float]]:
    codes = [one.standing.code for one in _league(catalog, state, kind, peers, rules)]
    if len(codes) > PEERS_LOOKED_AT:
        last = len(codes) - 1
        codes = [codes[round(place * last / (PEERS_LOOKED_AT - 1))] for place in range(PEERS_LOOKED_AT)]
    found = cards.dimension_scores(catalog, kind, codes, rules)
    return {dimension: (min(scores), max(scores)) for dimension, scores in found.items() if len(scores) > 1}


def points_lost(card: Card) -> dict[str, float]:
    """The points that each indicator takes from the scale, in hundredths that add up to what the score lacks."""
    lost = cards.lost(card)
    if card.score.point is None:
        return lost
    return dict(zip(lost, adding_up(list(lost.values()), card.rules.scale - card.score.point, 100), strict=True))
