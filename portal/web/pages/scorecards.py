"""Scorecards: league tables, one card for every group, the datasets behind each number, and the method."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, make_response, render_template, request
from msgspec import Struct
from werkzeug.wrappers import Response

import schemas
from portal.catalog.assessments import Assessed, Kind, Standing
from portal.catalog.model import Entry
from portal.catalog.store import PublisherSummary
from portal.scorecard import cards, spans
from portal.scorecard.assess import Ways, standard_layout
from portal.scorecard.cards import Answer, Card, Placed
from portal.scorecard.fixes import Fix, fixes, most_first
from portal.scorecard.groups import AS_ONE
from portal.scorecard.rules import PACKAGED, Indicator, Level, RuleSet
from portal.scorecard.trends import trend
from portal.scorecard.vectors import FLAGS
from portal.scorecard.verdicts import Finding
from portal.web import graded, matrices, previewing, tables, tiles, trends
from portal.web.addresses import address, lasting
from portal.web.asking import LONGEST_TEXT
from portal.web.charts import Bar, Bars
from portal.web.graded import Group, Table
from portal.web.languages import language
from portal.web.notation import date, points
from portal.web.paging import Paging, page_asked, paging
from portal.web.scales import SHADES, Scale, Steps
from portal.web.site import site
from portal.web.summaries import publisher_of, title_of
from portal.web.words import t

pages = Blueprint("scorecards", __name__)

ROWS = 50
FIXES = 5
SORTS = ("score", "measured", "datasets", "name")


class Line(Struct, frozen=True):
    """A line of a league table as it is shown."""

    placed: Placed
    name: str
    kind: str
    href: str
    dot: float | None
    """Its score on the scale, and below where its bounds lie."""
    least: float
    most: float


class Part(Struct, frozen=True):
    """A part of a region, or a name of a department, with its own card."""

    name: str
    standing: Standing
    href: str


class Shown(Struct, frozen=True):
    """A dataset behind a number with what was found of it; None where it is gone since."""

    entry: Entry
    finding: Finding | None
    agrees: bool


@pages.get("/scorecards")
def league() -> Response:
    """The nation's score, and everyone beside those who are like them."""
    rules = rules_asked(request.args.get("rules", PACKAGED[0]))
    if not graded.is_assessed(site().catalog.assessments.state()):
        return not_assessed(200)
    nation = cards.card(site().catalog, Kind.NATION, "", rules.id)
    if nation is None:
        return not_assessed(200)
    kinds = graded.tables(graded.all_tables(rules.id))
    table = table_asked(kinds)
    name = request.args.get("q", "").strip()[:LONGEST_TEXT]
    placed = _called(_sorted(graded.standing_in(table, rules.id), table), table, name)
    turns = paging(page_asked(), len(placed), ROWS, lambda page: graded.league_address(
        table,
        rules.id,
        q=name or None,
        sort=_sort_asked() if _sort_asked() != SORTS[0] else None,
        page=page if page > 1 else None,
    ))
    part = placed[(turns.page - 1) * ROWS:][:ROWS]
    names = graded.names(table.kind, [one.standing.code for one in part])
    return make_response(render_template(
        "pages/scorecards.html",
        rules=rules,
        rule_sets=standard_layout().rule_sets,
        nation=nation,
        nation_address=graded.card_address(Group(Kind.NATION, ""), rules.id),
        tables=kinds,
        table=table,
        called=name,
        lines=[_line(one, names, rules) for one in part],
        paging=turns,
        sorts=SORTS,
        sort=_sort_asked(),
        scale=scale_of(rules),
        written=points,
        tile_map=_map(rules),
        rules_given=None if rules.id == PACKAGED[0] else rules.id,
        league_address=graded.league_address,
        Table=Table,
        matrix_address=_matrix_of_the_nation(rules),
        formats=tables.formats(),
    ))


def _matrix_of_the_nation(rules: RuleSet) -> str | None:
    nation = Group(Kind.NATION, "")
    return matrices.matrix_address(nation, rules) if matrices.kinds(nation, rules) else None


def rules_asked(name: str) -> RuleSet:
    """A packaged rule set by its id; there is no page of any other."""
    if name not in PACKAGED:
        abort(404)
    return standard_layout().rules(name)


def table_asked(kinds: dict[str, tuple[str, ...]]) -> Table:
    """The league table in the address, or the first there is; there is no page of one that nobody can stand in."""
    of = request.args.get("of", next(iter(kinds), graded.DEPARTMENTS))
    if of not in graded.TABLES and of not in schemas.vocabulary("institution_types").terms:
        abort(404)
    levels = kinds.get(of, ("",))
    level = request.args.get("level", levels[0])
    if level not in graded.LEVELS:
        abort(404)
    return Table(of, level)


def _sort_asked() -> str:
    asked = request.args.get("sort", SORTS[0])
    return asked if asked in SORTS else SORTS[0]


def _sorted(placed: Sequence[Placed], table: Table) -> Sequence[Placed]:
    sort = _sort_asked()
    if sort == "measured":
        return sorted(placed, key=lambda one: -one.standing.measured)
    if sort == "datasets":
        return sorted(placed, key=lambda one: -one.standing.datasets)
    if sort == "name":
        names = graded.names(table.kind, [one.standing.code for one in placed])
        return sorted(placed, key=lambda one: names[one.standing.code])
    return placed


def _called(placed: Sequence[Placed], table: Table, name: str) -> Sequence[Placed]:
    """Those who have every word in one of their names: of a department also those that its portals give it."""
    wanted = schemas.fold(name).split()
    if not wanted:
        return placed
    titles = graded.names(table.kind, [one.standing.code for one in placed])
    known = {code: [schemas.fold(title)] for code, title in titles.items()}
    if table.kind is Kind.DEPARTMENT:
        for one in site().overviews.publishers():
            if one.publisher.department in known:
                known[one.publisher.department].append(schemas.fold(one.publisher.name))
    return [one for one in placed if any(all(word in title for word in wanted) for title in known[one.standing.code])]


def _line(placed: Placed, names: dict[str, str], rules: RuleSet) -> Line:
    standing, scale = placed.standing, scale_of(rules)
    return Line(
        placed,
        names[standing.code],
        graded.SEGMENTS[standing.kind],
        graded.card_address(Group(standing.kind, standing.code), rules.id),
        None if standing.point is None else scale.nearest(standing.point),
        scale.nearest(standing.least),
        scale.nearest(standing.most),
    )


def scale_of(rules: RuleSet) -> Scale:
    """The line that the scores of a rule set lie on."""
    return Scale(0, rules.scale, (0, rules.scale / 2, rules.scale))


def _map(rules: RuleSet) -> tiles.TileMap:
    found = graded.standing_in(Table("regions", "province"), rules.id)
    values = {one.standing.code: one.standing.point for one in found if one.standing.point is not None}
    limits = tuple(rules.scale * shade / SHADES for shade in range(1, SHADES))
    return tiles.tile_map(values, Steps(limits), points)


def not_assessed(status: int) -> Response:
    """The page that says that nothing was assessed yet, and how it is."""
    return make_response(render_template("pages/not_assessed.html"), status)


@pages.get("/scorecards/<kind>/<code>")
def card(kind: str, code: str) -> Response:
    """One card by the first rule set."""
    return _card_page(kind, code, PACKAGED[0])


@pages.get("/scorecards/<kind>/<code>/<rules>")
def card_by(kind: str, code: str, rules: str) -> Response:
    """One card by a rule set."""
    return _card_page(kind, code, rules)


def group_asked(kind: str, code: str) -> Group:
    """The group in the address; there is no page of what cannot be one."""
    found = graded.group(kind, code)
    if found is None:
        abort(404)
    return found


def _card_page(kind: str, code: str, name: str) -> Response:
    rules, group = rules_asked(name), group_asked(kind, code)
    if not graded.is_assessed(site().catalog.assessments.state()):
        return not_assessed(503)
    card = cards.card(site().catalog, group.kind, group.code, rules.id)
    if card is None:
        abort(404)
    peers = graded.table_of(group.kind, card.peers)
    parts, departments = (_parts(group, of, rules) for of in graded.PARTS)
    # What brings most stands first here; how much work each is stands beside it.
    found = most_first(fixes(site().catalog, group.kind, group.code, rules.id))
    return make_response(render_template(
        "pages/scorecard.html",
        card=card,
        group=group,
        name=graded.name(group),
        rules=rules,
        rule_sets=standard_layout().rule_sets,
        card_address=graded.card_address,
        peers=peers,
        peers_address=graded.league_address(peers, rules.id) if card.ranks else None,
        fixes=found[:FIXES],
        further_fixes=found[FIXES:],
        dimensions=_bars(card, group),
        letter=_letter(card, group, found),
        lost=graded.points_lost(card),
        needs=_needs_more(card, group),
        is_one=group.kind in AS_ONE,
        has_digest=_has_digest(card, group),
        parts=parts,
        departments=departments,
        matrix_address=matrices.matrix_address(group, rules) if parts or departments else None,
        trend=trends.chart(trend(site().catalog, group.kind, group.code, rules.id), scale_of(rules)),
        formats=tables.formats(),
        called=_names_of(group),
        search=_search(group),
        answers=tuple(Answer),
        lately=previewing.lately(group.code) if group.kind is Kind.DEPARTMENT else None,
    ))


def _has_digest(card: Card, group: Group) -> bool:
    """Whether its months are worked out while somebody waits."""
    return group.kind in spans.FOUND and card.counts.harvested <= spans.MOST_DATASETS


def _needs_more(card: Card, group: Group) -> int | None:
    """How many datasets an indicator asks of a department as a whole, where it has fewer; None where it has enough."""
    most = max((one.needs for one in card.rules.measured if one.level is Level.DEPARTMENT), default=0)
    return most if group.kind in AS_ONE and card.counts.counted < most else None


def _letter(card: Card, group: Group, several: Sequence[Fix]) -> str:
    """What to do as a text that can be sent: the score, and each thing with the address of its list."""
    point = t("chart.unmeasured") if card.score.point is None else points(card.score.point)
    rules = card.rules.title.text(language())
    lines = [t("scorecards.letter_begins", name=graded.name(group), rules=rules, score=point, when=date(card.day)), ""]
    for place, one in enumerate(several, 1):
        listed = lasting(
            "scorecards.indicator",
            kind=group.segment,
            code=group.written,
            rules=card.rules.id,
            indicator=one.indicator.id,
            verdict=Answer.FAIL.value,
        )
        lines += [f"{place}. {one.text(language())}", f"   {listed}"]
    return "\n".join(lines)


def _bars(card: Card, group: Group) -> Bars:
    scale = scale_of(card.rules)
    found = graded.peers_of(group, card.peers, card.rules.id) if card.ranks else {}
    ranges = {dimension: (scale.nearest(low), scale.nearest(high)) for dimension, (low, high) in found.items()}
    return Bars(
        title=t("scorecards.each_dimension", scale=card.rules.scale),
        things=t("scorecards.dimension"),
        measure=t("scorecards.score"),
        scale=scale,
        written=points,
        bars=tuple(
            Bar(
                label=one.dimension.title.text(language()),
                value=None if one.score is None or one.score.point is None else scale.nearest(one.score.point),
                bounds=None if one.score is None else (scale.nearest(one.score.low), scale.nearest(one.score.high)),
                measured=one.score.measured if one.score else 0.0,
                peers=ranges.get(one.dimension.id),
                href=f"#{one.dimension.id}",
            )
            for one in card.dimensions
        ),
    )


def _parts(group: Group, of: str, rules: RuleSet) -> list[Part]:
    """What a region or the nation is made of, best first."""
    found = graded.parts(group, of, rules.id)
    names = graded.names(graded.PARTS[of], [one.code for one in found])
    return [Part(names[one.code], one, graded.card_address(Group(one.kind, one.code), rules.id)) for one in found]


def _names_of(group: Group) -> list[PublisherSummary]:
    """The publishers whose datasets are counted as one department's."""
    if group.kind is not Kind.DEPARTMENT:
        return []
    return [one for one in site().overviews.publishers() if one.publisher.department == group.code and one.entries]


def _search(group: Group) -> str | None:
    """Where the entries of a group are found; None where no facet is the group."""
    facets = {Kind.REGION: "region", Kind.PUBLISHER: "publisher", Kind.THEME: "theme", Kind.SOURCE: "source"}
    facets[Kind.INSTITUTION] = "institution"
    if group.kind is Kind.NATION:
        return address("search.search")
    return address("search.search", **{facets[group.kind]: group.code}) if group.kind in facets else None


@pages.get("/scorecards/<kind>/<code>/<rules>/<indicator>")
def indicator(kind: str, code: str, rules: str, indicator: str) -> Response:
    """The datasets behind one number of a card, each with the reason."""
    given, group = rules_asked(rules), group_asked(kind, code)
    asked = measured_indicator(given, indicator)
    answer = answer_asked()
    if not graded.is_assessed(site().catalog.assessments.state()):
        return not_assessed(503)
    card = cards.card(site().catalog, group.kind, group.code, given.id)
    if card is None:
        abort(404)
    one = next(one for each in card.dimensions for one in each.indicators if one.indicator == asked)
    turns = _turns(one.count(answer), verdict=answer.value, kind=kind, code=code, rules=rules, indicator=indicator)
    found = cards.behind(
        site().catalog, group.kind, group.code, asked.id, answer, given.id, start=(turns.page - 1) * ROWS, limit=ROWS
    )
    return make_response(render_template(
        "pages/scorecard_indicator.html",
        card=card,
        group=group,
        name=graded.name(group),
        rules=given,
        one=one,
        asked=asked,
        answer=answer,
        answers=tuple(Answer),
        lost=graded.points_lost(card).get(asked.id),
        shown=_shown(found, asked, given),
        disputed=_disputed(group, given, asked),
        title_of=title_of,
        publisher_of=publisher_of,
        paging=turns,
        card_address=graded.card_address,
    ))


def _disputed(group: Group, rules: RuleSet, indicator: Indicator) -> list[previewing.Said]:
    """What a department said of this number in the preview of the newest period."""
    found = previewing.lately(group.code) if group.kind is Kind.DEPARTMENT else None
    if found is None or not found.said:
        return []
    return previewing.said_about(found.period, group.code, rules.id, indicator.id)


def measured_indicator(rules: RuleSet, id: str) -> Indicator:
    """One of the indicators that are measured; there is nothing behind another."""
    found = next((one for one in rules.measured if one.id == id), None)
    if found is None:
        abort(404)
    return found


def answer_asked() -> Answer:
    """The verdict in the address; fails where it says none."""
    try:
        return Answer(request.args.get("verdict", Answer.FAIL.value))
    except ValueError:
        abort(404)


def _turns(total: int, **where: object) -> Paging:
    return paging(
        page_asked(), total, ROWS,
        lambda page: address("scorecards.indicator", **where, page=page if page > 1 else None),
    )


def _shown(found: Sequence[Assessed], indicator: Indicator, rules: RuleSet) -> list[Shown]:
    ids = [one.dataset_id for one in found]
    seen = cards.evidences(site().catalog, Ways(), ids, rules.id)
    return [
        Shown(
            entry,
            next((finding for one, finding in seen[entry.dataset.id].findings if one == indicator), None)
            if entry.dataset.id in seen
            else None,
            entry.dataset.id in seen and seen[entry.dataset.id].agrees,
        )
        for entry in site().catalog.entries(ids)
    ]


@pages.get("/scorecards/<kind>/<code>/datasets/<flag>")
def flagged(kind: str, code: str, flag: str) -> Response:
    """The datasets of a group that a flag holds for."""
    group = group_asked(kind, code)
    if flag not in FLAGS:
        abort(404)
    if not graded.is_assessed(site().catalog.assessments.state()):
        return not_assessed(503)
    card = cards.card(site().catalog, group.kind, group.code)
    if card is None:
        abort(404)
    counts = {"counted": card.counts.counted, "effective": card.counts.effective, **card.counts.flags}
    turns = paging(
        page_asked(), counts[flag], ROWS,
        lambda page: address("scorecards.flagged", kind=kind, code=code, flag=flag, page=page if page > 1 else None),
    )
    found = cards.flagged(
        site().catalog, group.kind, group.code, flag, start=(turns.page - 1) * ROWS, limit=ROWS
    )
    return make_response(render_template(
        "pages/scorecard_datasets.html",
        card=card,
        group=group,
        name=graded.name(group),
        flag=flag,
        total=counts[flag],
        entries=site().catalog.entries([one.dataset_id for one in found]),
        title_of=title_of,
        publisher_of=publisher_of,
        paging=turns,
        card_address=graded.card_address,
    ))


@pages.get("/scorecards/method")
def method() -> str:
    """What is asked, why, and how a score is made of it."""
    return render_template(
        "pages/scorecard_method.html",
        rule_sets=standard_layout().rule_sets,
        state=site().catalog.assessments.state(),
        total=_weight,
    )


def _weight(rules: RuleSet, dimension: str | None = None) -> float:
    return sum(one.weight for one in rules.indicators if dimension in (None, one.dimension))
