"""What each question finds, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from portal.catalog.model import Column, Dataset, Distribution, Link, LinkState, Publisher
from portal.scorecard import scoring
from portal.scorecard.assess import standard_layout
from portal.scorecard.evidence import CHECKS
from portal.scorecard.probing import VALID_DAYS
from portal.scorecard.reasons import reason
from portal.scorecard.rules import RuleSet, packaged
from portal.scorecard.vectors import Layout, assessed
from portal.scorecard.verdicts import Finding, Verdict
from tests.portal.scorecard.samples import CSV, DAY, FILE, PAGE, evidence, link, points, seen, verdicts, whole, working

PASS, FAIL, UNKNOWN, NA = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE


def test_a_dataset_that_lacks_nothing_passes_every_question_of_every_set_but_linked_data() -> None:
    for rules in packaged():
        found = {id for id, verdict in verdicts(seen(), rules).items() if verdict is not PASS}
        assert found <= {"offers_api", "star_4"}, rules.id
    assert points(seen(), "mqa") == 405
    assert points(seen(), "udata") == 9
    assert points(seen(), "five_star") == 3


def one(check: str, dataset: Dataset, **given: Any) -> Finding:
    found = CHECKS[check]
    assert found.of_dataset is not None
    return found.of_dataset(seen(dataset, **given), {})


@pytest.mark.parametrize(
    "check,changes,verdict,reason_code",
    [
        ("title-telling", {"title": "公交"}, FAIL, "title.too-short"),
        ("title-telling", {"title": "公交站点"}, PASS, "title.long-enough"),
        ("description-telling", {"description": None}, FAIL, "description.missing"),
        ("description-telling", {"description": "公共汽车站点"}, FAIL, "description.is-title"),
        ("description-telling", {"description": "字" * 29}, FAIL, "description.too-short"),
        ("description-telling", {"description": "字" * 30}, PASS, "description.long-enough"),
        ("description-longer", {"description": "字" * 100}, FAIL, "description.not-longer"),
        ("description-longer", {"description": "字" * 101}, PASS, "description.longer"),
        ("fields-listed", {"columns": ()}, FAIL, "fields.missing"),
        ("fields-described", {"columns": (Column(name="a", title="甲"), Column(name="b"))}, FAIL, "fields.bare"),
        ("keywords-sensible", {"keywords": tuple(map(str, range(31)))}, FAIL, "keywords.stuffed"),
        ("keywords-sensible", {"keywords": tuple(map(str, range(30)))}, PASS, "keywords.stated"),
        ("theme-known", {"themes": (), "themes_raw": ("杂项",)}, FAIL, "theme.unknown"),
        ("theme-given", {"themes": (), "themes_raw": ("杂项",)}, PASS, "theme.stated"),
        ("place-given", {"places": (), "region_inferred_from": "publisher"}, FAIL, "place.missing"),
        ("place-given", {"places": ()}, PASS, "place.stated"),
        ("publisher-identified", {"publisher": Publisher(id="p", name="某局")}, FAIL, "publisher.name-only"),
        ("frequency-given", {"frequency": "unknown", "frequency_raw": "未知"}, FAIL, "frequency.missing"),
        ("frequency-given", {"frequency": None, "frequency_raw": "逢五"}, PASS, "frequency.stated"),
        ("frequency-known", {"frequency": None, "frequency_raw": "逢五"}, FAIL, "frequency.unknown"),
        ("on-time", {"frequency": None, "frequency_raw": None}, FAIL, "on-time.no-frequency"),
        ("on-time", {"frequency": "irregular"}, NA, "on-time.no-period"),
        ("on-time", {"modified": None}, FAIL, "on-time.no-date"),
        ("on-time", {"modified": datetime(2026, 5, 1, tzinfo=UTC)}, FAIL, "on-time.late"),
        ("on-time", {"modified": datetime(2026, 1, 1, tzinfo=UTC), "data_modified": DAY}, PASS, "on-time.kept"),
        ("licence-open", {"licence": "cc-by-nc", "licence_raw": "CC BY-NC"}, FAIL, "licence.closed"),
        ("licence-open", {"licence": None, "licence_raw": "本市条款", "distributions": ()}, UNKNOWN, "licence.unknown"),
        ("licence-open", {"licence": "other", "licence_raw": "其他"}, UNKNOWN, "licence.unjudged"),
        ("licence-open", {"licence": None, "licence_raw": None, "distributions": ()}, FAIL, "licence.missing"),
        ("open-to-all", {"openness": "registration", "openness_raw": "登录"}, PASS, "openness.open"),
        ("open-to-all", {"openness": "conditional", "openness_raw": "依申请"}, FAIL, "openness.closed"),
        ("open-to-all", {"openness": None, "openness_raw": None}, PASS, "openness.proved"),
        ("open-to-all", {"openness": None, "openness_raw": None, "distributions": ()}, UNKNOWN, "openness.untold"),
        ("open-to-all", {"openness": "open-unqualified", "openness_raw": "可开放"}, PASS, "openness.proved"),
        ("open-to-all", {"openness": "open-unqualified", "openness_raw": "可开放", "distributions": ()}, UNKNOWN,
         "openness.unqualified"),
        ("effective", {"rows": 0}, FAIL, "effective.empty"),
        ("effective", {"distributions": ()}, FAIL, "effective.no-distribution"),
        ("effective", {"rows": None, "distributions": (replace(CSV, size_bytes=0),)}, FAIL, "effective.empty"),
        ("access-rights-aligned", {"access_rights": "public"}, FAIL, "access-rights.unknown"),
        ("dcat-ap", {"description": None}, FAIL, "dcat-ap.lacks"),
        ("dcat-ap", {"distributions": (replace(CSV, access_url=None),)}, FAIL, "dcat-ap.lacks"),
        ("dcat-ap", {"distributions": (replace(CSV, access_url=None, unread={"access_url": "ftp"}),)}, PASS, "dcat-ap.whole"),
        ("dcat-ap", {"publisher": None, "unread": {"publisher": "{}"}}, PASS, "dcat-ap.whole"),
        # A dct:abstract was read as the description.
        ("dcat-ap", {"violations": ("dct:description sh:minCount",)}, FAIL, "dcat-ap.lacks"),
        ("dcat-ap", {"violations": ("dct:language sh:nodeKind", "skos:prefLabel sh:minCount")}, PASS, "dcat-ap.whole"),
    ],
)
def test_what_a_question_finds(check: str, changes: dict[str, Any], verdict: Verdict, reason_code: str) -> None:
    found = one(check, whole(**changes))
    assert (found.verdict, found.reason) == (verdict, reason_code)


def test_a_portal_that_gives_the_address_of_the_file_alone_lacks_nothing_mandatory() -> None:
    file_alone, nothing = replace(CSV, access_url=None), replace(CSV, access_url=None, download_url=None)
    assert evidence(seen(whole(distributions=(file_alone,))))["dcat_ap"].verdict is PASS
    assert evidence(seen(whole(distributions=(file_alone, nothing))))["dcat_ap"].verdict is FAIL


def told(indicator: str, locale: str, **changes: Any) -> str:
    return reason(evidence(seen(whole(**changes)))[indicator], locale)


def test_a_reason_names_the_value_in_both_languages() -> None:
    assert told("title_telling", "zh", title="公交") == "标题长度为 6（汉字每字计 3），少于要求的 12。"
    said = "The title has a length of 6 (a Chinese character counts 3), less than 12."
    assert told("title_telling", "en", title="公交") == said


def test_a_length_counts_chinese_characters_alike_however_long_it_is() -> None:
    assert told("description_telling", "zh", description="字" * 200).startswith("说明长度为 600（汉字每字计 3）")


def test_a_reason_writes_dates_as_its_reader_does() -> None:
    changed = datetime(2026, 5, 1, tzinfo=UTC)
    assert told("dated", "zh", modified=changed, data_modified=None) == "已注明更新日期：2026年5月1日。"
    assert told("dated", "en", modified=changed, data_modified=None) == "The date of the last change is stated: 1 May 2026."


def test_a_reason_calls_a_department_and_what_is_missing_by_their_names() -> None:
    bus = Publisher(id="p", name="杭州市交通运输局", department="330100.transport")
    assert told("publisher_identified", "zh", publisher=bus) == "发布者可识别：杭州市 · 交通运输。"
    assert told("publisher_identified", "en", publisher=bus) == "The publisher is identified by Hangzhou · Transport."
    assert told("dcat_ap", "zh", description=None) == "缺少必备项：说明（dct:description）。"
    assert told("dcat_ap", "en", description=None) == "Mandatory and missing: a description (dct:description)."


# A month is 30.44 days and a tenth more: a dataset of 1 May may be as it is until the midnight after 3 June 11:37.
@pytest.mark.parametrize("day,verdict", [(datetime(2026, 6, 4, tzinfo=UTC), PASS), (datetime(2026, 6, 5, tzinfo=UTC), FAIL)])
def test_on_time_turns_on_its_day_and_says_so_beforehand(day: datetime, verdict: Verdict) -> None:
    found = one("on-time", whole(modified=datetime(2026, 5, 1, tzinfo=UTC)), day=day)
    assert found.verdict is verdict
    if verdict is PASS:
        assert found.until == datetime(2026, 6, 4, tzinfo=UTC)


def test_a_daily_dataset_may_be_two_days_old_because_portals_date_by_the_day() -> None:
    dataset = whole(frequency="daily", modified=DAY - timedelta(days=2))
    assert one("on-time", dataset).verdict is PASS


def test_nothing_turns_late_while_its_source_cannot_be_read() -> None:
    dataset = whole(modified=datetime(2026, 4, 20, tzinfo=UTC))
    assert one("on-time", dataset, read=datetime(2026, 5, 1, tzinfo=UTC)).verdict is Verdict.PASSED_BEFORE
    assert one("on-time", dataset, read=datetime(2026, 6, 14, tzinfo=UTC)).verdict is FAIL


def test_a_date_that_is_not_believed_does_not_make_data_new() -> None:
    found = one("on-time", whole(), believed=datetime(2025, 1, 1, tzinfo=UTC))
    assert (found.verdict, found.reason) == (FAIL, "on-time.dates-moved")


@pytest.mark.parametrize(
    "links,reachable,no_broken_links,effective",
    [
        ({}, UNKNOWN, UNKNOWN, PASS),
        ({FILE: link(FILE)}, PASS, PASS, PASS),
        ({FILE: link(FILE, LinkState.GONE)}, UNKNOWN, UNKNOWN, PASS),
        ({FILE: link(FILE, LinkState.GONE), PAGE: link(PAGE, LinkState.GONE)}, FAIL, FAIL, FAIL),
        ({FILE: link(FILE, is_error_page=True), PAGE: link(PAGE, LinkState.GONE)}, FAIL, FAIL, FAIL),
        ({FILE: link(FILE, LinkState.REFUSED), PAGE: link(PAGE, LinkState.UNKNOWN)}, UNKNOWN, UNKNOWN, PASS),
    ],
)
def test_only_an_answer_makes_a_fail(
    links: dict[str, Link], reachable: Verdict, no_broken_links: Verdict, effective: Verdict
) -> None:
    found = verdicts(seen(links=links))
    assert (found["reachable"], found["no_broken_links"], found["effective"]) == (reachable, no_broken_links, effective)


def test_a_page_of_error_with_status_200_is_no_file() -> None:
    page_of_error = {FILE: link(FILE, is_error_page=True), PAGE: link(PAGE, is_error_page=True)}
    assert evidence(seen(links=page_of_error))["reachable"].reason == "link.error-page"


def test_a_file_without_an_address_is_unknown_and_not_broken() -> None:
    found = verdicts(seen(whole(distributions=(replace(CSV, access_url=None, download_url=None),))))
    assert (found["reachable"], found["effective"], found["direct"]) == (UNKNOWN, PASS, FAIL)


def test_an_old_answer_stands_as_the_last_good_one() -> None:
    asked = DAY - timedelta(days=VALID_DAYS + 1)
    old = {url: link(url, checked=asked) for url in (FILE, PAGE)}
    assert verdicts(seen(links=old))["reachable"] is Verdict.PASSED_BEFORE


def test_an_outage_carries_on_what_was_known() -> None:
    out = {url: link(url, LinkState.UNKNOWN, last_available=DAY - timedelta(days=9)) for url in (FILE, PAGE)}
    found = evidence(seen(links=out))["reachable"]
    assert (found.verdict, found.limit) == (Verdict.PASSED_BEFORE, "2026-06-06")


def test_an_empty_dataset_earns_nothing_however_well_it_is_described() -> None:
    assert set(verdicts(seen(whole(rows=0))).values()) == {FAIL}


def test_a_copy_is_asked_nothing() -> None:
    for rules in packaged():
        assert set(verdicts(seen(original="hang000000000009"), rules).values()) == {NA}


def test_an_archive_is_not_asked_to_be_on_time() -> None:
    archive = whole(publisher=Publisher(id="a", name="市档案馆", institution_type="archive"))
    found = verdicts(seen(archive))
    assert (found["on_time"], found["offers_api"]) == (NA, NA)


def test_a_dataset_without_distributions_fails_what_is_asked_of_them() -> None:
    found = evidence(seen(whole(distributions=())), "mqa")
    assert found["formatAvailability"].reason == "distribution.none"
    # Rows 22 and 23 are asked of the distribution, or else of the dataset.
    assert found["dateIssuedAvailability"].verdict is PASS


texts = st.one_of(st.none(), st.just(""), st.text(max_size=40))
instants = st.one_of(st.none(), st.datetimes(datetime(2015, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
codes = {
    "format": ("csv", "xlsx", "pdf", "json-ld", "api", "nonsense", None),
    "licence": ("cc0", "cc-by-nc", "other", "nonsense", None),
    "frequency": ("daily", "annual", "irregular", "unknown", "nonsense", None),
    "openness": ("unconditional", "registration", "conditional", "denied", None),
}
distributions = st.builds(
    Distribution,
    id=st.just("d"),
    description=texts,
    access_url=st.sampled_from((PAGE, None)),
    download_url=st.sampled_from((FILE, None)),
    format=st.sampled_from(codes["format"]),
    format_raw=texts,
    media_type=st.sampled_from(("text/csv", "nonsense", None)),
    size_bytes=st.sampled_from((0, 5, None)),
    rows=st.sampled_from((0, 5, None)),
    licence=st.sampled_from(codes["licence"]),
    licence_raw=texts,
    rights=texts,
    issued=instants,
    modified=instants,
    unread=st.dictionaries(st.sampled_from(("access_url", "size_bytes", "issued", "format_raw")), st.text(max_size=3)),
)
datasets = st.builds(
    whole,
    title=st.text(max_size=20),
    description=texts,
    publisher=st.sampled_from((None, Publisher(id="p", name="某局"), Publisher(id="q", name="馆", institution_type="library"))),
    contact=st.none(),
    region=st.sampled_from(("330100", "nowhere", None)),
    region_inferred_from=st.sampled_from(("source", None)),
    themes=st.sampled_from(((), ("transport",))),
    themes_raw=st.sampled_from(((), ("杂项",))),
    keywords=st.lists(st.text(max_size=3), max_size=40).map(tuple),
    columns=st.sampled_from(((), (Column(name="a"),))),
    openness=st.sampled_from(codes["openness"]),
    openness_raw=texts,
    frequency=st.sampled_from(codes["frequency"]),
    frequency_raw=texts,
    licence=st.sampled_from(codes["licence"]),
    licence_raw=texts,
    issued=instants,
    modified=instants,
    data_modified=instants,
    distributions=st.lists(distributions, max_size=3).map(tuple),
    rows=st.sampled_from((None, 0, 10)),
    unread=st.dictionaries(st.sampled_from(("places", "periods", "publisher", "contact", "issued")), st.text(max_size=3)),
    violations=st.sampled_from(((), ("dct:title sh:minCount",), ("dct:language sh:nodeKind",))),
)
states = st.sampled_from((None, *LinkState))


@settings(max_examples=25, deadline=None)
@given(datasets, states, states, instants, instants)
def test_every_dataset_finds_a_verdict_and_a_reason_in_both_languages(
    dataset: Dataset, file: LinkState | None, page: LinkState | None, read: datetime | None, believed: datetime | None
) -> None:
    links = {url: link(url, state) for url, state in ((FILE, file), (PAGE, page)) if state is not None}
    for rules in packaged():
        for found in evidence(seen(dataset, links=links, read=read, believed=believed), rules).values():
            assert reason(found, "zh") and reason(found, "en")


@settings(max_examples=25, deadline=None)
@given(datasets, states, states)
def test_a_verdict_holds_until_the_moment_it_names(dataset: Dataset, file: LinkState | None, page: LinkState | None) -> None:
    links = {url: link(url, state) for url, state in ((FILE, file), (PAGE, page)) if state is not None}
    for rules in packaged():
        now = evidence(seen(dataset, links=links), rules)
        for days in (1, 3, 10, 40, 100, 400):
            later = DAY + timedelta(days=days)
            then = evidence(seen(dataset, links=links, day=later), rules)
            due = [found.until for found in now.values() if found.until is not None]
            if not due or later <= min(due):
                assert {id: found.verdict for id, found in now.items()} == {id: found.verdict for id, found in then.items()}


def better(dataset: Dataset) -> dict[str, Dataset]:
    """The dataset with one thing done to it that anyone would call better."""
    open_licence = {"licence": "cc-by-4.0", "licence_raw": "CC BY 4.0"}
    return {
        "licence": replace(dataset, **open_licence),
        "description": replace(dataset, description="字" * 120),
        "title": replace(dataset, title="公共汽车站点一览"),
        "keywords": replace(dataset, keywords=("公交", "站点")),
        "fields": replace(dataset, columns=whole().columns),
        "contact": replace(dataset, contact=whole().contact),
        "frequency, kept": replace(dataset, frequency="monthly", frequency_raw="每月", modified=DAY, data_modified=DAY),
        "open": replace(dataset, openness="unconditional", openness_raw="无条件开放"),
        "theme": replace(dataset, themes=("transport",), themes_raw=("交通运输",)),
        "period": replace(dataset, periods=whole().periods),
        "file": replace(dataset, distributions=(*dataset.distributions, CSV)),
        "licences of all": replace(
            dataset, distributions=tuple(replace(each, **open_licence) for each in dataset.distributions)
        ),
        "data": replace(dataset, rows=10),
    }


def _point(datasets: list[Dataset], links: dict[str, Link], layout: Layout, rules: RuleSet) -> float:
    vectors = [assessed(seen(dataset, links=links), layout).vector for dataset in datasets]
    counts = scoring.lanes(scoring.packed(sum(map(scoring.spread, vectors)), layout))
    return scoring.score(counts, rules, layout, is_department=True).point or 0


@settings(max_examples=25, deadline=None)
@given(datasets, st.sampled_from(("licence", *better(whole()))))
def test_what_anyone_calls_better_never_lowers_a_score_by_any_rule_set(dataset: Dataset, what: str) -> None:
    layout = standard_layout()
    improved = better(dataset)[what]
    for rules in layout.rule_sets:
        for others in ([], [whole(id="hang000000000002")]):
            before = _point([dataset, *others], working(), layout, rules)
            after = _point([improved, *others], working(), layout, rules)
            assert after >= before - 1e-9, (rules.id, what)


def test_working_links_are_what_the_samples_have() -> None:
    assert set(working()) == {FILE, PAGE}
