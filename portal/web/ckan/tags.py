"""Keywords as CKAN's tags. None belongs to a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.search.conditions import Has
from portal.search.indexing import filled
from portal.search.query import Query, Sort
from portal.web.ckan import arguments
from portal.web.ckan.arguments import Arguments
from portal.web.ckan.packages import tag
from portal.web.ckan.refusals import Invalid, NotFound
from portal.web.ckan.searching import MOST_FACET_VALUES, counts, packages
from portal.web.site import site

MOST_PACKAGES = 1000


def tag_list(given: Arguments) -> Any:
    """The names of all tags, or of those that contain ``query``. With ``all_fields`` the tags themselves."""
    _refuse_vocabulary(given)
    found = _found(_terms(given))
    return [tag(name) for name in found] if arguments.flag(given, "all_fields", False) else found


def tag_search(given: Arguments) -> Any:
    """The tags that contain every text of ``query``; none where it is empty."""
    _refuse_vocabulary(given)
    terms = _terms(given)
    found = _found(terms) if terms else []
    limit, start = arguments.natural(given, "limit"), arguments.natural(given, "offset") or 0
    part = found[start:] if limit is None else found[start:start + limit]
    return {"count": len(found), "results": [{"id": name, "name": name, "vocabulary_id": None} for name in part]}


def tag_autocomplete(given: Arguments) -> Any:
    """The names of tags that contain ``query``, most frequent first."""
    _refuse_vocabulary(given)
    wanted = [term.lower() for term in _terms(given)]
    limit = arguments.natural(given, "limit")
    if not wanted:
        return []
    found = [one.value for one in counts("keyword") if all(term in one.value.lower() for term in wanted)]
    return found[:10 if limit is None else limit]


def tag_show(given: Arguments) -> Any:
    """A tag, with ``include_datasets`` the packages that have it, 1,000 at most."""
    _refuse_vocabulary(given)
    name = arguments.required(given, "id")
    rows = MOST_PACKAGES if arguments.flag(given, "include_datasets", False) else 0
    query = Query(condition=Has("keyword", (name,)), sort=Sort.ID, rows=rows)
    results = filled(site().catalog, site().index).search(query)
    if not results.total:
        raise NotFound
    shown: dict[str, Any] = {"display_name": name, "id": name, "name": name, "vocabulary_id": None}
    if rows:
        shown["packages"] = packages(site().catalog.entries([hit.id for hit in results.hits]))
    return shown


def vocabulary_list(given: Arguments) -> Any:
    """Vocabularies of tags: there are none."""
    return []


def _terms(given: Arguments) -> list[str]:
    return [term.strip() for name in ("query", "q") for term in arguments.texts(given, name) if term.strip()]


def _found(terms: Sequence[str]) -> list[str]:
    every = [one.value for one in counts("keyword")]
    if len(every) >= MOST_FACET_VALUES:
        # The index counts no more values of one field, and a list that lacks some does not say so.
        why = f"There are more than {MOST_FACET_VALUES:,} tags; facet.field of package_search has the commonest"
        raise Invalid("message", why)
    wanted = [term.lower() for term in terms]
    return sorted(name for name in every if all(term in name.lower() for term in wanted))


def _refuse_vocabulary(given: Arguments) -> None:
    name = arguments.text(given, "vocabulary_id")
    if name is not None:
        raise NotFound(f"could not find vocabulary {name[:60]!r}")
