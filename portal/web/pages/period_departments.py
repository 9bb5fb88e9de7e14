"""Departments in a period: the card as shown and as frozen, the datasets behind each number, and what departments said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, abort, render_template, request
from msgspec import Struct

from portal.catalog.accounts import is_department
from portal.catalog.assessments import Kind
from portal.catalog.model import Entry
from portal.scorecard import cards, kept, weeks
from portal.scorecard.assess import Ways
from portal.scorecard.cards import Answer, Card, IndicatorCard
from portal.scorecard.rules import PACKAGED, RuleSet
from portal.scorecard.verdicts import Finding
from portal.web import graded, previewing
from portal.web.addresses import address
from portal.web.answers import answer, streamed
from portal.web.languages import language
from portal.web.pages.changes import midnight
from portal.web.pages.periods import asked, name_of
from portal.web.pages.scorecards import answer_asked
from portal.web.paging import page_asked, paging
from portal.web.previewing import Said
from portal.web.site import site
from portal.web.spreadsheets import harmless, written
from portal.web.summaries import title_of

pages = Blueprint("period_departments", __name__)

ROWS = 50

COLUMNS = (
    "number", "department", "department_name", "kind", "rules", "indicator", "dataset", "text", "at", "withdrawn",
    "verdict", "answer", "answered", "answers",
)
"""Of the statements as CSV; the answer is the one in force, ``answers`` how many were given."""


class Row(Struct, frozen=True):
    """An indicator of a department as frozen, or as shown while nothing is frozen, and beside it as it had been shown."""

    now: IndicatorCard
    lost: float | None
    before: IndicatorCard | None

    @property
    def moved(self) -> bool:
        """Whether it came out otherwise than it had been shown."""
        return self.before is not None and self.before.tally != self.now.tally


class Behind(Struct, frozen=True):
    """A dataset behind a number of a period; its reason is that of today, where the verdict is still the same."""

    entry: Entry
    finding: Finding | None
    """What is found today; None where nothing is."""
    agrees: bool


@pages.get("/scorecards/periods/<id>/departments/<department>")
def department(id: str, department: str) -> str:
    """The card of a department in a period, and all it said of it."""
    held = asked(id)
    given = _rules(held.stored.id, request.args.get("rules", ""))
    period, catalog = held.manifest.period, site().catalog
    now = _card(held.stored.id, department, given)
    week = previewing.week(period)
    said = catalog.statements.of(period, department)
    if not is_department(department) or (now is None and not said):
        abort(404)
    before = _card(week.preview.kept, department, given) if week is not None and held.is_final else None
    return render_template(
        "pages/period_department.html",
        held=held,
        period=period,
        own=name_of(held),
        department=department,
        name=graded.names(Kind.DEPARTMENT, [department])[department],
        day=midnight(held.manifest.day),
        week=week,
        ended=previewing.ended(held.stored.id, week),
        rules=given,
        rule_sets=kept.rule_sets(catalog, held.stored.id),
        card=now,
        before=before,
        peers=None if now is None else graded.table_of(Kind.DEPARTMENT, now.peers),
        dimensions=[] if now is None else _dimensions(now, before),
        answers=tuple(Answer),
        spoken=previewing.shown(said),
    )


@pages.get("/scorecards/periods/<id>/departments/<department>/<rules>/<indicator>")
def evidence(id: str, department: str, rules: str, indicator: str) -> str:
    """The datasets behind a number of a department in a period; with ``of=preview`` as the preview had shown it."""
    held, verdict = asked(id), answer_asked()
    catalog, period = site().catalog, held.manifest.period
    week = previewing.week(period)
    of_preview = request.args.get("of") == "preview" and week is not None and held.is_final
    stored = week.preview.kept if of_preview and week is not None else held.stored.id
    given = _rules(stored, rules)
    asked_of = next((one for one in given.measured if one.id == indicator), None)
    card = _card(stored, department, given)
    if asked_of is None or card is None:
        abort(404)
    found = kept.behind(catalog, stored, department, given.id, indicator, verdict)
    one = next(one for each in card.dimensions for one in each.indicators if one.indicator == asked_of)
    where = {"id": name_of(held), "department": department, "rules": rules, "indicator": indicator}
    where |= {"of": "preview"} if of_preview else {}
    turns = paging(
        page_asked(), len(found), ROWS,
        lambda page: address(
            "period_departments.evidence", **where, verdict=verdict.value, page=page if page > 1 else None
        ),
    )
    ids = [row.dataset_id for row in found[(turns.page - 1) * ROWS:][:ROWS]]
    return render_template(
        "pages/period_evidence.html",
        held=held,
        period=period,
        own=name_of(held),
        department=department,
        name=graded.names(Kind.DEPARTMENT, [department])[department],
        day=midnight(held.manifest.day),
        week=week,
        ended=previewing.ended(held.stored.id, week),
        rules=given,
        asked=asked_of,
        one=one,
        lost=graded.points_lost(card).get(indicator),
        answer=verdict,
        answers=tuple(Answer),
        where=where,
        of_preview=of_preview,
        shown=_behind(ids, given.id, indicator, verdict),
        title_of=title_of,
        paging=turns,
        disputed=previewing.said_about(period, department, given.id, indicator),
    )


@pages.get("/scorecards/periods/<id>/statements")
def statements(id: str) -> str:
    """All that departments said in the preview of a period, department by department."""
    held = asked(id)
    week = previewing.week(held.manifest.period)
    if week is None:
        abort(404)
    said = sorted(site().catalog.statements.of(held.manifest.period), key=lambda one: (one.department, one.number))
    turns = paging(
        page_asked(), len(said), ROWS,
        lambda page: address("period_departments.statements", id=id, page=page if page > 1 else None),
    )
    return render_template(
        "pages/period_statements.html",
        period=held.manifest.period,
        week=week,
        total=len(said),
        waiting=sum(one.is_open for one in said),
        spoken=previewing.shown(said[(turns.page - 1) * ROWS:][:ROWS]),
        paging=turns,
    )


@pages.get("/scorecards/periods/<id>/statements.json")
def statements_json(id: str) -> Response:
    """All that was said and answered: the bytes whose hash the manifest of the frozen period has."""
    return answer(weeks.published(site().catalog.statements.of(_previewed(id))), "application/json")


@pages.get("/scorecards/periods/<id>/statements.csv")
def statements_csv(id: str) -> Response:
    """The same for a spreadsheet."""
    period = _previewed(id)
    said = previewing.shown(site().catalog.statements.of(period))
    return streamed(written(COLUMNS, _lines(said)), "text/csv", f"{period}-statements.csv")


def _previewed(id: str) -> str:
    period = asked(id).manifest.period
    if site().catalog.previews.get(period) is None:
        abort(404)
    return period


def _rules(stored: str, name: str) -> RuleSet:
    """One of the rule sets of a kept assessment, the first where none is named."""
    several = kept.rule_sets(site().catalog, stored)
    found = next((one for one in several if one.id == (name or several[0].id)), None)
    if found is None:
        abort(404)
    return found


def _card(stored: str, department: str, rules: RuleSet) -> Card | None:
    if rules.id not in {one.id for one in kept.rule_sets(site().catalog, stored)}:
        return None
    return kept.card(site().catalog, stored, department, rules.id)


def _dimensions(now: Card, before: Card | None) -> list[tuple[str, list[Row]]]:
    """The rows of every dimension under its title."""
    lost = graded.points_lost(now)
    several = () if before is None else (one for each in before.dimensions for one in each.indicators)
    stood = {one.indicator.id: one for one in several if one.tally}
    return [
        (
            each.dimension.title.text(language()),
            [Row(one, lost.get(one.indicator.id), stood.get(one.indicator.id)) for one in each.indicators if one.tally],
        )
        for each in now.dimensions
        if any(one.tally for one in each.indicators)
    ]


def _behind(ids: Sequence[str], rules: str, indicator: str, verdict: Answer) -> list[Behind]:
    catalog = site().catalog
    seen = cards.evidences(catalog, Ways(), ids, rules) if rules in PACKAGED else {}
    today = {
        id: next((finding for one, finding in found.findings if one.id == indicator), None) for id, found in seen.items()
    }
    return [
        Behind(entry, finding, finding is not None and finding.verdict in cards.VERDICTS[verdict])
        for entry in catalog.entries(ids)
        for finding in (today.get(entry.dataset.id),)
    ]


def _lines(several: Sequence[Said]) -> Iterator[Sequence[str]]:
    for one in several:
        said = one.said
        cells: list[str | None] = [
            str(said.number), said.department, one.department, said.kind.value, said.rules, said.indicator, said.dataset,
            said.text, said.at.isoformat(), None if said.withdrawn is None else said.withdrawn.isoformat(),
        ]
        last = said.answers[-1] if said.answers else None
        cells += [None, None, None] if last is None else [last.verdict, last.text, last.at.isoformat()]
        yield [harmless(cell) for cell in (*cells, str(len(said.answers)))]
