"""A hand-made federation whose every figure is worked out on paper.

Rules: "licence" (weight 3, a licence is stated), "contact" (weight 1, there is an address to ask at) and, for departments,
"api" (weight 1, two datasets offer one). Two cities, one province portal that lists one city's dataset again, two
departments and a library:

    id    source     department of       region   licence  contact  api   copy of
    h1    hangzhou   Hangzhou transport  330100   yes      yes      yes
    h2    hangzhou   Hangzhou transport  330100   yes      no       no
    h3    hangzhou   Hangzhou transport  330106   no       yes      no
    n1    ningbo     Ningbo transport    330200   no       no       no
    n2    ningbo     (library)           330200   yes      yes      no
    z1    zhejiang   Hangzhou transport  330100   yes      yes      yes   h1

Hangzhou transport counts h1, h2, h3: licence 2/3, contact 2/3, api 1 of 2 → (3×2/3 + 2/3 + 1/2)/5 = 3.16667/5 = 63.333.
Ningbo transport counts n1: 0.   The library's publisher counts n2: licence 1, contact 1, api not asked → 100.
Hangzhou (330100, with its district): licence 2/3, contact 2/3 → 66.667; api is asked of departments only.
Ningbo (330200): licence 1/2, contact 1/2 → 50.   Zhejiang, and the nation: 3/5, 3/5 → 60.
Source zhejiang: harvested 1, counted 0.
With one dataset more, Hangzhou transport has licence 2/4 to 3/4, contact 2/4 to 3/4, api 1/2 to 2/2:
    least (3×0.5 + 0.5 + 0.5)/5 = 50, most (3×0.75 + 0.75 + 1)/5 = 80;
Ningbo transport has licence 0/2 to 1/2, contact 0 to 1/2, api 0 to 1/2: least 0, most 50.
80 > 0 and 50 is not below 50: neither is surely before the other: both bands are 1 to 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from portal.catalog.assessments import Kind, Ranks
from portal.catalog.model import Contact, Distribution, DistributionKind, Outcome, Publisher, Source
from portal.catalog.store import Catalog
from portal.scorecard import assess, cards
from portal.scorecard.assess import Originals, Ways, rebuild
from portal.scorecard.cards import Answer
from portal.scorecard.rules import parse
from portal.scorecard.vectors import Layout
from tests.catalogs import filled, record
from tests.portal.scorecard.samples import DAY

RULES = """
id = "national"
version = "paper"
title = {zh = "纸", en = "Paper"}
about = {zh = "纸", en = "Paper"}
scale = 100
[[bands]]
id = "good"
title = {zh = "良", en = "Good"}
least = 60
[[bands]]
id = "poor"
title = {zh = "差", en = "Poor"}
least = 0
[[dimensions]]
id = "openness"
title = {zh = "开放", en = "Openness"}
[[dimensions]]
id = "quality"
title = {zh = "质量", en = "Quality"}
[[dimensions]]
id = "later"
title = {zh = "将来", en = "Later"}
[[indicators]]
id = "licence"
dimension = "openness"
check = "licence-given"
weight = 3
title = {zh = "许可", en = "Licence"}
why = {zh = "因", en = "Why"}
fix = {zh = "注明许可", en = "add a licence"}
[[indicators]]
id = "contact"
dimension = "quality"
check = "contact-reachable"
weight = 1
effort = 2
title = {zh = "联系", en = "Contact"}
why = {zh = "因", en = "Why"}
fix = {zh = "填写联系方式", en = "add a contact"}
[[indicators]]
id = "api"
dimension = "quality"
check = "api"
level = "department"
needs = 2
effort = 100
weight = 1
not_for = ["library"]
title = {zh = "接口", en = "API"}
why = {zh = "因", en = "Why"}
fix = {zh = "提供接口", en = "offer an API"}
[[indicators]]
id = "demand"
dimension = "later"
weight = 5
title = {zh = "需求", en = "Demand"}
why = {zh = "因", en = "Why"}
"""

LAYOUT = Layout.of([parse(RULES, "paper")])

HANGZHOU, NINGBO, ZHEJIANG = (
    Source(id=id, title=id, kind="ckan", url=f"http://127.0.0.1/{id}", region=region)
    for id, region in (("hangzhou", "330100"), ("ningbo", "330200"), ("zhejiang", "330000"))
)

HZ = Publisher(id="hz", name="杭州市交通运输局", institution_type="government_department", department="330100.transport")
NB = Publisher(id="nb", name="宁波市交通运输局", institution_type="government_department", department="330200.transport")
LIBRARY = Publisher(id="lib", name="宁波市图书馆", institution_type="library")

LICENCE: dict[str, Any] = {"licence": "cc0", "licence_raw": "CC0"}
CONTACT: dict[str, Any] = {"contact": Contact(email="data@example.org")}
API: dict[str, Any] = {"distributions": (Distribution(id="1", kind=DistributionKind.API),)}


def copy_of_h1(catalog: Catalog) -> Originals:
    def originals(ids: Sequence[str]) -> Mapping[str, str]:
        return {id: "hang000000000001" for id in ids if id.startswith("zhej")}

    return originals


WAYS = Ways(originals=copy_of_h1)


@contextmanager
def assessed_federation() -> Iterator[Catalog]:
    """The federation of the paper, assessed by the paper's rules."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    run = filled(
        catalog,
        record("1", publisher=HZ, region="330100", **LICENCE, **CONTACT, **API),
        record("2", publisher=HZ, region="330100", **LICENCE),
        record("3", publisher=HZ, region="330106", **CONTACT),
        source=HANGZHOU,
    )
    done = catalog.runs.get(run)
    catalog.runs.save(replace(done, outcome=Outcome.COMPLETE, declared=9, finished=DAY))
    filled(
        catalog,
        record("1", source=NINGBO, publisher=NB, region="330200"),
        record("2", source=NINGBO, publisher=LIBRARY, region="330200", **LICENCE, **CONTACT),
        source=NINGBO,
    )
    again = record("1", source=ZHEJIANG, publisher=HZ, region="330100", **LICENCE, **CONTACT, **API)
    filled(catalog, again, source=ZHEJIANG)
    with pytest.MonkeyPatch.context() as patch:
        for module in (assess, cards):
            patch.setattr(module, "standard_layout", lambda: LAYOUT)
        rebuild(catalog, WAYS, now=DAY)
        yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def federation() -> Iterator[Catalog]:
    """One federation for all tests that only read it."""
    with assessed_federation() as catalog:
        yield catalog


@pytest.fixture
def own_federation() -> Iterator[Catalog]:
    """A federation that a test may change."""
    with assessed_federation() as catalog:
        yield catalog


def the(catalog: Catalog, kind: Kind, code: str) -> cards.Card:
    found = cards.card(catalog, kind, code)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "kind,code,point,counted",
    [
        (Kind.DEPARTMENT, "330100.transport", 63.3333, 3),
        (Kind.DEPARTMENT, "330200.transport", 0, 1),
        (Kind.PUBLISHER, "hz", 63.3333, 3),
        (Kind.PUBLISHER, "lib", 100, 1),
        (Kind.REGION, "330106", 25, 1),
        (Kind.REGION, "330100", 66.6667, 3),
        (Kind.REGION, "330200", 50, 2),
        (Kind.REGION, "330000", 60, 5),
        (Kind.NATION, "", 60, 5),
        (Kind.INSTITUTION, "library", 100, 1),
        (Kind.SOURCE, "hangzhou", 66.6667, 3),
    ],
)
def test_a_groups_score_is_what_paper_says(
    federation: Catalog, kind: Kind, code: str, point: float, counted: int
) -> None:
    found = the(federation, kind, code)
    assert found.score.point == pytest.approx(point, abs=1e-3)
    assert (found.score.datasets, found.counts.counted) == (counted, counted)


def test_a_card_leads_from_the_score_to_its_dimensions_and_indicators(federation: Catalog) -> None:
    found = the(federation, Kind.DEPARTMENT, "330100.transport")
    openness, quality, later = found.dimensions
    assert openness.score is not None and openness.score.point == pytest.approx(66.6667, abs=1e-3)
    # (contact 1×2/3 + api 1×1/2) / 2 = 0.58333
    assert quality.score is not None and quality.score.point == pytest.approx(58.3333, abs=1e-3)
    assert later.score is None and later.indicators[0].tally is None
    licence = openness.indicators[0]
    assert licence.tally is not None and (licence.tally.passes, licence.tally.fails, licence.tally.unknown) == (2, 1, 0)
    # h1 alone offers an API; the copy of it is not asked.
    api = quality.indicators[1]
    assert api.tally is not None and (api.tally.passed, api.tally.not_applicable) == (1, 1)
    assert found.band is not None and found.band.id == "good"


def test_declared_harvested_and_effective_are_kept_apart(federation: Catalog) -> None:
    source = the(federation, Kind.SOURCE, "hangzhou").counts
    assert source.declared is not None and source.declared.datasets == 9
    # h1 alone has a distribution.
    assert (source.harvested, source.counted, source.effective) == (3, 3, 1)
    province = the(federation, Kind.REGION, "330000").counts
    assert province.declared == cards.Declared(9, 1, 3)
    assert (province.harvested, province.counted, province.flags["copy"]) == (6, 5, 1)
    assert the(federation, Kind.DEPARTMENT, "330100.transport").counts.declared is None


def test_a_band_is_what_least_and_most_leave_open(federation: Catalog) -> None:
    peers = "government_department/prefecture"
    hangzhou, ningbo = cards.league(federation, Kind.DEPARTMENT, peers)
    assert (hangzhou.standing.least, hangzhou.standing.most) == (pytest.approx(50), pytest.approx(80))
    assert (ningbo.standing.least, ningbo.standing.most) == (pytest.approx(0), pytest.approx(50))
    assert hangzhou.ranks == ningbo.ranks == Ranks(1, 2, 2)
    assert the(federation, Kind.DEPARTMENT, "330100.transport").ranks == Ranks(1, 2, 2)


def test_a_band_closes_once_a_score_is_surely_before_another(own_federation: Catalog) -> None:
    # Two datasets more that pass everything: licence 4/5, contact 4/5, api 2/2 → least (3×4/6 + 4/6 + 1)/5 = 73.3 > 50.
    more = (record(key, publisher=HZ, region="330100", **LICENCE, **CONTACT, **API) for key in ("8", "9"))
    filled(own_federation, *more, source=HANGZHOU)
    assess.catch_up(own_federation, WAYS, now=DAY)
    placed = cards.league(own_federation, Kind.DEPARTMENT, "government_department/prefecture")
    assert [one.ranks for one in placed] == [Ranks(1, 1, 2), Ranks(2, 2, 2)]
    assert the(own_federation, Kind.DEPARTMENT, "330200.transport").ranks == Ranks(2, 2, 2)


def test_like_is_compared_with_like(federation: Catalog) -> None:
    assert the(federation, Kind.PUBLISHER, "lib").peers == "library/prefecture"
    assert the(federation, Kind.REGION, "330000").peers == "province"
    assert the(federation, Kind.NATION, "").ranks is None


def test_the_datasets_behind_a_number_are_those_that_it_counts(federation: Catalog) -> None:
    def listed(kind: Kind, code: str, indicator: str, answer: Answer) -> list[str]:
        return [row.dataset_id for row in cards.behind(federation, kind, code, indicator, answer)]

    assert listed(Kind.DEPARTMENT, "330100.transport", "licence", Answer.FAIL) == ["hang000000000003"]
    assert listed(Kind.REGION, "330000", "licence", Answer.FAIL) == ["hang000000000003", "ning000000000001"]
    assert listed(Kind.REGION, "330106", "contact", Answer.PASS) == ["hang000000000003"]
    assert [row.dataset_id for row in cards.flagged(federation, Kind.NATION, "", "copy")] == ["zhej000000000001"]


def test_a_datasets_evidence_is_what_was_counted_until_it_changes(own_federation: Catalog) -> None:
    found = cards.evidence(own_federation, WAYS, "hang000000000003")
    assert found is not None and found.agrees
    assert {one.id: finding.reason for one, finding in found.findings} == {
        "licence": "licence.missing",
        "contact": "contact.stated",
        "api": "distribution.none",
    }
    assert found.score.point == pytest.approx(25)
    filled(own_federation, record("3", publisher=HZ, region="330106", **CONTACT, **LICENCE), source=HANGZHOU)
    changed = cards.evidence(own_federation, WAYS, "hang000000000003")
    assert changed is not None and not changed.agrees
    assess.catch_up(own_federation, WAYS, now=DAY)
    followed = cards.evidence(own_federation, WAYS, "hang000000000003")
    assert followed is not None and followed.agrees


def test_the_values_of_several_groups_make_a_matrix(federation: Catalog) -> None:
    found = cards.matrix(federation, Kind.DEPARTMENT, ["330100.transport", "330200.transport"])
    assert {code: {id: one.value and one.value.point for id, one in row.items()} for code, row in found.items()} == {
        "330100.transport": {"licence": pytest.approx(2 / 3), "contact": pytest.approx(2 / 3), "api": 0.5},
        "330200.transport": {"licence": 0, "contact": 0, "api": 0},
    }


def test_a_dataset_has_a_quality_to_sort_by_and_a_copy_none(federation: Catalog) -> None:
    found = federation.assessments.qualities(["hang000000000001", "hang000000000002", "zhej000000000001"])
    assert found == {"hang000000000001": 1, "hang000000000002": 0.75}
