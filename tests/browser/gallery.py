"""Every chart with made-up values on one page; ``python -m tests.browser.gallery OUT`` draws its pictures to be looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TypeAlias

from flask import render_template_string
from werkzeug.serving import make_server

from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from portal.settings import Settings
from portal.web.app import create_app
from portal.web.charts import Bar, Bars, Cell, Heading, Heat, Point, Trend
from portal.web.languages import language
from portal.web.scales import FIFTHS, SCORES, scale
from portal.web.tiles import map_of_datasets, tile_map
from tests.browser.chromium import NARROW, chromium, window

SHARPNESS = 2
"""Pixels of a picture to one of the page."""

PAGE = """
{% extends "frame.html" %}
{% from "charts.html" import axis, bars, heat, interval, map, trend, unmeasured %}
{% block title %}{{ t("chart.drawing") }}{% endblock %}
{% block content %}
<h1>{{ t("chart.drawing") }}</h1>
{{ bars(dimensions) }}
{{ bars(counts) }}
{% for one in trends %}{{ trend(one) }}{% endfor %}
<div class="scrolling" tabindex="0" role="region" aria-label="{{ t('publishers.title') }}">
<table>
  <thead><tr>
    <th scope="col">{{ t("publishers.name") }}</th>
    <th>{{ axis(scores) }}<span class="unseen">{{ t("chart.drawing") }}</span></th>
    <th scope="col" class="figure">{{ t("chart.measured") }}</th>
  </tr></thead>
  <tbody>{% for name, value, low, high in ranks %}
  <tr>
    <th scope="row">{{ said(name) }}</th>
    <td>{{ interval(scores, numbers, value, low, high) }}</td>
    <td class="figure">{% if value is none %}{{ unmeasured() }}{% else %}{{ value|number }}{% endif %}</td>
  </tr>
  {% endfor %}</tbody>
</table>
</div>
<h2>{{ t("regions.title") }}</h2>
{{ heat(table) }}
<h2>{{ t("home.regions") }}</h2>
{{ map(tile_map, t("regions.unread")) }}
{{ map(scored, t("chart.unmeasured")) }}
{% endblock %}
"""

DEPARTMENTS = (
    ("市水务局", "Water Affairs Bureau"),
    ("市交通运输局", "Transport Bureau"),
    ("市规划和自然资源局", "Planning and Natural Resources Bureau"),
    ("市卫生健康委员会", "Health Commission"),
    ("市统计局", "Statistics Bureau"),
    ("市城市管理行政执法局", "Urban Management and Law Enforcement Bureau"),
)
INDICATORS = (
    ("按时更新", "Updated on time"),
    ("机器可读", "Machine-readable"),
    ("许可明确", "Licence stated"),
    ("字段说明", "Fields described"),
    ("链接可用", "Links work"),
    ("联系方式", "Contact given"),
    ("高价值覆盖", "High-value coverage"),
    ("免登录下载", "Download without login"),
)
VALUES: tuple[tuple[float | None, ...], ...] = (
    (96.2, 88, 100, 61.5, 79.9, 40, 12, 0),
    (20, 40, 60, 80, 100, 0, None, 33.3),
    (None,) * 8,
    (71.4, 65.1, None, 22.8, 91, 55, 48.7, 9.9),
    (5, 15, 25, 35, 45, 55, 65, 75),
    (99.9, None, 81, 80.1, 60.1, 40.1, 20.1, 0.1),
)


Score: TypeAlias = tuple[float | None, tuple[float, float] | None, float]
"""A value, its bounds, and the share that was measured."""


def said(pair: tuple[str, str]) -> str:
    return pair[0 if language() == "zh" else 1]


def dimensions() -> Bars:
    rows: tuple[tuple[tuple[str, str], Score, tuple[float, float] | None], ...] = (
        (("可发现", "Findable"), (82.5, None, 1.0), (55, 90)),
        (("可获取", "Accessible"), (71.4, (57.1, 77.1), 0.8), (40, 68)),
        (("可利用", "Usable"), (100, None, 1.0), (30, 100)),
        (("及时", "Timely"), (0, (0, 40), 0.6), (10, 75)),
        (("可信", "Trustworthy"), (None, (0, 100), 0), (20, 60)),
        (("回应公众对尚未开放数据的需求", "Answers what the public asks for and is not open yet"), (3.2, None, 1.0), None),
    )
    return Bars(
        title=said(("各维度得分", "Score by dimension")),
        things=said(("维度", "Dimension")),
        measure=said(("得分", "Score")),
        bars=tuple(
            Bar(label=said(label), value=value, bounds=bounds, measured=measured, peers=peers, href=f"#{number}")
            for number, (label, (value, bounds, measured), peers) in enumerate(rows)
        ),
        scale=SCORES,
    )


def counts() -> Bars:
    values = (12_345, 4_321, 980, 12, 0)
    return Bars(
        title=said(("各部门数据集", "Datasets by department")),
        things=said(("部门", "Department")),
        measure=said(("数据集", "Datasets")),
        bars=tuple(Bar(label=said(name), value=value) for name, value in zip(DEPARTMENTS, values)),
        scale=scale(values),
    )


def trends() -> list[Trend]:
    months = [said((f"2026年{month}月", f"{month:02}/2026")) for month in range(1, 12)]
    scores = (41.2, 44, 43.1, None, None, 52, 60.5, None, 71.4, 70.2, 74.9)
    methods = ("1.0",) * 6 + ("1.1",) * 3 + ("2.0",) * 2
    words = dict(times=said(("月份", "Month")), measure=said(("得分", "Score")))
    return [
        Trend(
            id="trend-scores",
            title=said(("得分的变化", "Score over time")),
            points=tuple(
                Point(when=when, value=value, method=method)
                for when, value, method in zip(months, scores, methods)
            ),
            scale=SCORES,
            **words,
        ),
        Trend(
            id="trend-bounds",
            title=said(("每天结束时的得分", "The score at the end of each day")),
            points=tuple(
                Point(
                    when=f"{day}",
                    at=day / 300,
                    value=value,
                    bounds=None if value is None else (value - spread, min(100, value + spread)),
                    method="1" if day < 210 else "2",
                    mark="2026H1" if day in (60, 180) else None,
                    href="#" if day in (60, 180) else None,
                )
                for day, value, spread in (
                    (0, 41.2, 12), (60, 44, 9), (61, None, 0), (149, None, 0), (150, 52, 9), (180, 55, 8), (200, 54, 8),
                    (210, 61, 6), (250, 66, 6), (280, 70, 4), (290, None, 0), (295, 71, 4), (300, 74.9, 3),
                )
            ),
            scale=SCORES,
            **words,
        ),
        Trend(
            id="trend-counts",
            title=said(("历次采集列出的记录", "Records listed by each harvest")),
            points=tuple(
                Point(when=when, value=value) for when, value in zip(months, (90_000, 120_500, 121_000, None, 370_320))
            ),
            scale=scale((90_000, 370_320)),
            **words,
        ),
        Trend(
            id="trend-one",
            title=said(("只测过一次", "Measured once")),
            points=(Point(when=months[0], value=3),),
            scale=scale((3,)),
            **words,
        ),
        Trend(
            id="trend-none",
            title=said(("从未测过", "Never measured")),
            points=tuple(Point(when=when, value=None) for when in months),
            scale=SCORES,
            **words,
        ),
    ]


def table() -> Heat:
    return Heat(
        title=said(("各部门各项指标", "Departments by indicator")),
        things=Heading(said(("部门", "Department")), "#name"),
        figures=Heading(said(("得分", "Score")), order="descending"),
        columns=tuple(Heading(said(name), f"#{number}") for number, name in enumerate(INDICATORS)),
        rows=tuple(
            (
                Heading(said(name), figure=f"{90 - row * 9:.1f}"),
                tuple(
                    Cell(value, f"#{value}" if row % 2 else None, "12 / 20", is_asked=value is not None or row > 3)
                    for value in values
                ),
            )
            for row, (name, values) in enumerate(zip(DEPARTMENTS, VALUES))
        ),
        whole=(Heading(said(("整体", "As a whole")), figure="66.6"), tuple(Cell(place * 12.5) for place in range(8))),
        steps=FIFTHS,
    )


def datasets() -> dict[str, int]:
    codes = [tile.region.code for tile in tile_map({}, FIFTHS).tiles]
    counts = {code: place * place * 41 for place, code in enumerate(codes) if code not in {"810000", "820000", "710000"}}
    return counts | {"440000": 138_888}


def gallery() -> str:
    """The page, within a request."""
    totals = datasets()
    return render_template_string(
        PAGE,
        dimensions=dimensions(),
        counts=counts(),
        trends=trends(),
        scores=SCORES,
        numbers=lambda value: f"{value:g}",
        ranks=[
            (said(name), *interval)
            for name, interval in zip(
                DEPARTMENTS,
                ((71.4, 65, 78.2), (98, 92.5, 100), (None, None, None), (40, 12, 55), (55.5, None, None), (0, 0, 6)),
            )
        ],
        table=table(),
        tile_map=map_of_datasets(totals, totals),
        scored=tile_map({code: place * 3.1 for place, code in enumerate(totals)}, FIFTHS),
    )


@contextmanager
def served() -> Iterator[str]:
    """The address of the gallery on loopback, without a language."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    app = create_app(Settings(secret_key="test"), catalog, MemoryIndex())
    app.add_url_rule("/gallery", "gallery", gallery)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = Thread(target=server.serve_forever, name="gallery", daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        catalog.close()


def main(out: Path) -> None:
    """Writes the pictures into ``out``: both languages, wide and narrow, light, dark, forced colours and paper."""
    out.mkdir(parents=True, exist_ok=True)
    with served() as site, chromium() as browser:
        for tongue in ("zh", "en"):
            for width in (1200, NARROW):
                for look, wishes in (
                    ("light", {}),
                    ("dark", {"color_scheme": "dark"}),
                    ("forced", {"forced_colors": "active", "color_scheme": "dark"}),
                ):
                    with window(browser, width=width, device_scale_factor=SHARPNESS, **wishes) as page:
                        page.goto(f"{site}/{tongue}/gallery")
                        page.screenshot(path=out / f"{tongue}-{width}-{look}.png", full_page=True)
            with window(browser) as page:
                page.goto(f"{site}/{tongue}/gallery")
                page.pdf(path=out / f"{tongue}.pdf", prefer_css_page_size=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
