"""Publishers' names that do not say for sure who it is: the queue of names to decide about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from portal.catalog.decisions import name_key
from portal.catalog.model import Publisher, Source
from portal.catalog.store import PublisherSummary
from schemas import region_ancestors

AUTHORITIES = frozenset((
    "government_department", "district_government", "party_organ", "judicial", "assembly", "public_institution",
    "mass_organisation",
))
"""Institution types a function is to be known of. What a company or a library does is told by its type."""

ELSEWHERE = ("71", "81", "82")
"""Taiwan, Hong Kong and Macao, by the first digits of their codes: their bodies have functions of their own."""


_HAN = re.compile("[\u3400-\u9fff]")


class Lack(StrEnum):
    """What is not known of a publisher from its name."""

    TYPE = "type"
    FUNCTION = "function"
    DEPARTMENT = "department"
    """Type and function are known, but not of which region's authority it is: mostly parts of one, so no trouble."""


class Unresolved(Struct, frozen=True, kw_only=True):
    """One name, in whatever spellings and sources it stands."""

    name: str
    """In the spelling most datasets have."""
    lacks: frozenset[Lack]
    publishers: tuple[PublisherSummary, ...]
    """Those that have it, most datasets first."""

    @property
    def datasets(self) -> int:
        """Present datasets under the name."""
        return sum(one.datasets for one in self.publishers)


def lacks(publisher: Publisher) -> frozenset[Lack]:
    """What its name does not tell; nothing where a person decided."""
    if publisher.decision is not None:
        return frozenset()
    told = None if publisher.institution_inferred_from == "source" else publisher.institution_type
    missing = {
        Lack.TYPE: told is None,
        Lack.FUNCTION: not publisher.functions and (told is None or told in AUTHORITIES),
        Lack.DEPARTMENT: bool(publisher.functions) and publisher.department is None,
    }
    return frozenset(lack for lack, is_missing in missing.items() if is_missing)


def unresolved(
    publishers: Iterable[PublisherSummary],
    sources: Mapping[str, Source],
    decided: Collection[tuple[str, str | None]],
    wanted: Collection[Lack],
) -> list[Unresolved]:
    """The names that lack any of what is wanted, most datasets first.

    ``decided`` are the keys of names with the scope they are decided in; those are left out at once, though what
    stands may not have been read again yet.
    """
    by_name: dict[str, list[PublisherSummary]] = {}
    for one in publishers:
        folded = name_key(one.publisher.name)
        if one.datasets and (folded, None) not in decided and (folded, one.source_id) not in decided:
            source = sources.get(one.source_id)
            asked = source is not None and has_these_functions(one.publisher.name, source.region)
            if asked and lacks(one.publisher) & set(wanted):
                by_name.setdefault(folded, []).append(one)
    found = [_unresolved(several) for several in by_name.values()]
    return sorted(found, key=lambda one: (-one.datasets, one.name))


def of_name(name: str, publishers: Iterable[PublisherSummary]) -> Unresolved | None:
    """The publishers whose name this is, however it is spelt; None when there is none."""
    folded = name_key(name)
    several = [one for one in publishers if name_key(one.publisher.name) == folded]
    return _unresolved(several) if several else None


def has_these_functions(name: str, region: str | None) -> bool:
    """Whether the bodies of a source's region have the functions of our list: those of the mainland.

    Of a source of no region its names tell: Chinese ones may be such bodies'.
    """
    if region is None:
        return _HAN.search(name) is not None
    return bool(region_ancestors(region)) and region[:2] not in ELSEWHERE


def _unresolved(several: list[PublisherSummary]) -> Unresolved:
    most_first: list[PublisherSummary] = sorted(several, key=_datasets, reverse=True)
    return Unresolved(
        name=most_first[0].publisher.name,
        lacks=frozenset().union(*(lacks(one.publisher) for one in several)),
        publishers=tuple(most_first),
    )


def _datasets(one: PublisherSummary) -> Any:
    return one.datasets
