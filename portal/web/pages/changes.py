"""Why a score changed between two days: its parts, and the datasets behind each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, abort, make_response, redirect, render_template, request
from msgspec import Struct
from msgspec.structs import replace
from werkzeug import Response

from portal.catalog.model import Entry
from portal.scorecard import keeping
from portal.scorecard.assess import standard_layout
from portal.scorecard.cards import VERDICTS
from portal.scorecard.changes import Part
from portal.scorecard.rules import PACKAGED, RuleSet
from portal.scorecard.spans import TooMuch
from portal.scorecard.verdicts import Verdict
from portal.web import explained, graded, spreadsheets
from portal.web.addresses import address, base
from portal.web.answers import streamed
from portal.web.documents import dataset_address
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.letters import signed
from portal.web.paging import page_asked, paging
from portal.web.words import t

pages = Blueprint("changes", __name__)

ROWS = 50

USUAL = timedelta(days=30)

ANSWERS = {verdict: answer for answer, verdicts in VERDICTS.items() for verdict in verdicts}

COLUMNS = ("dataset", "title", "publisher", "movement", "cause", "indicator", "before", "after", "page")


class Question(Struct, frozen=True, kw_only=True):
    """What the address asks."""

    group: Group
    name: str
    first: date
    last: date
    rules: RuleSet
    problem: str | None
    """Why these days cannot be compared; None where they can."""

    def address(self, endpoint: str, **more: object) -> str:
        """Another page about the same."""
        given: dict[str, object] = {"kind": self.group.segment, "code": self.group.written}
        given |= {"from": self.first.isoformat(), "to": self.last.isoformat()}
        if self.rules.id != PACKAGED[0]:
            given["rules"] = self.rules.id
        return address(endpoint, **given, **more)


@pages.get("/scorecards/<kind>/<code>/changes")
def changes(kind: str, code: str) -> Response:
    """The difference between two days, taken apart."""
    question = _question(kind, code)
    found, refused, kept, silent = None, False, [], question.last
    if question.problem is None:
        try:
            found = _explained(question)
            if found is None and explained.has_score(question.group, question.first, question.last, question.rules.id):
                silent = question.first
        except TooMuch:
            refused, kept = True, explained.days_kept(question.group, question.rules.id)
    if kept and not request.args.keys() & {"from", "to"}:
        first, last = kept[-1]
        return redirect(replace(question, first=first, last=last).address("changes.changes"))
    status = 400 if question.problem else 422 if refused else 200
    return make_response(
        render_template(
            "pages/changes.html",
            question=question,
            first=midnight(question.first),
            last=midnight(question.last),
            found=found,
            refused=refused,
            named=keeping.NAMED,
            kept=[(midnight(first), midnight(last), replace(question, first=first, last=last)) for first, last in kept],
            silent=midnight(silent),
            signed=signed,
            rule_sets=standard_layout().rule_sets,
            today_iso=datetime.now(UTC).date().isoformat(),
        ),
        status,
    )


@pages.get("/scorecards/<kind>/<code>/changes/<part>")
def datasets(kind: str, code: str, part: str) -> str:
    """The datasets behind one part."""
    question = _question(kind, code)
    one = next(iter(_parts(question, part)), None)
    if one is None:
        abort(404)
    turns = paging(
        page_asked(), len(one.dataset_ids), ROWS,
        lambda page: question.address("changes.datasets", part=part, page=page if page > 1 else None),
    )
    ids = one.dataset_ids[(turns.page - 1) * ROWS:][:ROWS]
    known = explained.titles(ids)
    return render_template(
        "pages/changes_datasets.html",
        question=question,
        first=midnight(question.first),
        last=midnight(question.last),
        part=one,
        part_name=part,
        is_whole=len(one.dataset_ids) == one.datasets,
        shown=[(known[id], _moves(one, id, question.rules)) for id in ids if id in known],
        paging=turns,
    )


@pages.get("/scorecards/<kind>/<code>/changes.csv")
def everything_csv(kind: str, code: str) -> Response:
    """Every part with its datasets, for a spreadsheet."""
    return _csv(_question(kind, code), None)


@pages.get("/scorecards/<kind>/<code>/changes/<part>.csv")
def part_csv(kind: str, code: str, part: str) -> Response:
    """The datasets behind one part, for a spreadsheet."""
    return _csv(_question(kind, code), part)


def group_of(kind: str, code: str) -> tuple[Group, str]:
    """The group in an address and its name; there is no page of what nobody calls anything."""
    group = graded.group(kind, code)
    name = None if group is None else graded.name(group)
    if group is None or name is None or name == group.code:
        abort(404)
    return group, name


def midnight(day: date) -> datetime:
    """A day as the notation of dates takes it."""
    return datetime.combine(day, time(), UTC)


def _question(kind: str, code: str) -> Question:
    group, name = group_of(kind, code)
    asked = request.args.get("rules", PACKAGED[0])
    if asked not in PACKAGED:
        abort(404)
    today = datetime.now(UTC).date()
    last, first = _day("to"), _day("from")
    problem = None
    if "wrong" in (last, first):
        problem = "day"
    until = last if isinstance(last, date) else today
    since = first if isinstance(first, date) else until - USUAL
    if problem is None and until > today:
        problem = "future"
    if problem is None and since >= until:
        problem = "order"
    return Question(
        group=group, name=name, first=since, last=until, rules=standard_layout().rules(asked), problem=problem
    )


def _day(name: str) -> date | str | None:
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return "wrong"


def _explained(question: Question) -> explained.Explained | None:
    found = explained.explanation_of(question.group, question.first, question.last, question.rules.id)
    return None if found is None else explained.explained(found, question.rules)


def _parts(question: Question, name: str | None) -> list[Part]:
    """The part of that name, or all of them. Refuses what the page refuses."""
    if question.problem is not None:
        abort(400)
    try:
        found = explained.explanation_of(question.group, question.first, question.last, question.rules.id)
    except TooMuch:
        abort(422)
    parts = [] if found is None else found.parts
    return [part for part in parts if name in (None, explained.name_of(part))]


def _moves(part: Part, id: str, rules: RuleSet) -> list[str]:
    """What moved of a dataset, in words."""
    return [
        t(
            "changed.move",
            indicator=rules.indicator(move.indicator).title.text(language()),
            before=t(f"changed.verdict_{ANSWERS[move.before].value}"),
            after=t(f"changed.verdict_{ANSWERS[move.after].value}"),
        )
        for move in part.moves
        if move.dataset_id == id
    ]


def _csv(question: Question, name: str | None) -> Response:
    parts = _parts(question, name)
    if name is not None and not parts:
        abort(404)
    known = explained.titles([id for part in parts for id in part.dataset_ids])
    return streamed(spreadsheets.written(COLUMNS, _lines(parts, known, base())), "text/csv", "changes.csv")


def _lines(parts: Sequence[Part], known: Mapping[str, Entry], at: str) -> Iterator[tuple[str, ...]]:
    for part in parts:
        what = part.movement.value, part.cause.value if part.cause else ""
        if part.moves:
            for move in part.moves:
                told = move.indicator, _word(move.before), _word(move.after)
                yield (*_about(move.dataset_id, known), *what, *told, dataset_address(at, move.dataset_id))
        else:
            for id in part.dataset_ids:
                yield (*_about(id, known), *what, "", "", "", dataset_address(at, id))


def _about(id: str, known: Mapping[str, Entry]) -> tuple[str, str, str]:
    entry = known.get(id)
    publisher = entry.dataset.publisher if entry else None
    title = entry.dataset.title if entry else None
    return id, spreadsheets.harmless(title), spreadsheets.harmless(publisher.name if publisher else None)


def _word(verdict: Verdict) -> str:
    return ANSWERS[verdict].value
