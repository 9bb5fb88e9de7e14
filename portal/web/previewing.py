"""The preview of a period as pages speak of it: how far it is, until when one may speak, and what was said, without names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from portal.catalog.assessments import Kind
from portal.catalog.previews import Preview, Step
from portal.catalog.statements import Kind as Spoken
from portal.catalog.statements import Statement
from portal.scorecard import kept, weeks
from portal.scorecard.rules import PACKAGED
from portal.scorecard.weeks import PublicStatement
from portal.web import graded
from portal.web.addresses import address
from portal.web.languages import Text, language
from portal.web.notation import date, left
from portal.web.site import site
from portal.web.summaries import title_of
from portal.web.words import t


class Stage(StrEnum):
    """How far the preview of a period is."""

    OPEN = "open"
    """Departments may speak."""
    ANSWERING = "answering"
    """They may no longer; what they said is answered, then it is frozen."""
    CALLED_OFF = "called-off"
    """They may no longer; another preview comes before it is frozen."""
    FROZEN = "frozen"


class Week(Struct, frozen=True):
    """A preview and how far it is."""

    preview: Preview
    stage: Stage

    @property
    def deadline(self) -> str:
        """Until when departments may speak, in words."""
        return end_of_day(self.preview.until)

    @property
    def left(self) -> str:
        """How long they still may, in words."""
        return left((self.preview.until - datetime.now(UTC)).total_seconds())


def end_of_day(until: datetime) -> str:
    """An end of a preview in words: it ends with a day, the instant itself is the next one's first."""
    return t("preview.end_of_day", day=date(until - timedelta(seconds=1)))


class Said(Struct, frozen=True, kw_only=True):
    """A statement as it is shown: whose, about what, what became of it."""

    period: str
    said: PublicStatement
    state: str
    """``open``, ``unanswered``, ``answered``, ``withdrawn`` or a verdict."""
    department: str
    """Its name."""
    indicator: str | None
    """The title of the indicator; None where it is about no number."""
    evidence: str | None
    """Where the datasets behind the number are."""
    dataset: Text | None
    """The title of the dataset; None where it is about no single one."""


class Lately(Struct, frozen=True, kw_only=True):
    """What a department came to in the newest period, for its card of now."""

    period: str
    week: Week | None
    """None where the period was frozen without a preview."""
    point: float | None
    """The score under the first rule set, as frozen, else as shown; None where there is none."""
    disputes: int
    said: int
    """All statements, disputes among them."""


def week(period: str) -> Week | None:
    """The preview of a period; None where there never was one."""
    found = site().catalog.previews.get(period)
    return None if found is None else _week(found, {one.id for one in site().catalog.periods.all()})


def ended(kept: str, week: Week | None) -> Step | None:
    """The calling off of an earlier preview of a period, of the name ``kept``; None of the newest, and of what is frozen."""
    return None if week is None else next((one for one in week.preview.earlier if one.kept == kept), None)


def all_weeks() -> list[Week]:
    """Every preview, that of the newest period first."""
    frozen = {one.id for one in site().catalog.periods.all()}
    return [_week(one, frozen) for one in site().catalog.previews.all()]


def _week(preview: Preview, frozen: set[str]) -> Week:
    if preview.period in frozen:
        return Week(preview, Stage.FROZEN)
    if preview.called_off is not None:
        return Week(preview, Stage.CALLED_OFF)
    return Week(preview, Stage.OPEN if datetime.now(UTC) < preview.until else Stage.ANSWERING)


def shown(statements: Sequence[Statement]) -> list[Said]:
    """Statements as everybody may see them, in the language of the page."""
    ids = {one.saying.dataset_id for one in statements if one.saying.dataset_id is not None}
    titles = {entry.dataset.id: title_of(entry.dataset) for entry in site().catalog.entries(sorted(ids))}
    names = graded.names(Kind.DEPARTMENT, sorted({one.department for one in statements}))
    return [
        Said(
            period=one.period,
            said=weeks.public(one),
            state=_state(one),
            department=names[one.department],
            indicator=indicator_title(one.period, one.saying.rules, one.saying.indicator),
            evidence=_evidence(one),
            dataset=titles.get(one.saying.dataset_id or ""),
        )
        for one in statements
    ]


def said_about(period: str, department: str, rules: str, indicator: str) -> list[Said]:
    """What a department said of one number in the preview of a period."""
    said = site().catalog.statements.of(period, department)
    return shown([one for one in said if (one.saying.rules, one.saying.indicator) == (rules, indicator)])


def lately(department: str) -> Lately | None:
    """The newest period, frozen or in its preview; None where there is none, or none of its pages is of the department."""
    catalog = site().catalog
    previews, frozen = all_weeks(), catalog.periods.all()
    period = max([one.preview.period for one in previews] + [one.id for one in frozen], default=None)
    if period is None:
        return None
    found = next((one for one in previews if one.preview.period == period), None)
    id = found.preview.kept if found is not None and found.stage is not Stage.FROZEN else period
    standings = catalog.periods.standings(id, Kind.DEPARTMENT, code=department, rules=PACKAGED[0])
    said = catalog.statements.of(period, department)
    if not (standings and catalog.periods.has_departments(id)) and not said:
        return None
    return Lately(
        period=period, week=found, point=standings[0].point if standings else None,
        disputes=sum(one.saying.kind is Spoken.DISPUTE for one in said), said=len(said),
    )


def indicator_title(period: str, rules: str | None, indicator: str | None) -> str | None:
    """What an indicator was called by the rules of a preview, with its rule set; None where none is named."""
    if rules is None or indicator is None:
        return None
    several = {one.id: one for one in kept.rule_sets(site().catalog, _kept(period))}
    asked = {one.id: one for one in several[rules].indicators} if rules in several else {}
    if indicator not in asked:
        # It was said of a preview that was called off, and another version of the rules asks for something else.
        return f"{rules}.{indicator}"
    return f"{several[rules].title.text(language())} · {asked[indicator].title.text(language())}"


def _kept(period: str) -> str:
    preview = site().catalog.previews.get(period)
    assert preview is not None, "what was said was said in a preview"
    return preview.kept


def _state(statement: Statement) -> str:
    if statement.withdrawn is not None:
        return "withdrawn"
    if not statement.answers:
        return "open" if statement.is_open else "unanswered"
    verdict = statement.answers[-1].verdict
    return "answered" if verdict is None else verdict.value


def _evidence(statement: Statement) -> str | None:
    saying = statement.saying
    if saying.rules is None or saying.indicator is None:
        return None
    return address(
        "period_departments.evidence",
        id=statement.period, department=statement.department, rules=saying.rules, indicator=saying.indicator, of="preview",
    )
