"""What a dataset is counted under, and which groups are compared with one another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import schemas
from portal.catalog.assessments import Assessed, Kind
from portal.catalog.model import Publisher, Source

Group: TypeAlias = tuple[Kind, str]

NATION: Group = (Kind.NATION, "")

AS_ONE = frozenset({Kind.DEPARTMENT, Kind.PUBLISHER})
"""The groups that are one body, of which a department's indicators are asked."""

COMPARED = frozenset({Kind.DEPARTMENT, Kind.PUBLISHER, Kind.REGION, Kind.SOURCE})


def groups_of(row: Assessed) -> list[Group]:
    """Everything a dataset is counted under, each once: a region's datasets are those of all regions above it too."""
    found = [NATION, (Kind.SOURCE, row.source_id), (Kind.INSTITUTION, row.institution_type or "unknown")]
    if row.publisher_id is not None:
        found.append((Kind.PUBLISHER, row.publisher_id))
    if row.department is not None:
        found.append((Kind.DEPARTMENT, row.department))
    if row.region is not None:
        found += [(Kind.REGION, code) for code in schemas.region_ancestors(row.region) or (row.region,)]
    found += [(Kind.THEME, theme) for theme in dict.fromkeys(row.themes)]
    return found


def region_of(department: str) -> str:
    """The region of a department's id, which is ``region.function``."""
    return department.partition(".")[0]


@lru_cache(maxsize=10_000)
def tier(region: str | None) -> str:
    """The level of a region (``province``, ``city``, …); empty for one that the table lacks."""
    term = schemas.vocabulary("regions").terms.get(region or "")
    return term.attributes.get("level", "") if term else ""


def peers(
    group: Group,
    publishers: Mapping[str, Publisher],
    sources: Mapping[str, Source],
    source_of: Mapping[str, str],
) -> str:
    """Whom a group is compared with: those of the same institution type at the same level; empty for no one.

    A department's level is that of its region; a publisher's and a source's is that of the region of the source.
    ``source_of`` says which source a publisher belongs to.
    """
    kind, code = group
    if kind is Kind.DEPARTMENT:
        return f"government_department/{tier(region_of(code))}"
    if kind is Kind.REGION:
        return tier(code)
    if kind is Kind.SOURCE and code in sources:
        return tier(sources[code].region)
    if kind is Kind.PUBLISHER and code in publishers:
        publisher = publishers[code]
        source = sources.get(source_of.get(code, ""))
        region = region_of(publisher.department) if publisher.department else source.region if source else None
        return f"{publisher.institution_type or 'unknown'}/{tier(region)}"
    return ""


@lru_cache(maxsize=4_000)
def regions_within(code: str) -> tuple[str, ...]:
    """A region and everything that lies in it."""
    terms = schemas.vocabulary("regions").terms
    return tuple(dict.fromkeys((code, *(region for region in terms if code in schemas.region_ancestors(region)))))


def members(kind: Kind, code: str) -> tuple[str, ...]:
    """The codes that the rows of a group carry themselves."""
    return regions_within(code) if kind is Kind.REGION else (code,)
