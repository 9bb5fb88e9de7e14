"""Charts: every figure stands in words beside its drawing, and what was not measured is never a zero."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from flask.testing import FlaskClient
from lxml import html
from msgspec.structs import replace

from portal.web.charts import Bar, Bars, Cell, Heading, Heat, Point, Trend
from portal.web.notation import whole_percent
from portal.web.scales import FIFTHS, SCORES, Scale, Steps, scale, steps_of_counts
from portal.web.tiles import map_of_datasets, tile_map
from tests.portal.web.town import page

Draw: TypeAlias = Callable[..., html.HtmlElement]

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def draw(client: FlaskClient) -> Draw:
    """Calls a macro of ``charts.html`` in a language."""

    def drawn(macro: str, *values: object, language: str = "zh", **named: object) -> html.HtmlElement:
        environ = {"nachuan.language": language, "nachuan.mount": ""}
        with client.application.test_request_context("/", environ_overrides=environ):
            module: Any = client.application.jinja_env.get_template("charts.html").module
            return html.fromstring(f"<div>{getattr(module, macro)(*values, **named)}</div>")

    return drawn


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def rows(drawing: html.HtmlElement) -> list[list[str]]:
    return [[words(cell) for cell in row.xpath("th|td")] for row in drawing.xpath(".//tbody/tr")]


def bars(*some: Bar, scale: Scale = SCORES) -> Bars:
    return Bars(title="各维度得分", things="维度", measure="得分", bars=some, scale=scale)


def trend(*points: Point, scale: Scale = SCORES) -> Trend:
    return Trend(id="score", title="得分的变化", times="月份", measure="得分", points=points, scale=scale)


def months(*values: float | None, methods: str = "") -> tuple[Point, ...]:
    return tuple(
        Point(when=f"{month}月", value=value, method=methods[month - 1] if methods else None)
        for month, value in enumerate(values, 1)
    )


# Scales and steps


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((12_345, 4_321, 0), (0, 5000, 10_000, 15_000)),
        ((3,), (0, 1, 2, 3)),
        ((0.31, 0.05), (0, 0.1, 0.2, 0.3, 0.4)),
        ((-5, 10, None), (-5, 0, 5, 10)),
        ((0, None), (0, 1)),
        ((), (0, 1)),
    ],
)
def test_a_scale_starts_at_zero_holds_every_value_and_has_round_ticks(
    values: tuple[float | None, ...], ticks: tuple[float, ...]
) -> None:
    found = scale(values)
    assert found.ticks == ticks and (found.low, found.high) == (ticks[0], ticks[-1])


def test_a_value_beyond_its_scale_is_an_error_and_not_a_bar_of_full_length() -> None:
    with pytest.raises(ValueError, match="101 is not between 0 and 100"):
        SCORES.at(101)


def test_steps_of_counts_have_round_limits_and_the_most_is_in_the_last() -> None:
    assert steps_of_counts(39_401) == Steps((2000, 6000, 10_000, 30_000))
    for most in (1, 2, 3, 5, 26, 99, 100, 12_345, 370_320):
        steps = steps_of_counts(most)
        assert list(steps.limits) == sorted(set(steps.limits)) and len(steps.limits) <= 4
        assert steps.step(1) == 1 and steps.step(most) == len(steps.limits) + 1


def test_a_limit_belongs_to_the_step_that_names_it() -> None:
    assert [FIFTHS.step(value) for value in (0, 20, 20.1, 80, 100)] == [1, 1, 2, 4, 5]


# Bars


def test_a_bar_stands_in_a_table_with_its_figure_its_peers_and_what_was_measured(draw: Draw) -> None:
    drawing = draw(
        "bars",
        bars(
            Bar(label="可发现", value=82.5, peers=(55, 90), href="/zh/a"),
            Bar(label="可获取", value=70.0, bounds=(56, 76), measured=0.8),
        ),
    )
    assert rows(drawing) == [
        ["可发现", "", "82.5", "同类范围 55–90", "已测 100%"],
        ["可获取", "", "70", "", "已测 80%"],
    ]
    assert drawing.xpath("string(.//caption)") == "各维度得分"
    assert drawing.xpath(".//tbody//th/a/@href") == ["/zh/a"]


def test_what_was_not_measured_of_a_bar_is_hatched_after_what_was_reached_and_holds_its_mark(draw: Draw) -> None:
    drawing = draw("bars", bars(Bar(label="可获取", value=70, bounds=(56, 76), measured=0.8)))
    (svg,) = drawing.xpath(".//td/svg")
    (solid,), (hatched,), (mark,) = (svg.xpath(f"*[@class='{name}']") for name in ("solid", "hatched", "mark"))
    assert solid.get("width") == hatched.get("x") == "56%" and hatched.get("width") == "20%"
    assert mark.get("x1") == mark.get("x2") == "70%" and hatched.get("fill") == "url(#hatching)"


def test_a_bar_without_a_value_is_hatched_throughout_and_says_so(draw: Draw) -> None:
    drawing = draw("bars", bars(Bar(label="可信", value=None), Bar(label="及时", value=0)), language="en")
    nothing, zero = drawing.xpath(".//tbody/tr")
    assert nothing.xpath(".//*[@class='hatched']/@width") == ["100%"] and not nothing.xpath(".//*[@class='mark']")
    assert [cell[2] for cell in rows(drawing)] == ["not measured", "0"]
    assert not zero.xpath(".//*[@class='hatched']")


def test_bars_that_are_only_counts_have_neither_peers_nor_shares_nor_a_key(draw: Draw) -> None:
    drawing = draw("bars", bars(Bar(label="水务局", value=12_345), scale=scale((12_345,))))
    assert rows(drawing) == [["水务局", "", "12,345"]] and not drawing.xpath(".//ul")


# Trends


def test_no_line_of_a_trend_crosses_a_gap_or_a_change_of_method() -> None:
    chart = trend(*months(40, 44, None, 52, 60, 61, methods="111122"))
    assert [(one, other) for one, _, other, _ in chart.lines] == [(0, 1), (4, 5)]
    assert list(chart.gaps) == [("30%", "20%")]
    assert list(chart.changes) == [(4, "2")]


def test_a_gap_at_either_end_reaches_the_edge_and_one_without_any_value_is_everything() -> None:
    assert list(trend(*months(None, 1, None, None, 2, None)).gaps) == [("0%", "10%"), ("30%", "40%"), ("90%", "10%")]
    assert list(trend(*months(None, None, None)).gaps) == [("0%", "100%")]
    assert list(trend(*months(None)).gaps) == [("0%", "100%")]


def test_a_trend_draws_every_value_at_its_place_and_none_for_what_was_not_measured(draw: Draw) -> None:
    drawing = draw("trend", trend(*months(0, None, 100)))
    dots = drawing.xpath(".//*[@class='dot']")
    assert [(dot.get("cx"), dot.get("cy")) for dot in dots] == [("0%", "168"), ("100%", "0")]
    assert [words(dot) for dot in dots] == ["1月：0", "3月：100"]
    assert len(drawing.xpath(".//*[@class='gap']")) == 1 and not drawing.xpath(".//*[@class='line']")


def test_the_table_of_a_trend_says_all_that_is_drawn_the_newest_first(draw: Draw) -> None:
    points = (
        Point(when="1月", value=40, method="1.0", href="/zh/runs/1"),
        Point(when="2月", value=None, method="1.0", note="平台无法访问"),
        Point(when="3月", value=None, method="1.1"),
        Point(when="4月", value=52.5, method="1.1"),
    )
    drawing = draw("trend", trend(*points))
    assert rows(drawing) == [["4月", "52.5", "1.1"], ["3月", "未测", "1.1"], ["2月", "平台无法访问", "1.0"], ["1月", "40", "1.0"]]
    assert drawing.xpath(".//tbody//a/@href") == ["/zh/runs/1"]


def test_a_trend_is_told_to_who_cannot_see_it(draw: Draw) -> None:
    drawing = draw("trend", trend(*months(40, 60, 52.5)), language="en")
    (svg,) = drawing.xpath(".//svg[@role='img']")
    told = [words(drawing.get_element_by_id(id)) for id in svg.get("aria-labelledby").split()]
    assert told == ["得分的变化", "From 1月 to 3月: lowest 40, highest 60; the newest, of 3月, is 52.5."]
    assert words(draw("trend", trend(*months(None, None)), language="en").xpath(".//desc")[0]) == "not measured"


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 12, 30, 365])
def test_the_dates_of_a_trend_are_few_apart_and_have_the_first_and_the_last(count: int) -> None:
    dated = trend(*months(*range(count)), scale=scale((count,))).dated
    assert dated[0] == 0 and dated[-1] == count - 1 and len(dated) <= 5 and list(dated) == sorted(set(dated))


def test_a_trend_of_nothing_says_that_nothing_was_measured(draw: Draw) -> None:
    drawing = draw("trend", trend())
    assert words(drawing.xpath(".//desc")[0]) == "未测" and rows(drawing) == []


def test_points_lie_where_their_time_is() -> None:
    chart = trend(Point(when="a", at=0, value=1), Point(when="b", at=0.1, value=None), Point(when="c", at=1, value=2))
    assert [chart.x(place) for place in range(3)] == ["0%", "10%", "100%"]
    assert list(chart.gaps) == [("5%", "50%")]


def bounded(*values: float | None, methods: str = "") -> tuple[Point, ...]:
    return tuple(
        replace(one, bounds=None if one.value is None else (one.value - 10, one.value + 10))
        for one in months(*values, methods=methods)
    )


def test_the_bounds_of_points_in_a_row_are_one_area_that_crosses_no_gap_and_no_change_of_method(draw: Draw) -> None:
    chart = trend(*bounded(40, 50, None, 60, 70, 80, methods="111122"))
    assert list(chart.bands) == ["0,84 20,67.2 20,100.8 0,117.6", "80,33.6 100,16.8 100,50.4 80,67.2"]
    assert list(chart.ranges) == [(3, 50, 70)]
    drawing = draw("trend", chart)
    assert len(drawing.xpath(".//*[@class='band']")) == 3  # two areas, and one in the key
    assert [row[2] for row in rows(drawing)] == ["70–90", "60–80", "50–70", "", "40–60", "30–50"]
    assert [words(one) for one in drawing.xpath(".//ul[@class='key']/li")] == ["得分", "上下界", "未测", "评估方法换版"]


def test_of_many_points_in_a_line_only_those_that_say_more_are_dots() -> None:
    many = list(months(*([50.0] * 40)))
    many[10] = replace(many[10], mark="2026H1")
    many[20] = many[22] = replace(many[20], value=None)
    assert [place for place, _ in trend(*many).dots] == [10, 21, 39]
    assert len(list(trend(*many[:20]).dots)) == 20


def test_a_mark_is_written_beside_its_point_and_in_the_table(draw: Draw) -> None:
    points = (*months(40), Point(when="6月", value=50, mark="2026H1", href="/zh/p"))
    drawing = draw("trend", trend(*points))
    assert [words(one) for one in drawing.xpath(".//*[@class='marked']")] == ["2026H1"]
    assert rows(drawing)[0][0] == "6月 2026H1" and drawing.xpath(".//tbody//a/@href") == ["/zh/p"]


def test_changes_of_method_are_all_drawn_and_named_where_their_names_have_room(draw: Draw) -> None:
    at = dict(zip("abcdef", (0, 0.4, 0.45, 0.5, 0.9, 1)))
    points = (Point(when=when, at=share, value=1, method=method) for (when, share), method in zip(at.items(), "012344"))
    drawing = draw("trend", trend(*points))
    assert len(drawing.xpath(".//svg/*[local-name()='line'][@class='change']")) == 4
    assert [words(one) for one in drawing.xpath(".//*[local-name()='text'][@class='change']")] == ["方法 1", "方法 2", "方法 4"]


def test_no_two_dates_of_a_trend_run_together() -> None:
    for shares in ([0, 0.5, 0.96, 1], [0, 0.02, 0.1, 1], [place**3 / 1000 for place in range(11)]):
        chart = trend(*(Point(when=str(at), at=at, value=1) for at in shares))
        ats = [shares[place] for place in chart.dated]
        assert all(other - one >= 0.15 for one, other in pairwise(ats)) and ats[0] == 0 and ats[-1] == 1


# Intervals


def test_an_interval_is_a_dot_on_a_range_with_its_figures_in_words(draw: Draw) -> None:
    (svg,) = draw("interval", SCORES, str, 71.4, 65, 78.2, language="en").xpath("svg")
    assert svg.get("aria-label") == "71.4 (65 to 78.2)"
    assert [(line.get("x1"), line.get("x2")) for line in svg.xpath("*[@class='range']")] == [("65%", "78.2%")]
    assert svg.xpath("*[@class='dot']/@cx") == ["71.4%"]


def test_a_value_whose_interval_is_not_known_is_a_dot_and_one_not_measured_is_hatched(draw: Draw) -> None:
    (dot,), (nothing,) = (draw("interval", SCORES, str, value).xpath("svg") for value in (50, None))
    assert dot.get("aria-label") == "50" and not dot.xpath("*[@class='range']")
    assert nothing.get("aria-label") == "未测" and not nothing.xpath("*[@class='dot']")
    assert nothing.xpath("*[@class='hatched']/@width") == ["100%"]


# Heat maps and the map


def test_a_heat_map_has_every_figure_on_its_shade_and_says_what_was_not_measured(draw: Draw) -> None:
    cells = (Cell(0), Cell(20, "/zh/e"), Cell(96.25), Cell(None, note="平台无法访问"), Cell(None))
    chart = Heat(
        title="部门与指标",
        things=Heading("部门"),
        columns=tuple(Heading(f"指标{number}") for number in range(5)),
        rows=((Heading("市水务局", "/zh/p"), cells),),
        steps=FIFTHS,
    )
    drawing = draw("heat", chart)
    assert rows(drawing) == [["市水务局", "0", "20", "96.2", "–平台无法访问", "–未测"]]
    assert drawing.xpath(".//td/@class") == ["step1", "step1", "step5", "unread", "unread"]
    assert drawing.xpath(".//tbody//a/@href") == ["/zh/p", "/zh/e"]
    key = [words(one) for one in drawing.xpath(".//ul[@class='key']/li")]
    assert key == ["≤ 20", "≤ 40", "≤ 60", "≤ 80", "> 80", "未测"]


def test_the_map_has_34_provinces_each_in_a_place_of_its_own() -> None:
    tiles = tile_map({}, FIFTHS).tiles
    assert len(tiles) == 34 == len({(tile.column, tile.row) for tile in tiles})
    assert {"810000", "820000", "710000"} <= {tile.region.code for tile in tiles}
    assert [(int(tile.row), int(tile.column)) for tile in tiles] == sorted(
        (int(tile.row), int(tile.column)) for tile in tiles
    )


def test_a_province_that_was_read_and_has_nothing_is_not_one_that_was_never_read() -> None:
    tiles = {tile.region.code: tile for tile in map_of_datasets({"330000": 26}, {"440000"}).tiles}
    assert [(tiles[code].value, tiles[code].step) for code in ("330000", "440000", "150000")] == [
        (26, 5),
        (0, 0),
        (None, 0),
    ]


def test_a_province_whose_score_is_nothing_has_the_lightest_shade_of_the_key() -> None:
    tiles = {tile.region.code: tile.step for tile in tile_map({"330000": 0.0, "440000": 100.0}, FIFTHS).tiles}
    assert (tiles["330000"], tiles["440000"], tiles["150000"]) == (1, 5, 0)


def test_the_key_of_the_map_gives_its_limits_in_figures(client: FlaskClient) -> None:
    key = [words(one) for one in page(client, "/en/").xpath("//ul[@class='key']/li")]
    assert key == ["≤ 1", "≤ 4", "≤ 9", "≤ 20", "> 20", "not harvested yet"]


def test_a_heat_map_has_figures_an_order_blank_cells_and_all_rows_together(draw: Draw) -> None:
    chart = Heat(
        title="通过率",
        things=Heading("部门", "/zh/by-name"),
        figures=Heading("得分", order="descending"),
        columns=(Heading("许可", "/zh/by-licence"), Heading("接口")),
        rows=((Heading("水务局", figure="71.4"), (Cell(62, "/zh/fails", "通过 5，未通过 3"), Cell(None, is_asked=False))),),
        whole=(Heading("合计", figure="60"), (Cell(50), Cell(None, "/zh/unknown", "未测得 4"))),
        steps=FIFTHS,
    )
    drawing = draw("heat", chart)
    assert [(words(th), th.get("aria-sort")) for th in drawing.xpath(".//thead//th")] == [
        ("部门", None), ("得分", "descending"), ("许可", None), ("接口", None),
    ]
    assert drawing.xpath(".//thead//a/@href") == ["/zh/by-name", "/zh/by-licence"]
    assert rows(drawing) == [["水务局", "71.4", "62", "–未测"]]
    assert drawing.xpath(".//tbody//td/@class") == ["figure", "step4", "unasked"]
    assert drawing.xpath(".//tbody//td/a/@title") == ["通过 5，未通过 3"]
    assert [words(cell) for cell in drawing.xpath(".//tfoot//td")] == ["60", "50", "–未测得 4"]
    assert words(drawing.xpath(".//ul[@class='key']/li[last()]")[0]) == "–不适用"


def test_the_key_of_a_heat_map_writes_its_limits_as_the_cells_are_written(draw: Draw) -> None:
    shares = Steps((0.2, 0.4, 0.6, 0.8))
    drawing = draw("heat", Heat(
        title="通过率（%）", things=Heading("部门"), columns=(Heading("许可"),), rows=((Heading("水务局"), (Cell(0.62),)),),
        steps=shares, written=whole_percent,
    ))
    assert rows(drawing) == [["水务局", "62"]]
    key = [words(one) for one in drawing.xpath(".//ul[@class='key']/li")]
    assert key == ["≤ 20", "≤ 40", "≤ 60", "≤ 80", "> 80", "未测"]


# All of them


@pytest.mark.parametrize("macro", ["bars", "trend", "heat"])
def test_no_name_in_a_chart_becomes_markup(draw: Draw, macro: str) -> None:
    charts = {
        "bars": Bars(
            title=HOSTILE, things=HOSTILE, measure=HOSTILE, bars=(Bar(label=HOSTILE, value=1),), scale=SCORES
        ),
        "trend": Trend(
            id="x",
            title=HOSTILE,
            times=HOSTILE,
            measure=HOSTILE,
            points=(
                Point(when=HOSTILE, value=1, method=HOSTILE),
                Point(when=HOSTILE, value=None, method="<b>", note=HOSTILE),
            ),
            scale=SCORES,
        ),
        "heat": Heat(
            title=HOSTILE,
            things=Heading(HOSTILE),
            columns=(Heading(HOSTILE),),
            rows=((Heading(HOSTILE), (Cell(None, note=HOSTILE),)),),
            steps=FIFTHS,
        ),
    }
    drawing = draw(macro, charts[macro])
    assert not drawing.xpath(".//script|.//b") and HOSTILE in drawing.text_content()


@pytest.mark.parametrize("macro", ["bars", "trend", "heat"])
def test_no_chart_carries_a_style_of_its_own(draw: Draw, macro: str) -> None:
    charts = {
        "bars": bars(Bar(label="可信", value=None, peers=(1, 2))),
        "trend": trend(*months(1, None, 2, methods="112")),
        "heat": Heat(title="图", things=Heading("部门"), columns=(), rows=(), steps=FIFTHS),
    }
    drawing = draw(macro, charts[macro])
    assert not drawing.xpath(".//@style|.//style")
