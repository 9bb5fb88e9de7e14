"""The address of a result page, read into a Query and written again. Pages, feeds and exports share it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace
from werkzeug.datastructures import MultiDict

from portal.search.facets import FACETS, Appearances
from portal.search.query import Query, Sort

ROWS = 20
MOST_ROWS = 100
DEEPEST = 10_000
"""Results that paging leads to; whoever wants more takes the export."""

LONGEST_TEXT = 500
LONGEST_VALUE = 200
MOST_VALUES = 50
"""Of one facet."""

FACET_LIMIT = 400
"""Values counted for a facet: all provinces and prefectures fit, so the tree of regions is whole."""

SORTABLE = tuple(sort.value for sort in Sort)

FILTERS = tuple(facet.name for facet in FACETS)

SEARCHES = ("q", "appearances", *FILTERS)
"""The parameters that say what is found; those of an order and of a page stand beside them."""

_KNOWN = {"sort", "page", "rows", *SEARCHES}


class NotUnderstood(ValueError):
    """The address asks for what cannot be; ``key`` names the message that says so, ``value`` what was asked."""

    def __init__(self, key: str, value: str) -> None:
        super().__init__(f"{key}: {value!r}")
        self.key = key
        self.value = value


class Asked(Struct, frozen=True, kw_only=True):
    """What the address of a result page asks for."""

    text: str | None = None
    filters: Mapping[str, tuple[str, ...]] = {}
    appearances: Appearances = Appearances.EVERY
    sort: Sort | None = None
    """None when not said: by relevance where there are words, else the newest first."""
    page: int = 1
    rows: int = ROWS
    unknown: tuple[str, ...] = ()
    """Names of parameters nobody knows: left out, and the page says so."""

    @property
    def order(self) -> Sort:
        """The order in force."""
        return self.sort or (Sort.RELEVANCE if self.text else Sort.MODIFIED)

    @property
    def last_page(self) -> int:
        """The last page that paging leads to, were there enough results."""
        return DEEPEST // self.rows

    def query(self, facets: tuple[str, ...] = ()) -> Query:
        """The search to make of it."""
        return Query(
            text=self.text,
            filters=self.filters,
            appearances=self.appearances,
            sort=self.order,
            start=(min(self.page, self.last_page) - 1) * self.rows,
            rows=self.rows,
            facets=facets,
            facet_limit=FACET_LIMIT,
        )

    def parameters(self) -> str:
        """The query string of it, the same for the same question; page 1 and the usual rows are left out."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [(name, value) for name in FILTERS for value in self.filters.get(name, ())]
        if self.appearances is not Appearances.EVERY:
            pairs.append(("appearances", self.appearances.value))
        if self.sort is not None:
            pairs.append(("sort", self.sort.value))
        if self.page > 1:
            pairs.append(("page", str(self.page)))
        if self.rows != ROWS:
            pairs.append(("rows", str(self.rows)))
        return urlencode(pairs)

    @property
    def finds_everything(self) -> bool:
        """Whether nothing narrows it down."""
        return self.text is None and not self.filters and self.appearances is Appearances.EVERY

    def with_value(self, name: str, value: str) -> Asked:
        """The same from page 1 with one more value of a facet."""
        return self._with(name, (*self.filters.get(name, ()), value))

    def without_value(self, name: str, value: str) -> Asked:
        """The same from page 1 without one value of a facet."""
        return self._with(name, tuple(one for one in self.filters.get(name, ()) if one != value))

    def _with(self, name: str, values: tuple[str, ...]) -> Asked:
        filters = {key: kept for key, kept in self.filters.items() if key != name}
        if values:
            filters[name] = values
        return replace(self, filters=filters, page=1)


def asked(arguments: MultiDict[str, str]) -> Asked:
    """What an address asks for. Numbers too large are brought into range; raises NotUnderstood for what is none."""
    text = " ".join(arguments.get("q", "").split())
    if len(text) > LONGEST_TEXT:
        raise NotUnderstood("search.too_long", text[:60] + "…")
    return Asked(
        text=text or None,
        filters={name: values for name in FILTERS if (values := _values(arguments, name))},
        appearances=_appearances(arguments.get("appearances", "")),
        sort=_sort(arguments.get("sort", "")),
        page=_number(arguments, "page", 1),
        rows=min(_number(arguments, "rows", ROWS), MOST_ROWS),
        unknown=tuple(name[:60] for name in arguments if name not in _KNOWN)[:10],
    )


def _values(arguments: MultiDict[str, str], name: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value.strip() for value in arguments.getlist(name) if value.strip()))
    if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
        raise NotUnderstood("search.too_many", name)
    return values


def _appearances(text: str) -> Appearances:
    try:
        return Appearances(text or Appearances.EVERY)
    except ValueError as error:
        raise NotUnderstood("search.no_such_appearances", text[:60]) from error


def _sort(text: str) -> Sort | None:
    if not text:
        return None
    if text not in SORTABLE:
        raise NotUnderstood("search.no_such_sort", text[:60])
    return Sort(text)


def _number(arguments: MultiDict[str, str], name: str, absent: int) -> int:
    text = arguments.get(name, "").strip()
    if not text:
        return absent
    # Longer ones are clamped anyway, and Python refuses to read thousands of digits.
    if not (text.isascii() and text.isdigit()):
        raise NotUnderstood("search.no_number", f"{name}={text[:60]}")
    return max(1, int(text[:12]))
