"""Publishers as CKAN's organisations, themes as its groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from portal.catalog.model import Publisher
from portal.catalog.store import PublisherSummary
from portal.search.conditions import Condition, Has
from portal.search.indexing import filled
from portal.search.query import Query, Sort
from portal.search.sorting import title_key
from portal.web.ckan import arguments
from portal.web.ckan.arguments import Arguments
from portal.web.ckan.packages import Extra
from portal.web.ckan.refusals import Invalid, NotFound
from portal.web.ckan.searching import MOST_FACET_VALUES, packages
from portal.web.ckan.speaking import speaking
from portal.web.site import site
from schemas import vocabulary

MOST, MOST_WITH_FIELDS = 1000, 25
"""CKAN's own limits of a list: of names, and of whole organisations or groups. More is silently so many."""

MOST_PACKAGES = {"organization": 10, "group": 1000}
"""Packages beside one, where they are asked for: as many as CKAN gives."""


class Member(Struct, frozen=True, kw_only=True):
    """An organisation or a group in a list."""

    name: str
    title: str
    packages: int
    publisher: Publisher | None = None
    source_id: str | None = None


_KEYS: Mapping[str, Callable[[Member], Any]] = {
    "name": lambda one: one.name,
    "title": lambda one: (title_key(one.title), one.name),
    "package_count": lambda one: (one.packages, one.name),
    "packages": lambda one: (one.packages, one.name),
}


def organization_list(given: Arguments) -> Any:
    """The names of the publishers that have datasets. With ``all_fields`` the organisations themselves."""
    members = [_of_publisher(one) for one in site().overviews.publishers() if one.entries]
    return _list(given, members, arguments.texts(given, "organizations"))


def group_list(given: Arguments) -> Any:
    """The codes of the themes. With ``all_fields`` the groups themselves."""
    return _list(given, _themes(), arguments.texts(given, "groups"))


def organization_show(given: Arguments) -> Any:
    """A publisher."""
    found = site().catalog.publisher(arguments.required(given, "id"))
    if found is None:
        raise NotFound
    return _shown(_of_publisher(found), given)


def group_show(given: Arguments) -> Any:
    """A theme."""
    id = arguments.required(given, "id")
    found = next((one for one in _themes() if one.name == id), None)
    if found is None:
        raise NotFound
    return _shown(found, given)


def organization_autocomplete(given: Arguments) -> Any:
    """Publishers whose names contain the words, most datasets first."""
    return _completions(given, (_of_publisher(one) for one in site().overviews.publishers() if one.entries))


def group_autocomplete(given: Arguments) -> Any:
    """Themes whose names contain the words."""
    return _completions(given, _themes())


def _completions(given: Arguments, members: Iterable[Member]) -> list[dict[str, str]]:
    wanted = arguments.required(given, "q").lower()
    limit = arguments.natural(given, "limit")
    found = [one for one in members if wanted in one.title.lower() or wanted in one.name.lower()]
    return [{"id": one.name, "name": one.name, "title": one.title} for one in found[:20 if limit is None else limit]]


def _of_publisher(found: PublisherSummary) -> Member:
    return Member(
        name=found.publisher.id,
        title=found.publisher.name,
        packages=found.entries,
        publisher=found.publisher,
        source_id=found.source_id,
    )


def _themes() -> list[Member]:
    query = Query(rows=0, facets=("theme",), facet_limit=MOST_FACET_VALUES)
    counted = {one.value: one.count for one in filled(site().catalog, site().index).search(query).facets["theme"]}
    known = vocabulary("themes").terms
    return [
        Member(name=code, title=term.label(speaking()), packages=counted.get(code, 0)) for code, term in known.items()
    ]


def _list(given: Arguments, members: list[Member], only: tuple[str, ...]) -> list[Any]:
    q = (arguments.text(given, "q") or "").lower()
    names = frozenset(only)
    asked = [
        one
        for one in members
        if (not names or one.name in names) and (not q or q in one.title.lower() or q in one.name.lower())
    ]
    key, is_reversed = _order(arguments.text(given, "sort") or arguments.text(given, "order_by") or "title asc")
    asked.sort(key=_KEYS[key], reverse=is_reversed)
    is_whole = arguments.flag(given, "all_fields", False)
    most = MOST_WITH_FIELDS if is_whole else MOST
    limit, start = arguments.natural(given, "limit") or most, arguments.natural(given, "offset") or 0
    part = asked[start:start + min(limit, most)]
    if not is_whole:
        return [one.name for one in part]
    # As CKAN does: only what is asked for beside the number of datasets.
    asked_for = {"include_extras": False, "include_users": False, "include_groups": False, **given}
    return [_shown(one, {**asked_for, "include_datasets": False}) for one in part]


def _order(asked: str) -> tuple[str, bool]:
    key, _, direction = " ".join(asked.split()).partition(" ")
    if key not in _KEYS:
        raise Invalid("message", f"Cannot sort by field `{key[:60]}`")
    if direction.lower() not in ("", "asc", "desc"):
        raise Invalid("message", f"Cannot sort {direction[:60]}: asc or desc")
    # Without a direction the most come first.
    is_most_first = not direction and key in ("package_count", "packages")
    return key, is_most_first or direction.lower() == "desc"


def _shown(one: Member, given: Arguments) -> dict[str, Any]:
    publisher = one.publisher
    shown: dict[str, Any] = {
        "approval_status": "approved",
        "created": None,
        "description": None,
        "display_name": one.title,
        "id": one.name,
        "image_display_url": None,
        "image_url": None,
        "is_organization": publisher is not None,
        "name": one.name,
        "num_followers": 0,
        "state": "active",
        "title": one.title,
        "type": "group" if publisher is None else "organization",
    }
    if arguments.flag(given, "include_dataset_count", True):
        shown["package_count"] = one.packages
    if arguments.flag(given, "include_datasets", False):
        shown["package_count"] = one.packages
        shown["packages"] = _packages(one, shown["type"])
    if arguments.flag(given, "include_extras", True):
        shown["extras"] = [] if publisher is None else _extras(publisher, one.source_id)
    for name, absent in (("groups", True), ("users", True), ("tags", True)):
        if arguments.flag(given, f"include_{name}", absent):
            shown[name] = []
    return shown


def _packages(one: Member, kind: str) -> list[Any]:
    condition: Condition = Has("theme" if one.publisher is None else "publisher", (one.name,))
    query = Query(condition=condition, sort=Sort.CHANGED, rows=MOST_PACKAGES[kind])
    results = filled(site().catalog, site().index).search(query)
    return list(packages(site().catalog.entries([hit.id for hit in results.hits])))


def _extras(publisher: Publisher, source_id: str | None) -> list[Extra]:
    said = {
        "source_id": source_id,
        "source_key": publisher.key,
        "uri": publisher.uri,
        "uscc": publisher.uscc,
        "parent_name": publisher.parent_name,
        "institution_type": publisher.institution_type,
        "department": publisher.department,
    }
    return [Extra(key, value) for key, value in said.items() if value is not None]
