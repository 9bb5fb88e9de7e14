"""MQA where its published sources differ: each reading is an option, and the golden cases of both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

import schemas
from portal.catalog.model import Dataset, Distribution, Link, LinkState
from portal.scorecard import cards, scoring
from portal.scorecard.assess import standard_layout
from portal.scorecard.rules import RuleSet, load, parse
from portal.scorecard.scoring import Score
from portal.scorecard.subjects import Subject
from portal.scorecard.vectors import Layout, assessed
from portal.scorecard.verdicts import Verdict
from tests.portal.scorecard.samples import CSV, FILE, PAGE, link, points, seen, verdicts, whole

BARE = Dataset(id="hang000000000001", source_id="hangzhou", source_key="1", title="")


def read(**changes: tuple[str, str]) -> RuleSet:
    """MQA with words of its file replaced."""
    text = schemas.scorecard("mqa")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return parse(text, "mqa")


def score(subject: Subject, rules: RuleSet) -> Score:
    layout = Layout.of([rules])
    counts = scoring.packed(scoring.spread(assessed(subject, layout).vector), layout)
    return scoring.score(scoring.lanes(counts), rules, layout, is_department=False)


def test_an_empty_record_earns_nothing_and_is_bad() -> None:
    mqa = load("mqa")
    found = score(seen(BARE, links={}), mqa)
    assert found.point == 0
    rating = cards.band(mqa, found.point)
    assert rating is not None and rating.id == "bad"


def test_a_whole_record_earns_405_and_is_excellent() -> None:
    mqa = load("mqa")
    found = score(seen(), mqa)
    assert (found.point, found.low, found.high) == (405, 405, 405)
    rating = cards.band(mqa, found.point)
    assert rating is not None and rating.id == "excellent"


@pytest.mark.parametrize(
    "point,prose,code", [(119, "bad", "bad"), (120, "bad", "sufficient"), (121, "sufficient", "sufficient")]
)
def test_the_band_of_120_is_as_it_is_read(point: float, prose: str, code: str) -> None:
    by_code = read(band=("least = 121", "least = 120"))
    for rules, expected in ((load("mqa"), prose), (by_code, code)):
        rating = cards.band(rules, point)
        assert rating is not None and rating.id == expected


def test_a_redirect_is_success_only_where_it_is_read_so() -> None:
    moved = {FILE: link(FILE, status=301), PAGE: link(PAGE, status=301)}
    assert points(seen(links=moved), "mqa") == 405 - 50 - 30
    assert score(seen(links=moved), read(most=("most = 299", "most = 399"))).point == 405


# One distribution answers and has a download address (100 of accessibility, no format); the other has formats and no address
# that answers. By the code the first or the second counts whole; by the prose each dimension takes its own best.
REACHED = Distribution(id="1", access_url=PAGE, download_url=FILE)
FORMED = replace(CSV, id="2", access_url="https://data.hangzhou.gov.cn/gone", download_url=None)


def test_one_distribution_counts_by_the_code_and_the_best_of_each_dimension_by_the_prose() -> None:
    dataset = whole(distributions=(REACHED, FORMED), issued=None, modified=None)
    links = {FILE: link(FILE), PAGE: link(PAGE), FORMED.access_url or "": link("gone", LinkState.GONE)}
    # Dataset: 100 + 30 + 10 + 5 + 20 + 10 = 175. First: 100 of accessibility. Second: 80 + 30 + 20 = 130.
    assert score(seen(dataset, links=links), load("mqa")).point == 175 + 130
    prose = read(best=('distributions = "best"', 'distributions = "best_by_dimension"'))
    assert score(seen(dataset, links=links), prose).point == 175 + 100 + 130


def test_a_distribution_that_may_turn_out_better_is_within_the_bounds() -> None:
    # The first surely has 50 + 20 + 30 = 100. The second surely has 80, and perhaps 50 and 20 of an address never asked for.
    first = Distribution(id="1", access_url=PAGE, download_url=FILE)
    second = Distribution(
        id="2", access_url="https://never.asked/", format="csv", format_raw=CSV.format_raw,
        media_type="text/csv", media_type_raw="text/csv",
    )
    dataset = whole(distributions=(first, second), issued=None, modified=None)
    found = score(seen(dataset), load("mqa"))
    assert found.point == found.low == 175 + 100
    turned_out = {FILE: link(FILE), PAGE: link(PAGE), "https://never.asked/": link("https://never.asked/")}
    after = score(seen(dataset, links=turned_out), load("mqa"))
    assert after.point == 175 + 130
    assert found.high >= 175 + 130
    assert verdicts(seen(dataset), "mqa")["formatAvailability"] is Verdict.UNKNOWN


def test_dates_of_the_dataset_stand_for_those_of_the_distribution() -> None:
    bare = replace(CSV, issued=None, modified=None)
    assert points(seen(whole(distributions=(bare,))), "mqa") == 405
    assert points(seen(whole(distributions=(bare,), issued=None)), "mqa") == 400
    assert points(seen(whole(issued=None, modified=None)), "mqa") == 405


def test_a_licence_of_no_list_costs_ten_and_none_costs_thirty() -> None:
    own = replace(CSV, licence=None, licence_raw="https://hangzhou.example/licence")
    assert points(seen(whole(distributions=(own,))), "mqa") == 395
    none = replace(CSV, licence=None, licence_raw=None)
    assert points(seen(whole(distributions=(none,))), "mqa") == 375
    of_dataset = read(own=("of_dataset = false", "of_dataset = true"))
    assert score(seen(whole(distributions=(none,))), of_dataset).point == 405


NAMELESS: dict[str, Any] = {"format": None, "format_raw": None, "media_type": None, "media_type_raw": None}


def test_a_format_that_is_missing_costs_points_by_the_vocabulary_of_2019() -> None:
    by_2019 = read(fail=("fail = 0", "fail = -5"))
    nameless = whole(distributions=(replace(CSV, **NAMELESS),))
    # Format 20, media type 10, both of the lists 10, open 20, machine-readable 20.
    assert score(seen(nameless), load("mqa")).point == 405 - 80
    found = score(seen(nameless), by_2019)
    assert (found.point, found.low, found.high) == (405 - 80 - 10, 405 - 80 - 10, 405 - 80 - 10)
    assert score(seen(whole()), by_2019).point == 405


def test_what_is_not_there_is_charged_for_nothing() -> None:
    by_2019 = read(fail=("fail = 0", "fail = -5"))
    bare = whole(distributions=())
    assert score(seen(bare), by_2019).point == score(seen(bare), load("mqa")).point == 175 + 10


def test_what_a_missing_format_costs_decides_which_distribution_is_best() -> None:
    # The first works at both addresses and names no format: 100 points, 90 with the charge. The second names all of it, with
    # rights, size and a date of issue, at an address that is gone: 95.
    reached = Distribution(id="1", access_url=PAGE, download_url=FILE)
    formed = replace(FORMED, licence=None, licence_raw=None, modified=None)
    dataset = whole(distributions=(reached, formed), issued=None, modified=None)
    links = {FILE: link(FILE), PAGE: link(PAGE), FORMED.access_url or "": link("gone", LinkState.GONE)}
    assert score(seen(dataset, links=links), load("mqa")).point == 175 + 100
    assert score(seen(dataset, links=links), read(fail=("fail = 0", "fail = -5"))).point == 175 + 95


def test_a_format_or_a_media_type_on_the_list_is_enough() -> None:
    zipped = replace(CSV, format="zip", format_raw="ZIP")
    found = verdicts(seen(whole(distributions=(zipped,))), "mqa")
    assert found["formatMediaTypeMachineInterpretable"] is Verdict.PASS
    assert verdicts(seen(whole(distributions=(replace(zipped, media_type="application/zip"),))), "mqa")[
        "formatMediaTypeMachineInterpretable"
    ] is Verdict.FAIL


STATED = ("keywords", "themes_raw", "places", "periods", "access_rights", "contact", "publisher")
OF_A_DISTRIBUTION = (
    "download_url", "format_raw", "media_type_raw", "licence_raw", "rights", "size_bytes", "issued", "modified",
)


def test_what_is_stated_earns_its_points_though_nobody_can_read_it() -> None:
    nothing = replace(BARE, title="t", description="d", distributions=(Distribution(id="1", access_url=PAGE),))
    assert points(seen(nothing, links={}), "mqa") == 30
    said = replace(
        nothing,
        unread=dict.fromkeys(STATED, "?"),
        distributions=(Distribution(id="1", access_url=PAGE, unread=dict.fromkeys(OF_A_DISTRIBUTION, "?")),),
    )
    # Findability 100, DCAT-AP 30, access rights 10, contact 20, publisher 10; the distribution 20, 20, 10, 20, four fives.
    assert points(seen(said, links={}), "mqa") == 170 + 90


def test_where_a_rule_set_does_not_say_so_only_what_is_read_counts() -> None:
    assert verdicts(seen(whole(places=(), region=None, unread={"places": "?"})))["place"] is Verdict.FAIL


def test_the_date_of_a_dataset_that_nobody_can_read_stands_for_the_distributions() -> None:
    bare = replace(CSV, issued=None, modified=None)
    assert points(seen(whole(distributions=(bare,), issued=None, unread={"issued": "06/05/2009"})), "mqa") == 405


def test_a_record_in_rdf_that_breaks_a_rule_is_no_dcat_ap_unless_only_what_is_mandatory_is_asked_for() -> None:
    broken = seen(whole(violations=("dct:language sh:nodeKind",)))
    assert points(broken, "mqa") == 375
    assert score(broken, read(shapes=("shapes = true", "shapes = false"))).point == 405


def test_an_unknown_link_is_unknown_and_counts_nothing() -> None:
    found = score(seen(links={}), load("mqa"))
    assert (found.point, found.low, found.high) == (325, 325, 405)
    assert verdicts(seen(links={}), "mqa")["accessUrlStatusCode"] is Verdict.UNKNOWN


def test_rights_are_no_licence() -> None:
    rights_only: dict[str, Any] = {"licence": None, "licence_raw": "可自由使用", "rights": "可自由使用"}
    assert points(seen(whole(distributions=(replace(CSV, **rights_only),))), "mqa") == 375


def test_flags_say_what_is_played_with() -> None:
    layout = standard_layout()

    def flags(dataset: Dataset, links: dict[str, Link], **given: Any) -> set[str]:
        vector = assessed(seen(dataset, links=links, **given), layout).vector
        counts = scoring.lanes(scoring.packed(scoring.spread(vector), layout))
        return {name for name, count in scoring.flags(counts).items() if count}

    fine = {FILE: link(FILE), PAGE: link(PAGE)}
    assert flags(whole(), fine) == {"counted", "effective"}
    assert flags(whole(rows=0), fine) == {"counted", "empty"}
    assert flags(whole(), fine, original="hang000000000009") == {"copy"}
    assert flags(whole(), {FILE: link(FILE, is_error_page=True), PAGE: link(PAGE)}) == {"counted", "effective", "error-page"}
    assert flags(whole(keywords=tuple(map(str, range(40)))), fine) == {"counted", "effective", "keywords-stuffed"}
    moved = datetime(2025, 1, 1, tzinfo=UTC)
    assert flags(whole(), fine, believed=moved) == {"counted", "effective", "dates-moved"}
