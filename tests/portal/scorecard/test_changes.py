"""Why a score changed, worked out on paper, and what would raise it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from portal.catalog.assessments import Kind
from portal.catalog.model import Change, ChangeCause, ChangeKind
from portal.catalog.store import Catalog
from portal.scorecard import assess, fixes, scoring
from portal.scorecard.assess import rebuild, standard_layout
from portal.scorecard.changes import Cause, Explanation, Movement, cause_of, explain, movement_of, score_of
from portal.scorecard.evidence import CHECKS
from portal.scorecard.groups import Group
from portal.scorecard.rules import parse
from portal.scorecard.snapshots import as_of
from portal.scorecard.vectors import Layout
from portal.scorecard.verdicts import Verdict
from tests.catalogs import SOURCE, filled, record
from tests.portal.scorecard.samples import DAY
from tests.portal.scorecard.test_cards import CONTACT, HZ, LAYOUT, LICENCE, RULES

BEFORE, AFTER = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 6, 1, 12, tzinfo=UTC)

HANGZHOU: Group = (Kind.REGION, "330100")

PLACED: dict[str, Any] = {"publisher": HZ, "region": "330100"}


@pytest.fixture
def moved(catalog: Catalog) -> Catalog:
    """Hangzhou on 1 March and on 1 June. Licence weighs 3, contact 1; what a department must do is not asked of a region.

                 1 March            1 June
           licence contact    licence contact
        a     yes     yes       yes     no      the portal took the contact away
        b     no      no        yes     no      the portal added a licence
        c     yes     no        yes     yes     we learned to read the contact: the portal's words are the same
        d     no      yes        -       -      withdrawn
        e      -       -        yes     yes     new

    1 March: licence 2/4, contact 2/4 → (3×2/4 + 2/4)/4 = 50.
    e added:    licence 3/5, contact 3/5 → 60      (+10)
    d removed:  licence 3/4, contact 2/4 → 68.75   (+8.75)
    a worsened: licence 3/4, contact 1/4 → 62.5    (-6.25)
    b improved: licence 4/4, contact 1/4 → 81.25   (+18.75)
    c by us:    licence 4/4, contact 2/4 → 87.5    (+6.25)
    """
    with time_machine.travel(BEFORE):
        filled(
            catalog,
            record("a", **PLACED, **LICENCE, **CONTACT),
            record("b", **PLACED),
            record("c", body=b"the same words", **PLACED, **LICENCE),
            record("d", **PLACED, **CONTACT),
        )
    with time_machine.travel(AFTER):
        filled(
            catalog,
            record("a", **PLACED, **LICENCE),
            record("b", **PLACED, **LICENCE),
            record("c", body=b"the same words", **PLACED, **LICENCE, **CONTACT),
            record("e", **PLACED, **LICENCE, **CONTACT),
        )
        lease = catalog.sources.lease(SOURCE.id, "test")
        with catalog.transaction(lease, None) as transaction:
            transaction.retire(["hang00000000000d"], "withdrawn")
    return catalog


def told(found: Explanation | None) -> list[tuple[Movement, Cause | None, float, tuple[str, ...]]]:
    assert found is not None
    return [(one.movement, one.cause, round(one.points, 6), tuple(id[-1] for id in one.dataset_ids)) for one in found.parts]


def test_a_difference_is_taken_apart_as_on_paper_and_its_parts_add_up(moved: Catalog) -> None:
    before, after = (as_of(moved, day.date(), LAYOUT) for day in (BEFORE, AFTER))
    found = explain(moved, before, after, HANGZHOU)
    assert told(found) == [
        (Movement.ADDED, None, 10, ("e",)),
        (Movement.REMOVED, None, 8.75, ("d",)),
        (Movement.WORSENED, Cause.PUBLISHER, -6.25, ("a",)),
        (Movement.IMPROVED, Cause.PUBLISHER, 18.75, ("b",)),
        (Movement.IMPROVED, Cause.MAPPING, 6.25, ("c",)),
    ]
    assert found is not None and found.before.point == pytest.approx(50) and found.after.point == pytest.approx(87.5)
    assert sum(one.points for one in found.parts) == pytest.approx(37.5)


def test_a_change_of_rules_is_a_part_of_its_own(moved: Catalog) -> None:
    # By the later rules licence weighs 1, and a title of three characters 2, which every dataset here has:
    # 1 March restated is (2/4 + 2/4 + 2×4/4)/4 = 75: +25.
    title = RULES.replace('check = "licence-given"\nweight = 3', 'check = "licence-given"\nweight = 1') + (
        '[[indicators]]\nid = "title"\ndimension = "quality"\ncheck = "title-telling"\nweight = 2\noptions = {least = 3}\n'
        'title = {zh = "题", en = "Title"}\nwhy = {zh = "因", en = "Why"}\n'
    )
    later = Layout.of([parse(title, "later")])
    before, restated = (as_of(moved, BEFORE.date(), layout) for layout in (LAYOUT, later))
    after = as_of(moved, AFTER.date(), later)
    earlier = score_of(scoring.unpacked(before.counts()[HANGZHOU]), LAYOUT, "national", HANGZHOU)
    found = explain(moved, restated, after, HANGZHOU, earlier=earlier)
    assert told(found)[0] == (Movement.RULES, None, 25, ())
    assert found is not None and found.before.point is not None and found.after.point is not None
    assert sum(one.points for one in found.parts) == pytest.approx(found.after.point - found.before.point)
    with pytest.raises(ValueError, match="restated"):
        explain(moved, before, after, HANGZHOU)


def test_a_group_that_was_not_there_has_nothing_to_explain(moved: Catalog) -> None:
    before, after = (as_of(moved, day.date(), LAYOUT) for day in (BEFORE, AFTER))
    assert explain(moved, before, after, (Kind.REGION, "440000")) is None


def test_time_alone_is_a_cause_and_so_is_the_probe(catalog: Catalog) -> None:
    monthly = {"frequency": "monthly", "frequency_raw": "每月", "modified": BEFORE}
    with time_machine.travel(BEFORE):
        filled(catalog, record("a", **PLACED, **LICENCE, **monthly), record("b", **PLACED, **LICENCE))
    before, after = (as_of(catalog, day.date(), standard_layout()) for day in (BEFORE, AFTER))
    found = explain(catalog, before, after, HANGZHOU)
    assert [(movement, cause, ids) for movement, cause, _, ids in told(found)] == [
        (Movement.WORSENED, Cause.TIME, ("a",))
    ]
    assert cause_of(CHECKS["reachable"], []) is Cause.PROBE


@pytest.mark.parametrize(
    "fields,cause,why",
    [
        (("contact",), ChangeCause.SOURCE, Cause.PUBLISHER),
        (("contact", "title"), ChangeCause.MAPPING, Cause.MAPPING),
    ],
)
def test_the_last_update_of_what_a_check_reads_is_the_cause(
    fields: tuple[str, ...], cause: ChangeCause, why: Cause
) -> None:
    def update(number: int, fields: tuple[str, ...], cause: ChangeCause) -> Change:
        return Change(
            number=number, kind=ChangeKind.UPDATED, dataset_id="a", source_id="s", at=DAY, run_id=None,
            cause=cause, fields=fields,
        )

    other = ChangeCause.MAPPING if cause is ChangeCause.SOURCE else ChangeCause.SOURCE
    log = [update(1, ("contact",), other), update(2, fields, cause), update(3, ("themes",), other)]
    assert cause_of(CHECKS["contact-reachable"], log) is why


def test_an_outage_moves_nothing_but_what_is_measured() -> None:
    assert movement_of(Verdict.PASS, Verdict.PASSED_BEFORE) is Movement.MEASURED
    assert movement_of(Verdict.PASSED_BEFORE, Verdict.FAIL) is Movement.WORSENED
    assert movement_of(Verdict.UNKNOWN, Verdict.FAIL) is Movement.MEASURED


def test_fixes_are_ranked_by_points_for_a_minute(moved: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (assess, fixes):
        monkeypatch.setattr(module, "standard_layout", lambda: LAYOUT)
    # Only what stood on 1 June counts: a, b, c, e. The department lacks two contacts (a, b) and two APIs, and no licence.
    # Contact: 2/4 → 4/4 is 1×0.5/5 of 100 = +10 for 4 minutes; API: 0/2 → 2/2 is 1×1/5 = +20 for 200 minutes.
    rebuild(moved, now=AFTER)
    found = fixes.fixes(moved, Kind.DEPARTMENT, "330100.transport")
    assert [(one.indicator.id, one.datasets, one.minutes) for one in found] == [("contact", 2, 4), ("api", 2, 200)]
    assert [one.gain for one in found] == [pytest.approx(10), pytest.approx(20)]
    assert found[0].text("en") == "add a contact: 2 datasets, +10.0"
    assert found[0].text("zh") == "填写联系方式：2 个数据集，+10.0 分"
    assert found[1].text("en") == "offer an API: any 2 of 4 datasets, +20.0"
    assert found[1].text("zh") == "提供接口：4 个数据集中任 2 个，+20.0 分"
    assert [one.indicator.id for one in fixes.most_first(found)] == ["api", "contact"]
    filled(moved, *(record(key, **PLACED, **LICENCE, **CONTACT) for key in ("a", "b")))
    before = moved.assessments.standing("national", Kind.DEPARTMENT, "330100.transport")
    assess.catch_up(moved, now=AFTER)
    after = moved.assessments.standing("national", Kind.DEPARTMENT, "330100.transport")
    assert before is not None and after is not None and before.point is not None and after.point is not None
    assert after.point - before.point == pytest.approx(found[0].gain)
