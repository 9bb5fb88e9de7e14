"""The actions there are: a table from CKAN's name to the function that answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from portal.catalog.model import ChangeKind, DatasetState, Entry, RecordType
from portal.web.addresses import base
from portal.web.ckan import arguments, groups, tags
from portal.web.ckan.arguments import Arguments
from portal.web.ckan.licences import licenses
from portal.web.ckan.packages import BETWEEN, moment, resource
from portal.web.ckan.refusals import NotFound
from portal.web.ckan.searching import MOST_ROWS, PARAMETERS, counts, newest_first, package_search, packages
from portal.web.ckan.speaking import speaking
from portal.web.documents import dataset_address
from portal.web.site import site
from portal.web.words import messages
from schemas import vocabulary

VERSION = "2.11.0"
"""The CKAN whose answers these are."""

ACTIVITIES, MOST_ACTIVITIES = 31, 100
"""CKAN's own (``ckan.activity_list_limit`` and its maximum)."""

AUTOCOMPLETED = 10


class Action(Struct, frozen=True):
    """One action and the parameters that it heeds."""

    answer: Callable[[Arguments], Any]
    parameters: tuple[str, ...] = ()

    @property
    def help(self) -> str:
        """What it does and what it takes."""
        takes = f"Parameters: {', '.join(self.parameters)}." if self.parameters else "It takes no parameters."
        return f"{inspect.getdoc(self.answer)}\n\n{takes}"


def site_read(given: Arguments) -> Any:
    """True: everybody may read."""
    return True


def status_show(given: Arguments) -> Any:
    """What this portal is, and which CKAN's answers it gives."""
    return {
        "ckan_version": VERSION,
        "site_url": base(),
        "site_title": messages(speaking())["frame.name"],
        "site_description": None,
        "error_emails_to": None,
        "locale_default": site().settings.locale,
        "extensions": ["nachuan"],
    }


def help_show(given: Arguments) -> Any:
    """What the action ``name`` does."""
    action = ACTIONS.get(arguments.required(given, "name"))
    if action is None:
        raise NotFound("Action function not found")
    return action.help


def package_list(given: Arguments) -> Any:
    """The names of all packages, in their order; ``limit`` of them from ``offset`` on."""
    start = arguments.natural(given, "offset") or 0
    return site().catalog.present_ids(RecordType.DATASET, arguments.natural(given, "limit") or None, start=start)


def package_show(given: Arguments) -> Any:
    """A package by its id, which is its name too."""
    (shown,) = packages([_entry(arguments.text(given, "id") or arguments.required(given, "name_or_id"))])
    return shown


def current_package_list_with_resources(given: Arguments) -> Any:
    """Whole packages, what changed last first: ``limit`` of them (10, at most 1,000) from ``offset`` on."""
    asked, page = arguments.natural(given, "limit"), arguments.natural(given, "page") or 1
    limit = min(AUTOCOMPLETED if asked is None else asked, MOST_ROWS)
    offset = arguments.natural(given, "offset")
    start = offset if offset is not None else (page - 1) * (asked or 0)
    return newest_first(limit, start)


def resource_show(given: Arguments) -> Any:
    """A resource by its id."""
    id = arguments.required(given, "id")
    entry = _entry(id.partition(BETWEEN)[0])
    dataset = entry.dataset
    shown = (resource(dataset, one, place) for place, one in enumerate(dataset.distributions))
    found = next((one for one in shown if one.id == id), None)
    if found is None:
        raise NotFound
    return found


def license_list(given: Arguments) -> Any:
    """The licences that are known, under CKAN's ids where it has one."""
    return licenses(speaking())


def package_autocomplete(given: Arguments) -> Any:
    """Packages whose titles have words that begin as what is typed, or whose name it is."""
    typed = arguments.required(given, "q")
    asked = arguments.natural(given, "limit")
    limit = min(AUTOCOMPLETED if asked is None else asked, 100)
    found = site().index.suggest(typed, 5 * limit)
    ids = list(dict.fromkeys([typed, *(one.dataset_id for one in found if one.dataset_id)]))
    entries = [one for one in site().catalog.entries(ids) if _is_shown(one)]
    return [
        {
            "name": one.dataset.id,
            "title": one.dataset.title,
            "match_field": "name" if one.dataset.id == typed else "title",
            "match_displayed": one.dataset.id if one.dataset.id == typed else f"{one.dataset.title} ({one.dataset.id})",
        }
        for one in entries[:limit]
    ]


def format_autocomplete(given: Arguments) -> Any:
    """The formats in use whose names contain the words, the commonest first, in small letters as CKAN gives them."""
    typed = arguments.required(given, "q").lower()
    limit = arguments.natural(given, "limit")
    names = (vocabulary("formats").label(one.value, "en").lower() for one in counts("format"))
    return [name for name in names if typed in name][:5 if limit is None else limit]


def recently_changed_packages_activity_list(given: Arguments) -> Any:
    """The end of the change log, newest first. Harvests change packages, not users: ``user_id`` is null."""
    asked = arguments.natural(given, "limit")
    limit = min(ACTIVITIES if asked is None else asked, MOST_ACTIVITIES)
    catalog = site().catalog
    changes = catalog.latest_changes(
        limit, start=arguments.natural(given, "offset") or 0, record_type=RecordType.DATASET
    )
    entries = {one.dataset.id: one for one in catalog.entries([change.dataset_id for change in changes])}
    return [
        {
            "id": str(change.number),
            "timestamp": moment(change.at),
            "user_id": None,
            "object_id": change.dataset_id,
            "activity_type": _ACTIVITIES.get(change.kind, "changed package"),
            "data": {
                "package": {
                    "id": change.dataset_id,
                    "name": change.dataset_id,
                    "title": entries[change.dataset_id].dataset.title,
                    "state": "deleted" if entries[change.dataset_id].state is DatasetState.RETIRED else "active",
                }
            },
        }
        for change in changes
    ]


_ACTIVITIES = {ChangeKind.ADDED: "new package", ChangeKind.RETIRED: "deleted package"}


def _is_shown(entry: Entry) -> bool:
    return entry.state is not DatasetState.RETIRED and entry.dataset.record_type is RecordType.DATASET


def _entry(id: str) -> Entry:
    """A dataset that is there. Raises NotFound; of a retired one it says where its last description stands."""
    found = site().catalog.entry(id)
    if found is not None and found.state is DatasetState.RETIRED:
        raise NotFound(f"it was withdrawn, see {dataset_address(base(), id)}")
    if found is None or not _is_shown(found):
        raise NotFound
    return found


_PAGE = ("limit", "offset")
_SHOWN = tuple(
    f"include_{name}" for name in "datasets dataset_count extras users groups tags followers member_count".split()
)
_LISTED = (*_PAGE, "sort", "order_by", "q", "all_fields", *_SHOWN[1:])
_COMPLETED = ("q", "limit")

ACTIONS: Mapping[str, Action] = {
    "site_read": Action(site_read),
    "status_show": Action(status_show),
    "help_show": Action(help_show, ("name",)),
    "package_list": Action(package_list, _PAGE),
    "package_search": Action(package_search, tuple(PARAMETERS)),
    "package_show": Action(package_show, ("id", "name_or_id", "use_default_schema")),
    "current_package_list_with_resources": Action(current_package_list_with_resources, (*_PAGE, "page")),
    "resource_show": Action(resource_show, ("id",)),
    "organization_list": Action(groups.organization_list, (*_LISTED, "organizations")),
    "organization_show": Action(groups.organization_show, ("id", *_SHOWN)),
    "organization_autocomplete": Action(groups.organization_autocomplete, _COMPLETED),
    "group_list": Action(groups.group_list, (*_LISTED, "groups")),
    "group_show": Action(groups.group_show, ("id", *_SHOWN)),
    "group_autocomplete": Action(groups.group_autocomplete, _COMPLETED),
    "tag_list": Action(tags.tag_list, ("query", "q", "all_fields", "vocabulary_id")),
    "tag_search": Action(tags.tag_search, ("query", "q", "vocabulary_id", *_PAGE)),
    "tag_autocomplete": Action(tags.tag_autocomplete, ("query", "q", "vocabulary_id", "limit")),
    "tag_show": Action(tags.tag_show, ("id", "include_datasets", "vocabulary_id")),
    "vocabulary_list": Action(tags.vocabulary_list),
    "license_list": Action(license_list),
    "package_autocomplete": Action(package_autocomplete, _COMPLETED),
    "format_autocomplete": Action(format_autocomplete, _COMPLETED),
    "recently_changed_packages_activity_list": Action(recently_changed_packages_activity_list, _PAGE),
}
"""Whatever is not here is refused."""
