"""What the public asks for as pages and programs show it: what an address asks to see of it, how each stands, its course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from portal.catalog.accounts import is_department
from portal.catalog.assessments import Kind
from portal.catalog.demand import UNMET, Cell, Order, Standing, Which, standing
from portal.catalog.model import Entry
from portal.catalog.requests import Answer, Decision, Request, Step
from portal.web import graded, places
from portal.web.graded import Group, Link
from portal.web.languages import language
from portal.web.site import site
from schemas import high_value_entries, vocabulary

ALL_UNMET = "unmet"
"""In an address: every standing in which the public does not have what it asks for."""

STATES = (ALL_UNMET, *(one.value for one in Standing))
"""The standings that one may ask for."""

MARKS: Mapping[Standing, str] = {
    Standing.UNANSWERED: "waiting",
    Standing.PLANNED: "held",
    Standing.PUBLISHED: "good",
    Standing.ALREADY_THERE: "good",
    Standing.NOT_POSSIBLE: "failed",
}
"""How each standing is marked beside its word."""

FILTERS = ("region", "theme", "entry", "department", "state")
"""The parameters that say which requests are meant."""


class NoSuchRequests(LookupError):
    """An address asks for requests of something that there is not."""


class Sought(Struct, frozen=True, kw_only=True):
    """Which requests an address asks for, and in which order."""

    region: str | None = None
    theme: str | None = None
    entry: str | None = None
    department: str | None = None
    state: str | None = None
    """One of ``STATES``."""
    order: Order = Order.NEWEST

    @property
    def which(self) -> Which:
        """The same for the catalogue; a region means all within it too."""
        standings = None if self.state is None else UNMET if self.state == ALL_UNMET else (Standing(self.state),)
        return Which(
            regions=None if self.region is None else within(self.region),
            theme=self.theme,
            entry=self.entry,
            department=self.department,
            standings=standings,
        )

    def parameters(self, **changes: str | None) -> dict[str, str | None]:
        """The parameters of its address, some of them changed; the usual order is left out."""
        given = {name: getattr(self, name) for name in FILTERS}
        given["sort"] = None if self.order is Order.NEWEST else self.order.value
        return {name: changes.get(name, given.get(name)) or None for name in {**given, **changes}}


class Shown(Struct, frozen=True, kw_only=True):
    """A public request as lists show it."""

    request: Request
    standing: Standing
    days: int
    """Whole days from when it was asked to its first answer, or until now."""
    department: str | None
    """What the department is called whose it is to answer."""


class Event(Struct, frozen=True, kw_only=True):
    """Something in the course of a request; one of the three is there."""

    at: datetime
    kind: str
    """``asked``, ``joined`` (another was merged into it), ``answered``, or a step."""
    decision: Decision | None = None
    answer: Answer | None = None
    other: int | None = None
    department: str | None = None
    """What the department is called that answers, or whose it became."""
    datasets: tuple[tuple[str, Entry | None], ...] = ()
    """Those the answer names; None where the catalogue knows one no more."""
    is_last: bool = False
    """Of an answer: whether it is the one in force."""


class Line(Struct, frozen=True):
    """A region in the table of what is unmet; None stands for requests that name no region, or none of the table."""

    region: str | None
    cells: tuple[int, ...]
    """Unmet requests by theme, in the order of the table."""
    unmet: int
    unanswered: int
    wanted: int


class Table(Struct, frozen=True):
    """What is unmet, by region and theme."""

    themes: tuple[str | None, ...]
    """Only those of which there is anything; None stands for requests that name no theme."""
    lines: tuple[Line, ...]


def sought(arguments: MultiDict[str, str]) -> Sought:
    """What an address asks for. Raises NoSuchRequests."""
    given = {name: arguments.get(name) or None for name in FILTERS}
    checks = (
        given["region"] is None or places.region(given["region"]) is not None,
        given["theme"] is None or given["theme"] in vocabulary("themes").terms,
        given["entry"] is None or given["entry"] in high_value_entries(),
        given["department"] is None or is_department(given["department"]),
        given["state"] is None or given["state"] in STATES,
    )
    order = arguments.get("sort") or Order.NEWEST
    if not all(checks) or order not in tuple(Order):
        raise NoSuchRequests
    return Sought(**given, order=Order(order))


def counts(standings: Mapping[Standing, int]) -> dict[str, int]:
    """How many requests there are of each of ``STATES``."""
    each = {one.value: standings.get(one, 0) for one in Standing}
    return {ALL_UNMET: sum(each[one] for one in UNMET), **each}


def within(region: str) -> tuple[str, ...]:
    """A region and all that lie in it."""
    found = [region]
    for code in found:
        found += places.parts(code)
    return tuple(found)


def unmet(*, region: str | None = None, entry: str | None = None, department: str | None = None) -> int:
    """How many requests are unmet, of a region and all within it, for an entry, of a department."""
    return site().catalog.demand.count(Sought(region=region, entry=entry, department=department, state=ALL_UNMET).which)


def shown(several: Sequence[Request]) -> list[Shown]:
    """Public requests as lists show them, in the language of the page."""
    names = department_names(one.department for one in several)
    return [
        Shown(
            request=one,
            standing=standing(one),
            days=days_open(one),
            department=None if one.department is None else names[one.department],
        )
        for one in several
    ]


def days_open(request: Request) -> int:
    """Whole days from when it was asked to its first answer, or until now."""
    return ((request.answers[0].at if request.answers else datetime.now(UTC)) - request.asked).days


def department_names(departments: Iterable[str | None]) -> dict[str, str]:
    """What departments are called; None among them is left out."""
    return graded.names(Kind.DEPARTMENT, sorted({one for one in departments if one is not None}))


def card(department: str | None) -> Link | None:
    """The card of a department; None where there is none."""
    return None if department is None else graded.link(Group(Kind.DEPARTMENT, department))


def course(request: Request, merged: Sequence[Request]) -> list[Event]:
    """What became of a request, in order; ``merged`` are those merged into it."""
    names = department_names([*(one.department for one in request.decisions), *(one.department for one in request.answers)])
    ids = sorted({id for one in request.answers for id in one.reply.datasets})
    entries = {entry.dataset.id: entry for entry in site().catalog.entries(ids)}
    events = [Event(at=request.asked, kind="asked")]
    for one in request.decisions:
        # What was filed under another theme is seen above; whose it became is news.
        if one.kind is not Step.FILED or one.department is not None:
            events.append(Event(
                at=one.at, kind=one.kind.value, decision=one, other=one.other, department=names.get(one.department or ""),
            ))
    for other in merged:
        last = next(step for step in reversed(other.decisions) if step.kind is Step.MERGED)
        events.append(Event(at=last.at, kind="joined", other=other.number))
    for given in request.answers:
        events.append(Event(
            at=given.at,
            kind="answered",
            answer=given,
            department=names.get(given.department or ""),
            datasets=tuple((id, entries.get(id)) for id in given.reply.datasets),
            is_last=given is request.answers[-1],
        ))
    return sorted(events, key=lambda one: one.at)


def table(cells: Sequence[Cell]) -> Table:
    """What is unmet by province and theme: who asks for a part of a province asks in the province."""
    regions: dict[str | None, list[Cell]] = {}
    for cell in cells:
        holder = None if cell.region is None else next(iter(places.ancestors(cell.region)), cell.region)
        regions.setdefault(holder, []).append(cell)
    known = [code for code in vocabulary("themes").terms if any(cell.theme == code for cell in cells)]
    themes: tuple[str | None, ...] = (*known, *([None] if any(cell.theme is None for cell in cells) else []))
    lines = [_line(region, several, themes) for region, several in regions.items()]
    return Table(themes, tuple(sorted(lines, key=lambda one: (one.region is None, -one.unmet, one.region or ""))))


def _line(region: str | None, cells: Sequence[Cell], themes: Sequence[str | None]) -> Line:
    return Line(
        region,
        tuple(sum(cell.unmet for cell in cells if cell.theme == theme) for theme in themes),
        sum(cell.unmet for cell in cells),
        sum(cell.unanswered for cell in cells),
        sum(cell.wanted for cell in cells),
    )


def entry_name(id: str) -> str:
    """What an entry of the high-value list is called; its id where a later list has it no more."""
    found = high_value_entries().get(id)
    return id if found is None else found.label(language())


def typed_region(code: str | None) -> str:
    """A region as one types it: by name where the name leads to it, for many counties share theirs, else by code."""
    if code is None:
        return ""
    name = places.name(code, language())
    return name if vocabulary("regions").resolve(name) == code else code
